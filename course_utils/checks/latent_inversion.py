"""Checks of the exercises on lesson 9: a generator run backwards, and truncation."""

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq
from scipy.stats import norm

from course_utils.checks.asking import asking

CLOSE = 0.01  # as a descent of some hundred steps may end
NEAR = 0.01  # relative, of a number found by drawing


def check_invert(invert: Any, seed: int | None = None) -> None:
    """Latent points found by descent, against the least squares of a linear generator.

    Args:
        invert: of a generator, x (rows, d), k and weight, to z (rows, k), a tensor.
        seed: of the generator and x.
    """
    import torch

    # A process's first optimizer imports for seconds: not on the student's clock.
    torch.optim.Adam([torch.zeros(1)])
    hint = "Does z move at all, and does the loss still fall when you stop?"
    with asking(invert, "invert", hint, seed) as ask:
        for rows, k, d, weight in ((1, 2, 5, 0.0), (3, 3, 7, ask.rng.uniform(0.5, 1))):
            left, _, right = np.linalg.svd(ask.rng.normal(size=(d, k)), False)
            W = left * ask.rng.uniform(0.7, 1.4, k) @ right
            b = ask.rng.normal(size=d)
            x = ask.rng.normal(size=(rows, k)) @ W.T + b
            x += 0.5 * ask.rng.normal(size=x.shape)
            generator = torch.nn.Linear(k, d)
            kept = torch.tensor(W).float(), torch.tensor(b).float()
            generator.weight.data, generator.bias.data = (v.clone() for v in kept)
            tried = f"a linear generator, rows = {rows}, k = {k}, d = {d}"
            tried += f", weight = {weight:.3g}"
            handed = torch.tensor(x, dtype=torch.float32)
            z = ask.call(tried, generator, handed, k, weight)
            z = ask.kind("z", z, torch.Tensor, "z.detach() is still a tensor.")
            if not all(map(torch.equal, generator.parameters(), kept)):
                ask.fail("the generator has changed.", "Only z may move.")
            wrong = _other_weights(weight, rows, k, d)
            ask.close(
                f"z ({tried})",
                z,
                _least_squares(W, x - b, weight),
                CLOSE,
                slips={h: _least_squares(W, x - b, w) for h, w in wrong.items()},
            )


def check_half_truncation(half_truncation: Any, seed: int | None = None) -> None:
    """The limit at which truncated coordinates halve |z|, against its own equation.

    Args:
        half_truncation: a number.
        seed: not used; nothing is drawn.
    """
    hint = (
        "What is the variance of one coordinate to be, and which has a truncated one?"
    )
    with asking(half_truncation, "half_truncation", hint, seed) as ask:

        def truncated(c):
            return 1 - 2 * c * norm.pdf(c) / (2 * norm.cdf(c) - 1)

        def clipped(c):
            within = 2 * norm.cdf(c) - 1
            return within * truncated(c) + (1 - within) * c**2

        def solved(variance, target):
            return brentq(lambda c: variance(c) - target, 0.05, 8)

        right, value = solved(truncated, 1 / 4), ask.value()
        slips = {
            "Half the length is not half the variance.": solved(truncated, 1 / 2),
            "Half the length: its square has been squared.": solved(truncated, 1 / 16),
            "Those that are too large are drawn again, not set to the limit.": (
                solved(clipped, 1 / 4)
            ),
            "The density between the limits is not quite flat.": 3**0.5 / 2,
            "That keeps half of the draws. What is their length?": norm.ppf(0.75),
        }
        if abs(value / right - 1) > NEAR:
            near = (h for h, wrong in slips.items() if abs(value / wrong - 1) < NEAR)
            ask.fail(f"{value:g} does not fit.", next(near, None))


def _other_weights(weight: float, rows: int, k: int, d: int) -> dict[str, float]:
    """Which weight usual mistakes in the loss amount to, by hint."""
    return {
        "The weight of |z|^2 has no effect.": 0.0,
        "A factor 1/2 stands before one of the two terms only.": weight / 2,
        "A factor 1/2 stands before the squared error only.": 2 * weight,
        "Sums over pixels and over coordinates: one of yours is a mean.": weight * d,
        "Over pixels and over coordinates: sums, not means.": weight * d / k,
        "Each row has its own loss: a mean over rows must hold both terms.": (
            weight * rows
        ),
        "A mean over all pixels of all rows makes the error small.": weight * rows * d,
    }


def _least_squares(W: npt.NDArray, x: npt.NDArray, weight: float) -> npt.NDArray:
    """The z (rows, k) with the least |W z - x|^2 + weight |z|^2."""
    return np.linalg.solve(W.T @ W + weight * np.eye(W.shape[1]), W.T @ x.T).T
