# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Project D: which grey level is called 1?
#
# Open in [Colab](https://colab.research.google.com/github/generative-models/executed/blob/v0.2.0/notebooks/projects/d_boltzmann.ipynb) or on [Binder](https://mybinder.org/v2/gh/generative-models/executed/v0.2.0?urlpath=lab/tree/notebooks/projects/d_boltzmann.ipynb).
#
# A [restricted Boltzmann machine](https://en.wikipedia.org/wiki/Restricted_Boltzmann_machine)
# is a cousin of the Ising model. Its visible spins $x$ are the pixels of a picture, its
# hidden spins $h$ are never seen, and each visible spin couples to each hidden one:
#
# $$ p(x) = \frac1Z \sum_h e^{\,b\cdot x + c\cdot h + x\cdot W h} , \qquad x_i, h_j \in \{0, 1\} . $$
#
# A VAE only bounds $\log p(x)$, and a GAN does not know it at all. This model knows it up to
# one number, the partition function $Z$. With 16 hidden spins even $Z$ is within reach: it
# is a sum of 65,536 terms. So here the likelihood of a digit is *exact*, and two ways to
# train can be told apart without any bound, score or judgement by eye.
#
# ## The question
#
# Two physicists train the same machine on the same digits. One calls ink 1 and paper 0,
# the other calls ink 0 and paper 1. Their models can express the same distributions. Do
# they reach the same likelihood? If not, what must change in the *training*, so that a
# name which nobody can measure does not matter?
#
# ## The data
#
# The shipped digits in black and white: a grey level of at least 0.5 counts as 1. Your
# training gets 10,000 of them as rows of 784 zeros and ones. It is judged on 2,000 others.
# The judge splits them, and puts the pixels into an order of its own. The machine does
# not know which pixels are neighbours, so that this changes nothing for it.
#
# ## What is to be reached
#
# Write `train_machine(x, seed)`, which returns $W$ `(784, 16)`, $b$ `(784,)` and $c$
# `(16,)`. The judge calls it twice, with other digits and another seed: once with digits
# as they are, once with $1 - x$. **Both times new digits must get at least
# −150 nats each, on average.** A call may take two minutes of processor time; this
# course's solution takes about a quarter of a minute on one core.
#
# Report besides:
#
# 1. a table of held-out log-likelihoods in four rows, plain training and yours, on digits
#    and on flipped digits, each from three seeds, with the error of the mean *of seeds*
#    and, apart from it, that of *digits*;
# 2. a picture of what the hidden spins have learnt, and one of samples;
# 3. three sentences: why does plain training depend on the name, why does yours not, and
#    which of the two errors matters when you compare two ways to train?
#
# | yardstick (nats a digit, exact) | digits | flipped |
# |---|---|---|
# | each pixel a coin of its own | computed below | the same |
# | PyDeep's tutorial, 60,000 digits, 50 epochs: plain | −149.1 | −183.4 |
# | the same: centred | −142.6 | −142.1 |
#
# The last two rows are printed in the tutorial on
# [small Boltzmann machines](https://github.com/MelJan/PyDeep/blob/master/docs/tutorials/RBM_MNIST_small.rst)
# of PyDeep, one run each. They are of all 60,000 digits and 30,000 steps,
# so not your target; rate, start and number of epochs are yours to choose.
#
# ## How it is marked
#
# | of 20 | for |
# |---|---|
# | 4 | $Z$ is summed right, and shown to be right on a machine that can be enumerated whole |
# | 4 | the gradient: both averages, persistent chains, and why they persist |
# | 4 | the judge is content |
# | 4 | four rows, three seeds each, both errors, and which of them is the one to compare with |
# | 4 | the three sentences; a picture that a reader understands without you |

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
    os.chdir(f"{course}/notebooks/projects")
    if importlib.util.find_spec("course_utils") is None:
        install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"]
        subprocess.run([*install, course], check=True)
        importlib.invalidate_caches()

# %% [markdown]
# NumPy is enough. Run this cell first.

# %%
import numpy as np
from scipy.special import expit, logsumexp

