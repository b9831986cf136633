"""A diffused mixture against integrals, samples and differences."""

import math

import numpy as np
import pytest
from scipy import stats
from scipy.integrate import quad

from course_utils.exact.diffusion import Mixture1D

MIXTURE = Mixture1D([0.3, 0.7], [-2, 1.5], [0.4, 0.6])
NORMAL = Mixture1D([1.0], [0.7], [0.5])
THREE = Mixture1D([0.2, 0.5, 0.3], [-1, 0, 4], [0.2, 1.5, 0.3])
ALL = pytest.mark.parametrize("mixture", [MIXTURE, NORMAL, THREE])
TIMES = pytest.mark.parametrize("t", [0.05, 0.3, 0.5, 0.9])
X = np.linspace(-4, 6, 21)
ENTROPY = 1.396657


def density(mixture, x):
    """The data's, from scipy."""
    bells = stats.norm(mixture.means, mixture.sigmas).pdf(np.asarray(x)[..., None])
    return bells @ mixture.weights


def path(t):
    return math.cos(math.pi / 2 * t), math.sin(math.pi / 2 * t)


def given(mixture, of, x_t, t):
    """The mean of a function of x and epsilon given x_t, by a plain sum over x."""
    a, b = path(t)
    x = np.arange(-12, 16, 0.001)
    joint = density(mixture, x) * stats.norm(a * x, b).pdf(x_t)
    return (joint * of(x, (x_t - a * x) / b)).sum() / joint.sum()


# ------------------------------------------------------- one place on the path


@ALL
def test_at_the_start_there_are_the_data_and_at_the_end_noise(mixture):
    start, end = mixture.log_prob(X, 0.0), mixture.log_prob(X, 1.0)
    np.testing.assert_allclose(start, np.log(density(mixture, X)), atol=1e-12)
    np.testing.assert_allclose(end, stats.norm.logpdf(X), atol=1e-12)


@ALL
@TIMES
def test_the_density_is_that_of_noised_samples(mixture, t):
    """The sum over x of p(x) N(x_t; a x, b^2), on a grid of a thousandth."""
    a, b = path(t)
    x = np.arange(-12, 16, 0.001)
    noised = [(density(mixture, x) * stats.norm(a * x, b).pdf(y)).sum() for y in X]
    found = np.exp(mixture.log_prob(X, t))
    np.testing.assert_allclose(found, np.array(noised) * 0.001, atol=1e-12)


@ALL
@TIMES
def test_the_score_is_the_slope_of_the_log_density(mixture, t):
    """Central differences: their error is of the order of h^2 and of rounding / h."""
    h = 1e-5
    slope = mixture.log_prob(X + h, t) - mixture.log_prob(X - h, t)
    np.testing.assert_allclose(mixture.score(X, t), slope / (2 * h), atol=2e-7)


@ALL
@TIMES
def test_best_guesses_are_means_given_what_is_seen(mixture, t):
    a, b = path(t)
    guesses = {
        "denoised": lambda x, epsilon: x,
        "noise": lambda x, epsilon: epsilon,
        "velocity": lambda x, epsilon: a * epsilon - b * x,
    }
    for name, of in guesses.items():
        expected = [given(mixture, of, x_t, t) for x_t in X]
        found = getattr(mixture, name)(X, t)
        np.testing.assert_allclose(found, expected, atol=1e-8, err_msg=name)


@ALL
@TIMES
def test_noise_score_and_data_are_one_another(mixture, t):
    a, b = path(t)
    score = mixture.score(X, t)
    np.testing.assert_allclose(mixture.noise(X, t), -b * score, atol=1e-12)
    tweedie = (X + b**2 * score) / a
    np.testing.assert_allclose(mixture.denoised(X, t), tweedie, atol=1e-10)


