"""Pictures of spins, and of what samplers of them are worth."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from figure_words import overlapping_words
from matplotlib.patches import Rectangle

from course_utils.figures import spins


@pytest.fixture
def some(rng):
    """Lattices of -1 and 1."""
    return rng.choice([-1, 1], (6, 5, 5))


def test_lattices_are_white_where_spins_are_up_each_in_a_grey_frame(some):
    figure = spins.lattices({"one": some[:3], "other": some[3:]})
    shown = np.asarray(figure.axes[0].images[0].get_array())
    # two pixels between frames of one pixel
    for place, lattice in enumerate(some):
        row, column = (9 * part for part in divmod(place, 3))
        tile = shown[row : row + 7, column : column + 7]
        np.testing.assert_array_equal(tile[1:-1, 1:-1], lattice == 1)
        np.testing.assert_allclose(tile[0], 0.6)
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert labels == ["one", "other"]


def test_the_diagram_shows_only_what_is_drawn_and_frames_the_next_site(some):
    before, after = spins.sampler_diagram(some[0], 7).axes[0].images
    sites = (some[0].ravel() + 1) / 2
    for image, count in ((before, 7), (after, 8)):
        shown = np.asarray(image.get_array()).ravel()
        np.testing.assert_array_equal(shown[:count], sites[:count])
        assert (shown[count:] == spins.EMPTY).all()


def test_the_frame_is_around_its_site(some):
    axes = spins.sampler_diagram(some[0], 7).axes[0]
    frames = [patch for patch in axes.patches if isinstance(patch, Rectangle)]
    for image, frame in zip(axes.images, frames, strict=True):
        left, right, bottom, top = image.get_extent()
        # the eighth of five in a row: second row, third column
        x = left + (right - left) * 2.5 / 5
        y = top - (top - bottom) * 1.5 / 5
        middle = frame.get_x() + frame.get_width() / 2
        assert middle == pytest.approx(x)
        assert frame.get_y() + frame.get_height() / 2 == pytest.approx(y)
        assert frame.get_width() == pytest.approx((right - left) / 5)


def test_each_curve_has_its_name_in_its_colour():
    x = np.linspace(0, 1, 5)
    figure = spins.curves(
        {"line": (x, x)},
        {"dots": (x, x**2)},
        x="across",
        y="up",
        places={"line": (0.1, 0.8), "dots": (0.7, 0.1)},
        marks={"critical": 0.5},
    )
    (axes,) = figure.axes
    line, dots, mark = axes.lines
    np.testing.assert_array_equal(dots.get_ydata(), x**2)
    colours = {text.get_text(): text.get_color() for text in axes.texts}
    assert colours["line"] == line.get_color() != dots.get_color() == colours["dots"]
    assert list(mark.get_xdata()) == [0.5, 0.5]
    assert overlapping_words(figure) == []


def test_the_infinite_lattice_jumps_at_the_critical_beta():
    betas = np.array([0.3, 0.6])
    means = {4: [0.5, 0.97], 28: [0.1, 0.97]}
    figure = spins.magnetization_curves(
        betas, means, lambda beta: float(beta > 0.44), 0.44
    )
    line, four, twenty_eight, mark = figure.axes[0].lines
    x, y = line.get_data()
    np.testing.assert_array_equal(y, x > 0.44)
    assert np.diff(x)[np.searchsorted(x, 0.44)] < 1e-3  # as steep as it is
    np.testing.assert_array_equal(four.get_ydata(), means[4])
    np.testing.assert_array_equal(twenty_eight.get_ydata(), means[28])
    assert mark.get_xdata()[0] == 0.44
    assert overlapping_words(figure) == []


def test_names_of_the_gaps_stand_beside_their_curves():
    m = np.linspace(-0.98, 0.98, 99)
    hot, critical = 0.7 + 4 * m**4, 4.4 - 3.5 * m**2
    figure = spins.mean_field_gaps(m, {"hot": hot, "critical": critical})
    (axes,) = figure.axes
    assert [line.get_ydata().tolist() for line in axes.lines] == [
        hot.tolist(),
        critical.tolist(),
    ]
    for text, gap in zip(axes.texts, (hot, critical), strict=True):
        x, y = text.get_position()
        assert 0.05 < (y - np.interp(x, m, gap)) / axes.get_ylim()[1] < 0.1
        assert y < 0.97 * axes.get_ylim()[1]
    assert overlapping_words(figure) == []


def test_maps_of_sites_have_one_scale(rng):
    panels = {"Wolff": rng.random((28, 28)), "DCGAN": 3 * rng.random((28, 28))}
    figure = spins.site_maps(panels, "share")
    maps = [axes.images[0] for axes in figure.axes[:2]]
    for image, panel in zip(maps, panels.values(), strict=True):
        np.testing.assert_array_equal(image.get_array(), panel)
        assert image.get_clim() == (0, max(p.max() for p in panels.values()))
    assert figure.axes[2].get_ylabel() == "share"
    assert overlapping_words(figure) == []


def test_histograms_share_their_bins_and_count_shares(rng):
    panels = {"narrow": rng.normal(0, 1, 400), "wide": rng.normal(0, 3, 700)}
    figure = spins.histograms(panels, x="cost, nats", exact=0.5, exact_name="exact")
    narrow, wide = figure.axes
    edges = [[bar.get_x() for bar in axes.patches] for axes in (narrow, wide)]
    assert edges[0] == edges[1]
    for axes in (narrow, wide):
        assert sum(bar.get_height() for bar in axes.patches) == pytest.approx(1)
        assert list(axes.lines[0].get_xdata()) == [0.5, 0.5]
    assert narrow.get_title("right") == "exact"
    assert wide.get_xlabel() == "cost, nats"
    assert overlapping_words(figure) == []


def test_observables_have_two_errors_to_each_side_and_the_exact_value_if_known():
    rows = {"Wolff": [(1.0, 0.1), (2.0, 0.2)], "VAE": [(3.0, 0.3), (4.0, 0.1)]}
    figure = spins.judged(rows, ["energy", "magnetization"], [1.1, np.nan])
    energy, magnetization = figure.axes
    for column, axes in enumerate(figure.axes):
        for (mean, error), bar in zip(
            (row[column] for row in rows.values()), axes.containers, strict=True
        ):
            (segment,) = bar.lines[2][0].get_segments()
            np.testing.assert_allclose(
                segment[:, 0], [mean - 2 * error, mean + 2 * error]
            )
    dashed = [[li for li in a.lines if li.get_linestyle() == "--"] for a in figure.axes]
    assert [len(lines) for lines in dashed] == [1, 0]
    assert list(dashed[0][0].get_xdata()) == [1.1, 1.1]
    assert overlapping_words(figure) == []


@pytest.mark.parametrize(
    "other, scale", [(27.0, "log"), (2.0, "linear"), (-27.0, "linear")]
)
def test_values_that_differ_tenfold_stand_on_a_logarithmic_axis(other, scale):
    rows = {"Wolff": [(1.7, 0.1)], "VAE": [(other, 0.1)]}
    figure = spins.judged(rows, ["heat capacity"], [1.78])
    assert figure.axes[0].get_xscale() == scale
    assert overlapping_words(figure) == []


def test_each_lattice_is_a_point_beside_the_line_of_equal_values(rng):
    truth = rng.normal(-230, 10, 50)
    figure = spins.state_by_state(truth, truth - 50, "the VAE's bound, nats")
    points, line = figure.axes[0].lines
    np.testing.assert_array_equal(points.get_ydata(), truth - 50)
    np.testing.assert_array_equal(line.get_xdata(), line.get_ydata())
    assert figure.axes[0].get_ylabel() == "the VAE's bound, nats"
    assert overlapping_words(figure) == []


def test_figures_are_closed(some):
    spins.lattices({"one": some})
    spins.histograms({"one": some.mean((1, 2))}, x="m")
    spins.judged({"one": [(1.0, 0.1)]}, ["energy"], [1.0])
    spins.state_by_state(np.arange(3.0), np.arange(3.0), "y")
    spins.site_maps({"one": np.eye(4)}, "share")
    spins.curves({"a": ([0, 1], [0, 1])}, x="x", y="y", places={})
    assert plt.get_fignums() == []
