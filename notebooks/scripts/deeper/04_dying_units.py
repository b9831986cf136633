# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Why units die
#
# Open in [Colab](https://colab.research.google.com/github/generative-models/executed/blob/v0.2.0/notebooks/deeper/04_dying_units.ipynb) or on [Binder](https://mybinder.org/v2/gh/generative-models/executed/v0.2.0?urlpath=lab/tree/notebooks/deeper/04_dying_units.ipynb).
#
# This page continues [lesson 4](../04_vae_keras.ipynb). There the encoder of a
# convolutional VAE has a layer of 16 ReLU units, and in the trained network only five of
# them ever answer. When do the others die, why, and does it matter?

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

# %% tags=["setup"] jupyter={"source_hidden": true}
# @title Set-up: imports, data, sizes
import math

import numpy as np

from course_utils.budget import budget
from course_utils.data.mnist import load_mnist
from course_utils.figures.style import use_course_style
from course_utils.figures.units import drift_of_units, living_units
from course_utils.records import read_result
from course_utils.tfkeras.device import expecting_tracings, seed_everything, to_tensor
from course_utils.tfkeras.vae import ConvVAE, elbo

use_course_style()
train = load_mnist("train")
looked_at = to_tensor(train.x[:1_000])
# many models are made here, and TensorFlow would warn that functions are traced again
quiet = expecting_tracings()
quiet.__enter__()

# %% tags=["setup"] jupyter={"source_hidden": true}
# @title Set-up: Keras, after the course's wing, which starts TensorFlow quietly
import keras
import tensorflow as tf
from keras import ops

# %% [markdown]
# ## What is watched
#
# A unit forms a weighted sum $a$ of its inputs, plus a bias, and passes $\max(0, a)$ on.
# It is **alive** if $a$ is positive for at least one digit; we look at the same 1,000
# digits always. If $a$ is negative for all of them, the unit is **dead**: the slope of the
# ReLU is zero there, and its weights get no gradient.
#
# One object holds a fresh model, its optimizer, and the sums.

# %%
SEEDS = range(budget(smoke=1, lecture=5, full=10))
STEPS = budget(smoke=5, lecture=100, full=400)


class Run:
    def __init__(self, seed, rate):
        seed_everything(seed)
        self.model, self.rng = ConvVAE(), np.random.default_rng(seed)
        self.optimizer = keras.optimizers.Adam(rate)
        self.inputs = self.model.encoder.inputs
        self.layer = self.model.encoder.get_layer("hidden")
        flat = self.model.encoder.get_layer("flatten").output
        self.flat = keras.Model(self.inputs, flat)
        self.sums = tf.function(self.sums_of_units)
        self.step = tf.function(self.one_step)
        self.first_means = ops.mean(self.sums(looked_at[:256]), axis=0)

    def sums_of_units(self, x):  # (n, 16)
        return ops.matmul(self.flat(x), self.layer.kernel) + self.layer.bias

    def one_step(self, x, epsilon):
        weights = self.model.trainable_weights
        with tf.GradientTape() as tape:
            loss = -ops.mean(elbo(self.model, x, epsilon)[0])
        self.optimizer.apply(tape.gradient(loss, weights), weights)
        return loss

    def batch(self):
        x = to_tensor(train.x[self.rng.integers(len(train), size=128)])
        epsilon = self.rng.standard_normal((128, 2), dtype=np.float32)
        return x, tf.constant(epsilon)

    def take_out_the_drift(self):
        means = ops.mean(self.sums(looked_at[:256]), axis=0)
        self.layer.bias.assign_add(self.first_means - means)


# %% [markdown]
# ## A first guess: one step is too large
#
# A step of Adam moves each weight by about the learning rate at first, whatever the size
# of its gradient. A unit sums over 3,136 inputs, and none is negative, since they come out
# of a ReLU. So if nearly all weights of a unit go down at once, its sum falls by up to the
# rate times the sum of the inputs, for *all digits alike*. We compare this push with how
# much the sum differs from digit to digit in a fresh model.

