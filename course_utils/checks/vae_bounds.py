"""Checks of the exercises on lesson 3 about a tighter bound, and about its price."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq
from scipy.special import softmax

from course_utils.exact import estimators
from course_utils.exact import linear_gaussian
from course_utils.checks.asking import asking
from course_utils.checks.gradients import hold_slopes, hold_tensor, leaf
from course_utils.data.mnist import load_mnist

Array = NDArray[np.floating]

SIGMA, NATS = 0.2, 10.0  # of the last exercise


def check_iwae_bound(iwae_bound: Any, seed: int | None = None) -> None:
    """The importance-weighted bound of log weights, against `exact`.

    Args:
        iwae_bound: of a tensor log_weights, (samples, rows), to (rows,).
        seed: of the inputs.
    """
    hint = (
        "exp(-1000) is 0, and exp(1000) too large. What if each row's largest log "
        "weight is taken out first, and put back in the end?"
    )
    with asking(iwae_bound, "iwae_bound", hint, seed) as ask:
        for samples, levels in ((5, [-2] * 4), (3, [-1]), (50, [-1000, 0, 1000])):
            rows = len(levels)
            numbers = ask.rng.normal(levels, 1, (samples, rows)).astype(np.float32)
            log_weights = leaf(numbers)
            tried = f"{samples} samples, {rows} rows, log weights near {levels}"
            right = estimators.iwae_from_log_weights(numbers.T)
            came = ask.call(tried, log_weights)
            slips = _bound_slips(numbers, right)
            bound = hold_tensor(ask, f"the bound ({tried})", came, right, slips)
            inputs = {"log_weights": log_weights}
            slope = {"log_weights": softmax(numbers.astype(float), axis=0)}
            hold_slopes(ask, "the bound", bound, inputs, slope)


def _bound_slips(log_weights: Array, right: Array) -> dict[str, ArrayLike]:
    samples = len(log_weights)
    return {
        "A mean of logarithms is the ELBO. Average the weights.": log_weights.mean(0),
        "That is the log of a sum; a mean is wanted.": right + np.log(samples),
        "The mean's 1/k has been taken twice.": right - np.log(samples),
        "Average over the samples, which are the first axis.": (
            estimators.iwae_from_log_weights(log_weights)
        ),
        "One value a row; a batch is averaged later.": right.mean(),
        "That is the mean weight. Its logarithm is wanted.": (
            np.exp(np.minimum(right, 80.0))
        ),
        "1/k stands inside the logarithm; outside it becomes a difference.": (
            (right + np.log(samples)) / samples
        ),
        "The largest weight alone is not the mean.": log_weights.max(0),
    }


def check_rate_distortion(rate_distortion: Any, seed: int | None = None) -> None:
    """Rate and distortion of the best linear beta-VAE, against `exact`.

    Args:
        rate_distortion: of a tensor of eigenvalues (d,), sigma and beta to the rate in
            nats and the distortion, two numbers.
        seed: of the inputs.
    """
    import torch

    hint = (
        "Set the slope of one axis's objective in D to zero. May that D be larger than "
        "lambda?"
    )
    logs = ([1.5, 0.9, 0.4, -0.3, -1.2], [-0.7], [2.0, 1.0], [-0.5, -1.0, -1.5])
    with asking(rate_distortion, "rate_distortion", hint, seed) as ask:
        for ratios in logs:
            sigma, beta = ask.rng.uniform(0.4, 0.7), ask.rng.uniform(2.5, 4)
            level = beta * sigma**2
            values = level * np.exp(ratios + ask.rng.uniform(-0.1, 0.1, len(ratios)))
            tried = f"{len(values)} eigenvalues, sigma = {sigma:.2f}, beta = {beta:.2f}"
            answer = ask.call(tried, torch.tensor(values), sigma, beta)
            rate, distortion = ask.parts("Rate and distortion", answer, 2)
            right = linear_gaussian.rate_distortion(values, sigma, beta)
            rates, distortions = _water_slips(values, sigma, beta)
            ask.close(f"the rate ({tried})", rate, right.rate, slips=rates)
            what = f"the distortion ({tried})"
            ask.close(what, distortion, right.distortion, slips=distortions)


def _water_slips(
    eigenvalues: Array, sigma: float, beta: float
) -> tuple[dict[str, float], dict[str, float]]:
    """What mistakes give for the rate and for the distortion."""
    level, right = (
        beta * sigma**2,
        linear_gaussian.rate_distortion(eigenvalues, sigma, beta),
    )
    rates = {
        "A factor is missing in front of the logarithm.": 2 * right.rate,
        "No code has a negative rate: what does a weak axis do?": (
            0.5 * np.log(eigenvalues / level).sum()
        ),
        "Nats, please: natural logarithms.": right.rate / np.log(2),
        "The order is: rate, distortion.": right.distortion,
    }
    dropped = eigenvalues[eigenvalues <= level].sum()
    distortions = {
        "No axis need be worse than its own variance.": level * len(eigenvalues),
        "Axes that are kept have an error, too.": dropped,
        "Axes that are dropped have an error, too.": right.distortion - dropped,
        "A sum over axes is wanted, not a mean.": right.distortion / len(eigenvalues),
    }
    for words, other in {
        "Where is beta?": linear_gaussian.rate_distortion(eigenvalues, sigma, 1.0),
        "The variance of the noise is sigma squared.": (
            linear_gaussian.rate_distortion(eigenvalues, np.sqrt(sigma), beta)
        ),
    }.items():
        rates[words], distortions[words] = other.rate, other.distortion
    return rates, distortions


def check_beta_for_ten_nats(beta: Any, seed: int | None = None) -> None:
    """At which beta a linear beta-VAE of the digits stores ten nats, by `exact`.

    Args:
        beta: a number, for the shipped training digits and sigma = 0.2.
        seed: not used; there is one right answer.
    """
    digits = load_mnist("train").x
    eigenvalues, _ = linear_gaussian.principal_axes(digits.reshape(len(digits), -1))

    def excess(log_beta: float, nats: float = NATS) -> float:
        return (
            linear_gaussian.rate_distortion(eigenvalues, SIGMA, np.exp(log_beta)).rate
            - nats
        )

    hint = "The rate falls as beta rises: halve an interval of beta again and again."
    with asking(beta, "beta_for_ten_nats", hint, seed) as ask:
        value = ask.value()
        right, for_bits = (
            np.exp(brentq(excess, -5, 10, args=(nats,)))
            for nats in (NATS, NATS * np.log(2))
        )
        if value <= 0:
            ask.fail(f"{value:g} is no beta: the KL would be rewarded.")
        if abs(value / for_bits - 1) < 0.01:
            ask.fail(f"{value:g} does not fit.", "That is for ten bits.")
        if abs(value / (right * SIGMA) - 1) < 0.01:
            ask.fail(
                f"{value:g} does not fit.",
                "The variance of the noise is sigma squared.",
            )
        if abs(value / right - 1) > 0.01:
            rate = NATS + excess(np.log(value))
            ask.fail(f"at beta = {value:g} the rate is {rate:.4g} nats.")
