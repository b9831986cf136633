"""Answers to the exercises on lesson 8: the layers and the step of a DCGAN in Keras."""

from functools import partial

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from course_utils.checks.dcgan_keras import (
    check_contrast,
    check_count_numbers,
    check_count_stamps,
    check_fold,
    check_gan_step,
    check_train_pulse_gan,
    check_update_averages,
    count_stamps,
    fold,
    gan_step,
    pulses,
    update_averages,
)


def numbers(kernel, inputs, outputs, norm):
    weights = kernel * kernel * inputs * outputs
    return [weights + 2 * outputs, 2.0 * outputs] if norm else [weights + outputs, 0]


def folded_in_double(*arguments):
    kernel, gamma, beta, mean, variance = (
        v.numpy().astype(float) for v in arguments[:-1]
    )
    bias = np.empty_like(beta)
    for out in range(len(gamma)):
        factor = gamma[out] / np.sqrt(variance[out] + arguments[-1])
        kernel[:, :, out] *= factor
        bias[out] = beta[out] - factor * mean[out]
    return [kernel, bias]


def folded_by_asking_keras(kernel, gamma, beta, mean, variance, epsilon):
    """The layer's answers to 0 and to 1 are its offset and its slope."""
    layer = keras.layers.BatchNormalization(epsilon=epsilon)
    layer.build((None, len(gamma)))
    layer.set_weights([gamma, beta, mean, variance])
    at = [
        layer(value * tf.ones((1, len(gamma))), training=False)[0] for value in (0, 1)
    ]
    return kernel * (at[1] - at[0])[:, None], at[0]


def folded_with_a_fixed_epsilon(*arguments):
    return fold(*arguments[:-1], 1e-3)


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


def averages_with_a_momentum_of_099(h, mean, variance, momentum):
    return update_averages(h, mean, variance, 0.99)


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


def step_by_keras_losses(g, d, real, z, g_optimizer, d_optimizer, smoothing):
    """Cross-entropies of Keras, and real samples and fakes in one pass through D."""
    entropy = keras.losses.BinaryCrossentropy(from_logits=True)
    with tf.GradientTape() as g_tape, tf.GradientTape() as d_tape:
        both = tf.concat([real, g(z, training=True)], 0)
        real_logits, fake_logits = tf.split(d(both, training=True), 2)
        d_loss = entropy(tf.fill(real_logits.shape, 1 - smoothing), real_logits)
        d_loss += entropy(tf.zeros_like(fake_logits), fake_logits)
        g_loss = entropy(tf.ones_like(fake_logits), fake_logits)
    d_slopes = d_tape.gradient(d_loss, d.trainable_weights)
    g_slopes = g_tape.gradient(g_loss, g.trainable_weights)
    g_optimizer.apply_gradients(zip(g_slopes, g.trainable_weights, strict=True))
    d_optimizer.apply_gradients(zip(d_slopes, d.trainable_weights, strict=True))
    return [d_loss, g_loss]


def step_with_fakes_drawn_twice(g, d, real, z, g_optimizer, d_optimizer, smoothing):
    """One tape after the other, by softplus, and the discriminator moves first."""
    with tf.GradientTape() as tape:
        g_loss = ops.mean(ops.softplus(-d(g(z, training=True), training=True)))
    g_slopes = tape.gradient(g_loss, g.trainable_weights)
    with tf.GradientTape() as tape:
        fake_logits = d(g(z, training=True), training=True)
        d_loss = ops.mean(ops.softplus(fake_logits))
        real_logits = d(real, training=True)
        # a smoothed label costs its share of the logit
        d_loss += ops.mean(ops.softplus(-real_logits) + smoothing * real_logits)
    d_slopes = tape.gradient(d_loss, d.trainable_weights)
    d_optimizer.apply(d_slopes, d.trainable_weights)
    g_optimizer.apply(g_slopes, g.trainable_weights)
    return d_loss, g_loss


def step_by_hand(g, d, *rest):
    """Moves the weights itself."""
    optimizers = [keras.optimizers.SGD(rate) for rate in (0.2, 0.3)]
    return gan_step(g, d, *rest[:2], *optimizers, rest[-1])


def step_that_leaves_it_frozen(g, d, *rest):
    """As an old recipe of Keras does before the generator's step."""
    losses = gan_step(g, d, *rest)
    d.trainable = False
    return losses


def step_of_floats(*arguments):
    return tuple(float(loss) for loss in gan_step(*arguments))


def step_that_cannot_be_compiled(*arguments):
    return tuple(tf.constant(float(loss)) for loss in gan_step(*arguments))


def row_of(network):
    return np.concatenate([np.ravel(w) for w in network.get_weights()])


def play(g, d, x, seed, steps, step, latent=4, batch=64):
    """The same step again and again, compiled, with a smaller rate towards the end."""
    rng = np.random.default_rng(seed)
    optimizers = [keras.optimizers.Adam(1e-3, 0.5) for _ in (g, d)]
    for network, optimizer in zip((g, d), optimizers, strict=True):
        optimizer.build(network.trainable_variables)
    compiled = tf.function(
        lambda *batches: step(g, d, *batches, *optimizers), autograph=False
    )
    for count in range(steps):
        if count == steps * 3 // 4:
            for optimizer in optimizers:
                optimizer.learning_rate.assign(2e-4)
        z = rng.standard_normal((batch, latent), dtype="float32")
        real = x[rng.integers(len(x), size=batch)]
        compiled(tf.constant(real), tf.constant(z))
    return row_of(g)


