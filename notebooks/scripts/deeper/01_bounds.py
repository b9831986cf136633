# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Deeper into lesson 1: how tight a bound is
#
# Open in [Colab](https://colab.research.google.com/github/generative-models/executed/blob/v0.2.0/notebooks/deeper/01_bounds.ipynb) or on [Binder](https://mybinder.org/v2/gh/generative-models/executed/v0.2.0?urlpath=lab/tree/notebooks/deeper/01_bounds.ipynb).
#
# [Lesson 1](../01_elbo.ipynb) derives the ELBO in two steps. This page evaluates a longer
# derivation line by line, says when a bound is tight, what a $q$ without correlations loses,
# and how far averages over the prior can be trusted. Logarithms are natural.

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
# @title Set-up: libraries and closed forms
import math
from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import torch
from scipy.optimize import minimize
from scipy.stats import multivariate_normal, norm
from torch import nn

from course_utils.budget import budget
from course_utils.exact.divergences import gaussian_kl
from course_utils.exact.linear_gaussian import LinearGaussian
from course_utils.figures.style import use_course_style

use_course_style()

# %% [markdown]
# The sizes of what is drawn at random:

# %%
draws = budget(smoke=1_000, lecture=10_000, full=100_000)
repeats = budget(smoke=20, lecture=100, full=100)
network_draws = budget(smoke=10_000, lecture=100_000, full=1_000_000)

# %% [markdown]
# ## The test bench, and a grid
#
# Two hidden amplitudes, three channels, one measurement, as in the lesson:
# $x = W z + b + \sigma \epsilon$. With two latent numbers the integral
# $p(x) = \int p(x \mid z)\, p(z)\, dz$ can also be done by brute force: a square grid of
# points $z$, and a sum. For smooth bell-shaped functions such a sum converges faster than
# any power of the step. Here its error is far below $10^{-10}$.
#
# The posterior needs no grid. As a function of $z$,
#
# $$
# \log p(x, z) = -\frac{|x - b - W z|^2}{2\sigma^2} - \frac{|z|^2}{2} + \text{const}
# $$
#
# is a parabola that opens downwards, and the exponential of such a parabola is a normal. Its
# precision (the inverse of the covariance) is the parabola's curvature, $M$. Its mean
# $\bar z$ is the peak, where the slope in $z$ vanishes:
#
# $$
# M = I + \frac{W^\top W}{\sigma^2}, \qquad
# M \bar z = \frac{W^\top (x - b)}{\sigma^2} .
# $$

# %% tags=["nbval-check-output"]
W = np.array([[1.0, 0.8], [0.2, 0.9], [0.8, 0.3]])
model = LinearGaussian(W, np.array([0.5, 0.0, -0.5]), sigma=0.6)
x = np.array([[2.3, 1.2, -0.7]])
log_p_x = model.log_evidence(x)[0]
post_mean, post_cov = model.posterior(x)

axis = np.arange(-8, 8.01, 0.05)
z = np.stack(np.meshgrid(axis, axis), -1).reshape(-1, 2)  # (103041, 2)
cell = 0.05**2
log_likelihood = model.log_likelihood(np.repeat(x, len(z), axis=0), z)
log_prior = multivariate_normal(np.zeros(2)).logpdf(z)
by_grid = np.log(np.exp(log_likelihood + log_prior).sum() * cell)
print(f"{len(z):,} points: log p(x) = {by_grid:.6f}, on paper {log_p_x:.6f} nats")

# %% [markdown]
# ## The derivation in six lines, each evaluated
#
# Take *any* distribution $q$ over $z$. Ours is normal, and it is neither the prior nor the
# posterior. Its posterior's density comes from the closed form, all means are sums over the
# grid.

# %%
q_mean, q_cov = np.array([[0.6, 0.7]]), np.array([[0.5, 0.1], [0.1, 0.4]])
q = multivariate_normal(q_mean[0], q_cov)
log_q = q.logpdf(z)
log_posterior = multivariate_normal(post_mean[0], post_cov).logpdf(z)


def expect(values, log_density=log_q):
    """The mean of values at the grid points under a density, q unless said otherwise."""
    return float((np.exp(log_density) * values).sum() * cell)


