"""Units of a layer and parts of a loss: arrays in, a matplotlib Figure out.

Figures are closed before they are returned.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from course_utils.figures.style import COLOURS, DASHES, GRIDLESS, STYLE

CENTRE: dict[str, Any] = {"ha": "center", "va": "center"}


def unit_activity(activity: npt.NDArray, labels: npt.NDArray) -> Figure:
    """The mean output of each unit for each class, and which units are dead.

    A field is as dark as the unit's mean for this class is large, beside the unit's
    largest. A unit that is zero for every input is crossed out.

    Args:
        activity: what units put out, none below zero, (n, units).
        labels: the class of each input, (n,).

    Raises:
        ValueError: an output is below zero.
    """
    if (activity < 0).any():
        raise ValueError("Pass what a ReLU puts out: nothing of it is below zero.")
    classes = np.unique(labels)
    means = np.array([activity[labels == label].mean(axis=0) for label in classes])
    largest = means.max(axis=0)
    with plt.rc_context(GRIDLESS):
        figure, axes = plt.subplots(figsize=(9, 4.72))
        shown = means / np.where(largest > 0, largest, 1)
        axes.imshow(1 - 0.85 * shown, vmin=0, vmax=1, aspect="auto")
        for unit in np.flatnonzero(largest == 0):
            ends = (unit - 0.3, unit + 0.3), (-0.3, len(classes) - 0.7)
            for heights in (ends[1], ends[1][::-1]):
                axes.plot(ends[0], heights, "-", color=COLOURS[1], linewidth=1.5)
        units = np.arange(means.shape[1])
        axes.set_xticks(units, [str(unit + 1) for unit in units])
        axes.set_yticks(np.arange(len(classes)), [str(label) for label in classes])
        axes.set_xticks(units[:-1] + 0.5, minor=True)
        axes.grid(True, axis="x", which="minor", alpha=1, color="0.8")
        axes.tick_params(which="minor", length=0)
        axes.set(xlabel="unit (crossed out: zero for every digit)", ylabel="digit")
    plt.close(figure)
    return figure


def living_units(
    traces: Mapping[str, Sequence[Mapping[int, int]]], units: int, title: str = ""
) -> Figure:
    """How many units live after so many steps, a line a run.

    Args:
        traces: by name of what was done, for each run the living units by step.
        units: how many there are.
        title: above the picture.
    """
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(figsize=(9, 4.72))
        ends = []
        for place, (name, runs) in enumerate(traces.items()):
            for run in runs:
                steps, counts = np.array(list(run)), np.array(list(run.values()))
                look: dict[str, Any] = {"linestyle": DASHES[place], "alpha": 0.75}
                axes.plot(steps, counts, color=COLOURS[place], **look)
            last = float(np.mean([list(run.values())[-1] for run in runs]))
            ends.append((last, name, COLOURS[place]))
        right, height = max(max(run) for runs in traces.values() for run in runs), -1.0
        for last, name, colour in sorted(ends):
            height = max(last, height + units / 13)  # names do not touch
            words: dict[str, Any] = {"color": colour, "va": "center", "fontsize": 14}
            axes.text(1.02 * right, height, name, **words)
        axes.set(xlabel="steps", ylabel="living units", title=title)
        axes.set(ylim=(0, units + 0.6), yticks=range(0, units + 1, 4))
        axes.set_xticks([tick for tick in axes.get_xticks() if 0 <= tick <= right])
        axes.set_xlim(0, 1.28 * right)
    plt.close(figure)
    return figure


def drift_of_units(paths: Mapping[str, tuple[npt.NDArray, npt.NDArray]]) -> Figure:
    """Mean sums of units against steps, with a band of two standard deviations.

    Args:
        paths: by name of the unit its mean over inputs and its standard deviation, each
            (steps,).
    """
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(figsize=(9, 4.72))
        for place, (name, (mean, spread)) in enumerate(paths.items()):
            steps, colour = np.arange(len(mean)), COLOURS[place]
            axes.fill_between(
                steps, mean - 2 * spread, mean + 2 * spread, color=colour, alpha=0.25
            )
            axes.plot(steps, mean, linestyle=DASHES[place], color=colour)
            words: dict[str, Any] = {"color": colour, "va": "center", "fontsize": 14}
            axes.text(1.02 * steps[-1], mean[-1], name, **words)
        axes.axhline(0, color="black", linewidth=1.2)
        axes.set(xlabel="steps", ylabel="sum of a unit, all digits")
        axes.set_xticks([t for t in axes.get_xticks() if 0 <= t < len(steps)])
        axes.set_xlim(0, 1.18 * (len(steps) - 1))
    plt.close(figure)
    return figure


def parts_of_a_sum(parts: Mapping[str, float], unit: str, title: str = "") -> Figure:
    """A sum as one bar, cut into its parts, each with its name and size.

    Args:
        parts: by name, none below zero.
        unit: of all of them.
        title: above the bar.

    Raises:
        ValueError: a part is below zero.
    """
    if min(parts.values()) < 0:
        raise ValueError("A bar has no parts below zero.")
    greys = ("0.35", COLOURS[1], "0.8", COLOURS[5])
    total = sum(parts.values())
    with plt.rc_context(GRIDLESS):
        figure, axes = plt.subplots(figsize=(9, 3.2))
        left = 0.0
        for place, (name, size) in enumerate(parts.items()):
            colour = greys[place % len(greys)]
            axes.barh(0, size, 0.5, left, color=colour, edgecolor="black")
            middle = left + size / 2
            up = 1 if place % 2 else -1
            axes.annotate(
                f"{name}\n{size:.1f} {unit}",
                (middle, 0.25 * up),
                (middle, 0.62 * up),
                arrowprops={"arrowstyle": "-", "color": "black"},
                fontsize=15,
                ha="center",
                va="bottom" if up > 0 else "top",
            )
            left += size
        axes.set(xlim=(-0.02 * total, 1.02 * total), ylim=(-1.3, 1.3), title=title)
        axes.axis("off")
    plt.close(figure)
    return figure
