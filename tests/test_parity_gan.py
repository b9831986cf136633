"""The lecture's DCGAN is the same in both frameworks, in each of its modes.

Equal means: the largest difference in an array is below a multiple of its largest
value. A sum of k products carries a relative rounding error near sqrt(k) u, at worst
k u, with u = 6e-8 in float32 and 1.1e-16 in float64; k is at most 6,400 here (256
channels under a kernel of 5 by 5), so one layer's errors stay below 4e-4 and 7e-13, and
are near 5e-6 and 9e-15. A gradient passes some ten layers, and batch normalization,
which subtracts a mean, may lose a digit more.
"""

import keras
import numpy as np
import pytest
import tensorflow as tf
import torch

from course_utils.pytorch import device as torch_device
from course_utils.pytorch import gan as torch_gan
from course_utils.pytorch import networks
from course_utils.pytorch import networks as torch_networks
from course_utils.pytorch import weights as torch_weights
from course_utils.tfkeras import device as keras_device
from course_utils.tfkeras import gan as keras_gan
from course_utils.tfkeras import networks as keras_networks
from course_utils.tfkeras import weights as keras_weights

TOLERANCE = {"float32": 5e-5, "float64": 1e-11}
CASES = [("float32", 1), ("float64", 1), ("float64", 3)]
SAMPLES = 5
NETWORKS = ("generator", "discriminator")


class Game:
    """Both networks in two frameworks, with samples and latent points for both."""

    def __init__(self, rng, dtype, channels):
        self.dtype = dtype
        self.torch, self.keras = {}, {}
        for name in NETWORKS:
            kind = name.capitalize()
            theirs = getattr(torch_networks, kind)(channels=channels)
            self.torch[name] = theirs.to(getattr(torch, dtype))
            self.keras[name] = getattr(keras_networks, kind)(channels=channels)
            weights = {
                key: noise_like(rng, key, array).astype(dtype)
                for key, array in torch_weights.export_weights(theirs).items()
            }
            torch_weights.import_weights(theirs, weights)
            keras_weights.import_weights(self.keras[name], weights)
        self.z = rng.standard_normal((SAMPLES, 100)).astype(dtype)
        self.x = rng.uniform(-1, 1, (SAMPLES, 28, 28, channels)).astype(dtype)

    def without_dropout(self):
        """Each framework draws its own; everything else of training stays."""
        self.torch["discriminator"].dropout.rate = 0
        for layer in self.keras["discriminator"].layers:
            if isinstance(layer, keras.layers.Dropout):
                layer.rate = 0

    @property
    def nchw(self):
        return torch.from_numpy(self.x.transpose(0, 3, 1, 2).copy())

    def logits_of_torch(self):
        fake = self.torch["generator"](torch.from_numpy(self.z))
        discriminator = self.torch["discriminator"]
        return fake, discriminator(self.nchw), discriminator(fake)

    def logits_of_keras(self, training):
        fake = self.keras["generator"](self.z, training=training)
        discriminator = self.keras["discriminator"]
        real_logits = discriminator(self.x, training=training)
        return fake, real_logits, discriminator(fake, training=training)

    def assert_equal(self, theirs, ours):
        """Compare a tensor of PyTorch with one of Keras, in the latter's layout."""
        theirs, ours = torch_device.to_numpy(theirs), keras_device.to_numpy(ours)
        assert theirs.shape == ours.shape
        assert theirs.dtype == ours.dtype == self.dtype
        scale = np.abs(theirs).max()
        assert scale > 0
        assert np.abs(theirs - ours).max() <= TOLERANCE[self.dtype] * scale

    def assert_same_outputs(self, training):
        (fake, *theirs), (images, *ours) = (
            self.logits_of_torch(),
            self.logits_of_keras(training),
        )
        self.assert_equal(fake.permute(0, 2, 3, 1), images)
        for their_logits, our_logits in zip(theirs, ours, strict=True):
            self.assert_equal(their_logits, our_logits)


def noise_like(rng, key, array):
    """Values of a size with which hardly a pixel is at the flat ends of tanh.

    Means and biases are not zero and variances not 1, so that a lost one is noticed;
    one channel in four varies so little that an epsilon is.
    """
    if "running_var" in key:
        return rng.choice([0.03, 0.5, 1.0, 2.0], array.shape)
    if array.ndim == 1:
        return rng.normal(1.0 if "weight" in key else 0.0, 0.2, array.shape)
    inputs = array.shape[0] if key[:2] in ("de", "pi") else array.shape[1]
    fan_in = inputs * np.prod(array.shape[2:], initial=1)
    size = 0.3 if "pixels" in key else 1.0
    return rng.normal(0, size * fan_in**-0.5, array.shape)


