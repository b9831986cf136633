"""Pictures of somebody's images or rows, and of models of them.

Arrays in, a Figure out. Figures are closed before they are returned.
"""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from course_utils.figures.digit_rows import mosaics
from course_utils.figures.style import BARE, COLOURS, number
from course_utils.metrics.bounds import Estimate

IMAGES, LINES, POINTS = 30, 6, 400  # of each set in a picture
CURVE = 8  # numbers from which a row is drawn as a curve
MIXED = 20  # times as wide one column is as another: then each in its own unit
MARKS = ("o", "s", "^", "D", "v", "P")


def portraits(panels: Mapping[str, npt.NDArray], columns: Sequence[str] = ()) -> Figure:
    """Sets of images or rows side by side, in the way that suits their shape.

    Images are tiles, long rows curves, short ones points in the plane of the two
    columns that are correlated most, single numbers histograms. The first set has the
    scale.

    Args:
        panels: (n, height, width, channels) or (n, d) by title.
        columns: names of the columns, or none.
    """
    first = next(iter(panels.values()))
    if first.ndim == 4:
        columns_of_images = 5 if len(panels) > 1 else 10
        return mosaics(_in_unit_interval(panels), columns_of_images)
    width = first.shape[1]
    with plt.rc_context(BARE):
        figure, row = plt.subplots(
            1,
            len(panels),
            figsize=(9, 3.6),
            sharex=True,
            sharey=True,
            layout="constrained",
            squeeze=False,
        )
        for axes, title in zip(row[0], panels, strict=True):
            axes.set_title(title)
        if width >= CURVE:
            _curves(row[0], panels)
        elif width > 1:
            _points(row[0], panels, columns)
        else:
            _histograms(row[0], panels, columns)
    plt.close(figure)
    return figure


def latent_plane(mu: npt.NDArray, kls: npt.NDArray, value: npt.NDArray) -> Figure:
    """Where rows lie in the plane of the two latent numbers that carry most.

    Circles at 1 and 2 hold 39 % and 86 % of the prior.

    Args:
        mu: means of q(z given x), (n, k), with k at least 2.
        kls: the mean KL of each latent number, (k,).
        value: the mean of u, of each row, (n,), told by the colour.
    """
    most, second = np.argsort(kls)[::-1][:2]
    with plt.rc_context(BARE):
        figure, axes = plt.subplots(figsize=(6.6, 5.2), layout="constrained")
        low, high = np.quantile(value, (0.02, 0.98))
        look = {"cmap": "viridis", "vmin": low, "vmax": high, "s": 26}
        dots = axes.scatter(mu[:, most], mu[:, second], c=value, **look)
        for radius in (1, 2):
            axes.add_patch(plt.Circle((0, 0), radius, fill=False, ls="--", lw=1.8))
        reach = max(2.4, 1.08 * float(np.abs(mu[:, [most, second]]).max()))
        axes.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal")
        axes.set_xlabel(f"$z_{{{most + 1}}}$ ({number(kls[most])} nats)")
        axes.set_ylabel(f"$z_{{{second + 1}}}$ ({number(kls[second])} nats)")
        figure.colorbar(dots, ax=axes, label="mean of u")
    plt.close(figure)
    return figure


def leads(models: Mapping[str, Estimate], reference: str) -> Figure:
    """How far models are above one of them, with two standard errors each way.

    Args:
        models: the mean difference to the reference by the name of the model, in nats.
        reference: the name of the model at zero.
    """
    names = list(models)
    places = np.arange(len(names))[::-1]
    with plt.rc_context(BARE):
        figure, axes = plt.subplots(
            figsize=(9, 1.2 + 0.62 * len(names)), layout="constrained"
        )
        axes.axvline(0, color="0.6", linestyle="-", linewidth=1.5)
        for place, name in zip(places, names, strict=True):
            one, own = models[name], name.startswith("VAE")
            axes.errorbar(
                one.mean,
                place,
                xerr=2 * one.standard_error,
                fmt="D" if own else "o",
                color=COLOURS[1] if own else "0.25",
                markersize=10,
                capsize=6,
                elinewidth=2.5,
            )
            words = number(one.mean) if one.mean else "0"
            axes.annotate(
                words,
                (one.mean, place),
                (0, 9),
                textcoords="offset points",
                ha="center",
            )
        axes.set_yticks(places, names)
        axes.set_ylim(-0.6, len(names) - 0.3)
        axes.margins(x=0.12)
        axes.set_xlabel(f"nats a row above “{reference}”, held out")
    plt.close(figure)
    return figure


