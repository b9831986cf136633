"""The bound, the prior and the posterior as curves."""

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy.typing as npt
from matplotlib.figure import Figure

from course_utils.figures.diagrams import bar_of_bound
from course_utils.figures.pieces import LOOK, write
from course_utils.figures.style import DASHES, number


def bound_and_densities(
    elbo: float,
    gap: float,
    z: npt.NDArray,
    densities: Mapping[str, npt.NDArray],
    lowest: float,
    highest: float,
) -> Figure:
    """How far the ELBO of one q reaches, above the densities of q and others.

    The bar is that of `bound_bars`: a better q makes it longer, and log p(x) stays.

    Args:
        elbo: of q, in nats; where its bar ends.
        gap: KL(q || posterior), in nats; hatched, from there to log p(x).
        z: latent points (n,).
        densities: by name, at these points (n,).
        lowest: left end of the axis of nats; fixed, so that pictures can be compared.
        highest: end of the axis of densities.
    """
    log_evidence = elbo + gap
    # margins by hand: fitting them takes as long as all the rest
    with plt.rc_context(LOOK | {"figure.autolayout": False}):
        figure = plt.figure(figsize=(9, 5))
        above = figure.add_axes((0.06, 0.71, 0.68, 0.2))
        above.set(xlim=(lowest, log_evidence), ylim=(0, 0.6), yticks=[], xlabel="nats")
        above.spines["left"].set_visible(False)
        bar_of_bound(above, 0.3, elbo)
        above.axvline(log_evidence, color="black", linewidth=4, clip_on=False)
        total = f"log p(x) = {number(log_evidence)} nats"
        write(above, (log_evidence, 0.74), total)
        below = figure.add_axes((0.09, 0.13, 0.88, 0.4))
        not_dashed = [dashes for dashes in DASHES if dashes != "--"]
        for (name, density), dashes in zip(densities.items(), not_dashed, strict=False):
            below.plot(z, density, label=name, linestyle=dashes)
        below.set(xlabel="z", ylabel="density")
        below.set(xlim=(z.min(), z.max()), ylim=(0, highest))
        below.legend()
    plt.close(figure)
    return figure
