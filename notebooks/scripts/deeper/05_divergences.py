# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Deeper: what a discriminator can measure
#
# Open in [Colab](https://colab.research.google.com/github/generative-models/executed/blob/v0.2.0/notebooks/deeper/05_divergences.ipynb) or on [Binder](https://mybinder.org/v2/gh/generative-models/executed/v0.2.0?urlpath=lab/tree/notebooks/deeper/05_divergences.ipynb).
#
# [Lesson 5](../05_gan_game.ipynb) says that the best discriminator turns the game into a
# divergence. This page asks which density a map makes, on which landscape the non-saturating
# loss is played, and which other divergences a discriminator can measure. All of it is computed
# for two normal distributions, where the answers are known.

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
# The sizes stand at the end. On two CPU cores this page takes a few seconds.

# %% tags=["setup"] jupyter={"source_hidden": true}
# @title Set-up: libraries, closed forms, sizes
import math

import matplotlib.pyplot as plt
import numpy as np
from scipy.optimize import minimize
from scipy.special import expit, log_expit
from scipy.stats import expon, norm

from course_utils.budget import budget
from course_utils.exact.games import jensen_shannon
from course_utils.figures.style import use_course_style

use_course_style()
repeats = budget(smoke=5, lecture=40, full=200)

# %% [markdown]
# ## The density that a map makes
#
# All randomness of a generator is in $z$. On the line a rising map $x = G(z)$ moves the
# probability $p(z)\,|dz|$ to $q(x)\,|dx|$, so that
#
# $$
# q(G(z)) = \frac{p(z)}{|G'(z)|} .
# $$
#
# A map can go far. With $\Phi$ the normal distribution function, $G(z) = -\tau \log \Phi(-z)$
# turns normal numbers into the decay times of muons, whose mean lifetime is $\tau = 2.2$
# microseconds. Here is the density by the formula, with the slope by a central difference, beside
# the exponential law.

# %%
tau = 2.2  # microseconds


def decay_time(z):
    return -tau * norm.logcdf(-z)


z = np.linspace(-2, 2, 5)
tiny = 1e-5  # errors near tiny^2 and 1e-16 / tiny, both below 1e-9
slope = (decay_time(z + tiny) - decay_time(z - tiny)) / (2 * tiny)
made, wanted = norm.pdf(z) / slope, expon(scale=tau).pdf(decay_time(z))
assert np.allclose(made, wanted, rtol=1e-8)
print("decay times:", decay_time(z).round(3), "microseconds")
print("density:    ", made.round(4), "per microsecond")

# %% [markdown]
# ## What may be a generator, and who uses GANs
#
# Anything that draws samples may play. To be *trained* by the game it must also say how its
# samples change with $\theta$. A network does so by the pathwise gradient of lesson 2. A Boltzmann
# machine draws patterns of zeros and ones with the probability $e^{-E}/Z$. Its samples jump where
# a network's slide, so one is back at the score function. The lecture gives it as an example: a
# Boltzmann machine trained to produce a quantum-mechanical probability distribution. For
# generators whose value function is convex the lecture cites quantum GANs (Lloyd and Weedbrook,
# 2018) as a case where convergence is proved.
#
# | model | trained on | what is hard |
# |---|---|---|
# | VAE | a bound on $\log p_\theta(x)$ | the posterior of $z$: approximate inference |
# | Boltzmann machine | $\log p_\theta(x)$ | the partition function $Z$ and its slope |
# | GAN | samples of both kinds | the game itself |
#
# Who uses them: detectors, where following a shower particle by particle is slow (LAGAN for
# images of jets, CaloGAN for showers in a calorimeter; the fast simulation of the ATLAS experiment,
# AtlFast3, has GANs in use); the sky (CosmoGAN for maps of weak lensing, others for slices of the
# cosmic web and for galaxies without the telescope's blur); pictures (faces at high resolution,
# pictures from a sentence, older faces, one kind of picture into another, videos, missing parts).
# The papers stand below.

# %% [markdown]
# ## The landscape of the non-saturating loss
#
# Take the best discriminator for $q$, hold it fixed, and move the fakes. The saturating slope is
# that of $2\,\mathrm{JSD}$, as the lesson shows. For the other write
# $-\log D = -\log(1 - D) - \ell$. The first part brings $-2\,\mathrm{JSD}$. The second is the mean
# of $\log q - \log p$ over the fakes, where only the fakes move. It has the slope of
# $\mathrm{KL}(q \Vert p)$: moving the $\log q$ as well would add the mean of a score, which is
# zero (lesson 2). Together the slope is that of $\mathrm{KL}(q \Vert p) - 2\,\mathrm{JSD}(p, q)$
# (Arjovsky and Bottou, 2017).
#
# Where is the lowest point of a difference? With $m = \tfrac12(p + q)$ collect the integrals:
#
# $$
# \int q \log \frac qp - \int p \log \frac pm - \int q \log \frac qm
# = \int (p + q) \log \frac mp = 2\,\mathrm{KL}(m \,\Vert\, p) .
# $$
#
# It is never negative, and 0 only where $m = p$, which is $q = p$. The slopes are checked for
# $q = \mathcal N(\theta, 1)$, by a sum over the line: one exact, the other a difference of the
# landscape.

