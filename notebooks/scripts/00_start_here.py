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
# A course on deep generative models for students of the physical sciences. Its rule:
# *nothing is merely asserted*. Each formula is evaluated beside itself, each model is
# held against an exact answer where there is one, and each number comes with its error.

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

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Is this machine ready?
#
# Click into the next cell and press **Shift + Enter**. The cell runs, and the cursor
# moves on.

# %%
from course_utils.__main__ import report

print(report())

# %% [markdown]
# If that printed versions and no error, everything works. A CPU is enough for every
# lesson; a GPU is used when there is one. All lessons run without a network.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Why generative models?
#
# A classifier learns where one kind of thing ends and another begins. A *generative*
# model learns how things come about: it is a recipe that, run forwards, makes new data.
# Physicists write such recipes all the time and call them simulations. Three reasons to
# want one, after the opening of Kingma and Welling (2019):
#
# - **A recipe can contain what we know.** A conservation law, a symmetry or a constraint
#   goes straight into the process.
# - **What we do not care about becomes noise.** Reaction times, detector hiss, the angle
#   of the pen: nuisances need no theory, only a distribution.
# - **Causes carry over, correlations may not.** A recipe that has the mechanism right
#   still holds where no data were taken.
#
# The third can be seen in ten lines. Someone drops stones from many heights and stops
# the fall by hand. The law is $t = \sqrt{2h/g}$; the nuisance is a reaction time.

# %% slideshow={"slide_type": "subslide"}
import matplotlib.pyplot as plt
import numpy as np

from course_utils.figures.style import use_course_style
from course_utils.widgets.frame import explore, slider

use_course_style()


def drop(height, g, rng):
    reaction = rng.normal(0.0, 0.15, size=height.shape)
    return np.sqrt(2 * height / g) + reaction


# %% [markdown] slideshow={"slide_type": "subslide"}
# On Earth we fit both a cubic polynomial, which knows nothing, and the recipe, whose one
# unknown is $g$. Then both are taken to the Moon, where gravity is six times weaker. The
# recipe is told so; there is nothing that the polynomial could be told.
#
# **Predict before you run.** How far off will the polynomial be for a fall of 40 metres?

# %% tags=["nbval-check-output"]
rng = np.random.default_rng(0)
height = rng.uniform(1, 50, size=300)
seconds = drop(height, 9.81, rng)
cubic = np.polynomial.Polynomial.fit(height, seconds, 3)
# least squares for t = slope sqrt(h)
slope = np.sqrt(height) @ seconds / height.sum()
g = 2 / slope**2
moon = np.sqrt(2 * 40 / (g / 6.05))
print(f"g from the recipe: {g:.2f} m/s^2")
truth = np.sqrt(2 * 40 / 1.62)
print(f"40 m on the Moon: recipe {moon:.1f} s, ", end="")
print(f"cubic {cubic(40):.1f} s, truth {truth:.1f} s")

# %% [markdown]
# The polynomial misses by a factor of two and a half. The picture shows why: it had only
# the cloud of Earth's points to go by. **Run all cells up to it, then move the
# slider** to Mars (0.38) or Jupiter (2.5). The recipe is told the gravity, and goes there too.

# %% slideshow={"slide_type": "subslide"}
grid = np.linspace(1, 50, 100)


def compare(gravity):
    there = drop(height[:40], 9.81 * gravity, np.random.default_rng(1))
    figure, axes = plt.subplots()
    axes.plot(height, seconds, ".", color="0.6", label="measured on Earth")
    axes.plot(grid, cubic(grid), label="cubic, everywhere")
    axes.plot(grid, np.sqrt(2 * grid / g), label="recipe, Earth")
    axes.plot(grid, np.sqrt(2 * grid / (g * gravity)), label="recipe, there")
    axes.plot(height[:40], there, "k+", label="measured there")
    axes.set(xlabel="height (metres)", ylabel="fall (seconds)", ylim=(0, 11))
    axes.set_title(f"gravity {gravity:.2f} times that on Earth")
    axes.legend(ncols=2)
    plt.close(figure)
    return figure


explore(compare, gravity=slider("gravity", 0.165, 0.1, 2.5, 0.005))

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: fall time against height. Points and both fits agree on Earth. The Moon's
# points lie more than twice as high; only the recipe with the Moon's gravity meets them.*

# %% [markdown]
# Digits have no law like that. There the recipe itself must be learnt, from a latent
# vector $z$ to a picture $x$. How that is done, and how well, is this course.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The route
#
# | lesson | what it answers |
# |---|---|
# | [1 · The evidence lower bound](01_elbo.ipynb) | What is maximized, and how far is it from $\log p(x)$? |
# | [2 · The reparameterization trick](02_reparameterization.ipynb) | How does a gradient pass through a random number? |
# | [3 · A VAE in PyTorch](03_vae_pytorch.ipynb) | How good is a model of digits, in nats? |
# | [4 · A convolutional VAE in Keras](04_vae_keras.ipynb) | What does a latent space of two dimensions show, and hide? |
# | [5 · The GAN game](05_gan_game.ipynb) | Can a model learn from being told apart? |
# | [6 · Does the game settle?](06_game_settles.ipynb) | Do two players who learn from each other come to rest? |
# | [7 · Mode collapse](07_mode_collapse.ipynb) | Does a GAN draw everything that there is to draw? |
# | [8 · A convolutional GAN in Keras](08_dcgan_keras.ipynb) | What is each layer of a DCGAN for, and can its training be trusted? |
# | [9 · The same DCGAN in PyTorch](09_dcgan_pytorch.ipynb) | Is the same network in another framework the same network? |
# | [10 · Walking through latent space](10_latent_space.ipynb) | What do the hundred numbers behind a digit mean? |

