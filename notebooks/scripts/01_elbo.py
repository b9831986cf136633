# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown] slideshow={"slide_type": "slide"}
# # 1 · The ELBO
#
# Open in [Colab](https://colab.research.google.com/github/generative-models/executed/blob/v0.2.0/notebooks/01_elbo.ipynb) or on [Binder](https://mybinder.org/v2/gh/generative-models/executed/v0.2.0?urlpath=lab/tree/notebooks/01_elbo.ipynb).
#
# ## The question
#
# A source holds three isotopes. A poor detector records an alpha particle of 5.30 MeV.
# **Who sent it?** The sender is hidden, as causes usually are. A model of both, the hidden
# and the seen, is fitted by making the data probable. But often nobody can compute the
# probability of the data. **What then?**
#
# <!-- notes: Ask the class: who sent it? Show the picture on the next slide and take a
# vote before any formula. Most vote for the nearer line and forget the shares. -->

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
# @title Set-up: libraries, closed forms, figures
import math

import numpy as np
import torch
from scipy.stats import norm
from torch import nn
from torch.distributions import MultivariateNormal

from course_utils.budget import budget
from course_utils.exact.linear_gaussian import LinearGaussian, ppca_log_evidence
from course_utils.figures.diagrams import bound_bars, vae_diagram
from course_utils.figures.evidence import (
    answers_of_encoder,
    climb,
    log_weights,
    over_phi_and_theta,
    posteriors,
    prior_draws,
    prior_estimates,
    spectrum,
)
from course_utils.figures.style import use_course_style
from course_utils.widgets.posterior import posterior_explorer

use_course_style()
torch.set_default_dtype(torch.float64)

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### Three lines in one spectrum
#
# Each isotope sends alpha particles of nearly one energy. The detector smears it by
# 0.12 MeV, and three bells overlap.

# %%
isotopes = ["Pu-239", "Am-241", "Cm-244"]
share = np.array([0.3, 0.5, 0.2])  # of the decays
line = np.array([5.16, 5.49, 5.80])  # MeV
width = 0.12  # MeV

energies = np.linspace(4.7, 6.3, 401)
terms = share * norm.pdf(energies[:, None], line, width)
spectrum(energies, terms, isotopes, recorded=5.30)

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: three bells of different heights overlap, a thin line is their sum. The
# recorded energy lies between the first two.*

# %% [markdown] slideshow={"slide_type": "skip"}
# ## You will be able to
#
# - derive the **evidence lower bound** (ELBO) in two lines, and say how large its gap is;
# - explain why averages over the prior fail without a warning;
# - say which side of the central equation can be computed, what is maximized over
#   $\theta$ and what over $\phi$;
# - train a model with a hidden part up to a ceiling that you know.
#
# ## Before you start
#
# You need densities, mean values and the normal distribution. Logarithms are natural, so we
# count in **nats**. [Lesson 0](00_start_here.ipynb) has a table of symbols. All sizes stand
# in one cell; the saved outputs are those of `lecture`.

# %% slideshow={"slide_type": "skip"}
draws = budget(smoke=1_000, lecture=10_000, full=10_000)
repeats = budget(smoke=20, lecture=100, full=1_000)
steps = budget(smoke=600, lecture=600, full=3_000)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Who sent it?
#
# $z$ is the isotope, a **latent** (hidden) variable; $x$ is the energy. **Prior** $p(z)$
# times **likelihood** $p(x \mid z)$ is the **joint** density. Its sum is the **evidence**:
#
# $$
# p(x) = \sum_z p(x, z) = \sum_z p(x \mid z)\, p(z) .
# $$
#
# **Predict before you run.** Plutonium's line is nearer, americium decays more often.
# Which of them is the more probable sender?

# %% tags=["nbval-check-output"]
x = 5.30
joint = share * norm.pdf(x, line, width)  # p(x, z), three numbers
p_x = joint.sum()
posterior = joint / p_x  # Bayes' rule: p(z|x) = p(x, z) / p(x)
for name, p_xz, p_zx in zip(isotopes, joint, posterior, strict=True):
    print(f"{name}: p(x,z) = {p_xz:.4f}, p(z|x) = {p_zx:.4f}")
print(f"p(x) = {p_x:.4f} per MeV, log p(x) = {np.log(p_x):.4f} nats")

# %% [markdown] slideshow={"slide_type": "skip"}
# **Answer.** Plutonium, by a hair: 52 % against 48 %. These three numbers are the
# **posterior** $p(z \mid x)$: what we know of $z$ once $x$ is seen.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A column that repeats
#
# Divide the joint density by the posterior, once for each isotope:

# %% tags=["nbval-check-output"]
for name, ratio in zip(isotopes, joint / posterior, strict=True):
    print(f"{name}: p(x,z) / p(z|x) = {ratio:.4f}")

