# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Your own data
#
# Open in [Colab](https://colab.research.google.com/github/generative-models/executed/blob/v0.2.0/notebooks/your_own_data.ipynb) or on [Binder](https://mybinder.org/v2/gh/generative-models/executed/v0.2.0?urlpath=lab/tree/notebooks/your_own_data.ipynb).
#
# Does a VAE know your data better than a formula from a textbook? This page trains one on
# your images or rows and answers in nats, in pictures and in words. The terms are those of
# [lesson 3](03_vae_pytorch.ipynb).

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
    os.chdir(f"{course}/notebooks")
    if importlib.util.find_spec("course_utils") is None:
        install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"]
        subprocess.run([*install, course], check=True)
        importlib.invalidate_caches()

# %% tags=["setup"] jupyter={"source_hidden": true}
# @title Set-up: libraries, the course's package, an example's folder
import math
import tempfile
from pathlib import Path

import numpy as np
import torch

from course_utils.budget import budget
from course_utils.checks.pulse_laws import Law
from course_utils.data.your_data import read_data
from course_utils.figures.histories import history_curves
from course_utils.figures.style import use_course_style
from course_utils.figures.your_data import latent_plane, leads, portraits
from course_utils.metrics.bounds import Estimate
from course_utils.metrics.verdicts import Findings, verdicts
from course_utils.metrics.yardsticks import yardsticks
from course_utils.pytorch.device import pick_device, seed_everything, to_numpy
from course_utils.pytorch.likelihoods import BernoulliPixels, GaussianColumns
from course_utils.pytorch.training import evaluate_vae, train_vae
from course_utils.pytorch.vae import MLPVAE

use_course_style()
examples = tempfile.TemporaryDirectory()  # gone when the notebook is closed

# %% [markdown]
# ## Name your file
#
# This is the one cell to change. Your file lies beside this notebook, or you name its
# path. It may be `.npy`, `.npz`, a table (`.csv`, `.txt`, `.tsv`, `.dat`) or HDF5 (`.h5`).
# Then choose *Run All*. A mistake in the file ends in one sentence that says what to do.

# %%
FILE = None  # "my_spectra.csv"; None is the example below
KEY = None  # "x_train": which array of an .npz or .h5 file
SHAPE = None  # (28, 28): if each row of a table is an image
LEAVE_OUT = []  # ["time", "label"] or [0, 5]: columns of a table that are no data

LATENT = 4  # numbers in z
HIDDEN = 128  # units in each of the two hidden layers
STEPS = budget(smoke=40, lecture=8_000, full=40_000)  # of training, 128 rows each
POINTS = budget(smoke=5, lecture=500, full=5_000)  # latent points a row in the bound
SEED = 0

# %% [markdown]
# ## The example
#
# Without a file of yours we make one: pulses of a detector, 16 samples each. Height, rise
# and start differ from pulse to pulse. So three numbers say nearly all of a pulse, but the
# samples depend on them through curves. Each sample has a noise of 0.8 mV. The pulses go
# into a table, and the page reads it as it would read yours.

# %%
law = Law(unit=40.0, decay=1.2, power=0.4)  # mV, samples, a power of the height
file = FILE
if file is None:
    pulses = law.draw(np.random.default_rng(SEED), 4_000)[:, 0]  # (4000, 16)
    file = Path(examples.name) / "pulses.csv"
    names = ",".join(f"sample {i}" for i in range(16))
    np.savetxt(file, pulses, fmt="%.4f", delimiter=",", header=names, comments="")

# %% [markdown]
# ## What is in the file?
#
# Read these lines. If they surprise you, the file is not what you think it is.

# %%
data = read_data(file, KEY, SHAPE, LEAVE_OUT, SEED)
print(data)

# %% [markdown]
# The rows are now put in a random order and divided. The model learns from 70 %. Another
# 15 % are *watched*: they say when to stop. The last 15 % are *held out*: they are looked
# at once, at the end.
#
# If rows were taken one after the other and neighbours are alike (frames of a film, events
# of one run), a random order puts near copies on both sides. Then all figures below are
# too good. Judge on another run instead.

# %%
train, watched, held_out = data.split(SEED)
print(f"{len(train):,} rows to learn from, {len(watched):,} watched, ", end="")
print(f"{len(held_out):,} held out")
portraits({"some of the data": data.whole(train[:400])}, data.columns)

