# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown] slideshow={"slide_type": "slide"}
# # 5 · The GAN game: two players and one equilibrium
#
# Open in [Colab](https://colab.research.google.com/github/generative-models/executed/blob/v0.2.0/notebooks/05_gan_game.ipynb) or on [Binder](https://mybinder.org/v2/gh/generative-models/executed/v0.2.0?urlpath=lab/tree/notebooks/05_gan_game.ipynb).

# %% [markdown]
# ## You will be able to
#
# - write down the game of a generative adversarial network (GAN), and say what each
#   player sees and wants;
# - derive the best discriminator, and say what the generator minimizes against it;
# - say why the generator is trained with another loss than the game's, and what that
#   changes;
# - read a GAN's losses, and name two games whose losses look like success and are none.

# %% [markdown] slideshow={"slide_type": "skip"}
# ## Before you start
#
# Lesson 0 has the symbols. Lesson 1 is where the KL divergence comes from, lesson 2 where
# gradients pass through samples: the *pathwise gradient* and the *score function* are
# explained there and used here, once each. You need densities and the chain rule. On two
# CPU cores this lesson runs in less than a minute. Nothing is downloaded.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The question
#
# A variational autoencoder needs a formula for $\log p_\theta(x)$, or a bound. Many
# simulations have none: a shower in a calorimeter or a universe full of galaxies can be
# *drawn*, while nobody can say how probable the drawing was. **Can a model learn from
# the one question that needs no formula: which of these two was the real one?**

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
# NumPy and SciPy for what is known exactly, PyTorch for what is trained. Several names of
# the course package are missing here on purpose: this lesson defines them.

# %% slideshow={"slide_type": "skip"}
import math

import matplotlib.pyplot as plt
import numpy as np
import torch
import torch.nn.functional as F
from scipy import stats
from scipy.special import expit, log_expit
from torch import nn

from course_utils.budget import budget
from course_utils.data.mixtures import Mixture
from course_utils.exact.games import jensen_shannon, optimal_discriminator_logit
from course_utils.figures.style import use_course_style
from course_utils.pytorch.device import seed_everything
from course_utils.pytorch.layers import relu_layers

use_course_style()

# %% [markdown] slideshow={"slide_type": "skip"}
# All sizes stand in one cell. `COURSE_BUDGET` picks a column; the saved outputs are those
# of `lecture`.

# %% slideshow={"slide_type": "skip"}
samples = budget(smoke=2_000, lecture=50_000, full=400_000)
fit_steps = budget(smoke=30, lecture=1_000, full=4_000)
repeats = budget(smoke=200, lecture=2_000, full=5_000)
games = budget(smoke=50, lecture=400, full=4_000)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Two players
#
# **The generator** $G_\theta$ makes things up. It takes a **latent** vector $z$, drawn from
# a fixed prior such as $\mathcal N(0, I)$, and maps it to $x = G_\theta(z)$. All its
# randomness is in $z$. The map gives $x$ a density, which we call $q_\theta(x)$: where many
# $z$ land, it is high. (In the lessons on VAEs $q$ was the encoder's. A GAN has no
# encoder, and here $q$ is the generator's density.)
#
# A map can go far. Take decays with mean lifetime $\tau$. With $\Phi$ the normal
# distribution function, $G(z) = -\tau \log \Phi(-z)$ turns normal numbers into
# exponential waiting times. On the line the density follows from
# $q(x)\,|dx| = p(z)\,|dz|$:
#
# $$
# q(G(z)) = \frac{p(z)}{|G'(z)|} .
# $$

# %% tags=["nbval-check-output"] slideshow={"slide_type": "subslide"}
tau = 2.2  # microseconds, a muon's


def decay_time(z):
    return -tau * stats.norm.logcdf(-z)


z = np.linspace(-2, 2, 5)
tiny = 1e-5  # central difference: errors near tiny^2 and 1e-16 / tiny, both below 1e-9
slope = (decay_time(z + tiny) - decay_time(z - tiny)) / (2 * tiny)
pushed = stats.norm.pdf(z) / slope
wanted = stats.expon(scale=tau).pdf(decay_time(z))
assert np.allclose(pushed, wanted, rtol=1e-8)
print("G(z):      ", decay_time(z).round(3), "microseconds")
print("its density", pushed.round(4), "per microsecond")


# %% [markdown] slideshow={"slide_type": "subslide"}
# Nobody wrote such a map down for showers or galaxies, so a network is put in its place
# and learnt. In the course's small one, ReLU layers come first, then a linear one. Its
# `scale` is the size of the data: the layers work with numbers near 1, and the output is
# stretched by it. Here it stays 1.


# %% tags=["mirrors"]
class MLPGenerator(nn.Module):
    def __init__(self, latent_dim=2, hidden=(128, 128, 128), dim=2, scale=1.0):
        super().__init__()
        self.latent_dim = latent_dim
        self.scale = scale
        self.body = relu_layers(latent_dim, hidden)
        self.point = nn.Linear(hidden[-1], dim)

    def forward(self, z):
        return self.scale * self.point(self.body(z))


# %% [markdown] slideshow={"slide_type": "subslide"}
# Cells like this one, which define something for the first time, are compared with the
# course package in its tests. What you read is what later lessons import.
#
# **The discriminator** $D_\psi$ is shown one $x$ and says how probable it is that this $x$
# is real: $D_\psi(x)$ between 0 and 1. Inside, the network computes a number without
# bounds, the **logit** $\ell_\psi(x)$, and
#
# $$
# D_\psi(x) = \frac{1}{1 + e^{-\ell_\psi(x)}} = \mathrm{sigmoid}(\ell_\psi(x)),
# \qquad
# \ell_\psi(x) = \log \frac{D_\psi(x)}{1 - D_\psi(x)} .
# $$
#
# A logit of 0 is "I cannot tell". Large and positive is "real", large and negative "fake".
# The network divides its input by `scale`, so that it too works with numbers near 1.


# %% tags=["mirrors"]
class MLPDiscriminator(nn.Module):
    def __init__(self, dim=2, hidden=(128, 128, 128), scale=1.0):
        super().__init__()
        self.scale = scale
        self.body = relu_layers(dim, hidden)
        self.logit = nn.Linear(hidden[-1], 1)

    def forward(self, x):
        return self.logit(self.body(x / self.scale))


