# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Deeper: two estimators of one gradient
#
# Open in [Colab](https://colab.research.google.com/github/generative-models/executed/blob/v0.2.0/notebooks/deeper/02_estimators.ipynb) or on [Binder](https://mybinder.org/v2/gh/generative-models/executed/v0.2.0?urlpath=lab/tree/notebooks/deeper/02_estimators.ipynb).
#
# [Lesson 2](../02_reparameterization.ipynb) estimates the slope of a mean by weighing points
# anew (the score function) or by moving them (the path). This page derives what was only
# quoted there, and asks which distributions have a path, in more dimensions too, and what
# to do where there is none.

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
# @title Set-up: what is imported
import math

import matplotlib.pyplot as plt
import numpy as np
import torch
import torch.nn.functional as F
from scipy import stats
from torch.distributions import Categorical, Normal

from course_utils.budget import budget
from course_utils.exact.estimators import gradient_variances, sine_gradient_variances
from course_utils.exact.linear_gaussian import LinearGaussian
from course_utils.figures import estimators
from course_utils.figures.style import COLOURS, use_course_style
from course_utils.pytorch.vae import kl_to_standard_normal, reparameterize

use_course_style()
rng = np.random.default_rng(0)

# %% [markdown]
# Wherever we sample, a mean of $N$ draws has a standard error of (standard
# deviation)$/\sqrt N$. Five of them is our limit: chance alone exceeds it once in 1.7
# million. Where we need no samples, we sum over a grid; for smooth bells a plain sum is
# exact to rounding.

# %%
draws = budget(smoke=50_000, lecture=1_000_000, full=4_000_000)
mu, sigma = 1.5, 1.0
grid = np.linspace(-12, 12, 4801)
dz = grid[1] - grid[0]
q = stats.norm.pdf(grid, mu, sigma)
score = (grid - mu) / sigma**2  # the slope of log q in mu


def under_q(values):
    return (q * values).sum() * dz


def agrees(samples, truth):
    mean, error = samples.mean(0), samples.std(0) / len(samples) ** 0.5
    return bool(np.all(np.abs(mean - truth) <= 5 * error))


# %% [markdown]
# ## Why both are right
#
# Moving the bell to the right is the same as looking at it from further left:
# $\partial q/\partial\mu = -\partial q/\partial z$. Then integrate by parts. (The boundary
# terms vanish, as $q$ falls faster than $f$ grows.)
#
# $$
# \underbrace{\int f \, \frac{\partial q}{\partial \mu} \, dz}_{\text{score function}}
# = -\int f \, \frac{\partial q}{\partial z} \, dz
# = \underbrace{\int f'(z) \, q \, dz}_{\text{path}} .
# $$

# %% tags=["nbval-check-output"]
examples = {
    "z^2": (grid**2, 2 * grid),
    "sin z": (np.sin(grid), np.cos(grid)),
    "tanh z": (np.tanh(grid), 1 / np.cosh(grid) ** 2),
}
for name, (f, slope) in examples.items():
    by_score, by_path = under_q(f * score), under_q(slope)
    assert math.isclose(by_score, by_path, rel_tol=1e-10)
    print(f"{name:7} score function {by_score:.4f}   path {by_path:.4f}")

# %% [markdown]
# The derivative is passed from $q$ to $f$. That is the whole difference.
#
# ## When the gradient may go inside
#
# Take one number $x$ with $p(x \mid z) = \mathcal N(wz, 1)$, so that the decoder's parameter
# is $w$. Then $\mathbb E_q[\log p(x \mid z)]$ has the slope
# $(x - w\mu)\,\mu - w\sigma^2$ in $w$. The cloud does not know $w$; so the points may be
# drawn once and held.

# %%
x, w = 1.0, 0.8
exact_w = (x - w * mu) * mu - w * sigma**2
z = mu + sigma * rng.standard_normal(draws)
w_variable = torch.tensor(w, dtype=torch.float64, requires_grad=True)
log_p = Normal(w_variable * torch.from_numpy(z), 1.0).log_prob(torch.tensor(x))
log_p.mean().backward()
print(f"moved inside: {w_variable.grad:.3f}, exact: {exact_w:.3f}")

