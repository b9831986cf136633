# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown] slideshow={"slide_type": "slide"}
# # 2 · The reparameterization trick: what it is and what it buys
#
# Open in [Colab](https://colab.research.google.com/github/generative-models/executed/blob/v0.2.0/notebooks/02_reparameterization.ipynb) or on [Binder](https://mybinder.org/v2/gh/generative-models/executed/v0.2.0?urlpath=lab/tree/notebooks/02_reparameterization.ipynb).

# %% [markdown]
# ## You will be able to
#
# - say when a gradient may be moved inside an expectation, and compute what is lost when
#   it may not;
# - derive two estimators of that gradient, the score function and the pathwise one, and
#   say what each must know of $f$ and of $q$;
# - predict which of the two is noisier, and name a case where the famous one loses;
# - recognize a broken graph, also the kind that gives no error at all.

# %% [markdown] slideshow={"slide_type": "skip"}
# ## Before you start
#
# Helpful: lesson 1, which derives the evidence lower bound (ELBO). What is needed of it
# is repeated here. On two CPU cores this lesson runs in about a minute. No download is
# needed.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The question
#
# A variational autoencoder is trained by climbing the gradient of an average over random
# latent vectors $z$. Some of the parameters are not in the thing that is averaged. They
# are in the dice. *How does a gradient pass through a random number?*

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

# %% [markdown] slideshow={"slide_type": "skip"}
# ## Set-up
#
# NumPy for most of the lesson, because most of it is about numbers and not networks.
# PyTorch where gradients should be automatic.

# %% slideshow={"slide_type": "skip"}
import math

import matplotlib.pyplot as plt
import numpy as np
import torch
import torch.nn.functional as F
from scipy import stats
from torch import Tensor, nn
from torch.distributions import Normal

from course_utils.budget import budget
from course_utils.data.mnist import binarize, load_mnist
from course_utils.exact.estimators import gradient_variances, sine_gradient_variances
from course_utils.exact.linear_gaussian import LinearGaussian
from course_utils.figures.style import COLOURS, mosaic, use_course_style
from course_utils.pytorch.likelihoods import bernoulli_log_likelihood
from course_utils.pytorch.networks import MLPDecoder, MLPEncoder
from course_utils.pytorch.vae import kl_to_standard_normal
from course_utils.widgets.reparameterization import reparameterization_explorer

use_course_style()

# %% [markdown] slideshow={"slide_type": "skip"}
# All sizes of the lesson stand in one cell. The environment variable `COURSE_BUDGET`
# picks a column; what you see saved here is the `lecture` column.

# %% slideshow={"slide_type": "skip"}
draws = budget(smoke=100_000, lecture=1_000_000, full=4_000_000)
steps = budget(smoke=100, lecture=2_000, full=8_000)
tuning_steps = budget(smoke=20, lecture=500, full=2_000)
seeds = budget(smoke=2, lecture=5, full=20)
repeats = budget(smoke=20, lecture=2_000, full=10_000)


# %% [markdown]
# Wherever we estimate by sampling, we need to know how far off a correct estimate may
# be. The mean of $N$ draws has a standard error of (standard deviation)$/\sqrt N$. Five of
# them is our limit: chance alone exceeds it once in 1.7 million.


# %%
def agrees(samples, truth):
    mean, error = samples.mean(0), samples.std(0) / len(samples) ** 0.5
    return bool(np.all(np.abs(mean - truth) <= 5 * error))


# %% [markdown] slideshow={"slide_type": "slide"}
# ## Two gradients, and only one of them is easy
#
# The ELBO of one observation $x$ is
#
# $$
# \mathrm{ELBO} = \mathbb E_{z \sim q_\phi(z \mid x)}\!\left[\log p_\theta(x \mid z)\right]
# - \mathrm{KL}\!\left(q_\phi(z \mid x) \,\|\, p(z)\right).
# $$
#
# Here $p(z) = \mathcal N(0, I)$ is the prior of $z$; $p_\theta(x \mid z)$ is the
# likelihood, with the decoder's parameters $\theta$; and $q_\phi(z \mid x)$ is the
# approximate posterior, with the encoder's parameters $\phi$. Logarithms are natural, so
# all of this is counted in **nats**. For a $q$ with mean $\mu$ and variances $\sigma_j^2$
# the KL has a closed form, and so have its slopes:
#
# $$
# \mathrm{KL} = \tfrac12 \sum_j \left(\mu_j^2 + \sigma_j^2 - 1 - \log\sigma_j^2\right),
# \qquad
# \frac{\partial\,\mathrm{KL}}{\partial \mu_j} = \mu_j,
# \qquad
# \frac{\partial\,\mathrm{KL}}{\partial \log\sigma_j^2} = \tfrac12 (\sigma_j^2 - 1) .
# $$
#
# The expectation has none, so we sample it. We want its slope in $\theta$ and in $\phi$.

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### The easy one: theta
#
# An expectation is an integral over $z$. The weight $q_\phi$ does not contain $\theta$,
# so the derivative goes straight through to the integrand:
#
# $$
# \nabla_\theta \int q_\phi(z \mid x) \log p_\theta(x \mid z) \, dz
# = \int q_\phi(z \mid x) \, \nabla_\theta \log p_\theta(x \mid z) \, dz
# = \mathbb E_{q_\phi}\!\left[\nabla_\theta \log p_\theta(x \mid z)\right].
# $$
#
# (The integrand may have kinks in $\theta$ but no jumps, and its slope must be dominated by
# something integrable. ReLU networks under a Gaussian pass: they have a slope almost
# everywhere.) The right-hand side is an average over $q$ again, so one sample of $z$ gives
# an unbiased estimate.
#
# Let us see it happen. Take one number $x$ with $p_\theta(x \mid z) = \mathcal N(w z, 1)$,
# so that $\theta = w$, and $q = \mathcal N(\mu, \sigma^2)$. Then
#
# $$
# \mathbb E_q[\log p(x \mid z)] = -\tfrac12 (x - w\mu)^2 - \tfrac12 w^2\sigma^2
# - \tfrac12 \log 2\pi,
# \qquad
# \frac{\partial}{\partial w} = (x - w\mu)\,\mu - w\,\sigma^2 .
# $$

# %% tags=["nbval-check-output"] slideshow={"slide_type": "subslide"}
x, w, mu, sigma = 1.0, 0.8, 1.5, 1.0


def exact_reconstruction(w):
    linear = LinearGaussian([[w]], [0.0], 1.0)
    return linear.reconstruction([[x]], [[mu]], [[sigma**2]]).item()


formula = -((x - w * mu) ** 2 + (w * sigma) ** 2 + math.log(2 * math.pi)) / 2
assert math.isclose(exact_reconstruction(w), formula, rel_tol=1e-12)
theta_slope = (x - w * mu) * mu - w * sigma**2
# a parabola in w: its central difference is exact, whatever the step
difference = (exact_reconstruction(w + 1) - exact_reconstruction(w - 1)) / 2
assert math.isclose(theta_slope, difference, rel_tol=1e-12)
print(f"exact slope in w: {theta_slope:.3f} nats per unit of w")

# %% [markdown] slideshow={"slide_type": "subslide"}
# Now by sampling. The points $z$ are drawn once and held; only the integrand is
# differentiated.

