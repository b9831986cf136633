"""Divergences between normal distributions, in nats.

Summed over dimensions, with one value a row.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import solve_triangular

from course_utils.exact.conditions import cholesky, require, require_positive

Array = NDArray[np.float64]


def gaussian_kl(mu0: Array, cov0: Array, mu1: Array, cov1: Array) -> float:
    """KL(N(mu0, cov0) || N(mu1, cov1)), means (k,), covariances (k, k); or numbers."""
    (factor0, log_det0), (factor1, log_det1) = cholesky(cov0), cholesky(cov1)
    shift = np.atleast_1d(np.asarray(mu1, float) - np.asarray(mu0, float))
    matched = factor0.shape == factor1.shape == 2 * shift.shape
    require(matched, "Pass means (k,) and covariances (k, k), with the same k.")
    trace = (solve_triangular(factor1, factor0, lower=True) ** 2).sum()
    distance = (solve_triangular(factor1, shift, lower=True) ** 2).sum()
    return float(0.5 * (trace + distance - len(shift) + log_det1 - log_det0))


def kl_to_standard_normal(mu: ArrayLike, logvar: ArrayLike) -> Array:
    """KL(N(mu, diag(exp(logvar))) || N(0, I)), summed over the last axis."""
    mu, logvar = np.asarray(mu, float), np.asarray(logvar, float)
    return 0.5 * (mu**2 + np.expm1(logvar) - logvar).sum(-1)


def gaussian_chi_squared(
    mean_p: float, var_p: float, mean_q: float, var_q: float
) -> float:
    """E_q[(p/q)^2] - 1: twice the limit of k `iwae_gap` (Domke & Sheldon 2018)."""
    require_positive(var_p=var_p, var_q=var_q)
    if (room := 2 * var_q - var_p) <= 0:
        return float("inf")  # the tails of q are too light
    log_ratio = np.log(var_q) - 0.5 * np.log(var_p * room)
    return float(np.expm1(log_ratio + (mean_p - mean_q) ** 2 / room))
