# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown] slideshow={"slide_type": "slide"}
# # 2 · The reparameterization trick: what it is and what it buys
#
# Open in [Colab](https://colab.research.google.com/github/generative-models/executed/blob/v0.2.0/notebooks/02_reparameterization.ipynb) or on [Binder](https://mybinder.org/v2/gh/generative-models/executed/v0.2.0?urlpath=lab/tree/notebooks/02_reparameterization.ipynb).
#
# ## The question
#
# A cloud of points lies in a valley. You push it a little to the right. **How does its
# mean height change?**
#
# In a variational autoencoder (VAE) the encoder chooses the cloud; the decoder is the
# landscape. *How does a gradient pass through a random number?*
#
# <!-- notes: Ask the class: how would you measure it, if you may only look at the
# points? Wait for both answers: count the points anew, or push them and look again. -->

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
# @title Set-up: what is imported
import copy
import math
from functools import partial

import numpy as np
import torch
import torch.nn.functional as F
from scipy.special import ndtri
from scipy.stats import norm
from torch import Tensor, nn
from torch.autograd import gradcheck
from torch.distributions import Bernoulli, Categorical, Normal

from course_utils.budget import budget
from course_utils.data.mnist import binarize, load_mnist
from course_utils.exact.estimators import gradient_variances, sine_gradient_variances
from course_utils.exact.linear_gaussian import LinearGaussian
from course_utils.figures import estimators, gradients
from course_utils.figures.diagrams import stochastic_node_diagram, vae_diagram
from course_utils.figures.digit_rows import labelled_rows
from course_utils.figures.style import use_course_style
from course_utils.pytorch.vae import kl_to_standard_normal
from course_utils.widgets.reparameterization import reparameterization_explorer

use_course_style()

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A cloud in a valley
#
# The valley is $f(z) = z^2$. The points come from the cloud
# $q = \mathcal N(\mu, \sigma^2)$, with centre $\mu$ and width $\sigma$. Their mean height
# is $\mathbb E_q[f(z)]$.

# %%
mu, sigma = 1.5, 1.0
line = np.linspace(-2.2, 4.2, 321)  # where curves are drawn
marks = ndtri((np.arange(11) + 0.5) / 11)  # eleven quantiles of the standard normal
z = mu + sigma * marks
q, q_moved = norm.pdf(line, mu, sigma), norm.pdf(line, mu + 0.5, sigma)
gradients.cloud_in_landscape((line, line**2), (z, z**2), q, q_moved)

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: eleven points on a parabola; below, the bell they come from, and the same bell
# half a unit further right.*

# %% [markdown] slideshow={"slide_type": "skip"}
# For this valley we know the answer. The mean of $z^2$ is $\mu^2 + \sigma^2$, so its
# slope in $\mu$ is $2\mu$, here 3. All estimates below will be held against it. In a VAE
# nobody knows the answer.
#
# ## Before you start
#
# Lesson 1 explains the evidence lower bound (ELBO); what is needed is repeated here. On
# two CPU cores this lesson runs in two minutes. These are all its sizes; the saved
# pictures were made with `lecture`.

# %% slideshow={"slide_type": "skip"}
draws = budget(smoke=100_000, lecture=1_000_000, full=4_000_000)
steps = budget(smoke=100, lecture=2_000, full=8_000)
seeds = budget(smoke=2, lecture=5, full=20)

# %% [markdown] slideshow={"slide_type": "skip"}
# ## You will be able to
#
# - estimate the gradient of a mean in two ways, and say what each must know of $f$;
# - look at a landscape and predict which of the two scatters more;
# - say when a gradient may be moved inside an expectation;
# - find a cut gradient that raises no error.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## First way: weigh the points anew
#
# Leave the points where they are. After the push, points on the right are more probable,
# points on the left less. So each counts by its ratio of densities, after to before.

# %%
z = mu + sigma * marks[::3]  # four of the eleven are enough to see it
weights = norm.pdf(z, mu + 0.5, sigma) / norm.pdf(z, mu, sigma)
gradients.weighed_points((line, line**2), (z, z**2), weights)

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: four points of different sizes; the further to the right a dot is, the larger
# it is, and the more it counts.*

# %% [markdown] slideshow={"slide_type": "skip"}
# Particle physicists do this with simulated events: one simulation, many theories, and a
# weight for each event.
#
# The picture's push is 0.5. Make it small: the weight's change per unit of push,
# $(q_\text{moved}/q - 1)/\text{push}$, tends to $(\partial q/\partial\mu)/q$. This is the slope of
# $\log q$ in $\mu$, called the **score**. Therefore

# %% [markdown]
# $$
# \frac{\partial}{\partial\mu} \int f(z)\, q(z)\, dz
# = \int f(z)\, \frac{\partial q}{\partial\mu}\, dz
# = \mathbb E_q\!\left[f(z)\, \frac{\partial \log q}{\partial\mu}\right],
# \qquad
# \frac{\partial \log q}{\partial\mu} = \frac{z - \mu}{\sigma^2} .
# $$
#
# This **score-function estimator** needs *values* of $f$ only.
#
# <!-- notes: Ask the class: why does the score have opposite signs left and right? Wait
# for: the push takes probability from the left and gives it to the right. -->

