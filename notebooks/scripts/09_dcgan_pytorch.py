# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown] slideshow={"slide_type": "slide"}
# # 9 · The same DCGAN in PyTorch
#
# Open in [Colab](https://colab.research.google.com/github/generative-models/executed/blob/v0.2.0/notebooks/09_dcgan_pytorch.ipynb) or on [Binder](https://mybinder.org/v2/gh/generative-models/executed/v0.2.0?urlpath=lab/tree/notebooks/09_dcgan_pytorch.ipynb).
#
# ## The question
#
# Lesson 8 built a generator in Keras. Here it is in PyTorch: the same layers, the same trained
# weights. All rows ran without an error. The first is right. **In each other row one thing is
# wrong: a default, or a habit. Which matter, and how would you notice?**
#
# <!-- notes: Ask: which row would you have shipped? Ask it again at the end of the hour. -->

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
# @title Set-up: imports, course style, sizes
import numpy as np
import torch
import torch.nn.functional as F
from scipy.stats import t
from torch import nn

from course_utils.budget import budget
from course_utils.data.mnist import load_mnist
from course_utils.figures.ablation import (
    a_dot_a_seed,
    distances_by_epoch,
    where_time_goes,
)
from course_utils.figures.defaults import (
    EPSILON,
    FOLDING,
    PADDING,
    far_from_the_original,
    read_as_before,
    slopes_and_digits,
    two_ways_to_cut,
    two_ways_to_fold,
    where_settings_sit,
)
from course_utils.figures.defaults import SLOPE as ORANGE
from course_utils.figures.diagrams import gan_diagram
from course_utils.figures.digit_rows import labelled_rows
from course_utils.figures.style import use_course_style
from course_utils.metrics.classifier import DigitClassifier
from course_utils.pytorch import networks
from course_utils.pytorch.device import to_tensor
from course_utils.pytorch.gan import (
    descend,
    discriminator_loss,
    generate,
    generator_loss,
    input_gradient,
    zero_centred_penalty,
)
from course_utils.pytorch.layers import BatchNorm, SameConvTranspose2d, glorot
from course_utils.pytorch.networks import Discriminator
from course_utils.pytorch.weights import load_pretrained
from course_utils.records import read_result
from course_utils.weights import card

use_course_style()
samples = budget(smoke=20, lecture=500, full=5_000)


# %% tags=["setup"] jupyter={"source_hidden": true} slideshow={"slide_type": "skip"}
# @title The first picture: one wrong setting a row (each is made again below, in the open)
class _Symmetric(nn.ConvTranspose2d):
    def forward(self, x):
        odd = self.stride[0] - 1
        return F.conv_transpose2d(x, self.weight, None, self.stride, 2, odd)


class _ChannelsFirst(networks.Generator):
    def forward(self, z):
        h = F.leaky_relu(self.norm1(self.hidden(z)), 0.3).unflatten(1, (256, 7, 7))
        h = F.leaky_relu(self.norm2(self.deconv1(h)), 0.3)
        h = F.leaky_relu(self.norm3(self.deconv2(h)), 0.3)
        return torch.tanh(self.pixels(h))


def _opening(name):
    kind = _ChannelsFirst if name == "other folding" else networks.Generator
    generator = load_pretrained(kind(), "dcgan", part="generator")
    networks.SLOPE = 0.01 if name == "slope 0.01" else 0.3
    for layer in (generator.norm1, generator.norm2, generator.norm3):
        layer.eps = 1e-5 if name == "epsilon 0.00001" else 1e-3
    if name == "padding 2":
        for layer in (generator.deconv2, generator.pixels):
            layer.__class__ = _Symmetric
    images = generate(generator, points[:12])
    networks.SLOPE = 0.3
    return images


points = np.random.default_rng(1).standard_normal((samples, 100), dtype=np.float32)
_names = "as trained", "slope 0.01", "epsilon 0.00001", "padding 2", "other folding"
opening = {name: _opening(name) for name in _names}

# %% [markdown] slideshow={"slide_type": "skip"}
# Each column is one latent point. Digits are drawn as ink on paper, so that faint ones show.

# %%
labelled_rows({name: 1 - x for name, x in opening.items()})

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: five rows of twelve digits; with slope 0.01 they are faint and torn, with the other
# folding only blots remain.*

# %% [markdown] slideshow={"slide_type": "skip"}
# ## You will be able to
#
# - carry a network from one framework to the other, and name the defaults that change it;
# - measure what a wrong setting does, with an error, and choose a control that tells a lost digit
#   from a moved one;
# - write one step of the game in PyTorch, and say what `inputs=` and `detach` are for;
# - name seven changes between two recipes, and say what two long runs can show and cannot.
#
# ## Before you start
#
# You need lesson 8 (the networks, the Fréchet distance), lesson 5 (losses and step) and lesson 7
# (penalty, averaging). On two CPU cores all cells take about a minute. Nothing is
# downloaded.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What the defaults say
#
# What you get if you type the names of the layers, and leave the rest to the framework:
#
# | | Keras | PyTorch |
# |---|---|---|
# | leaky ReLU: slope below zero | 0.3 | 0.01 |
# | batch normalization: epsilon, added to the variance | 0.001 | 0.00001 |
# | "same" padding at stride 2 | uneven | does not exist |
# | `momentum`: share of the old running mean that stays | 0.99 | 0.9 (typed as 0.1, one minus it) |
# | running variance of $n$ numbers | mean squared deviation | times $n/(n-1)$ |
# | first weights | Glorot-uniform, zero biases | Kaiming-uniform, random biases |
# | Adam: epsilon | $10^{-7}$ | $10^{-8}$ |
#
# <!-- notes: Momentum has two opposite meanings: Keras names what stays, PyTorch what comes.
# Whoever copies 0.99 keeps almost nothing of the past. -->

