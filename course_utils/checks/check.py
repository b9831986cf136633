"""What all checks share: a line for a right answer, and a sentence for another."""

from abc import ABC, abstractmethod
from typing import Any

from course_utils.checks.calls import NotYet, Refusal
from course_utils.checks.seen import Seen


class Check(ABC):
    """A check, which is called with a student's answer.

    Attributes:
        name: of the exercise.
        hint: helps who is stuck, without giving the solution.
        solved: whether the answer that came last, in this process, was right.
    """

    name: str
    hint: str
    solved: bool = False

    def __call__(self, answer: Any, seed: int | None = None) -> None:
        """Check an answer; print one line if it is right.

        Args:
            answer: the student's function, or a number where one is asked for.
            seed: of the inputs; fresh ones if None.

        Raises:
            NotYet: with the first thing that is not right.
        """
        self.solved = False
        if wrong := self.what_is_wrong(answer, seed):
            raise NotYet(f"{self.name}: {wrong}")
        self.solved = True
        print(f"{self.name}: right.")

    @abstractmethod
    def what_is_wrong(self, answer: Any, seed: int | None = None) -> str | None:
        """What a student is told of an answer; None if it is right.

        Args:
            answer: as above, or one that is `Elsewhere`.
            seed: of the inputs; fresh ones if None.
        """

    def told(self, sentence: str, hint: str | None) -> str:
        """A sentence and one hint: the check's own if it is None, none if empty."""
        return "\n".join([sentence, *_hints(self.hint if hint is None else hint)])

    def refused(self, refusal: Refusal) -> str:
        """What a student is told of a refusal."""
        return self.told(refusal.sentence, refusal.hint)


class Elsewhere(ABC):
    """An answer that another process holds: a check asks it and never calls it.

    A check takes one in place of a function or a number. What comes back are plain
    numbers, so that nothing of a student's runs where the check compares. A `Refusal`
    over there has to be raised here anew, of the same kind, sentence, hint and numbers.
    """

    @abstractmethod
    def seen(self, name: str, root: int, place: int, noise: int | None) -> Seen:
        """What `Exercise.seen(answer, root, place, noise)` gives over there.

        Args:
            name: of the exercise.
            root: handed on as it is, like all that follows.
            place: of the question.
            noise: of its generator.

        Raises:
            Refusal: as over there.
        """

    @abstractmethod
    def asked(self, words: str, arguments: tuple[Any, ...], seconds: float) -> Any:
        """What `examination.asked(answer, words, arguments, seconds)` gives over there.

        Args:
            words: the arguments in words.
            arguments: numbers, arrays, tensors, networks.
            seconds: of the processor's time, for this call.

        Raises:
            Refusal: as over there.
        """


def _hints(hint: str) -> list[str]:
    return [f"Hint: {hint}"] if hint else []
