# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown] slideshow={"slide_type": "slide"}
# # 10 · Walking through latent space
#
# Open in [Colab](https://colab.research.google.com/github/generative-models/executed/blob/v0.2.0/notebooks/10_latent_space.ipynb) or on [Binder](https://mybinder.org/v2/gh/generative-models/executed/v0.2.0?urlpath=lab/tree/notebooks/10_latent_space.ipynb).

# %% [markdown]
# ## You will be able to
#
# - say where the latent points of a normal prior lie, and check whether a "scan" of them
#   stays there;
# - replace "it looks like digits" by counts, an entropy and a Fréchet distance, each with
#   what real digits would score;
# - walk between two latent points without leaving the shell, and find directions that mean
#   something, with a success rate instead of a lucky picture;
# - run a generator backwards by gradient descent, and say what was found and what was not.

# %% [markdown] slideshow={"slide_type": "skip"}
# ## Before you start
#
# You need lesson 8 (the networks of a DCGAN, and the Fréchet distance) and, for one section,
# the two-dimensional map of lesson 4. On two CPU cores this lesson takes about two
# minutes. No download is needed: a trained generator comes with the course.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The question
#
# A generator turns a hundred random numbers into a digit. *What do these numbers mean?*
# The lecture closes with this question. It changes the input systematically, looks at the
# pictures and concludes that moving the means leads from digit to digit while larger
# standard deviations bring more different digits. We first look at what its program really
# did. Then we ask again, with a ruler.

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

# %% slideshow={"slide_type": "skip"}
import matplotlib.pyplot as plt
import numpy as np
import torch
from scipy.ndimage import affine_transform
from scipy.stats import chi

from course_utils.budget import budget
from course_utils.data.latent import to_shell
from course_utils.data.mnist import load_mnist
from course_utils.figures.digit_rows import class_shares, labelled_rows, mosaics, walk
from course_utils.figures.style import use_course_style
from course_utils.metrics.classifier import DigitClassifier
from course_utils.metrics.digits import digit_scores, memorized_share, nearest_digits
from course_utils.pytorch.device import (
    evaluating,
    pick_device,
    to_images,
    to_numpy,
    to_tensor,
)
from course_utils.pytorch.gan import generate
from course_utils.pytorch.networks import Generator
from course_utils.pytorch.vae import ConvVAE
from course_utils.pytorch.weights import load_pretrained
from course_utils.weights import card
from course_utils.widgets.digits import digit_walk

use_course_style()

# %% [markdown] slideshow={"slide_type": "skip"}
# All sizes in one cell. `COURSE_BUDGET` picks a column; the saved outputs are those of
# `lecture`.

# %% slideshow={"slide_type": "skip"}
samples = budget(smoke=120, lecture=1_000, full=5_000)  # for each score
pool_size = budget(smoke=1_000, lecture=4_000, full=40_000)  # to look for directions in
repeats = budget(smoke=2, lecture=5, full=20)  # of a comparison, for its error
trials = budget(smoke=10, lecture=40, full=400)  # of arithmetic, for each class
targets, starts = budget(smoke=(2, 2), lecture=(6, 4), full=(20, 16))  # to invert
iterations = budget(smoke=15, lecture=200, full=1_000)

# %% [markdown] slideshow={"slide_type": "subslide"}
# The generator is the lecture's network, trained on all 60,000 digits as lesson 9 describes. `prior` draws latent
# points as they were drawn in training, from a standard normal distribution in 100
# dimensions.

# %%
device = pick_device()
generator = load_pretrained(Generator(), "dcgan", part="generator").to(device)
train, test = load_mnist("train"), load_mnist("test")


def prior(n, seed):
    return np.random.default_rng(seed).standard_normal((n, 100))


def decode(z):
    return generate(generator, z)


# %% [markdown] slideshow={"slide_type": "slide"}
# ## The lecture's scan, read closely
#
# The program makes its latent points like this (its own words, TensorFlow's, are longer):
#
# ```
# means = scale_means * linspace(-1, 1, 100)
# stds  = scale_stds  * linspace(-1, 1, 100)
# points = normal([number, number], means, stds)
# ```
#
# Then it draws `generated_images[i*j]` at row `i` and column `j`. Four things deserve a
# closer look.
#
# **The shape.** There are `number` rows, as many as pictures. But there are `number`
# columns as well, where the generator wants 100.

# %% tags=["nbval-check-output"]
for number in (100, 225, 400):
    try:
        np.broadcast_shapes((number, number), (100,))
        print(f"number = {number}: works")
    except ValueError:
        print(f"number = {number}: {number} columns do not go with 100 means")

# %% [markdown] slideshow={"slide_type": "subslide"}
# It worked for the first picture, because 100 happened to be the right number. As printed,
# the calls with 225 and 400 points stop with an error. Below we make all five with the shape
# that was meant, `(number, 100)`.
#
# **The index.** Picture number `i*j` is not the picture in row `i` and column `j`.
#
# **Predict before you run.** How many of the 100 pictures does the grid show?

# %% tags=["nbval-check-output"]
for side in (10, 15, 20):
    numbers = [i * j for i in range(side) for j in range(side)]
    shown, first = len(set(numbers)), numbers.count(0)
    print(f"{side:2} by {side}: {shown:3} of {side**2}; number 0 appears {first} times")
assert len({i * j for i in range(10) for j in range(10)}) == 37

# %% [markdown] slideshow={"slide_type": "subslide"}
# **The standard deviations.** Half of them are negative, since `linspace` begins at $-1$.
# A normal variable is symmetric, so $\mu - \sigma\epsilon$ and $\mu + \sigma\epsilon$ have
# the same distribution: a negative sign turns the noise around and changes nothing else.

# %% tags=["nbval-check-output"]
stds, epsilon = np.linspace(-1, 1, 100), prior(1_000, seed=0)
turned = np.sign(stds) * epsilon  # standard normal, as epsilon is
assert np.array_equal(stds * epsilon, np.abs(stds) * turned)
print(f"{(stds < 0).sum()} of {len(stds)} standard deviations are negative")


# %% [markdown] slideshow={"slide_type": "subslide"}
# So the "scan" runs over the 100 *coordinates* of one distribution. It does not run over the
# pictures: all pictures of a call are draws from the same distribution, in which the first
# coordinates are around $-1$, the middle ones are almost exactly 0, and the last ones around
# $+1$. Nothing is scanned.
#
# **The length.** With $s_k$ the numbers of `linspace`, the mean of $|z|^2$ is
#
# $$
# \mathbb E\,|z|^2 = \left(\text{scale\_means}^2 + \text{scale\_stds}^2\right) \sum_k s_k^2 ,
# \qquad \sum_k s_k^2 = 34.0 .
# $$
#
# For the prior that the generator was trained on it is 100, and the length $|z|$ follows the
# chi distribution with 100 degrees of freedom. That one is narrow: in many dimensions the
# points of a normal distribution lie near a **shell** of radius $\sqrt{100} = 10$, although
# its density is highest at the origin. There is just too little room inside.


