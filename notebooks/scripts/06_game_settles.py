# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown] slideshow={"slide_type": "slide"}
# # 6 · Does the game settle?
#
# Open in [Colab](https://colab.research.google.com/github/generative-models/executed/blob/v0.2.0/notebooks/06_game_settles.ipynb) or on [Binder](https://mybinder.org/v2/gh/generative-models/executed/v0.2.0?urlpath=lab/tree/notebooks/06_game_settles.ipynb).
#
# ## The question
#
# Lesson 5 found the equilibrium of the GAN game: fakes like the data, and $D = \tfrac12$
# everywhere. A point of rest is not yet a rest. A pendulum has one, and swings through it.
#
# **Do the steps of two players lead to the equilibrium? If not, what brings them there?**
#
# <!-- notes: Hold up a pendulum, or a key on a string. Ask: where is its point of rest, and
# why does it not stop there? Wait for "friction". -->

# %% tags=["colab"] jupyter={"source_hidden": true} slideshow={"slide_type": "skip"}
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

# %% tags=["setup"] jupyter={"source_hidden": true} slideshow={"slide_type": "skip"}
# @title Set-up: libraries, closed forms, figures
import math
from functools import partial

import numpy as np
import torch
from scipy.special import expit
from scipy.stats import wasserstein_distance

from course_utils.budget import budget
from course_utils.data.mixtures import Mixture
from course_utils.exact import games
from course_utils.figures.phase_plane import (
    lap_of_the_game,
    moduli_of_friction,
    moved_earth,
    moved_squares,
    paths_side_by_side,
    right_angled_step,
)
from course_utils.figures.style import use_course_style
from course_utils.figures.watched_game import (
    losses_and_distance,
    moments,
    place_and_tilt,
    runs_of_recipes,
)
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
from course_utils.widgets.games import dirac_explorer

use_course_style()

# %% slideshow={"slide_type": "subslide"}
lap_of_the_game()

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: a lap. Above, a pendulum: right, at rest; in the middle, moving left; left, at rest;
# moving right. Below, a fake at these places under a line: flat, falling, flat, rising.*

# %% [markdown] slideshow={"slide_type": "skip"}
# ## You will be able to
#
# - say why two players run around an equilibrium;
# - tell from the trace and the determinant of a matrix whether a game leaves, circles or
#   arrives near its equilibrium, and what that leaves open;
# - add friction to a game, and say what unit its weight has;
# - explain what the Wasserstein game plays for, and why it does not settle by itself;
# - read a comparison of many seeds, and say what it does not show.
#
# ## Before you start
#
# You need [lesson 5](05_gan_game.ipynb) and the eigenvalues of a two by two matrix. On two
# CPU cores all cells take less than a minute.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Two numbers play
#
# The smallest GAN has two numbers, $\theta$ and $\psi$. The data are one point, 0. The
# generator makes one point, $\theta$. The discriminator's logit is a line through 0,
# $\ell(x) = \psi x$. Its value is
#
# $$
# V(\theta, \psi) = \log D(0) + \log(1 - D(\theta)) = -\log 2 - \log(1 + e^{\psi\theta}) .
# $$
#
# The discriminator climbs $V$, the generator descends it:
#
# $$
# \frac{\partial V}{\partial\psi} = -u\,\theta, \qquad
# -\frac{\partial V}{\partial\theta} = u\,\psi, \qquad
# u = \mathrm{sigmoid}(\psi\theta) .
# $$

# %% [markdown] slideshow={"slide_type": "skip"}
# This is the **Dirac-GAN** of Mescheder, Geiger and Nowozin (2018). Its equilibrium is
# $\theta = \psi = 0$: the fake lies on the data, and $D = \tfrac12$ everywhere. There
# $u = \tfrac12$. (In $V$, $D(0) = \tfrac12$, since the line passes through 0, and
# $1 - D(\theta) = 1/(1 + e^{\psi\theta})$.)
#
# Read the derivatives as laws of motion. The generator moves with the speed $u\psi$, so $\psi$ plays
# the part of a pendulum's speed. The discriminator's slope changes by $-u\theta$, so $\theta$
# plays the part of its place, which pulls back. When the fake has reached the right place,
# the discriminator is at its steepest, and the fake runs on. **Each player answers a quarter
# of a lap too late.**
#
# In a step, both players look at the same place and move, at once, by $h$ times their
# derivative above.


