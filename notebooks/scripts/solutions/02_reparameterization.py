# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Exercises on lesson 2: two ways to a gradient
#
# Open in [Colab](https://colab.research.google.com/github/generative-models/executed/blob/v0.2.0/notebooks/exercises/02_reparameterization.ipynb) or on [Binder](https://mybinder.org/v2/gh/generative-models/executed/v0.2.0?urlpath=lab/tree/notebooks/exercises/02_reparameterization.ipynb).
#
# [Lesson 2](../02_reparameterization.ipynb) has what you need. Fill in each cell and run
# it; its last line checks your answer with fresh random inputs and says what is not right
# yet. `logvar` is $\log\sigma^2$, and logarithms are natural.

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
# NumPy for all but exercises 4 and 7, which are in PyTorch. Run this cell first.

# %%
import matplotlib.pyplot as plt
import numpy as np
import torch
from scipy import stats
from torch import Tensor

from course_utils.checks import reparameterization
from course_utils.checks.progress import solved
from course_utils.checks.reparameterization import (
    check_crossing_frequency,
    check_fit_lines,
    check_leave_one_out,
    check_mixture_path,
    check_path_estimates,
    check_score_estimates,
    check_surrogate,
)
from course_utils.exact.estimators import gradient_variances, sine_gradient_variances

# %% [markdown]
# ## 1. A slope from counts (easy, 10 minutes)
#
# A counter reads $x \sim \mathrm{Poisson}(\lambda)$, and a circuit makes $f(x)$ of it: a
# trigger fires above four counts, another one saturates. Counts are whole numbers; they
# cannot be pushed a little. So weigh them: draw $n$ counts with the generator `rng`, and
# return for each its **score-function estimate** of
#
# $$ \frac{\partial}{\partial\lambda}\, \mathbb E_{x \sim \mathrm{Poisson}(\lambda)}[f(x)] . $$
#
# `f` takes and returns arrays `(n,)`. There is no baseline here. The check looks at the
# mean of your $n$ estimates and at their variance, so do not average them. It asks for a
# single one, too.
#
# <details><summary>Hint</summary>
#
# $q(x) = e^{-\lambda} \lambda^x / x!$. Take the logarithm and differentiate it with respect
# to $\lambda$; $x$ stays as it is. What is the mean of your score?
#
# </details>


# %%
def score_estimates(f, rate: float, n: int, rng: np.random.Generator) -> np.ndarray:
    """A function f of counts (n,), their mean -> estimates of the slope in it, (n,)."""
    # BEGIN SOLUTION
    counts = rng.poisson(rate, n)
    return f(counts) * (counts / rate - 1)
    # END SOLUTION


check_score_estimates(score_estimates)

# %% [markdown] tags=["solution"]
# There is a quieter rule for counts: the slope is also the mean of $f(x + 1) - f(x)$. It
# asks each count for one value more. (Differentiate $\sum_x f(x)\, q(x)$ and shift $x$ in
# one of the two sums.)

# %% [markdown]
# ## 2. A path for an activity (easy, 15 minutes)
#
# An activity cannot be negative, so let its logarithm be normal:
# $z = e^{\mu + \sigma\epsilon}$. Now you are handed the slope $f'(z)$ instead of $f$, and
# `logvar`, $\log\sigma^2$. Draw $n$ activities. Return two arrays `(n,)`: the **pathwise**
# estimates of the slopes of $\mathbb E[f(z)]$ in $\mu$ and in `logvar`. Again do not average.
#
# <details><summary>Hint</summary>
#
# Only $z$ depends on the two parameters. How far does $\log z$ move for a small step in
# $\mu$, and how far for one in $\log\sigma^2$, if $\epsilon$ is held? Then how far does $z$?
#
# </details>


