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
#
# ## The question
#
# In lessons 5 to 7 a generator made a few numbers. Now a hundred random numbers go in, and a digit
# of 784 pixels comes out. **How does noise become a digit, layer by layer? And how do you
# know that hours of training were worth it?**
#
# <!-- notes: Ask: what does a network have to know about pictures that it need not know about
# points in a plane? Wait for "neighbouring pixels belong together". -->

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
# @title Set-up: imports; the course's part for Keras first, it starts TensorFlow quietly
import math
import tempfile

import numpy as np
from IPython.display import display
from PIL import Image, ImageSequence

from course_utils.budget import budget
from course_utils.data.mnist import load_mnist
from course_utils.figures.diagrams import gan_diagram
from course_utils.figures.digit_rows import labelled_rows, mosaics
from course_utils.figures.feature_maps import (
    digits_of_frame,
    feature_maps,
    losses_below_digits,
    stamp_counts,
)
from course_utils.figures.style import mosaic, use_course_style
from course_utils.metrics.digits import digit_scores
from course_utils.records import RESULTS
from course_utils.records.checkpoints import Checkpoints
from course_utils.records.history import History
from course_utils.records.recipes import Recipe
from course_utils.tfkeras import networks as finished
from course_utils.tfkeras.device import seed_everything, to_numpy
from course_utils.tfkeras.game import Game
from course_utils.tfkeras.gan import generate
from course_utils.tfkeras.training import train_gan
from course_utils.tfkeras.weights import load_pretrained
from course_utils.weights import card

use_course_style()

# %% tags=["setup"] jupyter={"source_hidden": true} slideshow={"slide_type": "skip"}
# @title Set-up: Keras itself, digits, sizes
import keras
import tensorflow as tf
from keras import layers, ops

limit = budget(smoke=1_000, lecture=5_000, full=None)
train = load_mnist(
    "train", budget(smoke="sample", lecture="sample", full="full"), limit
)
test = load_mnist("test", "sample")
batch_size = budget(smoke=8, lecture=64, full=256)
steps = budget(smoke=2, lecture=300, full=7_020)
every = budget(smoke=1, lecture=25, full=234)
samples = budget(smoke=20, lecture=1_000, full=1_000)


# %% tags=["setup"] jupyter={"source_hidden": true} slideshow={"slide_type": "skip"}
# @title Set-up: `maps_of`, the maps that a network makes on its way
def maps_of(network, x):
    # of each size of map the last output: later ones replace earlier ones
    by_size = {layer.output.shape[1:]: layer.output for layer in network.layers}
    outputs = [output for size, output in by_size.items() if len(size) == 3]
    look = keras.Model(network.input, outputs)
    return [to_numpy(maps)[0] for maps in look(x, training=False)]


# %% [markdown] slideshow={"slide_type": "skip"}
# In 2016 Radford, Metz and Chintala collected layers with which, they found, GANs of images train
# more reliably. They called such a pair **DCGAN**, a deep convolutional GAN. The course ships a
# pair of this kind that was trained for hours. (Its networks are the lecture's. Unlike Radford's
# they have leaky ReLU in the generator, and in the discriminator dropout, not batch normalization.)
#
# We send one latent point $z$ through the shipped pair. (`finished` holds both networks; further
# down we write them ourselves.) `maps_of` returns what a network's layers hand on, as pictures.

# %% slideshow={"slide_type": "subslide"}
trained = load_pretrained(finished.Generator(), "dcgan", part="generator")
judge = load_pretrained(finished.Discriminator(), "dcgan", part="discriminator")
z = np.random.default_rng(0).standard_normal((1, 100), dtype="float32")
up = maps_of(trained, z)
fake = up[-1][None]
_, *down = maps_of(judge, fake)
feature_maps(z[0], up, down, judge(fake, training=False)[0, 0])

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: above, a hundred numbers as stripes, then maps of the generator: 7 by 7 by 256, 7 by 7 by
# 128, 14 by 14 by 64, and a digit. Below, from right to left, the maps of the discriminator and its
# logit. Of each layer sixteen channels are drawn, after its norm and leaky ReLU if it has them.*

