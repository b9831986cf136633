"""A cloud of points in a landscape: how its mean height changes when it moves."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from course_utils.figures.style import COLOURS, PLACED, STYLE

Array = npt.NDArray[np.floating]
Look = dict[str, Any]  # how something is drawn
Curve = tuple[Array, Array]

# Orange is left to the score function, as blue to the path.
SLOPE = COLOURS[3]

DOTS: Look = {"linestyle": "none", "marker": "o", "markersize": 11}
ROUND: Look = {"color": "0.6", "linestyle": "-"}


def pathwise_gradients(
    epsilon: Array,
    z: Array,
    values: Array,
    slopes: Array,
    curve: Curve,
    title: str = "",
) -> Figure:
    """Samples z on the curve of f, and below, in a lane for each, noise and gradient.

    Args:
        epsilon: the noise, (n,).
        z: what the noise was mapped to, (n,).
        values: f(z), (n,).
        slopes: f'(z), (n,); an arrow's length is a fifth of it.
        curve: points z and f(z) of the curve; their range is the axes' range.
        title: above the picture.
    """
    arrows: Look = {"angles": "xy", "scale_units": "xy", "scale": 5, "width": 0.005}
    lanes = np.arange(len(z), dtype=float)
    # margins by hand: fitting them takes as long as all the rest
    with plt.rc_context(PLACED):
        figure, (above, below) = plt.subplots(
            2, 1, sharex=True, figsize=(9, 5.2), height_ratios=(3, 4)
        )
        figure.subplots_adjust(0.1, 0.12, 0.98, 0.88, hspace=0.1)
        above.plot(*curve, **ROUND)
        above.plot(z, values, color=COLOURS[0], **DOTS)
        above.set(title=title, ylabel="f(z)", xlim=_range(curve[0]))
        ends = np.stack([epsilon, z, np.full_like(z, np.nan)], axis=1).ravel()
        below.plot(ends, np.repeat(lanes, 3), color="0.8", linestyle="-", linewidth=1)
        below.plot(epsilon, lanes, "k|", markersize=12, markeredgewidth=2.5)
        below.plot(z, lanes, color=COLOURS[0], **DOTS | {"markersize": 7})
        below.quiver(z, lanes, slopes, 0 * z, color=SLOPE, zorder=3, **arrows)
        below.set(ylim=(-1, len(z)), xlabel="z (no units)", ylabel="one lane per point")
        below.set_yticks([])
        legend = ("black mark: ε, fixed", "dot: z = μ + σ ε", "arrow: slope f '(z) / 5")
        colours = ("black", COLOURS[0], SLOPE)
        for place, (words, colour) in enumerate(zip(legend, colours, strict=True)):
            height = 0.9 - 0.13 * place
            below.text(0.02, height, words, color=colour, transform=below.transAxes)
    plt.close(figure)
    return figure


def cloud_in_landscape(
    curve: Curve,
    points: Curve,
    bell: Array,
    moved: Array | None = None,
    slopes: Array | None = None,
) -> Figure:
    """Points on the curve of f, above the density that they were drawn from.

    Args:
        curve: z and f(z) of the curve, (n,) each; their range is the axes' range.
        points: z and f(z) of the points, (k,) each.
        bell: the density at the curve's z, (n,).
        moved: the density after the move, (n,), or none.
        slopes: f' at the points, (k,), drawn as short tangents, or none.
    """
    z, heights = curve
    with plt.rc_context(STYLE):
        figure, (above, below) = plt.subplots(
            2, 1, sharex=True, figsize=(9, 3.8), height_ratios=(3, 2)
        )
        above.plot(z, heights, **ROUND)
        if slopes is None:
            above.plot(*points, color=COLOURS[0], **DOTS)
        else:
            above.margins(y=0.3)
            _tangents(above, points, slopes)
            above.plot(*points, color=COLOURS[0], **DOTS | {"markersize": 7})
        above.set(ylabel="height f(z)", xlim=_range(z))
        below.plot(z, bell, color=COLOURS[0], linestyle="-")
        below.fill_between(z, bell, color=COLOURS[0], alpha=0.15)
        _name(below, z, bell, "the cloud q", COLOURS[0], -1)
        if moved is not None:
            below.plot(z, moved, color=SLOPE, linestyle="--")
            _name(below, z, moved, "moved", SLOPE, 1)
        below.set(ylim=(0, 1.15 * bell.max()), xlabel="z (no units)", ylabel="density")
    plt.close(figure)
    return figure


def _tangents(axes: Axes, points: Curve, slopes: Array, length: float = 0.12) -> None:
    """Short pieces of the tangents, as long as `length` of the picture's diagonal."""
    (low, high), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    wide, tall = high - low, top - bottom
    step = length / np.hypot(1 / wide, slopes / tall)
    stroke: Look = {"color": SLOPE, "linestyle": "-", "linewidth": 4}
    for x, y, slope, half in zip(*points, slopes, step, strict=True):
        along = np.array([-half, half])
        axes.plot(x + along, y + slope * along, **stroke)
    axes.set(xlim=(low, high), ylim=(bottom, top))


