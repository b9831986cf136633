# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Deeper: speed, and who leads
#
# Open in [Colab](https://colab.research.google.com/github/generative-models/executed/blob/v0.2.0/notebooks/deeper/08_speed_and_rates.ipynb) or on [Binder](https://mybinder.org/v2/gh/generative-models/executed/v0.2.0?urlpath=lab/tree/notebooks/deeper/08_speed_and_rates.ipynb).
#
# [Lesson 8](../08_dcgan_keras.ipynb) plays a game of two networks step by step. This page asks two
# things about it. What does it save to compile a step with `tf.function`? And what do the two
# learning rates decide? Both answers come from recorded runs.

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
# On two CPU cores this page takes a few seconds.

# %% tags=["setup"] jupyter={"source_hidden": true}
# @title Set-up: libraries, figures
from itertools import combinations

import matplotlib.pyplot as plt
import numpy as np

from course_utils.figures.style import use_course_style
from course_utils.records import read_result

use_course_style()

# %% [markdown]
# ## What `tf.function` saves
#
# A step runs as Python, which calls TensorFlow for each layer, each gradient and each update.
# `tf.function` traces the step once and keeps its graph, so that the later calls run without
# Python. The course's `train_gan` does it. How much faster is that? `tools/measure/benchmark_dcgan.py`
# measured both on a quiet machine, in turns, seven times each:

# %% tags=["nbval-check-output"]
benchmark = read_result("benchmark_dcgan")
print(f"{benchmark['batch']} images a step, {benchmark['machine']}")
medians = {}
for name in ("lecture's step, TensorFlow", "the same without tf.function"):
    row = benchmark["step"][name]
    medians[name] = row["milliseconds_a_step"]
    low, high = min(row["of_each_round"]), max(row["of_each_round"])
    print(f"{name:29} {medians[name]:5.0f} ms (from {low:.0f} to {high:.0f})")
fast, slow = medians.values()
print(f"ratio {slow / fast:.2f}")

# %% [markdown]
# Here a compiled step takes about half the time. Part of what is saved is Python's own time. It is
# the same for any batch, so the ratio depends on the batch size: the more arithmetic a step has,
# the less that part counts. A factor of speed belongs to a batch size and a machine.
# ([A batch of four, timed on your machine](lecture_programs_keras.ipynb), in section 31.)
#
# ## Who leads?
#
# In lesson 8 both players have the same learning rate. The lecture that this course follows does
# the same, because both should improve at approximately equal speeds, "not necessarily exactly
# equal". It speaks of speeds. What one sets are rates. So the question is what a rate decides.
#
# `tools/measure/learning_rates.py` played the networks of the lesson for 2,000 steps of 64 digits,
# with Adam as Keras has it and a generator's rate of 1e-4. The discriminator's rate was a quarter
# of that, the same, or four times as large; three seeds each, 0, 1 and 2, and none was left out.

# %%
record = read_result("learning_rates")
fig, (left, right) = plt.subplots(1, 2, figsize=(9, 4.2))
names = {"0.25": "rate a quarter", "1.0": "equal rates", "4.0": "rate four times"}
heights = {"0.25": 1.48, "1.0": 0.98, "4.0": 0.42}
looks = zip(names.items(), ("C0", "C1", "C2"), ("-", "--", ":"), strict=True)
for (factor, name), color, dashes in looks:
    runs = record["runs"][factor].values()
    steps = [score["step"] for score in next(iter(runs))["scores"]]
    for run in runs:
        look = {"color": color, "linestyle": dashes, "marker": "o"}
        left.plot(steps, run["losses"]["discriminator_loss"], **look)
        right.plot(steps, [score["frechet"] for score in run["scores"]], **look)
    look = {"color": color, "ha": "right", "fontsize": 14}
    left.text(2000, heights[factor], name, **look)