# %%
def both_at_once(theta, psi, h):
    u = expit(psi * theta)  # the sigmoid
    return theta + h * u * psi, psi - h * u * theta


def dirac_gan_path(step, start, h, steps):
    path = [start]
    for _ in range(steps):
        path.append(step(*path[-1], h))  # from the last theta and psi
    return np.array(path)


# %% [markdown] slideshow={"slide_type": "slide"}
# ## Both at once
#
# In the plane of $\theta$ and $\psi$ the push $(u\psi, -u\theta)$ stands at a right angle to
# $(\theta, \psi)$. Flowing along it in continuous time, the game would run on a circle. We
# make 80 steps of size $h = 0.4$ from $(1, 1)$.
#
# **Predict before you run.** Will these steps stay on the circle, come in, or go out?
#
# <!-- notes: Let them vote. Many say "stay", because the arrows are tangents of circles.
# Ask them to draw one tangent of finite length. -->

# %% slideshow={"slide_type": "subslide"}
h, start = 0.4, (1.0, 1.0)
at_once = dirac_gan_path(both_at_once, start, h, steps=80)
paths_side_by_side({"both at once": (both_at_once, at_once)}, end=4)

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: arrows turn clockwise around a cross, the equilibrium. The path spirals outwards
# from the square to the disc.*

# %% [markdown]
# **Answer.** Out. Pythagoras says why.

# %% slideshow={"slide_type": "subslide"}
right_angled_step()

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: a step at a right angle to the radius; the new radius is the hypotenuse.*

# %% [markdown] slideshow={"slide_type": "skip"}
# The old radius and the step are the legs of a right triangle. The new radius is its
# hypotenuse, so it is longer. **That is exact, for every $h$, everywhere but at the
# equilibrium.** A smaller step only puts the departure off: with half the step it takes
# [four times as many steps](deeper/06_near_and_far.ipynb).

# %% tags=["proof", "nbval-check-output"] jupyter={"source_hidden": true}
# @title Pythagoras at each of the 80 steps, and the package's path
theta, psi = at_once.T
growth = (theta[1:] ** 2 + psi[1:] ** 2) / (theta[:-1] ** 2 + psi[:-1] ** 2)
u = expit(psi * theta)[:-1]
assert np.allclose(growth, 1 + (h * u) ** 2, rtol=1e-12)
theirs = games.dirac_gan_path("simultaneous", start, h, 80)
assert np.allclose(at_once, theirs, rtol=1e-11)
radius = np.hypot(theta, psi)
print(f"radius {radius[0]:.2f} at first, {radius[-1]:.2f} after 80 steps")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## In turns
#
# Lesson 5's `gan_step` plays otherwise: the discriminator goes first, and the generator
# answers the *new* discriminator.


# %%
def in_turns(theta, psi, h):
    psi = psi - h * expit(psi * theta) * theta
    return theta + h * expit(psi * theta) * psi, psi


# %% [markdown]
# **Predict before you run.** Does the spiral now turn inwards?
#
# <!-- notes: Ask: who in the room has simulated planets? What did you do against orbits
# that gain energy? Somebody may say leapfrog, or symplectic. -->

# %% slideshow={"slide_type": "subslide"}
turns = dirac_gan_path(in_turns, start, h, steps=80)
plays = {"both at once": (both_at_once, at_once), "in turns": (in_turns, turns)}
paths_side_by_side(plays, end=4)

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: left, the outward spiral; right, one closed orbit.*

# %% [markdown]
# **Answer.** No, nor outwards: it circles.

# %% [markdown] slideshow={"slide_type": "subslide"}
# Near the equilibrium $u = \tfrac12$, and each player's move is a matrix:
#
# $$
# M_\psi = \begin{pmatrix} 1 & 0 \\ -\frac h2 & 1 \end{pmatrix}, \qquad
# M_\theta = \begin{pmatrix} 1 & \frac h2 \\ 0 & 1 \end{pmatrix} .
# $$
#
# In turns is $M_\theta M_\psi$: first $\psi$, then $\theta$. Both at once is
# $M_\theta + M_\psi - I$: both moves are added, and the start counts once. Carry a square of starting points along:

