"""Train and measure the published table of importance-weighted autoencoders.

    COURSE_DATA_DIR=folder python tools/measure/iwae_table.py [vae-1 iwae-5 ...]
        --share 1 --batch 20 --rate 1e-3      as long and in such steps as published

Burda, Grosse and Salakhutdinov, 2016, https://arxiv.org/abs/1509.00519, table 1, one
stochastic layer: 784-200-200-50 tanh units and back, pixels drawn anew as Bernoulli at
each visit. The published training has 3,280 passes in batches of 20. Here a share of
them is taken, in larger batches and with a larger rate; the record says which. In
batches of 100 a pass took 3 s of one core (AMD EPYC) at k = 1, 8 s at 5, 64 s at 50.

A row is laid down after each epoch, in .training/iwae/. The same command takes it up
again, and ends with the same numbers as without the break, on the same kind of device.
The record gets each look at held-out digits, and says whether a row came to its end.
Several GPUs share a batch: torchrun --nproc-per-node 2 tools/measure/iwae_table.py.
"""

import argparse
import json
import math
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from scipy.special import logit
from timing import machine, save_record
from torch import Tensor, nn

from course_utils.data.mnist import binarize, load_mnist
from course_utils.metrics.bounds import Estimate
from course_utils.pytorch.capture import captured
from course_utils.pytorch.device import (
    adam,
    batches,
    device_of,
    pick_device,
    seed_everything,
    to_numpy,
    to_tensor,
)
from course_utils.pytorch.layers import glorot
from course_utils.pytorch.likelihoods import BernoulliPixels
from course_utils.pytorch.team import Team
from course_utils.pytorch.training import evaluate_vae
from course_utils.pytorch.vae import MLPVAE, VAE, reparameterize
from course_utils.pytorch.weights import export_weights, import_weights
from course_utils.records import RESULTS
from course_utils.records.arrays import with_prefix, without_prefix
from course_utils.records.checkpoints import Arrays, Checkpoint, Checkpoints
from course_utils.records.history import History
from course_utils.records.progress import not_finite, run_epochs
from course_utils.records.runs import describe

RECORD = RESULTS / "iwae_table.json"
TRAINING = Path(__file__).parents[2] / ".training" / "iwae"
LATENT, HIDDEN = 50, (200, 200)
STAGES = 8  # stage i has 3^i passes, at the first rate times 10^(-i / 7)
PASSES = sum(3**stage for stage in range(STAGES))
ALONE = Team()
ACTIVE = 0.01  # least variance over digits of the mean of an active unit
EVERY = 10  # epochs between looks at held-out digits,
TENTH = 10  # of which one in ten is looked at: the first half of them is neater
LOOK_SAMPLES = 500
SAMPLES = 5_000  # for all held-out digits in the end, as published

# -log p in nats, and active units of 50.
PUBLISHED = {
    "vae-1": {"nll": 86.76, "active_units": 19},
    "vae-5": {"nll": 86.47, "active_units": 20},
    "vae-50": {"nll": 86.35, "active_units": 20},
    "iwae-1": {"nll": 86.76, "active_units": 19},
    "iwae-5": {"nll": 85.54, "active_units": 22},
    "iwae-50": {"nll": 84.78, "active_units": 25},
}

# With one point both bounds are the same, and so are both trainings.
ROWS = [name for name in PUBLISHED if name != "iwae-1"]


@dataclass(frozen=True)
class Plan:
    """How a row is trained.

    Attributes:
        bound: "vae", the mean of k log weights; or "iwae", the log of their mean.
        k: latent points an image.
        share: of the published passes.
        batch: images a step.
        rate: Adam's, in the first stage. Of 1e-3, 2e-3 and 4e-3 the last had the best
            training bound after a short plan of 20 epochs ("vae", k = 1, seed 1).
        seed: of the first weights, the order of the images and all that is drawn.
    """

    bound: str
    k: int
    share: float = 0.1
    batch: int = 100
    rate: float = 4e-3
    seed: int = 0

    @property
    def epochs(self) -> int:
        """Passes over the images, in all."""
        return max(1, round(self.share * PASSES))

    def rate_in(self, epoch: int) -> float:
        """The learning rate of an epoch, counted from 1."""
        passes = (epoch - 1) / self.share  # of the published ones, before this epoch
        ends = [(3**stage - 1) / 2 for stage in range(1, STAGES)]
        return self.rate * 10 ** (-sum(passes >= end for end in ends) / 7)


