# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Deeper into lesson 1: normals, encoders, ceilings
#
# Open in [Colab](https://colab.research.google.com/github/generative-models/executed/blob/v0.2.0/notebooks/deeper/01_encoders.ipynb) or on [Binder](https://mybinder.org/v2/gh/generative-models/executed/v0.2.0?urlpath=lab/tree/notebooks/deeper/01_encoders.ipynb).
#
# [Lesson 1](../01_elbo.ipynb) lets one encoder answer for all measurements and trains it up
# to a ceiling. This page has what stands behind that: the KL of two normal distributions,
# minibatches, a model with a condition, what the encoder and what the family of $q$ costs,
# the best step, and the ceiling for any number of channels.

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

# %% tags=["setup"] jupyter={"source_hidden": true}
# @title Set-up: libraries and closed forms
import math
from dataclasses import replace
from itertools import combinations

import matplotlib.pyplot as plt
import numpy as np
import torch
from scipy.stats import multivariate_normal
from torch import nn

from course_utils.budget import budget
from course_utils.exact.divergences import gaussian_kl, kl_to_standard_normal
from course_utils.exact.linear_gaussian import (
    LinearGaussian,
    ppca_log_evidence,
    principal_axes,
)
from course_utils.figures.style import use_course_style

use_course_style()
torch.set_default_dtype(torch.float64)

# %% [markdown]
# The sizes of what is drawn or trained:

# %%
estimates = budget(smoke=2_000, lecture=10_000, full=100_000)
encoder_steps = budget(smoke=300, lecture=1_500, full=3_000)
seeds = budget(smoke=2, lecture=5, full=10)

# %% [markdown]
# ## The KL of two normal distributions
#
# For normals in $k$ dimensions
#
# $$
# \mathrm{KL}\big(\mathcal N(\mu_0, \Sigma_0) \,\|\, \mathcal N(\mu_1, \Sigma_1)\big) =
# \tfrac12 \Big( \mathrm{tr}(\Sigma_1^{-1} \Sigma_0)
# + (\mu_1 - \mu_0)^\top \Sigma_1^{-1} (\mu_1 - \mu_0) - k
# + \log \frac{\det \Sigma_1}{\det \Sigma_0} \Big).
# $$
#
# It follows from $\mathbb E\big[(z - \mu_1)^\top \Sigma_1^{-1} (z - \mu_1)\big] =
# \mathrm{tr}(\Sigma_1^{-1} \Sigma_0) + (\mu_0 - \mu_1)^\top \Sigma_1^{-1} (\mu_0 - \mu_1)$
# for $z$ from the first normal; the same mean under its own $\Sigma_0$ is $k$.


# %%
def kl_normals(mu0, cov0, mu1, cov1):
    inverse, shift = np.linalg.inv(cov1), mu1 - mu0
    log_ratio = math.log(np.linalg.det(cov1) / np.linalg.det(cov0))
    quadratic = shift @ inverse @ shift
    return 0.5 * (np.trace(inverse @ cov0) + quadratic - len(shift) + log_ratio)


rng = np.random.default_rng(4)
mu0, mu1 = rng.normal(size=(2, 3))
roots = rng.normal(size=(2, 3, 3))
cov0, cov1 = roots @ roots.transpose(0, 2, 1) + 0.5 * np.eye(3)

# %% [markdown]
# Three witnesses: the course's closed form, PyTorch, and the plain definition, a mean of log
# ratios over draws from the first normal, with its standard error.

# %% tags=["nbval-check-output"]
ours = kl_normals(mu0, cov0, mu1, cov1)
p0, p1 = (
    torch.distributions.MultivariateNormal(torch.from_numpy(m), torch.from_numpy(c))
    for m, c in ((mu0, cov0), (mu1, cov1))
)
library = torch.distributions.kl_divergence(p0, p1).item()
first = multivariate_normal(mu0, cov0)
drawn = first.rvs(200_000, random_state=5)
log_ratios = first.logpdf(drawn) - multivariate_normal(mu1, cov1).logpdf(drawn)
error = log_ratios.std() / math.sqrt(len(drawn))
print(f"formula {ours:.6f}, PyTorch {library:.6f}")
print(f"Monte Carlo {log_ratios.mean():.3f} ± {error:.3f}")

