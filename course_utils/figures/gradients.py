"""Gradients as arrows."""

import matplotlib.pyplot as plt
import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from course_utils.figures.style import COLOURS, STYLE


def pathwise_gradients(
    epsilon: npt.NDArray,
    z: npt.NDArray,
    values: npt.NDArray,
    slopes: npt.NDArray,
    curve: tuple[npt.NDArray, npt.NDArray],
    title: str = "",
) -> Figure:
    """Samples z on the curve of f with their gradients, over the noise they came from.

    Args:
        epsilon: the noise, (n,).
        z: what the noise was mapped to, (n,).
        values: f(z), (n,).
        slopes: f'(z), (n,); an arrow's length is a fifth of it.
        curve: points z and f(z) of the curve; their range is the axes' range.
        title: above the picture.
    """
    arrows = {"angles": "xy", "scale_units": "xy", "scale": 5, "width": 0.006}
    dots = {"color": COLOURS[0], "linestyle": "none", "marker": "o", "markersize": 9}
    # margins by hand: fitting them takes as long as all the rest
    with plt.rc_context(STYLE | {"figure.autolayout": False}):
        figure, (above, below) = plt.subplots(
            2, 1, sharex=True, figsize=(9, 5.5), height_ratios=(3, 1)
        )
        figure.subplots_adjust(0.14, 0.12, 0.98, 0.92, hspace=0.12)
        above.plot(*curve, color="0.6", linestyle="-")
        above.plot(z, values, **dots)
        above.quiver(z, values, slopes, 0 * z, color=COLOURS[1], zorder=3, **arrows)
        above.set(title=title, ylabel="f(z)", xlim=(curve[0].min(), curve[0].max()))
        ends = np.stack([epsilon, z, np.full_like(z, np.nan)], axis=1).ravel()
        heights = np.tile([0.0, 1.0, np.nan], len(z))
        below.plot(ends, heights, color="0.6", linestyle="-", linewidth=1)
        below.plot(epsilon, 0 * z, "k|", markersize=14, markeredgewidth=2)
        below.plot(z, 0 * z + 1, **dots)
        below.set(ylim=(-0.4, 1.4), xlabel="ε and z (no units)")
        below.set_yticks([0, 1], ["ε, fixed", "z = μ + σ ε"])
    plt.close(figure)
    return figure