# %% [markdown]
# *Figure: some rows of the training part; images are tiles, long rows curves, short rows
# points in the plane of two columns.*
#
# ## Units
#
# A network likes numbers near 1. It sees $u = (x - m) / s$, with the mean $m$ and the
# spread $s$ of each column in the training part. Pixels of an image share one spread. A
# density has a unit, so this changes it:
#
# $$\log p(x) = \log p(u) - \sum_j \log s_j .$$
#
# The last term is the same for all models. We add it everywhere, so that all figures are
# in **your** units. Their size then depends on the unit, mV or V; differences do not. Rows
# of 0 and 1 stay as they are and have probabilities, not densities.

# %%
units = data.units(train)
u_train, u_watched, u_held_out = map(units.into, (train, watched, held_out))
print(f"log p(x) - log p(u) = {units.log_jacobian:.2f} nats")

# %% [markdown]
# ## The model
#
# The likelihood must fit the data. For numbers 0 and 1 it is **Bernoulli**, and the decoder
# gives logits. For all others it is **Gaussian**: the decoder gives the mean of each column,
# and the width of each column is learnt with it,
#
# $$\log p(u \mid z) = -\sum_j \left[ \frac{(u_j - \mu_j(z))^2}{2\sigma_j^2}
# + \log \sigma_j + \tfrac12 \log 2\pi \right].$$
#
# No width may be below one hundredth of the spread, for the VAE and for all yardsticks; for
# pixels it is a twentieth. If one column follows from others, a density without such a floor
# has no limit. And a pixel that was always black so far would make the first bright one
# cost thousands of nats.

# %%
FLOOR = 0.05 if data.are_images else 0.01  # of the spread
width = train.shape[1]
epochs = math.ceil(STEPS / math.ceil(len(train) / 128))


def new_model():
    seed_everything(SEED)
    likelihood = BernoulliPixels() if data.binary else GaussianColumns(width, FLOOR)
    hidden = (HIDDEN, HIDDEN)
    return MLPVAE(likelihood, LATENT, hidden, hidden, (width,)).to(pick_device())


model = new_model()
history = train_vae(model, u_train, epochs, SEED, test_images=u_watched)

# %% [markdown]
# ## When to stop?
#
# The watched rows say after which epoch the model was best for rows that it does not know.
# The same seed gives the same training, so we train anew and stop there.

# %%
test_elbo = np.array(history["test_elbo"])
best = int(test_elbo.argmax()) + 1
print(f"the watched rows are best after epoch {best} of {epochs}")
if best < epochs:
    model = new_model()
    train_vae(model, u_train, best, SEED)
history_curves(history, ["elbo", "kl"], ylabel="nats a row, of u")

# %% [markdown]
# *Figure: the ELBO and its KL term against epochs, for the rows of training and for the
# watched rows, which the legend calls held out. If their curve falls while the other rises,
# the model is overfitting.*
#
# ## Pictures
#
# For each held-out row the encoder gives the middle of $q(z \mid x)$, and the decoder the
# mean row for it. New rows come from the prior: draw $z$, then draw the row from the
# likelihood, noise and all. Real data have their noise, too.

# %%
x = torch.tensor(u_held_out, device=pick_device())
generator = torch.Generator().manual_seed(SEED)
with torch.inference_mode():
    mu, logvar = model.encoder(x)
    again = model.likelihood.mean(model.decoder(mu))
    z = torch.randn((len(x), LATENT), generator=generator).to(x)
    new = model.likelihood.mean(model.decoder(z))
    if not data.binary:
        noise = torch.randn(new.shape, generator=generator).to(x)
        new = new + model.likelihood.sigma * noise
    else:
        new = torch.bernoulli(new.cpu(), generator=generator)

rows = {"held out": x, "from their z": again, "drawn from the model": new}
rows = {name: data.whole(units.back(to_numpy(some))) for name, some in rows.items()}
portraits(rows, data.columns)

# %% [markdown]
# *Figure: left, held-out rows; middle, the same rows after encoder and decoder, where
# noise is gone; right, rows that the model invents. They should look like those at the
# left.*
#
# How much does each latent number carry? Its KL says so, in nats. The two that carry most
# make a plane.

# %%
kls = 0.5 * (mu.square() + logvar.exp() - 1 - logvar).mean(0)
kls = to_numpy(kls).astype(float)
print("nats in each latent number:", kls.round(2))
latent_plane(to_numpy(mu), kls, u_held_out.mean(axis=1))

