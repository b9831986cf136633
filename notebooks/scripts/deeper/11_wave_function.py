# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Deeper: a wave function is a generative model
#
# Open in [Colab](https://colab.research.google.com/github/generative-models/executed/blob/v0.2.0/notebooks/deeper/11_wave_function.ipynb) or on [Binder](https://mybinder.org/v2/gh/generative-models/executed/v0.2.0?urlpath=lab/tree/notebooks/deeper/11_wave_function.ipynb).
#
# [Lesson 11](../11_ising.ipynb) trains a network that draws spins, without any data: a law of
# physics is enough. Here the law is quantum mechanics. A quantum state gives each
# configuration $s$ a number $\psi(s)$, the **amplitude**. Whoever measures all spins along $z$
# sees $s$ with the probability $|\psi(s)|^2 / \sum_{s'} |\psi(s')|^2$. So a state is a generative
# model. **Can the same network learn the state of lowest energy, and who tells us how far it
# got?**
#
# You need lesson 11, the score function of [lesson 2](../02_reparameterization.ipynb), and
# what a Hamiltonian is.

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
# On two CPU cores this page takes about two minutes.

# %% tags=["setup"] jupyter={"source_hidden": true}
# @title Set-up: libraries, exact answers, figures
import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from course_utils.budget import budget
from course_utils.exact.chain import (
    apply_hamiltonian,
    correlation,
    energy_and_variance,
    enumerate_chain,
    even_gap,
    ground_energy,
    ring_mean,
)
from course_utils.figures.style import use_course_style
from course_utils.figures.wave_functions import (
    correlations,
    energies_and_variances,
    excess_against_variance,
    local_energy_histograms,
)
from course_utils.metrics.bounds import Estimate
from course_utils.pytorch import wave_functions
from course_utils.pytorch.device import seed_everything
from course_utils.pytorch.spins import score_loss
from course_utils.pytorch.wave_functions import (
    amplitudes,
    random_spins,
    train_wave_function,
)
from course_utils.records import read_result

use_course_style()

# %% [markdown]
# ## Twenty spins on a ring
#
# Neighbours like to agree, as in lesson 11. A field across the spins flips them. The
# **transverse-field Ising chain** is
#
# $$
# H = -\sum_{i=1}^{L} \sigma^z_i \sigma^z_{i+1} - \sum_{i=1}^{L} \sigma^x_i ,
# $$
#
# with $L = 20$ spins whose ends are joined: $\sigma^z_{21} = \sigma^z_1$. $\sigma^z_i$ reads
# spin $i$, $+1$ or $-1$, and $\sigma^x_i$ flips it. Both parts are equally strong; there
# an infinite chain has its phase transition. Temperature is zero. What makes the spins
# fluctuate is the field.
#
# Pfeuty found all levels in 1970: the chain is a set of independent fermions. The ground state
# holds an even number of them. Such fermions meet a minus sign on their way around the ring, so
# that their $L$ momenta are $k = \pi/L, 3\pi/L, \dots, (2L-1)\pi/L$. Each adds $-2 \sin(k/2)$ to
# the lowest energy, and the sum has a closed form:
#
# $$
# E_0 = -\sum_k 2 \sin\frac{k}{2} = \frac{-2}{\sin(\pi / 2L)} .
# $$
#
# It holds for the ring. A chain with open ends has one bond fewer and another sum,
# $1 - 1/\sin(\pi/(4L + 2))$.

# %% tags=["nbval-check-output"]
L = 20
E0 = ground_energy(L)
print(f"ring:      {E0:.6f};  -2 / sin(pi / 40)    = {-2 / math.sin(math.pi / 40):.6f}")
open_ends = 1 - 1 / math.sin(math.pi / 82)
print(
    f"open ends: {ground_energy(L, ring=False):.6f};  1 - 1 / sin(pi / 82) = {open_ends:.6f}"
)

# %% [markdown]
# For eight spins we can do without fermions: $H$ is a matrix of $256 \times 256$ numbers.

# %%
H = np.array([apply_hamiltonian(row) for row in np.eye(2**8)])
levels, eigenstates = np.linalg.eigh(H)
print(f"lowest eigenvalue {levels[0]:.10f}, by the formula {ground_energy(8):.10f}")

