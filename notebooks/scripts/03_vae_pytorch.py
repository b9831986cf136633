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
#
# ## The question
#
# Lesson 1 asked of one alpha particle: which isotope sent you? A detector records ten
# thousand. Can **one network** answer for all, and may we believe it?
#
# Digits have hidden causes, too. **How good is a model that learns them, in nats, and how
# can we know?**
#
# <!-- notes: Ask the class: how would you test a colleague who says "70 percent" very
# often? Wait for "count how often it is true". That idea carries the whole lesson. -->

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

# %% tags=["setup"] jupyter={"source_hidden": true} slideshow={"slide_type": "skip"}
# @title Set-up: imports, course style, device
import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.distributions import Normal

from course_utils.budget import budget
from course_utils.data.mnist import binarize, load_mnist
from course_utils.exact import divergences
from course_utils.figures.calibration import (
    encoder_answers,
    recorded_energies,
    standardized_truths,
)
from course_utils.figures.diagrams import (
    autoencoder_beside_vae,
    bound_bars,
    vae_diagram,
)
from course_utils.figures.histories import history_curves
from course_utils.figures.nats import cost_parts, ruler, two_ladders
from course_utils.figures.style import mosaic, use_course_style
from course_utils.metrics.bounds import Estimate, block_bound
from course_utils.metrics.classifier import DigitClassifier
from course_utils.pytorch.device import (
    pick_device,
    seed_everything,
    to_images,
    to_numpy,
    to_tensor,
)
from course_utils.pytorch.training import evaluate_vae, train_vae
from course_utils.pytorch.vae import reparameterize

use_course_style()
device = pick_device()

# %% [markdown] slideshow={"slide_type": "skip"}
# We draw the particles ourselves: first the isotope, then the energy that a poor detector
# records. From here on only the energies are shown.

# %% slideshow={"slide_type": "subslide"}
isotopes = ["Pu-239", "Am-241", "Cm-244"]
share = torch.tensor([0.3, 0.5, 0.2])  # p(z)
line, width = torch.tensor([5.16, 5.49, 5.80]), 0.12  # MeV
torch.manual_seed(0)
isotope = torch.multinomial(share, 10_000, replacement=True)
energy = line[isotope] + width * torch.randn(10_000)
recorded_energies(energy.numpy(), marked=5.30, words="who sent this one?")

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: a histogram of ten thousand energies, two humps and a shoulder; 5.30 MeV is
# marked.*

# %% [markdown] slideshow={"slide_type": "skip"}
# ## You will be able to
#
# - train one encoder for all measurements, and test by counting whether it is honest;
# - write a VAE from its four parts, and one training step;
# - say why a loss of 740 nats may hold 20 nats of digits;
# - judge a trained VAE by its two terms, by pictures, by a scale of nats, and by bounds on
#   $\log p(x)$ from below and from above.
#
# ## Before you start
#
# A **variational autoencoder** (VAE) is two networks: one guesses the cause of a picture, the
# other makes pictures from causes. You need the evidence lower bound (ELBO) of lesson 1 and
# $z = \mu + \sigma\epsilon$ of lesson 2. On two CPU cores all
# cells take a minute or two. Nothing is downloaded.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## One network answers for all
#
# An **encoder** is a function that makes a distribution $q_\phi(z \mid x)$ from any $x$.
# All measurements share its parameters $\phi$. That is called **amortization**: we learn
# once, and every later answer is cheap.
#
# With three isotopes the mean over $q$ is a sum of three terms:
#
# $$
# \mathrm{ELBO}(x) = \sum_z q_\phi(z \mid x)
# \left[\log p(x, z) - \log q_\phi(z \mid x)\right] \;\le\; \log p(x).
# $$

# %% [markdown] slideshow={"slide_type": "skip"}
# The model is known, and with it Bayes' rule for every particle. We keep that for later.

# %% slideshow={"slide_type": "skip"}
log_joint = Normal(line, width).log_prob(energy[:, None]) + share.log()  # log p(x, z)
log_p = log_joint.logsumexp(1)  # log p(x): the sum over three isotopes
posterior = (log_joint - log_p[:, None]).exp()

# %% [markdown] slideshow={"slide_type": "skip"}
# The smallest encoder that can do it is one linear layer: three slopes and three offsets. A
# softmax turns its three numbers, the **logits**, into probabilities. At the start it says one
# third for each isotope, and each step raises the mean ELBO of all particles. Look for `isotope`
# in this cell: the training never sees it.

# %% slideshow={"slide_type": "subslide"}
phi = torch.zeros(2, 3, requires_grad=True)  # three slopes and three offsets
optimizer = torch.optim.Adam([phi], lr=0.5)
x = (energy[:, None] - 5.5) / 0.3  # centred and scaled
for _ in range(200):
    log_q = (x * phi[0] + phi[1]).log_softmax(1)  # the encoder
    bound = (log_q.exp() * (log_joint - log_q)).sum(1)  # the ELBO of each particle
    loss = -bound.mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()

