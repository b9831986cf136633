"""What a pair of convolutional networks is made of, as pictures; and how it learns.

Arrays in, a matplotlib Figure out. Nothing is computed here: what is drawn comes from
the networks.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from course_utils.figures.convolutions import same_padding
from course_utils.figures.pieces import (
    LOOK,
    Part,
    box,
    compute,
    heading,
    sheet,
    write,
)
from course_utils.figures.style import COLOURS, number, tile

SIDE = 1.36  # inches of a picture of maps
UP, DOWN = ("hidden", "deconv1", "deconv2", "pixels"), ("conv1", "conv2")
CHANNELS = 16  # of a layer that are shown, four by four
PLACES = (1.0, 2.75, 4.5, 6.25, 8.05)  # of what stands in a row, by its middle
SHOWN = 8  # pixels each way of which stamps are counted
CELL = 0.44  # inches
FRAMES = ((COLOURS[0], "-"), (COLOURS[1], "--"))
PLAYERS = (("discriminator", COLOURS[0], "-"), ("generator", COLOURS[1], "--"))


def feature_maps(
    z: npt.NDArray,
    up: Sequence[npt.NDArray],
    down: Sequence[npt.NDArray],
    logit: float,
) -> Figure:
    """One latent point on its way to an image, above, and the image's way back, below.

    Of each layer sixteen channels are shown, evenly spaced among all of them. Each has
    its own greys, from its lowest number to its highest.

    Args:
        z: the latent point, (n,).
        up: what the generator's layers put out: three times maps (height, width,
            channels), then the image (height, width, 1).
        down: what the discriminator's two layers of maps put out.
        logit: what the discriminator says of the image.

    Raises:
        ValueError: there are other numbers of layers.
    """
    if len(up) != len(UP) or len(down) != len(DOWN):
        raise ValueError(
            f"{len(UP)} layers of a generator and {len(DOWN)} of a discriminator are "
            f"drawn, not {len(up)} and {len(down)}."
        )
    above, below = 3.75, 1.3
    with mpl.rc_context(LOOK):
        figure, paper = sheet(5.1)
        heading(paper, (0.15, 4.88), "generator →")
        heading(paper, (0.15, 2.08), "← discriminator")
        numbers = _barcode(paper, (PLACES[0], above), z)
        write(paper, (PLACES[0], above - 0.88), f"z: {z.size} numbers")
        row = [numbers]
        for x, name, maps in zip(PLACES[1:4], UP[:3], up[:3], strict=True):
            row.append(_maps(paper, (x, above), name, maps))
        middle = (above + below) / 2
        digit = _maps(paper, (PLACES[4], middle), UP[3], up[3])
        for start, end in zip(row, row[1:], strict=False):
            compute(paper, start.right, end.left)
        compute(paper, row[-1].right, (digit.left[0], middle + 0.45))
        back = (digit.left[0], middle - 0.45)
        for x, name, maps in zip(PLACES[3:1:-1], DOWN, down, strict=True):
            part = _maps(paper, (x, below), name, maps)
            compute(paper, back, part.right)
            back = part.left
        judged = box(paper, Part(PLACES[1], below, 0.95, 0.7), number(logit))
        compute(paper, back, judged.right)
        write(paper, (PLACES[1], below - 0.6), "logit")
    return figure


def stamp_counts(counts: Mapping[int, npt.NDArray], stride: int = 2) -> Figure:
    """How many stamps of a transposed convolution meet in a pixel, in the middle.

    Two neighbouring stamps are framed; the more stamps meet, the darker a pixel.

    Args:
        counts: by the side of the kernel, stamps that meet in each pixel of the whole
            output, (n, n), with padding "same".
        stride: how far apart stamps stand.

    Raises:
        ValueError: an output is too small to have a middle.
    """
    if any(min(count.shape) < 2 * SHOWN for count in counts.values()):
        raise ValueError(f"An output needs at least {2 * SHOWN} pixels each way.")
    most = max(count.max() for count in counts.values())
    with mpl.rc_context(LOOK):
        figure, paper = sheet(4.5)
        apart = 9 / len(counts)
        for place, (kernel, count) in enumerate(counts.items()):
            left = (place + 0.5) * apart - SHOWN * CELL / 2
            top = 3.95
            words = f"kernel {kernel} × {kernel}, stride {stride}"
            heading(paper, ((place + 0.5) * apart, top + 0.3), words, ha="center")
            first = len(count) // 2 // stride * stride - SHOWN // 2
            part = count[first : first + SHOWN, first : first + SHOWN]
            for (row, column), stamps in np.ndenumerate(part):
                x, y = left + column * CELL, top - (row + 1) * CELL
                grey = str(1 - 0.45 * float(stamps / most) ** 2)
                cell = Rectangle((x, y), CELL, CELL, facecolor=grey, edgecolor="0.5")
                paper.add_patch(cell)
                write(paper, (x + CELL / 2, y + CELL / 2), f"{stamps:.0f}")
            # where the first whole stamp in the part begins
            before = same_padding(len(count), kernel, stride)[0]
            start = (-before - first) % stride
            for step, (colour, dashes) in enumerate(FRAMES):
                column = start + step * stride
                _frame(paper, (left, top), (start, column), kernel, colour, dashes)
    return figure


def losses_below_digits(
    times: Sequence[int],
    losses: Mapping[str, Sequence[float]],
    film: Mapping[int, npt.NDArray],
    levels: Mapping[str, float],
    unit: str = "steps",
) -> Figure:
    """Images of some moments of a game, and below them what the losses say.

    Args:
        times: to which the losses belong.
        losses: in nats, by the player's name.
        film: by the time, images (n, height, width, 1) in [0, 1]; the first four of
            each are drawn, above their time, which is named.
        levels: values that are marked, by name.
        unit: of the times; epochs stand on a logarithmic axis.
    """
    left, right, foot, high = 0.95, 7.45, 0.75, 2.4
    ends = min(*times, *film), max(*times, *film)
    with mpl.rc_context(LOOK):
        figure, paper = sheet(4.9)
        place = left / 9, foot / 4.9, (right - left) / 9, high / 4.9
        axes = figure.add_axes(place, xlim=ends)
        if unit == "epochs":
            axes.set_xscale("log")
        scales = {"linear": unit, "log": f"{unit}, on a logarithmic axis"}
        axes.set(xlabel=scales[axes.get_xscale()], ylabel="nats")
        axes.set_xticks(list(film), [str(time) for time in film])
        axes.set_xticks([], minor=True)
        axes.tick_params(labelsize=14)
        top = 1.12 * max(max(values) for values in losses.values())
        axes.set_ylim(0, max(top, 1.12 * max(levels.values())))
        for name, value in levels.items():
            axes.axhline(value, color="black", linestyle=":", linewidth=1.6)
            y = _inches(axes, value, foot, high)
            write(paper, (right + 0.1, y - 0.14), name, ha="left")
        for name, colour, dashes in PLAYERS:
            values = losses[name]
            axes.plot(times, values, color=colour, linestyle=dashes, marker="o", lw=2.4)
            y = _inches(axes, values[-1], foot, high)
            write(paper, (right + 0.1, y + 0.14), name, ha="left", color=colour)
        scale = axes.transData - figure.dpi_scale_trans
        middles = [scale.transform((time, 0))[0] for time in film]
        side = min(1.05, 0.92 * min(np.diff(middles), default=1.2))
        for x, (time, images) in zip(middles, film.items(), strict=True):
            _picture(paper, (x, 4.05), side, tile(images[:4], 2, background=0.6))
            write(paper, (x, 4.05 + side / 2 + 0.17), f"{unit[:-1]} {time}")
    return figure


def digits_of_frame(
    frame: npt.NDArray, size: int = 28, gap: int = 2
) -> npt.NDArray[np.float64]:
    """The images in a picture of the film, which is a square mosaic below a title.

    Args:
        frame: greys in [0, 255], (height, width) with at least as much height.
        size: pixels of an image each way.
        gap: pixels between images.

    Returns:
        Images (n, size, size, 1) in [0, 1], row after row.
    """
    starts = range(0, frame.shape[1], size + gap)
    square = frame[-frame.shape[1] :] / 255
    parts = [square[y : y + size, x : x + size] for y in starts for x in starts]
    return np.stack(parts)[..., None]


def _inches(axes: Axes, value: float, foot: float, high: float) -> float:
    """Where a value of an axis lies on the sheet."""
    low, top = axes.get_ylim()
    return foot + high * (value - low) / (top - low)


def _maps(
    paper: Axes, middle: tuple[float, float], name: str, maps: npt.NDArray
) -> Part:
    """Some channels of a layer in a square, its name above, its size below."""
    count = min(maps.shape[-1], CHANNELS)
    chosen = np.linspace(0, maps.shape[-1] - 1, count).astype(int)
    channels = np.moveaxis(maps[..., chosen], -1, 0)[..., None]
    low, high = (f(channels, axis=(1, 2, 3), keepdims=True) for f in (np.min, np.max))
    scaled = (channels - low) / np.maximum(high - low, 1e-12)
    _picture(paper, middle, SIDE, tile(scaled, math.isqrt(count), gap=1))
    x, y = middle
    write(paper, (x, y + 0.86), name)
    write(paper, (x, y - 0.88), " × ".join(map(str, maps.shape)))
    return Part(x, y, SIDE + 0.08, SIDE)


def _barcode(paper: Axes, middle: tuple[float, float], z: npt.NDArray) -> Part:
    """Numbers without places: a stripe each."""
    x, y = middle
    extent = (x - 0.15, x + 0.15, y - SIDE / 2, y + SIDE / 2)
    _show(paper, z[:, None], extent, vmin=-2.5, vmax=2.5)
    return Part(x, y, 0.38, SIDE)


def _picture(
    paper: Axes, middle: tuple[float, float], side: float, image: npt.NDArray
) -> None:
    """A square picture with a thin rim."""
    (x, y), half = middle, side / 2
    _show(paper, image.squeeze(), (x - half, x + half, y - half, y + half), 0, 1)


def _show(
    paper: Axes,
    image: npt.NDArray,
    extent: tuple[float, float, float, float],
    vmin: float,
    vmax: float,
) -> None:
    look: dict[str, Any] = {"aspect": "auto", "interpolation": "none"}
    paper.imshow(image, vmin=vmin, vmax=vmax, extent=extent, **look)
    x, far, y, high = extent
    rim: dict[str, Any] = {"fill": False, "edgecolor": "black", "linewidth": 0.8}
    paper.add_patch(Rectangle((x, y), far - x, high - y, **rim))


def _frame(
    paper: Axes,
    corner: tuple[float, float],
    place: tuple[int, int],
    side: int,
    colour: str,
    dashes: Any,
) -> None:
    """A coloured frame around `side` cells each way."""
    (row, column), inset = place, 0.04
    x = corner[0] + column * CELL + inset
    y = corner[1] - (row + side) * CELL + inset
    length = side * CELL - 2 * inset
    look: dict[str, Any] = {"fill": False, "linewidth": 3.5}
    paper.add_patch(
        Rectangle((x, y), length, length, edgecolor=colour, linestyle=dashes, **look)
    )
