"""The exercises on lesson 10: lengths, ways and directions, and a way back."""

from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from scipy.optimize import brentq
from scipy.stats import chi, chi2, norm
from torch import Tensor, nn

from course_utils.checks.calls import Array
from course_utils.checks.exercise import Exercise
from course_utils.checks.seen import Seen, contents
from course_utils.checks.torch_tools import tensor
from course_utils.data.latent import great_circle, to_shell
from course_utils.exact import divergences


def shell(k: int, low: float, high: float) -> tuple[float, float]:
    """k, two lengths -> the mean of |z|, the share of the prior between them."""
    return chi.mean(k), chi.cdf(high, k) - chi.cdf(low, k)


def _shells(rng, k):
    low, high = (rng.uniform(*chi.ppf(p, k)) for p in ((0.1, 0.4), (0.6, 1 - 1e-3)))
    return f"k = {k}, low = {low:.3g}, high = {high:.3g}", k, low, high


check_shell = Exercise(
    shell,
    "The lesson has a distribution that |z| itself follows.",
    _shells,
    cases=(2, 1, 10, 100),
    gives=("the mean of |z|", "the share"),
    slips={
        "That is the root of the mean square, and a little more.": (
            lambda k, *ends: (k**0.5, shell(k, *ends)[1])
        ),
        "That is the mean of |z| squared.": lambda k, *ends: (k, shell(k, *ends)[1]),
        "Below low lies a part of the prior, too.": (
            lambda k, low, high: shell(k, 0, high)
        ),
        "Are low and high lengths, or squares of lengths?": (
            lambda k, *ends: (chi.mean(k), np.diff(chi2.cdf(ends, k))[0])
        ),
        "That is a difference of densities.": (
            lambda k, *ends: (chi.mean(k), np.diff(chi.pdf(ends, k))[0])
        ),
    },
    changes={
        "That is what lies outside.": lambda mean, share: (mean, 1 - share),
        "A share is not negative.": lambda mean, share: (mean, -share),
    },
)


def scan(mean: Array, scale: Array) -> tuple[Array, float, float]:
    """Mean, scale (k,) -> standard deviations (k,), the root mean square of |z|, KL."""
    kl = divergences.kl_to_standard_normal(mean, 2 * np.log(abs(scale)))
    length = float(np.sqrt((mean**2 + scale**2).sum()))
    return abs(scale), length, float(kl)


def _backwards(mean, scale):
    prior, law = (0 * mean, np.eye(len(mean))), (mean, np.diag(scale**2))
    return *scan(mean, scale)[:2], divergences.gaussian_kl(*prior, *law)


def _scales(rng, k):
    scale = rng.uniform(0.3, 2, k) * np.where(np.arange(k) % 2, 1, -1)
    words = f"k = {k}, scales of both signs" if k > 1 else "k = 1, scale < 0"
    return words, rng.normal(size=k), scale


check_scan = Exercise(
    scan,
    "Which density has z_i? Then add up over coordinates: squares, and KLs.",
    _scales,
    cases=(3, 1, 100),
    gives=("the deviations", "the length", "the KL"),
    slips={
        "Is there a negative standard deviation?": lambda m, s: (s, *scan(m, s)[1:]),
        "Coordinates add up: that is their mean.": (
            lambda m, s: (abs(s), scan(m, s)[1] / len(s) ** 0.5, scan(m, s)[2])
        ),
        "Means and deviations do not add; their squares do.": (
            lambda m, s: (abs(s), np.linalg.norm(m + s), scan(m, s)[2]),
            lambda m, s: (abs(s), np.linalg.norm(m + abs(s)), scan(m, s)[2]),
        ),
        "Which of the two laws is averaged over?": _backwards,
    },
    changes={
        "That is a variance.": lambda std, r, kl: (std**2, r, kl),
        "That is a mean square: a length has a root.": (
            lambda std, r, kl: (std, r**2, kl)
        ),
        "The means count as well.": lambda std, r, kl: (std, np.linalg.norm(std), kl),
        "The noise counts as well.": (
            lambda std, r, kl: (std, np.sqrt(r**2 - std @ std), kl)
        ),
        "That is the prior's length.": lambda std, r, kl: (std, len(std) ** 0.5, kl),
        "A factor is missing in front.": lambda std, r, kl: (std, r, 2 * kl),
        "KLs of independent coordinates add up: that is their mean.": (
            lambda std, r, kl: (std, r, kl / len(std))
        ),
        "What is the KL of the prior to itself? Try yours.": (
            lambda std, r, kl: (std, r, kl + len(std) / 2)
        ),
        "log(scale) is half of log(scale**2).": (
            lambda std, r, kl: (std, r, kl + np.log(std).sum() / 2)
        ),
        "The logarithm of a negative number is nan: of what is it taken?": (
            lambda std, r, kl: (std, r, np.nan)
        ),
    },
)


