"""The exercises on lesson 4: a VAE in Keras, and pictures of its prior."""

import math
from collections.abc import Callable
from functools import cache, partial
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops
from scipy.stats import entropy, norm

from course_utils.checks.calls import Array
from course_utils.checks.exercise import Exercise
from course_utils.checks.keras_tools import gradients, set_weights, tensor

IMAGE, LATENTS = (2, 2, 3), 2  # of the first question; three channels show more slips
PIXELS = (1, 2, 3)  # the axes of an image
SIGMAS, CLASSES = 3, 10  # of the two exercises that ask for a number

CHANNELS = "Is there a mean over the channels? A cross-entropy of Keras takes one."
VARIANCE = "logvar is the logarithm of a variance. What is sigma, then?"
NOISE = "Where did the noise go? z is drawn from q, it is not its mean."
ALL_ROWS = "One value an image: sum over every axis but the first."
EACH = {ALL_ROWS: ops.sum, f"{ALL_ROWS} No mean over the batch.": ops.mean}
OF_PIXELS = {
    CHANNELS: lambda value: value / IMAGE[-1],
    "A sum over pixels, not a mean.": lambda value: value / math.prod(IMAGE),
    "A probability is at most 1. Which sign has its logarithm?": lambda value: -value,
    f"{CHANNELS} And which sign has it?": lambda value: -value / IMAGE[-1],
}


def log_likelihood(x_logits: tf.Tensor, x: tf.Tensor) -> tf.Tensor:
    """x_logits, x in [0, 1] (rows, height, width, channels) -> (rows,)."""
    return -ops.sum(tf.nn.sigmoid_cross_entropy_with_logits(x, x_logits), axis=PIXELS)


def _by_probabilities(x_logits, x):
    p = ops.sigmoid(x_logits)
    return ops.sum(x * ops.log(p) + (1 - x) * ops.log(1 - p), axis=PIXELS)


def _by_keras(p, x):
    """Its cross-entropy, which cuts probabilities off at 1e-7."""
    each = keras.losses.binary_crossentropy(x[..., None], p[..., None])
    return -ops.sum(each, axis=PIXELS)


def _pixels(rng, *shape, far=0):
    logits = rng.normal(far * rng.choice([-1, 1], shape), 1.5)
    words = f"shape {shape}, logits of size {np.abs(logits).max():.0f}"
    return words, tensor(logits), tensor(rng.random(shape))


check_log_likelihood = Exercise(
    log_likelihood,
    "How many numbers has one image? Each of them adds its own term.",
    lambda rng, shape, far: _pixels(rng, *shape, far=far),
    cases=(((4, *IMAGE), 0), ((1, 3, 4, 1), 0), ((4, 5, 4, 3), 60), ((3, *IMAGE), 999)),
    gives="log p(x|z)",
    watch=gradients(),
    slips={
        "x_logits are logits already: is a sigmoid taken twice?": (
            lambda y, x: log_likelihood(ops.sigmoid(y), x)
        ),
        "In float32 a probability is soon 1. Do not go through one.": (
            _by_probabilities,
            lambda y, x: _by_keras(ops.sigmoid(y), x),
        ),
        "From 89 on exp is too large for float32. softplus does not go through it.": (
            lambda y, x: ops.sum(x * y - ops.log(1 + ops.exp(y)), axis=PIXELS)
        ),
        "Was Keras told that these are logits, no probabilities?": (
            _by_keras,
            lambda y, x: _by_keras(y, x) / x.shape[-1],
        ),
    },
    changes=EACH | OF_PIXELS,
)


def quantile_grid(n: int) -> Array:
    """Points a side, n -> z (n * n, 2), row by row from the top."""
    return _plane(norm.ppf(_middles(n)))


def _middles(n):
    return (np.arange(n) + 0.5) / n


def _equal_steps(n):
    quantiles = norm.ppf(_middles(n))
    return np.linspace(quantiles[0], quantiles[-1], n)


def _plane(axis, rows=None):
    z1, z2 = np.meshgrid(axis, axis[::-1] if rows is None else rows)
    return np.stack([z1, z2], axis=-1).reshape(-1, 2)


def _points(rng, least, most):
    n = int(rng.integers(least, most, endpoint=True))
    return f"{n} points a side", n


