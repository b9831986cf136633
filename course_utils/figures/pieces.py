"""The pieces of all diagrams, in one visual language.

A rounded white box holds numbers. A grey trapezoid is a network: an encoder narrows, a
decoder widens. A circle with two rims is a random draw. A black arrow computes; a
dashed one in colour is the way of a gradient, backwards. What a loss measures stands on
blue. Places and sizes are in inches, from the lower left corner of the figure.

Draw within `matplotlib.rc_context(LOOK)`.
"""

import base64
import io
from typing import Any, NamedTuple

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.layout_engine import PlaceHolderLayoutEngine
from matplotlib.patches import Circle, FancyArrowPatch, FancyBboxPatch, Polygon
from PIL import Image

from course_utils.figures.style import COLOURS, STYLE

WIDTH = 9.0
# In points. Across a slide, a point of a letter is 1.9 of the slide's 720 pixels.
WORDS, HEADING, FORMULA, LINE = 14, 16, 19, 1.8
MEASURED, BACKWARDS = COLOURS[0], COLOURS[1]
LOOK: dict[Any, Any] = STYLE | {
    "axes.grid": False,
    "mathtext.fontset": "cm",
    "xtick.labelsize": WORDS,
}
# The same bytes each time: no date, no version, none of the reader's fonts.
SAVED: dict[Any, Any] = {
    "savefig.bbox": None,
    "svg.fonttype": "path",
    "svg.hashsalt": "course",
    "svg.image_inline": True,
}
UNSAID = dict.fromkeys(["Creator", "Date", "Format", "Type"])

Place = tuple[float, float]


class FewColours(FigureCanvasAgg):
    """A canvas whose PNGs have 64 colours: a third of the bytes, and none is missed."""

    def print_png(self, filename_or_obj: Any, **look: object) -> None:
        """Write a PNG; what else a figure asks for is in the picture already."""
        self.draw()
        colours = Image.fromarray(np.asarray(self.buffer_rgba())).convert("RGB")
        colours.quantize(64).save(filename_or_obj, format="png", optimize=True)


class Diagram(Figure):
    """A figure that notebooks keep as SVG and as PNG.

    A page that can show the SVG does, sharp at any size; others have the PNG. The
    figure is not known to pyplot, so nothing is drawn twice.
    """

    def __init__(self, height: float) -> None:
        """An empty one, so many inches high."""
        dots = 1220 / WIDTH  # as many across as a picture on a slide
        # none at all would be replaced by the session's after the first picture
        fixed = PlaceHolderLayoutEngine(adjust_compatible=True, colorbar_gridspec=True)
        super().__init__(figsize=(WIDTH, height), dpi=dots, layout=fixed)
        FewColours(self)

    def picture(self, kind: str) -> bytes:
        """The diagram as a file, "svg" or "png"."""
        file = io.BytesIO()
        with mpl.rc_context(SAVED):
            self.savefig(file, format=kind, dpi="figure", metadata=UNSAID)
        return file.getvalue()

    def _repr_mimebundle_(
        self, include: object = None, exclude: object = None
    ) -> dict[str, str]:
        """Both pictures, as notebooks store them."""
        return {
            "image/svg+xml": self.picture("svg").decode(),
            "image/png": base64.b64encode(self.picture("png")).decode(),
        }


class Part(NamedTuple):
    """The middle and the size of a piece; arrows join the middles of its sides."""

    x: float
    y: float
    width: float
    height: float

    @property
    def left(self) -> Place:
        """The middle of its left side."""
        return self.x - self.width / 2, self.y

    @property
    def right(self) -> Place:
        """The middle of its right side."""
        return self.x + self.width / 2, self.y

    @property
    def top(self) -> Place:
        """The middle of its upper side."""
        return self.x, self.y + self.height / 2

    @property
    def bottom(self) -> Place:
        """The middle of its lower side."""
        return self.x, self.y - self.height / 2


def sheet(height: float) -> tuple[Diagram, Axes]:
    """An empty diagram, and axes over all of it that count in inches."""
    figure = Diagram(height)
    paper = figure.add_axes((0, 0, 1, 1), xlim=(0, WIDTH), ylim=(0, height))
    paper.axis("off")
    return figure, paper


def box(
    paper: Axes,
    part: Part,
    name: str,
    label: str = "",
    image: npt.NDArray | None = None,
) -> Part:
    """Numbers: a rounded white box with their name, or with a picture of them.

    Args:
        paper: axes in inches.
        part: where the box stands.
        name: a formula, in the box or else below the picture.
        label: words below, or none.
        image: (height, width) in [0, 1], or none.
    """
    rounded(paper, part)
    x, y, width, height = part
    foot = y - height / 2
    if image is None:
        write(paper, (x, y), name, FORMULA)
        write(paper, (x, foot - 0.38), label)
        return part
    right, up = width / 2 - 0.08, height / 2 - 0.08
    shown = paper.imshow(
        image,
        vmin=0,
        vmax=1,
        extent=(x - right, x + right, y - up, y + up),
        aspect="auto",
        interpolation="none",  # an SVG keeps the picture's own pixels
    )
    shown.set_zorder(2)
    write(paper, (x, foot - 0.36), name, FORMULA)
    write(paper, (x, foot - 0.68), label)
    return part


