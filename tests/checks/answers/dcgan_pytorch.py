"""Answers to the exercises on lesson 9: what PyTorch does otherwise, and its step."""

from copy import deepcopy

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn, update_bn

from course_utils.checks.dcgan_pytorch import (
    alternating_step,
    check_alternating_step,
    check_finished_average,
    check_keras_block,
    check_keras_variance,
    check_same_padding,
    check_share_penalty,
    check_worth,
    keras_block,
)


def padding_by_trial(pixels, kernel, stride):
    """The fewest zeros with which all windows fit."""
    zeros, windows = 0, -(-pixels // stride)
    while (pixels + zeros - kernel) // stride + 1 < windows:
        zeros += 1
    return zeros // 2, zeros - zeros // 2


def padding_by_remainder(pixels, kernel, stride):
    """As TensorFlow's documentation has it."""
    rest = pixels % stride or stride
    zeros = torch.tensor(max(kernel - rest, 0))
    return [zeros // 2, (zeros + 1) // 2]


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


def variance_by_unrolling(theirs, momentum, batches, n):
    """Which batch, met again and again, leaves theirs? Meet its mean square instead."""
    share = (1 - momentum) * sum(momentum**j for j in range(batches))
    theirs = theirs.numpy().astype(float)
    seen = (theirs - (1 - share)) / share * (n - 1) / n
    value = np.ones_like(theirs)
    for _ in range(batches):
        value = momentum * value + (1 - momentum) * seen
    return value


def step_by_labels(generator, discriminator, real, z, g_optimizer, d_optimizer):
    """Cross-entropies with labels, fakes drawn twice, losses as plain numbers."""
    cross_entropy = F.binary_cross_entropy_with_logits
    with torch.no_grad():
        fake = generator(z)
    ones, zeros = torch.ones(len(z), 1), torch.zeros(len(z), 1)
    d_optimizer.zero_grad()
    on_real = cross_entropy(discriminator(real), ones)
    on_fake = cross_entropy(discriminator(fake), zeros)
    on_real.backward()
    on_fake.backward()
    d_optimizer.step()
    g_optimizer.zero_grad()
    g_loss = cross_entropy(discriminator(generator(z)), ones)
    g_loss.backward()
    g_optimizer.step()
    return (on_real + on_fake).item(), g_loss.item()


def step_by_autograd(generator, discriminator, real, z, g_optimizer, d_optimizer):
    """Gradients by hand, and no detach at all."""
    fake = generator(z)
    d_loss = F.softplus(-discriminator(real)).mean()
    d_loss = d_loss + F.softplus(discriminator(fake)).mean()
    weights = list(discriminator.parameters())
    slopes = torch.autograd.grad(d_loss, weights, retain_graph=True)
    for p, slope in zip(weights, slopes, strict=True):
        p.grad = slope
    d_optimizer.step()
    g_loss = F.softplus(-discriminator(fake)).mean()
    g_optimizer.zero_grad()
    g_loss.backward(inputs=list(generator.parameters()))
    g_optimizer.step()
    return [d_loss, g_loss]


def step_with_a_memory_lost(*game):
    losses = alternating_step(*game)
    game[5].state.clear()
    return losses


def penalty_by_transform(network, real, gamma, share):
    x = real[: max(1, round(share * len(real)))]
    slope = torch.func.vmap(torch.func.grad(lambda row: network(row[None])[0, 0]))
    return gamma / 2 * slope(x).pow(2).sum((1, 2, 3)).mean()


def penalty_on_paper(network, real, gamma, share):
    """The gradient of w tanh(W x + b) in x, by the chain rule."""
    flatten, first, tanh, last = network
    h = tanh(first(flatten(real[: max(1, round(share * len(real)))])))
    slopes = ((1 - h**2) * last.weight[0]) @ first.weight
    return gamma / 2 * slopes.square().sum(1).mean()


def average_by_library(generators, decay, z):
    average = AveragedModel(generators[0], multi_avg_fn=get_ema_multi_avg_fn(decay))
    for generator in generators:
        average.update_parameters(generator)
    update_bn([z], average)
    return average.eval()


def average_by_weights_of_each(generators, decay, z):
    """In double precision, with the weight of each generator written out."""
    shares = [(1 - decay) * decay**j for j in range(len(generators))][::-1]
    shares[0] += decay ** len(generators)
    average = deepcopy(generators[0]).double()
    for mean, *values in zip(
        average.parameters(), *(g.parameters() for g in generators), strict=True
    ):
        mean.data = sum(
            s * v.data.double() for s, v in zip(shares, values, strict=True)
        )
    h = z.double()
    for layer in average:
        if isinstance(layer, nn.BatchNorm1d):
            layer.running_mean = h.mean(0).detach()
            layer.running_var = h.var(0, correction=0).detach()
        h = layer.eval()(h)
    return average.eval()


WRONG = {
    check_keras_block: [
        (lambda n, m, e, s: nn.BatchNorm2d(n, e, 1 - m), "stops with ValueError"),
        (lambda *settings: keras_block(*settings).forward, "a Module is wanted"),
    ],
    check_alternating_step: [
        (step_with_a_memory_lost, "there is no discriminator_optimizer.state"),
    ],
    check_share_penalty: [
        (lambda *a: penalty_on_paper(*a).detach(), "can be differentiated again"),
    ],
    check_finished_average: [
        (lambda g, d, z: g[0].state_dict(), "numbers are wanted for the average"),
        (lambda g, d, z: nn.Linear(3, 2).eval(), "0.weight"),
    ],
    check_worth: [(1500.0, "variances add"), (0.999, "variances add")],
}
RIGHT = {
    check_same_padding: [padding_by_trial, padding_by_remainder],
    check_keras_block: [OwnBlock],
    check_keras_variance: [variance_by_unrolling],
    check_alternating_step: [step_by_labels, step_by_autograd],
    check_share_penalty: [penalty_by_transform, penalty_on_paper],
    check_finished_average: [average_by_library, average_by_weights_of_each],
    check_worth: [1999, np.float32(1985)],
}
