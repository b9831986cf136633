"""Sliders over pictures: ipywidgets over `figures`.

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
from collections.abc import Callable

import ipywidgets
from matplotlib.figure import Figure

from course_utils.budget import flag


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
    if flag("COURSE_STATIC"):
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
