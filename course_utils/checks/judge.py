"""Judges one student's notebook: python -m course_utils.checks.judge --help.

The notebook comes on standard input and runs in a worker, behind walls. Its answers
are compared here, by the checks of this course and with fresh inputs; nothing of the
student's runs here. What is found is printed as soon as it is known, a line of JSON
each: the exercises of the notebook's sets, then what is wrong with one. The last word
counts.
"""

import argparse
import json
import os
import re
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import redirect_stdout
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np

from course_utils.checks import sandbox, wire
from course_utils.checks.away import GRACE, Away, Lost, TimeOver
from course_utils.checks.check import Check

CELLS = 5  # so many that never end fit into a notebook's time
NOTES, TRIES = 50, 20  # at most: sentences of a notebook, judgements of an exercise
TOPIC = re.compile(r"course_utils\.checks(?:\.| +import +\(?\s*)(\w+)")
# What cells hold that look up answers; a plain search, which nobody needs to fool.
LOOKED_UP = re.compile(
    r"\.right\b|\.slips\b|getsource|BEGIN SOLUTION|solutions/|"
    r"course_utils\.checks\.(?:exercise|worker|judge|wire|away|sandbox|grade)\b"
)


def cells_of(notebook: bytes) -> list[str]:
    """The code of a notebook.

    Raises:
        ValueError: it is none.
    """
    try:
        cells = json.loads(notebook)["cells"]
        code = [cell["source"] for cell in cells if cell["cell_type"] == "code"]
        return ["".join(source) for source in code]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise ValueError("This is no notebook.") from None


def checks_of(cells: list[str]) -> dict[str, dict[str, Check]]:
    """The checks of all sets that cells import from, by their names and the set's.

    They stand in the order of the set.
    """
    found = {}
    for topic in dict.fromkeys(TOPIC.findall("\n".join(cells))):
        if find_spec(f"course_utils.checks.{topic}") is None:
            continue
        if checks := wire.checks_in(topic):
            found[topic] = {f"{topic}.{name}": c for name, c in checks.items()}
    return found


