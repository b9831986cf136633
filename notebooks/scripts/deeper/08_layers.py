# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Deeper: the layers of a DCGAN, checked
#
# Open in [Colab](https://colab.research.google.com/github/generative-models/executed/blob/v0.2.0/notebooks/deeper/08_layers.ipynb) or on [Binder](https://mybinder.org/v2/gh/generative-models/executed/v0.2.0?urlpath=lab/tree/notebooks/deeper/08_layers.ipynb).
#
# [Lesson 8](../08_dcgan_keras.ipynb) says what the layers of a DCGAN are for. This page takes
# them one by one and checks what it says in numbers: why a transposed convolution has its name,
# what batch normalization does to a bias, how long its averages remember, that the losses are
# those which Keras has under another name, and that the shipped weights arrive as they should.

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
# On two CPU cores this page takes less than a minute.

# %% tags=["setup"] jupyter={"source_hidden": true}
# @title Set-up: imports; the course's Keras wing first, it starts TensorFlow quietly
import math

import matplotlib.pyplot as plt
import numpy as np

from course_utils.budget import budget
from course_utils.data.mnist import load_mnist
from course_utils.figures.digit_rows import labelled_rows
from course_utils.figures.style import use_course_style
from course_utils.metrics.digits import digit_scores
from course_utils.records.recipes import Recipe
from course_utils.tfkeras.device import seed_everything, to_numpy
from course_utils.tfkeras.game import Game
from course_utils.tfkeras.gan import (
    discriminator_loss,
    generate,
    generator_loss,
    simultaneous_step,
)
from course_utils.tfkeras.networks import Discriminator, Generator
from course_utils.tfkeras.training import train_gan
from course_utils.tfkeras.weights import load_pretrained
from course_utils.weights import card

# isort: split
import keras
import tensorflow as tf
from keras import layers, ops

use_course_style()
seed_everything(0)
rng = np.random.default_rng(0)
train = load_mnist("train", "sample", budget(smoke=1_000, lecture=5_000, full=None))
test = load_mnist("test", "sample")
batch_size = budget(smoke=8, lecture=64, full=64)
more_steps = budget(smoke=1, lecture=20, full=234)
samples = budget(smoke=20, lecture=1_000, full=1_000)

# %% [markdown]
# ## A convolution turned round
#
# A convolution is linear in its input. So it is a matrix $A$, large and mostly empty, that is
# applied to all pixels. The **transposed convolution** is $A^\top$. It takes a small map to a
# large one. It is no inverse: only the shapes are turned round, and which pixels are connected to
# which.
#
# A transpose is known by $\langle A x, y \rangle = \langle x, A^\top y \rangle$ for all $x$ and
# $y$. So we give both layers the same kernel and compare the two numbers, for random $x$ and $y$.

# %% tags=["nbval-check-output"]
same = {"padding": "same", "strides": 2, "use_bias": False, "dtype": "float64"}
convolution = layers.Conv2D(3, 5, **same)
transposed = layers.Conv2DTranspose(2, 5, **same)
x, y = rng.standard_normal((1, 28, 28, 2)), rng.standard_normal((1, 14, 14, 3))
Ax, _ = convolution(x), transposed(y)  # the first call makes the kernels
transposed.kernel.assign(convolution.kernel)
left, right = ops.sum(Ax * y), ops.sum(x * transposed(y))
print("kernels:", convolution.kernel.shape, "and", transposed.kernel.shape)
print("from", y.shape[1:], "to", tuple(transposed(y).shape[1:]))

# %% tags=["proof", "nbval-check-output"] jupyter={"source_hidden": true}
# @title Both numbers are equal to rounding
assert math.isclose(left, right, rel_tol=1e-12)
print("The two products agree to 12 digits.")

# %% [markdown]
# One kernel serves both. Keras stores it in one order of axes, and each layer reads it from its
# own side.
#
# ## Batch normalization eats a bias
#
# The layer subtracts the mean $m$ of its batch. Whatever the layer before adds to a channel is
# in $m$, too, and is taken away again. So layers in front of a norm need no bias. (Each number
# that a dense layer puts out is a channel of its own, with one place.) Here 256 vectors of four
# numbers with mean 5 and standard deviation 3, and the same with 7 added:

# %% tags=["nbval-check-output"]
norm = layers.BatchNormalization()
h = tf.constant(rng.normal(5, 3, (256, 4)), tf.float32)
in_training = norm(h, training=True)
with_bias = norm(h + 7, training=True)
as_sample = norm(h, training=False)
for name, out in {
    "batch": in_training,
    "batch, 7 added": with_bias,
    "running averages": as_sample,
}.items():
    print(f"{name:17} mean {ops.mean(out):5.2f}, deviation {ops.std(out):.2f}")

# %% tags=["proof", "nbval-check-output"] jupyter={"source_hidden": true}
# @title The bias is gone; h + 7 is rounded by 6e-8 of 12, then divided by 3, with room
assert np.allclose(in_training, with_bias, atol=1e-5)
print("With and without the bias: the same.")

# %% [markdown]
# The last line is far from 0 and 1, since the running averages have seen two batches only.
#
# ## How long the averages remember
#
# They start at $m = 0$ and $v = 1$, and each batch moves them by one hundredth of the way. After
# $n$ steps the share $0.99^n$ of the start is left.

