# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown] slideshow={"slide_type": "slide"}
# # 12 · Diffusion: the ELBO of a chain
#
# Open in [Colab](https://colab.research.google.com/github/generative-models/executed/blob/v0.2.0/notebooks/12_diffusion.ipynb) or on [Binder](https://mybinder.org/v2/gh/generative-models/executed/v0.2.0?urlpath=lab/tree/notebooks/12_diffusion.ipynb).
#
# ## The question
#
# A network learns to take noise away. Its loss falls to one half, and stays there.
# **Is the program broken, or has the network learned all there is to learn?**
#
# For data whose density is known, this lesson computes the answer.
#
# <!-- notes: Ask who has trained a diffusion, and how they knew that it was done. -->

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

from course_utils.budget import budget
from course_utils.data.mnist import load_mnist
from course_utils.exact.diffusion import Mixture1D
from course_utils.figures.diffusion import (
    chain_diagram,
    flow_of_a_density,
    gaps_of_chains,
    guesses_at_a_time,
    log_densities,
    loss_over_time,
    training_above_least,
)
from course_utils.figures.digit_rows import labelled_rows
from course_utils.figures.style import mosaic, use_course_style
from course_utils.pytorch.device import seed_everything
from course_utils.pytorch.diffusion import (
    ancestral_noise,
    draw,
    draw_images,
    flow_log_prob,
    mixture_velocity,
    parts,
    velocity_errors,
)
from course_utils.pytorch.networks import MLPVelocity
from course_utils.pytorch.unet import UNet
from course_utils.pytorch.weights import load_pretrained
from course_utils.records import read_result
from course_utils.weights import card
from course_utils.widgets.diffusion import diffusion_explorer

use_course_style()

# %% slideshow={"slide_type": "subslide"}
mixture = Mixture1D(weights=[0.3, 0.7], means=[-2, 1.5], sigmas=[0.4, 0.6])
t, x = np.linspace(0, 1, 101), np.linspace(-4, 4, 201)
density = np.exp(mixture.log_prob(x[:, None], t))
flow_of_a_density(t, x, density)

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: the density of x at each t, the darker the higher. At t = 0 two bells, at t = 1 one.*

# %% [markdown] slideshow={"slide_type": "skip"}
# Our data are two bells on a line: 30 % of all points around $-2$ with width (standard deviation)
# 0.4, and 70 % around 1.5 with width 0.6. From left to right noise is added, until only noise is left. The
# network learns the way back.
#
# ## You will be able to
#
# - draw a diffusion as a VAE with many fixed layers, and name the terms of its bound;
# - say why predicting the noise is predicting the score;
# - tell how low the loss can go, and see whether a training has come there;
# - draw samples by one sampler with one number, and compute their log-density;
# - compare a diffusion with a VAE and a GAN by scores *and* by time.
#
# ## Before you start
#
# You need the ELBO and the KL divergence of normal distributions
# ([lesson 1](01_elbo.ipynb)), the VAE ([lesson 3](03_vae_pytorch.ipynb)), and for the digits
# the scores of [lesson 8](08_dcgan_keras.ipynb).

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A VAE with many layers
#
# A VAE may have several latent layers, one behind the other. Then both ways are long, and
# both are learned. A diffusion makes it simpler.

# %%
chain_diagram()

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: above, x and three latent layers with learned arrows both ways; below, the same row
# where the way to the right only adds noise and one network leads back.*

# %% [markdown] slideshow={"slide_type": "skip"}
# In a diffusion
#
# - every latent layer has the size of $x$;
# - the encoder $q$ is **fixed**: each step shrinks a little and adds a little noise;
# - the decoder $p$ is **one network for all steps**, which is told the time $t$;
# - the last layer is pure noise, $\mathcal N(0, I)$, whatever $x$ was.
#
# Nothing is squeezed through a bottleneck, and nothing of the encoder has to be learned. There is
# a price: the model's steps back are simpler than the true ones. So its bound has a gap, and more
# steps make it smaller.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The path
#
# With $\epsilon \sim \mathcal N(0, I)$ and $t$ from 0 to 1, walk along a quarter of a circle:
#
# $$
# x_t = a\,x + b\,\epsilon, \qquad a = \cos\tfrac{\pi t}2, \quad b = \sin\tfrac{\pi t}2 .
# $$
#
# $a$ is the signal and $b$ the noise, with $a^2 + b^2 = 1$. The
# **signal-to-noise ratio** $\mathrm{SNR} = a^2/b^2$ falls from infinity to 0.

