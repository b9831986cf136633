import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.collections import PathCollection

from course_utils.figures import gradients

LINE = np.linspace(-2.2, 4.2, 65)
CURVE = LINE, LINE**2
Z = np.array([0.4, 1.2, 1.8, 2.6])
POINTS = Z, Z**2
BELL = np.exp(-((LINE - 1.5) ** 2) / 2)
WEIGHTS = np.array([0.5, 0.75, 1.04, 1.57])
# A picture on a slide is as wide and as high, in pixels of a slide of 1280 by 720.
SLIDE = 1220, 640
LETTERS = 20
DRAWN = {
    "arrows": lambda: gradients.pathwise_gradients(
        Z - 1.5, Z, Z**2, 2 * Z, CURVE, "μ = 1.50, σ = 0.60\nmean slope 3.00"
    ),
    "cloud": lambda: gradients.cloud_in_landscape(
        CURVE, POINTS, BELL, np.roll(BELL, 5)
    ),
    "tangents": lambda: gradients.cloud_in_landscape(
        (LINE, np.sin(LINE)), (Z, np.sin(Z)), BELL, slopes=np.cos(Z)
    ),
    "weighed": lambda: gradients.weighed_points(CURVE, POINTS, WEIGHTS),
    "moved": lambda: gradients.moved_points(CURVE, POINTS, (Z + 0.5, (Z + 0.5) ** 2)),
    "lost": lambda: gradients.lost_term(LINE, BELL * (LINE - 1.5), LINE**2),
}


@pytest.fixture(params=DRAWN)
def figure(request):
    return DRAWN[request.param]()


def texts(figure):
    """Each text that is seen, with its extent in pixels."""
    figure.draw_without_rendering()
    for axes in figure.axes:
        for text in [*axes.texts, axes.title, axes.xaxis.label, axes.yaxis.label]:
            if text.get_text().strip():
                yield text, text.get_window_extent()


def dots(axes):
    """The places of markers, those drawn last in the end."""
    return [
        np.array(line.get_data()) for line in axes.lines if line.get_marker() == "o"
    ]


def test_no_text_lies_on_another_or_leaves_the_figure(figure):
    extents = [extent for _, extent in texts(figure)]
    assert extents
    for i, extent in enumerate(extents):
        assert not any(extent.overlaps(other) for other in extents[i + 1 :])
        assert figure.bbox.contains(*extent.min)
        assert figure.bbox.contains(*extent.max)


def test_no_dot_lies_on_a_text(figure):
    extents = [extent for _, extent in texts(figure)]
    for axes in figure.axes:
        for places in dots(axes):
            for place in axes.transData.transform(places.T):
                assert not any(extent.padded(5).contains(*place) for extent in extents)


def test_letters_can_be_read_in_a_hall(figure):
    inches = figure.get_size_inches()
    pixels = min(wide / inch for wide, inch in zip(SLIDE, inches, strict=True))
    for text, _ in texts(figure):
        assert text.get_fontsize() / 72 * pixels >= LETTERS, text.get_text()


def test_a_cloud_is_what_was_handed_in():
    above, below = DRAWN["cloud"]().axes
    np.testing.assert_array_equal(above.lines[0].get_xydata().T, CURVE)
    (places,) = dots(above)
    np.testing.assert_array_equal(places, POINTS)
    np.testing.assert_array_equal(below.lines[0].get_ydata(), BELL)
    np.testing.assert_array_equal(below.lines[1].get_ydata(), np.roll(BELL, 5))


def test_tangents_have_the_slopes_and_touch_the_points():
    above, _ = DRAWN["tangents"]().axes
    tangents = [line for line in above.lines if line.get_color() == gradients.SLOPE]
    for line, place, height in zip(tangents, *(Z, np.sin(Z)), strict=True):
        (left, low), (right, high) = line.get_xydata()
        assert (high - low) / (right - left) == pytest.approx(np.cos(place))
        assert (left + right, low + high) == pytest.approx((2 * place, 2 * height))


def test_areas_are_weights():
    (axes,) = DRAWN["weighed"]().axes
    (points,) = [c for c in axes.collections if isinstance(c, PathCollection)]
    np.testing.assert_array_equal(points.get_offsets().T, POINTS)
    np.testing.assert_allclose(
        points.get_sizes() / points.get_sizes()[0], WEIGHTS / 0.5
    )
    assert [text.get_text() for text in axes.texts] == [f"× {w:.1f}" for w in WEIGHTS]


def test_both_ends_of_a_move_are_shown():
    (axes,) = DRAWN["moved"]().axes
    before, after = dots(axes)
    np.testing.assert_array_equal(before, POINTS)
    np.testing.assert_array_equal(after, (Z + 0.5, (Z + 0.5) ** 2))
    arrows = [text for text in axes.texts if not text.get_text()]
    np.testing.assert_array_equal([arrow.xyann for arrow in arrows], before.T)
    np.testing.assert_array_equal([arrow.xy for arrow in arrows], after.T)


def test_the_lost_area_is_that_of_the_arrays():
    z = np.linspace(-10, 12, 2201)
    change = np.exp(-((z - 1.5) ** 2) / 2) / np.sqrt(2 * np.pi) * (z - 1.5)
    left, right = gradients.lost_term(z, change, z**2).axes
    assert right.get_title() == "times f(z): area 3.00"
    np.testing.assert_array_equal(left.lines[0].get_ydata(), change)
    np.testing.assert_array_equal(right.lines[0].get_ydata(), z**2 * change)


def test_figures_are_closed_and_the_session_left_as_it_was():
    plt.get_backend()
    before = dict(plt.rcParams)
    for draw in DRAWN.values():
        draw()
    assert plt.get_fignums() == []
    assert dict(plt.rcParams) == before
