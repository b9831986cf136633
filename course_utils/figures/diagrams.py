"""Models as diagrams, drawn with the pieces of `figures/pieces.py`."""

from collections.abc import Sequence
from itertools import pairwise

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Polygon, Rectangle
from matplotlib.ticker import MaxNLocator

from course_utils.figures.latent_planes import around, clouds, points
from course_utils.figures.pieces import (
    BACKWARDS,
    FORMULA,
    LINE,
    LOOK,
    WIDTH,
    Part,
    box,
    compute,
    draw,
    gradient,
    heading,
    line,
    measure,
    network,
    sheet,
    write,
)
from course_utils.figures.style import COLOURS, number

GAP = COLOURS[1]
EPSILON, MU, SIGMA, PHI, THETA = (
    rf"$\{name}$" for name in ("epsilon", "mu", "sigma", "phi", "theta")
)
NOISE, SHIFTED = r"$\epsilon \sim \mathcal{N}(0, I)$", r"$z = \mu + \sigma\,\epsilon$"
LIKELIHOOD = r"$p(x\,|\,z)$"
PSI = r"$\psi$"
# The two players of a GAN, as in all pictures of their game.
DISCRIMINATOR, GENERATOR = COLOURS[0], COLOURS[1]
TURNS = ("both", "discriminator", "generator", "tapes")


def vae_diagram(
    x_label: str = "",
    latent_label: str = "",
    output_label: str = "",
    x_image: npt.NDArray | None = None,
    output_image: npt.NDArray | None = None,
) -> Figure:
    """A variational autoencoder, with its two loss terms where they are measured.

    Args:
        x_label: below x, for example "784 pixels".
        latent_label: below mu and sigma, for example "2 numbers each".
        output_label: below the output, for example "784 means".
        x_image: a picture of x, (height, width) in [0, 1], or none.
        output_image: one of the output, likewise.
    """
    level, apart = 2.1, 0.42
    with mpl.rc_context(LOOK):
        figure, paper = sheet(4.5)
        kl, fit = r"$\mathrm{KL}(q(z\,|\,x)\,\Vert\,p(z))$", r"$\log p(x\,|\,z)$"
        ground = Part(3.5, level, 0.92, 1.74)
        measure(paper, ground, kl, "small: near the prior", 3.86)
        measure(paper, Part(8.08, level, 1.23, 1.23), fit, "large: fits x", 3.86)

        x = box(paper, Part(0.78, level, 0.95, 0.95), "$x$", x_label, x_image)
        encoder = network(paper, (2.17, level), (2.0, 1.2), "encoder", PHI)
        mu = box(paper, Part(3.5, level + apart, 0.64, 0.64), MU)
        sigma = box(paper, Part(3.5, level - apart, 0.64, 0.64), SIGMA)
        z = box(paper, Part(5.0, level, 1.55, 0.7), SHIFTED)
        noise = draw(paper, (5.0, 0.6), EPSILON)
        decoder = network(paper, (6.68, level), (1.2, 2.0), "decoder", THETA)
        output = Part(8.08, level, 0.95, 0.95)
        box(paper, output, LIKELIHOOD, output_label, output_image)

        for start, end in (
            (x.right, encoder.left),
            ((encoder.right[0], mu.y), mu.left),
            ((encoder.right[0], sigma.y), sigma.left),
            (mu.right, (z.left[0], level + 0.4 * apart)),
            (sigma.right, (z.left[0], level - 0.4 * apart)),
            (noise.top, z.bottom),
            (z.right, decoder.left),
            (decoder.right, output.left),
        ):
            compute(paper, start, end)
        write(paper, (5.47, 0.6), NOISE, FORMULA, ha="left")
        write(paper, (3.5, 0.98), latent_label)
    return figure


