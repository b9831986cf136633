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
# vote before any formula. Tempting: the nearer peak, with the shares forgotten. -->

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
from course_utils.widgets.posterior import posterior_explorer, posterior_terms

use_course_style()
torch.set_default_dtype(torch.float64)

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### Three peaks in one detector
#
# Each isotope sends alpha particles of nearly one energy, its **peak**. The detector smears
# it by 0.12 MeV, and the three bells overlap.

# %%
isotopes = ["Pu-239", "Am-241", "Cm-244"]
peak = np.array([5.16, 5.49, 5.80])  # MeV
width = 0.12  # MeV

energies = np.linspace(4.7, 6.3, 401)
bells = norm.pdf(energies[:, None], peak, width)
spectrum(energies, bells, isotopes, recorded=5.30)

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: three equally high bells overlap. The recorded energy lies between the first two,
# nearer to plutonium's peak.*

# %% [markdown] slideshow={"slide_type": "skip"}
# ## You will be able to
#
# - derive the **evidence lower bound** (ELBO) in two steps, and say how large its gap is;
# - explain why averages over the prior fail without a warning;
# - say which side of the central equation can be computed, what is maximized over
#   $\theta$ and what over $\phi$;
# - train a model with a hidden part up to a ceiling that you know.
#
# ## Before you start
#
# You need densities, mean values and the normal distribution. Logarithms are natural, so we
# count in **nats**. [Lesson 0](00_start_here.ipynb) has a table of symbols and of sizes. The
# saved outputs are those of the size `lecture`.

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
# **Predict before you run.** Plutonium's peak is nearer. But only 30 % of the decays are
# plutonium's, and 50 % are americium's. Who is the more probable sender?

# %% tags=["nbval-check-output"]
share = np.array([0.3, 0.5, 0.2])  # of the decays
x = 5.30
joint = share * norm.pdf(x, peak, width)  # p(x, z), three numbers
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
# The left side knows nothing of $z$, so the right side must not depend on it either. There
# is a catch. We made the posterior by dividing by $p(x)$. In most models the joint density
# is easy to compute and the posterior is not.

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
# *Figure: the solid line is log p(x), just below 0. Left, three dots and the dashed mean lie
# on it. Right, one dot is far below, and the mean lies lower.*

# %% [markdown] slideshow={"slide_type": "skip"}
# Curium alone adds 0.68 nats to the gap, more than the whole 0.62. Americium, whose dot is
# above the line, takes some back. Our guess gives curium a tenth, and the posterior almost
# nothing. So $w$ is tiny there, and its logarithm very negative. **The ELBO punishes a $q$
# for being where the posterior is not.**
#
# The gap closes if $\log w$ is flat wherever $q$ is, *and* $q$ leaves out nothing that the
# posterior has. Both are needed. The choice $q = (1, 0, 0)$ has a single weight, so it is
# flat. But it leaves out americium, and it has a gap.
# [Deeper: how flat is tight](deeper/01_bounds.ipynb).

# %% tags=["proof"] jupyter={"source_hidden": true} slideshow={"slide_type": "skip"}
# @title Check: the gap of q = (1, 0, 0)
left_out = np.log(p_x) - np.log(joint[0] / 1.0)
assert math.isclose(left_out, -np.log(posterior[0]), rel_tol=1e-12)
print(f"gap {left_out:.4f} nats: minus the log of plutonium's posterior probability")

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
# Three choices of $q$:

# %%
choices = {"the prior": share, "our guess": guess, "the best of 100,000 tries": best}
bound_bars(np.log(p_x), [source_elbo(q) for q in choices.values()], list(choices))

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: three bars; in each the ELBO and the gap add up to the same log p(x). The last
# has no visible gap.*

# %% [markdown] slideshow={"slide_type": "skip"}
# **Answer.** None of the tries did, and the best is nearly the posterior. The proof follows.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Two steps of algebra
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
# <!-- notes: Let the class find step 1: p(x, z) = p(x) p(z|x), divide by q, take the
# logarithm. In step 2 ask: why does log p(x) not change under the mean? -->

