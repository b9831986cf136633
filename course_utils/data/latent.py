"""Ways through a latent space with a standard normal prior, as NumPy arrays.

In d dimensions the prior's points lie near a shell of radius sqrt(d).
"""

import numpy as np
import numpy.typing as npt


def to_shell(z: npt.NDArray) -> npt.NDArray:
    """Latent points (..., d), each stretched or shrunk to the length sqrt(d)."""
    return z * np.sqrt(z.shape[-1]) / np.linalg.norm(z, axis=-1, keepdims=True)


def great_circle(a: npt.NDArray, b: npt.NDArray, t: npt.ArrayLike) -> npt.NDArray:
    """The way from a to b that turns at a constant rate.

    Directions follow the great circle (Shoemake, 1985; for latent points White, 2016,
    https://arxiv.org/abs/1609.04468), and lengths change linearly.

    Args:
        a: the start, (d,).
        b: the end, (d,), not opposite to a.
        t: how far, 0 at a and 1 at b, (k,).

    Returns:
        Points (k, d).
    """
    t = np.asarray(t)[:, None]
    lengths = np.linalg.norm(a), np.linalg.norm(b)
    a, b = a / lengths[0], b / lengths[1]
    angle = np.arccos(np.clip(a @ b, -1, 1))
    sine = np.sin(angle)
    if sine < 1e-6:  # no turn to speak of
        direction = (1 - t) * a + t * b
    else:
        direction = (np.sin((1 - t) * angle) * a + np.sin(t * angle) * b) / sine
    return ((1 - t) * lengths[0] + t * lengths[1]) * direction
