# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Deeper: log p(x) between two bounds
#
# Open in [Colab](https://colab.research.google.com/github/generative-models/executed/blob/v0.2.0/notebooks/deeper/03_upper_bound.ipynb) or on [Binder](https://mybinder.org/v2/gh/generative-models/executed/v0.2.0?urlpath=lab/tree/notebooks/deeper/03_upper_bound.ipynb).
#
# [Lesson 3](../03_vae_pytorch.ipynb) puts bounds from below and from above around
# $\log p(x)$ of a VAE. This page proves the one from above, closes what is left between
# them by annealing, checks all of it on a model whose $\log p(x)$ is known, and asks why
# the encoder is too sure.

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
# The sizes stand at the end. On two CPU cores this page takes about two minutes.

# %% tags=["setup"] jupyter={"source_hidden": true}
# @title Set-up: libraries, models, figures
import math
from functools import partial
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from course_utils.budget import budget
from course_utils.data.mnist import binarize, load_mnist
from course_utils.exact.linear_gaussian import LinearGaussian
from course_utils.figures.nats import ruler, two_ladders
from course_utils.figures.style import use_course_style
from course_utils.metrics.bounds import Estimate, block_bound
from course_utils.pytorch.device import seed_everything, to_tensor
from course_utils.pytorch.likelihoods import BernoulliPixels
from course_utils.pytorch.training import train_vae
from course_utils.pytorch.vae import (
    MLPVAE,
    kl_to_standard_normal,
    log_weights,
    reparameterize,
)

use_course_style()
limit = budget(smoke=500, lecture=None, full=None)
epochs = budget(smoke=1, lecture=30, full=30)
digits = budget(smoke=10, lecture=100, full=500)
samples = budget(smoke=50, lecture=500, full=500)
temperatures = budget(smoke=10, lecture=500, full=1_000)
searches = budget(smoke=10, lecture=300, full=1_000)

# %% [markdown]
# ## One line for both ladders
#
# Fix $x$. Let $Q$ be $k$ independent draws from $q(z \mid x)$. Let $M$ be $k$ draws of which
# one, at a random place, comes from the posterior $p(z \mid x)$, and the others from $q$. The
# ratio of their densities at the same $z_1, \dots, z_k$ is
#
# $$
# \frac{M}{Q} = \frac1k \sum_{j=1}^k \frac{p(z_j \mid x)}{q(z_j \mid x)}
# = \frac{1}{p(x)}\, \frac1k \sum_{j=1}^k w_j ,
# \qquad w_j = \frac{p(x, z_j)}{q(z_j \mid x)} .
# $$
#
# So the logarithm of the mean weight is $\log p(x) + \log (M/Q)$. Take its mean under $Q$,
# and then under $M$:
#
# $$
# L_k = \log p(x) - \mathrm{KL}(Q \,\|\, M), \qquad
# U_k = \log p(x) + \mathrm{KL}(M \,\|\, Q) .
# $$
#
# A KL is never negative: $L_k$ is a bound from below and $U_k$ one from above. The mean
# weight does not know places, so the draw from the posterior may stand anywhere, for
# instance last. All that $U_k$ needs is *one* draw from the posterior. For data that the
# model itself made there is one: the $z$ that made them.

# %% [markdown]
# ## A model whose answer is known
#
# `LinearGaussian` has $\log p(x)$ in closed form. We give it a poor encoder on purpose: its
# means are off by 0.3, its standard deviations are two thirds of the posterior's.


# %%
class LinearVAE:
    """The linear Gaussian model with a poor encoder, in the VAE's clothes."""

    def __init__(self, exact: LinearGaussian):
        self.exact = exact
        variance = np.diag(exact.posterior(np.zeros((1, len(exact.b))))[1])
        self.logvar = torch.tensor(np.log(variance * 4 / 9))

    def encoder(self, x: Tensor) -> tuple[Tensor, Tensor]:
        mu = torch.from_numpy(self.exact.posterior(x.numpy())[0]) + 0.3
        return mu, self.logvar.expand_as(mu)

    def log_likelihood(self, x: Tensor, z: Tensor) -> Tensor:
        W, b = torch.from_numpy(self.exact.W), torch.from_numpy(self.exact.b)
        error = (x - z @ W.T - b) / self.exact.sigma
        log_scale = math.log(self.exact.sigma) + 0.5 * math.log(2 * math.pi)
        return (-0.5 * error.square() - log_scale).sum(-1)


# %% [markdown]
# Both ladders, from one set of weights, for data of the model's own.


