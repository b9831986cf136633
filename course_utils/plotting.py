"""Arrays or a History in, a matplotlib Figure out.

Figures are closed before they are returned: a notebook shows one when it is the last
expression of a cell, and nothing is drawn twice. Colours are Okabe and Ito's, which
colour-blind readers can tell apart; each line has a dash pattern or marker of its own
too, for greyscale.
"""

import math
from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import numpy.typing as npt
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from course_utils.history import History
from course_utils.layers import LayerRow, shape_text

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
DASHES = ("-", "--", "-.", ":", (0, (5, 1)), (0, (3, 1, 1, 1)), (0, (1, 1)))
STYLE = {
    "axes.grid": True,
    "axes.labelsize": 14,
    "axes.prop_cycle": cycler(color=COLOURS) + cycler(linestyle=DASHES),
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": 15,
    "figure.autolayout": True,
    "figure.dpi": 100,
    "figure.figsize": (9, 4.5),
    "font.size": 13,
    "grid.alpha": 0.3,
    "image.cmap": "gray",
    "legend.fontsize": 13,
    "lines.linewidth": 2.2,
    "savefig.dpi": 100,
}


def use_course_style() -> None:
    """Make figures of this session large enough for the back of a hall."""
    plt.rcParams.update(STYLE)


def tile(
    images: npt.NDArray, columns: int, gap: int = 2, background: float = 1.0
) -> npt.NDArray[np.float32]:
    """Images side by side in one array, row after row.

    Args:
        images: (n, height, width, channels) in [0, 1].
        columns: images in a row.
        gap: pixels between images.
        background: value of gaps and empty places.

    Returns:
        (rows * (height + gap) - gap, columns * (width + gap) - gap, channels).
    """
    n, height, width, channels = images.shape
    rows = math.ceil(n / columns)
    shape = (rows, height + gap, columns, width + gap, channels)
    canvas = np.full(shape, background, dtype=np.float32)
    for i, image in enumerate(images):
        row, column = divmod(i, columns)
        canvas[row, :height, column, :width] = image
    canvas = canvas.reshape(rows * (height + gap), columns * (width + gap), channels)
    return canvas[: canvas.shape[0] - gap, : canvas.shape[1] - gap]


def mosaic(
    images: npt.NDArray,
    columns: int = 10,
    title: str = "",
    row_labels: Sequence[str] = (),
    column_labels: Sequence[str] = (),
) -> Figure:
    """Images in one picture.

    Args:
        images: (n, height, width, channels) in [0, 1].
        columns: images in a row.
        title: above the picture.
        row_labels: one for each row, or none.
        column_labels: one for each column, or none.
    """
    gap = 2
    picture = tile(images, columns, gap)
    height, width = (size + gap for size in images.shape[1:3])
    inches = 9 / picture.shape[1]
    with plt.rc_context(STYLE | {"axes.grid": False}):
        figure, axes = plt.subplots(figsize=(9, picture.shape[0] * inches + 0.6))
        axes.imshow(picture.squeeze(), vmin=0, vmax=1, interpolation="nearest")
        axes.set_title(title)
        axes.set_xticks(width * np.arange(len(column_labels)) + width / 2)
        axes.set_xticklabels(column_labels)
        axes.set_yticks(height * np.arange(len(row_labels)) + height / 2)
        axes.set_yticklabels(row_labels)
        axes.tick_params(length=0)
        for spine in axes.spines.values():
            spine.set_visible(False)
    plt.close(figure)
    return figure


def history_curves(
    history: History,
    keys: Sequence[str],
    ylabel: str = "nats an image",
    levels: Mapping[str, float] | None = None,
) -> Figure:
    """Series of a training run against epochs, one panel beside the other.

    Args:
        history: with one value an epoch.
        keys: one panel each; the series `test_<key>` is drawn with it if there is one.
        ylabel: of the first panel.
        levels: labelled horizontal lines, in the first panel.

    Raises:
        KeyError: the history has no such series.
    """
    panels = {key: {"training": history[key]} for key in keys}
    for key, series in panels.items():
        if f"test_{key}" in history:
            series["held out"] = history[f"test_{key}"]
    with plt.rc_context(STYLE):
        figure, row = plt.subplots(1, len(keys), figsize=(9, 4), squeeze=False)
        for axes, (key, series) in zip(row[0], panels.items(), strict=True):
            for label, values in series.items():
                axes.plot(np.arange(1, len(values) + 1), values, label=label)
            axes.set_title(key.replace("_", " "))
            axes.set_xlabel("epochs")
            axes.xaxis.get_major_locator().set_params(integer=True)
        for label, value in (levels or {}).items():
            row[0][0].axhline(value, color="black", linestyle=":", label=label)
        row[0][0].legend()
        row[0][0].set_ylabel(ylabel)
    plt.close(figure)
    return figure