# %%
number = np.arange(601)
plt.plot(number, 0.99**number)
plt.xlabel("steps")
plt.ylabel("share of the start that is left")
plt.ylim(0, 1)
plt.show()

# %% [markdown]
# *Figure: a falling exponential: a third is left after about a hundred steps, nearly nothing after
# four hundred.*
#
# So in its first hundred steps a generator draws badly for two reasons. It has learnt little, and
# its averages lag behind.
#
# ## The losses under their Keras name
#
# Keras has the losses of the game under the name of binary cross-entropy. Ones are the label of
# real images, zeros that of fakes. The generator's loss labels its fakes with ones.

# %% tags=["nbval-check-output"]
entropy = keras.losses.BinaryCrossentropy(from_logits=True)
real_logits, fake_logits = (
    tf.constant(rng.normal(0, 3, (64, 1)), tf.float32) for _ in range(2)
)
ones, zeros = tf.ones_like(real_logits), tf.zeros_like(fake_logits)
theirs = entropy(ones, real_logits) + entropy(zeros, fake_logits)
ours = discriminator_loss(real_logits, fake_logits)
print(f"discriminator: Keras {theirs:.4f}, ours {ours:.4f} nats")
g_theirs, g_ours = entropy(ones, fake_logits), generator_loss(fake_logits)
print(f"generator: Keras {g_theirs:.4f}, ours {g_ours:.4f} nats")

# %% tags=["proof", "nbval-check-output"] jupyter={"source_hidden": true}
# @title Sums of 64 terms in float32
assert math.isclose(theirs, ours, rel_tol=1e-5)
assert math.isclose(g_theirs, g_ours, rel_tol=1e-5)
print("Both agree.")

# %% [markdown]
# `from_logits=True` says that no sigmoid has been applied yet. Who forgets it, while the network
# ends in a logit, trains on something else.
#
# ## One file for two frameworks
#
# The weights that ship with the course were trained in PyTorch. Names and layouts are converted
# when the file is read. Did they arrive? The card beside the weights keeps eight images' mean grey
# levels and logits. We draw from the same latent points and compare.

# %%
about = card("dcgan")
generator = load_pretrained(Generator(), "dcgan", part="generator")
discriminator = load_pretrained(Discriminator(), "dcgan", part="discriminator")
sample = about["sample"]
z = np.random.default_rng(sample["seed"]).standard_normal((8, 100), dtype="float32")
images = generate(generator, z)
logits = to_numpy(discriminator(tf.constant(2 * images - 1), training=False))[:, 0]
print("grey levels differ by", np.abs(images.mean((1, 2, 3)) - sample["grey"]).max())
print("logits differ by", np.abs(logits - sample["logits"]).max())

# %% tags=["proof"] jupyter={"source_hidden": true}
# @title Sums of up to 6,400 products in float32, in another order
np.testing.assert_allclose(images.mean((1, 2, 3)), sample["grey"], atol=1e-4)
np.testing.assert_allclose(logits, sample["logits"], atol=1e-3)

# %% [markdown]
# ## Going on from there
#
# Trained weights are a place to start from. We load them, play a few more steps with a small
# learning rate, and look whether anything changes. The two that ship did not quite play each
# other: the generator is a running mean over many steps. And Adam's moments start from zero.

# %%
latents = np.random.default_rng(2).standard_normal((samples, 100), dtype="float32")
before, seen = (generate(generator, latents[:10]), test.x)
old = digit_scores(generate(generator, latents), seen).frechet
adam = {"learning_rate": 1e-5, "betas": (0.5, 0.999)}
recipe = Recipe(simultaneous_step, batch_size=batch_size, **adam)
game = Game(generator, discriminator, train.x, recipe, seed=1)
train_gan(game, more_steps, every=more_steps)
after = generate(generator, latents[:10])
new = digit_scores(generate(generator, latents), seen).frechet
print(f"Fréchet distance before {old.value:.2f}, after {new.value:.2f}")
print(f"(a perfect sampler: {old.floor:.2f} ± {old.floor_sd:.2f})")
labelled_rows({"before": before, "after": after, "change": np.abs(after - before)})

# %% [markdown]
# *Figure: ten digits before and after a few more steps, from the same latent points, and below how
# much each pixel has changed: a little grey at the edges of strokes.*
#
# Compare the change of the distance with the scatter of its floor: so few steps show nothing.
#
# ## To try
#
# 1. *Medium, 30 minutes.* In the game of the lesson, note two Fréchet distances after each round:
#    one of fakes drawn with `training=True`, one with `training=False`. (A pass with
#    `training=True` also moves the averages. Draw with a copy of the generator.) After how many
#    steps do they agree within their scatter?
# 2. *Hard, 40 minutes.* Replace each transposed convolution of stride 2 by `UpSampling2D` and a
#    convolution. Are the checkerboards gone?
#
# S. Ioffe and C. Szegedy, *Batch normalization: accelerating deep network training by reducing
# internal covariate shift*, 2015, [arXiv:1502.03167](https://arxiv.org/abs/1502.03167).
