"""A small game as pictures: every number that came in is drawn, and can be read."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from figure_words import overlapping_words

from course_utils.figures import watched_game

X = np.linspace(-4, 4, 81)
DATA = np.exp(-((np.abs(X) - 2) ** 2) * 2) / 2.5
FAKE = np.stack([np.exp(-((X - m) ** 2)) for m in (0, 1, 2)])
D = DATA / (DATA + FAKE)
STEPS = np.arange(0, 2_001, 100)
DISTANCE = 1 / (1 + STEPS / 100) + 0.2
LOSSES = {"discriminator": np.full(21, 1.38), "generator": np.full(21, 0.7)}
SLIDE = 1220, 640


@pytest.fixture
def runs(rng):
    names = ("plain", "R1", "falling steps", "both")
    return {name: 0.3 + 0.05 * rng.normal(size=20) for name in names}


@pytest.fixture
def paths(rng):
    return {"plain": rng.uniform(size=(2, 40)), "R1": rng.uniform(size=(2, 40))}


@pytest.fixture
def drawn(runs, paths):
    return {
        "moments": watched_game.moments(list("abc"), X, D, DATA, FAKE),
        "losses": watched_game.losses_and_distance(STEPS, LOSSES, DISTANCE, 0.07),
        "runs": watched_game.runs_of_recipes(runs, 0.03, 0.07),
        "plane": watched_game.place_and_tilt(paths),
    }


def test_words_can_be_read(drawn):
    for name, figure in drawn.items():
        assert overlapping_words(figure) == [], name
        inches = figure.get_size_inches()
        pixels = min(wide / inch for wide, inch in zip(SLIDE, inches, strict=True))
        for text in figure.findobj(plt.Text):
            if text.get_visible() and text.get_text().strip():
                assert text.get_fontsize() / 72 * pixels >= 20, text.get_text()


def test_each_moment_has_its_curves(drawn):
    figure = drawn["moments"]
    for column in range(3):
        above, below = figure.axes[column], figure.axes[3 + column]
        np.testing.assert_array_equal(above.lines[1].get_ydata(), D[column])
        np.testing.assert_array_equal(below.lines[0].get_ydata(), FAKE[column])


def test_losses_stand_above_the_distance(drawn):
    above, below = drawn["losses"].axes
    for line, values in zip(above.lines, LOSSES.values(), strict=False):
        np.testing.assert_array_equal(line.get_ydata(), values)
    np.testing.assert_array_equal(below.lines[0].get_ydata(), DISTANCE)
    assert {t.get_text() for t in above.texts} == {*LOSSES, "ln 4", "ln 2"}


def test_each_run_is_a_dot_and_each_recipe_has_a_mean(drawn, runs):
    (axes,) = drawn["runs"].axes
    dots = [line.get_xdata() for line in axes.lines if line.get_marker() == "o"]
    means = [
        float(line.get_xdata()[0]) for line in axes.lines if line.get_marker() == "D"
    ]
    for found, mean, values in zip(dots, means, runs.values(), strict=True):
        np.testing.assert_array_equal(found, values)
        assert mean == pytest.approx(values.mean())


def test_networks_move_from_the_square_to_the_disc(drawn, paths):
    for axes, (place, tilt) in zip(drawn["plane"].axes, paths.values(), strict=True):
        *pieces, first, last = axes.lines
        path = np.transpose([place, tilt])
        ends = np.array([line.get_xydata() for line in pieces])
        np.testing.assert_array_equal(ends, np.stack([path[:-1], path[1:]], axis=1))
        np.testing.assert_array_equal(first.get_xydata(), path[:1])
        np.testing.assert_array_equal(last.get_xydata(), path[-1:])
        assert (np.diff([line.get_alpha() for line in pieces]) > 0).all()


def test_figures_are_closed(drawn):
    assert plt.get_fignums() == []