# %% [markdown] slideshow={"slide_type": "skip"}
# Read it like a detector. The numbers of `hidden` are laid out as $7 \times 7$ cells, and each cell
# is read out in 256 **channels**. From layer to layer there are more cells and fewer channels. At
# the end there are $28 \times 28$ cells with one reading each: a grey level. You can see the digit
# appear, in `deconv2` already.
#
# The discriminator goes the other way: fewer cells, more channels, and at last one number. This is
# the logit of lesson 5. A positive one says "real", a negative one "fake". Here it is 0.01: this
# discriminator cannot tell.

# %% [markdown] slideshow={"slide_type": "skip"}
# ## You will be able to
#
# - follow a digit through both networks, and say what each kind of layer is for;
# - write a step of the game with two tapes, and say what keeps the players apart;
# - say what a GAN's losses show, and what a Fréchet distance adds;
# - take up a training that was cut off, so that nobody can tell.
#
# ## Before you start
#
# You need lesson 4 (convolutions and stamps, in Keras) and lesson 5 (the game and its losses).
# On two CPU cores all cells take about two minutes. Nothing is downloaded.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Stamps that overlap
#
# A transposed convolution stamps: each number of a small map presses the kernel, multiplied by
# that number, onto a larger map. Where stamps overlap, they are added.
#
# Our kernel is 5 pixels wide, and stamps stand 2 pixels apart.
#
# **Predict before you run.** How many stamps meet in a pixel? Equally many in all?
#
# <!-- notes: Start on a line, not in the plane: let them draw three stamps of width 5 on paper,
# each two squares further. -->

# %% [markdown] slideshow={"slide_type": "skip"}
# Let all weights and all numbers that go in be 1. Then each pixel counts its stamps. For
# comparison we take a kernel of 4, too.


# %% slideshow={"slide_type": "subslide"}
def count_stamps(kernel):
    look = {"strides": 2, "padding": "same", "kernel_initializer": "ones"}
    layer = layers.Conv2DTranspose(1, kernel, **look)
    return to_numpy(layer(np.ones((1, 14, 14, 1))))[0, :, :, 0]


stamp_counts({kernel: count_stamps(kernel) for kernel in (5, 4)})

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: pixels far from the border, with the number of stamps that meet there. Kernel 5: a
# pattern of 9, 6 and 4. Kernel 4: always four. Two neighbouring stamps are framed.*

# %% [markdown]
# **Answer.** Away from the border: nine, six or four. Five pixels in a line hold three positions of
# one parity and two of the other. So every second pixel gets three stamps, the others two. In the
# plane that makes $3 \cdot 3$, $3 \cdot 2$ or $2 \cdot 2$.

# %% [markdown] slideshow={"slide_type": "skip"}
# Away from the border a kernel of 4 gives equal counts: the stride 2 divides 4.
#
# The weights of a new network are random. A sum of nine independent terms scatters more than a sum
# of four, by a factor of $\sqrt{9}/\sqrt{4} = 1.5$. So a young generator tends to draw
# **checkerboards**: a grid of dots (Odena, Dumoulin and Olah, 2016). Before its first step you see
# irregular noise; in our run below the grid is plain at step 50. Training can even it out. Look at
# `deconv2` in the first picture: some channels still have dots.

# %% tags=["proof", "nbval-check-output"] jupyter={"source_hidden": true}
# @title A new layer: how much more do pixels of nine stamps scatter than those of four?
seed_everything(0)
layer = layers.Conv2DTranspose(256, 5, strides=2, padding="same")
drawn = to_numpy(layer(tf.random.stateless_normal((16, 14, 14, 64), (0, 0))))
inner = drawn[:, 4:24, 4:24]
ratio = inner[:, 1::2, 1::2].std() / inner[:, ::2, ::2].std()
# both are means over 256 kernels of 64 channels; the ratio varies by about a percent
assert abs(ratio - 1.5) < 0.05
print(f"In a new layer pixels of nine stamps scatter {ratio:.2f} times as much.")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Batch normalization
#
# From layer to layer numbers may grow or shrink. This layer brings them back. In each channel, $m$
# and $v$ are mean and variance over all images of the batch and all cells:
#
# $$
# h \;\longmapsto\; a \, \frac{h - m}{\sqrt{v + 0.001}} + b, \qquad a, b \text{ learnt.}
# $$
#
# (The 0.001 keeps the root from zero.)
#
# **Predict before you run.** One latent point, twice, in batches with other companions: is it
# the same digit?
#
# <!-- notes: Ask what m and v are computed from. Then ask whether a measured event may depend
# on the other events of its run. -->