# %%
rng = np.random.default_rng(0)
z = mu + sigma * rng.standard_normal(draws)
w_variable = torch.tensor(w, dtype=torch.float64, requires_grad=True)
Normal(w_variable * torch.from_numpy(z), 1.0).log_prob(
    torch.tensor(x)
).mean().backward()
print(f"moved inside: {w_variable.grad:.3f}, exact: {theta_slope:.3f}")
one_by_one = (x - w * z) * z  # the slope of log p(x|z) for each z
assert math.isclose(one_by_one.mean(), w_variable.grad, rel_tol=1e-6)
assert agrees(one_by_one, theta_slope)

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### The other one: phi
#
# For $\phi$ the weight itself depends on the parameter, and the product rule gives two
# terms. Write $f_\phi(z)$ for whatever is averaged:
#
# $$
# \nabla_\phi \int q_\phi(z) f_\phi(z)\, dz
# = \underbrace{\int q_\phi(z) \, \nabla_\phi f_\phi(z)\, dz}_{\text{kept, if we move the gradient inside}}
# + \underbrace{\int f_\phi(z) \, \nabla_\phi q_\phi(z)\, dz}_{\text{lost}} .
# $$
#
# > **The lecture** (M. Hjorth-Jensen, Oslo 2024, week 14) says at this point that the
# > gradient may be taken inside the expectations, and that one may then sample $z$ from
# > $q$ and differentiate what is left. For $\theta$ that is right, as we have just seen.
# > For $\phi$ it drops the second term. The text does notice that the expectation depends
# > on $q$'s parameters too, and a few lines on it draws $z$ in another way. But it does not
# > take the sentence back, and does not give the remedy its name.
#
# How much is lost? The smallest example there is: $f(z) = z^2$ under
# $q = \mathcal N(\mu, \sigma^2)$. The mean of $z^2$ is $\mu^2 + \sigma^2$, so its slope in
# $\mu$ is $2\mu$.
#
# **Predict before you run.** With $\mu = 1.5$ the slope is 3. What does $z^2$ give, with
# each $z$ held fixed?

# %% tags=["nbval-check-output"] slideshow={"slide_type": "slide"}
# 4801 points of a uniform grid: for smooth bells the plain sum is exact to rounding
grid = np.linspace(-12, 12, 4801)
dz = grid[1] - grid[0]
q = stats.norm.pdf(grid, mu, sigma)
dq_dmu = q * (grid - mu) / sigma**2  # the slope of the bell in mu, at fixed z


def both_terms(f, df_dmu):
    return np.array([(q * df_dmu).sum() * dz, (f * dq_dmu).sum() * dz])


kept, lost = both_terms(grid**2, df_dmu=0 * grid)
assert kept == 0
assert math.isclose(lost, 2 * mu, rel_tol=1e-12)
print(f"E[z^2]: kept {kept:.3f} + lost {lost:.3f} = {2 * mu:.3f}")

# %% [markdown] slideshow={"slide_type": "subslide"}
# It gives nothing. A fixed $z$ does not move when $\mu$ does, so $z^2$ does not change:
# the gradient is 0, not 3. *All* of it sits in the lost term.
#
# The same for a whole ELBO. Written with a sampled KL, the averaged quantity is
# $f_\phi(z) = \log p(x, z) - \log q_\phi(z)$. It does contain $\phi$. Does that save us?

# %% tags=["nbval-check-output"]
toy = LinearGaussian([[w]], [0.0], 1.0)
log_joint = toy.log_joint(np.full((len(grid), 1), x), grid[:, None])
elbo_integrand = log_joint - stats.norm.logpdf(grid, mu, sigma)
kept, lost = both_terms(elbo_integrand, df_dmu=-(grid - mu) / sigma**2)


def exact_elbo(mu):
    return toy.elbo([[x]], [[mu]], [[sigma**2]]).item()


phi_slope = (exact_elbo(mu + 1) - exact_elbo(mu - 1)) / 2  # a parabola in mu, again
assert abs(kept) < 1e-12  # and z in its format: a zero without a sign
assert math.isclose(kept + lost, phi_slope, rel_tol=1e-10)
print(f"ELBO: kept {kept:z.3f} + lost {lost:.3f} = {phi_slope:.3f} nats per unit")

# %% [markdown] slideshow={"slide_type": "subslide"}
# No. The part that contains $\phi$ is $-\log q_\phi$, and the mean of
# $\nabla_\phi \log q_\phi$ is zero for every density (we show why below). So the kept
# term is zero, and an encoder that was trained by it would not learn anything. With the
# KL in *closed form* instead of sampled, the kept term is the KL's own slope: such an
# encoder does learn, but from the KL alone. We shall meet one.
#
# We need the lost term. There are two ways to get at it by sampling.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## First way: the score function
#
# The trouble with $\int f \, \nabla q \, dz$ is that it is not an average over $q$.
# Multiply and divide by $q$. Since $\nabla_\phi q_\phi / q_\phi = \nabla_\phi \log q_\phi$,
#
# $$
# \int f(z) \, \nabla_\phi q_\phi(z) \, dz
# = \int q_\phi(z) \, f(z) \, \nabla_\phi \log q_\phi(z) \, dz
# = \mathbb E_{q_\phi}\!\left[f(z) \, \nabla_\phi \log q_\phi(z)\right].
# $$
#
# $\nabla_\phi \log q_\phi$ is called the **score**; reinforcement learning knows the
# estimator as REINFORCE. In words: try some $z$, and make those likelier that did well.
# The function $f$ is only ever *evaluated*. It may have jumps; it may be a laboratory.
#
# For a Gaussian, with $\epsilon = (z - \mu)/\sigma$,
#
# $$
# \frac{\partial \log q}{\partial \mu} = \frac{\epsilon}{\sigma}, \qquad
# \frac{\partial \log q}{\partial \sigma} = \frac{\epsilon^2 - 1}{\sigma}.
# $$

# %% slideshow={"slide_type": "subslide"}
epsilon = rng.standard_normal(draws)
z = mu + sigma * epsilon
score_mu, score_sigma = epsilon / sigma, (epsilon**2 - 1) / sigma

location = torch.tensor([mu, sigma], dtype=torch.float64, requires_grad=True)
Normal(*location).log_prob(torch.tensor(z[0])).backward()  # PyTorch's opinion
assert np.allclose(location.grad, [score_mu[0], score_sigma[0]])

for name, score, truth in [("mu", score_mu, 2 * mu), ("sigma", score_sigma, 2 * sigma)]:
    estimates = z**2 * score
    assert agrees(estimates, truth)
    print(f"slope of E[z^2] in {name}: {estimates.mean():.3f}, exact {truth:.3f}")

# %% [markdown] slideshow={"slide_type": "subslide"}
# The estimator is right. How good it is we shall see. One improvement is free.
#
# ### A baseline costs nothing
#
# Every density has area 1, whatever $\phi$ is. Therefore
#
# $$
# \mathbb E_{q_\phi}[\nabla_\phi \log q_\phi] = \int \nabla_\phi q_\phi \, dz
# = \nabla_\phi \int q_\phi \, dz = \nabla_\phi 1 = 0 ,
# $$
#
# and so $f$ may be replaced by $f - c$ with any constant $c$, called a **baseline**,
# without changing the mean. The variance does change. With $s$ for the score it is a
# parabola in $c$,
#
# $$
# \mathrm{Var}[(f - c)\,s] = \mathbb E[f^2 s^2] - 2c\,\mathbb E[f s^2]
# + c^2\,\mathbb E[s^2] - \mathbb E[f s]^2 ,
# \qquad
# c^* = \frac{\mathbb E[f s^2]}{\mathbb E[s^2]} .
# $$
#
# For $f = z^2$ and the slope in $\mu$, the lowest point is at
# $c^* = \mu^2 + 3\sigma^2$: not the mean of $f$, but a mean that is weighted by $s^2$.

# %% tags=["nbval-check-output"] slideshow={"slide_type": "subslide"}
score_at = (grid - mu) / sigma**2
square = grid**2


