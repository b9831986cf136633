"""Answers to the exercises on lesson 4: a VAE in Keras, and pictures of its prior."""

import math

import keras
import numpy as np
import tensorflow as tf
from keras import ops
from scipy.special import gammaln
from scipy.stats import binom

from course_utils.checks.vae_keras import (
    check_conditional_elbo,
    check_count_log_likelihood,
    check_elbo_of_any_prior,
    check_encoder_first,
    check_pictures_a_side,
    check_train_digit_vae,
    check_worth_of_a_label,
    conditional_elbo,
    count_log_likelihood,
    elbo_of_any_prior,
    encoder_first,
)
from course_utils.exact import divergences

PIXELS = (1, 2, 3)


def likelihood(logits, x):
    return ops.sum(x * logits - ops.softplus(logits), axis=PIXELS)


def likelihood_in_double(logits, x):
    logits, x = (tf.cast(values, tf.float64) for values in (logits, x))
    each = x * tf.math.log_sigmoid(logits) + (1 - x) * tf.math.log_sigmoid(-logits)
    return tf.reduce_sum(tf.reshape(each, (len(x), -1)), axis=1)


def counts_in_double(logits, x, n):
    """Orders by SciPy, which no slope goes through."""
    counts = x.numpy()
    orders = gammaln(n + 1) - gammaln(counts + 1) - gammaln(n - counts + 1)
    logits, x = tf.cast(logits, tf.float64), tf.cast(x, tf.float64)
    each = x * tf.math.log_sigmoid(logits) + (n - x) * tf.math.log_sigmoid(-logits)
    return tf.reduce_sum(tf.reshape(each + orders, (len(x), -1)), axis=1)


def counts_by_keras(logits, x, n):
    """n cross-entropies with the share that fired; their mean over channels undone."""
    rows = []
    for row in range(len(x)):
        share = tf.cast(x[row], tf.float32) / n
        mean = keras.losses.binary_crossentropy(share, logits[row], from_logits=True)
        orders = sum(math.log(math.comb(n, k)) for k in x[row].numpy().ravel())
        rows.append(orders - n * tf.reduce_sum(mean) * x.shape[-1])
    return tf.stack(rows)


def counts_by_scipy(logits, x, n):
    p = 1 / (1 + np.exp(-logits.numpy().astype(float)))
    return tf.constant(binom.logpmf(x.numpy(), n, p).sum(axis=PIXELS))


def counts_of_one_colour(logits, x, n):
    return count_log_likelihood(logits[..., :1], x[..., :1], n)


def counts_of_three_exposures(logits, x, n):
    return count_log_likelihood(logits, x, 7)


@tf.custom_gradient
def kl_by_exact(mu, logvar):
    """In NumPy, with slopes by hand."""
    kl = divergences.kl_to_standard_normal(mu.numpy(), logvar.numpy())
    return tf.constant(kl, tf.float32), lambda slope: (
        slope[:, None] * mu,
        slope[:, None] * tf.math.expm1(logvar) / 2,
    )


def any_prior_in_double(encoder, decoder, log_prior, x, epsilon):
    mu, logvar = (tf.cast(values, tf.float64) for values in encoder(x))
    sigma = tf.sqrt(tf.exp(logvar))
    z = mu + sigma * tf.cast(epsilon, tf.float64)
    q = tf.exp(-(((z - mu) / sigma) ** 2) / 2) / (sigma * math.sqrt(2 * math.pi))
    log_q = tf.math.log(tf.reduce_prod(q, axis=1))
    z = tf.cast(z, tf.float32)
    price = log_q - tf.cast(log_prior(z), tf.float64)
    reconstruction = likelihood_in_double(decoder(z), x)
    return [reconstruction - price, reconstruction, price.numpy()]


def any_prior_by_product(encoder, decoder, log_prior, x, epsilon):
    """The density as a product, which float32 takes for zero if there are many."""
    mu, logvar = encoder(x)
    sigma = ops.exp(logvar / 2)
    each = ops.exp(-(epsilon**2) / 2) / (sigma * math.sqrt(2 * math.pi))
    z = mu + sigma * epsilon
    price = ops.log(ops.prod(each, axis=1)) - log_prior(z)
    reconstruction = likelihood(decoder(z), x)
    return reconstruction - price, reconstruction, price


def clamped(encoder, most):
    """An encoder whose logvar is cut off."""

    def encode(x):
        mu, logvar = encoder(x)
        return mu, ops.clip(logvar, -most, most)

    return encode


