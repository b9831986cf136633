"""A run killed at any moment goes on from a complete file, or is told in words."""

import errno
import json
import os
import signal
import subprocess
import sys
import textwrap
import time

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from course_utils.records import files
from course_utils.records.checkpoints import Checkpoint, CheckpointError, Checkpoints
from course_utils.records.history import History

RUN = {"seed": 0, "batch_size": 8}


def checkpoint(step, **run):
    arrays = {
        "weights": np.full((3, 2), step, np.float32),
        "bits": np.arange(step, dtype=np.uint8),
        "count": np.array(step),
        "turned": np.arange(6.0).reshape(2, 3).T,
    }
    losses = [float(number) for number in range(step)]
    return Checkpoint(step, arrays, History({"loss": losses}), RUN | run)


@pytest.fixture
def checkpoints(tmp_path):
    return Checkpoints(tmp_path / "run", keep=2)


def test_what_is_laid_down_is_taken_up(checkpoints):
    checkpoints.save(checkpoint(3))
    found = checkpoints.latest(RUN)
    assert (found.step, found.run) == (3, RUN)
    assert found.history == checkpoint(3).history
    assert found.arrays.keys() == checkpoint(3).arrays.keys()
    for name, array in checkpoint(3).arrays.items():
        assert found.arrays[name].dtype == array.dtype
        assert found.arrays[name].shape == array.shape
        assert np.array_equal(found.arrays[name], array)


def test_the_last_few_stay(checkpoints):
    for step in (1, 2, 10):
        checkpoints.save(checkpoint(step))
    assert checkpoints.steps() == [2, 10]
    assert checkpoints.latest().step == 10


def test_a_missing_checkpoint_is_an_error_in_words(checkpoints):
    with pytest.raises(CheckpointError, match="no complete checkpoint in .*run"):
        checkpoints.latest()


def test_a_new_run_overwrites_nothing(checkpoints):
    checkpoints.check_unused()
    checkpoints.save(checkpoint(4))
    with pytest.raises(CheckpointError, match="up to step 4.*resume=True"):
        checkpoints.check_unused()


def test_another_runs_checkpoint_is_refused(checkpoints):
    checkpoints.save(checkpoint(4))
    with pytest.raises(CheckpointError, match="run: seed was 0 and is now 1. "):
        checkpoints.latest(RUN | {"seed": 1})


def truncated(content):
    return content[:-1]


def flipped(content):
    return content[:-1] + bytes([content[-1] ^ 1])


@pytest.mark.parametrize("damage", [truncated, flipped, lambda _: b"", lambda _: b"{}"])
def test_a_damaged_file_is_passed_over(checkpoints, damage):
    checkpoints.save(checkpoint(1))
    checkpoints.save(checkpoint(2))
    last = max(checkpoints.folder.iterdir())
    last.write_bytes(damage(last.read_bytes()))
    assert checkpoints.latest().step == 1


