# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown] slideshow={"slide_type": "slide"}
# # 4 · A convolutional VAE in Keras, and pictures of its latent space
#
# Open in [Colab](https://colab.research.google.com/github/generative-models/executed/blob/v0.2.0/notebooks/04_vae_keras.ipynb) or on [Binder](https://mybinder.org/v2/gh/generative-models/executed/v0.2.0?urlpath=lab/tree/notebooks/04_vae_keras.ipynb).

# %% [markdown]
# ## You will be able to
#
# - write a convolutional VAE in Keras, train it with a bare loop, and say what `fit` adds;
# - say why the same program ends at another loss when it starts from another seed;
# - read a latent space of two dimensions: its map, its manifold of decoded digits, and
#   the straight line between two digits;
# - say which part of the prior a picture shows, and what the rest of it would show;
# - say what a loss of 150 is made of, and why it is no log-probability of a grey picture.

# %% [markdown] slideshow={"slide_type": "skip"}
# ## Before you start
#
# Helpful: lesson 3, which builds a VAE for the same digits and asks how good it is.
# The formulas are repeated where they are needed. On two CPU cores this lesson runs in
# about two minutes. No download is needed.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The question
#
# The models of lesson 3 kept eight numbers of a digit, and eight dimensions cannot be
# drawn. Here we keep only **two**. Then everything can be seen: where each digit goes,
# and what the decoder makes of every point in between. *What does such a map show, and
# what does it hide?*
#
# The network is the second system of the lecture that this course follows
# (M. Hjorth-Jensen, Oslo 2024, week 14). As before, what its program gets wrong is told
# in asides.

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
# The course's Keras wing is imported before Keras itself: it starts TensorFlow without
# the notices that it prints otherwise. Later warnings and errors are left alone.

# %% slideshow={"slide_type": "skip"}
import inspect
import math
import time

import numpy as np
from scipy.integrate import quad
from scipy.spatial import KDTree
from scipy.special import entr
from scipy.stats import norm

from course_utils.budget import budget
from course_utils.data.mnist import binarize, load_mnist
from course_utils.exact import divergences
from course_utils.figures.histories import history_curves
from course_utils.figures.latent_maps import latent_map, manifold
from course_utils.figures.layers import network_diagram
from course_utils.figures.style import mosaic, use_course_style
from course_utils.metrics.bounds import Estimate
from course_utils.records import RESULTS, read_result
from course_utils.records.history import History
from course_utils.tfkeras.device import seed_everything, to_numpy, to_tensor
from course_utils.tfkeras.summary import layer_table
from course_utils.tfkeras.training import train_vae
from course_utils.tfkeras.vae import VAEBase
from course_utils.tfkeras.weights import load_pretrained
from course_utils.weights import card
from course_utils.widgets.latent import latent_explorer

use_course_style()

# %% [markdown] slideshow={"slide_type": "skip"}
# Keras 3 can compute with several libraries; here it is TensorFlow. `keras.ops` holds the
# mathematics, `keras.layers` the layers.

# %% slideshow={"slide_type": "skip"}
import keras
import tensorflow as tf
from keras import layers, ops

# %% [markdown] slideshow={"slide_type": "skip"}
# All sizes stand in one cell. `COURSE_BUDGET` picks a column; the saved outputs are those
# of `lecture`. Five epochs are enough to see how training goes. The pictures come from
# weights that were trained for thirty epochs on all of MNIST and ship with the course.

# %% slideshow={"slide_type": "skip"}
source = budget(smoke="sample", lecture="sample", full="full")
limit = budget(smoke=1_000, lecture=None, full=None)
epochs = budget(smoke=1, lecture=5, full=30)
calls = budget(smoke=10, lecture=100, full=400)

# %% [markdown]
# As always there are two sets: one to train on, one that the model never sees.

# %%
train = load_mnist("train", source, limit)
test = load_mnist("test", source, limit)
print(f"{len(train):,} training and {len(test):,} held-out digits ({test.source})")


# %% [markdown] slideshow={"slide_type": "slide"}
# ## Two convolutional networks
#
# The **encoder** takes an image $x$ of 28 × 28 pixels. Two convolutions with stride 2
# halve its sides twice, to 14 and then to 7, while the number of channels grows to 64. A
# small layer of 16 units follows, and two heads: the mean $\mu$ and the logarithm of the
# variance $\sigma^2$ of the approximate posterior $q_\phi(z \mid x) = \mathcal
# N(\mu, \mathrm{diag}\,\sigma^2)$. Here $z$ is the latent vector, two numbers, and $\phi$
# are the encoder's weights.
#
# A Keras network is a graph of layers: start from an `Input`, call one layer after the
# other, and name the ends. Cells like this one, which define something for the first
# time, are compared with the course package in its tests.


# %% tags=["mirrors"] slideshow={"slide_type": "subslide"}
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


# %% [markdown] slideshow={"slide_type": "subslide"}
# The **decoder** runs the film backwards. Transposed convolutions with stride 2 double
# the sides. Its last layer gives one unbounded number a pixel: the *logit* $\ell$ of a
# probability $p = 1/(1 + e^{-\ell})$. Logits, not probabilities, because the logarithms
# that follow are safe with them (lesson 3).


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


# %% [markdown]
# **Predict before you run.** Of the encoder's weights, which layer holds most: the two
# convolutions, or the small layer of 16 units behind them? Keras prints the layers of a
# network with their sizes.

# %% slideshow={"slide_type": "subslide"}
encoder, decoder = ConvEncoder(), ConvDecoder()
encoder.summary()

# %% [markdown] slideshow={"slide_type": "subslide"}
# Most of them sit in the small layer, because each of its 16 units looks at all 3,136
# numbers. The course draws the same table as a diagram. The wider a box, the more numbers
# its layer *puts out*, on a scale of logarithms; the weights stand inside.