def under_q(values):
    return (q * values).sum() * dz


assert abs(under_q(score_at)) < 1e-12
best = under_q(square * score_at**2) / under_q(score_at**2)
assert math.isclose(best, mu**2 + 3 * sigma**2, rel_tol=1e-12)
closed = gradient_variances(mu, sigma)
for name, c in [("none", 0.0), ("E[f]", under_q(square)), ("best", best)]:
    estimate = (square - c) * score_at
    variance = under_q(estimate**2) - under_q(estimate) ** 2
    parabola = closed.score_function_baseline + (c - best) ** 2 * under_q(score_at**2)
    assert math.isclose(variance, parabola, rel_tol=1e-10)
    print(f"baseline {name:5} c = {c:.2f}: variance {variance:.2f}")


# %% [markdown] slideshow={"slide_type": "slide"}
# ## Second way: the path
#
# The dice depend on $\phi$. So take the parameter out of the dice. A Gaussian number
# with mean $\mu$ and standard deviation $\sigma$ can be made from one that knows of
# neither:
#
# $$
# \epsilon \sim \mathcal N(0, I), \qquad z = \mu + \sigma \epsilon ,
# \qquad
# \mathbb E_{z \sim q_\phi}[f(z)]
# = \mathbb E_{\epsilon \sim \mathcal N(0, I)}\!\left[f(\mu + \sigma\epsilon)\right].
# $$
#
# Nothing has been approximated; the integral has new coordinates. But look where $\phi$
# is now: in the integrand, and nowhere else. That is the situation of $\theta$, where
# the gradient *may* be moved inside. The chain rule does the rest:
#
# $$
# \frac{\partial}{\partial \mu} \mathbb E_q[f(z)] = \mathbb E_\epsilon[f'(z)],
# \qquad
# \frac{\partial}{\partial \sigma} \mathbb E_q[f(z)] = \mathbb E_\epsilon[f'(z)\,\epsilon].
# $$
#
# This is the **reparameterization trick**, and the estimator is called **pathwise**: each
# sample has a path $z(\mu, \sigma)$ along which it moves when the parameters do.
#
# In the course, encoders give $\log \sigma^2$, so the whole trick is one line. Cells
# like this one, which define something for the first time, are compared with the course
# package in its tests. What you read is what later lessons import.


# %% tags=["mirrors"]
def reparameterize(mu: Tensor, logvar: Tensor, epsilon: Tensor) -> Tensor:
    return mu + torch.exp(0.5 * logvar) * epsilon


# %% [markdown] slideshow={"slide_type": "subslide"}
# PyTorch finds the path by itself. The slope in $\log\sigma^2$ is $\sigma/2$ times that
# in $\sigma$: for $\mu^2 + \sigma^2$ it is $\sigma^2$.

# %%
mu_variable = torch.tensor(mu, dtype=torch.float64, requires_grad=True)
logvar = torch.tensor(2 * math.log(sigma), dtype=torch.float64, requires_grad=True)
epsilon = rng.standard_normal(draws)
z = reparameterize(mu_variable, logvar, torch.from_numpy(epsilon))
z.square().mean().backward()

by_hand = 2 * z.detach().numpy()  # f'(z)
in_logvar = by_hand * epsilon * sigma / 2
assert math.isclose(mu_variable.grad, by_hand.mean(), rel_tol=1e-9)
assert math.isclose(logvar.grad, in_logvar.mean(), rel_tol=1e-9)
assert agrees(by_hand, 2 * mu)
assert agrees(in_logvar, sigma**2)
print(f"slope of E[z^2] in mu: {mu_variable.grad:.3f}, exact {2 * mu:.3f}")
print(f"slope of E[z^2] in logvar: {logvar.grad:.3f}, exact {sigma**2:.3f}")

# %% [markdown]
# Drag the sliders and watch single samples. The noise never changes; the samples slide
# and spread with $\mu$ and $\sigma$, and each carries its own slope.

# %% slideshow={"slide_type": "subslide"}
reparameterization_explorer()

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: eleven samples on the parabola $f(z) = z^2$. From each a horizontal arrow
# shows $f'(z)$, at a fifth of its length. Below, eleven fixed marks $\epsilon$ are
# joined to the samples $z = \mu + \sigma\epsilon$ which they became. The title compares
# the mean arrow, and the mean of arrow times $\epsilon$, with the exact slopes in $\mu$
# and in $\sigma$. The marks are quantiles of the normal and not random: symmetric, so
# that the first mean is met; without the tails, so that the second falls short by a
# ninth.*

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### Two estimators, one integral
#
# Why do they agree? Moving the bell to the right is the same as looking at it from
# further left: $\partial q/\partial\mu = -\partial q/\partial z$. Then integrate by
# parts. (The boundary terms vanish, as $q$ falls faster than $f$ grows.)
#
# $$
# \underbrace{\int f \, \frac{\partial q}{\partial \mu} \, dz}_{\text{score function}}
# = -\int f \, \frac{\partial q}{\partial z} \, dz
# = \underbrace{\int f'(z) \, q \, dz}_{\text{pathwise}} .
# $$

# %% tags=["nbval-check-output"]
examples = {
    "z^2": (square, 2 * grid),
    "sin z": (np.sin(grid), np.cos(grid)),
    "tanh z": (np.tanh(grid), 1 / np.cosh(grid) ** 2),
}
for name, (f, slope) in examples.items():
    by_score, by_path = under_q(f * score_at), under_q(slope)
    assert math.isclose(by_score, by_path, rel_tol=1e-10)
    print(f"{name:7} score function {by_score:.4f}   pathwise {by_path:.4f}")

# %% [markdown]
# The derivative has been passed from $q$ to $f$. That is the whole difference: one
# estimator wants values of $f$ and the score of $q$, the other slopes of $f$ and a smooth
# map from fixed noise to $z$.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Which distributions have a path?
#
# **Location and scale.** Whatever the shape of the noise, $z = \mu + \sigma\epsilon$ has
# a path. The mean of $z^2$ is $\mu^2 + \sigma^2\,\mathrm{Var}(\epsilon)$ if $\epsilon$
# has mean zero, so its slope in $\sigma$ is $2\sigma\,\mathrm{Var}(\epsilon)$.

# %%
lines = []
for noise in (stats.norm(), stats.laplace(), stats.logistic()):
    epsilon = noise.rvs(size=draws, random_state=rng)
    estimates = 2 * (mu + sigma * epsilon) * epsilon
    truth = 2 * sigma * noise.var()
    assert agrees(estimates, truth)
    name = noise.dist.name
    lines.append(f"{name:9} slope in sigma {estimates.mean():.3f}, exact {truth:.3f}")
print("\n".join(lines))

# %% [markdown] slideshow={"slide_type": "subslide"}
# More generally, any $q$ on the line with an invertible distribution function $F_\phi$
# has the path $z = F_\phi^{-1}(u)$, $u$ uniform. An exponential decay with rate
# $\lambda$, for instance, is $z = -\log(u)/\lambda$: its mean is $1/\lambda$, with
# slope $-1/\lambda^2$.

