"""An exercise as a table: a right function, fresh inputs, and the usual slips.

The right function and the student's get equal inputs, and everything that can be seen
is compared: what comes back, what has become of the arguments and, if a `watch` looks
for them, gradients. Only after a failure the slips, wrong functions of the same
signature, get these inputs too; the one that comes nearest says what to look at.
"""

import inspect
import itertools
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from course_utils.checks.calls import (
    SECONDS,
    Array,
    Refusal,
    as_numbers,
    called,
    in_words,
)
from course_utils.checks.check import Check, Elsewhere
from course_utils.checks.seen import (
    AFTERWARDS,
    IN_GRADIENT,
    Outputs,
    Seen,
    compared,
    equal,
    left,
    near,
    number,
    number_of,
    numbers_of,
    outputs_of,
    without_used_gradients,
)

RTOL, ATOL = 1e-4, 1e-5  # float32 and another order of sums pass, a factor does not
SPREADS = 6  # a right answer is further off once in some million times
SEARCH = 2.0  # seconds for a slip that stops as an answer did: it shows its own line
RUNS = 64  # of a right function that draws; they give its scatter to 9 %
CUT = "A detach, an item(), NumPy or a value made anew cuts the graph."
# Usual `changes` where one value a row is wanted.
ROWS = {
    "One value a row: leave the rows apart.": lambda value: value.sum(),
    "One value a row; a batch is averaged later.": lambda value: value.mean(),
}
UNTOUCHED = "What is handed in belongs to the caller: leave it as it is."

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
            trial = _Trial(self, root, place)
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

        def call() -> Outputs:
            value = called(function, words, arguments.values(), seconds)
            came, inputs = in_words(value), (value, *arguments.values())
            for sentence, is_refused in self.refuse.items():
                if called(is_refused, came, inputs, seconds):
                    raise Refusal(sentence, sentence)
            if self.look is not None:
                value = called(self.look, came, inputs, seconds)
            return outputs_of(self.gives, value)

        outputs, more = self.watch(call, arguments)
        return numbers_of(outputs) | left(arguments) | more

    def mistakes(self) -> list[tuple[str, Function]]:
        """All wrong functions, each with the sentence that names its slip."""
        slips = [(words, w) for words, ws in self.slips.items() for w in _several(ws)]
        return slips + [(w, partial(self._then, c)) for w, c in self.changes.items()]

    def _then(self, change: Function, *arguments: Any) -> Any:
        return change(*_several(self.right(*arguments)))


class _Finding(NamedTuple):
    """What is not right yet."""

    what: str  # the words of some numbers, or the kind of a refusal
    sentence: str
    # If no slip explains it, and better than the exercise's; empty for none at all.
    hint: str | None = None


# What is seen, if anything, and what is wrong with it, if anything.
_Result = tuple[Seen | None, _Finding | None]


