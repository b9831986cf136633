# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Exercises on lesson 4: a VAE in Keras
#
# Open in [Colab](https://colab.research.google.com/github/generative-models/executed/blob/v0.2.0/notebooks/exercises/04_vae_keras.ipynb) or on [Binder](https://mybinder.org/v2/gh/generative-models/executed/v0.2.0?urlpath=lab/tree/notebooks/exercises/04_vae_keras.ipynb).
#
# [Lesson 4](../04_vae_keras.ipynb) has what you need. Fill in each cell and run it; its
# last line checks your answer with fresh random inputs and says what is not right yet.
# Shapes are written as `(rows, k)`. Logarithms are natural. In exercises 1 to 5 the noise
# $\epsilon$ behind $z$ comes in from outside. The last exercise trains a model of your own.

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
    os.chdir(f"{course}/notebooks/exercises")
    if importlib.util.find_spec("course_utils") is None:
        install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"]
        subprocess.run([*install, course], check=True)
        importlib.invalidate_caches()

# %% [markdown]
# Run these two cells first. As in the lesson, the course's Keras wing comes before Keras,
# because it starts TensorFlow without its notices.

# %%
import math

import numpy as np
from scipy.special import logsumexp
from scipy.stats import norm

from course_utils.data.mnist import load_mnist
from course_utils.figures.digit_rows import labelled_rows
from course_utils.figures.style import use_course_style
from course_utils.tfkeras.device import to_numpy
from course_utils.tfkeras.likelihoods import bernoulli_log_likelihood
from course_utils.tfkeras.vae import ConvVAE, kl_to_standard_normal
from course_utils.tfkeras.weights import load_pretrained

use_course_style()

# %% [markdown]
# Now Keras itself, and the checks, which use it too.

# %%
import keras
import tensorflow as tf
from keras import ops

from course_utils.checks import vae_keras
from course_utils.checks.progress import solved
from course_utils.checks.vae_keras import (
    check_conditional_elbo,
    check_count_log_likelihood,
    check_elbo_of_any_prior,
    check_encoder_first,
    check_pictures_a_side,
    check_train_digit_vae,
    check_worth_of_a_label,
    digit_networks,
    small_digits,
)

# %% [markdown]
# ## 1. A camera that counts (easy, 10 minutes)
#
# Each pixel of a photon-counting camera is exposed several times, and counts in how many
# of these exposures it fired. In each of them it fires with the same probability
# $1/(1 + e^{-\ell})$, whatever it did before. `x` has the counts, whole numbers from 0 to
# `exposures`, of type int32. `x_logits` has the logits $\ell$, in float32. Return one
# $\log p(x \mid z)$ for each image. There may be several colours: the last axis has the
# channels.
#
# The check tries logits as a trained decoder gives them, and also some around $\pm 60$
# and around $\pm 1000$. It compares gradients, too.
#
# <details><summary>Hint</summary>
#
# With one exposure this is the lesson's formula. How many exposures have fired, how many
# have not, and in how many orders may that happen? `tf.math.lgamma(n + 1)` is $\log n!$,
# for floating numbers: `ops.cast(x, "float32")`.
#
# </details>


# %%
def count_log_likelihood(x_logits: tf.Tensor, x: tf.Tensor, exposures) -> tf.Tensor:
    """Both (rows, height, width, channels) -> (rows,)."""
    # BEGIN SOLUTION
    x = ops.cast(x, x_logits.dtype)
    orders = tf.math.lgamma(exposures + 1.0) - tf.math.lgamma(x + 1)
    orders -= tf.math.lgamma(exposures - x + 1)
    each = x * x_logits - exposures * ops.softplus(x_logits)
    return ops.sum(orders + each, axis=(1, 2, 3))
    # END SOLUTION


check_count_log_likelihood(count_log_likelihood)

# %% [markdown] tags=["solution"]
# The number of orders does not depend on $\ell$. So training without it finds the same
# network, but its numbers are no log-likelihoods.
#
# In 32 bits $1/(1 + e^{-60})$ is exactly 1, and $\log(1 - p)$ is lost. And $e^\ell$
# itself is too large from $\ell = 89$ on. `softplus` forms neither of them.

# %% [markdown]
# ## 2. What the fair sheet hides (easy, 10 minutes)
#
# The lesson cut each axis of the prior into nine shares of equal probability, with a
# picture in the middle of each, in terms of probability. On that sheet the outermost
# pictures lie at $z_1 = \pm 1.59$. A sample from the prior may well lie further out. Cut
# each axis into $n$ equal shares in the same way. From how many pictures a side on does
# the sheet have a picture with $z_1 > 3$? Put the smallest such $n$ in.
#
# <details><summary>Hint</summary>
#
# How much of the prior lies beyond 3 (`norm.sf`)? And how much lies beyond the outermost
# picture?
#
# </details>

