# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown] slideshow={"slide_type": "slide"}
# # 11 · Ising: physics as the judge
#
# Open in [Colab](https://colab.research.google.com/github/generative-models/executed/blob/v0.2.0/notebooks/11_ising.ipynb) or on [Binder](https://mybinder.org/v2/gh/generative-models/executed/v0.2.0?urlpath=lab/tree/notebooks/11_ising.ipynb).
#
# ## The question
#
# Nobody knows the distribution of digits. All our judges were substitutes: a classifier, a
# bound, an eye. Statistical mechanics knows its distributions up to one number, and for
# some models this number, too.
#
# **Can a network draw from a law of physics? What does it get wrong, measured against the
# exact answer?**
#
# <!-- notes: Show the picture before you say what it is. Ask: what differs from row to row?
# What is special about the middle one? -->

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
# @title Set-up: libraries, exact answers, figures
import math
from dataclasses import astuple

import numpy as np
import torch
import torch.nn.functional as F
from scipy.special import logsumexp, xlogy
from torch import nn

from course_utils.budget import budget
from course_utils.data.ising import wolff
from course_utils.exact import ising
from course_utils.exact.ising import energies, enumerate_states, log_partition
from course_utils.figures.spins import (
    histograms,
    judged,
    lattices,
    magnetization_curves,
    mean_field_gaps,
    sampler_diagram,
    site_maps,
    state_by_state,
)
from course_utils.figures.style import use_course_style
from course_utils.metrics.bounds import Estimate
from course_utils.metrics.series import correlated_mean
from course_utils.metrics.spins import magnetization
from course_utils.metrics.weights import effective_sample_size, log_mean_weight
from course_utils.pytorch import spins as torch_spins
from course_utils.pytorch.device import adam, seed_everything, to_images, to_tensor
from course_utils.pytorch.gan import generate
from course_utils.pytorch.likelihoods import BernoulliPixels
from course_utils.pytorch.networks import Generator
from course_utils.pytorch.spins import score_loss, train_spins
from course_utils.pytorch.vae import MLPVAE, kl_to_standard_normal, log_weights
from course_utils.pytorch.weights import load_pretrained
from course_utils.records import read_result
from course_utils.widgets.spins import ising_explorer


def tell(estimate, digits=3):
    """A mean with its standard error."""
    return f"{estimate.mean:.{digits}f} +- {estimate.standard_error:.{digits}f}"


use_course_style()
seed_everything(0)
CRITICAL = 0.440687  # beta at the critical point, ln(1 + sqrt 2) / 2
full_size = budget(smoke=False, lecture=True, full=True)
count = budget(smoke=100, lecture=2_000, full=5_000)
rng = np.random.default_rng(5)


vae = load_pretrained(MLPVAE(BernoulliPixels(), 16), "ising", "vae").eval()
gan = load_pretrained(Generator(), "ising", "generator").eval()


def bonds(s):
    """Each spin times the sum of its four neighbours."""
    return s * sum(np.roll(s, step, axis) for step in (-1, 1) for axis in (1, 2))


# %% slideshow={"slide_type": "subslide"}
temperatures = {"hot": 0.30, "critical": CRITICAL, "cold": 0.55}
lattices({name: wolff(64, beta, 4, seed=1) for name, beta in temperatures.items()})

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: rows of lattices of black and white spins. Hot: small clumps. Critical: clumps of
# all sizes. Cold: one colour with specks.*

# %% [markdown] slideshow={"slide_type": "skip"}
# ## You will be able to
#
# - say what the ELBO is called in physics, and why it is the same inequality;
# - train a sampler without any data, and say what its loss is worth;
# - turn an imperfect sampler into exact averages, and say when that fails in silence;
# - judge a VAE and a GAN by observables whose exact values are known.
#
# ## Before you start
#
# You need [lesson 1](01_elbo.ipynb) (the ELBO and its gap), the score function of
# [lesson 2](02_reparameterization.ipynb), and what a VAE and a GAN are. The sampler exists in
# PyTorch alone. On two CPU cores all cells take about a minute.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A law that is known, except for one number
#
# $N$ **spins** $s_i = \pm 1$ sit on a square lattice with periodic edges. Neighbours like to
# agree. A state $s$ has the energy $E$ and the probability $p$:
#
# $$
# E(s) = -\sum_{\text{neighbours}} s_i s_j, \qquad
# p(s) = \frac{e^{-\beta E(s)}}{Z}, \qquad
# Z = \sum_s e^{-\beta E(s)} .
# $$
#
# $\beta$ is one over the temperature. This is the **Ising model**.

# %% [markdown] slideshow={"slide_type": "skip"}
# Each pair of neighbours counts once, with strength 1; energies have no unit. The trouble is
# $Z$, a sum over $2^N$ states. For $4 \times 4$ spins it can be done:

# %% tags=["nbval-check-output"] slideshow={"slide_type": "subslide"}
states = enumerate_states(4)  # 65,536 lattices
log_weight = -CRITICAL * energies(states)
log_Z = logsumexp(log_weight)
p = np.exp(log_weight - log_Z)
print(f"{len(states):,} states; log Z = {log_Z:.6f}")
print(f"mean energy of a spin: {p @ energies(states) / 16:.4f}")
print(f"Kaufman's formula: log Z = {log_partition(4, CRITICAL):.6f}")

# %% [markdown]
# $28 \times 28$ spins have $10^{236}$ states. But in 1949 Bruria Kaufman summed them all on
# paper, for lattices of any size. **So we have $Z$ and the mean energy, at every size and
# temperature.**

