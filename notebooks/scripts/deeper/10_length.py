# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Deeper: what the length of a latent point does
#
# Open in [Colab](https://colab.research.google.com/github/generative-models/executed/blob/v0.2.0/notebooks/deeper/10_length.ipynb) or on [Binder](https://mybinder.org/v2/gh/generative-models/executed/v0.2.0?urlpath=lab/tree/notebooks/deeper/10_length.ipynb).
#
# [Lesson 10](../10_latent_space.ipynb) asks whether a bad picture is the fault of the length of
# $z$ or of its direction. Here the same question has five seeds, with what else changes with the
# length: ink, greys, the classifier's confidence. Then we look into the network: why does the
# direction alone decide far out, and what happens near the origin?

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
# On two CPU cores this page takes a few minutes.

# %% tags=["setup"] jupyter={"source_hidden": true}
# @title Set-up: libraries, digits, the generator
import numpy as np
from scipy.stats import chi

from course_utils.budget import budget
from course_utils.data.latent import to_shell
from course_utils.data.mnist import load_mnist
from course_utils.figures.digit_rows import class_shares, labelled_rows
from course_utils.figures.latent_walks import length_or_direction
from course_utils.figures.style import use_course_style
from course_utils.metrics.digits import digit_scores
from course_utils.pytorch.device import to_numpy
from course_utils.pytorch.gan import generate
from course_utils.pytorch.networks import Generator
from course_utils.pytorch.weights import load_pretrained

use_course_style()
generator = load_pretrained(Generator(), "dcgan", part="generator")
train = load_mnist("train")
samples = budget(smoke=120, lecture=400, full=5_000)  # for each score
seeds = range(budget(smoke=2, lecture=5, full=10))


def prior(n, seed):
    return np.random.default_rng(seed).standard_normal((n, 100))


def decode(z):
    return generate(generator, z)


# %% [markdown]
# ## How far out?
#
# Random directions, put on shells of different radius. Sets are smaller than the lesson's here, so real
# digits are further apart. Besides the Fréchet distance, as in the
# lesson, we print
#
# - the **entropy** of the shares of the ten classes, at most $\ln 10 = 2.303$ nats;
# - the **confidence**, the mean probability of the class that the classifier holds most likely;
# - the **ink**, the mean of all pixels;
# - the **grey**, the sum of $4x(1 - x)$ over that of $x$. It is 0 if all pixels are black or white.

# %%
directions = to_shell(prior(samples, seed=1)) / 10
radii = np.array([2, 3.5, 5, 7, 10, 14, 20, 30, 59])
print(" |z|  Fréchet  entropy  confidence   ink  grey")
frechet = []
for r in radii:
    x = decode(r * directions)
    s, grey = digit_scores(x, train.x), 4 * (x * (1 - x)).sum() / x.sum()
    frechet.append(s.frechet.value)
    print(f"{r:4g}{s.frechet.value:9.1f}{s.entropy.value:9.3f}", end="")
    print(f"{s.confidence.value:12.3f}{x.mean():6.3f}{grey:6.2f}")
floor, x = s.frechet, train.x
grey = 4 * (x * (1 - x)).sum() / x.sum()
print(f"real{floor.floor:9.1f}{s.entropy.floor:9.3f}", end="")
print(f"{s.confidence.floor:12.3f}{x.mean():6.3f}{grey:6.2f}")
frechet = np.array(frechet)

# %% tags=["proof"] jupyter={"source_hidden": true}
# @title The shell is better than either end of the table
assert frechet[radii == 10] + 4 * floor.floor_sd < min(frechet[0], frechet[-1])

# %% [markdown]
# The ink grows up to a length of about 20. Grey falls all the way, past the value of real digits:
# pictures slowly turn black and white. A fifth of the right length does more harm than six times of
# it. Near the shell the curve is nearly symmetric on a logarithmic axis.

