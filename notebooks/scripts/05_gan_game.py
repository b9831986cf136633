# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown] slideshow={"slide_type": "slide"}
# # 5 · The GAN game: two players, one equilibrium, and the way there
#
# Open in [Colab](https://colab.research.google.com/github/generative-models/executed/blob/v0.1.0/notebooks/05_gan_game.ipynb) or on [Binder](https://mybinder.org/v2/gh/generative-models/executed/v0.1.0?urlpath=lab/tree/notebooks/05_gan_game.ipynb).

# %% [markdown]
# ## You will be able to
#
# - write down the game of a generative adversarial network (GAN), and say what each
#   player sees and wants;
# - derive the best discriminator, and say what the generator minimizes against it;
# - say why the generator is trained with another loss than the game's, and what that
#   changes;
# - read a GAN's losses, and name three games whose losses look like success and are none;
# - decide from the trace and determinant of a matrix whether a game of gradient steps
#   leaves, circles or arrives near its equilibrium, and say what a gradient penalty does.

# %% [markdown] slideshow={"slide_type": "skip"}
# ## Before you start
#
# Lesson 0 has the symbols. Lesson 1 is where the KL divergence comes from, lesson 2 where
# gradients pass through samples: the *pathwise gradient* and the *score function* are
# explained there and used here, once each. You need densities, the chain rule and
# eigenvalues of a two by two matrix. On two CPU cores this lesson runs in about a minute.
# Nothing is downloaded.

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
    address, tag = "https://github.com/generative-models/executed", "v0.1.0"
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
from torch.func import grad, jacrev

from course_utils.budget import budget
from course_utils.data.mixtures import Mixture
from course_utils.exact.games import (
    dirac_gan_eigenvalues,
    dirac_gan_path,
    dirac_gan_step,
    jensen_shannon,
    optimal_discriminator_logit,
)
from course_utils.figures.game_frames import draw_field, draw_path
from course_utils.figures.style import COLOURS, use_course_style
from course_utils.metrics.modes import wasserstein_1d
from course_utils.pytorch.device import seed_everything
from course_utils.pytorch.game import Game
from course_utils.pytorch.gan import generate
from course_utils.pytorch.layers import relu_layers
from course_utils.pytorch.training import train_gan
from course_utils.records.recipes import Recipe, falling
from course_utils.widgets.games import dirac_explorer, dirac_field, game_player

use_course_style()

# %% [markdown] slideshow={"slide_type": "skip"}
# All sizes stand in one cell. `COURSE_BUDGET` picks a column; the saved outputs are those
# of `lecture`.

# %% slideshow={"slide_type": "skip"}
samples = budget(smoke=2_000, lecture=50_000, full=400_000)
fit_steps = budget(smoke=30, lecture=1_000, full=4_000)
repeats = budget(smoke=200, lecture=2_000, full=5_000)
games = budget(smoke=50, lecture=400, full=4_000)
steps = budget(smoke=60, lecture=2_000, full=30_000)
every = budget(smoke=20, lecture=100, full=1_000)
seeds = budget(smoke=1, lecture=3, full=10)

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
# runs only one way. This lesson has three games that look won and are not. Here are two of
# them, with data from $\mathcal N(0, 1)$; the third comes when a GAN is trained.
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
# Who moves when seems a detail of programming. It decides where the game goes.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Does the game converge?
#
# ### Convex, and not
#
# Two numbers play for $V(\theta, \psi) = \tfrac a2 \theta^2 + \theta\psi - \tfrac a2
# \psi^2$. The generator steps down its slope, the discriminator up its own: simultaneous
# steps of size $h$. For $a > 0$, $V$ is convex in $\theta$ and concave in $\psi$. For $a = 0$ it
# is **bilinear**. A step is a matrix times $(\theta, \psi)$, and powers of a matrix grow or
# die by the moduli of its eigenvalues.

# %% tags=["nbval-check-output"]
h = 0.2
for a in (1.0, 0.0):
    pulls_matrix = np.array([[-a, -1.0], [1.0, -a]])  # minus V's slope, plus V's slope
    modulus = np.abs(np.linalg.eigvals(np.eye(2) + h * pulls_matrix)).max()
    assert math.isclose(modulus, math.hypot(1 - h * a, h), rel_tol=1e-12)
    print(f"a = {a:.0f}: modulus {modulus:.4f}, after 100 steps x {modulus**100:.2g}")

# %% [markdown] slideshow={"slide_type": "subslide"}
# With a bowl under each player the game arrives. Without, it turns, and each step carries
# it a little further out.
#
# > **The lecture quotes a guarantee:** if $\max_D V$ is convex in the generator's parameters,
# > the procedure converges. That speaks of a generator whose opponent is the *best*
# > discriminator each time. And is it convex? For the two normals above, only near the
# > solution, as the next cell finds.

# %%
curvature = np.diff(against_best, 2)
convex = thetas[1:-1][curvature > 0]
print(f"max_D V is convex in theta from {convex.min():.1f} to {convex.max():.1f} only")
assert convex.min() > -1.95 or convex.max() < 5.85  # not all that we looked at
assert np.all(np.diff(convex) < 0.11)  # one piece, around the solution
assert convex.min() <= 0 <= convex.max()

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### The smallest GAN
#
# The data are a single point, 0. The generator is a single point, $\theta$. The
# discriminator has one parameter: its logit is $\ell(x) = \psi x$. Mescheder, Geiger and
# Nowozin (2018) call it the **Dirac-GAN**. Its value is
#
# $$
# V(\theta, \psi) = \log D(0) + \log(1 - D(\theta)) = -\log 2 - \log (1 + e^{\psi\theta}) .
# $$
#
# The equilibrium is $\theta = \psi = 0$. The slopes are
#
# $$
# -\frac{\partial V}{\partial \theta} = \; u\,\psi , \qquad
# \frac{\partial V}{\partial \psi} = -u\,\theta , \qquad u = \mathrm{sigmoid}(\psi\theta).
# $$