# %% [markdown] slideshow={"slide_type": "skip"}
# Reinforcement
# learning calls this estimator REINFORCE.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Second way: move the points
#
# Make each point from noise that knows nothing of $\mu$ and $\sigma$:
# $z = \mu + \sigma\epsilon$ with $\epsilon \sim \mathcal N(0, 1)$. Keep the noise and
# push $\mu$: every point slides along.

# %%
pushed = z + 0.5
gradients.moved_points((line, line**2), (z, z**2), (pushed, pushed**2))

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: four arrows along the parabola, from hollow dots to full dots half a unit further
# right.*

# %% [markdown]
# $$
# \mathbb E_q[f(z)] = \mathbb E_\epsilon[f(\mu + \sigma\epsilon)], \qquad
# \frac{\partial}{\partial\mu}\, \mathbb E_q[f] = \mathbb E_\epsilon[f'(z)], \qquad
# \frac{\partial}{\partial\sigma}\, \mathbb E_q[f] = \mathbb E_\epsilon[f'(z)\, \epsilon] .
# $$
#
# This is the **reparameterization trick**. The **pathwise** estimator needs *slopes* of
# $f$; so $f$ must not jump.

# %% [markdown] slideshow={"slide_type": "skip"}
# Now $\mu$ stands in the argument
# of $f$ and nowhere else, and the chain rule does the rest. (For several numbers,
# as in the next picture, the noise is $\mathcal N(0, I)$: each has its own.)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The gradient's way
#
# $\phi$ stands for all that sets the cloud, such as the weights of an encoder. The dashed
# arrows are the gradient's way back.

# %%
stochastic_node_diagram()

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: two graphs from the parameters to f. Where z itself is drawn, the gradient
# stops; where the noise comes from outside, it passes.*

# %% [markdown] slideshow={"slide_type": "skip"}
# On the left, the parameters are inside the dice. A drawn number has no slope. On the
# right, the dice come from outside, and $z$ is ordinary arithmetic that PyTorch can
# differentiate.
#
# <!-- notes: Ask the class: which arrow is missing on the left? They often say that the
# noise is the trouble. It is not: the noise is on the right, too. -->

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A few lines each
#
# Both functions get the same noise, and return one estimate for each point.


# %%
def score_function(f, mu, sigma, epsilon):
    z = mu + sigma * epsilon
    score = epsilon / sigma  # the slope of log q(z) in mu, with z held
    return f(z) * score


def pathwise(slope, mu, sigma, epsilon):
    z = mu + sigma * epsilon
    return slope(z)  # z moves as far as mu does


# %% [markdown] slideshow={"slide_type": "skip"}
# In this course encoders give $\log\sigma^2$, called `logvar`, which may be any number. So the
# whole trick is one line.


# %% tags=["mirrors"]
def reparameterize(mu: Tensor, logvar: Tensor, epsilon: Tensor) -> Tensor:
    return mu + torch.exp(0.5 * logvar) * epsilon


# %% [markdown] slideshow={"slide_type": "subslide"}
# Same mean, other scatter:

# %%
epsilon = np.random.default_rng(0).standard_normal(draws)
estimates = {
    "pathwise": pathwise(lambda z: 2 * z, mu, sigma, epsilon),
    "score function": score_function(np.square, mu, sigma, epsilon),
}
estimators.estimate_histograms(estimates, exact=2 * mu)

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: histograms of single estimates. Both have mean 3; the score function's long tail
# goes far beyond the picture.*

# %% tags=["proof"] jupyter={"source_hidden": true} slideshow={"slide_type": "skip"}
# @title Both means are right, and PyTorch finds the same path
for values in estimates.values():
    # chance alone exceeds five standard errors once in 1.7 million
    assert abs(values.mean() - 2 * mu) < 5 * values.std() / draws**0.5
parameters = torch.tensor([mu, 2 * math.log(sigma)], dtype=torch.float64)
parameters.requires_grad_()
reparameterize(*parameters, torch.from_numpy(epsilon)).square().mean().backward()
in_logvar = estimates["pathwise"] * epsilon * sigma / 2  # dz/dlogvar = sigma epsilon/2
expected = [estimates["pathwise"].mean(), in_logvar.mean()]
assert np.allclose(parameters.grad, expected, rtol=1e-9)
assert abs(in_logvar.mean() - sigma**2) < 5 * in_logvar.std() / draws**0.5
print("Checked: both means are within five standard errors of the exact slope.")

# %% [markdown] slideshow={"slide_type": "skip"}
# We measure scatter by the **variance** of one estimate. Here weighing has thirteen times
# the variance, so it needs thirteen times as many points for the same accuracy.

# %% [markdown] slideshow={"slide_type": "subslide"}
# Drag the sliders and watch single points. The noise never changes.

# %%
reparameterization_explorer()

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: eleven fixed marks of noise, the dots that they become, and an arrow from each
# for its slope.*

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A baseline costs nothing
#
# The total probability is 1, whatever $\mu$ is. So the mean score is zero, and a constant
# $c$ may be taken off $f$ for free. It is called a **baseline**:
#
# $$
# \mathbb E_q\!\left[\frac{\partial\log q}{\partial\mu}\right]
# = \frac{\partial}{\partial\mu} \int q\, dz = 0
# \quad\Rightarrow\quad
# \mathbb E_q\!\left[(f - c)\, \frac{\partial\log q}{\partial\mu}\right]
# \text{ is the same for every } c .
# $$

