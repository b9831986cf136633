"""The table of a network's layers."""

import keras
import numpy as np

from course_utils.tfkeras.networks import ConvDecoder, ConvEncoder
from course_utils.tfkeras.summary import layer_table, summary


def test_the_table_of_layers_has_names_sizes_and_parameters():
    rows = layer_table(ConvEncoder(), np.zeros((1, 28, 28, 1), np.float32))
    assert rows == [
        ("conv1 (Conv2D)", (14, 14, 32), 320, False),
        ("conv2 (Conv2D)", (7, 7, 64), 18_496, False),
        ("flatten (Flatten)", (3136,), 0, False),
        ("hidden (Dense)", (16,), 50_192, False),
        ("mu (Dense)", (2,), 34, False),
        ("logvar (Dense)", (2,), 34, True),
    ]


def test_a_sequential_network_has_a_table_too():
    network = keras.Sequential([keras.layers.Dense(3), keras.layers.LeakyReLU()])
    x = np.zeros((5, 2), np.float32)
    network(x)
    rows = layer_table(network, x)
    assert [row[1:] for row in rows] == [((3,), 9, False), ((3,), 0, False)]


def test_the_summary_ends_with_the_sum():
    text = summary(ConvDecoder(), np.zeros((1, 2), np.float32))
    assert text.splitlines()[-1].split() == ["sum", "65,089"]
    assert "28 x 28 x 1" in text
