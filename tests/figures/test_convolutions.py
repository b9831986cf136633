import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgba
from matplotlib.patches import Rectangle
from scipy.signal import convolve2d

from course_utils.figures import convolutions

IMAGE = np.arange(36.0).reshape(6, 6)
KERNEL = np.array([[1.0, 2, 0], [0, -1, 3], [2, 0, 1]])
ENCODER = [
    ("conv", (14, 14, 32), 320),
    ("flatten", (14 * 14 * 32,), 0),
    ("hidden", (16,), 100_368),
    ("mu", (2,), 34, False),
    ("logvar", (2,), 34, True),
]


def same(image, kernel, stride=2):
    """A convolution as Keras has it, with zeros on the right and below."""
    full = convolve2d(np.pad(image, (0, 1)), kernel[::-1, ::-1], mode="valid")
    return full[::stride, ::stride]


def stamped(numbers, kernel, stride=2):
    n, k = len(numbers), len(kernel)
    output = np.zeros(((n - 1) * stride + k,) * 2)
    for (i, j), number in np.ndenumerate(numbers):
        rows = slice(stride * i, stride * i + k)
        columns = slice(stride * j, stride * j + k)
        output[rows, columns] += number * kernel
    return output[: n * stride, : n * stride]


def numbers_in(figure):
    """The numbers that are printed, in the order in which they are drawn."""
    texts = [text.get_text().replace("−", "-") for text in figure.axes[0].texts]
    return [float(text) for text in texts if text.lstrip("-").isdigit()]


def boxes_of_texts(figure):
    FigureCanvasAgg(figure).draw()
    return [text.get_window_extent() for text in figure.axes[0].texts]


def overlap(one, other):
    return (
        one.x0 < other.x1
        and other.x0 < one.x1
        and (one.y0 < other.y1 and other.y0 < one.y1)
    )


def test_a_convolution_shows_input_kernel_and_output():
    output = same(IMAGE, KERNEL)
    drawn = numbers_in(convolutions.strided_convolution(IMAGE, KERNEL, output))
    padded = np.pad(IMAGE, (0, 1))
    expected = [*padded.ravel(), *KERNEL.ravel(), *output.ravel()]
    np.testing.assert_array_equal(drawn, expected)


def test_the_frames_are_the_first_and_the_last_window():
    figure = convolutions.strided_convolution(IMAGE, KERNEL, same(IMAGE, KERNEL))
    frames = [
        p
        for p in figure.axes[0].patches
        if isinstance(p, Rectangle) and p.get_linewidth() > 3
    ]
    first, last, one, other = (frame.get_bbox() for frame in frames)
    cell = convolutions.CELL
    # four cells apart each way in the input, two in the output
    assert last.x0 - first.x0 == pytest.approx(4 * cell)
    assert first.y0 - last.y0 == pytest.approx(4 * cell)
    assert other.x0 - one.x0 == pytest.approx(2 * cell)
    assert first.width > 2.5 * cell > one.width


def test_a_transposed_convolution_shows_what_stamps_make():
    numbers = np.array([[1.0, 2, 0], [0, 0, 1], [2, 3, 0]])
    output = stamped(numbers, KERNEL)
    figure = convolutions.transposed_convolution(numbers, KERNEL, output)
    expected = [*numbers.ravel(), *KERNEL.ravel(), *output.ravel()]
    np.testing.assert_array_equal(numbers_in(figure), expected)


def test_every_place_is_shaded_where_stamps_lie_on_each_other():
    numbers = np.array([[1.0, 2, 0], [0, 0, 1], [2, 3, 0]])
    output = stamped(numbers, KERNEL)
    figure = convolutions.transposed_convolution(numbers, KERNEL, output)
    colour = to_rgba(convolutions.SHARED)
    shaded = [p for p in figure.axes[0].patches if p.get_facecolor() == colour]
    expected = stamped((numbers != 0).astype(float), np.ones((3, 3))) > 1
    cell, left = convolutions.CELL, min(box.get_x() for box in shaded)
    top = max(box.get_y() for box in shaded)
    places = {
        (round((top - box.get_y()) / cell), round((box.get_x() - left) / cell) + 2)
        for box in shaded
    }
    assert places == set(map(tuple, np.argwhere(expected).tolist()))
    assert expected[2, 4]  # where a third stamp lies on the second


@pytest.mark.parametrize(
    "n, k, stride, zeros",
    [(28, 3, 2, (0, 1)), (14, 3, 2, (0, 1)), (7, 3, 2, (1, 1)), (28, 3, 1, (1, 1))],
)
def test_same_adds_as_few_zeros_as_possible(n, k, stride, zeros):
    assert convolutions.same_padding(n, k, stride) == zeros


def test_sizes_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="gives \\(3, 3\\), not \\(2, 2\\)"):
        convolutions.strided_convolution(IMAGE, KERNEL, np.zeros((2, 2)))
    with pytest.raises(ValueError, match="gives \\(12, 12\\), not \\(6, 6\\)"):
        convolutions.transposed_convolution(IMAGE, KERNEL, np.zeros((6, 6)))
    with pytest.raises(ValueError, match="no networks"):
        convolutions.network_maps({})


def test_layers_without_weights_join_their_neighbours_and_heads_each_other():
    steps = convolutions.steps_of((28, 28, 1), ENCODER)
    assert steps == [
        ((28, 28, 1), 0, 1),
        ((14, 14, 32), 320, 1),
        ((16,), 100_368, 1),
        ((2,), 68, 2),
    ]


def test_a_vector_that_becomes_maps_is_drawn_as_maps():
    rows = [("hidden", (3136,), 9408), ("reshape", (7, 7, 64), 0)]
    assert convolutions.steps_of((2,), rows)[-1] == ((7, 7, 64), 9408, 1)


def test_a_network_s_weights_stand_on_its_arrows():
    figure = convolutions.network_maps({"encoder": ((28, 28, 1), ENCODER)})
    texts = [text.get_text() for text in figure.axes[0].texts]
    assert "encoder: 100,756 weights" in texts
    assert {"320", "100,368", "68", "14 × 14 × 32", "2 + 2"} <= set(texts)


@pytest.mark.parametrize(
    "figure",
    [
        convolutions.strided_convolution(IMAGE, KERNEL, same(IMAGE, KERNEL)),
        convolutions.transposed_convolution(
            IMAGE[:3, :3], KERNEL, stamped(IMAGE[:3, :3], KERNEL)
        ),
        convolutions.network_maps({"encoder": ((28, 28, 1), ENCODER)}),
    ],
)
def test_no_text_lies_on_another_or_outside(figure):
    boxes = boxes_of_texts(figure)
    width, height = figure.get_size_inches() * figure.dpi
    for place, box in enumerate(boxes):
        assert not any(overlap(box, other) for other in boxes[:place])
        assert box.x0 >= 0 <= box.y0
        assert box.x1 <= width
        assert box.y1 <= height


def test_figures_are_closed():
    convolutions.strided_convolution(IMAGE, KERNEL, same(IMAGE, KERNEL))
    assert plt.get_fignums() == []