# %% [markdown] slideshow={"slide_type": "subslide"}
# > **The lecture's text** gives the discriminator a probability, and its programs let it
# > return a logit (its loss is told so, and is right). Whoever applies a sigmoid in the
# > network *and* in the loss trains something else. In this course networks return logits,
# > always, and $D$ is the probability.
# >
# > The lecture also says that the generator uses existing data. It never sees any. Only the
# > discriminator does, and the generator hears of the data through the discriminator's
# > slope.
#
# ### What may be a generator?
#
# Anything that draws samples. The lecture names two that physicists like: a Boltzmann
# machine, and a quantum device, whose measurements follow Born's rule (Lloyd and Weedbrook
# 2018). To be *trained* in this game it must also say how its samples change with
# $\theta$. A network does so by the pathwise gradient of lesson 2. A Boltzmann machine has
# an energy $E$ for each pattern of zeros and ones, and draws patterns with the probability
# $e^{-E}/Z$. Its samples jump where a network's slide: there one is back at the score
# function.

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### What is not needed
#
# | model | trained on | what is hard |
# |---|---|---|
# | VAE | a bound on $\log p_\theta(x)$ | the posterior $p_\theta(z \mid x)$: approximate inference |
# | Boltzmann machine, $p_\theta = e^{-E}/Z$ | $\log p_\theta(x)$ | the partition function $Z$ (the sum over all patterns) and its slope |
# | GAN | samples of both, and which is which | the game itself |
#
# A GAN asks for no density at all: nothing is inferred about $z$, and no $Z$ appears. Nor
# does it ask for labels: "real" and "fake" we write on the samples ourselves, so that the
# data need none. The bill comes later: instead of one function to climb there are two
# players.

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### What GANs are used for
#
# - **Pictures and films.** Faces at high resolution (Karras 2018), pictures from a sentence
#   (Reed 2016), faces made older (Antipov 2017), one kind of picture into another (pix2pix,
#   Isola 2017), videos (Vondrick 2016), missing parts filled in (Pathak 2016).
# - **Detectors.** Simulating a shower of particles step by step is slow. LAGAN learns jet
#   images, CaloGAN showers in a layered calorimeter, and the fast simulation of the ATLAS
#   experiment, AtlFast3, has GANs in use.
# - **The sky.** CosmoGAN draws maps of weak lensing, others slices of the cosmic web
#   (Rodríguez 2018) and galaxies without the telescope's blur (Schawinski 2017).

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The value of the game
#
# Let $p(x)$ be the density of the data. Show the discriminator as many real samples as
# fakes, and pay it for each the logarithm of the probability that it gave to the truth.
# On average that is
#
# $$
# V(\theta, \psi) = \mathbb E_{x \sim p}[\log D_\psi(x)]
# + \mathbb E_{z}[\log (1 - D_\psi(G_\theta(z)))] .
# $$
#
# The discriminator wants $V$ large. Whatever it wins the generator pays, which is called a
# **zero-sum game**. What is a good generator in it? One that comes off best even when the
# discriminator knows it and answers perfectly:
#
# $$
# G^* = \arg\min_G \, \max_D \, V(G, D) .
# $$
#
# (This defines a goal. In which order two networks take their *steps* is a question of the
# program, which comes later.)
#
# As a loss, in nats: $-V$ is the **cross-entropy** of a classifier with two classes. In
# logits, $-\log D = \mathrm{softplus}(-\ell)$ and $-\log(1 - D) = \mathrm{softplus}(\ell)$
# with $\mathrm{softplus}(t) = \log(1 + e^t)$:


# %% tags=["mirrors"]
def discriminator_loss(real_logits, fake_logits):
    return F.softplus(-real_logits).mean() + F.softplus(fake_logits).mean()


# %% [markdown] slideshow={"slide_type": "subslide"}
# The same from probabilities, for four samples of each kind. Then one fake with a logit of
# 120, in single precision, as a network would return it.

# %% tags=["nbval-check-output"]
real_logits = torch.tensor([2.0, 0.5, -0.3, 1.1], dtype=torch.float64)
fake_logits = torch.tensor([-1.0, 0.2, -2.5, 0.0], dtype=torch.float64)
loss = discriminator_loss(real_logits, fake_logits)
D_real, D_fake = torch.sigmoid(real_logits), torch.sigmoid(fake_logits)
V = D_real.log().mean() + (1 - D_fake).log().mean()
assert math.isclose(loss, -V, rel_tol=1e-12)
print(f"V = {V:.4f} nats, loss = {loss:.4f} nats")

sure = torch.tensor([120.0])
from_probability = -(1 - torch.sigmoid(sure)).log()
print(
    f"logit 120: {from_probability.item()} from D, {F.softplus(sure).item()} from logits"
)
assert torch.isinf(from_probability)
assert F.softplus(sure) == 120

# %% [markdown]
# Both say the same, until $D$ rounds to 1. That is why code keeps logits.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The best discriminator
#
# Hold the generator still. Which $D$ is best? Written as one integral,
#
# $$
# V = \int \left[\, p(x) \log D(x) + q(x) \log(1 - D(x)) \,\right] dx .
# $$
#
# $D$ may be chosen at each $x$ by itself. For two positive numbers $p$ and $q$, the slope
# of $p \log D + q \log (1 - D)$ in $D$ is $p/D - q/(1 - D)$. It falls as $D$ grows, and is
# zero at one place, which is therefore the top:
#
# $$
# \boxed{\; D^*(x) = \frac{p(x)}{p(x) + q(x)}, \qquad
# \ell^*(x) = \log p(x) - \log q(x) . \;}
# $$
#
# The logit is the logarithm of the density ratio. Only the *ratio*: a partition function
# that both share would cancel.
#
# Our first test bench: data $\mathcal N(0, 1)$, and a generator $x = z + 2$, which makes
# $\mathcal N(2, 1)$. Then $\ell^* = \tfrac12 (x - 2)^2 - \tfrac12 x^2 = 2 - 2x$, a
# straight line.

