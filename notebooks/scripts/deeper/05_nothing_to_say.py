# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Deeper: when there is nothing to say
#
# Open in [Colab](https://colab.research.google.com/github/generative-models/executed/blob/v0.2.0/notebooks/deeper/05_nothing_to_say.ipynb) or on [Binder](https://mybinder.org/v2/gh/generative-models/executed/v0.2.0?urlpath=lab/tree/notebooks/deeper/05_nothing_to_say.ipynb).
#
# Near the end of a game the two heaps look alike, and what the discriminator says turns to noise.
# [Lesson 5](../05_gan_game.ipynb) leaves open how near that is, and what it does to a generator
# that is right already. Here both are computed, for two normal distributions and a straight line
# as discriminator. At the end the lesson's own game is played with five other seeds.

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

# %% [markdown]
# ## Set-up
#
# Data are drawn from $\mathcal N(0, 1)$, fakes from $\mathcal N(\theta, 1)$. On two CPU cores this
# page takes less than a minute.

# %% tags=["setup"] jupyter={"source_hidden": true}
# @title Set-up: libraries, sizes, a grid
import math

import matplotlib.pyplot as plt
import numpy as np
import torch
from scipy.special import expit
from scipy.stats import norm

from course_utils.budget import budget
from course_utils.figures.style import use_course_style
from course_utils.pytorch.device import seed_everything
from course_utils.pytorch.gan import gan_step
from course_utils.pytorch.networks import MLPDiscriminator, MLPGenerator

use_course_style()
seeds = budget(smoke=1, lecture=5, full=10)
played = budget(smoke=300, lecture=2_000, full=2_000)
repeats = budget(smoke=200, lecture=2_000, full=5_000)
games = budget(smoke=50, lecture=400, full=4_000)
rng = np.random.default_rng(0)
dx = 0.01
x = np.arange(-12, 14, dx)  # a plain sum over this grid is exact to rounding

# %% [markdown]
# ## The best line
#
# The best logit is $\tfrac12\theta^2 - \theta x$ (lesson 5), so a line $b + wx$ is all it takes,
# and to fit it is logistic regression. Newton's method fits thousands of lines at once.


# %%
def best_lines(real, fake):
    """Intercepts and slopes, one for each row of samples."""
    points = np.hstack([real, fake])
    is_real = np.arange(points.shape[1]) < real.shape[1]
    b, w = np.zeros((2, len(points), 1))
    for _ in range(7):  # Newton doubles the correct digits each time
        D = expit(b + w * points)
        wrong, weight = is_real - D, D * (1 - D)
        s0, s1, s2 = ((weight * points**k).mean(1, keepdims=True) for k in range(3))
        g0, g1 = wrong.mean(1, keepdims=True), (wrong * points).mean(1, keepdims=True)
        det = s0 * s2 - s1**2
        b, w = b + (s2 * g0 - s1 * g1) / det, w + (s0 * g1 - s1 * g0) / det
    return b[:, 0], w[:, 0]


# %% [markdown]
# How near does a fitted line come to $b = \tfrac12\theta^2$ and $w = -\theta$? Near its lowest
# point a loss is a bowl, and the error of the fit is minus the inverse curvature times the slope
# that the sample leaves at the true line. The curvature per event is
#
# $$
# I = \int (p + q)\, D^* (1 - D^*) \begin{pmatrix} 1 & x \\ x & x^2 \end{pmatrix} dx ,
# $$
#
# called the **Fisher information** of $2n$ events, divided by $n$. The scatter of the slope is a
# variance over real events plus one over fakes. With $g = (1, x)$ the two are
#
# $$
# \mathrm{Var}_p\left[(1 - D^*)\,g\right] + \mathrm{Var}_q\left[D^* g\right]
# = I - c\,c^\top - c\,c^\top , \qquad
# c = \int p\,(1 - D^*)\, g\, dx = \int q\, D^* g\, dx ,
# $$
#
# because $p\,(1 - D^*)^2 + q\,D^{*2} = (p + q)\,D^*(1 - D^*)$, and $p\,(1 - D^*) = q\,D^*$ at each
# $x$. The same density also makes $c$ the first column of $I$, so that $I^{-1} c = (1, 0)$ and
#
# $$
# \mathrm{Cov}(b, w) = \frac1n \left[ I^{-1} - \begin{pmatrix} 2 & 0 \\ 0 & 0 \end{pmatrix} \right].
# $$
#
# (The 2 comes off because there are exactly $n$ events of each kind. If a coin decided for each of
# $2n$ events, the ratio of the two numbers would scatter, too, and with it the intercept.)


