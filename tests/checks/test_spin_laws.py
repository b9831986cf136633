"""What the checks on spins call right, against exact answers and whole sums."""

import itertools

import numpy as np
import pytest
from scipy.linalg import toeplitz

from course_utils.checks import glass, ising
from course_utils.exact import ising as kaufman
from course_utils.exact.strip import Strip, energies


def bonds_of(pairs, sites):
    """A matrix of bonds of strength 1; a pair that stands there twice has two."""
    bonds = np.zeros((sites, sites))
    np.add.at(bonds, tuple(np.transpose(pairs)), 1)
    return bonds + bonds.T


@pytest.mark.parametrize("side", [2, 3])
def test_the_averages_of_a_square_lattice_are_kaufmans(side):
    sites = side * side
    bonds = bonds_of(ising._lattice(side), sites)
    log_z, energy, means = ising.averages(bonds, np.zeros(sites), 0.4)
    assert log_z == pytest.approx(kaufman.log_partition(side, 0.4), rel=1e-12)
    per_spin = kaufman.energy_per_spin(side, 0.4)
    assert energy / sites == pytest.approx(per_spin, rel=1e-10)
    np.testing.assert_allclose(means, 0, atol=1e-12)


def test_a_mean_field_lies_above_and_its_best_means_lower_it():
    """Against the sum over all states, and one spin's mean moved either way."""
    rng = np.random.default_rng(0)
    bonds, field = ising._couplings(rng, "bonds of any strength", 5)
    m, beta = rng.uniform(-1, 1, 5), 0.8
    states = ising._states(5)
    log_q = np.log((1 + states * m) / 2).sum(1)
    cost = np.exp(log_q) @ (log_q + beta * energies(states, bonds, field))
    bound, best = ising.mean_field(bonds, field, beta, m)
    assert bound == pytest.approx(cost, rel=1e-12)
    for i in range(5):
        bounds = []
        for step in (-1e-3, 0, 1e-3):
            moved = m.copy()
            moved[i] = best[i] + step
            bounds.append(ising.mean_field(bonds, field, beta, moved)[0])
        assert bounds[1] < min(bounds[0], bounds[2])


def test_the_gap_of_a_ring_is_the_one_of_many_spins():
    sites, m = 600, 0.9
    ring = bonds_of([(i, (i + 1) % sites) for i in range(sites)], sites)
    field, beta = np.full(sites, ising.FIELD), ising.BETA
    for _ in range(100):
        m = ising.mean_field(ring, field, beta, np.full(sites, m))[1][0]
    bound = ising.mean_field(ring, field, beta, np.full(sites, m))[0]
    open_ring = ring.copy()
    open_ring[0, -1] = open_ring[-1, 0] = 0  # changes ln Z by less than 2 beta
    log_z = Strip(open_ring, field, 1).log_partition(beta)
    right, off = ising.ring_gap(), 2 * beta / sites
    assert (bound + log_z) / sites == pytest.approx(right, abs=off)


@pytest.mark.parametrize("p", [0.0, 0.35, 1 - np.exp(-2 * 0.6), 0.9])
@pytest.mark.parametrize("field", [0.0, -0.4])
def test_turned_clusters_are_in_detailed_balance(p, field):
    """By the whole matrix of a triangle with a tail: all bonds open or closed."""
    pairs, beta = np.array([(0, 1), (1, 2), (2, 0), (2, 3)]), 0.6
    states = ising._states(4).astype(int)
    number = {tuple(s): place for place, s in enumerate(states)}
    moves = np.zeros((16, 16))
    for s, is_open, start in itertools.product(
        states, itertools.product((False, True), repeat=4), range(4)
    ):
        equal = s[pairs].prod(1) > 0
        if (np.array(is_open) & ~equal).any():
            continue
        chance = np.where(is_open, p, 1 - p)[equal].prod() / 4
        cluster = reached(start, pairs[list(is_open)])
        a = ising.accept_cluster(s, cluster, pairs, field, beta, p)
        moves[number[tuple(s)], number[tuple(np.where(cluster, -s, s))]] += chance * a
    weight = np.exp(-beta * energies(states, bonds_of(pairs, 4), np.full(4, field)))
    flow = weight[:, None] * moves
    assert moves.sum() > 1
    np.testing.assert_allclose(flow, flow.T, rtol=0, atol=1e-12 * weight.max())


def reached(start, pairs):
    """The sites that open bonds lead to, as truth values."""
    cluster = {start}
    for _ in range(4):
        cluster |= {j for pair in pairs for j in pair if cluster & set(pair)}
    return np.isin(np.arange(4), list(cluster))


def test_reweighted_samples_agree_with_the_sum_over_states():
    """Within four errors, which repetitions show to be the right size."""
    bonds = bonds_of(ising._lattice(3), 9)
    energy = energies(ising._states(9), bonds, np.zeros(9))
    beta, new, rng, found = 0.2, 0.3, np.random.default_rng(0), []
    p = np.exp(-beta * energy - ising.averages(bonds, np.zeros(9), beta)[0])
    for _ in range(400):
        drawn = rng.choice(energy, 500, p=p / p.sum())
        found.append(ising.reweight(drawn, drawn, beta, new))
    mean, error, change = np.mean(found, 0)
    log_z, right, _ = ising.averages(bonds, np.zeros(9), new)
    spread = np.std([one[0] for one in found])
    assert mean == pytest.approx(right, abs=4 * spread / 20 + spread**2)
    assert spread == pytest.approx(error, rel=4 / 800**0.5 + 0.02)
    old = ising.averages(bonds, np.zeros(9), beta)[0]
    assert change == pytest.approx(log_z - old, abs=0.01)


@pytest.mark.parametrize("words, shares, times", ising.KINDS)
def test_the_exact_error_is_a_double_sum(words, shares, times, monkeypatch):
    monkeypatch.setattr(ising, "LENGTH", 300)
    lags = np.arange(300)
    memories = ising._memories(times)
    covariance = sum(
        share * memory**lags for share, memory in zip(shares, memories, strict=True)
    )
    right = toeplitz(covariance).mean() ** 0.5
    assert ising._exact_error(shares, times) == pytest.approx(right, rel=1e-12)
    chains = [ising._chain(np.random.default_rng(i), shares, times) for i in range(400)]
    spread = np.std([chain.mean() for chain in chains])
    assert spread == pytest.approx(right, rel=4 / 800**0.5)


def test_a_glass_is_a_strip_of_bonds_of_both_signs():
    for seed in range(3):
        drawn = glass.draw_glass(np.random.default_rng(seed))
        sites = len(drawn.field)
        assert np.isin(drawn.bonds, (-1, 0, 1)).all()
        count = np.triu(drawn.bonds != 0).sum()
        assert count == 2 * sites - drawn.width  # around the strip, and along it
        assert {-1, 1} <= set(drawn.bonds.ravel())