# %%
# BEGIN SOLUTION
beyond = norm.sf(3)  # half a piece must be smaller
pictures_a_side = math.floor(0.5 / beyond) + 1
# STUB pictures_a_side = ...
# END SOLUTION

check_pictures_a_side(pictures_a_side)

# %% [markdown] tags=["solution"]
# One number in 370 lies beyond $\pm 3$, and the sheet goes there only with more than 370
# lines. So it is honest about what is common, and silent about what is rare. Here is one
# with twelve lines.

# %% tags=["solution"]
from course_utils.figures.latent_maps import manifold

axis = norm.ppf((np.arange(12) + 0.5) / 12)
z1, z2 = np.meshgrid(axis, axis[::-1])
z = np.stack([z1, z2], axis=-1).reshape(-1, 2).astype("float32")
images = to_numpy(load_pretrained(ConvVAE(), "conv_vae").decode(z))
manifold(images, axis, "Equal shares of the prior")

# %% [markdown] tags=["solution"]
# *Figure: twelve by twelve decoded digits on normal quantiles from -1.73 to 1.73. Ones
# stand in the upper left corner, sevens and nines below them. To the right come fours,
# eights, fives and threes, then twos and sixes. Zeros fill the right half.*

# %% [markdown]
# ## 3. Any prior (medium, 15 minutes)
#
# The lesson's KL has a closed form because its prior is a normal one. Let the prior be
# whatever you like: `log_prior(z)` gives $\log p(z)$ for $z$ of shape `(rows, k)`, one
# value a row. Then one sample of $z$ has to do:
#
# $$
# \log p(x \mid z) + \log p(z) - \log q(z \mid x) , \qquad z \sim q(z \mid x) .
# $$
#
# Its mean over $z$ is the ELBO. `encoder(x)` gives `mu` and `logvar`, `(rows, k)` each, of
# the normal $q(z \mid x)$. `decoder(z)` gives logits for black and white pixels, in the
# shape of the images. Return three things for each image: this bound, its reconstruction
# $\log p(x \mid z)$, and what $z$ costs, $\log q(z \mid x) - \log p(z)$. All of it must
# stay in tensors, so that a tape can follow. There may be a hundred latent dimensions, and
# some clouds may be very wide or very narrow.
#
# <details><summary>Hint</summary>
#
# `bernoulli_log_likelihood(x_logits, x)` of the lesson is imported. What is the density of
# a normal number with mean $\mu$ and variance $\sigma^2$, with all its factors? And of
# $k$ independent ones?
#
# </details>


