"""Runs a student's notebook, and asks what it hands in whatever a judge wants to know.

    python -m course_utils.checks.worker        (a judge starts it, and speaks first)

Cells run in order, and an error in one does not stop the next. A check that a cell
calls tells nothing: it lets the judge, in another process, ask the answer as long as it
likes. Whatever a student's code may do in here, what the judge sees are numbers.
"""

import json
import os
import pickle
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from typing import IO, Any

from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from course_utils.checks import wire
from course_utils.checks.calls import OutOfTime, Refusal
from course_utils.checks.check import Check
from course_utils.checks.examination import asked
from course_utils.checks.exercise import Exercise

AGAIN = 1.0  # seconds until a cell is interrupted once more
BEGINNING = 300  # characters of an error


class Desk:
    """Where answers are handed in, and questions about them come."""

    def __init__(self, questions: IO[bytes], replies: IO[bytes]) -> None:
        self._questions, self._replies = questions, replies

    def say(self, **words: Any) -> None:
        """Tell the judge."""
        wire.write(self._replies, json.dumps(words).encode())

    def hear(self) -> Any:
        """Wait for what the judge says."""
        return pickle.loads(wire.read(self._questions))

    def hand_in(self, name: str, check: Check, answer: Any) -> None:
        """Answer all that the judge asks about an answer."""
        is_number = isinstance(check, Exercise) and check.draw is None
        if callable(answer) and not is_number:
            self.say(handed=name)
        else:
            self.say(handed=name, value=wire.packed(answer))
        while (question := self.hear()) is not None:
            self.say(**self._reply(check, answer, *question))

    def _reply(self, check: Check, answer: Any, what: str, *question: Any) -> dict:
        try:
            if what == "seen" and isinstance(check, Exercise):
                numbers = check.seen(answer, *question)
                return {"numbers": wire.packed_numbers(numbers)}
            return {"value": wire.packed(asked(answer, *question))}
        except Refusal as refusal:
            return {"refusal": wire.packed_refusal(refusal)}
        except BaseException as error:  # of an odd object that a student made
            kind = type(error).__name__
            odd = Refusal(kind, f"it stops with {kind}: {error}")
            return {"refusal": wire.packed_refusal(odd)}


class Recorder:
    """Stands in a cell where a check was."""

    def __init__(self, desk: Desk, name: str, check: Check) -> None:
        self.name, self.solved = check.name, False
        self._hand_in = lambda answer: desk.hand_in(name, check, answer)

    def __call__(self, answer: Any, seed: int | None = None) -> None:
        """Hand an answer in; whether it is right is not told."""
        with _clock_stopped():
            self._hand_in(answer)


def record(desk: Desk, topic: str) -> None:
    """Put recorders in the place of a set's checks."""
    module = import_module(f"course_utils.checks.{topic}")
    for name, check in wire.checks_in(topic).items():
        setattr(module, f"check_{name}", Recorder(desk, f"{topic}.{name}", check))


def run(job: wire.Job, desk: Desk) -> None:
    """Run the cells, and say which one it is."""
    shell = Shell.instance(config=Config({"HistoryManager": {"enabled": False}}))
    for place, cell in enumerate(job.cells):
        if place in job.skipped:
            continue
        desk.say(cell=place)
        error: BaseException | None = None
        try:
            with _interrupted(job.seconds):
                result = shell.run_cell(cell)
                error = result.error_in_exec or result.error_before_exec
        except OutOfTime as late:
            error = late
        if isinstance(error, OutOfTime):
            desk.say(error=f"was stopped after {job.seconds:.0f} seconds")
        elif error is not None:
            text = f"{type(error).__name__}: {error}"[:BEGINNING]
            desk.say(error=f"stops with {text}")
        if plots := sys.modules.get("matplotlib.pyplot"):
            plots.close("all")
    desk.say(end=True)


class Shell(InteractiveShell):
    """IPython without a terminal, windows, or anybody who reads."""

    system = InteractiveShell.system_raw

    def enable_gui(self, gui: Any = None) -> None:
        """Nothing, as `%matplotlib inline` asks for it."""

    def showtraceback(self, *arguments: Any, **words: Any) -> None:
        """Nothing: IPython's are slow."""


@contextmanager
def _interrupted(seconds: float) -> Iterator[None]:
    """Raise `OutOfTime` inside, again and again, when time is up."""
    if not hasattr(signal, "setitimer"):
        yield
        return

    def stop(*arguments: Any) -> None:
        raise OutOfTime

    signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds, AGAIN)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


@contextmanager
def _clock_stopped() -> Iterator[None]:
    """What a judge asks is no time of the cell's."""
    if not hasattr(signal, "setitimer"):
        yield
        return
    timer = signal.setitimer(signal.ITIMER_REAL, 0)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, *timer)


def main() -> None:
    """Keep the pipes apart from what a student's code reads and prints, and run."""
    questions, replies = (os.fdopen(os.dup(n), m) for n, m in ((0, "rb"), (1, "wb")))
    nowhere = os.open(os.devnull, os.O_RDWR)
    for standard in range(3):
        os.dup2(nowhere, standard)
    desk = Desk(questions, replies)
    with suppress(EOFError):  # the judge has gone
        job = desk.hear()
        for topic in job.topics:
            record(desk, topic)
        run(job, desk)
    os._exit(0)  # threads that a student left do not hold it up


if __name__ == "__main__":
    main()
