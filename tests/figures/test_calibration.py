"""Pictures of honesty: what is drawn is what was counted."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from figure_words import overlapping_words
from scipy.stats import norm

from course_utils.figures import calibration

NAMES = ["Pu-239", "Am-241", "Cm-244"]


@pytest.fixture
def energy():
    return np.linspace(4.8, 6.2, 200)


@pytest.fixture
def q(energy):
    far = (energy[:, None] - [5.16, 5.49, 5.80]) ** 2
    weights = np.exp(-far / 0.03)
    return weights / weights.sum(1, keepdims=True)


@pytest.fixture
def counted():
    said = np.array([0.05, 0.3, 0.5, 0.7, 0.95])
    return {"honest": (said, said), "too sure": (said, 0.5 + 0.5 * (said - 0.5))}


def test_every_particle_is_in_the_spectrum(rng):
    energy = rng.normal(5.5, 0.2, 1_000)
    axes = calibration.recorded_energies(energy, 5.3, "who?").axes[0]
    assert sum(bar.get_height() for bar in axes.patches) == 1_000
    assert [line.get_xdata()[0] for line in axes.lines] == [5.3]
    assert [text.get_text() for text in axes.texts] == ["who?"]


def test_answers_are_drawn_with_the_exact_ones_on_them(energy, q, counted):
    figure = calibration.encoder_answers(energy, q, q**2, NAMES, counted)
    left, right = figure.axes
    drawn = [line.get_ydata() for line in left.lines]
    np.testing.assert_array_equal(drawn[::2], q.T)
    np.testing.assert_array_equal(drawn[1::2], q.T**2)
    assert [text.get_text() for text in left.texts] == NAMES
    dots = {line.get_label(): line.get_xydata().T for line in right.lines[1:]}
    for name, pair in counted.items():
        np.testing.assert_array_equal(dots[name], pair)


def test_a_class_is_named_above_its_own_curve(energy, q, counted):
    left = calibration.encoder_answers(energy, q, q, NAMES, counted).axes[0]
    for text, said in zip(left.texts, q.T, strict=True):
        assert said[np.abs(energy - text.get_position()[0]).argmin()] > 0.5


def test_truths_are_counted_and_those_far_out_are_kept(rng):
    deviation = rng.normal(size=(500, 8))
    deviation[0] = 100
    axes = calibration.standardized_truths(deviation).axes[0]
    area = sum(bar.get_height() * bar.get_width() for bar in axes.patches)
    assert area == pytest.approx(1)
    share = (np.abs(deviation) < 1).mean()
    assert [text.get_text() for text in axes.texts] == [
        "q says: 68% within σ",
        f"counted: {share:.0%}",
    ]
    curve = axes.lines[0]
    np.testing.assert_allclose(curve.get_ydata(), norm.pdf(curve.get_xdata()))


def test_no_words_lie_on_others_and_figures_are_closed(energy, q, counted, rng):
    before = plt.get_fignums()
    for figure in (
        calibration.recorded_energies(rng.normal(5.5, 0.2, 1_000), 5.3, "who?"),
        calibration.encoder_answers(energy, q, q, NAMES, counted),
        calibration.standardized_truths(1.5 * rng.normal(size=(500, 8))),
    ):
        assert overlapping_words(figure) == []
    assert plt.get_fignums() == before