# %% [markdown]
# In this section both players play for $V$, so that the generator has the saturating loss.
# (With the non-saturating one of `gan_step` the generator's $u$ is
# $\mathrm{sigmoid}(-\psi\theta)$. Both are $\tfrac12$ where $\psi\theta = 0$, so the two
# games agree *near the equilibrium* and go different ways far from it.)
#
# At each place the push $(u\psi, -u\theta)$ stands at a right angle to $(\theta, \psi)$. In
# continuous time the game therefore runs on a **circle**: $\theta^2 + \psi^2$ is
# conserved, like the energy of a pendulum without friction. A finite simultaneous step, in a
# direction at right angles to the radius, leads *outwards*, by Pythagoras:
#
# $$
# \theta'^2 + \psi'^2 = (1 + h^2 u^2)\,(\theta^2 + \psi^2) .
# $$
#
# That is exact, everywhere and for every step size $h$.

# %% tags=["nbval-check-output"] slideshow={"slide_type": "subslide"}
h = 0.3
path = dirac_gan_path("simultaneous", (1.0, 1.0), h, 100)
u = expit(path[:, 0] * path[:, 1])
radius = np.hypot(*path.T)
assert np.allclose(
    radius[1:] ** 2, (1 + h**2 * u[:-1] ** 2) * radius[:-1] ** 2, rtol=1e-12
)
print("radius after 0, 50, 100 steps:", radius[[0, 50, 100]].round(3))

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### Alternating steps
#
# At the equilibrium $u = \tfrac12$. In the **Wasserstein GAN** the discriminator (there
# called a critic) is paid its logit itself, $V = \ell(0) - \ell(\theta) = -\psi\theta$, and
# $u = 1$ everywhere. So it is the bilinear game. Let the generator answer the *new* $\psi$:
#
# $$
# \psi' = \psi - h\theta, \qquad \theta' = \theta + h\psi' .
# $$
#
# Each line shears the plane, and shears keep areas. That is the **leapfrog** that keeps
# planets on their orbits in simulations (in its plainest form, symplectic Euler), and it
# has a conserved quantity too, $\theta^2 + \psi^2 - h\,\theta\psi$. Its level lines are
# ellipses as long as $h < 2$. (Beyond, they are hyperbolas, which lead away.)

# %% tags=["nbval-check-output"] slideshow={"slide_type": "subslide"}
path = dirac_gan_path("wasserstein_alternating", (1.0, 1.0), h, 1000)
theta, psi = path.T
ellipse = theta**2 + psi**2 - h * theta * psi
print("ellipse:", ellipse[[0, 500, 1000]].round(9))
assert np.allclose(ellipse, ellipse[0], rtol=1e-11)  # 1000 steps of rounding at 1e-16

corners = np.array([[1.0, 1.0], [1.1, 1.0], [1.0, 1.1]])  # two sides of area 0.01
moved = np.stack(dirac_gan_step("wasserstein_alternating", *corners.T, h), 1)
area = np.linalg.det(moved[1:] - moved[0])
print(f"area before 0.01, after {area:.6f}")
assert math.isclose(area, 0.01, rel_tol=1e-12)


# %% [markdown] slideshow={"slide_type": "subslide"}
# For the Wasserstein game that settles it: alternating steps with $h < 2$ neither arrive nor
# leave. They circle forever. The lecture warns of players who *chase one another around
# indefinitely*: here they are.
#
# ### Two eigenvalues decide, near the equilibrium
#
# The GAN's $u$ changes from place to place. Close to the equilibrium, where $u = \tfrac12$,
# a step is a matrix again, its Jacobian. For the Wasserstein game the same matrices, with
# $u = 1$, hold everywhere. Put the new $\psi$ into the line for $\theta'$ and read off:
#
# $$
# J_{\text{simultaneous}} = \begin{pmatrix} 1 & hu \\ -hu & 1 \end{pmatrix}, \qquad
# J_{\text{alternating}} = \begin{pmatrix} 1 - h^2u^2 & hu \\ -hu & 1 \end{pmatrix} .
# $$

# %% [markdown] slideshow={"slide_type": "subslide"}
# The eigenvalues follow from the trace $t$ and the determinant $d$:
# $\lambda = \tfrac t2 \pm \sqrt{\tfrac{t^2}4 - d}$. Their product is $d$. If $t^2 < 4d$ they
# are a complex pair, and each has the modulus $\sqrt d$.
#
# | steps | $t$ | $d$ | so |
# |---|---|---|---|
# | simultaneous | $2$ | $1 + h^2u^2$ | a pair of modulus $\sqrt{1 + h^2u^2} > 1$, for every $h$ |
# | alternating, $hu < 2$ | $2 - h^2u^2$ | $1$ | a pair of modulus 1 |
# | alternating, $hu > 2$ | below $-2$ | $1$ | two real ones with product 1: one is beyond $-1$ |
#
# We do not take the paper's word. Here is a step of the Dirac-GAN in PyTorch, built from
# the lesson's own two losses. `grad` and `jacrev` differentiate functions. The terms with
# `gamma` are for later.