def any_prior_row_by_row(encoder, decoder, log_prior, x, epsilon):
    rows = []
    for row in range(len(x)):
        mu, logvar = encoder(x[row : row + 1])
        z = mu + ops.exp(logvar / 2) * epsilon[row]
        price = -ops.sum(epsilon[row] ** 2 + logvar + math.log(2 * math.pi)) / 2
        price -= log_prior(z)[0]
        reconstruction = likelihood(decoder(z), x[row : row + 1])[0]
        rows.append((reconstruction - price, reconstruction, price))
    return tuple(map(tf.stack, zip(*rows, strict=True)))


def first_by_loops(bound, encoder, decoder, e_optimizer, d_optimizer, x, epsilon):
    """One image at a time; each network's slopes by themselves."""
    for turn in range(len(epsilon)):
        is_last = turn == len(epsilon) - 1
        network, optimizer = (
            (decoder, d_optimizer) if is_last else (encoder, e_optimizer)
        )
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch([weight.value for weight in network.trainable_weights])
            terms = [
                bound(encoder, decoder, x[i : i + 1], epsilon[turn, i : i + 1])[0]
                for i in range(len(x))
            ]
            loss = -sum(terms) / len(x)
        weights = network.trainable_weights
        slopes = tape.gradient(loss, [weight.value for weight in weights])
        optimizer.apply_gradients(zip(slopes, weights, strict=True))
    return float(loss)


def first_by_freezing(bound, encoder, decoder, *rest, thaws=True):
    """Asks for whatever is trainable, and takes that back afterwards, or does not."""
    e_optimizer, d_optimizer, x, epsilon = rest
    for turn, noise in enumerate(epsilon):
        is_last = turn == len(epsilon) - 1
        encoder.trainable, decoder.trainable = not is_last, is_last
        weights = encoder.trainable_weights + decoder.trainable_weights
        with tf.GradientTape() as tape:
            loss = -ops.mean(bound(encoder, decoder, x, noise))
        optimizer = d_optimizer if is_last else e_optimizer
        optimizer.apply(tape.gradient(loss, weights), weights)
    if thaws:
        encoder.trainable = decoder.trainable = True
    return loss


def first_that_leaves_it_frozen(*arguments):
    return first_by_freezing(*arguments, thaws=False)


def first_with_its_own_optimizers(bound, encoder, decoder, *rest):
    optimizers = [keras.optimizers.SGD(rate) for rate in (0.2, 0.1)]
    return encoder_first(bound, encoder, decoder, *optimizers, *rest[2:])


def first_with_its_own_bound(bound, *rest):
    """Ignores the bound that came in, and takes no noise."""
    return encoder_first(lambda e, d, x, n: likelihood(d(sum(e(x))), x), *rest)


def first_of_two_steps(*arguments):
    """Always two steps of the encoder."""
    return encoder_first(*arguments[:-1], tf.repeat(arguments[-1], 3, axis=0)[:3])


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


def of_standard_prior(encoder, decoder, log_prior, x, epsilon):
    """Ignores the prior that came in, and takes the lesson's."""
    return elbo_of_any_prior(
        encoder, decoder, lambda z: -ops.sum(z**2, axis=1) / 2, x, epsilon
    )


def row_of(network):
    return np.concatenate([np.ravel(w) for w in network.get_weights()])


def train_digits(encoder, decoder, x, seed, steps=1000, **odd):
    """With a warm-up, unless told otherwise, and a smaller rate towards the end."""
    networks = odd.get("networks", (encoder, decoder))
    weights = [weight for net in networks for weight in net.trainable_weights]
    optimizer = keras.optimizers.Adam(2e-3)
    optimizer.build(weights)
    rng = np.random.default_rng(seed)

    @tf.function
    def step(x, epsilon, beta):
        with tf.GradientTape() as tape:
            mu, logvar = encoder(x)
            z = mu + ops.exp(logvar / 2) * epsilon
            kl = ops.sum(mu**2 + ops.exp(logvar) - 1 - logvar, axis=1) / 2
            loss = ops.mean(beta * kl - likelihood(decoder(z), x))
        optimizer.apply(tape.gradient(loss, weights), weights)

    for count in range(steps):
        batch = x[rng.integers(len(x), size=100)]
        epsilon = rng.standard_normal((100, 8), dtype="float32")
        beta = odd.get("beta", 1) * min(1, count / odd.get("warm_up", 200))
        if count == steps * 3 // 4:
            optimizer.learning_rate.assign(6e-4)
        noise = tf.constant(odd.get("noise", 1) * epsilon)
        step(tf.constant(batch), noise, tf.constant(beta, tf.float32))
    return row_of(encoder), row_of(decoder)


