# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Deeper: two players, near their equilibrium and far from it
#
# Open in [Colab](https://colab.research.google.com/github/generative-models/executed/blob/v0.2.0/notebooks/deeper/06_near_and_far.ipynb) or on [Binder](https://mybinder.org/v2/gh/generative-models/executed/v0.2.0?urlpath=lab/tree/notebooks/deeper/06_near_and_far.ipynb).
#
# [Lesson 6](../06_game_settles.ipynb) says where a game of two numbers arrives, circles or
# leaves. Here the statements are derived, and checked by differentiating the steps
# themselves. Then the cases that the lesson leaves out: how long a departure takes, what
# happens exactly at the largest step, why modulus 1 says little, and where the unit of the
# penalty's weight comes from.

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
# @title Set-up: libraries, closed forms, the games of two numbers
import math

import numpy as np
import torch
from scipy import stats
from scipy.special import expit
from torch.func import grad, jacrev

from course_utils.budget import budget
from course_utils.data.mixtures import Mixture
from course_utils.exact.games import (
    dirac_gan_eigenvalues,
    dirac_gan_path,
    dirac_gan_step,
    jensen_shannon,
)
from course_utils.figures.phase_plane import paths_side_by_side
from course_utils.figures.style import use_course_style
from course_utils.pytorch.device import seed_everything
from course_utils.pytorch.game import Game
from course_utils.pytorch.gan import (
    discriminator_loss,
    generate,
    generator_loss,
    real_penalty_step,
)
from course_utils.pytorch.networks import MLPDiscriminator, MLPGenerator
from course_utils.pytorch.training import train_gan
from course_utils.records.recipes import Recipe, falling

use_course_style()
steps = budget(smoke=20, lecture=300, full=2_000)

# %% [markdown]
# ## A bowl under each player
#
# Two numbers play for $V(\theta, \psi) = \tfrac a2\theta^2 + \theta\psi - \tfrac a2\psi^2$.
# The generator steps down its slope, the discriminator up its own, both at once, with steps
# of size $h$. For $a > 0$, $V$ is convex in $\theta$ and concave in $\psi$: each player has a
# bowl to settle in. For $a = 0$ the game is **bilinear**, which near its equilibrium the
# GAN is, too. A step is a matrix, with eigenvalues of modulus $\sqrt{(1 - ha)^2 + h^2}$.

# %% tags=["nbval-check-output"]
h = 0.2
for a in (1.0, 0.0):
    slopes = np.array([[-a, -1.0], [1.0, -a]])  # minus V's slope, plus V's slope
    modulus = np.abs(np.linalg.eigvals(np.eye(2) + h * slopes)).max()
    assert math.isclose(modulus, math.hypot(1 - h * a, h), rel_tol=1e-12)
    print(f"a = {a:.0f}: modulus {modulus:.4f}, after 100 steps x {modulus**100:.2g}")

# %% [markdown]
# With bowls the game arrives. Without, it turns and leaves.
#
# There is a well-known guarantee (Goodfellow et al., 2014, proposition 2): with enough
# capacity, and if the discriminator is at its best each time, the procedure converges. It
# rests on $\max_D V$ being convex in the generator's *density*. In the generator's
# *parameters* it need not be. For two normals of width 1 at a distance $\theta$ it is
# $2\,\mathrm{JSD} - \log 4$ (lesson 5). Where is that convex?

# %%
p, thetas = stats.norm(0, 1), np.linspace(-2, 6, 41)
against_best = [2 * jensen_shannon(p, stats.norm(t, 1)) - math.log(4) for t in thetas]
convex = thetas[1:-1][np.diff(against_best, 2) > 0]
assert np.all(np.diff(convex) < 0.21)  # one piece, around the solution
assert convex.min() <= 0 <= convex.max()
print(f"max_D V is convex in theta from {convex.min():.1f} to {convex.max():.1f} only")

# %% [markdown]
# Only near the solution, even for a game as simple as this one.

# %% [markdown]
# ## The matrices, by differentiating the steps
#
# Here is a step of the Dirac-GAN built from the two losses of lesson 5. `grad` and `jacrev`
# differentiate functions. The generator's loss may be the game's ("saturating") or the one
# that everybody trains ("non_saturating").


