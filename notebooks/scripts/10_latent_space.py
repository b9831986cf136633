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
#
# ## The question
#
# A trained generator turns a hundred random numbers into a digit. Nobody told it what each number
# should do. **What do these hundred numbers mean?**
#
# <!-- notes: Ask: how would you find out what a knob does, if a machine has a hundred of them?
# Wait for "turn one". Then ask what to compare with. -->

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
# @title Set-up: imports, course style, sizes, digits
import numpy as np
import torch
from scipy.stats import chi

from course_utils.budget import budget
from course_utils.data.latent import to_shell
from course_utils.data.mnist import load_mnist
from course_utils.figures.digit_rows import labelled_rows, mosaics, walk
from course_utils.figures.latent_walks import (
    final_errors,
    generator_diagram,
    length_or_direction,
    lengths_of_draws,
    shell_diagram,
    turned,
)
from course_utils.figures.style import use_course_style
from course_utils.metrics.classifier import DigitClassifier
from course_utils.metrics.digits import digit_scores, nearest_digits
from course_utils.metrics.strokes import stroke_width
from course_utils.pytorch.device import pick_device, to_images, to_numpy, to_tensor
from course_utils.pytorch.gan import generate
from course_utils.pytorch.networks import Generator
from course_utils.pytorch.weights import load_pretrained
from course_utils.widgets.digits import digit_walk

use_course_style()
samples = budget(smoke=120, lecture=1_000, full=5_000)  # for each score
pool_size = budget(smoke=1_000, lecture=4_000, full=40_000)  # to look for directions in
repeats = budget(smoke=2, lecture=5, full=20)  # of a comparison, for its error
movers = budget(smoke=30, lecture=200, full=1_000)  # points that are moved
trials = budget(smoke=40, lecture=600, full=4_000)  # of arithmetic
starts, iterations = budget(smoke=(2, 15), lecture=(4, 150), full=(16, 1_000))
train, test = load_mnist("train"), load_mnist("test")

# %% [markdown] slideshow={"slide_type": "skip"}
# The generator of lesson 9 comes with the course, trained on 60,000 digits. `prior` draws latent
# points $z$ as in its training: each of the hundred numbers is standard normal. This distribution of $z$
# is called the **prior**.

# %% slideshow={"slide_type": "skip"}
device = pick_device()
generator = load_pretrained(Generator(), "dcgan", part="generator").to(device).eval()


def prior(n, seed):
    return np.random.default_rng(seed).standard_normal((n, 100))


def decode(z):
    return generate(generator, z)


# %% [markdown] slideshow={"slide_type": "skip"}
# Twelve points $z$, and what becomes of the first:

# %%
z = prior(12, seed=0)
generator_diagram(z[0], decode(z)[0, ..., 0])

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: a hundred bars enter a generator; a picture of a digit comes out.*

# %% [markdown] slideshow={"slide_type": "skip"}
# ## You will be able to
#
# - say where the points of a normal distribution lie in many dimensions;
# - walk between two latent points without leaving that place;
# - tell whether bad pictures are the fault of the length of $z$ or of its direction;
# - find directions that mean something, and test them against a control;
# - run a generator backwards, and say what was found and what was not.
#
# ## Before you start
#
# You need lesson 8 (the networks of a DCGAN, the Fréchet distance). On two CPU cores all cells take
# one or two minutes.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A hundred numbers live on a shell
#
# Each number of $z$ is most likely near 0. So the density of $z$ is highest at the origin.
#
# **Predict before you run.** Draw ten thousand points $z$. How long is a typical one: $|z|$ near 0,
# near 1, near 10 or near 100? Does the length vary much?
#
# <!-- notes: Vote by hand. Then remind them of a gas: the most likely velocity of a molecule is
# zero, and hardly any molecule is slow. -->

# %%
several = {"3 numbers": 3, "30 numbers": 30, "100 numbers": 100}
draws = np.random.default_rng(1).standard_normal((10_000, 100))
lengths_of_draws({k: np.linalg.norm(draws[:, :d], axis=1) for k, d in several.items()})

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: three histograms of equal width, around 1.6, 5.4 and 10.*