# %%
young = Run(0, 1e-3)
inputs = young.flat(looked_at).numpy().sum(axis=1).mean()
spread = young.sums(looked_at).numpy().std(axis=0).mean()
print(f"from digit to digit a sum varies by {spread:.4f}")
for rate in (1e-3, 1e-4):
    print(f"at rate {rate:g} one step moves it by up to {rate * inputs:.4f}")

# %% [markdown]
# At the usual rate of $10^{-3}$ one step outweighs all that tells the digits apart. At
# $10^{-4}$ it is far smaller than that. If the size of a step were the reason, the units
# should live at the smaller rate. So we watch both, from the same seeds. The seeds are the
# first ones, taken as they come.


# %%
def trace(seed, rate, take_out=False):
    run, counts = Run(seed, rate), {}
    for step in range(STEPS + 1):
        if step in (0, 2, 5, 10, 20, 50, 100, 200, 400):
            sums = run.sums(looked_at).numpy()
            counts[step] = int((sums > 0).any(axis=0).sum())
        loss = run.step(*run.batch())
        if take_out:
            run.take_out_the_drift()
    return counts, float(loss)


usual = [trace(seed, 1e-3) for seed in SEEDS]
small = [trace(seed, 1e-4) for seed in SEEDS]
for name, runs in (("1e-3", usual), ("1e-4", small)):
    print(f"rate {name}, living after {STEPS} steps:", *(run[STEPS] for run, _ in runs))

# %% [markdown]
# They die at the small rate, too, only later. So the size of one step is not the reason.
#
# ## What a unit is asked for
#
# Each digit of a batch asks something of a unit: the slope of its loss along the unit's
# output. If the digits asked for different things, their requests would cancel in the mean
# of a batch. Of requests that have nothing in common, the squared mean is $1/128$ of the
# mean square, since a batch has 128 digits. How large is this share in a young model?


# %%
def shared(run):
    x, epsilon = run.batch()
    heads = [run.model.encoder.get_layer(name) for name in ("mu", "logvar")]
    with tf.GradientTape() as tape:
        output = ops.relu(run.sums(x))
        tape.watch(output)
        mu, logvar = (head(output) for head in heads)
        z = mu + ops.exp(0.5 * logvar) * epsilon
        kl = 0.5 * ops.sum(mu**2 + ops.exp(logvar) - 1 - logvar, axis=1)
        loss = ops.sum(kl - run.model.log_likelihood(x, z))
    asked = tape.gradient(loss, output).numpy()  # (128, 16)
    return (asked.mean(axis=0) ** 2).sum() / (asked**2).mean(axis=0).sum()


shares = []
for seed in SEEDS:
    run = Run(seed, 1e-3)
    shares.append([])
    for _ in range(min(10, STEPS)):
        shares[-1].append(shared(run))
        run.step(*run.batch())
print(f"by chance {1 / 128:.3f}; mean over the first ten steps, a seed each:")
print(*(f"{np.mean(share):.3f}" for share in shares))

# %% [markdown]
# The share is many times what chance would give: the requests have a large common part.
# (A likely reason is that at first every digit wants a darker picture. This was not
# tested.) And the digits go on asking, step after step. Here is what becomes of two units of one run at the small rate: the one that is lowest at
# the end, and the one that is highest.

# %%
run, path = Run(0, 1e-4), []
for _ in range(STEPS + 1):
    sums = run.sums(looked_at).numpy()
    path.append((sums.mean(axis=0), sums.std(axis=0)))
    run.step(*run.batch())
means, spreads = np.swapaxes(path, 0, 1)  # (steps, 16) each
lowest, highest = means[-1].argmin(), means[-1].argmax()
chosen = {"lowest": lowest, "highest": highest}
drift_of_units({n: (means[:, u], spreads[:, u]) for n, u in chosen.items()})

# %% [markdown]
# *Figure: mean sum of two units against steps, with bands of two standard deviations over
# digits. One leaves zero downwards with its whole band, one upwards.*

# %% [markdown]
# The whole band of digits moves together, by many small steps in the same direction. That
# is a **persistent common drift**.
#
# ## The control
#
# If this drift is the reason, then the units must live when it is taken out and all else
# stays. After each step we shift the bias of each unit so that its mean sum over 256
# digits is what it was in the beginning. Rates, steps, batches and noise are the same.

