"""Pictures of how samples cover a mixture of narrow modes: arrays in, a Figure out.

Dots are large enough for the back of a hall. Figures are closed before they are
returned.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from course_utils.figures.style import COLOURS, STYLE

# The four numbers: the name, how it is written, and the ends of its axis.
SCALES: tuple[tuple[str, str, tuple[float, float]], ...] = (
    ("modes", "{:.0f}", (0, 27)),
    ("high quality", "{:.0%}", (0.7, 1.02)),
    ("reverse KL (nats)", "{:g}", (1e-3, 4.0)),
    ("spread", "{:.1f}", (0, 1.25)),
)
PERFECT, SEEN, MISSED = "0.8", "black", COLOURS[1]


def modes_and_samples(
    panels: Mapping[str, npt.NDArray],
    modes: npt.NDArray,
    columns: int = 3,
    missed: bool = True,
) -> Figure:
    """Samples in the plane, one panel beside the other, over a ring at each mode.

    Args:
        panels: samples (n, 2) by the title of their panel.
        modes: the target's means, (K, 2).
        columns: panels in a row at most.
        missed: draw a mode in colour, and thick, if no sample lies in its ring.
    """
    columns = min(columns, len(panels))
    rows = -(-len(panels) // columns)
    width = 9 / columns
    end = 1.3 * np.abs(modes).max()
    with plt.rc_context(STYLE | {"axes.titlesize": 14, "axes.grid": False}):
        figure, grid = plt.subplots(
            rows, columns, figsize=(9, rows * (width + 0.3)), squeeze=False
        )
        for axes in grid.flat[len(panels) :]:
            axes.set_visible(False)
        for axes, (title, samples) in zip(grid.flat, panels.items(), strict=False):
            _rings(axes, np.asarray(samples), modes, missed)
            axes.set(xlim=(-end, end), ylim=(-end, end), title=title, aspect="equal")
            axes.set(xticks=[], yticks=[])
    plt.close(figure)
    return figure


def _rings(axes: Axes, samples: npt.NDArray, modes: npt.NDArray, missed: bool) -> None:
    """A ring of a fixed size at each mode, and all samples as dots."""
    radius = 0.09 * np.abs(modes).max()
    distances = np.linalg.norm(samples[:, None] - modes, axis=2)
    empty = missed & ~(distances < radius).any(0)
    for mode, nobody in zip(modes, empty, strict=True):
        look: dict[str, Any] = {"edgecolor": COLOURS[0], "linewidth": 1.5}
        if nobody:
            look = {"edgecolor": MISSED, "linewidth": 4}
        axes.add_patch(plt.Circle(tuple(mode), radius, fill=False, **look))
    axes.plot(*samples.T, "o", color=SEEN, markersize=3.4, alpha=0.4, mew=0)


def one_mode(
    panels: Mapping[str, npt.NDArray], mode: npt.NDArray, sigma: float
) -> Figure:
    """Samples around one mode, in units of its width, with the circle of 3 sigma.

    Args:
        panels: samples (n, 2) by the title of their panel.
        mode: the mean, (2,).
        sigma: the width.
    """
    with plt.rc_context(STYLE | {"axes.grid": False}):
        figure, axes = plt.subplots(
            1, len(panels), figsize=(9, 9 / len(panels) + 0.3), squeeze=False
        )
        for panel, (title, samples) in zip(axes.flat, panels.items(), strict=True):
            x = (np.asarray(samples) - mode) / sigma
            panel.plot(*x.T, "o", color=SEEN, markersize=7, alpha=0.45, mew=0)
            circle = plt.Circle((0, 0), 3, fill=False, edgecolor=COLOURS[0])
            circle.set(linewidth=2.5, linestyle="--")
            panel.add_patch(circle)
            panel.set(xlim=(-5, 5), ylim=(-5, 5), aspect="equal", title=title)
            panel.set(xticks=[-3, 0, 3], yticks=[-3, 0, 3])
            panel.set_xlabel("right of the mode (σ)")
        axes[0, 0].set_ylabel("above the mode (σ)")
    plt.close(figure)
    return figure


def four_numbers(
    rows: Mapping[str, npt.NDArray], perfect: Sequence[tuple[float, float]]
) -> Figure:
    """The four numbers of some samplers, one row each, beside a perfect one.

    The grey band is a perfect sampler: its mean, give or take two standard deviations.
    A dot is one run; if there are several, a bar marks their mean. What lies beyond an
    axis is drawn at its end, as a triangle.

    Args:
        rows: modes, high quality, reverse KL and spread of each run, (runs, 4) or (4,),
            by the sampler's name.
        perfect: mean and standard deviation of a perfect sampler, for each number.
    """
    height = 0.95 + 0.42 * len(rows)
    with plt.rc_context(STYLE | {"axes.grid": False}):
        figure, axes = plt.subplots(1, 4, figsize=(9, height), sharey=True)
        for column, (panel, scale) in enumerate(zip(axes, SCALES, strict=True)):
            name, form, ends = scale
            if name.startswith("reverse"):
                panel.set_xscale("log")
            panel.set(xlim=ends, ylim=(len(rows) - 0.5, -0.5))
            panel.set_title(name, fontsize=14)
            mean, sd = perfect[column]
            low, high = mean - 2 * sd, mean + 2 * sd
            panel.axvspan(max(ends[0], low), high, color=PERFECT, zorder=0, lw=3)
            for place, values in enumerate(rows.values()):
                _dots(panel, np.atleast_2d(values)[:, column], place, ends)
            panel.xaxis.set_major_formatter(
                FuncFormatter(lambda value, _, form=form: form.format(value))
            )
            panel.tick_params(axis="x", labelsize=12)
            panel.tick_params(axis="y", length=0, labelsize=14)
        axes[0].set_xticks([0, 10, 25])
        axes[1].set_xticks([0.7, 0.85, 1.0])
        axes[2].set_xticks([0.01, 0.1, 1])
        axes[2].minorticks_off()
        axes[3].set_xticks([0, 0.5, 1.0])
        axes[0].set_yticks(range(len(rows)), list(rows))
    plt.close(figure)
    return figure


def _dots(
    axes: Axes, values: npt.NDArray, place: int, ends: tuple[float, float]
) -> None:
    """One row of one number: each run, and the mean of several."""
    shown = np.clip(np.nan_to_num(values, nan=ends[0]), *ends)
    marks = np.where(values > ends[1], ">", np.where(values < ends[0], "<", "o"))
    size = 10 if len(values) == 1 else 7
    for mark in np.unique(marks):
        some = shown[marks == mark]
        look: dict[str, Any] = {"color": SEEN, "markersize": size, "alpha": 0.55}
        axes.plot(
            some,
            np.full(len(some), place),
            mark,
            mew=0,
            clip_on=False,
            zorder=3,
            **look,
        )
    if len(values) > 1:
        mean = shown.mean()
        line = [place - 0.33, place + 0.33]
        axes.plot([mean, mean], line, color=MISSED, linestyle="-", zorder=4)


def falling_curves(curves: Mapping[str, npt.NDArray], ylabel: str) -> Figure:
    """Settings that change from step to step, on a logarithmic axis.

    Args:
        curves: a value for each step, (steps,), by the name that stands on the curve.
        ylabel: of all curves.
    """
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(figsize=(9, 3.9))
        heights = _apart(curves)
        for (name, values), colour in zip(curves.items(), COLOURS, strict=False):
            share = np.linspace(0, 100, len(values))
            axes.plot(share, values, color=colour, linestyle="-", linewidth=3)
            axes.text(101, heights[name], name, color=colour, va="center", fontsize=15)
        axes.set(yscale="log", xlabel="part of the game that is played (%)")
        axes.set(xlim=(0, 100), ylabel=ylabel)
    plt.close(figure)
    return figure


def _apart(curves: Mapping[str, npt.NDArray]) -> dict[str, float]:
    """Where the names of curves stand: at their ends, but a line of text apart."""
    lowest = min(np.log(values).min() for values in curves.values())
    highest = max(np.log(values).max() for values in curves.values())
    heights, last = {}, -np.inf
    for name in sorted(curves, key=lambda name: curves[name][-1]):
        last = max(np.log(curves[name][-1]), last + 0.1 * (highest - lowest))
        heights[name] = float(np.exp(last))
    return heights


def losses_of_a_pair() -> Figure:
    """Both players' relativistic losses, against the difference of two logits."""
    difference = np.linspace(-4, 4, 161)
    curves = {
        "discriminator": np.logaddexp(0, -difference),
        "generator": np.logaddexp(0, difference),
    }
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(figsize=(9, 3.1))
        ends = {"discriminator": (-2.7, "left"), "generator": (2.7, "right")}
        for (name, loss), colour in zip(curves.items(), COLOURS, strict=False):
            place, side = ends[name]
            axes.plot(difference, loss, color=colour, linestyle="-", linewidth=3)
            height = float(np.interp(place, difference, loss)) + 0.1
            axes.text(place, height, name, color=colour, ha=side, va="bottom")
            axes.texts[-1].set(fontsize=15)
        axes.plot(0, np.log(2), "o", color="black", markersize=10)
        axes.text(0, 1.6, "neither: ln 2", ha="center", fontsize=15)
        axes.set(xlim=(-4, 4), ylim=(0, 4), ylabel="loss (nats)")
        axes.set(xticks=range(-3, 4), yticks=range(1, 4))
        axes.set_xlabel("ℓ(real) − ℓ(fake): to the right, the real one looks more real")
    plt.close(figure)
    return figure


