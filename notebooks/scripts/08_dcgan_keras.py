# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown] slideshow={"slide_type": "slide"}
# # 8 · A convolutional GAN for digits, in Keras
#
# Open in [Colab](https://colab.research.google.com/github/generative-models/executed/blob/v0.2.0/notebooks/08_dcgan_keras.ipynb) or on [Binder](https://mybinder.org/v2/gh/generative-models/executed/v0.2.0?urlpath=lab/tree/notebooks/08_dcgan_keras.ipynb).

# %% [markdown]
# ## You will be able to
#
# - say layer by layer what the generator and the discriminator of a DCGAN do, and why;
# - write one step of the game with two gradient tapes, and say in which order two players
#   move;
# - find out what `tf.function` saves on your machine, and who leads at which learning rate;
# - cut a training off and take it up again, so that nobody can tell;
# - say why a discriminator that answers one half proves nothing.

# %% [markdown] slideshow={"slide_type": "skip"}
# ## Before you start
#
# You need lesson 5 (the game and its losses). Lesson 4 has the first steps in Keras, and
# lesson 7 tells what may go wrong with a GAN's samples. On two CPU cores this lesson runs
# in about four minutes. No download is needed.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The question
#
# In lessons 5 to 7 the players were small and the data lay in the plane. Digits are points
# too, with 784 coordinates, and a network that is not told that neighbouring pixels belong
# together has much to learn. In 2016 Radford, Metz and Chintala collected layers with which
# GANs of images train more reliably, and called the result **DCGAN**: deep convolutional
# GAN. *What is each of these layers for, and how does one train such a pair
# so that the result can be trusted?*
#
# The networks are those of the lecture that this course follows (M. Hjorth-Jensen, Oslo
# 2024, week 14). What its program gets wrong is mended, and told in asides.

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
import ast
import math
import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from IPython.display import display
from PIL import Image, ImageSequence

from course_utils.budget import budget
from course_utils.data.mnist import load_mnist
from course_utils.figures.layers import network_diagram
from course_utils.figures.style import mosaic, tile, use_course_style
from course_utils.metrics.digits import digit_scores
from course_utils.records import RESULTS, read_result
from course_utils.records.checkpoints import CheckpointError, Checkpoints
from course_utils.records.history import History
from course_utils.records.recipes import Recipe
from course_utils.tfkeras.device import seed_everything, to_numpy, without_remapping
from course_utils.tfkeras.game import Game
from course_utils.tfkeras.gan import generate
from course_utils.tfkeras.summary import layer_table
from course_utils.tfkeras.training import train_gan
from course_utils.tfkeras.weights import export_weights, load_pretrained
from course_utils.weights import card

use_course_style()

# %% [markdown] slideshow={"slide_type": "skip"}
# The Keras wing of the course was imported first, because it starts TensorFlow without its
# notices. Now Keras itself.

# %% slideshow={"slide_type": "skip"}
import keras
import tensorflow as tf
from keras import layers, ops

# %% [markdown] slideshow={"slide_type": "skip"}
# All sizes in one cell. `COURSE_BUDGET` picks a column; the saved outputs are those of
# `lecture`. The lecture's own sizes, 256 images a step and all of MNIST, are in the column
# `full`.

# %% slideshow={"slide_type": "skip"}
source = budget(smoke="sample", lecture="sample", full="full")
limit = budget(smoke=1_000, lecture=5_000, full=None)
batch_size = budget(smoke=8, lecture=64, full=256)
steps = budget(smoke=2, lecture=300, full=7_020)
every = budget(smoke=1, lecture=25, full=234)
turns = budget(smoke=1, lecture=7, full=15)
samples = budget(smoke=20, lecture=1_000, full=1_000)
more_steps = budget(smoke=1, lecture=20, full=234)

# %% [markdown]
# The digits; the networks will see them between -1 and 1, because the generator's last
# layer is a hyperbolic tangent, which ends there.

# %%
train = load_mnist("train", source, limit)
test = load_mnist("test", "sample")
print(f"{len(train):,} digits to learn from, {len(test):,} held out")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A convolution turned round
#
# The discriminator shrinks an image to one number, and a convolution with stride 2 halves
# its sides. The generator must go the other way. A convolution is linear in its input: it
# is a (large and mostly empty) matrix $A$ applied to all pixels. The **transposed
# convolution** is $A^\top$. It takes a small map to a large one, and it is no inverse:
# only the shapes are turned round, and which pixels are connected to which.
#
# A transpose is known by $\langle A x, y \rangle = \langle x, A^\top y \rangle$ for all $x$
# and $y$. So let both layers have the same kernel, and compare the two numbers.

# %% tags=["nbval-check-output"] slideshow={"slide_type": "subslide"}
same = {"padding": "same", "strides": 2, "use_bias": False, "dtype": "float64"}
conv = layers.Conv2D(3, 5, **same)
transposed = layers.Conv2DTranspose(2, 5, **same)
rng = np.random.default_rng(0)
x, y = rng.standard_normal((1, 28, 28, 2)), rng.standard_normal((1, 14, 14, 3))
Ax, _ = conv(x), transposed(y)  # the first call makes the kernels
transposed.kernel.assign(conv.kernel)
left, right = ops.sum(Ax * y), ops.sum(x * transposed(y))
assert math.isclose(left, right, rel_tol=1e-12)
print("kernels:", conv.kernel.shape, "and", transposed.kernel.shape)
print("from", y.shape[1:], "to", tuple(transposed(y).shape[1:]))

