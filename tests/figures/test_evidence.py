"""Pictures of bounds: what is drawn is what was handed in, and no text lies on text."""

from itertools import combinations

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from course_utils.figures import evidence

NAMES = ["Pu-239", "Am-241", "Cm-244"]


def bells(x):
    return np.exp(-0.5 * ((x[:, None] - [5.16, 5.49, 5.80]) / 0.12) ** 2) * [
        1,
        1.66,
        0.66,
    ]


def spectrum():
    x = np.linspace(4.7, 6.3, 401)
    return evidence.spectrum(x, bells(x), NAMES, 5.30)


def log_weights():
    q, guess = np.array([0.5155, 0.4844, 0.0001]), np.array([0.6, 0.3, 0.1])
    panels = {
        "exact": (q, np.full(3, -0.02)),
        "guess": (guess, np.array([-0.2, 0.5, -7])),
    }
    return evidence.log_weights(panels, NAMES, -0.02)


def prior_draws():
    z = np.random.default_rng(0).standard_normal((500, 2))
    return evidence.prior_draws(
        z, np.array([0.2, 1.1]), np.array([[0.3, -0.2], [-0.2, 0.3]])
    )


def prior_estimates():
    errors = -np.outer([0.01, 1.0, 7.0], np.linspace(0.5, 1.5, 20))
    return evidence.prior_estimates([1, 10, 20], errors, np.array([0.95, 0.6, 0.03]))


def over_phi_and_theta():
    t = np.linspace(0, 1, 21)
    way, sweep = (
        (t, -3 + t, -1.8),
        (t + 0.3, -2 - (t - 0.4) ** 2, -1.9 - (t - 0.7) ** 2),
    )
    return evidence.over_phi_and_theta(way, sweep, ("way", "noise"))


def answers_of_encoder():
    x = np.linspace(4.7, 6.3, 401)
    exact = bells(x) / bells(x).sum(1, keepdims=True)
    return evidence.answers_of_encoder(x, exact, x[::40], exact[::40], NAMES)


def climb():
    steps = np.arange(600)
    evidence_, gap = -4.2 - np.exp(-steps / 30), np.exp(-steps / 5)
    return evidence.climb(evidence_ - gap, evidence_, -4.2)


def posteriors():
    cov = np.array([[0.3, -0.2], [-0.2, 0.3]])
    panel = (np.array([0.2, 1.1]), cov, np.diag([0.17, 0.19]))
    return evidence.posteriors({"made": panel, "learnt": panel})


DRAWN = [
    spectrum,
    log_weights,
    prior_draws,
    prior_estimates,
    over_phi_and_theta,
    answers_of_encoder,
    climb,
    posteriors,
]


