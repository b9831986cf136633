"""What exercises in PyTorch need: tensors, and a look at gradients and networks."""

from collections.abc import Callable, Iterator, Mapping
from types import SimpleNamespace
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from course_utils.checks.calls import Refusal, as_numbers, in_words, line_of
from course_utils.checks.exercise import Call
from course_utils.checks.seen import (
    GRADIENT,
    HOOKS,
    IN_GRADIENT,
    Outputs,
    Seen,
    contents,
    workings,
)
from course_utils.checks.trial import CUT

Network = TypeVar("Network", bound=nn.Module)


def tensor(numbers: npt.ArrayLike) -> Tensor:
    """Numbers in single precision."""
    return torch.tensor(np.asarray(numbers), dtype=torch.float32)


def leaf(numbers: npt.ArrayLike) -> Tensor:
    """The same as a tensor that asks for gradients."""
    return tensor(numbers).requires_grad_()


def set_weights(network: Network, rng: np.random.Generator) -> Network:
    """Give a network standard normal weights; PyTorch's own numbers are left alone."""
    for parameter in network.parameters():
        parameter.data = torch.tensor(rng.normal(size=parameter.shape)).to(parameter)
    return network


class Halved(nn.Module):
    """Half of x in training, and x otherwise: dropout without chance.

    A network that has it shows in which mode it was called.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Shape as x."""
        return x / 2 if self.training else x


def with_gradients(network: Network, rng: np.random.Generator) -> Network:
    """Lay gradients into a network, as an earlier step leaves them."""
    for parameter in network.parameters():
        parameter.grad = torch.tensor(rng.normal(size=parameter.shape)).to(parameter)
    return network


def gradients(
    *positions: int,
) -> Callable[[Call, Mapping[str, Any]], tuple[Outputs, Seen]]:
    """A `watch` that follows gradients back to all arguments that ask for them.

    Args:
        *positions: of the values that are to have gradients, of all if none is given.
    """

    def watch(call: Call, arguments: Mapping[str, Any]) -> tuple[Outputs, Seen]:
        outputs, leaves = call(), dict(_leaves(arguments))
        names = list(outputs)
        seen: Seen = {}
        for what in [names[place] for place in positions] or names:
            found = _gradients(what, outputs[what], list(leaves.values()))
            for name, gradient in zip(leaves, found, strict=True):
                seen[f"{IN_GRADIENT} {what} in {name}"] = gradient
        return outputs, seen

    return watch


def _gradients(what: str, value: Any, leaves: list[Tensor]) -> list[npt.NDArray]:
    """Of a value's sum in each leaf; zeros where it has none.

    Raises:
        Refusal: it is no tensor, it has no graph, or that cannot be gone through.
    """
    if not isinstance(value, Tensor):
        sentence = f"for {what}, a Tensor is wanted, and {in_words(value)} came."
        raise Refusal("no tensor", sentence, CUT)
    if not value.requires_grad:
        raise Refusal("no graph", f"no gradient flows back from {what}.", CUT)
    try:
        with torch.enable_grad():
            found = torch.autograd.grad(
                value.sum(),
                leaves,
                retain_graph=True,  # others may ask the same graph
                allow_unused=True,
                materialize_grads=True,
            )
    except RuntimeError as error:
        words = f"{str(error).splitlines()[0][:200]}{line_of(error)}"
        raise Refusal("backward", f"backward from {what} stops: {words}") from error
    return [as_numbers("a gradient", gradient) for gradient in found]


def _leaves(thing: Any, name: str = "") -> Iterator[tuple[str, Tensor]]:
    """All tensors in a thing that ask for gradients, by name."""
    if isinstance(thing, Tensor):
        parts: Mapping[str, Any] = {}
        if thing.requires_grad:
            yield name, thing
    elif isinstance(thing, nn.Module):
        parts = dict(thing.named_parameters())
    elif isinstance(thing, SimpleNamespace):
        parts = vars(thing)
    elif isinstance(thing, list | tuple):
        parts = {str(place): value for place, value in enumerate(thing)}
    else:
        parts = thing if isinstance(thing, Mapping) else {}
    for inner, value in parts.items():
        yield from _leaves(value, f"{name}.{inner}".strip("."))


@contents.register
def _(thing: Tensor) -> Seen:
    """Its numbers, their bytes, whether it asks for gradients, and the one in it."""
    held = {"": as_numbers("a tensor", thing, flags=True)}
    held["dtype"] = np.array(float(thing.element_size()))
    held["requires_grad"] = np.array(float(thing.requires_grad))
    held[HOOKS] = np.array(float(len(thing._backward_hooks or ())))
    if not thing.is_leaf:
        return held
    gradient = torch.zeros_like(thing) if thing.grad is None else thing.grad
    return held | {GRADIENT: as_numbers("a gradient", gradient)}


@contents.register
def _(thing: nn.Module) -> Seen:
    """Its numbers without counts, how it works, and the gradients that lie in it."""
    tensors = dict(thing.named_parameters()) | dict(thing.named_buffers())
    tensors = {name: t for name, t in tensors.items() if t.is_floating_point()}
    held = contents(tensors)
    numbers = {name: held[name] for name in held if not name.endswith(GRADIENT)}
    return numbers | modes(thing) | held


def modes(network: nn.Module) -> Seen:
    """How each layer works: in which mode, with which settings, methods and hooks."""
    return {
        f"{name}.{what}".strip("."): how
        for name, layer in network.named_modules()
        for what, how in workings(layer).items()
    }


@contents.register
def _(thing: torch.optim.Optimizer) -> Seen:
    """What it remembers of its steps, and how it takes them."""
    memory, groups = thing.state_dict().values()
    steps = [{k: v for k, v in group.items() if k != "params"} for group in groups]
    return contents({"state": memory, "param_groups": steps}) | workings(thing)