# %% [markdown] slideshow={"slide_type": "subslide"}
# Read it as a stamp: each number of the small map presses a copy of the kernel, scaled by
# that number, onto the large one, two pixels further each time. Where stamps overlap they
# are added. A kernel of five by five at stride 2 does not overlap evenly. **Predict before
# you run:** how many stamps meet in a pixel?

# %% tags=["nbval-check-output"]
stamp = layers.Conv2DTranspose(1, 5, kernel_initializer="ones", **same)
meet = to_numpy(stamp(np.ones((1, 14, 14, 1))))[0, 10:14, 10:14, 0]
print(meet.astype(int))

# %% [markdown]
# Nine, six or four: neighbours are served unequally, in a pattern of every second pixel. A
# trained kernel can even that out, but a new one does not, and so GANs of this kind like to
# draw **checkerboards** (Odena, Dumoulin and Olah 2016). Look out for them below.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Batch normalization
#
# Between the layers of the generator stands a layer that keeps numbers in their range
# (Ioffe and Szegedy 2015). For one channel, with the mean $m$ and the variance $v$ over
# all images of the batch and all places of the map,
#
# $$
# h \;\longmapsto\; \gamma \, \frac{h - m}{\sqrt{v + 0.001}} + \beta ,
# $$
#
# with $\gamma$ and $\beta$ learnt. Whatever the layer before adds to a channel is taken
# away again: a bias there would be wasted, so layers in front of a norm have none. (Each
# number that a dense layer puts out is a channel of its own, with one place.) And it
# does two different things. While training it uses the $m$ and $v$ of the batch at hand, so
# that an image depends on the others in its batch. For samples it uses **running averages**
# of both, so that each image is made by itself.

# %% tags=["nbval-check-output"] slideshow={"slide_type": "subslide"}
norm = layers.BatchNormalization()
h = tf.constant(rng.normal(5, 3, (256, 4)), tf.float32)
trained = norm(h, training=True)
shifted = norm(h + 7, training=True)  # as a bias would
sampled = norm(h, training=False)
# float32: h + 7 is rounded by 6e-8 of 12, then divided by 3; with room
assert np.allclose(trained, shifted, atol=1e-5)
for name, out in (("batch", trained), ("running averages", sampled)):
    print(f"{name:17} mean {ops.mean(out):5.2f}, deviation {ops.std(out):.2f}")

# %% [markdown] slideshow={"slide_type": "subslide"}
# The second line is far from 0 and 1. The averages start at $m = 0$ and $v = 1$, each
# batch moves them by one hundredth of the way, and two batches have passed. How much of the
# start is left after a number of steps?

# %% tags=["nbval-check-output"]
for number in (1, 10, 100, 300, 1_000):
    print(f"after {number:5,} steps: {0.99**number:.0%}")


# %% [markdown]
# So in its first hundred steps a generator draws badly for two reasons: it has learnt
# little, and its averages lag behind.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The generator
#
# One hundred standard normal numbers $z$ are spread by a dense layer over a map of 7 × 7
# places with 256 channels. Three transposed convolutions follow. The first mixes channels,
# the others double the sides, to 14 and to 28, while the channels go down: 256, 128, 64, 1.


# %% tags=["mirrors"] slideshow={"slide_type": "subslide"}
class Generator(keras.Model):
    def __init__(self, latent_dim=100, channels=1):
        plain = {"kernel_size": 5, "padding": "same", "use_bias": False}
        z = keras.Input((latent_dim,), name="z")
        h = layers.Dense(7 * 7 * 256, use_bias=False, name="hidden")(z)
        h = layers.LeakyReLU(0.3)(layers.BatchNormalization(name="norm1")(h))
        h = layers.Reshape((7, 7, 256), name="reshape")(h)
        # stays (n, 7, 7, ...)
        h = layers.Conv2DTranspose(128, **plain, name="deconv1")(h)
        h = layers.LeakyReLU(0.3)(layers.BatchNormalization(name="norm2")(h))
        # to (n, 14, 14, 64)
        h = layers.Conv2DTranspose(64, strides=2, **plain, name="deconv2")(h)
        h = layers.LeakyReLU(0.3)(layers.BatchNormalization(name="norm3")(h))
        # to (n, 28, 28, channels)
        last = {"strides": 2, "activation": "tanh", "name": "pixels"}
        x = layers.Conv2DTranspose(channels, **plain, **last)(h)
        super().__init__(z, x, name="generator")
        self.latent_dim = latent_dim


# %% [markdown] slideshow={"slide_type": "subslide"}
# The **leaky ReLU** between the layers passes positive numbers on as they are, and negative
# ones times 0.3. A plain ReLU is flat below zero, and no gradient passes a flat place. Here
# all that the generator ever learns from comes as a gradient *through* the discriminator, so
# each unit on the way should pass some of it on. (Radford and co-authors have a plain ReLU
# in the generator, and a slope of 0.2 in the discriminator. The networks here are the
# lecture's, whose slope is Keras's default.)

# %% slideshow={"slide_type": "subslide"}
network_diagram(layer_table(Generator(), tf.zeros((1, 100))), "generator")


# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: the generator's layers as boxes from top to bottom. The first has 12,544 numbers
# and more than half of all parameters; the maps then grow from 7 by 7 to 28 by 28 while
# their channels fall from 256 to 1.*

