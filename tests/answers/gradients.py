"""Answers to the exercise on lesson 2 that is in PyTorch."""

import torch
from torch.distributions import Normal

from course_utils.checks.gradients import check_surrogate


def surrogate(f, mu, logvar, epsilon, f_rests=True, z_rests=True, half=0.5):
    sigma = torch.exp(half * logvar)
    z = mu + sigma * epsilon
    values = f(z).detach() if f_rests else f(z)
    log_q = Normal(mu, sigma).log_prob(z.detach() if z_rests else z).sum(-1)
    return (values * log_q).mean()


def surrogate_by_hand(f, mu, logvar, epsilon):
    """The density written out; z is made where nothing is recorded."""
    with torch.no_grad():
        z = mu + (0.5 * logvar).exp() * epsilon
        values = f(z)
    log_q = -0.5 * ((z - mu) ** 2 / logvar.exp() + logvar).sum(1)
    return torch.dot(values, log_q) / len(z)


def surrogate_by_loops(f, mu, logvar, epsilon):
    """The known scores times the parameters, in double precision."""
    mu, logvar, epsilon = mu.double(), logvar.double(), epsilon.double()
    total = torch.zeros((), dtype=torch.float64)
    for noise in epsilon:
        sigma = (0.5 * logvar).exp().detach()
        value = f((mu.detach() + sigma * noise)[None])[0]
        total = total + value * (noise / sigma * mu).sum()
        total = total + value * (0.5 * (noise**2 - 1) * logvar).sum()
    return total / len(epsilon)


def path(f, mu, logvar, epsilon):
    return f(mu + torch.exp(0.5 * logvar) * epsilon).mean()


def graphless(f, mu, logvar, epsilon):
    return surrogate(f, mu, logvar, epsilon).detach()


def over_dimensions(f, mu, logvar, epsilon):
    return surrogate(f, mu, logvar, epsilon) / len(mu)


WRONG = {
    check_surrogate: [
        (lambda *a: surrogate(*a, f_rests=False), "f keeps its path"),
        (lambda *a: surrogate(*a, z_rests=False), "Inside log q, z still moves"),
        (lambda *a: surrogate(*a, f_rests=False, z_rests=False), "Neither f nor z"),
        (lambda *a: surrogate(*a, half=1.0), "a variance"),
        (lambda *a: -surrogate(*a), "negative"),
        (lambda f, m, v, e: len(e) * surrogate(f, m, v, e), "not their sum"),
        (over_dimensions, "add over the k dimensions"),
        (path, "That is the path"),
        (graphless, "no gradient flows back"),
        (lambda *a: surrogate(*a).detach().numpy(), "a Tensor is wanted"),
        (lambda f, m, v, e: surrogate(f, m, v, e).expand(len(e)), "a single number"),
        (lambda f, m, v, e: surrogate(f, m, v, torch.randn_like(e)), "detach"),
    ],
}
RIGHT = {check_surrogate: [surrogate, surrogate_by_hand, surrogate_by_loops]}
