# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Exercises on lesson 11: spins, summed, flipped, drawn
#
# Open in [Colab](https://colab.research.google.com/github/generative-models/executed/blob/v0.2.0/notebooks/exercises/11_ising.ipynb) or on [Binder](https://mybinder.org/v2/gh/generative-models/executed/v0.2.0?urlpath=lab/tree/notebooks/exercises/11_ising.ipynb).
#
# [Lesson 11](../11_ising.ipynb) has what you need. Fill in each cell and run it; its last line
# checks your answer with fresh random inputs and says what is not right yet. Exercises 1 to
# 6 work on NumPy arrays, exercise 7 on PyTorch's tensors.

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
import matplotlib.pyplot as plt
import numpy as np
import torch
import torch.nn.functional as F
from scipy.optimize import brentq
from scipy.signal import lfilter
from scipy.special import logsumexp, xlogy
from torch import Tensor, nn

from course_utils.checks import ising
from course_utils.checks.glass import draw_glass
from course_utils.checks.progress import solved
from course_utils.figures.style import use_course_style

use_course_style()

# %% [markdown]
# One check for each exercise:

# %%
from course_utils.checks.ising import (
    check_accept_cluster,
    check_averages,
    check_error_of_mean,
    check_mean_field,
    check_reweight,
    check_ring_gap,
    check_train_sampler,
)

# %% [markdown]
# The lesson had one bond strength and no field. Here spins $s_i = \pm 1$ have any bonds $J_{ij}$
# and any fields $h_i$:
#
# $$ E(s) = -\sum_{i<j} J_{ij}\, s_i s_j - \sum_i h_i s_i . $$
#
# A program gets `bonds`, the symmetric matrix $J$ with zeros on its diagonal, and `field`, the
# vector $h$. Each pair counts **once** in the energy, and stands twice in the matrix.

# %% [markdown]
# ## 1. Every state, also when it is cold (easy, 10 minutes)
#
# For at most nine spins, sum over all $2^N$ states. Return $\ln Z$, the mean energy
# $\langle E \rangle$ and the mean $\langle s_i \rangle$ of each spin. The check goes up to
# $\beta = 400$, where $e^{-\beta E}$ is too large a number for the computer.
#
# <details><summary>Hint</summary>
#
# `np.arange(2**N)[:, None] >> np.arange(N) & 1` has all states in zeros and ones.
# `scipy.special.logsumexp` knows how to sum large exponentials. With $\ln Z$ in hand, $p = e^{-\beta
# E - \ln Z}$ is at most 1.
#
# </details>


# %%
def averages(
    bonds: np.ndarray, field: np.ndarray, beta: float
) -> tuple[float, float, np.ndarray]:
    """bonds (N, N), field (N,) -> ln Z, the mean energy, the spins' means (N,)."""
    # BEGIN SOLUTION
    n = len(field)
    states = 2 * (np.arange(2**n)[:, None] >> np.arange(n) & 1) - 1
    energy = -((states @ bonds) * states).sum(1) / 2 - states @ field
    log_z = logsumexp(-beta * energy)
    p = np.exp(-beta * energy - log_z)
    return log_z, p @ energy, p @ states
    # END SOLUTION


check_averages(averages)

# %% [markdown]
# ## 2. Independent spins, hundreds of them (medium, 20 minutes)
#
# In mean field the spins are independent, and spin $i$ has the mean $m_i$. Return
#
# - $\beta F_q = \mathbb E_q[\beta E + \ln q]$, in nats;
# - for each spin, the mean that makes $\beta F_q$ smallest **if all the others keep theirs**,
#   $(N,)$.
#
# There may be 500 spins, so a sum over states is out of the question. Some $m_i$ are exactly 1 or
# $-1$: such a spin has no entropy left.
#
# <details><summary>Hint</summary>
#
# Of independent spins $\mathbb E_q[s_i s_j]$ is a product. Spin $i$ is up with the probability
# $(1 + m_i)/2$. `xlogy(p, p)` knows that $p \ln p$ goes to 0. For the second part take the
# derivative by one $m_i$, and set it to 0.
#
# </details>


