"""Scores of points: the modes of a mixture in the plane, and distances on the line."""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.spatial import KDTree
from scipy.stats import wasserstein_distance

from course_utils.data.images import check_complete

# High quality means within so many sigma of a mode, as VEEGAN and PacGAN count it.
RADIUS = 3.0
# In the plane: the share of a normal distribution inside that radius, and the mean
# squared distance of that share from its centre, in units of sigma^2.
INSIDE = 1 - math.exp(-(RADIUS**2) / 2)
MEAN_SQUARE_INSIDE = 2 - RADIUS**2 * (1 - INSIDE) / INSIDE


class Score(NamedTuple):
    """A measured value, and what a perfect sampler would score.

    Attributes:
        value: measured.
        floor: mean score of a perfect sampler with as many samples.
        floor_sd: standard deviation of its score.
    """

    value: float
    floor: float
    floor_sd: float

    def __str__(self) -> str:
        return f"{self.value:.4f} (perfect: {self.floor:.4f} +- {self.floor_sd:.4f})"


@dataclass(frozen=True)
class ModeCoverage:
    """How samples are spread over the modes of a mixture in the plane.

    Attributes:
        modes: how many have at least one high-quality sample.
        high_quality: share of samples within 3 sigma of a mode. A perfect sampler has
            0.98889 of them; more means too little spread.
        reverse_kl: KL(shares of the modes || equal shares) in nats, over high-quality
            samples.
        spread: root mean square distance of high-quality samples from their cluster's
            own mean, in units of what a perfect sampler has; nan if no mode has two.
    """

    modes: int
    high_quality: Score
    reverse_kl: Score
    spread: Score


def mode_coverage(
    samples: npt.NDArray, modes: npt.NDArray, sigma: float
) -> ModeCoverage:
    """Compare samples with a mixture of equal, round normal modes in the plane.

    Modes and high quality are counted as in the program of PacGAN (Lin et al., 2018,
    https://arxiv.org/abs/1712.04086); the reverse KL is ln K less the entropy of its
    shares. The floor of the KL: with n samples on
    K modes 2 n KL is about chi-squared with K - 1 degrees of freedom.

    Args:
        samples: (n, 2).
        modes: the means, (K, 2).
        sigma: standard deviation of each mode, in each dimension.

    Raises:
        ValueError: samples or modes are not points in the plane, or samples are not
            finite.
    """
    check_complete(samples, "samples")
    samples, modes = np.asarray(samples, float), np.asarray(modes, float)
    if samples.shape[1:] != (2,) or modes.shape[1:] != (2,) or not len(samples):
        raise ValueError(
            "Pass samples (n, 2) and modes (K, 2), points in the plane, not shapes "
            f"{samples.shape} and {modes.shape}."
        )
    distance, nearest = KDTree(modes).query(samples)
    inside = distance < RADIUS * sigma
    counts = np.bincount(nearest[inside], minlength=len(modes))
    n, k = len(samples), len(modes)
    degrees = k - 1
    share_sd = math.sqrt(INSIDE * (1 - INSIDE) / n)
    return ModeCoverage(
        modes=int((counts > 0).sum()),
        high_quality=Score(float(inside.mean()), INSIDE, share_sd),
        reverse_kl=Score(
            _kl_to_equal_shares(counts),
            degrees / (2 * n * INSIDE),
            math.sqrt(2 * degrees) / (2 * n * INSIDE),
        ),
        spread=_spread(samples[inside], nearest[inside], k, sigma),
    )


def wasserstein_1d(
    real: npt.NDArray, fake: npt.NDArray, resamples: int = 200, seed: int = 0
) -> Score:
    """The Wasserstein-1 distance of two samples on the line, in the data's unit.

    The floor is found by the bootstrap: pairs of samples of these two sizes, drawn with
    replacement from the real one. For n points each of N(0, 1) it is
    sqrt(2/n) sqrt(2/pi) int sqrt(Phi (1 - Phi)) dx, which is 1.82 / sqrt(n).

    Args:
        real: (n,).
        fake: (m,).
        resamples: pairs for the floor.
        seed: of these pairs.

    Raises:
        ValueError: hidden, missing or infinite values.
    """
    check_complete(real, "real values")
    check_complete(fake, "fake values")
    real, fake = np.ravel(real).astype(float), np.ravel(fake).astype(float)
    rng = np.random.default_rng(seed)
    floors = [
        wasserstein_distance(rng.choice(real, len(real)), rng.choice(real, len(fake)))
        for _ in range(resamples)
    ]
    value = wasserstein_distance(real, fake)
    return Score(float(value), float(np.mean(floors)), float(np.std(floors, ddof=1)))


def _kl_to_equal_shares(counts: npt.NDArray) -> float:
    """KL(shares || equal shares) in nats; infinite if there is nothing to share."""
    if not counts.any():
        return math.inf
    shares = counts[counts > 0] / counts.sum()
    return float((shares * np.log(shares * len(counts))).sum())


def _spread(samples: npt.NDArray, nearest: npt.NDArray, k: int, sigma: float) -> Score:
    """Pooled root mean square distance from each cluster's mean, over the perfect one.

    A cluster of m samples has m - 1 degrees of freedom an axis. For the floor: squared
    distances inside the radius, in units of their mean, have a variance v; the square
    root of a mean of n of them has the standard deviation sqrt(v / 4 n).
    """
    sums, degrees = 0.0, 0
    for cluster in range(k):
        points = samples[nearest == cluster]
        if len(points) > 1:
            squared = ((points - points.mean(axis=0)) ** 2).sum(axis=1)
            sums += squared.sum()
            degrees += len(points) - 1
    if not degrees:
        return Score(math.nan, 1.0, math.inf)
    root = math.sqrt(sums / degrees / MEAN_SQUARE_INSIDE) / sigma
    return Score(root, 1.0, math.sqrt(_relative_variance_inside() / (4 * degrees)))


def _relative_variance_inside() -> float:
    """Variance of the squared distance inside the radius over its squared mean.

    Half the squared distance is exponential with mean 1, cut off at RADIUS^2 / 2.
    """
    end = RADIUS**2 / 2
    tail = math.exp(-end) / INSIDE
    mean, second = 1 - end * tail, 2 - (end**2 + 2 * end) * tail
    return second / mean**2 - 1
