"""Observables of spins on a lattice with periodic edges, one value a configuration."""

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.float64]


def magnetization(spins: npt.ArrayLike) -> Values:
    """The absolute magnetization of each lattice (n, side, side), a spin: (n,)."""
    return np.abs(np.asarray(spins, float).mean((1, 2)))


def correlation(spins: npt.ArrayLike, distance: int) -> Values:
    """The mean product of two spins so far apart, along rows and columns: (n,)."""
    spins = np.asarray(spins, float)
    moved = [np.roll(spins, distance, axis) for axis in (1, 2)]
    return np.mean([(spins * other).mean((1, 2)) for other in moved], axis=0)