# %% [markdown] slideshow={"slide_type": "skip"}
# A well chosen $c$ makes the scatter smaller. Let $s$ be the score. The mean does not depend
# on $c$, so we need the lowest $\mathbb E[(f - c)^2 s^2]$. Its slope in $c$,
# $-2\,\mathbb E[(f - c)\, s^2]$, is zero at $c = \mathbb E[f s^2]/\mathbb E[s^2]$. For our valley
# this is $\mu^2 + 3\sigma^2$.


# %% slideshow={"slide_type": "skip"}
def three_variances(mu):
    score, z = epsilon / sigma, mu + sigma * epsilon
    baseline = mu**2 + 3 * sigma**2
    return np.var([2 * z, z**2 * score, (z**2 - baseline) * score], axis=1)


# %% [markdown] slideshow={"slide_type": "subslide"}
# ### How much scatter?
#
# **Predict before you run.** The cloud starts at the bottom, $\mu = 0$, and moves out to
# $\mu = 4$. What happens to the scatter of each way?

# %%
mus, fine = np.linspace(0, 4, 9), np.linspace(0, 4, 200)
names = ["pathwise", "score function", "best baseline"]
measured = dict(zip(names, np.transpose([three_variances(m) for m in mus])))
closed = dict(zip(names, gradient_variances(fine, sigma)))
estimators.variance_curves(fine, closed, mus, measured, "centre μ (σ = 1)")

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: variance against the centre. Pathwise stays at 4; the score function climbs to
# 495, with the best baseline to 134.*

# %% tags=["proof", "nbval-check-output"] jupyter={"source_hidden": true} slideshow={"slide_type": "skip"}
# @title The symbols lie on the dotted lines
nodes = np.linspace(-12, 12, 4801)
shares = norm.pdf(nodes) * (nodes[1] - nodes[0])
for at, m in enumerate(mus):
    score, z = nodes / sigma, m + sigma * nodes
    parts = np.stack([2 * z, z**2 * score, (z**2 - m**2 - 3 * sigma**2) * score])
    squares = (parts - (parts @ shares)[:, None]) ** 2
    variances = squares @ shares
    assert np.allclose(variances, gradient_variances(m, sigma), rtol=1e-9)
    # a measured variance is a mean of squares, whose own variance is m_4 - variance^2
    errors = np.sqrt((squares**2 @ shares - variances**2) / draws)
    found = [values[at] for values in measured.values()]
    assert np.all(np.abs(found - variances) < 5 * errors)
print("Checked: 27 measured variances are within five standard deviations.")

# %% [markdown] slideshow={"slide_type": "skip"}
# **Answer.** In this valley moving scatters the same everywhere: its slopes $2z$ always have
# variance $4\sigma^2$. Weighing gets worse and worse. It multiplies the *height* of a point by
# a score of random sign. Far from the bottom all heights are large, and the slope is a
# small difference of large numbers. A baseline takes off the common height. At the bottom
# weighing scatters more, too: one estimate is $\epsilon^3$, against $2\epsilon$ for moving.
#
# [Deeper: where the dotted lines come from, and what more dimensions
# cost](deeper/02_estimators.ipynb).
#
# <!-- notes: Ask the class: what would a baseline have to know to make the score function
# as quiet as the path? Wait for: the slope, which it was not to know. -->

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The step that looks right
#
# Give the landscape a parameter: $f(z) = \theta z^2$ with $\theta = 1$. Draw $z$, hold it, and
# let PyTorch differentiate. It runs.

# %%
torch.manual_seed(0)
centre, theta = (torch.tensor([v], requires_grad=True) for v in (mu, 1.0))
z = Normal(centre, sigma).sample((draws,))  # held: no way leads back to the centre
f = (theta * z**2).sum(1)
f.mean().backward()
print(f"slope in theta {theta.grad.item():.2f}, in mu {centre.grad}")

# %% [markdown] slideshow={"slide_type": "skip"}
# In $\theta$ this is right: $\mathbb E[z^2] = \mu^2 + \sigma^2 = 3.25$. In $\mu$ nothing is left of
# the slope 3. Without $\theta$ we would have been warned: `backward` raises an error where no
# way leads back at all.

# %% [markdown]
# **The gradient may move inside a mean whose cloud does not contain the parameter**:
# $\theta$ yes, $\phi$ no. Over $\epsilon$ it may for $\phi$, too, if $f$ is smooth. That is the
# trick.
#
# <!-- notes: Ask the class: for which half of a VAE is the step allowed? Expect: for
# neither, or for both. -->

# %% [markdown] slideshow={"slide_type": "skip"}
# ($\theta$ stands for all parameters of a landscape, such as the weights of a decoder.)

# %% [markdown] slideshow={"slide_type": "subslide"}
# For $\mu$, the product rule has two terms:
#
# $$
# \frac{\partial}{\partial\mu} \int q\, f\, dz
# = \underbrace{\int q\, \frac{\partial f}{\partial\mu}\, dz}_{\text{kept}}
# + \underbrace{\int \frac{\partial q}{\partial\mu}\, f\, dz}_{\text{lost}} .
# $$
#
# A held point does not change its height. So all of the slope sits in the lost term.