# %% [markdown] slideshow={"slide_type": "skip"}
# Lars Onsager had done the infinite lattice in 1944. For drawing examples we use Wolff's
# algorithm (1989): a walk from state to state that flips whole clusters of spins at once.

# %% tags=["proof"] jupyter={"source_hidden": true} slideshow={"slide_type": "skip"}
# @title Enumeration and Kaufman agree
own = p @ energies(states) / 16, p @ magnetization(states)
assert math.isclose(log_Z, log_partition(4, CRITICAL), rel_tol=1e-12)
assert math.isclose(own[0], ising.energy_per_spin(4, CRITICAL), rel_tol=1e-10)
assert abs(log_Z - 15.521920631333) < 1e-11
assert abs(own[0] + 1.565625) < 1e-6
assert abs(own[1] - 0.843861) < 1e-6
assert abs(ising.free_energy_per_spin(28, CRITICAL) + 2.111503) < 1e-6
assert abs(ising.free_energy_per_spin(8, CRITICAL) + 2.132388) < 1e-6
assert math.isclose(784 * math.log10(2), 236, abs_tol=0.01)

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### A magnet, or none
#
# The **magnetization** is the mean of all spins. Both signs are equally likely, so we look at
# its size.

# %%
drawn_at = np.linspace(0.25, 0.65, 9)
means = {
    side: [magnetization(wolff(side, beta, 400, seed=2)).mean() for beta in drawn_at]
    for side in (4, 28)
}
magnetization_curves(drawn_at, means, ising.infinite_magnetization, CRITICAL)

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: against beta. Infinite lattice: 0, then a steep rise at the critical beta. 28 by 28:
# the same, rounded. 4 by 4: a slow rise. From 0.55 on all three coincide.*
#
# Below the **critical temperature** most spins agree, up or down: a magnet. Above it, a large
# lattice has none. The infinite lattice changes at $\beta = \frac12 \log(1 + \sqrt 2) = 0.4407$, the
# critical point. There it has clumps, or islands, of all sizes.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The ELBO has an older name
#
# Read lesson 1 with new letters:
#
# | lesson 1 | here |
# |---|---|
# | $p(x, z)$, easy to compute | $e^{-\beta E(s)}$ |
# | $p(x)$, its sum over all $z$ | $Z$, its sum over all $s$ |
# | posterior $p(z \mid x)$ | $p(s)$ |
# | a guess $q(z)$ | a guess $q(s)$ |
#
# $$
# \log Z = \underbrace{\mathbb E_q\left[-\beta E - \log q\right]}_{\text{ELBO}}
# + \mathrm{KL}(q \,\|\, p)
# $$

# %% [markdown] slideshow={"slide_type": "skip"}
# *Why?* From $p = e^{-\beta E}/Z$ follows $\log Z = -\beta E - \log p$, for every state. Subtract
# and add $\log q$, and take the mean under $q$.

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### Free energy
#
# Physicists call $F = -\frac1\beta \log Z$ the **free energy**. Divide the line by $-\beta$:
#
# $$
# F_q = \mathbb E_q[E] - \tfrac1\beta H(q) \;\ge\; F,
# \qquad \beta\,(F_q - F) = \mathrm{KL}(q \,\|\, p) .
# $$
#
# $H(q) = \mathbb E_q[-\log q]$ is the entropy. $F_q$ is the **variational free energy**: energy
# minus temperature times entropy. **Minimizing it is maximizing an ELBO.**
#
# <!-- notes: Ask: which of the two terms wins when it is hot? Which when it is cold? -->

# %% [markdown] slideshow={"slide_type": "skip"}
# The simplest $q$ lets all spins be independent, each with the mean $m$. It is called **mean
# field**, and has one free parameter. We compute its gap by summing over all states.


# %% slideshow={"slide_type": "skip"}
def log_independent(s, m):
    """log q of states (n, side, side) whose spins are independent with the mean m."""
    up = (s == 1).sum((1, 2))
    return xlogy(up, (1 + m) / 2) + xlogy(s[0].size - up, (1 - m) / 2)


def bound_and_kl(log_q, beta):
    """beta F_q and KL(q, p), each a sum over all states of 4 x 4 spins."""
    q, log_p = np.exp(log_q), -beta * energies(states) - log_partition(4, beta)
    beta_F_q = q @ (log_q + beta * energies(states))
    return beta_F_q, q @ (log_q - log_p)


# %% [markdown] slideshow={"slide_type": "slide"}
# **Predict before you run.** At the critical point the mean of a spin is 0, since both signs
# are equally likely. Which $m$ does the best independent $q$ choose?
#
# <!-- notes: Vote: 0, or something else. Then ask what energy independent spins have at
# m = 0. It is zero: no two neighbours know of each other. -->

# %% [markdown] slideshow={"slide_type": "skip"}
# The gap against $m$, at a high temperature and at the critical one:

# %%
m = np.linspace(-0.98, 0.98, 99)
betas = {"hot": 0.2, "critical": CRITICAL}
gaps = {
    name: [bound_and_kl(log_independent(states, x), beta)[1] for x in m]
    for name, beta in betas.items()
}
mean_field_gaps(m, gaps)

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: hot, a bowl with its lowest point at 0. Critical, two bowls and a hill between.*

# %% [markdown]
# **Answer.** About $\pm 0.9$. **It takes a side.** Independent spins can agree only if each of
# them leans the same way. A gap of 0.90 nats is left.

