"""Hold links to Colab and Binder, and first cells, to the address in pyproject.toml.

    python tools/addresses.py            write them anew (after a release, in a fork)
    python tools/addresses.py --check    name the files that differ, and fail

A fork changes `Repository` under [project.urls] and runs this once. Lessons and
solutions have a line of links under the title (words, since badges are broken pictures
without a network), and a first code cell, folded and tagged `colab`, that fetches the
course where Colab has opened nothing but the notebook. The README has badges.
"""

import argparse
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import jupytext
import nbformat
from jupytext.config import load_jupytext_config
from nbformat import NotebookNode, v4

from course_utils.files import replacing

ROOT = Path(__file__).parents[1]
NUMBERED = "[0-9][0-9]_*"
LINKS = re.compile(r"^Open in \[Colab\].*$", re.M)
BADGES = re.compile(r"^\[!\[Open in Colab\].*$", re.M)
COLAB_IMAGE = "https://colab.research.google.com/assets/colab-badge.svg"
BINDER_IMAGE = "https://mybinder.org/badge_logo.svg"
FIRST_CELL = """\
# On Colab: fetch the course, once. Elsewhere this does nothing.
import os
import subprocess
import sys

if "google.colab" in sys.modules and not os.path.exists("/content/course"):
    address, tag = "{address}", "{tag}"
    clone = ["git", "clone", "--quiet", "--depth=1", "--branch", tag, address]
    subprocess.run([*clone, "/content/course"], check=True)
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"]
    subprocess.run([*install, "/content/course"], check=True)
    os.chdir("/content/course/{folder}")"""


def address_and_tag() -> tuple[str, str]:
    """The repository's address, and the tag of the release that it is at."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return project["urls"]["Repository"], f"v{project['version']}"


def services(notebook: str) -> tuple[str, str]:
    """Addresses that open a notebook on Colab and on Binder."""
    address, tag = address_and_tag()
    slug = address.removeprefix("https://github.com/")
    return (
        f"https://colab.research.google.com/github/{slug}/blob/{tag}/{notebook}",
        f"https://mybinder.org/v2/gh/{slug}/{tag}?urlpath=lab/tree/{notebook}",
    )


def links(notebook: str) -> str:
    """The line under a notebook's title."""
    colab, binder = services(notebook)
    return f"Open in [Colab]({colab}) or on [Binder]({binder})."


def badges(notebook: str) -> str:
    """The same as pictures."""
    colab, binder = services(notebook)
    return (
        f"[![Open in Colab]({COLAB_IMAGE})]({colab}) "
        f"[![Open on Binder]({BINDER_IMAGE})]({binder})"
    )


def first_cell(folder: str) -> NotebookNode:
    """The code cell that makes Colab ready for a notebook of a folder."""
    address, tag = address_and_tag()
    source = FIRST_CELL.format(address=address, tag=tag, folder=folder)
    metadata = {"tags": ["colab"], "jupyter": {"source_hidden": True}}
    return v4.new_code_cell(source, metadata=metadata)


def set_addresses(notebook: NotebookNode, name: str, folder: str) -> None:
    """Give a lesson or a solution its links and its first cell.

    Args:
        notebook: changed in place.
        name: file name without its suffix.
        folder: of what students open: for a solution, that of its exercise.
    """
    title, line = notebook.cells[0], links(f"{folder}/{name}.ipynb")
    if LINKS.search(title.source):
        title.source = LINKS.sub(line, title.source)
    else:
        title.source = title.source.replace("\n", f"\n\n{line}\n", 1)
    cell = first_cell(folder)
    position = next(i for i, c in enumerate(notebook.cells) if c.cell_type == "code")
    first = notebook.cells[position]
    if "colab" in first.metadata.get("tags", []):
        first.source = cell.source
        first.metadata["jupyter"] = cell.metadata["jupyter"]
    else:
        # before the prose that leads to the first code cell, unless that is the title
        notebook.cells.insert(max(1, position - 1), cell)


def texts() -> Iterator[tuple[Path, str]]:
    """Each file that holds an address, with the text that it should have."""
    for script in sorted((ROOT / "notebooks" / "scripts").rglob(f"{NUMBERED}.py")):
        solution = script.parent.name == "solutions"
        folder = "notebooks/exercises" if solution else "notebooks"
        config = load_jupytext_config(str(script))
        notebook = jupytext.read(script)
        set_addresses(notebook, script.stem, folder)
        yield script, jupytext.writes(notebook, "py:percent", config=config)

        relative = script.relative_to(ROOT / "notebooks" / "scripts")
        path = (ROOT / "notebooks" / relative).with_suffix(".ipynb")
        notebook = nbformat.read(path, as_version=4)
        set_addresses(notebook, script.stem, folder)
        settle(notebook, script.stem)
        yield path, nbformat.writes(notebook, version=4) + "\n"
    readme = ROOT / "README.md"
    start = badges("notebooks/00_start_here.ipynb")
    yield readme, BADGES.sub(start, readme.read_text(encoding="utf-8"), count=1)


def settle(notebook: NotebookNode, name: str) -> None:
    """Count cells anew, in case that one was added."""
    count = 0
    for position, cell in enumerate(notebook.cells):
        cell.id = f"{name}-{position:03d}"
        if cell.cell_type == "code":
            count += 1
            cell.execution_count = count
            for output in cell.outputs:
                if output.output_type == "execute_result":
                    output.execution_count = count


def different() -> list[tuple[Path, str]]:
    """Files with other addresses than pyproject.toml, and what they should be."""
    return [(p, text) for p, text in texts() if p.read_text(encoding="utf-8") != text]


def main() -> None:
    """Check or write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    wanted = different()
    if parser.parse_args().check:
        for path, _ in wanted:
            print(f"{path.relative_to(ROOT)} has other addresses than pyproject.toml.")
        sys.exit("Run `python tools/addresses.py`." if wanted else 0)
    for path, text in wanted:
        with replacing(path) as temporary:
            temporary.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
