"""Likelihoods of pixels: in nats, summed over pixels, one value an image.

Tensors of unequal shapes raise ValueError.
"""

import math

import tensorflow as tf
from keras import ops

from course_utils.data.shapes import check_one_number, check_same_shape


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


def _sum_over_pixels(values: tf.Tensor) -> tf.Tensor:
    return ops.sum(values, axis=tuple(range(1, len(values.shape))))
