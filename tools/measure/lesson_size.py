"""How much a lesson asks of forty-five minutes.

    python tools/measure/lesson_size.py       a table of all lessons
    python tools/measure/lesson_size.py 03    of those whose names begin so

Words are counted in the prose of Markdown cells: tables, captions, displayed formulas,
references, links to Colab and speakers' notes are left out, and an inline formula or a
name in code style is one word. Lines of code are those a reader sees: no folded cell,
no blank line. A slide has what the slides show of its cells. `LIMITS` are the lecture's
forty-five minutes, written out.
"""

import argparse
import json
import re
import sys
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import astuple, dataclass, fields
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from course_utils.records import RESULTS

# A program finds modules of its own folder alone; lessons are read by another's.
sys.path.append(str(Path(__file__).parents[1] / "build"))
from cells import is_folded, tags  # noqa: E402
from course_files import lessons, notebook_of  # noqa: E402
from slides import NO_CODE, draws, for_the_hall  # noqa: E402

WORDS_A_MINUTE = 130
SECONDS = {"line": 4, "picture": 45, "formula": 20, "prediction": 60}

NOTES = re.compile(r"<!--.*?-->", re.S)
LINKS = re.compile(r"^Open in \[Colab\].*$", re.M)
DISPLAYED = re.compile(r"\$\$.*?\$\$", re.S)
TABLE = re.compile(r"^\|.*$", re.M)
CAPTION = re.compile(r"^\*Figure.*?(?:\n\n|\Z)", re.S | re.M)
INLINE = re.compile(r"\$[^$]+\$|`[^`]+`")
ADDRESS = re.compile(r"\]\([^)]*\)|</?\w[^>]*>")
HEADING = re.compile(r"##? (.*)")
WORD = re.compile(r"\w[\w'’.,/-]*")
ASIDE = re.compile(r"\bthe lecture\b", re.I)
PREDICTION, ANSWER = "**Predict before you run", "**Answer"


@dataclass(frozen=True)
class LessonSize:
    """What is counted of a lesson; each has its `LIMITS`.

    Attributes:
        words: of prose.
        aside_words: in tables and captions.
        code: visible lines.
        slides: how many.
        bare_slides: slides without a picture, beyond half of them.
        slide_words: on the fullest slide.
        slide_code: lines on the slide with most, definitions that the package mirrors
            left out.
        slide_mirror: lines of the longest mirrored definition on a slide.
        first_picture: words before the first picture.
        unanswered: predictions that no **Answer** follows.
        lecture: sentences about the lecture.
        minutes: reading, looking, predicting and running.
    """

    words: int
    aside_words: int
    code: int
    slides: int
    bare_slides: int
    slide_words: int
    slide_code: int
    slide_mirror: int
    first_picture: int
    unanswered: int
    lecture: int
    minutes: float

    def excesses(self) -> list[str]:
        """What is above its limit, a sentence each."""
        return [
            f"{name}: {value} (at most {limit})"
            for name, value, limit in zip(
                COLUMNS, astuple(self), astuple(LIMITS), strict=True
            )
            if value > limit
        ]


COLUMNS = [field.name for field in fields(LessonSize)]
LIMITS = LessonSize(
    words=2_600,
    aside_words=300,
    code=160,
    slides=32,
    bare_slides=0,
    slide_words=60,
    slide_code=14,
    slide_mirror=28,
    first_picture=250,
    unanswered=0,
    lecture=2,
    minutes=45,
)


def size_of(notebook: NotebookNode, running_minutes: float) -> LessonSize:
    """Count a saved lesson; `running_minutes` is what its cells take."""
    cells = without_references(notebook.cells)
    shown = for_the_hall(deepcopy(notebook)).cells
    slides = list(slides_of(without_references(shown)))
    with_picture = sum(any(map(has_picture, slide)) for slide in slides)
    return LessonSize(
        words=sum(map(prose_words, cells)),
        aside_words=sum(map(aside_words, cells)),
        code=sum(len(visible_lines(cell)) for cell in cells),
        slides=len(slides),
        bare_slides=max(0, len(slides) - 2 * with_picture),
        slide_words=most(sum(map(prose_words, slide)) for slide in slides),
        slide_code=most(slide_lines(slide, mirrors=False) for slide in slides),
        slide_mirror=most(slide_lines(slide, mirrors=True) for slide in slides),
        first_picture=words_before_a_picture(cells),
        unanswered=unanswered(cells),
        lecture=sum(len(ASIDE.findall(prose(cell))) for cell in cells),
        minutes=round(sum(map(minutes_of, cells)) + running_minutes, 1),
    )


