# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Deeper: gradients that get noisier as the bound gets better
#
# Open in [Colab](https://colab.research.google.com/github/generative-models/executed/blob/v0.2.0/notebooks/deeper/02_bounds.ipynb) or on [Binder](https://mybinder.org/v2/gh/generative-models/executed/v0.2.0?urlpath=lab/tree/notebooks/deeper/02_bounds.ipynb).
#
# [Lesson 2](../02_reparameterization.ipynb) moves points to get a gradient, and praises how
# little that scatters. This page asks what the pathwise gradient still carries that it need
# not, and what becomes of it when the bound is tightened by many points.
#
# Everything is held against a model in which all is known: two hidden numbers, three
# channels, everything linear and normal.

# %% tags=["colab"] jupyter={"source_hidden": true}
# On Colab: fetch the course, install it, go to its folder. Elsewhere: nothing.
import importlib.util
import os
import shutil
import subprocess
import sys

if "google.colab" in sys.modules:
    address, tag = "https://github.com/generative-models/executed", "v0.2.0"
    course, half = "/content/course", "/content/half-a-course"
    if not os.path.exists(f"{course}/pyproject.toml"):
        shutil.rmtree(half, ignore_errors=True)
        clone = ["git", "clone", "--quiet", "--depth=1", "--branch", tag, address]
        subprocess.run([*clone, half], check=True)
        os.rename(half, course)
    os.chdir(f"{course}/notebooks/deeper")
    if importlib.util.find_spec("course_utils") is None:
        install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"]
        subprocess.run([*install, course], check=True)
        importlib.invalidate_caches()

# %% tags=["setup"] jupyter={"source_hidden": true}
# @title Set-up: what is imported
import matplotlib.pyplot as plt
import numpy as np
import torch
from torch.distributions import Normal

from course_utils.budget import budget
from course_utils.exact.linear_gaussian import LinearGaussian
from course_utils.figures.style import COLOURS, use_course_style

use_course_style()
rng = np.random.default_rng(0)

# %% [markdown]
# ## The model, and a guess at its posterior
#
# $p(z) = \mathcal N(0, I)$ and $p(x \mid z) = \mathcal N(Wz, s^2 I)$, with $s = 0.6$. The
# columns of $W$ are orthogonal, so the posterior is a product of two normals: one that a
# diagonal $q = \mathcal N(\mu, \mathrm{diag}(\sigma^2))$ can meet exactly.

# %%
repeats = budget(smoke=2_000, lecture=20_000, full=100_000)
W = np.array([[1.0, 0.8], [0.8, -1.0], [0.4, 0.0]])
s = 0.6
model = LinearGaussian(W, np.zeros(3), s)
x = np.array([1.5, -0.3, 0.9])
mean, covariance = model.posterior(x[None])
mean, width = mean[0], np.sqrt(np.diag(covariance))
assert abs(covariance[0, 1]) < 1e-12
print("posterior: means", mean.round(3), " widths", width.round(3))

# %% [markdown]
# Every bound here is built from **weights** $w = p(x, z)/q(z)$ at points
# $z = \mu + \sigma\epsilon$. We need three slopes, all by hand. With $r = x - Wz$:
#
# $$
# \nabla_z \log p(x, z) = \frac{W^\top r}{s^2} - z, \qquad
# \nabla_z \log q(z) = -\frac{\epsilon}{\sigma}, \qquad
# \frac{\partial \log p(x, z)}{\partial W_{11}} = \frac{r_1 z_1}{s^2} .
# $$


# %%
def slopes(mu, sigma, epsilon):
    """log w, its slope in z at a fixed q, that of log p in z, and of log p in W_11."""
    z = mu + sigma * epsilon
    r = x - z @ W.T
    log_p = -(r**2).sum(-1) / (2 * s**2) - (z**2).sum(-1) / 2  # and constants
    log_q = -(epsilon**2).sum(-1) / 2 - np.log(sigma).sum()
    p_slope = r @ W / s**2 - z
    return (
        log_p - log_q,
        p_slope + epsilon / sigma,
        p_slope,
        r[..., 0] * z[..., 0] / s**2,
    )


