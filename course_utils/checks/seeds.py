"""Whether the seed of a training is used, and whether all chance comes from it."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from course_utils.checks.examination import Ask

Numbers = npt.NDArray[np.floating[Any]]

# Roots of mean squares. Of seven healthy programs, with two threads and two data sets
# each: the same seed gave 0, another one 0.07 to 1.4. Threads that add up in another
# order may give more than 0.
ALIKE = 1e-3
DRIFT = 0.1  # of what another seed does


def ask_for_other_seeds(
    ask: Ask, trained: Callable[[int], Numbers], seed: int, came: Numbers
) -> None:
    """Refuse a training that passes its seed over, or draws from elsewhere too.

    Args:
        ask: whom.
        trained: of a seed, to numbers of a model that was trained with it.
        seed: the first one.
        came: what came of it.
    """
    other = trained(seed + 1)
    refuse_alike(ask, other, came)
    refuse_drift(ask, trained(seed), came, other)


def refuse_alike(ask: Ask, other: Numbers, came: Numbers) -> None:
    """Refuse what came of another seed, if it is what came of the first one."""
    if _apart(other, came) <= ALIKE:
        ask.fail(
            "two seeds gave the same model.",
            "Whoever trains again with another seed wants to see what chance does.",
        )


def refuse_drift(ask: Ask, again: Numbers, came: Numbers, other: Numbers) -> None:
    """Refuse what came of the same seed again, if it is as far off as another's."""
    if _apart(again, came) > DRIFT * _apart(other, came):
        ask.fail(
            "the same data and the same seed gave another model.",
            "All chance has to come from the seed: weights, batches, noise.",
        )


def _apart(one: Numbers, other: Numbers) -> float:
    return float(np.square(one - other).mean() ** 0.5)
