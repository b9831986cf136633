import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.patches import Circle, Rectangle
from scipy.spatial.distance import cdist, pdist
from scipy.stats import chi2

from course_utils.figures import latent_maps


@pytest.fixture
def points(rng):
    return rng.standard_normal((200, 2)), np.arange(200) % 10


def numerals(axes):
    """The points drawn with each marker, by class."""
    return {
        int(line.get_marker().strip("$")): np.stack(line.get_data(), axis=1)
        for line in axes.lines
        if str(line.get_marker()).startswith("$")
    }


def test_each_point_is_printed_as_its_class(points):
    z, labels = points
    drawn = numerals(latent_maps.latent_map(z, labels, apart=(0, 0)).axes[0])
    assert sorted(drawn) == list(range(10))
    for label, found in drawn.items():
        np.testing.assert_array_equal(found, z[labels == label])


def test_the_second_panel_has_the_points_of_the_square(points):
    z, labels = points
    axes = latent_maps.latent_map(z, labels, square=0.5, apart=(0, 0)).axes[1]
    assert axes.get_xlim() == axes.get_ylim() == (-0.5, 0.5)
    inside = np.abs(z).max(axis=1) < 0.5
    for label, found in numerals(axes).items():
        np.testing.assert_array_equal(found, z[inside & (labels == label)])


def test_a_point_is_left_out_where_it_would_cover_an_earlier_one(points):
    panels = latent_maps.latent_map(*points, apart=(0.1, 0.2)).axes
    for axes, distance in zip(panels, (0.75, 0.4), strict=True):
        left, right = axes.get_xlim()
        inside = (
            points[0][np.abs(points[0]).max(axis=1) < right] if left == -1 else None
        )
        all_points = points[0] if inside is None else inside
        drawn = np.concatenate(list(numerals(axes).values()))
        assert pdist(drawn).min() >= distance
        # and none is left out without a reason
        assert cdist(all_points, drawn).min(axis=1).max() < distance
        assert all_points[0].tolist() in drawn.tolist()


def test_marked_classes_alone_have_a_colour(points):
    axes = latent_maps.latent_map(*points, marked=(1, 0)).axes[0]
    colours = {line.get_marker(): line.get_color() for line in axes.lines}
    assert (colours["$1$"], colours["$0$"]) == latent_maps.MARKS[:2]
    assert {colours[f"${label}$"] for label in range(2, 10)} == {"0.35"}


def test_circle_and_square_are_where_they_are_said_to_be(points):
    patches = latent_maps.latent_map(*points, square=1.0).axes[0].patches
    (circle,) = [p for p in patches if isinstance(p, Circle)]
    # the squared length of a standard normal pair is chi-squared with two degrees
    assert chi2(2).cdf(circle.radius**2) == pytest.approx(0.5, rel=1e-12)
    (square,) = [p for p in patches if isinstance(p, Rectangle)]
    assert square.get_bbox().extents.tolist() == [-1, -1, 1, 1]


def test_a_manifold_in_the_plane_has_its_points_and_marks(points):
    axis = [-2.0, 0.0, 1.0]
    marks = {"1": points[0][:5]}
    figure = latent_maps.manifold_in_plane(np.zeros((9, 28, 28, 1)), axis, marks)
    left, right = figure.axes
    assert left.images[0].get_array().shape == (84, 84)
    ones, dots = (line.get_xydata() for line in right.lines)
    np.testing.assert_array_equal(ones, marks["1"])
    assert {tuple(point) for point in dots} == {(a, b) for a in axis for b in axis}


def test_a_square_is_framed_in_the_plane_and_around_its_images():
    images = np.zeros((16, 28, 28, 1))
    figure = latent_maps.manifold_in_plane(images, [-2, 0, 1, 3], {}, square=1)
    left, right = (axes.patches for axes in figure.axes)
    (images_frame,), (frame,) = left, right
    assert frame.get_bbox().extents.tolist() == [-1, -1, 1, 1]
    # columns 0 and 1; rows from above 3, 1, 0, -2
    expected = [27.5, 27.5, 83.5, 83.5]
    np.testing.assert_allclose(images_frame.get_bbox().extents, expected)


def test_the_prior_is_darkest_at_the_origin():
    figure = latent_maps.manifold_in_plane(np.zeros((1, 28, 28, 1)), [0.0], {})
    shown = figure.axes[1].images[0]
    left, right, low, high = shown.get_extent()
    row, column = np.unravel_index(shown.get_array().argmin(), (200, 200))
    assert left + (right - left) * column / 199 == pytest.approx(0, abs=0.02)
    assert low + (high - low) * row / 199 == pytest.approx(0, abs=0.02)


def test_a_density_of_codes_is_drawn_as_it_lies():
    axis = np.linspace(-6, 6, 121)
    density = np.zeros((121, 121))
    density[40, 70] = 1  # z1 = -2, z2 = 1
    shown = latent_maps.code_density(axis, density).axes[0].images[0]
    left, right, low, high = shown.get_extent()
    array = shown.get_array()
    row, column = np.unravel_index(array.argmin(), array.shape)
    height, width = array.shape
    assert left + (right - left) * (column + 0.5) / width == pytest.approx(-2)
    assert low + (high - low) * (row + 0.5) / height == pytest.approx(1)
    with pytest.raises(ValueError, match="121 by 121 points"):
        latent_maps.code_density(axis, density[:5])


def test_a_manifold_has_its_images_where_the_axes_say():
    images = np.zeros((9, 28, 28, 1), dtype=np.float32)
    images[2] = 1  # the highest z2, the highest z1
    axes = latent_maps.manifold(images, [-2.0, 0.0, 2.0], "title").axes[0]
    shown = axes.images[0]
    left, right, bottom, top = shown.get_extent()
    assert (left, right, bottom, top) == (-0.5, 2.5, -0.5, 2.5)
    assert shown.origin == "upper"
    assert shown.get_array()[:28, 56:].min() == 1
    assert shown.get_array().sum() == 28 * 28
    ticks = dict(zip(axes.get_xticks(), axes.get_xticklabels(), strict=True))
    assert {place: text.get_text() for place, text in ticks.items()} == {
        0: "-2.00",
        1: "0.00",
        2: "2.00",
    }
    assert axes.get_xlabel().startswith("$z_1$")


@pytest.mark.parametrize("k, dots", [(3, 6), (9, 2), (12, 1), (20, 1), (30, 1)])
def test_a_manifold_has_whole_dots_a_pixel(k, dots):
    figure = latent_maps.manifold(np.zeros((k * k, 28, 28, 1)), np.arange(k))
    extent = figure.axes[0].get_window_extent()
    assert (extent.width, extent.height) == pytest.approx((28 * k * dots,) * 2)


def test_a_grid_of_another_size_is_refused():
    with pytest.raises(ValueError, match="3 by 3 needs 9 images: 4"):
        latent_maps.manifold(np.zeros((4, 28, 28, 1)), [0, 1, 2])
    with pytest.raises(ValueError, match="3 by 3 needs 9 images: 4"):
        latent_maps.manifold_in_plane(np.zeros((4, 28, 28, 1)), [0, 1, 2], {})


def test_figures_are_closed_and_the_session_left_as_it_was(points):
    plt.get_backend()
    before = dict(plt.rcParams)
    latent_maps.latent_map(*points, square=1.0)
    latent_maps.manifold(np.zeros((4, 28, 28, 1)), [0, 1])
    latent_maps.map_background(*points, end=3)
    assert plt.get_fignums() == []
    assert dict(plt.rcParams) == before
