"""Generative adversarial networks: one step of the game, training, samples."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.optim import Adam, Optimizer
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from course_utils.history import History
from course_utils.progress import not_finite, run_epochs
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
    batches,
    device_of,
    evaluating,
    to_images,
    to_numpy,
    to_tensor,
)

__all__ = [
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
    "train_gan",
    "zero_centred_penalty",
]

# generator, discriminator, real, z and the two optimizers, to the two losses.
Step = Callable[
    [nn.Module, nn.Module, Tensor, Tensor, Optimizer, Optimizer], tuple[Tensor, Tensor]
]


def descend(optimizer: Optimizer, loss: Tensor) -> None:
    """One step of an optimizer down the gradient of a loss, in its own parameters."""
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


def gan_step(
    generator: nn.Module,
    discriminator: nn.Module,
    real: Tensor,
    z: Tensor,
    generator_optimizer: Optimizer,
    discriminator_optimizer: Optimizer,
) -> tuple[Tensor, Tensor]:
    """One step of the discriminator, then one of the generator (alternating).

    Args:
        generator: latent points to samples.
        discriminator: samples to logits.
        real: as many samples of the data as there are latent points.
        z: latent points, (n, latent_dim).
        generator_optimizer: of the generator's parameters.
        discriminator_optimizer: of the discriminator's.

    Returns:
        The discriminator's and the generator's loss, each before its own step.
    """
    fake = generator(z)
    d_loss = discriminator_loss(discriminator(real), discriminator(fake.detach()))
    descend(discriminator_optimizer, d_loss)
    g_loss = generator_loss(discriminator(fake))
    descend(generator_optimizer, g_loss)
    return d_loss.detach(), g_loss.detach()


def averaged(generator: nn.Module, decay: float = 0.999) -> AveragedModel:
    """A twin of the generator that holds a running mean of its weights.

    Args:
        generator: the one that is trained.
        decay: share of the old mean that a step keeps; it remembers about
            1 / (1 - decay) steps. Yazici et al., 2019, https://arxiv.org/abs/1806.04498.
    """
    average = get_ema_multi_avg_fn(decay)
    return AveragedModel(generator, multi_avg_fn=average, use_buffers=True)


def falling(start: float, end: float, steps: int, hold: float = 0.0) -> npt.NDArray:
    """A value for each step: constant at first, then falling by an equal factor a step.

    Args:
        start: the first value.
        end: the last.
        steps: how many values.
        hold: share of the steps for which the value stays at `start`; below 1.
    """
    time = np.linspace(0, 1, steps)
    return start * (end / start) ** np.clip((time - hold) / (1 - hold), 0, 1)


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
    every: int = 100,
    watch: Callable[[int], None] | None = None,
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
        seed: of the order of the data and of all latent points.
        step: how one batch is played; see `gan_step`.
        batch_size: samples a step; never fewer.
        learning_rate: Adam's step size, or one for each step, as `falling` makes them.
        discriminator_learning_rate: the discriminator's, if it has another.
        betas: Adam's, for both.
        average: of `averaged(generator)`, updated after each step.
        every: steps for which one mean is recorded.
        watch: called with the number of steps so far, after every `every` of them, to
            draw or measure.

    Returns:
        Means over each `every` steps: `discriminator_loss` and `generator_loss`.

    Raises:
        TypeError, ValueError: unusable images, as `images.check_images`; fewer data
            than a batch; steps that `every` does not divide; not one learning rate
            for each step.
        FloatingPointError: a loss was not finite; the message names the step.
    """
    x = _tensor_of(data, generator)
    if len(x) < batch_size:
        raise ValueError(f"{len(x)} samples cannot fill a batch of {batch_size}.")
    if steps % every:
        raise ValueError(f"{steps} steps are no multiple of every={every}.")
    rng = torch.Generator(x.device).manual_seed(seed)
    optimizers = [
        Adam(network.parameters(), betas=betas, fused=True)
        for network in (generator, discriminator)
    ]
    if discriminator_learning_rate is None:
        discriminator_learning_rate = learning_rate
    rates = [
        _for_each_step(rate, steps)
        for rate in (learning_rate, discriminator_learning_rate)
    ]
    reals = _endless(x, batch_size, rng)
    generator.train()
    discriminator.train()

    def one_round(number: int) -> dict[str, float]:
        losses = []
        for t in range(every * (number - 1), every * number):
            for optimizer, rate in zip(optimizers, rates, strict=True):
                optimizer.param_groups[0]["lr"] = rate[t]
            real, z = next(reals), _latent(generator, batch_size, rng)
            losses.append(step(generator, discriminator, real, z, *optimizers))
            if average is not None:
                average.update_parameters(generator)
        means = _means(losses, every * (number - 1))
        if watch is not None:
            watch(every * number)
        return means

    return run_epochs(steps // every, one_round, unit="round")


@torch.inference_mode()
def generate(generator: nn.Module, z: npt.NDArray) -> npt.NDArray:
    """Samples of a generator in evaluation mode.

    Args:
        generator: with `latent_dim`, or an average of one.
        z: latent points, (n, latent_dim).

    Returns:
        Points (n, dimensions) as they are; images as NHWC in [0, 1].
    """
    points = torch.as_tensor(z, dtype=torch.float32, device=device_of(generator))
    with evaluating(generator):
        x = generator(points)
    return to_numpy(x) if x.ndim == 2 else to_images(0.5 * (x + 1))


def _tensor_of(data: npt.NDArray, generator: nn.Module) -> Tensor:
    """The data where the generator is: points as they are, images in [-1, 1]."""
    device = device_of(generator)
    if data.ndim == 2:
        return torch.as_tensor(data, dtype=torch.float32, device=device)
    return 2 * to_tensor(data, device) - 1


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


def _endless(x: Tensor, batch_size: int, rng: torch.Generator) -> Iterator[Tensor]:
    """Full batches, each pass over the data in a new order."""
    while True:
        for batch in batches(x, batch_size, rng):
            if len(batch) == batch_size:
                yield batch


def _latent(generator: nn.Module, n: int, rng: torch.Generator) -> Tensor:
    return torch.randn(n, generator.latent_dim, generator=rng, device=rng.device)


def _means(losses: list[tuple[Tensor, Tensor]], before: int) -> dict[str, float]:
    """Mean losses.

    Raises:
        FloatingPointError: a loss is not finite; the message names the step.
    """
    table = torch.stack([torch.stack(pair) for pair in losses]).cpu().double()
    finite = table.isfinite().all(1)
    if not finite.all():
        step = before + int(finite.logical_not().nonzero()[0]) + 1
        raise not_finite(step, "of the game")
    d_loss, g_loss = table.mean(0).tolist()
    return {"discriminator_loss": d_loss, "generator_loss": g_loss}
