"""One question of an exercise: what came of an answer, and what a student is told.

What came is compared with what the right function gives. Only after a failure the slips
get the same inputs; a slip is named if it explains all that came, of every question.
"""

import itertools
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from course_utils.checks.calls import OUT_OF_TIME, UNTOUCHED, Array, Refusal
from course_utils.checks.seen import (
    AFTERWARDS,
    DRAWN,
    IN_GRADIENT,
    Seen,
    compared,
    equal,
    left,
    near,
    number,
    states,
    without_used_gradients,
)

if TYPE_CHECKING:
    from course_utils.checks.exercise import Exercise

Function = Callable[..., Any]

RTOL, ATOL = 1e-4, 1e-5  # float32 and another order of sums pass, a factor does not
ROUNDING = 1e-6  # of the largest number, where others are small because terms cancel
SPREADS = 6  # a right answer is further off once in some million times
SEARCH = 2.0  # seconds for a slip that stops as an answer did: it shows its own line
RUNS = 64  # of a right function that draws; they give its scatter to 9 %
CUT = "A detach, an item(), NumPy or a value made anew cuts the graph."
FROM_THIS = "Draw from the generator that is passed: no copy of it, and no other."
CLEARLY = 4  # times as far off as the nearest slip: then another one is no rival


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


class Trial:
    """One question of an exercise, and what comes of it.

    Args:
        exercise: which is asked.
        seed: of all its questions.
        place: of the question's case.
    """

    def __init__(self, exercise: "Exercise", seed: int, place: int) -> None:
        self.exercise, self.seed, self.place = exercise, seed, place
        self.words, arguments = self._question()
        self.draws = bool(states(arguments))
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
        size = np.abs(about)
        largest = size.max(initial=0.0, where=np.isfinite(size))
        margin = atol + rtol * size + ROUNDING * largest + spreads * scatter
        return margin, rtol > RTOL or atol > ATOL or bool(scatter.any())

    def _slip(self, answer: Any, result: _Result) -> str | None:
        """The slip that explains all that was seen of an answer, as its sentence.

        None if several do, and none of them far better than the others.
        """
        gaps: dict[str, float] = {}
        for sentence, gap in self._explaining(answer, result):
            gaps[sentence] = min(gap, gaps.get(sentence, gap))
        nearest = sorted(gaps, key=gaps.__getitem__)
        if len(nearest) > 1 and gaps[nearest[1]] <= CLEARLY * gaps[nearest[0]]:
            return None
        return nearest[0] if nearest else None

    def _explaining(self, answer: Any, result: _Result) -> list[tuple[str, float]]:
        """Sentences of the slips that explain what came, and how far off they are.

        They have to explain what comes of the other questions as well.
        """
        found = list(self._explaining_here(result))
        if found and result.found.what != OUT_OF_TIME:
            for other in self._others():
                its = other._answered(answer)
                found = [f for f in found if other._explains(other._slipped(f[1]), its)]
        return [(sentence, gap) for sentence, _, gap in found]

    def _explaining_here(
        self, result: _Result
    ) -> Iterator[tuple[str, Function, float]]:
        start = time.thread_time()
        for sentence, wrong in self.exercise.mistakes():
            if result.is_refused and time.thread_time() - start > SEARCH:
                break
            slip = self._slipped(wrong)
            if self._explains(slip, result):
                yield sentence, wrong, self._gap(slip, result)

    def _others(self) -> Iterator["Trial"]:
        for place in range(len(self.exercise.cases)):
            if place != self.place:
                yield Trial(self.exercise, self.seed, place)

    def _explains(self, slip: _Result, result: _Result) -> bool:
        """Whether a slip fails for the same reason as an answer, and is like it."""
        what = result.found.what
        if slip.found.what != what:
            return False
        if what in self.exercise.refuse:
            return True  # the table says what such a slip is
        whats = list(self.right)
        if what in self.right and self._is_kept(what):
            # Arguments may have been spoilt further; what came back has to agree.
            whats = [w for w in whats if w == what or not w.endswith(AFTERWARDS)]
        came, its = result.numbers, slip.numbers
        return all(self._alike(w, came.get(w), its.get(w)) for w in whats)

    def _alike(self, what: str, came: Array | None, slip: Array | None) -> bool:
        """Thrice the spread is alike: a wrong answer may scatter more."""
        if came is None or slip is None:
            return came is slip
        margin = ATOL + RTOL * np.abs(slip)
        if slip.shape == self.right[what].shape:
            margin, _ = self._margin(what, slip, 3 * SPREADS)
        return near(came, slip, margin, odd=True)

    def _gap(self, slip: _Result, result: _Result) -> float:
        """How far a slip is from what was wrong first, or from all that was refused."""
        what, came, its = result.found.what, result.numbers, slip.numbers
        whats = [what] if what in came else came
        with np.errstate(invalid="ignore"):
            gaps = [_apart(came[w], its[w]) for w in whats if w in its]
        return max(gaps, default=0.0)

    def _order(self, result: _Result) -> str | None:
        """A hint if right values came in another order."""
        came, names = result.numbers, self.exercise.gives
        is_named = not isinstance(names, str) and result.found.what in names
        # a network has no numbers under its own words
        if result.is_refused or not is_named or not self.right.keys() >= set(names):
            return None

        def comes_at(place: str, what: str) -> bool:
            margin, _ = self._margin(what, self.right[what], SPREADS)
            return near(came.get(place), self.right[what], margin)

        for order in itertools.permutations(names):
            if all(map(comes_at, names, order)):
                return f"The order is: {', '.join(names)}."
        return None


def _apart(one: Array, other: Array) -> float:
    """The largest difference; endless if these are not so many numbers."""
    if one.shape != other.shape:
        return np.inf
    return float(np.nan_to_num(np.abs(one - other)).max(initial=0))