# %% [markdown] slideshow={"slide_type": "skip"}
# Step 1 is $p(x, z) = p(x)\, p(z \mid x)$, divided by $q(z)$. In step 2 the constant
# $\log p(x)$ is its own mean.
#
# **Why is a KL never negative?** For every $t > 0$, $\log t \le t - 1$: the logarithm lies
# below its tangent at 1. So
#
# $$
# -\mathrm{KL}(q \,\|\, p) = \mathbb E_q\Big[\log \frac{p(z)}{q(z)}\Big]
# \le \mathbb E_q\Big[\frac{p(z)}{q(z)} - 1\Big] \le 1 - 1 = 0 .
# $$
#
# The last mean adds up $p$ where $q$ is not zero, so it is at most $1 - 1$. The tangent
# touches the logarithm only at $t = 1$, so the KL is zero only if $p = q$. The gap is never
# negative, so the ELBO is never above $\log p(x)$. Hence its name: a **lower bound** of the
# log **evidence**.
#
# The order of the two arguments matters: a KL is a mean under the *first*.
#
# **Why "variational"?** The unknown is a whole distribution, and we *vary* it. In quantum
# mechanics one varies a trial state, whose mean energy is never below the ground state's.
# Here $q$ is the trial state, and minus the ELBO the energy.

# %% tags=["proof"] jupyter={"source_hidden": true} slideshow={"slide_type": "skip"}
# @title Check: ELBO + KL is log p(x) for each of the 100,000 tries
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
# At first $q$ is the prior. Which slider alone, mean or width, closes more of the gap?
#
# <!-- notes: Let one student steer for the smallest gap and the others call out. When
# the gap is gone, ask what q is now, and what log p(x) did meanwhile. -->

# %%
posterior_explorer()

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: above, the ELBO's bar ends left of log p(x), and the gap fills the rest. Below, q,
# here the prior, beside the narrower posterior.*

# %% slideshow={"slide_type": "skip"} tags=["proof"] jupyter={"source_hidden": true}
# @title Check: what each slider reaches alone
simple = LinearGaussian(np.eye(1), np.zeros(1), 0.8)


def gap_of(mean, std):
    return posterior_terms(simple, 1.5, mean, std).gap


by_mean = min(gap_of(mean, 1.0) for mean in np.arange(-0.5, 2.01, 0.05))
by_width = min(gap_of(0.0, std) for std in np.arange(0.3, 1.31, 0.05))
assert by_mean < by_width
print(f"gap {gap_of(0, 1):.2f}; mean alone {by_mean:.2f}, width alone {by_width:.2f}")

# %% [markdown] slideshow={"slide_type": "skip"}
# The mean alone shrinks the gap from 1.38 nats to 0.31, the width alone to 1.07. (On your
# machine there are two sliders; a saved page has their first picture.)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The sum becomes an integral
#
# Two hidden amplitudes $z$ move three channels, and each channel adds noise:
#
# $$
# x = W z + b + \sigma\epsilon, \qquad p(x) = \int p(x \mid z)\, p(z)\, dz .
# $$
#
# $z$ and $\epsilon$ are standard normal vectors.
#
# <!-- notes: Ask which dots matter. Those in the ellipse: the others could hardly have
# produced this x. With two amplitudes one in five does it. Then: and with twenty? -->

# %% [markdown] slideshow={"slide_type": "skip"}
# The model's parameters are called $\theta = (W, b, \sigma)$. With a neural network in the
# place of $W z + b$ there is no formula for the integral. Here there is one: a sum of normals
# is normal, and covariances add up. So $x$ is normal with mean $b$ and covariance
# $W W^\top + \sigma^2 I$.


# %% tags=["nbval-check-output"] slideshow={"slide_type": "skip"}
def log_evidence(x, W, b, sigma):
    covariance = W @ W.T + sigma**2 * torch.eye(len(b))
    return MultivariateNormal(b, covariance).log_prob(x)


W = torch.tensor([[1.0, 0.8], [0.2, 0.9], [0.8, 0.3]])
b, sigma = torch.tensor([0.5, 0.0, -0.5]), torch.tensor(0.6)
x = torch.tensor([[2.3, 1.2, -0.7]])  # one measurement
print(f"log p(x) = {log_evidence(x, W, b, sigma).item():.4f} nats")

