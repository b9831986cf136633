"""Answers to the exercises on lesson 10: lengths, ways, and two ways back."""

import math
from functools import partial

import numpy as np
import torch
from scipy.integrate import quad
from torch import nn

from course_utils.checks.latent_space import (
    check_direction,
    check_fit_encoder,
    check_gain,
    check_half_truncation,
    check_invert,
    check_loops,
    check_shell,
    loops,
)


def shell_by_integral(k, a):
    """Moments of one coordinate by quadrature."""
    two, four = (quad(lambda z, p=p: z**p / (2 * a), -a, a)[0] for p in (2, 4))
    return [
        np.float32((k * two) ** 0.5),
        (k * (four - two**2)) ** 0.5 / 2 / (k * two) ** 0.5,
    ]


def loops_by_angle(a, b, t):
    """One pair at a time, by the angle between a and b, in float32."""
    ways, t = [], torch.tensor(t).float()[:, None]
    for start, end in zip(torch.tensor(a), torch.tensor(b), strict=True):
        first, last = (v.float() / v.float().norm() for v in (start, end))
        sine = (last - (first @ last) * first).norm()
        if sine < 1e-4:
            ways.append(start.float().expand(len(t), -1))
            continue
        angle, turned = torch.atan2(sine, first @ last), 2 * math.pi * t
        way = torch.sin(angle - turned) * first + torch.sin(turned) * last
        ways.append(start.float().norm() * way / sine)
    return torch.stack(ways)


def loops_by_hand(a, b, t, least=1e-9):
    """One pair at a time, with a guard."""
    ways = []
    for start, end in zip(a, b, strict=True):
        size = np.linalg.norm(start)
        across = end - (end @ start) / size**2 * start
        if np.linalg.norm(across) <= least * np.linalg.norm(end):
            ways.append(np.tile(start, (len(t), 1)))
            continue
        across *= size / np.linalg.norm(across)
        turned = 2 * np.pi * t
        ways.append(np.outer(np.cos(turned), start) + np.outer(np.sin(turned), across))
    return np.array(ways)


def direction_by_torch(z, labels, start, end):
    z, labels = torch.tensor(z).float(), torch.tensor(labels)
    members = torch.stack([labels == start, labels == end]).float()
    a, b = (members @ z) / members.sum(1, keepdim=True)
    u = torch.nn.functional.normalize(b - a, dim=0)
    return u, z @ u - (a @ u + b @ u) / 2


def loops_by_halves(a, b, t):
    """All at once, from unit vectors."""
    size, (u, v) = (
        np.linalg.norm(a, axis=1),
        (w / np.linalg.norm(w, axis=1)[:, None] for w in (a, b)),
    )
    across = v - (u * v).sum(1)[:, None] * u
    spans = np.linalg.norm(across, axis=1) > 1e-6
    across[~spans], across[spans] = (
        0,
        (across[spans] / np.linalg.norm(across[spans], axis=1)[:, None]),
    )
    angle = np.where(spans[:, None], 2 * np.pi * t, 0)[..., None]
    return size[:, None, None] * (
        np.cos(angle) * u[:, None] + np.sin(angle) * across[:, None]
    )


def loops_if(spans, steps=lambda t: t):
    """With another idea of which pairs span a plane: of the size of what is across."""

    def answer(a, b, t):
        cosine = (a * b).sum(1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)
        across = b - (a * b).sum(1)[:, None] / (a * a).sum(1)[:, None] * a
        turns = spans(np.linalg.norm(across, axis=1), np.abs(cosine))[:, None]
        return loops_by_hand(a, np.where(turns, b, a), steps(t))

    return answer


def gain_by_bootstrap(hits, control, draws=2_000):
    """From draws of trials, each with its pair."""
    difference = np.asarray(hits, float) - np.asarray(control, float)
    rows = np.random.default_rng(0).integers(len(hits), size=(draws, len(hits)))
    return difference.mean(), difference[rows].mean(1).std()


def gain_by_counting(hits, control):
    """From the trials in which one of the two succeeds alone (McNemar)."""
    n, won, lost = len(hits), sum(hits & ~control), sum(control & ~hits)
    difference = (won - lost) / n
    return difference, math.sqrt((won + lost) / n - difference**2) / math.sqrt(n)


def gain_of_wins_and_losses(hits, control):
    """As if a trial could be both."""
    won, lost = (hits > control).mean(), (hits < control).mean()
    return won - lost, ((won * (1 - won) + lost * (1 - lost)) / len(hits)) ** 0.5