def texts_of(figure):
    """Boxes of all texts that are seen, ticks and titles among them."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    renderer = canvas.get_renderer()
    for axes in figure.axes:
        ticks = [
            label
            for axis, ends in (
                (axes.xaxis, axes.get_xlim()),
                (axes.yaxis, axes.get_ylim()),
            )
            for place, label in zip(
                axis.get_ticklocs(), axis.get_ticklabels(), strict=False
            )
            if min(ends) <= place <= max(ends)
        ]
        names = [axes.title, axes.xaxis.label, axes.yaxis.label]
        for text in (*axes.texts, *names, *ticks):
            if text.get_text() and text.get_visible():
                yield text.get_text(), text.get_window_extent(renderer)


@pytest.mark.parametrize("draw", DRAWN)
def test_no_text_lies_on_text_or_leaves_the_figure(draw):
    figure = draw()
    texts = list(texts_of(figure))
    for (one, box), (other, box_2) in combinations(texts, 2):
        assert not box.overlaps(box_2), f"{one!r} lies on {other!r}"
    for text, box in texts:
        inside = box.x0 >= 0 and box.y0 >= 0
        inside = inside and box.x1 <= figure.bbox.x1 and box.y1 <= figure.bbox.y1
        assert inside, f"{text!r} leaves the figure"


@pytest.mark.parametrize("draw", DRAWN)
def test_figures_are_closed_and_letters_are_large(draw):
    before = plt.get_fignums()
    figure = draw()
    assert plt.get_fignums() == before
    # across a slide a point is 1.9 of its 720 pixels
    sizes = [text.get_fontsize() for axes in figure.axes for text in axes.texts]
    assert min(sizes, default=14) * 1.9 >= 20
    assert figure.get_size_inches()[0] == 9


def line_of(axes, x):
    """The lines that have these places."""
    return [
        line.get_ydata()
        for line in axes.lines
        if len(line.get_xdata()) == len(x) and np.allclose(line.get_xdata(), x)
    ]


def test_a_spectrum_has_its_bells_and_the_record():
    x = np.linspace(4.7, 6.3, 401)
    (axes,) = spectrum().axes
    np.testing.assert_array_equal(np.stack(line_of(axes, x), 1), bells(x))
    assert [5.30, 5.30] in [list(line.get_xdata()) for line in axes.lines]


def test_a_spectrum_of_other_names_is_refused():
    x = np.linspace(4.7, 6.3, 401)
    with pytest.raises(ValueError, match=r"Pass bells as \(energies, names\)"):
        evidence.spectrum(x, bells(x), NAMES[:2], 5.30)


def test_log_weights_are_dots_and_the_dashed_line_is_their_mean():
    _, axes = log_weights().axes
    (dots,) = [line for line in axes.lines if line.get_marker() == "o"]
    np.testing.assert_array_equal(dots.get_ydata(), [-0.2, 0.5, -7])
    (dashed,) = [line for line in axes.lines if line.get_linestyle() == "--"]
    np.testing.assert_allclose(dashed.get_ydata(), 0.6 * -0.2 + 0.3 * 0.5 - 0.7)


def test_both_panels_name_the_evidence():
    left, right = log_weights().axes
    assert "log p(x) = −0.0200" in [text.get_text() for text in left.texts]
    assert "log p(x)" in [text.get_text() for text in right.texts]


def test_a_q_that_is_no_distribution_is_refused():
    q = np.array([0.6, 0.3, 0.2])
    with pytest.raises(ValueError, match="adds up to 1.1"):
        evidence.log_weights({"a": (q, q)}, NAMES, 0.0)


def test_draws_in_the_ellipse_are_black_and_counted():
    z = np.array([[0.0, 0.0], [1.9, 0.0], [2.1, 0.0], [0.0, -5.0]])
    (axes,) = evidence.prior_draws(z, np.zeros(2), np.eye(2)).axes
    dots = {line.get_color(): line.get_xydata() for line in axes.lines[:2]}
    np.testing.assert_array_equal(dots["black"], z[:2])
    np.testing.assert_array_equal(dots["0.6"], z[2:])
    assert "2 draws hit it" in [text.get_text() for text in axes.texts]


def test_estimates_stand_at_their_dimension():
    left, right = prior_estimates().axes
    for k, line in zip((1, 10, 20), left.lines, strict=False):
        assert abs(np.mean(line.get_xdata()) - k) < 1e-12
    assert line_of(right, [1, 10, 20])[0].tolist() == [0.95, 0.6, 0.03]


def test_peaks_are_marked_where_they_are():
    _, right = over_phi_and_theta().axes
    peaks = [line.get_xdata()[0] for line in right.lines if line.get_marker() == "o"]
    np.testing.assert_allclose(peaks, [1.0, 0.7])


def test_flat_maxima_have_a_scale_of_their_own():
    left, right = over_phi_and_theta().axes
    for axes, lowest, highest in ((left, -3, -1.8), (right, -2.36, -1.9)):
        low, high = axes.get_ylim()
        assert low < lowest < highest < high
        assert highest - lowest > 0.75 * (high - low)


def test_answers_are_dots_at_their_places():
    x = np.linspace(4.7, 6.3, 401)
    (axes,) = answers_of_encoder().axes
    exact = bells(x) / bells(x).sum(1, keepdims=True)
    np.testing.assert_array_equal(np.stack(line_of(axes, x), 1), exact)
    np.testing.assert_array_equal(np.stack(line_of(axes, x[::40]), 1), exact[::40])


def test_a_climb_has_its_ceiling():
    (axes,) = climb().axes
    (dashed,) = [line for line in axes.lines if line.get_linestyle() == "--"]
    assert list(dashed.get_ydata()) == [-4.2, -4.2]
    assert len(line_of(axes, 1 + np.arange(600))) == 2
    words = {text.get_text() for text in axes.texts}
    assert words == {"ceiling: −4.2000", "log p(x)", "ELBO", "gap"}


def test_ellipses_are_one_deviation_wide():
    axes = posteriors().axes[0]
    for line, cov in zip(
        axes.lines, ([[0.3, -0.2], [-0.2, 0.3]], np.diag([0.17, 0.19])), strict=True
    ):
        shift = line.get_xydata() - [0.2, 1.1]
        lengths = (shift @ np.linalg.inv(cov) * shift).sum(1)
        np.testing.assert_allclose(lengths, 1, rtol=1e-9)