# %%
def log_ratio(model, x: Tensor, mu: Tensor, logvar: Tensor, epsilon: Tensor) -> Tensor:
    """log p(x, z) - log q(z given x) at z = mu + sigma epsilon."""
    z = reparameterize(mu, logvar, epsilon)
    prior_to_q = 0.5 * (epsilon.square() + logvar - z.square()).sum(-1)
    return model.log_likelihood(x, z) + prior_to_q


def ladders(model, x: Tensor, z: Tensor, seed: int) -> tuple[dict, dict]:
    """L_k and U_k of each row of x, by k; z made x."""
    generator = torch.Generator().manual_seed(seed)
    parts = [log_weights(model, rows, samples, generator)[0] for rows in x.split(4)]
    log_w = torch.cat(parts, dim=1)
    mu, logvar = model.encoder(x)
    of_truth = log_ratio(model, x, mu, logvar, (z - mu) / torch.exp(0.5 * logvar))
    lower, upper = {}, {}
    for k in (k for k in (1, 5, 50, 500) if k <= samples):
        with_truth = log_w.clone()
        with_truth[k - 1 :: k] = of_truth
        lower[k] = block_bound(log_w.numpy(), k)
        upper[k] = block_bound(with_truth.numpy(), k)
    return lower, upper


# %% [markdown]
# With 2,000 rows the bounds must keep their sides, up to four standard errors of their
# distance to the exact value.

# %%
mixing = np.random.default_rng(0).normal(size=(8, 4))
linear = LinearVAE(LinearGaussian(mixing, np.zeros(8), sigma=0.8))
data, hidden = map(torch.from_numpy, linear.exact.sample(2_000, seed=1))
log_p = linear.exact.log_evidence(data.numpy())
lower, upper = ladders(linear, data, hidden, seed=2)
for k in lower:
    below, above = Estimate.of(log_p - lower[k]), Estimate.of(upper[k] - log_p)
    assert below.mean > -4 * below.standard_error
    assert above.mean > -4 * above.standard_error
    print(f"k = {k:3}: log p - L_k = {below} nats, U_k - log p = {above}")

# %% [markdown]
# The picture that the lesson has to do without: the truth is drawn in.

# %%
means = [[bound.mean() for bound in ladder.values()] for ladder in (lower, upper)]
two_ladders(list(lower), *means, "nats a row", exact=log_p.mean())

# %% [markdown]
# *Figure: two curves against the number of latent points; they close on a dashed line at the
# exact log p(x).*

# %% [markdown]
# ## Annealing: weigh in small steps
#
# The weights scatter because one step leads from $q$ all the way to $p(x, z)$. So make many
# small steps. Put a row of distributions between them,
#
# $$
# f_b(z) = q(z \mid x) \left(\frac{p(x, z)}{q(z \mid x)}\right)^{b},
# \qquad b = 0, \dots, 1 ,
# $$
#
# and go from $b = 0$ to $b = 1$. At each new $b$ the logarithm of the weight grows by
# $\Delta b \log w(z)$, and then $z$ is moved so that it follows $f_b$. This is **annealed
# importance sampling** (Neal, 2001), and physicists know it as Jarzynski's equality: the
# mean of $e^{-\text{work}}$ gives a free energy, however fast one pulls. At the end the mean
# weight is $p(x)$, so the mean of its logarithm is a bound from below.
#
# Walk the other way, from a draw of the posterior at $b = 1$ down to $b = 0$. The mean weight
# is now $1/p(x)$, and minus the mean of its logarithm is a bound from *above*. The two
# together are **bidirectional Monte Carlo** (Grosse, Ghahramani and Adams, 2015).
#
# To move $z$ we let a particle roll: a random push, a few steps of leapfrog in the potential
# $-\log f_b$, and a rejection where the energy has changed too much. We write $z = \mu +
# \sigma\epsilon$ and move $\epsilon$, in which $q$ is the standard normal.


# %%
def move(energy, epsilon: Tensor, generator, step=0.3, leaps=3) -> tuple[Tensor, float]:
    """A step of Hamiltonian Monte Carlo for exp(-energy); and the share accepted."""

    def slope(e: Tensor) -> Tensor:
        e = e.detach().requires_grad_(True)
        return torch.autograd.grad(energy(e).sum(), e)[0]

    push = torch.randn(epsilon.shape, generator=generator, dtype=epsilon.dtype)
    there, speed = epsilon, push - 0.5 * step * slope(epsilon)
    for leap in range(leaps):
        there = there + step * speed
        last = leap == leaps - 1
        speed = speed - (0.5 if last else 1.0) * step * slope(there)
    with torch.no_grad():
        rise = energy(there) - energy(epsilon)
        rise = rise + 0.5 * (speed.square() - push.square()).sum(-1)
        chance = torch.rand(rise.shape, generator=generator, dtype=rise.dtype)
        accepted = chance.log() < -rise
    return torch.where(accepted[:, None], there, epsilon), accepted.double().mean()


