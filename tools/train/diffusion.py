"""Train the small diffusion model of digits on all of MNIST; resumes where it was cut.

    COURSE_DATA_DIR=folder python tools/train/diffusion.py [--steps 6000]

An hour on one CPU core that multiplies in bfloat16. Checkpoints go to
.training/diffusion/ every 25 steps, and so does, in the end, the running mean of
the network's weights.
"""

import argparse
import math
from pathlib import Path

import numpy.typing as npt
import torch
from safetensors.numpy import save_file
from torch import Tensor

from course_utils.data.mnist import load_mnist
from course_utils.pytorch.device import (
    computing_in,
    pick_device,
    seed_everything,
    to_numpy,
    to_tensor,
)
from course_utils.pytorch.diffusion import spread_times, velocity_errors
from course_utils.pytorch.game import averaged, update_average
from course_utils.pytorch.unet import UNet
from course_utils.pytorch.weights import export_weights, import_weights
from course_utils.records.arrays import with_prefix, without_prefix
from course_utils.records.checkpoints import Arrays, Checkpoint, Checkpoints
from course_utils.records.files import replacing
from course_utils.records.history import History
from course_utils.records.progress import not_finite, run_epochs
from course_utils.records.runs import describe

TRAINING = Path(__file__).parents[2] / ".training" / "diffusion"
STEPS = 6_000
EVERY = 25  # steps of a round, of which the history has one mean and a checkpoint
SEED = 0
BATCH = 128
RATE = 1e-3
WARM = 100  # steps in which the rate rises
DECAY = 0.999  # of the running mean
UNTOLD = 0.1  # share of the digits whose class the network does not see
# In words, for the card.
RECIPE = (
    f"AdamW in batches of {BATCH}; learning rate up to {RATE:g} in {WARM} steps, then "
    f"to 0 along a cosine; v on the cosine path, times spread evenly over a batch; no "
    f"class for a share of {UNTOLD}; the running mean of the weights (decay {DECAY})"
)


class Training:
    """A network, its running mean and its optimizer: all that a training changes.

    Args:
        network: as `unet.UNet`, where it is to be trained; changed in place.
        x: images in [-1, 1] on that device, (n, channels, height, width).
        y: their classes, int64 (n,).
        steps: how many there will be, by which the learning rate falls to 0.
        seed: of all that is drawn.
        precision: as `device.computing_in`.
    """

    def __init__(
        self,
        network: UNet,
        x: Tensor,
        y: Tensor,
        steps: int,
        seed: int,
        precision: str = "auto",
    ) -> None:
        self.network, self.x, self.y, self.steps = network, x, y, steps
        self.precision = precision
        self.average = averaged(network, DECAY)
        self.optimizer = torch.optim.AdamW(network.parameters(), RATE, fused=True)
        self.rng = torch.Generator(x.device).manual_seed(seed)
        self.done = 0

    def run(self, steps: int) -> float:
        """So many steps; the mean squared error of v over them.

        Raises:
            FloatingPointError: it was not finite; the message names the step.
        """
        self.network.train()
        with computing_in(self.precision, self.network):
            losses = torch.stack([self._step() for _ in range(steps)])
        if not losses.isfinite().all():
            wrong = int(losses.isfinite().logical_not().nonzero()[0])
            raise not_finite(self.done - steps + wrong + 1, "of the training")
        return losses.double().mean().item()

    def _step(self) -> Tensor:
        device = self.x.device
        rows = torch.randint(len(self.x), (BATCH,), generator=self.rng, device=device)
        x, label = self.x[rows], self.y[rows]
        untold = torch.rand(BATCH, generator=self.rng, device=device) < UNTOLD
        label = label.masked_fill(untold, self.network.classes)
        t = spread_times(BATCH, self.rng)
        epsilon = torch.empty_like(x).normal_(generator=self.rng)

        def velocity(x_t: Tensor, times: Tensor) -> Tensor:
            return self.network(x_t, times, label)

        loss = velocity_errors(velocity, x, epsilon, t).mean()
        self.optimizer.param_groups[0]["lr"] = self._rate()
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        update_average(self.average, self.network, DECAY)
        self.done += 1
        return loss.detach()

    def _rate(self) -> float:
        """The learning rate: a short rise, then down to 0 along a cosine."""
        rise = min(1.0, (self.done + 1) / WARM)
        return RATE * rise * math.cos(math.pi / 2 * self.done / self.steps) ** 2

    def state(self) -> Arrays:
        """All that changes, as it is now."""
        arrays = {"rng": to_numpy(self.rng.get_state()).copy()}
        arrays |= with_prefix("network", export_weights(self.network))
        arrays |= with_prefix("average", export_weights(self.average))
        for number, moments in self.optimizer.state_dict()["state"].items():
            own = {name: to_numpy(value).copy() for name, value in moments.items()}
            arrays |= with_prefix(f"optimizer.{number}", own)
        return arrays

    def load_state(self, arrays: Arrays, done: int) -> None:
        """Take up what `state` gave after so many steps."""
        import_weights(self.network, without_prefix("network", arrays))
        import_weights(self.average, without_prefix("average", arrays))
        moments = {
            number: _like(parameter, without_prefix(f"optimizer.{number}", arrays))
            for number, parameter in enumerate(self.network.parameters())
        }
        groups = self.optimizer.state_dict()["param_groups"]
        self.optimizer.load_state_dict({"state": moments, "param_groups": groups})
        self.rng.set_state(torch.from_numpy(arrays["rng"].copy()))
        self.done = done


