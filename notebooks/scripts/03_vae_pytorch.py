# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown] slideshow={"slide_type": "slide"}
# # 3 · A variational autoencoder in PyTorch
#
# Open in [Colab](https://colab.research.google.com/github/generative-models/executed/blob/v0.2.0/notebooks/03_vae_pytorch.ipynb) or on [Binder](https://mybinder.org/v2/gh/generative-models/executed/v0.2.0?urlpath=lab/tree/notebooks/03_vae_pytorch.ipynb).

# %% [markdown]
# ## You will be able to
#
# - write a VAE from its four parts: encoder, decoder, likelihood, and one training step;
# - say what a loss of 740 is made of, and why 720 of it carry no information;
# - choose a likelihood, and know which numbers may be compared with which;
# - judge a trained VAE by its two terms on held-out digits, by reconstructions, samples
#   and traversals, and by an estimate of $\log p(x)$ that is tighter than the ELBO.

# %% [markdown] slideshow={"slide_type": "skip"}
# ## Before you start
#
# Helpful: lessons 1 and 2, which derive the bound and the gradient that are used here.
# The two formulas you need are repeated below. On two CPU cores this lesson runs in
# a few minutes. No download is needed.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The question
#
# We want a machine that draws digits which nobody has written. It should also answer
# the question that a physicist asks of any model: *how probable is this observation
# under it?* A VAE does the first, and gives a lower bound for the second. How good is
# that bound, in nats, and what would a good number be?
#
# The network comes from a lecture: M. Hjorth-Jensen, *Advanced machine learning and data
# analysis for the physical sciences*, Oslo 2024, week 14. "The lecture" means that one,
# and what its program gets wrong is told in asides, because each fault teaches something.

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
# PyTorch for the model; the course package for data, pictures and the closed forms that
# we check ourselves against.

# %% slideshow={"slide_type": "skip"}
import math
from collections.abc import Sequence
from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_utils.budget import budget
from course_utils.data.mnist import binarize, load_mnist
from course_utils.exact import divergences
from course_utils.figures.histories import history_curves
from course_utils.figures.style import mosaic, use_course_style
from course_utils.metrics.bounds import Estimate
from course_utils.pytorch.device import (
    pick_device,
    seed_everything,
    to_images,
    to_numpy,
    to_tensor,
)
from course_utils.pytorch.vae import reparameterize
from course_utils.records import read_result

use_course_style()

# %% [markdown] slideshow={"slide_type": "skip"}
# All sizes of the lesson stand in one cell. The environment variable `COURSE_BUDGET`
# picks a column; what you see saved here is the `lecture` column.

# %% slideshow={"slide_type": "skip"}
source = budget(smoke="sample", lecture="sample", full="full")
limit = budget(smoke=1_000, lecture=None, full=None)
epochs = budget(smoke=2, lecture=30, full=100)
evaluated = budget(smoke=100, lecture=1_000, full=None)
samples = budget(smoke=50, lecture=500, full=500)
device = pick_device()

# %% [markdown]
# The digits are 28 × 28 grey levels between 0 and 1. They come in two sets: one to train
# on, one that the model never sees. Only the second can tell us whether it learnt digits
# or merely these digits.

# %% slideshow={"slide_type": "subslide"}
train = load_mnist("train", source, limit)
test = load_mnist("test", source, evaluated)
print(f"{len(train):,} training and {len(test):,} held-out digits ({test.source})")
mosaic(test.x[:30], columns=15, title="Held-out digits")


# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: thirty held-out digits, white on black, in two rows.*

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The model in three distributions
#
# | symbol | what it is | here |
# |---|---|---|
# | $p(z)$ | the prior of the latent vector $z$ | $\mathcal N(0, I)$ in 8 dimensions |
# | $p_\theta(x \mid z)$ | the likelihood, made by the **decoder** | three choices, below |
# | $q_\phi(z \mid x)$ | the approximate posterior, made by the **encoder** | $\mathcal N(\mu, \mathrm{diag}\,\sigma^2)$ |
#
# Here $\theta$ are the decoder's weights and $\phi$ the encoder's. For every $x$ and
# every $q$,
#
# $$
# \log p_\theta(x) \;\ge\; \mathrm{ELBO} \;=\;
# \underbrace{\mathbb E_{q_\phi(z \mid x)}\!\left[\log p_\theta(x \mid z)\right]}_{\text{reconstruction}}
# \;-\; \underbrace{\mathrm{KL}\!\left(q_\phi(z \mid x)\,\|\,p(z)\right)}_{\text{kl}} .
# $$
#
# Both networks are trained to raise the right-hand side.

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### Two networks
#
# These are the lecture's networks: two hidden layers of 512 in the encoder, one in the
# decoder. The encoder ends in two heads. The second gives $\log\sigma^2$ rather than
# $\sigma$, because a logarithm may have any sign and needs no guard.
#
# Cells like this one, which define something for the first time, are compared with the
# course package in its tests. What you read is what later lessons import.