# %% [markdown] slideshow={"slide_type": "skip"}
# Glorot and Kaiming are two rules for how large random first weights are. In the next picture a
# **norm** is batch normalization. **Stamps** are lesson 8's picture of a transposed convolution: at
# each place of a map it puts down $5 \times 5$ numbers, and adds where stamps overlap.

# %% [markdown] slideshow={"slide_type": "subslide"}
# **Predict before you run.** The weights are trained. We only draw samples, in evaluation mode.
# Which lines of the table can still change a sample?
#
# The generator, with each setting where it acts:
#
# <!-- notes: Go through the seven lines. Each time ask: is this used when one draws? -->

# %%
where_settings_sit()

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: four boxes from z to an image.*

# %% [markdown]
# **Answer.** The first three. The other four act only while one trains. (**Folding** is a habit, no
# default; it comes below.)

# %% [markdown] slideshow={"slide_type": "skip"}
# No default is better than another. But weights belong to the settings with which they were
# trained. [Deeper: the layers that behave as Keras's do, with running means and
# variances](deeper/09_layers.ipynb).

# %% [markdown] slideshow={"slide_type": "subslide"}
# The generator in PyTorch. `BatchNorm`, `SameConvTranspose2d` and `glorot` do what Keras does.


# %% tags=["mirrors"]
SLOPE = 0.3  # of a leaky ReLU below zero: Keras's default; PyTorch's is 0.01


class Generator(nn.Module):
    def __init__(self, latent_dim=100, channels=1):
        super().__init__()
        self.latent_dim = latent_dim
        self.hidden = nn.Linear(latent_dim, 7 * 7 * 256, bias=False)
        self.norm1 = BatchNorm(7 * 7 * 256)
        self.deconv1 = SameConvTranspose2d(256, 128, 5, bias=False)
        self.norm2 = BatchNorm(128)
        self.deconv2 = SameConvTranspose2d(128, 64, 5, stride=2, bias=False)
        self.norm3 = BatchNorm(64)
        self.pixels = SameConvTranspose2d(64, channels, 5, stride=2, bias=False)
        self.apply(glorot).to(memory_format=torch.channels_last)  # order in memory

    def forward(self, z):
        h = F.leaky_relu(self.norm1(self.hidden(z)), SLOPE)
        # flattened as (height, width, channels), so that Keras's weights fit
        h = h.unflatten(1, (7, 7, 256)).permute(0, 3, 1, 2)
        h = F.leaky_relu(self.norm2(self.deconv1(h)), SLOPE)  # (n, 128, 7, 7)
        h = F.leaky_relu(self.norm3(self.deconv2(h)), SLOPE)  # (n, 64, 14, 14)
        # back to z's type, if autocast let PyTorch multiply in 16 bits
        return torch.tanh(self.pixels(h)).to(z.dtype)


# %% [markdown] slideshow={"slide_type": "slide"}
# ## Equal to five digits
#
# The trained weights are one file for both frameworks. A second file, its **card**, keeps the mean
# grey levels of eight samples, and the discriminator's logits.
#
# <!-- notes: Ask: which test would you write to show that two programs are the same model?
# Wait for "same input, compare the numbers". -->


# %% tags=["nbval-check-output"]
def drawn(change=None, points=points):
    generator = load_pretrained(Generator(), "dcgan", part="generator")
    if change:
        change(generator)
    return generate(generator, points)


known = card("dcgan")["sample"]
z = np.random.default_rng(known["seed"]).standard_normal((8, 100), dtype=np.float32)
grey = drawn(points=z).mean(axis=(1, 2, 3))
print("mean grey level:", grey[:4].round(4))
print("on the card:    ", np.round(known["grey"][:4], 4))

# %% tags=["proof"] jupyter={"source_hidden": true} slideshow={"slide_type": "skip"}
# @title All eight grey levels, and the discriminator's logits, agree with the card
# sums of up to 6,400 products in float32, in another order than where the card was written
_judge = load_pretrained(Discriminator(), "dcgan", part="discriminator").eval()
with torch.inference_mode():
    _logits = _judge(2 * to_tensor(drawn(points=z)) - 1)[:, 0].numpy()
