"""Answers to the exercises on lesson 6: does the game settle?"""

import math

import numpy as np
import torch
from torch.nn.functional import softplus

from course_utils.checks.game_settles import (
    check_conserved,
    check_dirac_step,
    check_fastest_step,
    check_longest_step,
    check_look_ahead,
    check_settle,
    conserved,
)


def dirac_by_loops(theta, psi, h, gamma, place):
    rows = []
    for t, s in zip(theta, psi, strict=True):
        real = place * sigmoid(-s * place)
        new = s + h * (real - t * sigmoid(s * t) - gamma * s)
        rows.append((t + h * new * sigmoid(-new * t), new))
    return [[row[0] for row in rows], [row[1] for row in rows]]


def sigmoid(t):
    return (1 + math.tanh(t / 2)) / 2


def dirac_by_differences(theta, psi, h, gamma, place, width=1e-6):
    def slope(loss, at):
        return (loss(at + width) - loss(at - width)) / (2 * width)

    def theirs(psi):
        both = np.logaddexp(0, -psi * place) + np.logaddexp(0, psi * theta)
        return both + gamma / 2 * psi**2

    new = psi - h * slope(theirs, psi)
    return theta - h * slope(lambda theta: np.logaddexp(0, -new * theta), theta), new


def dirac_with(sigmoid):
    """All three sigmoids are computed in that way."""

    def answer(theta, psi, h, gamma, place):
        real, fake = place * sigmoid(-psi * place), theta * sigmoid(psi * theta)
        new = psi + h * (real - fake - gamma * psi)
        return theta + h * new * sigmoid(-new * theta), new

    return answer


def dirac_by_python(theta, psi, h, gamma, place):
    return np.vectorize(dirac_with(lambda t: 1 / (1 + math.exp(-t))))(
        theta, psi, h, gamma, place
    )


def dirac_by_autograd(theta, psi, h, gamma, place):
    theta, psi = (torch.tensor(v, requires_grad=True).float() for v in (theta, psi))
    loss = softplus(-psi * place) + softplus(psi * theta) + gamma / 2 * psi.square()
    new = psi - h * torch.autograd.grad(loss.sum(), psi)[0]
    loss = softplus(-new * theta)
    return theta - h * torch.autograd.grad(loss.sum(), theta)[0], new


def dirac_in_place(theta, psi, h, gamma, place):
    new = dirac_by_loops(theta, psi, h, gamma, place)
    theta[:] = new[0]
    return theta, new[1]


def conserved_by_matrix(theta, psi, h_theta, h_psi):
    """The null vector of what a step does to the three products of two numbers."""
    step = np.array([[1, h_theta], [0, 1]]) @ np.array([[1, 0], [-h_psi, 1]])
    (a, b), (c, d) = step
    moved = [
        [a * a, b * b, 2 * a * b],
        [c * c, d * d, 2 * c * d],
        [a * c, b * d, a * d + b * c],
    ]
    form = np.linalg.svd(np.transpose(moved) - np.eye(3))[2][-1]
    form = form / form[0]
    return form @ np.array([theta**2, psi**2, theta * psi])


def conserved_after_a_step(theta, psi, h_theta, h_psi):
    psi = psi - h_psi * theta
    return conserved(theta + h_theta * psi, psi, h_theta, h_psi)


def ahead_in_four_calls(theta, psi, h, push):
    ahead = theta + h * push(theta, psi)[0], psi + h * push(theta, psi)[1]
    return theta + h * push(*ahead)[0], psi + h * push(*ahead)[1]


def ahead_in_a_loop(theta, psi, h, push):
    place = theta, psi
    for _ in range(2):
        slopes = push(*place)
        place = theta + h * slopes[0], psi + h * slopes[1]
    return place


def ahead_in_single_numbers(theta, psi, h, push):
    """Right, and rounded."""
    return [np.float32(row) for row in ahead_in_a_loop(theta, psi, h, push)]


def ahead_by_loops(theta, psi, h, push):
    rows = []
    for t, s in zip(theta, psi, strict=True):
        here = push(np.array([t]), np.array([s]))
        there = push(t + h * here[0], s + h * here[1])
        rows.append((t + h * there[0][0], s + h * there[1][0]))
    return tuple(np.array(rows, np.float32).T)


def ahead_by_arrays(theta, psi, h, push):
    place = np.stack([theta, psi])
    ahead = place + h * np.stack(push(*place))
    return list(place + h * np.stack(push(*ahead)))


def ahead_of_a_linear_game(theta, psi, h, push):
    """Differences of plain steps: right for matrices only."""
    once = np.stack(push(theta, psi))
    zero = np.stack(push(0 * theta, 0 * psi))
    twice = np.stack(push(*once)) - zero
    return theta + h * once[0] + h * h * twice[0], psi + h * once[1] + h * h * twice[1]


def averaged(step, steps, skipped, start):
    """The mean place of a play, less its first steps."""
    places = [start]
    for _ in range(steps):
        places.append(step(*places[-1]))
    return np.mean([np.stack(place) for place in places[skipped:]], axis=0)


def settle_by_looking_ahead(push, theta, psi, h=0.3):
    def step(theta, psi):
        one, other = push(theta, psi)
        one, other = push(theta + h * one, psi + h * other)
        return theta + h * one, psi + h * other

    return averaged(step, 1_000, 300, (theta, psi))


def settle_by_optimism(push, theta, psi, h=0.2):
    before, places = push(theta, psi), []
    for _ in range(1_999):
        now = push(theta, psi)
        theta = theta + h * (2 * now[0] - before[0])
        psi = psi + h * (2 * now[1] - before[1])
        before = now
        places.append((theta, psi))
    return np.mean(places[1_000:], axis=0)


