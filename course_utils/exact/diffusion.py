"""Diffusion of a mixture of normal distributions on the line: all that can be known.

The path goes from data x at t = 0 to noise epsilon at t = 1, x_t = a x + b epsilon with
a = cos(pi t / 2) and b = sin(pi t / 2). At each t the points x_t have a mixture again,
with means a mu and variances (a sigma)^2 + b^2, and given x_t both x and epsilon have
mixtures. So the best predictions are sums of a few terms, and averages over x_t are
sums over a grid, which for smooth bells are exact to rounding (the trapezoidal rule;
Trefethen and Weideman, 2014, https://doi.org/10.1137/130932132).

Information is in nats.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit, logsumexp

from course_utils.exact.conditions import Array, require, require_positive
from course_utils.records.runs import whole_number

# Standard normal points with their weights, for means over x_t and over epsilon.
FINE = np.linspace(-9, 9, 601)
COARSE = np.linspace(-8, 8, 161)
LOG_SNR = np.linspace(-40, 40, 801)
WIDEST = 30  # ratio of two sigmas for which the fine grid is fine enough
ROUNDED = 1e-9  # so far beyond its ends a time may lie that is a sum of many steps


@dataclass(frozen=True, eq=False)
class Mixture1D:
    """Data with the density sum_k weight_k N(x; mean_k, sigma_k^2), and its diffusion.

    Attributes:
        weights: shares, (k,); they sum to 1.
        means: (k,), in the unit of x.
        sigmas: standard deviations, (k,); none more than thirty times another.

    Raises:
        ValueError: arrays of other shapes, or numbers out of these ranges.
    """

    weights: Array
    means: Array
    sigmas: Array

    def __post_init__(self) -> None:
        for name in ("weights", "means", "sigmas"):
            object.__setattr__(self, name, np.array(getattr(self, name), float))
        shapes = {self.weights.shape, self.means.shape, self.sigmas.shape}
        require(
            len(shapes) == 1 and self.means.ndim == 1 and self.means.size > 0,
            "Pass weights, means and sigmas as (k,), one number a component.",
        )
        require_positive(weights=self.weights, sigmas=self.sigmas)
        total = self.weights.sum()
        require(abs(total - 1) < 1e-9, f"The weights sum to {total:.6g}, not to 1.")
        ratio = self.sigmas.max() / self.sigmas.min()
        require(ratio <= WIDEST, f"One sigma is {ratio:.3g} times another; {WIDEST}?")

    def sample(self, n: int, seed: int) -> Array:
        """Draw data, (n,)."""
        rng = np.random.default_rng(seed)
        which = rng.choice(len(self.weights), size=n, p=self.weights)
        return self.means[which] + self.sigmas[which] * rng.standard_normal(n)

    def log_prob(self, x: ArrayLike, t: ArrayLike = 0.0) -> Array:
        """Log-density of points x_t at time t; of the data for t = 0.

        Args:
            x: points, any shape.
            t: times in [0, 1], of a shape that broadcasts with x; 1e-9 beyond an end
                counts as rounding.

        Returns:
            Nats, of the shape that x and t have together. So in all methods of x and t.
        """
        a, b = _path(t)
        return logsumexp(self._log_terms(np.asarray(x, float), a, b), axis=-1)

    def score(self, x: ArrayLike, t: ArrayLike) -> Array:
        """The slope of the log-density, d log p_t / d x. Arguments as `log_prob`."""
        a, b = _path(t)
        return self._means(np.asarray(x, float), a, b)[2]

    def denoised(self, x: ArrayLike, t: ArrayLike) -> Array:
        """The mean of the data given x_t, which no other guess beats in squared error.

        It is (x_t + b^2 score) / a (Robbins, 1956; Miyasawa, 1961; often called
        Tweedie's formula), here without the division. Arguments as `log_prob`.
        """
        a, b = _path(t)
        return self._means(np.asarray(x, float), a, b)[0]

    def noise(self, x: ArrayLike, t: ArrayLike) -> Array:
        """The mean of epsilon given x_t: -b score. Arguments as `log_prob`."""
        a, b = _path(t)
        return self._means(np.asarray(x, float), a, b)[1]

    def velocity(self, x: ArrayLike, t: ArrayLike) -> Array:
        """The mean of v = a epsilon - b x given x_t. Arguments as `log_prob`.

        The points of the probability flow move with d x / d t = (pi / 2) v.
        """
        a, b = _path(t)
        data, noise, _ = self._means(np.asarray(x, float), a, b)
        return a * noise - b * data

    def least_loss(self, t: ArrayLike) -> Array:
        """The mean squared error of the best predicted epsilon at time t, shape of t.

        It is 1 at t = 0, where x_t says nothing of epsilon, and 0 at t = 1.
        """
        return self._at_times(self._noise_variance, t)

    def least_data_loss(self, t: ArrayLike) -> Array:
        """The same of the best predicted x: `least_loss` times (b / a)^2.

        It is 0 at t = 0, and the data's variance at t = 1. The sum of both is the least
        loss of v.
        """
        return self._at_times(self._data_variance, t)

    def entropy(self) -> float:
        """The data's differential entropy, by the integral over lambda = log-SNR.

        It is (ln 2 pi e) / 2 + (1 / 2) int (least loss - sigmoid(lambda)) d lambda: the
        bound of a chain of infinitely many steps. Guo, Shamai and Verdu, 2005,
        https://arxiv.org/abs/cs/0412108; there over the SNR itself.
        """
        a, b = np.sqrt(expit(LOG_SNR)), np.sqrt(expit(-LOG_SNR))
        pairs = zip(a, b, strict=True)
        least = [self._mean(self._noise_variance, *pair) for pair in pairs]
        excess = np.trapezoid(least - expit(LOG_SNR), LOG_SNR)
        return float(0.5 * math.log(2 * math.pi * math.e) + 0.5 * excess)

    def elbo(self, x: ArrayLike, steps: int) -> Array:
        """The bound that the best chain of so many equal steps gives.

        It bounds the chain's own log-density at x from below; since that is another
        distribution than the data's, only the mean over data is below theirs. The chain
        goes from t = 1, where p(x_1) = N(0, 1), to t = 0. A step from t to s is
        normal: its mean is that of x_s given x_t and the denoised x, and its variance
        the one number for all x_t that makes the mean bound highest, which is that of
        x_s given x_t and x times 1 + (SNR_s - SNR_t) m, where m is the least squared
        error of x (Bao and others, 2022, https://arxiv.org/abs/2201.06503). The last
        step has the variance m.

        Args:
            x: data, any shape.
            steps: of the chain, at least 1; one step is a normal distribution.

        Returns:
            Nats, shape of x.
        """
        x = np.asarray(x, float)
        weights = _weights(COARSE)
        total = np.zeros(x.shape)
        for is_last, a, b, gain in _chain(steps):
            m = self._mean(self._data_variance, a, b)
            x_t = a * x[..., None] + b * COARSE
            error = (x[..., None] - self._means(x_t, a, b)[0]) ** 2 @ weights
            if is_last:
                total -= 0.5 * (math.log(2 * math.pi * m) + error / m)
            else:
                widened = 1 + gain * m
                terms = 1 / widened - 1 + gain * error / widened
                total -= 0.5 * (math.log(widened) + terms)
        return total

    def mean_elbo(self, steps: int) -> float:
        """The mean of `elbo` over the data; below their mean log-density, -entropy.

        It is -(ln 2 pi e m) / 2 of the last step and -ln(1 + (SNR_s - SNR_t) m) / 2 of
        each other one.
        """
        total = 0.0
        for is_last, a, b, gain in _chain(steps):
            m = self._mean(self._data_variance, a, b)
            inside = 2 * math.pi * math.e * m if is_last else 1 + gain * m
            total -= 0.5 * math.log(inside)
        return total

    def gap_times_steps(self) -> float:
        """What steps times (-entropy - mean ELBO) tends to for many steps, in nats.

        It is (1 / 4) int (d SNR / d t)^2 Var(variance of x given x_t) d t, the second
        order in the length of a step: the chain has one variance for all x_t.
        """
        t = np.linspace(0, 1, 501)[1:-1]  # at both ends it is 0
        a, b = _path(t)
        slopes = math.pi * a / b**3
        pairs = zip(a, b, strict=True)
        spread = [self._mean(self._spread_of_variances, *pair) for pair in pairs]
        return float(0.25 * np.sum(slopes**2 * spread) * (t[1] - t[0]))

    def _log_terms(self, x: Array, a: Array | float, b: Array | float) -> Array:
        """Log of each component's share of the density of x_t, (..., k)."""
        a, b, x = (np.asarray(each)[..., None] for each in (a, b, x))
        variance = (a * self.sigmas) ** 2 + b**2
        squares = (x - a * self.means) ** 2 / variance
        return np.log(self.weights) - 0.5 * (np.log(2 * np.pi * variance) + squares)

    def _given(self, x: Array, a: Array | float, b: Array | float) -> tuple[Array, ...]:
        """Of each component given x_t: its share, and what it says of x and epsilon.

        Returns:
            Share, mean of x, mean of epsilon and score, (..., k); then the variances
            of x and of epsilon, which are the same for all x_t.
        """
        log_terms = self._log_terms(x, a, b)
        share = np.exp(log_terms - logsumexp(log_terms, axis=-1, keepdims=True))
        a, b, x = (np.asarray(each)[..., None] for each in (a, b, x))
        variance = (a * self.sigmas) ** 2 + b**2
        scaled = (x - a * self.means) / variance
        data = self.means + a * self.sigmas**2 * scaled
        data_variance = (b * self.sigmas) ** 2 / variance
        noise_variance = (a * self.sigmas) ** 2 / variance
        return share, data, b * scaled, -scaled, data_variance, noise_variance

    def _means(self, x: Array, a: Array | float, b: Array | float) -> tuple[Array, ...]:
        """Means of x and of epsilon given x_t, and the score."""
        share, *each = self._given(x, a, b)
        return tuple((share * values).sum(-1) for values in each[:3])

    def _data_variance(self, x: Array, a: float, b: float) -> Array:
        """The variance of the data given x_t."""
        share, data, _, _, variance, _ = self._given(x, a, b)
        return _total_variance(share, data, variance)

    def _noise_variance(self, x: Array, a: float, b: float) -> Array:
        """The variance of epsilon given x_t, also where b is 0."""
        share, _, noise, _, _, variance = self._given(x, a, b)
        return _total_variance(share, noise, variance)

    def _spread_of_variances(self, x: Array, a: float, b: float) -> Array:
        """The squared distance of the data's variance given x_t from its mean."""
        mean = self._mean(self._data_variance, a, b)
        return (self._data_variance(x, a, b) - mean) ** 2

    def _at_times(
        self, of: Callable[[Array, float, float], Array], t: ArrayLike
    ) -> Array:
        """The mean over x_t of a function of x_t, a and b at each time, shape of t."""
        a, b = _path(t)
        means = [self._mean(of, *pair) for pair in zip(a.flat, b.flat, strict=True)]
        return np.reshape(means, a.shape)

    def _mean(
        self, of: Callable[[Array, float, float], Array], a: float, b: float
    ) -> float:
        """The mean over x_t of a function of x_t, a and b."""
        widths = np.sqrt((a * self.sigmas) ** 2 + b**2)
        x_t = a * self.means[:, None] + widths[:, None] * FINE
        return float(self.weights @ of(x_t, a, b) @ _weights(FINE))


def _path(t: ArrayLike) -> tuple[Array, Array]:
    """The signal and the noise at times t; beyond an end by rounding is at the end.

    Raises:
        ValueError: a time outside of [0, 1] by more than 1e-9.
    """
    given = np.asarray(t, float)
    times = np.clip(given, 0, 1)
    is_near = bool(np.all(np.abs(given - times) <= ROUNDED))
    require(is_near, "t goes from 0 (data) to 1 (noise).")
    return np.cos(np.pi / 2 * times), np.sin(np.pi / 2 * times)


def _chain(steps: int) -> list[tuple[bool, float, float, float]]:
    """Each step: whether it is the last, a and b where it begins, its gain in SNR."""
    steps = whole_number("steps", steps, least=1)
    a, b = _path(np.linspace(0, 1, steps + 1)[1:])
    snr = (a / b) ** 2
    gains = [math.inf, *(snr[:-1] - snr[1:])]
    return [(not i, *each) for i, each in enumerate(zip(a, b, gains, strict=True))]


def _total_variance(share: Array, means: Array, variances: Array) -> Array:
    """The variance of a mixture: within its components, and of their means."""
    centre = (share * means).sum(-1, keepdims=True)
    return (share * (variances + (means - centre) ** 2)).sum(-1)


def _weights(points: Array) -> Array:
    """The standard normal density on an even grid, times its spacing."""
    density = np.exp(-0.5 * points**2) / math.sqrt(2 * math.pi)
    return density * (points[1] - points[0])
