"""What arguments of the closed forms must be."""

from typing import cast

import numpy as np
from numpy.typing import NDArray

from course_utils.data.images import check_complete

Array = NDArray[np.float64]


def require(condition: bool, message: str) -> None:
    """Raise ValueError with the message unless the condition holds."""
    if not condition:
        raise ValueError(message)


def require_positive(**values: float | Array) -> None:
    """Refuse numbers that are not above zero, by name."""
    for name, value in values.items():
        positive = bool(np.all(np.greater(value, 0)))
        require(positive, f"{name} is {value}; make it positive.")


def rows(value: Array, width: int, name: str) -> Array:
    """Data as rows (n, width) of float64; anything else is refused."""
    check_complete(value, name)
    data = np.asarray(value, float)
    message = f"{name} is {data.shape}; pass (n, {width}), one row as {name}[None]."
    require(data.ndim == 2 and data.shape[1] == width, message)
    return data


def cholesky(cov: Array) -> tuple[Array, Array]:
    """The triangular factor and the log-determinant of a covariance."""
    cov = np.atleast_2d(np.asarray(cov, float))
    square = cov.shape[-1] == cov.shape[-2] and np.allclose(cov, cov.mT)
    positive = square and np.linalg.eigvalsh(cov).min() > 0
    require(positive, "Pass a symmetric positive covariance: np.diag(variances)?")
    factor = cast(Array, np.linalg.cholesky(cov))  # float64 as its argument
    return factor, 2 * np.log(np.diagonal(factor, axis1=-2, axis2=-1)).sum(-1)
