# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Project A: the best bound for five minutes
#
# Open in [Colab](https://colab.research.google.com/github/generative-models/executed/blob/v0.2.0/notebooks/projects/a_best_bound.ipynb) or on [Binder](https://mybinder.org/v2/gh/generative-models/executed/v0.2.0?urlpath=lab/tree/notebooks/projects/a_best_bound.ipynb).
#
# ## The question
#
# How much of $\log p(x)$ can 300,000 weights and five minutes of one processor buy? Every
# trick of lessons 1 to 4 is allowed, and each of them costs time or weights. Which ones
# are worth it?
#
# ## The data
#
# The shipped digits. Your training gets 10,000 of them as rows of 784 grey levels in
# $[0, 1]$, and a seed. New digits are drawn from grey levels once: each pixel is 1 with the
# probability of its grey level. How you draw yours, and how often, is up to you.
#
# ## What is to be reached
#
# Write `train_model(x, seed)`. It returns an `nn.Module` with two methods: `encode(x)`
# gives $\mu$ and $\log\sigma^2$, `(n, k)` each, and `decode(z)` gives logits `(n, 784)`.
# The prior is $\mathcal N(0, I)$ and the pixels are Bernoulli, so that the bound
#
# $$ L_{500} = \log \frac1{500}\sum_{j=1}^{500} \frac{p(x, z_j)}{q(z_j \mid x)} , \qquad z_j \sim q(z \mid x) $$
#
# of [lesson 3](../03_vae_pytorch.ipynb) is defined. The judge holds back 2,000 digits, calls
# your training once with the others, draws the latent points itself and computes $L_{500}$.
#
# - weights and buffers: at most **300,000**
# - processor time of a training, all threads together: at most **300 seconds**
# - mean $L_{500}$ of the new digits: at least **−102 nats**
#
# Report besides:
#
# 1. $L_1$, $L_{500}$ and the number of active latent dimensions, from **three seeds**, each
#    figure with its error;
# 2. **what each of your tricks is worth**: your training without it, at equal time, from the
#    same seeds, as differences with their errors. At least three tricks;
# 3. one that you expected to help and that did not.
#
# | yardstick | mean $L_{500}$ on new digits |
# |---|---|
# | these networks, plainly: one latent point, digits drawn once, constant steps, 20 epochs | −110.2 ± 0.5 (three seeds) |
# | Burda et al. (2016): 60,000 digits, more weights, 3,280 epochs | −86.8 |
#
# ## How it is marked
#
# | of 20 | for |
# |---|---|
# | 6 | the judge is content |
# | 4 | three seeds, both errors (that of digits, that of seeds), and which is which |
# | 6 | tricks taken away one at a time, at equal time, in pairs; no trick is credited for more than was measured |
# | 2 | a surprise, honestly told |
# | 2 | a figure that shows at one glance where the nats came from |

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
# PyTorch. Run this cell first.

# %%
import math

import matplotlib.pyplot as plt
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_utils.budget import budget
from course_utils.checks.projects.a_best_bound import (
    bounds,
    grey_digits,
    judge_best_bound,
)
from course_utils.figures.style import use_course_style
from course_utils.metrics.bounds import Estimate
from course_utils.records import read_result

use_course_style()
torch.set_num_threads(1)
digits = np.random.default_rng(0).permutation(grey_digits())
x, grey = digits[2_000:], digits[:2_000]
drawn = np.random.default_rng(1).random(grey.shape) < grey
new = torch.from_numpy(drawn.astype(np.float32))
print(f"{len(x):,} digits to learn from, {len(new):,} new ones")

# %% [markdown]
# ## 1. The training
#
# <details><summary>Hint</summary>
#
# Where do weights go? Two matrices of 784 rows hold most of them, so widths of 150 are
# what is left. And 10,000 digits are few: the gap between old and new digits is the first
# thing to look at.
#
# </details>


# %%
STEPS = budget(smoke=20, lecture=4_000, full=4_000)


# %% [markdown]
# Your training:


# %%
# BEGIN SOLUTION
class Model(nn.Module):
    """A VAE of two layers of 150 on each side, with 32 latent dimensions."""

    def __init__(self, latents: int = 32, width: int = 150) -> None:
        super().__init__()
        self.encoder = nn.Sequential(*layers(784, width), nn.Linear(width, 2 * latents))
        self.decoder = nn.Sequential(*layers(latents, width), nn.Linear(width, 784))

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        mu, logvar = self.encoder(x).chunk(2, dim=1)
        return mu, logvar

    def decode(self, z: Tensor) -> Tensor:
        return self.decoder(z)


def layers(inputs: int, width: int) -> list[nn.Module]:
    return [nn.Linear(inputs, width), nn.ELU(), nn.Linear(width, width), nn.ELU()]


