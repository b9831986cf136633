"""Sliders without a browser: set a value, look at the picture."""

import ipywidgets
import matplotlib.image
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from scipy import stats

from course_utils.exact.linear_gaussian import LinearGaussian
from course_utils.figures.densities import bound_and_densities
from course_utils.figures.style import mosaic
from course_utils.widgets.frame import Explorer, explore, slider
from course_utils.widgets.posterior import posterior_explorer, posterior_terms

MODEL, X = LinearGaussian(np.eye(1), np.zeros(1), 0.8), 1.5
Z = np.linspace(-3, 4, 71)


@pytest.fixture
def explorer():
    return posterior_explorer()


def bars(figure):
    """Where the ELBO's bar ends, both ends of the gap's, and log p(x)."""
    above = figure.axes[0]
    elbo, gap = above.patches
    span = gap.get_x(), gap.get_x() + gap.get_width()
    return elbo.get_xy()[:, 0].max(), span, above.lines[0].get_xdata()[0]


def pixels(picture, tmp_path):
    path = tmp_path / "picture.png"
    path.write_bytes(picture.value)
    return matplotlib.image.imread(path)


# ------------------------------------------------------------------- numbers


@pytest.mark.parametrize("q_mean", np.linspace(-1.5, 3, 10))
@pytest.mark.parametrize("q_std", [0.2, 0.5, 1.0, 1.5])
def test_elbo_and_gap_add_up_to_log_p(q_mean, q_std):
    terms = posterior_terms(MODEL, X, q_mean, q_std)
    # x = z + 0.8 noise is N(0, 1.64); sums of a few terms below 100 in float64
    evidence = stats.norm(0, np.sqrt(1.64)).logpdf(X)
    assert terms.log_evidence == pytest.approx(evidence, abs=1e-12)
    assert terms.elbo + terms.gap == pytest.approx(evidence, abs=1e-12)
    assert terms.gap >= 0


def test_the_terms_are_their_integrals():
    terms = posterior_terms(MODEL, X, 0.3, 0.7)
    z = np.linspace(-9, 9, 2001)
    q = stats.norm(0.3, 0.7)
    log_joint = stats.norm(z, 0.8).logpdf(X) + stats.norm(0, 1).logpdf(z)
    posterior = stats.norm(X / 1.64, np.sqrt(0.64 / 1.64))
    mass = q.pdf(z) * (z[1] - z[0])
    elbo = mass @ (log_joint - q.logpdf(z))
    assert terms.elbo == pytest.approx(elbo, abs=1e-10)
    gap = mass @ (q.logpdf(z) - posterior.logpdf(z))
    assert terms.gap == pytest.approx(gap, abs=1e-10)


def test_the_gap_closes_at_the_posterior():
    terms = posterior_terms(MODEL, X, X / 1.64, np.sqrt(0.64 / 1.64))
    assert terms.gap == pytest.approx(0, abs=1e-12)


# ------------------------------------------------------------------- picture


def test_bars_meet_and_end_at_log_p_and_densities_are_named():
    density = stats.norm(0, 1).pdf(Z)
    figure = bound_and_densities(-5, 3, Z, {"q": density, "p": density}, -9, 1)
    assert bars(figure) == (-5, (-5, -2), -2)
    above, below = figure.axes
    assert above.get_xlabel() == "nats"
    assert above.get_xlim() == (-9, -2)
    assert below.get_ylim()[1] == 1
    assert [text.get_text() for text in below.get_legend().get_texts()] == ["q", "p"]
    np.testing.assert_array_equal(below.lines[0].get_ydata(), density)


def test_a_better_q_has_the_longer_bar():
    lengths = [
        bars(bound_and_densities(e, -2 - e, Z, {"q": Z}, -9, 1))[0] for e in (-5, -3)
    ]
    assert lengths == [-5, -3]


def test_the_bars_differ_without_colour():
    figure = bound_and_densities(-5, 3, Z, {"q": Z}, -9, 1)
    elbo, gap = figure.axes[0].patches
    assert not elbo.get_hatch()
    assert gap.get_hatch()


