# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown] slideshow={"slide_type": "slide"}
# # 5 · The GAN game
#
# Open in [Colab](https://colab.research.google.com/github/generative-models/executed/blob/v0.2.0/notebooks/05_gan_game.ipynb) or on [Binder](https://mybinder.org/v2/gh/generative-models/executed/v0.2.0?urlpath=lab/tree/notebooks/05_gan_game.ipynb).
#
# ## The question
#
# The decoder of a VAE needs a formula for $p(x \mid z)$. Many simulations have none. They *draw*
# a shower of particles, or a universe, and nobody can say how probable the drawing was.
#
# **Can a model learn from one question that needs no formula: is this event real or
# fake?**
#
# <!-- notes: Ask the class: how would you test a fast simulation of your detector? Wait for
# "compare histograms", then ask what one does with a hundred columns. -->

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
# @title Set-up: libraries, figures, sizes
import copy
import math
from functools import partial

import numpy as np
import torch
import torch.nn.functional as F
from scipy.special import expit, log_expit
from scipy.stats import norm
from torch import nn

from course_utils.budget import budget
from course_utils.exact.games import jensen_shannon, optimal_discriminator_logit
from course_utils.figures.diagrams import gan_diagram
from course_utils.figures.style import use_course_style
from course_utils.figures.two_players import (
    Curves,
    best_opinion,
    landscape,
    losses_and_shares,
    memory,
    moments,
    real_and_fake,
    two_pulls,
)
from course_utils.pytorch.device import seed_everything
from course_utils.pytorch.layers import relu_layers
from course_utils.widgets.games import game_player

use_course_style()
fit_steps = budget(smoke=100, lecture=1_000, full=4_000)
steps = budget(smoke=100, lecture=2_000, full=10_000)
every = budget(smoke=20, lecture=100, full=250)

# %% [markdown] slideshow={"slide_type": "skip"}
# The americium of lesson 1 sends alpha particles of 5.49 MeV, and a poor detector smears
# them by 0.12 MeV. We count from the peak, in widths of the detector:
# $x = (E - 5.49\,\text{MeV}) / 0.12\,\text{MeV}$. So the recorded $x$ follow
# $\mathcal N(0, 1)$. A full simulation follows each particle, and is slow. Our first fast one draws
# $x$ at once, and puts the peak two widths too high. (We know its
# formula, but the players do not.)

# %% slideshow={"slide_type": "subslide"}
rng = np.random.default_rng(0)
real = rng.normal(0, 1, 20_000)
fake = rng.normal(2, 1, 20_000)
real_and_fake(real, fake, marked=0.5)

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: recorded events in grey around 0, simulated ones outlined around 2; an event at 0.5 is
# marked.*

# %% [markdown] slideshow={"slide_type": "skip"}
# ## You will be able to
#
# - draw a GAN, and say what each player sees, wants and learns from;
# - derive the best discriminator, and what it leaves for the generator;
# - say why the generator is trained with another loss than that of the game;
# - read a GAN's losses: what they prove, and what they cannot.
#
# ## Before you start
#
# You need the Kullback-Leibler divergence (KL) of lesson 1, and from lesson 2 that a gradient
# passes through a sample that a smooth map made of noise. Logarithms are natural, and losses
# count in nats. On two CPU cores all cells take less than a minute, and nothing is downloaded.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Two players
#
# A **generative adversarial network** (GAN): the generator makes fakes, and the discriminator
# tells them from real events.

# %%
gan_diagram(data="detector")

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: z goes through the generator to a fake; fake and real x go to the discriminator, and
# it gives a logit. The blue way back ends there, the orange one in the generator.*

# %% [markdown] slideshow={"slide_type": "skip"}
# The **generator** $G_\theta$ is the fast simulation. It takes a **latent** $z$, drawn from
# $\mathcal N(0, I)$, and makes a fake, $x = G_\theta(z)$. All its randomness is in $z$. The
# fakes have a density, $q_\theta(x)$, which is high where many $z$ land. (In a VAE $q$
# belonged to the encoder. A GAN has no encoder.)
#
# The **discriminator** $D_\psi$ is shown one event. It says how probable it is that the event
# is real. Inside, the network computes a number without bounds, the **logit** $\ell$:
#
# $$
# D = \frac{1}{1 + e^{-\ell}} = \mathrm{sigmoid}(\ell), \qquad
# \ell = \log \frac{D}{1 - D} .
# $$
#
# A logit of 0 says "I cannot tell". A large one says "real", a very negative one "fake".
#
# **The generator never sees a real event.** All that it
# hears of the data is the logit at its own fakes, and its slope there: the orange way in the
# diagram.
#
# So nobody has to know a density. We need no posterior of $z$, as a VAE does, and no labels
# from outside: "real" and "fake" we write on the events ourselves. The price is that there are
# two players now, instead of one function to climb.
# [Deeper: what may be a generator, and who uses GANs](deeper/05_divergences.ipynb).
#
# Both networks are small: the ReLU layers of lesson 3, then a linear one. `scale` is the size of
# the data, so that the layers work with numbers near 1.


