# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 6 · Mode collapse, measured
#
# ## You will be able to
#
# - say in four numbers how well samples cover a target with known modes, and what a
#   *perfect* sampler would score with as many samples;
# - recognize a sampler that buys one of these numbers with another;
# - train a GAN over several seeds and report its failures as counts, not as an anecdote;
# - change one line or two of a training step so that the failures stop, and say what
#   each change does.
#
# ## Before you start
#
# You need lesson 5: the two losses, the training step, and why a penalty on the
# discriminator's slope makes the game converge. On two CPU cores this lesson runs in
# about three minutes. No download is needed.
#
# ## The question
#
# A GAN's samples look right, one by one. But a generator that always draws the same
# good sample looks right, too. *Does it draw everything that there is to draw, as often
# as it should?* Pictures cannot answer, and the losses do not. Here the target is so
# simple that the answer is a count.

# %% [markdown]
# ## Set-up
#
# The networks, losses and the plain step come from lesson 5.

# %%
import json
from pathlib import Path

import numpy as np
from scipy.stats import chi2

from course_utils import game_plots, plotting
from course_utils.budget import budget
from course_utils.datasets import grid_of_gaussians, ring_of_gaussians
from course_utils.metrics import mode_coverage
from course_utils.pytorch.gan import (
    MLPDiscriminator,
    MLPGenerator,
    averaged,
    descend,
    discriminator_loss,
    gan_step,
    generate,
    generator_loss,
    input_gradient,
    train_gan,
    zero_centred_penalty,
)
from course_utils.pytorch.runtime import pick_device, seed_everything

plotting.use_course_style()

# %% [markdown]
# All sizes in one cell. `COURSE_BUDGET` picks a column; the saved outputs are those of
# `lecture`.

# %%
steps = budget(smoke=200, lecture=4_000, full=20_000)
seeds = budget(smoke=range(2), lecture=range(4), full=range(10))
perfect_samples = budget(smoke=20, lecture=300, full=1_000)
device = pick_device()

# %% [markdown]
# ## Two targets
#
# Both are mixtures of narrow normal distributions in the plane with equal shares: eight
# **modes** on a ring of radius 1, each of width $\sigma = 0.01$; and twenty-five on a
# grid of spacing 2, with $\sigma = 0.05$. They have been the standard test of this question
# since VEEGAN (Srivastava et al., 2017).

# %%
ring, grid = ring_of_gaussians(), grid_of_gaussians()
targets = {"ring of 8": ring, "grid of 25": grid}
game_plots.sample_panels(
    {name: target.sample(2_500, 0) for name, target in targets.items()},
    [target.modes for target in targets.values()],
)

# %% [markdown]
# *Figure: two panels. Left, eight small dots of points on a circle; right, twenty-five
# on a square grid. A ring is drawn around each mode.*

# %% [markdown]
# ## A ruler
#
# From $n$ samples, `mode_coverage` makes four numbers. It gives each sample to the
# nearest mode, and calls it of **high quality** if it lies within $3\sigma$ of it.
#
# | number | what it counts | a perfect sampler |
# |---|---|---|
# | modes | modes with at least one sample of high quality | all $K$ |
# | high quality | share of such samples | $1 - e^{-4.5}$ |
# | reverse KL | $\sum_k s_k \log (K s_k)$ over the shares $s_k$ of the modes | about $(K-1)/2n$ |
# | spread | their distance from the middle of their own cluster, root mean square, in units of what it should be | 1 |
#
# The first three are those of the papers, counted as PacGAN counts them (Lin et al.,
# 2018). The last one is ours, and you will see why it is needed.
#
# **Predict before you run.** Draw 2,500 samples from the ring itself. What share has
# high quality, and is the KL zero?

# %% tags=["nbval-check-output"]
own = mode_coverage(ring.sample(2_500, seed=0), ring.modes, ring.sigma)
print("modes       ", own.modes)
print("high quality", own.high_quality)
print("reverse KL  ", own.reverse_kl)
print("spread      ", own.spread)

# %% [markdown]
# Neither 100 % nor zero. In the plane a normal distribution has the share $e^{-r^2/2}$
# outside of radius $r\sigma$, so even the truth has 1.1 % of its samples outside of three.
# A *higher* share is no better: it means that the samples huddle in the middle.
#
# Nor is the KL zero, because 2,500 draws never fall on eight modes in exactly equal
# numbers. For a perfect sampler $2n\,\mathrm{KL}$ is close to a chi-squared variable with
# $K - 1$ degrees of freedom (Wilks' theorem), so its mean is $(K-1)/2n$. That is the
# **noise floor**: no sampler can be told from the truth below it. We check both claims.

