"""A latent space of many dimensions as pictures: its shell, ways, handles and errors.

Arrays in, a matplotlib Figure out. Figures are closed before they are returned.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure
from matplotlib.patches import Arc, Circle, Wedge

from course_utils.figures.pieces import (
    FORMULA,
    LINE,
    LOOK,
    WIDTH,
    WORDS,
    Part,
    box,
    compute,
    line,
    network,
    rounded,
    sheet,
    write,
)
from course_utils.figures.style import COLOURS, STYLE

STRAIGHT, AROUND = COLOURS[1], COLOURS[0]
MEASURED, CONTROL = COLOURS[0], COLOURS[1]


def generator_diagram(z: npt.NDArray, image: npt.NDArray) -> Figure:
    """A generator between the numbers that it is given and the image that it makes.

    Args:
        z: a latent point, (d,); its numbers are drawn as bars.
        image: what becomes of it, (height, width) in [0, 1].
    """
    level, height = 1.55, 2.7
    with mpl.rc_context(LOOK):
        figure, paper = sheet(height)
        numbers = Part(2.05, level, 3.6, 1.35)
        rounded(paper, numbers)
        place = numbers.left[0] + 0.1, numbers.bottom[1] + 0.08, 3.4, 1.19
        bars = figure.add_axes(
            tuple(np.divide(place, (WIDTH, height, WIDTH, height))), zorder=2
        )
        bars.bar(np.arange(len(z)), z, width=0.8, color=AROUND)
        bars.axis("off")
        generator = network(paper, (5.35, level), (0.9, 1.6), "generator", "$G$", 1.5)
        shown = box(paper, Part(7.85, level, 1.6, 1.6), "", image=image)
        compute(paper, numbers.right, generator.left)
        compute(paper, generator.right, shown.left)
        write(paper, (numbers.x, 0.5), f"$z$: {len(z)} random numbers", 16)
        write(paper, (shown.x, 0.5), "$G(z)$: a digit", 16)
    return figure


def shell_diagram(radius: float, inner: float, outer: float) -> Figure:
    """Two ways between two points of a shell: straight through it, and around.

    Drawn for two orthogonal directions, as random ones of many dimensions are.

    Args:
        radius: of the shell.
        inner: the length above which nearly all points lie.
        outer: the length below which they do.
    """
    middle, unit = np.array([2.95, 0.6]), 2.3 / radius
    short = radius / np.sqrt(2)
    with mpl.rc_context(LOOK):
        figure, paper = sheet(3.9)
        thick = unit * (outer - inner)
        paper.add_patch(
            Wedge(tuple(middle), unit * outer, 0, 180, width=thick, color="0.88", lw=0)
        )
        across = 2 * unit * radius
        way = Arc(tuple(middle), across, across, theta1=45, theta2=135)
        way.set(edgecolor=AROUND, linewidth=4)
        paper.add_patch(way)
        ends = [
            tuple(middle + unit * radius * np.array([np.cos(turn), np.sin(turn)]))
            for turn in np.deg2rad([135, 45])
        ]
        line(paper, ends[0], ends[1], STRAIGHT, 4)
        for place in ends:
            line(paper, tuple(middle), place, "0.5", LINE)
        for length, colour in ((radius, AROUND), (short, STRAIGHT)):
            dot = middle[0], middle[1] + unit * length
            paper.add_patch(Circle(dot, 0.11, color=colour, zorder=4))
        for place in (*ends, tuple(middle)):
            paper.add_patch(Circle(place, 0.09, color="black", zorder=4))
        for turn, name in ((146, "a"), (34, "b")):
            side = np.array([np.cos(np.deg2rad(turn)), np.sin(np.deg2rad(turn))])
            write(paper, tuple(middle + unit * radius * side), f"${name}$", FORMULA)
        write(paper, (middle[0], 0.25), "origin")
        notes = (
            (3.3, AROUND, f"around: $|z|$ = {radius:.1f} halfway"),
            (2.2, STRAIGHT, f"straight: $|z|$ = {short:.1f} halfway"),
            (1.2, "0.3", "grey, the shell: it has"),
            (0.92, "0.3", f"99 % of all $z$, {inner:.1f} to {outer:.1f}"),
        )
        for height, colour, words in notes:
            write(paper, (5.95, height), words, WORDS, "left", colour)
    return figure


def lengths_of_draws(lengths: Mapping[str, npt.NDArray]) -> Figure:
    """Histograms of the lengths of random points, with a name on each.

    Args:
        lengths: of equally many points (n,), by name.
    """
    end = 1.08 * max(values.max() for values in lengths.values())
    edges = np.linspace(0, end, 121)
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(figsize=(9, 3.9))
        highest = 0.0
        for place, (name, values) in enumerate(lengths.items()):
            colour = COLOURS[place % len(COLOURS)]
            heights, _ = np.histogram(values, edges, density=True)
            wide = np.diff(edges)
            axes.bar(edges[:-1], heights, wide, align="edge", color=colour, alpha=0.75)
            highest = max(highest, heights.max())
            words: dict[str, Any] = {"color": colour, "fontsize": 15, "ha": "center"}
            axes.text(values.mean(), 1.06 * heights.max(), name, va="bottom", **words)
        axes.set(xlabel="length |z|", ylabel="density", xlim=(0, end))
        axes.set_ylim(0, 1.25 * highest)
    plt.close(figure)
    return figure


def length_or_direction(
    radii: npt.NDArray,
    frechet: npt.NDArray,
    floor: float,
    scans: Mapping[str, tuple[float, float]],
) -> Figure:
    """How far samples are from real digits, against the length of their latent points.

    The curve has random directions. A scan is a dot; a vertical line joins it to the
    curve, and is as long as what its directions do beyond its length.

    Args:
        radii: lengths, rising, (k,).
        frechet: the Fréchet distance of random directions at each, (k,).
        floor: that of as many real digits.
        scans: length and distance, by the scan's name.
    """
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(figsize=(9, 4.6))
        axes.plot(radii, frechet, "o-", color=MEASURED, markersize=8)
        axes.axhline(floor, color="0.35", linestyle="--")
        for name, (radius, distance) in scans.items():
            here = np.exp(np.interp(np.log(radius), np.log(radii), np.log(frechet)))
            axes.plot([radius] * 2, [here, distance], "-", color=CONTROL, linewidth=3)
            axes.plot(radius, distance, "D", color=CONTROL, markersize=11)
            axes.text(radius, 1.3 * distance, name, ha="center", fontsize=15)
        words: dict[str, Any] = {"fontsize": 15}
        axes.text(
            radii[0], frechet[0] * 1.3, "random directions", color=MEASURED, **words
        )
        axes.text(radii[0], floor * 1.2, "real digits", color="0.25", **words)
        highest = max([*frechet, *(distance for _, distance in scans.values())])
        axes.set(xscale="log", yscale="log", xlabel="length |z|")
        axes.set(ylabel="Fréchet distance", ylim=(0.5 * floor, 2.4 * highest))
        ticks = [t for t in (2, 5, 10, 20, 50, 100) if radii[0] <= t <= radii[-1]]
        axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
        axes.set_xticks([], minor=True)
    plt.close(figure)
    return figure


def turned(
    way: str,
    labels: Sequence[str],
    lines: Mapping[str, Sequence[Sequence[npt.NDArray]]],
) -> Figure:
    """What is measured on images whose latent points are moved, a panel each.

    Of a name's directions each has a line of its own. Bars are two standard errors.

    Args:
        way: what the horizontal axis says, how far an image went.
        labels: what is measured, one for each panel.
        lines: by a name, for each of its directions: how far, (k,), and then what was
            measured on each point, (k, points), as many as there are labels.
    """
    with plt.rc_context(STYLE):
        figure, grid = plt.subplots(
            1, len(labels), figsize=(9, 4.1), squeeze=False, sharex=True
        )
        for panel, (axes, label) in enumerate(zip(grid[0], labels, strict=True), 1):
            for place, (name, directions) in enumerate(lines.items()):
                look: dict[str, Any] = {"color": COLOURS[place], "capsize": 2}
                for direction in directions:
                    far, values = direction[0], direction[panel]
                    mean = values.mean(axis=1)
                    error = values.std(axis=1) / np.sqrt(values.shape[1])
                    look["label"] = name if direction is directions[0] else None
                    axes.errorbar(far, mean, 2 * error, fmt="o-", markersize=4, **look)
            axes.set(xlabel=way, title=label)
        grid[0, 0].legend(loc="upper left", fontsize=14)
    plt.close(figure)
    return figure


def final_errors(
    errors: Mapping[str, npt.NDArray],
    nearest: Mapping[str, npt.NDArray],
    names: Sequence[str],
) -> Figure:
    """Where searches from several starts end, for some images of some kinds.

    Args:
        errors: of each start, (images, starts), by the kind of image.
        nearest: of the nearest training image, (images,), by the same kinds.
        names: of the images of every kind.
    """
    top = 1.12 * max(
        values.max() for part in (errors, nearest) for values in part.values()
    )
    with plt.rc_context(STYLE):
        figure, grid = plt.subplots(
            1, len(errors), figsize=(9, 4.1), squeeze=False, sharey=True
        )
        for axes, (kind, ends) in zip(grid[0], errors.items(), strict=True):
            for place, (values, near) in enumerate(
                zip(ends, nearest[kind], strict=True)
            ):
                axes.plot([place - 0.35, place + 0.35], [near] * 2, "k-", linewidth=3.5)
                dots = [place] * len(values)
                axes.plot(dots, values, "o", color=MEASURED, markersize=9, alpha=0.6)
            axes.set(title=kind, xlim=(-0.7, len(ends) - 0.3), ylim=(0, top))
            axes.set_xticks(range(len(ends)), names)
            axes.set_xlabel("digit")
        grid[0, 0].set_ylabel("error of a pixel")
        highest = next(iter(nearest.values())).max()
        grid[0, 0].text(-0.45, 1.07 * highest, "nearest training digit", fontsize=14)
    plt.close(figure)
    return figure