# %% tags=["proof", "nbval-check-output"] jupyter={"source_hidden": true}
# @title The gap to the exact log p(x)
gap = (log_p - bound).mean().item()
assert -1e-6 < gap < 1e-4
assert (log_q.exp() - posterior).abs().max() < 0.02
print(f"mean log p(x): {log_p.mean():.3f}; the ELBO is lower by less than 0.0001 nats")

# %% [markdown] slideshow={"slide_type": "skip"}
# The bound is tight: six numbers replace ten thousand searches. (Why do six suffice?
# Exercise 1.)
#
# ### Is it honest?
#
# Collect all particles of which the encoder says "about 70 percent americium". If seven in
# ten of them *are* americium, the encoder is **honest**; statisticians say *calibrated*.
# We can count, because we drew the isotopes.

# %% [markdown] slideshow={"slide_type": "slide"}
# **Predict before you run.** Double the three logits: that squares the probabilities, and the
# softmax makes their sum 1 again. The favourite stays. Where will the dots of this second
# encoder lie: on the diagonal, above it, or below?
#
# <!-- notes: Let them vote with hands: on, above, below. Tempting: "on, since the order is
# the same". The order says nothing about the numbers. -->


# %% tags=["setup"] jupyter={"source_hidden": true} slideshow={"slide_type": "skip"}
# @title The count, in five groups
def counted(q):
    says, happens = q[:, 1], (isotope == 1).float()
    group = (5 * says).long().clamp(max=4)
    pairs = [(says[group == i].mean(), happens[group == i].mean()) for i in range(5)]
    return tuple(np.array(pairs).T)


q, too_sure = log_q.detach().exp(), (2 * log_q.detach()).softmax(1)
dots = {"the encoder": counted(q), "logits doubled": counted(too_sure)}

# %% [markdown] slideshow={"slide_type": "skip"}
# Left: the encoder in colour, Bayes' rule in black. Right: five groups of particles, by what an
# encoder says of americium (below 20 percent, and so on), and how often it happens.

# %% slideshow={"slide_type": "subslide"}
rising = energy.sort().indices[::20]
encoder_answers(*(t[rising].numpy() for t in (energy, q, posterior)), isotopes, dots)

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: left, three probabilities against energy, black on coloured lines. Right, round
# dots on the diagonal; squares cross it, too low on the right.*


# %% tags=["proof", "nbval-check-output"] jupyter={"source_hidden": true}
# @title What is said and what happens, near 70 percent
for says, happens in zip(*dots["the encoder"], strict=True):
    # the least populated group has about 650 particles: five standard errors
    assert abs(says - happens) < 5 * 0.5 / math.sqrt(600)
says, happens = (column[3] for column in dots["logits doubled"])
assert says > happens + 0.05
print(f"doubled: it says {says:.2f}, and it happens in {happens:.2f} of the cases")

# %% [markdown]
# **Answer.** Below it where it says much, above it where it says little. It is too sure.

# %% [markdown] slideshow={"slide_type": "slide"}
# It is not enough to be honest. The prior says "50 percent" of every particle, and 50 percent
# are americium. What does each answer cost in nats?


# %% tags=["setup"] jupyter={"source_hidden": true} slideshow={"slide_type": "skip"}
# @title The ELBO of any answer: the sum from above, where 0 log 0 is 0
def mean_elbo(q):
    return (q * log_joint - torch.special.xlogy(q, q)).sum(1).mean().item()


answers = {"encoder": q, "doubled": too_sure, "prior": share.expand_as(q)}

# %%
bound_bars(log_p.mean().item(), [mean_elbo(q) for q in answers.values()], list(answers))

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: three bars end at the mean ELBO of each answer; the hatched gap to log p(x) is
# invisible, a hairline, and nearly three nats.*

# %% [markdown]
# **Count, and look at the bound.** The prior passes the count and tells us nothing. The bound
# sees both faults: to be too sure costs 0.04 nats here, to say nothing 2.76.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## From three isotopes to digits
#
# An **autoencoder** must give $x$ back through a narrow code $z$, a point. The code is also
# called **latent**, hidden. In a **variational** one it is a cloud, the distribution
# $q(z \mid x)$.
#
# <!-- notes: Ask: where in the upper plane would you put your finger to draw a new digit?
# Nobody knows; in the lower one: anywhere near the middle. -->

# %% [markdown] slideshow={"slide_type": "skip"}
# For digits nobody gives us $p(x, z)$. A second network learns it: the **decoder**.
# *Variational* is a word of physics: one varies a trial function until its energy, a bound from
# above, is lowest. Here we vary $q$ until a bound from below is largest.

# %%
autoencoder_beside_vae()

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: above, an autoencoder makes each picture a point, with holes between points;
# below, a VAE makes it a cloud, and the clouds overlap.*

