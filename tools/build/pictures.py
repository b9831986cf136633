"""Pictures of notebooks and README with at most 256 colours, a third of the size."""

import base64
import io

from nbformat import NotebookNode
from PIL import Image

COLOURS = 256


def with_few_colours(png: bytes) -> bytes:
    """The same opaque picture; what has more colours takes the nearest of a palette.

    Of Pillow's ways to choose one, maximum coverage keeps every colour within the
    fewest steps: on the course's pictures each channel within 22 of 255, the mean
    within 1.

    Raises:
        ValueError: a pixel is transparent.
    """
    picture = Image.open(io.BytesIO(png))
    if picture.mode == "P":
        return png
    if picture.convert("RGBA").getextrema()[3] != (255, 255):
        raise ValueError("A saved picture has no transparent pixels: set a background.")
    few = picture.convert("RGB").quantize(
        COLOURS, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE
    )
    written = io.BytesIO()
    few.save(written, "PNG", optimize=True)
    return written.getvalue()


def lighten(cell: NotebookNode) -> None:
    """Give the pictures of a cell's outputs few colours."""
    for output in cell.get("outputs", []):
        data = output.get("data", {})
        if "image/png" in data:
            png = base64.b64decode(data["image/png"])
            data["image/png"] = base64.b64encode(with_few_colours(png)).decode()