# %% tags=["proof"] jupyter={"source_hidden": true}
# @title The exact slope is that of the exact model, and the sampled one agrees


def reconstruction(w):
    linear = LinearGaussian([[w]], [0.0], 1.0)
    return linear.reconstruction([[x]], [[mu]], [[sigma**2]]).item()


# a parabola in w: its central difference is exact, whatever the step
difference = (reconstruction(w + 1) - reconstruction(w - 1)) / 2
assert math.isclose(exact_w, difference, rel_tol=1e-12)
one_by_one = (x - w * z) * z
assert math.isclose(one_by_one.mean(), w_variable.grad, rel_tol=1e-6)
assert agrees(one_by_one, exact_w)
print("Checked: within five standard errors.")

# %% [markdown]
# (The integrand may have kinks in $w$ but no jumps, and its slope must be dominated by
# something integrable. Networks of ReLUs pass: they have a slope almost everywhere.)
#
# For the cloud's own parameters the step loses a term, as the lesson shows for $z^2$. What if
# the averaged quantity contains $\mu$ itself, as in an ELBO with a sampled KL,
# $f = \log p(x, z) - \log q(z)$?

# %% tags=["nbval-check-output"]
toy = LinearGaussian([[w]], [0.0], 1.0)
log_joint = toy.log_joint(np.full((len(grid), 1), x), grid[:, None])
integrand = log_joint - stats.norm.logpdf(grid, mu, sigma)
kept, lost = under_q(-score), under_q(integrand * score)


def exact_elbo(mu):
    return toy.elbo([[x]], [[mu]], [[sigma**2]]).item()


whole = (exact_elbo(mu + 1) - exact_elbo(mu - 1)) / 2  # a parabola in mu, again
assert abs(kept) < 1e-12  # and z in its format: a zero without a sign
assert math.isclose(kept + lost, whole, rel_tol=1e-10)
print(f"kept {kept:z.3f} + lost {lost:.3f} = {whole:.3f} nats per unit")

# %% [markdown]
# It does not help. The part that contains $\mu$ is $-\log q$, and the mean of its slope is
# zero for every density. Such an encoder would not learn anything. With the KL in closed
# form, the kept term is the KL's own slope: that encoder learns, but from the KL alone.
#
# ## Baselines
#
# A constant $c$ taken off $f$ leaves the mean, since the mean score is zero. The variance is
# a parabola in $c$. With $s$ for the score:
#
# $$
# \mathrm{Var}[(f - c)\,s] = \mathbb E[f^2 s^2] - 2c\,\mathbb E[f s^2]
# + c^2\,\mathbb E[s^2] - \mathbb E[f s]^2 ,
# \qquad
# c^* = \frac{\mathbb E[f s^2]}{\mathbb E[s^2]} .
# $$
#
# For $f = z^2$ the lowest point is at $c^* = \mu^2 + 3\sigma^2$. It is not the mean of $f$,
# but a mean weighted by $s^2$.

# %% tags=["nbval-check-output"]
f = grid**2
best = under_q(f * score**2) / under_q(score**2)
assert math.isclose(best, mu**2 + 3 * sigma**2, rel_tol=1e-12)
closed = gradient_variances(mu, sigma)
for name, c in [("none", 0.0), ("E[f]", under_q(f)), ("best", best)]:
    estimate = (f - c) * score
    variance = under_q(estimate**2) - under_q(estimate) ** 2
    parabola = closed.score_function_baseline + (c - best) ** 2 * under_q(score**2)
    assert math.isclose(variance, parabola, rel_tol=1e-10)
    print(f"baseline {name:5} c = {c:.2f}: variance {variance:.2f}")

