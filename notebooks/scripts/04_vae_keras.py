# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown] slideshow={"slide_type": "slide"}
# # 4 · A VAE in Keras, and a plane of digits
#
# Open in [Colab](https://colab.research.google.com/github/generative-models/executed/blob/v0.2.0/notebooks/04_vae_keras.ipynb) or on [Binder](https://mybinder.org/v2/gh/generative-models/executed/v0.2.0?urlpath=lab/tree/notebooks/04_vae_keras.ipynb).
#
# ## The question
#
# A network drew these 81 digits. For each it got only **two numbers**: its place on the
# sheet. So this seems to be all that the network knows about handwriting. But one digit is
# missing. *Which one, and where is it?*
#
# <!-- notes: Ask the class: which digit do you not find? Wait until somebody says "one".
# Do not tell where the ones are. Let them guess; "Where are the ones?" answers. -->

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
# @title Set-up: imports; the course's Keras wing first, it starts TensorFlow quietly
import math

import numpy as np
from scipy.spatial import KDTree
from scipy.special import entr
from scipy.stats import norm

from course_utils.budget import budget
from course_utils.data.mnist import load_mnist
from course_utils.exact import divergences
from course_utils.figures.convolutions import (
    network_maps,
    strided_convolution,
    transposed_convolution,
)
from course_utils.figures.diagrams import vae_diagram
from course_utils.figures.digit_rows import labelled_rows
from course_utils.figures.histories import history_curves
from course_utils.figures.latent_maps import latent_map, manifold, manifold_in_plane
from course_utils.figures.style import use_course_style
from course_utils.figures.units import parts_of_a_sum, unit_activity
from course_utils.records import read_result
from course_utils.tfkeras import vae as finished
from course_utils.tfkeras.device import seed_everything, to_numpy, to_tensor
from course_utils.tfkeras.summary import layer_table
from course_utils.tfkeras.training import train_vae
from course_utils.tfkeras.vae import VAEBase
from course_utils.tfkeras.weights import load_pretrained
from course_utils.weights import card, read_weights
from course_utils.widgets.latent import latent_explorer

use_course_style()

# %% tags=["setup"] jupyter={"source_hidden": true} slideshow={"slide_type": "skip"}
# @title Set-up: Keras, a model that was trained before, and what it draws
import keras
import tensorflow as tf
from keras import layers, ops

vae = load_pretrained(finished.ConvVAE(), "conv_vae")


def decode(z):
    return to_numpy(vae.decode(np.asarray(z, dtype=np.float32)))


z1, z2 = np.meshgrid(np.linspace(-1, 1, 9), np.linspace(1, -1, 9))
drawn_on_equal_steps = decode(np.stack([z1, z2], axis=-1).reshape(-1, 2))

# %% [markdown] slideshow={"slide_type": "skip"}
# The two numbers are called $z_1$ and $z_2$.

# %% slideshow={"slide_type": "subslide"}
manifold(drawn_on_equal_steps, np.linspace(-1, 1, 9))

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: nine by nine decoded digits. From left to right: sevens, nines, fours, eights,
# threes, fives, twos, sixes, many zeros.*

# %% [markdown] slideshow={"slide_type": "skip"}
# ## You will be able to
#
# - read and write a convolutional VAE in Keras, and say what `train_step` does;
# - compute the size and the number of weights of a convolution;
# - read a latent plane, and say how much of the prior a picture shows;
# - say what a loss of some 150 nats is made of;
# - find the units of a network that never answer;
# - carry weights from Keras to PyTorch past a trap that no shape gives away.
#
# ## Before you start
#
# You need lesson 3, which builds a VAE for the same digits in PyTorch. On two CPU cores
# this lesson runs in about a minute and downloads nothing.
# `ops` is Keras's library of functions, much like torch's. Its images have the channels last.

# %% slideshow={"slide_type": "skip"}
source = budget(smoke="sample", lecture="sample", full="full")
limit = budget(smoke=1_000, lecture=None, full=None)
epochs = budget(smoke=1, lecture=5, full=30)
train, test = load_mnist("train", source, limit), load_mnist("test", source, limit)
print(f"{len(train):,} training and {len(test):,} held-out digits ({test.source})")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The same model, with two numbers
#
# The model is the VAE of lesson 3. Three things are new. Its networks are convolutional.
# The code $z$ of a digit has only two numbers, so that we can draw it. And pixels stay grey.
#
# <!-- notes: Ask the class to tell the story of the drawing from left to right. Wait for
# "noise" at epsilon. They forget that the decoder sees z, never mu. -->

