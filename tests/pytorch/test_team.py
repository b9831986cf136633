"""Two processes on half a batch each train as one does on the whole."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import weights

from course_utils.pytorch.team import Team

TESTS = Path(__file__).parents[1]
TORCHRUN = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node")


@pytest.fixture(scope="module")
def came(tmp_path_factory):
    """What one and what two processes come to."""
    folder = tmp_path_factory.mktemp("team")
    tools = [TESTS.parent / "tools" / name for name in ("train", "measure")]
    path = os.pathsep.join(map(str, (*tools, TESTS.parent)))
    results = []
    for size in (1, 2):
        launcher = () if size == 1 else (*TORCHRUN, str(size))
        out = folder / f"{size}.npz"
        command = [sys.executable, *launcher, str(TESTS / "team_program.py"), str(out)]
        environment = os.environ | {"PYTHONPATH": path}
        subprocess.run(command, check=True, env=environment, timeout=300)
        results.append(np.load(out))
    return results


def test_two_processes_have_the_gradients_of_one_and_train_as_one_does(came):
    one, two = came
    assert (one["size"], two["size"]) == (1, 2)
    for name in one:
        if name not in ("size", "threads"):
            np.testing.assert_allclose(two[name], one[name], rtol=1e-5, atol=1e-5)


@pytest.mark.skipif(sys.platform != "linux", reason="asks /proc for threads")
def test_no_thread_of_a_team_outlives_it(came):
    during, after = came[1]["threads"]
    assert during > 0
    assert after == 0


def test_parts_of_a_batch_are_the_whole_batch():
    batch = torch.arange(5)
    parts = [Team(rank, 2).part(batch).tolist() for rank in range(2)]
    assert parts == [[0, 2, 4], [1, 3]]
    assert Team(1, 2).part(torch.arange(6).view(2, 3), dim=1).tolist() == [[1], [4]]


def test_only_the_first_process_writes(monkeypatch, tmp_path, digits):
    written = []
    monkeypatch.setattr(weights, "save_weights", lambda *all_: written.append(all_))
    monkeypatch.setattr(weights, "trained_classifier", lambda *all_: None)
    monkeypatch.setattr(weights, "load_mnist", lambda *all_: None)
    monkeypatch.setattr(Team, "joined", lambda: Team(1, 2))
    monkeypatch.setattr(Team, "leave", lambda team: None)
    weights.digit_classifier()
    assert written == []