# %% slideshow={"slide_type": "subslide"}
network_diagram(layer_table(encoder, tf.zeros((1, 28, 28, 1))), "encoder")

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: the encoder's layers as boxes from top to bottom. They narrow from the first
# convolution, 14 × 14 × 32 numbers, to 16, and end in two heads of two numbers, side by
# side. The layer of 16 units holds 50,192 of the parameters.*

# %% [markdown]
# Convolutions share their weights over the picture, so they are cheap to store (and dear
# to compute). Flattened maps are the other way round.

# %% slideshow={"slide_type": "subslide"}
network_diagram(layer_table(decoder, tf.zeros((1, 2))), "decoder")

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: the decoder's layers as boxes that widen from top to bottom, all but the last:
# two numbers become 3,136, then maps of 14 × 14 and 28 × 28, and at the end 784 logits.*

# %% [markdown] slideshow={"slide_type": "subslide"}
# The lecture's program has networks of exactly these sizes.

# %% tags=["nbval-check-output"]
counts = encoder.count_params(), decoder.count_params()
assert counts == (69_076, 65_089)
print("encoder {:,}, decoder {:,} parameters".format(*counts))


# %% [markdown] slideshow={"slide_type": "slide"}
# ## The formulas in Keras
#
# Each is a line from lesson 2 or 3. First the Bernoulli log-likelihood of an image whose
# pixels $x_i$ have the logits $\ell_i$,
#
# $$
# \log p_\theta(x \mid z) = \sum_i \left[x_i \ell_i - \log\left(1 + e^{\ell_i}\right)\right],
# $$
#
# where $\theta$ are the decoder's weights, which make the logits from $z$. The sum runs
# over **all** axes but the first, so it counts every pixel of every channel.


# %% tags=["mirrors"]
def _sum_over_pixels(values):
    return ops.sum(values, axis=tuple(range(1, len(values.shape))))


def bernoulli_log_likelihood(x_logits, x):
    return _sum_over_pixels(x * x_logits - ops.softplus(x_logits))


# %% [markdown] slideshow={"slide_type": "subslide"}
# > **The lecture's program** calls `keras.losses.binary_crossentropy` and sums what it
# > returns over height and width. That function *averages* over the last axis, the
# > channels. With one channel nothing is lost. With three, the reconstruction is worth a
# > third of what it should be beside the KL, without any error message. Here is the
# > factor.

# %% tags=["nbval-check-output"]
rng = np.random.default_rng(0)
colour = tf.constant(rng.random((4, 28, 28, 3)))
logits = tf.constant(rng.normal(size=(4, 28, 28, 3)))
averaged = keras.losses.binary_crossentropy(colour, logits, from_logits=True)
theirs = ops.sum(averaged, axis=(1, 2))
ours = -bernoulli_log_likelihood(logits, colour)
assert np.allclose(ours / theirs, 3, rtol=1e-6)
print("all pixels / the lecture's sum:", to_numpy(ours / theirs).round(3))


# %% [markdown] slideshow={"slide_type": "subslide"}
# Next the sample of $z$, with noise $\epsilon \sim \mathcal N(0, I)$ from outside, so that
# a gradient can pass (lesson 2); and the KL to the prior $p(z) = \mathcal N(0, I)$.


# %% tags=["mirrors"]
def reparameterize(mu, logvar, epsilon):
    return mu + ops.exp(0.5 * logvar) * epsilon


def kl_to_standard_normal(mu, logvar):
    return 0.5 * ops.sum(ops.square(mu) + ops.exp(logvar) - 1 - logvar, axis=-1)


# %% [markdown]
# We hold the KL against the closed form in double precision.

# %% tags=["nbval-check-output"]
mu, logvar = rng.normal(size=(2, 5, 2))
ours = kl_to_standard_normal(tf.constant(mu), tf.constant(logvar))
oracle = divergences.kl_to_standard_normal(mu, logvar)
assert np.allclose(ours, oracle, rtol=1e-12)
print("both programs:", oracle.round(3), "nats")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Training, bare
#
# The loss is the KL less the log-likelihood, averaged over the images of a minibatch.
# This is all of a training step: a `GradientTape` records what is computed below it; then
# it is asked for the gradient of the loss, and Adam takes a step. `tf.function` turns the
# Python into a graph, once, when it is first called.

# %% slideshow={"slide_type": "subslide"}
seed_everything(0)
encoder, decoder = ConvEncoder(), ConvDecoder()
weights = encoder.trainable_weights + decoder.trainable_weights
optimizer = keras.optimizers.Adam(1e-3)


@tf.function
def step(x, epsilon):
    with tf.GradientTape() as tape:
        mu, logvar = encoder(x)
        z = reparameterize(mu, logvar, epsilon)
        log_likelihood = bernoulli_log_likelihood(decoder(z), x)
        loss = ops.mean(kl_to_standard_normal(mu, logvar) - log_likelihood)
    gradients = tape.gradient(loss, weights)
    optimizer.apply(gradients, weights)
    return loss


# %% [markdown] slideshow={"slide_type": "subslide"}
# And this is all of a training loop: pick 128 digits, draw the noise, take the step.
# Forty steps, and the loss in nats an image at every tenth.

# %%
rng = np.random.default_rng(0)
for number in range(1, 41):
    rows = rng.integers(len(train), size=128)
    epsilon = rng.standard_normal((128, 2), dtype=np.float32)
    loss = step(to_tensor(train.x[rows]), tf.constant(epsilon))
    if number % 10 == 0:
        print(f"step {number}: loss {loss:.0f} nats")


