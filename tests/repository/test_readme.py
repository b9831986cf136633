"""What the README says is what was measured, and what there is."""

import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
MEASURED = (ROOT / "results" / "README.md").read_text(encoding="utf-8")
ONE_SCREEN = 60  # lines of source, each at most 100 letters wide but for addresses


def check_tables(root):
    return subprocess.run(
        [sys.executable, root / "tools" / "build" / "readme_tables.py", "--check"],
        capture_output=True,
        text=True,
    )


def test_the_tables_are_those_of_the_recorded_measurements():
    result = check_tables(ROOT)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize(
    "page, figure",
    [("results/README.md", r"\d GFLOP/s"), ("notebooks/README.md", r"\d \| \[exer")],
)
def test_a_figure_typed_in_by_hand_is_found(tmp_path, page, figure):
    shutil.copytree(ROOT / "tools", tmp_path / "tools")
    for folder in (Path("course_utils", "weights"), Path("notebooks", "exercises")):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    (tmp_path / "results").mkdir()
    for name in ("results/README.md", "notebooks/README.md"):
        shutil.copy(ROOT / name, tmp_path / name)
    text = (ROOT / page).read_text(encoding="utf-8")
    forged = re.sub(figure, lambda m: "x" + m[0][1:], text, count=1)
    assert forged != text
    (tmp_path / page).write_text(forged, encoding="utf-8")
    result = check_tables(tmp_path)
    assert result.returncode == 1
    assert f"{page} is stale" in result.stderr


def test_the_readme_is_one_screen():
    assert len(README.splitlines()) <= ONE_SCREEN


@pytest.mark.parametrize("target", sorted(set(re.findall(r"make (\w+)", README))))
def test_each_make_command_of_the_readme_exists(target):
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE)


def test_the_pictures_are_those_of_the_lessons():
    tool = runpy.run_path(str(ROOT / "tools" / "build" / "readme_pictures.py"))
    for lesson, words, name in tool["PICTURES"]:
        shown = (ROOT / "results" / "pictures" / name).read_bytes()
        assert shown == tool["picture_of"](lesson, words), name
        assert name in MEASURED


def links(path):
    found = re.findall(r"\]\(([^)#\s]+)\)", path.read_text(encoding="utf-8"))
    return [link for link in found if not link.startswith("http")]


@pytest.mark.parametrize(
    "page", ["README.md", "CONTRIBUTING.md", "notebooks/README.md", "results/README.md"]
)
def test_each_link_of_a_page_leads_somewhere(page):
    path = ROOT / page
    assert [link for link in links(path) if not (path.parent / link).exists()] == []


PATHS = re.compile(
    r"(?<![\w/])(?:course_utils|notebooks|results|tests|tools)/[\w./]*\w/?"
)


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "Makefile"])
def test_each_file_and_folder_that_a_page_names_is_there(page):
    named = set(PATHS.findall((ROOT / page).read_text(encoding="utf-8")))
    assert len(named) > 5
    assert [name for name in sorted(named) if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("folder", ["course_utils", "tools"])
def test_contributing_names_each_folder(folder):
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    inside = {path.parent.name for path in (ROOT / folder).glob("*/*.py")}
    assert [name for name in sorted(inside) if f"{name}/`" not in text] == []
