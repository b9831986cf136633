"""The exercises on lesson 12: guesses, bounds, samplers and scores of a diffusion."""

import math
from collections.abc import Callable
from functools import partial
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from course_utils.checks.compton import judge_denoiser
from course_utils.checks.examination import Ask, examination
from course_utils.checks.exercise import Exercise
from course_utils.exact.diffusion import Mixture1D

Velocity = Callable[[NDArray, float], NDArray]  # of points (n,) at one time

# Sets that an answer gets, and those whose plain distances tell their mean.
SETS, USUAL = 40, 2_000
# What may be left of a plain distance's bias, and the scatter over that of plain ones.
# Over seeds 0 to 29, halves left -0.14 to 0.08 and had up to 1.2; one split into halves
# -0.20 to 0.19 and 1.7; halves with thirds -0.18 to 0.14 and 1.5. Over seeds 0 to 9, a
# line in 1 / n left -0.13 to 0.07; of sick ones, 1.6 F - 0.6 F of halves 0.34 to 0.43
# and, of narrow features, F less the floor of real ones in their unit 0.54 to 0.60, and
# less twice the trace over n 0.57 to 0.61. A plain distance has 1 and 1.
MOST_BIAS, MOST_SCATTER = 1 / 3, 2.0
NARROW = 0.4  # the width of narrow features
NEAR_0 = 0.1  # of a plain distance's bias: below it estimates have either sign
KINDS = (  # words, samples of each set, real ones, features, are the samples' narrow?
    ("features like the real ones", 121, 3_000, 6, False),
    ("narrow features, and real ones along few directions", 101, 1_500, 14, True),
    ("more samples than real ones", 300, 200, 4, False),
)


def best_guesses(
    x_t: NDArray, a: float, b: float, mean: float, sigma: float
) -> tuple[NDArray, NDArray, float, float]:
    """Points a x + b epsilon (n,), a, b, the data's mean and sigma -> the best guesses.

    Of x and of epsilon, (n,), and the mean squared error of each.
    """
    variance = (a * sigma) ** 2 + b**2
    scaled = (x_t - a * mean) / variance
    x = mean + a * sigma**2 * scaled
    return x, b * scaled, (b * sigma) ** 2 / variance, (a * sigma) ** 2 / variance


def _on_path(rng, words, a, b):
    a, b = (rng.uniform(*ends) for ends in (a, b))
    mean, sigma = rng.uniform(1, 3) * rng.choice([-1, 1]), rng.uniform(0.5, 2)
    x = mean + sigma * rng.standard_normal(6)
    x_t = a * x + b * rng.standard_normal(6)
    described = f"{words}: a = {a:.3g}, b = {b:.3g}, N({mean:.2f}, {sigma:.2f}^2)"
    return described, x_t, a, b, mean, sigma


def _divided_by(noise):
    """One guess from the other, by a division that may be one by 0."""

    def answer(x_t, a, b, mean, sigma):
        x, epsilon, *errors = best_guesses(x_t, a, b, mean, sigma)
        with np.errstate(all="ignore"):
            if noise:
                return x, (x_t - a * x) / np.float64(b), *errors
            return (x_t - b * epsilon) / np.float64(a), epsilon, *errors

    return answer


