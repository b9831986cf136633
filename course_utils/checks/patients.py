"""What the bug clinic measures of a program, and the limits of healthy ones.

Each function of measuring asks a program for trainings on data and seeds that it has
not seen, mostly twice, so that its numbers can be held against each other.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from scipy.special import expit, xlog1py, xlogy

from course_utils.checks.calls import Array, Refusal
from course_utils.checks.examination import Ask
from course_utils.checks.torch_tools import tensor
from course_utils.data.mixtures import Mixture, ring_of_gaussians
from course_utils.data.mnist import load_mnist
from course_utils.exact.divergences import kl_to_standard_normal
from course_utils.exact.linear_gaussian import LinearGaussian

Numbers = dict[str, float]
ROWS, SIDE = 1_000, 14


@dataclass(frozen=True)
class Limit:
    """What one number of a healthy program never exceeds, or falls below.

    Attributes:
        what: the number.
        sentence: what is said of a program beyond the limit, with numbers in braces.
        hint: the one that belongs to this symptom.
        least, most: the limit.
    """

    what: str
    sentence: str
    hint: str
    least: float = -np.inf
    most: float = np.inf

    def is_kept(self, numbers: Numbers) -> bool:
        """Whether a program's number stays within."""
        return self.least <= numbers[self.what] <= self.most


@dataclass(frozen=True)
class Patient:
    """What is measured of a program, and within which limits a healthy one stays.

    Attributes:
        measured: the numbers.
        limits: of these numbers, in the order in which they are looked at.
        stops: hints for programs that stop with an error, by words of the error.
    """

    measured: Callable[[Ask], Numbers]
    limits: tuple[Limit, ...]
    stops: Mapping[str, str] = field(default_factory=dict)

    def examine(self, ask: Ask) -> None:
        """Say which is the first limit that is broken."""
        try:
            numbers = self.measured(ask)
        except Refusal as refusal:
            for words, hint in self.stops.items():
                if words in refusal.kind:
                    refusal.hint = hint
            raise
        for limit in self.limits:
            if not limit.is_kept(numbers):
                ask.fail(limit.sentence.format_map(numbers), limit.hint)


def vae_numbers(ask: Ask) -> Numbers:
    """Means of two trainings: kl, gain and bound in nats, and the weight of the KL.

    A hundred digits come twice. How far their pictures are apart shows how much noise
    the decoder turns into picture, F in nats. Where the variance of q is best, F is the
    weight of the KL times the sum of 1 - sigma^2, but for terms of higher order.
    """
    rows = []
    for _ in range(2):
        x = _digits(ask)
        x[900:] = x[:100]
        shapes = {"mu": (ROWS, 2), "logvar": (ROWS, 2), "the pictures": x.shape}
        mu, logvar, back = _trained(ask, "1,000 digits", shapes, tensor(x))
        one, other = back[:100], back[900:]
        middle = (one + other) / 2
        ink = np.clip(middle * (1 - middle), 1e-3, None)
        noise = ((one - other) ** 2 / (2 * ink)).sum(1).mean()
        with np.errstate(over="ignore"):
            kl = kl_to_standard_normal(mu, logvar).mean()
            learnt = np.abs(1 - np.exp(logvar)).sum(1).mean()
        rows.append((kl, _gain(back, x), noise / max(learnt, 1e-9)))
    kl, gain, weight = np.mean(rows, axis=0)
    return {"kl": kl, "gain": gain, "bound": gain - kl, "weight": weight}


def cloud_numbers(ask: Ask) -> Numbers:
    """The middle of three looks: now and then a healthy game has not settled yet."""
    looks = [_cloud_looked_at(ask) for _ in range(3)]
    return {what: float(np.median([look[what] for look in looks])) for what in looks[0]}


