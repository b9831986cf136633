"""Answers to the exercises on lesson 9: lengths, ways and directions."""

import math

import numpy as np
import torch
from scipy.integrate import quad
from scipy.special import gammainc, gammaln
from scipy.stats import chi, chi2

from course_utils.checks.latent_space import (
    check_analogy,
    check_direction,
    check_great_circles,
    check_scan,
    check_shell,
)


def shell(k, low, high):
    return chi.mean(k), chi.cdf(high, k) - chi.cdf(low, k)


def shell_by_gamma(k, low, high):
    mean = math.sqrt(2) * math.exp(math.lgamma((k + 1) / 2) - math.lgamma(k / 2))
    high, low = (float(gammainc(k / 2, radius**2 / 2)) for radius in (high, low))
    return [np.float32(mean), high - low]


def shell_by_integral(k, low, high):
    """Surface times density, summed over radii."""

    def density(r, power):
        log = (1 - k / 2) * np.log(2) - gammaln(k / 2) + (k - 1) * np.log(r) - r * r / 2
        return r**power * np.exp(log)

    return quad(density, 1e-12, 20, 1)[0], quad(density, low, high, 0)[0]


def scan(mean, scale, std=None, length=None, kl=None):
    std = abs(scale) if std is None else std
    length = np.sqrt((mean**2 + scale**2).sum()) if length is None else length
    right = 0.5 * (mean**2 + scale**2 - 1 - np.log(scale**2)).sum()
    return std, length, right if kl is None else kl


def scan_by_torch(mean, scale):
    mean, std = torch.tensor(mean).float(), torch.tensor(scale).float().abs()
    one = torch.distributions.Normal(mean, std)
    prior = torch.distributions.Normal(torch.zeros_like(mean), torch.ones_like(std))
    kl = torch.distributions.kl_divergence(one, prior).sum()
    return std, torch.cat([mean, std]).norm(), kl


def circles(a, b, t, clip=-1.0, divide=True, bare=False, lengths=True):
    """The great circles, with whatever is to go wrong in them."""
    t, a, b = t[:, None], a[:, None], b[:, None]
    size_a, size_b = (np.linalg.norm(v, axis=-1, keepdims=True) for v in (a, b))
    one, other = a / size_a, b / size_b
    angle = np.arccos(np.clip((one * other).sum(-1, keepdims=True), clip, 1))
    sine = np.sin(angle)
    weights = (np.sin((1 - t) * angle), np.sin(t * angle))
    if divide:
        safe = np.where(sine < 1e-6, 1.0, sine)
        weights = (
            np.where(sine < 1e-6, 1 - t, weights[0] / safe),
            np.where(sine < 1e-6, t, weights[1] / safe),
        )
    if bare:
        return weights[0] * a + weights[1] * b
    length = (1 - t) * size_a + t * size_b if lengths else 1.0
    return length * (weights[0] * one + weights[1] * other)


def circles_by_turning(a, b, t):
    """One pair at a time, in the plane of start and the way across, in float32."""
    ways = []
    for start, end in zip(
        torch.tensor(a).float(), torch.tensor(b).float(), strict=True
    ):
        first, last = start / start.norm(), end / end.norm()
        across = last - (first @ last) * first
        angle = torch.atan2(across.norm(), first @ last)
        across = across / across.norm().clamp(min=1e-9)
        way = []
        for s in t.tolist():
            length = (1 - s) * start.norm() + s * end.norm()
            way.append(
                length * (torch.cos(s * angle) * first + torch.sin(s * angle) * across)
            )
        ways.append(torch.stack(way))
    return torch.stack(ways)


def unguarded(a, b, t):
    one, other = (v / np.linalg.norm(v, axis=1, keepdims=True) for v in (a, b))
    angle = np.arccos((one * other).sum(1))[:, None, None]
    t, sine = t[:, None], np.sin(angle)
    length = (1 - t) * np.linalg.norm(a, axis=1)[:, None, None]
    length = length + t * np.linalg.norm(b, axis=1)[:, None, None]
    turned = np.sin((1 - t) * angle) * one[:, None] + np.sin(t * angle) * other[:, None]
    return length * turned / sine


