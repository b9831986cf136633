"""The phase plane and the player without a browser."""

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.quiver import Quiver

from course_utils.exact.games import (
    DIRAC_METHODS,
    dirac_gan_eigenvalues,
    dirac_gan_path,
    dirac_gan_step,
)
from course_utils.figures import game_frames
from course_utils.widgets import games

X = np.linspace(-3, 5, 41)
DATA = np.exp(-(X**2) / 2) / np.sqrt(2 * np.pi)
STEPS = np.array([0, 100, 1500])
FAKE = np.array([np.exp(-((X - m) ** 2) / 2) / np.sqrt(2 * np.pi) for m in (3, 1, 0)])
D = 0.9 * DATA / (DATA + FAKE)


@pytest.fixture
def dirac():
    return games.dirac_explorer()


@pytest.fixture
def player():
    return games.game_player(STEPS, X, D, DATA, FAKE)


def values(box, **changes):
    return {name: c.value for name, c in box.controls.items()} | changes


def line(axes, marker):
    (found,) = [one for one in axes.lines if one.get_marker() == marker]
    return np.stack(found.get_data(), axis=1)


# ---------------------------------------------------------------- phase plane


@pytest.mark.parametrize(
    "name, value",
    [("method", "alternating"), ("step", 0.9), ("gamma", 0.5), ("start", 0.01)],
)
def test_each_control_changes_the_picture_and_back(dirac, name, value):
    control = dirac.controls[name]
    first, before = control.value, bytes(dirac.picture.value)
    assert before.startswith(b"\x89PNG")
    control.value = value
    assert bytes(dirac.picture.value) != before
    control.value = first
    assert bytes(dirac.picture.value) == before


@pytest.mark.parametrize("method", DIRAC_METHODS)
def test_the_path_is_the_one_of_the_controls(dirac, method):
    figure = dirac.draw(method=method, step=0.3, gamma=0.4)
    expected = dirac_gan_path(method, (1, 1), 0.3, games.DIRAC_STEPS, 0.4)
    np.testing.assert_array_equal(line(figure.axes[0], "."), expected)
    np.testing.assert_array_equal(line(figure.axes[0], "o"), expected[-1:])
    assert f"{np.hypot(*expected[-1]):.3g} away" in figure.axes[0].get_title()


@pytest.mark.parametrize(
    "method, gamma, word",
    [
        ("simultaneous", 0.0, "leaves"),
        ("alternating", 0.0, "circles"),
        ("wasserstein", 0.0, "leaves"),
        ("wasserstein_alternating", 0.0, "circles"),
        ("simultaneous", 1.0, "arrives"),
    ],
)
def test_crosses_and_words_are_those_of_the_eigenvalues(dirac, method, gamma, word):
    circle = dirac.draw(method=method, step=0.3, gamma=gamma).axes[1]
    expected = dirac_gan_eigenvalues(method, 0.3, gamma)
    shown = line(circle, "x")
    np.testing.assert_array_equal(shown[:, 0] + 1j * shown[:, 1], expected)
    assert f"{np.abs(expected).max():.4f}: it {word}" in circle.get_title()


@pytest.mark.parametrize("method", ["alternating", "wasserstein_alternating"])
def test_the_near_start_shows_what_the_eigenvalues_say(dirac, method):
    largest = 4.0 if method == "alternating" else 2.0
    for step, word in (
        (largest - 0.05, "it circles"),
        (largest, "double, it leaves"),
        (largest + 0.05, ": it leaves"),
    ):
        plane, circle = dirac.draw(method=method, step=step, gamma=0, start=0.01).axes
        assert word in circle.get_title()
        path = line(plane, ".")
        np.testing.assert_array_equal(path[0], (0.01, 0.01))
        ends_inside = np.hypot(*path[-1]) < plane.get_xlim()[1]
        assert ends_inside == (step <= largest)  # at 2/u the diagonal alone stays


def test_a_large_step_leaves_from_far_where_it_circles_near(dirac):
    plane, circle = dirac.draw(method="alternating", step=2.0, gamma=0.0).axes
    assert "it circles" in circle.get_title()
    assert np.hypot(*line(plane, ".")[-1]) > plane.get_xlim()[1]


def test_the_title_says_what_was_played(dirac):
    title = dirac.draw(method="wasserstein", step=0.35, gamma=0.2).axes[0].get_title()
    assert title.startswith("Wasserstein, both at once, h = 0.35, γ = 0.2\n")


