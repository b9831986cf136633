"""Answers to the exercises on lesson 9: running backwards, and truncation."""

import numpy as np
import torch

from course_utils.checks.latent_inversion import check_half_truncation, check_invert


def total(error, z, weight):
    """The right loss: sums over pixels, coordinates and rows."""
    return (error**2).sum() + weight * (z**2).sum()


def invert(generator, x, k, weight, steps=400, loss_of=total, start=torch.zeros):
    z = start(len(x), k, requires_grad=True)
    optimizer = torch.optim.Adam([z], 0.1)
    for _ in range(steps):
        loss = loss_of(generator(z) - x, z, weight)
        optimizer.zero_grad()
        loss.backward(inputs=[z])
        optimizer.step()
    return z.detach()


def with_loss(loss_of):
    return lambda *arguments: invert(*arguments, loss_of=loss_of)


def from_noise(generator, x, k, weight):
    """Plain descent by hand, with its graph still on."""
    z = torch.randn(len(x), k)
    for _ in range(200):
        z = z.detach().requires_grad_()
        loss = total(generator(z) - x, z, weight)
        (slope,) = torch.autograd.grad(loss, z)
        z = z - 0.1 * slope
    return z


def by_lbfgs(generator, x, k, weight):
    """In double precision, each row for itself."""
    rows = []
    for row in x:
        z = torch.zeros(1, k, dtype=torch.float64, requires_grad=True)
        optimizer = torch.optim.LBFGS([z], max_iter=100)

        def closure(z=z, row=row, optimizer=optimizer):
            optimizer.zero_grad()
            value = total(generator(z.float()) - row, z, weight)
            value.backward(inputs=[z])
            return value

        optimizer.step(closure)
        rows.append(z.detach()[0])
    return torch.stack(rows)


def trains_the_generator(generator, x, k, weight):
    z = torch.zeros(len(x), k, requires_grad=True)
    optimizer = torch.optim.Adam([z, *generator.parameters()], 0.1)
    for _ in range(50):
        loss = total(generator(z) - x, z, weight)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return z.detach()


WRONG = {
    check_invert: [
        (with_loss(lambda e, z, w: (e**2).sum()), "no effect"),
        (with_loss(lambda e, z, w: (e**2).sum() + w / 2 * (z**2).sum()), "of the two"),
        (
            with_loss(lambda e, z, w: (e**2).sum() / 2 + w * (z**2).sum()),
            "before the squared error",
        ),
        (
            with_loss(lambda e, z, w: ((e**2).mean(1) + w * (z**2).sum(1)).sum()),
            "one of yours is a mean",
        ),
        (
            with_loss(lambda e, z, w: ((e**2).mean(1) + w * (z**2).mean(1)).sum()),
            "sums, not means",
        ),
        (
            with_loss(lambda e, z, w: (e**2).sum(1).mean() + w * (z**2).sum()),
            "hold both terms",
        ),
        (
            with_loss(lambda e, z, w: (e**2).mean() + w * (z**2).sum()),
            "all pixels of all rows",
        ),
        (lambda *a: invert(*a, steps=5), "still fall"),
        (lambda *a: invert(*a).numpy(), "Tensor is wanted"),
        (lambda *a: invert(*a)[0], "array of shape"),
        (trains_the_generator, "Only z may move"),
    ],
    check_half_truncation: [
        (1.4, "half the variance"),
        (0.4386, "has been squared"),
        (0.6745, "keeps half of the draws"),
        (0.866, "not quite flat"),
        (0.5, "does not fit"),
        (2.0, "does not fit"),
        (0.9, "does not fit"),
    ],
}
RIGHT = {
    check_invert: [invert, from_noise, by_lbfgs],
    check_half_truncation: [0.9166, np.float32(0.92), 0.915],
}
