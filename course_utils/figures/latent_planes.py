"""The latent planes of an autoencoder and of a VAE, as sketches for a diagram."""

from collections.abc import Callable

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Circle

from course_utils.figures.pieces import (
    LINE,
    MEASURED,
    Part,
    Place,
    box,
    compute,
    draw,
    heading,
    network,
    rounded,
    write,
)


def around(
    paper: Axes,
    y: float,
    fill: Callable[[Axes, Part], tuple[Place, Place]],
    output: str,
) -> None:
    """A latent plane at a height, with what leads into it and out of it.

    Args:
        paper: axes in inches.
        y: the height.
        fill: draws into the plane; returns where the way in ends, and the way out
            starts.
        output: the formula of what comes out.
    """
    plane = Part(4.5, y, 2.5, 1.6)
    rounded(paper, plane)
    inwards, outwards = fill(paper, plane)
    x = box(paper, Part(0.8, y, 0.95, 0.95), "$x$")
    encoder = network(paper, (2.2, y), (1.5, 0.95), "encoder", r"$\phi$")
    decoder = network(paper, (6.8, y), (0.95, 1.5), "decoder", r"$\theta$")
    end = box(paper, Part(8.2, y, 0.95, 0.95), output)
    for start, stop in (
        (x.right, encoder.left),
        (encoder.right, inwards),
        (outwards, decoder.left),
        (decoder.right, end.left),
    ):
        compute(paper, start, stop)


def points(paper: Axes, plane: Part) -> tuple[Place, Place]:
    """An autoencoder's plane: a point an image, one of them z."""
    corners = np.array([[-0.85, 0.5], [0.75, 0.5], [-0.7, -0.5], [0.15, -0.52]])
    offsets = np.array([[-0.15, 0.02], [0.03, 0.15], [0.13, -0.08]])
    places = (corners[:, None] + offsets + plane[:2]).reshape(-1, 2)
    paper.plot(*places.T, "o", color="0.35", markersize=7)
    heading(paper, (plane.x + 0.85, plane.y - 0.35), "?", ha="center")
    z = box(paper, Part(plane.x, plane.y, 0.4, 0.4), "$z$")
    return z.left, z.right


def clouds(paper: Axes, plane: Part) -> tuple[Place, Place]:
    """A VAE's plane: a cloud an image, under the prior; z is drawn from one."""
    middles = [(10, 46), (44, 20), (38, -26), (-4, -43), (-44, -20), (-34, 30)]
    x, y = np.transpose(middles) / 105 + [[plane.x], [plane.y]]
    size = 0.31
    for middle in zip(x, y, strict=True):
        paper.add_patch(Circle(middle, size, color="0.4", alpha=0.25, linewidth=0))
    paper.add_patch(Circle(plane[:2], size, color=MEASURED, alpha=0.45, linewidth=0))
    paper.plot(x, y, "o", color="0.35", markersize=7)
    paper.add_patch(Circle(plane[:2], 0.73, fill=False, linestyle="--", linewidth=LINE))
    write(paper, (plane.x + 0.96, plane.y - 0.61), "prior")
    z = draw(paper, (plane.x + 0.08, plane.y), "$z$", 0.21)
    return (plane.x - size, plane.y), z.right
