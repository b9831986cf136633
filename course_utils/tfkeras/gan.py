"""Generative adversarial networks: losses, a step of the game, samples.

A discriminator gives logits: log D(x) - log(1 - D(x)) of the probability D(x) that x is
real. Losses are in nats, means over a batch.
"""

from collections.abc import Callable

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf
from keras import ops

from course_utils.data.images import check_points
from course_utils.tfkeras.device import (
    to_numpy,
)


def discriminator_loss(real_logits: tf.Tensor, fake_logits: tf.Tensor) -> tf.Tensor:
    """The cross-entropy -E log D(real) - E log(1 - D(fake)); ln 4 where D is 1/2.

    Goodfellow et al., 2014, https://arxiv.org/abs/1406.2661. Written with softplus, so
    that it is finite for any logit.
    """
    return ops.mean(ops.softplus(-real_logits)) + ops.mean(ops.softplus(fake_logits))


def generator_loss(fake_logits: tf.Tensor, kind: str = "non_saturating") -> tf.Tensor:
    """What the generator minimizes, from the discriminator's logits of its samples.

    Args:
        fake_logits: any shape.
        kind: "non_saturating", -E log D(fake), as everyone trains; or "saturating",
            E log(1 - D(fake)), the generator's part of the zero-sum game, whose
            gradient vanishes where the discriminator is sure (section 3 of the same).

    Raises:
        ValueError: another kind.
    """
    if kind == "non_saturating":
        return ops.mean(ops.softplus(-fake_logits))
    if kind == "saturating":
        return -ops.mean(ops.softplus(fake_logits))
    raise ValueError(f'kind is {kind!r}; it must be "non_saturating" or "saturating".')


# generator, discriminator, real, z and the two optimizers, to the two losses; a step
# may have a seventh argument, `number`, and gets there which step of the game it is.
Step = Callable[..., tuple[tf.Tensor, tf.Tensor]]


def simultaneous_step(
    generator: keras.Model,
    discriminator: keras.Model,
    real: tf.Tensor,
    z: tf.Tensor,
    generator_optimizer: keras.Optimizer,
    discriminator_optimizer: keras.Optimizer,
) -> tuple[tf.Tensor, tf.Tensor]:
    """One step of both networks at once (simultaneous), as the lecture's program does.

    Both gradients belong to the weights from before the step. In the PyTorch wing's
    `gan_step`, which alternates, the generator meets the new discriminator.

    Args:
        generator: latent points to samples.
        discriminator: samples to logits.
        real: as many samples of the data as there are latent points.
        z: latent points, (n, latent_dim).
        generator_optimizer: of the generator's variables, and built for them.
        discriminator_optimizer: of the discriminator's.

    Returns:
        The discriminator's and the generator's loss, before the step.
    """
    with tf.GradientTape() as g_tape, tf.GradientTape() as d_tape:
        fake = generator(z, training=True)
        real_logits = discriminator(real, training=True)
        fake_logits = discriminator(fake, training=True)
        d_loss = discriminator_loss(real_logits, fake_logits)
        g_loss = generator_loss(fake_logits)
    g_weights = generator.trainable_variables
    d_weights = discriminator.trainable_variables
    g_gradients = g_tape.gradient(g_loss, g_weights)
    d_gradients = d_tape.gradient(d_loss, d_weights)
    generator_optimizer.apply(g_gradients, g_weights)
    discriminator_optimizer.apply(d_gradients, d_weights)
    return d_loss, g_loss


# Latent points that one pass through the generator takes: bounds the memory.
GENERATED_AT_ONCE = 100


def generate(generator: keras.Model, z: npt.NDArray) -> npt.NDArray:
    """Samples of a generator in evaluation mode.

    Args:
        generator: with `latent_dim`.
        z: latent points, (n, latent_dim).

    Returns:
        Points (n, dimensions) as they are; images as NHWC in [0, 1].
    """
    check_points(z)
    parts = []
    for start in range(0, len(z), GENERATED_AT_ONCE):
        some = tf.constant(z[start : start + GENERATED_AT_ONCE], dtype=tf.float32)
        x = generator(some, training=False)
        parts.append(to_numpy(x if len(x.shape) == 2 else 0.5 * (x + 1)))
    return np.concatenate(parts)
