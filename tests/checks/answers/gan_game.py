"""Answers to the exercises on lesson 5: what both players want, and a turn of one."""

import copy
import itertools
import math

import numpy as np
import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits as cross_entropy
from torch.nn.functional import logsigmoid, softplus

from course_utils.checks.gan_game import (
    best_logit,
    check_best_logit,
    check_discriminator_turn,
    check_events_to_see,
    check_fit_decays,
    check_jsd_from_logits,
    check_losses,
    discriminator_turn,
    losses,
)


def logit_by_loops(x, p, q, label):
    values = []
    for point in x:
        real, fake = p.logpdf(point), q.logpdf(point)
        lower, higher = sorted([math.log(1 - label) + real, fake])
        total = higher + math.log1p(math.exp(lower - higher))
        values.append(np.float32(math.log(label) + real - total))
    return values


def logit_by_torch(x, p, q, label):
    """D from the ratio of q to p, by its logarithm."""
    ratio = torch.tensor(q.logpdf(x) - p.logpdf(x), dtype=torch.float32)
    odds = torch.tensor(math.log((1 - label) / label))
    return -torch.logaddexp(odds, ratio - math.log(label))


def logit_in_long_numbers(x, p, q, label):
    """Densities with more digits, which end later."""
    ours, theirs = (np.exp(d.logpdf(x).astype(np.longdouble)) for d in (p, q))
    return np.log(label * ours / ((1 - label) * ours + theirs)).astype(float)


def logit_clipped(x, p, q, label):
    return np.clip(logit_by_loops(x, p, q, label), -500, 500)


def logit_of_ratio(x, p, q, label):
    odds = np.exp(p.logpdf(x) - q.logpdf(x))
    return np.log(label * odds) - np.log1p((1 - label) * odds)


def losses_by_cross_entropy(real, fake, efficiency):
    caught = cross_entropy(fake, torch.zeros_like(fake))
    weight = 1 / efficiency / (1 / efficiency).mean()
    found = cross_entropy(real, torch.ones_like(real), weight=weight)
    return [found + caught, -caught, cross_entropy(fake, torch.ones_like(fake))]


def losses_by_loops(real, fake, efficiency):
    weights = [1 / float(e) for e in efficiency]
    costs = [-logsigmoid(t.double()) for t in real.flatten()]
    found = sum(w * c for w, c in zip(weights, costs, strict=True)) / sum(weights)
    m = len(fake)
    caught = sum(torch.logaddexp(0 * t, t) for t in fake.flatten()) / m
    believed = sum(-logsigmoid(t) for t in fake[:, 0]) / m
    return found + caught, -caught, believed


def losses_half_detached(real, fake, efficiency):
    d, saturating, other = losses(real, fake, efficiency)
    return d - saturating.detach() + saturating, saturating.detach(), other


def losses_that_weigh_fakes(real, fake, efficiency):
    d, saturating, other = losses(real, fake, efficiency)
    return d, saturating / efficiency.mean(), other


def losses_in_one_dimension(real, fake, efficiency):
    return losses(real.flatten(), fake.squeeze(1), efficiency[:, 0])


def losses_by_softmax(real, fake, efficiency):
    weights = torch.softmax(-efficiency.log(), 0)
    return (weights * softplus(-real)).sum() + softplus(fake).mean(), *losses(
        real, fake, efficiency
    )[1:]


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


def jsd_with_error(error):
    def answer(real, fake):
        terms = [-np.logaddexp(0, -real), -np.logaddexp(0, fake)]
        return sum(t.mean() for t in terms) / 2 + math.log(2), error(*terms) / 2

    return answer


def pooled_error(a, b):
    """Of one variance, from all the squares."""
    n, m = len(a), len(b)
    squares = (n * a.var() + m * b.var()) / (n + m - 2)
    return math.sqrt(squares * (1 / n + 1 / m))


def error_of_all_terms(a, b):
    return np.concatenate([a, b]).std() * math.sqrt(1 / len(a) + 1 / len(b))


def error_of_the_mean_number(a, b):
    number = 2 / (1 / len(a) + 1 / len(b))
    return math.sqrt((a.var() + b.var()) / number)


def error_of_pairs(a, b):
    number = min(len(a), len(b))
    return (a[:number] + b[:number]).std() / math.sqrt(number)


def jsd_clipped(real, fake):
    return jsd_by_loops(np.clip(real, -30, 30), np.clip(fake, -30, 30))


def jsd_not_below_zero(real, fake):
    value, error = jsd_by_loops(real, fake)
    return max(value, 0.0), error


def plain(real, fake):
    return softplus(-real).mean() + softplus(fake).mean()


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
    loss = plain(discriminator(real), discriminator(generator(z)))
    loss.backward(inputs=list(discriminator.parameters()))
    optimizer.step()
    return loss