# %% [markdown]
# Where the lesson's three variances come from: with $z = \mu + \sigma\epsilon$ and the moments
# 1, 3, 15 of $\epsilon^2, \epsilon^4, \epsilon^6$ (odd ones vanish),
#
# $$
# \mathbb E[z^4 \epsilon^2] = \mu^4 + 6 \cdot 3\, \mu^2\sigma^2 + 15\,\sigma^4, \qquad
# \mathrm{Var}\Big[\frac{z^2\epsilon}{\sigma}\Big]
# = \frac{\mathbb E[z^4\epsilon^2]}{\sigma^2} - (2\mu)^2
# = \frac{\mu^4}{\sigma^2} + 14\mu^2 + 15\sigma^2 .
# $$
#
# The best baseline saves ${c^*}^2/\sigma^2 = \mu^4/\sigma^2 + 6\mu^2 + 9\sigma^2$ of it, and
# $8\mu^2 + 6\sigma^2$ is left. The path, $2z$, has $4\sigma^2$.
#
# ## More dimensions
#
# Let $z$ have $d$ independent components with $\mu = 0$, $\sigma = 1$, and
# $f(z) = \sum_j z_j^2$. We want the slope in $\mu_1$ alone. The path looks at $2z_1$ only. The
# score multiplies *all* of $f$ by $\epsilon_1$. By symmetry $\mathbb E[f^2\epsilon_1^2]$ is
# $\mathbb E[S^3]/d$ with $S$ chi-squared, so the variance is $(d + 2)(d + 4)$; with the best
# baseline, $c^* = d + 2$, it is $2(d + 2)$.

# %%
print(" d          path  score function  with baseline   (in brackets: exact)")
for d in (1, 2, 4, 8, 16):
    first = rng.standard_normal(draws)
    others = rng.chisquare(d - 1, draws) if d > 1 else 0.0  # the sum of d - 1 squares
    f = first**2 + others
    estimates = np.stack([2 * first, f * first, (f - (d + 2)) * first])
    truth = np.array([4, (d + 2) * (d + 4), 2 * (d + 2)])
    assert agrees((estimates**2).T, truth)  # means are 0: a variance is a mean square
    cells = [f"{v:.2f} ({t})" for v, t in zip(estimates.var(1), truth)]
    print(f"{d:2} " + " ".join(f"{cell:>14}" for cell in cells))

# %% [markdown]
# With 16 latent dimensions the score function needs ninety times as many points as the path,
# and still nine times as many with the best baseline there is.
#
# ## Slow waves and fast ones
#
# The lesson's landscape of waves was $\sin 5z$. We turn its frequency $\omega$ like a knob,
# with $\sigma = 1$. The cloud's centre is 0.5, since 0 is a zero of all these waves.


# %%
def two_variances(w):
    epsilon = np.random.default_rng(1).standard_normal(draws)
    z = 0.5 + epsilon
    return np.var([w * np.cos(w * z), np.sin(w * z) * epsilon], axis=1)


names = "pathwise", "score function"
knobs, fine = np.array([0.25, 0.5, 1, 2, 5, 10]), np.geomspace(0.2, 12, 200)
measured = dict(zip(names, np.transpose([two_variances(w) for w in knobs])))
exact = [sine_gradient_variances(0.5, 1.0, w)[:2] for w in fine]
closed_forms = dict(zip(names, np.transpose(exact)))
label = "frequency ω (radians per unit of z)"
estimators.variance_curves(fine, closed_forms, knobs, measured, label, logarithmic=True)

# %% [markdown]
# *Figure: both variances against the frequency. They cross near 1. Beyond, the path's
# climbs; the score function's stays near one half from 2 on.*

# %% tags=["proof"] jupyter={"source_hidden": true}
# @title The symbols lie on the dotted lines
nodes = np.linspace(-12, 12, 4801)
shares = stats.norm.pdf(nodes) * (nodes[1] - nodes[0])
for at, w in enumerate(knobs):
    z = 0.5 + nodes
    parts = np.stack([w * np.cos(w * z), np.sin(w * z) * nodes])
    squares = (parts - (parts @ shares)[:, None]) ** 2
    variances = squares @ shares
    assert np.allclose(variances, sine_gradient_variances(0.5, 1.0, w)[:2], rtol=1e-9)
    # a measured variance is a mean of squares, whose own variance is m_4 - variance^2
    errors = np.sqrt((squares**2 @ shares - variances**2) / draws)
    seen = [values[at] for values in measured.values()]
    assert np.all(np.abs(seen - variances) < 5 * errors)