# %% tags=["mirrors"] slideshow={"slide_type": "skip"}
class MLPGenerator(nn.Module):
    def __init__(self, latent_dim=2, hidden=(128, 128, 128), dim=2, scale=1.0):
        super().__init__()
        self.latent_dim = latent_dim
        self.scale = scale
        self.body = relu_layers(latent_dim, hidden)
        self.point = nn.Linear(hidden[-1], dim)

    def forward(self, z):
        return self.scale * self.point(self.body(z))


class MLPDiscriminator(nn.Module):
    def __init__(self, dim=2, hidden=(128, 128, 128), scale=1.0):
        super().__init__()
        self.scale = scale
        self.body = relu_layers(dim, hidden)
        self.logit = nn.Linear(hidden[-1], 1)

    def forward(self, x):
        return self.logit(self.body(x / self.scale))


# %% [markdown] slideshow={"slide_type": "slide"}
# ## What they play for
#
# Real events have the density $p(x)$. The discriminator sees as many real events as fakes. For
# each it is paid the logarithm of the probability that it gave to the truth (a fine, at best zero):
#
# $$
# V = \mathbb E_{x \sim p}\left[\log D(x)\right] +
# \mathbb E_{z}\left[\log\left(1 - D(G(z))\right)\right]
# $$
#
# The discriminator's pay is $V$, the generator's is $-V$. They add to zero: a **zero-sum game**.
#
# <!-- notes: Ask: what is V if D says one half of everything? Let them compute it: minus
# log 4. We shall meet this number again. -->

# %% [markdown] slideshow={"slide_type": "skip"}
# The best generator is the one that comes off best against a perfect opponent:
# $G^* = \arg\min_G \max_D V$.
#
# As a loss, $-V$ is the cross-entropy of a classifier with two classes, twice its usual mean. In
# code we keep logits, because $-\log D = \mathrm{softplus}(-\ell)$ and $-\log(1 - D) = \mathrm{softplus}(\ell)$, with
# $\mathrm{softplus}(t) = \log(1 + e^t)$. That stays finite where $D$ would round to 0 or 1.


# %% tags=["mirrors"] slideshow={"slide_type": "skip"}
def discriminator_loss(real_logits, fake_logits):
    return F.softplus(-real_logits).mean() + F.softplus(fake_logits).mean()


# %% tags=["proof", "nbval-check-output"] jupyter={"source_hidden": true} slideshow={"slide_type": "skip"}
# @title The same from probabilities, and where these fail
some_real = torch.tensor([2.0, 0.5, -0.3, 1.1], dtype=torch.float64)
some_fake = torch.tensor([-1.0, 0.2, -2.5, 0.0], dtype=torch.float64)
V = some_real.sigmoid().log().mean() + (1 - some_fake.sigmoid()).log().mean()
assert math.isclose(discriminator_loss(some_real, some_fake), -V, rel_tol=1e-12)
sure = torch.tensor([120.0])
assert torch.isinf((1 - sure.sigmoid()).log())
assert F.softplus(sure) == 120
print("Both agree; for a fake with the logit 120 only softplus is finite, 120.")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The best discriminator
#
# **Predict before you run.** Recorded and simulated events are equally many. One event has
# $x = 0.5$. How probable is it that it is real?
#
# <!-- notes: Let them read both heights off the first picture, and remember lesson 1: who
# sent it? Wait for "height by sum of heights". -->

# %% [markdown] slideshow={"slide_type": "subslide"}
# Hold the generator still, and write $V$ as one integral:
#
# $$
# V = \int \left[\, p(x) \log D(x) + q(x) \log(1 - D(x)) \,\right] dx .
# $$
#
# $D$ may be chosen at each $x$ by itself. In $D$ the bracket has the slope
# $p/D - q/(1 - D)$. It is zero at
#
# $$
# \boxed{\; D^*(x) = \frac{p(x)}{p(x) + q(x)}, \qquad
# \ell^*(x) = \log p(x) - \log q(x) \;}
# $$

# %% [markdown] slideshow={"slide_type": "skip"}
# The slope falls as $D$ grows. So this one place is the top. In the picture on the right the
# computer looks for it at $x = 0.5$. (`Curves` bundles $p$, $q$ and $D$ for the pictures.)

