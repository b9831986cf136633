"""Links and first cells have the one address, and the first cell does its work."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from course_files import course_files, lessons, notebook_of

ROOT = Path(__file__).parents[1]
NOTEBOOKS = ROOT / "notebooks"
OPENED = [
    *map(notebook_of, lessons()),
    *(
        NOTEBOOKS / "exercises" / script.with_suffix(".ipynb").name
        for script in course_files(NOTEBOOKS / "scripts" / "solutions", ".py")
    ),
]


@pytest.fixture(scope="module")
def tool():
    path = ROOT / "tools" / "addresses.py"
    spec = importlib.util.spec_from_file_location("addresses", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def first_code(path):
    notebook = nbformat.read(path, as_version=4)
    return next(cell.source for cell in notebook.cells if cell.cell_type == "code")


def test_all_files_have_the_address_of_pyproject(tool):
    assert [path.name for path, _ in tool.different()] == []


def test_a_fork_changes_every_file_that_has_an_address(tool, monkeypatch):
    fork = "https://github.com/somebody/fork"
    monkeypatch.setattr(tool, "address_and_tag", lambda: (fork, "v9.9"))
    changed = dict(tool.different())
    names = {path.name for path in changed}
    assert names >= {"README.md"} | {path.name for path in OPENED}
    for text in changed.values():
        assert "somebody/fork" in text
        assert "v9.9" in text


@pytest.mark.parametrize(
    "path", OPENED, ids=lambda path: f"{path.parent.name}-{path.stem}"
)
def test_links_open_this_very_notebook(path, tool):
    notebook = nbformat.read(path, as_version=4)
    relative = path.relative_to(ROOT).as_posix()
    assert any(tool.links(relative) in cell.source for cell in notebook.cells[:2])


@pytest.mark.parametrize(
    "path", OPENED, ids=lambda path: f"{path.parent.name}-{path.stem}"
)
def test_elsewhere_than_on_colab_the_first_cell_does_nothing(path, monkeypatch):
    monkeypatch.setattr(subprocess, "run", None)
    monkeypatch.setattr(os, "chdir", None)
    exec(compile(first_code(path), path.name, "exec"), {})


@pytest.mark.parametrize(
    "path", OPENED, ids=lambda path: f"{path.parent.name}-{path.stem}"
)
def test_on_colab_the_first_cell_fetches_and_installs(path, tool, monkeypatch):
    commands, folders = [], []
    monkeypatch.setitem(sys.modules, "google.colab", object())
    monkeypatch.setattr(
        subprocess, "run", lambda command, check: commands.append((command, check))
    )
    monkeypatch.setattr(os, "chdir", folders.append)
    exec(compile(first_code(path), path.name, "exec"), {})
    address, tag = tool.address_and_tag()
    (clone, checked), (install, checked_too) = commands
    assert checked
    assert checked_too
    assert clone[:2] == ["git", "clone"]
    assert {address, tag} <= set(clone)
    assert install[:4] == [sys.executable, "-m", "pip", "install"]
    assert "--no-deps" in install
    assert install[-1] == clone[-1]
    assert folders == [f"{clone[-1]}/{path.parent.relative_to(ROOT).as_posix()}"]
