"""Closed forms of the game between a generator and a discriminator, in float64.

The data have the density p, the generator's samples the density q. A discriminator is
given by its logit l(x) = log D(x) - log(1 - D(x)), high where x looks real.
"""

from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.integrate import cumulative_trapezoid, quad_vec
from scipy.special import expit, rel_entr

Array = NDArray[np.float64]


def optimal_discriminator_logit(x: ArrayLike, p: Any, q: Any) -> Array:
    """The logit of the best discriminator, log p(x) - log q(x).

    Goodfellow et al. 2014, proposition 1, https://arxiv.org/abs/1406.2661.

    Args:
        x: points, any shape.
        p: density of the data, with `logpdf` or `pdf`: a frozen `scipy.stats` one.
        q: density of the generator's samples, likewise.
    """
    return _log_density(p, x) - _log_density(q, x)


def jensen_shannon(p: Any, q: Any) -> float:
    """KL(p || m)/2 + KL(q || m)/2 with m = (p + q)/2, in nats: from 0 to ln 2.

    Lin 1991. By adaptive quadrature between quantiles of p and of q.

    Args:
        p: a density on the line, with `logpdf` or `pdf`.
        q: another.

    Raises:
        ValueError: a density whose mass is not found to be 1, because it is none or
            too narrow.
    """

    def terms(x: float) -> Array:
        both = np.array([_density(p, x), _density(q, x)])
        return np.array([0.5 * rel_entr(both, both.mean()).sum(), *both])

    pieces = pairwise(_breaks(p, q))
    # some twenty pieces, each to 1e-10
    sums = [quad_vec(terms, *ends, epsabs=1e-10, epsrel=1e-10)[0] for ends in pieces]
    divergence, *masses = np.sum(sums, axis=0)
    if not np.allclose(masses, 1, rtol=0, atol=1e-7):
        raise ValueError(
            f"The densities integrate to {masses[0]:.6g} and {masses[1]:.6g}, not to "
            "1. Normalize them; if they are normalized, choose a larger unit of length."
        )
    return float(divergence)


class _Method(NamedTuple):
    """How the Dirac-GAN is played."""

    wasserstein: bool  # the loss is the logit itself
    alternating: bool  # the generator answers the discriminator's new parameter
    one_centred: bool = False  # the penalty pulls |slope| to 1, not to 0


DIRAC_METHODS = {
    "simultaneous": _Method(wasserstein=False, alternating=False),
    "alternating": _Method(wasserstein=False, alternating=True),
    "wasserstein": _Method(wasserstein=True, alternating=False),
    "wasserstein_alternating": _Method(wasserstein=True, alternating=True),
    "wasserstein_gp": _Method(wasserstein=True, alternating=True, one_centred=True),
}


def dirac_gan_step(
    method: str, theta: ArrayLike, psi: ArrayLike, step: float, gamma: float = 0.0
) -> tuple[Array, Array]:
    """One step of gradient play in the smallest GAN: a point hunts a point.

    The data are the point 0, the generator is the point theta, and the discriminator's
    logit is psi x. With f(t) = -ln(1 + e^-t), or f(t) = t for the Wasserstein game, the
    value is V = f(0) + f(-psi theta). The discriminator climbs V less its penalty,
    gamma/2 psi^2 (R1) or gamma/2 (|psi| - 1)^2 ("wasserstein_gp"), and the generator
    descends V. Mescheder, Geiger and Nowozin 2018, https://arxiv.org/abs/1801.04406;
    their psi has the other sign.

    Args:
        method: a key of `DIRAC_METHODS`. Alternating, the discriminator goes first.
        theta: where the generator is, any shape.
        psi: the discriminator's slope, of the same shape.
        step: size of the gradient step.
        gamma: weight of the penalty.

    Raises:
        ValueError: an unknown method.
    """
    played = _method(method)
    theta, old = np.asarray(theta, float), np.asarray(psi, float)
    target = np.sign(old) if played.one_centred else 0.0
    climb = -_force(played, theta, old) * theta - gamma * (old - target)
    new = old + step * climb
    seen = new if played.alternating else old
    return theta + step * _force(played, theta, seen) * seen, new