def _cloud_looked_at(ask: Ask) -> Numbers:
    """Two trainings of one seed, the second with a long cloud turned by a right angle.

    Three points in a hundred are strays. Distances are those of medians; widths are
    half of the middle 68 %, by the data's. `turned` is 0 if the shape of the samples
    stays as it was, and 1 if it turns as the data's does; `of_z` is the share of the
    samples' variance that the neighbours of before explain.
    """
    place, way = (v / np.hypot(*v) for v in ask.rng.normal(size=(2, 2)))
    turn, seed = ask.rng.uniform(0, np.pi), _seed(ask)
    axes = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    noise = ask.rng.standard_normal((ROWS, 2))
    is_stray = ask.rng.permutation(ROWS)[:, None] < 30
    shapes = {"samples before": (500, 2), "samples after": (500, 2)}
    seen, ratios = [], []
    for widths in (np.array([0.9, 0.3]), np.array([0.3, 0.9])):
        strays = 12 * way + 0.3 * noise
        x = 3 * place + np.where(is_stray, strays, (widths * noise) @ axes)
        answer = ask.call("a long cloud of 1,000 points", tensor(x), seed)
        before, after = ask.arrays(answer, shapes)
        start, end = (np.hypot(*(np.median(s, 0) - 3 * place)) for s in (before, after))
        low, high = np.quantile(after @ axes.T, (0.16, 0.84), axis=0)
        ratios.append(np.log(np.maximum((high - low) / 2, 1e-9) / widths))
        copied = np.isin(after.astype(np.float32), x.astype(np.float32)).mean()
        stayed = (before == after).all(1).mean()
        of_z = _explained_by_neighbours(before, after)
        seen.append((start, end, end / max(start, 1e-9), copied, stayed, -of_z))
    start, end, rest, copied, stayed, not_of_z = np.max(seen, axis=0)
    (long_first, short_first), (short_then, long_then) = ratios
    gained = long_first - short_first - short_then + long_then
    return {
        "start": start,
        "end": end,
        "rest": rest,
        "copied": copied,
        "stayed": stayed,
        "of_z": -not_of_z,
        "width": float(np.exp(np.mean(ratios))),
        "turned": 1 + gained / (2 * np.log(3)),
    }


def _explained_by_neighbours(before: Array, after: Array) -> float:
    """How much of the variance of `after` the three neighbours of `before` tell."""
    distances = ((before[:, None] - before) ** 2).sum(2)
    np.fill_diagonal(distances, np.inf)
    told = after[np.argsort(distances, axis=1)[:, :3]].mean(1)
    return 1 - ((after - told) ** 2).sum() / max(
        ((after - after.mean(0)) ** 2).sum(), 1e-9
    )


def coins_numbers(ask: Ask) -> Numbers:
    """The worst of two trainings of one seed, on bright digits and on dim ones.

    In nats: `first`, a first loss less that of a coin a pixel; `over`, the least loss
    less the least possible; `price`, the larger of both late losses less the
    cross-entropy of the logits, which is about the KL. `apart` is how far the two
    curves are apart.
    """
    seed, seen, curves = _seed(ask), [], []
    for light in (1.0, 0.75):
        x = light * _digits(ask)
        shapes = {"the losses": None, "the logits": x.shape}
        answer = ask.call("1,000 digits", tensor(x), seed)
        losses, logits = ask.arrays(answer, shapes)
        losses, back = _curve(ask, "the losses", losses), expit(logits)
        curves.append(losses)
        loss, least = losses.min(), _cross_entropy(x, x)
        first = losses[0] - x.shape[1] * np.log(2)
        cost = _cross_entropy(np.clip(back, 1e-6, 1 - 1e-6), x)
        price = losses[-30:].mean() - cost
        gain = _cross_entropy(x.mean(0), x) - cost
        seen.append((loss - least, loss, least, gain, first, price))
    bright, dim = sorted(seen)
    return {
        **dict(zip(("over", "loss", "least"), bright[:3], strict=True)),
        "lost": -min(bright[3], dim[3]),
        "first": max(bright[4], dim[4], key=abs),
        "price": max(bright[5], dim[5]),
        "apart": float(np.abs(curves[0][-30:].mean() - curves[1][-30:].mean())),
    }


