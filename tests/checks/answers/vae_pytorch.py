"""Answers to the exercises on lesson 3: parts of a VAE for spectra, and the VAE."""

import math
from functools import partial

import numpy as np
import torch
from torch import nn

from course_utils.checks.vae_pytorch import (
    check_beta_for_ten_nats,
    check_draw_laplace,
    check_kl_laplace,
    check_log_likelihood,
    check_pooled_bound,
    check_rate_distortion,
    check_train_spectra,
    draw_laplace,
    kl_laplace,
    log_likelihood,
    pooled_bound,
)


def draw_by_sides(mu, log_b, u):
    """In double precision; each side has a logarithm of its own."""
    mu, b, u = mu.double(), log_b.double().exp(), u.double()
    return mu + b * torch.where(u < 0.5, (2 * u).log(), -(2 - 2 * u).log())


def draw_by_loops(mu, log_b, u):
    flat = u.reshape(-1, *mu.shape) - 0.5
    rows = [mu - log_b.exp() * v.sign() * torch.log1p(-2 * v.abs()) for v in flat]
    return torch.stack(rows).reshape(u.shape)


def kl_by_hand(mu, log_b):
    b = log_b.exp()
    return (mu.abs() + b * (-mu.abs() / b).exp() - log_b - 1).sum(-1)


def kl_by_rows(mu, log_b):
    rows = zip(mu, log_b, strict=True)
    return torch.stack([kl_by_hand(m, s) for m, s in rows])


def counts_in_double(log_rates, x):
    log_rates, x = log_rates.double(), x.double()
    nats = x * log_rates - log_rates.exp() - torch.special.gammaln(1 + x)
    return nats @ torch.ones(x.shape[1]).double()


def counts_by_loops(log_rates, x):
    values = []
    for logs, counts in zip(log_rates, x, strict=True):
        factorials = sum(math.log(math.factorial(int(count))) for count in counts)
        values.append(counts @ logs - logs.exp().sum() - factorials)
    return torch.stack(values)


def pooled_by_loops(bounds, counts):
    values = []
    for row in bounds.T:
        total = row[0] + counts[0].log()
        for bound, count in zip(row[1:], counts[1:], strict=True):
            total = torch.logaddexp(total, bound + count.log())
        values.append(total - counts.sum().log())
    return torch.stack(values)


def pooled_by_softmax(bounds, counts):
    """Shares in place of sizes, and the largest taken out by hand."""
    top = bounds.max(0).values
    shares = counts / counts.sum()
    return top + (shares @ (bounds - top).exp()).log()


def water(eigenvalues, sigma, beta):
    errors = eigenvalues.clamp(max=beta * sigma**2)
    return 0.5 * torch.log(eigenvalues / errors).sum(), errors.sum()


def water_by_loops(eigenvalues, sigma, beta):
    rate, distortion = 0.0, 0.0
    for value in eigenvalues.tolist():
        error = min(value, beta * sigma**2)
        rate, distortion = rate + math.log(value / error) / 2, distortion + error
    return rate, np.float32(distortion)


