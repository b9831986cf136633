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

# %% [markdown]
# ## You will be able to
#
# - decide from the trace and determinant of a matrix whether a game of gradient steps
#   leaves, circles or arrives near its equilibrium, and say what that leaves open far
#   from it;
# - say what the order of the two players' steps changes;
# - say what a gradient penalty does, and how much of it is too much;
# - watch a small GAN, measure how far its samples are from the data, and name a third game
#   whose losses look like success and are none.

# %% [markdown] slideshow={"slide_type": "skip"}
# ## Before you start
#
# You need lesson 5: the game, its equilibrium, the two losses and the training step. And
# you need the eigenvalues of a two by two matrix. On two CPU cores this lesson runs in
# about a minute. Nothing is downloaded.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The question
#
# The equilibrium of the GAN game is known, and so is a step of its two players. Each step
# changes what the other player has to learn. **Do such steps lead to the equilibrium? And
# if they do not, what brings them there?**

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

# %% [markdown] slideshow={"slide_type": "skip"}
# ## Set-up
#
# The networks, the losses and the plain step come from lesson 5. The names that this lesson
# defines are missing here on purpose.

# %% slideshow={"slide_type": "skip"}
import math

import matplotlib.pyplot as plt
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
from course_utils.figures.game_frames import draw_field, draw_path
from course_utils.figures.style import COLOURS, use_course_style
from course_utils.metrics.modes import wasserstein_1d
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
from course_utils.records.recipes import Recipe, falling
from course_utils.widgets.games import dirac_explorer, dirac_field, game_player

use_course_style()

# %% [markdown] slideshow={"slide_type": "skip"}
# All sizes stand in one cell. `COURSE_BUDGET` picks a column; the saved outputs are those
# of `lecture`.

# %% slideshow={"slide_type": "skip"}
steps = budget(smoke=60, lecture=2_000, full=30_000)
every = budget(smoke=20, lecture=100, full=1_000)
seeds = budget(smoke=1, lecture=3, full=10)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Does the game converge?
#
# ### Convex, and not
#
# Two numbers play for $V(\theta, \psi) = \tfrac a2 \theta^2 + \theta\psi - \tfrac a2
# \psi^2$. The generator steps down its slope, the discriminator up its own: simultaneous
# steps of size $h$. For $a > 0$, $V$ is convex in $\theta$ and concave in $\psi$. For $a = 0$ it
# is **bilinear**. A step is a matrix times $(\theta, \psi)$, and powers of a matrix grow or
# die by the moduli of its eigenvalues.

# %% tags=["nbval-check-output"]
h = 0.2
for a in (1.0, 0.0):
    pulls_matrix = np.array([[-a, -1.0], [1.0, -a]])  # minus V's slope, plus V's slope
    modulus = np.abs(np.linalg.eigvals(np.eye(2) + h * pulls_matrix)).max()
    assert math.isclose(modulus, math.hypot(1 - h * a, h), rel_tol=1e-12)
    print(f"a = {a:.0f}: modulus {modulus:.4f}, after 100 steps x {modulus**100:.2g}")

# %% [markdown] slideshow={"slide_type": "subslide"}
# With a bowl under each player the game arrives. Without, it turns, and each step carries
# it a little further out.
#
# > **The lecture quotes a guarantee:** if $\max_D V$ is convex in the generator's parameters,
# > the procedure converges. That speaks of a generator whose opponent is the *best*
# > discriminator each time. And is it convex? For two normals of width 1 at a distance
# > $\theta$ it is $2\,\mathrm{JSD} - \log 4$ (lesson 5), which is convex only near the
# > solution, as the next cell finds.

# %%
p, thetas = stats.norm(0, 1), np.linspace(-2, 6, 81)
against_best = [2 * jensen_shannon(p, stats.norm(t, 1)) - math.log(4) for t in thetas]
curvature = np.diff(against_best, 2)
convex = thetas[1:-1][curvature > 0]
print(f"max_D V is convex in theta from {convex.min():.1f} to {convex.max():.1f} only")
assert convex.min() > -1.95 or convex.max() < 5.85  # not all that we looked at
assert np.all(np.diff(convex) < 0.11)  # one piece, around the solution
assert convex.min() <= 0 <= convex.max()

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### The smallest GAN
#
# The data are a single point, 0. The generator is a single point, $\theta$. The
# discriminator has one parameter: its logit is $\ell(x) = \psi x$. Mescheder, Geiger and
# Nowozin (2018) call it the **Dirac-GAN**. Its value is
#
# $$
# V(\theta, \psi) = \log D(0) + \log(1 - D(\theta)) = -\log 2 - \log (1 + e^{\psi\theta}) .
# $$
#
# The equilibrium is $\theta = \psi = 0$. The slopes are
#
# $$
# -\frac{\partial V}{\partial \theta} = \; u\,\psi , \qquad
# \frac{\partial V}{\partial \psi} = -u\,\theta , \qquad u = \mathrm{sigmoid}(\psi\theta).
# $$

