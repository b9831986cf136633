"""Answers to the exercises on lesson 8: the step and the penalty."""

import torch
import torch.nn.functional as F

from course_utils.checks.dcgan_step import check_alternating_step, check_share_penalty


def d_loss_of(real, fake):
    return F.softplus(-real).mean() + F.softplus(fake).mean()


def g_loss_of(fake):
    return F.softplus(-fake).mean()


def step(
    generator,
    discriminator,
    real,
    z,
    g_optimizer,
    d_optimizer,
    detach=True,
    zero=(True, True),
    d_loss_of=d_loss_of,
    g_loss_of=g_loss_of,
    moves=(True, True),
):
    """The alternating step, with whatever is to go wrong in it."""
    if zero[0]:
        d_optimizer.zero_grad()
    if zero[1]:
        g_optimizer.zero_grad()
    fake = generator(z)
    judged = fake.detach() if detach else fake
    d_loss = d_loss_of(discriminator(real), discriminator(judged))
    d_loss.backward(retain_graph=True)
    if moves[0]:
        d_optimizer.step()
    g_loss = g_loss_of(discriminator(fake))
    g_loss.backward()
    if moves[1]:
        g_optimizer.step()
    return d_loss.detach(), g_loss.detach()


def spoilt(**changes):
    return lambda *game: step(*game, **changes)


def simultaneous(generator, discriminator, real, z, g_optimizer, d_optimizer):
    logits = discriminator(generator(z))
    d_loss, g_loss = d_loss_of(discriminator(real), logits), g_loss_of(logits)
    for optimizer in (g_optimizer, d_optimizer):
        optimizer.zero_grad()
    d_loss.backward(inputs=list(discriminator.parameters()), retain_graph=True)
    g_loss.backward(inputs=list(generator.parameters()))
    d_optimizer.step()
    g_optimizer.step()
    return d_loss, g_loss


def without_inputs(generator, discriminator, real, z, g_optimizer, d_optimizer):
    """Simultaneous; the generator's loss goes into the discriminator, too."""
    logits = discriminator(generator(z))
    d_loss, g_loss = d_loss_of(discriminator(real), logits), g_loss_of(logits)
    for optimizer in (g_optimizer, d_optimizer):
        optimizer.zero_grad()
    d_loss.backward(retain_graph=True)
    g_loss.backward()
    d_optimizer.step()
    g_optimizer.step()
    return d_loss, g_loss


def stale(generator, discriminator, real, z, g_optimizer, d_optimizer):
    """The generator's gradient is that of the old logits; the loss is told right."""
    g_optimizer.zero_grad()
    d_optimizer.zero_grad()
    logits = discriminator(generator(z))
    d_loss = d_loss_of(discriminator(real), logits)
    g_loss_of(logits).backward(inputs=list(generator.parameters()), retain_graph=True)
    d_loss.backward(inputs=list(discriminator.parameters()))
    d_optimizer.step()
    with torch.no_grad():
        g_loss = g_loss_of(discriminator(generator(z)))
    g_optimizer.step()
    return d_loss, g_loss


def twice_through_a_graph(*game):
    generator, discriminator, real, z, g_optimizer, d_optimizer = game
    fake = generator(z)
    d_loss = d_loss_of(discriminator(real), discriminator(fake))
    d_optimizer.zero_grad()
    d_loss.backward()
    d_optimizer.step()
    g_loss = g_loss_of(discriminator(fake))
    g_optimizer.zero_grad()
    g_loss.backward()
    g_optimizer.step()
    return d_loss, g_loss


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
    d_loss = d_loss_of(discriminator(real), discriminator(fake))
    weights = list(discriminator.parameters())
    for p, g in zip(
        weights, torch.autograd.grad(d_loss, weights, retain_graph=True), strict=True
    ):
        p.grad = g
    d_optimizer.step()
    g_loss = g_loss_of(discriminator(fake))
    g_optimizer.zero_grad()
    g_loss.backward(inputs=list(generator.parameters()))
    g_optimizer.step()
    return [d_loss, g_loss]


