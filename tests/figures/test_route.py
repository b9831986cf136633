"""The map has every lesson once, in its place; the point lies where it is."""

from itertools import combinations

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from course_utils.figures import route

LANES = {
    "Raise a bound": [(1, "ELBO"), (2, "noise,\ngradients")],
    "Win a game": [(5, "the\ngame"), (6, "does it\nsettle?"), (10, "latent\nspace")],
    "Be judged": [(11, "spins:\nphysics"), (12, "chains:\nexact loss")],
}


@pytest.fixture
def drawn():
    return route.course_map(LANES, judges=["Be judged"])


def patches(figure, kind):
    return [p for axes in figure.axes for p in axes.patches if isinstance(p, kind)]


def test_every_lesson_has_a_box_and_every_lane_a_heading(drawn):
    texts = [text.get_text() for text in drawn.axes[0].texts]
    wanted = [f"{number} · {name}" for lane in LANES.values() for number, name in lane]
    assert sorted(texts) == sorted([*LANES, *wanted])
    assert len(patches(drawn, FancyBboxPatch)) == len(wanted)


def test_arrows_lead_along_a_lane_but_not_among_judges(drawn):
    assert len(patches(drawn, FancyArrowPatch)) == 1 + 2


def test_words_stay_in_their_boxes_and_apart(drawn):
    drawn.canvas.draw()
    renderer = drawn.canvas.get_renderer()
    boxes = [p.get_window_extent(renderer) for p in patches(drawn, FancyBboxPatch)]
    texts = [t.get_window_extent(renderer) for t in drawn.axes[0].texts]
    assert not any(a.overlaps(b) for a, b in combinations(texts, 2))
    for text in texts:
        for box in (box for box in boxes if box.overlaps(text)):
            assert box.x0 < text.x0
            assert text.x1 < box.x1
            assert box.y0 < text.y0
            assert text.y1 < box.y1


@pytest.mark.parametrize("stops", [[], [(n, "a") for n in range(7)]])
def test_a_lane_that_does_not_fit_is_refused(stops):
    with pytest.raises(ValueError, match=f"has {len(stops)} lessons"):
        route.course_map({"lane": stops})


def test_a_hidden_point_lies_where_it_is_beside_its_picture():
    before = plt.get_fignums()
    image = np.random.default_rng(0).random((28, 28, 1))
    left, right = route.hidden_point(np.array([0.5, -1.5]), image).axes
    np.testing.assert_array_equal(left.lines[0].get_xydata(), [[0.5, -1.5]])
    assert [patch.radius for patch in left.patches] == [1, 2, 3]
    np.testing.assert_array_equal(right.images[0].get_array(), image.squeeze())
    assert plt.get_fignums() == before
