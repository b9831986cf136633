"""The slider along a diffusion's path without a browser."""

import numpy as np
import pytest

from course_utils.exact.diffusion import Mixture1D
from course_utils.widgets.diffusion import diffusion_explorer

MIXTURE = Mixture1D(weights=[0.3, 0.7], means=[-2, 1.5], sigmas=[0.4, 0.6])
T = np.linspace(0, 1, 21)
A, B = np.cos(np.pi / 2 * T), np.sin(np.pi / 2 * T)


@pytest.fixture
def walks():
    noise = np.random.default_rng(1).standard_normal(400)
    there = np.outer(A, MIXTURE.sample(400, seed=0)) + np.outer(B, noise)
    return {"there": there}, {"back": np.outer(T, noise)}


@pytest.fixture
def box(walks):
    return diffusion_explorer(MIXTURE, *walks)


@pytest.mark.parametrize("name, value", [("walk", "back"), ("at", 0.2)])
def test_each_control_changes_the_picture_and_back(box, name, value):
    control = box.controls[name]
    first, before = control.value, bytes(box.picture.value)
    assert before.startswith(b"\x89PNG")
    control.value = value
    assert bytes(box.picture.value) != before
    control.value = first
    assert bytes(box.picture.value) == before


@pytest.mark.parametrize("at, now", [(0.0, 0), (0.5, 10), (0.95, 19), (1.0, 20)])
def test_points_density_and_score_are_those_of_the_time(box, walks, at, now):
    left, right = box.draw("there", at).axes
    shown = [line.get_ydata()[-1] for line in left.lines[1::2]]
    np.testing.assert_array_equal(shown, walks[0]["there"][now, :6])
    density, places = right.lines[0].get_data()
    np.testing.assert_allclose(density, np.exp(MIXTURE.log_prob(places, T[now])))
    (arrows,) = right.collections
    feet = np.asarray(arrows.get_offsets())[:, 1]
    inside = np.abs(feet) < 2.5
    score = MIXTURE.score(feet, T[now])
    np.testing.assert_allclose(np.asarray(arrows.V)[inside], 0.5 * score[inside])


def test_walks_of_other_lengths_are_refused(walks):
    with pytest.raises(ValueError, match=r"\[20, 21\] times"):
        diffusion_explorer(MIXTURE, walks[0], {"back": walks[1]["back"][1:]})


def test_a_redraw_is_quick(box, redraw_in_plain_pictures):
    assert redraw_in_plain_pictures(box.controls["at"], (0.1, 0.7, 0.4, 0.9)) < 2.5
