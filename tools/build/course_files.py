"""Which notebooks and scripts are the course's own, and how they are read.

People keep copies and notes beside the lessons, and earlier versions of the course left
scripts behind. So a file counts if git knows it (`git add` a new one) and, since an
unpacked archive has no git, if its name is spelt as the course's are.

    python tools/build/course_files.py    list the Python files in notebooks/
"""

import re
import subprocess
from pathlib import Path

import jupytext
import nbformat
from nbformat import NotebookNode, ValidationError

ROOT = Path(__file__).parents[2]
SCRIPTS = ROOT / "notebooks" / "scripts"
NAME = re.compile(r"[a-z0-9_]+")  # not "01_elbo-Copy1", "01_elbo (1)", "my notes"
# What nbformat raises, depending on what is there instead.
NO_NOTEBOOK = (ValueError, LookupError, TypeError, AttributeError, ValidationError)
CONFLICT = re.compile(r"^(<{7}|>{7}) ", re.M)


def course_files(folder: Path, suffix: str) -> list[Path]:
    """The course's files under a folder, sorted; what is cut is another's business."""
    found = known_to_git(folder) or sorted(folder.rglob("*"))
    return [
        path
        for path in found
        if path.suffix == suffix
        and path.is_file()
        and NAME.fullmatch(path.stem)
        and not is_cut(path)
        and not any(
            part == "exercises" or part.startswith(".")
            for part in path.relative_to(folder).parts
        )
    ]


def is_cut(path: Path) -> bool:
    """Whether a file lies in notebooks/projects/, cut from a project's solution."""
    folder = path.parent
    return folder.name == "projects" and folder.parent.name != "solutions"


def lessons() -> list[Path]:
    """The scripts of the numbered lessons, in their order."""
    found = course_files(SCRIPTS, ".py")
    return [s for s in found if s.parent == SCRIPTS and re.match(r"\d\d_", s.name)]


def known_to_git(folder: Path) -> list[Path]:
    """The files under a folder that git has; none without git."""
    command = ["git", "-C", str(folder), "ls-files", "-z"]
    try:
        done = subprocess.run(command, capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return []
    names = done.stdout.decode("utf-8", "surrogateescape").split("\0")
    return sorted(folder / name for name in names if name)


def notebook_of(script: Path) -> Path:
    """Where the executed twin of a script lies."""
    scripts = next(p for p in script.parents if p.name == "scripts")
    return scripts.parent / script.relative_to(scripts).with_suffix(".ipynb")


def read(path: Path) -> NotebookNode:
    """A notebook, or a script as a notebook.

    Raises:
        ValueError: the file is none, with its name and what is wrong.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ValueError(f"{path} is missing.") from None
    except UnicodeDecodeError:
        raise ValueError(f"{path} is not in UTF-8.") from None
    if not text.strip():
        raise ValueError(f"{path} is empty.")
    if CONFLICT.search(text):
        raise ValueError(f"{path} has the marks of a git conflict: resolve it first.")
    if path.suffix == ".py":
        return jupytext.read(path)
    try:
        return nbformat.reads(text, as_version=4)
    except NO_NOTEBOOK:
        raise ValueError(f"{path} is not a notebook.") from None


def main() -> None:
    """Print paths from the repository's root, one a line."""
    for path in course_files(ROOT / "notebooks", ".py"):
        print(path.relative_to(ROOT).as_posix())


if __name__ == "__main__":
    main()
