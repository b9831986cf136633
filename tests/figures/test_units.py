import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from course_utils.figures import published, units


@pytest.fixture
def activity(rng):
    """Of four units, the second is dead."""
    values = rng.random((60, 4))
    values[:, 1] = 0
    return values, np.arange(60) % 3


def test_a_field_is_a_mean_beside_the_unit_s_largest(activity):
    values, labels = activity
    axes = units.unit_activity(values, labels).axes[0]
    shown = (1 - axes.images[0].get_array()) / 0.85
    means = np.array([values[labels == k].mean(axis=0) for k in range(3)])
    np.testing.assert_allclose(shown[:, 0], means[:, 0] / means[:, 0].max())
    np.testing.assert_array_equal(shown[:, 1], 0)


def test_dead_units_alone_are_crossed_out(activity):
    axes = units.unit_activity(*activity).axes[0]
    crosses = [line.get_xdata().mean() for line in axes.lines]
    assert crosses == [1, 1]
    assert {line.get_linestyle() for line in axes.lines} == {"-"}


def test_what_is_no_output_of_a_relu_is_refused(activity):
    values, labels = activity
    with pytest.raises(ValueError, match="nothing of it is below zero"):
        units.unit_activity(values - 0.5, labels)


def test_each_run_is_a_line_and_names_do_not_touch():
    runs = {"one": [{0: 16, 5: 8}, {0: 16, 5: 7}], "two": [{0: 16, 5: 8}]}
    figure = units.living_units(runs, 16)
    (axes,) = figure.axes
    lines = [line.get_xydata().tolist() for line in axes.lines]
    assert lines == [[[0, 16], [5, 8]], [[0, 16], [5, 7]], [[0, 16], [5, 8]]]
    FigureCanvasAgg(figure).draw()
    low, high = sorted(
        (text.get_window_extent() for text in axes.texts), key=lambda box: box.y0
    )
    assert low.y1 <= high.y0


def test_a_band_holds_two_standard_deviations():
    mean, spread = np.array([0.0, -1.0, -2.0]), np.array([0.1, 0.2, 0.3])
    axes = units.drift_of_units({"lowest": (mean, spread)}).axes[0]
    corners = axes.collections[0].get_paths()[0].vertices
    assert corners[:, 1].min() == pytest.approx(-2.6)
    assert corners[:, 1].max() == pytest.approx(0.2)
    np.testing.assert_array_equal(axes.lines[0].get_ydata(), mean)


def test_the_parts_of_a_bar_add_up():
    figure = units.parts_of_a_sum({"a": 1.0, "b": 0.5, "c": 2.5}, "nats", "four")
    (axes,) = figure.axes
    edges = [(bar.get_x(), bar.get_x() + bar.get_width()) for bar in axes.patches]
    assert edges == [(0, 1), (1, 1.5), (1.5, 4)]
    words = [text.get_text() for text in axes.texts]
    assert words == ["a\n1.0 nats", "b\n0.5 nats", "c\n2.5 nats"]
    with pytest.raises(ValueError, match="below zero"):
        units.parts_of_a_sum({"a": 1.0, "b": -0.5}, "nats")


PUBLISHED = {"1": 200.0, "30": 147.0}


def test_every_run_is_a_dot_above_the_published_one():
    runs = {"ours": {"0": {"1": 203.0, "30": 150.0}, "1": {"1": 202.0, "30": 149.0}}}
    axes = published.published_and_ours(PUBLISHED, runs).axes[0]
    zero, *dots = (line.get_ydata() for line in axes.lines)
    np.testing.assert_array_equal(zero, 0)
    np.testing.assert_array_equal(dots, [[3, 3], [2, 2]])
    assert [text.get_text() for text in axes.get_legend().texts] == ["ours"]


def test_a_run_without_an_epoch_is_refused():
    with pytest.raises(ValueError, match="ours, seed 0, lacks epoch 30"):
        published.published_and_ours(PUBLISHED, {"ours": {"0": {"1": 203.0}}})


def test_figures_are_closed(activity):
    units.unit_activity(*activity)
    published.published_and_ours(PUBLISHED, {})
    assert plt.get_fignums() == []
