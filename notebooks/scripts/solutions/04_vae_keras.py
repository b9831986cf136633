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
# Shapes are written as `(rows, k)`. Logarithms are natural, and $\epsilon$, the noise
# behind $z$, always comes in from outside.

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

from course_utils.figures.style import use_course_style
from course_utils.tfkeras.device import to_numpy
from course_utils.tfkeras.vae import ConvVAE
from course_utils.tfkeras.weights import load_pretrained

use_course_style()

# %% [markdown]
# Now Keras itself, and the checks, which use it too.

# %%
import keras
import tensorflow as tf
from keras import ops

from course_utils.checks.vae_keras import (
    check_conditional_elbo,
    check_elbo,
    check_log_likelihood,
    check_pictures_a_side,
    check_quantile_grid,
    check_train_step,
    check_worth_of_a_label,
)

# %% [markdown]
# ## 1. Every number of an image (easy, 10 minutes)
#
# A decoder has given a logit $\ell_i$ for each number $x_i$ of an image: for each pixel,
# and for each of its channels. Return $\log p(x \mid z)$ of each image, by the formula of
# the lesson's section "Three lines that you know". The images may have one channel or three,
# their numbers are in $[0, 1]$, and some logits are around 60 or $-60$, some even around
# a thousand.
#
# <details><summary>Hint</summary>
#
# Write the term of one number down first, then sum over *all* axes but the first. If you
# would rather take a cross-entropy of Keras: over which axis has it taken a mean already?
#
# </details>


# %%
def log_likelihood(x_logits: tf.Tensor, x: tf.Tensor) -> tf.Tensor:
    """Both (rows, height, width, channels) -> (rows,)."""
    # BEGIN SOLUTION
    return ops.sum(x * x_logits - ops.softplus(x_logits), axis=(1, 2, 3))
    # END SOLUTION


check_log_likelihood(log_likelihood)

# %% [markdown] tags=["solution"]
# With one channel the mean over channels changes nothing. That is why this mistake lives
# so long: no grey picture can show it. The logits of size 60 are there for another reason.
# In 32 bits $1/(1 + e^{-60})$ is exactly 1, and $\log(1 - p)$ is lost. And $e^\ell$
# itself is too large from $\ell = 89$ on. `softplus` forms neither of them.

# %% [markdown]
# ## 2. A grid that shares the prior evenly (easy, 10 minutes)
#
# The lesson's picture on equal steps from $-1$ to $1$ shows 46.6 % of the prior $p(z) =
# \mathcal N(0, I)$ in two dimensions. Cut each axis into $n$ pieces of equal
# probability instead. In the middle of each piece, in terms of probability, stands a
# point. Return all $n^2$ points of the plane, in the order in which a picture is read:
# the first row has the largest $z_2$, and in each row $z_1$ grows.
#
# <details><summary>Hint</summary>
#
# Which share of the prior lies to the left of the middle of the first piece? It is not
# zero. `scipy.stats.norm.ppf` turns shares into quantiles. `np.meshgrid` makes a plane
# out of two axes, and one of them may run backwards.
#
# </details>


# %%
def quantile_grid(n: int) -> np.ndarray:
    """n points a side -> z (n * n, 2)."""
    # BEGIN SOLUTION
    axis = norm.ppf((np.arange(n) + 0.5) / n)
    z1, z2 = np.meshgrid(axis, axis[::-1])
    return np.stack([z1, z2], axis=-1).reshape(-1, 2)
    # END SOLUTION


check_quantile_grid(quantile_grid)

# %% [markdown] tags=["solution"]
# What the shipped decoder makes of it:

# %% tags=["solution"]
from course_utils.figures.latent_maps import manifold

z = quantile_grid(12)
images = to_numpy(load_pretrained(ConvVAE(), "conv_vae").decode(z.astype("float32")))
manifold(images, z[:12, 0], "Equal shares of the prior")

# %% [markdown] tags=["solution"]
# *Figure: twelve by twelve decoded digits on normal quantiles from -1.73 to 1.73. Ones
# stand in the upper left corner, sevens and nines below them. To the right come fours,
# eights, fives and threes, then twos and sixes. Zeros fill the right half.*