# %% [markdown]
# The first steps only learn that most pixels are black.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What `fit` adds
#
# Keras wants the same step as a method of a model. Then `fit` brings the loop, the
# shuffling, the held-out digits after each epoch, and callbacks.
#
# First the evidence lower bound of lesson 1 as a function, with both of its terms, one
# value an image:
#
# $$
# \mathrm{ELBO} \;=\; \underbrace{\mathbb E_{q_\phi(z \mid x)}\left[\log p_\theta(x \mid
# z)\right]}_{\text{reconstruction}} \;-\; \underbrace{\mathrm{KL}\left(q_\phi(z \mid x)
# \,\|\, p(z)\right)}_{\text{kl}} ,
# $$
#
# in nats, the unit of natural logarithms. One sample of $z$ stands for the mean. (The cast matters only if the layers compute in 16 bits, of which more below:
# the formulas stay in the images' type.)


# %% tags=["mirrors"] slideshow={"slide_type": "subslide"}
def _encode(model, x):
    mu, logvar = model.encoder(x)
    return ops.cast(mu, x.dtype), ops.cast(logvar, x.dtype)


def elbo(model, x, epsilon):
    mu, logvar = _encode(model, x)
    z = reparameterize(mu, logvar, epsilon)
    reconstruction = model.log_likelihood(x, z)
    kl = kl_to_standard_normal(mu, logvar)
    return reconstruction - kl, reconstruction, kl


# %% [markdown]
# Then the model: two networks, a likelihood, and two steps. What it inherits from
# `VAEBase` is bookkeeping: the weight $\beta$ of the KL, which is 1 for the ELBO; noise
# for each batch; and the means over an epoch.


# %% tags=["mirrors"] slideshow={"slide_type": "subslide"}
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


# %% [markdown] slideshow={"slide_type": "subslide"}
# `decode` gives the mean image, in $[0, 1]$. The last method to be read is the inherited
# `report`.

# %%
print(inspect.getsource(VAEBase.report))

# %% [markdown] slideshow={"slide_type": "subslide"}
# Three habits are worth copying. The tape holds only what needs a gradient. A `test_step`
# computes the same terms without a step, so that held-out digits can be measured. And
# `report` names each number by the metric that keeps it.
#
# > **The lecture's model** keeps its mean loss in a tracker called `total_loss`, and
# > returns it under the key `loss`. Both names exist, only one of them is in the history:
# > a callback that is told to watch `total_loss` finds nothing. It has no `test_step`
# > either, so `evaluate` and `validation_data` cannot be used. Nor could they have
# > helped: it is trained on training **and** test digits together, and nothing is left to
# > be held out.
#
# `train_vae` is a thin layer over `compile` and `fit`. It makes batches in which order and
# noise follow from one seed, and returns the course's `History`.

# %% slideshow={"slide_type": "subslide"}
seed_everything(0)
short = ConvVAE()
history = train_vae(short, train.x, epochs, 0, test_images=test.x)
history_curves(history, ["loss", "reconstruction", "kl"])

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: loss, reconstruction and KL over the epochs of the short run, for training and
# for held-out digits. The loss falls steeply and has not levelled off, and on held-out
# digits it lies below the training curve. The held-out KL starts near zero and rises; the
# training KL has a dip in the second epoch.*

# %% [markdown] slideshow={"slide_type": "subslide"}
# Below, because a training value is the mean over an epoch in which the model still
# learnt, while the held-out value is measured at the epoch's end.
#
# Look at the KL as well, held out. At first it is almost zero: the decoder has learnt one
# average digit and ignores $z$. This is a *posterior collapse*. Here it passes: as soon as
# the decoder listens to $z$, a nat of KL buys more than a nat of reconstruction.

# %%
last = {key: values[-1] for key, values in history.items()}
print(f"after {len(history)} epochs on {len(train):,} digits, in nats:")
for kind, prefix in (("training", ""), ("held out", "test_")):
    terms = [last[prefix + key] for key in ("loss", "reconstruction", "kl")]
    print("{:9} loss {:.1f}, reconstruction {:.1f}, KL {:.1f}".format(kind, *terms))
print("held-out KL after each epoch:", *(f"{kl:.2f}" for kl in history["test_kl"]))

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Thirty epochs, and a number to compare with
#
# Thirty epochs on 60,000 digits would take half an hour here, so that run was made once.
# Its weights ship with the course, and its whole course was recorded.

# %%
vae = load_pretrained(ConvVAE(), "conv_vae")
recorded = History.load(RESULTS / "conv_vae.json")
history_curves(recorded, ["loss", "reconstruction", "kl"])

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: the same three panels for thirty epochs on all of MNIST. The loss falls to about
# 155 nats within ten epochs and then creeps. In the end the held-out loss lies about a nat
# above the training loss. The KL, some six nats, keeps rising slowly.*

# %% [markdown] slideshow={"slide_type": "subslide"}
# The KL, between six and seven nats, is the most that the code can tell about a digit.
# Averaged over the digits it is
#
# $$
# \mathbb E_x\,\mathrm{KL}\left(q(z \mid x) \,\|\, p(z)\right) \;=\; I(x, z) \;+\;
# \mathrm{KL}\left(q(z) \,\|\, p(z)\right) ,
# $$
#
# the information that $z$ carries about $x$, plus a mismatch: $q(z)$ is the mixture of
# all codes, and need not be the prior (Hoffman and Johnson, 2016). Two numbers, each known
# to a few per cent of its range, can carry just about that. What the other 140 nats are
# made of, we take apart further down.
#
# The gap between the two curves in the first panel is a finding. It opens late, and only
# a held-out set can show it.
#
# Each file of weights has a card, which says how it came about. We recompute one of its
# numbers, with noise that anybody can draw again.