# %% tags=["mirrors"] slideshow={"slide_type": "subslide"}
def relu_layers(inputs: int, widths: Sequence[int]) -> nn.Sequential:
    layers: list[nn.Module] = []
    for width in widths:
        layers += [nn.Linear(inputs, width), nn.ReLU()]
        inputs = width
    return nn.Sequential(*layers)


class MLPEncoder(nn.Module):
    def __init__(self, latent_dim=8, hidden=(512, 512), pixels=784):
        super().__init__()
        self.body = relu_layers(pixels, hidden)
        self.mu = nn.Linear(hidden[-1], latent_dim)
        self.logvar = nn.Linear(hidden[-1], latent_dim)

    def forward(self, x):
        h = self.body(x.flatten(1))
        # x's type, also where autocast multiplied in bfloat16
        return self.mu(h).to(x.dtype), self.logvar(h).to(x.dtype)


# %% [markdown] slideshow={"slide_type": "subslide"}
# The decoder goes the other way and gives one unbounded number a pixel. What that number
# *means* is left to the likelihood.


# %% tags=["mirrors"]
class MLPDecoder(nn.Module):
    def __init__(self, latent_dim=8, hidden=(512,), shape=(1, 28, 28)):
        super().__init__()
        self.shape = shape
        self.body = relu_layers(latent_dim, hidden)
        self.pixels = nn.Linear(hidden[-1], math.prod(shape))

    def forward(self, z):
        return self.pixels(self.body(z)).to(z.dtype).unflatten(1, self.shape)


# %% [markdown] slideshow={"slide_type": "subslide"}
# ### The KL term
#
# For a Gaussian with independent components the KL to the prior has a closed form, one
# number an image, in nats:
#
# $$
# \mathrm{KL} = \tfrac12 \sum_j \left(\mu_j^2 + \sigma_j^2 - 1 - \log \sigma_j^2\right).
# $$


# %% tags=["mirrors"]
def kl_to_standard_normal(mu: Tensor, logvar: Tensor) -> Tensor:
    return 0.5 * (mu.square() + logvar.exp() - 1 - logvar).sum(-1)


# %% [markdown] slideshow={"slide_type": "subslide"}
# Nothing is merely asserted in this course, so we hold it against two independent
# programs: `exact`, in double precision, and PyTorch's own distributions.

# %% tags=["nbval-check-output"]
torch.manual_seed(0)
mu, logvar = torch.randn(5, 8), torch.randn(5, 8)
ours = kl_to_standard_normal(mu, logvar)
closed_form = divergences.kl_to_standard_normal(mu.numpy(), logvar.numpy())
q = torch.distributions.Normal(mu, torch.exp(0.5 * logvar))
p = torch.distributions.Normal(0.0, 1.0)
library = torch.distributions.kl_divergence(q, p).sum(-1)
assert np.allclose(ours, closed_form, rtol=1e-6)
assert torch.allclose(ours, library, rtol=1e-5)
print("three programs agree on", ours.numpy().round(3), "nats")


# %% [markdown] slideshow={"slide_type": "subslide"}
# ### One sample of z
#
# The reconstruction term is an expectation over $q$. One sample a step is enough, if it
# is drawn so that the gradient can pass through it: noise first, then shift and scale.
# Lesson 2 derived it, and we imported its one line above:
# `reparameterize(mu, logvar, epsilon)` is $z = \mu + \sigma\epsilon$.

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### The likelihood, first choice: the lecture's
#
# The lecture shifts the pixels to $[-\tfrac12, \tfrac12]$, lets the decoder give a mean
# through a $\tanh$, and puts a Gaussian of standard deviation 1 around it:
#
# $$
# \log p(x \mid z) = -\tfrac12 \sum_{i=1}^{784} (x_i - m_i(z))^2
# \;-\; \tfrac{784}{2}\,\log 2\pi .
# $$


