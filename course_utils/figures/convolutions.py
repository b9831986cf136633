"""Convolutions as pictures: arrays of numbers in, a matplotlib Figure out.

What is drawn is computed elsewhere; here it is only laid out, and refused where the
numbers do not fit each other.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from course_utils.figures.pieces import sheet
from course_utils.figures.style import BARE, COLOURS
from course_utils.records.layers import LayerRow

CELL = 0.5  # inches
FIRST, LAST = COLOURS[0], COLOURS[1]
BOTH, SHARED = COLOURS[4], "#F6DDA8"
WORDS: dict[str, Any] = {"ha": "center", "va": "center"}


def strided_convolution(
    image: npt.NDArray, kernel: npt.NDArray, output: npt.NDArray, stride: int = 2
) -> Figure:
    """What a convolution with padding "same" adds up for its first and last output.

    Args:
        image: the numbers that go in, (n, n).
        kernel: the weights, (k, k).
        output: what comes out, (m, m) with m = n / stride, rounded up.
        stride: steps of the window.

    Raises:
        ValueError: the sizes do not belong to each other.
    """
    n, k = len(image), len(kernel)
    m = math.ceil(n / stride)
    if output.shape != (m, m) or image.shape != (n, n) or kernel.shape != (k, k):
        raise ValueError(
            f"A convolution of {image.shape} by {kernel.shape} with stride {stride} "
            f'and "same" padding gives {(m, m)}, not {output.shape}.'
        )
    before, after = same_padding(n, k, stride)
    side = n + before + after
    with plt.rc_context(BARE):
        figure, axes = sheet(4.3)
        left, top = 0.45, 4.2
        for row in range(side):
            for column in range(side):
                inside = before <= row < n + before and before <= column < n + before
                number = image[row - before, column - before] if inside else 0
                look = {} if inside else {"facecolor": "0.85", "linestyle": ":"}
                _cell(axes, (left, top), row, column, number, **look)
        for place, colour, dashes in _windows(m, stride):
            _frame(axes, (left, top), place, k, colour, dashes)
        _below(axes, (left, top), side, f"input {n} × {n},\ngrey: zeros added")
        middle = left + side * CELL + 0.7
        _numbers(axes, (middle, top - 1.0), kernel, f"kernel {k} × {k}")
        right = middle + k * CELL + 0.95
        _numbers(axes, (right, top - 1.0), output, f"output {m} × {m}")
        for end, colour, dashes in ((0, FIRST, "-"), (m - 1, LAST, "--")):
            _frame(axes, (right, top - 1.0), (end, end), 1, colour, dashes)
        _between(axes, middle - 0.35, top - 1.0 - k * CELL / 2, "×")
        _between(axes, right - 0.48, top - 1.0 - k * CELL / 2, "=")
    return figure


def transposed_convolution(
    numbers: npt.NDArray, kernel: npt.NDArray, output: npt.NDArray, stride: int = 2
) -> Figure:
    """How the first two numbers of a transposed convolution stamp their patches.

    Where stamps of several numbers lie on each other the output is shaded; zeros stamp
    nothing.

    Args:
        numbers: what goes in, (n, n).
        kernel: the weights of a stamp, (k, k).
        output: what comes out, (m, m) with m = n * stride.
        stride: how far apart stamps stand.

    Raises:
        ValueError: the sizes do not belong to each other.
    """
    n, k, m = len(numbers), len(kernel), len(numbers) * stride
    if output.shape != (m, m) or numbers.shape != (n, n) or kernel.shape != (k, k):
        raise ValueError(
            f"A transposed convolution of {numbers.shape} by {kernel.shape} with "
            f'stride {stride} and "same" padding gives {(m, m)}, not {output.shape}.'
        )
    with plt.rc_context(BARE):
        figure, axes = sheet(4.3)
        left, top = 0.45, 4.2
        _numbers(axes, (left, top - 0.75), numbers, f"input {n} × {n}")
        for column, colour, dashes in ((0, FIRST, "-"), (1, LAST, "--")):
            _frame(axes, (left, top - 0.75), (0, column), 1, colour, dashes)
        middle = left + n * CELL + 0.7
        _numbers(axes, (middle, top - 0.75), kernel, f"kernel {k} × {k}:\nthe stamp")
        right = middle + k * CELL + 0.95
        _cut_off(axes, (right, top), (n - 1) * stride + k)
        stamps = np.zeros(2 * ((n - 1) * stride + k,), dtype=int)
        for i, j in np.argwhere(numbers):
            stamps[stride * i : stride * i + k, stride * j : stride * j + k] += 1
        for row in range(m):
            for column in range(m):
                look = {"facecolor": SHARED} if stamps[row, column] > 1 else {}
                _cell(axes, (right, top), row, column, output[row, column], **look)
        for column, colour, dashes in ((0, FIRST, "-"), (stride, LAST, "--")):
            _frame(axes, (right, top), (0, column), k, colour, dashes)
        words = f"output {m} × {m}; shaded: added;\ngrey: cut off"
        _below(axes, (right, top), (n - 1) * stride + k, words)
        _between(axes, middle - 0.35, top - 0.75 - n * CELL / 2, "×")
        _between(axes, right - 0.48, top - 0.75 - n * CELL / 2, "→")
    return figure


def same_padding(n: int, k: int, stride: int) -> tuple[int, int]:
    """Rows of zeros that Keras's "same" puts before and after n rows.

    TensorFlow, https://www.tensorflow.org/api_docs/python/tf/nn#notes_on_padding_2.
    """
    total = max((math.ceil(n / stride) - 1) * stride + k - n, 0)
    return total // 2, total - total // 2


def network_maps(
    networks: Mapping[str, tuple[Sequence[int], Sequence[Sequence]]],
) -> Figure:
    """What the layers of networks put out, a network a row, with their weights.

    Maps are drawn as sheets of their size, vectors as bars. A layer without weights
    that only reshapes is drawn with its neighbour; one beside another, as a second
    head, joins that one.

    Args:
        networks: by name the shape of the input, and rows (name, output shape,
            parameters[, beside]) as `layer_table` returns them.

    Raises:
        ValueError: there is nothing to draw.
    """
    if not networks:
        raise ValueError("There are no networks to draw.")
    height = 2.4
    with plt.rc_context(BARE):
        figure, axes = sheet(height * len(networks))
        for place, (name, (shape, rows)) in enumerate(networks.items()):
            bottom = height * (len(networks) - 1 - place)
            _draw_network(axes, bottom, name, tuple(shape), rows)
    return figure


def steps_of(
    shape: tuple[int, ...], rows: Sequence[Sequence]
) -> list[tuple[tuple[int, ...], int, int]]:
    """What `network_maps` draws: shape, parameters and heads of each step."""
    steps = [(shape, 0, 1)]
    for row in map(lambda row: LayerRow(*row), rows):
        last, weights, heads = steps[-1]
        if row.beside:
            steps[-1] = last, weights + row.parameters, heads + 1
        elif not row.parameters and math.prod(row.shape) == math.prod(last):
            steps[-1] = max(last, row.shape, key=len), weights, heads
        else:
            steps.append((row.shape, row.parameters, 1))
    return steps


def _draw_network(
    axes: Axes,
    bottom: float,
    name: str,
    shape: tuple[int, ...],
    rows: Sequence[Sequence],
) -> None:
    steps = steps_of(shape, rows)
    total = sum(weights for _, weights, _ in steps)
    apart = 9 / len(steps)
    level, before = bottom + 1.12, 0.0
    axes.text(
        0.15, bottom + 2.2, f"{name}: {total:,} weights", va="center", fontsize=15
    )
    for place, (size, weights, heads) in enumerate(steps):
        x = (place + 0.5) * apart
        reach = _draw_output(axes, (x, level), size, heads)
        words = " + ".join([" × ".join(map(str, size))] * heads)
        axes.text(x, bottom + 0.18, words, **WORDS)
        if place:
            start, end = x - apart + before, x - reach
            arrow = {"arrowstyle": "-|>", "color": "black", "lw": 1.6}
            axes.annotate(
                "", (end - 0.07, level), (start + 0.07, level), arrowprops=arrow
            )
            axes.text((start + end) / 2, level + 0.2, f"{weights:,}", **WORDS)
        before = reach


def _draw_output(
    axes: Axes, middle: tuple[float, float], shape: tuple[int, ...], heads: int
) -> float:
    """One step's numbers; how far they reach to each side."""
    x, y = middle
    look: dict[str, Any] = {"edgecolor": "black", "linewidth": 1.3}
    if len(shape) == 1:
        tall = 0.08 + 0.1 * math.log2(1 + shape[0])
        for head in range(heads):
            low = y - tall / 2 + (head - (heads - 1) / 2) * (tall + 0.14)
            axes.add_patch(
                Rectangle((x - 0.09, low), 0.18, tall, facecolor=BOTH, **look)
            )
        return 0.09
    side = 0.15 + 0.75 * shape[0] / 28
    sheets = 1 if shape[-1] == 1 else 4
    step = 0.07
    for place in reversed(range(sheets)):
        shift = step * (place - (sheets - 1) / 2)
        corner = x - side / 2 + shift, y - side / 2 + shift
        axes.add_patch(Rectangle(corner, side, side, facecolor="0.9", **look))
    return side / 2 + step * (sheets - 1) / 2