# %% [markdown] slideshow={"slide_type": "skip"}
# Our $z$ has eight numbers, with the prior $p(z) = \mathcal N(0, I)$. The VAE has
# four parts:
#
# 1. the **encoder**, from a picture to $\mu$ and $\log\sigma^2$, eight numbers each;
# 2. the **sample** $z = \mu + \sigma\epsilon$, with noise $\epsilon$ from outside;
# 3. the **decoder**, from $z$ to one number a pixel;
# 4. the **likelihood**, which says what that number means: it gives
#    $\log p_\theta(x \mid z)$.
#
# The digits come in two sets: one to train on, and a held-out one that no training sees. You see
# a run with the sizes called `lecture`.

# %% tags=["setup"] jupyter={"source_hidden": true} slideshow={"slide_type": "skip"}
# @title The sizes, and the digits
source = budget(smoke="sample", lecture="sample", full="full")
limit = budget(smoke=1_000, lecture=None, full=None)
short = budget(smoke=2, lecture=10, full=100)  # epochs of the first training
epochs = budget(smoke=2, lecture=30, full=100)  # of the second
evaluated = budget(smoke=100, lecture=1_000, full=None)
own = budget(smoke=40, lecture=300, full=1_000)  # digits that the model draws
samples = budget(smoke=50, lecture=500, full=500)  # latent points a digit
compiled = budget(smoke=False, lecture=False, full=device.type == "cuda")
train = load_mnist("train", source, limit)
test = load_mnist("test", source, evaluated)
print(f"{len(train.x):,} digits to train on, {len(test.x):,} held out")

# %% [markdown] slideshow={"slide_type": "skip"}
# Here is the whole machine.

# %% slideshow={"slide_type": "subslide"}
vae_diagram("784 pixels", "8 numbers each", "784 numbers", x_image=test.x[3, ..., 0])

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: a digit goes through the encoder to mu and sigma; noise joins to make z; the
# decoder leads to the likelihood of the digit.*

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The objective
#
# $$
# \log p_\theta(x) \;\ge\; \mathrm{ELBO} =
# \underbrace{\mathbb E_q\left[\log p_\theta(x \mid z)\right]}_{\text{reconstruction}}
# - \underbrace{\mathrm{KL}\left(q_\phi(z \mid x)\,\|\,p(z)\right)}_{\text{KL, the price of the code}}
# $$
#
# $$
# \mathrm{KL} = \tfrac12 \sum_j \left(\mu_j^2 + \sigma_j^2 - 1 - \log \sigma_j^2\right)
# $$
#
# <!-- notes: Ask: which term pulls the clouds together, which pushes them apart? Wait for
# an answer to both before going on. -->

# %% [markdown] slideshow={"slide_type": "skip"}
# The encoder ends in two heads. The second gives $\log\sigma^2$ and not $\sigma$, because a
# logarithm may have any sign.


# %% tags=["mirrors"] jupyter={"source_hidden": true} slideshow={"slide_type": "skip"}
# @title The layers between, and the decoder: the encoder turned around
def relu_layers(inputs: int, widths: Sequence[int]) -> nn.Sequential:
    layers: list[nn.Module] = []
    for width in widths:
        layers += [nn.Linear(inputs, width), nn.ReLU()]
        inputs = width
    return nn.Sequential(*layers)


class MLPDecoder(nn.Module):
    def __init__(self, latent_dim=8, hidden=(512,), shape=(1, 28, 28)):
        super().__init__()
        self.shape = shape
        self.body = relu_layers(latent_dim, hidden)
        self.pixels = nn.Linear(hidden[-1], math.prod(shape))

    def forward(self, z):
        return self.pixels(self.body(z)).to(z.dtype).unflatten(1, self.shape)


# %% [markdown] slideshow={"slide_type": "skip"}
# `body` is two hidden layers of 512.


# %% tags=["mirrors"] slideshow={"slide_type": "skip"}
class MLPEncoder(nn.Module):
    def __init__(self, latent_dim=8, hidden=(512, 512), pixels=784):
        super().__init__()
        self.body = relu_layers(pixels, hidden)
        self.mu = nn.Linear(hidden[-1], latent_dim)
        self.logvar = nn.Linear(hidden[-1], latent_dim)

    def forward(self, x):
        h = self.body(x.flatten(1))
        return self.mu(h).to(x.dtype), self.logvar(h).to(x.dtype)


# %% [markdown] slideshow={"slide_type": "skip"}
# In code the expectation is taken with one sample of $z$. The ELBO comes back with its two
# terms, one value a picture. A training step averages the loss over a minibatch. The factor
# $\beta$ is 1 for the ELBO.


# %% tags=["mirrors"] slideshow={"slide_type": "subslide"}
def kl_to_standard_normal(mu, logvar):
    return 0.5 * (mu.square() + logvar.exp() - 1 - logvar).sum(-1)