# %% slideshow={"slide_type": "subslide"}
def dirac_step(point, h, alternating=False, gamma=0.0, kind="saturating"):
    def d_loss(psi, theta):
        return discriminator_loss(psi * 0, psi * theta) + gamma / 2 * psi**2

    def g_loss(theta, psi):
        return generator_loss(psi * theta, kind)

    theta, psi = point
    new_psi = psi - h * grad(d_loss)(psi, theta)
    seen = new_psi if alternating else psi
    return torch.stack([theta - h * grad(g_loss)(theta, seen), new_psi])


def jacobian(h, **how):
    origin = torch.zeros(2, dtype=torch.float64)
    return jacrev(lambda point: dirac_step(point, h, **how))(origin).numpy()


def on_paper(h, alternating=False, gamma=0.0, u=0.5):
    shrink = 1 - h * gamma
    if alternating:
        return np.array([[1 - h**2 * u**2, h * u * shrink], [-h * u, shrink]])
    return np.array([[1, h * u], [-h * u, shrink]])


# %% [markdown]
# Its step agrees with the exact one, and its Jacobian with the matrices on paper, for both
# losses of the generator. Away from the equilibrium the two losses part.

# %% tags=["nbval-check-output"] slideshow={"slide_type": "subslide"}
point = torch.tensor([0.7, -0.4], dtype=torch.float64)
for method, alternating in (("simultaneous", False), ("alternating", True)):
    step_here = dirac_step(point, 0.3, alternating).numpy()
    assert np.allclose(step_here, dirac_gan_step(method, *point, 0.3), rtol=1e-12)
    other = dirac_step(point, 0.3, alternating, kind="non_saturating").numpy()
    assert abs(other - step_here).max() > 0.01
    for h in (0.3, 1.0, 3.0, 5.0):
        J = on_paper(h, alternating)
        for kind in formulas:
            found = jacobian(h, alternating=alternating, kind=kind)
            assert np.allclose(found, J, atol=1e-14)
        moduli = np.sort(np.abs(np.linalg.eigvals(J)))
        theirs = np.abs(dirac_gan_eigenvalues(method, h))
        assert np.allclose(moduli, np.sort(theirs), atol=1e-9)
        t, d = np.trace(J), np.linalg.det(J)
        print(f"{method:12} h = {h}: t {t:6.3f}, d {d:.4f}, moduli {moduli.round(4)}")

# %% [markdown] slideshow={"slide_type": "subslide"}
# At $hu = 2$ itself both eigenvalues of the alternating step are $-1$. Does it circle? The
# matrix is not $-1$ times the identity, and its powers grow:

# %% tags=["nbval-check-output"]
J = on_paper(4.0, alternating=True)
assert np.array_equal((J + np.eye(2)) @ (J + np.eye(2)), np.zeros((2, 2)))  # double: -1
for n in (10, 100, 1000):
    power = np.linalg.matrix_power(J, n)
    grown = [np.hypot(*power @ start) / np.hypot(*start) for start in ([1, 0], [1, 1])]
    print(f"{n:4} steps: from (1, 0) x {grown[0]:.0f}, from (1, 1) x {grown[1]:.0f}")

# %% [markdown] slideshow={"slide_type": "subslide"}
# It leaves, in proportion to the number of steps, from everywhere but the diagonal.
#
# ### What modulus 1 does not say
#
# A modulus above 1 drives a game out, one below 1 draws it in, as long as it is close
# enough. A modulus of exactly 1 says only that the *linear* part does neither. In the
# Wasserstein game there is no other part. In the GAN there is, and alternating steps no
# longer keep areas: by the chain rule a step multiplies them by
#
# $$
# (1 - h\,\dot u(\psi\theta)\,\theta^2)\,(1 + h\,\dot u(\psi'\theta)\,\psi'^2) , \qquad
# \dot u(s) = \mathrm{sigmoid}(s)\,\mathrm{sigmoid}(-s) .
# $$
#
# **Predict before you run.** Does the alternating GAN stay on its orbit from $(1, 1)$, with
# eigenvalues of modulus 1?

# %% slideshow={"slide_type": "subslide"}
place, h = np.array([1.0, 1.0]), 2.0
new_psi = dirac_gan_step("alternating", *place, h)[1]
bend = [expit(s) * expit(-s) for s in (place.prod(), new_psi * place[0])]
area = (1 - h * bend[0] * place[0] ** 2) * (1 + h * bend[1] * new_psi**2)
tensor = torch.from_numpy(place)
autograd = torch.linalg.det(jacrev(lambda at: dirac_step(at, h, True))(tensor)).item()
assert math.isclose(area, autograd, rel_tol=1e-9)
print(f"at (1, 1), h = {h}: an area is multiplied by {area:.3f}")

farthest = {}
for h in (0.1, 0.3, 0.5, 1.0, 2.0):
    for start in (1.0, 0.01):
        path = dirac_gan_path("alternating", (start, start), h, 2000)
        radius = np.hypot(*path.T) / np.hypot(start, start)
        farthest[h, start] = radius[:81].max(), radius.max()
    (far_80, far), (_, near) = farthest[h, 1.0], farthest[h, 0.01]
    print(
        f"h = {h}: from (1, 1) x {far_80:.2f} in 80 steps, x {far:.2f} in 2000;"
        f" from (0.01, 0.01) x {near:.3f} in 2000"
    )
assert all(far[1] < 1.001 for (_, start), far in farthest.items() if start < 1)
assert farthest[0.1, 1.0][1] < 1.01
assert farthest[2.0, 1.0][0] > 3

