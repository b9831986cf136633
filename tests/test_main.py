import os
import platform
import subprocess
import sys
from importlib.metadata import version

import pytest

from course_utils import __main__, datasets, pretrained


@pytest.fixture
def no_sample(monkeypatch, tmp_path):
    monkeypatch.setattr(datasets, "SAMPLE", tmp_path / "mnist_sample.npz")


def value_of(report, name):
    return next(
        line.removeprefix(name).strip()
        for line in report.splitlines()
        if line.startswith(name + " ")
    )


def test_the_module_runs_as_a_program_and_fits_one_screen():
    run = subprocess.run(
        [sys.executable, "-m", "course_utils"],
        capture_output=True,
        text=True,
        env=os.environ | {"COURSE_OFFLINE": "1"},
        timeout=120,
    )
    assert (run.returncode, run.stderr) == (0, "")
    lines = run.stdout.splitlines()
    assert len(lines) <= 24
    assert max(map(len, lines)) <= 80
    assert value_of(run.stdout, "digits shipped") == "10000 + 2000 digits"
    assert value_of(run.stdout, "Python") == platform.python_version()


def test_the_report_names_versions_and_settings(monkeypatch):
    monkeypatch.setenv("COURSE_BUDGET", "smoke")
    monkeypatch.setenv("COURSE_DATA_DIR", "my-data")
    report = __main__.report()
    assert value_of(report, "NumPy") == version("numpy")
    assert value_of(report, "PyTorch") == version("torch")
    assert value_of(report, "budget") == "smoke"
    assert value_of(report, "folder of all of MNIST") == "my-data"
    assert value_of(report, "PyTorch computes on") in ("cpu", "cuda", "mps")


def test_a_package_may_go_by_one_name_of_several():
    assert __main__.installed(("no-such-package", "numpy")) == version("numpy")
    assert __main__.installed(("no-such-package",)) == "not installed"


def test_an_unset_folder_is_said():
    assert value_of(__main__.report(), "folder of all of MNIST") == "not set"


def test_a_missing_pytorch_is_said(monkeypatch):
    monkeypatch.setitem(sys.modules, "course_utils.pytorch.runtime", None)
    assert value_of(__main__.report(), "PyTorch computes on") == (
        "PyTorch is not installed"
    )


def test_a_missing_sample_is_said(no_sample):
    assert value_of(__main__.report(), "digits shipped").startswith("unusable: ")


def test_shipped_weights_are_named():
    assert (
        value_of(__main__.report(), "weights shipped")
        == "conv_vae, dcgan, digit_classifier"
    )


def test_damaged_weights_are_said(monkeypatch, tmp_path):
    monkeypatch.setattr(pretrained, "WEIGHTS", tmp_path)
    (tmp_path / "broken.json").write_text("{}")
    assert value_of(__main__.report(), "weights shipped").startswith("unusable: ")
