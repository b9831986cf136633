"""Answers to the exercises on lesson 2."""

import math

import numpy as np
import torch
from scipy import stats
from scipy.optimize import brentq

from course_utils.checks.reparameterization import (
    check_crossing_frequency,
    check_leave_one_out,
    check_mixture_path,
    check_path_estimates,
    check_score_estimates,
    check_surrogate,
    leave_one_out,
    path_estimates,
    score_estimates,
    surrogate,
)


def with_generator(estimates, seed):
    return lambda *a: estimates(*a[:-1], np.random.default_rng(seed))


def score_by_loops(f, mu, sigma, n, rng):
    values = []
    for _ in range(n):
        z = rng.normal(mu, sigma)
        values.append(f(z) * (z - mu) / sigma**2)
    return values


def score_in_float32(f, mu, sigma, n, rng):
    z = rng.normal(mu, sigma, n).astype(np.float32)
    return (f(z) * (z - np.float32(mu)) / np.float32(sigma) ** 2).astype(np.float32)


def with_baseline_of_the_mean(f, mu, sigma, n, rng):
    values, noise = f(rng.normal(mu, sigma, n)).mean(), rng.standard_normal(n)
    return (f(mu + sigma * noise) - values) * noise / sigma


def path_by_loops(slope, mu, logvar, n, rng):
    sigma, pairs = math.sqrt(math.exp(logvar)), []
    for _ in range(n):
        z = rng.normal(mu, sigma)
        pairs.append((slope(z), slope(z) * (z - mu) / 2))
    in_mu, in_logvar = zip(*pairs, strict=True)
    return [in_mu, in_logvar]


def path_by_torch(slope, mu, logvar, n, rng):
    """With the slopes of z by autograd, in single precision."""
    noise = torch.tensor(rng.standard_normal(n), dtype=torch.float32)
    leaves = [torch.full((n,), float(v), requires_grad=True) for v in (mu, logvar)]
    z = leaves[0] + torch.exp(leaves[1] / 2) * noise
    pull = torch.tensor(slope(z.detach().numpy()))
    return torch.autograd.grad(z, leaves, pull)


def leave_one_out_by_matrices(f, scores):
    k = len(f)
    centring = (np.eye(k) - (1 - np.eye(k)) / (k - 1)) / k
    return np.einsum("ij,jr,ir->r", centring, f, scores)


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


def mixture_by_inversion(z, weight, mu, sigma):
    """Where the level u of each point lies for a slightly other weight."""

    def level(point, first):
        both = stats.norm.cdf(point, mu, sigma)
        return first * both[0] + (1 - first) * both[1]

    def moved(point, first):
        u = level(point, weight)
        ends = point - 1, point + 1
        return brentq(lambda there: level(there, first) - u, *ends, xtol=1e-13)

    step = 1e-5
    ends = [[moved(point, weight + s) for point in z] for s in (-step, step)]
    return np.diff(ends, axis=0)[0] / (2 * step)


def mixture_by_loops(z, weight, mu, sigma):
    """With `erf`, one point after the other, in single precision."""
    result = []
    for point in z:
        t = [(point - m) / s for m, s in zip(mu, sigma, strict=True)]
        low, high = (0.5 * (1 + math.erf(v / math.sqrt(2))) for v in t)
        bells = [math.exp(-v * v / 2) / s for v, s in zip(t, sigma, strict=True)]
        steepness = weight * bells[0] + (1 - weight) * bells[1]
        result.append((high - low) / steepness * math.sqrt(2 * math.pi))
    return np.float32(result)


WRONG = {
    check_score_estimates: [
        (with_baseline_of_the_mean, "for their variance"),
        (lambda *a: score_estimates(*a).mean(), "estimates are wanted one by one"),
        (lambda *a: score_estimates(*a)[1:], "the number of estimates"),
        (with_generator(score_estimates, 0), "nothing has been drawn"),
        (with_generator(score_estimates, None), "nothing has been drawn"),
    ],
    check_path_estimates: [
        (lambda *a: path_estimates(*a)[0], "2 values are wanted"),
        (lambda *a: [part[1:] for part in path_estimates(*a)], "the number of the"),
        (lambda *a: (path_estimates(*a)[0], 1.0), "estimates are wanted one by one"),
        (with_generator(path_estimates, 0), "nothing has been drawn"),
        (with_generator(path_estimates, None), "nothing has been drawn"),
    ],
    check_leave_one_out: [(lambda f, s: leave_one_out(f.T, s.T), "write all three")],
    check_surrogate: [
        (lambda f, m, v, e: surrogate(f, m, v, e).expand(len(e)), "a single number"),
        (lambda f, m, v, e: surrogate(f, m, v, torch.randn_like(e)), "detach"),
    ],
    check_crossing_frequency: [
        (0.0, "Where is the path at its best"),
        (2.5, "A little below"),
    ],
}
RIGHT = {
    check_score_estimates: [score_by_loops, score_in_float32],
    check_path_estimates: [path_by_loops, path_by_torch],
    check_leave_one_out: [leave_one_out_by_matrices],
    check_surrogate: [surrogate_by_hand, surrogate_by_loops],
    check_mixture_path: [mixture_by_inversion, mixture_by_loops],
    check_crossing_frequency: [2.218, np.float32(2.22)],
}
