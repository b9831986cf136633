"""Checks of the ELBO in Keras, of its parts, of a step, and of a label beside it."""

import math
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from course_utils.checks.asking import Ask, asking
from course_utils.checks.vae_keras.linear import (
    Array,
    LinearVAE,
    bernoulli,
    single,
    tensors,
)
from course_utils.exact import divergences

STAY = "Compute with keras.ops on tensors all the way, so that a tape can follow."
CHANNELS = "A cross-entropy of Keras is a mean over its last axis, the channels."
ALL_ROWS = "One value an image: sum over every axis but the first."
VARIANCE = "logvar is the logarithm of a variance. What is sigma, then?"


def check_log_likelihood(log_likelihood: Any, seed: int | None = None) -> None:
    """Log p(x given z) of Bernoulli pixels and its slope, against NumPy.

    Args:
        log_likelihood: of x_logits and x, tensors (rows, height, width, channels), to
            (rows,).
        seed: of the inputs.
    """
    import tensorflow as tf

    hint = "How many numbers has one image? Each of them adds its own term."
    shapes = ((3, 4, 5, 1), (1, 3, 4, 3), (4, 5, 4, 3))
    with asking(log_likelihood, "log_likelihood", hint, seed) as ask:
        for shape, far in zip(shapes, (0, 0, 60), strict=True):
            away = far * ask.rng.choice([-1, 1], shape)
            logits = single(ask.rng.normal(away, 1.5))
            x = ask.rng.random(shape, dtype=np.float32)
            tried = f"shape {shape}, logits of size {np.abs(logits).max():.0f}"
            with tf.GradientTape() as tape:
                source = tf.constant(logits)
                tape.watch(source)
                value = ask.call(tried, source, tf.constant(x))
                ask.kind("the values", value, tf.Tensor, STAY)
            rounded = "In float32 a probability is soon 1. Do not go through one."
            _ask_for_finite(ask, f"log p(x|z) ({tried})", value, rounded)
            right = bernoulli(logits, x)
            twice = "x_logits are logits already: is a sigmoid taken twice?"
            slips = _pixel_slips(right, shape) | {
                twice: bernoulli(expit(logits), x),
                rounded: _by_probabilities(expit(logits), x),
                "Was Keras told that these are logits, no probabilities?": (
                    _by_probabilities(logits, x)
                ),
            }
            ask.close(f"log p(x|z) ({tried})", value, right, slips=slips)
            slope = _slope(ask, tape, value, [source])
            expected = (x - expit(logits.astype(float))).ravel()
            ask.close(f"its slope along x_logits ({tried})", slope, expected)


def check_elbo(elbo: Any, seed: int | None = None) -> None:
    """The ELBO, its two terms and its slope, against NumPy and `exact`.

    Args:
        elbo: of an encoder from x to mu and logvar, (rows, k) each, a decoder from z
            to logits, x (rows, height, width, channels) and epsilon (rows, k), to
            the ELBO, the reconstruction and the KL, (rows,) each.
        seed: of the networks and the inputs.
    """
    import tensorflow as tf

    hint = "Follow one image: mu, logvar, z by the epsilon that came in, logits, terms."
    with asking(elbo, "elbo", hint, seed) as ask:
        for rows, image, k in ((1, (3, 4, 1), 2), (4, (2, 3, 3), 3)):
            vae = LinearVAE(ask.rng, image, k)
            x, epsilon = _images(ask, rows, image), ask.rng.normal(size=(rows, k))
            tried = f"images {(rows, *image)}, {k} latent dimensions"
            with tf.GradientTape() as tape:
                value = ask.call(tried, *vae.networks(), *tensors(x, epsilon))
                values = ask.parts("ELBO, reconstruction and KL", value, 3)
                ask.kind("the ELBO", values[0], tf.Tensor, STAY)
            mu, logvar, z = vae.encode(x, epsilon)
            kl = divergences.kl_to_standard_normal(mu, logvar)
            rec = vae.reconstruction(x, z)
            ask.close(f"the KL ({tried})", values[2], kl, slips=_kl_slips(mu, logvar))
            slips = _pixel_slips(rec, (rows, *image)) | {
                "Where did the noise go? z is drawn from q, it is not its mean.": (
                    vae.reconstruction(x, mu)
                ),
                VARIANCE: vae.reconstruction(x, mu + np.exp(logvar) * epsilon),
                "z comes from q(z|x), not from the prior.": (
                    vae.reconstruction(x, epsilon)
                ),
            }
            ask.close(f"the reconstruction ({tried})", values[1], rec, slips=slips)
            slips = _bound_slips(rec, kl)
            ask.close(f"the ELBO ({tried})", values[0], rec - kl, slips=slips)
            _ask_for_slope(ask, tape, values[0], vae, vae.slope(x, epsilon))


