# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # What the lecture's programs get wrong
#
# Open in [Colab](https://colab.research.google.com/github/generative-models/executed/blob/v0.2.0/notebooks/deeper/lecture_programs.ipynb) or on [Binder](https://mybinder.org/v2/gh/generative-models/executed/v0.2.0?urlpath=lab/tree/notebooks/deeper/lecture_programs.ipynb).
#
# Lessons 1 to 10 take their models from a lecture: M. Hjorth-Jensen, *Advanced machine
# learning and data analysis for the physical sciences*, University of Oslo, week 14, April
# 2024. Its page has the mathematics of variational autoencoders (VAEs), programs for two
# VAEs and one generative adversarial network (GAN), and a look at that GAN's latent space.
#
# You need not know it. Everybody's programs have faults like those below, and most of them
# are small. We collect them because they are instructive: you will meet each of them again,
# in programs of your own. Each section says what the lecture has, shows the fault in a few
# lines of ours, lets them run, and gives the mend. A last section says what is right.
#
# Where a fault needs Keras or TensorFlow, it runs on
# [the second page](lecture_programs_keras.ipynb).

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
# Set-up: imports, a trained generator, digits.

# %% tags=["setup"] jupyter={"source_hidden": true}
# @title Set-up: imports
import ast
import json
import math
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from scipy.linalg import sqrtm
from scipy.special import entr, expit
from scipy.stats import chi, multivariate_normal, norm, poisson
from torch import nn
from torch.distributions import Normal, kl_divergence

from course_utils.budget import budget
from course_utils.data.latent import to_shell
from course_utils.data.mnist import load_mnist
from course_utils.exact.divergences import gaussian_kl, kl_to_standard_normal
from course_utils.exact.linear_gaussian import LinearGaussian, gaussian_nll_floor
from course_utils.figures.digit_rows import labelled_rows, mosaics
from course_utils.figures.style import use_course_style
from course_utils.metrics.classifier import DigitClassifier
from course_utils.metrics.digits import frechet_distance
from course_utils.pytorch.device import evaluating, to_images
from course_utils.pytorch.gan import descend, generate
from course_utils.pytorch.likelihoods import GaussianPixels
from course_utils.pytorch.networks import Discriminator, Generator
from course_utils.pytorch.vae import MLPVAE, ConvVAE, elbo
from course_utils.pytorch.weights import load_pretrained
from course_utils.records import read_result

use_course_style()
torch.set_num_threads(1)
generator = load_pretrained(Generator(), "dcgan", part="generator")
train, test = load_mnist("train"), load_mnist("test")

# %% [markdown]
# All sizes stand in one cell. `COURSE_BUDGET` picks a column; the saved outputs are those of
# `lecture`.

# %%
epochs = budget(smoke=1, lecture=5, full=20)  # of the VAE in section 9
digits = budget(smoke=1_120, lecture=9_824, full=9_824)  # a last batch of 96, both
samples = budget(smoke=100, lecture=300, full=2_000)  # images, for each score
rng = np.random.default_rng(0)

# %% [markdown]
# ## Look first
#
# The lecture explores its generator by grids of 10 × 10 images. Here is such a grid, made
# the same way with a generator of ours. What is odd about the left one? (The answer is in
# section 34.)

# %%
line = np.linspace(-1, 1, 100)
images = generate(generator, line + line * rng.standard_normal((100, 100)))
numbers = [i * j for i in range(10) for j in range(10)]
mosaics({"the grid": images[numbers], "what should be in it": images})

# %% [markdown]
# *Figure: two grids of ten by ten digits. The left one repeats a single image along its
# first row and first column, and is its own mirror image. The right one has no such
# pattern.*

# %% [markdown]
# ## All of them, in four tables
#
# The number leads to the section; **K** means that it runs on
# [the second page](lecture_programs_keras.ipynb). The last column names the lesson that
# teaches the matter.
#
# **Mathematics**
#
# | | fault | where | what it does | what is right | lesson |
# |---|---|---|---|---|---|
# | 1 | words and letters change | throughout | *h* and *z* look like two things, *D* like one | one letter, one meaning | [1](../01_elbo.ipynb) |
# | 2 | $x_i, y_i$ out of nowhere; $\log p(y_i \mid y_i)$ | "Rearranging", "Inferring the probability" | a conditional model stands unexplained inside another one | $\log p(x)$; or give everything an $x$ | [1](../01_elbo.ipynb) |
# | 3 | the mean of $p(x \mid h)$ under *Q* is promised, another mean derived | "Kullback-Leibler again" | whoever averages $p(x \mid h)$ gets no $p(x)$ | weigh by $p(h)/Q(h)$; or take logarithms and a bound | [1](../01_elbo.ipynb) |
# | 4 | "plus an error term" | "Central equation" | reads like an upper bound | minus a KL, never negative | [1](../01_elbo.ipynb) |
# | 5 | $\Sigma(;\vartheta)$ | "Setting up SGD" | one width for all data | $\Sigma(x; \vartheta)$ | [1](../01_elbo.ipynb) |
# | 6 | the gradient moves inside $\mathbb E_Q$ | "Computing the gradients" | for *Q*'s parameters a term is lost | reparameterize; the text does, and never says the word | [2](../02_reparameterization.ipynb) |
# | 7 | a star between matrix and vector | "Computing the gradients" | entry by entry if $\Sigma$ is full | the matrix product | [2](../02_reparameterization.ipynb) |
#
# **The two VAE programs**
#
# | | fault | where | what it does | what is right | lesson |
# |---|---|---|---|---|---|
# | 8 | unit variance of the pixels | PyTorch, decoder | 720 nats about nothing; samples are static | learn the variance, or toss coins | [3](../03_vae_pytorch.ipynb) |
# | 9 | the last minibatch is printed | PyTorch, last line | a number of 96 images jumps about | the mean over an epoch, or held-out digits | [3](../03_vae_pytorch.ipynb) |
# | 10 | mean in $(-1, 1)$ | PyTorch, decoder | grey levels that no picture has | the range of the data | [3](../03_vae_pytorch.ipynb) |
# | 11 | `Variable` imported | PyTorch, imports | nothing, since 2018 | tensors | [3](../03_vae_pytorch.ipynb) |
# | 12 | nothing is held out | both; Keras trains on the test set too | nobody sees what was only memorized | keep the test set apart | [4](../04_vae_keras.ipynb) |
# | 13 | the cross-entropy averages over channels | Keras, `train_step` | right for one channel; of colours a third counts | sum over all axes but the first | [4](../04_vae_keras.ipynb) |
# | 14 | a grid with equal steps in $[-1, 1]^2$ | Keras, the picture of digits | 53.4 % of the prior are not in it | normal quantiles | [4](../04_vae_keras.ipynb) |
# | 15K | the key `loss` for the tracker `total_loss` | Keras, `train_step` | who watches `total_loss` watches nothing | one name | [4](../04_vae_keras.ipynb) |
# | 16K | no `test_step` | Keras, the model | `evaluate` and `validation_data` fail | write one | [4](../04_vae_keras.ipynb) |
# | 17K | 900 calls of `predict` for a picture | Keras, the same picture | half a minute for a blink's work | one batch | [4](../04_vae_keras.ipynb) |
#
# **The GAN**
#
# | | fault | where | what it does | what is right | lesson |
# |---|---|---|---|---|---|
# | 18 | the generator "uses existing data" | text | hides how a GAN learns | it sees none | [5](../05_gan_game.ipynb) |
# | 19 | text: a probability; program: a logit | text, program | a sigmoid too many, for who trusts the text | logits in, `from_logits=True`, as the program has it | [5](../05_gan_game.ipynb) |
# | 20 | text: turns of an epoch; program: both at once | text, `train_step` | three different dynamics | say which one is played | [6](../06_game_settles.ipynb) |
# | 21 | text: zero-sum; program: non-saturating | text, losses | the sum of both losses is no constant | two losses | [5](../05_gan_game.ipynb) |
# | 22 | stop when *D* = 1/2 everywhere | text | an untrained *D* says so, too | measure samples | [5](../05_gan_game.ipynb), [8](../08_dcgan_keras.ipynb) |
# | 23 | equal rates for equal speeds | before the losses | the rate decides who leads | measure; equal rates are a choice | [8](08_speed_and_rates.ipynb) |
# | 24 | `BATCH_SIZE` as a number of channels | generator | a smaller batch, another network | a name of its own | [8](../08_dcgan_keras.ipynb) |
# | 25 | 96 real images, 256 fakes | `train_step` | a real digit counts 2.7 times | as many fakes as real ones | [8](../08_dcgan_keras.ipynb) |
# | 26 | `zeros_liks`, `train_dataset` | loss, call | stops, and says why | the right names | [8](../08_dcgan_keras.ipynb) |
# | 27 | two folders are never made | pictures, losses | stops *after* the training | make them first | [8](../08_dcgan_keras.ipynb) |
# | 28 | losses as a Python list in a text file | end of training | with NumPy 2 it cannot be read back | JSON | [8](../08_dcgan_keras.ipynb) |
# | 29 | 30 epochs or 100; saved each 15 | `EPOCHS`, text | of 100, the last ten are not saved | save the end; a card beside weights | [8](../08_dcgan_keras.ipynb) |
# | 30K | a checkpoint that is `None` is restored | before exploring | silence; the network of the start is explored | ask whether there was one | [8](../08_dcgan_keras.ipynb) |
# | 31K | `tf.function` halves the time | text | true of one size | name the batch and the machine | [8](08_speed_and_rates.ipynb) |
#
# **Exploring the latent space**
#
# | | fault | where | what it does | what is right | lesson |
# |---|---|---|---|---|---|
# | 32 | `number` and `latent_space_value_range` are undefined | `generate_images`, first call | no call works as printed | use the arguments | [10](../10_latent_space.ipynb) |
# | 33 | points of shape (number, number) | `generate_latent_points` | 225 and 400 stop | (number, 100) | [10](../10_latent_space.ipynb) |
# | 34 | `generated_images[i*j]` | `plot_result` | 37 of 100 images | `i * side + j` | [10](../10_latent_space.ipynb) |
# | 35 | standard deviations from −1 to 1 | `generate_latent_points` | a sign flips; nothing is scanned | change one thing from image to image | [10](../10_latent_space.ipynb) |
# | 36 | \|z\| near 8, 30, 30, 30, 59 | its five calls | the generator learnt at 10 | stay on the shell | [10](../10_latent_space.ipynb) |
# | 37 | the last 400 images are not drawn | last cell | a conclusion without its picture | draw them | [10](../10_latent_space.ipynb) |
# | 38 | conclusions by eye | text | one distribution, a third of its images | count, with a control | [10](../10_latent_space.ipynb) |

