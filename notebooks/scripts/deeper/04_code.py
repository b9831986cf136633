# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # What the code keeps
#
# Open in [Colab](https://colab.research.google.com/github/generative-models/executed/blob/v0.2.0/notebooks/deeper/04_code.ipynb) or on [Binder](https://mybinder.org/v2/gh/generative-models/executed/v0.2.0?urlpath=lab/tree/notebooks/deeper/04_code.ipynb).
#
# This page continues [lesson 4](../04_vae_keras.ipynb). There a convolutional VAE writes
# down each digit as two numbers. How much do the two numbers tell, and what is a loss of
# 152 nats made of? In a plane both can be computed, since integrals become sums.

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
# @title Set-up: imports, data, sizes, and the model that ships with the course
import math

import numpy as np
from scipy.integrate import quad
from scipy.special import entr, logsumexp
from scipy.stats import norm

from course_utils.budget import budget
from course_utils.data.mnist import binarize, load_mnist
from course_utils.figures.latent_maps import code_density
from course_utils.figures.style import mosaic, use_course_style
from course_utils.metrics.bounds import Estimate
from course_utils.records import read_result
from course_utils.tfkeras.device import to_numpy
from course_utils.tfkeras.vae import ConvVAE, bernoulli_log_likelihood
from course_utils.tfkeras.weights import load_pretrained
from course_utils.weights import card

use_course_style()
train, test = load_mnist("train"), load_mnist("test")
vae, about = load_pretrained(ConvVAE(), "conv_vae"), card("conv_vae")

# %% [markdown]
# ## Price and information
#
# The encoder answers a digit $x$ with a normal density $q(z \mid x)$. The mixture of all
# of them is the density of codes, $q(z) = \mathbb E_x\, q(z \mid x)$. How much does a code
# tell about its digit? The **mutual information** says it: the mean distance of $q(z
# \mid x)$ from what one knows of $z$ without the digit,
#
# $$I(x, z) = \mathbb E_x\,\mathrm{KL}\left(q(z \mid x) \,\|\, q(z)\right) .$$
#
# The loss has another mean, the distance from the prior $p(z)$. The two are related. Write
# $q(z \mid x)/p(z)$ as $q(z \mid x)/q(z)$ times $q(z)/p(z)$, take logarithms, and average
# over $z$ and then over $x$:
#
# $$\mathbb E_x\,\mathrm{KL}\left(q(z \mid x) \,\|\, p(z)\right) = I(x, z) +
# \mathrm{KL}\left(q(z) \,\|\, p(z)\right) .$$
#
# So the mean KL is the information plus a mismatch (Hoffman and Johnson, 2016). Neither is
# ever negative. The price of a code is at least what it tells.
#
# We measure all three for the 10,000 training digits of the shipped sample. The mixture of
# 10,000 normal densities is summed on a fine grid. Since each is a product over both axes,
# that is one product of matrices.

# %%
mu, logvar = vae.encoder.predict(train.x, batch_size=500, verbose=0)
mu, sigma = mu.astype(float), np.exp(0.5 * logvar.astype(float))
price = 0.5 * (mu**2 + sigma**2 - 1 - 2 * np.log(sigma)).sum(axis=1).mean()

axis = np.linspace(-7, 7, budget(smoke=501, lecture=701, full=1401))
cell = (axis[1] - axis[0]) ** 2
along_1, along_2 = (norm.pdf(axis[:, None], mu[:, i], sigma[:, i]) for i in (0, 1))
q = along_1 @ along_2.T / len(mu)  # q(z) on the grid
p = np.outer(norm.pdf(axis), norm.pdf(axis))

mismatch = cell * (q * (np.log(np.maximum(q, 1e-300)) - np.log(p))).sum()
entropy_of_q = cell * entr(q).sum()
entropy_of_answers = norm.entropy(mu, sigma).sum(axis=1).mean()
information = entropy_of_q - entropy_of_answers
print(f"mean KL to the prior   {price:.3f} nats")
print(f"information I(x, z)    {information:.3f} nats")
print(f"mismatch KL(q || p)    {mismatch:.3f} nats; sum {information + mismatch:.3f}")

# %% tags=["proof"] jupyter={"source_hidden": true}
# @title Proof: both sides agree, and the grid holds all of q
assert abs(cell * q.sum() - 1) < 1e-3
assert abs(information + mismatch - price) < 1e-3
assert information < math.log(len(mu))  # nobody can tell more than which digit it is
print("both sides agree to 0.001 nats")

