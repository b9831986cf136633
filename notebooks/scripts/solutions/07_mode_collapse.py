# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Exercises on lesson 7: mode collapse, measured
#
# Open in [Colab](https://colab.research.google.com/github/generative-models/executed/blob/v0.2.0/notebooks/exercises/07_mode_collapse.ipynb) or on [Binder](https://mybinder.org/v2/gh/generative-models/executed/v0.2.0?urlpath=lab/tree/notebooks/exercises/07_mode_collapse.ipynb).
#
# [Lesson 7](../07_mode_collapse.ipynb) has what you need. Fill in each cell and run it; its
# last line checks your answer with fresh random inputs and says what is not right yet. The
# ruler works on NumPy arrays, the remedies on PyTorch's tensors.

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
    os.chdir(f"{course}/notebooks/exercises")
    if importlib.util.find_spec("course_utils") is None:
        install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"]
        subprocess.run([*install, course], check=True)
        importlib.invalidate_caches()

# %% [markdown]
# Run these two cells first.

# %%
import copy

import matplotlib.pyplot as plt
import numpy as np
import torch
import torch.nn.functional as F
from scipy import stats
from scipy.special import xlogy
from torch import nn

from course_utils.checks import mode_collapse
from course_utils.checks.progress import solved
from course_utils.data.mixtures import ring_of_gaussians
from course_utils.figures.style import use_course_style

use_course_style()

# %% [markdown]
# One check for each exercise:

# %%
from course_utils.checks.mode_collapse import (
    check_cover,
    check_coverage,
    check_dimensions,
    check_penalty_between,
    check_reverse_kl,
    check_running_mean,
    check_samples_to_see,
)

# %% [markdown]
# ## 1. How even are the shares? (easy, 10 minutes)
#
# A sampler has put `counts[k]` samples on mode $k$, for each of $K$ modes; some modes may be
# empty. With $s_k$ the shares of the modes, return the reverse KL from the shares to equal
# shares,
#
# $$ \sum_k s_k \log (K s_k), $$
#
# in nats.
#
# <details><summary>Hint</summary>
#
# Shares add up to 1; counts do not. As $s \to 0$, $s \log s \to 0$, but the computer says
# `nan`: leave empty modes out of the sum (not out of $K$), or use `xlogy(s, s)`, which knows
# that limit.
#
# </details>


# %%
def reverse_kl(counts: np.ndarray) -> float:
    """counts (K,), not all of them zero -> nats."""
    # BEGIN SOLUTION
    shares = counts / counts.sum()
    return np.log(len(counts)) + xlogy(shares, shares).sum()
    # END SOLUTION


check_reverse_kl(reverse_kl)

# %% [markdown]
# ## 2. Found, and of high quality (easy, 15 minutes)
#
# Give each sample in the plane to its **nearest** mode. It has high quality if it lies within
# $3\sigma$ of that mode. Return how many modes have at least one sample of high quality, and
# the share of all samples that have it.
#
# <details><summary>Hint</summary>
#
# `samples[:, None] - modes` has the shape `(n, K, 2)`. What becomes of it by
# `np.linalg.norm(..., axis=2)`? Then `min` says how near, and `argmin` which mode.
#
# </details>


# %%
def coverage(samples: np.ndarray, modes: np.ndarray, sigma: float) -> tuple[int, float]:
    """samples (n, 2), modes (K, 2) -> modes found, share of high quality."""
    # BEGIN SOLUTION
    distances = np.linalg.norm(samples[:, None] - modes, axis=2)
    good = distances.min(axis=1) < 3 * sigma
    found = np.unique(distances.argmin(axis=1)[good])
    return len(found), good.mean()
    # END SOLUTION


check_coverage(coverage)

