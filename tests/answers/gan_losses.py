"""Answers to the exercises on lesson 5 in PyTorch."""

import copy

import torch
from torch.nn.functional import binary_cross_entropy_with_logits as cross_entropy
from torch.nn.functional import logsigmoid, softplus

from course_utils.checks.gan_losses import check_discriminator_turn, check_losses


def losses(real, fake):
    d = softplus(-real).mean() + softplus(fake).mean()
    return d, -softplus(fake).mean(), softplus(-fake).mean()


def losses_by_cross_entropy(real, fake):
    ones, zeros = torch.ones_like, torch.zeros_like
    caught = cross_entropy(fake, zeros(fake))
    return [
        cross_entropy(real, ones(real)) + caught,
        -caught,
        cross_entropy(fake, ones(fake)),
    ]


def losses_by_loops(real, fake):
    n, m = len(real), len(fake)
    d = sum(-logsigmoid(t.double()) for t in real.flatten()) / n
    caught = sum(torch.logaddexp(0 * t, t) for t in fake.flatten()) / m
    believed = sum(-logsigmoid(t) for t in fake[:, 0]) / m
    return d + caught, -caught, believed


def replaced(position, change):
    """The right losses with one changed."""

    def answer(real, fake):
        values = list(losses(real, fake))
        values[position] = change(real, fake, values)
        return tuple(values)

    return answer


def losses_from_probabilities(real, fake):
    D_real, D_fake = torch.sigmoid(real), torch.sigmoid(fake)
    caught = -(1 - D_fake).log().mean()
    return -D_real.log().mean() + caught, -caught, -D_fake.log().mean()


def turn(generator, discriminator, real, z, optimizer, loss_of=losses, detach=True):
    fake = generator(z)
    fake = fake.detach() if detach else fake
    loss = loss_of(discriminator(real), discriminator(fake))[0]
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.detach()


def with_loss(change):
    return lambda *a: turn(*a, loss_of=lambda r, f: [change(r, f)])


def turn_with_no_grad(generator, discriminator, real, z, optimizer):
    with torch.no_grad():
        fake = generator(z)
    logits = discriminator(torch.cat([real, fake]))
    labels = torch.cat([torch.ones(len(real), 1), torch.zeros(len(fake), 1)])
    each = cross_entropy(logits, labels.double(), reduction="none")
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
    loss = losses_by_loops(discriminator(real), discriminator(generator(z).detach()))[0]
    parameters = list(discriminator.parameters())
    rate = optimizer.param_groups[0]["lr"]
    with torch.no_grad():
        for p, slope in zip(
            parameters, torch.autograd.grad(loss, parameters), strict=True
        ):
            p -= rate * slope
    return loss.detach().float()


def turn_without_zero_grad(generator, discriminator, real, z, optimizer):
    loss = losses(discriminator(real), discriminator(generator(z).detach()))[0]
    loss.backward()
    optimizer.step()
    return loss


def turn_without_backward(generator, discriminator, real, z, optimizer):
    loss = losses(discriminator(real), discriminator(generator(z).detach()))[0]
    optimizer.step()
    return loss


def turn_of_a_copy(generator, discriminator, *rest):
    return turn(generator, copy.deepcopy(discriminator), *rest)


def turn_uphill(generator, discriminator, real, z, optimizer):
    optimizer.zero_grad()
    value = -losses(discriminator(real), discriminator(generator(z).detach()))[0]
    value.backward()
    optimizer.step()
    return -value


def turn_of_both(generator, discriminator, real, z, optimizer):
    loss = turn(generator, discriminator, real, z, optimizer, detach=False)
    with torch.no_grad():
        for parameter in generator.parameters():
            parameter -= 0.1 * parameter.grad
            parameter.grad = None
    return loss


WRONG = {
    check_losses: [
        (replaced(0, lambda r, f, v: v[0] / 2), "without a factor"),
        (
            replaced(0, lambda r, f, v: softplus(torch.cat([-r, f])).mean()),
            "whatever their numbers",
        ),
        (
            replaced(0, lambda r, f, v: softplus(r).mean() + softplus(-f).mean()),
            "fake ones low",
        ),
        (replaced(0, lambda r, f, v: softplus(-r).sum() + softplus(f).sum()), "not t"),
        (replaced(0, lambda r, f, v: -v[0]), "look at the sign"),
        (lambda r, f: losses(r.sigmoid(), f.sigmoid()), "not probabilities"),
        (replaced(1, lambda r, f, v: -v[1]), "Does your loss fall"),
        (lambda r, f: [losses(r, f)[i] for i in (0, 2, 1)], "look at the order"),
        (replaced(2, lambda r, f, v: v[1]), "look at the order"),
        (replaced(2, lambda r, f, v: -v[1]), "its logarithm is one of D"),
        (replaced(2, lambda r, f, v: -v[2]), "Does your loss fall"),
        (replaced(2, lambda r, f, v: v[2].detach()), "Stay with tensors"),
        (replaced(0, lambda r, f, v: v[0].item()), "a Tensor is wanted"),
        (
            replaced(0, lambda r, f, v: softplus(-r).mean() + v[1].detach().neg()),
            "the slope in the fake logits",
        ),
        (losses_from_probabilities, "came inf"),
        (lambda r, f: losses(r, f)[0], "3 values"),
    ],
    check_discriminator_turn: [
        (lambda *a: turn(*a, detach=False), "What cuts that thread"),
        (turn_without_zero_grad, "which call clears them"),
        (turn_without_backward, "which call computes new ones"),
        (turn_of_a_copy, "Nothing moved"),
        (turn_uphill, "this player's loss is to fall"),
        (turn_of_both, "the generator's weights"),
        (with_loss(lambda r, f: losses(r, f)[0] / 2), "without a factor"),
        (with_loss(lambda r, f: losses(-r, -f)[0]), "fake ones low"),
        (
            with_loss(lambda r, f: softplus(torch.cat([-r, f])).mean()),
            "whatever their numbers",
        ),
        (with_loss(lambda r, f: softplus(-r).sum() + softplus(f).sum()), "not their"),
        (lambda *a: turn(*a) and None, "nothing came back yet"),
    ],
}
RIGHT = {
    check_losses: [losses, losses_by_cross_entropy, losses_by_loops],
    check_discriminator_turn: [
        turn,
        turn_with_no_grad,
        turn_with_inputs,
        turn_by_hand,
    ],
}