# %% [markdown] slideshow={"slide_type": "subslide"}
# > **The lecture's program** writes `units=7*7*BATCH_SIZE`, and uses `BATCH_SIZE` as the
# > number of channels in two more places. Both numbers happen to be 256, so it runs. Whoever
# > lowers the batch size, because the memory is short, gets another network without
# > noticing:


# %% tags=["nbval-check-output"]
def numbers_with(channels):
    norm = 4  # numbers of a channel: gamma, beta, and the two averages
    hidden = (100 + norm) * 49 * channels
    first = (25 * channels + norm) * 128
    return hidden + first + (25 * 128 + norm) * 64 + 25 * 64


assert Generator().count_params() == numbers_with(256) == 2_330_944
for size in (256, 128, 64):
    print(f"BATCH_SIZE = {size:3}: a generator of {numbers_with(size):9,} numbers")


# %% [markdown] slideshow={"slide_type": "slide"}
# ## The discriminator
#
# Two convolutions with stride 2, then one dense layer that weighs all 6,272 numbers of the
# last map. No batch normalization here, other than in Radford's networks: so each image is
# judged by itself. Instead **dropout**: in training each number is set
# to zero with probability 0.3, and the others are divided by 0.7. A discriminator that
# cannot rely on any single trace of a fake should learn its real digits by heart less
# quickly, and be less sure of its answers; exercise 4 looks whether it does.


# %% tags=["mirrors"]
class Discriminator(keras.Model):
    def __init__(self, channels=1):
        half = {"kernel_size": 5, "strides": 2, "padding": "same"}
        x = keras.Input((28, 28, channels), name="x")
        h = layers.Conv2D(64, **half, name="conv1")(x)  # (n, 14, 14, 64)
        h = layers.Dropout(0.3, name="dropout1")(layers.LeakyReLU(0.3)(h))
        h = layers.Conv2D(128, **half, name="conv2")(h)  # (n, 7, 7, 128)
        h = layers.Dropout(0.3, name="dropout2")(layers.LeakyReLU(0.3)(h))
        h = layers.Flatten(name="flatten")(h)
        super().__init__(x, layers.Dense(1, name="logit")(h), name="discriminator")


# %% [markdown] slideshow={"slide_type": "subslide"}
# Its answer is a logit, $\ell = \log D - \log(1 - D)$.
#
# > **The lecture's text** gives $D$ a probability, its program a logit. The loss there
# > knows it (`from_logits=True`) and is right; a sigmoid at the end of the network as well
# > would have been wrong.

# %% slideshow={"slide_type": "subslide"}
network_diagram(layer_table(Discriminator(), tf.zeros((1, 28, 28, 1))), "discriminator")

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: the discriminator's layers as boxes from top to bottom, from maps of 14 by 14 by
# 64 over 7 by 7 by 128 to one logit. Nearly all parameters sit in the second convolution.*

# %% [markdown] slideshow={"slide_type": "subslide"}
# It is the smaller of the two by a factor of eleven. Does that make it the weaker player?
# "Who leads?" below looks at that.

# %% tags=["nbval-check-output"]
counts = Generator().count_params(), Discriminator().count_params()
assert counts == (2_330_944, 212_865)
print("generator {:,}, discriminator {:,}".format(*counts))


# %% [markdown] slideshow={"slide_type": "slide"}
# ## The losses
#
# Those of lesson 5, on logits: a cross-entropy for the discriminator, and for the generator
# the non-saturating $-\log D(G(z))$.


# %% tags=["mirrors"]
def discriminator_loss(real_logits, fake_logits):
    return ops.mean(ops.softplus(-real_logits)) + ops.mean(ops.softplus(fake_logits))


def generator_loss(fake_logits, kind="non_saturating"):
    if kind == "non_saturating":
        return ops.mean(ops.softplus(-fake_logits))
    if kind == "saturating":
        return -ops.mean(ops.softplus(fake_logits))
    raise ValueError(f'kind is {kind!r}; it must be "non_saturating" or "saturating".')


# %% [markdown] slideshow={"slide_type": "subslide"}
# Keras has the same thing under the name of binary cross-entropy, with ones as the label of
# real images and zeros as that of fakes. We compare.

# %% tags=["nbval-check-output"]
entropy = keras.losses.BinaryCrossentropy(from_logits=True)
real_logits, fake_logits = (
    tf.constant(rng.normal(0, 3, (64, 1)), tf.float32) for _ in range(2)
)
theirs = entropy(tf.ones_like(real_logits), real_logits)
theirs += entropy(tf.zeros_like(fake_logits), fake_logits)
ours = discriminator_loss(real_logits, fake_logits)
assert math.isclose(theirs, ours, rel_tol=1e-5)  # sums of 64 in float32
print(f"Keras {theirs:.4f}, ours {ours:.4f} nats")


# %% [markdown]
# > **The lecture's program** spells one of these `tf.zeros_liks`, and calls
# > `train(train_dataset, ...)` for a data set that it named `training_dataset`. It stops
# > with an `AttributeError` or a `NameError`. Such errors are the kind ones: they speak. The
# > others in these asides do not.
# >
# > Its text calls the game zero-sum. With the non-saturating loss it is not one (lesson 5):
# > both players can lose at once.

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### What does an untrained pair say?
#
# Two small functions give logits and the mean of $D$; a third reports on a whole pair.