def autoencoder_numbers(ask: Ask) -> Numbers:
    """The share explained, and what comes back in more directions than eight.

    The last 48 pictures are four, each with twelve tiny changes: of what these change
    in the pictures that come back, eight directions a digit hold all but `rest`.
    """
    x = _digits(ask).reshape(ROWS, SIDE, SIDE)
    noise = ask.rng.standard_normal((48, SIDE, SIDE))
    x[-48:] = np.repeat(x[:4], 12, axis=0) + 1e-4 * noise
    (back,) = _trained(ask, "1,000 digits", {"the pictures": x.shape}, tensor(x))
    digits, come = x[:-48], back[:-48]
    left = ((come - digits) ** 2).sum() / ((digits - digits.mean(0)) ** 2).sum()
    changes = back[-48:].reshape(4, 12, -1)
    changes = changes - changes.mean(1, keepdims=True)
    energy = np.linalg.svd(changes, compute_uv=False) ** 2
    rest = energy[:, 8:].sum() / max(energy.sum(), 1e-12)
    return {"explained": 1 - left, "shown": max(1 - left, 0), "rest": rest}


def ring_numbers(ask: Ask) -> Numbers:
    """Three trainings of one seed: each time six more of 12,000 points are others.

    `kept` is the larger share of samples that six leave as they were to the last digit.
    Who looks at 64 rows only has none of the six 97 times of 100; who draws 19,200 rows
    one by one misses all six once in 15,000. The shares of modes are means.
    """
    ring = ring_of_gaussians(6, radius=2.0, sigma=0.2)
    order, seed = np.roll(np.arange(6), ask.rng.integers(6)), _seed(ask)
    first, other = (_sorted_file(ask, ring, order) for _ in range(2))
    some, samples = ask.rng.permutation(len(first)), []
    for changed in (0, 6, 12):
        x = first.copy()
        x[some[:changed]] = other[some[:changed]]
        answer = ask.call("12,000 points on a ring", tensor(x), seed)
        samples += ask.arrays(answer, {"the samples": (1_000, 2)})
    copied = np.isin(samples[0].astype(np.float32), first.astype(np.float32)).mean()
    shares = np.mean([_shares(s, ring) for s in samples], axis=0)
    return {
        "copied": copied,
        "kept": max((a == b).all(1).mean() for a, b in pairwise(samples)),
        "found": float((shares > 0.01).sum()),
        "least": shares.min(),
        "near": shares.sum(),
    }


def _sorted_file(ask: Ask, ring: Mixture, order: npt.NDArray[np.int64]) -> Array:
    """2,000 points of each mode, one mode after the other, (12000, 2)."""
    means = np.repeat(ring.modes[order], 2_000, axis=0)
    return means + ring.sigma * ask.rng.standard_normal(means.shape)


def _shares(samples: Array, ring: Mixture) -> Array:
    """Which share of samples (n, 2) lies near each mode, (6,)."""
    distance = np.linalg.norm(samples[:, None] - ring.modes, axis=2)
    near = distance.min(1) < 3 * ring.sigma
    return np.bincount(distance.argmin(1)[near], minlength=6) / len(samples)


