"""Measure what each change from the lecture's DCGAN recipe to the shipped one buys.

    COURSE_DATA_DIR=folder python tools/measure/dcgan_ablation.py [GAME ...]

Seven things differ between the recipes, and a game is played for each, and for several
together: 600 steps on MNIST's training digits, from the seeds 0, 1 and 2, of which none
was left out. Both recipes' batches are a quarter of their size, 64 and 32 digits, so
that CPUs can play all of them. Steps are equal, so that a smaller batch sees fewer
digits; one game has as many digits instead. A running mean of the generator's weights
changes nothing in a game, so each gives two generators, the one that it ends with and
the mean, and both are scored by 10,000 samples. `ROWS` says which of them is which
recipe.

A run is recorded as soon as it is done, and runs in the record are not repeated: it can
be cut off, and programs with different games may run side by side.
"""

import argparse
import json
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import torch
from timing import machine, save_record, timed
from torch import nn

from course_utils.data.mnist import load_mnist
from course_utils.metrics.digits import digit_scores
from course_utils.pytorch.device import pick_device, seed_everything
from course_utils.pytorch.game import Game
from course_utils.pytorch.gan import (
    LECTURES_RECIPE,
    gan_step,
    generate,
    real_penalty_step,
)
from course_utils.pytorch.layers import renormalize
from course_utils.pytorch.networks import Discriminator, Generator
from course_utils.pytorch.training import train_gan
from course_utils.records import RESULTS
from course_utils.records.recipes import Recipe, falling

RECORD = RESULTS / "dcgan_ablation.json"
SEEDS = range(3)
STEPS, EVERY = 600, 100
SAMPLES = 10_000
NORMALIZED = 2_000  # latent points whose statistics an averaged generator gets
# Remembers a fourteenth of the game, as 0.999 does of 30 epochs in batches of 128.
AVERAGING = 0.977

# A quarter of the batch. In bfloat16 some CPUs take ten times as long.
LECTURE = replace(
    LECTURES_RECIPE, batch_size=64, precision="float32", averaging=AVERAGING
)
# A later one takes the place of an earlier: the penalty's step alternates too, and the
# step size falls from the larger one.
CHANGES: dict[str, dict[str, Any]] = {
    "batch": {"batch_size": 32},
    "rate": {"learning_rate": 2e-4},
    "beta1": {"betas": (0.5, 0.999)},
    "order": {"step": gan_step},
    "penalty": {"step": real_penalty_step(gamma=1.0, share=0.25)},
    "fall": {"learning_rate": partial(falling, 2e-4, 1e-5, hold=0.5)},
}
# In words, for the record.
TEXTS = {
    "lecture": "Adam 1e-4 (0.9, 0.999) in batches of 64, simultaneous steps",
    "batch": "batches of 32",
    "rate": "Adam 2e-4",
    "beta1": "Adam's first beta 0.5",
    "order": "the discriminator first, then the generator",
    "penalty": "R1 penalty of gamma 1 measured on a quarter of the real batch",
    "fall": "Adam 2e-4 for half of the steps, then falling to 1e-5 by an equal factor",
    "averaged": f"the running mean of the generator's weights (decay {AVERAGING}), "
    f"normalized by {NORMALIZED:,} latent points; last: the last weights",
}
THREE = ("batch", "rate", "beta1")
FOUR = (*THREE, "order")
# Each game's changes, and how many steps it has.
GAMES: dict[str, tuple[tuple[str, ...], int]] = {
    "lecture": ((), STEPS),
    "batch": (("batch",), STEPS),
    "rate": (("rate",), STEPS),
    "beta1": (("beta1",), STEPS),
    "order": (("order",), STEPS),
    "three": (THREE, STEPS),
    "four": (FOUR, STEPS),
    "four, penalty": ((*FOUR, "penalty"), STEPS),
    "four, fall": ((*FOUR, "fall"), STEPS),
    "four, penalty, fall": ((*FOUR, "penalty", "fall"), STEPS),
    "batch, as many digits": (("batch",), 2 * STEPS),
}
# Recipes by name: the game, and which of its two generators.
ROWS = {
    "the lecture's recipe": ("lecture", "last"),
    "batch alone": ("batch", "last"),
    "batch alone, as many digits": ("batch, as many digits", "last"),
    "step size alone": ("rate", "last"),
    "beta1 alone": ("beta1", "last"),
    "alternating steps alone": ("order", "last"),
    "running mean alone": ("lecture", "averaged"),
    "batch, step size, beta1": ("three", "last"),
    "these and alternating steps": ("four", "last"),
    "these four and the penalty": ("four, penalty", "last"),
    "these four and the fall": ("four, fall", "last"),
    "these four and the mean": ("four", "averaged"),
    "shipped but for the penalty": ("four, fall", "averaged"),
    "shipped but for the fall": ("four, penalty", "averaged"),
    "shipped but for the mean": ("four, penalty, fall", "last"),
    "the shipped recipe": ("four, penalty, fall", "averaged"),
}


