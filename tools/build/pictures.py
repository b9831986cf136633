"""Pictures with few colours: a third of the size, or less."""

import base64
import io

from nbformat import NotebookNode
from PIL import Image

COLOURS = 256


def with_palette(picture: Image.Image, colours: int, kmeans: int = 0) -> Image.Image:
    """A picture in so many colours, chosen for it.

    Of Pillow's ways to choose, maximum coverage keeps every colour within the fewest
    steps; median cut, the default, forgets the colour of a single dot.

    Args:
        picture: opaque.
        colours: at most 256.
        kmeans: how far the choice is improved afterwards, which helps where colours
            are few.
    """
    opaque = picture.convert("RGB")
    way = Image.Quantize.MAXCOVERAGE
    return opaque.quantize(colours, way, kmeans, dither=Image.Dither.NONE)


def with_few_colours(png: bytes) -> bytes:
    """The same opaque picture in 256 colours at most.

    On the course's pictures each channel stays within 22 of 255, the mean within 1.

    Raises:
        ValueError: a pixel is transparent.
    """
    picture = Image.open(io.BytesIO(png))
    if picture.mode == "P":
        return png
    if picture.convert("RGBA").getextrema()[3] != (255, 255):
        raise ValueError("A saved picture has no transparent pixels: set a background.")
    written = io.BytesIO()
    with_palette(picture, COLOURS).save(written, "PNG", optimize=True)
    return written.getvalue()


def lighten(cell: NotebookNode) -> None:
    """Give the pictures of a cell's outputs few colours."""
    for output in cell.get("outputs", []):
        data = output.get("data", {})
        if "image/png" in data:
            png = base64.b64decode(data["image/png"])
            data["image/png"] = base64.b64encode(with_few_colours(png)).decode()
