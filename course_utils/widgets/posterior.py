"""The bound and the posterior under one's hands."""

from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from course_utils.exact import divergences, linear_gaussian
from course_utils.figures import densities
from course_utils.widgets.frame import Explorer, explore, slider


class BoundTerms(NamedTuple):
    """The three numbers of the central equation at one x, in nats."""

    elbo: float
    gap: float
    log_evidence: float


def posterior_terms(
    model: linear_gaussian.LinearGaussian, x: float, q_mean: float, q_std: float
) -> BoundTerms:
    """ELBO, gap KL(q || posterior) and log p(x), each computed without the other two.

    Args:
        model: with x and z on the line.
        x: the observation.
        q_mean: of a normal q(z).
        q_std: its standard deviation.
    """
    row, mean, variance = np.array([[x]]), np.array([[q_mean]]), np.array([[q_std**2]])
    posterior_mean, posterior_variance = model.posterior(row)
    return BoundTerms(
        float(model.elbo(row, mean, variance)[0]),
        divergences.gaussian_kl(
            mean[0], variance, posterior_mean[0], posterior_variance
        ),
        float(model.log_evidence(row)[0]),
    )


def posterior_explorer() -> Explorer | Figure:
    """Move a normal q over the posterior of z ~ N(0, 1), x = z + 0.8 noise, at x = 1.5.

    The picture shows how far the ELBO reaches, the gap that is left up to log p(x), and
    both densities. At first q is the prior.
    """
    model, x = linear_gaussian.LinearGaussian(np.eye(1), np.zeros(1), 0.8), 1.5
    mean, variance = model.posterior(np.array([[x]]))
    z = np.linspace(-3, 4, 281)

    def density(center: float, std: float) -> NDArray:
        return np.exp(-0.5 * ((z - center) / std) ** 2) / (std * np.sqrt(2 * np.pi))

    posterior = density(mean.item(), np.sqrt(variance.item()))

    def draw(q_mean: float, q_std: float) -> Figure:
        terms = posterior_terms(model, x, q_mean, q_std)
        shown = {"q(z)": density(q_mean, q_std), "posterior p(z|x)": posterior}
        return densities.bound_and_densities(terms.elbo, terms.gap, z, shown, -6.5, 1.4)

    return explore(
        draw,
        q_mean=slider("mean of q", 0.0, -0.5, 2.0, 0.05),
        q_std=slider("standard deviation of q", 1.0, 0.3, 1.3, 0.05),
    )
