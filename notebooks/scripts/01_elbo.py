# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown] slideshow={"slide_type": "slide"}
# # 1 · The evidence lower bound, derived and executed
#
# Open in [Colab](https://colab.research.google.com/github/generative-models/executed/blob/v0.2.0/notebooks/01_elbo.ipynb) or on [Binder](https://mybinder.org/v2/gh/generative-models/executed/v0.2.0?urlpath=lab/tree/notebooks/01_elbo.ipynb).

# %% [markdown]
# ## You will be able to
#
# - derive the evidence lower bound (ELBO) without notes, and say which rule each line
#   uses;
# - say how large its gap is, when the gap closes, and what remains of it if $q$ is the
#   prior or may only be diagonal;
# - say what is maximized over $\theta$ and what over $\phi$, and which side of the
#   central equation can be computed;
# - train a model with a hidden part until it is as good as a formula says it can be.

# %% [markdown] slideshow={"slide_type": "skip"}
# ## Before you start
#
# You need densities, expectation values and the multivariate normal distribution.
# Lesson 0 has the table of symbols; each is explained again where it first appears. On
# two CPU cores all cells run in less than a minute. Nothing is downloaded.
#
# *The lecture* that this lesson follows, and now and then corrects, is week 14 of
# M. Hjorth-Jensen, *Advanced machine learning and data analysis for the physical
# sciences*, Oslo 2024.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The question
#
# A measurement $x$ often has a cause $z$ that nobody recorded. A model of both gives us
# the probability of what we *did* see only after we have averaged over all that we did
# *not* see. That average is usually out of reach. **How can a model be fitted by making
# the data probable, if the probability of the data cannot be computed?**
#
# Here is how we keep ourselves honest. Every formula below is evaluated on a small model
# for which the answer is known, and compared by an `assert`. If a line of the derivation
# were wrong, this notebook would not run.

# %% tags=["colab"] jupyter={"source_hidden": true} slideshow={"slide_type": "skip"}
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
    os.chdir(f"{course}/notebooks")
    if importlib.util.find_spec("course_utils") is None:
        install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"]
        subprocess.run([*install, course], check=True)
        importlib.invalidate_caches()

# %% [markdown] slideshow={"slide_type": "skip"}
# ## Set-up
#
# NumPy for the mathematics, PyTorch for its distributions and for the training at the
# end. `exact` holds closed forms in double precision.

# %% slideshow={"slide_type": "skip"}
import math
from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import torch
from scipy.optimize import minimize
from scipy.stats import multivariate_normal, norm
from torch import nn

from course_utils.budget import budget
from course_utils.exact.divergences import gaussian_kl, kl_to_standard_normal
from course_utils.exact.linear_gaussian import (
    LinearGaussian,
    ppca_log_evidence,
    principal_axes,
)
from course_utils.figures.style import use_course_style
from course_utils.widgets.posterior import posterior_explorer, posterior_terms

use_course_style()

# %% [markdown] slideshow={"slide_type": "skip"}
# All sizes stand in one cell. `COURSE_BUDGET` picks a column; the saved outputs are those
# of `lecture`.

# %% slideshow={"slide_type": "skip"}
draws = budget(smoke=1_000, lecture=10_000, full=100_000)
repeats = budget(smoke=20, lecture=40, full=40)
estimates = budget(smoke=2_000, lecture=10_000, full=100_000)
steps = budget(smoke=1_500, lecture=1_500, full=4_000)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Hidden causes: a sum
#
# Start with a cause that takes three values. A source used to calibrate alpha detectors
# holds three isotopes. Each emits alpha particles at (nearly) one energy, and a poor
# detector smears that energy by 0.12 MeV. We record the energy $x$. Which isotope it came
# from, $z$, is not recorded: $z$ is a **latent variable**. The model has two parts:
#
# - the **prior** $p(z)$: which share of the decays belongs to isotope $z$;
# - the **likelihood** $p(x \mid z)$: the distribution of the energy, given the isotope.
#
# What we see is distributed by the **marginal**, the sum over everything unseen:
#
# $$
# p(x) = \sum_z p(x, z) = \sum_z p(x \mid z)\, p(z) .
# $$
#
# As a function of the model, for data that have been seen, $p(x)$ is also called the
# **evidence**.

# %% tags=["nbval-check-output"] slideshow={"slide_type": "subslide"}
isotopes = ["Pu-239", "Am-241", "Cm-244"]
share = np.array([0.3, 0.5, 0.2])  # p(z)
line = np.array([5.16, 5.49, 5.80])  # MeV
width = 0.12  # MeV


def likelihood(energy: float | np.ndarray) -> np.ndarray:
    return norm.pdf(np.asarray(energy)[..., None], line, width)


p_x = (likelihood(5.30) * share).sum()
print(f"p(x = 5.30 MeV) = {p_x:.4f} per MeV,  log p(x) = {math.log(p_x):.4f} nats")

# %% [markdown]
# A density has units, here 1/MeV, and its logarithm is in **nats** because our logarithms
# are natural. The picture shows the three terms of the sum and the sum itself. Nothing
# went missing: the marginal integrates to 1.

# %% slideshow={"slide_type": "subslide"}
energy = np.linspace(4.5, 6.5, 401)
terms = likelihood(energy) * share
total = np.trapezoid(terms.sum(-1), energy)
assert (
    abs(total - 1) < 1e-7
)  # 5.5 widths to the nearest end leave less than 4e-8 outside
for name, term in zip(isotopes, terms.T, strict=True):
    plt.plot(energy, term, label=f"p(x | {name}) p({name})")
plt.plot(energy, terms.sum(-1), "k-", linewidth=1.5, label="p(x), their sum")
plt.xlabel("recorded energy x (MeV)")
plt.ylabel("density (1/MeV)")
plt.legend(fontsize=12)
plt.show()

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: three bell curves of different heights at 5.16, 5.49 and 5.80 MeV, which
# overlap; a thin black line, their sum, runs over the tops of all three.*

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### Bayes' rule
#
# Which isotope sent the particle of 5.30 MeV? The joint probability $p(x, z)$ can be
# split in two ways, $p(x \mid z)\,p(z)$ or $p(z \mid x)\,p(x)$. Setting them equal gives
# the **posterior**
#
# $$
# p(z \mid x) = \frac{p(x \mid z)\, p(z)}{p(x)} .
# $$

# %% tags=["nbval-check-output"]
posterior = likelihood(5.30) * share / p_x
assert math.isclose(posterior.sum(), 1, rel_tol=1e-12)
for name, probability, joint in zip(
    isotopes, posterior, likelihood(5.30) * share, strict=True
):
    print(
        f"{name}: posterior {probability:.4f},  p(x,z)/p(z|x) = {joint / probability:.4f}"
    )

# %% [markdown]
# Look at the last column. Turned around, Bayes' rule says $p(x) = p(x, z) / p(z \mid x)$,
# **for every $z$**. The left side knows nothing of $z$, so the right side must not either.
# Whoever knows the posterior needs no sum: one $z$ is enough. Keep this in mind; the whole
# lesson grows out of it.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Hidden causes: an integral
#
# Now let the cause be a vector $z$ of $k$ real numbers, and the measurement a vector $x$ of
# $d$ numbers. Here $\mathcal N(x; m, S)$ is the normal density with mean $m$ and covariance
# $S$, and $I$ the identity matrix:
#
# $$
# p_\theta(x) = \int p_\theta(x \mid z)\, p(z)\, dz , \qquad p(z) = \mathcal N(z;\, 0, I).
# $$
#
# $\theta$ stands for all parameters of the model. To fit it means to choose $\theta$ so
# that the data are probable. Our test bench is the one model where everything is known:
#
# $$
# p_\theta(x \mid z) = \mathcal N(x;\; W z + b,\; \sigma^2 I), \qquad
# \theta = (W, b, \sigma).
# $$
#
# Two hidden amplitudes move three channels, linearly, and each channel adds noise. A sum
# of normals is normal, so on paper
# $p_\theta(x) = \mathcal N(x;\, b,\, W W^\top + \sigma^2 I)$. With a neural network in
# place of $W z + b$ this model becomes a variational autoencoder (VAE, lesson 3), and the
# paper runs out.

