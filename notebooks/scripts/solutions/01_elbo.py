# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Exercises on lesson 1: evidence, bound and gap
#
# Open in [Colab](https://colab.research.google.com/github/generative-models/executed/blob/v0.2.0/notebooks/exercises/01_elbo.ipynb) or on [Binder](https://mybinder.org/v2/gh/generative-models/executed/v0.2.0?urlpath=lab/tree/notebooks/exercises/01_elbo.ipynb).
#
# [Lesson 1](../01_elbo.ipynb) has what you need. Fill in each cell and run it; its last
# line checks your answer with fresh random inputs and says what is not right yet. Shapes
# are written as `(rows, k)`. Logarithms are natural.

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
    os.chdir(f"{course}/notebooks/exercises")
    if importlib.util.find_spec("course_utils") is None:
        install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"]
        subprocess.run([*install, course], check=True)
        importlib.invalidate_caches()

# %% [markdown]
# NumPy is enough for this set. Run this cell first.

# %%
import matplotlib.pyplot as plt
import numpy as np

from course_utils.checks import elbo
from course_utils.checks.elbo import (
    check_best_diagonals,
    check_discrete_elbo,
    check_fit_counts,
    check_kl_normals,
    check_monte_carlo_elbo,
    check_power_of_sigma,
    check_tight_q,
)
from course_utils.checks.progress import solved
from course_utils.exact.divergences import gaussian_kl
from course_utils.exact.linear_gaussian import LinearGaussian

# %% [markdown]
# ## 1. The bound of three isotopes (easy, 5 minutes)
#
# A cause $z$ has a few values. Given $\log p(x, z)$ for several measurements $x$, one a
# row, and one $q(z)$ for all of them, return the ELBO of each row,
#
# $$ \sum_z q(z)\, \big[\log p(x, z) - \log q(z)\big] . $$
#
# Some $q(z)$ may be zero; what should such a $z$ add? Some $\log p(x, z)$ are as far off as
# $\pm 900$, as those of images are.
#
# <details><summary>Hint</summary>
#
# $q \log q \to 0$ as $q \to 0$, but `0 * np.log(0)` is `nan`. `scipy.special.xlogy` knows
# that limit; so does a mask.
#
# </details>


# %%
def discrete_elbo(log_joint: np.ndarray, q: np.ndarray) -> np.ndarray:
    """log_joint (rows, values), q (values,) -> (rows,)."""
    # BEGIN SOLUTION
    there = q > 0
    return (q[there] * (log_joint[:, there] - np.log(q[there]))).sum(axis=1)
    # END SOLUTION


check_discrete_elbo(discrete_elbo)

# %% [markdown]
# ## 2. The KL of two normals (easy, 10 minutes)
#
# Both are diagonal, with means $\mu_0, \mu_1$ and logarithms of variances. Return
# $\mathrm{KL}(\mathcal N_0 \,\|\, \mathcal N_1)$ for each row, in nats. There may be 60
# dimensions, and variances may be as small as $10^{-7}$ or as large as $10^7$.
#
# <details><summary>Hint</summary>
#
# In one dimension it is $\tfrac12\big(\sigma_0^2/\sigma_1^2 + (\mu_0 - \mu_1)^2/\sigma_1^2
# - 1 + \log(\sigma_1^2/\sigma_0^2)\big)$. Independent dimensions add. Test yours on two
# equal normals first.
#
# </details>


# %%
def kl_normals(
    mu0: np.ndarray, logvar0: np.ndarray, mu1: np.ndarray, logvar1: np.ndarray
) -> np.ndarray:
    """Each (rows, k) -> (rows,)."""
    # BEGIN SOLUTION
    ratio = np.exp(logvar0 - logvar1)
    distance = (mu0 - mu1) ** 2 / np.exp(logvar1)
    return 0.5 * (ratio + distance - 1 - np.log(ratio)).sum(axis=1)
    # END SOLUTION


check_kl_normals(kl_normals)