def stochastic_node_diagram() -> Figure:
    """Two graphs: left z is drawn inside, right the noise comes in from outside.

    The gradient goes back from f, dashed and in colour. The draw of z stops it; through
    z = mu + sigma * epsilon it reaches the parameters phi.
    """
    left, right, level = 2.2, 6.9, 1.8
    with mpl.rc_context(LOOK):
        figure, paper = sheet(5.0)
        line(paper, (4.25, 0.3), (4.25, 4.75), "0.75", LINE)

        heading(paper, (left, 4.62), "z is drawn inside", ha="center")
        z = draw(paper, (left, level), "$z$")
        *_, f = _column(paper, z)
        wall = z.left[0] - 0.1
        gradient(paper, f.left, (wall, level))
        line(paper, (wall, level - 0.25), (wall, level + 0.25), BACKWARDS, 5)
        write(paper, (wall - 0.1, 2.2), "stops here", ha="right", color=BACKWARDS)
        q = r"$z \sim \mathcal{N}(\mu, \sigma^2)$"
        write(paper, (2.66, level), q, FORMULA, ha="left")

        heading(paper, (right, 4.62), "ε is drawn outside", ha="center")
        z = box(paper, Part(right, level, 1.65, 0.62), SHIFTED)
        noise = draw(paper, (8.45, level), EPSILON)
        compute(paper, noise.left, z.right)
        write(paper, (8.2, 1.2), NOISE, FORMULA)
        above, between, f = _column(paper, z)
        for start, end in pairwise([f, z, between, above]):
            gradient(paper, start.left, end.left)
        slopes = (
            r"$\partial z / \partial\mu = 1$",
            r"$\partial z / \partial\sigma = \epsilon$",
        )
        for y, slope in zip((2.52, 2.18), slopes, strict=True):
            write(paper, (5.62, y), slope, 17, ha="right", color=BACKWARDS)
        write(paper, (5.62, 3.45), "reaches φ", ha="right", color=BACKWARDS)
    return figure


def gan_diagram(
    turn: str = "both",
    data: str = "data",
    real: str = "real",
    fake: str = "fake",
    real_image: npt.NDArray | None = None,
    fake_image: npt.NDArray | None = None,
) -> Figure:
    """A GAN: generator and discriminator, with the ways of both players' gradients.

    The discriminator's gradient, in blue above, ends in its own weights: it is cut off
    from the generator. The generator's, in orange below, passes through the
    discriminator and ends in the generator.

    Args:
        turn: whose gradient is drawn: "discriminator", "generator" or "both"; or
            "tapes", for both at once, with the names of TensorFlow's tapes.
        data: where real samples come from, one word.
        real: above a real sample.
        fake: above a fake one.
        real_image: a picture of a real sample, (height, width) in [0, 1], or none.
        fake_image: one of a fake, likewise.

    Raises:
        ValueError: another turn.
    """
    if turn not in TURNS:
        raise ValueError(f"turn is {turn!r}; it must be one of {', '.join(TURNS)}.")
    above, below, level = 3.15, 1.45, 2.3
    with mpl.rc_context(LOOK):
        figure, paper = sheet(4.5)
        source = box(paper, Part(2.1, above, 1.15, 0.64), "")
        write(paper, (source.x, source.y), data)
        z = draw(paper, (0.6, below), "$z$")
        generator = network(paper, (2.1, below), (0.8, 1.3), "generator", THETA)
        shown = Part(3.95, above, 0.9, 0.9), Part(3.95, below, 0.9, 0.9)
        _sample(paper, shown[0], "$x$", real, real_image)
        _sample(paper, shown[1], "$G(z)$", fake, fake_image)
        judge = network(paper, (5.85, level), (2.2, 1.3), "discriminator", PSI, 1.6)
        logit = box(paper, Part(7.85, level, 0.7, 0.7), r"$\ell$")
        write(paper, (8.27, level), "logit", ha="left")
        for start, end in (
            (source.right, shown[0].left),
            (z.right, generator.left),
            (generator.right, shown[1].left),
            (shown[0].right, (judge.left[0], level + 0.6)),
            (shown[1].right, (judge.left[0], level - 0.6)),
            (judge.right, logit.left),
        ):
            compute(paper, start, end)
        write(paper, (0.14, below - 0.65), r"$z \sim \mathcal{N}(0, I)$", 17, ha="left")
        whose = ("d_tape", "g_tape") if turn == "tapes" else ("D's turn", "G's turn")
        if turn != "generator":
            is_cut = turn == "discriminator"
            _turn_of_discriminator(paper, judge, logit, shown[1], whose[0], is_cut)
        if turn != "discriminator":
            _turn_of_generator(paper, generator, shown[1], judge, logit, whose[1])
    return figure


