"""The exercises: cut from the solutions, and what their checks say to an empty stub."""

import importlib.util
import re
from pathlib import Path

import jupytext
import nbformat
import pytest
from course_files import course_files, known_to_git, lessons
from nbclient import NotebookClient
from nbformat import v4

ROOT = Path(__file__).parents[1]
EXERCISES = ROOT / "notebooks" / "exercises"
SOLUTIONS = ROOT / "notebooks" / "scripts" / "solutions"
TOOL = ROOT / "tools" / "make_exercises.py"
NAMES = [path.stem for path in course_files(SOLUTIONS, ".py")]
LEVEL = re.compile(r"^## \d+\. .+ \((easy|medium|hard), \d+ minutes\)$", re.M)


@pytest.fixture(scope="module")
def tool():
    spec = importlib.util.spec_from_file_location("make_exercises", TOOL)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def calls_a_check(cell):
    return re.search(r"^check_\w+\(", cell.source, re.M)


@pytest.mark.parametrize("name", NAMES)
def test_an_exercise_is_what_the_solution_gives(name, tool):
    made = tool.exercise_of(jupytext.read(SOLUTIONS / f"{name}.py"), name)
    saved = nbformat.read(EXERCISES / f"{name}.ipynb", as_version=4)
    assert made == saved


def test_no_exercise_is_left_over():
    own = known_to_git(EXERCISES)
    if not own:
        pytest.skip("no git repository: an unpacked archive")
    assert [path.name for path in own] == [f"{name}.ipynb" for name in NAMES]


def test_each_lesson_has_its_set_and_the_clinic_is_there():
    numbers = {script.stem[:2] for script in lessons()} - {"00"}
    assert {name[:2] for name in NAMES} == numbers | {"10"}


@pytest.mark.parametrize("name", NAMES)
def test_a_set_has_three_to_eight_exercises_each_with_its_level_hint_and_check(name):
    cells = nbformat.read(EXERCISES / f"{name}.ipynb", as_version=4).cells
    headings = [cell for cell in cells if LEVEL.search(cell.source)]
    checks = [cell for cell in cells if calls_a_check(cell)]
    assert len(headings) == len(checks)
    assert 3 <= len(headings) <= 8
    for cell in headings:
        assert "<details><summary>Hint</summary>\n\n" in cell.source, cell.source[:60]


@pytest.mark.parametrize("name", NAMES)
def test_an_untouched_stub_gets_its_hint_and_nothing_else(name, monkeypatch):
    monkeypatch.setenv("COURSE_BUDGET", "smoke")
    notebook = nbformat.read(EXERCISES / f"{name}.ipynb", as_version=4)
    NotebookClient(
        notebook,
        timeout=300,
        kernel_name="python3",
        allow_errors=True,
        resources={"metadata": {"path": str(EXERCISES)}},
    ).execute()
    for cell in code_cells(notebook):
        errors = [out for out in cell.outputs if out.output_type == "error"]
        streams = [out.text for out in cell.outputs if out.output_type == "stream"]
        assert len(errors) == bool(calls_a_check(cell)), cell.source
        assert not any(": right" in text for text in streams), cell.source
        for error in errors:
            assert error.ename == "NotYet", cell.source
            sentence, hint = "\n".join(error.traceback).split("\n")
            assert "yet" in sentence or name.startswith("10")
            assert hint.startswith("Hint: ")


SOURCE = """\
def double(x):
    # BEGIN SOLUTION
    return 2 * x
    # END SOLUTION


# BEGIN SOLUTION
value = double(4)
# STUB value = ...
# END SOLUTION"""


def solution(*cells):
    spec = {"name": "python3", "display_name": "Python 3"}
    return v4.new_notebook(cells=list(cells), metadata={"kernelspec": spec})


def test_solutions_become_stubs(tool):
    assert tool.without_solution(SOURCE) == (
        "def double(x):\n    # Your code here.\n    ...\n\n\n"
        "# Your code here.\nvalue = ..."
    )


@pytest.mark.parametrize("marker", ["    # END SOLUTION\n", "    # BEGIN SOLUTION\n"])
def test_a_marker_without_its_partner_is_an_error(tool, marker):
    with pytest.raises(ValueError, match="stands alone"):
        tool.without_solution(SOURCE.replace(marker, "", 1))


def test_what_only_solutions_may_say_is_left_out(tool):
    secret = v4.new_markdown_cell("Secret.", metadata={"tags": ["solution"]})
    made = tool.exercise_of(solution(secret, v4.new_code_cell("x = 1")), "00_x")
    assert [cell.source for cell in made.cells[1:]] == ["x = 1"]
    assert "make exercises" in made.cells[0].source


def test_work_is_put_aside_and_never_lost(tool, tmp_path, monkeypatch):
    monkeypatch.setattr(tool, "SOLUTIONS", tmp_path)
    monkeypatch.setattr(tool, "EXERCISES", tmp_path / "exercises")
    script, path = tmp_path / "00_x.py", tmp_path / "exercises" / "00_x.ipynb"
    jupytext.write(solution(v4.new_code_cell("x = 1")), script, fmt="py:percent")
    tool.main()
    first = path.read_bytes()
    tool.main()
    assert path.read_bytes() == first

    work = nbformat.read(path, as_version=4)
    work.cells[1].source = "x = 2  # mine"
    nbformat.write(work, path)
    tool.main()
    assert path.read_bytes() == first
    assert "mine" in path.with_stem("00_x-mine").read_text()

    nbformat.write(work, path)
    with pytest.raises(FileExistsError, match="00_x-mine"):
        tool.main()
    assert "mine" in path.read_text()


def test_an_exercise_of_an_older_solution_is_renewed(tool, tmp_path, monkeypatch):
    monkeypatch.setattr(tool, "SOLUTIONS", tmp_path)
    monkeypatch.setattr(tool, "EXERCISES", tmp_path / "exercises")
    for value in (1, 2):
        cell = v4.new_code_cell(f"x = {value}")
        jupytext.write(solution(cell), tmp_path / "00_x.py", fmt="py:percent")
        tool.main()
    (path,) = (tmp_path / "exercises").iterdir()
    assert "x = 2" in path.read_text()
