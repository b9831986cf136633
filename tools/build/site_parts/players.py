"""A control's picture as a player of frames, which works without a kernel.

The frames of a lesson are drawn once, by running it as far as its last control. They
are kept in build/players/ under a hash of all that they may depend on.
"""

import hashlib
import json
import os
import re
import shutil
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

from nbclient import NotebookClient
from nbformat import NotebookNode, v4
from PIL import Image

from site_parts.links import ROOT
from site_parts.pages import FIGURE, plain

KEPT = ROOT / "build" / "players"
SHOWS_CONTROLS = re.compile(
    r"^(?P<name>explore|\w+_explorer|game_player|digit_walk)\(", re.M
)
# Where even places would miss what the lesson speaks of, or be too many.
GRIDS: dict[str, dict[str, Sequence]] = {
    # the posterior of the lesson: mean 0.91, standard deviation 0.62
    "posterior_explorer": {
        "q_mean": (-0.5, 0.0, 0.3, 0.6, 0.9, 1.2, 1.6, 2.0),
        "q_std": (0.3, 0.45, 0.6, 0.65, 0.8, 1.0, 1.3),
    },
    "dirac_explorer": {
        "start": (1.0,),
        "step": (0.1, 0.4, 1.0, 2.0),
        "gamma": (0.0, 0.5),
    },
    "latent_explorer": {
        "z1": (-4.0, -2.5, -1.5, -0.5, 0.5, 1.5, 3.0),
        "z2": (-3.0, -1.5, -0.5, 0.85, 2.0, 3.0),
    },
    "digit_walk": {
        "start": (3,),
        "end": (9,),
        "place": (0.0, 0.16, 0.34, 0.5, 0.66, 0.84, 1.0),
        "scale": (0.3, 0.6, 1.0, 1.5, 2.5, 6.0),
    },
}
DRAW = """\
import sys
from pathlib import Path
sys.path.append({tools!r})
from site_parts.frames import draw
draw(Out[max(Out)], Path({folder!r}), {grid!r})"""


def with_controls(notebook: NotebookNode) -> list[int]:
    """The positions of the cells that show controls."""
    return [
        position
        for position, cell in enumerate(notebook.cells)
        if cell.cell_type == "code" and SHOWS_CONTROLS.search(cell.source)
    ]


def folder_of(notebook: NotebookNode, name: str, number: int) -> Path:
    """Where the frames of a lesson's player are kept, drawn or not."""
    return KEPT / f"{name}-{number}-{fingerprint(notebook)}"


def fingerprint(notebook: NotebookNode) -> str:
    """A hash of a lesson's code, of the package, its weights, and the grids."""
    total = hashlib.sha256(repr(GRIDS).encode())
    for cell in notebook.cells[: with_controls(notebook)[-1] + 1]:
        if cell.cell_type == "code":
            total.update(cell.source.encode())
    package = ROOT / "course_utils"
    files = [*package.rglob("*.py"), *package.rglob("*.safetensors")]
    for path in [*sorted(files), Path(__file__).with_name("frames.py")]:
        if "checks" not in path.parts:
            total.update(path.read_bytes())
    return total.hexdigest()[:12]


def draw_missing(notebook: NotebookNode, name: str) -> bool:
    """Draw a lesson's frames unless they are kept; whether anything was drawn."""
    positions = with_controls(notebook)
    folders = [folder_of(notebook, name, n) for n in range(len(positions))]
    if all((folder / "player.json").exists() for folder in folders):
        return False
    copy = v4.new_notebook(metadata={"kernelspec": dict(notebook.metadata.kernelspec)})
    for position, cell in enumerate(notebook.cells[: positions[-1] + 1]):
        if cell.cell_type != "code":
            continue
        copy.cells.append(v4.new_code_cell(cell.source))
        if position in positions:
            folder = folders[positions.index(position)]
            copy.cells.append(v4.new_code_cell(drawing(cell.source, folder)))
    environment = {k: v for k, v in os.environ.items() if k != "COURSE_STATIC"}
    place = {"metadata": {"path": str(ROOT / "notebooks")}}
    NotebookClient(copy, timeout=None, resources=place).execute(env=environment)
    for old in set(KEPT.glob(f"{name}-*")) - set(folders):
        shutil.rmtree(old)
    return True


def drawing(source: str, folder: Path) -> str:
    """The cell that draws what the cell before it has shown."""
    name = SHOWS_CONTROLS.search(source)["name"]
    return DRAW.format(
        tools=str(ROOT / "tools" / "build"),
        folder=str(folder),
        grid=GRIDS.get(name, {}),
    )


def put_players(notebook: NotebookNode, name: str, static: str) -> None:
    """Put players in front of stills, as far as their frames are kept.

    Args:
        notebook: changed in place.
        name: of the lesson.
        static: the way from its page to the folder that `copy_frames` has filled.
    """
    for number, position in enumerate(with_controls(notebook)):
        kept = folder_of(notebook, name, number)
        if not (kept / "player.json").exists():
            continue
        following = notebook.cells[position + 1 : position + 2]
        found = FIGURE.search(following[0].source) if following else None
        alt = plain(found["words"]) if found else ""
        html = player(kept, f"{static}/players/{name}-{number}", alt)
        for output in notebook.cells[position].outputs:
            if "image/png" in output.get("data", {}):
                output.data["text/html"] = html


def copy_frames(notebook: NotebookNode, name: str, static: Path) -> None:
    """Copy what is kept of a lesson's frames into the site's static files."""
    for number, _ in enumerate(with_controls(notebook)):
        kept = folder_of(notebook, name, number)
        place = static / "players" / f"{name}-{number}"
        shutil.rmtree(place, ignore_errors=True)
        if (kept / "player.json").exists():
            shutil.copytree(kept, place)


def player(kept: Path, folder: str, alt: str) -> str:
    """The HTML of a player, which without JavaScript is its first frame."""
    content = json.loads((kept / "player.json").read_text(encoding="utf-8"))
    first = frame_number(content["axes"])
    with Image.open(kept / f"{first:03d}.webp") as picture:
        width, height = picture.size
    source = f"{folder}/{first:03d}.webp"
    data = json.dumps(content | {"folder": folder}).replace("</", "<\\/")
    return (
        f'<div class="player"><img src="{source}" width="{width}" height="{height}" '
        f'alt="{escape(alt)}"><script type="application/json">{data}</script></div>'
    )


def frame_number(axes: Sequence[Mapping]) -> int:
    """Which frame is shown at first: the last axis runs fastest."""
    number = 0
    for axis in axes:
        number = number * len(axis["values"]) + axis["first"]
    return number
