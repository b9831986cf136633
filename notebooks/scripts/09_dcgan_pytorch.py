# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown] slideshow={"slide_type": "slide"}
# # 9 · The same DCGAN in PyTorch
#
# Open in [Colab](https://colab.research.google.com/github/generative-models/executed/blob/v0.2.0/notebooks/09_dcgan_pytorch.ipynb) or on [Binder](https://mybinder.org/v2/gh/generative-models/executed/v0.2.0?urlpath=lab/tree/notebooks/09_dcgan_pytorch.ipynb).

# %% [markdown]
# ## You will be able to
#
# - carry a network from one framework to the other without changing what it computes, and
#   name the places where the defaults differ;
# - write one simultaneous step of the GAN game in PyTorch, in which each network gets the
#   gradients of its own loss and no others;
# - name three changes to the training that lesson 7 suggests, and say by how much the samples
#   are better, in numbers;
# - take up a training that was cut off, and show that nothing was lost.

# %% [markdown] slideshow={"slide_type": "skip"}
# ## Before you start
#
# You need lesson 8, which explains the networks, from lesson 5 the two ways to order a step,
# and from lesson 7 the penalty and the averaged generator. On two CPU cores this lesson
# runs in one to three minutes. No download is needed.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The question
#
# Lesson 8 trains the lecture's DCGAN in TensorFlow. Many programs claim to be the same
# thing in PyTorch, layer for layer. *Are they?* A network is more than the list of its
# layers: each layer has settings that nobody types, and the two frameworks do not agree on
# them. This lesson is short. It is about what differs.

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

# %% slideshow={"slide_type": "skip"}
import math
import statistics
import tempfile
import time
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.optim import Adam

from course_utils.budget import budget
from course_utils.data.mnist import load_mnist
from course_utils.figures.digit_rows import labelled_rows
from course_utils.figures.style import use_course_style
from course_utils.pytorch.device import (
    computing_in,
    pick_device,
    seed_everything,
    to_tensor,
)
from course_utils.pytorch.game import Game
from course_utils.pytorch.gan import (
    descend,
    discriminator_loss,
    generate,
    generator_loss,
    input_gradient,
    zero_centred_penalty,
)
from course_utils.pytorch.layers import SameConv2d, SameConvTranspose2d, glorot
from course_utils.pytorch.training import train_gan
from course_utils.pytorch.weights import export_weights, load_pretrained
from course_utils.records.checkpoints import Checkpoints
from course_utils.records.recipes import Recipe, falling
from course_utils.weights import card

use_course_style()

# %% [markdown] slideshow={"slide_type": "skip"}
# All sizes in one cell. `COURSE_BUDGET` picks a column; the saved outputs are those of
# `lecture`.

# %% slideshow={"slide_type": "skip"}
source = budget(smoke="sample", lecture="sample", full="full")
batch_size = budget(smoke=8, lecture=64, full=256)
timed_steps = budget(smoke=1, lecture=5, full=20)
rounds = budget(smoke=2, lecture=4, full=30)
steps_a_round = budget(smoke=1, lecture=30, full=234)
device = pick_device()
digits = load_mnist("train", source)
print(f"{len(digits):,} digits, on the {device.type}")


# %% [markdown] slideshow={"slide_type": "slide"}
# ## What the defaults say
#
# Here is what you get if you type the names of lesson 8's layers into PyTorch:
#
# | | Keras | PyTorch |
# |---|---|---|
# | leaky ReLU, slope below zero | 0.3 | 0.01 |
# | batch normalization, added to the variance | 0.001 | 0.00001 |
# | ... share of the old running mean that a batch keeps | 0.99 | 0.9 |
# | ... running variance of a batch of $n$ | mean square | times $n/(n-1)$ |
# | "same" padding at stride 2 | uneven, more at the bottom right | does not exist |
# | first weights | Glorot-uniform, zero biases | Kaiming-uniform, random biases |
# | Adam's epsilon | $10^{-7}$ | $10^{-8}$ |

