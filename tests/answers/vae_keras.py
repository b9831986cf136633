"""Answers to the exercises on lesson 4."""

import math

import numpy as np
from scipy.stats import norm

from course_utils.checks.vae_keras import (
    check_conditional_elbo,
    check_elbo,
    check_log_likelihood,
    check_pictures_a_side,
    check_quantile_grid,
    check_train_step,
    check_worth_of_a_label,
)
from course_utils.tfkeras.device import to_numpy

import keras  # isort: skip
import tensorflow as tf  # isort: skip
from keras import ops  # isort: skip

PIXELS = (1, 2, 3)


def likelihood(logits, x):
    return ops.sum(x * logits - ops.softplus(logits), axis=PIXELS)


def likelihood_in_double(logits, x):
    logits, x = (tf.cast(values, tf.float64) for values in (logits, x))
    per_pixel = tf.nn.sigmoid_cross_entropy_with_logits(labels=x, logits=logits)
    return -tf.reduce_sum(tf.reshape(per_pixel, (len(x), -1)), axis=1)


def likelihood_by_keras(logits, x):
    """Its mean over the channels, undone; one image at a time."""
    rows = []
    for row in range(len(x)):
        mean = keras.losses.binary_crossentropy(x[row], logits[row], from_logits=True)
        rows.append(-tf.reduce_sum(mean) * x.shape[-1])
    return tf.stack(rows)


def averaged_channels(logits, x):
    return -ops.sum(
        keras.losses.binary_crossentropy(x, logits, from_logits=True), axis=(1, 2)
    )


def not_told_of_logits(logits, x):
    return -ops.sum(keras.losses.binary_crossentropy(x, logits), axis=(1, 2))


def by_probabilities(logits, x):
    p = ops.sigmoid(logits)
    return ops.sum(x * ops.log(p) + (1 - x) * ops.log(1 - p), axis=PIXELS)


def by_keras_with_probabilities(logits, x):
    p = ops.sigmoid(logits)[..., None]
    return -ops.sum(keras.losses.binary_crossentropy(x[..., None], p), axis=PIXELS)


def twice_sigmoid(logits, x):
    return likelihood(ops.sigmoid(logits), x)


def kl_of(mu, logvar):
    return 0.5 * ops.sum(mu**2 + ops.exp(logvar) - 1 - logvar, axis=1)


def kl_of_each(mu, logvar):
    return 0.5 * (mu**2 + ops.exp(logvar) - 1 - logvar)


def bound(
    encoder,
    decoder,
    x,
    epsilon,
    reconstruct=likelihood,
    sigma=lambda logvar: ops.exp(logvar / 2),
    kl=kl_of,
    sign=-1,
):
    mu, logvar = encoder(x)
    reconstruction = reconstruct(decoder(mu + sigma(logvar) * epsilon), x)
    divergence = kl(mu, logvar)
    return reconstruction + sign * divergence, reconstruction, divergence


def with_changes(**changes):
    return lambda *arguments: bound(*arguments, **changes)


def bound_in_double(encoder, decoder, x, epsilon):
    mu, logvar = (tf.cast(values, tf.float64) for values in encoder(x))
    sigma = tf.sqrt(tf.exp(logvar))
    z = tf.cast(mu + sigma * tf.cast(epsilon, tf.float64), tf.float32)
    divergence = tf.reduce_sum(0.5 * (mu**2 + sigma**2 - 1) - tf.math.log(sigma), 1)
    reconstruction = likelihood_in_double(decoder(z), x)
    return [reconstruction - divergence, reconstruction, divergence]


def bound_from_the_prior(encoder, decoder, x, epsilon):
    reconstruction, divergence = likelihood(decoder(epsilon), x), kl_of(*encoder(x))
    return reconstruction - divergence, reconstruction, divergence


def bound_without_slope(encoder, decoder, x, epsilon):
    mu, logvar = encoder(x)
    z = tf.stop_gradient(mu + ops.exp(logvar / 2) * epsilon)
    reconstruction, divergence = likelihood(decoder(z), x), kl_of(mu, logvar)
    return reconstruction - divergence, reconstruction, divergence


