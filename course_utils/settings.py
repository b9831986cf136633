"""The course's environment variables, as people write them.

Blanks and quotes around a value and upper case do not matter, a value that is empty
counts as unset, and a word that means nothing is refused in a sentence.
"""

import os
from collections.abc import Sequence
from pathlib import Path

FLAGS = {
    **dict.fromkeys(("1", "true", "yes", "on"), True),
    **dict.fromkeys(("0", "false", "no", "off"), False),
}


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