# %% slideshow={"slide_type": "subslide"}
dx = 0.01
x = np.arange(-12, 14, dx)
p, q = norm.pdf(x, 0), norm.pdf(x, 2)
best_opinion(x, Curves(p, q, p / (p + q)), at=0.5)

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: left, two bells, and D falling from 1 to 0. Right, what D earns at x = 0.5: a hill
# with its top at 0.73.*

# %% tags=["proof", "nbval-check-output"] jupyter={"source_hidden": true} slideshow={"slide_type": "skip"}
# @title The best logit of two normals is a straight line
exact = optimal_discriminator_logit(x, norm(0, 1), norm(2, 1))
assert np.allclose(exact, 2 - 2 * x, atol=1e-11)
assert np.allclose(expit(exact), p / (p + q), rtol=1e-9)
print(f"at x = 0.5 the logit is {2 - 2 * 0.5:.0f} and D is {expit(1.0):.3f}")

# %% [markdown]
# **Answer.** 73 %. It is Bayes' rule with equal shares: who sent this event, the detector or
# the simulation?

# %% [markdown] slideshow={"slide_type": "skip"}
# The best logit is the logarithm of a **density ratio**. Here it is
# $\tfrac12 (x - 2)^2 - \tfrac12 x^2 = 2 - 2x$, a straight line. A trained classifier thus
# estimates a ratio of two densities of which it knows neither.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Trained to the end
#
# The best discriminator's loss is 0.71 nats: this is $-V$, its mean loss on real events plus that
# on fakes. Now train a network for long, on only 30 real events and 30 fakes.
#
# **Predict before you run.** Where does its loss go, on these 60 events? And on fresh ones?
#
# <!-- notes: Tempting: 0.71 for both. Ask what a network with 4,000 weights can do with 60
# points on a line. -->

# %% [markdown] slideshow={"slide_type": "skip"}
# First $-V$ by a sum over the line. Then a loop that trains any discriminator on any heaps, and
# looks at fresh events as it goes.


# %% slideshow={"slide_type": "skip"}
def value(logit, q):
    return (p * log_expit(logit) + q * log_expit(-logit)).sum() * dx


def train_discriminator(network, events, fresh, rate=2e-3):
    optimizer = torch.optim.Adam(network.parameters(), rate)
    record = []
    for step in range(fit_steps + 1):
        if step % 50 == 0:
            with torch.no_grad():
                both = [discriminator_loss(*map(network, h)) for h in (events, fresh)]
            record.append(both)
        batch = [heap[torch.randint(len(heap), (256,))] for heap in events]
        loss = discriminator_loss(*map(network, batch))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return np.array(record).T


# %% [markdown] slideshow={"slide_type": "skip"}
# The same network twice, for 1,000 steps: with 30 events of each kind, and as a control with
# 20,000.

# %% slideshow={"slide_type": "subslide"}
heaps = [torch.from_numpy(heap).float()[:, None] for heap in (real, fake)]
fresh = [middle + torch.randn(20_000, 1) for middle in (0, 2)]
fitted = {}
for n in (30, 20_000):
    seed_everything(0)
    events = [heap[:n] for heap in heaps]
    network = MLPDiscriminator(dim=1, hidden=(64, 64))
    fitted[f"{n:,} of each kind"] = train_discriminator(network, events, fresh)
memory(np.arange(0, fit_steps + 1, 50), fitted, least=-value(2 - 2 * x, q))

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: with 30 events of each kind, the loss on these sinks and the one on fresh events
# climbs; with 20,000 both stay at the least possible loss.*

# %% [markdown]
# **Answer.** On its own events the loss falls far below 0.71; on fresh ones it climbs far above.
# It has *memorized*. With 20,000 of each kind both stay near 0.71. To come near $D^*$ a
# discriminator needs many events.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What is left for the generator
#
# Put $D^*$ into $V$. With $m = \tfrac12(p + q)$ we have $D^* = p/(2m)$ and $1 - D^* = q/(2m)$. So
# $\log D^* = \log (p/m) - \log 2$, in the same way for $q$, and
#
# $$
# V(G, D^*) = \mathrm{KL}(p \,\Vert\, m) + \mathrm{KL}(q \,\Vert\, m) - 2 \log 2
# = 2\,\mathrm{JSD}(p, q) - \log 4 .
# $$
#
# The **Jensen-Shannon divergence** JSD, the mean of the two KLs, is 0 only where $p = q$, and
# never above $\log 2$.
#
# <!-- notes: Ask why log 2 is the ceiling: p/m is at most 2. And where the generator is best:
# q = p, where V is minus log 4. -->