# %% [markdown] slideshow={"slide_type": "subslide"}
# ($n$ counts all numbers of a channel: images times places.) None of these is better than
# the other. But weights that were trained with one set belong to it.
#
# **Predict before you run.** We take the trained generator and change one thing at a time:
# the slope, the constant and the padding of this table, and, what is no default but a habit,
# the order of axes in which a vector is folded into a map. Which change ruins the digits?
#
# First the layers as Keras has them. Batch normalization is the one that needs care:
# PyTorch's own function does the arithmetic, and we correct what it keeps. (`momentum` is
# Keras's word for the share that stays; PyTorch calls the other share by that name.)


# %% tags=["mirrors"] slideshow={"slide_type": "subslide"}
class BatchNorm(nn.Module):
    def __init__(self, features, eps=1e-3, momentum=0.99):
        super().__init__()
        self.eps = eps
        self.momentum = momentum
        self.weight = nn.Parameter(torch.ones(features))
        self.bias = nn.Parameter(torch.zeros(features))
        self.register_buffer("running_mean", torch.zeros(features))
        self.register_buffer("running_var", torch.ones(features))

    def forward(self, x):
        # changed below; the backward pass needs this
        variance = self.running_var.clone()
        y = F.batch_norm(
            x,
            self.running_mean,
            variance,
            self.weight,
            self.bias,
            self.training,
            1 - self.momentum,
            self.eps,
        )
        if self.training:
            n = x.numel() // x.shape[1]
            old = self.momentum * self.running_var
            self.running_var.copy_(old + (variance - old) * (n - 1) / n)
        return y


# %% [markdown] slideshow={"slide_type": "subslide"}
# One batch of four numbers shows the third and the fourth line of the table, in numbers that
# you can check by hand: the mean of $(0, 2, 4, 6)$ is 3, their mean squared deviation is 5, and
# $5 \cdot 4/3 = 6.67$ is what PyTorch remembers.

# %% tags=["nbval-check-output"]
x = torch.tensor([[0.0], [2.0], [4.0], [6.0]])
ours, theirs = BatchNorm(1), nn.BatchNorm1d(1)
ours(x), theirs(x)
for name, layer, keeps, seen in (
    ("Keras", ours, 0.99, 5.0),
    ("PyTorch", theirs, 0.9, 20 / 3),
):
    variance = layer.running_var.item()
    print(
        f"{name:8} running variance {variance:.4f} = {keeps} * 1 + {1 - keeps:.2f} * {seen:.2f}"
    )
    assert math.isclose(variance, keeps + (1 - keeps) * seen, rel_tol=1e-6)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The networks
#
# The generator reads from the bottom of lesson 8's table to its top. `SameConvTranspose2d`
# and `SameConv2d` are convolutions of the package that pad as TensorFlow does, and
# `glorot` starts them as Keras would. Images have their channels first here, but the vector
# that is folded into a 7 by 7 map is folded as Keras folds it, channels last.

# %% tags=["mirrors"] slideshow={"slide_type": "subslide"}
SLOPE = 0.3  # of a leaky ReLU below zero: Keras's default; PyTorch's is 0.01


class Generator(nn.Module):
    def __init__(self, latent_dim=100, channels=1):
        super().__init__()
        self.latent_dim = latent_dim
        self.hidden = nn.Linear(latent_dim, 7 * 7 * 256, bias=False)
        self.norm1 = BatchNorm(7 * 7 * 256)
        self.deconv1 = SameConvTranspose2d(256, 128, 5, bias=False)
        self.norm2 = BatchNorm(128)
        self.deconv2 = SameConvTranspose2d(128, 64, 5, stride=2, bias=False)
        self.norm3 = BatchNorm(64)
        self.pixels = SameConvTranspose2d(64, channels, 5, stride=2, bias=False)
        self.apply(glorot).to(memory_format=torch.channels_last)

    def forward(self, z):
        h = F.leaky_relu(self.norm1(self.hidden(z)), SLOPE)
        # flattened as (height, width, channels), so that Keras's weights fit
        h = h.unflatten(1, (7, 7, 256)).permute(0, 3, 1, 2)
        h = F.leaky_relu(self.norm2(self.deconv1(h)), SLOPE)  # (n, 128, 7, 7)
        h = F.leaky_relu(self.norm3(self.deconv2(h)), SLOPE)  # (n, 64, 14, 14)
        # z's type, also where autocast multiplied in bfloat16
        return torch.tanh(self.pixels(h)).to(z.dtype)