# %% [markdown]
# **Line 1, the definition.** How far is $q$ from the posterior?
#
# $$
# \mathrm{KL}\big(q(z) \,\|\, p(z \mid x)\big)
# = \mathbb E_q\left[\log q(z) - \log p(z \mid x)\right]
# $$
#
# **Line 2, Bayes' rule**, at each $z$ separately:
#
# $$
# \log p(z \mid x) = \log p(x \mid z) + \log p(z) - \log p(x)
# $$
#
# **Line 3, put it in.** Mind the sign of $\log p(x)$.
#
# $$
# \mathrm{KL} =
# \mathbb E_q\left[\log q(z) - \log p(x \mid z) - \log p(z) + \log p(x)\right]
# $$
#
# **Line 4, take the constant out.** $\log p(x)$ does not contain $z$, so its mean is itself.
#
# $$
# \mathrm{KL} =
# \mathbb E_q\left[\log q(z) - \log p(x \mid z) - \log p(z)\right] + \log p(x)
# $$

# %% tags=["nbval-check-output"]
gap = gaussian_kl(q_mean[0], q_cov, post_mean[0], post_cov)  # closed form
line_1 = expect(log_q - log_posterior)
line_2 = np.abs(log_posterior - (log_likelihood + log_prior - log_p_x)).max()
line_3 = expect(log_q - log_likelihood - log_prior + log_p_x)
line_4 = expect(log_q - log_likelihood - log_prior) + log_p_x
print(f"closed form {gap:.6f}")
print(f"line 1 {line_1:.6f}, line 3 {line_3:.6f}, line 4 {line_4:.6f}")

# %% tags=["proof"] jupyter={"source_hidden": true}
# @title Proof: all lines agree
assert abs(by_grid - log_p_x) < 1e-10
assert line_2 < 1e-9  # terms up to 1e3: rounding 1e-12
for found in (line_1, line_3, line_4):
    assert abs(found - gap) < 1e-10
print("to 1e-10; line 2 at each of the grid's points to 1e-9")

# %% [markdown]
# **Line 5, negate and rearrange.** $\log p(x)$ goes to the left with the KL, and on the
# right we group the two terms that know nothing of $x$.
#
# **Line 6, recognize the last term.** It is a KL too, from $q$ to the *prior*:
#
# $$
# \log p(x) - \mathrm{KL}\big(q(z) \,\|\, p(z \mid x)\big) =
# \mathbb E_q\left[\log p(x \mid z)\right]
# - \mathrm{KL}\big(q(z) \,\|\, p(z)\big) .
# $$
#
# The KL on the left enters with a *minus*. A plus would make the right side an upper bound,
# and to maximize an upper bound proves nothing.

# %% tags=["nbval-check-output"]
reconstruction, kl = (
    model.reconstruction(x, q_mean, q_cov)[0],
    model.kl(q_mean, q_cov)[0],
)
elbo = reconstruction - kl
print(f"log p(x) {log_p_x:.6f} - KL to the posterior {gap:.6f} = {log_p_x - gap:.6f}")
print(f"reconstruction {reconstruction:.6f} - KL to the prior {kl:.6f} = {elbo:.6f}")
assert abs(reconstruction - expect(log_likelihood)) < 1e-10
assert abs(kl - expect(log_q - log_prior)) < 1e-10
assert abs(log_p_x - gap - elbo) < 1e-10

# %% [markdown]
# ### The same by Jensen's inequality
#
# Multiply and divide by $q$, and read the integral as a mean under $q$:
#
# $$
# \log p(x) = \log \int q(z)\, \frac{p(x, z)}{q(z)}\, dz = \log \mathbb E_q[w(z)]
# \;\ge\; \mathbb E_q[\log w(z)] = \mathrm{ELBO} .
# $$
#
# The logarithm is concave, so the log of a mean is at least the mean of the logs. This is
# the quickest derivation, but it does not say how much is lost. And its first equality sign
# needs a condition: $q$ must not vanish where $p(x, z)$ does not.

# %% tags=["nbval-check-output"]
log_w = log_likelihood + log_prior - log_q
log_of_mean, mean_of_log = math.log(expect(np.exp(log_w))), expect(log_w)
print(f"log E_q[w] = {log_of_mean:.6f}    E_q[log w] = {mean_of_log:.6f}")
print(f"lost: {log_of_mean - mean_of_log:.6f}, which is the gap {gap:.6f}")
assert abs(log_of_mean - log_p_x) < 1e-10

# %% [markdown]
# ## How flat is tight?
#
# The gap is $\log p(x) - \mathbb E_q[\log w]$. With $q$ the posterior, $\log w(z)$ is
# $\log p(x)$ at every $z$, however far out:

# %% tags=["nbval-check-output"]
points = np.random.default_rng(3).normal(0, 3, size=(5, 2))
log_joint = model.log_joint(np.repeat(x, 5, axis=0), points)
flat = log_joint - multivariate_normal(post_mean[0], post_cov).logpdf(points)
print("q = posterior:", flat.round(6))
print("our q:        ", (log_joint - q.logpdf(points)).round(6))
assert np.abs(flat - log_p_x).max() < 1e-10

# %% [markdown]
# A single log weight of another $q$ may lie far above $\log p(x)$; only the mean under $q$
# may not. So *where* must $\log w$ be flat? One is tempted to say: where the posterior has
# its mass. Take a standard normal posterior, and a $q$ that is three times too wide or three
# times too narrow. Shift $\log w$ so that it is zero for the posterior.

# %% tags=["nbval-check-output"]
line_z = np.arange(-20, 20, 0.001)


def moments(log_weight, scale):
    """Mean and standard deviation under N(0, scale^2)."""
    density = norm.pdf(line_z, 0, scale) * 0.001
    mean = (density * log_weight).sum()
    return mean, math.sqrt((density * (log_weight - mean) ** 2).sum())


for name, scale in (("three times too wide", 3), ("three times too narrow", 1 / 3)):
    log_weight = norm.logpdf(line_z) - norm.logpdf(line_z, 0, scale)
    under_q, under_posterior = moments(log_weight, scale), moments(log_weight, 1)
    print(
        f"{name:22}: gap {-under_q[0]:.2f}, sd of log w under the posterior "
        f"{under_posterior[1]:.2f}, under q {under_q[1]:.2f}"
    )

# %% [markdown]
# Under the *posterior* the wide $q$ has the flatter $\log w$, and the larger gap. The
# spread that goes with the gap is the one under $q$. **$\log w$ must be flat where $q$ has
# mass.** The picture shows both curves, thick within one standard deviation of their own
# $q$.

# %%
for scale, color in ((3, "C1"), (1 / 3, "C0")):
    log_weight = norm.logpdf(line_z) - norm.logpdf(line_z, 0, scale)
    plt.plot(line_z, log_weight, color=color, linestyle="-")
    own = np.abs(line_z) < scale
    plt.plot(line_z[own], log_weight[own], "-", color=color, linewidth=8, alpha=0.5)
plt.axhline(0, color="black", linestyle="--")
plt.text(-3.9, 0.3, "q = posterior: log p(x)")
plt.text(2.75, -1.6, "q too wide", color="C1")
plt.text(1.35, 5.3, "q too narrow", color="C0")
plt.gca().set(xlim=(-4, 4), ylim=(-6, 7), xlabel="z (no units)")
plt.ylabel("log w − log p(x) (nats)")
plt.show()

# %% [markdown]
# *Figure: a hill for the wide q, thick and steep within its own width; a bowl for the narrow
# q, whose thick part is short and nearly flat; a dashed line at zero.*

# %% [markdown]
# Flat where $q$ is, is not enough either: $q$ must also cover the posterior. Let the
# posterior have two separate hills of equal weight, and $q$ be one of them.

# %% tags=["nbval-check-output"]
two_hills = np.logaddexp(norm.logpdf(line_z, -6), norm.logpdf(line_z, 6)) - math.log(2)
one_hill = norm.logpdf(line_z, 6)
density = np.exp(one_hill) * 0.001
mean = (density * (two_hills - one_hill)).sum()
spread = math.sqrt((density * (two_hills - one_hill - mean) ** 2).sum())
print(f"sd of log w under q {spread:.1e}, gap {-mean:.4f} = log 2 = {math.log(2):.4f}")

# %% [markdown]
# No draw from this $q$ tells that half of the posterior is missing.
#
# ## What is the gap when q is the prior?
#
# Put $q(z) = p(z)$ into the central equation. The kl term vanishes, and
#
# $$
# \mathrm{ELBO} = \mathbb E_{p(z)}[\log p(x \mid z)], \qquad
# \text{gap} = \mathrm{KL}\big(p(z) \,\|\, p(z \mid x)\big), \text{ prior first.}
# $$
#
# This also answers what comes out if one averages *log* likelihoods over the prior. A kl
# term of zero is no sign of a tight bound: it says that $q$ ignores $x$.

