# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown] slideshow={"slide_type": "slide"}
# # 0 · Start here
#
# Open in [Colab](https://colab.research.google.com/github/generative-models/executed/blob/v0.2.0/notebooks/00_start_here.ipynb) or on [Binder](https://mybinder.org/v2/gh/generative-models/executed/v0.2.0?urlpath=lab/tree/notebooks/00_start_here.ipynb).
#
# How does one learn to draw what nature draws? And how does one *know* that one has learnt
# it? One of these rows was written by people. One was made by a **VAE** (variational
# autoencoder), and one by a **GAN** (generative adversarial network).

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
# @title Set-up: two trained models, and ten digits from each
import numpy as np
import torch

from course_utils.__main__ import report
from course_utils.data.mnist import load_mnist
from course_utils.figures.digit_rows import labelled_rows
from course_utils.figures.route import course_map, hidden_point
from course_utils.figures.style import use_course_style
from course_utils.pytorch.device import to_images
from course_utils.pytorch.gan import generate
from course_utils.pytorch.networks import Generator
from course_utils.pytorch.vae import ConvVAE
from course_utils.pytorch.weights import load_pretrained
from course_utils.widgets.frame import explore, slider

use_course_style()
gan = load_pretrained(Generator(), "dcgan", part="generator")
vae = load_pretrained(ConvVAE(), "conv_vae")
rng = np.random.default_rng(0)


def decode(z):
    """The VAE's mean pictures of latent points (n, 2)."""
    with torch.inference_mode():
        return to_images(vae.decode(torch.tensor(z, dtype=torch.float32)))


one = generate(gan, rng.standard_normal((10, 100)))
two = decode(rng.standard_normal((10, 2)))
three = load_mnist("test").x[:10]

# %% [markdown] slideshow={"slide_type": "skip"}
# No digit was chosen: the first ten that came are shown.

# %%
labelled_rows({"A": one, "B": two, "C": three})

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: three rows of ten handwritten-looking digits, A, B and C.*

# %% [markdown]
# **Predict before you run** more: which is which? The answer stands further below.
#
# <!-- notes: Let everybody write down three letters before you go on. Come back to them
# under "Which is which?". -->

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The route
#
# There are two ways to learn. One raises a lower bound on $\log p(x)$, where $p(x)$ is the
# density that a model gives to the data. The other wins a game against a network that tells
# data from fakes. Two judges come last: physics, and an exact loss. Grey lessons are still
# being written.

# %%
course_map(
    {
        "Raise a bound": [
            (1, "ELBO"),
            (2, "noise,\ngradients"),
            (3, "a VAE\nin nats"),
            (4, "a plane\nof digits"),
        ],
        "Win a game": [
            (5, "the\ngame"),
            (6, "does it\nsettle?"),
            (7, "mode\ncollapse"),
            (8, "DCGAN,\nKeras"),
            (9, "DCGAN,\nPyTorch"),
            (10, "latent\nspace"),
        ],
        "Then be judged": [(11, "spins:\nphysics"), (12, "chains:\nexact loss")],
    },
    judges=["Then be judged"],
)

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: three lanes of boxes. Lessons 1 to 4 raise a bound, 5 to 10 win a game, 11 and 12
# judge.*

# %% [markdown] slideshow={"slide_type": "skip"}
# | lesson | what it answers |
# |---|---|
# | [1 · The ELBO](01_elbo.ipynb) (evidence lower bound) | What is maximized, and how far is it from $\log p(x)$? |
# | [2 · The reparameterization trick](02_reparameterization.ipynb) | How does a gradient pass through a random number? |
# | [3 · A VAE in PyTorch](03_vae_pytorch.ipynb) | How good is a model of digits, in nats? |
# | [4 · A convolutional VAE in Keras](04_vae_keras.ipynb) | What does a latent space of two dimensions show, and hide? |
# | [5 · The GAN game](05_gan_game.ipynb) | Can a model learn from being told apart? |
# | [6 · Does the game settle?](06_game_settles.ipynb) | Do two players who learn from each other come to rest? |
# | [7 · Mode collapse](07_mode_collapse.ipynb) | Does a GAN draw everything that there is to draw, or only a part? |
# | [8 · A deep convolutional GAN (DCGAN) in Keras](08_dcgan_keras.ipynb) | What is each layer of a DCGAN for, and can its training be trusted? |
# | [9 · The same DCGAN in PyTorch](09_dcgan_pytorch.ipynb) | Is the same network in another framework the same network? |
# | [10 · Walking through latent space](10_latent_space.ipynb) | What do the hundred numbers behind a digit mean? |
# | [11 · Ising](11_ising.ipynb) | Can a network draw from a law of physics, and what does it miss? |
# | [12 · Diffusion](12_diffusion.ipynb) | How low can a loss fall, and what does a chain of small steps draw? |
#
# Two judges come last. In lesson 11 it is physics: a lattice of spins, whose true averages
# can be computed. In lesson 12 it is an exact loss. A third kind of model, diffusion, makes
# data from noise in a chain of small steps. It is held against the best loss that any such
# model can have.
#
# Formulas fit on a page: [the ELBO's](elbo_on_a_page.ipynb), [GANs](gans_on_a_page.ipynb),
# [Ising](ising_on_a_page.ipynb), [diffusion](diffusion_on_a_page.ipynb). The
# [bug clinic](exercises/bug_clinic.ipynb) is open from lesson 7 on.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Which is which?
#
# **Answer.** The GAN of lessons 8 and 9 made A, the VAE of lesson 4 made B. People wrote C.
# The VAE gives each pixel a mean, and we show means. Drawing the pixels adds static (lesson 3).
#
# Your eye does not see what a model never makes, nor how probable the model finds the data.
#
# <!-- notes: Count who had A and C the wrong way round. Ask how one would find out with a
# million digits and no eye. -->

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A slider that works
#
# A **generative model** is a recipe for making data: draw hidden numbers at random, and let a
# network turn them into data. A VAE calls this network **decoder**, a GAN **generator**. The
# VAE of lesson 4 has two hidden numbers. Choose *Run → Run All Cells*, then move them.
#
# <!-- notes: Let the class find a place where one digit turns into another. Ask what the
# picture in between is. -->

