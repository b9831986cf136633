"""Draw the frames of a player: a control's picture at the places of a grid.

It runs in the lesson's own kernel, right after the cell that shows the controls, and
calls what a moved slider calls. Frames are WebP with few colours, since all of a page
must stay below a megabyte; their words are what the picture itself says in its titles
and labels.
"""

import io
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import ipywidgets
import numpy as np
from matplotlib.figure import Figure
from pictures import with_palette
from PIL import Image

from course_utils.widgets.frame import Explorer

COLOURS = 32
PLACES = {
    1: 41,
    2: 9,
}  # of each slider, by their number; more of them stay where they are
Choice = tuple[str, Any]  # what a reader sees, and the value


def draw(explorer: Explorer, folder: Path, grid: Mapping[str, Sequence]) -> None:
    """Write all frames of a live picture to a folder, and `player.json` last.

    Args:
        explorer: the live picture with its controls.
        folder: made here.
        grid: values for some controls; the others get places of their own choice.
    """
    folder.mkdir(parents=True, exist_ok=True)
    values = {name: places(explorer, name, grid) for name in explorer.controls}
    words = []
    for number, chosen in enumerate(product(*values.values())):
        arguments = {n: c[1] for n, c in zip(values, chosen, strict=True)}
        figure = explorer.draw(**arguments)
        save(figure, folder / f"{number:03d}.webp")
        words.append("; ".join(words_of(figure)))
    controls = explorer.controls
    axes = [
        axis(controls[name], choices)
        for name, choices in values.items()
        if len(choices) > 1
    ]
    content = {"axes": axes, "words": words}
    (folder / "player.json").write_text(json.dumps(content), encoding="utf-8")


def places(explorer: Explorer, name: str, grid: Mapping[str, Sequence]) -> list[Choice]:
    """The values that a control takes in the player."""
    control = explorer.controls[name]
    every = choices_of(control)
    if name in grid and not every:
        return [(number(value), value) for value in grid[name]]
    if name in grid:
        return [(label, value) for label, value in every if value in grid[name]]
    if every:
        return every
    sliders = [c for c in explorer.controls.values() if not choices_of(c)]
    count = PLACES.get(len(sliders), 1)
    return [(number(value), value) for value in thinned(control, count)]


def number(value: float) -> str:
    """A number for a reader, with a true minus."""
    return f"{value:g}".replace("-", "\N{MINUS SIGN}")


def choices_of(control: ipywidgets.Widget) -> list[Choice]:
    """The options of a list to choose from; none for a slider over numbers."""
    return [
        option if isinstance(option, tuple) else (str(option), option)
        for option in getattr(control, "options", ())
    ]


def thinned(control: ipywidgets.FloatSlider, count: int) -> list[float]:
    """Some of a slider's values, from end to end, with the first one among them."""
    if count == 1:
        return [control.value]
    even = np.linspace(control.min, control.max, count)
    steps = np.round((even - control.min) / control.step)
    values = control.min + steps * control.step
    values[np.abs(values - control.value).argmin()] = control.value
    return [round(float(value), 9) for value in np.unique(values)]


def axis(control: ipywidgets.Widget, choices: list[Choice]) -> dict[str, Any]:
    """What the player needs to know about one control."""
    is_list = isinstance(control, ipywidgets.Dropdown)
    distance = [value == control.value for _, value in choices]
    return {
        "label": control.description,
        "kind": "choice" if is_list else "slider",
        "values": [label for label, _ in choices],
        "first": distance.index(True),
    }


def save(figure: Figure, path: Path) -> None:
    """Write a figure with few colours."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    few = with_palette(Image.open(buffer), COLOURS)
    few.convert("RGB").save(path, "webp", lossless=True, method=6)


def words_of(figure: Figure) -> Iterator[str]:
    """The titles and labels in a figure, each as one line."""
    for axes in figure.axes:
        titles = [axes.get_title(place) for place in ("left", "center", "right")]
        for text in (*titles, *(label.get_text() for label in axes.texts)):
            line = ", ".join(" ".join(part.split()) for part in text.splitlines())
            if line:
                yield re.sub(r"[${}\\]", "", line)
