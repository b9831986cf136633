"""Pictures of a two-dimensional latent space: arrays in, a matplotlib Figure out.

Each point of a map is printed as the numeral of its class, so that a map can be read
without its colours. Figures are closed before they are returned.
"""

import math
from collections.abc import Mapping, Sequence
from itertools import cycle
from typing import Any, NamedTuple

import matplotlib.pyplot as plt
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Circle, Rectangle

from course_utils.figures.style import BARE, COLOURS, PLACED, STYLE, tile

# The radius of the circle that holds half of a standard normal prior in the plane.
HALF = math.sqrt(2 * math.log(2))
# Of marked classes, in their order.
MARKS = COLOURS[1], COLOURS[0], COLOURS[2], COLOURS[3]
# Left, right, low, high: what a picture of the plane shows.
REACH = (-4.5, 3.0, -3.2, 3.2)

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
    marked: Sequence[int] = (),
    square: float = 1.0,
    apart: tuple[float, float] = (0.035, 0.055),
) -> Figure:
    """Latent points as the numerals of their classes: the plane, and its middle.

    The dashed circle holds half of a standard normal prior. Classes that are marked
    have a colour of their own, the others are grey. A point that would cover one drawn
    before it is left out, so a panel shows where classes lie and not how densely.

    Args:
        z: latent points, (n, 2).
        labels: the class of each, 0 to 9, (n,).
        marked: classes to be told from the others at a glance.
        square: half the side of the square around the origin that is drawn again.
        apart: how far points of each panel lie apart at least, in widths of the panel.
    """
    inside = np.flatnonzero(np.abs(z).max(axis=1) < square)
    width = REACH[1] - REACH[0]
    with plt.rc_context(STYLE):
        figure, (whole, middle) = plt.subplots(1, 2, figsize=(9, 4.72))
        for axes, chosen, distance, size in (
            (whole, np.arange(len(z)), apart[0] * width, 9),
            (middle, inside, apart[1] * 2 * square, 13),
        ):
            rows = chosen[_apart(z[chosen], distance)]
            _draw_numerals(axes, z[rows], labels[rows], marked, size)
            axes.set(xlabel="$z_1$", ylabel="$z_2$", aspect="equal")
        under: dict[str, Any] = {"fill": False, "zorder": 1}
        dashed = Circle((0, 0), HALF, linestyle="--", linewidth=2, **under)
        corner, side = (-square, -square), 2 * square
        whole.add_patch(dashed)
        whole.add_patch(Rectangle(corner, side, side, linewidth=2.5, **under))
        whole.set_title("dashed: half of the prior")
        whole.set(xlim=REACH[:2], ylim=(-3.75, 3.75))
        middle.set_title("the square, enlarged")
        ticks = square * np.array([-1, -0.5, 0, 0.5, 1])
        middle.set(xlim=(-square, square), ylim=(-square, square))
        middle.set(xticks=ticks, yticks=ticks)
    plt.close(figure)
    return figure


