"""Means of values that a Markov chain gave one after the other, and their errors."""

import math

import numpy as np
import numpy.typing as npt

from course_utils.metrics.bounds import Estimate

WINDOW = 6  # autocorrelation times over which correlations are summed


def autocorrelation_time(values: npt.ArrayLike) -> float:
    """The integrated autocorrelation time in steps; 1 for independent values.

    It is 1 + 2 times the sum of the autocorrelations, up to a window of six times
    itself, beyond which there is noise alone. Sokal, 1997,
    https://doi.org/10.1007/978-1-4899-0319-8_6.

    Args:
        values: of one chain, in their order, (n,).
    """
    values = np.asarray(values, float)
    deviations = values - values.mean()
    if not deviations.any():
        return 1.0
    padded = np.fft.rfft(deviations, 2 * len(values))
    covariances = np.fft.irfft(np.abs(padded) ** 2)[: len(values)]
    times = 2 * np.cumsum(covariances / covariances[0]) - 1
    inside = np.arange(len(times)) < WINDOW * times
    return max(1.0, float(times[-1 if inside.all() else np.argmin(inside)]))


def correlated_mean(values: npt.ArrayLike) -> Estimate:
    """The mean of a chain's values, with the standard error that correlations leave.

    The error is that of n / tau independent values, tau as `autocorrelation_time`.

    Args:
        values: of one chain, in their order, (n,); at least two.
    """
    values = np.asarray(values, float)
    error = values.std(ddof=1) * math.sqrt(autocorrelation_time(values) / len(values))
    return Estimate(float(values.mean()), float(error))
