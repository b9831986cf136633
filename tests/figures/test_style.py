import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch

from course_utils.figures import diagrams, histories, nats, style
from course_utils.records.history import History


@pytest.fixture
def history():
    return History(
        {"elbo": [-3, -2, -1], "test_elbo": [-4, -3, -2], "kl": [1, 2, 3]},
    )


@pytest.fixture
def images(rng):
    return rng.random((5, 3, 4, 1), dtype=np.float32)


def line_styles(axes):
    return [(line.get_color(), line.get_linestyle()) for line in axes.lines]


def test_tiles_lie_row_after_row_with_gaps_between(images):
    picture = style.tile(images, columns=3, gap=2, background=0.5)
    assert picture.shape == (2 * 5 - 2, 3 * 6 - 2, 1)
    assert picture.dtype == np.float32
    for i, (top, left) in enumerate([(0, 0), (0, 6), (0, 12), (5, 0), (5, 6)]):
        np.testing.assert_array_equal(
            picture[top : top + 3, left : left + 4], images[i]
        )
        picture[top : top + 3, left : left + 4] = 0.5
    assert (picture == 0.5).all()


def test_tiles_may_touch(images):
    picture = style.tile(images[:4], columns=2, gap=0)
    rows = [np.concatenate(images[i : i + 2], axis=1) for i in (0, 2)]
    np.testing.assert_array_equal(picture, np.concatenate(rows))


def test_tiles_keep_their_colours(rng):
    images = rng.random((2, 3, 4, 3), dtype=np.float32)
    picture = style.tile(images, columns=1, gap=1)
    assert picture.shape == (7, 4, 3)
    np.testing.assert_array_equal(picture[4:], images[1])


def test_a_mosaic_is_one_image_on_a_fixed_grey_scale(images):
    figure = style.mosaic(images, columns=2, title="Five")
    (axes,) = figure.axes
    (shown,) = axes.images
    assert axes.get_title() == "Five"
    assert shown.get_clim() == (0, 1)
    assert shown.cmap.name == "gray"
    np.testing.assert_array_equal(shown.get_array(), style.tile(images, 2).squeeze(-1))


def test_a_mosaic_labels_the_middle_of_rows_and_columns(images):
    figure = style.mosaic(
        images[:4], columns=2, row_labels=["x", "decoded"], column_labels=["0", "1"]
    )
    (axes,) = figure.axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["x", "decoded"]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["0", "1"]
    # a tile and its gap measure 5 by 6 pixels
    for ticks, middles in (
        (axes.get_yticks(), [1.0, 6.0]),
        (axes.get_xticks(), [1.5, 7.5]),
    ):
        assert np.abs(ticks - middles).max() <= 1.5


def test_a_mosaic_may_be_coloured_and_narrow(rng):
    figure = style.mosaic(rng.random((1, 3, 4, 3)), columns=1)
    assert figure.axes[0].images[0].get_array().shape == (3, 4, 3)


def test_each_key_gets_a_panel_with_its_held_out_twin(history):
    figure = histories.history_curves(history, ["elbo", "kl"])
    elbo, kl = figure.axes
    assert [axes.get_title() for axes in figure.axes] == ["elbo", "kl"]
    assert [line.get_ydata().tolist() for line in elbo.lines] == [
        [-3, -2, -1],
        [-4, -3, -2],
    ]
    assert [line.get_ydata().tolist() for line in kl.lines] == [[1, 2, 3]]
    assert elbo.lines[0].get_xdata().tolist() == [1, 2, 3]


def test_axes_are_labelled_with_units_and_lines_by_name(history):
    figure = histories.history_curves(history, ["elbo", "kl"], levels={"floor": -2.5})
    elbo, kl = figure.axes
    assert (elbo.get_xlabel(), elbo.get_ylabel()) == ("epochs", "nats an image")
    assert kl.get_xlabel() == "epochs"
    named = [text.get_text() for text in elbo.get_legend().get_texts()]
    assert named == ["training", "held out", "floor"]
    assert elbo.lines[-1].get_ydata() == [-2.5, -2.5]


def test_an_unknown_series_is_an_error_and_not_an_empty_panel(history):
    with pytest.raises(KeyError, match="reconstruction"):
        histories.history_curves(history, ["reconstruction"])


def test_lines_differ_in_colour_and_without_colour(history):
    axes = histories.history_curves(history, ["elbo"], levels={"floor": -2}).axes[0]
    colours, dashes = zip(*line_styles(axes), strict=True)
    assert len(set(colours)) == len(set(dashes)) == 3


def test_the_cycle_never_repeats_a_colour_or_a_dash():
    assert len(set(style.COLOURS)) == len(style.COLOURS) == 7
    assert len(set(style.DASHES)) == len(style.DASHES) == 7


@pytest.mark.parametrize("draw", ["mosaic", "history_curves"])
def test_figures_are_closed_and_leave_the_session_as_it_was(draw, history, images):
    plt.get_backend()  # chosen at the first need, and then kept among the settings
    before = dict(plt.rcParams)
    figures = {
        "mosaic": lambda: style.mosaic(images),
        "history_curves": lambda: histories.history_curves(history, ["elbo"]),
    }
    figure = figures[draw]()
    assert isinstance(figure, plt.Figure)
    assert plt.get_fignums() == []
    assert dict(plt.rcParams) == before


def test_a_closed_figure_can_still_be_saved(tmp_path, history):
    histories.history_curves(history, ["elbo", "kl"]).savefig(tmp_path / "curves.png")
    assert (tmp_path / "curves.png").stat().st_size > 10_000


def test_the_style_of_a_session_is_set_on_demand():
    with plt.rc_context():
        style.use_course_style()
        assert plt.rcParams["font.size"] == 13
        assert plt.rcParams["image.cmap"] == "gray"


@pytest.mark.parametrize("value", [-1.239, np.float32(-1.239), torch.tensor(-1.239)])
def test_a_number_is_printed_from_whatever_holds_it(value):
    assert style.number(value) == "\N{MINUS SIGN}1.24"
    assert style.number(0 * value, 1) == "0.0"


def test_figures_of_bounds_take_what_a_model_has_computed():
    low, high = torch.tensor(-6.25), torch.tensor(-4.71)
    nats.ruler({"from below": low, "from above": high})
    diagrams.bound_bars(high, [low, high], ["prior", "posterior"])
