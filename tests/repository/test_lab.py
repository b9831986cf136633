"""What people write is shown by JupyterLab, and its saving loses nothing."""

import importlib.util
import json
import os
import shutil
import time
import urllib.parse
import urllib.request
from pathlib import Path

import jupytext
import nbformat
import pytest
from course_files import SCRIPTS, course_files, notebook_of, read
from nbformat import v4

ROOT = Path(__file__).parents[2]
OWN = course_files(SCRIPTS, ".py")
KERNEL = {"name": "python3", "display_name": "Python 3", "language": "python"}
NOTE = "My note: mind the sign."
OPENED = [
    "01_lesson.ipynb",
    "01_lesson-Copy1.ipynb",
    "my notes.ipynb",
    "exercises/01_lesson.ipynb",
    "exercises/01_lesson-mine.ipynb",
    "solutions/01_lesson.ipynb",
]


@pytest.fixture(scope="module")
def lab(tmp_path_factory, serve_lab):
    """The address of JupyterLab, and its folder, with the repository's settings.

    Those go before the user's own, who pairs all notebooks.
    """
    folder, home = (tmp_path_factory.mktemp(name) for name in ("course", "home"))
    shutil.copy(ROOT / "jupytext.toml", folder)
    (home / ".jupytext.toml").write_text('formats = "ipynb,py:percent"\n')
    with serve_lab(folder, HOME=str(home), XDG_CONFIG_HOME=str(home)) as address:
        yield address, folder


@pytest.fixture
def course(lab):
    """A small course in that folder, made anew: its notebooks and their scripts."""
    notebooks = lab[1] / "notebooks"
    shutil.rmtree(notebooks, ignore_errors=True)
    for name in OPENED:
        path = notebooks / name
        path.parent.mkdir(parents=True, exist_ok=True)
        cells = [v4.new_markdown_cell("# A lesson"), v4.new_code_cell("x = 1")]
        notebook = v4.new_notebook(cells=cells, metadata={"kernelspec": KERNEL})
        nbformat.write(notebook, path)
        if path.stem == "01_lesson" and path.parent.name != "exercises":
            script = notebooks / "scripts" / Path(name).with_suffix(".py")
            script.parent.mkdir(parents=True, exist_ok=True)
            jupytext.write(notebook, script, fmt="py:percent")
    return notebooks


@pytest.fixture
def ask(lab):
    """Opens a notebook (without `content`) or saves it, as the browser does."""

    def ask(path, content=None):
        name = urllib.parse.quote(path.relative_to(lab[1]).as_posix())
        url = f"{lab[0]}api/contents/{name}"
        if content is None:
            with urllib.request.urlopen(f"{url}?type=notebook&content=1") as answer:
                return nbformat.from_dict(json.load(answer)["content"])
        model = {"type": "notebook", "format": "json", "content": content}
        data = json.dumps(model).encode()
        return urllib.request.urlopen(
            urllib.request.Request(url, data, method="PUT")
        ).close()

    return ask


def files(folder):
    paths = [path for path in folder.rglob("*.*") if path.is_file()]
    return {path: path.read_bytes() for path in paths if "checkpoint" not in path.name}


def make_newer(path):
    """As after a clone or a copy, which gives all files whatever time it likes."""
    os.utime(path, (time.time() + 3600,) * 2)


@pytest.mark.parametrize("name", OPENED)
def test_a_note_written_elsewhere_is_shown_and_survives_the_next_save(
    name, course, ask
):
    path = course / name
    ask(path, ask(path))
    notebook = nbformat.read(path, as_version=4)
    notebook.cells.append(v4.new_markdown_cell(NOTE))
    nbformat.write(notebook, path)
    for script in course.rglob("*.py"):
        make_newer(script)

    shown = ask(path)
    assert shown.cells[-1].source == NOTE
    shown.cells[1].source = "x = 2"
    ask(path, shown)
    saved = nbformat.read(path, as_version=4)
    assert [cell.source for cell in saved.cells] == ["# A lesson", "x = 2", NOTE]


@pytest.mark.parametrize("name", OPENED)
def test_saving_a_notebook_writes_that_notebook_alone(name, course, ask):
    path = course / name
    before = files(course)
    notebook = ask(path)
    notebook.cells[1].source = "x = 42"
    ask(path, notebook)
    after = files(course)
    assert [p for p in after if after[p] != before.get(p)] == [path]
    assert set(nbformat.read(path, as_version=4).metadata) == {"kernelspec"}


def test_after_make_exercises_the_fresh_set_is_shown(course, ask, monkeypatch):
    spec = importlib.util.spec_from_file_location(
        "exercises", ROOT / "tools" / "build" / "exercises.py"
    )
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    monkeypatch.setattr(tool, "SOLUTIONS", course / "scripts" / "solutions")
    monkeypatch.setattr(tool, "EXERCISES", course / "exercises")
    path = course / "exercises" / "01_lesson.ipynb"
    shutil.rmtree(course / "exercises")
    tool.main()
    answered = ask(path)
    answered.cells[-1].source = "x = 'my answer'"
    ask(path, answered)
    # left behind by an earlier version of the course, which paired exercises
    script = course / "scripts" / "exercises" / "01_lesson.py"
    script.parent.mkdir()
    jupytext.write(answered, script, fmt="py:percent")
    make_newer(script)

    tool.main()
    assert ask(path).cells[-1].source == "x = 1"
    mine = ask(path.with_stem("01_lesson-mine"))
    assert mine.cells[-1].source == "x = 'my answer'"


def test_a_maintainer_edits_a_script_as_a_notebook(course, ask):
    script = course / "scripts" / "01_lesson.py"
    before = files(course)
    notebook = ask(script)
    notebook.cells[1].source = "x = 42"
    ask(script, notebook)
    after = files(course)
    assert [p for p in after if after[p] != before.get(p)] == [script]
    assert read(script).cells[1].source == "x = 42"


def test_a_script_that_is_opened_and_saved_stays_as_it_was(course, ask):
    for own in OWN:
        script = course / "scripts" / own.relative_to(SCRIPTS)
        script.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(own, script)
        ask(script, ask(script))
        assert script.read_bytes() == own.read_bytes(), own.name


def test_no_notebook_of_the_course_asks_to_be_paired():
    exercises = course_files(ROOT / "notebooks" / "exercises", ".ipynb")
    for path in [*map(notebook_of, OWN), *exercises]:
        assert "jupytext" not in read(path).metadata, path
    for script in OWN:
        assert "formats" not in read(script).metadata.get("jupytext", {}), script
