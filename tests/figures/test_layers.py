import matplotlib.pyplot as plt
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from course_utils.figures.layers import network_diagram

LAYERS = [
    ("conv1 (Conv2D)", (14, 14, 32), 320),
    ("hidden (Dense)", (16,), 50_192),
    ("mu (Dense)", (2,), 34),
    ("logvar (Dense)", (2,), 34, True),
]
TALL = [
    *[("leaky_re_lu (LeakyReLU)", (14, 14, 64), 1_254_400)] * 10,
    ("logit (Dense)", (1,), 6_273),
]


def test_a_network_is_drawn_layer_by_layer_with_its_numbers():
    axes = network_diagram(LAYERS, title="Encoder").axes[0]
    texts = [text.get_text() for text in axes.texts if text.get_text()]
    assert texts[0] == "conv1 (Conv2D)\n14 x 14 x 32,  320 parameters"
    assert texts[1] == "hidden (Dense)\n16,  50,192 parameters"
    assert len(texts) == len(axes.patches) == 4
    assert axes.get_title() == "Encoder"


def test_layers_of_a_network_stand_below_each_other_and_heads_side_by_side():
    axes = network_diagram(LAYERS).axes[0]
    x, y = zip(*(box.get_center() for box in axes.patches), strict=True)
    assert y[0] > y[1] > y[2] == y[3]
    assert x[0] == x[1] == pytest.approx(0)
    assert x[2] == pytest.approx(-x[3])
    assert x[2] < 0
    arrows = [text.arrow_patch for text in axes.texts if not text.get_text()]
    assert len(arrows) == 3


def test_layers_with_more_numbers_are_wider_and_all_stay_in_the_picture():
    axes = network_diagram(LAYERS).axes[0]
    boxes = [box.get_bbox() for box in axes.patches]
    assert boxes[0].width > boxes[1].width > boxes[2].width
    assert boxes[2].width == pytest.approx(boxes[3].width)
    assert boxes[2].x1 < boxes[3].x0
    for box in boxes:
        assert axes.get_xlim()[0] <= box.x0 < box.x1 <= axes.get_xlim()[1]
        assert axes.get_ylim()[0] <= box.y0 < box.y1 <= axes.get_ylim()[1]


@pytest.mark.parametrize("layers", [LAYERS[:1], LAYERS * 4, TALL])
def test_texts_of_a_diagram_do_not_overlap(layers):
    figure = network_diagram(layers)
    renderer = FigureCanvasAgg(figure).get_renderer()
    texts = [text for text in figure.axes[0].texts if text.get_text()]
    extents = [text.get_window_extent(renderer) for text in texts]
    for i, extent in enumerate(extents):
        assert not any(extent.overlaps(other) for other in extents[i + 1 :])


@pytest.mark.parametrize("layers", [LAYERS, TALL])
def test_each_text_of_a_diagram_stays_in_its_box(layers):
    figure = network_diagram(layers)
    figure.canvas.draw()
    axes = figure.axes[0]
    texts = [text for text in axes.texts if text.get_text()]
    for text, box in zip(texts, axes.patches, strict=True):
        inner, outer = text.get_window_extent(), box.get_window_extent()
        assert outer.x0 < inner.x0 < inner.x1 < outer.x1
        assert outer.y0 < inner.y0 < inner.y1 < outer.y1


def test_a_network_without_layers_is_refused():
    with pytest.raises(ValueError, match="no layers"):
        network_diagram([])


def test_the_figure_is_closed_and_leaves_the_session_as_it_was():
    plt.get_backend()  # chosen at the first need, and then kept among the settings
    before = dict(plt.rcParams)
    assert isinstance(network_diagram(LAYERS), plt.Figure)
    assert plt.get_fignums() == []
    assert dict(plt.rcParams) == before
