"""Answers to the exercises on lesson 1."""

import math

import numpy as np
import torch
from scipy.special import logsumexp, xlogy

from course_utils.checks.elbo import (
    check_best_diagonals,
    check_discrete_elbo,
    check_kl_normals,
    check_monte_carlo_elbo,
    check_power_of_sigma,
    check_tight_q,
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


def kl(mu0, var0, mu1, var1):
    ratio = var0 / var1
    return 0.5 * (ratio + (mu0 - mu1) ** 2 / var1 - 1 - np.log(ratio)).sum(1)


def kl_by_loops(mu0, logvar0, mu1, logvar1):
    result = np.zeros(len(mu0), np.float32)
    for row in range(len(mu0)):
        for m0, l0, m1, l1 in np.stack([mu0, logvar0, mu1, logvar1])[:, row].T:
            variance = math.exp(l0) + (m0 - m1) ** 2
            result[row] += (l1 - l0 - 1 + variance * math.exp(-l1)) / 2
    return result


def kl_by_torch(*arguments):
    mu0, logvar0, mu1, logvar1 = map(torch.from_numpy, arguments)
    first, second = (
        torch.distributions.Normal(mu, (0.5 * logvar).exp())
        for mu, logvar in ((mu0, logvar0), (mu1, logvar1))
    )
    return torch.distributions.kl_divergence(first, second).sum(1)


def monte_carlo(log_joint, mean, std, n, rng, sign=-1, prior=False, error=None):
    noise = rng.standard_normal((n, len(mean)))
    if prior:
        mean, std = 0 * mean, np.ones_like(std)
    log_q = -0.5 * (noise**2 + np.log(2 * np.pi)).sum(1) - np.log(std).sum()
    terms = log_joint(mean + std * noise) + sign * log_q
    return terms.mean(), (error or (lambda t: t.std() / len(t) ** 0.5))(terms)


def monte_carlo_by_loops(log_joint, mean, std, n, rng):
    values = []
    for _ in range(n):
        z = rng.normal(mean, std)
        log_q = -0.5 * ((z - mean) ** 2 / std**2 + np.log(2 * np.pi * std**2)).sum()
        values.append(log_joint(z[None])[0] - log_q)
    return np.float32(np.mean(values)), np.float32(np.std(values, ddof=1) / n**0.5)


def with_generator(seed):
    return lambda *a: monte_carlo(*a[:-1], np.random.default_rng(seed))


def with_error(error):
    return lambda *arguments: monte_carlo(*arguments, error=error)


def posterior(x, W, b, sigma):
    M = np.eye(W.shape[1]) + W.T @ W / sigma**2
    return np.linalg.solve(M, W.T @ (x - b).T).T / sigma**2, np.linalg.inv(M)


def posterior_by_conditioning(x, W, b, sigma):
    """From the joint normal of z and x, in single precision."""
    cov_x = W @ W.T + sigma**2 * np.eye(len(W))
    gain = np.linalg.solve(cov_x, W).T
    mean, cov = (x - b) @ gain.T, np.eye(W.shape[1]) - gain @ W
    return torch.tensor(mean).float(), torch.tensor(cov).float()


def diagonals(M):
    gap = 0.5 * (np.log(np.diag(M)).sum() - np.linalg.slogdet(M)[1])
    return 1 / np.diag(M), np.diag(np.linalg.inv(M)), gap


def diagonals_by_optimizer(M):
    log_s = torch.zeros(len(M), dtype=torch.float64, requires_grad=True)
    M = torch.from_numpy(M)
    optimizer = torch.optim.LBFGS([log_s], max_iter=200, tolerance_grad=1e-10)

    def first_kl():
        log_dets = torch.logdet(M) + log_s.sum()
        return 0.5 * ((torch.diag(M) * log_s.exp()).sum() - len(M) - log_dets)

    def closure():
        optimizer.zero_grad()
        value = first_kl()
        value.backward()
        return value

    optimizer.step(closure)
    return log_s.exp(), torch.linalg.inv(M).diagonal(), first_kl()


def altered(position, change):
    """The right diagonals with one of the three changed."""

    def answer(M):
        values = list(diagonals(M))
        values[position] = change(M, values)
        return tuple(values)

    return answer


WRONG = {
    check_discrete_elbo: [
        (lambda j, q: j @ q + xlogy(q, q).sum(), "which sign"),
        (lambda j, q: j @ q, "entropy of q is missing"),
        (lambda j, q: (q * j - xlogy(q, q)).mean(1), "a sum, not a plain mean"),
        (lambda j, q: (q * j - xlogy(q, q)).sum(), "one number for each row"),
        (lambda j, q: logsumexp(j, axis=1), "Where did q go?"),
        (lambda j, q: (q * (j - np.log(q))).sum(1), "came nan"),
    ],
    check_kl_normals: [
        (lambda a, b, c, d: 2 * kl(a, np.exp(b), c, np.exp(d)), "factor"),
        (lambda a, b, c, d: kl(c, np.exp(d), a, np.exp(b)), "averaged over"),
        (lambda a, b, c, d: kl(a, np.exp(2 * b), c, np.exp(2 * d)), "of a variance"),
        (lambda a, b, c, d: kl(a, np.exp(b), c, np.exp(d)) / a.shape[1], "KLs of"),
        (lambda a, b, c, d: kl(a, np.exp(b), c, np.exp(d)).sum(), "rows apart"),
        (lambda a, b, c, d: kl(a, np.exp(b), c, np.exp(d)) + a.shape[1] / 2, "equal"),
        (lambda a, b, c, d: -kl(a, np.exp(b), c, np.exp(d)), "one dimension first"),
    ],
    check_monte_carlo_elbo: [
        (lambda *a: monte_carlo(*a, sign=0), "entropy of q is missing"),
        (lambda *a: monte_carlo(*a, sign=1), "subtracted"),
        (lambda *a: monte_carlo(*a, prior=True), "for the ELBO"),
        (lambda j, m, s, n, r: monte_carlo(j, m, s**0.5, n, r), "no variance"),
        (with_error(np.std), "spread of one draw"),
        (with_error(lambda t: t.var() / len(t)), "take a root"),
        (lambda *a: monte_carlo(*a)[0], "2 values"),
        (with_generator(0), "different seeds gave the same"),
        (with_generator(None), "one seed gave different"),
    ],
    check_tight_q: [
        (lambda *a: (posterior(*a)[0], np.linalg.inv(posterior(*a)[1])), "precision"),
        (lambda x, W, b, s: posterior(x, W, b, s**0.5), "sigma squared"),
        (lambda x, W, b, s: posterior(x, W, 0 * b, s), "if x = b"),
        (
            lambda x, W, b, s: (
                posterior(x, W, b, s)[0],
                np.linalg.inv(W.T @ W / s**2),
            ),
            "prior has its share",
        ),
        (
            lambda x, W, b, s: (
                posterior(x, W, b, s)[0] * s**2,
                posterior(x, W, b, s)[1],
            ),
            "factor depending on sigma",
        ),
    ],
    check_best_diagonals: [
        (altered(0, lambda M, v: v[1]), "order of the arguments"),
        (altered(1, lambda M, v: v[0]), "order of the arguments"),
        (altered(0, lambda M, v: np.diag(M)), "precisions"),
        (altered(0, lambda M, v: v[0] ** 0.5), "standard deviations"),
        (altered(2, lambda M, v: 2 * v[2]), "factor"),
        (altered(2, lambda M, v: -v[2]), "never negative"),
    ],
    check_power_of_sigma: [
        (2.0, "a better detector would have a smaller gap"),
        (-1.0, "smaller sigma"),
        (-0.5, "smaller sigma"),
        (-4.0, "smaller sigma"),
    ],
}
RIGHT = {
    check_discrete_elbo: [elbo_by_loops, elbo_in_float32],
    check_kl_normals: [kl_by_loops, kl_by_torch],
    check_monte_carlo_elbo: [monte_carlo, monte_carlo_by_loops],
    check_tight_q: [posterior, posterior_by_conditioning],
    check_best_diagonals: [diagonals, diagonals_by_optimizer],
    check_power_of_sigma: [-2, np.float32(-2.0)],
}