def great_circles(a: Array, b: Array, t: Array) -> Array:
    """Pairs a, b (rows, k), t (steps,) -> points (rows, steps, k)."""
    return np.stack([great_circle(*pair, t) for pair in zip(a, b, strict=True)])


def _size(vectors):
    return np.linalg.norm(vectors, axis=-1, keepdims=True)


def _unit(vectors):
    return vectors / _size(vectors)


def _line(a, b, t):
    return (1 - t)[:, None] * a[:, None] + t[:, None] * b[:, None]


def _at_length(way, a, b, t):
    """The same directions at the right lengths."""
    return _unit(way) * _line(_size(a), _size(b), t)


def _turned(a, b, t, unit=_unit, least=-1, divide=True):
    """The formula of a great circle, without care."""
    cosine = (unit(a) * unit(b)).sum(-1).clip(least, 1)
    angle, t = np.arccos(cosine)[:, None, None], t[:, None]
    sines = np.sin((1 - t) * angle) * a[:, None] + np.sin(t * angle) * b[:, None]
    return sines / np.sin(angle) if divide else sines


def _directions_turned(a, b, t, **how):
    return _turned(_unit(a), _unit(b), t, **how) * _line(_size(a), _size(b), t)


def _pairs(rng, rows, k, steps, parallel=False):
    """Pairs of different lengths, at angles up to 150 degrees, half of them obtuse."""
    a, b = rng.normal(size=(2, rows, k))
    a = _unit(a)
    across = _unit(b - (a * b).sum(1, keepdims=True) * a)
    angle = rng.uniform(0.3, 1.2, (rows, 1)) + 1.4 * (np.arange(rows)[:, None] % 2)
    b = np.cos(angle) * a + np.sin(angle) * across
    a, b = (v * rng.uniform(1, 4, (rows, 1)) for v in (a, b))
    words = f"a and b {rows} by {k}, {steps} steps"
    if parallel:
        a[-1], b[-1] = 2 * np.eye(k)[0], 3 * np.eye(k)[0]
        words += ", one pair of the same direction"
    return words, a, b, np.linspace(0, 1, steps)


check_great_circles = Exercise(
    great_circles,
    "Look at one pair at t = 0, 1/2 and 1: which direction, and which length?",
    _pairs,
    cases=((3, 4, 5), (1, 100, 3), (4, 3, 6, True)),
    gives="the points",
    slips={
        "That is the straight line. How long is z halfway?": _line,
        "Right lengths, but the straight line's directions.": (
            lambda a, b, t: _at_length(_line(a, b, t), a, b, t)
        ),
        "That is the straight line, put back on the shell.": (
            lambda a, b, t: to_shell(_line(a, b, t))
        ),
        "It stays on the circle, but does it turn at a constant rate?": (
            lambda a, b, t: _at_length(_line(_unit(a), _unit(b), t), a, b, t)
        ),
        "Is the point at t = 0 the start? A division is missing.": (
            partial(_directions_turned, divide=False)
        ),
        "Some angles are over 90 degrees: what may a cosine be?": (
            partial(_directions_turned, least=0)
        ),
        "The lengths of a and b differ: let the length change linearly.": _turned,
        "The angle is one between directions: it must not depend on lengths.": (
            partial(_turned, unit=np.copy),
            partial(_turned, unit=np.copy, least=-np.inf),
        ),
        "Without a turn, 0 is divided by 0: that way is straight.": _directions_turned,
    },
    changes={
        "a and b need not lie on the shell: keep their own lengths.": to_shell,
        "Directions have been found. What are the lengths?": _unit,
        "t = 0 is at a, and t = 1 at b.": lambda points: points[:, ::-1],
        "Pairs first, then steps.": lambda points: points.swapaxes(0, 1),
    },
)


def direction(
    z: Array,
    labels: Array,
    start: int,
    end: int,
    zero: Callable[..., Array | int] = lambda a, b, z: (a.mean(0) + b.mean(0)) / 2,
    way: Callable[..., Array] = lambda a, b, z: _unit(b.mean(0) - a.mean(0)),
) -> tuple[Array, Array]:
    """Points z (rows, k), labels (rows,), two labels -> a direction, positions."""
    a, b = z[labels == start], z[labels == end]
    u = way(a, b, z)
    return u, (z - zero(a, b, z)) @ u


