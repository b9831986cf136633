"""Remedies against mode collapse: short changes to a step, or to a network.

Functions named `..._step` return a step for a `Recipe`. One remedy needs nothing from
here: its `averaging`, a running mean of the generator.
"""

from collections.abc import Callable, Sequence
from functools import cache

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.optim.swa_utils import AveragedModel

from course_utils.pytorch.game import Game
from course_utils.pytorch.gan import (
    Step,
    descend,
    discriminator_loss,
    generator_loss,
    input_gradient,
    relativistic_loss,
    zero_centred_penalty,
)
from course_utils.pytorch.networks import MLPDiscriminator, MLPGenerator
from course_utils.pytorch.training import train_gan
from course_utils.records.recipes import Recipe, falling


class WideGenerator(MLPGenerator):
    """A generator that starts wider than the data, and learns what to add.

    Latent points must have as many dimensions as the data. They are passed on, 1.5
    units of length wide, so that no mode is out of sight at the start.
    """

    def forward(self, z: Tensor) -> Tensor:
        """Latent points (n, dim) to samples (n, dim)."""
        return 1.5 * self.scale * z + super().forward(z)


def packed_step(samples: int) -> Step:
    """The step of PacGAN: the discriminator judges several samples together.

    Lin et al., 2018, https://arxiv.org/abs/1712.04086.

    Args:
        samples: in a pack; divides the batch. The discriminator's input has so many
            times the data's dimensions.
    """

    def step(generator, discriminator, real, z, generator_optimizer, d_optimizer):
        real, fake = (x.reshape(len(x) // samples, -1) for x in (real, generator(z)))
        d_loss = discriminator_loss(discriminator(real), discriminator(fake.detach()))
        descend(d_optimizer, d_loss)
        g_loss = generator_loss(discriminator(fake))
        descend(generator_optimizer, g_loss)
        return d_loss.detach(), g_loss.detach()

    return step


def relativistic_step(gamma: float | Sequence[float] | npt.NDArray) -> Step:
    """The penalized step with the relativistic loss.

    Sun, Fang and Schwing, 2020, https://arxiv.org/abs/2011.04926, prove that this loss
    has no bad basins in which modes are missing; Huang et al., 2024,
    https://arxiv.org/abs/2501.05441, join it with both penalties.

    Args:
        gamma: weight of the penalty, as in `penalized_step`; or one for each step of
            the game, as `falling` makes them, and then no game may be longer.
    """
    weight, longest = weight_by_step(gamma)

    def step(generator, discriminator, real, z, g_optimizer, d_optimizer, number=None):
        fake = generator(z)
        logits, gradient = input_gradient(discriminator, torch.cat([real, fake]))
        real_logits, fake_logits = logits.chunk(2)
        penalty = 2 * zero_centred_penalty(gradient)  # the sum of both means
        d_loss = relativistic_loss(real_logits, fake_logits)
        d_loss = d_loss + weight(real, number) / 2 * penalty
        descend(d_optimizer, d_loss)
        real_logits, fake_logits = discriminator(torch.cat([real, fake])).chunk(2)
        g_loss = relativistic_loss(fake_logits, real_logits)
        descend(g_optimizer, g_loss)
        return d_loss.detach(), g_loss.detach()

    # read by `play_rounds`; a type checker knows no attributes of functions
    step.longest_game = longest  # type: ignore[attr-defined]
    return step


def weight_by_step(
    gamma: float | Sequence[float] | npt.NDArray,
) -> tuple[Callable[[Tensor, Tensor | None], Tensor], int | None]:
    """The weight of a penalty, the same for all steps or one for each.

    Args:
        gamma: a number, or as many as there are steps.

    Returns:
        A function of a batch and the step's number, which gives the weight where the
        batch lies; and the length of the longest game, if there is an end.
    """
    gammas = torch.from_numpy(np.asarray(gamma, dtype=float).copy())
    moved = cache(gammas.to)  # to the data's device, once

    def weight(real: Tensor, number: Tensor | None) -> Tensor:
        here = moved(real.device, real.dtype)
        return here if number is None or not gammas.ndim else here.gather(0, number)

    return weight, len(gammas) if gammas.ndim else None


def whole_recipe(scale: float, steps: int) -> Recipe:
    """All that helps in one recipe; it wants a generator that starts wide.

    Pairs with a penalty, step sizes that fall (the discriminator's more slowly, so that
    it stays ahead), no momentum, and a running mean of the generator's weights. The
    settings were chosen on mixtures of narrow modes.

    Args:
        scale: the data's unit of length.
        steps: of the game.
    """
    return Recipe(
        relativistic_step(scale**2 * falling(2e-2, 2e-4, steps, hold=0.2)),
        learning_rate=falling(3e-3, 3e-5, steps, hold=0.25),
        discriminator_learning_rate=falling(3e-3, 3e-4, steps, hold=0.25),
        betas=(0.0, 0.99),
        averaging=0.999,
    )


def train_with_remedies(
    data: npt.NDArray, scale: float, steps: int, seed: int
) -> AveragedModel:
    """Play for points in the plane with all that helps, and return the mean generator.

    It is `whole_recipe` with a generator that starts wide.

    Args:
        data: points, (n, 2).
        scale: their unit of length.
        steps: how many; a multiple of 100.
        seed: of the data's order and the latent points; seed the networks before.

    Raises:
        IncompleteRunError: stopped in a notebook, since half a game is no result.
    """
    generator = WideGenerator(2, (64,) * 3, scale=scale)
    discriminator = MLPDiscriminator(2, (64,) * 4, scale=scale)
    game = Game(generator, discriminator, data, whole_recipe(scale, steps), seed)
    train_gan(game, steps).require_complete()
    return game.average  # type: ignore[return-value]  # this recipe has one