# %%
def path_estimates(
    slope, mu: float, logvar: float, n: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Estimates of the slopes in mu and in logvar, each (n,)."""
    # BEGIN SOLUTION
    sigma, epsilon = np.exp(0.5 * logvar), rng.standard_normal(n)
    z = np.exp(mu + sigma * epsilon)
    pull = slope(z) * z
    return pull, pull * epsilon * sigma / 2
    # END SOLUTION


check_path_estimates(path_estimates)

# %% [markdown]
# ## 3. The others as a baseline (medium, 15 minutes)
#
# For each row, an image say, there are $k$ independent draws $z_1, \dots, z_k$, with their
# values $f_i = f(z_i)$ and their scores $s_i = \nabla_\phi \log q_\phi(z_i)$. As the
# baseline of draw $i$ take the mean of the *other* $k - 1$ values. Return for each row
#
# $$ \frac1k \sum_{i=1}^k \Big(f_i - \frac{1}{k-1} \sum_{j \neq i} f_j\Big)\, s_i . $$
#
# <details><summary>Hint</summary>
#
# No loop over $j$ is needed: the sum over the others is the sum over all, less one term.
# Mind the axis; the draws come first.
#
# </details>


# %%
def leave_one_out(f: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """f (k, rows), scores (k, rows) -> (rows,)."""
    # BEGIN SOLUTION
    k = len(f)
    others = (f.sum(axis=0) - f) / (k - 1)
    return ((f - others) * scores).mean(axis=0)
    # END SOLUTION


check_leave_one_out(leave_one_out)

# %% [markdown] tags=["solution"]
# Work it out and a covariance appears, $\frac{1}{k-1}\sum_i (f_i - \bar f)\, s_i$ with
# $\bar f$ the mean of all $k$ values. With $1/k$ in front instead, which is what a baseline
# gives that has seen its own draw, the gradient comes out too small by the factor
# $1 - 1/k$.
#
# How good is it? For $f = z^2$ and two draws the variance can be worked out too: it is
# $8\mu^2 + 6\sigma^2$, just that of *one* draw with the best constant $c^*$. So the second
# draw pays for not knowing $c^*$. Here both are, by measurement and by `exact`.

# %% tags=["solution"]
epsilon = np.random.default_rng(0).standard_normal((2, 1_000_000))
pairs = leave_one_out((1.5 + epsilon) ** 2, epsilon)
best = gradient_variances(1.5, 1.0).score_function_baseline
print(f"two draws {pairs.var():.2f}, one draw with the best constant {best:.2f}")

# %% [markdown]
# ## 4. A gradient through the back door (medium, 20 minutes)
#
# PyTorch differentiates what it can see. Write a **surrogate**: a tensor without axes whose
# value is of no interest, but whose gradients in `mu` and `logvar` are the mean over $n$
# draws of the score-function estimates,
#
# $$ \frac1n \sum_{i=1}^n f(z_i)\, \nabla_{\mu,\, \log\sigma^2} \log q(z_i), \qquad
# z_i = \mu + \sigma \epsilon_i . $$
#
# Here $z$ has $k$ independent components: `mu` and `logvar` are `(k,)`, `epsilon` is
# `(n, k)`, and `f` maps a tensor `(n, k)` to `(n,)`. Take no gradients yourself; the check
# calls `backward`. One of its functions `f` is a step, which has no slope at all. There
# may be 600 components, and `logvar` may be $\pm 8$.
#
# <details><summary>Hint</summary>
#
# `torch.distributions.Normal(mu, sigma).log_prob(z)` gives one number for each component.
# The gradient in the formula acts on $\log q$ alone, and there on its parameters, not on
# the point. `detach` keeps it away from the rest.
#
# </details>


# %%
def surrogate(f, mu: Tensor, logvar: Tensor, epsilon: Tensor) -> Tensor:
    """mu (k,), logvar (k,), epsilon (n, k) -> a tensor without axes."""
    # BEGIN SOLUTION
    sigma = torch.exp(0.5 * logvar)
    z = (mu + sigma * epsilon).detach()
    log_q = torch.distributions.Normal(mu, sigma).log_prob(z).sum(-1)
    return (f(z).detach() * log_q).mean()
    # END SOLUTION


check_surrogate(surrogate)

# %% [markdown] tags=["solution"]
# What if `z` is not detached? In $\log q(\mu + \sigma\epsilon)$ the distance from the mean
# is $\epsilon$, whatever $\mu$ is. So the gradient in `mu` is exactly zero, without an
# error: an encoder that is trained by it never learns where to put its mean. (The second
# `detach` above is only a precaution. Once `z` is cut, `f(z)` has no path, unless `f` has
# parameters of its own.)

# %% [markdown]
# ## 5. A path for a mixture (hard, 30 minutes)
#
# Let $q$ be a mixture on the line: $\mathcal N(\mu_0, \sigma_0^2)$ with weight $w$, and
# $\mathcal N(\mu_1, \sigma_1^2)$ with weight $1 - w$. Draw a component, then a point of it:
# that point does not move with $w$ at all. But there is another way to draw. With $F_w$
# for the distribution function of $q$, a uniform number $u$ gives the point $z$ where
# $F_w(z) = u$. Hold $u$, move $w$, and $z$ moves. Return $dz/dw$ at the given points.
#
# <details><summary>Hint</summary>
#
# Differentiate both sides of $F_w(z(w)) = u$ with respect to $w$. The left side gives two
# terms, one of which contains what you want. There is no need to solve for $z$.
# `stats.norm(mu, sigma)` has the methods `cdf` and `pdf`, and takes arrays.
#
# </details>


# %%
def mixture_path(
    z: np.ndarray, weight: float, mu: np.ndarray, sigma: np.ndarray
) -> np.ndarray:
    """z (n,), weight w, mu (2,), sigma (2,) -> dz/dw (n,)."""
    # BEGIN SOLUTION
    components = stats.norm(mu, sigma)
    cdf, pdf = components.cdf(z[:, None]), components.pdf(z[:, None])
    rise = cdf[:, 0] - cdf[:, 1]  # of F in w, at a fixed z
    return -rise / (pdf @ [weight, 1 - weight])
    # END SOLUTION


check_mixture_path(mixture_path)

# %% [markdown] tags=["solution"]
# Does the path give the right slope? The mean of $z^2$ is $w(\mu_0^2 + \sigma_0^2) + (1 -
# w)(\mu_1^2 + \sigma_1^2)$, so its slope in $w$ is a difference of two numbers. Points
# may be drawn in any way, if only they come from $q$.

# %% tags=["solution"]
rng = np.random.default_rng(0)
weight, mu, sigma = 0.3, np.array([-1.0, 2.0]), np.array([1.0, 0.5])
component = (rng.random(200_000) > weight).astype(int)
z = rng.normal(mu[component], sigma[component])
estimates = 2 * z * mixture_path(z, weight, mu, sigma)
error = estimates.std() / len(z) ** 0.5
truth = (mu[0] ** 2 + sigma[0] ** 2) - (mu[1] ** 2 + sigma[1] ** 2)
print(f"path {estimates.mean():.3f} +- {error:.3f}, exact {truth:.3f}")

# %% [markdown]
# ## 6. Where the famous one loses (hard, 25 minutes)
#
# Take $f(z) = \sin cz$ under a normal $q$ with $\sigma = \tfrac12$. For slow sines the path is the
# less noisy one; for fast ones the score function is, *without* any baseline. In between it
# depends on $\mu$. From which frequency $c$ on does the score function have the smaller
# variance **at every $\mu$**? Find it to 1 %, by a picture, by the closed forms or by
# bisection, and put the number in.
#
# <details><summary>Hint</summary>
#
# `sine_gradient_variances(mu, sigma, c)` returns three variances for an array of
# $\mu$: the path's, the score's, and the score's with the best baseline, which is of no
# use here. For some $c$ near 2, plot the difference of the first two over one period of
# the sine, and see at which $\mu$ the path does best. Then only $c$ is left to vary.
#
# </details>

# %%
# BEGIN SOLUTION
phase = np.linspace(0, np.pi, 181)
for c in (1.6, 1.9, 2.2, 2.5):
    variances = sine_gradient_variances(phase / c, 0.5, c)
    lead = variances.pathwise - variances.score_function
    plt.plot(phase / np.pi, lead)
    plt.text(1.02, lead[-1], f"c = {c}", va="center")
plt.axhline(0, color="black", linestyle=":")
plt.xlim(-0.05, 1.25)
plt.xlabel("phase c mu (in units of pi)")
plt.ylabel("variance of the path, less the score's")
plt.show()
# The path does best at mu = 0; there we halve an interval.
low, high = 1.6, 2.5
while high - low > 1e-6:
    middle = (low + high) / 2
    at_peak = sine_gradient_variances(0.0, 0.5, middle)
    wins = at_peak.pathwise < at_peak.score_function
    low, high = (middle, high) if wins else (low, middle)
crossing_frequency = low
# STUB crossing_frequency = ...
# END SOLUTION

check_crossing_frequency(crossing_frequency)

# %% [markdown] tags=["solution"]
# *Figure: the path's variance less the score function's, against the phase, for four
# frequencies. Each curve is lowest at phases 0 and 1, where the mean sits on the steepest
# part of the sine. The curve for 1.6 is below zero everywhere and the one for 1.9 in part;
# the one for 2.2 dips just below zero at its ends, and that for 2.5 stays above it.*
#
# The product $c\sigma$ is what counts: with $a = (c\sigma)^2$, the two variances at
# $\mu = 0$ are equal where $a - 1 = (3a - 1)\, e^{-2a}$, near $c\sigma = 1.11$. A width of
# $q$ that spans about a sixth of a wave is enough for the path to lose. The best constant
# baseline is zero at $\mu = 0$, so it would not change the number.

# %% [markdown]
# ## 7. Two lines that overlap (hard, 30 minutes)
#
# Now find a posterior yourself. A spectrum has two lines, so near to each other that they
# look like one. Line $k$ alone should give `profiles[k]` counts a channel, times $e^{z_k}$ with
# an unknown $z_k$. How far the strengths are known beforehand is the `spread` $\tau$. There is
# also a known `background`, the same in each channel:
#
# $$ z \sim \mathcal N(0, \tau^2 I), \qquad
# x_c \sim \mathrm{Poisson}\Big(\text{background} + \sum_k e^{z_k}\, \text{profiles}_{kc}\Big) . $$
#
# What one line gets, the other one lacks, so $z_1$ and $z_2$ are correlated. Let
# $q = \mathcal N(m, S)$ have a full covariance: $z = m + L\epsilon$ with a lower triangular
# $L$, and $S = L L^\top$. Maximize the ELBO by gradients along the path. Return $m$ and $S$.
#
# The check sums $p(x, z)$ over a plane of 40,000 points. So it knows $\log p(x)$, and how
# many nats your $q$ loses: **0.07 are allowed**. The best $q$ without correlation loses more
# than 0.2. All chance has to be that of `seed`: the same seed gives the same $q$, another one
# a slightly different $q$. A few hundred steps with a few dozen draws each are enough.
#
# <details><summary>Hint</summary>
#
# The ELBO is $\mathbb E_\epsilon[\log p(x, z)]$ plus the entropy of $q$, which is
# $\log\det L$ and a constant. Train the logarithms of the two diagonal entries of $L$, and
# the third entry as it is. Smaller steps towards the end take the noise out of $m$ and $L$.
#
# </details>


# %%
def fit_lines(
    counts: np.ndarray,
    profiles: np.ndarray,
    background: float,
    spread: float,
    seed: int,
) -> tuple[Tensor, Tensor]:
    """counts (channels,), profiles (2, channels) -> m (2,), S (2, 2)."""
    # BEGIN SOLUTION
    torch.manual_seed(seed)
    x, shapes = torch.tensor(counts).float(), torch.tensor(profiles).float()
    m = torch.zeros(2, requires_grad=True)
    log_diagonal = torch.full((2,), -1.0, requires_grad=True)
    slant = torch.zeros(2, 2, requires_grad=True)

    def triangle():
        return torch.diag(log_diagonal.exp()) + slant.tril(-1)

    steps = 500
    adam = torch.optim.Adam([m, log_diagonal, slant], lr=0.05)
    cooling = torch.optim.lr_scheduler.CosineAnnealingLR(adam, steps)
    for _ in range(steps):
        z = m + torch.randn(32, 2) @ triangle().T
        rates = background + z.exp() @ shapes
        log_joint = (x * rates.log() - rates).sum(1)
        log_joint = log_joint - 0.5 * (z / spread).square().sum(1)
        loss = -log_joint.mean() - log_diagonal.sum()
        adam.zero_grad()
        loss.backward()
        adam.step()
        cooling.step()
    return m.detach(), (triangle() @ triangle().T).detach()
    # END SOLUTION


check_fit_lines(fit_lines)

# %% [markdown] tags=["solution"]
# $\log x_c!$ and the entropy's constant have no slope, so the loss does without them. No
# draw of the exact posterior was needed.

# %% [markdown]
# How many are solved?

# %%
solved(reparameterization)
