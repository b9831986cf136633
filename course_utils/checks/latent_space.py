"""Checks of the exercises on lesson 9: lengths, ways and directions."""

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.stats import chi, chi2

from course_utils.checks.asking import asking
from course_utils.data.latent import great_circle, to_shell
from course_utils.exact import divergences


def check_shell(shell: Any, seed: int | None = None) -> None:
    """Mean length and share in a shell of the prior, against the chi distribution.

    Args:
        shell: of k, and two lengths low < high, to the mean of |z| and the share of
            the prior between them.
        seed: of the lengths.
    """
    hint = "The lesson has a distribution that |z| itself follows."
    with asking(shell, "shell", hint, seed) as ask:
        for k in (2, 1, 10, 100):
            low, high = (
                ask.rng.uniform(*chi.ppf(p, k)) for p in ((0.1, 0.4), (0.6, 1 - 1e-3))
            )
            tried = f"k = {k}, low = {low:.3g}, high = {high:.3g}"
            answer = ask.call(tried, k, low, high)
            mean, share = ask.parts("Mean and share", answer, 2)
            ask.close(
                f"the mean of |z| ({tried})",
                mean,
                chi.mean(k),
                slips={
                    "That is the root of the mean square, and a little more.": k**0.5,
                    "That is the mean of |z| squared.": k,
                },
            )
            cumulative = chi.cdf([low, high], k)
            right = np.diff(cumulative)[0]
            ask.close(
                f"the share ({tried})",
                share,
                right,
                slips={
                    "Below low lies a part of the prior, too.": cumulative[1],
                    "That is what lies outside.": 1 - right,
                    "Are low and high lengths, or squares of lengths?": np.diff(
                        chi2.cdf([low, high], k)
                    )[0],
                    "That is a difference of densities.": np.diff(
                        chi.pdf([low, high], k)
                    )[0],
                    "A share is not negative.": -right,
                },
            )


def check_scan(scan: Any, seed: int | None = None) -> None:
    """The law of scaled noise, against `exact.kl_to_standard_normal`.

    Args:
        scan: of mean (k,) and scale (k,), of both signs, to the standard deviations
            (k,), the root mean square of |z|, and the KL to the prior in nats.
        seed: of means and scales.
    """
    hint = "Which density has mean + scale * epsilon, if scale is negative?"
    with asking(scan, "scan", hint, seed) as ask:
        for k in (3, 1, 100):
            mean = ask.rng.normal(size=k)
            scale = ask.rng.uniform(0.3, 2, k) * np.where(np.arange(k) % 2, 1, -1)
            tried = f"k = {k}, scales of both signs" if k > 1 else "k = 1, scale < 0"
            answer = ask.call(tried, mean, scale)
            std, length, kl = ask.parts("Deviations, length and KL", answer, 3)
            slips = {
                "Is there a negative standard deviation?": scale,
                "That is a variance.": scale**2,
            }
            ask.close(f"the deviations ({tried})", std, abs(scale), slips=slips)
            square = (mean**2 + scale**2).sum()
            slips = {
                "That is a mean square: a length has a root.": square,
                "Coordinates add up: that is their mean.": (square / k) ** 0.5,
                "The means count as well.": (scale**2).sum() ** 0.5,
                "The noise counts as well.": (mean**2).sum() ** 0.5,
                "Means and deviations do not add; their squares do.": (
                    ((mean + scale) ** 2).sum() ** 0.5
                ),
                "That is the prior's length.": k**0.5,
            }
            ask.close(f"the length ({tried})", length, square**0.5, slips=slips)
            right = divergences.kl_to_standard_normal(mean, 2 * np.log(abs(scale)))
            back = divergences.gaussian_kl(0 * mean, np.eye(k), mean, np.diag(scale**2))
            slips = {
                "A factor is missing in front.": 2 * right,
                "Which of the two laws is averaged over?": back,
                "Independent coordinates add up: that is their mean.": right / k,
                "What is the KL of the prior to itself? Try yours.": right + k / 2,
                "log(scale) is half of log(scale**2).": (
                    right + np.log(abs(scale)).sum() / 2
                ),
            }
            ask.close(f"the KL ({tried})", kl, right, slips=slips)


