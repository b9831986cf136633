"""Fermions against dense matrices of small chains, and against closed forms."""

import math

import numpy as np
import pytest

from course_utils.exact import chain

FIELDS = (0.4, 1.0, 1.7)
SIZES = (4, 5, 8, 10)
X, Z, ONE = np.array([[0, 1.0], [1, 0]]), np.diag([-1.0, 1.0]), np.eye(2)


def product(factors, sites):
    """A Kronecker product of matrices at some sites, and ones elsewhere."""
    matrix = np.ones((1, 1))
    for site in range(sites):
        matrix = np.kron(matrix, factors.get(site, ONE))
    return matrix


def hamiltonian(sites, field, ring):
    bonds = range(sites if ring else sites - 1)
    total = sum(-product({i: Z, (i + 1) % sites: Z}, sites) for i in bonds)
    return total - field * sum(product({i: X}, sites) for i in range(sites))


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("ring", [True, False])
@pytest.mark.parametrize("sites", SIZES)
def test_the_ground_energy_is_the_lowest_eigenvalue(sites, ring, field):
    lowest = np.linalg.eigvalsh(hamiltonian(sites, field, ring))[0]
    found = chain.ground_energy(sites, field, ring)
    assert found == pytest.approx(lowest, rel=1e-12)


@pytest.mark.parametrize("sites", [3, 10, 20, 101])
def test_at_the_critical_field_it_has_a_closed_form(sites):
    ring, row = (chain.ground_energy(sites, ring=ring) for ring in (True, False))
    assert ring == pytest.approx(-2 / math.sin(math.pi / (2 * sites)), rel=1e-12)
    assert row == pytest.approx(1 - 1 / math.sin(math.pi / (4 * sites + 2)), rel=1e-12)


def test_twenty_spins_on_a_ring_and_in_a_row():
    assert chain.ground_energy(20) == pytest.approx(-25.490990, abs=1e-6)
    assert chain.ground_energy(20, ring=False) == pytest.approx(-25.107797, abs=1e-6)


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("sites", [4, 8])
def test_the_even_gap_is_between_levels_that_are_even(sites, field):
    energies, states = np.linalg.eigh(hamiltonian(sites, field, ring=True))
    flipped = product(dict.fromkeys(range(sites), X), sites)
    # within a level of several states the parity's eigenvalues are those of a block
    projector = (np.eye(2**sites) + flipped) / 2
    even = np.linalg.eigvalsh(projector @ (states * energies) @ states.T @ projector)
    levels = np.sort(even[even < -1e-9])
    assert levels[0] == pytest.approx(chain.ground_energy(sites, field), rel=1e-12)
    found = chain.even_gap(sites, field)
    assert found == pytest.approx(levels[1] - levels[0], rel=1e-9)


def test_the_even_gap_has_a_closed_form_at_the_critical_field():
    expected = 8 * math.sin(math.pi / 40)
    assert chain.even_gap(20) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("sites", [5, 8])
def test_correlations_are_those_of_the_lowest_eigenvector(sites, field):
    p = np.linalg.eigh(hamiltonian(sites, field, ring=True))[1][:, 0] ** 2
    spins = chain.enumerate_chain(sites).astype(float)
    for distance in range(1, sites):
        mean = p @ (spins[:, 0] * spins[:, distance])
        found = chain.correlation(sites, distance, field)
        assert found == pytest.approx(mean, rel=1e-9)


@pytest.mark.parametrize("ring", [True, False])
def test_h_psi_is_the_matrix_times_the_vector(rng, ring):
    psi = rng.normal(size=2**6)
    dense = hamiltonian(6, 0.7, ring)
    np.testing.assert_allclose(chain.apply_hamiltonian(psi, 0.7, ring), dense @ psi)
    mean, variance = chain.energy_and_variance(psi, 0.7, ring)
    unit = psi / np.linalg.norm(psi)
    assert mean == pytest.approx(unit @ dense @ unit)
    square = unit @ dense @ dense @ unit
    assert variance == pytest.approx(square - mean**2)


@pytest.mark.parametrize("number", [0, 1, 5])
def test_only_an_eigenstate_has_no_variance(rng, number):
    energies, states = np.linalg.eigh(hamiltonian(6, 1.0, ring=True))
    psi = states[:, number]
    mean, variance = chain.energy_and_variance(psi)
    assert mean == pytest.approx(energies[number])
    assert variance < 1e-24
    assert chain.energy_and_variance(psi + 0.01 * rng.normal(size=64))[1] > 1e-3


def test_all_states_are_there_once_and_the_last_site_flips_fastest():
    spins = chain.enumerate_chain(4)
    assert len(np.unique(spins, axis=0)) == len(spins) == 16
    assert spins[:3].tolist() == [[-1, -1, -1, -1], [-1, -1, -1, 1], [-1, -1, 1, -1]]


def test_a_mean_over_the_ring_is_the_mean_over_moved_states(rng):
    """Six spins are the fewest of which some mirror image is no rotation."""
    q, spins = rng.random(2**6), chain.enumerate_chain(6)
    number = {tuple(row): i for i, row in enumerate(spins)}
    moved = [np.roll(rows, k, 1) for rows in (spins, spins[:, ::-1]) for k in range(6)]
    expected = np.mean([[q[number[tuple(r)]] for r in rows] for rows in moved], axis=0)
    np.testing.assert_allclose(chain.ring_mean(q), expected)


@pytest.mark.parametrize(
    "call, words",
    [
        (lambda: chain.ground_energy(2), "3 or more"),
        (lambda: chain.ground_energy(8, field=0.0), "field"),
        (lambda: chain.correlation(8, 8), "distance"),
        (lambda: chain.enumerate_chain(21), "3 to 20"),
        (lambda: chain.apply_hamiltonian(np.ones(12)), "2\\^sites"),
        (lambda: chain.apply_hamiltonian(np.ones((4, 4))), "2\\^sites"),
    ],
)
def test_what_does_not_fit_is_refused(call, words):
    with pytest.raises(ValueError, match=words):
        call()