# %% [markdown]
# With $\mu_1 = 0$ and $\Sigma_1 = I$, and then with $\Sigma_0 = \mathrm{diag}(s_j^2)$:
#
# $$
# \mathrm{KL} = \tfrac12 \big( \mathrm{tr}\,\Sigma_0 + \mu_0^\top \mu_0 - k
# - \log\det \Sigma_0 \big)
# \;\longrightarrow\;
# \tfrac12 \sum_{j=1}^{k} \big( s_j^2 + \mu_j^2 - 1 - \log s_j^2 \big).
# $$

# %% tags=["nbval-check-output"]
simple = 0.5 * (np.trace(cov0) + mu0 @ mu0 - 3 - math.log(np.linalg.det(cov0)))
variances = np.diag(cov0)
diagonal = 0.5 * (variances + mu0**2 - 1 - np.log(variances)).sum()
print(f"full covariance {simple:.6f} nats, diagonal {diagonal:.6f} nats")

# %% tags=["proof"] jupyter={"source_hidden": true}
# @title Proof: the witnesses agree, and the special cases follow
assert abs(ours - gaussian_kl(mu0, cov0, mu1, cov1)) < 1e-10
assert abs(ours - library) < 1e-10
assert abs(ours - log_ratios.mean()) < 4 * error
assert abs(simple - kl_normals(mu0, cov0, np.zeros(3), np.eye(3))) < 1e-10
full = kl_normals(mu0, np.diag(variances), np.zeros(3), np.eye(3))
assert abs(diagonal - full) < 1e-10
assert abs(diagonal - kl_to_standard_normal(mu0, np.log(variances))) < 1e-10
print("closed forms to 1e-10, Monte Carlo within 4 standard errors")

# %% [markdown]
# ## From one x to a data set
#
# The objective for $N$ measurements is the mean of their ELBOs. Stochastic gradient ascent
# is content with an estimate: at each step a random **minibatch** of measurements, and
# **one** $z$ for each. We take 500 measurements of the lesson's model, the best $q$ without
# correlations for each, and make many such estimates.

# %%
W = np.array([[1.0, 0.8], [0.2, 0.9], [0.8, 0.3]])
model = LinearGaussian(W, np.array([0.5, 0.0, -0.5]), sigma=0.6)
data, _ = model.sample(500, seed=6)
mu, diagonal_cov = model.best_diagonal_posterior(data)
std, kl_each = np.sqrt(np.diag(diagonal_cov)), model.kl(mu, diagonal_cov)
target = model.elbo(data, mu, diagonal_cov).mean()  # what one would like to have
rng = np.random.default_rng(7)
one_step = {}
for batch in (1, 32):
    rows = rng.integers(500, size=(estimates, batch)).ravel()  # drawn with replacement
    one_z = mu[rows] + std * rng.standard_normal((len(rows), 2))
    values = model.log_likelihood(data[rows], one_z) - kl_each[rows]
    one_step[batch] = values.reshape(estimates, batch).mean(1)

# %% [markdown]
# Both means agree with the exact value: the estimate is **unbiased**, whatever the size of
# the minibatch. The spread falls as $1/\sqrt{32}$.

# %%
for batch, values in one_step.items():
    error = values.std() / math.sqrt(estimates)
    assert abs(values.mean() - target) < 5 * error
    print(f"batch {batch:2}: {values.mean():.3f} ± {error:.3f}, ", end="")
    print(f"spread {values.std():.3f} (exact mean {target:.3f})")

# %% [markdown]
# In the picture the broad histogram has a long tail: a few measurements lie far out.