def check_train_step(train_step: Any, seed: int | None = None) -> None:
    """One step of gradient descent on the loss, against slopes worked out in NumPy.

    Args:
        train_step: of an encoder, a decoder, an optimizer, x and epsilon, as in
            `check_elbo`, to the loss before the step; it changes both networks.
        seed: of the networks and the inputs.
    """
    import keras

    hint = "Record the loss on a tape, ask it for all weights' slopes, apply them once."
    with asking(train_step, "train_step", hint, seed) as ask:
        for rows, image, k, rate in ((4, (2, 2, 3), 2, 0.2), (1, (2, 3, 1), 1, 0.1)):
            vae = LinearVAE(ask.rng, image, k)
            x, epsilon = _images(ask, rows, image), ask.rng.normal(size=(rows, k))
            networks, optimizer = vae.networks(), keras.optimizers.SGD(rate)
            weights = [w for network in networks for w in network.trainable_variables]
            optimizer.build(weights)  # a step that is compiled could not
            tried = f"images {(rows, *image)}, {k} latent dimensions, SGD({rate})"
            loss = ask.call(tried, *networks, optimizer, *tensors(x, epsilon))
            mu, logvar, z = vae.encode(x, epsilon)
            rec, kl = (
                vae.reconstruction(x, z),
                divergences.kl_to_standard_normal(mu, logvar),
            )
            slips = {
                "One number for the whole batch.": kl - rec,
                "A mean over images: the steps of a sum would grow with the batch.": (
                    (kl - rec).sum()
                ),
                "What is minimized is minus the ELBO.": (rec - kl).mean(),
                CHANNELS: (kl - rec / image[-1]).mean(),
                "The loss has two terms.": -rec.mean(),
                "With which sign does the KL stand in the loss?": -(rec + kl).mean(),
            }
            ask.close(f"the loss ({tried})", loss, (kl - rec).mean(), slips=slips)
            step = rate * vae.slope(x, epsilon) / rows
            _ask_for_step(ask, tried, vae, optimizer, step, rows)


def check_conditional_elbo(conditional_elbo: Any, seed: int | None = None) -> None:
    """The ELBO of log p(x given y) and its slope, against NumPy and `exact`.

    Args:
        conditional_elbo: of an encoder from [x, label] to mu and logvar, a decoder
            from (rows, k + classes) to logits, x, y (rows,), epsilon (rows, k) and
            classes, to (rows,).
        seed: of the networks and the inputs.
    """
    import tensorflow as tf

    hint = "Make the label one-hot. The encoder gets it beside x, the decoder behind z."
    with asking(conditional_elbo, "conditional_elbo", hint, seed) as ask:
        for rows, image, k, classes in ((1, (3, 2, 1), 2, 4), (5, (2, 2, 3), 3, 3)):
            vae = LinearVAE(ask.rng, image, k, classes)
            x, epsilon = _images(ask, rows, image), ask.rng.normal(size=(rows, k))
            y = ask.rng.integers(classes, size=rows)
            tried = f"images {(rows, *image)}, {k} latent dimensions, {classes} classes"
            inputs = *tensors(x, y, epsilon), classes
            with tf.GradientTape() as tape:
                value = ask.call(tried, *vae.networks(), *inputs)
                ask.kind("the bounds", value, tf.Tensor, STAY)
            mu, logvar, z = vae.encode(x, epsilon, y)
            rec = vae.reconstruction(x, z, y)
            kl = divergences.kl_to_standard_normal(mu, logvar)
            label_first = vae.reconstruction(x, np.c_[np.eye(classes)[y], z])
            wide = vae.reconstruction(x, mu + np.exp(logvar) * epsilon, y)
            slips = _bound_slips(rec, kl) | {
                CHANNELS: rec / image[-1] - kl,
                VARIANCE: wide - kl,
                "Where did the noise go?": vae.reconstruction(x, mu, y) - kl,
                "The decoder wants z first, then the label.": label_first - kl,
            }
            ask.close(f"the bound ({tried})", value, rec - kl, slips=slips)
            _ask_for_slope(ask, tape, value, vae, vae.slope(x, epsilon, y))


