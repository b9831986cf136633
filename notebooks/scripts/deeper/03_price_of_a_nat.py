# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Deeper: other widths, other prices
#
# Open in [Colab](https://colab.research.google.com/github/generative-models/executed/blob/v0.2.0/notebooks/deeper/03_price_of_a_nat.ipynb) or on [Binder](https://mybinder.org/v2/gh/generative-models/executed/v0.2.0?urlpath=lab/tree/notebooks/deeper/03_price_of_a_nat.ipynb).
#
# In [lesson 3](../03_vae_pytorch.ipynb) a VAE is told that every pixel has a Gaussian of
# width $\sigma = 1$, and its draws are static. Here the width is learnt. Then the linear
# $\beta$-VAE is solved exactly, which shows what $\sigma$ and $\beta$ buy. A published figure,
# an overflow, a noisy minibatch and a walk through the latent space follow.

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

# %% [markdown]
# ## Set-up
#
# On two CPU cores this page takes about two minutes.

# %% tags=["setup"] jupyter={"source_hidden": true}
# @title Set-up: libraries, models, figures
import math

import numpy as np
import torch

from course_utils.budget import budget
from course_utils.data.mnist import load_mnist
from course_utils.exact.linear_gaussian import (
    beta_vae_optimum,
    gaussian_nll_floor,
    principal_axes,
    rate_distortion,
)
from course_utils.figures.nats import rate_against_distortion
from course_utils.figures.style import mosaic, use_course_style
from course_utils.metrics.classifier import DigitClassifier
from course_utils.pytorch.device import (
    pick_device,
    seed_everything,
    to_images,
    to_numpy,
    to_tensor,
)
from course_utils.pytorch.likelihoods import GaussianPixels, bernoulli_log_likelihood
from course_utils.pytorch.training import train_vae
from course_utils.pytorch.vae import MLPVAE, elbo, reparameterize
from course_utils.records import read_result

use_course_style()
device = pick_device()
limit = budget(smoke=1_000, lecture=None, full=None)
epochs = budget(smoke=2, lecture=30, full=100)
train = load_mnist("train", "sample", limit)
test = load_mnist("test", "sample", 1_000)


def trained(likelihood):
    seed_everything(0)
    model = MLPVAE(likelihood).to(device)
    history = train_vae(model, train.x, epochs, 1, test_images=test.x)
    return model, history.require_complete()


# %% [markdown]
# ## Learn the width
#
# Let $\sigma$ be one more parameter. Of one pixel, with $e^2$ the mean squared error,
#
# $$
# -\log p = \log\sigma + \frac{e^2}{2\sigma^2} + \tfrac12\log 2\pi ,
# \qquad
# \frac{\partial(-\log p)}{\partial \log\sigma} = 1 - \frac{e^2}{\sigma^2} ,
# $$
#
# which vanishes at $\sigma = e$. The best width is the root mean squared error.
#
# **Predict before you run.** Grey levels lie between 0 and 1. Is that error nearer to 1, to
# 0.3 or to 0.1?

# %%
learnt, learnt_history = trained(GaussianPixels(sigma=0.5, learn=True))
sigma = learnt.likelihood.log_sigma.exp().item()
nll = -learnt_history["reconstruction"][-1] / 784  # of one pixel
error = sigma * math.sqrt(2 * (nll - math.log(sigma) - 0.5 * math.log(2 * math.pi)))
print(f"sigma = {sigma:.4f}, root mean squared error = {error:.4f}")
assert abs(sigma / error - 1) < budget(smoke=1.0, lecture=0.02, full=0.02)

# %% [markdown]
# **Answer.** Nearest to 0.1. The two numbers differ a little, because the error is a mean
# over the last epoch, in which $\sigma$ still moved.
#
# Now the control for the static of the lesson: the same network, data, steps and seeds, once
# with $\sigma = 1$ and once with $\sigma$ learnt.

# %%
unit, unit_history = trained(GaussianPixels(sigma=1.0))
torch.manual_seed(2)
z = torch.randn(8, 8, device=device)
noise = torch.randn(8, 1, 28, 28, device=device)
rows = {}
with torch.no_grad():
    for name, model, width in (("σ = 1", unit, 1.0), ("σ learnt", learnt, sigma)):
        means = model.decode(z)
        rows[f"{name}: mean"] = to_images(means)
        rows[f"{name}: draw"] = to_images((means + width * noise).clamp(0, 1))
mosaic(np.concatenate(list(rows.values())), columns=8, row_labels=list(rows))

# %% [markdown]
# *Figure: four rows of eight; for width 1 blurred means and static, for the learnt width
# sharper means and draws that are grainy, some of them no digits.*