# %% [markdown] slideshow={"slide_type": "skip"}
# The posterior is normal, too. [Deeper: why, and where it is](deeper/01_bounds.ipynb). The
# course has this model ready, with its posterior, and can draw from it:

# %% slideshow={"slide_type": "skip"}
true_model = LinearGaussian(W.numpy(), b.numpy(), sigma.item())
post_mean, post_cov = true_model.posterior(x.numpy())
rng = np.random.default_rng(1)
z = rng.standard_normal((1_000, 2))  # from the prior

# %% [markdown]
# Why not draw $z$ from the prior, and average $p(x \mid z)$? Then no formula is needed.

# %% [markdown] slideshow={"slide_type": "skip"}
# Only draws near the posterior tell us anything. The others could hardly have produced
# this $x$. The ellipse reaches two standard deviations from its middle, and one draw in five
# lands in it. With two amplitudes the prior still does well.

# %%
prior_draws(z, post_mean[0], post_cov)

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: a round cloud of grey dots. A slanted ellipse beside its middle holds a fifth of
# them, in black.*

# %% tags=["proof"] jupyter={"source_hidden": true} slideshow={"slide_type": "skip"}
# @title Check: both log p(x) are one, and so is Bayes' rule at all 1,000 draws
formula = true_model.log_evidence(x.numpy())
assert abs(formula - log_evidence(x, W, b, sigma).numpy()) < 1e-10
log_ratio = true_model.log_joint(np.repeat(x.numpy(), len(z), axis=0), z)
log_ratio -= (
    MultivariateNormal(torch.from_numpy(post_mean[0]), torch.from_numpy(post_cov))
    .log_prob(torch.from_numpy(z))
    .numpy()
)
assert np.abs(log_ratio - formula).max() < 1e-9
print("log p(x, z) - log p(z|x) is log p(x) at each of the 1,000 draws")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Twenty amplitudes
#
# Now $k$ amplitudes, each with a channel of its own: $x_j = z_j + 0.5\,\epsilon_j$. The evidence
# is the mean of $p(x \mid z)$ over the prior: right on average, no grid, any $k$.
#
# **Predict before you run.** With one amplitude, 160 draws give $p(x)$ to 10 %. How many
# draws do twenty need?

# %% tags=["nbval-check-output"]
x_1 = math.sqrt(1.25)  # a typical value: one standard deviation of p(x)
grid = np.linspace(-8, 8, 4_001)
ratio = norm.pdf(x_1, grid, 0.5) / norm.pdf(x_1, 0, math.sqrt(1.25))  # p(x|z)/p(x)
factor = np.trapezoid(norm.pdf(grid) * ratio**2, grid)
print(f"mean square of p(x|z)/p(x): {factor:.2f} for one amplitude")
for k in (1, 10, 20, 100):
    print(f"k = {k:3}: {(factor**k - 1) / 0.1**2:.1e} draws")

# %% [markdown] slideshow={"slide_type": "skip"}
# **Answer.** Twenty billion. Look at the ratio $p(x \mid z)/p(x)$. Its mean under the prior
# is 1. Its mean square for one amplitude is the `factor` of the cell. The amplitudes are
# independent, so for $k$ of them it is $\text{factor}^k$. The variance of one draw is mean
# square minus squared mean, $\text{factor}^k - 1$. An average over $n$ draws divides it by
# $n$, and we want $0.1^2$.
# [Deeper: the same for any linear model](deeper/01_bounds.ipynb).
#
# What happens to somebody who tries with ten thousand draws? Each run below makes an
# estimate *and its own error bar*, as one does: the scatter of the draws, divided by the
# root of their number. That is one standard error. We say that an error bar **holds** the
# truth if the truth lies within two of them.


# %% slideshow={"slide_type": "skip"}
def holds(values, truth):
    error_bar = values.std() / math.sqrt(len(values))
    return abs(values.mean() - truth) < 2 * error_bar


