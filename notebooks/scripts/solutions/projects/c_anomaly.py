# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Project C: is the efficiency real?
#
# Open in [Colab](https://colab.research.google.com/github/generative-models/executed/blob/v0.2.0/notebooks/projects/c_anomaly.ipynb) or on [Binder](https://mybinder.org/v2/gh/generative-models/executed/v0.2.0?urlpath=lab/tree/notebooks/projects/c_anomaly.ipynb).
#
# *A project takes some hours. You need lessons 1 and 3: what an ELBO is, and what a VAE
# learns. It is marked by a judge and by a reader; the rubric stands below.*
#
# ## The question
#
# Somebody looks for a new neutral particle. It flies some way into a calorimeter before it
# showers; an electron showers at once. A VAE has learnt how showers of electrons look, and
# what it finds unlikely is called an anomaly. The analysis quotes an **efficiency**, the share
# of the signal that is found while one electron in a hundred is called an anomaly by mistake.
#
# You are the referee. **Is the efficiency real?** Most of these analyses have one fault, which
# nobody confesses. Write a program that names it, and that gives the efficiency without it.

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

from course_utils.budget import budget
from course_utils.checks.projects.c_anomaly import (
    FAULTS,
    Analysis,
    analyse,
    judge_audit,
    planted,
)
from course_utils.figures.style import use_course_style

use_course_style()
shown = budget(smoke=1, lecture=12, full=12)

# %% [markdown]
# ## The data
#
# Showers of 20 GeV come from the course's own generator: a block of lead, read out in twelve
# layers of two radiation lengths, with an error of 10 % over root E. There are four samples:
#
# | sample | what it is | for what |
# |---|---|---|
# | `training` | 2,000 electrons | the VAE learns from them |
# | `control` | 2,000 electrons | the cut is set on them |
# | `test` | 300 electrons | to look at in the end |
# | `signal` | 400 simulated particles | the efficiency |
#
# Each event has **thirteen channels**: the twelve layers and a spare one, which has no
# detector. Its offset is wrong in the simulation. Each sample was taken in a run of its own,
# and in each run a channel has another gain (counts per GeV). How far the particle flies is
# drawn anew for each analysis, so no two have the same efficiency.
#
# ## What an analysis should do
#
# 1. Divide the counts of each sample by the gains of *its* run.
# 2. Subtract the mean of the training sample's energies, and divide by their standard
#    deviation, channel by channel. Keep the twelve layers.
# 3. Train the VAE on the training sample. It has two latent numbers (a shower has two: where
#    it is deepest, and its shape) and a linear decoder. For such a VAE the best weights are
#    known in closed form, and at them the ELBO is the evidence itself (lesson 1).
# 4. The score of an event is $-\log p(x)$. The cut is the score that one in a hundred events
#    of the **control** sample exceeds.
# 5. The efficiency is the share $p$ of the $n$ signal events above the cut. Its error is
#    $\sqrt{p(1-p)/n}$.
#
# `analyse(gains, runs, counts)` does all five as it should. You may use it. `help(Analysis)`
# says what an analysis shows of itself.

# %%
analysis, truth = planted("none", seed=0)
print(f"quoted: {analysis.efficiency:.3f} +- {analysis.error:.3f}")
print(f"true:   {truth:.3f}")
print("the control sample:", analysis.counts["control"].shape, "in run", end=" ")
print(analysis.runs["control"], "of", len(analysis.gains))

# %% [markdown]
# ## The faults
#
# There are seven verdicts. `planted(fault, seed)` plants one, and gives you the analysis and
# the true efficiency: the share of 5,000 new signal events above the cut of the *mended*
# analysis. (That the cut is known from 2,000 events only is left out of the question.)

# %%
for name, words in FAULTS.items():
    print(f"{name:14} {words}")

# %% [markdown]
# How far off does each fault put the efficiency? Twelve analyses each:

# %%
for place, fault in enumerate(FAULTS):
    pairs = [planted(fault, seed) for seed in range(shown)]
    off = [analysis.efficiency - truth for analysis, truth in pairs]
    plt.plot(np.full(shown, place), off, "o", alpha=0.5)
plt.axhline(0, color="black", linewidth=1)
plt.xticks(
    range(len(FAULTS)), [name.replace(" ", "\n") for name in FAULTS], rotation=30
)
plt.ylabel("quoted - true efficiency")
plt.show()

