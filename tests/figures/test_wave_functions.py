"""Pictures of wave functions show what they are given, and can be read."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from figure_words import overlapping_words

from course_utils.figures import wave_functions
from course_utils.records.history import History

EXACT = -25.49


@pytest.fixture
def runs():
    falling = np.exp(-np.arange(30) / 3)
    ends = {
        "mean field": (-25.0, 1.25),
        "Jastrow": (-25.45, 0.2),
        "network": (EXACT, 0.01),
    }
    return {
        name: History(
            {
                "energy": list(energy + 3 * falling),
                "variance": list(variance + 8 * falling),
            }
        )
        for name, (energy, variance) in ends.items()
    }


@pytest.fixture
def samples(rng):
    return {
        name: EXACT + width * rng.normal(size=1_000)
        for name, width in {"mean field": 1.1, "Jastrow": 0.4, "network": 0.1}.items()
    }


@pytest.fixture
def points():
    return {
        "Jastrow": (np.array([0.19, 0.2]), np.array([0.037, 0.038])),
        "network": (np.array([0.008, 0.01]), np.array([0.001, 0.0012])),
    }


def test_each_run_is_drawn_against_its_steps(runs):
    left, right = wave_functions.energies_and_variances(runs, EXACT).axes
    for axes, key, zero in ((left, "energy", EXACT), (right, "variance", 0)):
        for line, run in zip(axes.lines, runs.values(), strict=False):
            np.testing.assert_array_equal(line.get_ydata(), np.array(run[key]) - zero)
            assert line.get_xdata()[[0, -1]].tolist() == [10, 300]
        assert [text.get_text() for text in axes.texts] == list(runs)
    assert left.lines[-1].get_ydata()[0] == 0


def test_all_samples_are_in_the_bars_also_those_far_out(samples):
    samples["network"][0] = EXACT - 100
    figure = wave_functions.local_energy_histograms(samples, EXACT)
    for axes in figure.axes:
        assert sum(bar.get_height() for bar in axes.patches) == pytest.approx(1)
        assert axes.lines[0].get_xdata()[0] == EXACT
        middles = [bar.get_x() + bar.get_width() / 2 for bar in axes.patches]
        assert min(np.abs(np.subtract(middles, EXACT))) < 1e-9


def test_the_bound_solves_its_own_equation(points):
    gap = 0.63
    (axes,) = wave_functions.excess_against_variance(points, gap).axes
    *dots, line = axes.lines
    for dot, (variance, excess) in zip(dots, points.values(), strict=True):
        np.testing.assert_array_equal(dot.get_xydata().T, [variance, excess])
    variance, bound = line.get_xydata().T
    np.testing.assert_allclose(bound * (gap - bound), variance)
    assert bound.min() < gap / 100
    assert bound.max() > 0.99 * gap
    # a state on the next level is on the line, and none lies between the two levels
    (shaded,) = axes.collections
    places = [[0.05, 0.1], [0.056, 0.1], [0.02, 0.62]]  # the line is at 0.053
    inside = shaded.get_paths()[0].contains_points(places)
    assert inside.tolist() == [True, False, False]


def test_correlations_are_drawn_at_their_distances():
    exact, found = [0.8, 0.6, 0.5], {"network": [0.79, 0.61, 0.5]}
    (axes,) = wave_functions.correlations(found, exact).axes
    known, dots = axes.lines
    np.testing.assert_array_equal(known.get_xydata(), np.array([[1, 2, 3], exact]).T)
    np.testing.assert_array_equal(dots.get_ydata(), found["network"])


def test_no_words_lie_on_others_and_figures_are_closed(runs, samples, points):
    before = plt.get_fignums()
    exact = np.linspace(0.65, 0.4, 10)
    for figure in (
        wave_functions.energies_and_variances(runs, EXACT),
        wave_functions.local_energy_histograms(samples, EXACT),
        wave_functions.excess_against_variance(points, 0.63),
        wave_functions.correlations({"network": exact, "Jastrow": exact - 0.1}, exact),
    ):
        assert overlapping_words(figure) == []
    assert plt.get_fignums() == before
