"""Pictures of a latent space: what is drawn is what was measured, and can be read."""

from functools import partial

import matplotlib.pyplot as plt
import numpy as np
import pytest
from figure_words import overlapping_words
from matplotlib.collections import LineCollection
from matplotlib.patches import Circle

from course_utils.figures import latent_walks

IMAGE = np.linspace(0, 1, 784).reshape(28, 28)
Z = np.random.default_rng(0).standard_normal(100)
RADII, DISTANCES = np.array([2, 5, 10, 20, 59]), np.array([200, 23, 12, 20, 61])
SCANS = {"scan A": (8.2, 149.0), "scan B": (29.7, 404.0), "scan C": (58.2, 69.0)}
LABELS = "mean slant", "share that keeps its class"
POINTS = np.random.default_rng(1).random((3, 2, 9, 40))  # directions, labels, k, points
FAR = np.linspace(-1, 1, 9)
MOVED = {
    "along the handle": [(0.3 * FAR, *POINTS[0])],
    "random directions": [(0.1 * FAR, *POINTS[1]), (0.2 * FAR, *POINTS[2])],
}
KINDS = {
    "digits": np.array([[0.05, 0.09, 0.06], [0.03, 0.04, 0.1]]),
    "mirrored": np.array([[0.1, 0.12, 0.11], [0.06, 0.07, 0.14]]),
}
NEAREST = {"digits": np.array([0.2, 0.18]), "mirrored": np.array([0.25, 0.24])}
LENGTHS = {f"{d} numbers": np.linspace(r - 1, r + 1, 500) for d, r in ((3, 2), (90, 9))}
DRAWN = {
    "generator": partial(latent_walks.generator_diagram, Z, IMAGE),
    "shell": partial(latent_walks.shell_diagram, 10, 8.2, 11.8),
    "lengths": partial(latent_walks.lengths_of_draws, LENGTHS),
    "length or direction": partial(
        latent_walks.length_or_direction, RADII, DISTANCES, 3.0, SCANS
    ),
    "turned": partial(latent_walks.turned, "change", LABELS, MOVED),
    "errors": partial(latent_walks.final_errors, KINDS, NEAREST, ["2", "7"]),
}
# A picture on a slide is at most as wide and as high, in pixels.
SLIDE, LETTERS = (1220, 640), 20


@pytest.fixture(params=DRAWN)
def figure(request):
    return DRAWN[request.param]()


def test_words_do_not_overlap(figure):
    assert overlapping_words(figure) == []


def test_letters_can_be_read_in_a_hall(figure):
    inches = figure.get_size_inches()
    pixels = min(wide / inch for wide, inch in zip(SLIDE, inches, strict=True))
    for text in figure.findobj(plt.Text):
        if text.get_text().strip() and text.get_visible():
            assert text.get_fontsize() / 72 * pixels >= LETTERS, text.get_text()


def test_words_stay_in_the_figure(figure):
    figure.canvas.draw()
    for axes in figure.axes:
        for text in axes.texts:
            extent = text.get_window_extent()
            assert figure.bbox.contains(*extent.min), text.get_text()
            assert figure.bbox.contains(*extent.max), text.get_text()


def test_figures_are_closed_and_leave_the_session_as_it_was(figure):
    assert isinstance(figure, plt.Figure)
    assert plt.get_fignums() == []
    before = dict(plt.rcParams)
    latent_walks.lengths_of_draws(LENGTHS)
    assert dict(plt.rcParams) == before


def test_a_generator_stands_between_its_numbers_and_its_image():
    paper, bars = DRAWN["generator"]().axes
    heights = [bar.get_height() for bar in bars.patches]
    np.testing.assert_allclose(heights, Z)
    np.testing.assert_array_equal(paper.images[0].get_array(), IMAGE)
    words = [text.get_text() for text in paper.texts]
    assert "$z$: 100 random numbers" in words


def test_halfway_the_straight_way_is_shorter_by_the_root_of_two():
    axes = DRAWN["shell"]().axes[0]
    origin, *_ = (c.center for c in axes.patches[::-1] if isinstance(c, Circle))
    large = [c for c in axes.patches if isinstance(c, Circle) and c.radius > 0.1]
    around, straight = (np.linalg.norm(np.subtract(c.center, origin)) for c in large)
    assert around / straight == pytest.approx(np.sqrt(2))
    words = " ".join(text.get_text() for text in axes.texts)
    for part in ("$|z|$ = 10.0", "$|z|$ = 7.1", "8.2 to 11.8"):
        assert part in words


def test_histograms_have_the_area_one_and_their_names():
    axes = DRAWN["lengths"]().axes[0]
    area = sum(bar.get_width() * bar.get_height() for bar in axes.patches)
    assert area == pytest.approx(len(LENGTHS))
    assert [text.get_text() for text in axes.texts] == list(LENGTHS)


def test_a_scan_is_joined_to_the_curve_of_random_directions():
    axes = DRAWN["length or direction"]().axes[0]
    curve, floor, *rest = axes.lines
    np.testing.assert_array_equal(curve.get_xydata(), np.stack([RADII, DISTANCES], 1))
    assert set(floor.get_ydata()) == {3.0}
    for (name, place), stem, dot in zip(
        SCANS.items(), rest[::2], rest[1::2], strict=True
    ):
        assert tuple(dot.get_xydata()[0]) == place, name
        assert tuple(stem.get_xydata()[1]) == place
    # scan B is halfway between 20 and 59 on the logarithmic axis, not on a linear one
    foot = rest[2].get_ydata()[0]
    share = np.log(29.7 / 20) / np.log(59 / 20)
    assert np.log(foot) == pytest.approx(
        (1 - share) * np.log(20) + share * np.log(61), rel=1e-6
    )


def test_each_direction_has_a_line_with_two_standard_errors_over_its_own_way():
    directions = [one for of_name in MOVED.values() for one in of_name]
    for panel, axes in enumerate(DRAWN["turned"]().axes, 1):
        assert axes.get_title() == LABELS[panel - 1]
        bars = [c for c in axes.collections if isinstance(c, LineCollection)]
        for bar, direction in zip(bars, directions, strict=True):
            rows = zip(bar.get_segments(), direction[0], direction[panel], strict=True)
            for segment, far, row in rows:
                error = row.std() / np.sqrt(40)
                ends = [row.mean() - 2 * error, row.mean() + 2 * error]
                np.testing.assert_allclose(segment[:, 0], far)
                np.testing.assert_allclose(segment[:, 1], ends)


def test_each_name_stands_once_beside_its_colour():
    legend = DRAWN["turned"]().axes[0].get_legend()
    assert [text.get_text() for text in legend.get_texts()] == list(MOVED)


def test_each_start_is_a_dot_over_its_image():
    figure = DRAWN["errors"]()
    for axes, (kind, ends) in zip(figure.axes, KINDS.items(), strict=True):
        assert axes.get_title() == kind
        dots = [line for line in axes.lines if line.get_marker() == "o"]
        for line, values in zip(dots, ends, strict=True):
            np.testing.assert_array_equal(line.get_ydata(), values)
        bars = [line for line in axes.lines if line.get_marker() != "o"]
        assert [bar.get_ydata()[0] for bar in bars] == list(NEAREST[kind])
        assert [t.get_text() for t in axes.get_xticklabels()] == ["2", "7"]
