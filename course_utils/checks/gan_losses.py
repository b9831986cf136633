"""Checks of the exercises on lesson 5 in PyTorch: losses and a step.

What they use on tensors and networks serves other checks in PyTorch as well.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from course_utils.checks.asking import Ask, asking

SURE = 1000.0  # a logit whose exponential overflows
RATE = 0.1
TOTAL = "Take a mean over the samples of a kind, not their sum."
APART = "Real and fake have a mean each, whatever their numbers."
LABELS = "Real logits should be high and fake ones low, says the discriminator."
FACTOR = "Two means are added, without a factor."
CUT = "Stay with tensors all the way: item, detach and NumPy cut the graph."


def gradients(
    ask: Ask, what: str, value: Any, inputs: Sequence[Any], hint: str = CUT
) -> Sequence[Any]:
    """The gradients of one number in the inputs; zero where it does not depend on one.

    Raises:
        NotYet: the value has no graph.
    """
    import torch

    try:
        return torch.autograd.grad(
            value, inputs, retain_graph=True, materialize_grads=True
        )
    except RuntimeError:
        ask.fail(f"no gradient passes through {what}.", hint)


def network(ask: Ask, inputs: int, outputs: int) -> Any:
    """A small network in float64; PyTorch's own random numbers are left alone."""
    import torch
    from torch import nn

    with torch.random.fork_rng(devices=[]):
        both = nn.Sequential(nn.Linear(inputs, 4), nn.Tanh(), nn.Linear(4, outputs))
    both.double()
    with torch.no_grad():
        for parameter in both.parameters():
            parameter.copy_(torch.tensor(ask.rng.normal(size=parameter.shape)))
    return both


def flat(tensors: Any) -> npt.NDArray[np.float64]:
    """All numbers of some tensors in one row."""
    rows = [tensor.detach().double().numpy().ravel() for tensor in tensors]
    return np.concatenate([np.empty(0), *rows])


