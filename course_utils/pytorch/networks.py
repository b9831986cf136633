"""Encoders, decoders, generators, discriminators: networks without probability."""

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_utils.pytorch.device import own_settings
from course_utils.pytorch.layers import (
    BatchNorm,
    Dropout,
    SameConv2d,
    SameConvTranspose2d,
    glorot,
    relu_layers,
    waves,
)


class MLPEncoder(nn.Module):
    """Images to the mean and log-variance of q(z given x).

    Args:
        latent_dim: dimensions of z.
        hidden: widths of the ReLU layers.
        pixels: pixels times channels of one image.
    """

    @own_settings()
    def __init__(
        self, latent_dim: int = 8, hidden: Sequence[int] = (512, 512), pixels: int = 784
    ) -> None:
        super().__init__()
        self.body = relu_layers(pixels, hidden)
        self.mu = nn.Linear(hidden[-1], latent_dim)
        self.logvar = nn.Linear(hidden[-1], latent_dim)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Images (n, channels, height, width) to `mu` and `logvar`, (n, latent_dim)."""
        h = self.body(x.flatten(1))
        # x's type, also where autocast multiplied in bfloat16
        return self.mu(h).to(x.dtype), self.logvar(h).to(x.dtype)


class MLPDecoder(nn.Module):
    """Latent points to one unbounded number a pixel: a logit, or a mean before tanh.

    Args:
        latent_dim: dimensions of z.
        hidden: widths of the ReLU layers.
        shape: channels, height and width of an image, or (d,) for points.
    """

    @own_settings()
    def __init__(
        self,
        latent_dim: int = 8,
        hidden: Sequence[int] = (512,),
        shape: tuple[int, ...] = (1, 28, 28),
    ) -> None:
        super().__init__()
        self.shape = shape
        self.body = relu_layers(latent_dim, hidden)
        self.pixels = nn.Linear(hidden[-1], math.prod(shape))

    def forward(self, z: Tensor) -> Tensor:
        """Latent points (n, latent_dim) to numbers (n, *shape)."""
        return self.pixels(self.body(z)).to(z.dtype).unflatten(1, self.shape)


class ConvEncoder(nn.Module):
    """Images to the mean and log-variance of q(z given x), by convolutions.

    The defaults are the lecture's network, 69,076 parameters, initialized as there.

    Args:
        latent_dim: dimensions of z.
        channels: of an image; its size is 28 by 28.
    """

    @own_settings()
    def __init__(self, latent_dim: int = 2, channels: int = 1) -> None:
        super().__init__()
        self.conv1 = SameConv2d(channels, 32, 3, stride=2)
        self.conv2 = SameConv2d(32, 64, 3, stride=2)
        self.hidden = nn.Linear(7 * 7 * 64, 16)
        self.mu = nn.Linear(16, latent_dim)
        self.logvar = nn.Linear(16, latent_dim)
        self.apply(glorot)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Images (n, channels, 28, 28) to `mu` and `logvar`, each (n, latent_dim)."""
        h = F.relu(self.conv1(x))  # (n, 32, 14, 14)
        h = F.relu(self.conv2(h))  # (n, 64, 7, 7)
        # flattened as (height, width, channels), so that Keras's weights fit
        h = F.relu(self.hidden(h.permute(0, 2, 3, 1).flatten(1)))
        # x's type, also where autocast multiplied in bfloat16
        return self.mu(h).to(x.dtype), self.logvar(h).to(x.dtype)


class ConvDecoder(nn.Module):
    """Latent points to one logit a pixel, by transposed convolutions.

    The defaults are the lecture's network, 65,089 parameters, initialized as there.

    Args:
        latent_dim: dimensions of z.
        channels: of an image; its size is 28 by 28.
    """

    @own_settings()
    def __init__(self, latent_dim: int = 2, channels: int = 1) -> None:
        super().__init__()
        self.hidden = nn.Linear(latent_dim, 7 * 7 * 64)
        self.deconv1 = SameConvTranspose2d(64, 64, 3, stride=2)
        self.deconv2 = SameConvTranspose2d(64, 32, 3, stride=2)
        self.pixels = SameConvTranspose2d(32, channels, 3)
        self.apply(glorot)

    def forward(self, z: Tensor) -> Tensor:
        """Latent points (n, latent_dim) to logits (n, channels, 28, 28)."""
        h = F.relu(self.hidden(z))
        h = h.unflatten(1, (7, 7, 64)).permute(0, 3, 1, 2)  # as the encoder flattens
        h = F.relu(self.deconv1(h))  # (n, 64, 14, 14)
        h = F.relu(self.deconv2(h))  # (n, 32, 28, 28)
        return self.pixels(h).to(z.dtype)