# %%
def dirac_step(point, h, alternating=False, gamma=0.0, kind="saturating"):
    def d_loss(psi, theta):
        return discriminator_loss(psi * 0, psi * theta) + gamma / 2 * psi**2

    def g_loss(theta, psi):
        return generator_loss(psi * theta, kind)

    theta, psi = point
    new_psi = psi - h * grad(d_loss)(psi, theta)
    seen = new_psi if alternating else psi
    return torch.stack([theta - h * grad(g_loss)(theta, seen), new_psi])


def jacobian(h, **how):
    origin = torch.zeros(2, dtype=torch.float64)
    return jacrev(lambda point: dirac_step(point, h, **how))(origin).numpy()


# %% [markdown]
# And the matrices on paper, the lesson's with any $u$:


# %%
def on_paper(h, alternating=False, gamma=0.0, u=0.5):
    M_theta = np.array([[1, h * u], [0, 1]])
    M_psi = np.array([[1, 0], [-h * u, 1 - h * gamma]])
    return M_theta @ M_psi if alternating else M_theta + M_psi - np.eye(2)


# %% [markdown]
# The step agrees with the exact one, and its Jacobian with the lesson's matrices, for both
# losses of the generator. Away from the equilibrium the two losses part: with the
# non-saturating one the generator's $u$ is $\mathrm{sigmoid}(-\psi\theta)$.

# %% tags=["nbval-check-output"]
point = torch.tensor([0.7, -0.4], dtype=torch.float64)
for method, alternating in (("simultaneous", False), ("alternating", True)):
    step_here = dirac_step(point, 0.3, alternating).numpy()
    assert np.allclose(step_here, dirac_gan_step(method, *point, 0.3), rtol=1e-12)
    other = dirac_step(point, 0.3, alternating, kind="non_saturating").numpy()
    assert abs(other - step_here).max() > 0.01
    for h in (0.3, 1.0, 3.0, 5.0):
        for gamma in (0.0, 0.2, 0.6, 2.0):
            J = on_paper(h, alternating, gamma)
            for kind in ("saturating", "non_saturating"):
                how = {"alternating": alternating, "gamma": gamma, "kind": kind}
                assert np.allclose(jacobian(h, **how), J, atol=1e-13)
        J = on_paper(h, alternating)
        moduli = np.sort(np.abs(np.linalg.eigvals(J)))
        trace, determinant = np.trace(J), np.linalg.det(J)
        print(
            f"{method:12} h = {h}: tr {trace:6.3f}, det {determinant:.4f}, "
            f"moduli {moduli.round(4)}"
        )

# %% [markdown]
# ## The rule of trace and determinant
#
# Both eigenvalues of a real two by two matrix lie inside the circle of modulus 1 **exactly if
# $\det < 1$ and $\lvert\mathrm{tr}\rvert < 1 + \det$.** They are the roots of
# $P(\lambda) = \lambda^2 - \mathrm{tr}\,\lambda + \det$, and the second condition says
# that $P(1) > 0$ and $P(-1) > 0$.
#
# - *A complex pair* has the modulus $\sqrt{\det}$, so it is inside exactly if $\det < 1$. $P$
#   has no real root and opens upwards, so $P(\pm 1) > 0$ holds anyway.
# - *Two real roots inside* $(-1, 1)$ have a product below 1, and $P$ is positive outside of
#   them, so at $\pm 1$. The other way round: if $P(\pm 1) > 0$, then neither $1$ nor $-1$ lies
#   between the roots. So both roots lie between $-1$ and $1$, or both above $1$, or both below
#   $-1$. In the last two cases the product is above 1. If $\det < 1$, only the first is left.

# %% tags=["proof", "nbval-check-output"] jupyter={"source_hidden": true}
# @title The rule on 100,000 matrices
many = np.random.default_rng(0).normal(size=(100_000, 2, 2))
inside = np.abs(np.linalg.eigvals(many)).max(1) < 1
trace, determinant = np.trace(many, axis1=1, axis2=2), np.linalg.det(many)
assert np.array_equal(inside, (determinant < 1) & (np.abs(trace) < 1 + determinant))
print(f"The rule is right for all of them; {inside.mean():.0%} arrive.")