def _classes(rng, k, start, end):
    labels = rng.permutation(np.repeat([0, 1, 2], (7, 11, 17)))
    z = rng.normal(size=(3, k))[labels] + rng.normal(size=(35, k))
    words = f"{len(z)} points, k = {k}, from class {start} to class {end}"
    return words, z, labels, start, end


def _unnormalized(z, labels, *ends):
    """The right direction; positions by a way that is not of length one."""
    u, positions = direction(z, labels, *ends)
    means = [positions[labels == label].mean() for label in ends]
    return u, positions * (means[1] - means[0])


HALFWAY = "Zero is halfway between the two means,"
check_direction = Exercise(
    direction,
    "Two means, their difference, its length; and a middle to measure from.",
    _classes,
    cases=((3, 0, 1), (10, 2, 0)),
    gives=("the direction", "the positions"),
    slips={
        "A direction has length one.": (
            partial(direction, way=lambda a, b, z: b.mean(0) - a.mean(0))
        ),
        "Classes differ in size: take means.": (
            partial(direction, way=lambda a, b, z: _unit(b.sum(0) - a.sum(0)))
        ),
        "From one class mean to the other; all else stays out of it.": (
            partial(direction, way=lambda a, b, z: _unit(b.mean(0) - z.mean(0)))
        ),
        f"{HALFWAY} not at the origin.": partial(direction, zero=lambda a, b, z: 0),
        f"{HALFWAY} not at the first.": (
            partial(direction, zero=lambda a, b, z: a.mean(0))
        ),
        f"{HALFWAY} and other classes do not count.": (
            partial(direction, zero=lambda a, b, z: z.mean(0))
        ),
        f"{HALFWAY} whatever the classes' sizes.": (
            partial(direction, zero=lambda a, b, z: np.concatenate([a, b]).mean(0))
        ),
        "Positions are distances: use the unit vector.": _unnormalized,
    },
    changes={
        "From the first label to the second: yours points back.": (
            lambda u, at: (-u, at)
        ),
        "Length one, not that of the shell.": lambda u, at: (to_shell(u), at),
    },
)


def analogy(
    slanted: Array,
    upright: Array,
    other: Array,
    average: Callable[[Array], Array] = lambda points: points.mean(0),
) -> Array:
    """Three sets (points, k), of any sizes -> a point (k,) on the shell."""
    return to_shell(average(slanted) - average(upright) + average(other))


def _sets(rng, k, *counts):
    sets = [rng.normal(size=k) + rng.normal(size=(count, k)) for count in counts]
    return f"sets of {counts} points, k = {k}", *sets


check_analogy = Exercise(
    analogy,
    "Average each set, go from the second mean to the first, begin at the third.",
    _sets,
    cases=((4, 5, 8, 3), (100, 10, 10, 10), (2, 1, 1, 1)),
    gives="the point",
    slips={
        "How long is your point? A mean is short.": (
            lambda a, b, c: a.mean(0) - b.mean(0) + c.mean(0)
        ),
        "Which of the first two sets has the property?": (
            lambda a, b, c: analogy(b, a, c)
        ),
        "Back on the shell comes last, and once.": (
            partial(analogy, average=lambda points: to_shell(points.mean(0)))
        ),
        "Points are averaged as they are. Back on the shell comes last.": (
            partial(analogy, average=lambda points: to_shell(points).mean(0))
        ),
        "Single points are unstable: average the whole set.": (
            partial(analogy, average=lambda points: points[0])
        ),
        "The sets differ in size: means, not sums.": (
            partial(analogy, average=lambda points: points.sum(0))
        ),
        "There was nothing added to it.": lambda a, b, c: to_shell(c.mean(0)),
    },
    changes={
        "Its direction is right. How far out is the shell?": _unit,
        "The shell's radius depends on k.": lambda point: 10 * _unit(point),
    },
)


class _Generator(nn.Linear):
    """A generator that knows its first weights; gradients may be left in it."""

    def __init__(self, *weights: Array) -> None:
        super().__init__(*weights[0].shape[::-1])
        self.kept = [tensor(values) for values in weights]
        self.load_state_dict(dict(zip(("weight", "bias"), self.kept, strict=True)))

    def has_changed(self) -> bool:
        """Whether one of its weights is another one now."""
        return not all(map(torch.equal, self.parameters(), self.kept))


