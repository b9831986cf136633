"""The transverse-field Ising chain: exact answers, in units of its coupling.

Spins 1/2 in a row, H = - sum_i sz_i sz_(i+1) - field sum_i sx_i. A state is an array
psi of 2^sites real amplitudes, in the order of `enumerate_chain`; it need not be
normalized. On a ring the last spin has the first as its neighbour. The chain is
critical at a field of 1.

Jordan and Wigner's fermions make H a sum of independent modes. With the matrix M of the
field on the diagonal and minus the bonds beside it, mode k costs twice M's k-th
singular value, and the ground energy is minus their sum. Lieb, Schultz and Mattis,
1961, https://doi.org/10.1016/0003-4916(61)90115-4; Pfeuty, 1970,
https://doi.org/10.1016/0003-4916(70)90270-8.
"""

import numpy as np
import numpy.typing as npt

from course_utils.exact.conditions import Array, require, require_positive

MOST_SITES = 20  # of chains whose states are enumerated: a million


def ground_energy(sites: int, field: float = 1.0, ring: bool = True) -> float:
    """The lowest energy of the whole chain.

    At the critical field it is -2 / sin(pi / (2 sites)) on a ring, and
    1 - 1 / sin(pi / (4 sites + 2)) with open ends.

    Args:
        sites: of the chain, at least 3; two spins on a ring would be neighbours twice.
        field: across the bonds, above 0.
        ring: whether the ends are joined.

    Raises:
        ValueError: numbers out of these ranges.
    """
    return -float(np.linalg.svd(_modes(sites, field, ring), compute_uv=False).sum())


def even_gap(sites: int, field: float = 1.0) -> float:
    """From a ring's ground energy to its next level that is even under flipping all.

    Even states have psi(-s) = psi(s), and so has the ground state. Parity lets modes be
    excited in pairs alone, so the two cheapest ones are. 8 sin(pi / (2 sites)) at the
    critical field. Arguments and errors as in `ground_energy`.
    """
    costs = 2 * np.linalg.svd(_modes(sites, field, True), compute_uv=False)
    return float(np.sort(costs)[:2].sum())


def correlation(sites: int, distance: int, field: float = 1.0) -> float:
    """The ground state's mean of sz_i sz_(i+distance) on a ring.

    A determinant of as many rows as there are steps between the two, cut out of M's
    orthogonal part.

    Args:
        sites: as in `ground_energy`, and so are the field and the errors.
        distance: from 1 to sites - 1.
        field: across the bonds.
    """
    require(
        distance in range(1, sites), f"distance is {distance}; take 1 to {sites - 1}."
    )
    left, _, right = np.linalg.svd(_modes(sites, field, True))
    block = -(left @ right)[:distance, 1 : distance + 1]
    return float(np.linalg.det(block))


def enumerate_chain(sites: int) -> npt.NDArray[np.int8]:
    """All states, (2^sites, sites), spins of -1 and 1; the last site flips fastest.

    Raises:
        ValueError: fewer than 3 sites, or more than 20.
    """
    require(
        sites in range(3, MOST_SITES + 1),
        f"{sites} sites; states are enumerated for 3 to {MOST_SITES}.",
    )
    numbers, places = np.arange(2**sites, dtype=np.int32), np.arange(sites)[::-1]
    bits = (numbers[:, None] >> places.astype(np.int32) & 1).astype(np.int8)
    return 2 * bits - 1


def apply_hamiltonian(psi: Array, field: float = 1.0, ring: bool = True) -> Array:
    """H psi, (2^sites,).

    Args:
        psi: amplitudes, (2^sites,).
        field: across the bonds.
        ring: whether the ends are joined.

    Raises:
        ValueError: the length is not a power of two, or out of range.
    """
    sites = _sites_of(psi)
    spins = enumerate_chain(sites)
    bonds = (spins * np.roll(spins, -1, 1)).sum(1, dtype=float)
    if not ring:
        bonds -= spins[:, -1] * spins[:, 0]
    cube = psi.reshape((2,) * sites)
    flipped = sum(np.flip(cube, site) for site in range(sites))
    return -bonds * psi - field * np.ravel(flipped)


def energy_and_variance(
    psi: Array, field: float = 1.0, ring: bool = True
) -> tuple[float, float]:
    """The mean of H in a state, and the mean of (H - mean)^2; as `apply_hamiltonian`.

    The variance is 0 if and only if the state is an eigenstate.
    """
    psi = np.asarray(psi, float) / np.linalg.norm(psi)
    h_psi = apply_hamiltonian(psi, field, ring)
    mean = float(psi @ h_psi)
    return mean, float(((h_psi - mean * psi) ** 2).sum())


def ring_mean(q: Array) -> Array:
    """The mean of a distribution over a ring's rotations and reflections.

    Args:
        q: probabilities of all states, (2^sites,).

    Returns:
        (2^sites,); the same for states that a rotation or a reflection joins.
    """
    sites = _sites_of(q)
    cube, order = q.reshape((2,) * sites), np.arange(sites)
    moved = [cube.transpose(np.roll(order, k)) for k in range(sites)]
    shifted = np.mean(moved, axis=0)
    return np.ravel(shifted + shifted.transpose(order[::-1])) / 2


def _sites_of(psi: Array) -> int:
    """How many sites have so many states."""
    sites = max(len(psi), 1).bit_length() - 1
    require(psi.shape == (2**sites,), f"psi is {psi.shape}; pass (2^sites,).")
    return sites


def _modes(sites: int, field: float, ring: bool) -> Array:
    """The matrix M, (sites, sites).

    On a ring the bond that closes it has the other sign: with an even number of
    fermions, as the ground state has, they meet a minus on their way around.
    """
    require(
        sites >= 3 and sites == int(sites), f"{sites} sites; a chain has 3 or more."
    )
    require_positive(field=field)
    matrix = field * np.eye(sites) - np.eye(sites, k=1)
    matrix[-1, 0] = 1.0 if ring else 0.0
    return matrix
