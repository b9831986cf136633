"""Recorded games and speeds of the DCGAN: numbers in, a matplotlib Figure out.

Figures are closed before they are returned.
"""

from collections.abc import Mapping
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from course_utils.figures.style import BARE, COLOURS

TICKS = (0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000)


def a_dot_a_seed(
    rows: Mapping[str, npt.ArrayLike], floor: float, reference: str = ""
) -> Figure:
    """Fréchet distances of several games of each recipe.

    Args:
        rows: distances of a recipe's games, a dot each, by its name.
        floor: the distance of two sets of real digits, as a dashed line.
        reference: the row whose mean is drawn through all rows as a thin line.
    """
    distances = {name: np.asarray(games) for name, games in rows.items()}
    height = 1.4 + 0.43 * len(rows)
    with plt.rc_context(BARE):
        figure, axes = plt.subplots(figsize=(9, height))
        figure.subplots_adjust(0.4, 0.82 / height, 0.97, 1 - 0.5 / height)
        axes.axvline(floor, color="0.4", linestyle="--", linewidth=1.8)
        axes.text(floor, -0.85, "floor", ha="center", va="bottom", fontsize=14)
        if reference in rows:
            mean = distances[reference].mean()
            axes.axvline(mean, color=COLOURS[0], linestyle="-", linewidth=1.2)
        for place, (name, games) in enumerate(distances.items()):
            first = name == reference
            colour = COLOURS[0] if first else "black"
            look: dict[str, Any] = {"color": colour, "ms": 10, "alpha": 0.6, "mew": 0}
            axes.plot(games, np.full(len(games), place), "o", clip_on=False, **look)
            ends = [place - 0.3, place + 0.3]
            axes.plot([games.mean()] * 2, ends, "-", color=COLOURS[1], linewidth=2.6)
        axes.set_yticks(range(len(rows)), list(rows), fontsize=15)
        highest = max(games.max() for games in distances.values())
        axes.set(xlim=(0, 1.05 * highest), ylim=(len(rows) - 0.5, -0.6))
        axes.set_xlabel("Fréchet distance (smaller is better)")
        axes.tick_params(axis="y", length=0)
    plt.close(figure)
    return figure


def distances_by_epoch(
    by_epoch: Mapping[int, float], beside: Mapping[str, float]
) -> Figure:
    """How the Fréchet distance fell in a long training, beside other samplers.

    Args:
        by_epoch: the distance after so many epochs.
        beside: distances of others, dashed, by the name that stands on the line.
    """
    with plt.rc_context(BARE):
        figure, axes = plt.subplots(figsize=(9, 4.4))
        figure.subplots_adjust(0.1, 0.16, 0.7, 0.97)
        last = max(by_epoch)
        axes.plot(
            list(by_epoch), list(by_epoch.values()), "o-", color=COLOURS[1], ms=10, lw=3
        )
        lowest = min(*by_epoch.values(), *beside.values())
        highest = max(*by_epoch.values(), *beside.values())
        axes.set(xlabel="epochs", ylabel="Fréchet distance", yscale="log")
        axes.set(xlim=(0, 1.03 * last), ylim=(0.7 * lowest, 1.5 * highest))
        ticks = [t for t in TICKS if lowest <= t <= highest and f"{t:g}"[0] != "2"]
        axes.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
        axes.minorticks_off()
        height = -np.inf
        apart = 0.085 * np.log(1.5 * highest / (0.7 * lowest))
        for name, distance in sorted(beside.items(), key=lambda pair: pair[1]):
            axes.axhline(distance, color="0.4", linestyle="--", linewidth=1.5)
            height = max(np.log(distance), height + apart)
            axes.text(
                1.05 * last,
                np.exp(height),
                name,
                va="center",
                fontsize=14,
                clip_on=False,
            )
    plt.close(figure)
    return figure


def where_time_goes(record: Mapping[str, Any]) -> Figure:
    """Milliseconds of a step: what multiplications need at least, and the rest.

    The least time is a step's operations over the machine's matrix rate.

    Args:
        record: as tools/measure/benchmark_dcgan.py writes it; dots are its rounds.
    """
    programs = {
        name.replace("lecture's step, ", "").replace("the same ", ""): run
        for name, run in record["step"].items()
    }
    height = 1.5 + 0.7 * len(programs)
    with plt.rc_context(BARE):
        figure, axes = plt.subplots(figsize=(9, height))
        figure.subplots_adjust(0.31, 0.8 / height, 0.97, 1 - 0.5 / height)
        for place, run in enumerate(programs.values()):
            least = 1e3 * record["gigaflop_a_step"] / run["matrix_rate_gflops"]
            rest = max(run["milliseconds_a_step"] - least, 0)
            look: dict[str, Any] = {"height": 0.62, "edgecolor": "black", "lw": 1.3}
            axes.barh(place, least, color=COLOURS[5], **look)
            axes.barh(place, rest, left=least, color="0.9", hatch="//", **look)
            taken = run["of_each_round"]
            dots: dict[str, Any] = {"color": "black", "ms": 9, "alpha": 0.6, "mew": 0}
            axes.plot(taken, np.full(len(taken), place + 0.4), "o", **dots)
            if not place:
                words: dict[str, Any] = {"va": "bottom", "size": 14}
                middle, name = least / 2, "multiplications, at least"
                axes.text(middle, -0.45, name, ha="center", **words)
                axes.text(least + rest, -0.45, "the rest", ha="left", **words)
        longest = max(max(run["of_each_round"]) for run in programs.values())
        axes.set_yticks(range(len(programs)), list(programs), fontsize=15)
        axes.set(ylim=(len(programs) - 0.4, -0.55), xlim=(0, 1.05 * longest))
        axes.set_xlabel("milliseconds a step")
        axes.tick_params(axis="y", length=0)
    plt.close(figure)
    return figure