def minutes_of(cell: NotebookNode) -> float:
    """What a class needs for a cell, without running it."""
    seconds = (
        SECONDS["line"] * len(visible_lines(cell))
        + SECONDS["picture"] * has_picture(cell)
        + SECONDS["formula"] * len(DISPLAYED.findall(markdown(cell)))
        + SECONDS["prediction"] * cell.source.count(PREDICTION)
    )
    return prose_words(cell) / WORDS_A_MINUTE + seconds / 60


def section_starts(notebook: NotebookNode) -> dict[str, float]:
    """The minute at which each title and section of a lesson begins, by its words."""
    found, now = {}, 0.0
    for cell in without_references(notebook.cells):
        if heading := HEADING.match(markdown(cell)):
            found[heading[1]] = now
        now += minutes_of(cell)
    return found


def without_references(cells: list[NotebookNode]) -> list[NotebookNode]:
    """The cells before the heading References."""
    for position, cell in enumerate(cells):
        if cell.source.startswith("## References"):
            return cells[:position]
    return cells


def markdown(cell: NotebookNode) -> str:
    """A Markdown cell's text, without notes and links; of a code cell, nothing."""
    if cell.cell_type != "markdown":
        return ""
    return LINKS.sub("", NOTES.sub("", cell.source))


def prose(cell: NotebookNode) -> str:
    """What is read as sentences."""
    text = markdown(cell)
    for left_out in (DISPLAYED, TABLE, CAPTION):
        text = left_out.sub("", text)
    return ADDRESS.sub(" ", INLINE.sub("x", text))


def prose_words(cell: NotebookNode) -> int:
    """How many words of prose."""
    return len(WORD.findall(prose(cell)))


def aside_words(cell: NotebookNode) -> int:
    """How many words in tables and captions."""
    text = markdown(cell)
    found = TABLE.findall(text) + CAPTION.findall(text)
    return sum(len(WORD.findall(INLINE.sub("x", part))) for part in found)


def visible_lines(cell: NotebookNode) -> list[str]:
    """The lines of code that a reader sees."""
    if cell.cell_type != "code" or is_folded(cell):
        return []
    return [line for line in cell.source.splitlines() if line.strip()]


def has_picture(cell: NotebookNode) -> bool:
    """Whether it shows one."""
    is_code = cell.cell_type == "code"
    return draws(cell) if is_code else "![" in markdown(cell)


def slides_of(cells: list[NotebookNode]) -> Iterator[list[NotebookNode]]:
    """The cells of each slide, in order, of what the slides show of a lesson."""
    slide: list[NotebookNode] = []
    for cell in cells:
        kind = cell.metadata.get("slideshow", {}).get("slide_type")
        if kind in ("slide", "subslide") and slide:
            yield slide
            slide = []
        if kind not in ("skip", "notes"):
            slide.append(cell)
    if slide:
        yield slide


def slide_lines(slide: list[NotebookNode], mirrors: bool) -> int:
    """Lines of code on a slide: of mirrored definitions, or of all others."""
    return sum(
        len(visible_lines(cell))
        for cell in slide
        if NO_CODE not in tags(cell) and ("mirrors" in tags(cell)) == mirrors
    )


def words_before_a_picture(cells: list[NotebookNode]) -> int:
    """Words of prose before the first one, all if there is none."""
    count = 0
    for cell in cells:
        if has_picture(cell):
            break
        count += prose_words(cell)
    return count


def unanswered(cells: list[NotebookNode]) -> int:
    """Predictions with no answer before the next one."""
    text = "\n".join(map(markdown, cells))
    return sum(ANSWER not in after for after in text.split(PREDICTION)[1:])


def most(numbers: Iterator[int]) -> int:
    """The largest, 0 of none."""
    return max(numbers, default=0)


def sizes(names: tuple[str, ...]) -> dict[str, LessonSize]:
    """Of the lessons whose names begin so, all if none is given."""
    costs = json.loads((RESULTS / "lessons.json").read_text(encoding="utf-8"))
    return {
        script.stem: size_of(
            nbformat.read(notebook_of(script), as_version=4),
            costs[script.stem]["minutes"],
        )
        for script in lessons()
        if not names or script.name.startswith(names)
    }


def main() -> None:
    """Print the table; what is above its limit has a star."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="how names begin; all if none")
    found = sizes(tuple(parser.parse_args().names))
    if not found:
        sys.exit("No lesson begins so.")
    rows = [("lesson", *COLUMNS), ("at most", *astuple(LIMITS))]
    for name, size in found.items():
        pairs = zip(astuple(size), astuple(LIMITS), strict=True)
        rows.append((name[:14], *(f"{v}{'*' * (v > most_)}" for v, most_ in pairs)))
    widths = [max(len(str(row[i])) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        print("  ".join(f"{cell!s:>{w}}" for cell, w in zip(row, widths, strict=True)))


if __name__ == "__main__":
    main()