check_best_guesses = Exercise(
    best_guesses,
    "x and x_t are normal together. What is their covariance, and what is the line of "
    "one on the other?",
    _on_path,
    cases=(
        ("a path", (0.3, 0.9), (1.2, 2.0)),
        ("much noise", (0.9, 1.1), (30, 80)),
        ("a strong signal", (3, 5), (0.2, 0.6)),
        ("noise alone", (0, 0), (0.5, 1.5)),
        ("no noise", (0.5, 1.5), (0, 0)),
    ),
    gives=(
        "the guess of x",
        "the guess of epsilon",
        "the error of x",
        "the error of epsilon",
    ),
    slips={
        "The data have a mean, and it is the guess where noise hides all.": (
            lambda x_t, a, b, mean, sigma: best_guesses(x_t, a, b, 0.0, sigma)
        ),
        "The mean of x_t is a times that of x.": lambda x_t, a, b, mean, sigma: (
            best_guesses(x_t + (a - 1) * mean, a, b, mean, sigma)
        ),
        "sigma is a standard deviation. Which variance has a sigma?": (
            lambda x_t, a, b, mean, sigma: best_guesses(x_t, a, b, mean, sigma**0.5)
        ),
        "The noise in x_t has the width b.": lambda x_t, a, b, mean, sigma: (
            best_guesses(x_t, a, b**0.5, mean, sigma)
        ),
        "A path need not be a circle: a^2 + b^2 may be any number.": (
            lambda x_t, a, b, mean, sigma: best_guesses(
                x_t, a, math.sqrt(abs(1 - a**2)), mean, sigma
            )
        ),
        "a belongs to the signal and b to the noise.": lambda x_t, a, b, mean, sigma: (
            best_guesses(x_t, b, a, mean, sigma)
        ),
        "0 / 0 is no guess. Put one formula into the other, and reduce the fraction.": (
            _divided_by(noise=True),
            _divided_by(noise=False),
        ),
        "That takes x_t for noiseless. How far do you trust it?": (
            lambda x_t, a, b, *data: (
                x_t / np.float64(a),
                *best_guesses(x_t, a, b, *data)[1:],
            )
        ),
    },
    changes={
        "The errors are squared.": lambda x, e, *two: (x, e, *np.sqrt(two)),
        "What is left of the variance, and not what the guess explains: of x and of "
        "epsilon.": lambda x, e, of_x, of_e: (x, e, of_e, of_x),
    },
)


def translate(
    velocity: Velocity,
    y: NDArray,
    a: float,
    b: float,
    time: Callable[[float, float], float] = lambda a, b: b / (a + b),
    scale: Callable[[float, float], float] = lambda a, b: a + b,
    sign: float = 1.0,
    width: Callable[[float, float], float] = lambda a, b: b,
) -> tuple[NDArray, NDArray, NDArray]:
    """A velocity of the straight path, y = a x + b epsilon (n,), a, b -> three guesses.

    Of x, of epsilon, and of the score of y, (n,) each.
    """
    t, x_t = time(a, b), y / scale(a, b)
    v = sign * velocity(x_t, t)
    x, epsilon = x_t - t * v, x_t + (1 - t) * v
    return x, epsilon, -epsilon / width(a, b)


def _mixture(rng):
    """Two lines of a spectrum, in a unit in which they are some units apart."""
    share = rng.uniform(0.3, 0.7)
    means, sigmas = np.array([-1, 1]) * rng.uniform(0.8, 2, 2), rng.uniform(0.3, 0.7, 2)
    return Mixture1D(np.array([share, 1 - share]), means, sigmas)


def _straight(mixture):
    """The best velocity on the straight path."""

    def velocity(x_t, t):
        a, b = 1 - t, t
        length = np.hypot(a, b)
        where = np.asarray(x_t) / length, 2 / np.pi * np.arctan2(b, a)
        return mixture.noise(*where) - mixture.denoised(*where)

    return velocity


def _elsewhere(rng, words, a, b):
    mixture = _mixture(rng)
    y = a * mixture.sample(6, int(rng.integers(1 << 30))) + b * rng.standard_normal(6)
    return f"{words}: a = {a:.3g}, b = {b:.3g}", _straight(mixture), y, a, b


def _by_division(velocity, y, a, b):
    """The guess of x from that of epsilon, which may be 0 / 0."""
    _, epsilon, score = translate(velocity, y, a, b)
    with np.errstate(all="ignore"):
        return (y - b * epsilon) / np.float64(a), epsilon, score