class MLPGenerator(nn.Module):
    """Latent points to points of the data's space, by ReLU layers.

    Args:
        latent_dim: dimensions of z.
        hidden: widths of the ReLU layers.
        dim: dimensions of the data.
        scale: unit of length of the data, by which the output is multiplied.
    """

    @own_settings()
    def __init__(
        self,
        latent_dim: int = 2,
        hidden: Sequence[int] = (128, 128, 128),
        dim: int = 2,
        scale: float = 1.0,
    ) -> None:
        super().__init__()
        self.latent_dim = latent_dim
        self.scale = scale
        self.body = relu_layers(latent_dim, hidden)
        self.point = nn.Linear(hidden[-1], dim)

    def forward(self, z: Tensor) -> Tensor:
        """Latent points (n, latent_dim) to samples (n, dim)."""
        return self.scale * self.point(self.body(z))


class MLPVelocity(nn.Module):
    """Noisy points and their times to a velocity each, by ReLU layers.

    Args:
        dim: dimensions of the data.
        hidden: widths of the ReLU layers.
        frequencies: of the sines and cosines that tell the time.
    """

    @own_settings()
    def __init__(
        self, dim: int = 1, hidden: Sequence[int] = (128, 128), frequencies: int = 4
    ) -> None:
        super().__init__()
        self.frequencies = frequencies
        self.body = relu_layers(dim + 2 * frequencies, hidden)
        self.velocity = nn.Linear(hidden[-1], dim)

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        """Points (n, dim) at times (n,) in [0, 1] to velocities (n, dim)."""
        told = waves(t, self.frequencies, 2.0**self.frequencies)
        return self.velocity(self.body(torch.cat([x, told], 1)))


class MLPDiscriminator(nn.Module):
    """Points to one logit each, by ReLU layers.

    Args:
        dim: dimensions of the data; twice as many where points come in pairs.
        hidden: widths of the ReLU layers.
        scale: unit of length of the data, by which the input is divided.
    """

    @own_settings()
    def __init__(
        self, dim: int = 2, hidden: Sequence[int] = (128, 128, 128), scale: float = 1.0
    ) -> None:
        super().__init__()
        self.scale = scale
        self.body = relu_layers(dim, hidden)
        self.logit = nn.Linear(hidden[-1], 1)

    def forward(self, x: Tensor) -> Tensor:
        """Points (n, dim) to logits (n, 1)."""
        return self.logit(self.body(x / self.scale))


SLOPE = 0.3  # of a leaky ReLU below zero: Keras's default; PyTorch's is 0.01


class Generator(nn.Module):
    """Latent points to images in [-1, 1], by transposed convolutions.

    The defaults are the lecture's network: 2,330,944 numbers, of which 25,472 are
    running averages. Without biases, since batch normalization brings its own.

    Args:
        latent_dim: dimensions of z.
        channels: of an image; its size is 28 by 28.
    """

    @own_settings()
    def __init__(self, latent_dim: int = 100, channels: int = 1) -> None:
        super().__init__()
        self.latent_dim = latent_dim
        self.hidden = nn.Linear(latent_dim, 7 * 7 * 256, bias=False)
        self.norm1 = BatchNorm(7 * 7 * 256)
        self.deconv1 = SameConvTranspose2d(256, 128, 5, bias=False)
        self.norm2 = BatchNorm(128)
        self.deconv2 = SameConvTranspose2d(128, 64, 5, stride=2, bias=False)
        self.norm3 = BatchNorm(64)
        self.pixels = SameConvTranspose2d(64, channels, 5, stride=2, bias=False)
        # PyTorch's types lack this argument, which its documentation has.
        self.apply(glorot).to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, z: Tensor) -> Tensor:
        """Latent points (n, latent_dim) to images (n, channels, 28, 28)."""
        h = F.leaky_relu(self.norm1(self.hidden(z)), SLOPE)
        # flattened as (height, width, channels), so that Keras's weights fit
        h = h.unflatten(1, (7, 7, 256)).permute(0, 3, 1, 2)
        h = F.leaky_relu(self.norm2(self.deconv1(h)), SLOPE)  # (n, 128, 7, 7)
        h = F.leaky_relu(self.norm3(self.deconv2(h)), SLOPE)  # (n, 64, 14, 14)
        # z's type, also where autocast multiplied in bfloat16
        return torch.tanh(self.pixels(h)).to(z.dtype)


class Discriminator(nn.Module):
    """Images in [-1, 1] to one logit each, by convolutions.

    The defaults are the lecture's network, 212,865 parameters.

    Args:
        channels: of an image; its size is 28 by 28.
    """

    @own_settings()
    def __init__(self, channels: int = 1) -> None:
        super().__init__()
        self.conv1 = SameConv2d(channels, 64, 5, stride=2)
        self.conv2 = SameConv2d(64, 128, 5, stride=2)
        self.dropout = Dropout(0.3)
        self.logit = nn.Linear(7 * 7 * 128, 1)
        # PyTorch's types lack this argument, which its documentation has.
        self.apply(glorot).to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, x: Tensor) -> Tensor:
        """Images (n, channels, 28, 28) to logits (n, 1)."""
        h = self.dropout(F.leaky_relu(self.conv1(x), SLOPE))  # (n, 64, 14, 14)
        h = self.dropout(F.leaky_relu(self.conv2(h), SLOPE))  # (n, 128, 7, 7)
        # x's type, also where autocast multiplied in bfloat16
        return self.logit(h.permute(0, 2, 3, 1).flatten(1)).to(x.dtype)