# %% tags=["nbval-check-output"]
prior_bound = expect(log_likelihood, log_density=log_prior)
prior_gap = gaussian_kl(np.zeros(2), np.eye(2), post_mean[0], post_cov)
reverse = gaussian_kl(post_mean[0], post_cov, np.zeros(2), np.eye(2))
print(f"gap = log p(x) - ELBO = {log_p_x - prior_bound:.6f}")
print(f"KL(prior || posterior) = {prior_gap:.6f};  the wrong way round {reverse:.6f}")
assert abs(log_p_x - prior_bound - prior_gap) < 1e-10

# %% [markdown]
# For the isotopes of the lesson, too, the order matters. The prior gives a fifth of its
# weight to curium, which the posterior all but excludes:


# %% tags=["nbval-check-output"]
def kl_discrete(first, second):
    return (first * (np.log(first) - np.log(second))).sum(-1)


share = np.array([0.3, 0.5, 0.2])
joint = share * norm.pdf(5.30, [5.16, 5.49, 5.80], 0.12)
posterior = joint / joint.sum()
print(f"KL(posterior || prior) = {kl_discrete(posterior, share):.4f} nats")
print(f"KL(prior || posterior) = {kl_discrete(share, posterior):.4f} nats")

# %% [markdown]
# ## The best q without correlations
#
# The usual encoder gives each latent number its own mean and variance. With $M$ the
# precision of the posterior, the KL from a normal with the same mean and a diagonal
# covariance $\mathrm{diag}(v_j)$ is
#
# $$
# \tfrac12 \Big( \sum_j M_{jj} v_j - k - \log\det M - \sum_j \log v_j \Big) .
# $$
#
# Its derivative in $v_j$ vanishes at $v_j = 1/M_{jj}$, and what remains is
#
# $$
# \tfrac12 \Big( \sum_j \log M_{jj} - \log\det M \Big),
# $$
#
# the same for every $x$. An optimizer that knows nothing of this searches over means and
# variances:


# %% tags=["nbval-check-output"]
def negative_elbo(phi):
    return -model.elbo(x, phi[None, :2], np.diag(np.exp(phi[2:])))[0]


M = model.posterior_precision
found = minimize(negative_elbo, np.zeros(4), method="BFGS", options={"gtol": 1e-6})
formula = 0.5 * (np.log(np.diag(M)).sum() - np.linalg.slogdet(M)[1])
print(f"gap by search {log_p_x + found.fun:.6f}, by formula {formula:.6f} nats")
print("variances:", np.exp(found.x[2:]).round(4), " 1/M_jj:", (1 / np.diag(M)).round(4))
# at a minimum the value's error is the slope squared over the curvature: 1e-12
assert abs(log_p_x + found.fun - formula) < 1e-8

# %% [markdown]
# Each ellipse below is one standard deviation around the mean and holds 39 % of its
# distribution.

# %%
angle = np.linspace(0, 2 * np.pi, 200)
circle = np.stack([np.cos(angle), np.sin(angle)])
_, best_cov = model.best_diagonal_posterior(x)
ellipses = {"posterior": post_cov, "best q without slant": best_cov}
ellipses["q with the posterior's own variances"] = np.diag(np.diag(post_cov))
looks = [{"color": "k"}, {"color": "C0", "linewidth": 4}, {"color": "C1"}]
figure, axes = plt.subplots(figsize=(9, 4.5))
for (name, cov), look in zip(ellipses.items(), looks, strict=True):
    lost = abs(log_p_x - model.elbo(x, post_mean, cov)[0])
    outline = post_mean.T + np.linalg.cholesky(cov) @ circle
    axes.plot(*outline, label=f"{name}\ngap {lost:.3f} nats", **look)
axes.set(xlabel="$z_1$ (no units)", ylabel="$z_2$ (no units)", aspect="equal")
axes.legend(loc="center left", bbox_to_anchor=(1.05, 0.5), labelspacing=1, fontsize=12)
plt.show()

# %% [markdown]
# *Figure: three ellipses with one centre. A slanted black one is the posterior. Two are
# nearly circles: the best q, thick and dashed, is small; the other, as wide and high as the
# posterior, has the larger gap.*

# %% [markdown]
# A $q$ without slant that is as wide as the posterior sticks out where the posterior is
# not, and that is what the KL punishes. So each amplitude by itself has a smaller variance
# under the best $q$: $1/M_{jj} \le (M^{-1})_{jj}$. (That is the width of the ellipse's shadow
# on the axis. A cut through the middle, along the axis, is equally long in both ellipses.)
# Not in every direction, though. On the ellipse's short diameter the best $q$ is wider than
# the posterior:

