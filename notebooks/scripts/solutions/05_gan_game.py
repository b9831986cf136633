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

from course_utils.exact.games import jensen_shannon
from course_utils.figures.style import use_course_style

use_course_style()

# %% [markdown]
# One check for each exercise:

# %%
from course_utils.checks.gan_game import (
    check_best_logit,
    check_discriminator_turn,
    check_jsd_from_logits,
    check_losses,
)

# %% [markdown]
# ## 1. The best opinion (easy, 5 minutes)
#
# `p` is the density of the data and `q` that of a generator, both as SciPy's frozen
# distributions, such as `stats.norm(0, 1)`. Return the **logit** of the discriminator that
# is best against this generator, at each point of `x`. It has to work far out in the tails
# as well, where a generator may stray.
#
# <details><summary>Hint</summary>
#
# The box in lesson 5 has the logit in one line. At $x = 60$ a standard normal density is
# `0.0` in the computer, and $\log 0$ is no help. Which other method do SciPy's
# distributions have?
#
# </details>


# %%
def best_logit(x: np.ndarray, p, q) -> np.ndarray:
    """x (n,), two frozen distributions -> (n,)."""
    # BEGIN SOLUTION
    return p.logpdf(x) - q.logpdf(x)
    # END SOLUTION


check_best_logit(best_logit)

# %% [markdown]
# ## 2. Three losses from logits (easy, 15 minutes)
#
# A discriminator has judged $n$ real samples and $m$ fakes. From its logits, return three
# losses: that of the discriminator; the **saturating** one of the generator, its part of
# the game's value $V$; and the **non-saturating** one. All three are to be minimized. Use
# tensors throughout, as gradients must pass, and survive logits of 1000 and of -1000.
#
# <details><summary>Hint</summary>
#
# `F.softplus(t)` is $\log(1 + e^t)$ and never overflows. Write $\log D$ for a logit $\ell$
# with it: first put $D = 1/(1 + e^{-\ell})$ in. Do the same for $\log(1 - D)$. Each
# expectation in $V$ is one mean.
#
# </details>


# %%
def losses(real_logits: torch.Tensor, fake_logits: torch.Tensor) -> tuple:
    """(n, 1), (m, 1) -> discriminator's, saturating, non-saturating; one number each."""
    # BEGIN SOLUTION
    caught = F.softplus(fake_logits).mean()
    discriminator = F.softplus(-real_logits).mean() + caught
    return discriminator, -caught, F.softplus(-fake_logits).mean()
    # END SOLUTION


check_losses(losses)

# %% [markdown] tags=["solution"]
# The first two add up to a mean over real samples alone, in which the generator does not
# occur: so for the fakes it is a zero-sum game. The first and the third do not.

# %% [markdown]
# ## 3. A divergence, read from a loss (medium, 15 minutes)
#
# Somebody hands you the logits of the *best* discriminator, for $n$ real samples and $m$
# fakes. Estimate the Jensen-Shannon divergence of data and generator from them, and say how
# sure you are: return the estimate and its **standard error**. The two numbers of samples
# may differ. An error that is right to 10 % will do, as a bootstrap's of 2,000 draws is.
#
# <details><summary>Hint</summary>
#
# Lesson 5 says what $V$ is at the best discriminator; solve that for the JSD. The estimate
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
# A trained discriminator is never better than the best one, so its loss, averaged over
# endless fresh samples, gives a number that is too *small*. That makes it a bound: the densities
# differ by at least so much.

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