def test_far_eigenvalues_stay_in_sight(dirac):
    circle = dirac.draw(method="wasserstein", step=4.5, gamma=2.0).axes[1]
    assert np.abs(line(circle, "x")).max() < 1.6


def test_a_kink_has_no_eigenvalues(dirac):
    circle = dirac.draw(method="wasserstein_gp", step=0.3, gamma=0.4).axes[1]
    assert "no eigenvalues" in circle.get_title()


def test_arrows_point_where_a_step_leads(dirac):
    figure = dirac.draw(method="simultaneous", step=0.3, gamma=0.4)
    (arrows,) = [c for c in figure.axes[0].collections if isinstance(c, Quiver)]
    for (theta, psi), right, up in zip(
        arrows.get_offsets(), arrows.U, arrows.V, strict=True
    ):
        after = dirac_gan_step("simultaneous", theta, psi, 1.0, 0.4)
        pull = np.array([after[0] - theta, after[1] - psi])
        length = np.hypot(*pull) or 1.0
        # differences over a step of 1e-6: rounding of 1e-16 * 3 / 1e-6
        np.testing.assert_allclose([right, up], pull / length, atol=1e-8)


def test_axes_stay_so_that_pictures_compare(dirac):
    limits = {
        (axes.get_xlim(), axes.get_ylim())
        for step in (0.1, 2.0)
        for axes in dirac.draw(method="wasserstein", step=step, gamma=0.0).axes
    }
    assert limits == {((-3, 3), (-3, 3)), ((-1.6, 1.6), (-1.6, 1.6))}


# --------------------------------------------------------------------- player


def test_moving_the_slider_shows_another_moment(player):
    before = bytes(player.picture.value)
    player.controls["moment"].value = 2
    assert bytes(player.picture.value) != before
    player.controls["moment"].value = 0
    assert bytes(player.picture.value) == before


@pytest.mark.parametrize("moment", range(3))
def test_the_curves_are_those_of_the_moment(player, moment):
    above, below = player.draw(moment=moment).axes
    assert above.get_title(loc="left") == f"after {STEPS[moment]:,} steps"
    np.testing.assert_array_equal(above.lines[1].get_ydata(), D[moment])
    np.testing.assert_array_equal(below.lines[0].get_ydata(), FAKE[moment])
    best = above.lines[2].get_ydata()
    seen = np.isfinite(best)
    assert seen.any()
    expected = DATA / (DATA + FAKE[moment])
    np.testing.assert_allclose(best[seen], expected[seen])
    assert np.all((DATA + FAKE[moment])[~seen] < 0.01)


def test_the_densities_keep_one_scale(player):
    ends = {player.draw(moment=m).axes[1].get_ylim() for m in range(3)}
    assert ends == {(0, 1.6 * DATA.max())}


def test_it_may_start_at_another_moment():
    box = games.game_player(STEPS, X, D, DATA, FAKE, first=1)
    assert values(box) == {"moment": 1}


def test_shapes_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match=r"as \(3, 41\), a row for each"):
        games.game_player(STEPS, X, D[:2], DATA, FAKE)
    with pytest.raises(ValueError, match="each of the 41 points"):
        games.game_player(STEPS, X, D, DATA[1:], FAKE)


# ----------------------------------------------------------------------- both


def test_saved_pages_get_figures(monkeypatch):
    monkeypatch.setenv("COURSE_STATIC", "1")
    assert isinstance(games.dirac_explorer(), Figure)
    assert isinstance(games.game_player(STEPS, X, D, DATA, FAKE), Figure)


@pytest.mark.parametrize(
    "make, name, places",
    [
        (games.dirac_explorer, "step", np.arange(1, 16) / 10),
        (
            lambda: games.game_player(STEPS, X, D, DATA, FAKE),
            "moment",
            [1, 2, 0] * 5,
        ),
    ],
)
def test_a_redraw_costs_less_than_two_plain_pictures(
    make, name, places, redraw_in_plain_pictures
):
    assert redraw_in_plain_pictures(make().controls[name], places) < 2


@pytest.mark.parametrize(
    "pair, words",
    [
        ((1j, -1j), "1.0000: it circles"),
        ((-1 + 1e-8, -1 - 1e-8), "1.0000: double, it leaves"),
        ((0.5, 0.2), "arrives"),
        ((1.01, 0.9), "leaves"),
        ((1.0002, 0.9998), "leaves"),
    ],
)
def test_words_for_the_eigenvalues(pair, words):
    assert words in game_frames.describe(np.array(pair, complex))
