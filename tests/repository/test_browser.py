"""Lessons with controls as their users see them: in JupyterLab, in a browser.

They run as far as their last control; nbval runs all of every lesson.
"""

import json
import re
import urllib.request
from pathlib import Path

import nbformat
import pytest
from course_files import lessons

ROOT = Path(__file__).parents[2]
# How many live pictures with controls each has.
EXPLORERS = {
    "00_start_here": 1,
    "01_elbo": 1,
    "02_reparameterization": 1,
    "04_vae_keras": 1,
    "05_gan_game": 1,
    "06_game_settles": 1,
    "10_latent_space": 1,
    "11_ising": 1,
    "12_diffusion": 1,
}
SHOWS_CONTROLS = re.compile(r"^(?:explore|\w+_explorer|game_player|digit_walk)\(", re.M)
SCREENSHOTS = ROOT / "build" / "screenshots"
LESSON_MS = 300_000  # a lesson in smoke budget, on a busy machine
ANSWER_MS = 15_000  # a control, through a kernel on a busy machine
ALL_RUN = """() => {
    const unfolded = '.jp-CodeCell .jp-InputPrompt:not(.jp-Placeholder-prompt)';
    const prompts = [...document.querySelectorAll(unfolded)];
    return prompts.length && prompts.every(p => /\\[\\d+\\]/.test(p.textContent));
}"""


@pytest.fixture(scope="module")
def lab(tmp_path_factory, serve_lab):
    """The address of JupyterLab, serving a copy of the lessons in smoke budget."""
    folder = tmp_path_factory.mktemp("course")
    (folder / "notebooks").mkdir()
    for name in EXPLORERS:
        (folder / "notebooks" / f"{name}.ipynb").write_text(to_be_run(name))
    settings = folder / "settings" / "@jupyterlab" / "notebook-extension"
    settings.mkdir(parents=True)
    # all cells are in the page, also those far from what is seen
    (settings / "tracker.jupyterlab-settings").write_text('{"windowingMode": "none"}')
    with serve_lab(
        folder,
        COURSE_BUDGET="smoke",
        COURSE_OFFLINE="1",
        JUPYTERLAB_SETTINGS_DIR=str(folder / "settings"),
        JUPYTERLAB_WORKSPACES_DIR=str(folder / "workspaces"),
    ) as address:
        yield address


def to_be_run(name):
    """A lesson as JSON, not run yet, up to its last control."""
    notebook = nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", as_version=4)
    last = max(
        i for i, c in enumerate(notebook.cells) if SHOWS_CONTROLS.search(c.source)
    )
    notebook.cells = notebook.cells[: last + 1]
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return nbformat.writes(notebook)


@pytest.fixture
def lesson(lab, chromium):
    """Opens a lesson in a page of its own and runs all its cells."""
    pages = []

    def run(name):
        page = chromium.new_page(viewport={"width": 1400, "height": 1000})
        pages.append(page)
        page.goto(f"{lab}lab/tree/notebooks/{name}.ipynb?reset")
        page.get_by_text("Python 3 (ipykernel)").first.wait_for(timeout=120_000)
        page.locator("[data-status='idle']").first.wait_for(timeout=120_000)
        page.get_by_role("menuitem", name="Run", exact=True).click()
        page.get_by_text("Run All Cells", exact=True).click()
        page.wait_for_function(ALL_RUN, timeout=LESSON_MS)
        return page

    yield run
    for page in pages:
        page.close()
    _shut_down_kernels(lab)


def _shut_down_kernels(lab):
    with urllib.request.urlopen(f"{lab}api/sessions") as answer:
        sessions = json.load(answer)
    for session in sessions:
        request = urllib.request.Request(
            f"{lab}api/sessions/{session['id']}", method="DELETE"
        )
        urllib.request.urlopen(request).close()


def explorers(page):
    """The boxes that hold controls and a picture."""
    boxes = page.locator(".widget-vbox:has(img)")
    return [boxes.nth(i) for i in range(boxes.count())]


def drag(page, box, handle):
    """Move a slider's handle by the mouse; what the picture and the number become."""
    picture, readout = (
        box.locator("img").first,
        handle.locator("xpath=ancestor::*[contains(@class, 'widget-hslider')]").locator(
            ".widget-readout"
        ),
    )
    before = picture.get_attribute("src"), readout.inner_text()
    handle.scroll_into_view_if_needed()
    place = handle.bounding_box()
    x, y = place["x"] + place["width"] / 2, place["y"] + place["height"] / 2
    track = handle.locator("xpath=ancestor::*[contains(@class, 'noUi-base')]")
    left = track.bounding_box()["x"]
    right = left + track.bounding_box()["width"]
    goal = right - 5 if x < (left + right) / 2 else left + 5
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(goal, y, steps=5)
    page.mouse.up()
    page.wait_for_function(
        "([image, src]) => image.src !== src",
        arg=[picture.element_handle(), before[0]],
        timeout=ANSWER_MS,
    )
    return before, (picture.get_attribute("src"), readout.inner_text())


def test_lessons_with_controls_are_known():
    shown = {s.stem: len(SHOWS_CONTROLS.findall(s.read_text())) for s in lessons()}
    assert {name: count for name, count in shown.items() if count} == EXPLORERS


@pytest.mark.parametrize("name", EXPLORERS)
def test_a_lesson_runs_and_its_controls_move_its_pictures(name, lesson):
    page = lesson(name)
    errors = page.locator("[data-mime-type='application/vnd.jupyter.error']")
    assert errors.count() == 0, errors.first.inner_text()
    boxes = explorers(page)
    assert len(boxes) == EXPLORERS[name]
    for box in boxes:
        handles = box.locator(".noUi-handle")
        assert handles.count() > 0
        for i in range(handles.count()):
            before, after = drag(page, box, handles.nth(i))
            assert before[0] != after[0], "the picture has stayed"
            assert before[1] != after[1], "the number has stayed"
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    boxes[0].scroll_into_view_if_needed()
    page.locator("[data-status='idle']").first.wait_for(timeout=ANSWER_MS)
    page.screenshot(path=SCREENSHOTS / f"{name}.png")
    assert not re.search(r"\bNaN\b", page.locator("body").inner_text())