# %%
def standard_errors(n, theta):
    p, q = norm.pdf(x), norm.pdf(x, theta)
    D = expit(theta**2 / 2 - theta * x)
    powers = np.stack([np.ones_like(x), x])
    information = (powers * (p + q) * D * (1 - D) * dx) @ powers.T
    covariance = np.linalg.inv(information) - np.diag([2.0, 0.0])
    # at theta = 0 the intercept's is 0, up to rounding
    return np.sqrt(np.maximum(np.diag(covariance), 0) / n)


# %% [markdown]
# Theory against the scatter of many fits, with 2,000 events of each kind.

# %%
n, theta = 2_000, 2.0
tries = min(repeats, 500)
fits = best_lines(rng.normal(0, 1, (tries, n)), rng.normal(theta, 1, (tries, n)))
for name, values, error in zip(
    ("b", "w"), fits, standard_errors(n, theta), strict=True
):
    print(
        f"{name} = {values.mean():.3f}; scatter {values.std():.4f}, theory {error:.4f}"
    )
    # a scatter of `tries` numbers is known to 1 / sqrt(2 tries), theory to order 1 / n
    assert abs(values.std() / error - 1) < 4 / math.sqrt(2 * tries) + 5 / n

# %% [markdown]
# ## How near is too near?
#
# Now the generator is at a small $\theta$. It moves the right way if the fitted slope has the
# right sign, $w < 0$. That should happen with the probability $\Phi(\theta / \text{error})$.
#
# **Predict before you run.** The discriminator sees 256 events of each kind. How near must the
# generator be before one piece of advice in three is wrong?

# %%
n = 256
for theta in (1.0, 0.3, 0.1, 0.03, 0.0):
    reals, fakes = rng.normal(0, 1, (repeats, n)), rng.normal(theta, 1, (repeats, n))
    right = (best_lines(reals, fakes)[1] < 0).mean()
    predicted = norm.cdf(theta / standard_errors(n, theta)[1])
    print(f"distance {theta:4}: right way {right:6.1%}, predicted {predicted:6.1%}")
    # a share of coins; the normal law itself is off by something of order 1/n
    assert abs(right - predicted) < 4 * math.sqrt(0.25 / repeats) + 1 / n

# %% [markdown]
# **Answer.** Near 0.03. At a distance of 0.1 the advice is mostly right, and at 0 it is a coin.

# %% [markdown]
# ## Does noise undo what was learnt?
#
# Let many games go on from the perfect generator, $\theta = 0$, each with 64 fresh events a step
# and the best line for them. Near $D = \tfrac12$ the slope of the generator's loss is
# $-\tfrac12 w$, so a step of size $h$ is $\theta \leftarrow \theta + \tfrac h2 w$. And $w$ is
# $-\theta$ plus noise of the variance $2/n$. That is Brownian motion on a spring. It settles at
#
# $$
# \mathrm{Var}(\theta) = \frac{(h/2)^2 \cdot 2/n}{1 - (1 - h/2)^2} .
# $$

# %%
n, h = 64, 0.5
assert math.isclose(standard_errors(n, theta=0.0)[1] ** 2, 2 / n, rel_tol=1e-9)
theta = np.zeros((games, 1))
spread, traces = [0.0], [theta[:3, 0]]
for _ in range(40):
    reals = rng.normal(0, 1, (games, n))
    fakes = theta + rng.normal(0, 1, (games, n))
    b, w = (values[:, None] for values in best_lines(reals, fakes))
    theta = theta + h * w * expit(-(b + w * fakes)).mean(1, keepdims=True)
    spread.append(np.sqrt((theta**2).mean()))
    traces.append(theta[:3, 0])
settled = math.sqrt((h / 2) ** 2 * 2 / n / (1 - (1 - h / 2) ** 2))
print(f"root mean square distance at the end {spread[-1]:.3f}, theory {settled:.3f}")
# an rms of normal numbers has a relative error of 1/sqrt(2 games); what the first order
# leaves out is of relative size 1/n, of which we allow two
assert abs(spread[-1] / settled - 1) < 4 / math.sqrt(2 * games) + 2 / n

# %% [markdown]
# Three of these games, and the spread of all.