# %% [markdown]
# ## Three scans, five seeds
#
# The scans of the lesson have means and widths that run from $-1$ to 1 over the hundred numbers of
# $z$. Then the means, or the noise, are multiplied. With $s_k$ the numbers from $-1$ to 1, and $m$ and
# $w$ the factors of means and noise,
#
# $$
# \mathbb E\,|z|^2 = \left(m^2 + w^2\right) \sum_k s_k^2 , \qquad \sum_k s_k^2 = 34.0 .
# $$
#
# The table has the Fréchet distance of each scan, that of random directions at its length, and the
# difference between random directions there and on the shell. Other seeds mean other noise and
# other directions; the mean and its standard error are over seeds.

# %%
ramp = np.linspace(-1, 1, 100)
scans = {"scan A": (1, 1), "scan B": (5, 1), "scan C": (1, 10)}


def distance(z):
    return digit_scores(decode(z), train.x).frechet.value


def tell(values):
    values = np.array(values)
    return f"{values.mean():7.1f} ± {values.std(ddof=1) / len(values) ** 0.5:3.1f}"


home, rows = [], {}
for name, (m, w) in scans.items():
    r = np.sqrt((m**2 + w**2) * (ramp**2).sum())
    rows[name] = r, [], []
for seed in seeds:
    turns = to_shell(prior(samples, seed=100 + seed)) / 10
    home.append(distance(10 * turns))
    for name, (m, w) in scans.items():
        r, of_scan, of_length = rows[name]
        of_scan.append(distance(ramp * (m + w * prior(samples, seed=seed))))
        of_length.append(distance(r * turns))
print(f"{'':15} |z|          scan   same length     less |z| = 10")
for name, (r, of_scan, of_length) in rows.items():
    extra = np.subtract(of_length, home)
    print(f"{name:15}{r:4.1f} {tell(of_scan)} {tell(of_length)}  {tell(extra)}")

# %% [markdown]
# The lesson's picture, with the means over seeds:

# %%
measured = {name: (rows[name][0], np.mean(rows[name][1])) for name in scans}
length_or_direction(radii, frechet, floor.floor, measured)

# %% [markdown]
# *Figure: the curve of random directions over the length; scans A, B and C as diamonds, joined to it.
# A and B are far above, C a little.*
#
# The last column is what the length does alone. For scan A it is a very small share
# of the harm: the length is acquitted. At 30 and at 59 random directions are worse than on the shell, well beyond the error.
# So there the length is not innocent. For scan B the direction does far more; for scan C the length
# does most.

# %% tags=["proof"] jupyter={"source_hidden": true}
# @title The sentences above hold for the means over seeds
on_shell = np.mean(home)
harm = {name: np.mean(of_length) - on_shell for name, (_, _, of_length) in rows.items()}
scan_harm = {
    name: np.mean(of_scan) - on_shell for name, (_, of_scan, _) in rows.items()
}
assert harm["scan A"] < 0.1 * scan_harm["scan A"]
assert harm["scan B"] > 4 * floor.floor_sd / len(seeds) ** 0.5
assert harm["scan C"] > harm["scan B"]
assert scan_harm["scan B"] > 3 * harm["scan B"]
assert scan_harm["scan C"] < 2 * harm["scan C"]

# %% [markdown]
# Which digits do they draw? The shares of the ten classes, as the classifier reads them:

# %%
points = {n: ramp * (m + w * prior(samples, seed=0)) for n, (m, w) in scans.items()}
points["prior"] = prior(samples, seed=0)
counts = {n: digit_scores(decode(z), train.x).counts for n, z in points.items()}
class_shares(counts, columns=2)

# %% [markdown]
# *Figure: four panels of bars. Scan A prefers some classes, scan B draws one alone or nearly; scan C and
# the prior draw all ten. Dashed: a tenth. Between the dotted lines would lie nineteen of twenty bars of
# a sampler that draws all classes equally often.*

