"""Checks of the exercises on lesson 8: what a step of the game must do in PyTorch."""

from copy import deepcopy
from typing import Any

import numpy as np
import numpy.typing as npt

from course_utils.checks.asking import Ask, asking

Expected = list[tuple[str, npt.NDArray, dict[str, npt.NDArray]]]
RATE = 0.3  # of plain gradient descent, under which a step shows its gradient


def check_alternating_step(alternating_step: Any, seed: int | None = None) -> None:
    """One step of each network, against gradients that the check takes itself.

    Args:
        alternating_step: of generator, discriminator, real (rows, 3), z (rows, 2) and
            both optimizers, generator's first; changes the networks, and returns the
            discriminator's and the generator's loss.
        seed: of the networks and rows.
    """
    import torch
    from torch.optim import SGD

    # A process's first optimizer imports for seconds: not on the student's clock.
    SGD([torch.zeros(1)], RATE)
    hint = "The networks give logits. And which weights may d_loss.backward() reach?"
    with asking(alternating_step, "alternating_step", hint, seed) as ask:
        for rows in (5, 1):
            generator, discriminator = (
                _network(ask, sizes) for sizes in ((2, 4, 3), (3, 4, 1))
            )
            real, z = _normal(ask, rows, 3), _normal(ask, rows, 2)
            game = generator, discriminator, real, z
            expected = _expected_step(*game, _leftover(ask, discriminator))
            expected += _expected_answer(*game, _leftover(ask, generator))
            weights = [list(n.parameters()) for n in (discriminator, generator)]
            tried = f"two small networks, {rows} rows, plain gradient descent"
            optimizers = [SGD(n.parameters(), RATE) for n in (generator, discriminator)]
            answer = ask.call(tried, *game, *optimizers)
            losses = ask.parts("The two losses", answer, 2)
            came = losses[0], weights[0], losses[1], weights[1]
            for value, (what, right, slips) in zip(came, expected, strict=True):
                if isinstance(value, list):
                    arrays = [ask.array(what, part) for part in value]
                    value = np.concatenate([array.ravel() for array in arrays])
                ask.close(f"{what} ({tried})", value, right, slips=slips)


def check_share_penalty(share_penalty: Any, seed: int | None = None) -> None:
    """R1 on some rows and its gradient, against the slope of a small network on paper.

    Args:
        share_penalty: of discriminator, real (rows, 1, 2, 3), gamma and share, to a
            tensor, a single number.
        seed: of the network and the images.
    """
    import torch

    hint = "Cut the rows first. Then: whose gradient, with respect to what?"
    with asking(share_penalty, "share_penalty", hint, seed) as ask:
        for rows, share in ((10, 0.3), (12, 0.5), (5, 1.0), (6, 0.05)):
            count = max(1, round(share * rows))
            discriminator = _network(ask, (6, 5, 1), torch.nn.Flatten())
            real, gamma = _normal(ask, rows, 1, 2, 3), float(ask.rng.uniform(2, 5))
            slopes = _slopes_on_paper(discriminator, real)
            right, slips = _expected_penalty(slopes, gamma, count)
            tried = f"{rows} rows, share {share}, gamma {gamma:.3g}"
            value = ask.call(tried, discriminator, real.clone(), gamma, share)
            value = ask.kind("the penalty", value, torch.Tensor)
            ask.close(f"the penalty ({tried})", value, _numbers(right), slips=slips)
            if any(p.grad is not None for p in discriminator.parameters()):
                ask.fail(
                    "the weights hold gradients now that the loss did not give them.",
                    "Another function of autograd returns gradients and leaves none.",
                )
            try:
                found = _gradient(value, discriminator)
            except RuntimeError:
                ask.fail(
                    "no gradient leads from the penalty to the weights.",
                    "A gradient can be differentiated again if its graph is kept.",
                )
            ask.close(
                f"the penalty's gradient in the weights ({tried})",
                found,
                _gradient(right, discriminator),
            )


def _normal(ask: Ask, *shape: int) -> Any:
    import torch

    return torch.tensor(ask.rng.normal(size=shape), dtype=torch.float32)


def _network(ask: Ask, sizes: tuple[int, int, int], *first: Any) -> Any:
    """A network with one hidden layer and the rng's weights."""
    from torch import nn

    inputs, hidden, outputs = sizes
    layers = nn.Linear(inputs, hidden), nn.Tanh(), nn.Linear(hidden, outputs)
    network = nn.Sequential(*first, *layers)
    for p in network.parameters():
        p.data = _normal(ask, *p.shape)
    return network


def _leftover(ask: Ask, network: Any) -> npt.NDArray:
    """Gradients of an earlier step, which lie in the network from now on."""
    for p in network.parameters():
        p.grad = _normal(ask, *p.shape)
    return np.concatenate([p.grad.numpy().ravel() for p in network.parameters()])


def _numbers(value: Any) -> npt.NDArray:
    return value.detach().numpy()


def _weights(network: Any) -> npt.NDArray:
    return np.concatenate([_numbers(p).ravel() for p in network.parameters()])


def _gradient(loss: Any, network: Any) -> npt.NDArray:
    """Of a loss in all weights of a network, one after the other."""
    import torch

    weights = list(network.parameters())
    options = {"retain_graph": True, "allow_unused": True, "materialize_grads": True}
    gradients = torch.autograd.grad(loss, weights, **options)
    return np.concatenate([_numbers(g).ravel() for g in gradients])


