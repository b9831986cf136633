"""The layers of a network as a diagram."""

import math
from collections.abc import Sequence
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from course_utils.figures.style import STYLE
from course_utils.records.layers import LayerRow, shape_text


def network_diagram(layers: Sequence[Sequence], title: str = "") -> Figure:
    """The layers of a network from top to bottom, as boxes.

    The wider a box, the more numbers its layer puts out, by their logarithm. A layer
    that takes the same input as the one before stands beside it. A tall stack has flat
    boxes with one line of text, so that it fits a slide with letters that can be read.

    Args:
        layers: rows (name, output shape, parameters), or `LayerRow`, as the
            `layer_table` of either wing returns them.
        title: above the diagram.

    Raises:
        ValueError: there are no layers.
    """
    if not layers:
        raise ValueError("There are no layers to draw.")
    rows = [LayerRow(*row) for row in layers]
    levels: list[list[LayerRow]] = []
    for row in rows:
        if row.beside and levels:
            levels[-1].append(row)
        else:
            levels.append([row])
    widest = max(math.log2(1 + math.prod(row.shape)) for row in rows)
    with plt.rc_context(STYLE):
        # seven boxes of full height would be taller than a slide
        flat = len(levels) > 6 and all(len(level) == 1 for level in levels)
        inches = 0.52 if flat else 0.9
        figure, axes = plt.subplots(figsize=(9, inches * len(levels) + 0.6))
        axes.set(xlim=(-1, 1), ylim=(0.5 - len(levels), 0.5), title=title)
        axes.axis("off")
        for depth, level in enumerate(levels):
            for place, row in enumerate(level):
                x = (2 * place + 1) / len(level) - 1
                share = math.log2(1 + math.prod(row.shape)) / widest
                width = 0.95 * (1 + share) / len(level)
                _draw_layer(axes, row, (x, -depth), width, ",  " if flat else "\n")
                if depth:
                    start, end = (x / 2, 0.7 - depth), (x, 0.3 - depth)
                    axes.annotate("", end, start, arrowprops={"arrowstyle": "->"})
    plt.close(figure)
    return figure


def _draw_layer(
    axes: Axes, row: LayerRow, middle: tuple[float, float], width: float, between: str
) -> None:
    """One box of a network's diagram, with its text; `between` follows the name."""
    x, y = middle
    corner = x - width / 2, y - 0.3
    grey: dict[str, Any] = {"facecolor": "0.92", "edgecolor": "black"}
    axes.add_patch(Rectangle(corner, width, 0.6, **grey))
    size = f"{shape_text(row.shape)},  {row.parameters:,} parameters"
    axes.text(x, y, f"{row.name}{between}{size}", ha="center", va="center", fontsize=14)