# %%
vae_diagram("28 × 28 pixels", "2 numbers each", "28 × 28 pixels")

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: x to encoder to mu and sigma; noise epsilon joins to make z; z to decoder to
# probabilities of pixels.*

# %% [markdown] slideshow={"slide_type": "skip"}
# The encoder $q_\phi(z \mid x)$ gives a mean $\mu$ and a standard deviation $\sigma$ for
# each of the two numbers. The decoder $p_\theta(x \mid z)$ gives each pixel a probability
# to be white. Training raises the ELBO: the mean log-likelihood of the digit, less the KL
# that keeps codes near the prior $p(z) = \mathcal N(0, I)$. Both are in nats.
#
# For a grey pixel the "likelihood" is a cross-entropy, and no probability. So what we call the
# ELBO is no bound on the $\log p(x)$ of a picture.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A convolution looks through a small window
#
# A **kernel** is a small square of weights. Lay it on the image, multiply each weight with
# the pixel below it, and add up: this is one number of the output. Then move on by the
# **stride**, here two pixels.
#
# <!-- notes: Let one student compute the blue number aloud, another the orange one. Ask:
# why is the grey column on the right and not on the left? Wait. There is no reason; a convention, and the last section is about it. -->

# %%
rows = ["001100", "011100", "001100", "001100", "001100", "011110"]
image = np.array([[int(pixel) for pixel in row] for row in rows], "float32")
kernel = np.array([[-1, 0, 1]] * 3, "float32")
x, weights = image[None, :, :, None], kernel[:, :, None, None]
output = ops.conv(x, weights, strides=2, padding="same")
strided_convolution(image, kernel, to_numpy(output)[0, :, :, 0])

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: a six by six image with zeros on the right and below, a kernel, and the
# output. Two windows and their sums are framed.*

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### Sizes and weights
#
# At the border the window needs pixels that are not there. The padding `same` adds zeros,
# as few as it can; `valid` adds none. A side of $n$ pixels, a kernel of $k$ and a stride of
# $s$ give
#
# $$\text{same: } n/s, \text{ rounded up;} \qquad
# \text{valid: } (n - k)/s, \text{ rounded down, plus } 1 .$$
#
# With 28, 3 and 2 that is 14 or 13.

# %% [markdown] slideshow={"slide_type": "skip"}
# For an even side, stride 2 and a kernel of 3, `same` adds one column on the right and one
# row below, but none on the left.
#
# A kernel is as deep as its input has channels, and each channel of the
# output has a kernel of its own, and a **bias**, a number that is added. So `Conv2D(32, 3)` on
# a grey image has $3 \cdot 3 \cdot 1 \cdot 32 + 32 = 320$ weights. The next layer,
# `Conv2D(64, 3)`, has $3 \cdot 3 \cdot 32 \cdot 64 + 64 = 18{,}496$.

# %% [markdown] slideshow={"slide_type": "subslide"}
# **Predict before you run.** The encoder goes in four steps from 784 pixels to a code.
# Which step has the most weights: one of its two convolutions, or the small layer of 16
# units?
#
# <!-- notes: Let them vote by hands before the picture. Tempting: the second
# convolution. -->

# %%
encoder, decoder = finished.ConvEncoder(), finished.ConvDecoder()
down = layer_table(encoder, tf.zeros((1, 28, 28, 1)))
up = layer_table(decoder, tf.zeros((1, 2)))
network_maps({"encoder": ((28, 28, 1), down), "decoder": ((2,), up)})

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: the encoder's maps shrink to 7 by 7, then 16 units and two heads; the
# decoder's grow. Arrows carry numbers of weights.*

# %% [markdown] slideshow={"slide_type": "skip"}
# **Answer.** The small layer. Each of its 16 units looks at all $7 \cdot 7 \cdot 64 =
# 3{,}136$ numbers before it and adds a bias. That makes $(3{,}136 + 1) \cdot 16 = 50{,}192$.
# A convolution has few weights, because it uses the same ones at every place.

# %% tags=["proof", "nbval-check-output"] jupyter={"source_hidden": true}
# @title Proof: Keras has these sizes and weights, and the picture's sums are right
padded = np.pad(image, (0, 1))
windows = [[padded[i : i + 3, j : j + 3] for j in (0, 2, 4)] for i in (0, 2, 4)]
by_hand = [[(window * kernel).sum() for window in row] for row in windows]
assert np.array_equal(by_hand, output[0, :, :, 0])
digit = tf.zeros((1, 28, 28, 1))
sides = {p: layers.Conv2D(32, 3, 2, p)(digit).shape[1] for p in ("same", "valid")}
counts = [encoder.get_layer(name).count_params() for name in ("conv1", "conv2")]
assert sides == {"same": 14, "valid": 13}
assert counts == [320, 18_496]
print("28 pixels with stride 2:", sides, "- weights:", counts)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A transposed convolution stamps
#
# The decoder makes pictures larger, so it works the other way round. Each number of the input
# stamps the kernel, multiplied by that number, into the output. Stamps stand two pixels apart
# and are three wide: they overlap, and there they are added.
#
# <!-- notes: Ask: where does the 6 come from? Wait for "two plus four". Then ask for the
# size of the output without the cut: 7. -->