# %% tags=["nbval-check-output"] slideshow={"slide_type": "subslide"}
def lecture_points(n, scale_means, scale_stds, seed=0):
    """The lecture's points with the shape that was meant, (n, 100)."""
    line = np.linspace(-1, 1, 100)
    return scale_means * line + scale_stds * line * prior(n, seed)


scans = [(1, 1), (5, 1), (-5, 1), (1, 5), (1, 10)]
squares = np.linspace(-1, 1, 100) ** 2
for m, s in scans:
    mean_square = (m**2 + s**2) * squares.sum()
    found = (lecture_points(1_000, m, s) ** 2).sum(axis=1)
    # a term (m + s epsilon)^2 s_k^2 has the variance (4 m^2 s^2 + 2 s^4) s_k^4
    variance = (4 * m**2 * s**2 + 2 * s**4) * (squares**2).sum()
    assert abs(found.mean() - mean_square) < 4 * np.sqrt(variance / 1_000)
    print(f"means x {m:2}, stds x {s:2}: |z| near {np.sqrt(mean_square):4.1f}")
shell = chi.ppf([0.005, 0.995], 100)
print(f"the prior: 99 % of |z| between {shell[0]:.1f} and {shell[1]:.1f}")

# %% [markdown] slideshow={"slide_type": "subslide"}
# Half of the first call's points lie below the lower edge of the shell; all others leave it
# by far, outwards. A generator was never told what to do out there.
#
# Now the pictures. First the lecture's grid beside the hundred images that it had:

# %% slideshow={"slide_type": "subslide"}
x = decode(lecture_points(100, 1, 1))
order = [i * j for i in range(10) for j in range(10)]
mosaics({"drawn: number i*j": x[order], "all 100 images": x})

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: two grids of ten by ten digits. In the left one the first row and the first column
# are all the same image, and the grid is its own mirror image about the diagonal. The right
# one has no such pattern.*

# %% [markdown]
# Then twelve images of each call, with the points as they were meant, above twelve of the
# prior.

# %% slideshow={"slide_type": "subslide"}
names = {scan: f"{scan[0]}, {scan[1]}" for scan in scans}
rows = {name: decode(lecture_points(12, *scan)) for scan, name in names.items()}
rows["prior"] = decode(prior(12, seed=0))
labelled_rows(rows, "scales of means and standard deviations")

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: six rows of twelve images. The rows "5, 1" and "-5, 1" repeat nearly the same shape
# twelve times. The rows with large standard deviations vary, with hard edges; they resemble
# each other, since all calls have the same noise here. The last row, from the prior, varies
# as well.*

# %% [markdown]
# The lecture's last call asks for 400 points, and its program draws none of them. Here is the
# beginning:

# %% slideshow={"slide_type": "subslide"}
last_call = decode(lecture_points(400, 1, 10))
title = "means x 1, standard deviations x 10: 75 of 400"
mosaics({title: last_call[:75]}, columns=15)

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: seventy-five images from points with a length near 59. Some are digits with hard
# edges, many are torn, with specks at the border.*

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A ruler
#
# "It generates images that look like 1, 4, 7, 9" is what an eye says about a grid that
# repeats itself. We let a small classifier count: dense layers, trained on MNIST, which run in
# NumPy. Its last hidden layer has 64 numbers, its *features*.

# %% tags=["nbval-check-output"]
about = card("digit_classifier")["test"]
right, error = about["accuracy"]["mean"], about["accuracy"]["standard_error"]
print(f"right on {right:.2%} +- {error:.2%} of {about['digits']:,} held-out digits")

# %% [markdown] slideshow={"slide_type": "subslide"}
# From $n$ samples, `digit_scores` makes
#
# - the **counts** of the ten classes, and the entropy of their shares, at most $\ln 10 =
#   2.303$ nats. With $n$ draws it is smaller by about $9/2n$ on average, also for a perfect
#   sampler;
# - the **confidence**: the mean probability of the most probable class;
# - the **Fréchet distance** (Heusel et al., 2017): fit a normal distribution to the features
#   of the samples, $a$, and one to those of as many real digits, $b$. With means $\mu$ and
#   covariances $\Sigma$, it is
#
# $$
# |\mu_a - \mu_b|^2 + \operatorname{tr}\left(\Sigma_a + \Sigma_b
# - 2\,(\Sigma_a \Sigma_b)^{1/2}\right) .
# $$
#
# Two sets of real digits are a distance apart, too, and the more so the smaller they are.
# So each score comes with what real digits get, as many as there are samples, and with the
# standard deviation of that: for the distance from twenty pairs of disjoint sets of the
# 10,000 training digits at hand, for the other two by formula. It is a floor for the
# distance, and a ceiling for entropy and confidence. Held-out digits should score as real
# digits do. Do they?

# %% slideshow={"slide_type": "subslide"}
held_out = digit_scores(test.x[:samples], train.x)
print("entropy   ", held_out.entropy)
print("confidence", held_out.confidence)
print("Fréchet   ", held_out.frechet)
# five, not four: the standard deviation itself comes from twenty pairs alone
for score in (held_out.entropy, held_out.confidence, held_out.frechet):
    assert abs(score.value - score.floor) < 5 * score.floor_sd

# %% [markdown]
# (The distance has the unit of a squared feature of *this* classifier. It cannot be compared
# with published values, which use another network.)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Samples of the prior
#
# Now the generator, as it was meant to be used. We keep these points and what the
# classifier reads in them; all sections below draw from this pool.

# %% slideshow={"slide_type": "subslide"}
reader = DigitClassifier()
pool = prior(pool_size, seed=1)
pool_x = decode(pool)
probabilities = reader.probabilities(pool_x)
pool_class, pool_sure = probabilities.argmax(1), probabilities.max(1)
mosaics({"samples of the prior": pool_x[:75]}, columns=15)

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: seventy-five generated digits in five rows of fifteen. To the eye most are digits,
# and some are broken. How many, the ruler has to say.*

# %% [markdown]
# **Predict before you run.** Which of the lecture's five calls has an entropy as high as the
# prior's? Which is closest to real digits?