check_quantile_grid = Exercise(
    quantile_grid,
    "First one axis: n shares of probability, and their quantiles.",
    _points,
    cases=((5, 5), (20, 20), (6, 14), (1, 1)),
    gives="z",
    slips={
        "Equal steps of z are not equal steps of probability.": (
            lambda n: _plane(_equal_steps(n))
        ),
        "That is the square of the lesson, with 46.6 % of the prior.": (
            lambda n: _plane(np.linspace(-1, 1, n))
        ),
        "Those are shares of probability. Which z belong to them?": (
            lambda n: _plane(_middles(n))
        ),
        "At shares of 0 and 1 the quantiles are infinite. Where are the middles?": (
            lambda n: _plane(norm.ppf(np.linspace(0, 1, n)))
        ),
        "That is the prior between -1 and 1 alone.": (
            lambda n: _plane(norm.ppf(np.linspace(norm.cdf(-1), norm.cdf(1), n)))
        ),
        "The outermost cells hold as much of the prior as the others.": (
            lambda n: _plane(norm.ppf(np.arange(1, n + 1) / (n + 1)))
        ),
        "The picture is read from the top: there z2 is largest.": (
            lambda n: _plane(*2 * [norm.ppf(_middles(n))])
        ),
        "One point a row: (n * n, 2).": lambda n: quantile_grid(n).reshape(n, n, 2),
        "Those are two planes. One point a row: (n * n, 2).": (
            lambda n: quantile_grid(n).T.reshape(2, n, n),
            lambda n: np.meshgrid(*2 * [norm.ppf(_middles(n))]),
        ),
    },
    changes={"z1 grows to the right, z2 to the top.": lambda z: z[:, ::-1]},
)


def pictures_a_side(share_of_outermost: float = 0.5, more: int = 1) -> int:
    """A number: from how many pictures a side on the grid goes beyond 3 sigma."""
    return math.floor(share_of_outermost / norm.sf(SIGMAS)) + more


check_pictures_a_side = Exercise(
    pictures_a_side,
    "Where does the outermost picture lie, in terms of its share of the prior?",
    refuse={"That is no number of pictures.": lambda n: n < 1 or n != round(float(n))},
    slips={
        "Does a picture stand at the end of its share?": partial(pictures_a_side, 1),
        "Is it the smallest number, and is its outermost picture beyond 3 sigma?": (
            partial(pictures_a_side, more=0),
            partial(pictures_a_side, more=2),
        ),
    },
)