# %%
rate = 2.0
waiting = rng.exponential(size=draws)  # -log(u)
assert agrees(waiting / rate, 1 / rate)
estimates = -waiting / rate**2  # the slope of each path in the rate
assert agrees(estimates, -1 / rate**2)
print(f"exponential: slope in lambda {estimates.mean():.4f}, exact {-1 / rate**2:.4f}")

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### Full covariance
#
# Latent dimensions need not be independent. For a Gaussian with covariance $\Sigma$, a
# vector $\mu$ and *any* matrix $L$ with $L L^\top = \Sigma$,
#
# $$
# z = \mu + L\,\epsilon, \qquad
# \mathbb E\!\left[(z - \mu)(z - \mu)^\top\right] = L\, I\, L^\top = \Sigma .
# $$
#
# The cheap choice is the Cholesky factor, lower triangular with a positive diagonal. A
# network may put out its entries one by one, and $\Sigma$ is a covariance by
# construction.
#
# To check the gradient we need an $f$ with a closed form. A quadratic one has it:
#
# $$
# f(z) = z^\top A z, \qquad
# \mathbb E[f(z)] = \mu^\top A \mu + \mathrm{tr}(A L L^\top), \qquad
# \nabla_L\, \mathbb E[f(z)] = (A + A^\top) L \;\text{ (lower triangle)}.
# $$

# %% slideshow={"slide_type": "subslide"}
mean3 = torch.tensor([1.0, -0.5, 0.2], dtype=torch.float64)
A = torch.tensor([[1.0, 0.5, 0.0], [0.0, 2.0, -0.3], [0.4, 0.0, 0.5]]).double()
L = torch.tensor([[1.0, 0.0, 0.0], [0.8, 0.6, 0.0], [-0.3, 0.5, 0.9]]).double()
L.requires_grad_()

epsilon = torch.from_numpy(rng.standard_normal((draws, 3)))
z = mean3 + epsilon @ L.T
((z @ A) * z).sum(1).mean().backward()
closed_form = torch.tril((A + A.T) @ L).detach()
print("sampled gradient\n", torch.tril(L.grad).numpy().round(2))
print("closed form\n", closed_form.numpy().round(2))

# %% [markdown] slideshow={"slide_type": "subslide"}
# Close, but how close should it be? For one sample the gradient in $L$ is the matrix
# $(A + A^\top)\, z\, \epsilon^\top$. Its spread gives each entry's standard error.

# %%
with torch.no_grad():
    one_by_one = (z @ (A + A.T))[:, :, None] * epsilon[:, None, :]
assert torch.allclose(L.grad, one_by_one.mean(0), rtol=1e-9)
assert agrees(one_by_one.tril().numpy(), closed_form.numpy())
del one_by_one, z, epsilon

# %% [markdown]
# > **The lecture** gives this formula with a star, $\mu(X) + \Sigma^{1/2}(X) * \epsilon$.
# > Read as NumPy reads it, entry by entry, it holds only where $\Sigma$ is diagonal and
# > its diagonal kept as a vector. A full $\Sigma$ wants the matrix product. In the same
# > line the letter $D$ is twice in use: for the data set under the expectation sign, and,
# > in script, for the divergence. Here KL is always written KL.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## `rsample`, `sample`, and broken graphs
#
# PyTorch's distributions have both kinds of dice. `rsample()` (r for reparameterized)
# returns $\mu + \sigma\epsilon$ with the path attached. `sample()` returns the same
# numbers without it: the point $z$ held fixed.
#
# **Predict before you run.** What will `backward` do with each?

# %% tags=["nbval-check-output"]
for draw in ("rsample", "sample"):
    mu_variable = torch.tensor(1.5, requires_grad=True)
    torch.manual_seed(0)
    z = getattr(Normal(mu_variable, 1.0), draw)()
    try:
        (z**2).backward()
    except RuntimeError as error:
        print(f"{draw}: {str(error).split(' and')[0]}")
    gradient = mu_variable.grad
    print(
        f"{draw}: gradient {gradient if gradient is None else round(gradient.item(), 3)}"
    )
assert gradient is None


# %% [markdown] slideshow={"slide_type": "subslide"}
# The 6.082 is $2z$ of a single draw; only its mean is 3. `None` and an error: that is
# the *kind* way to break a graph, because it is noticed.
#
# The unkind way makes no noise. In a VAE the KL has its own connection to $\phi$. If the
# path through $z$ is cut, `backward` still runs, every parameter gets a gradient, and it
# is wrong. Let us take $x = 2$ with $p(x \mid z) = \mathcal N(z, 1)$, where `exact` knows
# the right answer.


# %%
def elbo_gradient(make_z, x=2.0, n=10_000):
    torch.manual_seed(0)
    mu = torch.tensor(0.5, requires_grad=True)
    logvar = torch.tensor(-0.4, requires_grad=True)
    z = make_z(mu, logvar, torch.randn(n))
    reconstruction = Normal(z, 1.0).log_prob(torch.tensor(x)).mean()
    kl = kl_to_standard_normal(mu[None], logvar[None])
    (reconstruction - kl).backward()
    return mu.grad.item(), logvar.grad.item()


# %% [markdown]
# Two ways to cut the path: all of it, by `detach()` (which is what `sample()` does), and
# half of it, by turning $\sigma$ into a plain number with `.item()`.

# %% tags=["nbval-check-output"] slideshow={"slide_type": "subslide"}
unit = LinearGaussian([[1.0]], [0.0], 1.0)


def unit_elbo(mu, logvar):
    return unit.elbo([[2.0]], [[mu]], [[math.exp(logvar)]]).item()


h = 1e-5  # the difference is off by about h^2 and by rounding over h: 1e-10
truth = (
    (unit_elbo(0.5 + h, -0.4) - unit_elbo(0.5 - h, -0.4)) / (2 * h),
    (unit_elbo(0.5, -0.4 + h) - unit_elbo(0.5, -0.4 - h)) / (2 * h),
)
whole = elbo_gradient(reparameterize)
none = elbo_gradient(lambda mu, logvar, e: reparameterize(mu, logvar, e).detach())
half = elbo_gradient(lambda mu, logvar, e: mu + math.exp(logvar.item() / 2) * e)
for name, values in zip(
    ("exact", "whole path", "no path", "half a path"), (truth, whole, none, half)
):
    print("{:12} slope in mu {:5.2f}, in logvar {:5.2f}".format(name, *values))
# the variances of one draw's slopes: v and v (1.5^2 + 2v)/4, see exercise 2
v = math.exp(-0.4)
errors = np.sqrt([v / 10_000, v * (1.5**2 + 2 * v) / 4 / 10_000])
assert np.all(np.abs(np.subtract(whole, truth)) < 5 * errors)


# %% [markdown] slideshow={"slide_type": "subslide"}
# Without the path the slope in $\mu$ is $-0.5$: the KL alone, which pulls towards the
# prior, while the truth pulls towards the data. With half a path the mean learns, and the
# width hears the KL alone: from $\sigma^2 = 0.67$ it grows towards the prior's 1, where the
# truth wants the posterior's $\tfrac12$. No error, no warning. Two habits help: compare one
# gradient with a finite difference, and look at *both* terms of the ELBO while you train.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Which one is noisier?
#
# Both estimators are right on average. We pay for the noise around the average, in
# samples or in time. For the slope of $\mathbb E[z^2]$ in $\mu$ the variances of one
# sample are known:
#
# $$
# \underbrace{4\sigma^2}_{\text{pathwise}}, \qquad
# \underbrace{\frac{\mu^4}{\sigma^2} + 14\mu^2 + 15\sigma^2}_{\text{score function}}, \qquad
# \underbrace{8\mu^2 + 6\sigma^2}_{\text{with the best baseline}} .
# $$
#
# They follow from the moments 1, 3, 15 of $\epsilon^2, \epsilon^4, \epsilon^6$
# (exercise 2). Here are the three estimators, of any $f$, for given noise.


# %%
def three_estimates(f, slope, mu, sigma, baseline, epsilon):
    z = mu + sigma * epsilon
    score = epsilon / sigma
    return np.stack([slope(z), f(z) * score, (f(z) - baseline) * score])


def square_estimates(mu, epsilon):
    return three_estimates(np.square, lambda z: 2 * z, mu, 1.0, mu**2 + 3, epsilon)


