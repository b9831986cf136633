"""Bounds of chains as pictures: errors over the log-SNR, bounds beside distances.

Arrays in, a closed matplotlib Figure out.
"""

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from course_utils.figures.style import COLOURS, STYLE

MARKERS = ("o", "s", "^", "D")


def error_over_log_snr(
    log_snr: npt.NDArray, error: npt.NDArray, normal: npt.NDArray
) -> Figure:
    """The least error of the noise, and that for one bell of width 1, dotted.

    Half of the grey area between both is the entropy that the data lack.

    Args:
        log_snr: of x_t, rising, (n,).
        error: mean squared error of the best guess of the noise, (n,).
        normal: the same for standard normal data, (n,).
    """
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots()
        axes.fill_between(log_snr, error, normal, color="0.85")
        axes.plot(log_snr, normal, color="black", linestyle=":", linewidth=3)
        axes.plot(log_snr, error, color=COLOURS[0], linestyle="-")
        axes.text(log_snr[0], 0.25, "dotted: one bell", ha="left")
        axes.text(log_snr[-1], 0.75, "the data", color=COLOURS[0], ha="right")
        axes.set(xlabel="log-SNR: from noise to data", ylabel="error of the noise")
        axes.set(ylim=(-0.06, 1.1))
    plt.close(figure)
    return figure


def gaps_and_distances(points: Mapping[str, npt.NDArray]) -> Figure:
    """A point for each training: how well it draws, and how far its bound is off.

    Args:
        points: W1 and gap in nats of the trainings, (n, 2), by a name of theirs.
    """
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots()
        widest = max(float(pairs[:, 0].max()) for pairs in points.values())
        for (name, pairs), colour, marker in zip(
            points.items(), COLOURS, MARKERS, strict=False
        ):
            axes.plot(*pairs.T, marker, color=colour, markersize=11, linestyle="none")
            x, y = pairs[np.argmax(pairs[:, 0])]
            axes.text(x + 0.04 * widest, y, name, color=colour, va="center")
        highest = max(float(pairs[:, 1].max()) for pairs in points.values())
        axes.set(xlabel="W1 of its samples (units of x)", ylabel="gap (nats)")
        axes.set(xlim=(0, 1.5 * widest), ylim=(-0.06 * highest, 1.15 * highest))
    plt.close(figure)
    return figure
