"""Make the site, build/site/html: the course as a book that one reads in a browser.

    python tools/build/website.py            all of it
    python tools/build/website.py --stills   without drawing frames that are not kept yet

It reads the stored notebooks and runs none, but for the players: a lesson with controls
is run once, as far as these, and its frames are kept in build/players/ until its code or
the package changes. Needs requirements-site.txt. Nothing in the site asks another server
for anything.
"""

import argparse
import shutil
import sys
from pathlib import Path

import nbformat
import slides
from course_files import read
from sphinx.cmd.build import build_main

from site_parts import contents, players
from site_parts.links import FILES, ROOT, Map
from site_parts.pages import to_page

BUILD = ROOT / "build" / "site"
SOURCE, STATIC, EXTRA = (BUILD / name for name in ("source", "static", "extra"))
HTML = BUILD / "html"
PARTS = Path(__file__).parent / "site_parts"
KATEX = Path(__file__).parent / "slides" / "vendor" / "katex"


def main() -> None:
    """Make what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stills", action="store_true", help="draw no frames")
    stills = parser.parse_args().stills
    shutil.copytree(PARTS / "static", STATIC, dirs_exist_ok=True)
    shutil.copytree(KATEX, STATIC / "katex", dirs_exist_ok=True)
    if "--noslides" not in sys.argv: slides.write(EXTRA / "slides")
    write_source(draw=not stills)
    # a warning is a link that leads nowhere, or words that no reader was meant to see
    options = ["-q", "-W", "--keep-going", "-j", "2", "-c", str(PARTS)]
    options += ["-d", str(BUILD / "doctrees")]
    sys.exit(build_main([*options, str(SOURCE), str(HTML)]))


def write_source(draw: bool) -> None:
    """Write all that Sphinx reads, and remove what it should not read any more."""
    site = contents.site_map()
    written = {put(SOURCE / place, text) for place, text in pages(site, draw).items()}
    for path in site.pictures:
        written.add(SOURCE / FILES / path)
        written_folder = (SOURCE / FILES / path).parent
        written_folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / path, written_folder)
    for path in SOURCE.rglob("*"):
        if path.is_file() and path not in written:
            path.unlink()


def pages(site: Map, draw: bool) -> dict[str, str]:
    """The text of all pages by their places in the source."""
    found = contents.written_pages(site)
    groups = contents.notebooks()
    for path in (path for paths in groups.values() for path in paths):
        place = path.relative_to(contents.NOTEBOOKS).as_posix()
        put(EXTRA / "notebooks" / place, path.read_text(encoding="utf-8"))
        notebook = read(path)
        if players.with_controls(notebook) and path in groups["lessons"]:
            if draw and players.draw_missing(notebook, path.stem):
                print(f"drew the frames of {place}", flush=True)
            players.put_players(notebook, path.stem, "_static", STATIC)
        with_slides = f"slides/{path.stem}.html" if path in groups["lessons"] else ""
        to_page(notebook, path.relative_to(ROOT).as_posix(), site, with_slides)
        found[place] = nbformat.writes(notebook)
    return found


def put(path: Path, text: str) -> Path:
    """Write a file if it differs, so that Sphinx reads anew only what has changed."""
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return path


if __name__ == "__main__":
    main()
