# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Deeper: does a tighter bound train a better model?
#
# Open in [Colab](https://colab.research.google.com/github/generative-models/executed/blob/v0.2.0/notebooks/deeper/03_published_table.ipynb) or on [Binder](https://mybinder.org/v2/gh/generative-models/executed/v0.2.0?urlpath=lab/tree/notebooks/deeper/03_published_table.ipynb).
#
# [Lesson 3](../03_vae_pytorch.ipynb) *measures* a trained VAE by $L_k$, a bound that rises
# towards $\log p(x)$ with $k$. Why not *train* by it? There is a published table that says
# what one gains. This page reads it, and holds our own runs against it.

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
# @title Set-up: libraries, the record
import matplotlib.pyplot as plt
import numpy as np

from course_utils.figures.style import COLOURS, use_course_style
from course_utils.records import read_result

use_course_style()
record = read_result("iwae_table")
published, rows = record["published"], record["rows"]


# %% tags=["setup"] jupyter={"source_hidden": true}
# @title What the record says of a row, in words
def missing(name):
    return "the same as vae-1" if name == "iwae-1" else "not run here yet"


def training(name):
    if name not in rows:
        return missing(name)
    row = rows[name]
    return (
        f"{row['epochs']} of {row['of_epochs']} passes, batches of {row['batch']}, "
        f"rate {row['rate']}, seed {row['seed']}, "
        f"{row['processor_seconds'] / 60:.0f} processor minutes, {row['device']}"
    )


def last_look(name):
    """What is known of a row, with how many points, and when it was seen."""
    row = rows[name]
    if row["measured"]:
        return row["measured"], row["measured"]["samples"], "at its end"
    keys = ("nll", "standard_error", "active_units")
    seen = {key: row["looks"][key][-1] for key in keys}
    when = f"on its way, at pass {row['looks']['epoch'][-1]:.0f}"
    return seen, row["looks"]["samples"], when


def measured(name):
    if name not in rows:
        return missing(name)
    seen, points, when = last_look(name)
    above = seen["nll"] - published[name]["nll"]
    return (
        f"-L_{points} = {seen['nll']:.2f} +- {seen['standard_error']:.2f} {when}; "
        f"published {published[name]['nll']:.2f}, ours {above:+.2f}"
    )


def units(name):
    if name not in rows:
        return missing(name)
    seen, _, when = last_look(name)
    return f"{seen['active_units']:.0f}, {when}"


# %% [markdown]
# ## Two ways to spend k points
#
# The encoder gives $k$ points for a digit, each with its weight
# $w_i = p(x, z_i) / q(z_i \mid x)$. One can train by
#
# $$
# \text{VAE: } \frac1k \sum_{i=1}^k \log w_i
# \qquad\text{or}\qquad
# \text{IWAE: } \log \frac1k \sum_{i=1}^k w_i .
# $$
#
# The first has the ELBO as its mean for every $k$: more points only take noise out of the
# gradient. The second has the mean $L_k$, which is tighter. At $k = 1$ they are the same.
#
# **Predict before you run.** With $k = 50$ points instead of one: how many nats does each
# way gain?

# %% tags=["nbval-check-output"]
print("published      -log p   active units of 50")
for name, row in published.items():
    print(f"{name:12}{row['nll']:9.2f}{row['active_units']:13}")
for bound in ("vae", "iwae"):
    gain = published[f"{bound}-1"]["nll"] - published[f"{bound}-50"]["nll"]
    print(f"{bound}: 50 points gain {gain:.2f} nats over one")

# %% [markdown]
# **Answer.** Less noise gains little. The tighter bound gains about five times as much, and
# it does so with the same network. What differs is what is asked of $q$: the ELBO punishes
# each point that lands badly; $L_k$ forgives if one of $k$ lands well. The authors' reading is
# that the model need not be bent until its posterior is as simple as $q$. Their rows with more
# latent numbers in use fit that; they are single runs.
#
# A latent unit $u$ counts as **active** if its mean depends on the digit:
# $\mathrm{Var}_x(\mathbb E[u \mid x]) > 0.01$. A unit that is not active has $q$ equal to
# the prior, or nearly, and the decoder has learnt to ignore it.
#
# The figures are by Burda, Grosse and Salakhutdinov, for a network with two layers of 200 tanh units
# on each side. Every pixel is drawn anew as 0 or 1 whenever a digit is visited. The $-\log p$
# are $-L_{5000}$ of the test digits, so the truth is a little lower still.
#
# ## What was run here
#
# `tools/measure/iwae_table.py` trains the same network on the same kind of data. Three
# things are not the same: how many passes there are, the size of a batch, and the rate.

