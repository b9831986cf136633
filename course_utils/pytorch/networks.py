"""Encoders and decoders: the networks, without any probability."""

import math
from collections.abc import Sequence

from torch import Tensor, nn


class MLPEncoder(nn.Module):
    """Images to the mean and log-variance of q(z given x).

    Args:
        latent_dim: dimensions of z.
        hidden: widths of the ReLU layers.
        pixels: pixels times channels of one image.
    """

    def __init__(
        self, latent_dim: int = 8, hidden: Sequence[int] = (512, 512), pixels: int = 784
    ) -> None:
        super().__init__()
        self.body = relu_layers(pixels, hidden)
        self.mu = nn.Linear(hidden[-1], latent_dim)
        self.logvar = nn.Linear(hidden[-1], latent_dim)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Images (n, 1, 28, 28) to `mu` and `logvar`, each (n, latent_dim)."""
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
        """Latent points (n, latent_dim) to images of numbers (n, 1, 28, 28)."""
        return self.pixels(self.body(z)).to(z.dtype).unflatten(1, self.shape)


def relu_layers(inputs: int, widths: Sequence[int]) -> nn.Sequential:
    """Fully connected layers, each followed by a ReLU."""
    layers: list[nn.Module] = []
    for width in widths:
        layers += [nn.Linear(inputs, width), nn.ReLU()]
        inputs = width
    return nn.Sequential(*layers)
