"""The exercises on lesson 2: two ways to a gradient, and a posterior found by one."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.polynomial.hermite_e import hermegauss
from scipy.optimize import brentq
from scipy.special import gammaln, logsumexp
from scipy.stats import norm
from torch import Tensor
from torch.distributions import Normal

from course_utils.checks.calls import Array, Refusal
from course_utils.checks.examination import Ask, examination
from course_utils.checks.exercise import ROWS, Exercise, moments
from course_utils.checks.seen import outputs_of
from course_utils.checks.torch_tools import gradients, leaf, tensor
from course_utils.exact.estimators import sine_gradient_variances

DRAWS = 20_000
CHANNELS = 40, 50  # of the two spectra of the last exercise
SAME = 1e-5  # means of one seed differ by rounding alone, those of two by 0.01
LOST = 0.07  # nats that a posterior may lose there
ONE_BY_ONE = "Return the estimates one by one, not their mean."


def score_estimates(
    f: Callable[[Array], Array],
    rate: float,
    n: int,
    rng: np.random.Generator,
    score: Callable[[Array, float], Any] = lambda count, rate: count / rate - 1,
) -> Array:
    """A function f of counts (n,), their mean, n, rng -> n estimates of the slope."""
    counts = rng.poisson(rate, n).astype(float)
    return f(counts) * score(counts, rate)


# Functions of counts, in words and as such.
TRIGGER = "1 above 4 counts, else 0", lambda count: np.where(count > 4, 1.0, 0.0)
SATURATION = "min(count, 6)", lambda count: np.minimum(count, 6.0)
COUNT_SQUARE = "count^2", lambda count: np.square(count, dtype=float)


def _counts(rng, counter, rate, n):
    words, f = counter
    rate = rate + rng.uniform(-0.2, 0.2)
    return f"f = {words}, a mean of {rate:.2f}, n = {n:,}", f, rate, n, rng


def _with_baseline(f, rate, n, rng, best=True):
    counts = rng.poisson(rate, n)
    values, score = f(counts), counts / rate - 1
    weights = score**2 if best else np.ones(n)
    return (values - np.average(values, weights=weights)) * score


def _by_moments(f, rate, n, rng, width=np.mean):
    counts = rng.poisson(rate, n)
    return f(counts) * (counts - counts.mean()) / width(counts)


def _one_count_more(f, rate, n, rng):
    counts = rng.poisson(rate, n)
    return f(counts + 1) - f(counts)


def _moments_unless_zero(estimates, *given):
    found = moments(estimates)
    if not np.any(found[1:]):
        raise Refusal("zeros", "the estimates are all zero.")
    return found


check_score_estimates = Exercise(
    score_estimates,
    "Each estimate is a value of f times the score of the same count.",
    _counts,
    # A single count has no moments; of 20, it is saturated, and not lost among zeros.
    cases=(
        (TRIGGER, 3.5, DRAWS),
        (SATURATION, 5.0, DRAWS),
        (SATURATION, 20.0, 1),
        (COUNT_SQUARE, 2.5, DRAWS),
    ),
    gives=("the number of estimates", "their mean", "their variance"),
    rtol={"the number of estimates": 0.0},
    look=_moments_unless_zero,
    slips={
        "The score takes the rate that is given, no average over the draws.": (
            _by_moments,
            partial(_by_moments, width=np.var),
        ),
        "e^-rate depends on the rate, too: what is its share of the score?": (
            partial(score_estimates, score=lambda count, rate: count / rate)
        ),
        "Differentiate count * log(rate) once more: the rate goes below.": (
            partial(score_estimates, score=lambda count, rate: count - rate)
        ),
        "For counts the variance is the rate, not its square.": (
            partial(score_estimates, score=lambda n, rate: (n - rate) / rate**2)
        ),
        "That is counted in standard deviations; what is the slope of log q?": (
            partial(score_estimates, score=lambda n, rate: (n - rate) / rate**0.5)
        ),
        "Those are values of f. Where is the score?": (
            partial(score_estimates, score=lambda count, rate: 1.0)
        ),
        "f and the score must meet at the same count.": (
            lambda f, rate, n, rng: (
                f(rng.poisson(rate, n)) * (rng.poisson(rate, n) / rate - 1)
            )
        ),
        "True on average, by a rule for counts alone; the score is wanted.": (
            _one_count_more
        ),
        "That is as quiet as with a baseline; leave it for later.": (
            _with_baseline,
            partial(_with_baseline, best=False),
        ),
    },
    changes={
        "Does a high count get likelier or not when the rate grows?": (
            lambda values: -values
        ),
        ONE_BY_ONE: lambda values: values.mean() + 0 * values,
    },
)


# A function of an activity, in words and as such, and its slope.
DEAD_TIME = "z/(1 + z)", lambda z: z / (1 + z), lambda z: (1 + z) ** -2.0
SINE = "sin(1.5 z)", lambda z: np.sin(1.5 * z), lambda z: 1.5 * np.cos(1.5 * z)


def path_estimates(
    slope: Callable[[Array], Array],
    mu: float,
    logvar: float,
    n: int,
    rng: np.random.Generator,
    half: float = 0.5,
    shift: Callable[[float, Array], Array | float] = lambda sigma, noise: (
        sigma * noise / 2
    ),
) -> tuple[Array, Array]:
    """The slope of f at z (n,), mu, logvar, n, rng -> estimates in both, (n,) each.

    q is log-normal.
    """
    sigma, noise = np.exp(half * logvar), rng.standard_normal(n)
    z = np.exp(mu + sigma * noise)
    pull = slope(z) * z
    return pull, pull * shift(sigma, noise)


def _slopes(rng, curve, mu, sigma, n):
    mu, sigma = mu + rng.uniform(-0.1, 0.1), sigma + rng.uniform(0, 0.15)
    words = f"f(z) = {curve[0]}, mu = {mu:.2f}, sigma = {sigma:.2f}, n = {n:,}"
    return words, curve[2], mu, 2 * np.log(sigma), n, rng


def _without_the_exponential(at):
    """Estimates with the slope taken where `at` says, of mu, sigma and noise."""

    def estimates(slope, mu, logvar, n, rng):
        sigma, noise = np.exp(logvar / 2), rng.standard_normal(n)
        pull = slope(at(mu + sigma * noise))
        return pull, pull * sigma * noise / 2

    return estimates


def _moments_of_both(pair, *arguments):
    both = outputs_of(("the estimates in mu", "those in logvar"), pair)
    return [moment for estimates in both.values() for moment in moments(estimates)]


check_path_estimates = Exercise(
    path_estimates,
    "Write z as a function of mu, logvar and epsilon, and use the chain rule.",
    _slopes,
    cases=(
        (DEAD_TIME, 0.8, 0.8, DRAWS),
        (DEAD_TIME, 0.8, 0.8, 1),
        (SINE, 0.3, 0.4, DRAWS),
    ),
    gives=tuple(
        f"the {moment} of the estimates in {parameter}"
        for parameter in ("mu", "logvar")
        for moment in ("number", "mean", "variance")
    ),
    rtol={f"the number of the estimates in {name}": 0.0 for name in ("mu", "logvar")},
    look=_moments_of_both,
    slips={
        "What is sigma if logvar is the logarithm of a variance?": (
            partial(path_estimates, half=1.0),
            partial(path_estimates, half=1.0, shift=lambda sigma, noise: sigma * noise),
            partial(path_estimates, shift=lambda sigma, noise: sigma**2 * noise),
        ),
        "The slope is wanted at z, not at the bare noise.": (
            lambda slope, m, v, *r: path_estimates(slope, 0.0, 0.0, *r)
        ),
        "How far does z move with its logarithm? The chain has a link more.": (
            _without_the_exponential(np.exp)
        ),
        "mu + sigma epsilon is the logarithm of z.": (
            _without_the_exponential(lambda log_z: log_z)
        ),
        "How far does log z move if mu moves by one? sigma has no say.": (
            lambda slope, m, v, *r: [
                np.exp(v / 2) * part for part in path_estimates(slope, m, v, *r)
            ]
        ),
        "That is the slope in sigma. How does sigma move with logvar?": (
            partial(path_estimates, shift=lambda sigma, noise: noise)
        ),
        "sigma is exp(logvar / 2): the half comes down.": (
            partial(path_estimates, shift=lambda sigma, noise: sigma * noise)
        ),
        "Does sigma itself survive when you differentiate exp(logvar / 2)?": (
            partial(path_estimates, shift=lambda sigma, noise: noise / 2)
        ),
        "How far log z moves with logvar depends on its epsilon.": (
            partial(path_estimates, shift=lambda sigma, noise: sigma / 2)
        ),
    },
    changes={
        ONE_BY_ONE: lambda *pair: [part.mean() + 0 * part for part in pair],
        "The estimates in mu come first.": lambda in_mu, in_logvar: (in_logvar, in_mu),
    },
)


def leave_one_out(f: Array, scores: Array) -> Array:
    """Values f and scores, both (k, rows), draws first -> (rows,)."""
    return ((f - f.mean(0)) * scores).sum(0) / (len(f) - 1)  # a covariance


def _draws(rng, k, rows):
    words = f"k = {k} draws, {rows} rows"
    return words, rng.normal(10, 1, (k, rows)), rng.normal(size=(k, rows))


check_leave_one_out = Exercise(
    leave_one_out,
    "Take one row and k = 3, and write all three terms out.",
    _draws,
    cases=((5, 3), (2, 6), (2, 1)),
    gives="the estimates",
    slips={
        "A mean over the draws is wanted, not their sum.": (
            lambda f, s: len(f) * leave_one_out(f, s)
        ),
        "Your baseline has seen the draw itself: a bias. Leave that one out.": (
            lambda f, s: ((f - f.mean(0)) * s).mean(0)
        ),
        "Your baseline divides by k - 1, but has all k values in its sum.": (
            lambda f, s: ((f - f.sum(0) / (len(f) - 1)) * s).mean(0)
        ),
        "Nothing has been subtracted from f.": lambda f, s: (f * s).mean(0),
        "The others are draws of the same row, not other rows.": (
            lambda f, s: ((f - f.mean(1, keepdims=True)) * s).mean(0)
        ),
        "f meets the score of the same draw; its baseline is free of it.": (
            lambda f, s: (f - f.mean(0)).mean(0) * s.mean(0)
        ),
    },
    changes=ROWS,
)


def surrogate(
    f: Callable[[Tensor], Tensor],
    mu: Tensor,
    logvar: Tensor,
    epsilon: Tensor,
    f_rests: bool = True,
    z_rests: bool = True,
    half: float = 0.5,
) -> Tensor:
    """A function f from z (n, k) to (n,), mu, logvar (k,), epsilon (n, k) -> a number.

    Its gradient is the score function's estimate.
    """
    sigma = torch.exp(half * logvar)
    z = mu + sigma * epsilon
    values = f(z).detach() if f_rests else f(z)
    log_q = Normal(mu, sigma).log_prob(z.detach() if z_rests else z).sum(-1)
    return (values * log_q).mean()


def _smooth(z):
    return torch.sin(2 * z + 1).sum(-1)


def _step(z):
    return 1 + (z.sum(-1) > 0).to(z.dtype)


def _inputs(rng, f, n, k, far=0.0):
    """Far variances are e^far or e^-far; then mu is small, so that z keeps epsilon."""
    mu, logvar, epsilon = (
        rng.normal(size=k),
        rng.normal(size=k),
        rng.normal(size=(n, k)),
    )
    words = f"a {f.__name__[1:]} function as f, n = {n}, k = {k}"
    if far:
        mu, logvar = mu / 100, np.copysign(far, logvar)
        epsilon = np.copysign(0.5 + np.abs(epsilon), epsilon)
        words += f", logvar = {far:g} or {-far:g}"
    return words, f, leaf(mu), leaf(logvar), tensor(epsilon)


def _gradients_alone(call, arguments):
    """A `watch` for which a value matters by its gradients and its shape only."""
    outputs, seen = gradients()(call, arguments)
    return {what: 0 * value.detach() for what, value in outputs.items()}, seen


check_surrogate = Exercise(
    surrogate,
    "z is made of the given epsilon. Then `detach` what must not be differentiated.",
    _inputs,
    # A density of 600 dimensions is zero to a computer; its logarithm is not.
    cases=((_smooth, 6, 2), (_smooth, 1, 3), (_step, 9, 2), (_step, 1, 600, 8.0)),
    gives="the surrogate",
    watch=_gradients_alone,
    slips={
        "f keeps its path, and its gradient flows as well.": (
            partial(surrogate, f_rests=False)
        ),
        "Inside log q, z still moves with mu and logvar.": (
            partial(surrogate, z_rests=False)
        ),
        "Neither f nor z stands still.": (
            partial(surrogate, f_rests=False, z_rests=False)
        ),
        "That is the path: it asks f for a slope.": (
            lambda f, m, v, e: f(m + torch.exp(v / 2) * e).mean()
        ),
        "Normal wants a standard deviation; exp(logvar) is a variance.": (
            partial(surrogate, half=1.0)
        ),
        "A mean over the n draws is wanted, not their sum.": (
            lambda f, m, v, e: surrogate(f, m, v, e) * len(e)
        ),
        "Logarithms of independent densities add over the k dimensions.": (
            lambda f, m, v, e: surrogate(f, m, v, e) / len(m)
        ),
    },
    changes={
        "backward should give the gradient itself, not its negative.": lambda s: -s,
        "What in the surrogate knows mu, if f must not?": lambda s: s.detach(),
    },
)


def mixture_path(
    z: Array,
    weight: float,
    mu: Array,
    sigma: Array,
    curve: Callable[..., Array] = norm.cdf,
    weighs: bool = True,
) -> Array:
    """Points z (n,), weight of the first, mu (2,), sigma (2,) -> dz/dweight (n,)."""
    first, second = curve(z[:, None], mu, sigma).T
    weights = [weight, 1 - weight] if weighs else [1, 1]
    return (second - first) / (norm.pdf(z[:, None], mu, sigma) @ weights)


def _mixture(rng, n):
    weight, sigma = rng.uniform(0.3, 0.7), rng.uniform(0.6, 1.2, 2)
    mu = np.array([-1.0, 1.0]) + rng.normal(0, 0.3, 2)
    component = (rng.random(n) > weight).astype(int)
    z = rng.normal(mu[component], sigma[component])
    return f"n = {n}, weight = {weight:.2f}", z, weight, mu, sigma


check_mixture_path = Exercise(
    mixture_path,
    "F(z, weight) = u stays as it is. Differentiate that equation in the weight.",
    _mixture,
    cases=(7, 1),
    gives="dz/dweight",
    slips={
        "How steep is F in z? That slope is missing.": (
            lambda z, w, *normals: np.diff(norm.cdf(z[:, None], *normals))[:, 0]
        ),
        "F is a distribution function, and pdf a density.": (
            partial(mixture_path, curve=norm.pdf)
        ),
        "The slope of F in z is the density of the mixture: weigh it.": (
            partial(mixture_path, weighs=False)
        ),
        "The weight is that of the first normal.": (
            lambda z, w, *normals: mixture_path(z, 1 - w, *normals)
        ),
    },
    changes={
        "If F rises at a fixed z, z must give way: the other sign.": lambda dz: -dz,
        "With u fixed, some z must move when the weight does.": lambda dz: 0 * dz,
    },
)


def crossing_frequency(
    sigma: float = 0.5, over_mu: Callable[[Array], Array] = np.min
) -> float:
    """A number c: from which on the score function wins at every mu for sin(c z)."""
    phases = np.linspace(0, np.pi, 721)

    def lead(c):
        """How much noisier the path is, at the mu where that is least."""
        variances = sine_gradient_variances(phases / c, sigma, c)
        return over_mu(variances.pathwise - variances.score_function)

    return brentq(lead, 0.5 / sigma, 2 / sigma)


check_crossing_frequency = Exercise(
    crossing_frequency,
    "Plot both variances over mu for one c. Where is the path at its best? A little "
    "below your c it should still win there.",
    rtol=0.01,
    slips={
        "Is that for sigma = 1, or for 1/2?": lambda: crossing_frequency(sigma=1.0),
        "There the score function begins to win, at some mu; wanted is every mu.": (
            lambda: crossing_frequency(over_mu=np.max)
        ),
        "There the two are equal on an average over mu; wanted is every mu.": (
            lambda: crossing_frequency(over_mu=np.mean)
        ),
    },
)


@examination(
    "fit_lines",
    "Write log p(x, z) for a few rows of z, and its mean over z = m + L epsilon. What "
    "does q bring beside it?",
    seconds=20.0,
)
def check_fit_lines(ask: Ask) -> None:
    """Counts (c,), profiles (2, c), background, spread, seed -> mean, cov (2, 2)."""
    for channels in CHANNELS:
        spectrum, z = _two_lines(ask.rng, channels)
        words = f"{channels} channels, {spectrum[0].sum():.0f} counts"
        seed = int(ask.rng.integers(1 << 30))
        mean, cov = _asked(ask, words, spectrum, seed)
        if np.abs(cov - cov.T).max() > 1e-4 * np.abs(cov).max():
            ask.fail(
                "a covariance is symmetric, and this one is not.",
                "Is that L, or L L^T?",
            )
        if np.linalg.eigvalsh(cov)[0] <= 0:
            ask.fail("this covariance has a direction without any width.")
        bound = _bound_of_lines(spectrum, mean, cov)
        lost = np.nan_to_num(_evidence_of_lines(spectrum, z) - bound, nan=np.inf)
        # Ten seeds. Healthy, of three programs: 0.005 to 0.026 (once, of other spectra,
        # 0.067). Sick, the worse of two spectra: half of the entropy from 0.082, one
        # draw a step from 0.096, half of the covariance from 0.15, no slant from 0.26,
        # a prior of width 1 from 0.26, no prior from 0.30, 100 steps from 0.6.
        if not lost < LOST:
            ask.fail(
                f"q loses {lost:.3g} nats of log p(x) ({words}). No more than {LOST} "
                "may be lost.",
                _hint_on_lines(cov, lost),
            )

    again, other = (_asked(ask, words, spectrum, s) for s in (seed, seed + 1))
    if np.abs(again[0] - mean).max() > SAME:
        ask.fail("two calls with one seed gave two q.", "All chance is that of `seed`.")
    if np.abs(other[0] - mean).max() < SAME:
        ask.fail("two seeds gave one q.", "What is drawn has to depend on `seed`.")


def _hint_on_lines(cov, lost):
    """What a covariance or a small loss says; None if they say nothing."""
    if abs(cov[0, 1]) < 0.05 * (cov[0, 0] * cov[1, 1]) ** 0.5:
        return "If one line were stronger, what of the other? q may lie at a slant."
    if lost < 2 * LOST:
        return "That is near. Do the last steps still jump about? Make them smaller."
    return None


def _asked(ask, words, spectrum, seed):
    came = ask.call(words, *spectrum, seed)
    return ask.arrays(came, {"the mean": (2,), "the covariance": (2, 2)})


def _two_lines(rng, channels):
    """Counts, profiles, background and spread of a spectrum, and the z that made it.

    One line is strong and the other weak, so that the prior has something to say.
    """
    place, middle = np.arange(channels) + 0.5, channels / 2 + rng.uniform(-2, 2)
    lines = middle + rng.uniform(2.7, 3.3) * np.array([-0.5, 0.5])
    strength = rng.uniform(400, 600, (2, 1))  # expected counts of each
    profiles = strength * norm.pdf(place, lines[:, None], 3.0)
    background, spread = rng.uniform(2, 10), rng.uniform(0.2, 0.3)
    z = spread * rng.uniform(1.2, 1.8, 2) * rng.permutation([-1, 1])
    counts = rng.poisson(background + np.exp(z) @ profiles).astype(float)
    return (counts, profiles, background, spread), z


def _log_joint_of_lines(spectrum, z):
    """Of z (n, 2), (n,)."""
    counts, profiles, background, spread = spectrum
    rates = background + np.exp(z) @ profiles
    of_counts = np.log(rates) @ counts - rates.sum(1) - gammaln(counts + 1).sum()
    return of_counts + norm.logpdf(z, 0, spread).sum(1)


def _plane(points):
    """All pairs of points, (n * n, 2)."""
    return np.stack(np.meshgrid(points, points), -1).reshape(-1, 2)


def _evidence_of_lines(spectrum, z):
    """The integral as a sum over points around the true z, where the posterior is."""
    steps = np.linspace(-1.5, 1.5, 201)
    log_joint = _log_joint_of_lines(spectrum, z + _plane(steps))
    return logsumexp(log_joint) + 2 * np.log(steps[1] - steps[0])


def _bound_of_lines(spectrum, mean, cov):
    """The ELBO, by Gauss and Hermite's rule with 24 nodes each way."""
    nodes, weights = hermegauss(24)
    weights = np.prod(_plane(weights / weights.sum()), axis=1)
    z = mean + _plane(nodes) @ np.linalg.cholesky(cov).T
    entropy = 0.5 * np.linalg.slogdet(2 * np.pi * np.e * cov)[1]
    with np.errstate(over="ignore", invalid="ignore"):
        return weights @ _log_joint_of_lines(spectrum, z) + entropy