check_translate = Exercise(
    translate,
    "Three parts, one after the other: the point of the straight path that y becomes, "
    "what v says of x and of epsilon there, and the slope of the log-density of y.",
    _elsewhere,
    cases=(
        ("on a circle", math.cos(0.6), math.sin(0.6)),
        ("noise that explodes", 1.0, 4.0),
        ("a weak signal", 0.05, 0.3),
        ("noise alone", 0.0, 1.7),
        ("hardly any noise", 2.0, 0.02),
    ),
    gives=("the guess of x", "the guess of epsilon", "the score of y"),
    slips={
        "The network knows points of the straight path. What is y, there?": (
            partial(translate, scale=lambda a, b: 1.0)
        ),
        "That t is the circle's. The straight path is to have the same a / b.": (
            partial(translate, time=lambda a, b: 2 / np.pi * np.arctan2(b, a))
        ),
        "Noise t and signal 1 - t: which t has the ratio of b and a?": (
            partial(translate, time=lambda a, b: min(b, 1.0)),
            partial(translate, time=lambda a, b: b**2 / (a**2 + b**2)),
        ),
        "t goes from data to noise.": partial(translate, time=lambda a, b: a / (a + b)),
        "Is that point on the straight path? There signal and noise have the sum 1.": (
            partial(translate, scale=np.hypot)
        ),
        "v = epsilon - x: which way does it point?": partial(translate, sign=-1.0),
        "That is the score of the straight path's point. y is larger or smaller.": (
            partial(translate, width=lambda a, b: b / (a + b))
        ),
        "The score has one more factor. How does the noise enter in y?": (
            partial(translate, width=lambda a, b: 1.0),
            partial(translate, width=lambda a, b: b * b),
            partial(translate, width=lambda a, b: a + b),
            partial(translate, width=lambda a, b: 1 / (a + b)),
        ),
        "0 / 0 is no guess. v alone leads from x_t to x, without a division by a.": (
            _by_division
        ),
        "The score points to where data are, against the noise.": (
            partial(translate, width=lambda a, b: -b)
        ),
    },
)


def chain_costs(
    errors: NDArray,
    a: NDArray,
    b: NDArray,
    variances: NDArray,
    second: float,
    known: NDArray | None = None,
    later: bool = True,
    snr: Callable[[NDArray, NDArray], NDArray] = lambda a, b: (a / b) ** 2,
) -> tuple[float, float, float]:
    """Errors of x, a, b and decoder's variances (T,), E[x^2] -> the costs of a chain.

    Mean nats of the prior, of all steps but the last, and of the last one, to the data.
    Their sum is minus the bound. Place 0 is the time next to the data.
    """
    signal = snr(a, b)
    gain = signal[:-1] - signal[1:]
    if known is None:
        known = _known(a, b)
    w, m = variances[1:], errors[1:] if later else errors[:-1]
    steps = 0.5 * (np.log(w / known) + known / w - 1 + gain * m * known / w)
    last = 0.5 * (np.log(2 * np.pi * variances[0]) + errors[0] / variances[0])
    prior = 0.5 * (a[-1] ** 2 * second + b[-1] ** 2 - 1 - 2 * np.log(b[-1]))
    return float(prior), float(steps.sum()), float(last)


def _known(a, b):
    """The variances of x_s given x_t and x."""
    ratio = a[1:] * b[:-1] / (a[:-1] * b[1:])
    return b[:-1] ** 2 * (1 - ratio**2)


def _chain(rng, words, steps, end, widened):
    """Errors near the least ones, on a path from nearly data to something noisy."""
    angle = np.sort(rng.uniform(0.1, 1.2, steps))
    angle += 0.02 * np.arange(steps) / steps
    radius = rng.uniform(0.8, 1.5, steps)
    a, b = radius * np.cos(angle), radius * np.sin(angle)
    a[-1], b[-1] = end
    second = rng.uniform(1.5, 3)
    errors = 1.2 * second / (1 + second * (a / b) ** 2)
    known = np.concatenate([[errors[0]], _known(a, b)])
    gain = np.concatenate([[0.0], -np.diff((a / b) ** 2)])
    best = known * (1 + gain * errors)
    variances = {
        "best": best,
        "the known": known,
        "some": best * rng.uniform(0.5, 2, steps),
    }
    described = f"a chain of {steps} on {words}, the decoder with {widened} variances"
    return described, errors, a, b, variances[widened], second


