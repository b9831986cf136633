"""The exercises on lesson 6: does the game settle?"""

from collections.abc import Callable
from functools import cache, partial

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import expit

from course_utils.checks.calls import Refusal
from course_utils.checks.examination import Ask, examination
from course_utils.checks.exercise import Exercise

ROUNDING = 1e-9  # of a modulus that is 1 on paper
FAR = 1_000.0  # where exp overflows in float64
LOOKS = 2_000  # at the slopes of a game, until it has to settle
NOISE, DISTANCE = 0.1, 1.5  # of a slope; from the start to where the game settles
GAMES = 1, 50, 250  # side by side
# The mean distance at the end of all games. Over seeds 0 to 19: a mean of places with
# looking ahead 0.010 to 0.011, with optimism 0.009 to 0.010, with friction towards a
# running mean 0.012 to 0.014, and a mean over turns that are weighted, first and last
# ones least, 0.019 to 0.023. A plain mean over turns has 0.040 to 0.11, with steps of
# 0.1 to 0.3; of both at once 0.11 or more; friction without a mean 0.093 to 0.11;
# looking ahead without a mean 0.24 to 0.28; friction towards 0 above 4. The floor is
# 0.006.
FARTHEST = 0.03

Push = Callable[[NDArray, NDArray], tuple[NDArray, NDArray]]


def dirac_step(
    theta: NDArray, psi: NDArray, h: float, gamma: float, place: float
) -> tuple[NDArray, NDArray]:
    """The players' theta, psi (n,), the step h, R1's weight gamma, the data's place.

    Gives the new theta and the new psi: in turns, and with the non-saturating loss.
    """
    return _by_hand(theta, psi, h, gamma, place)


def _games(rng, n, gamma, sign):
    """The last three, far away: a sigmoid near 0, one near 1, and one of -15."""
    theta, psi = rng.normal(0, 1.5, (2, n))
    theta = np.r_[theta, FAR * rng.choice([-1, 1], 3)]
    psi = np.r_[psi, np.array([1, -1, -0.015]) * np.sign(theta[-3:])]
    h, place = rng.uniform(0.2, 0.8), sign * rng.uniform(0.5, 2)
    words = f"n = {n + 3}, h = {h:.3g}, gamma = {gamma:g}, the data at {place:.3g}"
    return words, theta, psi, h, gamma, place


def _by_hand(
    theta,
    psi,
    h,
    gamma,
    place,
    *,
    on_theta=lambda t: expit(-t),
    on_psi=expit,
    on_data=lambda t: expit(-t),
    friction=1.0,
    at_once=False,
):
    """The step, where a slope may have another factor than its sigmoid."""
    slope = on_data(psi * place) * place - on_psi(psi * theta) * theta
    new = psi + h * (slope - friction * gamma * psi)
    seen = psi if at_once else new
    return theta + h * on_theta(seen * theta) * seen, new


def _half(t):
    return np.full_like(t, 0.5)


def _all_by(sigmoid):
    """The step with another way to compute all three sigmoids."""
    falling = {"on_theta": lambda t: sigmoid(-t), "on_data": lambda t: sigmoid(-t)}
    return partial(_by_hand, on_psi=sigmoid, **falling)


def _with_old_sigmoid(theta, psi, h, gamma, place):
    new = dirac_step(theta, psi, h, gamma, place)[1]
    return theta + h * expit(-psi * theta) * new, new


def _generator_first(theta, psi, h, gamma, place):
    new = theta + h * expit(-psi * theta) * psi
    slope = expit(-psi * place) * place - expit(psi * new) * new
    return new, psi + h * (slope - gamma * psi)


