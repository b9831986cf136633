"""Answers to the exercises on lesson 2, but for the one in PyTorch."""

import math

import numpy as np
from scipy import stats

from course_utils.checks.reparameterization import (
    check_crossing_frequency,
    check_leave_one_out,
    check_mixture_path,
    check_path_estimates,
    check_score_estimates,
)


def score(f, mu, sigma, n, rng, factor=1.0, c=0.0):
    epsilon = rng.standard_normal(n)
    return factor * (f(mu + sigma * epsilon) - c) * epsilon / sigma


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


def with_wide_z(f, mu, sigma, n, rng):
    epsilon = rng.standard_normal(n)
    return f(mu + sigma**2 * epsilon) * epsilon / sigma


def with_bare_noise(f, mu, sigma, n, rng):
    epsilon = rng.standard_normal(n)
    return f(epsilon) * epsilon / sigma


def with_best_baseline(f, mu, sigma, n, rng):
    epsilon = rng.standard_normal(1_000_000)
    c = (f(mu + sigma * epsilon) * epsilon**2).mean()
    return score(f, mu, sigma, n, rng, c=c)


def by_differences(f, mu, sigma, n, rng):
    z = rng.normal(mu, sigma, n)
    return (f(z + 1e-4) - f(z - 1e-4)) / 2e-4


def path(slope, mu, logvar, n, rng, power=0.5, factor=lambda sigma: sigma / 2):
    sigma, epsilon = math.exp(power * logvar), rng.standard_normal(n)
    pull = slope(mu + sigma * epsilon)
    return pull, factor(sigma) * pull * epsilon


def path_by_loops(slope, mu, logvar, n, rng):
    sigma, pairs = math.sqrt(math.exp(logvar)), []
    for _ in range(n):
        z = rng.normal(mu, sigma)
        pairs.append((slope(z), slope(z) * (z - mu) / 2))
    in_mu, in_logvar = zip(*pairs, strict=True)
    return [in_mu, in_logvar]


def path_in_float32(*arguments):
    return tuple(array.astype(np.float32) for array in path(*arguments))


def with_factor(factor):
    return lambda *arguments: path(*arguments, factor=factor)


def path_at_bare_noise(slope, mu, logvar, n, rng):
    epsilon = rng.standard_normal(n)
    pull = slope(epsilon)
    return pull, pull * epsilon * math.exp(logvar / 2) / 2


def path_without_noise(slope, mu, logvar, n, rng):
    pull, _ = path(slope, mu, logvar, n, rng)
    return pull, pull * math.exp(logvar / 2) / 2


def leave_one_out(f, scores):
    others = (f.sum(0) - f) / (len(f) - 1)
    return ((f - others) * scores).mean(0)


def leave_one_out_by_loops(f, scores):
    k, rows = f.shape
    if k == 2:
        return 0.5 * (f[0] - f[1]) * (scores[0] - scores[1])
    result = np.zeros(rows, np.float32)
    for row in range(rows):
        for i in range(k):
            baseline = np.delete(f[:, row], i).mean()
            result[row] += (f[i, row] - baseline) * scores[i, row] / k
    return result


def leave_one_out_by_matrices(f, scores):
    k = len(f)
    centring = (np.eye(k) - (1 - np.eye(k)) / (k - 1)) / k
    return np.einsum("ij,jr,ir->r", centring, f, scores)


def mixture(z, weight, mu, sigma):
    components = stats.norm(mu, sigma)
    cdf, pdf = components.cdf(z[:, None]), components.pdf(z[:, None])
    return (cdf[:, 1] - cdf[:, 0]) / (weight * pdf[:, 0] + (1 - weight) * pdf[:, 1])


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


def densities(z, mu, sigma):
    return stats.norm(mu, sigma).pdf(z[:, None]).T


def mixture_of_densities(z, weight, mu, sigma):
    first, second = densities(z, mu, sigma)
    return (second - first) / (weight * first + (1 - weight) * second)