# %% [markdown]
# *Figure: quoted less true efficiency, a column of dots for each verdict. Without a fault they
# scatter by a few hundredths around zero, and with "normalization" no more. "cut" and "copies"
# scatter two or three times as widely, and "calibration" most of all. "spare channel" lies
# about 0.2 above zero, "leak" about 0.15 below.*
#
# Some faults cannot be seen in the efficiency. They have to be looked for where they are made.
#
# ## What is to be reached
#
# The judge plants 56 faults, eight of each verdict, in an order and with numbers that nobody
# has seen. Your `audit` gets one analysis at a time.
#
# - **Names**: at least 54 of 56 are right. (To trust every analysis gives 8.)
# - **Numbers**: $(\text{your efficiency} - \text{truth})/\text{your error}$ has a root mean
#   square near 1 over all 56, and a mean near 0. So the errors must be honest: neither too
#   small nor too large.
#
# The course's own program names all 56, and the judge takes some seconds.
#
# ## How it is marked
#
# | part | points |
# |---|---|
# | the judge accepts the names | 4 |
# | the judge accepts efficiencies and errors | 3 |
# | the report, half a page: for each fault, in which direction does it push the efficiency, and why? | 2 |
# | the report: which fault would your audit overlook that is none of the six? | 1 |
#
# <details><summary>Hint</summary>
#
# Ask one question for each fault, of what the *analysis itself* made in the step before, so
# that a fault early on does not look like a later one. `analysis.score` is a function: what
# does it answer if you change one channel? The same event, read in two runs, has different
# counts. What is the same?
#
# </details>
#
# ## Your audit

# %% [markdown] tags=["solution"]
# The course's own needs what the analysis should have had, and six questions.


# %% tags=["solution"]
def cleaned(analysis):
    """Energies, and counts without events that should not be there."""
    runs, gains = analysis.runs, analysis.gains
    energies = {name: c / gains[runs[name]] for name, c in analysis.counts.items()}
    rows = {name: np.round(e, 6) for name, e in energies.items()}  # but for rounding
    _, first = np.unique(rows["signal"], axis=0, return_index=True)
    signal = set(map(tuple, rows["signal"]))
    foreign = np.array([tuple(row) in signal for row in rows["training"]])
    counts = dict(analysis.counts)
    counts["training"] = counts["training"][~foreign]
    counts["signal"] = counts["signal"][first]
    return energies, counts


def questions(analysis, energies, counts):
    """Each fault's name, and whether it is there."""
    own, score = analysis.energies, analysis.score
    other = own["test"] + np.eye(13)[12]  # one GeV more in the spare channel
    right_cut = np.quantile(score(own["control"]), 0.99)
    before, after = analysis.counts, counts
    return [
        ("calibration", not all(np.allclose(own[n], energies[n]) for n in own)),
        ("normalization", not np.allclose(analysis.mean, own["training"].mean(0))),
        ("spare channel", not np.allclose(score(other), score(own["test"]))),
        ("cut", not np.isclose(analysis.cut, right_cut)),
        ("leak", len(after["training"]) < len(before["training"])),
        ("copies", len(after["signal"]) < len(before["signal"])),
    ]


# %% [markdown]
# The judge calls this function:


# %%
def audit(analysis: Analysis) -> tuple[str, float, float]:
    """An analysis -> a name of `FAULTS`, the efficiency without it, and its error."""
    # BEGIN SOLUTION
    energies, counts = cleaned(analysis)
    right = analyse(analysis.gains, analysis.runs, counts)
    found = [name for name, is_so in questions(analysis, energies, counts) if is_so]
    assert len(found) < 2, "one fault should not look like another"
    return found[0] if found else "none", right.efficiency, right.error
    # END SOLUTION


# %% [markdown]
# The judge:

# %%
judge_audit(audit)

# %% [markdown]
# ## Your report
#
# *Half a page, in a cell below this one.*

# %% [markdown] tags=["solution"]
# **What a full answer names.**
#
# - *calibration*: either direction. With wrong gains the signal looks odd and too much is
#   found, or the control sample looks odd, the cut moves up and too little is found.
# - *normalization*: hardly any. The signal makes spreads a little wider. It is a fault all the
#   same: the signal has been looked at before the cut was set.
# - *spare channel*: up. The VAE tells simulation from data, not particle from electron. In data
#   the particle would have the electrons' offset.
# - *cut*: no direction, but it scatters more than its error says, since three events
#   of 300 set the cut. The false alarms of the test sample come out as 1 % by construction.
# - *leak*: down. The VAE has learnt the anomaly, so it finds it likely.
# - *copies*: no direction. There are fewer events than it seems, so the error is too small.
#
# **One that is overlooked**: other signal events in the training sample than those whose
# efficiency is quoted; a generator that is wrong for all samples; a cut or a number of latents
# that was chosen after looking at the signal, since the result of that choice looks like any
# other. One is enough, with the reason why no question above answers to it.
#
# **Common wrong answers**: to take the leaked events out of the signal sample instead of the
# training sample (the VAE still knows them); to compare the analysis with a right one from
# the beginning, so that wrong gains also make "mean", "cut" and "score" wrong; an error from
# 600 events of which 200 are copies; "no effect on the efficiency, so no fault".