def dirac_gan_path(
    method: str,
    start: tuple[float, float],
    step: float,
    steps: int,
    gamma: float = 0.0,
) -> Array:
    """The points (theta, psi) of a play, (steps + 1, 2); see `dirac_gan_step`."""
    points = [np.asarray(start, float)]
    for _ in range(steps):
        theta, psi = points[-1]
        points.append(np.array(dirac_gan_step(method, theta, psi, step, gamma)))
    return np.array(points)


def dirac_gan_eigenvalues(
    method: str, step: float, gamma: float = 0.0
) -> NDArray[np.complex128]:
    """Both eigenvalues of a step's Jacobian at the equilibrium (0, 0).

    With u = f'(0), which is 1/2, or 1 in the Wasserstein game: for simultaneous steps
    1 + h (-gamma/2 +- sqrt(gamma^2/4 - u^2)); for alternating ones the roots of
    t^2 - (2 - h gamma - h^2 u^2) t + 1 - h gamma. A play that is near enough arrives
    if both moduli are below 1 and leaves if one is above. Moduli of 1 decide nothing
    but for the Wasserstein game, which is linear. Mescheder et al. 2018, sections 2, 3.

    Args:
        method: a key of `DIRAC_METHODS`.
        step: h, the size of the gradient step.
        gamma: weight of the R1 penalty, gamma/2 psi^2.

    Raises:
        ValueError: an unknown method, or "wasserstein_gp", whose penalty has a kink at
            the equilibrium.
    """
    played = _method(method)
    if played.one_centred:
        raise ValueError(
            "The penalty (|psi| - 1)^2 has a kink at psi = 0, so that the step has no "
            "Jacobian there. Follow a path with dirac_gan_path instead."
        )
    u = 1.0 if played.wasserstein else 0.5
    if played.alternating:
        half, det = 1 - step * (gamma + step * u**2) / 2, 1 - step * gamma
        root = np.sqrt(complex(half**2 - det))
        return np.array([half + root, half - root])
    root = np.sqrt(complex(gamma**2 / 4 - u**2))
    slopes = np.array([-gamma / 2 + root, -gamma / 2 - root], dtype=np.complex128)
    return 1 + step * slopes


def _method(name: str) -> _Method:
    if name not in DIRAC_METHODS:
        known = ", ".join(map(repr, DIRAC_METHODS))
        raise ValueError(f"method is {name!r}; it must be one of {known}.")
    return DIRAC_METHODS[name]


def _force(played: _Method, theta: Array, psi: Array) -> Array:
    """f'(-psi theta), which both players' slopes share."""
    return np.ones_like(psi) if played.wasserstein else expit(psi * theta)


def _log_density(density: Any, x: ArrayLike) -> Array:
    x = np.asarray(x, float)
    if hasattr(density, "logpdf"):
        return np.asarray(density.logpdf(x), float)
    with np.errstate(divide="ignore"):
        return np.log(np.asarray(density.pdf(x), float))


def _density(density: Any, x: ArrayLike) -> Array:
    """The density, and 0 at single points where it has a pole."""
    return np.nan_to_num(np.exp(_log_density(density, x)), posinf=0.0)


def _breaks(p: Any, q: Any) -> Array:
    """Ends of the line, of both supports, and quantiles where mass was seen."""
    # from 1e-3 apart near the origin to 1e3 apart at a million
    x = np.sinh(np.linspace(-14.5, 14.5, 29_001))
    ends = [e for d in (p, q) if hasattr(d, "support") for e in d.support()]
    inner = [e for e in ends if np.isfinite(e)]
    for density in (p, q):
        mass = cumulative_trapezoid(_density(density, x), x, initial=0)
        levels = mass[-1] * np.array([1e-6, 0.01, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99])
        inner += [
            *np.interp(levels, mass, x),
            np.interp(mass[-1] * (1 - 1e-6), mass, x),
        ]
    return np.unique([-np.inf, *inner, np.inf])