# %% [markdown] slideshow={"slide_type": "skip"}
# It cannot exceed $\log 2$ because $p/m$ and $q/m$ are at most 2. So against the best
# discriminator $V$ lies between $-\log 4$ and 0, and the generator wants $q = p$.
#
# Turned around this is useful. *Any* discriminator's loss on fresh events is, on average, at
# least $\log 4 - 2\,\mathrm{JSD}$. **A loss below $\log 4$ on fresh events, by more than its error,
# shows that the heaps differ.**

# %% [markdown] slideshow={"slide_type": "subslide"}
# Let our simulation have one parameter, $G_\theta(z) = z + \theta$.
#
# **Predict before you run.** Hold $D$ still, as the best one for $\theta = 2$. The generator
# walks downhill in $V$. Where does it end?
#
# <!-- notes: The tempting answer is "at the data, theta = 0". Let somebody say what this
# discriminator thinks of an event at x = -10. -->

# %% [markdown] slideshow={"slide_type": "skip"}
# For $\theta$ in general the best logit is $\tfrac12\theta^2 - \theta x$, by the same algebra as
# above.

# %% slideshow={"slide_type": "subslide"}
thetas = np.linspace(-3, 7, 101)
best = [value(t**2 / 2 - t * x, norm.pdf(x, t)) for t in thetas]
fixed = [value(2 - 2 * x, norm.pdf(x, t)) for t in thetas]
landscape(thetas, best, fixed, touch=2)

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: V against theta. One curve is lowest, −ln 4, at 0; the dashed one touches it at 2 and
# falls without end to the left.*

# %% tags=["proof", "nbval-check-output"] jupyter={"source_hidden": true} slideshow={"slide_type": "skip"}
# @title Values, and one slope for both curves at theta = 2
jsd = jensen_shannon(norm(0, 1), norm(2, 1))
assert abs(value(2 - 2 * x, q) - (2 * jsd - math.log(4))) < 1e-6
assert np.all(np.array(fixed) <= np.array(best) + 1e-12)
tiny = 1e-3  # errors: tiny^2 times a third derivative below 1, and 1e-10 / tiny
ahead, behind = (norm.pdf(x, 2 + side) for side in (tiny, -tiny))
slope = (value(2 - 2 * x, ahead) - value(2 - 2 * x, behind)) / (2 * tiny)
both = [jensen_shannon(norm(0, 1), norm(2 + side, 1)) for side in (tiny, -tiny)]
assert abs(slope - (both[0] - both[1]) / tiny) < 2e-6
print(f"JSD {jsd:.4f} nats, V {2 * jsd - math.log(4):.4f}; both slopes {slope:.4f}")

# %% [markdown]
# **Answer.** Nowhere. It runs through the data and out on the other side. The discriminator's
# advice was right where the curves touch, with one slope for both. Then it **goes stale**.

# %% [markdown] slideshow={"slide_type": "skip"}
# Why is the slope right at $\theta = 2$? At each $\theta$ the first curve is the best that any $D$
# can reach, and the dashed one is one particular $D$. So it can nowhere lie above. Two smooth curves that touch without crossing have the same slope. So a
# discriminator must keep up with its generator.
#
# And look at the right end. Where the heaps hardly overlap, JSD is stuck at $\log 2$, and there
# is almost no slope.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Two losses, and one gradient that dies
#
# The generator wants the logits of its fakes to rise. Two losses ask for it:
#
# $$
# \text{saturating: } \frac{d}{d\ell} \log(1 - D) = -D, \qquad
# \text{non-saturating: } \frac{d}{d\ell} (-\log D) = -(1 - D) .
# $$
#
# <!-- notes: Let the simulation be six widths off, and D the best. Ask which loss pulls,
# and how strongly. First let them find D of a typical fake there: about 10 to the minus 8. -->

# %% [markdown] slideshow={"slide_type": "skip"}
# The saturating loss is the generator's part of $V$: "be caught less often". It goes flat where $D$
# is near 0. The other one was advised in the paper that invented the game: "be believed more
# often".


# %% tags=["mirrors"] slideshow={"slide_type": "skip"}
def generator_loss(fake_logits, kind="non_saturating"):
    if kind == "non_saturating":
        return F.softplus(-fake_logits).mean()
    if kind == "saturating":
        return -F.softplus(fake_logits).mean()
    raise ValueError(f'kind is {kind!r}; it must be "non_saturating" or "saturating".')


# %% [markdown] slideshow={"slide_type": "skip"}
# Now let the simulation be up to six widths off. The pull on it is the slope of its loss in
# $\theta$, with the best discriminator for this $\theta$ held fixed. Autograd finds it from 20,000 fakes.


# %% slideshow={"slide_type": "skip"}
z = torch.from_numpy(rng.normal(0, 1, 20_000))


