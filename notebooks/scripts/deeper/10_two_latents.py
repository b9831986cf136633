# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Deeper: two latent spaces, averages, and a search for copies
#
# Open in [Colab](https://colab.research.google.com/github/generative-models/executed/blob/v0.2.0/notebooks/deeper/10_two_latents.ipynb) or on [Binder](https://mybinder.org/v2/gh/generative-models/executed/v0.2.0?urlpath=lab/tree/notebooks/deeper/10_two_latents.ipynb).
#
# [Lesson 10](../10_latent_space.ipynb) walks through the latent space of a GAN. This page puts the
# VAE of lesson 4 beside it: the same prior, the same questions, two numbers instead of a hundred. It
# also asks how many points an average needs, and whether the generator copies what it was shown.

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
# @title Set-up: libraries, digits, both models
import numpy as np
import torch
from scipy.stats import chi

from course_utils.budget import budget
from course_utils.data.latent import to_shell
from course_utils.data.mnist import load_mnist
from course_utils.figures.digit_rows import labelled_rows
from course_utils.figures.style import use_course_style
from course_utils.metrics.classifier import DigitClassifier
from course_utils.metrics.digits import digit_scores, memorized_share, nearest_digits
from course_utils.metrics.strokes import slant
from course_utils.pytorch.device import evaluating, to_images, to_numpy, to_tensor
from course_utils.pytorch.gan import generate
from course_utils.pytorch.networks import Generator
from course_utils.pytorch.vae import ConvVAE
from course_utils.pytorch.weights import load_pretrained

use_course_style()
generator = load_pretrained(Generator(), "dcgan", part="generator")
vae = load_pretrained(ConvVAE(), "conv_vae")
train, test = load_mnist("train"), load_mnist("test")
reader = DigitClassifier()
samples = budget(smoke=120, lecture=500, full=5_000)  # for each score
pool_size = budget(smoke=1_000, lecture=2_000, full=40_000)
trials = budget(smoke=10, lecture=20, full=400)  # of each average, for each class
starts, iterations = budget(smoke=(2, 15), lecture=(2, 150), full=(16, 1_000))

# %% [markdown]
# ## Two numbers have no shell
#
# The length of a point of the prior, for several numbers of dimensions:

# %% tags=["nbval-check-output"]
for d in (2, 10, 100):
    low, high = chi.ppf([0.005, 0.995], d)
    print(f"{d:3} dimensions: |z| = {chi.mean(d):5.2f} +- {chi.std(d):.2f},", end=" ")
    print(f"99 % between {low:.2f} and {high:.2f}")

# %% [markdown]
# In a hundred dimensions the length of a sample tells nothing, because it is always nearly the
# same. In two it ranges from the centre to the rim, and a straight line between two samples stays
# where there are others. So in the plane of lesson 4 one may walk straight.


# %%
@torch.inference_mode()
def vae_decode(z):
    return to_images(vae.decode(torch.tensor(z, dtype=torch.float32)))


@torch.inference_mode()
def vae_encode(x):
    return to_numpy(vae.encoder(to_tensor(x))[0])


gan_z = np.random.default_rng(1).standard_normal((pool_size, 100))
vae_z = np.random.default_rng(6).standard_normal((pool_size, 2))
gan_x = generate(generator, gan_z)
vae_x = np.concatenate([vae_decode(part) for part in np.array_split(vae_z, 10)])
labelled_rows({"GAN": gan_x[:12], "VAE": vae_x[:12], "real": train.x[:12]})

# %% [markdown]
# *Figure: three rows of twelve digits: the GAN's with sharp strokes; the VAE's soft and blurred;
# real ones.*
#
# ## The same questions to both
#
# For samples of the prior: the Fréchet distance, the entropy of the shares of classes, and the
# classifier's confidence, beside what as many real digits have. For directions: how much of the
# slant is a linear function of $z$, on points that the regression has not seen. And for going
# backwards: how well six held-out digits are rebuilt. The VAE has an encoder for that. The GAN is
# inverted by descent, as in the lesson.


# %%
def linear_share(z, x):
    design, half = np.column_stack([np.ones(len(z)), z]), len(z) // 2
    value = slant(x)
    c = np.linalg.lstsq(design[:half], value[:half], rcond=None)[0]
    return 1 - (value[half:] - design[half:] @ c).var() / value[half:].var()