# %% [markdown] slideshow={"slide_type": "skip"}
# The layer has two modes. In training it uses the $m$ and $v$ of the batch at hand. For samples
# it uses **running averages** of both, which it has collected on the way. We draw eight points in
# each mode; in training mode each point has seven companions, first those of batch A, then those
# of batch B. (Training mode moves the averages. So we take a copy of the generator.)

# %% slideshow={"slide_type": "subslide"}
copy = load_pretrained(finished.Generator(), "dcgan", part="generator")
rng = np.random.default_rng(5)
points = rng.standard_normal((8, 100), dtype="float32")
rows = {"averages": generate(trained, points)}
for name in ("batch A", "batch B"):
    others = rng.standard_normal((7, 100), dtype="float32")
    batches = [np.concatenate([point[None], others]) for point in points]
    drawn = [to_numpy(copy(batch, training=True))[0] for batch in batches]
    rows[name] = (np.stack(drawn) + 1) / 2
labelled_rows(rows)

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: eight digits, with running averages and in two batches of eight. Some change their
# strokes from row to row, some become other shapes.*

# %% [markdown]
# **Answer.** Not always. In training mode a digit depends on its companions. So for samples we
# say `training=False`.

# %% [markdown] slideshow={"slide_type": "skip"}
# (In larger batches $m$ and $v$ vary less.) The running averages lag
# behind. Each step moves them by a hundredth of the way, so after 100 steps $0.99^{100} = 37\,\%$
# of the start is left. [Deeper: these layers, checked](deeper/08_layers.ipynb).

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The generator
#
# `Dense` spreads $z$ over the $7 \times 7$ cells. Three transposed convolutions follow. Only the
# last two have stride 2.


# %% tags=["mirrors"]
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


# %% [markdown] slideshow={"slide_type": "skip"}
# Three things to notice:
#
# - **No bias.** Batch normalization would subtract it together with the mean. Its own shift $b$
#   takes that place. (`pixels` has no norm behind it, and does without a bias, too. `norm1` comes
#   before the reshape: there each of the 12,544 numbers is its own channel.)
# - **Leaky ReLU.** It passes positive numbers on as they are, and negative ones times 0.3. A
#   plain ReLU is flat below zero, and there no gradient passes.
# - **tanh** gives numbers between $-1$ and 1. So our `Game` below scales real digits to this range,
#   too.
#
# The discriminator has two convolutions with stride 2. It has no batch normalization: each image
# should be judged by itself. Instead there is **dropout**. In training it sets each number to
# zero with probability 0.3, and divides the others by 0.7. It is meant to keep the discriminator
# from relying on a single trace of a fake (exercise 3 takes it away).


# %% tags=["mirrors"] slideshow={"slide_type": "skip"}
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


# %% tags=["mirrors"] jupyter={"source_hidden": true} slideshow={"slide_type": "skip"}
# @title The losses of lesson 5, in Keras
def discriminator_loss(real_logits, fake_logits):
    return ops.mean(ops.softplus(-real_logits)) + ops.mean(ops.softplus(fake_logits))


def generator_loss(fake_logits, kind="non_saturating"):
    if kind == "non_saturating":
        return ops.mean(ops.softplus(-fake_logits))
    if kind == "saturating":
        return -ops.mean(ops.softplus(fake_logits))
    raise ValueError(f'kind is {kind!r}; it must be "non_saturating" or "saturating".')


