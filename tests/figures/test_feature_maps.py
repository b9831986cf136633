"""Pictures of a pair of convolutional networks show what they are given."""

import math

import matplotlib.pyplot as plt
import numpy as np
import pytest
from figure_words import overlapping_words
from matplotlib.colors import to_rgba
from matplotlib.patches import Rectangle

from course_utils.figures import feature_maps
from course_utils.figures.style import tile

SLIDE = 1220, 640  # pixels of a picture on a slide
LETTERS = 20
RNG = np.random.default_rng(0)
UP = [
    RNG.normal(size=shape)
    for shape in ((7, 7, 256), (7, 7, 128), (14, 14, 64), (28, 28, 1))
]
DOWN = [RNG.normal(size=shape) for shape in ((14, 14, 64), (7, 7, 128))]
Z = RNG.normal(size=100)


def counts(kernel, n=14, stride=2):
    """Stamps that meet in each pixel, cut off as padding "same" does."""
    whole = np.zeros(2 * ((n - 1) * stride + kernel,))
    for i in range(0, n * stride, stride):
        for j in range(0, n * stride, stride):
            whole[i : i + kernel, j : j + kernel] += 1
    before = (kernel - stride) // 2
    return whole[before : before + n * stride, before : before + n * stride]


def a_game():
    steps = list(range(25, 301, 25))
    losses = {"discriminator": [1.38] * 12, "generator": [0.7] * 12}
    film = {step: RNG.random((16, 28, 28, 1)) for step in range(0, 301, 50)}
    levels = {"ln 4": math.log(4), "ln 2": math.log(2)}
    return steps, losses, film, levels


def epochs_of_a_game():
    losses = {"discriminator": [1.35] * 30, "generator": [0.72] * 30}
    film = {epoch: RNG.random((4, 28, 28, 1)) for epoch in (1, 2, 4, 8, 16, 30)}
    levels = {"ln 4": math.log(4), "ln 2": math.log(2)}
    return range(1, 31), losses, film, levels, "epochs"


DRAWN = {
    "maps": lambda: feature_maps.feature_maps(Z, UP, DOWN, -0.25),
    "stamps": lambda: feature_maps.stamp_counts({5: counts(5), 4: counts(4)}),
    "game": lambda: feature_maps.losses_below_digits(*a_game()),
    "epochs": lambda: feature_maps.losses_below_digits(*epochs_of_a_game()),
}


@pytest.fixture(params=DRAWN)
def figure(request):
    return DRAWN[request.param]()


def words(figure):
    return [text.get_text() for axes in figure.axes for text in axes.texts]


def shown(figure):
    return [np.asarray(image.get_array()) for image in figure.axes[0].images]


def test_words_can_be_read_and_lie_on_nothing(figure):
    assert overlapping_words(figure) == []
    inches = figure.get_size_inches()
    pixels = min(wide / inch for wide, inch in zip(SLIDE, inches, strict=True))
    for axes in figure.axes:
        for text in axes.texts:
            assert text.get_fontsize() / 72 * pixels >= LETTERS, text.get_text()
            box = text.get_window_extent()
            assert figure.bbox.contains(*box.min), text.get_text()
            assert figure.bbox.contains(*box.max), text.get_text()


def test_figures_are_no_plots_and_give_both_pictures(figure):
    assert plt.get_fignums() == []
    for kind in ("svg", "png"):
        assert 0 < len(figure.picture(kind)) < 300_000  # of noise, which is long


def test_maps_are_named_and_have_their_sizes():
    seen = words(DRAWN["maps"]())
    for name in (*feature_maps.UP, *feature_maps.DOWN, "z: 100 numbers"):
        assert seen.count(name) == 1
    sizes = ["7 × 7 × 256", "7 × 7 × 128", "14 × 14 × 64", "28 × 28 × 1"]
    assert [seen.count(size) for size in sizes] == [1, 2, 2, 1]
    assert "−0.25" in seen


