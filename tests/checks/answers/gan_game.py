"""Answers to the exercises on lesson 5: what both players want, and a turn of one."""

import math

import numpy as np
import torch
from torch.nn.functional import binary_cross_entropy_with_logits as cross_entropy
from torch.nn.functional import logsigmoid, softplus

from course_utils.checks.gan_game import (
    check_best_logit,
    check_discriminator_turn,
    check_jsd_from_logits,
    check_losses,
    discriminator_turn,
    losses,
)


def logit_by_loops(x, p, q):
    return [np.float32(p.logpdf(point)) - np.float32(q.logpdf(point)) for point in x]


def logit_by_torch(x, p, q):
    logs = torch.tensor(np.stack([p.logpdf(x), q.logpdf(x)]), dtype=torch.float32)
    return logs[0] - logs[1]


def losses_by_cross_entropy(real, fake):
    caught = cross_entropy(fake, torch.zeros_like(fake))
    found = cross_entropy(real, torch.ones_like(real))
    return [found + caught, -caught, cross_entropy(fake, torch.ones_like(fake))]


def losses_by_loops(real, fake):
    n, m = len(real), len(fake)
    d = sum(-logsigmoid(t.double()) for t in real.flatten()) / n
    caught = sum(torch.logaddexp(0 * t, t) for t in fake.flatten()) / m
    believed = sum(-logsigmoid(t) for t in fake[:, 0]) / m
    return d + caught, -caught, believed


def losses_half_detached(real, fake):
    d, saturating, other = losses(real, fake)
    return softplus(-real).mean() - saturating.detach(), saturating, other


def jsd_by_loops(real, fake):
    ours = [-math.log1p(math.exp(-t)) if t > -700 else t for t in real]
    theirs = [-math.log1p(math.exp(t)) if t < 700 else -t for t in fake]
    value = sum(ours) / len(ours) + sum(theirs) / len(theirs)
    squares = [np.var(t, ddof=1) / len(t) for t in (ours, theirs)]
    return (math.log(4) + value) / 2, math.sqrt(sum(squares)) / 2


def jsd_by_bootstrap(real, fake, draws=2_000):
    """An error that is not exact, as everybody makes it."""
    rng = np.random.default_rng()
    terms = [-np.logaddexp(0, -real), -np.logaddexp(0, fake)]
    means = [
        [rng.choice(term, len(term)).mean() for term in terms] for _ in range(draws)
    ]
    value = sum(term.mean() for term in terms)
    return value / 2 + math.log(2), np.std(np.sum(means, axis=1) / 2)


def turn_with_no_grad(generator, discriminator, real, z, optimizer):
    with torch.no_grad():
        fake = generator(z)
    logits = discriminator(torch.cat([real, fake]))
    labels = torch.cat([torch.ones(len(real), 1), torch.zeros(len(fake), 1)])
    each = cross_entropy(logits, labels, reduction="none")
    loss = each[: len(real)].mean() + each[len(real) :].mean()
    discriminator.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


def turn_with_inputs(generator, discriminator, real, z, optimizer):
    """As the lesson's `descend` does it: no detach, but named inputs."""
    optimizer.zero_grad()
    loss = losses(discriminator(real), discriminator(generator(z)))[0]
    loss.backward(inputs=list(discriminator.parameters()))
    optimizer.step()
    return loss


def turn_by_hand(generator, discriminator, real, z, optimizer):
    loss = losses(discriminator(real), discriminator(generator(z).detach()))[0]
    parameters = list(discriminator.parameters())
    slopes = torch.autograd.grad(loss, parameters)
    with torch.no_grad():
        for parameter, slope in zip(parameters, slopes, strict=True):
            parameter -= optimizer.param_groups[0]["lr"] * slope
    return loss.detach()


def turn_of_both(generator, *rest):
    loss = discriminator_turn(generator, *rest, is_detached=False)
    with torch.no_grad():
        for parameter in generator.parameters():
            parameter -= 0.1 * parameter.grad
            parameter.grad = None
    return loss


def frozen_generator(generator, *rest):
    """Frozen for the turn, and never thawed."""
    return discriminator_turn(generator.requires_grad_(False), *rest)


def resting_generator(generator, *rest):
    return discriminator_turn(generator.eval(), *rest)


WRONG = {
    check_losses: [(losses_half_detached, "cuts the graph")],
    check_discriminator_turn: [
        (turn_by_hand, "remembers its last step"),
        (turn_of_both, "generator.0.weight has been changed"),
        (frozen_generator, "generator.0.weight.requires_grad has been changed"),
        (resting_generator, "generator.training has been changed"),
    ],
}
RIGHT = {
    check_best_logit: [logit_by_loops, logit_by_torch],
    check_losses: [losses_by_cross_entropy, losses_by_loops],
    check_jsd_from_logits: [jsd_by_loops, jsd_by_bootstrap],
    check_discriminator_turn: [turn_with_no_grad, turn_with_inputs],
}