# %% [markdown] slideshow={"slide_type": "subslide"}
# **Answer.** Near 10. It varies by 0.7, as for three numbers, but that is only 7 % of 10. $|z|^2$ is
# a sum of a hundred squares. Each has the mean 1 and the variance 2. With ± one standard deviation:
#
# $$
# \lvert z \rvert^2 = \sum_{k=1}^{100} z_k^2 \approx 100 \pm \sqrt{200}, \qquad |z| \approx 10 \pm 0.7 .
# $$
#
# The points lie near a **shell**.
#
# <!-- notes: Let them do the last step: if a square is 14 % too large, by how much is the length
# too large? Half of it, 7 %, which is 0.7. -->

# %% [markdown] slideshow={"slide_type": "skip"}
# The mean of $z_k^4$ is 3, so $z_k^2$ has the variance $3 - 1 = 2$. For the last step, an error of
# 14 % in a square is one of 7 % in its root.
#
# Three numbers are the velocity of a gas molecule: zero is most likely, and hardly any stands still.
# At the length $r$ the space for three numbers grows as $r^2$, for a hundred as $r^{99}$. This beats
# the density up to $r \approx 10$.

# %% tags=["nbval-check-output"] slideshow={"slide_type": "skip"}
shell = chi.ppf([0.005, 0.995], 100)  # |z| follows the chi distribution
print(f"99 % of all |z| lie between {shell[0]:.1f} and {shell[1]:.1f}")

# %% [markdown] slideshow={"slide_type": "slide"}
# ### And off the shell?
#
# Keep a direction and change the length. `to_shell` gives every point the length 10.

# %%
lengths = (2, 5, 10, 20, 60)
rows = {f"|z| = {r}": decode(to_shell(z) * r / 10) for r in lengths}
labelled_rows(rows)

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: five rows of the same twelve directions. At length 2 there is hardly any ink; from 5 on most
# columns keep their digit.*

# %% [markdown]
# The **direction** chooses the digit. The length mostly decides how hard it is drawn.
#
# <!-- notes: Ask which rows the generator has practised. Only the middle one. -->

# %% [markdown] slideshow={"slide_type": "skip"}
# To count instead of looking, we use the ruler of lesson 8. A small classifier, right on 99 % of
# held-out digits, turns every image into 64 features. The **Fréchet distance** compares the mean and
# the covariance of the features of 1,000 of our images (`samples`) with those of as many real digits.
# It judges the set, and not one picture. Two sets of real digits are a little apart, too: its
# **floor** (± the standard deviation of 20 pairs).

# %% slideshow={"slide_type": "skip"}
reader = DigitClassifier()
pool = prior(pool_size, seed=1)  # all later sections draw from this pool
pool_x = decode(pool)
pool_class = reader.probabilities(pool_x).argmax(1)


def frechet(z):
    return digit_scores(decode(z), train.x).frechet


at_home = digit_scores(pool_x[:samples], train.x).frechet
print(f"Fréchet distance: prior {at_home.value:.1f}", end=", ")
print(f"real digits {at_home.floor:.1f} ± {at_home.floor_sd:.1f}")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Straight, or around?
#
# Two points $a$ and $b$ of the shell have random directions. $a \cdot b$ is a sum of a hundred products
# of either sign: about $0 \pm 10$. So halfway on the straight line
#
# $$
# \left| \frac{a + b}{2} \right|^2 = \frac{|a|^2 + |b|^2 + 2\, a \cdot b}{4} \approx
# \frac{100 + 100}{4} = 50 .
# $$
#
# <!-- notes: The root of 50 is 7.1. How many points of the prior are that short? Practically
# none. -->

# %% slideshow={"slide_type": "subslide"}
shell_diagram(10, *shell)

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: from a to b a straight line leaves the grey ring; an arc stays inside.*

# %% [markdown]
# The line cuts through the inside, where the prior has practically no points. A **great circle**
# stays on the shell.

# %% [markdown] slideshow={"slide_type": "skip"}
# Turn by equal angles. With $\Omega$ the angle between $a$ and $b$, and $t$ from 0 to 1:
#
# $$
# z(t) = \frac{\sin((1 - t)\,\Omega)}{\sin\Omega}\,a + \frac{\sin(t\,\Omega)}{\sin\Omega}\,b
# $$
#
# (White, 2016). If the lengths of $a$ and $b$ differ, we let the length change linearly.


# %% tags=["mirrors"] jupyter={"source_hidden": true} slideshow={"slide_type": "skip"}
# @title The great circle in NumPy
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


# %% [markdown] slideshow={"slide_type": "skip"}
# We walk both ways from a point that gives a 3 to one that gives an 8, both put on the shell.

