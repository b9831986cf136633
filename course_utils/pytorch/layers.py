"""Layers that Keras has and PyTorch has not, or has otherwise.

What differs between the frameworks is written out: where "same" padding goes, how batch
normalization averages, how weights start.
"""

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_utils.pytorch.device import own_settings


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

    # It takes no size: what comes out is always n * stride.
    def forward(self, x: Tensor) -> Tensor:  # type: ignore[override]
        """Maps (n, inputs, height, width) to maps (n, outputs, ...)."""
        surplus = [k - s for k, s in zip(self.kernel_size, self.stride, strict=True)]
        h = F.conv_transpose2d(
            x, self.weight, self.bias, self.stride, [cut // 2 for cut in surplus]
        )
        pixels = [n * s for n, s in zip(x.shape[2:], self.stride, strict=True)]
        # dense in its order of axes: what follows is slow on a view with gaps
        last = h.is_contiguous(memory_format=torch.channels_last)
        layout = torch.channels_last if last else torch.contiguous_format
        return h[..., : pixels[0], : pixels[1]].contiguous(memory_format=layout)


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


def waves(t: Tensor, frequencies: int, fastest: float) -> Tensor:
    """Numbers as sines and cosines, by which a network tells near from nearer.

    Args:
        t: (n,).
        frequencies: how many, rising from 1 by an equal factor.
        fastest: the last, in radians a unit of t.

    Returns:
        (n, 2 frequencies).
    """
    exponents = torch.linspace(0, math.log(fastest), frequencies, device=t.device)
    angles = t[:, None] * exponents.exp().to(t.dtype)
    return torch.cat([angles.sin(), angles.cos()], 1)


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
        self.running_mean: Tensor
        self.running_var: Tensor
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
        factors = keep.to(x.dtype).mul_(1 / (1 - self.rate))
        layout = torch.empty_like(x).stride()  # dense, in x's order of axes
        return x * factors.as_strided(x.shape, layout)


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
