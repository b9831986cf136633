"""The formulas of a GAN, on tensors: losses and penalties.

A discriminator gives logits: log D(x) - log(1 - D(x)) of the probability D(x) that x is
real. Losses are in nats, means over a batch.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_utils.shapes import check_same_shape


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