def step(
    encoder,
    decoder,
    optimizer,
    x,
    epsilon,
    *,
    loss=lambda value: -ops.mean(value),
    minimized=None,
    parts=slice(None),
    times=1,
    **changes,
):
    networks = [encoder, decoder][parts]
    weights = [w for network in networks for w in network.trainable_variables]
    with tf.GradientTape() as tape:
        value, *_ = bound(encoder, decoder, x, epsilon, **changes)
        result = loss(value)
        target = minimized(value) if minimized else result
    slopes = tape.gradient(target, weights)
    for _ in range(times):
        optimizer.apply(slopes, weights)
    return result


def step_with(**changes):
    return lambda *arguments: step(*arguments, **changes)


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
    return step(encoder, decoder, keras.optimizers.SGD(0.1), x, epsilon)


def conditional(
    encoder,
    decoder,
    x,
    y,
    epsilon,
    classes,
    *,
    code=lambda z, label: ops.concatenate([z, label], axis=1),
    sigma=lambda logvar: ops.exp(logvar / 2),
    kl=kl_of,
    reconstruct=likelihood,
):
    label = ops.one_hot(y, classes)
    mu, logvar = encoder([x, label])
    z = mu + sigma(logvar) * epsilon
    return reconstruct(decoder(code(z, label)), x) - kl(mu, logvar)


def conditional_with(**changes):
    return lambda *arguments: conditional(*arguments, **changes)


def conditional_by_loops(encoder, decoder, x, y, epsilon, classes):
    values = []
    for row, label in enumerate(to_numpy(y)):
        one_hot = tf.constant(np.eye(classes, dtype=np.float32)[[label]])
        mu, logvar = encoder([x[row : row + 1], one_hot])
        z = mu + tf.sqrt(tf.exp(logvar)) * epsilon[row]
        logits = decoder(tf.concat([z, one_hot], -1))
        values.append(likelihood_in_double(logits, x[row : row + 1])[0])
        values[-1] -= tf.cast(kl_of(mu, logvar)[0], tf.float64)
    return tf.stack(values)


def grid(axis, rows=None):
    z1, z2 = np.meshgrid(axis, axis[::-1] if rows is None else rows)
    return np.stack([z1.ravel(), z2.ravel()], axis=1)


def centres(n):
    return (np.arange(n) + 0.5) / n


def grid_by_loops(n):
    z = [norm.ppf((i + 0.5) / n) for i in range(n)]
    return [[z1, -z2] for z2 in z for z1 in z]


def grid_by_tensorflow(n):
    shares = tf.linspace(0.5 / n, 1 - 0.5 / n, n)
    axis = tf.cast(tf.math.ndtri(shares), tf.float32)
    z2, z1 = tf.meshgrid(axis[::-1], axis, indexing="ij")
    return tf.stack([tf.reshape(z1, -1), tf.reshape(z2, -1)], axis=1)


