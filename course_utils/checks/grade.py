"""Grades a class: python -m course_utils grade FOLDER --csv grades.csv.

A notebook runs, and is judged, in processes of its own (`judge`, `worker`), a few at a
time. What they find becomes a table of ones and zeros, and a page that says what each
student missed. Both are written at the end, when all is known.
"""

import argparse
import csv
import io
import json
import os
import re
import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from zlib import crc32

from course_utils.checks import sandbox
from course_utils.records.files import replacing

SECONDS, MEMORY, JOBS = 600.0, 3.0, 2
LARGEST = 50 << 20  # bytes of a notebook
MARGIN = 60.0  # seconds for a judge to begin and to end
# What hand-ins are called besides their student: "anna_03_vae_pytorch-mine (1)".
SET = r"[\s_-]*(?:(?:\d\d[_-])?(?:{topics}))(?:-mine(?:-\d+)?)?(?:\s*\(\d+\))?$"
CHECK = re.compile(r"^(?:def )?check_\w+", re.M)
TITLE, STUDENT = "# What each student missed", "student"
NOT_HANDED_IN = "was not handed in."


@dataclass
class HandIn:
    """A notebook of a student.

    Attributes:
        student: whose it is.
        name: of the file, from the folder of the class.
        content: read before anything runs; None if it could not be.
        sets: exercises by topic, in order.
        wrong: what is wrong by exercise, None where nothing is.
        notes: sentences on the run.
        seconds: that judging it took.
        failed: whether the grader itself came to no end.
    """

    student: str
    name: str
    content: bytes | None
    sets: dict[str, list[str]] = field(default_factory=dict)
    wrong: dict[str, str | None] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    seconds: float = 0.0
    failed: bool = False


def topics() -> list[str]:
    """Names of all sets: of the files beside this one that hold checks."""
    files = Path(__file__).parent.glob("*.py")
    return [path.stem for path in files if CHECK.search(path.read_text("utf-8"))]


def hand_ins(folder: Path) -> list[HandIn]:
    """All notebooks of a class: in a folder for each student, or all in one.

    Copies that Jupyter keeps are none.
    """
    found = []
    ending = re.compile(SET.format(topics="|".join(topics())))
    for path in sorted(folder.rglob("*.ipynb")):
        parts = path.relative_to(folder).parts
        if any(part.startswith(".") for part in parts) or not path.is_file():
            continue
        student = parts[0] if len(parts) > 1 else ending.sub("", path.stem)
        name = "/".join(parts)
        found.append(HandIn(student or path.stem, name, _content(path)))
    return found


def _content(path: Path) -> bytes | None:
    """What a file holds; of a link nothing, since it may lead to a solution."""
    try:
        is_own = not path.is_symlink() and path.stat().st_size <= LARGEST
        return path.read_bytes() if is_own else None
    except OSError:
        return None


def judged(hand_in: HandIn, seconds: float, memory: float, seed: int) -> HandIn:
    """Have a notebook judged, in a process of its own."""
    if hand_in.content is None:
        hand_in.notes.append("It cannot be read, is too large, or a link.")
        return hand_in
    own = crc32(hand_in.name.encode("utf-8", "surrogateescape"))
    # -P: no module of whatever folder this is called in.
    command = [sys.executable, "-P", "-m", "course_utils.checks.judge"]
    command += [f"--seconds={seconds}", f"--memory={memory}"]
    command += [f"--seed={seed}", f"--own={own}"]
    judge = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
    )
    begin = time.monotonic()
    try:
        said, errors = judge.communicate(hand_in.content, seconds + MARGIN)
    except subprocess.TimeoutExpired:
        judge.kill()
        said, errors = judge.communicate()
    hand_in.seconds = time.monotonic() - begin
    hand_in.failed = judge.returncode != 0
    if hand_in.failed:
        last = errors.decode(errors="replace").strip().splitlines()[-1:]
        why = "".join(last) or f"code {judge.returncode}"
        hand_in.notes.append(f"Its judge did not come to an end ({why}).")
    _listen(hand_in, said)
    return hand_in


def _listen(hand_in: HandIn, said: bytes) -> None:
    """Note what a judge has said; its last line may be cut off."""
    for line in said.decode().splitlines(keepends=True):
        if not line.endswith("\n"):
            break
        kind, *words = json.loads(line)
        if kind == "set":
            hand_in.sets[words[0]] = words[1]
        elif kind == "check":
            hand_in.wrong[words[0]] = words[1]
        else:
            hand_in.notes.append(words[0])