# %% [markdown] slideshow={"slide_type": "subslide"}
# The posterior is normal, too. Completing the square in $z$ gives
#
# $$
# \boxed{\;
# p_\theta(z \mid x) = \mathcal N\Big(z;\; \tfrac{1}{\sigma^2}\, M^{-1} W^\top (x - b),\; M^{-1}\Big),
# \qquad M = \frac{W^\top W + \sigma^2 I}{\sigma^2} .
# \;}
# $$
#
# Its mean follows $x$; its covariance is the same for every $x$.
#
# > **A word on words.** The lecture wants to *train the marginal probability*. One trains
# > a model; what one does to the marginal is **maximize** it. Its $h$ and $z$ are our $z$,
# > its $p$ and $P$ our $p$. Its data set and its divergence are both $D$, which we keep for
# > discriminators, and the empty place in its $\Sigma(;\vartheta)$ belongs to $x$.

# %% tags=["nbval-check-output"] slideshow={"slide_type": "subslide"}
W = np.array([[1.0, 0.8], [0.2, 0.9], [0.8, 0.3]])
model = LinearGaussian(W, np.array([0.5, 0.0, -0.5]), sigma=0.6)
x = np.array([[2.3, 1.2, -0.7]])  # one measurement: a row of three channels
log_p_x = model.log_evidence(x)[0]
print(f"on paper: log p(x) = {log_p_x:.6f} nats")

M = (W.T @ W + 0.6**2 * np.eye(2)) / 0.6**2  # the box, by hand
by_hand = np.linalg.inv(M) @ W.T @ (x[0] - model.b) / 0.6**2
post_mean, post_cov = model.posterior(x)
assert np.abs(post_mean[0] - by_hand).max() < 1e-12
assert np.abs(post_cov - np.linalg.inv(M)).max() < 1e-12
print("posterior: mean", by_hand.round(4), " covariance", post_cov.round(4).tolist())

# %% [markdown] slideshow={"slide_type": "subslide"}
# With two latent numbers the integral can also be done by brute force: a square grid of
# points $z$, and a sum. For smooth bell-shaped functions such a sum converges faster than
# any power of the step. Here the grid's error is far below $10^{-10}$, which will be our
# tolerance from now on.

# %% tags=["nbval-check-output"]
axis = np.arange(-8, 8.01, 0.05)
z = np.stack(np.meshgrid(axis, axis), -1).reshape(-1, 2)  # all grid points, (103041, 2)
cell = 0.05**2
x_rows = np.repeat(x, len(z), axis=0)

log_likelihood = model.log_likelihood(x_rows, z)  # log p(x|z) at each grid point
log_prior = multivariate_normal(np.zeros(2)).logpdf(z)  # log p(z)
by_grid = np.log(np.exp(log_likelihood + log_prior).sum() * cell)
assert abs(by_grid - log_p_x) < 1e-10
print(f"{len(z):,} points: log p(x) = {by_grid:.6f} nats")


# %% [markdown] slideshow={"slide_type": "slide"}
# ## Why not simply sample the prior?
#
# The integral is an expectation: $p(x) = \mathbb E_{p(z)}[p(x \mid z)]$, the mean of
# $p(x \mid z)$ over $z$ drawn from $p(z)$. So draw many $z$ and average. That is unbiased
# in any dimension, and no grid is needed. What could be wrong with it?
#
# Its spread. For almost every $z$ the likelihood $p(x \mid z)$ is practically zero, and
# the average rests on the few draws that hit. How few, we can calculate. The variance of
# one draw, divided by the squared mean, is
#
# $$
# \frac{\mathbb E_{p(z)}[p(x \mid z)^2]}{p(x)^2} - 1 .
# $$
#
# The square of a normal density is again one, of half the variance, times a factor:
# $\mathcal N(x; m, \sigma^2 I)^2 = (4\pi\sigma^2)^{-d/2}\,
# \mathcal N(x; m, \tfrac12\sigma^2 I)$. So the second moment is that factor times the
# evidence of the *same model with $\sigma/\sqrt2$*, which we know exactly.


# %% slideshow={"slide_type": "subslide"}
def relative_variance(model: LinearGaussian, x: np.ndarray) -> float:
    d = x.shape[1]
    sharper = replace(model, sigma=model.sigma / math.sqrt(2))
    log_factor = -0.5 * d * math.log(4 * math.pi * model.sigma**2)
    log_second_moment = log_factor + sharper.log_evidence(x)[0]
    return math.expm1(log_second_moment - 2 * model.log_evidence(x)[0])


second_moment = np.exp(2 * log_likelihood + log_prior).sum() * cell
by_grid = second_moment / np.exp(2 * log_p_x) - 1
assert math.isclose(relative_variance(model, x), by_grid, rel_tol=1e-9)
print(f"relative variance of one draw: {by_grid:.3f}")

# %% [markdown] slideshow={"slide_type": "subslide"}
# Now let the dimension grow. We take $k$ hidden amplitudes, each seen through its own
# channel with $\sigma = 0.5$; that is about as friendly as a model can be. And we take a
# typical $x$, with each channel at one standard deviation of $p(x)$, $\sqrt{1 + 0.5^2}$.
#
# **Predict before you run.** One amplitude needs about 160 draws for an error of ten
# percent. How many do twenty amplitudes need?

# %%
dimensions = np.array([1, 2, 3, 5, 7, 10, 15, 20])
rng = np.random.default_rng(1)
errors, measured, true_variance = [], [], []
for k in dimensions:
    channels = LinearGaussian(np.eye(k), np.zeros(k), sigma=0.5)
    typical = np.full((1, k), math.sqrt(1.25))
    log_p = channels.log_evidence(typical)[0]
    same_x = np.repeat(typical, draws, axis=0)
    ratio = np.empty((repeats, draws))  # p(x|z) / p(x), whose mean is 1
    for r in range(repeats):
        log_l = channels.log_likelihood(same_x, rng.standard_normal((draws, k)))
        ratio[r] = np.exp(log_l - log_p)
    errors.append(np.log(ratio.mean(1)))
    measured.append(ratio.var() / ratio.mean() ** 2)
    true_variance.append(relative_variance(channels, typical))

# %% [markdown] slideshow={"slide_type": "subslide"}
# Left: forty separate estimates of $\log p(x)$ in each dimension, with the exact value
# drawn in as the line at zero. Right: the relative variance of one draw.

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 4.5))
for k, error in zip(dimensions, errors, strict=True):
    left.plot(np.full(repeats, k), error, "o", color="0.35", markersize=5, alpha=0.5)
left.axhline(0, color="black", linestyle="--", label="exact")
left.set(xlabel="latent dimension k", ylabel="estimate − exact log p(x) (nats)")
left.legend()
right.semilogy(dimensions, true_variance, label="exact")
right.semilogy(dimensions, measured, "s", markersize=9, label="measured")
right.set(xlabel="latent dimension k", ylabel="relative variance of a draw")
right.legend()
plt.show()

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: left, dots of estimates, tight around the dashed line at zero for small k,
# scattered over ten nats and nearly all below it at k = 20. Right, on a logarithmic axis,
# the exact variance soon rises in a straight line; the measured squares fall short of it from
# k = 10 on, at k = 20 by a factor of hundreds.*

