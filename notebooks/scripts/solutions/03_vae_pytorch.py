# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Exercises on lesson 3: a VAE for spectra
#
# Open in [Colab](https://colab.research.google.com/github/generative-models/executed/blob/v0.2.0/notebooks/exercises/03_vae_pytorch.ipynb) or on [Binder](https://mybinder.org/v2/gh/generative-models/executed/v0.2.0?urlpath=lab/tree/notebooks/exercises/03_vae_pytorch.ipynb).
#
# [Lesson 3](../03_vae_pytorch.ipynb) has a VAE of digits. Here you write parts for other
# codes and other data, and train a VAE of your own at the end. Fill in each cell and run it;
# its last line checks your answer with fresh random inputs and says what is not right yet.
# In exercises 1 to 4 the check looks at gradients, too.

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
import matplotlib.pyplot as plt
import numpy as np
import torch
from torch import Tensor, nn

from course_utils.checks import vae_pytorch
from course_utils.checks.progress import solved
from course_utils.checks.vae_pytorch import (
    check_beta_for_ten_nats,
    check_draw_laplace,
    check_kl_laplace,
    check_log_likelihood,
    check_pooled_bound,
    check_rate_distortion,
    check_train_spectra,
)
from course_utils.data.mnist import load_mnist
from course_utils.exact.linear_gaussian import principal_axes

# %% [markdown]
# ## 1. A draw that prefers zero (easy, 10 minutes)
#
# A normal cloud is not the only choice. The **Laplace** distribution has a peak and long
# tails, so a code with such a prior is mostly small, and now and then large:
#
# $$ q(z) = \frac{1}{2b}\, e^{-|z - \mu|/b} . $$
#
# Make $z$ from uniform noise: let $u$ between 0 and 1 be the probability to lie below $z$,
# and solve for $z$. `mu` and `log_b` are `(rows, k)`; `u` has the same shape, or several
# draws at once, `(samples, rows, k)`, and $z$ has the shape of `u`. Gradients must flow back
# to `mu` and `log_b`. The tails count: `u` may come as near to 0 and to 1 as $10^{-5}$.
#
# <details><summary>Hint</summary>
#
# Which probability lies below a $z$ that is smaller than $\mu$? And which one lies above a $z$
# that is larger? Solve both for $z$. `torch.where`, or `sign` and `abs`, joins them.
#
# </details>


# %%
def draw_laplace(mu: Tensor, log_b: Tensor, u: Tensor) -> Tensor:
    """mu (rows, k), log_b (rows, k), u (..., rows, k) -> z as u."""
    # BEGIN SOLUTION
    side = u - 0.5
    return mu - torch.exp(log_b) * side.sign() * torch.log1p(-2 * side.abs())
    # END SOLUTION


check_draw_laplace(draw_laplace)

# %% [markdown]
# ## 2. The price of that code (medium, 15 minutes)
#
# The prior is the Laplace distribution with $\mu = 0$ and $b = 1$. Return
# $\mathrm{KL}(q \,\|\, p)$ of independent Laplace distributions to it, in nats, one value a
# row. The gradient has to be right everywhere, also where $\mu$ is exactly zero: there the KL
# is smallest.
#
# <details><summary>Hint</summary>
#
# The mean of $\log q$ is $-\log 2b - 1$. For the mean of $\log p$ you need
# $\mathbb E_q|z|$. For $\mu > 0$ this is $\mu$, plus twice what lies below zero:
# $\mathbb E_q|z| = \mu + 2\int_{-\infty}^0 |z|\, q(z)\, dz$.
#
# </details>


# %%
def kl_laplace(mu: Tensor, log_b: Tensor) -> Tensor:
    """mu (rows, k), log_b (rows, k) -> (rows,)."""
    # BEGIN SOLUTION
    b, distance = log_b.exp(), mu.abs()
    return (distance + b * torch.exp(-distance / b) - log_b - 1).sum(dim=1)
    # END SOLUTION


