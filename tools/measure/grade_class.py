"""Grade a class that was made up, and compare with what is known of it.

    python tools/measure/grade_class.py [--students 60] [--jobs 2] [--save]

A student hands in one set: its solution, in which some answers are replaced, by chance,
by right ones that are written otherwise, by nothing, or by wrong ones. These come from
the tests of the checks, and from their tables of slips. Five students mean no good, and
have all answers right. The seed is 0.
"""

import argparse
import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from timing import machine, save_record

from course_utils.checks import grade, sandbox
from course_utils.records import RESULTS

ROOT = Path(__file__).parents[2]
SOLUTIONS = ROOT / "notebooks" / "solutions"
ANSWERS, SCRIPTS = "tests/checks/answers", "notebooks/scripts/solutions"
CHECKS = ROOT / "course_utils" / "checks"
RECORD = RESULTS / "grading.json"
SEED = 0
CALL = re.compile(r"^check_(\w+)\(.*\)$", re.M)
MARK = re.compile(r"^ *# (BEGIN SOLUTION|END SOLUTION|STUB.*)\n", re.M)
# How often an answer is each of these.
KINDS = {"kept": 0.4, "otherwise": 0.2, "nothing": 0.15, "wrong": 0.25}
LOOK_UP = """
import importlib.util, pathlib

def _load(name, path):
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module

for path, text in {files!r}.items():  # as in the repository, which cannot be read here
    pathlib.Path(path).parent.mkdir(parents=True, exist_ok=True)
    pathlib.Path(path).write_text(text)
_answers = _load("answers", pathlib.Path({answers!r}).absolute())
_tables = _load("tables", {tables!r})

def _picked(table, name, check, place):
    found = list(getattr(_answers, table, {{}}).get(check, []))
    if table == "RIGHT":
        return found[place % len(found)] if found else _own
    found = [wrong for wrong, words in found]
    original = getattr(_tables, name)
    for words, wrong in getattr(original, "mistakes", list)():
        found.append(wrong if original.draw else wrong())
    return found[place % len(found)] if found else None
"""
MEANS_NO_GOOD = {
    "never ends": "while True:\n    pass",
    "takes all memory": "x = [bytearray(10**8)]\nwhile True:\n    x.append(x[0] * 2)",
    "leaves": "import os\nos._exit(0)",
    "ends others": "import os, signal\nos.kill(os.getppid(), signal.SIGKILL)",
    "stays": "import subprocess\nsubprocess.Popen(['sleep', '999'])",
}


def code_of(path: Path) -> list[str]:
    """The code cells of a solution, without what marks what students do not get."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    code = ["".join(c["source"]) for c in cells if c["cell_type"] == "code"]
    return [MARK.sub("", cell) for cell in code]


def replaced(cell: str, check: str, kind: str, place: int) -> str:
    """A cell that hands in an answer of another kind than its own.

    Where the tests have no right one, its own stays; where they have no wrong one,
    nothing comes. What the cell defines stays, since later cells may use it.
    """
    name, table = f"check_{check}", {"otherwise": "RIGHT", "wrong": "WRONG"}.get(kind)
    own = re.sub(rf"^{name}\((.*)\)$", r"_own = \1", cell, flags=re.M)
    answer = f"_picked({table!r}, {name!r}, {name}, {place})" if table else "..."
    return f"{own}\n{name}({answer})"


def hand_in(
    path: Path, rng: np.random.Generator, harm: str | None
) -> tuple[list[str], dict[str, int]]:
    """Code cells, and which mark each exercise is to get; all 1 where they do harm."""
    topic = re.sub(r"^\d\d_", "", path.stem)
    cells = [harm] if harm else []
    answers, script = f"{ANSWERS}/{topic}.py", f"{SCRIPTS}/{path.stem}.py"
    files = {name: (ROOT / name).read_text() for name in (answers, script)}
    tables = str(CHECKS / f"{topic}.py")
    cells.append(LOOK_UP.format(files=files, answers=answers, tables=tables))
    due = {}
    for cell in code_of(path):
        for check in CALL.findall(cell):
            drawn = str(rng.choice(list(KINDS), p=list(KINDS.values())))
            kind, place = "kept" if harm else drawn, int(rng.integers(1_000))
            due[f"{topic}.{check}"] = int(kind in ("kept", "otherwise"))
            cell = cell if kind == "kept" else replaced(cell, check, kind, place)
        cells.append(cell)
    return cells, due


def a_class(students: int) -> Iterator[tuple[grade.HandIn, dict[str, int]]]:
    """Hand-ins, and which mark each exercise is to get."""
    rng = np.random.default_rng(SEED)
    paths = sorted(SOLUTIONS.glob("*.ipynb"))
    harms = np.linspace(0, students, len(MEANS_NO_GOOD), endpoint=False).astype(int)
    harmful = dict(zip(harms.tolist(), MEANS_NO_GOOD.values(), strict=True))
    for number in range(students):
        path = paths[number % len(paths)]
        cells, due = hand_in(path, rng, harmful.get(number))
        made = [{"cell_type": "code", "source": cell} for cell in cells]
        name = f"student_{number:02d}"
        content = json.dumps({"cells": made}).encode()
        yield grade.HandIn(name, f"{name}/{path.name}", content), due


def misjudged(known: list[tuple[grade.HandIn, dict[str, int]]]) -> list[dict[str, Any]]:
    """Each exercise that got another mark than it should."""
    return [
        {"notebook": one.name, "exercise": name, "due": mark, "said": said}
        for one, due in known
        for name, mark in due.items()
        if int((said := one.wrong.get(name, grade.NOT_HANDED_IN)) is None) != mark
    ]


def measured(students: int, jobs: int) -> dict[str, Any]:
    """Grade such a class; the record."""
    known = list(a_class(students))
    begin = time.monotonic()
    grade.grade([one for one, _ in known], jobs=jobs, seed=SEED)
    minutes = (time.monotonic() - begin) / 60
    seconds = sorted(one.seconds for one, _ in known)
    marks = [mark for _, due in known for mark in due.values()]
    return {
        "what": "made-up hand-ins of one set each, graded, and compared with what is "
        "known of them",
        "seed": SEED,
        "notebooks": students,
        "mean_no_good": list(MEANS_NO_GOOD)[:students],
        "answers": {"right": sum(marks), "wrong": len(marks) - sum(marks)},
        "misjudged": misjudged(known),
        "minutes": round(minutes, 1),
        "jobs": jobs,
        "seconds_a_notebook": {
            "median": round(float(np.median(seconds)), 1),
            "longest": round(seconds[-1], 1),
        },
        "machine": machine(),
        "not_prevented": sandbox.lacking(),
    }


def main() -> None:
    """Measure, print, and save if asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--students", type=int, default=60)
    parser.add_argument("--jobs", type=int, default=grade.JOBS)
    parser.add_argument("--save", action="store_true", help=f"to {RECORD.name}")
    wanted = parser.parse_args()
    record = measured(wanted.students, wanted.jobs)
    print(json.dumps(record, indent=1))
    if wanted.save:
        save_record(RECORD, record)


if __name__ == "__main__":
    main()