def published_model(images: npt.NDArray, seed: int) -> MLPVAE:
    """The published network before its first step; its output has the images' mean."""
    seed_everything(seed)
    model = MLPVAE(BernoulliPixels(), LATENT, HIDDEN, HIDDEN)
    for network in (model.encoder, model.decoder):
        layers = (nn.Tanh() if isinstance(f, nn.ReLU) else f for f in network.body)
        network.body = nn.Sequential(*layers)
    model.apply(glorot)
    grey = images.mean(0, dtype=np.float64).clip(0.001, 0.999)
    bias = torch.from_numpy(logit(grey).flatten())
    model.decoder.pixels.bias.data.copy_(bias)
    return model


def bound_of(name: str, log_w: Tensor) -> Tensor:
    """What a row maximizes, one value an image, (n,), from log weights (k, n)."""
    if name == "vae":
        return log_w.mean(0)
    return log_w.logsumexp(0) - math.log(len(log_w))


class LogWeights(nn.Module):
    """A VAE whose call gives log weights, as those want it who share its gradients."""

    def __init__(self, model: VAE) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: Tensor, epsilon: Tensor) -> Tensor:
        """Log weights (k, n) of images, as `log_weights`, with noise that is given.

        Noise has the shape (k, n, latent_dim).
        """
        mu, logvar = self.model.encoder(x)
        mu, logvar = mu.expand_as(epsilon), logvar.expand_as(epsilon)
        z = reparameterize(mu, logvar, epsilon)
        log_ratio = 0.5 * (epsilon.square() + logvar - z.square()).sum(-1)
        repeated = x.expand(len(epsilon), *x.shape).flatten(0, 1)
        log_likelihood = self.model.log_likelihood(repeated, z.flatten(0, 1))
        return log_likelihood.view(log_ratio.shape) + log_ratio


class Row:
    """A row in training.

    Args:
        plan: how.
        images: to train on, (n, 28, 28, 1), grey.
        team: whose processes train it together.
    """

    def __init__(self, plan: Plan, images: npt.NDArray, team: Team) -> None:
        self.plan, self.team = plan, team
        self.model = published_model(images, plan.seed).to(pick_device())
        self.x = to_tensor(images, device_of(self.model))
        self.optimizer = adam(self.model, plan.rate, eps=1e-4)
        self._generator = torch.Generator(self.x.device)
        self._log_weights = team.sharing(LogWeights(self.model))

    def train_epoch(self, epoch: int) -> float:
        """One pass over the images, in steps of Adam; the bound's mean, in nats.

        An epoch has a seed of its own, so that a run needs no random state to go on.

        Raises:
            FloatingPointError: the bound was not finite; the message names the step.
        """
        (seed,) = np.random.SeedSequence([self.plan.seed, epoch]).generate_state(1)
        self._generator.manual_seed(int(seed))
        self.optimizer.param_groups[0]["lr"].fill_(self.plan.rate_in(epoch))
        greys = batches(self.x, self.plan.batch, self._generator)
        sums = torch.stack([self._step(grey) for grey in greys])
        values = self.team.total(sums).cpu().double()
        if not values.isfinite().all():
            step = int(values.isfinite().logical_not().nonzero()[0]) + 1
            raise not_finite(step, f"of epoch {epoch}")
        return values.sum().item() / len(self.x)

    @cached_property
    def _step(self) -> Callable[[Tensor], Tensor]:
        """A step, from grey images to the bound's sum over own rows; made at the first.

        By then all is loaded that a captured one must not lose.
        """
        is_alone = self.team.size == 1  # what speaks to others is not captured
        return (
            captured(self._plain_step, self._generator)
            if is_alone
            else self._plain_step
        )

    def _plain_step(self, grey: Tensor) -> Tensor:
        """Follow the gradient of the sum over a batch, as published.

        Adam's epsilon counts beside that.
        """
        minibatch = torch.bernoulli(grey, generator=self._generator)
        shape = (self.plan.k, len(grey), self.model.latent_dim)
        epsilon = torch.randn(shape, generator=self._generator, device=grey.device)
        own = self.team.part(minibatch), self.team.part(epsilon, dim=1)
        bound = bound_of(self.plan.bound, self._log_weights(*own)).sum()
        self.optimizer.zero_grad()
        (-self.team.summed(bound)).backward()
        self.optimizer.step()
        return bound.detach()