check_dirac_step = Exercise(
    dirac_step,
    "Write both losses with softplus. What is its derivative?",
    _games,
    cases=((1, 0.0, 1), (5, 0.0, -1), (5, 0.7, -1), (4, 2.5, 1)),
    gives=("the new theta", "the new psi"),
    slips={
        "That is the saturating loss, the generator's part of V.": (
            partial(_by_hand, on_theta=expit)
        ),
        "The discriminator sees the data as well: they are not at 0 here.": (
            partial(_by_hand, on_data=np.zeros_like)
        ),
        "On the data D is to be high, on fakes low: two different sigmoids.": (
            partial(_by_hand, on_data=expit),
            partial(_by_hand, on_psi=lambda t: expit(-t)),
        ),
        "A sigmoid is 1/2 at the equilibrium only.": (
            partial(_by_hand, on_theta=_half, on_psi=_half, on_data=_half)
        ),
        "The discriminator climbs, and yours descends.": lambda t, psi, *rest: (
            _by_hand(t, psi, *rest)[0],
            2 * psi - _by_hand(t, psi, *rest)[1],
        ),
        "The generator wants D of its fake high. Does it go there?": (
            partial(_by_hand, on_theta=lambda t: -expit(-t))
        ),
        "gamma is not used, or to no effect.": partial(_by_hand, friction=0.0),
        "The slope of a square has a 2, which meets the penalty's 1/2.": (
            partial(_by_hand, friction=2.0),
            partial(_by_hand, friction=0.5),
        ),
        "Friction slows psi down. Yours speeds it up.": partial(
            _by_hand, friction=-1.0
        ),
        "In turns the generator answers the new psi.": partial(_by_hand, at_once=True),
        "The sigmoid, too, is one of the new psi.": _with_old_sigmoid,
        "The discriminator goes first, against the old theta.": _generator_first,
        "Far out exp overflows, or a clip tells. SciPy's expit does neither.": (
            _all_by(lambda t: np.exp(t) / (1 + np.exp(t))),
            _all_by(lambda t: expit(np.clip(t, -10, 10))),
        ),
        "gamma may be larger than 1, and the data left of 0.": (
            lambda t, psi, h, gamma, place: _by_hand(t, psi, h, min(gamma, 1), place),
            lambda t, psi, h, gamma, place: _by_hand(t, psi, h, gamma, abs(place)),
        ),
    },
)


def conserved(
    theta: NDArray,
    psi: NDArray,
    h_theta: float,
    h_psi: float,
    cross: float = -1.0,
    rate: Callable[[float, float], float] = lambda h_theta, h_psi: h_theta / h_psi,
) -> NDArray:
    """Places theta, psi (n,) and the step sizes of both -> the conserved number (n,).

    theta^2 has the factor 1 in it.
    """
    return theta**2 + rate(h_theta, h_psi) * psi**2 + cross * h_theta * theta * psi


def _places(rng, n, is_equal):
    h_theta = rng.uniform(0.2, 0.9)
    h_psi = h_theta if is_equal else rng.uniform(0.2, 0.9)
    words = f"n = {n}, h_theta = {h_theta:.3g}, h_psi = {h_psi:.3g}"
    return words, *rng.normal(size=(2, n)), h_theta, h_psi


def _between(theta, psi, h_theta, h_psi):
    return conserved(theta, psi - h_psi * theta, h_theta, h_psi)


check_conserved = Exercise(
    conserved,
    "Put a step into theta^2 + b psi^2 + c theta psi. Which b and c change nothing?",
    _places,
    cases=((1, True), (4, True), (6, False)),
    gives="the conserved number",
    slips={
        "In continuous time that is conserved. Steps of a size need one term more.": (
            partial(conserved, cross=0.0)
        ),
        "Follow one play: yours changes. Look at the sign of the mixed term.": (
            partial(conserved, cross=1.0)
        ),
        "Of which player is the step size in the mixed term?": (
            lambda theta, psi, a, b: conserved(theta, psi, a, b, -b / a),
            lambda theta, psi, a, b: conserved(theta, psi, a, b, -np.sqrt(b / a)),
        ),
        "The step sizes differ: psi^2 gets a factor, too.": (
            partial(conserved, rate=lambda *_: 1.0)
        ),
        "psi^2 has the factor upside down.": (
            partial(conserved, rate=lambda h_theta, h_psi: h_psi / h_theta)
        ),
        "That holds between both moves. A place is one after a whole step.": _between,
    },
    changes={
        "It is conserved, and theta^2 is to have the factor 1.": lambda value: 2 * value
    },
)


def look_ahead(
    theta: NDArray, psi: NDArray, h: float, push: Push
) -> tuple[NDArray, NDArray]:
    """Places theta, psi (n,), the step h, push(theta, psi) -> the new theta, psi."""
    theta_slope, psi_slope = push(theta, psi)
    ahead = push(theta + h * theta_slope, psi + h * psi_slope)
    return theta + h * ahead[0], psi + h * ahead[1]