def gain_if_there_is_none(hits, control):
    """The error of McNemar's test, whose hypothesis is that there is no gain."""
    return (hits - control).mean(), (hits != control).sum() ** 0.5 / len(hits)


def loss(error, z, weight):
    """Sums over pixels, coordinates and rows."""
    return (error**2).sum() + weight * (z**2).sum()


def invert_by_adam(generator, x, weight, steps=400, loss=loss, trained=()):
    """Leaves gradients in the generator, which is allowed."""
    z = torch.zeros(len(x), generator.latent_dim, requires_grad=True)
    optimizer = torch.optim.Adam([z, *trained], 0.1)
    for _ in range(steps):
        optimizer.zero_grad()
        loss(generator(z) - x, z, weight).backward()
        optimizer.step()
    return z


def leaves_it_frozen(generator, *others):
    generator.requires_grad_(False)
    return invert_by_adam(generator, *others)


def leaves_it_in_eval(generator, *others):
    return invert_by_adam(generator.eval(), *others)


def invert_frozen_for_a_while(generator, *others):
    generator.requires_grad_(False)
    z = invert_by_adam(generator.eval(), *others)
    generator.train().requires_grad_(True)
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


def invert_from_noise(generator, x, weight):
    """Plain descent by hand, with its graph still on."""
    z = torch.randn(len(x), generator.latent_dim)
    for _ in range(1_000):
        z = z.detach().requires_grad_()
        (slope,) = torch.autograd.grad(loss(generator(z) - x, z, weight), z)
        z = z - 0.05 * slope
    return z


def invert_as_if_linear(generator, x, weight):
    """The generator's slope at the origin, and a linear system."""
    origin = torch.zeros(generator.latent_dim)
    with torch.no_grad():
        start = generator(origin[None])[0]
    W = torch.autograd.functional.jacobian(lambda z: generator(z[None])[0], origin)
    square = W.T @ W + weight * torch.eye(len(origin))
    return torch.linalg.solve(square, W.T @ (x - start).T).T


def encoder_of(width=64):
    return nn.Sequential(nn.Linear(16, width), nn.Tanh(), nn.Linear(width, 3))


def weights_of(encoder):
    return [p.detach() for p in encoder.parameters()]


def encoder_by_pulses(
    generator, x, seed, steps=1_500, trained=None, nonlinear=None, rate=3e-3, width=64
):
    """Down the error of what comes back."""
    torch.manual_seed(seed)
    encoder = encoder_of(width)
    if nonlinear is not None:
        encoder[1] = nonlinear
    parameters = list((trained or nn.Module.parameters)(encoder))
    optimizer = torch.optim.Adam(parameters, rate)
    for step in range(steps):
        optimizer.param_groups[0]["lr"] = rate * (1 - step / steps)
        batch = x[torch.randint(len(x), (128,))]
        error = (generator(encoder(batch)) - batch).square().sum(1).mean()
        optimizer.zero_grad()
        error.backward()
        optimizer.step()
    return weights_of(encoder)


def encoder_by_simulation(
    generator, x, seed, steps=1_500, noise=0.05, order=(0, 1, 2), rate=3e-3
):
    """A regression on pulses of one's own, whose z is known; x is not looked at."""
    torch.manual_seed(seed)
    encoder = encoder_of()
    optimizer = torch.optim.Adam(encoder.parameters(), rate)
    for step in range(steps):
        optimizer.param_groups[0]["lr"] = rate * (1 - step / steps)
        z = torch.randn(128, 3)
        batch = generator(z) + noise * torch.randn(128, 16)
        error = (encoder(batch) - z[:, order]).square().sum(1).mean()
        optimizer.zero_grad()
        error.backward()
        optimizer.step()
    return [p.detach().numpy().astype(float) for p in encoder.parameters()]


def encoder_by_all_rows(generator, x, seed):
    """Few long steps: all pulses at once, by a method of second order."""
    torch.manual_seed(seed)
    encoder = encoder_of(32)
    optimizer = torch.optim.LBFGS(
        encoder.parameters(), max_iter=120, line_search_fn="strong_wolfe"
    )

    def error():
        optimizer.zero_grad()
        value = (generator(encoder(x)) - x).square().sum(1).mean()
        value.backward()
        return value

    optimizer.step(error)
    return weights_of(encoder)


def moves_the_generator(generator, x, seed):
    for parameter in generator.parameters():
        parameter.requires_grad_(True)
    return encoder_by_pulses(
        generator,
        x,
        seed,
        steps=100,
        trained=lambda encoder: [*encoder.parameters(), generator.moves],
    )


def thaws_the_generator(generator, x, seed):
    generator.requires_grad_(True)
    return encoder_by_pulses(generator, x, seed, steps=100)


