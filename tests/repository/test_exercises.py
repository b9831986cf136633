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

ROOT = Path(__file__).parents[2]
EXERCISES = ROOT / "notebooks" / "exercises"
SOLUTIONS = ROOT / "notebooks" / "scripts" / "solutions"
TOOL = ROOT / "tools" / "build" / "exercises.py"
SCRIPTS = course_files(SOLUTIONS, ".py")  # projects among them: see test_projects.py
NAMES = [path.stem for path in SCRIPTS if path.parent == SOLUTIONS]
LEVEL = re.compile(r"^## \d+\. .+ \((easy|medium|hard), \d+ minutes\)$", re.M)


@pytest.fixture(scope="module")
def tool():
    spec = importlib.util.spec_from_file_location("exercises", TOOL)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def calls_a_check(cell):
    return re.search(r"^check_\w+\(", cell.source, re.M)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_an_exercise_is_what_the_solution_gives(script, tool):
    made = tool.exercise_of(jupytext.read(script), script.stem)
    assert made == nbformat.read(tool.exercise_path(script), as_version=4)


def test_no_exercise_is_left_over():
    own = known_to_git(EXERCISES)
    if not own:
        pytest.skip("no git repository: an unpacked archive")
    assert [path.name for path in own] == [f"{name}.ipynb" for name in NAMES]


def test_each_lesson_has_its_set_and_the_clinic_is_there():
    taught = {script.stem for script in lessons()} - {"00_start_here"}
    assert set(NAMES) == taught | {"bug_clinic"}


@pytest.mark.parametrize("name", NAMES)
def test_a_set_has_two_to_nine_exercises_each_with_its_level_hint_and_check(name):
    cells = nbformat.read(EXERCISES / f"{name}.ipynb", as_version=4).cells
    headings = [cell for cell in cells if LEVEL.search(cell.source)]
    checks = [cell for cell in cells if calls_a_check(cell)]
    assert len(headings) == len(checks)
    assert 2 <= len(headings) <= 9
    for cell in headings:
        assert "<details><summary>Hint</summary>\n\n" in cell.source, cell.source[:60]


@pytest.mark.parametrize("name", NAMES)
def test_an_untouched_stub_is_told_so_without_a_hint(name, monkeypatch):
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
            told = "\n".join(error.traceback)
            is_sick = name == "bug_clinic"  # its stubs are programs that run
            assert is_sick or "yet" in told, told
            assert ("\nHint: " in told) == is_sick, told


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


@pytest.fixture
def sets(tool, tmp_path, monkeypatch):
    """A folder with two solutions; their exercises are in `exercises/` and fresh."""
    monkeypatch.setattr(tool, "SOLUTIONS", tmp_path)
    monkeypatch.setattr(tool, "EXERCISES", tmp_path / "exercises")
    change_solutions(tmp_path, "x = 1")
    tool.main()
    return tmp_path


def change_solutions(folder, source):
    for name in ("00_x", "01_y"):
        cells = solution(v4.new_code_cell(source))
        jupytext.write(cells, folder / f"{name}.py", fmt="py:percent")


def work_in(path, answer):
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[1].source = answer
    nbformat.write(notebook, path)


def answer_in(path):
    return nbformat.read(path, as_version=4).cells[1].source


def test_a_fresh_set_stays_as_it_is(tool, sets):
    path = sets / "exercises" / "00_x.ipynb"
    first = path.read_bytes()
    tool.main()
    assert path.read_bytes() == first
    assert len(list(path.parent.iterdir())) == 2


def test_work_is_put_aside_as_often_as_there_is_some(tool, sets):
    path = sets / "exercises" / "00_x.ipynb"
    first = path.read_bytes()
    for answer in ("x = 2  # mine", "x = 3  # mine", "x = 4  # mine"):
        work_in(path, answer)
        tool.main()
        assert path.read_bytes() == first
    asides = [path.with_stem(f"00_x-mine{number}") for number in ("", "-2", "-3")]
    assert [answer_in(aside)[4] for aside in asides] == ["2", "3", "4"]


def test_a_name_that_is_taken_is_left_alone(tool, sets):
    path = sets / "exercises" / "00_x.ipynb"
    taken = path.with_stem("00_x-mine-2")
    taken.write_text("my own")
    for _ in range(2):
        work_in(path, "x = 2")
        tool.main()
    assert taken.read_text() == "my own"
    assert answer_in(path.with_stem("00_x-mine-3")) == "x = 2"


NO_NOTEBOOKS = {
    "empty": b"",
    "conflict": b'{\n<<<<<<< HEAD\n "cells": []\n=======\n}\n>>>>>>> theirs\n',
    "not-json": b"my answers",
    "not-utf-8": "{'name': 'Jos\xe9'}".encode("latin-1"),
    "another-json": b"[1, 2]",
    "no-cells": b"{}",
    "half": b'{"cells": [{"cell_type": "code", "sour',
}


@pytest.mark.parametrize("content", NO_NOTEBOOKS.values(), ids=NO_NOTEBOOKS)
def test_what_is_no_notebook_any_more_is_put_aside_and_the_rest_renewed(
    tool, sets, content
):
    path = sets / "exercises" / "00_x.ipynb"
    path.write_bytes(content)
    change_solutions(sets, "x = 5")
    tool.main()
    assert path.with_stem("00_x-mine").read_bytes() == content
    assert answer_in(path) == answer_in(path.with_stem("01_y")) == "x = 5"


@pytest.mark.parametrize(
    "script, reason",
    [
        (b"", "empty"),
        (b"# %%\n<<<<<<< HEAD\nx = 1\n=======\nx = 2\n>>>>>>> theirs\n", "conflict"),
        ("# %%\nx = 'Jos\xe9'\n".encode("latin-1"), "UTF-8"),
        (b"# %%\nx = 1\n", "kernelspec"),
        (None, "stands alone"),
    ],
)
def test_a_solution_that_cannot_be_cut_is_named_and_the_rest_renewed(
    tool, sets, script, reason
):
    path = sets / "exercises" / "00_x.ipynb"
    first = path.read_bytes()
    change_solutions(sets, "x = 5")
    if script is None:
        script = (sets / "00_x.py").read_bytes() + b"# END SOLUTION\n"
    (sets / "00_x.py").write_bytes(script)
    with pytest.raises(SystemExit, match=rf"00_x(.|\n)*{reason}") as caught:
        tool.main()
    assert isinstance(caught.value.code, str)  # which Python prints, and exits with 1
    assert path.read_bytes() == first
    assert answer_in(path.with_stem("01_y")) == "x = 5"


def test_a_set_that_cannot_be_written_is_named_and_the_rest_renewed(tool, sets):
    path = sets / "exercises" / "00_x.ipynb"
    path.unlink()
    path.mkdir()
    change_solutions(sets, "x = 5")
    with pytest.raises(SystemExit, match="00_x"):
        tool.main()
    assert answer_in(path.with_stem("01_y")) == "x = 5"


def test_an_exercise_of_an_older_solution_is_renewed(tool, sets):
    change_solutions(sets, "x = 2")
    tool.main()
    made = sorted((sets / "exercises").iterdir())
    assert [path.name for path in made] == ["00_x.ipynb", "01_y.ipynb"]
    assert [answer_in(path) for path in made] == ["x = 2", "x = 2"]
