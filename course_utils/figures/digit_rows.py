"""Pictures of generated digits and of their scores: arrays in, a matplotlib Figure out.

Figures are closed before they are returned.
"""

from collections.abc import Mapping
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from course_utils.figures.style import COLOURS, GRIDLESS, PLACED, STYLE, mosaic, tile

LEVELS = 15  # sixteen grey levels: no eye misses the others, and pages are smaller


ROUND = (1, 2, 5, 10, 20, 50, 100, 200, 500)  # ticks of logarithmic axes


def mosaics(panels: Mapping[str, npt.NDArray], columns: int = 10) -> Figure:
    """Several mosaics side by side.

    Args:
        panels: images (n, height, width, channels) in [0, 1], by title.
        columns: images in a row of each mosaic.
    """
    pictures = {title: tile(_coarse(x), columns) for title, x in panels.items()}
    width = 9 / len(pictures)
    heights = [p.shape[0] / p.shape[1] for p in pictures.values()]
    with plt.rc_context(GRIDLESS):
        figure, grid = plt.subplots(
            1, len(pictures), figsize=(9, width * max(heights) + 0.5), squeeze=False
        )
        for axes, (title, picture) in zip(grid[0], pictures.items(), strict=True):
            axes.imshow(picture.squeeze(), vmin=0, vmax=1, interpolation="nearest")
            axes.set_title(title)
            axes.axis("off")
    plt.close(figure)
    return figure


def labelled_rows(rows: Mapping[str, npt.NDArray], title: str = "") -> Figure:
    """Rows of images, each with its name at the left.

    Args:
        rows: equally many images (n, height, width, channels) in [0, 1], by name.
        title: above the picture.
    """
    images = _coarse(np.concatenate(list(rows.values())))
    columns = len(images) // len(rows)
    return mosaic(images, columns, title, row_labels=list(rows))