# %% [markdown]
# The information is below $\ln 10{,}000 = 9.2$ nats, since with 10,000 digits that is what
# it takes to say which one it is. With more digits the same encoder would have a slightly
# larger one.
#
# The mismatch is what the lesson sees as too many zeros. Here are both densities.

# %%
code_density(axis, q)

# %% [markdown]
# *Figure: the density of codes in greys, with the circle that holds half of the prior. The
# codes crowd left of the origin; the right half of the circle is nearly white.*

# %% [markdown]
# How finely is a code written down? The standard deviations of the answers say it, beside
# those of the codes.

# %%
for i in (0, 1):
    fine, wide = np.median(sigma[:, i]), mu[:, i].std()
    print(f"z{i + 1}: codes spread by {wide:.2f}, each known to about {fine:.3f}")

# %% [markdown]
# ## What a loss of 152 nats is made of
#
# The lesson finds a floor: grey levels cost their entropy even if they are predicted
# exactly. The formula is linear in the pixel $x$. So its value for a grey image is the mean
# of its values over all black-and-white images that come from tossing each pixel, white
# with its grey level as the probability. We toss a hundred times.

# %%
few = test.x[:200]
logits = vae.decoder(vae.encoder(few)[0])
grey = to_numpy(bernoulli_log_likelihood(logits, few))
tossed = [bernoulli_log_likelihood(logits, binarize(few, seed)) for seed in range(100)]
difference = Estimate.of(np.mean(tossed, axis=1) - grey.mean())
print(f"grey levels {grey.mean():.2f} nats")
print(f"mean over tosses, less that: {difference} nats")

# %% [markdown]
# Is it a density of grey pictures? A density must integrate to one. With $\pi$ the
# probability of a pixel, the formula gives
#
# $$\int_0^1 \pi^x (1 - \pi)^{1 - x}\, dx = \frac{2\pi - 1}{\log \pi - \log (1 - \pi)} ,$$
#
# which is not one, and not even a constant.

# %%
for probability in (0.01, 0.1, 0.499):  # at one half itself the fraction is 0/0
    value, _ = quad(lambda x, b=probability: b**x * (1 - b) ** (1 - x), 0, 1)
    formula = (2 * probability - 1) / math.log(probability / (1 - probability))
    assert math.isclose(value, formula, rel_tol=1e-9)
    print(f"probability {probability}: integral {value:.3f}")

# %% [markdown]
# It is smallest for a pixel of which the decoder is sure. The missing factor depends on
# $\pi$, so it cannot be dropped as a constant would be. The model that has it is called the
# continuous Bernoulli (Loaiza-Ganem and Cunningham, 2019).
#
# ## The encoder's part
#
# How much of the loss is the encoder's fault? Lesson 1 says that log p(x) less the ELBO is
# the KL from $q(z \mid x)$ to the true posterior. Usually log p(x) cannot be had. But over a
# plane the integral
#
# $$\log p(x) = \log \int p(z)\, p(x \mid z)\, dz$$
#
# is a sum over a grid. We decode each point of the grid once; the log-likelihood of all
# digits at all points is then a product of matrices. (For grey pictures this is no
# log-probability, as we just saw. The gap is measured all the same.)