# %%
grid = np.linspace(mu - 4, mu + 4, 801)
q_slope = norm.pdf(grid, mu, sigma) * (grid - mu) / sigma**2  # in mu, at a fixed z
gradients.lost_term(grid, q_slope, grid**2)

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: left, the bell's slope, negative where points leave and positive where they
# arrive; right, times the height, with area 3.*

# %% tags=["proof"] jupyter={"source_hidden": true} slideshow={"slide_type": "skip"}
# @title Kept and lost
assert centre.grad is None
assert abs(theta.grad - mu**2 - sigma**2) < 5 * (z**2).std() / draws**0.5
lost = shares @ (nodes / sigma * (mu + sigma * nodes) ** 2)
assert math.isclose(lost, 2 * mu, rel_tol=1e-12)  # a plain sum is exact for bells
print("Checked: the lost term is 3 to twelve digits.")

# %% [markdown] slideshow={"slide_type": "slide"}
# ### An expression with the right gradient
#
# How can PyTorch estimate the lost term? We show it $f \log q$ with $f$ and $z$ held. Its
# slope in $\mu$ is $f$ times the score: the first way.


# %%
def surrogate(f, z, mu, logvar):
    log_q = Normal(mu, torch.exp(0.5 * logvar)).log_prob(z).sum(1)
    return f.detach() * log_q


surrogate(f, z, centre, torch.zeros(1)).mean().backward()
print(f"slope in mu {centre.grad.item():.1f}")

# %% [markdown] slideshow={"slide_type": "skip"}
# This is called a **surrogate**: its value means nothing, only its gradient is used. For one
# number $\log q(z)$ is $-(z - \mu)^2/2\sigma^2 - \log\sigma$ plus a constant. With $z$ held, its
# slope is $(z - \mu)/\sigma^2$, the score. If $z$ moved along, $(z - \mu)/\sigma$ would be
# $\epsilon$. No $\mu$ would be left, and the slope in $\mu$ would be zero.

# %% tags=["proof"] jupyter={"source_hidden": true} slideshow={"slide_type": "skip"}
# @title The surrogate's slope is right
spread = (z**2 * (z - mu)).std() / sigma**2
assert abs(centre.grad - 2 * mu) < 5 * spread / draws**0.5
print("Checked: within five standard errors of 3.")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A landscape of waves
#
# Now $f(z) = \sin 5z$. The heights lie between $-1$ and 1; the tangents are as steep as 5.

# %%
points, slopes = (marks, np.sin(5 * marks)), 5 * np.cos(5 * marks)
wide = np.linspace(-3, 3, 601)
waves, bell = (wide, np.sin(5 * wide)), norm.pdf(wide)
gradients.cloud_in_landscape(waves, points, bell, slopes=slopes)

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: eleven points on a fast sine wave, with tangents that go steeply up and steeply
# down. (The axes flatten them.)*

# %% [markdown]
# **Predict before you run.** Which way scatters less?

# %% [markdown] slideshow={"slide_type": "subslide"}
# Exact variances at three places:

# %% tags=["nbval-check-output"]
for m in (0.0, 1.0, 2.0):
    moving, weighing, _ = sine_gradient_variances(m, sigma=1.0, frequency=5.0)
    print(f"mu = {m:.0f}: pathwise {moving:.2f}, score function {weighing:.2f}")

# %% [markdown]
# **Answer.** The score function, by a factor of 25. The right slope is almost zero, since
# ups and downs cancel. Moving averages slopes as large as 5; weighing has heights no larger
# than 1.
#
# Rule of thumb: **move the points where the landscape is smooth across the cloud; weigh them
# where it wiggles within it.**
#
# <!-- notes: Let them vote before the run; expect votes for the path. Ask afterwards: what
# must the landscape be like for the path to win? -->

# %% tags=["proof"] jupyter={"source_hidden": true} slideshow={"slide_type": "skip"}
# @title The exact variances, by sums over a fine grid
for m in (0.0, 1.0, 2.0):
    parts = np.stack([5 * np.cos(5 * (m + nodes)), np.sin(5 * (m + nodes)) * nodes])
    variances = (parts - (parts @ shares)[:, None]) ** 2 @ shares
    assert np.allclose(variances, sine_gradient_variances(m, 1.0, 5.0)[:2], rtol=1e-9)
print("Checked: six variances.")

# %% [markdown] slideshow={"slide_type": "skip"}
# Our two landscapes suggest it, if a baseline first takes off the common height: for
# $1000 + \sin 5z$ bare weighing has variance $10^6$, moving still 12.5. [Deeper: slow waves
# and fast ones; the two ways cross near one radian per width](deeper/02_estimators.ipynb).

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Coins do not move
#
# Heads lies at height 4, tails at 1. Heads has the chance 0.3; as it grows, the mean height
# grows with slope $4 - 1 = 3$. Toss by a uniform number $u$: heads if $u$ is below the
# chance.
#
# <!-- notes: Ask the class: hold u and raise the chance a little. What does one coin do?
# Wait for: nothing, or all at once. -->