def penalty(
    network,
    real,
    gamma,
    share,
    rows=lambda n, share: max(1, round(share * n)),
    logit=torch.sum,
    graph=True,
    reduce=lambda gradient: gradient.square().flatten(1).sum(1).mean(),
):
    """R1, with whatever is to go wrong in it."""
    x = real[: rows(len(real), share)].requires_grad_()
    loss = logit(network(x))
    (gradient,) = torch.autograd.grad(loss, x, create_graph=graph)
    return gamma / 2 * reduce(gradient)


def different(**changes):
    return lambda *arguments: penalty(*arguments, **changes)


def by_backward(network, real, gamma, share):
    x = real[: max(1, round(share * len(real)))].detach().requires_grad_()
    network(x).sum().backward()
    return gamma / 2 * x.grad.square().flatten(1).sum(1).mean()


def of_weights(network, real, gamma, share):
    x = real[: max(1, round(share * len(real)))]
    weights = list(network.parameters())
    slopes = torch.autograd.grad(network(x).sum(), weights, create_graph=True)
    return gamma / 2 * sum(slope.square().sum() for slope in slopes)


def row_by_row(network, real, gamma, share):
    """In double precision, one image at a time."""
    rows, squares = max(1, round(share * len(real))), []
    for image in real[:rows].double():
        x = image[None].requires_grad_()
        logit = network(x.float())[0, 0]
        (gradient,) = torch.autograd.grad(logit, x, create_graph=True)
        squares.append((gradient**2).sum())
    return gamma * torch.stack(squares).mean() / 2


def by_transform(network, real, gamma, share):
    x = real[: max(1, round(share * len(real)))]
    slope = torch.func.vmap(torch.func.grad(lambda row: network(row[None])[0, 0]))
    return gamma / 2 * slope(x).pow(2).sum((1, 2, 3)).mean()


WRONG = {
    check_alternating_step: [
        (spoilt(detach=False), "has reached the generator"),
        (spoilt(zero=(False, True)), "discriminator's weights"),
        (spoilt(zero=(False, True)), "earlier step lie there still"),
        (spoilt(zero=(True, False)), "earlier step lie there still"),
        (spoilt(zero=(True, False), detach=False), "those of d_loss"),
        (spoilt(d_loss_of=lambda r, f: d_loss_of(f, r)), "want to call real"),
        (spoilt(d_loss_of=lambda r, f: d_loss_of(r, f) / 2), "no half"),
        (spoilt(d_loss_of=lambda r, f: -d_loss_of(r, f)), "Look at the sign"),
        (spoilt(g_loss_of=lambda f: -F.softplus(f).mean()), "flat where"),
        (spoilt(g_loss_of=lambda f: F.softplus(f).mean()), "call its fakes"),
        (spoilt(g_loss_of=lambda f: F.softplus(-f).sum()), "not a sum"),
        (spoilt(moves=(False, True)), "who calls step()"),
        (spoilt(moves=(True, False)), "who calls step()"),
        (simultaneous, "old logits"),
        (without_inputs, "has left gradients in the discriminator"),
        (stale, "old logits"),
        (twice_through_a_graph, "stops with RuntimeError"),
        (lambda *game: step(*game)[0], "2 values"),
    ],
    check_share_penalty: [
        (different(rows=lambda n, share: n), "whole batch"),
        (different(logit=torch.mean), "a sum of logits"),
        (different(graph=False), "can be differentiated again"),
        (different(reduce=lambda g: g.flatten(1).norm(dim=1).mean()), "squared in R1"),
        (different(reduce=lambda g: g.square().mean()), "Over the pixels"),
        (different(reduce=lambda g: g.square().sum()), "R1 is a mean"),
        (different(rows=lambda n, share: int(share * n)), "came nan"),
        (lambda d, x, gamma, share: 2 * penalty(d, x, gamma, share), "gamma / 2"),
        (lambda d, x, gamma, share: penalty(d, x, 2.0, share), "gamma stands"),
        (
            lambda d, x, gamma, share: (
                penalty(d, x, gamma, share) * max(1, round(share * len(x))) / len(x)
            ),
            "that were measured",
        ),
        (lambda *a: penalty(*a).detach().numpy(), "Tensor is wanted"),
        (lambda *a: penalty(*a).detach(), "can be differentiated again"),
        (by_backward, "leaves none"),
        (of_weights, "with respect to what"),
    ],
}
RIGHT = {
    check_alternating_step: [step, step_by_labels, step_by_autograd],
    check_share_penalty: [penalty, row_by_row, by_transform],
}
