"""Pictures of spins on a lattice and of what is measured there.

A spin of 1 is white, one of -1 is black. Arrays in, a closed Figure out.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import cycle

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from course_utils.figures.pieces import (
    BACKWARDS,
    LOOK,
    Part,
    box,
    compute,
    draw,
    gradient,
    line,
    network,
    sheet,
    write,
)
from course_utils.figures.style import COLOURS, DASHES, LARGE, mosaic

Place = tuple[float, float]
Curve = tuple[npt.ArrayLike, npt.ArrayLike]
WIDE = 10  # a panel whose values differ by more is logarithmic
EMPTY = 0.8  # grey of a site without a spin


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


def sampler_diagram(spins: npt.NDArray, site: int) -> Figure:
    """Spins before, the small network of a site, its coin, and the next spin.

    Below, what the gradient needs: the logarithm of the coin's probability. The way
    back, dashed and in colour, leads from there into the network; the coin stops it.

    Args:
        spins: -1 and 1, (side, side); those from `site` on are not shown before.
        site: the number of the one that is drawn, in the order of reading.
    """
    level, foot = 2.75, 0.95
    with mpl.rc_context(LOOK):
        figure, paper = sheet(4.5)
        term = Part(4.55, foot, 2.3, 0.62)
        before = _lattice(paper, Part(0.95, level, 1.5, 1.5), spins, site, site)
        site_network = network(
            paper, (2.7, level), (1.5, 0.7), "network", r"$\theta_i$"
        )
        logit = box(paper, Part(3.95, level, 0.62, 0.62), r"$\ell_i$")
        coin = draw(paper, (5.45, level), "$s_i$", 0.42)
        after = _lattice(paper, Part(7.75, level, 1.5, 1.5), spins, site + 1, site)
        box(paper, term, r"$\log\,q(s_i\,|\,\mathrm{before})$")
        for start, end in (
            (before.right, site_network.left),
            (site_network.right, logit.left),
            (logit.right, coin.left),
            (coin.right, after.left),
            (logit.bottom, (logit.x, term.top[1])),
            (coin.bottom, (coin.x, term.top[1])),
        ):
            compute(paper, start, end)
        write(paper, (before.x, 3.85), "spins before")
        write(paper, (logit.x, 3.45), "logit")
        write(paper, (coin.x, 3.85), "a coin, white with")
        write(paper, (coin.x, 3.52), r"probability $\sigma(\ell_i)$")
        write(paper, (after.x, 3.85), "the next spin")
        gradient(paper, term.left, (site_network.x, level - 0.58))
        for up, words in ((0.1, "the gradient, times"), (-0.25, "(cost − mean cost)")):
            write(paper, (0.2, foot + up), words, ha="left", color=BACKWARDS)
        wall = coin.right[0] + 0.14
        gradient(paper, (after.x - 0.3, level - 0.75), (wall, level - 0.12))
        line(paper, (wall, level - 0.35), (wall, level + 0.35), BACKWARDS, 5)
        write(paper, (7.35, 1.45), "stops at the coin", color=BACKWARDS)
    return figure


def _lattice(
    paper: Axes, part: Part, spins: npt.NDArray, shown: int, site: int
) -> Part:
    """The first spins as a picture, an orange frame around one, the rest empty."""
    image = np.full(spins.size, EMPTY)
    image[:shown] = (spins.ravel()[:shown] + 1) / 2
    box(paper, part, "", image=image.reshape(spins.shape))
    pixel = (part.width - 0.16) / len(spins)  # as `box` sets its pictures in
    row, column = divmod(site, len(spins))
    corner = (
        part.left[0] + 0.08 + column * pixel,
        part.top[1] - 0.08 - (row + 1) * pixel,
    )
    frame = Rectangle(corner, pixel, pixel, fill=False, edgecolor=COLOURS[1], lw=3.5)
    frame.set_zorder(3)
    paper.add_patch(frame)
    return part


def curves(
    lines: Mapping[str, Curve],
    points: Mapping[str, Curve] | None = None,
    *,
    x: str,
    y: str,
    places: Mapping[str, Place],
    marks: Mapping[str, float] | None = None,
) -> Figure:
    """Lines and points of one quantity against another, with their names beside them.

    Args:
        lines: x and y of each, by name.
        points: of each set, by name.
        x: what the horizontal axis is.
        y: what the vertical axis is.
        places: where each name begins, in the units of the axes.
        marks: places on the horizontal axis, by name.
    """
    sets = points or {}
    with plt.rc_context(LARGE):
        figure, axes = plt.subplots(figsize=(9, 4.5), layout="constrained")
        colours = dict(zip([*lines, *sets], COLOURS, strict=False))
        for (name, (across, up)), dash in zip(lines.items(), DASHES, strict=False):
            axes.plot(across, up, color=colours[name], linestyle=dash)
        for (name, (across, up)), shape in zip(sets.items(), "os^D", strict=False):
            axes.plot(across, up, shape, color=colours[name], markersize=8)
        for name, place in places.items():
            axes.text(*place, name, color=colours[name], va="center")
        for name, where in (marks or {}).items():
            axes.axvline(where, color="0.5", linewidth=1.2, linestyle="-")
            axes.annotate(
                name,
                (where, 0.0),
                (5, 6),
                xycoords=("data", "axes fraction"),
                textcoords="offset points",
                color="0.35",
            )
        axes.set(xlabel=x, ylabel=y)
    plt.close(figure)
    return figure


def magnetization_curves(
    betas: npt.ArrayLike,
    means: Mapping[int, npt.ArrayLike],
    infinite: Callable[[float], float],
    critical: float,
) -> Figure:
    """The magnetization's size on two finite lattices and on the infinite one.

    Args:
        betas: where lattices were drawn.
        means: of the absolute magnetization there, by the side of the lattice: 4, 28.
        infinite: the exact one of an infinite lattice, a function of beta.
        critical: beta of the phase transition, where a line stands.
    """
    line = np.unique([*np.linspace(0.2, 0.7, 101), critical, critical + 1e-4])
    names = [f"{side} x {side}, drawn" for side in means]
    spots = [(0.2, 0.63), (0.28, 0.24)]
    return curves(
        {"infinite: Onsager": (line, [infinite(beta) for beta in line])},
        {name: (betas, mean) for name, mean in zip(names, means.values(), strict=True)},
        x=r"$\beta$, one over the temperature",
        y="|magnetization| of a spin",
        places={"infinite: Onsager": (0.46, 0.6)}
        | dict(zip(names, spots, strict=True)),
        marks={"critical": critical},
    )


def mean_field_gaps(m: npt.NDArray, gaps: Mapping[str, Sequence[float]]) -> Figure:
    """The gap of independent spins against their mean, at two temperatures.

    Args:
        m: the mean of a spin.
        gaps: in nats, by the name of the temperature: hot, critical.
    """
    top = np.max(list(gaps.values()))
    figure = curves(
        {name: (m, gap) for name, gap in gaps.items()},
        x="$m$, the mean of a spin",
        y="gap: KL in nats",
        places={
            name: (-0.08, float(np.interp(0, m, gap)) + 0.07 * top)
            for name, gap in gaps.items()
        },
    )
    figure.axes[0].set_ylim(0, 1.15 * top)
    return figure


def histograms(
    panels: Mapping[str, npt.NDArray],
    *,
    x: str,
    exact: float | None = None,
    exact_name: str = "dashed: exact",
    bins: int = 41,
) -> Figure:
    """Histograms over one axis, a panel each.

    Args:
        panels: values (n,), by title.
        x: what they are.
        exact: a value that is known, drawn as a line through all panels.
        exact_name: what it is called.
        bins: edges of the common range.
    """
    values = np.concatenate([np.ravel(v) for v in panels.values()])
    edges = np.linspace(values.min(), values.max(), bins)
    with plt.rc_context(LARGE):
        figure, grid = plt.subplots(
            len(panels),
            1,
            figsize=(9, 1.45 * len(panels) + 0.7),
            sharex=True,
            squeeze=False,
            layout="constrained",
        )
        for axes, (title, own), colour in zip(
            grid[:, 0], panels.items(), cycle(COLOURS), strict=False
        ):
            weights = np.full(len(own), 1 / len(own))
            axes.hist(own, edges, weights=weights, color=colour)
            axes.set_title(title, loc="left")
            axes.set_yticks([])
            axes.spines["left"].set_visible(False)
            if exact is not None:
                axes.axvline(exact, color="black", linestyle="--", linewidth=1.8)
        if exact is not None:
            grid[0, 0].set_title(exact_name, loc="right")
        grid[-1, 0].set_xlabel(x)
    plt.close(figure)
    return figure


def judged(
    rows: Mapping[str, Sequence[Place]],
    names: Sequence[str],
    exact: Sequence[float],
) -> Figure:
    """Observables of several samplers, a panel each, with two errors to each side.

    Args:
        rows: mean and standard error of each observable, by sampler.
        names: of the observables.
        exact: the true values, dashed; NaN where none is known.
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
            shown = zip(places, means, errors, cycle(COLOURS), strict=False)
            for place, mean, error, colour in shown:
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
                axes.axvline(exact[column], color="black", linestyle="--", lw=1.5)
            axes.set_title(name)
            axes.margins(x=0.2)
            if means.min() > 0 and means.max() > WIDE * means.min():
                axes.set_xscale("log")
            else:
                axes.locator_params(axis="x", nbins=3)
        grid[0, 0].set_yticks(places, list(rows))
        grid[0, 0].set_ylim(places[-1] - 0.5, 0.5)
    plt.close(figure)
    return figure