# %% tags=["mirrors"] slideshow={"slide_type": "subslide"}
def gaussian_log_likelihood(x_mean: Tensor, x: Tensor, sigma: Tensor | float) -> Tensor:
    sigma = torch.as_tensor(sigma, dtype=x_mean.dtype, device=x_mean.device)
    squared_error = (x - x_mean).square().flatten(1).sum(1)
    normalizer = x[0].numel() * (torch.log(sigma) + 0.5 * math.log(2 * math.pi))
    return -0.5 * squared_error / sigma.square() - normalizer


class GaussianPixels(nn.Module):
    def __init__(self, sigma: float = 1.0, learn: bool = False):
        super().__init__()
        log_sigma = torch.tensor(math.log(sigma))
        if learn:
            self.log_sigma = nn.Parameter(log_sigma)
        else:
            self.register_buffer("log_sigma", log_sigma, persistent=False)

    def log_likelihood(self, decoded: Tensor, x: Tensor) -> Tensor:
        return gaussian_log_likelihood(decoded.tanh(), x - 0.5, self.log_sigma.exp())

    def mean(self, decoded: Tensor) -> Tensor:
        return (decoded.tanh() + 0.5).clamp(0, 1)


# %% [markdown] slideshow={"slide_type": "subslide"}
# **Predict before you run.** Suppose the decoder reproduced every pixel *exactly*. What
# would $-\log p(x \mid z)$ be: zero, or something else?

# %% tags=["nbval-check-output"]
perfect = torch.from_numpy(test.x[:1, ..., 0]) - 0.5
floor = -gaussian_log_likelihood(perfect, perfect, sigma=1.0).item()
assert math.isclose(floor, 392 * math.log(2 * math.pi), rel_tol=1e-6)
print(f"a perfect reconstruction costs {floor:.3f} nats")


# %% [markdown]
# A loss can never fall below 720.448 nats with this likelihood, whatever the network
# does. That is the price of 784 Gaussians of width 1. Of a loss of 740, then, 20 nats
# are about digits and 720 are about nothing.

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### The whole model, its objective, and one step
#
# A VAE is the two networks and a likelihood.


# %% tags=["mirrors"]
class MLPVAE(nn.Module):
    def __init__(
        self,
        likelihood=None,
        latent_dim=8,
        encoder_hidden=(512, 512),
        decoder_hidden=(512,),
        shape=(1, 28, 28),
    ):
        super().__init__()
        self.latent_dim = latent_dim
        self.encoder = MLPEncoder(latent_dim, encoder_hidden, math.prod(shape))
        self.decoder = MLPDecoder(latent_dim, decoder_hidden, shape)
        self.likelihood = GaussianPixels() if likelihood is None else likelihood

    def log_likelihood(self, x: Tensor, z: Tensor) -> Tensor:
        return self.likelihood.log_likelihood(self.decoder(z), x)

    def decode(self, z: Tensor) -> Tensor:
        return self.likelihood.mean(self.decoder(z))


# %% [markdown] slideshow={"slide_type": "subslide"}
# With the lecture's sizes it has a little over a million parameters.

# %% tags=["nbval-check-output"]
count = sum(p.numel() for p in MLPVAE().parameters())
assert count == 1_079_584
print(f"{count:,} parameters")


# %% [markdown]
# The ELBO is the central equation, line for line. It comes back with its two terms, one
# value an image, because their split tells more than their sum.


# %% tags=["mirrors"]
def elbo(model, x, epsilon):
    mu, logvar = model.encoder(x)
    z = reparameterize(mu, logvar, epsilon)
    reconstruction = model.log_likelihood(x, z)
    kl = kl_to_standard_normal(mu, logvar)
    return reconstruction - kl, reconstruction, kl


# %% [markdown] slideshow={"slide_type": "subslide"}
# One step of training. The loss is the negative ELBO, averaged over the images of a
# minibatch. A factor $\beta$ weighs the KL: it is the price, in nats of reconstruction,
# of one nat about $x$ that is stored in $z$. The ELBO has $\beta = 1$.


# %% tags=["mirrors"]
def vae_step(model, x, epsilon, optimizer, beta=1.0):
    _, reconstruction, kl = elbo(model, x, epsilon)
    loss = (beta * kl - reconstruction).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return reconstruction.detach(), kl.detach()


