"""Weights to NumPy and back, and those that ship with the course."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from course_utils.pytorch.device import to_numpy
from course_utils.records.arrays import check_fit
from course_utils.weights import read_weights


def export_weights(model: nn.Module) -> dict[str, npt.NDArray]:
    """A model's weights by PyTorch's names and in its layouts, as files hold them."""
    return {name: to_numpy(t).copy() for name, t in model.state_dict().items()}


def import_weights(model: nn.Module, weights: Mapping[str, npt.NDArray]) -> nn.Module:
    """Put weights into a model, where it is and in its precision.

    Returns:
        The model, changed in place.

    Raises:
        WeightsError: the weights belong to another model.
    """
    shapes = {name: tuple(t.shape) for name, t in model.state_dict().items()}
    check_fit(weights, shapes)
    state = {name: torch.from_numpy(np.array(a)) for name, a in weights.items()}
    model.load_state_dict(state)
    return model


def load_pretrained(model: nn.Module, name: str, part: str | None = None) -> nn.Module:
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
