"""Estimators: variances of gradients, and the bound of many weights with its gap."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import logsumexp

from course_utils.exact.conditions import require, require_positive

Array = NDArray[np.float64]


NODES, WEIGHTS = np.polynomial.legendre.leggauss(16)


MOST = float(np.finfo(float).max)


# exp(-41) is below the rounding of 1, and so is exp(-exp(5)).
TINY, CERTAIN = 41, 5


# Between these, as ln(t p/q), 1 - exp(-t p/q) goes over from t p/q to 1.
LEVELS = np.array([*range(-TINY, -5, 6), *range(-5, CERTAIN + 1)], float)


def iwae_from_log_weights(log_weights: ArrayLike) -> Array:
    """The bound ln(1/k sum_i w_i) for ln w (..., k) (Burda et al. 2016): (...)."""
    return logsumexp(log_weights, axis=-1) - np.log(np.shape(log_weights)[-1])


@np.errstate(over="ignore", divide="ignore", invalid="ignore")
def iwae_gap(
    mean_p: float, var_p: float, mean_q: float, var_q: float, samples: int
) -> float:
    """The gap log p(x) - L_k of posterior p and proposal q on the line, k = `samples`.

    By Frullani's ln S = int (e^-t - e^(-t S)) d(ln t), for S the mean of k weights, it
    is int (phi(t)^k - e^(-k t)) d(ln t), phi(t) = E_q[e^(-t p/q)]. Both integrals are
    Gaussian quadratures of pieces that end where something happens: at steps of either
    bell's width, and where t p/q passes 1. So bells that are narrow or far apart cost
    no more than others. The error is some 1e-14, or 1e-12 of a gap above 1.

    Raises:
        ValueError: a variance or `samples` is not positive, an argument is not finite,
            or ln(p/q) overflows where q is.
    """
    given = (mean_p, var_p, mean_q, var_q, samples)
    require(all(abs(value) <= MOST for value in given), "Pass finite numbers.")
    require_positive(var_p=var_p, var_q=var_q, samples=samples)
    pair, log_k = _Pair.of(*given[:4]), np.log(float(samples))
    reach = np.sqrt(2 * (TINY + log_k))  # in deviations: beyond, q has under 1e-18/k
    # Below these ln t the integrand is under k t, above them phi is under 1e-18.
    low, high = -TINY - log_k, CERTAIN - pair.log_weight(pair.grid(reach)[1]).min()
    message = "ln(p/q) overflows: pass p and q that differ less in place or width."
    require(bool(np.isfinite(high)), message)
    # The density of ln(p/q), which phi follows, ends at the turn of ln(p/q).
    around = np.exp2(np.arange(np.log2(high - low) + 1))
    turn = np.add.outer(-pair.log_weight(pair.vertex()), [*-around, 0, *around])
    seen = -pair.log_weight(pair.grid(reach, finer=4))
    born = low + np.arange(TINY + CERTAIN)  # where e^(-k t) falls, step by step
    ends = np.concatenate([born, seen.ravel(), turn.ravel(), [high]])
    log_t, steps = _nodes(np.unique(_within(ends, low, high)))
    parts = np.array_split(log_t, len(log_t) // 64)  # for the sake of memory
    lost = np.concatenate([_lost(pair, part, reach) for part in parts])
    power = np.exp(samples * np.log1p(-np.minimum(lost, 1 - 1e-16)))
    gone = np.exp(-np.exp(np.minimum(log_t + log_k, 9.0)))
    return max(0.0, float(steps @ (power - gone)))  # rounding may fall below 0


class _Pair(NamedTuple):
    """Means and standard deviations of normal p and q, each (2,).

    In units of the narrower one and from its mean, so that no bell is lost in rounding.
    """

    mean: Array
    std: Array

    @classmethod
    def of(cls, mean_p: float, var_p: float, mean_q: float, var_q: float) -> "_Pair":
        mean, std = np.array([mean_p, mean_q], float), np.sqrt([var_p, var_q])
        narrow = std.argmin()
        return cls((mean - mean[narrow]) / std[narrow], std / std[narrow])

    def grid(self, reach: float, finer: int = 1) -> Array:
        """Points to `reach` deviations from each mean, at most one apart: (2, n)."""
        steps = np.linspace(-reach, reach, 2 * finer * int(np.ceil(reach)) + 1)
        return self.mean[:, None] + self.std[:, None] * steps

    def log_density(self, which: int, y: Array) -> Array:
        """Of p (0) or q (1), up to the constant that they share: as y."""
        scaled = (y - self.mean[which]) / self.std[which]
        return -0.5 * scaled**2 - np.log(self.std[which])

    def log_weight(self, y: Array) -> Array:
        """ln(p/q): as y."""
        return self.log_density(0, y) - self.log_density(1, y)

    def parabola(self) -> tuple[float, float]:
        """Return a and b of ln(p/q) = a/2 y^2 + b y + c."""
        shares = self.mean / self.std / self.std
        p, q = 1 / self.std
        return (q - p) * (q + p), shares[0] - shares[1]

    def vertex(self) -> Array:
        """Where ln(p/q) turns, (1,), or nowhere, (0,)."""
        a, b = self.parabola()
        return np.array([-b / a]) if a else np.empty(0)

    def crossings(self, values: Array) -> Array:
        """Where ln(p/q) has the values (..., n): (..., 2 n), not finite if nowhere."""
        a, b = self.parabola()
        rest = self.log_weight(np.zeros(1)) - values
        far = -b - np.copysign(np.sqrt(b**2 - 2 * a * rest), b)
        return np.concatenate([far / a, 2 * rest / far], axis=-1)


def _lost(pair: _Pair, log_t: Array, reach: float) -> Array:
    """1 - phi(t) = E_q[1 - e^(-t p/q)] for ln t (n,): (n,)."""
    bells = pair.grid(reach)
    fixed = np.append(bells, pair.vertex())
    moving = pair.crossings(LEVELS - log_t[:, None])
    ends = np.hstack([np.broadcast_to(fixed, (len(log_t), fixed.size)), moving])
    y, steps = _nodes(np.sort(_within(ends, *bells[1, [0, -1]])))
    log_tw = np.minimum(log_t[:, None] + pair.log_weight(y), 9.0)
    q = np.exp(pair.log_density(1, y)) / np.sqrt(2 * np.pi)
    return -(steps * q * np.expm1(-np.exp(log_tw))).sum(-1)


def _within(ends: Array, low: float, high: float) -> Array:
    return np.nan_to_num(ends, nan=low, posinf=high, neginf=low).clip(low, high)


def _nodes(ends: Array) -> tuple[Array, Array]:
    """Points and weights of a quadrature between neighbouring ends (..., n)."""
    half = np.diff(ends)[..., None] / 2
    shape = (*ends.shape[:-1], -1)
    y = ends[..., :-1, None] + half * (1 + NODES)
    return y.reshape(shape), (half * WEIGHTS).reshape(shape)


class GradientVariances(NamedTuple):
    """Variances of one-sample estimators of one derivative (numbers or arrays)."""

    pathwise: Array
    score_function: Array
    score_function_baseline: Array


def gradient_variances(mu: ArrayLike, sigma: ArrayLike) -> GradientVariances:
    """Variances of estimates of d/dmu E[z^2] = 2 mu, z = mu + sigma e, e ~ N(0, 1).

    Pathwise is 2 z, the score function (z^2 - c) e/sigma with c = 0 or the best
    constant baseline, c = E[z^2 e^2] = mu^2 + 3 sigma^2 (see Mohamed et al. 2020).
    """
    mu, sigma = np.asarray(mu, float), np.asarray(sigma, float)
    require_positive(sigma=sigma)
    score = mu**4 / sigma**2 + 14 * mu**2 + 15 * sigma**2
    return GradientVariances(4 * sigma**2 + 0 * mu, score, 8 * mu**2 + 6 * sigma**2)


def sine_gradient_variances(
    mu: ArrayLike, sigma: ArrayLike, frequency: float
) -> GradientVariances:
    """The same for d/dmu E[sin(w z)] = w exp(-a/2) cos(w mu), a = (w sigma)^2.

    From E[e^2 exp(i t e)] = (1 - t^2) exp(-t^2/2). The best baseline is
    c = E[e^2 sin(w z)] = (1 - a) exp(-a/2) sin(w mu) and saves c^2/sigma^2.
    """
    mu, sigma, w = np.asarray(mu, float), np.asarray(sigma, float), float(frequency)
    require_positive(sigma=sigma)
    a, phase = (w * sigma) ** 2, w * mu
    squared_mean = (w * np.cos(phase)) ** 2 * np.exp(-a)
    fringe = np.exp(-2 * a) * np.cos(2 * phase)
    pathwise = 0.5 * w**2 * (1 + fringe) - squared_mean
    score = 0.5 * (1 - (1 - 4 * a) * fringe) / sigma**2 - squared_mean
    baseline = (1 - a) * np.exp(-a / 2) * np.sin(phase)
    return GradientVariances(pathwise, score, score - (baseline / sigma) ** 2)