dimensions = [1, 2, 3, 5, 7, 10, 15, 20]
errors, covered = np.empty((2, len(dimensions), repeats))
for row, k in enumerate(dimensions):
    log_p = k * norm.logpdf(x_1, 0, math.sqrt(1.25))
    for run in range(repeats):
        z = rng.standard_normal((draws, k))
        ratio = np.exp(norm.logpdf(x_1, z, 0.5).sum(1) - log_p)  # its mean should be 1
        errors[row, run] = math.log(ratio.mean())
        covered[row, run] = holds(ratio, 1)

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### Confident and wrong
#
# One dot is one run of 10,000 draws. Honest error bars of two standard errors hold the
# truth in 95 % of the runs.
#
# <!-- notes: Ask: what would you see if you had only one run? A number and a small error
# bar. Let them say what is missing. -->

# %%
prior_estimates(dimensions, errors, covered.mean(1))

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: left, dots tight around zero for few amplitudes, many nats below it for twenty.
# Right, the share of error bars that hold the truth falls from 95 % to almost nothing.*

# %% slideshow={"slide_type": "skip"} tags=["proof"] jupyter={"source_hidden": true}
# @title Check: the numbers of the last dimension
print(
    f"k = 20: median error {np.median(errors[-1]):.1f} nats, "
    f"a factor of {math.exp(-np.median(errors[-1])):.0f}; "
    f"{covered[-1].sum():.0f} of {repeats} error bars hold p(x)"
)

# %% [markdown] slideshow={"slide_type": "skip"}
# At twenty amplitudes the typical estimate is too small by a factor of several hundred, and
# few error bars reach the truth. The mean is made by rare draws of enormous weight. A
# run that has seen none of them has too small a mean, *and* too small a scatter. **It does
# not notice that it fails.**

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The central equation
#
# The remedy: draw $z$ from a $q$ that lies where $z$ may have produced this $x$.
#
# What do we average? With $p(x, z) = p(x \mid z)\, p(z)$, the log weight is
# $\log p(x \mid z) - [\log q(z) - \log p(z)]$. Its mean under $q$ has two terms:
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
# The **reconstruction** is large if the $z$ that $q$ draws explain $x$ well. The **kl** is
# small if $q$ stays near the *prior*; the gap is the KL to the *posterior*. The index
# $\theta$ marks what the model's parameters change. Our prior is fixed.
#
# On the left the unknown $\log p_\theta(x)$ cancels. Since
# $\log p_\theta(z \mid x) = \log p_\theta(x, z) - \log p_\theta(x)$, the gap contains
# $+\log p_\theta(x)$, too, and is subtracted.
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
# $-\tfrac12(\log 2\pi + m_j^2 + s_j^2)$.
#
# Without a closed form one draws $z$ from $q$. For the twenty amplitudes and a $q$ set by eye,
# 96 of 100 error bars hold $p(x)$ if one averages $w$, and 93 the ELBO if one averages $\log w$.
# [Deeper: the test, and a $q$ for which it fails](deeper/01_bounds.ipynb).

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Who moves what?
#
# Let $\phi$ be the numbers that make $q$. **One** ELBO is maximized over both:
# $\mathrm{ELBO}(\theta, \phi) = \log p_\theta(x) - \mathrm{gap}(\theta, \phi)$. Over $\phi$
# only the gap can move. Over $\theta$ the evidence moves, *and* the gap.
#
# <!-- notes: Ask before the picture: can the ELBO rise while log p(x) falls? Over theta,
# yes. Let them find it in the right panel, left of the black dot. -->


# %% tags=["setup"] jupyter={"source_hidden": true} slideshow={"slide_type": "skip"}
# @title Set-up: the ELBO of the sliders' model, along q and along sigma
def simple_elbo(m, s, noise):
    x, one, zero = torch.tensor([[1.5]]), torch.ones(1, 1), torch.zeros(1)
    noise = torch.tensor(float(noise))
    return gaussian_elbo(x, one, zero, noise, m * one, s * one[0]).item()


best_m, best_s = 1.5 / 1.64, math.sqrt(0.64 / 1.64)  # of the posterior
assert gap_of(best_m, best_s) < 1e-12
way, noises = np.linspace(0, 1, 51), np.linspace(0.5, 2, 1_501)
on_the_way = [simple_elbo(t * best_m, 1 + t * (best_s - 1), 0.8) for t in way]
swept = [simple_elbo(best_m, best_s, noise) for noise in noises]
swept_evidence = norm.logpdf(1.5, 0, np.sqrt(1 + noises**2))
over_phi = way, np.array(on_the_way), norm.logpdf(1.5, 0, math.sqrt(1.64))
over_theta = noises, np.array(swept), swept_evidence
assert np.all(np.diff(on_the_way) > 0)
assert np.all(over_theta[1] <= swept_evidence + 1e-12)

