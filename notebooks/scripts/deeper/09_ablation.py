# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Deeper: every recipe between two
#
# Open in [Colab](https://colab.research.google.com/github/generative-models/executed/blob/v0.2.0/notebooks/deeper/09_ablation.ipynb) or on [Binder](https://mybinder.org/v2/gh/generative-models/executed/v0.2.0?urlpath=lab/tree/notebooks/deeper/09_ablation.ipynb).
#
# [Lesson 9](../09_dcgan_pytorch.ipynb) compares two recipes for one pair of networks, the lecture's
# plain one and the shipped one, which differ in seven things. It shows some of the recipes in
# between by one score. Here are all that were played, with four scores.
#
# Both recipes play with a quarter of their batches here, 64 and 32 digits for 256 and 128, and in
# float32, so that CPUs can play all of them.

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
# @title Set-up: libraries, figures
import numpy as np
from scipy.stats import t

from course_utils.figures.ablation import a_dot_a_seed
from course_utils.figures.style import use_course_style
from course_utils.records import read_result
from course_utils.weights import card

use_course_style()

# %% [markdown]
# ## What was played
#
# A **game** is a training of both networks from fresh weights. Each gives two generators: the one
# that it ends with, and the running mean of its weights (with statistics of batch normalization
# taken anew). So a few games make many recipes.

# %%
record = read_result("dcgan_ablation")
print("data:", record["data"])
print("seeds:", record["seeds"])
print(f"each generator is scored by {record['samples']:,} samples of its own seed,")
print("against", record["real"])
for name, text in record["changes"].items():
    print(f"   {name}: {text}")

# %% [markdown]
# The games, and how many steps each has. All but one have the same number of *steps*. So a game
# with smaller batches sees fewer digits; the one that sees as many as the plain recipe has twice
# the steps.

# %%
for name, game in record["games"].items():
    batch = 32 if "batch" in game["changes"] else 64
    print(f"{name:26}{game['steps']:6} steps, {game['steps'] * batch:7,} digits")

# %% [markdown]
# ## Four scores of all recipes
#
# Mean over the seeds, and its standard error. **Entropy** is that of the ten classes' shares, at
# most $\ln 10 = 2.303$ nats. **Rarest** is the share of the class that a classifier reads least
# often, a tenth at best. **Confidence** is the classifier's largest probability, on average. The
# **Fréchet distance** compares the classifier's last hidden layer on samples and on real digits;
# smaller is better.


# %%
def scores(recipe, score):
    """By seed."""
    game, which = record["rows"][recipe]
    runs = record["runs"][game]
    return np.array([runs[seed][which][score] for seed in sorted(runs)])


def mean_and_error(numbers):
    return np.mean(numbers), np.std(numbers, ddof=1) / np.sqrt(len(numbers))


DECIMALS = {"entropy": 3, "rarest_class": 3, "confidence": 3, "frechet": 1}
print(f"{'':34}{'n':>2}{'entropy':>15}{'rarest':>15}{'confidence':>15}{'Fréchet':>15}")
for recipe in record["rows"]:
    line = f"{recipe:34}{len(scores(recipe, 'frechet')):2}"
    for score, digits in DECIMALS.items():
        mean, error = mean_and_error(scores(recipe, score))
        line += f"{f'{mean:.{digits}f} ± {error:.{digits}f}':>15}"
    print(line)

# %% [markdown]
# ## The Fréchet distance, a dot a game
#
# The dashed line is the floor, the distance of two sets of real digits. The blue line is the mean
# of the plain recipe.

# %%
rows = {recipe: scores(recipe, "frechet") for recipe in record["rows"]}
a_dot_a_seed(rows, record["frechet_floor"], "the lecture's recipe")

# %% [markdown]
# *Figure: a row for each recipe with a dot for each seed and a bar at the mean; the floor is at the
# left edge.*
#
# ## In pairs
#
# Games of one seed share first weights and the order of digits (for one batch size). So differences
# are taken seed by seed. With three pairs the standard error itself is uncertain by about half of
# its size. Student's law takes this into account: a mean of three is at 95 % confidence away from
# zero only if it is larger than 4.3 of its errors. A star marks such differences.
#
# With as many comparisons as there are below, one star in twenty would be an accident.

# %%
COMPARED = [
    *((row, "the lecture's recipe") for row in list(record["rows"])[1:9]),
    ("batch alone, as many digits", "batch alone"),
    ("these and alternating steps", "batch, step size, beta1"),
    ("these four and the penalty", "these and alternating steps"),
    ("these four and the fall", "these and alternating steps"),
    ("these four and the mean", "these and alternating steps"),
    ("shipped but for the penalty", "the shipped recipe"),
    ("shipped but for the fall", "the shipped recipe"),
    ("shipped but for the mean", "the shipped recipe"),
    ("the shipped recipe", "the lecture's recipe"),
]
for row, reference in COMPARED:
    pairs = scores(row, "frechet") - scores(reference, "frechet")
    mean, error = mean_and_error(pairs)
    star = "*" if abs(mean) > t.ppf(0.975, len(pairs) - 1) * error else " "
    against = f"{row} - {reference}"
    print(f"{against:62}{mean:+8.1f} ± {error:5.1f} {star} n = {len(pairs)}")

# %% [markdown]
# ## The long runs
#
# Both ends were also trained for 30 epochs of all 60,000 digits, once each, so there is no error
# bar. The card of the shipped weights has the same four scores for them, for the VAE of lesson 4
# and for real digits that were held out.

# %%
tested = card("dcgan")["test"]
print(f"{'':30}{'entropy':>9}{'rarest':>9}{'confidence':>12}{'Fréchet':>9}")
for name, score in tested["samplers"].items():
    print(
        f"{name:30}{score['entropy']:9.3f}{score['rarest_class']:9.3f}"
        f"{score['confidence']:12.3f}{score['frechet']:9.2f}"
    )
print(f"floor of the Fréchet distance: {tested['frechet_floor']:.2f}")

# %% [markdown]
# No single column would do. By confidence the VAE is near the shipped generator: it draws few kinds
# of digits, blurred, and the classifier is sure of them. Only entropy and distance tell.
#
# The real digits here are from the whole set of MNIST, whose classes are not quite equally
# frequent. The sample that comes with the course has equally many of each class. So a number of the
# one must not stand beside a number of the other: for the convolutional VAE of lesson 4 that alone
# shifts the mean ELBO by about 1.5 nats.
#
# ## What this does not say
#
# These games are short: 600 steps, where the long runs have 14,000. A penalty slows a game down at
# first and may pay later. Step sizes that fall are chosen for the length of the game. The running
# mean has a shorter memory here, a fourteenth of the game, as in the long runs.
#
# And effects need not add up: a change may help beside one recipe and harm beside another. That is
# why the table has rows that add to the plain recipe, and rows that take away from the shipped one.
