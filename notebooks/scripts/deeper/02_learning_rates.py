# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Deeper: four gradients, each at its own rate
#
# Open in [Colab](https://colab.research.google.com/github/generative-models/executed/blob/v0.2.0/notebooks/deeper/02_learning_rates.ipynb) or on [Binder](https://mybinder.org/v2/gh/generative-models/executed/v0.2.0?urlpath=lab/tree/notebooks/deeper/02_learning_rates.ipynb).
#
# [Lesson 2](../02_reparameterization.ipynb) trains one small VAE by four gradients, all at
# the rate 0.003. This page gives each its own best rate, chosen on images that are used for
# nothing else, with eight starts, and then looks at the noise itself.

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
import matplotlib.pyplot as plt
import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.distributions import Normal

from course_utils.budget import budget
from course_utils.data.mnist import binarize, load_mnist
from course_utils.figures.style import COLOURS, use_course_style
from course_utils.pytorch.vae import kl_to_standard_normal, reparameterize

use_course_style()

# %% [markdown]
# The sizes. In the `lecture` column the training below takes some five minutes on two cores.

# %%
steps = budget(smoke=20, lecture=2_000, full=8_000)
starts = budget(smoke=2, lecture=8, full=20)
repeats = budget(smoke=50, lecture=2_000, full=10_000)
rates = (0.001, 0.003, 0.01)

# %% [markdown]
# The model and the gradients are the lesson's; they are folded here.

# %% tags=["setup"] jupyter={"source_hidden": true}
# @title Set-up: the small VAE and its objective, as in the lesson
ESTIMATORS = "pathwise", "score function with baseline", "score function"


class SmallVAE(nn.Module):
    def __init__(self):
        super().__init__()
        wide, narrow = nn.Linear(196, 64), nn.Linear(64, 8)
        self.encoder = nn.Sequential(wide, nn.ReLU(), narrow)
        narrow, wide = nn.Linear(4, 64), nn.Linear(64, 196)
        self.decoder = nn.Sequential(narrow, nn.ReLU(), wide)

    def cloud(self, x):
        return self.encoder(x).chunk(2, dim=1)

    def height(self, x, z):
        logits = self.decoder(z)
        return (x * logits - F.softplus(logits)).sum(-1)


def surrogate(f, z, mu, logvar):
    log_q = Normal(mu, torch.exp(0.5 * logvar)).log_prob(z).sum(1)
    return f.detach() * log_q


def objective(model, x, epsilon, estimator):
    mu, logvar = model.cloud(x)
    z = reparameterize(mu, logvar, epsilon)
    if estimator != "pathwise":
        z = z.detach()
    f = model.height(x, z)
    total = f - kl_to_standard_normal(mu, logvar)
    if estimator == "score function":
        total = total + surrogate(f, z, mu, logvar)
    if estimator == "score function with baseline":
        others = (f.sum() - f) / (len(f) - 1)
        total = total + surrogate(f - others, z, mu, logvar)
    return total.mean()


# %% [markdown]
# ## Three parts of the data
#
# 9,000 images train. 1,000 others, never trained on, choose the rate. The 2,000 test images
# are looked at once, at the end. A rate that is chosen on the images of the final score
# would flatter it.


# %%
def small(split, seed):
    x = load_mnist(split).x
    x = x.reshape(len(x), 14, 2, 14, 2).mean((2, 4)).reshape(len(x), 196)
    return torch.from_numpy(binarize(x, seed))


everything, test = small("train", seed=1), small("test", seed=2)
train, choosing = everything[:-1_000], everything[-1_000:]
print(len(train), "train,", len(choosing), "choose,", len(test), "test")

# %% [markdown]
# Scores are the true ELBO by the path, always with the same noise. Training is a plain loop.


# %%
def noise_for(images):
    return torch.randn(len(images), 4, generator=torch.Generator().manual_seed(0))


def elbo_of(model, images):
    with torch.no_grad():
        return objective(model, images, noise_for(images), "pathwise").item()


def train_by(estimator, rate, seed):
    torch.manual_seed(seed)
    model = SmallVAE()
    adam = torch.optim.Adam(model.parameters(), rate, fused=True)
    for _ in range(steps):
        x = train[torch.randint(len(train), (64,))]
        loss = -objective(model, x, torch.randn(64, 4), estimator)
        adam.zero_grad()
        loss.backward()
        adam.step()
    return model


# %% [markdown]
# ## Every gradient at every rate
#
# Each start (a seed, 0 to 7, none left out) gives all nine rows the same first networks,
# minibatches and noise. So rows can be compared start by start.