def manifold_in_plane(
    images: npt.NDArray,
    axis: Sequence[float] | npt.NDArray,
    marks: Mapping[str, npt.NDArray],
    title: str = "",
    square: float | None = None,
) -> Figure:
    """Decoded points of a square grid, and where these points lie in the prior.

    Args:
        images: as in `manifold`.
        axis: as in `manifold`.
        marks: points (n, 2) drawn into the plane as a text each, by that text.
        title: above the decoded points.
        square: half the side of a square around the origin that is framed in the plane;
            the images of its points are framed, too.

    Raises:
        ValueError: the numbers of images and of grid points differ.
    """
    picture = _checked_grid(images, len(axis))
    with plt.rc_context(BARE):
        figure = plt.figure(figsize=(9, 4.72))
        left = figure.add_axes((0.01, 0.02, 0.47, 0.896))
        left.imshow(picture, vmin=0, vmax=1, interpolation="bilinear")
        left.set_title(title)
        left.axis("off")
        right = figure.add_axes((0.565, 0.14, 0.425, 0.776))
        _draw_prior(right)
        points = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
        for text, places in marks.items():
            right.plot(
                *places.T,
                linestyle="none",
                marker=f"${text}$",
                color=MARKS[0],
                markersize=9,
                markeredgewidth=0.4,
            )
        right.plot(*points.T, "ko", markersize=4)
        if square is not None:
            frame: dict[str, Any] = {"fill": False, "linewidth": 2.5}
            right.add_patch(
                Rectangle((-square, -square), 2 * square, 2 * square, **frame)
            )
            within = np.flatnonzero(np.abs(axis) <= square)
            pixels = len(picture) // len(axis)
            first, last = within[0] * pixels - 0.5, (within[-1] + 1) * pixels - 0.5
            # rows begin with the highest z2
            corner, side = (first, len(picture) - 1 - last), last - first
            left.add_patch(Rectangle(corner, side, side, edgecolor="white", **frame))
        right.set_title("dots: where they lie; grey: the prior")
        right.set(xlabel="$z_1$", ylabel="$z_2$")
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
    picture = _checked_grid(images, k)
    # whole dots a pixel, so that nothing is lost or smeared
    dots = max(1, 560 // len(picture))
    side, left, bottom = dots * len(picture) / 100, 0.9, 0.65
    width, height = left + side + 0.2, bottom + side + (0.45 if title else 0.1)
    place = left / width, bottom / height, side / width, side / height
    with plt.rc_context(BARE):
        figure = plt.figure(figsize=(width, height))
        axes = figure.add_axes(place)
        extent = -0.5, k - 0.5, -0.5, k - 0.5
        axes.imshow(picture, vmin=0, vmax=1, extent=extent, interpolation="nearest")
        shown = np.unique(np.linspace(0, k - 1, 5).round().astype(int))
        names = [f"{axis[i]:.2f}" for i in shown]
        axes.set(title=title, xlabel="$z_1$", ylabel="$z_2$")
        axes.set_xticks(shown, names)
        axes.set_yticks(shown, names)
    plt.close(figure)
    return figure


def code_density(axis: npt.NDArray, density: npt.NDArray) -> Figure:
    """A density of codes in greys, with the circle that holds half of the prior.

    Args:
        axis: the values of z1, which are those of z2; rising in equal steps, (k,).
        density: at these points, (k, k), rows for z1.

    Raises:
        ValueError: the shapes differ.
    """
    if density.shape != (len(axis), len(axis)):
        raise ValueError(
            f"A density at {len(axis)} by {len(axis)} points has not {density.shape}."
        )
    left, right, low, high = REACH
    rows, columns = (
        np.flatnonzero((axis >= a) & (axis <= b))
        for a, b in ((left, right), (low, high))
    )
    half = (axis[1] - axis[0]) / 2
    edges = [(axis[i[0]] - half, axis[i[-1]] + half) for i in (rows, columns)]
    extent = (*edges[0], *edges[1])
    # the square root, so that a low density is seen beside a high one
    shown = np.sqrt(density[np.ix_(rows, columns)].T / density.max())
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(figsize=(9, 4.72))
        axes.imshow(
            1 - shown, vmin=0, vmax=1, origin="lower", extent=extent, aspect="equal"
        )
        axes.add_patch(Circle((0, 0), HALF, fill=False, linestyle="--", linewidth=2))
        axes.text(1.0, 1.0, "half of the prior", fontsize=14)
        axes.set(xlabel="$z_1$", ylabel="$z_2$")
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
    with plt.rc_context(PLACED):
        figure = Figure(figsize=PLACE_INCHES)
        canvas = FigureCanvasAgg(figure)
        axes = figure.add_axes(MAP_PLACE)
        _draw_numerals(axes, z, labels, (), size=8, grey="0.55")
        axes.set(xlim=(-end, end), ylim=(-end, end), aspect="equal")
        axes.set(xlabel="$z_1$", ylabel="$z_2$")
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
    with plt.rc_context(PLACED):
        figure = plt.figure(figsize=PLACE_INCHES)
        for place, title, picture in pictures:
            axes = figure.add_axes(place)
            axes.imshow(picture.squeeze(), vmin=0, vmax=1, interpolation="nearest")
            axes.set_title(title)
            axes.axis("off")
        over = figure.add_axes(MAP_PLACE, xlim=(-end, end), ylim=(-end, end))
        disc: dict[str, Any] = {"color": COLOURS[1], "markeredgecolor": "black"}
        over.plot(*nearest.z.T, "o", markersize=9, **disc)
        # as wide as the map: seen also where numerals crowd, and nothing is hidden
        over.plot(*point, "k+", markersize=1_000, markeredgewidth=1.2, zorder=1)
        over.axis("off")
    plt.close(figure)
    return figure


def _checked_grid(images: npt.NDArray, k: int) -> npt.NDArray[np.floating]:
    """The images of a grid of k by k in one array."""
    if len(images) != k * k:
        raise ValueError(f"A grid of {k} by {k} needs {k * k} images: {len(images)}.")
    picture: npt.NDArray[np.floating] = tile(images, k, gap=0).squeeze()
    # sixteen grey levels: no eye misses the others, and a saved lesson is half as large
    return np.round(15 * picture) / 15


def _apart(z: npt.NDArray, distance: float) -> list[int]:
    """Rows of points of which no two are nearer than that; earlier ones stay."""
    kept: list[int] = []
    for row, point in enumerate(z):
        if (np.hypot(*(z[kept] - point).T) >= distance).all():
            kept.append(row)
    return kept


def _draw_prior(axes: Axes) -> None:
    """The density of a standard normal in greys, as far as codes of digits lie."""
    left, right, low, high = REACH
    x, y = np.linspace(left, right, 200), np.linspace(low, high, 200)
    density = np.exp(-0.5 * (np.square(x) + np.square(y)[:, None]))
    axes.imshow(
        1 - 0.45 * density, extent=REACH, origin="lower", vmin=0, vmax=1, aspect="equal"
    )


def _draw_numerals(
    axes: Axes,
    z: npt.NDArray,
    labels: npt.NDArray,
    marked: Sequence[int],
    size: float,
    grey: str = "0.35",
) -> None:
    """Each point as the numeral of its class, those of marked classes in colour."""
    colours = dict(zip(marked, cycle(MARKS), strict=False))
    for label in np.unique(labels):
        look: dict[str, Any] = {
            "marker": f"${label}$",
            "markersize": size,
            "markeredgewidth": 0.3,
        }
        colour = colours.get(int(label), grey)
        axes.plot(*z[labels == label].T, linestyle="none", color=colour, **look)
