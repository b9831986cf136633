"""A small game between networks as pictures: its moments, its losses, many runs of it.

Arrays in, a closed matplotlib Figure out.
"""

import math
from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from course_utils.figures.style import COLOURS, STYLE

ARROW_EACH = 5  # points of a path from arrow to arrow
ARROW = {
    "arrowstyle": "-|>",
    "color": COLOURS[0],
    "mutation_scale": 18,
    "shrinkA": 0,
    "shrinkB": 0,
}


def moments(
    names: Sequence[str],
    x: npt.NDArray,
    discriminator: npt.NDArray,
    data_density: npt.NDArray,
    generator_density: npt.NDArray,
    highest: float = 1.0,
) -> Figure:
    """Moments of a one-dimensional game side by side: D(x) above, densities below.

    Args:
        names: of the moments, (k,).
        x: points of the line, (n,).
        discriminator: D(x) then, (k, n).
        data_density: p(x), (n,).
        generator_density: q(x) then, (k, n); cut off at `highest`.
        highest: end of the axis of densities.
    """
    with plt.rc_context(STYLE):
        figure, panels = plt.subplots(
            2, len(names), figsize=(9, 4.6), sharex=True, sharey="row", squeeze=False
        )
        for column, name in enumerate(names):
            above, below = panels[:, column]
            above.axhline(0.5, color="black", linestyle=":", linewidth=1.5)
            above.plot(x, discriminator[column], color=COLOURS[0])
            above.set(ylim=(0, 1), yticks=[0, 0.5, 1], title=name)
            below.fill_between(x, data_density, color="0.8")
            below.plot(x, generator_density[column], color=COLOURS[1], linestyle="-")
            below.set(ylim=(0, highest), xlabel="x", xticks=[-2, 0, 2])
        panels[0, 0].set_ylabel("D(x)")
        panels[1, 0].set_ylabel("density")
    plt.close(figure)
    return figure


def losses_and_distance(
    steps: npt.NDArray,
    losses: Mapping[str, npt.NDArray],
    distance: npt.NDArray,
    floor: float,
    highest: float = 1.0,
) -> Figure:
    """What the losses say above, what the samples say below.

    Args:
        steps: at which both were looked at, (n,).
        losses: in nats, (n,), by the player's name.
        distance: W1 of the fakes to true samples, (n,).
        floor: below it lie 19 in 20 distances between two true samples.
        highest: end of the axis of distances.
    """
    with plt.rc_context(STYLE):
        figure, (above, below) = plt.subplots(2, 1, figsize=(9, 5.2), sharex=True)
        for (name, values), colour in zip(losses.items(), COLOURS, strict=False):
            above.plot(steps, values, color=colour, linestyle="-")
            above.text(
                steps[-1], values[-1] + 0.1, name, color=colour, ha="right", fontsize=15
            )
        for level, name in ((math.log(4), "ln 4"), (math.log(2), "ln 2")):
            above.axhline(level, color="black", linestyle=":", linewidth=1.5)
            above.text(
                1.01, level, name, transform=above.get_yaxis_transform(), va="center"
            )
        above.set(ylim=(0.4, 1.9), ylabel="loss (nats)")
        below.plot(steps, distance, ".-", color=COLOURS[2], markersize=9)
        below.axhspan(0, floor, color="0.8")
        below.text(steps[-1], floor / 2, "two true samples", ha="right", va="center")
        below.set(
            ylim=(0, highest), xlabel="steps of the game", ylabel="W1 (units of x)"
        )
    plt.close(figure)
    return figure


def runs_of_recipes(
    runs: Mapping[str, npt.NDArray], floor: float, often: float
) -> Figure:
    """The distance of each run as a dot, a row for each recipe, beside its mean.

    Args:
        runs: W1 of each seed, (n,), by recipe.
        floor: mean distance between two true samples.
        often: 19 in 20 of such distances lie below it.
    """
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(figsize=(9, 0.85 * len(runs) + 1.1))
        axes.axvspan(0, often, color="0.8")
        axes.axvline(floor, color="0.45", linestyle=":", linewidth=2)
        axes.text(0, 0.5, "grey: two true samples", va="bottom", fontsize=14)
        for row, (values, colour) in enumerate(
            zip(runs.values(), COLOURS, strict=False)
        ):
            y = -row + np.linspace(-0.16, 0.16, len(values))
            axes.plot(values, y, "o", color=colour, markersize=7, alpha=0.6)
            error = values.std(ddof=1) / math.sqrt(len(values))
            axes.errorbar(
                values.mean(),
                -row - 0.36,
                xerr=error,
                fmt="D",
                color="black",
                capsize=6,
            )
        axes.set_yticks(-np.arange(len(runs)), list(runs))
        axes.set(ylim=(-len(runs) + 0.4, 0.45), xlabel="W1 (units of x)")
        axes.set_xlim(0, 1.05 * max(values.max() for values in runs.values()))
        axes.tick_params(axis="y", length=0)
        axes.grid(visible=False, axis="y")
    plt.close(figure)
    return figure


def place_and_tilt(paths: Mapping[str, npt.NDArray]) -> Figure:
    """How two networks move in a plane of two numbers, a panel for each recipe.

    Args:
        paths: the fakes' mean place and the discriminator's tilt, (2, n), by recipe;
            from the square to the disc and from pale to dark, with an arrow at some of
            the points.
    """
    with plt.rc_context(STYLE):
        figure, panels = plt.subplots(
            1, len(paths), figsize=(9, 4.6), sharex=True, sharey=True, squeeze=False
        )
        for axes, (name, (place, tilt)) in zip(panels[0], paths.items(), strict=True):
            fades = np.linspace(0.15, 1, len(place))  # else the laps are a tangle
            for k, fade in enumerate(fades[:-1]):
                lap = place[k : k + 2], tilt[k : k + 2]
                axes.plot(*lap, ".-", color=COLOURS[0], linewidth=1.8, alpha=fade)
            for k in range(3, len(place) - 1, ARROW_EACH):
                axes.annotate(
                    "",
                    (place[k + 1], tilt[k + 1]),
                    (place[k], tilt[k]),
                    arrowprops=ARROW | {"alpha": fades[k]},
                )
            axes.plot(place[0], tilt[0], "s", color="black", markersize=11)
            axes.plot(place[-1], tilt[-1], "o", color=COLOURS[1], ms=12, mec="black")
            axes.set(title=name, xlabel="mean place of the fakes")
        panels[0, 0].set_ylabel("tilt of the logit")
    plt.close(figure)
    return figure