# %% tags=["nbval-check-output"] slideshow={"slide_type": "subslide"}
p, q = stats.norm(0, 1), stats.norm(2, 1)
x = np.arange(-12, 14.001, 0.01)  # a plain sum over this grid is exact to rounding
dx = x[1] - x[0]
logit = optimal_discriminator_logit(x, p, q)
assert np.allclose(logit, 2 - 2 * x, atol=1e-11)

choices = np.linspace(0.001, 0.999, 999)
gain = p.pdf(0.5) * np.log(choices) + q.pdf(0.5) * np.log(1 - choices)
best = choices[gain.argmax()]
formula = expit(2 - 2 * 0.5)
assert abs(best - formula) <= 0.0005 + 1e-12  # half a step of the choices
print(f"best of 999 choices at x = 0.5: D = {best:.3f}, formula {formula:.3f}")

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### What is left for the generator
#
# Put $D^*$ into $V$. The Kullback-Leibler divergence of lesson 1 is
# $\mathrm{KL}(a \Vert b) = \mathbb E_{x \sim a}[\log a(x) - \log b(x)]$: never negative, 0
# only for $a = b$, and counted in **nats**, the unit of natural logarithms. With
# $m = \tfrac12 (p + q)$, $\log D^* = \log (p/m) - \log 2$, so that
#
# $$
# V(G, D^*) = \mathrm{KL}(p \,\Vert\, m) + \mathrm{KL}(q \,\Vert\, m) - 2 \log 2
# = 2\, \mathrm{JSD}(p, q) - \log 4 .
# $$
#
# The **Jensen-Shannon divergence** JSD is the mean of the two KLs. It is 0 where $p = q$
# and nowhere else; it is symmetric; and it can never exceed $\log 2$, as $p/m$ is at most
# 2. So $-\log 4$ is the value at the equilibrium, and the generator that reaches it has
# $q = p$.

# %% tags=["nbval-check-output"]
value = (p.pdf(x) * log_expit(logit) + q.pdf(x) * log_expit(-logit)).sum() * dx
jsd = jensen_shannon(p, q)
assert abs(value - (2 * jsd - math.log(4))) < 1e-6
print(f"JSD = {jsd:.7f} nats, of at most {math.log(2):.4f}")
print(f"V(G, D*) = {value:.7f} = 2 JSD - ln 4;  least loss = {-value:.7f} nats")


# %% [markdown] slideshow={"slide_type": "subslide"}
# ### Does a trained one get there?
#
# A line is all it takes here, so let us train a line: $\ell(x) = b + w x$ with
# `discriminator_loss`. That is logistic regression. How near must it come to $b = 2$ and
# $w = -2$? Statistics knows. With $n$ samples on each side, and the **Fisher information**
#
# $$
# I = \int (p + q)\, D^* (1 - D^*) \begin{pmatrix} 1 & x \\ x & x^2 \end{pmatrix} dx ,
# \qquad
# \mathrm{Cov}(b, w) = \frac1n \left[ I^{-1} -
# \begin{pmatrix} 2 & 0 \\ 0 & 0 \end{pmatrix} \right] .
# $$
#
# Why is 2 subtracted? $I^{-1}/n$ is the covariance if a coin decides for each of $2n$
# samples whether it is real. The number of real ones would then scatter, the logarithm of
# real over fake with variance $2/n$, and the intercept $b$ with it. Here both numbers are
# $n$, by choice, and that part of the scatter is missing. We allow four standard errors;
# chance exceeds them once in 16,000.


# %% slideshow={"slide_type": "subslide"}
def standard_errors(n, theta=2.0):
    fake = stats.norm(theta, 1)
    D = expit(optimal_discriminator_logit(x, p, fake))
    weight = (p.pdf(x) + fake.pdf(x)) * D * (1 - D) * dx
    powers = np.stack([np.ones_like(x), x])
    information = (powers * weight) @ powers.T
    covariance = np.linalg.inv(information) - np.diag([2.0, 0.0])
    return np.sqrt(np.diag(covariance) / n)


rng = np.random.default_rng(0)
real, fake = rng.normal(0, 1, (samples, 1)), rng.normal(2, 1, (samples, 1))
real, fake = torch.from_numpy(real), torch.from_numpy(fake)
line = nn.Linear(1, 1, dtype=torch.float64)
for parameter in line.parameters():
    nn.init.zeros_(parameter)

# %% [markdown]
# The loss of a line has one minimum. We let L-BFGS, which uses curvature, run into it until
# nothing is left of the slope.

# %% slideshow={"slide_type": "subslide"}
optimizer = torch.optim.LBFGS(
    line.parameters(),
    max_iter=200,
    tolerance_grad=1e-9,
    tolerance_change=1e-14,
    line_search_fn="strong_wolfe",
)


def closure():
    optimizer.zero_grad()
    loss = discriminator_loss(line(real), line(fake))
    loss.backward()
    return loss


before = optimizer.step(closure).item()  # it returns the loss at the start
after = closure().item()
print(f"loss before {before:.4f} (ln 4: both at zero), after {after:.4f} nats")
assert math.isclose(before, math.log(4), rel_tol=1e-12)

# %% [markdown] slideshow={"slide_type": "subslide"}
# The result, beside what it should be:

# %%
fitted = np.array([line.bias.item(), line.weight.item()])
errors = standard_errors(samples)
for name, found, wanted, error in zip(("b", "w"), fitted, (2, -2), errors):
    print(f"{name} = {found:.4f}, wanted {wanted} +- {error:.4f}")
assert line.weight.grad.abs() < 1e-6  # the fit is finished, far below its error
assert np.all(np.abs(fitted - [2, -2]) < 4 * errors)


# %% [markdown] slideshow={"slide_type": "subslide"}
# Now a network, which does not know that a line is enough. It sees the samples in batches
# of 512. Any logit that is not $\ell^*$ costs something; how much, we compute on the grid.


# %%
def fit_discriminator(network, real, fake, rate=2e-3):
    optimizer = torch.optim.Adam(network.parameters(), rate)
    rng = torch.Generator().manual_seed(0)
    for _ in range(fit_steps):
        some = torch.randint(len(real), (512,), generator=rng)
        loss = discriminator_loss(network(real[some]), network(fake[some]))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return network