# %%
def logits_of(discriminator, x):
    return discriminator(tf.constant(2 * x - 1), training=False)


def mean_D(discriminator, x):
    return float(ops.mean(ops.sigmoid(logits_of(discriminator, x))))


def report(discriminator, real, fakes):
    """Means of D, the share told right, and both losses."""
    of_real, of_fakes = (logits_of(discriminator, x) for x in (real, fakes))
    means = [float(ops.mean(ops.sigmoid(logits))) for logits in (of_real, of_fakes)]
    right = np.concatenate([of_real > 0, of_fakes < 0]).mean()
    print("mean D of real digits {:.3f}, of fakes {:.3f}".format(*means))
    d_loss, g_loss = discriminator_loss(of_real, of_fakes), generator_loss(of_fakes)
    print(f"told right: {right:.0%}; losses {d_loss:.3f} and {g_loss:.3f} nats")
    return means


# %% [markdown] slideshow={"slide_type": "subslide"}
# **Predict before you run.** Nobody has learnt anything. How probable does the discriminator
# find it that a real digit is real? And a fake? How many of both does it get right?

# %%
seed_everything(0)
generator, discriminator = Generator(), Discriminator()
z = np.random.default_rng(0).standard_normal((100, 100), dtype=np.float32)
means = report(discriminator, test.x[:100], generate(generator, z))
assert all(abs(mean - 0.5) < 0.1 for mean in means)
print(f"ln 4 = {math.log(4):.3f}, ln 2 = {math.log(2):.3f}")


# %% [markdown]
# > **The lecture's text** takes $D = 1/2$ everywhere as the sign that the game has
# > converged. At the equilibrium $D$ is one half, that is right. The converse is false: a
# > discriminator that never learnt says one half too, and the losses stand near $\ln 4$ and
# > $\ln 2$ before the first step. To know whether samples are good one must measure samples.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## One step
#
# Two losses, two networks, and each network follows its own loss only. A **tape** records
# what is computed; asked for a gradient, it answers for the variables that are named. With
# two tapes, one pass through both networks serves both questions.


# %% tags=["mirrors"] slideshow={"slide_type": "subslide"}
def simultaneous_step(
    generator,
    discriminator,
    real,
    z,
    generator_optimizer,
    discriminator_optimizer,
):
    with tf.GradientTape() as g_tape, tf.GradientTape() as d_tape:
        fake = generator(z, training=True)
        real_logits = discriminator(real, training=True)
        fake_logits = discriminator(fake, training=True)
        d_loss = discriminator_loss(real_logits, fake_logits)
        g_loss = generator_loss(fake_logits)
    g_weights = generator.trainable_variables
    d_weights = discriminator.trainable_variables
    g_gradients = g_tape.gradient(g_loss, g_weights)
    d_gradients = d_tape.gradient(d_loss, d_weights)
    generator_optimizer.apply(g_gradients, g_weights)
    discriminator_optimizer.apply(d_gradients, d_weights)
    return d_loss, g_loss


# %% [markdown] slideshow={"slide_type": "subslide"}
# Both gradients belong to the networks as they were before the step: the players move
# **at once**. In lesson 5 they took turns, and the generator met a discriminator that had
# just moved. In the smallest of all games (lesson 6) the order mattered: in turns it circles,
# at once it spirals outwards. This lesson follows the lecture's program, and `train_gan` plays the
# step above unless it is handed another one; the weights that ship were trained in turns.
#
# > **The lecture's text** says that training alternates, one epoch for each. Its program
# > does what you see above, both in every step. (Lesson 9 has this step in PyTorch.)
# >
# > It also draws 256 latent points whatever the number of real images. Data sets are rarely
# > a multiple of the batch size:

# %% tags=["nbval-check-output"]
full, rest = divmod(60_000, 256)
print(f"60,000 digits: {full} batches of 256, and a last one of {rest}")
print(f"a digit of the last batch counts {256 / rest:.1f} times as much")


# %% [markdown]
# > In that last step 96 real digits meet 256 fakes, and the mean of each kind has the same
# > weight. It is no catastrophe, once in 235 steps. `train_gan` deals full batches only; what is left over
# > comes in the next pass, which has another order.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What `tf.function` is worth
#
# Run as it stands, the step is Python, which calls TensorFlow for each layer, gradient and
# update. `tf.function` traces it once and keeps the graph. The lecture says that leaving it
# out doubles the time. Does it? The two programs are timed alternately, so that a busy
# moment of the machine hits both, for a small batch and a larger one.


# %%
def programs(size):
    players = Generator(), Discriminator()
    optimizers = [keras.optimizers.Adam(1e-4) for _ in players]
    for optimizer, network in zip(optimizers, players):
        optimizer.build(network.trainable_variables)  # a graph cannot make variables
    real = tf.constant(2 * train.x[:size] - 1)
    z = tf.random.stateless_normal((size, 100), (0, 0))

    def plain():
        return simultaneous_step(*players, real, z, *optimizers)

    return plain, tf.function(plain)


# %% [markdown] slideshow={"slide_type": "skip"}
# (`without_remapping` switches one optimization of graphs off, which TensorFlow tries on
# leaky ReLUs and then takes back with an error message. `train_gan` does the same.)