# %% slideshow={"slide_type": "subslide"}
a, b = (to_shell(pool[pool_class == digit][0]) for digit in (3, 8))
t = np.linspace(0, 1, 41)
straight, around = a + t[:, None] * (b - a), great_circle(a, b, t)
paths = {}
for name, points in (("straight line", straight), ("great circle", around)):
    x = decode(points)
    paths[name] = x, np.linalg.norm(points, axis=1), reader.probabilities(x)
    print(f"{name}: read as", *dict.fromkeys(paths[name][2].argmax(1)))
walk(paths, shell)

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: two columns: images of each way; their lengths, where the line sags below the shell; what the
# classifier reads.*

# %% [markdown] slideshow={"slide_type": "skip"}
# The columns look alike. Between a 3 and an 8 other digits may appear.
#
# One pair proves nothing. So we score the midpoints of a thousand pairs, five times. Line and circle
# join the same pairs, so part of the scatter cancels in their difference.

# %% tags=["setup"] jupyter={"source_hidden": true} slideshow={"slide_type": "skip"}
# @title The midpoints of many pairs: what the line costs
midpoints = {"straight line": [], "great circle": []}
for number in range(repeats):
    a, b = prior(samples, seed=20 + number), prior(samples, seed=40 + number)
    circle = np.array([great_circle(*pair, [0.5])[0] for pair in zip(a, b)])
    midpoints["straight line"].append(frechet((a + b) / 2).value)
    midpoints["great circle"].append(frechet(circle).value)
midpoints["difference"] = -np.diff(list(midpoints.values()), axis=0)[0]
print(
    f"Fréchet distance of {samples} midpoints; mean of {repeats} ± its standard error"
)
for name, values in midpoints.items():
    error = np.std(values, ddof=1) / np.sqrt(repeats)
    print(f"{name:13} {np.mean(values):5.1f} ± {error:.1f}")

# %% [markdown]
# The line costs little. Midpoints of the circle score about as points of the prior do.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A warning about looking
#
# A program computes 100 pictures and shows them in ten rows of ten. At row $i$ and column $j$,
# counted from 0, it puts picture number $i \cdot j$.
#
# **Predict before you run.** How many of the 100 pictures does one see?
#
# <!-- notes: Let them write a guess. Then ask where picture 11 would stand. Nowhere: 11 is a prime
# and too large for a column. -->

# %% slideshow={"slide_type": "subslide"}
i, j = np.indices((10, 10))
grids = {"number i · j": i * j, "number 10 i + j": 10 * i + j}
corners = {name: pool_x[grid[:6, :6].ravel()] for name, grid in grids.items()}
mosaics(corners, columns=6)

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: the first six rows and columns of two grids. The left one is its own mirror image about the
# diagonal.*

# %% tags=["nbval-check-output"] slideshow={"slide_type": "subslide"}
print(f"{len(np.unique(i * j))} of 100; number 0 appears {(i * j == 0).sum()} times")

# %% [markdown]
# **Answer.** Thirty-seven. The right number is $10 i + j$. **Count what you show.**

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Too far out: length or direction?
#
# To see what each number does, it is tempting to *scan*: give each its own mean and width, growing from
# the middle to both ends. $z_k = u_k (m + s\,\varepsilon_k)$, with $u_k$ from $-1$ to 1 and
# $\varepsilon_k$ standard normal, has mean $m\,u_k$ and width $s\,|u_k|$. **Scan A** has
# $m = s = 1$, **B** $m = 5$ and $s = 1$, **C** $m = 1$ and $s = 10$.

# %% slideshow={"slide_type": "skip"}
u = np.linspace(-1, 1, 100)


def scan(n, m, s):
    return u * (m + s * prior(n, seed=0))


factors = {"scan A": (1, 1), "scan B": (5, 1), "scan C": (1, 10)}
scans = {name: scan(samples, *pair) for name, pair in factors.items()}
measured = {}
for name, points in scans.items():
    measured[name] = np.linalg.norm(points, axis=1).mean(), frechet(points).value
    print("{}: |z| near {:.1f}, Fréchet distance {:.0f}".format(name, *measured[name]))

# %% [markdown] slideshow={"slide_type": "skip"}
# Twelve pictures of each scan, above twelve of the prior:

# %% slideshow={"slide_type": "subslide"}
rows = {name: decode(points[:12]) for name, points in scans.items()}
labelled_rows(rows | {"prior": decode(z)})

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: four rows of images. Scan B repeats one shape; C varies and has hard edges.*