class Sitting:
    """A notebook's answers, judged while it runs.

    A cell or an answer that ends the worker is passed over when all is run once more,
    and what was judged before is not judged again.

    Args:
        cells: code.
        checks: by name, and that by topic.
        seed: of all inputs, several numbers.
        tell: gets the name of an exercise, and what is wrong or None.
        note: gets a sentence about the run.
    """

    def __init__(
        self,
        cells: list[str],
        checks: dict[str, dict[str, Check]],
        seed: tuple[int, ...],
        tell: Callable[[str, str | None], None],
        note: Callable[[str], None],
    ) -> None:
        self._cells, self._topics, self._seed = cells, list(checks), seed
        self._checks = {n: c for several in checks.values() for n, c in several.items()}
        self._tell, self._say = tell, note
        self._notes = 0
        self._place, self._asked = -1, ""
        self._new_from = 0
        self._skipped: set[int] = set()
        self._dropped: set[tuple[int, str]] = set()
        self._tries: Counter[str] = Counter()
        self._stopped: set[int] = set()

    def hold(self, seconds: float, memory: float) -> None:
        """Run the notebook, as often as needed, within a time by the clock."""
        deadline = time.monotonic() + seconds
        while True:
            job = wire.Job(self._cells, self._topics, seconds / CELLS, self._skipped)
            folder = Path(tempfile.mkdtemp())
            worker = Away(folder, memory, deadline, seconds)
            self._place, self._asked = -1, ""
            try:
                worker.tell(job)
                self._attend(worker, job.seconds + GRACE, begin=seconds)
                return
            except (Lost, wire.Garbled) as lost:
                if not self._goes_on(lost):
                    return
            finally:
                worker.stop()
                shutil.rmtree(folder, ignore_errors=True)

    def _attend(self, worker: Away, patience: float, begin: float) -> None:
        """Listen, with another patience until it begins, and judge what comes."""
        said = worker.hear(begin)
        while "end" not in said:
            place = said.get("cell")
            if isinstance(place, int) and place in range(len(self._cells)):
                self._place = place
            elif isinstance(said.get("error"), str) and self._place >= self._new_from:
                self._report_an_error(said["error"][: wire.WORDS])
            elif isinstance(said.get("handed"), str):
                self._judge(worker, said["handed"], said)
                worker.tell(None)
            said = worker.hear(patience)

    def _judge(self, worker: Away, name: str, said: dict[str, Any]) -> None:
        """Judge an answer that was handed in, the last one of each exercise counts."""
        is_old = self._place < self._new_from or (self._place, name) in self._dropped
        if name not in self._checks or is_old or self._tries[name] == TRIES:
            return
        self._asked = name
        self._tries[name] += 1
        # Each try gets inputs of its own: nobody has seen them in the try before.
        own = [*self._seed, crc32(name.encode()), self._tries[name]]
        seed = np.random.SeedSequence(own)
        try:
            check = self._checks[name]
            answer = wire.unpacked(said["value"]) if "value" in said else worker
            wrong = check.what_is_wrong(answer, int(seed.generate_state(1)[0]))
        except Exception as error:  # as of numbers that no honest worker sends
            wrong = f"cannot be judged ({type(error).__name__}: {error})"
        self._tell(name, wrong)
        self._asked = ""

    def _note(self, sentence: str) -> None:
        """Note something of the run, unless there is too much of it."""
        self._notes += 1
        if self._notes <= NOTES:
            self._say(sentence)

    def _report_an_error(self, error: str) -> None:
        """Tell why exercises of a cell were not handed in, or that it took too long."""
        if self._place in self._stopped:
            return
        self._stopped.add(self._place)
        if "was stopped after" in error:
            self._note(f"code cell {self._place + 1} {error}")
        cell = self._cells[self._place] if self._place < len(self._cells) else ""
        for name in self._checks.keys() - self._tries.keys():
            if re.search(rf"\bcheck_{name.split('.')[1]}\(", cell):
                self._tell(name, f"was not handed in: its cell {error}")

    def _goes_on(self, lost: BaseException) -> bool:
        """Whether it is worth while to run the rest; says what went wrong.

        Raises:
            SystemExit: no cell has run, which is no student's fault.
        """
        place = self._new_from = self._place
        if place < 0:
            sys.exit(f"the worker does not begin: {lost}")
        self._note(f"code cell {place + 1}: {lost}")
        if self._asked:
            self._tell(self._asked, f"{lost} when it was asked.")
            self._dropped.add((place, self._asked))
        elif place in self._skipped:
            return False
        else:
            self._skipped.add(place)
        return not isinstance(lost, TimeOver)


def main() -> None:
    """Judge what comes on standard input."""
    parser = argparse.ArgumentParser(
        description="Judge the notebook on standard input."
    )
    parser.add_argument("--seed", type=int, required=True, help="of the class")
    parser.add_argument("--own", type=int, required=True, help="of this notebook")
    parser.add_argument("--seconds", type=float, required=True, help="for all of it")
    parser.add_argument("--memory", type=float, required=True, help="in GiB")
    wanted = parser.parse_args()
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")

    def say(*words: Any) -> None:
        print(json.dumps(words), file=out, flush=True)

    notebook = sys.stdin.buffer.read()
    with open(os.devnull, "w") as nowhere, redirect_stdout(nowhere):
        judge(notebook, wanted, say)


def judge(notebook: bytes, wanted: argparse.Namespace, say: Callable) -> None:
    """Say all that there is to say of a notebook."""
    try:
        cells = cells_of(notebook)
    except ValueError as error:
        return say("note", str(error))
    sandbox.adopt_orphans()
    checks = checks_of(cells)
    if not checks:
        return say("note", "There is no check of this course in it.")
    for topic, several in checks.items():
        say("set", topic, list(several))
    if looked_up := sorted(set(LOOKED_UP.findall("\n".join(cells)))):
        say("note", f"It may have looked up answers: {', '.join(looked_up)}")
    sitting = Sitting(
        cells,
        checks,
        (wanted.seed, wanted.own),
        tell=lambda name, wrong: say("check", name, wrong),
        note=lambda sentence: say("note", sentence),
    )
    return sitting.hold(wanted.seconds, wanted.memory)


if __name__ == "__main__":
    main()