# %% [markdown] slideshow={"slide_type": "skip"}
# The model is that of the sliders. Left: the mean and the width of $q$ go in equal steps
# from those of the prior to those of the posterior. Right: $q$ is held at the posterior for
# $\sigma = 0.8$, and the model's $\sigma$ moves.

# %%
labels = ("q, from prior (0) to posterior (1)", "noise σ of the model")
over_phi_and_theta(over_phi, over_theta, labels)

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: left, the ELBO climbs to a level dashed line. Right, on a finer scale, it touches
# a dashed curve that moves too; dots mark two different maxima.*

# %% tags=["proof"] jupyter={"source_hidden": true} slideshow={"slide_type": "skip"}
# @title Check: where the two maxima are
top, bound_top = (noises[curve.argmax()] for curve in (swept_evidence, over_theta[1]))
print(f"largest log p(x) at sigma {top:.2f}, largest ELBO at {bound_top:.2f}")

# %% [markdown] slideshow={"slide_type": "skip"}
# So the ELBO rises over $\theta$ if the data become more probable, *or* if the posterior
# becomes easier for this $q$. On the right the two maxima are not at the same place. The
# ELBO's is pulled towards 0.8, the noise for which this $q$ is the posterior.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## One encoder for all
#
# So far each $x$ had its own $q$. Instead a function, the **encoder**, reads $x$ and answers
# with $q_\phi(z \mid x)$. One $\phi$ serves all: the cost of one search is spread over all
# $x$. The search is **amortized**.
#
# <!-- notes: Ask how many searches sixty thousand measurements would need without an
# encoder, and what one has to do for measurement 60,001. -->

# %% [markdown] slideshow={"slide_type": "skip"}
# Back to the isotopes, with two thousand alpha particles:

# %% slideshow={"slide_type": "skip"}
senders = np.random.default_rng(3).choice(3, size=2_000, p=share)
seen = np.random.default_rng(4).normal(peak[senders], width)[:, None]  # MeV, one a row
particles = torch.from_numpy(seen)
log_joint = torch.from_numpy(
    np.log(share) + norm.logpdf(seen, peak, width)
)  # (2000, 3)
log_p_seen = log_joint.logsumexp(1)  # log of the sum over z

# %% [markdown] slideshow={"slide_type": "skip"}
# The encoder gives each isotope a score, slope times $x$ plus height: six numbers in all. A
# softmax makes the scores probabilities. The objective is the mean ELBO.


# %% slideshow={"slide_type": "skip"}
scores = nn.Linear(1, 3)  # phi: three slopes, three heights


def encode(x):  # log q(z|x)
    return scores((x - 5.45) / 0.25).log_softmax(-1)


def particle_elbo():
    log_q = encode(particles)
    return (log_q.exp() * (log_joint - log_q)).sum(-1)  # the mean of log w under q


# %% [markdown] slideshow={"slide_type": "skip"}
# Adam is gradient ascent with a step that adapts itself. We record the ELBO and, for a later
# picture, $\log p(x)$.


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
scores.reset_parameters()
elbos, _ = climb_elbo(
    particle_elbo, lambda: log_p_seen, scores.parameters(), steps, rate=0.1
)
print(
    f"gap before {log_p_seen.mean() - elbos[0]:.4f}, after {log_p_seen.mean() - elbos[-1]:.6f}"
)

# %% [markdown]
# Curves: the exact posterior. Dots: an encoder of six numbers, asked at 29 new energies.

# %%
places = np.linspace(4.8, 6.2, 29)
with torch.no_grad():
    answers = encode(torch.from_numpy(places)[:, None]).exp().numpy()
terms = share * bells  # p(x, z) at 401 energies
exact = terms / terms.sum(1, keepdims=True)
answers_of_encoder(energies, exact, places, answers, isotopes)

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: three curves that hand over from isotope to isotope as the energy grows; dots of
# the encoder lie on them.*

