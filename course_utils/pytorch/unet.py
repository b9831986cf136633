"""A small U-Net that sees a noisy image, how noisy it is, and if wished its class.

Ronneberger, Fischer and Brox, 2015, https://arxiv.org/abs/1505.04597; with the time of
a diffusion as in Ho, Jain and Abbeel, 2020, https://arxiv.org/abs/2006.11239.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_utils.pytorch.device import own_settings
from course_utils.pytorch.layers import waves

FREQUENCIES = 16  # of the sines and cosines by which the network is told the time
FASTEST = 1_000.0  # the largest, in radians over all of the path


class UNet(nn.Module):
    """Images of one size to as many numbers, on three scales: all, half, a quarter.

    The defaults have 673,377 parameters.

    Args:
        channels: of an image; its height and width are multiples of 4.
        width: channels of the finest scale; the others have twice and three times it.
        classes: that a label can name. One label more, `classes`, means none.
    """

    @own_settings()
    def __init__(self, channels: int = 1, width: int = 32, classes: int = 10) -> None:
        super().__init__()
        self.classes = classes
        told = 4 * width
        one, two, three = width, 2 * width, 3 * width
        self.time = nn.Linear(2 * FREQUENCIES, told)
        self.label = nn.Embedding(classes + 1, told)
        self.first = nn.Conv2d(channels, one, 3, padding=1)
        self.down1 = Block(one, one, told)
        self.down2 = Block(one, two, told)
        self.down3 = Block(two, three, told)
        self.bottom = Block(three, three, told)
        self.up2 = Block(three + two, two, told)
        self.up1 = Block(two + one, one, told)
        self.norm = nn.GroupNorm(1, one)
        self.last = nn.Conv2d(one, channels, 3, padding=1)
        nn.init.zeros_(self.last.weight)

    def forward(self, x: Tensor, t: Tensor, label: Tensor | None = None) -> Tensor:
        """What is predicted of each pixel, shape as x.

        Args:
            x: noisy images, (n, channels, height, width).
            t: place of each on its path, 0 (data) to 1 (noise), (n,).
            label: class of each, int64 (n,); `classes`, or None for all, is no class.
        """
        if label is None:
            label = torch.full_like(t, self.classes, dtype=torch.int64)
        told = F.silu(self.time(waves(t, FREQUENCIES, FASTEST)) + self.label(label))
        h1 = self.down1(self.first(x), told)
        h2 = self.down2(F.avg_pool2d(h1, 2), told)
        h = self.down3(F.avg_pool2d(h2, 2), told)
        h = self.bottom(h, told)
        h = self.up2(torch.cat([twice(h), h2], 1), told)
        h = self.up1(torch.cat([twice(h), h1], 1), told)
        # x's type, also where autocast multiplied in bfloat16
        return self.last(F.silu(self.norm(h))).to(x.dtype)


class Block(nn.Module):
    """Two convolutions around what the network is told, beside a shortcut.

    Args:
        inputs: channels that come in.
        outputs: channels that go out.
        told: numbers that say time and class.
    """

    def __init__(self, inputs: int, outputs: int, told: int) -> None:
        super().__init__()
        self.norm1 = nn.GroupNorm(1, inputs)
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.told = nn.Linear(told, 2 * outputs)
        self.norm2 = nn.GroupNorm(1, outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1)
        same = inputs == outputs
        self.shortcut = nn.Identity() if same else nn.Conv2d(inputs, outputs, 1)
        nn.init.zeros_(self.conv2.weight)  # so that it begins as its shortcut

    def forward(self, x: Tensor, told: Tensor) -> Tensor:
        """Maps (n, inputs, height, width) to maps (n, outputs, height, width)."""
        h = self.conv1(F.silu(self.norm1(x)))
        scale, shift = self.told(told)[..., None, None].chunk(2, 1)
        h = self.norm2(h) * (1 + scale) + shift
        return self.shortcut(x) + self.conv2(F.silu(h))


def twice(h: Tensor) -> Tensor:
    """Maps of twice the height and width, each pixel four times."""
    return F.interpolate(h, scale_factor=2.0, mode="nearest")
