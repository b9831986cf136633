# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Project B: 25 modes in 10,000 steps
#
# Open in [Colab](https://colab.research.google.com/github/generative-models/executed/blob/v0.2.0/notebooks/projects/b_25_modes.ipynb) or on [Binder](https://mybinder.org/v2/gh/generative-models/executed/v0.2.0?urlpath=lab/tree/notebooks/projects/b_25_modes.ipynb).
#
# *A project takes some hours, most of them waiting. You need lesson 7. It is marked by a judge
# and by a reader; the rubric stands below.*
#
# ## The question
#
# Twenty-five narrow heaps of points lie on a grid in the plane. A plain GAN forgets some of
# them. Lesson 7's whole recipe finds them all in 30,000 steps. **Can a GAN find all of them, and
# draw them equally often, in 10,000 steps, whatever the seed?**

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
    os.chdir(f"{course}/notebooks/projects")
    if importlib.util.find_spec("course_utils") is None:
        install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"]
        subprocess.run([*install, course], check=True)
        importlib.invalidate_caches()
# %% [markdown]
# Run this cell first.

# %%
import matplotlib.pyplot as plt
import numpy as np
import torch

from course_utils.checks.projects.b_25_modes import judge_modes, scores, task
from course_utils.figures.style import use_course_style
from course_utils.pytorch.device import seed_everything
from course_utils.pytorch.game import Game
from course_utils.pytorch.gan import generate
from course_utils.pytorch.networks import MLPDiscriminator, MLPGenerator
from course_utils.pytorch.remedies import whole_recipe
from course_utils.pytorch.training import train_gan
from course_utils.records import read_result

use_course_style()

# %% [markdown]
# ## The data
#
# The grid of lesson 7: $5 \times 5$ modes, neighbours 2 apart, each a normal distribution with
# $\sigma = 0.05$. For each game it is **turned by another angle and stretched by another
# factor** (0.5 to 2), so that no place can be typed in. `task(rng)` makes such a game: `x`,
# 100,000 points; `z`, the latent points at which samples are wanted; and `back`, which turns
# points to where lesson 7 has them, for scores and pictures. (Use it to look, not to train.)

# %%
x, z, twins, back = task(np.random.default_rng(0))
print("x:", x.shape, " z:", z.shape, f" unit of length: {x.std():.2f}")
print(scores(back(x[:2_500])))
plt.figure(figsize=(4, 4))
plt.plot(*x[:2_500].T, ".", markersize=3)
plt.axis("equal")
plt.show()

# %% [markdown]
# *Figure: 25 small heaps of dots on a square grid that is turned.*
#
# The printed scores are what a perfect sampler has with 2,500 samples. Its reverse KL is the noise
# floor of lesson 7, $24/(2 \cdot 2500) \approx 0.0048$.
#
# How far do the remedies of lesson 7 come in 10,000 steps? Ten games each, on the grid as it is:

# %%
rows = read_result("mode_ablation")["runs"]
some = ["plain", "pairs", "penalty", "whole recipe", "whole, narrow start"]
for place, name in enumerate(some):
    kls = [run["averaged"]["reverse_kl"] for run in rows[name].values()]
    plt.plot(kls, np.full(len(kls), place), "o", alpha=0.6)
plt.axvline(24 / 5_000, color="black", linestyle="--", linewidth=1)
plt.axvline(0.02, color="black", linestyle=":", linewidth=1)
plt.yticks(range(len(some)), some)
plt.gca().set(xscale="log", xlabel="reverse KL (nats)")
plt.show()