# %%
bins = np.linspace(target - 6, target + 3, 91)
bars = {"density": True, "histtype": "stepfilled"}
plt.hist(one_step[1], bins, color="0.75", **bars)
plt.hist(
    one_step[32],
    bins,
    facecolor="none",
    edgecolor="C0",
    hatch="///",
    linestyle="-",
    **bars,
)
plt.axvline(target, color="black", linestyle="--")
plt.text(target - 0.6, 1.2, "minibatches of 32", color="C0", ha="right")
plt.text(target - 2, 0.35, "single measurements", color="0.35", ha="right")
plt.text(target + 0.7, 1.2, "dashed: exact")
plt.gca().set(xlabel="estimate of the mean ELBO (nats)", ylabel="density (1/nats)")
plt.show()

# %% [markdown]
# *Figure: a wide grey histogram with a tail to the left, and a narrow hatched one. A dashed
# line marks the exact value in the middle of the narrow one.*

# %% [markdown]
# Sum over the components of $x$ and of $z$, average over measurements. Whoever averages over
# the components of one of the two terms multiplies that term by a constant.
#
# ## If there is a condition: p(y given x)
#
# Sometimes we want the distribution of a result $y$ *given* a setting $x$: the response of a
# detector at a known voltage, a digit of a known class. Everything carries $x$ along:
#
# $$
# p_\theta(y \mid x) = \int p_\theta(y \mid z, x)\, p_\theta(z \mid x)\, dz .
# $$
#
# Here $p_\theta(z \mid x)$ is a *prior*, what we know of $z$ before $y$ is seen; often it is
# just $\mathcal N(0, I)$. The same algebra gives for each pair $(x_i, y_i)$
#
# $$
# \log p(y_i \mid x_i) - \mathrm{KL}\big(q(z) \,\|\, p(z \mid x_i, y_i)\big)
# = \mathbb E_q\left[\log p(y_i \mid z, x_i)\right]
# - \mathrm{KL}\big(q(z) \,\|\, p(z \mid x_i)\big).
# $$
#
# This is the **conditional VAE**. One line of it, evaluated, for a linear model whose offset
# depends on a voltage:

# %% tags=["nbval-check-output"]
voltage, y = 1.7, np.array([[2.0, 1.0, 0.4]])
offset = model.b + voltage * np.array([0.4, -0.2, 0.3])  # b depends on x
given = replace(model, b=offset)
q_mean, q_cov = np.array([[0.6, 0.7]]), np.array([[0.5, 0.1], [0.1, 0.4]])
left_side = given.log_evidence(y)[0] - gaussian_kl(
    q_mean[0], q_cov, given.posterior(y)[0][0], given.posterior(y)[1]
)
right_side = given.reconstruction(y, q_mean, q_cov)[0] - given.kl(q_mean, q_cov)[0]
print(f"log p(y|x) - KL to p(z|x,y): {left_side:.6f}    right side: {right_side:.6f}")
assert abs(left_side - right_side) < 1e-10

# %% [markdown]
# ## What the encoder costs, and what the family costs
#
# Whoever trains a VAE loses twice. Let $q^*$ be the best normal for one $x$, found for this
# $x$ alone:
#
# $$
# \underbrace{\log p(x) - \mathrm{ELBO}(q_\phi)}_{\text{gap}} =
# \underbrace{\log p(x) - \mathrm{ELBO}(q^*)}_{\text{approximation gap}} +
# \underbrace{\mathrm{ELBO}(q^*) - \mathrm{ELBO}(q_\phi)}_{\text{amortization gap}} .
# $$
#
# The first part is the family's: no normal fits better. The second is the encoder's: it
# answers for all $x$ at once (Cremer, Li and Duvenaud, 2018). To measure both we need a
# model that is not linear and still known. One hidden number moves two channels,
# $x = (z,\, z^2/2) + 0.5\,\epsilon$. The posterior is no normal, and $\log p(x)$ is a sum over
# a fine grid.

# %%
noise = 0.5