# %% [markdown] slideshow={"slide_type": "subslide"}
# The variance grows *exponentially* with the dimension. Two more things deserve a look.
#
# - At $k = 20$ nearly all estimates lie *below* the line. The mean of $p(x \mid z)$ is
#   right, but it is made by rare draws of enormous weight, and most runs see none of them.
# - The *measured* variance falls short of the exact one for the same reason. The method
#   does not even notice that it fails.
#
# Each amplitude multiplies one plus the variance by 2.6:

# %% tags=["nbval-check-output"]
for k in (1, 10, 20, 100):  # true_variance[0] is that of one amplitude
    channels = LinearGaussian(np.eye(k), np.zeros(k), sigma=0.5)
    variance = relative_variance(channels, np.full((1, k), math.sqrt(1.25)))
    print(f"k = {k:3}: draws for an error of 10 %: {variance / 0.1**2:.1e}")
    assert math.isclose(math.log1p(variance), k * math.log1p(true_variance[0]))


# %% [markdown]
# Nobody draws $10^{43}$ points. The lecture's remedy is the right one: look for $z$ only
# where they are likely to have produced this $x$. So bring in a second distribution, $q(z)$,
# of our own choice, and ask what it has to do with $p(x)$. For that we need a measure of
# how far two distributions are apart.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The Kullback-Leibler divergence
#
# $$
# \mathrm{KL}(q \,\|\, p) = \mathbb E_{q(z)}\left[\log q(z) - \log p(z)\right]
# $$
#
# is the mean of a log ratio, taken **under the first argument**. It is zero if $q = p$.
# It is not symmetric. On our isotopes: the posterior for 5.30 MeV, against the prior.


# %% tags=["nbval-check-output"]
def kl_discrete(q: np.ndarray, p: np.ndarray) -> np.ndarray:
    return (q * (np.log(q) - np.log(p))).sum(-1)


forward, backward = kl_discrete(posterior, share), kl_discrete(share, posterior)
print(f"KL(posterior || prior) = {forward:.4f} nats")
print(f"KL(prior || posterior) = {backward:.4f} nats")
print(f"KL(prior || prior)     = {kl_discrete(share, share):.4f} nats")

# %% [markdown] slideshow={"slide_type": "subslide"}
# The second is larger: the prior gives a fifth of its weight to curium, which the posterior
# all but excludes. *KL punishes $q$ for being where $p$ is not.*
#
# **It is never negative.** Since $\log t \le t - 1$ for every $t > 0$,
#
# $$
# -\mathrm{KL}(q \,\|\, p) = \mathbb E_q\!\left[\log \frac{p(z)}{q(z)}\right]
# \le \mathbb E_q\!\left[\frac{p(z)}{q(z)} - 1\right] = 1 - 1 = 0 ,
# $$
#
# because in $\mathbb E_q[p/q] = \int q\,(p/q)\,dz$ the $q$ cancels and $p$ integrates to 1.
# Equality needs $\log t = t - 1$, which holds at $t = 1$ alone: $p = q$. A few random pairs:

# %% tags=["nbval-check-output"]
q_random, p_random = np.random.default_rng(2).dirichlet(np.ones(3), (2, 5))
assert np.all(kl_discrete(q_random, p_random) > 0)
print(kl_discrete(q_random, p_random).round(4))

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The derivation, line by line
#
# Back to the continuous model and its one measurement $x$. The model is held, so we drop
# its $\theta$ for five lines. Let $q$ be *any* distribution over $z$; ours is normal, and
# neither the prior nor the posterior.

# %%
q_mean, q_cov = np.array([[0.6, 0.7]]), np.array([[0.5, 0.1], [0.1, 0.4]])
q = multivariate_normal(q_mean[0], q_cov)
log_q = q.logpdf(z)
log_posterior = multivariate_normal(post_mean[0], post_cov).logpdf(z)


def expect(values: np.ndarray, log_density: np.ndarray = log_q) -> float:
    """The mean of values at the grid points under a density, q unless said otherwise."""
    return float((np.exp(log_density) * values).sum() * cell)


# %% [markdown] slideshow={"slide_type": "subslide"}
# **Line 1, the definition.** How far is $q$ from what we would like to have? (For two
# normals there is a closed form. It comes later in this lesson; here `exact` lends it.)
#
# $$
# \mathrm{KL}\big(q(z) \,\|\, p(z \mid x)\big)
# = \mathbb E_q\left[\log q(z) - \log p(z \mid x)\right]
# $$

# %% tags=["nbval-check-output"]
gap = gaussian_kl(q_mean[0], q_cov, post_mean[0], post_cov)  # closed form
line_1 = expect(log_q - log_posterior)
assert abs(line_1 - gap) < 1e-10
print(f"closed form {gap:.6f}    E_q[log q(z) - log p(z|x)] = {line_1:.6f}")

# %% [markdown] slideshow={"slide_type": "subslide"}
# **Line 2, Bayes' rule.** It holds at each $z$ separately, before any mean is taken:
#
# $$
# \log p(z \mid x) = \log p(x \mid z) + \log p(z) - \log p(x)
# $$

# %% tags=["nbval-check-output"]
right_side = log_likelihood + log_prior - log_p_x
error = np.abs(log_posterior - right_side).max()
assert error < 1e-9  # terms up to 1e3: rounding 1e-12
for point in ([0.5, 0.5], [1, 1], [-2, 0.5]):
    i = np.abs(z - point).sum(1).argmin()
    print(f"z = {point}: {log_posterior[i]:.6f} = {right_side[i]:.6f}")

# %% [markdown] slideshow={"slide_type": "subslide"}
# **Line 3, put it in.** Mind the sign of $\log p(x)$.
#
# $$
# \mathrm{KL}\big(q(z) \,\|\, p(z \mid x)\big) =
# \mathbb E_q\left[\log q(z) - \log p(x \mid z) - \log p(z) + \log p(x)\right]
# $$
#
# **Line 4, take the constant out.** $\log p(x)$ does not contain $z$, so its mean is itself.
#
# $$
# \mathrm{KL}\big(q(z) \,\|\, p(z \mid x)\big) =
# \mathbb E_q\left[\log q(z) - \log p(x \mid z) - \log p(z)\right] + \log p(x)
# $$

# %% tags=["nbval-check-output"]
line_3 = expect(log_q - log_likelihood - log_prior + log_p_x)
line_4 = expect(log_q - log_likelihood - log_prior) + log_p_x
assert abs(line_3 - gap) < 1e-10
assert abs(line_4 - gap) < 1e-10
print(f"line 3 {line_3:.6f}    line 4 {line_4:.6f}    gap {gap:.6f}")

# %% [markdown] slideshow={"slide_type": "subslide"}
# **Line 5, negate and rearrange.** $\log p(x)$ goes to the left with the KL, the rest to
# the right, and we group the two terms that know nothing of $x$.
#
# $$
# \log p(x) - \mathrm{KL}\big(q(z) \,\|\, p(z \mid x)\big) =
# \mathbb E_q\left[\log p(x \mid z)\right]
# - \mathbb E_q\left[\log q(z) - \log p(z)\right]
# $$

# %% tags=["nbval-check-output"]
left_5 = log_p_x - gap
right_5 = expect(log_likelihood) - expect(log_q - log_prior)
assert abs(left_5 - right_5) < 1e-10
print(f"left {left_5:.6f}    right {right_5:.6f}")