def settle_by_friction(push, theta, psi, h=0.2, mean=None, pull=0.05, tail=500):
    """Friction towards a running mean of psi, or towards a given place."""
    places, middle = [], psi if mean is None else mean
    for _ in range(1_000):
        psi = psi + h * (push(theta, psi)[1] - (psi - middle))
        theta = theta + h * push(theta, psi)[0]
        middle = middle + pull * (psi - middle)
        places.append((theta, psi))
    return np.mean(places[-tail:], axis=0)


def in_turns(push, theta, psi, h=0.1, first=0, last=1_000, calls=1_000):
    places = []
    for _ in range(calls):
        psi = psi + h * push(theta, psi)[1]
        theta = theta + h * push(theta, psi)[0]
        places.append((theta, psi))
    return np.mean(places[first:last], axis=0)


def in_turns_weighted(push, theta, psi, h=0.1):
    """The first and the last places have the least weight: no lap is cut."""
    places = []
    for _ in range(1_000):
        psi = psi + h * push(theta, psi)[1]
        theta = theta + h * push(theta, psi)[0]
        places.append((theta, psi))
    return np.average(places, axis=0, weights=np.hanning(1_002)[1:-1])


def at_once(push, theta, psi, h=0.1, first=0):
    places = []
    for _ in range(2_000):
        one, other = push(theta, psi)
        theta, psi = theta + h * one, psi + h * other
        places.append((theta, psi))
    return np.mean(places[first:], axis=0)


def ahead_without_a_mean(push, theta, psi, h=0.3):
    for _ in range(1_000):
        one, other = push(theta, psi)
        one, other = push(theta + h * one, psi + h * other)
        theta, psi = theta + h * one, psi + h * other
    return theta, psi


def ahead_with_falling_steps(push, theta, psi):
    for size in 0.4 * 0.02 ** np.clip(np.linspace(-0.4, 1, 1_000), 0, 1):
        one, other = push(theta, psi)
        one, other = push(theta + size * one, psi + size * other)
        theta, psi = theta + size * one, psi + size * other
    return theta, psi


SICK_SETTLERS = {
    "the start": lambda push, theta, psi: (theta, psi),
    "zero": lambda push, theta, psi: (0 * theta, 0 * psi),
    "in turns, the last": lambda *a: in_turns(*a, first=-1),
    "in turns, a mean of all": in_turns,
    "in turns, h = 0.15, a mean": lambda *a: in_turns(*a, h=0.15),
    "in turns, h = 0.2, a mean": lambda *a: in_turns(*a, h=0.2),
    "in turns, h = 0.3, a mean": lambda *a: in_turns(*a, h=0.3),
    "in turns, tiny steps, a mean": lambda *a: in_turns(*a, h=0.01),
    "in turns, a mean of few": lambda *a: in_turns(*a, calls=100),
    "at once, the last": lambda *a: at_once(*a, first=-1),
    "at once, a mean of all": at_once,
    "at once, tiny steps, a mean": lambda *a: at_once(*a, h=0.02),
    "friction to 0": lambda push, t, p: settle_by_friction(push, t, p, 0.2, 0 * p, 0),
    "friction to the start": lambda *a: settle_by_friction(*a, pull=0),
    "friction, the last": lambda *a: settle_by_friction(*a, tail=1),
    "ahead, the last": ahead_without_a_mean,
    "ahead, falling steps": ahead_with_falling_steps,
}
HEALTHY_SETTLERS = [
    settle_by_looking_ahead,
    settle_by_optimism,
    settle_by_friction,
    in_turns_weighted,
]


def settle_by_a_secret(push, theta, psi):
    return tuple(push.__self__.place)


def settle_with_more_looks(push, theta, psi):
    return settle_by_looking_ahead(
        lambda *place: np.mean([push(*place) for _ in range(4)], axis=0), theta, psi
    )


WRONG = {
    check_dirac_step: [
        (dirac_in_place, "theta has been changed"),
        (dirac_by_python, "OverflowError"),
        (dirac_with(lambda t: np.exp(t) / (1 + np.exp(t))), "Far out exp overflows"),
        (
            dirac_with(lambda t: 1 - 1 / (1 + np.exp(np.clip(t, -12, 12)))),
            "the new psi",
        ),
    ],
    check_look_ahead: [
        (ahead_of_a_linear_game, "more than 2 times"),
        (ahead_in_four_calls, "more than 2 times"),
        (ahead_by_loops, "more than 2 times"),
    ],
    check_fastest_step: [
        (-0.7, "a size above 0"),
        (0.8, "0.8 does not fit"),
        (0.69, "0.69 does not fit"),
    ],
    check_longest_step: [
        (-1.0, "a size above 0"),
        (0.0, "a size above 0"),
        (0.3, "0.3 does not fit"),
        (1.17, "both at once"),
        (4 * (math.sqrt(2) - 1), "steps of one size"),
    ],
    check_settle: [
        *((answer, "away on average") for answer in SICK_SETTLERS.values()),
        (settle_with_more_looks, "more than 2,000 times"),
        (settle_by_a_secret, "AttributeError"),
    ],
}
RIGHT = {
    check_dirac_step: [
        dirac_by_loops,
        dirac_by_autograd,
        dirac_by_differences,
        dirac_with(lambda t: 1 / (1 + np.exp(-t))),
    ],
    check_conserved: [conserved_by_matrix, conserved_after_a_step],
    check_look_ahead: [ahead_by_arrays, ahead_in_a_loop, ahead_in_single_numbers],
    check_fastest_step: [math.sqrt(0.5), 0.7, 0.72, np.float32(0.703)],
    check_longest_step: [math.sqrt(24) - 4, 0.9, np.float32(0.895)],
    check_settle: HEALTHY_SETTLERS,
}