def test_nothing_is_replaced_if_saving_fails(checkpoints, monkeypatch):
    checkpoints.save(checkpoint(1))

    def full(*args):
        raise OSError("No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(CheckpointError, match=r"written to .*No space.*make room"):
        checkpoints.save(checkpoint(2))
    assert [path.name for path in checkpoints.folder.iterdir()] == [
        "step-00000001.safetensors"
    ]


COPIES = [
    "step-00000001-Copy1.safetensors",  # JupyterLab's "Duplicate"
    "step-00000001 copy.safetensors",  # Finder
    "step-00000001 (1).safetensors",  # browsers
    "Copy of step-00000001.safetensors",
    "step-00000001.safetensors.icloud",
    "step-1.safetensors",
    "step-000000001.safetensors",
    "step-last.safetensors",
    "step-\u0661\u0661\u0661\u0661\u0661\u0661\u0661\u0661.safetensors",
]


@pytest.mark.parametrize("name", COPIES)
def test_a_duplicated_checkpoint_file_is_passed_over(checkpoints, name):
    checkpoints.save(checkpoint(1))
    copy = checkpoints.folder / name
    copy.write_bytes(checkpoints._path(1).read_bytes())
    assert checkpoints.steps() == [1]
    for step in (2, 3, 4):
        checkpoints.save(checkpoint(step))
    assert checkpoints.latest().step == 4
    assert checkpoints.steps() == [3, 4]
    assert copy.exists()


FOREIGN = [
    ".tmp_results.csv",
    ".tmpbackup",
    ".my-step-2.safetensors",
    ".0123456789abcdef0123456789abcdef-step-00000001-Copy1.safetensors",
    "notes.txt",
]
FOLDERS = [
    ".tmp.driveupload",  # Google Drive's
    ".ipynb_checkpoints",
    ".0123456789abcdef0123456789abcdef-step-00000009.safetensors",
    "step-00000001.safetensors",
    "step-00000009.safetensors",
]


@pytest.mark.parametrize("name", FOREIGN)
def test_a_file_of_ones_own_in_the_folder_stays(checkpoints, name):
    checkpoints.folder.mkdir()
    own = checkpoints.folder / name
    own.write_text("mine")
    for step in (3, 4, 5):
        checkpoints.save(checkpoint(step))
    assert own.read_text() == "mine"


@pytest.mark.parametrize("name", FOLDERS)
def test_a_folder_in_the_folder_stays_and_stops_nothing(checkpoints, name):
    inside = checkpoints.folder / name / "inside"
    inside.mkdir(parents=True)
    checkpoints.check_unused()
    for step in (3, 4, 5):
        checkpoints.save(checkpoint(step))
    assert checkpoints.latest().step == 5
    assert inside.is_dir()


def test_a_dead_runs_half_file_goes(checkpoints):
    checkpoints.folder.mkdir()
    name = ".0123456789abcdef0123456789abcdef-step-00000009.safetensors"
    half = checkpoints.folder / name
    half.write_text("half")
    checkpoints.save(checkpoint(3))
    assert [path.name for path in checkpoints.folder.iterdir()] == [
        "step-00000003.safetensors"
    ]


def test_what_was_just_written_stays_beside_damaged_files_of_later_steps(tmp_path):
    checkpoints = Checkpoints(tmp_path, keep=1)
    for later in (7, 8, 9):
        checkpoints._path(later).write_text("damaged")
    for step in (2, 4):
        checkpoints.save(checkpoint(step))
        assert checkpoints.latest().step == step
    assert checkpoints.steps() == [4, 7, 8, 9]


@pytest.mark.parametrize("keep", [0, -1])
def test_fewer_than_one_checkpoint_cannot_be_kept(tmp_path, keep):
    with pytest.raises(ValueError, match=f"keep must be at least 1, not {keep}"):
        Checkpoints(tmp_path, keep=keep)


def test_keep_may_be_an_integer_of_numpy(tmp_path):
    checkpoints = Checkpoints(tmp_path, keep=np.int64(1))
    for step in (np.int64(1), np.int64(2)):
        checkpoints.save(checkpoint(int(step))._replace(step=step))
    assert checkpoints.steps() == [2]
    assert checkpoints.latest().step == 2


def test_settings_may_be_numbers_of_numpy(checkpoints):
    run = {"seed": np.int64(3), "betas": (np.float32(0.5), 0.99), "data": np.ones(3)}
    checkpoints.save(checkpoint(1, **run))
    assert checkpoints.latest(RUN | run).step == 1
    with pytest.raises(CheckpointError, match="data was '3 float64, sha256 "):
        checkpoints.latest(RUN | run | {"data": np.zeros(3)})


def rewritten(path, change):
    """Change what a file's header says, and nothing else."""
    with safe_open(path, framework="numpy") as file:
        about = json.loads(file.metadata()["checkpoint"])
    about = change(about)
    text = about if isinstance(about, str) else json.dumps(about)
    save_file(load_file(path), path, {"checkpoint": text})


def without(key):
    return lambda about: {name: about[name] for name in about if name != key}


def holding(**others):
    return lambda about: about | others


DAMAGES = {
    "no step": without("step"),
    "no history": without("history"),
    "no run": without("run"),
    "no digest": without("sha256"),
    "a step that is a word": holding(step="2"),
    "a step that is a fraction": holding(step=2.0),
    "a step that is not a number": holding(step=float("nan")),
    "a step that is a truth": holding(step=True),
    "a step below 0": holding(step=-2),
    "another step": holding(step=3),
    "no step at all": holding(step=None),
    "a history that is a list": holding(history=[1.0]),
    "a history that is none": holding(history=None),
    "a series that is a number": holding(history={"loss": 1.0}),
    "a series of words": holding(history={"loss": ["1.0"]}),
    "a series of none": holding(history={"loss": [None]}),
    "a run that is a list": holding(run=[1]),
    "a run that is a word": holding(run="run"),
    "a digest that is a number": holding(sha256=7),
    "a list": lambda about: [about],
    "a number": lambda about: 3,
    "none": lambda about: None,
    "no JSON": lambda about: "{",
    "too deep": lambda about: "[" * 100_000,
}


@pytest.mark.parametrize("change", DAMAGES.values(), ids=DAMAGES.keys())
def test_a_damaged_header_is_passed_over_like_a_damaged_file(checkpoints, change):
    checkpoints.save(checkpoint(1))
    checkpoints.save(checkpoint(2))
    rewritten(checkpoints._path(2), change)
    assert checkpoints.latest(RUN).step == 1
    checkpoints._path(1).unlink()
    with pytest.raises(CheckpointError, match="no complete checkpoint"):
        checkpoints.latest(RUN)


def test_a_safetensors_file_of_somebody_else_is_passed_over(checkpoints):
    checkpoints.folder.mkdir()
    save_file({"a": np.ones(3)}, checkpoints._path(1))
    save_file({"a": np.ones(3)}, checkpoints._path(2), {"format": "np"})
    with pytest.raises(CheckpointError, match="no complete checkpoint"):
        checkpoints.latest()


def test_safetensors_itself_reads_what_is_written(checkpoints):
    kinds = ["float16", "float32", "float64", "bool"]
    kinds += [f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)]
    arrays = {kind: np.arange(5).astype(kind) for kind in kinds}
    arrays |= {"empty": np.zeros((0, 3)), "one": np.array(1.5)}
    checkpoints.save(Checkpoint(1, arrays, History(), {}))
    found = load_file(checkpoints._path(1))
    assert found.keys() == arrays.keys()
    for name, array in arrays.items():
        assert (found[name].dtype, found[name].shape) == (array.dtype, array.shape)
        assert np.array_equal(found[name], array)
    assert checkpoints.latest().step == 1


