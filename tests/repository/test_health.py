"""What the repository as a whole promises."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest
from course_files import lessons

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "course_utils"
LISTS = sorted(ROOT.glob("requirements*.txt"))
PIN = re.compile(r"^([a-z][\w-]*)(?:\[.*\])?==", re.MULTILINE)
BYTES = 40_000_000
MOST_LINES = 350


def tracked():
    """The files that git has, with their sizes."""
    names = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split("\0")
    return {n: (ROOT / n).stat().st_size for n in names if n and (ROOT / n).exists()}


def test_the_repository_is_small():
    if not (ROOT / ".git").exists():
        pytest.skip("no git repository: an unpacked archive")
    assert sum(tracked().values()) < BYTES


@pytest.mark.parametrize("path", LISTS, ids=lambda path: path.name)
def test_the_licence_of_each_dependency_is_listed(path):
    listed = (ROOT / "THIRD_PARTY.md").read_text(encoding="utf-8")
    for name in PIN.findall(path.read_text()):
        assert re.search(rf"[|,] {re.escape(name)}[ ,]", listed), name


def test_what_is_vendored_has_its_licence_beside_it():
    for folder in (ROOT / "tools" / "build" / "slides" / "vendor").iterdir():
        assert "Permission is hereby granted" in (folder / "LICENSE").read_text()


def test_the_citation_has_the_version_of_the_package():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    citation = (ROOT / "CITATION.cff").read_text()
    assert f"\nversion: {project['version']}\n" in citation


def test_a_module_is_short_or_holds_the_exercises_of_a_lesson():
    """One file a lesson: some have fifty slips, each a sentence and a function.

    The bug clinic's patients have two: what is measured, and its limits.
    """
    long = {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        if len(path.read_text(encoding="utf-8").splitlines()) > MOST_LINES
    }
    exercises = {f"checks/{s.stem[3:]}.py" for s in lessons()}
    exercises |= {"checks/bug_clinic.py", "checks/patients.py"}
    assert long <= exercises
