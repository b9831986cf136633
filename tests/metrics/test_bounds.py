import dataclasses
import math

import numpy as np
import pytest
from scipy.special import logsumexp

from course_utils.metrics.bounds import Estimate, Evaluation, block_bound


@pytest.fixture
def log_w(rng):
    """Log weights of ten images, some of them far below zero."""
    return rng.normal(-100, 30, (500, 10))


def test_an_estimate_is_a_mean_with_its_standard_error():
    estimate = Estimate.of(np.array([1.0, 2.0, 3.0, 6.0]))
    assert estimate.mean == 3
    # sample variance 14/3, over four values
    assert estimate.standard_error == pytest.approx(math.sqrt(14 / 12), rel=1e-14)
    assert str(estimate) == "3.00 +- 1.08"


def test_one_image_has_no_standard_error():
    assert Estimate.of(np.array([-5.0])) == Estimate(-5.0, math.inf)


def test_sums_are_formed_in_double_precision():
    values = np.full(100_000, -720.4478, dtype=np.float32)
    assert Estimate.of(values).mean == pytest.approx(float(values[0]), rel=1e-12)


@pytest.mark.parametrize("k", [1, 2, 5, 50, 250, 500])
def test_a_bound_is_the_mean_over_disjoint_blocks(log_w, k):
    blocks = [log_w[start : start + k] for start in range(0, 500, k)]
    expected = [logsumexp(block, axis=0) - math.log(k) for block in blocks]
    np.testing.assert_allclose(block_bound(log_w, k), np.mean(expected, 0), rtol=1e-12)


def test_bounds_of_merged_blocks_are_in_order_for_each_image(log_w):
    bounds = np.stack([block_bound(log_w, k) for k in (1, 5, 50, 500)])
    assert (np.diff(bounds, axis=0) >= 0).all()


def test_twice_the_block_is_at_least_the_mean_of_its_halves(log_w):
    whole = block_bound(log_w, 500)
    halves = (block_bound(log_w[:250], 250) + block_bound(log_w[250:], 250)) / 2
    # equality up to rounding would be allowed
    assert (whole - halves >= -1e-12).all()


def test_equal_weights_leave_nothing_to_gain():
    np.testing.assert_allclose(block_bound(np.full((50, 3), -7.0), 50), -7, rtol=1e-14)


def test_weights_beyond_the_range_of_exp_are_harmless():
    log_w = np.array([[-1e4, 1e4], [-1e4 - 1, 1e4]])
    expected = [-1e4 + math.log((1 + math.exp(-1)) / 2), 1e4]
    np.testing.assert_allclose(block_bound(log_w, 2), expected, rtol=1e-14)


def test_blocks_that_do_not_divide_are_refused(log_w):
    with pytest.raises(ValueError, match="Blocks of 3 do not divide 500"):
        block_bound(log_w, 3)


@pytest.fixture(scope="module")
def log_w_of_a_known_gap():
    """Log weights of q = N(0.5, variance 1.5) for the posterior N(0, 1); log p = 0."""
    epsilon = np.random.default_rng(1).standard_normal(1_000_000)
    z = 0.5 + math.sqrt(1.5) * epsilon
    return 0.5 * (epsilon**2 + math.log(1.5) - z**2)


def test_the_elbo_misses_log_p_by_the_kl(log_w_of_a_known_gap):
    # KL(N(0.5, 1.5) || N(0, 1)) in closed form
    gap = 0.5 * (0.25 + 1.5 - 1 - math.log(1.5))
    assert gap == pytest.approx(0.1722674, abs=1e-7)
    estimate = Estimate.of(log_w_of_a_known_gap)
    assert abs(estimate.mean + gap) < 5 * estimate.standard_error


def test_k_times_the_gap_tends_to_its_known_limit(log_w_of_a_known_gap):
    """Half the variance of a weight, 0.1009427.

    A block's mean weight m has expectation 1, so log m - (m - 1) has that of log m, and
    a hundredth of its variance. The next term of the gap is of order 1/k, relative to
    the first.
    """
    k = 200
    log_m = block_bound(log_w_of_a_known_gap.reshape(k, -1), k)
    gap = Estimate.of(np.expm1(log_m) - log_m)
    assert abs(k * gap.mean - 0.1009427) < 5 * k * gap.standard_error + 0.1 / k


def test_an_evaluation_joins_the_terms_of_each_image(rng, log_w):
    reconstruction, kl = rng.normal(-80, 5, 10), rng.normal(20, 2, 10)
    evaluation = Evaluation.of(log_w, reconstruction, kl)
    assert evaluation.elbo == Estimate.of(reconstruction - kl)
    assert evaluation.reconstruction == Estimate.of(reconstruction)
    assert evaluation.kl == Estimate.of(kl)
    for k, bound in evaluation.iwae.items():
        np.testing.assert_array_equal(evaluation.bounds[k], block_bound(log_w, k))
        assert bound == Estimate.of(evaluation.bounds[k])


@pytest.mark.parametrize(
    "samples, sizes",
    [(1, [1]), (7, [1]), (5, [1, 5]), (50, [1, 5, 50]), (500, [1, 5, 50, 500])],
)
def test_bounds_are_given_for_the_sizes_that_divide(rng, samples, sizes):
    log_w = rng.normal(size=(samples, 3))
    assert list(Evaluation.of(log_w, np.zeros(3), np.zeros(3)).iwae) == sizes


def test_results_cannot_be_edited():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Estimate(1.0, 0.1).mean = 2.0