# %% tags=["proof", "nbval-check-output"] jupyter={"source_hidden": true} slideshow={"slide_type": "skip"}
# @title beta (F_q - F) = KL, for each m; where the best m is
for beta in betas.values():
    for x in m:
        beta_F_q, kl = bound_and_kl(log_independent(states, x), beta)
        assert abs(beta_F_q + log_partition(4, beta) - kl) < 1e-10
hot_gap, critical_gap = gaps.values()
best = abs(m[np.argmin(critical_gap)])
assert abs(m[np.argmin(hot_gap)]) < 1e-12
print(f"beta (F_q - F) = KL to 1e-10; best |m| {best:.2f}, gap {min(critical_gap):.2f}")

# %% [markdown] slideshow={"slide_type": "skip"}
# If $q = 2p$ on one half of the states and 0 on the other, $\mathrm{KL}(q \,\|\, p) = \log 2 = 0.69$.
# So up to 0.69 of the 0.90 nats is the price of the side not taken (here the halves overlap a
# little). The rest is the price of independence.
#
# For small $m$, $\beta F_q$ of a spin is $(1 - 4\beta)\,m^2/2$ plus a constant. So the bowl splits at
# $\beta = 1/4$: mean field's critical temperature is nearly twice the true one.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A network that knows its own probability
#
# A VAE or a GAN draws, but does not say how likely its sample was. $F_q$ needs $\log q(s)$. So
# draw **one spin after the other**, each given those before it:
#
# $$
# q(s) = \prod_{i=1}^{N} q(s_i \mid s_1, \ldots, s_{i-1}) .
# $$

# %%
sampler_diagram(wolff(6, 0.35, 1, seed=4)[0], 15)

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: a lattice drawn up to the middle, a small network, its logit, a coin, the next spin. A
# dashed arrow leads from the logarithm of the coin's probability back to the network; another
# one stops at the coin.*
#
# Such a model is called **autoregressive**. Every distribution has this form. Each factor
# is a coin, whose logit comes from a small network. To sum over all states, begin with the last
# spin: its two probabilities add to one. Then take the one before, and so on. So $q$ sums to one,
# whatever the weights are. Here is one coin of a network that is not
# trained yet; the class below has one for each site.


# %% tags=["mirrors"] jupyter={"source_hidden": true} slideshow={"slide_type": "skip"}
# @title SpinSampler: all coins, in one pass or one after the other
class SpinSampler(nn.Module):
    """q(s): the sites are drawn in the order of reading, each by its own network."""

    def __init__(self, side, hidden=16, symmetric=True):
        super().__init__()
        self.side = side
        sites = side * side
        self.first = nn.Parameter(0.5 * torch.randn(sites, sites, hidden) / side)
        self.second = nn.Parameter(0.1 * torch.randn(sites, hidden) / hidden**0.5)
        self.direct = nn.Parameter(torch.zeros(sites, sites))
        learns = not symmetric
        self.first_bias = nn.Parameter(torch.zeros(sites, hidden), learns)
        self.bias = nn.Parameter(torch.zeros(sites), learns)
        self.register_buffer("before", torch.ones(sites, sites).tril(-1))

    def log_prob(self, spins):
        """log q of lattices (n, side, side), spins of -1 and 1: (n,)."""
        s = spins.flatten(1)
        first = (self.first * self.before[..., None]).transpose(0, 1).flatten(1)
        hidden = torch.tanh(s @ first + self.first_bias.flatten())
        hidden = hidden.view(len(s), *self.second.shape)
        logits = (hidden * self.second).sum(-1) + s @ (self.direct * self.before).T
        return F.logsigmoid(s * (logits + self.bias)).sum(1)

    @torch.no_grad()
    def sample(self, n, generator):
        """Draw n lattices, (n, side, side)."""
        sites = self.side**2
        s = self.bias.new_zeros(n, sites)
        uniform = torch.rand(
            s.shape, generator=generator, device=s.device, dtype=s.dtype
        )
        for i in range(sites):
            seen = s[:, :i]
            hidden = torch.tanh(seen @ self.first[i, :i] + self.first_bias[i])
            logit = hidden @ self.second[i] + seen @ self.direct[i, :i] + self.bias[i]
            s[:, i] = torch.where(uniform[:, i] < logit.sigmoid(), 1.0, -1.0)
        return s.view(n, self.side, self.side)


# %% slideshow={"slide_type": "skip"}
net, i = SpinSampler(4), 5
seen = torch.tensor([[1.0, 1, -1, 1, -1]])  # the five spins before
hidden = torch.tanh(seen @ net.first[i, :i])  # 16 hidden units
logit = hidden @ net.second[i] + seen @ net.direct[i, :i]
print(f"the next spin is up with probability {logit.sigmoid().item():.3f}")


# %% [markdown] slideshow={"slide_type": "skip"}
# In `log_prob` one pass gives all $N$ factors; a lower triangle hides from site $i$ what comes
# after. Without biases each logit is an odd function of the spins, so that $q(-s) = q(s)$: **a
# symmetry that is known need not be learnt.**

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Training without data
#
# We minimize $\beta F_q = \mathbb E_q[\text{cost}]$ with $\text{cost} = \log q(s) + \beta E(s)$.
# A coin cannot be reparameterized. We take the other estimator of lesson 2, the **score function**
# with a baseline:
#
# $$
# \nabla\,\beta F_q = \mathbb E_q\left[(\text{cost} - \overline{\text{cost}})\,
# \nabla \log q(s)\right]
# $$
#
# <!-- notes: Ask where the data come in. They do not. -->

