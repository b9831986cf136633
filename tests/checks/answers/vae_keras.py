"""Answers to the exercises on lesson 4: a VAE in Keras, and pictures of its prior."""

import math

import keras
import numpy as np
import tensorflow as tf
from keras import ops
from scipy.stats import norm

from course_utils.checks.vae_keras import (
    check_conditional_elbo,
    check_elbo,
    check_log_likelihood,
    check_pictures_a_side,
    check_quantile_grid,
    check_train_step,
    check_worth_of_a_label,
    conditional_elbo,
    train_step,
)
from course_utils.exact import divergences

PIXELS = (1, 2, 3)


def likelihood(logits, x):
    return ops.sum(x * logits - ops.softplus(logits), axis=PIXELS)


def likelihood_in_double(logits, x):
    logits, x = (tf.cast(values, tf.float64) for values in (logits, x))
    each = x * tf.math.log_sigmoid(logits) + (1 - x) * tf.math.log_sigmoid(-logits)
    return tf.reduce_sum(tf.reshape(each, (len(x), -1)), axis=1)


def likelihood_by_keras(logits, x):
    """Its mean over the channels, undone; one image at a time."""
    rows = []
    for row in range(len(x)):
        mean = keras.losses.binary_crossentropy(x[row], logits[row], from_logits=True)
        rows.append(-tf.reduce_sum(mean) * x.shape[-1])
    return tf.stack(rows)


def grid_by_loops(n):
    z = [norm.ppf((i + 0.5) / n) for i in range(n)]
    return [[z1, -z2] for z2 in z for z1 in z]


def grid_by_tensorflow(n):
    axis = tf.math.ndtri(tf.linspace(0.5 / n, 1 - 0.5 / n, n))
    z2, z1 = tf.meshgrid(axis[::-1], axis, indexing="ij")
    return tf.stack([tf.reshape(z1, -1), tf.reshape(z2, -1)], axis=1)


@tf.custom_gradient
def kl_by_exact(mu, logvar):
    """In NumPy, with slopes by hand."""
    kl = divergences.kl_to_standard_normal(mu.numpy(), logvar.numpy())
    return tf.constant(kl, tf.float32), lambda slope: (
        slope[:, None] * mu,
        slope[:, None] * tf.math.expm1(logvar) / 2,
    )


def bound(encoder, decoder, x, epsilon, kl=kl_by_exact):
    mu, logvar = encoder(x)
    reconstruction = likelihood(decoder(mu + ops.exp(logvar / 2) * epsilon), x)
    divergence = kl(mu, logvar)
    return reconstruction - divergence, reconstruction, divergence.numpy()


def bound_in_double(encoder, decoder, x, epsilon):
    mu, logvar = (tf.cast(values, tf.float64) for values in encoder(x))
    sigma = tf.sqrt(tf.exp(logvar))
    z = tf.cast(mu + sigma * tf.cast(epsilon, tf.float64), tf.float32)
    divergence = tf.reduce_sum(0.5 * (mu**2 + sigma**2 - 1) - tf.math.log(sigma), 1)
    reconstruction = likelihood_in_double(decoder(z), x)
    return [reconstruction - divergence, reconstruction, divergence]


def step_by_two_tapes(encoder, decoder, optimizer, x, epsilon):
    """Each network's slopes by themselves, decoder first, applied together."""
    pairs = []
    for network in (decoder, encoder):
        with tf.GradientTape() as tape:
            terms = [
                bound(encoder, decoder, x[i : i + 1], epsilon[i : i + 1])[0]
                for i in range(len(x))
            ]
            loss = -sum(terms)[0] / len(x)
        weights = network.trainable_weights
        pairs += zip(tape.gradient(loss, weights), weights, strict=True)
    optimizer.apply_gradients(pairs)
    return float(loss)


def step_in_two_calls(encoder, decoder, optimizer, x, epsilon):
    with tf.GradientTape(persistent=True) as tape:
        loss = -ops.mean(bound(encoder, decoder, x, epsilon)[0])
    for network in (encoder, decoder):
        weights = network.trainable_weights
        optimizer.apply(tape.gradient(loss, weights), weights)
    return loss


def step_with_its_own_optimizer(encoder, decoder, optimizer, x, epsilon):
    return train_step(encoder, decoder, keras.optimizers.SGD(0.1), x, epsilon)


def conditional_by_loops(encoder, decoder, x, y, epsilon, classes):
    values = []
    for row, label in enumerate(y.numpy()):
        one_hot = tf.constant(np.eye(classes, dtype=np.float32)[[label]])
        mu, logvar = encoder([x[row : row + 1], one_hot])
        z = mu + tf.sqrt(tf.exp(logvar)) * epsilon[row]
        logits = decoder(tf.concat([z, one_hot], -1))
        values.append(likelihood(logits, x[row : row + 1])[0])
        values[-1] -= kl_by_exact(mu, logvar)[0]
    return tf.stack(values)


WRONG = {
    check_log_likelihood: [
        (lambda y, x: tf.constant(likelihood(y, x).numpy()), "cuts the graph"),
        (lambda y, x: x * y - ops.softplus(y), "an array of shape (4,) was expected"),
    ],
    check_elbo: [(lambda *a: [bound(*a)[i] for i in (1, 2, 0)], "The order is")],
    check_pictures_a_side: [
        (20, "outermost picture"),
        (370.4, "no number of pictures"),
        (-371, "no number of pictures"),
    ],
    check_train_step: [
        (step_in_two_calls, "one call takes"),
        (step_with_its_own_optimizer, "optimizer that came in"),
    ],
    check_conditional_elbo: [
        (lambda *a: conditional_elbo(*a, code=lambda z, label: z), "one-hot"),
    ],
    check_worth_of_a_label: [(0.0, "Bayes")],
}
RIGHT = {
    check_log_likelihood: [likelihood, likelihood_in_double, likelihood_by_keras],
    check_elbo: [bound, bound_in_double],
    check_quantile_grid: [grid_by_loops, grid_by_tensorflow],
    check_pictures_a_side: [371, np.float32(371)],
    check_train_step: [step_by_two_tapes, tf.function(lambda *a: train_step(*a))],
    check_conditional_elbo: [conditional_by_loops],
    check_worth_of_a_label: [math.log(10), np.float32(2.3)],
}