def _windows(m: int, stride: int) -> list[tuple[tuple[int, int], str, str]]:
    last = (m - 1) * stride
    return [((0, 0), FIRST, "-"), ((last, last), LAST, "--")]


def _cell(
    axes: Axes,
    corner: tuple[float, float],
    row: int,
    column: int,
    number: float,
    **look: Any,
) -> None:
    """One number in its box; the corner is that of the grid, upper left."""
    x, y = corner[0] + column * CELL, corner[1] - (row + 1) * CELL
    style: dict[str, Any] = {"facecolor": "white", "edgecolor": "0.4", "linewidth": 1}
    axes.add_patch(Rectangle((x, y), CELL, CELL, **(style | look)))
    axes.text(x + CELL / 2, y + CELL / 2, f"{number:g}".replace("-", "−"), **WORDS)


def _numbers(
    axes: Axes, corner: tuple[float, float], numbers: npt.NDArray, words: str
) -> None:
    """A grid of numbers with words below."""
    for (row, column), number in np.ndenumerate(numbers):
        _cell(axes, corner, row, column, number)
    _below(axes, corner, len(numbers), words)


def _frame(
    axes: Axes,
    corner: tuple[float, float],
    place: tuple[int, int],
    side: int,
    colour: str,
    dashes: str,
) -> None:
    """A coloured frame around `side` cells each way, from `place` on."""
    row, column = place
    inset = 0.04
    x = corner[0] + column * CELL + inset
    y = corner[1] - (row + side) * CELL + inset
    length = side * CELL - 2 * inset
    look: dict[str, Any] = {"fill": False, "linewidth": 3.5}
    axes.add_patch(
        Rectangle((x, y), length, length, edgecolor=colour, linestyle=dashes, **look)
    )


def _cut_off(axes: Axes, corner: tuple[float, float], side: int) -> None:
    """Where stamps reach, `side` cells each way; numbers are drawn over most of it."""
    for row in range(side):
        for column in range(side):
            x, y = corner[0] + column * CELL, corner[1] - (row + 1) * CELL
            look: dict[str, Any] = {"facecolor": "0.85", "edgecolor": "0.4"}
            axes.add_patch(Rectangle((x, y), CELL, CELL, linestyle=":", **look))


def _below(axes: Axes, corner: tuple[float, float], side: int, words: str) -> None:
    x, y = corner[0] + side * CELL / 2, corner[1] - side * CELL - 0.1
    axes.text(x, y, words, ha="center", va="top", fontsize=14)


def _between(axes: Axes, x: float, y: float, sign: str) -> None:
    axes.text(x, y, sign, fontsize=24, **WORDS)
