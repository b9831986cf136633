"""Checks of the exercises on lesson 6 in PyTorch: remedies against mode collapse."""

from typing import Any

import numpy as np
import numpy.typing as npt

from course_utils.checks.asking import asking
from course_utils.checks.gan_losses import flat, gradients, network


def check_pack(pack: Any, seed: int | None = None) -> None:
    """Neighbours of a batch joined for the discriminator, against a loop.

    Args:
        pack: of a tensor, points (n, d) or images (n, channels, height, width), and
            the size of a pack, to (n / size, size * d) or (n / size, size * channels,
            height, width).
        seed: of the inputs.
    """
    import torch

    hint = (
        "Which axis gets shorter, and which longer? No number changes its neighbours."
    )
    with asking(pack, "pack", hint, seed) as ask:
        for shape, size in (
            ((3, 2), 1),
            ((2, 3), 2),
            ((6, 2), 3),
            ((6, 2, 3, 4), 2),
        ):
            x = ask.rng.normal(size=shape)
            tensor = torch.tensor(x, requires_grad=True)
            tried = f"a batch of shape {shape}, {size} in a pack"
            packed = ask.call(tried, tensor, size)
            what = f"the packs ({tried})"
            ask.kind(what, packed, torch.Tensor)
            right = _packed(x, size)
            ask.close(what, packed, right, slips=_pack_slips(x, size))
            weights = ask.rng.normal(size=right.shape)
            slope = np.empty(x.size)
            slope[_packed(np.arange(x.size).reshape(shape), size)] = weights
            (found,) = gradients(
                ask, what, (packed * torch.tensor(weights)).sum(), [tensor]
            )
            ask.close(f"the gradient of {what}", found, slope.reshape(shape))


def _packed(x: npt.NDArray, size: int) -> npt.NDArray:
    starts = range(0, len(x), size)
    return np.stack([np.concatenate(x[start : start + size]) for start in starts])