# %% slideshow={"slide_type": "subslide"}
about, sample = card("conv_vae"), load_mnist("test")
epsilon = np.random.default_rng(0).standard_normal((2000, 2), dtype=np.float32)
parts = zip(np.split(sample.x, 20), np.split(epsilon, 20))
bounds = [to_numpy(elbo(vae, to_tensor(x), noise)[0]) for x, noise in parts]
print(f"{about['data']}, {about['epochs']} epochs")
print(f"card: ELBO on the shipped held-out digits {about['sample']['elbo']:.3f} nats")
print(f"here: {np.mean(bounds, dtype=float):.3f} nats")
kl = about["sample"]["kl"]
print(f"the code tells at most {kl:.2f} nats, or {kl / math.log(2):.1f} bits")
assert math.isclose(np.mean(bounds, dtype=float), about["sample"]["elbo"], rel_tol=1e-4)

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### The lecture's figures
#
# For the lecture's program a loss of 209.12, 152.32 and 146.94 nats is quoted after 1, 10
# and 30 epochs, on training and test digits together. Runs by that protocol were recorded,
# each from another seed, beside one with the test digits held out. All that were recorded
# are shown. Seeds 0 to 2 came first. Then twelve starts were watched for two epochs; of
# these, 6 and 10 were trained to the end, for reasons that follow. So seed 6 is no draw at
# random. What the last column counts comes next.

# %% tags=["nbval-check-output", "remove-input"]
record = read_result("conv_vae_lecture")
lecture, held_out = record["lecture"], record["held_out"]
quoted, measured = lecture["published"], lecture["measured"]
living = lecture.get("living_units", {})


def show(name, losses, units=""):
    print(f"{name:29}" + "".join(f"{losses[e]:9.2f}" for e in quoted) + f"{units:>9}")


heads = "".join(f"{head:>9}" for head in (*quoted, "living"))
print(f"{'loss in nats after epoch':29}{heads}")
show("quoted, 70,000 digits", quoted)
for seed in sorted(measured, key=int):
    show(f"  this course, seed {seed}", measured[seed], living.get(seed, "-"))
for seed, losses in lecture["measured_by_the_lectures_program"].items():
    show(f"  lecture's program, seed {seed}", losses)
show("60,000 digits, training", held_out["training"])
show("the other 10,000, held out", held_out["test"])

# %% [markdown] slideshow={"slide_type": "subslide"}
# The quoted figures are those of one run, so they must be compared with the *spread* of
# ours. Is there a run within two nats of them, at epoch 10 and at epoch 30?

# %% tags=["nbval-check-output"]
for epoch in ("10", "30"):
    gaps = np.array([losses[epoch] - quoted[epoch] for losses in measured.values()])
    print(f"epoch {epoch}: {gaps.min():+.2f} to {gaps.max():+.2f} nats off")
met = [
    seed
    for seed, losses in measured.items()
    if max(abs(losses[epoch] - quoted[epoch]) for epoch in ("10", "30")) < 2
]
print(f"within 2 nats at both: {len(met)} of {len(measured)} seeds ({', '.join(met)})")
assert met

# %% [markdown] slideshow={"slide_type": "subslide"}
# The network, the recipe and the formula of the loss are the same in all runs; only the
# seed differs. Epoch 1 says least: its figure is a mean over a time in which the loss
# falls by hundreds of nats, and depends on how the first hundred steps went. But why do
# runs still differ by nats at epoch 30?
#
# ### Sixteen units, and how many live
#
# All that the encoder knows about a digit passes through its layer of 16 ReLU units. Each
# forms a weighted sum $a$ of its inputs, plus a bias, and passes $\max(0, a)$ on. We count
# the units of the shipped encoder that are *alive*: positive for at least one training
# digit.
#
# **Predict before you run.** How many of the 16?

# %%
layer = vae.encoder.get_layer("hidden")
outputs = [layer.output, *vae.encoder.outputs]
opened = keras.Model(vae.encoder.inputs, outputs)
activity, mu, _ = opened.predict(train.x, batch_size=500, verbose=0)
alive = (activity > 0).any(axis=0)
print(f"{alive.sum()} of {alive.size} units live, looking at {len(train):,} digits")

# %% [markdown] slideshow={"slide_type": "subslide"}
# The others give zero for every digit. So the heads need the living ones only, and a
# smaller network computes the same codes.

# %%
kernel, bias = map(to_numpy, vae.encoder.get_layer("mu").weights)
small = activity[:, alive] @ kernel[alive] + bias
# two sums of 17 float32 terms; rounding: each below 17 * 2^-24 of its absolute terms
bound = 2 * 17 * 2**-24 * (activity @ np.abs(kernel) + np.abs(bias))
assert (np.abs(small - mu) <= bound).all()
print(f"codes from {alive.sum()} units and from {alive.size}: equal")

# %% [markdown] slideshow={"slide_type": "subslide"}
# Why does training not wake them? Where $a < 0$ the slope of a ReLU is zero. A unit that
# is negative for *every* digit sends no gradient to its weights. Only luck can bring it
# back, when the layers before it change.

# %%
x = to_tensor(train.x[:200])
epsilon = tf.constant(rng.standard_normal((200, 2), dtype=np.float32))
with tf.GradientTape() as tape:
    loss = -ops.mean(elbo(vae, x, epsilon)[0])
slopes = np.abs(to_numpy(tape.gradient(loss, layer.kernel.value))).max(axis=0)
assert (slopes[~alive] == 0).all()
low, high = slopes[alive].min(), slopes[alive].max()
print(
    f"steepest slope of the loss along a unit's weights: living {low:.2f} to {high:.2f}"
)
print(f"and dead {slopes[~alive].max():.2f}")