# %%
without = [trace(seed, 1e-3, take_out=True) for seed in SEEDS]
without_small = [trace(seed, 1e-4, take_out=True) for seed in SEEDS]
for name, runs in (("1e-3", without), ("1e-4", without_small)):
    alive = [run[STEPS] for run, _ in runs]
    print(f"drift taken out, rate {name}, living after {STEPS} steps:", *alive)

# %% [markdown]
# All traces in one picture:

# %%
sets = {"drift out, 1e-3": without, "rate 1e-4": small, "rate 1e-3": usual}
living_units({name: [run for run, _ in runs] for name, runs in sets.items()}, 16)

# %% [markdown]
# *Figure: living units against steps. With the drift taken out all stay at sixteen; at
# both rates they fall to half or less within a hundred steps.*

# %% [markdown]
# With the drift taken out every unit lives, in all runs and at both rates. So what kills
# units is the persistent common drift, and not the size of a step. The door is open one
# way only: a unit that is up may still be pushed down, but one that is down for all digits
# gets no gradient. Only a change of the layers before it can bring it back. That is
# rare: look for a trace that rises.
#
# Does it help the loss that all units live? We take the mean difference of the last
# batch's loss between runs with the same seed, which saw the same batches.

# %%
gaps = np.array([b - a for (_, a), (_, b) in zip(usual, without)])
error = gaps.std(ddof=1) / math.sqrt(len(gaps)) if len(gaps) > 1 else math.nan
print(f"loss with all alive, less that with the dead: {gaps.mean():+.1f} nats")
print(f"standard error {error:.1f} nats, {len(gaps)} pairs")

# %% [markdown]
# After a hundred steps no gain is seen; the loss is rather higher. (To hold the means fixed
# is a tie of its own, which may cost something.) That is early. What about longer runs?
#
# ## Is the number of living units decided early, and does it decide the loss?
#
# Twelve starts, seeds 0 to 11, were watched for two epochs on all 70,000 digits of MNIST.
# The record has the living units, counted on 3,000 digits, and the loss.

# %%
record = read_result("conv_vae_lecture")
watched = record["after_two_epochs"]
units, losses = np.array([list(start.values()) for start in watched.values()]).T
numbers, times = np.unique(units.astype(int), return_counts=True)
print("living units: starts", dict(zip(numbers.tolist(), times.tolist())))
correlation = np.corrcoef(units, losses)[0, 1]
# without any relation, 1/sqrt(n - 1) is the standard deviation of a correlation
chance = 1 / math.sqrt(len(units) - 1)
print(f"correlation with the loss {correlation:+.2f}; by chance 0 +- {chance:.2f}")

# %% [markdown]
# So the relation with the loss is within chance in these starts. Two of them were trained
# on to thirty epochs, and they were *chosen after looking*: seed 6, because it has the most
# living units, and seed 10, because its loss was the lowest.

# %%
for seed, alive in record["lecture"]["living_units"].items():
    final = record["lecture"]["measured"][seed]["30"]
    print(
        f"seed {seed:>2}: {watched[seed]['living_units']} units live after 2 epochs, "
        f"{alive} after 30; loss {final:.2f} nats"
    )

# %% [markdown]
# Two runs settle nothing. Whether more living units would make a better model is open
# here.
#
# ## Questions
#
# 1. *Medium, 20 minutes.* Give the layer `hidden` a `leaky_relu`. How many units are
#    positive for some digit after a hundred steps, and what else has changed for those
#    that are not? Compare losses after ten epochs, from five seeds.
# 2. *Medium, 20 minutes.* Train with $\beta = 0$, for three seeds. Is it the KL that asks
#    the same of all digits?
# 3. *Hard, 40 minutes.* Put a batch normalization before the ReLU. It takes the drift out
#    by itself. How many units live, and is the loss lower?
#
# ## References
#
# - L. Lu, Y. Shin, Y. Su and G. E. Karniadakis, *Dying ReLU and initialization: theory
#   and numerical examples*, 2019, [arXiv:1903.06733](https://arxiv.org/abs/1903.06733).
# - D. P. Kingma and J. Ba, *Adam: a method for stochastic optimization*, 2015,
#   [arXiv:1412.6980](https://arxiv.org/abs/1412.6980).