def _discriminator_loss(discriminator: Any, real: Any, fake: Any) -> Any:
    from torch.nn.functional import logsigmoid

    right_of_real = logsigmoid(discriminator(real)).mean()
    return -right_of_real - logsigmoid(-discriminator(fake)).mean()


def _expected_step(
    generator: Any, discriminator: Any, real: Any, z: Any, left: npt.NDArray
) -> Expected:
    """The discriminator's loss and its weights after its step: name, value, slips."""
    from torch.nn.functional import logsigmoid

    fake = generator(z)
    loss = _discriminator_loss(discriminator, real, fake)
    swapped = _discriminator_loss(discriminator, fake, real)
    slips = {
        "Which of the two does the discriminator want to call real?": swapped,
        "A mean over real rows and a mean over fake rows are added: no half.": loss / 2,
        "A mean over the rows, not a sum.": len(real) * loss,
        "The discriminator minimizes. Look at the sign.": -loss,
    }
    slope = _gradient(loss, discriminator)
    others = _gradient(-logsigmoid(discriminator(fake)).mean(), discriminator)
    moves = {
        "They went uphill.": -slope,
        "The generator's loss has left gradients in the discriminator.": slope + others,
        "One step a call, not two.": 2 * slope,
    }
    moves |= _usual_moves(slope, left)
    return _loss_and_weights("discriminator", discriminator, loss, slips, slope, moves)


def _expected_answer(
    generator: Any, discriminator: Any, real: Any, z: Any, left: npt.NDArray
) -> Expected:
    """The generator's loss and its weights after its step: name, value, slips."""
    import torch
    from torch.nn.functional import logsigmoid

    fake, moved = generator(z), deepcopy(discriminator)
    d_loss = _discriminator_loss(discriminator, real, fake)
    gradients = torch.autograd.grad(
        d_loss, list(discriminator.parameters()), retain_graph=True
    )
    for p, gradient in zip(moved.parameters(), gradients, strict=True):
        p.data -= RATE * gradient
    loss, stale = (-logsigmoid(d(fake)).mean() for d in (moved, discriminator))
    saturating = logsigmoid(-moved(fake)).mean()
    old = "Ask the discriminator again after its step: those are its old logits."
    sure = "That loss is flat where the discriminator is sure. Which one is not?"
    losses = {
        old: stale,
        sure: saturating,
        "That is what the discriminator minimizes: what should the generator call its "
        "fakes?": -saturating,
        "A mean over the rows, not a sum.": len(z) * loss,
    }
    slope, theirs = _gradient(loss, generator), _gradient(d_loss, generator)
    reached = "d_loss.backward() has reached the generator's weights. Cut it off there."
    both = "Gradients of an earlier step, and those of d_loss, were added."
    moves = {
        reached: slope + theirs,
        both: slope + theirs + left,
        old: _gradient(stale, generator),
        sure: _gradient(saturating, generator),
        "They went uphill.": -slope,
    }
    moves |= _usual_moves(slope, left)
    return _loss_and_weights("generator", generator, loss, losses, slope, moves)


def _usual_moves(slope: npt.NDArray, left: npt.NDArray) -> dict[str, npt.NDArray]:
    added = "The gradients of an earlier step lie there still, and were added."
    still = "They have not moved. Do gradients arrive, and who calls step()?"
    return {added: slope + left, still: 0 * slope}


def _loss_and_weights(
    whose: str,
    network: Any,
    loss: Any,
    losses: dict[str, Any],
    slope: npt.NDArray,
    moves: dict[str, npt.NDArray],
) -> Expected:
    """A network's loss and its weights after the step, with what mistakes give."""
    start = _weights(network)
    weights = {hint: start - RATE * move for hint, move in moves.items()}
    losses = {hint: _numbers(value) for hint, value in losses.items()}
    return [
        (f"the {whose}'s loss", _numbers(loss), losses),
        (f"the {whose}'s weights after the step", start - RATE * slope, weights),
    ]


def _slopes_on_paper(discriminator: Any, real: Any) -> Any:
    """The gradient of w tanh(W x + b) in x for each row, by the chain rule."""
    _, first, tanh, last = discriminator
    h = tanh(first(real.flatten(1)))
    return ((1 - h**2) * last.weight[0]) @ first.weight


def _expected_penalty(
    slopes: Any, gamma: float, count: int
) -> tuple[Any, dict[str, npt.NDArray]]:
    """The penalty, and what usual mistakes give."""
    squares = slopes.square().sum(1)
    right = gamma / 2 * squares[:count].mean()
    slips = {
        "gamma / 2 stands in front.": 2 * right,
        "gamma stands in front.": 2 * right / gamma,
        "That is the penalty of the whole batch.": gamma / 2 * squares.mean(),
        "The mean is over the rows that were measured.": right * count / len(slopes),
        "Each row's gradient is its own: differentiate a sum of logits.": (
            right / count**2
        ),
        "The length is squared in R1.": gamma / 2 * squares[:count].sqrt().mean(),
        "Over the pixels the squares are added: a squared length.": (
            right / slopes.shape[1]
        ),
        "Over the rows, R1 is a mean.": right * count,
    }
    return right, {hint: _numbers(value) for hint, value in slips.items()}
