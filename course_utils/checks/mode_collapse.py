"""The exercises on mode collapse: modes, counted, and remedies in PyTorch."""

import copy
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import stats
from scipy.special import rel_entr
from torch import Tensor, nn
from torch.nn.utils import skip_init

from course_utils.checks.calls import Refusal, in_words
from course_utils.checks.examination import Ask, examination
from course_utils.checks.exercise import Exercise
from course_utils.checks.samples import refuse_crowd, room, samples_of
from course_utils.checks.seeds import ask_for_other_seeds
from course_utils.checks.torch_tools import (
    Halved,
    gradients,
    leaf,
    set_weights,
    tensor,
)
from course_utils.data.mixtures import Mixture, ring_of_gaussians
from course_utils.metrics.modes import RADIUS, mode_coverage

MODES = 8  # of the ring
FAVOUR = 1.2  # how often its favourite mode is drawn, for once that another one is
POINTS, SAMPLES = 5_000, 1_000  # in the file; drawn
WIDTH = 0.06  # of a mode, over the radius of the ring
# What a mode must have of the samples, and how many may be astray. Over seeds 0 to 9
# games of 1,500 steps with all remedies had all modes and 0.18 to 0.34 astray, and with
# pairs besides 0.19 to 0.31; averaged weights change this by 0.01. Ten plain ones had
# all modes, nine of them 0.15 to 0.41 astray and one 0.56; another lost all modes. Over
# ten seeds a circle has 0.55 to 0.59, and a normal 0.90 to 0.91; half of the ring has
# four or five modes.
LEAST, ASTRAY = 0.01, 0.42
# How far away the next sample is, over that among perfect ones: these twenty games had
# 0.73 to 1.13, a hundred rows of the file at most 0.012, eight points 0.
LEAST_ROOM = 0.4
PROBES = tensor(np.random.default_rng(0).normal(size=(20, 2)))  # of a mean network
DEVIATIONS = 3  # of the noise, from which on a fault is called seen


def reverse_kl(counts: NDArray) -> float:
    """Counts (K,), some of them zero -> the KL from their shares to equal ones."""
    return stats.entropy(counts, np.ones(len(counts)))


def _counts(rng, found, empty, fewest, most):
    counts = np.r_[rng.integers(fewest, most + 1, found), np.zeros(empty, int)]
    words = f"counts on {found + empty} modes, {empty} of them empty"
    return words, rng.permutation(counts)


check_reverse_kl = Exercise(
    reverse_kl,
    "What is it for equal counts? And if all samples are on one mode?",
    _counts,
    cases=((5, 0, 1, 20_000), (6, 2, 1, 8), (1, 3, 30, 30), (3, 0, 7, 7)),
    gives="the KL",
    slips={
        "That is the entropy of the shares. What has it to do with the KL?": (
            stats.entropy
        ),
        "A sum over the modes, weighted by the shares, and no mean.": (
            lambda c: reverse_kl(c) / len(c)
        ),
        "The shares are compared with equal ones: 1 / K each.": (
            lambda c: -stats.entropy(c)
        ),
        "Counts have no sum of 1. Divide first.": (
            lambda c: rel_entr(c, 1 / len(c)).sum()
        ),
        "Empty modes are modes, too: what is K?": lambda c: reverse_kl(c[c > 0]),
        "An empty mode adds nothing: s log s goes to 0, and the computer says nan.": (
            lambda c: (c / c.sum() * np.log(len(c) * c / c.sum())).sum()
        ),
        "The samples come first in the KL, that is why it is reverse.": (
            lambda c: stats.entropy(np.ones(len(c)), c)
        ),
    },
    changes={
        "Nats have the natural logarithm.": lambda kl: kl / np.log(2),
        "Which is never negative?": lambda kl: -kl,
    },
)


def coverage(samples: NDArray, modes: NDArray, sigma: float) -> tuple[int, float]:
    """Samples (n, 2), modes (K, 2), sigma -> modes found, share of high quality."""
    right = mode_coverage(samples, modes, sigma)
    return right.modes, right.high_quality.value