def _other(place, change):
    """The right costs, but for one."""

    def answer(*arguments):
        costs = list(chain_costs(*arguments))
        costs[place] = change(*arguments)
        return tuple(costs)

    return answer


def _steps(errors, a, b, variances, fault):
    """A sum over the steps, where log(w / beta), beta / w and the error's term come."""
    beta, w = _known(a, b), variances[1:]
    far = -np.diff((a / b) ** 2) * errors[1:]
    return float(0.5 * fault(w / beta, far).sum())


def _way_there(errors, a, b, variances, second):
    """The variance of x_t given x_s."""
    there = b[1:] ** 2 - (a[1:] / a[:-1] * b[:-1]) ** 2
    return chain_costs(errors, a, b, variances, second, there)


def _with_known(errors, a, b, variances, second):
    variances = np.concatenate([variances[:1], _known(a, b)])
    return chain_costs(errors, a, b, variances, second)


def _has_none_for_no_step(costs, errors, *arguments):
    """Whether the steps' cost of a chain of one step is None, and others are there."""
    is_three = isinstance(costs, tuple | list) and len(costs) == 3
    return is_three and len(errors) == 1 and costs[1] is None and costs[0] is not None


check_chain_costs = Exercise(
    chain_costs,
    "All three are about normal distributions. Take the one that is named above by "
    "itself: which means, which variances, and a mean over what?",
    _chain,
    cases=(
        ("a bent path", 5, (0.3, 1.3), "some"),
        ("a path to pure noise", 4, (0.0, 1.0), "the known"),
        ("a path to pure noise", 200, (0.0, 1.0), "best"),
        ("a path of one step", 1, (0.4, 0.8), "some"),
    ),
    gives=("the prior's cost", "the steps' cost", "the last step's cost"),
    slips={
        "The decoder has its own variance, and it need not be beta.": _with_known,
        "beta is the variance on the way back, when x is known, too.": _way_there,
        "A step from t to s has the error of the guess at t.": (
            partial(chain_costs, later=False)
        ),
        "variances[k] belongs to the step that begins at place k, as errors[k] does.": (
            _other(1, lambda e, a, b, w, m: chain_costs(e, a, b, np.roll(w, 1), m)[1])
        ),
        "SNR is a ratio of variances.": partial(chain_costs, snr=lambda a, b: a / b),
        "Two normal distributions of other variances: their ratio counts as well.": (
            _other(
                1,
                lambda e, a, b, w, m: _steps(e, a, b, w, lambda r, far: far / r),
            )
        ),
        "The decoder's variance divides the squared distance of the means, too.": (
            _other(
                1,
                lambda e, a, b, w, m: _steps(
                    e, a, b, w, lambda r, far: np.log(r) + 1 / r - 1 + far
                ),
            )
        ),
        "KL(q || p): the mean is over q.": _other(
            1,
            lambda e, a, b, w, m: _steps(
                e, a, b, w, lambda r, far: r - 1 - np.log(r) + far
            ),
        ),
        "The bound has a sum over the steps, and no mean.": _other(
            1, lambda *x: chain_costs(*x)[1] / max(len(x[0]) - 1, 1)
        ),
        "All steps count but the last, which has a cost of its own.": _other(
            1, lambda e, a, b, w, m: chain_costs(e[1:], a[1:], b[1:], w[1:], m)[1]
        ),
        "Where the path ends something of x may be left, and noise of another width.": (
            _other(0, lambda *x: 0.0)
        ),
        "The squared mean of x_1 is a^2 x^2.": _other(
            0, lambda e, a, b, w, m: chain_costs(e, np.sqrt(a), b, w, m)[0]
        ),
        "A density has its 2 pi.": _other(
            2, lambda e, a, b, w, m: chain_costs(e, a, b, w, m)[2] - 0.919
        ),
        "The last step's variance is given, and the error is another number.": _other(
            2, lambda e, a, b, w, m: chain_costs(e, a, b, e, m)[2]
        ),
        "The last step leads to the data: it begins at place 0.": _other(
            2, lambda e, a, b, w, m: chain_costs(e[::-1], a, b, w[::-1], m)[2]
        ),
        "An error alone is no log-density: divide by twice the variance, and more.": (
            _other(2, lambda e, *rest: e[0])
        ),
    },
    changes={
        "Costs: what is taken away from the bound.": lambda *three: tuple(
            -cost for cost in three
        ),
        "Nats have the natural logarithm.": lambda *three: tuple(
            cost / np.log(2) for cost in three
        ),
        "Where is the factor one half?": lambda *three: tuple(
            2 * cost for cost in three
        ),
    },
    refuse={
        "with T = 1 there is no step but the last one, and None came for what the "
        "steps cost. A sum of nothing is a number.": _has_none_for_no_step
    },
)


