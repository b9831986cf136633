"""The GAN game on the line: what both players see, want and lose.

Arrays in, a matplotlib Figure out. The discriminator is blue, the generator orange, the
data grey. Figures are closed before they are returned.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import matplotlib.pyplot as plt
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from course_utils.figures.style import COLOURS, LARGE, number

D, G, OTHER, DATA = COLOURS[0], COLOURS[1], COLOURS[2], "0.35"
SHADE = "0.82"
SOLID: dict[str, Any] = {"linestyle": "-"}
UNIT = "x (detector widths)"
LEVELS = {"ln 4": np.log(4), "ln 2": np.log(2)}

Array = npt.NDArray[np.floating]


class Curves(NamedTuple):
    """Densities and opinions at the same points.

    Attributes:
        data: p(x), (n,).
        generator: q(x), (n,).
        opinion: D(x) of some discriminator, (n,).
    """

    data: Array
    generator: Array
    opinion: Array

    @property
    def best(self) -> Array:
        """The best D(x), where there is anything to see; elsewhere not a number."""
        both = self.data + self.generator
        seen = both > 1e-3 * both.max()
        return np.divide(self.data, both, out=np.full(len(both), np.nan), where=seen)


def real_and_fake(real: Array, fake: Array, marked: float) -> Figure:
    """Two heaps of events, and one event of which nobody says where it is from.

    Args:
        real: recorded values, (n,).
        fake: simulated ones, (m,).
        marked: the value in question.
    """
    edges = np.linspace(-4, 6, 81)
    with plt.rc_context(LARGE):
        figure, axes = _one(4.2)
        heights = [np.histogram(x, edges, density=True)[0] for x in (real, fake)]
        axes.stairs(heights[0], edges, fill=True, color=SHADE)
        axes.stairs(heights[1], edges, color=G, linewidth=2.5)
        top = 1.45 * max(h.max() for h in heights)
        axes.axvline(marked, color="black", linestyle="--")
        question = f"one event at x = {marked:g}: real or fake?"
        _words(axes, marked + 0.15, 0.93 * top, question, ha="left")
        _words(axes, -1.3, 0.68 * top, "recorded", DATA, ha="right")
        _words(axes, 3.3, 0.68 * top, "simulated", G, ha="left")
        axes.set(xlim=(-4, 6), ylim=(0, top), xlabel=UNIT, ylabel="density")
    plt.close(figure)
    return figure


def best_opinion(x: Array, curves: Curves, at: float) -> Figure:
    """Left the densities and the best D of x; right its search at one point.

    Args:
        x: points, (n,).
        curves: the densities and the best D there.
        at: the point of the search, one of x.
    """
    place = int(np.abs(x - at).argmin())
    p, q = (float(density[place]) for density in curves[:2])
    choices = np.linspace(0.01, 0.99, 197)
    gain = p * np.log(choices) + q * np.log(1 - choices)
    best = p / (p + q)
    with plt.rc_context(LARGE):
        figure, (left, right) = plt.subplots(1, 2, figsize=(9, 4.2))
        figure.subplots_adjust(0.09, 0.16, 0.985, 0.95, wspace=0.3)
        left.fill_between(x, curves.data, color=SHADE)
        left.plot(x, curves.generator, color=G, **SOLID)
        left.plot(x, curves.opinion, color=D, **SOLID)
        left.plot([at, at], [p, q], "ko", markersize=9)
        left.axvline(at, color="black", linestyle=":", linewidth=1.5)
        _words(left, -2.9, 0.88, "D(x)", D)
        _words(left, -1.75, 0.3, "p(x)", DATA)
        _words(left, 4.0, 0.3, "q(x)", G)
        left.set(xlim=(-4, 6), ylim=(0, 1.08), xlabel=UNIT)
        left.set_ylabel("probability; density")
        right.plot(choices, gain, color=D, **SOLID)
        right.plot(best, gain.max(), "o", color=D, markersize=12, mec="black")
        _words(right, 0.5, gain.max() + 0.12, f"best at D = {number(best)}", D)
        right.set(xlim=(0, 1), ylim=(gain.min(), gain.max() + 0.3))
        right.set(xlabel=f"D at x = {at:g}", ylabel="p log D + q log(1 − D)")
    plt.close(figure)
    return figure


def landscape(
    theta: Array, best: Sequence[float], fixed: Sequence[float], touch: float
) -> Figure:
    """The value of the game for the generator, against two kinds of opponents.

    Args:
        theta: where the generator is, (n,).
        best: V against the best D for each theta, (n,).
        fixed: V against the D that is best for one theta, (n,).
        touch: that theta.
    """
    with plt.rc_context(LARGE):
        figure, axes = _one(4.4)
        axes.axhline(0, color="0.5", linestyle=":", linewidth=1.5)
        axes.axhline(-np.log(4), color="0.5", linestyle=":", linewidth=1.5)
        axes.plot(theta, best, color=D, **SOLID)
        axes.plot(theta, fixed, color=G, linestyle="--")
        axes.plot(touch, np.interp(touch, theta, best), "ko", markersize=11)
        right = theta.max()
        _words(axes, right - 0.15, -np.log(4) - 0.28, "−ln 4", "0.35", ha="right")
        _words(axes, right - 0.15, -0.7, "D is always the best", D, ha="right")
        words = f"D is held still,\nbest for θ = {touch:g}"
        _words(axes, 0.15, -3.2, words, G, ha="left")
        axes.set(xlim=(theta.min(), right), ylim=(-4.2, 0.3))
        axes.set(xlabel="generator θ (detector widths)", ylabel="V (nats)")
    plt.close(figure)
    return figure


def memory(
    steps: Array, losses: Mapping[str, tuple[Array, Array]], least: float
) -> Figure:
    """Discriminators trained for long: loss on their own events and on fresh ones.

    Args:
        steps: of training, (k,).
        losses: on own and on fresh events, (k,) each, by the title of a panel.
        least: what the best discriminator loses, in nats.
    """
    top = 2.6
    with plt.rc_context(LARGE):
        figure, panels = plt.subplots(1, len(losses), figsize=(9, 4.2), sharey=True)
        figure.subplots_adjust(0.09, 0.16, 0.985, 0.9, wspace=0.08)
        for axes, (title, (own, fresh)) in zip(panels, losses.items(), strict=True):
            axes.axhline(least, color="black", linestyle=":", linewidth=2)
            axes.plot(steps, np.minimum(fresh, 2 * top), color=OTHER, linestyle="--")
            axes.plot(steps, own, color=D, **SOLID)
            axes.set_title(title)
            axes.set(xlim=(0, steps[-1]), ylim=(0, top), xlabel="steps of training")
            axes.set_xticks([0, steps[-1] // 2])
        panels[0].set_ylabel("loss (nats)")
        last = steps[-1]
        _words(panels[0], 0.97 * last, 0.07, "its own events", D, ha="right")
        _words(panels[0], 0.97 * last, 1.0, "fresh events", OTHER, ha="right")
        words = f"least possible: {number(least)}"
        _words(panels[-1], 0.97 * last, least - 0.22, words, ha="right")
        _words(panels[-1], 0.97 * last, least + 0.3, "own and fresh events", D, "right")
    plt.close(figure)
    return figure


def two_pulls(distance: Array, pulls: Mapping[str, Sequence[float]]) -> Figure:
    """Left: slopes for one fake. Right: the pull on the generator by its distance.

    Args:
        distance: of the generator from the data, (n,).
        pulls: of the saturating and of the non-saturating loss, (n,) each, by name.
    """
    opinions = np.linspace(0, 1, 101)
    looks = dict(zip(pulls, ((D, "--"), (G, "-")), strict=True))
    with plt.rc_context(LARGE):
        figure, (left, right) = plt.subplots(1, 2, figsize=(9, 4.2))
        figure.subplots_adjust(0.09, 0.16, 0.985, 0.95, wspace=0.28)
        slopes = zip(pulls, (opinions, 1 - opinions), strict=True)
        for (name, slope), height in zip(slopes, (0.06, 0.94), strict=True):
            colour, dashes = looks[name]
            left.plot(opinions, slope, color=colour, linestyle=dashes)
            right.plot(distance, pulls[name], color=colour, linestyle=dashes)
            _words(left, 0.14, height, name, colour, ha="left")
            end = pulls[name][-1]
            _words(right, distance[-1], end + 0.35, name, colour, ha="right")
        left.set(xlim=(0, 1), ylim=(0, 1.02), xticks=[0, 0.5, 1], yticks=[0, 0.5, 1])
        left.set(xlabel="D of one fake", ylabel="steepness in its logit")
        right.set(xlim=(0, distance[-1]), ylim=(0, 1.15 * distance[-1]))
        right.set(xlabel="distance θ (detector widths)", ylabel="pull (nats per width)")
    plt.close(figure)
    return figure


def moments(x: Array, played: Mapping[str, Curves], highest: float) -> Figure:
    """A few moments of a game, or a few games: D(x) above, both densities below.

    The dotted curve is the best D. Densities above `highest` are cut off.

    Args:
        x: points, (n,).
        played: by the title of a column, two lines at most.
        highest: end of the axis of densities.
    """
    with plt.rc_context(LARGE | {"axes.titlesize": 14}):
        figure, panels = plt.subplots(
            2, len(played), figsize=(9, 4.6), sharex=True, sharey="row"
        )
        figure.subplots_adjust(0.11, 0.14, 0.985, 0.87, wspace=0.08, hspace=0.14)
        for column, (title, curves) in zip(panels.T, played.items(), strict=True):
            above, below = column
            above.axhline(0.5, color="0.6", linestyle="-", linewidth=1)
            above.plot(x, curves.best, color="black", linestyle=":")
            above.plot(x, curves.opinion, color=D, **SOLID)
            above.set(ylim=(-0.05, 1.05), yticks=[0, 0.5, 1], title=title)
            below.fill_between(x, curves.data, color=SHADE)
            below.plot(x, curves.generator, color=G, **SOLID)
            below.set(xlim=(x[0], x[-1]), ylim=(0, highest))
        panels[0, 0].set_ylabel("D(x)\n(best: dotted)")
        panels[1, 0].set_ylabel("density")
        panels[1, len(played) // 2].set_xlabel(UNIT)
    plt.close(figure)
    return figure


def losses_and_shares(
    losses: tuple[Array, Array],
    shares: tuple[Array, Array],
    names: Sequence[str],
    wanted: Sequence[float],
) -> Figure:
    """Above the losses of a game, below how its fakes are shared among the peaks.

    Args:
        losses: the steps (k,), and both losses then, the discriminator's first, (2, k).
        shares: the steps (m,), and the shares then, (peaks, m).
        names: of the peaks.
        wanted: the true shares.
    """
    with plt.rc_context(LARGE):
        figure, (above, below) = plt.subplots(2, 1, sharex=True, figsize=(9, 4.7))
        figure.subplots_adjust(0.09, 0.14, 0.83, 0.97, hspace=0.14)
        ends: dict[str, Any] = {"ha": "left", "va": "center"}
        steps, both = losses
        last = 1.015 * steps[-1]
        looks = (("D", D, "-"), ("G", G, "--"))
        for loss, (words, level), (name, colour, dashes) in zip(
            both, LEVELS.items(), looks, strict=True
        ):
            above.axhline(level, color="black", linestyle=":", linewidth=1.5)
            above.plot(steps, loss, color=colour, linestyle=dashes)
            _words(above, last, level, f"{name}: {words}", colour, **ends)
        above.set(ylim=(0.4, 1.8), ylabel="loss (nats)")
        colours = (COLOURS[2], COLOURS[3], COLOURS[6])
        for share, name, truth, colour, height in zip(
            shares[1], names, wanted, colours, _apart(wanted, 0.14), strict=True
        ):
            below.axhline(truth, color=colour, linestyle=":", linewidth=1.5)
            below.plot(shares[0], share, color=colour, linestyle="-")
            _words(below, last, height, name, colour, **ends)
        below.set(ylim=(0, 0.7), ylabel="share of fakes", xlabel="steps")
        below.set(xlim=(0, steps[-1]), yticks=[0, 0.2, 0.4, 0.6])
    plt.close(figure)
    return figure


def _apart(heights: Sequence[float], space: float) -> Array:
    """Heights of labels, pushed up where two would be too near."""
    order = np.argsort(heights)
    placed = np.array(heights, float)
    for lower, upper in pairwise(order):
        placed[upper] = max(placed[upper], placed[lower] + space)
    return placed


def _one(height: float) -> tuple[Figure, Axes]:
    """A figure of one panel."""
    figure, axes = plt.subplots(figsize=(9, height))
    figure.subplots_adjust(0.09, 0.16, 0.985, 0.96)
    return figure, axes


def _words(
    axes: Axes,
    x: float,
    y: float,
    text: str,
    colour: str = "black",
    ha: str = "center",
    va: str = "center",
) -> None:
    """Words in the place of a legend."""
    axes.text(x, y, text, color=colour, ha=ha, va=va, fontsize=14)