# %%
def mean_field(
    bonds: np.ndarray, field: np.ndarray, beta: float, m: np.ndarray
) -> tuple[float, np.ndarray]:
    """bonds (N, N), field (N,), means m (N,) -> beta F_q, the best means (N,)."""
    # BEGIN SOLUTION
    up, down = (1 + m) / 2, (1 - m) / 2
    energy = -m @ bonds @ m / 2 - field @ m
    bound = beta * energy + (xlogy(up, up) + xlogy(down, down)).sum()
    return bound, np.tanh(beta * (bonds @ m + field))
    # END SOLUTION


check_mean_field(mean_field)

# %% [markdown] tags=["solution"]
# The derivative is $-\beta(\sum_j J_{ij} m_j + h_i) + \operatorname{artanh} m_i$. So each spin
# answers the *mean* pull of the others, as if they did not fluctuate. Update one spin after the
# other, and $\beta F_q$ never rises: it is the coordinate ascent on an ELBO.

# %% [markdown]
# ## 3. What independence costs on a ring (medium, 15 minutes)
#
# Very many spins on a ring, each with two neighbours, bonds of $J = 1$, and a field of $h = 0.2$ on
# each spin; $\beta = 0.8$. The exact answer comes from a matrix of 2 by 2. With the entries $T(s, s')
# = e^{\beta s s' + \beta h (s + s') / 2}$ the sum over all states is the trace of $T^N$, so that $\ln
# Z / N$ tends to the logarithm of its largest eigenvalue.
#
# Now take the best mean field with one $m$ for all spins. How large is its gap $\beta (F_q - F)$ for
# each spin, in nats? Put it into `gap`, to one percent.
#
# <details><summary>Hint</summary>
#
# Exercise 2 gives $\beta F_q / N$ as a function of $m$: draw it. Each spin has *half* of two bonds.
# The curve may have more than one valley.
#
# </details>

# %%
# BEGIN SOLUTION
beta, h = 0.8, 0.2
s = np.array([1, -1])
log_z = np.log(
    np.linalg.eigvalsh(
        np.exp(beta * np.outer(s, s) + beta * h * np.add.outer(s, s) / 2)
    ).max()
)


def bound(m):
    """beta F_q of one spin."""
    up, down = (1 + m) / 2, (1 - m) / 2
    return -beta * (m**2 + h * m) + xlogy(up, up) + xlogy(down, down)


m = brentq(lambda m: m - np.tanh(beta * (2 * m + h)), 0.1, 1)
gap = bound(m) + log_z
line = np.linspace(-1, 1, 201)
plt.plot(line, bound(line) + log_z)
plt.plot(m, gap, "o")
plt.xlabel("m")
plt.ylabel("gap of one spin (nats)")
plt.ylim(0, None)
plt.show()
# STUB gap = ...
# END SOLUTION

check_ring_gap(gap)

# %% [markdown] tags=["solution"]
# *Figure: the gap against m. A shallow valley at the left, against the field; a deep one at the
# right, near m = 0.9, marked by a dot at 0.05 nats.*
#
# It is 0.047 nats. That is little, but for a hundred spins it is 4.7 nats: a typical sample gets from
# $q$ a probability that is a hundred times too large. The other valley is a magnet against its field.
# Whoever starts there finds $m = \tanh(\dots)$ fulfilled, and 0.33 nats.

# %% [markdown]
# ## 4. A cluster is turned, or not (medium, 25 minutes)
#
# Wolff's algorithm knows no field, and its clusters grow with one certain probability. Somebody
# takes **another** probability $p$, and has a field. A cluster has grown from a random spin, over
# each bond between equal spins with the probability $p$. Now it is turned with the probability of
# Metropolis and Hastings,
#
# $$ a = \min\left(1,\ \frac{e^{-\beta E(s')}\ g(s' \to s)}{e^{-\beta E(s)}\ g(s \to s')}\right), $$
#
# where $s'$ is $s$ with the cluster turned, and $g(s \to s')$ is how likely just this cluster grows in
# $s$. Return $a$. Here $E = -\sum_{\text{bonds}} s_i s_j - h \sum_i s_i$. Row $k$ of `pairs` has the two
# ends of bond $k$, as numbers of spins. The lattice may be large.
#
# <details><summary>Hint</summary>
#
# Which bonds *must not* have been taken, for the cluster to end where it ends? Count them before
# the turn and after it. Inside the cluster all is the same both ways, whatever way it grew. Add
# logarithms: each factor alone may overflow.
#
# </details>


