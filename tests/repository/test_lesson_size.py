"""Lessons fit forty-five minutes, and the count of them counts what it says."""

from dataclasses import replace

import pytest
from lesson_size import (
    LIMITS,
    LessonSize,
    lessons,
    prose_words,
    size_of,
    sizes,
    slides_of,
)
from nbformat import v4

LESSONS = [script.stem for script in lessons() if script.stem[:2] > "00"]
PICTURE = v4.new_output("display_data", {"image/png": ""})
FOLDED = {"jupyter": {"source_hidden": True}, "tags": ["proof"]}
SET_UP = FOLDED | {"tags": ["setup"], "slideshow": {"slide_type": "slide"}}


@pytest.mark.parametrize("name", LESSONS)
def test_a_lesson_fits_forty_five_minutes(name):
    assert sizes((name,))[name].excesses() == []


def test_what_is_above_its_limit_is_named():
    assert LIMITS.excesses() == []
    assert replace(LIMITS, code=161).excesses() == ["code: 161 (at most 160)"]


def words_of(text):
    return prose_words(v4.new_markdown_cell(text))


@pytest.mark.parametrize(
    "text, count",
    [
        ("Three plain words.", 3),
        ("## A heading counts", 3),
        ("The mean $\\mu + \\sigma\\epsilon$ and `train_vae(model, x)` count.", 6),
        ("Before\n\n$$\n\\log p(x) = 1\n$$\n\nafter.", 2),
        ("Here:\n\n| a | table |\n|---|---|\n| of | words |\n\nafter.", 2),
        ("*Figure: a long line\nof a caption.*", 0),
        ("A [link to a page](deeper/01_bounds.ipynb) counts by its words.", 9),
        ("<!-- notes: Ask the class.\nWait. --> Seen.", 1),
        ("Open in [Colab](https://a.b) or on [Binder](https://c.d).", 0),
        ("<details><summary>Hint</summary>\n\nTwo words.\n\n</details>", 3),
        ("well-known 5.30 don't", 3),
    ],
)
def test_words_of_prose(text, count):
    assert words_of(text) == count


def slide(source, kind, **metadata):
    return v4.new_markdown_cell(
        source, metadata={"slideshow": {"slide_type": kind}} | metadata
    )


def test_a_lesson_is_counted():
    cells = [
        slide("# A title\n\nOf five words.", "slide"),
        v4.new_code_cell("a = 1\n\nb = 2\nprint(a)"),
        slide("Only for readers.", "skip"),
        slide("**Predict before you run.** How much?\n\n$$\nx\n$$", "subslide"),
        v4.new_code_cell("draw()", outputs=[PICTURE]),
        v4.new_markdown_cell("*Figure: one line.*"),
        v4.new_code_cell("# @title Proof\nassert a", metadata=FOLDED),
        v4.new_code_cell("# @title Set-up\nimport math", metadata=SET_UP),
        v4.new_code_cell("def f():\n    pass", metadata={"tags": ["mirrors"]}),
        slide("**Answer.** One. The lecture says two.", "subslide"),
        slide("## References\n\nMany more words than would be counted.", "slide"),
    ]
    assert size_of(v4.new_notebook(cells=cells), 2.0) == LessonSize(
        words=20,
        aside_words=3,
        code=6,
        slides=3,
        bare_slides=1,
        slide_words=6,
        slide_code=3,
        slide_mirror=2,
        first_picture=14,
        unanswered=0,
        lecture=1,
        # 20 / 130, six lines, a picture, a formula, a prediction, and running
        minutes=round(20 / 130 + (6 * 4 + 45 + 20 + 60) / 60 + 2, 1),
    )


def test_each_prediction_needs_its_own_answer():
    cells = [
        v4.new_markdown_cell(text)
        for text in (
            "**Predict before you run.** A?",
            "**Predict before you run.** B?",
            "**Answer.** B.",
        )
    ]
    assert size_of(v4.new_notebook(cells=cells), 0).unanswered == 1


def test_what_slides_skip_belongs_to_none():
    cells = [slide("a", "slide"), slide("b", "skip"), slide("c", "-")]
    (only,) = slides_of(cells)
    assert [cell.source for cell in only] == ["a", "c"]