# %% [markdown] slideshow={"slide_type": "subslide"}
# The rest of training is a loop: shuffle, cut into minibatches of 128, draw the noise,
# take the step with Adam at a rate of $10^{-3}$. Here it is, bare, for three steps.

# %%
torch.manual_seed(0)
model = MLPVAE().to(device)
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
images = to_tensor(train.x, device)
for rows in torch.randperm(len(images), device=device).split(128)[:3]:
    epsilon = torch.randn(len(rows), model.latent_dim, device=device)
    reconstruction, kl = vae_step(model, images[rows], epsilon, optimizer)
    print(f"loss {(kl - reconstruction).mean():.1f} nats")

# %% [markdown] slideshow={"slide_type": "subslide"}
# The package's `train_vae` is this loop with housekeeping: it takes means over each
# epoch, measures held-out digits, returns a `History`, and stops kindly when it is
# interrupted. From here on we use the package's definitions. Those you have read are the
# same there, line for line; `BernoulliPixels` comes further down.

# %%
from course_utils.pytorch.likelihoods import BernoulliPixels, GaussianPixels
from course_utils.pytorch.training import evaluate_vae, train_vae
from course_utils.pytorch.vae import MLPVAE


def trained(likelihood, latent_dim=8, **options):
    seed_everything(0)
    model = MLPVAE(likelihood, latent_dim).to(device)
    history = train_vae(model, train.x, epochs, 1, test_images=test.x, **options)
    return model, history


# %% [markdown] slideshow={"slide_type": "slide"}
# ## Training the lecture's model

# %%
unit, unit_history = trained(GaussianPixels(sigma=1.0))
history_curves(unit_history, ["loss", "kl"], levels={"720.448": floor})

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: left, the loss on training and on held-out digits against epochs; both flatten
# out some twenty nats above a dotted line at 720.448. Right, the KL term, a few nats.*

# %% [markdown] slideshow={"slide_type": "subslide"}
# What is the loss made of? We take it apart on the held-out digits.

# %%
loss, kl = unit_history["test_loss"][-1], unit_history["test_kl"][-1]
error = loss - floor - kl
print(f"constant of the Gaussians {floor:8.2f} nats")
print(f"half the squared error    {error:8.2f} nats")
print(f"KL                        {kl:8.2f} nats")
print(f"loss                      {loss:8.2f} nats")

# %% [markdown] slideshow={"slide_type": "subslide"}
# So when the lecture's program prints numbers near 740, it has come as far as this.
#
# > **The lecture's program** prints the loss of the *last minibatch* of an epoch, which
# > holds 96 images, not the mean over the epoch. How much does that number jump about by
# > chance alone? The standard error of a mean of 96 tells.

# %%
with torch.no_grad():
    x = to_tensor(test.x, device)
    epsilon = torch.randn(len(x), unit.latent_dim, device=device)
    each = to_numpy(elbo(unit, x, epsilon)[0])
print(f"the mean of 96 images has a standard error of {each.std() / 96**0.5:.2f} nats")
print(f"the mean of all {len(each)} has {each.std() / len(each) ** 0.5:.2f} nats")

# %% [markdown]
# Now draw from the model as its own words say: first $z$ from the prior, then $x$ from
# $p(x \mid z)$, noise included.

# %% slideshow={"slide_type": "subslide"}
torch.manual_seed(2)
with torch.no_grad():
    means = unit.decode(torch.randn(8, 8, device=device))
    drawn = (means + torch.randn_like(means)).clamp(0, 1)  # pictures end at 0 and 1
rows = np.concatenate([to_images(means), to_images(drawn)])
mosaic(rows, columns=8, row_labels=["mean", "draw"], title="p(x given z)")

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: above, eight mean images, blurred but digit-like; below, a sample around each of
# them, which is static with no digit to be seen.*

# %% [markdown]
# The pictures that are usually shown of such a model are its *means*. Its samples are
# noise of the size of the data, because it was told that $\sigma = 1$ when the pixels
# span a range of 1. That also explains the small KL: detail which drowns in noise is not
# worth storing in $z$.

# %% [markdown] slideshow={"slide_type": "skip"}
# ## Second choice: learn the variance
#
# Let $\sigma$ be one more parameter. Per pixel, with $e^2$ the mean squared error,
#
# $$
# -\log p = \log\sigma + \frac{e^2}{2\sigma^2} + \tfrac12\log 2\pi ,
# \qquad
# \frac{\partial(-\log p)}{\partial \log\sigma} = 1 - \frac{e^2}{\sigma^2} ,
# $$
#
# which vanishes at $\sigma = e$: the best width is the root mean squared error.
#
# **Predict before you run.** Is that error of a grey level nearer to 1, to 0.3 or to 0.1?