# %%
numbers = np.array([[1, 2, 0], [0, 0, 1], [2, 3, 0]], "float32")
stamp = np.array([[1, 2, 1], [2, 4, 2], [1, 2, 1]], "float32")
values, weights = numbers[None, :, :, None], stamp[:, :, None, None]
output = ops.conv_transpose(values, weights, strides=2, padding="same")
transposed_convolution(numbers, stamp, to_numpy(output)[0, :, :, 0])

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: three by three numbers, a stamp, and the six by six output. Two stamps are
# framed; all overlaps are shaded.*

# %% [markdown] slideshow={"slide_type": "skip"}
# With `same`, what sticks out is cut off, and the output is exactly twice as large: 7
# becomes 14, and 14 becomes 28. This does not undo a convolution. Only the size is as before.

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### Both networks in Keras
#
# Keras first records the path from an `Input` to the outputs. The last line makes a model of
# this path. The encoder returns $\mu$ and $\log \sigma^2$.


# %% tags=["mirrors"]
class ConvEncoder(keras.Model):
    def __init__(self, latent_dim=2, channels=1):
        half = {"strides": 2, "padding": "same", "activation": "relu"}
        x = keras.Input((28, 28, channels), name="x")
        h = layers.Conv2D(32, 3, **half, name="conv1")(x)  # (n, 14, 14, 32)
        h = layers.Conv2D(64, 3, **half, name="conv2")(h)  # (n, 7, 7, 64)
        h = layers.Flatten(name="flatten")(h)
        h = layers.Dense(16, activation="relu", name="hidden")(h)
        mu = layers.Dense(latent_dim, name="mu")(h)
        logvar = layers.Dense(latent_dim, name="logvar")(h)
        super().__init__(x, (mu, logvar), name="encoder")


# %% [markdown] slideshow={"slide_type": "skip"}
# The decoder's last layer has stride 1: it keeps the size, and makes one number of 32. This is
# the **logit** $\ell$ of a pixel. The pixel's probability is $1/(1 + e^{-\ell})$.


# %% tags=["mirrors"]
class ConvDecoder(keras.Model):
    def __init__(self, latent_dim=2, channels=1):
        double = {"strides": 2, "padding": "same", "activation": "relu"}
        z = keras.Input((latent_dim,), name="z")
        h = layers.Dense(7 * 7 * 64, activation="relu", name="hidden")(z)
        h = layers.Reshape((7, 7, 64), name="reshape")(h)
        # to (n, 14, 14, 64)
        h = layers.Conv2DTranspose(64, 3, **double, name="deconv1")(h)
        # to (n, 28, 28, 32)
        h = layers.Conv2DTranspose(32, 3, **double, name="deconv2")(h)
        pixels = layers.Conv2DTranspose(channels, 3, padding="same", name="pixels")
        super().__init__(z, pixels(h), name="decoder")


# %% [markdown] slideshow={"slide_type": "slide"}
# ## Three lines that you know
#
# The log-likelihood of pixels $x_i$ with logits $\ell_i$ is
#
# $$\log p_\theta(x \mid z) = \sum_i \left[x_i \ell_i - \log\left(1 + e^{\ell_i}\right)
# \right].$$
#
# It needs no probability, so no logarithm of zero can happen. Below it stand the sample
# of $z$ (lesson 2) and the KL to the prior (lesson 3).
#
# <!-- notes: Ask: over which axes does the first function sum? Wait for "pixels and
# channels, not images". -->


# %% tags=["mirrors"]
def _sum_over_pixels(values):
    return ops.sum(values, axis=tuple(range(1, len(values.shape))))


def bernoulli_log_likelihood(x_logits, x):
    return _sum_over_pixels(x * x_logits - ops.softplus(x_logits))


def reparameterize(mu, logvar, epsilon):
    return mu + ops.exp(0.5 * logvar) * epsilon


def kl_to_standard_normal(mu, logvar):
    return 0.5 * ops.sum(ops.square(mu) + ops.exp(logvar) - 1 - logvar, axis=-1)


