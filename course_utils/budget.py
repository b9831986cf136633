"""How much work a notebook does, chosen once for all its cells.

The environment variable COURSE_BUDGET picks one of three sizes: `smoke` (seconds,
for automatic tests), `lecture` (minutes on two CPU cores; the default) and `full`
(what a GPU or a patient night can do).
"""

import os
from typing import TypeVar

T = TypeVar("T")

LEVELS = ("smoke", "lecture", "full")


def level() -> str:
    """The budget in force: "smoke", "lecture" or "full".

    Raises:
        ValueError: COURSE_BUDGET holds another word.
    """
    chosen = os.environ.get("COURSE_BUDGET") or "lecture"
    if chosen not in LEVELS:
        raise ValueError(
            f"COURSE_BUDGET is {chosen!r}; it must be one of {', '.join(LEVELS)}."
        )
    return chosen


def budget(*, smoke: T, lecture: T, full: T) -> T:
    """The value that belongs to the budget in force."""
    return {"smoke": smoke, "lecture": lecture, "full": full}[level()]
