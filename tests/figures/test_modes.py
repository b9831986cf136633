"""Pictures of modes: what is drawn is what was measured, and words do not collide."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from figure_words import overlapping_words

from course_utils.data.mixtures import grid_of_gaussians, ring_of_gaussians
from course_utils.figures import modes

GRID = grid_of_gaussians()
PERFECT = [(25, 0), (0.989, 0.002), (0.0049, 0.0014), (1.0, 0.01)]


def rings(axes):
    return {
        tuple(np.round(patch.center, 6)): patch.get_linewidth()
        for patch in axes.patches
        if isinstance(patch, plt.Circle)
    }


@pytest.mark.parametrize("count, shape", [(1, (1, 1)), (2, (1, 2)), (5, (2, 3))])
def test_panels_show_all_samples_over_all_modes(count, shape, rng):
    ring = ring_of_gaussians()
    panels = {f"seed {k}": rng.normal(size=(30 + k, 2)) for k in range(count)}
    figure = modes.modes_and_samples(panels, ring.modes)
    assert len(figure.axes) == shape[0] * shape[1]
    shown = [axes for axes in figure.axes if axes.get_visible()]
    assert [axes.get_title() for axes in shown] == list(panels)
    for axes, x in zip(shown, panels.values(), strict=True):
        np.testing.assert_array_equal(axes.lines[0].get_xydata(), x)
        assert len(rings(axes)) == len(ring.modes)
        assert axes.get_xlim()[1] > np.abs(ring.modes).max()
    assert overlapping_words(figure) == []


def test_a_mode_without_samples_has_a_thick_ring():
    x = GRID.sample(1_000, 0)
    x = x[np.linalg.norm(x - GRID.modes[7], axis=1) > 1]
    axes = modes.modes_and_samples({"all but one": x}, GRID.modes).axes[0]
    widths = rings(axes)
    thick = [place for place, width in widths.items() if width > 3]
    assert thick == [tuple(GRID.modes[7])]
    plain = modes.modes_and_samples({"": x}, GRID.modes, missed=False).axes[0]
    assert len(set(rings(plain).values())) == 1


def test_one_mode_is_drawn_in_units_of_its_width():
    x = GRID.modes[3] + GRID.sigma * np.array([[1.0, 2.0], [-3.0, 0.0]])
    figure = modes.one_mode({"a": x, "b": x[:1]}, GRID.modes[3], GRID.sigma)
    left, right = figure.axes
    np.testing.assert_allclose(left.lines[0].get_xydata(), [[1, 2], [-3, 0]])
    assert len(right.lines[0].get_xydata()) == 1
    assert left.patches[0].get_radius() == 3
    assert overlapping_words(figure) == []


def test_each_number_has_its_axis_each_sampler_its_row_and_runs_a_mean():
    several = np.array([[14, 0.9, 0.8, 0.5], [16, 0.8, 1.0, 0.7]])
    rows = {"plain": several, "the grid itself": np.array([25, 0.989, 0.005, 1.0])}
    figure = modes.four_numbers(rows, PERFECT)
    for column, axes in enumerate(figure.axes):
        dots = [line.get_xydata() for line in axes.lines if len(line.get_marker()) == 1]
        drawn = np.concatenate([d for d in dots if len(set(d[:, 1])) == 1])
        first = drawn[drawn[:, 1] == 0, 0]
        np.testing.assert_allclose(first, several[:, column])
        bars = [line for line in axes.lines if line.get_linestyle() == "-"]
        (bar,) = bars  # of the row with several runs
        assert bar.get_xdata()[0] == pytest.approx(several[:, column].mean())
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == list(
        rows
    )
    assert overlapping_words(figure) == []


def test_what_lies_beyond_an_axis_is_a_triangle_at_its_end():
    row = np.array([30, 0.1, np.inf, np.nan])
    figure = modes.four_numbers({"wild": row}, PERFECT)
    marks = [axes.lines[0].get_marker() for axes in figure.axes]
    assert marks[:3] == [">", "<", ">"]
    for axes in figure.axes:
        low, high = axes.get_xlim()
        assert low <= axes.lines[0].get_xdata()[0] <= high


def test_curves_carry_their_names():
    curves = {"penalty": np.geomspace(1, 1e-2, 50), "steps": np.geomspace(1, 1e-4, 50)}
    figure = modes.falling_curves(curves, "value")
    (axes,) = figure.axes
    for line, values in zip(axes.lines, curves.values(), strict=True):
        np.testing.assert_array_equal(line.get_ydata(), values)
    assert [text.get_text() for text in axes.texts] == list(curves)
    assert overlapping_words(figure) == []


def test_names_of_curves_that_end_close_together_stay_apart():
    ends = {"penalty": 2e-4, "steps, D": 3e-4, "steps, G": 3e-5}
    curves = {name: np.geomspace(2e-2, end, 50) for name, end in ends.items()}
    figure = modes.falling_curves(curves, "value")
    assert overlapping_words(figure) == []
    (axes,) = figure.axes
    heights = sorted(np.log(text.get_position()[1]) for text in axes.texts)
    assert (np.diff(heights) > 0.6).all()


def test_latents_have_the_colour_of_their_mode_and_lost_ones_their_own(rng):
    z = rng.normal(size=(400, 2))
    x = GRID.sample(400, 0)
    x[:10] = 1.0  # between four modes
    figure = modes.where_latents_go(z, x, GRID.modes, GRID.sigma)
    for axes, points in zip(figure.axes, (z, x), strict=True):
        drawn = np.concatenate([line.get_xydata() for line in axes.lines])
        assert len(drawn) == 400
        lost = axes.lines[-1].get_xydata()
        outside = np.linalg.norm(x[:, None] - GRID.modes, axis=2).min(1) > 0.15
        np.testing.assert_array_equal(lost, points[outside])
        shades = {line.get_color() for line in axes.lines[:-1]}
        assert len(shades) == 4
    assert overlapping_words(figure) == []


def test_losses_of_a_pair_meet_at_ln_2():
    figure = modes.losses_of_a_pair()
    (axes,) = figure.axes
    discriminator, generator = (line.get_xydata() for line in axes.lines[:2])
    np.testing.assert_allclose(discriminator[:, 1], generator[::-1, 1])
    np.testing.assert_allclose(discriminator[80], [0, np.log(2)])
    assert (np.diff(discriminator[:, 1]) < 0).all()
    assert overlapping_words(figure) == []


def test_figures_are_closed():
    before = plt.get_fignums()
    modes.modes_and_samples({"a": np.zeros((1, 2))}, np.ones((1, 2)))
    modes.four_numbers({"a": np.array([25, 0.99, 0.01, 1])}, PERFECT)
    assert plt.get_fignums() == before