def _pack_slips(x: npt.NDArray, size: int) -> dict[str, npt.NDArray]:
    """Packs that are put together in other ways."""
    parts = np.split(x, size)
    return {
        "Those are not neighbours: a part of the batch was laid beside another.": (
            np.concatenate(parts, axis=1)
        ),
        "Coordinates are mixed: a sample comes whole, then the next one.": np.stack(
            [x[start::size] for start in range(size)], axis=2
        ).reshape(_packed(x, size).shape),
        "Images stay images: only their channels are joined.": (
            x.reshape(len(x) // size, -1)
        ),
        "Each pack has several samples, not one of them several times.": np.repeat(
            x[: len(x) // size], size, axis=1
        ),
    }


def check_running_mean(running_mean: Any, seed: int | None = None) -> None:
    """A running mean of a network's weights, against the same sum in NumPy.

    Args:
        running_mean: of a network, a function that trains it by one step in place, how
            many steps, and the decay, to another network with the mean of the weights.
        seed: of the inputs.
    """
    from torch import nn

    hint = "Start from a copy. After each step keep the share `decay` of what it holds."
    with asking(running_mean, "running_mean", hint, seed) as ask:
        for steps, decay in ((3, 0.75), (1, 0.9)):
            generator = network(ask, 2, 2)
            start = flat(generator.parameters())
            moves = ask.rng.normal(size=(steps, len(start)))
            path = start + np.cumsum(np.r_[[0 * start], moves], axis=0)
            asked: list[Any] = []  # once for each call of train
            train = _trainer(moves, asked)
            tried = f"{steps} steps, decay {decay:g}"
            mean = ask.call(tried, generator, train, steps, decay)
            ask.kind(f"the mean ({tried})", mean, nn.Module)
            if len(asked) != steps:
                ask.fail(f"train was called {len(asked)} times ({tried}).")
            what = f"the generator's weights afterwards ({tried})"
            slips = {"Train the generator, not its mean.": start}
            ask.close(what, flat(generator.parameters()), path[-1], slips=slips)
            right, slips = _mean_and_slips(path, decay)
            its = flat(mean.parameters())
            ask.close(f"the weights of the mean ({tried})", its, right, slips=slips)


def _trainer(moves: npt.NDArray, asked: list[Any]) -> Any:
    """A function that moves a network's weights, in place, as an optimizer does."""
    import torch

    def train(generator: Any) -> None:
        asked.append(generator)
        if len(asked) <= len(moves):
            ends = np.cumsum([p.numel() for p in generator.parameters()])[:-1]
            pieces = np.split(moves[len(asked) - 1], ends)
            for parameter, piece in zip(generator.parameters(), pieces, strict=True):
                parameter.data += torch.tensor(piece).reshape(parameter.shape)

    return train


def _mean_and_slips(
    path: npt.NDArray, decay: float
) -> tuple[npt.NDArray, dict[str, npt.NDArray]]:
    """The running mean along a path of weights, and what usual mistakes give."""

    def along(points, keep, start):
        for weights in points:
            start = keep * start + (1 - keep) * weights
        return start

    right = along(path[1:], decay, path[0])
    return right, {
        "The mean is the last generator: a second name for a network is no copy.": (
            path[-1]
        ),
        "The mean did not move. A new value for a name changes no weights.": path[0],
        "decay is what is kept, not what comes in.": along(
            path[1:], 1 - decay, path[0]
        ),
        "All steps have one weight in yours. Old ones should fade.": path[1:].mean(0),
        "Start from the generator's first weights, not from zero.": (
            along(path[1:], decay, 0 * path[0])
        ),
        "Your start moved along with the weights: keep a copy of the numbers.": (
            along(path[2:], decay, path[1])
        ),
        "The last step is missing: first train, then average.": (
            along(path[:-1], decay, path[0])
        ),
    }


def check_slope_penalty(slope_penalty: Any, seed: int | None = None) -> None:
    """A zero-centred penalty and its gradient in the weights, against the chain rule.

    Args:
        slope_penalty: of a discriminator and a tensor x, (n, d) or (n, channels,
            height, width), to a tensor with one number: the mean over samples of the
            squared length of the logit's gradient in x.
        seed: of the inputs.
    """
    import torch
    from torch import nn

    hint = "One gradient for each sample, its squared length, and a mean over samples."
    graph = (
        "It is to be trained through: autograd has to keep the gradient's own graph."
    )
    with asking(slope_penalty, "slope_penalty", hint, seed) as ask:
        for shape in ((1, 3), (4, 2), (3, 2, 2, 2)):
            layers = network(ask, int(np.prod(shape[1:])), 1)
            discriminator = nn.Sequential(nn.Flatten(), *layers)
            x = torch.tensor(ask.rng.normal(size=shape))
            tried = f"x of shape {shape}"
            value = ask.call(tried, discriminator, x.clone())
            what = f"the penalty ({tried})"
            ask.kind(what, value, torch.Tensor)
            slopes, logits = _slopes(layers, x.flatten(1))
            right = slopes.square().sum() / len(x)
            slips = _penalty_slips(
                *(values.detach().numpy() for values in (slopes, logits)), shape
            )
            ask.close(what, value, right.item(), slips=slips)
            weights = list(layers.parameters())
            found = gradients(ask, what, value, weights, graph)
            expected = gradients(ask, what, right, weights)
            what = f"the gradient in the weights of {what}"
            ask.close(what, flat(found), flat(expected), slips={graph: 0 * flat(found)})
            if any(weight.grad is not None for weight in weights):
                ask.fail(
                    "the call left gradients in the discriminator's weights.",
                    "backward writes everywhere; autograd.grad returns one gradient.",
                )


def _slopes(layers: Any, x: Any) -> tuple[Any, Any]:
    """Gradients of the logits in x, (n, d), by the chain rule, and the logits."""
    first, tanh, last = layers
    hidden = tanh(first(x))
    return (last.weight * (1 - hidden**2)) @ first.weight, last(hidden)


def _penalty_slips(
    slopes: npt.NDArray, logits: npt.NDArray, shape: tuple[int, ...]
) -> dict[str, float]:
    """What usual mistakes give."""
    squares = (slopes**2).sum(1)
    D = 1 / (1 + np.exp(-logits))
    return {
        "Lengths are squared before their mean is taken.": np.sqrt(squares).mean(),
        "A squared length is a sum over coordinates, no mean.": (slopes**2).mean(),
        "A length runs over all axes of a sample: three of them in an image.": (
            (slopes.reshape(shape) ** 2).sum(1).mean()
        ),
        "Take a mean over the samples, not their sum.": squares.sum(),
        "This one pulls lengths to 1. Ours pulls them to 0.": (
            ((np.sqrt(squares) - 1) ** 2).mean()
        ),
        "Each sample has a length of its own: square before you average.": (
            (slopes.mean(0) ** 2).sum()
        ),
        "Differentiate the sum of the logits: a mean divides each slope by n.": (
            squares.mean() / len(slopes) ** 2
        ),
        "That is the slope of D. The logit is what is asked for.": (
            ((slopes * D * (1 - D)) ** 2).sum(1).mean()
        ),
        "gamma and its 1/2 are the caller's.": squares.mean() / 2,
    }