# %% tags=["proof", "nbval-check-output"] jupyter={"source_hidden": true} slideshow={"slide_type": "skip"}
# @title How many numbers both networks hold
counts = [network.count_params() for network in (Generator(), Discriminator())]
assert counts == [2_330_944, 212_865]
print("Generator: {:,} numbers, discriminator: {:,}.".format(*counts))

# %% [markdown] slideshow={"slide_type": "slide"}
# ## One step, two tapes
#
# Each player has its own loss, and moves its own weights down the slope of this loss: the
# discriminator its $\psi$, the generator its $\theta$.

# %%
shown = test.x[0, :, :, 0], (fake[0, :, :, 0] + 1) / 2
gan_diagram("tapes", "digits", real_image=shown[0], fake_image=shown[1])

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: z goes through the generator to a fake; a fake and a real digit go to the discriminator,
# which gives a logit. Both losses are made of logits. The blue way back (`d_tape`) ends in the
# discriminator, the orange one (`g_tape`) in the generator.*

# %% [markdown] slideshow={"slide_type": "subslide"}
# A **tape** records a computation while it runs. Afterwards one asks it:
# `tape.gradient(loss, variables)`. It answers with the slopes of this loss in the variables that
# are *named*, and in no others. Then it is used up.
#
# We have two questions about one pass. **So there are two tapes.**


# %% tags=["mirrors"]
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


# %% [markdown] slideshow={"slide_type": "skip"}
# Line by line: the fakes are made once, and judged once. `training=True` switches on dropout, and
# in batch normalization the batch's own $m$ and $v$. Each tape is asked one question. Then each
# optimizer moves its own network: `apply` takes the slopes, and the weights that they belong to.
# (One tape with `persistent=True` could be asked twice.)
#
# Both slopes are taken before anybody moves. The players move **at once**. In lesson 5 they
# moved in turns, and the generator met a discriminator that had just moved.
# [Lesson 6](06_game_settles.ipynb) shows on small games what the order can do.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Where is `detach`?
#
# In PyTorch, lesson 5 wrote `discriminator(fake.detach())`. That cut the discriminator's loss off
# from the generator. In the step above nothing is cut.
#
# **Predict before you run.** Ask for the slopes of the *discriminator's* loss in the *generator's*
# weights. What is the answer: nothing, zeros, or numbers?
#
# <!-- notes: Follow the computation aloud: z, generator, fake, discriminator, loss. Is the loss a
# function of the generator's weights? -->

# %% [markdown] slideshow={"slide_type": "skip"}
# We ask a new pair, once as in our step, and once with `tf.stop_gradient`, which is TensorFlow's
# `detach`. `slope_in` returns the length of the gradient, or `None` if the tape knows of no way from
# these variables to the loss. (Dropout is off in the discriminator, so that both lines can be
# compared.)

# %% slideshow={"slide_type": "subslide"}
seed_everything(0)
generator, discriminator = Generator(), Discriminator()
real = tf.constant(2 * train.x[:batch_size] - 1)
some_z = tf.random.stateless_normal((batch_size, 100), (0, 0))


def slope_in(network, cut):
    with tf.GradientTape() as tape:
        fake = generator(some_z, training=True)
        fake = tf.stop_gradient(fake) if cut else fake
        loss = discriminator_loss(discriminator(real), discriminator(fake))
    slopes = tape.gradient(loss, network.trainable_variables)
    return None if slopes[0] is None else round(float(tf.linalg.global_norm(slopes)), 3)


for cut in (False, True):
    in_D, in_G = (slope_in(network, cut) for network in (discriminator, generator))
    print(f"stop_gradient {cut!s:5}: slope in D's weights {in_D}, in G's {in_G}")

# %% [markdown]
# **Answer.** Numbers. Followed downhill, they would make the fakes easier to tell. Only the list of
# names keeps them away from the generator.

# %% [markdown] slideshow={"slide_type": "skip"}
# The discriminator's own slopes are the same in both lines.
#
# Then why not write `stop_gradient` here, for safety? Because here both losses share one pass.
# It would cut the generator's own way as well: all its slopes would be `None`, and its optimizer
# would stop with an error. Lesson 5 could detach because it showed its fakes to the discriminator
# twice.

