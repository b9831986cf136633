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
# Nobody knows the distribution of written digits. So all our judges were substitutes: a
# classifier, a bound, an eye. In statistical mechanics the distribution is known, up to one
# number, and even that number was found.
#
# **Can a network draw from a law of physics? And what does it get wrong, measured against
# the exact answer?**
#
# <!-- notes: Show the picture before you say what it is. Ask: which of the three is hot?
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
    curves,
    histograms,
    judged,
    lattices,
    reading_order,
)
from course_utils.figures.style import use_course_style
from course_utils.metrics.bounds import Estimate
from course_utils.metrics.series import correlated_mean
from course_utils.metrics.spins import correlation, magnetization
from course_utils.metrics.weights import effective_sample_size, log_mean_weight
from course_utils.pytorch import spins as torch_spins
from course_utils.pytorch.device import adam, seed_everything, to_images
from course_utils.pytorch.gan import generate
from course_utils.pytorch.likelihoods import BernoulliPixels
from course_utils.pytorch.networks import Generator
from course_utils.pytorch.spins import score_loss, train_spins
from course_utils.pytorch.vae import MLPVAE
from course_utils.pytorch.weights import load_pretrained
from course_utils.widgets.spins import ising_explorer

use_course_style()
CRITICAL = 0.440687  # beta of the phase transition, ln(1 + sqrt 2) / 2

# %% slideshow={"slide_type": "subslide"}
temperatures = {"hot": 0.30, "critical": CRITICAL, "cold": 0.55}
lattices({name: wolff(28, beta, 6, seed=1) for name, beta in temperatures.items()})

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: three rows of six lattices of black and white spins. Hot: fine grains. Critical:
# islands of all sizes. Cold: nearly all of one colour, black or white.*

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
# [lesson 2](02_reparameterization.ipynb), and what a VAE and a GAN are. On two CPU cores
# all cells take about two minutes.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A law that is known, but for one number
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
# $\beta$ is one over the temperature. This is the **Ising model**, with bonds of strength 1.

# %% [markdown]
# The trouble is $Z$, a sum over $2^N$ states. For $4 \times 4$ spins it can be done.

# %%
states = enumerate_states(4)  # 65,536 lattices
log_weight = -CRITICAL * energies(states)
log_Z = logsumexp(log_weight)
p = np.exp(log_weight - log_Z)
print(f"{len(states):,} states; ln Z = {log_Z:.6f}")
print(f"mean energy of a spin {p @ energies(states) / 16:.4f}")
print(f"by Kaufman's formula: ln Z = {log_partition(4, CRITICAL):.6f}")

# %% [markdown] slideshow={"slide_type": "skip"}
# $28 \times 28$ spins have $10^{236}$ states. But in 1949 Bruria Kaufman summed them all on
# paper, for lattices of any size, after Onsager had done the infinite one. So we have what
# no set of images has: **the exact answer, for every size and temperature.** For drawing
# examples we have Wolff's algorithm (1989), which turns whole clusters of spins at once.

# %% tags=["proof"] jupyter={"source_hidden": true} slideshow={"slide_type": "skip"}
# @title Enumeration and Kaufman agree
assert math.isclose(log_Z, log_partition(4, CRITICAL), rel_tol=1e-12)
assert math.isclose(
    p @ energies(states) / 16, ising.energy_per_spin(4, CRITICAL), rel_tol=1e-10
)