print("Checked: 12 measured variances are within five standard deviations.")

# %% [markdown]
# ## Which distributions have a path?
#
# **Location and scale.** Whatever the shape of the noise, $z = \mu + \sigma\epsilon$ has a
# path. If $\epsilon$ has mean zero, the mean of $z^2$ is
# $\mu^2 + \sigma^2\,\mathrm{Var}(\epsilon)$, with slope $2\sigma\,\mathrm{Var}(\epsilon)$ in
# $\sigma$.

# %%
for noise in (stats.norm(), stats.laplace(), stats.logistic()):
    epsilon = noise.rvs(size=draws, random_state=rng)
    estimates = 2 * (mu + sigma * epsilon) * epsilon
    truth = 2 * sigma * noise.var()
    assert agrees(estimates, truth)
    name = noise.dist.name
    print(f"{name:9} slope in sigma {estimates.mean():.3f}, exact {truth:.3f}")

# %% [markdown]
# **Inverse distribution functions.** Any $q$ on the line with an invertible $F_\phi$ has the
# path $z = F_\phi^{-1}(u)$, $u$ uniform. A radioactive decay with rate $\lambda$ happens after
# $z = -\log(u)/\lambda$: its mean is $1/\lambda$, with slope $-1/\lambda^2$.

# %%
rate = 2.0
waiting = rng.exponential(size=draws)  # -log(u)
estimates = -waiting / rate**2  # the slope of each path in the rate
assert agrees(waiting / rate, 1 / rate)
assert agrees(estimates, -1 / rate**2)
print(f"decay: slope in lambda {estimates.mean():.4f}, exact {-1 / rate**2:.4f}")

# %% [markdown]
# **Full covariance.** For a normal with covariance $\Sigma$, a vector $\mu$ and *any* matrix
# $L$ with $L L^\top = \Sigma$,
#
# $$
# z = \mu + L\,\epsilon, \qquad
# \mathbb E\!\left[(z - \mu)(z - \mu)^\top\right] = L\, I\, L^\top = \Sigma .
# $$
#
# It is a product of matrices. Entry by entry, $\Sigma^{1/2} * \epsilon$ as NumPy reads the
# star, it would hold for diagonal $\Sigma$ only. The cheap choice of $L$ is the Cholesky
# factor, lower triangular with a positive diagonal. A quadratic $f$ has a closed form to
# check against:
#
# $$
# f(z) = z^\top A z, \qquad
# \mathbb E[f(z)] = \mu^\top A \mu + \mathrm{tr}(A L L^\top), \qquad
# \nabla_L\, \mathbb E[f(z)] = (A + A^\top) L \;\text{ (lower triangle)}.
# $$

# %%
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

# %% tags=["proof"] jupyter={"source_hidden": true}
# @title Each entry agrees within five of its standard errors
with torch.no_grad():
    one_by_one = (z @ (A + A.T))[:, :, None] * epsilon[:, None, :]
assert torch.allclose(L.grad, one_by_one.mean(0), rtol=1e-9)
assert agrees(one_by_one.tril().numpy(), closed_form.numpy())
del one_by_one, z, epsilon
print("Checked.")

# %% [markdown]
# ## Broken graphs, kind and unkind
#
# `rsample()` (r for reparameterized) returns $\mu + \sigma\epsilon$ with the path attached.
# `sample()` returns the same numbers without it.
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
    shown = gradient if gradient is None else round(gradient.item(), 3)
    print(f"{draw}: gradient {shown}")

