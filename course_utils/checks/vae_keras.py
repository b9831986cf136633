"""The exercises on lesson 4: a VAE in Keras, and pictures of its prior."""

import math
from collections.abc import Callable
from functools import cache, partial
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf
from keras import layers, ops
from scipy.stats import entropy, norm

from course_utils.checks.examination import Ask, examination
from course_utils.checks.exercise import Exercise
from course_utils.checks.keras_tools import gradients, set_weights, tensor
from course_utils.checks.seeds import ask_for_other_seeds
from course_utils.data.mnist import load_mnist

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


def count_log_likelihood(
    x_logits: tf.Tensor,
    x: tf.Tensor,
    exposures: int,
    chance: Callable[..., Any] = lambda y, x, n: x * y - n * ops.softplus(y),
    orders: Callable[..., Any] = lambda x, n: _log_orders(x, n),
) -> tf.Tensor:
    """x_logits, counts x, both (rows, height, width, channels), exposures -> (rows,).

    A pixel with the logit l fires in each exposure with probability 1/(1 + exp(-l)).
    """
    x = ops.cast(x, x_logits.dtype)
    each = orders(x, exposures) + chance(x_logits, x, exposures)
    return ops.sum(each, axis=PIXELS)


def _log_orders(x, n):
    """The logarithm of n over x."""
    return tf.math.lgamma(n + 1.0) - tf.math.lgamma(x + 1) - tf.math.lgamma(n - x + 1)


def _by_probabilities(y, x, n):
    p = ops.sigmoid(y)
    return x * ops.log(p) + (n - x) * ops.log(1 - p)


def _counts(rng, exposures, *shape, far=0):
    logits = rng.normal(far * rng.choice([-1, 1], shape), 1.5)
    counts = rng.integers(exposures, size=shape, endpoint=True)
    size = f"logits of size {np.abs(logits).max():.0f}"
    words = f"shape {shape}, {exposures} exposures, {size}"
    return words, tensor(logits), tensor(counts), exposures


