"""Pictures of nats: lengths and places are the numbers."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from figure_words import overlapping_words

from course_utils.figures import nats

PARTS = {"Gaussians": 720.4, "KL": 7.1, "squared error": 15.3}
SCALE = {"one coin": -205.5, "this VAE": -114.4, "ten sets": -172.0, "others": -86.8}
LADDERS = ([1, 5, 50], np.array([-9.0, -7.0, -6.0]), np.array([-1.0, -3.0, -4.5]))

RATES = np.linspace(0, 90, 50)
CODES = (
    {
        "any number of axes": (50 * np.exp(-RATES / 40), RATES),
        "eight axes": (30 + 20 * np.exp(-RATES / 8), RATES / 3),
    },
    {"a network": (15.0, 25.0)},
)


def test_parts_follow_each_other_and_the_small_ones_come_twice():
    above, below = nats.cost_parts(PARTS).axes
    values = list(PARTS.values())
    assert [bar.get_width() for bar in above.patches] == pytest.approx(values)
    assert [bar.get_width() for bar in below.patches] == pytest.approx(values[1:])
    ends = [bar.get_x() + bar.get_width() for bar in above.patches]
    assert ends == pytest.approx(np.cumsum(values))
    assert below.get_xlim() == pytest.approx((values[0], sum(values)))
    assert above.get_title() == "742.8 nats an image"


@pytest.mark.parametrize("parts", [{}, {"one": 1.0}, {"one": 1.0, "two": -1.0}])
def test_parts_that_make_no_bar_are_refused(parts):
    with pytest.raises(ValueError, match="two parts or more"):
        nats.cost_parts(parts)


def test_a_ruler_has_its_values_in_order_and_those_of_others_hollow():
    (axes,) = nats.ruler(SCALE, hollow=["others"]).axes
    names = [label.get_text() for label in axes.get_yticklabels()]
    assert names == ["one coin", "ten sets", "this VAE", "others"]
    places = {name: line for name, line in zip(names, axes.lines, strict=True)}
    for name, value in SCALE.items():
        assert places[name].get_xdata()[0] == value
    hollow = [n for n, line in places.items() if line.get_markerfacecolor() == "none"]
    assert hollow == ["others"]
    assert [text.get_text() for text in axes.texts] == [
        f"{value:.1f}".replace("-", "\N{MINUS SIGN}")
        for value in sorted(SCALE.values())
    ]


@pytest.mark.parametrize("exact", [None, -5.5])
def test_ladders_are_drawn_from_both_sides(exact):
    k, lower, upper = LADDERS
    (axes,) = nats.two_ladders(k, lower, upper, "nats", exact).axes
    drawn = [line.get_xydata().T for line in axes.lines]
    np.testing.assert_array_equal(drawn[0], (k, upper))
    np.testing.assert_array_equal(drawn[1], (k, lower))
    assert len(drawn) == 2 + (exact is not None)
    assert all(line.get_ydata()[0] == exact for line in axes.lines[2:])


def test_bounds_on_the_wrong_side_are_refused():
    k, lower, upper = LADDERS
    with pytest.raises(ValueError, match="above the upper"):
        nats.two_ladders(k, upper, lower, "nats")


def test_codes_are_curves_and_models_dots():
    (axes,) = nats.rate_against_distortion(*CODES).axes
    curves, dots = CODES
    for line, pair in zip(axes.lines, [*curves.values(), *dots.values()], strict=True):
        np.testing.assert_array_equal(line.get_xydata().T, np.reshape(pair, (2, -1)))
    assert [text.get_text() for text in axes.texts] == [*curves, *dots]
    assert axes.get_ylim() == (0, 60)


def test_no_words_lie_on_others_and_figures_are_closed():
    before = plt.get_fignums()
    for figure in (
        nats.cost_parts(PARTS),
        nats.ruler(SCALE),
        nats.two_ladders(*LADDERS, "nats"),
        nats.two_ladders(*LADDERS, "nats", -5.2),
        nats.rate_against_distortion(*CODES),
    ):
        assert overlapping_words(figure) == []
    assert plt.get_fignums() == before