def test_the_flow_carries_the_density_along():
    """dp/dt = -d(p dx/dt)/dx, both by central differences."""
    h, t = 1e-4, 0.4

    def current(x):
        speed = math.pi / 2 * MIXTURE.velocity(x, t)
        return np.exp(MIXTURE.log_prob(x, t)) * speed

    later, earlier = MIXTURE.log_prob(X, t + h), MIXTURE.log_prob(X, t - h)
    change = (np.exp(later) - np.exp(earlier)) / (2 * h)
    outflow = (current(X + h) - current(X - h)) / (2 * h)
    np.testing.assert_allclose(change, -outflow, atol=1e-6)
    assert np.abs(change).max() > 0.1


def test_points_and_times_broadcast():
    t = np.array([[0.1], [0.5], [1.0]])
    score = MIXTURE.score(X, t)
    assert score.shape == (3, len(X))
    np.testing.assert_array_equal(score[1], MIXTURE.score(X, 0.5))
    assert MIXTURE.least_loss(t).shape == (3, 1)
    assert MIXTURE.elbo(X.reshape(3, 7), 2).shape == (3, 7)


# ------------------------------------------------------------- the least loss


@ALL
@TIMES
def test_the_least_loss_is_what_the_score_leaves(mixture, t):
    """E[(eps - mean)^2] = 1 - E[mean^2], where the mean is -b score."""
    _, b = path(t)
    x, h = np.linspace(-14, 18, 64_001, retstep=True)
    mean_square = (np.exp(mixture.log_prob(x, t)) * mixture.score(x, t) ** 2).sum() * h
    least = 1 - b**2 * mean_square
    assert mixture.least_loss(t) == pytest.approx(least, abs=1e-9)


def test_no_guess_of_samples_noise_is_better(rng):
    """A hundred thousand samples: five standard errors of the loss."""
    t, n = 0.3, 100_000
    a, b = path(t)
    x, epsilon = MIXTURE.sample(n, 1), rng.standard_normal(n)
    x_t = a * x + b * epsilon
    guess, least = MIXTURE.noise(x_t, t), MIXTURE.least_loss(t)
    squares = (epsilon - guess) ** 2
    assert squares.mean() == pytest.approx(least, abs=5 * squares.std() / n**0.5)
    for worse in (1.1 * guess, guess + 0.1, b * x_t):
        excess = (epsilon - worse) ** 2 - squares
        assert excess.mean() > 5 * excess.std() / n**0.5


def test_its_mean_over_even_times_is_one_half_and_not_zero():
    mean, error = quad(MIXTURE.least_loss, 0, 1, epsabs=1e-7)
    assert error < 1e-6
    assert mean == pytest.approx(0.50013, abs=5e-6)


@ALL
def test_nothing_is_known_of_the_noise_at_first_and_all_in_the_end(mixture):
    np.testing.assert_allclose(mixture.least_loss([0, 1]), [1, 0], atol=1e-12)


@ALL
def test_the_least_loss_of_the_data_goes_from_nothing_to_their_variance(mixture):
    mean = mixture.weights @ mixture.means
    variance = mixture.weights @ (mixture.sigmas**2 + mixture.means**2) - mean**2
    ends = mixture.least_data_loss([0, 1])
    np.testing.assert_allclose(ends, [0, variance], atol=1e-9)
    t = np.linspace(0.1, 0.9, 5)
    ratio = np.tan(np.pi / 2 * t) ** 2
    expected = ratio * mixture.least_loss(t)
    np.testing.assert_allclose(mixture.least_data_loss(t), expected, rtol=1e-9)


def test_the_least_loss_of_a_normal_is_a_ratio():
    t = np.linspace(0.01, 0.99, 5)
    a, b = np.cos(np.pi / 2 * t), np.sin(np.pi / 2 * t)
    signal = (a * 0.5) ** 2
    expected = signal / (signal + b**2)
    np.testing.assert_allclose(NORMAL.least_loss(t), expected, atol=1e-12)


# --------------------------------------------------------------- the entropy


@ALL
def test_the_losses_at_all_times_give_the_entropy(mixture):
    def term(x):
        p = density(mixture, x)
        return -p * math.log(p) if p else 0.0

    entropy, _ = quad(term, -12, 16, epsabs=1e-10, limit=500, points=mixture.means)
    assert mixture.entropy() == pytest.approx(entropy, abs=1e-9)


