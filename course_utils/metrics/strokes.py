"""What a ruler finds on images of digits: how they lean, and how thick strokes are."""

import numpy as np
import numpy.typing as npt

from course_utils.data.images import check_images


def slant(x: npt.NDArray) -> npt.NDArray:
    """How far a digit leans to the right, in columns for each row upwards.

    Ink is taken as a distribution of mass: minus cov(row, column) / var(row), since
    rows count downwards. It is the slope of the regression of the column on the row.

    Args:
        x: images with ink in at least two rows, (n, height, width, 1) in [0, 1].

    Returns:
        The slant of each image, (n,); nan where there is no ink.
    """
    check_images(x)
    ink = x[..., 0] / x.sum((1, 2, 3))[:, None, None]
    row, column = np.indices(x.shape[1:3])
    row = row - (ink * row).sum((1, 2), keepdims=True)
    column = column - (ink * column).sum((1, 2), keepdims=True)
    return -(ink * row * column).sum((1, 2)) / (ink * row**2).sum((1, 2))


def stroke_width(x: npt.NDArray) -> npt.NDArray:
    """How thick the strokes of a digit are, in pixels.

    A stroke of width w and length L has the area w L and, but for its ends, the
    perimeter 2 L, so w is twice the area over the perimeter. The area is the sum of the
    pixels, the perimeter that of the lengths of their gradient.

    Args:
        x: images with some ink, (n, height, width, 1) in [0, 1].

    Returns:
        The width in each image, (n,); nan where there is no ink.
    """
    check_images(x)
    x = np.pad(x[..., 0], ((0, 0), (1, 1), (1, 1)))
    down, right = np.diff(x, axis=1)[:, :, :-1], np.diff(x, axis=2)[:, :-1]
    return 2 * x.sum((1, 2)) / np.hypot(down, right).sum((1, 2))