def test_a_full_disk_is_said_in_a_sentence_and_nothing_is_lost(checkpoints):
    resource = pytest.importorskip("resource", reason="limits are not for Windows")
    checkpoints.save(checkpoint(1))
    _, most = before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200, most))  # no file may be larger
    try:
        with pytest.raises(CheckpointError, match="cannot be written to .*make room"):
            checkpoints.save(checkpoint(2))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert [path.name for path in checkpoints.folder.iterdir()] == [
        "step-00000001.safetensors"
    ]
    checkpoints.save(checkpoint(3))  # no lock is held
    assert checkpoints.steps() == [1, 3]


def test_an_old_file_that_cannot_be_removed_stops_nothing(checkpoints, monkeypatch):
    for step in (1, 2):
        checkpoints.save(checkpoint(step))

    def locked(path, missing_ok=False):
        raise PermissionError("another program reads it")  # Windows

    monkeypatch.setattr(type(checkpoints.folder), "unlink", locked)
    with checkpoints._alone():  # `replacing` would have to remove nothing
        checkpoints._tidy(2)
        checkpoints._tidy(3)
    monkeypatch.undo()
    assert checkpoints.steps() == [1, 2]


def test_a_folder_that_another_run_holds_is_refused_by_its_name(tmp_path):
    one, other = Checkpoints(tmp_path / "run"), Checkpoints(tmp_path / "run")
    with one.held():
        for attempt in (other.held(), one.held()):
            with pytest.raises(CheckpointError, match="run is in use"), attempt:
                pass
        with pytest.raises(CheckpointError, match="run is in use"):
            other.save(checkpoint(1))
        one.save(checkpoint(2))
        assert other.latest().step == 2  # it may be read
    with other.held():
        other.save(checkpoint(3))
    assert {path.name for path in (tmp_path / "run").iterdir()} == {
        "step-00000002.safetensors",
        "step-00000003.safetensors",
    }


