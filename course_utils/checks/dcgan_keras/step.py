"""The check of a step in which generator and discriminator move at once."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from course_utils.checks.asking import Ask, asking

Array = npt.NDArray[np.float64]
RATES = 0.2, 0.3  # of the generator, of the discriminator
LATENT, SAMPLE, WIDTH = 2, 3, 4  # numbers of a latent point, of a sample, of a layer
LEAK, EPSILON = 0.3, 1e-3  # of the leaky ReLU, of batch normalization
# What the check knows of a pass, in this order.
REAL, FAKE, GENERATOR, REAL_AS_FAKE = range(4)
TENSORS = "Leave losses as tensors: in a compiled step they are no numbers yet."
TURNS = "Both move at once: take the generator's slopes before the discriminator moves."
# Who works as in training (generator, discriminator), and what to say of it.
MODES = {
    (
        False,
        True,
    ): "While it learns, a generator normalizes by its batch: training=True.",
    (True, False): "While it learns, a discriminator drops out: training=True.",
    (False, False): "Tell both networks that they learn: training=True.",
}


def check_gan_step(gan_step: Any, seed: int | None = None) -> None:
    """One simultaneous step, plain and compiled, against slopes worked out in NumPy.

    Args:
        gan_step: of a generator, a discriminator, real samples (rows, 3), z (rows, 2),
            the generator's and the discriminator's optimizer, to the discriminator's
            and the generator's loss before the step; it changes both networks.
        seed: of the networks and the inputs.
    """
    hint = "One pass, two tapes; to each network its own loss, weights and optimizer."
    networks = _networks()
    optimizers = _optimizers(networks)
    with asking(gan_step, "gan_step", hint, seed) as ask:
        for rows, compiled in ((5, False), (4, True)):
            _ask_for_step(ask, networks, optimizers, rows, compiled)


def _ask_for_step(
    ask: Ask,
    networks: tuple[Any, Any],
    optimizers: tuple[Any, Any],
    rows: int,
    compiled: bool,
) -> None:
    import tensorflow as tf

    for network in networks:
        _set_weights(ask, network)
    before = [_weights(network) for network in networks]
    averages = [w.numpy().astype(float) for w in networks[0].non_trainable_variables]
    real = ask.rng.normal(1, 1, (rows, SAMPLE)).astype(np.float32)
    z = ask.rng.normal(0, 1, (rows, LATENT)).astype(np.float32)
    tried = f"{rows} real samples, {rows} latent points" + ", compiled" * compiled

    def step(real: Any, z: Any) -> list[Any]:
        value = ask.call(tried, *networks, real, z, *optimizers)
        losses = ask.parts("The two losses", value, 2)
        return [ask.kind("a loss", loss, tf.Tensor, TENSORS) for loss in losses]

    # TensorFlow counts a partial's tracings by itself, and else warns of too many
    run = tf.function(partial(step), autograph=False) if compiled else step
    losses = run(tf.constant(real), tf.constant(z))
    changes = [
        _row(_weights(network)) - _row(old)
        for network, old in zip(networks, before, strict=True)
    ]
    passed = partial(_pass, averages, real.astype(float), z.astype(float))
    _compare_losses(ask, tried, losses, before, passed)
    _compare_changes(ask, tried, changes, before, passed)


def _compare_losses(
    ask: Ask,
    tried: str,
    losses: list[Any],
    weights: list[list[Array]],
    passed: Callable[..., Array],
) -> None:
    right = passed(*weights)
    others = {text: passed(*weights, mode) for mode, text in MODES.items()}
    g, d = weights
    later = _moved(
        d, -RATES[1] * _slopes(partial(passed, g), d)[:, [REAL, FAKE]].sum(1)
    )
    others[TURNS] = passed(g, later)
    halves = "It learns from real samples and from fakes. Do both halves count?"
    of_d = {text: other[REAL] + other[FAKE] for text, other in others.items()} | {
        halves: right[REAL],
        f"{halves} Only the fakes do.": right[FAKE],
        "Two means are added. What is their sum where D is 1/2?": (
            (right[REAL] + right[FAKE]) / 2
        ),
        "Who is to be called real, who fake? Softplus of which logit is which?": (
            right[REAL_AS_FAKE] + right[GENERATOR]
        ),
        "That is what the discriminator makes large. It steps downhill.": (
            -right[REAL] - right[FAKE]
        ),
        "The discriminator's loss comes first.": right[GENERATOR],
    }
    expected = right[REAL] + right[FAKE]
    ask.close(f"the discriminator's loss ({tried})", losses[0], expected, slips=of_d)
    of_g = {text: other[GENERATOR] for text, other in others.items()} | {
        "That is the saturating loss, flat where D finds fakes out.": -right[FAKE],
        "That is what the discriminator wants of fakes. And the generator?": (
            right[FAKE]
        ),
    }
    expected = right[GENERATOR]
    ask.close(f"the generator's loss ({tried})", losses[1], expected, slips=of_g)


def _compare_changes(
    ask: Ask,
    tried: str,
    changes: list[Array],
    weights: list[list[Array]],
    passed: Callable[..., Array],
) -> None:
    g, d = weights
    slopes = -RATES[1] * _slopes(partial(passed, g), d)
    change = slopes[:, REAL] + slopes[:, FAKE]
    slips = _change_slips(change) | {
        "It followed the generator's loss. Which tape was asked?": slopes[:, GENERATOR],
        "It followed both losses. Each network has one.": change + slopes[:, GENERATOR],
    }
    name = f"the change of the discriminator's weights ({tried})"
    ask.close(name, changes[1], change, slips=slips)
    later = _moved(d, change)
    slopes = -RATES[0] * _slopes(lambda g: passed(g, d), g)
    change = slopes[:, GENERATOR]
    slips = _change_slips(change) | {
        "It followed the discriminator's loss. Which tape was asked?": slopes[:, FAKE],
        "It followed the saturating loss.": -slopes[:, FAKE],
        "It followed both losses. Each network has one.": change + slopes[:, FAKE],
        TURNS: -RATES[0] * _slopes(lambda g: passed(g, later), g)[:, GENERATOR],
    }
    name = f"the change of the generator's weights ({tried})"
    ask.close(name, changes[0], change, slips=slips)


def _change_slips(change: Array) -> dict[str, npt.ArrayLike]:
    return {
        "It has not moved. Was its optimizer asked to apply the slopes?": 0 * change,
        "That is uphill. A loss is made smaller.": -change,
    }


def _networks() -> tuple[Any, Any]:
    """A generator with batch normalization, a discriminator with a tame dropout."""
    import keras
    from keras import layers

    class Halved(layers.Layer):
        """Works otherwise in training, as dropout does, but without chance."""

        def call(self, h: Any, training: bool = False) -> Any:
            return h / 2 if training else h

    leaky, norm = layers.LeakyReLU(LEAK), layers.BatchNormalization(epsilon=EPSILON)
    drawing = [layers.Dense(WIDTH, use_bias=False), norm, leaky, layers.Dense(SAMPLE)]
    judging = [layers.Dense(WIDTH), Halved(), leaky, layers.Dense(1)]
    return (
        keras.Sequential([keras.Input((LATENT,)), *drawing]),
        keras.Sequential([keras.Input((SAMPLE,)), *judging]),
    )


def _optimizers(networks: tuple[Any, Any]) -> tuple[Any, Any]:
    """Plain gradient descent, built: a compiled step could not make variables."""
    import keras

    of_g, of_d = (keras.optimizers.SGD(rate) for rate in RATES)
    of_g.build(networks[0].trainable_variables)
    of_d.build(networks[1].trainable_variables)
    return of_g, of_d


def _set_weights(ask: Ask, network: Any) -> None:
    for weight in network.trainable_variables:
        weight.assign(ask.rng.normal(0.2, 0.7, weight.shape))
    for average in network.non_trainable_variables:
        average.assign(ask.rng.uniform(0.2, 0.6, average.shape))


def _pass(
    averages: list[Array],
    real: Array,
    z: Array,
    g: list[Array],
    d: list[Array],
    mode: tuple[bool, bool] = (True, True),
) -> Array:
    """The four means of softplus, from the weights of generator and discriminator."""
    spread, gamma, beta, draw, bias = g
    h = z @ spread
    mean, variance = averages
    if mode[0]:
        mean = h.mean(0)
        variance = ((h - mean) ** 2).mean(0)
    h = _leaky(gamma * (h - mean) / np.sqrt(variance + EPSILON) + beta)
    kernel, offset, weigh, last = d

    def mean_softplus(x: Array, sign: int) -> Any:
        logits = _leaky((x @ kernel + offset) / (2 if mode[1] else 1)) @ weigh + last
        return np.log(1 + np.exp(sign * logits)).mean()

    fake = h @ draw + bias
    pairs = (real, -1), (fake, 1), (fake, -1), (real, 1)
    return np.array([mean_softplus(x, sign) for x, sign in pairs])


def _slopes(passed: Callable[[list[Array]], Array], weights: list[Array]) -> Array:
    """Of each mean along each weight, (weights, 4), by a step into the complex plane.

    Without the difference of two numbers, so the step can be as small as one likes.
    """
    rows = []
    for place, weight in enumerate(weights):
        for index in np.ndindex(weight.shape):
            moved = [w.astype(complex) for w in weights]
            moved[place][index] += 1e-30j
            rows.append(passed(moved).imag / 1e-30)
    return np.array(rows)


def _leaky(h: Array) -> Array:
    return np.where(h.real > 0, h, LEAK * h)


def _weights(network: Any) -> list[Array]:
    return [weight.numpy().astype(float) for weight in network.trainable_variables]


def _row(weights: list[Array]) -> Array:
    return np.concatenate([weight.ravel() for weight in weights])


def _moved(weights: list[Array], by: Array) -> list[Array]:
    places = np.cumsum([weight.size for weight in weights])[:-1]
    pairs = zip(weights, np.split(by, places), strict=True)
    return [weight + change.reshape(weight.shape) for weight, change in pairs]
