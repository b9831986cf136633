"""Pictures of evidence, bound and gap: arrays in, a matplotlib Figure out.

Figures are closed before they are returned.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MultipleLocator

from course_utils.figures.style import COLOURS, LARGE, number

ELBO, LOG_P, Q = COLOURS[0], COLOURS[6], COLOURS[1]


def spectrum(
    x: npt.NDArray,
    bells: npt.NDArray,
    names: Sequence[str],
    recorded: float,
) -> Figure:
    """What each cause alone would send, and one recorded value.

    Args:
        x: energies in MeV, rising, (n,).
        bells: p(x given z) in 1/MeV, (n, k).
        names: of the k causes.
        recorded: energy of the particle in question, in MeV.

    Raises:
        ValueError: there is not one name and one energy for each bell.
    """
    if bells.shape != (len(x), len(names)):
        raise ValueError(
            f"Pass bells as (energies, names), here {(len(x), len(names))}, not "
            f"{bells.shape}."
        )
    with plt.rc_context(LARGE):
        figure, axes = _one(4.2)
        for name, bell, colour in zip(names, bells.T, COLOURS, strict=False):
            axes.fill_between(x, bell, color=colour, alpha=0.25)
            axes.plot(x, bell, color=colour, linestyle="-")
            top = bell.argmax()
            _words(axes, x[top], 0.35 * bell[top], name, colour, size=15)
        axes.axvline(recorded, color="black", linestyle="--")
        high = 1.3 * bells.max()
        label, beside = f"recorded:\n{recorded:.2f} MeV", recorded - 0.01 * np.ptp(x)
        _words(axes, beside, 0.88 * high, label, "black", ha="right", size=15)
        axes.set(xlim=(x.min(), x.max()), ylim=(0, high))
        axes.set(xlabel="energy x (MeV)", ylabel="density (1/MeV)")
    plt.close(figure)
    return figure


def log_weights(
    panels: Mapping[str, tuple[npt.NDArray, npt.NDArray]],
    names: Sequence[str],
    log_evidence: float,
) -> Figure:
    """Weights log w(z) = log p(x, z) - log q(z) for each z, a panel for each q.

    The dashed line is their mean under q, the ELBO; the solid one is log p(x).

    Args:
        panels: q (k,) and log w (k,) in nats, by title.
        names: of the k values of z.
        log_evidence: log p(x), in nats.

    Raises:
        ValueError: a q does not add up to 1.
    """
    for title, (q, _) in panels.items():
        if not np.isclose(q.sum(), 1):
            raise ValueError(f"The q of {title!r} adds up to {q.sum():.4g}, not to 1.")
    low = min(log_w.min() for _, log_w in panels.values())
    with plt.rc_context(LARGE):
        figure, grid = plt.subplots(
            1, len(panels), figsize=(9, 4.2), sharey=True, squeeze=False
        )
        figure.subplots_adjust(0.09, 0.17, 0.99, 0.9, wspace=0.06)
        for axes, (title, (q, log_w)) in zip(grid[0], panels.items(), strict=True):
            place, elbo = np.arange(len(q)), float(q @ log_w)
            axes.axhline(log_evidence, color=LOG_P, linestyle="-", linewidth=1.5)
            axes.axhline(elbo, color=ELBO, linestyle="--")
            axes.vlines(place, log_evidence, log_w, color="0.6", linestyle="-")
            axes.plot(place, log_w, "o", color=Q, markersize=13, mec="black")
            axes.set_xticks(
                place, [f"{n}\nq = {p:.2g}" for n, p in zip(names, q, strict=True)]
            )
            axes.set_title(title)
            axes.set(xlim=(-0.6, len(q) - 0.4), ylim=(1.2 * low, 0.25 * -low))
            under: dict[str, Any] = {"color": ELBO, "ha": "left", "va": "top"}
            _words(
                axes,
                -0.5,
                elbo + 0.07 * low,
                f"mean under q: {number(elbo, 4)}",
                **under,
            )
        over: dict[str, Any] = {"ha": "left", "va": "bottom"}
        for axes in grid[0]:
            label = "log p(x)"
            if axes is grid[0][0]:
                label += f" = {number(log_evidence, 4)}"
            _words(axes, -0.5, log_evidence - 0.07 * low, label, LOG_P, **over)
        grid[0][0].set_ylabel("log w(z) (nats)")
    plt.close(figure)
    return figure


def prior_draws(
    z: npt.NDArray, mean: npt.NDArray, cov: npt.NDArray, reach: float = 2.0
) -> Figure:
    """Draws from the prior, with those in black that lie where the posterior is.

    Args:
        z: draws (n, 2).
        mean: of the posterior, (2,).
        cov: its covariance, (2, 2).
        reach: of the ellipse from the mean, in standard deviations.
    """
    inside = _distance(z, mean, cov) < reach
    with plt.rc_context(LARGE):
        figure, axes = _one(4.4, left=0.1)
        for chosen, colour, size in ((~inside, "0.6", 4), (inside, "black", 7)):
            axes.plot(*z[chosen].T, "o", color=colour, markersize=size)
        axes.plot(*_outline(mean, cov, reach), color=Q, linestyle="-", linewidth=3)
        axes.set(xlim=(-6.4, 6.4), ylim=(-3.2, 3.2), aspect="equal")
        axes.set(xlabel="$z_1$ (no units)", ylabel="$z_2$ (no units)")
        words: dict[str, Any] = {"ha": "left", "size": 15}
        _words(axes, 2.6, 2.6, "the posterior", Q, **words)
        _words(axes, 2.6, 2.0, f"{inside.sum():,} draws hit it", "black", **words)
        _words(axes, -6.1, 2.4, f"{len(z):,} draws\nfrom the prior", "0.35", **words)
    plt.close(figure)
    return figure


def prior_estimates(
    dimensions: Sequence[int], errors: npt.NDArray, covered: npt.NDArray
) -> Figure:
    """Estimates of log p(x) from the prior, and how often their error bars are right.

    Args:
        dimensions: of z, (m,).
        errors: estimate - log p(x) in nats, (m, runs).
        covered: share of the runs whose interval of two standard errors, each run's
            own, holds p(x), (m,).
    """
    with plt.rc_context(LARGE):
        figure, (left, right) = plt.subplots(1, 2, figsize=(9, 4.2))
        figure.subplots_adjust(0.09, 0.16, 0.99, 0.88, wspace=0.22)
        for k, error in zip(dimensions, errors, strict=True):
            jitter = np.linspace(-0.3, 0.3, len(error))
            left.plot(k + jitter, error, "o", color=COLOURS[0], markersize=4, alpha=0.5)
        left.axhline(0, color="black", linestyle="-", linewidth=1.5)
        left.set(title="estimate − exact log p(x)", ylabel="nats")
        right.plot(dimensions, covered, "o-", color=COLOURS[1], markersize=10)
        right.axhline(0.954, color="black", linestyle="--")
        _words(right, max(dimensions), 1.02, "honest: 95 %", "black", ha="right")
        right.set(title="error bars that hold p(x)", ylabel="share of the runs")
        right.set(ylim=(0, 1.1))
        for axes in (left, right):
            axes.set(xlabel="hidden amplitudes k", xlim=(0, max(dimensions) + 1))
    plt.close(figure)
    return figure


def over_phi_and_theta(
    way: tuple[npt.NDArray, npt.NDArray, float],
    sweep: tuple[npt.NDArray, npt.NDArray, npt.NDArray],
    labels: tuple[str, str],
) -> Figure:
    """What the ELBO does when q moves, and when the model moves; grey is the gap.

    Each panel has its own scale: the maxima on the right may be flat.

    Args:
        way: places of q and ELBOs, each (n,), and log p(x), in nats.
        sweep: values of the model's parameter, ELBOs and log p(x), each (m,).
        labels: of both horizontal axes.
    """
    (t, over_phi, fixed), (theta, over_theta, evidence) = way, sweep
    with plt.rc_context(LARGE):
        figure, (left, right) = plt.subplots(1, 2, figsize=(9, 4.2))
        figure.subplots_adjust(0.1, 0.16, 0.975, 0.9, wspace=0.2)
        pairs = ((t, over_phi, np.full(len(t), fixed)), (theta, over_theta, evidence))
        for axes, (place, elbo, top) in zip((left, right), pairs, strict=True):
            axes.fill_between(place, elbo, top, color="0.85")
            axes.plot(place, top, color=LOG_P, linestyle="--")
            axes.plot(place, elbo, color=ELBO, linestyle="-")
            axes.set(xlim=(place.min(), place.max()))
        low, high = over_theta.min(), evidence.max()
        room = high - low
        right.set(ylim=(low - 0.05 * room, high + 0.2 * room))
        for curve, colour, name, lift in (
            (evidence, LOG_P, "best log p(x)", 0.08),
            (over_theta, ELBO, "best ELBO", -0.4),
        ):
            peak = curve.argmax()
            at = theta[peak], curve[peak]
            right.plot(*at, "o", color=colour, markersize=11)
            _words(right, at[0], at[1] + lift * room, name, colour, ha="left")
        low, high = over_phi.min(), fixed
        room = high - low
        left.set(ylim=(low - 0.05 * room, high + 0.2 * room), ylabel="nats")
        _words(left, t.mean(), fixed + 0.07 * room, "log p(x)", LOG_P, size=15)
        middle = len(t) // 3
        _words(left, t[middle], over_phi[middle] - 0.12 * room, "ELBO", ELBO, ha="left")
        _words(left, t[len(t) // 8], fixed - 0.1 * room, "gap", "0.35", ha="left")
        left.set(title="over φ: q moves", xlabel=labels[0])
        right.set(title="over θ: the model moves", xlabel=labels[1])
    plt.close(figure)
    return figure


def answers_of_encoder(
    x: npt.NDArray,
    posterior: npt.NDArray,
    places: npt.NDArray,
    answers: npt.NDArray,
    names: Sequence[str],
) -> Figure:
    """Posterior probabilities as lines, and an encoder's answers as dots on them.

    Args:
        x: energies in MeV, rising, (n,).
        posterior: p(z given x), (n, k).
        places: energies that the encoder was asked for, (m,).
        answers: q(z given x) there, (m, k).
        names: of the k values of z.
    """
    with plt.rc_context(LARGE):
        figure, axes = _one(3.9)
        columns = zip(names, posterior.T, answers.T, COLOURS, strict=False)
        for name, exact, answer, colour in columns:
            axes.plot(x, exact, color=colour, linestyle="-")
            axes.plot(places, answer, "o", color=colour, markersize=9, mec="black")
            middle = int(np.median(np.flatnonzero(exact > 0.99 * exact.max())))
            _words(axes, x[middle], exact.max() + 0.09, name, colour, size=15)
        axes.set(xlim=(x.min(), x.max()), ylim=(-0.05, 1.22))
        axes.set(xlabel="energy x (MeV)", ylabel="probability")
    plt.close(figure)
    return figure


def climb(elbo: npt.NDArray, evidence: npt.NDArray, ceiling: float) -> Figure:
    """The mean ELBO and the mean log p(x) in a training, under a known ceiling.

    Args:
        elbo: after each step, in nats, (n,).
        evidence: mean log p(x) of the same model, (n,).
        ceiling: what no model of this kind can exceed, in nats.
    """
    steps = 1 + np.arange(len(elbo))
    with plt.rc_context(LARGE):
        figure, axes = _one(4.0, left=0.1)
        axes.axhline(ceiling, color="black", linestyle="--")
        axes.fill_between(steps, elbo, evidence, color="0.85")
        axes.plot(steps, evidence, color=LOG_P, linestyle="-", linewidth=1.5)
        axes.plot(steps, elbo, color=ELBO, linestyle="-")
        low = elbo.min()
        room = ceiling - low
        axes.set(xscale="log", xlim=(1, len(elbo)))
        axes.set(ylim=(low - 0.03 * room, ceiling + 0.2 * room))
        axes.set(xlabel="steps", ylabel="nats per measurement")
        axes.set_xticks([10**i for i in range(len(str(len(elbo))))])
        axes.set_xticklabels([f"{10**i:,}" for i in range(len(str(len(elbo))))])
        label = f"ceiling: {number(ceiling, 4)}"
        _words(axes, 1.1, ceiling + 0.09 * room, label, "black", ha="left")
        _words(axes, 1.1, evidence[0] + 0.08 * room, "log p(x)", LOG_P, ha="left")
        third = np.abs(elbo - (low + 0.35 * room)).argmin()
        _words(axes, 1.15 * steps[third], elbo[third], "ELBO", ELBO, ha="left", size=15)
        _words(axes, 1.4, (elbo[0] + evidence[0]) / 2, "gap", "0.35", ha="left")
    plt.close(figure)
    return figure


def posteriors(
    panels: Mapping[str, tuple[npt.NDArray, npt.NDArray, npt.NDArray]],
) -> Figure:
    """Posteriors of two amplitudes, black, and what q makes of them, a panel each.

    The ellipses reach one standard deviation from the mean.

    Args:
        panels: mean (2,) and covariance (2, 2) of the posterior, and the covariance of
            a q with the same mean, by title.
    """
    with plt.rc_context(LARGE):
        figure, grid = plt.subplots(1, len(panels), figsize=(9, 4.2), squeeze=False)
        figure.subplots_adjust(0.09, 0.16, 0.99, 0.9, wspace=0.25)
        for axes, (title, (mean, cov, q_cov)) in zip(
            grid[0], panels.items(), strict=True
        ):
            axes.plot(*_outline(mean, cov, 1), color="black", linestyle="-")
            axes.plot(*_outline(mean, q_cov, 1), color=Q, linestyle="--", linewidth=4)
            axes.set(xlim=mean[0] + np.array([-1, 1]), ylim=mean[1] + [-0.8, 0.8])
            axes.set(xlabel="$z_1$ (no units)", title=title, aspect="equal")
            for axis in (axes.xaxis, axes.yaxis):
                axis.set_major_locator(MultipleLocator(0.5))
            _words(axes, mean[0] - 0.95, mean[1] - 0.7, "posterior", "black", ha="left")
            _words(axes, mean[0] + 0.95, mean[1] - 0.7, "q, dashed", Q, ha="right")
        grid[0][0].set_ylabel("$z_2$ (no units)")
    plt.close(figure)
    return figure


def _one(height: float, left: float = 0.09) -> tuple[Figure, Axes]:
    figure, axes = plt.subplots(figsize=(9, height))
    figure.subplots_adjust(left, 0.17, 0.98, 0.97)
    return figure, axes


def _words(
    axes: Axes,
    x: float,
    y: float,
    text: str,
    color: str,
    ha: str = "center",
    va: str = "center",
    size: int = 14,
) -> None:
    axes.text(x, y, text, color=color, ha=ha, va=va, fontsize=size)


def _outline(mean: npt.NDArray, cov: npt.NDArray, reach: float) -> npt.NDArray:
    """Points of the ellipse of so many standard deviations, (2, 200)."""
    angle = np.linspace(0, 2 * np.pi, 200)
    circle = np.stack([np.cos(angle), np.sin(angle)])
    return np.asarray(mean)[:, None] + reach * np.linalg.cholesky(cov) @ circle


def _distance(z: npt.NDArray, mean: npt.NDArray, cov: npt.NDArray) -> npt.NDArray:
    """From the mean, in standard deviations, (n,)."""
    return np.linalg.norm(
        np.linalg.solve(np.linalg.cholesky(cov), (z - mean).T), axis=0
    )
