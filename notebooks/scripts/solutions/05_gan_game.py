# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Exercises on lesson 5: the GAN game
#
# Open in [Colab](https://colab.research.google.com/github/generative-models/executed/blob/v0.2.0/notebooks/exercises/05_gan_game.ipynb) or on [Binder](https://mybinder.org/v2/gh/generative-models/executed/v0.2.0?urlpath=lab/tree/notebooks/exercises/05_gan_game.ipynb).
#
# [Lesson 5](../05_gan_game.ipynb) has what you need. Fill in each cell and run it; its last
# line checks your answer with fresh random inputs and says what is not right yet. Logits are
# those of $D$, the probability that a sample is real; losses and divergences are in nats.

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
# NumPy for what is known on paper, PyTorch for what is trained. Run these two cells first.

# %%
import matplotlib.pyplot as plt
import numpy as np
import torch
import torch.nn.functional as F
from scipy import stats
from scipy.special import log_expit
from torch import nn

from course_utils.checks import gan_game
from course_utils.checks.progress import solved
from course_utils.exact.games import jensen_shannon
from course_utils.figures.style import use_course_style

use_course_style()

# %% [markdown]
# One check for each exercise:

# %%
from course_utils.checks.gan_game import (
    check_best_logit,
    check_discriminator_turn,
    check_events_to_see,
    check_fit_decays,
    check_jsd_from_logits,
    check_losses,
)

# %% [markdown]
# ## 1. The best opinion, with doubts (medium, 15 minutes)
#
# A common trick against a discriminator that is too sure: real events get the label
# $a = 0.9$ in place of 1, and fakes keep 0. Then a real event is paid
# $a \log D + (1 - a) \log(1 - D)$. `p` is the density of the data and `q` that of a
# generator, both as SciPy's frozen distributions, such as `stats.norm(0, 1)`. Return the
# **logit** of the discriminator that is best against this generator, at each point of `x`,
# for any label. It has to work far out in the tails as well, where a generator may stray:
# at $x = 400$, too.
#
# <details><summary>Hint</summary>
#
# Do as the lesson does at one $x$: write the pay as a factor times $\log D$ plus another
# factor times $\log(1 - D)$. At $x = 60$ a standard normal density is `0.0` in the computer.
# Which other method do SciPy's distributions have, and which function of NumPy adds two
# numbers that are given by their logarithms?
#
# </details>


# %%
def best_logit(x: np.ndarray, p, q, label: float) -> np.ndarray:
    """x (n,), two frozen distributions, the label of real events -> (n,)."""
    # BEGIN SOLUTION
    log_p, log_q = p.logpdf(x), q.logpdf(x)
    doubted = np.log(1 - label) + log_p
    return np.log(label) + log_p - np.logaddexp(doubted, log_q)
    # END SOLUTION


check_best_logit(best_logit)

# %% [markdown] tags=["solution"]
# $\log D$ has the factor $ap$, and $\log(1 - D)$ has $(1 - a)p + q$. So
# $D = ap/(p + q)$: never above $a$, and $\tfrac a2$ where both densities are equal. The logit
# cannot grow beyond $\log \frac{a}{1 - a}$, which is 2.2 for $a = 0.9$.

# %% [markdown]
# ## 2. Events that stand for others (medium, 15 minutes)
#
# A detector sees some events better than others. One that is seen with the **efficiency**
# $e$ stands for $1/e$ events that happened, so it has the weight $1/e$ in a mean over real
# events (and the weights of a mean add up to 1). The generator is to draw what happened, so
# fakes all count alike. From the logits of $n$ real events and $m$ fakes return three losses:
# that of the discriminator; the **saturating** one of the generator, its part of the game's
# value $V$; and the **non-saturating** one. All three are to be minimized. Use tensors
# throughout, as gradients must pass, and survive logits of 1000 and of -1000. Efficiencies
# lie between 0.0001 and 1.
#
# <details><summary>Hint</summary>
#
# `F.softplus(t)` is $\log(1 + e^t)$ and never overflows. Each expectation in $V$ is one mean.
# In which of them do real events occur? A weighted mean of equal numbers is that number.
#
# </details>


