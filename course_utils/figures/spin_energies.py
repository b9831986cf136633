"""Lattices beside their energies: a frame of the Ising lesson's slider."""

import matplotlib.pyplot as plt
import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from course_utils.figures.style import COLOURS, LARGE


def energy_frame(
    spins: npt.NDArray,
    levels: npt.NDArray,
    exact: npt.NDArray,
    shares: npt.NDArray,
    title: str,
) -> Figure:
    """Nine lattices, and how often each energy comes, beside how often it should.

    Args:
        spins: (9, side, side), -1 and 1.
        levels: the energies that there are, (k,).
        exact: their probabilities.
        shares: those of a sampler.
        title: above the picture.
    """
    images = np.pad((spins + 1) / 2, ((0, 0), (1, 1), (1, 1)), constant_values=0.6)
    rows = [np.concatenate(images[i : i + 3], axis=1) for i in (0, 3, 6)]
    with plt.rc_context(LARGE):
        figure, (left, right) = plt.subplots(
            1, 2, figsize=(9, 4.2), layout="constrained", width_ratios=(1, 1.6)
        )
        left.imshow(np.concatenate(rows), vmin=0, vmax=1, interpolation="nearest")
        left.axis("off")
        right.bar(levels, shares, width=3.0, color=COLOURS[0], label="the sampler")
        right.plot(levels, exact, "_", color="black", ms=16, mew=2.5, label="exact")
        right.set(xlabel="energy of the lattice", ylabel="probability")
        right.set_ylim(0, 1.15 * max(exact.max(), shares.max()))
        right.legend(loc="upper right")
        figure.suptitle(title)
    plt.close(figure)
    return figure