# %%
def accept_cluster(
    spins: np.ndarray,
    cluster: np.ndarray,
    pairs: np.ndarray,
    h: float,
    beta: float,
    p: float,
) -> float:
    """spins (N,), cluster (N,) of truth values, pairs (K, 2) -> a."""
    # BEGIN SOLUTION
    first, second = pairs.T
    at_edge = cluster[first] != cluster[second]
    equal = spins[first] == spins[second]
    before, after = (at_edge & equal).sum(), (at_edge & ~equal).sum()
    rise = 2 * (before - after) + 2 * h * spins[cluster].sum()
    return np.exp(min(0, -beta * rise + (after - before) * np.log1p(-p)))
    # END SOLUTION


check_accept_cluster(accept_cluster)

# %% [markdown] tags=["solution"]
# `before` bonds of equal spins at the edge were not taken, each with the probability $1 - p$. After
# the turn it is the `after` others that are equal. With Wolff's $p = 1 - e^{-2\beta}$ the two factors
# cancel bond by bond. Then only the field is left, and without a field each cluster is turned. At
# $p = 0$ it is Metropolis's old rule for one spin.

# %% [markdown]
# ## 5. Another temperature, from the same samples (medium, 20 minutes)
#
# Independent samples of the Boltzmann distribution at `beta` have the energies $E$ and some
# observable's values $O$. What would they say at another temperature, `new`? Return
#
# - the mean of $O$ there;
# - its standard error, to first order in $1/n$ (15 % are allowed: a bootstrap of some hundred
#   resamples is fine);
# - $\ln Z(\text{new}) - \ln Z(\text{beta})$.
#
# Samples of large lattices have energies of some millions.
#
# <details><summary>Hint</summary>
#
# The samples are those of a $q$: the Boltzmann distribution at `beta`. Write $p/q$; one factor of it
# is the same for all samples. The mean is a ratio of two sums, $\sum w O / \sum w$, and its error
# comes from $\sum w\,(O - \bar O)$, whose mean is 0.
#
# </details>


# %%
def reweight(
    energies: np.ndarray, values: np.ndarray, beta: float, new: float
) -> tuple[float, float, float]:
    """energies and values (n,) -> the mean, its error, the change of ln Z."""
    # BEGIN SOLUTION
    log_w = -(new - beta) * energies
    change = logsumexp(log_w) - np.log(len(log_w))
    w = np.exp(log_w - logsumexp(log_w))  # their sum is 1
    mean = w @ values
    error = np.sqrt((w**2 * (values - mean) ** 2).sum())
    return mean, error, change
    # END SOLUTION


check_reweight(reweight)

# %% [markdown] tags=["solution"]
# A usual short cut takes the weighted spread of the values over the root of the effective sample
# size. It forgets that heavy samples may have the extreme values, as they have here. And all three
# numbers trust that the samples reach where the new distribution lives. Take a step that is too
# large: one sample has all the weight, and the error is reported as 0.

# %% [markdown]
# ## 6. How wrong is the mean of a chain? (medium, 25 minutes)
#
# A Markov chain gave `values` one after the other, and they remember. Return the standard error of
# their mean. A chain that does not move has the error 0.
#
# The check draws chains of 10,000 values, in any unit and with any mean, whose exact error is
# known: values that are independent, that remember 4 or 30 steps (as autocorrelation times), and
# sums of a slow part and a fast one. For 16 chains of a kind your errors have to be right on average,
# within 15 %, and each by itself within a factor of 2.5. Binning and sums of autocorrelations can
# both reach this, if bins or windows are long enough.
#
# <details><summary>Hint</summary>
#
# Means of 40 to 100 long bins are nearly independent. Or sum the autocorrelations, up to some
# six times the autocorrelation time; *all* of them have a sum that tells nothing. A fast part hides a
# slow one from whoever looks at neighbours only.
#
# </details>