# %% [markdown] slideshow={"slide_type": "subslide"}
# First the formulas, by quadrature over $\epsilon$; then the same by sampling. A measured
# variance is a mean of $N$ squared deviations, and each of these has variance
# $m_4 - \mathrm{Var}^2$, with $m_4$ the fourth central moment: that says how far off a
# measurement may be.

# %%
weights = stats.norm.pdf(grid) * dz


def moments(estimates):
    """Of one estimate: its variance, and the sd of that as measured with our draws."""
    centred = estimates - (estimates @ weights)[:, None]
    variance = centred**2 @ weights
    return variance, np.sqrt((centred**4 @ weights - variance**2) / draws)


mus = np.linspace(0, 4, 9)
measured = np.empty((9, 3))
for at, m in enumerate(mus):
    variance, sd = moments(square_estimates(m, grid))
    assert np.allclose(variance, gradient_variances(m, 1.0), rtol=1e-9)
    measured[at] = square_estimates(m, rng.standard_normal(draws)).var(1)
    assert np.all(np.abs(measured[at] - variance) < 5 * sd)
print(f"{measured.size} measured variances agree, within five standard deviations")


# %% [markdown] slideshow={"slide_type": "subslide"}
# All of it in one picture, of a kind that we shall want twice.


# %%
def draw_variances(x, lines, x_measured, measured):
    handles = []
    for line, values, marker in zip(lines, measured.T, "osD"):
        (curve,) = plt.plot(x, line)
        colour = curve.get_color()
        (dots,) = plt.plot(x_measured, values, marker, color=colour, markersize=9)
        handles.append((curve, dots))
        end = {"xytext": (10, 0), "textcoords": "offset points", "va": "center"}
        plt.annotate(f"{line[-1]:.3g}", (x[-1], line[-1]), color=colour, **end)
    names = ["pathwise", "score function", "with the best baseline"]
    plt.legend(handles, names[: len(handles)], handlelength=4)
    plt.yscale("log")
    plt.gca().yaxis.set_major_formatter("{x:g}")
    plt.ylabel("variance of one estimate")


# %% [markdown]
# The axis is logarithmic, or the lowest line could not be seen beside the highest.

# %% slideshow={"slide_type": "subslide"}
fine = np.linspace(0, 4, 200)
draw_variances(fine, gradient_variances(fine, 1.0), mus, measured)
plt.xlim(-0.2, 4.4)
plt.xlabel("$\\mu$, mean of $q$ (no units; $\\sigma = 1$)")
plt.title("Slope of $\\mathrm{E}[z^2]$ in $\\mu$: lines exact, symbols measured")
plt.show()

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: variance on a logarithmic axis against the mean of q from 0 to 4. The pathwise
# estimator is a flat line at 4. The score function starts at 15 and climbs to 495; with
# the best baseline it starts at 6 and climbs to 134. Measured symbols sit on all three
# lines; their errors, of one per cent or less, are smaller than the symbols.*

# %% [markdown] slideshow={"slide_type": "subslide"}
# Why does the score function climb? It sees the *value* of $f$, and has to find the slope
# by comparing. Away from zero the value is large everywhere, $\mu^2$ and more, and that
# is multiplied by a random sign. A baseline takes out the constant part, and the climb
# turns from $\mu^4$ into $\mu^2$. The path asks for the slope and is told.
#
# ### And in more dimensions?
#
# Let $z$ have $d$ independent components with $\mu = 0$, $\sigma = 1$, and
# $f(z) = \sum_j z_j^2$. We want the slope in $\mu_1$ alone. The path looks at
# $2 z_1$ only. The score multiplies *all* of $f$ by $\epsilon_1$. Its variance is
# $(d + 2)(d + 4)$; with the best baseline, $c^* = d + 2$, it is $2(d + 2)$.

# %% slideshow={"slide_type": "subslide"}
lines = [" d     pathwise  score function  with baseline   (in brackets: exact)"]
for d in (1, 2, 4, 8, 16):
    first = rng.standard_normal(draws)
    others = rng.chisquare(d - 1, draws) if d > 1 else 0.0  # the sum of d - 1 squares
    f = first**2 + others
    estimates = np.stack([2 * first, f * first, (f - (d + 2)) * first])
    truth = np.array([4, (d + 2) * (d + 4), 2 * (d + 2)])
    assert agrees((estimates**2).T, truth)  # means are 0: a variance is a mean square
    pairs = zip(estimates.var(1), truth)
    row = [f"{f'{value:.2f} ({formula})':>14}" for value, formula in pairs]
    lines.append(f"{d:2} " + " ".join(row))
print("\n".join(lines))


# %% [markdown]
# (Exercise 2 derives these numbers too.) That is the argument for VAEs. With 16 latent
# dimensions the score function needs about ninety times as many samples as the path for
# the same accuracy, and still nine times as many with the best baseline there is.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## An honest counter-example
#
# **Predict before you run.** Is the path *always* less noisy? Think of $f(z) = \sin 5z$,
# with $\sigma = 1$.


# %% tags=["nbval-check-output"]
def sine_estimates(mu, frequency, epsilon):
    def slope(z):
        return frequency * np.cos(frequency * z)

    def f(z):
        return np.sin(frequency * z)

    return three_estimates(f, slope, mu, 1.0, 0.0, epsilon)[:2]  # without baseline


for m in (0.0, 1.0, 2.0):
    variance, _ = moments(sine_estimates(m, 5.0, grid))
    formula = sine_gradient_variances(m, 1.0, 5.0)
    assert np.allclose(variance, formula[:2], rtol=1e-9)
    print(f"mu = {m:.0f}: pathwise {variance[0]:.3f}, score function {variance[1]:.3f}")

# %% [markdown] slideshow={"slide_type": "subslide"}
# The famous estimator loses by a factor of 25, at every $\mu$. The value of a sine never
# exceeds 1. Its slope reaches 5, with both signs within the width of $q$, and these cancel
# on average: the exact answer, $5 e^{-12.5} \cos 5\mu$, is almost zero. The path has to
# find that zero among large slopes. The score finds it among small values.
#
# So let us turn the frequency $\omega$ of $\sin \omega z$ like a knob.

# %%
knobs = np.array([0.25, 0.5, 1.0, 2.0, 5.0, 10.0])
measured = np.empty((len(knobs), 2))
for row, omega in enumerate(knobs):
    variance, sd = moments(sine_estimates(0.5, omega, grid))
    measured[row] = sine_estimates(0.5, omega, rng.standard_normal(draws)).var(1)
    assert np.all(np.abs(measured[row] - variance) < 5 * sd)

# %% [markdown]
# The lines between these six symbols are, once more, the closed forms.

# %% slideshow={"slide_type": "subslide"}
omegas = np.geomspace(0.2, 12, 200)
curves = [sine_gradient_variances(0.5, 1.0, omega)[:2] for omega in omegas]
draw_variances(omegas, np.transpose(curves), knobs, measured)
plt.xscale("log")
plt.xlim(0.17, 17)
plt.xticks(knobs, knobs)
plt.gca().xaxis.minorticks_off()
plt.xlabel("frequency $\\omega$ (radians per unit of $z$)")
plt.title("$f(z) = \\sin\\,\\omega z$: lines exact, symbols measured")
plt.show()


# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: both variances against the frequency, on logarithmic axes, at $\mu = 0.5$. For
# slow sines the pathwise estimator is lower by orders of magnitude; the two lines cross
# near $\omega = 1$; beyond, the pathwise line climbs as $\omega^2$ and the score function
# stays at one half.*

