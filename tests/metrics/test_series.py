"""Autocorrelation times against chains whose own is known."""

import numpy as np
import pytest

from course_utils.metrics.series import autocorrelation_time, correlated_mean


def chain(memory, n, seed=0):
    """x' = memory x + noise, stationary with variance 1."""
    rng = np.random.default_rng(seed)
    noise = rng.standard_normal(n) * np.sqrt(1 - memory**2)
    x = [rng.standard_normal()]
    for kick in noise:
        x.append(memory * x[-1] + kick)
    return np.array(x[1:])


@pytest.mark.parametrize("memory", [0.0, 0.5, 0.9])
def test_the_time_is_the_known_one(memory):
    """The sum of memory^|k| over all k; a window of 6 tau leaves out e^-12 or so."""
    expected = (1 + memory) / (1 - memory)
    assert autocorrelation_time(chain(memory, 100_000)) == pytest.approx(
        expected, rel=0.1
    )


def test_errors_hold_what_they_promise():
    """Over 200 chains the mean, in units of its error, scatters by one."""
    found = [correlated_mean(chain(0.8, 2_000, seed)) for seed in range(200)]
    pulls = [estimate.mean / estimate.standard_error for estimate in found]
    # the scatter of 200 numbers is known to 5 %; the time itself to 10 %
    assert np.std(pulls) == pytest.approx(1, abs=0.25)


def test_a_constant_has_no_error_and_opposites_no_time_below_one():
    assert correlated_mean(np.ones(10)).standard_error == 0
    assert autocorrelation_time(np.tile([1.0, -1.0], 50)) == 1