# %% slideshow={"slide_type": "subslide"}
sets = {name: decode(lecture_points(samples, *scan)) for scan, name in names.items()}
sets["prior"] = pool_x[:samples]
scores = {name: digit_scores(x, train.x) for name, x in sets.items()}
print(f"{'':8}   entropy  confidence  Fréchet")
for name, s in scores.items():
    numbers = (s.entropy.value, s.confidence.value, s.frechet.value)
    print("{:8}{:10.3f}{:12.3f}{:9.1f}".format(name, *numbers))
floors = scores["prior"]
numbers = (floors.entropy.floor, floors.confidence.floor, floors.frechet.floor)
print("{:8}{:10.3f}{:12.3f}{:9.1f}".format("(real)", *numbers))
class_shares({name: s.counts for name, s in scores.items()})

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: six panels of bars, the shares of the classes 0 to 9 in each set. Where the means
# are multiplied by 5, one class takes all or nearly all. The bars of the prior are much
# more even. Dashed: a tenth. Between the dotted lines would lie nineteen of twenty bars of a
# sampler that draws all classes equally often; not all of the prior's do.*

# %% [markdown] slideshow={"slide_type": "subslide"}
# No call reaches the prior's entropy, and in distance even the best of them, "1, 5", is
# four times as far from real digits as the prior. Behind the lecture's sentences stands this.
# Means times five: a fixed direction with a little noise
# around it, so nearly one class; with the opposite sign it is the opposite direction, another
# class. "Moving takes us from digit to digit" compares *two* points. Standard
# deviations times five: many directions again, hence many digits. What is wrong with
# them, the length or the direction, we shall see. We hold on to that much:

# %%
for name in ("5, 1", "-5, 1"):
    assert scores[name].entropy.value < scores["prior"].entropy.value
assert scores["prior"].frechet.value == min(s.frechet.value for s in scores.values())
copies = memorized_share(pool_x[:samples], train.x, test.x)
print(f"nearer to a training digit than 99 % of new digits are: {copies}")

# %% [markdown]
# The last line asks whether the generator just copies: of new real digits 1 % are so near
# to one of 10,000 training digits; of copies it would be all. There is no sign of copying.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## How far out?
#
# Change one thing only: the length. We take the directions of the pool and put them on
# shells of different radius $|z|$.

# %%
radii = np.array([2, 3.5, 5, 7, 10, 14, 20, 30, 59])
on_shell = to_shell(pool[:samples])
by_radius = {r: decode(on_shell * r / 10) for r in radii}
radius_scores = {r: digit_scores(x, train.x) for r, x in by_radius.items()}
frechet = np.array([s.frechet.value for s in radius_scores.values()])
labelled_rows({f"|z| = {r:g}": x[:12] for r, x in by_radius.items()})

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: nine rows of the same twelve directions, |z| from 2 to 59. Near the origin there is
# hardly any ink. At 10 there are digits, but for two or three columns that are broken at
# every length. Further out strokes get harder edges, some thicken, and some break.*

# %% slideshow={"slide_type": "subslide"}
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 4.2))
line = np.geomspace(2, 60, 500)
left.fill_between(line, chi.pdf(line, 100), color="0.75")
for m, s in scans:
    where = np.sqrt((m**2 + s**2) * squares.sum())
    left.axvline(where, color="black", linestyle=":", label="the lecture's calls")
left.legend(*(part[:1] for part in left.get_legend_handles_labels()), fontsize=12)
left.set(xscale="log", xlabel="length |z|", ylabel="density of |z|, prior")
floor = radius_scores[10].frechet
right.plot(radii, frechet, "o-")
right.axhline(floor.floor, color="black", linestyle="--", label="real digits")
right.legend(fontsize=12)
right.set(xscale="log", yscale="log", xlabel="length |z|", ylabel="Fréchet distance")
for axes in (left, right):
    axes.set_xticks([2, 5, 10, 20, 50], ["2", "5", "10", "20", "50"])
    axes.set_xticks([], minor=True)
plt.show()


# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: two panels over the length of z on a logarithmic axis. Left, the prior's density, a
# narrow peak at 10, and as dotted lines the lecture's calls at 8, 30 (three of them) and 59.
# Right, the Fréchet distance to real digits: high near the origin, lowest around the
# shell, and rising slowly outside. The dashed line is what real digits have.*


# %% slideshow={"slide_type": "subslide"}
def ink_and_grey(x):
    """The mean of the pixels, and grey in proportion to ink."""
    return x.mean(), 4 * (x * (1 - x)).sum() / x.sum()


print(" |z|  Fréchet  entropy  confidence   ink  grey")
for r, s in radius_scores.items():
    print(f"{r:4g}{s.frechet.value:9.1f}{s.entropy.value:9.3f}", end="")
    print(
        "{:12.3f}{:6.3f}{:6.2f}".format(s.confidence.value, *ink_and_grey(by_radius[r]))
    )
print("real{:9.1f}{:27.3f}{:6.2f}".format(floor.floor, *ink_and_grey(train.x)))
at_ten = frechet[radii == 10].item()
assert at_ten + 4 * floor.floor_sd < frechet[-1] < frechet[0]

# %% [markdown] slideshow={"slide_type": "subslide"}
# A fifth of the length hurts more than six times the length, though near the shell the curve
# is nearly symmetric. Now the lecture's calls can be taken apart. Each has a length and
# directions of its own. We draw random directions at the same length, so that the length
# is the only thing that is wrong with them.

# %%
print("          |z|   Fréchet   random directions at that length")
for name, scan in zip(names.values(), scans):
    radius = np.linalg.norm(lecture_points(samples, *scan), axis=1).mean()
    other = digit_scores(decode(on_shell * radius / 10), train.x).frechet.value
    print(f"{name:6}{radius:7.1f}{scores[name].frechet.value:10.1f}{other:10.1f}")
    if abs(scan[0]) == 5:
        assert scores[name].frechet.value > 2 * other


# %% [markdown] slideshow={"slide_type": "subslide"}
# In the first three calls the length is innocent: the fixed means are to blame, which
# leave few directions. In the last two more than half of the damage is done by the length; the
# rest comes from directions that are not spread evenly, since coordinates in the middle of
# `linspace` hardly vary.
#
# Two more columns of the table above tell what happens to the strokes. The ink, the mean of all
# pixels, grows up to a length of about 20. Grey in proportion to it, the sum of $4x(1-x)$
# over that of $x$, falls all the way, past the value of real digits: images slowly turn
# black and white.
#
# One can see why in the network. Its first layer has no bias, and leaky ReLUs keep positive
# factors: $f(2h) = 2f(h)$. Only the shifts of the batch normalizations (Ioffe and Szegedy,
# 2015), fixed numbers in evaluation mode, do not grow with $z$. So far out, $G$ should be
# *homogeneous*: twice the length gives twice the input of the final $\tanh$, which ends at
# $\pm 1$. The direction then decides what is drawn, and the length only how hard. At the
# origin itself the shifts alone decide. We measure it: the relative change
# $|h(2z) - 2h(z)| / |h(2z)|$ of the input $h$ of the $\tanh$. It is 0 where $G$ is
# homogeneous, and 1 where $h$ does not depend on the length at all.


