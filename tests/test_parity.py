"""The same weights and the same noise give the same numbers in both frameworks.

Equal means: the largest difference in an array is below a multiple of its largest
value.
A sum of k products carries a relative rounding error near sqrt(k) u, at worst k u, with
u = 6e-8 in float32 and 1.1e-16 in float64; k is at most 3,136 in these networks, so
errors stay near 3e-6 and 6e-15.
"""

import re
from pathlib import Path

import jupytext
import keras
import numpy as np
import pytest
import tensorflow as tf
import torch
import torch.nn.functional as F

from course_utils.pytorch import device as torch_device
from course_utils.pytorch import likelihoods as torch_likelihoods
from course_utils.pytorch import vae as torch_vae
from course_utils.pytorch import weights as torch_weights
from course_utils.tfkeras import device as keras_device
from course_utils.tfkeras import likelihoods as keras_likelihoods
from course_utils.tfkeras import vae as keras_vae
from course_utils.tfkeras import weights as keras_weights

ROOT = Path(__file__).parents[1]
TOLERANCE = {"float32": 1e-5, "float64": 1e-12}
CASES = [("float32", 1), ("float32", 3), ("float64", 1), ("float64", 3)]
TERMS = ("elbo", "reconstruction", "kl")
IMAGES = 5


class Pair:
    """One model in two frameworks, with images and noise for both."""

    def __init__(self, rng, dtype, channels):
        self.dtype = dtype
        self.torch = torch_vae.ConvVAE(channels=channels).to(getattr(torch, dtype))
        self.keras = keras_vae.ConvVAE(channels=channels)
        # biases that are not zero, so that a lost one is noticed
        weights = {
            name: rng.normal(0, 0.1, array.shape).astype(dtype)
            for name, array in torch_weights.export_weights(self.torch).items()
        }
        torch_weights.import_weights(self.torch, weights)
        keras_weights.import_weights(self.keras, weights)
        self.x = rng.random((IMAGES, 28, 28, channels)).astype(dtype)
        self.epsilon = rng.standard_normal((IMAGES, 2)).astype(dtype)

    @property
    def torch_batch(self):
        nchw = self.x.transpose(0, 3, 1, 2).copy()
        return torch.from_numpy(nchw), torch.from_numpy(self.epsilon)

    @property
    def keras_batch(self):
        return tf.constant(self.x), tf.constant(self.epsilon)

    def assert_equal(self, theirs, ours):
        """Compare a tensor of PyTorch with one of Keras, in the latter's layout."""
        theirs, ours = torch_device.to_numpy(theirs), keras_device.to_numpy(ours)
        assert theirs.shape == ours.shape
        assert theirs.dtype == ours.dtype == self.dtype
        scale = np.abs(theirs).max()
        assert scale > 0
        assert np.abs(theirs - ours).max() <= TOLERANCE[self.dtype] * scale


@pytest.fixture(params=CASES, ids=[f"{d}-{c}-channels" for d, c in CASES])
def pair(request, rng, keras_precision):
    dtype, channels = request.param
    keras_precision(dtype)
    return Pair(rng, dtype, channels)


def test_encoders_agree(pair):
    x, _ = pair.torch_batch
    for theirs, ours in zip(
        pair.torch.encoder(x), pair.keras.encoder(pair.x), strict=True
    ):
        pair.assert_equal(theirs, ours)


def test_decoders_and_their_pictures_agree(pair):
    _, z = pair.torch_batch
    for part in ("decoder", "decode"):
        theirs = getattr(pair.torch, part)(z).permute(0, 2, 3, 1)
        pair.assert_equal(theirs, getattr(pair.keras, part)(pair.epsilon))


def test_every_term_of_the_elbo_agrees(pair):
    theirs = torch_vae.elbo(pair.torch, *pair.torch_batch)
    ours = keras_vae.elbo(pair.keras, *pair.keras_batch)
    for name, their_term, our_term in zip(TERMS, theirs, ours, strict=True):
        assert their_term.shape == (IMAGES,), name
        pair.assert_equal(their_term, our_term)


def test_all_gradients_agree(pair):
    torch_vae.elbo(pair.torch, *pair.torch_batch)[0].mean().backward()
    theirs = {name: p.grad for name, p in pair.torch.named_parameters()}
    with tf.GradientTape() as tape:
        bound = tf.reduce_mean(keras_vae.elbo(pair.keras, *pair.keras_batch)[0])
    gradients = tape.gradient(bound, pair.keras.trainable_weights)
    # put in the place of the weights, they are exported in PyTorch's layout
    for variable, gradient in zip(pair.keras.trainable_weights, gradients, strict=True):
        variable.assign(gradient)
    ours = keras_weights.export_weights(pair.keras)
    assert theirs.keys() == ours.keys()
    assert len(theirs) == 18
    for name, gradient in theirs.items():
        pair.assert_equal(gradient, tf.constant(ours[name]))


def test_gaussian_likelihoods_agree(pair):
    x, _ = pair.torch_batch
    theirs = torch_likelihoods.gaussian_log_likelihood(x.flip(0), x, 0.3)
    ours = keras_likelihoods.gaussian_log_likelihood(
        pair.x[::-1], tf.constant(pair.x), 0.3
    )
    pair.assert_equal(theirs, ours)


