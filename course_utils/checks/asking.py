"""How a check asks: with fresh inputs, with care, and for a limited time."""

import signal
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import FrameType
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt

from course_utils.checks.calls import NotYet, OutOfTime

# For one check, whatever the student's code does: of the processor's time, which a busy
# machine does not stretch; and by the clock, for code that only waits.
CPU_SECONDS, SECONDS = 4.0, 15.0
RTOL, ATOL = 1e-4, 1e-5  # float32 and another order of sums pass, a factor does not


class Ask:
    """A student's answer, and what a check may ask of it.

    Attributes:
        rng: for fresh inputs.
    """

    def __init__(self, answer: Any, name: str, hint: str, seed: int | None) -> None:
        self.rng = np.random.default_rng(seed)
        self._answer, self._name, self._hint = answer, name, hint
        self.questions = 0

    def fail(self, sentence: str, hint: str | None = None) -> NoReturn:
        """Say what is not right yet, with one hint, by default the exercise's own."""
        raise NotYet(f"{self._name}: {sentence}\nHint: {hint or self._hint}")

    def call(self, tried: str, *args: Any) -> Any:
        """What the student's callable returns; arrays are handed out as copies.

        Args:
            tried: the inputs in words, as in "two rows of three numbers".
            *args: the inputs.

        Raises:
            NotYet: it is not a callable, it raises, or it returns nothing.
        """
        if not callable(self._answer):
            self.fail(f"a function is wanted here, and {_in_words(self._answer)} came.")
        self.questions += 1
        copies = [a.copy() if isinstance(a, np.ndarray) else a for a in args]
        try:
            with np.errstate(all="ignore"):
                value = self._answer(*copies)
        except NotImplementedError:
            value = None
        except (Exception, SystemExit) as error:
            kind = type(error).__name__
            self.fail(f"with {tried} it stops with {kind}: {_shortened(error)}")
        if value is None or value is ...:
            self.fail(f"nothing came back yet (tried with {tried}).")
        return value

    def draws_from_generator(self, tried: str, *args: Any) -> None:
        """See that all noise comes from the generator that is handed in last.

        Args:
            tried: the other inputs in words.
            *args: the other inputs.

        Raises:
            NotYet: equal generators give different numbers, or different ones the same.
        """

        def numbers(seed: int) -> list[npt.NDArray]:
            """What comes back for a generator with that seed."""
            value = self.call(tried, *args, np.random.default_rng(seed))
            parts = value if isinstance(value, tuple) else (value,)
            return [self.array("an estimate", part) for part in parts]

        first, again, other = map(numbers, (0, 0, 1))
        hint = "Draw from the generator that is passed, and from no other."
        if not all(map(np.array_equal, first, again)):
            self.fail("two generators with one seed gave different numbers.", hint)
        if all(map(np.array_equal, first, other)):
            self.fail("generators with different seeds gave the same numbers.", hint)

    def value(self) -> float:
        """The answer itself, where a number is asked for.

        Raises:
            NotYet: it is no finite number.
        """
        self.questions += 1
        if self._answer is None or self._answer is ...:
            self.fail("there is no value yet.")
        return float(self.array("the value", self._answer, shape=()))

    def array(
        self, what: str, value: Any, shape: tuple[int, ...] | None = None
    ) -> npt.NDArray[np.float64]:
        """A value that came back, of any framework, as finite numbers of that shape.

        Raises:
            NotYet: it is no array of numbers, has another shape, or is not finite.
        """
        try:
            detached = value.detach().cpu() if hasattr(value, "detach") else value
            numbers = np.asarray(detached, np.float64)
        except Exception:  # whatever a student's object may raise
            self.fail(f"numbers are wanted for {what}, and {_in_words(value)} came.")
        if shape is not None and numbers.shape != shape:
            got, expected = _shape(numbers.shape), _shape(shape)
            self.fail(f"for {what} came {got}, and {expected} was expected.")
        if not np.isfinite(numbers).all():
            self.fail(f"for {what} came {_number(numbers[~np.isfinite(numbers)][0])}.")
        return numbers

    def kind(self, what: str, value: Any, wanted: type, hint: str | None = None) -> Any:
        """A value that came back, if it is of the wanted type.

        Raises:
            NotYet: it is of another one, as an array where a tensor is wanted.
        """
        if not isinstance(value, wanted):
            sentence = f"for {what}, a {wanted.__name__} is wanted"
            self.fail(f"{sentence}, and {_in_words(value)} came.", hint)
        return value

    def parts(self, what: str, value: Any, count: int) -> tuple[Any, ...]:
        """The values of a tuple or list that came back, so many of them.

        Raises:
            NotYet: it is none, or has another length.
        """
        if not isinstance(value, tuple | list):
            self.fail(f"{what} are {count} values, and {_in_words(value)} came.")
        if len(value) != count:
            self.fail(f"{what} are {count} values, and {len(value)} came.")
        return tuple(value)

    def close(
        self,
        what: str,
        value: Any,
        expected: npt.ArrayLike,
        tolerance: npt.ArrayLike = 0.0,
        rtol: float = RTOL,
        slips: Mapping[str, npt.ArrayLike] | None = None,
    ) -> None:
        """Hold a value that came back against the expected one.

        Args:
            what: what the value is, as in "the ELBO of five rows".
            value: what came, of any framework.
            expected: an array of the right shape.
            tolerance: absolute, as for a Monte Carlo error.
            rtol: relative, the one for rounding if nothing else is said.
            slips: what usual mistakes give; a value equal to one of them is answered
                by its key, a hint, instead of the exercise's own.

        Raises:
            NotYet: wrong shape, not finite, or further off than the tolerance.
        """
        expected = np.asarray(expected, np.float64)
        margin = tolerance + ATOL + rtol * np.abs(expected)
        numbers = self.array(what, value)
        if numbers.shape == expected.shape and _within(numbers, expected, margin):
            return
        hint = _likely_slip(numbers, slips or {}, tolerance, rtol)
        if numbers.shape != expected.shape:
            got, wanted = _shape(numbers.shape), _shape(expected.shape)
            self.fail(f"for {what} came {got}, and {wanted} was expected.", hint)
        worst = np.unravel_index(
            np.argmax(np.abs(numbers - expected) - margin), expected.shape
        )
        allowed = np.broadcast_to(margin, expected.shape)[worst]
        exact = rtol == RTOL and not np.any(tolerance)
        within = "" if exact else f" within {_number(allowed)}"
        place = f" at {tuple(map(int, worst))}" if worst else ""
        self.fail(
            f"for {what} came {_number(numbers[worst])}{place}, and "
            f"{_number(expected[worst])}{within} was expected.",
            hint,
        )