# %% [markdown]
# ## 3. Three sigma in more dimensions (medium, 15 minutes)
#
# In the plane a perfect sampler has 98.9 % of its samples within $3\sigma$ of their mode.
# Someone carries the rule over to data of $d$ dimensions, with round normal modes of the
# width $\sigma$ in each. What is the smallest $d$ in which **fewer than half** of a perfect
# sampler's samples are of high quality?
#
# <details><summary>Hint</summary>
#
# The squared distance from the mode, over $\sigma^2$, is a sum of $d$ squares of standard
# normal numbers. Draw such sums, or look for the law of that sum in `scipy.stats`.
#
# </details>

# %%
# BEGIN SOLUTION
d = np.arange(1, 31)
share = stats.chi2.cdf(3**2, d)  # of a squared distance below 9 sigma^2
dimensions = d[share < 0.5][0]
# STUB dimensions = ...
# END SOLUTION

check_dimensions(dimensions)

# %% [markdown] tags=["solution"]
# The typical squared distance is $d\sigma^2$, so beyond nine dimensions most samples lie
# further out than $3\sigma$; among images of 784 pixels there is hardly one that does not.
# Close to the middle of a mode is not where its samples are.

# %% [markdown]
# ## 4. A running mean (medium, 20 minutes)
#
# `train(generator)` moves the weights of the generator by one step, in place. Call it `steps`
# times, and carry a running mean of the weights along: it starts as the weights before the
# first step, and after each step
#
# $$ \bar\theta \leftarrow \text{decay} \cdot \bar\theta + (1 - \text{decay}) \cdot \theta . $$
#
# Return a network of the generator's kind with the weights $\bar\theta$. The generator itself is
# to be left as it was trained.
#
# <details><summary>Hint</summary>
#
# `mean = generator` gives one network two names; `copy.deepcopy` makes a second one. Walk
# through both with `zip(mean.parameters(), generator.parameters())` and change the tensors
# themselves (`mul_`, `add_`, `lerp_`, `copy_`), under `torch.no_grad()`: autograd does not
# allow it otherwise.
#
# </details>


# %%
def running_mean(generator: nn.Module, train, steps: int, decay: float) -> nn.Module:
    """A network and how to train it -> another one, with the mean of the weights."""
    # BEGIN SOLUTION
    mean = copy.deepcopy(generator)
    for _ in range(steps):
        train(generator)
        with torch.no_grad():
            for m, weights in zip(mean.parameters(), generator.parameters()):
                m.mul_(decay).add_((1 - decay) * weights)
    return mean
    # END SOLUTION


check_running_mean(running_mean)

# %% [markdown] tags=["solution"]
# A network with batch normalization has more than parameters: its running statistics are
# *buffers*. They belong to the mean as well, or the averaged network normalizes with what
# was true at the start. The course's `averaged` takes them along.

# %% [markdown]
# ## 5. Another penalty, between the heaps (medium, 20 minutes)
#
# The Wasserstein GAN wants slopes of length 1, on the way from real samples to fakes. Its usual
# penalty looks at one point in between for each pair. Row $i$ of `real` and of `fake` are the
# ends of a line; the point $x_i$ is the share $t_i$ of the way from the real end to the fake one.
# Return
#
# $$ \frac1n \sum_{i=1}^n \left( \lVert \nabla_x\, \ell(x_i) \rVert - 1 \right)^2 , $$
#
# for points, images or samples of any other shape. A length runs over all coordinates of one
# sample. The
# discriminator treats each sample by itself and returns logits `(n, 1)`. It is going to be
# trained with this penalty: the penalty's own gradient in the weights must be right, too.
# (`real` and `fake` have no gradients to ask for. Leave the `.grad` of the weights alone: somebody
# may need what lies there.)
#
# <details><summary>Hint</summary>
#
# `torch.autograd.grad` wants one number to differentiate: which sum of the logits has, as its
# gradient in row $i$ of `x`, the slope of logit $i$? It forgets how it came to the gradient,
# unless you tell it not to. And `x` has to be a tensor in which one can differentiate. For
# images, `t` needs the shape `(n, 1, 1, 1)` first.
#
# </details>