# %% slideshow={"slide_type": "skip"}
def seconds_of(program):
    start = time.perf_counter()
    float(program()[0])
    return time.perf_counter() - start


with without_remapping():
    for size in budget(smoke=(2,), lecture=(4, 64), full=(4, 64, 256)):
        plain, compiled = programs(size)
        plain(), compiled()  # the first call of each is slower
        times = [(seconds_of(plain), seconds_of(compiled)) for _ in range(turns)]
        medians = [statistics.median(row) for row in zip(*times)]
        ratio, (slow, fast) = medians[0] / medians[1], (1e3 * t for t in medians)
        print(
            f"batch {size:2}: {slow:.0f} ms plain, {fast:.0f} compiled: {ratio:.1f} times"
        )

# %% [markdown] slideshow={"slide_type": "subslide"}
# Part of what is saved is Python's own time, which is the same for any batch: the more
# arithmetic a step has, the less that part matters. So the lecture's claim needs a batch
# size and a machine. Here are both, from `tools/measure/benchmark_dcgan.py`:

# %%
benchmark = read_result("benchmark_dcgan")
table = benchmark["step"]
slow, fast = (table[name]["milliseconds_a_step"] for name in list(table)[:2][::-1])
print(f"batch {benchmark['batch']} on {benchmark['machine']}:")
print(f"{slow:.0f} ms plain, {fast:.0f} compiled: {slow / fast:.2f} times")


# %% [markdown]
# So the lecture is about right at its own batch size, and far too modest at a small one.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## From scratch
#
# Now the game, for a few hundred steps. A History of the losses comes back at the end. To see
# something meanwhile, `watch` is called every so often: we draw what the generator makes of
# sixteen latent points, always the same ones, and record what the discriminator thinks of
# held-out digits and of fakes.


# %% slideshow={"slide_type": "subslide"}
class Watcher:
    def __init__(self, generator, discriminator):
        self.players = generator, discriminator
        self.z = np.random.default_rng(1).standard_normal((100, 100)).astype("f4")
        self.seen, self.film = History(), []
        self.display = None

    def __call__(self, step):
        generator, discriminator = self.players
        fakes = generate(generator, self.z)
        D_real = mean_D(discriminator, test.x[:100])
        self.seen.append(step=step, real=D_real, fake=mean_D(discriminator, fakes))
        self.film.append(fakes[:16])
        if self.display is None:
            self.display = display(self.figure(), display_id=True)
        else:
            self.display.update(self.figure())

    def figure(self):
        fig, (left, right) = plt.subplots(1, 2, figsize=(9, 4), width_ratios=(2, 3))
        left.imshow(tile(self.film[-1], 4).squeeze(), vmin=0, vmax=1)
        left.axis("off")
        right.plot(self.seen["step"], self.seen["real"], "o-", label="held-out digits")
        right.plot(self.seen["step"], self.seen["fake"], "s--", label="fakes")
        right.set(xlabel="steps", ylabel="mean D (probability)", ylim=(0, 1))
        right.legend()
        plt.close(fig)
        return fig


# %% [markdown] slideshow={"slide_type": "subslide"}
# The lecture's learning rate, 1e-4 with Adam as Keras has it, is slow for a class. Radford
# and co-authors recommend 2e-4 and a shorter memory, $\beta_1 = 0.5$; we take theirs here.
# After every round (`every` steps) the game is saved in a folder, which we need further
# down.

# %% slideshow={"slide_type": "subslide"}
radford = {"learning_rate": 2e-4, "betas": (0.5, 0.999), "batch_size": batch_size}
recipe = Recipe(simultaneous_step, **radford)
folder = tempfile.TemporaryDirectory()
checkpoints = Checkpoints(folder.name)
seed_everything(0)
players = Generator(), Discriminator()
watcher = Watcher(*players)
watcher(0)
game = Game(*players, train.x, recipe, seed=0)
history = train_gan(
    game, steps, every=every, watch=watcher, checkpoints=checkpoints
).require_complete()

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: left, sixteen fakes after the last step, blots and broken strokes. Right, the mean
# of D against the steps, for held-out digits and for fakes. Both curves start at one half,
# part for a while, meet and cross.*

# %% [markdown]
# The way there, and the losses.

# %% slideshow={"slide_type": "subslide"}
shown = np.linspace(0, len(watcher.film) - 1, min(6, len(watcher.film))).astype(int)
mosaic(
    np.concatenate([watcher.film[i][:10] for i in shown]),
    columns=10,
    row_labels=[f"step {watcher.seen['step'][i]:.0f}" for i in shown],
)

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: one row for each of six moments of the training, ten fakes in each, made from the
# same latent points. Even grey at first, then a grid of dots, then strokes in the middle; the
# last row is more broken up than those before.*

# %% slideshow={"slide_type": "subslide"}
at = every * np.arange(1, len(history) + 1)
plt.plot(at, history["discriminator_loss"], "o-", label="discriminator")
plt.plot(at, history["generator_loss"], "s--", label="generator")
for value, name in ((math.log(4), "ln 4"), (math.log(2), "ln 2")):
    plt.axhline(value, color="black", linestyle=":", linewidth=1.5)
    plt.text(at[-1], value, name, ha="right", va="bottom")
plt.xlabel("steps")
plt.ylabel(f"loss, mean of {every} steps (nats)")
plt.legend(loc="center right")
plt.show()

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: both losses against the steps, each beside its dotted line: the discriminator's
# near ln 4 after a dip, the generator's near ln 2 and then slightly above.*