# %% tags=["proof", "nbval-check-output"] jupyter={"source_hidden": true}
# @title Our step with stop_gradient on its fakes; and one persistent tape
with tf.GradientTape(persistent=True) as one, tf.GradientTape() as other:
    fakes = generator(some_z, training=True)
    real_logits, fake_logits = discriminator(real), discriminator(fakes)
    cut_off = generator_loss(discriminator(tf.stop_gradient(fakes)))
    d_loss = discriminator_loss(real_logits, fake_logits)
    g_loss = generator_loss(fake_logits)
weights = generator.trainable_variables
slopes = one.gradient(cut_off, weights)
assert all(slope is None for slope in slopes)
try:
    keras.optimizers.Adam().apply(slopes, weights)
except ValueError as error:
    print(f"With stop_gradient in the step the generator's Adam says: {error}")
one.gradient(d_loss, discriminator.trainable_variables)
pairs = zip(one.gradient(g_loss, weights), other.gradient(g_loss, weights), strict=True)
assert all(np.allclose(*pair, rtol=1e-4, atol=1e-7) for pair in pairs)  # in float32
assert math.isclose(slope_in(discriminator, False), slope_in(discriminator, True))

# %% [markdown] slideshow={"slide_type": "slide"}
# ## From scratch
#
# Three hundred `steps` with 64 digits each (`batch_size`). A new discriminator knows nothing: its
# logits are near 0, and its loss is near $\ln 4 = 1.386$ nats, the generator's near $\ln 2 = 0.693$.
#
# **Predict before you run.** The fakes will go from grey to strokes. Where will the two losses go?
#
# <!-- notes: Let each student draw two curves before the run starts. Collect the most common
# pair on the board. -->

# %% [markdown] slideshow={"slide_type": "skip"}
# A `Recipe` says how to play; learning rate and `betas` are those of Radford and co-authors. A
# `Game` holds what changes: both networks, an Adam for each, and the number of the step. `film`
# keeps 16 fakes, always from the same latent points. (`generate` calls a generator with
# `training=False`, and returns pixels in $[0, 1]$.)

# %% slideshow={"slide_type": "skip"}
seed_everything(0)
players = Generator(), Discriminator()
latents = np.random.default_rng(1).standard_normal((samples, 100), dtype="float32")
film = {0: generate(players[0], latents[:16])}
adam = {"learning_rate": 2e-4, "betas": (0.5, 0.999)}
recipe = Recipe(simultaneous_step, batch_size=batch_size, **adam)
game = Game(*players, train.x, recipe, seed=0)

# %% [markdown] slideshow={"slide_type": "skip"}
# `train_gan` deals digits and latent points, and calls our step. After every 25 steps it saves the
# game in a folder, for later, and calls `look`, which draws the fakes while we wait.
# (`require_complete` stops here if the game was interrupted.)

# %% slideshow={"slide_type": "subslide"}
folder = tempfile.TemporaryDirectory()
checkpoints = Checkpoints(folder.name)
screen = display(mosaic(film[0], columns=8), display_id=True)


def look(step):
    film[step] = generate(players[0], latents[:16])
    screen.update(mosaic(film[step], columns=8))


history = train_gan(game, steps, every=every, watch=look, checkpoints=checkpoints)
history = history.require_complete()

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: sixteen fakes after the last step: bright strokes on black, hardly a digit.*

# %% [markdown] slideshow={"slide_type": "skip"}
# Between the strokes you still see the checkerboard. Here are four of the fakes at some moments, and
# below them both losses, each the mean of 25 steps.