# %% [markdown] slideshow={"slide_type": "subslide"}
# And its logits at any points, back in NumPy:


# %%
@torch.no_grad()
def logits_on(network, points):
    column = torch.as_tensor(points, dtype=torch.float32)[:, None]
    return network(column)[:, 0].double().numpy()


seed_everything(1)
network = MLPDiscriminator(dim=1, hidden=(64, 64))
fit_discriminator(network, real.float(), fake.float())
network_logit = logits_on(network, x)
paid = (
    p.pdf(x) * log_expit(network_logit) + q.pdf(x) * log_expit(-network_logit)
).sum()
excess = value - paid * dx
assert excess > 0
print(f"loss {-paid * dx:.4f} nats: {excess:.4f} above the least")

# %% [markdown]
# Where do line and network go?

# %% slideshow={"slide_type": "subslide"}
shown = np.abs(x - 1) <= 5
plt.figure(figsize=(9, 5))
plt.fill_between(
    x, -13, -13 + 12 * (p.pdf(x) + q.pdf(x)), color="0.82", label="samples seen"
)
plt.plot(x[shown], logit[shown], "k-", linewidth=4, alpha=0.35, label="best, $2 - 2x$")
plt.plot(x[shown], fitted[0] + fitted[1] * x[shown], "--", label="trained line")
plt.plot(x[shown], network_logit[shown], "-.", label="trained network")
plt.xlim(-4, 6)
plt.ylim(-13, 11)
plt.xlabel("x (no units)")
plt.ylabel("logit (nats)")
plt.legend(loc="upper right")
plt.show()


# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: logits against x. The trained line covers the straight falling line 2 - 2x. The
# network follows it in the middle, where the grey hump shows that samples were seen, and
# leaves it in the tails, where hardly any were.*

# %% [markdown]
# The network agrees where it was taught, and invents the rest. Remember this for later: a
# generator that strays to where no data are asks the discriminator about a place it knows
# nothing of.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The generator's landscape
#
# Let the generator be $x = z + \theta$. Against the *best* discriminator its landscape is
# $2\,\mathrm{JSD} - \log 4$, as a function of $\theta$. Against a *fixed* one, say the best
# for $\theta = 2$, it is another curve. As $D^*$ is the maximum, the second can nowhere lie
# above the first, and at $\theta = 2$ they touch. Two smooth curves that touch without
# crossing have the same slope there. So the slope that the generator feels is right,
# at this moment.
#
# **Predict before you run.** Where is the lowest point of the second curve?


# %% slideshow={"slide_type": "subslide"}
def value_of(theta, logit):
    fake = stats.norm(theta, 1).pdf(x)
    return (p.pdf(x) * log_expit(logit) + fake * log_expit(-logit)).sum() * dx


thetas = np.linspace(-2, 6, 81)
against_best = np.array(
    [value_of(t, optimal_discriminator_logit(x, p, stats.norm(t, 1))) for t in thetas]
)
against_fixed = np.array([value_of(t, 2 - 2 * x) for t in thetas])
assert np.all(against_fixed <= against_best + 1e-12)
jsds = [jensen_shannon(p, stats.norm(t, 1)) for t in (-1.0, 0.5, 4.0)]
at = [np.abs(thetas - t).argmin() for t in (-1.0, 0.5, 4.0)]
assert np.allclose(against_best[at], 2 * np.array(jsds) - math.log(4), atol=1e-6)

# %% [markdown] slideshow={"slide_type": "subslide"}
# The slopes at $\theta = 2$, by central differences, and the picture.

# %% tags=["nbval-check-output"]
small = 1e-3  # errors: small^2 times a third derivative below 1, and 1e-10 / small
best_slope = jensen_shannon(p, stats.norm(2 + small, 1)) / small
best_slope -= jensen_shannon(p, stats.norm(2 - small, 1)) / small
ahead, behind = (value_of(2 + s, 2 - 2 * x) for s in (small, -small))
fixed_slope = (ahead - behind) / (2 * small)
print(f"slopes at 2: best {best_slope:.4f}, fixed {fixed_slope:.4f} nats per unit")
assert abs(best_slope - fixed_slope) < 2e-6

# %% [markdown]
# Both curves, with the floor $-\log 4$ and the ceiling of the first, which is 0 because
# $2\,\mathrm{JSD} \le \log 4$.

# %% slideshow={"slide_type": "subslide"}
plt.plot(thetas, against_best, label="against the best D")
plt.plot(thetas, against_fixed, label="against the best D for $\\theta = 2$")
plt.plot(2, value, "ko", markersize=11)
plt.axhline(-math.log(4), color="black", linestyle=":", linewidth=1.5)
plt.text(6, -math.log(4) + 0.06, "$-\\log 4$", ha="right")
plt.axhline(0, color="black", linestyle=":", linewidth=1.5)
plt.ylim(-4.5, 0.3)
plt.xlabel("generator $\\theta$ (no units)")
plt.ylabel("V (nats)")
plt.legend(loc="lower right")
plt.show()


# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: V against theta. The first curve has its lowest point, minus ln 4, at theta = 0,
# rises on both sides, and on the right, where the picture reaches further, flattens towards
# 0. The second touches it from below at theta = 2, where the black dot is, has the same
# slope there, and falls without end to the left.*

# %% [markdown] slideshow={"slide_type": "subslide"}
# The second curve has no lowest point. It even falls below $-\log 4$, to values that no
# generator has against the best discriminator. A generator that plays too long against the
# same opponent runs through the data and out on the other side. **Feedback goes stale**:
# it was right for the generator that the discriminator had seen.
#
# And look at the right end of the first curve. Where the two densities hardly overlap, JSD
# is stuck at $\log 2$, and its slope is nearly nothing. That is the next problem.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Two losses for the generator
#
# The generator minimizes its part of $V$, the mean of $\log(1 - D(G(z)))$. Goodfellow and
# co-authors advised in the same paper to minimize $-\log D(G(z))$ instead: not "be caught
# less often" but "be believed more often". Both fall when the logit of a fake rises. They
# differ in how steeply:
#
# $$
# \frac{d}{d\ell} \log(1 - D) = -\mathrm{sigmoid}(\ell) = -D ,
# \qquad
# \frac{d}{d\ell} (-\log D) = -\mathrm{sigmoid}(-\ell) = -(1 - D) .
# $$
#
# The first is called **saturating**, the second **non-saturating**.


