from statistics import NormalDist

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.quiver import Quiver

from course_utils.figures import gradients
from course_utils.widgets.reparameterization import reparameterization_explorer


@pytest.fixture
def box():
    return reparameterization_explorer()


def parts(figure):
    """Noise, samples, values of f there, and what the arrows are rooted at and show."""
    above, below = figure.axes
    (arrows,) = [c for c in below.collections if isinstance(c, Quiver)]
    noise, moved = below.lines[1], below.lines[2]
    return {
        "epsilon": noise.get_xdata(),
        "z": moved.get_xdata(),
        "values": above.lines[1].get_ydata(),
        "roots": arrows.get_offsets(),
        "gradients": np.asarray(arrows.U),
        "upwards": np.asarray(arrows.V),
    }


@pytest.mark.parametrize("name, value", [("mu", -1.0), ("sigma", 0.3)])
def test_setting_a_slider_changes_the_picture(box, name, value):
    before = bytes(box.picture.value)
    assert before.startswith(b"\x89PNG")
    first = box.controls[name].value
    box.controls[name].value = value
    assert bytes(box.picture.value) != before
    box.controls[name].value = first
    assert bytes(box.picture.value) == before


@pytest.mark.parametrize("mu, sigma", [(1.5, 1.0), (-2.0, 1.5), (0.0, 0.02)])
def test_the_same_noise_is_shifted_and_scaled(box, mu, sigma):
    noise = parts(box.draw(mu=0.0, sigma=1.0))["z"]
    shown = parts(box.draw(mu=mu, sigma=sigma))
    np.testing.assert_array_equal(shown["epsilon"], noise)
    np.testing.assert_allclose(shown["z"], mu + sigma * noise, rtol=1e-14)
    np.testing.assert_allclose(shown["values"], shown["z"] ** 2, rtol=1e-14)


def test_the_noise_stands_for_the_normal(box):
    noise = parts(box.draw(mu=0.0, sigma=1.0))["epsilon"]
    np.testing.assert_allclose(noise, -noise[::-1], atol=1e-15)
    # each mark is the median of its eleventh of the probability
    below = [NormalDist().cdf(mark) for mark in noise]
    np.testing.assert_allclose(below, (np.arange(11) + 0.5) / 11, rtol=1e-12)
    assert f"{np.square(noise).mean():.2f}" == "0.89"  # as the docstring says


def test_at_first_the_spread_can_be_seen(box):
    start = {name: control.value for name, control in box.controls.items()}
    assert start["sigma"] != 1  # else the samples are only shifted
    assert box.controls["sigma"].min <= 0.02
    assert "mean slope 3.00 (exact 3.00)" in box.draw(**start).axes[0].get_title()


def test_samples_move_smoothly(box):
    near, far = (parts(box.draw(mu=mu, sigma=1.0))["z"] for mu in (1.0, 1.05))
    np.testing.assert_allclose(far - near, 0.05, rtol=1e-12)


@pytest.mark.parametrize("mu, sigma", [(1.5, 1.0), (-2.0, 0.5)])
def test_arrows_are_the_pathwise_gradients(box, mu, sigma):
    shown, step = parts(box.draw(mu=mu, sigma=sigma)), 1e-4
    ahead, behind = (
        parts(box.draw(mu=mu + s, sigma=sigma))["values"] for s in (step, -step)
    )
    # f is a parabola: the central difference is exact but for rounding, 1e-15 / step
    np.testing.assert_allclose(
        shown["gradients"], (ahead - behind) / (2 * step), atol=1e-10
    )
    np.testing.assert_array_equal(shown["upwards"], 0)
    lanes = np.arange(len(shown["z"]))  # so that no arrow lies on another
    np.testing.assert_allclose(shown["roots"], np.stack([shown["z"], lanes], axis=1))


def test_the_title_compares_both_estimates_with_the_exact_derivatives(box):
    figure = box.draw(mu=1.5, sigma=0.5)
    title = figure.axes[0].get_title()
    # d/dmu and d/dsigma of mu^2 + sigma^2
    assert "(exact 3.00)" in title
    assert "(exact 1.00)" in title
    shown = parts(figure)
    assert f"mean slope {shown['gradients'].mean():.2f}" in title
    product = (shown["gradients"] * shown["epsilon"]).mean()
    assert f"slope × ε {product:.2f}" in title


def test_samples_stay_in_the_picture_at_all_settings(box):
    mu, sigma = box.controls["mu"], box.controls["sigma"]
    for corner in ((mu.min, sigma.max), (mu.max, sigma.max), (mu.min, sigma.min)):
        figure = box.draw(mu=corner[0], sigma=corner[1])
        low, high = figure.axes[0].get_xlim()
        z = parts(figure)["z"]
        assert low <= z.min() <= z.max() <= high


def test_another_function_may_be_explored():
    box = reparameterization_explorer(
        lambda z: np.sin(5 * z), lambda z: 5 * np.cos(5 * z)
    )
    shown = parts(box.draw(mu=0.0, sigma=1.0))
    np.testing.assert_allclose(shown["gradients"], 5 * np.cos(5 * shown["z"]))
    # 5 exp(-12.5) is 0 to two digits
    assert "exact 0.00" in box.draw(mu=0.0, sigma=1.0).axes[0].get_title()


def test_a_saved_page_gets_a_figure(monkeypatch):
    monkeypatch.setenv("COURSE_STATIC", "1")
    figure = reparameterization_explorer()
    assert isinstance(figure, plt.Figure)
    assert plt.get_fignums() == []


def test_a_redraw_costs_less_than_two_plain_pictures(box, redraw_in_plain_pictures):
    places = np.linspace(-2, 2, 15).tolist()
    assert redraw_in_plain_pictures(box.controls["mu"], places) < 2


def test_the_figure_is_closed_and_the_session_left_as_it_was():
    plt.get_backend()
    before = dict(plt.rcParams)
    z = np.array([-1.0, 2.0])
    gradients.pathwise_gradients(z, z, z**2, 2 * z, (z, z**2), "title")
    assert plt.get_fignums() == []
    assert dict(plt.rcParams) == before
