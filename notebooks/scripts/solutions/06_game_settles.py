# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Exercises on lesson 6: does the game settle?
#
# Open in [Colab](https://colab.research.google.com/github/generative-models/executed/blob/v0.2.0/notebooks/exercises/06_game_settles.ipynb) or on [Binder](https://mybinder.org/v2/gh/generative-models/executed/v0.2.0?urlpath=lab/tree/notebooks/exercises/06_game_settles.ipynb).
#
# [Lesson 6](../06_game_settles.ipynb) has what you need. Fill in each cell and run it; its
# last line checks your answer with fresh random inputs and says what is not right yet.

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
# NumPy is enough here. Run these two cells first.

# %%
import matplotlib.pyplot as plt
import numpy as np
from scipy.special import expit

from course_utils.exact.games import dirac_gan_eigenvalues
from course_utils.figures.style import use_course_style

use_course_style()

# %% [markdown]
# One check for each exercise:

# %%
from course_utils.checks.game_settles import check_dirac_step, check_longest_step

# %% [markdown]
# ## 1. A step of the smallest GAN (medium, 20 minutes)
#
# In the Dirac-GAN the data sit at 0, the generator at $\theta$, and the logit is $\psi x$.
# Both players play for $V = -\log 2 - \log(1 + e^{\psi\theta})$, from which the penalty
# $\tfrac\gamma2 \psi^2$ is taken off when the discriminator computes its slope. Return
# $\theta$ and $\psi$ after one step of size $h$. If the steps are `alternating`, the
# discriminator goes first, and the generator answers its new $\psi$; otherwise both go by
# what was before. Many games are played at once: $\theta$ and $\psi$ have the shape `(n,)`.
#
# <details><summary>Hint</summary>
#
# Differentiate $V$ with respect to $\theta$ and to $\psi$: the same sigmoid appears in both.
# One player goes up its slope, the other down. Write one line for the new $\psi$, one that
# chooses the $\psi$ which the generator sees, and one for the new $\theta$; the sigmoid is
# computed twice. `expit` is NumPy's sigmoid.
#
# </details>


# %%
def dirac_step(
    theta: np.ndarray, psi: np.ndarray, h: float, gamma: float, alternating: bool
) -> tuple[np.ndarray, np.ndarray]:
    """theta (n,), psi (n,) -> the new theta (n,), the new psi (n,)."""
    # BEGIN SOLUTION
    new_psi = psi - h * (expit(psi * theta) * theta + gamma * psi)
    seen = new_psi if alternating else psi
    return theta + h * expit(seen * theta) * seen, new_psi
    # END SOLUTION


check_dirac_step(dirac_step)

# %% [markdown]
# ## 2. Friction and long steps (hard, 30 minutes)
#
# Without a penalty, alternating steps of the Dirac-GAN stay near the equilibrium for any
# $h$ below 4, and simultaneous ones for none. Now turn friction on, with $\gamma = 1$, and
# let $h$ grow. Draw the larger modulus of the two eigenvalues against $h$, for both orders
# of play. Which of them bears longer steps? Put in the largest $h$ with which **alternating**
# steps still arrive, to one percent or better.
#
# <details><summary>Hint</summary>
#
# `dirac_gan_eigenvalues(method, h, gamma)` gives both eigenvalues; the methods are
# `"simultaneous"` (both at once) and `"alternating"` (in turns). On paper: with the matrices
# of lesson 6, write down trace and determinant, and the two conditions for arriving. Which
# of them fails first? It is a quadratic equation for $h$.
#
# </details>

# %%
# BEGIN SOLUTION
steps = np.linspace(0.01, 4.5, 500)
for method in ("alternating", "simultaneous"):
    moduli = [np.abs(dirac_gan_eigenvalues(method, h, gamma=1.0)).max() for h in steps]
    plt.plot(steps, moduli, label=method)
plt.axhline(1, color="black", linestyle=":")
plt.ylim(0, 3)
plt.xlabel("step size h (no units)")
plt.ylabel("larger modulus")
plt.legend()
plt.show()
longest = 4 * (np.sqrt(2) - 1)
# STUB longest = ...
# END SOLUTION

check_longest_step(longest)

# %% [markdown] tags=["solution"]
# *Figure: the larger modulus against the step size, with friction. Both curves start at 1
# and fall. The alternating one turns up sharply just before h = 1.5, crosses 1 between 1.6
# and 1.7 and leaves the picture. The simultaneous one falls in a straight line to 0 at
# h = 2, and comes back to 1 at h = 4.*
#
# With $\gamma = 1$ alternating steps have the trace $2 - h - h^2/4$ and the determinant $1 - h$.
# What fails is $\mathrm{tr} > -(1 + \det)$, which is $h^2/4 + 2h < 4$, or
# $h < 4(\sqrt2 - 1) = 1.657$. An eigenvalue
# passes through $-1$ there: each step jumps over the equilibrium to the other side, and a
# little too far. So friction turns the tables. Without it alternating steps are the
# patient ones; with it the simultaneous ones bear steps of more than twice the length,
# since $\gamma = 1$ is just where their two eigenvalues meet, at $1 - h/2$, for every $h$.