def _pushed(rng, n, is_curved):
    strength, place = rng.uniform(0.5, 1.5), rng.normal()
    kind = "a curved game" if is_curved else "a linear game"

    left = 2

    def push(theta, psi):
        nonlocal left
        left = _one_less(left, 2)
        product = psi * (theta - place)
        force = strength * (expit(product) if is_curved else np.ones_like(product))
        return force * psi, -force * (theta - place)

    h = rng.uniform(0.2, 0.8)
    return f"n = {n}, h = {h:.3g}, {kind}", *rng.normal(size=(2, n)), h, push


def _one_less(left: int, of: int) -> int:
    """How many looks are left, of so many, after one more.

    Raises:
        Refusal: there was none left.
    """
    if not left:
        words = f"push was called more than {of:,} times."
        raise Refusal("looks", words, "Count the calls of push in each step.")
    return left - 1


def _plain_step(theta, psi, h, push):
    slopes = push(theta, psi)
    return theta + h * slopes[0], psi + h * slopes[1]


def _step_on(theta, psi, h, push):
    theta, psi = _plain_step(theta, psi, h, push)
    return _plain_step(theta, psi, h, push)


def _mean_of_slopes(theta, psi, h, push):
    once = _plain_step(theta, psi, h, push)
    there = push(*once)
    return (theta + once[0] + h * there[0]) / 2, (psi + once[1] + h * there[1]) / 2


def _midpoint(theta, psi, h, push):
    here = _plain_step(theta, psi, h / 2, push)
    slopes = push(*here)
    return theta + h * slopes[0], psi + h * slopes[1]


def _turns(theta, psi, h, push):
    psi = psi + h * push(theta, psi)[1]
    return theta + h * push(theta, psi)[0], psi


def _seen_by_one(theta, psi, h, push):
    once = _plain_step(theta, psi, h, push)
    return theta + h * push(*once)[0], once[1]


check_look_ahead = Exercise(
    look_ahead,
    "Two calls of push: one at the place, one at the place where it leads.",
    _pushed,
    cases=((1, True), (4, True), (5, False)),
    gives=("the new theta", "the new psi"),
    slips={
        "That is the plain step. Ask for the slopes at its end.": _plain_step,
        "The true step starts at the old place, not at the one ahead.": _step_on,
        "The slopes ahead alone make the step: no mean.": _mean_of_slopes,
        "Look a whole step ahead, not half of one.": _midpoint,
        "Both players look ahead at once, here nobody waits for the other.": _turns,
        "Both players use their slope ahead.": _seen_by_one,
    },
)


def fastest_step(power: float = 2.0, u: float = 1.0) -> float:
    """A number: the h with which looking ahead comes home fastest in the linear game.

    The eigenvalues 1 +- i h u + (i h u)^2 have the squared modulus 1 - t + t^2, with
    t = h^2 u^2, which is lowest at t = 1/2.
    """
    return 0.5 ** (1 / power) / u


check_fastest_step = Exercise(
    fastest_step,
    "Draw the modulus of an eigenvalue against h. Where is it lowest?",
    rtol=0.02,  # a grid of 0.05 finds 0.70
    refuse={"A step has a size above 0.": lambda h: h <= 0},
    slips={
        "That is the square of h.": partial(fastest_step, power=1.0),
        "From there on it does not arrive at all. Where is it fastest?": lambda: 1.0,
        "In the Wasserstein game u is 1.": partial(fastest_step, u=0.5),
    },
)


def longest_step(
    friction: float = 1.0,
    rates: tuple[float, float] = (1.0, 2.0),
    order: str = "in turns",
    u: float = 0.5,
    moves: int = 1,
) -> float:
    """A number: the generator's largest h, in turns, with a D of twice its step.

    At the equilibrium, with gamma = 1. The trace is 2 - 2 h - h^2 / 2 and the
    determinant 1 - 2 h, so it ends where h^2 + 8 h = 8.
    """

    def excess(h: float) -> float:
        a, b = h * rates[0], h * rates[1]
        theirs = np.array([[1, 0], [-b * u, 1 - b * friction]])
        theirs = np.linalg.matrix_power(theirs, moves)
        ours = np.array([[1, a * u], [0, 1]])
        step = ours @ theirs if order == "in turns" else ours + theirs - np.eye(2)
        return np.abs(np.linalg.eigvals(step)).max() - 1 - ROUNDING

    return brentq(excess, 0.3, 3.9)


