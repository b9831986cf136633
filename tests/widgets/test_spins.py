"""The temperature slider without a browser."""

import numpy as np
import pytest

from course_utils.data.ising import wolff
from course_utils.exact.ising import energies, enumerate_states
from course_utils.widgets.spins import ising_explorer

STATES = enumerate_states(4)


def all_states(beta):
    """Each state once, with its weight: the exact distribution."""
    return STATES, -beta * energies(STATES)


def by_wolff(beta):
    return wolff(4, beta, 300, 0), np.zeros(300)


@pytest.fixture
def box():
    return ising_explorer({"all states": all_states, "Wolff": by_wolff})


def axes_of(box, **changes):
    values = {name: c.value for name, c in box.controls.items()} | changes
    return box.draw(**values).axes


@pytest.mark.parametrize("name, value", [("sampler", "Wolff"), ("beta", 0.2)])
def test_each_control_changes_the_picture_and_back(box, name, value):
    control = box.controls[name]
    first, before = control.value, bytes(box.picture.value)
    assert before.startswith(b"\x89PNG")
    control.value = value
    assert bytes(box.picture.value) != before
    control.value = first
    assert bytes(box.picture.value) == before


@pytest.mark.parametrize("beta", [0.02, 0.44, 0.8])
def test_weighted_counts_of_all_states_are_exact(box, beta):
    right = axes_of(box, beta=beta)[1]
    bars = [bar.get_height() for bar in right.patches]
    np.testing.assert_allclose(bars, right.lines[0].get_ydata(), atol=1e-12)
    assert sum(bars) == pytest.approx(1)


def test_samples_come_near_the_exact_shares(box):
    right = axes_of(box, sampler="Wolff", beta=0.4)[1]
    bars = np.array([bar.get_height() for bar in right.patches])
    # 300 samples: a share of a half has an error of 0.03
    assert np.abs(bars - right.lines[0].get_ydata()).max() < 0.15


def test_cold_lattices_are_shown_cold(box):
    cold = axes_of(box, beta=0.8)[0].images[0].get_array()
    hot = axes_of(box, beta=0.02)[0].images[0].get_array()
    hot = hot[(hot == 0) | (hot == 1)]
    assert hot.size == 9 * 16
    assert 0.2 < hot.mean() < 0.8
    lattices = cold.reshape(3, 6, 3, 6).transpose(0, 2, 1, 3)[:, :, 1:-1, 1:-1]
    shares = lattices.mean((2, 3))
    # at beta 0.8 a spin that disagrees has a probability of exp(-6.4)
    assert (np.abs(shares - 0.5) > 0.3).all()