@pytest.fixture(params=CASES, ids=[f"{d}-{c}-channels" for d, c in CASES])
def game(request, rng, keras_precision, monkeypatch):
    dtype, channels = request.param
    # TensorFlow's leaky ReLU keeps its slope as a float32, whatever it is applied to
    monkeypatch.setattr(networks, "SLOPE", float(np.float32(networks.SLOPE)))
    keras_precision(dtype)
    return Game(rng, dtype, channels)


def test_outputs_agree_in_evaluation_mode(game):
    for network in game.torch.values():
        network.eval()
    game.assert_same_outputs(training=False)


def test_outputs_and_running_averages_agree_in_training_mode(game):
    game.without_dropout()
    for _ in range(2):
        game.assert_same_outputs(training=True)
    averages = 0
    ours = keras_weights.export_weights(game.keras["generator"])
    for name, theirs in game.torch["generator"].named_buffers():
        game.assert_equal(theirs, tf.constant(ours[name]))
        averages += theirs.numel()
    assert averages == 25_472


@pytest.mark.parametrize("kind", ["non_saturating", "saturating"])
def test_losses_agree(game, rng, kind):
    real, fake = 3 * rng.standard_normal((2, SAMPLES, 1)).astype(game.dtype)
    theirs = [torch.from_numpy(a) for a in (real, fake)]
    ours = [tf.constant(a) for a in (real, fake)]
    game.assert_equal(
        torch_gan.discriminator_loss(*theirs), keras_gan.discriminator_loss(*ours)
    )
    game.assert_equal(
        torch_gan.generator_loss(theirs[1], kind),
        keras_gan.generator_loss(ours[1], kind),
    )


def gradients_of_torch(game):
    """By the networks' names and those of their parameters."""
    _, real_logits, fake_logits = game.logits_of_torch()
    losses = {
        "generator": torch_gan.generator_loss(fake_logits),
        "discriminator": torch_gan.discriminator_loss(real_logits, fake_logits),
    }
    found = {}
    for name, loss in losses.items():
        names, parameters = zip(*game.torch[name].named_parameters(), strict=True)
        gradients = torch.autograd.grad(loss, parameters, retain_graph=True)
        found[name] = dict(zip(names, gradients, strict=True))
    return found


class Noting(keras.optimizers.SGD):
    """Puts gradients into the place of the weights, and moves nothing else."""

    def apply(self, gradients, variables):
        for variable, gradient in zip(variables, gradients, strict=True):
            variable.assign(gradient)


def test_one_step_takes_the_gradients_of_both_networks(game):
    """Both from the same pass, before either network has moved."""
    game.without_dropout()
    expected = gradients_of_torch(game)
    tensors = tf.constant(game.x), tf.constant(game.z)
    keras_gan.simultaneous_step(*game.keras.values(), *tensors, Noting(), Noting())
    counts = {}
    for name, gradients in expected.items():
        ours = keras_weights.export_weights(game.keras[name])
        for key, gradient in gradients.items():
            game.assert_equal(gradient, tf.constant(ours[key]))
        counts[name] = len(gradients)
    assert counts == {"generator": 10, "discriminator": 6}


def test_weights_travel_both_ways_without_a_change():
    for kind in map(str.capitalize, NETWORKS):
        before = keras_weights.export_weights(getattr(keras_networks, kind)(channels=3))
        theirs = getattr(torch_networks, kind)(channels=3)
        torch_weights.import_weights(theirs, before)
        after = torch_weights.export_weights(theirs)
        assert before.keys() == after.keys()
        for name, array in before.items():
            np.testing.assert_array_equal(array, after[name])


def test_both_frameworks_start_from_the_same_distribution():
    """Glorot-uniform: variance 2 / (inputs + outputs); biases zero, scales one."""
    torch_device.seed_everything(0)
    keras_device.seed_everything(0)
    for kind in map(str.capitalize, NETWORKS):
        theirs = torch_weights.export_weights(getattr(torch_networks, kind)())
        ours = keras_weights.export_weights(getattr(keras_networks, kind)())
        for name, array in theirs.items():
            if array.ndim == 1:
                np.testing.assert_array_equal(array, ours[name])
                continue
            area = np.prod(array.shape[2:], initial=1)
            limit = np.sqrt(6 / (area * (array.shape[0] + array.shape[1])))
            limit = np.float32(limit)  # as both draw it
            # variance of n squares of U(-l, l): standard error 0.9 l^2/3/sqrt n
            error = 0.9 / np.sqrt(array.size)
            for weights in (array, ours[name]):
                assert np.abs(weights).max() <= limit
                assert abs(weights.var() / (limit**2 / 3) - 1) < 5 * error
