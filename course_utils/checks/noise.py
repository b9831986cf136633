"""Whether the noise behind an answer is what a generator's own draws look like."""

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.signal import correlate
from scipy.special import ndtr
from scipy.stats import rankdata

from course_utils.checks.calls import Array

# Independent draws break each limit about once in a million times, or less often: FAR
# and NEAR by Kolmogorov's distribution, ECHO (of all lags) and CENTRED by the normal.
FAR, NEAR = 2.7, 0.27  # of a distribution function, in 1/sqrt(n), from the normal one
ECHO = 7.0  # of one number with a later one, in 1/sqrt(n)
CENTRED = 1e-6  # a mean so near to 0, in 1/sqrt(n)
OFF = 0.25  # a mean or a width that is clearly another one
FEWEST, MOST = 100, 5_000  # numbers to judge by; of more, it would take too long


def is_no_normal_noise(noise: Array) -> bool:
    """Whether numbers (n, k) are no independent standard normal draws.

    They may be centred, mirrored, used again, evenly spread or of another law. False if
    their mean or width is another one: then something else is wrong.
    """
    if not FEWEST <= len(noise) <= MOST or is_moved(noise):
        return False
    levels = (np.arange(noise.size) + 0.5) / noise.size
    off = np.abs(ndtr(np.sort(noise, None)) - levels).max() * noise.size**0.5
    return bool(
        not NEAR < off < FAR
        or np.abs(noise.mean(0)).min() * len(noise) ** 0.5 < CENTRED
        or any(map(has_echo, noise.T))
    )


def is_moved(noise: Array) -> bool:
    """Whether the mean or the width of numbers (n, k) is clearly not that of noise."""
    return not (np.abs([noise.mean(0), noise.std(0) - 1]) <= OFF).all()


def has_echo(numbers: npt.NDArray[np.floating[Any]]) -> bool:
    """Whether some of many numbers (n,) follow from numbers some places before.

    Their ranks are looked at, which have no tails.
    """
    if not FEWEST <= len(numbers) <= MOST:
        return False
    ranks = rankdata(numbers)
    ranks = ranks - ranks.mean()
    scale = ranks @ ranks
    if scale == 0:
        return False
    lags = correlate(ranks, ranks, method="fft")[len(numbers) :] / scale
    return bool(np.abs(lags).max() * len(numbers) ** 0.5 > ECHO)
