"""The exercises on lesson 6: does the game settle?"""

from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import expit

from course_utils.checks.exercise import Exercise
from course_utils.exact import games

ROUNDING = 1e-9  # of a modulus that is 1 on paper


def dirac_step(
    theta: NDArray, psi: NDArray, h: float, gamma: float, alternating: bool
) -> tuple[NDArray, NDArray]:
    """theta, psi (n,), the step h, R1's weight gamma -> the new theta, the new psi.

    Alternating, the discriminator goes first.
    """
    method = "alternating" if alternating else "simultaneous"
    return games.dirac_gan_step(method, theta, psi, h, gamma)


def _games(rng, n, gamma, alternating):
    theta, psi = rng.normal(0, 1.5, (2, n))
    h = rng.uniform(0.2, 0.8)
    order = "alternating" if alternating else "simultaneous"
    words = f"n = {n}, h = {h:.3g}, gamma = {gamma:g}, {order}"
    return words, theta, psi, h, gamma, alternating


def _by_hand(
    theta, psi, h, gamma, alternating, on_theta=expit, on_psi=expit, friction=1.0
):
    """The step, where a player's slope may have another factor than the sigmoid."""
    new = psi - h * (on_psi(psi * theta) * theta + friction * gamma * psi)
    seen = new if alternating else psi
    return theta + h * on_theta(seen * theta) * seen, new


def _in_both_or_one(force):
    forces = {"on_theta": force}, {"on_psi": force}
    return tuple(partial(_by_hand, **f) for f in (forces[0] | forces[1], *forces))


def _with_old_u(theta, psi, h, gamma, alternating):
    new = dirac_step(theta, psi, h, gamma, alternating)[1]
    return theta + h * expit(psi * theta) * (new if alternating else psi), new


def _generator_first(theta, psi, h, gamma, alternating):
    new = theta + h * expit(psi * theta) * psi
    seen = new if alternating else theta
    return new, psi - h * (expit(psi * seen) * seen + gamma * psi)


check_dirac_step = Exercise(
    dirac_step,
    "Each player goes h times its slope: the generator down V, the other up.",
    _games,
    cases=((1, 0.0, False), (5, 0.0, True), (5, 0.7, False), (5, 0.7, True)),
    gives=("the new theta", "the new psi"),
    slips={
        "u is the sigmoid of psi theta. Where did it go?": (
            _in_both_or_one(np.ones_like)
        ),
        "u is 1/2 at the equilibrium only.": (
            _in_both_or_one(lambda product: np.full_like(product, 0.5))
        ),
        "Look at the sign inside the sigmoid. Here both players play for V.": (
            _in_both_or_one(lambda product: expit(-product))
        ),
        "One player climbs V and the other descends. Which one is which?": (
            _in_both_or_one(lambda product: -expit(product))
        ),
        "gamma is not used, or to no effect.": partial(_by_hand, friction=0.0),
        "The slope of a square has a 2, which meets the penalty's 1/2.": (
            partial(_by_hand, friction=0.5)
        ),
        "Friction slows psi down. Yours speeds it up.": partial(
            _by_hand, friction=-1.0
        ),
        "That is the generator of simultaneous steps. Which psi does it see?": (
            lambda theta, psi, h, gamma, _: dirac_step(theta, psi, h, gamma, False)
        ),
        "That is the generator of alternating steps. Which psi does it see?": (
            lambda theta, psi, h, gamma, _: dirac_step(theta, psi, h, gamma, True)
        ),
        "It answers the new psi, but u was computed with the old one.": _with_old_u,
        "The discriminator goes first, against the old theta.": _generator_first,
    },
)


def longest_step(method: str = "alternating", gamma: float = 1.0) -> float:
    """A number: the largest h with which alternating steps with gamma = 1 arrive."""

    def excess(h):
        moduli = np.abs(games.dirac_gan_eigenvalues(method, h, gamma))
        return moduli.max() - 1 - ROUNDING

    return brentq(excess, 0.5, 10)


check_longest_step = Exercise(
    longest_step,
    "Draw the larger modulus against h, and look where it crosses 1.",
    rtol=0.01,
    refuse={"A step has a size above 0.": lambda h: h <= 0},
    slips={
        "Simultaneous steps end there, and alternating ones without friction.": (
            partial(longest_step, "simultaneous"),
            partial(longest_step, gamma=0.0),
        ),
        "The Wasserstein game has u = 1.": (
            partial(longest_step, "wasserstein_alternating")
        ),
    },
)
