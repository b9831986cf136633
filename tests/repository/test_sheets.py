"""Sheets of formulas: printed without their code, each is one page of paper."""

import re
from pathlib import Path

import nbformat
import pytest
from course_files import SCRIPTS, course_files, notebook_of
from nbconvert import HTMLExporter
from nbformat import v4

ROOT = Path(__file__).parents[2]
KATEX = ROOT / "tools" / "build" / "slides" / "vendor" / "katex"
SHEETS = [
    notebook_of(script)
    for script in course_files(SCRIPTS, ".py")
    if script.stem.endswith("_on_a_page")
]
# In place of MathJax, which browsers fetch from the network.
FORMULAS = """
<link rel="stylesheet" href="{folder}/katex.min.css">
<script src="{folder}/katex.min.js"></script>
<script src="{folder}/auto-render.min.js"></script>
<script>addEventListener("DOMContentLoaded", () => {{
    const dollar = {{left: "$", right: "$", display: false}};
    renderMathInElement(document.body, {{delimiters: [dollar], throwOnError: false}});
    document.body.dataset.ready = "yes";
}})</script></head>"""
# What `jupyter nbconvert --no-input` sets.
NO_INPUT = ("exclude_input", "exclude_input_prompt", "exclude_output_prompt")
MARGINS = dict.fromkeys(("top", "bottom", "left", "right"), "1cm")


@pytest.fixture
def printed(chromium, tmp_path):
    """Exports a notebook without its code and opens it as a page."""

    def open_sheet(notebook):
        exporter = HTMLExporter(**dict.fromkeys(NO_INPUT, True))
        html, _ = exporter.from_notebook_node(notebook)
        html = re.sub(r'<script src="https:.*?</script>', "", html, flags=re.S)
        html = html.replace("</head>", FORMULAS.format(folder=KATEX.as_uri()), 1)
        path = tmp_path / "sheet.html"
        path.write_text(html, encoding="utf-8")
        page = chromium.new_page()
        page.context.set_offline(True)
        page.goto(path.as_uri())
        page.locator("body[data-ready]").wait_for()
        return page

    return open_sheet


def pages(page):
    paper = page.pdf(format="A4", margin=MARGINS)
    return len(re.findall(rb"/Type\s*/Page\b", paper))


@pytest.mark.parametrize("path", SHEETS, ids=lambda path: path.stem)
def test_a_sheet_is_one_page_and_every_formula_is_set(path, printed):
    page = printed(nbformat.read(path, as_version=4))
    assert page.locator(".katex").count() >= 40
    assert page.locator(".katex-error").count() == 0
    assert pages(page) == 1


def test_a_sheet_that_is_too_long_is_two_pages(printed):
    notebook = nbformat.read(SHEETS[0], as_version=4)
    notebook.cells.append(v4.new_markdown_cell("- one more line\n" * 12))
    assert pages(printed(notebook)) == 2