# %% [markdown]
# ## Far out the generator is homogeneous
#
# Why does the length matter so little out there? The first layer has no bias, and leaky ReLUs keep
# positive factors: $f(2h) = 2 f(h)$. Only the shifts of the batch normalizations, fixed numbers once
# the training is over, do not grow with $z$. So far out, $G$ should be *homogeneous*: twice the length
# gives twice the input of the final $\tanh$, which ends at $\pm 1$. The direction then decides what
# is drawn, and the length only how hard.
#
# We measure it. Let $h(z)$ be the input of the $\tanh$, 784 numbers, and
#
# $$
# \text{departure} = \frac{|h(2z) - 2 h(z)|}{|h(2z)|} .
# $$
#
# It is 0 where $G$ is homogeneous. Where $h$ does not depend on the length at all, it is 1.


# %%
def before_tanh(z):
    kept = []
    hook = generator.pixels.register_forward_hook(
        lambda module, inputs, output: kept.append(output)
    )
    try:
        generate(generator, z)
    finally:
        hook.remove()
    return to_numpy(kept[0])


norm = np.linalg.norm
origin = norm(before_tanh(np.zeros((1, 100))))
print(" |z|  departure  |h(z)| / |h(0)|")
departures, sizes = [], []
for r in radii:
    once, twice = (before_tanh(f * r * directions[:100]) for f in (1, 2))
    departures.append(norm(twice - 2 * once) / norm(twice))
    sizes.append(norm(once) / 10 / origin)  # root mean square over 100 points
    print(f"{r:4g}{departures[-1]:11.2f}{sizes[-1]:17.2f}")

# %% tags=["proof"] jupyter={"source_hidden": true}
# @title It falls with the length, to a small value
assert (np.diff(departures) < 0).all()
assert departures[-1] < 0.15 < departures[4]

# %% [markdown]
# On the shell the length still has a say; from 30 on the direction decides nearly alone. That is
# why noise times 5 or 10 brings many kinds of digits: the means no longer count, so many directions
# come about.
#
# **Above 1?** For short $z$ the departure exceeds 1 a little. So there it is not just that $h$ does not
# depend on the length. Take a straight line as a model, $h(z) = h(0) + A z$. Then $h(2z) - 2h(z) = -h(0)$,
# and the departure is $|h(0)| / |h(2z)|$. It is above 1 where $h$ gets *smaller* as $z$ grows: the
# shifts at the origin say "black everywhere", which is a large negative $h$, and a stroke of ink has
# to take something off it. The last column shows that it does: there $|h|$ falls below its value
# at the origin.

# %% [markdown]
# ## Midpoints
#
# How many midpoints of straight lines lie on the shell? $(a + b)/2$ is normal with variance $1/2$, so
# its length is a chi variable over $\sqrt 2$. Here the shell is where 99 % of the prior are.

# %%
shell = chi.ppf([0.005, 0.995], 100)
n = 20_000
middle = norm((prior(n, 1) + prior(n, 2)) / 2, axis=1)
found = np.mean((shell[0] < middle) & (middle < shell[1]))
expected = np.diff(chi.cdf(np.sqrt(2) * shell, 100)).item()
print(f"on the shell: expected {expected:.2%}, found {found:.2%}")

# %% tags=["proof"] jupyter={"source_hidden": true}
# @title They agree within four standard errors
assert abs(found - expected) < 4 * np.sqrt(expected * (1 - expected) / n)

# %% [markdown]
# ## What is drawn at which length?

# %%
rows = {f"|z| = {r:g}": decode(r * directions[:12]) for r in radii}
labelled_rows(rows)

# %% [markdown]
# *Figure: nine rows of the same twelve directions, the length from 2 to 59. Near the origin there is
# hardly any ink. Further out strokes get harder edges, some thicken, and some break.*
#
# **References.** S. Ioffe and C. Szegedy, *Batch normalization*, 2015,
# [arXiv:1502.03167](https://arxiv.org/abs/1502.03167). M. Heusel and others, *GANs trained by a
# two time-scale update rule converge to a local Nash equilibrium*, 2017,
# [arXiv:1706.08500](https://arxiv.org/abs/1706.08500): the Fréchet distance of images.
