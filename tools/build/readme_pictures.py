"""Copy pictures of results/README.md out of the lessons as saved: they stay true.

python tools/build/readme_pictures.py
"""

import base64
from pathlib import Path

import nbformat

from course_utils.records.files import replacing

ROOT = Path(__file__).parents[2]
# A lesson, words of the cell that draws the picture, and the file it goes to.
PICTURES = [
    ("03_vae_pytorch", '"decoded"]', "reconstructions.png"),
    ("02_reparameterization", "held-out ELBO (nats per image)", "estimators.png"),
    ("07_mode_collapse", "in film.items()", "collapse.png"),
]


def picture_of(lesson: str, words: str) -> bytes:
    """The PNG that the first cell with these words shows.

    Raises:
        LookupError: no such cell, or it shows no picture.
    """
    notebook = nbformat.read(ROOT / "notebooks" / f"{lesson}.ipynb", as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code" and words in cell.source:
            for output in cell.outputs:
                if "image/png" in output.get("data", {}):
                    return base64.b64decode(output.data["image/png"])
    raise LookupError(f"{lesson} has no picture in a cell with {words!r}.")


if __name__ == "__main__":
    for lesson, words, name in PICTURES:
        with replacing(ROOT / "results" / "pictures" / name) as temporary:
            temporary.write_bytes(picture_of(lesson, words))