# %% tags=["proof", "nbval-check-output"] jupyter={"source_hidden": true}
# @title The sum over fermions is the lowest eigenvalue, on a ring and with open ends
for sites in (4, 8, 10):
    for ring in (True, False):
        dense = [apply_hamiltonian(row, ring=ring) for row in np.eye(2**sites)]
        lowest = np.linalg.eigvalsh(np.array(dense))[0]
        assert abs(lowest - ground_energy(sites, ring=ring)) < 1e-11
print("They agree to 11 digits for 4, 8 and 10 spins.")

# %% [markdown]
# ## Why a probability is enough
#
# $H$ is real and symmetric, so real amplitudes suffice from here on. They may be negative;
# probabilities cannot. But look at $H$: all its off-diagonal entries are $-1$ or $0$. Take any
# state and replace $\psi(s)$ by $|\psi(s)|$. The bonds do not notice, and each term
# $-\psi(s)\,\psi(s')$ of the field falls or stays. So *a* lowest state has no signs. On a finite ring
# it is the only one, since the field joins all configurations (Perron and Frobenius). We can write
#
# $$
# \psi(s) = \sqrt{q(s)} .
# $$
#
# A Hamiltonian of this kind is called **stoquastic**.

# %% [markdown]
# ## The local energy
#
# The energy of a state is a mean over its own samples:
#
# $$
# E = \frac{\sum_s \psi(s)\,(H\psi)(s)}{\sum_s \psi(s)^2}
# = \mathbb E_{q}\left[E_{\text{loc}}(s)\right] , \qquad
# E_{\text{loc}}(s) = \frac{(H\psi)(s)}{\psi(s)}
# = -\sum_i s_i s_{i+1} - \sum_i \frac{\psi(s^{(i)})}{\psi(s)} ,
# $$
#
# where $s^{(i)}$ is $s$ with spin $i$ flipped. Only ratios of amplitudes are needed, so that
# the norm of $\psi$ may be unknown. And $E \ge E_0$ for every $\psi$: once more a bound
# whose gap we want to close. This is **variational Monte Carlo**.


# %% tags=["mirrors"]
def local_energies(model, spins, field=1.0):
    flipped = spins[:, None] * (1 - 2 * torch.eye(model.sites, device=spins.device))
    log_flipped = model.log_psi(flipped.flatten(0, 1)).view_as(spins)
    ratios = torch.exp(log_flipped - model.log_psi(spins)[:, None])
    bonds = spins * spins.roll(-1, 1)
    return -bonds.sum(1) - field * ratios.sum(1)


# %% [markdown]
# **Predict before you run.** For the eight spins we have the ground state itself. It gives
# $256$ local energies. How much do they scatter?

# %%
ground = eigenstates[:, 0]
local = H @ ground / ground
print(f"local energies from {local.min():.10f} to {local.max():.10f}")
print(f"amplitudes from {abs(ground).min():.4f} to {abs(ground).max():.4f}")

# %% tags=["proof"] jupyter={"source_hidden": true}
# @title One value for all states, and no amplitude has another sign
assert np.ptp(local) < 1e-9
assert len(set(np.sign(ground))) == 1

# %% [markdown]
# **Answer.** Not at all. An eigenstate has $H\psi = E\psi$, so $E_{\text{loc}}(s) = E$ for *every*
# state $s$, likely or not. We have met this twice: where $q = p$ the cost of lesson 11 is the
# same for every configuration, and the weights of [lesson 1](../01_elbo.ipynb) are all equal. The
# **variance of the local energy** is zero at an eigenstate alone, and nobody needs $E_0$ to compute
# it.

