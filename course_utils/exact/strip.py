"""Spins on a long strip with any bonds and fields: exact answers, row by row.

A state's energy is -sum over pairs of J_ij s_i s_j - sum of h_i s_i, in units that the
bonds have; beta is one over the temperature, information is in nats. A transfer matrix
takes the sum over states from a row to the next: Kramers and Wannier, 1941,
https://doi.org/10.1103/PhysRev.60.252. From its products exact configurations follow.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import logsumexp

from course_utils.exact.conditions import Array, require

WIDEST = 8  # a row has 256 states


def energies(spins: npt.ArrayLike, bonds: Array, field: Array) -> Array:
    """The energy of states of any system.

    Args:
        spins: -1 or 1, (n, N).
        bonds: J, symmetric and 0 on the diagonal, (N, N); a pair counts once.
        field: h, (N,).

    Returns:
        (n,).
    """
    spins = np.asarray(spins, float)
    return -((spins @ bonds) * spins).sum(1) / 2 - spins @ field


@dataclass(frozen=True, eq=False)
class Strip:
    """Spins, numbered row by row, whose bonds lead to the own row and the next one.

    Attributes:
        bonds: as in `energies`.
        field: as in `energies`.
        width: spins of a row.
    """

    bonds: Array
    field: Array
    width: int

    def __post_init__(self) -> None:
        sites = len(self.field)
        require(self.bonds.shape == (sites, sites), "Pass bonds (N, N), field (N,).")
        require(
            1 <= self.width <= WIDEST and sites % self.width == 0,
            f"width is {self.width}; make it a divisor of {sites}, at most {WIDEST}.",
        )
        row = np.arange(sites) // self.width
        far = np.abs(row[:, None] - row) > 1
        require(not self.bonds[far].any(), "A bond leads beyond the next row.")
        symmetric = np.array_equal(self.bonds, self.bonds.T)
        require(symmetric and not self.bonds.diagonal().any(), "Bonds are of pairs.")

    def log_partition(self, beta: float) -> float:
        """Return ln Z."""
        return float(logsumexp(self._from_the_end(beta)[0]))

    def sample(self, beta: float, n: int, rng: np.random.Generator) -> Array:
        """Independent configurations of the Boltzmann distribution, (n, N)."""
        ahead = self._from_the_end(beta)
        row = _drawn(np.broadcast_to(ahead[0], (n, len(ahead[0]))), rng)
        rows = [row]
        for place in range(1, len(ahead)):
            row = _drawn(self._between(place, beta)[row] + ahead[place], rng)
            rows.append(row)
        return self._row_states()[np.stack(rows, 1)].reshape(n, -1)

    def _from_the_end(self, beta: float) -> list[Array]:
        """For each row the log of the sum over all later ones, by its state."""
        count = len(self.field) // self.width
        ahead = [self._within(count - 1, beta)]
        for place in range(count - 1, 0, -1):
            rest = logsumexp(self._between(place, beta) + ahead[0], axis=1)
            ahead.insert(0, self._within(place - 1, beta) + rest)
        return ahead

    def _row_states(self) -> Array:
        numbers = np.arange(2**self.width)[:, None]
        is_up = numbers >> np.arange(self.width) & 1 == 1
        return np.where(is_up, 1.0, -1.0)

    def _within(self, place: int, beta: float) -> Array:
        """Log weights of a row's states, by itself."""
        own = self._sites(place)
        return -beta * energies(
            self._row_states(), self.bonds[own, own], self.field[own]
        )

    def _between(self, place: int, beta: float) -> Array:
        """Log weights of the bonds from the row before, (its states, states)."""
        rows = self._row_states()
        bonds = self.bonds[self._sites(place - 1), self._sites(place)]
        return beta * (rows @ bonds @ rows.T)

    def _sites(self, place: int) -> slice:
        return slice(place * self.width, (place + 1) * self.width)


def _drawn(log_weights: Array, rng: np.random.Generator) -> npt.NDArray[np.integer]:
    """A column for each row of log weights: the largest after Gumbel noise."""
    return np.argmax(log_weights + rng.gumbel(size=log_weights.shape), axis=1)
