"""Closed forms that any model of rows should beat, and what that comparison says.

Log-densities are in nats, one value a row. Widths may have a floor, the same for each
yardstick and for the model that is held against it: where a column follows from others,
a density without a floor has no limit.
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from course_utils.exact.linear_gaussian import LOG_2PI, principal_axes

Array = npt.NDArray[np.float64]


def independent_normals(train: npt.ArrayLike, x: npt.ArrayLike, floor: float) -> Array:
    """Log-density (m,) of rows x (m, d), by one normal density a column.

    Args:
        train: rows (n, d), whose means and variances (dividing by n) it has.
        x: rows to judge.
        floor: the least standard deviation.
    """
    train, x = np.asarray(train, float), np.asarray(x, float)
    sigma = np.maximum(train.std(axis=0), floor)
    scaled = (x - train.mean(axis=0)) / sigma
    return -0.5 * (scaled**2 + LOG_2PI).sum(axis=1) - np.log(sigma).sum()


def one_normal(train: npt.ArrayLike, x: npt.ArrayLike, floor: float) -> Array:
    """Log-density (m,) of rows x (m, d), by one normal density with all correlations.

    Args:
        train: rows (n, d), whose mean and covariance (dividing by n) it has.
        x: rows to judge.
        floor: the least standard deviation, along any axis.
    """
    return _along_axes(train, x, lambda variances: np.maximum(variances, floor**2))


def probabilistic_pca(
    train: npt.ArrayLike, x: npt.ArrayLike, latent_dim: int, floor: float
) -> Array:
    """Log-density (m,) of rows x (m, d), by the best linear VAE.

    x = W z + b plus noise of one width, fitted by maximum likelihood to train: along
    each axis but the first ones the variance is the mean of those left over. Tipping
    and Bishop, 1999, https://doi.org/10.1111/1467-9868.00196.

    Args:
        train: rows (n, d).
        x: rows to judge.
        latent_dim: numbers in z, from 1 to d - 1.
        floor: the least standard deviation, along any axis.

    Raises:
        ValueError: z has too few or too many numbers.
    """

    def kept(variances: Array) -> Array:
        if not 1 <= latent_dim < len(variances):
            raise ValueError(
                f"latent_dim is {latent_dim}; rows of {len(variances)} numbers need "
                f"one from 1 to {len(variances) - 1}."
            )
        left_over = np.full(len(variances), variances[latent_dim:].mean())
        left_over[:latent_dim] = variances[:latent_dim]
        return np.maximum(left_over, floor**2)

    return _along_axes(train, x, kept)


def independent_bits(train: npt.ArrayLike, x: npt.ArrayLike) -> Array:
    """Log-probability (m,) of rows x (m, d) of 0 and 1, with a coin for each number.

    The probability of a 1 is (ones + 1/2) / (n + 1), so that what training has never
    seen is not impossible. Krichevsky and Trofimov, 1981,
    https://doi.org/10.1109/TIT.1981.1056331.

    Args:
        train: rows (n, d) of 0 and 1.
        x: rows to judge.
    """
    train, x = np.asarray(train, float), np.asarray(x, float)
    p = (train.sum(axis=0) + 0.5) / (len(train) + 1)
    return x @ np.log(p) + (1 - x) @ np.log1p(-p)


def yardsticks(
    train: npt.ArrayLike,
    x: npt.ArrayLike,
    *,
    binary: bool,
    latent_dim: int,
    floor: float,
) -> dict[str, Array]:
    """What each yardstick that has a meaning here gives rows x (m, d): (m,) by name.

    One density with all correlations needs more rows than columns, and principal axes
    need two columns.

    Args:
        train: rows (n, d).
        x: rows to judge.
        binary: whether the rows are of 0 and 1.
        latent_dim: of the VAE; probabilistic PCA has as many axes, at most d - 1.
        floor: the least standard deviation.
    """
    if binary:
        return {"independent bits": independent_bits(train, x)}
    n, width = np.shape(train)
    found = {"independent normals": independent_normals(train, x, floor)}
    if width > 1 and n > width:
        found["one normal"] = one_normal(train, x, floor)
    if width > 1:
        axes = min(latent_dim, width - 1)
        found["principal axes"] = probabilistic_pca(train, x, axes, floor)
    return found


def _along_axes(
    train: npt.ArrayLike, x: npt.ArrayLike, change: Callable[[Array], Array]
) -> Array:
    """The normal density with the principal axes of train and variances changed."""
    train, x = np.asarray(train, float), np.asarray(x, float)
    values, vectors = principal_axes(train)
    variances = change(np.maximum(values, 0))
    along = (x - train.mean(axis=0)) @ vectors
    scaled = along**2 / variances
    return -0.5 * (scaled + np.log(variances) + LOG_2PI).sum(axis=1)