# %% slideshow={"slide_type": "skip"}
learnt, learnt_history = trained(GaussianPixels(sigma=0.5, learn=True))
learnt_history.require_complete()
sigma = learnt.likelihood.log_sigma.exp().item()
nll = -learnt_history["reconstruction"][-1] / 784  # of one pixel
error = sigma * math.sqrt(2 * (nll - math.log(sigma) - 0.5 * math.log(2 * math.pi)))
print(f"sigma = {sigma:.4f}, root mean squared error = {error:.4f}")
assert abs(sigma / error - 1) < budget(smoke=1.0, lecture=0.02, full=0.02)

# %% [markdown] slideshow={"slide_type": "subslide"}
# Nearest to 0.1. The two numbers differ a little because the error is a mean over the
# last epoch, in which $\sigma$ was still moving.
#
# A likelihood that knows how noisy it is pays for detail, and the KL grows: more is
# stored in $z$.

# %%
histories = {"sigma = 1": unit_history, "sigma learnt": learnt_history}
print(f"{'':14}{'ELBO':>10}{'reconstruction':>16}{'KL':>8}   (held-out, nats)")
for name, history in histories.items():
    values = [history[f"test_{key}"][-1] for key in ("elbo", "reconstruction", "kl")]
    print("{:14}{:10.1f}{:16.1f}{:8.1f}".format(name, *values))


# %% [markdown]
# These two rows may be compared: both are densities of the same 784 numbers. The second
# is better by more than a thousand nats, and it is positive. That is no mistake. A
# density has units, one over grey level to the power 784, and may be larger than one.
#
# > **Two more remarks on the lecture's program.** Its mean runs through $\tanh$, so it
# > ranges over $(-1, 1)$ for data in $[-\tfrac12, \tfrac12]$: half of the range is never
# > wanted. And the wrapper `Variable`, which it imports, has done nothing since PyTorch
# > 0.4; tensors carry their own gradients.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Third choice: pixels as coins
#
# If a pixel is either ink or paper, the natural likelihood is a biased coin. The decoder
# gives its logit, and
#
# $$
# \log p(x \mid z) = \sum_i \left[x_i \ell_i - \log\left(1 + e^{\ell_i}\right)\right]
# $$
#
# is a true log-probability for $x_i \in \{0, 1\}$. So we make the data binary: at each
# visit every pixel becomes 1 with its grey level as the probability.


# %% tags=["mirrors"]
def bernoulli_log_likelihood(x_logits: Tensor, x: Tensor) -> Tensor:
    return (x * x_logits - F.softplus(x_logits)).flatten(1).sum(1)


class BernoulliPixels(nn.Module):
    def log_likelihood(self, decoded: Tensor, x: Tensor) -> Tensor:
        return bernoulli_log_likelihood(decoded, x)

    def mean(self, decoded: Tensor) -> Tensor:
        return decoded.sigmoid()


# %% [markdown] slideshow={"slide_type": "subslide"}
# `softplus` is $\log(1 + e^{\ell})$, computed so that it does not overflow. The tempting
# way, probabilities first and logarithms after, breaks:

# %% tags=["nbval-check-output"]
logit, ink = torch.tensor([[100.0]]), torch.tensor([[0.0]])
naive = torch.log(1 - torch.sigmoid(logit)).item()
stable = bernoulli_log_likelihood(logit, ink).item()
print(f"log probability of paper at logit 100: naive {naive}, stable {stable}")

# %% [markdown]
# The training is the same; only the likelihood was exchanged.

# %% slideshow={"slide_type": "subslide"}
coins, coins_history = trained(BernoulliPixels(), binarize=True)
history_curves(coins_history, ["reconstruction", "kl", "elbo"])

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: reconstruction, KL and ELBO of the Bernoulli model against epochs. All three
# rise, steeply at first. The curves of training and of held-out digits lie on each
# other.*

