"""What Binder would build."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BINDER = ROOT / "binder"
PIN = re.compile(r"^([a-z][\w-]*)==([\d.]+)", re.MULTILINE)
# Beside what a lesson imports: what runs and pairs notebooks.
FOR_TESTS_ONLY = {
    "nbval",
    "nbclient",
    "pytest",
    "pytest-xdist",
    "ruff",
    "import-linter",
    "mypy",
    "psutil",
    "tensorflow",  # Binder has tensorflow-cpu
}


@pytest.fixture(scope="module")
def dockerfile(require):
    """What repo2docker would build from this repository, without building it."""
    require("repo2docker")
    run = subprocess.run(
        [sys.executable, "-m", "repo2docker", "--no-build", "--no-run", "--debug", "."],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    return run.stdout + run.stderr


def test_the_python_is_the_one_asked_for(dockerfile):
    assert (BINDER / "runtime.txt").read_text().strip() == "python-3.12"
    assert "Building conda environment for python=3.12" in dockerfile


def test_the_whole_repository_is_there_before_pip_installs_it(dockerfile):
    copied = re.search(r"^COPY .* src/ \$\{REPO_DIR\}", dockerfile, re.MULTILINE)
    installed = dockerfile.index('-r "binder/requirements.txt"')
    assert copied.start() < installed


def test_pins_are_those_of_the_course():
    ours = dict(PIN.findall((ROOT / "requirements.txt").read_text()))
    theirs = dict(PIN.findall((BINDER / "requirements.txt").read_text()))
    assert theirs == {k: v for k, v in ours.items() if k not in FOR_TESTS_ONLY}


def test_torch_comes_without_cuda_and_the_package_itself_is_installed():
    lines = (BINDER / "requirements.txt").read_text().splitlines()
    assert "--extra-index-url https://download.pytorch.org/whl/cpu" in lines
    assert any(re.fullmatch(r"torch==[\d.]+\+cpu", line) for line in lines)
    assert "-e ." in lines


def test_without_the_runtime_file_it_would_be_another_python(tmp_path, require):
    require("repo2docker")
    (tmp_path / "binder").mkdir()
    shutil.copy(BINDER / "requirements.txt", tmp_path / "binder")
    command = ["repo2docker", "--no-build", "--no-run", "--debug", "."]
    run = subprocess.run(
        [sys.executable, "-m", *command], cwd=tmp_path, capture_output=True, text=True
    )
    assert run.returncode == 0
    assert "python=3.12" not in run.stdout + run.stderr


def test_the_weekly_job_takes_the_newest_of_all_that_is_pinned():
    script = (ROOT / ".ci" / "newest").read_text()
    pattern = re.search(r"^sed -E '(.*)' requirements.txt", script, re.MULTILINE)[1]
    ours = (ROOT / "requirements.txt").read_text()
    newest = subprocess.run(
        ["sed", "-E", pattern], input=ours, capture_output=True, text=True, check=True
    ).stdout
    assert "==" not in re.sub(r";.*", "", newest)
    names = [re.split(r"[=;\s]", line)[0] for line in ours.splitlines()]
    assert [re.split(r"[;\s]", line)[0] for line in newest.splitlines()] == names