# %% tags=["mirrors"]
def generator_loss(fake_logits, kind="non_saturating"):
    if kind == "non_saturating":
        return F.softplus(-fake_logits).mean()
    if kind == "saturating":
        return -F.softplus(fake_logits).mean()
    raise ValueError(f'kind is {kind!r}; it must be "non_saturating" or "saturating".')


# %% [markdown] slideshow={"slide_type": "subslide"}
# Autograd, against both formulas.

# %% tags=["nbval-check-output"]
D = torch.tensor([0.001, 0.01, 0.5, 0.99], dtype=torch.float64)
formulas = {"saturating": -D, "non_saturating": -(1 - D)}
print("D of a fake   ", D.tolist())
for kind, formula in formulas.items():
    fake_logits = torch.logit(D).requires_grad_()
    (len(D) * generator_loss(fake_logits, kind)).backward()  # sum instead of mean
    assert torch.allclose(fake_logits.grad, formula, rtol=1e-12)
    print(f"{kind:14}", [round(g, 3) for g in fake_logits.grad.tolist()])


# %% [markdown] slideshow={"slide_type": "subslide"}
# At the start of a training the discriminator is sure that fakes are fake: $D$ is near 0.
# There the saturating loss has hardly any slope left, just when the generator has most to
# learn. Now in the game: a generator at $x = z + \theta$ against the best discriminator
# for it, whose logit is $\tfrac12\theta^2 - \theta x$. What pulls the generator towards the
# data?


# %%
def pull(theta, kind, n):
    rng = torch.Generator().manual_seed(0)
    z = torch.randn(n, 1, generator=rng, dtype=torch.float64)
    shift = torch.tensor(theta, dtype=torch.float64, requires_grad=True)
    fake = z + shift
    generator_loss(theta**2 / 2 - theta * fake, kind).backward()
    return shift.grad.item()


distances = np.linspace(0.25, 6, 24)
pulls = {kind: [pull(t, kind, samples) for t in distances] for kind in formulas}
for kind in formulas:
    print(
        f"{kind:14} pull at distance 1: {pulls[kind][3]:.4f}, 6: {pulls[kind][-1]:.4f}"
    )

# %% [markdown] slideshow={"slide_type": "subslide"}
# Is there a formula for these pulls? Against $D^*$, held fixed, the saturating slope is the
# slope of $2\,\mathrm{JSD}$, as we saw. For the other, write
# $-\log D = -\log (1 - D) - \ell$. The first part brings $-2\,\mathrm{JSD}$. The second
# is the mean of $\log q - \log p$ over the fakes, where only the fakes move. That has the
# slope of $\mathrm{KL}(q \Vert p)$, as moving the $\log q$ as well would add the mean of a
# score, which is zero (lesson 2). Together, the slope is that of
#
# $$
# \mathrm{KL}(q \,\Vert\, p) - 2\, \mathrm{JSD}(p, q)
# $$
#
# (Arjovsky and Bottou 2017). For our two normals $\mathrm{KL}(q \Vert p) =
# \tfrac12\theta^2$, with slope $\theta$.
#
# Where is the lowest point of a difference? With $m = \tfrac12 (p + q)$ again, collect the
# integrals: $\log q$ and $\log p$ cancel but for
# $\int (p + q) \log (m/p)\, dx$, which is
#
# $$
# \mathrm{KL}(q \,\Vert\, p) - 2\, \mathrm{JSD}(p, q) = 2\, \mathrm{KL}(m \,\Vert\, p) .
# $$
#
# Never negative, and 0 only where $m = p$, which is $q = p$. So the non-saturating game is
# played on another landscape, with the same lowest point. First this identity:

# %% tags=["nbval-check-output"] slideshow={"slide_type": "subslide"}
for theta in (0.0, 0.5, 2.0, 4.0):
    fakes = stats.norm(theta, 1)
    log_p, log_m = p.logpdf(x), np.logaddexp(p.logpdf(x), fakes.logpdf(x)) - math.log(2)
    twice_kl = 2 * (np.exp(log_m) * (log_m - log_p)).sum() * dx
    difference = theta**2 / 2 - 2 * jensen_shannon(p, fakes)
    print(f"theta {theta}: {difference:z.6f} and {twice_kl:z.6f} nats")
    assert abs(difference - twice_kl) < 1e-7  # five times the quadrature's 2e-8

# %% [markdown] slideshow={"slide_type": "subslide"}
# And now the slopes, exact and by samples.

# %%
for theta in (0.5, 1.0, 2.0, 4.0):
    logit_at = theta**2 / 2 - theta * x
    fakes = stats.norm(theta, 1).pdf(x)
    one = {
        "saturating": fakes * expit(logit_at),
        "non_saturating": fakes * expit(-logit_at),
    }
    exact_pull = {kind: theta * weight.sum() * dx for kind, weight in one.items()}
    jsd_slope = (
        jensen_shannon(p, stats.norm(theta + small, 1))
        - jensen_shannon(p, stats.norm(theta - small, 1))
    ) / small  # of 2 JSD, with the errors of above
    assert abs(exact_pull["saturating"] - jsd_slope) < 2e-6
    assert abs(exact_pull["non_saturating"] - (theta - jsd_slope)) < 2e-6
    # each sample's slope lies between 0 and theta: its deviation is at most theta / 2
    error = theta / 2 / samples**0.5
    for kind in formulas:
        assert abs(pull(theta, kind, samples) - exact_pull[kind]) < 4 * error

# %% [markdown]
# Left: slopes for one fake, against the discriminator's opinion of it. Right: the pull on
# the whole generator, against its distance from the data.

