"""The layers of a network as rows of a table, whichever framework it is made in."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple


class LayerRow(NamedTuple):
    """One layer of a network.

    Attributes:
        name: what the layer is called, and its kind.
        shape: of its output for one input, in the framework's own layout.
        parameters: how many numbers it learns.
        beside: whether it takes the same input as the row before, like the second of
            two heads, and not that row's output.
    """

    name: str
    shape: tuple[int, ...]
    parameters: int
    beside: bool = False


def layer_text(rows: Iterable[Sequence]) -> str:
    """Layers as text: name, output shape, parameters, and at the end their sum.

    Args:
        rows: (name, output shape, parameters), or `LayerRow`.
    """
    layers = [LayerRow(*row) for row in rows]
    cells = [("layer", "output shape", "parameters")]
    cells += [
        (row.name, shape_text(row.shape), f"{row.parameters:,}") for row in layers
    ]
    cells.append(("sum", "", f"{sum(row.parameters for row in layers):,}"))
    name, shape, count = (max(map(len, column)) for column in zip(*cells, strict=True))
    lines = [f"{a:<{name}}  {b:>{shape}}  {c:>{count}}" for a, b, c in cells]
    rule = "-" * len(lines[0])
    return "\n".join([lines[0], rule, *lines[1:-1], rule, lines[-1]])


def shape_text(shape: Sequence[int]) -> str:
    """(28, 28, 1) as "28 x 28 x 1"."""
    return " x ".join(map(str, shape))
