"""The course as a map, and a hidden point beside what it becomes."""

from collections.abc import Collection, Mapping, Sequence

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy.typing as npt
from matplotlib.figure import Figure
from matplotlib.patches import Circle

from course_utils.figures.pieces import (
    LOOK,
    Part,
    compute,
    heading,
    rounded,
    sheet,
    write,
)
from course_utils.figures.style import COLOURS, PLACED

PITCH, SIZE = 1.48, (1.28, 0.92)  # of boxes, in inches
ROOM = 1.5  # of a lane with its heading


def course_map(
    lanes: Mapping[str, Sequence[tuple[int, str]]],
    judges: Collection[str] = (),
) -> Figure:
    """Lessons as boxes, a lane for each answer that the course gives.

    Within a lane an arrow leads from a lesson to the next, but not where they judge.

    Args:
        lanes: number and short name of each lesson, by the heading of its lane; a lane
            holds six at most.
        judges: headings of lanes without arrows.

    Raises:
        ValueError: a lane is empty or too long for the page.
    """
    for name, stops in lanes.items():
        if not 1 <= len(stops) <= 6:
            raise ValueError(f"The lane {name!r} has {len(stops)} lessons, not 1 to 6.")
    with mpl.rc_context(LOOK):
        figure, paper = sheet(ROOM * len(lanes) + 0.1)
        for row, (name, stops) in enumerate(lanes.items()):
            top = figure.get_figheight() - ROOM * row - 0.25
            heading(paper, (0.12, top), name)
            before = None
            for column, (number, words) in enumerate(stops):
                middle = 0.78 + PITCH * column, top - 0.75
                part = Part(*middle, *SIZE)
                rounded(paper, part)
                write(paper, middle, f"{number} · {words}", size=14)
                if before and name not in judges:
                    compute(paper, before.right, part.left)
                before = part
    return figure


def hidden_point(z: npt.NDArray, image: npt.NDArray) -> Figure:
    """A point of a latent plane with the prior's circles, and the picture made of it.

    Args:
        z: the point, (2,).
        image: (height, width, 1) in [0, 1].
    """
    # margins by hand: fitting them takes as long as all the rest
    with plt.rc_context(PLACED):
        figure, (left, right) = plt.subplots(1, 2, figsize=(9, 4.0))
        figure.subplots_adjust(0.09, 0.16, 0.97, 0.9, wspace=0.15)
        for radius in (1, 2, 3):
            left.add_patch(Circle((0, 0), radius, fill=False, edgecolor="0.6"))
        left.plot(*z, "o", color=COLOURS[1], markersize=16, mec="black")
        left.set(xlim=(-3.2, 3.2), ylim=(-3.2, 3.2), aspect="equal")
        left.set(xlabel="$z_1$ (no units)", ylabel="$z_2$ (no units)")
        left.set_title("two hidden numbers")
        right.imshow(image.squeeze(), vmin=0, vmax=1, interpolation="nearest")
        right.axis("off")
        right.set_title("what the decoder makes of them")
    plt.close(figure)
    return figure