def _in_unit_interval(panels: Mapping[str, npt.NDArray]) -> dict[str, npt.NDArray]:
    """The first images of each set, with the first set's range as [0, 1]."""
    first = next(iter(panels.values()))
    low, high = np.quantile(first, (0.001, 0.999))
    if high == low:
        low, high = first.min(), first.max()
    return {
        title: np.clip((_drawable(x[:IMAGES]) - low) / (high - low), 0, 1)
        for title, x in panels.items()
    }


def _drawable(images: npt.NDArray) -> npt.NDArray:
    """One channel or three; of two the mean, of four the first three."""
    channels = images.shape[-1]
    if channels == 2:
        return images.mean(axis=-1, keepdims=True)
    return images[..., :3]


def _curves(row: Sequence[Axes], panels: Mapping[str, npt.NDArray]) -> None:
    first = next(iter(panels.values()))
    middle, spread = first.mean(axis=0), first.std(axis=0)
    spread = np.where(spread > 0, spread, 1)
    mixed = spread.max() > MIXED * np.median(spread)
    for axes, x in zip(row, panels.values(), strict=True):
        shown = (x[:LINES] - middle) / spread if mixed else x[:LINES]
        for place, one in enumerate(shown):
            axes.plot(
                one,
                color=COLOURS[place % len(COLOURS)],
                linestyle="-",
                marker=MARKS[place] if len(one) < 40 else None,
                markersize=4,
                linewidth=1.6,
            )
        axes.set_xlabel("number in the row")
    row[0].set_ylabel("spreads from the mean" if mixed else "value")


def _points(
    row: Sequence[Axes], panels: Mapping[str, npt.NDArray], columns: Sequence[str]
) -> None:
    first = next(iter(panels.values()))
    varies = np.flatnonzero(first.std(axis=0) > 0)
    if len(varies) < 2:
        varies = np.arange(2)
    related = np.abs(np.corrcoef(first[:, varies].T))
    np.fill_diagonal(related, -1)
    one, other = varies[np.sort(np.unravel_index(related.argmax(), related.shape))]
    for axes, x in zip(row, panels.values(), strict=True):
        axes.plot(*x[:POINTS, [one, other]].T, ".", color=COLOURS[0], alpha=0.6)
        axes.set_xlabel(_called(columns, one))
    row[0].set_ylabel(_called(columns, other))
    for axis, place in ((row[0].set_xlim, one), (row[0].set_ylim, other)):
        low, high = np.quantile(first[:, place], (0.002, 0.998))
        room = 0.2 * (high - low)
        axis(low - room, high + room)


def _histograms(
    row: Sequence[Axes], panels: Mapping[str, npt.NDArray], columns: Sequence[str]
) -> None:
    first = next(iter(panels.values()))
    low, high = np.quantile(first, (0.002, 0.998))
    edges = np.linspace(low, high, 31).tolist()
    for axes, x in zip(row, panels.values(), strict=True):
        axes.hist(x[:, 0], bins=edges, density=True, color=COLOURS[0])
        axes.set_xlabel(_called(columns, 0))
    row[0].set_ylabel("density")


def _called(columns: Sequence[str], place: int) -> str:
    return str(columns[place]) if columns else f"column {place}"
