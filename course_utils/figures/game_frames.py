"""Pictures of the GAN game: arrays in, a matplotlib Figure out.

Axes are fixed by the caller, so that one picture can be compared with the next. Figures
are closed before they are returned.
"""

from typing import Any, NamedTuple

import matplotlib.pyplot as plt
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from course_utils.figures.style import COLOURS, PLACED


class Field(NamedTuple):
    """Arrows on a square lattice of the plane.

    Attributes:
        axis: the coordinates of the lattice's columns, and of its rows, (k,).
        right: each arrow's first component, (k, k), a row for each second coordinate.
        up: its second component.
    """

    axis: npt.NDArray
    right: npt.NDArray
    up: npt.NDArray


def phase_plane(
    field: Field,
    path: npt.NDArray,
    eigenvalues: npt.NDArray | None,
    end: float,
    title: str = "",
) -> Figure:
    """A play of the Dirac-GAN in the plane of both parameters, beside its eigenvalues.

    The path begins at the square and ends at the disc. The eigenvalues are crosses; the
    dashed circle is where their modulus is 1.

    Args:
        field: where one step leads; only the directions are drawn.
        path: points (theta, psi), (n, 2).
        eigenvalues: of a step at the equilibrium, complex, or none.
        end: the plane reaches from -end to end in both directions.
        title: above the plane.
    """
    # margins by hand: fitting them takes as long as all the rest
    with plt.rc_context(PLACED):
        figure = plt.figure(figsize=(9, 5.4))
        plane = figure.add_axes((0.115, 0.12, 0.435, 0.725))
        draw_field(plane, field)
        draw_path(plane, path)
        ticks = [-end, 0, end]
        plane.set(xlim=(-end, end), ylim=(-end, end), xticks=ticks, yticks=ticks)
        plane.set_title(title, fontsize=14)
        plane.set(xlabel="generator θ", ylabel="discriminator ψ")
        circle = figure.add_axes((0.66, 0.2, 0.33, 0.55))
        _draw_eigenvalues(circle, eigenvalues)
    plt.close(figure)
    return figure


def draw_field(axes: Axes, field: Field) -> None:
    """Dark grey arrows of one length in the directions of a field."""
    length = np.hypot(field.right, field.up)
    length[length == 0] = 1
    axes.quiver(
        field.axis,
        field.axis,
        field.right / length,
        field.up / length,
        color="0.45",
        pivot="mid",
        scale=1.5 * len(field.axis),
        width=0.07 / len(field.axis),
        headwidth=4,
        headlength=4,
        headaxislength=4,
    )


def draw_path(axes: Axes, path: npt.NDArray) -> None:
    """A path from a square to a disc, around the cross of the equilibrium."""
    axes.plot(*path.T, ".-", color=COLOURS[0], linewidth=1.3, markersize=4)
    axes.plot(0, 0, "k+", markersize=16, markeredgewidth=2.5)
    axes.plot(*path[0], "s", color="black", markersize=10)
    axes.plot(*path[-1], "o", color=COLOURS[1], markersize=12, markeredgecolor="black")


def game_frame(
    x: npt.NDArray,
    discriminator: npt.NDArray,
    data_density: npt.NDArray,
    generator_density: npt.NDArray,
    highest: float,
    title: str = "",
) -> Figure:
    """One moment of a one-dimensional GAN: D(x) above, both densities below.

    The dotted curve above is the best answer to this generator, p / (p + q). Densities
    above `highest` are cut off.

    Args:
        x: points of the line, (n,).
        discriminator: D(x), the probability that x is real, (n,).
        data_density: p(x), (n,).
        generator_density: q(x), (n,).
        highest: end of the axis of densities.
        title: above the picture.
    """
    both = data_density + generator_density
    seen = both > 1e-3 * highest  # elsewhere neither player has been
    best = np.divide(data_density, both, out=np.full(len(x), np.nan), where=seen)
    # margins by hand: fitting them takes as long as all the rest
    with plt.rc_context(PLACED):
        figure, (above, below) = plt.subplots(
            2, 1, sharex=True, figsize=(9, 5.5), height_ratios=(2, 3)
        )
        figure.subplots_adjust(0.1, 0.12, 0.97, 0.9, hspace=0.22)
        above.axhline(0.5, color="0.6", linestyle="-", linewidth=1)
        above.plot(x, discriminator, color=COLOURS[0], linestyle="-", label="D(x)")
        above.plot(x, best, color="black", linestyle=":", label="best D(x)")
        above.set(ylim=(-0.05, 1.05), ylabel="probability")
        above.set_title(title, loc="left")
        above.set_yticks([0, 0.5, 1])
        below.fill_between(x, data_density, color="0.82", label="data p(x)")
        below.plot(
            x,
            generator_density,
            color=COLOURS[1],
            linestyle="-",
            label="generator q(x)",
        )
        below.set(ylim=(0, highest), xlim=(x[0], x[-1]))
        below.set(xlabel="x (units of the data)", ylabel="density")
        for axes in (above, below):  # outside, where it covers no curve
            axes.legend(
                loc="lower right",
                bbox_to_anchor=(1, 0.98),
                borderaxespad=0,
                ncols=2,
                frameon=False,
            )
    plt.close(figure)
    return figure


def _draw_eigenvalues(axes: Axes, eigenvalues: npt.NDArray | None) -> None:
    """Crosses in the complex plane, around the circle of modulus 1."""
    turn = np.linspace(0, 2 * np.pi, 121)
    axes.plot(np.cos(turn), np.sin(turn), "k--", linewidth=1.5)
    axes.set(xlim=(-1.6, 1.6), ylim=(-1.6, 1.6), xticks=[-1, 0, 1], yticks=[-1, 0, 1])
    axes.set(xlabel="real part", ylabel="imaginary part")
    if eigenvalues is None:
        axes.set_title("no eigenvalues:\na kink at ψ = 0")
        return
    cross: dict[str, Any] = {
        "markersize": 13,
        "markeredgewidth": 3,
        "color": COLOURS[1],
    }
    inside = np.clip([eigenvalues.real, eigenvalues.imag], -1.55, 1.55)
    axes.plot(*inside, "x", **cross)
    axes.set_title(f"modulus, near (0, 0)\n{describe(eigenvalues)}", fontsize=14)


def describe(eigenvalues: npt.NDArray) -> str:
    """The largest modulus of a step's eigenvalues, and what it means near (0, 0)."""
    modulus = np.abs(eigenvalues).max()
    # float64 splits a double root by the square root of its rounding
    if abs(modulus - 1) < 1e-6 and np.ptp(eigenvalues.real) < 1e-6:
        double = np.abs(eigenvalues[0] - eigenvalues[1]) < 1e-6
        return f"{modulus:.4f}: {'double, it leaves' if double else 'it circles'}"
    return f"{modulus:.4f}: it {'leaves' if modulus > 1 else 'arrives'}"