# %% tags=["mirrors"] jupyter={"source_hidden": true}
# @title The encoder's answer in the images' type, also where layers compute in 16 bits
def _encode(model, x):
    mu, logvar = model.encoder(x)
    return ops.cast(mu, x.dtype), ops.cast(logvar, x.dtype)


# %% [markdown] slideshow={"slide_type": "subslide"}
# And this is the ELBO, one value an image:


# %% tags=["mirrors"]
def elbo(model, x, epsilon):
    mu, logvar = _encode(model, x)
    z = reparameterize(mu, logvar, epsilon)
    reconstruction = model.log_likelihood(x, z)
    kl = kl_to_standard_normal(mu, logvar)
    return reconstruction - kl, reconstruction, kl


# %% tags=["proof", "nbval-check-output"] jupyter={"source_hidden": true}
# @title Proof: the KL is the closed form, and the networks have the sizes drawn above
mu, logvar = np.random.default_rng(0).normal(size=(2, 5, 2))
ours = kl_to_standard_normal(tf.constant(mu), tf.constant(logvar))
assert np.allclose(ours, divergences.kl_to_standard_normal(mu, logvar), rtol=1e-12)
counts = ConvEncoder().count_params(), ConvDecoder().count_params()
assert counts == (69_076, 65_089)
print("KL as in closed form; encoder {:,}, decoder {:,} weights".format(*counts))

# %% [markdown] slideshow={"slide_type": "skip"}
# Now the model itself: two networks, a likelihood, and two steps. `VAEBase` keeps the books: it
# draws the noise of a batch (`with_noise`), holds the weight `beta` of the KL, which is 1 here,
# and takes means over an epoch (`report`).
#
# Read `train_step` first. `fit` calls it once for each batch. The **tape** records what is
# computed under it. Then one asks the tape for the gradient of the loss, and the optimizer
# takes a step.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## `train_step` is the heart
#
# <!-- notes: Let the class find the line in which learning happens. Then ask what
# test_step leaves out, and why. They expect the noise to be left out; it is not. -->


# %% tags=["mirrors"]
class ConvVAE(VAEBase):
    def __init__(self, latent_dim=2, channels=1):
        super().__init__(latent_dim)
        self.encoder = ConvEncoder(latent_dim, channels)
        self.decoder = ConvDecoder(latent_dim, channels)

    def log_likelihood(self, x, z):
        # x's type, also where layers multiplied in bfloat16
        return bernoulli_log_likelihood(ops.cast(self.decoder(z), x.dtype), x)

    def decode(self, z):
        return ops.sigmoid(self.decoder(z))

    def terms(self, data):
        bound, reconstruction, kl = elbo(self, *self.with_noise(data))
        loss = self.beta * kl - reconstruction
        return {"elbo": bound, "reconstruction": reconstruction, "kl": kl, "loss": loss}

    def train_step(self, data):
        with tf.GradientTape() as tape:
            terms = self.terms(data)
            loss = ops.mean(terms["loss"])
        gradients = tape.gradient(loss, self.trainable_weights)
        self.optimizer.apply(gradients, self.trainable_weights)
        return self.report(terms)

    def test_step(self, data):
        return self.report(self.terms(data))


# %% [markdown] slideshow={"slide_type": "skip"}
# `test_step` computes the same terms without a step, for held-out digits. `fit` brings the rest:
# epochs, shuffled batches, progress. The course's `train_vae` calls it with one seed.

# %% slideshow={"slide_type": "subslide"}
seed_everything(0)
short = ConvVAE()
history = train_vae(short, train.x, epochs, 0, test_images=test.x)
history_curves(history, ["loss", "kl"])

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: loss and KL over the epochs, training and held out. The loss falls; the
# held-out KL starts near zero and rises.*

# %% [markdown] slideshow={"slide_type": "skip"}
# The held-out loss lies *below* the training loss. A training value is a mean over an
# epoch in which the model was still learning; a held-out value is taken at its end.
#
# Look at the held-out KL. After the first epoch it is nearly zero: the encoder answers a digit
# with almost the prior, so $z$ tells almost nothing about it. This state is called **posterior
# collapse**. Here it passes.
#
# Thirty epochs on all 60,000 digits take half an hour, so this was done once. The weights
# ship with the course; they drew the first picture. A file beside them, their **card**, states
# the ELBO of 2,000 held-out digits: $-152.4$ nats. From here on `vae` is this model, `sample`
# these digits, `noise` their $\epsilon$, and `about` what the card states.
#
# The documentation of Keras prints a loss of 146.9 nats for one run on all 70,000 digits. Our
# first three seeds, trained in the same way, ended at 150.4, 149.3 and 149.5. [Deeper: the
# figures, seed by seed, and how fast it runs](deeper/04_reproduction.ipynb).