# %% [markdown] slideshow={"slide_type": "subslide"}
# Why do they die? A step of Adam moves each weight by about the learning rate, $10^{-3}$,
# at first, whatever the size of its gradient. A unit here sums over 3,136 inputs, none of
# which is negative, since they come out of a ReLU. So if the loss asks for less of a unit,
# nearly all of its weights go down at once, and $a$ falls by up to $10^{-3}$ times the sum
# of the inputs: for **all digits alike**. Is that much? We compare it with the size of
# $a$, and with its standard deviation from digit to digit, in a fresh model.

# %% slideshow={"slide_type": "subslide"}
seed_everything(0)
young = ConvVAE()
young.compile(keras.optimizers.Adam(1e-3))
inputs, layer = young.encoder.inputs, young.encoder.get_layer("hidden")
flat = keras.Model(inputs, young.encoder.get_layer("flatten").output)
features = to_numpy(flat(to_tensor(train.x[:1000])))
push = 1e-3 * features.sum(axis=1).mean()
sums = features @ to_numpy(layer.kernel)
spread, size = sums.std(axis=0).mean(), np.abs(sums.mean(axis=0)).mean()
print(f"one step moves a unit by up to {push:.3f} for all digits")
print(
    f"from digit to digit it varies by {spread:.3f}, around a mean of size {size:.3f}"
)
assert push > spread

# %% [markdown] slideshow={"slide_type": "subslide"}
# One step outweighs all that tells the digits apart. A few in a row, and a unit is below
# zero for every digit. Others are pushed up, and live. But the door is open one way only: a
# unit that is up may still be pushed down, and one that is down stays there. Chance steps
# in both directions are enough, then, to empty the room.
#
# **Predict before you run.** An epoch of the lecture's run has more than five hundred
# steps. After how many have half of the units died?

# %% slideshow={"slide_type": "subslide"}
hidden = keras.Model(inputs, layer.output)
counts, loss = {}, "not trained yet"
for number in range(101):
    if number in (0, 2, 5, 10, 50, 100):
        activity = hidden.predict(train.x[:1000], verbose=0)
        counts[number] = (activity > 0).any(axis=0).sum()
        print(f"after {number:3} steps: {counts[number]:2} units live, {loss}")
    batch = to_tensor(train.x[rng.integers(len(train), size=128)])
    loss = f"loss {young.train_on_batch(batch, return_dict=True)['loss']:.0f} nats"
assert counts[50] <= 8

# %% [markdown] slideshow={"slide_type": "subslide"}
# Within fifty steps at least half have died. The loss fell all the while (it is a mean
# since the first step): it does not tell.
#
# How many survive is a matter of the seed. Does it decide the loss? Here are the twelve
# starts that were watched for two epochs of the lecture's protocol; the living were counted
# on 3,000 digits.

# %% tags=["nbval-check-output"]
watched = record["after_two_epochs"]
units, losses = np.array([list(start.values()) for start in watched.values()]).T
correlation = np.corrcoef(units, losses)[0, 1]
# without any relation, 1/sqrt(n - 1) is the standard deviation of a correlation
chance = 1 / math.sqrt(len(units) - 1)
print(f"{len(units)} seeds, {units.min():.0f} to {units.max():.0f} living units")
print(f"correlation with the loss {correlation:+.2f}; by chance 0 +- {chance:.2f}")

# %% [markdown] slideshow={"slide_type": "subslide"}
# Most starts keep three or four, and the relation with the loss is within chance. Seed 6
# has the most living units, seed 10 the lowest loss after two epochs; that is why these two
# were trained on. At the end:

# %%
for seed, units in living.items():
    print(
        f"seed {seed:>2}: {units} of 16 live, {measured[seed]['30']:.2f} nats at epoch 30"
    )
shipped = held_out["training"]["30"]
print(f"shipped: {alive.sum()} of 16 live, {shipped:.2f} nats (60,000 digits)")

# %% [markdown]
# So few runs settle nothing: the best of them has a unit more than the other, but the
# shipped one has as many. What they do show is that a loss at epoch 30 is no property of a
# network and a recipe alone. It is what one start gave, and another start gives another.
#
# ### The number to quote
#
# The last row of the table is the one to quote: digits that the model has never seen.
# With its standard error, and with the tighter bounds of lesson 3 ($L_5$ and $L_{50}$, from
# 5 and 50 latent points a digit), the card says for the full test set:

# %% tags=["nbval-check-output"] slideshow={"slide_type": "subslide"}
measured = about["test"]
terms = {key: measured[key] for key in ("elbo", "reconstruction", "kl")}
terms |= {f"L_{k}": value for k, value in measured["iwae"].items() if k != "1"}
print(f"{measured['digits']:,} held-out digits, nats:")
for name, value in terms.items():
    print(f"{name:16}{value['mean']:9.2f} +- {value['standard_error']:.2f}")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What a loss of 150 is made of
#
# The formula above is a log-probability for pixels that are 0 or 1. We have fed it *grey
# levels*. What does it say then?
#
# **It has a floor.** For a grey pixel $x$ the best possible decoder gives $p = x$, and
# still pays the entropy
#
# $$
# H(x) = -x \log x - (1 - x) \log (1 - x) ,
# $$
#
# which vanishes only for pure black and white.
#
# **Predict before you run.** Most pixels *are* black or white. How many of the 150 nats
# would a perfect decoder have to pay? Ten, a third, nearly all?

# %% tags=["nbval-check-output"] slideshow={"slide_type": "subslide"}
floor = Estimate.of((entr(sample.x) + entr(1 - sample.x)).sum(axis=(1, 2, 3)))
loss = -about["sample"]["elbo"]
print(f"loss on the shipped held-out digits {loss:7.2f} nats")
print(f"of it, floor of a perfect decoder   {floor.mean:7.2f} nats")
print(f"of it, KL                           {about['sample']['kl']:7.2f} nats")
rest = loss - floor.mean - about["sample"]["kl"]
print(f"of it, what two numbers cannot hold {rest:7.2f} nats")