# %%
dx = 0.01
x = np.arange(-14, 18, dx)
p = norm.pdf(x)


def landscape(theta):
    fakes = norm(theta, 1)
    log_m = np.logaddexp(norm.logpdf(x), fakes.logpdf(x)) - math.log(2)
    return 2 * (np.exp(log_m) * (log_m - norm.logpdf(x))).sum() * dx


# %% [markdown]
# Both sides of the identity, and then the pull beside the slope of the landscape.

# %%
for theta in (0.0, 0.5, 1.0, 2.0, 4.0):
    difference = theta**2 / 2 - 2 * jensen_shannon(norm(0, 1), norm(theta, 1))
    assert abs(difference - landscape(theta)) < 1e-7  # five times the quadrature's 2e-8
    logit = theta**2 / 2 - theta * x
    pull = theta * (norm.pdf(x, theta) * expit(-logit)).sum() * dx
    slope = (landscape(theta + 1e-4) - landscape(theta - 1e-4)) / 2e-4
    assert abs(pull - slope) < 1e-6
    print(
        f"theta {theta}: 2 KL(m, p) = {landscape(theta):z.4f}, slope {slope:z.4f} nats"
    )

# %% [markdown]
# ## No longer zero-sum
#
# With $V$ for both players the two losses add up to nothing, whatever happens. With the
# non-saturating loss their sum moves: here for three discriminators of the same fakes at
# $\theta = 2$.

# %%
q = norm.pdf(x, 2)
opinions = {"D = 1/2": 0 * x, "the best": 2 - 2 * x, "too sure": 6 - 6 * x}
for name, logit in opinions.items():
    d_loss = -(p * log_expit(logit) + q * log_expit(-logit)).sum() * dx
    zero_sum = -d_loss  # the generator's loss is V itself
    non_saturating = -(q * log_expit(logit)).sum() * dx
    print(
        f"{name:9} with V: {d_loss + zero_sum:z.3f}, "
        f"non-saturating: {d_loss + non_saturating:.3f} nats"
    )

# %% [markdown]
# ## Other games, other divergences
#
# For a convex $f$ with $f(1) = 0$ the **f-divergence** is
#
# $$
# D_f(p \Vert q) = \mathbb E_q\left[f(r)\right], \qquad r = \frac pq .
# $$
#
# A convex function lies above its tangents. With $f^*(t) = \max_u (tu - f(u))$ that says
# $f(r) \ge t\,r - f^*(t)$ for every $t$. Choose a $t = T(x)$ at each $x$ and take the mean under
# $q$:
#
# $$
# D_f(p \Vert q) \;\ge\; \mathbb E_p\left[T\right] - \mathbb E_q\left[f^*(T)\right],
# \qquad \text{with equality at } T = f'(r).
# $$
#
# So any discriminator $T$ measures a divergence *from below*, from samples alone (Nowozin, Cseke
# and Tomioka, 2016). A GAN's is one of them, with $T = \log 2 + \log D$ and
# $D_f = 2\,\mathrm{JSD}$.
#
# For $p = \mathcal N(0, 1)$ and $q = \mathcal N(\theta, 1)$ the values are known:
#
# | divergence | $f(u)$ | $f^*(t)$ | best $T$ | value |
# |---|---|---|---|---|
# | $\mathrm{KL}(p \Vert q)$ | $u \log u$ | $e^{t - 1}$ | $1 + \log r$ | $\theta^2/2$ |
# | $\mathrm{KL}(q \Vert p)$ | $-\log u$ | $-1 - \log(-t)$ | $-1/r$ | $\theta^2/2$ |
# | Hellinger | $(\sqrt u - 1)^2$ | $t/(1 - t)$ | $1 - 1/\sqrt r$ | $2 - 2e^{-\theta^2/8}$ |
# | GAN | $u \log u - (u + 1) \log \tfrac{u + 1}2$ | $-\log(2 - e^t)$ | $\log 2 + \log D$ | $2\,\mathrm{JSD}$ |
# | Pearson | $(u - 1)^2$ | $t + t^2/4$ | $2(r - 1)$ | $e^{\theta^2} - 1$ |
#
# Let the discriminator be a straight line $v = a + bx$, sent through a function that keeps $T$
# where $f^*$ is defined. Which of the five bounds can a line close?