# %% tags=["proof", "nbval-check-output"] jupyter={"source_hidden": true} slideshow={"slide_type": "skip"}
# @title Proof: the definitions above give the ELBO on the card of these weights
sample, about = load_mnist("test"), card("conv_vae")["sample"]
noise = np.random.default_rng(0).standard_normal((2000, 2), dtype=np.float32)
parts = zip(np.split(sample.x, 20), np.split(noise, 20))
bounds = [to_numpy(elbo(vae, to_tensor(x), tf.constant(e))[0]) for x, e in parts]
mean = np.mean(bounds, dtype=float)
# float32 sums of 784 terms of either sign: relative errors of some 1e-5
assert math.isclose(mean, about["elbo"], rel_tol=1e-4)
print(f"ELBO of 2,000 held-out digits: {mean:.2f} nats, as the card says")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The plane: codes as a map
#
# Held-out digits are printed where the encoder puts them, at their $\mu$. One that would
# cover another is left out. The model was never told the classes.
#
# <!-- notes: Ask the class to find two classes that mix. Wait for 4 and 9. Then ask what
# stands in the right half of the circle. Nothing: remember it for the zeros. -->


# %%
def encode(x):
    return vae.encoder.predict(x, batch_size=500, verbose=0)[0]


train_codes = encode(train.x)
codes, classes = encode(test.x[:2_000]), test.y[:2_000]
latent_map(codes, classes, marked=(1, 0, 3, 8))

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: left, the codes: ones far left, zeros at the right edge, the rest between.
# Right, the middle enlarged; there 3 and 8 mix.*

# %% [markdown] slideshow={"slide_type": "skip"}
# Each class has its region, and regions of digits that look alike touch or mix: 4 and 9, or
# 3, 5 and 8. The dashed circle holds half of the prior. Its right part is empty: no
# digit is encoded there.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Where are the ones?
#
# **Predict before you run.** The first picture goes from $-1$ to $1$ on both axes: one
# standard deviation each way. Which share of the prior lies in this square?
#
# <!-- notes: Tempting: two thirds, from one dimension. Let them multiply before you show
# the number. -->


# %%
def grid(axis):  # (81, 2), from the upper left corner, row by row
    z1, z2 = np.meshgrid(axis, axis[::-1])
    return np.stack([z1, z2], axis=-1).reshape(-1, 2)


ones = codes[classes == 1]
inside = np.abs(ones).max(axis=1) < 1
one_axis = norm.cdf(1) - norm.cdf(-1)
share = one_axis**2
print(f"of the prior {one_axis:.3f} on one axis, {share:.3f} in the square")
print(f"of the ones {inside.mean():.0%} in the square")

# %% [markdown] slideshow={"slide_type": "skip"}
# **Answer.** Less than half. One standard normal number lies between $-1$ and $1$ with
# probability 0.683. Both must, and with the cumulative distribution $\Phi$ this is
# $[\Phi(1) - \Phi(-1)]^2 = 0.683^2 = 0.466$.
#
# The missing digit is the one. Nearly all codes of ones lie outside the square, far to the
# left. That is where the prior gets thin.

# %% tags=["proof", "nbval-check-output"] jupyter={"source_hidden": true} slideshow={"slide_type": "skip"}
# @title Proof: the share, counted
points = np.random.default_rng(0).standard_normal((1_000_000, 2))
counted = (np.abs(points).max(axis=1) < 1).mean()
# four standard errors of a share: 4 sqrt(p (1 - p) / n) = 0.002
assert abs(counted - share) < 0.002
print(f"of a million points from the prior, {counted:.1%} lie in the square")

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### Equal shares
#
# For a fairer sheet, choose the values on an axis so that each stands for the
# *same share of the prior*. These are the **quantiles** $\Phi^{-1}$ of the middles of nine
# equal shares. A physicist calls this bins of equal content.
#
# <!-- notes: Ask: what is wrong with this sheet, if every picture is a ninth of a ninth
# of the prior? Wait for "too many zeros". Then: how many ones do you find? -->

# %%
shares = (np.arange(9) + 0.5) / 9
quantiles = norm.ppf(shares)
print(quantiles.round(2))
manifold_in_plane(decode(grid(quantiles)), quantiles, {"1": ones[:80]}, square=1)

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: left, 81 digits on quantiles; right, their places, and ones left of them. Frames:
# the square of the first picture. Outside the frame, ones in the upper left corner.*