# %% [markdown]
# # Mathematics
#
# ## 1. Words and letters
#
# The lecture wants to *train* a marginal probability. One trains a model; what one does to
# the marginal is **maximize** it.
#
# Its latent variable is $h$ at first and $z$ later, its probability $p$ or $P$, its
# observation $x$ or $X$. The letter $D$ is the data set under an expectation sign and, in
# script, a divergence; a small $d$ is the discriminator. A decoder $f$ turns up in one
# sentence without having been introduced. Nothing of this is false, but a reader
# has to guess. In this course the latent variable is $z$, KL is written KL, and $D$ is a
# discriminator and nothing else. This is the only section without a program.

# %% [markdown]
# ## 2. A conditional model inside another one
#
# Between formulas about $p(x)$, the lecture has some with $x_i$ and $y_i$ that were never
# introduced. They belong to a **conditional** VAE, in which $y$ is measured and $x$ is
# known. There the same equation holds, with $x$ given everywhere. Here $x$ moves the offset
# of a linear Gaussian model, and $q$ is any normal distribution:

# %% tags=["nbval-check-output"]
model = LinearGaussian([[1.0], [0.5]], [0.0, 0.0], sigma=0.7)
y, q_mean, q_cov = np.array([[0.9, 0.2]]), np.array([[0.4]]), np.array([[0.5]])
for x in (0.0, 1.0):
    given = replace(model, b=[0.8 * x, -0.3 * x])
    posterior_mean, posterior_cov = given.posterior(y)
    gap = gaussian_kl(q_mean[0], q_cov, posterior_mean[0], posterior_cov)
    left, right = given.log_evidence(y)[0] - gap, given.elbo(y, q_mean, q_cov)[0]
    print(f"x = {x}: log p(y|x) - KL = {left:.6f}, right-hand side {right:.6f}")

# %% tags=["proof"] jupyter={"source_hidden": true}
# @title Both sides agree to rounding
assert abs(left - right) < 1e-10

# %% [markdown]
# Then the text says that its right-hand side comes close to $\log p(y_i \mid y_i)$. A thing
# given itself is certain. For a coin:

# %% tags=["nbval-check-output"]
p_y = np.array([0.3, 0.7])
y_and_y = np.diag(p_y)  # the joint probabilities of y and y
print("log p(y given y):", np.log(np.diag(y_and_y) / p_y))

# %% [markdown]
# **Mend.** $\log p(y_i \mid x_i)$ is meant, which is $\log p(x)$ in the letters of the
# formulas around it.

# %% [markdown]
# ## 3. Which mean under Q?
#
# The idea is good: find latent values $h$ that are likely to have produced $x$, and compute
# $p(x)$ from those. To this end the text sets out to relate the mean of $p(x \mid h)$ under
# $Q$ to $p(x)$. What it then derives is about the mean of the *logarithm* of $p(x \mid h)$.
# The difference matters. A measurement $x = h + 0.5\,\epsilon$, and the best $Q$ there is,
# the posterior:

# %% tags=["nbval-check-output"]
h, dh = np.linspace(-8, 8, 4001, retstep=True)
prior, likelihood = norm.pdf(h), norm.pdf(2.0, loc=h, scale=0.5)  # at x = 2
p_x = (prior * likelihood).sum() * dh
Q = prior * likelihood / p_x
print(f"p(x)                                   {p_x:.4f}")
print(f"mean of p(x|h) under Q                 {(Q * likelihood).sum() * dh:.4f}")
print(f"mean of p(x|h) p(h)/Q(h) under Q       {(likelihood * prior).sum() * dh:.4f}")

# %% tags=["proof"] jupyter={"source_hidden": true}
# @title p(x) is the normal density of variance 1.25
assert math.isclose(p_x, norm.pdf(2.0, scale=math.sqrt(1.25)), rel_tol=1e-10)
assert (Q * likelihood).sum() * dh > 5 * p_x

# %% [markdown]
# A mean over likely $h$ alone is too large: those $h$ were chosen because they fit.
# **Mend.** Divide by the density with which they were chosen, and multiply by the prior.
# The lecture's final equation is right; it is only not what was announced.

# %% [markdown]
# ## 4. Plus or minus?
#
# Of the central equation's left side the lecture says that it is $\log p(x)$ *plus* an error
# term. Read kindly, the error is negative. Read as it stands, the left side is too large. We
# move $q$ away from the posterior and look at both:

# %% tags=["nbval-check-output"]
mean, cov = model.posterior(y)
print("q moved by   log p(y)   minus KL    plus KL       ELBO")
for moved in (0.0, 0.5, 1.0):
    gap = gaussian_kl(mean[0] + moved, cov, mean[0], cov)
    log_p, bound = model.log_evidence(y)[0], model.elbo(y, mean + moved, cov)[0]
    numbers = (log_p, log_p - gap, log_p + gap, bound)
    print(f"{moved:10}" + "".join(f"{number:11.4f}" for number in numbers))

# %% tags=["proof"] jupyter={"source_hidden": true}
# @title The ELBO is the column with minus
assert abs(bound - (log_p - gap)) < 1e-10
assert gap > 0

