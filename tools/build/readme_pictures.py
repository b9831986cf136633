"""Copy pictures of results/README.md out of the lessons as saved: they stay true.

python tools/build/readme_pictures.py          of the lessons
python tools/build/readme_pictures.py --site   of the site that `make site` built,
                                               which needs Playwright and Chromium
"""

import base64
import shutil
import sys
from pathlib import Path

import nbformat
from pictures import with_few_colours

from course_utils.records.files import replacing

ROOT = Path(__file__).parents[2]
# A lesson, words of the cell that draws the picture, and the file it goes to.
PICTURES = [
    ("03_vae_pytorch", '"decoded"]', "reconstructions.png"),
    ("02_reparameterization", "held-out ELBO (nats per image)", "estimators.png"),
    ("07_mode_collapse", "in film.items()", "collapse.png"),
]
SITE_PAGE = "06_game_settles.html"


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


def site_picture(page: str) -> bytes:
    """A page of the built site, as a window of a laptop shows it."""
    from playwright.sync_api import sync_playwright

    address = (ROOT / "build" / "site" / "html" / page).resolve().as_uri()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"))
        window = browser.new_page(viewport={"width": 1280, "height": 800})
        window.goto(address)
        window.wait_for_timeout(1_000)  # formulas and pictures are set
        png = window.screenshot()
        browser.close()
    return with_few_colours(png)


def main() -> None:
    """Write what the command line asks for."""
    folder = ROOT / "results" / "pictures"
    if "--site" in sys.argv[1:]:
        found = {"site.png": site_picture(SITE_PAGE)}
    else:
        found = {name: picture_of(lesson, words) for lesson, words, name in PICTURES}
    for name, png in found.items():
        with replacing(folder / name) as temporary:
            temporary.write_bytes(png)


if __name__ == "__main__":
    main()
