"""Make reveal.js slides of the lessons, slides/NN_topic.html, that need no network.

    python tools/build/slides.py            all lessons
    python tools/build/slides.py 03         those whose names begin so

What stands on a slide is said by the lessons' own slide metadata (in JupyterLab: the
gear beside a cell). Of a cell that draws, is a folded proof or is tagged `remove-input`
only the output is shown, of other folded cells nothing. Links to Colab and Binder are
left out. A comment `<!-- notes: ... -->` in a Markdown cell is for the speaker alone.
"""

import argparse
import re
import shutil
import sys
from collections.abc import Callable
from inspect import cleandoc
from pathlib import Path

from cells import is_folded, tags
from course_files import lessons, notebook_of, read
from nbconvert import SlidesExporter
from nbformat import NotebookNode, v4
from traitlets.config import Config

ROOT = Path(__file__).parents[2]
SOURCES = Path(__file__).parent / "slides"
SLIDES = ROOT / "slides"
NO_CODE = "remove-input"  # a tag that others use for this, too
LINKS = re.compile(r"^Open in \[Colab\].*$\n?", re.M)
NOTES = re.compile(r"<!--\s*notes:(.*?)-->", re.S)


def for_the_hall(notebook: NotebookNode) -> NotebookNode:
    """The lesson without what only its readers need, and with notes for the speaker."""
    for cell in notebook.cells:
        cell.source = LINKS.sub("", cell.source)
        if cell.cell_type == "code":
            hide_code(cell)
    notebook.cells = [part for cell in notebook.cells for part in with_notes(cell)]
    return notebook


def hide_code(cell: NotebookNode) -> None:
    """Leave of a picture or a proof the output, of any other folded cell nothing."""
    is_proof = "proof" in tags(cell) and cell.outputs
    if is_folded(cell) and not is_proof:
        cell.metadata.slideshow = {"slide_type": "skip"}
    elif is_folded(cell) or draws(cell):
        cell.metadata.tags = [*tags(cell), NO_CODE]


def with_notes(cell: NotebookNode) -> list[NotebookNode]:
    """A cell, and after it the notes in its comments as a cell that reveal.js hides."""
    notes = NOTES.findall(cell.source) if cell.cell_type == "markdown" else []
    if not notes:
        return [cell]
    cell.source = NOTES.sub("", cell.source)
    aside = v4.new_markdown_cell(
        "\n\n".join(map(cleandoc, notes)),
        id=f"{cell.id}-notes",
        metadata={"slideshow": {"slide_type": "notes"}},
    )
    return [cell, aside]


def draws(cell: NotebookNode) -> bool:
    """Whether a picture is among the outputs of a code cell."""
    return any(
        kind.startswith("image/")
        for output in cell.outputs
        for kind in output.get("data", {})
    )


def exporter() -> SlidesExporter:
    """Of nbconvert, with the template and the style of this folder."""
    config = Config()
    config.TagRemovePreprocessor.enabled = True
    config.TagRemovePreprocessor.remove_input_tags = {NO_CODE}
    config.SlidesExporter.extra_template_basedirs = [str(SOURCES)]
    config.SlidesExporter.template_name = "template"
    config.SlidesExporter.reveal_theme = "course"
    config.SlidesExporter.reveal_url_prefix = "vendor/reveal"
    return SlidesExporter(config=config)


def write(
    folder: Path,
    names: tuple[str, ...] = (),
    prepare: Callable[[NotebookNode, str], None] | None = None,
    head: str = "",
) -> None:
    """Write the slides of the lessons whose names begin so, all if none is given.

    Args:
        folder: made if it is not there.
        names: how the names of lessons begin.
        prepare: changes a lesson, of that name, before it is made into slides.
        head: HTML for the heads of the pages.

    Raises:
        ValueError: a lesson cannot be read.
    """
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copytree(SOURCES / "vendor", folder / "vendor", dirs_exist_ok=True)
    theme = folder / "vendor" / "reveal" / "dist" / "theme"
    theme.mkdir(exist_ok=True)
    shutil.copy(SOURCES / "course.css", theme)
    convert = exporter()
    for script in lessons():
        if names and not script.name.startswith(names):
            continue
        notebook = read(notebook_of(script))
        if prepare:
            prepare(notebook, script.stem)
        page, _ = convert.from_notebook_node(for_the_hall(notebook))
        page = page.replace("</head>", f"{head}</head>", 1)
        (folder / f"{script.stem}.html").write_text(page, encoding="utf-8")
        print(folder.name, f"{script.stem}.html", sep="/", flush=True)


def main() -> None:
    """Write the slides that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="how names begin; all if none")
    try:
        write(SLIDES, tuple(parser.parse_args().names))
    except ValueError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
