"""Recorded runs are found from wherever a lesson lies, also by an installed package."""

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import jupytext
import numpy as np
import pytest
from PIL import Image, ImageSequence

from course_utils import records
from course_utils.figures.histories import history_curves
from course_utils.records import RESULTS, read_result
from course_utils.records.history import History

ROOT = Path(__file__).parents[2]
NAMES = sorted(path.stem for path in RESULTS.glob("*.json"))
SCRIPTS = ROOT / "notebooks" / "scripts"
LESSONS = sorted([*SCRIPTS.glob("*.py"), *SCRIPTS.glob("deeper/*.py")])
SOLUTIONS = sorted(ROOT.glob("notebooks/scripts/solutions/*.py"))
# Those that are made; a student's own copies lie beside them.
EXERCISES = [ROOT / "notebooks/exercises" / f"{path.stem}.ipynb" for path in SOLUTIONS]
PROJECTS = sorted(ROOT.glob("notebooks/scripts/solutions/projects/*.py"))
EXERCISES += [ROOT / "notebooks/projects" / f"{path.stem}.ipynb" for path in PROJECTS]
READERS = ("open", "Path", "load", "loadtxt", "genfromtxt", "imread", "read_csv")

# Reads everything that ships, in a package that was installed somewhere.
READ_ALL = """
import course_utils, sys
from course_utils.__main__ import survey
from course_utils import __main__
from course_utils.records.history import History
from course_utils.records import RESULTS, read_result
assert course_utils.__file__.startswith(sys.argv[1]), course_utils.__file__
__main__.TRIALS = {}
found = survey()
assert not any(fault for _, fault in found.values()), found
for name in sys.argv[2].split():
    assert read_result(name)
assert len(History.load(RESULTS / "conv_vae.json")) == 30
assert (RESULTS / "dcgan_film.gif").read_bytes().startswith(b"GIF")
print("all of it")
"""


def code_of(page):
    """The code of a notebook or script as one syntax tree, without magics."""
    cells = [cell.source for cell in jupytext.read(page).cells if is_python(cell)]
    return ast.parse("\n".join(cells))


def is_python(cell):
    return cell.cell_type == "code" and not cell.source.lstrip().startswith(("%", "!"))


def paths_outside(tree):
    """String constants that are paths relative to the working folder."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            function = node.func
            name = getattr(function, "attr", getattr(function, "id", ""))
            arguments = node.args[:1] if name in READERS else []
            yield from (text for a in arguments for text in constants(a))
        for text in constants(node):
            if text.startswith(("./", "../", ".\\", "..\\")):
                yield text


def constants(node):
    parts = node.values if isinstance(node, ast.JoinedStr) else [node]
    for part in parts:
        if isinstance(part, ast.Constant) and isinstance(part.value, str):
            yield part.value


@pytest.mark.parametrize(
    "page",
    LESSONS + SOLUTIONS + PROJECTS + EXERCISES,
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_no_lesson_names_a_path_outside_of_itself(page):
    assert list(paths_outside(code_of(page))) == []


@pytest.mark.parametrize(
    "code",
    [
        'History.load("../results/conv_vae.json")',
        'json.loads(Path(f"../results/mode_coverage_{name}.json").read_text())',
        'with Image.open("results/dcgan_film.gif") as film: pass',
        'np.load("digits.npz")',
        'folder = "./here"',
    ],
)
def test_a_path_outside_is_found(code):
    assert list(paths_outside(ast.parse(code)))


def test_a_path_in_a_folder_of_its_own_is_left_alone():
    code = 'History.load(Path(folder.name) / "losses.json"); Image.open(RESULTS / "a")'
    assert list(paths_outside(ast.parse(code))) == []


def readings(page):
    """The statements of a lesson that read what was recorded."""
    for node in code_of(page).body:
        line = ast.unparse(node)
        imported = isinstance(node, (ast.Import, ast.ImportFrom))
        if ("read_result(" in line or "RESULTS" in line) and not imported:
            yield line


@pytest.mark.parametrize(
    "lesson, times",
    [
        ("03_price_of_a_nat", 1),
        ("04_dying_units", 1),
        ("04_reproduction", 3),
        ("04_vae_keras", 1),
        ("07_mode_collapse", 2),
        ("07_remedies", 1),
        ("07_ruler", 1),
        ("08_dcgan_keras", 2),
        ("08_speed_and_rates", 2),
        ("09_ablation", 1),
        ("09_dcgan_pytorch", 4),
        ("lecture_programs", 1),
        ("lecture_programs_keras", 2),
    ],
)
@pytest.mark.parametrize("root", [True, False])
def test_lessons_read_their_figures_with_any_working_folder(
    lesson, times, root, monkeypatch, tmp_path
):
    monkeypatch.chdir(ROOT if root else tmp_path)
    (page,) = (path for path in LESSONS if path.stem == lesson)
    lines = list(readings(page))
    assert len(lines) == times
    names = {"RESULTS": RESULTS, "read_result": read_result, "History": History}
    names |= {"Image": Image, "ImageSequence": ImageSequence, "np": np}
    names |= {"history_curves": history_curves}
    for line in lines:
        exec(line, names)


@pytest.mark.parametrize("name", NAMES)
def test_each_record_is_read_by_its_name(name):
    assert read_result(name)


@pytest.mark.parametrize("name", ["conv_vea", "", "conv_vae.json", "../data/README"])
def test_an_unknown_name_is_refused_with_the_known_ones(name):
    with pytest.raises(ValueError, match="benchmark, .*conv_vae, ") as caught:
        read_result(name)
    assert repr(name) in str(caught.value)


@pytest.mark.parametrize("content", [b"", b'{"a": 1', b"\xff\xfe", b"<<<<<<< HEAD"])
def test_a_damaged_record_is_named_with_the_remedy(monkeypatch, tmp_path, content):
    monkeypatch.setattr(records, "RESULTS", tmp_path)
    (tmp_path / "run.json").write_bytes(content)
    with pytest.raises(ValueError, match=r"run\.json is damaged .* Restore it"):
        read_result("run")


def test_a_package_that_was_installed_has_all_that_ships(tmp_path, require):
    """As by `pip install .`, without the repository around it."""
    require("setuptools")
    source, target, empty = (tmp_path / n for n in ("source", "target", "empty"))
    unbuilt = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "course_utils", source / "course_utils", ignore=unbuilt)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    empty.mkdir()
    options = ["--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    options += ["--disable-pip-version-check", "--target", str(target), str(source)]
    subprocess.run([sys.executable, "-m", "pip", "install", *options], check=True)
    run = subprocess.run(
        [sys.executable, "-c", READ_ALL, str(target), " ".join(NAMES)],
        cwd=empty,
        env=os.environ | {"PYTHONPATH": str(target)},
        capture_output=True,
        text=True,
    )
    assert run.stdout == "all of it\n", run.stderr