# %% [markdown] slideshow={"slide_type": "subslide"}
# Close to the equilibrium, or with a small step, the alternating GAN circles for as long as
# we looked. From $(1, 1)$ with a large step it leaves its orbit, although the eigenvalues
# are the same. So for the GAN "it circles" is a statement about the neighbourhood of the
# equilibrium and about $hu < 2$, and no more.

# %% [markdown]
# And simultaneous steps? For small $h$ their spiral is slow, but it never turns inwards. How
# many steps does it take to double the radius, and how much time $h \times$ steps?

# %% tags=["nbval-check-output"]
for h in (0.2, 0.1, 0.05):
    modulus = np.abs(dirac_gan_eigenvalues("simultaneous", h)).max()
    doubling = math.log(2) / math.log(modulus)
    print(f"h = {h:4}: {doubling:5.0f} steps to double, time {h * doubling:.0f}")
    # ln sqrt(1 + h^2/4) = h^2/8, less a share of h^2/8
    assert math.isclose(math.log(modulus), h**2 / 8, rel_tol=h**2 / 7)

# %% [markdown] slideshow={"slide_type": "subslide"}
# Half the step size takes four times as many steps, which is twice the time. Smaller steps
# put the departure off. None prevents it.
#
# ### Friction
#
# A pendulum comes to rest by friction, a force against its speed. What is the speed here?
# Near the equilibrium $\dot\theta = \tfrac12\psi$: the generator moves as fast as the
# discriminator is steep. So punish the discriminator for being steep where the data are, by
#
# $$
# \frac\gamma2\, \mathbb E_{x \sim p} \left\Vert \nabla_x\, \ell_\psi(x) \right\Vert^2 .
# $$
#
# This is the **R1 penalty**. At the equilibrium the discriminator should be flat there, so
# the penalty costs nothing at the right place. In the Dirac-GAN it is
# $\tfrac\gamma2\psi^2$. Near the equilibrium, in continuous time, it turns the other player's
# law into $\dot\psi = -\tfrac12\theta - \gamma\psi$, and both together into
#
# $$
# \ddot\theta + \gamma\,\dot\theta + \tfrac14\,\theta = 0 :
# $$

# %% [markdown] slideshow={"slide_type": "subslide"}
# a damped oscillator, critically damped at $\gamma = 1$. So much for continuous time. In
# steps, the discriminator's new $\psi$ has lost a share $h\gamma$:
#
# $$
# J_{\text{simultaneous}} = \begin{pmatrix} 1 & hu \\ -hu & 1 - h\gamma \end{pmatrix}, \qquad
# J_{\text{alternating}} = \begin{pmatrix} 1 - h^2u^2 & hu(1 - h\gamma) \\
# -hu & 1 - h\gamma \end{pmatrix} .
# $$
#
# Both eigenvalues of a two by two matrix lie inside the circle of modulus 1 exactly if
# $d < 1$ and $|t| < 1 + d$. With $u = \tfrac12$ that gives:
#
# | steps | $t$ | $d$ | arrives for | fastest at |
# |---|---|---|---|---|
# | simultaneous | $2 - h\gamma$ | $1 - h\gamma + \tfrac{h^2}4$ | $\tfrac h4 < \gamma < \tfrac2h + \tfrac h8$ | $\gamma = 1$ |
# | alternating | $2 - h\gamma - \tfrac{h^2}4$ | $1 - h\gamma$ | $0 < \gamma < \tfrac2h - \tfrac h8$ | $\gamma = 1 - \tfrac h4$ |
#
# Simultaneous steps need some friction only to make up for Pythagoras. The fastest place is
# where $t^2 = 4d$ and both roots meet, at $1 - \tfrac h2$ in either order (for $h < 2$). The
# next cell checks the matrices by autograd, and the table's last two columns on a fine
# scale of $\gamma$.

# %% tags=["nbval-check-output"] slideshow={"slide_type": "subslide"}
h = 0.3
claims = {
    "simultaneous": (h / 4, 2 / h + h / 8, 1.0),
    "alternating": (0.0, 2 / h - h / 8, 1 - h / 4),
}
fine = np.arange(0.01, 8, 0.02)  # no point of it is an end of an interval
for method, (low, high, best) in claims.items():
    alternating = method == "alternating"
    for gamma in (0.2, 0.6, 2.0):
        found = jacobian(h, alternating=alternating, gamma=gamma)
        assert np.allclose(found, on_paper(h, alternating, gamma), atol=1e-14)
    J = [on_paper(h, alternating, gamma) for gamma in fine]
    moduli = np.abs(np.linalg.eigvals(J)).max(1)
    assert np.array_equal(moduli < 1, (low < fine) & (fine < high))
    at_best = np.abs(dirac_gan_eigenvalues(method, h, best)).max()
    # both roots meet there: float64 splits them by the root of its rounding
    assert abs(at_best - (1 - h / 2)) < 1e-7
    assert moduli.min() > at_best - 1e-7
    print(
        f"{method:12} arrives for gamma in ({low:.3f}, {high:.3f}), "
        f"fastest at {best:.3f}: modulus {at_best:.4f}"
    )

# %% [markdown] slideshow={"slide_type": "subslide"}
# Now the modulus as a curve, from $\gamma = 0$ on.
#
# **Predict before you run.** What will more friction than the best do to the time it takes?

# %%
gammas = np.linspace(0, 2.5, 101)
for method in claims:
    moduli = [np.abs(dirac_gan_eigenvalues(method, h, gamma)).max() for gamma in gammas]
    plt.plot(gammas, moduli, label=method)
    # the lowest of the points is the one next to the kink
    assert abs(gammas[np.argmin(moduli)] - claims[method][2]) < 0.025
