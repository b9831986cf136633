"""Panels of samples: every sample and every mode is drawn, and nothing twice."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from course_utils.data.mixtures import grid_of_gaussians, ring_of_gaussians
from course_utils.figures import game_frames


@pytest.mark.parametrize("panels, shape", [(1, (1, 1)), (4, (1, 4)), (5, (2, 4))])
def test_panels_show_samples_and_modes_in_rows(panels, shape, rng):
    ring = ring_of_gaussians()
    samples = {f"seed {k}": rng.normal(size=(30 + k, 2)) for k in range(panels)}
    figure = game_frames.sample_panels(samples, [ring.modes] * panels)
    assert (len(figure.axes)) == shape[0] * shape[1]
    shown = [axes for axes in figure.axes if axes.get_visible()]
    assert [axes.get_title() for axes in shown] == list(samples)
    for axes, x in zip(shown, samples.values(), strict=True):
        rings, dots = (np.stack(line.get_data(), axis=1) for line in axes.lines)
        np.testing.assert_array_equal(rings, ring.modes)
        np.testing.assert_array_equal(dots, x)


def test_each_panel_has_its_own_target_and_room_for_all_its_modes():
    targets = [ring_of_gaussians(), grid_of_gaussians()]
    samples = {"ring": targets[0].sample(10, 0), "grid": targets[1].sample(10, 0)}
    figure = game_frames.sample_panels(samples, [target.modes for target in targets])
    for axes, target in zip(figure.axes, targets, strict=True):
        assert axes.get_xlim()[1] > target.modes.max()
        assert axes.get_xlim()[1] < 1.5 * target.modes.max()
        assert len(axes.lines[0].get_xdata()) == len(target.modes)


def test_figures_are_closed():
    before = plt.get_fignums()
    game_frames.sample_panels({"a": np.zeros((1, 2))}, [np.ones((1, 2))])
    assert plt.get_fignums() == before