# %% [markdown]
# Bayes' rule, turned around, says why:
#
# $$
# p(x) = \frac{p(x, z)}{p(z \mid x)} \qquad \text{for every } z .
# $$
#
# **Whoever knows the posterior needs no sum.** One $z$ is enough.
#
# <!-- notes: Wait until somebody says that the left side has no z in it. Then ask what
# is circular here: we made the posterior by dividing by p(x). -->

# %% [markdown] slideshow={"slide_type": "skip"}
# The left side knows nothing of $z$, so the right side must not depend on it either. The
# whole lesson grows out of this column. There is a catch: we made the posterior by dividing
# by $p(x)$. In most models the joint density is easy to compute and the posterior is not.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A guess in the posterior's place
#
# Put a distribution $q(z)$ of your own choice there. The ratio $w(z) = p(x, z)/q(z)$, a
# **weight**, is no longer the same for every $z$. Take the mean of its logarithm:
#
# $$
# \mathrm{ELBO} = \mathbb E_q[\log w(z)] = \sum_z q(z) \log \frac{p(x, z)}{q(z)} .
# $$

# %% [markdown] slideshow={"slide_type": "skip"}
# $\mathbb E_q$ is the mean over $z$ drawn from $q$.


# %%
def source_elbo(q):
    log_w = np.log(joint / q)
    return (q * log_w).sum(-1)


guess = np.array([0.6, 0.3, 0.1])
print(f"log w of our guess: {np.log(joint / guess).round(4)}")
print(f"ELBO {source_elbo(guess):.4f}, log p(x) {np.log(p_x):.4f}")

# %% [markdown] slideshow={"slide_type": "subslide"}
# With the posterior, $\log w$ is flat. With our guess it is not, and its mean, the ELBO, is
# too low. What is missing is the **gap**.

# %%
panels = {
    "q is the posterior": (posterior, np.log(joint / posterior)),
    "q is our guess": (guess, np.log(joint / guess)),
}
log_weights(panels, isotopes, np.log(p_x))

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: left, three dots on one horizontal line. Right, two dots near the line and one
# far below it; the dashed mean lies lower.*

# %% [markdown] slideshow={"slide_type": "skip"}
# Curium makes most of the gap. Our guess gives it a tenth, and the posterior almost
# nothing. There $w$ is tiny and its logarithm very negative. **The ELBO punishes a $q$ for
# being where the posterior is not.**
#
# The gap closes if $\log w$ is flat wherever $q$ is, *and* $q$ leaves out nothing that the
# posterior has. Both are needed. The choice $q = (1, 0, 0)$ has a single weight, so it is
# flat. But it leaves out americium, and it has a gap.
# [Deeper: how flat is tight](deeper/01_bounds.ipynb).

# %% tags=["proof"] jupyter={"source_hidden": true} slideshow={"slide_type": "skip"}
# @title Proof: the gap of q = (1, 0, 0)
left_out = np.log(p_x) - np.log(joint[0] / 1.0)
assert math.isclose(left_out, -np.log(posterior[0]), rel_tol=1e-12)
print(f"gap {left_out:.4f} nats, minus the logarithm of what q has of the posterior")

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### Can a clever guess beat $\log p(x)$?
#
# **Predict before you run.** A $q$ is three shares that add up to 1. Can you choose them so
# that the ELBO is *larger* than $\log p(x)$?
#
# <!-- notes: Somebody will say that the weight of americium is above p(x). True: one log
# weight may exceed log p(x). Their mean under q may not. -->

# %% tags=["nbval-check-output"] slideshow={"slide_type": "skip"}
tries = np.random.default_rng(2).dirichlet(np.ones(3), size=100_000)
elbos = source_elbo(tries)
best = tries[elbos.argmax()]
print(f"best of {len(tries):,} tries: q = {best.round(3)}, ELBO {elbos.max():.4f}")

# %% [markdown] slideshow={"slide_type": "skip"}
# Three choices: how far does each ELBO reach?

# %%
choices = {"the prior": share, "our guess": guess, "the best of 100,000 tries": best}
bound_bars(np.log(p_x), [source_elbo(q) for q in choices.values()], list(choices))

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: three bars; in each the ELBO and the gap add up to the same log p(x). The last
# has no visible gap.*

# %% [markdown] slideshow={"slide_type": "skip"}
# **Answer.** No. The best of all tries stops just below, and it is nearly the posterior. A
# better $q$ turns gap into ELBO; their sum stays. ("KL" is the gap's name: next section.)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Two lines of algebra
#
# Bayes' rule at each $z$, then the mean under $q$:
#
# $$
# \log w(z) = \log p(x) - \big[\log q(z) - \log p(z \mid x)\big]
# $$
#
# $$
# \boxed{\;\mathrm{ELBO} = \log p(x) -
# \underbrace{\mathbb E_q\left[\log q(z) - \log p(z \mid x)\right]}_{\mathrm{KL}(q(z) \,\|\, p(z \mid x)) \;\ge\; 0}\;}
# $$
#
# The gap has a name, the **Kullback-Leibler divergence** (KL), and it is never negative.
#
# <!-- notes: Let the class find line 1: p(x, z) = p(x) p(z|x), divide by q, take the
# logarithm. In line 2 ask: why does log p(x) not change under the mean? -->