# %%
models = {
    (estimator, rate): [train_by(estimator, rate, seed) for seed in range(starts)]
    for estimator in ESTIMATORS
    for rate in rates
}
scores = {
    key: np.array([elbo_of(model, choosing) for model in trained])
    for key, trained in models.items()
}

# %% [markdown]
# First all scores on the images for choosing, in nats. In brackets: how many starts end
# below a model without $z$, in which each pixel is a coin of its own.

# %%
coins = torch.logit(train.mean(0).clamp(1e-4, 1 - 1e-4))
no_z = (choosing * coins - F.softplus(coins)).sum(1).mean().item()
print(f"coins: {no_z:.2f} nats; after {steps} steps:")
print(f"{'at the rate':29}", *(f"{rate:>22}" for rate in rates))
for estimator in ESTIMATORS:
    cells = []
    for rate in rates:
        values = scores[estimator, rate]
        spread = f"{values.mean():.2f} +- {values.std(ddof=1):.2f}"
        cells.append(f"{spread} ({(values < no_z).sum()})")
    print(f"{estimator:29}", *(f"{cell:>22}" for cell in cells))

# %% [markdown]
# Now in pairs: the score at 0.01 less that at 0.003, from the same start. The number after
# $\pm$ is the standard error of the mean.

# %%
for estimator in ESTIMATORS:
    change = scores[estimator, 0.01] - scores[estimator, 0.003]
    error = change.std(ddof=1) / starts**0.5
    mean, middle = f"{change.mean():.2f} +- {error:.2f}", f"{np.median(change):.2f}"
    wins = f"higher in {(change > 0).sum()} of {starts}"
    print(f"{estimator:29} mean {mean:18} median {middle:6} {wins}")

# %% [markdown]
# For the path the largest rate is a little better. For the noisy gradients it is worse, and
# without a baseline some starts fall below the coins altogether, also at the lesson's rate
# of 0.003. One start alone can show the opposite: so it takes pairs, and several of them.
#
# ## Each at its best
#
# The best rate by the images for choosing, and then the test images, once:

# %%
best = {e: max(rates, key=lambda r: scores[e, r].mean()) for e in ESTIMATORS}
final = {
    e: np.array([elbo_of(model, test) for model in models[e, best[e]]])
    for e in ESTIMATORS
}
for estimator, values in final.items():
    spread = values.std(ddof=1)
    print(
        f"{estimator:29} rate {best[estimator]:<6} {values.mean():7.2f} +- {spread:.2f}"
    )

# %% tags=["proof"] jupyter={"source_hidden": true}
# @title The order of the lesson, start by start
if steps >= 2_000:
    ends = np.array(list(final.values()))
    assert np.all(np.diff(ends.mean(1)) < 0)
    assert np.all(ends[0] > ends[1])
in_order = all(np.all(final["pathwise"] > final[e]) for e in ESTIMATORS[1:])
print(f"The path is ahead of both others in all {starts} starts: {in_order}.")

# %% [markdown]
# So the order of the lesson does not hang on its one rate. All this is after 2,000 steps. What
# each gradient would reach with many more is not shown here.
#
# ## The noise, seen from inside
#
# One model, trained by the path; one minibatch of 64 images; only $\epsilon$ is drawn again
# and again. What we watch is the gradient of one parameter, the encoder's first bias of
# $\mu$. It is a mean over the images of the slope in $\mu_1$.

# %%
model, x = models["pathwise", 0.003][0], train[:64]
bias = model.encoder[2].bias


def first_bias_gradients(estimator):
    generator, found = torch.Generator().manual_seed(3), []
    for _ in range(repeats):
        epsilon = torch.randn(len(x), 4, generator=generator)
        value = objective(model, x, epsilon, estimator)
        found.append(torch.autograd.grad(value, bias)[0][0].item())
    return np.array(found)


# %% [markdown]
# The mean with its standard error, and the variance in units of the path's:

# %%
noisy = {e: first_bias_gradients(e) for e in (*ESTIMATORS, "z held fixed")}
path = noisy["pathwise"]
for estimator, values in noisy.items():
    error, ratio = values.std() / repeats**0.5, values.var() / path.var()
    print(f"{estimator:29} {values.mean():6.2f} +- {error:.2f}   variance {ratio:7.1f}")

# %% [markdown]
# The second mean agrees with the first, and rules out the fourth. The third could not tell a
# right mean from a wrong one. The fourth is beautifully quiet, and wrong: it is the KL's
# slope alone. A low variance by itself is no virtue.
#
# ## Why so large a ratio?
#
# In four dimensions of $z^2$ the score function's variance is $48/4 = 12$ times the path's
# ([the other page](02_estimators.ipynb)). Here it is far more. We take the estimates of
# each image apart. With $f$ the height, $s = \epsilon_1/\sigma_1$ the score, $f'$ the slope
# in $z_1$, and $c^* = \mathbb E[f s^2]/\mathbb E[s^2]$ the image's own best baseline:
#
# $$
# \underbrace{\mathrm{Var}[f s]}_{\text{score function}}
# = \underbrace{{c^*}^2/\sigma_1^2}_{\text{the offset of } f}
# + \underbrace{\mathrm{Var}[(f - c^*)\, s]}_{\text{what } f \text{ does inside the cloud}} ,
# \qquad
# \underbrace{\mathrm{Var}[f']}_{\text{path}} .
# $$