# Pairs of modes and two samples each, in widths. Only one mode of a pair has samples of
# its own, but for `SHARED` and `OUTSIDE`; of one sample it is only just the nearer one.
FIRST = ([0, 0], [4, 0]), ([-0.5, 0], [1.5, 0])  # the first in the list is the nearer
SECOND = FIRST[0][::-1], FIRST[1]
SUMMED = ([0, 0], [4.9, 1.9]), ([-0.5, 0], [2, 2])  # not if differences are added
LARGER = ([4.7, 2.1], [0, 0]), ([-0.5, 0], [2.7, 0.1])  # nor if the larger one counts
SHARED = ([0, 0], [4, 0]), ([1.9, 0], [6.5, 0])  # one each; the first nearest to both
# A square has one of them, and the other is a stray: none.
OUTSIDE = ([0, 0], [0, 30]), ([2.5, 2.5], [0, 35])
PAIRS = {
    "many samples": (SUMMED, LARGER, SHARED, OUTSIDE),
    "few samples": (FIRST, SECOND, OUTSIDE),
    "one good sample": (FIRST,),
    "two strays": (FIRST,),
}


def _samples(rng, kind):
    """Samples on which each usual way to count gives another number.

    After the pairs comes a mode without samples; the others have broad clusters.
    """
    size = 1e-4 if kind == "many samples" else 1.0
    sigma, pairs = size * rng.uniform(0.2, 2), PAIRS[kind]
    grid = np.stack(np.meshgrid(np.arange(4), np.arange(3)), -1).reshape(-1, 2)
    places = 60.0 * rng.permutation(grid)
    both = places[: len(pairs), None, None] + np.array(pairs, float)
    modes, planted = both.swapaxes(0, 1).reshape(2, -1, 2)
    modes = np.concatenate([modes, places[len(pairs) :]])
    noise = 1.6 * rng.standard_normal((300, 2))
    # A sample on the circle itself would be counted by the rounding.
    noise = noise[np.abs(np.linalg.norm(noise, axis=1) - RADIUS) > 3e-3]
    clusters = modes[rng.integers(2 * len(pairs) + 1, len(modes), len(noise))] + noise
    samples = {
        "many samples": rng.permutation(np.concatenate([planted, clusters])),
        "few samples": planted,
        "one good sample": modes[:1] + 0.1,
        "two strays": modes[:2] + 20.1,
    }
    return kind, sigma * samples[kind], sigma * modes, sigma


def _counted(samples, modes, sigma, *, order=2, of_nearest=True):
    """The modes found and how many samples they have, by distances of that order."""
    distances = np.linalg.norm(samples[:, None] - modes, order, axis=2)
    near = distances < RADIUS * sigma
    if of_nearest:
        near &= distances == distances.min(1, keepdims=True)
    return near.any(0).sum(), near.any(1).mean(), near.sum() / len(samples)


def _nearest(order):
    """Belonging to the mode that is the nearest in another way."""

    def count(samples, modes, sigma):
        apart = samples[:, None] - modes
        chosen = np.linalg.norm(apart, order, axis=2).argmin(1)
        good = np.linalg.norm(apart, axis=2)[np.arange(len(chosen)), chosen]
        good = good < RADIUS * sigma
        return len(np.unique(chosen[good])), good.mean()

    return count


def _to_first(samples, modes, sigma):
    """Belonging to the first mode that is near."""
    near = np.linalg.norm(samples[:, None] - modes, axis=2) < RADIUS * sigma
    return len(np.unique(near.argmax(1)[near.any(1)])), near.any(1).mean()


def _in_circles(samples, modes, sigma):
    return _counted(samples, modes, sigma, of_nearest=False)[:2]


check_coverage = Exercise(
    coverage,
    "All distances, (n, K), come first. Which mode is nearest, and how near?",
    _samples,
    cases=("many samples", "few samples", "one good sample", "two strays"),
    gives=("the modes found", "the share"),
    slips={
        "Each sample belongs to one mode, the nearest.": (
            _in_circles,
            _to_first,
            lambda s, m, sigma: _to_first(s, m[::-1], sigma),
        ),
        "The nearest is the one with the shortest straight way.": (
            _nearest(1),
            _nearest(np.inf),
        ),
        "A mode with strays only is not found: ask for high quality.": (
            lambda s, m, sigma: (_counted(s, m, np.inf)[0], coverage(s, m, sigma)[1])
        ),
        "Each axis by itself makes a square. A distance makes a circle.": (
            lambda *a: _counted(*a, order=np.inf)[:2],
            lambda *a: _counted(*a, order=np.inf, of_nearest=False)[:2],
        ),
        "That is one sigma. How many are meant?": (
            lambda s, m, sigma: coverage(s, m, sigma / RADIUS)
        ),
        "Compare lengths with lengths: one of yours is squared.": (
            lambda s, m, sigma: coverage(s, m, np.sqrt(sigma / RADIUS)),
            lambda s, m, sigma: _in_circles(s, m, np.sqrt(sigma / RADIUS)),
        ),
        "Count a sample once, with its nearest mode.": (
            lambda *a: (coverage(*a)[0], _counted(*a, of_nearest=False)[2]),
            lambda *a: _counted(*a, of_nearest=False)[::2],
        ),
        "A share is a part of all samples.": (
            lambda *a: (coverage(*a)[0], coverage(*a)[1] * len(a[0]))
        ),
    },
    changes={
        "That is the share of all the others.": lambda found, share: (found, 1 - share),
    },
)