plt.axhline(1, color="black", linestyle=":")
plt.xlabel("weight $\\gamma$ of the penalty (no units)")
plt.ylabel("largest modulus")
plt.title(f"Dirac-GAN with R1, step h = {h}")
plt.legend()
plt.show()

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: the largest modulus against gamma. The alternating curve starts at 1, the
# simultaneous one just above and crosses 1 soon. Both fall in nearly straight lines to a
# sharp lowest point, the alternating one a little earlier, and climb again, ever more
# slowly.*

# %% [markdown] slideshow={"slide_type": "subslide"}
# To the left of the lowest point the game spirals in, where the curve is below 1. To the
# right the discriminator becomes so lazy that the generator creeps.
#
# The penalty of the Wasserstein GAN (WGAN-GP, Gulrajani 2017) looks alike, but pulls the
# *length* of the slope to 1: $\tfrac\gamma2 (\Vert\nabla_x \ell\Vert - 1)^2$. At the
# equilibrium of the Dirac-GAN the slope should be 0, and there this penalty has a kink:
# it pushes away. Six ways to play, each from $(1, 1)$:

# %% slideshow={"slide_type": "subslide"}
ways = {
    "GAN, simultaneous": ("simultaneous", 0.0),
    "GAN, alternating": ("alternating", 0.0),
    "GAN + R1, alternating": ("alternating", 0.6),
    "Wasserstein, simultaneous": ("wasserstein", 0.0),
    "Wasserstein, alternating": ("wasserstein_alternating", 0.0),
    "WGAN-GP, alternating": ("wasserstein_gp", 0.6),
}
h = 0.3
figure, panels = plt.subplots(2, 3, figsize=(9, 7.6), sharex=True, sharey=True)
for axes, (name, (method, gamma)) in zip(panels.flat, ways.items()):
    path = dirac_gan_path(method, (1.0, 1.0), h, 80, gamma)
    draw_field(axes, dirac_field(method, gamma, points=7))
    draw_path(axes, path)
    axes.set(xlim=(-3, 3), ylim=(-3, 3), xticks=[-2, 0, 2], aspect="equal")
    axes.set_title("\n".join([*name.split(", "), f"γ = {gamma:.1f}"]), fontsize=13)
figure.suptitle(f"80 steps of size h = {h} from (1, 1)")
panels[0, 0].set_ylabel("$\\psi$")
panels[1, 0].set_ylabel("$\\psi$")
panels[1, 1].set_xlabel("generator $\\theta$ and discriminator $\\psi$ (no units)")
plt.show()

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: six phase planes. Each path begins at the black square; a disc marks its end, and
# the cross the equilibrium. Arrows show where the two players are pulled. Both simultaneous
# games without penalty spiral outwards, the Wasserstein one out of the picture, and its disc
# lies outside too. The two alternating ones without penalty stay on a closed orbit for these
# 80 steps. With R1 the path bends into the cross. With WGAN-GP it stays on an orbit around
# it.*

# %% [markdown] slideshow={"slide_type": "subslide"}
# Pictures can deceive, so here are numbers: how far from the equilibrium after a long time,
# and whether a growing radius follows the eigenvalue.

# %% tags=["nbval-check-output"]
for name, (method, gamma) in ways.items():
    path = dirac_gan_path(method, (0.01, 0.01), h, 400, gamma)
    radius = np.hypot(*path[-100:].T)
    print(
        f"{name:25} started 0.0141 away, ends {radius.min():.2g} to {radius.max():.2g}"
    )
    if method in ("simultaneous", "wasserstein"):
        grown = np.hypot(*path[20]) / np.hypot(*path[0])
        modulus = np.abs(dirac_gan_eigenvalues(method, h)).max()
        # psi theta stays below 1e-3, and so does the share by which u differs from 1/2;
        # it enters with h^2 u^2 / 2 = 0.011 in each of 20 steps, twice
        assert math.isclose(grown, modulus**20, rel_tol=5e-4)

# %% [markdown] slideshow={"slide_type": "subslide"}
# Even the path that began close to the equilibrium is driven out by WGAN-GP, to the orbit
# of the picture. R1 arrives.
#
# Now play with it. Four controls stand above the picture in a live session: the method, the
# start, (1, 1) or (0.01, 0.01), the step $h$ up to 4.5, and the penalty's weight $\gamma$ up
# to 2. From the near start one sees what the eigenvalues say; the plane is then enlarged.
# From the far one the rest of the game shows as well. Where does friction become too much?
# Up to which step do alternating steps hold, and what happens just beyond?

# %% slideshow={"slide_type": "subslide"}
dirac_explorer()


# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: left, the plane of generator and discriminator with 80 simultaneous steps of the
# GAN that spiral outwards; right, the eigenvalues as two crosses. They seem to lie on the
# dashed circle of modulus 1. Above it stands how little they lie outside.*

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A small GAN, watched
#
# From points to networks. The data are two bells on the line, at $-2$ and $2$. The
# generator has one latent number. We keep what is needed to look back: $D(x)$ on a grid,
# and a histogram of fakes.
#
# How good are they? The **Wasserstein-1 distance** between two samples on the line is the
# mean distance after both are sorted: how far each point has to be carried. It has the
# units of $x$. But two *perfect* samples are not at distance 0 either. That is the **noise
# floor**, and no model should be praised or blamed below it.


# %% slideshow={"slide_type": "subslide"}
def distance(a, b):
    return stats.wasserstein_distance(a[:, 0], b[:, 0])


