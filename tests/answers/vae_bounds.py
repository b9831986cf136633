"""Answers to the exercises on a tighter bound and on its price, lesson 3."""

import math

import numpy as np
import torch

from course_utils.checks.vae_bounds import (
    check_beta_for_ten_nats,
    check_iwae_bound,
    check_rate_distortion,
)


def bound(log_weights):
    return torch.logsumexp(log_weights, 0) - math.log(len(log_weights))


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


def water(eigenvalues, sigma, beta, squared=True, half=0.5):
    level = beta * sigma ** (2 if squared else 1)
    rate = half * torch.log(eigenvalues / level).clamp(min=0).sum()
    return rate, eigenvalues.clamp(max=level).sum()


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


def without_a_floor(eigenvalues, sigma, beta):
    rate = 0.5 * torch.log(eigenvalues / (beta * sigma**2)).sum()
    return rate, water(eigenvalues, sigma, beta)[1]


def with_distortion(change):
    def answer(eigenvalues, sigma, beta):
        rate, _ = water(eigenvalues, sigma, beta)
        return rate, change(eigenvalues, beta * sigma**2)

    return answer


WRONG = {
    check_iwae_bound: [
        (lambda w: w.mean(0), "is the ELBO"),
        (lambda w: w.logsumexp(0), "log of a sum"),
        (lambda w: bound(w) - math.log(len(w)), "taken twice"),
        (lambda w: bound(w.T), "the first axis"),
        (lambda w: bound(w).mean(), "a batch is averaged later"),
        (lambda w: bound(w).exp(), "Its logarithm is wanted"),
        (lambda w: w.logsumexp(0) / len(w), "becomes a difference"),
        (lambda w: w.max(0).values, "largest weight alone"),
        (lambda w: w.exp().mean(0).log(), "taken out first"),
        (lambda w: (w - w.max()).exp().mean(0).log() + w.max(), "each row's largest"),
        (lambda w: bound(w.detach()), "no gradient flows back"),
        (lambda w: bound(w.detach()).numpy(), "NumPy's do not"),
    ],
    check_rate_distortion: [
        (lambda *a: water(*a, half=1.0), "A factor is missing"),
        (lambda *a: water(*a, squared=False), "sigma squared"),
        (lambda v, s, b: water(v, s, 1.0), "Where is beta"),
        (lambda *a: water(*a, half=0.5 / math.log(2)), "natural logarithms"),
        (lambda *a: water(*a)[::-1], "The order is"),
        (without_a_floor, "negative rate"),
        (with_distortion(lambda v, s: s * len(v)), "its own variance"),
        (with_distortion(lambda v, s: v[v <= s].sum()), "kept have an error"),
        (with_distortion(lambda v, s: s * (v > s).sum()), "dropped have an error"),
        (with_distortion(lambda v, s: v.clamp(max=s).mean()), "not a mean"),
        (lambda *a: water(*a)[0], "2 values"),
    ],
    check_beta_for_ten_nats: [
        (1.0, "the rate is 86"),
        (-3.0, "rewarded"),
        (10.0, "halve"),
        (17.4, "ten bits"),
        (2.55, "sigma squared"),
    ],
}
RIGHT = {
    check_iwae_bound: [bound, bound_by_shift, bound_by_loops],
    check_rate_distortion: [water, water_by_loops, water_by_numpy],
    check_beta_for_ten_nats: [12.75, np.float32(12.8)],
}
