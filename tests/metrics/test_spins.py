"""Observables of lattices that can be counted by hand."""

import numpy as np
import pytest

from course_utils.exact.ising import energies
from course_utils.metrics.spins import correlation, magnetization


def test_lattices_that_are_counted_by_hand():
    same, board, stripes = np.ones((3, 4, 4))
    board[(np.indices((4, 4)).sum(0) % 2).astype(bool)] = -1
    stripes[:, 2:] = -1
    spins = np.stack([same, board, stripes, -same])
    assert magnetization(spins).tolist() == [1, 0, 0, 1]
    # stripes: along a row two of four neighbours differ, along a column none
    assert correlation(spins, 1).tolist() == [1, -1, 0.5, 1]
    assert correlation(spins, 2).tolist() == [1, 1, 0, 1]


def test_neighbours_make_the_energy():
    spins = np.random.default_rng(0).choice([-1, 1], (5, 6, 6))
    assert -2 * 36 * correlation(spins, 1) == pytest.approx(energies(spins))