# %% [markdown] slideshow={"slide_type": "skip"}
# Line 1 is $p(x, z) = p(x)\, p(z \mid x)$, divided by $q(z)$. In line 2 the constant
# $\log p(x)$ is its own mean. No more is needed.
#
# **Why is a KL never negative?** For every $t > 0$, $\log t \le t - 1$: the logarithm lies
# below its tangent at 1. So
#
# $$
# -\mathrm{KL}(q \,\|\, p) = \mathbb E_q\Big[\log \frac{p(z)}{q(z)}\Big]
# \le \mathbb E_q\Big[\frac{p(z)}{q(z)} - 1\Big] \le 1 - 1 = 0 .
# $$
#
# It is zero only if $p = q$. The mean is taken under the *first* argument, so the order
# matters. Hence the name: the ELBO is a **lower bound** of the log **evidence**.
#
# **Why "variational"?** The unknown is a whole distribution, and we *vary* it. In quantum
# mechanics, too, any trial state gives a mean energy that is never below the ground
# state's, and one varies the trial state. Here $q$ is the trial state, and minus the ELBO
# the energy.

# %% tags=["proof"] jupyter={"source_hidden": true} slideshow={"slide_type": "skip"}
# @title Proof: ELBO + KL is log p(x) for each of the 100,000 tries
kl = (tries * np.log(tries / posterior)).sum(1)
assert np.abs(elbos + kl - np.log(p_x)).max() < 1e-10
assert kl.min() > 0
assert math.isclose(source_elbo(posterior), np.log(p_x), rel_tol=1e-12)
print("ELBO + KL = log p(x) to 1e-10 for all of them")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Move $q$ yourself
#
# Now $z$ is a number: $z \sim \mathcal N(0, 1)$, seen as $x = z + 0.8\,\epsilon$ with
# standard normal noise; we recorded $x = 1.5$. Slide the mean and the width of a normal $q$.
#
# **Predict before you run.** Both bars move. Does the dashed line?
#
# <!-- notes: Let one student steer for the smallest gap and the others call out. When
# the bars meet, ask what q is now. -->

# %%
posterior_explorer()

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: left, the ELBO's bar and the bar of the KL meet at a dashed line. Right, q, here
# the prior, beside the narrower posterior.*

# %% [markdown] slideshow={"slide_type": "skip"}
# **Answer.** It stays. $\log p(x)$ does not contain $q$, so what the gap loses the ELBO
# gains. (On your machine there are two sliders; a saved page has their first picture.)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The sum becomes an integral
#
# Two hidden amplitudes $z$ move three channels, and each channel adds noise:
#
# $$
# x = W z + b + \sigma\epsilon, \qquad p(x) = \int p(x \mid z)\, p(z)\, dz .
# $$
#
# Why not draw $z$ from the prior, and average $p(x \mid z)$?
#
# <!-- notes: Ask which dots matter. Those in the ellipse: the others could hardly have
# produced this x. With two amplitudes one in five does it. Then: and with twenty? -->

# %% [markdown] slideshow={"slide_type": "skip"}
# Both $z$ and $\epsilon$ are standard normal vectors. The model's parameters are called
# $\theta = (W, b, \sigma)$. With a neural network in the place of $W z + b$ nobody can do the
# integral. Here we can: a sum of normals is normal, and covariances add up. So $x$ is normal
# with mean $b$ and covariance $W W^\top + \sigma^2 I$.


# %% tags=["nbval-check-output"] slideshow={"slide_type": "skip"}
def log_evidence(x, W, b, sigma):
    covariance = W @ W.T + sigma**2 * torch.eye(len(b))
    return MultivariateNormal(b, covariance).log_prob(x)


W = torch.tensor([[1.0, 0.8], [0.2, 0.9], [0.8, 0.3]])
b, sigma = torch.tensor([0.5, 0.0, -0.5]), torch.tensor(0.6)
x = torch.tensor([[2.3, 1.2, -0.7]])  # one measurement
print(f"log p(x) = {log_evidence(x, W, b, sigma).item():.4f} nats")

# %% [markdown] slideshow={"slide_type": "skip"}
# **The posterior is normal, too.** As a function of $z$,
#
# $$
# \log p(x, z) = -\frac{|x - b - W z|^2}{2\sigma^2} - \frac{|z|^2}{2} + \text{const}
# $$
#
# is a parabola that opens downwards, and the exponential of such a parabola is a normal. Its
# precision (the inverse of the covariance) is the parabola's curvature, $M$. Its mean
# $\bar z$ is the peak, where the slope in $z$ vanishes:
#
# $$
# \boxed{\;M = I + \frac{W^\top W}{\sigma^2}, \qquad
# M \bar z = \frac{W^\top (x - b)}{\sigma^2}\;}
# $$

