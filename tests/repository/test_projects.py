"""The projects: cut from their solutions, judged, and silent on an empty stub."""

import importlib.util
import re
from pathlib import Path

import jupytext
import nbformat
import pytest
from course_files import course_files, known_to_git
from nbclient import NotebookClient
from nbformat import v4

ROOT = Path(__file__).parents[2]
PROJECTS = ROOT / "notebooks" / "projects"
SOLUTIONS = ROOT / "notebooks" / "scripts" / "solutions" / "projects"
NAMES = ["a_best_bound", "b_25_modes", "c_anomaly", "d_boltzmann"]
PARTS = ("The question", "The data", "What is to be reached", "How it is marked")


def read(name):
    return nbformat.read(PROJECTS / f"{name}.ipynb", as_version=4)


def calls_the_judge(cell):
    return cell.cell_type == "code" and re.search(r"^judge_\w+\(", cell.source, re.M)


def test_each_project_is_known():
    assert [path.stem for path in course_files(SOLUTIONS, ".py")] == NAMES


def test_no_project_is_left_over():
    own = known_to_git(PROJECTS)
    if not own:
        pytest.skip("no git repository: an unpacked archive")
    assert [path.name for path in own] == [f"{name}.ipynb" for name in NAMES]


@pytest.mark.parametrize("name", NAMES)
def test_a_project_says_what_is_asked_and_how_it_is_marked(name):
    text = "\n".join(cell.source for cell in read(name).cells)
    for part in PARTS:
        assert f"\n## {part}\n" in f"\n{text}\n", part
    assert "<details><summary>Hint</summary>\n\n" in text


@pytest.mark.parametrize("name", NAMES)
def test_a_project_has_a_judge_beside_it(name):
    judge = ROOT / "course_utils" / "checks" / "projects" / f"{name}.py"
    assert judge.exists()
    assert any(calls_the_judge(cell) for cell in read(name).cells)


@pytest.mark.parametrize("name", NAMES)
def test_an_untouched_stub_is_told_that_nothing_came(name, monkeypatch):
    monkeypatch.setenv("COURSE_BUDGET", "smoke")
    notebook = read(name)
    NotebookClient(
        notebook,
        timeout=300,
        kernel_name="python3",
        allow_errors=True,
        resources={"metadata": {"path": str(PROJECTS)}},
    ).execute()
    for cell in notebook.cells:
        found = [o for o in cell.get("outputs", []) if o.output_type == "error"]
        assert len(found) == bool(calls_the_judge(cell)), cell.source
        for error in found:
            assert error.ename == "NotYet", cell.source
            assert "nothing" in "\n".join(error.traceback)


def test_a_project_is_cut_to_a_folder_beside_the_exercises(tmp_path, monkeypatch):
    path = ROOT / "tools" / "build" / "exercises.py"
    spec = importlib.util.spec_from_file_location("exercises", path)
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    solutions = tmp_path / "scripts" / "solutions"
    (solutions / "projects").mkdir(parents=True)
    monkeypatch.setattr(tool, "SOLUTIONS", solutions)
    monkeypatch.setattr(tool, "EXERCISES", tmp_path / "exercises")
    spec = {"name": "python3", "display_name": "Python 3"}
    cells = [v4.new_code_cell("x = 1")]
    solution = v4.new_notebook(cells=cells, metadata={"kernelspec": spec})
    for name in ("01_x", "projects/a_y"):
        jupytext.write(solution, solutions / f"{name}.py", fmt="py:percent")
    tool.main()
    made = {p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*.ipynb")}
    assert made == {"exercises/01_x.ipynb", "projects/a_y.ipynb"}
