"""Answers to the exercises on lesson 3: the parts of a VAE, and a tighter bound."""

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch.distributions import Bernoulli, Normal, kl_divergence

from course_utils.checks.vae_pytorch import (
    check_bernoulli,
    check_beta_for_ten_nats,
    check_elbo,
    check_iwae_bound,
    check_kl,
    check_rate_distortion,
    check_reparameterize,
    elbo,
    iwae_bound,
    kl,
    rate_distortion,
)


def sample(mu, logvar, epsilon):
    return mu + torch.exp(0.5 * logvar) * epsilon


def sample_in_double(mu, logvar, epsilon):
    return logvar.double().exp().sqrt().mul(epsilon.double()).add(mu.double())


def sample_by_loops(mu, logvar, epsilon):
    flat = epsilon.reshape(-1, *mu.shape)
    rows = [[sample(*r) for r in zip(mu, logvar, e, strict=True)] for e in flat]
    return torch.stack([torch.stack(r) for r in rows]).reshape(epsilon.shape)


def by_numpy(function):
    """The same without a graph, as an array."""

    def answer(*tensors):
        return function(*(t.detach() for t in tensors)).numpy()

    return answer


def cut(function, *positions):
    """The same with some arguments taken out of the graph."""

    def answer(*tensors):
        kept = [t.detach() if i in positions else t for i, t in enumerate(tensors)]
        return function(*kept)

    return answer


def kl_by_hand(mu, logvar):
    return 0.5 * (mu.square() + logvar.exp() - 1 - logvar).sum(-1)


def kl_by_loops(mu, logvar):
    values = []
    for m, v in zip(mu, logvar, strict=True):
        terms = zip(m, v, strict=True)
        values.append(sum(0.5 * (a**2 + torch.exp(b) - 1 - b) for a, b in terms))
    return torch.stack(values)


def coins(x_logits, x):
    return (x * x_logits - F.softplus(x_logits)).flatten(1).sum(1)


def coins_in_double(x_logits, x):
    return Bernoulli(logits=x_logits.double()).log_prob(x.double()).sum((1, 2, 3))


def coins_by_where(x_logits, x):
    """One image after the other, with the logarithm of each outcome's sigmoid."""
    images = zip(torch.where(x > 0.5, x_logits, -x_logits), strict=True)
    return torch.stack([F.logsigmoid(image).sum() for (image,) in images])


def elbo_by_library(model, x, epsilon):
    mu, logvar = model.encoder(x)
    q = Normal(mu, (0.5 * logvar).exp())
    logits = model.decoder(q.loc + q.scale * epsilon)
    cross = F.binary_cross_entropy_with_logits(logits, x, reduction="none")
    terms = -cross.sum((1, 2, 3)), kl_divergence(q, Normal(0.0, 1.0)).sum(1)
    return [terms[0] - terms[1], terms[0].detach(), terms[1].detach()]


def elbo_by_rows(model, x, epsilon):
    rows = zip(x.split(1), epsilon.split(1), strict=True)
    parts = zip(*(elbo(model, image, noise) for image, noise in rows), strict=True)
    return tuple(torch.cat(part) for part in parts)


def without_a_graph(model, x, epsilon):
    with torch.no_grad():
        return elbo(model, x, epsilon)


def overwriting(mu, logvar):
    value = kl(mu, logvar)
    mu.data.zero_()
    return value


def bound_by_shift(log_weights):
    largest = log_weights.double().max(0).values
    return largest + (log_weights.double() - largest).exp().mean(0).log()


def bound_by_loops(log_weights):
    values = []
    for row in log_weights.T:
        total = row[0]
        for log_weight in row[1:]:
            total = torch.logaddexp(total, log_weight)
        values.append(total - math.log(len(row)))
    return torch.stack(values)


def water(eigenvalues, sigma, beta):
    errors = eigenvalues.clamp(max=beta * sigma**2)
    return 0.5 * torch.log(eigenvalues / errors).sum(), errors.sum()


def water_by_loops(eigenvalues, sigma, beta):
    rate, distortion = 0.0, 0.0
    for value in eigenvalues.tolist():
        error = min(value, beta * sigma**2)
        rate, distortion = rate + math.log(value / error) / 2, distortion + error
    return rate, np.float32(distortion)


def water_by_numpy(eigenvalues, sigma, beta):
    values = np.float32(eigenvalues)
    used = values[values > beta * sigma**2]
    level = np.float32(beta * sigma**2)
    rate = 0.5 * np.log(used / level).sum()
    return [rate, values[values <= level].sum() + level * len(used)]


WRONG = {
    check_reparameterize: [
        (lambda m, v, e: sample(m, v, torch.randn_like(e)), "Noise first"),
        (by_numpy(sample), "a Tensor is wanted"),
        (cut(sample, 0, 1), "no gradient flows back"),
        (cut(sample, 0), "cuts the graph"),
        (cut(sample, 1), "cuts the graph"),
    ],
    check_kl: [
        (by_numpy(kl), "cuts the graph"),
        (cut(kl, 1), "cuts the graph"),
        (cut(kl, 0, 1), "no gradient flows back"),
        (overwriting, "mu has been changed"),
    ],
    check_bernoulli: [
        (lambda y, x: coins(y, x).sum()[None], "of shape (1,)"),
        (by_numpy(coins), "cuts the graph"),
        (cut(coins, 0), "no gradient flows back"),
    ],
    check_elbo: [
        (lambda *a: elbo(*a)[0], "3 values"),
        (lambda *a: [elbo(*a)[i] for i in (1, 2, 0)], "The order is"),
        (lambda *a: [elbo(*a)[i] for i in (1, 0, 2)], "The order is"),
        (lambda *a: [elbo(*a)[i] for i in (0, 2, 1)], "The order is"),
        (without_a_graph, "no gradient flows back"),
    ],
    check_iwae_bound: [
        (lambda w: iwae_bound(w.detach()), "no gradient flows back"),
        (lambda w: iwae_bound(w.detach()).numpy(), "cuts the graph"),
    ],
    check_rate_distortion: [
        (lambda *a: rate_distortion(*a)[::-1], "The order is"),
        (lambda *a: rate_distortion(*a)[0], "2 values"),
    ],
    check_beta_for_ten_nats: [(1.0, "1 does not fit"), (-3.0, "rewarded")],
}
RIGHT = {
    check_reparameterize: [sample, sample_in_double, sample_by_loops],
    check_kl: [kl_by_hand, kl_by_loops],
    check_bernoulli: [coins, coins_in_double, coins_by_where],
    check_elbo: [elbo_by_library, elbo_by_rows],
    check_iwae_bound: [bound_by_shift, bound_by_loops],
    check_rate_distortion: [water, water_by_loops, water_by_numpy],
    check_beta_for_ten_nats: [12.75, np.float32(12.8)],
}
