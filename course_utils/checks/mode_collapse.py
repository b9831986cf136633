"""Checks of the exercises on lesson 6: modes, counted."""

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import stats

from course_utils.checks.asking import asking
from course_utils.data.mixtures import ring_of_gaussians
from course_utils.metrics.modes import RADIUS, mode_coverage

FAVOUR = 1.2  # how often the favourite mode is drawn, for once that another one is
DEVIATIONS = 3  # of the noise, from which on a fault is called seen
NEAR = 0.05  # relative, for a number that may come from a simulation


def check_reverse_kl(reverse_kl: Any, seed: int | None = None) -> None:
    """The KL from the shares of the modes to equal shares, against SciPy.

    Args:
        reverse_kl: of counts (K,), some of them zero, to a number.
        seed: of the inputs.
    """
    hint = (
        "Make shares that add up to 1. An empty mode adds nothing: s log s goes to 0."
    )
    with asking(reverse_kl, "reverse_kl", hint, seed) as ask:
        for tried, counts in {
            "counts on 5 modes": ask.rng.integers(1, 50, 5),
            "counts on 8 modes, two of them empty": np.r_[
                ask.rng.integers(1, 9, 6), 0, 0
            ],
            "all on one mode of 4": np.array([0, 30, 0, 0]),
            "equal counts on 3 modes": np.full(3, 7),
        }.items():
            k, equal = len(counts), np.ones(len(counts))
            right, entropy = stats.entropy(counts, equal), stats.entropy(counts)
            there = counts > 0
            slips = {
                "That is the entropy of the shares. What has it to do with the KL?": (
                    entropy
                ),
                "A sum over the modes, weighted by the shares, and no mean.": right / k,
                "Nats have the natural logarithm.": right / np.log(2),
                "The shares are compared with equal ones: 1 / K each.": -entropy,
                "Which is never negative?": -right,
                "Counts have no sum of 1. Divide first.": (
                    (counts[there] * np.log(k * counts[there])).sum()
                ),
                "Empty modes are modes, too: what is K?": np.log(there.sum()) - entropy,
            }
            if there.all():  # else it is infinite
                swapped = "The samples come first in the KL, that is why it is reverse."
                slips[swapped] = stats.entropy(equal, counts)
            ask.close(f"the KL ({tried})", ask.call(tried, counts), right, slips=slips)


def check_coverage(coverage: Any, seed: int | None = None) -> None:
    """Modes found and the share of high quality, against `metrics.mode_coverage`.

    Args:
        coverage: of samples (n, 2), modes (K, 2) and sigma, to two numbers.
        seed: of the inputs.
    """
    hint = "All distances, (n, K), come first. Which mode is nearest, and how near?"
    with asking(coverage, "coverage", hint, seed) as ask:
        for tried in ("many samples", "one good sample", "two strays"):
            samples, modes, sigma = _samples(ask.rng)
            if tried != "many samples":
                place = modes[:1] if tried == "one good sample" else modes[:2] + 20
                samples = place + 0.1 * sigma
            right = mode_coverage(samples, modes, sigma)
            answer = ask.call(tried, samples, modes, sigma)
            found, share = ask.parts("Modes and share", answer, 2)
            slips = _coverage_slips(samples, modes, sigma)
            right_share = right.high_quality.value
            ask.close(f"the share ({tried})", share, right_share, slips=slips[1])
            ask.close(f"the modes ({tried})", found, right.modes, slips=slips[0])


def _samples(rng: np.random.Generator) -> tuple[npt.NDArray, npt.NDArray, float]:
    """Samples on which each usual way to count gives another number.

    Modes 0 and 1 are so close that their circles overlap, and only mode 0 has samples.
    Mode 2 has one that is inside a square of 3 sigma, not inside the circle. Modes 3
    and 4 have strays only, and mode 5 nothing. All others have broad clusters.
    """
    sigma = rng.uniform(0.02, 0.2)
    lattice = np.stack(np.meshgrid(np.arange(4), np.arange(3)), -1).reshape(-1, 2)
    modes = 30 * rng.permutation(lattice).astype(float)
    modes[1] = modes[0] + [4, 0]
    planted = np.array([[1.5, 0], [2.5, 2.5], [0, 4], [5, 0]])
    planted += modes[[0, 2, 3, 4]]
    noise = 1.6 * rng.standard_normal((300, 2))
    # A sample on the circle itself would be counted by the rounding.
    noise = noise[np.abs(np.linalg.norm(noise, axis=1) - RADIUS) > 1e-3]
    clusters = modes[rng.integers(6, len(modes), len(noise))] + noise
    samples = rng.permutation(np.concatenate([planted, clusters]))
    return sigma * samples, sigma * modes, sigma