def mixture_not_weighed(z, weight, mu, sigma):
    first, second = densities(z, mu, sigma)
    cdf = stats.norm(mu, sigma).cdf(z[:, None])
    return (cdf[:, 1] - cdf[:, 0]) / (first + second)


def mixture_not_divided(z, weight, mu, sigma):
    cdf = stats.norm(mu, sigma).cdf(z[:, None])
    return cdf[:, 1] - cdf[:, 0]


WRONG = {
    check_score_estimates: [
        (lambda f, m, s, n, r: score(f, m, s, n, r, s), "One sigma too many in z"),
        (lambda f, m, s, n, r: score(f, m, s, n, r, 1 / s), "too many below the score"),
        (lambda f, m, s, n, r: score(f, m, s, n, r, s**2), "How wide is q"),
        (lambda f, m, s, n, r: score(f, m, s, n, r, -1), "likelier"),
        (lambda f, m, s, n, r: f(r.normal(m, s, n)), "Where is the score"),
        (with_wide_z, "One sigma too many in z"),
        (with_bare_noise, "must meet at the same z"),
        (with_best_baseline, "leave it for later"),
        (by_differences, "quiet as the path"),
        (lambda f, m, s, n, r: [score(f, m, s, 10**6, r).mean()] * n, "one by one"),
        (lambda *a: score(*a).mean(), "a single number"),
        (with_generator(score, 0), "different seeds gave the same"),
        (with_generator(score, None), "one seed gave different"),
    ],
    check_path_estimates: [
        (with_factor(lambda sigma: 1), "slope in sigma"),
        (with_factor(lambda sigma: sigma), "the half comes down"),
        (with_factor(lambda sigma: 0.5), "survive"),
        (with_factor(lambda sigma: sigma**2), "logarithm of a variance"),
        (lambda *a: path(*a, power=1.0), "logarithm of a variance"),
        (path_at_bare_noise, "not at the bare noise"),
        (path_without_noise, "depends on its epsilon"),
        (lambda s, m, v, *r: [p * math.exp(v / 2) for p in path(s, m, v, *r)], "say"),
        (lambda *a: path(*a)[0], "2 values"),
        (with_generator(path, 0), "different seeds gave the same"),
        (with_generator(path, None), "one seed gave different"),
    ],
    check_leave_one_out: [
        (lambda f, s: ((f - f.mean(0)) * s).mean(0), "has seen the draw itself"),
        (lambda f, s: len(f) * leave_one_out(f, s), "not their sum"),
        (lambda f, s: (f * s).mean(0), "Nothing has been subtracted"),
        (lambda f, s: ((f - f.mean(1)[:, None]) * s).mean(0), "not other rows"),
        (lambda f, s: (f - f.mean(0)).mean(0) * s.mean(0), "the same draw"),
        (lambda f, s: leave_one_out(f, s).mean(), "a single number"),
        (
            lambda f, s: ((f - f.sum(0) / (len(f) - 1)) * s).mean(0),
            "the same draw",
        ),
    ],
    check_mixture_path: [
        (lambda *a: -mixture(*a), "the other sign"),
        (mixture_not_divided, "That slope is missing"),
        (mixture_of_densities, "pdf a density"),
        (mixture_not_weighed, "weigh it"),
        (lambda z, *a: np.zeros_like(z), "must move"),
        (lambda z, weight, *a: mixture(z, 1 - weight, *a), "stays as it is"),
    ],
    check_crossing_frequency: [
        (2.0, "the path still wins"),
        (1.1, "for sigma = 1"),
        (2.5, "too high"),
        (0.0, "the path still wins"),
        (5.0, "too high"),
    ],
}
RIGHT = {
    check_score_estimates: [score, score_by_loops, score_in_float32],
    check_path_estimates: [path, path_by_loops, path_in_float32],
    check_leave_one_out: [
        leave_one_out,
        leave_one_out_by_loops,
        leave_one_out_by_matrices,
    ],
    check_mixture_path: [mixture, mixture_by_loops],
    check_crossing_frequency: [2.218, np.float32(2.22)],
}