# %% [markdown] slideshow={"slide_type": "subslide"}
# Two things are worth a look. The KL *rises* while the model gets better. A larger KL
# means that $q(z \mid x)$ says more about its $x$, and each nat of it must buy more than a
# nat of reconstruction, or it would not be worth its price. And held-out digits fare no worse than training
# digits: coins that are tossed anew at each visit, and a code of only eight numbers,
# leave little to memorize. (The training curve is an average over the epoch, so in the
# first epochs it lags behind.)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Look at it
#
# ### Reconstructions
#
# Eight held-out digits, and below them what remains after a passage through eight
# numbers.

# %% slideshow={"slide_type": "subslide"}
binary = binarize(test.x, seed=3)
with torch.no_grad():
    mu, logvar = coins.encoder(to_tensor(binary[:8], device))
    decoded = to_images(coins.decode(mu))
pictures = np.concatenate([test.x[:8], binary[:8], decoded])
mosaic(pictures, columns=8, row_labels=["grey", "binary x", "decoded"])

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: three rows of eight digits: the grey-level originals, their binary versions,
# and the decoder's pixel probabilities, which are smoother than both.*

# %% [markdown]
# Most digits come back, smoothed. Some do not: look for one that returned as another
# class, or as a smear between two. Eight numbers are a narrow passage.

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### Samples
#
# No encoder here: $z$ from the prior, then the decoder. Now a draw of the pixels is a
# picture as well.

# %%
torch.manual_seed(4)
with torch.no_grad():
    probability = coins.decode(torch.randn(8, 8, device=device))
    drawn = torch.bernoulli(probability)
pictures = np.concatenate([to_images(probability), to_images(drawn)])
mosaic(pictures, columns=8, row_labels=["mean", "draw"], title="p(x given z)")

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: above, the pixel probabilities of eight random latent points; below, one binary
# draw of each, speckled where the probability is near one half.*

# %% [markdown] slideshow={"slide_type": "subslide"}
# About half of them are clear digits. The others lie where the prior has mass but no
# training digit was encoded: the prior and the average $q$ are not the same.
#
# ### Traversals
#
# What does a latent dimension do? We encode one digit and move one of its eight numbers
# through the prior's range, at equal steps of probability, with the others held.

# %% slideshow={"slide_type": "subslide"}
steps = torch.special.ndtri(torch.linspace(0.02, 0.98, 7, device=device))
start = mu[5].repeat(8, 8, 1)  # the first column stays as encoded
for dimension in range(8):
    start[dimension, 1:, dimension] = steps
with torch.no_grad():
    walked = to_images(coins.decode(start.flatten(0, 1)))
mosaic(
    walked,
    columns=8,
    row_labels=[f"z{i + 1}" for i in range(8)],
    column_labels=["as encoded"] + [f"{s:.1f}" for s in steps.tolist()],
)


# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: eight rows, one for each latent dimension. The first column is the digit as
# encoded, decoded again; along the row one latent number runs from -2.1 to 2.1, and the
# digit changes its slant, its width, its loops or its class.*

# %% [markdown]
# No dimension is "the slant" or "the class", and nobody asked for that: turn $z$ by any
# rotation, let the decoder undo it, and $p(x)$ is the same, because $\mathcal N(0, I)$
# looks alike from all sides. Only the shape of $q$, whose components are independent,
# makes some axes better than others.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## How far is the ELBO from log p(x)?
#
# The ELBO is a lower bound, and its gap is $\mathrm{KL}(q(z \mid x) \,\|\, p(z \mid x))$,
# which nobody can compute here. But the bound can be tightened. Draw $k$ points from $q$,
# weigh each by $w = p(x, z)/q(z \mid x)$, and average *before* taking the logarithm:
#
# $$
# L_k = \mathbb E\left[\log \frac1k \sum_{j=1}^k w_j\right], \qquad
# L_1 = \mathrm{ELBO} \le L_5 \le L_{50} \le \dots \le \log p(x).
# $$
#
# The order holds because a logarithm of a mean is never below the mean of the logarithms.
# In code a weight is one line more than the ELBO: for $z = \mu + \sigma\epsilon$ the ratio
# $p(z)/q(z \mid x)$ needs only $z$, $\epsilon$ and $\log\sigma^2$, and the $2\pi$ cancel.