# %%
steps = np.arange(len(spread))
plt.fill_between(steps, -np.array(spread), spread, color="0.85")
plt.plot(steps, np.array(traces), color="C0", linestyle="-", linewidth=1.5)
for side in (-settled, settled):
    plt.axhline(side, color="black", linestyle=":")
plt.text(39.5, settled + 0.01, "theory", ha="right", fontsize=14)
plt.text(39.5, -0.26, "grey: root mean square of all games", ha="right", fontsize=14)
plt.ylim(-0.3, 0.3)
plt.xlim(0, 40)
plt.xlabel("steps")
plt.ylabel("generator θ (no units)")
plt.show()

# %% [markdown]
# *Figure: three ragged curves leave 0 and wander within a grey band. The band widens for a few
# steps and then keeps the width between two dotted lines.*

# %% [markdown]
# So it does: the generator leaves the solution and jitters around it. It does not wander off,
# because the spring pulls harder the further it goes. The formula names two cures: smaller steps
# and more events. Here each discriminator is the best for its own events. A game whose
# discriminator is trained step by step has a memory, too, and can circle:
# [lesson 6](../06_game_settles.ipynb).

# %% [markdown]
# ## The lesson's game, with other seeds
#
# The lesson plays one game, on the energies of three isotopes. Here are the data, the networks and
# the steps of that game. Each seed draws its own events and its own networks, and none was chosen.

# %%
peaks = (np.array([5.16, 5.49, 5.80]) - 5.49) / 0.12  # in detector widths


def shares_of(events):
    near = np.digitize(events[:, 0], (peaks[:-1] + peaks[1:]) / 2)
    return np.bincount(near, minlength=3) / len(near)


def new_game(seed):
    isotope = np.random.default_rng(seed).choice(3, 20_000, p=[0.3, 0.5, 0.2])
    seed_everything(seed)
    events = torch.from_numpy(peaks[isotope]).float()[:, None] + torch.randn(20_000, 1)
    generator = MLPGenerator(latent_dim=1, hidden=(32, 32), dim=1, scale=2.0)
    return events, generator, MLPDiscriminator(dim=1, hidden=(32, 32), scale=2.0)


# %% [markdown]
# A look at 20,000 fakes every 100 steps, and the discriminator's loss at each step.


# %%
def play(seed):
    events, *players = new_game(seed)
    optimizers = [
        torch.optim.Adam(player.parameters(), lr=1e-3, betas=(0.5, 0.99))
        for player in players
    ]
    shares, losses = [], []
    for step in range(1, played + 1):
        batch = events[torch.randint(len(events), (256,))]
        both = gan_step(*players, batch, torch.randn(256, 1), *optimizers)
        losses.append(both[0].item())
        if step % 100 == 0:
            with torch.no_grad():
                shares.append(shares_of(players[0](torch.randn(20_000, 1)).numpy()))
    return np.array(shares), np.reshape(losses, (-1, 20)).mean(1)


# %% [markdown]
# The shares of plutonium, americium and curium after 100, 200 and 300 steps. Then, over the second
# half of the game, the range of curium's share and of the discriminator's loss (means over 20
# steps).

# %%
for seed in range(1, seeds + 1):
    shares, losses = play(seed)
    early = ", ".join("/".join(f"{s:.0%}" for s in row) for row in shares[:3])
    curium, loss = shares[len(shares) // 2 :, 2], losses[len(losses) // 2 :]
    print(
        f"seed {seed}: {early}; then curium {curium.min():.0%} to {curium.max():.0%}, "
        f"loss {loss.min():.3f} to {loss.max():.3f}"
    )

# %% [markdown]
# Three of the five games begin like the lesson's: within a hundred steps or two the fakes cover
# all three peaks. In two, seeds 1 and 5, all fakes stand on one outer peak first, and a hundred
# steps later they are elsewhere. Such hopping is the theme of [lesson
# 7](../07_mode_collapse.ipynb). In the second half all five are alike: the loss stays within 0.01
# of $\log 4 = 1.386$, and curium's share goes on moving, by 5 to 21 points. (A share of 20,000
# fakes is counted to 0.3 points.)

# %% [markdown]
# ## Reference
#
# - M. Arjovsky and L. Bottou, *Towards Principled Methods for Training Generative Adversarial
#   Networks*, 2017, [arXiv:1701.04862](https://arxiv.org/abs/1701.04862), section 2.2, on the noise
#   of a generator's gradient.