@pytest.mark.parametrize(
    "values", [(-0.5, 0.3), (-0.5, 1.3), (2.0, 0.3), (2.0, 1.3), (0.9, 0.6)]
)
def test_the_whole_picture_fits_its_axes_wherever_the_sliders_stand(explorer, values):
    figure = explorer.draw(*values)
    above, below = figure.axes
    FigureCanvasAgg(figure).draw()
    for text in above.texts:
        box = text.get_window_extent()
        assert box.x0 > above.bbox.x0
        assert box.x1 < figure.bbox.x1
    assert below.get_ylim()[1] > max(line.get_ydata().max() for line in below.lines)


# -------------------------------------------------------------------- widget


def test_q_starts_as_the_prior(explorer):
    assert {k: c.value for k, c in explorer.controls.items()} == {
        "q_mean": 0.0,
        "q_std": 1.0,
    }


@pytest.mark.parametrize("name, value", [("q_mean", 1.0), ("q_std", 0.6)])
def test_moving_a_slider_changes_the_picture_and_back(explorer, name, value, tmp_path):
    control = explorer.controls[name]
    first, before = control.value, pixels(explorer.picture, tmp_path)
    control.value = value
    after = pixels(explorer.picture, tmp_path)
    assert before.shape == after.shape
    border = before.shape[0] * 4 // 10  # the bars above, the densities below
    assert (before[:border] != after[:border]).any()
    assert (before[border:] != after[border:]).any()
    control.value = first
    np.testing.assert_array_equal(pixels(explorer.picture, tmp_path), before)


def test_the_picture_shows_the_numbers_of_the_sliders(explorer):
    explorer.controls["q_mean"].value = 1.0
    values = {name: control.value for name, control in explorer.controls.items()}
    terms = posterior_terms(MODEL, X, **values)
    elbo, gap, level = bars(explorer.draw(**values))
    assert elbo == pytest.approx(terms.elbo)
    assert gap == pytest.approx((terms.elbo, terms.log_evidence))
    assert level == pytest.approx(terms.log_evidence)


def test_the_controls_stand_above_the_picture(explorer):
    assert explorer.children == (*explorer.controls.values(), explorer.picture)
    for control in explorer.controls.values():
        assert isinstance(control, ipywidgets.FloatSlider)
        assert control.min < control.value < control.max
        steps = (control.max - control.min) / control.step
        assert steps == pytest.approx(round(steps))
    assert explorer.controls["q_std"].min > 0


@pytest.mark.parametrize("word", ["1", "true", " Yes", "'on'"])
def test_a_saved_lesson_gets_the_figure_alone(monkeypatch, word):
    monkeypatch.setenv("COURSE_STATIC", word)
    figure = posterior_explorer()
    assert isinstance(figure, Figure)
    terms = posterior_terms(MODEL, X, 0.0, 1.0)
    assert bars(figure)[2] == pytest.approx(terms.log_evidence)


@pytest.mark.parametrize("word", ["", "0", "false", "No"])
def test_a_session_gets_live_sliders(monkeypatch, word):
    monkeypatch.setenv("COURSE_STATIC", word)
    assert isinstance(posterior_explorer(), Explorer)


def test_a_mistyped_setting_of_pictures_is_a_sentence(monkeypatch):
    monkeypatch.setenv("COURSE_STATIC", "yep")
    with pytest.raises(ValueError, match="COURSE_STATIC is 'yep'; it must be one of 1"):
        posterior_explorer()


def test_a_redraw_costs_less_than_two_plain_pictures(
    explorer, redraw_in_plain_pictures
):
    places = np.linspace(-0.5, 2, 15).tolist()
    assert redraw_in_plain_pictures(explorer.controls["q_mean"], places) < 2


def test_explore_passes_the_values_of_any_control_by_name():
    seen = []

    def draw(a, b):
        seen.append((a, b))
        return mosaic(np.zeros((1, 2, 2, 1)), columns=1)

    box = explore(
        draw, b=slider("b", 0.5, 0, 1, 0.5), a=ipywidgets.Checkbox(value=True)
    )
    box.controls["b"].value = 1.0
    assert seen == [(True, 0.5), (True, 1.0)]