# %%
def elbo_of_any_prior(
    encoder: keras.Model,
    decoder: keras.Model,
    log_prior,
    x: tf.Tensor,
    epsilon: tf.Tensor,
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """x (rows, height, width, channels), epsilon (rows, k) -> three of (rows,)."""
    # BEGIN SOLUTION
    mu, logvar = encoder(x)
    z = mu + ops.exp(0.5 * logvar) * epsilon
    reconstruction = bernoulli_log_likelihood(decoder(z), x)
    # (z - mu) / sigma is epsilon
    log_q = -0.5 * ops.sum(epsilon**2 + logvar + math.log(2 * math.pi), axis=1)
    cost = log_q - log_prior(z)
    return reconstruction - cost, reconstruction, cost
    # END SOLUTION


check_elbo_of_any_prior(elbo_of_any_prior)

# %% [markdown] tags=["solution"]
# The cost of one $z$ may be negative. Its mean over $q$ is the KL, and that is not. Where
# a closed form exists it is the better choice: it does not scatter.

# %% [markdown]
# ## 4. The encoder first (medium, 20 minutes)
#
# Right after a start the encoder knows nothing about its decoder, and training can end in
# posterior collapse. One remedy is to let the encoder catch up: it takes several steps
# before the decoder takes one (He and co-authors, 2019).
#
# `bound(encoder, decoder, x, epsilon)` gives a bound for each image, `(rows,)`. `epsilon`
# has the shape `(rounds + 1, rows, k)`, noise for each step. For each of the first
# `rounds` of them `encoder_optimizer` moves the encoder once, and nothing else moves. Then,
# with the last one, `decoder_optimizer` moves the decoder once, and nothing else moves. The
# loss is always minus the mean of the bound over the images. Return the loss from which
# the decoder's step starts. `rounds` may be zero.
#
# The check uses plain gradient descent and compares the weights of both networks.
#
# <details><summary>Hint</summary>
#
# A tape answers for the weights that you name. Which ones are named in which step? A bound
# that was computed before the encoder moved is out of date.
#
# </details>


# %%
def encoder_first(
    bound,
    encoder: keras.Model,
    decoder: keras.Model,
    encoder_optimizer: keras.Optimizer,
    decoder_optimizer: keras.Optimizer,
    x: tf.Tensor,
    epsilon: tf.Tensor,
) -> tf.Tensor:
    """x (rows, ...), epsilon (rounds + 1, rows, k) -> the loss, a number."""
    # BEGIN SOLUTION
    players = [(encoder, encoder_optimizer)] * (len(epsilon) - 1)
    players.append((decoder, decoder_optimizer))
    for (network, optimizer), noise in zip(players, epsilon, strict=True):
        with tf.GradientTape() as tape:
            loss = -ops.mean(bound(encoder, decoder, x, noise))
        weights = network.trainable_weights
        optimizer.apply(tape.gradient(loss, weights), weights)
    return loss
    # END SOLUTION


check_encoder_first(encoder_first)

# %% [markdown] tags=["solution"]
# Nobody was frozen here. `trainable = False` would do it as well, but it stays in the
# network until somebody takes it back, and then the next training moves nothing.

# %% [markdown]
# ## 5. The digit is known (hard, 25 minutes)
#
# A **conditional** VAE is told the class $y$ of the image and bounds $\log p(x \mid y)$:
#
# $$
# \mathbb E_{q(z \mid x, y)}\left[\log p(x \mid z, y)\right] - \mathrm{KL}\left(q(z \mid
# x, y) \,\|\, p(z)\right) .
# $$
#
# The prior is the same for all classes. Here `encoder([x, label])` gives `mu` and
# `logvar`. The decoder takes one vector of `k + classes` numbers, with $z$ first and the
# label behind it. A label is *one-hot*: zeros, and a 1 in the place of the class. But you
# are given `y`, whole numbers from 0 to `classes - 1`. Return the bound of each image,
# by one sample of $z$. Two functions of the lesson are imported,
# `bernoulli_log_likelihood(x_logits, x)` and `kl_to_standard_normal(mu, logvar)`.
#
# <details><summary>Hint</summary>
#
# `ops.one_hot` and `ops.concatenate`. Along which axis do two tensors of shapes
# `(rows, k)` and `(rows, classes)` fit together? All else is the lesson's `elbo`.
#
# </details>


# %%
def conditional_elbo(
    encoder: keras.Model,
    decoder: keras.Model,
    x: tf.Tensor,
    y: tf.Tensor,
    epsilon: tf.Tensor,
    classes: int,
) -> tf.Tensor:
    """x (rows, height, width, channels), y (rows,), epsilon (rows, k) -> (rows,)."""
    # BEGIN SOLUTION
    label = ops.one_hot(y, classes)
    mu, logvar = encoder([x, label])
    z = mu + ops.exp(0.5 * logvar) * epsilon
    x_logits = decoder(ops.concatenate([z, label], axis=1))
    return bernoulli_log_likelihood(x_logits, x) - kl_to_standard_normal(mu, logvar)
    # END SOLUTION


check_conditional_elbo(conditional_elbo)

# %% [markdown] tags=["solution"]
# Since the label says which digit it is, $z$ is free for the rest: slant, width, the
# strength of the pen. To draw a seven, take any $z$ from the prior and the label of seven.

# %% [markdown]
# ## 6. What a label is worth (hard, 20 minutes)
#
# Let two models be as good as models can be: one has the true density $p(x)$, the other,
# which is told the class, has the true $p(x \mid y)$. There are ten classes, equally
# frequent, and each image is so clear that nobody could mistake its class. By how many
# nats is the mean of $\log p(x \mid y)$ larger than the mean of $\log p(x)$? Put the
# number in. Think first, then try it on something that can be computed: ten narrow normal
# densities on a line, far apart.
#
# <details><summary>Hint</summary>
#
# Bayes' rule has $p(x \mid y)$ and $p(x)$ in it, and two more probabilities, which you
# know here.
#
# </details>

# %%
# BEGIN SOLUTION
rng = np.random.default_rng(0)
centres = 20.0 * np.arange(10)
x = rng.normal(rng.choice(centres, size=10_000))
each = norm.logpdf(x[:, None], centres)  # (images, classes)
log_p_xy = each.max(axis=1)  # no x is ever nearer to another class
log_p_x = logsumexp(each, axis=1) - math.log(10)
worth_of_a_label = np.mean(log_p_xy - log_p_x)
# STUB worth_of_a_label = ...
# END SOLUTION

check_worth_of_a_label(worth_of_a_label)

# %% [markdown] tags=["solution"]
# Bayes' rule says $p(x \mid y)/p(x) = p(y \mid x)/p(y)$, which is $1/0.1$ here: the label
# is worth $\ln 10 = 2.30$ nats. If images can be mistaken it is worth less. So it can
# never explain a conditional VAE whose bound is twenty nats better than its sister's. Then
# most of the gain is in the gap, or in a decoder that was too small for ten classes at
# once.

# %% [markdown]
# ## 7. Train a VAE (hard, 30 minutes)
#
# Now train one yourself. The digits are small, 14 by 14 pixels, and each pixel is black or
# white: `small_digits` makes them. So here the ELBO is a bound on $\log p(x)$ of a picture.
# `digit_networks(seed)` gives an encoder and a decoder with fresh weights, a hidden layer
# of 128 units in each, and a code of eight numbers. These are the networks that the check
# hands to your function, with 8,000 digits and a seed for your noise and your batches.
# All else is yours: the step, the optimizer, its rate, the size of a batch, how long.
#
# Return the weights of both networks, each in one row of numbers, as `row_of` below makes
# it. The check puts them into networks of its own and computes the ELBO of 2,000 digits
# that your function has never seen. **Reach $-38$ nats on average.** A model of independent
# pixels, each with the share of white that it has in the training digits, has $-49.2$. So
# has a VAE after posterior collapse.
#
# The check trains three times: twice with one seed, which has to give the same twice, and
# once with another, which has to make a difference.
#
# Your function has 20 seconds of processor time; two are enough. Compile the step with
# `tf.function`, and build the optimizer before, with `optimizer.build(weights)`. Beware of
# posterior collapse: a **warm-up** helps against it. The KL is multiplied by a number that
# grows from 0 to 1 over the first few hundred steps.
#
# <details><summary>Hint</summary>
#
# Take the lesson's `train_step` without its class, on batches of 100. Adam with a rate of
# 0.002 is a fair start. A Python number that changes from call to call would be compiled
# anew each time: hand the warm-up's number over as a tensor.
#
# </details>


# %%
def row_of(network: keras.Model) -> np.ndarray:
    """All weights of a network, one behind the other."""
    return np.concatenate([np.ravel(weight) for weight in network.get_weights()])


# %% [markdown]
# Now the training, with whatever functions you need inside.


# %%
def train_digit_vae(
    encoder: keras.Model, decoder: keras.Model, images: np.ndarray, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """images (rows, 14, 14, 1) -> row_of the encoder, row_of the decoder."""
    # BEGIN SOLUTION
    rng = np.random.default_rng(seed)
    weights = encoder.trainable_weights + decoder.trainable_weights
    optimizer = keras.optimizers.Adam(2e-3)
    optimizer.build(weights)

    @tf.function
    def step(x, epsilon, warm_up):
        with tf.GradientTape() as tape:
            mu, logvar = encoder(x)
            z = mu + ops.exp(0.5 * logvar) * epsilon
            loss = warm_up * kl_to_standard_normal(mu, logvar)
            loss = ops.mean(loss - bernoulli_log_likelihood(decoder(z), x))
        optimizer.apply(tape.gradient(loss, weights), weights)

    for count in range(1_200):
        x = images[rng.integers(len(images), size=100)]
        epsilon = rng.standard_normal((100, 8), dtype="float32")
        warm_up = tf.constant(min(1, count / 200), tf.float32)
        step(tf.constant(x), tf.constant(epsilon), warm_up)
        if count == 900:  # smaller steps at the end
            optimizer.learning_rate.assign(6e-4)
    return row_of(encoder), row_of(decoder)
    # END SOLUTION


check_train_digit_vae(train_digit_vae)

# %% [markdown] tags=["solution"]
# Digits from the prior, and held-out digits with what comes back.

# %% tags=["solution"]
encoder, decoder = digit_networks(0)
_ = train_digit_vae(encoder, decoder, small_digits(load_mnist("train").x), 0)
held_out = small_digits(load_mnist("test").x[:10])
z = np.random.default_rng(0).standard_normal((10, 8), dtype="float32")
back, new = (to_numpy(ops.sigmoid(decoder(z))) for z in (encoder(held_out)[0], z))
labelled_rows({"held out": held_out, "back": back, "prior": new})

# %% [markdown] tags=["solution"]
# *Figure: ten small digits; the same decoded, blurred, most of them still to be read; ten
# from the prior, of which some are no digit.*

# %% [markdown]
# ## How many are solved?

# %%
solved(vae_keras)