def test_the_entropy_of_the_lessons_mixture():
    assert MIXTURE.entropy() == pytest.approx(ENTROPY, abs=1e-6)


# ----------------------------------------------------------------- the bound


def least_error(mixture, t):
    """Of a guess of x: E[x^2] - E[mean^2], by plain sums over a fine grid."""
    x, h = np.linspace(-16, 20, 36_001, retstep=True)
    p, p_t = density(mixture, x), np.exp(mixture.log_prob(x, t))
    return (p * x**2 - p_t * mixture.denoised(x, t) ** 2).sum() * h


def chain_log_ratio(mixture, x, steps, rng):
    """log p(x, x_1/T, ..., x_1) - log q(x_1/T, ..., x_1 given x), a path for each x.

    Each density is written out as a normal one from scipy; at t = 1 both are N(0, 1).
    """
    x_t, total = rng.standard_normal(len(x)), np.zeros(len(x))
    for step in range(steps, 1, -1):
        (a, b), (a_s, b_s) = path(step / steps), path((step - 1) / steps)
        # the normal of x_s given x_t and x, from the joint one of x_s and x_t
        forward = a / a_s
        gain = forward * b_s**2 / b**2
        sd = (b_s**2 - gain * forward * b_s**2) ** 0.5
        slope = a_s - gain * a  # of its mean in x
        wide = (sd**2 + slope**2 * least_error(mixture, step / steps)) ** 0.5
        x_s = slope * x + gain * x_t + sd * rng.standard_normal(len(x))
        guess = mixture.denoised(x_t, step / steps)
        total += stats.norm.logpdf(x_s, slope * guess + gain * x_t, wide)
        total -= stats.norm.logpdf(x_s, slope * x + gain * x_t, sd)
        x_t = x_s
    guess, m = mixture.denoised(x_t, 1 / steps), least_error(mixture, 1 / steps)
    return total + stats.norm.logpdf(x, guess, m**0.5)


@pytest.mark.parametrize("steps", [1, 2, 3, 8])
def test_the_bound_is_the_mean_log_ratio_of_paths(rng, steps):
    """Three points, 40,000 paths each: five standard errors, and rounding."""
    n = 40_000
    points = np.array([-2.0, 0.0, 1.8])
    ratios = chain_log_ratio(MIXTURE, np.repeat(points, n), steps, rng).reshape(3, n)
    error = ratios.std(1) / n**0.5
    expected = MIXTURE.elbo(points, steps)
    assert (np.abs(ratios.mean(1) - expected) < 5 * error + 1e-9).all()
    assert (error < 0.02).all()


@ALL
@pytest.mark.parametrize("steps", [1, 2, 5])
def test_the_mean_bound_is_the_mean_of_the_bounds(mixture, steps):
    x, h = np.linspace(-10, 14, 4_801, retstep=True)
    mean = (density(mixture, x) * mixture.elbo(x, steps)).sum() * h
    assert mixture.mean_elbo(steps) == pytest.approx(mean, abs=1e-9)


def test_one_step_is_a_normal_distribution_with_the_datas_moments():
    mean = MIXTURE.weights @ MIXTURE.means
    square = MIXTURE.weights @ (MIXTURE.sigmas**2 + MIXTURE.means**2)
    normal = stats.norm(mean, (square - mean**2) ** 0.5)
    np.testing.assert_allclose(MIXTURE.elbo(X, 1), normal.logpdf(X), atol=1e-10)


def test_normal_data_lose_nothing_with_any_number_of_steps():
    for steps in (1, 2, 7):
        expected = NORMAL.log_prob(X)
        np.testing.assert_allclose(NORMAL.elbo(X, steps), expected, atol=1e-9)
    assert NORMAL.gap_times_steps() == pytest.approx(0, abs=1e-12)