# %% tags=["nbval-check-output"]
variances, directions = np.linalg.eigh(post_cov)
for name, direction in (
    ("z1 by itself", np.array([1.0, 0.0])),
    ("z2 by itself", np.array([0.0, 1.0])),
    ("long diameter", directions[:, 1]),
    ("short diameter", directions[:, 0]),
):
    exact, ours = direction @ post_cov @ direction, direction @ best_cov @ direction
    print(f"variance along the {name:14}: posterior {exact:.3f}, best q {ours:.3f}")

# %% [markdown]
# ## How many draws from the prior?
#
# For a linear model the relative variance of one draw of $p(x \mid z)$ is known exactly.
# The square of a normal density is again one, of half the variance, times a factor:
# $\mathcal N(x; m, \sigma^2 I)^2 = (4\pi\sigma^2)^{-d/2}\,
# \mathcal N(x; m, \tfrac12\sigma^2 I)$. So the second moment is that factor times the
# evidence of the *same model with $\sigma/\sqrt2$*.


# %% tags=["nbval-check-output"]
def relative_variance(model, x):
    d = x.shape[1]
    sharper = replace(model, sigma=model.sigma / math.sqrt(2))
    log_factor = -0.5 * d * math.log(4 * math.pi * model.sigma**2)
    log_second_moment = log_factor + sharper.log_evidence(x)[0]
    return math.expm1(log_second_moment - 2 * model.log_evidence(x)[0])


second_moment = np.exp(2 * log_likelihood + log_prior).sum() * cell
by_grid = second_moment / np.exp(2 * log_p_x) - 1
print(f"relative variance of one draw: {relative_variance(model, x):.6f}")
assert math.isclose(relative_variance(model, x), by_grid, rel_tol=1e-9)

# %% [markdown]
# Now the lesson's $k$ amplitudes, each with a channel of its own. We estimate the same
# variance from the draws themselves, forty times ten thousand of them at each $k$.

# %%
dimensions = np.array([1, 2, 3, 5, 7, 10, 15, 20])
rng = np.random.default_rng(1)
measured, true_variance = [], []
for k in dimensions:
    channels = LinearGaussian(np.eye(k), np.zeros(k), sigma=0.5)
    typical = np.full((1, k), math.sqrt(1.25))
    log_p = channels.log_evidence(typical)[0]
    same_x, ratio = np.repeat(typical, draws, axis=0), []
    for _ in range(40):
        log_l = channels.log_likelihood(same_x, rng.standard_normal((draws, k)))
        ratio.append(np.exp(log_l - log_p))  # p(x|z) / p(x), whose mean is 1
    measured.append(np.var(ratio) / np.mean(ratio) ** 2)
    true_variance.append(relative_variance(channels, typical))

# %% [markdown]
# The exact variance grows exponentially. The measured one cannot follow:

# %%
plt.semilogy(dimensions, true_variance)
plt.semilogy(dimensions, measured, "s", markersize=9)
plt.text(13, 3e6, "exact", color="C0", ha="right")
plt.text(20, measured[-1] / 8, "measured", color="C1", ha="center", va="top")
plt.gca().set(xlabel="hidden amplitudes k", ylabel="relative variance of a draw")
plt.show()

# %% [markdown]
# *Figure: on a logarithmic axis a straight rising line; squares on it up to about ten
# amplitudes, then further and further below it.*

# %% [markdown]
# The mean is right, but it is made by rare draws of enormous weight. A sample without them
# has too small a mean *and* too small a variance. That is why the error bars of the lesson
# were so wrong.

# %% tags=["proof"] jupyter={"source_hidden": true}
# @title Proof: each amplitude multiplies one plus the variance by the same factor
for k in (1, 10, 20, 100):
    channels = LinearGaussian(np.eye(k), np.zeros(k), sigma=0.5)
    variance = relative_variance(channels, np.full((1, k), math.sqrt(1.25)))
    assert math.isclose(math.log1p(variance), k * math.log1p(true_variance[0]))
print(f"that factor is {1 + true_variance[0]:.4f}")

# %% [markdown]
# ## What mends the error bars?
#
# Take these twenty amplitudes. The ELBO differs from the failed average in two ways: $z$
# comes from $q$, and one averages $\log w$, not $w$. (With the prior as $q$, $w$ is
# $p(x \mid z)$.) Which of the two helps? We try all four combinations. Each run makes a mean
# and its own error bar, one standard error. The truth for a mean of $w$ is $p(x)$. The truth
# for a mean of $\log w$ is the exact ELBO of its $q$. The error bar *holds* the truth if the
# truth lies within two of them. Our $q$ is set by eye: mean 1 and standard deviation 0.6 for
# each amplitude.