class Descent:
    """Gradient descent that is used like one of PyTorch's optimizers.

    The first of theirs in a session imports for seconds.
    """

    def __init__(self, parameters: Iterable[Any]) -> None:
        self.param_groups = [{"params": list(parameters), "lr": RATE}]

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients."""
        for parameter in self.param_groups[0]["params"]:
            parameter.grad = None

    def step(self) -> None:
        """Go down the gradients that are there."""
        for parameter in self.param_groups[0]["params"]:
            if parameter.grad is not None:
                parameter.data -= RATE * parameter.grad


def check_losses(losses: Any, seed: int | None = None) -> None:
    """The losses of both players and their gradients, against NumPy.

    Args:
        losses: of tensors of real logits (n, 1) and fake logits (m, 1), to three
            tensors with one number each: the discriminator's loss, and the generator's
            saturating and non-saturating one.
        seed: of the inputs.
    """
    import torch

    hint = "log D and log(1 - D) are softplus functions of the logit, but for signs."
    with asking(losses, "losses", hint, seed) as ask:
        for n, m, kind in ((1, 2, torch.float64), (5, 3, torch.float32)):
            logits = [ask.rng.normal(0, 2, (size, 1)) for size in (n, m)]
            tensors = [torch.tensor(value, dtype=kind) for value in logits]
            _hold_losses(ask, f"n = {n} real and m = {m} fake logits", *tensors)
        both = torch.tensor([[SURE], [-SURE]])
        _hold_losses(ask, f"logits of {SURE:g} and -{SURE:g}", both, both.clone())


def _hold_losses(ask: Ask, tried: str, real: Any, fake: Any) -> None:
    """Ask for all three losses of these logits, and for their gradients."""
    import torch

    logits = [real.requires_grad_(), fake.requires_grad_()]
    answer = ask.parts("The losses", ask.call(tried, *logits), 3)
    r, f = (tensor.detach().double().numpy() for tensor in logits)
    names = ("discriminator's", "saturating", "non-saturating")
    slopes = (
        (-expit(-r) / len(r), expit(f) / len(f)),
        (0 * r, -expit(f) / len(f)),
        (0 * r, -expit(-f) / len(f)),
    )
    for name, value, (right, slips), expected in zip(
        names, answer, _losses_and_slips(r, f), slopes, strict=True
    ):
        what = f"the {name} loss ({tried})"
        ask.kind(what, value, torch.Tensor)
        ask.close(what, value, right, slips=slips)
        found = gradients(ask, what, value, logits)
        for kind, its, slope in zip(("real", "fake"), found, expected, strict=True):
            ask.close(f"the slope in the {kind} logits of {what}", its, slope)


def _softplus(t: npt.ArrayLike) -> npt.NDArray[np.float64]:
    return np.logaddexp(0, t)


def _losses_and_slips(r: npt.NDArray, f: npt.NDArray) -> Any:
    """The right value of each loss, and what usual mistakes give."""
    d = _softplus(-r).mean() + _softplus(f).mean()
    saturating, other = -_softplus(f).mean(), _softplus(-f).mean()
    d_slips = {
        TOTAL: _softplus(-r).sum() + _softplus(f).sum(),
        FACTOR: d / 2,
        APART: np.r_[_softplus(-r), _softplus(f)].mean(),
        LABELS: _softplus(r).mean() + _softplus(-f).mean(),
        "Log-probabilities are below 0 and this loss is above: look at the sign.": -d,
    }
    saturating_slips = {
        TOTAL: -_softplus(f).sum(),
        "The generator wants D of its fakes high. Does your loss fall then?": (
            -saturating
        ),
        "That is the non-saturating one: look at the order.": other,
    }
    other_slips = {
        TOTAL: _softplus(-f).sum(),
        "The generator wants D of its fakes high. Does your loss fall then?": -other,
        "That is the saturating one: look at the order.": saturating,
        "Not the other loss with another sign: its logarithm is one of D.": -saturating,
    }
    sigmoid = "These are logits, not probabilities, and softplus takes logits."
    d_slips[sigmoid] = _softplus(-expit(r)).mean() + _softplus(expit(f)).mean()
    saturating_slips[sigmoid] = -_softplus(expit(f)).mean()
    other_slips[sigmoid] = _softplus(-expit(f)).mean()
    return (d, d_slips), (saturating, saturating_slips), (other, other_slips)


def check_discriminator_turn(discriminator_turn: Any, seed: int | None = None) -> None:
    """A step of the discriminator alone, against autograd on the same networks.

    Args:
        discriminator_turn: of a generator and a discriminator, real samples (n, 2),
            latent points (m, 3), and the discriminator's optimizer, to the loss before
            the step. The discriminator is changed, and nothing else.
        seed: of the inputs.
    """
    import torch

    hint = "One loss from both kinds of samples, and three calls that make it a step."
    with asking(discriminator_turn, "discriminator_turn", hint, seed) as ask:
        for n, m in ((1, 2), (6, 4)):
            generator, discriminator = network(ask, 3, 2), network(ask, 2, 1)
            for parameter in discriminator.parameters():  # what another step left
                parameter.grad = torch.tensor(ask.rng.normal(size=parameter.shape))
            real, z = (torch.tensor(ask.rng.normal(size=s)) for s in ((n, 2), (m, 3)))
            fake = generator(z).detach()
            loss, slips, after, after_slips = _turn(discriminator, real, fake)
            before = flat(generator.parameters())
            optimizer = Descent(discriminator.parameters())
            tried = f"n = {n} real samples, m = {m} latent points"
            came = ask.call(tried, generator, discriminator, real, z, optimizer)
            ask.close(f"the loss ({tried})", came, loss, slips=slips)
            what = f"the discriminator's weights after the step ({tried})"
            moved = flat(discriminator.parameters())
            ask.close(what, moved, after, slips=after_slips)
            what = f"the generator's weights ({tried})"
            ask.close(what, flat(generator.parameters()), before)
            left = [p.grad for p in generator.parameters() if p.grad is not None]
            if flat(left).any():
                ask.fail(
                    f"gradients were left in the generator ({tried}).",
                    "The fakes still know who made them. What cuts that thread?",
                )


def _turn(discriminator: Any, real: Any, fake: Any) -> Any:
    """The loss, what usual mistakes give, and the same for the weights after a step."""
    import torch
    from torch.nn.functional import softplus

    r, f = discriminator(real), discriminator(fake)
    loss = softplus(-r).mean() + softplus(f).mean()
    others = {
        FACTOR: loss / 2,
        LABELS: softplus(r).mean() + softplus(-f).mean(),
        APART: torch.cat([softplus(-r), softplus(f)]).mean(),
        TOTAL: softplus(-r).sum() + softplus(f).sum(),
    }
    parameters = list(discriminator.parameters())
    before, old = flat(parameters), flat(p.grad for p in parameters)
    new = flat(torch.autograd.grad(loss, parameters, retain_graph=True))
    after_slips = {
        "Nothing moved: compute slopes, then let the optimizer step.": before,
        "Old slopes were there, and yours were added: which call clears them?": (
            before - RATE * (new + old)
        ),
        "It stepped along old slopes: which call computes new ones?": (
            before - RATE * old
        ),
        "It went uphill: this player's loss is to fall.": before + RATE * new,
    }
    slips = {hint: other.item() for hint, other in others.items()}
    return loss.item(), slips, before - RATE * new, after_slips