def line(a, b, t):
    return (1 - t[:, None]) * a[:, None] + t[:, None] * b[:, None]


def line_at_length(a, b, t):
    z = line(a, b, t)
    return z * (length_of(circles(a, b, t)) / length_of(z))


def chords(a, b, t):
    z = line(a / length_of(a), b / length_of(b), t)
    return z * (length_of(circles(a, b, t)) / length_of(z))


def length_of(v):
    return np.linalg.norm(v, axis=-1, keepdims=True)


def direction(z, labels, start, end):
    a, b = z[labels == start].mean(0), z[labels == end].mean(0)
    u = (b - a) / np.linalg.norm(b - a)
    return u, (z - (a + b) / 2) @ u


def direction_by_torch(z, labels, start, end):
    z, labels = torch.tensor(z).float(), torch.tensor(labels)
    members = torch.stack([labels == start, labels == end]).float()
    a, b = (members @ z) / members.sum(1, keepdim=True)
    u = torch.nn.functional.normalize(b - a, dim=0)
    return u, z @ u - (a @ u + b @ u) / 2


def direction_by_loops(z, labels, start, end):
    means = {}
    for label in (start, end):
        rows = [row for row, its in zip(z, labels, strict=True) if its == label]
        means[label] = [sum(column) / len(rows) for column in zip(*rows, strict=True)]
    way = [e - s for s, e in zip(means[start], means[end], strict=True)]
    size = math.sqrt(sum(w * w for w in way))
    u = [w / size for w in way]
    middle = [(s + e) / 2 for s, e in zip(means[start], means[end], strict=True)]
    places = [
        sum((r - m) * w for r, m, w in zip(row, middle, u, strict=True)) for row in z
    ]
    return [u, places]


def altered(u=lambda u, *a: u, place=lambda p, *a: p):
    """The right direction, or positions, changed."""

    def answer(z, labels, start, end):
        a, b = z[labels == start].mean(0), z[labels == end].mean(0)
        way, places = direction(z, labels, start, end)
        return u(way, z, a, b), place(places, z, way, a, b)

    return answer


def on_shell(z):
    return z * np.sqrt(z.shape[-1]) / np.linalg.norm(z, axis=-1, keepdims=True)


def analogy(one, other, third, reduce=lambda p: p.mean(0), sign=1.0, end=on_shell):
    return end(sign * (reduce(one) - reduce(other)) + reduce(third))


def analogy_by_torch(*sets):
    one, other, third = (torch.tensor(points).float().mean(0) for points in sets)
    z = third.add(one).sub(other)
    return z / z.pow(2).mean().sqrt()


def analogy_by_loops(one, other, third):
    z = np.zeros(one.shape[1])
    for share, points in ((1, one), (-1, other), (1, third)):
        for point in points:
            z += share * point / len(points)
    return list(z * math.sqrt(len(z) / (z @ z)))