# %% slideshow={"slide_type": "subslide"}
moments = {step: film[step] for step in list(film)[:: max(1, len(film) // 6)]}
curves = {name: history[f"{name}_loss"] for name in ("discriminator", "generator")}
levels = {"ln 4": math.log(4), "ln 2": math.log(2)}
losses_below_digits(list(film)[1:], curves, moments, levels)

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: above, fakes from grey over dots to strokes. Below, both losses over the steps, with
# dotted lines at ln 4 and ln 2.*

# %% [markdown]
# **Answer.** Both start lower. By step 100 they are back near the values of a pair that knows
# nothing, and stay there, while the fakes go from dots to strokes, now bright, now dim.

# %% [markdown] slideshow={"slide_type": "skip"}
# How can both be low? At first this discriminator calls the fakes real, too: a generator's loss
# below $\ln 2$ means that their logits are positive on average. But it gives real digits larger
# ones, and so its own loss is below $\ln 4$.

# %% tags=["proof"] jupyter={"source_hidden": true}
# @title The losses of a pair before its first step, on held-out digits
seed_everything(0)
new = Generator(), Discriminator()
both = test.x[:500], generate(new[0], latents[:500])
real_logits, fake_logits = (new[1](2 * x - 1, training=False) for x in both)
d_loss, g_loss = (
    discriminator_loss(real_logits, fake_logits),
    generator_loss(fake_logits),
)
assert abs(d_loss - math.log(4)) < 0.1 > abs(g_loss - math.log(2))
print(f"A new pair has the losses {d_loss:.2f} and {g_loss:.2f} nats.")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A score for samples
#
# A small classifier reads fakes and real digits. If it gave *one* number for each image, with means
# $\mu, \mu'$ and standard deviations $\sigma, \sigma'$, the **Fréchet distance** would be
# $(\mu - \mu')^2 + (\sigma - \sigma')^2$. Its last hidden layer gives 64. With their covariances
# $S, S'$ the distance is
#
# $$
# \lVert \mu - \mu' \rVert^2 + \mathrm{tr}\left( S + S' - 2\, (S S')^{1/2} \right) .
# $$
#
# <!-- notes: Let them check that for 1 × 1 matrices the second formula is the first. -->

# %% [markdown] slideshow={"slide_type": "skip"}
# $(S S')^{1/2}$ is a matrix root: its square is the matrix $S S'$. In one dimension the trace is
# $\sigma^2 + \sigma'^2 - 2 \sigma \sigma'$: the first formula. In both cases the distance says how
# far, in mean square, earth must be moved from one normal heap to the other. The classifier's
# numbers serve better than pixels, of which many change when a stroke moves by one.
#
# Two sets of *real* digits are not at distance zero either. So beside each score stands its
# **noise floor**, in brackets: what a perfect sampler gets, give or take a standard deviation.
# We score 1,000 fakes (`samples`). Beside this deviation most of the decimals mean nothing.
# [Lesson 10](10_latent_space.ipynb) takes this score apart.


# %% slideshow={"slide_type": "skip"}
def frechet(generator):
    return digit_scores(generate(generator, latents), test.x).frechet


scores = {f"{steps} steps": frechet(players[0]), "trained for hours": frechet(trained)}
untrained = Generator()
scores["untrained"] = frechet(untrained)
for name, score in scores.items():
    print(f"{name}: {score}")

# %% [markdown] slideshow={"slide_type": "skip"}
# Three generators: before the first step, after our last one, and the one that ships.

# %% slideshow={"slide_type": "subslide"}
drawn = {
    "untrained": untrained,
    f"{steps} steps": players[0],
    "trained for hours": trained,
}
mosaics(
    {
        f"{name}\ndistance {scores[name].value:.0f}": generate(network, latents[:16])
        for name, network in drawn.items()
    },
    columns=4,
)

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: sixteen samples of each: grey, strokes, digits; the distances fall.*

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Killed, and taken up again
#
# A training of hours will be killed one day. What must lie on the disk, so that nobody can tell
# afterwards?
#
# **Predict before you run.** A friend keeps all weights of both networks, the running averages,
# and the number of the step. Is that enough?
#
# <!-- notes: Ask what else changes while a game is played. Someone will name the order of the
# digits. Ask where it comes from here: from the seed and the number of the step. -->

# %% [markdown] slideshow={"slide_type": "skip"}
# We act it: the power fails in the last round, so we delete its file. Then two new pairs, which
# start from other weights, go on from the file before. The first takes up everything. The second
# takes up what the friend kept, and Adam starts afresh. (In `train_gan` the order of the digits and
# all noise follow from the seed and the number of the step. The arrays of a checkpoint have names;
# those with `optimizer` are Adam's. `recipe.rates(steps)` lists the learning rates of all steps,
# and `play` plays a step for each that is left.)

# %% slideshow={"slide_type": "skip"}
max(checkpoints.folder.glob("step-*")).unlink()
saved = checkpoints.latest()
print("saved after steps", checkpoints.steps())

seed_everything(99)
second = Generator(), Discriminator()
game = Game(*second, train.x, recipe, seed=0)
resumed = train_gan(game, steps, every=every, checkpoints=checkpoints, resume=True)
resumed = resumed.require_complete()

third = Generator(), Discriminator()
game = Game(*third, train.x, recipe, seed=0)
kept = {key: x for key, x in saved.arrays.items() if "optimizer" not in key}
game.load_state(game.state() | kept)  # what is kept replaces the new; Adam stays new
_ = game.play(recipe.rates(steps)[saved.step :])

# %% [markdown] slideshow={"slide_type": "skip"}
# Ten fakes of each, after the same number of steps:

# %% slideshow={"slide_type": "subslide"}
pairs = {"no break": players, "taken up": second, "Adam afresh": third}
ends = {name: generate(pair[0], latents[:10]) for name, pair in pairs.items()}
change = np.abs(ends["Adam afresh"] - ends["no break"])
labelled_rows(ends | {"difference": change})

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: ten fakes of each. The first two rows are equal; the third has other strokes, and the
# fourth shows how far it is from the first.*

# %% tags=["proof"] jupyter={"source_hidden": true}
# @title Equal bit for bit: history, weights, running averages
folder.cleanup()
assert resumed == history
for one, two in zip(players, second):
    assert all(map(np.array_equal, one.get_weights(), two.get_weights()))
assert np.array_equal(ends["taken up"], ends["no break"])
assert change.max() > 0
print(f"Taken up: no bit differs. Adam afresh: pixels, by up to {change.max():.2f}.")

# %% [markdown]
# **Answer.** No. Adam keeps two moments of each weight, and counts its steps. With them no bit
# differs; without them it is another run.

# %% [markdown] slideshow={"slide_type": "skip"}
# It need not be a worse one (exercise 4).

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The film
#
# While the shipped generator was trained, it drew the same 64 points after each epoch.
#
# ![64 generated digits change from epoch to epoch, quickly at first](../course_utils/records/results/dcgan_film.gif)

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: an animation, a picture an epoch: strokes soon become digits.*
#
# On paper: four of the points after some of its epochs, and below them the recorded losses.

# %% slideshow={"slide_type": "subslide"}
with Image.open(RESULTS / "dcgan_film.gif") as pictures:
    frames = [np.asarray(f.convert("L")) for f in ImageSequence.Iterator(pictures)]
record = History.load(RESULTS / "dcgan_best.json")
last = len(frames)
chosen = {n: digits_of_frame(frames[n - 1]) for n in (1, 2, 4, 8, 16, last)}
curves = {name: record[f"{name}_loss"] for name in curves}
losses_below_digits(range(1, last + 1), curves, chosen, levels, "epochs")

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: above, four points, from traces to digits, of which not each is clean. Below, over a
# logarithmic axis, both losses: nearly level lines beside the dotted ones.*

# %% [markdown] slideshow={"slide_type": "skip"}
# The card beside the weights keeps Fréchet distances of some epochs. These are scores of averaged
# weights (a running mean, lesson 7), which after one epoch still remember the grey start. The card
# compares 10,000 samples with training digits, ours 1,000 with test digits. So the shipped generator
# has 9 here and 14 above.

# %% slideshow={"slide_type": "skip"}
about = card("dcgan")
for epoch, distance in about["test"]["frechet_by_epoch"].items():
    print(f"after epoch {epoch:>2}: Fréchet distance {distance:.0f}")

# %% [markdown]
# **The losses hardly moved. The samples did.** (The losses are the pair's own, the samples those of
# averaged weights: part of the distance's early fall is their lag.) Each loss is measured against an opponent,
# and the opponent learns, too.

# %% [markdown] slideshow={"slide_type": "skip"}
# The shipped pair moved in turns, unlike ours, with a penalty on the discriminator's slope (R1,
# lesson 6).

# %% tags=["proof"] jupyter={"source_hidden": true} slideshow={"slide_type": "skip"}
# @title How long it was trained; and that the card says what stands above
for word in ("alternating", "R1 penalty", "running mean", "decay 0.999"):
    assert word in about["recipe"]
print(f"{about['epochs']} epochs of {about['data']}")

# %% [markdown] slideshow={"slide_type": "skip"}
# Forty-eight samples, not chosen: the first latent points of a seed.

# %% slideshow={"slide_type": "subslide"}
mosaic(generate(trained, latents[:48]), columns=12)

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: generated digits. Most can be read at once; some are no digit.*

# %% [markdown] slideshow={"slide_type": "skip"}
# How long does a step take, and who leads at which learning rate?
# [Deeper: speed and rates](deeper/08_speed_and_rates.ipynb).

# %% [markdown] slideshow={"slide_type": "skip"}
# ## What could go wrong
#
# All four are silent: no error stops you. The first can cost a whole training.
#
# - **One list of variables for both losses.** Then each loss moves both networks, and nobody plays
#   against anybody. You may notice it in the losses: the sum of both falls far below a new pair's,
#   and stays there. (Ours came back.) Name each player's variables.
# - **The wrong mode.** With `training=True` a sample depends on its batch. Draw one point twice, in
#   two batches.
# - **The losses taken for success.** An untrained pair has the same. Score the samples.
# - **A silent restore.** `tf.train.Checkpoint.restore(None)` does nothing, and says nothing. Look
#   at a sample before you go on.
#   ([More faults of this kind](deeper/lecture_programs_keras.ipynb).)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Summary
#
# 1. Layer by layer the generator trades channels for cells.
# 2. Stamps of width 5 at stride 2 overlap unevenly: checkerboards.
# 3. Batch normalization uses the batch in training, running averages for samples.
# 4. A tape answers only for named variables: this keeps the players apart.
# 5. A loss faces an opponent who learns. Score samples, beside a floor.

# %% [markdown] slideshow={"slide_type": "skip"}
# Is this the same model in another framework? That is [lesson 9](09_dcgan_pytorch.ipynb).

# %% [markdown] slideshow={"slide_type": "skip"}
# ## Exercises
#
# [The set of this lesson](exercises/08_dcgan_keras.ipynb) has stubs to fill in, and checks that
# answer. The questions here have none.
#
# 1. *Easy, 10 minutes.* Which kernels make equally many stamps meet everywhere if the stride is 3?
#    Answer on paper, then count.
# 2. *Medium, 40 minutes.* Write a step in turns with the arguments of ours, and hand it to a
#    `Recipe`. Play both for 300 steps from three seeds each. Are their Fréchet distances further
#    apart than those of two seeds?
# 3. *Medium, 30 minutes.* Take dropout away, for three seeds. What happens to the two losses?
# 4. *Hard, 40 minutes.* Let Adam start afresh after 150 of 300 steps, for three seeds. Does it
#    show in the Fréchet distance?

# %% [markdown] slideshow={"slide_type": "skip"}
# ## References
#
# - A. Radford, L. Metz and S. Chintala, *Unsupervised representation learning with deep
#   convolutional generative adversarial networks*, 2016,
#   [arXiv:1511.06434](https://arxiv.org/abs/1511.06434).
# - A. Odena, V. Dumoulin and C. Olah, *Deconvolution and checkerboard artifacts*, Distill,
#   2016, [doi:10.23915/distill.00003](https://doi.org/10.23915/distill.00003): with pictures.
# - The networks are those of M. Hjorth-Jensen, *Advanced machine learning and data analysis for
#   the physical sciences*, Oslo 2024, week 14.
