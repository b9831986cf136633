"""The walk between digits, with a decoder and a classifier that are only formulas."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from course_utils.data.latent import great_circle, to_shell
from course_utils.figures import digit_rows
from course_utils.metrics.classifier import DigitClassifier
from course_utils.widgets.digits import digit_walk

RADII = np.array([1.0, 5, 10, 20, 60, 120])
FRECHET = np.array([90.0, 40, 10, 20, 50, 80])


def decode(z):
    """Images whose first pixels are the latent point, squeezed into [0, 1]."""
    images = np.zeros((len(z), 784), dtype=np.float32)
    images[:, : z.shape[1]] = 1 / (1 + np.exp(-z))
    return images.reshape(-1, 28, 28, 1)


def classify(images):
    """Probabilities that follow the first ten pixels."""
    first = images.reshape(len(images), -1)[:, :10] ** 4
    return first / first.sum(1, keepdims=True)


@pytest.fixture
def anchors(rng):
    return {label: to_shell(rng.standard_normal(100)) for label in range(10)}


@pytest.fixture
def box(anchors):
    return digit_walk(decode, classify, anchors, RADII, FRECHET)


def parts(figure):
    left, bars, curve = figure.axes
    line, mark = curve.lines
    return {
        "image": left.images[0].get_array(),
        "title": left.get_title(),
        "bars": np.array([bar.get_height() for bar in bars.patches]),
        "curve": np.array(line.get_data()),
        "mark": np.ravel(mark.get_data()),
    }


@pytest.mark.parametrize(
    "name, value", [("start", 7), ("end", 1), ("place", 0.9), ("scale", 3.0)]
)
def test_moving_a_control_changes_the_picture_and_back(box, name, value):
    before, control = bytes(box.picture.value), box.controls[name]
    assert before.startswith(b"\x89PNG")
    old = control.value
    control.value = value
    assert bytes(box.picture.value) != before
    control.value = old
    assert bytes(box.picture.value) == before


@pytest.mark.parametrize("place, scale", [(0.0, 1.0), (0.3, 2.5), (1.0, 0.5)])
def test_the_picture_shows_the_scaled_point_of_the_great_circle(
    box, anchors, place, scale
):
    z = scale * great_circle(anchors[2], anchors[9], [place])
    shown = parts(box.draw(start=2, end=9, place=place, scale=scale))
    np.testing.assert_array_equal(shown["image"], decode(z)[0].squeeze())
    np.testing.assert_allclose(shown["bars"], classify(decode(z))[0])
    expected = classify(decode(z))[0]
    words = f"|z| = {10 * scale:.1f}, read as {expected.argmax()}"
    assert shown["title"] == f"{words} ({expected.max():.0%})"
    assert shown["mark"][0] == pytest.approx(10 * scale)


def test_the_mark_lies_on_the_curve(box):
    shown = parts(box.draw(start=0, end=1, place=0.0, scale=1.0))
    np.testing.assert_array_equal(shown["curve"], [RADII, FRECHET])
    assert shown["mark"] == pytest.approx([10, 10])
    between = parts(box.draw(start=0, end=1, place=0.0, scale=np.sqrt(12)))
    # on logarithmic axes halfway between (20, 20) and (60, 50)
    assert between["mark"] == pytest.approx(np.sqrt([20 * 60, 20 * 50]))


def test_only_classes_with_an_anchor_can_be_chosen(anchors):
    few = {label: anchors[label] for label in (8, 3)}
    box = digit_walk(decode, classify, few, RADII, FRECHET)
    assert box.controls["start"].options == (3, 8)
    with pytest.raises(ValueError, match="no anchor for the class 5"):
        digit_walk(decode, classify, few, RADII, FRECHET, first=(3, 5, 0.5))


def test_a_curve_with_a_length_missing_is_refused(anchors):
    with pytest.raises(ValueError, match=r"one frechet for each.*\(5,\) and \(6,\)"):
        digit_walk(decode, classify, anchors, RADII, FRECHET[1:])


def test_a_saved_page_gets_a_figure_and_none_stays_open(anchors, monkeypatch):
    monkeypatch.setenv("COURSE_STATIC", "1")
    figure = digit_walk(decode, classify, anchors, RADII, FRECHET)
    assert isinstance(figure, plt.Figure)
    assert plt.get_fignums() == []


def test_a_redraw_costs_less_than_two_plain_pictures_with_both_networks(
    anchors, redraw_in_plain_pictures
):
    """The lecture's generator and the shipped classifier, on one thread."""
    from course_utils.pytorch.gan import generate
    from course_utils.pytorch.networks import Generator

    generator, reader = Generator(), DigitClassifier()
    box = digit_walk(
        lambda z: generate(generator, z), reader.probabilities, anchors, RADII, FRECHET
    )
    places = np.linspace(0, 1, 15).tolist()
    assert redraw_in_plain_pictures(box.controls["place"], places) < 2


def test_mosaics_keep_each_image_to_a_grey_level(rng):
    x = rng.random((12, 28, 28, 1)).astype(np.float32)
    figure = digit_rows.mosaics({"some": x[:6], "others": x[6:]}, columns=3)
    for axes, part, title in zip(
        figure.axes, (x[:6], x[6:]), ("some", "others"), strict=True
    ):
        assert axes.get_title() == title
        picture = axes.images[0].get_array()
        np.testing.assert_allclose(picture[30:58, 30:58], part[4, ..., 0], atol=1 / 30)


def test_rows_are_labelled_beside_their_images(rng):
    x = rng.random((2, 4, 28, 28, 1)).astype(np.float32)
    (axes,) = digit_rows.labelled_rows({"one": x[0], "two": x[1]}).axes
    assert [text.get_text() for text in axes.get_yticklabels()] == ["one", "two"]
    row = round(axes.get_yticks()[1])
    picture = axes.images[0].get_array()
    # an image has 28 pixels and a gap of two
    np.testing.assert_allclose(picture[row, :28], x[1, 0, row - 30, :, 0], atol=1 / 30)


def test_shares_are_drawn_for_each_set_with_its_own_band():
    counts = {"few": np.arange(10), "many": 100 * np.arange(10)}
    figure = digit_rows.class_shares(counts, columns=2)
    for axes, (title, of_class) in zip(figure.axes, counts.items(), strict=True):
        n = of_class.sum()
        heights = [bar.get_height() for bar in axes.patches]
        np.testing.assert_allclose(heights, of_class / n)
        edges = sorted(line.get_ydata()[0] for line in axes.lines)
        assert edges[2] - edges[0] == pytest.approx(2 * 1.96 * np.sqrt(0.09 / n))
        assert axes.get_title() == title


def test_a_walk_shows_lengths_and_the_classes_that_are_ever_probable(rng):
    x = rng.random((9, 28, 28, 1)).astype(np.float32)
    lengths = np.linspace(9, 11, 9)
    probabilities = np.zeros((9, 10))
    probabilities[:, 4] = np.linspace(1, 0, 9)
    probabilities[:, 6] = np.linspace(0, 1, 9)
    figure = digit_rows.walk({"way": (x, lengths, probabilities)}, (8.2, 11.8))
    above, middle, below = figure.axes
    assert above.get_title() == "way"
    np.testing.assert_array_equal(middle.lines[0].get_ydata(), lengths)
    assert [text.get_text() for text in below.texts] == ["4", "6"]
    np.testing.assert_array_equal(below.lines[1].get_ydata(), probabilities[:, 6])