def dimensions(squared_radius: float = RADIUS**2) -> int:
    """A number: the least d in which fewer than half of a normal's samples are near."""
    shares = stats.chi2.cdf(squared_radius, np.arange(1, 30))
    return 1 + int(np.argmax(shares < 0.5))


check_dimensions = Exercise(
    dimensions,
    "What is the law of a squared distance in d dimensions, in units of sigma?",
    refuse={"Dimensions are counted: 1, 2, ...": lambda d: d < 1 or d != np.round(d)},
    slips={
        "The law is that of the squared distance: square the radius, too.": (
            partial(dimensions, RADIUS)
        ),
        "What is the share in this d, and in its neighbours?": (
            lambda: dimensions() - 1,
            lambda: dimensions() + 1,
        ),
    },
)


def running_mean(
    generator: nn.Module,
    train: Callable[[nn.Module], None],
    steps: int,
    decay: float,
    kept: Callable[[float, int], Sequence[float]] = lambda decay, n: [decay] * n,
    begun: float = 1.0,
) -> nn.Module:
    """A network, train(network), which moves it, steps, decay -> another network.

    It has the running mean of the weights.
    """
    mean = copy.deepcopy(generator)
    for weights in mean.parameters():
        weights.data *= begun
    for keep in kept(decay, steps):
        train(generator)
        for old, new in zip(mean.parameters(), generator.parameters(), strict=True):
            old.data.lerp_(new.data, 1 - keep)
    return mean


def _outputs(mean: Any, generator: nn.Module, *_: Any) -> Tensor:
    """What a network makes of some points, whatever it is built of."""
    if not isinstance(mean, nn.Module):
        words = f"a network is wanted, and {in_words(mean)} came."
        raise Refusal("no network", words, "A deep copy of a network is one.")
    dtype = next((weights.dtype for weights in mean.parameters()), PROBES.dtype)
    return mean(PROBES.to(dtype))


def _training(rng, steps, decay, hidden):
    def train(network):
        if not (torch.is_grad_enabled() and network.training):
            raise RuntimeError("a training needs gradients, and the training mode")
        for weights in network.parameters():
            if not weights.requires_grad:
                raise RuntimeError("a training needs weights that ask for gradients")
            weights.data += tensor(rng.normal(size=weights.shape))

    words = f"{steps} steps, decay {decay:g}"
    return words, _network(rng, 2, 2, hidden=hidden), train, steps, decay


def _network(rng, inputs, outputs, *first, hidden=4):
    linear = partial(skip_init, nn.Linear)  # PyTorch's own random numbers stay
    layers = linear(inputs, hidden), nn.Tanh(), linear(hidden, outputs)
    return set_weights(nn.Sequential(*first, *layers), rng)


def _train_the_mean(generator, train, steps, decay):
    mean = copy.deepcopy(generator)
    for _ in range(steps):
        train(mean)
    return mean


def _train_once_more(generator, train, steps, decay):
    mean = running_mean(generator, train, steps, decay)
    train(generator)
    return mean


def _kept(kept):
    return partial(running_mean, kept=kept)