# %% [markdown]
# In this section both players play for $V$, so that the generator has the saturating loss.
# (With the non-saturating one of `gan_step` the generator's $u$ is
# $\mathrm{sigmoid}(-\psi\theta)$. Both are $\tfrac12$ where $\psi\theta = 0$, so the two
# games agree *near the equilibrium* and go different ways far from it.)
#
# At each place the push $(u\psi, -u\theta)$ stands at a right angle to $(\theta, \psi)$. In
# continuous time the game therefore runs on a **circle**: $\theta^2 + \psi^2$ is
# conserved, like the energy of a pendulum without friction. A finite simultaneous step, in a
# direction at right angles to the radius, leads *outwards*, by Pythagoras:
#
# $$
# \theta'^2 + \psi'^2 = (1 + h^2 u^2)\,(\theta^2 + \psi^2) .
# $$
#
# That is exact, everywhere and for every step size $h$.

# %% tags=["nbval-check-output"] slideshow={"slide_type": "subslide"}
h = 0.3
path = dirac_gan_path("simultaneous", (1.0, 1.0), h, 100)
u = expit(path[:, 0] * path[:, 1])
radius = np.hypot(*path.T)
assert np.allclose(
    radius[1:] ** 2, (1 + h**2 * u[:-1] ** 2) * radius[:-1] ** 2, rtol=1e-12
)
print("radius after 0, 50, 100 steps:", radius[[0, 50, 100]].round(3))

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### Alternating steps
#
# At the equilibrium $u = \tfrac12$. In the **Wasserstein GAN** the discriminator (there
# called a critic) is paid its logit itself, $V = \ell(0) - \ell(\theta) = -\psi\theta$, and
# $u = 1$ everywhere. So it is the bilinear game. Let the generator answer the *new* $\psi$:
#
# $$
# \psi' = \psi - h\theta, \qquad \theta' = \theta + h\psi' .
# $$
#
# Each line shears the plane, and shears keep areas. That is the **leapfrog** that keeps
# planets on their orbits in simulations (in its plainest form, symplectic Euler), and it
# has a conserved quantity too, $\theta^2 + \psi^2 - h\,\theta\psi$. Its level lines are
# ellipses as long as $h < 2$. (Beyond, they are hyperbolas, which lead away.)

# %% tags=["nbval-check-output"] slideshow={"slide_type": "subslide"}
path = dirac_gan_path("wasserstein_alternating", (1.0, 1.0), h, 1000)
theta, psi = path.T
ellipse = theta**2 + psi**2 - h * theta * psi
print("ellipse:", ellipse[[0, 500, 1000]].round(9))
assert np.allclose(ellipse, ellipse[0], rtol=1e-11)  # 1000 steps of rounding at 1e-16

corners = np.array([[1.0, 1.0], [1.1, 1.0], [1.0, 1.1]])  # two sides of area 0.01
moved = np.stack(dirac_gan_step("wasserstein_alternating", *corners.T, h), 1)
area = np.linalg.det(moved[1:] - moved[0])
print(f"area before 0.01, after {area:.6f}")
assert math.isclose(area, 0.01, rel_tol=1e-12)


# %% [markdown] slideshow={"slide_type": "subslide"}
# For the Wasserstein game that settles it: alternating steps with $h < 2$ neither arrive nor
# leave. They circle forever. The lecture warns of players who *chase one another around
# indefinitely*: here they are.
#
# ### Two eigenvalues decide, near the equilibrium
#
# The GAN's $u$ changes from place to place. Close to the equilibrium, where $u = \tfrac12$,
# a step is a matrix again, its Jacobian. For the Wasserstein game the same matrices, with
# $u = 1$, hold everywhere. Put the new $\psi$ into the line for $\theta'$ and read off:
#
# $$
# J_{\text{simultaneous}} = \begin{pmatrix} 1 & hu \\ -hu & 1 \end{pmatrix}, \qquad
# J_{\text{alternating}} = \begin{pmatrix} 1 - h^2u^2 & hu \\ -hu & 1 \end{pmatrix} .
# $$

# %% [markdown] slideshow={"slide_type": "subslide"}
# The eigenvalues follow from the trace $t$ and the determinant $d$:
# $\lambda = \tfrac t2 \pm \sqrt{\tfrac{t^2}4 - d}$. Their product is $d$. If $t^2 < 4d$ they
# are a complex pair, and each has the modulus $\sqrt d$.
#
# | steps | $t$ | $d$ | so |
# |---|---|---|---|
# | simultaneous | $2$ | $1 + h^2u^2$ | a pair of modulus $\sqrt{1 + h^2u^2} > 1$, for every $h$ |
# | alternating, $hu < 2$ | $2 - h^2u^2$ | $1$ | a pair of modulus 1 |
# | alternating, $hu > 2$ | below $-2$ | $1$ | two real ones with product 1: one is beyond $-1$ |
#
# We do not take the paper's word. Here is a step of the Dirac-GAN in PyTorch, built from
# the two losses of lesson 5. `grad` and `jacrev` differentiate functions. The terms with
# `gamma` are for later.


# %% slideshow={"slide_type": "subslide"}
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


def on_paper(h, alternating=False, gamma=0.0, u=0.5):
    shrink = 1 - h * gamma
    if alternating:
        return np.array([[1 - h**2 * u**2, h * u * shrink], [-h * u, shrink]])
    return np.array([[1, h * u], [-h * u, shrink]])


# %% [markdown]
# Its step agrees with the exact one, and its Jacobian with the matrices on paper, for both
# losses of the generator. Away from the equilibrium the two losses part.

