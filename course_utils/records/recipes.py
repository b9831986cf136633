"""How a game is played, as one value; of whichever framework."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from course_utils.records.runs import as_one_number, whole_number

# One number, one for each step, or a function of how many steps there are to these.
Rate = float | Sequence[float] | npt.NDArray | Callable[[int], Any]

PRECISIONS = ("float32", "bfloat16", "auto")


def check_precision(precision: str) -> None:
    """See that a precision is one of `PRECISIONS`.

    Raises:
        ValueError: it is not.
    """
    if precision not in PRECISIONS:
        raise ValueError(
            f'precision is {precision!r}; it must be "float32", "bfloat16" or "auto".'
        )


@dataclass(frozen=True, eq=False)
class Recipe:
    """All that describes the training of a game but networks, data and seed.

    Attributes:
        step: how one batch is played; see `gan`. If it has a seventh argument,
            `number`, it gets there which step of the game it is: 0 for the first, an
            int64 tensor that lies where the game is played.
        batch_size: samples a step, at least 2; never fewer.
        learning_rate: Adam's step size for the generator; one for each step, as
            `falling` makes them, or a function of the number of steps to these.
        discriminator_learning_rate: the discriminator's, if it has another.
        betas: Adam's, for both.
        averaging: share of the old mean that a running mean of the generator's weights
            keeps at each step; None keeps no mean.
        precision: "float32", "bfloat16" for the multiplications of both networks, or
            "auto" for the latter where the hardware has it.
    """

    step: Callable[..., Any]
    batch_size: int = 256
    learning_rate: Rate = 1e-3
    discriminator_learning_rate: Rate | None = None
    betas: tuple[float, float] = (0.5, 0.99)
    averaging: float | None = None
    precision: str = "float32"

    def __post_init__(self) -> None:
        size = whole_number("batch_size", self.batch_size)
        if size < 2:
            raise ValueError(
                f"batch_size must be at least 2, not {size}: one sample has no spread, "
                "which batch normalization divides by."
            )
        object.__setattr__(self, "batch_size", size)
        first, second = map(float, self.betas)
        object.__setattr__(self, "betas", (first, second))
        if self.averaging is not None and not 0 <= self.averaging < 1:
            raise ValueError(
                f"averaging must be at least 0 and below 1, not {self.averaging}: it "
                "is the share of the old mean that a step keeps."
            )
        check_precision(self.precision)

    def rates(self, steps: int) -> list[tuple[float, float]]:
        """Both learning rates, generator's and discriminator's, of each step.

        Raises:
            ValueError: there are fewer or more than steps.
        """
        second = self.discriminator_learning_rate
        both = self.learning_rate, self.learning_rate if second is None else second
        return list(zip(*(_for_each_step(rate, steps) for rate in both), strict=True))

    def settings(self, steps: int) -> dict[str, Any]:
        """What must be the same when a game of so many steps goes on, by name."""
        generators, discriminators = zip(*self.rates(steps), strict=True)
        own = {field.name: getattr(self, field.name) for field in fields(self)}
        return own | {
            "learning_rate": as_one_number(generators),
            "discriminator_learning_rate": as_one_number(discriminators),
        }


def falling(start: float, end: float, steps: int, hold: float = 0.0) -> npt.NDArray:
    """A value for each step: constant at first, then falling by an equal factor a step.

    Args:
        start: the first value.
        end: the last.
        steps: how many values.
        hold: share of the steps for which the value stays at `start`; below 1.

    Raises:
        TypeError, ValueError: a number of steps that is none, a value that is not
            above 0, or a share that leaves no step to fall in.
    """
    time = np.linspace(0, 1, whole_number("steps", steps, least=1))
    if not (0 < start < np.inf and 0 < end < np.inf):
        raise ValueError(
            f"falling goes from {start} to {end}; both must be above 0 and finite, "
            "because it falls by a factor."
        )
    if not 0 <= hold < 1:
        raise ValueError(
            f"hold must be at least 0 and below 1, not {hold}: it is the share of the "
            "steps that do not fall."
        )
    return start * (end / start) ** np.clip((time - hold) / (1 - hold), 0, 1)


def _for_each_step(rate: Rate, steps: int) -> list[float]:
    """A learning rate for each step.

    Raises:
        ValueError: there are fewer or more than steps.
    """
    values: Any = rate(steps) if callable(rate) else rate
    if callable(rate) and np.ndim(values) == 0:
        raise ValueError(
            "A learning rate that is a function takes the number of steps and returns "
            f"one value for each; {type(rate).__name__} returned a single one. A "
            "schedule of Keras is [float(schedule(i)) for i in range(steps)]."
        )
    if np.ndim(values) == 0:
        return [float(values)] * steps
    if len(values) != steps:
        raise ValueError(
            f"There are {len(values)} learning rates for {steps} steps; pass one "
            "number, or one for each step."
        )
    return [float(value) for value in values]
