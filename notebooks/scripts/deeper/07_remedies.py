# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Deeper: remedies against mode collapse, and a published table
#
# Open in [Colab](https://colab.research.google.com/github/generative-models/executed/blob/v0.2.0/notebooks/deeper/07_remedies.ipynb) or on [Binder](https://mybinder.org/v2/gh/generative-models/executed/v0.2.0?urlpath=lab/tree/notebooks/deeper/07_remedies.ipynb).
#
# [Lesson 7](../07_mode_collapse.ipynb) tries four remedies on the grid of 25 modes. This page
# has what it leaves out: packing; the ring of 8; all recorded runs; and what others have
# published.

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
# On two CPU cores this page takes about a minute.

# %% tags=["setup"] jupyter={"source_hidden": true}
# @title Set-up: libraries, networks, figures
import matplotlib.pyplot as plt
import numpy as np

from course_utils.budget import budget
from course_utils.data.mixtures import grid_of_gaussians, ring_of_gaussians
from course_utils.figures.modes import modes_and_samples
from course_utils.figures.style import use_course_style
from course_utils.metrics.modes import mode_coverage
from course_utils.pytorch.device import seed_everything
from course_utils.pytorch.game import Game
from course_utils.pytorch.gan import (
    descend,
    discriminator_loss,
    gan_step,
    generate,
    generator_loss,
)
from course_utils.pytorch.networks import MLPDiscriminator, MLPGenerator
from course_utils.pytorch.training import train_gan
from course_utils.records import read_result
from course_utils.records.recipes import Recipe

use_course_style()
ring, grid = ring_of_gaussians(), grid_of_gaussians()
steps = budget(smoke=200, lecture=4_800, full=15_000)
keys = "modes", "high_quality", "reverse_kl", "spread"

# %% [markdown]
# ## Packing
#
# A discriminator that sees one sample at a time cannot know that all of them are alike. PacGAN
# (Lin et al., 2018) lets it judge several together, all real or all generated. Only the reshaping
# is new; the discriminator's input grows.


