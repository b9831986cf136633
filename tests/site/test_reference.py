"""The package's docstrings as pages, read from the source."""

import subprocess
import sys
from pathlib import Path

import pytest
from site_parts import reference

ROOT = Path(__file__).parents[2]
SOURCE = '''\
"""A module.

big    what is large
small  what is not
"""

SIZE = 1


class Point(Base):
    """A place.

    Attributes:
        x: to the right.
    """

    x: float

    def move(self, by: float = 0.5) -> None:
        """Go.

        Args:
            by: how far,
                in metres.

        Raises:
            ValueError: `by` is |by| > 1.
        """

    def _hidden(self):
        pass


def _hidden():
    pass


def shown(*names: str, deep: bool = False) -> list[str]:
    """Names."""
'''


@pytest.fixture
def package(tmp_path):
    """A package with a module, and a folder with an empty one."""
    folder = tmp_path / "small"
    (folder / "inner").mkdir(parents=True)
    (folder / "__init__.py").write_text('"""All of it."""\n')
    (folder / "point.py").write_text(SOURCE)
    (folder / "inner" / "__init__.py").write_text("def first():\n    'One.'\n")
    (folder / "inner" / "silent.py").write_text("x = 1\n")
    return folder


def test_each_folder_has_a_page(package):
    pages = reference.pages(package)
    assert list(pages) == ["index", "inner"]
    assert pages["index"].startswith(
        "# small\n\n```{py:module} small\n```\n\nAll of it."
    )
    assert "{py:function} first()" in pages["inner"]
    assert "silent" not in pages["inner"]


def test_names_arguments_and_sections_are_shown(package):
    page = reference.pages(package)["index"]
    assert "## point\n\n```{py:module} small.point" in page
    assert "- `big`: what is large\n- `small`: what is not" in page
    assert "`````{py:class} Point(Base)\nA place." in page
    assert "````{py:method} move(by: float=0.5) -> None" in page
    assert "**Args**\n\n- `by`: how far,\n    in metres." in page
    assert "**Raises**\n\n- `ValueError`: `by` is |by| > 1." in page
    assert "```python\nx: float\n```" in page
    assert "{py:function} shown(*names: str, deep: bool=False) -> list[str]" in page
    assert "_hidden" not in page


def test_no_framework_is_imported():
    program = (
        "import sys; from pathlib import Path; from site_parts import reference\n"
        "assert reference.pages(Path('course_utils'))['pytorch']\n"
        "print(sorted({'torch', 'tensorflow', 'keras'} & set(sys.modules)))"
    )
    run = subprocess.run(
        [
            sys.executable,
            "-c",
            f"import sys; sys.path.append('tools/build'); {program}",
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout == "[]\n"
