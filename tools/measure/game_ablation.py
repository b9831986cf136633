"""Measure what friction and falling steps do for a small game, one at a time and both.

    python tools/measure/game_ablation.py [seed ...]

The game of lesson 6: two bells on the line, networks of 32 and 32, 2,000 steps of 256
samples, played plainly, with the R1 penalty, with steps that fall by a factor of 100,
and with both. The seeds are 0 to 19, taken as they come. Games of one seed begin with
the same networks and see the same batches, so that they are pairs. A game is recorded
as soon as it is done; those that are in the record are not repeated.
"""

import argparse
import json
import math
from collections.abc import Iterable
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from scipy.stats import wasserstein_distance
from timing import save_record

from course_utils.data.mixtures import Mixture
from course_utils.pytorch.capture import uncaptured
from course_utils.pytorch.device import seed_everything
from course_utils.pytorch.game import Game
from course_utils.pytorch.gan import gan_step, generate, real_penalty_step
from course_utils.pytorch.networks import MLPDiscriminator, MLPGenerator
from course_utils.pytorch.training import train_gan
from course_utils.records import RESULTS
from course_utils.records.recipes import Recipe, falling

RECORD = RESULTS / "game_ablation.json"
SEEDS = range(20)
GAMMAS = (0.0, 1.0)
STEPS, EVERY, SAMPLES = 2_000, 100, 5_000
LATE = 600  # steps at the end in which both networks are watched in a plane
RATE, LAST_RATE = 1e-3, 1e-5
KEPT = 60  # of these looks are kept
BELLS = Mixture(np.array([[-2.0], [2.0]]), 0.5)
FRESH = BELLS.sample(SAMPLES, seed=11)[:, 0]


def name_of(gamma: float, falls: bool) -> str:
    """How a recipe is called in the record."""
    return f"gamma {gamma:g}, {'falling' if falls else 'constant'} steps"


def equal_shares(fakes: npt.NDArray) -> float:
    """W1 to true samples if both sides had half of the fakes; nan if one has none."""
    right = fakes > 0
    if right.all() or not right.any():
        return float("nan")
    weights = np.where(right, 0.5 / right.sum(), 0.5 / (~right).sum())
    return float(wasserstein_distance(fakes, FRESH, weights))


def swept(path: npt.NDArray) -> float:
    """The area that a path sweeps clockwise, less the other, as a share of both.

    The area is that between neighbouring points and the middle of the path: 1 for a
    path that only ever turns clockwise, 0 for one that turns as often the other way.
    """
    points = path - path.mean(0)
    before, after = points[:-1].T, points[1:].T
    areas = before[1] * after[0] - before[0] * after[1]
    return float(areas.sum() / np.abs(areas).sum())


def played(gamma: float, falls: bool, seed: int) -> dict[str, Any]:
    """One run, and what was seen of it."""
    data = BELLS.sample(20_000, seed=10)
    many = np.random.default_rng(5).standard_normal((SAMPLES, 1))
    few = many[:500]
    seed_everything(seed)
    generator = MLPGenerator(latent_dim=1, hidden=(32, 32), dim=1)
    discriminator = MLPDiscriminator(dim=1, hidden=(32, 32))
    ends = torch.tensor([[-2.0], [2.0]])
    w1, equal, right, plane, count = [], [], [], [], 0
    plain_step = real_penalty_step(gamma) if gamma else gan_step

    def step(generator, discriminator, real, z, g_optimizer, d_optimizer):
        nonlocal count
        players = generator, discriminator, real, z, g_optimizer, d_optimizer
        losses = plain_step(*players)
        count += 1
        if count > STEPS - LATE and count % 2 == 0:
            with torch.no_grad():
                low, high = discriminator(ends)[:, 0].tolist()
            plane.append((float(generate(generator, few).mean()), high - low))
        return losses

    def watch(step: int) -> None:
        fakes = generate(generator, many)[:, 0]
        w1.append(float(wasserstein_distance(fakes, FRESH)))
        equal.append(equal_shares(fakes))
        right.append(float((fakes > 0).mean()))

    watch(0)
    rate = falling(RATE, LAST_RATE, STEPS) if falls else RATE
    recipe = Recipe(step, learning_rate=rate)
    with uncaptured():  # each step looks
        game = Game(generator, discriminator, data, recipe, seed)
        history = train_gan(game, STEPS, every=EVERY, watch=watch).require_complete()
    last = -(len(w1) // 5)
    even = float(np.mean(equal[last:]))
    half = -(STEPS // EVERY) // 2
    return {
        "w1": round(float(np.mean(w1[last:])), 4),
        # null if one bell has no fakes at all
        "w1_equal_shares": None if math.isnan(even) else round(even, 4),
        "right": round(float(np.mean(right[last:])), 4),
        "losses": [
            round(float(np.mean(history[f"{player}_loss"][half:])), 4)
            for player in ("discriminator", "generator")
        ],
        "clockwise": round(swept(np.array(plane)), 4),
        "w1_each_100_steps": [round(value, 3) for value in w1],
        "late": [
            [round(v, 3) for v in row] for row in zip(*plane[-KEPT:], strict=True)
        ],
    }


def empty_record() -> dict[str, Any]:
    """All but the runs."""
    apart = [
        wasserstein_distance(*(BELLS.sample(SAMPLES, seed=s + k)[:, 0] for k in (0, 1)))
        for s in range(1_000, 1_400, 2)
    ]
    return {
        "game": "two bells at -2 and 2, sigma 0.5, 20,000 samples; networks 1-32-32-1",
        "recipe": f"{STEPS} steps of 256, Adam (0.5, 0.99), discriminator first",
        "steps": f"{RATE} constant, or falling by an equal factor to {LAST_RATE}",
        "seeds": f"{SEEDS[0]} to {SEEDS[-1]}, taken as they come; one seed is a pair",
        "w1": f"mean over the last fifth of the looks, one each {EVERY} steps",
        "clockwise": f"area swept so, less the other, over both; last {LATE} steps",
        "late": f"mean place of 500 fakes, logit(2) - logit(-2): last {KEPT} looks, "
        "one each 2 steps",
        "floor": {
            "mean": round(float(np.mean(apart)), 4),
            "one_in_20_above": round(float(np.quantile(apart, 0.95)), 4),
            "pairs": len(apart),
        },
        "versions": {"torch": torch.__version__},
        "runs": {},
    }


def measure(seeds: Iterable[int], gammas: Iterable[float]) -> None:
    """Play what is not recorded yet, one seed after the other."""
    for seed, falls, gamma in product(seeds, (False, True), gammas):
        record = empty_record()
        if RECORD.exists():
            record["runs"] = json.loads(RECORD.read_text())["runs"]
        runs = record["runs"].setdefault(name_of(gamma, falls), {})
        if str(seed) in runs:
            continue
        runs[str(seed)] = played(gamma, falls, seed)
        save_record(RECORD, record)
        print(seed, name_of(gamma, falls), runs[str(seed)]["w1"], flush=True)


def main() -> None:
    """Play what the command line names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("seeds", nargs="*", type=int, help=f"all of {SEEDS} if none")
    torch.set_num_threads(1)
    measure(parser.parse_args().seeds or SEEDS, GAMMAS)


if __name__ == "__main__":
    main()
