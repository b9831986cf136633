"""Project d, a Boltzmann machine whose partition function is summed: the judge."""

from typing import Any

import numpy as np

from course_utils.checks.calls import Array
from course_utils.checks.examination import Ask, examination
from course_utils.checks.projects.seeds import seed_of_a_judge
from course_utils.data.mnist import load_mnist
from course_utils.exact.boltzmann import BoltzmannMachine
from course_utils.metrics.bounds import Estimate

HIDDEN, HELD_OUT = 16, 2_000
TARGET = -150.0


def black_and_white() -> Array:
    """All shipped digits (n, 784), where grey levels of at least 0.5 are 1."""
    x = np.concatenate([load_mnist(split).x for split in ("train", "test")])
    return (x.reshape(len(x), -1) >= 0.5).astype(float)


def judge_machine(train: Any, seed: int | None = None) -> None:
    """Judge a training by exact likelihoods of new digits, as they are and flipped.

    Args:
        train: x (n, 784), zeros and ones, and a seed -> W (784, 16), b (784,), c (16,).
        seed: of all that is drawn; fresh if None.

    Raises:
        NotYet: with the first thing that is not right.
    """
    _machine(train, seed_of_a_judge(seed))


@examination(
    "train_machine",
    "Draw the columns of W as pictures, and the log-likelihood against the epochs.",
    seconds=120,
)
def _machine(ask: Ask) -> None:
    """Zeros and ones x (n, 784), seed -> W (784, 16), b (784,), c (16,)."""
    reached = [_held_out(ask, is_flipped) for is_flipped in (False, True)]
    for words, estimate in zip(("digits", "digits, flipped"), reached, strict=True):
        print(f"ln p of {HELD_OUT:,} new {words}: {estimate} nats")
    worst = min(reached, key=lambda estimate: estimate.mean)
    if worst.mean < TARGET:
        flipped, plain = reached[1].mean, reached[0].mean
        ask.fail(
            f"{worst} nats; {TARGET} are to be reached, flipped or not.",
            "Why should it matter which of the two grey levels is called 1?"
            if plain - flipped > 5
            else None,
        )


def _held_out(ask: Ask, is_flipped: bool) -> Estimate:
    """What a training reaches on digits it has not seen; its pixels are shuffled."""
    x = ask.rng.permutation(black_and_white())[:, ask.rng.permutation(784)]
    x = 1 - x if is_flipped else x
    words = "10,000 digits, black on white" if is_flipped else "10,000 digits"
    seed = int(ask.rng.integers(1 << 30))
    value = ask.call(words, x[HELD_OUT:].copy(), seed)
    d = x.shape[1]
    shapes = {"W": (d, HIDDEN), "b": (d,), "c": (HIDDEN,)}
    return Estimate.of(
        BoltzmannMachine(*ask.arrays(value, shapes)).log_prob(x[:HELD_OUT])
    )