left.axhline(np.log(4), color="black", linestyle="-", linewidth=1)
left.text(500, np.log(4) - 0.12, "ln 4", fontsize=14)
left.set(xlabel="steps", ylabel="discriminator's loss (nats)", ylim=(0, 1.6))
right.set(xlabel="steps", ylabel="Fréchet distance", ylim=(0, None))
plt.show()

# %% [markdown]
# *Figure: left, the discriminator's loss of nine games; three bands that do not overlap, the line
# at ln 4. Right, Fréchet distances of their samples, which scatter widely.*
#
# Left: in these nine games the rate decides how far the discriminator is ahead. At a quarter it is
# of no use: its loss is that of somebody who always says one half, or worse, because what it
# learnt of earlier fakes is wrong for those of now. At four times it is far ahead.
#
# Right: the samples. How much do the ends differ between equal rates and a discriminator that is
# four times as fast? Three runs a line, so we also count: of the twenty ways to deal these six
# numbers into two heaps of three, how many are as uneven as this one?

# %% tags=["nbval-check-output"]
ends = {
    factor: [run["scores"][-1]["frechet"] for run in runs.values()]
    for factor, runs in record["runs"].items()
}
for factor, values in ends.items():
    print(f"rate times {factor:4}:", *(f"{value:4.0f}" for value in sorted(values)))
equal, fast = (np.array(ends[factor]) for factor in ("1.0", "4.0"))
seen = equal.mean() - fast.mean()
error = np.sqrt((equal.var(ddof=1) + fast.var(ddof=1)) / 3)
six = np.concatenate([equal, fast])
heaps = [six[list(chosen)] for chosen in combinations(range(6), 3)]
uneven = [abs(2 * heap.mean() - 2 * six.mean()) >= abs(seen) - 1e-9 for heap in heaps]
print(f"equal less fast: {seen:.0f} ± {error:.0f}; p = {np.mean(uneven):.2f}")

# %% tags=["proof"] jupyter={"source_hidden": true}
# @title The losses of the three lines do not overlap at the end
d_losses = [
    [run["losses"]["discriminator_loss"][-1] for run in runs.values()]
    for runs in record["runs"].values()
]
assert min(d_losses[0]) > max(d_losses[1]) > min(d_losses[1]) > max(d_losses[2])

# %% [markdown]
# Two standard errors, and $p = 0.2$: these runs do not show that samples become better with a
# faster discriminator. They do not show that equal rates are better, either. None of the games has
# come to rest. Heusel and co-authors (2017) argue for *different* rates, and give conditions under
# which the game then converges.
#
# ## What a generator's loss below ln 2 says
#
# One is tempted to read the other loss as well: "below $\ln 2$ the generator fools the
# discriminator in more than half of the cases". That is false in both directions. Here are two
# heaps of a hundred fakes with the logits that a discriminator gave them:

# %% tags=["nbval-check-output"]
heaps = {
    "51 at 0.01, 49 at -10": np.repeat([0.01, -10.0], [51, 49]),
    "49 at 10, 51 at -0.01": np.repeat([10.0, -0.01], [49, 51]),
}
for name, logits in heaps.items():
    D = 1 / (1 + np.exp(-logits))
    print(f"{name}: fooled {np.mean(logits > 0):.0%}, loss {-np.log(D).mean():.2f}")
print(f"ln 2 = {np.log(2):.2f}")

# %% [markdown]
# The first generator fools it in 51 of 100 cases and has a loss far above $\ln 2$. The second one
# does so in 49, with a loss below. What is true is weaker. The logarithm is concave, so the mean of
# $\log D$ is at most the logarithm of the mean of $D$ (Jensen). A loss below $\ln 2$ thus means
# that the mean of $D$ over fakes is above one half. The converse does not hold, and neither says
# whether the fakes are good.
#
# M. Heusel and others, *GANs trained by a two time-scale update rule converge to a local Nash
# equilibrium*, 2017, [arXiv:1706.08500](https://arxiv.org/abs/1706.08500).
