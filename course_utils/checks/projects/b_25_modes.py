"""Project b, 25 modes in 10,000 steps: games on unseen grids, and their judge.

The judge sees samples and counts the optimizers' steps. Whether they are a GAN's, the
one who marks has to read.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree
from torch.optim import Optimizer
from torch.optim.optimizer import register_optimizer_step_post_hook

from course_utils.budget import budget, level
from course_utils.checks.calls import Array, NotYet, as_numbers
from course_utils.checks.examination import Ask, Examination
from course_utils.checks.projects.seeds import seed_of_a_judge
from course_utils.data.mixtures import grid_of_gaussians
from course_utils.metrics.modes import mode_coverage

STEPS, GAMES = 10_000, 5
DATA, SAMPLES, TWINS, LATENTS = 100_000, 2_500, 200, 8
GRID = grid_of_gaussians()
SECONDS = 900.0  # of the processor's time, a game; the course's takes a twentieth
HINT = (
    "Draw samples after 1,000, 3,000 and 10,000 steps, over the data. Which modes are "
    "never found, and which are lost again?"
)
OWN_GAMES = "Play with several seeds; claim their mean, and its standard error."
# The course's own, five games: KL 0.005 to 0.009, near 92 to 97 %, spread 0.81 to 0.90.
# Lesson 7's with so many steps, ten games: plain, KL 0.25 to 1.28 and spread 0.55; the
# whole recipe, KL 0.003 to 0.29.
MOST_KL, LEAST_QUALITY, LEAST_SPREAD, MOST_SPREAD = 0.02, 0.9, 0.6, 1.2


class Task(NamedTuple):
    """A grid that is turned and stretched, and where samples are wanted.

    Attributes:
        x: the data, (n, 2).
        z: standard normal numbers, (SAMPLES + TWINS, 8). The last rows are some of the
            others, moved by a millionth.
        twins: which ones.
        back: turns points (n, 2) to where `GRID` is.
    """

    x: Array
    z: Array
    twins: NDArray[np.int64]
    back: Callable[[Array], Array]


class Scores(NamedTuple):
    """What a game has come to, as in `metrics.modes`."""

    modes: int
    quality: float
    kl: float
    spread: float


def task(rng: np.random.Generator) -> Task:
    """A fresh one."""
    angle, unit = rng.uniform(0, np.pi / 2), np.exp(rng.uniform(-0.7, 0.7))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    x = unit * GRID.sample(DATA, int(rng.integers(2**32))) @ turn.T
    z = rng.standard_normal((SAMPLES, LATENTS))
    twins = rng.integers(SAMPLES, size=TWINS)
    z = np.concatenate([z, z[twins] + 1e-6])
    return Task(x, z, twins, lambda points: points @ turn / unit)


def scores(samples: Array) -> Scores:
    """Of samples where `GRID` is, (n, 2)."""
    found = mode_coverage(samples, GRID.modes, GRID.sigma)
    values = found.high_quality, found.reverse_kl, found.spread
    return Scores(found.modes, *(score.value for score in values))


def judge_modes(train: Any, claim: Any, seed: int | None = None) -> None:
    """Judge a training by five games on fresh grids; print their scores.

    In the smoke budget a game of 100 steps is played, and not judged.

    Args:
        train: x (n, 2), z (m, 8), steps, seed -> samples (m, 2), one for each z.
        claim: the mean reverse KL of its games, and the standard error of that mean.
        seed: of all that is drawn; fresh if None.

    Raises:
        NotYet: with the first thing that is not right.
    """
    seed = seed_of_a_judge(seed)
    check = Examination("train", HINT, SECONDS, partial(_examine, claim=claim))
    if level() != "smoke":
        check(train, seed)
    elif wrong := check.what_is_wrong(train, seed):
        raise NotYet(f"train: {wrong}")


def _examine(ask: Ask, claim: Any) -> None:
    claimed = _claimed(ask, claim)  # first of all, since games take minutes
    games = budget(smoke=1, lecture=GAMES, full=GAMES)
    steps = budget(smoke=100, lecture=STEPS, full=STEPS)
    played = []
    for number in range(games):
        one = _played(ask, steps)
        text = "{} modes, {:.1%} near, reverse KL {:.4f}, spread {:.2f}".format(*one)
        print(f"game {number + 1}: {text}", flush=True)
        played.append(one)
    if steps == STEPS:
        _judge(ask, played)
        _judge_claim(ask, *claimed, np.array([one.kl for one in played]))


def _played(ask: Ask, steps: int) -> Scores:
    """One game on a fresh grid."""
    x, z, twins, back = task(ask.rng)
    seed = int(ask.rng.integers(2**31))
    with _counted() as counts:
        value = ask.call("100,000 points", x.copy(), z.copy(), steps, seed)
    (samples,) = ask.arrays(value, {"the samples": (len(z), 2)})
    if counts and min(counts.values()) > steps:
        ask.fail(f"each player took more than {steps:,} steps.")
    samples = back(samples)
    moved = np.linalg.norm(samples[SAMPLES:] - samples[twins], axis=1)
    # Right generators move nearly all twins by less, copies of data hardly any.
    if np.mean(moved < 0.1) < 0.8:
        ask.fail(
            "latent points that nearly agree give other samples.",
            "A sample is to be what the trained generator makes of its row of z.",
        )
    distances, _ = KDTree(back(x)).query(samples[:SAMPLES])
    if np.mean(distances < 1e-5) > 0.1:  # 1e-6 if none is copied
        ask.fail("samples are points of the data.", "A generator makes new ones.")
    return scores(samples[:SAMPLES])


@contextmanager
def _counted() -> Iterator[dict[int, int]]:
    """How many steps each optimizer of PyTorch takes inside."""
    counts: dict[int, int] = {}

    def count(optimizer: Optimizer, *rest: Any) -> None:
        counts[id(optimizer)] = counts.get(id(optimizer), 0) + 1

    hook = register_optimizer_step_post_hook(count)
    try:
        yield counts
    finally:
        hook.remove()


def _judge(ask: Ask, played: Sequence[Scores]) -> None:
    """Hold means over the games to the bars."""
    fewest = min(one.modes for one in played)
    quality, kl, spread = np.mean([one[1:] for one in played], axis=0)
    if fewest < len(GRID.modes):
        ask.fail(f"a game has found {fewest} of {len(GRID.modes)} modes only.")
    if kl > MOST_KL:
        ask.fail(
            f"the reverse KL is {kl:.4f} in the mean; {MOST_KL} is the most.",
            "Shares are uneven. When do they come about, and can they change later?",
        )
    if quality < LEAST_QUALITY:
        ask.fail(
            f"{quality:.1%} of the samples are near a mode, of {LEAST_QUALITY:.0%}.",
            "Where are the others, and would smaller steps at the end bring them in?",
        )
    if not LEAST_SPREAD < spread < MOST_SPREAD:
        ask.fail(
            f"clusters are {spread:.2f} times as wide as they should be.",
            "Draw one mode from close by. What does the discriminator see there?",
        )


def _claimed(ask: Ask, claim: Any) -> tuple[float, float]:
    """The mean reverse KL that is claimed, and its error."""
    numbers = as_numbers("the claim", claim)
    if numbers.shape != (2,) or not np.isfinite(numbers).all():
        ask.fail("a claim is two numbers: a mean, and its error.", OWN_GAMES)
    mean, error = map(float, numbers)
    if not 0 < error <= MOST_KL / 2:
        ask.fail(f"an error of {error:.3g} is none, or says nothing.", OWN_GAMES)
    return mean, error


def _judge_claim(ask: Ask, mean: float, error: float, kls: Array) -> None:
    """Whether fresh games agree with what was claimed."""
    own = kls.std(ddof=1) / np.sqrt(len(kls))
    off = abs(mean - kls.mean()) / np.hypot(error, own)
    if off > 4:
        said = f"{mean:.4f} is claimed, and {kls.mean():.4f} +- {own:.4f} came"
        ask.fail(f"{said}: {off:.1f} errors apart.", OWN_GAMES)
