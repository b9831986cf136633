"""Generative adversarial networks: losses, penalties, steps of the game, samples.

A discriminator gives logits: log D(x) - log(1 - D(x)) of the probability D(x) that x is
real. Losses are in nats, means over a batch.
"""

from collections.abc import Callable
from functools import partial

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import Optimizer

from course_utils.data.images import check_points
from course_utils.data.shapes import check_same_shape
from course_utils.pytorch.device import (
    device_of,
    evaluating,
    to_images,
    to_numpy,
)
from course_utils.records.recipes import Recipe, falling


def discriminator_loss(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """The cross-entropy -E log D(real) - E log(1 - D(fake)); ln 4 where D is 1/2.

    Goodfellow et al., 2014, https://arxiv.org/abs/1406.2661. Written with softplus, so
    that it is finite for any logit.
    """
    return F.softplus(-real_logits).mean() + F.softplus(fake_logits).mean()


def generator_loss(fake_logits: Tensor, kind: str = "non_saturating") -> Tensor:
    """What the generator minimizes, from the discriminator's logits of its samples.

    Args:
        fake_logits: any shape.
        kind: "non_saturating", -E log D(fake), as everyone trains; or "saturating",
            E log(1 - D(fake)), the generator's part of the zero-sum game, whose
            gradient vanishes where the discriminator is sure (section 3 of the same).

    Raises:
        ValueError: another kind.
    """
    if kind == "non_saturating":
        return F.softplus(-fake_logits).mean()
    if kind == "saturating":
        return -F.softplus(fake_logits).mean()
    raise ValueError(f'kind is {kind!r}; it must be "non_saturating" or "saturating".')


def input_gradient(discriminator: nn.Module, x: Tensor) -> tuple[Tensor, Tensor]:
    """The logits of x and their gradients in x, through which a penalty can be trained.

    Each row's gradient is its own only if the network treats rows apart (no batch
    normalization in training mode).

    Args:
        discriminator: x to logits.
        x: shape (n, ...); nothing is passed on to what made it.

    Returns:
        The logits, and the gradients, shaped as x.
    """
    x = x.detach().requires_grad_()
    logits = discriminator(x)
    (gradient,) = torch.autograd.grad(logits.sum(), x, create_graph=True)
    return logits, gradient


def zero_centred_penalty(gradient: Tensor) -> Tensor:
    """Mean squared length of the gradients: R1 on real data, R2 on fake.

    Its weight, gamma / 2, carries the square of the data's unit of length.
    Mescheder, Geiger and Nowozin, 2018, https://arxiv.org/abs/1801.04406.
    """
    return gradient.square().flatten(1).sum(1).mean()


def gradient_penalty(gradient: Tensor) -> Tensor:
    """Mean squared deviation of the gradients' lengths from 1, as WGAN-GP wants it.

    Gulrajani et al., 2017, https://arxiv.org/abs/1704.00028.
    """
    return (gradient.flatten(1).norm(dim=1) - 1).square().mean()


def relativistic_loss(winner: Tensor, loser: Tensor) -> Tensor:
    """Mean of -log sigmoid(winner - loser): real and fake are compared in pairs.

    The discriminator minimizes it with the real logits as the winner, the generator
    with the fake ones. Jolicoeur-Martineau, 2018, https://arxiv.org/abs/1807.00734.
    """
    check_same_shape(winner=winner, loser=loser)
    return F.softplus(loser - winner).mean()


# generator, discriminator, real, z and the two optimizers, to the two losses; a step
# may have a seventh argument, `number`, and gets there which step of the game it is.
Step = Callable[..., tuple[Tensor, Tensor]]


def descend(optimizer: Optimizer, loss: Tensor) -> None:
    """One step of an optimizer down the gradient of a loss, in its own parameters."""
    optimizer.zero_grad()
    (group,) = optimizer.param_groups
    loss.backward(inputs=group["params"])
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


def simultaneous_step(
    generator: nn.Module,
    discriminator: nn.Module,
    real: Tensor,
    z: Tensor,
    generator_optimizer: Optimizer,
    discriminator_optimizer: Optimizer,
) -> tuple[Tensor, Tensor]:
    """One step of both networks from the same state; otherwise as `gan_step`."""
    fake_logits = discriminator(generator(z))
    d_loss = discriminator_loss(discriminator(real), fake_logits)
    g_loss = generator_loss(fake_logits)
    discriminator_optimizer.zero_grad()
    generator_optimizer.zero_grad()
    d_loss.backward(inputs=list(discriminator.parameters()), retain_graph=True)
    g_loss.backward(inputs=list(generator.parameters()))
    discriminator_optimizer.step()
    generator_optimizer.step()
    return d_loss.detach(), g_loss.detach()


def penalized_step(gamma: float) -> Step:
    """The step with a zero-centred penalty on real and on fake data (R1 and R2).

    Mescheder, Geiger and Nowozin, 2018, https://arxiv.org/abs/1801.04406.

    Args:
        gamma: weight of the penalty, in squared units of the data's length.
    """

    def step(generator, discriminator, real, z, generator_optimizer, d_optimizer):
        fake = generator(z)
        logits, gradient = input_gradient(discriminator, torch.cat([real, fake]))
        real_logits, fake_logits = logits.chunk(2)
        penalty = 2 * zero_centred_penalty(gradient)  # the sum of both means
        d_loss = discriminator_loss(real_logits, fake_logits) + gamma / 2 * penalty
        descend(d_optimizer, d_loss)
        g_loss = generator_loss(discriminator(fake))
        descend(generator_optimizer, g_loss)
        return d_loss.detach(), g_loss.detach()

    return step


def real_penalty_step(gamma: float, share: float = 1.0) -> Step:
    """The step with a zero-centred penalty on real data alone (R1).

    Mescheder, Geiger and Nowozin, 2018, https://arxiv.org/abs/1801.04406.

    Args:
        gamma: weight of the penalty, in squared units of the data's length.
        share: of a batch on which the penalty is measured: a noisier mean of the same
            quantity, for less work; at least one sample.
    """

    def step(generator, discriminator, real, z, generator_optimizer, d_optimizer):
        fake = generator(z)
        rows = max(1, round(share * len(real)))
        _, gradient = input_gradient(discriminator, real[:rows])
        penalty = gamma / 2 * zero_centred_penalty(gradient)
        d_loss = discriminator_loss(discriminator(real), discriminator(fake.detach()))
        descend(d_optimizer, d_loss + penalty)
        g_loss = generator_loss(discriminator(fake))
        descend(generator_optimizer, g_loss)
        return d_loss.detach(), g_loss.detach()

    return step


# Latent points that one pass through the generator takes: bounds the memory.
GENERATED_AT_ONCE = 500


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


# The shipped DCGAN's (its card is weights/dcgan.json), and the lecture's beside it.
DCGAN_RECIPE = Recipe(
    real_penalty_step(gamma=1.0, share=0.25),
    batch_size=128,
    learning_rate=partial(falling, 2e-4, 1e-5, hold=0.5),
    betas=(0.5, 0.999),
    averaging=0.999,
    precision="bfloat16",
)
LECTURES_RECIPE = Recipe(
    simultaneous_step, learning_rate=1e-4, betas=(0.9, 0.999), precision="bfloat16"
)