@contents.register
def _(thing: _Generator) -> Seen:
    return {}


def invert(generator: nn.Linear, x: Tensor, k: int, weight: float) -> Tensor:
    """A generator (rows, k) -> (rows, d), x (rows, d), k, weight -> z (rows, k)."""
    W, error = generator.weight.detach(), x - generator.bias.detach()
    return torch.linalg.solve(W.T @ W + weight * torch.eye(k), W.T @ error.T).T


def _with_weight(change):
    """A mistake in the loss, by the weight to which it amounts."""
    return lambda G, x, k, w: invert(G, x, k, change(w, len(x), k, x.shape[1]))


def _with_the_generator(generator, x, k, weight):
    z = invert(generator, x, k, weight)
    generator.weight.data += 1
    return z


def _to_invert(rng, rows, k, d, has_weight):
    left, _, right = np.linalg.svd(rng.normal(size=(d, k)), False)
    W, b = left * rng.uniform(0.7, 1.4, k) @ right, rng.normal(size=d)
    x = rng.normal(size=(rows, k)) @ W.T + b + 0.5 * rng.normal(size=(rows, d))
    weight = rng.uniform(0.5, 1) * has_weight
    words = f"a linear generator, rows = {rows}, k = {k}, d = {d}"
    return f"{words}, weight = {weight:.3g}", _Generator(W, b), tensor(x), k, weight


check_invert = Exercise(
    invert,
    "At the best z, |G(z) - x|^2 + w |z|^2 has no slope in z. Has it one at yours?",
    _to_invert,
    cases=((1, 2, 5, False), (5, 3, 11, True)),
    gives="z",
    atol=0.01,  # as a descent of some hundred steps may end
    refuse={
        "a Tensor is wanted.": lambda z, *_: not isinstance(z, Tensor),
        "the generator has been changed.": lambda z, G, *_: G.has_changed(),
    },
    slips={
        "Only z may move: give z alone to the optimizer.": _with_the_generator,
        "z has not moved: does it get a gradient, and who calls step()?": (
            lambda G, x, k, w: torch.zeros(len(x), k)
        ),
        "The weight of |z|^2 has no effect.": _with_weight(lambda w, *_: 0.0),
        "A factor 1/2 stands before one of the two terms only.": (
            _with_weight(lambda w, *_: w / 2)
        ),
        "A factor 1/2 stands before the squared error only.": (
            _with_weight(lambda w, *_: 2 * w)
        ),
        "Sums over pixels and over coordinates: one of yours is a mean.": (
            _with_weight(lambda w, rows, k, d: w * d),
            _with_weight(lambda w, rows, k, d: w / k),
            _with_weight(lambda w, rows, k, d: w / k / rows),
        ),
        "Over pixels and over coordinates: sums, not means.": (
            _with_weight(lambda w, rows, k, d: w * d / k)
        ),
        "Each row has its own loss: a mean over rows must hold both terms.": (
            _with_weight(lambda w, rows, k, d: w * rows)
        ),
        "A mean over all pixels of all rows makes the error small.": (
            _with_weight(lambda w, rows, k, d: w * rows * d)
        ),
    },
    changes={"z.detach() is still a tensor.": lambda z: z.numpy()},
)


def _truncated(c):
    """The variance of a standard normal that is drawn again until it is below c."""
    return 1 - 2 * c * norm.pdf(c) / (2 * norm.cdf(c) - 1)


def _clipped(c):
    within = 2 * norm.cdf(c) - 1
    return within * _truncated(c) + (1 - within) * c**2


def half_truncation(
    square: float = 1 / 4, variance: Callable[[float], float] = _truncated
) -> float:
    """A number: the limit of each coordinate at which |z| is half as long."""
    return brentq(lambda c: variance(c) - square, 0.05, 8)


check_half_truncation = Exercise(
    half_truncation,
    "What is the variance of one coordinate to be, and which has a truncated one?",
    rtol=0.01,
    slips={
        "Half the length is not half the variance.": partial(half_truncation, 1 / 2),
        "Half the length: its square has been squared.": (
            partial(half_truncation, 1 / 16)
        ),
        "Those that are too large are drawn again, not set to the limit.": (
            partial(half_truncation, variance=_clipped)
        ),
        "The density between the limits is not quite flat.": lambda: 3**0.5 / 2,
        "That keeps half of the draws. What is their length?": lambda: norm.ppf(0.75),
    },
)