def test_two_names_of_one_folder_are_one_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with (
        Checkpoints("run").held(),
        pytest.raises(CheckpointError, match="in use"),
        Checkpoints(tmp_path / "run" / ".." / "run").held(),
    ):
        pass


def test_an_aborted_run_or_save_holds_nothing(checkpoints):
    with pytest.raises(KeyboardInterrupt), checkpoints.held():
        raise KeyboardInterrupt
    with pytest.raises(KeyError):  # no file has numbers like that
        checkpoints.save(Checkpoint(1, {"a": np.ones(3, complex)}, History(), {}))
    with Checkpoints(checkpoints.folder).held():
        assert [path.name for path in checkpoints.folder.iterdir()] == [
            "course-run.lock"
        ]


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS])
def test_where_files_cannot_be_locked_one_trains_without(
    checkpoints, monkeypatch, number
):
    def cannot(descriptor):
        raise OSError(number, "no locks")

    monkeypatch.setattr(files, "_lock", cannot)
    checkpoints.folder.mkdir()
    name = ".0123456789abcdef0123456789abcdef-step-00000009.safetensors"
    half = checkpoints.folder / name
    half.write_text("perhaps of a run that lives")
    with checkpoints.held():
        checkpoints.save(checkpoint(1))
    assert checkpoints.latest().step == 1
    assert half.exists()


def test_a_folder_that_cannot_be_written_is_refused_in_words(tmp_path):
    (tmp_path / "file").write_text("mine")
    for folder in (tmp_path / "file", tmp_path / "file" / "run"):
        checkpoints = Checkpoints(folder)
        refused = pytest.raises(CheckpointError, match="cannot be written to .*file")
        with refused, checkpoints.held():
            pass
        with refused:
            checkpoints.save(checkpoint(1))
    assert (tmp_path / "file").read_text() == "mine"


def test_a_read_only_folder_is_refused_in_words(checkpoints, monkeypatch):
    def read_only(path, *args, **options):
        raise OSError(30, "Read-only file system")

    checkpoints.folder.mkdir()
    monkeypatch.setattr(type(checkpoints.folder), "touch", read_only)
    refused = pytest.raises(CheckpointError, match="cannot be written.*Read-only")
    with refused, checkpoints.held():
        pass


# Holds a folder until it is told to stop.
HOLDING = """
    import sys
    from course_utils.records.checkpoints import Checkpoints

    with Checkpoints(sys.argv[1]).held():
        print("held", flush=True)
        sys.stdin.read()
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL")
def test_another_kernel_is_refused_until_the_first_is_killed(checkpoints):
    command = [sys.executable, "-c", textwrap.dedent(HOLDING), str(checkpoints.folder)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, **pipes) as process:
        assert process.stdout.readline() == b"held\n"
        with pytest.raises(CheckpointError, match="in use"):
            checkpoints.save(checkpoint(1))
        process.send_signal(signal.SIGKILL)
    with checkpoints.held():
        checkpoints.save(checkpoint(1))
    assert checkpoints.latest().step == 1


# Saves without end; each file takes a while, so that a kill finds it half written.
ENDLESS = """
    import sys
    from itertools import count
    import numpy as np
    from course_utils.records.checkpoints import Checkpoint, Checkpoints
    from course_utils.records.history import History

    checkpoints = Checkpoints(sys.argv[1])
    for step in count(1):
        arrays = {"weights": np.full(10_000_000, step, np.float32)}
        checkpoints.save(Checkpoint(step, arrays, History(), {}))
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL")
def test_a_run_killed_while_it_saves_leaves_complete_files(tmp_path):
    command = [sys.executable, "-c", textwrap.dedent(ENDLESS), str(tmp_path)]
    checkpoints = Checkpoints(tmp_path)
    with subprocess.Popen(command) as process:
        deadline = time.monotonic() + 60
        while not (checkpoints.steps() and list(tmp_path.glob(".*"))):
            assert process.poll() is None
            assert time.monotonic() < deadline
        process.send_signal(signal.SIGKILL)
    (half,) = tmp_path.glob(".*")
    found = checkpoints.latest()
    assert found.step == checkpoints.steps()[-1]
    assert (found.arrays["weights"] == found.step).all()
    checkpoints.save(checkpoint(found.step + 1))
    assert not half.exists()