def judge_numbers(ask: Ask) -> Numbers:
    """Answers twice, in other company, how often they are right, and what they cost.

    `cost` is the mean of -ln p of the right class; `price` counts 3 nats more for each
    wrong answer, which tells programs apart that cost alone does not.

    And `unit`: by how much the probabilities change, as a mean of half the sum of
    absolute changes, if all grey levels, also those of the training, count in another
    unit, 16 times as large. What batch normalization makes of a linear layer has no
    unit, but for its 1e-5 under the root.
    """
    (x, y), (new, truth) = _shipped("train"), _shipped("test")
    rows, some = ask.rng.permutation(len(x))[:2_000], ask.rng.permutation(len(new))
    some = some[:600][np.argsort(truth[some[:600]])]
    x, y, new, truth = x[rows], y[rows], new[some], truth[some]
    seed, place = _seed(ask), ask.rng.permutation(200)

    def odds(words: str, shown: npt.NDArray[np.floating], light: float = 1.0) -> Array:
        data = tensor(light * x), torch.tensor(y), tensor(light * shown)
        answer = ask.call(words, *data, seed)
        (odds,) = ask.arrays(answer, {"the probabilities": (len(shown), 10)})
        if (odds < 0).any() or not np.allclose(odds.sum(1), 1, atol=1e-3):
            ask.fail(
                "the ten probabilities of a digit do not add up to 1.",
                "From ten numbers a row to ten probabilities: which axis adds up to 1?",
            )
        return odds

    answers = odds("600 digits, each twice", np.concatenate([new, new[::-1]]))
    first, second = answers[:600], answers[600:][::-1]
    company = 3 * ask.rng.permutation(new.T).T[:100]
    mixed = np.concatenate([new[::6], company])[place]
    elsewhere = odds("100 digits in odd company", mixed)[np.argsort(place)[:100]]
    scaled = odds("600 digits in another unit", new, light=16)
    right = (first.argmax(1) == truth).mean()
    cost = -np.log(np.maximum(first[range(600), truth], 1e-6)).mean()
    return {
        "twice": np.abs(first - second).max(),
        "changed": (first.argmax(1) != second.argmax(1)).mean(),
        "company": np.abs(elsewhere - first[::6]).max(),
        "right": right,
        "cost": cost,
        "price": cost + 3 * (1 - right),
        "unit": np.abs(scaled - first).sum(1).mean() / 2,
    }


def error_bar_numbers(ask: Ask) -> Numbers:
    """Pulls and widths of two noisy detectors and of two that are not.

    Widths are by the exact posterior's; `off` is the distance of mu from its mean, root
    mean square, in exact error bars.
    """
    pulls, widths, offs = [], [], []
    for noisy in (True, False, True, False):
        size = ask.rng.uniform(1.5, 2) if noisy else ask.rng.uniform(1, 2)
        sigma = size if noisy else size / 2.5
        W, b = ask.rng.normal(size=(4, 1)), ask.rng.normal(size=4)
        model = LinearGaussian(size * W / np.linalg.norm(W), b, sigma)
        x, z = model.sample(2_000, seed=_seed(ask))
        shapes = {"mu": (len(x),), "the standard deviation": (len(x),)}
        mu, std = _trained(ask, "2,000 rows", shapes, tensor(x), float(sigma))
        if (std <= 0).any():
            ask.fail(
                "there are error bars of length zero or less.",
                "How does a standard deviation come from the logarithm of a variance?",
            )
        mu = mu * (np.sign(mu @ z[:, 0]) or 1.0)  # both signs of z fit equally well
        best, variance = model.posterior(x)[0][:, 0], model.posterior(x)[1][0, 0]
        pulls.append(np.sqrt((((mu - z[:, 0]) / std) ** 2).mean()))
        widths.append(std.mean() / np.sqrt(variance))
        offs.append(np.sqrt(((mu - best) ** 2).mean() / variance))
    noisy_width, quiet_width = np.reshape(np.log(widths), (2, 2)).mean(0)
    return {
        "least_pull": min(pulls),
        "pull": np.mean(pulls),
        "width": np.exp((noisy_width + quiet_width) / 2),
        "ratio": np.exp(quiet_width - noisy_width),
        "off": np.mean(offs),
    }


DRAWS, FEW = 32, 40


