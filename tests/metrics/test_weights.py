"""Importance weights against distributions whose sums are known."""

import numpy as np
import pytest

from course_utils.metrics.weights import (
    effective_sample_size,
    log_mean_weight,
    weighted_mean,
)

P = np.array([5.0, 2.0, 2.0, 1.0])  # not normalized: the sum is 10
Q = np.array([0.25, 0.25, 0.25, 0.25])
VALUES = np.array([1.0, -1.0, 3.0, 0.0])


def drawn(n, seed=0):
    states = np.random.default_rng(seed).choice(4, n, p=Q)
    return VALUES[states], np.log(P / Q)[states]


def test_estimates_scatter_by_their_errors():
    exact = np.log(10), P @ VALUES / 10
    pulls = []
    for seed in range(300):
        values, log_w = drawn(400, seed)
        found = log_mean_weight(log_w), weighted_mean(values, log_w)
        pulls.append(
            [
                (estimate.mean - truth) / estimate.standard_error
                for estimate, truth in zip(found, exact, strict=True)
            ]
        )
    # the scatter of 300 numbers is known to 4 %, their mean to 0.06
    assert np.std(pulls, axis=0) == pytest.approx(1, abs=0.17)
    assert np.mean(pulls, axis=0) == pytest.approx(0, abs=0.25)


def test_a_constant_in_the_log_weights_moves_the_sum_alone():
    values, log_w = drawn(100)
    moved = log_w - 5_000.0
    assert log_mean_weight(moved).mean == pytest.approx(
        log_mean_weight(log_w).mean - 5_000
    )
    assert weighted_mean(values, moved).mean == pytest.approx(
        weighted_mean(values, log_w).mean
    )
    assert effective_sample_size(moved) == pytest.approx(effective_sample_size(log_w))


def test_equal_weights_count_fully_and_one_large_one_alone():
    assert effective_sample_size(np.zeros(7)) == pytest.approx(7)
    assert effective_sample_size([0.0, 0.0, 800.0]) == pytest.approx(1)
    assert log_mean_weight(np.zeros(7)).standard_error == 0
