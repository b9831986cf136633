"""An exercise as a table: a right function, fresh inputs, and the usual slips.

The right function and the student's get equal inputs, and everything that can be seen
is compared: what comes back, what has become of the arguments and, if a `watch` looks
for them, gradients. Only after a failure the slips, wrong functions of the same
signature, get these inputs too; one that explains all that came says what to look at.
"""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from course_utils.checks.calls import (
    SECONDS,
    Array,
    Refusal,
    as_numbers,
    called,
    errors_refused,
    in_words,
    no_global_seed,
)
from course_utils.checks.check import Check, Elsewhere
from course_utils.checks.seen import (
    Outputs,
    Seen,
    drawn,
    left,
    number_of,
    numbers_of,
    outputs_of,
    states,
)
from course_utils.checks.trial import ATOL, RTOL, Trial

# Usual `changes` where one value a row is wanted.
ROWS = {
    "One value a row: leave the rows apart.": lambda value: value.sum(),
    "One value a row; a batch is averaged later.": lambda value: value.mean(),
}

Call = Callable[[], Outputs]
Function = Callable[..., Any]


def plainly(call: Call, arguments: Mapping[str, Any]) -> tuple[Outputs, Seen]:
    """The simplest `watch`: calls, and sees nothing but what comes back."""
    return call(), {}


def moments(estimates: Any, *arguments: Any) -> tuple[Array, Array, Array]:
    """A `look` at estimates, (n, ...): how many, their means and their variances."""
    numbers = as_numbers("the estimates", estimates)
    if not numbers.ndim:
        one = "estimates are wanted one by one, and a single number came."
        raise Refusal("one number", one)
    return np.array(float(len(numbers))), numbers.mean(0), numbers.var(0)


@dataclass(eq=False)
class Exercise(Check):
    """An exercise, which is called with a student's answer to check it.

    Attributes:
        right: a right answer. Its name is the exercise's, its docstring says what an
            answer takes and gives, its arguments' names stand in messages.
        hint: what helps most who is stuck, without giving the solution. It answers
            whatever no slip explains, so it must not be a diagnosis.
        draw: of an rng and the values of a case, to words for the inputs and then the
            inputs. Without it a number is asked for, `right` and the slips have no
            arguments, and no message tells where the number lies.
        cases: what `draw` gets beside the rng, one question each.
        gives: what comes back in words; a tuple where several values do, in this order.
        slips: a wrong function, or several, by the sentence that names the slip.
        changes: more of them: of the right result, to a wrong one, by the sentence.
        rtol: relative; or by the words in `gives`, where it is not that for rounding.
        atol: absolute, in the same way.
        look: of what came and the arguments, to what is compared in its place.
        watch: calls, and sees more than what comes back, as `torch_tools.gradients()`.
        refuse: of what came and the arguments, to whether it is refused, by sentence.
        seconds: of the processor's time, for one call of an answer.
    """

    right: Function
    hint: str
    draw: Callable[..., tuple[Any, ...]] | None = None
    cases: Sequence[Any] = ((),)
    gives: str | tuple[str, ...] = "the result"
    slips: Mapping[str, Function | tuple[Function, ...]] = field(default_factory=dict)
    changes: Mapping[str, Function] = field(default_factory=dict)
    rtol: float | Mapping[str, float] = RTOL
    atol: float | Mapping[str, float] = ATOL
    look: Function | None = None
    watch: Callable[[Call, Mapping[str, Any]], tuple[Outputs, Seen]] = plainly
    refuse: Mapping[str, Callable[..., bool]] = field(default_factory=dict)
    seconds: float = SECONDS

    def __post_init__(self) -> None:
        self.name = self.right.__name__
        self.__doc__ = inspect.getdoc(self.right)

    def what_is_wrong(self, answer: Any, seed: int | None = None) -> str | None:
        """As every check says it."""
        root = int(np.random.default_rng(seed).integers(2**32))
        for place in range(len(self.cases)):
            trial = Trial(self, root, place)
            if wrong := trial.what_is_wrong(answer):
                return wrong
        return trial.what_is_wrong_with_noise(answer)

    def question(
        self, root: int, place: int, noise: int | None = None
    ) -> tuple[str, dict[str, Any]]:
        """Words, and the inputs by their names, made anew.

        Args:
            root: a seed, of all questions.
            place: of the case.
            noise: a seed of another generator, where the inputs have one.
        """
        if self.draw is None:
            return "", {}
        rng = np.random.default_rng([root, place])
        words, *drawn = self.draw(rng, *_several(self.cases[place]))
        if noise is not None:
            fresh = np.random.default_rng([root, place, noise])
            drawn = [fresh if _is_generator(value) else value for value in drawn]
        names = list(inspect.signature(self.right).parameters)
        names = names[: len(drawn)]  # more arguments are there for slips
        return words, dict(zip(names, drawn, strict=True))

    def seen(
        self, answer: Any, root: int, place: int, noise: int | None = None
    ) -> Seen:
        """All that can be seen of a student's answer that gets such a `question`.

        Raises:
            Refusal: there is nothing that could be compared.
        """
        if isinstance(answer, Elsewhere):
            return answer.seen(self.name, root, place, noise)
        function = partial(number_of, answer) if self.draw is None else answer
        return self.followed(function, self.question(root, place, noise), self.seconds)

    def followed(
        self,
        function: Any,
        question: tuple[str, dict[str, Any]],
        seconds: float | None = None,
    ) -> Seen:
        """The same of any function of the same signature; without a limit if None."""
        words, arguments = question
        before, values = states(arguments), []

        def call() -> Outputs:
            value = called(function, words, arguments.values(), seconds)
            values.append(value)
            came, inputs = in_words(value), (value, *arguments.values())
            for sentence, is_refused in self.refuse.items():
                if called(is_refused, came, inputs, seconds):
                    raise Refusal(sentence, sentence)
            if self.look is not None:
                value = called(self.look, came, inputs, seconds)
            return outputs_of(self.gives, value)

        try:
            with errors_refused(words), no_global_seed():
                outputs, more = self.watch(call, arguments)
                seen = numbers_of(outputs) | left(arguments) | more
                return seen | drawn(arguments, before)
        except Refusal as refusal:
            refusal.numbers = self._numbers(values[0]) if values else {}
            raise

    def _numbers(self, value: Any) -> Seen:
        """What came in numbers, of something that is refused; if that can be had."""
        try:
            return numbers_of(outputs_of(self.gives, value))
        except Refusal:
            return {}

    def mistakes(self) -> list[tuple[str, Function]]:
        """All wrong functions, each with the sentence that names its slip."""
        slips = [(words, w) for words, ws in self.slips.items() for w in _several(ws)]
        return slips + [(w, partial(self._then, c)) for w, c in self.changes.items()]

    def _then(self, change: Function, *arguments: Any) -> Any:
        return change(*_several(self.right(*arguments)))


def _is_generator(value: Any) -> bool:
    return isinstance(value, np.random.Generator)


def _several(values: Any) -> tuple[Any, ...]:
    """Values where there may be a single one, as in a table."""
    return values if isinstance(values, tuple) else (values,)
