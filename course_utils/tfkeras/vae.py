"""The lecture's VAE in Keras: the model, its steps, training, evaluation.

All terms are in nats, summed over pixels and latent dimensions, one value an image.
"""

import math

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf
from keras import ops

from course_utils.evaluation import Evaluation
from course_utils.history import History
from course_utils.progress import EpochLog, not_finite
from course_utils.tfkeras.batches import held_out_batches, training_batches
from course_utils.tfkeras.formulas import (
    bernoulli_log_likelihood,
    elbo,
    gaussian_log_likelihood,
    iwae_bound,
    kl_to_standard_normal,
    log_weights,
    reparameterize,
)
from course_utils.tfkeras.networks import ConvDecoder, ConvEncoder
from course_utils.tfkeras.runtime import computing_in, to_numpy, to_tensor

__all__ = [
    "ConvDecoder",
    "ConvEncoder",
    "ConvVAE",
    "FirstNotFinite",
    "bernoulli_log_likelihood",
    "elbo",
    "evaluate_vae",
    "gaussian_log_likelihood",
    "iwae_bound",
    "kl_to_standard_normal",
    "log_weights",
    "reparameterize",
    "train_vae",
]

# Latent points that one pass through the decoder takes: bounds the memory.
DECODED_AT_ONCE = 1_000

TERMS = ("elbo", "reconstruction", "kl", "loss")

# Images alone, for which noise is drawn, or images with their noise.
Batch = tf.Tensor | tuple[tf.Tensor, tf.Tensor]


class FirstNotFinite(keras.metrics.Metric):
    """The number of the first step, from 1, with a value that is not finite; else 0."""

    def __init__(self, name: str = "not_finite_step") -> None:
        super().__init__(name=name, dtype="float32")
        self.steps = self.add_variable((), "zeros", name="steps")
        self.first = self.add_variable((), "zeros", name="first")

    def update_state(self, values: tf.Tensor) -> None:
        """Look at the values of one more step."""
        self.steps.assign_add(1)
        fault = ops.logical_not(ops.all(ops.isfinite(values)))
        new = ops.logical_and(fault, ops.equal(self.first, 0))
        self.first.assign(ops.where(new, self.steps, self.first))

    def result(self) -> tf.Tensor:
        """The step's number."""
        return ops.cast(self.first, "int32")