def test_the_gap_falls_as_one_over_the_steps_to_what_the_formula_says():
    gaps = {
        steps: -MIXTURE.entropy() - MIXTURE.mean_elbo(steps)
        for steps in (1, 2, 4, 16, 64, 128)
    }
    assert list(gaps.values()) == sorted(gaps.values(), reverse=True)
    assert min(gaps.values()) > 0
    # what is left over T is of the order of 1 / T^2: one Richardson step takes it away
    limit = 128 * gaps[128] * 2 - 64 * gaps[64]
    assert MIXTURE.gap_times_steps() == pytest.approx(limit, rel=2e-3)
    slope = math.log(gaps[128] / gaps[64]) / math.log(2)
    assert slope == pytest.approx(-1, abs=2e-3)


def test_the_variance_of_the_ancestral_step_leaves_a_gap_that_stays():
    """It is that of x_s given x_t and x. Where the SNR is high each step from t to s
    costs (SNR_s / SNR_t - 1 - ln(SNR_s / SNR_t)) / 2; for equal steps near t = 0 the
    ratios are (j + 1)^2 / j^2, and the sum is Euler's constant plus pi^2 / 12.
    """

    def gap(steps):
        t = np.linspace(0, 1, steps + 1)[1:]
        ratio = 1 / np.tan(np.pi / 2 * t) ** 2
        m = MIXTURE.least_data_loss(t)
        last = 0.5 * (math.log(2 * math.pi / ratio[0]) + ratio[0] * m[0])
        others = 0.5 * ((ratio[:-1] - ratio[1:]) * m[1:]).sum()
        return last + others - MIXTURE.entropy()

    limit = 2 * gap(800) - gap(400)
    assert limit == pytest.approx(np.euler_gamma + np.pi**2 / 12, abs=2e-3)


# --------------------------------------------------------------- samples, words


def test_samples_have_the_mixtures_density():
    x = MIXTURE.sample(100_000, 0)

    def cdf(y):
        return stats.norm(MIXTURE.means, MIXTURE.sigmas).cdf(y[:, None]) @ [0.3, 0.7]

    assert stats.kstest(x, cdf).pvalue > 1e-3


@pytest.mark.parametrize(
    ("weights", "means", "sigmas", "words"),
    [
        ([0.5, 0.5], [0.0], [1.0], "one number a component"),
        ([], [], [], "one number a component"),
        ([0.5, 0.4], [0, 1], [1, 1], "sum to 0.9"),
        ([1.5, -0.5], [0, 1], [1, 1], "weights is"),
        ([0.5, 0.5], [0, 1], [1, 0], "sigmas is"),
        ([0.5, 0.5], [0, 1], [1, 0.01], "100 times"),
    ],
)
def test_what_is_no_mixture_is_refused(weights, means, sigmas, words):
    with pytest.raises(ValueError, match=words):
        Mixture1D(weights, means, sigmas)


def test_a_time_beyond_an_end_by_rounding_is_at_the_end():
    for end, beyond in ((0.0, -1e-17), (0.0, -9e-10), (1.0, 1 + 9e-10)):
        assert MIXTURE.noise(X, beyond) == pytest.approx(MIXTURE.noise(X, end), abs=0)
        assert MIXTURE.least_loss(beyond) == MIXTURE.least_loss(end)


@pytest.mark.parametrize("t", [-1e-8, 1 + 1e-8, np.nan])
def test_a_time_further_off_than_rounding_is_refused(t):
    with pytest.raises(ValueError, match="from 0"):
        MIXTURE.velocity(X[0], [0.5, t])


def test_what_is_no_time_or_number_of_steps_is_refused():
    with pytest.raises(ValueError, match="from 0"):
        MIXTURE.score(X, 1.1)
    with pytest.raises(ValueError, match="from 0"):
        MIXTURE.least_loss([0.5, -0.1])
    with pytest.raises(ValueError, match="steps"):
        MIXTURE.elbo(X, 0)
    with pytest.raises(TypeError, match="steps"):
        MIXTURE.mean_elbo(2.5)
