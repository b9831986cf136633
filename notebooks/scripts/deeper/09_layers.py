# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Deeper: layers that behave as Keras's do
#
# Open in [Colab](https://colab.research.google.com/github/generative-models/executed/blob/v0.2.0/notebooks/deeper/09_layers.ipynb) or on [Binder](https://mybinder.org/v2/gh/generative-models/executed/v0.2.0?urlpath=lab/tree/notebooks/deeper/09_layers.ipynb).
#
# [Lesson 9](../09_dcgan_pytorch.ipynb) carries a DCGAN from Keras to PyTorch. Here are the layers
# that it imports, what batch normalization keeps, what a quicker dropout looks like, and a training
# that is cut off and whose last file is damaged.

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
# On two CPU cores this page takes about a minute.

# %% tags=["setup"] jupyter={"source_hidden": true}
# @title Set-up: libraries, sizes, figures
import math
import tempfile
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from course_utils.budget import budget
from course_utils.data.mnist import load_mnist
from course_utils.figures.digit_rows import labelled_rows
from course_utils.figures.style import use_course_style
from course_utils.metrics.classifier import DigitClassifier
from course_utils.pytorch import layers, networks
from course_utils.pytorch.device import pick_device, seed_everything
from course_utils.pytorch.game import Game
from course_utils.pytorch.gan import generate, real_penalty_step
from course_utils.pytorch.layers import SameConv2d, glorot
from course_utils.pytorch.networks import Generator
from course_utils.pytorch.training import train_gan
from course_utils.pytorch.weights import export_weights, load_pretrained
from course_utils.records.checkpoints import Checkpoints
from course_utils.records.recipes import Recipe

use_course_style()
batch_size = budget(smoke=8, lecture=32, full=256)
rounds = budget(smoke=2, lecture=4, full=30)
steps_a_round = budget(smoke=1, lecture=5, full=234)
samples = budget(smoke=20, lecture=500, full=5_000)
device = pick_device()
SLOPE = 0.3  # of a leaky ReLU below zero: Keras's default

# %% [markdown]
# ## Batch normalization
#
# PyTorch's own function does the arithmetic; what it keeps for later is corrected. Keras keeps the
# share `momentum` of the old running values, PyTorch the share `1 - momentum`. And PyTorch
# multiplies a batch's variance by $n/(n-1)$ before it keeps it, where $n$ counts all numbers of a
# channel: images times places.


# %% tags=["mirrors"]
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


# %% [markdown]
# One batch of four numbers, to check by hand: the mean of $(0, 2, 4, 6)$ is 3, their mean squared
# deviation is 5, and $5 \cdot 4/3 = 6.67$ is the variance of which PyTorch keeps a tenth.

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

# %% [markdown]
# ## Averages taken anew
#
# Running averages belong to the weights under which they were taken. The mean of the weights of
# many moments is another network, so its averages must be taken anew. A momentum of 0 lets the
# statistics of one large batch replace the old ones (Izmailov et al., 2018).


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


# %% [markdown]
# ## Can new averages repair a wrong slope?
#
# With a slope of 0.01 instead of 0.3 other numbers reach the second and third normalization, whose
# averages are those of the old slope. If that were all that is wrong, then averages taken anew
# would bring the digits back. We count samples that a classifier reads as the same digit as before.
# The control takes averages anew under the right slope.

# %%
read = DigitClassifier().probabilities
points = np.random.default_rng(1).standard_normal((samples, 100), dtype=np.float32)
many = torch.randn(2 * samples, 100, generator=torch.Generator().manual_seed(0))

# %% [markdown]
# `drawn` gives samples under a slope, with the averages of the file or with new ones.


# %%
def drawn(slope, anew=False):
    generator = load_pretrained(networks.Generator(), "dcgan", part="generator")
    networks.SLOPE = slope
    if anew:
        layers.renormalize(generator, many)  # of the package, whose layers these are
    images = generate(generator, points)
    networks.SLOPE = 0.3
    return images


# %% [markdown]
# All four:

# %%
rows = {
    "as trained": drawn(0.3),
    "as trained, anew": drawn(0.3, anew=True),
    "slope 0.01": drawn(0.01),
    "slope 0.01, anew": drawn(0.01, anew=True),
}
digit = read(rows["as trained"]).argmax(axis=1)
for name, images in rows.items():
    share = (read(images).argmax(axis=1) == digit).mean()
    error = np.sqrt(share * (1 - share) / samples)
    print(f"{name:18} read as the same digit: {share:.1%} ± {error:.1%}")