def class_shares(counts: Mapping[str, npt.NDArray], columns: int = 3) -> Figure:
    """Shares of the ten classes in several sets of samples, a panel each.

    The dashed line is a share of a tenth; between the dotted ones lie 95 % of the
    counts of a sampler that draws all classes equally often.

    Args:
        counts: samples of each class, (10,), by title.
        columns: panels in a row.
    """
    rows = -(-len(counts) // columns)
    highest = max((c / c.sum()).max() for c in counts.values())
    with plt.rc_context(STYLE):
        figure, grid = plt.subplots(
            rows,
            columns,
            figsize=(9, 2.4 * rows + 0.4),
            squeeze=False,
            sharex=True,
            sharey=True,
        )
        for axes in grid.flat[len(counts) :]:
            axes.set_visible(False)
        for axes, (title, of_class) in zip(grid.flat, counts.items(), strict=False):
            n = of_class.sum()
            axes.bar(np.arange(10), of_class / n, color=COLOURS[0], edgecolor="black")
            axes.axhline(0.1, color="black", linestyle="--", linewidth=1.5)
            for sign in (-1, 1):
                edge = 0.1 + sign * 1.96 * np.sqrt(0.09 / n)
                axes.axhline(edge, color="black", linestyle=":", linewidth=1.2)
            axes.set_title(title)
            axes.set(xticks=range(10), ylim=(0, 1.08 * highest))
        for axes in grid[:, 0]:
            axes.set_ylabel("share")
        for axes in grid[-1]:
            axes.set_xlabel("class")
    plt.close(figure)
    return figure


def walk(
    paths: Mapping[str, tuple[npt.NDArray, npt.NDArray, npt.NDArray]],
    shell: tuple[float, float],
) -> Figure:
    """Ways between two latent points: their images, lengths and most probable classes.

    Args:
        paths: by name the images (k, height, width, channels) in [0, 1], the lengths of
            the latent points (k,), and the probabilities of the classes (k, 10).
        shell: the lengths between which 99 % of the prior lie.
    """
    with plt.rc_context(PLACED | {"axes.titlesize": 14}):
        figure = plt.figure(figsize=(9, 5.8))
        grid = figure.add_gridspec(3, len(paths), height_ratios=(0.8, 0.85, 1))
        figure.subplots_adjust(0.09, 0.11, 0.98, 0.94, hspace=0.12, wspace=0.16)
        for column, (name, (images, lengths, probabilities)) in enumerate(
            paths.items()
        ):
            t = np.linspace(0, 1, len(lengths))
            above, middle, below = (
                figure.add_subplot(grid[row, column]) for row in range(3)
            )
            shown = np.linspace(0, len(images) - 1, 5).round().astype(int)
            row = tile(_coarse(images[shown]), 5)
            above.imshow(row.squeeze(), vmin=0, vmax=1)
            above.axis("off")
            above.set_title(name)
            middle.axhspan(*shell, color="0.85")
            middle.plot(t, lengths, color=COLOURS[1], linestyle="-")
            middle.set(xlim=(0, 1), ylim=(5.5, 13), xticklabels=[])
            _draw_probabilities(below, t, probabilities)
            if not column:
                middle.set_ylabel("length |z|")
                below.set_ylabel("probability")
    plt.close(figure)
    return figure


def digit_frame(
    image: npt.NDArray,
    probabilities: npt.NDArray,
    radii: npt.NDArray,
    frechet: npt.NDArray,
    radius: float,
    title: str = "",
) -> Figure:
    """One generated digit, what a classifier reads in it, and how far out it lies.

    Args:
        image: (height, width, channels) in [0, 1].
        probabilities: of the ten classes, (10,).
        radii: lengths of latent points at which samples were scored, rising, (k,).
        frechet: their Fréchet distance to real digits, (k,).
        radius: the length of this latent point; marked on the curve.
        title: above the image.
    """
    # margins by hand: fitting them takes as long as all the rest
    with plt.rc_context(PLACED):
        figure = plt.figure(figsize=(9, 4.8))
        left = figure.add_axes((0.01, 0.02, 0.41, 0.86))
        left.imshow(image.squeeze(), vmin=0, vmax=1, interpolation="nearest")
        left.set_title(title)
        left.axis("off")
        bars = figure.add_axes((0.55, 0.62, 0.43, 0.33))
        bars.bar(np.arange(10), probabilities, color=COLOURS[0], edgecolor="black")
        bars.set(ylim=(0, 1), xlim=(-0.6, 9.6), yticks=[0, 1], ylabel="probability")
        bars.set_xticks(range(10))
        bars.set_xlabel("class", labelpad=-1)
        curve = figure.add_axes((0.55, 0.15, 0.43, 0.29))
        curve.plot(radii, frechet, "o-", color="0.4", markersize=6)
        here = np.exp(np.interp(np.log(radius), np.log(radii), np.log(frechet)))
        curve.plot(radius, here, "P", color=COLOURS[1], markersize=17, mec="black")
        curve.set(xscale="log", yscale="log", xlabel="length |z|", ylabel="Fréchet")
        for axis, values in ((curve.xaxis, radii), (curve.yaxis, frechet)):
            ticks = [t for t in ROUND if min(values) <= t <= max(values)]
            axis.set_ticks(ticks, [f"{tick:g}" for tick in ticks])
            axis.set_ticks([], minor=True)
    plt.close(figure)
    return figure


def _draw_probabilities(axes: Axes, t: npt.NDArray, probabilities: npt.NDArray) -> None:
    """Lines of the classes that are ever probable, with their numerals on them."""
    seen = np.flatnonzero(probabilities.max(axis=0) > 0.2)
    for place, label in enumerate(seen):
        line = probabilities[:, label]
        axes.plot(t, line, linestyle="-", color=COLOURS[place % len(COLOURS)])
        top = line.argmax()
        at = t[np.clip(top, 1, len(t) - 2)]
        words: dict[str, Any] = {
            "fontsize": 15,
            "fontweight": "bold",
            "ha": "center",
            "va": "bottom",
        }
        axes.text(at, line[top], str(label), **words)
    axes.set(xlim=(0, 1), ylim=(0, 1.2), yticks=[0, 0.5, 1], xlabel="way, t")


def _coarse(images: npt.NDArray) -> npt.NDArray:
    return np.round(LEVELS * images) / LEVELS