# %% slideshow={"slide_type": "skip"}
M = torch.eye(2) + W.T @ W / sigma**2
post_cov = torch.linalg.inv(M)
post_mean = (x - b) @ W @ post_cov / sigma**2
rng = np.random.default_rng(1)
z = rng.standard_normal((1_000, 2))  # from the prior

# %% [markdown] slideshow={"slide_type": "skip"}
# Only draws near the posterior tell us anything. The others could hardly have produced
# this $x$. The ellipse is two standard deviations wide, and one draw in five lands in it.
# With two amplitudes the prior still does well.

# %%
prior_draws(z, post_mean[0].numpy(), post_cov.numpy())

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: a round cloud of grey dots. A slanted ellipse beside its middle holds a fifth of
# them, in black.*

# %% tags=["proof"] jupyter={"source_hidden": true} slideshow={"slide_type": "skip"}
# @title Proof: evidence and posterior are those of the closed forms
bench = LinearGaussian(W.numpy(), b.numpy(), sigma.item())
mean, cov = bench.posterior(x.numpy())
assert abs(bench.log_evidence(x.numpy()) - log_evidence(x, W, b, sigma).numpy()) < 1e-10
assert np.abs(mean - post_mean.numpy()).max() < 1e-12
assert np.abs(cov - post_cov.numpy()).max() < 1e-12
print("evidence and posterior agree with course_utils.exact")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Twenty amplitudes
#
# Give each of $k$ amplitudes a channel of its own, with noise of 0.5. The evidence is the
# mean of $p(x \mid z)$ over the prior: unbiased, no grid, any $k$.
#
# **Predict before you run.** One amplitude needs 160 draws for an error of 10 %. How many
# do twenty need?

# %% tags=["nbval-check-output"]
x_1 = math.sqrt(1.25)  # a typical value: one standard deviation of p(x)
grid = np.linspace(-8, 8, 4_001)
ratio = norm.pdf(x_1, grid, 0.5) / norm.pdf(x_1, 0, math.sqrt(1.25))  # p(x|z)/p(x)
factor = np.trapezoid(norm.pdf(grid) * ratio**2, grid)
for k in (1, 10, 20, 100):
    print(f"k = {k:3}: {(factor**k - 1) / 0.1**2:.1e} draws")

# %% [markdown] slideshow={"slide_type": "skip"}
# **Answer.** Twenty billion. The ratio $p(x \mid z)/p(x)$ has the mean 1 under the prior, so
# the variance of one draw is its mean square minus 1, and $n$ draws divide that by $n$. For
# independent amplitudes the mean squares multiply, by 2.6 for each. Nobody draws
# $10^{43}$ points. [Deeper: the same for any linear model](deeper/01_bounds.ipynb).
#
# What happens to somebody who tries with ten thousand draws? Each run below makes an
# estimate *and its own error bar*, as one does: the scatter of the draws, divided by
# the root of their number.

# %% slideshow={"slide_type": "skip"}
dimensions = [1, 2, 3, 5, 7, 10, 15, 20]
errors, covered = np.empty((2, len(dimensions), repeats))
for row, k in enumerate(dimensions):
    log_p = k * norm.logpdf(x_1, 0, math.sqrt(1.25))
    for run in range(repeats):
        z = rng.standard_normal((draws, k))
        ratio = np.exp(norm.logpdf(x_1, z, 0.5).sum(1) - log_p)  # its mean should be 1
        error_bar = ratio.std() / math.sqrt(draws)
        errors[row, run] = math.log(ratio.mean())
        covered[row, run] = abs(ratio.mean() - 1) < 2 * error_bar

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### Confident and wrong
#
# One dot is one run of 10,000 draws. An honest error bar of $\pm 2$ holds the truth in 95 %
# of the runs.
#
# <!-- notes: Ask: what would you see if you had only one run? A number and a small error
# bar. Let them say what is missing. -->

# %%
prior_estimates(dimensions, errors, covered.mean(1))

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: left, dots tight around zero for few amplitudes, many nats below it for twenty.
# Right, the share of honest error bars falls from 95 % to almost nothing.*

# %% slideshow={"slide_type": "skip"} tags=["proof"] jupyter={"source_hidden": true}
# @title Proof: the numbers of the last dimension
print(
    f"k = 20: median error {np.median(errors[-1]):.1f} nats, "
    f"{covered[-1].sum():.0f} of {repeats} error bars hold p(x)"
)

