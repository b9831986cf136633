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
from course_utils.progress import EpochLog
from course_utils.runs import whole_number
from course_utils.tfkeras.batches import held_out_batches, training_batches
from course_utils.tfkeras.bookkeeping import Batch, Recorder, VAEBase
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
from course_utils.tfkeras.runtime import (
    Adam,
    computing_in,
    expecting_tracings,
    made_shape,
    own_settings,
    to_numpy,
    to_tensor,
)

__all__ = [
    "ConvDecoder",
    "ConvEncoder",
    "ConvVAE",
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


class ConvVAE(VAEBase):
    """Convolutional VAE; the defaults are the lecture's, 134,165 parameters.

    Its pixels are Bernoulli, and the decoder's numbers their logits. `fit` and
    `evaluate` take images (n, 28, 28, channels) in [0, 1] and draw the noise, or a data
    set of pairs (images, epsilon).

    Args:
        latent_dim: dimensions of z.
        channels: of an image.
    """

    @own_settings()
    def __init__(self, latent_dim: int = 2, channels: int = 1) -> None:
        super().__init__(latent_dim)
        self.encoder = ConvEncoder(latent_dim, channels)
        self.decoder = ConvDecoder(latent_dim, channels)

    def log_likelihood(self, x: tf.Tensor, z: tf.Tensor) -> tf.Tensor:
        """Log p(x given z), shape (n,)."""
        # x's type, also where layers multiplied in bfloat16
        return bernoulli_log_likelihood(ops.cast(self.decoder(z), x.dtype), x)

    def decode(self, z: tf.Tensor) -> tf.Tensor:
        """The mean image of each latent point, in [0, 1]."""
        return ops.sigmoid(self.decoder(z))

    def terms(self, data: Batch) -> dict[str, tf.Tensor]:
        """The named terms of each image, (n,)."""
        bound, reconstruction, kl = elbo(self, *self.with_noise(data))
        loss = self.beta * kl - reconstruction
        return {"elbo": bound, "reconstruction": reconstruction, "kl": kl, "loss": loss}

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
    with computing_in(model, precision), expecting_tracings(), EpochLog(epochs) as log:
        with own_settings():
            model.compile(Adam(float(learning_rate)), float(beta))
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