def nats(
    losses: NDArray,
    log_snr: NDArray,
    size: int,
    unit: float,
    start: float = 0.5 * math.log(2 * math.pi * math.e),
    half: float = 0.5,
    floor: Callable[[NDArray], NDArray] = expit,
    integral: Callable[[NDArray, NDArray], float] = np.trapezoid,
) -> float:
    """Losses and log-SNR (n,), in any order, size, unit -> mean nats of -log p.

    Of an object of `size` numbers that were divided by `unit` before the training.
    """
    order = np.argsort(log_snr)
    excess = (losses - floor(log_snr))[order]
    return size * (start + half * integral(excess, log_snr[order]) + math.log(unit))


def _losses(rng, words, size, unit, order, widths):
    """Those of the best guess of normal data, and a bump on top: they rise and fall."""
    t = np.sort(rng.uniform(0, 1, 4_000))
    log_snr = -2 * np.log(np.tan(np.pi / 2 * (0.001 + 0.998 * t)))
    width, centre = rng.uniform(*widths), rng.uniform(2, 5)
    bump = rng.uniform(0.3, 0.6) * np.exp(-0.5 * (log_snr - centre) ** 2)
    losses = expit(log_snr + 2 * np.log(width)) + bump
    rows = {
        "sorted by t": t,
        "sorted by log-SNR": log_snr,
        "unsorted": rng.random(len(t)),
    }[order]
    chosen = np.argsort(rows)
    described = f"{words}, unit {unit:g}, {order}"
    return described, losses[chosen], log_snr[chosen], size, unit


def _in_place(losses, log_snr, size, unit, share=0.5, width=np.diff):
    """A sum over the points in the order in which they come.

    Each width counts with a mean of its two ends; a share of 0 or 1 takes one of them.
    """
    excess = losses - expit(log_snr)
    heights = (1 - share) * excess[:-1] + share * excess[1:]
    start = 0.5 * math.log(2 * math.pi * math.e)
    whole = (heights * width(log_snr)).sum()
    return size * (start + 0.5 * whole + math.log(unit))


def _distances(log_snr):
    return np.abs(np.diff(log_snr))


def _of(area):
    """Nats with something else of the area under the excess."""
    return partial(nats, integral=lambda *points: area(np.trapezoid(*points)))


def _range_times_mean(excess, log_snr):
    return excess.mean() * np.ptp(log_snr)


def _even_in_time(excess, log_snr):
    """As if the usual loss, an even mean over t, were the integral."""
    return excess.mean()


