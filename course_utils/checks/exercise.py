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
    OUT_OF_TIME,
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
    AFTERWARDS,
    DRAWN,
    IN_GRADIENT,
    Outputs,
    Seen,
    compared,
    drawn,
    equal,
    left,
    near,
    number,
    number_of,
    numbers_of,
    outputs_of,
    states,
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
FROM_THIS = "Draw from the generator that is passed: no copy of it, and no other."
CLEARLY = 4  # times as far off as the nearest slip: then another one is no rival

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
            refusal.numbers = self._numbers(values)
            raise

    def _numbers(self, values: list[Any]) -> Seen:
        """What came in numbers, of something that is refused; if that can be had."""
        try:
            return numbers_of(outputs_of(self.gives, *values))
        except (Refusal, TypeError):
            return {}

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


ALL_RIGHT = _Finding("", "")


class _Result(NamedTuple):
    """What came of a call."""

    numbers: Seen  # all that was seen, or what could be had of something refused
    found: _Finding
    is_refused: bool = False


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
        self.all_right, self.scatter = self._expected()
        self.right = without_used_gradients(self.all_right, self.before)

    def what_is_wrong(self, answer: Any) -> str | None:
        """What a student is told of an answer, with a hint; None if it is right."""
        result = self._answered(answer)
        found = result.found
        if found is ALL_RIGHT:
            return None
        if found.hint == "":
            return found.sentence
        hint = self._slip(answer, result) or self._order(result) or found.hint
        return self.exercise.told(found.sentence, hint)

    def what_is_wrong_with_noise(self, answer: Any) -> str | None:
        """The same for an answer that must draw from the generator it gets."""
        if not any(what.endswith(DRAWN) for what in self.right):
            return None
        results = [self._answered(answer, noise) for noise in (0, 0, 1)]
        first, again, other = (result.numbers for result in results)
        told = partial(self.exercise.told, hint=FROM_THIS)
        if any(result.is_refused for result in results):
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
        means, widths = {}, {}
        for what in runs[0]:
            values = np.array([run[what] for run in runs])
            varies = (values != values[0]).any()
            means[what] = values.mean(0) if varies else values[0]
            widths[what] = values.std(0) if varies else np.zeros_like(values[0])
        return means, widths

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
            found = _Finding(refusal.kind, refusal.sentence, refusal.hint)
            return _Result(refusal.numbers, found, is_refused=True)
        for what in self.right:
            if wrong := self._difference(what, came.get(what)):
                return _Result(came, wrong)
        return _Result(came, self._addition(came))

    def _addition(self, came: Seen) -> _Finding:
        """Something in an argument that was not there, and is not to be."""
        known = self.all_right.keys() | self.before.keys()
        new = [w for w in came if w.endswith(AFTERWARDS) and w not in known]
        return self._changed(new[0]) if new else ALL_RIGHT

    def _changed(self, what: str) -> _Finding:
        changed = f"{what.removesuffix(AFTERWARDS)} has been changed"
        return _Finding(what, f"{changed} ({self.words}).", UNTOUCHED)

    def _difference(self, what: str, came: Array | None) -> _Finding | None:
        """What is wrong about some numbers."""
        right = self.right[what]
        margin, is_wide = self._margin(what, right, SPREADS)
        if came is None and what.endswith(DRAWN):
            name = what.removesuffix(DRAWN)
            sentence = f"nothing has been drawn from {name} ({self.words})."
            return _Finding(what, sentence, FROM_THIS)
        if came is None:
            return _Finding(what, f"there is no {what} (tried with {self.words}).")
        if near(came, right, margin):
            return None
        if self.exercise.draw is None:
            return _Finding(what, f"{number(came)} does not fit.")
        if self._is_kept(what):
            return self._changed(what)
        lost = CUT if what.startswith(IN_GRADIENT) and not came.any() else None
        sentence = compared(f"{what} ({self.words})", came, right, margin, is_wide)
        return _Finding(what, sentence, lost)

    def _is_kept(self, what: str) -> bool:
        """Whether this lies in an argument, and a right answer leaves it alone."""
        return np.array_equal(self.right[what], self.before.get(what, np.nan))

    def _margin(self, what: str, about: Array, spreads: float) -> tuple[Array, bool]:
        """How far off such numbers may be, and whether for more than rounding."""
        exercise, scatter = self.exercise, self.scatter[what]
        rtol, atol = (
            of.get(what, least) if isinstance(of, Mapping) else of
            for of, least in ((exercise.rtol, RTOL), (exercise.atol, ATOL))
        )
        if self._is_kept(what):
            rtol, atol = RTOL, ATOL
        margin = atol + rtol * np.abs(about) + spreads * scatter
        return margin, rtol > RTOL or atol > ATOL or bool(scatter.any())

    def _slip(self, answer: Any, result: _Result) -> str | None:
        """The slip that explains all that was seen of an answer, as its sentence.

        None if several do, and none of them far better than the others.
        """
        gaps: dict[str, float] = {}
        for sentence, wrong in self._explaining(answer, result):
            gap = self._gap(self._slipped(wrong), result)
            gaps[sentence] = min(gap, gaps.get(sentence, gap))
        nearest = sorted(gaps, key=gaps.__getitem__)
        if len(nearest) > 1 and gaps[nearest[1]] <= CLEARLY * gaps[nearest[0]]:
            return None
        return nearest[0] if nearest else None

    def _explaining(self, answer: Any, result: _Result) -> list[tuple[str, Function]]:
        """All mistakes that explain what came here, and to the other questions."""
        start, found = time.thread_time(), list[tuple[str, Function]]()
        for sentence, wrong in self.exercise.mistakes():
            if result.is_refused and time.thread_time() - start > SEARCH:
                break
            if self._explains(self._slipped(wrong), result):
                found.append((sentence, wrong))
        if not found or result.found.what == OUT_OF_TIME:
            return found
        places = range(len(self.exercise.cases))
        for place in (place for place in places if place != self.place):
            other = _Trial(self.exercise, self.seed, place)
            its = other._answered(answer)
            found = [f for f in found if other._explains(other._slipped(f[1]), its)]
        return found

    def _explains(self, slip: _Result, result: _Result) -> bool:
        """Whether a slip fails for the same reason as an answer, and is like it."""
        if slip.found.what != result.found.what:
            return False
        return all(
            self._alike(what, result.numbers.get(what), slip.numbers.get(what))
            for what in self.right
        )

    def _alike(self, what: str, came: Array | None, slip: Array | None) -> bool:
        """Thrice the spread is alike: a wrong answer may scatter more."""
        if came is None or slip is None:
            return came is slip
        margin = ATOL + RTOL * np.abs(slip)
        if slip.shape == self.right[what].shape:
            margin, _ = self._margin(what, slip, 3 * SPREADS)
        return near(came, slip, margin, odd=True)

    def _gap(self, slip: _Result, result: _Result) -> float:
        """How far a slip is from what was wrong first."""
        what = result.found.what
        if what not in slip.numbers or what not in result.numbers:
            return 0.0
        with np.errstate(invalid="ignore"):
            gap = np.abs(result.numbers[what] - slip.numbers[what])
        return float(np.nan_to_num(gap).max(initial=0))

    def _order(self, result: _Result) -> str | None:
        """A hint if right values came in another order."""
        came, names = result.numbers, self.exercise.gives
        if (
            result.is_refused
            or isinstance(names, str)
            or result.found.what not in names
        ):
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