# %% [markdown]
# The rule of thumb: the path wins where $f$ is smooth on the scale of $\sigma$, and
# loses where it wiggles within it. A decoder bends little within a narrow $q$, so for
# VAEs the path wins. For chaotic simulators, or through many time steps, it need not.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What lower variance buys
#
# Variances are one thing, learning is another. We train *the same* small VAE four times,
# and change nothing but the way in which the encoder gets its gradient:
#
# 1. **pathwise**;
# 2. **score function** without a baseline;
# 3. **score function with a baseline**: for each image the mean of $\log p(x \mid z)$ over
#    the *other* images of the minibatch (their noise is independent, so the gradient stays
#    unbiased);
# 4. **z held fixed**, the lecture's sentence taken at its word: whatever gradient gets
#    through without the lost term. That is the KL's.
#
# The data are binary digits, shrunk to 14 × 14 so that twenty runs fit into a lecture.


# %% slideshow={"slide_type": "subslide"}
def small(split, seed):
    x = load_mnist(split, limit=None if split == "train" else 1_000).x
    x = x.reshape(len(x), 14, 2, 14, 2).mean((2, 4))  # means of 2 x 2 pixels
    return torch.from_numpy(binarize(x, seed)[:, None])  # NCHW


train, held_out = small("train", seed=1), small("test", seed=2)
mosaic(held_out[:10].permute(0, 2, 3, 1).numpy())


# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: ten held-out digits of 14 by 14 pixels, each pixel black or white.*

# %% [markdown] slideshow={"slide_type": "subslide"}
# The networks are two small ones, with four latent dimensions. (Lesson 3 takes `MLPEncoder`
# and `MLPDecoder` apart; all that matters here is that one returns $\mu$ and
# $\log\sigma^2$, and the other a logit for each pixel.)


