"""Pictures of wave functions that learn, beside what is known exactly.

Arrays by the wave function's name in, a closed Figure out. Energies are those of the
whole chain, in units of its coupling.
"""

from collections.abc import Mapping
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from course_utils.figures.style import COLOURS, DASHES, LARGE
from course_utils.records.history import History

MARKERS = ("o", "s", "D", "^")
LINEAR_BELOW = 0.01  # on an axis of excess energies that can be negative
BARS = 80


def energies_and_variances(runs: Mapping[str, History], exact: float) -> Figure:
    """Excess energy and variance of the local energies against steps, a panel each.

    A mean of samples may lie below the exact energy. So the first axis is logarithmic
    above `LINEAR_BELOW` only.

    Args:
        runs: with `energy` and `variance` for every ten steps, by name.
        exact: the ground energy, the zero of the first panel.
    """
    with plt.rc_context(LARGE):
        figure, (left, right) = plt.subplots(
            1, 2, figsize=(9, 4.6), layout="constrained"
        )
        for (name, run), colour, dash in zip(
            runs.items(), COLOURS, DASHES, strict=False
        ):
            steps = 10 * np.arange(1, len(run) + 1)
            excess = np.subtract(run["energy"], exact)
            for axes, values in ((left, excess), (right, run["variance"])):
                axes.plot(steps, values, color=colour, linestyle=dash)
                late = len(run) // 2  # the name is above the second half's noise
                axes.annotate(
                    name,
                    (steps[late], max(values[late:])),
                    (0, 5),
                    textcoords="offset points",
                    color=colour,
                    fontsize=15,
                )
        left.axhline(0, color="black", linewidth=1.2)
        left.set_yscale("symlog", linthresh=LINEAR_BELOW)
        left.set(xlabel="steps", ylabel="energy above the exact one")
        left.set_ylim(bottom=-LINEAR_BELOW / 2)
        right.set(xlabel="steps", ylabel="variance", yscale="log")
    plt.close(figure)
    return figure


def local_energy_histograms(
    energies: Mapping[str, npt.NDArray], exact: float
) -> Figure:
    """How the local energies scatter, a panel for each wave function, on one axis.

    Args:
        energies: of samples, (n,), by name.
        exact: the ground energy, a dashed line through all panels.
    """
    everything = np.concatenate(list(energies.values()))
    low, high = np.quantile(everything, [0.001, 0.999])
    width = (high - low) / BARS
    # the middle of a bar is on the line
    first, last = np.round((low - exact) / width), np.round((high - exact) / width)
    edges = exact + width * (np.arange(first, last + 2) - 0.5)
    with plt.rc_context(LARGE | {"axes.grid": False}):
        figure, column = plt.subplots(
            len(energies), 1, figsize=(9, 4.8), sharex=True, layout="constrained"
        )
        for axes, (name, own), colour in zip(
            column, energies.items(), COLOURS, strict=False
        ):
            shown = np.clip(own, edges[0], edges[-1])  # the last bars hold the rest
            share = np.full(len(own), 1 / len(own))
            axes.hist(shown, edges.tolist(), weights=share, color=colour)
            axes.axvline(exact, color="black", linestyle="--", linewidth=1.5)
            axes.text(
                0.02,
                0.9,
                name,
                transform=axes.transAxes,
                va="top",
                color=colour,
                fontsize=17,
            )
            axes.locator_params(axis="y", nbins=2)
        figure.supylabel("share of the samples", fontsize=14)
        column[-1].set_xlabel("local energy of a sample; dashed: the ground energy")
    plt.close(figure)
    return figure


def excess_against_variance(
    points: Mapping[str, tuple[npt.ArrayLike, npt.ArrayLike]], gap: float
) -> Figure:
    """How far each energy is too high, against its variance, and Temple's bound.

    An even state has excess (gap - excess) <= variance. The line has two branches, near
    the ground energy and near the next level, and what lies between is shaded.

    Args:
        points: variances (n,) and excess energies (n,), by name.
        gap: from the ground energy to the next level.
    """
    variances, excesses = (
        np.concatenate([np.ravel(pair[part]) for pair in points.values()])
        for part in (0, 1)
    )
    with plt.rc_context(LARGE):
        figure, axes = plt.subplots(figsize=(9, 4.8), layout="constrained")
        # the first colour is mean field's, which has no place here
        for (name, (variance, excess)), colour, marker in zip(
            points.items(), COLOURS[1:], MARKERS[1:], strict=False
        ):
            look: dict[str, Any] = {"color": colour, "marker": marker}
            look |= {"markerfacecolor": "none", "markeredgewidth": 1.8}
            axes.plot(variance, excess, linestyle="none", markersize=11, **look)
            axes.annotate(
                name,
                (np.max(variance), np.min(excess)),
                (12, -2),
                textcoords="offset points",
                va="top",
                color=colour,
                fontsize=16,
            )
        lower = np.geomspace(excesses.min() / 10, gap / 2, 200)
        bound = np.concatenate([lower, gap - lower[::-1]])
        edge, start = bound * (gap - bound), variances.min() / 2
        axes.plot(edge, bound, color="black", linestyle="-")
        axes.fill_betweenx(bound, start, edge, where=edge > start, color="0.85")
        axes.annotate(
            "no even state lies here",
            (start, gap / 8),
            (10, 0),
            textcoords="offset points",
            va="center",
            fontsize=16,
        )
        axes.set(xscale="log", yscale="log", xlabel="variance of the local energies")
        axes.set_ylabel("energy above the exact one")
        axes.set_xlim(start, 5 * variances.max())
        axes.set_ylim(excesses.min() / 2.5, 2 * gap)
    plt.close(figure)
    return figure


def correlations(series: Mapping[str, npt.ArrayLike], exact: npt.ArrayLike) -> Figure:
    """Mean products of two spins against their distance.

    Args:
        series: for the distances 1, 2, ..., (n,) each, by name.
        exact: the true ones, (n,), a black line.
    """
    exact = np.asarray(exact)
    distances = np.arange(1, len(exact) + 1)
    with plt.rc_context(LARGE):
        figure, axes = plt.subplots(figsize=(9, 4.4), layout="constrained")
        axes.plot(distances, exact, color="black", linestyle="-", label="exact")
        for (name, values), colour, marker in zip(
            series.items(), COLOURS, MARKERS, strict=False
        ):
            look: dict[str, Any] = {"color": colour, "marker": marker}
            look |= {"markersize": 9, "linestyle": "none", "label": name}
            axes.plot(distances, values, **look)
        axes.set(xlabel="distance between two spins", ylabel="mean product of the two")
        axes.set_xticks(distances)
        axes.set_ylim(0, 1)
        axes.legend(loc="lower left", ncols=2, fontsize=15)
    plt.close(figure)
    return figure