# %% [markdown]
# **Line 6, recognize the last term.** It is a KL too, from $q$ to the *prior*. With
# $\theta$ written again, this is the **central equation**:
#
# $$
# \boxed{\;
# \log p_\theta(x) - \mathrm{KL}\big(q(z) \,\|\, p_\theta(z \mid x)\big)
# \;=\;
# \underbrace{\mathbb E_q\left[\log p_\theta(x \mid z)\right]}_{\text{reconstruction}}
# - \underbrace{\mathrm{KL}\big(q(z) \,\|\, p(z)\big)}_{\text{kl}}
# \;}
# $$
#
# What stands on either side of it is called the **ELBO**.

# %% tags=["nbval-check-output"] slideshow={"slide_type": "subslide"}
reconstruction = model.reconstruction(x, q_mean, q_cov)[0]
kl = model.kl(q_mean, q_cov)[0]
assert abs(reconstruction - expect(log_likelihood)) < 1e-10
assert abs(kl - expect(log_q - log_prior)) < 1e-10
elbo = reconstruction - kl
assert abs(log_p_x - gap - elbo) < 1e-10
print(f"log p(x) {log_p_x:.6f} - KL to the posterior {gap:.6f} = {log_p_x - gap:.6f}")
print(f"reconstruction {reconstruction:.6f} - KL to the prior {kl:.6f} = {elbo:.6f}")

# %% [markdown]
# A KL is never negative, so $\mathrm{ELBO} \le \log p_\theta(x)$: it is the **e**vidence
# **l**ower **bo**und. Two KLs appear. Do not mix them up: the one on the left, to the
# posterior, is the **gap**; the one on the right, to the prior, is a **term** of the ELBO.
#
# > **"Plus an error term"**, says the lecture of the left side. It is **minus** one, and
# > one with a sign: a KL, never negative. A plus would make this an upper bound, and
# > maximizing an upper bound proves nothing.

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### The same in two lines, by Jensen's inequality
#
# Multiply and divide by $q$, and read the integral as a mean under $q$. The ratio
# $w(z) = p(x, z)/q(z)$ is called a **weight**:
#
# $$
# \log p(x) = \log \int q(z)\, \frac{p(x, z)}{q(z)}\, dz = \log \mathbb E_q[w(z)]
# \;\ge\; \mathbb E_q[\log w(z)] = \mathrm{ELBO} .
# $$
#
# The logarithm is concave, so the log of a mean is at least the mean of the logs (Jensen).
# This is quicker, but it does not say how much is lost. The first derivation does.

# %% tags=["nbval-check-output"]
log_w = log_likelihood + log_prior - log_q
log_of_mean, mean_of_log = math.log(expect(np.exp(log_w))), expect(log_w)
assert abs(log_of_mean - log_p_x) < 1e-10
assert abs(mean_of_log - elbo) < 1e-10
assert mean_of_log < log_of_mean
print(f"log E_q[w] = {log_of_mean:.6f}    E_q[log w] = {mean_of_log:.6f}")
print(f"lost: {log_of_mean - mean_of_log:.6f}, which is the gap {gap:.6f}")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Move q yourself
#
# One latent number, $z \sim \mathcal N(0, 1)$, seen as $x = z + 0.8\,\epsilon$ with
# standard normal noise $\epsilon$; we saw $x = 1.5$. Slide the mean and the standard
# deviation of $q$. At first $q$ is the prior. Start this notebook on your machine to get
# the sliders; the saved page shows the first picture.
#
# **Predict before you run.** The two bars move. Does the dashed line?

# %% slideshow={"slide_type": "subslide"}
posterior_explorer()

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: left, a grey bar for the ELBO hangs from zero to below a dashed line at
# log p(x); a hatched bar for the KL reaches from its foot up to that line. Right, the
# density of q, here the prior, is wider and further left than the posterior.*

# %% [markdown] slideshow={"slide_type": "subslide"}
# It stays: $\log p(x)$ does not contain $q$. What is taken off the gap is
# added to the ELBO, so both bars shrink together, or grow together:

# %% tags=["nbval-check-output"]
line_model = LinearGaussian(np.eye(1), np.zeros(1), sigma=0.8)
best_mean, best_var = (part.item() for part in line_model.posterior(np.array([[1.5]])))
for mean, std in [(0, 1), (3, 0.3), (-1, 0.5), (best_mean, math.sqrt(best_var))]:
    t = posterior_terms(line_model, 1.5, mean, std)
    assert abs(t.elbo + t.gap - t.log_evidence) < 1e-12
    total = f"{t.elbo:8.4f} + {abs(t.gap):7.4f} = {t.elbo + t.gap:.4f}"
    print(f"q = N({mean:5.2f}, {std:.2f}^2): {total}")

# %% [markdown] slideshow={"slide_type": "skip"}
# ## Reading the central equation
#
# ### When is the bound tight?
#
# A bound is *tight* where it is an equality. Here that means that the gap,
# $\mathrm{KL}(q(z) \,\|\, p(z \mid x))$, is zero: **exactly when $q$ is the posterior.**
# Then more is true than that two means agree. The weight itself,
#
# $$
# \log w(z) = \log p(x, z) - \log q(z) = \log p(x) \qquad \text{for every } z,
# $$
#
# is a constant: Bayes' rule turned around, as with the isotopes. Five random points, some
# of them far out:

# %% tags=["nbval-check-output"] slideshow={"slide_type": "subslide"}
points = np.random.default_rng(3).normal(0, 3, size=(5, 2))
log_joint = model.log_joint(np.repeat(x, 5, axis=0), points)
flat = log_joint - multivariate_normal(post_mean[0], post_cov).logpdf(points)
assert np.abs(flat - log_p_x).max() < 1e-10
print("q = posterior:", flat.round(6))
print("our q:        ", (log_joint - q.logpdf(points)).round(6))

# %% [markdown]
# For our $q$ the first value is far *above* $\log p(x)$. A single log weight may exceed it;
# only the mean of log weights under $q$ may not.
#
# A picture, for the sliders' one latent number: $\log w$ for three choices of $q$, thick
# within one standard deviation of each $q$'s mean. The ELBO is the mean of such a curve,
# taken under its own $q$; the `assert` takes it by a sum.

# %% slideshow={"slide_type": "subslide"}
line_z = np.arange(-9, 9, 0.01)
log_joint = line_model.log_joint(np.full((1800, 1), 1.5), line_z[:, None])
choices = {"posterior": (best_mean, math.sqrt(best_var)), "narrow": (0.3, 0.45)}
choices["prior"] = (0.0, 1.0)
for (name, (mean, std)), color in zip(choices.items(), ("k", "C0", "C1"), strict=True):
    log_weight = log_joint - norm.logpdf(line_z, mean, std)
    bound = (norm.pdf(line_z, mean, std) * log_weight).sum() * 0.01
    t = posterior_terms(line_model, 1.5, mean, std)
    assert abs(bound - t.elbo) < 1e-10
    (curve,) = plt.plot(line_z, log_weight, color=color, label=f"{name}: {bound:.2f}")
    own = np.abs(line_z - mean) < std
    plt.plot(line_z[own], log_weight[own], "-", color=color, linewidth=7, alpha=0.5)
plt.xlabel("z (no units)")
plt.ylabel("log p(x,z) − log q(z) (nats)")
plt.xlim(-2, 3)
plt.ylim(-8, 2)
plt.legend(title="q and its ELBO")
plt.show()

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: the log weight against z. For the posterior a horizontal line at log p(x). For
# the prior a hill, for a narrow q a bowl; their thick parts lie mostly below that line.*

