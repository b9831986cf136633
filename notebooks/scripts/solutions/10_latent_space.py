# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Exercises on lesson 10: walking through latent space
#
# Open in [Colab](https://colab.research.google.com/github/generative-models/executed/blob/v0.2.0/notebooks/exercises/10_latent_space.ipynb) or on [Binder](https://mybinder.org/v2/gh/generative-models/executed/v0.2.0?urlpath=lab/tree/notebooks/exercises/10_latent_space.ipynb).
#
# [Lesson 10](../10_latent_space.ipynb) has what you need. Fill in each cell and run it; its
# last line checks your answer with fresh random inputs and says what is not right yet. Shapes
# are written as `(rows, k)`. Logarithms are natural.

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
# Latent points are NumPy arrays, as in the lesson; exercise 6 needs PyTorch. Run this cell
# first.

# %%
import matplotlib.pyplot as plt
import numpy as np
import torch
from scipy.optimize import brentq
from scipy.stats import chi, norm
from torch import Tensor

from course_utils.checks.latent_space import (
    check_analogy,
    check_direction,
    check_great_circles,
    check_half_truncation,
    check_invert,
    check_scan,
    check_shell,
)
from course_utils.data.latent import to_shell
from course_utils.data.mnist import load_mnist
from course_utils.figures.digit_rows import labelled_rows
from course_utils.metrics.classifier import DigitClassifier
from course_utils.pytorch.device import to_tensor
from course_utils.pytorch.gan import generate
from course_utils.pytorch.networks import Generator
from course_utils.pytorch.weights import load_pretrained

# %% [markdown]
# The lesson's generator is here for pictures of your own: `decode` makes images of latent
# points `(n, 100)`, and `labelled_rows({"a name": images})` draws them.

# %%
generator = load_pretrained(Generator(), "dcgan", part="generator").eval()


def decode(z: np.ndarray) -> np.ndarray:
    return generate(generator, z)


# %% [markdown]
# ## 1. Where the prior is (easy, 10 minutes)
#
# For $z \sim \mathcal N(0, I)$ in $k$ dimensions, return the mean of $|z|$, and the share of
# the prior whose length lies between `low` and `high`. Both exactly, without drawing.
#
# <details><summary>Hint</summary>
#
# $\sqrt k$ is the root of the mean of $|z|^2$. The mean of $|z|$ is smaller, as the
# variance of $|z|$ is not zero. `scipy.stats` has the lesson's distribution of $|z|$.
#
# </details>


# %%
def shell(k: int, low: float, high: float) -> tuple[float, float]:
    """Dimensions and two lengths -> the mean of |z|, the share between."""
    # BEGIN SOLUTION
    return chi.mean(k), chi.cdf(high, k) - chi.cdf(low, k)
    # END SOLUTION


check_shell(shell)

# %% [markdown]
# ## 2. A scale may be negative (easy, 15 minutes)
#
# The lecture makes its latent points as $z_i = m_i + s_i \epsilon_i$, with
# $\epsilon \sim \mathcal N(0, I)$ and with some $s_i$ below zero. Return three things: the
# standard deviation of each coordinate, the root of the mean of $|z|^2$, and the KL of this
# distribution to the prior, $\mathrm{KL}(q \,\|\, p)$, in nats.
#
# <details><summary>Hint</summary>
#
# $-\epsilon$ has the same distribution as $\epsilon$. The KL is the one of lesson 1; it has
# a logarithm in it, so be careful what you put there.
#
# </details>


# %%
def scan(mean: np.ndarray, scale: np.ndarray) -> tuple[np.ndarray, float, float]:
    """mean (k,), scale (k,) -> standard deviations (k,), length, KL in nats."""
    # BEGIN SOLUTION
    std = np.abs(scale)
    length = np.sqrt((mean**2 + std**2).sum())
    return std, length, 0.5 * (mean**2 + std**2 - 1 - 2 * np.log(std)).sum()
    # END SOLUTION


check_scan(scan)

# %% [markdown] tags=["solution"]
# A negative factor turns the noise of one point around. Point by point that is another
# image; the distribution is the same. So the first half of the lecture's scales does again
# what the second half does. For its first call, with `linspace(-1, 1, 100)` as means and as
# scales:

# %% tags=["solution"]
line = np.linspace(-1, 1, 100)
for scale in (1, 5, 10):
    _, length, kl = scan(line, scale * line)
    print(f"standard deviations x {scale:2}: |z| near {length:4.1f}, KL {kl:6.1f} nats")

# %% [markdown]
# ## 3. Many great circles (medium, 20 minutes)
#
# The lesson's `great_circle` walks from one point to another. Walk for many pairs at once, if
# you can without a loop over pairs: directions turn at a constant rate, and lengths change linearly.
# A pair may have the same direction at different lengths. Its way is straight.
#
# <details><summary>Hint</summary>
#
# Give `a` and `b` an axis for the steps, `(rows, 1, k)`, and `t` the shape `(steps, 1)`; sums
# over the last axis with `keepdims=True` fit both. `np.where` chooses, but it computes both
# sides: nothing may be divided by zero in either.
#
# </details>