# %% slideshow={"slide_type": "subslide"}
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 4.5))
D = np.linspace(0.001, 0.999, 300)
left.plot(D, D, label="saturating")
left.plot(D, 1 - D, label="non-saturating")
left.set(xlabel="D of a fake (a probability)", ylabel="steepness in its logit")
left.legend(loc="upper center")
left.set(ylim=(-0.05, 1.45), yticks=[0, 0.5, 1])
right.plot(distances, pulls["saturating"], label="saturating")
right.plot(distances, pulls["non_saturating"], label="non-saturating")
right.set(xlabel="distance $\\theta$ (no units)", ylabel="pull (nats per unit)")
right.legend()
plt.show()

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: left, two straight lines that cross at D = 1/2: the saturating one rises from 0,
# the other falls to 0. Right, the saturating pull rises, peaks below distance 2 and dies
# out; the non-saturating one keeps growing.*

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### No longer zero-sum
#
# With $V$ for both, what one player gains the other loses: the two losses add up to
# nothing, whatever happens. With the non-saturating loss their sum moves. Here are both
# sums against three discriminators of the same fakes at $\theta = 2$.

# %% tags=["nbval-check-output"] slideshow={"slide_type": "subslide"}
sums = {}
for name, opinion in {
    "D = 1/2": 0 * x,
    "the best": 2 - 2 * x,
    "too sure": 6 - 6 * x,
}.items():
    weights = p.pdf(x) * dx, q.pdf(x) * dx
    d_loss = weights[0] @ -log_expit(opinion) + weights[1] @ -log_expit(-opinion)
    zero_sum = value_of(2.0, opinion)  # the generator's loss is V itself
    non_saturating = weights[1] @ -log_expit(opinion)
    sums[name] = d_loss + zero_sum, d_loss + non_saturating
    print(
        f"{name:9} with V: {sums[name][0]:z.4f}, non-saturating: {sums[name][1]:.4f} nats"
    )
assert all(abs(with_v) < 1e-12 for with_v, _ in sums.values())
assert np.ptp([other for _, other in sums.values()]) > 1  # nothing like constant

# %% [markdown] slideshow={"slide_type": "subslide"}
# > **The lecture's game and the lecture's program differ.** The text plays for $V$ and $-V$
# > and lets the players alternate, *one epoch each*. The program uses the non-saturating
# > loss, whose game is not zero-sum, and changes both networks on *every batch*, from
# > gradients that were taken before either moved: *simultaneous* steps, as they will be
# > called below. An epoch against one and the same opponent
# > is the curve without a lowest point above. Its quotation from Goodfellow's book, *in this
# > best-performing formulation ...*, does describe the program.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What are the losses worth?
#
# At the equilibrium $q = p$ the best discriminator says $D = \tfrac12$ everywhere: it guesses
# right half of the time, as one does without any knowledge. Its logit is 0, and
#
# $$
# \text{discriminator loss} = \log 4, \qquad
# \text{generator loss} = \log 2 \;\text{ (non-saturating)} .
# $$
#
# The functions agree:

# %% tags=["nbval-check-output"]
assert np.all(optimal_discriminator_logit(x, p, p) == 0)
cannot_tell = torch.zeros(100)
d_loss = discriminator_loss(cannot_tell, cannot_tell).item()
g_loss = generator_loss(cannot_tell).item()
print(f"discriminator {d_loss:.4f}, generator {g_loss:.4f} nats")
assert math.isclose(d_loss, math.log(4), rel_tol=1e-6)  # single precision
assert math.isclose(g_loss, math.log(2), rel_tol=1e-6)


# %% [markdown] slideshow={"slide_type": "subslide"}
# So if the losses are $\log 4$ and $\log 2$, the game is over and won? No. The conclusion
# runs only one way. Here are two games that look won and are not, with data from
# $\mathcal N(0, 1)$. (A third comes in lesson 6, when a GAN is trained.)
#
# 1. The generator is at $\theta = 2$, and the discriminator has learnt nothing yet. Its last
#    layer is still zero, so that it says $D = \tfrac12$ of everything.
# 2. The generator makes two bells, at $-2$ and at $2$, and the discriminator is a line,
#    trained to its best.
#
# For comparison a network is trained on the samples of game 2.
#
# **Predict before you run.** Can a straight line tell one bell from two?


# %% slideshow={"slide_type": "subslide"}
def losses(network, real, fake):
    with torch.no_grad():
        real_logits, fake_logits = network(real), network(fake)
    d_loss = discriminator_loss(real_logits, fake_logits).item()
    return d_loss, generator_loss(fake_logits).item()


two_bells = Mixture(np.array([[-2.0], [2.0]]), 0.5)
bells = torch.from_numpy(two_bells.sample(samples, seed=0)).float()
one_bell = torch.from_numpy(rng.normal(0, 1, (samples, 1))).float()
seed_everything(0)
untrained = MLPDiscriminator(dim=1, hidden=(64, 64))
for parameter in untrained.logit.parameters():
    nn.init.zeros_(parameter)
weak = fit_discriminator(nn.Linear(1, 1), one_bell, bells)
able = fit_discriminator(MLPDiscriminator(dim=1, hidden=(64, 64)), one_bell, bells)


# %% [markdown]
# Beside the losses stands what is true: the JSD, and the least loss that any discriminator
# could have. A small class gives the two bells a
# method `pdf`, as `exact` wants it.


# %%
class Bells:
    def pdf(self, x):
        return np.exp(two_bells.log_prob(np.reshape(x, (-1, 1)))).reshape(np.shape(x))


# %% [markdown] slideshow={"slide_type": "subslide"}
# Losses and truth, side by side:

# %%
jsd_two, jsd_bells = jsd, jensen_shannon(p, Bells())
rows = {
    "game 1, untrained": (*losses(untrained, real.float(), fake.float()), jsd_two),
    "game 2, a line": (*losses(weak, one_bell, bells), jsd_bells),
    "compare: a network": (*losses(able, one_bell, bells), jsd_bells),
}
print(f"ln 4 = {math.log(4):.3f}, ln 2 = {math.log(2):.3f}")
for name, (d_loss, g_loss, true_jsd) in rows.items():
    least = math.log(4) - 2 * true_jsd
    print(
        f"{name:18} D {d_loss:.3f}, G {g_loss:.3f}; JSD {true_jsd:.3f}, least {least:.3f}"
    )

# %% [markdown] slideshow={"slide_type": "subslide"}
# In games 1 and 2 the losses are $\log 4$ and $\log 2$, exactly or nearly, and both
# generators are wrong. The network notices. (Its loss may lie a little off the least one,
# as it is a mean over samples.) For the line that is no accident. Both densities are symmetric,
# so the slope of its loss in $b$ and $w$ vanishes at $b = w = 0$, and the loss is convex:
# *the best line is $D = \tfrac12$*.

