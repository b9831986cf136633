"""Hold links to Colab and Binder, and first cells, to the address in pyproject.toml.

    python tools/build/addresses.py          write them anew (after a release)
    python tools/build/addresses.py --check  name the files that differ, and fail

A fork changes `Repository` under [project.urls] and runs this once. The address may be
spelt in any way that git takes, but has to be on GitHub: Colab opens nothing else.
Lessons, deeper pages and solutions have a line of links under the title (words, since
badges are broken pictures without a network), and a first code cell, folded and tagged
`colab`, that fetches the course where Colab has opened nothing but the notebook. The
README has badges, the address to clone, and that of the site on GitHub's pages.
"""

import argparse
import re
import sys
import tomllib
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path

import jupytext
import nbformat
from cells import fold_on_colab, tags
from course_files import course_files, notebook_of, read
from jupytext.config import load_jupytext_config
from nbformat import NotebookNode, v4

from course_utils.records.files import replacing

ROOT = Path(__file__).parents[2]
# Where students open what lies in a folder of scripts.
FOLDERS = {
    "scripts": "notebooks",
    "deeper": "notebooks/deeper",
    "solutions": "notebooks/exercises",
    "projects": "notebooks/projects",
}
TO_PRINT = "_on_a_page"  # sheets without room, and without links
LINKS = re.compile(r"^Open in \[Colab\].*$", re.M)
BADGES = re.compile(r"^\[!\[Open in Colab\].*$", re.M)
CLONED = re.compile(r"(?<=git clone --depth 1 )[^\s`]+")
SITE = re.compile(r"https://[\w-]+\.github\.io/[\w.-]+/")
COLAB_IMAGE = "https://colab.research.google.com/assets/colab-badge.svg"
BINDER_IMAGE = "https://mybinder.org/badge_logo.svg"
# Of https, of ssh in both of its spellings, with or without a user's name.
HOST = re.compile(
    r"(\w[\w+.-]*://)?([^@/]+@)?(?P<host>[\w.-]+)(:\d+(?=/))?([/:]|$)", re.A
)
OWNER_AND_NAME = re.compile(r"/*([a-z\d][\w-]*)/([\w.-]+)", re.A | re.I)
WANTED = """\
pyproject.toml needs a line `Repository = "https://github.com/owner/name"` under
[project.urls], the public repository on GitHub that readers are to open: """
FIRST_CELL = """\
# On Colab: fetch the course, install it, go to its folder. Elsewhere: nothing.
import importlib.util
import os
import shutil
import subprocess
import sys

if "google.colab" in sys.modules:
    address, tag = "{address}", "{tag}"
    course, half = "/content/course", "/content/half-a-course"
    if not os.path.exists(f"{{course}}/pyproject.toml"):
        shutil.rmtree(half, ignore_errors=True)
        clone = ["git", "clone", "--quiet", "--depth=1", "--branch", tag, address]
        subprocess.run([*clone, half], check=True)
        os.rename(half, course)
    os.chdir(f"{{course}}/{folder}")
    if importlib.util.find_spec("course_utils") is None:
        install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"]
        subprocess.run([*install, course], check=True)
        importlib.invalidate_caches()"""


def github_address(address: str) -> str:
    """https://github.com/owner/name, in whichever way it was spelt.

    Raises:
        ValueError: it is on another host, or names no repository.
    """
    plain = re.sub(r"[?#].*", "", address.strip()).rstrip("/").removesuffix(".git")
    host = HOST.match(plain)
    if not host or not re.fullmatch(r"((www|ssh)\.)?github\.com", host["host"], re.I):
        raise ValueError(
            f"{WANTED}{address!r} is no address on GitHub, and Colab opens "
            "notebooks of GitHub alone. Keep a copy there and name that."
        )
    found = OWNER_AND_NAME.fullmatch(plain, host.end())
    if not found or not found[2].strip("."):
        raise ValueError(f"{WANTED}{address!r} lacks an owner and a name, or has more.")
    return f"https://github.com/{found[1]}/{found[2]}"


