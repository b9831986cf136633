"""Measure how remedies against mode collapse cover the ring of 8 and the grid of 25.

    python tools/measure/mode_coverage.py ring
    python tools/measure/mode_coverage.py grid
    python tools/measure/mode_coverage.py ablation

Each target has its own record in the package. Every run is recorded as soon as it is
done, with its seed, its processor seconds and the scores of 2,500 samples: of the
generator as it ended, and of the running mean of its weights. Two programs, one a
target, may run side by side on one core each. The settings of the whole recipe were
chosen with other seeds than the ten that are recorded.

The ablation asks which change does what, on the grid, in shorter games: each change
alone, and the whole recipe less one change. All rows are played with the same ten
seeds, so that rows can be compared in pairs; the games of a row are played side by
side, which is faster. No seed was looked at before, and none is left out.
"""

import argparse
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from timing import save_record, timed
from torch import Tensor, nn
from torch.optim import Adam, Optimizer

from course_utils.data.mixtures import Mixture, grid_of_gaussians, ring_of_gaussians
from course_utils.metrics.modes import mode_coverage
from course_utils.pytorch.device import seed_everything
from course_utils.pytorch.game import Game
from course_utils.pytorch.gan import (
    Step,
    descend,
    gan_step,
    generate,
    penalized_step,
)
from course_utils.pytorch.networks import MLPDiscriminator, MLPGenerator
from course_utils.pytorch.remedies import (
    packed_step,
    relativistic_step,
    train_with_remedies,
)
from course_utils.pytorch.training import train_gan
from course_utils.records import RESULTS
from course_utils.records.recipes import Recipe, falling

TARGETS = {"ring": (ring_of_gaussians(), 15_000), "grid": (grid_of_gaussians(), 30_000)}
SAMPLES, DATA = 2_500, 100_000
GAMMA = 1e-3  # of a constant penalty, in squared units of the data's length
BEST = "all remedies"
SEEDS = {BEST: range(20, 30)}  # never looked at while its settings were chosen
FEW = range(3)  # for the others


@dataclass(frozen=True)
class Settings:
    """All in which the rows of the ablation differ.

    Attributes:
        pairs: the relativistic loss, instead of judging samples one by one.
        penalty: weight at the start and at the end, in squared units of the data's
            length; none if there is no penalty.
        penalty_holds: share of the steps before the weight falls.
        rate: the generator's step size at the start and at the end.
        discriminator_rate: the discriminator's.
        rates_hold: share of the steps before the step sizes fall.
        betas: Adam's, for both.
        wide_start: the generator starts wider than the data.
    """

    pairs: bool = False
    penalty: tuple[float, float] | None = None
    penalty_holds: float = 0.2
    rate: tuple[float, float] = (1e-3, 1e-3)
    discriminator_rate: tuple[float, float] = (1e-3, 1e-3)
    rates_hold: float = 0.25
    betas: tuple[float, float] = (0.5, 0.99)
    wide_start: bool = False


PLAIN = Settings()
WHOLE = Settings(  # those of `train_with_remedies`
    pairs=True,
    penalty=(2e-2, 2e-4),
    rate=(3e-3, 3e-5),
    discriminator_rate=(3e-3, 3e-4),
    betas=(0.0, 0.99),
    wide_start=True,
)
CONSTANT = (GAMMA, GAMMA)
ROWS = {
    "plain": PLAIN,
    "pairs": replace(PLAIN, pairs=True),
    "penalty": replace(PLAIN, penalty=CONSTANT),
    # by the same factors as in the whole recipe, from the plain game's step size
    "falling steps": replace(PLAIN, rate=(1e-3, 1e-5), discriminator_rate=(1e-3, 1e-4)),
    "whole recipe": WHOLE,
    "whole, no pairs": replace(WHOLE, pairs=False),
    "whole, constant steps": replace(
        WHOLE, rate=PLAIN.rate, discriminator_rate=PLAIN.rate
    ),
    "whole, constant penalty": replace(WHOLE, penalty=CONSTANT),
    "whole, narrow start": replace(WHOLE, wide_start=False),
}
ABLATION_STEPS, ABLATION_SEEDS = 10_000, range(60, 70)
BATCH = 256


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