# %%
def losses(
    real_logits: torch.Tensor, fake_logits: torch.Tensor, efficiency: torch.Tensor
) -> tuple:
    """(n, 1), (m, 1), (n, 1) -> discriminator's, saturating, non-saturating loss."""
    # BEGIN SOLUTION
    weights = 1 / efficiency
    found = (weights * F.softplus(-real_logits)).sum() / weights.sum()
    caught = F.softplus(fake_logits).mean()
    return found + caught, -caught, F.softplus(-fake_logits).mean()
    # END SOLUTION


check_losses(losses)

# %% [markdown] tags=["solution"]
# The first two add up to a mean over real samples alone, in which the generator does not
# occur: so for the fakes it is a zero-sum game. The first and the third do not.

# %% [markdown]
# ## 3. A divergence, read from a loss (medium, 15 minutes)
#
# Somebody hands you the logits of a trained discriminator, for $n$ **fresh** real samples and
# $m$ fresh fakes. The Jensen-Shannon divergence of data and generator is at least so large:
# turn what the lesson says of any discriminator's loss into a lower bound for the JSD. Return
# the estimate and its **standard error**. The two numbers of samples may differ. The
# discriminator may be the best one, and it may be one that memorized: then it is sometimes
# very sure and wrong, with logits of several hundred on the wrong side. (The bound is then
# far below 0, and of no use, but it is a bound.) The terms of one kind may scatter far more than
# those of the other. An error that is right to 10 % will do, as a bootstrap's of 2,000 draws is.
#
# <details><summary>Hint</summary>
#
# Lesson 5 says what $-V$ is at least; solve that for the JSD. The estimate
# is a constant plus a factor times (a mean of $n$ numbers plus a mean of $m$ others). Both
# means are independent, so their variances add. What does the factor do to the error?
#
# </details>


# %%
def jsd_from_logits(real_logits: np.ndarray, fake_logits: np.ndarray) -> tuple:
    """(n,), (m,) -> estimate and standard error, in nats."""
    # BEGIN SOLUTION
    log_D, log_1_minus_D = log_expit(real_logits), log_expit(-fake_logits)
    V = log_D.mean() + log_1_minus_D.mean()
    variance = log_D.var() / len(log_D) + log_1_minus_D.var() / len(log_1_minus_D)
    return V / 2 + np.log(2), np.sqrt(variance) / 2
    # END SOLUTION


check_jsd_from_logits(jsd_from_logits)

# %% [markdown] tags=["solution"]
# Two normals of width 1 again, at distances up to 5, with 300 samples each. The estimates
# should lie within two of their errors of the exact curve, most of the time.

# %% tags=["solution"]
rng, p = np.random.default_rng(0), stats.norm(0, 1)
distances = np.linspace(0, 5, 11)
exact_jsd = [jensen_shannon(p, stats.norm(d, 1)) for d in distances]
estimates = []
for d in distances:
    real, fake = rng.normal(0, 1, 300), rng.normal(d, 1, 300)
    estimates.append(jsd_from_logits(d**2 / 2 - d * real, d**2 / 2 - d * fake))
values, errors = np.transpose(estimates)
plt.plot(distances, exact_jsd, label="exact")
plt.errorbar(distances, values, 2 * errors, fmt="o", label="300 samples, two errors")
plt.axhline(np.log(2), color="black", linestyle=":")
plt.xlabel("distance of the two normals (no units)")
plt.ylabel("JSD (nats)")
plt.legend()
plt.show()

# %% [markdown] tags=["solution"]
# *Figure: the JSD against the distance, a curve that rises from 0 and flattens under the
# dotted line at ln 2. The dots with their bars lie on it; the bars are longest near
# distance 2 and short at both ends.*
#
# These are logits of the best discriminator, so the bound is the JSD itself. A trained one is
# never better, and its number is too *small* on average: the densities differ by at least so
# much.

# %% [markdown]
# ## 4. The discriminator's turn (medium, 15 minutes)
#
# Let the discriminator take one step, and nobody else. `optimizer` holds its weights. The
# loss is that of exercise 2, for `real` and for the fakes that the generator makes of `z`.
# Return the loss as it was before the step. Afterwards neither the generator's weights nor
# their `.grad` may have changed. (In the weights of the discriminator there may be a `.grad`
# that somebody left.)
#
# <details><summary>Hint</summary>
#
# The fakes remember the generator that made them, and `backward` follows that memory.
# A tensor has a method that returns the same numbers without their history. And look up
# what `backward` does to a `.grad` that is not empty.
#
# </details>


