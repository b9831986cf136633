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


def energies_and_variances(runs: Mapping[str, History], exact: float) -> Figure:
    """Energy and variance of the local energies against steps, a panel each.

    Args:
        runs: with `energy` and `variance` for every ten steps, by name.
        exact: the ground energy, a line in the first panel.
    """
    with plt.rc_context(LARGE):
        figure, (left, right) = plt.subplots(
            1, 2, figsize=(9, 4.4), layout="constrained"
        )
        for (name, run), colour, dash in zip(
            runs.items(), COLOURS, DASHES, strict=False
        ):
            steps = 10 * np.arange(1, len(run) + 1)
            look: dict[str, Any] = {"color": colour, "linestyle": dash}
            left.plot(steps, run["energy"], **look)
            right.plot(steps, run["variance"], **look)
            # above the curve's second half, with room for its noise
            late = len(run) // 2
            place = steps[late], 1.35 * max(run["variance"][late:])
            right.annotate(name, place, color=colour, fontsize=16)
        left.axhline(exact, color="black", linewidth=1.2)
        left.annotate(
            "exact",
            (1, exact),
            (0, -6),
            xycoords=("axes fraction", "data"),
            textcoords="offset points",
            ha="right",
            va="top",
        )
        left.set(xlabel="steps", ylabel="energy", ylim=(exact - 0.35, exact + 1.65))
        right.set(xlabel="steps", ylabel="variance", yscale="log")
        right.set_ylim(top=3 * right.get_ylim()[1])
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
    edges = np.linspace(low, high, 81)
    with plt.rc_context(LARGE | {"axes.grid": False}):
        figure, column = plt.subplots(
            len(energies), 1, figsize=(9, 4.8), sharex=True, layout="constrained"
        )
        for axes, (name, own), colour in zip(
            column, energies.items(), COLOURS, strict=False
        ):
            shown = np.clip(own, low, high)  # what lies further out is in the last bars
            axes.hist(shown, edges.tolist(), color=colour)
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
            axes.set_yticks([])
            axes.spines["left"].set_visible(False)
        column[-1].set_xlabel("local energy of a sample; dashed: the ground energy")
    plt.close(figure)
    return figure


def excess_against_variance(
    points: Mapping[str, tuple[npt.ArrayLike, npt.ArrayLike]], gap: float
) -> Figure:
    """How far each energy is too high, against its variance, below Temple's bound.

    An even state has excess (gap - excess) <= variance, if its excess is below the gap.

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
            axes.plot(variance, excess, linestyle="none", markersize=10, **look)
            axes.annotate(
                name,
                (np.max(variance), np.min(excess)),
                (12, -2),
                textcoords="offset points",
                va="top",
                color=colour,
                fontsize=16,
            )
        bound = np.geomspace(excesses.min() / 2, gap / 2, 100)
        axes.plot(bound * (gap - bound), bound, color="black", linestyle="-")
        axes.text(
            0.03,
            0.95,
            "none may lie above the line",
            transform=axes.transAxes,
            va="top",
            fontsize=16,
        )
        axes.set(xscale="log", yscale="log", xlabel="variance of the local energies")
        axes.set_ylabel("energy above the exact one")
        axes.set_xlim(variances.min() / 2, 5 * variances.max())
        axes.set_ylim(excesses.min() / 2.5, gap)
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
        axes.set(xlabel="distance of two spins", ylabel="mean product of the two")
        axes.set_xticks(distances)
        axes.set_ylim(0, 1)
        axes.legend(loc="lower left", ncols=2, fontsize=15)
    plt.close(figure)
    return figure