# %% [markdown]
# ### Friction, between which ends?
#
# With the R1 penalty and $u = \tfrac12$:
#
# | steps | tr | det | arrives for | fastest at |
# |---|---|---|---|---|
# | both at once | $2 - h\gamma$ | $1 - h\gamma + \tfrac{h^2}4$ | $\tfrac h4 < \gamma < \tfrac2h + \tfrac h8$ | $\gamma = 1$ |
# | in turns | $2 - h\gamma - \tfrac{h^2}4$ | $1 - h\gamma$ | $0 < \gamma < \tfrac2h - \tfrac h8$ | $\gamma = 1 - \tfrac h4$ |
#
# $\det < 1$ gives the lower ends. $\mathrm{tr} < 1 + \det$ always holds: the difference is
# $\tfrac{h^2}4$ for both. $-\mathrm{tr} < 1 + \det$ gives the upper ends. As long as the
# roots are complex their modulus $\sqrt{\det}$ falls with $\gamma$. Once they are real, the
# larger one rises with $\gamma$. So the fastest place is where they meet, at
# $\mathrm{tr}^2 = 4\det$. That gives $\gamma = 1$ and $\gamma = 1 - \tfrac h4$, and a modulus of
# $1 - \tfrac h2$ in either order (for $h < 2$).

# %% tags=["nbval-check-output"]
h = 0.3
claims = {
    "simultaneous": (h / 4, 2 / h + h / 8, 1.0),
    "alternating": (0.0, 2 / h - h / 8, 1 - h / 4),
}
fine = np.arange(0.01, 8, 0.02)  # no point of it is an end of an interval
for method, (low, high, best) in claims.items():
    J = [on_paper(h, method == "alternating", gamma) for gamma in fine]
    moduli = np.abs(np.linalg.eigvals(J)).max(1)
    assert np.array_equal(moduli < 1, (low < fine) & (fine < high))
    at_best = np.abs(dirac_gan_eigenvalues(method, h, best)).max()
    # both roots meet there: float64 splits them by the root of its rounding
    assert abs(at_best - (1 - h / 2)) < 1e-7
    assert moduli.min() > at_best - 1e-7
    print(f"{method:12} arrives for gamma in ({low:.3f}, {high:.3f}), ", end="")
    print(f"fastest at {best:.3f}: modulus {at_best:.4f}")

# %% [markdown]
# ## How long does a departure take?
#
# Both at once, the radius grows by $\sqrt{1 + h^2/4}$ at each step near the equilibrium. How
# many steps double it, and how much time $h \times$ steps?

# %% tags=["nbval-check-output"]
for h in (0.2, 0.1, 0.05):
    modulus = np.abs(dirac_gan_eigenvalues("simultaneous", h)).max()
    doubling = math.log(2) / math.log(modulus)
    print(f"h = {h:4}: {doubling:5.0f} steps to double, time {h * doubling:.0f}")
    # ln sqrt(1 + h^2/4) = h^2/8, less a share of h^2/8
    assert math.isclose(math.log(modulus), h**2 / 8, rel_tol=h**2 / 7)

# %% [markdown]
# Half the step takes four times as many steps, which is twice the time. Smaller steps put
# the departure off. None prevents it.

# %% [markdown]
# ## Exactly at the largest step
#
# In turns the game circles near its equilibrium for $hu < 2$. At $hu = 2$ itself both
# eigenvalues are $-1$. Does it circle? The matrix is not $-1$ times the identity, and its
# powers grow:

# %% tags=["nbval-check-output"]
J = on_paper(4.0, alternating=True)
assert np.array_equal((J + np.eye(2)) @ (J + np.eye(2)), np.zeros((2, 2)))  # double: -1
for n in (10, 100, 1000):
    power = np.linalg.matrix_power(J, n)
    grown = [np.hypot(*power @ start) / np.hypot(*start) for start in ([1, 0], [1, 1])]
    print(f"{n:4} steps: from (1, 0) x {grown[0]:.0f}, from (1, 1) x {grown[1]:.0f}")

