import matplotlib.pyplot as plt
import numpy as np
import pytest

from course_utils.figures import estimators

NAMES = "pathwise", "score function", "best baseline"
X = np.linspace(0, 4, 41)
CURVES = dict(
    zip(
        NAMES,
        (4 + 0 * X, X**4 + 14 * X**2 + 15, 8 * X**2 + 6),
        strict=True,
    )
)
MEASURED = {name: curve[::10] for name, curve in CURVES.items()}
AT = np.arange(0, 2001, 100)
ENDS = {
    "pathwise": -42.9,
    "score function\nwith baseline": -45.4,
    "score function": -49.8,
    "z held fixed": -52.0,
}
RUNS = {
    name: end - 20 * np.exp(-AT / 200) + np.linspace(-0.3, 0.3, 5)[:, None]
    for name, end in ENDS.items()
}
Z = np.linspace(-3, 4, 71)
BELLS = {
    name: np.exp(-((Z - middle) ** 2))
    for name, middle in (("right", 1.6), ("sample", 0), ("exp(logvar)", 1.6))
}
DRAWN_BELLS = {name: bell**2 for name, bell in BELLS.items()}
# A picture on a slide is as wide and as high, in pixels of a slide of 1280 by 720.
SLIDE = 1220, 640
LETTERS = 20


def estimates(rng):
    noise = rng.standard_normal(1_000)
    return {"pathwise": 3 + 2 * noise, "score function": 3 + 7 * noise}


DRAWN = {
    "histograms": lambda: estimators.estimate_histograms(
        estimates(np.random.default_rng(0)), 3.0
    ),
    "lanes": lambda: estimators.estimate_lanes(
        estimates(np.random.default_rng(0)), "one image's estimate (nats per unit of μ)"
    ),
    "variances": lambda: estimators.variance_curves(
        X, CURVES, X[::10], MEASURED, "centre μ (σ = 1)"
    ),
    "variances on a logarithmic axis": lambda: estimators.variance_curves(
        1 + X, CURVES, 1 + X[::10], MEASURED, "frequency", logarithmic=True
    ),
    "learning": lambda: estimators.learning_curves(
        AT, RUNS, -51.9, "a coin for each pixel", "held-out ELBO (nats per image)"
    ),
    "settled": lambda: estimators.settled_clouds(
        Z, BELLS["right"], BELLS, DRAWN_BELLS, "the right answer, p(z | x)"
    ),
}


@pytest.fixture(params=DRAWN)
def figure(request):
    return DRAWN[request.param]()


def texts(figure):
    """Each text that is seen, with its extent in pixels."""
    figure.draw_without_rendering()
    if figure._supxlabel is not None:
        yield figure._supxlabel, figure._supxlabel.get_window_extent()
    for axes in figure.axes:
        for text in [*axes.texts, axes.title, axes.xaxis.label, axes.yaxis.label]:
            if text.get_text().strip():
                yield text, text.get_window_extent()


def test_no_text_lies_on_another_or_leaves_the_figure(figure):
    extents = [extent for _, extent in texts(figure)]
    assert extents
    for i, extent in enumerate(extents):
        assert not any(extent.overlaps(other) for other in extents[i + 1 :])
        assert figure.bbox.contains(*extent.min)
        assert figure.bbox.contains(*extent.max)


def test_letters_can_be_read_in_a_hall(figure):
    inches = figure.get_size_inches()
    pixels = min(wide / inch for wide, inch in zip(SLIDE, inches, strict=True))
    for text, _ in texts(figure):
        assert text.get_fontsize() / 72 * pixels >= LETTERS, text.get_text()


def test_histograms_say_mean_and_deviation(rng):
    values = estimates(rng)
    figure = estimators.estimate_histograms(values, 3.0)
    for axes, (name, one) in zip(figure.axes, values.items(), strict=True):
        words = f"{name}\nmean {one.mean():.2f}\nvariance {one.var():.1f}"
        beyond = np.mean(one > axes.get_xlim()[1])
        if name == "score function":
            words += f"\n{beyond:.0%} lie further right,\nthe last at {one.max():.0f}"
        assert axes.texts[0].get_text() == words
        bars = sum(bar.get_height() for bar in axes.patches)
        assert bars == pytest.approx(1 - beyond, abs=0.01)
        assert axes.lines[0].get_xdata() == [3.0, 3.0]


