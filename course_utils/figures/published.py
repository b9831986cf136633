"""A published training beside our own: numbers in, a matplotlib Figure out."""

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from course_utils.figures.style import COLOURS, STYLE

MARKERS = "os^D"


def published_and_ours(
    published: Mapping[str, float],
    runs: Mapping[str, Mapping[str, Mapping[str, float]]],
) -> Figure:
    """Losses of runs less the published ones, a dot a run.

    Args:
        published: the loss by epoch.
        runs: by name of the program and by seed, the loss by epoch.

    Raises:
        ValueError: a run lacks an epoch.
    """
    epochs = list(published)
    for name, of_seeds in runs.items():
        for seed, losses in of_seeds.items():
            if missing := [epoch for epoch in epochs if epoch not in losses]:
                raise ValueError(f"{name}, seed {seed}, lacks epoch {missing[0]}.")
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(figsize=(9, 4.2))
        axes.axhline(0, color="black", linewidth=1.5)
        for place, (name, of_seeds) in enumerate(runs.items()):
            shift = 0.16 * (place - (len(runs) - 1) / 2)
            for number, losses in enumerate(of_seeds.values()):
                axes.plot(
                    np.arange(len(epochs)) + shift + 0.03 * number,
                    [losses[epoch] - published[epoch] for epoch in epochs],
                    MARKERS[place],
                    color=COLOURS[place],
                    markersize=11,
                    markeredgecolor="black",
                    linestyle="none",
                    label=name if not number else None,
                )
        axes.set_xticks(np.arange(len(epochs)), epochs)
        axes.set(xlabel="epoch", ylabel="nats above the published run")
        axes.set_xlim(-0.6, len(epochs) - 0.4)
        if runs:
            axes.legend()
    plt.close(figure)
    return figure
