"""The generator and the discriminator of images, by convolutions.

The networks are Keras's, layer for layer, with what differs between the frameworks
written out: the slope of the leaky ReLU, how batch normalization averages, and where
"same" padding goes.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_utils.pytorch.networks import SameConv2d, SameConvTranspose2d, glorot
from course_utils.pytorch.runtime import own_settings

SLOPE = 0.3  # of a leaky ReLU below zero: Keras's default; PyTorch's is 0.01


class BatchNorm(nn.Module):
    """Batch normalization as Keras has it, over rows or over pixels and rows.

    Ioffe and Szegedy, 2015, https://arxiv.org/abs/1502.03167. It differs from
    `nn.BatchNorm2d` in a larger `eps`, a slower running mean, and a running variance
    that is the mean square over the batch itself, without n / (n - 1).

    Args:
        features: size of axis 1.
        eps: added to the variance.
        momentum: share of the old running mean that a batch keeps (Keras's meaning;
            PyTorch calls 1 - momentum by that name).
    """

    @own_settings()
    def __init__(self, features: int, eps: float = 1e-3, momentum: float = 0.99):
        super().__init__()
        self.eps = eps
        self.momentum = momentum
        self.weight = nn.Parameter(torch.ones(features))
        self.bias = nn.Parameter(torch.zeros(features))
        self.register_buffer("running_mean", torch.zeros(features))
        self.register_buffer("running_var", torch.ones(features))

    def forward(self, x: Tensor) -> Tensor:
        """Batch statistics in training, running ones otherwise; shape as x."""
        variance = self.running_var.clone()  # the graph keeps what it is given
        y = F.batch_norm(
            x,
            self.running_mean,
            variance,
            self.weight,
            self.bias,
            self.training,
            1 - self.momentum,
            self.eps,
        )
        if self.training:
            n = x.numel() // x.shape[1]
            old = self.momentum * self.running_var
            self.running_var.copy_(old + (variance - old) * (n - 1) / n)
        return y


class Dropout(nn.Module):
    """Dropout with sixteen random bits a number.

    On a CPU it spends a fifth of the time that `nn.Dropout` does, which draws 64 bits
    for each; `rate` is therefore rounded to a multiple of 1 / 65536.

    Args:
        rate: share of the numbers that are set to zero in training; below 1.

    Raises:
        ValueError: another rate.
    """

    def __init__(self, rate: float) -> None:
        super().__init__()
        if not 0 <= rate < 1:
            raise ValueError(f"rate is {rate}; it must be at least 0 and below 1.")
        self.rate = rate

    def forward(self, x: Tensor) -> Tensor:
        """Shape as x; the numbers that stay are divided by 1 - rate."""
        if not self.training:
            return x
        words = torch.empty(-(-x.numel() // 4), dtype=torch.int64, device=x.device)
        bits = words.random_(-(2**63), None).view(torch.int16)[: x.numel()]
        keep = bits >= round(self.rate * 2**16) - 2**15
        layout = torch.empty_like(x).stride()  # dense, in x's order of axes
        return x * keep.as_strided(x.shape, layout) / (1 - self.rate)


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
        self.apply(glorot).to(memory_format=torch.channels_last)

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
        self.apply(glorot).to(memory_format=torch.channels_last)

    def forward(self, x: Tensor) -> Tensor:
        """Images (n, channels, 28, 28) to logits (n, 1)."""
        h = self.dropout(F.leaky_relu(self.conv1(x), SLOPE))  # (n, 64, 14, 14)
        h = self.dropout(F.leaky_relu(self.conv2(h), SLOPE))  # (n, 128, 7, 7)
        # x's type, also where autocast multiplied in bfloat16
        return self.logit(h.permute(0, 2, 3, 1).flatten(1)).to(x.dtype)


@torch.no_grad()
def renormalize(generator: nn.Module, z: Tensor) -> None:
    """Put the statistics of one batch in the place of all running averages.

    Averaged weights are not those under which the running averages were taken, so that
    these fit none of them; Izmailov et al., 2018, https://arxiv.org/abs/1803.05407.

    Args:
        generator: with layers of `BatchNorm`; changed in place, its mode kept.
        z: many latent points, (n, latent_dim).
    """
    was_training = generator.training
    layers = [layer for layer in generator.modules() if isinstance(layer, BatchNorm)]
    momenta = [layer.momentum for layer in layers]
    for layer in layers:
        layer.momentum = 0.0
    generator.train()(z)
    generator.train(was_training)
    for layer, momentum in zip(layers, momenta, strict=True):
        layer.momentum = momentum
