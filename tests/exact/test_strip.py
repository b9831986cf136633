"""The transfer matrix against sums over all states."""

import numpy as np
import pytest
from scipy.special import logsumexp

from course_utils.exact import ising
from course_utils.exact.strip import Strip, energies


def random_strip(width, length, seed=0):
    """Bonds of any strength to all spins of the own row and the next one."""
    rng, sites = np.random.default_rng(seed), width * length
    row = np.arange(sites) // width
    near = np.abs(row[:, None] - row) <= 1
    bonds = np.triu(rng.normal(size=(sites, sites)) * near, 1)
    return Strip(bonds + bonds.T, rng.normal(size=sites), width)


def all_states(sites):
    return 2.0 * (np.arange(2**sites)[:, None] >> np.arange(sites) & 1) - 1


def square_lattice(side):
    """Bonds of strength 1 with periodic edges; the same pair twice for a side of 2."""
    sites = np.arange(side * side).reshape(side, side)
    bonds = np.zeros((side * side,) * 2)
    for axis in (0, 1):
        there = np.roll(sites, -1, axis).ravel()
        np.add.at(bonds, (sites.ravel(), there), 1)
    return bonds + bonds.T


def test_energies_are_those_of_the_square_lattice():
    states = ising.enumerate_states(3)
    ours = energies(states.reshape(-1, 9), square_lattice(3), np.zeros(9))
    np.testing.assert_array_equal(ours, ising.energies(states))


@pytest.mark.parametrize("beta", [0.2, 0.44, 1.5])
def test_a_lattice_of_two_rows_is_kaufmans(beta):
    strip = Strip(square_lattice(2), np.zeros(4), 2)
    right = ising.log_partition(2, beta)
    assert strip.log_partition(beta) == pytest.approx(right, rel=1e-12)


@pytest.mark.parametrize("width, length", [(1, 1), (1, 10), (3, 4), (5, 2)])
@pytest.mark.parametrize("beta", [0.1, 1.0, 400.0])
def test_ln_z_is_a_sum_over_all_states(width, length, beta):
    strip = random_strip(width, length)
    states = all_states(width * length)
    right = logsumexp(-beta * energies(states, strip.bonds, strip.field))
    assert strip.log_partition(beta) == pytest.approx(right, rel=1e-12)


def test_samples_come_as_often_as_they_should():
    """Chi-squared of all 64 states: 63 +- 11, and 6 deviations are allowed."""
    strip, beta, n = random_strip(2, 3, seed=1), 0.3, 20_000
    states = all_states(6)
    p = np.exp(
        -beta * energies(states, strip.bonds, strip.field) - strip.log_partition(beta)
    )
    drawn = strip.sample(beta, n, np.random.default_rng(2))
    numbers = ((drawn > 0) @ 2 ** np.arange(6)).astype(int)
    counts = np.bincount(numbers, minlength=64)
    assert ((counts - n * p) ** 2 / (n * p)).sum() < 63 + 6 * (2 * 63) ** 0.5


@pytest.mark.parametrize(
    "change, words",
    [
        (lambda b, h: (b[1:], h, 2), "bonds"),
        (lambda b, h: (b, h, 4), "divisor"),
        (lambda b, h: (b, h, 1), "beyond"),
        (lambda b, h: (np.triu(b), h, 2), "of pairs"),
        (lambda b, h: (b + np.eye(6), h, 2), "of pairs"),
    ],
)
def test_what_is_no_strip_is_refused(change, words):
    strip = random_strip(2, 3)
    with pytest.raises(ValueError, match=words):
        Strip(*change(strip.bonds, strip.field))
