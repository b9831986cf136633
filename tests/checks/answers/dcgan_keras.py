"""Answers to the exercises on lesson 8: the layers and the step of a DCGAN in Keras."""

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from course_utils.checks.dcgan_keras import (
    check_contrast,
    check_count_numbers,
    check_count_stamps,
    check_gan_step,
    check_normalize,
    check_update_averages,
    count_stamps,
    gan_step,
)


def numbers(kernel, inputs, outputs, norm):
    weights = kernel * kernel * inputs * outputs
    return [weights + 2 * outputs, 2.0 * outputs] if norm else [weights + outputs, 0]


def normalized_in_double(*arguments):
    h, gamma, beta, mean, variance = (v.numpy().astype(float) for v in arguments[:-1])
    out = np.empty_like(h)
    for channel in range(h.shape[-1]):
        factor = gamma[channel] * (variance[channel] + arguments[-1]) ** -0.5
        offset = beta[channel] - factor * mean[channel]
        out[..., channel] = factor * h[..., channel] + offset
    return out


def normalized_by_keras(h, gamma, beta, mean, variance, epsilon):
    layer = keras.layers.BatchNormalization(epsilon=epsilon)
    layer.build(h.shape)
    layer.set_weights([gamma, beta, mean, variance])
    return layer(h, training=False)


def averages_by_keras(h, mean, variance, momentum):
    layer = keras.layers.BatchNormalization(momentum=momentum)
    layer.build(h.shape)
    layer.set_weights([ops.ones_like(mean), ops.zeros_like(mean), mean, variance])
    layer(h, training=True)
    return layer.get_weights()[2:]


def averages_in_double(h, mean, variance, momentum):
    flat = h.numpy().reshape(-1, h.shape[-1]).astype(float)
    new = flat.mean(0), (flat**2).mean(0) - flat.mean(0) ** 2
    old = mean.numpy(), variance.numpy()
    return [o - (1 - momentum) * (o - n) for o, n in zip(old, new, strict=True)]


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


def step_with_fakes_drawn_twice(g, d, real, z, g_optimizer, d_optimizer):
    """One tape after the other, by softplus, and the discriminator moves first."""
    with tf.GradientTape() as tape:
        g_loss = ops.mean(ops.softplus(-d(g(z, training=True), training=True)))
    g_slopes = tape.gradient(g_loss, g.trainable_weights)
    with tf.GradientTape() as tape:
        fake_logits = d(g(z, training=True), training=True)
        d_loss = ops.mean(ops.softplus(fake_logits))
        d_loss += ops.mean(ops.softplus(-d(real, training=True)))
    d_slopes = tape.gradient(d_loss, d.trainable_weights)
    d_optimizer.apply(d_slopes, d.trainable_weights)
    g_optimizer.apply(g_slopes, g.trainable_weights)
    return d_loss, g_loss


def step_by_hand(g, d, *rest):
    """Moves the weights itself."""
    optimizers = [keras.optimizers.SGD(rate) for rate in (0.2, 0.3)]
    return gan_step(g, d, *rest[:2], *optimizers)


def step_of_floats(*arguments):
    return tuple(float(loss) for loss in gan_step(*arguments))


def step_that_cannot_be_compiled(*arguments):
    return tuple(tf.constant(float(loss)) for loss in gan_step(*arguments))


WRONG = {
    check_count_numbers: [(lambda *a: sum(numbers(*a)), "2 values")],
    check_normalize: [(lambda *a: normalized_in_double(*a)[0], "was expected")],
    check_count_stamps: [(lambda n, k, s: count_stamps(n, k, s) / k, "squared paper")],
    check_gan_step: [
        (lambda g, d, x, z, *o: gan_step(g, d, x, z, *o[::-1]), "Unknown variable"),
        (lambda *a: gan_step(*a)[::-1], "The order is: the discriminator's loss"),
        (step_of_floats, "no numbers yet"),
        (step_that_cannot_be_compiled, "compiled it stops with"),
        (step_by_hand, "generator_optimizer.0 (iteration)"),
    ],
    check_contrast: [(64, "Let Keras count")],
}
RIGHT = {
    check_count_numbers: [numbers],
    check_normalize: [normalized_by_keras, normalized_in_double],
    check_update_averages: [averages_by_keras, averages_in_double],
    check_count_stamps: [stamps_by_keras, stamps_by_pixel],
    check_gan_step: [
        step_by_keras_losses,
        step_with_fakes_drawn_twice,
        tf.function(lambda *a: gan_step(*a)),
    ],
    check_contrast: [2.56, np.float32(64 / 25)],
}