# %% [markdown]
# The static is gone; a grain is left. But more of the means are no digits. As in the lesson, a
# classifier counts in which share it is at least 90 percent sure: for $z$ from the prior, and
# for $z$ from $q$ of held-out digits.

# %%
for name, model in (("σ = 1", unit), ("σ learnt", learnt)):
    with torch.no_grad():
        mu, logvar = model.encoder(to_tensor(test.x, device))
        from_q = reparameterize(mu, logvar, torch.randn_like(mu))
        images = [model.decode(z) for z in (torch.randn_like(mu), from_q)]
    prior, q = (DigitClassifier().probabilities(to_images(x)).max(1) for x in images)
    print(f"{name:9} prior {(prior > 0.9).mean():.0%}, q {(q > 0.9).mean():.0%}")

# %% [markdown]
# Where digits are encoded, the learnt width makes better ones. Under the prior it makes fewer.
# So a model can gain in nats and lose in draws. The nats, on held-out digits:

# %%
histories = {"sigma = 1": unit_history, "sigma learnt": learnt_history}
print(f"{'':14}{'ELBO':>10}{'reconstruction':>16}{'KL':>8}")
for name, history in histories.items():
    values = [history[f"test_{key}"][-1] for key in ("elbo", "reconstruction", "kl")]
    print("{:14}{:10.1f}{:16.1f}{:8.1f}".format(name, *values))

# %% [markdown]
# These two rows may be compared: both are densities of the same 784 numbers. The second is
# higher by more than a thousand nats, and it is positive. That is no mistake: a density has
# units, one over grey level to the power 784, and may be larger than one. The KL grows, too.
# With a narrow Gaussian, detail counts for more nats, and more of it is stored in $z$.

# %% [markdown]
# ## The linear beta-VAE, solved
#
# Let encoder and decoder be linear, $\sigma$ fixed, and the loss
# $\beta\,\mathrm{KL} - \text{reconstruction}$. Turn the data to their principal axes, with
# variances $\lambda_i$; then each axis is on its own. To reproduce an axis with a mean
# squared error $D_i \le \lambda_i$, a linear Gaussian code needs the rate (the mean KL)
#
# $$
# R_i = \tfrac12 \log \frac{\lambda_i}{D_i} .
# $$
#
# The loss of that axis is $\beta R_i + D_i / (2\sigma^2)$ and a constant. Its derivative,
# $-\beta/(2D_i) + 1/(2\sigma^2)$, vanishes at $D_i = \beta\sigma^2 =: s$. Where $\lambda_i$ is
# smaller than that, nothing is stored and $D_i = \lambda_i$:
#
# $$
# R = \sum_i \tfrac12 \left(\log \frac{\lambda_i}{s}\right)_{\!+}, \qquad
# D = \sum_i \min(\lambda_i, s) .
# $$
#
# Think of water that is filled to the level $s$. Axes that are drowned get no code: their
# latent dimensions fall back to the prior. That is **posterior collapse**, here as the best
# thing to do. Only the product $\beta\sigma^2$ counts.
#
# We take `beta_vae_optimum`, which has the best $W$ and $q$, and measure rate and distortion
# of it on the digits.

# %% tags=["nbval-check-output"]
rows = load_mnist("train", "sample", 1_000).x.reshape(1_000, -1)[:, 202:580:7]
few, _ = principal_axes(rows)
width, beta = 0.2, 4.0
model, inference = beta_vae_optimum(rows, latent_dim=54, sigma=width, beta=beta)
q_mean, q_cov = inference.posterior(rows)
rate = model.kl(q_mean, q_cov).mean()
likelihood = model.reconstruction(rows, q_mean, q_cov).mean()
constant = gaussian_nll_floor(rows.shape[1], width)
distortion = -2 * width**2 * (likelihood + constant)
exact = rate_distortion(few, width, beta)
assert abs(rate - exact.rate) < 1e-8
assert abs(distortion - exact.distortion) < 1e-8
print(f"54 pixels: rate {rate:.4f} nats, distortion {distortion:.4f}")
print(f"formula:        {exact.rate:.4f} nats,            {exact.distortion:.4f}")
print(f"{exact.active_units} of 54 axes are above the water")

# %% [markdown]
# Now for all 784 pixels, as a curve over the water level: rate against distortion. A second
# curve may use the eight strongest axes alone, as our networks have eight latent numbers. The
# two networks of this page are dots.

# %%
variances, _ = principal_axes(train.x.reshape(len(train), -1))
variances = variances[variances > 1e-9]
levels = np.geomspace(4, 0.005, 80)
curves = {}
for name, axes in {"linear, any axes": len(variances), "linear, eight axes": 8}.items():
    kept = np.minimum(variances[:axes], levels[:, None])
    rates = 0.5 * np.log(variances[:axes] / kept).sum(1)
    curves[name] = kept.sum(1) + variances[axes:].sum(), rates