# %% [markdown] slideshow={"slide_type": "skip"}
# [Deeper: five such scans, in a published lecture](deeper/lecture_programs.ipynb).

# %% [markdown] slideshow={"slide_type": "subslide"}
# All three are far from real digits. Their lengths are near 8, 30 and 58, and the generator has only
# practised near 10.
#
# **Predict before you run.** Is the length to blame, or the directions? Which experiment can tell?
#
# <!-- notes: Wait for: change one and keep the other. Random directions are what the generator was
# trained on; give them the lengths of the scans. -->

# %% [markdown] slideshow={"slide_type": "skip"}
# The control: **random directions at the same length**. With them only the length is wrong.

# %% slideshow={"slide_type": "subslide"}
radii = np.array([2, 3.5, 5, 7, 10, 14, 20, 30, 60])
directions = to_shell(pool[:samples]) / 10
curve = np.array([frechet(r * directions).value for r in radii])
length_or_direction(radii, curve, at_home.floor, measured)

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: the curve of random directions is lowest near 10. Scans A and B lie far above it, C a little;
# real digits far below.*

# %% slideshow={"slide_type": "skip"}
for name, (radius, distance) in measured.items():
    control = frechet(radius * directions).value
    print(f"{name}: {distance:.0f}; random directions at its length: {control:.1f}")
sixes = digit_scores(train.x[train.y == 6][:samples], train.x).frechet
print(f"real digits, but only sixes: {sixes.value:.0f}")

# %% [markdown]
# **Answer.** Scan A: the **length is acquitted**. Random directions at its length do about as well as
# the prior. At 30 and at 58 the length does harm by itself. For scan B the direction does far more; for
# scan C the length does most; the 9 that remain are one run, without an error bar.

# %% [markdown] slideshow={"slide_type": "skip"}
# What is wrong with the directions? In scan A half of $|z|^2$ comes from the means, which are the same
# in all points; in scan B nearly all of it. So the points crowd around one direction. Scan B draws
# digits of one kind, and the distance punishes that: even *real* sixes alone are far off.
# [Deeper: which classes the scans draw, five seeds, the length far out](deeper/10_length.ipynb).
#
# The curve also tells why the line cost little: near 7, the length of its midpoints, it is still low.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Directions with a meaning
#
# A direction in which one property of the pictures changes is called a **handle**. We look for one
# that makes digits **lean**. First we need a ruler. Take the ink as a distribution of mass. The slant
# is the slope of its regression line:
#
# $$
# \text{slant} = -\frac{\operatorname{cov}(\text{row}, \text{column})}{\operatorname{var}(\text{row})}
# $$
#
# <!-- notes: Why the minus? Rows are counted downwards. A slant of 0.2 means 0.2 pixels to the right
# for each pixel upwards. -->


# %% tags=["mirrors"] slideshow={"slide_type": "skip"}
def slant(x):
    ink = x[..., 0] / x.sum((1, 2, 3))[:, None, None]
    row, column = np.indices(x.shape[1:3])
    row = row - (ink * row).sum((1, 2), keepdims=True)
    column = column - (ink * column).sum((1, 2), keepdims=True)
    return -(ink * row * column).sum((1, 2)) / (ink * row**2).sum((1, 2))


# %% [markdown] slideshow={"slide_type": "skip"}
# A second ruler is the **stroke width** $w$. A stroke's area is $w$ times its length, its perimeter twice
# its length: so $w$ is about 2 · area / perimeter.
#
# Now a linear regression: which direction $c$ makes $c_0 + c \cdot z$ closest to the measured slant? We
# fit on one half of the 4,000 points of the pool (`pool_size`) and judge on the other. $R^2$ is the
# explained share of the variance.

# %% slideshow={"slide_type": "subslide"}
half = pool_size // 2
design = np.column_stack([np.ones(pool_size), pool])
handles = {}
for name, ruler in {"slant": slant, "width": stroke_width}.items():
    value = ruler(pool_x)
    c = np.linalg.lstsq(design[:half], value[:half], rcond=None)[0]
    rest = value[half:] - design[half:] @ c
    handles[name] = c[1:] / np.linalg.norm(c[1:])
    print(f"{name}: R² on the other half {1 - rest.var() / value[half:].var():.2f}")