# %% [markdown]
# ## 3. The bound by Monte Carlo, with an error bar (medium, 15 minutes)
#
# You are handed `log_joint`, a function from $z$ `(n, k)` to $\log p(x, z)$ `(n,)` for one
# $x$, and a diagonal normal $q$. Draw $n$ independent points with the generator `rng`, and
# ask `log_joint` for all of them. Return the estimate of the ELBO and its **standard
# error**, the standard deviation of the mean; 10 % are allowed for it.
#
# <details><summary>Hint</summary>
#
# Draw $\epsilon$ first: $z = \mu + \sigma\epsilon$. Then $\log q(z)$ needs only
# $\epsilon$ and $\sigma$.
#
# </details>


# %%
def monte_carlo_elbo(
    log_joint, mean: np.ndarray, std: np.ndarray, n: int, rng: np.random.Generator
) -> tuple[float, float]:
    """mean (k,), std (k,) -> estimate and standard error, in nats."""
    # BEGIN SOLUTION
    epsilon = rng.standard_normal((n, len(mean)))
    log_q = -0.5 * (epsilon**2 + np.log(2 * np.pi)).sum(axis=1) - np.log(std).sum()
    terms = log_joint(mean + std * epsilon) - log_q
    return terms.mean(), terms.std(ddof=1) / np.sqrt(n)
    # END SOLUTION


check_monte_carlo_elbo(monte_carlo_elbo)

# %% [markdown]
# ## 4. The q without a gap (medium, 10 minutes)
#
# For the linear model $x = Wz + b + \sigma\epsilon$ with $z \sim \mathcal N(0, I)$, return
# mean and covariance of the normal $q(z)$ whose ELBO *is* $\log p(x)$. The covariance is
# the same for all rows. There may be fewer data than latents, $d < k$.
#
# <details><summary>Hint</summary>
#
# Completing the square: collect in $\log p(x \mid z) + \log p(z)$ what is quadratic in
# $z$, and what is linear. The quadratic part is $-\tfrac12 z^\top M z$.
#
# </details>


# %%
def tight_q(
    x: np.ndarray, W: np.ndarray, b: np.ndarray, sigma: float
) -> tuple[np.ndarray, np.ndarray]:
    """x (rows, d), W (d, k), b (d,) -> mean (rows, k), covariance (k, k)."""
    # BEGIN SOLUTION
    cov = np.linalg.inv(np.eye(W.shape[1]) + W.T @ W / sigma**2)
    return (x - b) @ W @ cov / sigma**2, cov
    # END SOLUTION


check_tight_q(tight_q)

# %% [markdown]
# ## 5. Two best diagonals (hard, 30 minutes)
#
# The posterior $p(z \mid x)$ has the precision matrix $M$. Among all normals with its mean
# and a *diagonal* covariance, find the variances that minimize $\mathrm{KL}(q \,\|\, p)$,
# those that minimize $\mathrm{KL}(p \,\|\, q)$, and the smallest value of the first KL: the
# gap that a diagonal encoder leaves. There may be 160 latents.
#
# <details><summary>Hint</summary>
#
# With equal means the first KL is $\tfrac12\big(\mathrm{tr}(M S) - k - \log\det M -
# \log\det S\big)$, where $S$ is the diagonal covariance of $q$. Differentiate with
# respect to one $S_{ii}$. For the second KL, exchange the two covariances.
#
# </details>


