"""Answers to the exercises on lesson 6 in PyTorch."""

import copy
import warnings

import torch
from torch.autograd.functional import jacobian

from course_utils.checks.mode_remedies import (
    check_pack,
    check_running_mean,
    check_slope_penalty,
)


def pack(x, size):
    return x.reshape(len(x) // size, size * x.shape[1], *x.shape[2:])


def pack_by_loops(x, size):
    packs = [torch.cat(list(x[i : i + size])) for i in range(0, len(x), size)]
    return torch.stack(packs)


def pack_by_slices(x, size):
    return torch.cat([x[start::size] for start in range(size)], dim=1).float()


def pack_mixed(x, size):
    packs = torch.stack([x[start::size] for start in range(size)], 2)
    return packs.reshape(len(x) // size, size * x.shape[1], *x.shape[2:])


def running_mean(generator, train, steps, decay, first_train=True, start=None):
    mean = copy.deepcopy(generator)
    if start is not None:
        for m in mean.parameters():
            m.data.fill_(start)
    for _ in range(steps):
        if first_train:
            train(generator)
        with torch.no_grad():
            for m, w in zip(mean.parameters(), generator.parameters(), strict=True):
                m.mul_(decay).add_((1 - decay) * w)
        if not first_train:
            train(generator)
    return mean


def running_mean_by_state(generator, train, steps, decay):
    """Keeps dictionaries, and fills a copy at the end."""
    mean = {name: value.clone() for name, value in generator.state_dict().items()}
    for _ in range(steps):
        train(generator)
        for name, value in generator.state_dict().items():
            mean[name] = mean[name].lerp(value, 1 - decay)
    result = copy.deepcopy(generator)
    result.load_state_dict(mean)
    return result


def running_mean_by_data(generator, train, steps, decay):
    mean = copy.deepcopy(generator).float()
    for _ in range(steps):
        train(generator)
        for m, w in zip(mean.parameters(), generator.parameters(), strict=True):
            m.data = decay * m.data + (1 - decay) * w.data
    return mean


def alias(generator, train, steps, decay):
    mean = generator
    for _ in range(steps):
        train(generator)
        with torch.no_grad():
            for m, w in zip(mean.parameters(), generator.parameters(), strict=True):
                m.copy_(decay * m + (1 - decay) * w)
    return mean


def shallow(generator, train, steps, decay):
    mean = copy.copy(generator)
    for _ in range(steps):
        train(generator)
    return mean


def unmoved(generator, train, steps, decay):
    mean = copy.deepcopy(generator)
    for _ in range(steps):
        train(generator)
        for m, w in zip(mean.parameters(), generator.parameters(), strict=True):
            m = decay * m + (1 - decay) * w  # noqa: PLW2901
    return mean


def equal_weights(generator, train, steps, decay):
    mean, total = copy.deepcopy(generator), 0
    for _ in range(steps):
        train(generator)
        total = total + torch.nn.utils.parameters_to_vector(generator.parameters())
    torch.nn.utils.vector_to_parameters(total.detach() / steps, mean.parameters())
    return mean


def trains_the_mean(generator, train, steps, decay):
    mean = copy.deepcopy(generator)
    for _ in range(steps):
        train(mean)
    return mean


def trains_once_more(generator, train, steps, decay):
    mean = running_mean(generator, train, steps, decay)
    train(generator)
    return mean


def tracked(generator, train, steps, decay):
    mean = copy.deepcopy(generator)
    train(generator)
    for m, w in zip(mean.parameters(), generator.parameters(), strict=True):
        m.mul_(decay).add_((1 - decay) * w)
    return mean


def slopes(discriminator, x, create_graph=True, of=torch.sum):
    x = x.detach().requires_grad_()
    logits = discriminator(x)
    return torch.autograd.grad(of(logits), x, create_graph=create_graph)[0].flatten(1)


def penalty(discriminator, x, **options):
    return slopes(discriminator, x, **options).square().sum(1).mean()


def with_slopes(score):
    return lambda discriminator, x: score(slopes(discriminator, x))


def penalty_by_jacobian(discriminator, x):
    each = jacobian(lambda rows: discriminator(rows).sum(), x, create_graph=True)
    return torch.linalg.vector_norm(each.flatten(1), dim=1).pow(2).mean().float()


def by_backward(discriminator, x):
    x.requires_grad_()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the cycle that this makes
        discriminator(x).sum().backward(create_graph=True)
    return x.grad.flatten(1).square().sum(1).mean()


def penalty_by_loops(discriminator, x):
    total = 0.0
    for row in x:
        one = row[None].clone().requires_grad_()
        (slope,) = torch.autograd.grad(discriminator(one), one, create_graph=True)
        total = total + (slope**2).sum()
    return total / len(x)


WRONG = {
    check_pack: [
        (lambda x, size: torch.cat(x.chunk(size), dim=1), "not neighbours"),
        (pack_mixed, "Coordinates are mixed"),
        (lambda x, size: x.reshape(len(x) // size, -1), "Images stay images"),
        (
            lambda x, size: x[: len(x) // size].repeat_interleave(size, dim=1),
            "one of them several times",
        ),
        (lambda x, size: pack(x, size).detach(), "Stay with tensors"),
        (lambda x, size: pack(x.detach().numpy(), size), "a Tensor is wanted"),
        (lambda x, size: x.reshape(size, -1, *x.shape[2:]), "Which axis gets shorter"),
    ],
    check_running_mean: [
        (lambda g, t, s, d: running_mean(g, t, s, 1 - d), "not what comes in"),
        (alias, "no copy"),
        (shallow, "no copy"),
        (unmoved, "did not move"),
        (equal_weights, "Old ones should fade"),
        (lambda *a: running_mean(*a, start=0.0), "not from zero"),
        (lambda *a: running_mean(*a, first_train=False), "first train"),
        (trains_the_mean, "Train the generator"),
        (trains_once_more, "train was called 4 times"),
        (tracked, "in-place operation"),
        (lambda *a: dict(running_mean(*a).state_dict()), "a Module is wanted"),
    ],
    check_slope_penalty: [
        (lambda d, x: penalty(d, x, create_graph=False), "keep the gradient's own"),
        (lambda d, x: penalty(d, x).detach(), "keep the gradient's own"),
        (with_slopes(lambda s: s.norm(dim=1).mean()), "squared before"),
        (with_slopes(lambda s: s.square().mean()), "sum over coordinates"),
        (with_slopes(lambda s: s.square().sum()), "not their sum"),
        (
            with_slopes(lambda s: (s.norm(dim=1) - 1).square().mean()),
            "pulls lengths to",
        ),
        (with_slopes(lambda s: s.mean(0).square().sum()), "square before you average"),
        (lambda d, x: penalty(d, x, of=torch.mean), "a mean divides each slope"),
        (
            lambda d, x: penalty(d, x, of=lambda t: t.sigmoid().sum()),
            "That is the slope of D",
        ),
        (by_backward, "left gradients"),
        (lambda d, x: penalty(d, x) / 2, "the caller's"),
        (lambda d, x: penalty(d, x).item(), "a Tensor is wanted"),
        (
            lambda d, x: torch.tensor(penalty(d, x).item(), requires_grad=True),
            "keep the gradient's own",
        ),
    ],
}
RIGHT = {
    check_pack: [pack, pack_by_loops, pack_by_slices],
    check_running_mean: [running_mean, running_mean_by_state, running_mean_by_data],
    check_slope_penalty: [penalty, penalty_by_jacobian, penalty_by_loops],
}