def train(
    x,
    fresh,
    epsilon,
    seed,
    *,
    steps=800,
    rows=slice(None),
    noise=torch.randn_like,
    beta=1.0,
    likelihood=lambda x, logs: x * logs - logs.exp(),
    rest=lambda z: z,
    trained=slice(None),
    at=lambda mu, logvar, epsilon: mu + (0.5 * logvar).exp() * epsilon,
    width=64,
    activation=nn.ReLU,
    first=lambda x: (x + 0.375).sqrt() - 2,
):
    """A healthy training; its parts can be broken."""
    torch.manual_seed(seed)
    x = x[rows]
    encoder = nn.Sequential(
        nn.Linear(x.shape[1], width), activation(), nn.Linear(width, 4)
    )
    decoder = nn.Sequential(
        nn.Linear(2, width), activation(), nn.Linear(width, x.shape[1])
    )
    decoder[2].bias.data = x.mean(0).clamp(min=0.01).log()
    parameters = [*encoder.parameters(), *decoder.parameters()][trained]
    adam = torch.optim.Adam(parameters, lr=5e-3)
    falling = torch.optim.lr_scheduler.CosineAnnealingLR(adam, steps)
    for _ in range(steps):
        batch = x[torch.randint(len(x), (100,))]
        mu, logvar = encoder(first(batch)).chunk(2, dim=1)
        z = mu + (0.5 * logvar).exp() * noise(mu)
        nats = likelihood(batch, decoder(rest(z))).sum(1)
        kl = 0.5 * (mu.square() + logvar.exp() - 1 - logvar).sum(1)
        adam.zero_grad()
        (beta * kl - nats).mean().backward()
        adam.step()
        falling.step()
    with torch.no_grad():
        mu, logvar = encoder(first(fresh)).chunk(2, dim=1)
        return mu, logvar, decoder(at(mu, logvar, epsilon))


quick = partial(train, steps=400)  # as much as the bound needs
short = partial(train, steps=300)  # sick ones lose far more than such a training


def train_on_fresh(x, fresh, epsilon, seed):
    return quick(torch.cat([x, fresh]), fresh, epsilon, seed)


def train_with_normalized_fresh(x, fresh, epsilon, seed):
    """Each set is centred and scaled by its own numbers."""
    return quick(x, fresh, epsilon, seed, first=lambda x: (x - x.mean(0)) / x.std(0))


def see_through(x, fresh, epsilon, seed):
    """The decoder has the spectrum itself: no code, all of the picture."""
    return 0 * epsilon, 0 * epsilon, (0.7 * fresh + 0.3 * x.mean(0) + 0.05).log()


def lean_on_spectrum(x, fresh, epsilon, seed):
    """A good VAE, whose rates are mended by the spectrum that they should explain."""
    mu, logvar, logs = quick(x, fresh, epsilon, seed)
    return mu, logvar, logs + 0.2 * ((fresh + 5).log() - (logs.exp() + 5).log())


def one_rate_a_channel(x, fresh, epsilon, seed):
    return 0 * epsilon, 0 * epsilon, x.mean(0).log().expand_as(fresh)


def return_log_sigma(x, fresh, epsilon, seed):
    mu, logvar, logs = quick(x, fresh, epsilon, seed)
    return mu, logvar / 2, logs


def guarded(mu, log_b, u, guard):
    return draw_laplace(mu, log_b, u.clamp(guard, 1 - guard))


def kl_by_cases(mu, log_b):
    """The case that is not taken overflows, and its slope is no number."""
    b = log_b.exp()
    above, below = b * (-mu / b).exp() + mu, b * (mu / b).exp() - mu
    return (torch.where(mu > 0, above, below) - log_b - 1).sum(1)


def counts_by_factorials(log_rates, x):
    """In float32 there is no 35!."""
    factorials = torch.lgamma(x + 1).exp()
    return (x * log_rates - log_rates.exp() - factorials.log()).sum(1)


def water_by_products(eigenvalues, sigma, beta):
    errors = eigenvalues.clamp(max=beta * sigma**2)
    return 0.5 * (eigenvalues / errors).prod().log(), errors.sum()


LOSS, MOVED, SEEN = "may be lost", "other fresh spectra", "get different rates"
VARIANCE, MEAN = "belong to mu + exp(logvar) epsilon", "another epsilon gives the same"


def rate_until_the_first_weak_axis(eigenvalues, sigma, beta):
    level, kept = beta * sigma**2, 0
    for eigenvalue in eigenvalues:
        if eigenvalue < level:
            break
        kept += 1
    strong, weak = eigenvalues[:kept], eigenvalues[kept:]
    return (strong / level).log().sum() / 2, level * kept + weak.sum()


