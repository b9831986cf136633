"""Diffusion as pictures: all that came in is drawn, and can be read."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from figure_words import overlapping_words

from course_utils.figures import diffusion

T, X = np.linspace(0, 1, 21), np.linspace(-4, 4, 41)
DENSITY = np.exp(-0.5 * X[:, None] ** 2 / (0.2 + T))
PATHS = {"η = 0": np.outer(1 - T, [-1, 0, 1, 2]), "η = 1": np.outer(T, [1, 2, 3, -3])}
GAPS = {"best guess": 1 / 2.0 ** np.arange(8), "network": 0.5 + 1 / 2.0 ** np.arange(8)}
LEAST = np.cos(np.pi / 2 * T) ** 2
SLIDE = 1220, 640


@pytest.fixture(scope="module")
def drawn():
    steps = 2 ** np.arange(8)
    return {
        "chain": diffusion.chain_diagram(),
        "density": diffusion.flow_of_a_density(T, X, DENSITY),
        "paths": diffusion.flow_of_a_density(T, X, DENSITY, PATHS),
        "walk there": diffusion.walk_frame(T, X, DENSITY, PATHS["η = 1"], -X, 5, False),
        "walk back": diffusion.walk_frame(T, X, DENSITY, PATHS["η = 0"], -X, 5, True),
        "guesses": diffusion.guesses_at_a_time(X, DENSITY[:, 8], 0.7 * X, -X, 0.8),
        "least": diffusion.loss_over_time(T, LEAST),
        "learnt": diffusion.loss_over_time(T, LEAST, LEAST + 0.02),
        "training": diffusion.training_above_least(25 * T, 0.5 + LEAST, 0.50013),
        "gaps": diffusion.gaps_of_chains(steps, GAPS),
        "distances": diffusion.distances_by_steps(steps, GAPS, 0.004),
        "alike": diffusion.distances_by_steps(
            steps,
            {"a": GAPS["network"], "b": 0.98 * GAPS["network"]},
            0.1,
        ),
        "log densities": diffusion.log_densities(X, {"exact": -(X**2), "flow": -X}),
    }


def test_words_can_be_read(drawn):
    for name, figure in drawn.items():
        assert overlapping_words(figure) == [], name
        inches = figure.get_size_inches()
        pixels = min(wide / inch for wide, inch in zip(SLIDE, inches, strict=True))
        for text in figure.findobj(plt.Text):
            if text.get_visible() and text.get_text().strip():
                assert text.get_fontsize() / 72 * pixels >= 20, (name, text.get_text())


def test_words_stay_on_the_paper(drawn):
    for name, figure in drawn.items():
        figure.canvas.draw()
        whole = figure.bbox
        for text in figure.axes[0].texts:
            box = text.get_window_extent()
            assert whole.x0 <= box.x0 <= box.x1 <= whole.x1, (name, text.get_text())


@pytest.mark.parametrize(
    "walk, key, seen", [("there", "η = 1", T[:6]), ("back", "η = 0", T[5:])]
)
def test_a_walk_is_drawn_so_far_as_it_went(drawn, walk, key, seen):
    left, right = drawn[f"walk {walk}"].axes
    now, *rest = left.lines
    assert set(now.get_xdata()) == {T[5]}
    for i, (line, point) in enumerate(zip(rest[::2], rest[1::2], strict=True)):
        np.testing.assert_array_equal(line.get_xdata(), seen)
        assert point.get_ydata() == [PATHS[key][5, i]]
    np.testing.assert_array_equal(right.lines[0].get_xdata(), DENSITY[:, 5])
    (arrows,) = right.collections
    places = np.asarray(arrows.get_offsets())[:, 1]
    ends = places + np.asarray(arrows.V)
    np.testing.assert_allclose(ends, np.clip(0.5 * places, -4, 4), atol=1e-12)
    assert f"t = {T[5]:.2f}" in right.get_title()


def test_each_set_of_paths_has_its_panel(drawn):
    panels = drawn["paths"].axes
    for axes, (title, lines) in zip(panels, PATHS.items(), strict=True):
        assert axes.get_title() == title
        found = np.array([line.get_ydata() for line in axes.lines])
        np.testing.assert_array_equal(found, lines.T)
    assert not drawn["density"].axes[0].lines


def test_guess_and_score_are_those_that_came_in_and_lines_stand_at_zeros(drawn):
    density, guess, score = drawn["guesses"].axes
    np.testing.assert_array_equal(score.lines[0].get_ydata(), -X)
    dotted, mean = guess.lines[:2]
    np.testing.assert_array_equal(dotted.get_ydata(), X / 0.8)
    np.testing.assert_array_equal(mean.get_ydata(), 0.7 * X)
    for lines in (density.lines, score.lines[2:], guess.lines[2:]):
        (zero,) = lines
        assert abs(zero.get_xdata()[0]) <= X[1] - X[0]


def test_losses_and_gaps_are_the_numbers_that_came_in(drawn):
    network, least = drawn["learnt"].axes[0].lines
    np.testing.assert_array_equal(network.get_ydata(), LEAST + 0.02)
    np.testing.assert_array_equal(least.get_ydata(), LEAST)
    training, line, _ = drawn["training"].axes[0].lines
    np.testing.assert_array_equal(training.get_ydata(), 0.5 + LEAST)
    assert set(line.get_ydata()) == {0.50013}
    *lines, floor = drawn["distances"].axes[0].lines
    assert set(floor.get_ydata()) == {0.004}
    for each in (lines, drawn["gaps"].axes[0].lines):
        for drawn_line, values in zip(each, GAPS.values(), strict=True):
            np.testing.assert_array_equal(drawn_line.get_ydata(), values)
    truth, flow = drawn["log densities"].axes[0].lines
    np.testing.assert_array_equal(truth.get_ydata(), -(X**2))
    assert truth.get_linestyle() == ":"
    np.testing.assert_array_equal(flow.get_ydata(), -X)


def test_a_chain_has_an_arrow_each_way_between_neighbours(drawn):
    arrows = [p for p in drawn["chain"].axes[0].patches if hasattr(p, "get_arrowstyle")]
    colours = [arrow.get_edgecolor() for arrow in arrows]
    assert len(arrows) == 12
    assert sorted(map(colours.count, set(colours))) == [6, 6]