# %%
def great_circles(a: np.ndarray, b: np.ndarray, t: np.ndarray) -> np.ndarray:
    """a (rows, k), b (rows, k), t (steps,) from 0 to 1 -> (rows, steps, k)."""
    # BEGIN SOLUTION
    a, b, t = a[:, None], b[:, None], t[:, None]
    size_a, size_b = (np.linalg.norm(v, axis=-1, keepdims=True) for v in (a, b))
    a, b = a / size_a, b / size_b
    angle = np.arccos(np.clip((a * b).sum(axis=-1, keepdims=True), -1, 1))
    turns = np.sin(angle) > 1e-6
    sine = np.where(turns, np.sin(angle), 1)
    first = np.where(turns, np.sin((1 - t) * angle) / sine, 1 - t)
    last = np.where(turns, np.sin(t * angle) / sine, t)
    return ((1 - t) * size_a + t * size_b) * (first * a + last * b)
    # END SOLUTION


check_great_circles(great_circles)

# %% [markdown] tags=["solution"]
# Three of these ways, decoded:

# %% tags=["solution"]
ends = to_shell(np.random.default_rng(3).standard_normal((2, 3, 100)))
ways = great_circles(*ends, np.linspace(0, 1, 9))
labelled_rows({f"way {n + 1}": decode(way) for n, way in enumerate(ways)})

# %% [markdown] tags=["solution"]
# *Figure: three rows of nine images that change in small steps. The first stays an 8, the
# second goes from a 4 to a 7, and the third from a 4 to a 9.*

# %% [markdown]
# ## 4. From one class to another (medium, 15 minutes)
#
# You get latent points with labels. Return the unit vector `u` that points from the mean of
# the points of class `start` to that of class `end`. Return also for *all* points, of any
# class, how far along `u` they lie: zero is halfway between the two means, and positive
# numbers are on the side of `end`.
#
# <details><summary>Hint</summary>
#
# `z[labels == start]` are the points of one class. The position of a point is the scalar
# product of `u` with the vector that leads to it from the middle.
#
# </details>


# %%
def direction(
    z: np.ndarray, labels: np.ndarray, start: int, end: int
) -> tuple[np.ndarray, np.ndarray]:
    """z (rows, k), labels (rows,) -> u (k,), positions (rows,)."""
    # BEGIN SOLUTION
    a, b = z[labels == start].mean(axis=0), z[labels == end].mean(axis=0)
    u = (b - a) / np.linalg.norm(b - a)
    return u, (z - (a + b) / 2) @ u
    # END SOLUTION


check_direction(direction)

# %% [markdown] tags=["solution"]
# Is it a handle? Take the direction from 1 to 0 out of 400 points, and ask where 200 others
# lie. (The function is told their labels as -1.) Then move three new points along it:

# %% tags=["solution"]
pool = np.random.default_rng(1).standard_normal((600, 100))
labels = DigitClassifier().probabilities(decode(pool)).argmax(axis=1)
known = np.arange(600) < 400
u, places = direction(pool, np.where(known, labels, -1), 1, 0)
for name, rows in (("those that made it", known), ("others", ~known)):
    shares = [(places[rows & (labels == label)] > 0).mean() for label in (1, 0)]
    print(f"{name}: on the side of 0 are {shares[0]:.0%} of the 1s,", end=" ")
    print(f"{shares[1]:.0%} of the 0s")
z = np.random.default_rng(2).standard_normal((3, 1, 100))
moved = to_shell(z + np.linspace(-8, 8, 9)[:, None] * u)
labelled_rows({f"point {n + 1}": decode(m) for n, m in enumerate(moved)})

# %% [markdown] tags=["solution"]
# *Figure: three rows of nine images, moved by -8 to 8 along the direction from 1 to 0. At the
# left all three are a 1, at the right all three are a 0, and each has another digit between.*
#
# The first line flatters. With 100 coordinates and few points of a class, a mean leans towards
# its own points. The second line is the honest one.

# %% [markdown]
# ## 5. Slanted minus upright (medium, 10 minutes)
#
# Three sets of latent points: slanted digits of one class, upright ones of that class, and
# upright ones of another class. The sets may differ in size. Return one point for "the other
# class, slanted": *slanted - upright + upright of the other class*, with averages, and put
# back on the shell of radius $\sqrt k$.
#
# <details><summary>Hint</summary>
#
# Averages, sums and differences of latent points all change the length. The lesson prints
# it; you can too.
#
# </details>