# %%
def log_weight(z, m, s):  # of one amplitude
    return norm.logpdf(x_1, z, 0.5) + norm.logpdf(z) - norm.logpdf(z, m, s)


def holds(values, truth):
    error_bar = values.std() / math.sqrt(len(values))
    return abs(values.mean() - truth) < 2 * error_bar


rng, x_1 = np.random.default_rng(2), math.sqrt(1.25)
log_p = 20 * norm.logpdf(x_1, 0, math.sqrt(1.25))
print(f"log p(x) {log_p:.2f}. Of {repeats} error bars hold their truth:")
for name, m, s in (("prior", 0, 1), ("q", 1, 0.6)):
    density = norm.pdf(line_z, m, s) * 0.001
    exact_elbo = 20 * (density * log_weight(line_z, m, s)).sum()
    by_w = by_log_w = 0
    for _ in range(repeats):
        log_w = log_weight(rng.normal(m, s, (draws, 20)), m, s).sum(1)
        by_w += holds(np.exp(log_w - log_p), 1)
        by_log_w += holds(log_w, exact_elbo)
    print(
        f"z from {name:5}: {by_w:3} of w, {by_log_w:3} of log w (ELBO {exact_elbo:.2f})"
    )

# %% [markdown]
# Here either change alone makes the error bars honest, and each has its price. With the
# logarithm one knows a *bound* well, and with the prior it is far below $\log p(x)$. Without
# the logarithm one knows $p(x)$ itself, but only as long as $q$ is close enough. The next
# section has a $q$ for which this fails.

# %% [markdown]
# ## Twenty latents and a network
#
# A model that no grid can integrate: twenty latent numbers and a neural network with random
# weights in the place of $W z + b$. A grid of 50 points an axis would have

# %% tags=["nbval-check-output"]
grid, years = 50.0**20, 50.0**20 / 3e16  # at 1e9 points a second
print(f"{grid:.0e} points, {years:.0e} years at a billion points a second")

# %% [markdown]
# The ELBO needs only draws from $q$; ours is $\mathcal N(0, 0.9^2 I)$. From the same draws
# comes Jensen's left side, the logarithm of the mean weight, which estimates $\log p(x)$.
# When can it be believed? We make ten independent estimates of either, for a broad noise of
# 0.5 and for a sharp one of 0.05, and look at how much they scatter.


# %%
def two_estimates(noise, seed):
    """ELBO, log of the mean weight, and the error bar that each claims."""
    torch.manual_seed(0)  # the same network and z for all
    decoder = nn.Sequential(nn.Linear(20, 50), nn.Tanh(), nn.Linear(50, 10))
    with torch.no_grad():
        seen = decoder(torch.randn(20)) + noise * torch.randn(10)
        torch.manual_seed(seed)
        latents = 0.9 * torch.randn(network_draws, 20)
        pixels = torch.distributions.Normal(decoder(latents), noise)
        log_l = pixels.log_prob(seen).sum(-1)
    shift = (0.5 * latents.square() * (1 / 0.81 - 1) + math.log(0.9)).sum(-1)
    log_w = (log_l + shift).double().numpy()
    weight = np.exp(log_w - log_w.max())
    log_mean = math.log(weight.mean()) + log_w.max()
    root = math.sqrt(len(log_w))
    return (
        log_w.mean(),
        log_w.std() / root,
        log_mean,
        weight.std() / weight.mean() / root,
    )


# %% [markdown]
# For an honest estimate the scatter of the ten agrees with the error bar that each claims.

# %%
for noise in (0.5, 0.05):
    found = np.array([two_estimates(noise, seed) for seed in range(1, 11)])
    (bound, bar, log_mean, claim), scatter = found.mean(0), found.std(0, ddof=1)
    print(f"noise {noise}:")
    print(f"  ELBO {bound:10.2f}, claimed ± {bar:.2f}, scatter {scatter[0]:.2f}")
    print(f"  log of the mean weight {log_mean:8.2f}, claimed ± {claim:.2f}, ", end="")
    print(f"scatter {scatter[2]:.2f}")

# %% [markdown]
# At a noise of 0.5 both are honest, and the gap is about 2.4 nats. At 0.05 the posterior is
# narrow. The ELBO of this $q$ is still estimated honestly, though as a bound it is now
# nearly worthless. The log of the mean weight scatters far more than it claims: it fails as
# the draws from the prior did.
