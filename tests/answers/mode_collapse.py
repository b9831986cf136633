"""Answers to the exercises on lesson 6: modes, counted."""

import math

import numpy as np
import torch
from scipy.spatial import KDTree
from scipy.special import xlogy

from course_utils.checks.mode_collapse import (
    check_coverage,
    check_dimensions,
    check_reverse_kl,
    check_samples_to_see,
)


def kl(counts):
    shares = counts / counts.sum()
    return math.log(len(counts)) + xlogy(shares, shares).sum()


def kl_by_loops(counts):
    total = 0.0
    for count in counts:
        share = count / sum(counts)
        total += share * math.log(len(counts) * share) if count else 0.0
    return np.float32(total)


def kl_by_torch(counts):
    shares = torch.tensor(counts[counts > 0] / counts.sum(), dtype=torch.float32)
    return (shares * (shares * len(counts)).log()).sum()


def kl_swapped(counts):
    shares = (counts + 1e-12) / counts.sum()
    return -np.log(len(counts) * shares).mean()


def kl_of_counts(counts):
    there = counts[counts > 0]
    return (there * np.log(len(counts) * there)).sum()


def kl_of_found_modes(counts):
    return kl(counts[counts > 0])


def coverage(samples, modes, sigma, radius=3.0):
    distances = np.linalg.norm(samples[:, None] - modes, axis=2)
    inside = distances.min(1) < radius * sigma
    return len(set(distances.argmin(1)[inside])), inside.mean()


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


def coverage_in_float32(samples, modes, sigma):
    distances = torch.cdist(
        torch.tensor(samples).float(),
        torch.tensor(modes).float(),
        compute_mode=NO_TRICK,
    )
    near, which = distances.min(1)
    good = near < 3 * sigma
    return torch.tensor(len(which[good].unique())), good.float().mean()


NO_TRICK = "donot_use_mm_for_euclid_dist"


def coverage_of_all_near(samples, modes, sigma):
    near = np.linalg.norm(samples[:, None] - modes, axis=2) < 3 * sigma
    return near.any(0).sum(), near.any(1).mean()


def coverage_counted_twice(samples, modes, sigma):
    near = np.linalg.norm(samples[:, None] - modes, axis=2) < 3 * sigma
    return near.any(0).sum(), near.sum() / len(samples)


def coverage_in_squares(samples, modes, sigma):
    near = (np.abs(samples[:, None] - modes) < 3 * sigma).all(2)
    return near.any(0).sum(), near.any(1).mean()


def coverage_with_strays(samples, modes, sigma):
    nearest = np.linalg.norm(samples[:, None] - modes, axis=2).argmin(1)
    return len(set(nearest)), coverage(samples, modes, sigma)[1]


def coverage_of_squared(samples, modes, sigma):
    squared = ((samples[:, None] - modes) ** 2).sum(2)
    inside = squared.min(1) < 3 * sigma
    return len(set(squared.argmin(1)[inside])), inside.mean()


WRONG = {
    check_reverse_kl: [
        (lambda c: math.log(len(c)) - kl(c), "entropy of the shares"),
        (lambda c: kl(c) / len(c), "no mean"),
        (lambda c: kl(c) / math.log(2), "natural logarithm"),
        (lambda c: kl(c) - math.log(len(c)), "equal ones: 1 / K"),
        (lambda c: -kl(c), "never negative"),
        (kl_swapped, "samples come first"),
        (kl_of_counts, "Divide first"),
        (kl_of_found_modes, "what is K"),
        (lambda c: (c / c.sum() * np.log(len(c) * c / c.sum())).sum(), "came nan"),
    ],
    check_coverage: [
        (lambda *a: coverage(*a, radius=1), "How many are meant"),
        (coverage_of_all_near, "belongs to one mode"),
        (coverage_counted_twice, "Count a sample once"),
        (coverage_in_squares, "makes a square"),
        (coverage_with_strays, "with strays only"),
        (coverage_of_squared, "one of yours is squared"),
        (lambda *a: (coverage(*a)[0], coverage(*a)[1] * len(a[0])), "of all samples"),
        (lambda *a: (coverage(*a)[0], 1 - coverage(*a)[1]), "all the others"),
        (lambda *a: coverage(*a)[::-1], "Which mode is nearest"),
        (lambda *a: coverage(*a)[1], "2 values"),
    ],
    check_dimensions: [
        (9, "more than half"),
        (2, "more than half"),
        (11, "not the least"),
        (9.5, "no number of dimensions"),
        (0, "no number of dimensions"),
    ],
    check_samples_to_see: [
        (2_500, "fewer than three"),
        (951, "one standard deviation"),
        (5_339, "The floor is a mean"),
        (1_780, "as large as the floor"),
        (1_978, "natural logarithm"),
        (100_000, "more than three"),
    ],
}
RIGHT = {
    check_reverse_kl: [kl, kl_by_loops, kl_by_torch],
    check_coverage: [
        coverage,
        coverage_by_loops,
        coverage_by_tree,
        coverage_in_float32,
    ],
    check_dimensions: [10, np.float32(10)],
    check_samples_to_see: [2_854, 2_900.0, np.float64(2_800)],
}
