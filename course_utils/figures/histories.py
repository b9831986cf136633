"""The series of a training as curves."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from course_utils.figures.style import STYLE
from course_utils.records.history import History


def history_curves(
    history: History,
    keys: Sequence[str],
    ylabel: str = "nats an image",
    levels: Mapping[str, float] | None = None,
) -> Figure:
    """Series of a training run against epochs, one panel beside the other.

    Args:
        history: with one value an epoch.
        keys: one panel each; the series `test_<key>` is drawn with it if there is one.
        ylabel: of the first panel.
        levels: labelled horizontal lines, in the first panel.

    Raises:
        KeyError: the history has no such series.
    """
    panels = {key: {"training": history[key]} for key in keys}
    for key, series in panels.items():
        if f"test_{key}" in history:
            series["held out"] = history[f"test_{key}"]
    with plt.rc_context(STYLE):
        figure, row = plt.subplots(1, len(keys), figsize=(9, 4), squeeze=False)
        for axes, (key, series) in zip(row[0], panels.items(), strict=True):
            for label, values in series.items():
                axes.plot(np.arange(1, len(values) + 1), values, label=label)
            axes.set_title(key.replace("_", " "))
            axes.set_xlabel("epochs")
            axes.xaxis.get_major_locator().set_params(integer=True)
        for label, value in (levels or {}).items():
            row[0][0].axhline(value, color="black", linestyle=":", label=label)
        row[0][0].legend()
        row[0][0].set_ylabel(ylabel)
    plt.close(figure)
    return figure