# %% tags=["proof"] jupyter={"source_hidden": true}
# @title The slopes are those of automatic differentiation, and log w that of the model
epsilon = rng.standard_normal((50, 2))
mu, sigma = mean + 0.2, 1.3 * width
log_w, w_slope, p_slope, W_slope = slopes(mu, sigma, epsilon)
z = torch.from_numpy(mu + sigma * epsilon).requires_grad_()
matrix = torch.from_numpy(W).requires_grad_()
log_p = Normal(z @ matrix.T, s).log_prob(torch.from_numpy(x)).sum(-1)
log_p = log_p + Normal(0.0, 1.0).log_prob(z).sum(-1)
log_q = Normal(torch.from_numpy(mu), torch.from_numpy(sigma)).log_prob(z).sum(-1)
(in_z,) = torch.autograd.grad((log_p - log_q).sum(), z, retain_graph=True)
assert np.allclose(in_z, w_slope, rtol=1e-10)
(in_z,) = torch.autograd.grad(log_p.sum(), z, retain_graph=True)
assert np.allclose(in_z, p_slope, rtol=1e-10)
(in_W,) = torch.autograd.grad(log_p.sum(), matrix)
assert np.isclose(in_W[0, 0], W_slope.sum(), rtol=1e-10)
exact = model.log_joint(np.repeat(x[None], 50, 0), z.detach().numpy())
exact = exact - log_q.detach().numpy()
assert np.allclose(exact - exact[0], log_w - log_w[0], atol=1e-10)
print("Checked against PyTorch and the exact model.")

# %% [markdown]
# ## Sticking the landing
#
# The ELBO is $\mathbb E_q[\log w]$. Its parameter $\mu$ stands in two places: in the point
# $z$, and in $\log q$ itself. Moved along the path, the slope of one estimate is
#
# $$
# \frac{d \log w}{d\mu}
# = \underbrace{\nabla_z \log w}_{\text{through the point}}
# \;-\; \underbrace{\nabla_\mu \log q(z)}_{\text{the score: mean zero}} .
# $$
#
# The second term is noise: its mean is zero for every $q$ (lesson 2). Why not leave it out?
# At $q =$ posterior, $w = p(x)$ is the same for every $z$ (lesson 1). So $\log w$ is flat,
# the first term is *exactly* zero at every point, and all scatter that the usual gradient
# has there is the score's.
#
# **Predict before you run.** We lead $q$ from afar into the posterior. Where do the two
# variances end?

# %%
epsilon = rng.standard_normal((repeats, 2))
away = np.linspace(0, 1, 11)
total, landing = [], []
for t in away:
    mu, sigma = mean + t * width, width * (1 + 0.5 * t)
    _, w_slope, p_slope, _ = slopes(mu, sigma, epsilon)
    # along the path log q(mu + sigma epsilon) does not change with mu
    total.append(p_slope[:, 0].var())
    landing.append(w_slope[:, 0].var())
print(f"at the posterior: usual {total[0]:.3f}, without the score {landing[0]:.1e}")

# %% tags=["proof"] jupyter={"source_hidden": true}
# @title Variances are what they should be; means agree
assert landing[0] < 1e-25  # rounding
# p_slope is linear in epsilon: -M sigma epsilon, M the posterior's precision
precision = 1 / width[0] ** 2
expected = (precision * width[0]) ** 2
assert abs(total[0] - expected) < 5 * expected * (2 / repeats) ** 0.5
difference = (w_slope - p_slope)[:, 0]  # the score's term, at the farthest q
assert abs(difference.mean()) < 5 * difference.std() / repeats**0.5
# far away: w_slope = -(M - 1/sigma^2) sigma epsilon and constants
gap = (precision - 1 / sigma[0] ** 2) * sigma[0]
assert abs(landing[-1] - gap**2) < 5 * gap**2 * (2 / repeats) ** 0.5
print("Checked: zero at the posterior; both have the same mean.")

