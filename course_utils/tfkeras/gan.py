"""Generative adversarial networks: training and samples; hands on the rest."""

from collections.abc import Callable

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from course_utils.checkpoints import Checkpoints
from course_utils.history import History
from course_utils.images import check_points
from course_utils.rounds import check_sizes, play_rounds
from course_utils.tfkeras.dcgan import Discriminator, Generator
from course_utils.tfkeras.game import Game, Rate, Step, simultaneous_step
from course_utils.tfkeras.gan_formulas import discriminator_loss, generator_loss
from course_utils.tfkeras.runtime import (
    made_shape,
    pick_device,
    to_numpy,
    to_tensor,
    without_remapping,
)

__all__ = [
    "Discriminator",
    "Generator",
    "Step",
    "discriminator_loss",
    "simultaneous_step",
    "generate",
    "generator_loss",
    "train_gan",
]

# Latent points that one pass through the generator takes: bounds the memory.
GENERATED_AT_ONCE = 100


def train_gan(
    generator: keras.Model,
    discriminator: keras.Model,
    data: npt.NDArray,
    steps: int,
    seed: int,
    *,
    step: Step = simultaneous_step,
    batch_size: int = 256,
    learning_rate: Rate = 1e-4,
    discriminator_learning_rate: Rate | None = None,
    betas: tuple[float, float] = (0.5, 0.99),
    every: int = 100,
    watch: Callable[[int], None] | None = None,
    checkpoints: Checkpoints | None = None,
    resume: bool = False,
) -> History:
    """Let both networks play, by Adam.

    Interrupted in a notebook, it keeps the networks as they are and returns what was
    finished.

    Args:
        generator: with `latent_dim`; changed in place.
        discriminator: changed in place.
        data: points, float (n, dimensions), as they are; or images, float32
            (n, height, width, channels) in [0, 1], which are shown to the
            discriminator in [-1, 1].
        steps: how many; a multiple of `every`.
        seed: of the order of the data, of all latent points, and of dropout.
        step: how one batch is played; see `simultaneous_step`. It is compiled. If it
            has a seventh argument, `number`, it gets there which step of the game it
            is: 0 for the first, an int64 tensor.
        batch_size: samples a step, at least 2; never fewer.
        learning_rate: Adam's step size, or a schedule of Keras.
        discriminator_learning_rate: the discriminator's, if it has another.
        betas: Adam's, for both; the lecture's are Keras's own, (0.9, 0.999).
        every: steps for which one mean is recorded.
        watch: called with the number of steps so far, after every `every` of them, to
            draw or measure.
        checkpoints: where the game is laid down after every `every` steps.
        resume: take up the last complete one of `checkpoints`, and play on until there
            are `steps` in all; the result is the same as without the break. Data,
            networks and all that is set here must be as they were.

    Returns:
        Means over each `every` steps: `discriminator_loss` and `generator_loss`.

    Raises:
        TypeError, ValueError: unusable images, as `images.check_images`; fewer data
            than a batch; numbers that are not whole or too small; steps that `every`
            does not divide, or fewer than are done already; a step whose schedule is
            too short.
        CheckpointError: nothing to resume, or another run; a folder that is in use, or
            cannot be written.
        FloatingPointError: a loss was not finite; the message names the step.
    """
    if discriminator_learning_rate is None:
        discriminator_learning_rate = learning_rate
    steps, every, batch_size, seed = check_sizes(steps, every, batch_size, seed)
    rates = learning_rate, discriminator_learning_rate
    x = _tensor_of(data, generator)
    game = Game(generator, discriminator, x, step, batch_size, seed, rates, betas)
    settings = {
        "step": step,
        "learning_rate": learning_rate,
        "discriminator_learning_rate": discriminator_learning_rate,
        "betas": betas,
        "average": None,
        "framework": "Keras",
        "device": pick_device().split(":")[0].lower(),
    }

    def losses_after(before: int) -> npt.NDArray:
        return np.stack(
            [to_numpy(game.play(before + t)) for t in range(every)], dtype=np.float64
        )

    with without_remapping():
        return play_rounds(
            game, losses_after, steps, every, watch, checkpoints, resume, settings
        )


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


def _tensor_of(data: npt.NDArray, generator: keras.Model) -> tf.Tensor:
    """The data: points as they are, images in [-1, 1].

    Raises:
        TypeError, ValueError: unusable data, or others than the generator makes.
    """
    shape = made_shape(generator, generator.latent_dim)
    if np.ndim(data) == 2:
        check_points(data, shape)
        return tf.constant(np.asarray(data, dtype=np.float32))
    return 2 * to_tensor(data, shape) - 1