# %% tags=["mirrors"] slideshow={"slide_type": "subslide"}
def log_weights(model, x, samples, generator):
    mu, logvar = model.encoder(x)
    shape = (samples, *mu.shape)
    epsilon = torch.randn(shape, generator=generator, device=mu.device, dtype=mu.dtype)
    z = reparameterize(mu.expand(shape), logvar.expand(shape), epsilon)
    # log p(z) - log q(z given x); their ln 2 pi cancel
    log_ratio = 0.5 * (epsilon.square() + logvar - z.square()).sum(-1)
    repeated = x.expand(samples, *x.shape).flatten(0, 1)
    log_likelihood = model.log_likelihood(repeated, z.flatten(0, 1))
    log_likelihood = log_likelihood.view(samples, len(x))
    return log_likelihood + log_ratio, log_likelihood


# %% [markdown] slideshow={"slide_type": "subslide"}
# From one set of 500 weights we form all bounds, in blocks that nest: ten blocks of five
# make a block of fifty. $L_5$ is the mean over 100 blocks, $L_{50}$ over ten. Then the
# order holds *exactly, digit by digit*, not just on average. Try it on ten digits.

# %%
generator = torch.Generator(device).manual_seed(6)
with torch.no_grad():
    log_w, _ = log_weights(coins, to_tensor(binary[:10], device), 500, generator)
