"""Answers to the exercises on lesson 7."""

import numpy as np

from course_utils.checks.dcgan_keras import (
    check_contrast,
    check_count_numbers,
    check_count_stamps,
    check_gan_step,
    check_normalize,
    check_update_averages,
)
from course_utils.tfkeras.device import to_numpy

import keras  # isort: skip
import tensorflow as tf  # isort: skip
from keras import ops  # isort: skip


def numbers(kernel, inputs, outputs, norm):
    weights = kernel * kernel * inputs * outputs
    return (weights + 2 * outputs, 2 * outputs) if norm else (weights + outputs, 0)


def numbers_by_keras(kernel, inputs, outputs, norm):
    layer = keras.layers.Conv2D(outputs, kernel, use_bias=not norm)
    layer.build((None, 9, 9, inputs))
    extra = keras.layers.BatchNormalization()
    extra.build((None, 9, 9, outputs))
    halves = [2 * outputs, 2 * outputs] if norm else [0, 0]
    assert sum(halves) == norm * extra.count_params()
    return [np.float32(layer.count_params() + halves[0]), np.float64(halves[1])]


def more(trained, untrained):
    """The right numbers, and what is added to them, for each channel put out."""

    def answer(kernel, inputs, outputs, norm):
        one, two = numbers(kernel, inputs, outputs, norm)
        return one + trained(norm) * outputs, two + untrained(norm) * outputs

    return answer


def normalized(h, gamma, beta, mean, variance, epsilon):
    return gamma * (h - mean) / ops.sqrt(variance + epsilon) + beta


def normalized_in_double(*arguments):
    h, gamma, beta, mean, variance = (to_numpy(v).astype(float) for v in arguments[:-1])
    out = np.empty_like(h)
    for channel in range(h.shape[-1]):
        factor = gamma[channel] * (variance[channel] + arguments[-1]) ** -0.5
        out[..., channel] = factor * h[..., channel] + (
            beta[channel] - factor * mean[channel]
        )
    return out


def normalized_by_tensorflow(h, gamma, beta, mean, variance, epsilon):
    return tf.nn.batch_normalization(h, mean, variance, beta, gamma, epsilon)


def by_batch(h, gamma, beta, mean, variance, epsilon):
    axes = tuple(range(len(h.shape) - 1))
    mean, variance = ops.mean(h, axis=axes), ops.var(h, axis=axes)
    return normalized(h, gamma, beta, mean, variance, epsilon)


def averages(h, mean, variance, momentum, share=None, axes=None, spread=ops.var):
    axes = tuple(range(len(h.shape) - 1)) if axes is None else axes
    share = 1 - momentum if share is None else share
    return (
        momentum * mean + share * ops.mean(h, axis=axes),
        momentum * variance + share * spread(h, axis=axes),
    )


def averages_with(**changes):
    return lambda *arguments: averages(*arguments, **changes)


def averages_in_double(h, mean, variance, momentum):
    flat = to_numpy(h).reshape(-1, h.shape[-1]).astype(float)
    new = flat.mean(0), (flat**2).mean(0) - flat.mean(0) ** 2
    old = to_numpy(mean), to_numpy(variance)
    return [o - (1 - momentum) * (o - n) for o, n in zip(old, new, strict=True)]


def unbiased(h, axis):
    places = int(np.prod(h.shape)) // h.shape[-1]
    return ops.var(h, axis=axis) * places / max(places - 1, 0.5)


def stamps(n, kernel, stride):
    line = np.zeros((n - 1) * stride + kernel, int)
    for i in range(n):
        line[i * stride : i * stride + kernel] += 1
    return line


def stamps_by_keras(n, kernel, stride):
    layer = keras.layers.Conv1DTranspose(
        1, kernel, stride, use_bias=False, kernel_initializer="ones"
    )
    return layer(tf.ones((1, n, 1)))[0, :, 0]


def stamps_by_pixel(n, kernel, stride):
    length = (n - 1) * stride + kernel
    return [
        float(sum(0 <= pixel - i * stride < kernel for i in range(n)))
        for pixel in range(length)
    ]


def d_loss_of(real_logits, fake_logits):
    return ops.mean(ops.softplus(-real_logits)) + ops.mean(ops.softplus(fake_logits))