# %% slideshow={"slide_type": "subslide"}
line = np.linspace(0.2, 0.7, 101)
drawn_at = np.linspace(0.25, 0.65, 9)
means = {
    side: [magnetization(wolff(side, b, 400, seed=2)).mean() for b in drawn_at]
    for side in (4, 28)
}
curves(
    {"infinite, Onsager": (line, [ising.infinite_magnetization(b) for b in line])},
    {f"{side} x {side}, drawn": (drawn_at, mean) for side, mean in means.items()},
    x=r"$\beta$, one over the temperature",
    y="|magnetization| of a spin",
    marks={"critical": CRITICAL},
)

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: the mean absolute magnetization rises with beta. For the infinite lattice it is 0
# up to the critical beta and then jumps up steeply; for 28 by 28 it follows, rounded; for 4
# by 4 it rises slowly.*
#
# The **magnetization** is the mean of all spins. Below the critical temperature most of them
# agree, up or down: a magnet. Both signs are equally likely, so we look at its size.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The ELBO has an older name
#
# Lesson 1: for any guess $q$, $\log p(x) = \text{ELBO} + \mathrm{KL}$. Put the weight
# $e^{-\beta E(s)}$ in the place of $p(x, z)$. Its sum is $Z$, which takes the place of $p(x)$:
#
# $$
# \log Z = \underbrace{\mathbb E_q\left[-\beta E - \log q\right]}_{\text{ELBO}}
# + \mathrm{KL}(q \,\|\, p) .
# $$
#
# With $F = -\tfrac1\beta \log Z$, the **free energy**, this reads
#
# $$
# F_q = \mathbb E_q[E] - \tfrac1\beta H(q) \;\ge\; F,
# \qquad \beta\,(F_q - F) = \mathrm{KL}(q \,\|\, p) .
# $$

# %% [markdown] slideshow={"slide_type": "skip"}
# $F_q$ is the **variational free energy**: energy minus temperature times entropy $H$. Gibbs
# and Bogoliubov had the inequality long before anybody trained a network. Minimizing $F_q$ is
# maximizing an ELBO, and here the gap can be seen, since $F$ is known.
#
# The simplest $q$ lets all spins be independent, each with the mean $m$. Physicists call it
# **mean field**. It has one number to choose.


# %%
def log_independent(s, m):
    """ln q of states (n, side, side) whose spins are independent with the mean m."""
    up = (s == 1).sum((1, 2))
    return xlogy(up, (1 + m) / 2) + xlogy(s[0].size - up, (1 - m) / 2)


def bound_and_kl(log_q, beta):
    q, log_p = np.exp(log_q), -beta * energies(states) - log_partition(4, beta)
    beta_F_q = (q * (log_q + beta * energies(states)))[q > 0].sum()
    return beta_F_q, (q * (log_q - log_p))[q > 0].sum()


# %% [markdown]
# **Predict before you run.** At the critical point the exact mean of a spin is 0, since both
# signs are equally likely. Which $m$ does the best independent $q$ choose?

# %% slideshow={"slide_type": "subslide"}
m = np.linspace(-0.98, 0.98, 99)
bowls = {
    f"beta = {beta}": [bound_and_kl(log_independent(states, x), beta)[1] for x in m]
    for beta in (0.2, CRITICAL)
}
curves({name: (m, kl) for name, kl in bowls.items()}, x="m", y="gap, KL in nats")

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: the gap against m. At beta = 0.2 a bowl with its lowest point at 0. At the
# critical beta two bowls, left and right, with a hill at 0 between them.*

# %% [markdown]
# **Answer.** About $\pm 0.9$. It has to take a side: independent spins can agree only if each of
# them leans the same way. The bowl splits at $\beta = 1/4$, far too early. The gap that is left,
# more than a nat, is the price of independence.

# %% tags=["proof", "nbval-check-output"] jupyter={"source_hidden": true} slideshow={"slide_type": "skip"}
# @title beta (F_q - F) = KL, for each m
for beta in (0.2, CRITICAL):
    for x in m:
        beta_F_q, kl = bound_and_kl(log_independent(states, x), beta)
        assert abs(beta_F_q + log_partition(4, beta) - kl) < 1e-10
