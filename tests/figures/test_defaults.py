"""Pictures of settings: what is drawn is what was measured, and words can be read."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from figure_words import overlapping_words
from matplotlib.colors import same_color
from matplotlib.patches import Rectangle

from course_utils.figures import ablation, defaults

# A picture on a slide is as wide and as high, in pixels of a slide of 1280 by 720.
SLIDE, LETTERS = (1220, 640), 20
CHANGES = {"slope": (0.25, 0.02), "epsilon": (0.99, 0.004), "fold": (0.08, 0.01)}
COLOURS = {"slope": defaults.SLOPE, "fold": defaults.FOLDING}
SCORES = {"plain": [80.0, 95, 99], "batch 128": [60.0, 70, 65], "all": [12.0, 15, 10]}
IMAGES = np.linspace(0, 1, 3 * 784).reshape(3, 28, 28, 1)
STEPS = {
    "lecture's step, TensorFlow": (530.0, 565.0),
    "the same without tf.function": (530.0, 1070.0),
    "PyTorch, bfloat16": (280.0, 390.0),
}
TIMES = {
    "gigaflop_a_step": 100.0,
    "step": {
        name: {
            "milliseconds_a_step": whole,
            "matrix_rate_gflops": 1e5 / least,
            "of_each_round": [whole - 3, whole, whole + 9],
        }
        for name, (least, whole) in STEPS.items()
    },
}


def slopes():
    marked = {"PyTorch": 0.01, "Keras": 0.3}
    images = {slope: IMAGES for slope in (0.01, 0.3, 0.6)}
    shares = np.array([0.2, 1.0, 0.6])
    return defaults.slopes_and_digits([0.01, 0.3, 0.6], shares, images, marked)


def epochs():
    beside = {"VAE": 140.0, "plain": 56.0, "real digits": 0.6, "floor": 0.5}
    return ablation.distances_by_epoch({1: 347.0, 5: 32, 30: 9}, beside)


DRAWN = {
    "where": defaults.where_settings_sit,
    "cut": defaults.two_ways_to_cut,
    "fold": defaults.two_ways_to_fold,
    "read": lambda: defaults.read_as_before(CHANGES, COLOURS, 0.1),
    "slopes": slopes,
    "far": lambda: defaults.far_from_the_original({"a": 3e-7, "slope": 0.3}, COLOURS),
    "dots": lambda: ablation.a_dot_a_seed(SCORES, 0.3, "plain"),
    "one seed": lambda: ablation.a_dot_a_seed({"plain": [80.0]}, 0.3),
    "epochs": epochs,
    "time": lambda: ablation.where_time_goes(TIMES),
}


@pytest.fixture(scope="module", params=DRAWN)
def figure(request):
    return DRAWN[request.param]()


def test_no_word_lies_on_another(figure):
    assert overlapping_words(figure) == []


def test_letters_can_be_read_in_a_hall(figure):
    inches = figure.get_size_inches()
    pixels = min(wide / inch for wide, inch in zip(SLIDE, inches, strict=True))
    for text in figure.findobj(plt.Text):
        if text.get_visible() and text.get_text().strip():
            assert text.get_fontsize() / 72 * pixels >= LETTERS, text.get_text()


def test_no_word_leaves_the_figure(figure):
    figure.canvas.draw()
    for axes in figure.axes:
        labels = [*axes.get_yticklabels(), axes.xaxis.label] if axes.axison else []
        for text in (*axes.texts, *labels):
            if text.get_text().strip():
                extent = text.get_window_extent()
                corners = extent.min, extent.max
                assert all(figure.bbox.contains(*c) for c in corners), text.get_text()


def test_figures_are_closed(figure):
    assert isinstance(figure, plt.Figure)
    assert plt.get_fignums() == []


def test_each_setting_stands_in_its_colour_where_it_acts():
    (paper,) = defaults.where_settings_sit().axes
    seen = {text.get_text(): text.get_color() for text in paper.texts}
    assert seen["norm: epsilon"] == defaults.EPSILON
    assert seen["leaky: slope"] == defaults.SLOPE
    assert seen["stamps: padding"] == defaults.PADDING
    assert seen["folding"] == defaults.FOLDING
    words = [text.get_text() for text in paper.texts]
    assert (words.count("leaky: slope"), words.count("stamps: padding")) == (3, 2)


def test_keras_cuts_one_and_two_and_pytorch_two_and_one():
    (paper,) = defaults.two_ways_to_cut().axes
    words = [text.get_text() for text in paper.texts]
    cuts = [word for word in words if word.startswith("cut")]
    assert cuts == ["cut: 1", "cut: 2", "cut: 2", "cut: 1"]
    assert "green: pixel 2 of 28" in words
    assert "green: pixel 1 of 28" in words
    grey = [
        patch
        for patch in paper.patches
        if isinstance(patch, Rectangle)
        and same_color(patch.get_facecolor(), defaults.CUT)
    ]
    assert len(grey) == 6


def test_folding_takes_the_numbers_as_both_frameworks_do():
    (paper,) = defaults.two_ways_to_fold().axes
    numbers = [int(t.get_text()) for t in paper.texts if t.get_text().isdigit()]
    assert numbers[:8] == list(range(1, 9))
    assert numbers[8:16] == [1, 3, 5, 7, 2, 4, 6, 8]
    assert numbers[16:] == list(range(1, 9))


def test_shares_have_their_errors_and_their_colours():
    (axes,) = defaults.read_as_before(CHANGES, COLOURS, 0.1).axes
    bars = axes.containers
    for bar, (name, (share, error)) in zip(bars, CHANGES.items(), strict=True):
        assert bar.lines[0].get_xdata() == [share]
        assert bar.lines[0].get_color() == COLOURS.get(name, "black")
        (ends,) = bar.lines[2][0].get_segments()
        np.testing.assert_allclose(ends[:, 0], [share - error, share + error])
    assert axes.lines[0].get_xdata()[0] == 0.1


def test_a_row_of_digits_stands_beside_its_slope():
    axes, rows = slopes().axes
    curve = axes.lines[-1].get_xydata()
    np.testing.assert_allclose(curve, [[0.01, 0.2], [0.3, 1], [0.6, 0.6]])
    assert [t.get_text() for t in rows.get_yticklabels()] == ["0.01", "0.3", "0.6"]
    assert rows.images[0].get_array().shape == (3 * 30 - 2, 3 * 30 - 2)


def test_digits_are_ink_on_paper():
    picture = slopes().axes[1].images[0].get_array()
    np.testing.assert_allclose(picture[:28, :28], 1 - IMAGES[0, ..., 0], atol=1e-6)


def test_each_tick_is_ten_times_the_one_before():
    (axes,) = DRAWN["far"]().axes
    ticks = axes.get_xticks()
    np.testing.assert_allclose(ticks[1:] / ticks[:-1], 10)


def test_each_game_is_a_dot_and_each_recipe_has_its_mean():
    (axes,) = ablation.a_dot_a_seed(SCORES, 0.3, "plain").axes
    dots = [line for line in axes.lines if line.get_marker() == "o"]
    for line, scores in zip(dots, SCORES.values(), strict=True):
        assert list(line.get_xdata()) == scores
    means = [line.get_xdata()[0] for line in axes.lines if line.get_linewidth() == 2.6]
    np.testing.assert_allclose(means, [np.mean(s) for s in SCORES.values()])
    assert axes.lines[0].get_xdata()[0] == 0.3
    low, high = axes.get_xlim()
    assert low == 0
    assert high > 99


@pytest.mark.parametrize("highest", [2.0, 30.0, 900.0])
def test_ticks_stay_apart_whatever_the_scores(highest):
    figure = ablation.a_dot_a_seed({"plain": [highest], "other": [1.0]}, 0.28)
    assert overlapping_words(figure) == []
    assert len(figure.axes[0].get_xticks()) > 1


def test_names_of_close_lines_stay_apart():
    beside = {"one": 10.0, "two": 10.1, "three": 10.2, "floor": 0.3}
    figure = ablation.distances_by_epoch({1: 400.0, 30: 2.0}, beside)
    assert overlapping_words(figure) == []


def test_a_bar_is_the_whole_time_and_its_first_part_the_multiplications():
    (axes,) = ablation.where_time_goes(TIMES).axes
    widths = [bar.get_width() for bar in axes.patches]
    parts = np.reshape(widths, (3, 2))
    np.testing.assert_allclose(parts[:, 0], [least for least, _ in STEPS.values()])
    np.testing.assert_allclose(parts.sum(1), [whole for _, whole in STEPS.values()])
    dots = [list(line.get_xdata()) for line in axes.lines]
    assert dots == [run["of_each_round"] for run in TIMES["step"].values()]
    names = [label.get_text() for label in axes.get_yticklabels()]
    assert names == ["TensorFlow", "without tf.function", "PyTorch, bfloat16"]