# %% [markdown]
# ## The way down
#
# Let a weight of the model change, and write $\mathrm d$ for the change. $H$ is symmetric, so the
# numerator $\sum \psi\, H\psi$ changes by $2 \sum \mathrm d\psi\, H\psi$. The denominator changes by
# $2 \sum \mathrm d\psi\, \psi$, which brings the $-E\psi$:
#
# $$
# \mathrm dE = \frac{2 \sum_s \mathrm d\psi\,(H\psi - E\psi)}{\sum_s \psi^2}
# = \mathbb E_q\left[(E_{\text{loc}} - E)\; 2\,\mathrm d \ln\psi\right] .
# $$
#
# With $2 \ln \psi = \ln q$ this is lesson 2's score function with its baseline. The cost is
# $E_{\text{loc}}$, and the baseline is its mean. The cost itself depends on the weights, too. Its own
# change has the mean zero, because $H$ is symmetric:
#
# $$
# \mathbb E_q[\mathrm d E_{\text{loc}}] =
# \frac{\sum_s (\psi\, H\mathrm d\psi - H\psi\, \mathrm d\psi)}{\sum_s \psi^2} = 0 .
# $$
#
# If the norm of $\psi$ is unknown, the baseline has a second task: it takes the norm's change
# out. `score_loss(log_q, cost)` is the mean of `(cost - cost.mean()) * log_q`.


# %% tags=["mirrors"]
def energy_step(model, optimizer, spins, generator):
    spins = model.renewed(spins, generator)
    with torch.no_grad():
        energies = local_energies(model, spins)
    loss = score_loss(2 * model.log_psi(spins), energies)  # ln q is 2 ln psi
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return spins, energies


# %% [markdown]
# ## Three wave functions
#
# | | $\ln\psi(s)$ | numbers to learn | samples |
# |---|---|---|---|
# | **mean field** | $\tfrac12 \sum_i \ln q(s_i)$: all spins independent | 1 | at once |
# | **Jastrow** | $\sum_{i<j} J_{d(i,j)}\, s_i s_j$: one bond for each distance $d$ around the ring | 10 | from a Markov chain |
# | **autoregressive** | $\tfrac12 \sum_i \ln q(s_i \mid s_1 \dots s_{i-1})$ | thousands | one spin after the other |
#
# Mean field needs one coin, since all places of the ring are alike.


# %% tags=["mirrors"]
class MeanField(nn.Module):
    def __init__(self, sites):
        super().__init__()
        self.sites = sites
        self.logit = nn.Parameter(torch.ones(()))  # leans up a little: it takes a side

    def log_psi(self, spins):
        return 0.5 * F.logsigmoid(spins * self.logit).sum(1)

    @torch.no_grad()
    def renewed(self, spins, generator):
        up = self.logit.sigmoid().expand_as(spins)
        return 2 * torch.bernoulli(up, generator=generator) - 1


# %% [markdown]
# Nobody can write down the norm of Jastrow's $\psi$. But given all other spins, each spin is
# a coin again: its logit is $4 \sum_j J_{d(i,j)}\, s_j$. So hundreds of chains walk on while the
# couplings learn, three sweeps a step.


