"""Answers to the exercises on lesson 3: the parts of a VAE, and a tighter bound."""

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch.distributions import Normal, kl_divergence

from course_utils.checks.vae_pytorch import (
    check_bernoulli,
    check_beta_for_ten_nats,
    check_elbo,
    check_iwae_bound,
    check_kl,
    check_rate_distortion,
    check_reparameterize,
    elbo,
)


def sample_in_double(mu, logvar, epsilon):
    return logvar.double().exp().sqrt().mul(epsilon.double()).add(mu.double())


def sample_by_loops(mu, logvar, epsilon):
    flat = epsilon.reshape(-1, *mu.shape)
    rows = [mu + torch.exp(0.5 * logvar) * noise for noise in flat]
    return torch.stack(rows).reshape(epsilon.shape)


def kl_by_hand(mu, logvar):
    return 0.5 * (mu.square() + logvar.exp() - 1 - logvar).sum(-1)


def coins(x_logits, x):
    return (x * x_logits - F.softplus(x_logits)).flatten(1).sum(1)


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


WRONG = {
    check_reparameterize: [
        (lambda m, v, e: sample_in_double(m, v, torch.randn_like(e)), "Noise first"),
        (lambda m, v, e: sample_in_double(m, v.detach(), e), "cuts the graph"),
    ],
    check_bernoulli: [(lambda y, x: coins(y, x).sum()[None], "of shape (1,)")],
    check_elbo: [(lambda *a: [elbo(*a)[i] for i in (1, 2, 0)], "The order is")],
    check_beta_for_ten_nats: [(1.0, "1 does not fit"), (-3.0, "rewarded")],
}
RIGHT = {
    check_reparameterize: [sample_in_double, sample_by_loops],
    check_kl: [kl_by_hand],
    check_bernoulli: [coins, coins_by_where],
    check_elbo: [elbo_by_library, elbo_by_rows],
    check_iwae_bound: [bound_by_loops],
    check_rate_distortion: [water_by_loops],
    check_beta_for_ten_nats: [12.75, np.float32(12.8)],
}