# %% [markdown]
# So a linear function of the hundred numbers explains much of the slant. That is a correlation. Is it
# a handle? We move *new* points along $c$ and put them back to their length.


# %%
def moved(z, direction, by):
    out = z + by * direction
    shrink = np.linalg.norm(z, axis=1) / np.linalg.norm(out, axis=1)
    return out * shrink[:, None]


# %% [markdown] slideshow={"slide_type": "skip"}
# Two points along each handle. For the width this is all that we show:

# %% slideshow={"slide_type": "subslide"}
offsets, new = np.linspace(-4, 4, 9), prior(movers, seed=4)
rows = {}
for name, c in handles.items():
    for point in (0, 1):
        way = moved(new[[point]], c, offsets[:, None])
        rows[f"{name}, point {point + 1}"] = decode(way)
labelled_rows(rows, "moved by -4 to 4")

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: four rows. Along the slant images lean more to the right, and the digit may change; along
# the width strokes get thicker.*

# %% [markdown] slideshow={"slide_type": "skip"}
# Now 200 points (`movers`) along the slant. As a control, they move in five random directions. Equal
# steps in $z$ do not change an image equally, so we draw both over the **change of the image**: the
# root mean square over pixels and points.


# %% slideshow={"slide_type": "subslide"}
def along(direction):
    images = np.stack([decode(moved(new, direction, by)) for by in offsets])
    change = np.sign(offsets) * np.sqrt(((images - images[4]) ** 2).mean((1, 2, 3, 4)))
    classes = np.array([reader.probabilities(x).argmax(1) for x in images])
    return change, np.array([slant(x) for x in images]), classes == classes[4]


found = {
    "along the handle": [along(handles["slant"])],
    "random directions": [along(c) for c in to_shell(prior(5, seed=7)) / 10],
}
turned("change of the image", ("mean slant", "share that keeps its class"), found)

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: left, the slant rises along the handle. Right, the share that keeps its class falls with the
# change of the image; the handle's line is not below the others. Bars: two standard errors.*

# %% [markdown]
# The handle works: it turns the slant, which the random directions hardly do. It is **not clean**:
# along it points change their class, too. But no more of them do than in a random direction that
# changes the image as much.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Arithmetic
#
# Can one calculate with meanings? Is **slanted 7 − upright 7 + upright 4 = slanted 4**?
#
# Each term is an average, as Radford et al. (2016) recommend. The sum goes back to the shell. Take any
# digits $p$ for 7, $q$ for 4.
#
# **Predict before you run.** Of a hundred such sums, how many are read as $q$ *and* lean?
#
# <!-- notes: Collect guesses. Then ask what would happen if both sevens were upright. That is the
# control. -->

# %% [markdown] slideshow={"slide_type": "skip"}
# Here *leans* means: its slant is above the mean of its class; else it is upright. We draw two digits
# 600 times (`trials`). $p_\text{leaning}$ is the average of ten points that are read as $p$ and lean.
# The **control** puts $p'_\text{upright}$ in its place, a second average of upright points of $p$:
#
# $$
# \begin{aligned}
# \text{arithmetic} &= p_\text{leaning} - p_\text{upright} + q_\text{upright} \\
# \text{control} &= p'_\text{upright} - p_\text{upright} + q_\text{upright}
# \end{aligned}
# $$

# %% slideshow={"slide_type": "skip"}
rng, pool_slant = np.random.default_rng(5), slant(pool_x)
typical = np.array([pool_slant[pool_class == k].mean() for k in range(10)])
leans = pool_slant > typical[pool_class]


def averages_of(digits, leaning):
    sets = [np.flatnonzero((pool_class == k) & (leans == leaning)) for k in digits]
    return np.array([pool[rng.choice(points, 10)].mean(axis=0) for points in sets])


p, q = np.transpose([rng.choice(10, 2, replace=False) for _ in range(trials)])
q_upright, p_upright = averages_of(q, False), averages_of(p, False)
sums = {
    "q upright": q_upright,
    "arithmetic": averages_of(p, True) - p_upright + q_upright,
    "control": averages_of(p, False) - p_upright + q_upright,
}
results = {name: decode(to_shell(z)) for name, z in sums.items()}

# %% [markdown] slideshow={"slide_type": "skip"}
# The first ten, not chosen:

# %% slideshow={"slide_type": "subslide"}
labelled_rows({name: x[:10] for name, x in results.items()})

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: three rows of ten. In the second several lean to the right; some are not the digit above
# them.*