# %%
f_gans = {  # T of v, and f* of T
    "KL(p || q)": (lambda v: v, lambda t: np.exp(t - 1)),
    "KL(q || p)": (lambda v: -np.exp(-v), lambda t: -1 - np.log(-t)),
    "Hellinger": (lambda v: 1 - np.exp(-v), lambda t: t / (1 - t)),
    "GAN": (lambda v: math.log(2) + log_expit(v), lambda t: -np.log(2 - np.exp(t))),
    "Pearson": (lambda v: v, lambda t: t + t**2 / 4),
}

# %% [markdown]
# And the values that are known, at $\theta = 1$.

# %%
theta = 1.0
q = norm.pdf(x, theta)
exact = dict.fromkeys(f_gans, theta**2 / 2) | {
    "Hellinger": 2 - 2 * math.exp(-(theta**2) / 8),
    "GAN": 2 * jensen_shannon(norm(0, 1), norm(theta, 1)),
    "Pearson": math.exp(theta**2) - 1,
}

# %% [markdown]
# Each bound is climbed from $a = b = 0.1$, with the two means as sums over the line.

# %%
inside = (x > -9) & (x < 10)  # beyond, both densities are below 1e-17


def bound(line, name):
    T, conjugate = f_gans[name]
    v = line[0] + line[1] * x[inside]
    return ((p * dx)[inside] * T(v) - (q * dx)[inside] * conjugate(T(v))).sum()


# %% [markdown]
# What a line reaches of each:

# %%
reached = {}
for name in f_gans:
    climbed = minimize(lambda line, name=name: -bound(line, name), [0.1, 0.1])
    reached[name] = -climbed.fun
    print(
        f"{name:11} exact {exact[name]:.4f}, a line reaches {reached[name]:.4f}, "
        f"with v = {climbed.x[0]:.2f} + {climbed.x[1]:.2f} x"
    )

# %% tags=["proof"] jupyter={"source_hidden": true}
# @title Four bounds are closed, and Pearson's line reaches theta^2
for name, value in reached.items():
    assert value < exact[name] + 1e-6
    if name != "Pearson":
        assert value > exact[name] - 1e-6
assert abs(reached["Pearson"] - theta**2) < 1e-6
print("closed to 1e-6: all but Pearson's, whose line reaches 1.000000")

# %% [markdown]
# Four bounds are closed, because their best $v$ is a line: $1 + \log r$, $\log r$,
# $\tfrac12 \log r$ and $\log r$. Pearson's best $T$ is $2(r - 1)$, which no line is. What a line
# reaches there is known, too. Put $T = a + bx$ into the bound and maximize over both numbers:
#
# $$
# \max_{a, b} \; \mathbb E_p[T] - \mathbb E_q\left[T + \tfrac14 T^2\right] =
# \frac{(\mathbb E_p[x] - \mathbb E_q[x])^2}{\mathrm{Var}_q(x)} = \theta^2 .
# $$
#
# Physicists know the ratio: the squared distance of two means in units of the spread. It is the
# part of Pearson's divergence that a line can see, and statisticians' Chapman-Robbins bound.
#
# The choice of the divergence is a choice of the landscape. All of them are zero only at
# $\theta = 0$.


# %%
def twice_jsd(t):
    logit, fakes = t**2 / 2 - t * x, norm.pdf(x, t)
    best = (p * log_expit(logit) + fakes * log_expit(-logit)).sum() * dx
    return math.log(4) + best


# %% [markdown]
# As curves against the distance:

# %%
thetas = np.linspace(0, 5, 101)
assert abs(twice_jsd(1.0) - exact["GAN"]) < 1e-7
curves = {
    "KL, both ways": thetas**2 / 2,
    "GAN: 2 JSD": [twice_jsd(t) for t in thetas],
    "Hellinger": 2 - 2 * np.exp(-(thetas**2) / 8),
    "Pearson": np.expm1(thetas**2),
}
words = {"KL, both ways": (1.6, 3.6), "GAN: 2 JSD": (4.2, 0.95)}
words |= {"Hellinger": (2.6, 1.6), "Pearson": (0.5, 2.2)}
for name, values in curves.items():
    (drawn,) = plt.plot(thetas, values)
    plt.text(*words[name], name, color=drawn.get_color(), fontsize=14)
plt.axis((0, 5, 0, 4))
plt.xlabel("distance θ of two normals (no units)")
plt.ylabel("divergence (nats, or no units)")
plt.show()

# %% [markdown]
# *Figure: four divergences against the distance. Pearson's shoots up first, the KL is a parabola;
# Hellinger's and the GAN's bend over and end below 2 and below 1.39.*