# %% [markdown] slideshow={"slide_type": "subslide"}
# There are the first strokes, and there are the checkerboards. And there is the trap: by
# the lecture's sign this game has nearly converged. The losses come close to $\ln 4$ and
# $\ln 2$, and $D$ to one half, for digits as for blots. Neither loss says how good the
# samples are, since each is measured against an opponent who changes.
#
# For samples there is a score. A small classifier of digits looks at fakes and at real
# digits. What its last hidden layer sees has a mean and a covariance for each of the two
# sets, $m_1, S_1$ and $m_2, S_2$, and the **Fréchet distance** compares them:
#
# $$
# \lVert m_1 - m_2 \rVert^2 + \mathrm{tr}\big( S_1 + S_2 - 2 (S_1 S_2)^{1/2} \big) .
# $$
#
# Two sets of *real* digits are not at distance zero either. Behind each value stands what a
# perfect sampler would get, mean and standard deviation. (Lesson 10 takes this score apart.)

# %% slideshow={"slide_type": "subslide"}
judge_z = np.random.default_rng(2).standard_normal((samples, 100)).astype("float32")


def frechet(generator):
    return digit_scores(generate(generator, judge_z), test.x).frechet


young = frechet(players[0])
print(f"untrained: Fréchet distance {frechet(Generator()).value:.0f}")
print("after", steps, "steps:", young)
assert young.value > young.floor

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Who leads?
#
# "We use the same learning rate for both", says the lecture, "because they need to improve
# their accuracy at approximately equal speeds". Two claims are in this sentence. The first,
# that equal rates make equal speeds, can be looked at in a minute. We play the opening of
# the game above again, from the same weights, with a discriminator whose rate is a quarter
# of the generator's, and four times as large. A discriminator that is of no use has the
# loss $\ln 4 = 1.386$ nats; it leads when its loss is far below. A generator that fools
# it in more than half of the cases has a loss below $\ln 2 = 0.693$.

# %% slideshow={"slide_type": "subslide"}
rounds = min(2, len(history))
races = {1.0: history}
for factor in (0.25, 4.0):
    seed_everything(0)
    pair = Generator(), Discriminator()
    faster = replace(recipe, discriminator_learning_rate=factor * recipe.learning_rate)
    race = Game(*pair, train.x, faster, seed=0)
    races[factor] = train_gan(race, rounds * every, every=every).require_complete()
for factor in sorted(races):
    d_loss = races[factor]["discriminator_loss"][rounds - 1]
    g_loss = races[factor]["generator_loss"][rounds - 1]
    print(f"rate times {factor:4}: discriminator {d_loss:.3f}, generator {g_loss:.3f}")

# %% [markdown] slideshow={"slide_type": "subslide"}
# The rates decide who leads in the opening. At a quarter the discriminator is worse than
# useless: what it has learnt of earlier fakes is wrong for those of now. At equal rates it
# leads a little, small as it is; at four times, the generator hardly gets a word in. Equal
# rates are not equal speeds.
#
# The other claim is that the game needs the balance to converge. That takes longer than a
# lecture, and cannot be seen in the losses. `tools/measure/learning_rates.py` played on with
# the same three factors, at the lecture's own Adam, from three seeds each, and scored
# samples at the end.

# %% tags=["nbval-check-output"]
record = read_result("learning_rates")
print(f"after {record['steps']:,} steps of {record['batch']} images:")
for factor, runs in record["runs"].items():
    ends = sorted(run["scores"][-1]["frechet"] for run in runs.values())
    losses = [run["losses"]["discriminator_loss"][-1] for run in runs.values()]
    print(f"rate times {factor:4}: Fréchet distances", *(f"{end:5.0f}" for end in ends))
    print(f"{'':17}discriminator's losses", *(f"{loss:.2f}" for loss in losses))

# %% [markdown] slideshow={"slide_type": "subslide"}
# Three runs a line, and they scatter widely; and none of these games has come to rest. But if
# equal rates were needed, the middle line would have to be the best, and it is not: here the
# game does better when the discriminator is ahead, and its low loss is no bad sign. (The
# shipped recipe has equal rates and lets the discriminator move first.) Heusel and
# co-authors (2017) argue for *different* rates, and give conditions under which they
# converge.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Cut off, and taken up
#
# A training of hours will be cut off one day. Then a **checkpoint** decides what is lost.
# The weights are not enough: Adam keeps two moments for each of them, batch normalization
# its averages; the order of the digits and all noise must go on where they stopped. In
# `train_gan` everything that is drawn follows from the seed and the number of the step, so
# that weights, averages, moments and the number suffice.
#
# **Predict before you run.** Our game from scratch lies in its folder, its last three rounds
# to be exact; older files go, or they would fill the disk. Say that the power
# failed in the last round: the last file goes, and new networks, which start from other
# weights, take the game up from the file before. How much does the end differ?

# %%
kept = checkpoints.steps()
last = max(Path(folder.name).iterdir())
last.unlink()
print("checkpoints after steps", kept, "and the last one is lost")
seed_everything(99)
others = Generator(), Discriminator()
game = Game(*others, train.x, recipe, seed=0)
resumed = train_gan(
    game, steps, every=every, checkpoints=checkpoints, resume=True
).require_complete()