def bound_bars(
    log_evidence: float, elbos: Sequence[float], names: Sequence[str]
) -> Figure:
    """How far the ELBO of each q reaches, and the gap that is left up to log p(x).

    Logarithms of probabilities have no natural zero, so the bars are torn off on the
    left. The numbers are printed so that they add up: a gap may be rounded otherwise.

    Args:
        log_evidence: log p(x), in nats.
        elbos: of each q, in nats.
        names: of each q; up to four, for letters that can be read in a hall.

    Raises:
        ValueError: there is not one ELBO a name, a number is not finite, or an ELBO is
            above log p(x) by more than rounding.
    """
    log_evidence, elbos = float(log_evidence), [float(elbo) for elbo in elbos]
    _check_bounds(log_evidence, elbos, names)
    pitch, foot, left, right = 0.95, 1.15, 0.4, 6.2
    rows = len(elbos) * pitch
    height = foot + rows + 1.1
    # room for the number of the lowest ELBO; and no gap is blown up beyond a bar
    start = min(elbos) - max(0.6 * (log_evidence - min(elbos)), 0.5)
    with mpl.rc_context(LOOK):
        figure, paper = sheet(height)
        place = left / WIDTH, foot / height, (right - left) / WIDTH, rows / height
        axes = figure.add_axes(place, xlim=(start, log_evidence), ylim=(0, rows))
        axes.set(xlabel="nats", yticks=[])
        axes.xaxis.set_major_locator(MaxNLocator(5))
        axes.spines["left"].set_visible(False)
        for row, (elbo, name) in enumerate(zip(elbos, names, strict=True)):
            y = rows - (row + 0.68) * pitch
            write(axes, (start, y + 0.37), name, ha="left")
            bar_of_bound(axes, y, min(elbo, log_evidence))
        axes.axvline(log_evidence, color="black", linewidth=4, clip_on=False)
        total = f"log p(x) = {number(log_evidence)} nats"
        write(axes, (log_evidence, rows + 0.2), total)
        top, bottom = (left, height - 0.35), (left, 0.3)
        heading(paper, top, "ELBO + gap = log p(x), for every q")
        moral = "Raise the ELBO, and the gap must shrink: log p(x) does not move."
        write(paper, bottom, moral, ha="left")
    return figure


def autoencoder_beside_vae() -> Figure:
    """An autoencoder above a VAE, each with a sketch of its latent plane.

    An autoencoder makes each x a point, and leaves holes between the points. A VAE
    makes it a cloud and draws z from there; its clouds overlap under the prior.
    """
    with mpl.rc_context(LOOK):
        figure, paper = sheet(5.2)
        heading(paper, (0.33, 4.92), "Autoencoder: x becomes a point")
        around(paper, 3.85, points, r"$\hat{x}$")
        write(paper, (4.5, 2.83), "latent plane (sketch): holes between points")
        heading(paper, (0.33, 2.32), "VAE: x becomes a cloud, and z is drawn from it")
        around(paper, 1.25, clouds, LIKELIHOOD)
        write(paper, (4.5, 0.23), "latent plane (sketch): overlapping clouds")
    return figure


def _sample(
    paper: Axes, part: Part, name: str, label: str, image: npt.NDArray | None
) -> None:
    """What the discriminator is shown, with words above it."""
    box(paper, part, name if image is None else "", image=image)
    write(paper, (part.x, part.top[1] + 0.22), label)