# %%
class SmallVAE(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = MLPEncoder(latent_dim=4, hidden=(64,), pixels=196)
        self.decoder = MLPDecoder(latent_dim=4, hidden=(64,), shape=(1, 14, 14))

    def log_likelihood(self, x, z):
        return bernoulli_log_likelihood(self.decoder(z), x)


# %% [markdown] slideshow={"slide_type": "subslide"}
# One function gives all four gradients. The score function enters through a *surrogate*:
# an expression whose value means nothing, but whose gradient is $(f - c)\,\nabla_\phi
# \log q_\phi(z)$. `detach` is what turns $f$ and $z$ into plain numbers there. The
# decoder's gradient is the easy one in all four.


# %%
def objective(model, x, epsilon, estimator):
    mu, logvar = model.encoder(x)
    z = reparameterize(mu, logvar, epsilon)
    if estimator != "pathwise":
        z = z.detach()
    reconstruction = model.log_likelihood(x, z)
    elbo = reconstruction - kl_to_standard_normal(mu, logvar)
    if "score" not in estimator:
        return elbo.mean()
    f = reconstruction.detach()
    if "baseline" in estimator:
        f = f - (f.sum() - f) / (len(f) - 1)  # the mean over the other images
    log_q = Normal(mu, torch.exp(0.5 * logvar)).log_prob(z).sum(-1)
    return (elbo + f * log_q).mean()


# %% [markdown]
# Training is a plain loop. Now and then the held-out digits are measured, always with the
# same noise, and by the true ELBO.

# %% slideshow={"slide_type": "subslide"}
ESTIMATORS = [
    "pathwise",
    "score function with baseline",
    "score function",
    "z held fixed",
]
test_epsilon = torch.randn(len(held_out), 4, generator=torch.Generator().manual_seed(0))
every = max(1, tuning_steps // 5)


def train_by(estimator, rate, seed, steps):
    torch.manual_seed(seed)
    model = SmallVAE()
    adam = torch.optim.Adam(model.parameters(), rate, fused=True)
    curve = []
    for step in range(steps + 1):
        if step % every == 0:
            with torch.no_grad():
                value = objective(model, held_out, test_epsilon, "pathwise")
            curve.append(value.item())
        x = train[torch.randint(len(train), (64,))]
        loss = -objective(model, x, torch.randn(64, 4), estimator)
        adam.zero_grad()
        loss.backward()
        adam.step()
    return model, curve


# %% [markdown] slideshow={"slide_type": "subslide"}
# ### A fair learning rate
#
# Each estimator may have its own best rate. To be fair we try three rates for each, on a
# seed that is not used again, and then take for *everybody* the rate that is best for the
# path's strongest rival, the score function with a baseline.

# %%
rates = [0.001, 0.003, 0.01]
finals = {}
for estimator in ESTIMATORS[:3]:
    trials = [train_by(estimator, r, seed=100, steps=tuning_steps) for r in rates]
    finals[estimator] = [curve[-1] for _, curve in trials]

print(f"held-out ELBO after {tuning_steps} steps (nats), at rates {rates}")
for estimator, values in finals.items():
    print(f"{estimator:29}", *(f"{value:8.2f}" for value in values))
learning_rate = rates[int(np.argmax(finals["score function with baseline"]))]
print(f"chosen for all: {learning_rate}")

# %% [markdown] slideshow={"slide_type": "subslide"}
# Did you expect small steps for noisy gradients? In the saved run the noisiest estimator,
# like the quietest, does a little better at the largest rate. Neither gets it.
#
# **Predict before you run.** Where will the fourth run end, whose encoder hears only the
# KL? Remember what the KL wants.

# %%
runs = {
    estimator: [
        train_by(estimator, learning_rate, seed, steps) for seed in range(seeds)
    ]
    for estimator in ESTIMATORS
}

# %% [markdown] slideshow={"slide_type": "subslide"}
# It wants $q_\phi(z \mid x) = p(z)$ for every $x$. Then $z$ says nothing about $x$, and
# the best the decoder can do is to give each pixel its average probability. The ELBO of
# that we can compute without any training: it is a sum over 196 biased coins.

# %%
coin = train.mean(0).clamp(1e-4, 1 - 1e-4)
without_z = bernoulli_log_likelihood(torch.logit(coin).expand_as(held_out), held_out)
without_z = without_z.mean().item()
print(f"no latents at all: {without_z:.2f} nats")
for estimator in ESTIMATORS:
    ends = np.array([curve[-1] for _, curve in runs[estimator]])
    spread = ends.std(ddof=1)
    print(f"{estimator:29} {ends.mean():7.2f} +- {spread:.2f} nats (over seeds)")

# %% [markdown]
# Those were the ends. Here is the way there.

# %% slideshow={"slide_type": "subslide"}
plt.figure(figsize=(9, 5.5))
colours, dashes = [COLOURS[i] for i in (0, 1, 2, 6)], ["-", "--", "-.", "-"]
for estimator, colour, dash in zip(ESTIMATORS, colours, dashes):
    curves = np.array([curve for _, curve in runs[estimator]])
    at, middle = every * np.arange(curves.shape[1]), curves.mean(0)
    band = curves.std(0, ddof=1)  # over seeds
    plt.fill_between(at, middle - band, middle + band, color=colour, alpha=0.15)
    plt.plot(at, curves.T, color=colour, linestyle="-", linewidth=0.7, alpha=0.6)
    plt.plot(at, middle, color=colour, linestyle=dash, linewidth=3)
    label = estimator.replace(" with", "\nwith").replace(
        "fixed", "fixed;\ndotted: no latents"
    )
    plt.text(1.02 * at[-1], middle[-1], label, color=colour, va="center", fontsize=14)
plt.hlines(without_z, 0, at[-1], color="black", linestyle=(0, (1, 3)), zorder=3)
plt.xlim(0, 1.35 * at[-1])
plt.xticks(np.linspace(0, at[-1], 5))
plt.ylim(without_z - 4, without_z + 11)
plt.xlabel("steps of 64 images")
plt.ylabel("held-out ELBO (nats an image)")
plt.show()

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: held-out ELBO against steps for the four estimators: each seed a thin line, their
# mean a thick one, in a band of one standard deviation. The pathwise curve rises fastest and highest; the score function with a
# baseline stays some three nats below; without a baseline the seeds waver and fall back,
# and end two nats above the dotted level of a model without latents; and with z held fixed
# the curve climbs to that level in several hundred steps, and stays there.*

# %% slideshow={"slide_type": "subslide"}
if steps >= 1_000:
    best_to_worst = [np.mean([c[-1] for _, c in runs[e]]) for e in ESTIMATORS]
    assert best_to_worst == sorted(best_to_worst, reverse=True)
    # 196 logits that are each off by 0.14 cost at most 196/8 * 0.14^2 = 0.5 nats
    assert abs(best_to_worst[-1] - without_z) < 0.5
    broken = [model for model, _ in runs["z held fixed"]]
    with torch.no_grad():
        kls = [kl_to_standard_normal(*m.encoder(held_out)).mean() for m in broken]
    print(f"largest KL of the {seeds} runs with z held fixed: {max(kls):.4f} nats")
    assert max(kls) < 0.01


# %% [markdown]
# Same network, same data, same rate, same number of images, and the estimator alone
# decides how good the model becomes. The fourth curve is the important one. It raised no
# error, its loss went down, and *nothing whatever was encoded*. Whoever writes `sample()`
# for `rsample()` gets that curve.
#
# ### The noise, seen from inside
#
# We stop at one model, trained by the path, and one minibatch. Only the noise $\epsilon$
# is drawn again and again. Here is the gradient for one parameter, the encoder's first
# bias of $\mu$.


# %% slideshow={"slide_type": "subslide"}
def first_bias_gradients(estimator, model, x):
    generator = torch.Generator().manual_seed(3)
    bias = model.encoder.mu.bias
    gradients = []
    for _ in range(repeats):
        epsilon = torch.randn(len(x), 4, generator=generator)
        value = objective(model, x, epsilon, estimator)
        gradients.append(torch.autograd.grad(value, bias)[0][0].item())
    return np.array(gradients)


# %% [markdown] slideshow={"slide_type": "subslide"}
# For each estimator we look at the mean of many such gradients, with its standard error,
# and at their variance.

# %%
trained, _ = runs["pathwise"][0]
noisy = {e: first_bias_gradients(e, trained, train[:64]) for e in ESTIMATORS}
path = noisy["pathwise"]
print(f"{'':29}    mean and its error   variance, pathwise = 1")
for estimator, values in noisy.items():
    error, ratio = values.std() / repeats**0.5, values.var() / path.var()
    print(f"{estimator:29} {values.mean():9.2f} +- {error:.2f} {ratio:18.0f}")
    if "score" in estimator:
        both_errors = math.hypot(error, path.std() / repeats**0.5)
        assert abs(values.mean() - path.mean()) < 5 * both_errors

# %% [markdown] slideshow={"slide_type": "subslide"}
# The second mean agrees with the first and rules out the fourth. The third, with its wide
# error, could not tell a right mean from a wrong one: that it is unbiased we know from the
# derivation. The last column is the price. It says how many times more samples one would
# have to draw for the same accuracy. And the fourth is beautifully quiet, and wrong: low
# variance by itself is no virtue.
#
# Why so much more than the $48/4 = 12$ of four dimensions in the table above? Because
# the objective is a sum over 196 pixels and lies far from zero. An offset $c$ alone adds
# $c^2/\sigma^2$ to an image's variance; here are both, and what the baseline takes out.

# %%
with torch.no_grad():
    mean_z, logvar_z = trained.encoder(train[:64])
    offset = trained.log_likelihood(train[:64], mean_z).mean().item()
    width = torch.exp(0.5 * logvar_z[:, 0]).mean().item()
left = noisy["score function with baseline"].var() / noisy["score function"].var()
print(f"offset c = {offset:.0f} nats, sigma = {width:.2f}")
print(f"taken out by the baseline: {1 - left:.0%} of the variance")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Where the path ends: discrete latents
#
# Let $z$ be one of $K$ classes, with probabilities $\pi = \mathrm{softmax}(\phi)$ and
# logits $\phi$. A small change of $\phi$ either leaves a drawn class as it is or makes
# it jump. There is no path to differentiate. (In PyTorch `Categorical.has_rsample` is
# false.)
#
# With few classes there is no need to sample at all. The gradient is a finite sum: with
# $f_k$ for the value at class $k$,
#
# $$
# \frac{\partial}{\partial \phi_k} \sum_j \pi_j f_j
# = \pi_k \Bigl(f_k - \sum_j \pi_j f_j\Bigr).
# $$
#
# We take $f = z^2$ where the three classes stand for $z = 0, 1, 3$. The score function
# works as ever. As $\log\pi_j = \phi_j - \log\sum_i e^{\phi_i}$, the score
# $\partial\log\pi_j/\partial\phi_k$ is $1 - \pi_k$ if $k = j$ and $-\pi_k$ otherwise. By
# enumeration we know the variance too, also with the best constant baseline.

# %% tags=["nbval-check-output"] slideshow={"slide_type": "subslide"}
phi = torch.tensor([0.5, 0.0, -0.5], dtype=torch.float64)
assert not torch.distributions.Categorical.has_rsample
a = torch.tensor([0.0, 1.0, 3.0], dtype=torch.float64)
values, pi = (a**2).numpy(), phi.softmax(0).numpy()
enumerated = pi * (values - pi @ values)
logits = phi.clone().requires_grad_()
(logits.softmax(0) @ a**2).backward()
assert np.allclose(logits.grad, enumerated, rtol=1e-12)

scores = np.eye(3) - pi  # one row for each class that may be drawn
squares = (scores**2).sum(1)
best = pi @ (values * squares) / (pi @ squares)
print("exact gradient", enumerated.round(3))
score_deviations = []
for c in (0.0, best):
    estimates = (values - c)[:, None] * scores
    assert np.allclose(pi @ estimates, enumerated, rtol=1e-12)
    deviations = np.sqrt(pi @ (estimates - enumerated) ** 2)
    score_deviations.append(np.sqrt(np.mean(deviations**2)))  # rms over the logits
    print(f"standard deviations with baseline {c:.2f}:", deviations.round(3))
assert score_deviations[1] < score_deviations[0]


# %% [markdown] slideshow={"slide_type": "subslide"}
# With $2^{100}$ classes nobody enumerates. One way around: take the noise outside all the
# same. Add to each logit a **Gumbel** variable, $g = -\log(-\log u)$ with $u$ uniform.
# Then $\arg\max_k (\phi_k + g_k)$ is *exactly* a draw from $\pi$. The jump now sits in
# the $\arg\max$ alone, and we can soften that: with a **temperature** $\tau$,
#
# $$
# y = \mathrm{softmax}\!\left(\frac{\phi + g}{\tau}\right)
# \;\xrightarrow{\;\tau \to 0\;}\; \text{one-hot vector of the class drawn}.
# $$
#
# $y$ has a path. But it lies *between* the classes, where $f$ has to be made up: here
# $f(y) = (a \cdot y)^2$ with $a = (0, 1, 3)$. So the gradient belongs to another problem,
# and is biased for ours.


# %% slideshow={"slide_type": "subslide"}
def relaxed_gradients(tau, gumbel):
    logits = phi.expand(gumbel.shape).clone().requires_grad_()
    y = F.softmax((logits + gumbel) / tau, dim=1)
    (y @ a).square().sum().backward()
    return logits.grad.numpy()


gumbel = torch.from_numpy(rng.gumbel(size=(draws // 4, 3)))
chosen = (phi + gumbel).argmax(1)
assert agrees(F.one_hot(chosen, 3).double().numpy(), pi)
frequencies = np.bincount(chosen, minlength=3) / len(chosen)
print("frequencies", frequencies.round(3), "probabilities", pi.round(3))

# %% [markdown] slideshow={"slide_type": "subslide"}
# **Predict before you run.** A low temperature makes the bias small. Why not take
# $\tau = 0.001$ and be done?

# %%
taus = np.array([0.05, 0.1, 0.2, 0.4, 0.8, 1.6])
relaxed = [relaxed_gradients(tau, gumbel) for tau in taus]


def size(vectors):
    return np.sqrt(np.mean(np.square(vectors), axis=-1))  # rms over the three logits


bias = size([g.mean(0) - enumerated for g in relaxed])
deviation = size([g.std(0) for g in relaxed])
bias_error = deviation / len(gumbel) ** 0.5
assert bias[0] + 5 * bias_error[0] < bias[-1]  # hotter is more biased
assert np.all(np.diff(deviation) < 0)  # and quieter
assert deviation[0] > max(score_deviations) > min(score_deviations) > deviation[-1]
steepness = np.diff(np.log(deviation)) / np.diff(np.log(taus))
print("powers of the temperature, between neighbours:", steepness.round(2))

# %% [markdown]
# Both errors in one picture, and the score function's for comparison.

# %% slideshow={"slide_type": "subslide"}
plt.loglog(taus, deviation, "s--", color=COLOURS[1], label="relaxed: deviation")
plt.errorbar(taus, bias, bias_error, fmt="o-", capsize=5, label="relaxed: bias")
for level, dash, label in zip(score_deviations, (":", "-."), ("no", "best")):
    plt.axhline(
        level, color="black", ls=dash, label=f"score, {label} baseline: deviation"
    )
plt.xticks(taus, taus)
plt.yticks([0.03, 0.1, 0.3, 1, 3], [0.03, 0.1, 0.3, 1, 3])
plt.minorticks_off()
plt.xlabel("temperature $\\tau$ (no units)")
plt.ylabel("error of the gradient (rms)")
plt.legend(loc="lower right")
plt.show()

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: errors against the temperature, on logarithmic axes. The bias of the relaxed
# gradient rises with the temperature. Its standard deviation falls, ever more steeply, from
# far above the two level lines of the score function, without and with its best baseline,
# to far below. The score function has no bias.*

# %% [markdown] slideshow={"slide_type": "subslide"}
# It is a trade. As $\tau \to 0$ the softmax becomes a cliff: a share of about $\tau$ of
# the draws has a slope of order $1/\tau$, and the rest none. So the deviation grows as
# $\sqrt{\tau/\tau^2} = \tau^{-1/2}$, but only in that limit. In practice one starts
# warm and cools down. PyTorch has it as `F.gumbel_softmax` and
# `RelaxedOneHotCategorical`. The other way is to stay with the score function, which is
# unbiased, and to find good baselines.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What could go wrong
#
# - **`sample()` for `rsample()`**, or a stray `detach()`, `.item()`, `.numpy()` or
#   `no_grad` on the way to $z$. If you are lucky there is an error. In a VAE there is
#   none: the KL falls to zero, and the ELBO stops at the level of no latents.
# - **A forgotten `detach` in the surrogate.** If $f$ or $z$ keeps its path there, gradients
#   flow twice.
# - **$\sigma$ where $\log\sigma^2$ is meant.** The line runs either way; the check of the
#   slope in `logvar` above finds it.
# - **One $\epsilon$ for the whole minibatch.** `torch.randn(4)` broadcasts silently. The
#   gradient stays unbiased, but its noise is the same in all images and does not average
#   out.
# - **A baseline that has seen this very sample.** It correlates with the score, and the
#   gradient is biased.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Summary
#
# The gradient may be moved inside an expectation where the parameter is in the integrand
# alone. For $\theta$ it is. For $\phi$ it is in the weight $q_\phi$ as well, and the term
# that is lost may be all there is.
#
# | | score function | pathwise |
# |---|---|---|
# | one sample | $(f(z) - c)\,\nabla_\phi \log q_\phi(z)$ | $f'(z)\,\nabla_\phi z(\epsilon, \phi)$ |
# | of $f$ it needs | values | slopes, no jumps |
# | of $q$ it needs | $\nabla_\phi \log q_\phi$ | a smooth map from fixed noise |
# | discrete $z$ | yes | only relaxed, with bias |
# | variance for $z^2$, $\sigma = 1$ | $\mu^4 + 14\mu^2 + 15$; best $c$: $8\mu^2 + 6$ | 4 |
# | variance for $\sin 5z$ | 0.5 | 12.5 |
# | in PyTorch | `sample`, `log_prob`, a surrogate | `rsample` |

# %% [markdown] slideshow={"slide_type": "skip"}
# ## Exercises
#
# [The set of this lesson](exercises/02_reparameterization.ipynb) has stubs to fill in, and checks that
# answer. Here are questions to think about without a net.
#
# 1. *Easy.* Open `reparameterization_explorer(lambda z: np.sin(5 * z), lambda z: 5 *
#    np.cos(5 * z))`. Why do the arrows say so little about the slope of the mean? Go to
#    $\mu = 1.3$, away from a peak, and make $\sigma$ smaller: when do they say a lot?
# 2. *Medium.* Derive the three variances for $z^2$ by hand from the moments of $\epsilon$,
#    then those in $d$ dimensions, and the two that are quoted in the check of the broken
#    graphs. (There the KL is not random, so drop it.)
# 3. *Medium.* Draw two points $z$ for each image, and use each one's $\log p(x \mid z)$ as
#    the baseline of the other. How much of the distance to the pathwise curve is gained,
#    and is it worth the second pass through the decoder?
# 4. *Hard.* Let $q$ be a mixture of two Gaussians with weight $\phi$. Drawing a component
#    and then using its $\mu_k + \sigma_k\epsilon$ gives no slope in $\phi$: why? Find a
#    path by differentiating $F_\phi(z) = u$ at fixed $u$, and check it on
#    $\mathbb E[z^2]$.

# %% [markdown] slideshow={"slide_type": "skip"}
# ## References
#
# - D. P. Kingma and M. Welling, *Auto-Encoding Variational Bayes*, 2014,
#   [arXiv:1312.6114](https://arxiv.org/abs/1312.6114).
# - D. J. Rezende, S. Mohamed and D. Wierstra, *Stochastic Backpropagation and Approximate
#   Inference in Deep Generative Models*, 2014,
#   [arXiv:1401.4082](https://arxiv.org/abs/1401.4082).
# - R. J. Williams, *Simple statistical gradient-following algorithms for connectionist
#   reinforcement learning*, Machine Learning 8, 1992: the score function, as REINFORCE.
# - S. Mohamed, M. Rosca, M. Figurnov and A. Mnih, *Monte Carlo Gradient Estimation in
#   Machine Learning*, 2020, [arXiv:1906.10652](https://arxiv.org/abs/1906.10652).
# - E. Jang, S. Gu and B. Poole, *Categorical Reparameterization with Gumbel-Softmax*, 2017,
#   [arXiv:1611.01144](https://arxiv.org/abs/1611.01144); C. J. Maddison, A. Mnih and
#   Y. W. Teh, *The Concrete Distribution*, 2017,
#   [arXiv:1611.00712](https://arxiv.org/abs/1611.00712).
# - M. Hjorth-Jensen, *Advanced machine learning and data analysis for the physical
#   sciences*, week 14, 2024: the lecture.