def state_by_state(truth: npt.NDArray, model: npt.NDArray, name: str) -> Figure:
    """What a model says of each lattice against what is true, in nats.

    Args:
        truth: log p of each, (n,).
        model: the model's, or a bound on it, (n,).
        name: of the model, for the vertical axis.
    """
    ends = np.array([truth.min(), truth.max()])
    with plt.rc_context(LARGE):
        figure, axes = plt.subplots(figsize=(9, 4.5), layout="constrained")
        axes.plot(truth, model, "o", color=COLOURS[0], markersize=5, alpha=0.6)
        axes.plot(ends, ends, color="black", linestyle="--")
        axes.text(ends[0], ends[0], "equal  ", va="bottom", ha="right")
        axes.set(xlabel="true log p of a lattice, nats", ylabel=name)
        axes.margins(x=0.1)
    plt.close(figure)
    return figure


def site_maps(panels: Mapping[str, npt.NDArray], name: str) -> Figure:
    """One number for each site of a lattice, as maps with one scale.

    Args:
        panels: (side, side), by title.
        name: of the number, for the scale.
    """
    top = max(panel.max() for panel in panels.values())
    with plt.rc_context(LARGE | {"axes.grid": False}):
        figure, axes = plt.subplots(
            1, len(panels), figsize=(9, 4.2), squeeze=False, layout="constrained"
        )
        for place, (title, panel) in zip(axes[0], panels.items(), strict=True):
            image = place.imshow(
                panel, vmin=0, vmax=top, cmap="magma", interpolation="nearest"
            )
            place.set_title(title)
            place.axis("off")
        figure.colorbar(image, ax=axes[0], label=name, shrink=0.85)
    plt.close(figure)
    return figure