def density_numbers(ask: Ask) -> Numbers:
    """Claims against fresh points, over rings of many sizes; influence of fresh ones.

    Of 40 points only, each counts for much: one that is held out and a centre as well
    raises its own density even where the width is held up. In nats, means over 32
    rings; `worst` is that of one ring, and `leak` is of ten points.
    """
    claims, gaps, shorts = [], [], []
    for _ in range(DRAWS):
        ring = _ring_of_any_size(ask)
        x, fresh = ring.sample(FEW, _seed(ask)), ring.sample(1_000, _seed(ask))
        scores, got = _density_of(ask, x, fresh, _seed(ask))
        claims.append(np.median(scores[-10:]))
        gaps.append(claims[-1] - got.mean())
        shorts.append(got.mean() - ring.log_prob(fresh).mean())
    return {
        "gap": float(np.mean(gaps)),
        "short": float(np.mean(shorts)),
        "worst": min(shorts),
        **_influence_of_fresh(ask),
        "leak": _leak(ask),
    }


def _influence_of_fresh(ask: Ask) -> Numbers:
    """One training, one seed, but other fresh points; and what it all adds up to."""
    ring, seed = ring_of_gaussians(sigma=0.15), _seed(ask)
    x, shared = ring.sample(FEW, _seed(ask)), ring.sample(20, _seed(ask))
    ticks = (np.arange(80) + 0.5) * 0.075 - 3  # a square that holds all but 1e-4
    grid = np.stack(np.meshgrid(ticks, ticks), axis=-1).reshape(-1, 2)
    one = np.concatenate([shared, ring.sample(500, _seed(ask))])
    other = np.concatenate([shared, ring.sample(500, _seed(ask)), grid])
    scores, first = _density_of(ask, x, one, seed)
    again, second = _density_of(ask, x, other, seed)
    same = scores.shape == again.shape
    return {
        "moved_scores": float(np.abs(scores - again).max()) if same else np.inf,
        "moved_points": np.abs(first[:20] - second[:20]).max(),
        "mass": float(np.exp(np.minimum(second[520:], 99)).sum() * 0.075**2),
    }


def _leak(ask: Ask) -> float:
    """By how much a claim is better than what the points get that are no centres.

    Which of ten points on a lattice are centres, the density itself tells: far out its
    logarithm bends by -1 / width^2, and at the points it is a sum over centres. Zero
    if all are: then each is left out in turn.
    """
    lattice = np.stack(np.meshgrid(np.arange(5), np.arange(2)), axis=-1).reshape(-1, 2)
    x = ask.rng.permutation(lattice + ask.rng.uniform(-0.1, 0.1, lattice.shape))
    far, step = np.array([200, 100]), np.array([50, 25])
    shown = np.concatenate([x, [far - step, far, far + step]])
    scores, got = _density_of(ask, x, shown, _seed(ask))
    logs, bend = got[: len(x)], -np.diff(got[len(x) :], 2)[0] / (step @ step)
    bumps = np.exp(-max(bend, 0) / 2 * ((x[:, None] - x) ** 2).sum(2))
    shares = np.linalg.lstsq(bumps, np.exp(logs - logs.max()))[0]
    others = logs[shares < shares.max() / 2]
    return float(scores[-1] - others.mean()) if len(others) else 0.0


FEATURES, KINDS, REPEATS = 16, ("moved", "narrow", "loose"), 16


def models_numbers(ask: Ask) -> Numbers:
    """Comparisons of a good model with a bad one, by 64 samples and 2,000 or reversed.

    `wrong` is the share of comparisons that the bad one wins or draws. The unit of the
    others is the mean difference between good and bad of the first two kinds, or a
    twentieth of the distances where that is more. `loose` is that of the third kind.
    `level` is by how much few samples of a model of the other kinds lie farther away
    than many of the same one: for good ones or for bad, whichever is worse.
    """
    mix = np.eye(FEATURES) + ask.rng.normal(size=(FEATURES, FEATURES)) / FEATURES**0.5
    real = ask.rng.standard_normal((2_000, FEATURES)) @ mix
    good, bad = np.empty((2, REPEATS, len(KINDS), 2))  # the last: good ones have few
    for place in np.ndindex(good.shape):
        good_have_few = place[2] == 1
        sizes = (64, 2_000) if good_have_few else (2_000, 64)
        models = [
            _features(ask, mix, size, kind)
            for size, kind in zip(sizes, ("real", KINDS[place[1]]), strict=True)
        ]
        good[place], bad[place] = _distances(ask, models, real)
    differences = bad - good
    unit = max(differences[:, :2].mean(), 0.05 * np.abs(good).mean(), 1e-9)
    means = [x[:, :2].mean((0, 1)) for x in (good, bad[..., ::-1])]
    return {
        "wrong": (differences <= 0).mean(),
        "loose": differences[:, 2].mean() / unit,
        "level": max((few - many for many, few in means), key=abs) / unit,
    }


