"""Losses and the step against formulas worked out by hand; samples."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf
from small_keras_games import pair

from course_utils.tfkeras import gan
from course_utils.tfkeras.device import to_numpy
from course_utils.tfkeras.gan import (
    discriminator_loss,
    generate,
    generator_loss,
    simultaneous_step,
)


def test_losses_are_cross_entropies_of_the_probability(rng):
    real, fake = rng.standard_normal((2, 50, 1))
    D_real, D_fake = (1 / (1 + np.exp(-logits)) for logits in (real, fake))
    expected = -np.log(D_real).mean() - np.log(1 - D_fake).mean()
    real, fake = tf.constant(real), tf.constant(fake)
    assert float(discriminator_loss(real, fake)) == pytest.approx(expected)
    assert float(generator_loss(fake)) == pytest.approx(-np.log(D_fake).mean())
    caught = float(generator_loss(fake, "saturating"))
    assert caught == pytest.approx(np.log(1 - D_fake).mean())


def test_losses_at_the_equilibrium_are_ln_4_and_ln_2():
    zeros = tf.zeros((3, 1), tf.float64)
    assert float(discriminator_loss(zeros, zeros)) == pytest.approx(math.log(4))
    assert float(generator_loss(zeros)) == pytest.approx(math.log(2))


@pytest.mark.parametrize("logit", [-100.0, 100.0])
def test_losses_are_finite_where_the_discriminator_is_sure(logit):
    x = tf.Variable([logit])
    with tf.GradientTape() as tape:
        loss = generator_loss(x)
    # softplus(100) is 100 in float32, and its slope 1; those at -100 are below 1e-43
    assert float(loss) == pytest.approx(max(0, -logit), abs=1e-40)
    slope = float(tape.gradient(loss, x)[0])
    assert slope == pytest.approx(-1.0 if logit < 0 else 0.0, abs=1e-40)


def test_an_unknown_loss_is_refused_in_words():
    with pytest.raises(ValueError, match="'hinge'.*non_saturating"):
        generator_loss(tf.zeros(3), "hinge")


class Dirac(keras.layers.Layer):
    """One number of each player: the generator's theta, the discriminator's psi."""

    def __init__(self, value):
        super().__init__(dtype="float64")
        self.value = self.add_weight(shape=(), name="kernel")
        self.value.assign(value)


class Point(Dirac):
    def call(self, z, training):
        return self.value + 0 * z


class Slope(Dirac):
    def call(self, x, training):
        return self.value * x


def sigmoid(t):
    return 1 / (1 + math.exp(-t))


def test_both_players_step_at_once_as_worked_out_by_hand():
    """Data at 0, fake at theta, logit psi x."""
    rate, theta, psi = 0.3, 1.5, -0.7
    generator, discriminator = Point(theta), Slope(psi)
    optimizers = [keras.optimizers.SGD(rate) for _ in range(2)]
    real, z = tf.zeros((4, 1), tf.float64), tf.zeros((4, 1), tf.float64)
    for _ in range(5):
        losses = simultaneous_step(generator, discriminator, real, z, *optimizers)
        expected = math.log(2) + math.log1p(math.exp(psi * theta))
        # Keras's learning rate is a float32: 3e-8 of each step
        assert float(losses[0]) == pytest.approx(expected, rel=1e-6)
        assert float(losses[1]) == pytest.approx(
            math.log1p(math.exp(-psi * theta)), rel=1e-6
        )
        theta, psi = (
            theta + rate * psi * sigmoid(-psi * theta),
            psi - rate * theta * sigmoid(psi * theta),
        )
        assert float(generator.value) == pytest.approx(theta, rel=1e-6)
        assert float(discriminator.value) == pytest.approx(psi, rel=1e-6)


def test_generated_images_come_back_between_zero_and_one(rng):
    generator, _ = pair(shape=(2, 3, 1))
    z = rng.standard_normal((4, 3))
    x = generate(generator, z)
    assert (x.shape, x.dtype) == ((4, 2, 3, 1), np.float32)
    # in evaluation mode each row is made by itself
    np.testing.assert_allclose(generate(generator, z[:1]), x[:1], rtol=1e-5)
    raw = to_numpy(generator(tf.constant(z, tf.float32), training=False))
    np.testing.assert_allclose(x, (raw + 1) / 2, rtol=1e-6)


def test_points_come_back_as_they_are(rng):
    generator, _ = pair()
    z = rng.standard_normal((4, 3)).astype("float32")
    np.testing.assert_array_equal(generate(generator, z), generator(z, training=False))


def test_many_samples_are_made_in_parts(rng):
    generator, _ = pair()
    z = rng.standard_normal((2 * gan.GENERATED_AT_ONCE + 1, 3)).astype("float32")
    expected = to_numpy(generator(z, training=False))
    assert generate(generator, z).shape == (len(z), 2)
    # products of 8 numbers in float32, perhaps in another order
    np.testing.assert_allclose(generate(generator, z), expected, atol=1e-5)