# %% [markdown]
# The posterior's line is flat, so a single draw gives $\log p(x)$ without any error. The
# flatter the curve, wherever the posterior has mass, the tighter the bound.

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### What is the gap when q is the prior?
#
# Put $q(z) = p(z)$ into the central equation. The kl term vanishes, and
#
# $$
# \mathrm{ELBO} = \mathbb E_{p(z)}[\log p(x \mid z)], \qquad
# \text{gap} = \mathrm{KL}\big(p(z) \,\|\, p(z \mid x)\big).
# $$
#
# Mind the order: prior first. (This is also the answer to "what if I average *log*
# likelihoods over the prior?")

# %% tags=["nbval-check-output"]
prior_bound = expect(log_likelihood, log_density=log_prior)
prior_gap = gaussian_kl(np.zeros(2), np.eye(2), post_mean[0], post_cov)
reverse = gaussian_kl(post_mean[0], post_cov, np.zeros(2), np.eye(2))
assert abs(log_p_x - prior_bound - prior_gap) < 1e-10
print(f"gap = log p(x) - ELBO = {log_p_x - prior_bound:.6f}")
print(f"KL(prior || posterior) = {prior_gap:.6f};  the wrong way round {reverse:.6f}")

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### Over φ the left does not move, only the gap
#
# A VAE chooses $q$ by parameters $\phi$, written $q_\phi(z \mid x)$. Two sets of
# parameters, then, and one objective. They do different things to it:
#
# | maximize the ELBO over | what moves | what it achieves |
# |---|---|---|
# | $\phi$, which makes $q$ | $\log p_\theta(x)$ stays; only the gap shrinks | $q_\phi$ approaches the posterior: the bound becomes tight |
# | $\theta$, which makes the model | both $\log p_\theta(x)$ and the gap | the data become more probable, or the posterior easier for $q$; $\log p_\theta(x)$ may even fall if the gap shrinks more |
#
# Left: $q$ goes in a straight line from the prior to the posterior, the model held.
# Right: $q$ is held at the posterior for $\sigma = 0.6$, and the model's $\sigma$ varies.

# %% slideshow={"slide_type": "subslide"}
share_of_way = np.linspace(0, 1, 51)
over_phi = np.array(
    [
        model.elbo(x, t * post_mean, (1 - t) * np.eye(2) + t * post_cov)[0]
        for t in share_of_way
    ]
)
sigmas = np.linspace(0.25, 1.5, 101)
models = [replace(model, sigma=s) for s in sigmas]
over_theta = np.array([m.elbo(x, post_mean, post_cov)[0] for m in models])
evidence = np.array([m.log_evidence(x)[0] for m in models])
assert np.all(np.diff(over_phi) > 0)
assert np.all(over_theta <= evidence + 1e-12)

# %% [markdown]
# The shaded gap is what separates the two curves. Triangles mark the peaks over $\theta$.

# %% slideshow={"slide_type": "subslide"}
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 4.5), sharey=True)
for axes, where, bound, top in [
    (left, share_of_way, over_phi, np.full(51, log_p_x)),
    (right, sigmas, over_theta, evidence),
]:
    axes.fill_between(where, bound, top, color="0.85", label="gap")
    axes.plot(where, top, "k--", label="log p(x)")
    axes.plot(where, bound, color="C0", linestyle="-", label="ELBO")
    axes.legend(loc="lower right")
for curve, color, marker in [(evidence, "k", "v"), (over_theta, "C0", "^")]:
    peak, shift = curve.argmax(), 0.25 if marker == "v" else -0.25
    right.plot(sigmas[peak], curve[peak] + shift, marker, color=color, markersize=10)
left.set(title="over φ", xlabel="way from prior to posterior", ylabel="nats")
right.set(title="over θ, q held", xlabel="σ of the model", ylim=(-13, -3.5))
plt.show()

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: left, the ELBO climbs to a horizontal dashed line and meets it at the end.
# Right, both curves depend on sigma; the ELBO lies below the dashed log p(x) and touches it
# at 0.6, where q is the posterior. The ELBO's peak is further left than that of log p(x).*

# %% [markdown] slideshow={"slide_type": "subslide"}
# The peaks are not at the same place: a model fitted with a poor $q$ is pulled towards
# parameters for which that $q$ is less poor.

# %% tags=["nbval-check-output"]
print(f"sigma with the largest log p(x): {sigmas[evidence.argmax()]:.2f}")
print(f"sigma with the largest ELBO:     {sigmas[over_theta.argmax()]:.2f}")
i = np.abs(sigmas - 0.6).argmin()
print(f"gap at sigma = {sigmas[i]:.2f}: {abs(evidence - over_theta)[i]:.6f}")

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### Which part can be computed?
#
# | | needs | computable for a neural network? |
# |---|---|---|
# | $\log p_\theta(x)$ | an integral over all $z$ | no |
# | $\mathrm{KL}(q \,\Vert\, p_\theta(z \mid x))$ | the posterior, which needs $p_\theta(x)$ | no |
# | **their difference**, the ELBO | means over $q$, which we can draw from | **yes** |
#
# The unknown $\log p_\theta(x)$ sits in both terms on the left and cancels. That is the
# whole trick, and its price: the ELBO alone cannot tell a poor model from a poor $q$.
#
# To see it work, take a model that no grid can integrate: twenty latent numbers, and a
# neural network with random weights in place of $W z + b$. Its posterior is still broad,
# so the log of the mean weight (Jensen's line) gives us $\log p(x)$ to compare with.

# %% slideshow={"slide_type": "subslide"}
torch.manual_seed(0)
decoder = nn.Sequential(nn.Linear(20, 50), nn.Tanh(), nn.Linear(50, 10))
noisy = torch.distributions.Normal(torch.zeros(10), 0.5)
unit, ours = (torch.distributions.Normal(torch.zeros(20), std) for std in (1.0, 0.9))
with torch.no_grad():
    seen = decoder(torch.randn(20)) + noisy.sample()
    latents = ours.sample((100_000,))  # from our q
    log_l = noisy.log_prob(seen - decoder(latents)).sum(-1)
    log_ratio = (unit.log_prob(latents) - ours.log_prob(latents)).sum(-1)
log_w = (log_l + log_ratio).double().numpy()
error = log_w.std() / math.sqrt(len(log_w))
weight = np.exp(log_w)
relative_error = weight.std() / weight.mean() / math.sqrt(len(weight))
grid, years = 50.0**20, 50.0**20 / 3e16  # at 1e9 points a second
print(f"a grid of 50 points an axis: {grid:.0e} points, {years:.0e} years")
print(f"ELBO, mean of log w:     {log_w.mean():.2f} ± {error:.2f} nats")
print(f"log p(x), log of mean w: {math.log(weight.mean()):.2f} ± {relative_error:.2f}")


# %% [markdown]
# So the gap is about 2.4 nats. With a sharper posterior the second estimate would fail, as
# draws from the prior did; the first would not.

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### The best diagonal q
#
# The usual encoder, a function that makes $q$ from $x$ (more below), gives each latent dimension its own mean and variance, and no
# correlations. If the posterior is correlated, such a $q$ cannot reach it. How much is
# lost? With the $M$ of the box above, the best diagonal $q$ has the posterior's mean and
# the variances $1/M_{ii}$, and the gap that remains is
#
# $$
# \tfrac12 \Big( \sum_i \log M_{ii} - \log\det M \Big),
# $$
#
# the same for every $x$. We let a general-purpose optimizer search over means and
# variances, and compare.


# %% tags=["nbval-check-output"] slideshow={"slide_type": "subslide"}
def negative_elbo(phi: np.ndarray) -> float:
    return -model.elbo(x, phi[None, :2], np.diag(np.exp(phi[2:])))[0]