# %% [markdown]
# ## 3. What that grid hides (easy, 10 minutes)
#
# On the lesson's grid, with $n = 9$, the outermost pictures lie at $z_1 = \pm 1.59$. A
# sample from the prior may well lie further out. From how many pictures a side on does the
# grid have a picture with $z_1 > 3$? Put the smallest such $n$ in.
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
# One number in 370 lies beyond $\pm 3$, and the grid goes there only with more than 370
# lines. So it is honest about what is common, and silent about what is rare.

# %% [markdown]
# ## 4. The bound through two networks (medium, 15 minutes)
#
# `encoder(x)` gives `mu` and `logvar`, `(rows, k)` each, and `decoder(z)` gives logits in
# the shape of the images. Return three things for each image: the ELBO by one sample of
# $z$, its reconstruction term, and its KL to $p(z) = \mathcal N(0, I)$. All of it must
# stay in tensors, so that a tape can follow; the check asks for slopes as well.
#
# <details><summary>Hint</summary>
#
# Three steps: the sample, whose $\sigma$ is hidden in `logvar`; the reconstruction, for
# which you may call your `log_likelihood`; the KL, which is summed over latent
# dimensions. Write their shapes beside them.
#
# </details>


# %%
def elbo(
    encoder: keras.Model, decoder: keras.Model, x: tf.Tensor, epsilon: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """x (rows, height, width, channels), epsilon (rows, k) -> three of (rows,)."""
    # BEGIN SOLUTION
    mu, logvar = encoder(x)
    z = mu + ops.exp(0.5 * logvar) * epsilon
    reconstruction = log_likelihood(decoder(z), x)
    kl = 0.5 * ops.sum(ops.square(mu) + ops.exp(logvar) - 1 - logvar, axis=1)
    return reconstruction - kl, reconstruction, kl
    # END SOLUTION


check_elbo(elbo)

# %% [markdown]
# ## 5. One step of training (medium, 20 minutes)
#
# Write what `train_step` does in the lesson, without the class around it. The loss is the
# mean over the images of minus the ELBO. Take its slopes along the weights of *both*
# networks, let `optimizer` apply them once, and return the loss, which is the one from
# before the step. You may call your `elbo`. The check uses plain gradient descent and
# compares all weights.
#
# <details><summary>Hint</summary>
#
# What has to stand inside the `with` of the `tf.GradientTape`, and what need not? A
# network knows its `trainable_weights`, and lists can be added. An optimizer counts each
# call of `apply` as one step.
#
# </details>


# %%
def train_step(
    encoder: keras.Model,
    decoder: keras.Model,
    optimizer: keras.Optimizer,
    x: tf.Tensor,
    epsilon: tf.Tensor,
) -> tf.Tensor:
    """x (rows, height, width, channels), epsilon (rows, k) -> the loss, a number."""
    # BEGIN SOLUTION
    weights = encoder.trainable_weights + decoder.trainable_weights
    with tf.GradientTape() as tape:
        loss = -ops.mean(elbo(encoder, decoder, x, epsilon)[0])
    optimizer.apply(tape.gradient(loss, weights), weights)
    return loss
    # END SOLUTION


check_train_step(train_step)

# %% [markdown] tags=["solution"]
# Two calls of `apply`, one for each network, would count as two steps. Plain gradient
# descent would not mind. Adam would: it divides its moments by $1 - \beta^t$, where $t$ is
# the number of the step.

# %% [markdown]
# ## 6. The digit is known (hard, 25 minutes)
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
# by one sample of $z$.
#
# <details><summary>Hint</summary>
#
# `ops.one_hot` and `ops.concatenate`. Along which axis do two tensors of shapes
# `(rows, k)` and `(rows, classes)` fit together? Nothing else differs from exercise 4.
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
    kl = 0.5 * ops.sum(ops.square(mu) + ops.exp(logvar) - 1 - logvar, axis=1)
    return log_likelihood(x_logits, x) - kl
    # END SOLUTION


check_conditional_elbo(conditional_elbo)

# %% [markdown] tags=["solution"]
# Since the label says which digit it is, $z$ is free for the rest: slant, width, the
# strength of the pen. To draw a seven, take any $z$ from the prior and the label of seven.

# %% [markdown]
# ## 7. What a label is worth (hard, 20 minutes)
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
