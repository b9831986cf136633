"""Encoders, decoders, generators, discriminators: networks without probability."""

import math
from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn

from course_utils.pytorch.runtime import own_settings


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
        shape: channels, height and width of an image.
    """

    @own_settings()
    def __init__(
        self,
        latent_dim: int = 8,
        hidden: Sequence[int] = (512,),
        shape: tuple[int, int, int] = (1, 28, 28),
    ) -> None:
        super().__init__()
        self.shape = shape
        self.body = relu_layers(latent_dim, hidden)
        self.pixels = nn.Linear(hidden[-1], math.prod(shape))

    def forward(self, z: Tensor) -> Tensor:
        """Latent points (n, latent_dim) to numbers (n, channels, height, width)."""
        return self.pixels(self.body(z)).to(z.dtype).unflatten(1, self.shape)


class SameConv2d(nn.Conv2d):
    """A convolution padded as "same" means in TensorFlow: n pixels to ceil(n / stride).

    Where the padding is odd, and for kernel 3 and stride 2 it is one pixel, the odd
    pixel is added at the bottom and at the right; PyTorch's `padding=1` would add one
    on each side and look at other pixels.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Images (n, inputs, height, width) to maps (n, outputs, ...)."""
        sizes = zip(x.shape[2:], self.kernel_size, self.stride, strict=True)
        padding: list[int] = []
        for pixels, kernel, stride in sizes:
            total = max((math.ceil(pixels / stride) - 1) * stride + kernel - pixels, 0)
            padding = [total // 2, total - total // 2, *padding]  # last axis first
        return super().forward(F.pad(x, padding))


class SameConvTranspose2d(nn.ConvTranspose2d):
    """The gradient of a `SameConv2d`: n pixels to n * stride, the rest cut off.

    For kernel 3 and stride 2 that is one row and one column, at the bottom and at the
    right. The kernel must not be smaller than the stride.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Maps (n, inputs, height, width) to maps (n, outputs, ...)."""
        surplus = [k - s for k, s in zip(self.kernel_size, self.stride, strict=True)]
        h = F.conv_transpose2d(
            x, self.weight, self.bias, self.stride, [cut // 2 for cut in surplus]
        )
        pixels = [n * s for n, s in zip(x.shape[2:], self.stride, strict=True)]
        return h[..., : pixels[0], : pixels[1]]


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


def glorot(module: nn.Module) -> None:
    """Initialize a layer as Keras does: Glorot-uniform weights and zero biases.

    Glorot and Bengio, 2010, https://proceedings.mlr.press/v9/glorot10a.html. Made to
    be handed to `model.apply`.
    """
    if isinstance(module, (nn.Linear, nn.Conv2d, nn.ConvTranspose2d)):
        nn.init.xavier_uniform_(module.weight)
        if module.bias is not None:
            nn.init.zeros_(module.bias)


@own_settings()
def relu_layers(inputs: int, widths: Sequence[int]) -> nn.Sequential:
    """Fully connected layers, each followed by a ReLU."""
    layers: list[nn.Module] = []
    for width in widths:
        layers += [nn.Linear(inputs, width), nn.ReLU()]
        inputs = width
    return nn.Sequential(*layers)