def check_great_circles(great_circles: Any, seed: int | None = None) -> None:
    """Many great circles at once, against `latent.great_circle` for each.

    Args:
        great_circles: of a (rows, k), b (rows, k) and t (steps,), to points
            (rows, steps, k).
        seed: of the pairs.
    """
    hint = (
        "Each pair has its angle, between directions. And without a turn, what divides?"
    )
    with asking(great_circles, "great_circles", hint, seed) as ask:
        for rows, k, steps, parallel in ((3, 4, 5, 0), (1, 100, 3, 0), (4, 3, 6, 1)):
            a, b = _pairs(ask.rng, rows, k)
            if parallel:
                a[-1], b[-1] = 2 * np.eye(k)[0], 3 * np.eye(k)[0]
            t = np.linspace(0, 1, steps)
            tried = f"a and b {rows} by {k}, {steps} steps"
            tried += ", one pair of the same direction" * parallel
            ask.close(
                f"the points ({tried})",
                ask.call(tried, a, b, t),
                np.stack([great_circle(*pair, t) for pair in zip(a, b, strict=True)]),
                slips=_not_quite_circles(a, b, t),
            )


def check_direction(direction: Any, seed: int | None = None) -> None:
    """From one class mean to another, and where all points lie along that way.

    Args:
        direction: of z (rows, k), labels (rows,), and two labels, to a unit vector (k,)
            and a position for each row (rows,).
        seed: of the points.
    """
    hint = "Two means, their difference, its length; and a middle to measure from."
    with asking(direction, "direction", hint, seed) as ask:
        for k, start, end in ((3, 0, 1), (10, 2, 0)):
            labels = ask.rng.permutation(np.repeat([0, 1, 2], (7, 11, 17)))
            z = ask.rng.normal(size=(3, k))[labels] + ask.rng.normal(size=(35, k))
            a, b = (z[labels == label].mean(0) for label in (start, end))
            sums = z[labels == end].sum(0) - z[labels == start].sum(0)
            way, rest, middle = b - a, z[labels != end].mean(0), (a + b) / 2
            both = z[(labels == start) | (labels == end)].mean(0)
            tried = f"{len(z)} points, k = {k}, from class {start} to class {end}"
            answer = ask.call(tried, z, labels, start, end)
            found, places = ask.parts("Direction and positions", answer, 2)
            u = _unit(way)
            slips = {
                "From the first label to the second: yours points back.": -u,
                "A direction has length one.": way,
                "Classes differ in size: take means.": _unit(sums),
                "From one class mean to the other; all else stays out of it.": (
                    _unit(b - rest)
                ),
                "Length one, not that of the shell.": to_shell(u),
            }
            ask.close(f"the direction ({tried})", found, u, slips=slips)
            halfway = "Zero is halfway between the two means, "
            slips = {
                halfway + "not at the origin.": z @ u,
                halfway + "not at the first.": (z - a) @ u,
                halfway + "and other classes do not count.": (z - z.mean(0)) @ u,
                halfway + "whatever the classes' sizes.": (z - both) @ u,
                "Positions are distances: use the unit vector.": (z - middle) @ way,
            }
            right = (z - middle) @ u
            ask.close(f"the positions ({tried})", places, right, slips=slips)