found = minimize(negative_elbo, np.zeros(4), method="BFGS", options={"gtol": 1e-6})
formula = 0.5 * (np.log(np.diag(M)).sum() - np.linalg.slogdet(M)[1])
assert abs(formula - model.diagonal_gap()) < 1e-10
# at a minimum the value's error is the slope squared over the curvature: 1e-12
assert abs(log_p_x + found.fun - formula) < 1e-8
print(f"gap by search {log_p_x + found.fun:.6f}, by formula {formula:.6f} nats")
print("variances:", np.exp(found.x[2:]).round(4), " 1/M_ii:", (1 / np.diag(M)).round(4))

# %% [markdown]
# Each ellipse below holds 39 % of its distribution, one standard deviation around the
# mean.

# %% slideshow={"slide_type": "subslide"}
angle = np.linspace(0, 2 * np.pi, 200)
circle = np.stack([np.cos(angle), np.sin(angle)])
best_mean, best_cov = model.best_diagonal_posterior(x)
ellipses = {"posterior": post_cov, "best diagonal q": best_cov}
ellipses["posterior's own variances"] = np.diag(np.diag(post_cov))
looks = [{"color": "k"}, {"color": "C0", "linewidth": 4}, {"color": "C1"}]
figure, axes = plt.subplots(figsize=(9, 4.5))
for (name, cov), look in zip(ellipses.items(), looks, strict=True):
    bound = model.elbo(x, post_mean, cov)[0]
    outline = post_mean.T + np.linalg.cholesky(cov) @ circle
    axes.plot(*outline, label=f"{name}\ngap {abs(log_p_x - bound):.3f} nats", **look)
axes.set(xlabel="$z_1$ (no units)", ylabel="$z_2$ (no units)", aspect="equal")
axes.legend(loc="center left", bbox_to_anchor=(1.05, 0.5), labelspacing=1)
plt.show()

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: three ellipses with one centre. A slanted black one is the posterior. Two are
# not slanted, nearly circles: the best diagonal q, thick and dashed, is small; the other,
# as wide and as high as the posterior, has the larger gap.*

# %% [markdown]
# The best diagonal $q$ is *narrower* than the posterior in each direction. Remember what
# KL punishes: $q$ for being where $p$ is not. An ellipse without slant, as wide as the
# slanted one, sticks out at two corners. So a VAE with a diagonal $q$ tends to be too sure of
# its latents.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## If there is a condition: p(y given x)
#
# Sometimes we want the distribution of a result $y$ *given* a setting $x$: the response
# of a detector at a known voltage, a digit of a known class. Everything carries $x$ along:
#
# $$
# p_\theta(y \mid x) = \int p_\theta(y \mid z, x)\, p_\theta(z \mid x)\, dz .
# $$
#
# Here $p_\theta(z \mid x)$ is a *prior*, what we know of $z$ before $y$ is seen; often it
# is just $\mathcal N(0, I)$. The same six lines give, for each pair $(x_i, y_i)$ of the data,
#
# $$
# \log p(y_i \mid x_i) - \mathrm{KL}\big(q(z) \,\|\, p(z \mid x_i, y_i)\big)
# = \mathbb E_q\left[\log p(y_i \mid z, x_i)\right]
# - \mathrm{KL}\big(q(z) \,\|\, p(z \mid x_i)\big).
# $$
#
# This is the **conditional VAE**. One line of it, evaluated: a linear model whose offset
# depends on a voltage $x_i$.

# %% tags=["nbval-check-output"] slideshow={"slide_type": "subslide"}
voltage, y = 1.7, np.array([[2.0, 1.0, 0.4]])
offset = model.b + voltage * np.array([0.4, -0.2, 0.3])  # b depends on x
given = replace(model, b=offset)
left_side = given.log_evidence(y)[0] - gaussian_kl(
    q_mean[0], q_cov, given.posterior(y)[0][0], given.posterior(y)[1]
)
right_side = given.reconstruction(y, q_mean, q_cov)[0] - given.kl(q_mean, q_cov)[0]
assert abs(left_side - right_side) < 1e-10
print(f"log p(y|x) - KL to p(z|x,y): {left_side:.6f}    right side: {right_side:.6f}")


# %% [markdown]
# > **Leftovers in the lecture.** The $x_i$ and $y_i$ between its slides about $p(x)$ come
# > from such a model. And where it has $\log p(y_i \mid y_i)$, a thing given itself,
# > $\log p(y_i \mid x_i)$ is meant.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Choosing q: normal distributions made by an encoder
#
# So far $q$ was fitted to one $x$. With sixty thousand measurements one does not search
# sixty thousand times. A function, the **encoder**, learns to answer for all of them:
#
# $$
# q_\phi(z \mid x) = \mathcal N\big(z;\; \mu_\phi(x),\; \Sigma_\phi(x)\big),
# $$
#
# with one set of parameters $\phi$. Usually $\Sigma_\phi$ is diagonal; in general it, too,
# depends on the measurement.
#
# ### The KL of two normal distributions
#
# The choice pays at once: the kl term needs no sampling. For normals in $k$ dimensions
#
# $$
# \mathrm{KL}\big(\mathcal N(\mu_0, \Sigma_0) \,\|\, \mathcal N(\mu_1, \Sigma_1)\big) =
# \tfrac12 \Big( \mathrm{tr}(\Sigma_1^{-1} \Sigma_0)
# + (\mu_1 - \mu_0)^\top \Sigma_1^{-1} (\mu_1 - \mu_0) - k
# + \log \frac{\det \Sigma_1}{\det \Sigma_0} \Big).
# $$


# %% slideshow={"slide_type": "subslide"}
def kl_normals(mu0, cov0, mu1, cov1) -> float:
    inverse, shift = np.linalg.inv(cov1), mu1 - mu0
    log_ratio = math.log(np.linalg.det(cov1) / np.linalg.det(cov0))
    quadratic = shift @ inverse @ shift
    return 0.5 * (np.trace(inverse @ cov0) + quadratic - len(shift) + log_ratio)


rng = np.random.default_rng(4)
mu0, mu1 = rng.normal(size=(2, 3))
roots = rng.normal(size=(2, 3, 3))
cov0, cov1 = roots @ roots.transpose(0, 2, 1) + 0.5 * np.eye(3)

# %% [markdown] slideshow={"slide_type": "subslide"}
# Three witnesses: `exact`, PyTorch, and the plain definition, a mean of log ratios over
# draws from the first normal, with its standard error.

# %% tags=["nbval-check-output"]
ours = kl_normals(mu0, cov0, mu1, cov1)
p0, p1 = (
    torch.distributions.MultivariateNormal(torch.from_numpy(m), torch.from_numpy(c))
    for m, c in ((mu0, cov0), (mu1, cov1))
)
library = torch.distributions.kl_divergence(p0, p1).item()
assert abs(ours - gaussian_kl(mu0, cov0, mu1, cov1)) < 1e-10
assert abs(ours - library) < 1e-10
first = multivariate_normal(mu0, cov0)
drawn = first.rvs(200_000, random_state=5)
log_ratios = first.logpdf(drawn) - multivariate_normal(mu1, cov1).logpdf(drawn)
error = log_ratios.std() / math.sqrt(len(drawn))
assert abs(ours - log_ratios.mean()) < 4 * error
print(f"formula {ours:.6f}, PyTorch {library:.6f}")
print(f"Monte Carlo {log_ratios.mean():.3f} ± {error:.3f}")

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### Its simplification for the prior N(0, I)
#
# With $\mu_1 = 0$ and $\Sigma_1 = I$, and then with $\Sigma_0 = \mathrm{diag}(\sigma_j^2)$:
#
# $$
# \mathrm{KL} = \tfrac12 \big( \mathrm{tr}\,\Sigma_0 + \mu_0^\top \mu_0 - k
# - \log\det \Sigma_0 \big)
# \;\longrightarrow\;
# \tfrac12 \sum_{j=1}^{k} \big( \sigma_j^2 + \mu_j^2 - 1 - \log \sigma_j^2 \big).
# $$
#
# The last one is the line that you will find in every VAE program.

