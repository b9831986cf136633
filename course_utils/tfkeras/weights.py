"""Weights to NumPy and back, by PyTorch's names, and those that ship."""

from collections.abc import Mapping

import keras
import numpy as np
import numpy.typing as npt

from course_utils.records.arrays import check_fit
from course_utils.tfkeras.device import leaf_layers, to_numpy
from course_utils.weights import read_weights

# Keras's names of a layer's variables: PyTorch's name, and the order of Keras's axes
# that gives PyTorch's layout (only kernels have two or more axes).
TORCH_NAMES = {
    "kernel": "weight",
    "bias": "bias",
    "gamma": "weight",
    "beta": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
}


TORCH_AXES = {"Dense": (1, 0), "Conv2D": (3, 2, 0, 1), "Conv2DTranspose": (3, 2, 0, 1)}


def export_weights(model: keras.Model) -> dict[str, npt.NDArray]:
    """A model's weights by PyTorch's names and in its layouts, as files hold them."""
    return {
        name: np.transpose(to_numpy(variable), axes)
        for name, (variable, axes) in _named_variables(model).items()
    }


def import_weights(
    model: keras.Model, weights: Mapping[str, npt.NDArray]
) -> keras.Model:
    """Put weights that have PyTorch's names and layouts into a model.

    Returns:
        The model, changed in place.

    Raises:
        WeightsError: the weights belong to another model.
    """
    variables = _named_variables(model)
    shapes = {
        name: tuple(variable.shape[axis] for axis in axes)
        for name, (variable, axes) in variables.items()
    }
    check_fit(weights, shapes)
    for name, (variable, axes) in variables.items():
        variable.assign(np.transpose(weights[name], np.argsort(axes)))
    return model


def load_pretrained(
    model: keras.Model, name: str, part: str | None = None
) -> keras.Model:
    """Put weights that ship with the course into a model; see `course_utils.weights`.

    Args:
        model: takes them up.
        name: of the weights.
        part: which model of several in one file, such as "generator".

    Returns:
        The model, changed in place.

    Raises:
        WeightsError: no such weights, a damaged file, or weights of another model.
    """
    return import_weights(model, read_weights(name, part))


def _named_variables(
    model: keras.Model,
) -> dict[str, tuple[keras.Variable, tuple[int, ...]]]:
    """Each variable by PyTorch's name, with the order of axes that it has there.

    The state of dropout's generator does not count among a layer's weights.
    """
    named = {}
    for path, layer in leaf_layers(model).items():
        for variable in layer.weights:
            kernel = len(variable.shape) > 1
            axes = TORCH_AXES[type(layer).__name__] if kernel else (0,)
            named[f"{path}.{TORCH_NAMES[variable.name]}"] = variable, axes
    return named
