"""A spin glass in a field, and what is asked of a program that learns to draw it."""

from functools import partial
from typing import NamedTuple

import numpy as np
from scipy.special import logsumexp

from course_utils.checks.calls import Array
from course_utils.checks.examination import Ask
from course_utils.checks.seeds import refuse_alike, refuse_drift
from course_utils.checks.torch_tools import tensor
from course_utils.exact.strip import Strip, energies

SHAPES = (4, 7), (3, 9), (3, 10)  # nobody sums over 2^27 states or more in time
FIELD, HOTTEST, COLDEST = 0.3, 0.5, 0.8  # in units of a bond
DRAWN, GIVEN, FLIPS = 2_000, 1_000, 200
# In nats: the gap, what configurations get too little, and how far weights or sums may
# be off. Over seeds 0 to 9 two healthy programs, linear and with hidden layers, had
# gaps of 0.001 to 0.011, up to 0.013 too little, and were off by at most 0.004 and
# 0.007. Gaps of sick ones: with a beta of 0.9 times the right one 0.050 to 0.093, with
# 1 for all 0.33 to 1.07; without the fields, or without biases, 0.28 to 0.97; 60 steps
# 2.5 to 5.9; no baseline 2.8 to 5.2; all bonds positive above 13. The better half of
# samples after 150 steps is off by 0.29 and more.
MOST_GAP = MOST_MISSED = MOST_WRONG = 0.04
LEAST_SCATTER = 1e-3  # nats of the cost; healthy ones have 0.065 to 0.17
LEAST_KINDS = 0.8  # of samples that differ, over those of exact ones


class Sampled(NamedTuple):
    """What came of a training.

    Attributes:
        spins: samples, (n, N).
        log_q: of each.
        log_states: the same of the states that were handed in, (m,).
    """

    spins: Array
    log_q: Array
    log_states: Array


def draw_glass(rng: np.random.Generator) -> Strip:
    """Bonds of +-1 between neighbours on a strip, and fields of either sign."""
    width, length = SHAPES[rng.integers(len(SHAPES))]
    sites = np.arange(width * length).reshape(length, width)
    bonds = np.zeros((sites.size, sites.size))
    ring = sites, np.roll(sites, -1, 1)  # around the strip, whose ends are open
    for first, second in (ring, (sites[:-1], sites[1:])):
        strengths = rng.choice([-1.0, 1.0], first.shape)
        bonds[first, second] = bonds[second, first] = strengths
    return Strip(bonds, FIELD * rng.choice([-1.0, 1.0], sites.size), width)


def judge_sampler(ask: Ask) -> None:
    """Ask a program for samples of a glass, and for ln q of them and of other states.

    It is `train(bonds, field, beta, states, n, seed)`, and is called three times: with
    configurations among the states, with another seed, and with the first seed and its
    own samples among the states.
    """
    glass, beta = draw_glass(ask.rng), ask.rng.uniform(HOTTEST, COLDEST)
    log_z = glass.log_partition(beta)
    flips = ask.rng.choice([-1.0, 1.0], (FLIPS, len(glass.field)))
    configurations = glass.sample(beta, GIVEN, ask.rng)
    seed = int(ask.rng.integers(2**31 - 1))
    train = partial(_trained, ask, glass, beta, flips)
    came = train(configurations, seed)
    if not np.isin(came.spins, (-1, 1)).all():
        ask.fail("samples are of spins, each -1 or 1.")
    cost = came.log_q + beta * energies(came.spins, glass.bonds, glass.field)
    log_p = -beta * energies(configurations, glass.bonds, glass.field) - log_z
    _refuse_bounds(ask, cost, log_z)
    _refuse_copies(ask, came.spins, glass.sample(beta, DRAWN, ask.rng))
    _refuse_other_states(ask, came.log_states[FLIPS:] - log_p)
    other, again = train(configurations, seed + 1), train(came.spins[:GIVEN], seed)
    refuse_alike(ask, other.spins, came.spins)
    refuse_alike(ask, other.log_states[:FLIPS], came.log_states[:FLIPS])
    for first, second, third in zip(again, came, other, strict=True):
        refuse_drift(ask, first[:FLIPS], second[:FLIPS], third[:FLIPS])
    if np.abs(again.log_states[FLIPS:] - came.log_q[:GIVEN]).max() > MOST_WRONG:
        ask.fail("ln q of a sample changed when the sample was handed in as a state.")


def _trained(
    ask: Ask, glass: Strip, beta: float, flips: Array, states: Array, seed: int
) -> Sampled:
    """What a program makes of a glass, given coin flips and other states."""
    sites, given = len(glass.field), np.concatenate([flips, states])
    couplings = tensor(glass.bonds), tensor(glass.field), beta
    words = f"{sites} spins, beta = {beta:.3g}"
    answer = ask.call(words, *couplings, tensor(given), DRAWN, seed)
    shapes: dict[str, tuple[int, ...] | None] = {
        "the samples": (DRAWN, sites),
        "ln q of the samples": (DRAWN,),
        "ln q of the states": (len(given),),
    }
    return Sampled(*ask.arrays(answer, shapes))


def _refuse_copies(ask: Ask, spins: Array, configurations: Array) -> None:
    """Refuse the same few samples again and again."""
    kinds, usual = (len(np.unique(s, axis=0)) for s in (spins, configurations))
    if kinds < LEAST_KINDS * usual:
        ask.fail(
            f"of {DRAWN:,} samples {kinds} differ; of as many configurations of the "
            f"glass {usual} do.",
            "Draw each sample by itself.",
        )


def _refuse_bounds(ask: Ask, cost: Array, log_z: float) -> None:
    """Refuse a gap that is too large, or is none, by ln q + beta E of the samples."""
    gap = cost.mean() + log_z
    by_weights = logsumexp(-cost) - np.log(len(cost)) - log_z
    if cost.std() < LEAST_SCATTER:
        ask.fail(
            "all samples have one cost.",
            "Is it one and the same sample? Or the Boltzmann distribution itself, "
            "summed up and not trained?",
        )
    if gap > MOST_GAP:
        ask.fail(
            f"beta (F_q - F) is {gap:.3f} nats; {MOST_GAP} are allowed. From sample to "
            f"sample the cost scatters by {cost.std():.2f}."
        )
    if gap < -MOST_GAP or abs(by_weights) > MOST_WRONG:
        ask.fail(
            f"by your samples beta (F_q - F) is {gap:.3f} nats, and their weights miss "
            f"ln Z by {by_weights:.3f}.",
            "No bound is broken by honest numbers: ln q is to be that of the samples, "
            "and q is to have the sum 1.",
        )


def _refuse_other_states(ask: Ask, log_ratio: Array) -> None:
    """Refuse ln q - ln p of exact configurations that is wrong, or too low."""
    missed = -log_ratio.mean()
    total = logsumexp(log_ratio) - np.log(len(log_ratio))
    if missed > MOST_MISSED:
        ask.fail(
            f"to configurations of the glass q gives {missed:.3f} nats too little on "
            f"average; {MOST_MISSED} are allowed.",
            "What q never draws costs it little. Begin hot, and it sees all valleys.",
        )
    if abs(total) > MOST_WRONG:
        ask.fail(
            f"over all states q seems to have the sum {np.exp(total):.3f}, and not 1.",
            "A product of coins, each given those before, has the sum 1 by itself.",
        )