# %%
protocol = record["published_protocol"]
print("published: {passes} passes, batches of {batch}, rate {rate}".format(**protocol))
for name in published:
    print(f"{name:8} {training(name)}")

# %% [markdown]
# The rate falls in eight stages to a tenth of what it was, and the last of them has two thirds
# of all passes. So a row that has not come to its end has not had its slow stages, and must
# not be compared as if it had. The curves show how far each row got.

# %%
figure, axes = plt.subplots()
for (name, row), colour, marker in zip(rows.items(), COLOURS, "os^Dv"):
    bound = -np.array(row["training_bound"])
    axes.plot(np.arange(1, row["epochs"] + 1), bound, color=colour, linestyle="-")
    look = {"color": colour, "marker": marker, "linestyle": "none", "label": name}
    axes.plot(row["looks"]["epoch"], row["looks"]["nll"], **look)
    axes.axhline(published[name]["nll"], color=colour, linestyle="--", linewidth=1.5)
axes.text(0.55, 83.3, "published" if rows else "not run here yet", va="top")
axes.set(xscale="log", xlim=(0.5, 400), ylim=(80, 130))
axes.set(xlabel="passes over the digits", ylabel="nats an image")
if rows:
    axes.legend()
plt.show()

# %% [markdown]
# *Figure: a line for each row here, minus its own bound on the training digits, falling
# with the passes; marks, lower, are $-L_{500}$ on held-out digits. Dashed: the published
# $-\log p$ of the same row.*
#
# Line and marks differ for two reasons. The line is the bound that the row itself trains by, and
# the marks are tighter. And the line is of training digits, the marks are of held-out ones.
#
# ## How far did we get?
#
# A row that is finished is measured as published: 5,000 points for each of the 10,000 test
# digits. Of a row on its way there is the last look: 500 points for one digit in ten. The
# error is the standard error over digits.

# %%
for name in published:
    print(f"{name:8} {measured(name)}")

# %% tags=["proof"] jupyter={"source_hidden": true}
# @title Rows say themselves whether they are finished
for name, row in rows.items():
    assert len(row["training_bound"]) == row["epochs"] <= row["of_epochs"]
    assert (row["measured"] is None) or row["epochs"] == row["of_epochs"]
    assert (name in published, name) == (True, f"{row['bound']}-{row['k']}")
print("Checked: no row is called finished that is not.")

# %% [markdown]
# Two things to keep in mind. The standard error is that of *these* digits, which all rows
# share: two rows here differ by less noise than that. And one seed is one seed: reruns of this
# table by others differ by up to a nat.
#
# ## Active units

# %%
print("of 50:    published   here")
for name, row in published.items():
    print(f"{name:8} {row['active_units']:6}      {units(name)}")

# %% [markdown]
# A count on the way need not be the count at the end.
#
# ## Questions
#
# 1. *Easy, 5 minutes.* Why is the row `iwae-1` not run? Show that its gradient is that of
#    `vae-1`, point for point.
# 2. *Medium, 15 minutes.* $L_{5000}$ is a lower bound, too. For which of two models is it
#    looser: one with a good $q$, or one with a poor $q$? Can the order of two rows change
#    when each is measured with more points?
# 3. *Hard, an hour.* Train `vae-5` and `iwae-5` with `--share 0.02`. Does their order show that
#    early? By how many standard errors? (Why is it allowed to subtract digit by digit?)
#
# ## References
#
# - Y. Burda, R. Grosse and R. Salakhutdinov, *Importance Weighted Autoencoders*, 2016,
#   [arXiv:1509.00519](https://arxiv.org/abs/1509.00519), table 1.
# - What the tighter bound does to the gradients: [the page on
#   gradients](02_bounds.ipynb) of lesson 2.
