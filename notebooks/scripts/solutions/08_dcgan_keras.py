# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Exercises on lesson 8: the layers and the step of a DCGAN
#
# Open in [Colab](https://colab.research.google.com/github/generative-models/executed/blob/v0.2.0/notebooks/exercises/08_dcgan_keras.ipynb) or on [Binder](https://mybinder.org/v2/gh/generative-models/executed/v0.2.0?urlpath=lab/tree/notebooks/exercises/08_dcgan_keras.ipynb).
#
# [Lesson 8](../08_dcgan_keras.ipynb) has what you need. Fill in each cell and run it; its
# last line checks your answer with fresh random inputs and says what is not right yet.
# Shapes are written as `(rows, channels)`, and losses are in nats. The last exercise trains
# a GAN of pulses.

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

import matplotlib.pyplot as plt
import numpy as np

from course_utils.figures.style import use_course_style
from course_utils.tfkeras.device import to_numpy
from course_utils.tfkeras.networks import Generator

use_course_style()

# %% [markdown]
# Now Keras itself, and the checks, which use it too.

# %%
import keras
import tensorflow as tf
from keras import layers, ops

from course_utils.checks import dcgan_keras
from course_utils.checks.dcgan_keras import (
    check_contrast,
    check_count_numbers,
    check_count_stamps,
    check_fold,
    check_gan_step,
    check_train_pulse_gan,
    check_update_averages,
    heights_and_widths,
    pulse_networks,
    pulses,
)
from course_utils.checks.progress import solved

# %% [markdown]
# ## 1. The numbers in a layer (easy, 10 minutes)
#
# A transposed convolution with a kernel of `kernel` by `kernel` takes `inputs` channels to
# `outputs` channels. If `norm` is true, a batch normalization follows, and the
# convolution has no bias. If not, it has one. Return how many numbers both layers
# together hold: first those that are trained, then those that are not.
#
# <details><summary>Hint</summary>
#
# How many kernels are there, if each input channel speaks to each output channel? Which
# four numbers does batch normalization keep for a channel, and which two of them does the
# optimizer never see?
#
# </details>


# %%
def count_numbers(
    kernel: int, inputs: int, outputs: int, norm: bool
) -> tuple[int, int]:
    """Sizes -> trained numbers, untrained numbers."""
    # BEGIN SOLUTION
    kernels = kernel**2 * inputs * outputs
    return kernels + outputs * (2 if norm else 1), 2 * outputs * norm
    # END SOLUTION


check_count_numbers(count_numbers)

# %% [markdown] tags=["solution"]
# The lesson's generator has batch normalization behind all layers but the last.

# %% tags=["solution"]
generator = Generator()
untrained = sum(math.prod(weight.shape) for weight in generator.non_trainable_weights)
assert untrained == 2 * (7 * 7 * 256 + 128 + 64)
print(f"{generator.count_params():,} numbers, of them {untrained:,} running averages")

# %% [markdown]
# ## 2. One layer instead of two (medium, 15 minutes)
#
# For samples, batch normalization takes its running averages $m$ and $v$ and looks at no
# other image. It makes of each channel $h$ of a map
#
# $$
# \gamma \, \frac{h - m}{\sqrt{v + \text{epsilon}}} + \beta .
# $$
#
# This is a straight line in $h$. So a trained network can do without it: a transposed
# convolution without a bias, and the batch normalization behind it, are together one
# transposed convolution *with* a bias. Return its kernel and its bias. Keras keeps the
# kernel of a transposed convolution as `(height, width, outputs, inputs)`. The other four
# have one number for each output channel.
#
# <details><summary>Hint</summary>
#
# Each output channel is multiplied by a number, and another number is added. Which of the
# four axes must the multiplication run along? Shapes are matched from the last axis on.
#
# </details>


# %%
def fold(
    kernel: tf.Tensor,
    gamma: tf.Tensor,
    beta: tf.Tensor,
    moving_mean: tf.Tensor,
    moving_variance: tf.Tensor,
    epsilon: float,
) -> tuple[tf.Tensor, tf.Tensor]:
    """kernel (height, width, outputs, inputs), four of (outputs,) -> kernel, bias."""
    # BEGIN SOLUTION
    factor = gamma / ops.sqrt(moving_variance + epsilon)
    return kernel * factor[:, None], beta - factor * moving_mean
    # END SOLUTION


check_fold(fold)

# %% [markdown] tags=["solution"]
# A physicist would say that the calibration of each channel, a gain and a pedestal, is
# absorbed into the weights. Try it on real layers: they must give the same maps.