# %% tags=["nbval-check-output"]
simple = 0.5 * (np.trace(cov0) + mu0 @ mu0 - 3 - math.log(np.linalg.det(cov0)))
assert abs(simple - kl_normals(mu0, cov0, np.zeros(3), np.eye(3))) < 1e-10
variances = np.diag(cov0)
diagonal = 0.5 * (variances + mu0**2 - 1 - np.log(variances)).sum()
full = kl_normals(mu0, np.diag(variances), np.zeros(3), np.eye(3))
assert abs(diagonal - full) < 1e-10
assert abs(diagonal - kl_to_standard_normal(mu0, np.log(variances))) < 1e-10
print(f"full covariance {simple:.6f} nats, diagonal {diagonal:.6f} nats")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## From one x to a data set
#
# The objective for $N$ measurements is the mean of their ELBOs,
#
# $$
# \frac1N \sum_{i=1}^{N} \Big( \mathbb E_{q_\phi(z \mid x_i)}\left[\log p_\theta(x_i \mid z)\right]
# - \mathrm{KL}\big(q_\phi(z \mid x_i) \,\|\, p(z)\big) \Big).
# $$
#
# Stochastic gradient descent is content with an estimate: at each step a random
# **minibatch** of measurements, and **one** $z$ for each. Is it right on average?
#
# We take 500 measurements, the best diagonal $q$ for each, and make many such estimates.

# %%
data, _ = model.sample(500, seed=6)
mu, diagonal_cov = model.best_diagonal_posterior(data)
std, kl_each = np.sqrt(np.diag(diagonal_cov)), model.kl(mu, diagonal_cov)
target = model.elbo(data, mu, diagonal_cov).mean()  # what one would like to have
rng = np.random.default_rng(7)
one_step = {}
for batch in (1, 32):
    rows = rng.integers(500, size=(estimates, batch)).ravel()  # drawn with replacement
    one_z = mu[rows] + std * rng.standard_normal((len(rows), 2))
    values = model.log_likelihood(data[rows], one_z) - kl_each[rows]
    one_step[batch] = values.reshape(estimates, batch).mean(1)

# %% [markdown] slideshow={"slide_type": "subslide"}
# **Predict before you run.** How much narrower is the histogram of minibatches of 32 than
# that of single measurements?

# %%
bins = np.linspace(target - 6, target + 3, 91)
looks = {
    1: {"color": "0.75"},
    32: {"facecolor": "none", "edgecolor": "C0", "hatch": "///"},
}
for batch, values in one_step.items():
    label = f"minibatch of {batch}"
    plt.hist(
        values, bins, density=True, histtype="stepfilled", label=label, **looks[batch]
    )
plt.axvline(target, color="black", linestyle="--", label=f"exact: {target:.3f}")
plt.xlabel("estimate of the mean ELBO (nats)")
plt.ylabel("density (1/nats)")
plt.legend()
plt.show()

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: a wide grey histogram for single measurements with a long tail to the left, and
# a narrow hatched one for minibatches of 32. A dashed line marks the exact value, in the
# middle of the narrow one and left of the peak of the wide one.*

# %% [markdown] slideshow={"slide_type": "subslide"}
# Both *means* agree with the exact value: the estimate is **unbiased**, whatever the size
# of the minibatch. The mean does not depend on it; the spread does, as $1/\sqrt{32}$.

# %%
for batch, values in one_step.items():
    error = values.std() / math.sqrt(estimates)
    assert abs(values.mean() - target) < 5 * error
    print(
        f"batch {batch:2}: {values.mean():.3f} ± {error:.3f} (exact {target:.3f}), spread {values.std():.3f}"
    )

# %% [markdown]
# One thing was passed over. To *maximize*, we need the gradient of this noisy number with
# respect to $\theta$ and $\phi$, and $\phi$ decides where $z$ is drawn. That is the
# subject of lesson 2.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Train one, and know when it is done
#
# A VAE whose encoder and decoder (the map from $z$ to the mean of $x$) are both linear has our test bench as its model. The best
# it can ever reach is therefore known. Maximum likelihood for $x = W z + b +
# \sigma\epsilon$ is **probabilistic PCA** (Tipping and Bishop): with
# $\lambda_1 \ge \dots \ge \lambda_d$ the eigenvalues of the data's covariance, the mean
# log-evidence cannot exceed
#
# $$
# -\tfrac12 \Big[ d \log 2\pi + \sum_{i \le k} \log \lambda_i
# + (d - k) \log \sigma^2 + d \Big], \qquad
# \sigma^2 = \text{mean of the last } d - k \text{ eigenvalues.}
# $$

# %% tags=["nbval-check-output"]
mixing = np.random.default_rng(8).normal(size=(6, 2))
truth = LinearGaussian(mixing, np.linspace(-1, 1, 6), sigma=0.5)
measurements, _ = truth.sample(500, seed=9)
eigenvalues, _ = principal_axes(measurements)
best = ppca_log_evidence(eigenvalues, latent_dim=2)
fitted = LinearGaussian.fit(measurements, latent_dim=2)
assert abs(fitted.log_evidence(measurements).mean() - best) < 1e-10
print("eigenvalues:", eigenvalues.round(3))
print(f"nothing can be better than {best:.6f} nats a measurement")


# %% [markdown] slideshow={"slide_type": "subslide"}
# Now the same without eigenvectors, by gradient ascent on the ELBO. The encoder gives
# $\mu_\phi(x)$ by a linear map, and one variance a latent dimension for all $x$: a linear
# model's posterior covariance is the same for every $x$, says the box. For a linear decoder
# the mean over $q$ is a formula,
# $\mathbb E_q \lVert x - Wz - b \rVert^2 = \lVert x - W\mu - b \rVert^2 + \sum_j
# \sigma_j^2 \lVert W_j \rVert^2$ with $W_j$ the columns of $W$, so no $z$ need be drawn.