check_running_mean = Exercise(
    running_mean,
    "Follow one weight by hand: what is its mean after one step, and after two?",
    _training,
    cases=((3, 0.75, 4), (1, 0.9, 3)),
    gives="what the mean makes of some points",
    look=_outputs,
    slips={
        "The mean is the last generator: a second name for a network is no copy.": (
            _kept(lambda decay, n: [0] * n)
        ),
        "The mean did not move. A new value for a name changes no weights.": (
            _kept(lambda decay, n: [1] * n)
        ),
        "decay is what is kept, not what comes in.": (
            _kept(lambda decay, n: [1 - decay] * n)
        ),
        "All steps have one weight in yours. Old ones should fade.": (
            _kept(lambda decay, n: [step / (step + 1) for step in range(n)])
        ),
        "Start from the generator's first weights, not from zero.": (
            partial(running_mean, begun=0.0)
        ),
        "Your start moved along with the weights: keep a copy of the numbers.": (
            _kept(lambda decay, n: [0] + [decay] * (n - 1))
        ),
        "The last step is missing: first train, then average.": (
            _kept(lambda decay, n: [decay] * (n - 1) + [1])
        ),
        "Train the generator, not its mean.": _train_the_mean,
        "train is called once for each step.": _train_once_more,
        "Autograd watches these weights: change them under torch.no_grad().": (
            lambda generator, *rest: next(generator.parameters()).mul_(0.5)
        ),
    },
)


def penalty_between(
    discriminator: nn.Module,
    real: Tensor,
    fake: Tensor,
    t: Tensor,
    of: Callable[[Tensor], Tensor] = torch.sum,
    score: Callable[[Tensor], Tensor] = lambda s: (_lengths(s) - 1).square().mean(),
    graph: bool = True,
) -> Tensor:
    """A network, real and fake (n, ...), t (n,) -> the mean of (slope's length - 1)^2.

    The slope is the logit's, at the point that is the share t of the way from a real
    sample to the fake one of the same row.
    """
    t = t.reshape(len(t), *[1] * (real.dim() - 1))
    x = (real + t * (fake - real)).detach().requires_grad_()
    (slopes,) = torch.autograd.grad(of(discriminator(x)), x, create_graph=graph)
    return score(slopes)


def _lengths(slopes: Tensor) -> Tensor:
    return slopes.flatten(1).norm(dim=1)


def _pairs(rng, *shape):
    size = int(np.prod(shape[1:]))
    discriminator = _network(rng, size, 1, nn.Flatten(), Halved(), hidden=16)
    discriminator[-1].weight.data *= 0.5  # lengths near 1
    for weights in discriminator.parameters():  # somebody left gradients
        weights.grad = tensor(rng.normal(size=weights.shape))
    # Small, the layer wide, three axes at least: no length is so short that the usual
    # guard of 1e-6 in a root would show.
    samples = (tensor(rng.normal(size=shape) / size) for _ in range(2))
    words = f"real and fake samples of shape {shape}"
    return words, discriminator, *samples, tensor(rng.uniform(size=shape[0]))


def _with_score(score):
    return partial(penalty_between, score=score)


def _with_backward(discriminator, *rest):
    discriminator(rest[0]).sum().backward()
    return penalty_between(discriminator, *rest)


check_penalty_between = Exercise(
    penalty_between,
    "Where is each point? One gradient for each, its length, and a mean over points.",
    _pairs,
    cases=((1, 3), (4, 5), (2, 5, 3), (3, 2, 2, 2)),
    gives="the penalty",
    watch=gradients(),
    slips={
        "It is trained through: autograd has to keep the gradient's own graph.": (
            partial(penalty_between, graph=False),
            lambda *inputs: leaf(penalty_between(*inputs).item()),
        ),
        "This one pulls lengths to 0. Ours pulls them to 1.": (
            _with_score(lambda s: _lengths(s).square().mean())
        ),
        "The length is pulled to 1, and what you compare with 1 is its square.": (
            _with_score(lambda s: (_lengths(s).square() - 1).square().mean())
        ),
        "A length below 1 counts, too: take the square of the difference.": (
            _with_score(lambda s: (_lengths(s) - 1).mean()),
            _with_score(lambda s: (_lengths(s) - 1).clamp(min=0).square().mean()),
        ),
        "A squared length is a sum over coordinates, no mean.": (
            _with_score(
                lambda s: (s.flatten(1).square().mean(1).sqrt() - 1).square().mean()
            )
        ),
        "A length runs over all axes of a sample: three of them in an image.": (
            _with_score(lambda s: (s.norm(dim=1) - 1).square().mean())
        ),
        "Take a mean over the samples, not their sum.": (
            _with_score(lambda s: (_lengths(s) - 1).square().sum())
        ),
        "Each sample has a length of its own: compare it with 1 before you average.": (
            _with_score(lambda s: (_lengths(s).mean() - 1).square())
        ),
        "Differentiate the sum of the logits: a mean divides each slope by n.": (
            partial(penalty_between, of=torch.mean)
        ),
        "That is the slope of D. The logit is what is asked for.": (
            partial(penalty_between, of=lambda logits: logits.sigmoid().sum())
        ),
        "t is the share of the way to the fake: at t = 0 the point is the real one.": (
            lambda d, real, fake, t: penalty_between(d, real, fake, 1 - t)
        ),
        "Each row has a t of its own.": (
            lambda d, real, fake, t: penalty_between(d, real, fake, 0 * t + t[0])
        ),
        "The points lie between real and fake samples, not on them.": (
            lambda d, real, fake, t: penalty_between(d, real, fake, 0 * t),
            lambda d, real, fake, t: penalty_between(d, real, fake, 0 * t + 1),
        ),
        "backward writes everywhere; autograd.grad returns one gradient.": (
            _with_backward
        ),
    },
    changes={"gamma and its 1/2 are the caller's.": lambda penalty: penalty / 2},
)