def pull(distance, kind):
    theta = torch.tensor(distance, dtype=torch.float64, requires_grad=True)
    fakes = z + theta
    logits = distance**2 / 2 - distance * fakes  # the discriminator does not move
    generator_loss(logits, kind).backward()
    return theta.grad.item()


distances, kinds = np.linspace(0, 6, 25), ("saturating", "non_saturating")
pulls = {k.replace("_", "-"): [pull(d, k) for d in distances] for k in kinds}

# %% [markdown] slideshow={"slide_type": "skip"}
# Left: one fake, by what the discriminator thinks of it. Right: the whole simulation.

# %% slideshow={"slide_type": "subslide"}
two_pulls(distances, pulls)

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: left, two lines that cross at D = 1/2. Right, the saturating pull dies out with the
# distance, the other grows.*

# %% tags=["proof", "nbval-check-output"] jupyter={"source_hidden": true} slideshow={"slide_type": "skip"}
# @title Both slopes in the logit by autograd
opinion = torch.tensor([0.001, 0.01, 0.5, 0.99], dtype=torch.float64)
for kind, formula in zip(kinds, (-opinion, -(1 - opinion)), strict=True):
    logits = torch.logit(opinion).requires_grad_()
    (len(opinion) * generator_loss(logits, kind)).backward()
    assert torch.allclose(logits.grad, formula, rtol=1e-12)
assert pulls["saturating"][-1] < 0.05 < 5.5 < pulls["non-saturating"][-1]
weak, strong = (values[-1] for values in pulls.values())
print(f"pulls at six widths: {weak:.3f} and {strong:.3f} nats per width")

# %% [markdown]
# At six widths the saturating pull is nearly gone, and the other is almost six. Where fakes are easy
# to tell, a good $D$ is sure of each. There the generator has most to learn, and the
# saturating loss is silent.

# %% [markdown] slideshow={"slide_type": "skip"}
# Is the goal still the same? Against $D^*$ the non-saturating slope is that of another landscape,
# $2\,\mathrm{KL}(m \Vert p)$. It too is 0 only where $q = p$. But the two losses no longer add to a
# constant, so the game is no longer zero-sum.
# [Deeper: both facts, derived and computed](deeper/05_divergences.ipynb).

# %% [markdown] slideshow={"slide_type": "slide"}
# ## One step of the game
#
# First the discriminator's turn. It learns from real events and from fakes as they are.

# %%
gan_diagram("discriminator", data="detector")

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: the blue ways alone: one ends in the discriminator, one at a wall between the fake and the discriminator.*

# %% [markdown] slideshow={"slide_type": "skip"}
# A fake remembers how it was made. A plain `backward()` would follow that memory, and fill the
# generator's gradients with the advice to be *caught*. `detach` returns the same numbers without
# their history.

# %% [markdown] slideshow={"slide_type": "subslide"}
# Then the generator's turn, against the *new* discriminator. The gradient must pass through $D$,
# which does not move.

# %%
gan_diagram("generator", data="detector")

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: the orange way alone, from the logit into the generator.*

# %% [markdown] slideshow={"slide_type": "skip"}
# Look for `detach` in the first turn; in the second turn it is missing on purpose.


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


# %% [markdown] slideshow={"slide_type": "skip"}
# `descend` has a second lock. With `inputs=` the gradients of one player's weights are computed
# and no others. (An optimizer keeps its weights in groups; ours has one.) Which of the two
# locks keeps the generator clean? Take the discriminator's turn with and without each, and look at what it leaves in the generator.


# %% tags=["nbval-check-output"] slideshow={"slide_type": "skip"}
def reaches_generator(detach, inputs):
    G, D = MLPGenerator(latent_dim=1, dim=1), MLPDiscriminator(dim=1)
    fakes = G(torch.randn(256, 1))
    loss = discriminator_loss(D(heaps[0]), D(fakes.detach() if detach else fakes))
    loss.backward(inputs=list(D.parameters()) if inputs else None)
    return G.point.weight.grad is not None


for detach, inputs in ((False, False), (True, False), (False, True)):
    print(f"{detach=!s:5} {inputs=!s:5} reaches G: {reaches_generator(detach, inputs)}")

# %% [markdown] slideshow={"slide_type": "skip"}
# Either lock is enough. So in this step `detach` changes no number. We write it because it says
# what is meant, and because most programs you will meet call a plain `backward()`. There only
# a later `zero_grad` could clean up.
#
# Who moves when? Here the discriminator moves first, and the generator answers the new one:
# **alternating** steps. If both gradients are taken before either player moves, the steps are
# **simultaneous**. [Lesson 6](06_game_settles.ipynb) shows where each leads.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Play it
#
# The whole source of lesson 1 now: plutonium, americium and curium, three peaks in $x$. The
# generator starts with one normal number $z$ and knows nothing.
#
# **Predict before you run.** What will it find first: the highest peak, all three, or something
# between?
#
# <!-- notes: Take a vote. Then ask what the discriminator can teach while all fakes lie in one
# narrow heap. -->