check_count_log_likelihood = Exercise(
    count_log_likelihood,
    "Write down the term of one number of one image. Then sum over the right axes.",
    lambda rng, shape, n, far: _counts(rng, n, *shape, far=far),
    cases=(
        ((4, *IMAGE), 7, 0),
        ((1, 3, 4, 1), 1, 0),
        ((4, 5, 4, 3), 3, 60),
        ((3, *IMAGE), 12, 999),
    ),
    gives="log p(x|z)",
    watch=gradients(),
    slips={
        "x_logits are logits already: is a sigmoid taken twice?": (
            lambda y, x, n: count_log_likelihood(ops.sigmoid(y), x, n)
        ),
        "In float32 a probability is soon 1. Do not go through one.": (
            partial(count_log_likelihood, chance=_by_probabilities)
        ),
        "exp is too large for float32 from 89 on. Which function avoids it?": partial(
            count_log_likelihood,
            chance=lambda y, x, n: x * y - n * ops.log(1 + ops.exp(y)),
        ),
        "In how many orders can a pixel fire x times?": (
            partial(count_log_likelihood, orders=lambda x, n: 0 * x)
        ),
        "Orders of n exposures: which of them do not count as different?": (
            partial(count_log_likelihood, orders=lambda x, n: -tf.math.lgamma(x + 1)),
            partial(
                count_log_likelihood,
                orders=lambda x, n: tf.math.lgamma(n + 1.0) - tf.math.lgamma(n - x + 1),
            ),
        ),
        "There are several exposures. How many of them did not fire?": (
            partial(
                count_log_likelihood, chance=lambda y, x, n: x * y - ops.softplus(y)
            )
        ),
    },
    changes=EACH | OF_PIXELS,
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


def log_likelihood(x_logits: tf.Tensor, x: tf.Tensor) -> tf.Tensor:
    """x_logits, x in [0, 1] (rows, height, width, channels) -> (rows,)."""
    return -ops.sum(tf.nn.sigmoid_cross_entropy_with_logits(x, x_logits), axis=PIXELS)


def _log_normal(z, mu, logvar, unit=2 * math.pi):
    """The logarithm of a normal density of each number."""
    return -((z - mu) ** 2 / ops.exp(logvar) + logvar + math.log(unit)) / 2


def elbo_of_any_prior(
    encoder: Callable[..., Any],
    decoder: Callable[..., Any],
    log_prior: Callable[..., Any],
    x: tf.Tensor,
    epsilon: tf.Tensor,
    *,
    draw: Callable[..., Any] = lambda m, v, e: m + ops.exp(v / 2) * e,
    likelihood: Callable[..., Any] = log_likelihood,
    log_q: Callable[..., Any] = lambda z, m, v: _summed(_log_normal(z, m, v)),
    of_prior: Callable[..., Any] = lambda log_prior, z, m: log_prior(z),
    change: Callable[..., Any] = lambda price: price,
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Two networks, log p(z), x (rows, ...), epsilon (rows, k) -> three of (rows,).

    The ELBO by one z an image, its reconstruction, and what z costs: log q(z|x) - log
    p(z). The encoder goes from x to mu and logvar, the decoder from z to logits of
    x's shape, log_prior from z (rows, k) to (rows,).
    """
    mu, logvar = encoder(x)
    z = draw(mu, logvar, epsilon)
    reconstruction = likelihood(decoder(z), x)
    price = change(log_q(z, mu, logvar) - of_prior(log_prior, z, mu))
    return reconstruction - price, reconstruction, price


def _summed(values):
    return ops.sum(values, axis=1)


def _kl(mu, logvar):
    return ops.sum(ops.square(mu) + ops.exp(logvar) - 1 - logvar, axis=1) / 2


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


def _vae(rng, rows, image, k, classes=0, spread=1.0):
    """Networks with weights that leave numbers near 1, images, and noise.

    With a `spread` mu and logvar go so many times as far.
    """
    networks = [set_weights(network, rng) for network in _networks(image, k, classes)]
    for network, factor in zip(networks, (spread, 1.0), strict=True):
        weights = [factor * w / len(w) ** 0.5 for w in network.get_weights()]
        network.set_weights(weights)
    x, epsilon = rng.random((rows, *image)), rng.normal(size=(rows, k))
    words = f"images {(rows, *image)}, {k} latent dimensions"
    return words, *networks, tensor(x), tensor(epsilon)


def _laplace(centre):
    return lambda z: -ops.sum(ops.abs(z - centre) + math.log(2), axis=1)


def _two_hills(distance):
    """Two normal hills on each axis."""
    hills = [partial(_log_normal, mu=m, logvar=0.0) for m in (-distance, distance)]
    return lambda z: _summed(ops.logaddexp(*(hill(z) for hill in hills)) - math.log(2))


PRIORS = {"Laplace": _laplace, "two hills": _two_hills}


def _vae_with_prior(rng, rows, image, k, prior, spread=1.0):
    words, encoder, decoder, x, epsilon = _vae(rng, rows, image, k, spread=spread)
    log_prior = PRIORS[prior](float(rng.uniform(0.5, 1.5)))
    return f"{words}, prior: {prior}", encoder, decoder, log_prior, x, epsilon


def _priced(**slip):
    return partial(elbo_of_any_prior, **slip)


check_elbo_of_any_prior = Exercise(
    elbo_of_any_prior,
    "Follow one image: mu, logvar, z by the epsilon that came in, then densities.",
    _vae_with_prior,
    # As many rows as latents: wrong axes give wrong numbers, and no error.
    cases=(
        (LATENTS, IMAGE, LATENTS, "Laplace"),
        (1, (3, 4, 1), 2, "two hills"),
        (4, (2, 3, 3), 3, "two hills"),
        (3, (2, 2, 1), 120, "Laplace"),
        (4, (2, 2, 2), 5, "Laplace", 8.0),
    ),
    gives=("the ELBO", "the reconstruction", "the price"),
    watch=gradients(0),
    slips={
        CHANNELS: _priced(likelihood=lambda *a: log_likelihood(*a) / IMAGE[-1]),
        NOISE: _priced(draw=lambda m, v, e: m),
        VARIANCE: (
            _priced(draw=lambda m, v, e: m + ops.exp(v) * e),
            _priced(log_q=lambda z, m, v: _summed(_log_normal(z, m, 2 * v))),
        ),
        "z comes from q(z|x), not from the prior.": _priced(draw=lambda m, v, e: e),
        "The prior is not the standard normal one: ask log_prior.": (
            _priced(of_prior=lambda p, z, m: _summed(_log_normal(z, 0 * m, 0 * m))),
            _priced(
                log_q=lambda z, m, v: _kl(m, v), of_prior=lambda p, z, m: 0 * z[:, 0]
            ),
        ),
        "The prior of what? All three densities belong to the same z.": (
            _priced(of_prior=lambda p, z, m: p(m))
        ),
        "That is the density of epsilon. A narrow q has a high one.": (
            _priced(log_q=lambda z, m, v: _summed(_log_normal(z, m, v) + v / 2))
        ),
        "Which factor makes a normal density's integral 1?": (
            _priced(log_q=lambda z, m, v: _summed(_log_normal(z, m, v, unit=1)))
        ),
        "Densities of independent numbers multiply.": (
            _priced(log_q=lambda z, m, v: ops.mean(_log_normal(z, m, v), axis=1))
        ),
        "A price is log q - log p: which of them is positive?": (
            _priced(change=lambda price: -price)
        ),
        "Only a part of the gradient arrives: z has lost its path.": (
            _priced(draw=lambda m, v, e: ops.stop_gradient(m + ops.exp(v / 2) * e))
        ),
    },
    changes={words: lambda e, r, k, c=c: (c(e), r, k) for words, c in EACH.items()}
    | {
        "With which sign does the price stand in the ELBO?": (
            lambda e, r, k: (r + k, r, k)
        ),
        "That is the loss. The ELBO is what should be large.": (
            lambda e, r, k: (-e, r, k)
        ),
        "The price is missing.": lambda e, r, k: (r, r, k),
    },
)


def encoder_first(
    bound: Callable[..., Any],
    encoder: keras.Model,
    decoder: keras.Model,
    encoder_optimizer: keras.Optimizer,
    decoder_optimizer: keras.Optimizer,
    x: tf.Tensor,
    epsilon: tf.Tensor,
    *,
    loss: Callable[..., Any] = lambda bounds: -ops.mean(bounds),
    rounds: slice = slice(0, -1),
    noise: Callable[..., Any] = lambda epsilon, place: epsilon[place],
    also: tuple[bool, bool] = (False, False),
    moved: tuple[bool, bool] = (True, True),
) -> tf.Tensor:
    """Networks, optimizers, x, epsilon (rounds + 1, rows, k) -> a loss, a number.

    For each epsilon but the last the encoder takes a step, then the decoder one with
    the last. The loss is the one from before the decoder's step, minus the mean of
    bound(encoder, decoder, x, epsilon of the step), (rows,).
    """

    def step(place: int, networks: list[Any]) -> tf.Tensor:
        with tf.GradientTape(persistent=True) as tape:
            value = loss(bound(encoder, decoder, x, noise(epsilon, place)))
        slopes = [tape.gradient(value, net.trainable_weights) for net, _ in networks]
        for (network, optimizer), slope in zip(networks, slopes, strict=True):
            optimizer.apply(slope, network.trainable_weights)
        return value

    first, second = (encoder, encoder_optimizer), (decoder, decoder_optimizer)
    for place in range(len(epsilon))[rounds]:
        step(place, [first] * moved[0] + [second] * also[0])
    return step(-1, [second] * moved[1] + [first] * also[1])


def _bound(encoder, decoder, x, epsilon, weight):
    """With a weight of the KL, so that nobody can know it beforehand."""
    mu, logvar = encoder(x)
    z = mu + ops.exp(logvar / 2) * epsilon
    return log_likelihood(decoder(z), x) - weight * _kl(mu, logvar)


def _decoder_first(bound, encoder, decoder, *rest):
    e_optimizer, d_optimizer, x, epsilon = rest
    last = bound, encoder, decoder, e_optimizer, d_optimizer, x, epsilon[-1:]
    loss = encoder_first(*last)
    encoder_first(*last[:-1], epsilon, moved=(True, False))
    return loss


def _with_an_old_loss(*arguments):
    """The loss that the decoder would have with the encoder from before."""
    value = encoder_first(*arguments, rounds=slice(0, 0), moved=(False, False))
    encoder_first(*arguments)
    return value


def _vae_with_two_optimizers(rng, rounds, rows, image, k, rates):
    words, encoder, decoder, x, _ = _vae(rng, rows, image, k)
    optimizers = [keras.optimizers.SGD(rate) for rate in rates]
    for network, optimizer in zip((encoder, decoder), optimizers, strict=True):
        # A step that is compiled could not make the optimizer's variables.
        optimizer.build(network.trainable_weights)
    epsilon = tensor(rng.normal(size=(rounds + 1, rows, k)))
    bound = partial(_bound, weight=float(rng.uniform(0.5, 2)))
    steps = f"{rounds} steps of the encoder"
    return f"{words}, {steps}", bound, encoder, decoder, *optimizers, x, epsilon


check_encoder_first = Exercise(
    encoder_first,
    "A tape for each step. Whose weights is it asked about, and who applies them?",
    _vae_with_two_optimizers,
    cases=(
        (1, 4, IMAGE, LATENTS, (0.2, 0.1)),
        (0, 2, (3, 2, 1), 1, (0.1, 0.2)),
        (3, 1, (2, 3, 1), 3, (0.1, 0.1)),
    ),
    gives="the loss",
    slips={
        "One number for the whole batch.": partial(encoder_first, loss=lambda b: -b),
        "What is minimized is minus the bound.": partial(encoder_first, loss=ops.mean),
        "The decoder waits until the encoder has had all its steps.": (
            partial(encoder_first, also=(True, False))
        ),
        "In the last step the decoder moves alone.": (
            partial(encoder_first, also=(False, True))
        ),
        "Each step has an epsilon of its own.": (
            partial(encoder_first, noise=lambda epsilon, place: epsilon[0])
        ),
        "How often does the encoder move? The last epsilon is the decoder's.": (
            partial(encoder_first, rounds=slice(None))
        ),
        "The encoder moves first.": _decoder_first,
        "The loss is the one that the decoder's step starts from.": _with_an_old_loss,
    },
)


def conditional_elbo(
    encoder: keras.Model,
    decoder: keras.Model,
    x: tf.Tensor,
    y: tf.Tensor,
    epsilon: tf.Tensor,
    classes: int,
    draw: Callable[..., Any] = lambda m, v, e: m + ops.exp(v / 2) * e,
    likelihood: Callable[..., Any] = log_likelihood,
    price: Callable[..., Any] = _kl,
    code: Callable[..., Any] = lambda *parts: ops.concatenate(parts, axis=1),
) -> tf.Tensor:
    """Networks, x (rows, ...), y (rows,), epsilon (rows, k), classes -> (rows,).

    The bound of log p(x given y). The encoder takes [x, label], the decoder (rows, k +
    classes).
    """
    label = ops.one_hot(y, classes)
    mu, logvar = encoder([x, label])
    z = draw(mu, logvar, epsilon)
    return likelihood(decoder(code(z, label)), x) - price(mu, logvar)


def _vae_with_labels(rng, rows, image, k, classes, spread=1.0):
    words, encoder, decoder, x, epsilon = _vae(rng, rows, image, k, classes, spread)
    y = tensor(rng.integers(classes, size=rows))
    return f"{words}, {classes} classes", encoder, decoder, x, y, epsilon, classes


check_conditional_elbo = Exercise(
    conditional_elbo,
    "Make the label one-hot. The encoder gets it beside x, the decoder behind z.",
    _vae_with_labels,
    cases=((5, IMAGE, LATENTS, 3), (1, (3, 2, 1), 2, 4), (4, (2, 2, 2), 5, 3, 8.0)),
    gives="the bound",
    watch=gradients(),
    slips={
        "With which sign does the KL stand in the ELBO?": (
            partial(conditional_elbo, price=lambda m, v: -_kl(m, v))
        ),
        "The KL is missing.": partial(conditional_elbo, price=lambda m, v: 0 * m[:, 0]),
        CHANNELS: partial(
            conditional_elbo, likelihood=lambda *a: log_likelihood(*a) / IMAGE[-1]
        ),
        VARIANCE: partial(conditional_elbo, draw=lambda m, v, e: m + ops.exp(v) * e),
        NOISE: partial(conditional_elbo, draw=lambda m, v, e: m),
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


SIDE, CODE, HIDDEN = 14, 8, 128  # of small digits, of their codes, of both networks
TRAINED, DRAWS = 8_000, 2
FEW = 100  # digits whose codes are compared from one seed to the next
# Two healthy programs gave -36.8 to -36.2 and -37.1 to -36.7, over ten seeds each.
# Sick: a quarter of the steps, -43.6 to -42.3 (ten seeds); the KL counted twice,
# -39.0 to -38.5 (ten); a quarter of the steps without KL, below -162 (ten); no noise
# (two), -111 and -104; collapsed, -49.0. A KL that counts half, -37.3 and -36.6, is
# not seen by this bar.
ENOUGH = -38.0


def small_digits(images: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Grey digits (rows, 28, 28, 1) -> black and white ones, (rows, 14, 14, 1).

    A pixel is white if the mean of its four pixels is above 1/2.
    """
    fours = images.reshape(-1, SIDE, 2, SIDE, 2)
    return (fours.mean(axis=(2, 4)) > 0.5).astype(np.float32)[..., None]


def digit_networks(seed: int) -> tuple[keras.Model, keras.Model]:
    """An encoder and a decoder of small digits with fresh weights.

    The encoder takes (rows, 14, 14, 1) and gives mu and logvar, both (rows, 8); the
    decoder takes z, (rows, 8), and gives logits, (rows, 14, 14, 1).
    """
    seeds = iter(range(10 * seed, 10 * seed + 5))

    def dense(width: int, activation: str | None = None) -> layers.Layer:
        start = keras.initializers.GlorotUniform(next(seeds))
        return layers.Dense(width, activation, kernel_initializer=start)

    x, z = keras.Input((SIDE, SIDE, 1)), keras.Input((CODE,))
    seen = dense(HIDDEN, "relu")(layers.Flatten()(x))
    encoder = keras.Model(x, (dense(CODE)(seen), dense(CODE)(seen)), name="encoder")
    logits = dense(SIDE**2)(dense(HIDDEN, "relu")(z))
    decoder = keras.Model(z, layers.Reshape((SIDE, SIDE, 1))(logits), name="decoder")
    return encoder, decoder


def _filled(network, numbers):
    """A network with these weights, all in one row."""
    ends = np.cumsum([weight.size for weight in network.get_weights()])
    parts = zip(np.split(numbers, ends), network.get_weights(), strict=False)
    network.set_weights([part.reshape(weight.shape) for part, weight in parts])
    return network


def _held_out_elbo(
    networks: list[Any], x: npt.NDArray[np.float32], rng: np.random.Generator
) -> tuple[float, float]:
    """Means over images: the ELBO and its KL, in nats, with several z an image."""
    encoder, decoder = networks
    mu, logvar = (values.numpy() for values in encoder(tensor(x)))
    epsilon = rng.normal(size=(DRAWS, *mu.shape))
    z = mu + np.exp(logvar / 2) * epsilon
    logits = decoder(tensor(z.reshape(-1, CODE)))
    reconstruction = log_likelihood(logits, tensor(np.tile(x, (DRAWS, 1, 1, 1))))
    kl = float(ops.mean(_kl(mu, logvar)))
    return float(ops.mean(reconstruction)) - kl, kl


@examination(
    "train_digit_vae",
    "Keep some digits back and look at both terms of their ELBO every hundred steps. "
    "Do they still change? Is it the ELBO itself that is raised, at the end at least?",
    seconds=20,
)
def check_train_digit_vae(ask: Ask) -> None:
    """(encoder, decoder, images (rows, 14, 14, 1), seed) -> the weights of both.

    Those of each network come in one row, as get_weights() orders them.
    """
    start, seed = map(int, ask.rng.integers(2**27, size=2))
    train, test = (load_mnist(part, "sample").x for part in ("train", "test"))
    x = small_digits(ask.rng.permutation(train)[:TRAINED])

    def trained(seed: int) -> list[Any]:
        words = f"{TRAINED:,} digits, the networks of seed {start}"
        value = ask.call(words, *digit_networks(start), x, seed)
        mine = digit_networks(start)  # the answer may have moved the others, or not
        shapes = {
            f"the weights of the {network.name}": (network.count_params(),)
            for network in mine
        }
        rows = ask.arrays(value, shapes)
        return [_filled(*pair) for pair in zip(mine, rows, strict=True)]

    networks, test = trained(seed), small_digits(test)
    elbo, kl = _held_out_elbo(networks, test, ask.rng)
    if not elbo > ENOUGH:
        terms = f"reconstruction {elbo + kl:.1f}, KL {kl:.1f}"
        came = f"the ELBO of {len(test):,} held-out digits is {elbo:.1f} nats ({terms})"
        ask.fail(f"{came}, and more than {ENOUGH:.1f} was expected.")

    def codes(networks: list[Any]) -> npt.NDArray[np.float32]:
        return networks[0](tensor(test[:FEW]))[0].numpy()

    ask_for_other_seeds(ask, lambda seed: codes(trained(seed)), seed, codes(networks))