# %%
M_psi = np.array([[1, 0], [-h / 2, 1]])
M_theta = np.array([[1, h / 2], [0, 1]])
matrices = {"both at once": M_theta + M_psi - np.eye(2), "in turns": M_theta @ M_psi}
square = np.array([(0.7, 0.7), (1.3, 0.7), (1.3, 1.3), (0.7, 1.3)])
moved = {
    name: [square @ np.linalg.matrix_power(M, n).T for n in (0, 6, 12, 18)]
    for name, M in matrices.items()
}
moved_squares(moved, end=3.4)

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: a square after 0, 6, 12 and 18 steps. Left its area doubles; right it stays.*

# %% [markdown] slideshow={"slide_type": "skip"}
# $M_\psi$ and $M_\theta$ are **shears**: they push the square aside like a pack of cards,
# and its area stays, because their determinant is 1. One shear after the other keeps the
# area, too. This is the **leapfrog** that keeps planets on their orbits in simulations.
# A spiral outwards would stretch every area, a spiral inwards shrink it. Here areas stay, so
# there is no spiral. It could still leave along a line: the table below says when. Both
# moves at once have the determinant $1 + h^2/4$.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Two numbers decide, near the equilibrium
#
# Powers of a matrix grow or die by the moduli (sizes) of its eigenvalues $\lambda$, the roots of
# $\lambda^2 - \mathrm{tr}\,\lambda + \det = 0$, with the matrix's trace and determinant.
#
# | step | tr | det | near the equilibrium | far from it |
# |---|---|---|---|---|
# | both at once | $2$ | $1 + \frac{h^2}4$ | $\lvert\lambda\rvert = \sqrt{\det} > 1$: leaves | leaves |
# | in turns, $h < 4$ | $2 - \frac{h^2}4$ | $1$ | $\lvert\lambda\rvert = 1$: circles | may leave |
#
# $$
# \text{it arrives exactly if} \quad \det < 1
# \quad\text{and}\quad \lvert\mathrm{tr}\rvert < 1 + \det .
# $$

# %% [markdown] slideshow={"slide_type": "skip"}
# **Why this rule?** The product of the roots is $\det$. A complex pair has the modulus
# $\sqrt{\det}$, so $\det < 1$ decides. (The other condition then holds by itself.) In turns
# the pair is complex as long as $\mathrm{tr}^2 < 4 \det$, which is $h < 4$. For real
# roots look at the parabola $P(\lambda) = \lambda^2 - \mathrm{tr}\,\lambda + \det$, which opens
# upwards. The second condition says $P(1) > 0$ and $P(-1) > 0$. Between its roots $P$ is
# negative, so neither 1 nor $-1$ lies between them. Then both roots are above 1, or both
# below $-1$, or both in the middle. In the first two cases their product is above 1, and
# $\det < 1$ forbids that.
#
# **What holds near the equilibrium only?** The circles of the game in turns: far away $u$ is
# not $\tfrac12$. From $(1, 1)$ with $h = 2$ it leaves, with eigenvalues of modulus 1 ([why](deeper/06_near_and_far.ipynb)).

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Friction
#
# A pendulum comes to rest by a force against its speed. The speed here is $\psi$, the
# *slope of the logit in $x$*. So punish the discriminator for a slope where the data are:
#
# $$
# \text{R1 penalty:} \qquad \frac\gamma2\;
# \mathbb E_{x \sim p}\left\lVert \nabla_x\, \ell_\psi(x) \right\rVert^2 .
# $$
#
# At the equilibrium the discriminator is flat, so the right place costs nothing. In the
# Dirac-GAN it is $\tfrac\gamma2\psi^2$, with the derivative $\gamma\psi$. In turns:


# %%
def with_friction(theta, psi, h, gamma):
    psi = psi - h * (expit(psi * theta) * theta + gamma * psi)
    return theta + h * expit(psi * theta) * psi, psi


# %% [markdown] slideshow={"slide_type": "skip"}
# In continuous time and near the equilibrium, $\dot\theta = \tfrac12\psi$ and
# $\dot\psi = -\tfrac12\theta - \gamma\psi$. Put the first into the second:
#
# $$
# \ddot\theta + \gamma\,\dot\theta + \tfrac14\,\theta = 0 .
# $$
#
# That is a damped pendulum. Critical damping, the fastest way to rest, is at $\gamma = 1$.

# %% [markdown] slideshow={"slide_type": "subslide"}
# **Predict before you run.** If $\gamma = 1$ is good, what will $\gamma = 3$ do?

