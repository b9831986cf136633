"""Generative adversarial networks: training and samples; hands on the rest."""

import inspect
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from course_utils.checkpoints import Checkpoints
from course_utils.history import History
from course_utils.images import check_points
from course_utils.pytorch.dcgan import Discriminator, Generator, renormalize
from course_utils.pytorch.game import (
    Game,
    Step,
    averaged,
    descend,
    falling,
    gan_step,
    seeded,
    simultaneous_step,
)
from course_utils.pytorch.gan_formulas import (
    discriminator_loss,
    generator_loss,
    gradient_penalty,
    input_gradient,
    relativistic_loss,
    zero_centred_penalty,
)
from course_utils.pytorch.networks import MLPDiscriminator, MLPGenerator
from course_utils.pytorch.runtime import (
    autocast,
    device_of,
    evaluating,
    made_shape,
    to_images,
    to_numpy,
    to_tensor,
)
from course_utils.rounds import check_sizes, play_rounds
from course_utils.runs import as_one_number

__all__ = [
    "Discriminator",
    "Generator",
    "MLPDiscriminator",
    "MLPGenerator",
    "Step",
    "averaged",
    "descend",
    "falling",
    "discriminator_loss",
    "gan_step",
    "generate",
    "generator_loss",
    "gradient_penalty",
    "input_gradient",
    "relativistic_loss",
    "renormalize",
    "simultaneous_step",
    "train_gan",
    "zero_centred_penalty",
]

# Latent points that one pass through the generator takes: bounds the memory.
GENERATED_AT_ONCE = 500


def train_gan(
    generator: nn.Module,
    discriminator: nn.Module,
    data: npt.NDArray,
    steps: int,
    seed: int,
    *,
    step: Step = gan_step,
    batch_size: int = 256,
    learning_rate: float | Sequence[float] = 1e-3,
    discriminator_learning_rate: float | Sequence[float] | None = None,
    betas: tuple[float, float] = (0.5, 0.99),
    average: AveragedModel | None = None,
    precision: str = "float32",
    every: int = 100,
    watch: Callable[[int], None] | None = None,
    checkpoints: Checkpoints | None = None,
    resume: bool = False,
) -> History:
    """Let both networks play, by Adam, on the device where the generator is.

    Interrupted in a notebook, it keeps the networks as they are and returns what was
    finished.

    Args:
        generator: with `latent_dim`; changed in place.
        discriminator: changed in place.
        data: points, float (n, dimensions), as they are; or images, float32
            (n, height, width, channels) in [0, 1], which are shown to the
            discriminator in [-1, 1].
        steps: how many; a multiple of `every`.
        seed: of the order of the data, of all latent points, and of dropout.
        step: how one batch is played; see `gan_step`. If it has a seventh argument,
            `number`, it gets there which step of the game it is: 0 for the first, an
            int64 tensor that lies where the generator is.
        batch_size: samples a step, at least 2; never fewer.
        learning_rate: Adam's step size, or one for each step, as `falling` makes them.
        discriminator_learning_rate: the discriminator's, if it has another.
        betas: Adam's, for both.
        average: of `averaged(generator)`, updated after each step.
        precision: of the multiplications, as in `runtime.autocast`.
        every: steps for which one mean is recorded.
        watch: called with the number of steps so far, after every `every` of them, to
            draw or measure.
        checkpoints: where the game is laid down after every `every` steps.
        resume: take up the last complete one of `checkpoints`, and play on until there
            are `steps` in all; the result is the same as without the break. Data,
            networks and all that is set here must be as they were.

    Returns:
        Means over each `every` steps: `discriminator_loss` and `generator_loss`.

    Raises:
        TypeError, ValueError: unusable images, as `images.check_images`; fewer data
            than a batch; numbers that are not whole or too small; steps that `every`
            does not divide, or fewer than are done already; not one learning rate
            for each step, or a step whose schedule is too short.
        CheckpointError: nothing to resume, or another run; a folder that is in use, or
            cannot be written.
        FloatingPointError: a loss was not finite; the message names the step.
    """
    if discriminator_learning_rate is None:
        discriminator_learning_rate = learning_rate
    both = learning_rate, discriminator_learning_rate
    steps, every, batch_size, seed = check_sizes(steps, every, batch_size, seed)
    g_rates, d_rates = (_for_each_step(rate, steps) for rate in both)
    rates = list(zip(g_rates, d_rates, strict=True))
    x = _tensor_of(data, generator)
    game = Game(generator, discriminator, x, batch_size, seed, betas, average)
    settings = {
        "step": step,
        "learning_rate": as_one_number(g_rates),
        "discriminator_learning_rate": as_one_number(d_rates),
        "betas": betas,
        "average": average and _averaging(average),
        "precision": precision,
        "framework": "PyTorch",
        "device": x.device.type,
    }
    generator.train()
    discriminator.train()

    def losses_after(before: int) -> npt.NDArray:
        losses = []
        for t in range(before, before + every):
            with autocast(x.device, precision):
                losses.append(torch.stack(game.play(step, rates[t])))
        return to_numpy(torch.stack(losses))

    with seeded(x.device, seed):
        return play_rounds(
            game, losses_after, steps, every, watch, checkpoints, resume, settings
        )


@torch.inference_mode()
def generate(generator: nn.Module, z: npt.NDArray) -> npt.NDArray:
    """Samples of a generator in evaluation mode.

    Args:
        generator: with `latent_dim`, or an average of one.
        z: latent points, (n, latent_dim).

    Returns:
        Points (n, dimensions) as they are; images as NHWC in [0, 1].
    """
    check_points(z)
    dtype = next(generator.parameters()).dtype
    points = torch.from_numpy(np.array(z)).to(device_of(generator), dtype)
    with evaluating(generator):
        parts = [generator(part) for part in points.split(GENERATED_AT_ONCE)]
    x = torch.cat(parts)
    return to_numpy(x) if x.ndim == 2 else to_images(0.5 * (x + 1))


def _tensor_of(data: npt.NDArray, generator: nn.Module) -> Tensor:
    """The data where the generator is: points as they are, images in [-1, 1].

    Raises:
        TypeError, ValueError: unusable data, or others than the generator makes.
    """
    like = next(generator.parameters())
    shape = made_shape(generator, generator.latent_dim)
    if np.ndim(data) == 2:
        check_points(data, shape)
        return torch.from_numpy(np.array(data, dtype=np.float32)).to(like)
    return 2 * to_tensor(data, shape=shape).to(like) - 1


def _averaging(average: AveragedModel) -> Callable | str:
    """How an average is formed: a function, whose decay `runs.describe` finds."""
    function = average.multi_avg_fn or average.avg_fn
    return "equal shares" if function is None else inspect.unwrap(function)


def _for_each_step(rate: float | Sequence[float], steps: int) -> list[float]:
    """A learning rate for each step.

    Raises:
        ValueError: there are fewer or more than steps.
    """
    if np.ndim(rate) == 0:
        return [float(rate)] * steps
    if len(rate) != steps:
        raise ValueError(
            f"There are {len(rate)} learning rates for {steps} steps; pass one number, "
            "or one for each step."
        )
    return [float(value) for value in rate]