def where_latents_go(
    z: npt.NDArray, samples: npt.NDArray, modes: npt.NDArray, sigma: float
) -> Figure:
    """Latent points in the colour of the mode that the generator takes them to.

    Orange, and smaller, are those whose sample lies farther than 3 sigma from all
    modes.

    Args:
        z: latent points, (n, 2).
        samples: of the same points, (n, 2).
        modes: the target's means, (K, 2).
        sigma: their width.
    """
    distances = np.linalg.norm(samples[:, None] - modes, axis=2)
    nearest, lost = distances.argmin(1), distances.min(1) > 3 * sigma
    # neighbours on the grid differ: the rank of a mode's column and of its row
    columns, rows = (
        np.unique(axis.round(6), return_inverse=True)[1] for axis in modes.T
    )
    grey = np.array(["0.1", "0.55", "0.35", "0.75"])[2 * (columns % 2) + rows % 2]
    with plt.rc_context(STYLE | {"axes.grid": False}):
        figure, panels = plt.subplots(1, 2, figsize=(9, 4.9))
        for axes, x, name in zip(panels, (z, samples), ("z", "x"), strict=True):
            for shade in np.unique(grey):
                chosen = (grey[nearest] == shade) & ~lost
                axes.plot(*x[chosen].T, "o", color=shade, markersize=3.2, mew=0)
            look = {"color": MISSED, "markersize": 2, "zorder": 1}  # below the others
            axes.plot(*x[lost].T, "o", mew=0, **look)
            end = 1.3 * np.abs(modes).max() if name == "x" else 3.0
            ticks = (np.array([-0.75, 0, 0.75]) * end).round()
            axes.set(xlim=(-end, end), ylim=(-end, end), aspect="equal")
            axes.set(xticks=ticks, yticks=ticks)
            axes.set(xlabel=f"${name}_1$", ylabel=f"${name}_2$")
        panels[0].set_title("latent points: one cloth")
        panels[1].set_title("their samples")
    plt.close(figure)
    return figure