# %%
slope_b = 0.5 * (Bells().pdf(x) - p.pdf(x)).sum() * dx  # of the loss, at D = 1/2
slope_w = 0.5 * ((Bells().pdf(x) - p.pdf(x)) * x).sum() * dx
assert abs(slope_b) < 1e-12 > abs(slope_w)
print("slope of the line's loss at D = 1/2 is zero")
assert np.allclose(rows["game 1, untrained"][:2], np.log([4, 2]), rtol=1e-6)
if fit_steps >= 1_000:
    assert np.allclose(rows["game 2, a line"][:2], np.log([4, 2]), atol=0.01)
    assert rows["compare: a network"][0] < math.log(4) - jsd_bells


# %% [markdown]
# > **The lecture stops training** when the discriminator puts out $1/2$ everywhere. At the
# > end it does. So it does at the beginning, and whenever it is too weak. $D = \tfrac12$ says
# > that *this discriminator cannot tell*, and nothing about those that could. Whether
# > samples are good must be measured on samples.

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### What the discriminator says when there is nothing to say
#
# The lecture has a point, though: near the end, the feedback turns to noise. We can compute
# when. The generator is at $\theta$, close to 0, and the discriminator is the best line for
# $n$ samples of each kind. The true slope is $w = -\theta$; its standard error is known
# from above. The generator moves the right way if the fitted $w$ has the right sign, which
# should happen with probability $\Phi(\theta / \text{error})$. We fit thousands of such
# lines at once, by Newton's method.


# %%
def best_lines(real, fake):
    """Intercepts and slopes, one for each row of samples."""
    points = np.hstack([real, fake])
    is_real = np.arange(points.shape[1]) < real.shape[1]
    b, w = np.zeros((2, len(points), 1))
    for _ in range(7):  # Newton doubles the correct digits each time
        D = expit(b + w * points)
        wrong, weight = is_real - D, D * (1 - D)
        s0, s1, s2 = ((weight * points**k).mean(1, keepdims=True) for k in range(3))
        g0, g1 = wrong.mean(1, keepdims=True), (wrong * points).mean(1, keepdims=True)
        det = s0 * s2 - s1**2
        b, w = b + (s2 * g0 - s1 * g1) / det, w + (s0 * g1 - s1 * g0) / det
    return b[:, 0], w[:, 0]


# %% [markdown] slideshow={"slide_type": "subslide"}
# **Predict before you run.** The discriminator sees 256 real samples and 256 fakes. How near
# must the generator be before one piece of advice in three is wrong?

# %%
n = 256
for theta in (1.0, 0.3, 0.1, 0.03, 0.0):
    reals, fakes = rng.normal(0, 1, (repeats, n)), rng.normal(theta, 1, (repeats, n))
    right = (best_lines(reals, fakes)[1] < 0).mean()
    predicted = stats.norm.cdf(theta / standard_errors(n, theta)[1])
    print(f"distance {theta:4}: right way {right:6.1%}, predicted {predicted:6.1%}")
    # a share of coins; the normal law itself is off by something of order 1/n
    assert abs(right - predicted) < 4 * math.sqrt(0.25 / repeats) + 1 / n

# %% [markdown] slideshow={"slide_type": "subslide"}
# At a distance of 0.1 the advice is mostly right, at 0.03 about one piece in three is wrong,
# and at 0 it is a coin. Does it *undo* what was learnt? Let many games go on from the perfect generator, $\theta = 0$, each
# with 64 fresh samples a step and the best line for them. Near $D = \tfrac12$ the slope of
# the generator's loss is $-\tfrac12 w$, so that a step of size $h$ is
# $\theta \leftarrow \theta + \tfrac h2 w$. And $w$ is $-\theta$ plus noise of variance $2/n$.
# That is Brownian motion on a spring. It settles at
#
# $$
# \mathrm{Var}(\theta) = \frac{(h/2)^2 \cdot 2/n}{1 - (1 - h/2)^2} .
# $$

# %% slideshow={"slide_type": "subslide"}
n, h = 64, 0.5
assert math.isclose(standard_errors(n, theta=0.0)[1] ** 2, 2 / n, rel_tol=1e-9)
theta = np.zeros((games, 1))
spread = [0.0]
for _ in range(40):
    reals = rng.normal(0, 1, (games, n))
    fakes = theta + rng.normal(0, 1, (games, n))
    b, w = (values[:, None] for values in best_lines(reals, fakes))
    theta = theta + h * w * expit(-(b + w * fakes)).mean(1, keepdims=True)
    spread.append(np.sqrt((theta**2).mean()))
settled = math.sqrt((h / 2) ** 2 * 2 / n / (1 - (1 - h / 2) ** 2))
print(f"rms distance: first {spread[0]:.3f}, at the end {spread[-1]:.3f}")
print(f"spring with noise: {settled:.3f}")
# an rms of normal numbers has a relative error of 1/sqrt(2 games); what the first order
# leaves out is of relative size 1/n, of which we allow two
assert abs(spread[-1] / settled - 1) < 4 / math.sqrt(2 * games) + 2 / n


# %% [markdown]
# So it does: the generator leaves the solution and jitters around it. It does not wander
# off, because the spring pulls harder the further it goes. The cure is in the formula:
# smaller steps or more samples.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## One step of the game
#
# Here is the step that the course uses. In each step the discriminator is changed first,
# and the generator is then changed against *the new* discriminator, on the same fakes.
# These are **alternating** steps. If both are changed from slopes that were taken before
# either moved, the steps are **simultaneous**. `detach` keeps the discriminator's
# loss from reaching into the generator. `descend` is what every optimizer wants to hear;
# with `inputs=` the gradients of its own parameters are computed and no others, so that the
# generator's loss, which passes through the discriminator, leaves nothing there.


# %% tags=["mirrors"] slideshow={"slide_type": "subslide"}
def descend(optimizer, loss):
    optimizer.zero_grad()
    (group,) = optimizer.param_groups
    loss.backward(inputs=group["params"])
    optimizer.step()