class ConvVAE(keras.Model):
    """Convolutional VAE; the defaults are the lecture's, 134,165 parameters.

    Its pixels are Bernoulli, and the decoder's numbers their logits. `fit` and
    `evaluate` take images (n, 28, 28, channels) in [0, 1] and draw the noise, or a data
    set of pairs (images, epsilon). What they report are means over all images so far,
    in nats: `elbo`, `reconstruction`, `kl`, `loss`; and `not_finite_step`.

    Args:
        latent_dim: dimensions of z.
        channels: of an image.
    """

    def __init__(self, latent_dim: int = 2, channels: int = 1) -> None:
        super().__init__()
        self.latent_dim = latent_dim
        self.beta = 1.0
        self.encoder = ConvEncoder(latent_dim, channels)
        self.decoder = ConvDecoder(latent_dim, channels)
        self.noise = keras.random.SeedGenerator(0)
        self.means = {name: keras.metrics.Mean(name, "float64") for name in TERMS}
        self.not_finite_step = FirstNotFinite()
        self.built = True

    def compile(
        self, optimizer: str | keras.Optimizer = "adam", beta: float = 1.0
    ) -> None:
        """Choose the optimizer and the weight of the KL."""
        super().compile(optimizer)
        self.beta = beta

    @property
    def metrics(self) -> list[keras.Metric]:
        """What an epoch starts anew."""
        return [*self.means.values(), self.not_finite_step]

    def log_likelihood(self, x: tf.Tensor, z: tf.Tensor) -> tf.Tensor:
        """Log p(x given z), shape (n,)."""
        # x's type, also where layers multiplied in bfloat16
        return bernoulli_log_likelihood(ops.cast(self.decoder(z), x.dtype), x)

    def decode(self, z: tf.Tensor) -> tf.Tensor:
        """The mean image of each latent point, in [0, 1]."""
        return ops.sigmoid(self.decoder(z))

    def terms(self, data: Batch) -> dict[str, tf.Tensor]:
        """The named terms of each image, (n,)."""
        x, epsilon = data if isinstance(data, tuple) else (data, self.draw_noise(data))
        bound, reconstruction, kl = elbo(self, x, epsilon)
        loss = self.beta * kl - reconstruction
        return {"elbo": bound, "reconstruction": reconstruction, "kl": kl, "loss": loss}

    def draw_noise(self, x: tf.Tensor) -> tf.Tensor:
        """Standard normal noise for one latent point an image."""
        shape = (ops.shape(x)[0], self.latent_dim)
        return keras.random.normal(shape, dtype=x.dtype, seed=self.noise)

    def train_step(self, data: Batch) -> dict[str, tf.Tensor]:
        """One step down the gradient of the loss, beta KL - reconstruction."""
        with tf.GradientTape() as tape:
            terms = self.terms(data)
            loss = ops.mean(terms["loss"])
        gradients = tape.gradient(loss, self.trainable_weights)
        self.optimizer.apply(gradients, self.trainable_weights)
        return self.report(terms)

    def test_step(self, data: Batch) -> dict[str, tf.Tensor]:
        """The same terms, without a step."""
        return self.report(self.terms(data))

    def report(self, terms: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Take the terms of a batch into the means, and return these."""
        for name, mean in self.means.items():
            mean.update_state(terms[name])
        self.not_finite_step.update_state(terms["loss"])
        return {metric.name: metric.result() for metric in self.metrics}


class Recorder(keras.callbacks.Callback):
    """Hands the means of each epoch on to a log, and stops when one is not finite."""

    def __init__(self, log: EpochLog) -> None:
        super().__init__()
        self.log = log

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Called by `fit` with Keras's names: `val_` means held out."""
        places = {"not_finite_step": f"of epoch {epoch + 1}"}
        places["val_not_finite_step"] = f"on held-out images, epoch {epoch + 1}"
        for key, where in places.items():
            if step := int(logs.get(key, 0)):
                raise not_finite(step, where)
        values = {term: logs[term] for term in TERMS}
        if "val_loss" in logs:
            values |= {f"test_{term}": logs[f"val_{term}"] for term in TERMS}
        self.log.append(values)


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
        TypeError, ValueError: unusable images, as `images.check_images`.
        FloatingPointError: the loss was not finite; the message names the step.
    """
    drawing = batch_size, model.latent_dim, seed, binarize
    training = training_batches(_tensor_for(model, images), *drawing)
    held_out = None
    if test_images is not None:
        held_out = held_out_batches(_tensor_for(model, test_images), *drawing)
    with computing_in(model, precision), EpochLog(epochs) as log:
        model.compile(keras.optimizers.Adam(learning_rate), beta)
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
        TypeError, ValueError: as `images.check_images`.
    """
    x = _tensor_for(model, images)
    noise = keras.random.SeedGenerator(seed)

    @tf.function(reduce_retracing=True)
    def terms(x: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        log_w, log_likelihood = log_weights(model, x, samples, noise)
        kl = kl_to_standard_normal(*model.encoder(x))
        return log_w, ops.mean(log_likelihood, axis=0), kl

    log_w = np.empty((samples, len(x)), dtype=model.dtype)
    reconstruction, kl = np.empty((2, len(x)), dtype=model.dtype)
    size = max(1, DECODED_AT_ONCE // samples)
    for start in range(0, len(x), size):
        rows = slice(start, start + size)
        parts = map(to_numpy, terms(x[rows]))
        log_w[:, rows], reconstruction[rows], kl[rows] = parts
    return Evaluation.of(log_w, reconstruction, kl)


def _tensor_for(model: ConvVAE, images: npt.NDArray) -> tf.Tensor:
    """The images in the precision of the model's parameters."""
    return ops.cast(to_tensor(images), model.dtype)
