"""Generative adversarial networks: training and samples; hands on the rest."""

from collections.abc import Callable

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from course_utils.checkpoints import Checkpoint, Checkpoints
from course_utils.history import History
from course_utils.progress import not_finite, run_epochs
from course_utils.tfkeras.dcgan import Discriminator, Generator
from course_utils.tfkeras.game import Game, Rate, Step, simultaneous_step
from course_utils.tfkeras.gan_formulas import discriminator_loss, generator_loss
from course_utils.tfkeras.runtime import to_numpy, to_tensor, without_remapping

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
        step: how one batch is played; see `simultaneous_step`. It is compiled.
        batch_size: samples a step; never fewer.
        learning_rate: Adam's step size, or a schedule of Keras.
        discriminator_learning_rate: the discriminator's, if it has another.
        betas: Adam's, for both; the lecture's are Keras's own, (0.9, 0.999).
        every: steps for which one mean is recorded.
        watch: called with the number of steps so far, after every `every` of them, to
            draw or measure.
        checkpoints: where the game is laid down after every `every` steps.
        resume: take up the last complete one of `checkpoints`, and play on until there
            are `steps` in all; the result is the same as without the break.

    Returns:
        Means over each `every` steps: `discriminator_loss` and `generator_loss`.

    Raises:
        TypeError, ValueError: unusable images, as `images.check_images`; fewer data
            than a batch; steps that `every` does not divide.
        CheckpointError: nothing to resume, or a folder that is in use already.
        FloatingPointError: a loss was not finite; the message names the step.
    """
    x = _tensor_of(data)
    if len(x) < batch_size:
        raise ValueError(f"{len(x)} samples cannot fill a batch of {batch_size}.")
    if steps % every:
        raise ValueError(f"{steps} steps are no multiple of every={every}.")
    if discriminator_learning_rate is None:
        discriminator_learning_rate = learning_rate
    rates = learning_rate, discriminator_learning_rate
    game = Game(generator, discriminator, x, step, batch_size, seed, rates, betas)
    run = {"seed": seed, "batch_size": batch_size, "every": every, "data": len(x)}

    def one_round(number: int) -> dict[str, float]:
        before = every * (number - 1)
        means = _means([game.play(before + t) for t in range(every)], before)
        if watch is not None:
            watch(every * number)
        return means

    def lay_down(number: int, history: History) -> None:
        if checkpoints is not None:
            checkpoints.save(Checkpoint(every * number, game.state(), history, run))

    done = _take_up(game, checkpoints, run, resume)
    with without_remapping():
        return run_epochs(steps // every, one_round, "round", done, lay_down)


def generate(generator: keras.Model, z: npt.NDArray) -> npt.NDArray:
    """Samples of a generator in evaluation mode.

    Args:
        generator: with `latent_dim`.
        z: latent points, (n, latent_dim).

    Returns:
        Points (n, dimensions) as they are; images as NHWC in [0, 1].
    """
    parts = []
    for start in range(0, len(z), GENERATED_AT_ONCE):
        some = tf.constant(z[start : start + GENERATED_AT_ONCE], dtype=tf.float32)
        x = generator(some, training=False)
        parts.append(to_numpy(x if len(x.shape) == 2 else 0.5 * (x + 1)))
    return np.concatenate(parts)


def _tensor_of(data: npt.NDArray) -> tf.Tensor:
    """The data: points as they are, images in [-1, 1]."""
    if data.ndim == 2:
        return tf.constant(data, dtype=tf.float32)
    return 2 * to_tensor(data) - 1


def _take_up(
    game: Game, checkpoints: Checkpoints | None, run: dict[str, int], resume: bool
) -> History | None:
    """The history of the game that is resumed, which is loaded; else None."""
    if not resume:
        if checkpoints is not None:
            checkpoints.check_unused()
        return None
    if checkpoints is None:
        raise ValueError("resume=True needs checkpoints=Checkpoints(folder).")
    checkpoint = checkpoints.latest(run)
    game.load_state(checkpoint.arrays)
    return checkpoint.history


def _means(losses: list[tf.Tensor], before: int) -> dict[str, float]:
    """Mean losses.

    Raises:
        FloatingPointError: a loss is not finite; the message names the step.
    """
    table = np.array([to_numpy(pair) for pair in losses], dtype=np.float64)
    finite = np.isfinite(table).all(1)
    if not finite.all():
        raise not_finite(before + int(finite.argmin()) + 1, "of the game")
    d_loss, g_loss = table.mean(0).tolist()
    return {"discriminator_loss": d_loss, "generator_loss": g_loss}
