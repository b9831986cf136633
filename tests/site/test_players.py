"""Players: frames from a live picture, their HTML, and the program that moves them."""

import json
import math

import ipywidgets
import matplotlib.pyplot as plt
import numpy as np
import pytest
from course_files import lessons, notebook_of, read
from nbformat import v4
from PIL import Image
from site_parts import frames, players
from site_parts.links import ROOT

from course_utils.widgets.frame import Explorer, slider

STATIC = ROOT / "tools" / "build" / "site_parts" / "static"
SHOWN = "draw_it()\nexplore(draw, a=slider())"


def draw(a, b, kind):
    """A small picture whose title says all of its arguments."""
    figure = plt.figure(figsize=(2, 1))
    figure.add_subplot(title=f"a = {a:g}, b = {b:g}, {kind}")
    plt.close(figure)
    return figure


@pytest.fixture
def explorer():
    kind = ipywidgets.Dropdown(options=[("one", 1), ("two", 2)], value=2)
    controls = {"a": slider("size a", 0.3, 0, 1, 0.05), "b": slider("b", 1, 0, 4, 1)}
    return Explorer(draw, controls | {"kind": kind})


@pytest.fixture
def drawn(explorer, tmp_path):
    """The folder of that picture's frames, six of them."""
    frames.draw(explorer, tmp_path / "kept", {"a": (0.0, 0.3, 1.0), "b": (1,)})
    return tmp_path / "kept"


def test_every_frame_is_what_the_moved_controls_would_show(drawn):
    content = json.loads((drawn / "player.json").read_text())
    assert content["words"] == [
        f"a = {a}, b = 1, {kind}" for a in ("0", "0.3", "1") for kind in (1, 2)
    ]
    a, kind = content["axes"]  # b stays where it is
    assert a == {
        "label": "size a",
        "kind": "slider",
        "values": ["0", "0.3", "1"],
        "first": 1,
    }
    assert (kind["kind"], kind["values"]) == ("choice", ["one", "two"])
    assert len(list(drawn.glob("*.webp"))) == 6
    with Image.open(drawn / "005.webp") as picture:
        assert picture.size == (200, 100)


def test_what_a_picture_says_is_told():
    figure = plt.figure()
    axes = figure.add_subplot(title="two\nlines")
    axes.set_title(r"$\sigma$  = 1", loc="left")
    axes.text(0, 0, "a label")
    plt.close(figure)
    assert list(frames.words_of(figure)) == ["sigma = 1", "two, lines", "a label"]


def test_the_colour_of_a_single_dot_survives(tmp_path):
    """A dot of fifty pixels among gradients of grey."""
    figure = plt.figure(figsize=(4, 3))
    axes = figure.add_subplot()
    axes.imshow(np.random.default_rng(0).random((28, 28)), cmap="gray")
    axes.plot([3], [3], "o", color="#D55E00", markersize=6)
    plt.close(figure)
    frames.save(figure, tmp_path / "dot.webp")
    with Image.open(tmp_path / "dot.webp") as picture:
        pixels = np.asarray(picture.convert("RGB")).astype(int)
    away = np.abs(pixels - (0xD5, 0x5E, 0x00)).max(axis=-1)
    assert (away < 16).sum() > 20


def test_places_are_even_and_have_both_ends_and_the_first_value(explorer):
    chosen = frames.places(explorer, "a", {})
    values = [value for _, value in chosen]
    assert len(values) == frames.PLACES[2]
    assert (values[0], values[-1]) == (0, 1)
    assert 0.3 in values
    assert all(math.isclose(v * 20, round(v * 20)) for v in values)


def test_the_first_frame_is_the_still(drawn):
    content = json.loads((drawn / "player.json").read_text())
    assert (
        content["words"][players.frame_number(content["axes"])] == "a = 0.3, b = 1, 2"
    )


def lesson(*sources):
    cells = [v4.new_code_cell(source) for source in sources]
    return v4.new_notebook(cells=cells)


def test_frames_are_drawn_anew_when_the_code_before_the_controls_changes():
    one = players.fingerprint(lesson("x = 1", SHOWN, "y = 1"))
    assert one == players.fingerprint(lesson("x = 1", SHOWN, "y = 2"))
    assert one != players.fingerprint(lesson("x = 2", SHOWN, "y = 1"))


