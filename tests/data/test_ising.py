"""Wolff's configurations have the exact averages."""

import numpy as np
import pytest

from course_utils.data.ising import DRAWN, load_sample, wolff
from course_utils.exact import ising
from course_utils.metrics.series import autocorrelation_time, correlated_mean

LARGEST = 4  # standard errors: once in sixteen thousand times


def is_near(values, exact):
    found = correlated_mean(values)
    return abs(found.mean - exact) < LARGEST * found.standard_error


@pytest.mark.parametrize("beta", [0.2, 0.4, ising.CRITICAL_BETA, 0.6])
def test_averages_are_those_of_all_states(beta):
    """Energy, |m|, and the product of spins two steps along a row."""
    states = ising.enumerate_states(4).astype(float)
    log_p = -beta * ising.energies(states)
    p = np.exp(log_p - log_p.max())
    p /= p.sum()
    for observable in (ising.energies, magnetization, two_apart):
        drawn = observable(wolff(4, beta, 4_000, seed=1).astype(float))
        assert is_near(drawn, p @ observable(states)), observable


def magnetization(spins):
    return np.abs(spins.mean((1, 2)))


def two_apart(spins):
    return (spins * np.roll(spins, 2, 2)).mean((1, 2))


@pytest.mark.parametrize("side, beta", [(5, 0.3), (16, ising.CRITICAL_BETA), (8, 0.8)])
def test_the_energy_is_kaufmans(side, beta):
    energy = ising.energies(wolff(side, beta, 2_000, seed=2)) / side**2
    assert is_near(energy, ising.energy_per_spin(side, beta))
    assert autocorrelation_time(energy) < 2.5


def test_both_signs_come_equally_often_below_the_critical_temperature():
    signs = np.sign(wolff(8, 0.7, 1_000, seed=0).mean((1, 2)))
    assert abs(signs.mean()) < 4 / np.sqrt(1_000)


def test_a_seed_repeats_itself():
    one, again, other = (wolff(6, 0.4, 5, seed) for seed in (0, 0, 1))
    assert one.shape == (5, 6, 6)
    assert one.dtype == np.int8
    assert set(np.unique(one)) == {-1, 1}
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)


@pytest.mark.parametrize(
    "arguments", [(1, 0.4, 5, 0), (4, 0.0, 5, 0), (4, np.nan, 5, 0), (4, 0.4, 0, 0)]
)
def test_what_cannot_be_drawn_is_refused(arguments):
    with pytest.raises(ValueError, match="side|beta|n must"):
        wolff(*arguments)


def test_the_sample_that_ships_was_drawn_as_it_says():
    side, beta, n, seed = DRAWN
    sample = load_sample()
    assert sample.shape == (n, side, side)
    assert sample.dtype == np.int8
    assert (sample[:50] == wolff(side, beta, 50, seed)).all()
    exact = ising.energy_per_spin(side, beta)
    assert is_near(ising.energies(sample) / side**2, exact)
