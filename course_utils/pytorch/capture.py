"""Steps that a GPU repeats without the host: captured once, and replayed.

A small network's step is a hundred short kernels, and to launch them takes a GPU's host
longer than the kernels last. CUDA can record all launches of one step and send them off
as one: https://docs.pytorch.org/docs/stable/notes/cuda.html#cuda-graphs.
"""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

import torch
from torch import Tensor

Function = Callable[..., Tensor]

WARM_UP = 3  # plain calls first: libraries choose their kernels, optimizers their state


class Graph(Protocol):
    """What records a function of no arguments, on one kind of device."""

    def plainly(self, function: Callable[[], Tensor]) -> Tensor:
        """Call it, not recorded, as recording needs it before."""

    def record(self, function: Callable[[], Tensor]) -> Tensor:
        """Record it, without any effect; its result, which each replay overwrites.

        Raises:
            RuntimeError: it does what no graph can hold.
        """

    def replay(self) -> None:
        """Do again what was recorded, with the numbers that lie there now."""


class CudaGraph:
    """The launches of CUDA.

    Args:
        generator: from which the function draws, beside the device's own.
    """

    def __init__(self, generator: torch.Generator) -> None:
        self._stream = torch.cuda.Stream(generator.device)
        self._graph = torch.cuda.CUDAGraph()
        self._graph.register_generator_state(generator)

    def plainly(self, function: Callable[[], Tensor]) -> Tensor:
        """Call it on a stream beside the usual one."""
        usual = torch.cuda.current_stream(self._stream.device)
        self._stream.wait_stream(usual)
        with torch.cuda.stream(self._stream):
            result = function()
        usual.wait_stream(self._stream)
        return result

    def record(self, function: Callable[[], Tensor]) -> Tensor:
        """As `Graph.record`."""
        with torch.cuda.graph(self._graph):
            return function()

    def replay(self) -> None:
        """As `Graph.replay`."""
        self._graph.replay()


# What records on which type of device; on any other, steps run plainly.
GRAPHS: dict[str, Callable[[torch.Generator], Graph]] = {"cuda": CudaGraph}


@contextmanager
def uncaptured() -> Iterator[None]:
    """Inside, whatever begins to train runs plainly on all devices.

    For a model or a step whose Python code has to run at each step, and to compare.
    """
    before = dict(GRAPHS)
    GRAPHS.clear()
    try:
        yield
    finally:
        GRAPHS.update(before)


def captured(function: Function, generator: torch.Generator) -> Function:
    """The function, captured and replayed where its device can do that.

    Its first calls run plainly; then one is recorded. A call whose arguments have other
    shapes than the first one's, as the last batch of an epoch, always runs plainly. The
    numbers are those of the function itself, to rounding: what is random goes on where
    the generators stand.

    What is recorded is what the device does. Python runs no more: a number in it, such
    as a learning rate, stays as it was, so all that changes has to lie in tensors that
    are changed in place. A function that asks a tensor for its value, by `item` or
    `if`, cannot be recorded: it goes on plainly, after a warning. See `uncaptured`.

    Args:
        function: of tensors alone, to one tensor; it may change others in place.
        generator: from which it draws; its device is where all happens.
    """
    graph = GRAPHS.get(generator.device.type)
    return function if graph is None else _Captured(function, generator, graph)


class _Captured:
    """A function that is recorded when it is warm; arguments as in `captured`."""

    def __init__(
        self,
        function: Function,
        generator: torch.Generator,
        graph: Callable[[torch.Generator], Graph],
    ) -> None:
        self._function, self._graph = function, graph(generator)
        self._inputs: list[Tensor] = []
        self._result: Tensor | None = None
        self._to_warm_up = WARM_UP
        self._is_refused = False

    def __call__(self, *inputs: Tensor) -> Tensor:
        if not self._inputs:
            self._inputs = [torch.empty_like(given) for given in inputs]
        is_other = [i.shape for i in inputs] != [i.shape for i in self._inputs]
        if is_other or self._is_refused:
            return self._function(*inputs)
        if self._to_warm_up:
            self._to_warm_up -= 1
            return self._graph.plainly(lambda: self._function(*inputs))
        for place, given in zip(self._inputs, inputs, strict=True):
            place.copy_(given)
        if self._result is None:
            self._record()
        if self._result is None:
            return self._function(*inputs)
        self._graph.replay()
        return self._result.clone()

    def _record(self) -> None:
        try:
            self._result = self._graph.record(lambda: self._function(*self._inputs))
        except RuntimeError as error:
            self._is_refused = True
            warnings.warn(
                f"This step cannot be captured, and runs plainly: {error}",
                stacklevel=3,
            )
