import pytest

from course_utils.records.layers import LayerRow, layer_text, shape_text

ROWS = [("conv1 (Conv2D)", (14, 14, 32), 320), ("mu (Dense)", (2,), 34_000)]


def test_layers_stand_below_each_other_with_their_sum():
    assert layer_text(ROWS).splitlines() == [
        "layer           output shape  parameters",
        "----------------------------------------",
        "conv1 (Conv2D)  14 x 14 x 32         320",
        "mu (Dense)                 2      34,000",
        "----------------------------------------",
        "sum                               34,320",
    ]


def test_named_rows_are_as_good_as_plain_ones():
    assert layer_text([LayerRow(*row) for row in ROWS]) == layer_text(ROWS)


@pytest.mark.parametrize("shape, text", [((28, 28, 1), "28 x 28 x 1"), ((2,), "2")])
def test_shapes_are_written_as_products(shape, text):
    assert shape_text(shape) == text