# %% slideshow={"slide_type": "skip"}
peaks = (np.array([5.16, 5.49, 5.80]) - 5.49) / 0.12  # in detector widths
shares = np.array([0.3, 0.5, 0.2])
isotope = rng.choice(3, 20_000, p=shares)
recorded = torch.from_numpy(peaks[isotope] + rng.normal(0, 1, 20_000)).float()[:, None]

seed_everything(0)
generator = MLPGenerator(latent_dim=1, hidden=(32, 32), dim=1, scale=2.0)
discriminator = MLPDiscriminator(dim=1, hidden=(32, 32), scale=2.0)
adam = partial(torch.optim.Adam, lr=1e-3, betas=(0.5, 0.99))
optimizers = [adam(network.parameters()) for network in (generator, discriminator)]

# %% [markdown] slideshow={"slide_type": "skip"}
# (`betas` lets Adam forget old slopes sooner than usual, because the opponent changes.) Every 100
# steps we look: at $D$ on the line, and at 20,000 fakes, counted in bins.

# %% slideshow={"slide_type": "skip"}
edges = np.linspace(-7, 7, 71)
middles = (edges[:-1] + edges[1:]) / 2
column = torch.from_numpy(middles).float()[:, None]
density = (shares * norm.pdf(middles[:, None], peaks)).sum(1)


@torch.no_grad()
def look():
    fakes = generator(torch.randn(20_000, 1)).numpy()
    q = np.histogram(fakes, edges)[0] / len(fakes) / (edges[1] - edges[0])
    return Curves(density, q, discriminator(column)[:, 0].sigmoid().numpy()), fakes


# %% [markdown] slideshow={"slide_type": "skip"}
# The game itself is short: 256 real events, 256 latent numbers, one step, 2,000 times.

# %% slideshow={"slide_type": "skip"}
seen, losses = [], []
for step in range(steps + 1):
    if step % every == 0:
        seen.append(look())
    batch = recorded[torch.randint(len(recorded), (256,))]
    z = torch.randn(256, 1)
    losses.append(gan_step(generator, discriminator, batch, z, *optimizers))
curves, fakes = zip(*seen, strict=True)

# %% [markdown] slideshow={"slide_type": "skip"}
# Three moments. Above: what $D$ says, in blue, and the best answer at that moment, dotted.
# Below: data in grey, fakes in orange.

# %% slideshow={"slide_type": "subslide"}
shown = (0, 2, len(curves) - 1)
moments(middles, {f"{i * every:,} steps": curves[i] for i in shown}, highest=0.45)

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: a spike; a broad heap over all three peaks; the data, roughly, with a spike of its
# own. D is near one half. The dotted line ends where there are no events.*

# %% [markdown]
# **Answer.** In this game, something between. The heap of fakes widens until it covers all three
# peaks, within 200 steps. Then it keeps changing. At 2,000 steps no fake lies left of $-2.7$, where
# one real event in six does.

# %% [markdown] slideshow={"slide_type": "skip"}
# One game is one game. Of five with other seeds, three begin so, and in two all fakes hop from peak
# to peak before they spread. [Deeper: other seeds](deeper/05_nothing_to_say.ipynb).

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### Step through the game
#
# How far does the discriminator lag behind the best answer?
#
# <!-- notes: Move the slider slowly through the first ten moments. Ask at each: what will the
# generator do next? Then look at the last ten: does anything come to rest? -->

# %% [markdown] slideshow={"slide_type": "skip"}
# On your machine there is a slider; a saved page has one moment.

# %% slideshow={"slide_type": "-"}
at = np.arange(0, steps + 1, every)
_, q_seen, D_seen = np.array(curves).swapaxes(0, 1)
game_player(at, middles, D_seen, density, q_seen, first=4)

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: one moment, larger: D and the best D above, both densities below. The units are
# detector widths.*

# %% tags=["proof"] jupyter={"source_hidden": true} slideshow={"slide_type": "skip"}
# @title A control: at the end the generator stops, and a copy of D learns on
with torch.no_grad():
    still, other = (generator(torch.randn(20_000, 1)) for _ in range(2))
anew = peaks[rng.choice(3, 20_000, p=shares)] + rng.normal(0, 1, 20_000)
unseen = torch.from_numpy(anew).float()[:, None], other
learner = copy.deepcopy(discriminator)
_, on_unseen = train_discriminator(learner, (recorded, still), unseen, rate=1e-3)
learnt = learner(column)[:, 0].sigmoid().detach().numpy()
learnt = learnt[~np.isnan(curves[-1].best)]  # where there are events
if steps >= 2_000:
    assert on_unseen[-1] < on_unseen[0] - 0.05