# %% [markdown] slideshow={"slide_type": "skip"}
# The fit is this good for a reason. All bells are equally wide, so the logarithm of a ratio
# of two posteriors is linear in $x$, and so are the encoder's scores. As a rule an encoder
# fits less well. [Deeper: what the encoder costs, and what the family of $q$
# costs](deeper/01_encoders.ipynb).

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A VAE
#
# The encoder leads from $x$ to $q$. A second map, the **decoder**, leads from $z$ back to
# $x$: hence **autoencoder**. In the middle we vary $q$: hence **variational**.
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
# a standard deviation for each amplitude: our $m$ and $s$. The picture calls them $\mu$ and
# $\sigma$, as most programs do. This $\sigma$ is the width of $q$, not the model's noise.
# Encoder and decoder are networks, and $z$ is drawn; the reconstruction is the mean of
# $\log p(x \mid z)$ over such draws.
#
# Ours below is simpler. Both maps are linear. The encoder answers with the means only, and
# two numbers $s$ serve every $x$. Both terms of the ELBO have formulas, so training draws no
# $\epsilon$.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## How high can it get?
#
# Take 500 measurements of our three channels; forget $W$, $b$ and $\sigma$. **No normal
# makes data more probable than the one with the data's own mean and covariance.** Let $S$ be
# this covariance and $d = 3$ the number of channels. Then the highest mean $\log p(x)$ is
#
# $$
# \text{ceiling} = -\tfrac12 \big( d \log 2\pi + \log\det S + d \big) .
# $$
#
# <!-- notes: Ask: why can no other normal do better? Its distance below the ceiling is a
# KL between two normals, and the class knows the sign of a KL. -->

# %% [markdown] slideshow={"slide_type": "skip"}
# *Why?* Let $g$ be the normal with the data's mean and covariance, and $p$ any normal. Both
# logarithms are quadratic in $x$, so their means depend only on the mean and the covariance
# of $x$. To average over the data or over $g$ gives the same. Hence the mean of $\log g(x)$
# minus the mean of $\log p(x)$ is $\mathrm{KL}(g \,\|\, p) \ge 0$. In $\log g$ itself the
# quadratic form averages to $d$: that is the formula.
#
# *Can our model reach it?* Let $\sigma^2$ be the smallest eigenvalue of $S$. Then
# $S - \sigma^2 I$ has the eigenvalue 0 and two others, $\lambda - \sigma^2 \ge 0$. Take their
# unit eigenvectors, each times $\sqrt{\lambda - \sigma^2}$, as the columns of $W$. Then
# $W W^\top + \sigma^2 I = S$. [Deeper: any number of channels, or
# **probabilistic PCA**](deeper/01_encoders.ipynb).

# %% tags=["nbval-check-output"]
data = torch.from_numpy(true_model.sample(500, seed=9)[0])
S = torch.cov(data.T, correction=0)
ceiling = -0.5 * (3 * math.log(2 * math.pi) + torch.logdet(S).item() + 3)
true_mean = log_evidence(data, W, b, sigma).mean()
print(f"best normal {ceiling:.4f}, true model {true_mean:.4f} nats per measurement")

# %% [markdown] slideshow={"slide_type": "skip"}
# The true model lies a little lower: it was not fitted to these 500.

# %% slideshow={"slide_type": "skip"} tags=["proof"] jupyter={"source_hidden": true}
# @title Check: the 0.24 nats, and the ceiling in its general form
_, best_cov = true_model.best_diagonal_posterior(x.numpy())
best_q = torch.from_numpy(post_mean), torch.from_numpy(best_cov).diagonal().sqrt()
slant = log_evidence(x, W, b, sigma) - gaussian_elbo(x, W, b, sigma, *best_q)
assert abs(slant.item() - true_model.diagonal_gap()) < 1e-10
general = ppca_log_evidence(np.linalg.eigvalsh(S.numpy()), latent_dim=2)
assert abs(ceiling - general) < 1e-10
print(
    f"gap of the best q with independent amplitudes, at the true W: {slant.item():.4f}"
)

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### Train it
#
# The ellipse of the true posterior is slanted: its two amplitudes are correlated. In our $q$
# they are independent. At the true $W$ the best such $q$ stays 0.24 nats below $\log p(x)$.
#
# **Predict before you run.** Now $W$ is trained, too. Where will the ELBO end: 0.24 below the
# ceiling, or at it?
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
print(f"after {steps} steps: ELBO {elbos[-1]:.4f}, ceiling {ceiling:.4f} nats")