# %%
plays = {}
for gamma in (0.2, 1.0, 3.0):
    step = partial(with_friction, gamma=gamma)  # a step with this gamma
    plays[f"γ = {gamma}"] = step, dirac_gan_path(step, start, h, steps=25)
paths_side_by_side(plays, end=2)

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: 25 steps with three weights: still spiralling in, nearly arrived, and creeping
# along psi = 0.*

# %% [markdown]
# **Answer.** It creeps. After one jump the discriminator stays nearly flat, so the generator
# hears little.

# %% [markdown] slideshow={"slide_type": "skip"}
# The eigenvalues say how fast each weight is, near the equilibrium. $M_\psi$ now has
# $1 - h\gamma$ in its lower right corner:


# %% slideshow={"slide_type": "subslide"}
def largest_modulus(gamma, turns):
    M_psi = np.array([[1, 0], [-h / 2, 1 - h * gamma]])
    M = M_theta @ M_psi if turns else M_theta + M_psi - np.eye(2)
    return np.abs(np.linalg.eigvals(M)).max()


gammas = np.linspace(0, 3, 301)
orders = {"both at once": False, "in turns": True}
moduli = {
    name: np.array([largest_modulus(gamma, turns) for gamma in gammas])
    for name, turns in orders.items()
}
moduli_of_friction(gammas, moduli)

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: the largest modulus against gamma. Both curves fall to a sharp lowest point near
# gamma = 1, and climb again.*

# %% tags=["proof", "nbval-check-output"] jupyter={"source_hidden": true} slideshow={"slide_type": "skip"}
# @title From which gamma to which the game arrives, by the rule of trace and determinant
ends = {
    "both at once": (h / 4, 2 / h + h / 8, 1.0),
    "in turns": (0.0, 2 / h - h / 8, 1 - h / 4),
}
fine = np.arange(0.005, 8, 0.01)  # no point of it is an end of an interval
for name, (low, high, best) in ends.items():
    found = np.array([largest_modulus(gamma, orders[name]) for gamma in fine])
    assert np.array_equal(found < 1, (low < fine) & (fine < high))
    assert abs(fine[found.argmin()] - best) < 0.011
    print(f"{name}: {low:.2f} to {high:.2f}, fastest at {best:.2f}.", end=" ")

# %% [markdown] slideshow={"slide_type": "skip"}
# Both at once arrives for $\tfrac h4 < \gamma < \tfrac2h + \tfrac
# h8$: it needs some friction only to make up for Pythagoras. In turns it arrives for
# $0 < \gamma < \tfrac2h - \tfrac h8$. The curve is lowest at $\gamma = 1$ and at
# $1 - \tfrac h4$. [All of it derived](deeper/06_near_and_far.ipynb).
#
# **The weight has a unit.** A logit is a pure number, so its slope is one over a length, and
# $\gamma$ has the unit of $x^2$. In
# centimetres instead of metres the same game needs a $\gamma$ that is 10,000 times as large
# ([and other steps](deeper/06_near_and_far.ipynb)). So a weight is quoted with the size of the data, as in lesson 7.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Another game: moving earth
#
# Here is a heap of earth, and there it is wanted. How far must a grain be carried, on
# average, if no way is wasted? That is the **Wasserstein-1 distance** $W_1$. On a line sort
# both, and carry the first to the first: then no two ways cross. No other pairing is shorter.

# %%
heap, wanted = np.array([2.4, 3.1, 3.9, 5.0, 6.6]), np.array([5.6, 0.6, 3.5, 1.4, 2.8])
W1 = np.abs(np.sort(heap) - np.sort(wanted)).mean()
print(f"sorted {W1:.2f} metres, as written {np.abs(heap - wanted).mean():.2f} metres")
moved_earth(heap, wanted)

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: five grains of a heap above, five places below, joined by arrows that do not
# cross.*

# %% [markdown] slideshow={"slide_type": "skip"}
# Push the heap one metre further. $W_1$ grows by a metre. The Jensen-Shannon divergence stays
# at $\ln 2$, since no grain lies on a wanted place. $W_1$ knows *how far*.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Prices instead of ways
#
# A carrier buys grains at the heap and sells them where they are wanted. The price
# $\ell(x)$ of a place $x$ changes by **at most 1 per metre**. So a grain that is carried $d$
# metres earns at most $d$. On average:
#
# $$
# \mathbb E_{x \sim p}[\ell(x)] - \mathbb E_{x \sim q}[\ell(x)] \;\le\; W_1(p, q),
# \qquad \lvert\ell'\rvert \le 1 .
# $$
#
# The best prices reach $W_1$. A Wasserstein GAN's discriminator looks for them.