# %% [markdown]
# *Figure: each held-out row at the mean of its q(z given x), in the plane of the two
# latent numbers that carry most; the colour is the mean of u over the row. Dashed circles at
# 1 and 2 show where the prior has its mass.*
#
# ## The judgement
#
# Two lower bounds on $\log p(x)$ of the held-out rows: the ELBO, and the importance-weighted
# bound, which is tighter. The errors are those of a mean over so many rows.

# %%
jacobian = units.log_jacobian
own = evaluate_vae(model, u_train, samples=5, seed=SEED)
found = evaluate_vae(model, u_held_out, samples=POINTS, seed=SEED)
bound = found.bounds[max(found.bounds)] + jacobian
elbo = Estimate(found.elbo.mean + jacobian, found.elbo.standard_error)
train_elbo = Estimate(own.elbo.mean + jacobian, own.elbo.standard_error)
print(f"VAE, ELBO                    {elbo}")
print(f"VAE, bound with {max(found.bounds):>5} points {Estimate.of(bound)}")

# %% [markdown]
# The yardsticks are closed forms, fitted to the same rows and exact:
#
# - for numbers 0 and 1: **independent bits**, each with its own probability;
# - **independent normals**, one a column;
# - **one normal** density with all correlations, if there are more rows than columns;
# - **principal axes**: probabilistic PCA with as many latent numbers as the VAE. This is the
#   best VAE with a *linear* decoder and one width for all of $u$. A VAE that loses to it may
#   have been trained too little, or on too few rows.
#
# They are fitted by maximum likelihood, so they overfit, too, where rows are few and columns
# many. A VAE that was stopped early may then beat them even on pure noise. Look at the
# pictures: does it draw what you know?

# %%
settings = {"binary": data.binary, "latent_dim": LATENT, "floor": FLOOR}
others = yardsticks(u_train, u_held_out, **settings)
others = {name: values + jacobian for name, values in others.items()}
for name, values in others.items():
    print(f"{name:28} {Estimate.of(values)}")

# %% [markdown]
# All models judge the same rows. Some rows are hard for every model, so the errors above
# say little about a difference. Subtract row by row, and then take the mean.

# %%
findings = Findings(bound, others, kls, elbo, train_elbo, test_elbo, best)
yardstick = findings.best_yardstick
models = {f"VAE, {max(found.bounds)} points": bound, **others}
differences = {
    name: Estimate.of(values - others[yardstick]) for name, values in models.items()
}
leads(differences, yardstick)

# %% [markdown]
# *Figure: how far each model is above the best yardstick on the held-out rows, in nats a
# row, with two standard errors each way. The VAE's mark is a lower bound: the model may be
# better than that.*
#
# ## The verdict
#
# A difference counts if it is larger than two standard errors, or a little more where few
# rows are held out. These errors come from the choice of held-out rows alone. Another seed
# would give another training: before you publish, change `SEED` and look again.

# %%
for sentence in verdicts(findings):
    print(f"- {sentence}\n")

# %% [markdown]
# For the example we know more. Its noise alone forbids a density above
# $-16 \, (\log \sigma + \tfrac12 \log 2 \pi e)$ on average, with $\sigma = 0.8$ mV: whoever
# knows height, rise and start of each pulse reaches this, and knowing less costs nats. And
# the widths that the VAE has learnt should be this noise.

# %%
if FILE is None:
    sigma = 0.02 * law.unit  # mV
    most = -16 * (math.log(sigma) + 0.5 * math.log(2 * math.pi * math.e))
    print(f"nobody gets above {most:.2f}; the VAE has {Estimate.of(bound)}")
    widths = to_numpy(model.likelihood.sigma) * units.spread
    print(f"noise {sigma:.2f} mV; learnt widths from {widths.min():.2f} ", end="")
    print(f"to {widths.max():.2f} mV, {np.median(widths):.2f} in the middle")

# %% [markdown]
# ## If the verdict is bad
#
# | it says | try |
# |---|---|
# | OVERFITTING | `HIDDEN = 32`, a smaller `LATENT`, more rows |
# | more steps may help | more `STEPS` |
# | COLLAPSED | another `SEED`, more `STEPS`; or there is nothing common to find |
# | all latent numbers are used | a larger `LATENT` |
# | EQUAL | the yardstick: it is simpler |
# | NOT BETTER | the yardstick, too; look whether columns span decades, and take logarithms |
# | TOO FEW ROWS | the yardstick, until there are more |
#
# Each try looks at the held-out rows again, and the best of many tries looks better than it
# is. Choose by the watched rows, and open a file of fresh rows for the last word.
