"""What an encoder says, and how often it happens."""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure
from scipy.stats import norm

from course_utils.figures.style import COLOURS, STYLE

MARKERS = ("o", "s", "^", "D")


def recorded_energies(energy: npt.NDArray, marked: float, words: str = "") -> Figure:
    """A spectrum, with one energy marked.

    Args:
        energy: recorded energies in MeV, (n,).
        marked: the energy that the arrow points at.
        words: beside the arrow.
    """
    edges = np.arange(energy.min() - 0.02, energy.max() + 0.04, 0.02)
    top = np.histogram(energy, edges)[0].max()
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(figsize=(9, 4))
        axes.hist(energy, edges.tolist(), color="0.7", edgecolor="0.45")
        axes.axvline(marked, color=COLOURS[1], linestyle="-", linewidth=3)
        axes.text(
            marked - 0.02, 1.12 * top, words, color=COLOURS[1], ha="right", fontsize=17
        )
        axes.set(xlabel="recorded energy x (MeV)", ylabel="particles per 0.02 MeV")
        axes.set_ylim(0, 1.25 * top)
        axes.grid(visible=False)
    plt.close(figure)
    return figure


def encoder_answers(
    energy: npt.NDArray,
    q: npt.NDArray,
    exact: npt.NDArray,
    names: Sequence[str],
    counted: Mapping[str, tuple[npt.NDArray, npt.NDArray]],
) -> Figure:
    """What an encoder says of each energy, beside what then happens.

    Args:
        energy: where the curves are drawn, in MeV, (n,).
        q: the encoder's probabilities there, (n, classes).
        exact: the posterior there, (n, classes), drawn as thin black lines.
        names: of the classes.
        counted: by the encoder's name, the probability that it says, (m,), and the
            share in which that happened, (m,).
    """
    with plt.rc_context(STYLE):
        figure, (left, right) = plt.subplots(1, 2, figsize=(9, 4.6))
        for name, said, true, colour in zip(names, q.T, exact.T, COLOURS, strict=False):
            left.plot(energy, said, color=colour, linestyle="-", linewidth=6, alpha=0.5)
            left.plot(energy, true, "k-", linewidth=1.5)
            middle = energy[said > 0.5 * said.max()].mean()
            left.text(middle, 1.04, name, color=colour, ha="center", fontsize=14)
        left.set(xlabel="recorded energy x (MeV)", ylabel="q(z | x)", ylim=(0, 1.15))
        right.plot([0, 1], [0, 1], color="0.6", linestyle=":")
        for (name, (said, happened)), marker, colour in zip(
            counted.items(), MARKERS, ("0.2", COLOURS[3]), strict=False
        ):
            look: dict[str, Any] = {"color": colour, "marker": marker, "markersize": 10}
            right.plot(said, happened, linestyle="none", label=name, **look)
        right.legend(loc="upper left", handletextpad=0, fontsize=14)
        right.set(xlabel="it says", ylabel="it happens")
        right.set(xlim=(-0.05, 1.05), ylim=(-0.05, 1.1))
    plt.close(figure)
    return figure


def standardized_truths(deviation: npt.NDArray, edge: float = 6) -> Figure:
    """Where the truth lies in an encoder's q, in units of its width.

    Args:
        deviation: (z - mu) / sigma of latents z whose data were drawn from them, any
            shape; those beyond the edge are put into the last bars.
        edge: end of the axis.
    """
    inside = float((np.abs(deviation) < 1).mean())
    honest = float(norm.cdf(1) - norm.cdf(-1))
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(figsize=(9, 4.2))
        shown = np.clip(deviation.ravel(), -edge + 1e-6, edge - 1e-6)
        bars = np.linspace(-edge, edge, int(8 * edge) + 1).tolist()
        axes.hist(shown, bars, density=True, color="0.72", edgecolor="0.5")
        axis = np.linspace(-edge, edge, 400)
        axes.plot(axis, norm.pdf(axis), color=COLOURS[0], linestyle="-")
        for side in (-1, 1):
            axes.axvline(side, color="black", linestyle="--", linewidth=1.5)
        axes.text(1.4, 0.33, f"q says: {honest:.0%} within σ", color=COLOURS[0])
        axes.text(1.4, 0.26, f"counted: {inside:.0%}", color="0.25")
        for text in axes.texts:
            text.set_fontsize(17)
        axes.set(xlabel="(true z − μ) / σ", ylabel="density")
        ticks = np.linspace(-edge, edge, 7).tolist()
        words = [f"{tick:g}".replace("-", "\N{MINUS SIGN}") for tick in ticks]
        words[0], words[-1] = f"≤ {words[0]}", f"≥ {words[-1]}"
        axes.set_xticks(ticks, words)
        axes.set_xlim(-1.05 * edge, 1.05 * edge)
        axes.set_ylim(0, 0.43)
    plt.close(figure)
    return figure
