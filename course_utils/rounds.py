"""A game of two networks, played in rounds that are recorded and laid down."""

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from course_utils.checkpoints import Arrays, Checkpoint, Checkpoints
from course_utils.history import History
from course_utils.progress import not_finite, run_epochs


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
        """All that changes while it is played."""

    def load_state(self, arrays: Arrays) -> None:
        """Take up what `state` gave."""


def play_rounds(
    game: Game,
    losses_after: Callable[[int], npt.NDArray],
    steps: int,
    every: int,
    watch: Callable[[int], None] | None = None,
    checkpoints: Checkpoints | None = None,
    resume: bool = False,
) -> History:
    """Play on until there are `steps` in all; `train_gan` says what the arguments are.

    Args:
        game: is played.
        losses_after: takes the number of steps so far, plays `every` more, and returns
            the discriminator's and the generator's loss of each, (every, 2).
        steps: in all.
        every: steps in a round.
        watch: called after each round with the number of steps so far.
        checkpoints: where the game is laid down after each round.
        resume: begin with the last complete checkpoint.

    Returns:
        Means over each round: `discriminator_loss` and `generator_loss`.

    Raises:
        ValueError: fewer data than a batch; steps that `every` does not divide; nowhere
            to resume from.
        CheckpointError: nothing to resume, or a folder that is in use already.
        FloatingPointError: a loss was not finite; the message names the step.
    """
    count = len(game.x)
    if count < game.batch_size:
        raise ValueError(f"{count} samples cannot fill a batch of {game.batch_size}.")
    if steps % every:
        raise ValueError(f"{steps} steps are no multiple of every={every}.")
    sizes = {"batch_size": game.batch_size, "every": every, "data": count}
    run = {"seed": game.seed} | sizes

    def one_round(number: int) -> dict[str, float]:
        before = every * (number - 1)
        means = _means(losses_after(before), before)
        if watch is not None:
            watch(every * number)
        return means

    def lay_down(number: int, history: History) -> None:
        if checkpoints is not None:
            checkpoints.save(Checkpoint(every * number, game.state(), history, run))

    done = _take_up(game, checkpoints, run, resume)
    return run_epochs(steps // every, one_round, "round", done, lay_down)


def _take_up(
    game: Game, checkpoints: Checkpoints | None, run: dict[str, int], resume: bool
) -> History | None:
    """The history of the game that is resumed, which is loaded; else None."""
    if not resume:
        if checkpoints is not None:
            checkpoints.check_unused()
        return None
    if checkpoints is None:
        raise ValueError("resume=True needs checkpoints=Checkpoints(folder).")
    checkpoint = checkpoints.latest(run)
    game.load_state(checkpoint.arrays)
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
