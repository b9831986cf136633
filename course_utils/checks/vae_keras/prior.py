"""Checks of pictures of a prior, and of what a label tells."""

import math
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.stats import entropy, norm

from course_utils.checks.asking import asking

Array = npt.NDArray[np.float64]
SIGMAS = 3  # beyond them lies what the grid of quantiles should show


def check_quantile_grid(quantile_grid: Any, seed: int | None = None) -> None:
    """Latent points that share the prior evenly, against SciPy's quantiles.

    Args:
        quantile_grid: of n, the points a side, to z (n * n, 2), row by row from the
            top, each from left to right.
        seed: of the sizes.
    """
    hint = "First one axis: n shares strictly between 0 and 1, and their quantiles."
    with asking(quantile_grid, "quantile_grid", hint, seed) as ask:
        for n in (5, 20, int(ask.rng.integers(6, 15)), 1):
            tried = f"{n} points a side"
            shares = (np.arange(n) + 0.5) / n
            axis = norm.ppf(shares)
            wide = np.linspace(axis[0], axis[-1], n)
            inner = norm.ppf(np.linspace(norm.cdf(-1), norm.cdf(1), n))
            right = _plane(axis)
            uneven = "The outermost cells hold as much of the prior as the others."
            slips = {
                "Equal steps of z are not equal steps of probability.": _plane(wide),
                "That is the square of the lesson, with 46.6 % of the prior.": (
                    _plane(np.linspace(-1, 1, n))
                ),
                "Those are shares of probability. Which z belong to them?": (
                    _plane(shares)
                ),
                "That is the prior between -1 and 1 alone.": _plane(inner),
                uneven: _plane(norm.ppf(np.arange(1, n + 1) / (n + 1))),
                "The picture is read from the top: there z2 is largest.": (
                    _plane(axis, axis)
                ),
                "z1 grows to the right, z2 to the top.": right[:, ::-1],
                "One point a row: (n * n, 2).": right.reshape(n, n, 2),
                "Those are two planes. One point a row: (n * n, 2).": (
                    right.T.reshape(2, n, n)
                ),
            }
            ask.close(f"z ({tried})", ask.call(tried, n), right, slips=slips)


def check_pictures_a_side(pictures_a_side: Any, seed: int | None = None) -> None:
    """From how many pictures a side on a grid of quantiles reaches beyond 3 sigma.

    Args:
        pictures_a_side: a whole number.
        seed: not used; nothing is drawn here.
    """
    hint = "Where does the outermost picture lie, in terms of its share of the prior?"
    with asking(pictures_a_side, "pictures_a_side", hint, seed) as ask:
        value = ask.value()
        if value < 1 or value != round(value):
            ask.fail(f"{value:g} is no number of pictures.")
        if norm.isf(0.5 / value) <= SIGMAS:
            ask.fail(f"with {value:g} pictures a side, all lie within {SIGMAS} sigma.")
        if value > 1 and norm.isf(0.5 / (value - 1)) > SIGMAS:
            middle = "Fewer will do. Does a picture stand at the end of its share?"
            ask.fail(f"{value:g} is not the smallest number.", middle)


def check_worth_of_a_label(worth_of_a_label: Any, seed: int | None = None) -> None:
    """What ten equally frequent labels can tell, in nats, against their entropy.

    Args:
        worth_of_a_label: a number.
        seed: not used; nothing is drawn here.
    """
    hint = "Bayes: p(x|y) / p(x) = p(y|x) / p(y). What are both for a clear digit?"
    with asking(worth_of_a_label, "worth_of_a_label", hint, seed) as ask:
        shares = np.full(10, 0.1)
        right, value = entropy(shares), ask.value()
        slips = {
            "That is in bits.": entropy(shares, base=2),
            "In which base is that?": entropy(shares, base=10),
            "The model that knows more has the larger log-likelihood.": -right,
            "That is a ratio of probabilities. What is its logarithm?": 1 / shares[0],
        }
        if not math.isclose(value, right, rel_tol=0.01):
            near = (text for text, v in slips.items() if abs(value - v) < 0.01 * abs(v))
            ask.fail(f"{value:g} nats is not right.", next(near, None))


def _plane(axis: Array, rows: Array | None = None) -> Array:
    z1, z2 = np.meshgrid(axis, axis[::-1] if rows is None else rows)
    return np.stack([z1, z2], axis=-1).reshape(-1, 2)
