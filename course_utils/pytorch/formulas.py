"""The formulas of a VAE, on tensors: one value an image, in nats.

They are summed over pixels and latent dimensions. Tensors of unequal shapes raise
ValueError.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from course_utils.shapes import check_one_number, check_same_shape


def reparameterize(mu: Tensor, logvar: Tensor, epsilon: Tensor) -> Tensor:
    """Z = mu + sigma * epsilon, a sample of q(z given x) when epsilon is N(0, I).

    Kingma and Welling, 2014, https://arxiv.org/abs/1312.6114.
    """
    check_same_shape(mu=mu, logvar=logvar, epsilon=epsilon)
    return mu + torch.exp(0.5 * logvar) * epsilon


def kl_to_standard_normal(mu: Tensor, logvar: Tensor) -> Tensor:
    """KL(N(mu, diag exp logvar) || N(0, I)), shape (n,) for inputs (n, latent_dim).

    Kingma and Welling, 2014, appendix B.
    """
    check_same_shape(mu=mu, logvar=logvar)
    return 0.5 * (mu.square() + logvar.exp() - 1 - logvar).sum(-1)


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