# %% tags=["solution"]
deconv = layers.Conv2DTranspose(8, 5, strides=2, padding="same", use_bias=False)
norm = layers.BatchNormalization()
h = tf.random.stateless_normal((4, 6, 6, 3), (0, 0))
norm(deconv(h), training=True)  # one batch: the averages are no longer 0 and 1
both = layers.Conv2DTranspose(8, 5, strides=2, padding="same")
both.build(h.shape)
both.set_weights(fold(deconv.kernel, *norm.weights, norm.epsilon))
difference = np.abs(both(h) - norm(deconv(h), training=False)).max()
print(f"largest difference of a number in the maps: {difference:.0e}")

# %% [markdown]
# ## 3. What the averages learn from a batch (medium, 15 minutes)
#
# In training, each batch moves the running averages a little towards its own mean and
# variance. Return both averages after one batch. In the lesson `momentum` is 0.99, and a
# batch moves them by one hundredth of the way. The variance of a batch is the mean of the
# squared deviations.
#
# <details><summary>Hint</summary>
#
# A channel has one mean. Over which axes is it taken if `h` is a map, `(rows, height,
# width, channels)`? Test your formula with a momentum of 1, which means that nothing is
# learnt.
#
# </details>


# %%
def update_averages(
    h: tf.Tensor, moving_mean: tf.Tensor, moving_variance: tf.Tensor, momentum: float
) -> tuple[tf.Tensor, tf.Tensor]:
    """h (rows, ..., channels), two of (channels,) -> the new two."""
    # BEGIN SOLUTION
    axes = tuple(range(len(h.shape) - 1))
    mean, variance = ops.moments(h, axes=axes)
    new_mean = momentum * moving_mean + (1 - momentum) * mean
    return new_mean, momentum * moving_variance + (1 - momentum) * variance
    # END SOLUTION


check_update_averages(update_averages)

# %% [markdown] tags=["solution"]
# Two traps lie between frameworks here. PyTorch calls the *other* share `momentum`, that
# of the batch. And for its running variance it divides by one less than the number of
# values. Lesson 9 has the list of such differences.

# %% [markdown]
# ## 4. Stamps on a line (medium, 15 minutes)
#
# A transposed convolution presses one stamp for each number that comes in, and each stamp
# begins `stride` pixels after the one before. Take one dimension: `n` numbers come in, a
# stamp is `kernel` pixels long, at least as long as the stride, and nothing is cut off. So
# the line has `(n - 1) * stride + kernel` pixels. Return how many stamps meet in each of
# them.
#
# <details><summary>Hint</summary>
#
# Begin with zeros, and press one stamp after the other. Where does stamp $i$ begin, and
# where does it end? Draw `n = 3`, `kernel = 3`, `stride = 2` on squared paper first.
#
# </details>


# %%
def count_stamps(n: int, kernel: int, stride: int) -> np.ndarray:
    """Whole numbers -> ((n - 1) * stride + kernel,)."""
    # BEGIN SOLUTION
    line = np.zeros((n - 1) * stride + kernel, dtype=int)
    for begin in range(0, n * stride, stride):
        line[begin : begin + kernel] += 1
    return line
    # END SOLUTION


check_count_stamps(count_stamps)

# %% [markdown] tags=["solution"]
# Away from the ends all counts are equal if the stride divides the kernel. Kernel 4 at
# stride 2 is even; kernel 5, which the lesson's networks have, is not.

# %% tags=["solution"]
for kernel in (4, 5):
    print(f"kernel {kernel}, stride 2:", *count_stamps(8, kernel, 2))

# %% [markdown]
# ## 5. A discriminator that is never quite sure (hard, 25 minutes)
#
# A discriminator that is very sure gives steep slopes. **Label smoothing** (Salimans and
# co-authors, 2016) keeps it modest: it shall call a real sample real with probability
# $1 - s$ only, where $s$ is `smoothing`. Its loss on a real sample is the cross-entropy
# with the label $1 - s$. Fakes keep the label 0, and the generator's loss stays the
# non-saturating one of the lesson.
#
# Write such a step. Generator and discriminator move **at once**, as in the lesson: each
# down the slope of its own loss, by its own optimizer, and both slopes belong to the
# weights from before the step. Both networks work as in training. Return the
# discriminator's loss and the generator's, both from before the step, as tensors. The
# check compares losses and all weights. The second time it compiles your step with
# `tf.function`, and the third time logits reach some hundreds.
#
# <details><summary>Hint</summary>
#
# With a logit $\ell$, $-\log D$ is `ops.softplus` of $-\ell$. What is $-\log(1 - D)$?
# A real sample now has both terms: which shares do they have?
#
# </details>


