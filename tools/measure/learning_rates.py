"""Measure whether both networks of the DCGAN need the same learning rate.

    python tools/measure/learning_rates.py

The lecture's networks and its step, in PyTorch: Adam 1e-4 for the generator, and for
the discriminator a quarter of it, the same, or four times as much. Each run plays 2,000
steps on the shipped sample and is recorded as soon as it is done, with its processor
seconds; runs that are in the record are not repeated.
"""

import json
import time
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from timing import save_record, timed

from course_utils.data.mnist import load_mnist
from course_utils.metrics.digits import digit_scores
from course_utils.pytorch.device import pick_device, seed_everything
from course_utils.pytorch.game import Game
from course_utils.pytorch.gan import LECTURES_RECIPE, generate
from course_utils.pytorch.networks import Discriminator, Generator
from course_utils.pytorch.training import train_gan
from course_utils.records import RESULTS
from course_utils.records.history import History

RECORD = RESULTS / "learning_rates.json"
RATE = 1e-4
FACTORS = (0.25, 1.0, 4.0)
SEEDS = range(3)
STEPS, EVERY, BATCH = 2_000, 500, 64
SAMPLES = 1_000


def played(factor: float, seed: int) -> dict[str, Any]:
    """One run: scores after every 500 steps, and mean losses between them."""
    digits, held_out = load_mnist("train"), load_mnist("test")
    z = np.random.default_rng(10_000 + seed).standard_normal((SAMPLES, 100))
    seed_everything(seed)
    device = pick_device()
    generator, discriminator = Generator().to(device), Discriminator().to(device)
    scores = []

    def score(step: int) -> None:
        found = digit_scores(generate(generator, z), held_out.x)
        values = {name: getattr(found, name).value for name in ("frechet", "entropy")}
        floor = found.frechet.floor
        scores.append({"step": step, "floor": floor} | values)

    recipe = replace(
        LECTURES_RECIPE,
        batch_size=BATCH,
        learning_rate=RATE,
        discriminator_learning_rate=factor * RATE,
    )

    def play() -> History:
        game = Game(generator, discriminator, digits.x, recipe, seed)
        history = train_gan(game, STEPS, every=EVERY, watch=score)
        return history.require_complete()

    run = timed(play, time.process_time)
    losses = run.result.series
    return {"cpu_seconds": round(run.seconds), "scores": scores, "losses": losses}


def read_record() -> dict[str, Any]:
    """What is recorded so far."""
    if RECORD.exists():
        return json.loads(RECORD.read_text())
    return {
        "generator_rate": RATE,
        "steps": STEPS,
        "batch": BATCH,
        "samples": SAMPLES,
        "versions": {"torch": torch.__version__},
        "runs": {},
    }


def main() -> None:
    """Run what is not recorded yet."""
    for factor in FACTORS:
        for seed in SEEDS:
            if str(seed) in read_record()["runs"].get(str(factor), {}):
                continue
            run = played(factor, seed)
            print(factor, seed, run["scores"][-1], flush=True)
            record = read_record()
            record["runs"].setdefault(str(factor), {})[str(seed)] = run
            save_record(RECORD, record)


if __name__ == "__main__":
    main()