class Stack(nn.Module):
    """Networks of ReLU layers side by side, which do not know of each other.

    Args:
        networks: of one kind, `MLPGenerator` or `MLPDiscriminator`.
        wide: latent points are passed on, as in `WideGenerator`.
    """

    def __init__(self, networks: Sequence[nn.Module], wide: bool = False) -> None:
        super().__init__()
        layers = [
            [layer for layer in network.modules() if isinstance(layer, nn.Linear)]
            for network in networks
        ]
        self.weights = nn.ParameterList(
            torch.stack([one.weight.detach().T for one in depth])
            for depth in zip(*layers, strict=True)
        )
        self.biases = nn.ParameterList(
            torch.stack([one.bias.detach()[None] for one in depth])
            for depth in zip(*layers, strict=True)
        )
        self.scale = float(networks[0].scale)  # type: ignore[arg-type]
        self.judges = isinstance(networks[0], MLPDiscriminator)
        self.wide = wide

    def forward(self, x: Tensor) -> Tensor:
        """Points (networks, n, dimensions) to what each network makes of its own."""
        h = x / self.scale if self.judges else x
        for depth, (weight, bias) in enumerate(
            zip(self.weights, self.biases, strict=True)
        ):
            h = torch.baddbmm(bias, F.relu(h) if depth else h, weight)
        if self.judges:
            return h
        return self.scale * h + (1.5 * self.scale * x if self.wide else 0)


def stacked_losses(
    discriminator: nn.Module, real: Tensor, fake: Tensor, pairs: bool, gamma: float
) -> Tensor:
    """The discriminators' losses, summed over games; gamma is the penalty's weight."""
    both = torch.cat([real, fake.detach()], dim=1).requires_grad_(gamma > 0)
    logits = discriminator(both)
    real_logits, fake_logits = logits.chunk(2, dim=1)
    if pairs:
        loss = F.softplus(fake_logits - real_logits).mean((1, 2)).sum()
    else:
        one_by_one = F.softplus(-real_logits) + F.softplus(fake_logits)
        loss = one_by_one.mean((1, 2)).sum()
    if gamma > 0:
        (slope,) = torch.autograd.grad(logits.sum(), both, create_graph=True)
        # half the weight times the means over real and over fake
        loss = loss + gamma * slope.square().sum(2).mean(1).sum()
    return loss


def stacked_step(
    players: tuple[nn.Module, nn.Module],
    optimizers: tuple[Optimizer, Optimizer],
    real: Tensor,
    z: Tensor,
    pairs: bool,
    gamma: float,
) -> None:
    """One step of all discriminators, then one of all generators."""
    generator, discriminator = players
    fake = generator(z)
    descend(optimizers[1], stacked_losses(discriminator, real, fake, pairs, gamma))
    if pairs:
        logits = discriminator(torch.cat([real, fake], dim=1))
        real_logits, fake_logits = logits.chunk(2, dim=1)
        loss = F.softplus(real_logits - fake_logits)
    else:
        loss = F.softplus(-discriminator(fake))
    descend(optimizers[0], loss.mean((1, 2)).sum())


