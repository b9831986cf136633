"""Settings that nobody types: where they sit in a generator, and what they do.

Arrays in, a matplotlib Figure out. Each setting has one colour in all pictures. Figures
are closed before they are returned.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from course_utils.figures.convolutions import SHARED
from course_utils.figures.pieces import (
    LOOK,
    Part,
    compute,
    draw,
    line,
    rounded,
    sheet,
    write,
)
from course_utils.figures.style import BARE, COLOURS, tile

SLOPE, PADDING, FOLDING, EPSILON = COLOURS[1], COLOURS[2], "#9A4A78", COLOURS[0]
KEPT, CUT = "white", "0.72"
GREY_LEVEL = 1 / 255

Row = tuple[str, str]  # words, and their colour


def where_settings_sit() -> Figure:
    """The generator from z to an image; each setting, in its colour, where it acts."""
    stages: list[tuple[str, list[Row]]] = [
        (
            "7 · 7 · 256",
            [("dense", "black"), ("norm: epsilon", EPSILON), ("leaky: slope", SLOPE)],
        ),
        (
            "7 × 7 × 128",
            [("stamps", "black"), ("norm: epsilon", EPSILON), ("leaky: slope", SLOPE)],
        ),
        (
            "14 × 14 × 64",
            [
                ("stamps: padding", PADDING),
                ("norm: epsilon", EPSILON),
                ("leaky: slope", SLOPE),
            ],
        ),
        ("28 × 28 × 1", [("stamps: padding", PADDING), ("tanh", "black")]),
    ]
    with mpl.rc_context(LOOK):
        figure, paper = sheet(3.0)
        z = draw(paper, (0.52, 1.75), "$z$", radius=0.32)
        write(paper, (0.52, 1.12), "100")
        before = z.right
        for place, (size, rows) in enumerate(stages):
            middle = 1.98 + 2.04 * place
            part = Part(middle, 1.75, 1.76, 1.5)
            rounded(paper, part)
            compute(paper, before, part.left)
            top = 1.75 + 0.42 * (len(rows) - 1) / 2
            for height, (words, colour) in enumerate(rows):
                write(paper, (middle, top - 0.42 * height), words, color=colour)
            write(paper, (middle, 0.72), size)
            before = part.right
        write(paper, (3.0, 2.72), "folding", color=FOLDING)
        line(paper, (3.0, 2.58), (3.0, 1.84), FOLDING, 2.2)
        write(
            paper,
            (0.2, 0.27),
            "below: numbers, or height × width × channels",
            ha="left",
        )
    return figure


def two_ways_to_cut(places: int = 14, kernel: int = 5, stride: int = 2) -> Figure:
    """The width that stamps cover, and what Keras and PyTorch cut off of it.

    Args:
        places: how many stamps stand in a row.
        kernel: width of a stamp.
        stride: how far apart they stand.
    """
    width, kept = (places - 1) * stride + kernel, places * stride
    first = (kernel - stride) // 2
    cuts = {
        "Keras, “same”": first,
        f"PyTorch, padding={kernel // 2}, output_padding={stride - 1}": kernel // 2,
    }
    cell, left = 8.6 / width, 0.2
    with mpl.rc_context(LOOK):
        figure, paper = sheet(4.5)
        words = f"{places} stamps of {kernel}, {stride} apart: {width} columns"
        write(paper, (left, 4.27), words, ha="left")
        for place in (0, 1, places - 1):
            x, y = left + stride * place * cell, 3.72 - 0.27 * (place % 2)
            look: dict[str, Any] = {"facecolor": SHARED, "edgecolor": "black"}
            paper.add_patch(Rectangle((x, y), kernel * cell, 0.2, lw=1.2, **look))
        write(paper, (left + width * cell / 2, 3.7), "· · ·")
        for row, (name, cut) in enumerate(cuts.items()):
            foot = 2.15 - 1.7 * row
            for column in range(width):
                inside = cut <= column < cut + kept
                look = {"facecolor": KEPT if inside else CUT, "edgecolor": "0.35"}
                corner = left + column * cell, foot
                paper.add_patch(Rectangle(corner, cell, 0.38, lw=1, **look))
            # the middle column of the first stamp
            spot = left + (kernel // 2) * cell, foot
            paper.add_patch(Rectangle(spot, cell, 0.38, facecolor=PADDING, lw=1))
            write(paper, (left, foot + 0.68), name, ha="left")
            write(paper, (left, foot - 0.27), f"cut: {cut}", ha="left")
            end = left + width * cell
            rest = f"cut: {width - kept - cut}"
            write(paper, (end, foot - 0.27), rest, ha="right")
            words = f"green: pixel {kernel // 2 - cut + 1} of {kept}"
            write(paper, (left + width * cell / 2, foot - 0.27), words, color=PADDING)
    return figure


def two_ways_to_fold(side: int = 2, channels: int = 2) -> Figure:
    """A vector folded into maps, with its channels last and with its channels first.

    Args:
        side: height and width of a map.
        channels: how many maps.
    """
    numbers = np.arange(1, side * side * channels + 1)
    ways = {
        "Keras: channels last": numbers.reshape(side, side, channels).transpose(
            2, 0, 1
        ),
        "PyTorch: channels first": numbers.reshape(channels, side, side),
    }
    cell = 0.5
    with mpl.rc_context(LOOK):
        figure, paper = sheet(3.3)
        start = 4.5 - cell * len(numbers) / 2
        _cells(paper, (start, 2.55), numbers[None], cell)
        for place, (name, maps) in enumerate(ways.items()):
            middle = 2.4 + 4.4 * place
            write(paper, (middle, 1.85), name)
            for channel, numbers_of in enumerate(maps):
                x = middle + (channel - (channels - 1) / 2) * (side * cell + 0.6)
                corner = x - side * cell / 2, 0.55
                _cells(paper, corner, numbers_of, cell)
                write(paper, (x, 0.25), f"channel {channel + 1}")
    return figure


def read_as_before(
    rows: Mapping[str, tuple[float, float]], colours: Mapping[str, str], guess: float
) -> Figure:
    """Which share of samples is read as the same digit after a change; error bars.

    Args:
        rows: share and standard error, by the change's name.
        colours: of some rows; black are all others.
        guess: the share that agrees by chance, as a dashed line.
    """
    with plt.rc_context(BARE):
        height = 1.25 + 0.47 * len(rows)
        figure, axes = plt.subplots(figsize=(9, height))
        figure.subplots_adjust(0.33, 0.8 / height, 0.97, 1 - 0.4 / height)
        axes.axvline(guess, color="0.4", linestyle="--", linewidth=1.8)
        axes.text(guess, -0.85, "by chance", ha="center", va="bottom", fontsize=14)
        for place, (name, (share, error)) in enumerate(rows.items()):
            colour = colours.get(name, "black")
            axes.errorbar(
                share, place, xerr=error, fmt="o", ms=10, color=colour, capsize=6, lw=3
            )
        axes.set_yticks(range(len(rows)), list(rows), fontsize=15)
        axes.set(xlim=(-0.02, 1.04), ylim=(len(rows) - 0.5, -0.6))
        axes.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", "25 %", "50 %", "75 %", "100 %"])
        axes.set_xlabel("share of samples that are read as the same digit")
        axes.tick_params(axis="y", length=0)
    plt.close(figure)
    return figure


def slopes_and_digits(
    slopes: Sequence[float],
    shares: npt.NDArray,
    images: Mapping[float, npt.NDArray],
    marked: Mapping[str, float],
) -> Figure:
    """How many digits survive each slope, and rows of them at some, as ink on paper.

    Args:
        slopes: of the leaky ReLU, rising.
        shares: of samples that are read as the same digit, one a slope.
        images: a few samples (n, height, width, channels) in [0, 1], by slope.
        marked: slopes that get a line and a name.
    """
    with plt.rc_context(BARE):
        figure, (axes, rows) = plt.subplots(
            1, 2, figsize=(9, 4.2), width_ratios=(1.15, 1)
        )
        figure.subplots_adjust(0.115, 0.17, 0.99, 0.95, wspace=0.2)
        for name, slope in marked.items():
            axes.axvline(slope, color="0.4", linestyle="--", linewidth=1.6)
            axes.text(slope + 0.012, 0.03, name, fontsize=14)
        axes.plot(slopes, shares, "o-", color=SLOPE, markersize=8)
        axes.set(ylim=(0, 1.05), xlim=(-0.02, max(slopes) + 0.02))
        axes.set(xlabel="slope below zero", ylabel="read as the same digit")
        axes.set_yticks([0, 0.5, 1], ["0", "50 %", "100 %"])
        several = np.concatenate(list(images.values()))
        columns = len(several) // len(images)
        # ink on paper: in a hall nobody sees faint grey on black
        picture = tile(1 - several, columns)
        rows.imshow(picture.squeeze(), vmin=0, vmax=1, interpolation="nearest")
        high = several.shape[1] + 2
        middles = high * np.arange(len(images)) + several.shape[1] / 2
        rows.set_yticks(middles, [f"{slope:g}" for slope in images], fontsize=15)
        rows.set_xticks([])
        rows.tick_params(length=0)
        for spine in rows.spines.values():
            spine.set_visible(False)
    plt.close(figure)
    return figure


def far_from_the_original(
    rows: Mapping[str, float], colours: Mapping[str, str]
) -> Figure:
    """Root mean square changes of a pixel, on a logarithmic axis, beside a grey level.

    Args:
        rows: change of a pixel, in [0, 1] from black to white, by what was changed.
        colours: of some rows; black are all others.
    """
    with plt.rc_context(BARE):
        height = 1.35 + 0.47 * len(rows)
        figure, axes = plt.subplots(figsize=(9, height))
        figure.subplots_adjust(0.33, 0.82 / height, 0.97, 1 - 0.5 / height)
        axes.axvline(GREY_LEVEL, color="0.4", linestyle="--", linewidth=1.8)
        axes.text(
            GREY_LEVEL,
            -0.85,
            "one grey level of 256",
            ha="center",
            va="bottom",
            size=14,
        )
        for place, (name, change) in enumerate(rows.items()):
            axes.plot(change, place, "o", ms=12, color=colours.get(name, "black"))
        axes.set_yticks(range(len(rows)), list(rows), fontsize=15)
        axes.set(xscale="log", xlim=(1e-7, 1.5), ylim=(len(rows) - 0.5, -0.6))
        words = ["", "0.000001", "", "0.0001", "", "0.01", "", "1"]
        axes.set_xticks(10.0 ** np.arange(-7, 1), words)
        axes.minorticks_off()
        axes.set_xlabel(
            "change of a pixel (root mean square; from black to white is 1)"
        )
        axes.tick_params(axis="y", length=0)
    plt.close(figure)
    return figure


def _cells(
    paper: Axes, corner: tuple[float, float], numbers: npt.NDArray, cell: float
) -> None:
    """Numbers in boxes; the corner is the lower left one. Each channel has its grey."""
    for (row, column), number in np.ndenumerate(numbers):
        x, y = corner[0] + column * cell, corner[1] + (len(numbers) - 1 - row) * cell
        face = "white" if number % 2 else "#E9D3DF"
        look: dict[str, Any] = {"facecolor": face, "edgecolor": "black", "lw": 1.3}
        paper.add_patch(Rectangle((x, y), cell, cell, **look))
        write(paper, (x + cell / 2, y + cell / 2), f"{number}")