# %%
step = budget(smoke=0.25, lecture=0.05, full=0.025)
axis_1, axis_2 = np.arange(-5, 2, step), np.arange(-4, 4, step)
points = np.stack(np.meshgrid(axis_1, axis_2), axis=-1).reshape(-1, 2)
flat = test.x.reshape(len(test.x), -1)
log_p = np.full(len(flat), -np.inf)
for z in np.array_split(points.astype("float32"), max(1, len(points) // 500)):
    logits = to_numpy(vae.decoder(z)).reshape(len(z), -1)
    log_likelihood = flat @ logits.T - np.logaddexp(0, logits).sum(axis=1)
    log_prior = norm.logpdf(z).sum(axis=1) + 2 * math.log(step)
    log_p = np.logaddexp(log_p, logsumexp(log_likelihood + log_prior, axis=1))
elbo = about["sample"]["elbo"]
print(f"{len(points):,} points: log p(x) {log_p.mean():.2f}, ELBO {elbo:.2f} nats")
print(f"the encoder's part: {log_p.mean() - elbo:.1f} nats")

# %% [markdown]
# With twice as many points a side the mean of log p(x) moves by less than a tenth of a nat
# (the `full` budget shows it). The card of the weights has another look at this gap:
# the importance-weighted bound $L_{50}$ of lesson 3.

# %%
bounds = {k: value["mean"] for k, value in about["test"]["iwae"].items()}
print(f"L_50 less the ELBO: {bounds['50'] - bounds['1']:.1f} nats (full test set)")

# %% [markdown]
# So fifty points a digit recover less than half of it. A bound that rises is not yet one
# that has arrived.
#
# ## Eight numbers in the place of two
#
# How much of the rest is due to the *two* numbers? The control changes the number of
# latent dimensions and nothing else: the same layers otherwise, the shipped 10,000 digits,
# fifteen epochs, the same rate, the same order of the digits. The seeds are the first five,
# taken as they come, and runs with the same seed are a pair. They were recorded once.

# %%
control = read_result("latent_dimensions")
pairs = list(control["pairs"].values())
floor = (entr(test.x) + entr(1 - test.x)).sum(axis=(1, 2, 3)).mean()
for name, dimensions in (("two", "2"), ("eight", "8")):
    losses, prices = (
        np.array([pair[dimensions][term][-1] for pair in pairs])
        for term in ("loss", "kl")
    )
    rest = losses.mean() - prices.mean() - floor
    print(f"{name:5} numbers: loss", *(f"{v:.1f}" for v in losses), end="; ")
    print(f"means: KL {prices.mean():.1f}, rest {rest:.1f} nats")
gaps = [pair["2"]["loss"][-1] - pair["8"]["loss"][-1] for pair in pairs]
print(f"two less eight: {Estimate.of(np.array(gaps))} nats, {len(gaps)} pairs")

# %% [markdown]
# In every pair eight numbers end lower, although they cost more KL. So part of the rest is
# due to the two numbers. By far the larger part of it remains with eight. (These are young
# models on few digits, and how much eight numbers help differs much from seed to seed.)
#
# ## The straight line between two digits
#
# Take the first held-out one and the first zero, and walk from one code to the other on a
# straight line, $(1 - t)\,\mu_a + t\,\mu_b$. Below it the same blend of the *pixels*.

# %%
first, second = (int(np.flatnonzero(test.y == label)[0]) for label in (1, 0))
t = np.linspace(0, 1, 11)
ends = vae.encoder.predict(test.x[[first, second]], verbose=0)[0]
way = np.outer(1 - t, ends[0]) + np.outer(t, ends[1])
blend = np.tensordot([1 - t, t], test.x[[first, second]], axes=(0, 0))
mosaic(
    np.concatenate([to_numpy(vae.decode(np.float32(way))), blend]),
    columns=11,
    row_labels=["latent", "pixels"],
    column_labels=[f"{value:.1f}" for value in t],
    title="t from 0 to 1",
)

# %% [markdown]
# *Figure: two rows of eleven pictures from a one to a zero. Above, the one leans over and
# passes other digits on its way; below, one fades while the other grows.*

# %% [markdown]
# The way through the plane passes other digits, because they lie in between. Which ones,
# the nearest codes tell.

# %%
distances = np.square(mu[:, None] - way).sum(axis=2)
print("nearest training digits:", *train.y[distances.argmin(axis=0)])

# %% [markdown]
# Why a straight line? Only because it is easy. Latent coordinates have no units, and equal
# steps of $t$ are not equal changes of the picture: in the crowded middle a small step
# changes the class, and on the right edge a large one changes nothing. A distance on the
# map is not a distance between digits. Turn or squeeze the map, let the decoder undo that,
# and every picture stays the same.
#
# ## Questions
#
# 1. *Easy, 10 minutes.* What are mean and covariance of the codes $\mu$? If the mixture
#    $q(z)$ were the prior, what would they be? (Less than $I$: the noise has its share.)
# 2. *Medium, 20 minutes.* Train with `train_vae(..., beta=4.0)` and `beta=0.25`. How does
#    the map change its size, and why? Compare the ELBOs, not the losses.
# 3. *Medium, 30 minutes.* Neighbours on the map look alike. Is that the work of the noise?
#    Train a control without noise and without KL, and say what you compare.
# 4. *Hard, 40 minutes.* Approximate the length of a way by the sum of $\lVert x(t_{k+1}) -
#    x(t_k) \rVert$ over its decoded pictures, and bend the way from the one to the zero
#    until it is shorter than the straight line.
#
# ## References
#
# - M. D. Hoffman and M. J. Johnson, *ELBO surgery: yet another way to carve up the
#   variational evidence lower bound*, 2016 (NIPS workshop on approximate inference).
# - G. Loaiza-Ganem and J. P. Cunningham, *The continuous Bernoulli: fixing a pervasive
#   error in variational autoencoders*, 2019,
#   [arXiv:1907.06845](https://arxiv.org/abs/1907.06845).