def curve(z):
    return torch.stack([z, z**2 / 2], -1)


def log_joint(x, z):
    """Of x (rows, 1, 2) and z (rows or 1, points): (rows, points)."""
    error = (x - curve(z)).square().sum(-1) / (2 * noise**2)
    return (
        -error - math.log(2 * math.pi * noise**2) - 0.5 * (z**2 + math.log(2 * math.pi))
    )


torch.manual_seed(1)
hidden = torch.randn(500)
seen = curve(hidden) + noise * torch.randn(500, 2)
grid = torch.arange(-7, 7, 0.005)[None]
log_p = torch.logsumexp(log_joint(seen[:, None], grid), 1) + math.log(0.005)

# %% [markdown]
# The ELBO of a normal $q$ is a mean of a polynomial of $z$, of degree 4. Gauss-Hermite
# quadrature with five nodes is exact for it. So no noise enters, and all differences
# below are real.

# %%
roots, weights = np.polynomial.hermite_e.hermegauss(5)
nodes, weights = torch.from_numpy(roots), torch.from_numpy(weights / weights.sum())


def elbo(m, log_s):
    """For q = N(m, s^2), both (rows,)."""
    z = m[:, None] + log_s.exp()[:, None] * nodes
    entropy = log_s + 0.5 * math.log(2 * math.pi * math.e)
    return (log_joint(seen[:, None], z) * weights).sum(1) + entropy


def climb(value, parameters, steps, rate):
    adam = torch.optim.Adam(parameters, lr=rate, maximize=True)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(adam, steps)
    for _ in range(steps):
        adam.zero_grad()
        value().sum().backward()
        adam.step()
        schedule.step()
    return value().detach()


# %% [markdown]
# First the best normal for each of the 500 measurements: a search of its own for each. A
# posterior may have two hills here, so we start on both sides and keep the better end.

# %%
ends = []
for start in (-1.5, 1.5):
    m = torch.full((500,), start, requires_grad=True)
    log_s = torch.full((500,), -1.0, requires_grad=True)
    ends.append(climb(lambda m=m, log_s=log_s: elbo(m, log_s), [m, log_s], 600, 0.05))
best = torch.maximum(*ends)
approximation = (log_p - best).mean().item()
print(f"approximation gap: {approximation:.4f} nats a measurement")

# %% [markdown]
# Now encoders, trained on the same 500: a linear one, and networks of one hidden layer. Each
# is trained from several seeds. A sigmoid keeps $s$ below 1, the width of the prior.


# %%
def amortization(width, seed):
    torch.manual_seed(seed)
    if width:
        encoder = nn.Sequential(nn.Linear(2, width), nn.Tanh(), nn.Linear(width, 2))
    else:
        encoder = nn.Linear(2, 2)

    def value():
        m, h = encoder((seen - seen.mean(0)) / seen.std(0)).T
        return elbo(m, nn.functional.logsigmoid(h))

    final = climb(value, encoder.parameters(), encoder_steps, 0.03)
    return (best - final).mean().item()


for width, name in ((0, "linear"), (4, "4 units"), (32, "32 units")):
    gaps = [amortization(width, seed) for seed in range(seeds)]
    print(
        f"{name:8}: amortization gap {np.mean(gaps):.4f} ± {np.std(gaps, ddof=1):.4f}"
    )

