"""Bounds of chains as pictures: all that came in is drawn, and can be read."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from figure_words import overlapping_words

from course_utils.figures import chains

LOG_SNR = np.linspace(-8, 10, 19)
NORMAL = 1 / (1 + np.exp(-LOG_SNR))
TRAININGS = {
    "even": np.array([[0.03, 0.02], [0.05, 0.03]]),
    "late": np.array([[0.04, 0.15], [0.03, 0.12]]),
    "later": np.array([[0.1, 0.3], [0.12, 0.26]]),
}
SLIDE = 1220, 640


@pytest.fixture(scope="module")
def drawn():
    return {
        "errors": chains.error_over_log_snr(LOG_SNR, 0.9 * NORMAL, NORMAL),
        "trainings": chains.gaps_and_distances(TRAININGS),
    }


def test_words_can_be_read_and_stay_on_the_paper(drawn):
    for name, figure in drawn.items():
        assert overlapping_words(figure) == [], name
        figure.canvas.draw()
        inches, whole = figure.get_size_inches(), figure.bbox
        pixels = min(wide / inch for wide, inch in zip(SLIDE, inches, strict=True))
        for text in figure.findobj(plt.Text):
            if text.get_visible() and text.get_text().strip():
                assert text.get_fontsize() / 72 * pixels >= 20, (name, text.get_text())
        for text in figure.axes[0].texts:
            box = text.get_window_extent()
            assert whole.x0 <= box.x0 <= box.x1 <= whole.x1, (name, text.get_text())


def test_the_errors_are_those_that_came_in(drawn):
    normal, error = drawn["errors"].axes[0].lines
    np.testing.assert_allclose(normal.get_ydata(), NORMAL)
    np.testing.assert_allclose(error.get_ydata(), 0.9 * NORMAL)


def test_each_training_is_a_point_with_its_name_beside_it(drawn):
    axes = drawn["trainings"].axes[0]
    for line, (name, pairs) in zip(axes.lines, TRAININGS.items(), strict=True):
        np.testing.assert_allclose(line.get_xydata(), pairs)
        label = next(text for text in axes.texts if text.get_text() == name)
        assert label.get_color() == line.get_color()
        assert label.get_position()[1] in pairs[:, 1]
        assert pairs.min() >= 0
        assert (pairs.max(0) <= [axes.get_xlim()[1], axes.get_ylim()[1]]).all()
