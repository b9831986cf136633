"""The lecture's VAE in Keras: the model, its steps, the ELBO and its tighter kin.

All terms are in nats, summed over pixels and latent dimensions, one value an image.
Tensors of unequal shapes raise ValueError.
"""

import math
from typing import TypeAlias

import keras
import tensorflow as tf
from keras import ops

from course_utils.data.shapes import check_same_shape
from course_utils.records.runs import whole_number
from course_utils.tfkeras.device import (
    own_settings,
)
from course_utils.tfkeras.likelihoods import (
    bernoulli_log_likelihood,
)
from course_utils.tfkeras.networks import ConvDecoder, ConvEncoder


def reparameterize(mu: tf.Tensor, logvar: tf.Tensor, epsilon: tf.Tensor) -> tf.Tensor:
    """Z = mu + sigma * epsilon, a sample of q(z given x) when epsilon is N(0, I).

    Kingma and Welling, 2014, https://arxiv.org/abs/1312.6114.
    """
    check_same_shape(mu=mu, logvar=logvar, epsilon=epsilon)
    return mu + ops.exp(0.5 * logvar) * epsilon


def kl_to_standard_normal(mu: tf.Tensor, logvar: tf.Tensor) -> tf.Tensor:
    """KL(N(mu, diag exp logvar) || N(0, I)), shape (n,) for inputs (n, latent_dim).

    Kingma and Welling, 2014, appendix B.
    """
    check_same_shape(mu=mu, logvar=logvar)
    return 0.5 * ops.sum(ops.square(mu) + ops.exp(logvar) - 1 - logvar, axis=-1)


def elbo(
    model: keras.Model, x: tf.Tensor, epsilon: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """The evidence lower bound of each image, by one sample of z, and its two terms.

    Args:
        model: with `encoder` and `log_likelihood`.
        x: images, (n, height, width, channels), in [0, 1].
        epsilon: noise, (n, latent_dim).

    Returns:
        elbo, reconstruction, kl, each (n,), with elbo = reconstruction - kl.
    """
    mu, logvar = _encode(model, x)
    z = reparameterize(mu, logvar, epsilon)
    reconstruction = model.log_likelihood(x, z)
    kl = kl_to_standard_normal(mu, logvar)
    return reconstruction - kl, reconstruction, kl


def log_weights(
    model: keras.Model,
    x: tf.Tensor,
    samples: int,
    seed: int | keras.random.SeedGenerator,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Importance weights of latent points drawn from q(z given x).

    Args:
        model: with `encoder` and `log_likelihood`.
        x: images, (n, height, width, channels), in [0, 1].
        samples: latent points an image.
        seed: of the noise: a number, or a generator that moves on at each call.

    Returns:
        log w = log p(x, z) - log q(z given x), and log p(x given z) alone, each
        (samples, n).
    """
    mu, logvar = _encode(model, x)
    epsilon = keras.random.normal((samples, *ops.shape(mu)), dtype=x.dtype, seed=seed)
    shape = ops.shape(epsilon)
    z = reparameterize(
        ops.broadcast_to(mu, shape), ops.broadcast_to(logvar, shape), epsilon
    )
    # log p(z) - log q(z given x); their ln 2 pi cancel
    log_ratio = 0.5 * ops.sum(ops.square(epsilon) + logvar - ops.square(z), axis=-1)
    repeated = ops.tile(x, (samples, 1, 1, 1))
    flat = ops.reshape(z, (-1, z.shape[-1]))
    log_likelihood = model.log_likelihood(repeated, flat)
    log_likelihood = ops.reshape(log_likelihood, ops.shape(log_ratio))
    return log_likelihood + log_ratio, log_likelihood


def iwae_bound(model: keras.Model, x: tf.Tensor, samples: int, seed: int) -> tf.Tensor:
    """The importance-weighted bound log mean_k w_k of each image, shape (n,).

    Never above log p(x) on average, and rising towards it with `samples`.
    Burda, Grosse and Salakhutdinov, 2016, https://arxiv.org/abs/1509.00519.
    """
    log_w, _ = log_weights(model, x, samples, whole_number("seed", seed))
    return ops.logsumexp(log_w, axis=0) - math.log(samples)


def _encode(model: keras.Model, x: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """`mu` and `logvar` in x's type, also where layers multiplied in bfloat16."""
    mu, logvar = model.encoder(x)
    return ops.cast(mu, x.dtype), ops.cast(logvar, x.dtype)


TERMS = ("elbo", "reconstruction", "kl", "loss")


# Images alone, for which noise is drawn, or images with their noise.
Batch: TypeAlias = tf.Tensor | tuple[tf.Tensor, tf.Tensor]


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


class VAEBase(keras.Model):
    """Noise for each batch, the weight of the KL, and means over an epoch.

    A subclass has `encoder` and `decoder`, and steps that hand the named terms of each
    batch to `report`. `fit` and `evaluate` then report means over all images so far, in
    nats: `elbo`, `reconstruction`, `kl`, `loss`; and `not_finite_step`.

    Args:
        latent_dim: dimensions of z.
    """

    @own_settings()
    def __init__(self, latent_dim: int) -> None:
        super().__init__()
        self.latent_dim = latent_dim
        self.beta = 1.0
        self.noise = keras.random.SeedGenerator(0)
        self.means = {name: keras.metrics.Mean(name, "float64") for name in TERMS}
        self.not_finite_step = FirstNotFinite()
        self.built = True  # its networks are, once a subclass has made them

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

    def with_noise(self, data: Batch) -> tuple[tf.Tensor, tf.Tensor]:
        """Images and standard normal noise, drawn here if it does not come along."""
        # Keras may wrap images alone in a tuple, and pads it with None
        x, epsilon, _ = keras.utils.unpack_x_y_sample_weight(data)
        if epsilon is None:
            shape = (ops.shape(x)[0], self.latent_dim)
            epsilon = keras.random.normal(shape, dtype=x.dtype, seed=self.noise)
        return x, epsilon

    def report(self, terms: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Take the terms of a batch into the means, and return these."""
        for name, mean in self.means.items():
            mean.update_state(terms[name])
        self.not_finite_step.update_state(terms["loss"])
        return {metric.name: metric.result() for metric in self.metrics}


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