# %% tags=["nbval-check-output"]
chance = 0.3
heights, probabilities = np.array([4.0, 1.0]), np.array([chance, 1 - chance])
score = np.array([1 / chance, -1 / (1 - chance)])  # slope of log probability
print(f"weighing: {probabilities @ (heights * score):.1f}")
print("can be moved, says PyTorch:", end=" ")
print({kind.__name__: kind.has_rsample for kind in (Normal, Bernoulli, Categorical)})

# %% [markdown] slideshow={"slide_type": "skip"}
# Hold $u$ and raise the chance a little. Nearly every toss stays as it is: its slope is zero.
# A few jump to heads. So moving finds 0, and weighing finds 3. [Deeper: a soft coin that does
# move, at the price of a bias](deeper/02_estimators.ipynb).

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A VAE in a dozen lines
#
# For each image $x$ the encoder gives a cloud $q(z \mid x)$: a centre $\mu$ and a width
# $\sigma$ for each latent number. A point $z$ of it goes to the decoder, which gives each
# pixel its probability of being white.
#
# <!-- notes: Ask the class: what is the landscape here, and who shapes it? Wait for: log
# p(x | z), a different one for each image, shaped by the decoder. -->

# %%
vae_diagram("196 pixels", "4 numbers each", "196 pixels")

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: x to the encoder, to mu and sigma; noise joins to make z; the decoder turns z
# into probabilities of pixels.*

# %% [markdown] slideshow={"slide_type": "subslide"}
# The landscape of one image is $f(z) = \log p(x \mid z)$: how probable the decoder finds
# this image from $z$. The bound that training climbs is
#
# $$
# \mathrm{ELBO} = \mathbb E_{q(z \mid x)}\!\left[\log p(x \mid z)\right]
# - \mathrm{KL}, \qquad
# \mathrm{KL} = \tfrac12 \sum_j \left(\mu_j^2 + \sigma_j^2 - 1 - \log\sigma_j^2\right) .
# $$

# %% [markdown] slideshow={"slide_type": "skip"}
# The first term is the mean height of the cloud. It wants clouds from which the decoder
# recognizes their image. The KL is the price of a distance from the prior
# $p(z) = \mathcal N(0, I)$. It keeps the clouds where new points will be drawn.
#
# The price is the mean of $\log q - \log p$. For one latent number,
# $\log q$ is $-\epsilon^2/2 - \log\sigma$ and $\log p$ is $-z^2/2$, plus the same constant.
# The mean of $\epsilon^2$ is 1, and that of $z^2$ is $\mu^2 + \sigma^2$. So the price is
# $-\frac12 - \log\sigma + \frac12(\mu^2 + \sigma^2)$; and $\log\sigma = \frac12\log\sigma^2$.
#
# Logarithms are natural, so all this is counted in **nats**. The images are digits of
# $14 \times 14$ pixels, black or white.


# %%
class SmallVAE(nn.Module):
    def __init__(self):
        super().__init__()
        wide, narrow = nn.Linear(196, 64), nn.Linear(64, 8)  # 4 mu, 4 logvar
        self.encoder = nn.Sequential(wide, nn.ReLU(), narrow)
        narrow, wide = nn.Linear(4, 64), nn.Linear(64, 196)
        self.decoder = nn.Sequential(narrow, nn.ReLU(), wide)

    def cloud(self, x):  # (n, 196) -> mu and logvar, (n, 4) each
        return self.encoder(x).chunk(2, dim=1)

    def height(self, x, z):  # log p(x given z), summed over pixels: (n,)
        logits = self.decoder(z)
        return (x * logits - F.softplus(logits)).sum(1)


# %% [markdown] slideshow={"slide_type": "skip"}
# The decoder gives each pixel a number $\ell$, its **logit**: the pixel is white with
# probability $e^\ell/(1 + e^\ell)$, black with the rest, $1/(1 + e^\ell)$. The logarithm of both
# is $x\ell - \log(1 + e^\ell)$, with $x = 1$ for white and 0 for black. (`softplus` is
# $\log(1 + e^\ell)$.)

# %% [markdown] slideshow={"slide_type": "slide"}
# ### One model, four gradients
#
# `pathwise` lets $z$ move. The others hold it. Two of them add the surrogate for
# the slope that is lost. The last one adds nothing: that is the mistake.


# %%
def objective(model, x, epsilon, estimator):
    mu, logvar = model.cloud(x)
    z = reparameterize(mu, logvar, epsilon)
    if estimator != "pathwise":
        z = z.detach()
    f = model.height(x, z)
    total = f - kl_to_standard_normal(mu, logvar)  # one point's ELBO
    if estimator == "score function":
        total = total + surrogate(f, z, mu, logvar)
    if estimator == "score function with baseline":
        others = (f.sum() - f) / (len(f) - 1)  # mean height of the other images
        total = total + surrogate(f - others, z, mu, logvar)
    return total.mean()


# %% [markdown] slideshow={"slide_type": "skip"}
# The decoder and the KL get their gradients in the same way in all four.
#
# The folded cell has the digits, the four names (`ESTIMATORS`) and `train_by`, a plain loop:
# Adam, 64 images a step, rate 0.003; the held-out ELBO is noted twenty times, `every` so
# many steps.

# %% tags=["setup"] jupyter={"source_hidden": true} slideshow={"slide_type": "skip"}
# @title Set-up: the digits, and a plain training loop
ESTIMATORS = (
    "pathwise",
    "score function with baseline",
    "score function",
    "z held fixed",
)


