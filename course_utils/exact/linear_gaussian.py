"""The linear Gaussian model, where evidence, posterior and ELBO have closed forms.

Information is in nats, summed over dimensions, with one value a data row.
"""

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import multivariate_normal

from course_utils.data.images import check_complete
from course_utils.exact.conditions import cholesky, require, require_positive, rows
from course_utils.exact.divergences import Array

LOG_2PI = float(np.log(2 * np.pi))


def gaussian_nll_floor(pixels: int, sigma: float = 1.0) -> float:
    """The least -log N(x; mean, sigma^2 I), at mean = x: pixels/2 ln(2 pi sigma^2)."""
    require_positive(sigma=sigma)
    return float(0.5 * pixels * (LOG_2PI + 2 * np.log(sigma)))


@dataclass(frozen=True, eq=False)
class LinearGaussian:
    """The model z ~ N(0, I_q), x = W z + b + sigma * noise, with noise ~ N(0, I_d).

    Probabilistic PCA (Tipping & Bishop 1999): a VAE with a linear decoder, whose
    evidence, posterior and ELBO are exact. Shapes: W (d, q), b (d,), data x (n, d),
    latents z (n, q), a Gaussian q(z|x): q_mean (n, q), q_cov (q, q) or (n, q, q).
    """

    W: Array
    b: Array
    sigma: float

    def __post_init__(self) -> None:
        for name in ("W", "b"):
            object.__setattr__(self, name, np.array(getattr(self, name), float))
        matched = self.W.ndim == 2 and self.b.shape == self.W.shape[:1]
        require(matched, "Pass W as (d, q) and b as (d,), with the same d.")
        require_positive(sigma=self.sigma)

    @classmethod
    def fit(cls, x: Array, latent_dim: int) -> "LinearGaussian":
        """Maximum likelihood on x (n, d) with the free rotation the identity; q < d."""
        values, vectors = principal_axes(x)
        variance = _discarded_variance(values, latent_dim)
        W = vectors * np.sqrt(np.maximum(values - variance, 0.0))
        return cls(W[:, :latent_dim], np.mean(x, 0, dtype=float), np.sqrt(variance))

    @property
    def posterior_precision(self) -> Array:
        """M = (W^T W + sigma^2 I) / sigma^2, the same (q, q) matrix for every x."""
        return np.eye(self.W.shape[1]) + self.W.T @ self.W / self.sigma**2

    def sample(self, n: int, seed: int) -> tuple[Array, Array]:
        """Draw x (n, d) and the latents z (n, q) behind it."""
        rng = np.random.default_rng(seed)
        z = rng.standard_normal((n, self.W.shape[1]))
        x_mean = z @ self.W.T + self.b
        return x_mean + self.sigma * rng.standard_normal(x_mean.shape), z

    def log_likelihood(self, x: Array, z: Array) -> Array:
        """Return log p(x|z) for pairs of rows: (n,)."""
        x, z = rows(x, len(self.b), "x"), rows(z, self.W.shape[1], "z")
        error = ((x - self.b - z @ self.W.T) ** 2).sum(-1) / (2 * self.sigma**2)
        return -gaussian_nll_floor(len(self.b), self.sigma) - error

    def log_joint(self, x: Array, z: Array) -> Array:
        """Return log p(x, z) = log p(x|z) + log p(z) for pairs of rows: (n,)."""
        return self.log_likelihood(x, z) - 0.5 * (np.square(z) + LOG_2PI).sum(-1)

    def log_evidence(self, x: Array) -> Array:
        """Return log p(x), where p(x) = N(x; b, W W^T + sigma^2 I): (n,)."""
        x = rows(x, len(self.b), "x")
        cov = self.W @ self.W.T + self.sigma**2 * np.eye(len(self.b))
        return np.atleast_1d(multivariate_normal.logpdf(x, self.b, cov))

    def posterior(self, x: Array) -> tuple[Array, Array]:
        """Mean (n, q) and covariance M^-1 (q, q) of p(z|x)."""
        cov = np.linalg.inv(self.posterior_precision)
        pulled = (rows(x, len(self.b), "x") - self.b) @ self.W / self.sigma**2
        return pulled @ cov, 0.5 * (cov + cov.T)

    def reconstruction(self, x: Array, q_mean: Array, q_cov: Array) -> Array:
        """E_q log p(x|z): log p(x|q_mean) - trace(W q_cov W^T) / (2 sigma^2): (n,)."""
        spread = (self.W.T @ self.W * np.asarray(q_cov, float)).sum((-2, -1))
        return self.log_likelihood(x, q_mean) - spread / (2 * self.sigma**2)

    def kl(self, q_mean: Array, q_cov: Array) -> Array:
        """KL(q(z|x) || N(0, I)): (n,)."""
        mean = rows(q_mean, self.W.shape[1], "q_mean")
        factor, log_det = cholesky(q_cov)
        return 0.5 * ((mean**2 - 1).sum(-1) + (factor**2).sum((-2, -1)) - log_det)

    def elbo(self, x: Array, q_mean: Array, q_cov: Array) -> Array:
        """The exact ELBO of a Gaussian q, reconstruction - kl, unsampled: (n,)."""
        return self.reconstruction(x, q_mean, q_cov) - self.kl(q_mean, q_cov)

    def best_diagonal_posterior(self, x: Array) -> tuple[Array, Array]:
        """Mean (n, q), covariance (q, q), diag(1/M_ii), of the best diagonal q(z|x)."""
        return self.posterior(x)[0], np.diag(1 / np.diag(self.posterior_precision))

    def diagonal_gap(self) -> float:
        """1/2 (sum_i ln M_ii - ln det M): log p(x) - elbo of that q at any x."""
        M = self.posterior_precision
        return float(0.5 * (np.log(np.diag(M)).sum() - cholesky(M)[1]))