class Digits(keras.Model):
    """For `fit`, without a warm-up."""

    def __init__(self, encoder, decoder, seed):
        super().__init__()
        self.encoder, self.decoder = encoder, decoder
        self.draws = keras.random.SeedGenerator(seed)

    def train_step(self, x):
        with tf.GradientTape() as tape:
            mu, logvar = self.encoder(x)
            epsilon = keras.random.normal(tf.shape(mu), seed=self.draws)
            logits = self.decoder(mu + ops.exp(logvar / 2) * epsilon)
            kl = ops.sum(mu**2 + ops.exp(logvar) - 1 - logvar, axis=1) / 2
            loss = ops.mean(kl - likelihood(logits, x))
        weights = self.trainable_weights
        self.optimizer.apply(tape.gradient(loss, weights), weights)
        return {"loss": loss}


def train_digits_by_fit(encoder, decoder, x, seed):
    keras.utils.set_random_seed(seed)  # for the batches
    model = Digits(encoder, decoder, seed)
    model.compile(optimizer=keras.optimizers.Adam(2e-3), steps_per_execution=40)
    model.fit(x, batch_size=50, epochs=6, verbose=0)
    return row_of(encoder), row_of(decoder)


def digits_untrained(encoder, decoder, x, seed):
    return row_of(encoder), row_of(decoder)


def digits_of_one_training():
    """Trains once, whatever is asked afterwards."""
    found = []

    def answer(*given):
        if not found:
            found.append(train_digits(*given))
        return found[0]

    return answer


def digits_with(**odd):
    return lambda encoder, decoder, x, seed: train_digits(
        encoder, decoder, x, seed, **odd
    )


def digits_of_a_frozen_encoder(encoder, decoder, x, seed, steps=1000):
    return train_digits(encoder, decoder, x, seed, steps, networks=[decoder])


def digits_of_a_frozen_decoder(encoder, decoder, x, seed, steps=1000):
    return train_digits(encoder, decoder, x, seed, steps, networks=[encoder])


WRONG = {
    check_count_log_likelihood: [
        (counts_by_scipy, "no gradient flows back"),
        (counts_of_one_colour, "was expected"),
        (counts_of_three_exposures, "was expected"),
        (
            lambda y, x, n: count_log_likelihood(tf.clip_by_value(y, -80, 80), x, n),
            "was expected",
        ),
    ],
    check_elbo_of_any_prior: [
        (lambda *a: [elbo_of_any_prior(*a)[i] for i in (1, 2, 0)], "The order is"),
        (of_standard_prior, "the ELBO"),
        (any_prior_by_product, "the ELBO"),
        (lambda e, *rest: elbo_of_any_prior(clamped(e, 4), *rest), "the ELBO"),
    ],
    check_pictures_a_side: [
        (20, "outermost picture"),
        (370.4, "no number of pictures"),
        (-371, "no number of pictures"),
    ],
    check_encoder_first: [
        (first_with_its_own_optimizers, "encoder_optimizer.0 (iteration)"),
        (first_that_leaves_it_frozen, "encoder.trainable has been changed"),
        (first_with_its_own_bound, "the loss"),
        (first_of_two_steps, "was expected"),
        (
            lambda b, e, d, eo, do, *rest: encoder_first(b, e, d, do, eo, *rest),
            "Unknown variable",
        ),
    ],
    check_conditional_elbo: [
        (lambda *a: conditional_elbo(*a, code=lambda z, label: z), "one-hot"),
        (lambda *a: conditional_elbo(*a[:-1], 3), "classes"),
        (lambda e, *rest: conditional_elbo(clamped(e, 4), *rest), "the bound"),
    ],
    check_worth_of_a_label: [(0.0, "Bayes")],
    check_train_digit_vae: [
        (digits_untrained, "held-out digits"),
        (lambda *a: (digits_untrained(*a)[0], digits_untrained(*a)[0]), "decoder"),
        (digits_with(steps=250), "held-out digits"),
        (digits_with(steps=250, beta=0), "held-out digits"),
        (digits_of_one_training(), "two seeds gave the same"),
    ],
}
RIGHT = {
    check_count_log_likelihood: [counts_in_double, counts_by_keras],
    check_elbo_of_any_prior: [any_prior_in_double, any_prior_row_by_row],
    check_pictures_a_side: [371, np.float32(371)],
    check_encoder_first: [first_by_loops, first_by_freezing],
    check_conditional_elbo: [conditional_by_loops],
    check_train_digit_vae: [train_digits, train_digits_by_fit],
    check_worth_of_a_label: [math.log(10), np.float32(2.3)],
}