def elbo(model, x, epsilon):
    mu, logvar = model.encoder(x)
    z = reparameterize(mu, logvar, epsilon)
    reconstruction = model.log_likelihood(x, z)
    kl = kl_to_standard_normal(mu, logvar)
    return reconstruction - kl, reconstruction, kl


def vae_step(model, x, epsilon, optimizer, beta=1.0):
    _, reconstruction, kl = elbo(model, x, epsilon)
    loss = (beta * kl - reconstruction).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return reconstruction.detach(), kl.detach()


# %% tags=["proof", "nbval-check-output"] jupyter={"source_hidden": true}
# @title The KL against two other programs
torch.manual_seed(0)
mu, logvar = torch.randn(5, 8), torch.randn(5, 8)
ours = kl_to_standard_normal(mu, logvar)
closed_form = divergences.kl_to_standard_normal(mu.numpy(), logvar.numpy())
normals = Normal(mu, torch.exp(0.5 * logvar)), Normal(0.0, 1.0)
library = torch.distributions.kl_divergence(*normals).sum(-1)
assert np.allclose(ours, closed_form, rtol=1e-6)
assert torch.allclose(ours, library, rtol=1e-5)
print("Three programs agree on the KL of five clouds.")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What a perfect reconstruction costs
#
# What does the decoder's number mean? First choice: the mean $m_i$ of a Gaussian around each
# pixel, of width $\sigma_x = 1$. (The $\sigma$ of the code is another one.)
#
# **Predict before you run.** The decoder reproduces every pixel exactly. Does that cost
# nothing?
#
# $$
# -\log p(x \mid z) = \tfrac12 \sum_{i=1}^{784} \left(x_i - m_i(z)\right)^2
# + \tfrac{784}{2} \log 2\pi
# $$
#
# <!-- notes: Wait for "zero". Then let somebody put m = x into the formula aloud. -->


# %% tags=["mirrors"] jupyter={"source_hidden": true} slideshow={"slide_type": "skip"}
# @title The same formula in code, for any width
def gaussian_log_likelihood(x_mean, x, sigma):
    sigma = torch.as_tensor(sigma, dtype=x_mean.dtype, device=x_mean.device)
    squared_error = (x - x_mean).square().flatten(1).sum(1)
    normalizer = x[0].numel() * (torch.log(sigma) + 0.5 * math.log(2 * math.pi))
    return -0.5 * squared_error / sigma.square() - normalizer


# %% [markdown] slideshow={"slide_type": "skip"}
# `gaussian_log_likelihood` is this formula. We hand it a digit as its own mean.

# %% tags=["nbval-check-output"] slideshow={"slide_type": "skip"}
digit = to_tensor(test.x[:1])
floor = -gaussian_log_likelihood(digit, digit, sigma=1.0).item()
print(f"a perfect reconstruction costs {floor:.3f} nats")

# %% [markdown] slideshow={"slide_type": "skip"}
# **Answer.** It costs 720 nats. Each of 784 pixels pays $\tfrac12\log 2\pi = 0.92$ nats for a
# Gaussian that is one unit wide.
#
# A density has units: one over grey level, for every pixel. In other units of grey the same
# model has another number. So its nats mean something only in *differences*.

# %% [markdown] slideshow={"slide_type": "skip"}
# The training loop belongs to the package: `train_vae` shuffles, cuts into minibatches of 128,
# draws the noise and calls `vae_step` with Adam.


# %% tags=["mirrors"] jupyter={"source_hidden": true} slideshow={"slide_type": "skip"}
# @title The Gaussian likelihood as a module, and the whole model
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


# %% [markdown] slideshow={"slide_type": "skip"}
# One function for both trainings of this lesson.


# %% slideshow={"slide_type": "skip"}
def trained(likelihood, epochs, **options):
    seed_everything(0)
    model = MLPVAE(likelihood).to(device)
    options |= {"seed": 1, "test_images": test.x, "compiled": compiled}
    return model, train_vae(model, train.x, epochs, **options)


unit, history = trained(GaussianPixels(sigma=1.0), short)
loss, kl = history["test_loss"][-1], history["test_kl"][-1]