def active_units(model: VAE, digits: npt.NDArray) -> int:
    """Latent dimensions whose mean, E[u given x], varies over digits by more than 0.01.

    Args:
        model: with `encoder`.
        digits: as the model saw them, (n, height, width, channels).
    """
    with torch.inference_mode():
        mu, _ = model.encoder(to_tensor(digits, device_of(model)))
    return int((mu.var(0) > ACTIVE).sum())


def held_out(model: MLPVAE, digits: npt.NDArray, samples: int) -> dict[str, float]:
    """-L_samples, averaged over digits, its standard error, and active units.

    Args:
        model: in training or not.
        digits: held out, each pixel 0 or 1.
        samples: latent points a digit: 1, 5, 50, 500 or 5000.
    """
    parts = np.array_split(digits, math.ceil(len(digits) / 100))  # bounds the memory
    bounds = [
        evaluate_vae(model, part, samples, number).bounds[samples]
        for number, part in enumerate(parts)
    ]
    found = Estimate.of(-np.concatenate(bounds))
    return {
        "nll": round(found.mean, 3),
        "standard_error": round(found.standard_error, 3),
        "active_units": active_units(model, digits),
    }


def state_of(model: nn.Module, optimizer: torch.optim.Optimizer) -> Arrays:
    """All that changes from epoch to epoch, copied."""
    moments = {
        f"{number}.{name}": to_numpy(value).copy()
        for number, values in optimizer.state_dict()["state"].items()
        for name, value in values.items()
    }
    weights = with_prefix("model", export_weights(model))
    return weights | with_prefix("optimizer", moments)


def take_up(model: nn.Module, optimizer: torch.optim.Optimizer, arrays: Arrays) -> None:
    """Put what `state_of` gave into a model and its optimizer."""
    import_weights(model, without_prefix("model", arrays))
    state: dict[int, dict[str, Tensor]] = {}
    for key, array in without_prefix("optimizer", arrays).items():
        number, name = key.split(".")
        state.setdefault(int(number), {})[name] = torch.from_numpy(array.copy())
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": state, "param_groups": groups})


def train_row(
    plan: Plan, images: npt.NDArray, digits: npt.NDArray, team: Team = ALONE
) -> None:
    """Train a row, or go on with it; look at it now and then; measure it; record it.

    Args:
        plan: of the row.
        images: to train on, (n, 28, 28, 1), grey.
        digits: held out, each pixel 0 or 1.
        team: whose processes train it together; the first writes.
    """
    row = Row(plan, images, team)
    model, optimizer, device = row.model, row.optimizer, row.x.device
    checkpoints = Checkpoints(TRAINING / name_of(plan), keep=2)
    data = {"images": images, "digits": digits}
    run = describe({"plan": plan, "device": device.type} | data)

    def one_epoch(epoch: int) -> dict[str, float]:
        start, processor = time.perf_counter(), time.process_time()
        values = {"bound": row.train_epoch(epoch)}
        values["seconds"] = time.perf_counter() - start
        values["processor_seconds"] = time.process_time() - processor
        if epoch == 1 or epoch % EVERY == 0:
            look = {"epoch": epoch} | held_out(model, digits[::TENTH], LOOK_SAMPLES)
            values |= {f"look_{key}": value for key, value in look.items()}
        return values

    def lay_down(epoch: int, history: History) -> None:
        checkpoints.save(Checkpoint(epoch, state_of(model, optimizer), history, run))
        record_row(plan, history, device)

    with checkpoints.held() if team.is_first else nullcontext():
        done = None
        if checkpoints.steps():
            checkpoint = checkpoints.latest(run)
            take_up(model, optimizer, checkpoint.arrays)
            done = checkpoint.history
        after = lay_down if team.is_first else None
        history = run_epochs(plan.epochs, one_epoch, done=done, after=after)
    if not team.is_first:
        return
    size = {"samples": SAMPLES, "digits": len(digits)}
    measured = size | held_out(model, digits, SAMPLES)
    record_row(plan, history.require_complete(), device, measured)


