"""Whether the words on a figure can be read."""

from itertools import combinations

import matplotlib.pyplot as plt
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure


def overlapping_words(figure: Figure) -> list[tuple[str, str]]:
    """Pairs of texts that lie on each other, ticks and legends included."""
    renderer = FigureCanvasAgg(figure).get_renderer()
    figure.draw(renderer)
    hidden = set(map(id, _ticks_outside(figure)))
    boxes = [
        (text.get_text(), text.get_window_extent(renderer))
        for text in figure.findobj(plt.Text)
        if text.get_visible() and text.get_text().strip() and id(text) not in hidden
    ]
    return [
        (one, other)
        for (one, box), (other, beside) in combinations(boxes, 2)
        if box.overlaps(beside)
    ]


def _ticks_outside(figure: Figure) -> list[plt.Text]:
    """Labels of ticks beyond an axis's ends, which are never drawn."""
    return [
        label
        for axes in figure.axes
        for axis in (axes.xaxis, axes.yaxis)
        for tick in axis.get_major_ticks()
        for label in (tick.label1, tick.label2)
        if not min(axis.get_view_interval())
        <= tick.get_loc()
        <= max(axis.get_view_interval())
    ]