from course_utils.budget import budget
from course_utils.checks.projects.d_boltzmann import black_and_white, judge_machine
from course_utils.exact.boltzmann import BoltzmannMachine
from course_utils.figures.digit_rows import mosaics
from course_utils.metrics.bounds import Estimate

digits = np.random.default_rng(0).permutation(black_and_white())
new, x = digits[:2_000], digits[2_000:]
share = np.clip(x.mean(0), 1e-4, 1 - 1e-4)
coins = new @ np.log(share) + (1 - new) @ np.log(1 - share)
print(f"{len(x):,} digits to learn from, {len(new):,} new ones")
print(f"each pixel a coin of its own: {Estimate.of(coins)} nats a digit")

# %% [markdown]
# ## 1. The sum
#
# Given $h$ the visible spins are independent, so that their sum can be done by hand:
#
# $$ Z = \sum_h e^{\,c\cdot h} \prod_i \left(1 + e^{\,b_i + (Wh)_i}\right) . $$
#
# Write $\log Z$. The cell after it compares yours with the course's on a small machine.
#
# <details><summary>Hint</summary>
#
# Sum logarithms, and only then exponentials: `np.logaddexp(0, a)` is $\log(1 + e^a)$ for
# any $a$, `logsumexp` does the outer sum. The binary digits of 0 to $2^{16} - 1$ are all
# states of $h$. All at once they take 400 MB; a thousand at a time take nothing.
#
# </details>