# %% slideshow={"slide_type": "subslide"}
shares = []
for name, x in results.items():
    hits = (reader.probabilities(x).argmax(1) == q) & (slant(x) > typical[q])
    shares.append(hits.mean())
    print(f"{name:10}: {hits.sum()} of {trials} are read as q and lean")
error = np.sqrt(sum(share * (1 - share) for share in shares[1:]) / trials)
print(f"arithmetic less control: {shares[1] - shares[2]:.0%} ± {error:.0%}")

# %% [markdown]
# **Answer.** More than half; of the controls 3 in a hundred. **The difference of both shares is what the
# arithmetic does** (± its standard error), not the first share alone.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Backwards
#
# Which $z$ gives *this* digit? A GAN has no encoder. But $G$ can be differentiated. We hold $G$ fixed
# and let $z$ go downhill on the mean squared error of the pixels: 150 steps (`iterations`) from four
# starts. The digits are held out: the generator has never seen them.
#
# <!-- notes: This is an inverse problem, as in tomography. Ask what can go wrong: local minima, and a
# z that leaves the shell. -->

# %% [markdown] slideshow={"slide_type": "skip"}
# After each step we put $z$ back on the shell, where the prior has its points.


# %% slideshow={"slide_type": "subslide"}
def invert(x):
    goal = to_tensor(x, device).repeat_interleave(starts, 0)
    z = torch.tensor(prior(len(goal), 0), dtype=torch.float32, device=device)
    z.requires_grad_()
    optimizer = torch.optim.Adam([z], lr=0.1)
    for _ in range(iterations):
        image = 0.5 * (generator(z) + 1)  # from -1 ... 1 to 0 ... 1
        square = (image - goal).square().mean((1, 2, 3))
        optimizer.zero_grad()
        square.sum().backward(inputs=[z])
        optimizer.step()
        z.data *= 10 / z.data.norm(dim=1, keepdim=True)
    return to_images(image), to_numpy(square.sqrt())


# %% [markdown] slideshow={"slide_type": "skip"}
# To know what an error means, we also search for the same digits in a **mirror**. They have as much
# ink, and many of them are no proper digits.

# %% [markdown] slideshow={"slide_type": "subslide"}
# **Predict before you run.** The generator has practised digits, and never mirrored ones. Can it
# make a mirrored 2? Will its error be larger than that of a 2?
#
# <!-- notes: Let them argue: a mirrored 2 looks like an S, and there are fives. -->

# %% slideshow={"slide_type": "skip"}
digits = [2, 3, 4, 5, 7, 9]  # most of whose mirror images are no proper digits
x = np.stack([test.x[test.y == digit][0] for digit in digits])
goals = {"held-out digits": x, "the same, mirrored": x[:, :, ::-1].copy()}
errors, images = {}, []
for name, goal in goals.items():
    image, square = invert(goal)
    errors[name] = square.reshape(-1, starts)
    images += list(image[starts * np.arange(len(digits)) + errors[name].argmin(1)])

# %% [markdown] slideshow={"slide_type": "skip"}
# The best of four starts:

# %% slideshow={"slide_type": "subslide"}
names = "digit", "found", "mirrored", "found for it"
for_x, for_mirror = np.split(np.stack(images), 2)
labelled_rows(dict(zip(names, (x, for_x, x[:, :, ::-1], for_mirror))))

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: six digits and what was found; their mirror images and what was found. Some of the mirror
# images are found badly.*

# %% slideshow={"slide_type": "subslide"}
near = {name: nearest_digits(goal, train.x)[0] / 28 for name, goal in goals.items()}
final_errors(errors, near, [str(digit) for digit in digits])

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: the final error of each start (root mean square of grey levels). Black bars: the nearest
# of 10,000 training digits.*

# %% slideshow={"slide_type": "skip"}
plain, mirrored = (ends.min(1) for ends in errors.values())
print(f"best start: held out {plain.mean():.3f}, mirrored {mirrored.mean():.3f}")
print(f"mirrored is worse for {(mirrored > plain).sum()} of {len(digits)}")

# %% [markdown]
# **Answer.** The errors of mirrored digits are larger, and some pictures are visibly wrong. Others are
# found nearly as well as digits. A mirrored 5 looks like a 2, this mirrored 2 like a 6; a mirrored 3
# like no digit. One example of each cannot say why. **A small error says that some $z$ makes the
# picture**, no more.