# %% [markdown] slideshow={"slide_type": "subslide"}
# Histories are equal when all their numbers are, bit for bit; and so are the weights, of
# which the running averages are part.


# %% tags=["nbval-check-output"]
def same_weights(network, other):
    one, two = export_weights(network), export_weights(other)
    return all(np.array_equal(array, two[name]) for name, array in one.items())


assert resumed == history
assert all(map(same_weights, players, others))
print("the resumed game and the game without a break: no difference")

# %% [markdown]
# And if there is no file?

# %% tags=["nbval-check-output"]
nothing = Checkpoints("wrong_folder")
try:
    train_gan(game, steps, every=every, checkpoints=nothing, resume=True)
except CheckpointError as error:
    print(error)

# %% [markdown] slideshow={"slide_type": "subslide"}
# > **The lecture's program** restores `tf.train.latest_checkpoint(folder)`. It never makes
# > that folder, nor those for its pictures and losses. Where there is no checkpoint,
# > `latest_checkpoint` returns `None`, and to restore `None` is allowed: it does nothing,
# > and says nothing.

# %% tags=["nbval-check-output"]
before = export_weights(players[0])
latest = tf.train.latest_checkpoint("wrong_folder")
tf.train.Checkpoint(generator=players[0]).restore(latest)
after = export_weights(players[0])
unchanged = all(np.array_equal(before[name], after[name]) for name in before)
print(f"latest checkpoint: {latest}; weights as before: {unchanged}")

# %% [markdown] slideshow={"slide_type": "subslide"}
# > What then follows, "exploring the latent space", would explore the random network of
# > the start. It keeps its losses as the text of a Python list. What comes back from that?

# %% tags=["nbval-check-output"]
text = str([np.float32(0.6931), np.float32(1.3863)])
print(text)
try:
    ast.literal_eval(text)
except ValueError:
    print("cannot be read back")
path = Path(folder.name) / "losses.json"
history.save(path)
assert History.load(path) == history
folder.cleanup()

# %% [markdown]
# `History.save` writes JSON, which any language reads, and reads back the same bits.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Trained for hours
#
# The weights that ship with the course belong to these networks. They were trained for
# longer, by a recipe with some of the remedies of lesson 7; the card tells which.

# %%
about = card("dcgan")
for key in ("data", "epochs", "recipe", "trained_in"):
    print(f"{key}: {about[key]}")
generator = load_pretrained(Generator(), "dcgan", part="generator")
discriminator = load_pretrained(Discriminator(), "dcgan", part="discriminator")

# %% [markdown] slideshow={"slide_type": "subslide"}
# One file serves both frameworks, with names and layouts that are converted when it is read.
# Its card keeps some numbers, against which this can be checked.

# %%
sample = about["sample"]
z = np.random.default_rng(sample["seed"]).standard_normal((8, 100), dtype=np.float32)
images = generate(generator, z)
logits = discriminator(tf.constant(2 * images - 1), training=False)
# sums of up to 6,400 products in float32, in another order than where the card was written
np.testing.assert_allclose(images.mean(axis=(1, 2, 3)), sample["grey"], atol=1e-4)
np.testing.assert_allclose(logits[:, 0], sample["logits"], atol=1e-3)

# %% [markdown]
# A hundred samples, not chosen: the first hundred latent points of a seed.

# %% slideshow={"slide_type": "subslide"}
mosaic(generate(generator, judge_z[:100]), columns=10)

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: a hundred generated digits in ten rows. Most can be read at once; some are no
# digit.*

# %% [markdown] slideshow={"slide_type": "subslide"}
# In numbers, beside the young generator and the floor. And what does its discriminator say?

# %%
old = frechet(generator)
print("trained for hours, Fréchet distance", old)
print(f"after {steps} steps: {young.value:.1f}")
assert old.value < young.value
_ = report(discriminator, test.x[:500], generate(generator, judge_z[:500]))

# %% [markdown]
# Compare with the untrained pair above. The samples are worlds apart, and the mean of $D$ is
# one half in both cases, and the losses are nearly the same. Only the share told right differs:
# the untrained logits lie on one side of zero or the other by the chance of their first
# weights, the trained ones are small and mostly on the right side. So this game has not
# converged either, and the distance, several times what a perfect sampler would get, agrees.
#
# > **The lecture** trains for 30 epochs in its program, for 100 in its text, and shows the
# > film of one of them. Which is it? A card beside the weights answers such questions.

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### The film
#
# While the shipped generator was trained, it drew the same 64 latent points after each
# epoch.
#
# ![64 generated digits change from epoch to epoch, quickly at first](../course_utils/records/results/dcgan_film.gif)
#
# *Figure: an animation of 64 generated digits in a square, one picture an epoch. Digits can
# be read soon; later many still change, some even their class, while strokes become
# cleaner.*
#
# It begins slower than our own training, as it shows a running mean of the generator's
# weights, in which the start is remembered for a thousand steps or so.
#
# On paper a film stands still, so here are four of its pictures.

# %% slideshow={"slide_type": "subslide"}
with Image.open(RESULTS / "dcgan_film.gif") as film:
    frames = [np.asarray(f.convert("L")) for f in ImageSequence.Iterator(film)]
chosen = np.unique(np.geomspace(1, len(frames), 4).round().astype(int))
fig, square = plt.subplots(2, 2, figsize=(7, 7.5), layout="constrained")
for axes, number in zip(square.flat, chosen):
    axes.imshow(frames[number - 1], vmin=0, vmax=255)
    axes.axis("off")
