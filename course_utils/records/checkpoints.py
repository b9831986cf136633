"""A training run laid down on disk, so that it can be taken up again exactly.

A checkpoint is one safetensors file: arrays, and in its header the step, the history
and the settings of the run. It is written to a temporary name, forced to the disk and
renamed, so that a run killed at any moment leaves complete files only; one that was
damaged afterwards is told by its digest and passed over. Reading executes nothing.
"""

import hashlib
import json
import os
import re
import struct
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import IO, Any, NamedTuple
from uuid import uuid4

import numpy as np
import numpy.typing as npt

from course_utils.records.files import locked, replacing
from course_utils.records.history import History
from course_utils.records.runs import describe, differences, whole_number

Arrays = dict[str, npt.NDArray]


# Names of the files here. All else in the folder is somebody else's, copies too.
WHOLE = re.compile(r"step-([0-9]{8}|[1-9][0-9]{8,})\.safetensors")


HALF = re.compile(r"\.[0-9a-f]{32}-step-[0-9]{8,}\.safetensors")  # as `replacing`


LOCK = "course-run.lock"  # there while a run lasts


# What safetensors calls a type.
KINDS = {f"float{bits}": f"F{bits}" for bits in (16, 32, 64)}


KINDS |= {f"int{bits}": f"I{bits}" for bits in (8, 16, 32, 64)}


KINDS |= {f"uint{bits}": f"U{bits}" for bits in (8, 16, 32, 64)} | {"bool": "BOOL"}


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
        folder: made when a run begins.
        keep: how many stay, at least one; the oldest go.
    """

    def __init__(self, folder: str | Path, keep: int = 3) -> None:
        self.folder = Path(folder)
        self.keep = whole_number("keep", keep, least=1)
        # Of the folder, inside `held`: whether the file system knows of it.
        self._lock: bool | None = None

    @contextmanager
    def held(self) -> Iterator[None]:
        """Inside, the folder, which is made, is this run's alone.

        A run that is killed lets it go. Where the file system cannot lock, nobody is
        kept out.

        Raises:
            CheckpointError: another run holds the folder, or it cannot be written.
        """
        with self._alone():
            trial = self.folder / f".{uuid4().hex}-{self._path(0).name}"
            with self._in_words():
                trial.touch()
                trial.unlink()
            yield

    def save(self, checkpoint: Checkpoint) -> None:
        """Write one; then remove the oldest, and what a killed run left half done.

        Raises:
            CheckpointError: it cannot be written, for instance because the disk is
                full, and the earlier ones are as they were; or another run holds the
                folder.
        """
        with self._alone() if self._lock is None else nullcontext():
            self._save(checkpoint)

    def steps(self) -> list[int]:
        """The steps of the checkpoints in the folder, in order.

        Raises:
            CheckpointError: the folder cannot be read.
        """
        matches = [WHOLE.fullmatch(path.name) for path in self._files()]
        return sorted(int(match[1]) for match in matches if match)

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

    def _files(self) -> list[Path]:
        """The files in the folder, no folders; none if it is not there."""
        try:
            paths = list(self.folder.iterdir())
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as error:
            raise CheckpointError(
                f"{self.folder} cannot be read ({error}). Choose another folder."
            ) from error
        return [path for path in paths if path.is_file()]

    def _save(self, checkpoint: Checkpoint) -> None:
        arrays = {
            name: np.asarray(array, order="C")
            for name, array in checkpoint.arrays.items()
        }
        about = {
            "step": whole_number("step", checkpoint.step, least=0),
            "history": checkpoint.history.series,
            "run": describe(checkpoint.run),
            "sha256": _digest(arrays),
        }
        with (
            self._in_words(),
            replacing(self._path(checkpoint.step)) as temporary,
            temporary.open("wb") as file,
        ):
            _write(file, arrays, {"checkpoint": json.dumps(about)})
            file.flush()
            os.fsync(file.fileno())
        self._tidy(checkpoint.step)

    def _tidy(self, step: int) -> None:
        """Remove the oldest, and halves; never what was just written, or is later."""
        older = [each for each in self.steps() if each <= step]
        old = [self._path(each) for each in older[: -self.keep]]
        if self._lock:  # then whoever wrote these halves is dead
            old += [path for path in self._files() if HALF.fullmatch(path.name)]
        for path in old:
            with suppress(OSError):  # somebody else reads it, or has removed it
                path.unlink()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Make the folder, and hold it inside."""
        in_use = (
            f"{self.folder} is in use: another run lays down its checkpoints there. "
            "Wait until it ends or stop it, or choose another folder."
        )
        if self._lock is not None:
            raise CheckpointError(in_use)
        with self._in_words():
            self.folder.mkdir(parents=True, exist_ok=True)
        with ExitStack() as stack:
            try:
                self._lock = stack.enter_context(locked(self.folder / LOCK))
            except TimeoutError:
                raise CheckpointError(in_use) from None
            stack.callback(setattr, self, "_lock", None)
            yield

    @contextmanager
    def _in_words(self) -> Iterator[None]:
        """What goes wrong inside, when something is written, becomes a sentence."""
        try:
            yield
        except OSError as error:
            raise CheckpointError(
                f"A checkpoint cannot be written to {self.folder} ({error}). What is "
                "there already stays whole: make room, or choose a folder that can be "
                "written."
            ) from error