# %%
def gan_step(
    generator: keras.Model,
    discriminator: keras.Model,
    real: tf.Tensor,
    z: tf.Tensor,
    generator_optimizer: keras.Optimizer,
    discriminator_optimizer: keras.Optimizer,
    smoothing: float,
) -> tuple[tf.Tensor, tf.Tensor]:
    """real (rows, 3), z (rows, 2) -> discriminator's loss, generator's loss."""
    # BEGIN SOLUTION
    with tf.GradientTape() as g_tape, tf.GradientTape() as d_tape:
        fake_logits = discriminator(generator(z, training=True), training=True)
        real_logits = discriminator(real, training=True)
        called_real = (1 - smoothing) * ops.softplus(-real_logits)
        called_fake = smoothing * ops.softplus(real_logits)
        d_loss = ops.mean(called_real + called_fake)
        d_loss += ops.mean(ops.softplus(fake_logits))
        g_loss = ops.mean(ops.softplus(-fake_logits))
    g_weights = generator.trainable_variables
    d_weights = discriminator.trainable_variables
    g_gradients = g_tape.gradient(g_loss, g_weights)
    d_gradients = d_tape.gradient(d_loss, d_weights)
    generator_optimizer.apply(g_gradients, g_weights)
    discriminator_optimizer.apply(d_gradients, d_weights)
    return d_loss, g_loss
    # END SOLUTION


check_gan_step(gan_step)

# %% [markdown] tags=["solution"]
# The best answer to a real sample is now the logit $\ln\frac{1 - s}{s}$, which is 2.2 for
# $s = 0.1$, and no longer infinity. If fakes had the label $s$ as well, the best
# discriminator between equal densities would still say 1/2. But where there are only fakes,
# it would call them real with probability $s$, and would push the generator away less.
#
# The check's discriminator has a layer that halves its input in training instead of
# dropping a part of it at random. It tells the two modes apart just as well, and can be
# compared.

# %% [markdown]
# ## 6. A checkerboard on a checkerboard (hard, 20 minutes)
#
# The generator ends with two transposed convolutions in a row, `deconv2` and `pixels`,
# both with kernel 5 and stride 2. Let all numbers in both kernels be 1, with one channel
# and no bias, and let nothing but ones come in. Look at the middle of the image, away from
# its edges: how many times as large as the smallest number is the largest? For a single
# layer the lesson gives 9 and 4, so 2.25. Guess first, and put the number in.
#
# <details><summary>Hint</summary>
#
# Let `layers.Conv2DTranspose` with `kernel_initializer="ones"` count, as in the lesson, on
# a map of at least 12 by 12. Or on paper, in one dimension: the first layer gives 3, 2, 3,
# 2 and so on. Which of these meet in a pixel of the second?
#
# </details>

# %%
# BEGIN SOLUTION
even = {"padding": "same", "use_bias": False, "kernel_initializer": "ones"}
image = tf.ones((1, 12, 12, 1))
for _ in range(2):
    image = layers.Conv2DTranspose(1, 5, strides=2, **even)(image)
middle = to_numpy(image)[0, 16:32, 16:32, 0]
contrast = middle.max() / middle.min()
# STUB contrast = ...
# END SOLUTION

check_contrast(contrast)

# %% [markdown] tags=["solution"]
# This is what the middle looks like.

# %% tags=["solution"]
plt.imshow(middle, cmap="gray")
plt.axis("off")
plt.show()

# %% [markdown] tags=["solution"]
# *Figure: 16 by 16 pixels from the middle of the image: a pattern of bright spots that
# repeats every four pixels, with weaker spots between them.*
#
# In one dimension the second layer gives 8, 5, 7, 5. The ratio is $8/5$ on a line and
# $(8/5)^2 = 2.56$ in an image. That is less than $2.25^2$: the stamps of the second layer
# blur the pattern of the first before they add their own. It now repeats every four
# pixels. Look for both patterns in the young generator's fakes.

