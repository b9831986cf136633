"""Checks of the exercises on lesson 2: two estimators of a gradient."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import ndtr

from course_utils.checks.asking import Ask, asking
from course_utils.exact import estimators

Array = NDArray[np.float64]
DRAWS = 40_000
SPREADS = 6  # a right Monte Carlo answer is further off once in 500 million
SPREAD_RTOL = 0.3  # of measured variances, whose fourth moments are large
_NOISE = np.linspace(-10, 10, 20_001)
_MASS = np.exp(-0.5 * _NOISE**2)
_MASS /= _MASS.sum()


class _Case(NamedTuple):
    """A function on the line, with a normal q and what `exact` knows of both."""

    words: str
    f: Callable[[Array], Array]
    slope: Callable[[Array], Array]
    mu: float
    sigma: float
    variances: estimators.GradientVariances


def _cases(rng: np.random.Generator) -> Iterator[_Case]:
    """Squares and a sine, such that usual mistakes give numbers that differ."""
    for low, high in ((1.5, 1.65), (0.5, 0.65)):
        mu, sigma = rng.uniform(2.4, 2.6), rng.uniform(low, high)
        yield _Case(
            f"f(z) = z^2, mu = {mu:.2f}, sigma = {sigma:.2f}",
            np.square,
            lambda z: 2 * z,
            mu,
            sigma,
            estimators.gradient_variances(mu, sigma),
        )
    mu, sigma, frequency = rng.uniform(0.2, 0.4), rng.uniform(0.5, 0.65), 1.5
    yield _Case(
        f"f(z) = sin({frequency} z), mu = {mu:.2f}, sigma = {sigma:.2f}",
        lambda z: np.sin(frequency * z),
        lambda z: frequency * np.cos(frequency * z),
        mu,
        sigma,
        estimators.sine_gradient_variances(mu, sigma, frequency),
    )


def _moments(on_grid: Array) -> tuple[float, float]:
    """Mean and variance of what is given for each noise on the grid."""
    mean = _MASS @ on_grid
    return mean, _MASS @ (on_grid - mean) ** 2


def _hold_mean(
    ask: Ask, what: str, estimates: Array, on_grid: Array, slips: dict[str, Array]
) -> None:
    """Hold a mean against what is right, and wrong, for each noise on the grid."""
    right, variance = _moments(on_grid)
    allowed = SPREADS * np.sqrt(variance / DRAWS)
    means = {words: _moments(wrong)[0] for words, wrong in slips.items()}
    ask.close(f"the mean {what}", estimates.mean(), right, allowed, slips=means)


def _hold_variance(
    ask: Ask, what: str, estimates: Array, right: float, slips: dict[str, float]
) -> None:
    slips = {"Return the estimates one by one, not their mean.": 0.0} | slips
    what = f"the variance of {what}"
    ask.close(what, estimates.var(), right, rtol=SPREAD_RTOL, slips=slips)


def check_score_estimates(score_estimates: Any, seed: int | None = None) -> None:
    """Score-function estimates, their mean and variance against the exact ones.

    Args:
        score_estimates: of f, a callable from z (n,) to (n,), the numbers mu and sigma
            of q, n, and a NumPy generator, to n estimates of the slope in mu, (n,).
        seed: of the inputs.
    """
    hint = "Each estimate is a value of f times the score at the same z."
    with asking(score_estimates, "score_estimates", hint, seed) as ask:
        for case in _cases(ask.rng):
            f, mu, sigma, words = case.f, case.mu, case.sigma, case.words
            answer = ask.call(words, f, mu, sigma, DRAWS, ask.rng)
            estimates = ask.array("the estimates", answer, (DRAWS,))
            right = f(mu + sigma * _NOISE) * _NOISE / sigma
            apart = f(_NOISE) * _NOISE / sigma
            slips = {
                "One sigma too many in z, or one too few below the score.": right
                * sigma,
                "One sigma too many below the score.": right / sigma,
                "How wide is q? The score has to know.": right * sigma**2,
                "Those are values of f. Where is the score?": f(mu + sigma * _NOISE),
                "Does a z above mu get likelier or not when mu grows?": -right,
                "f and the score must meet at the same z, drawn from q.": apart,
            }
            _hold_mean(ask, f"estimate ({words})", estimates, right, slips)
            slips = {
                "That is as quiet as the path. Only values of f are allowed.": (
                    case.variances.pathwise
                ),
                "That is as quiet as with a baseline; leave it for later.": (
                    case.variances.score_function_baseline
                ),
            }
            variance = case.variances.score_function
            _hold_variance(ask, f"the estimates ({words})", estimates, variance, slips)
        ask.draws_from_generator(words, f, mu, sigma, 100)


def check_path_estimates(path_estimates: Any, seed: int | None = None) -> None:
    """Pathwise estimates in mu and in logvar, against the exact slopes.

    Args:
        path_estimates: of the slope f', a callable from z (n,) to (n,), the numbers mu
            and logvar of q, n, and a NumPy generator, to the estimates (n,) of the
            slope in mu and those (n,) of the slope in logvar.
        seed: of the inputs.
    """
    hint = "Write z as a function of mu, logvar and epsilon, and use the chain rule."
    with asking(path_estimates, "path_estimates", hint, seed) as ask:
        for case in _cases(ask.rng):
            logvar = 2 * np.log(case.sigma)
            answer = ask.call(case.words, case.slope, case.mu, logvar, DRAWS, ask.rng)
            pair = ask.parts("The estimates in mu and in logvar", answer, 2)
            in_mu = ask.array("the estimates in mu", pair[0], (DRAWS,))
            in_logvar = ask.array("the estimates in logvar", pair[1], (DRAWS,))
            _hold_paths(ask, case, in_mu, in_logvar)
        ask.draws_from_generator(case.words, case.slope, case.mu, logvar, 100)


def _hold_paths(ask: Ask, case: _Case, in_mu: Array, in_logvar: Array) -> None:
    mu, sigma, right = case.mu, case.sigma, case.slope(case.mu + case.sigma * _NOISE)
    no_variance = "What is sigma if logvar is the logarithm of a variance?"
    slips = {
        no_variance: case.slope(mu + sigma**2 * _NOISE),
        "The slope is wanted at z, not at the bare noise.": case.slope(_NOISE),
        "How far does z move if mu moves by one? sigma has no say.": right * sigma,
    }
    _hold_mean(ask, f"slope in mu ({case.words})", in_mu, right, slips)
    what = f"the slopes in mu ({case.words})"
    slips = {no_variance: _moments(slips[no_variance])[1]}
    _hold_variance(ask, what, in_mu, case.variances.pathwise, slips)
    in_sigma = right * _NOISE
    slips = {
        "That is the slope in sigma. How does sigma move with logvar?": in_sigma,
        "sigma is exp(logvar / 2): the half comes down.": sigma * in_sigma,
        "Does sigma itself survive when you differentiate exp(logvar / 2)?": (
            in_sigma / 2
        ),
        no_variance: sigma**2 * in_sigma,
        "How far z moves with logvar depends on its epsilon.": right * sigma / 2,
    }
    right = sigma / 2 * in_sigma
    _hold_mean(ask, f"slope in logvar ({case.words})", in_logvar, right, slips)


def check_leave_one_out(leave_one_out: Any, seed: int | None = None) -> None:
    """The baseline from the other draws: unbiased, and equal to a covariance.

    Args:
        leave_one_out: of values f and scores, both (k, rows), to (rows,).
        seed: of the inputs.
    """
    hint = "The mean of the others is (sum of all, less one's own) / (k - 1)."
    with asking(leave_one_out, "leave_one_out", hint, seed) as ask:
        _ask_for_bias(ask)
        for k, rows in ((2, 6), (5, 3), (2, 1)):
            f, scores = ask.rng.normal(10, 1, (k, rows)), ask.rng.normal(size=(k, rows))
            right = ((f - f.mean(0)) * scores).sum(0) / (k - 1)
            over_rows = ((f - f.mean(1, keepdims=True)) * scores).mean(0)
            tried = f"k = {k} draws, {rows} rows"
            ask.close(
                f"the estimates ({tried})",
                ask.call(tried, f, scores),
                right,
                slips={
                    "A mean over the draws is wanted, not their sum.": k * right,
                    "Your baseline has seen the draw itself. Leave that one out.": (
                        right * (k - 1) / k
                    ),
                    "Nothing has been subtracted from f.": (f * scores).mean(0),
                    "The others are draws of the same row, not other rows.": over_rows,
                    "One number for each row: leave the rows apart.": right.mean(),
                },
            )


def _ask_for_bias(ask: Ask) -> None:
    """Two draws each of z^2, whose mean slope is 2 mu by integration by parts."""
    mu, sigma, k = ask.rng.uniform(1, 2), ask.rng.uniform(0.5, 1), 2
    epsilon = ask.rng.standard_normal((k, DRAWS))
    f, scores = (mu + sigma * epsilon) ** 2, epsilon / sigma
    tried = f"two draws of z^2 for each of {DRAWS:,} rows, mu = {mu:.2f}"
    answer = ask.call(tried, f, scores)
    estimates = ask.array(f"the estimates ({tried})", answer, (DRAWS,))
    # Two draws of z^2 with each other as baseline: as noisy as one with the best c.
    sd = np.sqrt(estimators.gradient_variances(mu, sigma).score_function_baseline)
    ask.close(
        f"their mean ({tried})",
        estimates.mean(),
        2 * mu,
        SPREADS * sd / np.sqrt(DRAWS),
        slips={
            "Your baseline has seen the draw itself: a bias.": mu,
            "A mean over the draws is wanted, not their sum.": 4 * mu,
            "f meets the score of the same draw; its baseline is free of it.": 0.0,
        },
    )


def check_mixture_path(mixture_path: Any, seed: int | None = None) -> None:
    """The slope of a mixture's path in its weight, against numerical inversion.

    Args:
        mixture_path: of z (n,), the weight of the first normal, mu (2,) and sigma (2,),
            to dz/dweight (n,).
        seed: of the inputs.
    """
    hint = "F(z, weight) = u stays as it is. Differentiate that equation in the weight."
    with asking(mixture_path, "mixture_path", hint, seed) as ask:
        for n in (1, 7):
            weight, sigma = ask.rng.uniform(0.3, 0.7), ask.rng.uniform(0.6, 1.2, 2)
            mu = np.array([-1.0, 1.0]) + ask.rng.normal(0, 0.3, 2)
            component = (ask.rng.random(n) > weight).astype(int)
            z = ask.rng.normal(mu[component], sigma[component])
            scaled = (z[:, None] - mu) / sigma
            cdf = ndtr(scaled)
            pdf = np.exp(-0.5 * scaled**2) / (np.sqrt(2 * np.pi) * sigma)
            density = pdf @ np.array([weight, 1 - weight])
            right = np.array([_moved(point, weight, mu, sigma) for point in z])
            tried = f"n = {n}, weight = {weight:.2f}"
            ask.close(
                f"dz/dweight ({tried})",
                ask.call(tried, z, weight, mu, sigma),
                right,
                slips={
                    "If F rises at a fixed z, z must give way: the other sign.": -right,
                    "How steep is F in z? That slope is missing.": right * density,
                    "F is a distribution function, and pdf a density.": (
                        (pdf[:, 1] - pdf[:, 0]) / density
                    ),
                    "The slope of F in z is the density of the mixture: weigh it.": (
                        (cdf[:, 1] - cdf[:, 0]) / pdf.sum(1)
                    ),
                    "With u fixed, some z must move when the weight does.": 0 * right,
                },
            )


def _moved(z: float, weight: float, mu: Array, sigma: Array) -> float:
    """How z moves with the weight at a fixed level of the distribution function."""

    def level(point: float, first: float) -> float:
        both = ndtr((point - mu) / sigma)
        return float(first * both[0] + (1 - first) * both[1])

    step, u = 1e-5, level(z, weight)
    ends = [
        brentq(lambda point, w=w: level(point, w) - u, z - 1, z + 1, xtol=1e-13)
        for w in (weight - step, weight + step)
    ]
    return (ends[1] - ends[0]) / (2 * step)


def check_crossing_frequency(frequency: Any, seed: int | None = None) -> None:
    """From which frequency on the score function wins at every mu, for sigma = 1/2.

    Args:
        frequency: a number c, for f(z) = sin(c z), without a baseline.
        seed: not used; there is one right answer.
    """
    sigma, mus = 0.5, np.linspace(0, np.pi, 721)

    def lead(c: float, sigma: float = sigma) -> float:
        """How much noisier the path is, at the mu where that is least."""
        variances = estimators.sine_gradient_variances(mus / c, sigma, c)
        return float((variances.pathwise - variances.score_function).min())

    hint = "Plot both variances over mu for one c. Where is the path at its best?"
    with asking(frequency, "crossing_frequency", hint, seed) as ask:
        value, right = ask.value(), brentq(lead, 0.5 / sigma, 2 / sigma)
        if abs(value / right - 1) <= 0.01:
            return
        for_one = brentq(lambda c: lead(c, 1.0), 0.5, 2)
        if abs(value / for_one - 1) <= 0.02:
            ask.fail(f"{value:g} does not fit.", "Is that for sigma = 1, or for 1/2?")
        if value > right:
            lower = "A little below it, the score function wins at every mu as well."
            ask.fail(f"{value:g} is too high.", lower)
        ask.fail(f"at c = {value:g} the path still wins for some mu.")