# %% [markdown] slideshow={"slide_type": "subslide"}
# **It is an average over tosses.** The formula is linear in $x$. So its value for a grey
# image is the mean of its values over all black-and-white images that come from tossing
# each pixel with its grey level as the probability. We toss a hundred times, for 200 digits
# decoded at their mean codes.

# %%
x = sample.x[:200]
logits = vae.decoder(vae.encoder(x)[0])
grey = to_numpy(bernoulli_log_likelihood(logits, x))
tossed = [bernoulli_log_likelihood(logits, binarize(x, seed)) for seed in range(100)]
difference = Estimate.of(np.mean(tossed, axis=1) - grey.mean())
print(f"grey levels {grey.mean():.2f} nats")
print(f"mean over tosses, less that: {difference} nats")
assert abs(difference.mean) < 4 * difference.standard_error

# %% [markdown] slideshow={"slide_type": "subslide"}
# **It is not a density of grey pictures.** A density must integrate to one. For one pixel
# with probability $p$ the formula gives
#
# $$
# \int_0^1 p^x (1 - p)^{1 - x}\, dx = \frac{2p - 1}{\log p - \log (1 - p)} ,
# $$
#
# which is not one, and not even a constant.
#
# **Predict before you run.** For which pixel is the integral smaller: for one of which
# the decoder is sure, or for one that might be anything?

# %% tags=["nbval-check-output"]
for p in (0.01, 0.1, 0.499):  # at 0.5 itself the fraction is 0/0
    integral, _ = quad(lambda x, p=p: p**x * (1 - p) ** (1 - x), 0, 1)
    assert math.isclose(integral, (2 * p - 1) / math.log(p / (1 - p)), rel_tol=1e-9)
    print(f"p = {p}: integral {integral:.3f}")


# %% [markdown] slideshow={"slide_type": "subslide"}
# For the sure one. The factor that is missing depends on $p$, so it cannot be dropped as
# a constant would be. The model that has it is called the continuous Bernoulli
# (Loaiza-Ganem and Cunningham, 2019).
#
# In short: a grey-level cross-entropy is a good loss, and a number to be compared with
# itself. It does not belong in a table with the $\log p(x)$ of binary digits, nor with
# the densities of lesson 3.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The map
#
# Now the pictures. The encoder's mean $\mu$ of each held-out digit is a point of the
# plane. We print the class there, so that the map can be read without colours. The model
# was never told the classes.


# %% slideshow={"slide_type": "subslide"}
def encode(x):
    return vae.encoder.predict(x, batch_size=500, verbose=0)[0]


def decode(z):
    return to_numpy(vae.decode(np.asarray(z, dtype=np.float32)))


codes = encode(test.x[:2_000])
classes = test.y[:2_000]
latent_map(codes, classes, square=1.0, title="Held-out digits")


# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: the latent plane with one numeral for each held-out digit, and above it the
# names of the classes, tied to their medians by lines. Ones lie in a wide cloud on the
# left, zeros along the right edge; between them upright bands of sevens, nines and fours,
# eights, fives and threes, twos and sixes. Nines, fours and sevens overlap. Dashed
# circles hold half of the prior and 99 % of it; most of the right half of the larger one
# is empty. A square reaches from -1 to 1.*

# %% [markdown]
# Neighbours on the map look alike: 4 beside 9, 3 beside 5 and 8. That is the work of the
# noise. A code that is smeared by $\epsilon$ must have neighbours that are decoded to
# nearly the same picture.
#
# The empty region is as telling. The prior has mass there, but no digit is encoded there.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The manifold
#
# Turn it round: take a grid of points, decode each. The whole grid goes through the
# decoder as **one batch**.


# %%
def grid(axis):
    z1, z2 = np.meshgrid(axis, axis[::-1])
    return np.stack([z1, z2], axis=-1).reshape(-1, 2)


linear = np.linspace(-1, 1, 20)
manifold(decode(grid(linear)), linear, "Equal steps from -1 to 1")

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: twenty by twenty decoded digits on equal steps from -1 to 1. From left to right
# come sevens and nines, fours, eights, fives and threes, twos, sixes, and then zeros,
# which fill nearly half of the picture. The digit 1 does not appear.*

# %% [markdown] slideshow={"slide_type": "subslide"}
# That is the lecture's picture (it has thirty digits a side; with twenty the last row of
# the hall can read it). Smooth, and nearly complete. But **where are the ones?**
#
# The map has the answer. The square is the grid's region, and the ones lie outside of it.

# %%
inside = np.abs(codes).max(axis=1) < 1
for label in range(10):
    share = inside[classes == label].mean()
    print(f"digit {label}: {share:4.0%} lie in the square")

# %% [markdown] slideshow={"slide_type": "subslide"}
# How much of the *prior* does the square hold? Two independent standard normal numbers,
# each between $-1$ and $1$, with $\Phi$ the cumulative distribution of one of them:
#
# $$
# \left[\Phi(1) - \Phi(-1)\right]^2 .
# $$
#
# **Predict before you run.** Within one standard deviation: two thirds, or less?

# %% tags=["nbval-check-output"]
share = (norm.cdf(1) - norm.cdf(-1)) ** 2
drawn = np.random.default_rng(0).standard_normal((1_000_000, 2))
counted = (np.abs(drawn).max(axis=1) < 1).mean()
# four standard errors of a share: 4 sqrt(p (1 - p) / n) = 0.002
assert abs(counted - share) < 0.002
assert round(share, 3) == 0.466
print(f"the square holds {share:.1%} of the prior (counted: {counted:.1%})")

# %% [markdown]
# Less than half. More than half of what this model would ever draw is not in the picture.
#
# The remedy is one function. Choose the grid so that between two of its lines there is
# always the same probability: the **quantiles** $\Phi^{-1}(u)$ at equal steps of $u$.

