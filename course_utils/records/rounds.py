"""A game of two networks, played in rounds that are recorded and laid down."""

import inspect
from collections.abc import Callable, Sequence
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
from course_utils.records.recipes import Recipe
from course_utils.records.runs import describe, whole_number


class Game(Protocol):
    """What is played, in either framework.

    Attributes:
        recipe: how.
        seed: of all that is drawn.
        x: the data.
        number: of steps so far.
        place: framework and kind of device, by name.
    """

    recipe: Recipe
    seed: int
    x: Any
    number: Any
    place: dict[str, str]

    def play(self, rates: Sequence[tuple[float, float]]) -> npt.NDArray:
        """A step for each pair of learning rates; both losses of each, (n, 2)."""

    def state(self) -> Arrays:
        """All that changes while it is played, as it is now."""

    def load_state(self, arrays: Arrays) -> None:
        """Take up what `state` gave; another game's changes nothing."""


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
    steps: int,
    every: int,
    watch: Callable[[int], None] | None = None,
    checkpoints: Checkpoints | None = None,
    resume: bool = False,
) -> History:
    """Play on until there are `steps` in all; `train_gan` says what the arguments are.

    Returns:
        Means over each round: `discriminator_loss` and `generator_loss`.

    Raises:
        TypeError: a number that is not whole.
        ValueError: numbers that are too small; steps that `every` does not divide, or
            fewer than are done already; a game that was played before; more steps than
            there are values for; nowhere to resume from.
        CheckpointError: nothing to resume, or another run; a folder that is in use, or
            cannot be written.
        FloatingPointError: a loss was not finite; the message names the step.
    """
    steps = whole_number("steps", steps, least=1)
    every = whole_number("every", every, least=1)
    if steps % every:
        raise ValueError(f"{steps} steps are no multiple of every={every}.")
    rates = game.recipe.rates(steps)
    _check_schedule(game.recipe.step, steps)
    if resume and checkpoints is None:
        raise ValueError("resume=True needs checkpoints=Checkpoints(folder).")
    if not resume and int(game.number):
        raise ValueError(
            f"This game has {int(game.number)} steps behind it: make a new one, or go "
            "on from its checkpoints with resume=True."
        )

    def one_round(number: int) -> dict[str, float]:
        before = every * (number - 1)
        means = _means(game.play(rates[before : before + every]), before)
        if watch is not None:
            watch(every * number)
        return means

    if checkpoints is None:
        return run_epochs(steps // every, one_round, "round")
    if resume and not checkpoints.folder.exists():
        checkpoints.latest()  # says that there is none; `held` would make the folder
    run = run_of(game, steps, every)

    def lay_down(number: int, history: History) -> None:
        checkpoints.save(Checkpoint(every * number, game.state(), history, run))

    with checkpoints.held():
        done = _take_up(game, checkpoints, run, steps) if resume else None
        if not resume:
            checkpoints.check_unused()
        return run_epochs(steps // every, one_round, "round", done, lay_down)


def run_of(game: Game, steps: int, every: int) -> dict[str, Any]:
    """What a run is: all that must be the same if it goes on, described by value.

    Args:
        game: before its first step.
        steps: in all.
        every: steps in a round.
    """
    sizes = {"data": game.x, "seed": game.seed, "every": every}
    return describe(sizes | game.recipe.settings(steps) | game.place)


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
