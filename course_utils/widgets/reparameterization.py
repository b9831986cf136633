"""The reparameterization trick under one's hands."""

from collections.abc import Callable

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from scipy.special import ndtri

from course_utils.figures import gradients
from course_utils.widgets.frame import Explorer, explore, slider


def reparameterization_explorer(
    f: Callable[[NDArray], NDArray] = np.square,
    slope: Callable[[NDArray], NDArray] = lambda z: 2 * z,
) -> Explorer | Figure:
    """Samples z = mu + sigma * epsilon of fixed noise, with their pathwise gradients.

    The noise is eleven quantiles of the normal: mean 0, mean square 0.89.
    Above the picture stand mu and sigma, and the means of f'(z) and f'(z) epsilon over
    the samples, beside the derivatives of E[f(z)] in mu and sigma, by quadrature.

    Args:
        f: on arrays.
        slope: its derivative.
    """
    epsilon = ndtri((np.arange(11) + 0.5) / 11)
    z_curve = np.linspace(-5, 5, 401)
    nodes = np.linspace(-8, 8, 1601)
    weights = np.exp(-0.5 * nodes**2)
    weights /= weights.sum()

    def draw(mu: float, sigma: float) -> Figure:
        z = mu + sigma * epsilon
        slopes, exact = slope(z), slope(mu + sigma * nodes) * weights
        title = (
            f"μ = {mu:.2f}, σ = {sigma:.2f}\n"
            f"mean slope {slopes.mean():.2f} (exact {exact.sum():.2f}),   mean "
            f"slope × ε {(slopes * epsilon).mean():.2f} (exact {exact @ nodes:.2f})"
        )
        curve = (z_curve, f(z_curve))
        return gradients.pathwise_gradients(epsilon, z, f(z), slopes, curve, title)

    return explore(
        draw,
        mu=slider("mean μ", 1.5, -2.0, 2.0, 0.05),
        sigma=slider("standard deviation σ", 0.6, 0.02, 1.5, 0.02),
    )
