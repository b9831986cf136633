"""Slides open without a network, and everything on them fits."""

import importlib.util
import re
import sys
from pathlib import Path

import nbformat
import pytest
from course_files import lessons
from nbformat import v4

ROOT = Path(__file__).parents[2]
LESSONS = [script.stem for script in lessons()]
MOST_ZOOM_OUT = 0.7  # of letters on the fullest slide
# Formulas have a hidden copy for screen readers, and strokes that are clipped.
OVERFULL = """() => {
    const slide = Reveal.getCurrentSlide();
    return [...slide.querySelectorAll('*')]
        .filter(e => !e.closest('.katex-mathml, svg'))
        .map(e => e.getBoundingClientRect())
        .filter(box => box.width && box.height)
        .some(box => box.bottom > innerHeight + 1 || box.right > innerWidth + 1);
}"""
GO_TO = """number => {
    const {h, v} = Reveal.getIndices(Reveal.getSlides()[number]);
    Reveal.slide(h, v);
}"""
CODE_SIZES = """() => [...document.querySelectorAll('.slides pre')]
    .map(code => parseFloat(getComputedStyle(code).fontSize))"""
CUT_OFF = """() => [...Reveal.getCurrentSlide().querySelectorAll('pre')]
    .some(code => code.scrollWidth > code.clientWidth + 1)"""
SMALLEST = """() => Math.min(1, ...[...document.querySelectorAll('section')]
    .map(slide => Number(slide.style.zoom || 1)))"""
SCROLLS = """() => [...Reveal.getCurrentSlide().querySelectorAll('*')]
    .filter(e => /auto|scroll/.test(getComputedStyle(e).overflow))
    .some(e => e.scrollHeight > e.clientHeight || e.scrollWidth > e.clientWidth)"""


def markdown(source, slide="-"):
    return v4.new_markdown_cell(source, metadata={"slideshow": {"slide_type": slide}})


def folded(tag, source, text=None):
    outputs = [v4.new_output("stream", text=text)] if text else []
    metadata = {"tags": [tag], "jupyter": {"source_hidden": True}}
    return v4.new_code_cell(source, metadata=metadata, outputs=outputs)


def drawing(width, height):
    """A code cell whose picture is there as vectors and as pixels."""
    shape = f"<rect width='{width}' height='{height}' fill='teal'/>"
    size = f"width='{width}' height='{height}' viewBox='0 0 {width} {height}'"
    svg = f"<svg xmlns='http://www.w3.org/2000/svg' {size}>{shape}</svg>"
    picture = {"image/svg+xml": svg, "image/png": "iVBORw0KGgo=", "text/plain": "<F>"}
    outputs = [v4.new_output("display_data", picture)]
    return v4.new_code_cell(f"draw({width}, {height})", outputs=outputs)


NOTE = """\
<!-- notes: Ask the class
     to read **Predict before you run** aloud. -->"""
SMALL = [
    markdown(f"# A small lesson\n\nWords.\n\n{NOTE}", "slide"),
    folded("colab", "fetch()", "fetched"),
    folded("setup", "# @title Imports\nimport a", "imported"),
    folded("mirrors", "# @title The same again\ndef f(): pass"),
    v4.new_code_cell("f(1)"),
    folded("proof", "# @title f is right\nassert f(1)", "f is right.\n"),
    folded("proof", "# @title f is quick\nassert f(2)"),
    markdown("## Predict\n\n**Predict before you run.** How much?", "slide"),
    folded("setup", "# @title Sizes\nx = 1"),
    v4.new_code_cell("f(x)", outputs=[v4.new_output("stream", text="42\n")]),
    markdown("It is.\n\n<!-- notes: One. --> And <!--notes: $y^2$ is two.-->", "-"),
    markdown("This is not shown.\n\n<!-- notes: Three. -->", "skip"),
    markdown("## Wide", "slide"),
    drawing(1600, 400),
    markdown("## Tall", "subslide"),
    drawing(300, 2400),
    markdown("## Crowded" + "\n\nA line." * 10, "subslide"),
    drawing(800, 500),
]


@pytest.fixture(scope="module")
def make_slides(tmp_path_factory):
    """Makes slides, of all lessons if none is given; returns their folder."""
    path = ROOT / "tools" / "build" / "slides.py"
    spec = importlib.util.spec_from_file_location("slides", path)
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)

    def make(scripts):
        folder = tmp_path_factory.mktemp("slides")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(tool, "SLIDES", folder)
            patch.setattr(tool, "lessons", lambda: scripts)
            patch.setattr(sys, "argv", ["slides.py"])
            tool.main()
        return folder

    return make


@pytest.fixture(scope="module")
def slides(make_slides):
    """The folder of the slides of all lessons."""
    return make_slides(lessons())


@pytest.fixture(scope="module")
def small_slides(make_slides, tmp_path_factory):
    """The slides of a lesson that has a cell of each kind, a file."""
    notebooks = tmp_path_factory.mktemp("notebooks")
    nbformat.write(v4.new_notebook(cells=SMALL), notebooks / "99_small.ipynb")
    return make_slides([notebooks / "scripts" / "99_small.py"]) / "99_small.html"


@pytest.fixture
def page(chromium):
    """A page that may not use the network; what it asked for is in `asked`."""
    page = chromium.new_page(viewport={"width": 1280, "height": 720})
    page.asked = []
    page.context.on("request", lambda request: page.asked.append(request.url))
    page.context.set_offline(True)
    yield page
    page.close()


