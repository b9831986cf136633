"""What an evaluation of a VAE reports, whichever framework it ran in."""

import math
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from scipy.special import logsumexp


@dataclass(frozen=True)
class Estimate:
    """A mean and its standard error; over images, in nats, unless said otherwise."""

    mean: float
    standard_error: float

    @classmethod
    def of(cls, values: npt.NDArray) -> "Estimate":
        """From one value an image, shape (n,)."""
        values = np.asarray(values, dtype=np.float64)
        error = (
            values.std(ddof=1) / math.sqrt(len(values)) if len(values) > 1 else math.inf
        )
        return cls(float(values.mean()), float(error))

    def __str__(self) -> str:
        return f"{self.mean:.2f} +- {self.standard_error:.2f}"


@dataclass(frozen=True)
class Evaluation:
    """Bounds on log p(x), averaged over images, in nats.

    Attributes:
        elbo: with the KL in closed form; equal to reconstruction - kl.
        reconstruction: E_q log p(x given z).
        kl: KL(q(z given x) || p(z)).
        bounds: for each number k of latent points the importance-weighted bound of
            each image, (n,); for one image they are in order, L_1 <= L_5 <= ...
    """

    elbo: Estimate
    reconstruction: Estimate
    kl: Estimate
    bounds: dict[int, npt.NDArray[np.float64]] = field(compare=False, repr=False)

    @property
    def iwae(self) -> dict[int, Estimate]:
        """The bounds, averaged over images."""
        return {k: Estimate.of(values) for k, values in self.bounds.items()}

    @classmethod
    def of(
        cls, log_w: npt.NDArray, reconstruction: npt.NDArray, kl: npt.NDArray
    ) -> "Evaluation":
        """From log weights (samples, n) and the two terms of each image, (n,)."""
        samples = len(log_w)
        sizes = [k for k in (1, 5, 50, 500, 5000) if samples % k == 0]
        return cls(
            elbo=Estimate.of(reconstruction - kl),
            reconstruction=Estimate.of(reconstruction),
            kl=Estimate.of(kl),
            bounds={k: block_bound(log_w, k) for k in sizes},
        )


def block_bound(log_w: npt.NDArray, k: int) -> npt.NDArray[np.float64]:
    """The importance-weighted bound L_k, a mean over disjoint blocks of k weights.

    The logarithm of a mean is at least the mean of logarithms, so blocks that merge
    give a larger value: for each image L_1 <= L_5 <= L_50 from one set of weights.
    Burda, Grosse and Salakhutdinov, 2016, https://arxiv.org/abs/1509.00519.

    Args:
        log_w: log weights, shape (samples, n).
        k: weights a block; must divide samples.

    Returns:
        One bound an image, shape (n,).

    Raises:
        ValueError: k does not divide the number of samples.
    """
    samples, n = log_w.shape
    if samples % k:
        raise ValueError(f"Blocks of {k} do not divide {samples} samples.")
    blocks = np.asarray(log_w, dtype=np.float64).reshape(samples // k, k, n)
    return (logsumexp(blocks, axis=1) - math.log(k)).mean(axis=0)