# %%
def penalty_between(
    discriminator: nn.Module, real: torch.Tensor, fake: torch.Tensor, t: torch.Tensor
) -> torch.Tensor:
    """real and fake (n, ...), t (n,) -> one number, to train the weights through."""
    # BEGIN SOLUTION
    t = t.reshape(-1, *[1] * (real.dim() - 1))
    x = (real + t * (fake - real)).requires_grad_()
    (slopes,) = torch.autograd.grad(discriminator(x).sum(), x, create_graph=True)
    return (slopes.flatten(1).norm(dim=1) - 1).square().mean()
    # END SOLUTION


check_penalty_between(penalty_between)

# %% [markdown] tags=["solution"]
# With `create_graph=False` the number is the same, and the discriminator never feels it. No
# loss curve tells you: the penalty is added, printed and without effect.

# %% [markdown]
# ## 6. Are 2,500 samples enough? (hard, 30 minutes)
#
# Eight modes are to be drawn equally often. A sampler draws one of them 1.2 times as often as each of the others, and
# is perfect otherwise. Endless samples would show its reverse KL, a small number $\kappa$.
# With $n$ samples a *perfect* sampler shows its noise floor, give or take a standard
# deviation, and this one stands about $\kappa$ higher. For which $n$ is $\kappa$ **three** of
# these standard deviations? Put $n$ in, to five percent. Was the lesson's 2,500 enough to see
# the fault?
#
# <details><summary>Hint</summary>
#
# Exercise 1 gives $\kappa$ from the weights 1.2, 1, 1, ... The noise: for a perfect sampler
# $2n\,\mathrm{KL}$ is close to a chi-squared variable with $K - 1$ degrees of freedom ([the page
# about the ruler](../deeper/07_ruler.ipynb)), and one with $f$ degrees has the variance $2f$.
# Or draw: `rng.multinomial(n, [1 / 8] * 8)` are the counts
# of a perfect sampler.
#
# </details>

# %%
# BEGIN SOLUTION
weights = np.array([1.2, 1, 1, 1, 1, 1, 1, 1])
shares = weights / weights.sum()
kappa = np.log(8) + xlogy(shares, shares).sum()
n = 3 * np.sqrt(2 * 7) / (2 * kappa)
rng = np.random.default_rng(0)
for name, drawn in {"perfect": np.full(8, 1 / 8), "favourite": shares}.items():
    s = rng.multinomial(2_500, drawn, size=5_000) / 2_500
    kl = np.log(8) + xlogy(s, s).sum(axis=1)
    plt.hist(kl, np.linspace(0, 0.01, 60), histtype="step", linewidth=2, label=name)
plt.axvline(3.5 / 2_500 + kappa, color="black", linestyle=":")
plt.xlabel("reverse KL of 2,500 samples (nats)")
plt.ylabel("runs of 5,000")
plt.legend()
plt.show()
# STUB n = ...
# END SOLUTION

check_samples_to_see(n)

# %% [markdown] tags=["solution"]
# *Figure: two histograms of the reverse KL that 2,500 samples show. The perfect sampler's
# is narrow and lies near 0.001; the other's is wider and further right, and both overlap. A
# dotted line marks the second one's mean, near 0.0034.*
#
# The answer is about 2,820. So at 2,500 samples a mode that comes a fifth too often is
# just at the edge, and many a run with this fault looks perfect. For small faults $\kappa$ is
# close to a square: half the fault needs about four times as many samples.