# %% [markdown]
# (After $\pm$: the scatter of the seeds.) A larger encoder closes its own part of the gap and
# cannot touch the other: that needs a richer family of $q$.
#
# ## One natural step
#
# Gradient ascent on mean and $\log s$ takes many steps to the best $q$. For a normal
# posterior one step is enough, if it is taken in the right coordinates. A normal density is
# $\exp(\eta_1^\top z + z^\top \eta_2 z - \text{const})$ with the **natural parameters**
# $\eta_1 = \Lambda m$ and $\eta_2 = -\tfrac12 \Lambda$, where $\Lambda$ is its precision. Its
# **mean parameters** are $\mathbb E[z]$ and $\mathbb E[z z^\top]$. If $\log p(x, z)$ is a
# parabola in $z$ with coefficients $\eta^{\text{post}}$, then, written in the mean
# parameters,
#
# $$
# \mathrm{ELBO} = \eta_1^{\text{post}} \cdot \mathbb E[z] + \eta_2^{\text{post}} \cdot
# \mathbb E[z z^\top] + \text{entropy} + \text{const} .
# $$
#
# The gradient of the entropy in the mean parameters is $-\eta$, so the ELBO's is
# $\eta^{\text{post}} - \eta$. That is the **natural gradient**. A step of length 1 along it
# lands on the posterior, from wherever it starts. Automatic differentiation finds the
# gradient without being told this:

# %%
x = np.array([[2.3, 1.2, -0.7]])
A, offset = torch.from_numpy(W), torch.from_numpy(x[0] - model.b)


def elbo_of_means(first, second):
    """The ELBO of a normal q of E[z] (2,) and E[z z^T] (2, 2)."""
    cov = second - torch.outer(first, first)
    fit = offset @ offset - 2 * offset @ A @ first + (A.T @ A * second).sum()
    log_likelihood = -fit / (2 * 0.6**2) - 1.5 * math.log(2 * math.pi * 0.6**2)
    log_prior = -0.5 * second.trace() - math.log(2 * math.pi)
    entropy = 0.5 * torch.logdet(2 * math.pi * math.e * cov)
    return log_likelihood + log_prior + entropy


def natural_step(m, cov, length):
    first, second = m.clone(), cov + torch.outer(m, m)
    first.requires_grad_(), second.requires_grad_()
    value = elbo_of_means(first, second)
    slope_1, slope_2 = torch.autograd.grad(value, (first, second))
    precision = torch.linalg.inv(cov)
    eta_1 = precision @ m + length * slope_1
    precision = precision - 2 * length * slope_2
    cov = torch.linalg.inv((precision + precision.T) / 2)
    return cov @ eta_1, cov


# %% [markdown]
# One step, from three starts far apart:

# %% tags=["nbval-check-output"]
log_p_x = model.log_evidence(x)[0]


def gap(m, cov):
    return log_p_x - model.elbo(x, m.numpy()[None], cov.numpy())[0]


for place, width in ((0.0, 1.0), (5.0, 0.1), (-20.0, 9.0)):
    start = torch.full((2,), place), width * torch.eye(2)
    end = natural_step(*start, length=1.0)
    assert abs(gap(*end)) < 1e-8 * max(1, gap(*start))
    print(f"gap before {gap(*start):9.3f}, after one step {abs(gap(*end)):.6f}")

# %% [markdown]
# Steps of length 0.5 halve the distance in $\eta$ each time.

# %%
natural, (m, cov) = [], (torch.zeros(2), torch.eye(2))
for _ in range(13):
    natural.append(abs(gap(m, cov)))
    m, cov = natural_step(m, cov, length=0.5)

# %% [markdown]
# Plain gradient ascent on $m$ and $\log s$ knows correlations only if one gives it a
# triangular root of the covariance. We let it have one, and the largest step of a few that
# does not diverge.


# %%
def plain(rate, steps=200):
    m, root = torch.zeros(2), torch.eye(2)
    gaps = []
    for _ in range(steps + 1):
        gaps.append(abs(gap(m, root @ root.T)))
        m, root = m.requires_grad_(), root.requires_grad_()
        lower = root.tril()
        value = elbo_of_means(m, lower @ lower.T + torch.outer(m, m))
        slopes = torch.autograd.grad(value, (m, root))
        m, root = (
            a.detach() + rate * g for a, g in zip((m, root), slopes, strict=True)
        )
        if not math.isfinite(gaps[-1]) or gaps[-1] > 1e3:
            return None
    return gaps