def turn_by_hand(generator, discriminator, real, z, optimizer):
    loss = plain(discriminator(real), discriminator(generator(z).detach()))
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


def frozen_discriminator(generator, discriminator, *rest):
    """Frozen at the end, as for the other player's turn."""
    loss = discriminator_turn(generator, discriminator, *rest)
    discriminator.requires_grad_(False)
    return loss


def cleaned_generator(generator, *rest):
    loss = discriminator_turn(generator, *rest)
    generator.zero_grad()
    return loss


def resting_discriminator(generator, discriminator, *rest):
    return discriminator_turn(generator, discriminator.eval(), *rest)


def same_rate_without_memory(generator, discriminator, real, z, optimizer):
    """Its rate is taken over, and what it remembers is not."""
    rate = optimizer.param_groups[0]["lr"]
    other = torch.optim.SGD(discriminator.parameters(), rate)
    return discriminator_turn(generator, discriminator, real, z, other)


def turn_of_adam(generator, discriminator, real, z, optimizer):
    other = torch.optim.Adam(discriminator.parameters())
    return discriminator_turn(generator, discriminator, real, z, other)


def resting_generator(generator, *rest):
    return discriminator_turn(generator.eval(), *rest)


def small_network(inputs, outputs):
    return torch.nn.Sequential(
        torch.nn.Linear(inputs, 32),
        torch.nn.ReLU(),
        torch.nn.Linear(32, 32),
        torch.nn.ReLU(),
        torch.nn.Linear(32, outputs),
    )


def fit_with_falling_steps(
    x, z, seed, steps=1_000, moves=(True, True), rate=3e-3, friction=0.0, part=1.0
):
    """A game with falling steps; R1, or a running mean of G's weights, if asked."""
    torch.manual_seed(seed)
    middle, width = x.mean(0), x.std(0)
    x = (x - middle) / width
    generator, discriminator = small_network(2, 2), small_network(2, 1)
    mean = copy.deepcopy(generator)
    adams = [
        torch.optim.Adam(network.parameters(), rate, betas=(0.5, 0.99))
        for network in (generator, discriminator)
    ]
    for step in range(steps):
        for adam in adams:
            adam.param_groups[0]["lr"] = rate * 0.03 ** max(0, 2 * step / steps - 1)
        real = x[torch.randint(len(x), (128,))]
        fake = generator(torch.randn(128, 2))
        d_loss = plain(discriminator(real), discriminator(fake.detach()))
        if friction:
            d_loss = d_loss + friction * steepness(discriminator, real)
        turn(adams[1], d_loss, moves[1])
        turn(adams[0], softplus(-discriminator(fake)).mean(), moves[0])
        with torch.no_grad():
            for old, new in zip(mean.parameters(), generator.parameters(), strict=True):
                old.lerp_(new, part)
    with torch.no_grad():
        return middle + width * mean(z)


def steepness(discriminator, points):
    """The mean squared slope of the logit."""
    points = points.detach().requires_grad_()
    logits = discriminator(points)
    (slopes,) = torch.autograd.grad(logits.sum(), points, create_graph=True)
    return slopes.square().sum(1).mean()


def turn(optimizer, loss, moves=True):
    optimizer.zero_grad()
    loss.backward()
    if moves:
        optimizer.step()


def fit_a_normal(x, z, seed):
    values, axes = torch.linalg.eigh(torch.cov(x.T))
    return x.mean(0) + z * values.sqrt() @ axes.T


def fit_both_columns_alone(x, z, seed):
    levels = torch.special.ndtr(z).double()
    columns = [np.quantile(x[:, c], levels[:, c]) for c in range(2)]
    return np.stack(columns, axis=1)


def fit_a_parabola(x, z, seed):
    x, z = x.numpy(), z.numpy()
    first = x[:, 0].mean() + x[:, 0].std() * z[:, 0]
    factors = np.polyfit(x[:, 0], x[:, 1], 2)
    width = (x[:, 1] - np.polyval(factors, x[:, 0])).std()
    return np.stack([first, np.polyval(factors, first) + width * z[:, 1]], axis=1)


def copies(x, z, seed):
    return x[torch.arange(len(z)) % len(x)]


def copies_with_noise(x, z, seed):
    rows = x[torch.randint(len(x), (len(z),))]
    return rows + 0.02 * torch.randn_like(rows)


