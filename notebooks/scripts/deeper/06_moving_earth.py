# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Deeper: moving earth, and the game that is played for it
#
# Open in [Colab](https://colab.research.google.com/github/generative-models/executed/blob/v0.2.0/notebooks/deeper/06_moving_earth.ipynb) or on [Binder](https://mybinder.org/v2/gh/generative-models/executed/v0.2.0?urlpath=lab/tree/notebooks/deeper/06_moving_earth.ipynb).
#
# [Lesson 6](../06_game_settles.ipynb) sorts two heaps to find the Wasserstein-1 distance, says
# that good prices reach it, and plays for it. Here is why sorting is best, why prices reach
# it on a line, how far apart two perfect samples are, and what the game does if its slope is
# held in other ways.

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
# @title Set-up: libraries, closed forms, figures
import math
from itertools import permutations

import matplotlib.pyplot as plt
import numpy as np
from scipy import stats

from course_utils.budget import budget
from course_utils.data.mixtures import Mixture
from course_utils.exact.games import dirac_gan_path, jensen_shannon
from course_utils.figures.phase_plane import paths_side_by_side
from course_utils.figures.style import use_course_style
from course_utils.metrics.modes import wasserstein_1d

use_course_style()
repeats = budget(smoke=10, lecture=200, full=1_000)

# %% [markdown]
# ## Why sorting is best
#
# Take two grains $a_1 < a_2$ and two places $b_1 < b_2$. If the ways cross, $a_1$ goes to $b_2$
# and $a_2$ to $b_1$. Uncrossing them never costs more:
# $|a_1 - b_1| + |a_2 - b_2| \le |a_1 - b_2| + |a_2 - b_1|$. (Where both ways overlap they run in
# opposite directions, and uncrossing saves the overlap twice.) So uncross until nothing
# crosses, and that is the sorted order. All 720 ways to pair six grains with six places:

# %% tags=["nbval-check-output"]
rng = np.random.default_rng(0)
heap, wanted = rng.normal(0, 1, 6), rng.normal(1, 2, 6)
costs = [np.abs(heap - wanted[list(order)]).mean() for order in permutations(range(6))]
by_sorting = np.abs(np.sort(heap) - np.sort(wanted)).mean()
assert math.isclose(min(costs), by_sorting, rel_tol=1e-12)
assert math.isclose(stats.wasserstein_distance(heap, wanted), by_sorting, rel_tol=1e-12)
print(f"sorted {by_sorting:.4f}; all 720 from {min(costs):.4f} to {max(costs):.4f}")

# %% [markdown]
# ## Why good prices reach it
#
# Stand at $x$ and count. $F_p(x)$ is the share of earth that is wanted to the left of $x$, and
# $F_q(x)$ the share of the heap that lies there. The difference has to pass through $x$, so
#
# $$
# W_1 = \int \left|F_q(x) - F_p(x)\right| dx .
# $$
#
# Now the prices. Integrate by parts (the boundary terms vanish, since both $F$ run from 0 to
# 1):
#
# $$
# \mathbb E_p[\ell] - \mathbb E_q[\ell] = \int \ell(x)\,(p(x) - q(x))\, dx
# = \int \ell'(x)\,(F_q(x) - F_p(x))\, dx .
# $$
#
# With $|\ell'| \le 1$ this is at most $W_1$, and it reaches $W_1$ if $\ell'$ is the *sign* of
# $F_q - F_p$: the price rises by 1 per metre where earth travels to the right, and falls
# where it travels to the left. In more dimensions the same holds, with a proof that is
# longer (Kantorovich and Rubinstein).

# %% tags=["nbval-check-output"]
x = np.linspace(-12, 14, 26_001)
p, q = stats.norm(0, 1), stats.norm(1, 2)
through = q.cdf(x) - p.cdf(x)
slope = np.sign(through)
price = np.concatenate([[0], np.cumsum(0.5 * (slope[1:] + slope[:-1]) * np.diff(x))])
gain = np.trapezoid(price * (p.pdf(x) - q.pdf(x)), x)
ways = np.trapezoid(np.abs(through), x)
assert abs(gain - ways) < 1e-5  # a grid of 0.001, and a kink between two points
print(f"W1 by ways {ways:.5f}, by the best prices {gain:.5f}")

# %% [markdown]
# ## It knows how far
#
# Two normals of width 0.3, at a growing distance: the Jensen-Shannon divergence rises to
# $\ln 2$ and stays, and a generator that is far off gets no slope from it. $W_1$ is the
# distance itself.

# %%
distances = np.linspace(0, 4, 41)
jsd = [jensen_shannon(stats.norm(0, 0.3), stats.norm(d, 0.3)) for d in distances]
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6), sharex=True)
left.plot(distances, jsd)
left.axhline(math.log(2), color="black", linestyle=":")
left.set(title="Jensen-Shannon (nats)", xlabel="distance", ylim=(0, 0.8))
right.plot(distances, distances)
right.set(title="W1 (units of x)", xlabel="distance")
plt.show()

# %% [markdown]
# *Figure: left, a curve that rises to the dotted ln 2 and is flat from a distance of about 2
# on; right, a straight line.*

# %% [markdown]
# ## Two perfect samples
#
# Two samples of $n$ points of the same density are not at distance 0. For $\mathcal N(0, 1)$
# they are $1.82/\sqrt n$ apart on average. That is the **noise floor** of the distance.

# %%
for n in (100, 1_000, 5_000):
    pairs = rng.standard_normal((repeats, 2, n))
    found = np.array([stats.wasserstein_distance(a, b) for a, b in pairs])
    error = found.std(ddof=1) / math.sqrt(repeats)
    print(f"n = {n:5,}: {found.mean():.4f} +- {error:.4f}, law {1.82 / n**0.5:.4f}")
    # the law is for large n; 2 % for what n = 100 leaves over
    assert abs(found.mean() - 1.82 / n**0.5) < 4 * error + 0.02 * 1.82 / n**0.5

