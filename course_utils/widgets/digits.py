"""Sliders over generated digits; see `widgets` for how they behave and are tested."""

from collections.abc import Callable, Mapping

import ipywidgets
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from course_utils.data.latent import great_circle
from course_utils.figures import digit_rows
from course_utils.widgets.frame import Explorer, explore, slider


def digit_walk(
    decode: Callable[[NDArray], NDArray],
    classify: Callable[[NDArray], NDArray],
    anchors: Mapping[int, NDArray],
    radii: NDArray,
    frechet: NDArray,
    first: tuple[int, int, float] = (3, 8, 0.5),
) -> Explorer | Figure:
    """Walk between two digits, stretch the latent point, and see what is read in it.

    The way is a great circle between the latent points of two classes; the scale
    multiplies the point. The picture shows the digit, the probabilities of its classes
    as bars, and the length of the latent point as a mark on the curve of the Fréchet
    distance, which was measured before and is only looked up.

    Args:
        decode: latent points (n, d) to images (n, height, width, channels) in [0, 1].
        classify: images to probabilities of ten classes, (n, 10).
        anchors: a latent point (d,) for each class that can be chosen.
        radii: lengths of latent points at which samples were scored, rising, (k,).
        frechet: their Fréchet distance to real digits, (k,).
        first: the two classes and the place between them that are shown at first.

    Raises:
        ValueError: radii and frechet differ in length, or `first` has no anchors.
    """
    if np.shape(radii) != np.shape(frechet):
        raise ValueError(
            "Pass one frechet for each of the radii, not shapes "
            f"{np.shape(frechet)} and {np.shape(radii)}."
        )
    start, end, place = first
    if missing := {start, end} - set(anchors):
        raise ValueError(f"There is no anchor for the class {min(missing)}.")

    def draw(start: int, end: int, place: float, scale: float) -> Figure:
        z = scale * great_circle(anchors[start], anchors[end], [place])
        image = decode(z)
        read = classify(image)[0]
        radius = float(np.linalg.norm(z))
        title = f"|z| = {radius:.1f}, read as {read.argmax()} ({read.max():.0%})"
        return digit_rows.digit_frame(image[0], read, radii, frechet, radius, title)

    def choice(label: str, value: int) -> ipywidgets.Dropdown:
        return ipywidgets.Dropdown(
            options=sorted(anchors),
            value=value,
            description=label,
            style={"description_width": "14em"},
            layout={"width": "40em"},
        )

    return explore(
        draw,
        start=choice("from the digit", start),
        end=choice("to the digit", end),
        place=slider("way t", place, 0.0, 1.0, 0.02),
        scale=slider("scale of the noise", 1.0, 0.2, 6.0, 0.1),
    )