tried = {rate: plain(rate) for rate in (0.01, 0.03, 0.1, 0.3)}
rate = max(rate for rate, gaps in tried.items() if gaps and gaps[-1] < gaps[0])

# %% [markdown]
# On a logarithmic axis a straight line is a constant factor a step:

# %%
plt.semilogy(np.maximum(natural, 1e-13), "o-", color="C1", markersize=7)
plt.semilogy(np.maximum(tried[rate], 1e-13), color="C0", linestyle="-")
plt.text(2, 1e-11, "natural gradient, steps of 0.5", color="C1")
plt.text(30, 1e-3, f"plain gradient, steps of {rate}", color="C0")
plt.gca().set(xlabel="steps", ylabel="gap (nats)", ylim=(1e-13, 30), xlim=(0, 120))
plt.show()

# %% [markdown]
# *Figure: the gap of the natural gradient falls as a steep straight line of dots; that of
# the plain gradient falls more slowly.*

# %% [markdown]
# ## The ceiling for any number of channels
#
# With $k$ amplitudes and $d$ channels the model's covariance $W W^\top + \sigma^2 I$ has $k$
# free eigenvalues, and $d - k$ that equal $\sigma^2$. Choose the directions as those of the
# data's covariance, with eigenvalues $\lambda_i$. Then the mean $\log p(x)$ is
#
# $$
# -\tfrac12 \Big[ d \log 2\pi + \sum_i \log c_i + \sum_i \frac{\lambda_i}{c_i} \Big],
# $$
#
# with $c_i$ the model's eigenvalues. A free one is best at $c_i = \lambda_i$. The tied ones
# minimize $(d - k) \log \sigma^2 + \sum \lambda_i/\sigma^2$, so $\sigma^2$ is the *mean* of
# theirs. Which should be tied? Try all choices: the best ties the smallest. This is the
# maximum likelihood of **probabilistic PCA** (Tipping and Bishop, 1999).

# %% tags=["nbval-check-output"]
mixing = np.random.default_rng(8).normal(size=(6, 2))
truth = LinearGaussian(mixing, np.linspace(-1, 1, 6), sigma=0.5)
measurements, _ = truth.sample(500, seed=9)
eigenvalues, _ = principal_axes(measurements)


def mean_log_p(free):
    """Mean log p(x) if the eigenvalues at these places are free, the others tied."""
    tied = np.delete(eigenvalues, free)
    log_det = np.log(eigenvalues[list(free)]).sum() + len(tied) * np.log(tied.mean())
    return -0.5 * (6 * math.log(2 * math.pi) + log_det + 6)


tries = {free: mean_log_p(free) for free in combinations(range(6), 2)}
best_free = max(tries, key=tries.get)
print("eigenvalues:", eigenvalues.round(3))
print(f"best of {len(tries)} choices: free {best_free}, {tries[best_free]:.6f} nats")

# %% tags=["proof"] jupyter={"source_hidden": true}
# @title Proof: the closed form, and a model that reaches it
fitted = LinearGaussian.fit(measurements, latent_dim=2)
assert best_free == (0, 1)
assert abs(tries[best_free] - ppca_log_evidence(eigenvalues, latent_dim=2)) < 1e-10
assert abs(fitted.log_evidence(measurements).mean() - tries[best_free]) < 1e-10
print("both to 1e-10")

# %% [markdown]
# That the directions must be those of the data needs one more step (von Neumann's trace
# inequality); the paper has it.
#
# ### Reached by gradient ascent
#
# A VAE whose encoder and decoder are linear has this model. It is trained on its ELBO, with a
# $q$ without correlations, and both parts of what is missing are known at each step:
#
# $$
# \underbrace{\text{ceiling} - \mathrm{ELBO}}_{\text{all}} =
# \underbrace{\text{ceiling} - \log p_\theta(x)}_{\text{the model}}
# + \underbrace{\mathrm{KL}\big(q_\phi(z \mid x) \,\|\, p_\theta(z \mid x)\big)}_{\text{the gap}} .
# $$


