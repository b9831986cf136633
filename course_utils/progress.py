"""Epoch after epoch: progress while a run lasts, and a History also when it is cut."""

import os
import time
from collections.abc import Callable, Mapping

from course_utils.history import History


def run_epochs(epochs: int, one_epoch: Callable[[int], Mapping[str, float]]) -> History:
    """Call `one_epoch(1)`, `one_epoch(2)`, ... and collect what they return.

    A line of text is rewritten while the run lasts, unless COURSE_STATIC=1, which is
    set while lessons are executed to be saved: no timings of one machine stay there.

    Args:
        epochs: how many.
        one_epoch: takes the epoch's number, from 1; returns its named values.

    Returns:
        The values of all finished epochs, also after an interrupt from the keyboard
        or a notebook's stop button.
    """
    history = History()
    start = time.perf_counter()
    try:
        for epoch in range(1, epochs + 1):
            values = one_epoch(epoch)
            history.append(**values)
            summary = ", ".join(f"{key} {value:.2f}" for key, value in values.items())
            seconds = time.perf_counter() - start
            _show(f"\repoch {epoch} of {epochs} ({seconds:.0f} s): {summary}")
    except KeyboardInterrupt:
        _show(f"\nInterrupted; {len(history)} of {epochs} epochs were finished.")
    _show("\n")
    return history


def _show(text: str) -> None:
    if os.environ.get("COURSE_STATIC") != "1":
        print(text, end="", flush=True)
