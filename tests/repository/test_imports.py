"""Who may import whom, and what an import may bring along."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FRAMEWORKS = {"torch", "tensorflow", "keras"}
PICTURES = {"matplotlib", "ipywidgets", "IPython"}
DOWNLOADS = {"pooch", "requests"}
ARRAYS = {"numpy", "scipy"}
LINT = "from importlinter.cli import lint_imports_command; lint_imports_command()"
# One for each rule in pyproject.toml, in its order; the newcomer breaks the first, too.
FAULTS = {
    "records/history.py": "from course_utils.metrics import modes",
    "pytorch/vae.py": "from course_utils.exact import divergences",
    "checks/elbo.py": "from course_utils.tfkeras import vae",
    "widgets/frame.py": "import torch",
    "figures/style.py": "import keras",
    "newcomer.py": "import math",
}


def lint(folder):
    """The import rules' verdict on the package that lies in a folder."""
    return subprocess.run(
        [sys.executable, "-c", LINT, "--no-cache"],
        cwd=folder,
        capture_output=True,
        text=True,
        env={k: v for k, v in os.environ.items() if k != "PYTHONPATH"},
    )


def test_the_import_rules_hold():
    run = lint(ROOT)
    assert run.returncode == 0, run.stdout + run.stderr


def test_each_import_rule_finds_its_fault(tmp_path):
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    ignored = shutil.ignore_patterns("__pycache__", "*.npz", "*.safetensors")
    shutil.copytree(ROOT / "course_utils", tmp_path / "course_utils", ignore=ignored)
    for module, line in FAULTS.items():
        with (tmp_path / "course_utils" / module).open("a") as file:
            file.write(f"\n{line}\n")
    found = lint(tmp_path).stdout
    assert "0 kept, 5 broken" in found, found
    for module in FAULTS:
        assert module.removesuffix(".py").replace("/", ".") in found


# Modules that are imported one after the other in one fresh interpreter, and what none
# of them may have brought along. (Keras itself brings matplotlib.)
LIGHT = {
    "the package": ([""], FRAMEWORKS | PICTURES | DOWNLOADS | ARRAYS),
    "the ground": (
        ["__main__", "budget", "records", "records.history", "records.progress"],
        FRAMEWORKS | PICTURES | DOWNLOADS | ARRAYS,
    ),
    "arrays": (
        ["data", "data.mnist", "exact.games", "metrics.digits", "weights"],
        FRAMEWORKS | PICTURES | DOWNLOADS,
    ),
    "the engine of the checks": (
        ["checks.calls", "checks.examination", "checks.exercise", "checks.progress"],
        FRAMEWORKS | PICTURES,
    ),
    "pictures": (["figures.latent_maps", "widgets.games"], FRAMEWORKS),
    "the PyTorch wing": (
        ["pytorch.training", "pytorch.remedies"],
        {"tensorflow", "keras"} | PICTURES,
    ),
    "the Keras wing": (["tfkeras.training"], {"torch", "ipywidgets"}),
    "checks in PyTorch": (
        ["checks.vae_pytorch", "checks.dcgan_pytorch", "checks.bug_clinic"],
        {"tensorflow", "keras"} | PICTURES,
    ),
    "checks in Keras": (["checks.vae_keras", "checks.dcgan_keras"], {"torch"}),
}


@pytest.mark.parametrize("modules, heavy", LIGHT.values(), ids=LIGHT)
def test_an_import_brings_nothing_heavy(modules, heavy):
    names = [f"course_utils.{module}".rstrip(".") for module in modules]
    shown = "print(*{name.split('.')[0] for name in sys.modules})"
    run = subprocess.run(
        [sys.executable, "-c", f"import sys, {', '.join(names)}; {shown}"],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert set(run.stdout.split()) & heavy == set()