# %% [markdown] slideshow={"slide_type": "skip"}
# At twenty amplitudes the typical estimate is too small by a factor of several hundred, and
# hardly an error bar reaches the truth. The mean is made by rare draws of enormous weight. A
# run that has seen none of them has too small a mean, *and* too small a scatter. **It does
# not notice that it fails.**

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The central equation
#
# The remedy: draw $z$ where it may have produced this $x$, from $q$. With
# $\log p(x, z) = \log p(x \mid z) + \log p(z)$ the ELBO splits in two:
#
# $$
# \boxed{\;
# \log p_\theta(x) - \underbrace{\mathrm{KL}\big(q(z) \,\|\, p_\theta(z \mid x)\big)}_{\text{gap}}
# = \underbrace{\mathbb E_q\left[\log p_\theta(x \mid z)\right]}_{\text{reconstruction}}
# - \underbrace{\mathrm{KL}\big(q(z) \,\|\, p(z)\big)}_{\text{kl}}
# \;}
# $$
#
# | side | needs | computable? |
# |---|---|---|
# | left | an integral over all $z$, in both of its terms | no |
# | right | means under $q$, from which we can draw | **yes** |
#
# <!-- notes: Ask for the joint density of the model: likelihood times prior, both known.
# Then let the class say why neither term on the left can be had alone. -->

# %% [markdown] slideshow={"slide_type": "skip"}
# Two KLs appear. The one on the left, to the posterior, is the gap. The one on the right,
# to the prior, is a term of the ELBO. On the left the unknown $\log p_\theta(x)$ sits in
# both terms and cancels. The price: the ELBO alone cannot tell a poor model from a poor $q$.
# [Deeper: six lines, each evaluated on a grid](deeper/01_bounds.ipynb).

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### Both terms for a normal $q$
#
# Let $q$ have the means $m_j$ and the standard deviations $s_j$. All we need is
# $\mathbb E_q[z_j^2] = m_j^2 + s_j^2$:
#
# $$
# \mathbb E_q |x - b - W z|^2 = |x - b - W m|^2 + \sum_j s_j^2\, |W_j|^2
# $$
#
# $$
# \mathrm{KL}\big(q(z) \,\|\, p(z)\big) = \tfrac12 \sum_j \big(m_j^2 + s_j^2 - 1 - \log s_j^2\big)
# $$


# %%
def gaussian_elbo(x, W, b, sigma, m, s):
    """Of x (rows, d) for q = N(m, diag(s^2)), m (rows, k), s (k,): nats, (rows,)."""
    error = (x - b - m @ W.T).square().sum(-1) + (W.square() * s**2).sum()
    log_scale = torch.log(2 * math.pi * sigma**2) / 2
    reconstruction = -error / (2 * sigma**2) - len(b) * log_scale
    kl = 0.5 * (m.square() + s**2 - 1 - torch.log(s**2)).sum(-1)
    return reconstruction - kl


# %% [markdown] slideshow={"slide_type": "skip"}
# $W_j$ is the $j$-th column of $W$. In the KL, $\mathbb E_q[\log q]$ gives
# $-\tfrac12(\log 2\pi s_j^2 + 1)$ for each $j$, and $\mathbb E_q[\log p]$ gives
# $-\tfrac12(\log 2\pi + m_j^2 + s_j^2)$. The second line stands in every VAE program.
#
# Without a closed form one draws. Back to twenty amplitudes, with a $q$ set by eye: mean 1,
# standard deviation 0.6, the same number of draws.

# %% slideshow={"slide_type": "skip"}
one, noise = torch.ones(1, 1), torch.tensor(0.5)
exact = 20 * gaussian_elbo(x_1 * one, one, 0 * one[0], noise, one, 0.6 * one[0]).item()
held = 0
for _ in range(repeats):
    z = rng.normal(1, 0.6, (draws, 20))
    log_w = norm.logpdf(x_1, z, 0.5) + norm.logpdf(z) - norm.logpdf(z, 1, 0.6)
    log_w = log_w.sum(1)  # the amplitudes are independent
    error_bar = log_w.std() / math.sqrt(draws)
    held += abs(log_w.mean() - exact) < 2 * error_bar
print(f"exact ELBO {exact:.3f}; last run {log_w.mean():.3f} ± {error_bar:.3f}")
print(f"log p(x)   {log_p:.3f}; {held} of {repeats} error bars hold the exact ELBO")

# %% [markdown] slideshow={"slide_type": "skip"}
# Now the error bars are honest: the logarithm has tamed the weights. We pay with the gap. We
# know the *bound* well, and it lies below $\log p(x)$.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Who moves what?
#
# Let $\phi$ be the numbers that make $q$. Over $\phi$ only the gap can move. Over $\theta$
# the evidence moves, *and* the gap.
#
# <!-- notes: Ask before the picture: can the ELBO rise while log p(x) falls? Over theta,
# yes. Let them find it in the right panel, left of the black dot. -->


