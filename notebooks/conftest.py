"""Tests run the course's own notebooks, not what somebody keeps beside them."""

from pathlib import Path

from course_files import SCRIPTS, course_files, notebook_of

OWN = {notebook_of(script) for script in course_files(SCRIPTS, ".py")}


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Pass over other notebooks; leave the rest to pytest's own rules."""
    foreign = collection_path.suffix == ".ipynb" and collection_path not in OWN
    return True if foreign else None