best = m[np.argmin(bowls[f"beta = {CRITICAL}"])]
assert m[np.argmin(bowls["beta = 0.2"])] == 0
print(
    f"best m at the critical point: {abs(best):.2f}; gap {min(bowls[f'beta = {CRITICAL}']):.2f} nats"
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A network that knows its own probability
#
# A VAE or a GAN draws, but cannot say how likely its sample was. For $F_q$ we need
# $\log q(s)$. So draw **one spin after the other**, each given those before it:
#
# $$
# q(s) = \prod_{i=1}^{N} q(s_i \mid s_1, \ldots, s_{i-1}) .
# $$

# %% slideshow={"slide_type": "subslide"}
reading_order(6, 15, wolff(6, CRITICAL, 1, seed=4)[0])

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: a lattice that is drawn up to the middle, black and white; the next site has an
# orange frame, with the words q of s_i = 1 given all before; the rest is grey.*
#
# Such a model is called **autoregressive**. Any distribution can be written so. Each factor
# is a coin, whose logit comes from a small network that sees the spins before. The
# probabilities of all states sum to one by construction, whatever the weights are.


# %% tags=["mirrors"] slideshow={"slide_type": "subslide"}
class SpinSampler(nn.Module):
    """q(s) = prod_i q(s_i given s_1 ... s_(i-1)), the sites in the order of reading.

    Each site has a small network of its own, which sees the spins before it.

    Args:
        side: of the lattice.
        hidden: units of each site's network.
        symmetric: whether q(-s) = q(s), as the Boltzmann distribution has it without a
            field. Then the networks have no biases, so that their logits are odd.
    """

    @own_settings()
    def __init__(self, side: int, hidden: int = 16, symmetric: bool = True) -> None:
        super().__init__()
        self.side = side
        sites = side * side
        self.first = nn.Parameter(0.5 * torch.randn(sites, sites, hidden) / side)
        self.second = nn.Parameter(0.1 * torch.randn(sites, hidden) / hidden**0.5)
        self.direct = nn.Parameter(torch.zeros(sites, sites))
        learns = not symmetric
        self.first_bias = nn.Parameter(torch.zeros(sites, hidden), learns)
        self.bias = nn.Parameter(torch.zeros(sites), learns)
        self.before: Tensor
        self.register_buffer("before", torch.ones(sites, sites).tril(-1))

    def log_prob(self, spins: Tensor) -> Tensor:
        """Ln q of lattices (n, side, side), spins of -1 and 1: (n,)."""
        s = spins.flatten(1)
        first = (self.first * self.before[..., None]).transpose(0, 1).flatten(1)
        hidden = torch.tanh(s @ first + self.first_bias.flatten())
        hidden = hidden.view(len(s), *self.second.shape)
        logits = (hidden * self.second).sum(-1) + s @ (self.direct * self.before).T
        return F.logsigmoid(s * (logits + self.bias)).sum(1)

    @torch.no_grad()
    def sample(self, n: int, generator: torch.Generator) -> Tensor:
        """Draw lattices, (n, side, side), spins of -1 and 1.

        Args:
            n: how many.
            generator: of the model's device.
        """
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


# %% [markdown] slideshow={"slide_type": "skip"}
# Two things to look at. `before` is a lower triangle: with it, site $i$ sees only the sites
# before it, so that one pass through all networks gives all $N$ factors. And without biases
# each logit is an odd function of the spins, so that $q(-s) = q(s)$: **a symmetry that is
# known need not be learnt.**
#
# ## Training without data
#
# We minimize $\beta F_q = \mathbb E_q[\log q + \beta E]$ over the weights of $q$ itself. Spins
# are coins, so nothing can be reparameterized. Lesson 2's other way works: the **score
# function**, with the mean cost as the baseline.
#
# $$
# \nabla\,\beta F_q = \mathbb E_q\left[(\text{cost} - \overline{\text{cost}})\,
# \nabla \log q(s)\right], \qquad \text{cost} = \log q(s) + \beta E(s) .
# $$

# %% slideshow={"slide_type": "subslide"}
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

with torch.no_grad():
    log_q = small.log_prob(torch.from_numpy(states).float()).double().numpy()
print(f"sum of q over all {len(states):,} states: {np.exp(log_q).sum():.6f}")
print(f"gap: {bound_and_kl(log_q, CRITICAL)[1]:.4f} nats")

# %% [markdown] slideshow={"slide_type": "skip"}
# No configuration was shown to it. The law alone taught it. Nor did it have to know $Z$,
# which only shifts the cost. Beta rises during the first half: at $\beta = 0$ all states are
# equally likely, and from there the sampler follows the cooling lattice. This is **annealing**.

# %% tags=["proof"] jupyter={"source_hidden": true} slideshow={"slide_type": "skip"}
# @title Probabilities sum to one; the gap is the divergence
assert abs(np.exp(log_q).sum() - 1) < 1e-5
beta_F_q, kl = bound_and_kl(log_q, CRITICAL)
assert abs(beta_F_q + log_Z - kl) < 1e-4 and kl > 0
if steps == 400:
    assert kl < 0.02

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Sixty-four spins, and a loss whose best value is known
#
# $8 \times 8$ spins have $2 \cdot 10^{19}$ states, and no enumeration helps. `train_spins` is
# the loop above. The dotted line is Kaufman's.
#
# **Predict before you run.** Where $q = p$, how much does the cost $\log q + \beta E$ scatter
# from sample to sample?

# %% slideshow={"slide_type": "subslide"}
seed_everything(0)
sampler = torch_spins.SpinSampler(8)
history = train_spins(sampler, CRITICAL, budget(smoke=50, lecture=1_000, full=4_000), 0)


def costs(model, beta, n, seed):
    """ln q + beta E of n fresh samples, and the samples."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        drawn = model.sample(n, generator)
        cost = model.log_prob(drawn).double() + beta * torch_spins.energies(drawn)
    return cost.numpy(), drawn.numpy()


n = budget(smoke=500, lecture=5_000, full=20_000)
cost, drawn = costs(sampler, CRITICAL, n, seed=1)
uniform = (np.random.default_rng(0).random((n, 8, 8)) < (1 + best) / 2) * 2 - 1
mean_field = log_independent(uniform, best) + CRITICAL * energies(uniform)
exact = -log_partition(8, CRITICAL)
histograms(
    {"independent spins": mean_field, "one after the other": cost},
    x="cost of a sample, nats",
    exact=exact,
    exact_name=r"$-\log Z$, Kaufman",
)

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: two histograms of the cost. Independent spins: a broad heap, right of the dashed
# line. One after the other: a narrow peak on the line.*

# %% [markdown]
# **Answer.** Not at all. If $q = p$ then $\log q + \beta E = -\log Z$ for *every* state. It is the
# column of lesson 1 that repeats. So the scatter tells how far training has to go, also
# where nobody knows $Z$.

# %% slideshow={"slide_type": "subslide"}
bound = Estimate.of(cost)
print(
    f"-ln Z, exact: {exact:.3f} nats;  beta F_q: {bound.mean:.3f} +- {bound.standard_error:.3f}"
)
print(
    f"relative gap {(bound.mean - exact) / abs(exact):.1e}, scatter {cost.std():.2f} nats"
)

# %% tags=["proof"] jupyter={"source_hidden": true} slideshow={"slide_type": "skip"}
# @title The bound lies above the exact value, and near it
assert bound.mean > exact - 3 * bound.standard_error
if budget(smoke=False, lecture=True, full=True):
    assert (bound.mean - exact) / abs(exact) < 3e-4
    assert cost.std() < 0.2 < mean_field.std()

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Weights make it exact
#
# A sampler that knows $q$ can correct itself. Each sample gets the weight
# $w = e^{-\beta E} / q$, and
#
# $$
# Z = \mathbb E_q[w], \qquad
# \langle O \rangle_p = \frac{\mathbb E_q[w\,O]}{\mathbb E_q[w]} .
# $$
#
# It is the sum that lesson 1 drew from the prior, and $L_k$ of lesson 3. How much the weights
# are worth is told by the **effective sample size**,
# $n_{\text{eff}} = (\sum w)^2 / \sum w^2$.

# %%
for name, c in {"independent": mean_field, "one after the other": cost}.items():
    log_z = log_mean_weight(-c)
    share = effective_sample_size(-c) / len(c)
    print(
        f"{name:20} ln Z = {log_z.mean:.3f} +- {log_z.standard_error:.3f}, "
        f"effective share {share:.1%}"
    )
print(f"{'Kaufman':20} ln Z = {-exact:.3f}")

# %% tags=["proof"] jupyter={"source_hidden": true} slideshow={"slide_type": "skip"}
# @title By weights, ln Z agrees with Kaufman's within three errors
log_z = log_mean_weight(-cost)
if budget(smoke=False, lecture=True, full=True):
    assert abs(log_z.mean + exact) < 3 * log_z.standard_error
    assert effective_sample_size(-cost) > 0.9 * len(cost)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What no weight sees
#
# Now cool down to $\beta = 0.6$, and leave the symmetry out: the networks get biases.
#
# **Predict before you run.** The sampler reaches an effective share near 100 %. Is it right?
#
# <!-- notes: Let them argue. The effective share is computed from the sampler's own samples.
# Ask: what would it look like if half of the states were never drawn? -->

# %% slideshow={"slide_type": "subslide"}
cold = 0.6
seed_everything(1)
plain = torch_spins.SpinSampler(8, symmetric=False)
train_spins(plain, cold, budget(smoke=50, lecture=600, full=2_000), 1)
cold_cost, one_sided = costs(plain, cold, n, seed=2)
histograms(
    {
        "Wolff": wolff(8, cold, 2_000, seed=3).mean((1, 2)),
        "the sampler": one_sided.mean((1, 2)),
    },
    x="magnetization of a spin",
)

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: two histograms of the magnetization. Wolff: two peaks of equal size, at -1 and 1.
# The sampler: one peak, at one of the two ends.*

# %%
log_z = log_mean_weight(-cold_cost)
missing = log_partition(8, cold) - log_z.mean
print(f"effective share {effective_sample_size(-cold_cost) / n:.1%}")
print(
    f"ln Z is too small by {missing:.3f} +- {log_z.standard_error:.3f} nats; ln 2 = {math.log(2):.3f}"
)

# %% [markdown] slideshow={"slide_type": "skip"}
# **Answer.** It has forgotten one of the two magnetizations, and its own numbers do not show
# it. $q$ that is zero where $p$ is not costs nothing in $\mathrm{KL}(q\,\|\,p)$ but the
# logarithm of what is missing: half of $Z$, so $\ln 2$. **This is mode collapse, and here it
# has an exact price.** The weights come from samples of $q$, and what is never drawn has no
# weight. Only the exact answer told us. The symmetric sampler cannot make this mistake.

# %% tags=["proof"] jupyter={"source_hidden": true} slideshow={"slide_type": "skip"}
# @title One sign, and ln 2 is missing
if budget(smoke=False, lecture=True, full=True):
    signs = one_sided.mean((1, 2)) > 0
    assert min(signs.mean(), 1 - signs.mean()) < 0.01
    assert abs(missing - math.log(2)) < 3 * log_z.standard_error + 0.01

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The same judge for a VAE and a GAN
#
# Both need data, so Wolff's algorithm drew 20,000 configurations of $28 \times 28$ spins at
# the critical point. The networks are those of lessons 3 and 9, unchanged: an up spin is a
# white pixel. A VAE's decoder gives a coin a pixel, and for spins that is no approximation
# of grey. Their weights ship with the course.

# %%
vae = load_pretrained(MLPVAE(BernoulliPixels(), latent_dim=16), "ising", "vae").eval()
gan = load_pretrained(Generator(), "ising", "generator").eval()
count = budget(smoke=100, lecture=2_000, full=5_000)
rng = np.random.default_rng(5)
with torch.no_grad():
    z = torch.from_numpy(rng.standard_normal((count, 16), dtype=np.float32))
    white = to_images(vae.decode(z))[..., 0]
made = {
    "Wolff": wolff(28, CRITICAL, count, seed=6),
    "VAE": 2 * (rng.random(white.shape) < white) - 1,
    "DCGAN": 2 * (generate(gan, rng.standard_normal((count, 100)))[..., 0] > 0.5) - 1,
}
lattices({name: s[:8] for name, s in made.items()})

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: three rows of eight lattices. Wolff: islands with ragged edges. VAE: islands under
# fine static. DCGAN: islands with edges, a little too smooth.*

# %% [markdown]
# **Predict before you run.** The magnetization is a mean over all spins. The energy counts
# the bonds of neighbours. Which of the two does the VAE get right?

# %% slideshow={"slide_type": "subslide"}
observables = {
    "energy of a spin": lambda s: energies(s) / s[0].size,
    "|magnetization|": magnetization,
    "two sites apart": lambda s: correlation(s, 2),
    "eight sites apart": lambda s: correlation(s, 8),
}
table = {
    name: [correlated_mean(measure(s)) for measure in observables.values()]
    for name, s in made.items()
}
known = [ising.energy_per_spin(28, CRITICAL)] + 3 * [math.nan]
judged(
    {name: [(e.mean, e.standard_error) for e in row] for name, row in table.items()},
    list(observables),
    known,
)

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: four panels, one an observable; a point with its error for Wolff, VAE and DCGAN. In
# the first a dashed line at the exact energy, on which Wolff's point lies.*

# %%
print(f"{'':8}" + "".join(f"{name:>20}" for name in observables))
print(f"{'exact':8}{known[0]:20.4f}")
for name, row in table.items():
    print(
        f"{name:8}" + "".join(f"{e.mean:13.4f} +- {e.standard_error:.4f}" for e in row)
    )

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Walk through the temperatures

#
# On $4 \times 4$ spins every energy's probability is known. Our small sampler was trained at
# one temperature. With weights it serves others too: $\log w = -\beta E - \log q$, for any
# $\beta$. How far does it carry?

# %% slideshow={"slide_type": "subslide"}
_, few = costs(small, CRITICAL, 1_000, seed=7)
with torch.no_grad():
    log_few = small.log_prob(torch.from_numpy(few)).double().numpy()
flips = np.random.default_rng(8).choice([-1, 1], (1_000, 4, 4))
ising_explorer(
    {
        "one after the other": lambda beta: (few, -beta * energies(few) - log_few),
        "fair coins": lambda beta: (flips, -beta * energies(flips)),
        "Wolff": lambda beta: (wolff(4, beta + 1e-9, 500, seed=9), np.zeros(500)),
    }
)

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: left, nine lattices of 4 by 4 spins; right, bars of how often each energy comes, and
# black strokes of how often it should, which they meet.*
#
# Move $\beta$. The effective share falls on both sides of the temperature that it knows. Fair
# coins with weights are right near $\beta = 0$ and lost when it is cold: nearly all their weight
# lies on one lattice in a thousand. It is lesson 1's sum over the prior again.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What could go wrong
#
# - **A good number from the sampler's own samples.** Effective shares, scatter and losses see
#   nothing of what is never drawn.
# - **Correlated configurations counted as independent.** A Markov chain's error is larger by
#   the root of its autocorrelation time; `correlated_mean` knows it.
# - **Pictures.** The VAE's lattices look like islands. One bond count shows the static.
#
# ## Summary
#
# 1. The ELBO is the variational free energy, and the gap is $\beta(F_q - F)$.
# 2. Independent spins take a side too early; an autoregressive network knows its own $q$ and
#    comes within a few parts in ten thousand, without data.
# 3. Where the sampler is exact, its cost is the same for every state.
# 4. Weights turn an imperfect sampler into exact averages, as long as it draws everything.
# 5. A VAE and a GAN learn what islands look like; an observable with an exact value says what
#    they miss.

# %% [markdown] slideshow={"slide_type": "skip"}
# ## Exercises
#
# The [exercise set](exercises/11_ising.ipynb) has enumeration, a cluster's detailed balance,
# errors of a chain, weights, and a sampler to train with a gap to reach.
#
# ## References
#
# - B. Kaufman, *Crystal statistics II*, Phys. Rev. 76, 1232 (1949); L. Onsager, *Crystal
#   statistics I*, Phys. Rev. 65, 117 (1944).
# - D. Wu, L. Wang and P. Zhang, *Solving statistical mechanics using variational
#   autoregressive networks*, 2019, [arXiv:1809.10606](https://arxiv.org/abs/1809.10606).