def invert(x, keep_length=True):
    goal = to_tensor(x).repeat_interleave(starts, 0)
    z = torch.tensor(gan_z[: len(goal)], dtype=torch.float32, requires_grad=True)
    optimizer = torch.optim.Adam([z], lr=0.1)
    with evaluating(generator):
        for _ in range(iterations):
            square = (0.5 * (generator(z) + 1) - goal).square().mean((1, 2, 3))
            optimizer.zero_grad()
            square.sum().backward(inputs=[z])
            optimizer.step()
            if keep_length:
                z.data *= 10 / z.data.norm(dim=1, keepdim=True)
    errors = to_numpy(square.sqrt()).reshape(-1, starts)
    return errors, np.linalg.norm(to_numpy(z), axis=1)


goals = np.stack([test.x[test.y == digit][0] for digit in (2, 3, 4, 5, 7, 9)])
held, _ = invert(goals)
rebuilt = np.sqrt(np.square(vae_decode(vae_encode(goals)) - goals).mean((1, 2, 3)))
rows = {
    "GAN": (gan_x[:samples], linear_share(gan_z, gan_x), held.min(1)),
    "VAE": (vae_x[:samples], linear_share(vae_z, vae_x), rebuilt),
}
print("        Fréchet  entropy  confidence  R² slant  error rebuilt")
for name, (x, share, error) in rows.items():
    s = digit_scores(x, train.x)
    print(f"{name:5}{s.frechet.value:10.1f}{s.entropy.value:9.3f}", end="")
    print(f"{s.confidence.value:12.3f}{share:10.2f}{error.mean():15.3f}")
print(f"real {s.frechet.floor:10.1f}{s.entropy.floor:9.3f}", end="")
print(f"{s.confidence.floor:12.3f}")
near = nearest_digits(goals, train.x)[0].mean() / 28
print(f"the nearest training digit is {near:.3f} away")

# %% [markdown]
# The VAE's samples are far from real digits: fewer classes, and no sharp stroke. Its slant is as
# linear in $z$ as the GAN's. With two numbers it rebuilds a digit no better than the nearest of 10,000
# training digits would, in one pass through its encoder. The GAN has a hundred numbers, many steps
# and several starts for it. So the last column compares more than two models.

# %% tags=["proof"] jupyter={"source_hidden": true}
# @title What the text says of the table
if samples >= 500:
    assert digit_scores(vae_x[:samples], train.x).frechet.value > 50
    assert rows["GAN"][2].mean() < near < 1.3 * rebuilt.mean()

# %% [markdown]
# ## Backwards, without the shell
#
# The lesson puts $z$ back on the shell after each step. What if one does not? Nothing in the squared
# error tells a free descent about the prior. The same digits and starts, beside the descent on the
# shell:

# %%
shell = chi.ppf([0.005, 0.995], 100)
free, lengths = invert(goals, keep_length=False)
is_on = (shell[0] < lengths) & (lengths < shell[1])
print("          all starts   best start    |z|   on the shell")
print(f"free    {free.mean():12.3f}{free.min(1).mean():13.3f}", end="")
print(f"{lengths.mean():7.1f}{is_on.mean():15.0%}")
print(f"on shell{held.mean():12.3f}{held.min(1).mean():13.3f}{10:7.1f}{1:15.0%}")

# %% [markdown]
# Most free searches leave the shell outwards. A small error out there says that *some* $z$ makes the
# picture, and not that the generator would ever draw it. To stay on the shell costs little or
# nothing here. Whether starts that ended high are stuck, more steps would tell.

# %% tags=["proof"] jupyter={"source_hidden": true}
# @title Free searches leave the shell, and the shell costs little
if iterations >= 150:
    assert is_on.mean() < 0.5 < 11 / lengths.mean() < 1
    assert held.min(1).mean() < 1.2 * free.min(1).mean()

# %% [markdown]
# ## How many points make an average?
#
# Radford et al. (2016) averaged three points for each term of their arithmetic; single ones were
# unstable. Here $k$ points of one class are averaged. Is the class still read, as the average is, and
# put back on the shell? The mean of $k$ nearly orthogonal points has a length near $10/\sqrt k$.