class _Trial:
    """One question of an exercise, and what comes of it.

    Args:
        exercise: which is asked.
        seed: of all its questions.
        place: of the question's case.
    """

    def __init__(self, exercise: Exercise, seed: int, place: int) -> None:
        self.exercise, self.seed, self.place = exercise, seed, place
        self.words, arguments = self._question()
        self.draws = any(map(_is_generator, arguments.values()))
        self.before = left(arguments)
        self.right, self.scatter = self._expected()

    def what_is_wrong(self, answer: Any) -> str | None:
        """What a student is told of an answer, with a hint; None if it is right."""
        came, found = self._answered(answer)
        if found is None:
            return None
        if found.hint == "":
            return found.sentence
        slip, is_all = self._slip(came, found)
        order = None if is_all else self._order(came, found)
        return self.exercise.told(found.sentence, order or slip or found.hint)

    def what_is_wrong_with_noise(self, answer: Any) -> str | None:
        """The same for an answer that must draw from the generator it gets."""
        if not self.draws:
            return None
        results = [self._answered(answer, noise) for noise in (0, 0, 1)]
        first, again, other = (came for came, _ in results)
        hint = "Draw from the generator that is passed, and from no other."
        told = partial(self.exercise.told, hint=hint)
        if first is None or again is None or other is None:
            return told("some numbers of the generator make it stop.")
        if not equal(first, again):
            return told("two generators with one seed gave different numbers.")
        if equal(first, other):
            return told("generators with different seeds gave the same numbers.")
        return None

    def _question(self, noise: int | None = None) -> tuple[str, dict[str, Any]]:
        return self.exercise.question(self.seed, self.place, noise)

    def _expected(self) -> tuple[Seen, Seen]:
        """What is right, and how far a right answer scatters if it draws."""
        exercise = self.exercise
        questions = map(self._question, range(RUNS if self.draws else 1))
        runs = [exercise.followed(exercise.right, question) for question in questions]
        drawn = {what: np.array([run[what] for run in runs]) for what in runs[0]}
        means = {what: values.mean(0) for what, values in drawn.items()}
        widths = {
            what: v.std(0) if self.draws else 0 * v[0] for what, v in drawn.items()
        }
        return without_used_gradients(means, self.before), widths

    def _answered(self, answer: Any, noise: int | None = None) -> _Result:
        """What is seen of a student's answer, and the first thing that is wrong."""
        exercise = self.exercise
        return self._judged(lambda: exercise.seen(answer, self.seed, self.place, noise))

    def _slipped(self, wrong: Function) -> _Result:
        """The same of a slip."""
        return self._judged(lambda: self.exercise.followed(wrong, self._question()))

    def _judged(self, look: Callable[[], Seen]) -> _Result:
        try:
            came = look()
        except Refusal as refusal:
            return None, _Finding(refusal.kind, refusal.sentence, refusal.hint)
        for what in self.right:
            if found := self._difference(what, came.get(what)):
                return came, found
        return came, None

    def _difference(self, what: str, came: Array | None) -> _Finding | None:
        """What is wrong about some numbers."""
        right = self.right[what]
        margin, is_wide = self._margin(what, right, SPREADS)
        if came is None:
            return _Finding(what, f"there is no {what} (tried with {self.words}).")
        if near(came, right, margin):
            return None
        if self.exercise.draw is None:
            return _Finding(what, f"{number(came)} does not fit.")
        if what in self.before and np.array_equal(right, self.before[what]):
            changed = f"{what.removesuffix(AFTERWARDS)} has been changed"
            return _Finding(what, f"{changed} ({self.words}).", UNTOUCHED)
        lost = CUT if what.startswith(IN_GRADIENT) and not came.any() else None
        sentence = compared(f"{what} ({self.words})", came, right, margin, is_wide)
        return _Finding(what, sentence, lost)

    def _margin(self, what: str, about: Array, spreads: float) -> tuple[Array, bool]:
        """How far off such numbers may be, and whether for more than rounding."""
        exercise, scatter = self.exercise, self.scatter[what]
        rtol, atol = (
            of.get(what, least) if isinstance(of, Mapping) else of
            for of, least in ((exercise.rtol, RTOL), (exercise.atol, ATOL))
        )
        margin = atol + rtol * np.abs(about) + spreads * scatter
        return margin, rtol > RTOL or atol > ATOL or bool(scatter.any())

    def _slip(self, came: Seen | None, found: _Finding) -> tuple[str | None, bool]:
        """The slip that fails in the same way and comes nearest, as its sentence.

        And whether it explains all that came, not just the first thing that is wrong.
        """
        scores: dict[str, tuple[int, float]] = {}
        start = time.thread_time()
        for sentence, wrong in self.exercise.mistakes():
            if came is None and time.thread_time() - start > SEARCH:
                break
            score = self._likeness(wrong, came, found)
            if score is not None:
                scores[sentence] = max(score, scores.get(sentence, score))
        nearest = max(scores, key=scores.__getitem__, default=None)
        alike = 0 if nearest is None else scores[nearest][0]
        return nearest, came is not None and alike == len(came)

    def _likeness(
        self, wrong: Function, came: Seen | None, found: _Finding
    ) -> tuple[int, float] | None:
        """How alike a slip is to what came; None if it does not explain the finding."""
        slip, its = self._slipped(wrong)
        if its is None or its.what != found.what:
            return None  # what comes before is right in the answer, so in the slip too
        if came is None or slip is None:
            return 0, 0.0
        if not self._alike(found.what, came, slip):
            return None
        alike = sum(self._alike(what, came, slip) for what in came)
        with np.errstate(invalid="ignore"):
            gap = np.abs(came[found.what] - slip[found.what])
        return alike, -float(np.nan_to_num(gap).max(initial=0))

    def _alike(self, what: str, came: Seen, slip: Seen) -> bool:
        """Thrice the spread is alike: a wrong answer may scatter more."""
        if what not in came or what not in slip or what not in self.right:
            return False
        wrong = slip[what]
        if wrong.shape != self.right[what].shape:
            return near(came[what], wrong, ATOL + RTOL * np.abs(wrong), True)
        return near(came[what], wrong, self._margin(what, wrong, 3 * SPREADS)[0], True)

    def _order(self, came: Seen | None, found: _Finding) -> str | None:
        """A hint if right values came in another order."""
        names = self.exercise.gives
        if came is None or isinstance(names, str) or found.what not in names:
            return None

        def comes_at(place: str, what: str) -> bool:
            margin, _ = self._margin(what, self.right[what], SPREADS)
            return near(came.get(place), self.right[what], margin)

        for order in itertools.permutations(names):
            if all(map(comes_at, names, order)):
                return f"The order is: {', '.join(names)}."
        return None


def _is_generator(value: Any) -> bool:
    return isinstance(value, np.random.Generator)


def _several(values: Any) -> tuple[Any, ...]:
    """Values where there may be a single one, as in a table."""
    return values if isinstance(values, tuple) else (values,)
