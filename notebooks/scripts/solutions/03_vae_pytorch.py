# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Exercises on lesson 3: a VAE from its parts
#
# Open in [Colab](https://colab.research.google.com/github/generative-models/executed/blob/v0.2.0/notebooks/exercises/03_vae_pytorch.ipynb) or on [Binder](https://mybinder.org/v2/gh/generative-models/executed/v0.2.0?urlpath=lab/tree/notebooks/exercises/03_vae_pytorch.ipynb).
#
# [Lesson 3](../03_vae_pytorch.ipynb) has what you need. Close it for exercises 1 to 4 and
# write the parts from their formulas. Fill in each cell and run it; its last line checks
# your answer with fresh random inputs and says what is not right yet. Where a tensor is
# asked for, the check looks at its gradient too.

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
# PyTorch, with tensors in single precision. Logarithms are natural. Run this cell first.

# %%
import math

import matplotlib.pyplot as plt
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from course_utils.checks.vae_pytorch import (
    check_bernoulli,
    check_beta_for_ten_nats,
    check_elbo,
    check_iwae_bound,
    check_kl,
    check_rate_distortion,
    check_reparameterize,
)
from course_utils.data.mnist import load_mnist
from course_utils.exact.linear_gaussian import principal_axes

# %% [markdown]
# ## 1. One sample (easy, 5 minutes)
#
# Return $z = \mu + \sigma\epsilon$, where `logvar` is $\log\sigma^2$. `mu` and `logvar` are
# `(rows, k)`. `epsilon` has the same shape, or several draws at once, `(samples, rows, k)`,
# and $z$ has the shape of `epsilon`. Gradients must flow back to `mu` and `logvar`.
#
# <details><summary>Hint</summary>
#
# What is half of $\log\sigma^2$? As for the draws: PyTorch lines up the last axes by
# itself.
#
# </details>


# %%
def reparameterize(mu: Tensor, logvar: Tensor, epsilon: Tensor) -> Tensor:
    """mu (rows, k), logvar (rows, k), epsilon (..., rows, k) -> z as epsilon."""
    # BEGIN SOLUTION
    return mu + torch.exp(0.5 * logvar) * epsilon
    # END SOLUTION


check_reparameterize(reparameterize)

# %% [markdown]
# ## 2. The price of a code (easy, 5 minutes)
#
# Return $\mathrm{KL}(q \,\|\, p)$ of $q = \mathcal N(\mu, \mathrm{diag}\,\sigma^2)$ to the
# prior $p = \mathcal N(0, I)$, in nats, one value an image.
#
# <details><summary>Hint</summary>
#
# Four terms for each latent dimension, and a factor in front. For $\mu = 0$ and
# $\sigma = 1$ the result must be zero. Then add up over the dimensions, and over nothing
# else.
#
# </details>


# %%
def kl(mu: Tensor, logvar: Tensor) -> Tensor:
    """mu (rows, k), logvar (rows, k) -> (rows,)."""
    # BEGIN SOLUTION
    return 0.5 * (mu.square() + logvar.exp() - 1 - logvar).sum(dim=1)
    # END SOLUTION


check_kl(kl)

# %% [markdown]
# ## 3. Pixels as coins, with any logit (medium, 15 minutes)
#
# A decoder gives a logit $\ell$ for each pixel, and the pixel is 1 with probability
# $1/(1 + e^{-\ell})$. Return $\log p(x \mid z)$ of images $x$ of zeros and ones, one value
# an image. It must be right for logits of $\pm 1000$, where a wrong pixel costs 1000 nats
# and a right one nothing.
#
# <details><summary>Hint</summary>
#
# Put $\ell$ into $x \log p + (1 - x)\log(1 - p)$ and simplify on paper; the fraction
# disappears, and one logarithm is left. It has a name in `torch.nn.functional`.
#
# </details>


# %%
def log_likelihood(x_logits: Tensor, x: Tensor) -> Tensor:
    """x_logits and x, both (rows, 1, height, width) -> (rows,)."""
    # BEGIN SOLUTION
    return (x * x_logits - F.softplus(x_logits)).flatten(1).sum(dim=1)
    # END SOLUTION


