"""Answers to the exercises on lesson 1."""

import math
from functools import partial

import numpy as np
import torch
from scipy.optimize import minimize
from scipy.special import rel_entr
from scipy.stats import norm

from course_utils.checks.elbo import (
    check_best_diagonals,
    check_discrete_elbo,
    check_fit_counts,
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


def elbo_by_densities(log_joint, q):
    return -rel_entr(q, np.exp(log_joint)).sum(1)


def elbo_of_the_likely(log_joint, q, least=0.01):
    kept = q > least
    return (q[kept] * (log_joint[:, kept] - np.log(q[kept]))).sum(1)


def kl_by_torch(*arguments):
    mu0, logvar0, mu1, logvar1 = map(torch.from_numpy, arguments)
    first, second = (
        torch.distributions.Normal(mu, (0.5 * logvar).exp())
        for mu, logvar in ((mu0, logvar0), (mu1, logvar1))
    )
    return torch.distributions.kl_divergence(first, second).sum(1)


def kl_clipped(mu0, logvar0, mu1, logvar1, most=3.0):
    logvar0, logvar1 = (np.clip(v, -most, most) for v in (logvar0, logvar1))
    distance = (mu0 - mu1) ** 2 * np.exp(-logvar1)
    ratio = np.exp(logvar0 - logvar1)
    return 0.5 * (ratio + distance - 1 + logvar1 - logvar0).sum(1)


def kl_by_products(mu0, logvar0, mu1, logvar1, of_ratios=False):
    first, second = np.exp(logvar0), np.exp(logvar1)
    squares = ((first + (mu0 - mu1) ** 2) / second).sum(1) - mu0.shape[1]
    ratio = second.prod(1) / first.prod(1)
    ratio = (second / first).prod(1) if of_ratios else ratio
    return 0.5 * (squares + np.log(ratio))


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


def monte_carlo_with_noise(log_joint, mean, std, n, noise):
    """From noise (draws, k), with the error of n draws."""
    log_q = norm.logpdf(noise).sum(1) - np.log(std).sum()
    terms = log_joint(mean + std * noise) - log_q
    return terms.mean(), terms.std() / n**0.5


def with_noise(made):
    """Of n, k and rng to noise: the answer that uses it."""
    return lambda j, m, s, n, rng: monte_carlo_with_noise(
        j, m, s, n, made(n, len(m), rng)
    )


def mirrored(n, k, rng):
    half = rng.standard_normal((n // 2, k))
    return np.concatenate([half, -half])


def with_exact_entropy(log_joint, mean, std, n, rng):
    values = log_joint(rng.normal(mean, std, (n, len(mean))))
    entropy = np.log(std * np.sqrt(2 * np.pi * np.e)).sum()
    return values.mean() + entropy, values.std(ddof=1) / n**0.5


def exact_entropy_and_plain_error(log_joint, mean, std, n, rng):
    z = rng.normal(mean, std, (n, len(mean)))
    values, log_q = log_joint(z), norm.logpdf(z, mean, std).sum(1)
    entropy = np.log(std * np.sqrt(2 * np.pi * np.e)).sum()
    return values.mean() + entropy, (values - log_q).std() / n**0.5


def with_generator(seed):
    return lambda *a: monte_carlo_elbo(*a[:-1], np.random.default_rng(seed))


def posterior_by_conditioning(x, W, b, sigma):
    """From the joint normal of z and x, in single precision."""
    cov_x = W @ W.T + sigma**2 * np.eye(len(W))
    gain = np.linalg.solve(cov_x, W).T
    mean, cov = (x - b) @ gain.T, np.eye(W.shape[1]) - gain @ W
    return torch.tensor(mean).float(), torch.tensor(cov).float()


def posterior_by_svd(x, W, b, sigma, full=False):
    """All directions of z are needed, also those that leave x alone."""
    U, S, V = np.linalg.svd(W, full_matrices=full)
    U, S = U[:, : len(S)], np.pad(S, (0, len(V) - len(S)))
    gain = (S / (S**2 + sigma**2))[: U.shape[1]]
    mean = ((x - b) @ U * gain) @ V[: U.shape[1]]
    return mean, V.T @ np.diag(sigma**2 / (S**2 + sigma**2)) @ V


def diagonals_by_determinants(M):
    gap = 0.5 * np.log(np.prod(np.diag(M)) / np.linalg.det(M))
    return 1 / np.diag(M), np.diag(np.linalg.inv(M)), gap


def diagonals(M):
    gap = 0.5 * (np.log(np.diag(M)).sum() - np.linalg.slogdet(M)[1])
    return 1 / np.diag(M), np.diag(np.linalg.inv(M)), gap


def fit_by_turns(x, t, rounds=100, half=0.5, m=None, s=None):
    """The best m and s for the q, then a step of each q, again and again.

    Args:
        half: how much of a variance the rate has.
        m, s: where they stay.
    """
    mu, variance = np.log((x + 0.5) / t), 1 / (x + 1)
    middle, width = m, s
    for _ in range(rounds):
        middle = mu.mean() if m is None else m
        width = np.sqrt((variance + (mu - middle) ** 2).mean()) if s is None else s
        rate = t * np.exp(mu + half * variance)
        mu = mu + (x - rate - (mu - middle) / width**2) / (rate + 1 / width**2)
        variance = 1 / (t * np.exp(mu + half * variance) + 1 / width**2)
    return middle, width, mu, np.log(variance)


def fit_at_once(x, t):
    """All 2 n + 2 numbers together, by L-BFGS with slopes from PyTorch."""
    counts, times = torch.tensor(x), torch.tensor(t)

    def loss(numbers):
        at = torch.tensor(numbers, requires_grad=True)
        (m, log_s), mu, logvar = at[:2], *at[2:].reshape(2, -1)
        rate = times * (mu + logvar.exp() / 2).exp()
        squares = (logvar.exp() + (mu - m) ** 2) / (2 * log_s).exp()
        kl = 0.5 * (squares - 1 - logvar) + log_s
        value = (kl + rate - counts * mu).sum()
        return value.item(), torch.autograd.grad(value, at)[0].numpy()

    start = np.concatenate([[0, 0], np.log((x + 0.5) / t), 0 * x - 1])
    at = minimize(loss, start, jac=True, method="L-BFGS-B").x
    return at[0], np.exp(at[1]), *at[2:].reshape(2, -1)


def fit_with_adam(x, t, steps=600, rate=0.05):
    """As in the lesson, in single precision."""
    counts, times = (torch.tensor(v, dtype=torch.float32) for v in (x, t))
    theta = torch.zeros(2, requires_grad=True)
    phi = torch.zeros(2, len(x), requires_grad=True)
    adam = torch.optim.Adam([theta, phi], rate)
    for _ in range(steps):
        (m, log_s), (mu, logvar) = theta, phi
        kl = 0.5 * ((logvar.exp() + (mu - m) ** 2) / (2 * log_s).exp() - 1 - logvar)
        of_counts = counts * mu - times * (mu + logvar.exp() / 2).exp()
        adam.zero_grad()
        (kl + log_s - of_counts).sum().backward()
        adam.step()
    return theta[0], theta[1].exp(), phi[0], phi[1]


def changed(change):
    """A good fit, of which m, s, mu and logvar are changed afterwards."""
    return lambda x, t: change(*fit_by_turns(x, t))


def by_moments(x, t):
    """No q is fitted at all: the counts' own logarithms and their errors."""
    mu = np.log((x + 0.5) / t)
    return mu.mean(), mu.std(), mu, -np.log(x + 0.5)


def m_and_s_by_moments(x, t):
    """Only the q are fitted."""
    mu, variance = np.log((x + 0.5) / t), 1 / (x + 1)
    s = np.sqrt((variance + (mu - mu.mean()) ** 2).mean())
    return fit_by_turns(x, t, m=mu.mean(), s=s)


DRAWS = "independent points"
LOSS = "nats a source are lost"

WRONG = {
    check_discrete_elbo: [
        # A wrong axis gets no word of q = 0.
        (lambda j, q: discrete_elbo(j, q)[:, None] * q, "Write the sum out"),
        (elbo_by_densities, "two of them rare"),
        (elbo_of_the_likely, "two of them rare"),
        (partial(elbo_of_the_likely, least=1e-4), "two of them rare"),
    ],
    check_kl_normals: [
        (kl_clipped, "variances of about"),
        (partial(kl_clipped, most=10.0), "variances of about"),
        (kl_by_products, "variances of about"),
        (partial(kl_by_products, of_ratios=True), "variances of about"),
    ],
    check_monte_carlo_elbo: [
        (lambda *a: monte_carlo_elbo(*a)[0], "2 values"),
        (with_generator(0), "nothing has been drawn"),
        (with_generator(None), "nothing has been drawn"),
        (lambda *a: monte_carlo_elbo(*a)[::-1], "The order is"),
        (with_noise(lambda n, k, rng: rng.normal(size=(n // 4, k))), DRAWS),
        (with_noise(lambda n, k, rng: rng.normal(size=(4_000, k))), DRAWS),
        (
            with_noise(lambda n, k, rng: np.tile(rng.normal(size=(n // 4, k)), (4, 1))),
            DRAWS,
        ),
        (with_noise(mirrored), DRAWS),
        (exact_entropy_and_plain_error, "for the standard error"),
    ],
    check_tight_q: [
        (lambda *a: tight_q(*a)[0], "2 values"),
        (posterior_by_svd, "d = 1, k = 2"),
    ],
    check_best_diagonals: [(diagonals_by_determinants, "k = 160")],
    check_fit_counts: [
        (lambda x, t: fit_by_turns(x, t, 1), LOSS),
        (lambda x, t: fit_by_turns(x, t, 5), LOSS),
        (partial(fit_by_turns, half=0.0), LOSS),
        (partial(fit_by_turns, s=0.5), LOSS),
        (partial(fit_by_turns, s=1.0), LOSS),
        (partial(fit_by_turns, m=0.5), LOSS),
        (lambda x, t: fit_by_turns(x, t, m=np.log((x + 0.5) / t).mean()), LOSS),
        (lambda x, t: fit_by_turns(x, t, m=np.log(x.sum() / t.sum())), LOSS),
        (m_and_s_by_moments, LOSS),
        (lambda x, t: fit_by_turns(x, 0 * t + t.mean()), LOSS),
        (lambda x, t: fit_by_turns(x[::-1], t), LOSS),
        (lambda x, t: fit_with_adam(x, t, 60), LOSS),
        (by_moments, LOSS),
        (changed(lambda m, s, mu, v: (m, s, 0 * mu + m, 0 * v + 2 * np.log(s))), LOSS),
        (changed(lambda m, s, mu, v: (m, s, mu, 0 * v + v.mean())), LOSS),
        (changed(lambda m, s, mu, v: (m, s, mu, v - 6)), LOSS),
        (changed(lambda m, s, mu, v: (m, s, mu, v / 2)), LOSS),
        (changed(lambda m, s, mu, v: (m, s**2, mu, v)), LOSS),
        (changed(lambda m, s, mu, v: (0.0, 1.0, mu, v)), LOSS),
        (changed(lambda m, s, mu, v: (m, -s, mu, v)), "s is a width"),
        (changed(lambda m, s, mu, v: (m, s, mu, v[:-1])), "for logvar came"),
        (changed(lambda m, s, mu, v: (m, s, mu)), "4 values are wanted"),
        (lambda x, t: fit_by_turns(*(np.r_[v[:9], v[:9]] for v in (x, t))), "for mu"),
    ],
    check_power_of_sigma: [
        (2.0, "a better detector would have a smaller gap"),
        (-0.5, "smaller sigma"),
        (-4.0, "smaller sigma"),
    ],
}
RIGHT = {
    check_discrete_elbo: [elbo_by_loops, elbo_in_float32],
    check_kl_normals: [kl_by_torch],
    check_monte_carlo_elbo: [
        monte_carlo_by_loops,
        monte_carlo_by_bootstrap,
        with_exact_entropy,
    ],
    check_tight_q: [
        posterior_by_conditioning,
        partial(posterior_by_svd, full=True),
    ],
    check_best_diagonals: [diagonals],
    check_fit_counts: [fit_by_turns, fit_at_once, fit_with_adam],
    check_power_of_sigma: [-2, np.float32(-2.0)],
}