# %%
explore(
    lambda z1, z2: hidden_point(np.array([z1, z2]), decode([[z1, z2]])[0]),
    z1=slider("first hidden number", 0.5, -3, 3, 0.1),
    z2=slider("second hidden number", 0.5, -3, 3, 0.1),
)

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: left, a dot in a plane, with circles at one, two and three standard deviations of
# the hidden numbers. Right, the digit that the decoder makes of the dot.*

# %% [markdown] slideshow={"slide_type": "skip"}
# (A saved page shows the first picture alone.) Physicists write such recipes all the time and
# call them simulations. Here the recipe itself is learnt, from data. Why should one model how
# data arise, instead of only predicting labels? Kingma and Welling (2019) give three reasons.
#
# - **A recipe can contain what we know**: a conservation law, a symmetry, a constraint.
# - **What we do not care about becomes noise**: the hiss of a detector, the angle of a pen.
#   Nuisances need no theory, only a distribution.
# - **Causes carry over better than correlations.** A recipe that has the mechanism right can
#   still hold where no data were taken.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What this machine has
#
# Click into the next cell and press **Shift + Enter**. The cell runs, and the cursor moves
# on.

# %%
print(report())

# %% [markdown] slideshow={"slide_type": "skip"}
# If that printed versions and no error, the installation works. The two rows
# "computes on" say whether a GPU is used. In the `lecture` budget (explained below) a CPU is
# enough for every lesson; a GPU is used when there is one. Once the course is installed, no
# lesson needs the internet, unless you ask for all of MNIST, the set of digits.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## How the notebooks work
#
# - **Run them from the top**: *Run → Run All Cells*, or cell by cell.
# - **Predict first**, and write it down.
# - **Nothing is merely asserted.** Formulas are evaluated, models held against exact answers,
#   numbers have error bars.
# - **Folded cells** hold checks and set-up. A click on the dots opens one.

# %% [markdown] slideshow={"slide_type": "skip"}
# - **Deeper.** Links lead to pages with what a lesson leaves out: proofs, controls,
#   measurements.
# - **Budgets.** The environment variable `COURSE_BUDGET` sets the size of everything:
#   `smoke` takes seconds, `lecture` (the default) minutes, `full` wants a GPU or a night.
#   To change it for one notebook, put these two lines into a new first cell:
#   `import os` and `os.environ["COURSE_BUDGET"] = "smoke"`.
# - **Definitions.** A network or a loss appears in full in one lesson. The course package
#   has the same lines (a test compares them), and later lessons import it.
# - **Exercises.** Each lesson has a set with stubs to fill in, and checks that say in a
#   sentence what is not right yet ([the first](exercises/01_elbo.ipynb)). The
#   [bug clinic](exercises/bug_clinic.ipynb) has nine programs that run and are wrong.
#   `python -m course_utils progress` counts what you have solved.
#   Keep your answers in a copy of your own (*File → Save Notebook As…*).
# - **Projects.** Four [projects](projects/) take longer: a question, data, a number to reach.
# - **Close what you have left.** Each open notebook keeps its kernel and its memory.
#   *Kernel → Shut Down All Kernels* helps before the next lesson, above all on Binder.