# %% [markdown]
# As a picture:

# %%
plt.plot(away, total, color=COLOURS[1])
plt.plot(away, landing, color=COLOURS[0])
plt.text(0.5, 1.07 * total[5], "usual gradient", color=COLOURS[1], ha="right")
plt.text(0.55, landing[5], "without the score", color=COLOURS[0], va="top")
plt.ylim(bottom=0)
plt.xlabel("how far q is from the posterior (1: a width off, half again as wide)")
plt.ylabel("variance of the slope in $\\mu_1$")
plt.show()

# %% [markdown]
# *Figure: the variance without the score falls to zero as q reaches the posterior; the usual
# one does not.*

# %% [markdown]
# **Answer.** The usual one ends at $1/\sigma^2$, the variance of the score. The other ends
# at zero: who has arrived stands still. Roeder, Wu and Duvenaud called it *sticking the
# landing*. The price: one needs $\log q$ as a sampled term, with its parameters detached,
# in place of the closed form of the KL. And it is no law that it scatters less: far away,
# the score's term may happen to cancel a part of the other.
#
# ## More points, a tighter bound, a noisier encoder
#
# With $k$ points, the bound of importance-weighted autoencoders (IWAE) is
#
# $$
# L_k = \mathbb E\Big[\log \frac1k \sum_{i=1}^k w_i\Big], \qquad
# \mathrm{ELBO} = L_1 \le L_2 \le \dots \le \log p(x) .
# $$
#
# With normalized weights $\tilde w_i = w_i / \sum_j w_j$, its pathwise slopes are
#
# $$
# \text{encoder: } \sum_i \tilde w_i\, \nabla_z \log p(x, z_i), \qquad
# \text{decoder: } \sum_i \tilde w_i\, \frac{\partial \log p(x, z_i)}{\partial W_{11}} .
# $$
#
# (For the encoder the score cancels a part: along the path, $\log q$ does not depend on
# $\mu$.) What counts for learning is the **signal-to-noise ratio**, SNR: the modulus of the
# mean over the standard deviation.
#
# **Predict before you run.** The bound gets tighter with $k$. Does the encoder's gradient
# get better?


