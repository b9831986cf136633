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

# An estimator looks the same in all pictures.
LOOKS = {
    "pathwise": (COLOURS[0], "o", "-"),
    "score function": (COLOURS[1], "s", "--"),
    "best baseline": (COLOURS[2], "D", "-."),
    "score function with baseline": (COLOURS[2], "D", "-."),
    "z held fixed": (COLOURS[6], "^", "-"),
}


def _look(name: str) -> tuple[str, str, str]:
    """Colour, marker and dash of an estimator, whose name may be broken in lines."""
    whole = name.replace("\n", " ")
    if whole not in LOOKS:
        raise ValueError(f"Name an estimator one of {list(LOOKS)}, not {whole!r}.")
    return LOOKS[whole]


def estimate_histograms(estimates: Mapping[str, Array], exact: float) -> Figure:
    """How single estimates are spread around the exact value.

    The axis ends where a fiftieth of all estimates lies further right; a panel says
    how many of its own do.

    Args:
        estimates: by the estimator's name (of `LOOKS`), (n,) each.
        exact: the value that all of them aim at.

    Raises:
        ValueError: a name is not in `LOOKS`.
    """
    looks = {name: _look(name) for name in estimates}
    every = np.concatenate(list(estimates.values()))
    low, high = np.quantile(every, [0.003, 0.98])
    bins = np.linspace(low, high, 81)
    with plt.rc_context(STYLE):
        figure, panels = plt.subplots(
            len(estimates), 1, sharex=True, figsize=(9, 2.2 * len(estimates))
        )
        for axes, (name, values) in zip(
            np.atleast_1d(panels), estimates.items(), strict=True
        ):
            colour = looks[name][0]
            shares = np.full(len(values), 1 / len(values))
            axes.hist(values, bins, weights=shares, color=colour, alpha=0.6)
            axes.axvline(exact, color="black", linestyle="-", linewidth=1.5)
            words = f"{name}\nmean {values.mean():.2f}\nvariance {values.var():.1f}"
            beyond = np.mean(values > high)
            if beyond > 0.005:
                words += (
                    f"\n{beyond:.0%} lie further right,\nthe last at {values.max():.0f}"
                )
            place: Look = {"transform": axes.transAxes, "ha": "right", "va": "top"}
            axes.text(0.98, 0.95, words, color=colour, fontsize=14, **place)
            axes.set(yticks=[], ylabel="share")
        axes.set(xlim=(low, high))
        axes.set_xlabel(f"one point's estimate (line: exact slope, {exact:g})")
    plt.close(figure)
    return figure


def estimate_lanes(estimates: Mapping[str, Array], xlabel: str) -> Figure:
    """Each single estimate a dot, in a lane of its estimator; their mean is a bar.

    Args:
        estimates: by the estimator's name (of `LOOKS`), (n,) each.
        xlabel: what is estimated.

    Raises:
        ValueError: a name is not in `LOOKS`.
    """
    looks = {name: _look(name) for name in estimates}
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(figsize=(9, 1 + 1.1 * len(estimates)))
        for lane, (name, values) in enumerate(estimates.items()):
            colour, marker, _ = looks[name]
            values = np.asarray(values)  # from a tensor, too
            dots: Look = {"color": colour, "marker": marker, "linestyle": "none"}
            heights = np.full(len(values), -lane)
            axes.plot(values, heights, markersize=9, alpha=0.4, **dots)
            mean = float(values.mean())
            bar: Look = {"color": "black", "linestyle": "-", "linewidth": 4}
            axes.plot([mean, mean], [-lane - 0.22, -lane + 0.22], **bar)
            place: Look = {"transform": axes.get_yaxis_transform(), "fontsize": 14}
            axes.text(0.01, 0.35 - lane, name, color=colour, va="center", **place)
        axes.set(yticks=[], ylim=(-len(estimates) + 0.5, 0.6))
        axes.set_xlabel(f"{xlabel}; bar: mean")
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
        curves: by the estimator's name (of `LOOKS`), (n,) each; a line's last value
            stands at its end.
        x_measured: where was measured, (k,).
        measured: by the same names, (k,) each.
        xlabel: what x is.
        logarithmic: of the axis of x.

    Raises:
        ValueError: the names differ, or one is not in `LOOKS`.
    """
    if list(curves) != list(measured):
        raise ValueError("Pass curves and measurements of the same names, in order.")
    looks = {name: _look(name) for name in curves}
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(figsize=(9, 4.2))
        for name, curve in curves.items():
            colour, marker, _ = looks[name]
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
        curves: by the estimator's name (of `LOOKS`, line breaks allowed), (seeds, n)
            each, at most four.
        level: a value to compare with, drawn dotted.
        level_name: what it is.
        ylabel: what the curves show.

    Raises:
        ValueError: a name is not in `LOOKS`.
    """
    looks = {name: _look(name) for name in curves}
    ends = [level, *(curve[:, -1].mean() for curve in curves.values())]
    low, span = min(ends), max(ends) - min(ends)
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(figsize=(9, 4.3))
        for name, runs in curves.items():
            colour, _, dash = looks[name]
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
    z: Array,
    truth: Array,
    reported: Mapping[str, Array],
    drawn: Mapping[str, Array],
    truth_name: str,
) -> Figure:
    """The bells at which each of several programs ends, before the right one in grey.

    Args:
        z: points, (n,).
        truth: the right density there, (n,).
        reported: by the program's name, the density that its parameters say, (n,).
        drawn: by the same names, the density of the points that it draws, (n,).
        truth_name: what the grey one is.

    Raises:
        ValueError: the names differ.
    """
    if list(reported) != list(drawn):
        raise ValueError("Pass both densities of the same programs, in order.")
    names = list(reported)
    with plt.rc_context(STYLE):
        figure, panels = plt.subplots(
            1,
            len(names),
            sharex=True,
            sharey=True,
            figsize=(9, 3.2),
            layout="constrained",
        )
        for axes, name in zip(np.atleast_1d(panels), names, strict=True):
            axes.fill_between(z, truth, color="0.75")
            axes.plot(z, reported[name], color=COLOURS[3], linestyle="-", linewidth=3)
            axes.plot(z, drawn[name], color="black", linestyle="--", linewidth=1.5)
            axes.set_title(name, fontsize=16)
            axes.set(xlim=(z.min(), z.max()))
        axes.set_ylim(bottom=0)
        figure.axes[0].set_ylabel("density (per unit of z)")
        words = f"grey: {truth_name}; purple: reported; dashed: the points drawn"
        figure.supxlabel(f"z (no units)\n{words}", fontsize=16)
    plt.close(figure)
    return figure
