# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # What the lecture's programs get wrong, in Keras
#
# Open in [Colab](https://colab.research.google.com/github/generative-models/executed/blob/v0.2.0/notebooks/deeper/lecture_programs_keras.ipynb) or on [Binder](https://mybinder.org/v2/gh/generative-models/executed/v0.2.0?urlpath=lab/tree/notebooks/deeper/lecture_programs_keras.ipynb).
#
# This page continues [What the lecture's programs get wrong](lecture_programs.ipynb). The
# lecture is M. Hjorth-Jensen, *Advanced machine learning and data analysis for the physical
# sciences*, University of Oslo, week 14, April 2024; two of its three programs are written
# in Keras and TensorFlow. Here stand the faults that one has to see there. The numbers are
# those of the first page.
#
# | | fault | what it does | what is right | lesson |
# |---|---|---|---|---|
# | 13 | the cross-entropy averages over channels | of colours a third counts | sum over all axes but the first | [4](../04_vae_keras.ipynb) |
# | 15 | the key `loss` for the tracker `total_loss` | who watches `total_loss` watches nothing | one name | [4](../04_vae_keras.ipynb) |
# | 16 | no `test_step` | `evaluate` and validation fail | write one | [4](../04_vae_keras.ipynb) |
# | 17 | 900 calls of `predict` for a picture | half a minute for a blink's work | one batch | [4](../04_vae_keras.ipynb) |
# | 30 | a checkpoint that is `None` is restored | silence | `assert_consumed` | [8](../08_dcgan_keras.ipynb) |
# | 31 | `tf.function` halves the time | true of one size | name the batch and the machine | [8](08_speed_and_rates.ipynb) |
# | 35 | negative standard deviations | accepted; the sign flips the noise | positive ones | [10](../10_latent_space.ipynb) |

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
# Set-up: imports.

# %% tags=["setup"] jupyter={"source_hidden": true}
# @title Set-up: imports; the course's own first, which start TensorFlow without its notices
import statistics
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np

from course_utils.budget import budget
from course_utils.data.mnist import load_mnist
from course_utils.records import read_result
from course_utils.tfkeras.device import seed_everything, without_remapping
from course_utils.tfkeras.gan import simultaneous_step
from course_utils.tfkeras.networks import Discriminator, Generator
from course_utils.tfkeras.vae import ConvVAE

# isort: split
import keras
import tensorflow as tf
from keras import layers

seed_everything(0)
rng = np.random.default_rng(0)

# %% [markdown]
# How often something is done to be timed:

# %%
calls = budget(smoke=3, lecture=20, full=900)  # of predict, to be timed
turns = budget(smoke=1, lecture=5, full=20)  # of a step, to be timed

# %% [markdown]
# ## 13. A third of the colours
#
# The lecture's VAE sums what `binary_crossentropy` returns over height and width. What does
# that function return for three channels?

# %% tags=["nbval-check-output"]
x, p = (tf.constant(rng.uniform(0.1, 0.9, (4, 28, 28, 3))) for _ in range(2))
returned = keras.losses.binary_crossentropy(x, p)
every_number = -(x * tf.math.log(p) + (1 - x) * tf.math.log(1 - p))
ratio = tf.reduce_sum(every_number, (1, 2, 3)) / tf.reduce_sum(returned, (1, 2))
print("shape", tuple(returned.shape), "- too small by", ratio.numpy().round(4))

# %% tags=["proof"] jupyter={"source_hidden": true}
# @title The number of channels; Keras clips probabilities near 0 and 1, here it need not
assert np.allclose(ratio, 3, rtol=1e-5)

# %% [markdown]
# The channels are gone: a *mean* over the last axis has been taken. With the one channel of
# MNIST that changes nothing. **Mend.** Sum over all axes but the first, as lesson 4 does.