def _name(
    axes: Axes, z: Array, bell: Array, words: str, colour: str, side: int
) -> None:
    """The words beside a bell, near its top, on its left (-1) or right."""
    level = 0.75 * bell.max()
    inside = np.flatnonzero(bell > level)
    place = z[inside[0 if side < 0 else -1]]
    align = "right" if side < 0 else "left"
    offset: Look = {
        "textcoords": "offset points",
        "xytext": (side * 20, 0),
        "va": "center",
    }
    axes.annotate(words, (place, level), color=colour, ha=align, **offset)


def weighed_points(curve: Curve, points: Curve, weights: Array) -> Figure:
    """Points that stay where they are and count anew: a dot's area is its weight.

    Args:
        curve: z and f(z) of the curve, (n,) each.
        points: z and f(z) of the points, (k,) each.
        weights: by how much each counts, (k,); 1 is as before.
    """
    z, heights = points
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(figsize=(9, 2.9))
        axes.plot(*curve, **ROUND)
        axes.scatter(z, heights, s=200 * weights, color=COLOURS[1], zorder=3)
        for place, weight in zip(zip(z, heights, strict=True), weights, strict=True):
            above: Look = {
                "xytext": (0, 16),
                "textcoords": "offset points",
                "ha": "center",
            }
            axes.annotate(f"× {weight:.1f}", place, color=COLOURS[1], **above)
        axes.set(xlabel="z (no units)", ylabel="height f(z)", xlim=_range(curve[0]))
    plt.close(figure)
    return figure


def moved_points(curve: Curve, points: Curve, moved: Curve) -> Figure:
    """Points before the move, hollow, and after it, each with an arrow between.

    Args:
        curve: z and f(z) of the curve, (n,) each.
        points: z and f(z) of the points before, (k,) each.
        moved: the same after the move.
    """
    arrow: Look = {"arrowstyle": "->", "color": COLOURS[0], "lw": 2, "shrinkA": 6}
    arrow["shrinkB"] = 6
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(figsize=(9, 2.9))
        axes.plot(*curve, **ROUND)
        axes.plot(*points, color=COLOURS[0], fillstyle="none", **DOTS)
        axes.plot(*moved, color=COLOURS[0], **DOTS)
        starts, ends = np.transpose(points), np.transpose(moved)
        for start, end in zip(starts, ends, strict=True):
            axes.annotate("", tuple(end), tuple(start), arrowprops=arrow)
        near: Look = {"textcoords": "offset points", "color": COLOURS[0]}
        under: Look = {"xytext": (10, -4), "va": "top", "ha": "left"}
        above: Look = {"xytext": (-14, 4), "va": "center", "ha": "right"}
        axes.annotate("before: hollow", tuple(starts[-1]), **near, **under)
        axes.annotate("after: full", tuple(ends[-1]), **near, **above)
        axes.set(xlabel="z (no units)", ylabel="height f(z)", xlim=_range(curve[0]))
    plt.close(figure)
    return figure


def lost_term(z: Array, change: Array, heights: Array) -> Figure:
    """Where a moving bell gains and loses points, and what that does to the height.

    Args:
        z: an even grid, (n,).
        change: slope of the density in the parameter that moves it, (n,).
        heights: f(z), (n,).
    """
    product = heights * change
    area = product.sum() * (z[1] - z[0])
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(1, 2, figsize=(9, 3.6))
        panels = [(change, "slope of the density in μ"), (product, "times f(z)")]
        for axis, (curve, words) in zip(axes, panels, strict=True):
            axis.plot(z, curve, color="black", linestyle="-", linewidth=1.5)
            gain, loss = curve > 0, curve < 0
            axis.fill_between(z, curve, where=gain, color=COLOURS[5], alpha=0.5)
            axis.fill_between(z, curve, where=loss, color=COLOURS[3], alpha=0.5)
            axis.set(xlabel="z (no units)", title=words, xlim=_range(z))
        corner: Look = {"transform": axes[0].transAxes, "fontsize": 14}
        axes[0].text(0.98, 0.9, "points\narrive", ha="right", va="top", **corner)
        axes[0].text(0.02, 0.1, "points\nleave", ha="left", va="bottom", **corner)
        axes[1].set_title(f"times f(z): area {area:.2f}")
    plt.close(figure)
    return figure


def _range(values: Array) -> tuple[float, float]:
    return float(values.min()), float(values.max())