def recipe_of(changes: tuple[str, ...]) -> Recipe:
    """The lecture's recipe with some changes."""
    settings: dict[str, Any] = {}
    for name in changes:
        settings |= CHANGES[name]
    return replace(LECTURE, **settings)


def played(name: str, seed: int, digits: np.ndarray) -> dict[str, nn.Module]:
    """One game; the generator that it ends with, and the running mean."""
    changes, steps = GAMES[name]
    seed_everything(seed)
    device = pick_device()
    networks = Generator().to(device), Discriminator().to(device)
    game = Game(*networks, digits, recipe_of(changes), seed)
    train_gan(game, steps, every=EVERY).require_complete()
    rng = torch.Generator().manual_seed(seed)
    averaged = game.average.module
    renormalize(averaged, torch.randn(NORMALIZED, 100, generator=rng).to(device))
    return {"last": networks[0], "averaged": averaged}


def scores(generator: nn.Module, seed: int, real: np.ndarray) -> dict[str, float]:
    """The four numbers of fresh samples."""
    rng = np.random.default_rng(10_000 + seed)
    z = rng.standard_normal((SAMPLES, 100), dtype=np.float32)
    # two pairs of real sets, since the floor is in the record
    found = digit_scores(generate(generator, z), real, splits=2)
    return {
        "entropy": round(found.entropy.value, 4),
        "rarest_class": round(float(found.counts.min() / found.n), 4),
        "confidence": round(found.confidence.value, 4),
        "frechet": round(found.frechet.value, 2),
    }


def measured(name: str, seed: int, digits: np.ndarray) -> dict[str, Any]:
    """One run, for the record."""
    run = timed(partial(played, name, seed, digits))
    real = digits[: 2 * SAMPLES]
    kind = pick_device().type
    about = {
        "device": torch.cuda.get_device_name() if kind == "cuda" else machine(),
        "torch": torch.__version__,
        "seconds": round(run.seconds, 1),
    }
    return about | {which: scores(g, seed, real) for which, g in run.result.items()}


def read_record(digits: np.ndarray) -> dict[str, Any]:
    """What is recorded so far."""
    if RECORD.exists():
        return json.loads(RECORD.read_text())
    test = load_mnist("test", "full")
    floor = digit_scores(test.x[:SAMPLES], digits[: 2 * SAMPLES]).frechet
    return {
        "data": "MNIST, all of it, train split: 60,000 digits in [-1, 1]",
        "seeds": f"{', '.join(map(str, SEEDS))}; the first three, none left out",
        "samples": SAMPLES,
        "z": "numpy.random.default_rng(10,000 + seed).standard_normal",
        "real": f"{2 * SAMPLES:,} training digits, in two halves",
        "frechet_floor": round(floor.floor, 3),
        "frechet_floor_sd": round(floor.floor_sd, 3),
        "changes": TEXTS,
        "games": {
            name: {"changes": list(changes), "steps": steps}
            for name, (changes, steps) in GAMES.items()
        },
        "rows": ROWS,
        "runs": {},
    }


def measure(names: list[str]) -> None:
    """Play the games that are not recorded yet."""
    digits = load_mnist("train", "full").x
    for seed in SEEDS:
        for name in names:
            record = json.loads(RECORD.read_text()) if RECORD.exists() else {"runs": {}}
            if str(seed) in record["runs"].get(name, {}):
                continue
            run = measured(name, seed, digits)
            print(seed, name, run, flush=True)
            record = read_record(digits)  # others may have written
            record["runs"].setdefault(name, {})[str(seed)] = run
            save_record(RECORD, record)


def main() -> None:
    """Measure all games, or some."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("games", nargs="*", help="by name; all if none")
    names = parser.parse_args().games or list(GAMES)
    if unknown := set(names) - set(GAMES):
        parser.error(f"no games: {', '.join(unknown)}; there are {', '.join(GAMES)}")
    measure(names)


if __name__ == "__main__":
    main()