# %% [markdown] slideshow={"slide_type": "skip"}
# Now each picture stands for $1/81$ of the prior. (It is the mean of what the model would draw
# there.) The first ones appear, but only in the corner. Most ones lie further left than any dot.

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### There they are
#
# We stand in the middle of the ones. In a running notebook two sliders move the crossed
# lines.
#
# <!-- notes: Let the class call out where to go. Cross the border of 4 and 9: is there a
# jump? Then go far to the right: how sure does the decoder look there? -->

# %%
latent_explorer(decode, train_codes, train.x, train.y, drawn=700, start=(-2.5, 0.85))

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: left, the map with crossed lines among the ones. Right, the decoded digit, a one,
# and the five nearest training digits, all ones.*

# %% [markdown] slideshow={"slide_type": "skip"}
# Walk on. Between fours and nines there is no jump: one turns into the other bit by bit. Far
# to the right, at $(3, 0)$, no digit was ever encoded. Yet the decoder draws a zero, and is
# surer of its pixels than at most codes of real digits.

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### How many zeros?
#
# The sheet shows a new fault: too many zeros. To count, we draw points from the prior. Each
# gets the class of the training digit whose code is nearest.

# %%
drawn = np.random.default_rng(1).standard_normal((10_000, 2))
_, nearest = KDTree(train_codes).query(drawn)
for label, count in enumerate(np.bincount(train.y[nearest], minlength=10)):
    print(f"{label}: {count / len(drawn):.0%}", end="   ")

# %% [markdown] slideshow={"slide_type": "skip"}
# Each class should have about 10 %. Zeros have almost four times their share, and ones half of
# theirs. So the ones were not only outside of the first sheet. The model itself draws too few
# of them, because their codes lie where the prior is thin.
#
# Does the KL not forbid this? No. It compares each $q(z \mid x)$ with the prior, one digit at a
# time. It does not force the *mixture* of all codes to be the prior.
# [Deeper: how far the mixture is from it, in nats](deeper/04_code.ipynb).

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What two numbers keep
#
# Ten held-out digits, and what the decoder makes of their codes.
#
# <!-- notes: Ask: what came back, and what did not? Wait for slant and width. Then ask
# which digits changed their class. -->

# %%
firsts = [int(np.flatnonzero(sample.y == label)[0]) for label in range(10)]
back = decode(encode(sample.x[firsts]))
kl = about["kl"]
print(f"mean KL {kl:.1f} nats, or {kl:.1f} / ln 2 = {kl / math.log(2):.1f} bits")
labelled_rows({"digit": sample.x[firsts], "decoded": back})

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: ten digits above, decoded below. The 3 comes back as an 8, the 4 as a 9, the 5
# as a 3.*

# %% [markdown] slideshow={"slide_type": "skip"}
# Slant, width and the rough shape come back; small loops and gaps do not. On average a code
# cannot tell more about its digit than it costs: the KL printed above.
# [Deeper: why, and how much it does tell](deeper/04_code.ipynb).

# %% [markdown] slideshow={"slide_type": "subslide"}
# **Predict before you run.** The loss is 152 nats. Pixels are grey, and the best decoder
# there could be predicts every grey level exactly. How many nats would it still pay:
# none, ten, or fifty?
#
# For a grey level $x$ and the prediction $x$ the cross-entropy is
#
# $$-x \log x - (1 - x) \log (1 - x) .$$
#
# <!-- notes: They say none. Ask for the value at x = 1/2: ln 2 for one pixel. -->

# %%
floor = (entr(sample.x) + entr(1 - sample.x)).sum(axis=(1, 2, 3)).mean()
loss = -about["elbo"]
nats = {"grey levels": floor, "the code (KL)": kl, "the rest": loss - floor - kl}
parts_of_a_sum(nats, "nats", f"a loss of {loss:.1f} nats")

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: the loss as a bar of three parts: grey levels, the code, and, largest, the
# rest.*

# %% [markdown] slideshow={"slide_type": "skip"}
# **Answer.** 46, nearly fifty, and almost a third of the loss. So this loss has a floor. Compare
# it with itself, not with the $\log p(x)$ of black-and-white digits.
#
# Are the other 100 nats what two numbers cannot hold? Not all of them: encoder, decoder and
# training may fall short, too. The encoder's part, the gap of its bound, is 8.5 nats.
# [Deeper: that gap, and eight numbers in the place of two](deeper/04_code.ipynb).

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Sixteen units: how many answer?
#
# The encoder has a part in the rest, so look inside. What it tells the code passes through 16
# ReLU units. Each forms a sum $a$ over its inputs and passes $\max(0, a)$ on. A unit is
# **dead** if $a$ is negative for every digit.
#
# **Predict before you run.** How many of the 16 are alive?
#
# <!-- notes: Write the guesses on the board. Nobody says five. Then ask what unit 11 is
# for. Wait for "ones". -->

