"""Answers to the exercises on lesson 10: lengths, ways, and a way back."""

import math

import numpy as np
import torch
from scipy.integrate import quad
from scipy.special import gammainc, gammaln

from course_utils.checks.latent_space import (
    check_analogy,
    check_direction,
    check_great_circles,
    check_half_truncation,
    check_invert,
    check_scan,
    check_shell,
)


def shell_by_gamma(k, low, high):
    mean = math.sqrt(2) * math.exp(math.lgamma((k + 1) / 2) - math.lgamma(k / 2))
    high, low = (float(gammainc(k / 2, radius**2 / 2)) for radius in (high, low))
    return [np.float32(mean), high - low]


def shell_by_integral(k, low, high):
    """Surface times density, summed over radii."""

    def density(r, power):
        log = (1 - k / 2) * np.log(2) - gammaln(k / 2) + (k - 1) * np.log(r) - r * r / 2
        return r**power * np.exp(log)

    return quad(density, 1e-12, 20, 1)[0], quad(density, low, high, 0)[0]


def scan_by_torch(mean, scale):
    mean, std = torch.tensor(mean).float(), torch.tensor(scale).float().abs()
    one = torch.distributions.Normal(mean, std)
    prior = torch.distributions.Normal(torch.zeros_like(mean), torch.ones_like(std))
    kl = torch.distributions.kl_divergence(one, prior).sum()
    return std, torch.cat([mean, std]).norm(), kl


def circles_by_turning(a, b, t):
    """One pair at a time, in the plane of start and the way across, in float32."""
    ways, t = [], torch.tensor(t).float()[:, None]
    for start, end in zip(torch.tensor(a), torch.tensor(b), strict=True):
        start, end = start.float(), end.float()
        first, last = start / start.norm(), end / end.norm()
        across = last - (first @ last) * first
        angle = torch.atan2(across.norm(), first @ last)
        across = across / across.norm().clamp(min=1e-9)
        turned = torch.cos(t * angle) * first + torch.sin(t * angle) * across
        ways.append(((1 - t) * start.norm() + t * end.norm()) * turned)
    return torch.stack(ways)


def direction_by_torch(z, labels, start, end):
    z, labels = torch.tensor(z).float(), torch.tensor(labels)
    members = torch.stack([labels == start, labels == end]).float()
    a, b = (members @ z) / members.sum(1, keepdim=True)
    u = torch.nn.functional.normalize(b - a, dim=0)
    return u, z @ u - (a @ u + b @ u) / 2


def analogy_by_torch(*sets):
    one, other, third = (torch.tensor(points).float().mean(0) for points in sets)
    z = third.add(one).sub(other)
    return z / z.pow(2).mean().sqrt()


def loss(error, z, weight):
    """Sums over pixels, coordinates and rows."""
    return (error**2).sum() + weight * (z**2).sum()


def invert_by_adam(generator, x, k, weight, steps=400, loss=loss, trained=()):
    """Leaves gradients in the generator, which is allowed."""
    z = torch.zeros(len(x), k, requires_grad=True)
    optimizer = torch.optim.Adam([z, *trained], 0.1)
    for _ in range(steps):
        optimizer.zero_grad()
        loss(generator(z) - x, z, weight).backward()
        optimizer.step()
    return z


def with_loss(loss):
    return lambda *arguments: invert_by_adam(*arguments, loss=loss)


def trains_the_generator(generator, *others):
    return invert_by_adam(generator, *others, trained=generator.parameters())


# The table knows only to which weight each of them amounts.
OTHER_LOSSES = {
    "has no effect": lambda e, z, w: loss(e, z, 0),
    "one of the two terms only": lambda e, z, w: loss(e, z, w / 2),
    "before the squared error": lambda e, z, w: loss(e, z, 2 * w) / 2,
    "one of yours is a mean": lambda e, z, w: loss(e.square().mean(1).sqrt(), z, w),
    "sums, not means": lambda e, z, w: (
        e.square().mean(1) + w * z.square().mean(1)
    ).sum(),
    "hold both terms": lambda e, z, w: loss(e / len(e) ** 0.5, z, w),
    "all pixels of all rows": lambda e, z, w: e.square().mean() + loss(0 * e, z, w),
}


def invert_from_noise(generator, x, k, weight):
    """Plain descent by hand, with its graph still on."""
    z = torch.randn(len(x), k)
    for _ in range(200):
        z = z.detach().requires_grad_()
        (slope,) = torch.autograd.grad(loss(generator(z) - x, z, weight), z)
        z = z - 0.1 * slope
    return z


WRONG = {
    check_invert: [
        *((with_loss(other), words) for words, other in OTHER_LOSSES.items()),
        (lambda *a: invert_by_adam(*a, steps=5), "Has it one at yours"),
        (trains_the_generator, "Only z may move"),
    ],
    check_half_truncation: [(0.5, "0.5 does not fit"), (2.0, "2 does not fit")],
}
RIGHT = {
    check_shell: [shell_by_gamma, shell_by_integral],
    check_scan: [scan_by_torch],
    check_great_circles: [circles_by_turning],
    check_direction: [direction_by_torch],
    check_analogy: [analogy_by_torch],
    check_invert: [invert_by_adam, invert_from_noise],
    check_half_truncation: [0.9166, np.float32(0.92), 0.915],
}