def small(split, seed):
    """Digits as 14 x 14 pixels, means of 2 x 2, made black or white: (n, 196)."""
    x = load_mnist(split).x
    x = x.reshape(len(x), 14, 2, 14, 2).mean((2, 4)).reshape(len(x), 196)
    return torch.from_numpy(binarize(x, seed))


train, held_out = small("train", seed=1), small("test", seed=2)
test_epsilon = torch.randn(len(held_out), 4, generator=torch.Generator().manual_seed(0))
every = steps // 20


def train_by(estimator, seed, rate=0.003):
    """The trained model, and its held-out ELBO now and then."""
    torch.manual_seed(seed)
    model, curve = SmallVAE(), []
    adam = torch.optim.Adam(model.parameters(), rate, fused=True)
    for step in range(steps + 1):
        if step % every == 0:
            with torch.no_grad():
                value = objective(model, held_out, test_epsilon, "pathwise")
            curve.append(value.item())
        x = train[torch.randint(len(train), (64,))]
        loss = -objective(model, x, torch.randn(64, 4), estimator)
        adam.zero_grad()
        loss.backward()
        adam.step()
    return model, curve


# %% [markdown] slideshow={"slide_type": "slide"}
# ### A baseline for each image
#
# All heights are large and negative: the far valley again. A baseline of an image may
# know anything but this image's own $\epsilon$. We take the mean height of the *other*
# images. In a trained model:

# %%
model, _ = train_by("pathwise", seed=0)
x, noise = train[:64], torch.randn(64, 4)
with torch.no_grad():
    centres, logvars = model.cloud(x)
    f = model.height(x, reparameterize(centres, logvars, noise))
others = (f.sum() - f) / 63
score = (noise / torch.exp(0.5 * logvars))[:, 0]  # for the first latent number
estimates = {ESTIMATORS[2]: f * score, ESTIMATORS[1]: (f - others) * score}
estimators.estimate_lanes(estimates, "one image's estimate (nats per unit of μ)")

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: 64 estimates of one slope as dots; below, with the baseline, much closer together.*

# %% [markdown] slideshow={"slide_type": "skip"}
# Why does the mean stay right? Average over this image's $\epsilon$ first, with the other
# images' held: then the baseline is a constant.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Four runs, from five starts
#
# Each start gives all four the same networks, images, noise and rate of learning:
#
# 1. pathwise;
# 2. score function with baseline;
# 3. score function;
# 4. $z$ held fixed, the step that looks right.
#
# **Predict before you run.** Where will the fourth end? Which gradient does its encoder
# get?

# %% slideshow={"slide_type": "skip"}
runs = {e: [train_by(e, seed) for seed in range(seeds)] for e in ESTIMATORS}
curves = {e: np.array([curve for _, curve in runs[e]]) for e in ESTIMATORS}

# %% [markdown] slideshow={"slide_type": "skip"}
# To compare: a model without $z$, each pixel a coin with its average over the training
# images.

# %% slideshow={"slide_type": "subslide"}
coins = torch.logit(train.mean(0).clamp(1e-4, 1 - 1e-4))
no_z = (held_out * coins - F.softplus(coins)).sum(1).mean().item()
at = every * np.arange(curves["pathwise"].shape[1])
named = {e.replace(" with", "\nwith"): curve for e, curve in curves.items()}
ylabel = "held-out ELBO (nats per image)"
estimators.learning_curves(at, named, no_z, "a coin for each pixel", ylabel)

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: held-out ELBO against steps; step 0 lies far below. Pathwise ends highest, z held
# fixed near the coins. One orange run plunges at step 1,800.*

# %% [markdown] slideshow={"slide_type": "skip"}
# The ends in numbers, with the standard deviation over the starts:

# %% slideshow={"slide_type": "skip"}
print(f"{'a coin for each pixel':29} {no_z:7.2f} nats")
for e in ESTIMATORS:
    ends = curves[e][:, -1]
    print(f"{e:29} {ends.mean():7.2f} +- {ends.std(ddof=1):.2f} nats")

# %% tags=["proof"] jupyter={"source_hidden": true} slideshow={"slide_type": "skip"}
# @title The order in each start, the KL of the fourth, and its last tenth of a nat
with torch.no_grad():
    clouds = [model.cloud(held_out) for model, _ in runs["z held fixed"]]
    kls = [kl_to_standard_normal(*cloud).mean().item() for cloud in clouds]