np.testing.assert_allclose(grey, known["grey"], atol=1e-4)
np.testing.assert_allclose(_logits, known["logits"], atol=1e-3)
assert read_result("dcgan_parity")["difference"]["of_a_pixel_largest"] < 1e-4
print("All agree: grey levels within 0.0001, logits within 0.001.")

# %% [markdown] slideshow={"slide_type": "skip"}
# A recorded run drew 500 samples in both frameworks, from the same latent points.

# %% slideshow={"slide_type": "skip"}
parity = read_result("dcgan_parity")["difference"]
print(f"largest difference of a pixel: {parity['of_a_pixel_largest']:.1e}")

# %% [markdown]
# Both frameworks agree in every pixel to about five digits. (Each layer adds thousands of products,
# and rounds in its own order.) Now we break it.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A slope of 0.01
#
# How bad is a wrong setting? We let a small classifier **read** each sample, and count how many
# are read as the same digit as before the change.
#
# **Predict before you run.** One number changes: 0.3 becomes 0.01. How many samples of a hundred
# are still read as the same digit?
#
# <!-- notes: Collect numbers on the board, and the reasons for them. -->

# %% [markdown] slideshow={"slide_type": "skip"}
# `reading` gives the classifier's probabilities. The share $s$ of equal readings has the standard
# error $\sqrt{s(1 - s)/n}$. All $n$ samples of this page come from the same latent points, `points`.

# %% slideshow={"slide_type": "skip"}
classifier = DigitClassifier()
reading = classifier.probabilities
original = drawn()
digit = reading(original).argmax(axis=1)


def same(images):
    share = (reading(images).argmax(axis=1) == digit).mean()
    return share, np.sqrt(share * (1 - share) / len(images))


# %% [markdown] slideshow={"slide_type": "skip"}
# `Generator` looks `SLOPE` up when it is called, and the loop sets it anew.

# %% slideshow={"slide_type": "subslide"}
slopes, images = [0, 0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.6], {}
for SLOPE in slopes:
    images[SLOPE] = drawn()
SLOPE = 0.3
shares = np.array([same(images[slope])[0] for slope in slopes])
some = {slope: images[slope][:5] for slope in (0.01, 0.1, 0.3, 0.6)}
slopes_and_digits(slopes, shares, some, {"PyTorch": 0.01, "Keras": 0.3})

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: left, the share falls on both sides of slope 0.3. Right, digits at four slopes.*

# %% [markdown] slideshow={"slide_type": "skip"}
# The digits are fainter. Is that all? As a **control** we give each its old ink back, as far as black
# goes.

# %%
ink = [x.mean(axis=(1, 2, 3), keepdims=True) for x in (original, images[0.01])]
inked = np.clip(images[0.01] * ink[0] / ink[1], 0, 1)
for name, x in {"slope 0.01": images[0.01], "with the old ink": inked}.items():
    share, error = same(x)
    print(f"{name}: {share:.1%} ± {error:.1%} of {samples} are read as the same digit")

# %% tags=["proof"] jupyter={"source_hidden": true} slideshow={"slide_type": "skip"}
# @title What the answer below says holds
# standard error of a share of so many samples: at most 0.5 / sqrt(n)
for _images in (images[0.01], inked):
    assert same(_images)[0] < 0.7 + 4 * 0.5 / np.sqrt(samples)
assert shares[slopes.index(0.3)] == 1
print("Far fewer than all, with the old ink, too.")

# %% [markdown]
# **Answer.** Far fewer than all; the first line above says how many. No error came, and the shape is
# right. More ink brings some back: it is not faintness alone.

# %% tags=["proof"] jupyter={"source_hidden": true} slideshow={"slide_type": "skip"}
# @title How much does a slope touch? What lies below zero at each of the three
_generator = load_pretrained(Generator(), "dcgan", part="generator").eval()
with torch.inference_mode():
    _below = [_generator.norm1(_generator.hidden(torch.from_numpy(points)))]
    h = F.leaky_relu(_below[0], SLOPE).unflatten(1, (7, 7, 256)).permute(0, 3, 1, 2)
    for _norm, _layer in ((_generator.norm2, "deconv1"), (_generator.norm3, "deconv2")):
        _below.append(_norm(getattr(_generator, _layer)(h)))
        h = F.leaky_relu(_below[-1], SLOPE)
_below = [float((x < 0).float().mean()) for x in _below]
assert all(0.35 < share < 0.65 for share in _below)
print("Below zero:", ", ".join(f"{share:.0%}" for share in _below))

# %% [markdown]
# About half of all numbers are multiplied by the slope, and this three times in a row. With 0.01
# they become a thirtieth of what they were in training.

# %% [markdown] slideshow={"slide_type": "skip"}
# [Deeper: could one repair the averages of batch normalization, and get the digits
# back?](deeper/09_layers.ipynb)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Padding
#
# From 14 places stamps of five, two apart, cover $2 \cdot 13 + 5 = 31$ columns. Only 28 may stay.
# Which three go?
#
# <!-- notes: Let them count columns of the last stamp before you show the picture. -->

# %%
two_ways_to_cut()

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: 31 columns, twice; grey ones are cut. The green one moves by one place.*