def played_as(
    row: Settings, target: Mixture, steps: int, seeds: Sequence[int]
) -> dict[str, list[npt.NDArray]]:
    """All games of a row, side by side; samples of each generator, and of its mean."""
    scale = float(target.modes.std())
    networks: list[list[nn.Module]] = [[], []]
    for seed in seeds:
        seed_everything(seed)
        networks[0].append(MLPGenerator(2, (64,) * 3, scale=scale))
        networks[1].append(MLPDiscriminator(2, (64,) * 4, scale=scale))
    players = Stack(networks[0], row.wide_start), Stack(networks[1])
    optimizers = tuple(
        Adam(one.parameters(), betas=row.betas, fused=True) for one in players
    )
    gammas = np.zeros(steps)
    if row.penalty is not None:
        gammas = scale**2 * falling(*row.penalty, steps, row.penalty_holds)
    rates = [
        falling(*rate, steps, row.rates_hold)
        for rate in (row.rate, row.discriminator_rate)
    ]
    modes = torch.tensor(target.modes, dtype=torch.float32)
    rng = torch.Generator().manual_seed(seeds[0])  # the same draws in each row
    weights = list(players[0].parameters())
    mean = []
    for number in range(steps):
        for optimizer, rate in zip(optimizers, rates, strict=True):
            optimizer.param_groups[0]["lr"] = float(rate[number])
        shape = len(seeds), BATCH
        noise, z = torch.randn((2, *shape, 2), generator=rng)
        centres = modes[torch.randint(len(modes), shape, generator=rng)]
        real = centres + target.sigma * noise
        gamma = float(gammas[number])
        stacked_step(players, optimizers, real, z, row.pairs, gamma)
        with torch.no_grad():
            if mean:
                torch._foreach_lerp_(mean, weights, 1e-3)
            else:
                mean = [weight.clone() for weight in weights]
    last = drawn(players[0], seeds)
    with torch.no_grad():
        for weight, averaged in zip(weights, mean, strict=True):
            weight.copy_(averaged)
    return {"last": last, "averaged": drawn(players[0], seeds)}


@torch.inference_mode()
def drawn(generator: Stack, seeds: Sequence[int]) -> list[npt.NDArray]:
    """Samples of each generator, all of the same latent points."""
    z = np.random.default_rng(10_000 + seeds[0]).standard_normal((SAMPLES, 2))
    points = torch.tensor(z, dtype=torch.float32).expand(len(seeds), -1, -1)
    return list(generator(points).numpy())


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
    return numbers(generate(generator, z), target)


def numbers(samples: npt.NDArray, target: Mixture) -> dict[str, float]:
    """The four numbers of samples."""
    coverage = mode_coverage(samples, target.modes, target.sigma)
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


def ablate(names: Sequence[str] = tuple(ROWS)) -> None:
    """Play the rows that are not recorded yet."""
    target, path = TARGETS["grid"][0], RESULTS / "mode_ablation.json"
    for name in names:
        record = json.loads(path.read_text()) if path.exists() else new_ablation()
        if name in record["runs"]:
            continue
        train = partial(played_as, ROWS[name], target, ABLATION_STEPS, ABLATION_SEEDS)
        done = timed(train, time.process_time)
        record["cpu_seconds"][name] = round(done.seconds)
        record["runs"][name] = {
            str(seed): {
                kind: numbers(samples[place], target)
                for kind, samples in done.result.items()
            }
            for place, seed in enumerate(ABLATION_SEEDS)
        }
        print(name, record["cpu_seconds"][name], record["runs"][name], flush=True)
        save_record(path, record)


def new_ablation() -> dict[str, Any]:
    """The record before its first row."""
    return {
        "target": "grid",
        "steps": ABLATION_STEPS,
        "batch": BATCH,
        "data": "drawn anew for each step",
        "samples": SAMPLES,
        "averaging": 0.999,
        "seeds": f"{ABLATION_SEEDS[0]} to {ABLATION_SEEDS[-1]}, the same for all rows; "
        "not looked at before, none left out",
        "steps_chosen": "10,000, not 30,000: to save time",
        "machine": "one CPU core, shared",
        "torch": torch.__version__,
        "settings": {name: asdict(row) for name, row in ROWS.items()},
        "cpu_seconds": {},
        "runs": {},
    }


def main() -> None:
    """Measure one target, or the ablation."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target", choices=[*TARGETS, "ablation"])
    parser.add_argument("methods", nargs="*", help="by name; all if none")
    asked = parser.parse_args()
    if asked.target == "ablation":
        torch.set_num_threads(1)
        ablate(asked.methods or tuple(ROWS))
        return
    target, _ = TARGETS[asked.target]
    if unknown := set(asked.methods) - set(methods(target)):
        parser.error(f"no method {unknown}; there are: {', '.join(methods(target))}")
    torch.set_num_threads(1)
    measure(asked.target, asked.methods)


if __name__ == "__main__":
    main()
