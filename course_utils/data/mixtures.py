"""Toy mixtures of narrow normal distributions, whose truth is known."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import logsumexp


@dataclass(frozen=True, eq=False)
class Mixture:
    """Normal distributions of one width and equal shares, in any dimension.

    Attributes:
        modes: their means, (k, dimensions).
        sigma: the standard deviation of each, in each dimension.
    """

    modes: npt.NDArray[np.float64]
    sigma: float

    def sample(self, n: int, seed: int) -> npt.NDArray[np.float64]:
        """Draw n points, (n, dimensions)."""
        rng = np.random.default_rng(seed)
        means = self.modes[rng.integers(len(self.modes), size=n)]
        return means + self.sigma * rng.standard_normal(means.shape)

    def log_prob(self, x: npt.NDArray) -> npt.NDArray[np.float64]:
        """The log-density of points (n, dimensions), in nats: (n,)."""
        scaled = (np.asarray(x)[:, None] - self.modes) / self.sigma
        k, dimensions = self.modes.shape
        normalizer = np.log(k) + dimensions * np.log(self.sigma * np.sqrt(2 * np.pi))
        return logsumexp(-0.5 * (scaled**2).sum(-1), axis=1) - normalizer


def ring_of_gaussians(
    modes: int = 8, radius: float = 1.0, sigma: float = 0.01
) -> Mixture:
    """Modes at equal steps on a circle in the plane.

    The defaults are the ring of VEEGAN (Srivastava et al., 2017,
    https://arxiv.org/abs/1705.07761) and PacGAN (Lin et al., 2018,
    https://arxiv.org/abs/1712.04086).
    """
    angles = 2 * np.pi * np.arange(modes) / modes
    return Mixture(radius * np.stack([np.cos(angles), np.sin(angles)], axis=1), sigma)


def grid_of_gaussians(
    side: int = 5, spacing: float = 2.0, sigma: float = 0.05
) -> Mixture:
    """Modes on a square grid around the origin; the defaults as `ring_of_gaussians`."""
    axis = spacing * (np.arange(side) - (side - 1) / 2)
    modes = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    return Mixture(modes, sigma)
