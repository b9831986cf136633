"""Likelihoods of pixels and of rows: formulas, and the modules that a VAE holds.

In nats, summed over pixels, one value an image. Tensors of unequal shapes raise
ValueError.
"""

import math
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_utils.data.shapes import check_one_number, check_same_shape
from course_utils.pytorch.device import own_settings


def bernoulli_log_likelihood(x_logits: Tensor, x: Tensor) -> Tensor:
    """Sum over pixels of x log p + (1 - x) log(1 - p), p = sigmoid(x_logits).

    Written with softplus, so that it is finite for any logit. Shapes (n, ...) to (n,).
    """
    check_same_shape(x_logits=x_logits, x=x)
    return (x * x_logits - F.softplus(x_logits)).flatten(1).sum(1)


def gaussian_log_likelihood(x_mean: Tensor, x: Tensor, sigma: Tensor | float) -> Tensor:
    """Sum over pixels of log N(x; x_mean, sigma^2). Shapes (n, ...) to (n,).

    `sigma` is one number for all pixels.
    """
    check_same_shape(x_mean=x_mean, x=x)
    check_one_number(sigma=sigma)
    sigma = torch.as_tensor(sigma, dtype=x_mean.dtype, device=x_mean.device)
    squared_error = (x - x_mean).square().flatten(1).sum(1)
    normalizer = x[0].numel() * (torch.log(sigma) + 0.5 * math.log(2 * math.pi))
    return -0.5 * squared_error / sigma.square() - normalizer


class Likelihood(Protocol):
    """How a decoder's numbers become a distribution of images."""

    def log_likelihood(self, decoded: Tensor, x: Tensor) -> Tensor:
        """Log p(x given z), shape (n,)."""

    def mean(self, decoded: Tensor) -> Tensor:
        """The mean image, in [0, 1], or the mean row."""


class GaussianPixels(nn.Module):
    """Likelihood of pixels shifted to [-0.5, 0.5]: Gaussian around a tanh mean.

    The lecture's choice, with its unit variance as the default.

    Args:
        sigma: standard deviation of a pixel around its mean.
        learn: make sigma, one number for all pixels, a parameter.
    """

    @own_settings()
    def __init__(self, sigma: float = 1.0, learn: bool = False) -> None:
        super().__init__()
        log_sigma = torch.tensor(math.log(sigma))
        if learn:
            self.log_sigma = nn.Parameter(log_sigma)
        else:
            self.register_buffer("log_sigma", log_sigma, persistent=False)

    def log_likelihood(self, decoded: Tensor, x: Tensor) -> Tensor:
        """Log p(x given z), shape (n,), from the decoder's numbers and x in [0, 1]."""
        return gaussian_log_likelihood(decoded.tanh(), x - 0.5, self.log_sigma.exp())

    def mean(self, decoded: Tensor) -> Tensor:
        """The mean image, in [0, 1]."""
        return (decoded.tanh() + 0.5).clamp(0, 1)


class GaussianColumns(nn.Module):
    """Likelihood of rows of real numbers: Gaussian, with a width for each column.

    The decoder's numbers are the means, without bounds.

    Args:
        columns: numbers in a row.
        floor: the least width. Where a column follows from others, or from z, the
            likelihood has no limit without one.
    """

    @own_settings()
    def __init__(self, columns: int, floor: float = 0.01) -> None:
        super().__init__()
        self.floor = floor
        self.log_width = nn.Parameter(torch.zeros(columns))

    @property
    def sigma(self) -> Tensor:
        """The standard deviation of each column around its mean, (columns,)."""
        return (self.floor**2 + (2 * self.log_width).exp()).sqrt()

    def log_likelihood(self, decoded: Tensor, x: Tensor) -> Tensor:
        """Sum over columns of log N(x; decoded, sigma^2). Shapes (n, columns) to (n,).

        Raises:
            ValueError: unequal shapes.
        """
        check_same_shape(decoded=decoded, x=x)
        sigma = self.sigma
        scaled = ((x - decoded) / sigma).square()
        return -(0.5 * (scaled + math.log(2 * math.pi)) + sigma.log()).sum(-1)

    def mean(self, decoded: Tensor) -> Tensor:
        """The mean row."""
        return decoded


class BernoulliPixels(nn.Module):
    """Likelihood of pixels that are 0 or 1; the decoder's numbers are logits.

    For grey levels the formula still works, but it is a cross-entropy and the
    probability of nothing.
    """

    def log_likelihood(self, decoded: Tensor, x: Tensor) -> Tensor:
        """Log p(x given z), shape (n,), from the decoder's logits and x in [0, 1]."""
        return bernoulli_log_likelihood(decoded, x)

    def mean(self, decoded: Tensor) -> Tensor:
        """The probability of each pixel's being 1."""
        return decoded.sigmoid()