def _ask_for_step(
    ask: Ask, tried: str, vae: LinearVAE, optimizer: Any, step: Array, rows: int
) -> None:
    """The change of all weights, and by how many calls of the optimizer."""
    applied, change = int(optimizer.iterations.numpy()), vae.change()
    if applied != 1:
        ask.fail(
            f"the optimizer has counted {applied} steps, and 1 was expected ({tried}).",
            "Use the optimizer that came in; one call takes the weights of both.",
        )
    of_encoder = np.arange(len(step)) < len(step) - vae.layers[-1].count_params()
    slips = {
        "That is uphill: whose slope did the optimizer get?": -step,
        "The slopes are those of a sum over images, not of their mean.": rows * step,
        "The decoder has not moved.": step * of_encoder,
        "The encoder has not moved.": step * ~of_encoder,
    }
    ask.close(f"the change of all weights ({tried})", change, step, slips=slips)


def _ask_for_slope(
    ask: Ask, tape: Any, value: Any, vae: LinearVAE, right: Array
) -> None:
    """What a tape says of the sum of a bound, along all weights."""
    sources = [w for layer in vae.layers for w in layer.trainable_variables]
    ask.close(
        "the slope along all weights (the values are right)",
        _slope(ask, tape, value, sources),
        right,
    )


def _slope(ask: Ask, tape: Any, value: Any, sources: list[Any]) -> Array:
    found = tape.gradient(value, sources)
    if any(slope is None for slope in found):
        ask.fail("the numbers are right, but no slope comes back from them.", STAY)
    return np.concatenate([slope.numpy().ravel() for slope in found])


def _ask_for_finite(ask: Ask, what: str, value: Any, hint: str) -> None:
    try:
        finite = np.isfinite(np.asarray(value, np.float64)).all()
    except (TypeError, ValueError):
        return  # no numbers: what is asked next says so
    if not finite:
        ask.fail(f"for {what} came a value that is not finite.", hint)


def _pixel_slips(right: Array, shape: tuple[int, ...]) -> dict[str, npt.ArrayLike]:
    """What usual mistakes make of a log-likelihood of images of that shape."""
    return {
        CHANNELS: right / shape[-1],
        "A sum over pixels, not a mean.": right / math.prod(shape[1:]),
        "A probability is at most 1. Which sign has its logarithm?": -right,
        f"{CHANNELS} And which sign has it?": -right / shape[-1],
        ALL_ROWS: right.sum(),
        f"{ALL_ROWS} No mean over the batch.": right.mean(),
    }


def _kl_slips(mu: Array, logvar: Array) -> dict[str, npt.ArrayLike]:
    right = divergences.kl_to_standard_normal(mu, logvar)
    return {
        "A factor is missing in front.": 2 * right,
        "A KL is never negative.": -right,
        "KLs of independent dimensions add.": right / mu.shape[-1],
        "There is a KL for each dimension: add them.": (
            divergences.kl_to_standard_normal(mu[..., None], logvar[..., None])
        ),
        VARIANCE: divergences.kl_to_standard_normal(mu, 2 * logvar),
        ALL_ROWS: right.sum(),
        f"{ALL_ROWS} No mean over the batch.": right.mean(),
    }


def _bound_slips(rec: Array, kl: Array) -> dict[str, npt.ArrayLike]:
    return {
        "With which sign does the KL stand in the ELBO?": rec + kl,
        "That is the loss. The ELBO is what should be large.": kl - rec,
        "The KL is missing.": rec,
        ALL_ROWS: (rec - kl).sum(),
        f"{ALL_ROWS} No mean over the batch.": (rec - kl).mean(),
    }


def _by_probabilities(p: Array, x: Array) -> Array:
    """As Keras does it, which cuts them off, in single precision."""
    rounding = np.float32(1e-7)
    p = np.clip(single(p), rounding, 1 - rounding)
    values = x * np.log(p) + (1 - x) * np.log1p(-p)
    return values.reshape(len(x), -1).sum(1)


def _images(ask: Ask, rows: int, image: tuple[int, ...]) -> Array:
    return single(ask.rng.random((rows, *image)))
