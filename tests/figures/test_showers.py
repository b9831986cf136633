"""Pictures of showers: cells, histograms, and the distances that were handed over."""

import matplotlib.pyplot as plt
import numpy as np
from figure_words import overlapping_words

from course_utils.data.showers import Calorimeter
from course_utils.figures import showers

BLOCK = Calorimeter()


def test_each_shower_is_a_row_on_one_scale_of_grey():
    panels = {"simulated": BLOCK.sample(6, 0), "GAN": BLOCK.sample(4, 1)}
    figure = showers.showers_in_layers(panels)
    shown = [axes.images[0] for axes in figure.axes[:2]]
    for image, energies in zip(shown, panels.values(), strict=True):
        np.testing.assert_array_equal(image.get_array(), energies)
    assert len({image.get_clim() for image in shown}) == 1
    assert overlapping_words(figure) == []


def test_histograms_count_all_but_the_last_tails_and_show_both_distances(rng):
    truth, fake = rng.normal(20, 0.5, 4_000), rng.normal(20, 0.4, 3_000)
    one = showers.Judged(truth, fake, 0.0432, 0.0091)
    quantities = {"energy sum (GeV)": one, "width (radiation lengths)": one}
    figure = showers.judged_by_physics(quantities)
    for axes, name in zip(figure.axes, quantities, strict=True):
        assert axes.get_xlabel() == name
        assert axes.get_title() == "distance 0.043\ntwo simulations: 0.009"
        edges = [bar.get_x() for bar in axes.patches[:40]]
        # a thousandth of all values may lie outside of the histogram
        inside = (truth >= edges[0]) & (truth <= edges[-1] + edges[1] - edges[0])
        assert inside.mean() > 0.99
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["simulated", "GAN"]
    assert overlapping_words(figure) == []


def test_figures_are_closed():
    before = plt.get_fignums()
    showers.showers_in_layers({"a": BLOCK.sample(2, 0)})
    assert plt.get_fignums() == before