# %% slideshow={"slide_type": "subslide"}
def before_tanh(z):
    kept = []
    layer = generator.pixels
    hook = layer.register_forward_hook(lambda _, __, output: kept.append(output))
    try:
        generate(generator, z)
    finally:
        hook.remove()
    return to_numpy(kept[0])


departures = []
for r in radii:
    once, twice = (before_tanh(on_shell[:100] * f * r / 10) for f in (1, 2))
    departures.append(np.linalg.norm(twice - 2 * once) / np.linalg.norm(twice))
    print(f"|z| = {r:3g}: {departures[-1]:.2f}")
assert (np.diff(departures) < 0).all()


# %% [markdown] slideshow={"slide_type": "subslide"}
# On the shell, at 0.7, the length still has a say; from 30 on the direction decides nearly
# alone. So larger standard deviations "increase the number of different digits" for a simple
# reason. In the
# lecture's first call half of $|z|^2$ comes from the fixed means. Multiplying the noise makes the
# means unimportant, and many directions come about.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## From one digit to another
#
# A popular film: take two latent points $a$ and $b$ and decode the points between. Between
# how? On the straight line
#
# $$
# z(t) = (1 - t)\,a + t\,b , \qquad
# |z(1/2)|^2 = \tfrac14 \left(|a|^2 + |b|^2 + 2\,a\cdot b\right) \approx 50 ,
# $$
#
# because two random directions in 100 dimensions are almost orthogonal. In the middle it is
# at radius 7, where the prior hardly ever is. The great circle stays on the shell (White,
# 2016): with $\Omega$ the angle between $a$ and $b$,
#
# $$
# z(t) = \frac{\sin((1 - t)\,\Omega)}{\sin\Omega}\,a + \frac{\sin(t\,\Omega)}{\sin\Omega}\,b .
# $$
#
# If $a$ and $b$ differ in length, we turn their directions and let the length change linearly.


# %% tags=["mirrors"] slideshow={"slide_type": "subslide"}
def great_circle(a, b, t):
    t = np.asarray(t)[:, None]
    lengths = np.linalg.norm(a), np.linalg.norm(b)
    a, b = a / lengths[0], b / lengths[1]
    angle = np.arccos(np.clip(a @ b, -1, 1))
    sine = np.sin(angle)
    if sine < 1e-6:  # no turn to speak of
        direction = (1 - t) * a + t * b
    else:
        direction = (np.sin((1 - t) * angle) * a + np.sin(t * angle) * b) / sine
    return ((1 - t) * lengths[0] + t * lengths[1]) * direction


# %% [markdown]
# We walk from the clearest 3 of the pool to its clearest 8.


# %% slideshow={"slide_type": "subslide"}
def clearest(label):
    return pool[np.where(pool_class == label, pool_sure, 0).argmax()]


a, b, t = clearest(3), clearest(8), np.linspace(0, 1, 41)
ways = {
    "straight line": (1 - t[:, None]) * a + t[:, None] * b,
    "great circle": great_circle(a, b, t),
}
paths = {}
for name, z in ways.items():
    x = decode(z)
    paths[name] = (x, np.linalg.norm(z, axis=1), reader.probabilities(x))
    print(f"{name}: |z| from {paths[name][1].min():.1f} to {paths[name][1].max():.1f}")
walk(paths, shell)

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: two columns, the straight line and the great circle. Above, seven images of the way
# from a 3 to an 8. In the middle, the length of z: the line sags out of the grey band that
# holds 99 % of the prior, the circle stays. Below, the probability of each class along the
# way: the 3 becomes an 8 on both, on the circle earlier.*

# %% [markdown] slideshow={"slide_type": "subslide"}
# At equal $t$ both ways have nearly the same direction (exactly the same in the middle, if $a$
# and $b$ are equally long). So it is the length that has moved the border between the classes.
# But one pair proves nothing. We take many pairs and score their midpoints, several times
# over, so that the difference has an error bar.

# %% slideshow={"slide_type": "subslide"}
middles = {"straight line": [], "great circle": []}
for repeat in range(repeats):
    a, b = prior(samples, seed=20 + repeat), prior(samples, seed=40 + repeat)
    middles["straight line"].append((a + b) / 2)
    pairs = [great_circle(one, other, [0.5]) for one, other in zip(a, b)]
    middles["great circle"].append(np.concatenate(pairs))
distances, on = {}, {}
for name, sets_of_z in middles.items():
    found = [digit_scores(decode(z), train.x).frechet.value for z in sets_of_z]
    lengths = np.linalg.norm(np.concatenate(sets_of_z), axis=1)
    distances[name] = np.array(found)
    on[name] = np.mean((shell[0] < lengths) & (lengths < shell[1]))
    print(f"{name}: {on[name]:.1%} on the shell, Fréchet", distances[name].round(1))
extra = distances["straight line"] - distances["great circle"]
error = extra.std(ddof=1) / np.sqrt(repeats)
print(f"the line costs {extra.mean():.2f} +- {error:.2f}")

# %% [markdown] slideshow={"slide_type": "subslide"}
# How many midpoints of straight lines should be on the shell? $(a+b)/2$ is normal with
# variance $1/2$, so its length is a chi variable over $\sqrt 2$.

# %%
expected = np.diff(chi.cdf(np.sqrt(2) * shell, 100)).item()
found = on["straight line"]
assert abs(found - expected) < 4 * np.sqrt(
    expected * (1 - expected) / samples / repeats
)
print(f"on the shell: expected {expected:.2%}, found {found:.2%}")

# %% [markdown]
# The line costs something beyond its error, and it is a small part of the distance that is
# there anyway: for this generator a length of 7 is not far enough inside to hurt much, as
# the table of lengths has shown. The circle is the safer walk, and it costs nothing.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Directions that mean something
#
# ### The mean of a class
#
# Take all points of the pool that the classifier reads as a 0, and average them. Were the
# class independent of $z$, the average of $n$ points would have a length near
# $\sqrt{100/n}$. We print this length below the one found. Then we put each average back
# on the shell and decode it.

