# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Exercises on lesson 9: the same DCGAN in PyTorch
#
# Open in [Colab](https://colab.research.google.com/github/generative-models/executed/blob/v0.2.0/notebooks/exercises/09_dcgan_pytorch.ipynb) or on [Binder](https://mybinder.org/v2/gh/generative-models/executed/v0.2.0?urlpath=lab/tree/notebooks/exercises/09_dcgan_pytorch.ipynb).
#
# [Lesson 9](../09_dcgan_pytorch.ipynb) has what you need. Fill in each cell and run it; its
# last line checks your answer with fresh random inputs and says what is not right yet. Shapes
# are written as `(rows, features)`. Logarithms are natural.

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
    os.chdir(f"{course}/notebooks/exercises")
    if importlib.util.find_spec("course_utils") is None:
        install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"]
        subprocess.run([*install, course], check=True)
        importlib.invalidate_caches()

# %% [markdown]
# PyTorch is enough for this set. Run this cell first.

# %%
from copy import deepcopy

import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import Optimizer

from course_utils.checks.dcgan_pytorch import (
    check_alternating_step,
    check_finished_average,
    check_keras_block,
    check_keras_variance,
    check_same_padding,
    check_share_penalty,
    check_worth,
)

# %% [markdown]
# ## 1. Zeros at both ends (easy, 10 minutes)
#
# With "same" padding and stride $s$, a row of $n$ pixels becomes a row of $\lceil n/s
# \rceil$. For this, zeros are put before and after the pixels: as few as possible, shared
# equally between the two ends. If their number is odd, the end gets one more than the
# beginning. Return the two numbers. (PyTorch knows this kind of padding at stride 1 only.)
#
# <details><summary>Hint</summary>
#
# Draw $n = 6$, a kernel of 3 and stride 2. Three windows are needed. Where does the last
# one begin, and where does it end? And what if the windows leave pixels over?
#
# </details>