WRONG = {
    check_shell: [
        (lambda k, *r: (k**0.5, shell(k, *r)[1]), "root of the mean square"),
        (lambda k, *r: (k, shell(k, *r)[1]), "squared"),
        (lambda k, a, b: (chi.mean(k), chi.cdf(b, k)), "Below low"),
        (lambda k, a, b: (chi.mean(k), 1 - shell(k, a, b)[1]), "outside"),
        (lambda k, a, b: (chi.mean(k), np.ptp(chi2.cdf([a, b], k))), "squares of"),
        (lambda k, a, b: (chi.mean(k), np.diff(chi.pdf([a, b], k))[0]), "densities"),
        (lambda k, a, b: (chi.mean(k), -shell(k, a, b)[1]), "not negative"),
        (lambda *r: shell(*r)[1], "2 values"),
    ],
    check_scan: [
        (lambda m, s: scan(m, s, std=s), "negative standard deviation"),
        (lambda m, s: scan(m, s, std=s**2), "variance"),
        (lambda m, s: scan(m, s, length=(m**2 + s**2).sum()), "has a root"),
        (lambda m, s: scan(m, s, length=(m**2 + s**2).mean() ** 0.5), "Coordinates"),
        (lambda m, s: scan(m, s, length=(s**2).sum() ** 0.5), "means count"),
        (lambda m, s: scan(m, s, length=np.linalg.norm(m)), "noise counts"),
        (lambda m, s: scan(m, s, length=np.linalg.norm(m + s)), "squares do"),
        (lambda m, s: scan(m, s, kl=2 * scan(m, s)[2]), "factor"),
        (
            lambda m, s: scan(
                m, s, kl=0.5 * ((m**2 + 1) / s**2 - 1 + np.log(s**2)).sum()
            ),
            "averaged over",
        ),
        (lambda m, s: scan(m, s, kl=scan(m, s)[2] / len(m)), "that is their mean"),
        (
            lambda m, s: scan(m, s, kl=(0.5 * (m**2 + s**2 - 1) - np.log(s)).sum()),
            "came nan",
        ),
        (
            lambda m, s: scan(m, s, kl=0.5 * (m**2 + s**2 - 1 - np.log(abs(s))).sum()),
            "half of log",
        ),
        (
            lambda m, s: scan(m, s, kl=0.5 * (m**2 + s**2 - np.log(s**2)).sum()),
            "to itself",
        ),
    ],
    check_great_circles: [
        (line, "straight line. How long"),
        (line_at_length, "straight line's directions"),
        (lambda *a: on_shell(line(*a)), "put back on the shell"),
        (chords, "constant rate"),
        (lambda *a: circles(*a, divide=False), "division is missing"),
        (lambda *a: circles(*a, clip=0.0), "over 90 degrees"),
        (lambda *a: circles(*a, bare=True), "change linearly"),
        (lambda *a: on_shell(circles(*a)), "their own lengths"),
        (lambda *a: circles(*a, lengths=False), "What are the lengths"),
        (lambda a, b, t: circles(b, a, t), "t = 1 at b"),
        (lambda *a: circles(*a).swapaxes(0, 1), "Pairs first"),
        (unguarded, "came nan"),
        (lambda *a: circles(*a)[0], "without a turn"),
    ],
    check_direction: [
        (altered(u=lambda u, *a: -u), "points back"),
        (altered(u=lambda u, z, a, b: b - a), "length one"),
        (altered(u=lambda u, z, a, b: on_shell(u)), "not that of the shell"),
        (
            altered(u=lambda u, z, a, b: (b - z.mean(0)) / length_of(b - z.mean(0))),
            "all else stays out",
        ),
        (altered(place=lambda p, z, u, a, b: z @ u), "not at the origin"),
        (altered(place=lambda p, z, u, a, b: (z - a) @ u), "not at the first"),
        (altered(place=lambda p, z, u, a, b: (z - z.mean(0)) @ u), "do not count"),
        (altered(place=lambda p, z, u, a, b: p * length_of(b - a)), "unit vector"),
        (altered(place=lambda p, *a: p[:, None]), "an array of shape (35, 1)"),
        (lambda *a: direction(*a)[0], "2 values"),
    ],
    check_analogy: [
        (lambda *s: analogy(*s, end=lambda z: z), "A mean is short"),
        (lambda *s: analogy(*s, end=lambda z: z / length_of(z)), "How far out"),
        (lambda *s: analogy(*s, end=lambda z: 10 * z / length_of(z)), "depends on k"),
        (lambda *s: analogy(*s, sign=-1.0), "has the property"),
        (lambda *s: analogy(*map(on_shell, s)), "averaged as they are"),
        (lambda *s: analogy(*s, reduce=lambda p: on_shell(p.mean(0))), "and once"),
        (lambda *s: analogy(*s, reduce=lambda p: p[0]), "Single points"),
        (lambda *s: analogy(*s, reduce=lambda p: p.sum(0)), "not sums"),
        (lambda *s: analogy(*s, sign=0.0), "nothing added"),
    ],
}
RIGHT = {
    check_shell: [shell, shell_by_gamma, shell_by_integral],
    check_scan: [scan, scan_by_torch],
    check_great_circles: [circles, circles_by_turning],
    check_direction: [direction, direction_by_torch, direction_by_loops],
    check_analogy: [analogy, analogy_by_torch, analogy_by_loops],
}