def gan_step(
    generator, discriminator, real, z, generator_optimizer, discriminator_optimizer
):
    fake = generator(z)
    d_loss = discriminator_loss(discriminator(real), discriminator(fake.detach()))
    descend(discriminator_optimizer, d_loss)
    g_loss = generator_loss(discriminator(fake))
    descend(generator_optimizer, g_loss)
    return d_loss.detach(), g_loss.detach()


# %% [markdown]
# Who moves when seems a detail of programming. It decides where the game goes, as
# [lesson 6](06_game_settles.ipynb) shows.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What could go wrong
#
# - **A sigmoid too many.** The network ends in one and the loss applies another. Logits
#   squeezed between 0 and 1 can never say "fake" with confidence. Training runs, weakly.
# - **A forgotten `detach`.** The discriminator's backward pass also fills the generator's
#   gradients. Here `zero_grad` clears them in time; in another order it would not.
# - **Real and fake of different numbers.** A mean over 96 real samples and a mean over 256
#   fakes are still two means. With batch normalization, or a sum, they are not comparable.
# - **Stopping by the loss.** A low generator loss means a weak discriminator as often as a
#   good generator.
# - **A discriminator trained to the end.** It is the theory's $D^*$, and where the densities
#   do not overlap it leaves the saturating loss no slope.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Summary
#
# | | what | value |
# |---|---|---|
# | the game | $V = \mathbb E_p \log D + \mathbb E_q \log (1 - D)$ | zero-sum: $\min_G \max_D V$ |
# | best discriminator | $D^* = p/(p + q)$, logit $\log p - \log q$ | $2 - 2x$ for the two normals |
# | generator against it | $2\,\mathrm{JSD} - \log 4$ | from $-\log 4$ to 0 |
# | non-saturating loss | slope $1 - D$ for $D$ | not zero-sum; $\mathrm{KL}(q \Vert p) - 2\,\mathrm{JSD} = 2\,\mathrm{KL}(m \Vert p)$ |
# | at the equilibrium | $D = \tfrac12$ | losses $\log 4$ and $\log 2$; the converse is false |

# %% [markdown]
# The equilibrium is known now. Whether steps of two players lead there is the question of
# [lesson 6](06_game_settles.ipynb).

# %% [markdown] slideshow={"slide_type": "skip"}
# ## Exercises
#
# [The set of this lesson](exercises/05_gan_game.ipynb) has stubs to fill in, and checks that
# answer. Here are questions to think about without a net.
#
# 1. *Easy (15 minutes).* Data $\mathcal N(0, 1)$ and generator $\mathcal N(0, s^2)$ with
#    $s \ne 1$. Write down the best logit. Show that the best *line* as discriminator has the
#    loss $\log 4$, as if the two were equal (look at the slope of its loss at $b = w = 0$).
#    Which single feature in place of $x$ would be enough?
# 2. *Medium (30 minutes).* Data and generator are Boltzmann distributions
#    $e^{-E_1}/Z_1$ and $e^{-E_2}/Z_2$, of which you know the energies and have samples.
#    Fit a discriminator with the logit $b - E_1(x) + E_2(x)$, where only $b$ is trained.
#    What is $b$? Check it with $E_1 = x^2/2$ and $E_2 = x^2/8$. (Chemists know the
#    method as Bennett's acceptance ratio.)
# 3. *Hard (60 minutes).* Derive the covariance of $(b, w)$ used above, with the 2 that comes
#    off, from the slope of the loss and its curvature: near its minimum, the error is minus
#    the inverse curvature times the slope, whose scatter is a variance over real samples
#    plus one over fakes. Confirm it with the scatter of many `best_lines`.

# %% [markdown] slideshow={"slide_type": "skip"}
# ## References
#
# - I. Goodfellow et al., *Generative Adversarial Nets*, 2014,
#   [arXiv:1406.2661](https://arxiv.org/abs/1406.2661): six pages, and where it all began;
#   I. Goodfellow, *NIPS 2016 Tutorial: Generative Adversarial Networks*,
#   [arXiv:1701.00160](https://arxiv.org/abs/1701.00160).
# - I. Goodfellow, Y. Bengio and A. Courville, *Deep Learning*, 2016, section 20.10.4.
# - M. Arjovsky and L. Bottou, *Towards Principled Methods for Training Generative
#   Adversarial Networks*, 2017, [arXiv:1701.04862](https://arxiv.org/abs/1701.04862).
# - In physics: L. de Oliveira, M. Paganini and B. Nachman, *Learning Particle Physics by
#   Example* (LAGAN), 2017, [arXiv:1701.05927](https://arxiv.org/abs/1701.05927); the same,
#   *CaloGAN*, 2018, [arXiv:1712.10321](https://arxiv.org/abs/1712.10321); ATLAS,
#   *AtlFast3*, 2021, [arXiv:2109.02551](https://arxiv.org/abs/2109.02551); M. Mustafa et
#   al., *CosmoGAN*, 2019, [arXiv:1706.02390](https://arxiv.org/abs/1706.02390);
#   A. C. Rodríguez et al., 2018, [arXiv:1801.09070](https://arxiv.org/abs/1801.09070);
#   K. Schawinski et al., 2017, [arXiv:1702.00403](https://arxiv.org/abs/1702.00403).
# - S. Lloyd and C. Weedbrook, *Quantum generative adversarial learning*, 2018,
#   [arXiv:1804.09139](https://arxiv.org/abs/1804.09139).
# - In pictures: T. Karras et al., [arXiv:1710.10196](https://arxiv.org/abs/1710.10196);
#   S. Reed et al., [arXiv:1605.05396](https://arxiv.org/abs/1605.05396); G. Antipov et al.,
#   [arXiv:1702.01983](https://arxiv.org/abs/1702.01983); P. Isola et al.,
#   [arXiv:1611.07004](https://arxiv.org/abs/1611.07004); C. Vondrick et al.,
#   [arXiv:1609.02612](https://arxiv.org/abs/1609.02612); D. Pathak et al.,
#   [arXiv:1604.07379](https://arxiv.org/abs/1604.07379).
# - M. Hjorth-Jensen, *Advanced machine learning and data analysis for the physical
#   sciences*, week 14, 2024: the lecture.