# %%
hidden = keras.Model(vae.encoder.inputs, vae.encoder.get_layer("hidden").output)
activity = hidden.predict(train.x, batch_size=500, verbose=0)
alive = (activity > 0).any(axis=0)
print(f"{alive.sum()} of {alive.size} units live, looking at {len(train):,} digits")

# %% [markdown] slideshow={"slide_type": "subslide"}
# **Answer.** Five. Dark means that a unit answers strongly, for this unit: each column has a
# scale of its own.

# %%
unit_activity(activity, train.y)

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: ten classes by sixteen units, eleven crossed out. Units 6 and 13 answer to every
# class, units 11 and 14 mostly to ones.*

# %% [markdown] slideshow={"slide_type": "skip"}
# In the same way one finds the dead channels of a new detector.
#
# A dead unit stays dead, as a rule. Where $a < 0$ the slope of a ReLU is zero, so the
# unit's weights get no gradient. Only a change of the layers before it can wake it. The
# codes need the living units alone: a network of five computes the same. The eleven others
# hold $11 \cdot 3{,}137 = 34{,}507$ weights, half of the encoder's $69{,}076$.

# %% tags=["proof"] jupyter={"source_hidden": true}
# @title Proof: the living units give the same codes, and the dead ones get no gradient
kernel, bias = map(to_numpy, vae.encoder.get_layer("mu").weights)
small = activity[:, alive] @ kernel[alive] + bias
# two sums of 17 float32 terms; rounding: each below 17 * 2^-24 of its absolute terms
bound = 2 * 17 * 2**-24 * (activity @ np.abs(kernel) + np.abs(bias))
assert (np.abs(small - train_codes) <= bound).all()
with tf.GradientTape() as tape:
    loss = -ops.mean(elbo(vae, to_tensor(train.x[:200]), tf.constant(noise[:200]))[0])
layer = vae.encoder.get_layer("hidden")
slopes = np.abs(to_numpy(tape.gradient(loss, layer.kernel.value))).max(axis=0)
assert (slopes[~alive] == 0).all()
assert (slopes[alive] > 0).all()
print(f"codes from {alive.sum()} units: equal; gradient of the dead: exactly zero")

# %% [markdown] slideshow={"slide_type": "skip"}
# Why do they die? In the first steps the gradients of all digits have a common part. Step after
# step it moves a unit's sum $a$ the same way for all digits, and for some units that way is
# down. In a control the bias of each unit was shifted after every step, so that its mean sum
# stayed what it was. From five seeds all 16 units then lived after a hundred steps; without the
# shift five to seven did. [Deeper: why units die](deeper/04_dying_units.ipynb).

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Two frameworks, one model
#
# The same file of weights fits the PyTorch model of this course. Both were given the same
# digits and the same noise.

# %% tags=["nbval-check-output"]
record = read_result("conv_vae_parity")
for framework, mean in record["mean"]["elbo"].items():
    print(f"{framework:8} ELBO {mean:.4f} nats")
gap = record["largest_difference_of_a_digit"]["elbo"]
print(f"no digit differs by more than {gap:.4f} nats")

# %% [markdown] slideshow={"slide_type": "skip"}
# Three things must be translated. The first is the **order of axes**. Keras orders a kernel
# (height, width, in, out), and that of a transposed convolution (height, width, out, in).
# PyTorch has (out, in, height, width) and (in, out, height, width). One line turns both.


# %% slideshow={"slide_type": "skip"}
def to_pytorch(kernel):  # a Dense layer has two axes, a convolution four
    return kernel.transpose(3, 2, 0, 1) if kernel.ndim == 4 else kernel.T


# %% tags=["proof", "nbval-check-output"] jupyter={"source_hidden": true} slideshow={"slide_type": "skip"}
# @title Proof: so each kernel is as the file has it, which PyTorch reads
stored, turned = read_weights("conv_vae"), {}
for part in (vae.encoder, vae.decoder):
    for layer in (layer for layer in part.layers if layer.weights):
        name = f"{part.name}.{layer.name}.weight"
        turned[name] = to_pytorch(to_numpy(layer.kernel))
        assert np.array_equal(turned[name], stored[name])
print(len(turned), "kernels, turned, are those of the file")