check_bernoulli(log_likelihood)

# %% [markdown] tags=["solution"]
# `F.binary_cross_entropy_with_logits` is the same formula with the other sign; it needs
# `reduction="none"`, or it averages over pixels *and* images. The function without "logits"
# in its name stops at 100 nats a pixel, which is a guard against infinities and no
# logarithm.

# %% [markdown]
# ## 4. The objective (medium, 20 minutes)
#
# You are handed a model with two parts: `model.encoder(x)` returns $\mu$ and
# $\log\sigma^2$, both `(rows, k)`, and `model.decoder(z)` returns logits of the shape of
# $x$. The pixels are zeros and ones. Return three tensors `(rows,)`, in this order: the
# ELBO of the one sample that belongs to `epsilon`, its reconstruction term, and its KL.
#
# You may call what you wrote above. The check also follows the ELBO's gradient into the
# weights of both parts.
#
# <details><summary>Hint</summary>
#
# Five lines, in the order in which an image goes through the model. Both terms are sums,
# over pixels and over latent dimensions. Nothing is averaged here, and there is no
# $\beta$.
#
# </details>


# %%
def elbo(model, x: Tensor, epsilon: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """x (rows, 1, height, width), epsilon (rows, k) -> three tensors (rows,)."""
    # BEGIN SOLUTION
    mu, logvar = model.encoder(x)
    z = reparameterize(mu, logvar, epsilon)
    reconstruction = log_likelihood(model.decoder(z), x)
    cost = kl(mu, logvar)
    return reconstruction - cost, reconstruction, cost
    # END SOLUTION


check_elbo(elbo)

# %% [markdown] tags=["solution"]
# Which mistakes would an ELBO that *looks* right hide? One is a mean over the 784 pixels
# beside a sum over the latents: it is as if $\beta$ were 784. Another is a `z` that has
# been detached: all three values are right, and the encoder hears the KL alone.

# %% [markdown]
# ## 5. A tighter bound (medium, 15 minutes)
#
# Given $\log w_j = \log p(x, z_j) - \log q(z_j \mid x)$ for $k$ samples of each image, as
# a tensor `(samples, rows)`, return for each image
#
# $$ \log \frac1k \sum_{j=1}^k w_j . $$
#
# For real images $\log w$ may be near $-1000$, or near $+1000$ if pixels have a density,
# and images of one batch may lie far apart.
#
# <details><summary>Hint</summary>
#
# Add a constant to all $\log w_j$ of an image: how does the result change? Choose the
# constant so that the largest exponential is 1. PyTorch has a function that does so.
#
# </details>


# %%
def iwae_bound(log_weights: Tensor) -> Tensor:
    """log_weights (samples, rows) -> (rows,)."""
    # BEGIN SOLUTION
    return torch.logsumexp(log_weights, dim=0) - math.log(len(log_weights))
    # END SOLUTION


check_iwae_bound(iwae_bound)

# %% [markdown] tags=["solution"]
# Its gradient in $\log w_j$ is $w_j / \sum_i w_i$: samples that explain the image well are
# listened to, and the others are not. In the ELBO of $k$ samples each counts $1/k$.

# %% [markdown]
# ## 6. A beta-VAE on paper (hard, 25 minutes)
#
# Let encoder and decoder be linear and the decoder's noise $\sigma$ fixed. Then a
# $\beta$-VAE can be solved exactly, because each principal axis of the data is on its own.
# Take it as given that such a model can reproduce an axis on which the data have the
# variance $\lambda$ with a mean squared error $D \le \lambda$ for a mean KL of
#
# $$ R = \tfrac12 \log \frac{\lambda}{D} , $$
#
# and not for less. The model chooses $D$ for each axis so that $-D/(2\sigma^2) - \beta R$
# is largest. Given all variances $\lambda_i$ (the eigenvalues of the covariance matrix),
# return two numbers: the **rate**, the sum of all $R_i$ in nats, and the **distortion**,
# the sum of all $D_i$. There is a latent dimension for every axis that wants one.
#
# <details><summary>Hint</summary>
#
# Forget $D \le \lambda$ at first, and differentiate with respect to $D$. The best $D$ is
# the same for all axes. Then think of an axis whose $\lambda$ is smaller than that.
#
# </details>


# %%
def rate_distortion(
    eigenvalues: Tensor, sigma: float, beta: float
) -> tuple[Tensor, Tensor]:
    """eigenvalues (d,) -> rate in nats, distortion; numbers or tensors without axes."""
    # BEGIN SOLUTION
    errors = eigenvalues.clamp(max=beta * sigma**2)
    return 0.5 * torch.log(eigenvalues / errors).sum(), errors.sum()
    # END SOLUTION


check_rate_distortion(rate_distortion)

# %% [markdown] tags=["solution"]
# Think of water filled to the level $\beta\sigma^2$: axes that are drowned are not
# encoded at all, and their latent dimensions fall back to the prior. That is posterior
# collapse, here as the best thing to do. Only the product $\beta\sigma^2$ counts, so a
# decoder which thinks itself too noisy collapses like one with a large $\beta$.

# %% [markdown]
# ## 7. Ten nats for a digit (hard, 25 minutes)
#
# Now with real variances, those of the grey levels of the training digits of lesson 3. The
# decoder's noise is $\sigma = 0.2$. At which $\beta$ does the linear $\beta$-VAE store ten
# nats of each digit? Give it to 1 %. Draw the rate against the distortion for many $\beta$
# on the way, and count how many axes are in use at yours. The next cell makes
# `eigenvalues` for you.
#
# <details><summary>Hint</summary>
#
# Some eigenvalues are zero, or below it by rounding: pixels that are always black. What
# does your function of exercise 6 make of $\log(0/0)$? Then try values of $\beta$ between
# 1 and 100.
#
# </details>

# %%
digits = load_mnist("train").x
variances, _ = principal_axes(digits.reshape(len(digits), -1))
eigenvalues = torch.tensor(variances.copy())
print(
    f"{len(eigenvalues)} axes, the largest variances:", eigenvalues[:5].numpy().round(2)
)

# %% [markdown]
# Put the number in here.

# %%
# BEGIN SOLUTION
there = eigenvalues[eigenvalues > 1e-9]
betas = np.geomspace(0.3, 150, 60)
curve = [rate_distortion(there, 0.2, beta) for beta in betas]
plt.plot([d for _, d in curve], [r for r, _ in curve])
for beta in (0.5, 1, 4, 12.75, 50):
    rate, distortion = rate_distortion(there, 0.2, beta)
    plt.plot(distortion, rate, "o", color="black")
    plt.text(distortion + 0.7, rate + 2, f"beta = {beta:g}")
plt.xlabel("distortion (squared error of a digit)")
plt.ylabel("rate (nats a digit)")
plt.show()
low, high = 1.0, 100.0
while high - low > 1e-6:
    middle = (low + high) / 2
    too_much = rate_distortion(there, 0.2, middle)[0] > 10
    low, high = (middle, high) if too_much else (low, middle)
beta_for_ten_nats = low
print(f"beta = {low:.2f}, {(there > low * 0.2**2).sum()} axes in use")
# STUB beta_for_ten_nats = ...
# END SOLUTION

check_beta_for_ten_nats(beta_for_ten_nats)

# %% [markdown] tags=["solution"]
# *Figure: rate against distortion. The curve falls steeply from more than a hundred nats
# at a small error, and runs out flat towards zero nats, where the error is all of the
# digits' variance. Five dots mark values of beta: 0.5 and 1 high on the left, 12.75 at ten
# nats, 50 near the end.*
#
# The slope of the curve has a meaning: $-dR/dD = 1/(2\beta\sigma^2)$. So the last nat of
# the rate lowers the squared error's share of the loss, $D/(2\sigma^2)$, by just $\beta$,
# which is what it costs. At $\beta = 1$ a digit takes 87 nats, spread over 114 axes. What a
# network with eight latent numbers stores, which can bend its axes, stands beside this curve
# in [Deeper: other widths, other prices](../deeper/03_price_of_a_nat.ipynb).