# %% [markdown]
# One function walks both ways; `path` says which.


# %%
def anneal(model, x: Tensor, epsilon: Tensor, path: list[float], seed: int) -> Tensor:
    """The log weight that each row has gathered along the path from b to b."""
    generator = torch.Generator().manual_seed(seed)
    mu, logvar = model.encoder(x)
    ratio = partial(log_ratio, model, x, mu, logvar)
    total, shares = torch.zeros(len(x), dtype=mu.dtype), []
    for old, new in pairwise(path):
        with torch.no_grad():
            total = total + (new - old) * ratio(epsilon)

        def energy(e: Tensor, b: float = new) -> Tensor:
            return 0.5 * e.square().sum(-1) - b * ratio(e)

        epsilon, share = move(energy, epsilon, generator)
        shares.append(share)
    print(f"from b = {path[0]:g} to {path[-1]:g}: {np.mean(shares):.0%} accepted")
    return total


def both_ways(model, x: Tensor, z: Tensor, seed: int) -> tuple[Tensor, Tensor]:
    """Bounds on log p(x) from below and from above, (n,) each; z made x."""
    up = torch.linspace(0, 1, temperatures + 1).tolist()
    mu, logvar = model.encoder(x)
    generator = torch.Generator().manual_seed(seed)
    start = torch.randn(mu.shape, generator=generator, dtype=mu.dtype)
    end = (z - mu) / torch.exp(0.5 * logvar)
    below = anneal(model, x, start, up, seed + 1)
    return below, -anneal(model, x, end, up[::-1], seed + 2)


# %% [markdown]
# First where the answer is known. Both must agree with it, within their errors plus what is
# left of the gap.

# %%
low, high = both_ways(linear, data, hidden, seed=3)
below, above = (Estimate.of(d) for d in (log_p - low.numpy(), high.numpy() - log_p))
assert below.mean > -4 * below.standard_error
assert above.mean > -4 * above.standard_error
print(f"log p - annealed bound from below: {below} nats")
print(f"annealed bound from above - log p: {above} nats")

# %% [markdown]
# ## The VAE of lesson 3
#
# The same model is trained in the same way.

# %%
train = load_mnist("train", "sample", limit)
test = load_mnist("test", "sample", 1_000)
seed_everything(0)
coins = MLPVAE(BernoulliPixels())
options = {"test_images": test.x, "binarize": True}
train_vae(coins, train.x, epochs, 1, **options).require_complete()
for parameter in coins.parameters():
    parameter.requires_grad_(False)

# %% [markdown]
# It draws digits of its own, and all six bounds are put on them.

# %%
generator = torch.Generator().manual_seed(7)
z = torch.randn(digits, 8, generator=generator)
x = torch.bernoulli(coins.decode(z), generator=generator)
lower, upper = ladders(coins, x, z, seed=8)
low, high = both_ways(coins, x, z, seed=9)
most = max(lower)
print(f"between L_1 and U_1:      {Estimate.of(upper[1] - lower[1])} nats")
print(f"between L_{most} and U_{most}:  {Estimate.of(upper[most] - lower[most])} nats")
print(f"between the annealed two: {Estimate.of((high - low).numpy())} nats")
print(f"annealed, above L_{most}:   {Estimate.of(low.numpy() - lower[most])} nats")

# %% [markdown]
# All six on one axis.

# %%
values = {f"$L_{{{k}}}$": lower[k].mean() for k in (1, most)}
values |= {f"$U_{{{k}}}$": upper[k].mean() for k in (1, most)}
values |= {"annealed, from below": low.mean(), "annealed, from above": high.mean()}
ruler(values)

# %% [markdown]
# *Figure: six dots on an axis of nats; the two annealed bounds nearly coincide in the middle
# of the others.*

# %% [markdown]
# ### Held-out digits
#
# Nobody knows the $z$ behind a written digit. So there is a bound from below alone. But we
# have just seen how near to the truth the same walk comes on digits of the model's own.

