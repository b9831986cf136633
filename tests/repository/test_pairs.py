"""Each notebook and its script hold the same lesson."""

import runpy
from copy import deepcopy
from pathlib import Path

import jupytext
import nbformat
import pytest
from cells import fold_on_colab
from course_files import course_files, known_to_git, notebook_of
from jupytext.compare import NotebookDifference, compare_notebooks
from nbformat import v4

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
SCRIPTS = NOTEBOOKS / "scripts"
BUILD = NOTEBOOKS.parent / "tools" / "build"


def names_of_notebooks(folder):
    """Paths without their suffix, relative to the folder; no generated exercises."""
    paths = course_files(folder, ".ipynb")
    return {path.relative_to(folder).with_suffix("") for path in paths}


def names_of_scripts(folder):
    paths = course_files(folder, ".py")
    return {path.relative_to(folder).with_suffix("") for path in paths}


NAMES = sorted(names_of_scripts(SCRIPTS))


def compare(notebook, script):
    """A notebook has all that its script says, and what Colab calls a folded cell."""
    for cell in script.cells:
        fold_on_colab(cell)
    compare_notebooks(notebook, script, fmt="py:percent")


def test_every_script_has_a_notebook():
    scripts = course_files(SCRIPTS, ".py")
    assert scripts
    assert [script for script in scripts if not notebook_of(script).exists()] == []


def test_every_notebook_has_a_script():
    if not known_to_git(NOTEBOOKS):
        pytest.skip("an unpacked archive cannot tell the course's notebooks from notes")
    assert names_of_notebooks(NOTEBOOKS) <= names_of_scripts(SCRIPTS)


@pytest.mark.parametrize("name", NAMES, ids=str)
def test_notebook_and_script_are_equal(name):
    notebook = nbformat.read(NOTEBOOKS / name.with_suffix(".ipynb"), as_version=4)
    compare(notebook, jupytext.read(SCRIPTS / name.with_suffix(".py")))


@pytest.mark.parametrize("name", NAMES, ids=str)
def test_both_name_the_same_kernel(name):
    for path in (NOTEBOOKS / name.with_suffix(".ipynb"), SCRIPTS / f"{name}.py"):
        assert jupytext.read(path).metadata.kernelspec["name"] == "python3"


@pytest.fixture
def pair():
    """A small notebook and what its script says."""
    cells = [
        v4.new_markdown_cell("# A lesson"),
        v4.new_code_cell("x = 1\nx", metadata={"tags": ["mirrors"]}),
        v4.new_code_cell("y = 2", metadata={"slideshow": {"slide_type": "slide"}}),
        v4.new_code_cell("z = 3", metadata={"jupyter": {"source_hidden": True}}),
    ]
    spec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook = v4.new_notebook(cells=cells, metadata={"kernelspec": spec})
    cells[1].outputs = [v4.new_output("execute_result", {"text/plain": "1"})]
    text = jupytext.writes(notebook, "py:percent")
    cells[3].metadata["cellView"] = "form"
    return notebook, jupytext.reads(text, "py:percent")


def change_the_code(notebook):
    notebook.cells[1].source = "x = 2\nx"


def change_the_words(notebook):
    notebook.cells[0].source = "# Another lesson"


def drop_a_tag(notebook):
    del notebook.cells[1].metadata["tags"]


def add_a_tag(notebook):
    notebook.cells[2].metadata["tags"] = ["raises-exception"]


def change_a_slide(notebook):
    notebook.cells[2].metadata["slideshow"] = {"slide_type": "skip"}


def unfold_a_cell(notebook):
    del notebook.cells[3].metadata["jupyter"]


def drop_a_cell(notebook):
    del notebook.cells[2]


def add_a_cell(notebook):
    notebook.cells.append(v4.new_markdown_cell("More."))


def swap_cells(notebook):
    notebook.cells[1:] = notebook.cells[:0:-1]


def test_an_equal_pair_passes_whatever_its_outputs(pair):
    compare(*pair)


@pytest.mark.parametrize(
    "edit",
    [
        change_the_code,
        change_the_words,
        drop_a_tag,
        add_a_tag,
        change_a_slide,
        unfold_a_cell,
        drop_a_cell,
        add_a_cell,
        swap_cells,
    ],
)
@pytest.mark.parametrize("side", ["notebook", "script"])
def test_an_edit_of_one_side_is_caught(pair, edit, side):
    notebook, script = pair
    edit(notebook if side == "notebook" else script)
    with pytest.raises(NotebookDifference):
        compare(notebook, script)


def test_what_the_build_saves_equals_its_script(pair):
    _, script = pair
    saved = deepcopy(script)
    runpy.run_path(str(BUILD / "notebooks.py"))["settle"](saved, "00_lesson")
    compare(saved, script)


def test_a_cell_that_only_colab_does_not_fold_is_caught(pair):
    notebook, script = pair
    del notebook.cells[3].metadata["cellView"]
    with pytest.raises(NotebookDifference):
        compare(notebook, script)


def test_files_without_a_twin_are_seen_and_exercises_are_not(tmp_path):
    for name in (
        "01_a.ipynb",
        "solutions/01_b.ipynb",
        "exercises/01_b.ipynb",
        "projects/a_c.ipynb",
        "solutions/projects/a_c.ipynb",
        ".ipynb_checkpoints/01_a-checkpoint.ipynb",
        "scripts/02_c.py",
        "scripts/solutions/01_b.py",
        "scripts/solutions/projects/a_c.py",
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    solved = {"solutions/01_b", "solutions/projects/a_c"}
    assert {str(p) for p in names_of_notebooks(tmp_path)} == {"01_a"} | solved
    scripts = names_of_scripts(tmp_path / "scripts")
    assert {str(p) for p in scripts} == {"02_c"} | solved


@pytest.mark.parametrize(
    ("name", "chosen"),
    [
        ("solutions/05", ["solutions/05_gan_game.py"]),
        ("05_gan", ["05_gan_game.py", "solutions/05_gan_game.py"]),
    ],
)
def test_a_name_chooses_a_script_with_or_without_its_folder(name, chosen):
    names = runpy.run_path(str(BUILD / "notebooks.py"))
    found = names["chosen_scripts"]((name,))
    assert [s.relative_to(names["SCRIPTS"]).as_posix() for s in found] == chosen
