# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Deeper: a ruler for modes, checked
#
# Open in [Colab](https://colab.research.google.com/github/generative-models/executed/blob/v0.2.0/notebooks/deeper/07_ruler.ipynb) or on [Binder](https://mybinder.org/v2/gh/generative-models/executed/v0.2.0?urlpath=lab/tree/notebooks/deeper/07_ruler.ipynb).
#
# [Lesson 7](../07_mode_collapse.ipynb) measures how samples cover known modes by four numbers,
# and says what a perfect sampler scores. This page checks these scores on hundreds of perfect
# samplers, asks when a sampler can be told from a perfect one, and puts the question to every
# recorded run.

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
# @title Set-up: libraries, targets, figures
import matplotlib.pyplot as plt
import numpy as np
from scipy.stats import chi2

from course_utils.budget import budget
from course_utils.data.mixtures import grid_of_gaussians, ring_of_gaussians
from course_utils.figures.style import use_course_style
from course_utils.metrics.modes import mode_coverage
from course_utils.records import read_result

use_course_style()
ring, grid = ring_of_gaussians(), grid_of_gaussians()
targets = {"ring of 8": ring, "grid of 25": grid}
perfect_samplers = budget(smoke=20, lecture=300, full=1_000)

# %% [markdown]
# ## What perfect samplers score
#
# Two targets have been the standard test of this question since VEEGAN (Srivastava et al., 2017):
# the grid of the lesson, and eight modes on a ring of radius 1, each of width
# $\sigma = 0.01$. From either we draw 2,500 samples, hundreds of times.
#
# The share of high quality of a perfect sampler is $p = 1 - e^{-4.5}$, with the standard
# deviation $\sqrt{p(1 - p)/n}$.
#
# For the KL the lesson has its mean, $(K - 1)/2n$. Wilks' theorem says more: $2n\,\mathrm{KL}$ is
# close to a chi-squared variable with $K - 1$ degrees of freedom, where $n$ counts the samples of
# high quality. So its variance is $2(K - 1)$, and its quantiles are known.

# %%
statistics = {}
for name, target in targets.items():
    scores = [
        mode_coverage(target.sample(2_500, seed), target.modes, target.sigma)
        for seed in range(perfect_samplers)
    ]
    kl = np.array(
        [2 * 2_500 * s.high_quality.value * s.reverse_kl.value for s in scores]
    )
    statistics[name] = kl
    quality = [s.high_quality.value for s in scores]
    spread = [s.spread.value for s in scores]
    degrees = len(target.modes) - 1
    exceeded = np.mean(kl > chi2.ppf(0.95, degrees))
    print(f"{name}: 2 n KL has mean {kl.mean():.2f}, expected {degrees},")
    print(
        f"   and is above the 95 % quantile of chi-squared in {exceeded:.1%} of the cases"
    )
    print(f"   quality {np.mean(quality):.4f}, spread {np.mean(spread):.4f}")

# %% tags=["proof", "nbval-check-output"] jupyter={"source_hidden": true}
# @title Mean and quality are what they should be, to four standard errors
for name, target in targets.items():
    degrees, kl = len(target.modes) - 1, statistics[name]
    # a mean of m chi-squared variables has the standard error sqrt(2 degrees / m)
    assert abs(kl.mean() - degrees) < 4 * np.sqrt(2 * degrees / len(kl))
    share = np.mean(
        [
            mode_coverage(
                target.sample(2_500, s), target.modes, target.sigma
            ).high_quality.value
            for s in range(20)
        ]
    )
    p = 1 - np.exp(-4.5)
    # and a mean share of m runs the standard error sqrt(p (1 - p) / n m)
    assert abs(share - p) < 4 * np.sqrt(p * (1 - p) / 2_500 / 20)
print("Both agree.")

# %% [markdown]
# The law itself, beside the histogram:

# %%
figure, panels = plt.subplots(1, 2, figsize=(9, 4))
for axes, (name, kl) in zip(panels, statistics.items()):
    degrees = len(targets[name].modes) - 1
    axes.hist(kl, 25, density=True, color="0.75")
    x = np.linspace(0, chi2.ppf(0.9995, degrees), 200)
    axes.plot(x, chi2.pdf(x, degrees), linewidth=3)
    axes.set(title=name, xlabel="2 n KL", yticks=[])
plt.show()

# %% [markdown]
# *Figure: histograms of 2 n KL for ring and grid, with the chi-squared density on each.*
#
# ## Can a run be told from a perfect sampler?
#
# Four tests. No mode may be missing. A perfect sampler has a KL above the 99.9 % quantile of its
# law once in a thousand times, and a share of high quality four standard deviations off hardly
# ever. Its spread stays within 4 % of 1 (its standard deviation is 1 %); we are lenient and
# allow 10 %.


# %%
def faults(modes, quality, kl, spread, target, n=2_500):
    """Modes missing, shares uneven, too few or many samples on modes, a wrong width."""
    degrees, perfect = len(target.modes) - 1, 1 - np.exp(-4.5)
    return np.array(
        [
            modes <= degrees,
            2 * n * quality * kl > chi2.ppf(0.999, degrees),
            abs(quality - perfect) > 4 * np.sqrt(perfect * (1 - perfect) / n),
            abs(spread - 1) > 0.1,
        ]
    )


# %% [markdown]
# The grid itself passes all four.

# %%
own = mode_coverage(grid.sample(2_500, 0), grid.modes, grid.sigma)
scores = own.high_quality, own.reverse_kl, own.spread
print("the grid itself:", faults(own.modes, *(s.value for s in scores), grid))

# %% [markdown]
# We ask them of every recorded run. Counted are the runs that fail.

# %%
keys = "modes", "high_quality", "reverse_kl", "spread"


def failed(record, target):
    steps = f"{record['target']}, {record['steps']:,} steps"
    print(f"{steps:26} runs missing uneven    off  width")
    for name, runs in record["runs"].items():
        for kind in ("last", "averaged"):
            rows = [[r[kind][key] for key in keys] for r in runs.values() if kind in r]
            if rows:
                missing, uneven, off, width = sum(faults(*row, target) for row in rows)
                label = f"{name}, averaged" if kind == "averaged" else name
                cells = f"{missing:8}{uneven:7}{off:7}{width:7}"
                print(f"{label[:26]:26}{len(rows):5}{cells}")
    print()


# %% [markdown]
# Ring and grid:

# %% tags=["nbval-check-output"]
records = {name: read_result(f"mode_coverage_{name}") for name in ("ring", "grid")}
failed(records["ring"], ring)
failed(records["grid"], grid)

# %% [markdown]
# The whole recipe has all modes and, but for a few runs, the right width. In nearly all some samples
# lie between the modes; [the lesson](../07_mode_collapse.ipynb) says why they must.
#
# ## Questions to go on with
#
# 1. How many samples does it take to see that one mode comes 1.2 times as often as the others?
#    ([Exercise 6](../exercises/07_mode_collapse.ipynb).)
# 2. Three $\sigma$ in more than two dimensions: where do perfect samples lie?
#    ([Exercise 3](../exercises/07_mode_collapse.ipynb).)
#
# ## References
#
# - A. Srivastava, L. Valkov, C. Russell, M. Gutmann and C. Sutton, *VEEGAN*, 2017,
#   [arXiv:1705.07761](https://arxiv.org/abs/1705.07761).
# - S. S. Wilks, *The large-sample distribution of the likelihood ratio for testing composite
#   hypotheses*, Annals of Mathematical Statistics 9, 60, 1938.
