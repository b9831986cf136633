"""Sliders over pictures: ipywidgets over `plotting`, `latent_plots` and `exact`.

In a session each function here returns a live box of controls above one picture, which
is drawn anew when a control moves. Where a lesson is executed to be saved
(COURSE_STATIC=1) it returns the picture alone, at the controls' first values, so that
the page reads well where no kernel runs.

To test one without a browser, set a control's value and look at the picture:

    box = posterior_explorer()
    box.controls["q_mean"].value = 1.0
    png = box.picture.value
"""

import io
import math
from collections.abc import Callable
from typing import NamedTuple

import ipywidgets
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from scipy.special import ndtri

from course_utils import exact, latent_plots, plotting, settings


class Explorer(ipywidgets.VBox):
    """Controls above one picture that follows them.

    Attributes:
        controls: the widgets by the name of the argument they set.
        picture: an `ipywidgets.Image` that holds a PNG.
    """

    def __init__(
        self, draw: Callable[..., Figure], controls: dict[str, ipywidgets.Widget]
    ) -> None:
        self.draw = draw
        self.controls = controls
        self.picture = ipywidgets.Image(format="png")
        self.refresh()
        for control in controls.values():
            control.observe(self.refresh, names="value")
        super().__init__([*controls.values(), self.picture])

    def refresh(self, _change: object = None) -> None:
        """Draw the picture for the controls' present values."""
        values = {name: control.value for name, control in self.controls.items()}
        buffer = io.BytesIO()
        self.draw(**values).savefig(buffer, format="png")
        self.picture.value = buffer.getvalue()


def explore(
    draw: Callable[..., Figure], **controls: ipywidgets.Widget
) -> Explorer | Figure:
    """An `Explorer`, or in a lesson that is being saved its first picture.

    Args:
        draw: makes a figure from the controls' values, passed by name.
        controls: widgets with a `value`.
    """
    if settings.flag("COURSE_STATIC"):
        return draw(**{name: control.value for name, control in controls.items()})
    return Explorer(draw, controls)


def slider(
    label: str, value: float, low: float, high: float, step: float
) -> ipywidgets.FloatSlider:
    """A slider with room for its label."""
    return ipywidgets.FloatSlider(
        value=value,
        min=low,
        max=high,
        step=step,
        description=label,
        style={"description_width": "14em"},
        layout={"width": "40em"},
    )


class BoundTerms(NamedTuple):
    """The three numbers of the central equation at one x, in nats."""

    elbo: float
    gap: float
    log_evidence: float


def posterior_terms(
    model: exact.LinearGaussian, x: float, q_mean: float, q_std: float
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
        exact.gaussian_kl(mean[0], variance, posterior_mean[0], posterior_variance),
        float(model.log_evidence(row)[0]),
    )


def posterior_explorer() -> Explorer | Figure:
    """Move a normal q over the posterior of z ~ N(0, 1), x = z + 0.8 noise, at x = 1.5.

    The picture shows the ELBO and KL(q || posterior), which add up to log p(x) wherever
    the sliders stand, and both densities. At first q is the prior.
    """
    model, x = exact.LinearGaussian(np.eye(1), np.zeros(1), 0.8), 1.5
    mean, variance = model.posterior(np.array([[x]]))
    z = np.linspace(-3, 4, 281)

    def density(center: float, std: float) -> NDArray:
        return np.exp(-0.5 * ((z - center) / std) ** 2) / (std * np.sqrt(2 * np.pi))

    posterior = density(mean.item(), np.sqrt(variance.item()))

    def draw(q_mean: float, q_std: float) -> Figure:
        terms = posterior_terms(model, x, q_mean, q_std)
        shown = {"q(z)": density(q_mean, q_std), "posterior p(z|x)": posterior}
        return plotting.bound_and_densities(terms.elbo, terms.gap, z, shown, -12.0, 1.4)

    return explore(
        draw,
        q_mean=slider("mean of q", 0.0, -1.5, 3.0, 0.05),
        q_std=slider("standard deviation of q", 1.0, 0.3, 1.5, 0.05),
    )


def reparameterization_explorer(
    f: Callable[[NDArray], NDArray] = np.square,
    slope: Callable[[NDArray], NDArray] = lambda z: 2 * z,
) -> Explorer | Figure:
    """Samples z = mu + sigma * epsilon of fixed noise, with their pathwise gradients.

    The noise is eleven quantiles of the normal: mean 0, mean square 0.89.
    Above the picture stand the means of f'(z) and f'(z) epsilon over the samples,
    beside the derivatives of E[f(z)] in mu and sigma, by quadrature.

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
            f"mean arrow {slopes.mean():.2f} (exact {exact.sum():.2f}),   mean "
            f"arrow × ε {(slopes * epsilon).mean():.2f} (exact {exact @ nodes:.2f})"
        )
        curve = (z_curve, f(z_curve))
        return plotting.pathwise_gradients(epsilon, z, f(z), slopes, curve, title)

    return explore(
        draw,
        mu=slider("mean μ", 1.5, -2.0, 2.0, 0.05),
        sigma=slider("standard deviation σ", 0.6, 0.02, 1.5, 0.02),
    )


def latent_explorer(
    decode: Callable[[NDArray], NDArray],
    z: NDArray,
    x: NDArray,
    y: NDArray,
    neighbours: int = 5,
    drawn: int = 3_000,
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

    Raises:
        ValueError: z is not two-dimensional, or z, x and y differ in length.
    """
    if z.ndim != 2 or z.shape[1] != 2 or not len(z) == len(x) == len(y):
        raise ValueError(
            "Pass z (n, 2), x (n, height, width, channels) and y (n,) of the same "
            f"digits, not shapes {z.shape}, {x.shape} and {y.shape}."
        )
    end = math.ceil(max(3.0, np.abs(z[:drawn]).max()))
    background = latent_plots.map_background(z[:drawn], y[:drawn], end)

    def draw(z1: float, z2: float) -> Figure:
        point = np.array([z1, z2], dtype=np.float32)
        distance = np.square(z - point).sum(axis=1)
        rows = np.argsort(distance, kind="stable")[:neighbours]
        nearest = latent_plots.Neighbours(z[rows], x[rows], y[rows])
        image = decode(point[None])[0]
        return latent_plots.latent_place(background, end, point, image, nearest)

    return explore(
        draw,
        z1=slider("first coordinate z1", 0.0, -end, end, 0.05),
        z2=slider("second coordinate z2", 0.0, -end, end, 0.05),
    )