print(
    f"loss on fresh events {on_unseen[0]:.2f}, later {on_unseen[-1]:.2f}; "
    f"then D runs from {learnt.min():.2f} to {learnt.max():.2f}"
)

# %% [markdown] slideshow={"slide_type": "skip"}
# **Answer.** Far. From step 300 on $D$ stays within about 0.1 of one half, where the best answer runs
# from below 0.4 to 1. Yet the network can find the shape: in the control the generator stops at the
# end, and $D$ learns on for 1,000 steps. In the game the generator moves before $D$ has learnt that
# much.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What are the losses worth?
#
# If $q = p$, the best discriminator says $D = \tfrac12$ everywhere. Then the losses are
#
# $$
# \text{discriminator: } \log 4 = 1.386, \qquad \text{generator: } \log 2 = 0.693 .
# $$
#
# In our game both losses come to these values. Are the fakes then shared among the three peaks as
# the data are, and does it stay so?
#
# <!-- notes: Take a vote before the picture. After it, ask what they would have written in a
# report if they had seen the upper panel alone. -->

# %% [markdown] slideshow={"slide_type": "skip"}
# We cut the line halfway between the peaks and count, for 20,000 fakes at each moment. Such a
# share is known to 0.4 % or better. (Of the data 22 %, not 20, count as curium: peaks overlap the
# cuts.) The losses are means over each 20 steps.


# %% slideshow={"slide_type": "skip"}
def shares_of(events):
    inside = np.digitize(events[:, 0], (peaks[:-1] + peaks[1:]) / 2)
    return np.bincount(inside, minlength=3) / len(inside)


wanted = shares_of(recorded.numpy())
counted = np.array([shares_of(sample) for sample in fakes])[1:].T
means = torch.tensor(losses[1:]).view(-1, 20, 2).mean(1).numpy().T

# %% [markdown] slideshow={"slide_type": "skip"}
# Above the losses, below the shares; the dotted lines are what they should be.

# %% slideshow={"slide_type": "subslide"}
each_20 = np.arange(20, steps + 1, 20), means
losses_and_shares(each_20, (at[1:], counted), ("Pu", "Am", "Cm"), wanted)

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: above, two losses at ln 4 and ln 2; below, three shares that jump about their dotted
# lines.*

