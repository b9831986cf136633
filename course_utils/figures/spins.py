"""Pictures of spins on a lattice and of what is measured there.

A spin of 1 is white, one of -1 is black. Arrays in, a closed Figure out.
"""

import math
from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from course_utils.figures.style import COLOURS, DASHES, GRIDLESS, LARGE, mosaic

Curve = tuple[npt.ArrayLike, npt.ArrayLike]


def lattices(rows: Mapping[str, npt.NDArray], title: str = "") -> Figure:
    """Rows of configurations, each with its name at the left.

    Args:
        rows: equally many lattices (n, side, side) of -1 and 1, by name.
        title: above the picture.
    """
    spins = np.concatenate(list(rows.values()))
    images = (spins[..., None].astype(np.float32) + 1) / 2
    # a frame, so that white lattices are seen on white paper
    framed = np.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)), constant_values=0.6)
    return mosaic(framed, len(spins) // len(rows), title, row_labels=list(rows))


def reading_order(side: int, spin: int, spins: npt.NDArray) -> Figure:
    """A lattice in the making: spins drawn so far, the next one, and empty sites.

    Args:
        side: of the lattice.
        spin: the number of the site that is drawn next, in the order of reading.
        spins: -1 and 1, (side, side); those from `spin` on are not shown.
    """
    with plt.rc_context(GRIDLESS):
        figure, axes = plt.subplots(figsize=(9, 4.2))
    for site in range(side * side):
        row, column = divmod(site, side)
        shade = "white" if spins[row, column] > 0 else "black"
        colour = shade if site < spin else "0.85"
        edge, width = ("0.5", 1.0) if site != spin else (COLOURS[1], 4.0)
        axes.add_patch(
            Rectangle(
                (column, -row), 0.9, 0.9, facecolor=colour, edgecolor=edge, lw=width
            )
        )
    row, column = divmod(spin, side)
    axes.annotate(
        r"$q(s_i = 1 \mid s_1 \ldots s_{i-1})$",
        (column + 0.95, -row + 0.45),
        (side + 0.8, -row + 0.45),
        va="center",
        fontsize=20,
        color=COLOURS[1],
        arrowprops={"arrowstyle": "<-", "color": COLOURS[1], "lw": 2},
    )
    axes.text(
        side + 0.8, 0.45, "drawn, and seen by the network", va="center", fontsize=15
    )
    axes.text(side + 0.8, 1.45 - side, "not drawn yet", va="center", fontsize=15)
    axes.set(xlim=(-0.1, side + 7.5), ylim=(0.9 - side, 1.0), aspect="equal")
    axes.axis("off")
    plt.close(figure)
    return figure


def curves(
    lines: Mapping[str, Curve],
    points: Mapping[str, Curve] | None = None,
    *,
    x: str,
    y: str,
    marks: Mapping[str, float] | None = None,
) -> Figure:
    """Lines and points of one quantity against another, named in a legend.

    Args:
        lines: x and y of each, by name.
        points: of each set, by name.
        x: what the horizontal axis is.
        y: what the vertical axis is.
        marks: places on the horizontal axis, by name.
    """
    with plt.rc_context(LARGE):
        figure, axes = plt.subplots(figsize=(9, 4.5), layout="constrained")
        for (name, (across, up)), dash in zip(lines.items(), DASHES, strict=False):
            axes.plot(across, up, label=name, linestyle=dash)
        shapes = zip(
            (points or {}).items(), "os^D", COLOURS[len(lines) :], strict=False
        )
        for (name, (across, up)), shape, colour in shapes:
            axes.plot(across, up, shape, color=colour, markersize=8, label=name)
        for name, place in (marks or {}).items():
            axes.axvline(place, color="0.5", linewidth=1.2)
            axes.annotate(
                name,
                (place, 1.0),
                (5, -4),
                xycoords=("data", "axes fraction"),
                textcoords="offset points",
                va="top",
                color="0.35",
            )
        axes.set(xlabel=x, ylabel=y)
        axes.legend()
    plt.close(figure)
    return figure


def histograms(
    panels: Mapping[str, npt.NDArray],
    *,
    x: str,
    exact: float | None = None,
    exact_name: str = "exact",
    bins: int = 41,
) -> Figure:
    """Histograms over one axis, a panel each, with the same scale.

    Args:
        panels: values (n,), by title.
        x: what they are.
        exact: a value that is known, drawn as a line through all panels.
        exact_name: what it is called.
        bins: of the common range.
    """
    values = np.concatenate([np.ravel(v) for v in panels.values()])
    edges = np.linspace(values.min(), values.max(), bins)
    with plt.rc_context(LARGE):
        figure, grid = plt.subplots(
            len(panels),
            1,
            figsize=(9, 1.6 * len(panels) + 0.8),
            sharex=True,
            squeeze=False,
            layout="constrained",
        )
        for axes, (title, own), colour in zip(
            grid[:, 0], panels.items(), _cycled(COLOURS), strict=False
        ):
            weights = np.full(len(own), 1 / len(own))
            axes.hist(own, edges, weights=weights, color=colour)
            axes.set_title(title, loc="left")
            axes.set_yticks([])
            axes.spines["left"].set_visible(False)
            if exact is not None:
                axes.axvline(exact, color="black", linestyle="--", linewidth=1.8)
        if exact is not None:
            grid[0, 0].annotate(
                exact_name,
                (exact, 0.95),
                (5, 0),
                xycoords=("data", "axes fraction"),
                textcoords="offset points",
                va="top",
            )
        grid[-1, 0].set_xlabel(x)
    plt.close(figure)
    return figure


def judged(
    rows: Mapping[str, Sequence[tuple[float, float]]],
    names: Sequence[str],
    exact: Sequence[float],
) -> Figure:
    """Observables of several samplers, a panel each, with errors and the exact value.

    Args:
        rows: mean and standard error of each observable, by sampler.
        names: of the observables.
        exact: the true values; NaN where there is none.
    """
    with plt.rc_context(LARGE):
        figure, grid = plt.subplots(
            1,
            len(names),
            figsize=(9, 0.5 * len(rows) + 1.4),
            sharey=True,
            squeeze=False,
            layout="constrained",
        )
        places = -np.arange(len(rows))
        for column, (axes, name) in enumerate(zip(grid[0], names, strict=True)):
            means, errors = np.array([row[column] for row in rows.values()]).T
            for place, mean, error, colour in zip(
                places, means, errors, _cycled(COLOURS), strict=False
            ):
                axes.errorbar(
                    mean,
                    place,
                    xerr=2 * error,
                    fmt="o",
                    color=colour,
                    markersize=9,
                    capsize=4,
                )
            if not math.isnan(exact[column]):
                axes.axvline(
                    exact[column], color="black", linestyle="--", linewidth=1.5
                )
            axes.set_title(name)
            axes.margins(x=0.15)
            axes.locator_params(axis="x", nbins=4)
        grid[0, 0].set_yticks(places, list(rows))
        grid[0, 0].set_ylim(places[-1] - 0.5, 0.5)
    plt.close(figure)
    return figure


def _cycled(colours: Sequence[str]) -> list[str]:
    return list(colours) * 3


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
        right.set(xlabel="energy of the lattice, in bonds", ylabel="probability")
        right.set_ylim(0, 1.15 * max(exact.max(), shares.max()))
        right.legend(loc="upper right")
        figure.suptitle(title)
    plt.close(figure)
    return figure