data = two_bells.sample(20_000, seed=10)
fresh = two_bells.sample(5_000, seed=11)
pairs = [
    distance(two_bells.sample(5_000, seed=s), two_bells.sample(5_000, seed=s + 1))
    for s in range(100, 160, 2)
]
floor, often = np.mean(pairs), np.quantile(pairs, 0.95)
shifted = distance(fresh, fresh + 0.3)
assert math.isclose(shifted, 0.3, rel_tol=1e-9)  # everything carried by 0.3
print(
    f"two true samples of 5,000: {floor:.3f} apart on average, one in 20 over {often:.3f}"
)

# %% [markdown] slideshow={"slide_type": "subslide"}
# Where the data are not known as a formula, no second true sample can be drawn. The course's
# `wasserstein_1d` finds the floor from one real sample, by drawing from it with
# replacement. Here we can check that.

# %%
score = wasserstein_1d(fresh, two_bells.sample(5_000, seed=12))
print("a true sample:", score)
# the mean of 30 pairs has an error of their deviation / sqrt(30), that of 200 has less
assert abs(score.floor - floor) < 4 * np.std(pairs, ddof=1) * math.sqrt(
    1 / 30 + 1 / 200
)

# %% [markdown]
# The training loop of the course is `train_gan`. It plays a `Game`: two networks, data, and
# a `Recipe`. It shuffles the data, takes batches of 256
# real samples and as many latent points, and calls the recipe's `step` on each: any function
# with the arguments of `gan_step`, which is how the next section will change the game. Both
# optimizers are Adam with the step size $10^{-3}$ and `betas=(0.5, 0.99)`: it remembers
# about two slopes, and the size of about a hundred. The step size may also be a list, one
# for each step. The losses it returns are means over each `every` steps, after
# which it calls `watch`.

# %% slideshow={"slide_type": "subslide"}
edges = np.linspace(-4, 4, 81)
centres = (edges[:-1] + edges[1:]) / 2
watched_z = np.random.default_rng(5).standard_normal((5_000, 1))


def play(seed, step, rate=1e-3):
    seed_everything(seed)
    generator = MLPGenerator(latent_dim=1, hidden=(32, 32), dim=1)
    discriminator = MLPDiscriminator(dim=1, hidden=(32, 32))
    seen = {"steps": [], "D": [], "q": [], "distance": []}

    def watch(number):
        fakes = generate(generator, watched_z)
        seen["steps"].append(number)
        seen["D"].append(expit(logits_on(discriminator, centres)))
        seen["q"].append(np.histogram(fakes, edges)[0] / len(fakes) / 0.1)
        seen["distance"].append(distance(fakes, fresh))

    watch(0)
    recipe = Recipe(step, learning_rate=rate)
    game = Game(generator, discriminator, data, recipe, seed)
    history = train_gan(game, steps, every=every, watch=watch).require_complete()
    return history, {name: np.array(values) for name, values in seen.items()}


# %% [markdown] slideshow={"slide_type": "subslide"}
# **Predict before you run.** Will the generator find one bell first, or both?

# %%
history, seen = play(0, gan_step)
bells_seen = seen["q"].reshape(len(seen["q"]), 2, -1).sum(2) * 0.1  # left, right of 0
for number, (on_left, on_right) in list(zip(seen["steps"], bells_seen))[:6]:
    print(f"{number:5,} steps: {on_left:4.0%} left, {on_right:4.0%} right of 0")

# %% [markdown]
# Read off your prediction: each line says how the fakes are shared between the two sides.
# (What lies outside the histogram, beyond $-4$ or $4$, is in neither.) In the saved run they
# begin on one side, find that bell first, and the other within the next hundred steps.
# Three moments of the game:

# %% slideshow={"slide_type": "subslide"}
density = Bells().pdf(centres)
moments = [0, min(5, len(seen["steps"]) - 1), len(seen["steps"]) - 1]
figure, panels = plt.subplots(2, 3, figsize=(9, 5), sharex=True, sharey="row")
for (above, below), moment in zip(panels.T, moments):
    above.plot(centres, seen["D"][moment])
    above.axhline(0.5, color="black", linestyle=":", linewidth=1)
    above.set(ylim=(0, 1), title=f"{seen['steps'][moment]:,} steps")
    below.fill_between(centres, density, color="0.8")
    below.plot(centres, seen["q"][moment], color=COLOURS[1], linestyle="-")
    below.set(ylim=(0, 1), xticks=[-2, 0, 2])
panels[0, 0].set_ylabel("D(x)")
panels[1, 0].set_ylabel("density (cut off at 1)")
panels[1, 1].set_xlabel("x (units of the data)")
plt.show()

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: three moments of the game, D above and densities below; the data's two grey
# bells stay, the generator's line moves. At the start the line is a spike between the
# bells. After some hundred steps it has peaks on both bells and a low bridge between them.
# At the end the bridge is nearly gone and a peak stands on each bell, of the wrong shape.
# Spikes higher than 1 are cut off. D is close to the dotted 1/2 wherever there are data.*

# %% [markdown]
# Step through all of it yourself. The dotted curve is the best answer to the generator of
# that moment: compare how far the discriminator lags behind it.

# %% slideshow={"slide_type": "subslide"}
game_player(
    seen["steps"],
    centres,
    seen["D"],
    density,
    seen["q"],
    first=min(3, len(seen["steps"]) - 1),
)

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: one early moment of the same game, larger: above, D(x) as a solid line and the
# best D as a dotted one; below, the data's two grey bells and the generator's line, whose
# spike is cut off. The dotted line is ragged because the fakes are counted in bins, and ends
# where there is neither data nor fakes.*