# %% tags=["nbval-check-output"] slideshow={"slide_type": "subslide"}
point = torch.tensor([0.7, -0.4], dtype=torch.float64)
for method, alternating in (("simultaneous", False), ("alternating", True)):
    step_here = dirac_step(point, 0.3, alternating).numpy()
    assert np.allclose(step_here, dirac_gan_step(method, *point, 0.3), rtol=1e-12)
    other = dirac_step(point, 0.3, alternating, kind="non_saturating").numpy()
    assert abs(other - step_here).max() > 0.01
    for h in (0.3, 1.0, 3.0, 5.0):
        J = on_paper(h, alternating)
        for kind in ("saturating", "non_saturating"):
            found = jacobian(h, alternating=alternating, kind=kind)
            assert np.allclose(found, J, atol=1e-14)
        moduli = np.sort(np.abs(np.linalg.eigvals(J)))
        theirs = np.abs(dirac_gan_eigenvalues(method, h))
        assert np.allclose(moduli, np.sort(theirs), atol=1e-9)
        t, d = np.trace(J), np.linalg.det(J)
        print(f"{method:12} h = {h}: t {t:6.3f}, d {d:.4f}, moduli {moduli.round(4)}")

# %% [markdown] slideshow={"slide_type": "subslide"}
# At $hu = 2$ itself both eigenvalues of the alternating step are $-1$. Does it circle? The
# matrix is not $-1$ times the identity, and its powers grow:

# %% tags=["nbval-check-output"]
J = on_paper(4.0, alternating=True)
assert np.array_equal((J + np.eye(2)) @ (J + np.eye(2)), np.zeros((2, 2)))  # double: -1
for n in (10, 100, 1000):
    power = np.linalg.matrix_power(J, n)
    grown = [np.hypot(*power @ start) / np.hypot(*start) for start in ([1, 0], [1, 1])]
    print(f"{n:4} steps: from (1, 0) x {grown[0]:.0f}, from (1, 1) x {grown[1]:.0f}")

# %% [markdown] slideshow={"slide_type": "subslide"}
# It leaves, in proportion to the number of steps, from everywhere but the diagonal.
#
# ### What modulus 1 does not say
#
# A modulus above 1 drives a game out, one below 1 draws it in, as long as it is close
# enough. A modulus of exactly 1 says only that the *linear* part does neither. In the
# Wasserstein game there is no other part. In the GAN there is, and alternating steps no
# longer keep areas: by the chain rule a step multiplies them by
#
# $$
# (1 - h\,\dot u(\psi\theta)\,\theta^2)\,(1 + h\,\dot u(\psi'\theta)\,\psi'^2) , \qquad
# \dot u(s) = \mathrm{sigmoid}(s)\,\mathrm{sigmoid}(-s) .
# $$
#
# **Predict before you run.** Does the alternating GAN stay on its orbit from $(1, 1)$, with
# eigenvalues of modulus 1?

# %% slideshow={"slide_type": "subslide"}
place, h = np.array([1.0, 1.0]), 2.0
new_psi = dirac_gan_step("alternating", *place, h)[1]
bend = [expit(s) * expit(-s) for s in (place.prod(), new_psi * place[0])]
area = (1 - h * bend[0] * place[0] ** 2) * (1 + h * bend[1] * new_psi**2)
tensor = torch.from_numpy(place)
autograd = torch.linalg.det(jacrev(lambda at: dirac_step(at, h, True))(tensor)).item()
assert math.isclose(area, autograd, rel_tol=1e-9)
print(f"at (1, 1), h = {h}: an area is multiplied by {area:.3f}")

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

# %% [markdown] slideshow={"slide_type": "subslide"}
# Close to the equilibrium, or with a small step, the alternating GAN circles for as long as
# we looked. From $(1, 1)$ with a large step it leaves its orbit, although the eigenvalues
# are the same. So for the GAN "it circles" is a statement about the neighbourhood of the
# equilibrium and about $hu < 2$, and no more.

# %% [markdown]
# And simultaneous steps? For small $h$ their spiral is slow, but it never turns inwards. How
# many steps does it take to double the radius, and how much time $h \times$ steps?

# %% tags=["nbval-check-output"]
for h in (0.2, 0.1, 0.05):
    modulus = np.abs(dirac_gan_eigenvalues("simultaneous", h)).max()
    doubling = math.log(2) / math.log(modulus)
    print(f"h = {h:4}: {doubling:5.0f} steps to double, time {h * doubling:.0f}")
    # ln sqrt(1 + h^2/4) = h^2/8, less a share of h^2/8
    assert math.isclose(math.log(modulus), h**2 / 8, rel_tol=h**2 / 7)

# %% [markdown] slideshow={"slide_type": "subslide"}
# Half the step size takes four times as many steps, which is twice the time. Smaller steps
# put the departure off. None prevents it.
#
# ### Friction
#
# A pendulum comes to rest by friction, a force against its speed. What is the speed here?
# Near the equilibrium $\dot\theta = \tfrac12\psi$: the generator moves as fast as the
# discriminator is steep. So punish the discriminator for being steep where the data are, by
#
# $$
# \frac\gamma2\, \mathbb E_{x \sim p} \left\Vert \nabla_x\, \ell_\psi(x) \right\Vert^2 .
# $$
#
# This is the **R1 penalty**. At the equilibrium the discriminator should be flat there, so
# the penalty costs nothing at the right place. In the Dirac-GAN it is
# $\tfrac\gamma2\psi^2$. Near the equilibrium, in continuous time, it turns the other player's
# law into $\dot\psi = -\tfrac12\theta - \gamma\psi$, and both together into
#
# $$
# \ddot\theta + \gamma\,\dot\theta + \tfrac14\,\theta = 0 :
# $$