ladder = []
for k in (1, 5, 50, 500):
    blocks = log_w.view(500 // k, k, 10)
    ladder.append((blocks.logsumexp(1) - math.log(k)).mean(0))
    print(f"L_{k:<4}" + " ".join(f"{value:7.1f}" for value in ladder[-1].tolist()))
rising = [bool((low <= high + 1e-4).all()) for low, high in pairwise(ladder)]
assert all(rising)

# %% [markdown] slideshow={"slide_type": "subslide"}
# `evaluate_vae` does the same for many digits. (The 0.0001 above is the rounding of sums
# of that size in single precision.)

# %%
result = evaluate_vae(coins, binary, samples=samples, seed=5)
print(f"reconstruction {result.reconstruction}\nKL {result.kl}\nELBO {result.elbo}\n")
for k, bound in result.iwae.items():
    climb = Estimate.of(result.bounds[k] - result.bounds[1])
    print(f"L_{k:<4} {bound} nats, above L_1 by {climb}")
means = [bound.mean for bound in result.iwae.values()]
assert means == sorted(means)

# %% [markdown]
# The errors of the bounds come from the choice of test digits, which is the same in each
# row. The *climb*, taken digit by digit, is known far better. That is what to plot.

# %% slideshow={"slide_type": "subslide"}
climbs = {k: Estimate.of(b - result.bounds[1]) for k, b in result.bounds.items()}
k, heights = list(climbs), [climb.mean for climb in climbs.values()]
errors = [2 * climb.standard_error for climb in climbs.values()]
plt.errorbar(k, heights, yerr=errors, marker="o", capsize=6)
plt.xscale("log")
plt.xticks(k, k)
plt.xlabel("k, latent points in each bound")
plt.ylabel("$L_k - L_1$ (nats a digit)")
plt.show()


# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: how far the importance-weighted bound rises above the ELBO, against the number
# of latent points on a logarithmic axis, with bars of two standard errors. It climbs
# steeply at first and then more slowly, but has not stopped at the right end.*

# %% [markdown]
# That climb is a lower bound for the gap of the ELBO: so much, at least, is lost because
# the encoder's Gaussian is not the true posterior. The curve still rises at the right
# end, so the truth lies somewhat higher.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What would a good number be?
#
# A number in nats needs a scale. Two models without latent vectors can be evaluated
# exactly on the same binary digits: one coin a pixel, the same for all digits; and a
# mixture of ten such sets of coins, one for each class.


# %%
def coin_log_likelihood(mean, x):
    mean = mean.clip(1e-3, 1 - 1e-3)
    return (x @ np.log(mean) + (1 - x) @ np.log1p(-mean)).sum(-1)


flat_train, flat_test = train.x.reshape(len(train), -1), binary.reshape(len(test), -1)
one_coin = coin_log_likelihood(flat_train.mean(0)[:, None], flat_test)
templates = np.stack([flat_train[train.y == c].mean(0) for c in range(10)])
ten = [coin_log_likelihood(mean[:, None], flat_test) for mean in templates]
mixture = np.logaddexp.reduce(ten, axis=0) - math.log(10)
print(f"one coin a pixel      log p = {Estimate.of(one_coin)} nats")
print(f"ten classes of coins  log p = {Estimate.of(mixture)} nats")
print(f"this VAE              log p > {result.iwae[max(result.iwae)]} nats")

# %% [markdown] slideshow={"slide_type": "subslide"}
# That is the scale. To know the class is worth some thirty nats; eight latent numbers are
# worth more than twice as much. For the other end of the scale: Burda and co-workers
# (2016) report 84.8 nats for a larger model, trained for 3280 epochs on all of MNIST. They
# made their digits binary in another way, and that is another problem: a place on the
# same ruler, not a row for this table.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A figure that everyone knows
#
# PyTorch's own VAE example (784-400-20-400-784, ten epochs on all 60,000 digits) is
# quoted with a test loss of 105.6. A `full` run of this course's trainer, with three
# seeds, was recorded:

# %%
record = read_result("known_vae")
finals = [series["test_loss"][-1] for series in record["seeds"].values()]
print("test loss after 10 epochs:", ", ".join(f"{final:.2f}" for final in finals))
print(f"published: {record['published_test_loss']}")
assert all(abs(final - record["published_test_loss"]) < 1 for final in finals)

# %% [markdown]
# Read such a figure with care. That program feeds grey levels into the Bernoulli formula.
# The result is a cross-entropy and a sensible loss, but not the log-probability of
# anything: even a perfect decoder would pay the entropy of every grey pixel. It can be
# compared with itself, and not with the binary figures above.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What could go wrong
#
# - **Averaging over pixels, summing over latents.** `F.binary_cross_entropy` averages by
#   default. With a summed KL that multiplies $\beta$ by 784, and the model forgets $z$.
# - **$\sigma$ where $\log\sigma^2$ is meant.** The code runs, trains, and is wrong. The
#   check against `exact` above finds it at once.
# - **A likelihood with a fixed, large $\sigma$** hides the digits behind a constant, and
#   its samples are noise.
# - **One number for everything.** An ELBO can rise while the KL collapses to zero; look
#   at both terms.
# - **Two likelihoods in one table.** Grey-level densities, binary probabilities and
#   cross-entropies are different units. So are two ways of making digits binary.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Summary
#
# | part | code | what to watch |
# |---|---|---|
# | encoder | `mu, logvar = encoder(x)` | `logvar` may have any sign |
# | sample | `mu + exp(0.5 * logvar) * epsilon` | the noise comes from outside |
# | likelihood | Gaussian, or Bernoulli | sums over pixels, nats |
# | objective | `elbo = reconstruction - kl` | both terms, held out |
# | judgement | $L_1 \le L_5 \le L_{50} \le L_{500}$ | exact in nested blocks; below $\log p(x)$ on average |

# %% [markdown] slideshow={"slide_type": "skip"}
# ## Exercises
#
# [The set of this lesson](exercises/03_vae_pytorch.ipynb) has stubs to fill in, and checks that
# answer. Here are questions to think about without a net.
#
# 1. *Easy, 5 minutes.* For which $\sigma$ would a perfect reconstruction cost nothing at
#    all? Compute it, and say why that number means nothing by itself.
# 2. *Medium, 20 minutes.* Run `trained(BernoulliPixels(), binarize=True, beta=4.0)`, and
#    once more with 0.25. Which terms move, and which way? Compare the ELBOs and not the
#    losses: the loss contains $\beta$.
# 3. *Medium, 20 minutes.* Run `trained(BernoulliPixels(), latent_dim=32, binarize=True)`.
#    Without its `sum`, the KL formula gives one number for each latent dimension. How
#    many of the 32 have a mean above 0.1 nats?
# 4. *Hard, 30 minutes.* Is $L_{500} - L_1$ smaller for training digits than for held-out
#    ones? What would that say about the encoder?

# %% [markdown] slideshow={"slide_type": "skip"}
# ## References
#
# - D. P. Kingma and M. Welling, *Auto-Encoding Variational Bayes*, 2014,
#   [arXiv:1312.6114](https://arxiv.org/abs/1312.6114).
# - D. P. Kingma and M. Welling, *An Introduction to Variational Autoencoders*, 2019,
#   [arXiv:1906.02691](https://arxiv.org/abs/1906.02691).
# - Y. Burda, R. Grosse and R. Salakhutdinov, *Importance Weighted Autoencoders*, 2016,
#   [arXiv:1509.00519](https://arxiv.org/abs/1509.00519).
# - M. Hjorth-Jensen, *Advanced machine learning and data analysis for the physical
#   sciences*, week 14, 2024: the lecture whose program is taken apart here.
# - The example with 105.6:
#   [pytorch/examples, vae](https://github.com/pytorch/examples/tree/main/vae).