# %% [markdown]
# Now the losses, and beside them the distance.

# %% slideshow={"slide_type": "subslide"}
figure, (above, below) = plt.subplots(2, 1, figsize=(9, 6), sharex=True)
at = seen["steps"][1:]
above.plot(at, history["discriminator_loss"], label="discriminator")
above.plot(at, history["generator_loss"], label="generator")
for level in (math.log(4), math.log(2)):
    above.axhline(level, color="black", linestyle=":")
    above.text(0, level + 0.05, f"ln {math.exp(level):.0f}", ha="right")
above.set(ylim=(0.4, 1.8), ylabel="loss (nats)")
above.legend(loc="center right")
below.plot(seen["steps"], seen["distance"], ".-", color=COLOURS[2])
below.axhspan(0, often, color="0.8", label="two true samples, 19 in 20")
below.set(ylim=(0, 1), xlabel="steps of 256 samples", ylabel="W1 (units of x)")
below.legend()
plt.show()

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: above, both losses settle on the dotted levels ln 4 and ln 2 within a few hundred
# steps and stay there. Below, the distance comes down from above the picture, and then
# wanders on over the grey band of the noise floor for the rest of the training.*
#
# In numbers, over the second half of the training:

# %% slideshow={"slide_type": "subslide"}
late = len(at) // 2
d_late, w_late = history["discriminator_loss"][late:], seen["distance"][late + 1 :]
print(
    f"second half: discriminator loss {np.mean(d_late):.3f}, ln 4 = {math.log(4):.3f}"
)
print(
    f"W1 between {w_late.min():.2f} and {w_late.max():.2f}; floor {floor:.2f}, {often:.2f}"
)
on_the_right = seen["q"][late + 1 :, 40:].sum(1) * 0.1  # share of fakes with x > 0
print(
    f"fakes on the right between {on_the_right.min():.1%} and {on_the_right.max():.1%}"
)
if steps >= 2_000:
    assert abs(np.mean(d_late) - math.log(4)) < 0.02  # "converged", says the loss
    assert np.median(w_late) > often  # and it is not, say the samples


# %% [markdown]
# This is the third game whose losses look like success: they stand at $\log 4$ and $\log 2$.
# Of pairs of true samples, 19 in 20 are closer together than the typical distance here. And
# this game went *well*: both bells are found and get about their share. What is wrong is
# their shape, which the players never stop changing.

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### With friction
#
# We have a cure on paper. In a network it needs the slope of the logit in $x$, and a graph
# through which that slope can be trained.


# %% tags=["mirrors"]
def input_gradient(discriminator, x):
    x = x.detach().requires_grad_()
    logits = discriminator(x)
    (gradient,) = torch.autograd.grad(logits.sum(), x, create_graph=True)
    return logits, gradient


def zero_centred_penalty(gradient):
    return gradient.square().flatten(1).sum(1).mean()


# %% [markdown] slideshow={"slide_type": "subslide"}
# The step with the penalty is `gan_step` with one more term.


# %%
def r1_step(generator, discriminator, real, z, g_optimizer, d_optimizer, gamma=1.0):
    fake = generator(z)
    real_logits, gradient = input_gradient(discriminator, real)
    d_loss = discriminator_loss(real_logits, discriminator(fake.detach()))
    penalty = gamma / 2 * zero_centred_penalty(gradient)
    descend(d_optimizer, d_loss + penalty)
    g_loss = generator_loss(discriminator(fake))
    descend(g_optimizer, g_loss)
    return d_loss.detach(), g_loss.detach()


# %% [markdown]
# A check of both definitions on a logit that we know, $\ell = \sum_j a_j x_j^2$ with the
# gradient $2 a_j x_j$:

# %%
a, points = torch.tensor([1.0, -0.5]), torch.tensor([[1.0, 2.0], [3.0, 0.0]])
_, gradient = input_gradient(lambda x: x.square() @ a, points)
assert torch.equal(gradient, 2 * a * points)
assert zero_centred_penalty(gradient) == (4 + 4 + 36 + 0) / 2

# %% [markdown] slideshow={"slide_type": "subslide"}
# Two cures were found above: friction, and smaller steps against the noise. (The optimizer
# here is Adam, which divides each slope by its usual size. When only noise is left, it
# makes the noise as large as a step.) We try each and both, with several seeds, as one run
# of a GAN proves nothing.
#
# **Predict before you run.** Which of the two helps more, or are both needed?

# %%
falls = falling(1e-3, 1e-5, steps)  # by the same factor at each step
plans = {
    "gan_step": (gan_step, 1e-3),
    "step size falls": (gan_step, falls),
    "R1": (r1_step, 1e-3),
    "R1, step size falls": (r1_step, falls),
}
runs = {
    name: [
        seen if (name, seed) == ("gan_step", 0) else play(seed, step, rate)[1]
        for seed in range(seeds)
    ]
    for name, (step, rate) in plans.items()
}

# %% [markdown] slideshow={"slide_type": "subslide"}
# The table has the mean distance over the last fifth of each run, then the mean over seeds
# with its standard error.

