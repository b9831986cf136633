"""Pictures of a two-dimensional latent space: arrays in, a matplotlib Figure out.

Each point of a map is printed as the numeral of its class, so that a map can be read
without its colours. Figures are closed before they are returned.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import matplotlib.pyplot as plt
import numpy as np
import numpy.typing as npt
from matplotlib import patheffects
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Circle, Rectangle

from course_utils.figures.style import COLOURS, STYLE, tile

# Black numbers and lines stand out from the numerals by a white rim.
RIM = [patheffects.withStroke(linewidth=4, foreground="white")]


# Where the parts of an explorer's picture stand: left, bottom, width, height.
PLACE_INCHES = (9, 5.2)


WHOLE, MAP_PLACE = (0, 0, 1, 1), (0.085, 0.115, 0.5, 0.865)


ABOVE, BELOW = (0.66, 0.4, 0.29, 0.5), (0.62, 0.115, 0.37, 0.14)


class Neighbours(NamedTuple):
    """The points of a data set that are nearest to a latent point, nearest first.

    Attributes:
        z: where they are encoded, (k, 2).
        x: their images, (k, height, width, channels).
        labels: the class of each, (k,).
    """

    z: npt.NDArray
    x: npt.NDArray
    labels: npt.NDArray


def latent_map(
    z: npt.NDArray,
    labels: npt.NDArray,
    path: npt.NDArray | None = None,
    square: float | None = None,
    title: str = "",
) -> Figure:
    """Latent points as the numerals of their classes, over the prior's circles.

    The dashed circles hold half of a standard normal prior, and 99 % of it. Unless a
    path is drawn, a line leads from the median of each class to its name at the top.

    Args:
        z: latent points, (n, 2).
        labels: the class of each, 0 to 9, (n,).
        path: points (k, 2) of a way to draw, from a disc to a square, or none.
        square: half the side of a square around the origin, or none.
        title: above the map.
    """
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(figsize=(9, 7.6))
        _draw_map(axes, z, labels, size=7)
        for share, words in ((0.5, "half"), (0.99, "99 %")):
            radius = np.sqrt(-2 * np.log(1 - share))
            dashed = {"fill": False, "linestyle": "--", "linewidth": 1.5}
            axes.add_patch(Circle((0, 0), radius, **dashed))
            x = y = radius / np.sqrt(2)
            axes.text(x, y, f" {words} of the prior", path_effects=RIM)
        if path is None:
            _name_classes(axes, z, labels)
        if square is not None:
            corner, side = (-square, -square), 2 * square
            axes.add_patch(Rectangle(corner, side, side, fill=False, linewidth=3))
        if path is not None:
            for points, look, size in (
                (path, "k-o", 7),
                (path[:1], "ko", 15),
                (path[-1:], "ks", 15),
            ):
                white: dict[str, Any] = {"markeredgecolor": "white", "markersize": size}
                axes.plot(*points.T, look, path_effects=RIM, **white)
        axes.set_title(title)
    plt.close(figure)
    return figure


def manifold(
    images: npt.NDArray, axis: Sequence[float] | npt.NDArray, title: str = ""
) -> Figure:
    """Decoded points of a square grid in one picture, as they lie in latent space.

    Args:
        images: (k * k, height, width, channels) in [0, 1], row after row from the
            highest z2 to the lowest, and in each row from the lowest z1 to the highest.
        axis: the k values of z1, which are those of z2; rising, in steps of any size.
        title: above the picture.

    Raises:
        ValueError: the numbers of images and of grid points differ.
    """
    k = len(axis)
    if len(images) != k * k:
        raise ValueError(f"A grid of {k} by {k} needs {k * k} images: {len(images)}.")
    picture: npt.NDArray[np.floating] = tile(images, k, gap=0).squeeze()
    # sixteen grey levels: no eye misses the others, and a saved lesson is half as large
    picture = np.round(15 * picture) / 15
    # one dot a pixel, so that nothing is lost or smeared
    side, left, bottom = picture.shape[0] / 100, 0.9, 0.7
    width, height = left + side + 0.2, bottom + side + 0.45
    place = left / width, bottom / height, side / width, side / height
    with plt.rc_context(STYLE | {"axes.grid": False, "figure.autolayout": False}):
        figure = plt.figure(figsize=(width, height))
        axes = figure.add_axes(place)
        extent = -0.5, k - 0.5, -0.5, k - 0.5
        axes.imshow(picture, vmin=0, vmax=1, extent=extent, interpolation="nearest")
        shown = np.unique(np.linspace(0, k - 1, 5).round().astype(int))
        names = [f"{axis[i]:.2f}" for i in shown]
        axes.set(title=title, xlabel="$z_1$ (no units)", ylabel="$z_2$ (no units)")
        axes.set_xticks(shown, names)
        axes.set_yticks(shown, names)
    plt.close(figure)
    return figure


def map_background(
    z: npt.NDArray, labels: npt.NDArray, end: float
) -> npt.NDArray[np.uint8]:
    """The part of `latent_place` that stays, as an image: drawn once, shown often.

    Args:
        z: latent points, (n, 2).
        labels: the class of each, 0 to 9, (n,).
        end: the map reaches from -end to end in both directions.

    Returns:
        Red, green, blue and opacity, (height, width, 4).
    """
    with plt.rc_context(STYLE | {"figure.autolayout": False}):
        figure = Figure(figsize=PLACE_INCHES)
        canvas = FigureCanvasAgg(figure)
        axes = figure.add_axes(MAP_PLACE)
        _draw_map(axes, z, labels, size=6)
        axes.set(xlim=(-end, end), ylim=(-end, end))
        canvas.draw()
    return np.asarray(canvas.buffer_rgba()).copy()


def latent_place(
    background: npt.NDArray,
    end: float,
    point: npt.NDArray,
    decoded: npt.NDArray,
    nearest: Neighbours,
) -> Figure:
    """One latent point on the map, what it decodes to, and its nearest digits.

    Args:
        background: the map as an image, by `map_background`.
        end: the map reaches from -end to end in both directions.
        point: the latent point, (2,).
        decoded: its image, (height, width, channels) in [0, 1].
        nearest: the digits next to it.
    """
    numerals = " ".join(map(str, nearest.labels))
    row = tile(nearest.x, len(nearest.x))
    pictures = [
        (WHOLE, "", background),
        (ABOVE, f"decoded at ({point[0]:.2f}, {point[1]:.2f})", decoded),
        (BELOW, f"nearest training digits: {numerals}", row),
    ]
    # margins by hand: fitting them takes as long as all the rest
    with plt.rc_context(STYLE | {"figure.autolayout": False}):
        figure = plt.figure(figsize=PLACE_INCHES)
        for place, title, picture in pictures:
            axes = figure.add_axes(place)
            axes.imshow(picture.squeeze(), vmin=0, vmax=1, interpolation="nearest")
            axes.set_title(title)
            axes.axis("off")
        over = figure.add_axes(MAP_PLACE, xlim=(-end, end), ylim=(-end, end))
        ring: dict[str, Any] = {
            "markerfacecolor": "none",
            "markeredgewidth": 2,
            "linestyle": "none",
        }
        over.plot(*nearest.z.T, "ko", markersize=11, **ring)
        over.plot(*point, "kP", markersize=17, markeredgecolor="white")
        over.axis("off")
    plt.close(figure)
    return figure


def _name_classes(axes: Axes, z: npt.NDArray, labels: npt.NDArray) -> None:
    """The classes in a row above the map, each tied to its median by a line."""
    names = np.unique(labels)
    medians = np.array([np.median(z[labels == name], axis=0) for name in names])
    order = np.argsort(medians[:, 0])
    (left, right), top = axes.get_xlim(), z[:, 1].max() + 1.0
    axes.set_ylim(top=top + 0.8)
    for place, row in zip(
        np.linspace(left, right, len(order) + 2)[1:-1], order, strict=True
    ):
        ends = np.array([medians[row], (place, top)])
        axes.plot(*ends.T, "k-", linewidth=1.2, path_effects=RIM)
        axes.plot(*medians[row], "ko", markersize=7, markeredgecolor="white")
        big: dict[str, Any] = {
            "fontsize": 25,
            "fontweight": "bold",
            "path_effects": RIM,
        }
        axes.text(place, top, str(names[row]), ha="center", va="bottom", **big)


def _draw_map(axes: Axes, z: npt.NDArray, labels: npt.NDArray, size: float) -> None:
    """Each point as the numeral of its class; seven colours serve ten classes."""
    for label in np.unique(labels):
        colour = COLOURS[label % len(COLOURS)]
        look: dict[str, Any] = {
            "marker": f"${label}$",
            "markersize": size,
            "markeredgewidth": 0.3,
        }
        axes.plot(*z[labels == label].T, linestyle="none", color=colour, **look)
    axes.set(xlabel="$z_1$ (no units)", ylabel="$z_2$ (no units)", aspect="equal")