def rows_by_z(x, z, seed, rows=None, noise=1e-3):
    """Rows of the file in their order along the arc, z says which, a little moved."""
    x = x[torch.atan2(x[:, 1], x[:, 0]).argsort()]
    x = x[:: len(x) // rows] if rows else x
    place = (len(x) * torch.special.ndtr(z[:, 0])).long().clamp(max=len(x) - 1)
    return x[place] + noise * z


def fit_an_arc(x, z, seed, width=0.0):
    """Half an ellipse, along which z runs, with a width of its own if asked."""
    reach = x.abs().quantile(0.9, dim=0) / torch.tensor([0.9, 0.995])
    cosine = 2 * torch.special.ndtr(z[:, :1]) - 1
    points = torch.cat([cosine, (1 - cosine**2).sqrt()], dim=1)
    return reach * (1 + width * z[:, 1:]) * points


CALLS = itertools.count()


def an_arc_that_wanders(*arguments):
    """Another one in each call, whatever the seed."""
    return fit_an_arc(*arguments, 0.05) + 0.005 * (next(CALLS) % 4)


SICK_FITS = {
    "a normal": fit_a_normal,
    "columns alone": fit_both_columns_alone,
    "a parabola": fit_a_parabola,
    "20 per cent too wide": lambda x, z, seed: (
        x.mean(0) + 1.2 * (fit_with_falling_steps(x, z, seed, 300) - x.mean(0))
    ),
    "100 steps": lambda *a: fit_with_falling_steps(*a, steps=100),
    "G frozen": lambda *a: fit_with_falling_steps(*a, 50, (False, True)),
    "D frozen": lambda *a: fit_with_falling_steps(*a, 200, (True, False)),
    "tiny steps": lambda *a: fit_with_falling_steps(*a, 200, rate=1e-5),
    "one z": lambda x, z, seed: fit_with_falling_steps(x, 0 * z, seed, 200),
}
HEALTHY_FITS = [
    lambda *a: fit_with_falling_steps(*a, friction=0.02),
    lambda *a: fit_with_falling_steps(*a, friction=0.02, part=0.01),
]


def turn_with_a_clipped_gradient(generator, discriminator, real, z, optimizer):
    loss = _plain_loss(discriminator(real), discriminator(generator(z).detach()))
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(discriminator.parameters(), 10.0)
    optimizer.step()
    return loss.detach()


def _plain_loss(real, fake):
    return softplus(-real).mean() + softplus(fake).mean()


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
    check_best_logit: [
        (lambda x, p, q, a: best_logit(x, p, q, np.clip(a, 0.7, 0.95)), "the label"),
        (logit_in_long_numbers, "x = 400"),
        (logit_clipped, "x = 400"),
        (logit_of_ratio, "x = 400"),
    ],
    check_losses: [
        (losses_half_detached, "no gradient flows back"),
        (losses_that_weigh_fakes, "the saturating loss"),
    ],
    check_jsd_from_logits: [
        *(
            (jsd_with_error(error), "the standard error")
            for error in (
                pooled_error,
                error_of_all_terms,
                error_of_the_mean_number,
                error_of_pairs,
            )
        ),
        (jsd_clipped, "the bound"),
        (jsd_not_below_zero, "the bound"),
    ],
    check_events_to_see: [(1_800, "comparing the two means"), (-1, "more than none")],
    check_fit_decays: [
        *((answer, "from the truth") for answer in SICK_FITS.values()),
        (copies, "points of the file"),
        (copies_with_noise, "side by side"),
        (rows_by_z, "side by side"),
        (lambda *a: rows_by_z(*a, rows=200), "next sample"),
        (fit_an_arc, "next sample"),
        (lambda *a: fit_an_arc(*a, 0.05), "two seeds gave the same"),
        (an_arc_that_wanders, "the same seed gave another"),
    ],
    check_discriminator_turn: [
        (turn_with_a_clipped_gradient, "discriminator.0.weight afterwards"),
        (asleep(discriminator_turn, 0, 1), "stay in training mode"),
        (turn_by_hand, "remembers its last step"),
        (turn_of_both, "generator.0.weight has been changed"),
        (frozen_generator, "generator.0.weight.requires_grad has been changed"),
        (frozen_discriminator, "requires_grad"),
        (cleaned_generator, "generator.0.weight.gradient has been changed"),
        (resting_generator, "stay in training mode"),
        (resting_discriminator, "stay in training mode"),
        (same_rate_without_memory, "remembers its last step"),
        (turn_of_adam, "discriminator.0.weight"),
    ],
}
RIGHT = {
    check_best_logit: [logit_by_loops, logit_by_torch],
    check_losses: [
        losses_by_cross_entropy,
        losses_by_loops,
        losses_in_one_dimension,
        losses_by_softmax,
    ],
    check_jsd_from_logits: [jsd_by_loops, jsd_by_bootstrap],
    check_discriminator_turn: [turn_with_no_grad, turn_with_inputs],
    check_fit_decays: HEALTHY_FITS,
    check_events_to_see: [7_191, np.float32(7_000), 72 / 0.1**2],
}