# %%
sample = load_mnist("test", limit=3)
epsilon = np.random.default_rng(0).standard_normal(sample.x.shape)
at_times = np.linspace(0, 1, 9)
a, b = np.cos(np.pi / 2 * at_times), np.sin(np.pi / 2 * at_times)
a, b = a[:, None, None, None], b[:, None, None, None]
noisy = [a * (2 * x_i - 1) + b * e_i for x_i, e_i in zip(sample.x, epsilon)]
mosaic(
    np.clip(np.concatenate(noisy) / 2 + 0.5, 0, 1),
    columns=9,
    row_labels=[f"a {y}" for y in sample.y],
    column_labels=[f"t = {at:.3g}" for at in at_times],
)

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: a 9, a 3 and a 4, from t = 0 to t = 1 in nine columns, vanish in noise (cut off at
# black and white).*

# %% [markdown] slideshow={"slide_type": "skip"}
# So $q(x_t \mid x) = \mathcal N(a x,\, b^2 I)$. One formula leads to any $t$ at once, and nobody has to
# walk step by step: each example of a training needs one random $t$ and one call of the network.
# From one time to a later one it goes in the same way: shrink, and add noise.
#
# The **best guess** of $x$ is the mean $\mathbb E[x \mid x_t]$: it has the least squared error. For bells
# with weights $w_k$, means $\mu_k$ and widths $\sigma_k$ it has a closed form. Each $x_t$ has bells around
# $a\mu_k$ with the variances $V_k = a^2\sigma_k^2 + b^2$, and
#
# $$
# \mathbb E[x \mid x_t] = \sum_k q(k \mid x_t)\,\Big[\mu_k + \frac{a\,\sigma_k^2}{V_k}\,(x_t - a\mu_k)\Big],
# \qquad q(k \mid x_t) \propto w_k\, \mathcal N(x_t; a\mu_k, V_k) .
# $$
#
# `mixture`, from `course_utils.exact.diffusion`, has this guess and the integrals that follow from it.
#
# Other ways serve as well. The straight one, $x_t = (1 - t)\,x + t\,\epsilon$, is
# the usual one of **flow matching**; [the deeper page](deeper/12_bound_of_a_chain.ipynb) compares both.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The bound
#
# Cut the path into $T$ equal steps, and write $s$ for the time one step before $t$. The model
# draws $x_1$ from $\mathcal N(0, I)$ and goes back by steps $p(x_s \mid x_t)$. Its ELBO has a term
# for each:
#
# $$
# \log p(x) \ge \mathbb E_q \Big[ \underbrace{\log p(x \mid x_{1/T})}_{\text{last step}}
# - \sum_{t > 1/T} \underbrace{\mathrm{KL}\big(q(x_s \mid x_t, x) \,\Vert\, p(x_s \mid x_t)\big)}_{\text{each other step}}
# \Big] .
# $$

# %% [markdown] slideshow={"slide_type": "skip"}
# It is the ELBO of lesson 1, with all noisy versions of $x$ as the latent $z$, sorted by steps
# ([in full](deeper/12_bound_of_a_chain.ipynb)). One more term,
# $\mathrm{KL}(q(x_1 \mid x) \Vert \mathcal N(0, I))$, is zero here, because at $t = 1$ nothing of
# $x$ is left.

# %% [markdown] slideshow={"slide_type": "subslide"}
# **All these distributions are normal.** If $x$ is known, a step back is
#
# $$
# q(x_s \mid x_t, x) = \mathcal N\Big((1 - \rho)\,a_s\,x + \tfrac{a_t b_s^2}{a_s b_t^2}\,x_t,\ \beta I\Big),
# \qquad \rho = \frac{\mathrm{SNR}_t}{\mathrm{SNR}_s}, \quad \beta = (1 - \rho)\,b_s^2 .
# $$
#
# The model does not know $x$: it puts a **guess** $\hat x(x_t)$ in its place.

# %% [markdown] slideshow={"slide_type": "subslide"}
# Two normal distributions of variance $\beta$ have the KL $(\text{difference of means})^2 / 2\beta$. Here that is
#
# $$
# \mathrm{KL} = \frac{(1 - \rho)^2 a_s^2}{2\beta}\,(x - \hat x)^2
# = \tfrac12\,(\mathrm{SNR}_s - \mathrm{SNR}_t)\,(x - \hat x)^2 .
# $$
#
# So the bound asks one thing of the network: **guess the data from noisy data.**
#
# The model is unsure of $x$ as well, so a larger variance $c\beta$ suits it better:
#
# $$
# \text{mean KL} = \tfrac12 \big(\log c + \tfrac rc - 1\big), \qquad
# r = 1 + (\mathrm{SNR}_s - \mathrm{SNR}_t)\, m ,
# $$
#
# with the mean squared error $m$. It is least for $c = r$.

# %% [markdown] slideshow={"slide_type": "skip"}
# Then a step costs $\tfrac12 \log r$. ([The deeper page](deeper/12_bound_of_a_chain.ipynb) derives
# $q(x_s \mid x_t, x)$, a product of two normal densities.
# All this is for one dimension; of $d$ dimensions each costs as much, with $m$ their mean.)
#
# In the last step $x$ itself is drawn, from $\mathcal N(\hat x, m)$. That costs
# $\tfrac12 \log 2\pi e\,m$. The mean bound of a chain, with the errors $m$ at its $T$ times:


# %% slideshow={"slide_type": "skip"}
def signal_to_noise(t):
    return 1 / np.tan(np.pi / 2 * t) ** 2


def chain_bound(m):  # errors of x at t = 1/T, 2/T, ..., 1
    snr = signal_to_noise(np.arange(1, len(m) + 1) / len(m))
    r = 1 + (snr[:-1] - snr[1:]) * m[1:]
    return -0.5 * np.log(2 * np.pi * np.e * m[0]) - 0.5 * np.log(r).sum()


# %% tags=["proof", "nbval-check-output"] jupyter={"source_hidden": true} slideshow={"slide_type": "skip"}
# @title The bound in these four lines is that of the closed forms
for _T in (1, 3, 20):
    _m = mixture.least_data_loss(np.arange(1, _T + 1) / _T)
    assert abs(chain_bound(_m) - mixture.mean_elbo(_T)) < 1e-9
print("The same for chains of 1, 3 and 20 steps.")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Noise, data and score are one guess
#
# Given $x_t$, who guesses $x$ has guessed $\epsilon$ too: $\hat\epsilon = (x_t - a\,\hat x)/b$. And
# the best guess of the noise is, up to a factor, the **score**: the slope of the log-density of
# noisy data.
#
# $$
# \nabla \log q(x_t) = \mathbb E\big[\nabla \log q(x_t \mid x) \,\big|\, x_t\big]
# = -\tfrac1b\,\mathbb E[\epsilon \mid x_t] .
# $$

# %% [markdown] slideshow={"slide_type": "skip"}
# First: $q(x_t) = \int q(x)\,q(x_t \mid x)\,dx$. Its slope, divided by $q(x_t)$, is a mean of the slopes
# $\nabla \log q(x_t \mid x)$ with the weights $q(x)\,q(x_t \mid x)/q(x_t) = q(x \mid x_t)$.
# Second: $q(x_t \mid x)$ is normal with width $b$ around $a x$, so its slope is
# $-(x_t - ax)/b^2 = -\epsilon/b$.
#
# In words: noise has pushed the points away from the data. The best guess of that push, turned
# around, points to where the density rises.

# %%
at = 0.4
signal = math.cos(math.pi / 2 * at)
seen = np.exp(mixture.log_prob(x, at))
guesses_at_a_time(x, seen, mixture.denoised(x, at), mixture.score(x, at), signal)

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: at t = 0.4, left the density of noisy data and its score; right the mean of x given its
# noisy version, a step between two bells. Where the score is zero (dashed), this mean is $x_t/a$
# (dotted).*

# %% [markdown] slideshow={"slide_type": "skip"}
# Between the bells the best $\hat x$ lies where no data are: it is a *mean* of both, and not a
# sample. So the sampler below goes only a little of the way to it, and asks again.

# %% tags=["proof", "nbval-check-output"] jupyter={"source_hidden": true} slideshow={"slide_type": "skip"}
# @title The score by differences of the log-density, and from the guess of the noise
_h, _b = 1e-5, math.sin(math.pi / 2 * at)
_slope = (mixture.log_prob(x + _h, at) - mixture.log_prob(x - _h, at)) / (2 * _h)
# an error of h^2 and of rounding over h
assert np.abs(_slope + mixture.noise(x, at) / _b).max() < 1e-6
print("The slope of log p is -1/b times the mean of the noise.")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## How low can the loss go?
#
# The usual loss: the mean squared error of $\hat\epsilon$, $t$ uniform on $[0, 1]$.
#
# **Predict before you run.** How large is it at best: at $t = 0$, at $t = 1$, between?
#
# <!-- notes: Collect numbers on the board. Ask: at t = 0, what does x_t tell of the noise? And at
# t = 1? -->

# %%
least = mixture.least_loss(t)
print(f"least loss, mean over t: {np.trapezoid(least, t):.5f}")
loss_over_time(t, least)

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: the least loss falls from 1 at t = 0 to 0 at t = 1, with a shelf in the middle.*

# %% [markdown]
# **Answer.** At $t = 0$ nothing is known of $\epsilon$: the best guess is 0, its error 1. At $t = 1$ all is
# noise: 0. The mean is 0.50013.

# %% [markdown] slideshow={"slide_type": "skip"}
# What is left is the mean of $\mathrm{Var}(\epsilon \mid x_t)$. On the shelf the bells overlap, and $x_t$ does not
# say from which one it came. If that were known, 0.23 would be left at $t = \tfrac12$ in place of 0.53.

# %% [markdown] slideshow={"slide_type": "skip"}
# So one half is no sign of a broken program. The number belongs to the *data* (here with a smooth
# density) and to the path: with bells of a quarter of the width it is 0.271. (That ours is so near
# $\tfrac12$, the number of $\mathcal N(0, 1)$, is chance.) A guess that is linear in $x_t$ would reach
# 0.629 on our data.
#
# **For digits nobody knows this number.** Every guess shows that it lies below its own loss on fresh
# data; how far below, no loss tells.

# %% tags=["proof", "nbval-check-output"] jupyter={"source_hidden": true} slideshow={"slide_type": "skip"}
# @title The least loss to five digits, and that of a linear guess
_variance = mixture.least_data_loss(1.0)  # the data's, where nothing is known
_line = math.sqrt(_variance) / (1 + math.sqrt(_variance))  # mean of V a^2/(V a^2 + b^2)
assert abs(np.trapezoid(least, t) - 0.50013) < 5e-6
_narrow = Mixture1D(mixture.weights, mixture.means, mixture.sigmas / 4)
_of_narrow = np.trapezoid(_narrow.least_loss(t), t)
_a2 = _b2 = 0.5  # at t = 1/2
_known_bell = mixture.weights @ (1 / (1 + _b2 / (_a2 * mixture.sigmas**2)))
assert abs(_known_bell - 0.23) < 5e-3
assert abs(mixture.least_loss(0.5) - 0.53) < 5e-3
print(f"a linear guess {_line:.3f}; bells of a quarter of the width {_of_narrow:.3f}")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A network meets the line
#
# Which guess should a network learn? From $\hat\epsilon$ to $\hat x$ one divides by $a$, which is 0 at $t = 1$;
# from $\hat x$ to $\hat\epsilon$ by $b$, 0 at $t = 0$. The **velocity** along the circle,
# $v = \tfrac2\pi\,dx_t/dt$, needs no division:
#
# $$
# v = a\,\epsilon - b\,x, \qquad x = a\,x_t - b\,v, \qquad \epsilon = b\,x_t + a\,v .
# $$


# %%
def squared_errors(network, x, epsilon, t):  # of v
    a, b = torch.cos(math.pi / 2 * t)[:, None], torch.sin(math.pi / 2 * t)[:, None]
    v = a * epsilon - b * x
    return (network(a * x + b * epsilon, t) - v).square().mean(1)


# %% [markdown] slideshow={"slide_type": "skip"}
# If $\hat v$ is wrong by $e$, then $\hat x$ is wrong by $-b\,e$ and $\hat\epsilon$ by $a\,e$. So all losses
# have the same best guess; they weigh the times differently, and the usual one is *not* the bound.
# The network has two layers of 128 units and sees $x_t$ and $t$. The times of a batch are spread
# evenly, so that batches differ less.


# %% tags=["mirrors"] jupyter={"source_hidden": true} slideshow={"slide_type": "skip"}
# @title Times of a batch, each uniform and together even
def spread_times(n, generator):
    device = generator.device
    start = torch.rand((), generator=generator, device=device)
    return (start + torch.arange(n, device=device) / n) % 1


# %% slideshow={"slide_type": "skip"}
data = torch.from_numpy(mixture.sample(20_000, seed=9)).float()[:, None]


def train(steps, seed, batch=1024, rate=3e-3):
    seed_everything(seed)
    network, rng, losses = MLPVelocity(), torch.Generator().manual_seed(seed), []
    optimizer = torch.optim.Adam(network.parameters(), rate)
    for step in range(steps):
        optimizer.param_groups[0]["lr"] = rate * math.cos(math.pi / 2 * step / steps)
        some = data[torch.randint(len(data), (batch,), generator=rng)]
        times, noise = spread_times(batch, rng), torch.randn(batch, 1, generator=rng)
        errors = squared_errors(network, some, noise, times)
        optimizer.zero_grad()
        errors.mean().backward()
        optimizer.step()
        losses.append((errors * torch.cos(math.pi / 2 * times) ** 2).mean().item())
    return network, np.array(losses)


# %% [markdown] slideshow={"slide_type": "subslide"}
# The training lowers the error of $v$. The picture shows $a^2$ times it, the error of $\epsilon$: means over 25
# steps.

# %%
steps = budget(smoke=50, lecture=1_500, full=5_000)
network, losses = train(steps, seed=0)
means = losses.reshape(-1, 25).mean(1)
training_above_least(25 * np.arange(1, len(means) + 1), means, np.trapezoid(least, t))

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: the loss falls from above onto a dotted line at one half and stays there, far from 0.*

# %% [markdown] slideshow={"slide_type": "skip"}
# How near is it? The loss of a few batches scatters by more than the distance, and dips below
# the line by luck. But the best guess is known. It is the mean of $v$ given $x_t$, so in the square
# of (network − best guess) + (best guess − $v$) the mixed term has the mean 0. The loss is the least
# one plus the mean square of *network minus best guess*.


# %%
@torch.no_grad()
def excess(network, t, n=20_000):  # of v, at one time
    a, b = math.cos(math.pi / 2 * t), math.sin(math.pi / 2 * t)
    rng = np.random.default_rng(7)
    x_t = a * mixture.sample(n, seed=8) + b * rng.standard_normal(n)
    points = torch.from_numpy(x_t).float()[:, None]
    v = network(points, torch.full((n,), float(t)))[:, 0].numpy()
    return ((v - mixture.velocity(x_t, t)) ** 2).mean()


extra = np.array([excess(network, each) for each in t])
extra *= np.cos(np.pi / 2 * t) ** 2  # of the noise
above = np.trapezoid(extra, t) / np.trapezoid(least, t)
print(f"above the least loss: {above:.1%}")

# %% tags=["proof"] jupyter={"source_hidden": true} slideshow={"slide_type": "skip"}
# @title Within two percent
assert above < budget(smoke=1.0, lecture=0.02, full=0.02)
print("The network's loss is within the limit.")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## More steps, a smaller gap
#
# The errors at $T$ times give the mean bound. No model has a mean $\log p(x)$ above minus the
# entropy of the data, $-1.396657$ nats. From there down to the bound is the **gap**.
#
# **Predict before you run.** With the best guess, is the gap zero? What do twice as many steps do?
#
# <!-- notes: The gap is a KL divergence again. Between what and what? Between the whole way there,
# q(x, all x_t), and the model's whole way back. In lesson 1 only the posteriors were compared; here
# the data and the model's own density are, too. -->

# %% slideshow={"slide_type": "subslide"}
chains = np.array([1, 2, 4, 8, 16, 32, 64, 128])
gaps = {"best guess": [], "network": []}
for T in chains:
    times = np.arange(1, T + 1) / T
    m = mixture.least_data_loss(times)
    off = np.array([np.sin(np.pi / 2 * s) ** 2 * excess(network, s) for s in times])
    for name, error in (("best guess", m), ("network", m + off)):
        gaps[name].append(-mixture.entropy() - chain_bound(error))
gaps = {name: np.array(values) for name, values in gaps.items()}
gaps_of_chains(chains, gaps)

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: the gap against the number of steps, both axes logarithmic: the best guess falls along a
# line; the network leaves it for many steps.*

# %% [markdown]
# **Answer.** Not zero: the model's steps back are normal distributions, with one width for all $x_t$. The
# true steps back are not. Twice as many steps halve the gap once there are many: $T$ times it
# tends to 1.0117 nats.

# %% [markdown] slideshow={"slide_type": "skip"}
# - A large true step back is **not normal**. A chain of one step is one normal distribution, and two
#   bells differ from it by 0.55 nats.
# - Its **width differs**: between the bells, $x$ is less certain than in a bell. This falls like $1/T$, and
#   is what many steps leave ([the deeper page](deeper/12_bound_of_a_chain.ipynb) has the constant).
#
# The network's own errors come on top. Of this network they are more with more steps.
#
# **In the limit the bound is tight**, with the best guess. It becomes an integral of the least loss over
# $\log \mathrm{SNR}$ ([the deeper page](deeper/12_bound_of_a_chain.ipynb)). Who knows how well noise can be
# removed knows the entropy of the data: for ours 1.396657 nats, to six digits.

# %% tags=["proof", "nbval-check-output"] jupyter={"source_hidden": true} slideshow={"slide_type": "skip"}
# @title The entropy, the slope, and what the gap times T tends to
assert abs(mixture.entropy() - 1.396657) < 1e-6  # by the integral
_x = np.linspace(-12, 12, 240_001)
_log_p = mixture.log_prob(_x)
assert abs(np.trapezoid(-np.exp(_log_p) * _log_p, _x) - 1.396657) < 1e-6
_exact = gaps["best guess"]
assert (_exact > 0).all()
assert (np.diff(_exact) < 0).all()
_slope = np.log2(_exact[-1] / _exact[-2])
assert abs(_slope + 1) < 2e-3  # what is left is of the order of 1 / T
_constant = mixture.gap_times_steps()
assert abs(2 * 128 * _exact[-1] - 64 * _exact[-2] - _constant) < 2e-3
print(f"slope {_slope:.3f}, gap times T tends to {_constant:.4f} nats")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## One sampler, one number
#
# To draw, start from noise and step back. At $t$ the network gives $\hat x$ and
# $\hat\epsilon$. Mix them anew for the earlier time $s$, and replace a part of the noise by fresh
# noise $\epsilon'$:
#
# $$
# x_s = a_s\,\hat x + \sqrt{b_s^2 - \eta^2\beta}\;\hat\epsilon + \eta\sqrt\beta\;\epsilon' .
# $$

# %% [markdown] slideshow={"slide_type": "skip"}
# - With $\eta = 1$ this draws from $q(x_s \mid x_t, \hat x)$: **ancestral sampling**, from layer to layer
#   as in the VAE with many layers (known as DDPM, here with $c = 1$).
# - With $\eta = 0$ nothing is fresh: **each start leads to one end** (DDIM).
#
# Why may $\eta$ be chosen? Suppose the guesses were the true $x$ and $\epsilon$. The two noises are
# independent and their variances add to $b_s^2$, so $x_s$ has the distribution $q(x_s \mid x)$ for
# every $\eta$. With best guesses this holds in the limit of small steps.


# %% tags=["mirrors"]
def step_back(model, x_t, t, s, path, eta=0.0, generator=None):
    now = t.expand(len(x_t))
    x, epsilon = parts(x_t, model(x_t, now), now, path)
    a, b, _, _ = path.at(s)
    fresh = eta * ancestral_noise(t, s, path)
    x_s = a * x + (b**2 - fresh**2).clamp(min=0).sqrt() * epsilon
    if eta > 0:
        x_s += fresh * torch.empty_like(x_s).normal_(generator=generator)
    return x_s


# %% [markdown] slideshow={"slide_type": "skip"}
# `parts` gives $\hat x$ and $\hat\epsilon$ from $v$; `ancestral_noise` is $\sqrt\beta$; and `draw`
# repeats this from $t = 1$ to 0. We follow six starts with the trained network.
#
# **Predict before you run.** With $\eta = 0$, can two paths cross?


# %% slideshow={"slide_type": "subslide"}
def followed(starts, eta):
    seen = []

    def watched(x_t, t):
        seen.append(x_t)
        return network(x_t, t)

    end = draw(watched, starts, 100, eta, torch.Generator().manual_seed(0))
    return torch.cat([*seen, end], 1).T.numpy()[::-1]


six = torch.linspace(-1.5, 1.5, 6)[:, None]
flow_of_a_density(t, x, density, {f"η = {eta}": followed(six, eta) for eta in (0, 1)})

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: six paths from right to left over the density: left smooth lines that keep their
# order, right jagged ones that cross.*

# %% [markdown]
# **Answer.** No, if the steps are small: each place leads to one next place, there and back. So on the
# line the sampler with $\eta = 0$ keeps the order of its starts. With $\eta = 1$ the end forgets the
# start, as it should: on the way there, $x_1$ has forgotten $x$.

# %% [markdown] slideshow={"slide_type": "skip"}
# The same for 500 points, and how the data went there: each along its own circle, and circles may cross.

# %% slideshow={"slide_type": "subslide"}
noises = torch.randn(500, 1, generator=torch.Generator().manual_seed(2))
ones = data[:500, 0].numpy(), noises[:, 0].numpy()
waves = np.cos(np.pi / 2 * t), np.sin(np.pi / 2 * t)
there = {"each with one ε": sum(map(np.outer, waves, ones))}
back = {f"back, η = {eta}": followed(noises, eta) for eta in (0, 1)}
diffusion_explorer(mixture, there, back)

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: left, six points on their way from data to noise; right, all 500 at the time of the
# slider, their density as a line and the score as arrows that point uphill.*

# %% [markdown] slideshow={"slide_type": "skip"}
# **Try** in the live notebook: walk back from $t = 1$ to 0. At which $t$ does the density get its second
# maximum?

# %% tags=["proof", "nbval-check-output"] jupyter={"source_hidden": true} slideshow={"slide_type": "skip"}
# @title Answer: where the density gets a second maximum
_inside = density[1:-1]
_maxima = ((_inside > density[:-2]) & (_inside > density[2:])).sum(0)
assert set(_maxima) == {1, 2}
print(f"Two bells up to t = {t[_maxima == 2][-1]:.2f}, one from there on.")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The density of a sample
#
# With $\eta = 0$ and small steps, $x_t$ moves with the velocity $\tfrac\pi2 \hat v(x_t, t)$. Follow a point
# $x$ from $t = 0$ to its $x_1$. Where such a flow spreads its points, their density falls:
#
# $$
# \log p(x) = \log \mathcal N(x_1; 0, I) + \int_0^1 \tfrac\pi2\, \mathrm{div}\, \hat v(x_t, t)\; dt .
# $$

# %% [markdown] slideshow={"slide_type": "skip"}
# Is this $p$ the density of the data? Through one place the circles of many pairs $(x, \epsilon)$ pass, with
# different velocities. What changes the density there is the *current*, density times mean velocity, and the best $\hat v$
# is this mean. So with the best $\hat v$ the flow has the right density at every $t$.
#
# An *equation* for the density of the flow, and no bound: a VAE only has a bound, and a GAN has neither.
# (A sampler of few steps follows the flow only roughly.)
# `flow_log_prob` integrates it, first with the best $\hat v$, then with the network's.

# %% slideshow={"slide_type": "subslide"}
exact_velocity = mixture_velocity(mixture.weights, mixture.means, mixture.sigmas)
points = torch.linspace(-3.2, 3.6, 69, dtype=torch.float64)[:, None]
truth_of = mixture.log_prob(points[:, 0].numpy())
by_flow = flow_log_prob(exact_velocity, points, 50).numpy()
by_network = flow_log_prob(network, points.float(), 50).numpy()
print(f"exact velocity: off by at most {np.abs(by_flow - truth_of).max():.1e} nats")
fresh = mixture.sample(2_000, seed=30)
of_flow = flow_log_prob(network, torch.from_numpy(fresh).float()[:, None], 50).numpy()
lost = mixture.log_prob(fresh) - of_flow
error = lost.std() / math.sqrt(len(lost))
print(f"network: {lost.mean():.4f} ± {error:.4f} (one error) nats lost on fresh data")
log_densities(points[:, 0], {"exact": truth_of, "flow of the network": by_network})

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: the log-density of the data, dotted, and that of the network's flow, close to it where
# data are.*

# %% [markdown] slideshow={"slide_type": "skip"}
# Between the bells the network is off by more than a nat. Few data lie there, so the loss counts it little.

# %% tags=["proof"] jupyter={"source_hidden": true} slideshow={"slide_type": "skip"}
# @title With the exact velocity the flow's density is exact
assert np.abs(by_flow - truth_of).max() < 1e-3
print("Within a thousandth of a nat.")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Digits
#
# In place of the small network stands a **U-Net**: convolutions down to coarser pictures and up again, with
# shortcuts between pictures of one size. It sees the noisy image, the time and, nine times in ten, the class. The rest
# is as above. From the same noise with three numbers of steps:

# %%
unet = load_pretrained(UNet(), "diffusion")
rng = np.random.default_rng(1)
noise = rng.standard_normal((10, 28, 28, 1), dtype=np.float32)
samples = {f"{n} steps": draw_images(unet, noise, n) for n in (2, 10, 50)}
labelled_rows(samples)

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: three rows of digits from the same noise, with 2, 10 and 50 steps.*

# %% [markdown] slideshow={"slide_type": "skip"}
# Two steps give means of several digits, as the best guess between two bells was. The third column
# is no digit with any of these numbers.

# %% [markdown] slideshow={"slide_type": "subslide"}
# Scores of 10,000 samples as in lesson 8: entropy of the classes (at most 2.30), confidence of a
# classifier, Fréchet distance of its features, the share suspiciously near a training digit. And
# processor seconds for a thousand.

# %%
found, took = card("diffusion")["test"], read_result("drawing_times")["seconds"]
print(f"{'':23}entropy  confidence  Fréchet    near  s/1,000")
for name, row in (found["samplers"] | found["others"]).items():
    title = name.replace("shipped, 30 epochs", "DCGAN of lesson 8")
    scores = f"{row['entropy']:8.2f}{row['confidence']:12.3f}{row['frechet']:9.1f}"
    seconds = f"{took[name]:9.3g}" if name in took else ""
    print(f"{title:22}{scores}{row['near_a_training_digit']:8.1%}{seconds}")
print(f"floor of the Fréchet distance: {found['frechet_floor']:.2f}")

# %% [markdown] slideshow={"slide_type": "skip"}
# "Class first" ($w = 1$, see below): a class is drawn, each as often, and then a digit of it. The
# entropy of such samples is given, not learned. So the diffusion is nearer to the digits than the
# DCGAN, which knows no classes, with 20 steps as well; without the class it is farther away. (In
# training the class was hidden for one digit in ten. Whether more of these would help was not tried.)
#
# The price is time, a call of the network for each step (two for $w = 2$): with 50 steps, a hundred
# times the DCGAN's.
# There was one training of each model, of other sizes and lengths. The table compares what ships, not
# kinds of models.

# %% [markdown] slideshow={"slide_type": "skip"}
# **And the loss?** One half was the end for two bells. For the U-Net on fresh digits, in errors of $\epsilon$:

# %% tags=["proof"] jupyter={"source_hidden": true} slideshow={"slide_type": "skip"}
# @title The loss of the best linear guess and of the U-Net, for digits
_pixels = 2 * load_mnist("train").x.reshape(-1, 784) - 1
_variances = np.linalg.eigvalsh(np.cov(_pixels.T)).clip(min=0)  # along principal axes
_linear = (np.sqrt(_variances) / (1 + np.sqrt(_variances))).mean()
_fresh = torch.from_numpy(2 * load_mnist("test", limit=500).x - 1).permute(0, 3, 1, 2)
_generator = torch.Generator().manual_seed(0)
_times = spread_times(len(_fresh), _generator)
_noise = torch.randn(_fresh.shape, generator=_generator)
with torch.no_grad():
    _errors = torch.cat(
        [
            velocity_errors(unet, *some)  # a hundred at a time need less memory
            for some in zip(_fresh.split(100), _noise.split(100), _times.split(100))
        ]
    )
_errors *= torch.cos(math.pi / 2 * _times) ** 2
_loss, _error = _errors.mean(), _errors.std() / math.sqrt(len(_errors))
assert _loss < _linear
print(f"best linear guess {_linear:.3f}; U-Net {_loss:.4f} ± {_error:.4f} (one error)")

# %% [markdown] slideshow={"slide_type": "skip"}
# The least loss of digits lies below the smaller number, and nobody knows where. So this loss alone cannot say
# whether a training is done. What can be watched: the loss on *fresh* digits, from one training to the next,
# and the scores of samples.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A last look: guidance
#
# The network knows $\hat v$ with a class $y$ and without. Walking back, their difference leads to where
# $y$ is more probable. Go farther:
#
# $$
# \hat v_{\text{none}} + w\,(\hat v_{y} - \hat v_{\text{none}}) .
# $$
#
# **Predict before you run.** $w = 0$, 1, 4 for classes 0 to 9: what changes?

# %%
rows = {
    f"w = {w}": draw_images(unet, noise, 20, label=np.arange(10), guidance=w)
    for w in (0, 1, 4)
}
labelled_rows(rows)

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: from the same noise, ten digits of any class, then 0 to 9, then 0 to 9 drawn more
# boldly.*

# %% [markdown]
# **Answer.** With 0 nobody asks for the class; with 1 it is drawn; with 4 it is exaggerated.

# %% [markdown] slideshow={"slide_type": "skip"}
# Why there? The score is $-x_t - \tfrac ab\,\hat v$, so $\hat v_y - \hat v_{\text{none}}$ is $-\tfrac ba$ times the
# difference of the scores. By Bayes' rule this is $\nabla \log q(y \mid x_t)$; and the way back goes against $v$.
#
# These are no samples of $q(x \mid y)$ any more. The table has the price: from $w = 1$ to 2, with 20
# steps, the Fréchet distance rises from 1.5 to 11.5.

# %% [markdown] slideshow={"slide_type": "skip"}
# ## What could go wrong
#
# - **A bound with the wrong variance.** With $c = 1$ and equal steps the gap never closes. [The deeper
#   page](deeper/12_bound_of_a_chain.ipynb) finds what stays: 1.3997 nats, for any smooth density on
#   the line. (That it is so near our entropy is chance.)
# - **Few samples in a Fréchet distance (FID).** It is larger for fewer samples, and scatters more.
#   Compare equal numbers only.
# - **Images in the wrong range.** A path that mixes with noise of width 1 wants data near
#   width 1: $[-1, 1]$, not $[0, 255]$.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Summary
#
# 1. A diffusion is a VAE with many layers; its encoder adds noise.
# 2. Its bound needs only the squared errors of a denoiser.
# 3. The least loss is not zero: for these data, one half.
# 4. With more steps the gap of the bound falls.
# 5. One sampler draws, with fresh noise or as a flow.

# %% [markdown] slideshow={"slide_type": "skip"}
# ## Exercises
#
# The [exercise set](exercises/12_diffusion.ipynb) has the best guess for one normal distribution,
# another path, the price of a variance, a bound from losses, a step of second order, 64 samples against
# endlessly many, and a denoiser of scattered photons to train. Two questions to think about:
#
# 1. *Easy.* $\hat x$ at $t = 0.4$ lies between the bells for some $x_t$. Why is it a good guess there,
#    and a bad sample?
# 2. *Open.* Choose times that are not evenly spaced. How small can you make the gap with 8 steps?

# %% [markdown] slideshow={"slide_type": "skip"}
# ## References
#
# - J. Ho, A. Jain and P. Abbeel, *Denoising Diffusion Probabilistic Models*, 2020,
#   [arXiv:2006.11239](https://arxiv.org/abs/2006.11239).
# - D. Kingma, T. Salimans, B. Poole and J. Ho, *Variational Diffusion Models*, 2021,
#   [arXiv:2107.00630](https://arxiv.org/abs/2107.00630).
# - J. Song, C. Meng and S. Ermon, *Denoising Diffusion Implicit Models*, 2021 ($\eta = 0$),
#   [arXiv:2010.02502](https://arxiv.org/abs/2010.02502).
# - Y. Song and others, *Score-Based Generative Modeling through Stochastic Differential Equations*,
#   2021 (the density of a sample), [arXiv:2011.13456](https://arxiv.org/abs/2011.13456).
# - Y. Lipman and others, *Flow Matching for Generative Modeling*, 2023,
#   [arXiv:2210.02747](https://arxiv.org/abs/2210.02747).
# - J. Ho and T. Salimans, *Classifier-Free Diffusion Guidance*, 2022,
#   [arXiv:2207.12598](https://arxiv.org/abs/2207.12598).
