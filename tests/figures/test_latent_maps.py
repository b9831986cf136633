import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.patches import Circle, Rectangle
from scipy.stats import chi2

from course_utils.figures import latent_maps
from course_utils.figures.style import COLOURS


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
    drawn = numerals(latent_maps.latent_map(z, labels).axes[0])
    assert sorted(drawn) == list(range(10))
    for label, found in drawn.items():
        np.testing.assert_array_equal(found, z[labels == label])


def test_a_class_alone_keeps_its_colour(points):
    z, labels = points
    seven = labels == 7
    (line,) = [
        line
        for line in latent_maps.latent_map(z[seven], labels[seven]).axes[0].lines
        if line.get_marker() == "$7$"
    ]
    assert line.get_color() == COLOURS[0]


def test_circles_hold_their_share_of_the_prior(points):
    axes = latent_maps.latent_map(*points).axes[0]
    radii = sorted(p.radius for p in axes.patches if isinstance(p, Circle))
    # the squared length of a standard normal pair is chi-squared with two degrees
    np.testing.assert_allclose(chi2(2).cdf(np.square(radii)), [0.5, 0.99], rtol=1e-12)


def test_every_class_is_named_beside_its_median(points):
    z, labels = points
    axes = latent_maps.latent_map(z, labels).axes[0]
    names = {text.get_text() for text in axes.texts}
    assert {str(label) for label in range(10)} <= names
    starts = np.array([line.get_xydata()[0] for line in axes.lines])
    for label in range(10):
        median = np.median(z[labels == label], axis=0)
        assert (starts == median).all(axis=1).any()


def test_a_square_and_a_path_are_drawn_where_they_are(points):
    path = np.array([[0.0, 0.0], [1.0, 1.0], [2.0, 0.0]])
    axes = latent_maps.latent_map(*points, path=path, square=1.0).axes[0]
    (square,) = [p for p in axes.patches if isinstance(p, Rectangle)]
    assert square.get_bbox().extents.tolist() == [-1, -1, 1, 1]
    lines = [line.get_xydata() for line in axes.lines]
    assert any(np.array_equal(line, path) for line in lines)
    ends = {line.get_marker(): line.get_xydata() for line in axes.lines[-2:]}
    np.testing.assert_array_equal(ends["o"], path[:1])
    np.testing.assert_array_equal(ends["s"], path[-1:])


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


@pytest.mark.parametrize("k", [3, 20, 30])
def test_a_manifold_has_one_dot_a_pixel(k):
    figure = latent_maps.manifold(np.zeros((k * k, 28, 28, 1)), np.arange(k))
    extent = figure.axes[0].get_window_extent()
    assert (extent.width, extent.height) == pytest.approx((28 * k, 28 * k))


def test_a_grid_of_another_size_is_refused():
    with pytest.raises(ValueError, match="3 by 3 needs 9 images: 4"):
        latent_maps.manifold(np.zeros((4, 28, 28, 1)), [0, 1, 2])


def test_figures_are_closed_and_the_session_left_as_it_was(points):
    plt.get_backend()
    before = dict(plt.rcParams)
    latent_maps.latent_map(*points, path=np.zeros((2, 2)), square=1.0)
    latent_maps.manifold(np.zeros((4, 28, 28, 1)), [0, 1])
    latent_maps.map_background(*points, end=3)
    assert plt.get_fignums() == []
    assert dict(plt.rcParams) == before