# %%
def same_padding(pixels: int, kernel: int, stride: int) -> tuple[int, int]:
    """How many zeros before, and how many after a row of pixels."""
    # BEGIN SOLUTION
    windows = -(-pixels // stride)
    total = max((windows - 1) * stride + kernel - pixels, 0)
    return total // 2, total - total // 2
    # END SOLUTION


check_same_padding(same_padding)

# %% [markdown] tags=["solution"]
# For lesson 9's first layer, 28 pixels, kernel 5 and stride 2, it is $(1, 2)$. PyTorch's
# `padding=2` gives $(2, 2)$: the sizes agree, and every window sits one pixel off.

# %% [markdown]
# ## 2. The same two layers (easy, 10 minutes)
#
# A Keras program says `BatchNormalization(momentum=momentum, epsilon=epsilon)` and then
# `LeakyReLU(negative_slope=slope)`. Return a network of two PyTorch layers for inputs
# `(rows, features)` that gives the same output in training mode, and, after some batches
# of training, also in evaluation mode. (Leave aside that the two frameworks take the
# running variance differently. That is exercise 3.)
#
# <details><summary>Hint</summary>
#
# The table in "What the defaults say" lists what would go wrong. One word of it means two
# different things in the two frameworks.
#
# </details>


# %%
def keras_block(
    features: int, momentum: float, epsilon: float, slope: float
) -> nn.Module:
    """Keras's settings -> a network for (rows, features)."""
    # BEGIN SOLUTION
    norm = nn.BatchNorm1d(features, eps=epsilon, momentum=1 - momentum)
    return nn.Sequential(norm, nn.LeakyReLU(slope))
    # END SOLUTION


check_keras_block(keras_block)

# %% [markdown]
# ## 3. The variance that Keras would have kept (medium, 15 minutes)
#
# Somebody has trained a network in PyTorch: with `momentum` in Keras's meaning, the share
# of the old value that a batch leaves. But the running variance is PyTorch's, which takes
# the mean square of a batch of $n$ rows times $n/(n-1)$. Both frameworks begin at 1. From
# PyTorch's running variance after so many batches, all of $n$ rows, find the one that Keras
# would have kept.
#
# <details><summary>Hint</summary>
#
# Write out what is kept after two batches with variances $v_1$ and $v_2$. One term has no
# $v$ in it.
#
# </details>


# %%
def keras_variance(theirs: Tensor, momentum: float, batches: int, n: int) -> Tensor:
    """PyTorch's running variance (features,) -> Keras's (features,)."""
    # BEGIN SOLUTION
    start = momentum**batches
    return start + (theirs - start) * (n - 1) / n
    # END SOLUTION


check_keras_variance(keras_variance)

# %% [markdown] tags=["solution"]
# For images, $n$ is the number of rows times the pixels of a map. For a batch of 64 the
# factor is $63/64$ in the normalization of a vector, and $1 - 1/3136$ behind a map of 7
# by 7.

# %% [markdown]
# ## 4. First one, then the other (medium, 25 minutes)
#
# Write a step of the **alternating** game. The discriminator goes first: one step of its
# optimizer down $-\mathbb E \log D(\text{real}) - \mathbb E \log(1 - D(\text{fake}))$. Then
# the generator makes one step down $-\mathbb E \log D(\text{fake})$, with the *new*
# discriminator and the same `z`. Return both losses, each as it was before its own step.
# Networks give logits. The check leaves gradients of an earlier step in both networks.
#
# <details><summary>Hint</summary>
#
# Gradients add up in `.grad` until someone sets them to zero. `backward()` goes to
# all weights that have helped to make the loss; `detach()` stops it. And with
# `F.logsigmoid(logits)` you have $\log D$ for any logit. What is $\log(1 - D)$?
#
# </details>


# %%
def alternating_step(
    generator: nn.Module,
    discriminator: nn.Module,
    real: Tensor,
    z: Tensor,
    generator_optimizer: Optimizer,
    discriminator_optimizer: Optimizer,
) -> tuple[Tensor, Tensor]:
    """real (rows, d), z (rows, k) -> the discriminator's loss, the generator's loss."""
    # BEGIN SOLUTION
    fake = generator(z)
    fake_logits = discriminator(fake.detach())
    d_loss = (
        -F.logsigmoid(discriminator(real)).mean() - F.logsigmoid(-fake_logits).mean()
    )
    discriminator_optimizer.zero_grad()
    d_loss.backward()
    discriminator_optimizer.step()
    g_loss = -F.logsigmoid(discriminator(fake)).mean()
    generator_optimizer.zero_grad()
    g_loss.backward()
    generator_optimizer.step()
    return d_loss.detach(), g_loss.detach()
    # END SOLUTION


check_alternating_step(alternating_step)

# %% [markdown] tags=["solution"]
# `g_loss.backward()` leaves gradients in the discriminator, too. Here they do no harm,
# since its next step begins with `zero_grad()`. In a simultaneous step they would: lesson 9
# uses `backward(inputs=...)`, which leaves them out.

# %% [markdown]
# ## 5. A slope from a part of the batch (medium, 20 minutes)
#
# The R1 penalty of lesson 6, as lesson 9 takes it: $\tfrac{\gamma}{2}$ times the mean of
# $|\nabla_x \ell(x)|^2$, where $\ell(x)$ is the discriminator's logit. Measure it on the first
# `round(share * rows)` rows of `real`, and at least on one. The discriminator will be trained
# with it, so it must be a tensor whose gradient in the weights can be taken. It must not
# leave anything in the weights' `.grad`.
#
# <details><summary>Hint</summary>
#
# Let the rows that you measure require a gradient. `torch.autograd.grad` returns gradients
# without storing them, and has an option to keep the graph of what it computed. The
# gradient of a *sum* of logits has each row's own gradient in its row.
#
# </details>


# %%
def share_penalty(
    discriminator: nn.Module, real: Tensor, gamma: float, share: float
) -> Tensor:
    """real (rows, channels, height, width) -> a single number."""
    # BEGIN SOLUTION
    x = real[: max(1, round(share * len(real)))].detach().requires_grad_()
    (gradient,) = torch.autograd.grad(discriminator(x).sum(), x, create_graph=True)
    return gamma / 2 * gradient.square().flatten(1).sum(1).mean()
    # END SOLUTION


check_share_penalty(share_penalty)

# %% [markdown] tags=["solution"]
# Without "at least one", a share of 0.05 of a batch of eight gives no rows, and the mean of
# nothing is `nan`: one step with it, and all weights are `nan`.

# %% [markdown]
# ## 6. An averaged generator, finished (hard, 30 minutes)
#
# You get a list of generators, as they were after each step, and `decay`. Return a *new*
# network of the same kind, in evaluation mode:
#
# - its weights are the **running mean**: it begins with those of the first generator, and
#   then each further one changes it to `decay` times the old mean plus `1 - decay` times the
#   new weights;
# - its batch normalization keeps, as running mean and variance, the statistics of what
#   passes there when `z` goes through the *averaged* weights in training mode. (The variance
#   over $n$ or over $n - 1$: both are fine here.)
#
# The generators on the list must stay as they are.
#
# <details><summary>Hint</summary>
#
# `parameters()` has the weights; what batch normalization keeps is in `buffers()`, one of
# them an integer. Change weights inside `torch.no_grad()`. A layer with PyTorch's
# `momentum=1.0` keeps nothing of the past.
#
# </details>


# %%
def finished_average(generators: list[nn.Module], decay: float, z: Tensor) -> nn.Module:
    """z (rows, k) -> a network."""
    # BEGIN SOLUTION
    average = deepcopy(generators[0])
    with torch.no_grad():
        for generator in generators[1:]:
            for mean, new in zip(average.parameters(), generator.parameters()):
                mean.copy_(decay * mean + (1 - decay) * new)
        for layer in average.modules():
            if isinstance(layer, nn.BatchNorm1d):
                layer.momentum = 1.0
        average.train()(z)
    return average.eval()
    # END SOLUTION


check_finished_average(finished_average)

# %% [markdown] tags=["solution"]
# Why not average the running statistics as well? The mean of several networks' variances is
# not the variance under the mean weights. Where weights jitter, their mean is shorter than
# most of them, and so is what passes. And a layer's input depends on all layers before it.

# %% [markdown]
# ## 7. What an average is worth (hard, 30 minutes)
#
# Near the end of a training the weights of a generator jump about a fixed point. Take the
# simplest case: one weight, whose values after each step are independent, with variance 1.
# A running mean with decay $0.999$ has run for a long time. A plain mean of $m$ such
# values has the variance $1/m$. For which $m$ is it as steady as the running mean? Guess,
# simulate, then find the number on paper. (The check wants it to 2 %.)
#
# <details><summary>Hint</summary>
#
# The running mean is a sum: the value from $j$ steps ago has the weight $0.001 \cdot
# 0.999^j$. In a simulation use a thousand weights at a time, and look at how the variance
# settles.
#
# </details>

# %%
# BEGIN SOLUTION
squares = (1 - 0.999) ** 2 / (1 - 0.999**2)  # the sum of the squared weights
worth = 1 / squares
# STUB worth = ...
# END SOLUTION

check_worth(worth)

# %% [markdown] tags=["solution"]
# The squares of the weights add up to $(1-d)^2 / (1 - d^2) = (1-d)/(1+d)$: with $d = 0.999$,
# the mean is worth 1999 values, almost twice its memory of 1000 steps. A simulation with
# shorter memories:

# %% tags=["solution"]
torch.manual_seed(0)
memory, found = [5, 10, 20, 50, 100], []
for steps in memory:
    mean = torch.zeros(20_000)
    for _ in range(8 * steps):
        mean += (torch.randn(20_000) - mean) / steps
    found.append(1 / mean.var().item())
plt.loglog(memory, found, "o", label="simulated")
plt.loglog(memory, [2 * m - 1 for m in memory], "-", label="on paper")
plt.loglog(memory, memory, ":", label="the memory itself")
plt.xlabel("memory, 1 / (1 - decay) (steps)")
plt.ylabel("worth (plain values)")
plt.legend()
plt.show()

# %% [markdown] tags=["solution"]
# *Figure: what a running mean is worth against its memory, both axes logarithmic. The
# simulated points lie on the line from paper, about twice as high as the dotted line.*
#
# In a game, the values of successive steps are anything but independent. If each value stays
# for ten steps, the mean is worth about a tenth of that.