# %% tags=["setup"] jupyter={"source_hidden": true} slideshow={"slide_type": "skip"}
# @title Set-up: the ELBO of the sliders' model, along q and along sigma
def line_elbo(m, s, noise):
    x, one, zero = torch.tensor([[1.5]]), torch.ones(1, 1), torch.zeros(1)
    noise = torch.tensor(float(noise))
    return gaussian_elbo(x, one, zero, noise, m * one, s * one[0]).item()


best_m, best_s = 1.5 / 1.64, math.sqrt(0.64 / 1.64)  # of the posterior, by the box
way, noises = np.linspace(0, 1, 51), np.linspace(0.35, 2, 111)
on_the_way = [line_elbo(t * best_m, 1 + t * (best_s - 1), 0.8) for t in way]
swept = [line_elbo(best_m, best_s, noise) for noise in noises]
swept_evidence = norm.logpdf(1.5, 0, np.sqrt(1 + noises**2))
over_phi = way, np.array(on_the_way), norm.logpdf(1.5, 0, math.sqrt(1.64))
over_theta = noises, np.array(swept), swept_evidence
assert np.all(np.diff(on_the_way) > 0)
assert np.all(over_theta[1] <= swept_evidence + 1e-12)

# %% [markdown] slideshow={"slide_type": "skip"}
# The model is that of the sliders. Left: $q$ goes from the prior to the posterior. Right:
# $q$ is held at the posterior for $\sigma = 0.8$, and the model's $\sigma$ moves.

# %%
labels = ("way of q from prior to posterior", "noise σ of the model")
over_phi_and_theta(over_phi, over_theta, labels)

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: left, the ELBO climbs to a level dashed line. Right, it touches a dashed curve
# that moves too; dots mark two different peaks.*

# %% tags=["proof"] jupyter={"source_hidden": true} slideshow={"slide_type": "skip"}
# @title Proof: where the two peaks are
top, bound_top = (noises[curve.argmax()] for curve in (swept_evidence, over_theta[1]))
print(f"largest log p(x) at sigma {top:.2f}, largest ELBO at {bound_top:.2f}")

# %% [markdown] slideshow={"slide_type": "skip"}
# - **Over $\phi$**: $\log p_\theta(x)$ stays, the gap shrinks, $q$ approaches the posterior.
# - **Over $\theta$**: the data become more probable, *or* the posterior becomes easier for
#   this $q$. The two peaks on the right are not at the same place. A model that is fitted
#   with a poor $q$ is pulled to where that $q$ is less poor.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## One encoder for all
#
# So far each $x$ had its own $q$. Instead a function, the **encoder**, reads $x$ and answers
# with $q_\phi(z \mid x)$. The search is **amortized**: one $\phi$ serves all. Lines: the
# exact posterior. Dots: an encoder of six numbers.
#
# <!-- notes: Ask how many searches sixty thousand measurements would need without an
# encoder, and what one has to do for measurement 60,001. -->

# %% slideshow={"slide_type": "skip"} tags=["setup"] jupyter={"source_hidden": true}
# @title Set-up: two thousand particles from the source
senders = np.random.default_rng(3).choice(3, size=2_000, p=share)
seen = np.random.default_rng(4).normal(line[senders], width)
particles = torch.from_numpy(seen)[:, None]  # MeV, one a row
log_joint = torch.from_numpy(
    np.log(share) + norm.logpdf(seen[:, None], line, width)
)  # log p(x, z), (2000, 3)
log_p_seen = log_joint.logsumexp(1)

# %% [markdown] slideshow={"slide_type": "skip"}
# We take two thousand particles of our source. The encoder is a line for each isotope, with
# a slope and a height, and a softmax: six numbers in all. Its objective is the mean of the
# ELBO that you know.


# %% slideshow={"slide_type": "skip"}
lines = nn.Linear(1, 3)  # phi: three slopes, three heights


def encode(x):  # log q(z|x)
    return lines((x - 5.45) / 0.25).log_softmax(-1)


def particle_elbo():
    log_q = encode(particles)
    return (log_q.exp() * (log_joint - log_q)).sum(-1)  # the mean of log w under q


# %% [markdown] slideshow={"slide_type": "skip"}
# Adam is gradient ascent with a step that adapts itself. We note the ELBO and $\log p(x)$
# as it climbs.


# %% slideshow={"slide_type": "skip"}
def climb_elbo(elbo, evidence, parameters, steps, rate=0.02):
    adam = torch.optim.Adam(parameters, lr=rate, maximize=True)
    record = []
    for _ in range(steps):
        objective = elbo().mean()
        adam.zero_grad()
        objective.backward()
        adam.step()
        record.append((objective.item(), evidence().mean().item()))
    return np.array(record).T


torch.manual_seed(5)
lines.reset_parameters()
elbos, _ = climb_elbo(
    particle_elbo, lambda: log_p_seen, lines.parameters(), steps, rate=0.1
)
print(
    f"gap before {log_p_seen.mean() - elbos[0]:.4f}, after {log_p_seen.mean() - elbos[-1]:.6f}"
)

