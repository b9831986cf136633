"""The built site, walked: links, requests, players, search, and what axe-core says.

`make site-test` runs these; without COURSE_SITE they are skipped.
"""

import posixpath
import re
from urllib.parse import unquote

import pytest
from course_files import lessons, notebook_of, read
from site_parts import players
from site_parts.links import ROOT

AXE = ROOT / "build" / "node_modules" / "axe-core" / "axe.min.js"
SCREENSHOTS = ROOT / "build" / "screenshots" / "site"
MOST_BYTES = 1_000_000  # of the frames of a page
ELSEWHERE = re.compile(r"[a-z][a-z+.-]*:|//", re.I)
# One page of each kind.
KINDS = {
    "front": "index.html",
    "lesson": "01_elbo.html",
    "deeper": "deeper/lecture_programs.html",
    "exercises": "exercises/03_vae_pytorch.html",
    "solutions": "solutions/10_latent_space.html",
    "list": "exercises/index.html",
    "lecturers": "solutions/index.html",
    "sheet": "elbo_on_a_page.html",
    "reference": "reference/pytorch.html",
    "changelog": "changelog.html",
    "search": "search.html",
}
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True}
# What a window of 1280 pixels shows at 200 %.
ENLARGED = {"viewport": {"width": 640, "height": 450}}
WIDER = """() => document.documentElement.scrollWidth
    - document.documentElement.clientWidth"""
SET = """() => document.querySelectorAll('.math').length
    === document.querySelectorAll('.math > .katex, .math > .katex-display').length"""
SERIOUS = """async () => (await axe.run(document, {
    resultTypes: ['violations'],
})).violations
    .filter(fault => ['serious', 'critical'].includes(fault.impact))
    .map(fault => [fault.id, ...fault.nodes.map(node => node.html.slice(0, 160))])"""


def with_players():
    """The lessons that have controls, and how many live pictures each."""
    found = {s.stem: players.with_controls(read(notebook_of(s))) for s in lessons()}
    return {name: len(cells) for name, cells in found.items() if cells}


def test_no_link_is_broken(pages, html):
    broken = [
        (place, link)
        for place, page in pages.items()
        for link in page.links
        if not ELSEWHERE.match(link) and not leads_somewhere(link, place, pages, html)
    ]
    assert broken == []


def leads_somewhere(link, place, pages, html):
    """Whether a page has a link to a file that is there, and to a name in it."""
    path, _, name = link.partition("#")
    path = path.partition("?")[0]
    target = posixpath.normpath(posixpath.join(posixpath.dirname(place), unquote(path)))
    target = target if path else place
    if target not in pages:
        return (html / target).is_file()
    return unquote(name) in pages[target].names or target.startswith("slides/")


def test_what_pages_show_lies_beside_them(pages):
    """A link may lead anywhere; a picture, style or program may not come from there."""
    shown = [(p, i["src"]) for p, page in pages.items() for i in page.pictures]
    assert [(p, s) for p, s in shown if re.match(r"https?:|//", s)] == []


def test_every_picture_has_words(pages):
    silent = [
        (place, picture["src"][:80])
        for place, page in pages.items()
        if not place.startswith("slides/")
        for picture in page.pictures
        if not picture.get("alt") or picture["alt"].endswith((".png", ".svg"))
    ]
    assert silent == []


def test_every_page_opens_sets_its_formulas_and_asks_nobody(pages, walker, address):
    page = walker("index.html")
    for place in pages:
        page.goto(address + place)
        if not place.startswith("slides/"):
            page.wait_for_function(SET)
        assert page.locator(".katex-error").count() == 0, place
        assert (place, page.refused, page.errors) == (place, [], [])


def test_a_request_to_another_server_is_noticed(walker):
    page = walker("index.html")
    page.evaluate("new Image().src = 'https://example.org/picture.png'")
    page.wait_for_timeout(200)
    assert page.refused == ["https://example.org/picture.png"]