def _like(parameter: Tensor, moments: dict[str, npt.NDArray]) -> dict[str, Tensor]:
    """AdamW's moments of a parameter, in its order of axes, as the fused step needs."""
    found = {name: torch.from_numpy(value.copy()) for name, value in moments.items()}
    return {
        name: torch.empty_like(parameter).copy_(value) if value.ndim else value
        for name, value in found.items()
    }


def train(training: Training, checkpoints: Checkpoints, every: int) -> History:
    """Train to the end, or go on from the last checkpoint and then to the end.

    Args:
        training: as it was made the first time; changed in place.
        checkpoints: one is laid down after every `every` steps.
        every: a divisor of the training's steps.

    Returns:
        `loss`: means over each `every` steps.
    """
    settings = {
        "steps": training.steps,
        "every": every,
        "digits": to_numpy(training.x),
        "precision": training.precision,
        "recipe": [BATCH, RATE, WARM, DECAY, UNTOLD],
    }
    run = describe(settings)  # once: all images are in it
    with checkpoints.held():
        history = None
        if checkpoints.steps():
            last = checkpoints.latest(run)
            training.load_state(last.arrays, last.step)
            history = last.history

        def lay_down(number: int, history: History) -> None:
            state = training.state()
            checkpoints.save(Checkpoint(number * every, state, history, run))

        return run_epochs(
            training.steps // every,
            lambda _: {"loss": training.run(every)},
            f"{every} steps",
            history,
            lay_down,
        )


def train_on_mnist(steps: int = STEPS) -> tuple[UNet, History]:
    """Train on all of MNIST; the running mean of the network, on the CPU.

    Raises:
        IncompleteRunError: it was stopped before its end.
    """
    digits = load_mnist("train", "full")
    seed_everything(SEED)
    device = pick_device()
    network = UNet().to(device, memory_format=torch.channels_last)
    x = 2 * to_tensor(digits.x, device) - 1
    x = x.contiguous(memory_format=torch.channels_last)
    training = Training(network, x, torch.from_numpy(digits.y).to(device), steps, SEED)
    history = train(training, Checkpoints(TRAINING / "checkpoints"), EVERY)
    history.require_complete()
    return training.average.module.cpu(), history


def main() -> None:
    """Train on all of MNIST, and keep what came of it beside the checkpoints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=STEPS)
    network, history = train_on_mnist(parser.parse_args().steps)
    history.save(TRAINING / "history.json")
    with replacing(TRAINING / "average.safetensors") as temporary:
        save_file(export_weights(network), temporary)
    print(history, flush=True)


if __name__ == "__main__":
    main()