def network(
    paper: Axes,
    middle: Place,
    heights: tuple[float, float],
    name: str,
    weights: str,
    width: float = 1.15,
) -> Part:
    """A network: a grey trapezoid.

    Args:
        paper: axes in inches.
        middle: where it stands.
        heights: of its left and its right side.
        name: words.
        weights: the formula of its parameters.
        width: from its left to its right side.
    """
    part = Part(*middle, width, max(heights))
    (left, y), (right, _) = part.left, part.right
    near, far = heights[0] / 2, heights[1] / 2
    corners = [(left, y - near), (left, y + near), (right, y + far), (right, y - far)]
    paper.add_patch(Polygon(corners, facecolor="0.92", edgecolor="black", lw=LINE))
    write(paper, (part.x, y + 0.17), name)
    write(paper, (part.x, y - 0.18), weights, FORMULA)
    return part


def draw(paper: Axes, middle: Place, name: str, radius: float = 0.36) -> Part:
    """A random draw: a circle with two rims and its formula."""
    for rim in (radius, radius - 0.06):
        circle = Circle(middle, rim, facecolor="white", edgecolor="black", lw=LINE)
        circle.set_zorder(2)
        paper.add_patch(circle)
    write(paper, middle, name, FORMULA)
    return Part(*middle, 2 * radius, 2 * radius)


def compute(paper: Axes, start: Place, end: Place, colour: str = "black") -> None:
    """An arrow from what is given to what is computed from it."""
    paper.add_patch(
        FancyArrowPatch(
            start, end, arrowstyle="-|>", mutation_scale=18, color=colour, lw=LINE
        )
    )


def gradient(
    paper: Axes,
    start: Place,
    end: Place,
    color: str = BACKWARDS,
    bend: float = -0.45,
) -> None:
    """The way of a gradient: an arc in colour, dashed, its head whole.

    Args:
        paper: axes in inches.
        start: where it comes from, for example the loss.
        end: where it leads.
        color: of whoever learns from it.
        bend: how far the arc leaves the straight way, to the left if negative.
    """
    arc: dict[str, Any] = {"connectionstyle": f"arc3,rad={bend}", "color": color}
    shaft = FancyArrowPatch(start, end, arrowstyle="-", shrinkA=4, shrinkB=14, **arc)
    shaft.set(linestyle=(0, (2.2, 1.1)), linewidth=3)
    head = FancyArrowPatch(start, end, arrowstyle="-|>", shrinkA=4, shrinkB=3, **arc)
    head.set(mutation_scale=26, linewidth=0)
    paper.add_patch(shaft)
    paper.add_patch(head)


def measure(paper: Axes, part: Part, formula: str, words: str, height: float) -> None:
    """A term of a loss, tied to the place where it is measured.

    Draw it before what stands on its blue ground.

    Args:
        paper: axes in inches.
        part: the ground.
        formula: the term.
        words: what it asks for.
        height: of the words; the formula is above them.
    """
    rounded(paper, part, "#E3EEF7", MEASURED)
    line(paper, part.top, (part.x, height - 0.2), MEASURED, LINE)
    write(paper, (part.x, height), words, color=MEASURED)
    write(paper, (part.x, height + 0.34), formula, FORMULA, color=MEASURED)


def write(
    axes: Axes,
    place: Place,
    text: str,
    size: float = WORDS,
    ha: str = "center",
    color: str = "black",
) -> None:
    """Words or a formula, with the middle or an end at a place."""
    axes.text(*place, text, fontsize=size, ha=ha, va="center", color=color)


def heading(paper: Axes, place: Place, text: str, ha: str = "left") -> None:
    """Words above a part of a diagram."""
    paper.text(*place, text, fontsize=HEADING, ha=ha, va="center", weight="bold")


def line(paper: Axes, start: Place, end: Place, color: str, width: float) -> None:
    """A line that is no arrow."""
    x, y = zip(start, end, strict=True)
    paper.plot(x, y, color=color, linestyle="-", linewidth=width)


def rounded(paper: Axes, part: Part, face: str = "white", edge: str = "black") -> None:
    """A ground with round corners."""
    corner = part.left[0], part.bottom[1]
    style = "round,pad=0,rounding_size=0.12"
    ground = FancyBboxPatch(corner, part.width, part.height, style)
    ground.set(facecolor=face, edgecolor=edge, linewidth=LINE)
    paper.add_patch(ground)