# %% [markdown] slideshow={"slide_type": "skip"}
# $p$ are the places where earth is wanted: the data. $q$ is the heap: the fakes.
# ([Why the best prices reach $W_1$](deeper/06_moving_earth.ipynb).)
#
# This is the **Wasserstein GAN** (Arjovsky, Chintala and Bottou, 2017). The
# discriminator, there called a *critic*, is paid its logit itself:
# $V = \mathbb E_p[\ell] - \mathbb E_q[\ell]$. The generator lowers $V$. That lowers $W_1$ *if*
# the critic has found the best prices with a slope of at most 1.
#
# For two numbers $V = \ell(0) - \ell(\theta) = -\psi\theta$. The derivatives are those of the
# GAN with $u = 1$ everywhere. The game is linear, so what matrices say of it holds **everywhere**:
# with $h$ in the place of $\tfrac h2$, it circles in turns for all $h < 2$.
#
# Something has to hold the slope. The usual penalty, WGAN-GP, pulls its *length* to 1:
# $\tfrac\gamma2(\lVert\nabla_x\ell\rVert - 1)^2$. R1 pulls it to 0.


# %%
def wasserstein(theta, psi, h, gamma=0.0, length=0.0):
    pull = gamma * (psi - length * np.sign(psi))  # from gamma/2 (|psi| - length)^2
    psi = psi - h * (theta + pull)
    return theta + h * psi, psi


# %% [markdown] slideshow={"slide_type": "subslide"}
# **Predict before you run.** Which of the three Wasserstein games arrives?
#
# <!-- notes: Ask: what slope does the critic need at the equilibrium, where the fake lies on
# the data? Zero. And which slope does WGAN-GP want? One. -->

# %%
ways = {
    "no penalty": (wasserstein, start),
    "slope to 1": (partial(wasserstein, gamma=0.6, length=1.0), (0.01, 0.01)),
    "slope to 0": (partial(wasserstein, gamma=0.6, length=0.0), start),
}
plays = {
    name: (step, dirac_gan_path(step, place, 0.3, steps=80))
    for name, (step, place) in ways.items()
}
paths_side_by_side(plays, end=2.5)

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: an ellipse; a path from near the equilibrium out to an orbit; a spiral inwards.*

# %% [markdown]
# **Answer.** Only the last. At the equilibrium the critic should be flat, and a pull towards
# slope 1 drives it away from there. But a critic pulled to slope 0 does not measure $W_1$, nor
# does one without a penalty, whose slope passes 1 here.

# %% tags=["proof", "nbval-check-output"] jupyter={"source_hidden": true} slideshow={"slide_type": "skip"}
# @title The ellipse, the orbit, and the package's games
theta, psi = dirac_gan_path(wasserstein, start, 0.3, 1000).T
conic = np.stack([theta**2, psi**2, theta * psi, np.ones_like(theta)])
# All on one conic, but for 1000 steps of rounding at 1e-16; none goes far: an ellipse.
assert np.linalg.svd(conic, compute_uv=False)[-1] < 1e-11
methods = ("wasserstein_alternating", "wasserstein_gp", "wasserstein_alternating")
for (_, path), method, gamma in zip(plays.values(), methods, (0, 0.6, 0.6)):
    assert np.allclose(path, games.dirac_gan_path(method, path[0], 0.3, 80, gamma))
late = dirac_gan_path(*ways["slope to 1"], 0.3, 400)[-100:]
print(f"slope to 1, steps 301 to 400: at least {np.hypot(*late.T).min():.2f} away")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Near and far, by hand
#
# Left is the plane; right, the eigenvalues as crosses.
#
# 1. "GAN, in turns", start at $(0.01, 0.01)$: up to which $h$ does it circle?
# 2. Start at $(1, 1)$: find an $h$ at which it leaves, although the crosses lie *on* the circle.
# 3. Add friction. When does more of it make the game slower?

# %% slideshow={"slide_type": "subslide"}
dirac_explorer()

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: left, the outward spiral of both at once; right, two crosses, 2 % outside the
# dashed circle.*

