"""Pulses of a detector, and what is asked of a program that learns to draw them."""

from typing import NamedTuple

import numpy as np
from scipy.spatial import KDTree

from course_utils.checks.calls import Array
from course_utils.checks.examination import Ask
from course_utils.checks.seeds import ask_for_other_seeds
from course_utils.checks.torch_tools import tensor

STEP = 0.1  # how far z moves, in each of its numbers
TINY = 1e-9  # mV, instead of the height of no pulse at all
# Ten seeds each. Two healthy recipes: distances of heights and widths up to 0.12 and
# 0.19, correlations off by up to 0.19, 1.7 to 3.1 % below zero. Sick ones, the larger
# distance: 0.39 and more after 50 steps, 1.9 if one player stays as it began, 1.1 for
# one shape. Principal axes, in normal numbers, go 9.8 % below zero or more.
MOST_OFF, MOST_UNRELATED, MOST_BELOW = 0.35, 0.3, 0.06
# Where z moves by 0.1, pulses of both recipes move by 0.08 to 0.10 of what lies between
# two; means over rows that sit at random z by 0.33 and more (five widths, three seeds).
# To the nearest row both recipes have 1.22 times as far as real pulses at most;
# principal axes, clamped at zero, 1.47 and more, pulses with swapped samples 4.6. None
# of 6,000 came three times as near; of rows that sit where their own principal axes are
# more than a third do (three seeds each).
MOST_MOVED, FARTHEST, NEAR, MOST_COPIES = 0.25, 1.4, 1 / 3, 0.05
SAMPLES, LATENT, PULSES = 16, 4, 1_000  # of a pulse, of a z, and how many are judged
FEW = 300  # whose nearest neighbours are looked for


class Law(NamedTuple):
    """How pulses of a detector are made.

    Attributes:
        unit: their median height, in mV.
        decay: the median time to the maximum, in samples.
        power: of the height, to which that time is proportional.
    """

    unit: float
    decay: float
    power: float

    def draw(self, rng: np.random.Generator, n: int) -> Array:
        """Pulses (n, 1, 16) in mV, with noise."""
        height = np.exp(0.35 * rng.standard_normal(n))
        decay = self.decay * height**self.power
        decay *= np.exp(0.25 * rng.standard_normal(n))
        begin = rng.uniform(1, 4, n)
        since = np.arange(SAMPLES) - begin[:, None]
        since = since.clip(0) / decay[:, None]
        pulses = height[:, None] * since * np.exp(1 - since)
        noise = 0.02 * rng.standard_normal(pulses.shape)
        return self.unit * (pulses + noise)[:, None]


def judge_pulses(ask: Ask) -> None:
    """Ask a program for pulses (m, 1, 16) of x (4000, 1, 16), z (m, 4) and a seed."""
    decay, power = ask.rng.uniform(1, 1.5), ask.rng.uniform(0.3, 0.5)
    law = Law(ask.rng.uniform(20, 60), decay, power * ask.rng.choice([-1, 1]))
    x, fresh = (law.draw(ask.rng, n) for n in (4 * PULSES, PULSES))
    z = ask.rng.standard_normal((PULSES, LATENT))
    moved = z + STEP * ask.rng.standard_normal(z.shape)
    points, seed = np.concatenate([z, moved]), int(ask.rng.integers(1 << 30))
    unit = float(x.std())

    def trained(seed: int) -> Array:
        came = ask.call("4,000 pulses", tensor(x), tensor(points), seed)
        (pulses,) = ask.arrays(came, {"the pulses": (2 * PULSES, 1, SAMPLES)})
        return pulses / unit

    came = trained(seed)
    fakes, beside = np.split(unit * came, 2)
    if _rms(fakes - beside) > MOST_MOVED * _rms(fakes - np.roll(fakes, 1, axis=0)):
        ask.fail(
            "two z that nearly agree give two different pulses.",
            "A generator is a smooth function of z. What else has a hand in yours?",
        )
    _judge(ask, fakes, fresh, x[:PULSES])
    near = _to_the_nearest(x, fakes) / np.median(_to_the_nearest(x, fresh))
    if np.median(near) > FARTHEST:
        ask.fail(
            "heights and widths are right, but the shapes are not: to the nearest "
            f"pulse of the file, yours have {np.median(near):.1f} times as far as real "
            "ones."
        )
    if np.mean(near < NEAR) > MOST_COPIES:
        ask.fail(
            f"{np.mean(near < NEAR):.0%} of the pulses are copies, noise and all.",
            "The generator makes its pulses from z; it never sees the file.",
        )
    ask_for_other_seeds(ask, trained, seed, came)


def _rms(differences: Array) -> float:
    return float(np.square(differences).mean() ** 0.5)


def _to_the_nearest(x: Array, pulses: Array) -> Array:
    """The distances from some pulses to the nearest of x, (n, 1, 16) both."""
    return np.asarray(KDTree(x[:, 0]).query(pulses[:FEW, 0])[0])


def _judge(ask: Ask, fakes: Array, fresh: Array, others: Array) -> None:
    """Fail unless heights, widths and their correlation are like those of real pulses.

    Each set has the shape (n, 1, 16); others are real ones, for the floor.
    """
    got, real, floor = map(_observed, (fakes, fresh, others))
    for place, name in enumerate(("heights", "widths")):
        distance, least = (_off(o[place], real[place]) for o in (got, floor))
        if distance > MOST_OFF:
            ask.fail(
                f"{name} are off by {distance:.2f} of their spread (Wasserstein "
                f"distance), those of other real pulses by {least:.2f}."
            )
    came, right = (float(np.corrcoef(*both)[0][1]) for both in (got, real))
    if abs(came - right) > MOST_UNRELATED:
        ask.fail(
            "heights and widths are right one by one, but their correlation is "
            f"{came:.2f}; of real pulses it is {right:.2f}.",
            "Draw width against height, of your pulses and of real ones.",
        )
    below, noise = map(_undershoot, (fakes, fresh))
    if below > MOST_BELOW:
        ask.fail(
            f"pulses go below zero by {below:.0%} of their height, real ones by "
            f"{noise:.0%}, which is noise."
        )


def _observed(pulses: Array) -> Array:
    """Of pulses (n, 1, 16), the heights and the widths, area over height: (2, n)."""
    heights = pulses[:, 0].max(1)
    return np.array([heights, pulses[:, 0].sum(1) / np.maximum(heights, TINY)])


def _undershoot(pulses: Array) -> float:
    """How far the lowest sample lies below zero on average, over the mean height."""
    return float(-pulses.min(2).mean() / max(pulses.max(2).mean(), TINY))


def _off(came: Array, real: Array) -> float:
    """The Wasserstein distance of as many numbers, in standard deviations of real."""
    return float(np.abs(np.sort(came) - np.sort(real)).mean() / real.std())