# %% [markdown]
# **Mend.** Minus, and say that a KL is never negative. That makes the right-hand side a
# lower bound. With a plus it would grow the *worse* $q$ is, and to maximize an upper bound
# proves nothing.

# %% [markdown]
# ## 5. An empty place
#
# The lecture's $Q$ has the mean $\mu(x; \vartheta)$ and the covariance
# $\Sigma(;\vartheta)$. The empty place belongs to $x$. How much one knows afterwards
# depends on what was seen. Take a radioactive source of unknown strength, $5 e^h$ counts
# expected, with $h$ standard normal:

# %% tags=["nbval-check-output"]
widths = []
for count in (0, 5, 50):
    weight = norm.pdf(h) * poisson.pmf(count, 5 * np.exp(h))
    weight /= weight.sum()
    mean = (weight * h).sum()
    widths.append(math.sqrt((weight * (h - mean) ** 2).sum()))
    print(f"{count:2} counts: h = {mean:5.2f} +- {widths[-1]:.2f}")

# %% tags=["proof"] jupyter={"source_hidden": true}
# @title The widths differ by more than a factor of three
assert widths[0] > 3 * widths[-1]

# %% [markdown]
# **Mend.** $\Sigma(x; \vartheta)$, as the lecture's own programs have it: their encoders
# give a width for each image. (In the linear Gaussian model of section 2 the width *is* the
# same for all $x$. That is a property of the model.)

# %% [markdown]
# ## 6. The gradient and the dice
#
# The lecture says that the gradient of the bound may be taken inside the expectations, so
# that one may draw $z$ from $Q$ and differentiate what is left. For the decoder's
# parameters that is right. For $Q$'s own parameters it is false, as the density that one
# averages with depends on them. The smallest example: the mean of $z^2$ under $\mathcal
# N(\mu, 1)$ is $\mu^2 + 1$, its slope $2\mu$. In PyTorch, `sample` draws and then holds $z$
# fixed, `rsample` draws $z = \mu + \epsilon$:

# %%
slopes = {}
for draw in ("sample", "rsample"):
    mu = torch.tensor(1.5, requires_grad=True)
    torch.manual_seed(0)
    z = getattr(Normal(mu, 1.0), draw)((100_000,))
    (slopes[draw],) = torch.autograd.grad((z**2).mean() + 0 * mu, mu)
    print(f"{draw:8} slope {slopes[draw]:.3f}, should be {2 * 1.5:.3f}")

# %% tags=["proof"] jupyter={"source_hidden": true}
# @title Nothing is left of the first; the second within five standard errors
assert slopes["sample"] == 0
assert abs(slopes["rsample"] - 3) < 5 * 2 / math.sqrt(100_000)  # each 2 z, sd 2

# %% [markdown]
# (`0 * mu` gives `sample` something to differentiate; without it PyTorch stops with an
# error, which is better.) The text does notice that the expectation depends on $Q$'s
# parameters, and a few lines later it writes $z = \mu + \Sigma^{1/2} \epsilon$. That is the
# mend. But it does not take the sentence back, and does not say the mend's name, by which
# one could look it up: the **reparameterization trick**.
#
# Taken at its word the sentence would leave an encoder with the gradient of its KL alone,
# which asks it to forget what it saw. Lesson 2 trains one so.

# %% [markdown]
# ## 7. The star
#
# That formula has a star between $\Sigma^{1/2}$ and $\epsilon$. Whoever types it into NumPy
# gets no error. With a full $2 \times 2$ covariance:

# %% tags=["nbval-check-output"]
Sigma = np.array([[1.0, 0.8], [0.8, 1.0]])
root, epsilon = sqrtm(Sigma), np.random.default_rng(1).standard_normal((100_000, 2))
print("star:          ", (root * epsilon[0]).shape)
print("matrix product:", (root @ epsilon[0]).shape)
z = epsilon @ root  # the product for each row; root is symmetric
print("covariance of z:", np.cov(z.T).round(1).tolist())

# %% tags=["proof"] jupyter={"source_hidden": true}
# @title Sample covariances within five standard errors, at most sqrt(2/n) each
assert np.abs(np.cov(z.T) - Sigma).max() < 5 * math.sqrt(2 / len(z))

# %% [markdown]
# **Mend.** The matrix product. The star is right only where $\Sigma$ is diagonal and its
# diagonal is kept as a vector. In a VAE it nearly always is, and then the star is fine.

# %% [markdown]
# # The two VAE programs
#
# One is in PyTorch: fully connected, eight latent numbers, Gaussian pixels. The other is in
# Keras: convolutions, two latent numbers, pixels as coins. The lecture says that the Keras
# program was taken from the Keras documentation, so its faults came with it. The lecture's
# page shows no loss of either. The figures that are sometimes quoted for the Keras program
# (209.12 after one epoch, 146.94 after thirty) are printed on the page of [that
# example](https://keras.io/examples/generative/vae/); what became of them here is told in
# [lesson 4](../04_vae_keras.ipynb).
#
# ## 8. A picture that costs 720 nats
#
# The PyTorch program moves the grey levels to $[-\tfrac12, \tfrac12]$ and lets its decoder
# give the mean of a Gaussian with standard deviation **1**. Suppose a decoder that
# reproduces every pixel exactly. What does it pay, and what does it draw?

# %%
x = torch.from_numpy(test.x[:10])
draws, cost = {"mean": x.numpy()}, {}
torch.manual_seed(0)
for sigma in (1.0, 0.1):
    pixels = Normal(x - 0.5, sigma)
    cost[sigma] = -pixels.log_prob(x - 0.5).sum((1, 2, 3)).mean().item()
    draws[f"draw, sigma {sigma:g}"] = (pixels.sample() + 0.5).clamp(0, 1).numpy()
    print(f"sigma {sigma}: a perfect reconstruction costs {cost[sigma]:.2f} nats")
labelled_rows(draws)

# %% [markdown]
# *Figure: ten digits; the same with noise of standard deviation 1, which is static without a
# digit that one would notice; the same with noise of 0.1, readable.*

# %% tags=["proof"] jupyter={"source_hidden": true}
# @title 392 ln(2 pi), and the closed form for both widths
assert math.isclose(cost[1.0], 392 * math.log(2 * math.pi), rel_tol=1e-6)
for sigma, nats in cost.items():
    assert math.isclose(nats, gaussian_nll_floor(784, sigma), rel_tol=1e-5)

# %% [markdown]
# No network can get below 720.45 nats with this likelihood. All that is about digits comes
# on top, and looks small. And whoever draws from the model as it is written, noise
# included, gets static: the noise is as large as the data's whole range. **Mend.** Make
# $\sigma$ a parameter, or toss coins (lesson 3). A density may exceed one, so with $\sigma
# = 0.1$ the cost can be negative.

# %% [markdown]
# ## 9. The last minibatch speaks for all
#
# After each epoch the program prints the loss of the last minibatch. MNIST has $60\,000 =
# 468 \cdot 128 + 96$ digits, so that is a number about 96 images. We train the same model
# on fewer digits, also with 96 in the last batch, and print both:

# %%
x = torch.from_numpy(train.x[:digits, None, ..., 0])
torch.manual_seed(0)
vae = MLPVAE(GaussianPixels(sigma=1.0))
optimizer = torch.optim.Adam(vae.parameters(), lr=1e-3)
for epoch in range(epochs):
    losses = []
    for batch in x[torch.randperm(len(x))].split(128):
        loss = -elbo(vae, batch, torch.randn(len(batch), 8))[0].mean()
        descend(optimizer, loss)
        losses.append(loss.item())
    mean = np.average(losses, weights=[128] * (len(losses) - 1) + [len(batch)])
    print(f"epoch {epoch + 1}: last minibatch {losses[-1]:.2f}, mean {mean:.2f} nats")

# %% [markdown]
# How far does a mean of 96 images jump by chance alone? We ask the held-out digits:

# %%
held_out = torch.from_numpy(test.x[:, None, ..., 0])
with torch.no_grad():
    each = elbo(vae, held_out, torch.randn(len(held_out), 8))[0].numpy()