# %% [markdown] slideshow={"slide_type": "subslide"}
# In the discriminator it is the dropout that looks unusual. PyTorch's own draws 64 random
# bits for each number that it may drop. This one makes do with sixteen, which is quicker on
# a CPU, and keeps a number if its sixteen bits, read as an integer, are large enough. (The
# rest is bookkeeping: `-(-n // 4)` rounds up, and `as_strided` gives the answers the order
# of axes that `x` has in memory. Read on if you like; `nn.Dropout(0.3)` does the same.)


# %% tags=["mirrors"] slideshow={"slide_type": "subslide"}
class Dropout(nn.Module):
    def __init__(self, rate):
        super().__init__()
        if not 0 <= rate < 1:
            raise ValueError(f"rate is {rate}; it must be at least 0 and below 1.")
        self.rate = rate

    def forward(self, x):
        if not self.training:
            return x
        words = torch.empty(-(-x.numel() // 4), dtype=torch.int64, device=x.device)
        bits = words.random_(-(2**63), None).view(torch.int16)[: x.numel()]
        keep = bits >= round(self.rate * 2**16) - 2**15
        layout = torch.empty_like(x).stride()  # dense, in x's order of axes
        return x * keep.as_strided(x.shape, layout) / (1 - self.rate)


class Discriminator(nn.Module):
    def __init__(self, channels=1):
        super().__init__()
        self.conv1 = SameConv2d(channels, 64, 5, stride=2)
        self.conv2 = SameConv2d(64, 128, 5, stride=2)
        self.dropout = Dropout(0.3)
        self.logit = nn.Linear(7 * 7 * 128, 1)
        self.apply(glorot).to(memory_format=torch.channels_last)

    def forward(self, x):
        h = self.dropout(F.leaky_relu(self.conv1(x), SLOPE))  # (n, 64, 14, 14)
        h = self.dropout(F.leaky_relu(self.conv2(h), SLOPE))  # (n, 128, 7, 7)
        # x's type, also where autocast multiplied in bfloat16
        return self.logit(h.permute(0, 2, 3, 1).flatten(1)).to(x.dtype)


# %% [markdown] slideshow={"slide_type": "subslide"}
# The sizes are those of lesson 8, running averages included.

# %% tags=["nbval-check-output"]
for network, expected in ((Generator(), 2_330_944), (Discriminator(), 212_865)):
    numbers = sum(array.size for array in export_weights(network).values())
    trained = sum(p.numel() for p in network.parameters())
    print(
        f"{type(network).__name__:14}{numbers:10,} numbers, {trained:10,} of them trained"
    )
    assert numbers == expected

# %% [markdown] slideshow={"slide_type": "slide"}
# ## One file for both
#
# The weights that ship with the course are one file. Lesson 8 loads it into Keras, we load
# it into PyTorch. Its card keeps what the trained networks gave for eight latent points that
# NumPy draws: the mean grey level of each image, and the discriminator's logit for it. Both
# lessons compare with it.

# %%
generator = load_pretrained(Generator(), "dcgan", part="generator")
discriminator = load_pretrained(Discriminator(), "dcgan", part="discriminator").eval()
sample = card("dcgan")["sample"]
z = np.random.default_rng(sample["seed"]).standard_normal((8, 100), dtype=np.float32)
images = generate(generator, z)
with torch.inference_mode():
    logits = discriminator(2 * to_tensor(images) - 1)[:, 0].numpy()
grey = images.mean(axis=(1, 2, 3))
print("mean grey level:", grey.round(4))
print("on the card:    ", np.round(sample["grey"], 4))

# %% [markdown]
# They agree to rounding, the logits too.

# %% slideshow={"slide_type": "slide"}
# sums of up to 6,400 products in float32, in another order than where the card was written
np.testing.assert_allclose(grey, sample["grey"], atol=1e-4)
np.testing.assert_allclose(logits, sample["logits"], atol=1e-3)

# %% [markdown]
# Now the experiment. `spoiled` changes one setting of the trained generator.

# %%
points = np.random.default_rng(1).standard_normal((8, 100), dtype=np.float32)


def spoiled(change):
    twin = load_pretrained(Generator(), "dcgan", part="generator")
    change(twin)
    return generate(twin, points)


# %% [markdown] slideshow={"slide_type": "subslide"}
# How can padding differ? From 14 places at stride 2, stamps of five cover $2 \cdot 13 + 5 =
# 31$. TensorFlow cuts one off at the start and two at the end. PyTorch's `padding=2` cuts two
# at both, which leaves 27, and its `output_padding=1` takes one fewer off at the end.


# %%
class Symmetric(nn.ConvTranspose2d):
    def forward(self, x):
        odd = self.stride[0] - 1
        return F.conv_transpose2d(x, self.weight, None, self.stride, 2, odd)


def symmetric_padding(twin):
    for layer in (twin.deconv2, twin.pixels):
        layer.__class__ = Symmetric


# %% [markdown] slideshow={"slide_type": "subslide"}
# The constant in the variance, and the order in which the vector is folded into a map:


# %%
def other_eps(twin):
    for layer in (twin.norm1, twin.norm2, twin.norm3):
        layer.eps = 1e-5


def channels_first(twin):
    folded = twin.hidden.weight.data.unflatten(0, (256, 7, 7))
    twin.hidden.weight.data = folded.permute(1, 2, 0, 3).flatten(0, 2)


# %% [markdown] slideshow={"slide_type": "subslide"}
# By how much does a pixel change?

# %%
rows = {"as trained": spoiled(lambda twin: None)}
SLOPE = 0.01  # for one cell only
rows["slope 0.01"] = spoiled(lambda twin: None)
SLOPE = 0.3
rows["eps 1e-5"] = spoiled(other_eps)
rows["padding 2 all round"] = spoiled(symmetric_padding)
rows["folded channels first"] = spoiled(channels_first)
print("root mean squared change of a pixel, on a scale from 0 (black) to 1 (white)")
changes = {}
for name, pictures in rows.items():
    changes[name] = np.sqrt(np.mean((pictures - rows["as trained"]) ** 2))
    print(f"{name:22}{changes[name]:.4f}")

# %% [markdown]
# And how does it look?

# %% slideshow={"slide_type": "subslide"}
labelled_rows({f"{n}: {changes[n]:.3f}": row for n, row in rows.items()})


# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: five rows of the same eight digits, with the change of a pixel beside each. As
# trained most are clean. With a slope of 0.01 they are faint and torn, with the smaller
# constant they look the same, with padding all round they are shifted and have a bright rim
# at the right and at the bottom, and folded with channels first they are blots.*
#
# It is the folding that ruins them, though the padding changes more: a mean over pixels
# punishes a shift, which the eye forgives. (The rim is what stamps leave where TensorFlow
# would have cut them off. Nothing ever taught these places to be black.) The smaller constant
# changes less than one of 256 grey levels, 0.0039. Nobody would see it, and it is another
# model all the same.
#
# This is why "it runs, and the shapes fit" proves nothing. The tests of the course hold the
# models in Keras and in PyTorch equal, in training and in evaluation mode, gradients
# included.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The step
#
# Lesson 5's step alternates: first the discriminator moves, then the generator against the
# new discriminator. The lecture's step is **simultaneous**, and here it is in PyTorch. Where
# TensorFlow needs two tapes, because a tape is used up by one gradient, PyTorch keeps one
# graph and goes through it twice (`retain_graph`). `inputs=` says whose gradients are wanted.
# Without it the generator's loss would leave gradients in the discriminator, too, and the
# discriminator's step would go down that loss as well: it would help its opponent.


# %% tags=["mirrors"]
def simultaneous_step(
    generator, discriminator, real, z, generator_optimizer, discriminator_optimizer
):
    fake_logits = discriminator(generator(z))
    d_loss = discriminator_loss(discriminator(real), fake_logits)
    g_loss = generator_loss(fake_logits)
    discriminator_optimizer.zero_grad()
    generator_optimizer.zero_grad()
    d_loss.backward(inputs=list(discriminator.parameters()), retain_graph=True)
    g_loss.backward(inputs=list(generator.parameters()))
    discriminator_optimizer.step()
    generator_optimizer.step()
    return d_loss.detach(), g_loss.detach()


# %% [markdown] slideshow={"slide_type": "subslide"}
# We check that claim: after the step the discriminator holds the gradients of its own loss,
# to the last bit, and the generator those of its own.

# %% tags=["nbval-check-output"]
seed_everything(0)
pair = Generator(), Discriminator().eval()  # evaluation mode, so that dropout is silent
still = [Adam(network.parameters(), lr=0.0) for network in pair]
real, z = 2 * to_tensor(digits.x[:8]) - 1, torch.randn(8, 100)
simultaneous_step(*pair, real, z, *still)
found = [p.grad.clone() for network in pair for p in network.parameters()]
fake_logits = pair[1](pair[0](z))
losses = generator_loss(fake_logits), discriminator_loss(pair[1](real), fake_logits)
alone = [
    gradient
    for network, loss in zip(pair, losses)
    for gradient in torch.autograd.grad(
        loss, list(network.parameters()), retain_graph=True
    )
]
equal = [torch.equal(a, b) for a, b in zip(found, alone, strict=True)]
print(f"{sum(equal)} of {len(equal)} gradients are those of each network's own loss")
assert all(equal)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## How fast
#
# A convolution is a sum of products, and many processors multiply numbers of eight
# significant bits (bfloat16) at several times the rate of float32. `computing_in`
# lets networks multiply in it, and keeps the parameters, and Adam's sums, in float32. We play
# with and without it in turns, so that a busy moment of your machine hits both.

# %%
network, judge = Generator().to(device), Discriminator().to(device)
optimizers = [Adam(n.parameters(), 1e-4, fused=True) for n in (network, judge)]
real = 2 * to_tensor(digits.x[:batch_size], device) - 1
seconds = {"float32": [], "bfloat16": []}
for _ in range(timed_steps + 1):
    for precision, taken in seconds.items():
        z = torch.randn(batch_size, 100, device=device)
        start = time.perf_counter()
        with computing_in(precision, network, judge):
            float(simultaneous_step(network, judge, real, z, *optimizers)[0])
        taken.append(time.perf_counter() - start)
exact, fast = (statistics.median(taken[1:]) for taken in seconds.values())
print(
    f"a step of {batch_size} images: bfloat16 is {exact / fast:.1f} times as fast here"
)


# %% [markdown] slideshow={"slide_type": "slide"}
# ## Three changes, and what they buy
#
# Lesson 7 taught three remedies that cost little. All three are in the weights that ship:
#
# - **A penalty on the discriminator's slope** at real digits (R1),
#   $\tfrac{\gamma}{2}\, \mathbb E_x \lVert \nabla_x \ell_\psi(x) \rVert^2$. It is the one
#   of lesson 6 that makes the game converge. On images it can be measured on a part of each
#   batch: the mean over a quarter is noisier and has the same expectation.
# - **Step sizes that fall**, so that the game comes to rest.
# - **An averaged generator**, in which the game's last turns average out. One thing must be
#   added to lesson 7 here. Batch normalization keeps running averages of what passed through
#   it, and these were taken under the weights of many different moments. Under the averaged
#   weights other numbers pass. So `renormalize` lets a few thousand latent points through, and
#   puts their statistics in the place of the running averages.

# %% [markdown] slideshow={"slide_type": "subslide"}
# To be complete, here is all that differs. Both recipes train the same two networks for 30
# epochs of all 60,000 digits.
#
# | | the lecture's recipe | the shipped one |
# |---|---|---|
# | step | simultaneous | the discriminator first, with R1, $\gamma = 1$ on a quarter |
# | images a step | 256 | 128 |
# | Adam's step size | $10^{-4}$ | $2 \cdot 10^{-4}$, and for the second half falling to $10^{-5}$ |
# | Adam's $\beta_1, \beta_2$ | 0.9, 0.999 | 0.5, 0.999 |
# | the result | the last weights | the running mean, decay 0.999, normalized anew |
#
# First the penalty.


# %% tags=["mirrors"] slideshow={"slide_type": "subslide"}
def real_penalty_step(gamma, share=1.0):
    def step(generator, discriminator, real, z, generator_optimizer, d_optimizer):
        fake = generator(z)
        rows = max(1, round(share * len(real)))
        _, gradient = input_gradient(discriminator, real[:rows])
        penalty = gamma / 2 * zero_centred_penalty(gradient)
        d_loss = discriminator_loss(discriminator(real), discriminator(fake.detach()))
        descend(d_optimizer, d_loss + penalty)
        g_loss = generator_loss(discriminator(fake))
        descend(generator_optimizer, g_loss)
        return d_loss.detach(), g_loss.detach()

    return step


# %% [markdown] slideshow={"slide_type": "subslide"}
# The falling step size: one for each step, for a `Recipe`.

# %% tags=["nbval-check-output"]
falls = falling(2e-4, 1e-5, 30 * 468, hold=0.5)  # 468 batches of 128 in an epoch
for epoch in (1, 15, 20, 25, 30):
    print(f"at the end of epoch {epoch:2}: {falls[468 * epoch - 1]:.1e}")


# %% [markdown] slideshow={"slide_type": "subslide"}
# And the third, with what it needs here. A momentum of 0 makes the statistics of one large
# batch replace the old ones:


# %% tags=["mirrors"]
@torch.no_grad()
def renormalize(generator, z):
    was_training = generator.training
    layers = [layer for layer in generator.modules() if isinstance(layer, BatchNorm)]
    momenta = [layer.momentum for layer in layers]
    for layer in layers:
        layer.momentum = 0.0
    generator.train()(z)
    generator.train(was_training)
    for layer, momentum in zip(layers, momenta, strict=True):
        layer.momentum = momentum


# %% [markdown] slideshow={"slide_type": "subslide"}
# **Predict before you run.** By which factor do these changes lower the Fréchet distance?
#
# What came of both recipes is on the card, beside the VAE of lesson 4 and held-out digits;
# the numbers are of 10,000 samples each. A small classifier says which digit a
# sample is. **Entropy** is that of the ten classes' shares, at most
# $\ln 10 = 2.3026$ nats. The **rarest class** has a tenth of the samples at best.
# **Confidence** is the classifier's largest probability, on average.
# The **Fréchet distance** (lesson 8) compares the classifier's last hidden layer on samples
# and on real digits; smaller is better. Two halves of one set of real digits are not at
# distance zero; their distance is the floor. Held-out digits, by other writers, lie
# slightly above it.

# %% slideshow={"slide_type": "subslide"}
measured = card("dcgan")["test"]
print(f"{'':28}{'entropy':>9}{'rarest class':>14}{'confidence':>12}{'Fréchet':>9}")
for name, row in measured["samplers"].items():
    print(
        f"{name:28}{row['entropy']:9.3f}{row['rarest_class']:14.1%}"
        f"{row['confidence']:12.3f}{row['frechet']:9.2f}"
    )
print(f"floor of the Fréchet distance: {measured['frechet_floor']:.2f}")
distance = {
    name.split(",")[0]: s["frechet"] for name, s in measured["samplers"].items()
}
ratio = distance["lecture's recipe"] / distance["shipped"]
assert ratio > 1
print(f"the lecture's recipe is {ratio:.1f} times as far from real digits")

# %% [markdown] slideshow={"slide_type": "subslide"}
# Read the columns one by one. By confidence the VAE is as good as the shipped generator: it
# draws few kinds of digits, blurred, and the classifier is sure of them. Only entropy and
# distance tell. No single column would do. And all five changes were made at once: what each
# one bought the table does not say; for that one leaves them out one by one, as in
# exercise 5.
#
# How the distance fell while the shipped generator was trained:

# %% slideshow={"slide_type": "subslide"}
distances = {int(epoch): d for epoch, d in measured["frechet_by_epoch"].items()}
fig, ax = plt.subplots(figsize=(9, 4.8), layout="constrained")
ax.plot(*zip(*distances.items()), "o-", linewidth=3, label="the shipped recipe")
for epoch, d in distances.items():
    ax.annotate(f"{d:.0f}", (epoch, d), (6, 6), textcoords="offset points", fontsize=13)
lines = {name: d for name, d in distance.items() if name != "shipped"}
for name, d in (lines | {"floor": measured["frechet_floor"]}).items():
    ax.axhline(d, color="0.4", linestyle="--", linewidth=1.5)
    ax.text(30, d, name, ha="right", va="bottom", fontsize=13)
ax.set(xlabel="epochs", ylabel="Fréchet distance", yscale="log", xlim=(0, 31))
plt.show()


# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: the Fréchet distance of the shipped recipe falls with the epochs, on a logarithmic
# axis. It begins above the VAE, is far below it by epoch 5, and still falls at the end.
# Dashed lines mark the VAE, the lecture's recipe after its 30 epochs, held-out digits and
# the floor.*
#
# The averaged generator, normalized anew, was measured each time. After one epoch it still
# remembers its start.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Going on
#
# A training of hours will be cut off one day. `Checkpoints` saves the whole game after
# every round: both networks, the average, Adam's moments, the order of the digits and all
# random states. A file is complete or it is not there; one that was damaged is passed over.
#
# **Predict before you run.** We train, cut the last file short as a full disk would, and take
# up the game from what is left. How much does the result differ from a run without a break?


# %% slideshow={"slide_type": "subslide"}
def play(until, **options):
    seed_everything(0)
    networks = Generator().to(device), Discriminator().to(device)
    recipe = Recipe(
        real_penalty_step(1.0, 0.25), batch_size, learning_rate=2e-4, averaging=0.999,
        betas=(0.5, 0.999), precision="bfloat16",
    )  # fmt: skip
    game = Game(*networks, digits.x, recipe, seed=0)
    history = train_gan(game, until * steps_a_round, every=steps_a_round, **options)
    return history.require_complete(), [*networks, game.average.module]


def same_weights(network, other):
    one, two = export_weights(network), export_weights(other)
    return all(np.array_equal(array, two[name]) for name, array in one.items())


# %% [markdown] slideshow={"slide_type": "subslide"}
# Now the break. A second game stops half-way, its last file is damaged, and it goes on from
# what is left.

# %%
whole, networks = play(rounds)
with tempfile.TemporaryDirectory() as folder:
    checkpoints = Checkpoints(folder)
    play(rounds // 2, checkpoints=checkpoints)
    last = max(Path(folder).iterdir())
    last.write_bytes(last.read_bytes()[:1_000])
    resumed = None
    if rounds // 2 > 1:
        resumed, taken_up = play(rounds, checkpoints=checkpoints, resume=True)
        assert resumed == whole or device.type != "cpu"
        equal = all(map(same_weights, networks, taken_up))
        assert equal or device.type != "cpu"
        print("weights of both networks and of the average equal, bit for bit:", equal)
print(whole)
print("resumed from the checkpoint before the damaged one:", resumed)

# %% [markdown] slideshow={"slide_type": "subslide"}
# Not by one bit, on a CPU. (On a GPU sums are taken in any order, and two runs differ even
# without a break.)
#
# These few steps from nothing show a grid and the first strokes. From the shipped weights one
# can go on at once, since both networks are in the file; but it is not quite the old game.
# The generator in the file is the average, which this discriminator never met, and Adam's
# moments start from zero. So the step size is small.

# %% slideshow={"slide_type": "subslide"}
few = generate(networks[0], points)
many = torch.randn(2_000, 100, device=device)
shipped = Generator().to(device), Discriminator().to(device)
for network, part in zip(shipped, ("generator", "discriminator")):
    load_pretrained(network, "dcgan", part=part)
before = generate(shipped[0], points)
recipe = Recipe(
    real_penalty_step(1.0, 0.25), batch_size, learning_rate=1e-5, betas=(0.5, 0.999),
    averaging=0.9, precision="bfloat16",  # a short memory for a short game
)  # fmt: skip
game = Game(*shipped, digits.x, recipe, seed=1)
train_gan(game, steps_a_round, every=steps_a_round)
renormalize(game.average, many)
after = generate(game.average, points)
rows = {
    f"{rounds * steps_a_round} steps from nothing": few,
    "shipped": before,
    f"shipped, {steps_a_round} steps on": after,
    "their difference": np.abs(after - before),
}
labelled_rows(rows)

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: four rows of eight images of the same latent points. After a short training: a grid
# of dots, and strokes. From the shipped weights: digits. After some more steps from there:
# the same digits. Their difference: greys along the edges of strokes.*

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What could go wrong
#
# - **The discriminator learns the generator's loss.** Whoever calls `g_loss.backward()`
#   without `inputs=`, and steps the discriminator afterwards, drives it the wrong way.
# - **A cached cast.** `autocast` keeps the bfloat16 copy of each weight until its block ends.
#   With two optimizers inside one such block the second loss would see weights from before
#   the first step. The course's block ends with each call of a network; a test watches it.
# - **Moments in another order of axes.** The weights of these networks lie in memory with
#   their channels last. Adam's fused step walks through weights and moments side by side, so
#   that moments which were read from a file must be laid out alike. Our first attempt was not,
#   and the test that compares a resumed run with an uninterrupted one found it at once.
# - **Evaluation mode forgotten.** In training mode, batch normalization makes each sample
#   depend on the others in its batch.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Summary
#
# - A network is its layers *and* their defaults. Of the seven that differ between Keras and
#   PyTorch, three make another model of the same weights: slope, constant and padding. The
#   others make another training.
# - In a simultaneous step each network needs the gradients of its own loss; say so with
#   `inputs=`.
# - Penalty, falling step sizes and an averaged generator are a few lines each. With them the
#   same networks come closer to real digits; how close is a number with a floor.
# - A checkpoint is complete when a resumed run cannot be told from an uninterrupted one.

# %% [markdown] slideshow={"slide_type": "skip"}
# ## Exercises
#
# [The set of this lesson](exercises/09_dcgan_pytorch.ipynb) has stubs to fill in, and checks that
# answer. Here are questions to think about without a net.
#
# 1. *Easy, 10 minutes.* `spoiled` has tried four changes. Predict what the pictures do if only
#    `norm1` gets the other constant, and if only `norm3` does. Then try.
# 2. *Easy, 10 minutes.* In `simultaneous_step`, let the generator's `backward` come first, and
#    leave `retain_graph=True` where it is, in the discriminator's. What happens, and why?
# 3. *Medium, 15 minutes.* By which relative amount is the variance of one batch too large
#    without the factor `(n - 1) / n`, in `norm1`, `norm2` and `norm3`, for 64 images? Compute
#    it, and then measure it with `nn.BatchNorm1d` and `nn.BatchNorm2d` with `momentum=1`.
# 4. *Medium, 30 minutes.* `real_penalty_step(1.0, 0.25)` measures the penalty on a quarter of
#    the batch. With the shipped discriminator in evaluation mode, compute
#    `zero_centred_penalty(input_gradient(discriminator, real)[1])` for 50 batches of 64, 16
#    and 3 digits. How does the standard deviation depend on the number?
# 5. *Open, an hour and more.* `play(10, learning_rate=1e-4)` and the like change one setting.
#    Leave one change out at a time, renormalize the third network that `play` returns, and
#    compare its `digit_scores(generate(network, z), held_out.x)` (`course_utils.metrics.digits`) for
#    a thousand latent points. Which change is missed most? Begin with two seeds of the full recipe, so
#    that you know how far two runs lie apart.

# %% [markdown] slideshow={"slide_type": "skip"}
# ## References
#
# - A. Radford, L. Metz and S. Chintala, *Unsupervised representation learning with deep
#   convolutional generative adversarial networks*, 2016, <https://arxiv.org/abs/1511.06434>.
# - S. Ioffe and C. Szegedy, *Batch normalization*, 2015, <https://arxiv.org/abs/1502.03167>.
# - L. Mescheder, A. Geiger and S. Nowozin, *Which training methods for GANs do actually
#   converge?*, 2018, <https://arxiv.org/abs/1801.04406>.
# - Y. Yazici et al., *The unusual effectiveness of averaging in GAN training*, 2019,
#   <https://arxiv.org/abs/1806.04498>.
# - M. Heusel et al., *GANs trained by a two time-scale update rule converge to a local Nash
#   equilibrium*, 2017, <https://arxiv.org/abs/1706.08500>.
