"""Epoch after epoch: progress while a run lasts, and a History also when it is cut."""

import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from types import TracebackType

from course_utils.budget import flag
from course_utils.records.history import History, IncompleteRunError


class EpochLog:
    """Collects the values of finished epochs, and shows the last while a run lasts.

    A line of text is rewritten after each epoch, unless COURSE_STATIC is on, as it is
    while lessons are executed to be saved: no timings of one machine stay there. As a
    context manager it turns a notebook's stop button into an early end; `history` then
    holds the epochs that were finished, and says that it is not complete. Stopped
    before the first of them, and in a program, the run ends with an error.

        with EpochLog(epochs) as log:
            ...
        return log.history

    Args:
        epochs: how many there will be.
        unit: what an entry is called.
        done: what an earlier run has finished of them; it is copied.

    Raises:
        IncompleteRunError: stopped in a notebook before the first epoch was finished.
        ValueError: COURSE_STATIC holds a word that is neither yes nor no.
    """

    def __init__(
        self, epochs: int, unit: str = "epoch", done: History | None = None
    ) -> None:
        self.epochs = epochs
        self.unit = unit
        self.history = History(done.series if done else None, complete=False)
        self.silent = flag("COURSE_STATIC")

    def __enter__(self) -> "EpochLog":
        self.start = time.perf_counter()
        return self

    def append(self, values: Mapping[str, float]) -> None:
        """Keep and show the values of one more epoch."""
        self.history.append(**values)
        summary = ", ".join(f"{key} {value:.2f}" for key, value in values.items())
        done = f"{self.unit} {len(self.history)} of {self.epochs}"
        self._show(f"\r{done} ({time.perf_counter() - self.start:.0f} s): {summary}")

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool:
        if error is None:
            self.history.complete = True
            self._show("\n")
        if not isinstance(error, KeyboardInterrupt) or not in_notebook():
            return False
        finished = f"{len(self.history)} of {self.epochs} {self.unit}s were finished"
        if not len(self.history):
            raise IncompleteRunError(
                f"Stopped too early to go on: {finished}. Run this cell again."
            ) from None
        self._show(f"\nInterrupted; {finished}.\n")
        return True

    def _show(self, text: str) -> None:
        """Print; a terminal that is gone ends no training."""
        if not self.silent:
            with suppress(AttributeError, OSError, ValueError):
                print(text, end="", flush=True)


def in_notebook() -> bool:
    """Whether a notebook's kernel runs this, so that there is a stop button."""
    ipython = sys.modules.get("IPython")  # a kernel has imported it
    return ipython is not None and hasattr(ipython.get_ipython(), "kernel")


def run_epochs(
    epochs: int,
    one_epoch: Callable[[int], Mapping[str, float]],
    unit: str = "epoch",
    done: History | None = None,
    after: Callable[[int, History], None] | None = None,
) -> History:
    """Call `one_epoch(1)`, `one_epoch(2)`, ... and collect what they return.

    Args:
        epochs: how many.
        one_epoch: takes the epoch's number, from 1; returns its named values.
        unit: what the progress line calls an epoch.
        done: of an earlier run, whose epochs count as finished.
        after: called when an epoch's values are kept, with its number and with them
            all.

    Returns:
        The values of all finished epochs, also after an interrupt; see `EpochLog`.

    Raises:
        IncompleteRunError: stopped in a notebook before the first epoch was finished.
    """
    with EpochLog(epochs, unit, done) as log:
        for epoch in range(len(log.history) + 1, epochs + 1):
            log.append(one_epoch(epoch))
            if after is not None:
                after(epoch, log.history)
    return log.history


def not_finite(step: int, where: str) -> FloatingPointError:
    """The error of a training whose loss became infinite or NaN.

    Args:
        step: the first step with such a loss, counted from 1.
        where: of which epoch, or which images, in words.
    """
    return FloatingPointError(
        f"The loss was not finite in step {step} {where}. Try a smaller learning "
        "rate, and look for a logarithm or an exponential that overflows."
    )
