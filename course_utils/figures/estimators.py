"""Estimators of one gradient, side by side."""

from collections.abc import Mapping
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from course_utils.figures.style import COLOURS, STYLE

Array = npt.NDArray[np.floating]
Look = dict[str, Any]  # how something is drawn

# The first three stand for one estimator each in all pictures of a lesson.
LOOKS = (
    (COLOURS[0], "o", "-"),
    (COLOURS[1], "s", "--"),
    (COLOURS[2], "D", "-."),
    (COLOURS[6], "^", "-"),
)


def estimate_histograms(estimates: Mapping[str, Array], exact: float) -> Figure:
    """How single estimates are spread around the exact value.

    Args:
        estimates: by the estimator's name, (n,) each.
        exact: the value that all of them aim at.
    """
    every = np.concatenate(list(estimates.values()))
    low, high = np.quantile(every, [0.005, 0.995])
    bins = np.linspace(low, high, 81)
    with plt.rc_context(STYLE):
        figure, panels = plt.subplots(
            len(estimates), 1, sharex=True, figsize=(9, 2.2 * len(estimates))
        )
        for axes, (name, values), look in zip(
            np.atleast_1d(panels), estimates.items(), LOOKS, strict=False
        ):
            axes.hist(values, bins, density=True, color=look[0], alpha=0.6)
            axes.axvline(exact, color="black", linestyle="-", linewidth=1.5)
            words = f"{name}\nmean {values.mean():.2f}\ndeviation {values.std():.2f}"
            place: Look = {"transform": axes.transAxes, "ha": "right", "va": "top"}
            axes.text(0.98, 0.95, words, color=look[0], fontsize=14, **place)
            axes.set(yticks=[])
        axes.set(xlim=(low, high))
        axes.set_xlabel(f"one point's estimate (line: exact slope, {exact:g})")
    plt.close(figure)
    return figure


def variance_curves(
    x: Array,
    curves: Mapping[str, Array],
    x_measured: Array,
    measured: Mapping[str, Array],
    xlabel: str,
    logarithmic: bool = False,
) -> Figure:
    """Variances by closed forms, dotted, and as measured, by symbols.

    Args:
        x: where the closed forms were evaluated, (n,).
        curves: by the estimator's name, (n,) each; a line's last value stands at its
            end.
        x_measured: where was measured, (k,).
        measured: by the same names, (k,) each.
        xlabel: what x is.
        logarithmic: of the axis of x.

    Raises:
        ValueError: the names differ.
    """
    if list(curves) != list(measured):
        raise ValueError("Pass curves and measurements of the same names, in order.")
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(figsize=(9, 4.2))
        for (name, curve), (colour, marker, _) in zip(
            curves.items(), LOOKS, strict=False
        ):
            axes.plot(x, curve, color=colour, linestyle=":")
            symbols: Look = {"color": colour, "marker": marker, "linestyle": "none"}
            axes.plot(x_measured, measured[name], markersize=9, **symbols)
            end: Look = {
                "xytext": (12, 0),
                "textcoords": "offset points",
                "va": "center",
            }
            words = f"{name}: {curve[-1]:.3g}"
            axes.annotate(words, (x[-1], curve[-1]), color=colour, fontsize=14, **end)
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter("{x:g}")
        axes.set(xlabel=xlabel, ylabel="variance of one estimate")
        if logarithmic:
            axes.set_xscale("log")
            axes.set_xticks(x_measured, [f"{value:g}" for value in x_measured])
            axes.xaxis.minorticks_off()
        else:
            axes.set_xticks([t for t in axes.get_xticks() if x[0] <= t <= x[-1]])
        _leave_room(axes, 0.42)
    plt.close(figure)
    return figure


def _leave_room(axes: Axes, share: float) -> None:
    """Add this share of the axis at its right end, for the names of lines."""
    low, high = axes.get_xlim()
    if axes.get_xscale() == "log":
        axes.set_xlim(low, high * (high / low) ** share)
    else:
        axes.set_xlim(low, high + share * (high - low))


def learning_curves(
    at: Array, curves: Mapping[str, Array], level: float, level_name: str, ylabel: str
) -> Figure:
    """Each seed's curve thin, their mean thick, and a level that is known.

    Args:
        at: steps, (n,).
        curves: by the estimator's name, (seeds, n) each, at most four.
        level: a value to compare with, drawn dotted.
        level_name: what it is.
        ylabel: what the curves show.
    """
    ends = [level, *(curve[:, -1].mean() for curve in curves.values())]
    low, span = min(ends), max(ends) - min(ends)
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(figsize=(9, 4.3))
        for (name, runs), (colour, _, dash) in zip(curves.items(), LOOKS, strict=False):
            axes.plot(at, runs.T, color=colour, linestyle="-", linewidth=0.8, alpha=0.6)
            axes.plot(at, runs.mean(0), color=colour, linestyle=dash, linewidth=3)
            place = (1.02 * at[-1], runs[:, -1].mean())
            axes.text(*place, name, color=colour, va="center", fontsize=14)
        axes.hlines(level, 0, at[-1], color="black", linestyle=(0, (1, 2)), zorder=3)
        below = (1.02 * at[-1], level - 0.1 * span)
        axes.text(*below, f"dotted:\n{level_name}", va="top", fontsize=14)
        axes.set(xlim=(0, 1.38 * at[-1]), ylim=(low - 0.5 * span, low + 1.15 * span))
        axes.set_xticks(np.linspace(0, at[-1], 5))
        axes.set(xlabel="steps", ylabel=ylabel)
    plt.close(figure)
    return figure


def settled_clouds(
    z: Array, truth: Array, clouds: Mapping[str, Array], truth_name: str
) -> Figure:
    """The bell at which each of several programs ends, before the right one in grey.

    Args:
        z: points, (n,).
        truth: the right density there, (n,).
        clouds: by the program's name, densities (n,).
        truth_name: what the grey one is.
    """
    names = list(clouds)
    with plt.rc_context(STYLE):
        figure, panels = plt.subplots(
            1,
            len(names),
            sharex=True,
            sharey=True,
            figsize=(9, 3.2),
            layout="constrained",
        )
        for axes, (name, cloud) in zip(
            np.atleast_1d(panels), clouds.items(), strict=True
        ):
            axes.fill_between(z, truth, color="0.75")
            axes.plot(z, cloud, color=COLOURS[1], linestyle="-", linewidth=2.5)
            axes.set_title(name, fontsize=14)
            axes.set(yticks=[], xlim=(z.min(), z.max()))
        figure.supxlabel(f"z; grey: {truth_name}", fontsize=14)
    plt.close(figure)
    return figure