# %% [markdown]
# Both leave 28, so every shape fits. But with PyTorch's cut all pixels move **by one place to the
# upper left**.

# %% [markdown] slideshow={"slide_type": "skip"}
# PyTorch has no `"same"` here; one types `padding=2` and often `output_padding=1`. The first cuts
# two columns at each end: 27 stay. The second gives one back at the right end.
#
# There are two such layers. One place on the 14-wide map is two pixels of the final image. So the
# first layer shifts by 2, the second by 1, and both by 3.


# %% slideshow={"slide_type": "skip"}
class Symmetric(nn.ConvTranspose2d):
    def forward(self, x):
        odd = self.stride[0] - 1  # output_padding: the column given back
        return F.conv_transpose2d(x, self.weight, None, self.stride, 2, odd)


def symmetric_padding(generator):
    for layer in (generator.deconv2, generator.pixels):
        layer.__class__ = Symmetric  # same weights, PyTorch's cut


# %% [markdown] slideshow={"slide_type": "skip"}
# If that is all, moving the images back by three pixels must bring nearly everything back: our next
# **control**.

# %% slideshow={"slide_type": "subslide"}
padded = drawn(symmetric_padding)
moved_back = np.zeros_like(padded)
moved_back[:, 3:, 3:] = padded[:, :-3, :-3]
rows = {"as trained": original, "padding 2": padded, "moved back by 3": moved_back}
for name in ("padding 2", "moved back by 3"):
    print(f"{name}: {same(rows[name])[0]:.1%} are read as the same digit")
labelled_rows({name: 1 - x[:8] for name, x in rows.items()})

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: rows of digits: as trained, moved and with a rim of ink, and nearly as trained.*

# %% tags=["proof"] jupyter={"source_hidden": true} slideshow={"slide_type": "skip"}
# @title Moving back restores nearly all readings, and padding destroys many
_tolerance = 4 * 0.5 / np.sqrt(samples)  # four standard errors at most
assert same(moved_back)[0] > 0.95 - _tolerance
assert same(padded)[0] < 0.6 + _tolerance
print("Nearly all readings return.")

# %% [markdown]
# The classifier hardly recognizes a digit with the wrong padding, and yet **hardly one is lost**: it
# was moved, and got a rim of ink. A detector that is mounted three cells off still records nearly
# every track.

# %% [markdown] slideshow={"slide_type": "skip"}
# The rim is what stamps leave where Keras would have cut; training never saw these places. What was
# cut off at the upper and left edge does not come back.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Folding
#
# The dense layer puts out a vector. It must be folded into maps. A Keras program stores channels
# last, a PyTorch program channels first, and either order gives the right shape.
#
# <!-- notes: This one is no default. It is what one writes without thinking:
# view(256, 7, 7). -->

# %%
two_ways_to_fold()

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: the numbers 1 to 8, and two pairs of maps that they become.*

# %% [markdown] slideshow={"slide_type": "skip"}
# In code we leave `forward` alone and only sort the outputs of the dense layer. In the picture, Keras's
# way gives PyTorch's maps if the numbers come as 1, 5, 2, 6, 3, 7, 4, 8. The line with `permute` writes
# this order for all 12,544 units, and dense layer and norm are sorted by it. And epsilon:


# %% slideshow={"slide_type": "skip"}
def channels_first(generator):
    places = torch.arange(7 * 7 * 256).unflatten(0, (256, 7, 7)).permute(1, 2, 0)
    for layer in (generator.hidden, generator.norm1):
        for array in (*layer.parameters(), *layer.buffers()):
            array.data = array.data[places.flatten()]


def other_epsilon(generator):
    for layer in (generator.norm1, generator.norm2, generator.norm3):
        layer.eps = 1e-5


# %% [markdown] slideshow={"slide_type": "slide"}
# ## Count all of them
#
# **Predict before you run.** Slope, epsilon, padding, padding moved back, folding, and all wrong
# settings together. Which are as bad as guessing?
#
# <!-- notes: What is guessing here? Two different samples are read as the same digit about
# one time in ten. -->

# %% [markdown] slideshow={"slide_type": "skip"}
# Dashed: how often two *different* samples are read as the same digit, **by chance**, if the digits
# come as often as before the change.

# %% slideshow={"slide_type": "subslide"}
changed = {
    "slope 0.01": images[0.01],
    "epsilon 0.00001": drawn(other_epsilon),
    "padding 2": padded,
    "padding 2, moved back": moved_back,
    "other folding": drawn(channels_first),
}
SLOPE = 0.01
changes = symmetric_padding, channels_first, other_epsilon
changed["all wrong together"] = drawn(lambda g: [change(g) for change in changes])
SLOPE = 0.3
kinds = [ORANGE, EPSILON, PADDING, PADDING, FOLDING]
colours = dict(zip(changed, kinds))
by_chance = np.square(np.bincount(digit) / samples).sum()
read_as_before({n: same(x) for n, x in changed.items()}, colours, by_chance)

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: a dot with its error for each change; dashed, chance.*