# %% tags=["proof"] jupyter={"source_hidden": true}
# @title The second half in numbers
curium, d_loss = (part[len(part) // 2 :] for part in (counted[2], means[0]))
if steps >= 2_000:
    assert np.abs(d_loss - math.log(4)).max() < 0.01
    assert np.ptp(curium) > 10 * math.sqrt(0.25 / 20_000)
print(
    f"second half: D's loss {d_loss.min():.3f} to {d_loss.max():.3f}, curium "
    f"{curium.min():.0%} to {curium.max():.0%}; data {wanted[2]:.0%}"
)

# %% [markdown]
# **No.** After some 400 steps the losses stand still, and the shares do not. In the second half
# $D$'s loss stays within 0.01 of $\log 4$.
#
# And the shares are fooled, too: at 2,000 steps all three are right within two points, while the
# fakes have a spike and a cliff.

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### Two referees who say one half
#
# Both simulations are wrong. Two of three judges do not notice.
#
# <!-- notes: Let the class name the fault of each judge before you do: the first has learnt
# nothing, the second cannot bend. -->

# %% [markdown] slideshow={"slide_type": "skip"}
# In the first case the simulation is two widths off, and nobody has trained the discriminator
# yet. Its last layer is zero, so that $D = \tfrac12$ everywhere. In the second case the
# simulated peak is in the right place and twice as wide. A straight line judges it, trained by
# the function from above, and then a network.

# %% slideshow={"slide_type": "skip"}
seed_everything(0)
wide = 2 * torch.randn(20_000, 1)
line = nn.Linear(1, 1)
untrained, network = (MLPDiscriminator(dim=1, hidden=(64, 64)) for _ in range(2))
nn.init.zeros_(untrained.logit.weight)
nn.init.zeros_(untrained.logit.bias)
for judge in (line, network):
    train_discriminator(judge, [heaps[0], wide], [heaps[0], wide])

# %% [markdown] slideshow={"slide_type": "skip"}
# What each judge says, and both losses:

# %% slideshow={"slide_type": "-"}
games = {
    "untrained": (untrained, heaps[1], norm.pdf(middles, 2)),
    "a straight line": (line, wide, norm.pdf(middles, 0, 2)),
    "a network": (network, wide, norm.pdf(middles, 0, 2)),
}
panels = {}
for name, (judge, fakes, q) in games.items():
    with torch.no_grad():
        d_loss = discriminator_loss(judge(heaps[0]), judge(fakes))
        g_loss = generator_loss(judge(fakes))
        D = judge(column)[:, 0].sigmoid().numpy()
    title = f"{name}\nD {d_loss:.2f}, G {g_loss:.2f}"
    panels[title] = Curves(norm.pdf(middles), q, D)
moments(middles, panels, highest=0.45)

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: an untrained discriminator says one half, and a straight line nearly, where the best
# answer, dotted, does not; a network follows it.*

# %% tags=["proof", "nbval-check-output"] jupyter={"source_hidden": true} slideshow={"slide_type": "skip"}
# @title What the best discriminator would lose in both games
least = [
    math.log(4) - 2 * jensen_shannon(norm(0, 1), law)
    for law in (norm(2, 1), norm(0, 2))
]
assert all(loss < math.log(4) - 0.1 for loss in least)
print(
    f"least possible losses: {least[0]:.2f} in the first game, {least[1]:.2f} in the second"
)

# %% [markdown]
# The losses of the first two are $\log 4$ and $\log 2$, and both simulations are wrong. **One half
# says that *this* discriminator cannot tell.** It says nothing about a better one.

# %% [markdown] slideshow={"slide_type": "skip"}
# That the line fails is no accident. At $D = \tfrac12$ the slope of its loss is half the difference
# of the two mean values of $x$, which is zero but for chance. Its loss is convex, so there is no
# better place.
#
# Whether fakes are good must be measured on fakes. The next lessons do.
#
# Near the end a discriminator trained on few events gives advice that is mostly noise.
# [Deeper: when there is nothing to say](deeper/05_nothing_to_say.ipynb).

# %% [markdown] slideshow={"slide_type": "skip"}
# ## What could go wrong
#
# - **A sigmoid too many.** The network ends in one, and the loss applies another. A logit between
#   0 and 1 can never say "fake". Training runs, weakly.
# - **Stopping by the losses.** They stood still while curium's share did not.
# - **Few events.** The discriminator memorizes them. Watch its loss on fresh ones.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Summary
#
# 1. The generator never sees data; it follows the slope of the discriminator's logit.
# 2. The best logit is $\log p - \log q$; learning it takes many events.
# 3. Against it the generator minimizes $2\,\mathrm{JSD} - \log 4$.
# 4. $\log(1 - D)$ loses its gradient when fakes are easy to tell; $-\log D$ keeps it.
# 5. Losses of $\log 4$ and $\log 2$ say that *this* discriminator cannot tell.

# %% [markdown] slideshow={"slide_type": "skip"}
# Do the steps of two players lead to $q = p$ at all? That is the question of
# [lesson 6](06_game_settles.ipynb).

# %% [markdown] slideshow={"slide_type": "skip"}
# ## Exercises
#
# [The set of this lesson](exercises/05_gan_game.ipynb) has stubs to fill in, and checks that
# answer. The questions here have none.
#
# 1. *Easy, 15 minutes.* Data $\mathcal N(0, 1)$, fakes $\mathcal N(0, s^2)$. Write down the best
#    logit. Which single number, computed from $x$, should a line be given to find it?
# 2. *Medium, 20 minutes.* Show that $\mathrm{KL}(q \Vert p) - 2\,\mathrm{JSD}(p, q) =
#    2\,\mathrm{KL}(m \Vert p)$, by collecting the integrals over $p$ and $q$.
# 3. *Medium, 30 minutes.* Data and fakes are Boltzmann distributions $e^{-E_1}/Z_1$ and
#    $e^{-E_2}/Z_2$, with energies that you know. Fit a discriminator with the logit
#    $b - E_1(x) + E_2(x)$, where only $b$ is trained. What is $b$? Try $E_1 = x^2/2$ and
#    $E_2 = x^2/8$. (Chemists call it Bennett's acceptance ratio.)

# %% [markdown] slideshow={"slide_type": "skip"}
# ## References
#
# - I. Goodfellow et al., *Generative Adversarial Nets*, 2014,
#   [arXiv:1406.2661](https://arxiv.org/abs/1406.2661): six pages, and where it began.
# - M. Arjovsky and L. Bottou, *Towards Principled Methods for Training Generative Adversarial
#   Networks*, 2017, [arXiv:1701.04862](https://arxiv.org/abs/1701.04862).
# - The game's rules follow M. Hjorth-Jensen, *Advanced machine learning and data analysis for
#   the physical sciences*, Oslo 2024, week 14.
