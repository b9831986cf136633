"""Answers to the exercises on lesson 8: padding and defaults."""

import math

import numpy as np
import torch
from torch import nn

from course_utils.checks.dcgan_pytorch import (
    check_keras_block,
    check_keras_variance,
    check_same_padding,
)


def total(pixels, kernel, stride):
    return (math.ceil(pixels / stride) - 1) * stride + kernel - pixels


def padding(pixels, kernel, stride):
    zeros = max(0, total(pixels, kernel, stride))
    return zeros // 2, zeros - zeros // 2


def padding_by_remainder(pixels, kernel, stride):
    """As TensorFlow's documentation has it."""
    rest = pixels % stride or stride
    zeros = torch.tensor(max(kernel - rest, 0))
    return [zeros // 2, (zeros + 1) // 2]


def block(features, momentum, epsilon, slope):
    norm = nn.BatchNorm1d(features, epsilon, 1 - momentum)
    return nn.Sequential(norm, nn.LeakyReLU(slope))


class OwnBlock(nn.Module):
    """Written out, with the mean square as variance, in double precision."""

    def __init__(self, features, momentum, epsilon, slope):
        super().__init__()
        self.momentum, self.epsilon, self.slope = momentum, epsilon, slope
        self.mean, self.var = torch.zeros(features), torch.ones(features)

    def forward(self, x):
        mean, var = self.mean, self.var
        if self.training:
            mean, var = x.double().mean(0), x.double().var(0, correction=0)
            self.mean = self.momentum * self.mean + (1 - self.momentum) * mean
            self.var = self.momentum * self.var + (1 - self.momentum) * var
        y = (x - mean) / (var + self.epsilon).sqrt()
        return torch.maximum(y, self.slope * y)


def variance(theirs, momentum, batches, n, start=None, factor=None):
    start = momentum**batches if start is None else start
    return start + (theirs - start) * (factor or (n - 1) / n)


def variance_by_unrolling(theirs, momentum, batches, n):
    """Which batch, met again and again, leaves theirs? Meet its mean square instead."""
    share = (1 - momentum) * sum(momentum**j for j in range(batches))
    theirs = theirs.numpy().astype(float)
    seen = (theirs - (1 - share)) / share * (n - 1) / n
    value = np.ones_like(theirs)
    for _ in range(batches):
        value = momentum * value + (1 - momentum) * seen
    return value


WRONG = {
    check_same_padding: [
        (lambda *a: padding(*a)[::-1], "at which end"),
        (lambda *a: [padding(*a)[0]] * 2, "rounded down"),
        (lambda *a: [padding(*a)[1]] * 2, "rounded up"),
        (lambda n, k, s: ((k - 1) // 2, k // 2), "right at stride 1"),
        (
            lambda *a: (total(*a) // 2, total(*a) - total(*a) // 2),
            "number of zeros be negative",
        ),
        (lambda *a: sum(padding(*a)), "2 values"),
        (lambda *a: [sum(padding(*a))] * 2, "sum of both ends"),
    ],
    check_keras_block: [
        (lambda n, m, e, s: block(n, 1 - m, e, s), "Whose share is momentum"),
        (lambda n, m, e, s: block(n, m, 1e-5, s), "added to the variance by default"),
        (lambda n, m, e, s: block(n, m, e, 0.01), "Which slope"),
        (lambda n, m, e, s: block(n, m, 1e-5, 0.01), "Neither default"),
        (lambda n, m, e, s: block(n, m, e, 0.0), "no slope below zero"),
        (lambda n, m, e, s: block(n, 0.9, e, s), "Which momentum"),
        (lambda n, m, e, s: block(n, 1.0, e, s), "kept of the batch"),
        (
            lambda n, m, e, s: nn.Sequential(*list(block(n, m, e, s))[::-1]),
            "left to PyTorch",
        ),
        (lambda n, m, e, s: nn.BatchNorm2d(n, e, 1 - m), "stops with ValueError"),
        (lambda n, m, e, s: nn.BatchNorm1d(n, e, 1 - m).forward, "Module is wanted"),
    ],
    check_keras_variance: [
        (lambda v, m, b, n: v * (n - 1) / n, "came from no batch"),
        (lambda v, m, b, n: v, "Nothing is corrected"),
        (lambda v, m, b, n: variance(v, m, b, n, factor=n / (n - 1)), "wrong way"),
        (lambda v, m, b, n: variance(v, m, b, n, start=1), "Not all of the 1"),
        (lambda v, m, b, n: variance(v, 1 - m, b, n), "momentum of the old value"),
        (lambda v, m, b, n: variance(v, m, 1, n), "after all batches"),
        (lambda v, m, b, n: variance(v, m, b, n).mean(), "started from 1"),
    ],
}
RIGHT = {
    check_same_padding: [padding, padding_by_remainder],
    check_keras_block: [block, OwnBlock],
    check_keras_variance: [variance, variance_by_unrolling],
}