# %%
for name, target in targets.items():
    runs = [
        mode_coverage(target.sample(2_500, seed), target.modes, target.sigma)
        for seed in range(perfect_samples)
    ]
    degrees = len(target.modes) - 1
    statistic = [2 * 2_500 * r.high_quality.value * r.reverse_kl.value for r in runs]
    # a mean of m chi-squared variables has the standard error sqrt(2 degrees / m)
    error = np.sqrt(2 * degrees / len(runs))
    assert abs(np.mean(statistic) - degrees) < 4 * error
    shares = np.mean([r.high_quality.value for r in runs])
    # and a mean share the standard error sqrt(p (1 - p) / n m)
    share_error = runs[0].high_quality.floor_sd / np.sqrt(len(runs))
    assert abs(shares - (1 - np.exp(-4.5))) < 4 * share_error
    exceeded = np.mean(np.array(statistic) > chi2.ppf(0.95, degrees))
    print(f"{name}: 2 n KL has mean {np.mean(statistic):.2f}, expected {degrees}")
    print(f"   above the 95 % quantile of chi-squared: {exceeded:.1%} of the runs")

# %% [markdown]
# ### Three cheats
#
# A number that is optimized gets bought. Here are three samplers that are wrong, each in
# its own way. The first draws from one mode only. The second draws nothing but the
# modes' centres, with a hair's width around them. The third draws one mode ten times as
# often as the others.
#
# **Predict before you run.** Which of the four numbers catches which cheat?


# %% tags=["nbval-check-output"]
def cheat(target, n=2_500, modes=None, width=1.0, weights=None):
    rng = np.random.default_rng(0)
    chosen = rng.choice(modes or len(target.modes), size=n, p=weights)
    noise = width * target.sigma * rng.standard_normal((n, 2))
    return target.modes[chosen] + noise


favourite = np.array([10, 1, 1, 1, 1, 1, 1, 1]) / 17
cheats = {
    "one mode": cheat(ring, modes=1),
    "only centres": cheat(ring, width=0.1),
    "a favourite": cheat(ring, weights=favourite),
}
print(f"{'':14}{'modes':>6}{'high quality':>14}{'KL':>8}{'spread':>8}")
for name, samples in cheats.items():
    c = mode_coverage(samples, ring.modes, ring.sigma)
    row = f"{c.high_quality.value:14.1%}{c.reverse_kl.value:8.4f}{c.spread.value:8.2f}"
    print(f"{name:14}{c.modes:6}{row}")

# %% [markdown]
# The centres have the best score of all on the three numbers of the papers. Only the
# spread tells that nothing but centres was drawn. Whoever reports a share of high
# quality above 98.9 % should show a spread beside it.
#
# ## A plain GAN, several times
#
# Now the game of lesson 5 on the ring: a generator and a discriminator, each of a few
# layers of 64 ReLU units, and the plain step with Adam. One function trains one
# pair. Its arguments are the places where remedies will come in.


# %%
def networks(target, pack=1):
    scale = float(target.modes.std())  # the data's unit of length
    generator = MLPGenerator(2, (64,) * 3, scale=scale)
    discriminator = MLPDiscriminator(2 * pack, (64,) * 4, scale=scale)
    return generator.to(device), discriminator.to(device)


def play(target, seed, step=gan_step, pack=1, watch=None):
    seed_everything(seed)
    generator, discriminator = networks(target, pack)
    average = averaged(generator)
    data = target.sample(100_000, seed)
    options = {"step": step, "average": average, "watch": watch}
    history = train_gan(generator, discriminator, data, steps, seed, **options)
    return generator, average, history


def judge(generator, target, seed=0):
    z = np.random.default_rng(seed).standard_normal((2_500, 2))
    samples = generate(generator, z)
    return samples, mode_coverage(samples, target.modes, target.sigma)


# %% [markdown]
# The average is carried along and not looked at yet. Only the seed differs from run to
# run.
#
# **Predict before you run.** Will all seeds fail in the same way?

# %%
plain = {seed: play(ring, seed) for seed in seeds}
judged = {seed: judge(plain[seed][0], ring) for seed in seeds}
game_plots.sample_panels(
    {f"seed {seed}: {c.modes} modes": x for seed, (x, c) in judged.items()},
    [ring.modes] * len(judged),
)
