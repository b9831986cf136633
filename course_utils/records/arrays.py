"""Named arrays: the parts of several in one file, and whether they fit a model."""

from collections.abc import Mapping

import numpy.typing as npt


class WeightsError(RuntimeError):
    """Weights that are missing, damaged, or of another model, as the message says."""


def with_prefix(
    prefix: str, arrays: Mapping[str, npt.NDArray]
) -> dict[str, npt.NDArray]:
    """The arrays of one part, as they are called in a file of several."""
    return {f"{prefix}.{key}": array for key, array in arrays.items()}


def without_prefix(
    prefix: str, arrays: Mapping[str, npt.NDArray]
) -> dict[str, npt.NDArray]:
    """The arrays of one part of several, as they are called by themselves."""
    start = f"{prefix}."
    return {
        key.removeprefix(start): array
        for key, array in arrays.items()
        if key.startswith(start)
    }


def check_fit(
    weights: Mapping[str, npt.NDArray], shapes: Mapping[str, tuple[int, ...]]
) -> None:
    """Refuse weights that belong to another model.

    Args:
        weights: arrays by PyTorch's names and in its layouts.
        shapes: those that the model has.

    Raises:
        WeightsError: names or shapes differ; the message says which.
    """
    found = {key: array.shape for key, array in weights.items()}
    faults = [f"the model has no {key}" for key in sorted(found.keys() - shapes.keys())]
    faults += [f"{key} is missing" for key in sorted(shapes.keys() - found.keys())]
    faults += [
        f"{key} has shape {found[key]}, and the model's has {tuple(shape)}"
        for key, shape in sorted(shapes.items())
        if key in found and found[key] != tuple(shape)
    ]
    if faults:
        more = f", and {len(faults) - 3} more" if len(faults) > 3 else ""
        raise WeightsError(
            f"These weights belong to another model: {'; '.join(faults[:3])}{more}. "
            "Make the model as it was made then; a card names the arguments."
        )