@contextmanager
def asking(answer: Any, name: str, hint: str, seed: int | None = None) -> Iterator[Ask]:
    """Ask an answer to an exercise; print one line if all of it is right.

    Args:
        answer: the student's.
        name: of the exercise.
        hint: what helps most who is stuck, without giving the solution.
        seed: of the inputs; fresh ones if None.

    Raises:
        NotYet: with the first thing that is not right, also if the answer takes too
            long, where the system has a timer.
    """
    ask = Ask(answer, name, hint, seed)
    try:
        with _time_limit():
            yield ask
    except NotYet as finding:
        # Without the check's own frames, which would tell a student nothing.
        raise finding.with_traceback(None) from None
    except OutOfTime:
        sentence = "no answer for a long time. Does a loop never end?"
        raise NotYet(f"{name}: {sentence}\nHint: {hint}") from None
    times = "once" if ask.questions == 1 else f"{ask.questions} times"
    print(f"{name}: right, asked {times}.")


@contextmanager
def _time_limit() -> Iterator[None]:
    """Raise `OutOfTime` inside when time is up; no limit where there is no timer."""
    main = threading.current_thread() is threading.main_thread()
    if not (main and hasattr(signal, "setitimer")):
        yield
        return

    def stop(signum: int, frame: FrameType | None) -> NoReturn:
        raise OutOfTime

    timers = (
        (signal.SIGPROF, signal.ITIMER_PROF, CPU_SECONDS),
        (signal.SIGALRM, signal.ITIMER_REAL, SECONDS),
    )
    previous = {}
    try:
        for number, timer, seconds in timers:
            previous[number] = signal.signal(number, stop)
            signal.setitimer(timer, seconds, 1)  # again, should the first get lost
        yield
    finally:
        for number, timer, _ in timers:
            signal.setitimer(timer, 0)
            signal.signal(number, previous[number])


def _within(
    numbers: npt.NDArray, expected: npt.ArrayLike, margin: npt.ArrayLike
) -> bool:
    return bool((np.abs(numbers - expected) <= margin).all())


def _likely_slip(
    numbers: npt.NDArray,
    slips: Mapping[str, npt.ArrayLike],
    tolerance: npt.ArrayLike,
    rtol: float,
) -> str | None:
    """The hint whose wrong value comes nearest, if it is near.

    Thrice the tolerance is near: a wrong estimate may scatter more than a right one.
    """
    distances = {}
    for hint, wrong in slips.items():
        margin = 3 * np.asarray(tolerance) + ATOL + rtol * np.abs(wrong)
        if not np.isfinite(wrong).all():
            continue
        if numbers.shape == np.shape(wrong) and _within(numbers, wrong, margin):
            distances[hint] = np.abs(numbers - wrong).max()
    return min(distances, key=distances.get, default=None)


def _in_words(value: Any) -> str:
    kind = type(value)
    text = f"{kind.__module__}.{kind.__name__}".removeprefix("builtins.")
    return f"a value of type {text}"


def _shape(shape: tuple[int, ...]) -> str:
    return f"an array of shape {shape}" if shape else "a single number"


def _number(value: npt.ArrayLike) -> str:
    return f"{float(value):.6g}"


def _shortened(error: BaseException) -> str:
    lines = str(error).splitlines() or ["(no message)"]
    return lines[0][:200]