# %% slideshow={"slide_type": "subslide"}
class_means = np.stack([pool[pool_class == k].mean(axis=0) for k in range(10)])
counts = np.bincount(pool_class, minlength=10)
chance = np.sqrt(100 / counts)
print("class ", *(f"{k:5}" for k in range(10)))
print("length", *(f"{v:5.2f}" for v in np.linalg.norm(class_means, axis=1)))
print("chance", *(f"{v:5.2f}" for v in chance))
x = decode(to_shell(class_means))
read = reader.probabilities(x).argmax(1)
print(
    f"{(read == np.arange(10)).sum()} of 10 averages on the shell are read as their class"
)
labelled_rows({"on the shell": x, "as they are": decode(class_means)})


# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: two rows of ten images from averages of the classes 0 to 9. On the shell all can be
# read. As they are, with lengths below 2, they are paler, and the 2, the 4 and the 8 are
# damaged.*
#
# The averages are three times as long as chance would have them, so the class does have
# directions. And they are special ones: a random direction at a length of 2 showed hardly any
# ink.

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### Slant and stroke width
#
# A class is a crude notion. To find directions for finer ones we need numbers that are
# measured *on the image*:
#
# - **slant**: with the ink as a mass distribution, $-\operatorname{cov}(\text{column},
#   \text{row}) / \operatorname{var}(\text{row})$. It is the shift to the right for each pixel
#   upwards (rows count downwards);
# - **stroke width**: a stroke of width $w$ and length $L$ has the area $wL$ and the
#   perimeter $2L$, so $w \approx 2\,\text{area}/\text{perimeter}$. The area is the sum of the
#   pixels, the perimeter the sum of $|\nabla x|$.


# %%
def slant(x):
    ink = x[..., 0] / x.sum(axis=(1, 2, 3))[:, None, None]
    row, column = np.indices((28, 28))
    rows = row - (ink * row).sum((1, 2))[:, None, None]
    columns = column - (ink * column).sum((1, 2))[:, None, None]
    return -(ink * rows * columns).sum((1, 2)) / (ink * rows**2).sum((1, 2))


def stroke_width(x):
    padded = np.pad(x[..., 0], ((0, 0), (1, 1), (1, 1)))
    down, right = np.diff(padded, axis=1)[:, :, :-1], np.diff(padded, axis=2)[:, :-1]
    return 2 * padded.sum((1, 2)) / np.hypot(down, right).sum((1, 2))


# %% [markdown] slideshow={"slide_type": "subslide"}
# Rulers are tested before they are used. A digit that is sheared by 0.2 must have a slant
# that is larger by 0.2: linear interpolation moves the middle of each row by exactly its
# shift. (Ink that is pushed over the edge is lost, so a few digits are a little off.) A
# bar of width $w$ and length 20 has $w \cdot 20$ area and $2w + 40$ perimeter. (So for a wide,
# short bar the ruler reads less than $w$: its ends count too.)

# %% slideshow={"slide_type": "subslide"}
sheared = np.stack(
    [
        affine_transform(image, [[1, 0], [0.2, 1]], [0, -0.2 * 13.5], order=1)
        for image in test.x[:200, ..., 0]
    ]
)
change = slant(sheared[..., None]) - slant(test.x[:200])
print(f"slant of sheared digits: larger by {change.mean():.3f}")
assert np.median(np.abs(change - 0.2)) < 1e-3
for width in (1, 2, 4):
    bar = np.zeros((1, 28, 28, 1))
    bar[:, 4:24, 10 : 10 + width] = 1
    expected, found = 40 * width / (2 * width + 40), stroke_width(bar).item()
    print(f"bar of width {width}: {found:.2f}, expected {expected:.2f}")
    # a forward difference cuts two corners: each takes 2 - sqrt(2) off the perimeter
    assert abs(found / expected - 1) < 2 * (2 - np.sqrt(2)) / (2 * width + 40)

# %% [markdown]
# Now a linear regression of the measure on $z$, $\text{measure} \approx c_0 + c \cdot z$, on one
# half of the pool, judged on the other half. $R^2$ is the share of the variance that it
# explains; a regression on 100 useless numbers has a small negative one there. For comparison,
# what the class alone explains.

# %% slideshow={"slide_type": "subslide"}
half = pool_size // 2
measures = {"slant": slant(pool_x), "stroke width": stroke_width(pool_x)}
coefficients = {}


def explained(predicted, truth):
    return 1 - np.square(truth - predicted).mean() / truth.var()


for name, values in measures.items():
    design = np.column_stack([np.ones(pool_size), pool])
    c = np.linalg.lstsq(design[:half], values[:half], rcond=None)[0]
    coefficients[name] = c[1:]
    linear = explained(design[half:] @ c, values[half:])
    means = np.array([values[:half][pool_class[:half] == k].mean() for k in range(10)])
    by_class = explained(means[pool_class[half:]], values[half:])
    print(f"{name:13}: mean {values.mean():5.2f}, sd {values.std():.2f};", end=" ")
    print(f"R^2 of z {linear:.2f}, of the class {by_class:.2f}")
cosine = np.dot(*(c / np.linalg.norm(c) for c in coefficients.values()))
print(f"cosine between both directions: {cosine:.2f} (chance: 0 +- 0.1)")

# %% [markdown] slideshow={"slide_type": "subslide"}
# A regression is a correlation. Is it also a handle? We take *new* points, move them along
# $c/|c|$ by $-4$ to $4$, put them back to their own length, and measure again. If the
# relation were exactly linear, the mean would follow the regression: the dashed line. The
# printed shares say how often the class survives, and, as a control, how often it does when
# the points are moved as far in a random direction.