def principal_axes(x: NDArray[np.floating]) -> tuple[Array, Array]:
    """Falling eigenvalues (d,) and eigenvectors (d, d), columns, of x's covariance.

    The covariance divides by n; each column's entry of largest modulus is positive.
    """
    check_complete(x, "data")
    x = np.asarray(x, float)
    require(x.ndim == 2 and len(x) > 1, "Pass x as two or more rows (n, d).")
    values, vectors = np.linalg.eigh(np.atleast_2d(np.cov(x.T, bias=True)))
    largest = np.take_along_axis(vectors, np.abs(vectors).argmax(0)[None], 0)
    return values[::-1], (vectors * np.sign(largest))[:, ::-1]


def ppca_log_evidence(eigenvalues: Array, latent_dim: int) -> float:
    """Mean log-evidence of `LinearGaussian.fit` from all the eigenvalues (d,).

    -1/2 [d ln 2 pi + sum_{i<=q} ln lambda_i + (d - q) ln sigma^2 + d], where sigma^2 is
    the mean of the smallest d - q (Tipping & Bishop 1999).
    """
    values = np.sort(np.asarray(eigenvalues, float))[::-1]
    d, noise = len(values), np.log(_discarded_variance(values, latent_dim))
    log_det = np.log(values[:latent_dim]).sum() + (d - latent_dim) * noise
    return float(-0.5 * (d * LOG_2PI + log_det + d))


class RateDistortion(NamedTuple):
    """Mean KL(q || p), mean ||x - W z - b||^2 (Alemi et al. 2018), dimensions used."""

    rate: float
    distortion: float
    active_units: int


def rate_distortion(eigenvalues: Array, sigma: float, beta: float) -> RateDistortion:
    """The best linear beta-VAE, sigma held fixed, for data with these eigenvalues (d,).

    Reverse water-filling (Cover & Thomas): with s = beta sigma^2 and a latent dimension
    for each lambda_i > s, sum 1/2 (ln lambda_i/s)_+ and sum min(lambda_i, s).
    """
    require_positive(sigma=sigma, beta=beta)
    values, level = np.asarray(eigenvalues, float), beta * sigma**2
    rate = 0.5 * np.log(np.maximum(values, level) / level).sum()
    distortion, active = np.minimum(values, level).sum(), (values > level).sum()
    return RateDistortion(float(rate), float(distortion), int(active))


def beta_vae_optimum(
    x: Array, latent_dim: int, sigma: float, beta: float
) -> tuple[LinearGaussian, LinearGaussian]:
    """`(model, inference)`, where the mean of reconstruction - beta kl is largest.

    q(z|x) is `inference.posterior(x)`. Over beta, the objective is a constant plus the
    ELBO of the same W with noise variance s = beta sigma^2: so W's columns are axes u_i
    of x times sqrt((lambda_i - s)_+), 0 if collapsed (Lucas et al. 2019).
    """
    require_positive(sigma=sigma, beta=beta)
    (values, vectors), level = principal_axes(x), beta * sigma**2
    require(1 <= latent_dim <= len(values), "Choose latent_dim from 1 to d.")
    W = (vectors * np.sqrt(np.maximum(values - level, 0.0)))[:, :latent_dim]
    model = LinearGaussian(W, np.mean(x, 0, dtype=float), sigma)
    return model, replace(model, sigma=np.sqrt(level))


def _discarded_variance(values: Array, latent_dim: int) -> float:
    mean = values[latent_dim:].mean() if 1 <= latent_dim < len(values) else 0.0
    noisy = mean > len(values) * np.finfo(float).eps * values[0]
    require(noisy, "Choose latent_dim from 1 to d - 1 and below the rank of the data.")
    return float(mean)