def pulses_at_once(g, d, x, seed, steps=1500, **change):
    return play(g, d, x, seed, steps, lambda *a: gan_step(*a, 0.0, **change))


def pulses_in_turns(g, d, x, seed, steps=1500):
    """In turns, with smoothed labels, twice the rate, and a rate that falls to zero."""
    rng = np.random.default_rng(seed)
    falls = keras.optimizers.schedules.PolynomialDecay(2e-3, steps, 1e-5)
    optimizers = [keras.optimizers.Adam(falls, 0.5) for _ in (g, d)]
    for network, optimizer in zip((g, d), optimizers, strict=True):
        optimizer.build(network.trainable_weights)

    @tf.function
    def step(real, z):
        with tf.GradientTape() as tape:
            of_real, of_fake = d(real, training=True), d(g(z, training=True))
            loss = ops.mean(ops.softplus(-of_real) + 0.1 * of_real)
            loss += ops.mean(ops.softplus(of_fake))
        weights = d.trainable_weights
        optimizers[1].apply(tape.gradient(loss, weights), weights)
        with tf.GradientTape() as tape:
            loss = ops.mean(ops.softplus(-d(g(z, training=True), training=True)))
        weights = g.trainable_weights
        optimizers[0].apply(tape.gradient(loss, weights), weights)

    for _ in range(steps):
        real = x[rng.permutation(len(x))[:64]]
        step(tf.constant(real), tf.constant(rng.normal(size=(64, 4)), tf.float32))
    return row_of(g)


def pulses_untrained(g, d, x, seed):
    g(tf.ones((64, 4)), training=True)
    return row_of(g)


def pulses_without_averages(g, d, x, seed):
    return pulses_at_once(g, d, x, seed, 300, training=(False, True))


def pulses_of_trained_weights_alone(g, d, x, seed):
    return np.concatenate([np.ravel(w) for w in g.trainable_weights])


def pulses_without_a_judge(g, d, x, seed, steps=300):
    """Each fake is drawn near to whatever pulse came up beside it."""
    g_optimizer = keras.optimizers.Adam(2e-3)
    g_optimizer.build(g.trainable_variables)

    def step(g, d, real, z, *_):
        with tf.GradientTape() as tape:
            loss = ops.mean((g(z, training=True) - real) ** 2)
        weights = g.trainable_variables
        g_optimizer.apply(tape.gradient(loss, weights), weights)

    return play(g, d, x, seed, steps, step)


def pulses_of_the_wrong_loss(g, d, x, seed, steps=300):
    return pulses_at_once(
        g, d, x, seed, steps, followed=lambda of_d, of_g: (of_d, of_d)
    )


def pulses_against_a_fixed_judge(g, d, x, seed, steps=300):
    return pulses_at_once(g, d, x, seed, steps, moved=(True, False)[::-1])


def pulses_half_trained(g, d, x, seed):
    return pulses_at_once(g, d, x, seed, 200)


def pulses_of_one_seed(g, d, x, seed):
    return pulses_at_once(g, d, x, 0)


def pulses_of_another_detector(g, d, x, seed, steps=1500):
    """Ignores what was recorded."""
    other = pulses(np.random.default_rng(seed), 4_000)
    return pulses_at_once(g, d, other, seed, steps)


def _of_maps_or_rows(h):
    return [0, 1, 2] if len(h.shape) == 4 else [0]


WRONG = {
    check_count_numbers: [(lambda *a: sum(numbers(*a)), "2 values")],
    check_fold: [
        (lambda *a: folded_in_double(*a)[0], "2 values are wanted"),
        (folded_with_a_fixed_epsilon, "the kernel"),
    ],
    check_update_averages: [
        (averages_with_a_momentum_of_099, "was expected"),
        (partial(update_averages, axes=_of_maps_or_rows), "was expected"),
    ],
    check_count_stamps: [(lambda n, k, s: count_stamps(n, k, s) / k, "squared paper")],
    check_gan_step: [
        (
            lambda g, d, x, z, a, b, s: gan_step(g, d, x, z, b, a, s),
            "Unknown variable",
        ),
        (step_that_leaves_it_frozen, "discriminator.trainable has been changed"),
        (lambda *a: gan_step(*a[:-1], 0.1), "smoothing 0.2"),
        (lambda *a: gan_step(*a)[::-1], "The order is: the discriminator's loss"),
        (step_of_floats, "no numbers yet"),
        (step_that_cannot_be_compiled, "compiled it stops with"),
        (step_by_hand, "generator_optimizer.0 (iteration)"),
    ],
    check_contrast: [(64, "Let Keras count")],
    check_train_pulse_gan: [
        (pulses_untrained, "standard deviations"),
        (pulses_without_averages, "In which mode"),
        (pulses_of_trained_weights_alone, "was expected"),
        (pulses_without_a_judge, "standard deviations"),
        (pulses_of_the_wrong_loss, "standard deviations"),
        (pulses_against_a_fixed_judge, "standard deviations"),
        (pulses_half_trained, "standard deviations"),
        (pulses_of_one_seed, "two seeds gave the same model"),
    ],
}
RIGHT = {
    check_count_numbers: [numbers],
    check_fold: [folded_by_asking_keras, folded_in_double],
    check_update_averages: [averages_by_keras, averages_in_double],
    check_count_stamps: [stamps_by_keras, stamps_by_pixel],
    check_gan_step: [
        step_by_keras_losses,
        step_with_fakes_drawn_twice,
        tf.function(lambda *a: gan_step(*a)),
    ],
    check_train_pulse_gan: [pulses_at_once, pulses_in_turns],
    check_contrast: [2.56, np.float32(64 / 25)],
}