# %%
written = to_tensor(binarize(test.x[:digits], seed=3))
log_w = [log_weights(coins, rows, samples, generator)[0] for rows in written.split(4)]
known = block_bound(torch.cat(log_w, dim=1).numpy(), samples)
up = torch.linspace(0, 1, temperatures + 1).tolist()
start = torch.randn(digits, 8, generator=generator)
annealed = anneal(coins, written, start, up, seed=10).numpy()
print(f"L_{samples} {Estimate.of(known)} nats, annealed {Estimate.of(annealed)} nats")
print(f"annealed above L_{samples} by {Estimate.of(annealed - known)} nats a digit")

# %% [markdown]
# That answers the question of the lesson. On held-out digits $L_{500}$ is too low by about as
# much as the last line says, if the walk is as good there as on the model's own digits.

# %% [markdown]
# ## Why is the encoder too sure?
#
# In the lesson the true $z_j$ lies within one $\sigma_j$ of $\mu_j$ much less often than in
# 68 % of the cases. There are two suspects. The *shape*: a normal distribution with
# independent components cannot be the posterior. Or the *network*: one function for all
# digits does not find the best $\mu$ and $\sigma$ for each. The control is to search for the
# best $q$ of each digit alone, by gradient ascent on its ELBO from the encoder's answer.


# %%
def searched(model, x: Tensor, seed: int) -> tuple[Tensor, Tensor]:
    """Mu and logvar with the largest ELBO for each x alone."""
    generator = torch.Generator().manual_seed(seed)
    q = [part.clone().requires_grad_(True) for part in model.encoder(x)]
    optimizer = torch.optim.Adam(q, lr=0.02)
    falling = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.0, searches)
    for _ in range(searches):
        epsilon = torch.randn(8, *q[0].shape, generator=generator)
        z = reparameterize(*(part.expand_as(epsilon) for part in q), epsilon)
        log_likelihood = model.log_likelihood(x.repeat(8, 1, 1, 1), z.flatten(0, 1))
        loss = kl_to_standard_normal(*q).sum() - log_likelihood.sum() / 8
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        falling.step()
    return tuple(part.detach() for part in q)


# %% [markdown]
# For each $q$: how often it holds the truth, where the truth is known, and how far its ELBO is
# from the annealed $\log p(x)$. On digits of the model's own we take the middle of the two
# annealed bounds, on written ones the one from below.

# %%
noise = torch.randn(200, digits, 8, generator=generator)


def gap_below(top: Tensor, x: Tensor, q: tuple[Tensor, Tensor]) -> Estimate:
    """How far the ELBO of q lies below log p(x)."""
    with torch.no_grad():
        bounds = [log_ratio(coins, x, *q, epsilon) for epsilon in noise]
    return Estimate.of((top - torch.stack(bounds).mean(0)).numpy())


tops = {"own": (x, 0.5 * (low + high)), "written": (written, torch.tensor(annealed))}
for whose, (images, top) in tops.items():
    answers = {"encoder": coins.encoder(images), "search": searched(coins, images, 11)}
    for name, q in answers.items():
        print(f"{whose:8} {name:8} gap {gap_below(top, images, q)} nats", end="")
        inside = ((z - q[0]) / torch.exp(0.5 * q[1])).abs() < 1
        share = f", truth inside: {inside.double().mean():.0%}"
        print(share if whose == "own" else "")

# %% [markdown]
# The control speaks. Where each digit has a $q$ of its own, the truth is inside more often, and
# most of the gap is gone. The shape, a normal cloud with independent components, costs what is
# left. The rest is the network's: one function for all digits does not find the best cloud for
# each. This is called the **amortization gap** (Cremer, Li and Duvenaud, 2018). It is what one
# pays for an answer in one pass.

# %% [markdown]
# ## References
#
# - R. B. Grosse, Z. Ghahramani and R. P. Adams, *Sandwiching the marginal likelihood using
#   bidirectional Monte Carlo*, 2015, [arXiv:1511.02543](https://arxiv.org/abs/1511.02543).
# - Y. Wu, Y. Burda, R. Salakhutdinov and R. Grosse, *On the Quantitative Analysis of
#   Decoder-Based Generative Models*, 2017,
#   [arXiv:1611.04273](https://arxiv.org/abs/1611.04273).
# - R. M. Neal, *Annealed importance sampling*, Statistics and Computing 11, 2001.
# - C. Cremer, X. Li and D. Duvenaud, *Inference Suboptimality in Variational Autoencoders*,
#   2018, [arXiv:1801.03558](https://arxiv.org/abs/1801.03558).
