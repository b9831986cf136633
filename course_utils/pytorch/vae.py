"""Variational autoencoders: the models, the ELBO, and its tighter kin.

All terms are in nats, summed over pixels and latent dimensions, one value an image.
Tensors of unequal shapes raise ValueError.
"""

import math
from collections.abc import Callable, Sequence
from typing import Protocol

import torch
from torch import Tensor, nn

from course_utils.data.shapes import check_same_shape
from course_utils.pytorch.device import Network, own_settings
from course_utils.pytorch.likelihoods import (
    GaussianPixels,
    Likelihood,
    bernoulli_log_likelihood,
)
from course_utils.pytorch.networks import (
    ConvDecoder,
    ConvEncoder,
    MLPDecoder,
    MLPEncoder,
)
from course_utils.records.runs import whole_number


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


class VAE(Protocol):
    """What a bound is computed from."""

    @property
    def encoder(self) -> Callable[[Tensor], tuple[Tensor, Tensor]]:
        """Images to mu and logvar, each (n, latent_dim)."""

    def log_likelihood(self, x: Tensor, z: Tensor) -> Tensor:
        """Log p(x given z), shape (n,)."""


class TrainableVAE(VAE, Network, Protocol):
    """The same as an `nn.Module`."""

    @property
    def latent_dim(self) -> int:
        """Dimensions of z."""


class MLPVAE(nn.Module):
    """Fully connected VAE; the defaults are the lecture's, 1,079,584 parameters.

    Images come in and go out in [0, 1]; its default likelihood works on
    [-0.5, 0.5] and shifts them itself.

    Args:
        likelihood: `GaussianPixels()` if None, or another with the same two methods.
        latent_dim: dimensions of z.
        encoder_hidden, decoder_hidden: widths of the ReLU layers.
        shape: channels, height and width of an image, or (d,) for points.
    """

    @own_settings()
    def __init__(
        self,
        likelihood: Likelihood | None = None,
        latent_dim: int = 8,
        encoder_hidden: Sequence[int] = (512, 512),
        decoder_hidden: Sequence[int] = (512,),
        shape: tuple[int, ...] = (1, 28, 28),
    ) -> None:
        super().__init__()
        self.latent_dim = latent_dim
        self.encoder = MLPEncoder(latent_dim, encoder_hidden, math.prod(shape))
        self.decoder = MLPDecoder(latent_dim, decoder_hidden, shape)
        self.likelihood: Likelihood = (
            GaussianPixels() if likelihood is None else likelihood
        )

    def log_likelihood(self, x: Tensor, z: Tensor) -> Tensor:
        """Log p(x given z), shape (n,)."""
        return self.likelihood.log_likelihood(self.decoder(z), x)

    def decode(self, z: Tensor) -> Tensor:
        """The mean image of each latent point, in [0, 1]."""
        return self.likelihood.mean(self.decoder(z))


class ConvVAE(nn.Module):
    """Convolutional VAE; the defaults are the lecture's, 134,165 parameters.

    Its pixels are Bernoulli, and the decoder's numbers their logits.

    Args:
        latent_dim: dimensions of z.
        channels: of an image; its size is 28 by 28.
    """

    @own_settings()
    def __init__(self, latent_dim: int = 2, channels: int = 1) -> None:
        super().__init__()
        self.latent_dim = latent_dim
        self.encoder = ConvEncoder(latent_dim, channels)
        self.decoder = ConvDecoder(latent_dim, channels)

    def log_likelihood(self, x: Tensor, z: Tensor) -> Tensor:
        """Log p(x given z), shape (n,)."""
        return bernoulli_log_likelihood(self.decoder(z), x)

    def decode(self, z: Tensor) -> Tensor:
        """The mean image of each latent point, in [0, 1]."""
        return self.decoder(z).sigmoid()


def elbo(model: VAE, x: Tensor, epsilon: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The evidence lower bound of each image, by one sample of z, and its two terms.

    Args:
        model: with `encoder` and `log_likelihood`.
        x: images, (n, channels, height, width), in [0, 1].
        epsilon: noise, (n, latent_dim).

    Returns:
        elbo, reconstruction, kl, each (n,), with elbo = reconstruction - kl.
    """
    mu, logvar = model.encoder(x)
    z = reparameterize(mu, logvar, epsilon)
    reconstruction = model.log_likelihood(x, z)
    kl = kl_to_standard_normal(mu, logvar)
    return reconstruction - kl, reconstruction, kl


def vae_step(
    model: VAE,
    x: Tensor,
    epsilon: Tensor,
    optimizer: torch.optim.Optimizer,
    beta: float = 1.0,
) -> tuple[Tensor, Tensor]:
    """One step down the gradient of the loss, beta KL - reconstruction.

    Arguments as in `elbo` and `train_vae`. Returns reconstruction and kl of each
    image, before the step.
    """
    _, reconstruction, kl = elbo(model, x, epsilon)
    loss = (beta * kl - reconstruction).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return reconstruction.detach(), kl.detach()


def log_weights(
    model: VAE, x: Tensor, samples: int, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Importance weights of latent points drawn from q(z given x).

    Args:
        model: with `encoder` and `log_likelihood`.
        x: images, (n, channels, height, width), in [0, 1].
        samples: latent points an image.
        generator: of x's device.

    Returns:
        log w = log p(x, z) - log q(z given x), and log p(x given z) alone, each
        (samples, n).
    """
    mu, logvar = model.encoder(x)
    shape = (samples, *mu.shape)
    epsilon = torch.randn(shape, generator=generator, device=mu.device, dtype=mu.dtype)
    z = reparameterize(mu.expand(shape), logvar.expand(shape), epsilon)
    # log p(z) - log q(z given x); their ln 2 pi cancel
    log_ratio = 0.5 * (epsilon.square() + logvar - z.square()).sum(-1)
    repeated = x.expand(samples, *x.shape).flatten(0, 1)
    log_likelihood = model.log_likelihood(repeated, z.flatten(0, 1))
    log_likelihood = log_likelihood.view(samples, len(x))
    return log_likelihood + log_ratio, log_likelihood


def iwae_bound(model: VAE, x: Tensor, samples: int, seed: int) -> Tensor:
    """The importance-weighted bound log mean_k w_k of each image, shape (n,).

    Never above log p(x) on average, and rising towards it with `samples`.
    Burda, Grosse and Salakhutdinov, 2016, https://arxiv.org/abs/1509.00519.
    """
    generator = torch.Generator(x.device).manual_seed(whole_number("seed", seed))
    log_w, _ = log_weights(model, x, samples, generator)
    return log_w.logsumexp(0) - math.log(samples)
