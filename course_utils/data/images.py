"""What counts as a batch of images, or of points, in every part of the course."""

import math

import numpy as np
import numpy.typing as npt

ROUNDING = 1e-3  # so far beyond [0, 1] a pixel may come to lie by rounding


def check_images(images: npt.NDArray, shape: tuple[int, ...] | None = None) -> None:
    """Refuse what is not a batch of images in [0, 1].

    Args:
        images: expected float32, shape (n, height, width, channels).
        shape: height, width and channels that they must have; None takes any.

    Raises:
        TypeError: not a NumPy array of floats.
        ValueError: a wrong shape, no images, hidden or missing pixels, or values
            outside [0, 1].
    """
    _check_array(images, "images")
    _check_floats(images)
    if images.ndim != 4:
        raise ValueError(
            f"Images must have shape (n, height, width, channels), not "
            f"{images.shape}; {_to_batch(images)}."
        )
    if images.size == 0:
        raise ValueError(f"There are no images: the shape is {images.shape}.")
    check_complete(images, "images")
    _check_range(images)
    if shape is not None and images.shape[1:] != shape:
        raise ValueError(_wrong_size(images.shape[1:], shape))


def check_pixels(images: npt.NDArray) -> None:
    """Refuse values that are no grey levels, whatever the array's shape.

    Raises:
        TypeError: not a NumPy array of floats.
        ValueError: hidden or missing pixels, or values outside [0, 1].
    """
    _check_array(images, "images")
    _check_floats(images)
    check_complete(images, "images")
    _check_range(images)


def check_points(points: npt.NDArray, shape: tuple[int, ...] | None = None) -> None:
    """Refuse what is not a set of points.

    Args:
        points: expected numbers, shape (n, dimensions).
        shape: their dimensions must be (dimensions,); None takes any.

    Raises:
        TypeError: not a NumPy array of numbers.
        ValueError: a wrong shape, no points, or hidden, missing or infinite numbers.
    """
    _check_array(points, "points")
    if points.dtype.kind not in "fiub":
        raise TypeError(f"Points must be real numbers, not {points.dtype}.")
    if points.ndim != 2:
        raise ValueError(
            f"Points must have shape (n, dimensions), not {points.shape}; points on "
            "the line are points[:, None]."
        )
    if points.size == 0:
        raise ValueError(f"There are no points: the shape is {points.shape}.")
    check_complete(points, "points")
    if shape is not None and points.shape[1:] != shape:
        raise ValueError(_wrong_size(points.shape[1:], shape))


def check_complete(values: npt.ArrayLike, what: str) -> None:
    """See that each number is there: neither hidden by a mask, nor NaN, nor infinite.

    Args:
        values: any numbers.
        what: they are called in the message.

    Raises:
        ValueError: some are not; the message says how many.
    """
    if np.ma.is_masked(values):
        raise ValueError(
            f"A mask hides {np.ma.count_masked(values)} numbers of these {what}, and "
            "they would be used all the same; fill them first, by .filled(0) say."
        )
    missing = np.size(values) - int(np.isfinite(values).sum())
    if missing:
        raise ValueError(
            f"The {what} contain NaN or infinity ({missing} of {np.size(values)} "
            "numbers); find and remove these first."
        )


def _check_array(values: npt.NDArray, what: str) -> None:
    if not isinstance(values, np.ndarray):
        raise TypeError(
            f"{what.capitalize()} must be a NumPy array in memory, not "
            f"{type(values).__name__}; numpy.asarray({what}) makes one."
        )


def _check_floats(images: npt.NDArray) -> None:
    if images.dtype.kind != "f":
        raise TypeError(
            f"Images must be floats, not {images.dtype}; {_to_floats(images)}."
        )


def _check_range(images: npt.NDArray) -> None:
    if images.size and (images.min() < 0 or images.max() > 1):
        raise ValueError(
            f"Pixels must lie in [0, 1], but these reach from {_digits(images.min())} "
            f"to {_digits(images.max())}; {_to_unit_interval(images)}."
        )


def _to_floats(images: npt.NDArray) -> str:
    """How these images become floats in [0, 1], in words."""
    kind = images.dtype.kind
    if kind == "O":
        return "images of one size become one array by numpy.stack(images)"
    if kind not in "iub":
        return "read the file again as numbers"
    if kind == "b" or (images.size and images.min() >= 0 and images.max() == 1):
        return "zeros and ones become floats by images.astype('float32')"
    if images.dtype == np.uint8:
        return "bytes become floats by images.astype('float32') / 255"
    return "divide by the largest value that a pixel can have"


def _to_batch(images: npt.NDArray) -> str:
    """How these images become a batch with channels, in words."""
    if images.ndim == 3:
        square, channels = images.shape[0] == images.shape[1], images.shape[2]
        if square and channels in (1, 3):
            return "one image becomes a batch by images[None]"
        return "a channel axis is added by images[..., None]"
    if images.ndim == 2:
        side = math.isqrt(images.shape[1])
        if side > 1 and side**2 == images.shape[1]:
            return f"rows become images by images.reshape(-1, {side}, {side}, 1)"
        return "a batch and a channel axis are added by images[None, ..., None]"
    return "reshape them"


def _to_unit_interval(images: npt.NDArray) -> str:
    """How these pixels come into [0, 1], in words."""
    low, high = float(images.min()), float(images.max())
    if low >= -ROUNDING and high <= 1 + ROUNDING:
        return "that is rounding, and images.clip(0, 1) undoes it"
    if low < 0:
        if low >= -0.5 and high <= 0.5:
            return "images + 0.5 brings [-0.5, 0.5] there"
        if low >= -1 and high <= 1:
            return "(images + 1) / 2 brings [-1, 1] there"
        return "undo what was subtracted, or shift and divide by their range"
    if high == 255:
        return "divide bytes by 255"
    return "divide by the largest value that a pixel can have"


def _digits(value: np.floating) -> str:
    """All digits that tell a number from its neighbours: 1.0000001 is not 1."""
    return np.format_float_positional(value, trim="-")


def _wrong_size(found: tuple[int, ...], wanted: tuple[int, ...]) -> str:
    sizes, these = (" x ".join(map(str, shape)) for shape in (wanted, found))
    if len(wanted) != 3:
        return f"This model takes points of {sizes} numbers; these have {these}."
    turned = (*found[1:], found[0]) == wanted
    hint = " Channels go last: images.transpose(0, 2, 3, 1)." if turned else ""
    return (
        f"This model takes images of {sizes} (height x width x channels); these are "
        f"{these}.{hint}"
    )
