"""A slider along a path to noise; see `widgets` for how they behave and are tested."""

from collections.abc import Mapping

import ipywidgets
import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from course_utils.exact.diffusion import Mixture1D
from course_utils.figures.diffusion import walk_frame
from course_utils.widgets.frame import Explorer, explore, slider


def diffusion_explorer(
    mixture: Mixture1D,
    there: Mapping[str, npt.NDArray],
    back: Mapping[str, npt.NDArray],
) -> Explorer | Figure:
    """Walk from data to noise and back, and see density, points and score.

    Args:
        mixture: the data's distribution.
        there: by name, points at equally many times from t = 0 to t = 1 that came from
            data, (times, points).
        back: the same of points that came from noise; also from t = 0 to t = 1.

    Raises:
        ValueError: walks of different numbers of times.
    """
    walks = dict(there) | dict(back)
    lengths = {len(points) for points in walks.values()}
    if len(lengths) != 1:
        raise ValueError(f"The walks have {sorted(lengths)} times; all need the same.")
    t = np.linspace(0, 1, lengths.pop())
    reach = 1.2 * max(3.0, np.abs(mixture.means).max() + 2 * mixture.sigmas.max())
    x = np.linspace(-reach, reach, 161)
    density = np.exp(mixture.log_prob(x[:, None], t))

    def draw(walk: str, at: float) -> Figure:
        now = round(at * (len(t) - 1))
        scores = mixture.score(x, t[now])
        return walk_frame(t, x, density, walks[walk], scores, now, walk in back)

    return explore(
        draw,
        walk=ipywidgets.Dropdown(
            options=list(walks),
            description="walk",
            style={"description_width": "14em"},
            layout={"width": "40em"},
        ),
        at=slider("the time t", 0.5, 0.0, 1.0, 0.05),
    )