def test_a_still_becomes_a_player_once_its_frames_are_there(
    drawn, tmp_path, monkeypatch
):
    monkeypatch.setattr(players, "KEPT", tmp_path)
    notebook = lesson("x = 1", SHOWN)
    notebook.cells.append(v4.new_markdown_cell('*Figure: a "picture".*'))
    output = v4.new_output("display_data", {"image/png": "iVBORw0KGgo="})
    notebook.cells[1].outputs = [output]
    players.put_players(notebook, "small", "_static")
    assert list(output.data) == ["image/png"]
    drawn.rename(players.folder_of(notebook, "small", 0))
    players.put_players(notebook, "small", "_static")
    players.copy_frames(notebook, "small", tmp_path / "static")
    html = output.data["text/html"]
    assert 'alt="a &quot;picture&quot;."' in html
    assert 'src="_static/players/small-0/003.webp" width="200" height="100"' in html
    assert len(list((tmp_path / "static/players/small-0").glob("*.webp"))) == 6


LIVE = """\
import matplotlib.pyplot as plt
from course_utils.widgets.frame import explore, slider

def draw(a):
    figure = plt.figure(figsize=(2, 1))
    figure.add_subplot(title=f"a = {a:g}")
    plt.close(figure)
    return figure

explore(draw, a=slider("a", 0.5, 0, 1, 0.5))"""


def test_a_lesson_is_run_for_its_frames_once(tmp_path, monkeypatch):
    monkeypatch.setattr(players, "KEPT", tmp_path)
    monkeypatch.setenv("COURSE_STATIC", "1")
    (tmp_path / "small-0-of-old-code").mkdir()
    notebook = lesson(LIVE, "raise ValueError('not needed for the frames')")
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3"}
    assert players.draw_missing(notebook, "small")
    folder = players.folder_of(notebook, "small", 0)
    assert list(tmp_path.iterdir()) == [folder]
    content = json.loads((folder / "player.json").read_text())
    assert content["words"] == ["a = 0", "a = 0.5", "a = 1"]
    assert not players.draw_missing(notebook, "small")


def test_the_grids_are_those_of_controls_that_the_lessons_show():
    shown = set()
    for script in lessons():
        notebook = read(notebook_of(script))
        for position in players.with_controls(notebook):
            source = notebook.cells[position].source
            shown.add(players.SHOWS_CONTROLS.search(source)["name"])
    assert set(players.GRIDS) <= shown


def test_the_program_is_short():
    assert len((STATIC / "player.js").read_text().splitlines()) < 150


@pytest.fixture
def page(chromium, drawn, tmp_path):
    """A page with one player, whose size a goes from 0 over 0.3 to 1."""
    html = players.player(drawn, "kept", "a picture")
    program = (STATIC / "player.js").as_uri()
    text = f'<!doctype html><script src="{program}"></script>{html}'
    (tmp_path / "page.html").write_text(text)
    page = chromium.new_page(has_touch=True)
    page.goto((tmp_path / "page.html").as_uri())
    yield page
    page.close()


def seen(page):
    """Which frame is shown, and what is said of it."""
    page.wait_for_function("document.querySelector('.player img').complete")
    assert page.evaluate("document.querySelector('.player img').naturalWidth") == 200
    source = page.locator(".player img").get_attribute("src")
    return source, page.get_by_role("status").inner_text()


def test_keys_move_it(page):
    assert seen(page) == ("kept/003.webp", "a = 0.3, b = 1, 2")
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowRight")
    assert seen(page) == ("kept/005.webp", "a = 1, b = 1, 2")
    handle = page.get_by_role("slider", name="size a")
    assert handle.get_attribute("aria-valuetext") == "1"
    page.keyboard.press("Home")
    assert seen(page) == ("kept/001.webp", "a = 0, b = 1, 2")


def test_a_finger_moves_it(page):
    box = page.get_by_role("slider").bounding_box()
    page.touchscreen.tap(box["x"] + box["width"] - 3, box["y"] + box["height"] / 2)
    assert seen(page) == ("kept/005.webp", "a = 1, b = 1, 2")


def test_a_choice_moves_it(page):
    page.get_by_role("combobox").select_option("one")
    assert seen(page) == ("kept/002.webp", "a = 0.3, b = 1, 1")