# %% slideshow={"slide_type": "subslide"}
offsets, fresh = np.linspace(-4, 4, 9), prior(samples // 4, seed=4)


def moved(z, direction, offset):
    out = z + offset * direction / np.linalg.norm(direction)
    return (
        out
        * np.linalg.norm(z, axis=1, keepdims=True)
        / np.linalg.norm(out, axis=1, keepdims=True)
    )


def classes_along(images):
    """The share of points that keep the class they have unmoved, at each offset."""
    classes = np.array([reader.probabilities(x).argmax(1) for x in images])
    return (classes == classes[len(offsets) // 2]).mean(1)


rulers = {"slant": (slant, "slant"), "stroke width": (stroke_width, "width (pixels)")}
figure, panels = plt.subplots(1, 2, figsize=(9, 4))
for axes, (name, (measure, label)) in zip(panels, rulers.items()):
    c = coefficients[name]
    points = [moved(fresh, c, offset) for offset in offsets]
    images = [decode(z) for z in points]
    values = np.array([measure(x) for x in images])
    mean, error = values.mean(1), values.std(1) / np.sqrt(len(fresh))
    axes.errorbar(offsets, mean, 2 * error, fmt="o-", capsize=4, label="measured")
    linear = np.array([((z - fresh) @ c).mean() for z in points])
    axes.plot(offsets, mean[len(mean) // 2] + linear, "k--", label="regression")
    axes.set(xlabel="moved by", ylabel=f"mean {label}")
    assert mean[-1] - mean[0] > 4 * np.hypot(error[0], error[-1])
    print(f"class kept, {name:13}", *(f"{s:4.0%}" for s in classes_along(images)))
panels[0].legend()
random = np.random.default_rng(7).standard_normal((10, 100))
control = np.mean(
    [classes_along([decode(moved(fresh, d, o)) for o in offsets]) for d in random], 0
)
print(f"class kept, {'at random':13}", *(f"{s:4.0%}" for s in control))
plt.show()

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: two panels, mean slant (no unit) and mean stroke width (pixels) against the
# distance moved, with bars of two standard errors. Both rise all the way. Slant follows the
# regression's dashed line and bends off at both ends; width bends upwards, and its left arm
# is nearly flat.*

# %% [markdown]
# Along either handle points lose their class more often than along a random direction. So
# the handles are not clean: they turn what they should, and cross borders between classes
# on the way.
#
# The same in pictures, for three points each.

# %% slideshow={"slide_type": "subslide"}
rows = {}
for name, c in coefficients.items():
    for number in range(3):
        z = np.concatenate([moved(fresh[[number]], c, offset) for offset in offsets])
        rows[f"{name}, point {number + 1}"] = decode(z)
labelled_rows(rows, "moved by -4, -3, -2, -1, 0, 1, 2, 3, 4")

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: six rows of nine images. In the upper three a digit leans more and more to the
# right, in the lower three its strokes get thicker. Some turn into another digit on the way,
# and at the thick end two of three are blots.*

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Arithmetic
#
# Radford et al. (2016) found that "smiling woman - woman + man" gives a smiling man, if each
# of the three is an *average* of several latent points; single points were unstable. We ask
# how often it works.
#
# First the averages. Of $k$ points of a class, average, decode: is the class still read?
# Once as they are, and once put back on the shell. The mean of $k$ nearly orthogonal points
# has a length near $10/\sqrt k$.

# %% slideshow={"slide_type": "subslide"}
rng = np.random.default_rng(5)
sizes = (1, 2, 3, 5, 10)
success = {"as they are": [], "on the shell": []}
labels = np.repeat(np.arange(10), trials)
for k in sizes:
    chosen = [rng.choice(np.flatnonzero(pool_class == label), k) for label in labels]
    average = pool[np.array(chosen)].mean(axis=1)
    for name, z in (("as they are", average), ("on the shell", to_shell(average))):
        read = reader.probabilities(decode(z)).argmax(1)
        success[name].append(np.mean(read == labels))
error = np.sqrt(0.25 / len(labels))  # at most
print("points averaged", *(f"{k:5}" for k in sizes), f"  (+- {error:.1%} at most)")
for name, shares in success.items():
    print(f"{name:15}", *(f"{share:5.0%}" for share in shares))

# %% [markdown] slideshow={"slide_type": "subslide"}
# (One point "as it is" is read as its class by construction.) Two points are the worst case
# in both rows: they give the middle between two digits, which may belong to a third. With more
# of them the average becomes typical of its class, even as it is, ever nearer to the
# origin; on the shell it is read somewhat more often still.

# %%
last, second = success["on the shell"][-1], success["on the shell"][1]
assert last > second - 4 * error  # both are shares, known to within an error
assert last > success["as they are"][-1]

# %% [markdown]
# Now the arithmetic: *slanted a - upright a + upright b*, averages of ten points each, for two
# different classes. It succeeds if the result is read as b and its slant has risen
# against *upright b*. The **control** is what makes this an experiment: the same
# subtraction, but with both sets drawn from the upright a. What changes then is due to adding
# any two more averages: noise, which may cost the class and takes something off "upright".

# %% tags=["remove-input"]
mean_slant = np.array([measures["slant"][pool_class == k].mean() for k in range(10)])
leaning = measures["slant"] > mean_slant[pool_class]


def average(label, lean, k=10):
    rows = np.flatnonzero((pool_class == label) & (leaning == lean))
    return pool[rng.choice(rows, k)].mean(axis=0)


def experiment(lean):
    """Class kept, and change of slant, for slanted (or upright) a - upright a + b."""
    pairs = [rng.choice(10, 2, replace=False) for _ in range(4 * trials)]
    plain = np.array([average(b, False) for _, b in pairs])
    steps = np.array([average(a, lean) - average(a, False) for a, _ in pairs])
    before, after = decode(to_shell(plain)), decode(to_shell(plain + steps))
    kept = reader.probabilities(after).argmax(1) == np.array(pairs)[:, 1]
    return kept, slant(after) - slant(before)


found = {
    name: experiment(lean) for name, lean in (("slanted", True), ("control", False))
}
for name, (kept, gain) in found.items():
    share, both = kept.mean(), (kept & (gain > 0)).mean()
    error = np.sqrt(share * (1 - share) / len(kept))
    print(f"{name:8}: read as b {share:.0%} +- {error:.0%},", end=" ")
    print(f"and more slanted {both:.0%}; slant {gain.mean():+.3f}")
gains = [gain for _, gain in found.values()]
difference = gains[0].mean() - gains[1].mean()
error = np.sqrt(sum(gain.var() / len(gain) for gain in gains))
print(f"slant beyond the control's: {difference:.3f} +- {error:.3f}")
values = measures["slant"] - mean_slant[pool_class]
typical = values[leaning].mean() - values[~leaning].mean()
print(f"typical difference between leaning and upright: {typical:.3f}")
assert difference > 3 * error


# %% [markdown] slideshow={"slide_type": "subslide"}
# The slant gained beyond the control's is, within its error, the difference between leaning
# and upright digits: the arithmetic does what it says. It works in about three of four
# cases, and those that are read as b nearly all lean more. The price is paid in classes:
# the control, with as many averages added, loses fewer.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Backwards
#
# Which $z$ gives *this* digit? A GAN has no encoder. But $G$ can be differentiated, so we
# can look for a $z$ by gradient descent on the squared error of the pixels (Zhu et al.,
# 2016; Creswell and Bharath, 2016). The target is a digit that the generator has never seen.
# The error as a function of $z$ may have many minima, so we start several times.


# %% slideshow={"slide_type": "subslide"}
def invert(x, keep_length, seed=0):
    """Latent points and the error of each step, (iterations, digits * starts)."""
    goal = to_tensor(x, device).repeat_interleave(starts, 0)
    z = torch.tensor(prior(len(goal), seed), dtype=torch.float32, device=device)
    z.requires_grad_()
    optimizer = torch.optim.Adam([z], 0.1)
    errors = []
    with evaluating(generator):
        for _ in range(iterations):
            square = (0.5 * (generator(z) + 1) - goal).square().mean((1, 2, 3))
            optimizer.zero_grad()
            square.sum().backward(inputs=[z])
            optimizer.step()
            if keep_length:  # back to the shell
                z.data *= 10 / z.data.norm(dim=1, keepdim=True)
            errors.append(to_numpy(square).copy() ** 0.5)
    return to_numpy(z).copy(), np.array(errors)


goals = np.stack([test.x[test.y == k % 10][k // 10] for k in range(3, 3 + targets)])
free_z, free_errors = invert(goals, keep_length=False)
held_z, held_errors = invert(goals, keep_length=True)

# %% [markdown] slideshow={"slide_type": "subslide"}
# The error is the root mean square difference of a pixel. For comparison: how far is the
# nearest of 10,000 training digits?

# %%
distance, nearest = nearest_digits(goals, train.x)
nearest_error = distance / 28  # of 784 pixels
lines = plt.plot(free_errors, color="0.6", linestyle="-", linewidth=1)
lines[0].set_label("each start")
best = free_errors.reshape(iterations, targets, starts).min(2)
plt.plot(best.mean(1), label="best start, mean over digits")
plt.plot(free_errors.mean(1), label="all starts")
plt.axhline(nearest_error.mean(), color="black", linestyle=":", label="nearest digit")
plt.xlabel("steps of descent")
plt.ylabel("error of a pixel (0 to 1)")
plt.ylim(0, None)
plt.legend()
plt.show()

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: the error of each start falls with the steps, fast at first (thin grey lines), and
# ends at different heights. Thick lines: the mean over all starts, and below it the mean of
# the best start for each digit. Dotted: the nearest training digit.*

# %% slideshow={"slide_type": "subslide"}
print("                 error   best start    |z|    on the shell")
for name, z, errors in (("free", free_z, free_errors), ("held", held_z, held_errors)):
    lengths = np.linalg.norm(z, axis=1)
    on = np.mean((shell[0] < lengths) & (lengths < shell[1]))
    best = errors[-1].reshape(targets, starts).min(1).mean()
    print(f"{name:14}{errors[-1].mean():8.3f}{best:13.3f}", end="")
    print(f"{lengths.mean():7.1f}{on:16.0%}")
print(f"nearest digit {nearest_error.mean():8.3f}")
final = free_errors[-1].reshape(targets, starts)
found = decode(free_z).reshape(targets, starts, 28, 28, 1)
digits = np.arange(targets)
rows = {
    "digit": goals,
    "best start": found[digits, final.argmin(1)],
    "worst start": found[digits, final.argmax(1)],
    "nearest": train.x[nearest],
}
assert final.mean() < free_errors[0].mean()
labelled_rows(rows)

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: four rows. The held-out digits; what the best start found for each, nearly the same
# picture; the worst start, for some digits another one or a fragment; and the nearest
# training digits. The one nearest to the 3 is an 8.*

# %% [markdown] slideshow={"slide_type": "subslide"}
# The table has a catch. A free descent is not told about the prior, so nothing keeps it at
# radius 10; a low error far outside says that *some* $z$ makes the image, and not that the
# generator would ever draw it. So the second row matters: it was put back on the shell
# after each step. Here that costs nothing; the errors are even a little smaller. (Starts
# that ended high were still falling: whether they are stuck, more steps would tell.) And a
# digit that no start reaches may still be there: the search failed, or
# the generator lacks it. This method cannot tell.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A VAE's latent space, beside it
#
# The convolutional VAE of lesson 4 has two latent dimensions and an encoder. Same prior, same
# questions. In two dimensions there is no shell:

# %% tags=["nbval-check-output"]
for d in (2, 10, 100):
    low, high = chi.ppf([0.005, 0.995], d)
    print(f"{d:3} dimensions: |z| = {chi.mean(d):5.2f} +- {chi.std(d):.2f},", end=" ")
    print(f"99 % between {low:.2f} and {high:.2f}")

# %% [markdown]
# Among samples of the prior in 100 dimensions the length tells nothing, because it is always
# nearly the same. In two it ranges from the centre to the rim, and a straight line between
# two samples stays where there are others.

# %% slideshow={"slide_type": "subslide"}
vae = load_pretrained(ConvVAE(), "conv_vae")


@torch.inference_mode()
def vae_decode(z):
    return to_images(vae.decode(torch.tensor(z, dtype=torch.float32)))


@torch.inference_mode()
def vae_encode(x):
    return to_numpy(vae.encoder(to_tensor(x))[0])


vae_z = np.random.default_rng(6).standard_normal((pool_size, 2))
vae_x = np.concatenate([vae_decode(part) for part in np.array_split(vae_z, 10)])
design = np.column_stack([np.ones(pool_size), vae_z])
vae_slant = slant(vae_x)
c = np.linalg.lstsq(design[:half], vae_slant[:half], rcond=None)[0]
vae_r2 = explained(design[half:] @ c, vae_slant[half:])
rows = {"GAN": pool_x[:12], "VAE": vae_x[:12], "real": train.x[:12]}
labelled_rows(rows)

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: three rows of twelve digits: the GAN's with sharp strokes, three or four of them
# broken; the VAE's soft and blurred, mostly 0, 1, 6 and 9; real ones.*

# %% slideshow={"slide_type": "subslide"}
design = np.column_stack([np.ones(pool_size), pool])
values = measures["slant"]
c = np.linalg.lstsq(design[:half], values[:half], rcond=None)[0]
gan_r2 = explained(design[half:] @ c, values[half:])
rebuilt = np.sqrt(np.square(vae_decode(vae_encode(goals)) - goals).mean((1, 2, 3)))
vae_scores = digit_scores(vae_x[:samples], train.x)
vae_copies = memorized_share(vae_x[:samples], train.x, test.x)
held = held_errors[-1].reshape(targets, starts).min(1)
both = [(scores["prior"], copies, gan_r2, held.mean())]
both += [(vae_scores, vae_copies, vae_r2, rebuilt.mean())]
print("        Fréchet  entropy  confidence  near copies  R^2 slant  rebuilt to")
for name, (s, near, r2, error) in zip(("GAN", "VAE"), both):
    print(f"{name:5}{s.frechet.value:10.1f}{s.entropy.value:9.3f}", end="")
    print(f"{s.confidence.value:12.3f}{near.value:13.1%}{r2:11.2f}{error:12.3f}")
print(f"real {floors.frechet.floor:10.1f}{floors.entropy.floor:9.3f}", end="")
print(f"{floors.confidence.floor:12.3f}{0.01:13.1%}")

# %% [markdown] slideshow={"slide_type": "subslide"}
# The VAE's samples are as sure to the classifier as the GAN's, and far from real digits: few
# classes, no sharp stroke. Its slant is as linear in $z$ as the GAN's. Careful with the fourth
# column: less than 1 % is no merit. Copies raise it, but broken or
# blurred samples lower it, since they are far from every digit. And with the last one: with
# two numbers the VAE rebuilds a digit worse than the nearest training digit would, in
# one pass through its encoder; the GAN has a hundred numbers, and many steps from several
# starts.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Your turn: a walk
#
# In a live session the next cell shows sliders. Choose two digits (averages of classes, on the
# shell), move along the great circle between them, and stretch the latent point. The bars are
# what the classifier reads. The cross marks the length of $z$ on the curve that was measured
# above, for random directions. In the saved page stands the first picture.
#
# **Predict before you run.** Shorten $z$ to 0.3 of its length: is a digit left, and does its
# class depend on the two that you have chosen?

# %% slideshow={"slide_type": "subslide"}
digit_walk(
    decode, reader.probabilities, dict(enumerate(to_shell(class_means))), radii, frechet
)

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: at the left the digit halfway between an average 3 and an average 8. At the right
# above, bars with the probability of each class; below, the Fréchet distance against |z|,
# with a cross at |z| = 10.*

# %% [markdown] slideshow={"slide_type": "subslide"}
# And the prediction, for all ten ends of walks at once:

# %%
short = reader.probabilities(decode(0.3 * to_shell(class_means)))
still = (short.argmax(1) == np.arange(10)).sum()
print(f"at 0.3 of the length {still} of 10 averages are read as their class,", end=" ")
print(f"with {short.max(1).mean():.0%} confidence")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What could go wrong
#
# - **Leaving the shell unnoticed.** Print $|z|$ of whatever you decode. Scaling, averaging and
#   straight lines all change it.
# - **Judging a sampler by eye on a grid.** An index like `i*j` repeats images, and nobody sees
#   it. Count.
# - **A Fréchet distance without its size.** It falls with the number of samples. Compare sets
#   of one size, beside real digits of that size.
# - **A classifier asked about things that are no digits.** It has ten answers, and gives one
#   of them with confidence to noise, too. Read confidence and Fréchet distance together.
# - **A direction found and tested on the same samples.** With 100 coordinates a regression
#   on few samples fits anything. Judge it on others, and by moving along it.
# - **One lucky analogy.** Report how often it works, and what a control does.
# - **A low error of inversion** with $|z|$ far from 10: the image is reachable, not probable.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Summary
#
# | claim | how it was tested here |
# |---|---|
# | the lecture's scan is one distribution | the signs of $\sigma$ drop out |
# | its pictures mislead | 37 of 100 images shown; random directions at equal length, 8 to 59 |
# | the length matters, far inside more than far outside | Fréchet distance against $\lvert z\rvert$ |
# | walk on great circles | lengths of midpoints, exact and counted; their scores, with errors |
# | directions have meaning | regression on one half, judged on the other, moved along; random ones as control |
# | arithmetic works | success rates, with a control |
# | digits can be found again | errors of several starts, beside the nearest training digit |

# %% [markdown] slideshow={"slide_type": "skip"}
# ## Exercises
#
# [The set of this lesson](exercises/10_latent_space.ipynb) has stubs to fill in, and checks that
# answer. Here are questions to think about without a net.
#
# 1. *Easy, 15 minutes.* Do a real scan: along one coordinate from $-3$ to 3 with the other 99
#    fixed, for five coordinates and a hundred points. How often does the class change, compared
#    with a random direction? Why should no single coordinate have a meaning? (Rotate all of
#    $z$ by a fixed orthogonal matrix: what changes for the prior?)
# 2. *Easy, 15 minutes.* Draw each coordinate again until it lies in $[-1, 1]$ (the "truncation
#    trick"). What is the mean of $|z|$ now? Predict distance, confidence and entropy from
#    the table of lengths, then measure them.
# 3. *Medium, 20 minutes.* Measure the share of ink in the upper half of an image, and find its
#    direction. What are the $R^2$ of $z$ and of the class, and how often does a point keep
#    its class when moved?
# 4. *Medium, 20 minutes.* Is the class, as the classifier reads it, a linear function of $z$?
#    Fit ten regressions, of "is class $k$" (0 or 1) on $z$, to half of the pool, and take the
#    largest on the other half. Compare its accuracy with the nearest class mean, by angle.
# 5. *Hard, 40 minutes.* Invert fifty digits of MNIST that the generator was trained on and fifty
#    held-out ones of the same classes, on the shell, with four starts (twenty minutes of
#    computing). Are the best errors different beyond their standard errors? What would that
#    say about memory?

# %% [markdown] slideshow={"slide_type": "skip"}
# ## References
#
# - T. White, *Sampling generative networks*, 2016,
#   [arXiv:1609.04468](https://arxiv.org/abs/1609.04468).
# - A. Radford, L. Metz and S. Chintala, *Unsupervised representation learning with deep
#   convolutional generative adversarial networks*, 2016,
#   [arXiv:1511.06434](https://arxiv.org/abs/1511.06434).
# - M. Heusel, H. Ramsauer, T. Unterthiner, B. Nessler and S. Hochreiter, *GANs trained by a two
#   time-scale update rule converge to a local Nash equilibrium*, 2017,
#   [arXiv:1706.08500](https://arxiv.org/abs/1706.08500).
# - D. C. Dowson and B. V. Landau, *The Fréchet distance between multivariate normal
#   distributions*, Journal of Multivariate Analysis 12, 1982.
# - K. Shoemake, *Animating rotation with quaternion curves*, SIGGRAPH 1985.
# - J.-Y. Zhu, P. Krähenbühl, E. Shechtman and A. Efros, *Generative visual manipulation on the
#   natural image manifold*, 2016, [arXiv:1609.03552](https://arxiv.org/abs/1609.03552).
# - A. Creswell and A. Bharath, *Inverting the generator of a generative adversarial network*,
#   2016, [arXiv:1611.05644](https://arxiv.org/abs/1611.05644).
# - S. Ioffe and C. Szegedy, *Batch normalization*, 2015,
#   [arXiv:1502.03167](https://arxiv.org/abs/1502.03167).