# %% [markdown]
# ## 15. Two names for one number
#
# The lecture's model keeps its mean loss in a tracker named `total_loss` and returns it
# under the key `loss`. A model of ours that does the same and fits one weight:


# %%
class Small(keras.Model):
    def __init__(self):
        super().__init__()
        self.w = self.add_weight(shape=(), initializer="zeros")
        self.tracker = keras.metrics.Mean(name="total_loss")

    def train_step(self, data):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean((data - self.w) ** 2)
        gradients = tape.gradient(loss, self.trainable_variables)
        self.optimizer.apply(gradients, self.trainable_variables)
        self.tracker.update_state(loss)
        return {"loss": self.tracker.result()}


# %% [markdown]
# A callback should stop after the first epoch without progress of one unit. It is told the
# one name, then the other:

# %% tags=["nbval-check-output"]
data = np.ones((64, 1), "float32")
lengths = {}
for name in ("loss", "total_loss"):
    model = Small()
    model.compile(optimizer="adam")
    stop = keras.callbacks.EarlyStopping(name, min_delta=1.0, mode="min")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        history = model.fit(data, epochs=5, verbose=0, callbacks=[stop]).history
    lengths[name] = len(history["loss"])
    print(f"watching {name}: {lengths[name]} epochs, {len(caught)} warnings")
print("in the history:", list(history))

# %% tags=["proof"] jupyter={"source_hidden": true}
# @title The second one never stops
assert lengths == {"loss": 2, "total_loss": 5}
assert "total_loss" in str(caught[0].message)

# %% [markdown]
# Only `loss` is in the history. Who watches the tracker's name gets warnings, once an epoch,
# and a callback that never acts. **Mend.** Return each number under the name of the metric
# that keeps it: `{m.name: m.result() for m in self.metrics}`.

# %% [markdown]
# ## 16. No `test_step`
#
# The lecture's model has a `train_step` of its own and no `test_step`, as the one above.
# What happens to those who want to see held-out data?

# %% tags=["nbval-check-output"]
for name, look in {
    "evaluate": lambda: model.evaluate(data, verbose=0),
    "validation": lambda: model.fit(data, validation_split=0.5, verbose=0),
}.items():
    try:
        look()
    except NotImplementedError as error:
        print(f"{name}: {type(error).__name__}")

# %% [markdown]
# Keras falls back on a test step that calls the model, and a model that is two networks has
# no `call`. **Mend.** A `test_step` that computes the same terms without a step.

# %% [markdown]
# ## 17. Nine hundred predictions
#
# For its picture of the latent plane the lecture's program calls `predict` for each of 900
# points. `predict` is made for data sets: each call builds a pipeline and throws it away.

# %%
decoder = ConvVAE().decoder
points = rng.uniform(-1, 1, (900, 2)).astype("float32")
decoder.predict(points[:1], verbose=0)  # the first call also builds the graph
start = time.perf_counter()
for point in points[:calls]:
    decoder.predict(point[None], verbose=0)
one_by_one = (time.perf_counter() - start) * len(points) / calls
decoder(points)
start = time.perf_counter()
decoder(points)
one_batch = time.perf_counter() - start
print("one batch is more than ten times as fast:", one_by_one > 10 * one_batch)

# %% [markdown]
# On a quiet machine it was measured more carefully:

# %% tags=["nbval-check-output"]
record = read_result("benchmark_conv_vae")
times = record["manifold"]
print(record["machine"])
print(f"900 calls: {times['seconds_for_single_predict_calls']:.0f} s", end=", ")
print(f"one batch: {times['seconds_for_one_batched_decode']:.2f} s")

# %% [markdown]
# **Mend.** One array of 900 points, one call.

# %% [markdown]
# ## 30. Nothing, restored
#
# Before it explores its generator, the lecture's program restores the latest checkpoint of a
# folder. What if there is none? A layer of ours, and a folder that does not exist yet:

# %% tags=["nbval-check-output"]
network = layers.Dense(3)
network.build((None, 2))
before = network.get_weights()
with tempfile.TemporaryDirectory() as parent:
    folder = Path(parent) / "training"
    checkpoint = tf.train.Checkpoint(network=network)
    latest = tf.train.latest_checkpoint(str(folder))
    status = checkpoint.restore(latest)
    print("latest:", latest, "- no error from restore")
    checkpoint.save(str(folder / "ckpt"))
    print("made by save:", folder.is_dir(), sorted(p.suffix for p in folder.iterdir()))

# %% [markdown]
# `None` may be restored. It does nothing and says nothing: the weights are still the random
# ones of the start, and what would be explored is the network of the start. The folder, by
# the way, is made by `save` itself. **Mend.** Ask what came of it:

# %% tags=["nbval-check-output"]
unchanged = all(map(np.array_equal, before, network.get_weights()))
print("weights as before:", unchanged)
try:
    status.assert_consumed()
except AssertionError as error:
    print(f"{type(error).__name__}: {error}")

# %% tags=["proof"] jupyter={"source_hidden": true}
# @title Nothing was read
assert latest is None
assert unchanged

# %% [markdown]
# ## 31. Twice as fast?
#
# The lecture says that its step takes twice the time without `tf.function`. That depends on
# how much arithmetic there is beside what Python does. Recorded at the lecture's own batch
# size:

# %% tags=["nbval-check-output"]
record = read_result("benchmark_dcgan")
compiled, plain = (
    record["step"][name]["milliseconds_a_step"]
    for name in ("lecture's step, TensorFlow", "the same without tf.function")
)
print(f"batch {record['batch']}, {record['machine']}: {plain / compiled:.2f} times")

# %% [markdown]
# There the lecture is about right. And for four images a step? Networks of the same form,
# both programs in turns:


# %%
def program():
    players = Generator(), Discriminator()
    optimizers = [keras.optimizers.Adam(1e-4) for _ in players]
    for optimizer, player in zip(optimizers, players):
        optimizer.build(player.trainable_variables)  # a graph cannot make variables
    real = tf.constant(2 * load_mnist("train", limit=4).x - 1)
    z = tf.random.stateless_normal((4, 100), (0, 0))

    def step():
        return simultaneous_step(*players, real, z, *optimizers)

    return step


def seconds_of(step):
    start = time.perf_counter()
    float(step()[0])
    return time.perf_counter() - start


# %% [markdown]
# The first call of each is slower and does not count. (`without_remapping` switches off an
# optimization of graphs that TensorFlow tries here and takes back with a message.)

# %%
with without_remapping():
    step = program()
    graph = tf.function(step)
    step(), graph()
    pairs = [(seconds_of(step), seconds_of(graph)) for _ in range(turns)]
slow, fast = (statistics.median(times) for times in zip(*pairs))
print(f"batch 4, here: {slow / fast:.1f} times")

# %% [markdown]
# **Mend.** A factor of speed belongs to a batch size and a machine; name both.

# %% [markdown]
# ## 35. A standard deviation below zero
#
# The lecture's latent points have standard deviations from $-1$ to 1. NumPy and PyTorch
# refuse a negative one. TensorFlow?

# %%
drawn = tf.random.normal((10_000,), mean=2.0, stddev=-1.0, seed=0).numpy()
print(f"mean {drawn.mean():.2f}, standard deviation {drawn.std():.2f}")

# %% tags=["proof"] jupyter={"source_hidden": true}
# @title As with +1, within five standard errors
assert abs(drawn.mean() - 2) < 5 / 100
assert abs(drawn.std() - 1) < 5 / (100 * 2**0.5)

# %% [markdown]
# It multiplies and adds. A normal distribution is symmetric, so the result is that of $+1$.
# **Mend.** Positive numbers; and see section 35 of [the first page](lecture_programs.ipynb)
# for why nothing was scanned.