# %% [markdown]
# It leaves, in proportion to the number of steps, from everywhere but the diagonal. The
# explorer starts on the diagonal: that is why its path stays.

# %% [markdown]
# ## What modulus 1 does not say
#
# A modulus above 1 drives a game out, one below 1 draws it in, as long as it is close enough.
# A modulus of exactly 1 says only that the *linear* part does neither. In the Wasserstein game
# there is no other part. In the GAN there is, and steps in turns no longer keep areas. By
# the chain rule a step multiplies them by
#
# $$
# (1 - h\,\dot u(\psi\theta)\,\theta^2)\,(1 + h\,\dot u(\psi'\theta)\,\psi'^2) , \qquad
# \dot u(s) = \mathrm{sigmoid}(s)\,\mathrm{sigmoid}(-s) ,
# $$
#
# where $\psi'$ is the new $\psi$.

# %%
place, h = np.array([1.0, 1.0]), 2.0
new_psi = dirac_gan_step("alternating", *place, h)[1]
bend = [expit(s) * expit(-s) for s in (place.prod(), new_psi * place[0])]
area = (1 - h * bend[0] * place[0] ** 2) * (1 + h * bend[1] * new_psi**2)
tensor = torch.from_numpy(place)
autograd = torch.linalg.det(jacrev(lambda at: dirac_step(at, h, True))(tensor)).item()
assert math.isclose(area, autograd, rel_tol=1e-9)
print(f"at (1, 1), h = {h}: an area is multiplied by {area:.3f}")

# %% [markdown]
# So nothing holds the game on a closed orbit. Does it stay?

# %%
farthest = {}
for h in (0.1, 0.3, 0.5, 1.0, 2.0):
    for start in (1.0, 0.01):
        path = dirac_gan_path("alternating", (start, start), h, 2000)
        radius = np.hypot(*path.T) / np.hypot(start, start)
        farthest[h, start] = radius[:81].max(), radius.max()
    (far_80, far), (_, near) = farthest[h, 1.0], farthest[h, 0.01]
    print(
        f"h = {h}: from (1, 1) x {far_80:.2f} in 80 steps, x {far:.2f} in 2000;"
        f" from (0.01, 0.01) x {near:.3f} in 2000"
    )
assert all(far[1] < 1.001 for (_, start), far in farthest.items() if start < 1)
assert farthest[0.1, 1.0][1] < 1.01
assert farthest[2.0, 1.0][0] > 3

# %% [markdown]
# Close to the equilibrium, or with a small step, the GAN in turns circles for as long as we
# looked. From $(1, 1)$ with a large step it leaves its orbit, although the eigenvalues are
# the same. A picture of both, with $h = 2$; in the right panel places are enlarged a
# hundredfold.


# %%
def in_turns(theta, psi, h, zoom=1.0):
    new = dirac_gan_step("alternating", theta / zoom, psi / zoom, h)
    return zoom * new[0], zoom * new[1]


# %% [markdown]
# Both, side by side:

# %%
plays = {
    "from (1, 1)": (in_turns, dirac_gan_path("alternating", (1, 1), 2.0, 80)),
    "from (0.01, 0.01), × 100": (
        lambda theta, psi, h: in_turns(theta, psi, h, 100),
        100 * dirac_gan_path("alternating", (0.01, 0.01), 2.0, 80),
    ),
}
paths_side_by_side(plays, end=6)

# %% [markdown]
# *Figure: left, long jumps that leave the neighbourhood of the cross; right, jumps that stay
# on a closed orbit.*

# %% [markdown]
# ## A pendulum that is kicked
#
# The games of the lesson have no noise. A network's have: each minibatch is another sample,
# and kicks both players. What do friction and falling steps do for two numbers that are
# kicked? A thousand games in turns, near the equilibrium, each with its own kicks of
# standard deviation 0.3 on both slopes, from a distance of 1.