# %%
def discriminator_turn(
    generator: nn.Module,
    discriminator: nn.Module,
    real: torch.Tensor,
    z: torch.Tensor,
    optimizer: torch.optim.Optimizer,
) -> torch.Tensor:
    """real (n, 2), z (m, 3) -> the loss before the step, one number."""
    # BEGIN SOLUTION
    fake = generator(z).detach()
    real_loss = F.softplus(-discriminator(real)).mean()
    loss = real_loss + F.softplus(discriminator(fake)).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.detach()
    # END SOLUTION


check_discriminator_turn(discriminator_turn)

# %% [markdown]
# ## 5. How many events show it? (medium, 20 minutes)
#
# A simulation puts the peak of a detector too high, by a tenth of its width: real events
# follow $\mathcal N(0, 1)$, simulated ones $\mathcal N(0.1, 1)$. You have the best
# discriminator, $\ell(x) = 0.005 - 0.1\,x$, and $n$ fresh events of each kind. For which $n$ is
# the JSD **three** of the standard errors of exercise 3? Put $n$ in, to five percent.
#
# <details><summary>Hint</summary>
#
# `jensen_shannon(p, q)` is imported above, for frozen distributions. Draw a million events of
# each kind: what is the error for them? It falls like one over the root of $n$.
#
# </details>

# %%
# BEGIN SOLUTION
rng, million = np.random.default_rng(1), 1_000_000
real, fake = rng.normal(0, 1, million), rng.normal(0.1, 1, million)
_, error = jsd_from_logits(0.005 - 0.1 * real, 0.005 - 0.1 * fake)
jsd = jensen_shannon(stats.norm(0, 1), stats.norm(0.1, 1))
n = million * (3 * error / jsd) ** 2
print(f"JSD {jsd:.5f} nats; n = {n:,.0f}")
# STUB n = ...
# END SOLUTION

check_events_to_see(n)

# %% [markdown] tags=["solution"]
# For a small shift $\delta$ the JSD is close to $\delta^2/8$ and its error to
# $\delta/\sqrt{8n}$, so $n = 72/\delta^2$. Somebody who just compares the two means needs
# $18/\delta^2$, a quarter. Both use the same line, and the same scatter. But the logarithm
# in the loss is curved, and takes half of the signal away. The discriminator's bound is the
# dearer test; it pays where nobody knows which mean to look at.

# %% [markdown]
# ## 6. Train a GAN: two daughters (hard, 30 minutes)
#
# A neutral kaon flies through a detector and decays into two pions. Two numbers describe how:
# the asymmetry $\alpha$ of their momenta along the flight, and the momentum $p_T$ across it.
# Each direction in the kaon's rest frame is as likely as any other, so $\alpha$ is spread
# evenly and the points $(\alpha, p_T)$ lie on half of an ellipse, the **Armenteros plot**. The
# detector smears both. The cell below draws it, in units in which both are near 1.
#
# Write `fit_decays(x, z, seed)`. It gets 2,000 decays and latent points `z`, which are standard
# normal in the plane. It trains a GAN on `x` and returns what the generator makes **of these
# `z`**, a row each. `seed` decides the first weights and all batches: the same seed gives the same
# samples, and another one gives others.
#
# The check plays three games, on two files whose ellipses have other half axes. It looks at
# samples and at 100,000 fresh decays from sixteen directions, and takes the mean of the sixteen
# Wasserstein-1 distances $W_1$ (lesson 6: how far dots must be moved). The mean of the three may be
# **0.05**; perfect samples have 0.014. Two more things show that a network made the samples.
# Neighbours among the `z` get neighbouring samples. And the samples have a width of their own: the
# median distance from a sample to the next one is at least 20 % of what perfect samples have.
#
# Some seconds of training are enough: two networks with two layers of 32, a thousand steps of
# 128. But a game that just goes on wanders around its aim, and mostly fails. One remedy is
# **friction**, to which lesson 6 comes back. One kind of it is called **R1**: add to the
# discriminator's loss
#
# $$
# c \;\text{mean}_{\text{real}}\, \lVert \nabla_x\, \ell(x) \rVert^2 , \qquad c = 0.02 .
# $$
#
# It makes a steep logit dear. And let the steps become smaller towards the end. A call may take
# 20 seconds.
#
# <details><summary>Hint</summary>
#
# First scale both columns to mean 0 and width 1, and scale back at the end. Take
# `torch.optim.Adam(..., 3e-3, betas=(0.5, 0.99))` for both players. For the slopes of the logits
# at `real`, set `real.requires_grad_()` first; `torch.autograd.grad(logits.sum(), real,
# create_graph=True)` returns a tuple with them in it. In the second half let the steps fall:
# `optimizer.param_groups[0]["lr"] = ...`. Draw the samples over the data.
#
# </details>