def _coverage_slips(
    samples: npt.NDArray, modes: npt.NDArray, sigma: float
) -> tuple[dict[str, float], dict[str, float]]:
    """What usual mistakes give for the modes, and for the share."""
    offsets = np.abs(samples[:, None] - modes) / sigma
    distances = np.linalg.norm(offsets, axis=2)
    near, own = distances < RADIUS, distances == distances.min(1, keepdims=True)
    inside = {
        "Each axis by itself makes a square. A distance makes a circle.": (
            (offsets < RADIUS).all(2)
        ),
        "That is one sigma. How many are meant?": distances < 1,
        "Compare lengths with lengths: one of yours is squared.": (
            distances**2 * sigma < RADIUS
        ),
    }
    for_share = {hint: there.any(1).mean() for hint, there in inside.items()}
    return {
        "Each sample belongs to one mode, the nearest.": near.any(0).sum(),
        "A mode with strays only is not found: ask for high quality.": own.any(0).sum(),
    }, for_share | {
        "Count a sample once, with its nearest mode.": near.sum() / len(samples),
        "A share is a part of all samples.": near.any(1).sum(),
        "That is the share of all the others.": 1 - near.any(1).mean(),
    }


def check_dimensions(dimensions: Any, seed: int | None = None) -> None:
    """From which dimension on half of a normal's samples are far, against chi-squared.

    Args:
        dimensions: a number, the least of dimensions in which fewer than half of a
            perfect sampler's draws are of high quality.
        seed: taken as all checks take it; nothing is drawn.
    """
    hint = "What is the law of a squared distance in d dimensions, in units of sigma?"

    def share(d):
        return stats.chi2.cdf(RADIUS**2, d)

    with asking(dimensions, "dimensions", hint, seed) as ask:
        d = ask.value()
        if d < 1 or d != round(d):
            ask.fail(f"{d:g} is no number of dimensions.")
        if share(d) >= 0.5:
            ask.fail(f"in {d:g} dimensions more than half are within 3 sigma.")
        if share(d - 1) < 0.5:
            ask.fail(f"{d:g} is not the least such number.")


def check_samples_to_see(samples: Any, seed: int | None = None) -> None:
    """How many samples show a favourite mode, against the noise of `mode_coverage`.

    Args:
        samples: a number of them, for which the KL of the ring with one mode drawn
            1.2 times as often is three standard deviations of a perfect sampler's.
        seed: taken as all checks take it; nothing is drawn.
    """
    hint = "The KL stays and the noise falls like 1/n. What is each for n = 2,500?"
    with asking(samples, "samples_to_see", hint, seed) as ask:
        modes, sigma = ring_of_gaussians().modes, ring_of_gaussians().sigma
        k, equal = len(modes), np.ones(len(modes))
        kl = stats.entropy([FAVOUR, *equal[1:]], equal)
        noise = mode_coverage(modes, modes, sigma).reverse_kl  # with one sample a mode
        unit = k / kl  # the noise falls like 1/n
        right = DEVIATIONS * noise.floor_sd * unit
        other_kl = stats.entropy([FAVOUR - 1, *equal[1:]], equal)
        slips = {
            "That is one standard deviation.": right / DEVIATIONS,
            "The floor is a mean. How much does it vary?": (
                DEVIATIONS * noise.floor * unit
            ),
            "There the KL is as large as the floor.": noise.floor * unit,
            "Nats have the natural logarithm.": right * np.log(2),
            "The favourite is drawn more often than others, not less.": (
                right * kl / other_kl
            ),
        }
        n = ask.value()
        if n <= 0:
            ask.fail(f"{n:g} is no number of samples.")
        mistaken = [words for words, wrong in slips.items() if _near(n, wrong)]
        if not _near(n, right):
            found = "fewer" if n < right else "more"
            ask.fail(f"with {n:g} samples there are {found} than three.", *mistaken[:1])


def _near(value: float, other: float) -> bool:
    return abs(value - other) <= NEAR * other