# %% [markdown] slideshow={"slide_type": "skip"}
# The second is **flattening**: Keras has the channels last. The third is `same`: with stride 2
# it means zeros below and on the right, and in the decoder it cuts off there. In PyTorch, with
# `torch.nn.functional` as `F`:
#
# ```python
# x = F.conv2d(F.pad(x, (0, 1, 0, 1)), weight, bias, stride=2)  # encoder
# x = x.permute(0, 2, 3, 1).flatten(1)  # before the 16 units; the decoder undoes it
# x = F.conv_transpose2d(x, weight, bias, stride=2)[..., :-1, :-1]  # decoder
# ```

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### One column of zeros
#
# Many PyTorch programs write `padding=1` in the place of `F.pad`: one line of zeros on *all
# four* sides. Every shape fits then, and nothing complains.
#
# **Predict before you run.** Put that into the encoder of these weights. How much does the
# ELBO lose: less than a nat, a few nats, or a hundred?
#
# <!-- notes: Ask what moves: with zeros on the left every window stands one pixel further
# to the left and up, in both layers. They say "a few". -->


# %%
def encode_with_a_ring_of_zeros(x):
    h = x
    for name in ("conv1", "conv2"):
        layer = vae.encoder.get_layer(name)
        h = ops.pad(h, ((0, 0), (1, 1), (1, 1), (0, 0)))
        h = ops.relu(ops.conv(h, layer.kernel, 2, "valid") + layer.bias)
    h = vae.encoder.get_layer("hidden")(ops.reshape(h, (len(x), -1)))
    return [vae.encoder.get_layer(head)(h) for head in ("mu", "logvar")]


# %% [markdown] slideshow={"slide_type": "skip"}
# The decoder stays as it is. We take the first 500 of the 2,000 digits.

# %% slideshow={"slide_type": "subslide"}
x, epsilon = sample.x[:500], noise[:500]
mu, logvar = encode_with_a_ring_of_zeros(x)
z = reparameterize(mu, logvar, epsilon)
kl = kl_to_standard_normal(mu, logvar)
ring = ops.mean(bernoulli_log_likelihood(vae.decoder(z), x) - kl)
right = ops.mean(elbo(vae, x, epsilon)[0])
print(f"ELBO of these 500 digits: {right:.0f} nats; with a ring {ring:.0f} nats")
rows = {"digit": sample.x[firsts], "right": back}
labelled_rows(rows | {"ring": decode(mu)[firsts]})

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: ten digits; decoded with the right padding; decoded with the ring of zeros, where
# most look different again.*

# %% [markdown] slideshow={"slide_type": "skip"}
# **Answer.** More than a hundred nats. Every window stands one pixel too far up and to the
# left. In the second layer a step is two pixels of the digit, so in all it is three.
# Convolutions would not mind. But the small layer has a weight of its own for each place, and
# each place now shows something else. No shape is wrong: only a comparison of numbers finds it.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What could go wrong
#
# - **A picture of a part.** Equal steps hide what lies outside.
# - **A prior that codes do not fill.** Reconstructions are fine, samples are not.
# - **A mean over the channels.** Keras's `binary_crossentropy` averages over them. With three
#   channels the reconstruction then weighs a third.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Summary
#
# 1. `fit` calls `train_step`, where a tape gives the gradient.
# 2. A convolution looks through a window; a transposed one stamps.
# 3. Equal steps hid the ones; quantiles show the prior evenly.
# 4. The loss is a floor, the cost of the code, and a rest.
# 5. Five of sixteen units do all the work.
#
# <!-- notes: Let five students say one sentence each, with the book closed. -->

# %% [markdown] slideshow={"slide_type": "skip"}
# ## Exercises
#
# [The set of this lesson](exercises/04_vae_keras.ipynb) has stubs to fill in, and checks
# that say what is not right yet. Two questions to think about:
#
# 1. *Easy, 5 minutes.* How large a square would equal steps need to show 99 % of the prior?
# 2. *Medium, 20 minutes.* Find the two held-out digits of different classes whose codes are
#    closest. Draw both, and what is decoded between them.

# %% [markdown] slideshow={"slide_type": "skip"}
# ## References
#
# - D. P. Kingma and M. Welling, *Auto-Encoding Variational Bayes*, 2014,
#   [arXiv:1312.6114](https://arxiv.org/abs/1312.6114): its appendix has the plane on
#   quantiles.
# - V. Dumoulin and F. Visin, *A guide to convolution arithmetic for deep learning*, 2016,
#   [arXiv:1603.07285](https://arxiv.org/abs/1603.07285): windows, strides and padding in
#   pictures.
# - F. Chollet, *Variational AutoEncoder*,
#   [keras.io/examples](https://keras.io/examples/generative/vae/): the program of this
#   network.
# - M. Hjorth-Jensen, *Advanced machine learning and data analysis for the physical
#   sciences*, week 14, 2024.
