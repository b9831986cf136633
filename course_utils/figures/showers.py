"""Pictures of showers in a calorimeter: arrays in, a Figure out.

Energies are in GeV, depths in radiation lengths. Figures are closed before they are
returned.
"""

from collections.abc import Mapping
from typing import NamedTuple

import matplotlib.pyplot as plt
import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from course_utils.figures.style import BARE, COLOURS, number


class Judged(NamedTuple):
    """One quantity of many showers.

    Attributes:
        truth: of simulated showers, (n,).
        fake: of a generator's, (m,).
        distance: of the two, in the quantity's unit.
        floor: the distance of two simulated sets.
    """

    truth: npt.NDArray
    fake: npt.NDArray
    distance: float
    floor: float


def showers_in_layers(
    panels: Mapping[str, npt.NDArray], thickness: float = 2.0
) -> Figure:
    """Showers as rows of cells: the darker, the more energy the layer shows.

    Args:
        panels: energies (showers, layers) by the title of their panel.
        thickness: of a layer.
    """
    most = max(energies.max() for energies in panels.values())
    with plt.rc_context(BARE):
        figure, axes = plt.subplots(
            1, len(panels), figsize=(9, 3.8), squeeze=False, layout="constrained"
        )
        for panel, (title, energies) in zip(axes.flat, panels.items(), strict=True):
            count, layers = energies.shape
            extent = (0, layers * thickness, count, 0)
            image = panel.imshow(
                energies, cmap="Greys", vmin=0, vmax=most, extent=extent, aspect="auto"
            )
            for row in range(count + 1):
                panel.axhline(row, color="white", linestyle="-", linewidth=6)
            panel.set(title=title, yticks=[], xlabel="depth (radiation lengths)")
            panel.set_xticks(np.arange(0, layers * thickness + 1, 4 * thickness))
        bar = figure.colorbar(image, ax=axes, pad=0.02)
        bar.set_label("energy (GeV)")
    plt.close(figure)
    return figure


def judged_by_physics(quantities: Mapping[str, Judged]) -> Figure:
    """Histograms: simulated showers in grey, a generator's in colour.

    Above each stands its distance, and the distance of two simulated sets.

    Args:
        quantities: by name and unit, as they stand below the axis.
    """
    with plt.rc_context(BARE):
        figure, axes = plt.subplots(
            1, len(quantities), figsize=(9, 4.5), squeeze=False, layout="constrained"
        )
        for panel, (name, one) in zip(axes.flat, quantities.items(), strict=True):
            low, high = np.quantile(
                np.concatenate([one.truth, one.fake]), [5e-4, 0.9995]
            )
            edges = np.linspace(low, high, 41).tolist()
            look = {"bins": edges, "density": True}
            panel.hist(one.truth, color="0.75", label="simulated", **look)
            panel.hist(
                one.fake,
                histtype="step",
                linewidth=3,
                color=COLOURS[1],
                label="GAN",
                **look,
            )
            panel.set(xlabel=name, yticks=[])
            panel.set_title(
                f"distance {number(one.distance, 3)}\n"
                f"two simulations: {number(one.floor, 3)}",
                fontsize=14,
            )
        axes[0, 0].set_ylabel("density")
        handles = axes[0, 0].get_legend_handles_labels()
        figure.legend(*handles, loc="outside upper center", ncols=2, frameon=False)
    plt.close(figure)
    return figure