# %% [markdown]
# ## 7. Train a GAN: cover the ring (hard, 30 minutes)
#
# Write `cover(x, z, seed)`. It gets 5,000 points of a ring of eight modes, which has some centre,
# radius and turn; each mode is as wide as 6 % of the radius. And it gets latent points `z`, which
# are standard normal in the plane. It trains a GAN on `x` and returns what the generator makes
# **of these `z`**, a row each. `seed` decides the first weights and all batches: the same seed
# gives the same samples, and another one gives others.
#
# Of 1,000 samples at least 1 % have to lie within three widths of each mode (an even share would
# be 12.4 %), and at most **42 %** may be astray, further than three widths from every mode. Perfect
# samples have 1.1 % astray. Neighbours among the `z` get neighbouring samples. And modes have a
# width: the median distance from a sample to the next one is at least 40 % of what perfect samples
# have. A call may take 20 seconds.
#
# Seen from two numbers, a plain game of lesson 5 can pass: it found all modes in two games of
# three that were tried. In the third it lost all of them. Lesson 7 has what makes a game safe.
#
# <details><summary>Hint</summary>
#
# Scale the points first, so that they lie around 0 with a size near 1. Let the generator start
# wide, as `1.5 * z + network(z)`. Lesson 7's penalty at real and fake points, with
# $\gamma = 0.04$ at this size, works against lost modes; let it fall, and the step sizes, too.
# Adam without momentum has `betas=(0.0, 0.99)`: write both as floats.
#
# </details>


# %%
ring = ring_of_gaussians(8, radius=2.0, sigma=0.12)
x = torch.tensor(ring.sample(5_000, seed=0), dtype=torch.float32)


def network(inputs: int, outputs: int) -> nn.Sequential:
    """Two ReLU layers of 64, then a linear one."""
    middle = [nn.Linear(inputs, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU()]
    return nn.Sequential(*middle, nn.Linear(64, outputs))


def descend(optimizer: torch.optim.Optimizer, loss: torch.Tensor, rate: float) -> None:
    """One step of this size."""
    optimizer.param_groups[0]["lr"] = rate
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


def cover(x: torch.Tensor, z: torch.Tensor, seed: int) -> torch.Tensor:
    """Points (5000, 2), latent points (m, 2), a seed -> samples (m, 2)."""
    # BEGIN SOLUTION
    torch.manual_seed(seed)
    centre, size = x.mean(0), x.std()
    scaled = (x - centre) / size
    body, discriminator = network(2, 2), network(2, 1)
    mine = torch.optim.Adam(body.parameters(), betas=(0.0, 0.99))
    other = torch.optim.Adam(discriminator.parameters(), betas=(0.0, 0.99))
    for progress in np.linspace(0, 1, 1_500):
        fall = 0.01 ** max(0.0, (progress - 0.25) / 0.75)
        latent, real = torch.randn(128, 2), scaled[torch.randint(len(x), (128,))]
        fake = 1.5 * latent + body(latent)
        points = torch.cat([real, fake.detach()]).requires_grad_()
        logits = discriminator(points)
        (slopes,) = torch.autograd.grad(logits.sum(), points, create_graph=True)
        penalty = 0.04 * fall * slopes.square().sum(dim=1).mean()
        loss = F.softplus(-logits[:128]).mean() + F.softplus(logits[128:]).mean()
        descend(other, loss + penalty, 3e-3 * fall**0.5)
        descend(mine, F.softplus(-discriminator(fake)).mean(), 3e-3 * fall)
    with torch.no_grad():
        return centre + size * (1.5 * z + body(z))
    # END SOLUTION


check_cover(cover)

# %% [markdown] tags=["solution"]
# What it draws, over the data:

# %% tags=["solution"]
torch.manual_seed(1)
samples = cover(x, torch.randn(1_000, 2), seed=1)
plt.figure(figsize=(6, 6))
plt.plot(*x[:1_000].T, ".", markersize=3, color="grey", label="data")
plt.plot(*samples.T, ".", markersize=3, label="GAN")
plt.xlabel("first coordinate (no units)")
plt.ylabel("second coordinate (no units)")
plt.legend()
plt.show()

# %% [markdown] tags=["solution"]
# *Figure: eight grey heaps on a ring of radius 2. The GAN's dots lie in all of them, and on
# threads between neighbours.*
#
# Over ten seeds this program finds all modes and has 18 % to 34 % astray. A ring of one density in
# all directions has 55 % to 59 %. What is left here are the threads: a continuous generator cannot
# cut its cloth, only stretch it.

# %% [markdown]
# ## How many are solved?

# %%
solved(mode_collapse)
