"""Answers to the exercises on lesson 1."""

import math

import numpy as np
import torch
from scipy.stats import norm

from course_utils.checks.elbo import (
    check_best_diagonals,
    check_discrete_elbo,
    check_kl_normals,
    check_monte_carlo_elbo,
    check_power_of_sigma,
    check_tight_q,
    discrete_elbo,
    monte_carlo_elbo,
    tight_q,
)


def elbo_by_loops(log_joint, q):
    values = []
    for row in log_joint:
        terms = zip(row, q, strict=True)
        values.append(sum(w * (j - math.log(w)) for j, w in terms if w > 0))
    return values


def elbo_in_float32(log_joint, q):
    q = torch.tensor(q, dtype=torch.float32)
    return torch.tensor(log_joint, dtype=torch.float32) @ q - torch.xlogy(q, q).sum()


def kl_by_torch(*arguments):
    mu0, logvar0, mu1, logvar1 = map(torch.from_numpy, arguments)
    first, second = (
        torch.distributions.Normal(mu, (0.5 * logvar).exp())
        for mu, logvar in ((mu0, logvar0), (mu1, logvar1))
    )
    return torch.distributions.kl_divergence(first, second).sum(1)


def monte_carlo_by_loops(log_joint, mean, std, n, rng):
    values = []
    for _ in range(n):
        z = rng.normal(mean, std)
        log_q = -0.5 * ((z - mean) ** 2 / std**2 + np.log(2 * np.pi * std**2)).sum()
        values.append(log_joint(z[None])[0] - log_q)
    return np.float32(np.mean(values)), np.float32(np.std(values, ddof=1) / n**0.5)


def monte_carlo_by_bootstrap(log_joint, mean, std, n, rng):
    """The error is the scatter of means of terms that are drawn again."""
    z = mean + std * rng.standard_normal((n, len(mean)))
    terms = log_joint(z) - np.log(np.prod(norm.pdf(z, mean, std), axis=1))
    means = [rng.choice(terms, n).mean() for _ in range(1_000)]
    return terms.mean(), np.std(means)


def with_generator(seed):
    return lambda *a: monte_carlo_elbo(*a[:-1], np.random.default_rng(seed))


def posterior_by_conditioning(x, W, b, sigma):
    """From the joint normal of z and x, in single precision."""
    cov_x = W @ W.T + sigma**2 * np.eye(len(W))
    gain = np.linalg.solve(cov_x, W).T
    mean, cov = (x - b) @ gain.T, np.eye(W.shape[1]) - gain @ W
    return torch.tensor(mean).float(), torch.tensor(cov).float()


def diagonals(M):
    gap = 0.5 * (np.log(np.diag(M)).sum() - np.linalg.slogdet(M)[1])
    return 1 / np.diag(M), np.diag(np.linalg.inv(M)), gap


WRONG = {
    check_discrete_elbo: [
        # A wrong axis gets no word of q = 0.
        (lambda j, q: discrete_elbo(j, q)[:, None] * q, "Write the sum out"),
    ],
    check_monte_carlo_elbo: [
        (lambda *a: monte_carlo_elbo(*a)[0], "2 values"),
        (with_generator(0), "nothing has been drawn"),
        (with_generator(None), "nothing has been drawn"),
    ],
    check_tight_q: [(lambda *a: tight_q(*a)[0], "2 values")],
    check_power_of_sigma: [
        (2.0, "a better detector would have a smaller gap"),
        (-0.5, "smaller sigma"),
        (-4.0, "smaller sigma"),
    ],
}
RIGHT = {
    check_discrete_elbo: [elbo_by_loops, elbo_in_float32],
    check_kl_normals: [kl_by_torch],
    check_monte_carlo_elbo: [monte_carlo_by_loops, monte_carlo_by_bootstrap],
    check_tight_q: [posterior_by_conditioning],
    check_best_diagonals: [diagonals],
    check_power_of_sigma: [-2, np.float32(-2.0)],
}
