"""Checks that ask what no table can: for a training, or twice."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

import numpy as np

from course_utils.checks.calls import (
    SECONDS,
    UNTOUCHED,
    Array,
    Refusal,
    as_numbers,
    called,
)
from course_utils.checks.check import Check, Elsewhere
from course_utils.checks.seen import (
    GRADIENT,
    Seen,
    contents,
    equal,
    outputs_of,
    shape_in_words,
)


def asked(
    answer: Any, words: str, arguments: tuple[Any, ...], seconds: float = SECONDS
) -> Any:
    """What an answer gives for arguments, in words and as such.

    Raises:
        Refusal: it gives nothing that could be judged, or overwrites an array.
    """
    if isinstance(answer, Elsewhere):
        return answer.asked(words, arguments, seconds)
    before = _arrays(arguments)
    value = called(answer, words, arguments, seconds)
    for what, numbers in _arrays(arguments).items():
        if not equal({what: numbers}, before):
            raise Refusal("changed", f"{what} has been changed ({words}).", UNTOUCHED)
    return value


def _arrays(arguments: tuple[Any, ...]) -> Seen:
    """What is in arrays and tensors, by words; a network may be trained in place."""
    held = {place: contents(value) for place, value in enumerate(arguments, 1)}
    return {
        f"{name} of argument {place}".removeprefix(" of "): numbers
        for place, holds in held.items()
        if "" in holds
        for name, numbers in holds.items()
        if name != GRADIENT
    }


class Ask:
    """What an odd exercise may ask of an answer: see `examination`.

    Attributes:
        rng: for fresh inputs.
    """

    def __init__(self, answer: Any, seed: int | None, seconds: float) -> None:
        self.rng = np.random.default_rng(seed)
        self._answer, self._seconds = answer, seconds

    def fail(self, sentence: str, hint: str | None = None) -> NoReturn:
        """Say what is not right yet, with one hint, by default the exercise's own."""
        raise Refusal("examined", sentence, hint)

    def call(self, words: str, *arguments: Any) -> Any:
        """What the student's function returns, for arguments in words and as such."""
        return asked(self._answer, words, arguments, self._seconds)

    def arrays(
        self, value: Any, shapes: Mapping[str, tuple[int, ...] | None]
    ) -> list[Array]:
        """Finite numbers of these shapes, by their words; of any shape where None."""
        words = tuple(shapes)
        outputs = outputs_of(words if len(words) > 1 else words[0], value)
        arrays = [as_numbers(what, output) for what, output in outputs.items()]
        for (what, shape), numbers in zip(shapes.items(), arrays, strict=True):
            if shape is not None and numbers.shape != shape:
                got, wanted = shape_in_words(numbers.shape), shape_in_words(shape)
                self.fail(f"for {what} came {got}, and {wanted} was expected.")
            if not np.isfinite(numbers).all():
                self.fail(f"for {what} came {numbers[~np.isfinite(numbers)][0]}.")
        return arrays


class Examination(Check):
    """A check as a program, which `examination` makes.

    Args:
        name: of the exercise.
        hint: as in `Exercise`.
        seconds: of the processor's time, for one call of an answer.
        examine: asks an answer what it likes, and fails what is not right.
    """

    def __init__(
        self, name: str, hint: str, seconds: float, examine: Callable[[Ask], None]
    ) -> None:
        self.name, self.hint, self.seconds = name, hint, seconds
        self._examine = examine
        self.__doc__ = inspect.getdoc(examine)

    def what_is_wrong(self, answer: Any, seed: int | None = None) -> str | None:
        """As every check says it."""
        try:
            self._examine(Ask(answer, seed, self.seconds))
        except Refusal as refusal:
            return self.refused(refusal)
        return None


def examination(
    name: str, hint: str, seconds: float = SECONDS
) -> Callable[[Callable[[Ask], None]], Examination]:
    """Make a check of a function that asks what no table can: two calls, a training.

    Args:
        name: of the exercise.
        hint: as in `Exercise`.
        seconds: of the processor's time, for one call of an answer; a training takes
            more than the usual ones on a slow machine.
    """

    def made(examine: Callable[[Ask], None]) -> Examination:
        return Examination(name, hint, seconds, examine)

    return made