check_nats = Exercise(
    nats,
    "Draw the excess over log-SNR, and estimate its area by eye. Then take the parts "
    "one by one: the area, what a normal distribution has, the unit, the size.",
    _losses,
    cases=(
        ("an energy", 1, 1.0, "sorted by log-SNR", (1.5, 3)),
        ("an energy in keV", 1, 40.0, "sorted by t", (0.15, 0.35)),
        ("images of 784 numbers", 784, 127.5, "unsorted", (1.5, 3)),
        ("a track of 6 numbers", 6, 0.02, "sorted by t", (0.15, 0.35)),
    ),
    gives="the nats",
    rtol=2e-3,
    slips={
        "A sum of widths: from which side do they come, and are they in order?": tuple(
            partial(_in_place, share=share, width=width)
            for share in (0, 0.5, 1)
            for width in (np.diff, _distances)
        ),
        "Each loss belongs to its own log-SNR: sort them together.": (
            lambda losses, log_snr, *rest: nats(
                np.sort(losses), np.sort(log_snr), *rest
            ),
            lambda losses, log_snr, *rest: nats(losses, np.sort(log_snr), *rest),
        ),
        "An area has a sign: it depends on the data's width which one.": (
            _of(abs),
            _of(lambda area: -abs(area)),
            _of(lambda area: min(area, 0)),
            _of(lambda area: max(area, 0)),
        ),
        "Times that are even are not even in log-SNR: each has another width.": (
            partial(nats, integral=_range_times_mean)
        ),
        "That is the usual loss, with the same weight at each t. It is no bound.": (
            partial(nats, integral=_even_in_time)
        ),
        "From the loss goes what noise alone would leave: sigmoid of log-SNR.": (
            partial(nats, floor=lambda v: 0 * v)
        ),
        "Without noise nothing is known of epsilon. So the loss goes to 1 there, and "
        "the sigmoid, too.": partial(nats, floor=lambda v: expit(-v)),
        "Where is the half before the integral?": partial(nats, half=1.0),
        "More losses, more nats: which sign has the integral?": (
            partial(nats, half=-0.5)
        ),
        "A normal distribution of width 1 has (ln 2 pi e) / 2.": (
            partial(nats, start=0.5 * math.log(2 * math.pi)),
            partial(nats, start=0.0),
        ),
        "The losses are means over the numbers of an object. Nats add up.": (
            lambda losses, log_snr, size, unit: nats(losses, log_snr, 1, unit)
        ),
        "Each number has the unit.": lambda losses, log_snr, size, unit: (
            nats(losses, log_snr, size, 1.0) + math.log(unit)
        ),
        "A density per keV is another number than one per unit.": (
            lambda losses, log_snr, size, unit: nats(losses, log_snr, size, 1.0)
        ),
        "A large unit spreads the data over many keV: is p larger then, or smaller?": (
            lambda losses, log_snr, size, unit: nats(losses, log_snr, size, 1 / unit)
        ),
    },
    changes={
        "Nats of -log p are asked for, not of log p.": lambda cost: -cost,
        "Nats have the natural logarithm.": lambda cost: cost / math.log(2),
    },
)


def heun(
    velocity: Velocity,
    noise: NDArray,
    times: NDArray,
    first: float = 0.5,
    moved: float = 1.0,
    later: bool = True,
) -> NDArray:
    """A velocity of points and one time, noise (n,), times (T + 1,) -> samples (n,).

    By Heun's method, along times that fall from 1 to 0 in uneven steps.
    """
    x = noise
    for t, s in pairwise(times):
        step = s - t
        here = velocity(x, t)
        there = velocity(x + moved * step * here, s if later else t)
        x = x + step * (first * here + (1 - first) * there)
    return x


def _bent(rng):
    """A velocity that bends in time more than in space, with no sign that is hidden."""
    slope, phase = rng.uniform(0.5, 1.5), rng.uniform(0, 3)
    return lambda x, t: slope * np.sin(x + phase) + 2 * t**2 + np.cos(5 * t)


def _start(rng, kind, steps):
    velocity = _bent(rng) if kind == "a bent velocity" else _straight(_mixture(rng))
    inner = np.sort(rng.uniform(0.05, 0.95, steps - 1))[::-1]
    times = np.concatenate([[1.0], inner, [0.0]])
    return f"{kind}, {steps} uneven steps", velocity, rng.standard_normal(5), times


def _with_times(change):
    return lambda velocity, noise, times: heun(velocity, noise, change(times))