# %% [markdown]
# **Answer.** The 6.082 is $2z$ of a single draw; only its mean is 3. `None` and an error are
# the *kind* way to break a graph, because it is noticed. In a VAE the KL has a connection of
# its own to the parameters, and no error comes. Let $x = 2$ with
# $p(x \mid z) = \mathcal N(z, 1)$, and cut the whole path, or half of it, by turning $\sigma$
# into a plain number.


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


def whole_path(mu, logvar, e):
    return reparameterize(mu.expand_as(e), logvar.expand_as(e), e)


# %% [markdown]
# The exact slopes are finite differences of the exact model.

# %% tags=["nbval-check-output"]
unit = LinearGaussian([[1.0]], [0.0], 1.0)


def unit_elbo(mu, logvar):
    return unit.elbo([[2.0]], [[mu]], [[math.exp(logvar)]]).item()


h = 1e-5  # the difference is off by about h^2 and by rounding over h: 1e-10
truth = (
    (unit_elbo(0.5 + h, -0.4) - unit_elbo(0.5 - h, -0.4)) / (2 * h),
    (unit_elbo(0.5, -0.4 + h) - unit_elbo(0.5, -0.4 - h)) / (2 * h),
)
cut = {
    "whole path": whole_path,
    "no path": lambda mu, logvar, e: whole_path(mu, logvar, e).detach(),
    "half a path": lambda mu, logvar, e: mu + math.exp(logvar.item() / 2) * e,
}
found = {name: elbo_gradient(make_z) for name, make_z in cut.items()}
for name, pair in {"exact": truth, **found}.items():
    print("{:12} slope in mu {:5.2f}, in logvar {:5.2f}".format(name, *pair))

# %% tags=["proof"] jupyter={"source_hidden": true}
# @title The whole path is right
# One draw's slopes are 2 - z and (2 - z) sigma epsilon/2; with v = sigma^2 and 2 - mu =
# 1.5 their variances are v and v (1.5^2 + 2 v)/4.
v = math.exp(-0.4)
errors = np.sqrt([v / 10_000, v * (1.5**2 + 2 * v) / 4 / 10_000])
assert np.all(np.abs(np.subtract(found["whole path"], truth)) < 5 * errors)
print("Checked: within five standard errors.")

# %% [markdown]
# Without the path the slope in $\mu$ is $-0.5$: the KL alone, which pulls to the prior, while
# the truth pulls to the data. With half a path, the centre learns and the width grows where
# it should shrink. Three more of the silent kind, each in a line of code:
#
# - **A surrogate whose `z` is not detached.** In $\log q(\mu + \sigma\epsilon)$ the distance
#   from the centre is $\sigma\epsilon$, whatever $\mu$ is.
# - **One $\epsilon$ for the whole minibatch.** `torch.randn(4)` broadcasts. The gradient
#   stays unbiased, but its noise does not average out over images.
# - **A baseline that has seen this very point.** It goes with the score, and the gradient is
#   too small by the factor $1 - 1/n$.

# %%
mu_variable = torch.tensor(1.5, requires_grad=True)
z = mu_variable + torch.randn(1_000)
(z.detach() ** 2 * Normal(mu_variable, 1.0).log_prob(z)).mean().backward()
print(f"surrogate without detach: slope {mu_variable.grad:.3f} for 3")