def check_analogy(analogy: Any, seed: int | None = None) -> None:
    """Arithmetic with averages, ending on the shell.

    Args:
        analogy: of three sets of points with k columns: with a property in one class,
            without it in that class, without it in another one; to a point (k,).
        seed: of the points.
    """
    hint = "Average each set, go from the second mean to the first, begin at the third."
    with asking(analogy, "analogy", hint, seed) as ask:
        for k, counts in ((4, (5, 8, 3)), (100, (10, 10, 10)), (2, (1, 1, 1))):
            sets = [
                mean + ask.rng.normal(size=(count, k))
                for mean, count in zip(ask.rng.normal(size=(3, k)), counts, strict=True)
            ]
            one, other, third = (points.mean(0) for points in sets)
            result = one - other + third
            swapped = to_shell(other - one + third)

            def of(change, sets=sets):
                a, b, c = map(change, sets)
                return to_shell(a - b + c)

            tried = f"sets of {counts} points, k = {k}"
            ask.close(
                f"the point ({tried})",
                ask.call(tried, *sets),
                to_shell(result),
                slips={
                    "How long is your point? A mean is short.": result,
                    "Its direction is right. How far out is the shell?": _unit(result),
                    "The shell's radius depends on k.": 10 * _unit(result),
                    "Which of the first two sets has the property?": swapped,
                    "Back on the shell comes last, and once.": of(
                        lambda points: to_shell(points.mean(0))
                    ),
                    "Points are averaged as they are. Back on the shell comes last.": (
                        of(lambda points: to_shell(points).mean(0))
                    ),
                    "Single points are unstable: average the whole set.": of(
                        lambda points: points[0]
                    ),
                    "The sets differ in size: means, not sums.": of(
                        lambda points: points.sum(0)
                    ),
                    "There was nothing added to it.": to_shell(third),
                },
            )


def _unit(vector: npt.NDArray) -> npt.NDArray:
    return vector / np.linalg.norm(vector, axis=-1, keepdims=True)


def _pairs(rng: np.random.Generator, rows: int, k: int) -> tuple[npt.NDArray, ...]:
    """Pairs of different lengths, at angles up to 150 degrees, half of them obtuse."""
    a = _unit(rng.normal(size=(rows, k)))
    b = rng.normal(size=(rows, k))
    across = _unit(b - (a * b).sum(1, keepdims=True) * a)
    angle = rng.uniform(0.3, 1.2, (rows, 1)) + 1.4 * (np.arange(rows)[:, None] % 2)
    b = np.cos(angle) * a + np.sin(angle) * across
    return tuple(v * rng.uniform(1, 4, (rows, 1)) for v in (a, b))


def _not_quite_circles(
    a: npt.NDArray, b: npt.NDArray, t: npt.NDArray
) -> dict[str, npt.NDArray]:
    """What usual mistakes give, by hint."""
    t, a, b = t[:, None], a[:, None], b[:, None]
    lengths = [np.linalg.norm(v, axis=-1, keepdims=True) for v in (a, b)]
    length = (1 - t) * lengths[0] + t * lengths[1]
    cosine = (_unit(a) * _unit(b)).sum(-1, keepdims=True)

    def turned(a, b, cosine, divide=True):
        angle = np.arccos(np.clip(cosine, -1, 1 - 1e-12))
        sines = np.sin((1 - t) * angle) * a + np.sin(t * angle) * b
        return sines / np.sin(angle) if divide else sines

    right = length * turned(_unit(a), _unit(b), cosine)
    line = (1 - t) * a + t * b
    chord = (1 - t) * _unit(a) + t * _unit(b)
    return {
        "That is the straight line. How long is z halfway?": line,
        "Right lengths, but the straight line's directions.": length * _unit(line),
        "That is the straight line, put back on the shell.": to_shell(line),
        "It stays on the circle, but does it turn at a constant rate?": (
            length * _unit(chord)
        ),
        "Is the point at t = 0 the start? A division is missing.": (
            length * turned(_unit(a), _unit(b), cosine, divide=False)
        ),
        "Some angles are over 90 degrees: what may a cosine be?": (
            length * turned(_unit(a), _unit(b), np.clip(cosine, 0, 1))
        ),
        "The lengths of a and b differ: let the length change linearly.": (
            turned(a, b, cosine)
        ),
        "a and b need not lie on the shell: keep their own lengths.": to_shell(right),
        "Directions have been found. What are the lengths?": right / length,
        "t = 0 is at a, and t = 1 at b.": right[:, ::-1],
        "Pairs first, then steps.": right.swapaxes(0, 1),
        "The angle is one between directions: it must not depend on lengths.": (
            turned(a, b, (a * b).sum(-1, keepdims=True))
        ),
    }