labelled_rows({name: images[:8] for name, images in rows.items()})

# %% [markdown]
# *Figure: four rows of the same eight digits. Averages taken anew change little under the right
# slope; under the wrong one strokes stay broken.*
#
# They bring back a part at most. The statistics are not all that is wrong: the function itself is
# another one.
#
# ## The discriminator
#
# PyTorch's own dropout draws 64 random bits for each number that it may drop. This one draws
# sixteen, and keeps a number if they, read as an integer, are large enough. (`-(-n // 4)` rounds
# up, and `as_strided` gives the answers the order of axes that `x` has in memory. `nn.Dropout(0.3)`
# does the same.)


# %% tags=["mirrors"]
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
        factors = keep.to(x.dtype).mul_(1 / (1 - self.rate))
        layout = torch.empty_like(x).stride()  # dense, in x's order of axes
        return x * factors.as_strided(x.shape, layout)


# %% [markdown]
# And the network with it:


# %% tags=["mirrors"]
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


# %% [markdown]
# The sizes are those of lesson 8, running averages included.

# %% tags=["nbval-check-output"]
for network, expected in ((Generator(), 2_330_944), (Discriminator(), 212_865)):
    numbers = sum(array.size for array in export_weights(network).values())
    trained = sum(p.numel() for p in network.parameters())
    name = type(network).__name__
    print(f"{name:14}{numbers:10,} numbers, {trained:10,} of them trained")
    assert numbers == expected

# %% [markdown]
# ## A damaged checkpoint
#
# `Checkpoints` saves the whole game after every round: both networks, the average, Adam's moments,
# the order of the digits and all random states ([lesson 8](../08_dcgan_keras.ipynb) cuts a training
# off and takes it up again). A file is complete or it is not there. One that was damaged later, as
# by a full disk, is passed over, and the game goes on from the one before.


# %%
digits = load_mnist("train", budget(smoke="sample", lecture="sample", full="full"))


# %% [markdown]
# A game up to some round, with a file after each round or taken up from one:


# %%
def play(until, **options):
    seed_everything(0)
    pair = Generator().to(device), Discriminator().to(device)
    recipe = Recipe(
        real_penalty_step(1.0, 0.25), batch_size, learning_rate=2e-4, averaging=0.999,
        betas=(0.5, 0.999),
    )  # fmt: skip
    game = Game(*pair, digits.x, recipe, seed=0)
    history = train_gan(game, until * steps_a_round, every=steps_a_round, **options)
    return history.require_complete(), [*pair, game.average.module]


# %% [markdown]
# Two networks compared to the last bit:


# %%
def same_weights(network, other):
    one, two = export_weights(network), export_weights(other)
    return all(np.array_equal(array, two[name]) for name, array in one.items())


# %% [markdown]
# A game without a break, and a second one that stops half-way. Its last file is cut short, and it
# goes on from what is left.

# %%
whole, pair = play(rounds)
with tempfile.TemporaryDirectory() as folder:
    checkpoints = Checkpoints(folder)
    play(rounds // 2, checkpoints=checkpoints)
    last = max(Path(folder).iterdir())
    last.write_bytes(last.read_bytes()[:1_000])
    if rounds // 2 > 1:
        resumed, taken_up = play(rounds, checkpoints=checkpoints, resume=True)
        assert resumed == whole or device.type != "cpu"
        equal = all(map(same_weights, pair, taken_up))
        assert equal or device.type != "cpu"
        print("weights of both networks and of the average equal, bit for bit:", equal)
print(whole)

# %% [markdown]
# Equal to the last bit, on a CPU. (On a GPU sums are taken in any order, and two runs differ even
# without a break.)
#
# Two traps that this test has found, or watches:
#
# - **Moments in another order of axes.** The weights of these networks lie in memory with their
#   channels last. Adam's fused step walks through weights and moments side by side, so moments that
#   were read from a file must be laid out alike. Our first attempt was not, and this comparison
#   found it at once.
# - **A cached cast.** `autocast` keeps the bfloat16 copy of each weight until its block ends. With
#   two optimizers inside one such block the second loss would see weights from before the first
#   step. The course's block ends with each call of a network.