def name_of(plan: Plan) -> str:
    """What a row is called in the record, such as "iwae-5"."""
    return f"{plan.bound}-{plan.k}"


def record_row(
    plan: Plan,
    history: History,
    device: torch.device,
    measured: dict[str, Any] | None = None,
) -> None:
    """Write what there is of a row; the others stay."""
    record = read_record()
    looks = {
        key.removeprefix("look_"): history[key] for key in history if "look_" in key
    }
    cuda = device.type == "cuda"
    record["rows"][name_of(plan)] = asdict(plan) | {
        "epochs": len(history),
        "of_epochs": plan.epochs,
        "device": torch.cuda.get_device_name(device) if cuda else machine(),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "seconds": round(sum(history["seconds"])),
        "processor_seconds": round(sum(history["processor_seconds"])),
        "training_bound": [round(value, 3) for value in history["bound"]],
        "looks": {"samples": LOOK_SAMPLES, "one_digit_in": TENTH} | looks,
        "measured": measured,  # None before the last epoch
    }
    save_record(RECORD, record)


def read_record() -> dict[str, Any]:
    """The record as it is, or one without rows."""
    if RECORD.exists():
        return json.loads(RECORD.read_text(encoding="utf-8"))
    return {
        "source": "Burda, Grosse and Salakhutdinov, 2016, table 1, MNIST, one "
        "stochastic layer",
        "unit": "nats an image, -log p of pixels drawn as Bernoulli",
        "network": "784-200-200-50-200-200-784, tanh, Glorot's first weights, output "
        "biases from the mean image",
        "published_protocol": {"passes": PASSES, "batch": 20, "rate": 1e-3},
        "published": PUBLISHED,
        "digits": "60,000 for training, pixels drawn anew at each visit; 10,000 held "
        "out, pixels drawn once",
        "optimizer": "Adam (0.9, 0.999), epsilon 1e-4 beside the gradient of the sum "
        "over a batch; stage i = 0 ... 7 has a share of 3^i passes, at the first rate "
        "times 10^(-i / 7)",
        "rows": {},
    }


def main() -> None:
    """Train what the command line names, or all rows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "rows", nargs="*", help=f"of {', '.join(PUBLISHED)}; {', '.join(ROWS)} if none"
    )
    for name, kind in Plan.__annotations__.items():
        if name not in ("bound", "k"):
            parser.add_argument(f"--{name}", type=kind, default=getattr(Plan, name))
    settings = vars(parser.parse_args())
    names = settings.pop("rows") or ROWS
    if unknown := set(names) - PUBLISHED.keys():
        parser.error(f"there is no row {unknown.pop()}")
    images = load_mnist("train", "full").x
    digits = binarize(load_mnist("test", "full").x, settings["seed"])
    team = Team.joined()
    for name in names:
        bound, k = name.split("-")
        train_row(Plan(bound, int(k), **settings), images, digits, team)
        if team.is_first:
            print(json.dumps(read_record()["rows"][name]["measured"]), flush=True)
    team.leave()


if __name__ == "__main__":
    main()
