"""Calling what a student wrote: with care, for a limited time, and with its errors."""

import linecache
import os
import re
import signal
import sys
import sysconfig
import threading
import time
import traceback
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from numbers import Real
from operator import attrgetter
from pathlib import Path
from types import FrameType
from typing import Any
from unittest.mock import patch

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

# For one call, unless an exercise says otherwise: of the processor's time that the
# calling thread takes, which neither a busy machine nor a framework's own threads
# stretch. By the clock on the wall it may be so many times longer, since code may wait.
SECONDS, PATIENCE = 5.0, 6.0
POLL = 0.1  # seconds from one look at the clocks to the next

OUT_OF_TIME = "time"  # a kind of refusal
NOTHING = "Put your code in place of the dots, and return what is asked for."
UNTOUCHED = "What is handed in belongs to the caller: leave it as it is."
NO_SEED = "Seeds are the caller's: one set inside changes all the noise that follows."
GIVE_BACK = (
    "What is set for all of a program is the caller's: put it back, or never set it."
)
NO_NUMBERS = {  # by the kind of an array
    "b": "truth values",
    "c": "complex numbers",
    "S": "text",
    "U": "text",
}
# Where the seeds of all of a program are set; Keras's function calls NumPy's.
SEEDERS = (
    ("random", "seed"),
    ("numpy", "random", "seed"),
    ("torch", "manual_seed"),
    ("torch", "random", "manual_seed"),
    ("tensorflow", "random", "set_seed"),
)
# What is set for all of a program: words, the package, who tells it, and who sets it.
SETTINGS = (
    ("PyTorch's switch of gradients", "torch", "is_grad_enabled", "set_grad_enabled"),
    ("PyTorch's default dtype", "torch", "get_default_dtype", "set_default_dtype"),
    ("Keras's floatx", "keras.config", "floatx", "set_floatx"),
    ("Keras's dtype policy", "keras.config", "dtype_policy", "set_dtype_policy"),
    (
        "Keras's layout of images",
        "keras.config",
        "image_data_format",
        "set_image_data_format",
    ),
    (
        "TensorFlow's switch of compiling",
        "tensorflow",
        "config.functions_run_eagerly",
        "config.run_functions_eagerly",
    ),
)
# No student's own lines: the course's, Python's, and what is installed or generated.
_FOLDERS = (
    Path(__file__).parents[1],
    Path(os.__file__).parent,
    Path(sysconfig.get_path("stdlib")),
)
_INSTALLED = {"site-packages", "dist-packages"}
_GENERATED = re.compile(r"<(?!ipython-input)|.*__autograph_generated_file")
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


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
        kind: words for it; a slip with the same ones may be the cause.
        sentence: the same for a student.
        hint: if there is a better one than the exercise's own; empty for none at all.
        numbers: that came all the same, by their words.
    """

    def __init__(
        self,
        kind: str,
        sentence: str,
        hint: str | None = None,
        numbers: dict[str, Array] | None = None,
    ) -> None:
        super().__init__(sentence)
        self.kind, self.sentence, self.hint = kind, sentence, hint
        self.numbers = numbers or {}


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
        Refusal: it is no function, it raises, it returns nothing, it takes too long, or
            it leaves a setting of all of the program changed.
    """
    if function is None or function is ...:
        raise nothing("nothing came yet.")
    if not callable(function):
        came = f"a function is wanted here, and {in_words(function)} came."
        raise Refusal("no function", came)
    with errors_refused(words), _surroundings_kept(), _time_limit(seconds):
        value = function(*arguments)
    if _is_nothing(value):
        raise nothing("nothing came back yet.")
    return value


@contextmanager
def errors_refused(words: str) -> Iterator[None]:
    """Turn whatever a student's code raises into a `Refusal`.

    Args:
        words: what was tried.
    """
    try:
        yield
    except (Refusal, KeyboardInterrupt):  # of a look at what came; of the user
        raise
    except OutOfTime:
        sentence = f"no answer for a long time (tried with {words})."
        raise Refusal(OUT_OF_TIME, sentence, "Does a loop never end?") from None
    except BaseException as error:
        line = line_of(error)
        if _is_a_stub(error):
            raise nothing(f"nothing came yet{line}.") from error
        kind = f"{type(error).__name__}: {_shortened(error)}"
        raise Refusal(kind, f"with {words} it stops with {kind}{line}") from error


def nothing(sentence: str) -> Refusal:
    """An exercise that was not begun: no hint may spoil it."""
    return Refusal("nothing", f"{sentence} {NOTHING}", "")