# %%
def decays(n: int, rng: np.random.Generator, reach=(1.0, 1.0)) -> torch.Tensor:
    """Asymmetry and transverse momentum of n decays, (n, 2)."""
    cosine = rng.uniform(-1, 1, n)
    points = np.stack([cosine, np.sqrt(1 - cosine**2)], axis=1) * reach
    return torch.tensor(points + 0.05 * rng.normal(size=(n, 2)), dtype=torch.float32)


x = decays(2_000, np.random.default_rng(0))
plt.plot(*x.T, ".", markersize=3, color="grey")
plt.xlabel("momentum asymmetry (of its largest value)")
plt.ylabel("transverse momentum (of its largest value)")
plt.show()

# %% [markdown]
# *Figure: grey dots on a half circle from (-1, 0) over (0, 1) to (1, 0), densest near its top.*


# %%
def network(inputs: int, outputs: int) -> nn.Sequential:
    """Two ReLU layers of 32, then a linear one."""
    middle = [nn.Linear(inputs, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU()]
    return nn.Sequential(*middle, nn.Linear(32, outputs))


def descend(optimizer: torch.optim.Optimizer, loss: torch.Tensor) -> None:
    """One step down this loss."""
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


def fit_decays(x: torch.Tensor, z: torch.Tensor, seed: int) -> torch.Tensor:
    """Decays (2000, 2), latent points (m, 2), a seed -> samples (m, 2)."""
    # BEGIN SOLUTION
    torch.manual_seed(seed)
    steps, rate = 1_000, 3e-3
    centre, width = x.mean(0), x.std(0)
    scaled = (x - centre) / width
    generator, discriminator = network(2, 2), network(2, 1)
    adams = [
        torch.optim.Adam(player.parameters(), rate, betas=(0.5, 0.99))
        for player in (generator, discriminator)
    ]
    for step in range(steps):
        for adam in adams:
            adam.param_groups[0]["lr"] = rate * 0.03 ** max(0, 2 * step / steps - 1)
        real = scaled[torch.randint(len(x), (128,))].requires_grad_()
        fake = generator(torch.randn(128, 2))
        logits, fake_logits = discriminator(real), discriminator(fake.detach())
        (slopes,) = torch.autograd.grad(logits.sum(), real, create_graph=True)
        friction = 0.02 * slopes.square().sum(dim=1).mean()
        loss = F.softplus(-logits).mean() + F.softplus(fake_logits).mean()
        descend(adams[1], loss + friction)
        descend(adams[0], F.softplus(-discriminator(fake)).mean())
    with torch.no_grad():
        return centre + width * generator(z)
    # END SOLUTION


check_fit_decays(fit_decays)

# %% [markdown] tags=["solution"]
# What it draws, over the data:

# %% tags=["solution"]
torch.manual_seed(1)
samples = fit_decays(x, torch.randn(2_000, 2), seed=1)
plt.plot(*x.T, ".", markersize=3, color="grey", label="data")
plt.plot(*samples.T, ".", markersize=3, label="GAN")
plt.xlabel("momentum asymmetry (of its largest value)")
plt.ylabel("transverse momentum (of its largest value)")
plt.legend()
plt.show()

# %% [markdown] tags=["solution"]
# *Figure: the GAN's dots on the half circle of the data, over its whole length, but mostly in a
# thinner band; a few run past both ends.*
#
# Over ten seeds this program has 0.024 to 0.039. Another one, with R1 but steps of one size,
# wandered: it had 0.045 to 0.21. A normal distribution with the right means and widths is at 0.09,
# and one whose columns are both perfect, but know nothing of each other, at 0.07. A passed bar is
# not the truth: where the band is too thin, dots need to be moved by less than the smearing of
# 0.05. Who needs the detector's smearing has to look at the width of the band, too.

# %% [markdown]
# ## How many are solved?

# %%
solved(gan_game)