check_kl_laplace(kl_laplace)

# %% [markdown] tags=["solution"]
# Far from zero the price grows like $|\mu|$, where a normal code pays $\mu^2/2$. A large
# number is cheaper here. Near zero there is no free place: with $b < 1$ each code pays.

# %% [markdown]
# ## 3. Counts, with any rate (easy, 10 minutes)
#
# The data are spectra now: in each channel a count, $x_c \sim \mathrm{Poisson}(r_c)$. The
# decoder gives $\log r_c$, since a rate is positive. Return $\log p(x \mid z)$, one value a
# spectrum, with all terms. It must be right for a log rate of $-1000$: there no count costs
# nothing, and one count costs 1000 nats. It must be right for bright channels too, with
# hundreds of counts, and for a log rate of 20.
#
# <details><summary>Hint</summary>
#
# A Poisson probability has three factors. Take the logarithm of each on paper. Which of the
# three terms needs $r$, and which needs $\log r$? The logarithm of a factorial is one function
# in PyTorch, `torch.lgamma`.
#
# </details>


# %%
def log_likelihood(log_rates: Tensor, x: Tensor) -> Tensor:
    """log_rates and counts x, both (rows, channels) -> (rows,)."""
    # BEGIN SOLUTION
    return (x * log_rates - log_rates.exp() - torch.lgamma(x + 1)).sum(dim=1)
    # END SOLUTION


check_log_likelihood(log_likelihood)

# %% [markdown] tags=["solution"]
# `F.poisson_nll_loss` is the same with the other sign. It averages over channels *and*
# spectra by default, and leaves $\log x!$ out. With `full=True` it takes Stirling's formula,
# which is off by some hundredths of a nat where $x$ is 2 or 3.

# %% [markdown]
# ## 4. One bound from several machines (medium, 15 minutes)
#
# With weights $w_i = p(x, z_i)/q(z_i \mid x)$, the logarithm of the mean of $n$ weights is a
# bound that gets tighter with $n$. Several machines have drawn samples for the same spectra.
# Machine $j$ took $n_j$ of them, and kept only
#
# $$ L_j = \log \frac{1}{n_j} \sum_{i=1}^{n_j} w_i . $$
#
# Return for each spectrum the logarithm of the mean of **all** weights. The $L_j$ may be near
# $-1000$ or near $+1000$, and the machines may differ by hundreds of nats.
#
# <details><summary>Hint</summary>
#
# What is the sum of the weights of machine $j$, in terms of $L_j$ and $n_j$? And what happens
# to your result if you add a constant to all $L_j$ of a spectrum? PyTorch has a function that
# chooses this constant well.
#
# </details>


# %%
def pooled_bound(bounds: Tensor, counts: Tensor) -> Tensor:
    """L as bounds (machines, rows), n as counts (machines,) -> (rows,)."""
    # BEGIN SOLUTION
    sums = bounds + counts.log()[:, None]
    return torch.logsumexp(sums, dim=0) - counts.sum().log()
    # END SOLUTION


check_pooled_bound(pooled_bound)

# %% [markdown] tags=["solution"]
# The gradient in $L_j$ is the share of machine $j$ in the sum of all weights. A machine that
# found no good sample is not listened to, however long it worked.

# %% [markdown]
# ## 5. A beta-VAE on paper (hard, 25 minutes)
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
# the sum of all $D_i$. There is a latent dimension for every axis that wants one, and there
# may be hundreds of axes.
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
# ## 6. Ten nats for a digit (hard, 25 minutes)
#
# Now with real variances, those of the grey levels of the training digits of lesson 3. The
# decoder's noise is $\sigma = 0.2$. At which $\beta$ does the linear $\beta$-VAE store ten
# nats of each digit? Give it to 1 %. Draw the rate against the distortion for many $\beta$
# on the way, and count how many axes are in use at yours. The next cell makes
# `eigenvalues` for you.
#
# <details><summary>Hint</summary>
#
# Is the rate a number at all? Look at the smallest eigenvalues: which pixels make them? Then
# print the rate for $\beta = 1$. Has $\beta$ to be larger or smaller?
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