# %% [markdown] slideshow={"slide_type": "skip"}
# The encoder also answers where no particle was:

# %%
places = np.linspace(4.8, 6.2, 29)
with torch.no_grad():
    answers = encode(torch.from_numpy(places)[:, None]).exp().numpy()
exact = terms / terms.sum(1, keepdims=True)
answers_of_encoder(energies, exact, places, answers, isotopes)

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: three curves that hand over from isotope to isotope as the energy grows; dots of
# the encoder lie on them.*

# %% [markdown] slideshow={"slide_type": "skip"}
# The fit is this good for a reason. All bells are equally wide, so the logarithm of a ratio
# of two posteriors is linear in $x$, and lines are what the encoder has. As a rule an encoder
# fits less well. [Deeper: what the encoder costs, and what the family of $q$
# costs](deeper/01_encoders.ipynb).

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A VAE
#
# From $x$ to $q$, from $z$ back to $x$: hence **autoencoder**. In its middle stands a
# distribution that we vary: hence **variational**.
#
# <!-- notes: Let a student point out theta, phi, the two terms of the ELBO, and the one
# place where chance comes in. How a gradient passes there is lesson 2. -->

# %%
vae_diagram("three channels", "two numbers each", "three means")

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: x, encoder, mu and sigma; noise joins them to make z; decoder, and a distribution
# of x. The two terms of the ELBO are marked.*

# %% [markdown] slideshow={"slide_type": "skip"}
# In the **variational autoencoder** (VAE) of the picture the encoder answers with a mean and
# a standard deviation for each amplitude: our $m$ and $s$, in the picture $\mu$ and $\sigma$,
# as in most programs. Encoder and decoder are networks. Here both are linear maps, and our two
# lines are exact, so nothing is drawn in training.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## How high can it get?
#
# Take 500 measurements of our three channels; forget $W$, $b$ and $\sigma$. **No normal
# makes data more probable than the one with the data's own mean and covariance.** With $S$
# the covariance of the data and $d = 3$ its mean $\log p(x)$ is the ceiling:
#
# $$
# \text{ceiling} = -\tfrac12 \big( d \log 2\pi + \log\det S + d \big) .
# $$
#
# <!-- notes: Ask: why can no other normal do better? Its distance below the ceiling is a
# KL between two normals, and the class knows the sign of a KL. -->

# %% [markdown] slideshow={"slide_type": "skip"}
# *Why?* The mean of a normal's $\log p(x)$ over data contains only the data's mean and
# covariance. So we may replace the data by a normal that has both. How far another normal
# stays below is then a KL of two normals, and never negative. *Can our model reach it?* Let
# $\sigma^2$ be the smallest eigenvalue of $S$. Then $S - \sigma^2 I$ has rank two, and two
# amplitudes can make it: $W W^\top + \sigma^2 I = S$. [Deeper: any number of channels, or
# **probabilistic PCA**](deeper/01_encoders.ipynb).

# %% tags=["nbval-check-output"]
data = torch.from_numpy(bench.sample(500, seed=9)[0])
S = torch.cov(data.T, correction=0)
ceiling = -0.5 * (3 * math.log(2 * math.pi) + torch.logdet(S).item() + 3)
print(f"nothing can be better than {ceiling:.4f} nats a measurement")

# %% slideshow={"slide_type": "skip"} tags=["proof"] jupyter={"source_hidden": true}
# @title Proof: the 0.24 nats, and the ceiling in its general form
best_s = M.diagonal() ** -0.5
slant = log_evidence(x, W, b, sigma) - gaussian_elbo(x, W, b, sigma, post_mean, best_s)
assert abs(slant.item() - bench.diagonal_gap()) < 1e-10
general = ppca_log_evidence(np.linalg.eigvalsh(S.numpy()), latent_dim=2)
assert abs(ceiling - general) < 1e-10
print(f"gap of the best q without slant, at the true W: {slant.item():.4f} nats")

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### Train it
#
# The posterior of the true $W$ is slanted. Our $q$ has no slant, and at best it stays 0.24
# nats below $\log p(x)$.
#
# **Predict before you run.** Where will the ELBO end: 0.24 below the ceiling, or at it?
#
# <!-- notes: Most expect 0.24 below: q cannot be slanted. Wait for somebody who asks
# whether the model is free to change. -->

# %% slideshow={"slide_type": "skip"}
torch.manual_seed(10)
encoder, decoder = nn.Linear(3, 2), nn.Linear(2, 3)
log_sigma, log_s = nn.Parameter(torch.zeros(())), nn.Parameter(torch.zeros(2))
theta = [*decoder.parameters(), log_sigma]
phi = [*encoder.parameters(), log_s]


def model():
    return decoder.weight, decoder.bias, log_sigma.exp()