epsilon = rng.standard_normal((draws // 10, 8))
own, shared = 2 * (mu + epsilon), 2 * (mu + epsilon[:, :1] + 0 * epsilon)
print(f"variance of a mean over 8: {own.mean(1).var():.2f}, with one epsilon", end=" ")
print(f"{shared.mean(1).var():.2f}")

f = (mu + epsilon) ** 2
seen = ((f - f.mean(1, keepdims=True)) * epsilon).mean(1)
print(f"baseline that has seen all 8: slope {seen.mean():.3f} for 3 (1 - 1/8) = 2.625")

# %% tags=["proof"] jupyter={"source_hidden": true}
# @title All three as derived
assert mu_variable.grad == 0
assert agrees(seen, 3 * 7 / 8)
# relative error of a variance of n normal numbers: sqrt(2/n)
allowed = 5 * (2 / len(epsilon)) ** 0.5
assert abs(own.mean(1).var() / 0.5 - 1) < allowed
assert abs(shared.mean(1).var() / 4 - 1) < allowed
print("Checked.")

# %% [markdown]
# ## Where the path ends: discrete latents
#
# Let $z$ be one of three classes with probabilities $\pi = \mathrm{softmax}(\phi)$. A small
# change of the logits $\phi$ either leaves a drawn class as it is or makes it jump. With few
# classes there is no need to sample. With $f_k$ for the value at class $k$,
#
# $$
# \frac{\partial}{\partial \phi_k} \sum_j \pi_j f_j
# = \pi_k \Bigl(f_k - \sum_j \pi_j f_j\Bigr) .
# $$
#
# The score function works as ever: $\partial\log\pi_j/\partial\phi_k$ is $1 - \pi_k$ if
# $k = j$, and $-\pi_k$ otherwise. Let the classes stand for $z = 0, 1, 3$, and $f = z^2$.

# %% tags=["nbval-check-output"]
phi = torch.tensor([0.5, 0.0, -0.5], dtype=torch.float64)
a = torch.tensor([0.0, 1.0, 3.0], dtype=torch.float64)
values, pi = (a**2).numpy(), phi.softmax(0).numpy()
enumerated = pi * (values - pi @ values)
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
    print(f"deviations with baseline {c:.2f}:", deviations.round(3), end=" ")
    print(f"rms {score_deviations[-1]:.3f}")

# %% tags=["proof"] jupyter={"source_hidden": true}
# @title PyTorch has the same gradient, and no path
logits = phi.clone().requires_grad_()
(logits.softmax(0) @ a**2).backward()
assert np.allclose(logits.grad, enumerated, rtol=1e-12)
assert score_deviations[1] < score_deviations[0]
assert not Categorical.has_rsample
print("Checked.")

# %% [markdown]
# One constant for all three logits: it is the best for the *sum* of the three variances. The
# second logit's estimate gets a little noisier by it. A baseline of its own for each logit
# would be best for each.
#
# With $2^{100}$ classes nobody enumerates. One way around takes the noise outside all the
# same. Add to each logit a **Gumbel** variable, $g = -\log(-\log u)$ with $u$ uniform. Then
# $\arg\max_k (\phi_k + g_k)$ is *exactly* a draw from $\pi$. The jump now sits in the
# $\arg\max$ alone, and that can be softened: with a **temperature** $\tau$,
#
# $$
# y = \mathrm{softmax}\!\left(\frac{\phi + g}{\tau}\right)
# \;\xrightarrow{\;\tau \to 0\;}\; \text{one-hot vector of the class drawn}.
# $$
#
# $y$ has a path. But it lies *between* the classes, where $f$ has to be made up: here
# $f(y) = (a \cdot y)^2$. So the gradient belongs to another problem, and is biased for ours.


# %%
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

# %% [markdown]
# **Predict before you run.** A low temperature makes the bias small. Why not take
# $\tau = 0.001$ and be done?

# %%
taus = np.array([0.05, 0.1, 0.2, 0.4, 0.8, 1.6])
relaxed = [relaxed_gradients(tau, gumbel) for tau in taus]


def size(vectors):
    return np.sqrt(np.mean(np.square(vectors), axis=-1))  # rms over the three logits


bias = size([g.mean(0) - enumerated for g in relaxed])
deviation = size([g.std(0) for g in relaxed])
steepness = np.diff(np.log(deviation)) / np.diff(np.log(taus))
print("powers of the temperature, between neighbours:", steepness.round(2))

# %% tags=["proof"] jupyter={"source_hidden": true}
# @title Hotter is more biased, and quieter
bias_error = deviation / len(gumbel) ** 0.5
assert bias[0] + 5 * bias_error[0] < bias[-1]
assert np.all(np.diff(deviation) < 0)
assert deviation[0] > max(score_deviations) > min(score_deviations) > deviation[-1]
print("Checked.")

# %% [markdown]
# Both errors, with the score function's deviation for comparison; the score function has no
# bias:

# %%
plt.loglog(taus, deviation, "s--", color=COLOURS[1])
plt.errorbar(taus, bias, bias_error, fmt="o-", capsize=5, color=COLOURS[0])
labels = ("score, no baseline", "bottom"), ("score, best baseline", "top")
for level, (name, side) in zip(score_deviations, labels):
    plt.hlines(level, 0.04, 1.7, color="black", linestyle=":")
    plt.text(1.8, level, name, va=side)
plt.text(0.045, 1.25 * deviation[0], "soft coin: deviation", color=COLOURS[1])
plt.text(0.35, 0.5 * bias[3], "soft coin: bias", color=COLOURS[0])
plt.xlim(0.04, 6)
plt.ylim(0.5 * bias[0], 2 * deviation[0])
plt.xticks(taus, taus)
plt.yticks([0.03, 0.1, 0.3, 1, 3], [0.03, 0.1, 0.3, 1, 3])
plt.minorticks_off()
plt.xlabel("temperature $\\tau$ (no units)")
plt.ylabel("error of the gradient (rms)")
plt.show()

# %% [markdown]
# *Figure: the soft coin's bias rises with the temperature; its deviation falls, from above
# both levels of the score function to below.*

# %% [markdown]
# **Answer.** It is a trade. As $\tau \to 0$ the softmax becomes a cliff: a share of about
# $\tau$ of the draws has a slope of order $1/\tau$, and the rest none. So the deviation grows
# as $\sqrt{\tau/\tau^2} = \tau^{-1/2}$ in that limit. In practice one starts warm and cools
# down. PyTorch has it as `F.gumbel_softmax` and `RelaxedOneHotCategorical`. The other way is
# to stay with the score function, which is unbiased, and to find good baselines.
#
# ## Both on one page
#
# | | score function | path |
# |---|---|---|
# | one estimate | $(f(z) - c)\,\nabla_\phi \log q_\phi(z)$ | $f'(z)\,\nabla_\phi z(\epsilon, \phi)$ |
# | of $f$ it needs | values | slopes, no jumps |
# | of $q$ it needs | $\nabla_\phi \log q_\phi$ | a smooth map from fixed noise |
# | discrete $z$ | yes | only softened, with bias |
# | variance for $z^2$, $\sigma = 1$ | $\mu^4 + 14\mu^2 + 15$; best $c$: $8\mu^2 + 6$ | 4 |
# | variance for $\sin 5z$ | 0.5 | 12.5 |
# | in PyTorch | `sample`, `log_prob`, a surrogate | `rsample` |
#
# A question for a quiet hour. Let $q$ be a mixture of two normals with weight $\phi$. Drawing a
# component and then using its $\mu_k + \sigma_k\epsilon$ gives no slope in $\phi$: why? Find a
# path by differentiating $F_\phi(z) = u$ at fixed $u$ (exercise 5 of
# [the set](../exercises/02_reparameterization.ipynb)).
#
# ## References
#
# - D. J. Rezende, S. Mohamed and D. Wierstra, *Stochastic Backpropagation and Approximate
#   Inference in Deep Generative Models*, 2014,
#   [arXiv:1401.4082](https://arxiv.org/abs/1401.4082).
# - R. J. Williams, *Simple statistical gradient-following algorithms for connectionist
#   reinforcement learning*, Machine Learning 8, 1992: the score function, as REINFORCE.
# - E. Jang, S. Gu and B. Poole, *Categorical Reparameterization with Gumbel-Softmax*, 2017,
#   [arXiv:1611.01144](https://arxiv.org/abs/1611.01144); C. J. Maddison, A. Mnih and
#   Y. W. Teh, *The Concrete Distribution*, 2017,
#   [arXiv:1611.00712](https://arxiv.org/abs/1611.00712).