# %%
generator = torch.Generator().manual_seed(4)
epsilon = torch.randn(repeats, 64, 4, generator=generator)
with torch.no_grad():
    mu, logvar = model.cloud(x)
sigma = torch.exp(0.5 * logvar)
z = (mu + sigma * epsilon).requires_grad_()
f = model.height(x, z)
slope = torch.autograd.grad(f.sum(), z)[0][..., 0].numpy()
f, s = f.detach().numpy(), (epsilon[..., 0] / sigma[:, 0]).numpy()

# %% [markdown]
# All of it as a mean over the 64 images. (A variance of the bias's gradient is this mean
# over 64, for all alike, so ratios are the same.)

# %%
best_c = (f * s**2).mean(0) / (s**2).mean(0)
inside = ((f - best_c) * s).var(0).mean()
whole, path_part = (f * s).var(0).mean(), slope.var(0).mean()
offset = whole - inside
print(f"mean offset {best_c.mean():.0f} nats, mean width {sigma[:, 0].mean():.2f}")
print(f"path                      {path_part:10.2f}")
print(
    f"score, inside the cloud   {inside:10.2f} = {inside / path_part:6.0f} of the path's"
)
print(f"score, from the offset    {offset:10.2f} = {offset / path_part:6.0f}")
print(f"score, together           {whole:10.2f} = {whole / path_part:6.0f}")

# %% [markdown]
# The largest part by far is the offset: a sum over 196 pixels lies tens of nats below zero,
# and the clouds are narrow, so $c^2/\sigma^2$ is large. A baseline takes it away. In the
# valley $z^2$ the offset was small: its bottom lies at height zero.
#
# What is left *inside the cloud* is like the valley after all. A cloud that fits its image
# sits on the top of its hill. If the hill is a parabola and the cloud the exact posterior,
# then the slope of $f$ in $z_1$ is $-(1/\sigma_1^2 - 1)$ times the distance from the top, so
# the path's variance is $(1/\sigma_1^2 - 1)^2\, \sigma_1^2$. And in $d = 4$ dimensions of such
# a parabola the score function with the best baseline has $2(d + 2)/4 = 3$ times the path's
# variance. Is it so, image by image?

# %% tags=["proof"] jupyter={"source_hidden": true}
# @title The parts add up to what the minibatch's gradient showed
for estimator, part in (("pathwise", path_part), ("score function", whole)):
    seen = 64 * noisy[estimator].var()
    # the relative variance of a variance from n draws is 2/n for a normal; a mean over 64
    # images is near one, and the other side, from 64 times as many draws, has less
    assert abs(seen / part - 1) < 5 * (4 / repeats) ** 0.5
print("Checked: 64 times the bias's variance is the mean over images, for both.")

# %%
width = sigma[:, 0].numpy()
by_hand = (1 / width**2 - 1) ** 2 * width**2
ratio = ((f - best_c) * s).var(0) / slope.var(0)
print(f"path: {path_part:.1f}, of a parabola {by_hand.mean():.1f}")
quarter, half, three = np.quantile(ratio, [0.25, 0.5, 0.75])
print(
    f"inside the cloud / path: median {half:.1f}, quartiles {quarter:.1f}, {three:.1f}"
)

# %% [markdown]
# One dot an image:

# %%
ends = np.array([0, 1.05 * max(by_hand.max(), slope.var(0).max())])
plt.plot(ends, ends, color="0.6", linestyle="-")
plt.plot(by_hand, slope.var(0), "o", color=COLOURS[0], markersize=9, alpha=0.6)
plt.xlabel("$(1/\\sigma_1^2 - 1)^2\\, \\sigma_1^2$, for a parabola")
plt.ylabel("variance of the path")
plt.show()

# %% [markdown]
# *Figure: the path's variance against that of a parabola, one dot for each of 64 images,
# scattered around the diagonal; a few lie far above it.*

# %% [markdown]
# On average the parabola is not far off. Single images differ from it, where their hill is
# no parabola or their cloud not the posterior. So nothing is special about the path on a
# VAE: on a smooth hill it beats the score function with the best baseline by a small factor.
# The factor of more than a thousand is the offset, which a baseline takes away.