# %% [markdown]
# ## 7. A generator of pulses (hard, 30 minutes)
#
# A simulation of a detector may take hours where a generator takes seconds. Here the
# detector is a scintillator: it gives pulses of 32 samples, one a nanosecond. They rise at
# once and decay; how high and how fast varies from pulse to pulse. `pulses(rng, rows)`
# draws some, `(rows, 32, 1)`.
#
# `pulse_networks(seed)` gives a small DCGAN in one dimension, with fresh weights: a
# generator of $z$, `(rows, 4)`, with a dense layer, two transposed convolutions and two
# batch normalizations, and a discriminator with two convolutions. Train them. The check
# hands such a pair to your function, with 4,000 pulses of a detector with another gain and
# another decay time, and a seed for your noise and your batches. Return the generator's
# weights in one row, as `row_of` below makes it. The running averages are among them.
#
# The check puts the weights into a generator of its own, draws 4,000 fakes with
# `training=False`, and compares two numbers that physicists measure of a pulse: its
# height, and its width, which is its area over its height (`heights_and_widths`). The
# distance of two distributions is $W_1$ of lesson 6 (`scipy.stats.wasserstein_distance`),
# in standard deviations of real pulses. **Stay below 0.3 for heights and 0.5 for
# widths.** Two sets of 4,000 real pulses are about 0.03 apart in either: the floor. A
# generator that always drew the median pulse would be at 0.78. In the end the check trains
# twice more: the same seed has to give the same generator, and another one another.
#
# Your function has 20 seconds of processor time; five are enough. Compile the step with
# `tf.function`, and build both optimizers before, with `optimizer.build(weights)`.
#
# <details><summary>Hint</summary>
#
# The lesson's step does it, with the `betas` of the lesson, batches of 64 and a larger
# rate, 0.001. Some 1,500 steps are wanted, the last ones with a smaller rate. Judge your
# fakes on the way; losses will not tell.
#
# </details>


# %%
def row_of(network: keras.Model) -> np.ndarray:
    """All weights of a network, one behind the other."""
    return np.concatenate([np.ravel(weight) for weight in network.get_weights()])


# %% [markdown]
# Now the training, with whatever functions you need inside.


# %%
def train_pulse_gan(
    generator: keras.Model, discriminator: keras.Model, real: np.ndarray, seed: int
) -> np.ndarray:
    """real (rows, 32, 1) -> row_of the generator."""
    # BEGIN SOLUTION
    rng = np.random.default_rng(seed)
    optimizers = [keras.optimizers.Adam(1e-3, beta_1=0.5) for _ in range(2)]
    optimizers[0].build(generator.trainable_variables)
    optimizers[1].build(discriminator.trainable_variables)

    @tf.function
    def step(x, z):
        gan_step(generator, discriminator, x, z, *optimizers, 0.0)

    for count in range(1_500):
        x = real[rng.integers(len(real), size=64)]
        z = rng.standard_normal((64, 4), dtype="float32")
        step(tf.constant(x), tf.constant(z))
        if count == 1_125:  # smaller steps at the end
            for optimizer in optimizers:
                optimizer.learning_rate.assign(2e-4)
    return row_of(generator)
    # END SOLUTION


check_train_pulse_gan(train_pulse_gan)

# %% [markdown] tags=["solution"]
# Real pulses, fakes, and what is measured of them.

# %% tags=["solution"]
rng = np.random.default_rng(0)
generator, discriminator = pulse_networks(0)
recorded = pulses(rng, 4_000)
_ = train_pulse_gan(generator, discriminator, recorded, 0)
latents = rng.standard_normal((4_000, 4), dtype="float32")
drawn = {"real": recorded, "fake": to_numpy(generator(latents, training=False))}

_, (left, middle, right) = plt.subplots(1, 3, figsize=(11, 3.2), layout="constrained")
for style, (name, x) in zip(("C0-", "C1--"), drawn.items(), strict=True):
    left.plot(x[:8, :, 0].T, style, linewidth=1)
    measured = heights_and_widths(x)
    for axes, values in zip((middle, right), measured.values(), strict=True):
        histogram = {"bins": 40, "density": True, "histtype": "step", "linewidth": 2}
        axes.hist(values, **histogram, linestyle=style[2:], color=style[:2], label=name)
left.set(xlabel="time (ns)", ylabel="voltage (V)", title="eight of each")
middle.set(xlabel="height (V)", ylabel="density")
right.set(xlabel="width (ns)")
right.legend()
plt.show()

# %% [markdown] tags=["solution"]
# *Figure: left, real pulses (solid) and fakes (dashed), which look alike. Middle and
# right, their heights and widths. The heights agree; broad pulses are too rare among the
# fakes.*

# %% [markdown]
# ## How many are solved?

# %%
solved(dcgan_keras)