def address_and_tag() -> tuple[str, str]:
    """The repository's address, and the tag of the release that it is at.

    Raises:
        ValueError: pyproject.toml has none that Colab could open.
    """
    try:
        content = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"pyproject.toml cannot be read: {error}") from None
    project = content.get("project", {})
    urls = project.get("urls", {})
    entry = {label.lower(): str(url) for label, url in urls.items()}.get("repository")
    if not entry or not entry.strip():
        raise ValueError(
            f"{WANTED}it has none (its entries: {', '.join(urls) or 'none'})."
        )
    if "version" not in project:
        raise ValueError("pyproject.toml needs a version under [project]: Colab's tag.")
    return github_address(entry), f"v{project['version']}"


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
    """Give a notebook its links and its first cell.

    Args:
        notebook: changed in place.
        name: file name without its suffix.
        folder: of what students open: for a solution, that of its exercise.
    """
    line, cell = links(f"{folder}/{name}.ipynb"), first_cell(folder)
    linked = next((c for c in notebook.cells if LINKS.search(c.source)), None)
    if linked:
        linked.source = LINKS.sub(line, linked.source)
    else:
        title = notebook.cells[0]
        title.source = title.source.replace("\n", f"\n\n{line}\n", 1)
    code = [c for c in notebook.cells if c.cell_type == "code"]
    first = next((c for c in code if "colab" in tags(c)), None)
    if first:
        first.source = cell.source
        first.metadata["jupyter"] = cell.metadata["jupyter"]
    else:
        # before the prose that leads to the first code cell, unless that is the title
        notebook.cells.insert(max(1, notebook.cells.index(code[0]) - 1), cell)


def different() -> list[tuple[Path, str]]:
    """Files with other addresses than pyproject.toml, and what they should be.

    Whatever else was changed in a notebook (a note, an output) is not looked at.

    Raises:
        ValueError: a file cannot be read, or pyproject.toml has no address.
    """
    scripts = course_files(ROOT / "notebooks" / "scripts", ".py")
    found = [f for script in scripts for f in different_of(script)]
    readme = ROOT / "README.md"
    before = readme.read_text(encoding="utf-8")
    address, _ = address_and_tag()
    owner, name = address.split("/")[-2:]
    after = BADGES.sub(badges("notebooks/00_start_here.ipynb"), before, count=1)
    after = CLONED.sub(address, after)
    after = SITE.sub(f"https://{owner.lower()}.github.io/{name}/", after)
    return [*found, (readme, after)] if after != before else found


def folder_of(script: Path) -> str | None:
    """Where students open what it becomes; None for a page without links."""
    return None if script.stem.endswith(TO_PRINT) else FOLDERS[script.parent.name]


def different_of(script: Path) -> Iterator[tuple[Path, str]]:
    """The same of a script and its notebook."""
    folder = folder_of(script)
    if folder is None:
        return
    for path in (script, notebook_of(script)):
        before = read(path)
        if all(cell.cell_type != "code" for cell in before.cells):
            raise ValueError(f"{path} has no code cell.")
        notebook = deepcopy(before)
        set_addresses(notebook, script.stem, folder)
        if notebook != before:
            yield path, text_of(notebook, path)


def text_of(notebook: NotebookNode, path: Path) -> str:
    """What is written for a script or, with cells counted anew, for a notebook."""
    if path.suffix == ".py":
        config = load_jupytext_config(str(path))
        return jupytext.writes(notebook, "py:percent", config=config)
    settle(notebook, path.stem)
    return nbformat.writes(notebook, version=4) + "\n"


def settle(notebook: NotebookNode, name: str) -> None:
    """Count cells anew and fold the first one, in case that it was added."""
    count = 0
    for position, cell in enumerate(notebook.cells):
        cell.id = f"{name}-{position:03d}"
        fold_on_colab(cell)
        if cell.cell_type == "code":
            count += 1
            cell.execution_count = count
            for output in cell.outputs:
                if output.output_type == "execute_result":
                    output.execution_count = count


def main() -> None:
    """Check or write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args().check
    try:
        wanted = different()
    except ValueError as error:
        sys.exit(str(error))
    if check:
        for path, _ in wanted:
            print(f"{path.relative_to(ROOT)} has other addresses than pyproject.toml.")
        sys.exit("Run `python tools/build/addresses.py`." if wanted else 0)
    for path, text in wanted:
        with replacing(path) as temporary:
            temporary.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