# %% [markdown] slideshow={"slide_type": "subslide"}
# Running a lesson takes a few minutes at most on two CPU cores (the README has the
# measured times); reading it takes about an hour. The formulas of lessons 1 and 2 fit
# [on a page](elbo_on_a_page.ipynb), and the [bug clinic](exercises/bug_clinic.ipynb)
# is open from lesson 7 on.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## How the notebooks work
#
# - **Run them from the top.** *Run → Run All Cells*, or cell by cell. The saved outputs
#   are there to read even where nothing runs.
# - **Predict before you run.** A wrong guess teaches more than a right page.
# - **Budgets.** The environment variable `COURSE_BUDGET` sets the size of everything:
#   `smoke` takes seconds, `lecture` (the default) minutes, `full` wants a GPU or a night.
#   To change it for one notebook, put these two lines into a new first cell:
#   `import os` and `os.environ["COURSE_BUDGET"] = "smoke"`.
# - **Definitions.** A network or a loss appears in full in one lesson. The course package
#   has the same lines (a test compares them), and later lessons import it.
# - **Exercises.** Each lesson has a set with stubs to fill in, and checks that say in a
#   sentence what is not right yet ([the first](exercises/01_elbo.ipynb)). The
#   [bug clinic](exercises/bug_clinic.ipynb) has eight programs that run and are wrong.
#   Keep your answers in a copy of your own (*File → Save Notebook As…*); in the lessons
#   add cells and try.
# - **Close what you have left.** Each open notebook keeps its kernel and its memory.
#   *Kernel → Shut Down All Kernels* helps before the next lesson, above all on Binder,
#   which gives one or two gigabytes.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Symbols
#
# | symbol | meaning | in the code |
# |---|---|---|
# | $x$ | an observation, here an image with pixels in $[0, 1]$ | `x` |
# | $z$ | the latent vector behind it (the lecture's $h$) | `z` |
# | $p(z)$ | the prior, $\mathcal N(0, I)$ unless said otherwise | |
# | $p_\theta(x \mid z)$ | the likelihood, made by the decoder | `log_likelihood` |
# | $p_\theta(z \mid x)$ | the true posterior, usually out of reach | |
# | $q_\phi(z \mid x)$ | the approximate posterior, made by the encoder | `mu, logvar` |
# | $\theta$, $\phi$ | parameters of the decoder (or generator), of the encoder | |
# | $\mu$, $\sigma$ | mean and standard deviation of $q$; `logvar` is $\log \sigma^2$ | `mu`, `logvar` |
# | $\epsilon$ | standard normal noise | `epsilon` |
# | $\mathrm{KL}(a \,\Vert\, b)$ | Kullback-Leibler divergence, in nats, always written so | `kl` |
# | $G_\theta$, $q_\theta(x)$ | a generator, and the density of its samples | `generator` |
# | $D$ | a discriminator, and nothing else: the probability that $x$ is real | `discriminator` |
# | $\psi$, $\ell_\psi(x)$ | a discriminator's parameters; its logit, $\log D - \log(1 - D)$ | `logits` |
# | $\mathbb E_q[\cdot]$ | mean over $z \sim q$ | |

# %% [markdown] slideshow={"slide_type": "subslide"}
# Logarithms are natural. Likelihoods, KLs and bounds are in nats, summed over pixels and
# latent dimensions, one value an image.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## For lecturers
#
# **Two times 45 minutes.** The first: lesson 1 to the central equation (25 minutes, with
# the sliders of the one-dimensional posterior), then lesson 2 to the figure of the
# variances (20). The second: lesson 3, from "The model in three distributions" to the
# unit-variance samples (20), the Bernoulli model and its pictures (15), the tighter bound
# (10). Everything can be run live in the `lecture` budget. With ten minutes to spare, show
# the map and the two manifolds of lesson 4, and let the class move the explorer's sliders.
#
# **Another two for GANs.** The first: lesson 5 to the value of the game at the best
# discriminator (20 minutes), then lesson 6, the Dirac-GAN with its phase plane (25). The
# second: what the losses of the small GAN do not say (10), then lesson 7: the ruler and the
# three cheats (15), the plain game's failures (10), the remedies and the record (10).
#
# **And two for images.** The first: lesson 8, the layers (20 minutes), the step with its two
# tapes (10), a training from scratch that runs while you talk, the film and the shipped
# weights (15). The second: from lesson 9 the table of defaults and the digits that each of
# them spoils (10), then lesson 10: the scan read closely (10), the shell (10), directions
# and arithmetic (10), and the walk for the class to play with.

# %% [markdown] slideshow={"slide_type": "subslide"}
# **Slides.** `make slides` writes each lesson as slides that open in a browser without a
# network. Space or a clicker goes on; where the class should predict first, the answer waits
# for one more press. With `?print-pdf` behind the file's name the browser prints a handout.
# What stands on the slides is set by the slide type beside each cell (in JupyterLab, the
# gear wheels at the right).
#
# **Solutions** of the exercises are in [solutions](solutions/), run by the tests.

# %% [markdown] slideshow={"slide_type": "subslide"}
# The course follows week 14 of M. Hjorth-Jensen's *Advanced machine learning and data
# analysis for the physical sciences* (Oslo, April 2024):
#
# | the lecture's heading | here |
# |---|---|
# | Motivation from Kingma and Welling | this page |
# | Mathematics of VAEs, Using the KL divergence, Kullback-Leibler again | lesson 1 |
# | And applying Bayes rule, Rearranging, Inferring the probability | lesson 1 |
# | Central equation of VAEs, Setting up SGD, More on the SGD, Simplification | lesson 1 |
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