# %%
def gradients(k, mu, sigma):
    """Encoder's slope, usual and doubly reparameterized, and decoder's: (repeats, 3)."""
    found = []
    for part in np.array_split(np.arange(repeats), max(1, repeats * k // 500_000)):
        epsilon = rng.standard_normal((len(part), k, 2))
        log_w, w_slope, p_slope, W_slope = slopes(mu, sigma, epsilon)
        w = np.exp(log_w - log_w.max(1, keepdims=True))
        w /= w.sum(1, keepdims=True)
        three = w * p_slope[..., 0], w**2 * w_slope[..., 0], w * W_slope
        found.append(np.stack([values.sum(1) for values in three], axis=1))
    return np.concatenate(found)


# %% [markdown]
# The third remedy in that code needs a word. The score's term of the encoder can be
# rewritten along the path once more. (It is the same passing of a derivative as in
# lesson 2: the mean of $g(z)\,\nabla_\mu \log q$ is the mean of $\nabla_z g$.) Tucker and
# others did it for $g = \tilde w_i$, and were left with
#
# $$
# \text{doubly reparameterized: } \sum_i \tilde w_i^2\, \nabla_z \log w_i .
# $$
#
# It has the same mean as the usual slope, and is flat where $\log w$ is.

# %%
ks = np.array([1, 4, 16, 64, 256, 1024])
mu, sigma = mean + 0.5 * width, 1.3 * width
runs = {k: gradients(k, mu, sigma) for k in ks}
names = ["encoder, usual", "encoder, doubly reparameterized", "decoder"]
print("k" + "".join(f"{name:>34}" for name in names))
for k, values in runs.items():
    error = values.std(0) / repeats**0.5
    cells = [f"{m:.4f} +- {e:.4f}" for m, e in zip(values.mean(0), error)]
    print(f"{k:<4}" + "".join(f"{cell:>31}   " for cell in cells))

# %% [markdown]
# The first two columns agree, with errors that differ. The encoder's mean goes to zero as
# $k$ grows: with many points any $q$ will do, so there is less and less to learn. Its noise
# falls more slowly. For the usual slope we take the mean from the second column, which is
# known better.

# %%
snr = np.empty((len(ks), 3))
for row, values in enumerate(runs.values()):
    signal = np.abs(values.mean(0))[[1, 1, 2]]
    snr[row] = signal / values.std(0)
powers = np.polyfit(np.log(ks[3:]), np.log(snr[3:]), 1)[0]
for name, power in zip(names, powers):
    print(f"{name:32} SNR grows as k to the {power:+.2f}")

# %% tags=["proof"] jupyter={"source_hidden": true}
# @title Equal means; powers near -1/2 and 1/2
for values in runs.values():
    difference = values[:, 0].mean() - values[:, 1].mean()
    error = np.hypot(values[:, 0].std(), values[:, 1].std()) / repeats**0.5
    assert abs(difference) < 5 * error
# The relative error of a mean of SNR r is 1/(r sqrt(repeats)), that of a deviation about
# 1/sqrt(2 repeats) times a few, as tails are heavy; it is divided by ln 16 = 2.8.
# The law holds for k to infinity: at k = 64 the next term is of relative order 1/k.
allowed = 0.05 + 5 / (snr[3:].min(0)[[1, 1, 2]] * repeats**0.5) / 2.8
assert np.all(np.abs(powers - [-0.5, 0.5, 0.5]) < allowed)
print("Checked: the three powers are -1/2, 1/2, 1/2 within their errors.")

# %% [markdown]
# Both axes are logarithmic, so that powers are straight lines.

# %%
for values, name, colour, dash in zip(snr.T, names, COLOURS, ("o-", "s--", "D-.")):
    plt.loglog(ks, values, dash, color=colour)
    plt.text(
        1.15 * ks[-1], values[-1], name.replace(", ", ",\n"), color=colour, va="center"
    )
plt.xlim(0.8, 30_000)
plt.ylim(0.5 * snr.min(), 2 * snr.max())
plt.xticks(ks, ks)
plt.minorticks_off()
plt.xlabel("points k")
plt.ylabel("signal-to-noise ratio")
plt.show()

# %% [markdown]
# *Figure: signal-to-noise ratio against k. The usual encoder gradient falls; the doubly
# reparameterized one and the decoder's rise.*

# %% [markdown]
# **Answer.** The usual encoder gradient gets *worse*, as $k^{-1/2}$: a tighter bound is not
# a better teacher for the encoder. The decoder's gets better, as $k^{1/2}$, and so does the
# doubly reparameterized one. (The powers are fitted to $k$ from 64 on.) That is the result of Rainforth and others, here on a model
# where every slope was written by hand.
#
# ## References
#
# - G. Roeder, Y. Wu and D. Duvenaud, *Sticking the Landing*, 2017,
#   [arXiv:1703.09194](https://arxiv.org/abs/1703.09194).
# - Y. Burda, R. Grosse and R. Salakhutdinov, *Importance Weighted Autoencoders*, 2016,
#   [arXiv:1509.00519](https://arxiv.org/abs/1509.00519).
# - T. Rainforth and others, *Tighter Variational Bounds are Not Necessarily Better*, 2018,
#   [arXiv:1802.04537](https://arxiv.org/abs/1802.04537).
# - G. Tucker, D. Lawson, S. Gu and C. Maddison, *Doubly Reparameterized Gradient Estimators*,
#   2019, [arXiv:1810.04152](https://arxiv.org/abs/1810.04152).