# %% slideshow={"slide_type": "subslide"}
steps = (np.arange(20) + 0.5) / 20
quantiles = norm.ppf(steps)
assert np.allclose(np.diff(norm.cdf(quantiles)), 1 / 20)
manifold(decode(grid(quantiles)), quantiles, "Equal steps of probability")

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: twenty by twenty decoded digits on normal quantiles from -1.96 to 1.96. Ones
# now fill the upper left edge. The right half is zeros, ragged at the far right.*

# %% [markdown] slideshow={"slide_type": "subslide"}
# Now each digit stands for the same share of the prior, $1/400$, and the picture is what
# the model *believes*. There are the ones. And there is something that the square had
# hidden as well: this model draws far too many zeros. We count. Points are drawn from the
# prior, and each is given the class of the training digit that is encoded next to it (a
# rough rule where the map is empty: the nearest code may be far).

# %%
train_codes = encode(train.x)
drawn = np.random.default_rng(1).standard_normal((10_000, 2))
_, rows = KDTree(train_codes).query(drawn)
shares = np.bincount(train.y[rows], minlength=10) / len(drawn)
print("digit         " + "".join(f"{label:6}" for label in range(10)))
print("in the prior  " + "".join(f"{share:6.0%}" for share in shares))

# %% [markdown] slideshow={"slide_type": "subslide"}
# Each should be near 10 %. The KL of the loss compares each $q(z \mid x)$ with the prior,
# one by one. It does not force their mixture $q(z)$ to be the prior: the mismatch is only
# one part of the mean KL, as we saw. A mismatch that buys more reconstruction than it costs is welcome to the
# optimizer. Samples pay for it.
#
# > **The lecture's program** draws its picture by 900 calls of `predict`, one for each
# > point. `predict` is made for data sets: each call builds a data pipeline, and throws it
# > away. We time some calls against one batch of all points of our grid.

# %% slideshow={"slide_type": "subslide"}
points = grid(linear).astype("float32")
vae.decoder.predict(points[:1], verbose=0)  # the first call also builds the graph
start = time.perf_counter()
for point in points[:calls]:
    vae.decoder.predict(point[None], verbose=0)
one_by_one = (time.perf_counter() - start) * len(points) / calls
batches = []
for _ in range(3):
    start = time.perf_counter()
    decode(points)
    batches.append(time.perf_counter() - start)
assert one_by_one > 10 * min(batches)
print("one batch is more than ten times as fast")

# %% [markdown]
# Ten is what even a busy laptop must pass; the ratio of a recorded run stands further
# down.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## From one digit to another
#
# Take two held-out digits $x_a$ and $x_b$ with codes $\mu_a$ and $\mu_b$, and walk from
# one to the other on the straight line $(1 - t)\,\mu_a + t\,\mu_b$, with $t$ from 0 to 1.
# For comparison, the same blend of the *pixels*.

# %% slideshow={"slide_type": "subslide"}
first, second = (int(np.flatnonzero(classes == label)[0]) for label in (1, 0))
t = np.linspace(0, 1, 11)
way = np.outer(1 - t, codes[first]) + np.outer(t, codes[second])
blend = np.tensordot([1 - t, t], test.x[[first, second]], axes=(0, 0))
mosaic(
    np.concatenate([decode(way), blend]),
    columns=11,
    row_labels=["latent", "pixels"],
    column_labels=[f"{value:.1f}" for value in t],
    title="t from 0 to 1",
)

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: two rows of eleven pictures from a one to a zero. Above, decoded points of the
# straight line: the one leans over, grows a hook like a seven, passes something between
# an eight and a five, and closes to a zero; most of these a pen could draw. Below, a
# double exposure of a fading one and a growing zero.*

# %% [markdown]
# The way through the latent plane passes other digits, because they lie in between. Which
# ones, the map tells.

# %% slideshow={"slide_type": "subslide"}
_, rows = KDTree(train_codes).query(way)
print("nearest training digits:", *train.y[rows])
latent_map(codes, classes, path=way, title="From a one to a zero")

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: the map again, with a black line of eleven dots from a disc in the cloud of ones
# to a square at the upper end of the zeros. On its way it passes the upper ends of the
# bands in between.*

# %% [markdown]
# Why a straight line? Only because it is easy. Latent coordinates have no units, and equal
# steps of $t$ are not equal changes of the picture: in the crowded middle a small step
# changes the class, and on the right edge a large one changes nothing.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Explore it yourself
#
# In a running notebook the two sliders move the cross. The decoded digit follows, and so
# do its five nearest training digits, which are ringed on the map. Nothing is trained: the
# picture is a decode and a search for neighbours.

# %% slideshow={"slide_type": "subslide"}
latent_explorer(decode, train_codes, train.x, train.y)

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: left, the map of training digits with a cross at the origin and rings around the
# nearest codes. Right, the digit decoded at the cross, and below it the five nearest
# training digits, with their classes.*

# %% [markdown]
# Three things to try. Cross the border between fours and nines: is there a jump? Move to
# the far right, where no digit was ever encoded: how sure does the decoder look? Find a
# place where the decoded digit and its neighbours disagree.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## How fast?
#
# `train_vae` and the lecture's program were timed in turns on one machine, on the same
# digits.

# %% tags=["nbval-check-output"]
benchmark = read_result("benchmark_conv_vae")
print(f"{benchmark['digits']:,} digits, {benchmark['machine']}")
for name, row in benchmark["training"].items():
    seconds, speed_up = row["seconds_per_epoch"], row["speed_up"]
    print(f"{name:22}{seconds:7.2f} s an epoch, {speed_up:5.2f} times the lecture's")