# %% [markdown]
# ## 7. A VAE for spectra (hard, 30 minutes)
#
# Now train a VAE yourself. A source holds two isotopes with three lines each; their shares
# differ from spectrum to spectrum, and the detector's gain drifts, which moves all lines. You
# are not told more than that. You get `x`, 2,000 spectra of 32 channels with about 200 counts
# each, and 300 `fresh` ones. The code has two numbers with the prior $\mathcal N(0, I)$, and
# $q = \mathcal N(\mu, \mathrm{diag}\,\sigma^2)$, as in the lesson. The counts are Poisson, as
# in exercise 3.
#
# Train on `x` only. Return for the fresh spectra $\mu$ and $\log\sigma^2$, both
# `(rows, 2)`, and the decoder's log rates, `(rows, channels)`, at
# $z = \mu + \sigma\,\epsilon$ with the `epsilon` that is handed in. All other chance must come
# from `seed`.
#
# The check computes your bound from these. It made the spectra, so it also knows the exact
# $\log p(x)$ of the true model, by a sum over 14,641 points $z$. **You may lose 1.6 nats a
# spectrum.** One rate for each channel, the same for all spectra, loses eleven and more. The check
# trains three times: twice with one seed, and once with another, which has to make a
# difference. It wants to see that no fresh spectrum helps another one, and that $z$
# alone makes the rates. Keep one training below some ten seconds.
#
# <details><summary>Hint</summary>
#
# Small networks and a thousand steps do it. Print both terms of the bound in nats a spectrum,
# before the first step and now and then. A mean KL near zero says that nothing has been learnt;
# about 3 nats are healthy. If it is not enough, ask three questions. How large are the numbers
# that the encoder sees? Which rates does the decoder begin with? Do the last steps still jump
# about?
#
# </details>


# %%
def train_spectra(
    x: Tensor, fresh: Tensor, epsilon: Tensor, seed: int
) -> tuple[Tensor, Tensor, Tensor]:
    """x (n, c), fresh (m, c), epsilon (m, 2) -> mu, logvar (m, 2), log rates (m, c)."""
    # BEGIN SOLUTION
    torch.manual_seed(seed)
    channels = x.shape[1]
    encoder = nn.Sequential(nn.Linear(channels, 64), nn.ReLU(), nn.Linear(64, 4))
    decoder = nn.Sequential(nn.Linear(2, 64), nn.ReLU(), nn.Linear(64, channels))
    decoder[-1].bias.data = x.mean(dim=0).log()

    def encode(x, epsilon):
        mu, logvar = encoder(x.sqrt() - 2).chunk(2, dim=1)
        return mu, logvar, decoder(mu + torch.exp(0.5 * logvar) * epsilon)

    steps = 800
    adam = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], lr=5e-3)
    cooling = torch.optim.lr_scheduler.CosineAnnealingLR(adam, steps)
    for _ in range(steps):
        batch = x[torch.randint(len(x), (100,))]
        mu, logvar, log_rates = encode(batch, torch.randn(100, 2))
        kl = 0.5 * (mu.square() + logvar.exp() - 1 - logvar).sum(dim=1)
        loss = (kl - log_likelihood(log_rates, batch)).mean()
        adam.zero_grad()
        loss.backward()
        adam.step()
        cooling.step()
    with torch.no_grad():
        return encode(fresh, epsilon)
    # END SOLUTION


check_train_spectra(train_spectra)

# %% [markdown] tags=["solution"]
# What is lost has two causes: the decoder is not quite the true one, and $q$ is not quite the
# posterior. A $\beta$ of one half or of two costs only some tenths of a nat here, so the number alone
# does not show such a mistake. The two terms would: the KL moves.

# %% [markdown]
# How many are solved?

# %%
solved(vae_pytorch)