# %%
class LinearVAE(nn.Module):
    def __init__(self, d, k):
        super().__init__()
        self.encoder, self.decoder = nn.Linear(d, k), nn.Linear(k, d)
        self.logvar = nn.Parameter(torch.zeros(k))
        self.log_sigma = nn.Parameter(torch.zeros(()))

    def forward(self, x):
        """The ELBO, one value a measurement."""
        mu, var = self.encoder(x), self.logvar.exp()
        error = (x - self.decoder(mu)).square().sum(-1)
        error = error + (self.decoder.weight.square() * var).sum()
        log_scale = self.log_sigma + 0.5 * math.log(2 * math.pi)
        fit = error / (2 * torch.exp(2 * self.log_sigma))
        kl = 0.5 * (mu.square() + var - 1 - self.logvar).sum(-1)
        return -x.shape[-1] * log_scale - fit - kl

    def missing(self, x, ceiling):
        """Nats a measurement that the model lacks, and that q lacks."""
        W, b = (t.detach().numpy() for t in (self.decoder.weight, self.decoder.bias))
        learnt = LinearGaussian(W, b, self.log_sigma.exp().item())
        evidence = learnt.log_evidence(x.numpy()).mean()
        return ceiling - evidence, evidence - self(x).mean().item()


# %% [markdown]
# Adam, all 500 measurements at each step, from several seeds. The rate falls to zero along a
# cosine.


# %%
def trained(seed):
    """What the model and q lack, every 10 steps: (2, records)."""
    torch.manual_seed(seed)
    vae, record = LinearVAE(6, 2), []
    adam = torch.optim.Adam(vae.parameters(), lr=0.02, maximize=True)
    steps = 2 * encoder_steps
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(adam, steps)
    for step in range(steps + 1):
        if step % 10 == 0:
            record.append(vae.missing(rows, tries[best_free]))
        adam.zero_grad()
        vae(rows).mean().backward()
        adam.step()
        schedule.step()
    return np.array(record).T


rows = torch.from_numpy(measurements)
runs = [trained(seed) for seed in range(seeds)]
for seed, (model_lacks, q_lacks) in enumerate(runs):
    print(f"seed {seed}: the model lacks {model_lacks[-1]:.4f} nats, ", end="")
    print(f"q {abs(q_lacks[-1]):.4f}")

# %% [markdown]
# Both parts go to zero from each seed, the gap too: the model turns its amplitudes until the
# posterior has no correlations. The first run as a picture:

# %%
at_step = 10 * np.arange(runs[0].shape[1])
plt.semilogy(at_step, runs[0][0], color="C0", linestyle="-", linewidth=6, alpha=0.4)
plt.semilogy(at_step, runs[0][1], "k--")
plt.text(0.3 * at_step[-1], 2, "ceiling − log p(x), the model", color="C0")
plt.text(0.3 * at_step[-1], 0.4, "KL(q ‖ posterior), the gap")
plt.gca().set(xlabel="steps of Adam", ylabel="nats a measurement", ylim=(1e-6, 30))
plt.show()

# %% [markdown]
# *Figure: two curves against steps on a logarithmic axis. Both linger below a tenth of a
# nat, and then fall by orders of magnitude.*

# %% [markdown]
# On digits no ceiling is known. That is why it is worth having seen one reached.
#
# ## References
#
# - M. E. Tipping and C. M. Bishop, *Probabilistic Principal Component Analysis*, Journal of
#   the Royal Statistical Society B 61, 1999.
# - J. Lucas, G. Tucker, R. Grosse and M. Norouzi, *Don't Blame the ELBO! A Linear VAE
#   Perspective on Posterior Collapse*, 2019,
#   [arXiv:1911.02469](https://arxiv.org/abs/1911.02469).
# - C. Cremer, X. Li and D. Duvenaud, *Inference Suboptimality in Variational
#   Autoencoders*, 2018, [arXiv:1801.03558](https://arxiv.org/abs/1801.03558).