# %%
last_fifth = -(len(seen["distance"]) // 5)
for name, played in runs.items():
    last = np.array([run["distance"][last_fifth:].mean() for run in played])
    error = last.std(ddof=1) / seeds**0.5 if seeds > 1 else math.nan
    print(f"{name:20} {last.round(2)}: {last.mean():.2f} +- {error:.2f}")
print(f"two true samples: {floor:.2f}; one pair in 20 is over {often:.2f}")

# %% [markdown]
# The ends of the plain game and of the game with both cures, for the same seeds:

# %% slideshow={"slide_type": "subslide"}
columns = min(seeds, 3)
figure, panels = plt.subplots(
    2, columns, figsize=(9, 6), sharex=True, sharey=True, squeeze=False
)
for row, name in zip(panels, ("gan_step", "R1, step size falls")):
    for seed, (axes, run) in enumerate(zip(row, runs[name])):
        axes.fill_between(centres, density, color="0.8")
        axes.plot(centres, run["q"][-1], color=COLOURS[1], linestyle="-")
        axes.set(ylim=(0, 1), xticks=[-2, 0, 2])
        title = f"{name}\nseed {seed}, W1 {run['distance'][-1]:.2f}"
        axes.set_title(title, fontsize=13)
    row[0].set_ylabel("density (cut at 1)")
panels[1, columns // 2].set_xlabel("x (units of the data)")
plt.show()

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: the data's grey bells and the fakes' last density, a column for each seed. Above,
# the plain game: each run has a spike that is cut off, and parts of the bells are missing.
# Below, both cures: no spike is cut off, and the lines are nearer to the bells. But seed 0
# has split the left bell in two, and seed 2 has nothing right of the right bell's peak.*
#
# (W1 in the titles is that of the moment drawn; the table has means over the last fifth.)

# %% [markdown] slideshow={"slide_type": "subslide"}
# Both together give the smallest mean distance here, and neither does much alone. That fits
# what the two test benches taught: friction is against the circling, which is there without
# any noise, and small steps are against the noise, which is there without any circling.
# Compare the spread between seeds before you believe a
# difference, and the last line before you call a generator perfect: none of these is.

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
# - **One seed.** The last table shows how much seeds differ.

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
# | Dirac-GAN, simultaneous | radius times $\sqrt{1 + h^2u^2}$ in each step, exact | leaves, for every $h$ |
# | Wasserstein, alternating | 1 for $h < 2$, exact | circles |
# | Dirac-GAN, alternating | 1 for $h < 4$, near the equilibrium only | circles there; far away a large step leaves |
# | R1, simultaneous | below 1 for $\gamma$ from $h/4$ to $2/h + h/8$ | arrives; fastest at $\gamma = 1$ |
# | R1, alternating (the course's order) | below 1 for $\gamma$ from 0 to $2/h - h/8$ | arrives; fastest at $\gamma = 1 - h/4$ |

# %% [markdown]
# How to judge samples of images, and what to do when modes go missing, are for later
# lessons.

# %% [markdown] slideshow={"slide_type": "skip"}
# ## Exercises
#
# [The set of this lesson](exercises/05_gan_game.ipynb) has stubs to fill in, and checks that
# answer. Here are questions to think about without a net.
#
# 1. *Easy (15 minutes).* In the explorer choose the near start and $\gamma = 0$. Read the
#    line above the circle: up to which step does "GAN, alternating" still circle, and up to
#    which "Wasserstein, alternating"? Explain both from the trace $2 - h^2u^2$ and the
#    determinant 1. (One step further the root is double: the path stays only because its
#    start lies on the diagonal.) Then choose the far start, and find a step at which the GAN leaves
#    although that line says "circles".
# 2. *Easy (15 minutes).* Data $\mathcal N(0, 1)$ and generator $\mathcal N(0, s^2)$ with
#    $s \ne 1$. Write down the best logit. Show that the best *line* as discriminator has the
#    loss $\log 4$, as if the two were equal (look at the slope of its loss at $b = w = 0$).
#    Which single feature in place of $x$ would be enough?
# 3. *Medium (30 minutes).* Data and generator are Boltzmann distributions
#    $e^{-E_1}/Z_1$ and $e^{-E_2}/Z_2$, of which you know the energies and have samples.
#    Fit a discriminator with the logit $b - E_1(x) + E_2(x)$, where only $b$ is trained.
#    What is $b$? Check it with $E_1 = x^2/2$ and $E_2 = x^2/8$. (Chemists know the
#    method as Bennett's acceptance ratio.)
# 4. *Medium (30 minutes).* Give the discriminator $k$ steps for each of the generator's in
#    the Dirac-GAN: repeat the line for `new_psi` in `dirac_step` $k$ times. Compute the
#    eigenvalues by `jacrev` for $k = 1, 2, 5$, and the trace and determinant on paper for
#    $k = 2$. Does a stronger discriminator help?
# 5. *Hard (60 minutes).* Optimism: each player expects the slope to change as it did last
#    time, and uses $2g_t - g_{t-1}$ in place of its slope $g_t$. The state now has four
#    numbers: $\theta$, $\psi$ and the two slopes of the step before. Write the four by four
#    matrix for $u = \tfrac12$, beginning with the two rows that store slopes. Show by eigenvalues that simultaneous steps with optimism arrive without any
#    penalty, for small $h$.
# 6. *Hard (60 minutes).* Derive the covariance of $(b, w)$ used above, with the 2 that comes
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
# - M. Arjovsky, S. Chintala and L. Bottou, *Wasserstein GAN*, 2017,
#   [arXiv:1701.07875](https://arxiv.org/abs/1701.07875); I. Gulrajani et al., *Improved
#   Training of Wasserstein GANs*, 2017, [arXiv:1704.00028](https://arxiv.org/abs/1704.00028).
# - L. Mescheder, A. Geiger and S. Nowozin, *Which Training Methods for GANs do actually
#   Converge?*, 2018, [arXiv:1801.04406](https://arxiv.org/abs/1801.04406).
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