# %%
def log_partition(W, b, c):
    """W (visible, hidden), b (visible,), c (hidden,) -> ln Z, a number."""
    # BEGIN SOLUTION
    terms = []
    for block in np.array_split(np.arange(2 ** len(c)), max(1, 2 ** len(c) // 1024)):
        h = (block[:, None] >> np.arange(len(c))) & 1
        terms.append(h @ c + np.logaddexp(0, h @ W.T + b).sum(1))
    return logsumexp(np.concatenate(terms))
    # STUB return ...
    # END SOLUTION


# %% [markdown]
# A machine of three visible and two hidden spins has eight pictures. Their probabilities
# must add up to 1, whoever wrote $Z$.

# %%
rng = np.random.default_rng(1)
small = rng.normal(size=(3, 2)), rng.normal(size=3), rng.normal(size=2)
print("yours:", log_partition(*small))
print("the course's:", BoltzmannMachine(*small).log_partition())

# %% [markdown]
# ## 2. The training
#
# The gradient of $\log p$ is a difference of two averages, that of the data and that of the
# machine itself:
#
# $$ \frac{\partial \log p}{\partial W_{ij}} = \langle x_i h_j\rangle_{\text{data}} - \langle x_i h_j\rangle_{\text{machine}} . $$
#
# The second one needs samples of the machine. A hundred Markov chains that are never
# restarted give them: in each step of training each chain draws $h$ given $x$, then $x$
# given $h$ (*persistent contrastive divergence*, Tieleman 2008). PyDeep's tutorial takes
# batches of 100, as many chains, one step of them a batch, a rate of 0.01, and weights that
# start between $\pm 4\sqrt{6/(784 + 16)}$.
#
# Write that first, and call it plain. Then answer the question.
#
# <details><summary>Hint</summary>
#
# A pixel that is always 1 has a product $x_i h_j$ that moves with $h_j$ alone: its weights
# do the work of the bias $c_j$, all of them at once. What if the machine were written in
# $x - \mu$ and $h - \lambda$, with their means? It is the same family of distributions in
# other coordinates. See Melchior, Fischer and Wiskott,
# [How to center deep Boltzmann machines](https://jmlr.org/papers/v17/14-237.html), 2016.
#
# </details>
#
# <details><summary>A second hint: offsets, and where to begin</summary>
#
# $\mu$ is known before the first step: it is the mean of the data. $\lambda$ is not, since
# the hidden spins change while they learn. Begin with 1/2, and let both offsets slide towards
# the means of each batch, by a hundredth of the way. A machine with another offset is another
# machine, unless its biases move along: which change of $b$ and $c$ leaves $p(x, h)$ as it
# was? You need the same answer at the end, where offsets of 0 are asked for.
#
# Where does $b$ begin? Without its weights a machine is a row of coins. Let each of them
# come up as often as its pixel does; many pixels are never 1, so keep these shares off 0.
# $c$ may begin at 0. With $b = 0$ the first steps are spent on what one line tells.
#
# </details>


# %%
EPOCHS = budget(smoke=1, lecture=100, full=300)


# %% [markdown]
# Your training:


# %%
def train_machine(x, seed):
    """x (n, 784), zeros and ones -> W (784, 16), b (784,), c (16,)."""
    # BEGIN SOLUTION
    return trained(x, seed, True, EPOCHS, rate=0.03)


def trained(x, seed, is_centred, epochs, rate=0.01):
    """Persistent contrastive divergence, in coordinates x - mu and h - nu."""
    rng, x = np.random.default_rng(seed), x.astype(np.float32)
    d, hidden, batch, slide = x.shape[1], 16, 100, 0.01 * is_centred
    W = 4 * (6 / (d + hidden)) ** 0.5 * (2 * rng.random((d, hidden), np.float32) - 1)
    share = np.clip(x.mean(0), 1e-3, 1 - 1e-3)
    b, c = np.log(share / (1 - share)), np.zeros(hidden, np.float32)
    mu, nu = is_centred * share, np.full(hidden, 0.5 * is_centred, np.float32)

    def draw(p):
        return (rng.random(p.shape, np.float32) < p).astype(np.float32)

    chain = draw(np.tile(share, (batch, 1)))
    for _ in range(epochs):
        for rows in np.split(rng.permutation(len(x)), len(x) // batch):
            real = x[rows]
            h = expit((real - mu) @ W + c)
            chain = draw(expit((draw(expit((chain - mu) @ W + c)) - nu) @ W.T + b))
            h_chain = expit((chain - mu) @ W + c)
            # the means slide, and the biases with them: the machine stays the same
            to_mu, to_nu = slide * (real.mean(0) - mu), slide * (h.mean(0) - nu)
            b, c, mu, nu = b + W @ to_nu, c + to_mu @ W, mu + to_mu, nu + to_nu
            W += rate / batch * ((real - mu).T @ (h - nu))
            W -= rate / batch * ((chain - mu).T @ (h_chain - nu))
            b = b + rate * (real.mean(0) - chain.mean(0))
            c = c + rate * (h.mean(0) - h_chain.mean(0))
    return W, b - W @ nu, c - mu @ W
    # STUB return ...
    # END SOLUTION


# %% [markdown]
# ## 3. The table
#
# Plain and yours, digits and flipped digits, three seeds each.

# %%
# BEGIN SOLUTION
SEEDS = range(budget(smoke=1, lecture=3, full=10))
for is_centred in (False, True):
    for flipped in (False, True):
        machines = [
            trained(abs(x - flipped), seed, is_centred, EPOCHS, rate=0.03)
            for seed in SEEDS
        ]
        scores = [
            BoltzmannMachine(*m).log_prob(abs(new - flipped)).mean() for m in machines
        ]
        spread = np.std(scores, ddof=1) / np.sqrt(len(scores)) if len(scores) > 1 else 0
        digits_error = Estimate.of(
            BoltzmannMachine(*machines[0]).log_prob(abs(new - flipped))
        ).standard_error
        print(
            f"{'centred' if is_centred else 'plain':8}{'flipped' if flipped else '':8}"
            f"{np.mean(scores):8.1f} +- {spread:.1f} (seeds) +- {digits_error:.1f} (digits)"
        )
# STUB ...
# END SOLUTION

# %% [markdown] tags=["solution"]
# Plain training loses some nats to the centred one on digits, and many more on flipped
# digits. The centred one does not know the difference: $x \to 1 - x$ only flips the signs of
# $x - \mu$ and of $W$, and its steps are the same ones. In plain coordinates a pixel that
# is nearly always 1 pushes each hidden spin with all its weight; most paper pixels are such
# once paper is 1, and they push together.
#
# The errors of the digits say little about a difference of rows, since all are judged on the same
# digits: easy and hard ones are easy and hard for every machine. Two trainings are compared
# by the spread of seeds, or by differences digit by digit.
#
# The same training on all 60,000 digits (50 epochs, a rate of 0.01 as in the tutorial, three
# seeds; recorded as `project_d` by `tools/measure/projects.py d`):
#
# | nats a digit, 10,000 new ones | digits | flipped |
# |---|---|---|
# | plain | −145.6 ± 0.8 | −174.7 ± 4.5 |
# | PyDeep's, one run | −149.1 | −183.4 |
# | centred | −142.5 ± 0.3 | −142.2 ± 0.6 |
# | PyDeep's, one run | −142.6 | −142.1 |
#
# The centred ones agree. Plain training comes out three and a half nats better here than in that
# one run. Part of it is the order of the digits: here it is new in each epoch, there it stays.
# With `np.arange` in place of `rng.permutation` the same three seeds give −147.0 ± 0.8 on
# digits, 1.4 ± 0.2 nats less in pairs of equal seeds, and −187.0 ± 4.2 on flipped ones. On
# digits two nats are left, and single seeds scatter by 1.3.

# %% [markdown]
# ## 4. The pictures
#
# What does each hidden spin want to see? What does the machine draw by itself?

# %%
# BEGIN SOLUTION
W, b, c = train_machine(x, 0)
rng = np.random.default_rng(2)
chain = x[:64]
for _ in range(budget(smoke=10, lecture=2_000, full=2_000)):
    h = rng.random((64, 16)) < expit(chain @ W + c)
    p = expit(h @ W.T + b)
    chain = (rng.random(p.shape) < p).astype(float)
span = np.abs(W).max()
filters = (0.5 + 0.5 * W.T / span).reshape(-1, 28, 28, 1)
mosaics(
    {
        "weights of 16 spins": filters,
        "drawn by the machine": p[:16].reshape(-1, 28, 28, 1),
    },
    columns=4,
)
# STUB ...
# END SOLUTION

# %% [markdown] tags=["solution"]
# *Figure: two mosaics of sixteen pictures. Left, weights: strokes in white and black on
# grey, larger than a pen's stroke, none of them a digit. Right, samples after 2,000 steps
# of the chain: smeared threes and eights, a seven, a one, a five and a six; three or four
# are no digit.*

# %% [markdown]
# ## 5. The judge

# %%
# BEGIN SOLUTION
if budget(smoke=False, lecture=True, full=True):  # one epoch would not reach it
    judge_machine(train_machine)
# STUB judge_machine(train_machine)
# END SOLUTION

# %% [markdown] tags=["solution"]
# ## What a full report says
#
# - **The sum** (4): the loop in blocks; the check on a machine whose pictures are enumerated
#   too; why logarithms are summed first.
# - **The gradient** (4): data minus machine; chains that persist, because the machine moves
#   only a little in a step and its samples stay nearly right, while chains that start at the
#   data see nothing far from it. *Common wrong answer*: samples that start at each batch
#   (contrastive divergence) are "the same, only slower".
# - **The judge** (4). There is another way to content it: look whether most pixels are 1; if
#   so, train plainly on $1 - x$ and return $-W$, $-b$ and $c + \sum_i W_i$. That is the same
#   likelihood to the last digit, and earns these 4 points.
# - **The table** (4): a mean over three seeds with its error, the digits' error apart from
#   it, and the remark that all rows share the digits. *Common wrong answer*: rows compared
#   with the digits' error, which hides a difference that all digits agree on.
# - **Three sentences and a picture** (4): as above. *Common wrong answer*: "flipped digits
#   are harder". They are not: for each machine of digits there is one of flipped digits with
#   the same likelihood. Whoever un-flips the digits, as above, gets at most 2 of these 4. This
#   is one name chosen for all, and no training to which names do not matter. Its rows of the
#   table are those of plain training on digits.
