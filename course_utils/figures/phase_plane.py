"""Two players in a plane: a pendulum's lap, a step, paths, and what friction does.

Numbers come in computed; sketches are made of the pieces of `figures/pieces.py`.
Figures are closed before they are returned.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Arc, Circle, FancyArrowPatch, Polygon

from course_utils.figures.game_frames import Field, draw_field, draw_path
from course_utils.figures.pieces import (
    FORMULA,
    LINE,
    LOOK,
    heading,
    line,
    sheet,
    write,
)
from course_utils.figures.style import COLOURS, PLACED, STYLE, number

REFEREE, FAKE, DATA = COLOURS[0], COLOURS[1], "0.45"
MARKERS = ("o", "s", "^", "D")
# So small a step that the order of the players changes nothing that can be seen.
TINY = 1e-6
Step = Callable[[npt.NDArray, npt.NDArray, float], tuple[npt.NDArray, npt.NDArray]]
# A quarter of a lap each: theta, psi, and what to say of it.
LAP = (
    (1, 0, r"$\theta > 0,\ \psi = 0$", "too far right,\nand D is flat"),
    (0, -1, r"$\theta = 0,\ \psi < 0$", "the right place,\nbut D is steep"),
    (-1, 0, r"$\theta < 0,\ \psi = 0$", "too far left,\nand D is flat"),
    (0, 1, r"$\theta = 0,\ \psi > 0$", "the right place,\nbut D is steep"),
)


def lap_of_the_game() -> Figure:
    """Four moments of a lap: a pendulum above, the two players of the game below.

    The pendulum's place is the generator's theta, its speed the discriminator's psi.
    """
    with mpl.rc_context(LOOK):
        figure, paper = sheet(4.7)
        heading(paper, (0.2, 4.48), "A pendulum: place and speed")
        heading(paper, (0.2, 2.42), "A game: place θ of the fake, slope ψ of the logit")
        for column, (theta, psi, formula, words) in enumerate(LAP):
            x = 1.2 + 2.2 * column
            _pendulum(paper, (x, 4.2), 0.5 * theta, psi)
            _players(paper, (x, 1.5), 0.55 * theta, psi)
            write(paper, (x, 0.83), formula, FORMULA)
            write(paper, (x, 0.33), words)
        for column in range(3):
            x = 2.3 + 2.2 * column
            _arrow(paper, (x - 0.17, 3.25), (x + 0.17, 3.25), "0.45")
            _arrow(paper, (x - 0.17, 1.5), (x + 0.17, 1.5), "0.45")
        write(paper, (1.02, 1.37), "data", color=DATA)
        write(paper, (1.86, 1.37), "fake", color=FAKE)
        write(paper, (0.4, 1.84), "logit", ha="left", color=REFEREE)
    return figure


def right_angled_step(h_u: float = 0.5) -> Figure:
    """A step at right angles to the radius, and the radius after it.

    Args:
        h_u: length of the step in units of the radius.
    """
    with mpl.rc_context(LOOK):
        figure, paper = sheet(4.5)
        paper.set_aspect("equal")
        middle, radius, angle = np.array([1.7, 1.2]), 2.3, np.deg2rad(62)
        out = np.array([np.cos(angle), np.sin(angle)])
        along = np.array([out[1], -out[0]])  # clockwise
        place = middle + radius * out
        after = place + h_u * radius * along
        for size, look in ((radius, "-"), (radius * np.hypot(1, h_u), "--")):
            arc = Arc(tuple(middle), 2 * size, 2 * size, theta1=-14, theta2=100)
            arc.set(edgecolor="0.6", linewidth=LINE, linestyle=look)
            paper.add_patch(arc)
        line(paper, tuple(middle), tuple(place), "black", LINE + 0.6)
        line(paper, tuple(middle), tuple(after), FAKE, LINE + 0.6)
        _arrow(paper, tuple(place), tuple(after), REFEREE)
        corner = 0.22
        legs = np.array(
            [
                place - corner * out,
                place - corner * out + corner * along,
                place + corner * along,
            ]
        )
        paper.plot(*legs.T, color="black", linestyle="-", linewidth=1.2)
        paper.plot(*middle, "k+", markersize=16, markeredgewidth=2.5)
        paper.plot(*place, "s", color="black", markersize=10)
        paper.plot(*after, "o", color=FAKE, markersize=12, markeredgecolor="black")
        write(paper, (1.9, 2.4), "$r$", FORMULA, ha="right")
        side = place + 0.55 * h_u * radius * along + np.array([0.42, 0.2])
        write(paper, tuple(side), "step $h\\,u\\,r$", FORMULA, ha="left", color=REFEREE)
        end = after + np.array([0.3, -0.05])
        write(paper, tuple(end), "after it: $r'$", FORMULA, ha="left", color=FAKE)
        rule = r"$r'^2 = r^2 + (h\,u\,r)^2 = (1 + h^2u^2)\,r^2$"
        write(paper, (6.75, 1.5), rule, FORMULA)
        write(paper, (6.75, 1.0), "longer than r, whatever h is")
        write(paper, (1.7, 0.78), "equilibrium (0, 0)")
    return figure


def paths_side_by_side(
    plays: Mapping[str, tuple[Step, npt.NDArray]], end: float
) -> Figure:
    """Plays of two numbers in the plane of both, beside each other.

    Arrows show where a tiny step leads.

    Args:
        plays: a step, (theta, psi, h) to the next theta and psi, and the points (n, 2)
            of its path, by the title of their panel; three panels at most.
        end: the plane reaches from -end to end in both directions.
    """
    count = len(plays)
    size = min(9 / count, 4.2)
    lattice = np.linspace(-end, end, 9 if count > 2 else 11)
    theta, psi = np.meshgrid(lattice, lattice)
    with plt.rc_context(PLACED):
        figure, panels = plt.subplots(
            1, count, figsize=(9, size + 0.4), sharey=True, squeeze=False
        )
        figure.subplots_adjust(0.09, 0.15, 0.99, 0.87, wspace=0.08)
        for axes, (title, (step, path)) in zip(panels[0], plays.items(), strict=True):
            right, up = step(theta, psi, TINY)
            draw_field(axes, Field(lattice, right - theta, up - psi))
            draw_path(axes, path)
            tick = max(1, int(0.75 * end))
            ticks = [-tick, 0, tick]
            axes.set(xlim=(-end, end), ylim=(-end, end), xticks=ticks, yticks=ticks)
            axes.set_title(title, fontsize=15)
            axes.set(aspect="equal", xlabel="generator θ")
        panels[0, 0].set_ylabel("discriminator ψ")
    plt.close(figure)
    return figure


def moved_squares(squares: Mapping[str, Sequence[npt.NDArray]], end: float) -> Figure:
    """A square of starting points, carried on by steps of the game.

    Args:
        squares: corners (k, 2) at some moments, the first being the start, by the
            title of their panel.
        end: the plane reaches from -end to end in both directions.
    """
    with plt.rc_context(PLACED):
        figure, panels = plt.subplots(
            1, len(squares), figsize=(9, 4.6), sharey=True, squeeze=False
        )
        figure.subplots_adjust(0.09, 0.14, 0.99, 0.9, wspace=0.06)
        for axes, (title, moments) in zip(panels[0], squares.items(), strict=True):
            for age, corners in enumerate(moments):
                colour = "black" if age == 0 else COLOURS[0]
                shape = Polygon(corners, facecolor=colour, edgecolor=colour, alpha=0.45)
                axes.add_patch(shape)
                middle = corners.mean(0)
                area = _area(corners) / _area(moments[0])
                below = corners[:, 1].min() - 0.09 * end
                write(axes, (middle[0], below), f"× {number(area, 1)}", 15)
            axes.plot(0, 0, "k+", markersize=16, markeredgewidth=2.5)
            axes.set(xlim=(-end, end), ylim=(-end, end), aspect="equal")
            axes.set(xlabel="generator θ", title=title)
        panels[0, 0].set_ylabel("discriminator ψ")
    plt.close(figure)
    return figure


def moduli_of_friction(
    gammas: npt.NDArray, moduli: Mapping[str, npt.NDArray]
) -> Figure:
    """The largest modulus of a step's eigenvalues against the weight of the penalty.

    Args:
        gammas: weights, (n,).
        moduli: by the name of the order of play, (n,), each with one lowest place.
    """
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(figsize=(9, 4.4))
        axes.axhline(1, color="black", linestyle=":", linewidth=1.5)
        for k, (name, values) in enumerate(moduli.items()):
            axes.plot(gammas, values, color=COLOURS[k], label=name)
            lowest = values.argmin()
            axes.plot(
                gammas[lowest], values[lowest], MARKERS[k], color=COLOURS[k], ms=11
            )
        low = min(values.min() for values in moduli.values())
        axes.set_ylim(low - 0.02, 1 + 0.55 * (1 - low))
        right = gammas[-1]
        words: dict[str, Any] = {"fontsize": 15, "color": "0.25"}
        axes.text(0.99 * right, 1 + 0.06 * (1 - low), "it leaves", ha="right", **words)
        axes.text(0.99 * right, 1 - 0.6 * (1 - low), "it arrives", ha="right", **words)
        axes.set(xlabel="weight γ of the penalty", ylabel="largest modulus")
        axes.legend(loc="upper center", ncols=2, frameon=False)
    plt.close(figure)
    return figure


def moved_earth(heap: npt.NDArray, target: npt.NDArray) -> Figure:
    """Which grain of one heap goes where in another, so that all ways are shortest.

    Args:
        heap: places of grains on the line, (n,).
        target: where grains are wanted, (n,).
    """
    ways = list(zip(np.sort(heap), np.sort(target), strict=True))
    with plt.rc_context(STYLE | {"axes.grid": False}):
        figure, axes = plt.subplots(figsize=(9, 3.6))
        for start, end in ways:
            arrow = FancyArrowPatch(
                (start, 1), (end, 0), arrowstyle="-|>", shrinkA=9, shrinkB=9
            )
            arrow.set(mutation_scale=16, color="0.5", linewidth=1.5)
            axes.add_patch(arrow)
        for places, row, colour, marker in (
            (heap, 1, FAKE, "o"),
            (target, 0, DATA, "s"),
        ):
            axes.plot(places, np.full(len(places), row), marker, color=colour, ms=13)
        axes.set(ylim=(-0.35, 1.35), yticks=[0, 1], xlabel="x (metres)")
        axes.set_yticklabels(["wanted", "heap"])
        axes.spines["left"].set_visible(False)
        axes.tick_params(axis="y", length=0)
        mean = np.mean([abs(end - start) for start, end in ways])
        axes.set_title(f"mean way: {number(mean)} metres", loc="left")
    plt.close(figure)
    return figure


def _pendulum(
    paper: Axes, pivot: tuple[float, float], angle: float, speed: int
) -> None:
    """A pendulum that hangs from a pivot; its speed is an arrow at the bob."""
    length = 1.15
    bob = pivot[0] + length * np.sin(angle), pivot[1] - length * np.cos(angle)
    line(paper, (pivot[0] - 0.3, pivot[1]), (pivot[0] + 0.3, pivot[1]), "black", 3)
    line(paper, pivot, bob, "black", LINE)
    if speed:
        _arrow(paper, bob, (bob[0] + 0.75 * speed, bob[1]), REFEREE)
    circle = Circle(bob, 0.14, facecolor=FAKE, edgecolor="black", linewidth=LINE)
    circle.set_zorder(4)
    paper.add_patch(circle)


def _players(paper: Axes, middle: tuple[float, float], theta: float, psi: int) -> None:
    """The data's point, the fake, and the logit as a line through the data's point."""
    x, y = middle
    line(paper, (x - 0.85, y - 0.35), (x + 0.85, y - 0.35), "0.7", 1.5)
    rise = 0.32 * psi
    line(paper, (x - 0.8, y + 0.12 - rise), (x + 0.8, y + 0.12 + rise), REFEREE, 3)
    paper.plot(x, y - 0.35, "s", color=DATA, markersize=13)
    paper.plot(x + theta, y - 0.35, "o", color=FAKE, markersize=11, mec="black")


def _arrow(paper: Axes, start: Any, end: Any, colour: str) -> None:
    arrow = FancyArrowPatch(start, end, arrowstyle="-|>", shrinkA=0, shrinkB=0)
    arrow.set(color=colour, linewidth=LINE + 0.8, mutation_scale=20)
    arrow.set_zorder(3)
    paper.add_patch(arrow)


def _area(corners: npt.NDArray) -> float:
    """Of a polygon, by the shoelace formula."""
    x, y = corners.T
    return 0.5 * abs(x @ np.roll(y, -1) - y @ np.roll(x, -1))