# %% tags=["proof"] jupyter={"source_hidden": true} slideshow={"slide_type": "skip"}
# @title The rows are those of the first picture; folding and all together are near chance
for _name, _images in opening.items():
    _mine = original if _name == "as trained" else changed[_name]
    np.testing.assert_allclose(
        _mine[:12], _images, atol=1e-4
    )  # float32, as on the card
for _name in ("other folding", "all wrong together"):
    assert same(changed[_name])[0] < by_chance + 0.1 + _tolerance
assert same(changed["epsilon 0.00001"])[0] > 0.95 - _tolerance
print("They are the same rows, and the counts are as the answer says.")

# %% slideshow={"slide_type": "skip"}
for name, x in {"as trained": original, **changed}.items():
    share, error = same(x)
    print(f"{name:22} same {share:6.1%} ± {error:.1%}")

# %% [markdown]
# **Answer.** The folding, and all together. The wrong padding is nearly as bad, until one moves it
# back.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A change that one hardly sees
#
# In the first picture, epsilon's row looks like the first one. Numbers tell them apart. Each dot is
# the root mean square change of a pixel; the first one is Keras against PyTorch.

# %%
distances = {"Keras, all settings right": parity["of_a_pixel_root_mean_square"]}
for name, x in changed.items():
    distances[name] = np.sqrt(np.mean((x - original) ** 2))
far_from_the_original(distances, colours)

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: a dot for each change; each tick is ten times the one before; dashed, one grey level.*

# %% slideshow={"slide_type": "skip"}
d = 255 * np.abs(changed["epsilon 0.00001"] - original)
print(f"epsilon: up to {d.max():.0f} grey levels; above one in {(d > 1).mean():.0%}")

# %% tags=["proof"] jupyter={"source_hidden": true} slideshow={"slide_type": "skip"}
# @title Epsilon changes pixels by little, and far more than rounding does
assert 100 * distances["Keras, all settings right"] < distances["epsilon 0.00001"]
assert distances["epsilon 0.00001"] < 0.01
print("On average more than a hundred times rounding, less than a hundredth of white.")

# %% [markdown]
# **"It runs, and the shapes fit" proves nothing. Compare numbers.**

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The step
#
# Now we train. In a **simultaneous** step both players move from the same state. The generator's
# gradient comes *through* the discriminator:

# %%
pair = load_mnist("train", "sample").x[0, ..., 0], original[0, ..., 0]
gan_diagram("generator", "digits", real_image=pair[0], fake_image=pair[1])

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: a GAN; the generator's gradient runs back through the discriminator. “G's turn” is here its
# half of the step.*

# %% [markdown] slideshow={"slide_type": "subslide"}
# Where our TensorFlow step had two tapes, PyTorch goes through one graph twice: `retain_graph=True`
# keeps it. `inputs=` says whose gradients are wanted.


# %% tags=["mirrors"]
def simultaneous_step(
    generator, discriminator, real, z, generator_optimizer, discriminator_optimizer
):
    fake_logits = discriminator(generator(z))
    d_loss = discriminator_loss(discriminator(real), fake_logits)
    g_loss = generator_loss(fake_logits)
    discriminator_optimizer.zero_grad()
    generator_optimizer.zero_grad()
    d_loss.backward(inputs=list(discriminator.parameters()), retain_graph=True)
    g_loss.backward(inputs=list(generator.parameters()))
    discriminator_optimizer.step()
    generator_optimizer.step()
    return d_loss.detach(), g_loss.detach()


# %% tags=["proof"] jupyter={"source_hidden": true} slideshow={"slide_type": "skip"}
# @title Each network gets the gradient of its own loss, and no other
torch.manual_seed(0)
_pair = Generator(), load_pretrained(Discriminator(), "dcgan", part="discriminator")
_optimizers = [torch.optim.SGD(network.parameters(), lr=0.0) for network in _pair]
_real, _z = 2 * to_tensor(load_mnist("train", "sample").x[:8]) - 1, torch.randn(8, 100)
_pair[1].eval()  # no dropout, so that both passes agree
simultaneous_step(*_pair, _real, _z, *_optimizers)
_fake = _pair[1](_pair[0](_z))
_losses = generator_loss(_fake), discriminator_loss(_pair[1](_real), _fake)
for _network, _loss in zip(_pair, _losses):
    _own = torch.autograd.grad(_loss, list(_network.parameters()), retain_graph=True)
    for _p, _g in zip(_network.parameters(), _own):
        # float32, sums in another order
        torch.testing.assert_close(_p.grad, _g, rtol=1e-3, atol=1e-5)
print("Both networks have the gradient of their own loss.")

# %% [markdown] slideshow={"slide_type": "slide"}
# **Predict before you run.** Somebody leaves out `inputs=`, twice. Then each loss leaves its gradient
# in *both* networks, and gradients add up. What does the discriminator still learn from a fake
# that it gives $D = \tfrac12$?
#
# <!-- notes: Let them write both slopes in the fake's logit: D from its own loss, minus (1 - D)
# from the other. Then add. -->