def g_loss_of(fake_logits):
    return ops.mean(ops.softplus(-fake_logits))


def step(
    generator,
    discriminator,
    real,
    z,
    g_optimizer,
    d_optimizer,
    *,
    d_loss=d_loss_of,
    g_loss=g_loss_of,
    modes=(True, True),
    slopes_of=lambda d, g: (d, g),
    moved=(True, True),
):
    """The right step; `slopes_of` gives the loss that each network follows."""
    with tf.GradientTape(persistent=True) as tape:
        fake_logits = discriminator(generator(z, training=modes[0]), training=modes[1])
        d = d_loss(discriminator(real, training=modes[1]), fake_logits)
        g = g_loss(fake_logits)
        followed = slopes_of(d, g)
    networks = discriminator, generator
    slopes = [
        tape.gradient(loss, network.trainable_variables)
        for loss, network in zip(followed, networks, strict=True)
    ]
    optimizers = d_optimizer, g_optimizer
    for place in (0, 1):
        if moved[place]:
            weights = networks[place].trainable_variables
            optimizers[place].apply(slopes[place], weights)
    return d, g


def step_with(**changes):
    return lambda *arguments: step(*arguments, **changes)


def step_by_keras_losses(g, d, real, z, g_optimizer, d_optimizer):
    """Cross-entropies of Keras, and real samples and fakes in one pass through D."""
    entropy = keras.losses.BinaryCrossentropy(from_logits=True)
    with tf.GradientTape() as g_tape, tf.GradientTape() as d_tape:
        both = tf.concat([real, g(z, training=True)], 0)
        real_logits, fake_logits = tf.split(d(both, training=True), 2)
        d_loss = entropy(tf.ones_like(real_logits), real_logits)
        d_loss += entropy(tf.zeros_like(fake_logits), fake_logits)
        g_loss = entropy(tf.ones_like(fake_logits), fake_logits)
    d_slopes = d_tape.gradient(d_loss, d.trainable_weights)
    g_slopes = g_tape.gradient(g_loss, g.trainable_weights)
    g_optimizer.apply_gradients(zip(g_slopes, g.trainable_weights, strict=True))
    d_optimizer.apply_gradients(zip(d_slopes, d.trainable_weights, strict=True))
    return [d_loss, g_loss]


def step_in_turns(g, d, real, z, g_optimizer, d_optimizer):
    with tf.GradientTape() as tape:
        d_loss = d_loss_of(
            d(real, training=True), d(g(z, training=True), training=True)
        )
    d_optimizer.apply(tape.gradient(d_loss, d.trainable_weights), d.trainable_weights)
    with tf.GradientTape() as tape:
        g_loss = g_loss_of(d(g(z, training=True), training=True))
    g_optimizer.apply(tape.gradient(g_loss, g.trainable_weights), g.trainable_weights)
    return d_loss, g_loss


def step_in_turns_with_early_losses(g, d, real, z, *optimizers):
    _, g_loss = step(g, d, real, z, *optimizers, moved=(False, False))
    return step_in_turns(g, d, real, z, *optimizers)[0], g_loss


def step_of_floats(*arguments):
    return tuple(float(loss) for loss in step(*arguments))


def step_that_cannot_be_compiled(*arguments):
    return tuple(tf.constant(float(loss)) for loss in step(*arguments))