def bound_and_densities(
    elbo: float,
    gap: float,
    z: npt.NDArray,
    densities: Mapping[str, npt.NDArray],
    lowest: float,
    highest: float,
) -> Figure:
    """The ELBO and its gap as bars that meet at log p(x), beside the densities.

    Args:
        elbo: of q, in nats; its bar hangs from zero.
        gap: KL(q || posterior), in nats; its bar stands on the other's foot.
        z: latent points (n,).
        densities: by name, at these points (n,).
        lowest: end of the axis of nats; fixed, so that pictures can be compared.
        highest: end of the axis of densities.
    """
    # margins by hand: fitting them takes as long as all the rest
    with plt.rc_context(STYLE | {"figure.autolayout": False}):
        figure, (left, right) = plt.subplots(1, 2, figsize=(9, 4.5))
        figure.subplots_adjust(0.09, 0.14, 0.98, 0.9, wspace=0.25)
        grey, hatched = {"color": "0.75"}, {"color": COLOURS[1], "hatch": "//"}
        for place, (height, foot, look) in enumerate(
            [(elbo, 0.0, grey), (gap, elbo, hatched)]
        ):
            left.bar(place, height, bottom=foot, edgecolor="black", width=0.6, **look)
        left.axhline(elbo + gap, color="black", linestyle="--")
        left.axhline(0, color="black", linestyle="-", linewidth=1)
        left.set(xlim=(-0.5, 1.5), ylim=(lowest, 0.05 * -lowest), ylabel="nats")
        names = [f"ELBO\n{elbo:.3f}", f"KL(q ‖ posterior)\n{gap:.3f}"]
        left.set_xticks([0, 1], names)
        left.set_title(f"dashed: log p(x) = {elbo + gap:.3f}")
        not_dashed = [dashes for dashes in DASHES if dashes != "--"]
        for (name, density), dashes in zip(densities.items(), not_dashed, strict=False):
            right.plot(z, density, label=name, linestyle=dashes)
        right.set(xlabel="z (no units)", ylabel="density (no units)")
        right.set(xlim=(z.min(), z.max()), ylim=(0, highest))
        right.legend()
    plt.close(figure)
    return figure


def pathwise_gradients(
    epsilon: npt.NDArray,
    z: npt.NDArray,
    values: npt.NDArray,
    slopes: npt.NDArray,
    curve: tuple[npt.NDArray, npt.NDArray],
    title: str = "",
) -> Figure:
    """Samples z on the curve of f with their gradients, over the noise they came from.

    Args:
        epsilon: the noise, (n,).
        z: what the noise was mapped to, (n,).
        values: f(z), (n,).
        slopes: f'(z), (n,); an arrow's length is a fifth of it.
        curve: points z and f(z) of the curve; their range is the axes' range.
        title: above the picture.
    """
    arrows = {"angles": "xy", "scale_units": "xy", "scale": 5, "width": 0.006}
    dots = {"color": COLOURS[0], "linestyle": "none", "marker": "o", "markersize": 9}
    # margins by hand: fitting them takes as long as all the rest
    with plt.rc_context(STYLE | {"figure.autolayout": False}):
        figure, (above, below) = plt.subplots(
            2, 1, sharex=True, figsize=(9, 5.5), height_ratios=(3, 1)
        )
        figure.subplots_adjust(0.14, 0.12, 0.98, 0.92, hspace=0.12)
        above.plot(*curve, color="0.6", linestyle="-")
        above.plot(z, values, **dots)
        above.quiver(z, values, slopes, 0 * z, color=COLOURS[1], zorder=3, **arrows)
        above.set(title=title, ylabel="f(z)", xlim=(curve[0].min(), curve[0].max()))
        ends = np.stack([epsilon, z, np.full_like(z, np.nan)], axis=1).ravel()
        heights = np.tile([0.0, 1.0, np.nan], len(z))
        below.plot(ends, heights, color="0.6", linestyle="-", linewidth=1)
        below.plot(epsilon, 0 * z, "k|", markersize=14, markeredgewidth=2)
        below.plot(z, 0 * z + 1, **dots)
        below.set(ylim=(-0.4, 1.4), xlabel="ε and z (no units)")
        below.set_yticks([0, 1], ["ε, fixed", "z = μ + σ ε"])
    plt.close(figure)
    return figure


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
    grey = {"facecolor": "0.92", "edgecolor": "black"}
    axes.add_patch(Rectangle(corner, width, 0.6, **grey))
    size = f"{shape_text(row.shape)},  {row.parameters:,} parameters"
    axes.text(x, y, f"{row.name}{between}{size}", ha="center", va="center", fontsize=14)
