"""Calling what a student wrote: with care, for a limited time, and with its errors."""

import linecache
import signal
import sysconfig
import threading
import time
import traceback
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

# For one call, unless an exercise says otherwise: of the processor's time that the
# calling thread takes, which neither a busy machine nor a framework's own threads
# stretch. By the clock on the wall it may be so many times longer, since code may wait.
SECONDS, PATIENCE = 5.0, 6.0
POLL = 0.1  # seconds from one look at the clocks to the next

NOTHING = "Put your code in place of the dots, and return what is asked for."
_COURSE = Path(__file__).parents[1]
_LIBRARIES = [
    Path(sysconfig.get_path(name)) for name in ("stdlib", "purelib", "platlib")
]


class NotYet(AssertionError):
    """An answer that is not right yet; the text says what to look at."""

    def _render_traceback_(self) -> list[str]:
        """What IPython shows: the sentence, no line of the check."""
        return str(self).splitlines()


class OutOfTime(BaseException):
    """The answer took too long; not caught by an answer's `except Exception`."""


class Refusal(Exception):
    """Why something that came cannot be compared at all.

    Attributes:
        kind: one word for it; a slip with the same one is the likely cause.
        sentence: the same for a student.
        hint: if there is a better one than the exercise's own; empty for none at all.
    """

    def __init__(self, kind: str, sentence: str, hint: str | None = None) -> None:
        super().__init__(sentence)
        self.kind, self.sentence, self.hint = kind, sentence, hint


def called(
    function: Any, words: str, arguments: Iterable[Any], seconds: float | None = SECONDS
) -> Any:
    """What a student's function returns.

    Args:
        function: of the student, or what came in its place.
        words: the arguments in words, as in "two rows of three numbers".
        arguments: handed to it as they are.
        seconds: of the processor's time, after which it is stopped; None for no limit.

    Raises:
        Refusal: it is no function, it raises, it returns nothing, or it takes too long.
    """
    if function is None or function is ...:
        raise nothing("nothing came yet.")
    if not callable(function):
        came = f"a function is wanted here, and {in_words(function)} came."
        raise Refusal("no function", came)
    try:
        with np.errstate(all="ignore"), _time_limit(seconds):
            value = function(*arguments)
    except NotImplementedError:
        value = None
    except OutOfTime:
        sentence = f"no answer for a long time (tried with {words})."
        raise Refusal("time", sentence, "Does a loop never end?") from None
    except Refusal:  # of the right function's helpers, and of a look at what came
        raise
    except (Exception, SystemExit) as error:
        kind = type(error).__name__
        sentence = f"with {words} it stops with {kind}: {_shortened(error)}"
        raise Refusal(kind, sentence + _line_of(error)) from None
    if value is None or value is ...:
        raise nothing("nothing came back yet.")
    return value


def nothing(sentence: str) -> Refusal:
    """An exercise that was not begun: no hint may spoil it."""
    return Refusal("nothing", f"{sentence} {NOTHING}", "")


def as_numbers(what: str, value: Any) -> Array:
    """A value of any framework as numbers, a copy.

    Raises:
        Refusal: it holds no numbers.
    """
    try:
        detached = value.detach().cpu() if hasattr(value, "detach") else value
        return np.asarray(detached, np.float64).copy()
    except Exception:  # whatever a student's object may raise
        sentence = f"numbers are wanted for {what}, and {in_words(value)} came."
        raise Refusal("no numbers", sentence) from None


def in_words(value: Any) -> str:
    """What kind of thing came."""
    kind = type(value)
    text = f"{kind.__module__}.{kind.__name__}".removeprefix("builtins.")
    return f"a value of type {text}"


@contextmanager
def _time_limit(seconds: float | None) -> Iterator[None]:
    """Raise `OutOfTime` inside when time is up; no limit where there is no timer."""
    main = threading.current_thread() is threading.main_thread()
    if seconds is None or not (main and hasattr(signal, "setitimer")):
        yield
        return
    work, begin = time.thread_time(), time.monotonic()

    def look_at_the_clocks(signum: int, frame: FrameType | None) -> None:
        """Raised again and again, should an answer catch even this."""
        worked, waited = time.thread_time() - work, time.monotonic() - begin
        if worked > seconds or waited > PATIENCE * seconds:
            raise OutOfTime

    handler = signal.signal(signal.SIGALRM, look_at_the_clocks)
    timer = signal.setitimer(signal.ITIMER_REAL, POLL, POLL)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, signal.SIG_DFL if handler is None else handler)
        signal.setitimer(signal.ITIMER_REAL, *timer)


def _line_of(error: BaseException) -> str:
    """The student's own line at which an error came up, if there is one."""
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if _is_a_students(frame.filename):
            text = linecache.getline(frame.filename, frame.lineno or 0).strip()
            return f" (line {frame.lineno}: {text[:100]})"
    return ""


def _is_a_students(filename: str) -> bool:
    path = Path(filename)
    foreign = any(path.is_relative_to(folder) for folder in [_COURSE, *_LIBRARIES])
    return not foreign and not filename.startswith("<frozen")


def _shortened(error: BaseException) -> str:
    lines = str(error).splitlines() or ["(no message)"]
    return lines[0][:200]