# %%
gan_class = reader.probabilities(gan_x).argmax(1)
rng, labels = np.random.default_rng(5), np.repeat(np.arange(10), trials)
sizes, success = (1, 2, 3, 5, 10), {"as they are": [], "on the shell": []}
for k in sizes:
    chosen = [rng.choice(np.flatnonzero(gan_class == label), k) for label in labels]
    average = gan_z[np.array(chosen)].mean(axis=1)
    for name, z in zip(success, (average, to_shell(average))):
        read = reader.probabilities(generate(generator, z)).argmax(1)
        success[name].append(np.mean(read == labels))
error = np.sqrt(0.25 / len(labels))  # at most
print("points averaged", *(f"{k:5}" for k in sizes), f"  (± {error:.1%} at most)")
for name, shares in success.items():
    print(f"{name:15}", *(f"{share:5.0%}" for share in shares))

# %% [markdown]
# One point "as it is" is read as its class by construction. Two points are the worst case: they give
# the middle between two digits, which may belong to a third. With more of them the average becomes
# typical of its class.
#
# That a class has directions at all shows in the length of the averages. If the class had nothing to
# do with $z$, the average of $n$ points would have a length near $\sqrt{100/n}$.

# %%
means = np.stack([gan_z[gan_class == k].mean(axis=0) for k in range(10)])
chance = np.sqrt(100 / np.bincount(gan_class, minlength=10))
print("class ", *(f"{k:5}" for k in range(10)))
print("length", *(f"{v:5.2f}" for v in np.linalg.norm(means, axis=1)))
print("chance", *(f"{v:5.2f}" for v in chance))
x = generate(generator, means)
labelled_rows({"on the shell": generate(generator, to_shell(means)), "as they are": x})

# %% [markdown]
# *Figure: two rows of ten digits from averages of the classes 0 to 9. As they are, with lengths below
# 2, most are still readable, and paler.*

# %% tags=["proof"] jupyter={"source_hidden": true}
# @title Longer than chance
assert (np.linalg.norm(means, axis=1) > 1.3 * chance).all()

# %% [markdown]
# These are special directions: at the length 2 random ones show hardly any ink.
#
# ## Does the generator copy?
#
# Of new real digits 1 % are nearer to one of 10,000 training digits than a certain distance; that is
# how the distance is chosen. How many generated digits are? A generator that copies must give
# itself away, but how clearly? Ours was trained on 60,000 digits and the check knows 10,000 of them.
# A copier returns one of the known ones with probability 1/6, at distance zero; its other copies are as
# near as new digits are.

# %%
known = len(train.x) / 60_000
copier = known + (1 - known) * 0.01
print(f"a copier of all 60,000 would score {copier:.1%}")
for name, x in {"GAN": gan_x, "VAE": vae_x}.items():
    print(f"{name}: {memorized_share(x[:samples], train.x, test.x)}")

# %% [markdown]
# The GAN shows no sign of copying: its share is far from a copier's. Less than 1 % is no merit,
# either. Copies raise the share, but broken or blurred samples lower it, since they are far from every
# digit. And a generator that copied a few digits and invented the rest would not be noticed.
#
# We can check the copier's share by making one, from digits that stand for what the check does not
# know: a sixth from the training sample, the rest from the held-out one.

# %%
rng = np.random.default_rng(8)
half = len(test.x) // 2
is_known = rng.random(samples) < known
copies = np.where(
    is_known[:, None, None, None],
    train.x[rng.integers(len(train.x), size=samples)],
    test.x[rng.integers(half, size=samples)],
)
share = memorized_share(copies, train.x, test.x[half:])
print(
    f"a copier scores {share.value:.1%} ± {np.sqrt(copier * (1 - copier) / samples):.1%}"
)

# %% tags=["proof"] jupyter={"source_hidden": true}
# @title Within four standard errors of what was expected
error = np.sqrt(copier * (1 - copier) / samples + share.floor_sd**2)
assert abs(share.value - copier) < 4 * error

# %% [markdown]
# **References.** A. Radford, L. Metz and S. Chintala, *Unsupervised representation learning with deep
# convolutional generative adversarial networks*, 2016,
# [arXiv:1511.06434](https://arxiv.org/abs/1511.06434). A. Creswell and A. Bharath, *Inverting the
# generator of a generative adversarial network*, 2016,
# [arXiv:1611.05644](https://arxiv.org/abs/1611.05644).
