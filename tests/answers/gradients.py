"""Answers to the exercise on lesson 2 that is in PyTorch."""

import torch

from course_utils.checks.gradients import check_surrogate, surrogate


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


WRONG = {
    check_surrogate: [
        (lambda f, m, v, e: surrogate(f, m, v, e).expand(len(e)), "a single number"),
        (lambda f, m, v, e: surrogate(f, m, v, torch.randn_like(e)), "detach"),
    ],
}
RIGHT = {check_surrogate: [surrogate_by_hand, surrogate_by_loops]}
