"""Measure how remedies against mode collapse cover the ring of 8 and the grid of 25.

    python tools/measure/mode_coverage.py ring
    python tools/measure/mode_coverage.py grid

Each target has its own record in the package. Every run is recorded as soon as it is
done, with its seed, its processor seconds and the scores of 2,500 samples: of the
generator as it ended, and of the running mean of its weights. Two programs, one a
target, may run side by side on one core each. The settings of the whole recipe were
chosen with other seeds than the ten that are recorded.
"""

import argparse
import json
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from timing import save_record, timed
from torch import nn

from course_utils.data.mixtures import Mixture, grid_of_gaussians, ring_of_gaussians
from course_utils.metrics.modes import mode_coverage
from course_utils.pytorch.device import seed_everything
from course_utils.pytorch.game import Game
from course_utils.pytorch.gan import Step, gan_step, generate, penalized_step
from course_utils.pytorch.networks import MLPDiscriminator, MLPGenerator
from course_utils.pytorch.remedies import (
    packed_step,
    relativistic_step,
    train_with_remedies,
)
from course_utils.pytorch.training import train_gan
from course_utils.records import RESULTS
from course_utils.records.recipes import Recipe

TARGETS = {"ring": (ring_of_gaussians(), 15_000), "grid": (grid_of_gaussians(), 30_000)}
SAMPLES, DATA = 2_500, 100_000
GAMMA = 1e-3  # of a constant penalty, in squared units of the data's length
BEST = "all remedies"
SEEDS = {BEST: range(20, 30)}  # never looked at while its settings were chosen
FEW = range(3)  # for the others


def played(
    target: Mixture, steps: int, seed: int, step: Step = gan_step, pack: int = 1
) -> dict[str, nn.Module]:
    """One game with constant step sizes; the generator, and its running mean."""
    scale = float(target.modes.std())
    generator = MLPGenerator(2, (64,) * 3, scale=scale)
    discriminator = MLPDiscriminator(2 * pack, (64,) * 4, scale=scale)
    recipe = Recipe(step, averaging=0.999)
    game = Game(generator, discriminator, target.sample(DATA, seed), recipe, seed)
    train_gan(game, steps).require_complete()
    return {"last": generator, "averaged": game.average}


def played_with_all(target: Mixture, steps: int, seed: int) -> dict[str, nn.Module]:
    """The game with all remedies; only the running mean is of interest."""
    data, scale = target.sample(DATA, seed), float(target.modes.std())
    return {"averaged": train_with_remedies(data, scale, steps, seed)}


def methods(target: Mixture) -> dict[str, Callable[..., dict[str, nn.Module]]]:
    """How to train, by name."""
    gamma = GAMMA * float(target.modes.std()) ** 2
    return {
        "plain GAN": played,
        BEST: played_with_all,
        "penalty": partial(played, step=penalized_step(gamma)),
        "packing, 2": partial(played, step=packed_step(2), pack=2),
        "relativistic, penalty": partial(played, step=relativistic_step(gamma)),
    }


def scores(generator: nn.Module, target: Mixture, seed: int) -> dict[str, float]:
    """The four numbers of fresh samples."""
    z = np.random.default_rng(10_000 + seed).standard_normal((SAMPLES, 2))
    coverage = mode_coverage(generate(generator, z), target.modes, target.sigma)
    return {
        "modes": coverage.modes,
        "high_quality": round(coverage.high_quality.value, 4),
        "reverse_kl": round(coverage.reverse_kl.value, 5),
        "spread": round(coverage.spread.value, 4),
    }


def read_record(path: Path, name: str, steps: int) -> dict[str, Any]:
    """What is recorded so far."""
    if path.exists():
        return json.loads(path.read_text())
    return {
        "target": name,
        "steps": steps,
        "batch": 256,
        "samples": SAMPLES,
        "machine": "one CPU core",
        "torch": torch.__version__,
        "runs": {},
    }


def measure(name: str, chosen: list[str]) -> None:
    """Run what is not recorded yet."""
    target, steps = TARGETS[name]
    path = RESULTS / f"mode_coverage_{name}.json"
    for method in chosen or methods(target):
        for seed in SEEDS.get(method, FEW):
            if str(seed) in read_record(path, name, steps)["runs"].get(method, {}):
                continue
            seed_everything(seed)
            train = partial(methods(target)[method], target, steps, seed)
            done = timed(train, time.process_time)
            run = {"cpu_seconds": round(done.seconds, 1)}
            for kind, generator in done.result.items():
                run[kind] = scores(generator, target, seed)
            print(name, method, seed, run, flush=True)
            record = read_record(path, name, steps)  # others may have written
            record["runs"].setdefault(method, {})[str(seed)] = run
            save_record(path, record)


def main() -> None:
    """Measure one target."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target", choices=TARGETS)
    parser.add_argument("methods", nargs="*", help="by name; all if none")
    asked = parser.parse_args()
    target, _ = TARGETS[asked.target]
    if unknown := set(asked.methods) - set(methods(target)):
        parser.error(f"no method {unknown}; there are: {', '.join(methods(target))}")
    torch.set_num_threads(1)
    measure(asked.target, asked.methods)


if __name__ == "__main__":
    main()