plt.show()

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: four pictures of the film, 64 digits in each, with the epoch above: noise after the
# first, crude digits after the third, and between the tenth and the thirtieth less and less
# to tell apart.*

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### Going on
#
# Trained weights are a place to start from. We load them, play a few more steps, and look
# whether anything improves. The two that ship did not quite play each other: the generator
# is a running mean over many steps. And Adam's moments start from zero.

# %% slideshow={"slide_type": "subslide"}
before = generate(generator, judge_z[:10])
going_on = replace(recipe, learning_rate=1e-5)
game = Game(generator, discriminator, train.x, going_on, seed=1)
train_gan(game, more_steps, every=more_steps)
after = generate(generator, judge_z[:10])
print(f"Fréchet distance before {old.value:.2f}, after {frechet(generator).value:.2f}")
pictures = np.concatenate([before, after, np.abs(after - before)])
mosaic(pictures, columns=10, row_labels=["before", "after", "change"])

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: ten digits before and after a few more steps, from the same latent points, and
# below how much each pixel has changed: some greys at the edges of strokes.*

# %% [markdown]
# The distance has moved by far less than its scatter. A few steps neither mend nor spoil.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What could go wrong
#
# - **A step that trains both networks on one loss.** Each tape must be asked for one
#   network's variables only.
# - **Evaluation mode forgotten, or used too early.** Without `training=False` a sample
#   depends on its neighbours in the batch; with it, a young generator draws from averages
#   that still remember their start.
# - **A constant with two jobs.** `BATCH_SIZE` as a number of channels.
# - **A silent restore.** Check that a checkpoint was found, and compare a number.
# - **Weights without the rest.** Without Adam's moments a resumed run is another run.
# - **One half taken for success.** Measure samples, beside a floor.
# - **A speed-up without its circumstances.** Batch size and machine belong to it.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Summary
#
# | layer | what it is for |
# |---|---|
# | transposed convolution | from small maps to large ones; uneven overlap makes checkerboards |
# | batch normalization | keeps numbers in range; batch in training, averages for samples |
# | leaky ReLU | lets the gradient through everywhere |
# | dropout | keeps the discriminator from being sure too early |
# | tanh, logit | pixels in [-1, 1]; $D$ through a sigmoid, in the loss |
#
# One step: one pass, two tapes, two optimizers, both at once. To take a game up again one
# needs weights, averages, moments and the number of the step.

# %% [markdown] slideshow={"slide_type": "skip"}
# ## Exercises
#
# [The set of this lesson](exercises/08_dcgan_keras.ipynb) has stubs to fill in, and checks that
# answer. Here are questions to think about without a net.
#
# 1. *Easy, 10 minutes.* Which kernel sizes at stride 2 make equally many stamps meet in each
#    pixel, away from the border? Answer on paper, then make a new `stamp` with that size.
# 2. *Medium, 30 minutes.* Give a `Watcher` two Fréchet distances after each round, one of
#    fakes drawn with `training=True` and one with `training=False`. (A pass with
#    `training=True` also moves the averages: draw with a copy of the generator.) After how
#    many steps do they agree within the scatter?
# 3. *Medium, 40 minutes.* Write an alternating step with the arguments of the one above, and
#    hand it to a `Recipe`. Play both for 300 steps from three seeds each.
#    Are their Fréchet distances further apart than those of two seeds?
# 4. *Medium, 30 minutes.* Take dropout away, for three seeds. What happens to the two curves
#    of mean $D$, and to the share told right?
# 5. *Hard, 40 minutes.* Replace each strided transposed convolution by `UpSampling2D` and a
#    convolution. Are the checkerboards gone? How many milliseconds does a step cost now?
# 6. *Hard, 40 minutes.* Play 150 steps and keep only the weights (`export_weights`,
#    `import_weights` in `course_utils.tfkeras.weights`); play 150 more in new networks that
#    take them up, from a new seed, so that Adam's moments start from zero. Compare the
#    Fréchet distance with those of games of 300 steps without a break, from three seeds.
#    Does the loss of the moments show?

# %% [markdown] slideshow={"slide_type": "skip"}
# ## References
#
# - I. J. Goodfellow and others, *Generative adversarial nets*, 2014,
#   [arXiv:1406.2661](https://arxiv.org/abs/1406.2661).
# - A. Radford, L. Metz and S. Chintala, *Unsupervised representation learning with deep
#   convolutional generative adversarial networks*, 2016,
#   [arXiv:1511.06434](https://arxiv.org/abs/1511.06434).
# - S. Ioffe and C. Szegedy, *Batch normalization: accelerating deep network training by
#   reducing internal covariate shift*, 2015,
#   [arXiv:1502.03167](https://arxiv.org/abs/1502.03167).
# - A. Odena, V. Dumoulin and C. Olah, *Deconvolution and checkerboard artifacts*, Distill,
#   2016, [doi:10.23915/distill.00003](https://doi.org/10.23915/distill.00003).
# - M. Heusel and others, *GANs trained by a two time-scale update rule converge to a local
#   Nash equilibrium*, 2017, [arXiv:1706.08500](https://arxiv.org/abs/1706.08500).
# - M. Hjorth-Jensen, *Advanced machine learning and data analysis for the physical
#   sciences*, week 14, 2024.