# %% [markdown] slideshow={"slide_type": "skip"}
# You should find: below $h = 4$; for instance at $h = 2$; beyond $\gamma = 1 - h/4$.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Back to networks
#
# Two networks have two thousand numbers instead of two, minibatches, and Adam's steps. What
# of the pendulum is seen there? The data are two bells, at $\pm 2$.

# %% [markdown] slideshow={"slide_type": "skip"}
# First we watch one game. Two *perfect* samples are not at distance 0 from each other either.
# This **noise floor** stands beside every $W_1$ below.

# %% slideshow={"slide_type": "skip"}
steps = budget(smoke=60, lecture=2_000, full=2_000)
every = budget(smoke=20, lecture=100, full=100)
two_bells = Mixture(np.array([[-2.0], [2.0]]), 0.5)  # means and width
data = two_bells.sample(20_000, seed=10)
fresh = two_bells.sample(5_000, seed=11)
record = read_result("game_ablation")  # games that were played beforehand
floor, often = record["floor"]["mean"], record["floor"]["one_in_20_above"]
print(f"two true samples of 5,000: W1 = {floor:.3f}, one pair in 20 above {often:.3f}")

# %% tags=["setup"] jupyter={"source_hidden": true} slideshow={"slide_type": "skip"}
# @title What `watch` keeps: D on a grid, a histogram of 5,000 fakes, and the fakes
edges = np.linspace(-4, 4, 81)
centres = (edges[:-1] + edges[1:]) / 2
density = np.exp(two_bells.log_prob(centres[:, None]))
watched_z = np.random.default_rng(5).standard_normal((5_000, 1))
grid = torch.as_tensor(centres, dtype=torch.float32)[:, None]
seen = []


@torch.no_grad()
def watch(number):
    fakes = generate(generator, watched_z)[:, 0]
    histogram = np.histogram(fakes, edges, density=True)[0]
    on_grid = torch.sigmoid(discriminator(grid))[:, 0].numpy()
    seen.append((number, on_grid, histogram, fakes))


# %% [markdown] slideshow={"slide_type": "skip"}
# The course's `train_gan` plays a `Game`: two networks, data, and a `Recipe`, which says how a
# batch is played and how long Adam's steps are. (Adam divides each slope by its usual size,
# so its `learning_rate` is no $h$.) After each `every` steps `watch`, folded above, appends
# $D$ and 5,000 fakes to the list `seen`.

# %% slideshow={"slide_type": "skip"}
seed_everything(0)
generator = MLPGenerator(latent_dim=1, hidden=(32, 32), dim=1)
discriminator = MLPDiscriminator(dim=1, hidden=(32, 32))
watch(0)
recipe = Recipe(gan_step, learning_rate=1e-3)
game = Game(generator, discriminator, data, recipe, seed=0)
history = train_gan(game, steps, every=every, watch=watch).require_complete()
at, D, q, fakes = (np.array(column) for column in zip(*seen, strict=True))
for i in (0, 1, 2, 3, -1):
    print(f"{at[i]} steps: {(fakes[i] < 0).mean():.0%} of the fakes left of 0")

# %% [markdown] slideshow={"slide_type": "skip"}
# Three moments:

# %%
chosen = [0, len(at) // 5, -1]
moments([f"{at[i]:,} steps" for i in chosen], centres, D[chosen], density, q[chosen])

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: three moments, D above, densities below: a spike between the grey bells of the
# data, two peaks with a bridge, two peaks of the wrong shape.*

# %% [markdown]
# Both bells are found. The shape is wrong.

# %% [markdown] slideshow={"slide_type": "subslide"}
# Its losses, and below them $W_1$ to true samples:

# %%
losses = {name: history[f"{name}_loss"] for name in ("discriminator", "generator")}
W1 = np.array([wasserstein_distance(points, fresh[:, 0]) for points in fakes])
losses_and_distance(at[1:], losses, W1[1:], often)

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: above, both losses settle on the dotted ln 4 and ln 2. Below, the distance falls
# and then wanders above the grey band.*

# %% [markdown] slideshow={"slide_type": "skip"}
# After some hundred steps the losses are those of the equilibrium, $\ln 4$ and $\ln 2$ nats. The
# samples wander on, above the grey, where 19 in 20 pairs of true samples lie.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Does a network circle, too?
#
# What plays $\theta$ here is the *mean place of the fakes*. What plays $\psi$ is the *tilt* of
# the logit from bell to bell, $\ell(2) - \ell(-2)$.
#
# **Predict before you run.** If the pendulum is in there, which way round will they turn?
#
# <!-- notes: Go back to the first picture: too far right and flat, then the right place and
# falling. On the board: right, then below. So clockwise. -->


# %% tags=["setup"] jupyter={"source_hidden": true} slideshow={"slide_type": "skip"}
# @title A mean and its standard error
def mean_and_error(values):
    return f"{values.mean():6.3f} +- {values.std(ddof=1) / math.sqrt(len(values)):.3f}"


# %% [markdown] slideshow={"slide_type": "skip"}
# These games of 2,000 steps were played beforehand, with twenty seeds
# (`tools/measure/game_ablation.py`). A path sweeps area around its middle. "Clockwise" is
# (area swept clockwise $-$ area swept anticlockwise) / (both together), here over the last 600
# steps: 1 is always clockwise, 0 as much as not, $-1$ always the other way. The spreads are
# those of the last 120 steps.

# %% slideshow={"slide_type": "subslide"}
late = {}
for name, gamma in {"plain": 0, "R1, γ = 1": 1}.items():
    played = record["runs"][f"gamma {gamma}, constant steps"]
    late[name] = np.array(played["0"]["late"])  # of seed 0
    clockwise = np.array([run["clockwise"] for run in played.values()])
    place, tilt = np.array([np.std(run["late"], 1) for run in played.values()]).T
    print(
        f"{name:9} clockwise {mean_and_error(clockwise)}, least {clockwise.min():.2f}"
    )
    print(f"spread of the place {mean_and_error(place)}, tilt {mean_and_error(tilt)}")
place_and_tilt(late)

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: the last 120 steps of two games, from pale to dark. Both run round and round; with R1
# the tilt is smaller.*

# %% [markdown]
# **Answer.** Clockwise, like two numbers, with every seed. R1 halves the tilt, but the fakes
# swing more, and the laps go on. One suspect is the noise of minibatches: it kicks the
# pendulum at each step.

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### Friction for a network
#
# It needs the slope of the logit in $x$, and a graph through which this slope can be trained
# (`create_graph`).


# %% tags=["mirrors"]
def input_gradient(discriminator, x):
    x = x.detach().requires_grad_()
    logits = discriminator(x)
    (gradient,) = torch.autograd.grad(logits.sum(), x, create_graph=True)
    return logits, gradient


def zero_centred_penalty(gradient):
    return gradient.square().flatten(1).sum(1).mean()


# %% [markdown] slideshow={"slide_type": "subslide"}
# The step is lesson 5's `gan_step` with one more term:


# %%
def r1_step(generator, discriminator, real, z, g_optimizer, d_optimizer, gamma=1.0):
    fake = generator(z)
    real_logits, gradient = input_gradient(discriminator, real)
    d_loss = discriminator_loss(real_logits, discriminator(fake.detach()))
    penalty = gamma / 2 * zero_centred_penalty(gradient)
    descend(d_optimizer, d_loss + penalty)
    g_loss = generator_loss(discriminator(fake))
    descend(g_optimizer, g_loss)
    return d_loss.detach(), g_loss.detach()


# %% tags=["proof", "nbval-check-output"] jupyter={"source_hidden": true} slideshow={"slide_type": "skip"}
# @title The penalty of a logit that is known
a, points = torch.tensor([1.0, -0.5]), torch.tensor([[1.0, 2.0], [3.0, 0.0]])
_, gradient = input_gradient(lambda x: x.square() @ a, points)
assert torch.equal(gradient, 2 * a * points)
assert zero_centred_penalty(gradient) == (4 + 4 + 36 + 0) / 2
print("The slope of a_j x_j^2 is 2 a_j x_j, and the penalty is its mean square.")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Friction and falling steps, seed by seed
#
# Friction works against circling. Steps that fall, here by a factor of 100, work against the
# noise of minibatches. Each alone, both, neither: four recipes, many seeds.
#
# **Predict before you run.** Which recipe ends nearest to the data? Which scatters most?
#
# <!-- notes: Collect an order of the four on the board. Ask what falling steps do to a game
# that has gone wrong by then. -->

# %% [markdown] slideshow={"slide_type": "skip"}
# The seeds are taken as they come, from 0. Games of one seed begin with the same networks
# and see the same batches, so what counts is the scatter of their *differences*. Each $W_1$ is
# a mean over the last fifth of a game.

# %% slideshow={"slide_type": "subslide"}
recipes = {
    "plain": "gamma 0, constant steps",
    "R1": "gamma 1, constant steps",
    "falling steps": "gamma 0, falling steps",
    "both": "gamma 1, falling steps",
}
runs = {name: list(record["runs"][key].values()) for name, key in recipes.items()}
distances = {name: np.array([run["w1"] for run in runs[name]]) for name in recipes}
print(f"{len(runs['plain'])} seeds       W1                nearer than plain")
for name, values in distances.items():
    nearer = mean_and_error(distances["plain"] - values)
    print(f"{name:13} {mean_and_error(values)}   {nearer}")
runs_of_recipes(distances, floor, often)

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: a dot a game, and the mean of each recipe with its error; none reaches the grey.*

# %% [markdown]
# **Answer.** Both together: it leads plain by five standard errors, and ends more than five
# floors away. R1 alone cannot be told from plain: one standard error. Falling steps alone scatter
# most. None of the four makes this game settle on the data.

# %% tags=["proof", "nbval-check-output"] jupyter={"source_hidden": true} slideshow={"slide_type": "skip"}
# @title How much of it is shares, how much shape
evenly = np.array([[run["w1_equal_shares"] for run in runs[name]] for name in runs])
both = [k for k in range(evenly.shape[1]) if None not in evenly[:, k]]
alike = evenly[:, both].astype(float)  # seeds with fakes in both bells
pairs = dict(zip(runs, alike[0] - alike))
del pairs["plain"]
rest = ",".join(f" {name} {mean_and_error(row)}" for name, row in pairs.items())
print(f"W1 with equal shares, nearer than plain, {len(both)} seeds:{rest}")

# %% [markdown] slideshow={"slide_type": "skip"}
# The bells are 4 apart, so 5 % of the fakes in the wrong bell add about 0.2 to $W_1$. Weigh the
# fakes so that each bell has half. (The folded cell above prints what is left, without the seed
# that lost a bell.) Then the *shape* is better with both cures only. [Two numbers that are kicked](deeper/06_near_and_far.ipynb) are like this
# in part. This is one weight, one schedule and one problem.

# %% [markdown] slideshow={"slide_type": "skip"}
# ## What could go wrong
#
# - **An eigenvalue believed too far out.** It speaks of the neighbourhood only.
# - **Too much friction**, or a weight copied to data of another size.
# - **Stopping by the losses**: they rest while the samples wander on.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Summary
#
# 1. Each player answers a quarter of a lap late: they circle.
# 2. Both at once, it grows; in turns, near the equilibrium, it stays.
# 3. The right friction, a penalty on the slope, brings two numbers home.
# 4. The Wasserstein game moves earth, and circles too.
# 5. Networks circle; friction with falling steps comes nearest, without arriving.

# %% [markdown] slideshow={"slide_type": "skip"}
# ## Exercises
#
# [The set of this lesson](exercises/06_game_settles.ipynb) has stubs to fill in, and checks
# that answer. The questions here have none.
#
# 1. *Easy, 10 minutes.* Let the generator go first: change `in_turns`, and draw its path. What
#    does the order change, and what not? Compare the traces of $M_\theta M_\psi$ and
#    $M_\psi M_\theta$.
# 2. *Medium, 30 minutes.* Give the discriminator $k$ moves for each of the generator's:
#    the matrix is $M_\theta M_\psi^k$. Find trace and determinant, and the largest $h$, for
#    $k = 2$. Does a stronger discriminator help?
# 3. *Hard, 60 minutes.* Optimism: each player uses $2g_n - g_{n-1}$ in place of its slope $g_n$.
#    The state has four numbers, $\theta$, $\psi$ and the two slopes of the step before. Write
#    the matrix for $u = \tfrac12$, both at once. Show by its eigenvalues that for small $h$ this
#    arrives without any penalty.

# %% [markdown] slideshow={"slide_type": "skip"}
# ## References
#
# - L. Mescheder, A. Geiger and S. Nowozin, *Which Training Methods for GANs do actually
#   Converge?*, 2018, [arXiv:1801.04406](https://arxiv.org/abs/1801.04406).
# - M. Arjovsky, S. Chintala and L. Bottou, *Wasserstein GAN*, 2017,
#   [arXiv:1701.07875](https://arxiv.org/abs/1701.07875).
