"""Pictures of rows and images of any shape, whose words can be read."""

import numpy as np
import pytest
from figure_words import overlapping_words

from course_utils.figures.your_data import latent_plane, leads, portraits
from course_utils.metrics.bounds import Estimate

TITLES = ("held out", "from their z", "drawn from the model")


@pytest.mark.parametrize(
    "shape",
    [(9, 8, 1), (9, 8, 2), (9, 8, 3), (9, 8, 4), (16,), (200,), (4,), (2,), (1,)],
)
def test_each_shape_has_its_picture(rng, shape):
    panels = {title: rng.normal(size=(60, *shape)) for title in TITLES}
    figure = portraits(panels)
    assert [axes.get_title() for axes in figure.axes] == list(TITLES)
    assert overlapping_words(figure) == []


def test_curves_are_the_rows_unless_columns_differ_too_much(rng):
    rows = rng.normal(size=(60, 10))
    axes = portraits({"data": rows}).axes[0]
    assert np.array_equal(axes.lines[0].get_ydata(), rows[0])
    rows[:, 3] *= 1e6
    axes = portraits({"data": rows}).axes[0]
    wanted = (rows[0] - rows.mean(0)) / rows.std(0)
    np.testing.assert_allclose(axes.lines[0].get_ydata(), wanted)
    assert axes.get_ylabel() == "spreads from the mean"


def test_points_are_of_the_two_columns_that_are_correlated_most(rng):
    rows = rng.normal(size=(60, 4))
    rows[:, 3] = rows[:, 1] + 0.01 * rows[:, 3]
    axes = portraits({"data": rows}, ("a", "b", "c", "d")).axes[0]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("b", "d")
    assert np.array_equal(axes.lines[0].get_xdata(), rows[:, 1])


def test_all_images_share_the_first_set_s_scale(rng):
    images = 5 + 100 * rng.random((30, 6, 5, 1))
    figure = portraits({"data": images, "pale": images / 2})
    first, second = (np.asarray(axes.images[0].get_array()) for axes in figure.axes)
    np.testing.assert_allclose(first[:6, :5], (images[0, ..., 0] - 5) / 100, atol=0.05)
    np.testing.assert_allclose(
        second[:6, :5], (images[0, ..., 0] / 2 - 5).clip(0) / 100, atol=0.05
    )


def test_the_plane_is_that_of_the_numbers_that_carry_most(rng):
    mu = rng.normal(size=(50, 3))
    figure = latent_plane(mu, np.array([0.1, 2.0, 1.0]), mu[:, 0])
    points = figure.axes[0].collections[0].get_offsets()
    assert np.array_equal(points, mu[:, [1, 2]])
    assert "z_{2}" in figure.axes[0].get_xlabel()
    assert "2.00" in figure.axes[0].get_xlabel()


def test_leads_have_their_numbers(rng):
    models = {"VAE, 500 points": Estimate(3.0, 0.2), "one normal": Estimate(0.0, 0.0)}
    figure = leads(models, "one normal")
    assert [text.get_text() for text in figure.axes[0].texts] == ["3.00", "0"]
    assert overlapping_words(figure) == []
