"""Scores are held against perfect samplers, whose scores are known."""

import math

import numpy as np
import pytest
from scipy.stats import chi2, kstest, norm

from course_utils.data.mixtures import grid_of_gaussians, ring_of_gaussians
from course_utils.metrics.modes import MEAN_SQUARE_INSIDE, mode_coverage, wasserstein_1d

N = 2_500
MIXTURES = [ring_of_gaussians(), grid_of_gaussians()]
SEEDS = range(300)


@pytest.fixture(scope="module", params=MIXTURES, ids=["ring", "grid"])
def perfect(request):
    """A mixture, and the coverage of many perfect samples of it."""
    mixture = request.param
    samples = (mixture.sample(N, seed) for seed in SEEDS)
    return mixture, [mode_coverage(x, mixture.modes, mixture.sigma) for x in samples]


@pytest.mark.parametrize("name", ["high_quality", "reverse_kl", "spread"])
def test_floors_are_those_of_a_perfect_sampler(perfect, name):
    _, coverages = perfect
    scores = [getattr(coverage, name) for coverage in coverages]
    values = np.array([score.value for score in scores])
    mean_error = scores[0].floor_sd / math.sqrt(len(values))
    assert abs(values.mean() - scores[0].floor) < 4 * mean_error
    # The relative error of a standard deviation is 1/sqrt(2 n) for a normal quantity;
    # a chi-squared one has the excess kurtosis 12/k, at most 12/7 here, so the factor
    # is sqrt(1/2 + 3/7) in place of sqrt(1/2): below 0.97.
    error = 0.97 / math.sqrt(len(values))
    assert abs(values.std(ddof=1) / scores[0].floor_sd - 1) < 4 * error


def test_a_perfect_sampler_finds_all_modes_and_its_kl_is_chi_squared(perfect):
    mixture, coverages = perfect
    k = len(mixture.modes)
    assert {coverage.modes for coverage in coverages} == {k}
    inside = [coverage.high_quality.value * N for coverage in coverages]
    kls = [coverage.reverse_kl.value for coverage in coverages]
    statistic = 2 * np.array(inside) * np.array(kls)
    # a test that a right program fails once in ten thousand seeds; the seeds are fixed
    assert kstest(statistic, chi2(k - 1).cdf).pvalue > 1e-4


def test_the_share_of_high_quality_is_the_known_one():
    score = mode_coverage(np.zeros((4, 2)), np.zeros((1, 2)), 1.0).high_quality
    assert score.floor == pytest.approx(0.98889, abs=5e-6)
    assert score.floor_sd == pytest.approx(math.sqrt(0.98889 * 0.01111 / 4), abs=1e-4)


@pytest.mark.parametrize("factor", [0.7, 0.9, 1.1])
def test_spread_follows_the_width_of_the_clusters(factor):
    mixture = ring_of_gaussians()
    x = mixture.sample(20_000, 0)
    centres = mixture.modes[
        np.argmin(((x[:, None] - mixture.modes) ** 2).sum(-1), axis=1)
    ]
    coverage = mode_coverage(
        centres + factor * (x - centres), mixture.modes, mixture.sigma
    )
    # the radius cuts a wider cluster more: the ratio of truncated second moments
    end = 4.5 / factor**2
    truncated = 1 - end * math.exp(-end) / (1 - math.exp(-end))
    whole = 1 - 4.5 * math.exp(-4.5) / (1 - math.exp(-4.5))
    expected = factor * math.sqrt(truncated / whole)
    # four standard deviations of a perfect sampler's score, scaled
    assert coverage.spread.value == pytest.approx(
        expected, abs=4 * coverage.spread.floor_sd * factor
    )
    assert (coverage.high_quality.value > 0.98889) == (factor < 1)


def test_a_cluster_off_its_centre_is_no_wider():
    mixture = ring_of_gaussians()
    x = 0.2 * mixture.sigma * np.random.default_rng(0).standard_normal((5_000, 2))
    shifted = mode_coverage(
        x + mixture.modes[0] + mixture.sigma, mixture.modes, mixture.sigma
    )
    # all samples are inside, at a root mean square distance of 0.2 sqrt(2) sigma
    expected = 0.2 * math.sqrt(2 / MEAN_SQUARE_INSIDE)
    error = 0.2 / math.sqrt(4 * len(x))  # of a root mean square in the plane
    assert shifted.spread.value == pytest.approx(expected, abs=4 * error)


