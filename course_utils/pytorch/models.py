"""VAEs put together: an encoder, a decoder, and a likelihood of the pixels.

Log-likelihoods are in nats, summed over pixels, one value an image.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from course_utils.pytorch.formulas import (
    bernoulli_log_likelihood,
    gaussian_log_likelihood,
)
from course_utils.pytorch.networks import (
    ConvDecoder,
    ConvEncoder,
    MLPDecoder,
    MLPEncoder,
)
from course_utils.pytorch.runtime import own_settings


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


class MLPVAE(nn.Module):
    """Fully connected VAE; the defaults are the lecture's, 1,079,584 parameters.

    Images come in and go out in [0, 1]; its default likelihood works on
    [-0.5, 0.5] and shifts them itself.

    Args:
        likelihood: `GaussianPixels()` if None, or another with the same two methods.
        latent_dim: dimensions of z.
        encoder_hidden, decoder_hidden: widths of the ReLU layers.
        shape: channels, height and width of an image.
    """

    @own_settings()
    def __init__(
        self,
        likelihood: nn.Module | None = None,
        latent_dim: int = 8,
        encoder_hidden: Sequence[int] = (512, 512),
        decoder_hidden: Sequence[int] = (512,),
        shape: tuple[int, int, int] = (1, 28, 28),
    ) -> None:
        super().__init__()
        self.latent_dim = latent_dim
        self.encoder = MLPEncoder(latent_dim, encoder_hidden, math.prod(shape))
        self.decoder = MLPDecoder(latent_dim, decoder_hidden, shape)
        self.likelihood = GaussianPixels() if likelihood is None else likelihood

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
