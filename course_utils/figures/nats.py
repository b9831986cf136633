"""Numbers in nats that are to be compared by eye."""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from course_utils.figures.style import COLOURS, STYLE, number


def cost_parts(parts: Mapping[str, float]) -> Figure:
    """A loss as one bar of its parts, and all but the first once more, enlarged.

    Args:
        parts: in nats, each at least 0, by name; the first is the large one.

    Raises:
        ValueError: a part is negative, or there are fewer than two.
    """
    names, values = list(parts), np.array(list(parts.values()))
    if len(values) < 2 or (values < 0).any():
        raise ValueError("Pass two parts or more, none of them negative.")
    colours = ("0.85", *COLOURS)
    starts = np.concatenate([[0], values.cumsum()])
    total, small = starts[-1], values[1:].sum()
    with plt.rc_context(STYLE | {"axes.grid": False}):
        figure, (above, below) = plt.subplots(2, 1, figsize=(9, 3.6))
        for axes, first in ((above, 0), (below, 1)):
            for i in range(first, len(values)):
                look = {"color": colours[i], "edgecolor": "black", "height": 0.7}
                axes.barh(0, values[i], left=starts[i], **look)
            axes.set(yticks=[], ylim=(-0.45, 0.45), xlim=(starts[first], total))
            axes.spines["left"].set_visible(False)
            axes.tick_params(labelsize=14)
        words = {"ha": "center", "va": "center", "fontsize": 17}
        above.text(starts[1] / 2, 0, f"{names[0]}: {values[0]:.1f}", **words)
        for i in range(1, len(values)):
            middle = starts[i] + values[i] / 2
            text = f"{names[i]}: {values[i]:.1f}"
            below.text(middle, 0, text, color="white", **words)
        above.set_title(f"{total:.1f} nats an image")
        below.set_title(f"the last {small:.0f} of them, enlarged")
    plt.close(figure)
    return figure


def ruler(values: Mapping[str, float], hollow: Sequence[str] = ()) -> Figure:
    """Log-probabilities and bounds on one axis, a row each, from the lowest up.

    Args:
        values: in nats an image, by name.
        hollow: names of those that were measured by others in another way.
    """
    rows = [(name, float(value)) for name, value in values.items()]
    rows.sort(key=lambda row: row[1])
    numbers = [value for _, value in rows]
    reach = max(numbers) - min(numbers)
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(figsize=(9, 0.62 * len(rows) + 1.1))
        for place, (name, value) in enumerate(rows):
            look: dict[str, Any] = {"color": "0.45", "markerfacecolor": "none"}
            if name not in hollow:
                look = {"color": COLOURS[0]}
            axes.plot(value, place, marker="o", markersize=13, mew=2.5, **look)
            axes.text(
                value - 0.03 * reach,
                place,
                number(value, 1),
                ha="right",
                va="center",
                fontsize=15,
            )
        axes.set_yticks(range(len(rows)), [name for name, _ in rows], fontsize=15)
        axes.set_ylim(-0.6, len(rows) - 0.4)
        axes.set_xlim(min(numbers) - 0.2 * reach, max(numbers) + 0.05 * reach)
        axes.set_xlabel("log p(x) or a bound on it, nats an image")
    plt.close(figure)
    return figure


def two_ladders(
    k: Sequence[int],
    lower: npt.NDArray,
    upper: npt.NDArray,
    ylabel: str,
    exact: float | None = None,
) -> Figure:
    """Bounds from below and from above against the number of latent points.

    Args:
        k: latent points in each bound, rising.
        lower: the bounds from below, (len(k),).
        upper: the bounds from above, (len(k),).
        ylabel: of the axis of nats.
        exact: log p(x) itself, where it is known; drawn as a dashed line.

    Raises:
        ValueError: a lower bound lies above its upper one.
    """
    lower, upper = np.asarray(lower), np.asarray(upper)
    if (lower > upper).any():
        raise ValueError("A lower bound lies above the upper one of the same k.")
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(figsize=(9, 4.4))
        axes.fill_between(k, lower, upper, color="0.9")
        look: dict[str, Any] = {"linestyle": "-", "markersize": 11}
        axes.plot(k, upper, marker="v", color=COLOURS[1], **look)
        axes.plot(k, lower, marker="^", color=COLOURS[0], **look)
        gap = (upper - lower)[0]
        words: dict[str, Any] = {"fontsize": 16, "ha": "left"}
        for bound, shift, name, colour in (
            (upper, 0.04, "from above: U", COLOURS[1]),
            (lower, -0.11, "from below: L", COLOURS[0]),
        ):
            place = k[0] * 1.15, bound[0] + shift * gap
            axes.text(*place, name, color=colour, **words)
        if exact is None:
            words |= {"ha": "right", "va": "center"}
            middle = float(upper[-1] + lower[-1]) / 2
            axes.text(k[-1] / 1.2, middle, "log p(x) is here", **words)
        else:
            axes.axhline(exact, color="black", linestyle="--", linewidth=1.5)
            place = k[0] * 1.15, exact + 0.02 * gap
            axes.text(*place, "log p(x)", va="bottom", **words)
        axes.set_xscale("log")
        axes.set_xticks(k, [str(number) for number in k])
        axes.minorticks_off()
        axes.set_ylim(lower.min() - 0.2 * gap, upper.max() + 0.15 * gap)
        axes.set(xlabel="k, latent points in each bound", ylabel=ylabel)
    plt.close(figure)
    return figure


def rate_against_distortion(
    curves: Mapping[str, tuple[npt.NDArray, npt.NDArray]],
    dots: Mapping[str, tuple[float, float]],
    highest: float = 60,
) -> Figure:
    """What codes store of an image against the error that is left.

    Args:
        curves: by name, distortions and rates in nats, (n,) each, rates rising.
        dots: by name, the distortion and the rate of single models.
        highest: end of the axis of rates.
    """
    words: dict[str, Any] = {"fontsize": 15, "va": "bottom"}
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(figsize=(9, 4.6))
        for (name, (distortion, rate)), colour in zip(
            curves.items(), COLOURS, strict=False
        ):
            axes.plot(distortion, rate, color=colour, linestyle="-")
            end = int(np.searchsorted(rate, 0.75 * min(highest, rate.max())))
            place = float(distortion[end]) + 1, float(rate[end])
            axes.text(*place, name, color=colour, **words)
        for name, (x, y) in dots.items():
            axes.plot(x, y, "o", color="black", markersize=12)
            axes.text(x - 0.8, y, name, ha="right", **words)
        axes.set(xlabel="distortion: squared error of an image", ylim=(0, highest))
        axes.set_ylabel("rate: KL, nats an image")
        axes.set_xlim(left=0)
    plt.close(figure)
    return figure