# %% [markdown] slideshow={"slide_type": "skip"}
# The best starts lie below the bars in *both* panels: the bars separate nothing. (And $G$ was trained on
# 60,000.) As an alarm for unusual events, this error would miss what can be imitated. A large error
# proves little: the four starts of one digit end at different heights. A search may have failed, or the
# generator lacks the picture.
# [Deeper: without the shell; a VAE's latent space; does the generator copy?](deeper/10_two_latents.ipynb)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Your turn: a walk
#
# Choose two digits, walk on the great circle between them, and stretch or shorten $z$. The ends are
# averages of all points read as one digit, put on the shell.
#
# Shorten $z$ to 0.3 of its length: is a digit left, and how sure is the classifier? (The saved page
# shows the start, at length 10.)
#
# <!-- notes: Without a live session use the saved picture. Let somebody in the class choose the
# digits. -->

# %% slideshow={"slide_type": "subslide"}
averages = to_shell(np.stack([pool[pool_class == k].mean(0) for k in range(10)]))
anchors = dict(enumerate(averages))
digit_walk(decode, reader.probabilities, anchors, radii, curve, (3, 9, 0.5))

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: an image halfway between 3 and 9; the probabilities of classes; the curve of Fréchet
# distances with a cross at this length.*

# %% [markdown] slideshow={"slide_type": "skip"}
# All ten averages at length 3, ten random directions at that length, and random greys in every pixel
# (*static*):

# %% slideshow={"slide_type": "subslide"}
rows = {"averages": decode(0.3 * averages), "random": decode(3 * directions[:10])}
rows["static"] = np.random.default_rng(0).random((10, 28, 28, 1)).astype(np.float32)
for name, x in rows.items():
    print(f"{name}: {reader.probabilities(x).max(1).mean():.0%} sure on average")
labelled_rows(rows)

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: three rows of ten images: digits, scraps, static.*

# %% [markdown]
# **At 0.3 of the length** the averages are still clear digits. Random directions give fainter
# pictures, many of them scraps. The confidence is a bad judge: the classifier is rather sure of scraps
# and static, too. It can say *which* of ten digits, and not *whether* there is one.

# %% [markdown] slideshow={"slide_type": "skip"}
# So the curve does not hold for all directions. Why averages bear the short length, and why the
# classifier is so *sure*, we have not tested.

# %% [markdown] slideshow={"slide_type": "skip"}
# ## What could go wrong
#
# - **Leaving the shell unnoticed.** Scaling, averaging and straight lines change $|z|$. Print it.
# - **A direction judged on the points that made it.** A regression with a hundred numbers fits
#   anything on few points.
# - **A rate of success without a control.**

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Summary
#
# 1. A hundred random numbers lie near a shell of radius 10.
# 2. The direction chooses the digit; a control may acquit the length.
# 3. A handle changes what it was made for, and other things too.
# 4. Arithmetic has a rate of success; so has its control.
# 5. A generator can be inverted; no error is a proof.

# %% [markdown] slideshow={"slide_type": "skip"}
# And the first question? The prior is the same in all directions, so it singles out no number; whether
# $G$ does, exercise 1 asks. Directions mean something if they go with something measured: the slant.

# %% [markdown] slideshow={"slide_type": "skip"}
# ## Exercises
#
# [The set of this lesson](exercises/10_latent_space.ipynb) has stubs and checks; the questions here
# have none.
#
# 1. *Easy, 15 minutes.* Change one number of $z$ from $-3$ to 3 and hold the others fixed, for five
#    numbers and a hundred points. How often does the class change, compared with a random direction?
# 2. *Medium, 20 minutes.* Measure the share of ink in the upper half of an image. What is the $R^2$ of
#    $z$ for it, and is its direction a clean handle?
# 3. *Hard, 40 minutes.* Invert fifty digits that the generator was trained on and fifty held-out ones.
#    Do the best errors differ beyond their standard errors?

# %% [markdown] slideshow={"slide_type": "skip"}
# ## References
#
# - T. White, *Sampling generative networks*, 2016,
#   [arXiv:1609.04468](https://arxiv.org/abs/1609.04468).
# - A. Radford, L. Metz and S. Chintala, *Unsupervised representation learning with deep
#   convolutional generative adversarial networks*, 2016,
#   [arXiv:1511.06434](https://arxiv.org/abs/1511.06434).