# %% [markdown]
# Where the heaps hardly overlap, Hellinger's and the GAN's curves are flat, and a generator that
# descends them gets no slope. The KL keeps its slope, and asks for a density that is nowhere zero.

# %% [markdown]
# ## The bound from a few events
#
# From below, we said. That is true of the two *means*. With sums over $n$ events in their places,
# and $T$ fitted to the same events, the bound is read too high. Fit polynomials of rising degree
# as logits, to 50 events of each kind, and compare: what the 100 events say, and the honest bound
# of the same logit, by sums over the line.

# %%
rng = np.random.default_rng(0)
n, truth = 50, 2 * jensen_shannon(norm(0, 1), norm(1, 1))


def fitted_bounds(real, fake, degree):
    def features(points):
        return np.polynomial.hermite_e.hermevander((points - 0.5) / 2, degree)

    def loss(weights):
        ours, theirs = features(real) @ weights, features(fake) @ weights
        return -log_expit(ours).mean() - log_expit(-theirs).mean()

    weights = minimize(loss, np.zeros(degree + 1)).x
    logit = features(x) @ weights
    honest = (p * log_expit(logit) + q * log_expit(-logit)).sum() * dx
    return math.log(4) - loss(weights), math.log(4) + honest


# %% [markdown]
# Means over many repetitions, with their standard errors.

# %%
for degree in (1, 3, 5):
    pairs = [
        fitted_bounds(rng.normal(0, 1, n), rng.normal(1, 1, n), degree)
        for _ in range(repeats)
    ]
    (own, honest), errors = np.mean(pairs, 0), np.std(pairs, 0) / math.sqrt(repeats)
    print(
        f"degree {degree}: from the events {own:.3f} +- {errors[0]:.3f}, "
        f"honest {honest:.3f} +- {errors[1]:.3f}; exact {truth:.3f} nats"
    )

# %% [markdown]
# The richer the discriminator, the more it claims of its own events, and the less it is worth on
# all others. At degree 5 the honest bound is below zero on average, which says nothing at all. Even
# the line, which has the right shape, keeps less than the exact value. Lesson 5 shows the same with
# a network and 30 events. **Measure a bound on events that the discriminator has not seen.**

# %% [markdown]
# ## References
#
# - S. Nowozin, B. Cseke and R. Tomioka, *f-GAN: Training Generative Neural Samplers using
#   Variational Divergence Minimization*, 2016, [arXiv:1606.00709](https://arxiv.org/abs/1606.00709).
# - M. Arjovsky and L. Bottou, *Towards Principled Methods for Training Generative Adversarial
#   Networks*, 2017, [arXiv:1701.04862](https://arxiv.org/abs/1701.04862).
# - I. Goodfellow, *NIPS 2016 Tutorial: Generative Adversarial Networks*,
#   [arXiv:1701.00160](https://arxiv.org/abs/1701.00160); I. Goodfellow, Y. Bengio and
#   A. Courville, *Deep Learning*, 2016, section 20.10.4.
# - In physics: L. de Oliveira, M. Paganini and B. Nachman, *Learning Particle Physics by Example*
#   (LAGAN), 2017, [arXiv:1701.05927](https://arxiv.org/abs/1701.05927); the same, *CaloGAN*, 2018,
#   [arXiv:1712.10321](https://arxiv.org/abs/1712.10321); ATLAS, *AtlFast3*, 2021,
#   [arXiv:2109.02551](https://arxiv.org/abs/2109.02551); M. Mustafa et al., *CosmoGAN*, 2019,
#   [arXiv:1706.02390](https://arxiv.org/abs/1706.02390); A. C. Rodríguez et al., 2018,
#   [arXiv:1801.09070](https://arxiv.org/abs/1801.09070); K. Schawinski et al., 2017,
#   [arXiv:1702.00403](https://arxiv.org/abs/1702.00403).
# - S. Lloyd and C. Weedbrook, *Quantum generative adversarial learning*, 2018,
#   [arXiv:1804.09139](https://arxiv.org/abs/1804.09139).
# - In pictures: T. Karras et al., [arXiv:1710.10196](https://arxiv.org/abs/1710.10196);
#   S. Reed et al., [arXiv:1605.05396](https://arxiv.org/abs/1605.05396); G. Antipov et al.,
#   [arXiv:1702.01983](https://arxiv.org/abs/1702.01983); P. Isola et al.,
#   [arXiv:1611.07004](https://arxiv.org/abs/1611.07004); C. Vondrick et al.,
#   [arXiv:1609.02612](https://arxiv.org/abs/1609.02612); D. Pathak et al.,
#   [arXiv:1604.07379](https://arxiv.org/abs/1604.07379).
# - M. Hjorth-Jensen, *Advanced machine learning and data analysis for the physical sciences*,
#   week 14, 2024: the lecture.