# %% [markdown] slideshow={"slide_type": "subslide"}
# **Answer.** Nothing. The derivatives of both losses in a fake's logit $\ell$ add up:
#
# $$
# \frac{d}{d\ell}\Big[\underbrace{-\log(1 - D)}_{\text{its own loss}} \;\underbrace{-\log D}_{\text{the opponent's}}\Big]
# = D - (1 - D) = 2D - 1
# $$
#
# At $D = \tfrac12$ this is zero: the discriminator is blind to such a fake. The generator gets the
# same sum, and learns nothing from it either.

# %% [markdown] slideshow={"slide_type": "skip"}
# Measured on the shipped pair: $D$ of its fakes (mean and spread), and the length of the gradient
# in the discriminator's weights that comes from them.

# %% slideshow={"slide_type": "skip"}
judge = load_pretrained(Discriminator(), "dcgan", part="discriminator").eval()
logits = judge(2 * to_tensor(original[:200]) - 1)
print(f"D: {logits.sigmoid().mean():.3f}, spread {logits.sigmoid().std():.3f}")
own = F.softplus(logits).mean()  # -log(1 - D), the discriminator's loss of a fake
for name, loss in (("with", own), ("without", own + generator_loss(logits))):
    parts = torch.autograd.grad(loss, list(judge.parameters()), retain_graph=True)
    length = torch.cat([part.flatten() for part in parts]).norm()
    print(f"{name} inputs=: {length:.4f}")

# %% [markdown] slideshow={"slide_type": "slide"}
# ### In turns
#
# The shipped weights were trained by **alternating** steps: the discriminator moves first, and the
# generator meets the new one. Here `detach` cuts the fake off: the discriminator's loss cannot
# reach the generator.

# %%
gan_diagram("discriminator", "digits", real_image=pair[0], fake_image=pair[1])

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: the discriminator's gradient stops at a wall before the fake.*

# %% [markdown] slideshow={"slide_type": "skip"}
# In code, with lesson 5's `descend` (gradients to zero, `backward` with `inputs=`, a step):
#
# ```python
# fake = generator(z)
# d_loss = discriminator_loss(discriminator(real), discriminator(fake.detach()))
# descend(d_optimizer, d_loss + penalty)
# descend(g_optimizer, generator_loss(discriminator(fake)))
# ```
#
# **Why `detach`, if `descend` has `inputs=`?** Either lock is enough: with `inputs=`, `backward` does
# not enter the generator's graph. But most programs call a plain `backward()`. Without `detach` that
# would go back through the generator, cost time, and free the graph that the last line needs.
#
# The penalty is that of lesson 6, R1: $\gamma/2$ times the mean squared gradient of the logit at real
# digits.


# %% tags=["mirrors"] jupyter={"source_hidden": true} slideshow={"slide_type": "skip"}
# @title The same as a function, with the penalty written out
def real_penalty_step(gamma, share=1.0):
    def step(generator, discriminator, real, z, generator_optimizer, d_optimizer):
        fake = generator(z)
        rows = max(1, round(share * len(real)))
        _, gradient = input_gradient(discriminator, real[:rows])
        penalty = gamma / 2 * zero_centred_penalty(gradient)
        d_loss = discriminator_loss(discriminator(real), discriminator(fake.detach()))
        descend(d_optimizer, d_loss + penalty)
        g_loss = generator_loss(discriminator(fake))
        descend(generator_optimizer, g_loss)
        return d_loss.detach(), g_loss.detach()

    return step


# %% [markdown] slideshow={"slide_type": "slide"}
# ## Seven changes
#
# The lecture's recipe is plain. The one behind the shipped weights differs in seven things (both
# multiply in bfloat16, see below):
#
# | | plain | shipped |
# |---|---|---|
# | batch | 256 digits | 128 |
# | step size | $10^{-4}$ | $2 \cdot 10^{-4}$ |
# | Adam's `beta1` | 0.9 | 0.5 |
# | order of moves | at once | in turns |
# | penalty | none | $\gamma = 1$ |
# | step size falls | no | from half-time on |
# | result | last weights | their running mean |
#
# <!-- notes: Ask which three of these the class would try first, if each try took a night. -->

# %% [markdown] slideshow={"slide_type": "skip"}
# The penalty is measured on a quarter of the batch; step sizes fall to $10^{-5}$; the mean has the
# decay 0.999. The averaged weights never ran in training: the averages in batch normalization belong
# to the weights before averaging. They are taken anew from some thousand latent points
# ([deeper](deeper/09_layers.ipynb)).
#
# The **Fréchet distance** of lesson 8 compares samples with real digits: mean and covariance of a
# classifier's last hidden layer. Smaller is better. Real digits are not at zero either. In the
# picture, *floor* compares two halves of 20,000 training digits, and *real digits, held out* compares
# the test digits with all 20,000. *VAE* are digits that lesson 4's decoder draws.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The long run
#
# Both recipes, 30 epochs, scored by 10,000 samples. One run each: **no error bar**.