# %% tags=["proof"] jupyter={"source_hidden": true} slideshow={"slide_type": "skip"}
# @title The floor in closed form
assert math.isclose(floor, 392 * math.log(2 * math.pi), rel_tol=1e-6)
assert loss > floor
nothing = floor + 0.5 * np.square(test.x - train.x.mean(0)).sum() / len(test.x)
print(
    f"loss on held-out digits {loss:.1f} nats, {floor:.1f} of them the constant; "
    f"of the mean picture {nothing:.1f}"
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 720 nats of nothing
#
# The loss on held-out digits, taken apart. A model that gives the mean picture for every digit
# would pay 26 nats beside the constant. This one pays 21.

# %%
error = loss - floor - kl
cost_parts({"Gaussians": floor, "KL": kl, "half the squared error": error})

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: one long bar, nearly all of it grey for the constant; its end, enlarged, is the
# KL and half the squared error.*

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Draw from it
#
# Do what the model says: draw $z$ from the prior, then $x$ from $p(x \mid z)$.
#
# **Predict before you run.** What will $x$ look like: a digit, a blurred digit, or
# something else?
#
# <!-- notes: Somebody will say "blurred". Ask what sigma = 1 means when black is 0 and white
# is 1. -->

# %% slideshow={"slide_type": "subslide"}
torch.manual_seed(2)
with torch.no_grad():
    means = unit.decode(torch.randn(8, 8, device=device))
    draws = (means + torch.randn_like(means)).clamp(0, 1)  # to show them
rows = np.concatenate([test.x[:8], to_images(means), to_images(draws)])
mosaic(rows, columns=8, row_labels=["written", "mean", "draw"])

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: eight written digits, eight blurred mean images, and eight draws, which are static
# with no digit to be seen.*

# %% [markdown]
# **Answer.** Static. The pictures that one usually sees of such a model are its *means*. Its
# draws carry noise of width 1 on pixels that range from 0 to 1. We told it $\sigma_x = 1$.

# %% [markdown] slideshow={"slide_type": "skip"}
# [Deeper: other widths, other prices](deeper/03_price_of_a_nat.ipynb) lets $\sigma_x$ be learnt
# and draws again. Here we choose a likelihood that suits ink and paper.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Pixels as coins
#
# Now a pixel is 1 or 0: ink or paper. The decoder's number is the logit $\ell_i$ of a biased
# coin, and
#
# $$
# \log p(x \mid z) = \sum_i \left[x_i \ell_i - \log\left(1 + e^{\ell_i}\right)\right]
# $$
#
# is a true probability. It has no units. So the digits must be binary.

# %% [markdown] slideshow={"slide_type": "skip"}
# At each visit every pixel is drawn anew: 1 with its grey level as the probability. In code,
# `softplus` is $\log(1 + e^\ell)$ without overflow.


# %% tags=["mirrors"] slideshow={"slide_type": "skip"}
def bernoulli_log_likelihood(x_logits, x):
    return (x * x_logits - F.softplus(x_logits)).flatten(1).sum(1)


# %% tags=["mirrors"] jupyter={"source_hidden": true} slideshow={"slide_type": "skip"}
# @title The same as a module, for the model to hold
class BernoulliPixels(nn.Module):
    def log_likelihood(self, decoded, x):
        return bernoulli_log_likelihood(decoded, x)

    def mean(self, decoded):
        return decoded.sigmoid()


# %% [markdown]
# **Predict before you run.** The loss charges for the KL. While this model learns, will its KL
# rise or fall?
#
# <!-- notes: Tempting: "fall, since it is in the loss". Ask what a KL of zero would mean: q is
# the prior for every digit, and nothing about x is stored. -->

# %% [markdown] slideshow={"slide_type": "skip"}
# Networks, step and loop are the same. A held-out value is taken after its epoch, a training
# value during it, while the model is still worse: so the held-out reconstruction begins higher.

# %% slideshow={"slide_type": "subslide"}
coins, history = trained(BernoulliPixels(), epochs, binarize=True)
history_curves(history, ["reconstruction", "kl"])

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: reconstruction and KL against epochs, for training and held-out digits. Both rise,
# steeply at first.*

# %% [markdown]
# **Answer.** It *rises*. It is a price, and the model pays it: $q$ says more about $x$, and the
# reconstruction gains more than that.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Look at it
#
# Eight held-out digits, made binary, and what comes back through eight numbers.

# %%
binary = binarize(test.x, seed=3)
with torch.no_grad():
    mu, logvar = coins.encoder(to_tensor(binary, device))
    back = to_images(coins.decode(mu[:8]))
pictures = np.concatenate([test.x[:8], binary[:8], back])
mosaic(pictures, columns=8, row_labels=["grey", "binary x", "decoded"])

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: three rows of eight digits: grey originals, their binary versions, and the
# decoder's probabilities, smoother than both.*

# %% [markdown] slideshow={"slide_type": "skip"}
# The 3 returns nearly as an 8, and the fours are blurred. Now we decode $z$ from the prior and,
# with the same decoder, $z$ that $q$ gives for held-out digits. A classifier, trained on real
# digits, looks at the means. It accepts a picture if it is at least 90 percent sure.

# %% [markdown]
# **Predict before you run.** The classifier accepts nearly all written digits. Which share of
# the decoded ones, if $z$ comes from the prior? And if it comes from $q$?
#
# <!-- notes: Let them write down both numbers. Whoever gives one number for both has not
# thought of where the decoder was trained. -->

# %% slideshow={"slide_type": "skip"}
torch.manual_seed(4)
latents = {"z from prior": torch.randn_like(mu)}
latents["z from q"] = reparameterize(mu, logvar, torch.randn_like(mu))
with torch.no_grad():
    made = {name: to_images(coins.decode(z)) for name, z in latents.items()}
    drawn = torch.bernoulli(coins.decode(latents["z from prior"][:8]))
for name, images in {"held out": test.x, **made}.items():
    accepted = DigitClassifier().probabilities(images).max(1) > 0.9
    print(f"{name:13} the classifier accepts {accepted.mean():.0%}")

# %% [markdown] slideshow={"slide_type": "skip"}
# The first eight of each. The middle row is one draw of the pixels for the $z$ of the row above:
# grainy, and a picture at last.

# %% slideshow={"slide_type": "subslide"}
pictures = [made["z from prior"][:8], to_images(drawn), made["z from q"][:8]]
names = ["prior, mean", "prior, draw", "q, mean"]
mosaic(np.concatenate(pictures), columns=8, row_labels=names)

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: means and draws for latent points of the prior, some of them no digits; below,
# means for latent points of q, nearly all digits.*

# %% [markdown]
# **Answer.** About half, and most. Even with $z$ from $q$ some pictures fail. But the larger step
# is between two sources of $z$: the prior's $z$ are not spread like those of encoded digits.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## How good is it, in nats?
#
# The ELBO is a bound on $\log p(x)$. To tighten it, recall the weight of lesson 1,
# $w = p(x, z) / q(z \mid x)$, with $z$ drawn from $q$:
#
# $$
# \mathbb E_q[w] = \int q(z \mid x)\, \frac{p(x, z)}{q(z \mid x)}\, dz
# = \int p(x, z)\, dz = p(x) .
# $$
#
# Average $k$ weights *before* the logarithm:
#
# $$
# L_k = \mathbb E\left[\log \frac1k \sum_{j=1}^k w_j\right], \qquad
# L_1 = \mathrm{ELBO} \le L_5 \le \dots \le \log p(x) .
# $$

# %% [markdown] slideshow={"slide_type": "skip"}
# The mean weight is right on average, and the
# logarithm of something right on average is too low on average (Jensen). The more weights, the
# less it scatters, and the less is lost.


# %% tags=["mirrors"] jupyter={"source_hidden": true} slideshow={"slide_type": "skip"}
# @title The log weights of many latent points at once
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


# %% [markdown] slideshow={"slide_type": "skip"}
# `evaluate_vae` draws 500 weights a digit. For $L_5$ it cuts them into 100 blocks of five, takes
# the logarithm of the mean weight of each block, and averages the 100 logarithms. The number
# after $\pm$ comes from the choice of digits. In a *difference* of two bounds most of it cancels,
# because both are of the same digits. (`iwae`: importance weighted autoencoder, the bounds'
# first name.)

# %% slideshow={"slide_type": "skip"}
result = evaluate_vae(coins, binary, samples=samples, seed=5)
for k, bound in result.iwae.items():
    climb = Estimate.of(result.bounds[k] - result.bounds[1])
    print(f"L_{k:<4} {bound} nats" + (f", above L_1 by {climb}" if k > 1 else ""))

# %% [markdown] slideshow={"slide_type": "skip"}
# A number needs a scale. Two models without latent vectors can be computed exactly on the
# same binary digits: one coin a pixel, the same for all digits; and a mixture of ten such
# sets, one made of each class. The mixture does not know a digit's class and sums over all ten,
# as we did with the isotopes.


# %% tags=["setup"] jupyter={"source_hidden": true} slideshow={"slide_type": "skip"}
# @title Two models made of coins alone
def coin_log_likelihood(mean, x):
    mean = mean.clip(1e-3, 1 - 1e-3)
    return x @ np.log(mean) + (1 - x) @ np.log1p(-mean)


flat, held_out = (x.reshape(len(x), -1) for x in (train.x, binary))
one = coin_log_likelihood(flat.mean(0), held_out)
ten = [coin_log_likelihood(flat[train.y == c].mean(0), held_out) for c in range(10)]
mixture = np.logaddexp.reduce(ten, axis=0) - math.log(10)
scale = {"one coin a pixel": one.mean(), "ten sets of coins": mixture.mean()}

# %% [markdown] slideshow={"slide_type": "skip"}
# For the upper end of the scale: Burda and co-workers (2016) report $-86.76$ nats for a VAE,
# with pixels drawn as ours. Their network has fifty latent numbers, and it saw 60,000 digits
# 3,280 times; ours saw 10,000 digits 30 times.

# %% slideshow={"slide_type": "subslide"}
scale |= {f"this VAE, $L_{{{k}}}$": result.iwae[k].mean for k in (1, samples)}
ruler(scale | {"Burda et al.": -86.76}, hollow=["Burda et al."])

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: an axis of nats with five dots; one coin a pixel is lowest, then ten sets, then
# this VAE, and Burda's, hollow, highest.*

# %% [markdown] slideshow={"slide_type": "skip"}
# Our digits do not have MNIST's class shares, either. Reweighted:

# %% tags=["proof"] jupyter={"source_hidden": true} slideshow={"slide_type": "skip"}
# @title What the choice of digits alone changes
highest = result.bounds[max(result.bounds)]
of_class = np.array([highest[test.y == c].mean() for c in range(10)])
# how many of each class are among the 10,000 test digits of MNIST
counts = np.array([980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009])
assert counts.sum() == 10_000
assert all(low.mean <= high.mean for low, high in pairwise(result.iwae.values()))
weighted = of_class @ counts / counts.sum() - highest.mean()
print(f"with the class shares of MNIST, L_{samples} changes by {weighted:+.1f} nats")

# %% [markdown]
# The mixture gains about thirty nats over one coin a pixel, this VAE about ninety. The hollow dot
# only shows where others have been.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A bound from above
#
# Is $L_{500}$ near $\log p(x)$? From below alone nobody can tell. But let **the model itself**
# draw the digit: first $z$, then $x$. The pair follows $p(x, z)$. So, given $x$, that $z$ is
# one draw from the true posterior. **One draw first:** $w = p(x)\, p(z \mid x)/q(z \mid x)$, so
#
# $$
# \mathbb E_q[\log w] = \log p(x) - \mathrm{KL}(q\,\|\,p(z \mid x)), \qquad
# \mathbb E_{p(z \mid x)}[\log w] = \log p(x) + \mathrm{KL}(p(z \mid x)\,\|\,q) = U_1 .
# $$
#
# <!-- notes: Ask: why not for written digits? Because nobody knows the z behind them. Let them
# say which side is the ELBO. -->

# %% [markdown] slideshow={"slide_type": "skip"}
# The first is the ELBO. The second is too much.
#
# **Then $k$.** Replace one of the $k$ draws by the true $z$ and average
# $\log \frac1k \sum_j w_j$ again: that average is $U_k$. It is too much, too, but by less: one
# draw of $k$ counts less. [Deeper: the proof, and both bounds where $\log p(x)$ is
# known](deeper/03_upper_bound.ipynb).

# %% slideshow={"slide_type": "skip"}
generator = torch.Generator(device).manual_seed(7)
with torch.no_grad():
    z = torch.randn(own, 8, generator=generator, device=device)
    x = torch.bernoulli(coins.decode(z), generator=generator)
    mu, logvar = coins.encoder(x)
deviation = (z - mu) / torch.exp(0.5 * logvar)  # of the true z, in widths of q

# %% tags=["setup"] jupyter={"source_hidden": true} slideshow={"slide_type": "skip"}
# @title The weights: of the true z, and of draws from q
with torch.no_grad():
    log_ratio = 0.5 * (deviation.square() + logvar - z.square()).sum(1)
    of_truth = coins.log_likelihood(x, z) + log_ratio
    parts = [log_weights(coins, some, samples, generator)[0] for some in x.split(4)]
    log_w = torch.cat(parts, dim=1)

# %% [markdown] slideshow={"slide_type": "skip"}
# Both bounds use the same weights `log_w`. A mean does not know the order, so the true $z$ may
# stand last in each block of $k$.

# %% slideshow={"slide_type": "skip"}
lower, upper = {}, {}
for k in result.iwae:
    with_truth = log_w.clone()
    with_truth[k - 1 :: k] = of_truth  # log w of the true z
    lower[k] = block_bound(to_numpy(log_w), k)
    upper[k] = block_bound(to_numpy(with_truth), k)

# %% [markdown] slideshow={"slide_type": "skip"}
# Both ladders, step by step:

# %% slideshow={"slide_type": "subslide"}
ladders = [[bound.mean() for bound in side.values()] for side in (lower, upper)]
two_ladders(list(lower), *ladders, "nats per digit that it drew")

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: two curves against the number of latent points; the upper one falls, the lower one
# rises, and log p(x) lies between.*

# %% tags=["proof"] jupyter={"source_hidden": true} slideshow={"slide_type": "skip"}
# @title The width of the gap between the bounds
assert ladders[0] == sorted(ladders[0])
widths = [Estimate.of(upper[k] - lower[k]) for k in (1, samples)]
print(f"between L and U: {widths[0]} nats at k = 1, {widths[1]} at k = {samples}")

# %% [markdown]
# Between the last two marks lie about 2 nats. On these digits $L_{500}$ can be too low by no more
# than that, on average.

# %% [markdown] slideshow={"slide_type": "skip"}
# And on written ones? The [deeper page](deeper/03_upper_bound.ipynb) raises the bound further, by
# annealing: by 0.4 nats on own digits, where 0.1 is then left, and by 0.5 on written ones. If
# annealing works as well there, $L_{500}$ is near.
#
# Its own digits are less likely to the model than written ones, at $-114$. A Gaussian that is too
# wide does the same: its draws lie further out than the data. This model, too, draws more than
# people write.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Is this encoder honest?
#
# It says: with 68 percent, $z_j$ is within one $\sigma_j$ of $\mu_j$. For the digits that the
# model drew we have the true $z$. So we can count, as with the particles.
#
# **Predict before you run.** In which share of the cases is it?
#
# <!-- notes: Collect three numbers from the class. Ask what a network that minimizes
# KL(q || posterior) would rather be: too wide or too narrow? -->

# %% [markdown] slideshow={"slide_type": "skip"}
# Eight numbers for each digit, all in one histogram.

# %% slideshow={"slide_type": "subslide"}
standardized_truths(to_numpy(deviation))

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: a histogram of standardized truths, wider than the normal curve that q promises and
# a little to its right; dashed lines at plus and minus one.*

# %% [markdown]
# **Answer.** In about half. On its own digits this encoder is too sure: its errors are larger than
# its $\sigma$.

# %% [markdown] slideshow={"slide_type": "skip"}
# The count cannot say whether $\sigma$ is too small or $\mu$ is off. The shift to the right is an
# error of $\mu$. Take the mean off each $z_j$:

# %% tags=["proof"] jupyter={"source_hidden": true} slideshow={"slide_type": "skip"}
# @title The share without the common shift
centred = deviation - deviation.mean(0)
print(f"within one sigma: {(centred.abs() < 1).double().mean():.0%}")

# %% [markdown] slideshow={"slide_type": "skip"}
# The shift is a small part of it.
#
# Many of these pictures are no digits, and the encoder never saw such pictures. Is that the reason? The
# [deeper page](deeper/03_upper_bound.ipynb) compares. Annealing gives $\log p(x)$ there, on own
# digits to about 0.1 nats. The ELBO lies 4.1 nats lower on own digits, and 3.7 on written ones:
# nearly as much. So odd pictures are not the main reason.
#
# Two suspects remain. A posterior need not have the shape of a normal cloud, and one network
# must answer for all digits. So the same page searches the best cloud for each of 100 digits
# alone. Both gaps shrink to 0.6 nats. What the search gains is what the network missed.
# **Amortization is cheap, not free.**

# %% [markdown] slideshow={"slide_type": "skip"}
# ## What could go wrong
#
# - **Averaging over pixels, summing over latents.** `F.binary_cross_entropy` averages by
#   default. With a summed KL that multiplies $\beta$ by 784. A nat in $z$ then costs 784 nats,
#   and one coin a pixel, with no $z$, pays only about 205 in all. So $q$ stays at the prior.
# - **Two likelihoods in one table.** A density of grey levels and a probability of binary pixels
#   cannot be compared.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Summary
#
# 1. One encoder answers for all; count whether it is honest.
# 2. A VAE is encoder, sample, decoder and likelihood, trained by reconstruction minus KL.
# 3. A density has units: 720 of 740 nats can be about nothing.
# 4. Draws, not means, show what a model believes.
# 5. $L_k$ bounds $\log p(x)$ from below, $U_k$ from above.

# %% [markdown] slideshow={"slide_type": "skip"}
# ## Exercises
#
# [The set of this lesson](exercises/03_vae_pytorch.ipynb) has stubs to fill in, and checks
# that answer. The questions here have none.
#
# 1. *Easy, 10 minutes.* Write $\log p(x, z)$ of the particles for two isotopes and subtract.
#    Why is the difference a straight line in $x$? Compare its slope with `phi[0] / 0.3`.
# 2. *Easy, 5 minutes.* For which $\sigma_x$ would a perfect reconstruction cost nothing?
# 3. *Medium, 20 minutes.* Run
#    `trained(BernoulliPixels(), epochs, binarize=True, beta=4.0)`, then with 0.25. Which terms
#    move, and which way? Compare ELBOs, not losses.
# 4. *Medium, 20 minutes.* Tell the mixture of coins the true class. Does its mean
#    $\log p(x \mid \text{class})$ exceed the mean $\log p(x)$? Must it?
# 5. *Hard, 30 minutes.* Is $L_{500} - L_1$ smaller for training digits?
#
# More in [Deeper: other widths, other prices](deeper/03_price_of_a_nat.ipynb): the $\beta$-VAE
# solved exactly, and PyTorch's own VAE example. In [Deeper: does a tighter bound train a
# better model?](deeper/03_published_table.ipynb) $L_k$ is not measured, but climbed.

# %% [markdown] slideshow={"slide_type": "skip"}
# ## References
#
# - D. P. Kingma and M. Welling, *An Introduction to Variational Autoencoders*, 2019,
#   [arXiv:1906.02691](https://arxiv.org/abs/1906.02691).
# - Y. Burda, R. Grosse and R. Salakhutdinov, *Importance Weighted Autoencoders*, 2016,
#   [arXiv:1509.00519](https://arxiv.org/abs/1509.00519).
# - The network's sizes are those of M. Hjorth-Jensen, *Advanced machine learning and data
#   analysis for the physical sciences*, Oslo 2024, week 14.