def test_sixteen_channels_are_shown_each_with_its_own_greys():
    z, first, *_, digit = shown(DRAWN["maps"]())[:5]
    np.testing.assert_array_equal(z[:, 0], Z)
    assert first.shape == (4 * 7 + 3, 4 * 7 + 3)
    for place, channel in enumerate(np.linspace(0, 255, 16).astype(int)):
        row, column = (8 * at for at in divmod(place, 4))
        maps = UP[0][..., channel]
        scaled = (maps - maps.min()) / np.ptp(maps)
        part = first[row : row + 7, column : column + 7]
        np.testing.assert_allclose(part, scaled, atol=1e-6)
    assert digit.shape == (28, 28)


def test_another_number_of_layers_is_refused():
    with pytest.raises(ValueError, match="4 layers .* not 3 and 2"):
        feature_maps.feature_maps(Z, UP[1:], DOWN, 0.0)


def test_stamps_are_counted_in_the_middle():
    figure = DRAWN["stamps"]()
    numbers = [int(word) for word in words(figure) if word.isdigit()]
    five, four = np.split(np.array(numbers), 2)
    assert set(five) == {4, 6, 9}
    assert set(four) == {4}


@pytest.mark.parametrize("kernel", [3, 4, 5, 6])
def test_framed_stamps_begin_where_a_stamp_begins(kernel):
    whole = counts(kernel)
    figure = feature_maps.stamp_counts({kernel: whole})
    boxes = [p for p in figure.axes[0].patches if isinstance(p, Rectangle)]
    corner = min(p.get_x() for p in boxes), max(p.get_y() for p in boxes)
    one, other = (p for p in boxes if p.get_linewidth() > 3)
    assert one.get_edgecolor() == to_rgba(feature_maps.FRAMES[0][0])
    cell = feature_maps.CELL
    assert round((other.get_x() - one.get_x()) / cell) == 2
    column = round((one.get_x() - corner[0]) / cell)
    first = len(whole) // 2 - feature_maps.SHOWN // 2
    before = (kernel - 2) // 2
    # stamps begin `before` pixels left of the even ones
    assert (first + column + before) % 2 == 0
    assert round(one.get_width() / cell) == kernel


def test_a_small_output_has_no_middle():
    with pytest.raises(ValueError, match="at least 16 pixels"):
        feature_maps.stamp_counts({5: counts(5, n=6)})


@pytest.mark.parametrize("game", [a_game(), epochs_of_a_game()])
def test_losses_stand_below_the_digits_of_their_time(game):
    steps, losses, film, *_ = game
    figure = feature_maps.losses_below_digits(*game)
    paper, axes = figure.axes
    unit = game[4] if len(game) > 4 else "steps"
    assert axes.get_xlabel().startswith(unit)
    assert ("logarithmic" in axes.get_xlabel()) == (axes.get_xscale() == "log")
    seen = words(figure)
    assert all(f"{unit[:-1]} {time}" in seen for time in film)
    lines = [line for line in axes.lines if len(line.get_xdata()) == len(steps)]
    for line, values in zip(lines, losses.values(), strict=True):
        np.testing.assert_array_equal(line.get_xdata(), steps)
        np.testing.assert_array_equal(line.get_ydata(), values)
    for image, step in zip(paper.images, film, strict=True):
        left, right, *_ = image.get_extent()
        place = axes.transData.transform((step, 0))[0] / figure.dpi
        assert (left + right) / 2 == pytest.approx(place)
        tiles = np.asarray(image.get_array())
        np.testing.assert_allclose(tiles[:28, :28], film[step][0, ..., 0], atol=1e-6)


def test_a_film_of_one_moment_and_of_two_steps_is_drawn():
    film = {step: RNG.random((4, 28, 28, 1)) for step in (0, 1, 2)}
    losses = {"discriminator": [1.4, 1.3], "generator": [0.7, 0.8]}
    figure = feature_maps.losses_below_digits([1, 2], losses, film, {"ln 2": 0.69})
    left, right = (image.get_extent() for image in figure.axes[0].images[:2])
    assert left[1] < right[0]


def test_the_images_of_a_frame_are_those_of_its_mosaic():
    images = RNG.random((64, 28, 28, 1))
    frame = np.full((260, 238), 7)
    frame[22:] = 255 * tile(images, 8)[..., 0]
    found = feature_maps.digits_of_frame(frame)
    assert found.shape == images.shape
    np.testing.assert_allclose(found, images, atol=1 / 255)