# %% [markdown]
# *Figure: reverse KL on a logarithmic axis, ten dots a row. "plain" and "pairs" lie between 0.2
# and 1 but for one. "penalty" and "whole recipe" scatter from the floor (dashed, 0.0048) to
# 0.3. "whole, narrow start" has eight dots left of the goal (dotted, 0.02) and two beyond.*
#
# None gets there with every seed. The last row comes nearest; but its clusters have only 0.7 of
# their width.
#
# ## What is to be reached
#
# Write `train(x, z, steps, seed)`. It trains a GAN on `x` and returns the samples that its
# generator makes, row by row, of `z`. Of the eight columns of `z` take as many as you have
# latent numbers.
#
# **The budget is 10,000 steps of the generator.** What a step is (batch, loss, networks, how often
# the discriminator moves) is yours, and so is the time: the course's own takes about a
# minute a game on one core. What the package has may be used.
#
# The judge plays **five games on grids and with seeds that nobody has seen**, 2,500 samples each:
#
# | number | wanted |
# |---|---|
# | modes | 25 in each game |
# | reverse KL | at most 0.02 in the mean |
# | near (within $3\sigma$ of a mode) | at least 90 % in the mean |
# | spread | 0.6 to 1.2 in the mean |
#
# And it wants your **claim**: the mean reverse KL of your games, and the standard error of
# that mean, from at least five seeds of your own. It is refused if it lies more than four errors
# from what the judge finds. A claim from seeds that were chosen after looking will not hold.
#
# ## How it is marked
#
# | part | points |
# |---|---|
# | the judge accepts the samples | 4 |
# | the judge accepts the claim | 2 |
# | a control: your training with one change undone, at least five seeds each, with error bars | 2 |
# | the report, half a page: why does it help, and what speaks for this reason? | 2 |
#
# The reader also looks whether it is a GAN: a generator that learns from a discriminator alone.
# Points that are copied, or a cluster analysis with noise, get nothing.
#
# <details><summary>Hint</summary>
#
# Draw samples after 1,000, 3,000 and 10,000 steps. A mode gets its share early, while the
# discriminator sees only a blur; later hardly any sample changes its mode. How are the samples
# of the first step spread, and how should they be spread so that little is left to do? Latent
# points are normal; a grid is not. And any function of `z` is allowed.
#
# </details>
#
# ## Your training

# %% [markdown] tags=["solution"]
# The generator starts as a disc of even density, a little larger than the grid, in place of a
# normal cloud. In two dimensions $1 - e^{-r^2/2}$ of a normal distribution lie within the
# radius $r$; its square root as the new radius spreads them evenly, and a disc suits a grid that
# is turned by any angle. Nothing else differs from the whole recipe.


# %% tags=["solution"]
class Disc(MLPGenerator):
    """A generator that starts as an even disc, and learns what to add."""

    def forward(self, z):
        squared = z.square().sum(dim=1, keepdim=True)
        even = z * (-torch.expm1(-squared / 2) / squared).sqrt()
        return 2.1 * self.scale * even + super().forward(z)


# %% [markdown]
# The judge calls this function:


# %%
def train(x, z, steps, seed):
    """Points (n, 2), latents (m, 8), a number of steps, a seed -> samples (m, 2)."""
    # BEGIN SOLUTION
    scale = float(x.std())
    seed_everything(seed)
    generator = Disc(2, (64,) * 3, scale=scale)
    discriminator = MLPDiscriminator(2, (64,) * 4, scale=scale)
    game = Game(generator, discriminator, x, whole_recipe(scale, steps), seed)
    train_gan(game, steps).require_complete()
    return generate(game.average, z[:, :2])
    # END SOLUTION


# %% [markdown]
# Your claim: the mean reverse KL of your games, and its standard error.

# %%
# BEGIN SOLUTION
games = read_result("project_b")["games"]  # five of this very training
kls = np.array([game["kl"] for game in games.values()])
claim = kls.mean(), kls.std(ddof=1) / np.sqrt(len(kls))
print("{:.4f} +- {:.4f}".format(*claim))
# STUB claim = ...
# END SOLUTION

# %% [markdown]
# The judge plays five games:

# %%
judge_modes(train, claim)

# %% [markdown]
# ## Your report
#
# *Half a page, in a cell below this one, with the control.*

# %% [markdown] tags=["solution"]
# **What a full answer names.** The control here is the row "whole recipe" of the picture above:
# the same but for the start, ten seeds, reverse KL from 0.003 to 0.29. That this row was
# played on the grid as it stands is a second difference, and is to be named.
#
# *Why*: while the penalty is large the discriminator is smooth and moves mass over wide
# distances; when it falls, each sample stays with its nearest mode. The shares at that
# moment remain. From a normal cloud too much mass has to leave the middle in that time; from an
# even disc nearly none. *What would speak for it*: shares of the 25 cells after each 1,000
# steps, which are uneven from the start with the cloud, and even from the start with the disc.
#
# **Common wrong answers**: a mean over the best seeds; "more steps" (they were not to be had); a
# reason without any measurement; to praise a KL below 0.0048, which is noise; to forget that
# an even disc knows something about the data (it is a guess about where the modes may be, and
# would help less on the ring).