def samples_to_see(
    deviations: float = DEVIATIONS, favour: float = FAVOUR, noise: float | None = None
) -> float:
    """A number of samples of the ring at which one favourite mode is seen."""
    perfect = stats.chi2(MODES - 1)  # the law of 2 n KL
    noise = perfect.std() if noise is None else noise
    return deviations * noise / (2 * reverse_kl(np.r_[favour, np.ones(MODES - 1)]))


check_samples_to_see = Exercise(
    samples_to_see,
    "The KL stays and the noise falls like 1/n. What is each for n = 2,500?",
    rtol=0.05,  # it may come from a simulation
    refuse={"Samples are counted: there are more than none.": lambda n: n <= 0},
    slips={
        "That is one standard deviation.": partial(samples_to_see, 1),
        "The floor is a mean. How much does it vary?": (
            partial(samples_to_see, noise=MODES - 1)
        ),
        "There the KL is as large as the floor.": (
            partial(samples_to_see, 1, noise=MODES - 1)
        ),
        "A chi-squared variable varies by twice its degrees of freedom.": (
            partial(samples_to_see, noise=np.sqrt(MODES - 1))
        ),
        "The favourite is drawn more often than others, not less.": (
            partial(samples_to_see, favour=FAVOUR - 1)
        ),
    },
    changes={"Nats have the natural logarithm.": lambda n: n * np.log(2)},
)


@examination(
    "cover",
    "Draw samples over the ring every 200 steps: are modes lost, or are they found "
    "and blurred? Each has its remedy in the lesson.",
    seconds=20.0,
)
def check_cover(ask: Ask) -> None:
    """Points x (n, 2) of eight modes, latents z (m, 2), a seed -> samples (m, 2)."""
    radius, centre = ask.rng.uniform(1, 3), ask.rng.normal(size=2)
    turn = ask.rng.uniform(0, 2 * np.pi)
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    level = ring_of_gaussians(MODES, radius, WIDTH * radius)
    ring = Mixture(level.modes @ rotation + centre, level.sigma)
    x = ring.sample(POINTS, int(ask.rng.integers(2**31)))
    perfect = ring.sample(SAMPLES, int(ask.rng.integers(2**31)))
    seed = int(ask.rng.integers(2**31 - 1))
    z = ask.rng.standard_normal((SAMPLES, 2))
    fit = partial(samples_of, ask, f"{POINTS:,} points on a ring", x, z)
    samples = fit(seed)
    found, astray = _found_and_astray(samples, ring)
    if found < MODES:
        ask.fail(f"{found} of {MODES} modes have at least {LEAST:.0%} of the samples.")
    if astray > ASTRAY:
        ask.fail(
            f"{astray:.0%} of the samples are more than {RADIUS:g} widths from all "
            f"modes; {ASTRAY:.0%} are allowed, and perfect samples have "
            f"{np.exp(-(RADIUS**2) / 2):.1%}."
        )
    refuse_crowd(ask, room(samples) / room(perfect), LEAST_ROOM)
    ask_for_other_seeds(ask, fit, seed, samples)


def _found_and_astray(samples: NDArray, ring: Mixture) -> tuple[int, float]:
    """How many modes have their share, and the share of samples near none."""
    distances = np.linalg.norm(samples[:, None] - ring.modes, axis=2)
    near = distances.min(1) < RADIUS * ring.sigma
    counts = np.bincount(distances.argmin(1)[near], minlength=MODES)
    return int((counts >= LEAST * len(samples)).sum()), float(1 - near.mean())