# %% [markdown] slideshow={"slide_type": "skip"}
# *Why?* The slope of $\sum_s q \cdot \text{cost}$ is $\sum_s q\,\text{cost}\,\nabla \log q$ plus
# $\sum_s q\,\nabla \log q$, as the cost contains $\log q$. The second sum is the slope of
# $\sum_s q = 1$, which is zero. So any constant may be subtracted from the cost, too. (A batch's own
# mean makes the result too small by one part in its size.) Beta rises during the first half of the steps. At $\beta = 0$ all states are equally
# likely, and from there the sampler follows the cooling lattice: **annealing**.

# %% slideshow={"slide_type": "skip"}
seed_everything(0)
generator, small = torch.Generator().manual_seed(0), SpinSampler(4)
optimizer = adam(small, 3e-3)
steps = budget(smoke=100, lecture=400, full=400)
for step in range(steps):
    beta = CRITICAL * min(1, 2 * step / steps)  # from hot to critical
    drawn = small.sample(300, generator)
    log_q = small.log_prob(drawn)
    cost = log_q.detach() + beta * torch_spins.energies(drawn)
    loss = score_loss(log_q, cost)  # ((cost - cost.mean()) * log_q).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()

# %% [markdown] slideshow={"slide_type": "skip"}
# On $4 \times 4$ spins we can look at all of $q$:

# %%
with torch.no_grad():
    log_q = small.log_prob(torch.from_numpy(states).float()).double().numpy()
print(f"sum of q over all {len(states):,} states: {np.exp(log_q).sum():.6f}")
print(
    f"gap: {bound_and_kl(log_q, CRITICAL)[1]:.4f} nats; mean field's {min(critical_gap):.4f}"
)

# %% [markdown]
# No state was shown to it. **The law alone taught it.** Nor did it have to know $Z$, which is
# only a constant in the cost.

# %% tags=["proof"] jupyter={"source_hidden": true} slideshow={"slide_type": "skip"}
# @title Probabilities sum to one; the gap is the divergence
total = np.exp(log_q).sum()
assert abs(total - 1) < 1e-5  # float32: each log q has an error of some 1e-6
beta_F_q, kl = bound_and_kl(log_q - np.log(total), CRITICAL)
assert abs(beta_F_q + log_Z - kl) < 1e-10
assert kl > 0
if full_size:
    assert kl < 0.02

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Sixty-four spins
#
# $8 \times 8$ spins have $2 \cdot 10^{19}$ states. No enumeration helps, but Kaufman's $Z$ does.
#
# **Predict before you run.** If $q = p$, how much does the cost $\log q + \beta E$ scatter
# from sample to sample?
#
# <!-- notes: Let them write down log p of a state. -->

# %% [markdown] slideshow={"slide_type": "skip"}
# `train_spins` is the loop above; in its second half the learning rate falls.

# %% slideshow={"slide_type": "skip"}
seed_everything(0)
sampler = torch_spins.SpinSampler(8)
train_spins(sampler, CRITICAL, budget(smoke=50, lecture=1_000, full=4_000), seed=0)
n = budget(smoke=500, lecture=5_000, full=20_000)