@pytest.mark.parametrize("beta", [1.0, 4.0])
def test_steps_of_training_lead_to_the_same_weights(pair, beta):
    optimizer = torch.optim.SGD(pair.torch.parameters(), 1e-4)
    pair.keras.compile(keras.optimizers.SGD(1e-4), beta)
    before = torch_weights.export_weights(pair.torch)
    for _ in range(3):
        torch_vae.vae_step(pair.torch, *pair.torch_batch, optimizer, beta)
        pair.keras.train_step(pair.keras_batch)
    ours = keras_weights.export_weights(pair.keras)
    for name, theirs in pair.torch.state_dict().items():
        assert not np.array_equal(before[name], ours[name])
        pair.assert_equal(theirs, tf.constant(ours[name]))


@pytest.mark.parametrize("channels", [1, 3])
def test_the_lectures_cross_entropy_is_too_small_by_the_number_of_channels(
    rng, channels
):
    """Keras averages over the last axis, and the lecture then sums over the others."""
    logits = rng.normal(size=(4, 28, 28, channels))
    x = rng.random(logits.shape)
    pixels = keras.losses.binary_crossentropy(x, tf.sigmoid(logits))
    lecture = keras_device.to_numpy(tf.reduce_sum(pixels, axis=(1, 2)))
    ours = keras_likelihoods.bernoulli_log_likelihood(
        tf.constant(logits), tf.constant(x)
    )
    nchw = (torch.from_numpy(a.transpose(0, 3, 1, 2)) for a in (logits, x))
    theirs = torch_likelihoods.bernoulli_log_likelihood(*nchw)
    # Keras computes this loss in float32 and clips probabilities at 1e-7
    np.testing.assert_allclose(-ours, channels * lecture, rtol=1e-5)
    np.testing.assert_allclose(-theirs, channels * lecture, rtol=1e-5)


def test_weights_travel_both_ways_without_a_change(rng):
    theirs, ours = torch_vae.ConvVAE(channels=3), keras_vae.ConvVAE(channels=3)
    before = keras_weights.export_weights(ours)
    torch_weights.import_weights(theirs, before)
    after = torch_weights.export_weights(theirs)
    assert before.keys() == after.keys()
    for name, array in before.items():
        np.testing.assert_array_equal(array, after[name])


def test_both_frameworks_start_from_the_same_distribution():
    """Glorot-uniform: variance 2 / (inputs + outputs), and biases of zero."""
    torch_device.seed_everything(0)
    keras_device.seed_everything(0)
    theirs = torch_weights.export_weights(torch_vae.ConvVAE())
    ours = keras_weights.export_weights(keras_vae.ConvVAE())
    for name, array in theirs.items():
        if name.endswith("bias"):
            assert not array.any()
            assert not ours[name].any()
            continue
        area = np.prod(array.shape[2:], initial=1)
        limit = np.sqrt(6 / (area * (array.shape[0] + array.shape[1])))
        # the variance of n squares of U(-l, l) has the standard error 0.9 l^2/3/sqrt n
        error = 0.9 / np.sqrt(array.size)
        for weights in (array, ours[name]):
            assert np.abs(weights).max() <= limit
            assert abs(weights.var() / (limit**2 / 3) - 1) < 5 * error


def test_the_lines_of_pytorch_that_lesson_4_prints_are_keras_s_layers(pair):
    script = ROOT / "notebooks" / "scripts" / "04_vae_keras.py"
    cells = "\n".join(cell.source for cell in jupytext.read(script).cells)
    (block,) = re.findall(r"```python\n(.*?)```", cells, re.S)
    convolve, flatten, transpose = block.splitlines()
    encoder, decoder = pair.keras.encoder, pair.keras.decoder
    weights = keras_weights.export_weights(pair.keras)

    def run(line, x, name=None):
        names = {"F": F, "x": x}
        for kind in ("weight", "bias") if name else ():
            names[kind] = torch.from_numpy(weights[f"{name}.{kind}"])
        exec(line, names)
        return names["x"]

    parts = [encoder.get_layer(name).output for name in ("conv2", "flatten")]
    theirs = pair.torch_batch[0]
    for name in ("conv1", "conv2"):
        theirs = F.relu(run(convolve, theirs, f"encoder.{name}"))
    maps, flat = keras.Model(encoder.input, parts)(pair.x)
    pair.assert_equal(theirs.permute(0, 2, 3, 1), maps)
    pair.assert_equal(run(flatten, theirs), flat)

    names = "reshape", "deconv1", "deconv2"
    outputs = [decoder.get_layer(name).output for name in names]
    before, *after = keras.Model(decoder.input, outputs)(pair.epsilon)
    theirs = torch.from_numpy(keras_device.to_numpy(before)).permute(0, 3, 1, 2)
    for name, ours in zip(names[1:], after, strict=True):
        theirs = F.relu(run(transpose, theirs, f"decoder.{name}"))
        pair.assert_equal(theirs.permute(0, 2, 3, 1), ours)