ratio = benchmark["manifold"]["speed_up"]
print(f"900 points: one batch {ratio} times as fast as 900 calls")

# %% [markdown] slideshow={"slide_type": "subslide"}
# Where can such a program lose or win time? Most of a step is multiplication inside
# the convolutions, and those are the same in both programs. So is the loss: Keras finds
# the sigmoid at the end of the lecture's decoder, and computes with the logits that went
# into it. What differs lies around the step. In
# `train_vae` the images lie in memory once, as one tensor. A batch is a list of their row
# numbers; TensorFlow gathers them and draws the noise ahead of the step that needs them.
#
# One setting is left to try, `precision="bfloat16"`. The layers then multiply numbers
# of 16 bits, with the exponent of a float32 and between two and three significant
# digits. The weights, the noise, the sums over pixels and the KL stay in float32, so
# the loss does too. On processors that have 16-bit arithmetic a product costs less; on
# others this setting may well be slower. Time it before you use it.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What could go wrong
#
# - **A mean over one axis too many.** `binary_crossentropy` averages over channels. With
#   one channel you never notice.
# - **Units that die.** A push that is the same for every input takes a ReLU below zero
#   for all of them, and hardly anything brings it back. Count the living.
# - **One seed.** A figure from one run is a draw. Show the spread.
# - **Nothing held out.** The loss on training digits falls on, whatever happens elsewhere.
# - **A picture of a part.** A grid on $[-1, 1]^2$ shows 46.6 % of the prior, and of this
#   model no ones.
# - **A prior that the codes do not fill.** Reconstructions are fine and samples are not.
#   Look at the map before you sample.
# - **A distance on the map taken for a distance between digits.** The map is bent: turn
#   or squeeze it, let the decoder undo that, and every picture stays the same.
# - **Retraining and comparing maps.** Another seed gives another map, rotated, mirrored,
#   or with other neighbours. Compare bounds, not pictures.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Summary
#
# | picture | what is decoded or encoded | what to watch |
# |---|---|---|
# | map | means $\mu$ of held-out digits | where the prior is empty |
# | manifold, equal steps | a square of the plane | it holds 46.6 % of the prior |
# | manifold, quantiles | equal shares of the prior | what the model believes |
# | straight line | $(1 - t)\mu_a + t\mu_b$ | which classes it crosses |
#
# A loss is one draw: how many of the encoder's ReLU units live is largely decided early
# in training, and it differs from seed to seed.
#
# | in Keras | where |
# |---|---|
# | the gradient | `GradientTape`, in a loop of ours or in `train_step` |
# | held-out numbers | `test_step` and `validation_data` |
# | one call for many points | `model(batch)`; `predict` is for data sets |

# %% [markdown] slideshow={"slide_type": "skip"}
# ## Exercises
#
# [The set of this lesson](exercises/04_vae_keras.ipynb) has stubs to fill in, and checks that
# answer. Here are questions to think about without a net.
#
# 1. *Easy, 5 minutes.* How large a square would the linear grid need to show 99 % of the
#    prior? Compute it from $\Phi$ and decode it. What share of that picture's *area* holds
#    half of the prior?
# 2. *Easy, 10 minutes.* For the held-out digits, what are the mean and the covariance
#    matrix of `codes`? If the mixture $q(z)$ of all codes, noise included, were the prior,
#    what would they be? (Less than $I$: the noise has its share. Compute that share.)
# 3. *Medium, 20 minutes.* Find the pair of held-out digits of *different* classes whose
#    codes are closest. Draw both, and what is decoded there.
# 4. *Medium, 20 minutes.* Train with `train_vae(..., beta=4.0)` and `beta=0.25`. How does
#    the map change its size, and why? Compare the ELBOs, not the losses.
# 5. *Hard, 40 minutes.* Length on the map is not length between pictures. Approximate the
#    length of a path by the sum of $\lVert x(t_{i+1}) - x(t_i) \rVert$ over its decoded
#    pictures, and bend the way from the one to the zero until it is shorter than the
#    straight line.
# 6. *Hard, 40 minutes.* Is the *size* of the first steps to blame? Take a tenth of the
#    learning rate, or $\beta = 0$, and count the living again, for three seeds. Then give
#    the layer `hidden` a `leaky_relu`: how many units are positive for some digit now, and
#    what else has changed for those that are not? Compare losses after ten epochs.
# 7. *Hard, 40 minutes.* Train from three seeds for fifteen epochs and draw the three maps
#    after epochs 3 and 15. Do classes change their neighbours? Which map has the best ELBO?

# %% [markdown] slideshow={"slide_type": "skip"}
# ## References
#
# - D. P. Kingma and M. Welling, *Auto-Encoding Variational Bayes*, 2014,
#   [arXiv:1312.6114](https://arxiv.org/abs/1312.6114): its appendix has the manifold on
#   quantiles.
# - M. D. Hoffman and M. J. Johnson, *ELBO surgery: yet another way to carve up the
#   variational evidence lower bound*, 2016 (NIPS workshop on approximate inference).
# - G. Loaiza-Ganem and J. P. Cunningham, *The continuous Bernoulli: fixing a pervasive
#   error in variational autoencoders*, 2019,
#   [arXiv:1907.06845](https://arxiv.org/abs/1907.06845).
# - L. Lu, Y. Shin, Y. Su and G. E. Karniadakis, *Dying ReLU and initialization: theory
#   and numerical examples*, 2019, [arXiv:1903.06733](https://arxiv.org/abs/1903.06733).
# - F. Chollet, *Variational AutoEncoder*,
#   [keras.io/examples](https://keras.io/examples/generative/vae/): the program that the
#   lecture shows.
# - M. Hjorth-Jensen, *Advanced machine learning and data analysis for the physical
#   sciences*, week 14, 2024.
