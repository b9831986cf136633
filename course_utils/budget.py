"""What the user has set in the environment, first of all how much work a cell does.

COURSE_BUDGET picks one of three sizes: `smoke` (seconds, for automatic tests),
`lecture` (minutes on two CPU cores; the default) and `full` (what a GPU or a patient
night can do). Blanks and quotes around a value and upper case do not matter, a value
that is empty counts as unset, and a word that means nothing is refused in a sentence.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

LEVELS = ("smoke", "lecture", "full")
FLAGS = {
    **dict.fromkeys(("1", "true", "yes", "on"), True),
    **dict.fromkeys(("0", "false", "no", "off"), False),
}


def level() -> str:
    """The budget in force: "smoke", "lecture" or "full".

    Raises:
        ValueError: COURSE_BUDGET holds another word.
    """
    return choice("COURSE_BUDGET", LEVELS, default="lecture")


def budget(*, smoke: T, lecture: T, full: T) -> T:
    """The value that belongs to the budget in force."""
    return {"smoke": smoke, "lecture": lecture, "full": full}[level()]


def choice(name: str, known: Sequence[str], default: str) -> str:
    """The word that a variable holds, in lower case; the default if it is unset.

    Raises:
        ValueError: the word is not among the known ones.
    """
    chosen = _value(name).lower() or default
    if chosen not in known:
        raise ValueError(
            f"{name} is {os.environ.get(name)!r}; it must be one of {', '.join(known)}."
        )
    return chosen


def flag(name: str) -> bool:
    """Whether a variable says yes: one of 1, true, yes, on; no if it is unset.

    Raises:
        ValueError: the word is neither one of these nor one of 0, false, no, off.
    """
    return FLAGS[choice(name, list(FLAGS), default="0")]


def path(name: str) -> Path | None:
    """The path that a variable holds, with `~` and `$HOME` expanded; None if unset."""
    value = _value(name)
    return Path(os.path.expanduser(os.path.expandvars(value))) if value else None


def _value(name: str) -> str:
    value = os.environ.get(name, "").strip()
    while len(value) > 1 and value[0] == value[-1] and value[0] in "'\"":
        value = value[1:-1].strip()
    return value