# %% [markdown] slideshow={"slide_type": "skip"}
# The ELBO, the evidence of the same model above it, and the gap between them, against the
# steps on a logarithmic axis:

# %%
climb(elbos, evidences, ceiling)

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: a coloured curve and a thin black one above it rise to a dashed ceiling; the grey
# gap between them vanishes.*

# %% [markdown] slideshow={"slide_type": "skip"}
# **Answer.** At the ceiling. The gap went to zero although $q$ has no slant. Before step 100
# the curves pause, close to the best that a model with *one* amplitude can reach.

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### The model turned to please $q$
#
# As a function of $z$, $\log p(x, z)$ is $-|x - b - W z|^2/2\sigma^2 - |z|^2/2$ plus a
# constant: $-\tfrac12 z^\top M z$ plus a linear term, with $M = I + W^\top W/\sigma^2$. So the
# posterior is normal with inverse covariance $M$. No slant means: $W^\top W$ is diagonal.

# %% [markdown] slideshow={"slide_type": "skip"}
# Turn $W$ by a rotation $R$. Then $(WR)(WR)^\top = W W^\top$, so $p(x)$ stays the same. But
# $W^\top W$ becomes $R^\top W^\top W R$, so the posterior turns. Every symmetric matrix has
# an $R$ that makes it diagonal. So there *is* a $W$ with the same evidence and no slant.
# And the posterior's mean, $M^{-1} W^\top (x - b)/\sigma^2$, is linear in $x$: a linear encoder
# can hit it for every $x$.

# %% tags=["setup"] jupyter={"source_hidden": true} slideshow={"slide_type": "skip"}
# @title Set-up: both posteriors, with the q of each
with torch.no_grad():
    learnt, _, learnt_sigma = (part.numpy() for part in model())
    cov = np.linalg.inv(np.eye(2) + learnt.T @ learnt / learnt_sigma**2)
    learnt_q = log_s.mul(2).exp().diag().numpy()
    learnt_m = encoder(x)[0].numpy()
at_true_W = (post_mean[0], post_cov, best_cov)
at_learnt_W = (learnt_m, cov, learnt_q)

# %% [markdown] slideshow={"slide_type": "skip"}
# Left the model that made the data, right the one that was learnt, for the same $x$:

# %%
posteriors({"true W, gap 0.24 nats": at_true_W, "learnt W, no gap": at_learnt_W})

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: left, a slanted ellipse and a smaller dashed circle. Right, an ellipse without
# slant and a dashed one on top of it.*

# %% [markdown] slideshow={"slide_type": "skip"}
# Training found such a $W$. That is "easier for this $q$" at work. The ellipses reach one
# standard deviation from their middle. $M$ contains no $x$, so every $x$ has an ellipse of
# this shape, and the two numbers $s$ can serve all.
# [Deeper: the best $q$ without slant](deeper/01_bounds.ipynb).

# %% tags=["proof"] jupyter={"source_hidden": true} slideshow={"slide_type": "skip"}
# @title Check: no step beats the ceiling, the pause, and the ELBO reaches the ceiling
assert max(evidences) < ceiling + 1e-10
assert np.all(elbos < evidences + 1e-10)
assert ceiling - elbos[-1] < 0.01
one_amplitude = ppca_log_evidence(np.linalg.eigvalsh(S.numpy()), latent_dim=1)
assert abs(evidences[70] - one_amplitude) < 0.01
cosine = abs(learnt[:, 0] @ learnt[:, 1]) / np.linalg.norm(learnt, axis=0).prod()
print(f"W^T W of the learnt W is diagonal: cosine between its columns {cosine:.4f}")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What could go wrong
#
# - **A rising ELBO taken for a better model.** It may be the gap that shrinks.
# - **The KL the wrong way round.** The mean is taken under the first argument.
# - **Believing an average over the prior.** With many amplitudes it is usually too low, and
#   its error bar looks fine.

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