WRONG = {
    check_log_likelihood: [
        (averaged_channels, "mean over its last axis"),
        (lambda logits, x: -likelihood(logits, x), "Which sign"),
        (lambda logits, x: ops.sum(likelihood(logits, x)), "every axis but the first"),
        (lambda logits, x: ops.mean(likelihood(logits, x)), "No mean over the batch"),
        (
            lambda logits, x: ops.mean(x * logits - ops.softplus(logits), axis=PIXELS),
            "A sum over pixels, not a mean",
        ),
        (twice_sigmoid, "is a sigmoid taken twice"),
        (not_told_of_logits, "told that these are logits"),
        (by_probabilities, "Do not go through one"),
        (by_keras_with_probabilities, "Do not go through one"),
        (lambda logits, x: to_numpy(likelihood(logits, x)), "keras.ops"),
        (lambda logits, x: tf.constant(to_numpy(likelihood(logits, x))), "keras.ops"),
        (lambda logits, x: x * logits - ops.softplus(logits), "was expected"),
    ],
    check_elbo: [
        (with_changes(reconstruct=averaged_channels), "mean over its last axis"),
        (with_changes(sigma=ops.exp), "logarithm of a variance"),
        (with_changes(sigma=lambda logvar: 0 * logvar), "Where did the noise go"),
        (with_changes(sign=1), "With which sign"),
        (with_changes(kl=lambda m, v: 2 * kl_of(m, v)), "factor is missing"),
        (with_changes(kl=lambda m, v: kl_of(m, 2 * v)), "logarithm of a variance"),
        (with_changes(kl=lambda m, v: kl_of(m, v) / m.shape[1]), "dimensions add"),
        (with_changes(kl=lambda m, v: -kl_of(m, v)), "never negative"),
        (with_changes(kl=kl_of_each), "for each dimension"),
        (with_changes(kl=lambda m, v: ops.mean(kl_of(m, v))), "One value an image"),
        (bound_from_the_prior, "not from the prior"),
        (bound_without_slope, "the values are right"),
        (lambda *a: bound(*a)[0], "3 values"),
    ],
    check_quantile_grid: [
        (lambda n: grid(np.linspace(-1, 1, n)), "46.6 %"),
        (lambda n: grid(np.linspace(*norm.ppf(centres(n))[[0, -1]], n)), "Equal steps"),
        (lambda n: grid(norm.ppf(np.linspace(0, 1, n))), "strictly between"),
        (lambda n: grid(norm.ppf(np.arange(1, n + 1) / (n + 1))), "outermost cells"),
        (lambda n: grid(centres(n)), "Which z belong"),
        (lambda n: grid(*2 * [norm.ppf(centres(n))]), "from the top"),
        (lambda n: grid(norm.ppf(centres(n)))[:, ::-1], "z1 grows"),
        (lambda n: grid(norm.ppf(centres(n))).reshape(n, n, 2), "One point a row"),
        (lambda n: np.meshgrid(*2 * [norm.ppf(centres(n))]), "was expected"),
        (lambda n: grid(norm.ppf(centres(n))).T.reshape(2, n, n), "two planes"),
    ],
    check_pictures_a_side: [
        (370, "within 3 sigma"),
        (20, "outermost picture"),
        (741, "Fewer will do"),
        (372.0, "not the smallest"),
        (370.4, "no number of pictures"),
        (-371, "no number of pictures"),
    ],
    check_train_step: [
        (step_with(loss=lambda value: ops.mean(value)), "minus the ELBO"),
        (step_with(minimized=ops.mean), "uphill"),
        (step_with(loss=lambda value: -ops.sum(value)), "grow with the batch"),
        (step_with(minimized=lambda value: -ops.sum(value)), "not of their mean"),
        (step_with(loss=lambda v: -v, minimized=lambda v: -ops.mean(v)), "One number"),
        (step_with(reconstruct=averaged_channels), "mean over its last axis"),
        (step_with(sign=1), "With which sign"),
        (step_with(parts=slice(1)), "decoder has not moved"),
        (step_with(parts=slice(1, 2)), "encoder has not moved"),
        (step_with(times=2), "counted 2 steps"),
        (step_with(times=0), "counted 0 steps"),
        (step_in_two_calls, "one call takes"),
        (step_with_its_own_optimizer, "optimizer that came in"),
    ],
    check_conditional_elbo: [
        (
            conditional_with(code=lambda z, label: ops.concatenate([label, z], 1)),
            "z first",
        ),
        (conditional_with(reconstruct=averaged_channels), "mean over its last axis"),
        (conditional_with(sigma=ops.exp), "logarithm of a variance"),
        (conditional_with(sigma=lambda logvar: 0 * logvar), "Where did the noise go"),
        (conditional_with(kl=lambda m, v: -kl_of(m, v)), "With which sign"),
        (conditional_with(kl=lambda m, v: 0 * kl_of(m, v)), "KL is missing"),
        (conditional_with(code=lambda z, label: z), "one-hot"),
        (lambda *a: -conditional(*a), "That is the loss"),
        (lambda *a: to_numpy(conditional(*a)), "keras.ops"),
    ],
    check_worth_of_a_label: [
        (math.log2(10), "bits"),
        (-math.log(10), "knows more"),
        (10, "ratio"),
        (1.0, "In which base"),
        (0.0, "Bayes"),
    ],
}
RIGHT = {
    check_log_likelihood: [likelihood, likelihood_in_double, likelihood_by_keras],
    check_elbo: [bound, bound_in_double, tf.function(bound)],
    check_quantile_grid: [
        lambda n: grid(norm.ppf(centres(n))),
        grid_by_loops,
        grid_by_tensorflow,
    ],
    check_pictures_a_side: [371, np.float32(371)],
    check_train_step: [step, step_by_two_tapes, tf.function(lambda *a: step(*a))],
    check_conditional_elbo: [conditional, conditional_by_loops],
    check_worth_of_a_label: [math.log(10), np.float32(2.3)],
}