# %% slideshow={"slide_type": "subslide"}
class LinearVAE(nn.Module):
    def __init__(self, d: int, k: int):
        super().__init__()
        self.encoder = nn.Linear(d, k)
        self.logvar = nn.Parameter(torch.zeros(k))
        self.decoder = nn.Linear(k, d)
        self.log_sigma = nn.Parameter(torch.zeros(()))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The ELBO, one value a measurement."""
        mu, var = self.encoder(x), self.logvar.exp()
        error = (x - self.decoder(mu)).square().sum(-1)
        error = error + (self.decoder.weight.square() * var).sum()
        log_scale = self.log_sigma + 0.5 * math.log(2 * math.pi)
        reconstruction = -x.shape[-1] * log_scale - error / (
            2 * torch.exp(2 * self.log_sigma)
        )
        kl = 0.5 * (mu.square() + var - 1 - self.logvar).sum(-1)
        return reconstruction - kl


# %% [markdown] slideshow={"slide_type": "subslide"}
# What the network has learnt is a `LinearGaussian`. So at any moment of the training
# `exact` can tell both parts of the distance that is left:
#
# $$
# \underbrace{\text{best} - \mathrm{ELBO}}_{\text{all that is missing}} =
# \underbrace{\text{best} - \log p_\theta(x)}_{\text{the model, } \theta}
# + \underbrace{\mathrm{KL}\big(q_\phi(z \mid x) \,\|\, p_\theta(z \mid x)\big)}_{\text{the gap, } \theta \text{ and } \phi} .
# $$


# %%
def as_exact(vae: LinearVAE) -> LinearGaussian:
    W, b = (t.detach().numpy() for t in (vae.decoder.weight, vae.decoder.bias))
    return LinearGaussian(W, b, vae.log_sigma.exp().item())


def missing(vae: LinearVAE, x: torch.Tensor) -> tuple[float, float]:
    """Nats a measurement that the model lacks, and that q lacks."""
    learnt = as_exact(vae)
    mu, var = vae.encoder(x).detach().numpy(), vae.logvar.exp().detach().numpy()
    evidence = learnt.log_evidence(x.numpy()).mean()
    return best - evidence, evidence - learnt.elbo(x.numpy(), mu, np.diag(var)).mean()


# %% [markdown] slideshow={"slide_type": "subslide"}
# Adam, all 500 measurements at each step, in double precision. The learning rate falls to
# zero along a cosine.

# %%
torch.manual_seed(10)
rows = torch.from_numpy(measurements)
vae = LinearVAE(6, 2).double()
optimizer = torch.optim.Adam(vae.parameters(), lr=0.02)
schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
record = []
for step in range(steps + 1):
    if step % 10 == 0:
        record.append((step, *missing(vae, rows)))
    loss = -vae(rows).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    schedule.step()
at_step, model_lacks, q_lacks = np.array(record).T

# %% [markdown]
# **Predict before you run.** The encoder's covariance is diagonal. Will the gap stop at a
# value like the one of the best diagonal $q$ above, or go to zero?

# %% slideshow={"slide_type": "subslide"}
what = "best − log p(x), the model"
plt.semilogy(at_step, model_lacks, color="C0", linewidth=6, alpha=0.4, label=what)
plt.semilogy(at_step, q_lacks, "k--", label="KL(q ‖ posterior), the gap")
plt.axhline(0.01, color="0.4", linestyle=":", label="0.01 nats")
plt.ylim(1e-6, 100)
plt.xlabel("steps of Adam")
plt.ylabel("nats a measurement")
plt.legend()
plt.show()

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: two curves against steps on a logarithmic axis. The model's, broad and pale,
# falls from six nats. The gap, dashed, drops from one nat to 0.1, rises to 0.2 and falls.
# From step 200 on both nearly agree: they linger near 0.04 until step 400, pass 0.01 nats
# near step 600 and end near 1e-5.*

# %% [markdown] slideshow={"slide_type": "subslide"}
# Both go to zero; the gap even grows for a while, as $q$ runs after a posterior that moves.
# Why zero? Turn $W$ by a rotation $R$ so that its columns are orthogonal: $p(x)$ stays the
# same, since $(WR)(WR)^\top = W W^\top$. But the posterior becomes diagonal, and then a diagonal $q$ fits it. The ELBO's second way of growing, "a posterior
# that is easier for $q$", picks the principal axes among all equally good models.

# %%
learnt = as_exact(vae)
final = missing(vae, rows)
assert all(part > -1e-10 for part in final)  # nothing beats the best, but for rounding
assert sum(final) < 0.01
print(f"best possible log p(x)  {best:.6f} nats a measurement")
print(f"log p(x) after training {learnt.log_evidence(measurements).mean():.6f}")
print(f"ELBO after training     {best - sum(final):.6f}")
print(f"sigma^2: {learnt.sigma**2:.5f}, discarded eigenvalues {fitted.sigma**2:.5f}")
cosine = learnt.W[:, 0] @ learnt.W[:, 1] / np.prod(np.linalg.norm(learnt.W, axis=0))
print(f"cosine between the columns of W: {abs(cosine):.4f}")

# %% [markdown]
# On the digits of lesson 3 no best number is known. That is why it is worth having seen one reached.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What could go wrong
#
# - **A kl term of zero taken for a tight bound.** It means that $q$ ignores $x$.
# - **A KL the wrong way round.** The first argument is the one that is averaged over.
# - **A rising ELBO taken for a better model.** It may be the gap that shrinks. And of two
#   models the one with the higher ELBO need not have the higher $\log p(x)$.
# - **Estimating $p(x)$ from the prior**: usually too low, with an error bar that looks fine.
# - **Means here, sums there.** Sum over the components of $x$ and of $z$; average over
#   measurements. Mixing these multiplies one of the two terms by a constant.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Summary
#
# | question | answer | here |
# |---|---|---|
# | What is the gap? | $\log p_\theta(x) - \mathrm{ELBO} = \mathrm{KL}(q(z) \,\Vert\, p_\theta(z \mid x))$ | lines 1 to 6 |
# | When is the bound tight? | exactly when $q$ is the posterior; then $\log p(x,z) - \log q(z)$ is the same for every $z$ | flat line |
# | What is the gap when $q$ is the prior? | $\mathrm{KL}(p(z) \,\Vert\, p_\theta(z \mid x))$, prior first | evaluated |
# | What is maximized over $\phi$? | the ELBO; $\log p_\theta(x)$ stays, the gap shrinks | left panel |
# | What is maximized over $\theta$? | the ELBO; $\log p_\theta(x)$ and the gap both move | right panel |
# | Why is the left side not computable? | $\log p_\theta(x)$ is an integral over all $z$; the posterior in the KL needs it too | 20 latents |
# | Which part is? | the difference of the two, by draws from $q$ | ± standard error |

# %% [markdown] slideshow={"slide_type": "skip"}
# ## Exercises
#
# [The set of this lesson](exercises/01_elbo.ipynb) has stubs to fill in, and checks that
# answer. Here are questions to think about without a net.
#
# 1. *Easy.* For the particle of 5.30 MeV let $q$ give each isotope one third. Compute the
#    ELBO, here $\sum_z q(z) [\log p(x \mid z) + \log p(z) - \log q(z)]$, and the gap, and
#    check that they add up to $\log p(x)$. Which $q$ has no gap?
# 2. *Medium.* Keep $q$ at the prior and let the detector improve: plot the gap of the
#    continuous model against $\sigma$ from 1 down to 0.05. Which power of $\sigma$ does it
#    follow for small $\sigma$, and why? (The posterior is in the box.)
# 3. *Medium.* Estimate $p(x)$ in twenty dimensions with $z$ drawn from a normal $q$ and
#    weights $p(x, z)/q(z)$. Centre $q$ on the posterior and vary its width. At which width
#    is the variance zero, and what happens if $q$ is too *narrow*?
# 4. *Hard.* Show on paper that the best diagonal $q$ has the variances $1/M_{ii}$, and
#    that these never exceed the posterior's own, $(M^{-1})_{ii}$. Then swap the arguments:
#    which diagonal $q$ minimizes $\mathrm{KL}(p(z \mid x) \,\|\, q(z))$? Check both with an
#    optimizer.

# %% [markdown] slideshow={"slide_type": "skip"}
# ## References
#
# - D. P. Kingma and M. Welling, *An Introduction to Variational Autoencoders*, 2019,
#   [arXiv:1906.02691](https://arxiv.org/abs/1906.02691).
# - D. M. Blei, A. Kucukelbir and J. D. McAuliffe, *Variational Inference: A Review for
#   Statisticians*, 2017, [arXiv:1601.00670](https://arxiv.org/abs/1601.00670).
# - M. E. Tipping and C. M. Bishop, *Probabilistic Principal Component Analysis*, Journal
#   of the Royal Statistical Society B 61, 1999.
# - J. Lucas, G. Tucker, R. Grosse and M. Norouzi, *Don't Blame the ELBO! A Linear VAE
#   Perspective on Posterior Collapse*, 2019,
#   [arXiv:1911.02469](https://arxiv.org/abs/1911.02469).
# - M. Hjorth-Jensen, *Advanced machine learning and data analysis for the physical
#   sciences*, Oslo 2024, week 14.