def _midpoint(velocity, noise, times):
    x = noise
    for t, s in pairwise(times):
        half = x + (s - t) / 2 * velocity(x, t)
        x = x + (s - t) * velocity(half, (s + t) / 2)
    return x


def _sum_of_both(velocity, noise, times):
    x = noise
    for t, s in pairwise(times):
        here = velocity(x, t)
        x = x + (s - t) * (here + velocity(x + (s - t) * here, s))
    return x


def _backward(velocity, noise, times):
    """Each step in the wrong direction."""
    x = noise
    for t, s in pairwise(times):
        here = velocity(x, t)
        x = x + (t - s) / 2 * (here + velocity(x + (t - s) * here, s))
    return x


def _from_the_try(velocity, noise, times):
    """The mean step begins where the first try ended."""
    x = noise
    for t, s in pairwise(times):
        here = velocity(x, t)
        tried = x + (s - t) * here
        x = tried + (s - t) / 2 * (here + velocity(tried, s))
    return x


def _even_lengths(velocity, noise, times):
    """The right times, and steps of one length."""
    x, step = noise, (times[-1] - times[0]) / (len(times) - 1)
    for t, s in pairwise(times):
        here = velocity(x, t)
        x = x + step / 2 * (here + velocity(x + step * here, s))
    return x


def _simple_end(velocity, noise, times):
    """The last step is a simple one, as where a network must not be asked at 0."""
    x = heun(velocity, noise, times[:-1])
    return x + (times[-1] - times[-2]) * velocity(x, times[-2])


def _beside_simple_steps(velocity, noise, times):
    """Both velocities come from a path of simple steps."""
    x = tried = noise
    for t, s in pairwise(times):
        here = velocity(tried, t)
        tried = tried + (s - t) * here
        x = x + (s - t) / 2 * (here + velocity(tried, s))
    return x


check_heun = Exercise(
    heun,
    "Take one step by hand, with v = x + t: the try, the velocity where it ends, the "
    "mean of both velocities, and the step from x_t. Then print the same of yours.",
    _start,
    cases=(
        ("a bent velocity", 4),
        ("two lines of a spectrum", 7),
        ("a bent velocity", 1),
        ("two lines of a spectrum", 30),
    ),
    gives="the samples",
    slips={
        "That is the simple step. What is the velocity where it ends?": (
            partial(heun, first=1.0)
        ),
        "The mean of both velocities, not their sum.": _sum_of_both,
        "That is the second velocity alone.": partial(heun, first=0.0),
        "Where a step ends it is s, and no longer t.": partial(heun, later=False),
        "The second velocity belongs to the point where a simple step ends.": (
            partial(heun, moved=0.0)
        ),
        "That is the midpoint method: second order as well. Heun's is asked for.": (
            _midpoint
        ),
        "The simple step was a try: begin again at x_t.": _from_the_try,
        "Time falls: s - t is negative.": _backward,
        "The times are given, and their steps are uneven.": (
            _with_times(lambda times: np.linspace(1, 0, len(times)))
        ),
        "Uneven steps: each has its own length.": _even_lengths,
        "The last step is one like all others, with two velocities.": _simple_end,
        "A step begins where the last one ended, and so does the next try.": (
            _beside_simple_steps
        ),
        "One step is missing: T + 1 times have T steps between them.": (
            _with_times(lambda times: times[:-1]),
            _with_times(lambda times: times[1:]),
        ),
        "From noise to data: times begin at 1.": (
            _with_times(lambda times: times[::-1])
        ),
    },
)