# %%
tested = card("dcgan")["test"]
beside = {
    name.replace(", 30 epochs", "").replace("lecture's", "plain"): score["frechet"]
    for name, score in tested["samplers"].items()
    if not name.startswith("shipped")
}
by_epoch = {int(epoch): d for epoch, d in tested["frechet_by_epoch"].items()}
distances_by_epoch(by_epoch, beside | {"floor": tested["frechet_floor"]})

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: the distance of the shipped recipe falls with the epochs; dashed, four others.*

# %% tags=["proof"] jupyter={"source_hidden": true} slideshow={"slide_type": "skip"}
# @title The order that the text below names
_of = {name.split(",")[0]: s["frechet"] for name, s in tested["samplers"].items()}
assert _of["real digits"] < _of["shipped"] < _of["lecture's recipe"]
assert by_epoch[max(by_epoch)] < by_epoch[1]
assert _of["shipped"] > 2 * tested["frechet_floor"]
print("Real digits, then the shipped generator, then the plain recipe.")

# %% [markdown]
# **One sees:** the shipped recipe ends closer to real digits, above the floor. **One may conclude:**
# so it went, once each. Which change did it is open. **To decide:** one at a time, several seeds.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### One at a time
#
# **Predict before you run.** Changes are added to the plain recipe. Which lowers the distance most?
# Does one make it worse?
#
# All games are short: 600 steps, from three seeds, with a quarter of both batches (64 and 32 digits).
#
# <!-- notes: Let each student name one change and bet on it. The quarter is for the sake of time: the
# games were played on CPUs. -->

# %% [markdown] slideshow={"slide_type": "skip"}
# These games multiply in float32. Steps are equal, so a smaller batch sees fewer digits; the row "as
# many digits" has twice the steps. In a short game a mean with decay 0.999 would remember its start;
# here it is 0.977. The penalty comes with alternating steps, and the fall starts from the larger step
# size, so these two are never alone.
#
# `distances_of` has the distance of each seed's game.

# %% slideshow={"slide_type": "skip"}
record = read_result("dcgan_ablation")


def distances_of(recipe):
    game, which = record["rows"][recipe]
    runs = record["runs"][game]
    return np.array([runs[seed][which]["frechet"] for seed in sorted(runs)])


# %% [markdown] slideshow={"slide_type": "skip"}
# A dot is a game, an orange bar the mean of its row, the blue line that of the plain recipe, the
# lecture's.

# %% slideshow={"slide_type": "subslide"}
rows, shipped = list(record["rows"]), "the shipped recipe"
distances = {row: distances_of(row) for row in [*rows[:7], shipped]}
a_dot_a_seed(distances, record["frechet_floor"], rows[0])

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: three dots a recipe; the floor is at the left edge.*

# %% [markdown] slideshow={"slide_type": "skip"}
# Games of one seed share their first weights. So we take differences in pairs. Their mean has an
# error, but an error from three numbers is itself uncertain: to be 95 % sure, Student's law asks
# for a mean of 4.3 errors instead of 2. We call a change **clear** only then. And of twenty changes that do nothing, one would pass by luck.


# %% slideshow={"slide_type": "skip"}
def compare(recipes, reference):
    for row in recipes:
        pairs = distances_of(row) - distances_of(reference)
        error = pairs.std(ddof=1) / np.sqrt(len(pairs))
        clear = abs(pairs.mean()) > t.ppf(0.975, len(pairs) - 1) * error
        end = "  clear" if clear else ""
        print(f"{row:32}{pairs.mean():+8.1f} ± {error:5.1f}{end}")


# %% [markdown] slideshow={"slide_type": "subslide"}
# Differences to the plain recipe, below zero if a change helps, n = 3:

# %%
compare([*rows[1:7], shipped], rows[0])

# %% [markdown]
# **Answer.** `beta1`, on average, then the step size; both are clear, their order was not tested. Half of
# the batch looks worse, and with twice the steps better: neither is clear, nor are the other two.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Leave one out
#
# The shipped recipe without one of its parts:

# %%
less = [row for row in rows if row.startswith("shipped")]
distances = {row: distances_of(row) for row in [shipped, *less]}
a_dot_a_seed(distances, record["frechet_floor"], shipped)

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: the same for recipes that lack a part.*

# %% [markdown] slideshow={"slide_type": "skip"}
# Differences to the shipped recipe; above zero if the part that is missing had helped:

# %% slideshow={"slide_type": "skip"}
compare(less, shipped)

# %% tags=["proof"] jupyter={"source_hidden": true} slideshow={"slide_type": "skip"}
# @title What both answers say holds
_means = {row: distances_of(row).mean() for row in rows}
_pairs = {row: distances_of(row) - distances_of(rows[0]) for row in rows[1:7]}
_errors = {row: x.std(ddof=1) / np.sqrt(len(x)) for row, x in _pairs.items()}
_clear = {r for r, x in _pairs.items() if abs(x.mean()) > t.ppf(0.975, 2) * _errors[r]}
assert _clear == {"beta1 alone", "step size alone"}
assert min(_pairs, key=_means.get) == "beta1 alone"
_way = [_means[rows[0]] - _means[row] for row in ("batch, step size, beta1", shipped)]
assert _way[0] > 0.8 * _way[1]
print(f"Batch, step size and beta1 go {_way[0] / _way[1]:.0%} of the way.")