check_longest_step = Exercise(
    longest_step,
    "Write both moves as matrices. Draw the larger modulus of their product against h.",
    rtol=0.01,
    refuse={"A step has a size above 0.": lambda h: h <= 0},
    slips={
        "That is for both at once.": partial(longest_step, order="at once"),
        "Where is the friction?": partial(longest_step, 0.0),
        "That is for steps of one size.": partial(longest_step, rates=(1.0, 1.0)),
        "h is the generator's step, and yours is the discriminator's.": (
            partial(longest_step, rates=(0.5, 1.0))
        ),
        "All of the discriminator's step is twice as long, and the generator's is h.": (
            partial(longest_step, rates=(2.0, 1.0))
        ),
        "One move of twice the length is not two moves.": (
            partial(longest_step, rates=(1.0, 1.0), moves=2)
        ),
        "The Wasserstein game has u = 1.": partial(longest_step, u=1.0),
    },
)


@examination(
    "settle",
    "Draw theta against psi for one play: does it circle, and around what? "
    "One cure for the circling, one for the noise.",
    seconds=20.0,
)
def check_settle(ask: Ask) -> None:
    """A game's noisy push, a start theta, psi (k,) -> where it settles, (k,) each."""
    distances: list[float] = []
    for k in GAMES:
        seed = int(ask.rng.integers(2**31))
        place, angle = _drawn(k, seed)[0], ask.rng.uniform(0, 2 * np.pi, k)
        start = place + DISTANCE * np.array([np.cos(angle), np.sin(angle)])
        words = f"a game of {k} and {k} numbers"
        answer = ask.call(words, _Game(k, seed).push, *start.copy())
        if isinstance(answer, np.ndarray) and answer.ndim == 2:
            answer = tuple(answer)  # both in one array is as good
        shapes: dict[str, tuple[int, ...] | None] = {"theta": (k,), "psi": (k,)}
        distances += list(np.hypot(*(ask.arrays(answer, shapes) - place)))
    away = float(np.mean(distances))
    if away > DISTANCE:
        ask.fail(
            f"it ended {away:.2f} away on average, and started {DISTANCE} away.",
            "Both at once, a step leads outwards. And psi need not be 0 in the end.",
        )
    if away > FARTHEST:
        ask.fail(
            f"it ended {away:.3f} away on average; {FARTHEST} is allowed, and with "
            f"{LOOKS:,} looks from the very place the noise would leave "
            f"{_floor():.3f}."
        )


class _Game:
    """Dirac-GANs side by side, each moved to a place of its own, seen through noise.

    It can be sent to another process, and does not hold the place.

    Args:
        k: how many.
        seed: of the place, the strengths and the noise.
    """

    def __init__(self, k: int, seed: int) -> None:
        self._k, self._seed, self._left = k, seed, LOOKS
        self._noise = np.random.default_rng([seed, 1])

    def push(self, theta: NDArray, psi: NDArray) -> tuple[NDArray, NDArray]:
        """Noisy slopes at theta and psi, (k,) each: add them, times a step size."""
        self._left = _one_less(self._left, LOOKS)
        place, strength = _drawn(self._k, self._seed)
        x, y = np.asarray(theta, float) - place[0], psi - place[1]
        force = strength * expit(x * y)
        noise = NOISE * self._noise.standard_normal(place.shape)
        return force * y + noise[0], -force * x + noise[1]


@cache
def _drawn(k: int, seed: int) -> tuple[NDArray, NDArray]:
    """Where such a game settles, (2, k), and how strong its slopes are, (k,)."""
    rng = np.random.default_rng([seed, 0])
    return rng.normal(0, 2, (2, k)), rng.uniform(0.7, 1.3, k)


def _floor() -> float:
    """Mean distance that the noise of all looks leaves at the very place.

    There a slope is half a distance, at the mean strength; sqrt(pi / 2) is the mean of
    a Rayleigh variable.
    """
    return float(NOISE / np.sqrt(LOOKS) / 0.5 * np.sqrt(np.pi / 2))