def costs(model, beta, n, seed):
    """log q + beta E of n fresh samples, and the samples."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        drawn = model.sample(n, generator)
        cost = model.log_prob(drawn).double() + beta * torch_spins.energies(drawn)
    return cost.numpy(), drawn.numpy()


cost, drawn = costs(sampler, CRITICAL, n, seed=1)

# %% tags=["setup"] jupyter={"source_hidden": true} slideshow={"slide_type": "skip"}
# @title The costs of mean field, with its best m
_independent = 2 * (np.random.default_rng(0).random((n, 8, 8)) < (1 + best) / 2) - 1
mean_field = log_independent(_independent, best) + CRITICAL * energies(_independent)

# %% [markdown] slideshow={"slide_type": "skip"}
# The costs of fresh samples, beside those of mean field, from a folded cell. (Its best $m$ is that of $4 \times 4$ spins,
# since $F_q$ per spin is the same for each size.)

# %% slideshow={"slide_type": "subslide"}
exact = -log_partition(8, CRITICAL)
both = {"independent spins": mean_field, "one after the other": cost}
histograms(both, x="cost of a sample, nats", exact=exact, bins=101)

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: histograms of the cost. Independent spins: a broad comb right of the dashed line. One
# after the other: a narrow peak on it.*

# %% [markdown]
# **Answer.** Not at all. If $q = p$ then $\log q + \beta E = -\log Z$ for *every* state. In lesson 1
# $p(x, z)/p(z \mid x)$ was the same for every $z$, too.

# %% [markdown] slideshow={"slide_type": "skip"}
# So the scatter tells how far $q$ is from $p$ among the states that it draws, also where nobody
# knows $Z$. If it is small, the gap is about half its square, here $0.13^2/2 = 0.008$ nats. (A
# single cost may lie below $-\log Z$; the bound is on the mean.) [Deeper: a wave
# function is a generative model](deeper/11_wave_function.ipynb), and its energy does not scatter
# where it is right. The mean of the cost is the bound:

# %%
bound = Estimate.of(cost)
print(f"-log Z: {exact:.3f} nats;  beta F_q: {tell(bound)}")
print(f"relative gap {(bound.mean - exact) / abs(exact):.1e}, scatter {cost.std():.2f}")

# %% tags=["proof"] jupyter={"source_hidden": true} slideshow={"slide_type": "skip"}
# @title The bound lies above the exact value and near it: here, and in recorded runs
assert bound.mean > exact - 3 * bound.standard_error
if full_size:
    assert (bound.mean - exact) / abs(exact) < 3e-4
    assert cost.std() < 0.2 < mean_field.std()
runs = read_result("ising_sampler")["runs"]
eights = [run for run in runs if run["side"] == 8 and run["symmetric"]]
for run in runs:
    assert run["excess_nats"] > -3 * run["excess_error"]
    if run["symmetric"]:
        assert run["relative_gap"] < {8: 3e-4, 16: 7e-4}[run["side"]]
assert len(eights) == 5
assert max(run["processor_seconds"] for run in eights) < 60
low, high = (f(run["relative_gap"] for run in eights) for f in (min, max))
print(f"five recorded runs of 1,000 steps: relative gaps {low:.1e} to {high:.1e}")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Weights make it exact
#
# A sampler that knows $q$ can be corrected. Each sample gets the weight
# $w = e^{-\beta E} / q$. For any observable $O$,
#
# $$
# Z = \mathbb E_q[w], \qquad
# \mathbb E_p[O] = \frac{\mathbb E_q[w\,O]}{\mathbb E_q[w]} , \qquad
# n_{\text{eff}} = \frac{(\sum w)^2}{\sum w^2} .
# $$
#
# $n_{\text{eff}}$, the **effective sample size**, says how many samples of $p$ they are worth.

# %% [markdown] slideshow={"slide_type": "skip"}
# *Why?* $\sum_s q \cdot e^{-\beta E}/q = Z$, and likewise with $O$. If all weights are equal,
# $n_{\text{eff}} = n$; if one outweighs all others, it is 1.

# %%
for name, c in both.items():
    log_z = log_mean_weight(-c)
    share = effective_sample_size(-c) / len(c)
    print(f"{name:20} log Z = {tell(log_z)},  effective share {share:.1%}")
print(f"{'Kaufman':20} log Z = {-exact:.3f}")

# %% [markdown]
# The network has no gap any more, only an error. **Independent spins miss a nat, and do not know
# it.**

# %% [markdown] slideshow={"slide_type": "skip"}
# At a share of 5 % even the error bar is wrong. Independent spins hardly draw the other half of the
# states, which is up to 0.69 of what they miss, and some heavy states of their own half. What is
# hardly drawn hardly shows.

# %% tags=["proof"] jupyter={"source_hidden": true} slideshow={"slide_type": "skip"}
# @title By weights, log Z agrees with Kaufman's within three errors
log_z = log_mean_weight(-cost)
if full_size:
    assert abs(log_z.mean + exact) < 3 * log_z.standard_error
    assert effective_sample_size(-cost) > 0.9 * len(cost)
    miss = log_mean_weight(-mean_field)
    assert 0.9 < -exact - miss.mean < 1.2
    assert -exact - miss.mean > 10 * miss.standard_error

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A colder lattice
#
# Cool down to $\beta = 0.6$ **in a weak magnetic field**: for half of the steps, up spins lower the
# cost a little. Then the field is off, and training goes on.
#
# **Predict before you run.** This sampler reaches an effective share near 100 %. Is it right?
#
# <!-- notes: Let them argue. The effective share is computed from the sampler's own samples.
# Ask: what would it look like if half of the states were never drawn? -->

# %% [markdown] slideshow={"slide_type": "skip"}
# The field takes $0.1 \sum_i s_i$ from the cost of a state, and the networks have
# biases.

# %% slideshow={"slide_type": "skip"}
cold = 0.6
seed_everything(0)
plain = torch_spins.SpinSampler(8, symmetric=False)
train_spins(plain, cold, budget(smoke=50, lecture=600, full=2_000), seed=0, field=0.1)
cold_cost, magnets = costs(plain, cold, n, seed=2)
log_z = log_mean_weight(-cold_cost)
print(f"effective share {effective_sample_size(-cold_cost) / n:.1%}")
print(f"log Z by weights {tell(log_z)}, Kaufman {log_partition(8, cold):.3f}")

# %% [markdown] slideshow={"slide_type": "skip"}
# The magnetizations that it draws, and those that it should draw:

# %% slideshow={"slide_type": "subslide"}
drawn_cold = {"Wolff": wolff(8, cold, 2_000, seed=3), "cooled in a field": magnets}
by_magnetization = {name: s.mean((1, 2)) for name, s in drawn_cold.items()}
histograms(by_magnetization, x="magnetization of a spin")

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: histograms of the magnetization. Wolff: equal peaks at -1 and 1. The sampler: only that
# at 1.*

# %% [markdown]
# **Answer.** No. The field is gone, but the sampler stays magnetized. Half of the states are
# missing, and $\log Z$ is too small by $\log 2 = 0.693$: **mode collapse, with an exact
# price.**

# %% [markdown] slideshow={"slide_type": "skip"}
# The loss does not bring the other half back: it is computed from drawn states only. On its own
# half this $q$ is nearly $2p$. So the cost is nearly flat, and the weights are nearly equal. None
# of the sampler's own numbers told us; the exact answer did, and whoever knows the symmetry sees
# it in the histogram.
#
# Five samplers that were cooled without a field drew both signs and miss nothing within three
# errors; of five cooled in it, four miss $\log 2$. In the fifth one of 20,000 samples fell
# into the other half, outweighed all others together, made $n_{\text{eff}} = 1$ and $\log Z$ four nats
# too large. A sampler with $q(-s) = q(s)$ built in cannot forget half.

# %% tags=["proof"] jupyter={"source_hidden": true} slideshow={"slide_type": "skip"}
# @title One sign, and log 2 is missing: here, and in recorded runs
missing = log_partition(8, cold) - log_z.mean
if full_size:
    assert (magnets.mean((1, 2)) > 0).mean() > 0.999
    assert effective_sample_size(-cold_cost) > 0.95 * n
    assert abs(missing - math.log(2)) < 3 * log_z.standard_error
plains = [run for run in runs if not run["symmetric"]]
free = [run for run in plains if not run.get("field")]
pulled = [run for run in plains if run.get("field")]
alarmed = [run for run in pulled if run["effective_share"] < 0.5]
assert len(free) == len(pulled) == 5
assert len(alarmed) == 1
assert alarmed[0]["effective_share"] * 20_000 < 1.1
assert 3.5 < alarmed[0]["log_z_by_weights"] - alarmed[0]["exact_log_z"] < 4.5
for run in plains:
    lost = run["exact_log_z"] - run["log_z_by_weights"]
    share, half = run["positive_share"], math.log(2) * (run in pulled)
    assert share > 0.999 if run in pulled else abs(share - 0.5) < 0.02
    assert run in alarmed or abs(lost - half) < 3 * run["log_z_error"]
print(
    "in a field: log 2 missing in four of five recorded runs; without: in none of five"
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The same judge for a VAE and a GAN
#
# Wolff's algorithm drew 20,000 critical lattices of $28 \times 28$ spins as data. The networks are
# those of lessons 3 and 9.
#
# **Predict before you run.** The magnetization is a mean over all spins, the energy counts bonds
# of neighbours. Which of the two does the VAE get right?
#
# <!-- notes: Tempting: the mean. Come back to the vote after the table. -->

# %% [markdown] slideshow={"slide_type": "skip"}
# An up spin is a white pixel. The weights ship with the course (one run each; their card says
# how). A VAE's decoder gives a probability of white for each pixel. We flip a coin for each
# ("coins"), or take the likelier side ("sides"). Of the DCGAN we take the sign.
# (`vae`, `gan`, `rng` and `count` come from the set-up.)


# %% slideshow={"slide_type": "skip"}
def coins(z):
    """The probability of white, and spins from it, for latent points z (n, 16)."""
    with torch.no_grad():
        white = to_images(vae.decode(z))[..., 0]
    return white, 2 * (rng.random(white.shape) < white) - 1


white, flipped = coins(torch.from_numpy(rng.standard_normal((count, 16), np.float32)))
grey = generate(gan, rng.standard_normal((count, 100)))[..., 0]
made = {"Wolff": wolff(28, CRITICAL, count, seed=6), "VAE, coins": flipped}
made |= {"VAE, sides": 2 * (white > 0.5) - 1, "DCGAN": 2 * (grey > 0.5) - 1}

# %% [markdown] slideshow={"slide_type": "skip"}
# The first eight lattices of each:

# %% slideshow={"slide_type": "subslide"}
lattices({name: s[:8] for name, s in made.items()})

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: rows of lattices. Wolff: islands with ragged edges. VAE, coins: noise. VAE, sides:
# smooth islands. DCGAN: ragged islands, and dots that stand in rows.*
#
# Three observables. The exact energy and the exact **heat capacity**, $\beta^2$ times the
# variance of $E$ over $N$, are the first two derivatives of Kaufman's $\log Z$. No formula is
# known for the magnetization of a finite lattice; there we compare with Wolff.


# %% slideshow={"slide_type": "skip"}
def heat_capacity(s):
    """One value per lattice, whose mean is the heat capacity per spin."""
    energy = energies(s)
    return CRITICAL**2 * (energy - energy.mean()) ** 2 / s[0].size


observables = {
    "energy per spin": lambda s: energies(s) / s[0].size,
    "heat capacity": heat_capacity,
    "|magnetization|": magnetization,
}

# %% tags=["setup"] jupyter={"source_hidden": true} slideshow={"slide_type": "skip"}
# @title Means with their errors, exact values, and a table of both


def measured(s):
    return [correlated_mean(measure(s)) for measure in observables.values()]


def exactly(side):
    kaufman = ising.energy_per_spin, ising.heat_capacity_per_spin
    return [*(f(side, CRITICAL) for f in kaufman), math.nan]


def tell_all(sizes):
    print(f"{'':20}" + "".join(f"{name:>20}" for name in observables))
    for side, samplers in sizes.items():
        known = ["no formula" if math.isnan(x) else f"{x:.4f}" for x in exactly(side)]
        rows = {f"{side} x {side}, exact": known}
        rows |= {name: [tell(e) for e in measured(s)] for name, s in samplers.items()}
        for name, row in rows.items():
            print(f"{name:20}" + "".join(f"{cell:>20}" for cell in row))


# %% [markdown] slideshow={"slide_type": "skip"}
# The errors allow for Wolff's lattices coming one after the other. The table, for both sizes:

# %% slideshow={"slide_type": "skip"}
small_ones = {"Wolff": wolff(8, CRITICAL, n, seed=7), "one after the other": drawn}
tell_all({8: small_ones, 28: made})

# %% [markdown] slideshow={"slide_type": "skip"}
# The network of $8 \times 8$ spins agrees within its errors in the energy; its heat capacity lies 2.2
# errors high. Wolff's heat capacity of $28 \times 28$ spins lies three errors low: squares have a long
# tail, so that an error bar of their mean, made from the sample itself, is easily too short.
#
# And as a picture, for $28 \times 28$ spins:

# %% slideshow={"slide_type": "subslide"}
pairs = {name: [astuple(e) for e in measured(s)] for name, s in made.items()}
judged(pairs, list(observables), exactly(28))

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: a panel for each observable, with exact values dashed; the heat capacity on a logarithmic
# axis. Wolff's points lie near them, the VAE's far away.*

# %% [markdown]
# **Answer.** Neither, as it draws. Its coins make noise: the energy is $-0.92$ instead of $-1.44$,
# the magnetization a quarter too small. The likelier sides have nearly the right magnetization, but
# islands too smooth: their energy is too low.

# %% [markdown] slideshow={"slide_type": "skip"}
# ### Two faults of the VAE, and where they come from
#
# The worst fault is the heat capacity of the coins, 27.5 instead of 1.8: some lattices are
# ordered, others are washed out, and so their energies differ far too much. The DCGAN is nearer
# than the coins in all three: its energy is $-1.31$, its magnetization 11 % too small. (One
# training of each.)
#
# To find the VAE's faults, we change one thing at a time. First the hidden numbers: instead of the
# prior's we take those which the encoder draws for true lattices.

# %% slideshow={"slide_type": "skip"}
true = made["Wolff"]
pixels = to_tensor((true[..., None] + 1).astype(np.float32) / 2)
with torch.no_grad():
    mu, logvar = vae.encoder(pixels)
noise = torch.from_numpy(rng.standard_normal(mu.shape, np.float32))
encoded = mu + (logvar / 2).exp() * noise
sure, again = coins(encoded)
tell_all({28: {"encoded, coins": again, "encoded, sides": 2 * (sure > 0.5) - 1}})

# %% [markdown] slideshow={"slide_type": "skip"}
# Now the coins' magnetization is nearly right. (The sides overshoot: they exaggerate each mean. In
# the table above two faults cancelled.) Which of the sixteen hidden numbers goes with the
# magnetization?

# %% slideshow={"slide_type": "subslide"}
follows = [np.corrcoef(z, true.mean((1, 2)))[0, 1] for z in encoded.numpy().T]
k = np.argmax(np.abs(follows))
print(f"hidden number {k} follows the magnetization: correlation {follows[k]:.2f}")
by_prior = rng.standard_normal(count)
two = {"for true lattices": encoded.numpy()[:, k], "as the prior draws it": by_prior}
histograms(two, x=f"hidden number {k}")

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: histograms of a hidden number. For true lattices it has two peaks; the prior has one,
# between them.*

# %% [markdown]
# **One hidden number became the magnetization.** For true lattices it has two peaks, as a
# magnet has. The prior has one, in the middle, where lattices are rare.

# %% [markdown] slideshow={"slide_type": "skip"}
# So most of the magnetization's fault lies in where $z$ is drawn. Of the energy's fault a bit more
# than half is left: the decoder's, if the encoder's $z$ are good ones. Given $z$ the coins are
# independent, and the mean of $s_i s_j$ is the product of the two means. An edge that the coins
# are not sure of becomes noise.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### How many nats away?
#
# Here each lattice has a *known* $\log p$. Subtract the VAE's bound, lesson 3's $L_{100}$, which is
# too low on average. So the mean difference is at least $\mathrm{KL}(p \,\|\, \text{VAE})$.

# %%
few = budget(smoke=20, lecture=500, full=2_000)
log_p = -CRITICAL * energies(true[:few]) - log_partition(28, CRITICAL)
generator = torch.Generator().manual_seed(0)
with torch.no_grad():
    log_w = torch.cat(
        [log_weights(vae, x, 100, generator)[0] for x in pixels[:few].split(50)], 1
    )
log_vae = (log_w.double().logsumexp(0) - math.log(100)).numpy()
state_by_state(log_p, log_vae, "the VAE's bound, nats")

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: a cloud of points, one a lattice, below the dashed line where both are equal.*

# %% slideshow={"slide_type": "skip"}
away = correlated_mean(log_p - log_vae)
entropy = log_partition(28, CRITICAL) + 784 * CRITICAL * exactly(28)[0]
carried = kl_to_standard_normal(mu, logvar).mean()
print(f"KL(p, VAE) at most {tell(away, 1)} nats")
print(f"KL(p, fair coins)  {784 * math.log(2) - entropy:.1f} nats")
print(f"entropy of a lattice {entropy:.1f} nats, in the hidden numbers {carried:.1f}")

# %% [markdown]
# **A lattice has 233 nats of surprise; the hidden numbers carry at most 20.** The rest is left to
# independent coins.

# %% [markdown] slideshow={"slide_type": "skip"}
# The entropy is $\mathbb E_p[-\log p] = \log Z + \beta\,\mathbb E_p[E]$, again from Kaufman. The mean KL of
# the encoder is what $z$ tells of the lattice, plus a gap: hence "at most". The points fall away from the line towards rare lattices: there are more edges to be unsure of. For digits
# nobody can say how far from the truth a VAE is at most; here the estimate is 52 nats.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### A symmetry is a judge, too
#
# The law is the same at every site, and edges are places like any other. How often is a spin
# **lone**, at odds with all four neighbours?

# %%
lone = {name: (-bonds(made[name]) == 4).mean(0) for name in ("Wolff", "DCGAN")}
site_maps(lone, "share of lone spins")

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: two maps of the lattice. Wolff: even. DCGAN: bright dots at every fourth site.*

# %% [markdown]
# **The DCGAN's lone spins stand at every fourth site.** It doubles its maps twice, and four is the
# distance of lesson 8's stamps, too.

# %% tags=["proof"] jupyter={"source_hidden": true} slideshow={"slide_type": "skip"}
# @title What the text says of VAE and DCGAN
if full_size:
    found = {name: [e.mean for e in measured(s)] for name, s in made.items()}
    ruler = measured(made["Wolff"])
    for estimate, x in zip(ruler[:2], exactly(28)[:2], strict=True):
        # an error bar of a long-tailed quantity is easily too short
        assert abs(estimate.mean - x) < 4 * estimate.standard_error
    for estimate, x in zip(measured(drawn), exactly(8)[:2], strict=False):
        assert abs(estimate.mean - x) < 3 * estimate.standard_error
    energy, size = exactly(28)[0], ruler[2].mean
    relative = {
        name: (row[0] / energy - 1, row[2] / size - 1) for name, row in found.items()
    }
    np.testing.assert_allclose(relative["VAE, coins"], (-0.36, -0.25), atol=0.03)
    np.testing.assert_allclose(relative["VAE, sides"], (0.235, 0), atol=0.035)
    np.testing.assert_allclose(relative["DCGAN"], (-0.09, -0.11), atol=0.02)
    coins_again, sides_again = measured(again), measured(2 * (sure > 0.5) - 1)
    assert abs(coins_again[2].mean / size - 1) < 0.04
    assert sides_again[2].mean / size > 1.15
    left = (coins_again[0].mean - energy) / (found["VAE, coins"][0] - energy)
    assert 0.5 < left < 0.62
    assert abs(follows[k]) > 0.95
    assert 48 < away.mean < 56
    places = lone["DCGAN"].reshape(7, 4, 7, 4).mean((0, 2))
    even = lone["Wolff"].reshape(7, 4, 7, 4).mean((0, 2))
    assert places.max() > 5 * places.mean()
    assert even.max() < 1.2 * even.mean()

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Walk through the temperatures
#
# With weights, the sampler of $4 \times 4$ spins serves any $\beta$: $\log w = -\beta E - \log q$. **How
# far?**

# %% tags=["setup"] jupyter={"source_hidden": true} slideshow={"slide_type": "skip"}
# @title A thousand samples of the first sampler with their log q, and as many of coins
_, sixteen = costs(small, CRITICAL, 1_000, seed=8)
with torch.no_grad():
    log_q = small.log_prob(torch.from_numpy(sixteen)).double().numpy()
flips = np.random.default_rng(9).choice([-1, 1], (1_000, 4, 4))

# %% [markdown] slideshow={"slide_type": "skip"}
# Three samplers of $4 \times 4$ spins; their samples come from a folded cell. For each $\beta$ samples, and the logarithms of their weights.


# %%
def near(beta):
    return sixteen, -beta * energies(sixteen) - log_q


def fair_coins(beta):
    return flips, -beta * energies(flips)


def by_wolff(beta):
    return wolff(4, beta, 500, seed=10), np.zeros(500)


ising_explorer(
    {"one after the other": near, "fair coins": fair_coins, "Wolff": by_wolff}
)

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: nine lattices, and bars of how often each energy comes beside strokes of how often it
# should.*
#
# Move $\beta$. By enumeration the network's true share is 99.9 % at 0.44, 55 % at 0.7, and 5 % at 0.2:
# there it draws too few of the many disordered states. Fair coins have 12 % at 0.2 and 0.01 % at
# 0.44, which the picture's thousand samples cannot show. **A share that is measured on samples is
# never below one sample:** where it is small, it is too large.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What could go wrong
#
# - **Trust in the sampler's own samples.** Effective share, scatter and loss see nothing of what
#   is never drawn.
# - **Correlated lattices counted as independent.** The error of a chain is larger.
# - **Trust in pictures.** Count bonds.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Summary
#
# 1. The ELBO is the variational free energy.
# 2. A law alone can train a network that knows its $q$.
# 3. If $q = p$, its cost does not scatter; the reverse is false.
# 4. Many weighted samples make it exact, unless it forgets states: half cost $\log 2$, silently.
# 5. Lattices may look right; observables and symmetries say what is wrong.

# %% [markdown] slideshow={"slide_type": "skip"}
# ## Exercises
#
# The [exercise set](exercises/11_ising.ipynb) has enumeration, the flip of a cluster, errors of a
# chain, weights, and a sampler to train with a gap to reach. Two questions to think
# about:
#
# 1. *Easy.* Why is the magnetization of the VAE's coins smaller than that of their likelier sides?
# 2. *Hard.* How large is $\mathrm{KL}(q\,\|\,p)$ if $q = p$ on a set of states with probability
#    $a$, and zero elsewhere? And $\mathrm{KL}(p\,\|\,q)$?

# %% [markdown] slideshow={"slide_type": "skip"}
# ## References
#
# - L. Onsager, *Crystal statistics I*, Phys. Rev. 65, 117 (1944); B. Kaufman, *Crystal
#   statistics II*, Phys. Rev. 76, 1232 (1949).
# - D. Wu, L. Wang and P. Zhang, *Solving statistical mechanics using variational
#   autoregressive networks*, 2019, [arXiv:1809.10606](https://arxiv.org/abs/1809.10606).