# %%
def kicked(h_of_step, gamma, games=1_000, kick=0.3):
    rng = np.random.default_rng(0)
    theta, psi = np.ones(games), np.zeros(games)
    for h in h_of_step:
        for_psi, for_theta = kick * rng.standard_normal((2, games))
        psi = psi + h * (-theta / 2 - gamma * psi + for_psi)
        theta = theta + h * (psi / 2 + for_theta)
    return np.sqrt(np.mean(theta**2 + psi**2))


# %% [markdown]
# Four recipes, with steps of 0.1, or falling from there to 0.001:

# %%
constant, falls = np.full(2_000, 0.1), falling(0.1, 0.001, 2_000)
distances = {
    "plain": kicked(constant, 0.0),
    "R1": kicked(constant, 1.0),
    "falling steps": kicked(falls, 0.0),
    "both": kicked(falls, 1.0),
}
for name, distance in distances.items():
    print(f"{name:13} {distance:.3f} from the equilibrium (root mean square)")
assert distances["both"] < distances["R1"] < distances["falling steps"]
assert distances["falling steps"] < distances["plain"]

# %% [markdown]
# Without friction the kicks add up, like a random walk. Smaller steps make smaller kicks and
# stop the walk where it has come to: the distance *freezes in*. With friction the kicks and
# the damping balance at a distance that shrinks with the step. Both together go to zero.
# This is a model with two numbers, and no proof for networks. It says what one may look for
# there.

# %% [markdown]
# ## The unit of the weight
#
# Count $x$ in another unit, so that all lengths are $c$ times as large. Then $\theta$ is $c$
# times as large, and $\psi$, one over a length, $c$ times smaller. The generator's slope
# $-\partial V/\partial\theta$ is one over a length, and a step of it must be a length, so the
# generator's $h$ has the unit of $x^2$ and the discriminator's of $1/x^2$. Both players can
# have the *same* $h$ in one unit only. In the penalty $\tfrac\gamma2\psi^2$ the weight must grow
# by $c^2$, to stay a pure number like $V$.
#
# The same for networks. The course's small ones have a `scale`, by which the discriminator
# divides its input and the generator multiplies its output. So they see the same numbers,
# and Adam takes the same steps, whatever the unit. A game with all lengths 16 times as large
# and $\gamma$ 256 times as large must give the same fakes, 16 times as large. (Powers of 2,
# so that rounding is the same.)


# %%
def played(scale, gamma):
    seed_everything(0)
    bells = Mixture(np.array([[-2.0], [2.0]]) * scale, 0.5 * scale)
    generator = MLPGenerator(latent_dim=1, hidden=(32, 32), dim=1, scale=scale)
    discriminator = MLPDiscriminator(dim=1, hidden=(32, 32), scale=scale)
    recipe = Recipe(real_penalty_step(gamma))
    game = Game(generator, discriminator, bells.sample(5_000, seed=1), recipe, seed=0)
    train_gan(game, steps, every=steps).require_complete()
    return generate(generator, np.linspace(-2, 2, 9)[:, None])[:, 0] / scale


# %% [markdown]
# One game as it is, one in the other unit, and one in which the weight was forgotten:

# %%
same, rescaled, forgotten = played(1, 1.0), played(16, 256.0), played(16, 1.0)
assert np.allclose(same, rescaled, rtol=1e-4, atol=1e-5)
print(f"gamma x 256: fakes differ by {np.abs(rescaled - same).max():.1g}")
print(f"gamma as it was: fakes differ by {np.abs(forgotten - same).max():.2g}")

# %% [markdown]
# ## References
#
# - L. Mescheder, A. Geiger and S. Nowozin, *Which Training Methods for GANs do actually
#   Converge?*, 2018, [arXiv:1801.04406](https://arxiv.org/abs/1801.04406).
# - I. Goodfellow et al., *Generative Adversarial Nets*, 2014,
#   [arXiv:1406.2661](https://arxiv.org/abs/1406.2661).
# - E. Hairer, C. Lubich and G. Wanner, *Geometric Numerical Integration*, Springer 2006: why
#   leapfrog keeps areas, and what follows.
