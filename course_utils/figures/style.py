"""Arrays or a History in, a matplotlib Figure out.

Figures are closed before they are returned: a notebook shows one when it is the last
expression of a cell, and nothing is drawn twice. Colours are Okabe and Ito's, which
colour-blind readers can tell apart; each line has a dash pattern or marker of its own
too, for greyscale.
"""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import matplotlib.pyplot as plt
import numpy as np
import numpy.typing as npt
from cycler import cycler
from matplotlib.figure import Figure

if TYPE_CHECKING:
    from matplotlib.typing import RcKeyType  # new in Matplotlib 3.11

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")


DASHES = ("-", "--", "-.", ":", (0, (5, 1)), (0, (3, 1, 1, 1)), (0, (1, 1)))


STYLE: "dict[RcKeyType, Any]" = {
    "axes.grid": True,
    "axes.labelsize": 14,
    "axes.prop_cycle": cycler(color=COLOURS) + cycler(linestyle=DASHES),
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": 15,
    "figure.autolayout": True,
    "figure.dpi": 100,
    "figure.figsize": (9, 4.5),
    "font.size": 13,
    "grid.alpha": 0.3,
    "image.cmap": "gray",
    "legend.fontsize": 13,
    "lines.linewidth": 2.2,
    "savefig.dpi": 100,
}
# Fitting the margins takes as long as all the rest: `PLACED` has them set by hand.
PLACED: "dict[RcKeyType, Any]" = STYLE | {"figure.autolayout": False}
LARGE: "dict[RcKeyType, Any]" = PLACED | {"font.size": 14}
GRIDLESS: "dict[RcKeyType, Any]" = STYLE | {"axes.grid": False}
BARE: "dict[RcKeyType, Any]" = PLACED | {"axes.grid": False}


def use_course_style() -> None:
    """Make figures of this session large enough for the back of a hall."""
    plt.rcParams.update(STYLE)


def number(value: float, digits: int = 2) -> str:
    """A number for a picture, with a true minus and no minus zero.

    Takes a tensor of one element too: lessons hand over what they computed.
    """
    return f"{round(float(value), digits) + 0.0:.{digits}f}".replace(
        "-", "\N{MINUS SIGN}"
    )


def tile(
    images: npt.NDArray, columns: int, gap: int = 2, background: float = 1.0
) -> npt.NDArray[np.float32]:
    """Images side by side in one array, row after row.

    Args:
        images: (n, height, width, channels) in [0, 1].
        columns: images in a row.
        gap: pixels between images.
        background: value of gaps and empty places.

    Returns:
        (rows * (height + gap) - gap, columns * (width + gap) - gap, channels).
    """
    n, height, width, channels = images.shape
    rows = math.ceil(n / columns)
    shape = (rows, height + gap, columns, width + gap, channels)
    canvas = np.full(shape, background, dtype=np.float32)
    for i, image in enumerate(images):
        row, column = divmod(i, columns)
        canvas[row, :height, column, :width] = image
    canvas = canvas.reshape(rows * (height + gap), columns * (width + gap), channels)
    return canvas[: canvas.shape[0] - gap, : canvas.shape[1] - gap]


def mosaic(
    images: npt.NDArray,
    columns: int = 10,
    title: str = "",
    row_labels: Sequence[str] = (),
    column_labels: Sequence[str] = (),
) -> Figure:
    """Images in one picture.

    Args:
        images: (n, height, width, channels) in [0, 1].
        columns: images in a row.
        title: above the picture.
        row_labels: one for each row, or none.
        column_labels: one for each column, or none.
    """
    gap = 2
    picture = tile(images, columns, gap)
    height, width = (size + gap for size in images.shape[1:3])
    inches = 9 / picture.shape[1]
    with plt.rc_context(STYLE | {"axes.grid": False}):
        figure, axes = plt.subplots(figsize=(9, picture.shape[0] * inches + 0.6))
        axes.imshow(picture.squeeze(), vmin=0, vmax=1, interpolation="nearest")
        axes.set_title(title)
        axes.set_xticks(width * np.arange(len(column_labels)) + width / 2)
        axes.set_xticklabels(column_labels)
        axes.set_yticks(height * np.arange(len(row_labels)) + height / 2)
        axes.set_yticklabels(row_labels)
        axes.tick_params(length=0)
        for spine in axes.spines.values():
            spine.set_visible(False)
    plt.close(figure)
    return figure
