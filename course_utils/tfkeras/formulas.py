"""The formulas of a VAE, on tensors: one value an image, in nats.

They are summed over pixels and latent dimensions. Tensors of unequal shapes raise
ValueError.
"""

import math

import keras
import tensorflow as tf
from keras import ops

from course_utils.runs import whole_number
from course_utils.shapes import check_one_number, check_same_shape


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


def bernoulli_log_likelihood(x_logits: tf.Tensor, x: tf.Tensor) -> tf.Tensor:
    """Sum over pixels of x log p + (1 - x) log(1 - p), p = sigmoid(x_logits).

    Written with softplus, so that it is finite for any logit. Shapes (n, ...) to (n,).
    """
    check_same_shape(x_logits=x_logits, x=x)
    return _sum_over_pixels(x * x_logits - ops.softplus(x_logits))


def gaussian_log_likelihood(
    x_mean: tf.Tensor, x: tf.Tensor, sigma: tf.Tensor | float
) -> tf.Tensor:
    """Sum over pixels of log N(x; x_mean, sigma^2). Shapes (n, ...) to (n,).

    `sigma` is one number for all pixels.
    """
    check_same_shape(x_mean=x_mean, x=x)
    check_one_number(sigma=sigma)
    sigma = ops.convert_to_tensor(sigma, x_mean.dtype)
    pixels = math.prod(x.shape[1:])
    normalizer = pixels * (ops.log(sigma) + 0.5 * math.log(2 * math.pi))
    squared_error = _sum_over_pixels(ops.square(x - x_mean))
    return -0.5 * squared_error / ops.square(sigma) - normalizer


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


def _sum_over_pixels(values: tf.Tensor) -> tf.Tensor:
    return ops.sum(values, axis=tuple(range(1, len(values.shape))))
