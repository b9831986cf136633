"""Checks that ask what no table can: for a training, or twice."""

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, NoReturn

import numpy as np

from course_utils.checks.calls import Array, NotYet, Refusal, as_numbers, called
from course_utils.checks.seen import outputs_of, shape_in_words


class Ask:
    """What an odd exercise may ask of an answer: see `examination`.

    Attributes:
        rng: for fresh inputs.
    """

    def __init__(self, answer: Any, hint: str, seed: int | None) -> None:
        self.rng = np.random.default_rng(seed)
        self._answer, self._hint = answer, hint

    def fail(self, sentence: str, hint: str | None = None) -> NoReturn:
        """Say what is not right yet, with one hint, by default the exercise's own."""
        raise Refusal("examined", sentence, hint or self._hint)

    def call(self, words: str, *arguments: Any) -> Any:
        """What the student's function returns, for arguments in words and as such."""
        return called(self._answer, words, arguments)

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


def examination(
    name: str, hint: str
) -> Callable[[Callable[[Ask], None]], Callable[..., None]]:
    """Make a check of a function that asks what no table can: two calls, a training.

    Args:
        name: of the exercise.
        hint: as in `Exercise`.
    """

    def made(examine: Callable[[Ask], None]) -> Callable[..., None]:
        @wraps(examine)
        def check(answer: Any, seed: int | None = None) -> None:
            try:
                examine(Ask(answer, hint, seed))
            except Refusal as refusal:
                text = f"{refusal.sentence}\nHint: {refusal.hint or hint}"
                raise NotYet(f"{name}: {text}") from None
            print(f"{name}: right.")

        return check

    return made