for n in (96, 10_000):
    print(f"a mean of {n:6,} images: standard error {each.std() / n**0.5:.2f} nats")

# %% tags=["proof"] jupyter={"source_hidden": true}
# @title The last batch has 96 images, here and in MNIST; the floor holds
assert len(batch) == digits % 128 == 60_000 % 128 == 96
assert mean > gaussian_nll_floor(784)

# %% [markdown]
# In the last epoch above the mean fell by about as much as such a number jumps by chance.
# **Mend.** Print the mean over the epoch, or better that of held-out digits, with its
# standard error. (And all but some twenty of these nats are the constant of section 8.)

# %% [markdown]
# ## 10. A mean that may leave the picture
#
# The decoder's mean runs through a $\tanh$, so it ranges over $(-1, 1)$. The data lie in
# $[-\tfrac12, \tfrac12]$: half of the range is never wanted. Is it used?

# %%
with torch.no_grad():
    last = vae.decoder(vae.encoder(held_out)[0])
mean = last.tanh()
print(f"means between {mean.min():.2f} and {mean.max():.2f}")
print(f"outside of [-1/2, 1/2]: {(mean.abs() > 0.5).float().mean():.1%} of all pixels")
print(f"with a sigmoid less 1/2: {((last.sigmoid() - 0.5).abs() > 0.5).sum()} pixels")

# %% tags=["proof"] jupyter={"source_hidden": true}
# @title It is used, by some
assert (mean.abs() > 0.5).any()

# %% [markdown]
# Such a pixel is whiter than paper or blacker than ink. The harm is small: with unit
# variance a mean that is off by 0.1 costs $0.1^2/2 = 0.005$ nats. **Mend.** A function with
# the range of the data. (There is something to be said for $\tanh$, too: it reaches
# $-\tfrac12$, plain paper, at a finite number. A sigmoid less one half never quite does.)

# %% [markdown]
# ## 11. `Variable`
#
# The program imports `torch.autograd.Variable` and never uses it. Once every tensor that
# wanted a gradient had to be wrapped in one. Since PyTorch 0.4, of 2018, what comes back is
# a tensor:

# %% tags=["nbval-check-output"]
from torch.autograd import Variable

wrapped = Variable(torch.ones(2))
print(type(wrapped).__name__, wrapped.requires_grad)

# %% [markdown]
# **Mend.** Delete the line; write `requires_grad=True` where a gradient is wanted. In old
# programs, `Variable` tells you how old they are.

# %% [markdown]
# ## 12. Nothing is held out
#
# The Keras program joins training and test digits before it trains. The PyTorch program
# uses the training digits alone, but never measures on others. So no number of either says
# how the model does on a digit that it has not seen. What can hide there? The quickest
# model to fit is a linear Gaussian one; ours has 60 latent numbers, for digits of 14 × 14
# pixels. We fit it to 400 digits, to these joined with 400 test digits, and, as a control,
# to 800 digits without any test digit:


# %%
def small(images):  # means of 2 x 2 pixels
    return images.reshape(-1, 14, 2, 14, 2).mean((2, 4)).reshape(-1, 196)


seen, tests, more = small(train.x[:400]), small(test.x[:400]), small(train.x[:800])
fits = {"400": seen, "400 + the tests": np.vstack([seen, tests]), "800": more}

# %% [markdown]
# Each fit scores the 400 digits, and the test digits:

# %%
print("fitted to        score of the 400   of the tests")
scores = {}
for name, x in fits.items():
    fitted = LinearGaussian.fit(x, 60)
    scores[name] = fitted.log_evidence(seen), fitted.log_evidence(tests)
    of_seen, of_tests = (score.mean() for score in scores[name])
    print(f"{name:17}{of_seen:16.1f}{of_tests:15.1f}")

# %% tags=["proof"] jupyter={"source_hidden": true}
# @title Having seen the tests is worth more than five standard errors, beside as many others
gained = scores["400 + the tests"][1] - scores["800"][1]
assert gained.mean() > 5 * gained.std() / math.sqrt(len(gained))
by_others = scores["800"][1] - scores["400"][1]
assert by_others.mean() < (by_others + gained).mean() / 2

# %% [markdown]
# The first row shows how much of its score a model had learnt by heart. In the second row
# the test digits score as well as any, and nothing is left to tell. The third row says that
# the reason is not the larger set: 400 *other* digits help the tests less than half as
# much. **Mend.** Keep them apart. The bug clinic has the same leak in disguise: [patient
# 8](../exercises/bug_clinic.ipynb).

# %% [markdown]
# ## 13. A third of the colours
#
# The Keras program calls a cross-entropy and sums what comes back over height and width.
# Keras had already taken the *mean* over the last axis, the channels. Its arithmetic in
# NumPy:

# %% tags=["nbval-check-output"]
for channels in (1, 3):
    shape = (4, 28, 28, channels)
    x, logits = rng.random(shape), rng.normal(size=shape)
    nats = np.logaddexp(0, logits) - x * logits  # of each number
    as_in_keras = nats.mean(axis=-1).sum(axis=(1, 2))
    print(f"{channels} channel(s): too small by", nats.sum((1, 2, 3)) / as_in_keras)

# %% tags=["proof"] jupyter={"source_hidden": true}
# @title The factor is the number of channels
assert np.allclose(nats.sum((1, 2, 3)) / as_in_keras, channels, rtol=1e-12)

# %% [markdown]
# With MNIST's one channel nothing is lost. Whoever takes the program to colour pictures has
# a reconstruction that counts a third beside the KL: a $\beta$-VAE with $\beta = 3$,
# without an error message. **Mend.** Sum over all axes but the first. The second page asks
# Keras itself; [patient 1](../exercises/bug_clinic.ipynb) of the clinic has a mean over
# *all* pixels.

# %% [markdown]
# ## 14. Less than half of the prior
#
# For its picture of the latent plane the program decodes a grid with equal steps from $-1$
# to
# 1. The latent prior is a standard normal distribution in the plane:

# %% tags=["nbval-check-output"]
share = (norm.cdf(1) - norm.cdf(-1)) ** 2
print(f"the square holds {share:.1%} of the prior, and misses {1 - share:.1%}")

# %% [markdown]
# What is missed? The course's VAE of the same form, on such a grid and on **quantiles**,
# where between two lines there is always the same probability:

# %%
plane = load_pretrained(ConvVAE(), "conv_vae")
equal_steps, quantiles = np.linspace(-1, 1, 12), norm.ppf((np.arange(12) + 0.5) / 12)
pictures = {}
for name, axis in {"equal steps": equal_steps, "quantiles": quantiles}.items():
    points = np.stack(np.meshgrid(axis, axis[::-1]), axis=-1).reshape(-1, 2)
    with torch.no_grad():
        pictures[name] = to_images(plane.decode(torch.from_numpy(points).float()))
mosaics(pictures, columns=12)

# %% [markdown]
# *Figure: twelve by twelve decoded digits, twice. With equal steps no 1 appears. On
# quantiles ones fill the upper left corner. Zeros fill the right of both.*

# %% tags=["proof"] jupyter={"source_hidden": true}
# @title Counted, within four standard errors
drawn = np.random.default_rng(0).standard_normal((1_000_000, 2))
counted = (np.abs(drawn).max(axis=1) < 1).mean()
assert abs(counted - share) < 4 * math.sqrt(share * (1 - share) / len(drawn))
assert round(1 - share, 3) == 0.534

# %% [markdown]
# **Mend.** One function, `norm.ppf`. Then each digit stands for the same share of what the
# model would draw.

# %% [markdown]
# # The GAN
#
# A generator $G$ turns a hundred random numbers into a digit, a discriminator $D$ tells real
# digits from made ones. The lecture's program says that it is adapted from TensorFlow's
# tutorial.
#
# ## 18. Who sees the data?
#
# (Sections 15 to 17 are on [the second page](lecture_programs_keras.ipynb).) The text says
# that a generator uses existing data. It never sees any. We give the
# program's two losses real data of two kinds, and ask for the generator's gradient:

# %% tags=["nbval-check-output"]
torch.manual_seed(0)
G, D, z = nn.Linear(2, 2), nn.Linear(2, 1), torch.randn(64, 2)
d_losses, gradients = [], []
for real in (torch.randn(64, 2), 100 + torch.randn(64, 2)):
    fake_logits = D(G(z))
    d_loss = F.softplus(-D(real)).mean() + F.softplus(fake_logits).mean()
    g_loss = F.softplus(-fake_logits).mean()
    d_losses.append(d_loss.item())
    gradients += torch.autograd.grad(g_loss, G.bias)
print("the discriminator's losses are equal:", d_losses[0] == d_losses[1])
print("the generator's gradients are equal: ", torch.equal(*gradients))

# %% tags=["proof"] jupyter={"source_hidden": true}
# @title As the text of the section says
assert d_losses[0] != d_losses[1]
assert torch.equal(*gradients)

# %% [markdown]
# **Mend.** Only the discriminator sees data. The generator hears of them through the
# discriminator's slope.
#
# As an example of a generator the lecture names a Boltzmann machine that was trained on a
# quantum mechanical distribution. It draws samples, as a generator should. But a pattern
# of zeros and ones jumps, so that no gradient passes through it:

# %% tags=["nbval-check-output"]
p = torch.full((5,), 0.5, requires_grad=True)
spins = (torch.rand(5) < p).float()
print("can be followed back to p:", spins.requires_grad)

# %% [markdown]
# In this game it would have to learn by the score function instead (lessons 2 and 5).

# %% [markdown]
# ## 19. A probability or a logit
#
# In the text the discriminator returns a probability, in the program a logit. The program's
# loss knows it (`from_logits=True`) and is right. The trap is for those who believe the text
# and end their network in a sigmoid as well. The loss of a real image, with one sigmoid and
# with two:

# %% tags=["nbval-check-output"]
logits, real = torch.tensor([-8.0, 0.0, 8.0]), torch.ones(3)
options = {"reduction": "none"}
once = F.binary_cross_entropy_with_logits(logits, real, **options)
twice = F.binary_cross_entropy_with_logits(logits.sigmoid(), real, **options)
for row in zip(logits, once, twice):
    print("logit {:4.0f}: one sigmoid {:.4f}, two {:.4f} nats".format(*row))

# %% tags=["proof"] jupyter={"source_hidden": true}
# @title Between ln(1 + 1/e) and ln 2, whatever the logit
assert torch.allclose(twice[[0, 2]], torch.tensor([0.6931, 0.3133]), atol=2e-4)

# %% [markdown]
# With two, the loss of a real image stays between 0.31 and 0.69 however right or wrong the
# discriminator is; being sure is not worth anything any more. It runs, of course.
# **Mend.** Networks return logits, always.

# %% [markdown]
# ## 20. In turns, or at once?
#
# The text lets the players alternate, an epoch for each. The program changes both on every
# batch, from gradients that were taken before either moved. Does it matter? In the smallest
# GAN (lesson 6) the data are the point 0, the generator is a point $\theta$, and the
# discriminator has the logit $\psi x$. We play ten epochs of 235 steps for each, $h = 0.1$:


# %%
def in_turns(at_a_time, steps=2350, theta=1.0, psi=0.0, h=0.1):
    for _ in range(steps // at_a_time):
        for _ in range(at_a_time):
            psi -= h * theta * expit(theta * psi)  # the discriminator climbs V
        for _ in range(at_a_time):
            theta += h * psi * expit(theta * psi)  # the generator descends V
    return math.hypot(theta, psi)


# %% [markdown]
# Both at once means that both forces are those of before the step:


# %%
def at_once(steps=2350, theta=1.0, psi=0.0, h=0.1):
    for _ in range(steps):
        force = h * expit(theta * psi)
        theta, psi = theta + force * psi, psi - force * theta
    return math.hypot(theta, psi)


# %% [markdown]
# All start at a distance of 1 from the solution. Where do they end?

# %% tags=["nbval-check-output"]
ends = {"a step each, in turns": in_turns(1), "both at once": at_once()}
ends["an epoch each, in turns"] = in_turns(235)
for name, distance in ends.items():
    print(f"{name:24}{distance:6.2f} from the solution")

# %% tags=["proof"] jupyter={"source_hidden": true}
# @title Three dynamics
alternating, simultaneous, by_epochs = ends.values()
assert abs(alternating - 1) < 0.05
assert 2 < simultaneous < 5 < by_epochs

# %% [markdown]
# Three programs that differ in the order alone: one circles, one spirals out, one is thrown
# about. (Against one and the same opponent a player's best answer may be infinitely far
# away, as it is here.) Larger games need not do the same, but order is part of the
# algorithm. **Mend.** Say which one is played. (The lecture does warn that both players may
# chase each other forever.)

# %% [markdown]
# ## 21. Zero-sum
#
# The text plays for $V$ and $-V$: what one wins the other loses. The program's generator
# maximizes $\log D$ of its fakes instead. Both losses, in three situations:

# %% tags=["nbval-check-output"]
situations = {"undecided": (0, 0), "sure and right": (4, -4), "sure and wrong": (-4, 4)}
print("D is              D's loss  G's loss  sum   sum with V")
sums = []
for name, (real, fake) in situations.items():
    d_loss = np.logaddexp(0, -real) + np.logaddexp(0, fake)
    g_loss, V = np.logaddexp(0, -fake), -d_loss
    sums.append(d_loss + g_loss)
    print(f"{name:16}{d_loss:10.3f}{g_loss:10.3f}{sums[-1]:8.3f}{d_loss + V:8.3f}")

# %% tags=["proof"] jupyter={"source_hidden": true}
# @title No constant
assert np.ptp(sums) > 1

# %% [markdown]
# When $D$ is undecided both pay; zero-sum it is not. Nor is it a mistake: the lecture itself
# quotes Goodfellow's book, where this loss is called the better one. **Mend.** Two losses,
# called by their names. Theorems about $\min_G \max_D V$ then speak of another game.

# %% [markdown]
# ## 22. One half
#
# The text stops training when the discriminator says $1/2$ everywhere. At the end it does.
# When else? Three pairs of networks of the lecture's form that have learnt nothing at all:

# %%
digits_seen = torch.from_numpy(2 * test.x[:100, None, ..., 0] - 1)
for seed in range(3):
    torch.manual_seed(seed)
    G, D = Generator(), Discriminator()
    with torch.no_grad(), evaluating(G), evaluating(D):
        real, fake = D(digits_seen), D(G(torch.randn(100, 100)))
    losses = (
        F.softplus(-real).mean() + F.softplus(fake).mean(),
        F.softplus(-fake).mean(),
    )
    print(f"D: {real.sigmoid().mean():.3f} and {fake.sigmoid().mean():.3f}", end="; ")
    print("losses {:.3f} and {:.3f} nats".format(*losses))
print(f"ln 4 = {math.log(4):.3f}, ln 2 = {math.log(2):.3f}")

# %% tags=["proof"] jupyter={"source_hidden": true}
# @title All near one half
assert abs(real.sigmoid().mean() - 0.5) < 0.1 > abs(fake.sigmoid().mean() - 0.5)

# %% [markdown]
# And a discriminator can be trained to the end and still say $1/2$. Data of two bells, a
# generator of one, and a discriminator whose logit is a line, $b + wx$. Its loss is convex;
# so where both slopes vanish it is at its best:

# %% tags=["nbval-check-output"]
x, dx = np.linspace(-9, 9, 3601, retstep=True)
two_bells, one_bell = (norm.pdf(x, -2) + norm.pdf(x, 2)) / 2, norm.pdf(x)
excess = 0.5 * (one_bell - two_bells) * dx
print(f"at D = 1/2: slope in b {excess.sum():z.6f}, in w {(excess * x).sum():z.6f}")
print(f"yet the densities differ by {np.abs(excess).sum():.2f} in total variation")

# %% tags=["proof"] jupyter={"source_hidden": true}
# @title Zero to rounding
assert abs(excess.sum()) < 1e-12 > abs((excess * x).sum())

# %% [markdown]
# One half says that *this* discriminator cannot tell. **Mend.** Judge samples, not losses
# (lessons 7 and 10). The lecture is right in another point: near the end what the
# discriminator says turns to noise ([how near](05_nothing_to_say.ipynb)).

# %% [markdown]
# ## 23. Equal rates
#
# The lecture gives both networks the same learning rate, since they should improve at
# approximately equal speeds; it adds that they need not be exactly equal. Speeds and rates
# are two things. The course recorded nine games of the lecture's networks, in which the
# discriminator's rate was a quarter of the generator's, the same, or four times as large:

# %% tags=["nbval-check-output"]
record = read_result("learning_rates")
print(f"{record['steps']:,} steps of {record['batch']} images, three seeds a line")
distances = {}
for factor, runs in record["runs"].items():
    last = [run["losses"]["discriminator_loss"][-1] for run in runs.values()]
    distances[factor] = [run["scores"][-1]["frechet"] for run in runs.values()]
    print(f"rate x {factor:4}: D's loss", *(f"{loss:.2f}" for loss in last), end="; ")
    print("Fréchet distance", *(f"{d:.0f}" for d in distances[factor]))
equal, fast = distances["1.0"], distances["4.0"]
error = math.sqrt((np.var(equal, ddof=1) + np.var(fast, ddof=1)) / 3)
print(f"equal less fast: {np.mean(equal) - np.mean(fast):.0f} +- {error:.0f}")

# %% tags=["proof"] jupyter={"source_hidden": true}
# @title The losses of the three lines do not overlap
ends = [
    [run["losses"]["discriminator_loss"][-1] for run in runs.values()]
    for runs in record["runs"].values()
]
assert min(ends[0]) > max(ends[1]) > min(ends[1]) > max(ends[2])

# %% [markdown]
# In these runs the rate decides how far $D$ is ahead: at a quarter its loss is that of a
# coin, $\ln 4 = 1.39$. Whether the samples become better (a smaller Fréchet distance,
# lesson 10) with a faster discriminator, three runs a line do not decide: the difference is
# two of its standard errors. **Mend.** Equal rates are a choice, as good as its
# measurement.

# %% [markdown]
# ## 24. One name for two numbers
#
# The generator's first layer has $7 \cdot 7 \cdot$ `BATCH_SIZE` units. The number of
# channels happens to be 256, as the number of images in a batch does. What if the memory is
# short and one lowers the batch size?


# %%
def first_layers(BATCH_SIZE):
    units = 7 * 7 * BATCH_SIZE
    return nn.Sequential(
        nn.Linear(100, units, bias=False),
        nn.BatchNorm1d(units),
        nn.Unflatten(1, (BATCH_SIZE, 7, 7)),
        nn.ConvTranspose2d(BATCH_SIZE, 128, 5, padding=2, bias=False),
    )


# %% [markdown]
# These are the layers that know the name. We count their parameters:

# %% tags=["nbval-check-output"]
counts = {}
for size in (256, 128, 64):
    counts[size] = sum(p.numel() for p in first_layers(size).parameters())
    print(f"BATCH_SIZE = {size:3}: {counts[size]:9,} parameters")

# %% tags=["proof"] jupyter={"source_hidden": true}
# @title With what follows, and the running averages, the lecture's 2,330,944
averages = 2 * 49 * 256
rest = 4 * 128 + 25 * 128 * 64 + 4 * 64 + 25 * 64
assert counts[256] + averages + rest == 2_330_944

# %% [markdown]
# Another network, without a message. **Mend.** `CHANNELS = 256`: one name, one meaning, in
# programs as in formulas.

# %% [markdown]
# ## 25. The last batch
#
# The step draws 256 latent points, however many real images come. 60,000 is no multiple of
# 256:

# %% tags=["nbval-check-output"]
full, rest = divmod(60_000, 256)
print(f"{full} batches of 256 and one of {rest}")
print(f"there a real digit counts {256 / rest:.2f} times as much as elsewhere")

# %% [markdown]
# Both kinds have the same weight in the loss, so in that step 96 digits weigh as much as 256
# fakes. Once in 235 steps it is no catastrophe. **Mend.** `len(images)` points, or full
# batches only, in another order each epoch.

# %% [markdown]
# ## 26. Two slips that speak
#
# The data set is named `training_dataset` and called `train_dataset`; `zeros_like` is spelt
# `zeros_liks`. With PyTorch in TensorFlow's place:

# %% tags=["nbval-check-output"]
training_dataset = [torch.ones(3)]
for line_of_code in ("len(train_dataset)", "torch.zeros_liks(training_dataset[0])"):
    try:
        eval(line_of_code)
    except (NameError, AttributeError) as error:
        print(f"{type(error).__name__}: {error}")

# %% [markdown]
# As printed the first stops the program before its first step, and once that is mended the
# second stops it in its first step. Such errors are the kind ones: they say what is wrong,
# and where. **Mend.** Restart the kernel and run everything once before you publish: in a
# long session old names live on.

# %% [markdown]
# ## 27. A folder that is missed in the end
#
# The program writes its losses to a folder `data`, and its pictures (in lines that are
# commented out) to another one. It makes neither. (The folder of its checkpoints is made by
# TensorFlow's `save`, as the second page shows.) The losses are written once, after the last
# epoch:

# %% tags=["nbval-check-output"]
with tempfile.TemporaryDirectory() as folder:
    path = Path(folder) / "data" / "losses.txt"
    losses = [1.39, 1.21, 1.17]  # an hour's work
    try:
        path.write_text(str(losses))
    except FileNotFoundError as error:
        print(f"{type(error).__name__}: {error.strerror}")
    path.parent.mkdir(parents=True, exist_ok=True)  # the mend
    print(path.write_text(str(losses)), "characters written")

# %% [markdown]
# So on a fresh machine thirty epochs run through, and then the list of losses is lost with
# an error. **Mend.** Make the folder *before* the training, and write after each epoch.

# %% [markdown]
# ## 28. Losses as a printed list
#
# The losses are NumPy numbers in a Python list, and what is written is the list's text.
# What that looks like changed with NumPy 2, of June 2024. NumPy can still print as it did
# when the lecture was written:

# %% tags=["nbval-check-output"]
losses = [np.float32(0.6931), np.float32(1.3863)]
for version in ("1.25", False):  # as NumPy 1 printed it; as it is printed now
    with np.printoptions(legacy=version):
        text = str(losses)
    try:
        print(text, "-> read back:", ast.literal_eval(text))
    except ValueError:
        print(text, "-> cannot be read back")

# %% tags=["proof"] jupyter={"source_hidden": true}
# @title JSON gives back the same bits
text = json.dumps([float(loss) for loss in losses])
assert [np.float32(loss) for loss in json.loads(text)] == losses

# %% [markdown]
# In April 2024 the file could be read; the same program today writes one that cannot.
# **Mend.** A format that is meant for reading, as JSON, and plain numbers in it:
# `json.dumps([float(loss) for loss in losses])`.

# %% [markdown]
# ## 29. Thirty epochs, or a hundred?
#
# The program trains for 30 epochs; the text speaks of 100, and shows their film. A
# checkpoint is saved after every fifteenth epoch. If the program ran for 100, which epochs
# were saved?

# %% tags=["nbval-check-output"]
for last in (30, 100):
    saved = [epoch for epoch in range(1, last + 1) if epoch % 15 == 0]
    print(f"of {last:3} epochs: saved {saved}, lost at the end: {last - saved[-1]}")

# %% [markdown]
# So "the model of 100 epochs" that is restored would be that of epoch 90; and a power
# failure can cost fourteen finished epochs. **Mend.** Save after the last epoch as well,
# and lay a card beside the weights: data, epochs, recipe, seed.

# %% [markdown]
# # Exploring the latent space
#
# (Sections 30 and 31 are on [the second page](lecture_programs_keras.ipynb).) At the end
# the lecture asks what the hundred numbers of the generator's input mean. It draws points
# with means and standard deviations of its choice, five times, and looks at the images. Our
# generator has the same form; its weights are others, so our images are not the lecture's.
#
# ## 32. Names that nobody defined
#
# A function takes `latent_points` and uses another name; a call uses `number`, which is
# only an argument's name elsewhere. In miniature:


# %%
def generate_images(latent_points):
    return generate(generator, latent_space_value_range)  # noqa: F821


# %% [markdown]
# Called with good points it stops:

# %% tags=["nbval-check-output"]
try:
    generate_images(rng.standard_normal((4, 100)))
except NameError as error:
    print(f"{type(error).__name__}: {error}")

# %% [markdown]
# So none of the five calls works as printed. Worse is a session in which a variable of that
# name is still alive: there every call works, and every call uses that one, whatever points
# it was given. **Mend.** Use the argument. A
# linter finds such names without running anything (`noqa` asks ours to look away).

# %% [markdown]
# ## 33. As many columns as images
#
# With that mended, each call asks for points of shape `(number, number)`. A hundred means
# and standard deviations go with them only if `number` is 100:

# %% tags=["nbval-check-output"]
line = np.linspace(-1, 1, 100)
for number in (100, 225, 400):
    try:
        points = line + line * rng.standard_normal((number, number))
        print(f"number = {number}: shape {points.shape}")
    except ValueError as error:
        print(f"number = {number}: {error}")

# %% [markdown]
# The first call uses 100 and works, by luck; 225 and 400 stop. **Mend.** `(number, 100)`.
# Test a function with numbers that differ: 3 images, not 100.

# %% [markdown]
# ## 34. Thirty-seven of a hundred
#
# Here is the answer to the first picture. Row `i` and column `j` show image number `i*j`:

# %% tags=["nbval-check-output"]
for side in (10, 15, 20):
    numbers = [i * j for i in range(side) for j in range(side)]
    print(f"{side**2}: {len(set(numbers)):3} shown, number 0 {numbers.count(0)} times")

# %% tags=["proof"] jupyter={"source_hidden": true}
# @title 37 of 100
assert len({i * j for i in range(10) for j in range(10)}) == 37

# %% [markdown]
# What the lecture concludes from its grid (it looks like 1, 4, 7 and 9) was concluded from
# about a third of the images, one of them nineteen times. **Mend.** `i * side + j`. A
# picture that is its own mirror image should make one suspicious.

# %% [markdown]
# ## 35. A scan that scans nothing
#
# The means and the standard deviations both run from $-1$ to 1. So half of the standard
# deviations are negative. NumPy and PyTorch refuse that; TensorFlow computes
# $m_k + s_k \epsilon_k$ and is content:

# %% tags=["nbval-check-output"]
for draw in (rng.normal, torch.normal):
    try:
        draw(*(torch.from_numpy(line),) * 2)
    except (ValueError, RuntimeError) as error:
        print(f"{type(error).__name__}: {str(error).splitlines()[0][:60]}")

# %% [markdown]
# What does a negative one do? It gives the points of a positive one, with other noise:

# %% tags=["nbval-check-output"]
epsilon = rng.standard_normal((1_000, 100))
turned = np.sign(line) * epsilon  # standard normal, as epsilon is
print((line < 0).sum(), "of 100 are negative")
print("the same points:", np.array_equal(line * epsilon, np.abs(line) * turned))

# %% [markdown]
# A normal distribution is symmetric: the sign turns the noise around and changes nothing
# else. And what runs from $-1$ to 1 does so over the hundred *coordinates*, in the same way
# for each image. All images of a call come from one distribution. **Mend.** For a scan,
# change one coordinate from image to image and hold the others fixed.

# %% [markdown]
# ## 36. How far out?
#
# The generator was trained on points whose length $|z|$ is near 10: in a hundred dimensions
# a normal distribution lives on a **shell**. With $m$ and $s$ the factors of means and
# standard deviations, $\mathbb E|z|^2 = (m^2 + s^2) \sum_k s_k^2$, and the sum over
# `linspace` is 34.

# %% tags=["nbval-check-output"]
calls = [(1, 1), (5, 1), (-5, 1), (1, 5), (1, 10)]
for m, s in calls:
    print(
        f"m = {m:2}, s = {s:2}: |z| near {math.sqrt((m**2 + s**2) * (line**2).sum()):4.1f}"
    )
inner, outer = chi.ppf([0.005, 0.995], 100)
print(f"of the prior 99 % lie between {inner:.1f} and {outer:.1f}")


# %% tags=["proof"] jupyter={"source_hidden": true}
# @title Drawn points agree within four standard errors
def points_of(n, m, s, seed=0):
    return line * (m + s * np.random.default_rng(seed).standard_normal((n, 100)))


for m, s in calls:
    mean_square = (points_of(1_000, m, s) ** 2).sum(1).mean()
    # a term (m + s epsilon)^2 line^2 has the variance (4 m^2 s^2 + 2 s^4) line^4
    variance = (4 * m**2 * s**2 + 2 * s**4) * (line**4).sum()
    assert abs(mean_square - (m**2 + s**2) * (line**2).sum()) < 4 * math.sqrt(
        variance / 1_000
    )

# %% [markdown]
# About half of the first call's points lie inside of the shell; the other four calls leave
# it by far. **Mend.** Look at the length of what you feed in. Ways along the shell are in
# lesson 10.

# %% [markdown]
# ## 37. The picture that was not drawn
#
# The last call asks for 400 images with the standard deviations times ten. They are
# computed, and the text draws its conclusion from them; but no line shows them. Here are
# the first 75 that our generator makes of such points:

# %%
last_call = generate(generator, points_of(75, 1, 10))
mosaics({"m = 1, s = 10: 75 of 400": last_call}, columns=15)

# %% [markdown]
# *Figure: seventy-five images from points with a length near 59. Some are digits with hard
# edges; many are torn.*

# %% [markdown]
# **Mend.** Draw it. What is not looked at is not a result.

# %% [markdown]
# ## 38. What do the five calls show?
#
# The lecture concludes that moving the means leads from digit to digit, and that larger
# standard deviations bring more different digits. First our generator's images for the five
# calls, all with the same noise, above twelve of the prior:

# %%
rows = {f"{m}, {s}": points_of(12, m, s) for m, s in calls}
rows["prior"] = np.random.default_rng(0).standard_normal((12, 100))
labelled_rows(
    {name: generate(generator, z) for name, z in rows.items()},
    "factors m of the means and s of the standard deviations",
)

# %% [markdown]
# *Figure: six rows of twelve images. The rows "5, 1" and "-5, 1" repeat nearly one shape.
# The others vary; those with large standard deviations have hard edges.*

# %% [markdown]
# A classifier looks at more of them (lesson 10). **Entropy** is that of the shares of the
# ten classes, at most 2.30 nats. The **Fréchet distance** to real digits is small if images
# are like them; a second set of real digits shows how small it can be. As a control, random
# directions are put at the lengths of the calls.


# %%
def scores_of(images):
    features, probabilities = judge.read(images)
    shares = np.bincount(probabilities.argmax(1), minlength=10) / len(images)
    return entr(shares).sum(), frechet_distance(features, real_features)


judge = DigitClassifier()
real_features, _ = judge.read(train.x[:samples])
points = {f"m = {m}, s = {s}": points_of(samples, m, s) for m, s in calls}
directions = to_shell(np.random.default_rng(1).standard_normal((samples, 100))) / 10
for length in (10, 8.2, 29.7, 58.6):
    points[f"|z| = {length}"] = length * directions

# %% [markdown]
# The rows with a length alone have random directions; the first of them stands for the
# prior.

# %%
table = {name: scores_of(generate(generator, z)) for name, z in points.items()}
table["real digits"] = scores_of(train.x[samples : 2 * samples])
print(f"{'':16}entropy   Fréchet distance")
for name, (entropy, distance) in table.items():
    print(f"{name:16}{entropy:7.2f}{distance:19.0f}")

# %% tags=["proof"] jupyter={"source_hidden": true}
# @title What the text says of the table
of_prior, near = table["|z| = 10"], table["|z| = 8.2"]
assert all(table[f"m = {m}, s = 1"][0] < 0.6 for m in (5, -5))
assert table["m = 1, s = 1"][1] > 3 * near[1]
assert all(table[f"m = {m}, s = 1"][1] > 5 * table["|z| = 29.7"][1] for m in (5, -5))
assert of_prior[1] < table["|z| = 29.7"][1] < table["|z| = 58.6"][1]
assert table["m = 1, s = 1"][0] < table["m = 1, s = 5"][0]
if samples >= 300:
    assert near[1] < 1.5 * of_prior[1] < table["|z| = 29.7"][1]
    for s, length in {5: 29.7, 10: 58.6}.items():
        harm = table[f"m = 1, s = {s}"][1] - of_prior[1]
        assert table[f"|z| = {length}"][1] - of_prior[1] > harm / 2

# %% [markdown]
# With means times five there is hardly more than one class: a fixed direction, and little
# noise around it. Two such calls show two points, with a digit each; that is no way from
# one to the other. Larger standard deviations do bring more digits than the first call has,
# in our generator as well. In the first call half of $|z|^2$ comes from means that never
# change; beside larger noise they no longer count, and many directions come about. But
# points of the prior have as many digits without any scan, and their images are closer to
# real ones.
#
# Length or direction? In the first call the length is innocent: random directions at 8.2 do
# as well as at 10. At 30 and 59 the length does harm by itself, as random directions show.
# For the calls with large standard deviations that is more than half of the harm, in this
# run; the rest is that coordinates in the middle of `linspace` hardly vary. For large means
# the fixed direction does most. **Mend.** Count, and put a control beside the count.

# %% [markdown]
# # What is right
#
# Much more than what is wrong. Both formulas for the KL of normal distributions, the general
# one and its special case with $\mathcal N(0, I)$, are. Held against a sum over a fine grid:


# %%
def kl(mean0, cov0, mean1, cov1):
    inverse, shift = np.linalg.inv(cov1), mean1 - mean0
    log_ratio = np.log(np.linalg.det(cov1) / np.linalg.det(cov0))
    trace = np.trace(inverse @ cov0)
    return 0.5 * (trace + shift @ inverse @ shift - len(shift) + log_ratio)


def by_summation(mean0, cov0, mean1, cov1):
    axis, step = np.linspace(-9, 9, 601, retstep=True)
    places = np.stack(np.meshgrid(axis, axis), axis=-1)
    p, q = multivariate_normal(mean0, cov0), multivariate_normal(mean1, cov1)
    return (p.pdf(places) * (p.logpdf(places) - q.logpdf(places))).sum() * step**2


# %% [markdown]
# Once with two full covariances, once against the standard normal distribution:

# %% tags=["nbval-check-output"]
first = np.array([0.5, -1.0]), np.array([[1.0, 0.6], [0.6, 0.8]])
second = np.array([-0.3, 0.4]), np.array([[1.5, -0.4], [-0.4, 0.7]])
pairs = {
    "two full ones": (*first, *second),
    "N(0, I)": (*first, np.zeros(2), np.eye(2)),
}
for name, pair in pairs.items():
    print(f"{name:14} formula {kl(*pair):.6f}, sum {by_summation(*pair):.6f} nats")

# %% tags=["proof"] jupyter={"source_hidden": true}
# @title Both agree; so does the KL that the PyTorch program takes
for pair in pairs.values():
    assert math.isclose(kl(*pair), by_summation(*pair), rel_tol=1e-8)
    assert math.isclose(kl(*pair), gaussian_kl(*pair), rel_tol=1e-10)
mu, log_sigma = torch.tensor([0.5, -1.0]).double(), torch.tensor([-0.3, 0.2]).double()
theirs = kl_divergence(Normal(mu, log_sigma.exp()), Normal(0.0, 1.0)).sum(-1).item()
ours = kl_to_standard_normal(mu.numpy(), 2 * log_sigma.numpy())
assert math.isclose(theirs, ours, rel_tol=1e-6)

# %% [markdown]
# - The PyTorch encoder's second head is called `log_sigma` and is used as
#   $\exp(\text{log\_sigma})$; the Keras one is called `z_log_var` and used with a factor of
#   one half. Name and use agree. It draws by `rsample`, so that the gradient passes, and
#   its KL is the closed form.
# - The GAN's loss is told that it gets logits, each network follows its own loss only, and
#   where images are made for looking, `training=False` is set.
# - The lecture says that play need not converge, that both may chase each other forever,
#   and that a GAN needs neither approximate inference nor a partition function.
# - Its guarantee, after Lloyd and Weedbrook, has an *if*: when $\max_D V$ is convex in the
#   generator's parameters. It adds that this is in general not so. For two normal
#   distributions of width 1, $\theta$ apart, $\max_D V = 2\,\mathrm{JSD} - \ln 4$ (lesson
#   5). Where is that convex?

# %% tags=["nbval-check-output"]
thetas, (x, dx) = np.linspace(-6, 6, 49), np.linspace(-14, 14, 5601, retstep=True)
p, value = norm.pdf(x), []
for theta in thetas:
    q = norm.pdf(x, theta)  # the best D is p / (p + q)
    value.append((p * np.log(p / (p + q)) + q * np.log(q / (p + q))).sum() * dx)
convex = thetas[1:-1][np.diff(value, 2) > 0]
print(f"convex from {convex.min()} to {convex.max()}, seen from -6 to 6")

# %% tags=["proof"] jupyter={"source_hidden": true}
# @title One piece around the solution, and not all of what was looked at
at_two = value[list(thetas).index(2)]  # the Jensen-Shannon divergence is known there
assert math.isclose(at_two, 2 * 0.3368308 - math.log(4), abs_tol=1e-6)
assert np.allclose(np.diff(convex), thetas[1] - thetas[0])
assert thetas[1] < convex.min() < 0 < convex.max() < thetas[-2]

# %% [markdown]
# # What stays
#
# Of the faults in programs five stop with a message: 16, 26, 27, 32 and 33. All others run,
# print numbers and draw something. So:
#
# 1. Try functions with sizes that differ: three channels, 225 points, another batch (13,
#    24, 33).
# 2. A number needs the size of its sample, data that were held out, and a control (9, 12,
#    23, 38).
# 3. Draw what you conclude from, all of it (14, 34, 37).
# 4. Feed a network what it was trained on, or say that you do not (10, 36).
# 5. Silence is no success: ask whether there was a checkpoint, a folder, an argument (27,
#    30, 32).
#
# ## Practise
#
# [The bug clinic](../exercises/bug_clinic.ipynb) has nine sick programs to mend. None is a
# program of the lecture, but some are relatives of these faults:
#
# | patient | its relatives here |
# |---|---|
# | 1, two numbers that say nothing: a mean where a sum belongs | 13, a mean over channels |
# | 2, the generator that will not move | 30, the network of the start is explored |
# | 3, the best loss anyone has seen: coins for centred pictures | 8 and 10, the range of the data |
# | 4, one picture for all: shapes that broadcast | 7 and 33, shapes |
# | 8, better than the truth: a leak | 12, nothing is held out |
#
# **References.** M. Hjorth-Jensen, *Advanced machine learning and data analysis for the
# physical sciences*, week 14, Oslo 2024. F. Chollet, [Variational
# AutoEncoder](https://keras.io/examples/generative/vae/), the Keras documentation. [Deep
# Convolutional GAN](https://www.tensorflow.org/tutorials/generative/dcgan), the tutorial
# that the lecture's GAN was adapted from.
