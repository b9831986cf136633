"""Make the site, build/site/html: the course as a book that one reads in a browser.

    python tools/build/website.py            all of it
    python tools/build/website.py --stills   and draw no frames that are not kept yet

It reads the stored notebooks and runs none, but for the players: a lesson with controls
is run once, as far as these, and its frames are kept in build/players/ until its code
or the package changes. Needs requirements-site.txt. Nothing in the site asks another
server for anything.
"""

import argparse
import shutil
import sys
from multiprocessing import Process
from pathlib import Path

import nbformat
import slides
from course_files import read
from nbformat import NotebookNode
from site_parts import contents, players
from site_parts.links import FILES, ROOT, Map
from site_parts.mend import mend
from site_parts.pages import to_page
from sphinx.cmd.build import build_main

BUILD = ROOT / "build" / "site"
SOURCE, STATIC, EXTRA = (BUILD / name for name in ("source", "static", "extra"))
HTML = BUILD / "html"
PARTS = Path(__file__).parent / "site_parts"
KATEX = Path(__file__).parent / "slides" / "vendor" / "katex"
PLAYER = (
    '<link rel="stylesheet" href="../_static/player.css">'
    '<script src="../_static/player.js"></script>'
)


def main() -> None:
    """Make what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stills", action="store_true", help="draw no frames")
    stills = parser.parse_args().stills
    shutil.copytree(PARTS / "static", STATIC, dirs_exist_ok=True)
    shutil.copytree(KATEX, STATIC / "katex", dirs_exist_ok=True)
    write_source(draw=not stills)
    shutil.rmtree(HTML, ignore_errors=True)  # no page of a lesson that is gone
    beside = Process(target=write_slides)
    beside.start()
    # a warning is a link that leads nowhere, or words that no reader was meant to see
    options = ["-q", "-W", "--keep-going", "-c", str(PARTS)]
    options += ["-d", str(BUILD / "doctrees")]
    failed = build_main([*options, str(SOURCE), str(HTML)])
    for page in HTML.rglob("*.html"):
        if page.relative_to(HTML).parts[0] not in {"slides", "_static"}:
            mend(page)
    beside.join()
    sys.exit(failed or beside.exitcode)


def write_slides() -> None:
    """Write the slides, with players, and with links that are right on the site."""
    site = contents.slides_map()

    def prepare(notebook: NotebookNode, name: str) -> None:
        if players.with_controls(notebook):
            players.put_players(notebook, name, "../_static")
        for cell in notebook.cells:
            cell.source = site.on_site(cell.source, f"notebooks/{name}.ipynb")

    slides.write(HTML / "slides", prepare=prepare, head=PLAYER)
    copy_pictures(site, HTML)


def copy_pictures(site: Map, folder: Path) -> set[Path]:
    """Copy what pages show; the copies."""
    copies = {path: folder / FILES / path for path in site.pictures}
    for path, copy in copies.items():
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / path, copy)
    return set(copies.values())


def write_source(draw: bool) -> None:
    """Write all that Sphinx reads, and remove what it should not read any more."""
    site = contents.site_map()
    written = {put(SOURCE / place, text) for place, text in pages(site, draw).items()}
    written |= copy_pictures(site, SOURCE)
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
            players.copy_frames(notebook, path.stem, STATIC)
            players.put_players(notebook, path.stem, "_static")
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