dots = {}
for (name, history), width in zip(histories.items(), (1.0, sigma), strict=True):
    constant = gaussian_nll_floor(784, width)
    distortion = -2 * width**2 * (history["reconstruction"][-1] + constant)
    dots[name] = distortion, history["kl"][-1]
rate_against_distortion(curves, dots)

# %% [markdown]
# *Figure: two falling curves of rate against distortion, and two dots of networks below and
# left of both.*

# %% [markdown]
# A dot below a curve is better than it: fewer nats for the same error. In these runs both
# networks lie below the best *linear* codes, even below those with as many axes as they like.
# A network has eight, but it can bend them. The slope of the curve is $-1/(2 s)$: the last nat of the rate lowers the error's share
# of the loss by just $\beta$, which is its price.

# %% [markdown]
# ## A figure that everyone knows
#
# PyTorch's own VAE example (784-400-20-400-784, ten epochs on 60,000 digits) is quoted with
# a test loss of 105.6. A run of this course's trainer, with three seeds, is on record:

# %% tags=["nbval-check-output"]
record = read_result("known_vae")
finals = [series["test_loss"][-1] for series in record["seeds"].values()]
print("test loss after 10 epochs:", ", ".join(f"{final:.2f}" for final in finals))
print(f"published: {record['published_test_loss']}")
assert all(abs(final - record["published_test_loss"]) < 1 for final in finals)

# %% [markdown]
# Read it with care. That program feeds grey levels into the formula of the coins. The result
# is a cross-entropy and a sensible loss, but not the log-probability of anything. Even a
# decoder that meets every grey level exactly pays their entropy:

# %%
grey = test.x.reshape(len(test), -1).clip(1e-12, 1 - 1e-7).astype(float)
entropy = -(grey * np.log(grey) + (1 - grey) * np.log1p(-grey)).sum(1)
print(f"a perfect decoder of grey levels: {entropy.mean():.1f} nats a digit")

# %% [markdown]
# So it can be compared with itself, and not with the binary digits of the lesson.

# %% [markdown]
# ## Why softplus
#
# The tempting way to a coin's likelihood is a sigmoid first and a logarithm after. For one
# pixel of paper, believed to be ink with a logit of 100:

# %% tags=["nbval-check-output"]
logit, paper = torch.tensor([[100.0]]), torch.tensor([[0.0]])
naive = torch.log(1 - torch.sigmoid(logit)).item()
stable = bernoulli_log_likelihood(logit, paper).item()
print(f"log probability of paper at logit 100: naive {naive}, stable {stable}")

# %% [markdown]
# ## The last minibatch
#
# Some programs print the loss of the last minibatch of an epoch: with 10,000 digits in
# batches of 128 that is 16 of them, with 60,000 it is 96. How far does such a mean jump by
# chance alone?

# %%
with torch.no_grad():
    x = to_tensor(test.x, device)
    epsilon = torch.randn(len(x), unit.latent_dim, device=device)
    each = to_numpy(elbo(unit, x, epsilon)[0])
for n in (16, 96, len(each)):
    print(f"mean of {n:5,} digits: standard error {each.std() / math.sqrt(n):.2f} nats")

# %% [markdown]
# So the package prints means over all of an epoch, and over all held-out digits.

# %% [markdown]
# ## A walk along the axes
#
# What does one latent number do? We encode one digit and move each of its eight numbers alone,
# at equal steps of the prior's probability.

# %%
steps = torch.special.ndtri(torch.linspace(0.02, 0.98, 7, device=device))
with torch.no_grad():
    start = learnt.encoder(to_tensor(test.x[5:6], device))[0].repeat(8, 8, 1)
    for dimension in range(8):
        start[dimension, 1:, dimension] = steps  # the first column stays as encoded
    walked = to_images(learnt.decode(start.flatten(0, 1)))
names = ["as encoded"] + [f"{step:.1f}" for step in steps.tolist()]
mosaic(walked, 8, row_labels=[f"z{i + 1}" for i in range(8)], column_labels=names)

# %% [markdown]
# *Figure: eight rows, one a latent number. Along each row it runs from -2.1 to 2.1, and the
# digit changes its slant, its width, its loops or its class.*

# %% [markdown]
# No number is "the slant" or "the class", and nobody asked for that. Turn $z$ by any rotation
# and let the decoder undo it: $p(x)$ is the same, because $\mathcal N(0, I)$ looks alike from
# all sides. Only the shape of $q$, whose components are independent, prefers some axes.
