"""Diffusion as pictures: the chain, the flow of a density, losses, bounds, samplers.

Arrays in, a closed matplotlib Figure out.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator

from course_utils.figures.pieces import (
    FORMULA,
    LOOK,
    Part,
    box,
    compute,
    draw,
    heading,
    sheet,
    write,
)
from course_utils.figures.style import BARE, COLOURS, STYLE

ENCODER, DECODER = COLOURS[0], COLOURS[1]
MARKERS = ("o", "s", "^", "D")


def chain_diagram() -> Figure:
    """A VAE with several layers above; below, a diffusion as such a VAE.

    Blue arrows above the row encode, orange ones below it decode. In the diffusion
    the encoder only adds noise, and one network decodes at every time.
    """
    with mpl.rc_context(LOOK):
        figure, paper = sheet(5.2)
        heading(paper, (0.25, 4.93), "A VAE with three layers: both ways are learned")
        _chain(paper, 3.75, ("$x$", "$z_1$", "$z_2$", "$z_3$"))
        write(paper, (7.35, 4.02), "learned", ha="left", color=ENCODER)
        write(paper, (7.35, 3.48), "learned", ha="left", color=DECODER)
        heading(paper, (0.25, 2.33), "A diffusion: x becomes noise, step by step")
        _chain(paper, 1.25, ("$x$", "$x_{1/3}$", "$x_{2/3}$", "$x_1$"))
        write(paper, (7.35, 1.83), "adds noise,", ha="left", color=ENCODER)
        write(paper, (7.35, 1.53), "fixed", ha="left", color=ENCODER)
        write(paper, (7.35, 0.97), "one network", ha="left", color=DECODER)
        write(paper, (7.35, 0.67), "for all steps", ha="left", color=DECODER)
        write(paper, (0.93, 0.24), "data, t = 0")
        write(paper, (6.4, 0.24), "noise, t = 1")
    return figure


def flow_of_a_density(
    t: npt.NDArray,
    x: npt.NDArray,
    density: npt.NDArray,
    paths: Mapping[str, npt.NDArray] | None = None,
) -> Figure:
    """The density of x_t at each t in grey, a panel for each set of paths on it.

    Args:
        t: times, (k,).
        x: places, (n,).
        density: p_t(x), (n, k).
        paths: x_t of some points, (k, points), by title; None draws the density alone.
    """
    panels = paths or {"": np.empty((len(t), 0))}
    with plt.rc_context(STYLE | {"axes.grid": False}):
        figure, row = plt.subplots(
            1, len(panels), figsize=(9, 4.4), sharey=True, squeeze=False
        )
        for axes, (title, lines) in zip(row[0], panels.items(), strict=True):
            axes.pcolormesh(
                t, x, density**0.5, cmap="Greys", shading="gouraud", rasterized=True
            )
            for line, colour in zip(lines.T, COLOURS * lines.shape[1], strict=False):
                axes.plot(t, line, "-", color=colour, linewidth=2)
            axes.set(title=title, xlabel="t: from data (0) to noise (1)")
            axes.set(xlim=(0, 1), ylim=(x[0], x[-1]), xticks=[0, 0.5, 1])
            axes.yaxis.set_major_locator(MaxNLocator(5, prune="both"))
        row[0, 0].set_ylabel("x")
    plt.close(figure)
    return figure


def walk_frame(
    t: npt.NDArray,
    x: npt.NDArray,
    density: npt.NDArray,
    points: npt.NDArray,
    scores: npt.NDArray,
    now: int,
    is_back: bool,
) -> Figure:
    """Points on their way between data and noise; at one time, their density and score.

    Args:
        t: times from 0 to 1, (k,).
        x: places in equal steps, (n,).
        density: p_t(x), (n, k).
        points: x_t of each point, (k, points).
        scores: at the places and the time that is shown, (n,).
        now: which time that is.
        is_back: whether the points come from t = 1; then their way so far lies there.
    """
    so_far = slice(now, None) if is_back else slice(0, now + 1)
    with plt.rc_context(BARE):
        figure, (left, right) = plt.subplots(
            1, 2, figsize=(9, 4.2), sharey=True, width_ratios=(1.8, 1)
        )
        figure.subplots_adjust(0.08, 0.16, 0.98, 0.9, wspace=0.08)
        box = (0, 1, x[0], x[-1])
        grey = {"cmap": "Greys", "origin": "lower", "aspect": "auto"}
        left.imshow(density**0.5, extent=box, interpolation="bilinear", **grey)
        left.axvline(t[now], color="black", linewidth=1.5, linestyle=":")
        for line, colour in zip(points.T[:6], COLOURS, strict=False):
            left.plot(t[so_far], line[so_far], "-", color=colour, linewidth=1.8)
            left.plot(t[now], line[now], "o", color=colour, markersize=9)
        left.set(xlabel="t: from data (0) to noise (1)", ylabel="x", xlim=(-0.02, 1.02))
        left.set_title("the density of x at each t")
        shares, edges = np.histogram(points[now], 40, (x[0], x[-1]), density=True)
        bars = {"orientation": "horizontal", "fill": True}
        right.stairs(shares, edges, color=ENCODER, alpha=0.35, **bars)
        right.plot(density[:, now], x, color="black", linestyle="-")
        high = float(density.max())
        some = slice(len(x) // 12, None, len(x) // 6)
        ends = np.clip(x[some] + 0.5 * scores[some], x[0], x[-1])
        feet = np.full(len(ends), -0.12 * high)
        units = {"angles": "xy", "scale_units": "xy", "scale": 1, "width": 0.016}
        right.quiver(feet, x[some], 0 * ends, ends - x[some], color=DECODER, **units)
        right.set(xlabel="density", xlim=(-0.24 * high, 1.1 * high), ylim=(x[0], x[-1]))
        right.set_title(f"t = {t[now]:.2f}, and the score")
    plt.close(figure)
    return figure


def guesses_at_a_time(
    x: npt.NDArray,
    density: npt.NDArray,
    denoised: npt.NDArray,
    score: npt.NDArray,
    signal: float,
) -> Figure:
    """Three things that x_t says: how probable it is, whence it came, and the score.

    Args:
        x: places x_t, (n,).
        density: of each.
        denoised: the mean of the data given each.
        score: of each; dashed lines stand where it is 0.
        signal: a of x_t = a x + b epsilon: there the mean of x is x_t / a.
    """
    flat = x[:-1][np.diff(np.signbit(score))]
    with plt.rc_context(STYLE):
        figure, axes = plt.subplot_mosaic("AC;BC", figsize=(9, 4.8))
        top, below, right = axes["A"], axes["B"], axes["C"]
        top.fill_between(x, density, color="0.8")
        top.set(ylabel="density")
        top.tick_params(labelbottom=False)
        below.plot(x, score, color=DECODER, linestyle="-")
        below.axhline(0, color="black", linewidth=1, linestyle="-")
        below.set(xlabel="$x_t$", ylabel="score")
        right.plot(x, x / signal, color="0.5", linestyle=":")
        right.plot(x, denoised, color=ENCODER, linestyle="-")
        high = right.get_ylim()[1]
        right.text(0.75 * high * signal, high, "$x_t/a$", ha="right", va="top")
        right.set(xlabel="$x_t$", title="mean of x given $x_t$")
        for panel in (top, below, right):
            for place in flat:
                panel.axvline(place, color="black", linewidth=1.2, linestyle="--")
    plt.close(figure)
    return figure


def loss_over_time(
    t: npt.NDArray, least: npt.NDArray, learnt: npt.NDArray | None = None
) -> Figure:
    """The least loss at each t, dotted, and what a network reaches.

    Args:
        t: times, (n,).
        least: mean squared error of the best predicted noise, (n,).
        learnt: a network's, (n,), or none.
    """
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots()
        axes.fill_between(t, least, color="0.9")
        if learnt is not None:
            axes.plot(t, learnt, color=DECODER, linestyle="-")
            place = int(0.3 * len(t))
            axes.text(t[place] + 0.03, learnt[place] + 0.05, "network", color=DECODER)
        axes.plot(t, least, color="black", linestyle=":", linewidth=3)
        axes.text(0.17, 0.3, "least loss: its area is the best mean")
        axes.set(xlabel="t: from data (0) to noise (1)", ylabel="error of the noise")
        axes.set(xlim=(-0.03, 1), ylim=(-0.06, 1.1))
    plt.close(figure)
    return figure


def training_above_least(
    steps: npt.NDArray, losses: npt.NDArray, least: float
) -> Figure:
    """A training's loss, and the dotted line that it cannot pass but by luck.

    Args:
        steps: at which the means were taken, (n,).
        losses: mean losses, (n,).
        least: the best possible loss.
    """
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots()
        axes.semilogx(steps, losses, color=DECODER, linestyle="-")
        axes.axhline(least, color="black", linestyle=":", linewidth=3)
        axes.text(steps[-1], least - 0.05, f"least: {least:.5f}", ha="right", va="top")
        axes.axhline(0, color="black", linewidth=1, linestyle="-")
        axes.set(xlabel="steps of the training", ylabel="error of the noise")
        axes.set_ylim(-0.05, max(1.0, 1.05 * losses.max()))
    plt.close(figure)
    return figure


def gaps_of_chains(steps: npt.NDArray, gaps: Mapping[str, npt.NDArray]) -> Figure:
    """How far the bound of a chain lies below the truth, on logarithmic axes.

    Args:
        steps: of the chains, (n,).
        gaps: in nats, (n,), by name.
    """
    return _falling(steps, gaps, "steps of the chain", "gap (nats)")


def distances_by_steps(
    steps: npt.NDArray, distances: Mapping[str, npt.NDArray], floor: float
) -> Figure:
    """How far samples are from the data, on logarithmic axes.

    Args:
        steps: of the sampler, (n,).
        distances: W1 to true samples, (n,), by name.
        floor: that of two true samples, dotted.
    """
    figure = _falling(steps, distances, "steps of the sampler", "W1 (units of x)")
    axes = figure.axes[0]
    axes.axhline(floor, color="black", linestyle=":", linewidth=3)
    axes.text(steps[0], 1.08 * floor, "two true samples", fontsize=14)
    return figure


def _falling(
    steps: npt.NDArray, lines: Mapping[str, npt.NDArray], x_label: str, y_label: str
) -> Figure:
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots()
        ends = _apart([float(values[-1]) for values in lines.values()])
        for (name, values), end, colour, marker in zip(
            lines.items(), ends, COLOURS, MARKERS, strict=False
        ):
            axes.loglog(steps, values, marker + "-", color=colour, markersize=8)
            axes.text(steps[-1] * 1.15, end, name, color=colour, va="center")
        axes.set(xlabel=x_label, ylabel=y_label)
        axes.set_xlim(steps[0] / 1.2, steps[-1] * (steps[-1] / steps[0]) ** 0.4)
        axes.set_xticks(steps, [f"{each}" for each in steps])
        axes.minorticks_off()
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_major_formatter("{x:g}")
    plt.close(figure)
    return figure


def _apart(ends: Sequence[float], factor: float = 1.25) -> list[float]:
    """Places for labels near the ends of lines, none nearer to another than a factor.

    The lowest keeps its place.
    """
    places = list(ends)
    order = sorted(range(len(ends)), key=ends.__getitem__)
    for below, above in pairwise(order):
        places[above] = max(places[above], factor * places[below])
    return places


def log_densities(x: npt.NDArray, lines: Mapping[str, npt.NDArray]) -> Figure:
    """Log-densities on the line, the first one dotted.

    Args:
        x: places, (n,).
        lines: nats, (n,), by name.
    """
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots()
        for i, (name, values) in enumerate(lines.items()):
            truth = i == 0
            look = (":", 4) if truth else ("-", 2.2)
            colour = "black" if truth else COLOURS[i - 1]
            axes.plot(x, values, look[0], lw=look[1], color=colour, label=name)
        axes.set(xlabel="x", ylabel="log-density (nats)")
        axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)
    plt.close(figure)
    return figure


def _chain(paper: Axes, level: float, names: Sequence[str]) -> None:
    """A row of parts, the first one data, with the arrows of both ways."""
    first = box(paper, Part(0.93, level, 0.95, 0.95), names[0])
    rest = [
        draw(paper, (0.93 + 1.83 * i, level), name, 0.48)
        for i, name in enumerate(names[1:], 1)
    ]
    parts = [first, *rest]
    for near, far in zip(parts, rest, strict=False):
        start, end = near.right[0] + 0.06, far.left[0] - 0.06
        compute(paper, (start, level + 0.2), (end, level + 0.2), ENCODER)
        compute(paper, (end, level - 0.2), (start, level - 0.2), DECODER)
    middle = (first.right[0] + rest[0].left[0]) / 2
    write(paper, (middle, level + 0.5), "$q$", FORMULA, color=ENCODER)
    write(paper, (middle, level - 0.5), "$p$", FORMULA, color=DECODER)
