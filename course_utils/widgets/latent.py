"""A walk through a latent plane."""

import math
from collections.abc import Callable

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from course_utils.figures import latent_maps
from course_utils.widgets.frame import Explorer, explore, slider


def latent_explorer(
    decode: Callable[[NDArray], NDArray],
    z: NDArray,
    x: NDArray,
    y: NDArray,
    neighbours: int = 5,
    drawn: int = 3_000,
    start: tuple[float, float] = (0.0, 0.0),
) -> Explorer | Figure:
    """Move a point through a two-dimensional latent space, and see what it decodes to.

    The picture shows the point on the map of encoded digits, its decoded image, and
    the digits whose codes lie nearest to it; on the map these are ringed.

    Args:
        decode: latent points (n, 2) to images (n, height, width, channels) in [0, 1].
        z: where the digits are encoded, (n, 2).
        x: the digits, (n, height, width, channels) in [0, 1].
        y: their classes, 0 to 9, (n,).
        neighbours: how many of the nearest digits to show.
        drawn: how many digits, from the first, the map has; the nearest are looked for
            among all.
        start: where the point is at first.

    Raises:
        ValueError: z is not two-dimensional, or z, x and y differ in length.
    """
    if z.ndim != 2 or z.shape[1] != 2 or not len(z) == len(x) == len(y):
        raise ValueError(
            "Pass z (n, 2), x (n, height, width, channels) and y (n,) of the same "
            f"digits, not shapes {z.shape}, {x.shape} and {y.shape}."
        )
    end = math.ceil(max(3.0, np.abs(z[:drawn]).max()))
    background = latent_maps.map_background(z[:drawn], y[:drawn], end)

    def draw(z1: float, z2: float) -> Figure:
        point = np.array([z1, z2], dtype=np.float32)
        distance = np.square(z - point).sum(axis=1)
        rows = np.argsort(distance, kind="stable")[:neighbours]
        nearest = latent_maps.Neighbours(z[rows], x[rows], y[rows])
        image = decode(point[None])[0]
        return latent_maps.latent_place(background, end, point, image, nearest)

    return explore(
        draw,
        z1=slider("first coordinate z1", start[0], -end, end, 0.05),
        z2=slider("second coordinate z2", start[1], -end, end, 0.05),
    )