def test_each_estimate_is_a_dot_in_its_lane_and_the_mean_a_bar(rng):
    values = estimates(rng)
    (axes,) = estimators.estimate_lanes(values, "slope").axes
    for lane, (dots, bar, one) in enumerate(
        zip(axes.lines[::2], axes.lines[1::2], values.values(), strict=True)
    ):
        np.testing.assert_array_equal(dots.get_xdata(), one)
        assert set(dots.get_ydata()) == {-lane}
        assert bar.get_xdata() == pytest.approx([one.mean()] * 2)
    assert [text.get_text() for text in axes.texts] == list(values)


def test_closed_forms_are_dotted_and_measurements_are_symbols():
    (axes,) = DRAWN["variances"]().axes
    for curve, symbols, name in zip(
        axes.lines[::2], axes.lines[1::2], NAMES, strict=True
    ):
        assert curve.get_linestyle() == ":"
        np.testing.assert_array_equal(curve.get_ydata(), CURVES[name])
        assert symbols.get_linestyle() == "None"
        np.testing.assert_array_equal(symbols.get_ydata(), MEASURED[name])
        assert symbols.get_color() == curve.get_color()
    assert [text.get_text() for text in axes.texts] == [
        "pathwise: 4",
        "score function: 495",
        "best baseline: 134",
    ]


def test_other_names_are_refused():
    with pytest.raises(ValueError, match="the same names"):
        estimators.variance_curves(X, CURVES, X, {"pathwise": X}, "x")


def test_an_estimator_looks_the_same_in_all_pictures():
    (variances,), (learning,) = DRAWN["variances"]().axes, DRAWN["learning"]().axes
    colours = [
        {
            text.get_text().split(":")[0].replace("\n", " "): text.get_color()
            for text in t
        }
        for t in (variances.texts, learning.texts)
    ]
    for name in ("pathwise", "score function"):
        assert colours[0][name] == colours[1][name]
    with_baseline = colours[1]["score function with baseline"]
    assert colours[0]["best baseline"] == with_baseline


def test_an_unknown_estimator_is_refused():
    with pytest.raises(ValueError, match="Name an estimator"):
        estimators.estimate_histograms({"guess": X}, 3.0)
    with pytest.raises(ValueError, match="Name an estimator"):
        estimators.estimate_lanes({"guess": X}, "x")
    with pytest.raises(ValueError, match="Name an estimator"):
        estimators.variance_curves(X, {"guess": X}, X, {"guess": X}, "x")
    with pytest.raises(ValueError, match="Name an estimator"):
        estimators.learning_curves(AT, {"guess": AT[None]}, 0.0, "level", "ELBO")


def test_every_start_and_their_mean_are_drawn():
    (axes,) = DRAWN["learning"]().axes
    drawn = iter(axes.lines)
    for runs in RUNS.values():
        for run in runs:
            np.testing.assert_array_equal(next(drawn).get_ydata(), run)
        mean = next(drawn)
        np.testing.assert_allclose(mean.get_ydata(), runs.mean(0))
        assert mean.get_linewidth() == 3
    assert axes.texts[-1].get_text() == "dotted:\na coin for each pixel"
    low, high = axes.get_ylim()
    assert low < -52.0 < -42.9 < high


def test_a_level_above_all_curves_keeps_the_axis_upright():
    figure = estimators.learning_curves(AT, RUNS, -40.0, "level", "ELBO")
    low, high = figure.axes[0].get_ylim()
    assert low < -52.0 < -40.0 < high


def test_each_cloud_stands_before_the_right_one():
    figure = DRAWN["settled"]()
    for axes, (name, bell) in zip(figure.axes, BELLS.items(), strict=True):
        assert axes.get_title() == name
        np.testing.assert_array_equal(axes.lines[0].get_ydata(), bell)
        np.testing.assert_array_equal(axes.lines[1].get_ydata(), DRAWN_BELLS[name])
        assert len(axes.collections) == 1


def test_programs_must_be_the_same():
    with pytest.raises(ValueError, match="the same programs"):
        estimators.settled_clouds(Z, Z, BELLS, {"right": Z}, "truth")


def test_figures_are_closed_and_the_session_left_as_it_was():
    plt.get_backend()
    before = dict(plt.rcParams)
    for draw in DRAWN.values():
        draw()
    assert plt.get_fignums() == []
    assert dict(plt.rcParams) == before