elbos, evidences = climb_elbo(
    lambda: gaussian_elbo(data, *model(), encoder(data), log_s.exp()),
    lambda: log_evidence(data, *model()),
    [*theta, *phi],
    steps,
)
print(f"ceiling - ELBO after {steps} steps: {abs(ceiling - elbos[-1]):.4f} nats")

# %% [markdown] slideshow={"slide_type": "skip"}
# The ELBO in colour, the evidence of the same model above it, the gap in grey:

# %%
climb(elbos, evidences, ceiling)

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: a coloured curve and a thin black one above it rise to a dashed ceiling; the grey
# between them vanishes.*

# %% [markdown] slideshow={"slide_type": "skip"}
# **Answer.** At the ceiling. The gap went to zero although $q$ has no slant.

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### The model turned to please $q$
#
# Turn $W$ by a rotation $R$. Then $(WR)(WR)^\top = W W^\top$, so $p(x)$ stays the same. But
# the posterior turns with it.

# %% tags=["setup"] jupyter={"source_hidden": true} slideshow={"slide_type": "skip"}
# @title Set-up: both posteriors, by the box, and the q of each
with torch.no_grad():
    learnt, _, learnt_sigma = model()
    cov = torch.linalg.inv(torch.eye(2) + learnt.T @ learnt / learnt_sigma**2)
    learnt_q = log_s.mul(2).exp().diag()
    learnt_m = encoder(x)[0]
made = (post_mean[0].numpy(), post_cov.numpy(), (1 / M.diagonal()).diag().numpy())
found = (learnt_m.numpy(), cov.numpy(), learnt_q.numpy())

# %% [markdown] slideshow={"slide_type": "skip"}
# Left the model that made the data, right the one that was learnt, for the same $x$:

# %%
posteriors({"true W, gap 0.24 nats": made, "learnt W, no gap": found})

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: left, a slanted ellipse and a smaller dashed circle. Right, an ellipse without
# slant and a dashed one on top of it.*

# %% [markdown] slideshow={"slide_type": "skip"}
# Among all $W$ with the same evidence, the training found one whose posterior has no slant.
# That is "easier for this $q$" at work.
#
# Left is the best $q$ without slant. Set the derivative of our two lines in $s_j^2$ to zero:
# $1/s_j^2 = 1 + |W_j|^2/\sigma^2$, the entry $M_{jj}$ of the box. Along each *axis* this $q$ is
# narrower than the posterior, along the ellipse's short diameter it is wider.
# [Deeper: why](deeper/01_bounds.ipynb).

# %% tags=["proof"] jupyter={"source_hidden": true} slideshow={"slide_type": "skip"}
# @title Proof: nothing beats the ceiling, and the ELBO reaches it
assert max(evidences) < ceiling + 1e-10
assert np.all(elbos < evidences + 1e-10)
assert ceiling - elbos[-1] < 0.01
cosine = (learnt[:, 0] @ learnt[:, 1] / learnt.norm(dim=0).prod()).abs().item()
print(f"cosine between the columns of the learnt W: {cosine:.4f}")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What could go wrong
#
# - **A rising ELBO taken for a better model.** It may be the gap that shrinks.
# - **The KL the wrong way round.** The mean is taken under the first argument.
# - **Believing an average over the prior.** It is usually too low, and its error bar looks
#   fine.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Summary
#
# 1. $p(x, z)/p(z \mid x)$ is $p(x)$, for every $z$.
# 2. With a guess $q$ instead, the mean of the log ratio is the ELBO, never above $\log p(x)$.
# 3. What is missing is $\mathrm{KL}(q \,\|\, \text{posterior})$.
# 4. The ELBO is computable: reconstruction minus kl.
# 5. Raising it over $\phi$ closes the gap; over $\theta$ it improves the model, or helps $q$.

# %% [markdown] slideshow={"slide_type": "skip"}
# All formulas fit [on a page](elbo_on_a_page.ipynb). Next: [lesson
# 2](02_reparameterization.ipynb), where a gradient passes through a draw.
#
# ## Exercises
#
# [The set of this lesson](exercises/01_elbo.ipynb) has stubs to fill in, and checks that
# answer. Two questions to think about:
#
# 1. *Easy.* What is the gap if $q$ is the prior? Write it as a KL, and mind the order.
# 2. *Hard.* In twenty dimensions, draw from a normal $q$ and average $p(x, z)/q(z)$. At which
#    $q$ is the variance zero, and what happens if $q$ is too *narrow*?

# %% [markdown] slideshow={"slide_type": "skip"}
# ## References
#
# - D. P. Kingma and M. Welling, *An Introduction to Variational Autoencoders*, 2019,
#   [arXiv:1906.02691](https://arxiv.org/abs/1906.02691).
# - D. M. Blei, A. Kucukelbir and J. D. McAuliffe, *Variational Inference: A Review for
#   Statisticians*, 2017, [arXiv:1601.00670](https://arxiv.org/abs/1601.00670).
