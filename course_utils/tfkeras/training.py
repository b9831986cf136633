"""Training and evaluation: `train_vae`, `evaluate_vae`, `train_gan`."""

import math
from collections.abc import Callable

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf
from keras import ops

from course_utils.metrics.bounds import Evaluation
from course_utils.records.checkpoints import Checkpoints
from course_utils.records.history import History
from course_utils.records.progress import EpochLog, not_finite
from course_utils.records.rounds import play_rounds
from course_utils.records.runs import whole_number
from course_utils.tfkeras.batches import held_out_batches, training_batches
from course_utils.tfkeras.device import (
    MeanAdam,
    computing_in,
    expecting_tracings,
    made_shape,
    own_settings,
    to_numpy,
    to_tensor,
)
from course_utils.tfkeras.game import Game
from course_utils.tfkeras.vae import (
    TERMS,
    ConvVAE,
    kl_to_standard_normal,
    log_weights,
)


class Recorder(keras.callbacks.Callback):
    """Hands the means of each epoch on to a log, and stops when one is not finite."""

    def __init__(self, log: EpochLog) -> None:
        super().__init__()
        self.log = log

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Called by `fit` with Keras's names: `val_` means held out."""
        logs = logs or {}
        places = {"not_finite_step": f"of epoch {epoch + 1}"}
        places["val_not_finite_step"] = f"on held-out images, epoch {epoch + 1}"
        for key, where in places.items():
            if step := int(logs.get(key, 0)):
                raise not_finite(step, where)
        values = {term: logs[term] for term in TERMS}
        if "val_loss" in logs:
            values |= {f"test_{term}": logs[f"val_{term}"] for term in TERMS}
        self.log.append(values)


# Latent points that one pass through the decoder takes: bounds the memory.
DECODED_AT_ONCE = 1_000


def train_vae(
    model: ConvVAE,
    images: npt.NDArray,
    epochs: int,
    seed: int,
    *,
    test_images: npt.NDArray | None = None,
    batch_size: int = 128,
    learning_rate: float = 1e-3,
    beta: float = 1.0,
    binarize: bool = False,
    precision: str = "float32",
) -> History:
    """Maximize the ELBO by Adam: `compile` and `fit`, with the course's History.

    In the scope of a `tf.distribute` strategy, where the model has to be made too, its
    devices share each batch; those that they do not divide weigh a little unequally.

    Interrupted in a notebook, it keeps the model as it is and returns the epochs
    that were finished.

    Args:
        model: changed in place.
        images: float32 (n, height, width, channels) in [0, 1].
        epochs: passes over the images.
        seed: of the order of the images and of all noise.
        test_images: held-out images, measured after each epoch with the same noise.
        batch_size: images a step; the last step of an epoch may have fewer.
        learning_rate: Adam's step size.
        beta: weight of the KL term; 1 for the ELBO.
        binarize: draw each pixel anew at each visit, 1 with its grey level as the
            probability, else 0; test images are drawn once.
        precision: "float32", or "bfloat16" for what the layers compute.

    Returns:
        Means over each epoch: `elbo`, `reconstruction`, `kl`, `loss`, and their
        `test_` twins.

    Raises:
        TypeError, ValueError: unusable images, as `images.check_images`, or others than
            the model takes.
        FloatingPointError: the loss was not finite; the message names the step.
    """
    epochs, seed = whole_number("epochs", epochs, least=0), whole_number("seed", seed)
    batch_size = whole_number("batch_size", batch_size, least=1)
    drawing = batch_size, model.latent_dim, seed, binarize
    training = training_batches(_tensor_for(model, images), *drawing)
    held_out = None
    if test_images is not None:
        held_out = held_out_batches(_tensor_for(model, test_images), *drawing)
    with computing_in(precision, model), expecting_tracings(), EpochLog(epochs) as log:
        with own_settings():
            model.compile(MeanAdam(float(learning_rate)), float(beta))
        model.fit(
            training,
            epochs=epochs,
            steps_per_epoch=math.ceil(len(images) / batch_size),
            validation_data=held_out,
            callbacks=[Recorder(log)],
            shuffle=False,  # the batches come shuffled
            verbose=0,
        )
    if precision != "float32":
        # what was traced keeps the precision in which it was traced
        model.make_train_function(force=True)
        model.make_test_function(force=True)
    return log.history


def evaluate_vae(
    model: ConvVAE, images: npt.NDArray, samples: int = 500, seed: int = 0
) -> Evaluation:
    """The bounds on log p(x), averaged over images, with their standard errors.

    Args:
        model: with `encoder` and `log_likelihood`.
        images: float32 (n, height, width, channels) in [0, 1].
        samples: latent points an image; the bounds for fewer points are means over
            blocks of the same points, so that their order is exact.
        seed: of the latent points.

    Raises:
        TypeError, ValueError: as `images.check_images`, or others than the model takes.
    """
    x = _tensor_for(model, images)
    samples = whole_number("samples", samples, least=1)
    noise = keras.random.SeedGenerator(whole_number("seed", seed))

    @tf.function(reduce_retracing=True)
    def terms(x: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        log_w, log_likelihood = log_weights(model, x, samples, noise)
        kl = kl_to_standard_normal(*model.encoder(x))
        return log_w, ops.mean(log_likelihood, axis=0), kl

    log_w = np.empty((samples, len(x)), dtype=model.dtype)
    reconstruction, kl = np.empty((2, len(x)), dtype=model.dtype)
    size = max(1, DECODED_AT_ONCE // samples)
    with expecting_tracings():
        for start in range(0, len(x), size):
            rows = slice(start, start + size)
            parts = map(to_numpy, terms(x[rows]))
            log_w[:, rows], reconstruction[rows], kl[rows] = parts
    return Evaluation.of(log_w, reconstruction, kl)


def _tensor_for(model: ConvVAE, images: npt.NDArray) -> tf.Tensor:
    """The images in the precision of the model's parameters.

    Raises:
        TypeError, ValueError: unusable images, or others than the decoder makes.
    """
    decoder = getattr(model, "decoder", None)
    made = made_shape(decoder, model.latent_dim) if decoder is not None else None
    shape = made if made is not None and len(made) == 3 else None
    return ops.cast(to_tensor(images, shape), model.dtype)


def train_gan(
    game: Game,
    steps: int,
    *,
    every: int = 100,
    watch: Callable[[int], None] | None = None,
    checkpoints: Checkpoints | None = None,
    resume: bool = False,
) -> History:
    """Let both networks of a game play, by Adam.

    Interrupted in a notebook, it keeps the networks as they are and returns what was
    finished.

    Args:
        game: networks, data, recipe and seed; changed in place.
        steps: how many in all; a multiple of `every`.
        every: steps for which one mean is recorded.
        watch: called with the number of steps so far, after every `every` of them, to
            draw or measure.
        checkpoints: where the game is laid down after every `every` steps.
        resume: take up the last complete one of `checkpoints`, and play on until there
            are `steps` in all; the result is the same as without the break. Data,
            networks and recipe must be as they were.

    Returns:
        Means over each `every` steps: `discriminator_loss` and `generator_loss`.

    Raises:
        TypeError, ValueError, CheckpointError, FloatingPointError: as
            `rounds.play_rounds`.
    """
    return play_rounds(game, steps, every, watch, checkpoints, resume)