# %% [markdown]
# None of the three is missed much. The mean is clear, with 2 of 70: **clear is not large**. Batch, step
# size and `beta1` together go most of the way. After 14,000 steps this may differ.

# %% [markdown] slideshow={"slide_type": "skip"}
# [Deeper: all recipes, with all four scores](deeper/09_ablation.ipynb).

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Where the time goes
#
# Both recipes multiply in **bfloat16**, numbers with half of the bits.
#
# **Predict before you run.** How many times faster does that make a whole step on a CPU: less than
# twice, twice, more?
#
# <!-- notes: Ask what in a step is no multiplication: normalization, dropout, Adam, copying. -->

# %% [markdown] slideshow={"slide_type": "skip"}
# A recorded run timed four programs in turns, in seven rounds, on one machine with two CPU cores.
# It counted the operations of a step, and measured how fast this machine multiplies large matrices.
# Operations over this rate are the *least* time that the multiplications need. (`tf.function`
# compiles TensorFlow's step; without it Python calls each operation.)

# %% slideshow={"slide_type": "subslide"}
timing = read_result("benchmark_dcgan")
where_time_goes(timing)

# %% [markdown] slideshow={"slide_type": "skip"}
# *Figure: four bars, each split in two; dots are the rounds.*

# %% tags=["nbval-check-output"] slideshow={"slide_type": "skip"}
slow, fast = (timing["step"][f"PyTorch, {x}"] for x in ("float32", "bfloat16"))
step = slow["milliseconds_a_step"] / fast["milliseconds_a_step"]
matrices = fast["matrix_rate_gflops"] / slow["matrix_rate_gflops"]
print(f"bfloat16: a step {step:.2f} times as fast, large matrices {matrices:.2f} times")

# %% tags=["proof"] jupyter={"source_hidden": true} slideshow={"slide_type": "skip"}
# @title The least share of the multiplications, and how much faster each became
_whole = [run["milliseconds_a_step"] for run in (slow, fast)]
_rates = [run["matrix_rate_gflops"] for run in (slow, fast)]
_least = [1e3 * timing["gigaflop_a_step"] / rate for rate in _rates]
assert all(0.7 < least / whole < 0.8 for least, whole in zip(_least, _whole))
assert all(1.5 < factor < 2 for factor in (step, matrices))
print(f"Shares {', '.join(f'{a / b:.0%}' for a, b in zip(_least, _whole))}.")

# %% [markdown]
# **Answer.** A little less than twice, and so are large matrices alone. In PyTorch the
# multiplications need about three quarters of a step, at least.

# %% [markdown] slideshow={"slide_type": "skip"}
# What the rest is made of was not measured. This is one machine: a CPU without instructions for
# bfloat16 can be slower with it, and a GPU has another balance.

# %% [markdown] slideshow={"slide_type": "skip"}
# ## What could go wrong
#
# - **Shapes fit, numbers do not.** Compare numbers with the original, in evaluation and in training
#   mode.
# - **A score without its control.** The wrong padding looked like ruin, and was a shift.
# - **The discriminator learns the generator's loss**: `inputs=` is missing.
# - **Evaluation mode forgotten.** In training mode a sample depends on the others in its batch.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Summary
#
# 1. A network is its layers *and* their defaults.
# 2. With a slope of 0.01 a classifier loses most digits, without an error; padding moves them.
# 3. Equal means: same weights, same input, equal numbers.
# 4. Each player gets the gradient of its own loss: `inputs=`, `detach`.
# 5. Change one thing at a time, with several seeds.

# %% [markdown] slideshow={"slide_type": "skip"}
# ## Exercises
#
# [The set of this lesson](exercises/09_dcgan_pytorch.ipynb) has stubs to fill in, and checks that
# answer. The questions here have none.
#
# 1. *Easy, 10 minutes.* Give the other epsilon to `norm1` alone, then to `norm3` alone. Which
#    changes the pixels more? Predict, then try.
# 2. *Easy, 10 minutes.* In `simultaneous_step`, let the generator's `backward` come first, and
#    leave `retain_graph=True` where it is. What happens, and why?
# 3. *Medium, 20 minutes.* Move the images as trained by one, two and three pixels. How fast does
#    the classifier lose them? Which part of the damage by padding is the shift, and which the rim?
# 4. *Open, an hour and more.* Play `tools/measure/dcgan_ablation.py` for a change of your own.
#    Begin with two seeds of the plain recipe.

# %% [markdown] slideshow={"slide_type": "skip"}
# ## References
#
# - A. Radford, L. Metz and S. Chintala, *Unsupervised representation learning with deep
#   convolutional generative adversarial networks*, 2016, <https://arxiv.org/abs/1511.06434>.
# - L. Mescheder, A. Geiger and S. Nowozin, *Which training methods for GANs do actually
#   converge?*, 2018, <https://arxiv.org/abs/1801.04406>.