# %% [markdown]
# Where the data are not known as a formula, no second true sample can be drawn. The course's
# `wasserstein_1d` then finds the floor from one real sample, by drawing from it with
# replacement. Here we can check that, on the two bells of the lesson:

# %%
two_bells = Mixture(np.array([[-2.0], [2.0]]), 0.5)
samples = [two_bells.sample(5_000, seed=s)[:, 0] for s in range(60)]
pairs = [stats.wasserstein_distance(*samples[k : k + 2]) for k in range(0, 60, 2)]
score = wasserstein_1d(*samples[:2])
print(f"thirty pairs of true samples: {np.mean(pairs):.4f}; one pair: {score}")
# the mean of 30 pairs has an error of their deviation / sqrt(30), that of 200 has less
error = np.std(pairs, ddof=1) * math.sqrt(1 / 30 + 1 / 200)
assert abs(score.floor - np.mean(pairs)) < 4 * error

# %% [markdown]
# The two bells' floor is larger than that of one normal. A sample has a few more points on one
# side by chance, and these must be carried over a distance of 4. The shares of two samples
# differ by $\sqrt{0.5/5000} = 0.01$ (one standard deviation), and on average by
# $\sqrt{2/\pi}$ of that, which alone makes $W_1 = 0.032$.

# %% [markdown]
# ## The ellipse of the Wasserstein game
#
# In turns: $\psi' = \psi - h\theta$ and $\theta' = \theta + h\psi'$. Then
# $\theta^2 + \psi^2 - h\,\theta\psi$ is conserved, exactly. Put $\psi = \psi' + h\theta$ in:
# it becomes $\theta^2 + \psi'^2 + h\,\theta\psi'$. Put $\theta = \theta' - h\psi'$ in:
# it becomes $\theta'^2 + \psi'^2 - h\,\theta'\psi'$. The level lines are ellipses as long as
# $h < 2$. Beyond, they are hyperbolas, which lead away.

# %% tags=["nbval-check-output"]
for h in (0.3, 1.9):
    theta, psi = dirac_gan_path("wasserstein_alternating", (1, 0.5), h, 1000).T
    ellipse = theta**2 + psi**2 - h * theta * psi
    assert np.allclose(ellipse, ellipse[0], rtol=1e-9)  # 1000 steps of rounding
    print(f"h = {h}: {ellipse[[0, 500, 1000]].round(9)}")

# %% [markdown]
# ## Holding the slope in other ways
#
# $W_1$ wants a slope of at most 1, and there are several ways to hold it. The first Wasserstein
# GAN **clipped** the critic's weights after each step: here, $\psi$ is cut to
# $[-1, 1]$. A **one-sided** penalty punishes only slopes above 1. And WGAN-GP pulls the length of
# the slope to 1 from both sides. (In a network it does so at points between data and fakes.)


# %%
def critic(pull=lambda psi: 0 * psi, clip=np.inf):
    def step(theta, psi, h):
        psi = np.clip(psi - h * (theta + pull(psi)), -clip, clip)
        return theta + h * psi, psi

    return step


ways = {
    "clipped": critic(clip=1.0),
    "one-sided": critic(lambda s: 0.6 * np.sign(s) * np.maximum(np.abs(s) - 1, 0)),
    "to 1 (GP)": critic(lambda s: 0.6 * (s - np.sign(s))),
}
plays = {}
for name, step in ways.items():
    path = [(1.5, 0.5)]
    for _ in range(400):
        path.append(step(*path[-1], 0.3))
    plays[name] = step, np.array(path)
paths_side_by_side(plays, end=2.5)

# %% [markdown]
# *Figure: three paths that do not arrive. Clipped and one-sided, they end on an ellipse
# inside the strip of allowed slopes; pulled to 1, on an orbit around the equilibrium.*

# %% [markdown]
# None arrives. Clipping and the one-sided penalty do nothing where $\lvert\psi\rvert < 1$, and
# there the game is the bilinear one, which circles. Does the last one leave a place close
# to the equilibrium?

# %% tags=["nbval-check-output"]
for name, (_, path) in plays.items():
    radius = np.hypot(*path[-100:].T)
    print(
        f"{name:10} last 100 steps: from {radius.min():.2f} to {radius.max():.2f} away"
    )
    assert radius.min() > 0.3
path = dirac_gan_path("wasserstein_gp", (0.01, 0.01), 0.3, 400, 0.6)
print(f"GP from 0.014 away: later at least {np.hypot(*path[-100:].T).min():.2f} away")

# %% [markdown]
# It does. That does not mean that WGAN-GP is a poor recipe for pictures: data there are no
# single point, and a discriminator that is flat has nothing to say. It means that *this*
# penalty is no friction at the equilibrium (Mescheder, Geiger and Nowozin, 2018).

# %% [markdown]
# ## References
#
# - M. Arjovsky, S. Chintala and L. Bottou, *Wasserstein GAN*, 2017,
#   [arXiv:1701.07875](https://arxiv.org/abs/1701.07875).
# - I. Gulrajani et al., *Improved Training of Wasserstein GANs*, 2017,
#   [arXiv:1704.00028](https://arxiv.org/abs/1704.00028).
# - L. Mescheder, A. Geiger and S. Nowozin, *Which Training Methods for GANs do actually
#   Converge?*, 2018, [arXiv:1801.04406](https://arxiv.org/abs/1801.04406).
# - C. Villani, *Topics in Optimal Transportation*, 2003.
