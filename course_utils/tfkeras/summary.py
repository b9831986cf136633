"""The layers of a network as a table."""

import keras
import tensorflow as tf

from course_utils.records.layers import LayerRow, layer_text


def layer_table(model: keras.Model, x: tf.Tensor) -> list[LayerRow]:
    """The layers of a network in the order in which they compute.

    Args:
        model: a network with one input, such as an encoder; sequential or functional.
        x: an input of it, for the sizes.
    """
    start = keras.layers.InputLayer
    layers = [layer for layer in model.layers if not isinstance(layer, start)]
    (entry,) = model.inputs
    outputs = keras.Model(entry, [layer.output for layer in layers])(x)
    rows, source = [], None
    for layer, output in zip(layers, outputs, strict=True):
        name = f"{layer.name} ({type(layer).__name__})"
        shape = tuple(output.shape[1:])
        beside = layer.input is source
        rows.append(LayerRow(name, shape, layer.count_params(), beside))
        source = layer.input
    return rows


def summary(model: keras.Model, x: tf.Tensor) -> str:
    """The layers of a network as text; arguments as in `layer_table`."""
    return layer_text(layer_table(model, x))
