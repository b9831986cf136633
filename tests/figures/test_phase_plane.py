"""Two players in a plane: what is drawn is what was computed, and can be read."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from figure_words import overlapping_words
from matplotlib.patches import FancyArrowPatch, Polygon
from matplotlib.quiver import Quiver

from course_utils.exact.games import dirac_gan_path, dirac_gan_step
from course_utils.figures import phase_plane

SLIDE = 1220, 640  # a picture on a slide of 1280 by 720 is as wide and as high
HEAP, TARGET = np.array([5.0, 9.0, 7.0]), np.array([1.0, 0.0, 4.0])


def at_once(theta, psi, h):
    return dirac_gan_step("simultaneous", theta, psi, h)


def in_turns(theta, psi, h):
    return dirac_gan_step("alternating", theta, psi, h)


PATHS = {
    "both at once": (at_once, dirac_gan_path("simultaneous", (1, 1), 0.4, 30)),
    "in turns": (in_turns, dirac_gan_path("alternating", (1, 1), 0.4, 30)),
}
SQUARE = np.array([(0.7, 0.7), (1.3, 0.7), (1.3, 1.3), (0.7, 1.3)])
TURN = np.array([[0.0, 1.5], [-1.5, 0.0]])  # clockwise, and areas times 2.25
SQUARES = {"grows": [SQUARE, SQUARE @ TURN.T], "stays": [SQUARE, -SQUARE]}
GAMMAS = np.linspace(0, 2.5, 51)
MODULI = {
    "both at once": np.abs(GAMMAS - 1) / 5 + 0.8,
    "in turns": np.abs(GAMMAS - 0.9) / 5 + 0.8,
}
DRAWN = {
    "lap": phase_plane.lap_of_the_game,
    "step": phase_plane.right_angled_step,
    "one path": lambda: phase_plane.paths_side_by_side(
        {"in turns": PATHS["in turns"]}, 4
    ),
    "two paths": lambda: phase_plane.paths_side_by_side(PATHS, 4),
    "three paths": lambda: phase_plane.paths_side_by_side(
        PATHS | {"again": PATHS["in turns"]}, 2.5
    ),
    "squares": lambda: phase_plane.moved_squares(SQUARES, 3.4),
    "moduli": lambda: phase_plane.moduli_of_friction(GAMMAS, MODULI),
    "earth": lambda: phase_plane.moved_earth(HEAP, TARGET),
}


@pytest.fixture(params=DRAWN)
def figure(request):
    return DRAWN[request.param]()


def line(axes, marker):
    (found,) = [one for one in axes.lines if one.get_marker() == marker]
    return np.stack(found.get_data(), axis=1)


def arrows(axes):
    return [patch for patch in axes.patches if isinstance(patch, FancyArrowPatch)]


def test_no_words_lie_on_others(figure):
    assert overlapping_words(figure) == []


def test_letters_can_be_read_in_a_hall(figure):
    inches = figure.get_size_inches()
    pixels = min(wide / inch for wide, inch in zip(SLIDE, inches, strict=True))
    for text in figure.findobj(plt.Text):
        if text.get_visible() and text.get_text().strip():
            assert text.get_fontsize() / 72 * pixels >= 20, text.get_text()


@pytest.mark.parametrize("name", ["lap", "step"])
def test_no_word_of_a_sketch_leaves_it_or_is_crossed_by_a_line(name):
    figure = DRAWN[name]()
    figure.canvas.draw()
    (paper,) = figure.axes
    boxes = [text.get_window_extent() for text in paper.texts]
    assert all(
        figure.bbox.contains(*corner) for box in boxes for corner in box.corners()
    )
    for shape in [*paper.lines, *paper.patches]:
        path, place = shape.get_path(), shape.get_transform()
        for corners in path.to_polygons(place, closed_only=False):
            way = plt.matplotlib.path.Path(corners)
            assert not any(way.intersects_bbox(box, filled=False) for box in boxes)


def test_a_lap_has_a_pendulum_and_a_game_at_each_quarter():
    (paper,) = phase_plane.lap_of_the_game().axes
    words = " ".join(text.get_text() for text in paper.texts)
    assert words.count("too far") == words.count("the right place") == 2
    # between neighbours above and below; and two that swing have a speed
    assert len(arrows(paper)) == 6 + 2


@pytest.mark.parametrize("h_u", [0.3, 0.5])
def test_the_new_radius_is_the_hypotenuse(h_u):
    (paper,) = phase_plane.right_angled_step(h_u).axes
    middle, before, after = (line(paper, marker)[0] for marker in ("+", "s", "o"))
    old, new = np.hypot(*(before - middle)), np.hypot(*(after - middle))
    assert new / old == pytest.approx(np.hypot(1, h_u))
    assert (after - before) @ (before - middle) == pytest.approx(0, abs=1e-12)


def test_paths_are_drawn_over_the_arrows_of_their_own_step():
    figure = phase_plane.paths_side_by_side(PATHS, 4)
    for axes, (title, (step, path)) in zip(figure.axes, PATHS.items(), strict=True):
        assert axes.get_title() == title
        np.testing.assert_array_equal(line(axes, "."), path)
        np.testing.assert_array_equal(line(axes, "o"), path[-1:])
        (quiver,) = [c for c in axes.collections if isinstance(c, Quiver)]
        theta, psi = quiver.get_offsets().T
        after = step(theta, psi, 1e-6)
        pull = np.array([after[0] - theta, after[1] - psi])
        length = np.hypot(*pull)
        length[length == 0] = 1
        np.testing.assert_allclose([quiver.U, quiver.V], pull / length, atol=1e-8)


def test_squares_carry_how_much_their_area_grew():
    figure = phase_plane.moved_squares(SQUARES, 3.4)
    grows, stays = ([t.get_text() for t in axes.texts] for axes in figure.axes)
    assert grows == ["× 1.0", "× 2.2"]
    assert stays == ["× 1.0", "× 1.0"]
    shapes = [p for p in figure.axes[0].patches if isinstance(p, Polygon)]
    np.testing.assert_array_equal(shapes[1].get_xy()[:4], SQUARES["grows"][1])


def test_the_lowest_modulus_of_each_curve_is_marked():
    (axes,) = phase_plane.moduli_of_friction(GAMMAS, MODULI).axes
    marked = [one.get_xydata() for one in axes.lines if len(one.get_xdata()) == 1]
    for place, values in zip(marked, MODULI.values(), strict=True):
        np.testing.assert_allclose(place, [[GAMMAS[values.argmin()], values.min()]])


def test_earth_goes_from_the_first_to_the_first():
    (axes,) = phase_plane.moved_earth(HEAP, TARGET).axes
    axes.figure.canvas.draw()
    assert axes.get_title(loc="left") == "mean way: 5.33 metres"
    ways = sorted(arrow._posA_posB for arrow in arrows(axes))
    assert [(a[0], b[0]) for a, b in ways] == [(5, 0), (7, 1), (9, 4)]


def test_figures_are_closed():
    before = plt.get_fignums()
    for draw in DRAWN.values():
        draw()
    assert plt.get_fignums() == before