# %% tags=["mirrors"]
def packed_step(samples):
    def step(generator, discriminator, real, z, generator_optimizer, d_optimizer):
        real, fake = (x.reshape(len(x) // samples, -1) for x in (real, generator(z)))
        d_loss = discriminator_loss(discriminator(real), discriminator(fake.detach()))
        descend(d_optimizer, d_loss)
        g_loss = generator_loss(discriminator(fake))
        descend(generator_optimizer, g_loss)
        return d_loss.detach(), g_loss.detach()

    return step


# %% [markdown]
# One seed of the grid, plain and packed:

# %%
latents = np.random.default_rng(0).standard_normal((2_500, 2))
scale = float(grid.modes.std())
panels = {}
for name, step, pack in (("plain", gan_step, 1), ("packs of 2", packed_step(2), 2)):
    seed_everything(0)
    generator = MLPGenerator(2, (64,) * 3, scale=scale)
    discriminator = MLPDiscriminator(2 * pack, (64,) * 4, scale=scale)
    game = Game(generator, discriminator, grid.sample(100_000, 0), Recipe(step), seed=0)
    train_gan(game, steps, every=steps // 8).require_complete()
    panels[name] = generate(generator, latents)
    print(name, mode_coverage(panels[name], grid.modes, grid.sigma))
modes_and_samples(panels, grid.modes, columns=2)

# %% [markdown]
# *Figure: two panels, the plain game and the game with packs of two; both have threads and empty
# rings.*
#
# ## Longer games
#
# A program of this course recorded 15,000 steps of the ring (eight modes on a circle of radius 1,
# of width 0.01) and 30,000 of the grid. The settings of the whole recipe ("all remedies") were
# chosen with other seeds than the ten that are shown; the other rows have three seeds, 0 to 2,
# and constant step sizes. So these rows differ from the last one in several settings at once, and
# the table says what was reached, not which change did it. Lines of one seed can be compared in
# pairs among the other rows.


# %% tags=["nbval-check-output"]


def line(name, runs, kind):
    values = np.array([[run[kind][key] for key in keys] for run in runs.values()])
    (m, q, kl, s), sd = values.mean(0), values.std(0, ddof=1)
    print(
        f"{name:24}{len(values):3}{m:6.1f}{q:7.1%} ± {sd[1]:5.1%}"
        f"{kl:8.4f} ± {sd[2]:.4f}{s:6.2f} ± {sd[3]:.2f}"
    )


def table(record):
    print(f"{record['target']}, {record['steps']:,} steps")
    print(f"{'':22}seeds modes  high quality       reverse KL       spread")
    for name, runs in record["runs"].items():
        for kind in ("last", "averaged"):
            if all(kind in run for run in runs.values()):
                line(name if kind == "last" else "   averaged", runs, kind)
    print()


records = {name: read_result(f"mode_coverage_{name}") for name in ("ring", "grid")}
for record in records.values():
    table(record)

# %% [markdown]
# These are the marks that we had set ourselves before the runs, for means over ten seeds: all
# modes, 96 % (ring) and 93 % (grid) of high quality, a reverse KL below 0.006 and 0.012, and a
# spread within a tenth of 1.

# %% tags=["proof", "nbval-check-output"] jupyter={"source_hidden": true}
# @title The marks are met
marks = {"ring": (ring, 0.96, 0.006), "grid": (grid, 0.93, 0.012)}
for name, (target, least_quality, most_kl) in marks.items():
    found = [run["averaged"] for run in records[name]["runs"]["all remedies"].values()]
    modes, quality, kl, spread = np.array([[r[key] for key in keys] for r in found]).T
    assert (modes == len(target.modes)).all()
    assert quality.mean() > least_quality
    assert kl.mean() < most_kl
    assert abs(spread.mean() - 1) < 0.1
print("They are met, on both targets.")

# %% [markdown]
# The same runs as a picture, one mark each. A perfect sampler sits where the dashed lines cross.

# %%
methods = {
    "plain GAN": "o",
    "packing, 2": "s",
    "penalty": "^",
    "relativistic, penalty": "v",
    "all remedies": "*",
}
figure, panels = plt.subplots(1, 2, figsize=(9, 4.6), sharey=True)
for axes, (name, record), target in zip(panels, records.items(), (ring, grid)):
    for method, marker in methods.items():
        rows = [
            [run["averaged"][key] for key in ("reverse_kl", "spread")]
            for run in record["runs"][method].values()
        ]
        axes.plot(
            *np.transpose(rows), marker, markersize=12, fillstyle="none", label=method
        )
    floor = (len(target.modes) - 1) / (2 * record["samples"])
    axes.axvline(floor, color="black", linestyle="--", linewidth=1)
    axes.axhline(1, color="black", linestyle="--", linewidth=1)
    axes.set(xscale="log", xlabel="reverse KL (nats)", title=name)
panels[0].set_ylabel("spread (1 is right)")
panels[1].legend(fontsize=11)
plt.show()

# %% [markdown]
# *Figure: spread against reverse KL for ring and grid. The stars of the whole recipe lie near the
# crossing of the dashed lines, most of them a little below and to the right. All other marks lie
# much lower; on the grid those of the plain GAN and of packing lie far to the right as well.*
#
# ### What it costs
#
# Processor seconds of one run on one core. A penalty asks for a gradient of a gradient. All runs
# carry a running mean along.

# %% tags=["nbval-check-output"]
print(f"{'':24}" + "".join(f"{name:>8}" for name in records))
for method in methods:
    means = [
        np.mean([run["cpu_seconds"] for run in record["runs"][method].values()])
        for record in records.values()
    ]
    print(f"{method:24}" + "".join(f"{mean:8.0f}" for mean in means))

# %% [markdown]
# ## Beside the published table
#
# What others have published for the same two targets (means over several runs; modes, high
# quality, reverse KL; from the papers of VEEGAN and PacGAN; empty where we quote nothing):
#
# | | ring of 8 | grid of 25 |
# |---|---|---|
# | GAN | 6.3, 98.2 %, 0.45 | 17.3, 94.8 %, 0.70 |
# | PacGAN2 | 7.9, 95.6 %, 0.07 | 23.8, 91.3 %, 0.13 |
# | PacGAN4 | | 24.8, 93.6 %, 0.04 |
# | VEEGAN | 8, 52.9 % | 24.6, 40 % |
# | Unrolled GAN | 7.6, 35.6 % | |
#
# Targets, sample size and counting are the same; the rest is not. PacGAN's generators have four
# layers of 400 units with batch normalization and its discriminators three maxout layers of 200; a
# run takes about 400,000 steps with batches of 100. Ours are smaller, see batches of 256 and take
# a tenth of the steps or fewer. So the rows of the two tables say what was reached, not which idea
# is better. A spread was not reported.
#
# **Batch normalization in the discriminator** lets the samples of a batch know of each other, so
# a slope is no longer a sample's own. Leave it out where slopes are penalized.
#
# ## References
#
# - Z. Lin, A. Khetan, G. Fanti and S. Oh, *PacGAN*, 2018,
#   [arXiv:1712.04086](https://arxiv.org/abs/1712.04086).
# - A. Srivastava and others, *VEEGAN*, 2017, [arXiv:1705.07761](https://arxiv.org/abs/1705.07761).
# - L. Mescheder, A. Geiger and S. Nowozin, *Which training methods for GANs do actually
#   converge?*, 2018, [arXiv:1801.04406](https://arxiv.org/abs/1801.04406).
# - A. Jolicoeur-Martineau, *The relativistic discriminator*, 2018,
#   [arXiv:1807.00734](https://arxiv.org/abs/1807.00734).
# - Y. Yazici and others, *The unusual effectiveness of averaging in GAN training*, 2019,
#   [arXiv:1806.04498](https://arxiv.org/abs/1806.04498).
# - N. Huang, A. Gokaslan, V. Kuleshov and J. Tompkin, *The GAN is dead; long live the GAN!*,
#   2024, [arXiv:2501.05441](https://arxiv.org/abs/2501.05441).
