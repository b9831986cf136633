"""What counts as a batch of images, in every part of the course."""

import numpy as np
import numpy.typing as npt


def check_images(images: npt.NDArray) -> None:
    """Refuse what is not a batch of images in [0, 1].

    Args:
        images: expected float32, shape (n, height, width, channels).

    Raises:
        TypeError: not a NumPy array of floats.
        ValueError: a wrong shape, no images, NaN, or values outside [0, 1].
    """
    if not isinstance(images, np.ndarray) or images.dtype.kind != "f":
        kind = getattr(images, "dtype", type(images).__name__)
        raise TypeError(
            f"Images must be a NumPy array of floats, not {kind}; "
            "bytes become floats by images.astype('float32') / 255."
        )
    if images.ndim != 4:
        raise ValueError(
            f"Images must have shape (n, height, width, channels), not "
            f"{images.shape}; a channel axis is added by images[..., None]."
        )
    if images.size == 0:
        raise ValueError(f"There are no images: the shape is {images.shape}.")
    low, high = images.min(), images.max()
    if np.isnan(low):
        raise ValueError("The images contain NaN; find and remove these first.")
    if low < 0 or high > 1:
        raise ValueError(
            f"Pixels must lie in [0, 1], but these reach from {low:g} to {high:g}; "
            "divide bytes by 255."
        )
