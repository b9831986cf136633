"""A game of two networks, played in rounds that are recorded and laid down."""

import inspect
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from course_utils.records.arrays import WeightsError
from course_utils.records.checkpoints import (
    Arrays,
    Checkpoint,
    CheckpointError,
    Checkpoints,
)
from course_utils.records.history import History
from course_utils.records.progress import not_finite, run_epochs
from course_utils.records.runs import describe, whole_number


class Game(Protocol):
    """What is played, in either framework.

    Attributes:
        x: the data.
        batch_size: samples a step.
        seed: of all that is drawn.
    """

    x: Any
    batch_size: int
    seed: int

    def state(self) -> Arrays:
        """All that changes while it is played, as it is now."""

    def load_state(self, arrays: Arrays) -> None:
        """Take up what `state` gave; another game's changes nothing."""


def check_sizes(
    steps: int, every: int, batch_size: int, seed: int
) -> tuple[int, int, int, int]:
    """The whole numbers that a training is given, as Python's; NumPy's count too.

    Raises:
        TypeError: one is no whole number; the message names it.
        ValueError: one is too small, or `every` does not divide `steps`.
    """
    steps = whole_number("steps", steps, least=1)
    every = whole_number("every", every, least=1)
    batch_size = whole_number("batch_size", batch_size)
    if batch_size < 2:
        raise ValueError(
            f"batch_size must be at least 2, not {batch_size}: one sample has no "
            "spread, which batch normalization divides by."
        )
    if steps % every:
        raise ValueError(f"{steps} steps are no multiple of every={every}.")
    return steps, every, batch_size, whole_number("seed", seed)


def with_number(step: Callable) -> Callable:
    """A step as a function of seven arguments, the last of which is its number.

    A step that has no argument called `number` does not get it.
    """

    def by_name(*players_and_number):
        *players, number = players_and_number
        return step(*players, number=number)

    def without(*players_and_number):
        return step(*players_and_number[:-1])

    ways = {"by position": step, "by name": by_name, "not": without}
    return ways[_place_of_number(step)]


def play_rounds(
    game: Game,
    losses_after: Callable[[int], npt.NDArray],
    steps: int,
    every: int,
    watch: Callable[[int], None] | None = None,
    checkpoints: Checkpoints | None = None,
    resume: bool = False,
    settings: Mapping[str, Any] | None = None,
) -> History:
    """Play on until there are `steps` in all; `train_gan` says what the arguments are.

    Args:
        game: is played.
        losses_after: takes the number of steps so far, plays `every` more, and returns
            the discriminator's and the generator's loss of each, (every, 2).
        steps: in all.
        every: steps in a round, as `check_sizes` allows.
        watch: called after each round with the number of steps so far.
        checkpoints: where the game is laid down after each round.
        resume: begin with the last complete checkpoint.
        settings: what else the run is, by the names of `train_gan`'s arguments.

    Returns:
        Means over each round: `discriminator_loss` and `generator_loss`.

    Raises:
        ValueError: fewer data than a batch; fewer steps than are done already; more
            than the step has values for; nowhere to resume from.
        CheckpointError: nothing to resume, or another run; a folder that is in use, or
            cannot be written.
        FloatingPointError: a loss was not finite; the message names the step.
    """
    settings = settings or {}
    if len(game.x) < game.batch_size:
        raise ValueError(
            f"{len(game.x)} samples cannot fill a batch of {game.batch_size}."
        )
    _check_schedule(settings.get("step"), steps)
    if resume and checkpoints is None:
        raise ValueError("resume=True needs checkpoints=Checkpoints(folder).")

    def one_round(number: int) -> dict[str, float]:
        before = every * (number - 1)
        means = _means(losses_after(before), before)
        if watch is not None:
            watch(every * number)
        return means

    if checkpoints is None:
        return run_epochs(steps // every, one_round, "round")
    if resume and not checkpoints.folder.exists():
        checkpoints.latest()  # says that there is none; `held` would make the folder
    run = run_of(game, every, settings)

    def lay_down(number: int, history: History) -> None:
        checkpoints.save(Checkpoint(every * number, game.state(), history, run))

    with checkpoints.held():
        done = _take_up(game, checkpoints, run, steps) if resume else None
        if not resume:
            checkpoints.check_unused()
        return run_epochs(steps // every, one_round, "round", done, lay_down)


def run_of(game: Game, every: int, settings: Mapping[str, Any]) -> dict[str, Any]:
    """What a run is: all that must be the same if it goes on, described by value.

    Args:
        game: before its first step.
        every: steps in a round.
        settings: what else the run is; see `runs.describe`.
    """
    sizes = {"seed": game.seed, "batch_size": game.batch_size, "every": every}
    return describe({"data": game.x} | sizes | dict(settings))


def _place_of_number(step: Callable) -> str:
    """How a step takes its number: "by position", "by name", or "not"."""
    try:
        own = inspect.signature(step, follow_wrapped=False).parameters
        wrapped = inspect.signature(step).parameters
    except (TypeError, ValueError):  # not written in Python
        return "not"
    kinds = {parameter.kind for parameter in own.values()}
    if "number" in own and own["number"].kind is not inspect.Parameter.POSITIONAL_ONLY:
        return "by name"
    # a wrapper that hands on whatever it is given
    if "number" in wrapped and inspect.Parameter.VAR_KEYWORD in kinds:
        return "by name"
    if "number" in wrapped and inspect.Parameter.VAR_POSITIONAL in kinds:
        return "by position"
    return "not"


def _check_schedule(step: Any, steps: int) -> None:
    """See that a step that says how long it lasts is not asked for more.

    Raises:
        ValueError: it is.
    """
    while isinstance(step, partial):
        step = step.func
    longest = getattr(step, "longest_game", None)
    if longest is None:
        return
    longest = whole_number("longest_game", longest)
    if longest < steps:
        raise ValueError(
            f"The step has values for {longest} steps, and the game has {steps}: give "
            "it a schedule that is as long as the game."
        )


def _take_up(
    game: Game, checkpoints: Checkpoints, run: dict[str, Any], steps: int
) -> History:
    """Load the game that is resumed; the history that it has.

    Raises:
        CheckpointError: there is none, or it is another.
        ValueError: it has more than `steps` behind it.
    """
    checkpoint = checkpoints.latest(run)
    if checkpoint.step > steps:
        raise ValueError(
            f"{steps} steps are fewer than the {checkpoint.step} that are done "
            f"already: steps counts those before the break too. Pass "
            f"steps={checkpoint.step} or more, or begin anew in another folder."
        )
    if len(checkpoint.history) * run["every"] != checkpoint.step:
        raise CheckpointError(
            f"The checkpoint in {checkpoints.folder} is of step {checkpoint.step}, and "
            f"its history has {len(checkpoint.history)} rounds of {run['every']}: it "
            "was not laid down by a game. Choose another folder."
        )
    try:
        game.load_state(checkpoint.arrays)
    except WeightsError as error:
        raise CheckpointError(
            f"The checkpoint in {checkpoints.folder} is of other networks, and nothing "
            f"was taken from it. {error}"
        ) from error
    return checkpoint.history


def _means(losses: npt.NDArray, before: int) -> dict[str, float]:
    """Mean losses.

    Raises:
        FloatingPointError: a loss is not finite; the message names the step.
    """
    finite = np.isfinite(losses).all(axis=1)
    if not finite.all():
        raise not_finite(before + int(finite.argmin()) + 1, "of the game")
    d_loss, g_loss = losses.mean(axis=0, dtype=np.float64).tolist()
    return {"discriminator_loss": d_loss, "generator_loss": g_loss}
