"""What a sampler's importance weights say: averages, and how far to trust them."""

import math

import numpy as np
import numpy.typing as npt
from scipy.special import logsumexp

from course_utils.metrics.bounds import Estimate


def log_mean_weight(log_w: npt.ArrayLike) -> Estimate:
    """The logarithm of the weights' mean: ln Z, if w = exp(-beta E) / q.

    The error is the relative one of the mean. What q never draws is missing, and no
    error shows it.

    Args:
        log_w: of independent samples of q, (n,); at least two.
    """
    log_w = np.asarray(log_w, float)
    w = np.exp(log_w - log_w.max())
    error = w.std(ddof=1) / w.mean() / math.sqrt(len(w))
    return Estimate(float(logsumexp(log_w) - math.log(len(w))), float(error))


def weighted_mean(values: npt.ArrayLike, log_w: npt.ArrayLike) -> Estimate:
    """An average over the distribution that the weights lead to, of q's samples.

    Self-normalized; the error is that of a ratio, to first order in 1 / n.

    Args:
        values: of the samples, (n,).
        log_w: their log weights, up to a constant, (n,).
    """
    shares = _shares(log_w)
    values = np.asarray(values, float)
    mean = float(shares @ values)
    return Estimate(mean, float(np.sqrt(shares**2 @ (values - mean) ** 2)))


def effective_sample_size(log_w: npt.ArrayLike) -> float:
    """How many equally weighted samples are worth as much: 1 / sum of squared shares.

    Kong, 1992; between 1 and n. It is measured on q's own samples, and sees nothing of
    what q never draws.
    """
    return float(1 / (_shares(log_w) ** 2).sum())


def _shares(log_w: npt.ArrayLike) -> npt.NDArray[np.float64]:
    log_w = np.asarray(log_w, float)
    return np.exp(log_w - logsumexp(log_w))