def scaled(factor, **odd):
    def answer(*given):
        *first, W2, b2 = encoder_by_pulses(*given, **odd)
        return *first, factor * W2, factor * b2

    return answer


def linear_encoder(generator, x, seed):
    """The best linear map from pulses to z, so small in tanh that it stays linear."""
    z = torch.randn(4_000, 3, generator=torch.Generator().manual_seed(seed))
    pulses = generator(z) + 0.05 * torch.randn(4_000, 16)
    ones = torch.ones(4_000, 1)
    W = torch.linalg.lstsq(torch.cat([pulses, ones], 1), z).solution
    return 1e-2 * torch.eye(16), torch.zeros(16), 100 * W[:16].T, W[16]


def fixed_numbers(generator, x, seed):
    return torch.zeros(4, 16), torch.zeros(4), torch.zeros(3, 4), torch.zeros(3)


LOSE = "new pulses lose"


def loops_that_stand_still(a, b, t):
    """Also where b points nearly away from a."""
    sizes = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    stands = ((a * b).sum(1) < -0.9 * sizes)[:, None, None]
    return np.where(stands, a[:, None], loops(a, b, t))


WRONG = {
    check_loops: [
        (lambda a, b, t: loops_by_hand(a, b, t, least=-1), "for the points"),
        (loops_if(lambda across, cosine: cosine < 0.97), "for the points"),
        (loops_that_stand_still, "for the points"),
        (loops_if(lambda across, cosine: ~np.isclose(cosine, 1)), "for the points"),
        (loops_if(lambda across, cosine: across > 1e-6), "for the points"),
        (loops_if(lambda across, cosine: across > 0.1), "for the points"),
        (
            loops_if(
                lambda across, cosine: cosine < 1 - 1e-9,
                lambda t: np.linspace(0, 1, len(t)),
            ),
            "for the points",
        ),
    ],
    check_gain: [
        (lambda h, c: (h.mean() - c.mean(), 0.0), "for the standard error"),
        (lambda h, c: h - c, "2 values are wanted"),
        (lambda h, c: (h.mean() - c.mean(), (h != c).std() / len(h) ** 0.5), "counts"),
        (gain_of_wins_and_losses, "a covariance is lost"),
        (gain_if_there_is_none, "if there were no gain"),
    ],
    check_invert: [
        *((with_loss(other), words) for words, other in OTHER_LOSSES.items()),
        (lambda *a: invert_by_adam(*a, steps=5), "Has it one at yours"),
        (trains_the_generator, "the generator has been changed"),
        (leaves_it_frozen, "requires_grad has been changed"),
        (leaves_it_in_eval, "generator.training has been changed"),
        (invert_as_if_linear, "Has it one at yours"),
    ],
    check_half_truncation: [(0.5, "0.5 does not fit"), (2.0, "2 does not fit")],
    check_fit_encoder: [
        (fixed_numbers, LOSE),
        (linear_encoder, LOSE),
        (lambda *a: encoder_by_pulses(*a, steps=100), LOSE),
        (lambda *a: encoder_by_pulses(*a, trained=lambda e: e[2].parameters()), LOSE),
        (lambda *a: encoder_by_pulses(*a, nonlinear=nn.ReLU(), steps=500), LOSE),
        (lambda g, x, seed: encoder_by_pulses(g, x[:10], seed, steps=500), LOSE),
        (lambda *a: encoder_by_simulation(*a, order=(1, 0, 2), steps=500), LOSE),
        (scaled(0.7, steps=500), LOSE),
        (moves_the_generator, "another one now"),
        (thaws_the_generator, "another one now"),
        (lambda g, x, seed: encoder_by_simulation(g, x, 0), "two seeds gave the same"),
        (lambda g, x, seed: encoder_by_simulation(g, x, torch.seed()), "the same seed"),
        (lambda *a: encoder_of().parameters(), "4 values are wanted"),
        (lambda *a: [w.T for w in weights_of(encoder_of())], "was expected"),
    ],
}
RIGHT = {
    check_shell: [shell_by_integral],
    check_loops: [loops_by_angle, loops_by_hand, loops_by_halves],
    check_direction: [direction_by_torch],
    check_gain: [
        gain_by_bootstrap,
        partial(gain_by_bootstrap, draws=1_000),
        gain_by_counting,
    ],
    check_invert: [invert_by_adam, invert_from_noise, invert_frozen_for_a_while],
    check_half_truncation: [0.9166, np.float32(0.92), 0.915],
    check_fit_encoder: [encoder_by_pulses, encoder_by_simulation, encoder_by_all_rows],
}