# %% [markdown] slideshow={"slide_type": "subslide"}
# a damped oscillator, critically damped at $\gamma = 1$. So much for continuous time. In
# steps, the discriminator's new $\psi$ has lost a share $h\gamma$:
#
# $$
# J_{\text{simultaneous}} = \begin{pmatrix} 1 & hu \\ -hu & 1 - h\gamma \end{pmatrix}, \qquad
# J_{\text{alternating}} = \begin{pmatrix} 1 - h^2u^2 & hu(1 - h\gamma) \\
# -hu & 1 - h\gamma \end{pmatrix} .
# $$
#
# Both eigenvalues of a two by two matrix lie inside the circle of modulus 1 exactly if
# $d < 1$ and $|t| < 1 + d$. With $u = \tfrac12$ that gives:
#
# | steps | $t$ | $d$ | arrives for | fastest at |
# |---|---|---|---|---|
# | simultaneous | $2 - h\gamma$ | $1 - h\gamma + \tfrac{h^2}4$ | $\tfrac h4 < \gamma < \tfrac2h + \tfrac h8$ | $\gamma = 1$ |
# | alternating | $2 - h\gamma - \tfrac{h^2}4$ | $1 - h\gamma$ | $0 < \gamma < \tfrac2h - \tfrac h8$ | $\gamma = 1 - \tfrac h4$ |
#
# Simultaneous steps need some friction only to make up for Pythagoras. The fastest place is
# where $t^2 = 4d$ and both roots meet, at $1 - \tfrac h2$ in either order (for $h < 2$). The
# next cell checks the matrices by autograd, and the table's last two columns on a fine
# scale of $\gamma$.

# %% tags=["nbval-check-output"] slideshow={"slide_type": "subslide"}
h = 0.3
claims = {
    "simultaneous": (h / 4, 2 / h + h / 8, 1.0),
    "alternating": (0.0, 2 / h - h / 8, 1 - h / 4),
}
fine = np.arange(0.01, 8, 0.02)  # no point of it is an end of an interval
for method, (low, high, best) in claims.items():
    alternating = method == "alternating"
    for gamma in (0.2, 0.6, 2.0):
        found = jacobian(h, alternating=alternating, gamma=gamma)
        assert np.allclose(found, on_paper(h, alternating, gamma), atol=1e-14)
    J = [on_paper(h, alternating, gamma) for gamma in fine]
    moduli = np.abs(np.linalg.eigvals(J)).max(1)
    assert np.array_equal(moduli < 1, (low < fine) & (fine < high))
    at_best = np.abs(dirac_gan_eigenvalues(method, h, best)).max()
    # both roots meet there: float64 splits them by the root of its rounding
    assert abs(at_best - (1 - h / 2)) < 1e-7
    assert moduli.min() > at_best - 1e-7
    print(
        f"{method:12} arrives for gamma in ({low:.3f}, {high:.3f}), "
        f"fastest at {best:.3f}: modulus {at_best:.4f}"
    )

# %% [markdown] slideshow={"slide_type": "subslide"}
# Now the modulus as a curve, from $\gamma = 0$ on.
#
# **Predict before you run.** What will more friction than the best do to the time it takes?

# %%
gammas = np.linspace(0, 2.5, 101)
for method in claims:
    moduli = [np.abs(dirac_gan_eigenvalues(method, h, gamma)).max() for gamma in gammas]
    plt.plot(gammas, moduli, label=method)
    # the lowest of the points is the one next to the kink
    assert abs(gammas[np.argmin(moduli)] - claims[method][2]) < 0.025
plt.axhline(1, color="black", linestyle=":")
plt.xlabel("weight $\\gamma$ of the penalty (no units)")
plt.ylabel("largest modulus")
plt.title(f"Dirac-GAN with R1, step h = {h}")
plt.legend()
plt.show()

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: the largest modulus against gamma. The alternating curve starts at 1, the
# simultaneous one just above and crosses 1 soon. Both fall in nearly straight lines to a
# sharp lowest point, the alternating one a little earlier, and climb again, ever more
# slowly.*

# %% [markdown] slideshow={"slide_type": "subslide"}
# To the left of the lowest point the game spirals in, where the curve is below 1. To the
# right the discriminator becomes so lazy that the generator creeps.
#
# The penalty of the Wasserstein GAN (WGAN-GP, Gulrajani 2017) looks alike, but pulls the
# *length* of the slope to 1: $\tfrac\gamma2 (\Vert\nabla_x \ell\Vert - 1)^2$. At the
# equilibrium of the Dirac-GAN the slope should be 0, and there this penalty has a kink:
# it pushes away. Six ways to play, each from $(1, 1)$:

# %% slideshow={"slide_type": "subslide"}
ways = {
    "GAN, simultaneous": ("simultaneous", 0.0),
    "GAN, alternating": ("alternating", 0.0),
    "GAN + R1, alternating": ("alternating", 0.6),
    "Wasserstein, simultaneous": ("wasserstein", 0.0),
    "Wasserstein, alternating": ("wasserstein_alternating", 0.0),
    "WGAN-GP, alternating": ("wasserstein_gp", 0.6),
}
h = 0.3
figure, panels = plt.subplots(2, 3, figsize=(9, 7.6), sharex=True, sharey=True)
for axes, (name, (method, gamma)) in zip(panels.flat, ways.items()):
    path = dirac_gan_path(method, (1.0, 1.0), h, 80, gamma)
    draw_field(axes, dirac_field(method, gamma, points=7))
    draw_path(axes, path)
    axes.set(xlim=(-3, 3), ylim=(-3, 3), xticks=[-2, 0, 2], aspect="equal")
    axes.set_title("\n".join([*name.split(", "), f"γ = {gamma:.1f}"]), fontsize=13)
figure.suptitle(f"80 steps of size h = {h} from (1, 1)")
panels[0, 0].set_ylabel("$\\psi$")
panels[1, 0].set_ylabel("$\\psi$")
panels[1, 1].set_xlabel("generator $\\theta$ and discriminator $\\psi$ (no units)")
plt.show()

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: six phase planes. Each path begins at the black square; a disc marks its end, and
# the cross the equilibrium. Arrows show where the two players are pulled. Both simultaneous
# games without penalty spiral outwards, the Wasserstein one out of the picture, and its disc
# lies outside too. The two alternating ones without penalty stay on a closed orbit for these
# 80 steps. With R1 the path bends into the cross. With WGAN-GP it stays on an orbit around
# it.*

# %% [markdown] slideshow={"slide_type": "subslide"}
# Pictures can deceive, so here are numbers: how far from the equilibrium after a long time,
# and whether a growing radius follows the eigenvalue.

# %% tags=["nbval-check-output"]
for name, (method, gamma) in ways.items():
    path = dirac_gan_path(method, (0.01, 0.01), h, 400, gamma)
    radius = np.hypot(*path[-100:].T)
    print(
        f"{name:25} started 0.0141 away, ends {radius.min():.2g} to {radius.max():.2g}"
    )
    if method in ("simultaneous", "wasserstein"):
        grown = np.hypot(*path[20]) / np.hypot(*path[0])
        modulus = np.abs(dirac_gan_eigenvalues(method, h)).max()
        # psi theta stays below 1e-3, and so does the share by which u differs from 1/2;
        # it enters with h^2 u^2 / 2 = 0.011 in each of 20 steps, twice
        assert math.isclose(grown, modulus**20, rel_tol=5e-4)

# %% [markdown] slideshow={"slide_type": "subslide"}
# Even the path that began close to the equilibrium is driven out by WGAN-GP, to the orbit
# of the picture. R1 arrives.
#
# Now play with it. Four controls stand above the picture in a live session: the method, the
# start, (1, 1) or (0.01, 0.01), the step $h$ up to 4.5, and the penalty's weight $\gamma$ up
# to 2. From the near start one sees what the eigenvalues say; the plane is then enlarged.
# From the far one the rest of the game shows as well. Where does friction become too much?
# Up to which step do alternating steps hold, and what happens just beyond?

# %% slideshow={"slide_type": "subslide"}
dirac_explorer()


# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: left, the plane of generator and discriminator with 80 simultaneous steps of the
# GAN that spiral outwards; right, the eigenvalues as two crosses. They seem to lie on the
# dashed circle of modulus 1. Above it stands how little they lie outside.*

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A small GAN, watched
#
# From points to networks. The data are two bells on the line, at $-2$ and $2$. The
# generator has one latent number. We keep what is needed to look back: $D(x)$ on a grid,
# and a histogram of fakes.
#
# How good are they? The **Wasserstein-1 distance** between two samples on the line is the
# mean distance after both are sorted: how far each point has to be carried. It has the
# units of $x$. But two *perfect* samples are not at distance 0 either. That is the **noise
# floor**, and no model should be praised or blamed below it.


# %% slideshow={"slide_type": "subslide"}
def distance(a, b):
    return stats.wasserstein_distance(a[:, 0], b[:, 0])


two_bells = Mixture(np.array([[-2.0], [2.0]]), 0.5)
data = two_bells.sample(20_000, seed=10)
fresh = two_bells.sample(5_000, seed=11)
pairs = [
    distance(two_bells.sample(5_000, seed=s), two_bells.sample(5_000, seed=s + 1))
    for s in range(100, 160, 2)
]
floor, often = np.mean(pairs), np.quantile(pairs, 0.95)
shifted = distance(fresh, fresh + 0.3)
assert math.isclose(shifted, 0.3, rel_tol=1e-9)  # everything carried by 0.3
print(
    f"two true samples of 5,000: {floor:.3f} apart on average, one in 20 over {often:.3f}"
)

# %% [markdown] slideshow={"slide_type": "subslide"}
# Where the data are not known as a formula, no second true sample can be drawn. The course's
# `wasserstein_1d` finds the floor from one real sample, by drawing from it with
# replacement. Here we can check that.