def _is_a_stub(error: BaseException) -> bool:
    """Whether it says that something is not written yet, or still has dots in it."""
    if isinstance(error, NotImplementedError):
        last = traceback.extract_tb(error.__traceback__)[-1]
        return not str(error) or _is_a_students(last.filename)
    about_types = isinstance(error, TypeError | AttributeError)
    return about_types and "ellipsis" in str(error)


def _is_nothing(value: Any) -> bool:
    """Whether there is nothing where a student's own should be, or in all of it."""
    values = value if isinstance(value, list | tuple) else [value]
    return len(values) > 0 and all(v is None or v is ... for v in values)


def as_numbers(what: str, value: Any, flags: bool = False) -> Array:
    """A value of any framework as numbers, a copy; lists are stacked.

    Args:
        what: it is, in words.
        value: real numbers.
        flags: whether truth values count as numbers.

    Raises:
        Refusal: it holds no numbers.
    """
    if _is_nothing(value):
        raise nothing(f"there is nothing for {what} yet.")
    try:
        array = np.asarray(_detached(value))
        kind = array.dtype.kind
        if kind == "O" and all(isinstance(entry, Real) for entry in array.flat):
            kind = "f"  # as fractions
        numbers = array.astype(np.float64) if kind in "iuf" + "b" * flags else None
    except Exception:  # whatever a student's object may raise
        kind, numbers = "O", None
    if numbers is None:
        came = NO_NUMBERS.get(kind) or _unequal(value) or in_words(value)
        raise Refusal("no numbers", f"numbers are wanted for {what}, and {came} came.")
    return numbers


def _detached(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [np.asarray(_detached(entry)) for entry in value]
    return value.detach().cpu() if hasattr(value, "detach") else value


def _unequal(value: Any) -> str:
    """Words for rows of unequal lengths."""
    rows = value if isinstance(value, list | tuple) else []
    sizes = {len(row) for row in rows if isinstance(row, list | tuple)}
    return "a list of rows of unequal lengths" if len(sizes) > 1 else ""


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


@contextmanager
def _surroundings_kept() -> Iterator[None]:
    """Around an answer nothing warns, and PyTorch's switch of gradients is on."""
    torch = sys.modules.get("torch")
    gradients = nullcontext() if torch is None else torch.enable_grad()
    with np.errstate(all="ignore"), gradients, _settings_kept():
        yield


@contextmanager
def _settings_kept() -> Iterator[None]:
    """Put the settings of all of a program back; refuse whoever leaves them changed."""
    before = _settings()
    try:
        yield
    finally:
        now = _settings()
        changed = [words for words in before if now[words] != before[words]]
        for words, package, _, put in SETTINGS:
            if words in changed:
                attrgetter(put)(sys.modules[package])(before[words])
    if changed:
        raise Refusal("settings", f"{changed[0]} has been changed.", GIVE_BACK)


def _settings() -> dict[str, Any]:
    """Of what is loaded, the value of each setting by its words."""
    return {
        words: attrgetter(tell)(sys.modules[package])()
        for words, package, tell, _ in SETTINGS
        if package in sys.modules
    }


@contextmanager
def no_global_seed() -> Iterator[None]:
    """Refuse whoever sets a seed for all of a program inside."""

    def refuse(*seed: Any, **more: Any) -> None:
        raise Refusal("global seed", "a global seed is set inside.", NO_SEED)

    with ExitStack() as stack:
        for package, *path in SEEDERS:
            owner = sys.modules.get(package)
            for name in path[:-1]:
                owner = getattr(owner, name, None)
            if hasattr(owner, path[-1]):
                stack.enter_context(patch.object(owner, path[-1], refuse))
        yield


def line_of(error: BaseException) -> str:
    """The student's own line at which an error came up, if it can be shown."""
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        text = linecache.getline(frame.filename, frame.lineno or 0).strip()
        if text and _is_a_students(frame.filename):
            return f" (line {frame.lineno}: {text[:100]})"
    return ""


def _is_a_students(filename: str) -> bool:
    path = Path(filename)
    foreign = any(map(path.is_relative_to, _FOLDERS)) or _INSTALLED & set(path.parts)
    return not foreign and not _GENERATED.match(filename)


def _shortened(error: BaseException) -> str:
    """What an error says; TensorFlow says where first, and what at the end."""
    said = _COLOURS.sub("", str(error))
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    if lines and lines[0].startswith("in user code"):
        lines = [lines[-1].removeprefix(f"{type(error).__name__}: ")]
    return " ".join(lines)[:200] or "(no message)"
