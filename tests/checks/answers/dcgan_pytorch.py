"""Answers to the exercises on lesson 9: of defaults, steps and averages, and pulses."""

from copy import deepcopy
from functools import partial

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn, update_bn

from course_utils.checks.dcgan_pytorch import (
    check_finished_average,
    check_fit_pulses,
    check_keras_block,
    check_keras_variance,
    check_noise_penalty,
    check_same_padding,
    check_step_in_pieces,
    keras_block,
    noise_penalty,
    step_in_pieces,
)


def padding_by_trial(pixels, kernel, stride):
    """The fewest zeros with which all windows fit."""
    zeros, windows = 0, -(-pixels // stride)
    while (pixels + zeros - kernel) // stride + 1 < windows:
        zeros += 1
    return zeros // 2, zeros - zeros // 2


def padding_in_one_array(pixels, kernel, stride):
    zeros = max(kernel - (pixels % stride or stride), 0)
    return np.array([zeros // 2, zeros - zeros // 2])


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
        self.gamma = nn.Parameter(torch.ones(features))
        self.beta = nn.Parameter(torch.zeros(features))

    def forward(self, x):
        mean, var = self.mean, self.var
        if self.training:
            mean, var = x.double().mean(0), x.double().var(0, correction=0)
            self.mean = self.momentum * self.mean + (1 - self.momentum) * mean
            self.var = self.momentum * self.var + (1 - self.momentum) * var
        y = self.gamma * (x - mean) / (var + self.epsilon).sqrt() + self.beta
        return torch.maximum(y, self.slope * y)


def lazy_block(features, momentum, epsilon, slope):
    norm = nn.LazyBatchNorm1d(epsilon, 1 - momentum)
    return nn.Sequential(norm, nn.LeakyReLU(slope, inplace=True))


def variance_by_unrolling(theirs, momentum, batches, n):
    """Which batch, met again and again, leaves theirs? Meet its mean square instead."""
    share = (1 - momentum) * sum(momentum**j for j in range(batches))
    theirs = theirs.numpy().astype(float)
    seen = (theirs - (1 - share)) / share * (n - 1) / n
    value = np.ones_like(theirs)
    for _ in range(batches):
        value = momentum * value + (1 - momentum) * seen
    return value


def step_by_labels(generator, discriminator, real, z, g_optimizer, d_optimizer, most):
    """Cross-entropies with labels, fakes drawn twice, losses as plain numbers."""
    cross_entropy = partial(F.binary_cross_entropy_with_logits, reduction="sum")
    ones, zeros, totals = torch.ones(most, 1), torch.zeros(most, 1), [0, 0]
    d_optimizer.zero_grad()
    for begin in range(0, len(z), most):
        rows = slice(begin, begin + most)
        with torch.no_grad():
            fake = generator(z[rows])
        count = len(fake)
        on_real = cross_entropy(discriminator(real[rows]), ones[:count]) / len(z)
        on_fake = cross_entropy(discriminator(fake), zeros[:count]) / len(z)
        on_real.backward()
        on_fake.backward()
        totals[0] += (on_real + on_fake).item()
    d_optimizer.step()
    g_optimizer.zero_grad()
    for some in z.split(most):
        g_loss = cross_entropy(discriminator(generator(some)), ones[: len(some)])
        (g_loss / len(z)).backward()
        totals[1] += g_loss.item() / len(z)
    g_optimizer.step()
    return totals


def step_row_by_row(generator, discriminator, real, z, g_optimizer, d_optimizer, most):
    """Gradients by hand, added up for one row after the other, and no detach."""
    totals = []
    for network, optimizer in ((discriminator, d_optimizer), (generator, g_optimizer)):
        weights, total = list(network.parameters()), 0
        sums = [torch.zeros_like(p) for p in weights]
        for row in range(len(z)):
            loss = _loss_of_row(network, generator, discriminator, real, z, row)
            total = total + loss.detach() / len(z)
            for old, new in zip(sums, torch.autograd.grad(loss, weights), strict=True):
                old += new / len(z)
        for p, slope in zip(weights, sums, strict=True):
            p.grad = slope
        optimizer.step()
        totals.append(total)
    return totals


def _loss_of_row(network, generator, discriminator, real, z, row):
    on_fake = discriminator(generator(z[row : row + 1])).squeeze()
    if network is generator:
        return F.softplus(-on_fake)
    return F.softplus(-discriminator(real[row : row + 1])).squeeze() + F.softplus(
        on_fake
    )


def step_with_a_memory_lost(*game):
    losses = step_in_pieces(*game)
    game[5].state.clear()
    return losses


def penalty_by_transform(network, real, gamma, sigma):
    slope = torch.func.vmap(torch.func.grad(lambda row: network(row[None])[0, 0]))
    squares = slope(real).pow(2).sum(2) * sigma**2
    return gamma / 2 * squares.sum(1).mean()


def penalty_in_units_of_noise(network, real, gamma, sigma):
    """R1 where the data are measured in sigmas."""
    sigma = sigma[:, None]
    x = (real / sigma).requires_grad_()
    (slopes,) = torch.autograd.grad(network(x * sigma).sum(), x, create_graph=True)
    return gamma / 2 * slopes.square().sum() / len(real)


def penalty_that_leaves_the_data_asking(network, real, gamma, sigma):
    real.requires_grad_()
    (slopes,) = torch.autograd.grad(network(real).sum(), real, create_graph=True)
    return gamma / 2 * (slopes * sigma[:, None]).square().sum((1, 2)).mean()


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


def average_in_200_passes(generators, decay, z):
    """At PyTorch's own momentum, until nothing of the past is left."""
    average = AveragedModel(generators[0], multi_avg_fn=get_ema_multi_avg_fn(decay))
    for generator in generators:
        average.update_parameters(generator)
    with torch.no_grad():
        for _ in range(200):
            average.train()(z)
    return average.module.eval()


def average_with_norms_in_training(generators, decay, z):
    average = average_by_library(generators, decay, z).module
    for layer in average:
        layer.train(isinstance(layer, nn.BatchNorm1d))
    return average


def average_of_other_layers(generators, decay, z):
    average = average_by_library(generators, decay, z).module
    average[2] = nn.Sigmoid()
    return average.eval()


def average_that_leaves_a_hook(generators, decay, z):
    generators[0].register_forward_hook(lambda *_: None)
    return average_by_library(generators, decay, z)


def networks(normalized=False):
    """A generator of 4 numbers, and a discriminator of 16 samples."""
    norms = (nn.BatchNorm1d(n) if normalized else nn.Identity() for n in (128, 16))
    return nn.Sequential(
        nn.Linear(4, 128),
        next(norms),
        nn.LeakyReLU(0.2),
        nn.Unflatten(1, (32, 4)),
        nn.ConvTranspose1d(32, 16, 4, 2, 1),
        next(norms),
        nn.LeakyReLU(0.2),
        nn.ConvTranspose1d(16, 1, 4, 2, 1),
    ), nn.Sequential(
        nn.Conv1d(1, 16, 4, 2, 1),
        nn.LeakyReLU(0.2),
        nn.Conv1d(16, 32, 4, 2, 1),
        nn.LeakyReLU(0.2),
        nn.Flatten(),
        nn.Linear(128, 1),
    )


def pulses_by_gan(
    x,
    z,
    seed,
    steps=700,
    rate=2e-3,
    betas=(0.5, 0.9),
    gamma=0.3,
    decay=0.99,
    normalized=False,
    moves="dg",
    unit=None,
    sign=-1,
):
    """A game with what its words say; from half-time on its steps get smaller."""
    torch.manual_seed(seed)
    unit = x.std() if unit is None else unit
    generator, discriminator = networks(normalized)
    g_optimizer, d_optimizer = (
        torch.optim.Adam(network.parameters(), rate, betas)
        for network in (generator, discriminator)
    )
    average = deepcopy(generator)
    for step in range(steps):
        for optimizer in (g_optimizer, d_optimizer):
            optimizer.param_groups[0]["lr"] = rate * min(1, 2 - 2 * step / steps)
        real = (x[torch.randint(len(x), (64,))] / unit).requires_grad_()
        fake = generator(torch.randn(64, 4))
        logits = discriminator(real)
        (slopes,) = torch.autograd.grad(logits.sum(), real, create_graph=True)
        d_loss = F.softplus(-logits).mean() + gamma / 2 * slopes.square().sum() / 64
        d_loss = d_loss + F.softplus(discriminator(fake.detach())).mean()
        descend(d_optimizer, d_loss, "d" in moves)
        g_loss = F.softplus(sign * discriminator(fake)).mean()
        descend(g_optimizer, g_loss, "g" in moves)
        with torch.no_grad():
            for mean, new in zip(
                average.parameters(), generator.parameters(), strict=True
            ):
                mean.lerp_(new, 1 - min(decay, step / (step + 10)))
    with torch.no_grad():
        if normalized:
            update_bn([torch.randn(2_000, 4)], average)
        return unit * average.eval()(z)


def descend(optimizer, loss, moves):
    optimizer.zero_grad()
    loss.backward()
    if moves:
        optimizer.step()


def copies(x, z, seed):
    return x[torch.randint(len(x), (len(z),))]


def smooth_copies(x, z, seed):
    """Each z gets the row that its first number points to, and a little of noise."""
    rank = (torch.special.ndtr(z[:, 0]) * (len(x) - 1)).round().long()
    return x[rank] + 0.01 * x.std() * torch.randn(len(z), 1, 16)


def smoothed_rows(x, z, seed, width=0.08):
    """A mean over rows, each of which sits at a random z: of one row, mostly."""
    places = torch.randn(len(x), 4, generator=torch.Generator().manual_seed(seed))
    shares = torch.softmax(-(torch.cdist(z, places) ** 2) / 2 / width**2, 1)
    return (shares @ x[:, 0])[:, None]


def rows_by_axes(x, z, seed, width=0.12):
    """The same, and each row sits where its principal axes have it."""
    rows = x[:, 0] - x[:, 0].mean(0)
    places = rows @ torch.linalg.svd(rows, full_matrices=False)[2][:4].T
    places = places / places.std(0)
    shares = torch.softmax(-(torch.cdist(z, places) ** 2) / 2 / width**2, 1)
    return (shares @ x[:, 0])[:, None]


def axes_clamped(x, z, seed):
    return moments_matched(x, z, seed).clamp(min=0)


def boxes(x, z, seed):
    """Heights and widths of these, in boxes that begin at once."""
    pulses = axes_clamped(x, z, seed)[:, 0]
    height = pulses.amax(1, keepdim=True)
    width = pulses.sum(1, keepdim=True) / height
    return (height * (width - torch.arange(16)).clamp(0, 1))[:, None]


def out_of_order(x, z, seed):
    """A good game, whose samples are handed in two by two in the other order."""
    pulses = pulses_by_gan(x, z, seed).reshape(-1, 1, 8, 2)
    return pulses.flip(3).reshape(-1, 1, 16)


def trained_once(rolled):
    """Trains for the first seed, and gives the same for others, or rolled by a row."""
    first, calls = [], []

    def answer(x, z, seed):
        calls.append(seed)
        if not first:
            first.append(pulses_by_gan(x, z, seed))
        return first[0].roll(rolled * len(calls), 0)

    return answer


def moments_matched(x, z, seed):
    """A normal distribution with the data's mean and principal axes."""
    rows = x[:, 0] - x[:, 0].mean(0)
    _, sizes, axes = torch.linalg.svd(rows, full_matrices=False)
    return (x[:, 0].mean(0) + z @ (sizes[:4, None] * axes[:4]) / len(x) ** 0.5)[:, None]


def one_shape(x, z, seed):
    """The right heights, and one and the same shape."""
    heights = x.amax((1, 2))
    mean = x.mean(0) / x.mean(0).max()
    spread = heights.log().std()
    return (heights.log().mean() + spread * z[:, :1, None]).exp() * mean


def without_correlation(x, z, seed):
    """A good game, for pulses that have got each other's heights."""
    heights = x.amax((1, 2), keepdim=True)
    return pulses_by_gan(x / heights * heights[torch.randperm(len(x))], z, seed)


PLAIN = {"rate": 1e-4, "betas": (0.9, 0.999), "gamma": 0.0, "decay": 0.0}
OFF, NEAR = "of their spread", "two z that nearly agree"
SHAPES = "but the shapes are not"


def pulses_with(**changes):
    return partial(pulses_by_gan, **changes)


def asleep(function, *places):
    """The right answer with networks at rest, which are woken up afterwards."""

    def answer(*arguments):
        for place in places:
            arguments[place].eval()
        value = function(*arguments)
        for place in places:
            arguments[place].train()
        return value

    return answer


WRONG = {
    check_keras_block: [
        (lambda n, m, e, s: nn.BatchNorm2d(n, e, 1 - m), "stops with ValueError"),
        (lambda *settings: keras_block(*settings).forward, "a Module is wanted"),
    ],
    check_step_in_pieces: [
        (asleep(step_in_pieces, 0, 1), "loss"),
        (step_with_a_memory_lost, "there is no discriminator_optimizer.state"),
    ],
    check_noise_penalty: [
        (asleep(noise_penalty, 0), "for the penalty"),
        (
            lambda *a: penalty_in_units_of_noise(*a).detach(),
            "can be differentiated again",
        ),
        (penalty_that_leaves_the_data_asking, "real.requires_grad has been changed"),
    ],
    check_finished_average: [
        (lambda g, d, z: g[0].state_dict(), "a Module is wanted"),
        (lambda g, d, z: nn.Linear(3, 2).eval(), "0.weight"),
        (average_with_norms_in_training, "or a layer of it, came in training mode"),
        (average_of_other_layers, "for its samples (generators: 4"),
        (average_that_leaves_a_hook, "generators.0.hooks has been changed"),
    ],
    check_fit_pulses: [
        (copies, NEAR),
        (smooth_copies, NEAR),
        (smoothed_rows, NEAR),
        (rows_by_axes, "are copies, noise and all"),
        (moments_matched, "real"),  # off in widths, or below zero
        (axes_clamped, SHAPES),
        (boxes, SHAPES),
        (out_of_order, SHAPES),
        (trained_once(rolled=0), "two seeds gave the same model"),
        (trained_once(rolled=1), "the same seed gave another model"),
        (one_shape, OFF),
        (without_correlation, "their correlation"),
        (pulses_with(steps=50), OFF),
        (pulses_with(steps=100, moves="d"), OFF),
        (pulses_with(steps=100, moves="g"), OFF),
        (pulses_with(steps=200, sign=1), OFF),
        (lambda x, z, seed: pulses_by_gan(x, z, seed, 50) / x.std(), OFF),
    ],
}
RIGHT = {
    check_same_padding: [
        padding_by_trial,
        padding_by_remainder,
        padding_in_one_array,
    ],
    check_keras_block: [OwnBlock, lazy_block],
    check_keras_variance: [variance_by_unrolling],
    check_step_in_pieces: [step_by_labels, step_row_by_row],
    check_noise_penalty: [penalty_by_transform, penalty_in_units_of_noise],
    check_finished_average: [
        average_by_library,
        average_by_weights_of_each,
        average_in_200_passes,
    ],
    check_fit_pulses: [pulses_by_gan, pulses_with(normalized=True)],
}