# %% tags=["mirrors"]
class Jastrow(nn.Module):
    def __init__(self, sites, sweeps=3):
        super().__init__()
        self.sites, self.sweeps = sites, sweeps
        self.J = nn.Parameter(torch.zeros(sites // 2))
        steps = (torch.arange(sites)[:, None] - torch.arange(sites)).abs()
        self.register_buffer("distance", torch.minimum(steps, sites - steps))

    def couplings(self):
        return F.pad(self.J, (1, 0))[self.distance]

    def log_psi(self, spins):
        return 0.5 * ((spins @ self.couplings()) * spins).sum(1)

    @torch.no_grad()
    def renewed(self, spins, generator):
        spins, couplings = spins.clone(), self.couplings()
        for _ in range(self.sweeps):
            for site in range(self.sites):
                up = torch.sigmoid(4 * spins @ couplings[site])
                spins[:, site] = 2 * torch.bernoulli(up, generator=generator) - 1
        return spins


# %% [markdown]
# The third is lesson 11's sampler, laid along the chain: a small network for each site, without
# biases, so that $\psi(-s) = \psi(s)$. It knows its norm and draws without a Markov chain.


# %% tags=["mirrors"]
class Autoregressive(nn.Module):
    def __init__(self, sites, hidden=32):
        super().__init__()
        self.sites = sites
        self.first = nn.Parameter(0.5 * torch.randn(sites, sites, hidden) / sites**0.5)
        self.second = nn.Parameter(0.2 * torch.randn(sites, hidden) / hidden**0.5)

    def logits(self, spins, site):
        hidden = torch.tanh(spins[:, :site] @ self.first[site, :site])
        return hidden @ self.second[site]

    def log_psi(self, spins):
        logits = [self.logits(spins, site) for site in range(self.sites)]
        return 0.5 * F.logsigmoid(spins * torch.stack(logits, 1)).sum(1)

    @torch.no_grad()
    def renewed(self, spins, generator):
        spins = torch.empty_like(spins)
        for site in range(self.sites):
            up = self.logits(spins, site).sigmoid()
            spins[:, site] = 2 * torch.bernoulli(up, generator=generator) - 1
        return spins


# %% [markdown]
# **Predict before you run.** What energy will mean field reach? Independent spins with the mean
# $m$ have $\langle\sigma^x\rangle = \sqrt{1 - m^2}$, so that each spin has the energy
# $-m^2 - \sqrt{1 - m^2}$.
#
# `train_wave_function` repeats `energy_step`, 500 samples each, with Adam, whose rate falls in the
# second half. The network gets 1,000 steps, the two others 300.

# %%
few = budget(smoke=20, lecture=300, full=300)  # steps for a handful of numbers
many = budget(smoke=20, lecture=1_000, full=4_000)  # and for a network
plans = {
    "mean field": (wave_functions.MeanField, few, 0.05),
    "Jastrow": (wave_functions.Jastrow, few, 0.02),
    "autoregressive": (wave_functions.Autoregressive, many, 0.02),
}
models, runs = {}, {}
for name, (kind, steps, rate) in plans.items():
    seed_everything(0)
    models[name] = kind(L)
    runs[name] = train_wave_function(models[name], steps, 0, learning_rate=rate)
energies_and_variances(runs, E0)

# %% [markdown]
# *Figure: left, three energies above the exact one fall with the steps, on an axis that is
# logarithmic above 0.01 and linear below. Mean field stops at 0.5, Jastrow at 0.04, the autoregressive
# network scatters about the black line at 0, mostly above it. Right, three variances on a logarithmic
# axis: mean field stops at about 1, Jastrow at 0.2, the autoregressive one below 0.01.*
#
# **Answer.** $-5/4$ a spin, at $m = \pm\sqrt3/2$, so $-25$ in all. Mean field has to take a side, as in
# lesson 11. The order is the same in both panels, but only the left one needs $E_0$.

# %% [markdown]
# ## All million states
#
# Twenty spins have $2^{20}$ states, about a million. That is too many for a dense matrix, but not for
# one amplitude each. So the energy of a trained wave function can be *summed*, with no
# error of sampling. We compare with what 2,000 fresh samples say.


# %%
def fresh(model, seed, n=2_000, renewals=30):
    """Local energies of samples; a Markov chain first walks from random states."""
    generator = torch.Generator().manual_seed(seed)
    spins = random_spins(model, n, generator)
    for _ in range(renewals if isinstance(model, wave_functions.Jastrow) else 1):
        spins = model.renewed(spins, generator)
    with torch.no_grad():
        return wave_functions.local_energies(model, spins).double().numpy()


states = enumerate_chain(L)
psi = {name: amplitudes(model, states) for name, model in models.items()}
summed = {name: energy_and_variance(values) for name, values in psi.items()}
drawn = {name: fresh(model, seed=1) for name, model in models.items()}
print(
    f"{'':15}{'sum over all':>14}{'above exact':>13}{'2,000 samples':>22}{'variance':>10}"
)
for name, (energy, variance) in summed.items():
    e = Estimate.of(drawn[name])
    sampled = f"{e.mean:.4f} +- {e.standard_error:.4f}"
    print(f"{name:15}{energy:14.4f}{energy - E0:13.4f}{sampled:>22}{variance:10.4f}")
print(f"{'exact':15}{E0:14.4f}")

# %% tags=["proof"] jupyter={"source_hidden": true}
# @title Sums lie above the exact energy; samples agree with sums within four errors
for name, (energy, _) in summed.items():
    assert energy > E0
    if many >= 1_000:
        e = Estimate.of(drawn[name])
        assert abs(e.mean - energy) < 4 * e.standard_error
if many >= 1_000:
    assert abs(summed["mean field"][0] + 25) < 0.01
    assert summed["autoregressive"][1] < 0.1 * summed["Jastrow"][1]

# %% [markdown]
# Look at the errors of the samples: the same 2,000 draws say much more where the variance is
# small. A mean of samples may also come out *below* the exact energy. That breaks no law, since the
# bound holds for the sum.
#
# But Jastrow's mean is nearly three of its errors too high. Have the Markov chains not arrived after
# 30 renewals, 90 sweeps? Let them walk ten times as long, or take ten times as many.


# %%
def errors_off(mean, error, energy):
    return f"{mean:.4f} +- {error:.4f}, {(mean - energy) / error:+.1f} errors off"


for n, renewals in ((2_000, 30), (2_000, 300), (20_000, 30)):
    e = Estimate.of(fresh(models["Jastrow"], 1, n, renewals))
    words = errors_off(e.mean, e.standard_error, summed["Jastrow"][0])
    print(f"{n:6,} chains, {3 * renewals} sweeps: {words}")
record = read_result("wave_functions")
for run in record["runs"]:
    if run["wave_function"] == "Jastrow":
        words = errors_off(run["sampled_energy"], run["sampled_error"], run["energy"])
        print(f"recorded, seed {run['seed']}: {words}")

# %% [markdown]
# The many chains agree with the sum after the same 90 sweeps. A walk that has not arrived would
# shift their mean as far as that of the few, by 0.028, nine of their errors. So it was
# chance, and the five recorded runs show nothing of the kind.

# %%
local_energy_histograms(drawn, E0)

# %% [markdown]
# *Figure: three histograms of local energies on one horizontal axis, each with its own scale of
# shares. Mean field: a comb of bars, most of them right of the dashed ground energy, some far left.
# Jastrow: a narrower comb around the line. Autoregressive: a spike on the line.*

# %% [markdown]
# ## The variance bounds the error
#
# Let $E_1$ be the next level above $E_0$. On each level the product
# $(H - E_0)(H - E_1)$ is zero or positive, since no level lies between the two. So its mean is
# never negative. That mean is $\langle H^2 \rangle - E^2 + (E - E_0)(E - E_1)$. And for a normalized
# $\psi$ we have $\sum_s \psi^2 (H\psi / \psi)^2 = \langle\psi| H^2 |\psi\rangle$, so
# $\langle H^2 \rangle - E^2$ is the variance of the local energy. As long as $E < E_1$, we may divide:
#
# $$
# 0 \;\le\; E - E_0 \;\le\; \frac{\operatorname{Var}(E_{\text{loc}})}{E_1 - E} .
# $$
#
# This is Temple's inequality of 1928. The left half is the variational bound, and the right
# half closes it from the other side. Jastrow and the autoregressive network do not change if
# all spins are flipped: they are **even**. Such states contain even levels only, and $E_1$ is the
# next of these. It costs the two cheapest fermions, $2 \cdot 4 \sin(\pi / 2L)$. Mean field has taken
# a side, so that it mixes even and odd levels. The next level of all is odd and lies only
# $2 \tan(\pi / 4L)$ above $E_0$. Mean field's $E$ is above it, and Temple says nothing.

# %%
E1 = E0 + even_gap(L)
print(f"gap to E1: {E1 - E0:.4f};  8 sin(pi / 40) = {8 * math.sin(math.pi / 40):.4f}")
print(f"gap to the lowest odd level: {2 * math.tan(math.pi / 80):.4f}")
for name in ("Jastrow", "autoregressive"):
    energy, variance = summed[name]
    width = variance / (E1 - energy)
    words = f"{energy - width:.4f} <= E0 <= {energy:.4f}"
    print(f"{name:15}{words}, {width / (energy - E0):.0f} times as wide as the error")

# %% tags=["proof"] jupyter={"source_hidden": true}
# @title The exact energy lies between the two; eight spins have these two gaps
assert abs(levels[1] - levels[0] - 2 * math.tan(math.pi / 32)) < 1e-11
assert abs(levels[2] - levels[0] - 8 * math.sin(math.pi / 16)) < 1e-11
assert eigenstates[:, 1] @ eigenstates[::-1, 1] < 0 < ground @ ground[::-1]
for name in ("Jastrow", "autoregressive"):
    energy, variance = summed[name]
    if energy < E1:
        assert energy - variance / (E1 - energy) <= E0 <= energy

# %% [markdown]
# The interval holds the truth, but it is wide. And we have helped ourselves: $E_1$ came from the
# exact $E_0$, and $E$ and the variance are sums over all states. Elsewhere one needs a number surely
# below $E_1$, and samples bring errors of their own. People without such a number plot the energies
# of several wave functions against their variances, and extrapolate to variance zero.

# %% [markdown]
# ## A symmetry without new training
#
# The ring can be rotated and reflected without any change of $H$. The network does not know
# that: it reads from a first spin to a last one. Let $q_g$ be $q$ after such a motion $g$ of
# the ring, and average over all 40:
#
# $$
# \bar q(s) = \frac{1}{40} \sum_g q_g(s) .
# $$
#
# To draw from $\bar q$, draw from $q$ and move the ring at random. **Can the average be worse
# than $q$?** With $\psi = \sqrt q$ the energy is
#
# $$
# E(q) = -\sum_s q(s) \sum_i s_i s_{i+1} - \sum_s \sum_i \sqrt{q(s)\,q(s^{(i)})} .
# $$
#
# The first part is linear in $q$. The root of a product is concave in its two factors together,
# so that with its minus sign the second part is convex. For a convex function the value at a
# mean is at most the mean of the values. So $E(\bar q)$ is at most the mean of the $E(q_g)$.
# These are all equal to $E(q)$, since $H$ does not notice $g$. So the average's energy is never higher.
# For its variance we have proved nothing. And it has a price: each amplitude takes 40 evaluations of
# the network.

# %%
q = psi["autoregressive"] ** 2 / (psi["autoregressive"] ** 2).sum()
averaged = ring_mean(q)
symmetric = energy_and_variance(np.sqrt(averaged))
for name, (energy, variance) in {
    "as trained": summed["autoregressive"],
    "averaged": symmetric,
}.items():
    print(
        f"{name:11} {energy:.5f}, above exact {energy - E0:.5f}, variance {variance:.5f}"
    )

# %% tags=["proof"] jupyter={"source_hidden": true}
# @title It is a distribution, and its energy is not higher
assert abs(averaged.sum() - 1) < 1e-12
assert E0 < symmetric[0] <= summed["autoregressive"][0]

# %% [markdown]
# ## Five seeds
#
# One training is an anecdote. A tool of the course has trained each wave function with five seeds,
# 0 to 4, with the settings of this page, and summed all energies over all states.

# %% tags=["nbval-check-output"]
rows = {}
for run in record["runs"]:
    pair = run["variance"], run["energy"] - record["ground_energy"]
    rows.setdefault(run["wave_function"], []).append(pair)
    if run["wave_function"] == "autoregressive":
        energy = run["symmetrized_energy"] - record["ground_energy"]
        rows.setdefault("averaged", []).append((run["symmetrized_variance"], energy))
print(f"{'':15}{'seeds':>6}{'energy above exact':>24}{'variance':>22}")
for name, pairs in rows.items():
    variance, excess = np.array(pairs).T
    reach = [f"{x.min():.5f} to {x.max():.5f}" for x in (excess, variance)]
    print(f"{name:15}{len(pairs):6}{reach[0]:>24}{reach[1]:>22}")

# %% tags=["proof", "nbval-check-output"] jupyter={"source_hidden": true}
# @title In every seed the order is the same, and Temple's inequality holds
gap = record["even_gap"]
spread = {name: np.array(pairs).T for name, pairs in rows.items()}
names = ["averaged", "autoregressive", "Jastrow", "mean field"]
for better, worse in zip(names, names[1:]):
    assert (spread[better].max(1) < spread[worse].min(1)).all()
for name in names[:3]:
    variance, excess = spread[name]
    assert (excess * (gap - excess) <= variance).all()
print("Averaged < autoregressive < Jastrow < mean field, in all seeds.")

# %% [markdown]
# The same as a picture, without mean field. With $x = E - E_0$ and the gap $\Delta = E_1 - E_0$, Temple
# says $x\,(\Delta - x) \le \operatorname{Var}$, for every even state.

# %%
excess_against_variance({name: spread[name] for name in names[2::-1]}, gap)

# %% [markdown]
# *Figure: both axes logarithmic. A grey tongue from the left, where no even state can lie, ends at the
# variance 0.098. Its upper edge starts at the gap, 0.63. Hollow points of five seeds each, nearly on
# top of one another: averaged and the autoregressive network below the tongue, Jastrow to the right
# of its tip.*
#
# An even state of small variance has an energy near $E_0$, below the tongue, or near another level,
# above it. The tongue ends at the variance $\Delta^2 / 4$. Beyond its tip the gap alone forbids nothing:
# the picture says nothing about Jastrow, and its interval above used $E_1$ itself. Energy and variance
# put the three in the same order. The network has thousands of numbers and Jastrow ten. Whether it
# wins by its form or by its size is not tested here.

# %% [markdown]
# ## Is it the right state?
#
# An energy is one number. Two spins a distance $r$ apart have the mean product
# $\langle s_i s_{i+r} \rangle$, whose exact value is a determinant of $r$ rows.

# %%
distances = range(1, L // 2 + 1)
exact = [correlation(L, r) for r in distances]
found = {}
for name, values in psi.items():
    p = values**2 / (values**2).sum()
    found[name] = [p @ (states * np.roll(states, r, 1)).mean(1) for r in distances]
correlations(found, exact)

# %% [markdown]
# *Figure: a black curve of the exact correlations falls with the distance. The
# autoregressive points lie on it; Jastrow's lie below, more so far away; mean field's are all
# at 0.75.*
#
# Mean field has no correlation but the one that comes from taking a side: $m^2 = 3/4$ at every
# distance. Jastrow's energy is right to two parts in a thousand, yet its far correlations are
# too small by a sixth. **A good energy does not promise good correlations.** The variance ranks
# the three as the energy does; its merit is that it needs no $E_0$.

# %%
for name, values in found.items():
    worst = np.abs(np.subtract(values, exact)).max()
    print(f"{name:15} largest error of a correlation {worst:.4f}")

# %% tags=["proof"] jupyter={"source_hidden": true}
# @title The autoregressive network has the smallest error
if many >= 1_000:
    worst = [np.abs(np.subtract(found[n], exact)).max() for n in plans]
    assert worst[0] > worst[1] > worst[2]

# %% [markdown]
# ## What could go wrong
#
# - **Signs.** Electrons have ground states with signs, and so have antiferromagnets on
#   triangles. There $\psi = \sqrt q$ is the wrong form, and signs have to be learnt, too.
# - **The wrong eigenstate.** *Every* eigenstate has variance zero. Only $E < E_1$ says which level is
#   near.
# - **What is never drawn.** Energies and variances are means over the model's own samples, with
#   lesson 11's blind spot. We could sum over all states; for a hundred spins nobody can.
#
# ## Questions to go on with
#
# 1. With open ends, which of the three wave functions needs a change, and where?
# 2. Measure $\sum_i \langle\sigma^x_i\rangle$. It is minus the derivative of the energy in the
#    field: check it against two values of `ground_energy`.
# 3. Put the average over the ring into the training, instead of after it. What does a step cost?
#
# ## References
#
# - G. Carleo and M. Troyer, *Solving the quantum many-body problem with artificial neural
#   networks*, 2017, [arXiv:1606.02318](https://arxiv.org/abs/1606.02318).
# - M. Hibat-Allah, M. Ganahl, L. E. Hayward, R. G. Melko and J. Carrasquilla, *Recurrent neural
#   network wave functions*, 2020, [arXiv:2002.02973](https://arxiv.org/abs/2002.02973).
# - O. Sharir, Y. Levine, N. Wies, G. Carleo and A. Shashua, *Deep autoregressive models for the
#   efficient variational simulation of many-body quantum systems*, 2020,
#   [arXiv:1902.04057](https://arxiv.org/abs/1902.04057).
# - P. Pfeuty, *The one-dimensional Ising model with a transverse field*, Annals of Physics 57, 79
#   (1970). R. Jastrow, *Many-body problem with strong forces*, Phys. Rev. 98, 1479 (1955). G. Temple,
#   *The theory of Rayleigh's principle as applied to continuous systems*, Proc. R. Soc. A 119, 276
#   (1928).
