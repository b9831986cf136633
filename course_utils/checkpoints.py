"""A training run laid down on disk, so that it can be taken up again exactly.

A checkpoint is one safetensors file: arrays, and in its header the step, the history
and the settings of the run. It is written to a temporary name, forced to the disk and
renamed, so that a run killed at any moment leaves complete files only; one that was
damaged afterwards is told by its digest and passed over. Reading executes nothing.
"""

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from course_utils.files import replacing
from course_utils.history import History

Arrays = dict[str, npt.NDArray]


class CheckpointError(RuntimeError):
    """There is no checkpoint to go on from, or it is another run's, as it says."""


class Checkpoint(NamedTuple):
    """What was laid down.

    Attributes:
        step: how many were finished.
        arrays: weights, optimizers, random states, by name.
        history: of the finished steps.
        run: the settings that must be the same when the run goes on.
    """

    step: int
    arrays: Arrays
    history: History
    run: dict[str, Any]


class Checkpoints:
    """The last few checkpoints of one run, in a folder of their own.

    Args:
        folder: made when the first is saved.
        keep: how many stay; the oldest go.
    """

    def __init__(self, folder: str | Path, keep: int = 3) -> None:
        self.folder = Path(folder)
        self.keep = keep

    def save(self, checkpoint: Checkpoint) -> None:
        """Write one; then remove the oldest, and what a killed run left half done."""
        from safetensors.numpy import save_file

        arrays = {
            name: np.asarray(array, order="C")
            for name, array in checkpoint.arrays.items()
        }
        about = {
            "step": checkpoint.step,
            "history": checkpoint.history.series,
            "run": checkpoint.run,
            "sha256": _digest(arrays),
        }
        with replacing(self._path(checkpoint.step)) as temporary:
            save_file(arrays, temporary, {"checkpoint": json.dumps(about)})
            with temporary.open("rb+") as file:
                os.fsync(file.fileno())
        for pattern in (".*-step-*.safetensors", ".tmp*"):  # ours, and safetensors' own
            for half in self.folder.glob(pattern):
                half.unlink()
        for old in self.steps()[: -self.keep]:
            self._path(old).unlink()

    def steps(self) -> list[int]:
        """The steps of the checkpoints in the folder, in order."""
        files = self.folder.glob("step-*.safetensors")
        return sorted(int(path.stem.removeprefix("step-")) for path in files)

    def latest(self, run: Mapping[str, Any] | None = None) -> Checkpoint:
        """The last complete checkpoint.

        Args:
            run: settings that it must have been saved with; None takes any.

        Raises:
            CheckpointError: there is none that can be read, or it belongs to a run
                with other settings.
        """
        for step in reversed(self.steps()):
            checkpoint = _read(self._path(step))
            if checkpoint is not None:
                _check_run(checkpoint, run)
                return checkpoint
        raise CheckpointError(
            f"There is no complete checkpoint in {self.folder}. Train without "
            "resume=True first, or correct the folder's name."
        )

    def check_unused(self) -> None:
        """See that a new run overwrites nothing.

        Raises:
            CheckpointError: the folder holds checkpoints.
        """
        if steps := self.steps():
            raise CheckpointError(
                f"{self.folder} holds checkpoints up to step {steps[-1]}. Pass "
                "resume=True to go on from there, or choose another folder."
            )

    def _path(self, step: int) -> Path:
        return self.folder / f"step-{step:08d}.safetensors"


def _digest(arrays: Mapping[str, npt.NDArray]) -> str:
    digest = hashlib.sha256()
    for name in sorted(arrays):
        digest.update(f"{name} {arrays[name].dtype} {arrays[name].shape}".encode())
        digest.update(arrays[name].tobytes())
    return digest.hexdigest()


def _read(path: Path) -> Checkpoint | None:
    """A file's content, or None if it is damaged."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            about = json.loads(file.metadata()["checkpoint"])
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError, ValueError, KeyError, TypeError):
        return None
    if _digest(arrays) != about["sha256"]:
        return None
    return Checkpoint(about["step"], arrays, History(about["history"]), about["run"])


def _check_run(checkpoint: Checkpoint, run: Mapping[str, Any] | None) -> None:
    if run is None or checkpoint.run == dict(run):
        return
    keys = sorted(checkpoint.run.keys() | run.keys())
    differing = [
        f"{key} was {checkpoint.run.get(key)!r} and is now {run.get(key)!r}"
        for key in keys
        if checkpoint.run.get(key) != run.get(key)
    ]
    raise CheckpointError(
        f"The checkpoint belongs to another run: {'; '.join(differing)}. Pass the "
        "settings that it was started with, or choose another folder."
    )