@pytest.mark.parametrize("name, count", with_players().items())
def test_every_player_moves_by_keys(name, count, walker):
    page = walker(f"{name}.html")
    assert page.locator(".player").count() == count
    for player in page.locator(".player").all():
        for handle in player.get_by_role("slider").all():
            before = player.locator("img").get_attribute("src")
            words = handle.get_attribute("aria-valuetext")
            handle.focus()
            at_end = handle.input_value() == handle.get_attribute("max")
            page.keyboard.press("ArrowLeft" if at_end else "ArrowRight")
            picture = player.locator("img")
            assert picture.get_attribute("src") != before
            assert handle.get_attribute("aria-valuetext") != words
            picture.evaluate("picture => picture.decode()")
    assert page.errors == []


@pytest.mark.parametrize("name", with_players())
def test_players_move_on_slides_and_the_slide_stays(name, walker):
    page = walker(f"slides/{name}.html")
    page.wait_for_function("() => window.Reveal && Reveal.isReady()")
    page.evaluate("""() => {
        const place = document.querySelector('.player').closest('section');
        const {h, v} = Reveal.getIndices(place);
        Reveal.slide(h, v);
    }""")
    picture = page.locator(".present .player img")
    before, slide = picture.get_attribute("src"), page.url
    page.locator(".present .player input").first.focus()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert picture.get_attribute("src") != before
    assert page.url == slide


@pytest.mark.parametrize("name", with_players())
def test_the_frames_of_a_page_are_small_and_all_there(name, html):
    folders = sorted((html / "_static" / "players").glob(f"{name}-*"))
    assert folders, "`make site` draws them; with --stills it does not"
    frames = [path for folder in folders for path in folder.glob("*.webp")]
    assert 0 < sum(path.stat().st_size for path in frames) <= MOST_BYTES


def test_search_finds_the_gap_of_the_elbo(walker):
    page = walker("search.html?q=ELBO+gap")
    found = page.locator("#search-results li a")
    found.first.wait_for()
    page.get_by_text(re.compile("Search finished|found")).first.wait_for()
    assert "1 · The ELBO" in [words.strip() for words in found.all_inner_texts()]


def test_the_dark_is_chosen_by_a_button_and_kept(walker, address):
    page = walker("01_elbo.html", color_scheme="light")
    dark = "document.documentElement.dataset.theme === 'dark'"
    assert not page.evaluate(dark)
    page.get_by_role("button", name="Color mode").locator("visible=true").click()
    page.locator("[data-mode='dark']:visible").click()
    assert page.evaluate(dark)
    page.goto(address + "02_reparameterization.html")
    assert page.evaluate(dark)


@pytest.mark.parametrize("place", KINDS.values(), ids=KINDS)
@pytest.mark.parametrize("window", [PHONE, ENLARGED], ids=["phone", "200 %"])
def test_no_page_is_wider_than_its_window(place, window, walker):
    page = walker(place, **window)
    assert page.evaluate(WIDER) <= 0


def test_keys_alone_lead_to_the_text_and_through_a_folded_cell(walker):
    page = walker("01_elbo.html")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")  # the first thing is a way past the menus
    assert page.url.endswith("#main-content")
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.tagName") == "SUMMARY":
            break
    page.keyboard.press("Enter")
    folded = page.locator("details:has(> summary:focus)")
    assert folded.get_attribute("open") is not None


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("place", KINDS.values(), ids=KINDS)
def test_axe_finds_nothing_serious(place, scheme, walker, require):
    if not AXE.is_file():
        require.missing("axe-core is missing: npm install --prefix build axe-core")
    page = walker(place, color_scheme=scheme)
    page.wait_for_function(SET)
    page.add_script_tag(path=AXE)
    assert page.evaluate(SERIOUS) == []


@pytest.mark.parametrize("kind", KINDS)
def test_pictures_of_it_are_there_to_be_looked_at(kind, walker):
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    for name, window in {"phone": PHONE, "desktop": {}}.items():
        page = walker(KINDS[kind], **window)
        page.screenshot(path=SCREENSHOTS / f"{kind}-{name}.png")
    page.pdf(path=SCREENSHOTS / f"{kind}-print.pdf")
    assert (SCREENSHOTS / f"{kind}-print.pdf").read_bytes().startswith(b"%PDF")