# %%
score = wasserstein_1d(fresh, two_bells.sample(5_000, seed=12))
print("a true sample:", score)
# the mean of 30 pairs has an error of their deviation / sqrt(30), that of 200 has less
assert abs(score.floor - floor) < 4 * np.std(pairs, ddof=1) * math.sqrt(
    1 / 30 + 1 / 200
)

# %% [markdown]
# The training loop of the course is `train_gan`. It plays a `Game`: two networks, data, and
# a `Recipe`. It shuffles the data, takes batches of 256
# real samples and as many latent points, and calls the recipe's `step` on each: any function
# with the arguments of `gan_step`, which is how the next section will change the game. Both
# optimizers are Adam with the step size $10^{-3}$ and `betas=(0.5, 0.99)`: it remembers
# about two slopes, and the size of about a hundred. The step size may also be a list, one
# for each step. The losses it returns are means over each `every` steps, after
# which it calls `watch`.

# %% slideshow={"slide_type": "subslide"}
edges = np.linspace(-4, 4, 81)
centres = (edges[:-1] + edges[1:]) / 2
watched_z = np.random.default_rng(5).standard_normal((5_000, 1))


@torch.no_grad()
def logits_on(network, points):
    column = torch.as_tensor(points, dtype=torch.float32)[:, None]
    return network(column)[:, 0].double().numpy()


# %% [markdown] slideshow={"slide_type": "subslide"}
# One game, with all that is watched of it:


# %%
def play(seed, step, rate=1e-3):
    seed_everything(seed)
    generator = MLPGenerator(latent_dim=1, hidden=(32, 32), dim=1)
    discriminator = MLPDiscriminator(dim=1, hidden=(32, 32))
    seen = {"steps": [], "D": [], "q": [], "distance": []}

    def watch(number):
        fakes = generate(generator, watched_z)
        seen["steps"].append(number)
        seen["D"].append(expit(logits_on(discriminator, centres)))
        seen["q"].append(np.histogram(fakes, edges)[0] / len(fakes) / 0.1)
        seen["distance"].append(distance(fakes, fresh))

    watch(0)
    recipe = Recipe(step, learning_rate=rate)
    game = Game(generator, discriminator, data, recipe, seed)
    history = train_gan(game, steps, every=every, watch=watch).require_complete()
    return history, {name: np.array(values) for name, values in seen.items()}


# %% [markdown] slideshow={"slide_type": "subslide"}
# **Predict before you run.** Will the generator find one bell first, or both?

# %%
history, seen = play(0, gan_step)
bells_seen = seen["q"].reshape(len(seen["q"]), 2, -1).sum(2) * 0.1  # left, right of 0
for number, (on_left, on_right) in list(zip(seen["steps"], bells_seen))[:6]:
    print(f"{number:5,} steps: {on_left:4.0%} left, {on_right:4.0%} right of 0")

# %% [markdown]
# Read off your prediction: each line says how the fakes are shared between the two sides.
# (What lies outside the histogram, beyond $-4$ or $4$, is in neither.) In the saved run they
# begin on one side, find that bell first, and the other within the next hundred steps.
# Three moments of the game:

# %% slideshow={"slide_type": "subslide"}
density = np.exp(two_bells.log_prob(centres[:, None]))
moments = [0, min(5, len(seen["steps"]) - 1), len(seen["steps"]) - 1]
figure, panels = plt.subplots(2, 3, figsize=(9, 5), sharex=True, sharey="row")
for (above, below), moment in zip(panels.T, moments):
    above.plot(centres, seen["D"][moment])
    above.axhline(0.5, color="black", linestyle=":", linewidth=1)
    above.set(ylim=(0, 1), title=f"{seen['steps'][moment]:,} steps")
    below.fill_between(centres, density, color="0.8")
    below.plot(centres, seen["q"][moment], color=COLOURS[1], linestyle="-")
    below.set(ylim=(0, 1), xticks=[-2, 0, 2])
panels[0, 0].set_ylabel("D(x)")
panels[1, 0].set_ylabel("density (cut off at 1)")
panels[1, 1].set_xlabel("x (units of the data)")
plt.show()

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: three moments of the game, D above and densities below; the data's two grey
# bells stay, the generator's line moves. At the start the line is a spike between the
# bells. After some hundred steps it has peaks on both bells and a low bridge between them.
# At the end the bridge is nearly gone and a peak stands on each bell, of the wrong shape.
# Spikes higher than 1 are cut off. D is close to the dotted 1/2 wherever there are data.*

# %% [markdown]
# Step through all of it yourself. The dotted curve is the best answer to the generator of
# that moment: compare how far the discriminator lags behind it.

# %% slideshow={"slide_type": "subslide"}
game_player(
    seen["steps"],
    centres,
    seen["D"],
    density,
    seen["q"],
    first=min(3, len(seen["steps"]) - 1),
)

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: one early moment of the same game, larger: above, D(x) as a solid line and the
# best D as a dotted one; below, the data's two grey bells and the generator's line, whose
# spike is cut off. The dotted line is ragged because the fakes are counted in bins, and ends
# where there is neither data nor fakes.*

# %% [markdown]
# Now the losses, and beside them the distance.

# %% slideshow={"slide_type": "subslide"}
figure, (above, below) = plt.subplots(2, 1, figsize=(9, 6), sharex=True)
at = seen["steps"][1:]
above.plot(at, history["discriminator_loss"], label="discriminator")
above.plot(at, history["generator_loss"], label="generator")
for level in (math.log(4), math.log(2)):
    above.axhline(level, color="black", linestyle=":")
    above.text(0, level + 0.05, f"ln {math.exp(level):.0f}", ha="right")
