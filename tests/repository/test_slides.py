"""Slides open without a network, and everything on them fits."""

import importlib.util
import re
import sys
from pathlib import Path

import pytest
from course_files import lessons

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


@pytest.fixture(scope="module")
def slides(tmp_path_factory):
    """The folder of the slides of all lessons."""
    path = ROOT / "tools" / "build" / "slides.py"
    spec = importlib.util.spec_from_file_location("slides", path)
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    folder = tmp_path_factory.mktemp("slides")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tool, "SLIDES", folder)
        patch.setattr(sys, "argv", ["slides.py"])
        tool.main()
    return folder


@pytest.fixture
def page(chromium):
    """A page that may not use the network; what it asked for is in `asked`."""
    page = chromium.new_page(viewport={"width": 1280, "height": 720})
    page.asked = []
    page.on("request", lambda request: page.asked.append(request.url))
    page.context.set_offline(True)
    yield page
    page.close()


@pytest.fixture
def opened(slides, page):
    """Opens the slides of a lesson."""

    def open_lesson(name):
        page.goto((slides / f"{name}.html").as_uri())
        page.wait_for_function("() => window.Reveal && Reveal.isReady()")
        return page

    return open_lesson


@pytest.mark.parametrize("name", LESSONS)
def test_every_slide_fits_and_needs_no_network(name, opened):
    page = opened(name)
    assert page.locator(".katex-error").count() == 0
    assert page.evaluate(SMALLEST) >= MOST_ZOOM_OUT
    for number in range(page.evaluate("() => Reveal.getTotalSlides()")):
        page.evaluate(GO_TO, number)
        assert not page.evaluate(OVERFULL), f"slide {number + 1} is too full"
        assert not page.evaluate(CUT_OFF), f"slide {number + 1} has longer lines"
    elsewhere = [url for url in page.asked if not url.startswith(("file:", "data:"))]
    assert elsewhere == []


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
    page = opened("01_elbo")
    count = page.evaluate("() => Reveal.getTotalSlides()")
    for number in range(count):
        page.evaluate(GO_TO, number)
        if page.locator(".present .present .fragment").count():
            break
    slide = page.locator(".present .present")
    assert slide.get_by_text("more probable sender").is_visible()
    answer = slide.get_by_text("p(x) = 0.9797 per MeV")
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