def log_weights(model: Model, x: Tensor, points: int) -> Tensor:
    """log p(x, z) - log q(z given x) of some latent points a row: (points, n)."""
    mu, logvar = model.encode(x)
    epsilon = torch.randn(points, *mu.shape)
    z = mu + torch.exp(0.5 * logvar) * epsilon
    logits = model.decode(z.flatten(0, 1)).view(points, *x.shape)
    log_p = (x * logits - F.softplus(logits)).sum(-1)
    return log_p + 0.5 * (epsilon.square() + logvar - z.square()).sum(-1)


def trained(
    x: np.ndarray,
    seed: int,
    steps: int,
    points: int = 5,
    draws_anew: bool = True,
    falls: bool = True,
) -> Model:
    """Maximize the importance-weighted bound of some points on digits drawn anew."""
    torch.manual_seed(seed)
    model, data = Model(), torch.from_numpy(x)
    data = data if draws_anew else torch.bernoulli(data)
    optimizer = torch.optim.Adam(model.parameters(), 3e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for _ in range(steps):
        batch = torch.bernoulli(data[torch.randint(len(data), (128,))])
        log_w = log_weights(model, batch, points)
        loss = -(log_w.logsumexp(0) - math.log(points)).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if falls:
            schedule.step()
    return model


# END SOLUTION
def train_model(x, seed):
    """x (n, 784), grey levels -> an nn.Module with `encode` and `decode`."""
    # BEGIN SOLUTION
    return trained(x, seed, STEPS)
    # STUB return ...
    # END SOLUTION


# %% [markdown]
# ## 2. What it reaches
#
# Train once, and look at $L_{500}$ of old and of new digits. `bounds` of the judge gives it.

# %%
# BEGIN SOLUTION
model = train_model(x, 0)
generator = torch.Generator().manual_seed(2)
some = budget(smoke=20, lecture=1_000, full=2_000)
old = torch.bernoulli(torch.from_numpy(x[:some]), generator=generator)
for words, rows in (("old", old), ("new", new[:some])):
    L_500 = Estimate.of(bounds(model, model, rows, generator))
    print(f"{words} digits: L_500 {L_500} nats")
# STUB ...
# END SOLUTION

# %% [markdown]
# ## 3. What each trick is worth
#
# Take one trick away at a time. Same seeds, same digits, equal time.

# %%
# BEGIN SOLUTION
# Three seeds of five trainings take a quarter of an hour: a tool has run them.
trainings = read_result("project_a")["trainings"]
table = {
    name: np.array([one["nats"] for one in runs.values()])
    for name, runs in trainings.items()
}
whole, plain = table.pop("the whole recipe"), table.pop("plain")
print(f"plain: {Estimate.of(plain)} nats")
print(f"the whole recipe: {Estimate.of(whole)} nats (error of {len(whole)} seeds)")
for place, (name, nats) in enumerate(table.items()):
    change = Estimate.of(nats - whole)
    print(f"{name}: {change} nats")
    plt.errorbar(change.mean, place, xerr=change.standard_error, fmt="o", capsize=6)
plt.axvline(0, color="black", linestyle="--")
plt.yticks(range(len(table)), table)
plt.gca().set(
    xlabel="change of $L_{500}$ (nats a digit)", ylim=(-0.5, len(table) - 0.5)
)
plt.show()
# STUB ...
# END SOLUTION

# %% [markdown] tags=["solution"]
# *Figure: three dots with error bars of three seeds, and a dashed line at zero. "digits drawn
# once" lies about one and a half nats below zero, far outside its bar. The other two lie
# within half a nat of zero.*
#
# **What was learnt.** Drawing the pixels anew at each visit is worth about one and a half
# nats: 10,000 digits are few, and grey levels hold more than one drawing of each. Five latent
# points a digit, in place of one with twice the steps, bring two tenths of a nat, twice their
# error. Falling steps are worth nothing that three seeds could show. The plain training is more
# than ten nats behind the whole recipe, so most of that comes from what was not taken away
# here: two and a half times as many steps. *This was the surprise*: the tighter bound was
# expected to be the trick that counts.
#
# **Common wrong answers.** A trick is credited with the whole way from plain to best. Errors of
# digits are quoted for a difference of two trainings on the same digits, which hides it.
# The best of several seeds is reported. A trick is taken away and the time it took is not
# given back.

# %% [markdown]
# ## 4. The judge

# %%
# BEGIN SOLUTION
if budget(smoke=False, lecture=True, full=True):  # twenty steps would not reach it
    judge_best_bound(train_model)
# STUB judge_best_bound(train_model)
# END SOLUTION