# %% [markdown] slideshow={"slide_type": "skip"}
# ## Symbols
#
# | symbol | meaning | in the code |
# |---|---|---|
# | $x$ | an observation, often an image with pixels in $[0, 1]$ | `x` |
# | $z$ | the latent (hidden) vector behind it; some write $h$ | `z` |
# | $p(z)$ | the prior, $\mathcal N(0, I)$ unless said otherwise | |
# | $p_\theta(x \mid z)$ | the likelihood, made by the decoder | `log_likelihood` |
# | $p_\theta(z \mid x)$ | the true posterior, usually out of reach | |
# | $q_\phi(z \mid x)$ | the approximate posterior, made by the encoder | `mu, logvar` |
# | $w(z)$ | a weight, $p_\theta(x, z)/q_\phi(z \mid x)$ | `log_w` |
# | $\theta$, $\phi$ | parameters of the decoder (or generator), of the encoder | |
# | $\mu$, $\sigma$ | mean and standard deviation of $q$; `logvar` is $\log \sigma^2$ | `mu`, `logvar` |
# | $\epsilon$ | standard normal noise | `epsilon` |
# | $\mathrm{KL}(a \,\Vert\, b)$ | Kullback-Leibler divergence, in nats, always written so | `kl` |
# | $G_\theta$, $q_\theta(x)$ | a GAN's generator, and the density of its samples: $q$ with $\theta$ is about data, $q$ with $\phi$ about hidden numbers | `generator` |
# | $D$ | a discriminator, and nothing else: its estimate of the probability that $x$ is real | `discriminator` |
# | $\psi$, $\ell_\psi(x)$ | a discriminator's parameters; its logit, $\log D - \log(1 - D)$ | `logits` |
# | $\mathbb E_{q_\phi}[\cdot]$ | mean over $z \sim q_\phi(z \mid x)$; $\mathbb E_q$ for short | |
#
# Logarithms are natural, and their unit is called **nat**. Log-likelihoods, KLs and bounds are in
# nats, summed over pixels and latent dimensions, one value an image. Images are arrays of
# float32 in $[0, 1]$ of shape `(n, height, width, channels)`. Encoders return `(mu, logvar)`;
# decoders return logits, the numbers that a sigmoid turns into pixels.

# %% [markdown] slideshow={"slide_type": "skip"}
# ## For lecturers
#
# **A lesson from 1 on fills forty-five minutes.** If you have time for two lessons, take 1 and
# 3; for four, 1 to 4; for six, 1, 2, 3, 5, 7 and 10. All can be run live in the `lecture`
# budget.
#
# **Slides.** `make slides` writes each lesson as slides that open in a browser without a
# network. Space or a clicker goes on; where the class should predict first, the answer waits
# for one more press. With `?print-pdf` behind the file's name the browser prints a handout.
# What stands on the slides is set by the slide type beside each cell (in JupyterLab, the
# gear wheels at the right). What to ask the class stands in comments in the lessons' scripts.
#
# **Solutions** of the exercises are in [solutions](solutions/), run by the tests. Beside them
# stands [how to grade a class](solutions/README.md) with one command. [A page for
# lecturers](for_lecturers.md) has each lesson minute by minute, homework, and a class server.
#
# The course follows week 14 of M. Hjorth-Jensen's *Advanced machine learning and data
# analysis for the physical sciences* (Oslo, April 2024):
#
# | heading there | here |
# |---|---|
# | Motivation from Kingma and Welling | this page |
# | Mathematics of VAEs, Using the KL divergence, Kullback-Leibler again | lesson 1 |
# | And applying Bayes rule, Rearranging, Inferring the probability | lesson 1 |
# | Central equation of VAEs, Setting up SGD, More on the SGD, Simplification | lesson 1 and [a deeper page](deeper/01_encoders.ipynb) |
# | Terms to compute | lesson 1 |
# | Computing the gradients | lesson 2 |
# | Code in PyTorch for VAEs | lesson 3 |
# | Code examples using Keras | lesson 4 |
# | What is a GAN?, What is a generator network?, And what is a discriminator network? | lesson 5 |
# | Applications of GANs, Generative Adversarial Networks, Discriminator | lesson 5 |
# | Zero-sum game, Maximizing reward, Progression in training, Default choice | lessons 5 and 6 |
# | Design of GANs, More references | lesson 5 |
# | Writing Our First Generative Adversarial Network | lessons 8 and 9 |
# | Exploring the Latent Space | lesson 10 |

# %% [markdown] slideshow={"slide_type": "skip"}
# ## Reading
#
# - I. Goodfellow, Y. Bengio and A. Courville, *Deep Learning*, 2016, sections 20.10 to
#   20.14, [deeplearningbook.org](https://www.deeplearningbook.org).
# - C. Luo, *Understanding Diffusion Models: A Unified Perspective*, 2022,
#   [calvinyluo.com](https://calvinyluo.com/2022/08/26/diffusion-tutorial.html): its first
#   half derives the VAE once more, and leads on from it.
# - D. P. Kingma and M. Welling, *An Introduction to Variational Autoencoders*, 2019,
#   [arXiv:1906.02691](https://arxiv.org/abs/1906.02691).