def elbo(
    encoder: Callable[..., Any],
    decoder: Callable[..., Any],
    x: tf.Tensor,
    epsilon: tf.Tensor,
    draw: Callable[..., Any] = lambda m, v, e: m + ops.exp(v / 2) * e,
    likelihood: Callable[..., Any] = log_likelihood,
    price: Callable[..., Any] = lambda m, v: _kl(m, v),
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Two networks, x (rows, ...), epsilon (rows, k) -> three tensors (rows,).

    The ELBO, its reconstruction and its KL. The encoder goes from x to mu and logvar,
    the decoder from z to logits of x's shape.
    """
    mu, logvar = encoder(x)
    reconstruction = likelihood(decoder(draw(mu, logvar, epsilon)), x)
    return reconstruction - price(mu, logvar), reconstruction, price(mu, logvar)


def _kl(mu, logvar, axis=1):
    return ops.sum(ops.square(mu) + ops.exp(logvar) - 1 - logvar, axis=axis) / 2


def _with_likelihood(change):
    return partial(elbo, likelihood=lambda *inputs: change(log_likelihood(*inputs)))


def _with_price(change):
    return partial(elbo, price=lambda *q: change(_kl(*q)))


# Bounds as they come out of slips that several exercises know.
_with_mean_of_channels = _with_likelihood(OF_PIXELS[CHANNELS])
_with_kl_added = _with_price(lambda kl: -kl)
_without_kl = _with_price(lambda kl: 0 * kl)
_without_noise = partial(elbo, draw=lambda m, v, e: m)
_with_wide_z = partial(elbo, draw=lambda m, v, e: m + ops.exp(v) * e)


@cache
def _networks(image, k, classes):
    """An encoder and a decoder without hidden layers; labels are for both, if any."""
    x, label, z = map(keras.Input, (image, (classes,), (k + classes,)))
    seen = layers.Flatten()(x)
    if classes:
        seen = layers.Concatenate()([seen, label])
    encoder = keras.Model(
        [x, label] if classes else x, (layers.Dense(k)(seen), layers.Dense(k)(seen))
    )
    logits = layers.Dense(math.prod(image))(z)
    return encoder, keras.Model(z, layers.Reshape(image)(logits))


def _vae(rng, rows, image, k, classes=0):
    """Networks with weights that leave numbers near 1, images, and noise."""
    networks = [set_weights(network, rng) for network in _networks(image, k, classes)]
    for network in networks:
        network.set_weights([w / len(w) ** 0.5 for w in network.get_weights()])
    x, epsilon = rng.random((rows, *image)), rng.normal(size=(rows, k))
    words = f"images {(rows, *image)}, {k} latent dimensions"
    return words, *networks, tensor(x), tensor(epsilon)


check_elbo = Exercise(
    elbo,
    "Follow one image: mu, logvar, z by the epsilon that came in, logits, terms.",
    _vae,
    # As many rows as latents: wrong axes give wrong numbers, and no error.
    cases=((LATENTS, IMAGE, LATENTS), (1, (3, 4, 1), 2), (4, (2, 3, 3), 3)),
    gives=("the ELBO", "the reconstruction", "the KL"),
    watch=gradients(0),
    slips={words: _with_likelihood(change) for words, change in OF_PIXELS.items()}
    | {words: (_with_likelihood(c), _with_price(c)) for words, c in EACH.items()}
    | {
        NOISE: _without_noise,
        VARIANCE: (
            _with_wide_z,
            partial(elbo, price=lambda m, v: _kl(m, 2 * v)),
            partial(_with_wide_z, price=lambda m, v: _kl(m, 2 * v)),
        ),
        "z comes from q(z|x), not from the prior.": (
            partial(elbo, draw=lambda m, v, e: e)
        ),
        "A factor is missing in front.": _with_price(lambda kl: 2 * kl),
        "A KL is never negative.": _with_kl_added,
        "KLs of independent dimensions add.": _with_price(lambda kl: kl / LATENTS),
        "There is a KL for each dimension: add them.": (
            partial(elbo, price=lambda m, v: _kl(m[..., None], v[..., None], axis=2))
        ),
        "A KL is a sum over latent dimensions, not over images.": (
            partial(elbo, price=partial(_kl, axis=0))
        ),
        "Only the KL's gradient arrives: z has lost its path.": partial(
            elbo, draw=lambda m, v, e: ops.stop_gradient(m + ops.exp(v / 2) * e)
        ),
        "The KL's gradient does not arrive.": _with_price(ops.stop_gradient),
    },
    changes={words: lambda e, r, k, c=c: (c(e), r, k) for words, c in EACH.items()}
    | {
        "With which sign does the KL stand in the ELBO?": lambda e, r, k: (r + k, r, k),
        "That is the loss. The ELBO is what should be large.": (
            lambda e, r, k: (-e, r, k)
        ),
        "The KL is missing.": lambda e, r, k: (r, r, k),
    },
)


def train_step(
    encoder: keras.Model,
    decoder: keras.Model,
    optimizer: keras.Optimizer,
    x: tf.Tensor,
    epsilon: tf.Tensor,
    bound: Callable[..., Any] = elbo,
    loss: Callable[..., Any] = lambda bounds: -ops.mean(bounds),
    minimized: Callable[..., Any] | None = None,
    networks: slice = slice(2),
    times: int = 1,
) -> tf.Tensor:
    """Two networks, an optimizer, x, epsilon -> the loss before the step, a number."""
    moved = (encoder, decoder)[networks]
    weights = [weight for network in moved for weight in network.trainable_weights]
    with tf.GradientTape() as tape:
        bounds = bound(encoder, decoder, x, epsilon)[0]
        target = (minimized or loss)(bounds)
    slopes = tape.gradient(target, weights)
    for _ in range(times):
        optimizer.apply(slopes, weights)
    return loss(bounds)


def _vae_and_optimizer(rng, rows, image, k, rate):
    words, encoder, decoder, x, epsilon = _vae(rng, rows, image, k)
    optimizer = keras.optimizers.SGD(rate)
    # A step that is compiled could not make the optimizer's variables.
    optimizer.build(encoder.trainable_weights + decoder.trainable_weights)
    return f"{words}, SGD({rate})", encoder, decoder, optimizer, x, epsilon


check_train_step = Exercise(
    train_step,
    "Record the loss on a tape, ask it for all weights' slopes, apply them once.",
    _vae_and_optimizer,
    cases=((4, IMAGE, LATENTS, 0.2), (1, (2, 3, 1), 1, 0.1)),
    gives="the loss",
    refuse={
        "the optimizer that came in has counted no step.": (
            lambda loss, e, d, optimizer, *_: optimizer.iterations.numpy() < 1
        ),
        "the optimizer that came in has counted more than one step.": (
            lambda loss, e, d, optimizer, *_: optimizer.iterations.numpy() > 1
        ),
    },
    slips={
        "Use the optimizer that came in; one call takes the weights of both.": (
            partial(train_step, times=0),
            partial(train_step, times=2),
        ),
        "One number for the whole batch.": partial(train_step, loss=lambda b: -b),
        "A mean over images: the steps of a sum would grow with the batch.": (
            partial(train_step, loss=lambda bounds: -ops.sum(bounds))
        ),
        "What is minimized is minus the ELBO.": partial(train_step, loss=ops.mean),
        CHANNELS: partial(train_step, bound=_with_mean_of_channels),
        "The loss has two terms.": partial(train_step, bound=_without_kl),
        "With which sign does the KL stand in the loss?": (
            partial(train_step, bound=_with_kl_added)
        ),
        "That is uphill: whose slope did the optimizer get?": (
            partial(train_step, minimized=ops.mean)
        ),
        "The slopes are those of a sum over images, not of their mean.": (
            partial(train_step, minimized=lambda bounds: -ops.sum(bounds))
        ),
        "The decoder has not moved.": partial(train_step, networks=slice(1)),
        "The encoder has not moved.": partial(train_step, networks=slice(1, 2)),
    },
)


def conditional_elbo(
    encoder: keras.Model,
    decoder: keras.Model,
    x: tf.Tensor,
    y: tf.Tensor,
    epsilon: tf.Tensor,
    classes: int,
    bound: Callable[..., Any] = elbo,
    code: Callable[..., Any] = lambda *parts: ops.concatenate(parts, axis=1),
) -> tf.Tensor:
    """As `elbo`, with classes y (rows,) -> the bound of log p(x given y), (rows,).

    The encoder takes [x, label], the decoder (rows, k + classes).
    """
    label = ops.one_hot(y, classes)
    return bound(
        lambda x: encoder([x, label]), lambda z: decoder(code(z, label)), x, epsilon
    )[0]


def _vae_with_labels(rng, rows, image, k, classes):
    words, encoder, decoder, x, epsilon = _vae(rng, rows, image, k, classes)
    y = tensor(rng.integers(classes, size=rows))
    return f"{words}, {classes} classes", encoder, decoder, x, y, epsilon, classes


check_conditional_elbo = Exercise(
    conditional_elbo,
    "Make the label one-hot. The encoder gets it beside x, the decoder behind z.",
    _vae_with_labels,
    cases=((5, IMAGE, LATENTS, 3), (1, (3, 2, 1), 2, 4)),
    gives="the bound",
    watch=gradients(),
    slips={
        "With which sign does the KL stand in the ELBO?": (
            partial(conditional_elbo, bound=_with_kl_added)
        ),
        "The KL is missing.": partial(conditional_elbo, bound=_without_kl),
        CHANNELS: partial(conditional_elbo, bound=_with_mean_of_channels),
        VARIANCE: partial(conditional_elbo, bound=_with_wide_z),
        NOISE: partial(conditional_elbo, bound=_without_noise),
        "The decoder wants z first, then the label.": partial(
            conditional_elbo, code=lambda z, label: ops.concatenate([label, z], axis=1)
        ),
    },
    changes=EACH
    | {
        "That is the loss. The ELBO is what should be large.": lambda bound: -bound,
    },
)


def worth_of_a_label() -> float:
    """A number: what ten equally frequent labels can tell, in nats."""
    return entropy(np.full(CLASSES, 1 / CLASSES))


check_worth_of_a_label = Exercise(
    worth_of_a_label,
    "Bayes: p(x|y) / p(x) = p(y|x) / p(y). What are both for a clear digit?",
    rtol=0.01,
    changes={
        "That is in bits.": lambda nats: nats / np.log(2),
        "In which base is that?": lambda nats: nats / np.log(10),
        "The model that knows more has the larger log-likelihood.": lambda nats: -nats,
        "That is a ratio of probabilities. What is its logarithm?": np.exp,
    },
)