# %%
def analogy(slanted: np.ndarray, upright: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Three sets (points, k), of any sizes -> (k,)."""
    # BEGIN SOLUTION
    z = slanted.mean(axis=0) - upright.mean(axis=0) + other.mean(axis=0)
    return z * np.sqrt(len(z)) / np.linalg.norm(z)
    # END SOLUTION


check_analogy(analogy)

# %% [markdown] tags=["solution"]
# With $n$ nearly orthogonal points a set, $z$ has a length near $\sqrt{3k/n}$ before it is put
# back: for $n = 3$ it happens to be on the shell already.

# %% [markdown]
# ## 6. Backwards (hard, 30 minutes)
#
# Find for each row $x$ the latent point with the least
#
# $$ |G(z) - x|^2 + w\, |z|^2 , $$
#
# both squares *summed*, over pixels and over coordinates. The weight $w$ holds $z$ near the
# origin, and may be zero. Use gradient descent on $z$ and nothing of the generator but that it
# can be called and differentiated. The check has a *linear* generator, $G(z) = Wz + b$,
# for which the answer is known on paper. Some hundred steps are enough. The generator's weights
# must stay as they are.
#
# <details><summary>Hint</summary>
#
# Begin with a tensor `(rows, k)` that requires a gradient, and give it alone to an optimizer
# such as `torch.optim.Adam([z], 0.1)`. Rows do not disturb each other in a sum of their losses.
#
# </details>


# %%
def invert(generator, x: Tensor, k: int, weight: float) -> Tensor:
    """A generator, from (rows, k) to (rows, ...), and x (rows, ...) -> z (rows, k)."""
    # BEGIN SOLUTION
    z = torch.zeros(len(x), k, requires_grad=True)
    optimizer = torch.optim.Adam([z], 0.1)
    for _ in range(300):
        loss = (generator(z) - x).square().sum() + weight * z.square().sum()
        optimizer.zero_grad()
        loss.backward(inputs=[z])
        optimizer.step()
    return z.detach()
    # END SOLUTION


check_invert(invert)

# %% [markdown] tags=["solution"]
# On paper the answer is $z = (W^\top W + w I)^{-1} W^\top (x - b)$. Without the weight it is
# $z = W^+ (x - b)$, with the pseudoinverse of $W$. With the weight it is the mean of lesson 1's
# exact posterior, for a noise of variance $w$: that is what "stay near the origin" means.
#
# The same function runs the lesson's generator backwards, here for four held-out digits.

# %% tags=["solution"]
test = load_mnist("test")
goals = np.stack([test.x[test.y == label][0] for label in (2, 3, 5, 7)])
rows = {"digit": goals}
for weight in (0.0, 0.3):
    z = invert(lambda z: (generator(z) + 1) / 2, to_tensor(goals), 100, weight)
    lengths = z.norm(dim=1).tolist()
    print(f"weight {weight}: |z|", *(f"{length:.0f}" for length in lengths))
    rows[f"weight {weight}"] = decode(z.numpy())
labelled_rows(rows)

# %% [markdown] tags=["solution"]
# *Figure: three rows of four images: the held-out digits, and what was found without and with
# a weight. All are alike; with the weight they are a little paler.*
#
# The weight pulls to the origin, where the prior's density is highest, and not to the shell,
# where its points are: of $10^{20}$ points of the prior, not one is as short as 4.

# %% [markdown]
# ## 7. Half as long (hard, 30 minutes)
#
# The "truncation trick": draw each coordinate of $z$ from a standard normal distribution, and
# draw it again until $|z_i| < c$. For which $c$ is the root of the mean of $|z|^2$ half as large
# as for the prior, whatever $k$ is? Guess, then draw, then find it from an equation. (The
# check wants it to 1 %.)
#
# <details><summary>Hint</summary>
#
# All coordinates are alike, so look at one. The variance of a truncated normal is the
# integral of $z^2 p(z)$ from $-c$ to $c$, divided by that of $p(z)$. `scipy.optimize.brentq`
# finds where a function is zero.
#
# </details>


# %%
# BEGIN SOLUTION
def variance(c):
    return 1 - 2 * c * norm.pdf(c) / (2 * norm.cdf(c) - 1)


half_truncation = brentq(lambda c: variance(c) - 1 / 4, 0.1, 3)
# STUB half_truncation = ...
# END SOLUTION

check_half_truncation(half_truncation)

# %% [markdown] tags=["solution"]
# The numerator is integrated by parts. All limits at once:

# %% tags=["solution"]
limits = np.linspace(0.1, 4, 200)
plt.plot(limits, np.sqrt(variance(limits)))
plt.axhline(0.5, color="black", linestyle="--")
plt.axvline(half_truncation, color="black", linestyle=":")
plt.xlabel("limit c of each coordinate")
plt.ylabel("length, as a share of the prior's")
plt.show()
kept = 2 * norm.cdf(half_truncation) - 1
print(f"c = {half_truncation:.4f} keeps {kept:.0%} of the draws of one coordinate,")
print(f"and would keep {kept**100:.0e} of whole latent points with 100 of them.")

# %% [markdown] tags=["solution"]
# *Figure: the length against the limit. A straight line at first, since the density is nearly
# flat near zero; it then bends towards 1. It crosses a half (dashed) a little above 0.9.*
#
# So this trick takes us to a radius of 5, where the prior has practically no points. Whoever
# drew whole points again until all coordinates fit would wait forever.