def _turn_of_discriminator(
    paper: Axes, judge: Part, logit: Part, fake: Part, whose: str, is_cut: bool
) -> None:
    """The gradient's way from the logits into the discriminator, and where it ends."""
    top = judge.x, judge.y + 0.9
    gradient(paper, logit.top, top, DISCRIMINATOR, bend=0.45)
    write(paper, (6.9, 3.95), rf"{whose}: $\psi$ moves", color=DISCRIMINATOR)
    if is_cut:
        wall = fake.right[0] + 0.12
        start = judge.x - 0.3, judge.y - 0.95
        gradient(paper, start, (wall + 0.04, fake.y - 0.1), DISCRIMINATOR)
        line(paper, (wall, fake.y - 0.3), (wall, fake.y + 0.3), DISCRIMINATOR, 5)
        write(paper, (wall, 0.6), "detach: stops here", color=DISCRIMINATOR)


def _turn_of_generator(
    paper: Axes, generator: Part, fake: Part, judge: Part, logit: Part, whose: str
) -> None:
    """The gradient's way from a fake's logit, through all, into the generator."""
    feet = [
        logit.bottom,
        (judge.x, judge.y - 0.9),
        fake.bottom,
        (generator.x, generator.y - 0.55),
    ]
    for start, end in pairwise(feet):
        gradient(paper, start, end, GENERATOR)
    write(paper, (6.5, 0.45), rf"{whose}: $\theta$ moves, through D", color=GENERATOR)


def _column(paper: Axes, z: Part) -> tuple[Part, Part, Part]:
    """What stands above and below z, with the arrows down: phi, q and f."""
    phi, q, f = (
        box(paper, Part(z.x, y, 1.65, 0.62), name)
        for y, name in (
            (3.95, PHI),
            (2.88, r"$q:\,\mu,\,\sigma$"),
            (0.6, "$f(z)$"),
        )
    )
    for above, below in pairwise([phi, q, z, f]):
        compute(paper, above.bottom, below.top)
    return phi, q, f


def bar_of_bound(axes: Axes, y: float, elbo: float) -> None:
    """A grey bar up to the ELBO, torn off at its start; a hatched one to the end.

    Args:
        axes: from somewhere below the ELBO to log p(x), in nats.
        y: height of the bar's middle.
        elbo: in nats.
    """
    (start, end), half = axes.get_xlim(), 0.21
    tooth, space = (share * (end - start) for share in (0.012, 0.02))
    torn = zip(
        start + tooth * (np.arange(7) % 2), y + np.linspace(-half, half, 7), strict=True
    )
    corners = [*torn, (elbo, y + half), (elbo, y - half)]
    axes.add_patch(Polygon(corners, facecolor="0.85", edgecolor="black", lw=LINE))
    gap = Rectangle((elbo, y - half), end - elbo, 2 * half, hatch="//", lw=LINE)
    gap.set(facecolor="white", edgecolor=GAP)
    axes.add_patch(gap)
    shown = round(elbo, 2)
    write(axes, (elbo - space, y), f"ELBO = {number(shown)}", ha="right")
    rest = number(round(end, 2) - shown)
    write(axes, (end + space, y), f"gap = {rest} nats", ha="left")


def _check_bounds(
    log_evidence: float, elbos: Sequence[float], names: Sequence[str]
) -> None:
    """Refuse what `bound_bars` cannot draw."""
    if len(elbos) != len(names) or len(names) == 0:
        raise ValueError(f"Give one ELBO a name: {len(elbos)} for {len(names)} names.")
    if not np.isfinite([log_evidence, *elbos]).all():
        raise ValueError("log p(x) and the ELBOs must be finite to be drawn.")
    rounding = 1e-6 * max(1.0, abs(log_evidence))
    for name, elbo in zip(names, elbos, strict=True):
        if elbo > log_evidence + rounding:
            raise ValueError(
                f"The ELBO of {name}, {elbo:.6g} nats, is above log p(x), "
                f"{log_evidence:.6g} nats. Compute both for the same x and model."
            )
