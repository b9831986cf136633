"""A slider over temperatures; see `widgets` for how they behave and are tested."""

from collections.abc import Callable, Mapping

import ipywidgets
import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure
from scipy.special import logsumexp

from course_utils.exact.ising import CRITICAL_BETA, energies, enumerate_states
from course_utils.figures.spin_energies import energy_frame
from course_utils.metrics.weights import effective_sample_size
from course_utils.widgets.frame import Explorer, explore, slider

SIDE, SHOWN = 4, 9
# beta to spins (n, 4, 4) and their log weights, (n,)
Sampler = Callable[[float], tuple[npt.NDArray, npt.NDArray]]


def ising_explorer(samplers: Mapping[str, Sampler], seed: int = 0) -> Explorer | Figure:
    """Choose a temperature and a sampler of 4 x 4 spins; see what comes, and how often.

    Weighted samples are shown as often as their weights say, and counted so.

    Args:
        samplers: by name; each draws at a given beta, with log weights that are zero
            for samples of the right distribution.
        seed: of which samples are shown.
    """
    levels, counts = np.unique(energies(enumerate_states(SIDE)), return_counts=True)

    def draw(sampler: str, beta: float) -> Figure:
        spins, log_w = samplers[sampler](beta)
        share = np.exp(log_w - logsumexp(log_w))
        log_exact = np.log(counts) - beta * levels
        exact = np.exp(log_exact - logsumexp(log_exact))
        places = np.searchsorted(levels, energies(spins))
        shares = np.bincount(places, weights=share, minlength=len(levels))
        rng = np.random.default_rng(seed)
        shown = spins[rng.choice(len(spins), SHOWN, p=share)]
        effective = effective_sample_size(log_w) / len(spins)
        title = f"{sampler}, β = {beta:.2f}: effective share {effective:.0%}"
        return energy_frame(shown, levels, exact, shares, title)

    return explore(
        draw,
        sampler=ipywidgets.Dropdown(
            options=list(samplers),
            description="sampler",
            style={"description_width": "14em"},
            layout={"width": "40em"},
        ),
        beta=slider(
            "one over the temperature β", round(CRITICAL_BETA, 2), 0.02, 0.8, 0.02
        ),
    )