def _features(ask: Ask, mix: Array, count: int, kind: str) -> Array:
    """Of samples, (count, 16), sorted by the first feature as if class by class."""
    x = ask.rng.standard_normal((count, FEATURES)) @ mix
    if kind == "moved":
        x = x + 1 / FEATURES**0.5
    elif kind == "narrow":
        x = 0.8 * x
    elif kind == "loose":  # three features that belong to other samples
        x[:, :3] = ask.rng.permutation(x[:, :3])
    return x[np.argsort(x[:, 0])]


def _distances(ask: Ask, models: list[Array], real: Array) -> list[float]:
    """Of models in this order, asked for in either."""
    way = ask.rng.choice([1, -1])
    first, second = models[::way]
    words = f"{len(first):,} samples and {len(second):,}"
    answer = ask.call(words, first, second, real, _seed(ask))
    (distances,) = ask.arrays(answer, {"the distances": (2,)})
    return distances[::way].tolist()


def _ring_of_any_size(ask: Ask) -> Mixture:
    size = np.exp(ask.rng.uniform(np.log(0.5), np.log(3)))
    return ring_of_gaussians(radius=size, sigma=0.15 * size)


def _density_of(ask: Ask, x: Array, fresh: Array, seed: int) -> list[Array]:
    """The scores of all steps, and the log-densities of fresh points."""
    answer = ask.call(f"{len(x)} points", tensor(x), tensor(fresh), seed)
    shapes = {"the scores": None, "the log-densities of fresh points": (len(fresh),)}
    scores, got = ask.arrays(answer, shapes)
    return [_curve(ask, "the scores", scores), got]


def _trained(
    ask: Ask, words: str, shapes: Mapping[str, tuple[int, ...] | None], *data: Any
) -> list[Array]:
    """What a program makes of data, in words and as such, and of a new seed."""
    return ask.arrays(ask.call(words, *data, _seed(ask)), shapes)


def _seed(ask: Ask) -> int:
    return int(ask.rng.integers(1 << 30))


@cache
def _shipped(split: str) -> tuple[npt.NDArray[np.floating], npt.NDArray[np.int64]]:
    """Digits of 14 by 14 pixels, (n, 196) in [0, 1], and their classes."""
    images = load_mnist(split)
    blocks = images.x.reshape(-1, SIDE, 2, SIDE, 2)
    return blocks.mean((2, 4)).reshape(-1, SIDE**2), images.y


def _digits(ask: Ask) -> Array:
    x, _ = _shipped("train")
    return x[ask.rng.permutation(len(x))[:ROWS]].astype(float)


def _cross_entropy(probability: Array, x: Array) -> float:
    """In nats a picture."""
    nats = xlogy(x, probability) + xlog1py(1 - x, -probability)
    return float(-nats.sum(1).mean())


def _gain(back: Array, x: Array) -> float:
    """By how many nats pictures are nearer to x than the mean picture is."""
    back = np.clip(back, 1e-6, 1 - 1e-6)
    return _cross_entropy(x.mean(0), x) - _cross_entropy(back, x)


def _curve(ask: Ask, what: str, numbers: Array) -> Array:
    if numbers.ndim != 1 or not len(numbers):
        ask.fail(f"{what} are one number for each step, not of shape {numbers.shape}.")
    return numbers