@dataclass
class Class:
    """What was found of a class.

    Attributes:
        notebooks: of all students, judged.
    """

    notebooks: list[HandIn]

    def __post_init__(self) -> None:
        sets = {t: names for one in self.notebooks for t, names in one.sets.items()}
        self.sets = dict(sorted(sets.items()))
        self.exercises = [name for names in self.sets.values() for name in names]
        self.students = sorted({one.student for one in self.notebooks})

    def of(self, student: str) -> list[HandIn]:
        """A student's notebooks."""
        return [one for one in self.notebooks if one.student == student]

    def missed(self, student: str) -> dict[str, str]:
        """What is wrong, by exercise. Of several notebooks of a set the best counts."""
        wrong: dict[str, str] = {}
        for name in self.exercises:
            heard = [one.wrong[name] for one in self.of(student) if name in one.wrong]
            if None not in heard:
                wrong[name] = (heard or [NOT_HANDED_IN])[-1] or NOT_HANDED_IN
        return wrong

    def rows(self) -> Iterable[list]:
        """Of the table."""
        yield [STUDENT, *self.exercises]
        for student in self.students:
            missed = self.missed(student)
            yield [student, *(int(name not in missed) for name in self.exercises)]

    def page(self, remarks: list[str]) -> str:
        """In Markdown; all that comes from students stands as code."""
        lines = [TITLE, "", *(f"{remark}\n" for remark in remarks)]
        for student in self.students:
            count = len(self.exercises) - len(self.missed(student))
            of = f"{count} of {len(self.exercises)}."
            lines += [f"## {_code(student)}", "", of, "", *self._part(student), ""]
        return "\n".join(lines)

    def _part(self, student: str) -> Iterable[str]:
        """What the page says of a student, line by line."""
        for one in self.of(student):
            yield from (f"- {_code(one.name)}: {_code(note)}" for note in one.notes)
        missed = self.missed(student)
        for topic, names in self.sets.items():
            if any(topic in one.sets for one in self.of(student)):
                wrong = {name: missed[name] for name in names if name in missed}
                yield from (
                    f"- {name}: {_code(words)}" for name, words in wrong.items()
                )
            else:
                yield f"- {topic}: no notebook"


def _code(words: str) -> str:
    """Words that are shown as they are, whatever they hold; without the hint."""
    plain = words.split("\nHint:")[0].encode("utf-8", "replace").decode()
    plain = "".join(c if c.isprintable() else " " for c in plain).replace("`", "'")
    return f"`{plain.strip()[:500] or ' '}`"


def remarks(seed: int, seconds: float, memory: float) -> list[str]:
    """How all of it was judged, and what this system could not prevent."""
    limits = f"A notebook had {seconds:g} seconds and {memory:g} GiB."
    lines = [f"Seed {seed}. {limits}"]
    if gaps := sandbox.lacking():
        lines.append(f"This system keeps no student's code from {', '.join(gaps)}.")
    return lines


def grade(
    found: list[HandIn],
    seconds: float = SECONDS,
    memory: float = MEMORY,
    jobs: int = JOBS,
    seed: int = 0,
    report: Callable[[str], None] = print,
) -> Class:
    """Have all notebooks judged, some at a time.

    Args:
        found: the notebooks.
        seconds: for one, by the clock and of the processor.
        memory: in GiB, for all processes of one.
        jobs: how many at a time.
        seed: of all inputs.
        report: gets a line for each notebook.
    """
    with ThreadPoolExecutor(max(1, jobs)) as pool:
        running = pool.map(lambda one: judged(one, seconds, memory, seed), found)
        for count, one in enumerate(running, 1):
            right = sum(wrong is None for wrong in one.wrong.values())
            several = sum(map(len, one.sets.values()))
            line = f"{count}/{len(found)} {one.name}: {right} of {several}"
            report(line.encode("utf-8", "replace").decode())
    return Class(found)


def foreign(path: Path | None, beginning: str) -> bool:
    """Whether there is a file that no grader has written."""
    if path is None or not path.exists():
        return False
    try:
        with path.open(encoding="utf-8") as file:
            return not file.readline().startswith(beginning)
    except (OSError, ValueError):
        return True


def main(arguments: list[str] | None = None) -> int:
    """Grade a folder; the exit code."""
    parser = argparse.ArgumentParser(prog="course_utils grade", description=__doc__)
    parser.add_argument("folder", type=Path, help="with the notebooks of a class")
    parser.add_argument("--csv", type=Path, required=True, help="the table, to write")
    parser.add_argument("--page", type=Path, help="what each missed, to write")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="for a notebook")
    parser.add_argument("--memory", type=float, default=MEMORY, help="for it, in GiB")
    parser.add_argument("--jobs", type=int, default=JOBS, help="notebooks at a time")
    parser.add_argument("--seed", type=int, help="of all inputs; a fresh one if none")
    wanted = parser.parse_args(arguments)
    for path, beginning in ((wanted.csv, STUDENT), (wanted.page, TITLE)):
        if foreign(path, beginning):
            print(f"{path} was not written by this grader: it stays as it is.")
            return 2
    found = hand_ins(wanted.folder)
    if not found:
        print(f"There is no notebook in {wanted.folder}.")
        return 2
    seed = secrets.randbits(32) if wanted.seed is None else wanted.seed
    said = remarks(seed, wanted.seconds, wanted.memory)
    print(*said, sep="\n")
    marks = grade(found, wanted.seconds, wanted.memory, wanted.jobs, seed)
    table = io.StringIO(newline="")
    csv.writer(table).writerows(marks.rows())
    write(wanted.csv, table.getvalue())
    if wanted.page is not None:
        write(wanted.page, marks.page(said))
    if failed := [one.name for one in found if one.failed]:
        print(f"Not judged to the end: {', '.join(failed)}. Look at the page.")
    return int(bool(failed))


def write(path: Path, text: str) -> None:
    """Write a file whole; names of files may hold what is no text."""
    with replacing(path) as temporary:
        temporary.write_bytes(text.encode("utf-8", "backslashreplace"))


if __name__ == "__main__":
    sys.exit(main())
