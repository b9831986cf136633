"""The bound, the prior and the posterior as curves."""

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy.typing as npt
from matplotlib.figure import Figure

from course_utils.figures.style import COLOURS, DASHES, STYLE


def bound_and_densities(
    elbo: float,
    gap: float,
    z: npt.NDArray,
    densities: Mapping[str, npt.NDArray],
    lowest: float,
    highest: float,
) -> Figure:
    """The ELBO and its gap as bars that meet at log p(x), beside the densities.

    Args:
        elbo: of q, in nats; its bar hangs from zero.
        gap: KL(q || posterior), in nats; its bar stands on the other's foot.
        z: latent points (n,).
        densities: by name, at these points (n,).
        lowest: end of the axis of nats; fixed, so that pictures can be compared.
        highest: end of the axis of densities.
    """
    # margins by hand: fitting them takes as long as all the rest
    with plt.rc_context(STYLE | {"figure.autolayout": False}):
        figure, (left, right) = plt.subplots(1, 2, figsize=(9, 4.5))
        figure.subplots_adjust(0.09, 0.14, 0.98, 0.9, wspace=0.25)
        grey, hatched = {"color": "0.75"}, {"color": COLOURS[1], "hatch": "//"}
        for place, (height, foot, look) in enumerate(
            [(elbo, 0.0, grey), (gap, elbo, hatched)]
        ):
            left.bar(place, height, bottom=foot, edgecolor="black", width=0.6, **look)
        left.axhline(elbo + gap, color="black", linestyle="--")
        left.axhline(0, color="black", linestyle="-", linewidth=1)
        left.set(xlim=(-0.5, 1.5), ylim=(lowest, 0.05 * -lowest), ylabel="nats")
        names = [f"ELBO\n{elbo:.3f}", f"KL(q ‖ posterior)\n{gap:.3f}"]
        left.set_xticks([0, 1], names)
        left.set_title(f"dashed: log p(x) = {elbo + gap:.3f}")
        not_dashed = [dashes for dashes in DASHES if dashes != "--"]
        for (name, density), dashes in zip(densities.items(), not_dashed, strict=False):
            right.plot(z, density, label=name, linestyle=dashes)
        right.set(xlabel="z (no units)", ylabel="density (no units)")
        right.set(xlim=(z.min(), z.max()), ylim=(0, highest))
        right.legend()
    plt.close(figure)
    return figure