def _write(file: IO[bytes], arrays: Arrays, metadata: dict[str, str]) -> None:
    """A safetensors file: a header, and the arrays one after the other.

    safetensors' own `save_file` writes to a temporary file whose name could be anybody
    else's, so that nobody could remove it after a run was killed.
    """
    header: dict[str, Any] = {"__metadata__": metadata}
    end = 0
    for name, array in arrays.items():
        start, end = end, end + array.nbytes
        header[name] = {
            "dtype": KINDS[array.dtype.name],
            "shape": array.shape,
            "data_offsets": [start, end],
        }
    text = json.dumps(header).encode()
    file.write(struct.pack("<Q", len(text)) + text)
    for array in arrays.values():
        file.write(_bytes(array))


def _bytes(array: npt.NDArray) -> memoryview:
    """The bytes of an array, without a copy."""
    return array.reshape(-1).view(np.uint8).data


def _digest(arrays: Mapping[str, npt.NDArray]) -> str:
    digest = hashlib.sha256()
    for name in sorted(arrays):
        digest.update(f"{name} {arrays[name].dtype} {arrays[name].shape}".encode())
        digest.update(_bytes(arrays[name]))
    return digest.hexdigest()


def _read(path: Path) -> Checkpoint | None:
    """A file's content, or None if it is damaged or something else."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            about = json.loads(file.metadata()["checkpoint"])
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        whole = about["sha256"] == _digest(arrays)
        checkpoint = _checkpoint_of(about, arrays)
    except (OSError, SafetensorError, ValueError, LookupError, TypeError):
        return None
    except (AttributeError, RecursionError):  # JSON, but of another kind, or too deep
        return None
    matches = checkpoint.step == int(path.stem.removeprefix("step-"))
    return checkpoint if whole and matches else None


def _checkpoint_of(about: dict[str, Any], arrays: Arrays) -> Checkpoint:
    """What a header says.

    Raises:
        TypeError, ValueError, AttributeError, LookupError: it says something else.
    """
    step = whole_number("step", about["step"], least=0)
    for values in about["history"].values():
        if not isinstance(values, list) or not all(map(_is_number, values)):
            raise TypeError("A history holds lists of numbers.")
    run = dict(about["run"].items())
    return Checkpoint(step, arrays, History(about["history"]), run)


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _check_run(checkpoint: Checkpoint, run: Mapping[str, Any] | None) -> None:
    if run is None:
        return
    if phrases := differences(checkpoint.run, describe(run)):
        raise CheckpointError(
            f"The checkpoint belongs to another run: {'; '.join(phrases)}. Pass the "
            "settings that it was started with, or choose another folder."
        )
