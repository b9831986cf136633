"""Saved pictures are small, and look like what was drawn."""

import base64
import io

import matplotlib.pyplot as plt
import numpy as np
import pytest
from course_files import ROOT, course_files, known_to_git, read
from pictures import with_few_colours
from PIL import Image

MOST_MEGABYTES = 40  # of all files of the course


def png_of(pixels: np.ndarray) -> bytes:
    written = io.BytesIO()
    Image.fromarray(pixels).save(written, "PNG")
    return written.getvalue()


def pixels_of(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(int)


def test_a_palette_keeps_every_colour_nearly():
    figure, (left, right) = plt.subplots(1, 2)
    rng = np.random.default_rng(0)
    left.imshow(rng.random((40, 40)), cmap="viridis")
    right.plot(rng.random((50, 4)))
    written = io.BytesIO()
    figure.savefig(written)
    plt.close(figure)
    png = written.getvalue()
    few = with_few_colours(png)
    off = np.abs(pixels_of(few) - pixels_of(png))
    assert len(few) < len(png) / 2
    assert Image.open(io.BytesIO(few)).mode == "P"
    assert off.max() <= 48
    assert off.mean() < 0.5


def test_few_colours_stay_as_they_are():
    rng = np.random.default_rng(0)
    palette = rng.integers(0, 256, (200, 3))
    pixels = palette[rng.integers(0, 200, (60, 60))].astype(np.uint8)
    opaque = np.dstack([pixels, np.full((60, 60), 255, np.uint8)])
    few = with_few_colours(png_of(opaque))
    np.testing.assert_array_equal(pixels_of(few), pixels)
    assert with_few_colours(few) is few


def test_a_transparent_picture_is_refused():
    pixels = np.zeros((4, 4, 4), np.uint8)
    with pytest.raises(ValueError, match="transparent"):
        with_few_colours(png_of(pixels))


@pytest.mark.parametrize("path", course_files(ROOT / "notebooks", ".ipynb"))
def test_saved_pictures_have_few_colours(path):
    for cell in read(path).cells:
        for output in cell.get("outputs", []):
            if "image/png" in output.get("data", {}):
                png = base64.b64decode(output.data["image/png"])
                assert Image.open(io.BytesIO(png)).mode == "P", cell.id


def test_the_course_is_a_small_download():
    sizes = {path: path.stat().st_size for path in known_to_git(ROOT)}
    if not sizes:
        pytest.skip("An unpacked archive does not say which files are the course's.")
    total = sum(sizes.values()) / 1e6
    assert total < MOST_MEGABYTES, sorted(sizes, key=sizes.get)[-5:]
