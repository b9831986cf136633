"""How much work a notebook does, chosen once for all its cells.

The environment variable COURSE_BUDGET picks one of three sizes: `smoke` (seconds,
for automatic tests), `lecture` (minutes on two CPU cores; the default) and `full`
(what a GPU or a patient night can do).
"""

from typing import TypeVar

from course_utils import settings

T = TypeVar("T")

LEVELS = ("smoke", "lecture", "full")


def level() -> str:
    """The budget in force: "smoke", "lecture" or "full".

    Raises:
        ValueError: COURSE_BUDGET holds another word.
    """
    return settings.choice("COURSE_BUDGET", LEVELS, default="lecture")


def budget(*, smoke: T, lecture: T, full: T) -> T:
    """The value that belongs to the budget in force."""
    return {"smoke": smoke, "lecture": lecture, "full": full}[level()]
