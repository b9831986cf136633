"""A run killed at any moment goes on from a complete file, or is told in words."""

import os
import signal
import subprocess
import sys
import textwrap
import time

import numpy as np
import pytest

from course_utils.checkpoints import Checkpoint, CheckpointError, Checkpoints
from course_utils.history import History

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
    with pytest.raises(OSError, match="No space"):
        checkpoints.save(checkpoint(2))
    assert [path.name for path in checkpoints.folder.iterdir()] == [
        "step-00000001.safetensors"
    ]


# Saves without end; each file takes a while, so that a kill finds it half written.
ENDLESS = """
    import sys
    from itertools import count
    import numpy as np
    from course_utils.checkpoints import Checkpoint, Checkpoints
    from course_utils.history import History

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
