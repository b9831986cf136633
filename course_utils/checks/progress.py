"""How many exercises are solved: in this notebook, and in saved ones.

    python -m course_utils progress [FOLDER]

reads the notebooks of a folder, by default those of notebooks/exercises, and prints a
line a set. It changes nothing, and counts what was printed when a notebook was saved.
"""

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

EXERCISES = Path(__file__).parents[2] / "notebooks" / "exercises"
CALL = re.compile(r"^[ \t]*check_(\w+)\(", re.M)
RIGHT = re.compile(r"^(\w+): right\.$", re.M)
# How the course names copies that somebody has worked in.
COPY = re.compile(r"-mine(-\d+)?$")
# What comes up, depending on what is there instead.
NO_NOTEBOOK = (
    OSError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    RecursionError,
)
SAVED = "Counted as saved: what was solved since does not show before you save."


def solved(checks: ModuleType) -> None:
    """Print how many of a set's exercises are solved in this notebook, and what is not.

    What counts is the last answer that each check got since the notebook was started: a
    right one that was spoilt afterwards is open again.

    Args:
        checks: a module of checks, as `course_utils.checks.elbo`.
    """
    found = [check for name, check in vars(checks).items() if name.startswith("check_")]
    open_ones = [check.name for check in found if not check.solved]
    line = f"{len(found) - len(open_ones)} of {len(found)} solved"
    if not open_ones:
        print(f"{line}.")
        return
    print(
        f"{line}; still open: {', '.join(open_ones)}. The last answer to each counts."
    )


def report(folder: Path) -> str:
    """A table of a folder's sets, or a sentence that says why there is none."""
    if not folder.exists():
        return f"There is no folder {folder}."
    asked, right = defaultdict[str, set](set), defaultdict[str, set](set)
    unread = []
    for path in [folder] if folder.is_file() else sorted(folder.glob("*.ipynb")):
        cells = _cells(path)
        if cells is None:
            unread.append(f"{path.name} is no notebook that can be read.")
            continue
        name = COPY.sub("", path.stem)
        for source, printed in cells:
            asked[name] |= set(CALL.findall(source))
            right[name] |= set(RIGHT.findall(printed))
    sets = {name: (len(right[name]), len(asked[name])) for name in asked if asked[name]}
    if not sets:
        return "\n".join([*unread, f"No notebook in {folder} has an exercise in it."])
    return "\n".join([*_table(sets), *unread, SAVED])


def _table(sets: dict[str, tuple[int, int]]) -> list[str]:
    """A line a set and one for all: how many are solved, of how many."""
    all_of_them = tuple(map(sum, zip(*sets.values(), strict=True)))
    rows = [*sorted(sets.items()), ("all", all_of_them)]
    width = max(len(name) for name, _ in rows) + 2
    lines = [f"{name:<{width}}{count:>6}{of:>5}" for name, (count, of) in rows]
    return [f"{'set':<{width}}solved   of", *lines]


def main(words: list[str]) -> int:
    """Print the progress of a folder, which is named or not; the exit code."""
    if len(words) > 1:
        print("How to call it: python -m course_utils progress [FOLDER]")
        return 2
    here = EXERCISES if EXERCISES.is_dir() else Path.cwd()
    folder = Path(words[0]) if words else here
    try:
        print(report(folder))
    except OSError as error:
        print(f"{folder} cannot be read: {error.strerror}.")
        return 1
    return 0 if folder.exists() else 1


def _cells(path: Path) -> list[tuple[str, str]] | None:
    """The source of each code cell and what it printed; None if that is unreadable."""
    try:
        notebook = json.loads(path.read_text(encoding="utf-8"))
        return [
            (_text(cell["source"]), "\n".join(_printed(cell)))
            for cell in notebook["cells"]
            if cell["cell_type"] == "code"
        ]
    except NO_NOTEBOOK:
        return None


def _printed(cell: dict[str, Any]) -> Iterator[str]:
    for output in cell.get("outputs", []):
        if output.get("name") == "stdout":
            yield _text(output["text"])


def _text(lines: str | list[str]) -> str:
    return lines if isinstance(lines, str) else "".join(lines)