above.set(ylim=(0.4, 1.8), ylabel="loss (nats)")
above.legend(loc="center right")
below.plot(seen["steps"], seen["distance"], ".-", color=COLOURS[2])
below.axhspan(0, often, color="0.8", label="two true samples, 19 in 20")
below.set(ylim=(0, 1), xlabel="steps of 256 samples", ylabel="W1 (units of x)")
below.legend()
plt.show()

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: above, both losses settle on the dotted levels ln 4 and ln 2 within a few hundred
# steps and stay there. Below, the distance comes down from above the picture, and then
# wanders on over the grey band of the noise floor for the rest of the training.*
#
# In numbers, over the second half of the training:

# %% slideshow={"slide_type": "subslide"}
late = len(at) // 2
d_late, w_late = history["discriminator_loss"][late:], seen["distance"][late + 1 :]
print(
    f"second half: discriminator loss {np.mean(d_late):.3f}, ln 4 = {math.log(4):.3f}"
)
print(
    f"W1 between {w_late.min():.2f} and {w_late.max():.2f}; floor {floor:.2f}, {often:.2f}"
)
on_the_right = seen["q"][late + 1 :, 40:].sum(1) * 0.1  # share of fakes with x > 0
print(
    f"fakes on the right between {on_the_right.min():.1%} and {on_the_right.max():.1%}"
)
if steps >= 2_000:
    assert abs(np.mean(d_late) - math.log(4)) < 0.02  # "converged", says the loss
    assert np.median(w_late) > often  # and it is not, say the samples


# %% [markdown]
# Lesson 5 had two games whose losses look like success. This is the third: they stand at
# $\log 4$ and $\log 2$.
# Of pairs of true samples, 19 in 20 are closer together than the typical distance here. And
# this game went *well*: both bells are found and get about their share. What is wrong is
# their shape, which the players never stop changing.

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### With friction
#
# We have a cure on paper. In a network it needs the slope of the logit in $x$, and a graph
# through which that slope can be trained.


# %% tags=["mirrors"]
def input_gradient(discriminator, x):
    x = x.detach().requires_grad_()
    logits = discriminator(x)
    (gradient,) = torch.autograd.grad(logits.sum(), x, create_graph=True)
    return logits, gradient


def zero_centred_penalty(gradient):
    return gradient.square().flatten(1).sum(1).mean()


# %% [markdown] slideshow={"slide_type": "subslide"}
# The step with the penalty is `gan_step` with one more term.


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


# %% [markdown]
# A check of both definitions on a logit that we know, $\ell = \sum_j a_j x_j^2$ with the
# gradient $2 a_j x_j$:

# %%
a, points = torch.tensor([1.0, -0.5]), torch.tensor([[1.0, 2.0], [3.0, 0.0]])
_, gradient = input_gradient(lambda x: x.square() @ a, points)
assert torch.equal(gradient, 2 * a * points)
assert zero_centred_penalty(gradient) == (4 + 4 + 36 + 0) / 2

# %% [markdown] slideshow={"slide_type": "subslide"}
# Two cures are known by now: friction, and, from lesson 5, smaller steps against the noise.
# (The optimizer here is Adam, which divides each slope by its usual size. When only noise is left, it
# makes the noise as large as a step.) We try each and both, with several seeds, as one run
# of a GAN proves nothing.
#
# **Predict before you run.** Which of the two helps more, or are both needed?

# %%
falls = falling(1e-3, 1e-5, steps)  # by the same factor at each step
plans = {
    "gan_step": (gan_step, 1e-3),
    "step size falls": (gan_step, falls),
    "R1": (r1_step, 1e-3),
    "R1, step size falls": (r1_step, falls),
}
runs = {
    name: [
        seen if (name, seed) == ("gan_step", 0) else play(seed, step, rate)[1]
        for seed in range(seeds)
    ]
    for name, (step, rate) in plans.items()
}

# %% [markdown] slideshow={"slide_type": "subslide"}
# The table has the mean distance over the last fifth of each run, then the mean over seeds
# with its standard error.