@examination(
    "endless_frechet",
    "Take a half of the samples, then all of them: by how much does the distance "
    "change? How would it go on?",
)
def check_endless_frechet(ask: Ask) -> None:
    """Features (n, d) of samples, (m, d) of real ones, a seed -> the distance.

    The Fréchet distance that endlessly many samples would have to these real ones.
    """
    for words, n, m, d, is_narrow in KINDS:
        real_root = _root(ask.rng, d, is_narrow)
        real = ask.rng.standard_normal((m, d)) @ real_root
        real = real[np.argsort(real[:, 0])]  # whoever takes the first ones takes others
        root = NARROW * np.eye(d) if is_narrow else real_root
        exact = _distance_of_normal(root, real)
        sets = ask.rng.standard_normal((USUAL, n, d)) @ root
        plain = _plain(sets, real)
        seeds = ask.rng.integers(1 << 30, size=SETS).tolist()
        pairs = zip(sets[:SETS], seeds, strict=True)
        named = f"{words}, {n} samples"
        answers = np.array([_endless(ask, named, fake, real, s) for fake, s in pairs])
        _judge_distances(ask, named, exact, plain, answers)
    first, again = (_endless(ask, words, sets[0], real, 0) for _ in range(2))
    if first != again:
        ask.fail(
            "the same features and the same seed gave another distance.",
            "All chance has to come from the seed.",
        )


def _endless(ask, words, fake, real, seed):
    answer = ask.call(words, fake, real, seed)
    (distance,) = ask.arrays(answer, {"the distance": ()})
    return float(distance)


def _judge_distances(ask, words, exact, plain, answers):
    """Refuse what scatters more than plain distances, is off on average, or cut off."""
    usual = plain.mean() - exact
    scatter = answers.std() / plain[:SETS].std()
    # What chance did to these few sets, it did to their plain distances as well.
    removed = plain[:SETS] - answers
    bias, error = usual - removed.mean(), removed.std() / SETS**0.5
    if scatter > MOST_SCATTER:
        ask.fail(
            f"{words}: your distances scatter {scatter:.1f} times as much as plain "
            "ones.",
            "One small part says little. Take the mean over several, or larger ones.",
        )
    if abs(bias) - error > MOST_BIAS * usual:
        ask.fail(
            f"{words}: your distances are {exact + bias:.3f} on average, and the exact "
            f"one is {exact:.3f}; plain ones are {exact + usual:.3f}."
        )
    if exact < NEAR_0 * usual and answers.min() >= 0:
        ask.fail(
            f"{words}: none of {SETS} distances is negative, and the exact one is "
            f"{exact:.3f}.",
            "So near 0 an estimate without bias is negative about half the time.",
        )


def _root(rng, d, has_few):
    """R of a covariance R^T R; a quarter of its directions may hold nearly all."""
    root = rng.normal(size=(d, d)) / d**0.5 + np.eye(d)
    if not has_few:
        return root
    widths = np.where(np.arange(d) < d // 4, 2, 0.25)
    return widths[:, None] * np.linalg.qr(root)[0]


def _plain(sets, real):
    """Fréchet distances from sets (k, n, d) to one of real ones, (k,)."""
    own, centre = _fitted_root(real), real.mean(0)
    shift = np.square(sets.mean(1) - centre).sum(1)
    roots = np.array([_fitted_root(fake) for fake in sets])
    overlap = np.linalg.svd(roots @ own.T, compute_uv=False).sum(1)
    return shift + np.square(roots).sum((1, 2)) + np.square(own).sum() - 2 * overlap


def _fitted_root(features):
    """R of the covariance R^T R of features (n, d)."""
    away = features - features.mean(0)
    return np.linalg.qr(away, mode="r") / (len(features) - 1) ** 0.5


def _distance_of_normal(root, real):
    """From N(0, R^T R) to features."""
    own = _fitted_root(real)
    overlap = np.linalg.svd(root @ own.T, compute_uv=False).sum()
    shift = np.square(real.mean(0)).sum()
    return float(shift + np.square(root).sum() + np.square(own).sum() - 2 * overlap)


@examination(
    "train_denoiser",
    "Three things to look at: the loss over the steps, the size of the numbers that "
    "the network sees at each noise, and your guesses against y beside the best ones.",
    seconds=20.0,
)
def check_train_denoiser(ask: Ask) -> None:
    """Energies and cosines (n,), readings, noises and cosines (m,), a seed -> guesses.

    The best guess (m,) of each energy from a noisy reading, of a trained network.
    """
    judge_denoiser(ask)
