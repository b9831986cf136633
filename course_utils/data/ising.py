"""Configurations of the Ising model at a temperature, drawn cluster by cluster."""

import math
import random
from pathlib import Path

import numpy as np
import numpy.typing as npt

from course_utils.records.runs import whole_number

SAMPLE = Path(__file__).parent / "ising_sample.npz"
# Of the sample: its lattice, beta, number and seed.
DRAWN = 28, 0.440687, 2_000, 0

# In units of the lattice: how often each spin is turned, on average.
BURN_IN = 50  # before the first configuration
APART = 2  # between two that are kept


def wolff(side: int, beta: float, n: int, seed: int) -> npt.NDArray[np.int8]:
    """Draw configurations by Wolff's algorithm.

    A cluster grows from a random spin over each bond between equal spins with
    probability 1 - exp(-2 beta), and is turned as a whole; so neighbours far apart are
    decorrelated also at the critical point. Wolff, 1989,
    https://doi.org/10.1103/PhysRevLett.62.361. The number of clusters between two
    configurations is fixed after the burn-in: were it to depend on what is drawn, the
    draw would be another.

    Args:
        side: of the lattice, whose edges are periodic; at least 2.
        beta: inverse temperature, with J = 1; above 0.
        n: how many.
        seed: of all that is drawn.

    Returns:
        Spins of -1 and 1, (n, side, side); neighbours in this list are nearly
        independent, see `metrics.series`.

    Raises:
        TypeError, ValueError: numbers out of these ranges.
    """
    side, n = whole_number("side", side, least=2), whole_number("n", n, least=1)
    if not beta > 0:
        raise ValueError(f"beta is {beta}; make it positive.")
    rng = random.Random(whole_number("seed", seed))
    spins = [rng.choice((-1, 1)) for _ in range(side * side)]
    neighbours = _neighbours(side)
    bond = -math.expm1(-2 * beta)

    def clusters(count: int) -> int:
        """Turn so many; how many spins were turned."""
        return sum(_turn_cluster(spins, neighbours, bond, rng) for _ in range(count))

    turned, count = 0, 0
    while turned < BURN_IN * len(spins):
        turned += clusters(1)
        count += 1
    between = math.ceil(APART * len(spins) * count / turned)
    kept = np.empty((n, len(spins)), np.int8)
    for row in kept:
        clusters(between)
        row[:] = spins
    return kept.reshape(n, side, side)


def load_sample() -> npt.NDArray[np.int8]:
    """Two thousand configurations near the critical point, which ship: `wolff(*DRAWN)`.

    Returns:
        Spins of -1 and 1, (2000, 28, 28), in the order in which they were drawn.
    """
    side, _, n, _ = DRAWN
    with np.load(SAMPLE) as file:
        bits = np.unpackbits(file["up"], axis=1, count=side**2)
    return (2 * bits.astype(np.int8) - 1).reshape(n, side, side)


def _neighbours(side: int) -> list[tuple[int, int, int, int]]:
    """The four neighbours of each site, by their numbers."""
    sites = np.arange(side * side).reshape(side, side)
    moved = [np.roll(sites, step, axis).ravel() for axis in (0, 1) for step in (1, -1)]
    return list(zip(*(sites_.tolist() for sites_ in moved), strict=True))


def _turn_cluster(
    spins: list[int],
    neighbours: list[tuple[int, int, int, int]],
    bond: float,
    rng: random.Random,
) -> int:
    """Grow a cluster and turn it; its size. Plain lists are the fastest here."""
    draw = rng.random
    start = int(draw() * len(spins))
    old = spins[start]
    spins[start] = -old
    waiting, size = [start], 1
    while waiting:
        for site in neighbours[waiting.pop()]:
            if spins[site] == old and draw() < bond:
                spins[site] = -old
                waiting.append(site)
                size += 1
    return size
