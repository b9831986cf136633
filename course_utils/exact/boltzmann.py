"""A restricted Boltzmann machine so small that its partition function is summed.

Information is in nats, with one value a data row.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from course_utils.exact.conditions import Array, require, rows

MOST_HIDDEN = 20  # a million states
STATES_AT_ONCE = 1_024  # bounds the memory


@dataclass(frozen=True, eq=False)
class BoltzmannMachine:
    """p(x) = sum over h of exp(b x + c h + x W h) / Z, with x and h zeros and ones.

    Given h the visible units are independent, so Z is a sum over the states of the
    hidden units alone: Z = sum over h of exp(c h) prod_i (1 + exp(b_i + (W h)_i)).

    Attributes:
        W: weights, (visible, hidden).
        b: biases of the visible units, (visible,).
        c: biases of the hidden units, (hidden,).
    """

    W: Array
    b: Array
    c: Array

    def __post_init__(self) -> None:
        for name in ("W", "b", "c"):
            object.__setattr__(self, name, np.array(getattr(self, name), float))
        matched = self.W.shape == (*self.b.shape, *self.c.shape) and self.W.ndim == 2
        require(
            matched, "Pass W as (visible, hidden), b as (visible,), c as (hidden,)."
        )
        few = len(self.c) <= MOST_HIDDEN
        require(few, f"{len(self.c)} hidden units; at most {MOST_HIDDEN} are summed.")

    def log_partition(self) -> float:
        """Return ln Z, summed over all 2^hidden states of the hidden units."""
        everything = np.arange(2 ** len(self.c))
        blocks = np.split(everything, everything[STATES_AT_ONCE::STATES_AT_ONCE])
        return float(logsumexp([self._log_sum(block) for block in blocks]))

    def log_prob(self, x: Array) -> Array:
        """Return log p(x) of rows of zeros and ones (n, visible): (n,)."""
        x = rows(x, len(self.b), "x")
        free = x @ self.b + np.logaddexp(0, x @ self.W + self.c).sum(1)
        return free - self.log_partition()

    def _log_sum(self, numbers: NDArray[np.integer]) -> float:
        """The logarithm of what some hidden states add to Z, by their numbers (n,)."""
        h = (numbers[:, None] >> np.arange(len(self.c)) & 1).astype(float)
        visible = np.logaddexp(0, h @ self.W.T + self.b).sum(1)
        return float(logsumexp(h @ self.c + visible))