# %%
def error_of_mean(values: np.ndarray) -> float:
    """The values of one chain, (n,) -> the standard error of their mean."""
    # BEGIN SOLUTION
    bins = values[: len(values) // 50 * 50].reshape(50, -1).mean(axis=1)
    return bins.std(ddof=1) / np.sqrt(50)
    # END SOLUTION


check_error_of_mean(error_of_mean)

# %% [markdown] tags=["solution"]
# The error against the length of a bin, for one chain with a fast part and a slow one:


# %% tags=["solution"]
rng, n, memory = np.random.default_rng(0), 10_000, 39 / 41
slow = lfilter([np.sqrt(1 - memory**2)], [1, -memory], rng.standard_normal(n))
chain = np.sqrt(0.8) * rng.standard_normal(n) + np.sqrt(0.2) * slow
lengths = np.array([1, 2, 5, 10, 20, 50, 100, 200, 500])
errors = []
for length in lengths:
    bins = chain[: n // length * length].reshape(-1, length).mean(axis=1)
    errors.append(bins.std(ddof=1) / np.sqrt(len(bins)))
plt.semilogx(lengths, errors, "o-", label="from bins")
plt.axhline(np.sqrt((0.8 + 0.2 * 40) / n), color="black", linestyle=":", label="exact")
plt.xlabel("length of a bin (steps)")
plt.ylabel("error of the mean")
plt.ylim(0, None)
plt.legend()
plt.show()

# %% [markdown] tags=["solution"]
# *Figure: the error from bins rises with their length, from a third of the exact one at length 1 to
# about the exact one from length 100 on.*
#
# It rises until bins are several times as long as the memory, and then it stays. Still longer bins
# are few, and few bins give an uncertain error. The plateau is what to look for.

# %% [markdown]
# ## 7. Train a sampler of a spin glass (hard, 30 minutes)
#
# A **spin glass** has bonds of both signs, and no state can please them all. Ours are strips of 27 to
# 30 spins, with bonds of $\pm 1$ between neighbours, fields of $\pm 0.3$ and $\beta$ from 0.5 to 0.8. The
# states are too many to sum over; the check uses a transfer matrix, row by row.
#
# Write `train_sampler(bonds, field, beta, states, n, seed)`. It trains a network $q$ that draws spins
# one after the other, without any data, and returns
#
# - `n` samples of it, $(n, N)$, each spin $-1$ or 1;
# - $\ln q$ of each sample, $(n,)$;
# - $\ln q$ of each of the `states`, $(m,)$. These are for you to judge with your trained $q$; the
#   training does not see them.
#
# `seed` decides the first weights and all that is drawn: the same seed gives the same sampler and
# samples, and another one gives others. A training should take a few seconds, and must end within 20.
#
# Of 2,000 samples the gap $\beta (F_q - F)$ has to be at most **0.04 nats**, and their weights have to
# give the exact $\ln Z$ to 0.04. Independent spins have gaps above 1. To configurations of the glass,
# which are among the `states`, $q$ gives at most 0.04 nats too little on average; and it has the sum
# 1. What is asked for is a trained network: where you sum up $p$ itself, each sample has the very
# same cost, and the check will see it.
#
# <details><summary>Hint</summary>
#
# Each spin's logit may be a linear function of the spins before it and a bias: a triangular matrix
# and a vector. The lesson's loss and its rising $\beta$ do the rest. Three hundred samples a step,
# some four hundred steps of Adam at 0.01, and a step size that falls in the second half are a good
# beginning. The lesson's own sampler has $q(-s) = q(s)$, which a field breaks.
#
# </details>
#
# A glass to practise with. Its `log_partition` is exact:

# %%
glass, beta = draw_glass(np.random.default_rng(0)), 0.7
bonds, field = (torch.tensor(v).float() for v in (glass.bonds, glass.field))
print(f"{len(field)} spins, ln Z = {glass.log_partition(beta):.3f}")


def energies(s: Tensor, bonds: Tensor, field: Tensor) -> Tensor:
    """States (n, N) -> their energies (n,)."""
    return -((s @ bonds) * s).sum(1) / 2 - s @ field


# %% [markdown]
# Your sampler and its training:


# %%
# BEGIN SOLUTION
class Coins(nn.Module):
    """Each spin is a coin, whose logit is linear in the spins before it."""

    def __init__(self, sites):
        super().__init__()
        self.weights = nn.Parameter(torch.zeros(sites, sites))
        self.bias = nn.Parameter(0.01 * torch.randn(sites))

    def log_prob(self, s):
        logits = s @ self.weights.tril(-1).T + self.bias
        return F.logsigmoid(s * logits).sum(1)

    @torch.no_grad()
    def sample(self, n):
        s = torch.zeros(n, len(self.bias))
        for i, weights in enumerate(self.weights.tril(-1)):
            up = torch.rand(n) < torch.sigmoid(s @ weights + self.bias[i])
            s[:, i] = torch.where(up, 1.0, -1.0)
        return s


# STUB
# END SOLUTION
def train_sampler(
    bonds: Tensor, field: Tensor, beta: float, states: Tensor, n: int, seed: int
) -> tuple[Tensor, Tensor, Tensor]:
    """bonds (N, N), field (N,), states (m, N) -> samples (n, N), ln q (n,), ln q (m,)."""
    # BEGIN SOLUTION
    torch.manual_seed(seed)
    q, steps = Coins(len(field)), 400
    optimizer = torch.optim.Adam(q.parameters())
    for progress in np.linspace(0, 1, steps):
        optimizer.param_groups[0]["lr"] = 0.01 * min(1, 2.02 - 2 * progress)
        s = q.sample(300)
        log_q = q.log_prob(s)
        now = beta * min(1, 2 * progress)
        cost = log_q.detach() + now * energies(s, bonds, field)
        optimizer.zero_grad()
        ((cost - cost.mean()) * log_q).mean().backward()
        optimizer.step()
    with torch.no_grad():
        samples = q.sample(n)
        return samples, q.log_prob(samples), q.log_prob(states)
    # END SOLUTION


check_train_sampler(train_sampler)

# %% [markdown] tags=["solution"]
# The cost of each sample, beside that of independent spins with the means of exercise 2:

# %% tags=["solution"]
m = np.zeros(len(field))
for _ in range(500):
    m = 0.8 * m + 0.2 * mean_field(glass.bonds, glass.field, beta, m)[1]
rng = np.random.default_rng(1)
coins = np.where(rng.random((2_000, len(m))) < (1 + m) / 2, 1.0, -1.0)
coins = torch.tensor(coins).float()
log_q = np.log((1 + coins.numpy() * m) / 2).sum(1)
mean_field_cost = log_q + beta * energies(coins, bonds, field).numpy()
plt.hist(mean_field_cost, 60, histtype="step", linewidth=2, label="independent spins")
for seed in range(3):
    s, log_q, _ = train_sampler(bonds, field, beta, torch.ones(1, len(m)), 2_000, seed)
    cost = log_q.double() + beta * energies(s, bonds, field)
    gap = cost.mean() + glass.log_partition(beta)
    print(f"seed {seed}: gap {gap:.3f} nats, scatter {cost.std():.2f} nats")
plt.hist(cost, 20, histtype="step", linewidth=2, label="one after the other")
plt.axvline(-glass.log_partition(beta), color="black", linestyle=":", label="exact")
plt.xlabel("cost of a sample (nats)")
plt.ylabel("samples")
plt.yscale("log")
plt.legend()
plt.show()

# %% [markdown] tags=["solution"]
# *Figure: two histograms of the cost, the counts in powers of ten. Independent spins: broad, to the
# right of the dotted line. One after the other: a narrow peak on the line.*
#
# Logits that are linear in the spins before are not the exact law, in which each spin already drawn
# may count in combinations. The gap that is left is what that costs, and here it is little.

# %% [markdown]
# ## How many are solved?

# %%
solved(ising)