calmer = copy.deepcopy(runs["z held fixed"][0][0])
adam = torch.optim.Adam(calmer.parameters(), 0.0003, fused=True)
for _ in range(steps // 4):
    x = train[torch.randint(len(train), (64,))]
    adam.zero_grad()
    (-objective(calmer, x, torch.randn(64, 4), "z held fixed")).backward()
    adam.step()
with torch.no_grad():
    calm = objective(calmer, held_out, test_epsilon, "pathwise").item()
if steps >= 1_000:
    ends = np.array([curves[e][:, -1] for e in ESTIMATORS])
    assert np.all(np.diff(ends[:3], axis=0) < 0)  # start by start
    assert np.all(ends[3] < ends[1])
    # 196 logits that are each off by 0.14 cost at most 196/8 * 0.14^2 = 0.5 nats
    assert abs(ends[3].mean() - no_z) < 0.5
    assert max(kls) < 0.01
    assert abs(calm - no_z) < 0.7 * abs(ends[3, 0] - no_z)
print(f"Checked. Largest KL of the fourth: {max(kls):.4f} nats;", end=" ")
print(f"after {steps // 4} more steps the first start's ELBO is {calm:.2f} nats.")

# %% [markdown]
# **Answer.** With $z$ held, only the KL's gradient reaches the encoder. It pulls every
# cloud to the prior. Then $z$ says nothing about $x$, and each pixel gets its average: the
# level of the coins. No error was raised, and the loss went down.

# %% [markdown] slideshow={"slide_type": "skip"}
# (It ends 0.14 nats below the coins: with smaller steps most of that gap closes.)

# %% [markdown] slideshow={"slide_type": "subslide"}
# Eight digits. Below, what each model of the first start decodes from their clouds' centres:

# %%
written = held_out[:8]
rows = {"written": written}
for e, name in zip(ESTIMATORS, ["path", "baseline", "score", "z fixed"]):
    model = runs[e][0][0]
    rows[name] = model.decoder(model.cloud(written)[0]).sigmoid().detach()
labelled_rows({name: row.view(8, 14, 14, 1).numpy() for name, row in rows.items()})

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: five rows. Path and baseline resemble most digits (not columns 3, 6, 8);
# score gives most the same smear, z fixed all one blur.*

# %% [markdown] slideshow={"slide_type": "skip"}
# The path came first from all starts, after 2,000 steps at one rate. This is no law of what
# each can reach. [Deeper: three rates, eight starts, some
# collapses, and why the score function is so noisy here](deeper/02_learning_rates.ipynb).
# [Deeper: with several points for each image the bound gets better, and the path's gradient
# noisier](deeper/02_bounds.ipynb).
#
# <!-- notes: Ask the class: the fourth loss went down; what would you have looked at to
# notice? Wait for: the two terms of the ELBO, each by itself. -->

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What could go wrong
#
# A detector reads $x = 2$, with noise 0.5; the true value $z$ has the prior
# $\mathcal N(0, 1)$. We let one cloud climb its ELBO.


# %%
def loss_of(draw, cloud, noise):
    mu, logvar = cloud
    z = draw(mu, logvar, noise)
    kl = 0.5 * (mu**2 + logvar.exp() - 1 - logvar)
    return kl - Normal(z, 0.5).log_prob(torch.tensor(2.0)).mean()


def settle(draw):
    cloud = torch.zeros(2, requires_grad=True)
    sgd = torch.optim.SGD([cloud], lr=0.05)
    for _ in range(500):
        sgd.zero_grad()
        loss_of(draw, cloud, torch.randn(1_000)).backward()
        sgd.step()
    return cloud.detach()


# %% [markdown] slideshow={"slide_type": "subslide"}
# Here are one right program and three wrong ones:


# %%
def sigma_of(logvar):
    return torch.exp(0.5 * logvar)


programs = {
    "right": reparameterize,
    "sample": lambda mu, logvar, e: Normal(mu, sigma_of(logvar)).sample(e.shape),
    "detach": lambda mu, logvar, e: mu + sigma_of(logvar).detach() * e,
    "exp(logvar)": lambda mu, logvar, e: mu + torch.exp(logvar) * e,
}

# %% [markdown]
# **Predict before you run.** Which raise an error? Where does each cloud settle?

# %% [markdown] slideshow={"slide_type": "skip"}
# Beside $\sigma$ as reported by `logvar` we print the width of the points themselves:

# %% tags=["nbval-check-output"] slideshow={"slide_type": "skip"}
torch.manual_seed(0)
settled = {name: settle(draw) for name, draw in programs.items()}
ends, noise = {}, torch.randn(1_000_000)
for name, (mu_end, logvar_end) in settled.items():
    points = programs[name](mu_end, logvar_end, noise)
    ends[name] = mu_end.item(), sigma_of(logvar_end).item(), points.std().item()
    print("{:12} mu {:.1f}   sigma {:.2f}   points {:.2f}".format(name, *ends[name]))

# %% [markdown] slideshow={"slide_type": "subslide"}
# **Answer.** None raises an error, since the KL still reaches the cloud. Three settle in the
# wrong place.

# %%
wide = np.linspace(-3, 4, 281)
reported = {name: norm.pdf(wide, m, width) for name, (m, width, _) in ends.items()}
drawn = {name: norm.pdf(wide, m, width) for name, (m, _, width) in ends.items()}
truth = norm.pdf(wide, 1.6, 0.2**0.5)  # the exact posterior, as in lesson 1
estimators.settled_clouds(wide, truth, reported, drawn, "right answer, p(z | x)")

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: bells over the grey posterior. Only right covers it; exp(logvar) reports too wide
# a bell and draws from one too narrow.*

# %% tags=["proof"] jupyter={"source_hidden": true} slideshow={"slide_type": "skip"}
# @title Where each must settle, by setting the slopes to zero
y = (math.sqrt(0.25 + 8) - 0.5) / 8  # 4 y^2 + y/2 - 1/2 = 0 for y = exp(logvar)
right = {"right": (1.6, 0.2), "sample": (0, 1), "detach": (1.6, 1)}
for name, (m, v) in (right | {"exp(logvar)": (1.6, y)}).items():
    # A step's slope in mu has noise of at most 1/0.25/sqrt(1000) = 0.13; descending with
    # curvature 5 it leaves a deviation of 0.05 * 0.13/sqrt(1 - 0.75^2) = 0.01, of which
    # we allow five. In logvar it is less than half of that.
    assert abs(settled[name][0] - m) < 0.05
    assert abs(math.exp(settled[name][1]) - v) < 0.05
    # of a million points a width is known to 1 in 1,400
    width = v if name == "exp(logvar)" else v**0.5
    assert abs(ends[name][2] - width) < 0.05
model = LinearGaussian([[1.0]], [0.0], sigma=0.5)
assert np.allclose([part.item() for part in model.posterior([[2.0]])], (1.6, 0.2))
print("Checked: each is within 0.05 of where its slopes are zero.")

# %% [markdown] slideshow={"slide_type": "skip"}
# - **`sample()` for `rsample()`** (r for reparameterized), or `detach()` on $z$: the whole path
#   is cut. The cloud becomes the prior.
# - **`detach` on $\sigma$ alone:** half the path is cut. The centre learns; the width hears
#   the KL only.
# - **`exp(logvar)` for `exp(0.5 * logvar)`:** the points have the width $\sigma^2$, and the
#   KL still believes that the width is $\sigma$. The points come out too narrow, the reported
#   $\sigma$ too wide.

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### Find the cut
#
# PyTorch's `gradcheck` compares a gradient with finite differences. The noise must be the
# same each time:


# %% tags=["nbval-check-output"]
def seeded(draw, cloud):
    torch.manual_seed(1)
    return loss_of(draw, cloud, torch.randn(1_000, dtype=torch.float64))


place = torch.tensor([0.5, -0.4], dtype=torch.float64, requires_grad=True)
for name, draw in programs.items():
    passes = gradcheck(partial(seeded, draw), place, raise_exception=False)
    print(f"{name:12} gradient agrees: {passes}")

# %% [markdown] slideshow={"slide_type": "skip"}
# It cannot find `exp(logvar)`, whose gradient is right for
# a wrong objective. For that, **compare the width of drawn points with the reported
# $\sigma$**, as printed above. And **watch both terms of the ELBO.** A KL near zero is a reason
# to look: `sample` ends there, but a right gradient may, too.
#
# [Deeper: more faults of this kind](deeper/02_estimators.ipynb).
#
# <!-- notes: They look for the fault that crashes. Say it aloud: the dangerous ones run. -->

# %% tags=["proof"] jupyter={"source_hidden": true} slideshow={"slide_type": "skip"}
# @title What each check finds
caught = {}
for name, draw in programs.items():
    passes = gradcheck(partial(seeded, draw), place, raise_exception=False)
    with torch.no_grad():
        width = draw(*place, noise[:1_000].double()).std() / sigma_of(place[1])
    caught[name] = not passes, bool(abs(width - 1) > 5 / 45)  # known to 1 in 45
assert caught == {
    "right": (False, False),
    "sample": (True, False),
    "detach": (True, False),
    "exp(logvar)": (False, True),
}
m, s, _ = ends["sample"]
assert abs(m**2 + s**2 - 1 - math.log(s**2)) / 2 < 0.01
print("Checked: the finite difference finds two, the width the third.")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Summary
#
# 1. A mean changes with its cloud: weigh the points, or move them.
# 2. Weighing needs heights; moving needs slopes.
# 3. In our landscapes moving scattered less where $f$ was smooth across the cloud.
# 4. A gradient may move inside a mean if the points ignore its parameter.
# 5. Beside a KL, a cut path raises no error.

# %% [markdown] slideshow={"slide_type": "skip"}
# ## Exercises
#
# [The set of this lesson](exercises/02_reparameterization.ipynb) has stubs to fill in, and
# checks that tell you whether you are right. Three more, without checks:
#
# 1. *Easy.* Open `reparameterization_explorer(lambda z: np.sin(5 * z), lambda z: 5 *
#    np.cos(5 * z))`. At $\mu = 1.3$, make $\sigma$ smaller: when do the arrows say a lot
#    about the slope of the mean?
# 2. *Medium.* Derive the three variances for $z^2$ from the moments of $\epsilon$: 1, 3 and
#    15 for $\epsilon^2, \epsilon^4, \epsilon^6$.
# 3. *Hard.* Draw two points for each image, and use the height of each as the baseline of
#    the other. How much nearer to the path's curve does the score function come?

# %% [markdown] slideshow={"slide_type": "skip"}
# ## References
#
# - D. P. Kingma and M. Welling, *Auto-Encoding Variational Bayes*, 2014,
#   [arXiv:1312.6114](https://arxiv.org/abs/1312.6114): the trick and the VAE.
# - S. Mohamed, M. Rosca, M. Figurnov and A. Mnih, *Monte Carlo Gradient Estimation in
#   Machine Learning*, 2020, [arXiv:1906.10652](https://arxiv.org/abs/1906.10652): all
#   estimators in one place.
# - M. Hjorth-Jensen, *Advanced machine learning and data analysis for the physical
#   sciences*, week 14, 2024: the lecture.