@pytest.fixture
def opened(slides, page):
    """Opens the slides of a lesson."""

    def open_lesson(name):
        return show(page, slides / f"{name}.html")

    return open_lesson


@pytest.fixture
def small(small_slides, page):
    """The slides of the small lesson, opened."""
    return show(page, small_slides)


def show(page, path):
    page.goto(path.as_uri())
    page.wait_for_function("() => window.Reveal && Reveal.isReady()")
    return page


def asked_elsewhere(page):
    return [url for url in page.asked if not url.startswith(("file:", "data:"))]


@pytest.mark.parametrize("name", LESSONS)
def test_every_slide_fits_and_needs_no_network(name, opened):
    page = opened(name)
    assert page.locator(".katex-error").count() == 0
    assert page.evaluate(SMALLEST) >= MOST_ZOOM_OUT
    for number in range(page.evaluate("() => Reveal.getTotalSlides()")):
        page.evaluate(GO_TO, number)
        assert not page.evaluate(OVERFULL), f"slide {number + 1} is too full"
        assert not page.evaluate(CUT_OFF), f"slide {number + 1} has longer lines"
    assert asked_elsewhere(page) == []


def test_a_slide_that_is_too_full_is_noticed(opened):
    page = opened("00_start_here")
    page.evaluate(
        "() => { Reveal.getCurrentSlide().innerHTML += '<p>line</p>'.repeat(60); }"
    )
    assert page.evaluate(OVERFULL)


def test_code_is_as_large_as_its_slide_has_room_for(opened):
    page = opened("06_game_settles")
    sizes = page.evaluate(CODE_SIZES)
    assert min(sizes) == 19
    assert max(sizes) == 25


def test_an_answer_waits_until_the_class_has_guessed(opened):
    page = opened("00_start_here")
    count = page.evaluate("() => Reveal.getTotalSlides()")
    for number in range(count):
        page.evaluate(GO_TO, number)
        if page.locator(".present .present .fragment").count():
            break
    slide = page.locator(".present .present")
    assert slide.get_by_text("How far off will the polynomial be").is_visible()
    answer = slide.get_by_text("g from the recipe: 9.82")
    assert not answer.is_visible()
    page.keyboard.press("PageDown")
    assert answer.is_visible()
    assert page.evaluate("() => Reveal.getSlidePastCount()") == number


def test_slides_can_be_printed_one_on_a_page(slides, page):
    page.goto((slides / "01_elbo.html").as_uri() + "?print-pdf")
    page.wait_for_function("() => window.Reveal && Reveal.isReady()")
    count = page.evaluate("() => Reveal.getTotalSlides()")
    page.locator(".pdf-page").nth(count - 1).wait_for(state="attached")
    printed = page.pdf(prefer_css_page_size=True)
    assert len(re.findall(rb"/Type\s*/Page\b", printed)) == count


def test_of_folded_cells_only_what_a_proof_prints_is_shown(small):
    small.evaluate(GO_TO, 0)
    shown = small.locator(".present .present .jp-CodeCell").all_inner_texts()
    assert [text.strip() for text in shown] == ["f(1)", "f is right."]
    everything = small.locator(".slides").text_content()
    for source in ("fetch", "import", "def f", "assert", "@title", "draw"):
        assert source not in everything


@pytest.mark.parametrize("number, title", [(2, "Wide"), (3, "Tall"), (4, "Crowded")])
def test_a_vector_picture_fits_like_any_other(number, title, small):
    small.evaluate(GO_TO, number)
    slide = small.locator("section.present section.present")
    assert slide.get_by_role("heading").inner_text() == title
    picture = slide.locator("img")
    assert picture.get_attribute("src").startswith("data:image/svg+xml")
    assert picture.evaluate("img => img.naturalWidth > 0")
    assert picture.evaluate("img => getComputedStyle(img).objectFit") == "contain"
    assert picture.bounding_box()["height"] > 150
    assert not slide.evaluate("slide => slide.style.zoom")
    assert not small.evaluate(OVERFULL)
    assert not small.evaluate(SCROLLS)


@pytest.fixture
def speaker(small):
    """The window that the key S opens, with the notes of the small lesson."""
    with small.expect_popup() as opened:
        small.keyboard.press("s")
    return opened.value.locator(".speaker-controls-notes .value")


def test_notes_stand_in_the_speakers_window_without_a_server(small, speaker):
    speaker.get_by_text("Ask the class to read Predict").wait_for()
    assert speaker.locator("strong").inner_text() == "Predict before you run"
    assert asked_elsewhere(small) == []


def test_notes_follow_the_slides_also_behind_an_answer_that_waits(small, speaker):
    speaker.wait_for()
    small.keyboard.press("PageDown")
    speaker.get_by_text("Three.").wait_for()
    assert speaker.locator("p").count() == 3
    assert speaker.locator("math msup").is_visible()
    assert speaker.locator(".katex-html").count() == 0  # needs KaTeX's style sheet
    speaker.page.keyboard.press("PageDown")
    small.locator(".present .present").get_by_text("42").wait_for()


def test_the_class_never_sees_a_note(small, small_slides):
    for address in (small_slides.as_uri(), small_slides.as_uri() + "?print-pdf"):
        small.goto(address)
        small.wait_for_function("() => window.Reveal && Reveal.isReady()")
        notes = small.locator("aside.notes")
        assert notes.count() == 3
        assert not any(note.is_visible() for note in notes.all())
        assert small.content().count("Ask the class") == 1
