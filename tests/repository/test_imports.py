"""Who may import whom, and what an import may bring along."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FRAMEWORKS = {"torch", "tensorflow", "keras"}
LINT = (
    "from importlinter.cli import lint_imports_command; lint_imports_command()",
    "--no-cache",
)
WITHOUT_FRAMEWORK = (
    "budget",
    "checkpoints",
    "datasets",
    "digit_plots",
    "digit_widgets",
    "download",
    "evaluation",
    "files",
    "game_plots",
    "game_widgets",
    "history",
    "images",
    "latent",
    "layers",
    "metrics/classifier",
    "metrics/digits",
    "metrics/modes",
    "plotting",
    "pretrained",
    "progress",
    "records/__init__",
    "settings",
    "widgets",
)

FAULTS = [
    ("pytorch/vae.py", "from course_utils import exact"),
    ("pytorch/runtime.py", "import course_utils.plotting"),
    ("progress.py", "from course_utils.plotting import mosaic"),
    ("plotting.py", "from course_utils.pytorch.runtime import to_images"),
    ("datasets.py", "from course_utils.plotting import mosaic"),
    ("datasets.py", "from course_utils.pytorch import runtime"),
    ("exact/games.py", "from course_utils.datasets import load_mnist"),
    ("files.py", "from course_utils.history import History"),
    ("tfkeras/vae.py", "from course_utils import exact"),
    ("checks/elbo.py", "from course_utils.pytorch import vae"),
    ("checks/elbo.py", "from course_utils.tfkeras import vae"),
    ("tfkeras/runtime.py", "import course_utils.plotting"),
    ("tfkeras/runtime.py", "import course_utils.widgets"),
    ("tfkeras/runtime.py", "import course_utils.pytorch.runtime"),
    ("pytorch/runtime.py", "import course_utils.tfkeras.runtime"),
    ("tfkeras/networks.py", "import torch"),
    ("pytorch/networks.py", "import keras"),
    ("pytorch/networks.py", "import tensorflow"),
    ("pretrained.py", "from course_utils.pytorch import runtime"),
    *(
        (f"{name}.py", f"import {framework}")
        for name in ("exact/games", "exact/gaussian", *WITHOUT_FRAMEWORK)
        for framework in ("torch", "keras")
    ),
]


def loaded_by(statement):
    """The packages that a fresh interpreter holds after a statement."""
    code = f"import sys; {statement}; print(*{{m.split('.')[0] for m in sys.modules}})"
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    return set(run.stdout.split())


def lint(folder):
    """The import rules' verdict on the package that lies in a folder."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    return subprocess.run(
        [sys.executable, "-c", *LINT],
        cwd=folder,
        capture_output=True,
        text=True,
        env=environment,
    )


@pytest.fixture
def copy(tmp_path):
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    ignored = shutil.ignore_patterns("__pycache__", "*.npz")
    shutil.copytree(ROOT / "course_utils", tmp_path / "course_utils", ignore=ignored)
    return tmp_path


def test_the_import_rules_hold():
    run = lint(ROOT)
    assert run.returncode == 0, run.stdout + run.stderr


@pytest.mark.parametrize("module, line", FAULTS)
def test_the_import_rules_catch_a_forbidden_import(copy, module, line):
    path = copy / "course_utils" / module
    if not path.exists():
        pytest.skip(f"{module} is not written yet")
    path.write_text(f"{path.read_text()}\n\n{line}\n")
    run = lint(copy)
    assert run.returncode == 1, run.stdout + run.stderr
    assert "BROKEN" in run.stdout


def test_the_import_rules_catch_a_module_without_a_place(copy):
    (copy / "course_utils" / "newcomer.py").write_text("import math\n")
    run = lint(copy)
    assert run.returncode == 1, run.stdout + run.stderr
    assert "newcomer" in run.stdout


def test_the_package_alone_brings_nothing_heavy():
    heavy = FRAMEWORKS | {"matplotlib", "scipy", "numpy", "IPython", "pooch"}
    assert not loaded_by("import course_utils") & heavy


@pytest.mark.parametrize(
    "name",
    [
        "budget",
        "download",
        "files",
        "history",
        "layers",
        "progress",
        "records",
        "settings",
        "__main__",
    ],
)
def test_small_modules_need_the_standard_library_alone(name):
    assert "numpy" not in loaded_by(f"import course_utils.{name}")


@pytest.mark.parametrize(
    "name", ["datasets", "evaluation", "exact", "images", "metrics", "pretrained"]
)
def test_arrays_come_without_framework_or_plots(name):
    loaded = loaded_by(f"import course_utils.{name}")
    assert not loaded & (FRAMEWORKS | {"matplotlib", "requests", "pooch"})


@pytest.mark.parametrize("name", ["calls", "examination", "exercise"])
def test_the_engine_of_the_checks_brings_no_framework(name):
    loaded = loaded_by(f"import course_utils.checks.{name}")
    assert not loaded & (FRAMEWORKS | {"matplotlib"})


@pytest.mark.parametrize(
    "path", sorted((ROOT / "course_utils/checks").glob("[!_]*.py"))
)
def test_a_set_of_checks_brings_at_most_one_framework(path):
    loaded = loaded_by(f"import course_utils.checks.{path.stem}")
    assert not {"torch", "tensorflow"} <= loaded
    assert "matplotlib" not in loaded or "keras" in loaded  # which brings it itself


@pytest.mark.parametrize(
    "name", ["digit_widgets", "game_widgets", "plotting", "widgets"]
)
def test_pictures_come_without_a_framework(name):
    if not (ROOT / "course_utils" / f"{name}.py").exists():
        pytest.skip(f"{name} is not written yet")
    assert not loaded_by(f"import course_utils.{name}") & FRAMEWORKS


def test_the_pytorch_wing_brings_neither_the_other_framework_nor_plots():
    loaded = loaded_by("import course_utils.pytorch.vae")
    assert not loaded & {"tensorflow", "keras", "matplotlib", "ipywidgets"}


def test_the_keras_wing_brings_neither_the_other_framework_nor_plots():
    loaded = loaded_by("import course_utils.tfkeras.vae")
    assert not loaded & {"torch", "ipywidgets"}  # Keras itself brings matplotlib