WRONG = {
    check_draw_laplace: [
        (lambda m, s, u: draw_by_sides(m, s, torch.rand_like(u)), "Integrate the"),
        (lambda m, s, u: draw_by_sides(m, s.detach(), u), "cuts the graph"),
        (partial(guarded, guard=0.01), "Integrate the"),
        (partial(guarded, guard=1e-4), "Integrate the"),
        (lambda m, s, u: draw_laplace(m, s.clamp(-5, 5), u), "Integrate the"),
        (lambda m, s, u: draw_laplace(m, s, u)[..., :1], "of shape"),
    ],
    check_kl_laplace: [
        (lambda m, s: kl_laplace(m.detach(), s), "cuts the graph"),
        (lambda m, s: kl_laplace(m, s).sum()[None], "of shape (1,)"),
        (kl_by_cases, "the gradient of the KL"),
        (lambda m, s: kl_laplace((m * m) ** 0.5, s), "A root has no slope"),
    ],
    check_log_likelihood: [
        (lambda y, x: log_likelihood(y, x).sum()[None], "of shape (1,)"),
        (lambda y, x: log_likelihood(x, y), "log-likelihood"),
        (lambda y, x: log_likelihood(y.clamp(max=15), x), "the log-likelihood"),
        (counts_by_factorials, "the log-likelihood"),
    ],
    check_pooled_bound: [
        (lambda b, n: pooled_bound(b, 0 * n + 7), "Parts have unequal sizes"),
        (lambda b, n: pooled_bound(b.clamp(-500, 500), n), "sum of all weights"),
    ],
    check_rate_distortion: [
        (rate_until_the_first_weak_axis, "for the rate"),
        (lambda v, s, b: water(v, s, b)[::-1], "The order is"),
        (water_by_products, "the rate"),
    ],
    check_train_spectra: [
        (partial(train, steps=50), LOSS),
        (partial(train, rows=slice(100)), LOSS),
        (partial(short, beta=0.0), LOSS),
        (partial(short, beta=6.0), LOSS),
        (partial(short, rest=torch.Tensor.detach), LOSS),
        (partial(short, trained=slice(4, None)), LOSS),
        (partial(short, trained=slice(4)), LOSS),
        (partial(short, likelihood=lambda x, y: (x * y - y.exp()) / 32), LOSS),
        (partial(train, likelihood=lambda x, y: -((x - y.exp()) ** 2) / 2), LOSS),
        (partial(short, noise=torch.zeros_like), LOSS),
        (one_rate_a_channel, LOSS),
        (partial(quick, at=lambda mu, logvar, e: mu), MEAN),
        (partial(quick, at=lambda mu, logvar, e: mu + logvar.exp() * e), VARIANCE),
        (return_log_sigma, VARIANCE),
        (partial(quick, at=lambda mu, v, e: mu + (v / 2).exp() * e.flip(0)), SEEN),
        (see_through, MEAN),
        (lean_on_spectrum, SEEN),
        (train_on_fresh, MOVED),
        (train_with_normalized_fresh, MOVED),
        (lambda x, fresh, e, seed: quick(x, fresh, e, torch.seed()), MOVED),
        (lambda x, fresh, e, seed: quick(x, fresh, e, 0), "two seeds gave the same"),
    ],
    check_beta_for_ten_nats: [(1.0, "1 does not fit"), (-3.0, "rewarded")],
}
RIGHT = {
    check_draw_laplace: [draw_by_sides, draw_by_loops],
    check_kl_laplace: [kl_by_hand, kl_by_rows],
    check_log_likelihood: [counts_in_double, counts_by_loops],
    check_pooled_bound: [pooled_by_loops, pooled_by_softmax],
    check_rate_distortion: [water_by_loops],
    check_train_spectra: [
        train,
        partial(train, width=128, activation=nn.SiLU, steps=1_000, first=torch.log1p),
    ],
    check_beta_for_ten_nats: [12.75, np.float32(12.8)],
}