# %%
def best_diagonals(M: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """M (k, k) -> variances (k,), variances (k,), gap in nats."""
    # BEGIN SOLUTION
    q_first = 1 / np.diag(M)
    p_first = np.diag(np.linalg.inv(M))
    gap = 0.5 * (np.log(np.diag(M)).sum() - np.linalg.slogdet(M)[1])
    return q_first, p_first, gap
    # END SOLUTION


check_best_diagonals(best_diagonals)

# %% [markdown] tags=["solution"]
# The first is never wider than the second: $1/M_{ii} \le (M^{-1})_{ii}$, by the
# Cauchy-Schwarz inequality. A $q$ that must be diagonal and minimizes $\mathrm{KL}(q \,\|\,
# p)$ would rather be too narrow than stand where $p$ is not.

# %% [markdown]
# ## 6. What a better detector costs (medium, 20 minutes)
#
# Leave $q$ at the prior, and let the noise $\sigma$ of the linear model fall. The gap grows
# like a power of $\sigma$. Find it from a picture with two logarithmic axes, then on paper,
# and put the number in.
#
# <details><summary>Hint</summary>
#
# The gap is $\mathrm{KL}(p(z) \,\|\, p(z \mid x))$. `gaussian_kl` and
# `LinearGaussian(W, b, sigma).posterior(x)` give it for any $\sigma$.
#
# </details>

# %%
# BEGIN SOLUTION
sigmas, gaps = np.geomspace(0.005, 1, 20), []
for sigma in sigmas:
    mean, cov = LinearGaussian([[1.0]], [0.0], sigma).posterior(np.array([[1.0]]))
    gaps.append(gaussian_kl(0.0, 1.0, mean[0], cov))
plt.loglog(sigmas, gaps)
plt.xlabel("sigma of the detector")
plt.ylabel("gap (nats)")
plt.show()
slope = np.diff(np.log(gaps))[0] / np.diff(np.log(sigmas))[0]
power = round(slope)
# STUB power = ...
# END SOLUTION

check_power_of_sigma(power)

# %% [markdown] tags=["solution"]
# *Figure: the gap against sigma, both axes logarithmic: a straight line that falls two
# decades for each decade of sigma, and bends only near sigma = 1.*
#
# The posterior narrows like $\sigma$. A prior of fixed width is then $1/\sigma$ of its
# widths wide, and the KL has the square of that.

# %% [markdown]
# ## 7. Three hundred sources (hard, 30 minutes)
#
# Now train a model yourself. Each of many weak sources was counted for a time $t_i$ of its
# own, and $x_i$ decays were seen. Nobody knows the activities. The model says that their
# logarithms $z_i$ are normal, with the same $m$ and $s$ for all:
#
# $$ z_i \sim \mathcal N(m, s^2), \qquad x_i \sim \mathrm{Poisson}\big(t_i\, e^{z_i}\big) . $$
#
# No formula gives $p(x_i)$. So give each source a $q_i = \mathcal N(\mu_i, \sigma_i^2)$ of
# its own, and make the sum of all ELBOs as large as it gets, over the $q_i$ *and* over $m$
# and $s$. Return $m$, $s$, all $\mu_i$ and all $\log\sigma_i^2$.
#
# The check finds the largest sum of ELBOs by itself. It computes yours from what you
# return, and allows a loss of **0.001 nats a source**: go on until nothing moves. It tries
# fresh counts of 300 and of 200 sources, whose $m$ and $s$ differ. You may use NumPy,
# `scipy.optimize`, or PyTorch's Adam as in the lesson.
#
# <details><summary>Hint</summary>
#
# For a normal $q$, $\mathbb E_q[e^z] = e^{\mu + \sigma^2/2}$, so the ELBO of a source is a
# formula; its KL is that of exercise 2. With all $q_i$ held, the best $m$ and $s^2$ can be
# written down. With $m$ and $s$ held, set the slopes in $\mu_i$ and $\sigma_i^2$ to zero.
#
# </details>


# %%
def fit_counts(
    x: np.ndarray, t: np.ndarray
) -> tuple[float, float, np.ndarray, np.ndarray]:
    """Counts x (n,), times t (n,) -> m, s, mu (n,), logvar (n,)."""
    # BEGIN SOLUTION
    mu, variance = np.log((x + 0.5) / t), 1 / (x + 1)
    for _ in range(100):
        m = mu.mean()
        s2 = (variance + (mu - m) ** 2).mean()
        rate = t * np.exp(mu + variance / 2)
        mu = mu + (x - rate - (mu - m) / s2) / (rate + 1 / s2)  # a step of Newton's
        variance = 1 / (t * np.exp(mu + variance / 2) + 1 / s2)
    return m, np.sqrt(s2), mu, np.log(variance)
    # END SOLUTION


check_fit_counts(fit_counts)

# %% [markdown] tags=["solution"]
# A source with few counts has a wide $q_i$, which leans on the other sources through $m$
# and $s$; one with many counts hardly needs them. If $\sigma_i^2/2$ is left out of the rate,
# nothing keeps $q_i$ from being as wide as the prior.

# %% [markdown]
# How many are solved?

# %%
solved(elbo)
