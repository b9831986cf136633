"""Answers to the exercises on mode collapse: modes, counted, and remedies."""

import copy
import math
import warnings

import numpy as np
import torch
from scipy.spatial import KDTree
from torch.autograd.functional import jacobian

from course_utils.checks.mode_collapse import (
    check_coverage,
    check_dimensions,
    check_pack,
    check_reverse_kl,
    check_running_mean,
    check_samples_to_see,
    check_slope_penalty,
    running_mean,
    slope_penalty,
)


def kl_by_loops(counts):
    total = 0.0
    for count in counts:
        share = count / sum(counts)
        total += share * math.log(len(counts) * share) if count else 0.0
    return np.float32(total)


def kl_by_torch(counts):
    shares = torch.tensor(counts[counts > 0] / counts.sum(), dtype=torch.float32)
    return (shares * (shares * len(counts)).log()).sum()


def coverage_by_loops(samples, modes, sigma):
    counts = [0] * len(modes)
    for x in samples:
        lengths = [math.dist(x, mode) for mode in modes]
        if min(lengths) <= 3 * sigma:
            counts[lengths.index(min(lengths))] += 1
    return sum(count > 0 for count in counts), sum(counts) / len(samples)


def coverage_by_tree(samples, modes, sigma):
    _, nearest = KDTree(modes).query(samples, distance_upper_bound=3 * sigma)
    inside = nearest < len(modes)
    return np.unique(nearest[inside]).size, np.float32(inside.mean())


def pack_by_reshape(x, size):
    return x.reshape(len(x) // size, size * x.shape[1], *x.shape[2:])


def pack_by_slices(x, size):
    return torch.cat([x[start::size] for start in range(size)], dim=1).double()


def mean_by_state(generator, train, steps, decay):
    """Keeps dictionaries, and fills a copy at the end."""
    mean = {name: value.clone() for name, value in generator.state_dict().items()}
    for _ in range(steps):
        train(generator)
        for name, value in generator.state_dict().items():
            mean[name] = mean[name].lerp(value, 1 - decay)
    result = copy.deepcopy(generator)
    result.load_state_dict(mean)
    return result


def mean_by_data(generator, train, steps, decay):
    mean = copy.deepcopy(generator).double()
    for _ in range(steps):
        train(generator)
        for m, w in zip(mean.parameters(), generator.parameters(), strict=True):
            m.data = decay * m.data + (1 - decay) * w.data
    return mean


def shallow(generator, train, steps, decay):
    mean = copy.copy(generator)
    for _ in range(steps):
        train(generator)
    return mean


def penalty_by_jacobian(discriminator, x):
    each = jacobian(lambda rows: discriminator(rows).sum(), x, create_graph=True)
    return torch.linalg.vector_norm(each.flatten(1), dim=1).pow(2).mean()


def penalty_by_loops(discriminator, x):
    total = 0.0
    for row in x:
        one = row[None].clone().requires_grad_()
        (slope,) = torch.autograd.grad(discriminator(one), one, create_graph=True)
        total = total + (slope**2).sum()
    return total / len(x)


def penalty_by_backward(discriminator, x):
    x.requires_grad_()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the cycle that this makes
        discriminator(x).sum().backward(create_graph=True)
    return x.grad.flatten(1).square().sum(1).mean()


WRONG = {
    check_pack: [
        (lambda x, size: x.reshape(size, -1, *x.shape[2:]), "Which axis gets shorter")
    ],
    check_dimensions: [(9.5, "are counted"), (0, "are counted"), (2, "does not fit")],
    check_running_mean: [
        (shallow, "no copy"),
        (lambda *a: dict(running_mean(*a).state_dict()), "numbers are wanted"),
    ],
    check_slope_penalty: [
        (lambda d, x: slope_penalty(d, x).detach(), "keep the gradient's own"),
        (penalty_by_backward, "autograd.grad returns one"),
    ],
    check_samples_to_see: [(1_996, "varies by twice"), (-1, "more than none")],
}
RIGHT = {
    check_reverse_kl: [kl_by_loops, kl_by_torch],
    check_coverage: [coverage_by_loops, coverage_by_tree],
    check_pack: [pack_by_reshape, pack_by_slices],
    check_dimensions: [10, np.float32(10)],
    check_running_mean: [mean_by_state, mean_by_data],
    check_slope_penalty: [penalty_by_jacobian, penalty_by_loops],
    check_samples_to_see: [2_900.0, np.float64(2_800)],
}