def test_missing_modes_and_uneven_shares_are_counted():
    modes = np.array([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0], [10.0, 10.0]])
    samples = np.repeat(modes[:2], [30, 10], axis=0)
    samples = np.concatenate([samples, [[5.0, 5.0]]])  # belongs to none
    coverage = mode_coverage(samples, modes, 1.0)
    assert coverage.modes == 2
    assert coverage.high_quality.value == pytest.approx(40 / 41)
    expected = 0.75 * math.log(3) + 0.25 * math.log(1)  # shares 3/4 and 1/4 of 4 modes
    assert coverage.reverse_kl.value == pytest.approx(expected)


def test_one_mode_alone_costs_the_logarithm_of_their_number():
    mixture = grid_of_gaussians()
    samples = mixture.modes[[3]] + 0.01 * np.random.default_rng(0).normal(size=(99, 2))
    coverage = mode_coverage(samples, mixture.modes, mixture.sigma)
    assert coverage.modes == 1
    assert coverage.reverse_kl.value == pytest.approx(math.log(25))


def test_nothing_near_a_mode_has_no_spread_and_an_infinite_kl():
    coverage = mode_coverage(np.full((5, 2), 100.0), np.zeros((3, 2)), 1.0)
    assert (coverage.modes, coverage.high_quality.value) == (0, 0)
    assert coverage.reverse_kl.value == math.inf
    assert math.isnan(coverage.spread.value)


@pytest.mark.parametrize(
    "samples, modes, words",
    [
        (np.zeros((3, 1)), np.zeros((2, 2)), "in the plane"),
        (np.zeros(3), np.zeros((2, 2)), "in the plane"),
        (np.zeros((3, 2)), np.zeros((2, 3)), "in the plane"),
        (np.zeros((0, 2)), np.zeros((2, 2)), "in the plane"),
        (np.array([[0.0, np.nan]]), np.zeros((2, 2)), "NaN"),
    ],
)
def test_unusable_points_are_refused_in_words(samples, modes, words):
    with pytest.raises(ValueError, match=words):
        mode_coverage(samples, modes, 1.0)


def test_a_score_reads_as_a_sentence():
    score = mode_coverage(np.zeros((100, 2)), np.zeros((1, 2)), 1.0).high_quality
    assert str(score) == "1.0000 (perfect: 0.9889 +- 0.0105)"


def test_the_wasserstein_distance_of_a_shift_is_the_shift(rng):
    x = rng.normal(size=500)
    assert wasserstein_1d(x, x + 0.7).value == pytest.approx(0.7)
    assert wasserstein_1d(x, rng.permutation(x)).value == 0


def test_the_floor_of_the_wasserstein_distance_is_the_known_one():
    n, pairs = 1_000, 200
    rng = np.random.default_rng(0)
    draws = rng.normal(size=(pairs, 2, n))
    scores = [wasserstein_1d(a, b, resamples=20) for a, b in draws]
    measured = math.sqrt(n) * np.array([score.value for score in scores])
    error = measured.std(ddof=1) / math.sqrt(pairs)
    assert abs(measured.mean() - 1.82) < 4 * error
    # The floors are bootstrapped from one sample each, and agree with what 200 fresh
    # pairs have; both means carry an error.
    floors = math.sqrt(n) * np.array([score.floor for score in scores])
    floor_error = floors.std(ddof=1) / math.sqrt(pairs)
    assert abs(floors.mean() - measured.mean()) < 4 * math.hypot(error, floor_error)


def test_the_floor_knows_the_sizes_and_the_unit_of_the_samples():
    x = norm.ppf((np.arange(4_000) + 0.5) / 4_000)
    large = wasserstein_1d(x, x).floor
    assert wasserstein_1d(10 * x, 10 * x).floor == pytest.approx(10 * large)
    # sqrt(1/m + 1/n) against sqrt(2/n), for m = n / 16: a factor sqrt(17 / 2)
    small = wasserstein_1d(x, x[::16])
    # both floors are means of 200, with about the same relative error
    ratio = small.floor / large
    error = math.sqrt(2 / 200) * small.floor_sd / large
    assert ratio == pytest.approx(math.sqrt(8.5), abs=4 * error)


def test_the_same_seed_gives_the_same_floor(rng):
    x = rng.normal(size=50)
    assert wasserstein_1d(x, x, seed=1) == wasserstein_1d(x, x, seed=1)
    assert wasserstein_1d(x, x, seed=1).floor != wasserstein_1d(x, x, seed=2).floor