WRONG = {
    check_count_numbers: [
        (more(lambda norm: norm, lambda norm: 0), "bias is wasted"),
        (more(lambda norm: 2 * norm, lambda norm: 0), "Running averages are not"),
        (more(lambda norm: -2 * norm, lambda norm: 0), "more than a kernel"),
        (more(lambda norm: norm - 1, lambda norm: 0), "more than a kernel"),
        (more(lambda norm: 0, lambda norm: -norm), "two running averages"),
        (more(lambda norm: 0, lambda norm: 2 * norm), "are trained"),
        (more(lambda norm: 0, lambda norm: 2 * (not norm)), "Averages of what"),
        (lambda k, i, o, norm: numbers(1, k * i, o, norm), "two sides"),
        (lambda k, i, o, norm: (k * k * i * o + i, 0), "put out"),
        (lambda *a: sum(numbers(*a)), "2 values"),
    ],
    check_normalize: [
        (by_batch, "as in training"),
        (lambda h, g, b, m, v, e: g * (h - m) / (ops.sqrt(v) + e) + b, "beside it"),
        (lambda h, g, b, m, v, e: g * (h - m) / ops.sqrt(v) + b, "lacks its epsilon"),
        (lambda h, g, b, m, v, e: g * (h - m) / (v + e) + b, "unit of h"),
        (lambda h, g, b, m, v, e: normalized(h, b, g, m, v, e), "is the factor"),
        (lambda h, g, b, m, v, e: (h - m) / ops.sqrt(v + e), "still to come"),
        (lambda h, g, b, m, v, e: normalized(h, g, b, m, v, e)[0], "was expected"),
    ],
    check_update_averages: [
        (lambda h, m, v, s: averages(h, m, v, 1 - s), "keeps 99 %"),
        (lambda h, m, v, s: averages(h, m, v, 0.0, share=1.0), "is remembered"),
        (lambda h, m, v, s: averages(h, m, v, 1.0, share=1 - s), "fades"),
        (averages_with(spread=ops.std), "no standard deviation"),
        (averages_with(spread=unbiased), "not by one less"),
        (averages_with(axes=(0,)), "over images and places"),
        (lambda *a: averages(*a)[0], "2 values"),
    ],
    check_count_stamps: [
        (lambda n, k, s: stamps(n, s, k), "changed places"),
        (lambda n, k, s: stamps(n, k, s)[(k - s) // 2 :][: n * s], "cropped"),
        (lambda n, k, s: np.minimum(stamps(n, k, s), 1), "added"),
        (lambda n, k, s: stamps(n, k, 1), "a stride"),
        (lambda n, k, s: stamps(n, k, s) / k, "squared paper"),
    ],
    check_gan_step: [
        (step_with(modes=(False, True)), "normalizes by its batch"),
        (step_with(modes=(True, False)), "drops out"),
        (step_with(modes=(False, False)), "Tell both"),
        (step_in_turns, "before the discriminator moves"),
        (step_in_turns_with_early_losses, "before the discriminator moves"),
        (
            step_with(d_loss=lambda real, fake: ops.mean(ops.softplus(-real))),
            "both halves",
        ),
        (
            step_with(d_loss=lambda real, fake: ops.mean(ops.softplus(fake))),
            "Only the fakes",
        ),
        (step_with(d_loss=lambda *a: d_loss_of(*a) / 2), "means are added"),
        (step_with(d_loss=lambda real, fake: d_loss_of(-real, -fake)), "called real"),
        (step_with(g_loss=lambda fake: -ops.mean(ops.softplus(fake))), "saturating"),
        (step_with(g_loss=lambda fake: ops.mean(ops.softplus(fake))), "wants of fakes"),
        (step_with(slopes_of=lambda d, g: (d, d)), "followed the discriminator's"),
        (step_with(slopes_of=lambda d, g: (g, g)), "followed the generator's"),
        (step_with(slopes_of=lambda d, g: (d + g, d + g)), "followed both"),
        (step_with(slopes_of=lambda d, g: (-d, g)), "uphill"),
        (step_with(slopes_of=lambda d, g: (d, -g)), "uphill"),
        (step_with(moved=(True, False)), "not moved"),
        (lambda g, d, x, z, *o: step(g, d, x, z, *o[::-1]), "Unknown variable"),
        (step_with(d_loss=lambda *a: -d_loss_of(*a)), "makes large"),
        (lambda *a: step(*a)[::-1], "comes first"),
        (step_of_floats, "Leave losses as tensors"),
        (step_that_cannot_be_compiled, "compiled it stops with"),
    ],
    check_contrast: [
        (2.25, "one layer"),
        (1.6, "a line"),
        (1.5, "one layer, and a line"),
        (2.25**2, "adds up the unevenness"),
        (1 / 2.56, "above 1"),
        (64, "Let Keras count"),
    ],
}
RIGHT = {
    check_count_numbers: [numbers, numbers_by_keras],
    check_normalize: [normalized, normalized_in_double, normalized_by_tensorflow],
    check_update_averages: [averages, averages_in_double],
    check_count_stamps: [stamps, stamps_by_keras, stamps_by_pixel],
    check_gan_step: [step, step_by_keras_losses, tf.function(lambda *a: step(*a))],
    check_contrast: [2.56, np.float32(64 / 25)],
}