# %%
last_fifth = -(len(seen["distance"]) // 5)
for name, played in runs.items():
    last = np.array([run["distance"][last_fifth:].mean() for run in played])
    error = last.std(ddof=1) / seeds**0.5 if seeds > 1 else math.nan
    print(f"{name:20} {last.round(2)}: {last.mean():.2f} +- {error:.2f}")
print(f"two true samples: {floor:.2f}; one pair in 20 is over {often:.2f}")

# %% [markdown]
# The ends of the plain game and of the game with both cures, for the same seeds:

# %% slideshow={"slide_type": "subslide"}
columns = min(seeds, 3)
figure, panels = plt.subplots(
    2, columns, figsize=(9, 6), sharex=True, sharey=True, squeeze=False
)
for row, name in zip(panels, ("gan_step", "R1, step size falls")):
    for seed, (axes, run) in enumerate(zip(row, runs[name])):
        axes.fill_between(centres, density, color="0.8")
        axes.plot(centres, run["q"][-1], color=COLOURS[1], linestyle="-")
        axes.set(ylim=(0, 1), xticks=[-2, 0, 2])
        title = f"{name}\nseed {seed}, W1 {run['distance'][-1]:.2f}"
        axes.set_title(title, fontsize=13)
    row[0].set_ylabel("density (cut at 1)")
panels[1, columns // 2].set_xlabel("x (units of the data)")
plt.show()

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: the data's grey bells and the fakes' last density, a column for each seed. Above,
# the plain game: each run has a spike that is cut off, and parts of the bells are missing.
# Below, both cures: no spike is cut off, and the lines are nearer to the bells. But seed 0
# has split the left bell in two, and seed 2 has nothing right of the right bell's peak.*
#
# (W1 in the titles is that of the moment drawn; the table has means over the last fifth.)

# %% [markdown] slideshow={"slide_type": "subslide"}
# Both together give the smallest mean distance here, and neither does much alone. That fits
# what the two test benches taught, the Dirac-GAN here and the two normals of lesson 5:
# friction is against the circling, which is there without any noise, and small steps are against the noise, which is there without any circling.
# Compare the spread between seeds before you believe a
# difference, and the last line before you call a generator perfect: none of these is.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What could go wrong
#
# - **An eigenvalue believed too far out.** It speaks of the neighbourhood of the
#   equilibrium. With modulus 1 and a large step the GAN left its orbit from $(1, 1)$.
# - **Too much friction.** Beyond the best $\gamma$ the discriminator is lazy, and the
#   generator creeps. Much further out the steps no longer arrive at all.
# - **Stopping by the losses.** They stood at $\log 4$ and $\log 2$ while the samples
#   wandered on.
# - **A distance without its floor.** Two true samples are not at distance 0 either.
# - **One seed.** The last table shows how much seeds differ.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Summary
#
# | game and steps | modulus near the equilibrium | so |
# |---|---|---|
# | Dirac-GAN, simultaneous | $\sqrt{1 + h^2u^2}$; the radius grows by it everywhere, exact | leaves, for every $h$ |
# | Wasserstein, alternating | 1 for $h < 2$, exact everywhere | circles |
# | Dirac-GAN, alternating | 1 for $h < 4$, near the equilibrium only | circles there; far away a large step leaves |
# | R1, simultaneous | below 1 for $\gamma$ from $h/4$ to $2/h + h/8$ | arrives; fastest at $\gamma = 1$ |
# | R1, alternating (the course's order) | below 1 for $\gamma$ from 0 to $2/h - h/8$ | arrives; fastest at $\gamma = 1 - h/4$ |

# %% [markdown]
# How to judge samples of images, and what to do when modes go missing, are for later
# lessons.

# %% [markdown] slideshow={"slide_type": "skip"}
# ## Exercises
#
# [The set of this lesson](exercises/06_game_settles.ipynb) has stubs to fill in, and checks that
# answer. Here are questions to think about without a net.
#
# 1. *Easy (15 minutes).* In the explorer choose the near start and $\gamma = 0$. Read the
#    line above the circle: up to which step does "GAN, alternating" still circle, and up to
#    which "Wasserstein, alternating"? Explain both from the trace $2 - h^2u^2$ and the
#    determinant 1. (One step further the root is double: the path stays only because its
#    start lies on the diagonal.) Then choose the far start, and find a step at which the GAN leaves
#    although that line says "circles".
# 2. *Medium (30 minutes).* Give the discriminator $k$ steps for each of the generator's in
#    the Dirac-GAN: repeat the line for `new_psi` in `dirac_step` $k$ times. Compute the
#    eigenvalues by `jacrev` for $k = 1, 2, 5$, and the trace and determinant on paper for
#    $k = 2$. Does a stronger discriminator help?
# 3. *Hard (60 minutes).* Optimism: each player expects the slope to change as it did last
#    time, and uses $2g_t - g_{t-1}$ in place of its slope $g_t$. The state now has four
#    numbers: $\theta$, $\psi$ and the two slopes of the step before. Write the four by four
#    matrix for $u = \tfrac12$, beginning with the two rows that store slopes. Show by eigenvalues that simultaneous steps with optimism arrive without any
#    penalty, for small $h$.

# %% [markdown] slideshow={"slide_type": "skip"}
# ## References
#
# - I. Goodfellow et al., *Generative Adversarial Nets*, 2014,
#   [arXiv:1406.2661](https://arxiv.org/abs/1406.2661): six pages, and where it all began;
#   I. Goodfellow, *NIPS 2016 Tutorial: Generative Adversarial Networks*,
#   [arXiv:1701.00160](https://arxiv.org/abs/1701.00160).
# - M. Arjovsky, S. Chintala and L. Bottou, *Wasserstein GAN*, 2017,
#   [arXiv:1701.07875](https://arxiv.org/abs/1701.07875); I. Gulrajani et al., *Improved
#   Training of Wasserstein GANs*, 2017, [arXiv:1704.00028](https://arxiv.org/abs/1704.00028).
# - L. Mescheder, A. Geiger and S. Nowozin, *Which Training Methods for GANs do actually
#   Converge?*, 2018, [arXiv:1801.04406](https://arxiv.org/abs/1801.04406).
# - M. Hjorth-Jensen, *Advanced machine learning and data analysis for the physical
#   sciences*, week 14, 2024: the lecture.
