"""Pictures of the game: they show what was handed in, and no text lies on text."""

from itertools import combinations

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from course_utils.figures import two_players

X = np.arange(-12, 14, 0.05)
P, Q = (np.exp(-((X - m) ** 2) / 2) / np.sqrt(2 * np.pi) for m in (0, 2))
CURVES = two_players.Curves(P, Q, 0.9 * P / (P + Q))
THETA = np.linspace(-3, 7, 51)
STEPS = np.arange(0, 1001, 50)
DISTANCE = np.linspace(0, 6, 25)
# A picture on a slide is as wide and as high, in pixels of a slide of 1280 by 720.
SLIDE = 1220, 640
LETTERS = 20


def real_and_fake():
    rng = np.random.default_rng(0)
    return two_players.real_and_fake(rng.normal(0, 1, 900), rng.normal(2, 1, 900), 0.5)


def best_opinion():
    return two_players.best_opinion(X, CURVES._replace(opinion=P / (P + Q)), 0.5)


def landscape():
    best = -1.386 * np.exp(-(THETA**2) / 4)
    fixed = np.minimum(-0.71 + 0.45 * (THETA - 2), -0.36)
    return two_players.landscape(THETA, best, fixed, 2)


def memory():
    rising, falling = 0.9 + STEPS / 200, 0.35 - STEPS / 5000
    level = np.full(len(STEPS), 0.72)
    panels = {"30 of each kind": (falling, rising), "many": (level, level)}
    return two_players.memory(STEPS, panels, 0.7126)


def two_pulls():
    pulls = {"saturating": DISTANCE * np.exp(-DISTANCE), "non-saturating": DISTANCE}
    return two_players.two_pulls(DISTANCE, pulls)


def moments():
    columns = {f"{n:,} steps": CURVES for n in (0, 200, 2000)}
    return two_players.moments(X, columns, 0.45)


def games():
    columns = {"untrained\nD 1.39, G 0.69": CURVES, "a straight line\nD 1.39": CURVES}
    return two_players.moments(X, columns, 0.45)


def losses_and_shares():
    losses = np.array([1.386 + 0 * STEPS, 0.693 + 0 * STEPS])
    shares = np.array([0.3 + STEPS / 5000, 0.46 + 0 * STEPS, 0.2 + 0 * STEPS])[:, ::2]
    return two_players.losses_and_shares(
        (STEPS, losses), (STEPS[::2], shares), ("Pu", "Am", "Cm"), (0.32, 0.46, 0.22)
    )


DRAWN = [
    real_and_fake,
    best_opinion,
    landscape,
    memory,
    two_pulls,
    moments,
    games,
    losses_and_shares,
]


@pytest.fixture(params=DRAWN, ids=lambda draw: draw.__name__)
def figure(request):
    return request.param()


def texts(figure):
    """Each text that is seen, with its extent in pixels."""
    FigureCanvasAgg(figure).draw()
    for axes in figure.axes:
        for text in [*axes.texts, axes.title, axes.xaxis.label, axes.yaxis.label]:
            if text.get_text().strip():
                yield text, text.get_window_extent()


def test_no_text_lies_on_another_or_leaves_the_figure(figure):
    seen = list(texts(figure))
    assert seen
    for (one, extent), (other, second) in combinations(seen, 2):
        assert not extent.overlaps(second), (one.get_text(), other.get_text())
    for text, extent in seen:
        inside = figure.bbox.contains(*extent.min) and figure.bbox.contains(*extent.max)
        assert inside, text.get_text()


def test_letters_can_be_read_in_a_hall(figure):
    inches = figure.get_size_inches()
    pixels = min(wide / inch for wide, inch in zip(SLIDE, inches, strict=True))
    for text, _ in texts(figure):
        assert text.get_fontsize() / 72 * pixels >= LETTERS, text.get_text()


def curves_of(axes):
    return [line.get_xydata().T for line in axes.lines]


def test_the_best_opinion_is_the_ratio_where_there_is_anything_to_see():
    best, both = CURVES.best, P + Q
    seen = both > 1e-3 * both.max()
    np.testing.assert_allclose(best[seen], (P / both)[seen])
    assert np.isnan(best[~seen]).all()
    assert not seen.all()


def test_the_hill_has_its_top_at_the_best_opinion():
    _, right = best_opinion().axes
    hill, top = right.lines
    place = hill.get_xdata()[hill.get_ydata().argmax()]
    at = np.abs(X - 0.5).argmin()
    best = P[at] / (P[at] + Q[at])
    assert abs(place - best) < 0.005
    assert top.get_xdata() == [best]
    assert right.texts[0].get_text() == "best at D = 0.73"


def test_heaps_are_counted_with_area_one():
    (axes,) = real_and_fake().axes
    for patch in axes.patches:
        heights, edges, _ = patch.get_data()
        # a few of them may lie outside the picture
        assert (heights * np.diff(edges)).sum() == pytest.approx(1)


def test_landscapes_touch_where_it_is_said():
    (axes,) = landscape().axes
    *_, best, fixed, dot = curves_of(axes)
    np.testing.assert_array_equal(best[0], THETA)
    np.testing.assert_array_equal(fixed[0], THETA)
    assert dot[0] == [2]
    assert dot[1] == pytest.approx(np.interp(2, *best))


def test_losses_are_shown_as_they_are():
    left, right = memory().axes
    least, fresh, own = curves_of(left)
    assert (least[1] == 0.7126).all()
    shown = fresh[1] < left.get_ylim()[1]
    np.testing.assert_array_equal(fresh[1][shown], (0.9 + STEPS / 200)[shown])
    np.testing.assert_array_equal(own[1], 0.35 - STEPS / 5000)
    assert left.get_ylim() == right.get_ylim()


def test_steepness_is_that_of_the_two_losses():
    left, right = two_pulls().axes
    (opinion, saturating), (_, other) = curves_of(left)
    np.testing.assert_array_equal(saturating, opinion)
    np.testing.assert_array_equal(other, 1 - opinion)
    assert [line.get_color() for line in left.lines] == [
        line.get_color() for line in right.lines
    ]
    np.testing.assert_array_equal(curves_of(right)[1][1], DISTANCE)


def test_each_column_has_its_curves():
    figure = moments()
    above, below = np.array(figure.axes).reshape(2, 3)
    for one, other in zip(above, below, strict=True):
        _, best, opinion = curves_of(one)
        np.testing.assert_array_equal(best[1], CURVES.best)
        np.testing.assert_array_equal(opinion[1], CURVES.opinion)
        np.testing.assert_array_equal(curves_of(other)[0][1], Q)
    assert [axes.get_title() for axes in above] == [
        "0 steps",
        "200 steps",
        "2,000 steps",
    ]


def test_the_levels_and_the_wanted_shares_are_drawn():
    above, below = losses_and_shares().axes
    levels = [
        line.get_ydata()[0] for line in above.lines if line.get_linestyle() == ":"
    ]
    np.testing.assert_allclose(levels, np.log([4, 2]))
    wanted = [
        line.get_ydata()[0] for line in below.lines if line.get_linestyle() == ":"
    ]
    assert wanted == [0.32, 0.46, 0.22]
    names = [text.get_text() for text in above.texts + below.texts]
    assert names == ["D: ln 4", "G: ln 2", "Pu", "Am", "Cm"]


def test_figures_are_closed_and_the_session_left_as_it_was():
    plt.get_backend()
    before = dict(plt.rcParams)
    for draw in DRAWN:
        draw()
    assert plt.get_fignums() == []
    assert dict(plt.rcParams) == before
