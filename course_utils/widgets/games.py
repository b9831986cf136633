"""Sliders over the GAN game; see `widgets` for how they behave and are tested."""

import ipywidgets
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from course_utils.exact import games
from course_utils.figures import game_frames
from course_utils.widgets.frame import Explorer, explore, slider

DIRAC_STARTS = {"far, (1, 1)": 1.0, "near, (0.01, 0.01)": 0.01}


DIRAC_END = 3.0  # of the plane, for the far start


DIRAC_STEPS = 80


DIRAC_CHOICES = {
    "GAN, both at once": "simultaneous",
    "GAN, in turns": "alternating",
    "Wasserstein, both at once": "wasserstein",
    "Wasserstein, in turns": "wasserstein_alternating",
    "WGAN-GP, in turns": "wasserstein_gp",
}


def dirac_field(
    method: str, gamma: float, points: int = 13, end: float = DIRAC_END
) -> game_frames.Field:
    """Where both players of the Dirac-GAN are pulled, on a lattice of the plane.

    Args:
        method: a key of `exact.games.DIRAC_METHODS`; simultaneous and alternating steps
            have the same field.
        gamma: weight of the penalty.
        points: along each side of the lattice.
        end: the lattice reaches from -end to end in both directions.
    """
    axis = np.linspace(-end, end, points)
    theta, psi = np.meshgrid(axis, axis)
    # so small a step that the order of the players changes nothing that can be seen
    tiny = 1e-6
    after = games.dirac_gan_step(method, theta, psi, tiny, gamma)
    return game_frames.Field(axis, (after[0] - theta) / tiny, (after[1] - psi) / tiny)


def dirac_explorer() -> Explorer | Figure:
    """Choose how the Dirac-GAN is played, and see where the play leads.

    On the left 80 steps in the plane of both parameters, from (1, 1) or from
    (0.01, 0.01) with the plane enlarged; on the right the eigenvalues of one step at
    the equilibrium. The penalty is R1 but for the last choice, where it pulls the slope
    to 1.
    """
    names = {method: name for name, method in DIRAC_CHOICES.items()}

    def draw(method: str, step: float, gamma: float, start: float = 1.0) -> Figure:
        path = games.dirac_gan_path(method, (start, start), step, DIRAC_STEPS, gamma)
        smooth = method != "wasserstein_gp"
        values = games.dirac_gan_eigenvalues(method, step, gamma) if smooth else None
        title = (
            f"{names[method]}, h = {step:.4g}, γ = {gamma:.4g}\n"
            f"{DIRAC_STEPS} steps end {np.hypot(*path[-1]):.3g} away"
        )
        end = start * DIRAC_END
        field = dirac_field(method, gamma, end=end)
        return game_frames.phase_plane(field, path, values, end, title)

    def choice(
        label: str, options: dict[str, str] | dict[str, float]
    ) -> ipywidgets.Dropdown:
        return ipywidgets.Dropdown(
            options=list(options.items()),
            description=label,
            style={"description_width": "14em"},
            layout={"width": "40em"},
        )

    return explore(
        draw,
        method=choice("method", DIRAC_CHOICES),
        start=choice("start", DIRAC_STARTS),
        step=slider("step h", 0.4, 0.05, 4.5, 0.05),
        gamma=slider("weight of the penalty γ", 0.0, 0.0, 2.0, 0.05),
    )


def game_player(
    steps: NDArray,
    x: NDArray,
    discriminator: NDArray,
    data_density: NDArray,
    generator_density: NDArray,
    first: int = 0,
) -> Explorer | Figure:
    """Step through a recorded training of a one-dimensional GAN.

    Args:
        steps: the training steps at which it was looked at, rising, (k,).
        x: points of the line, (n,).
        discriminator: D(x) then, (k, n).
        data_density: p(x), (n,).
        generator_density: q(x) then, (k, n).
        first: which of the k moments is shown at first.

    Raises:
        ValueError: shapes that do not fit.
    """
    shape = len(steps), len(x)
    if not np.shape(discriminator) == np.shape(generator_density) == shape:
        raise ValueError(
            f"Pass discriminator and generator_density as {shape}, a row for each of "
            f"the steps, not {np.shape(discriminator)}, {np.shape(generator_density)}."
        )
    if np.shape(data_density) != np.shape(x):
        raise ValueError(f"Pass one data_density for each of the {len(x)} points x.")
    # a generator's density may have spikes: they are cut off
    highest = 1.6 * np.max(data_density)

    def draw(moment: int) -> Figure:
        title = f"after {steps[moment]:,} steps"
        return game_frames.game_frame(
            x,
            discriminator[moment],
            data_density,
            generator_density[moment],
            highest,
            title,
        )

    moment = ipywidgets.SelectionSlider(
        options=[(f"{step:,}", row) for row, step in enumerate(steps)],
        value=first,
        description="steps of training",
        style={"description_width": "14em"},
        layout={"width": "40em"},
    )
    return explore(draw, moment=moment)
