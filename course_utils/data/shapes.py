"""Shapes that must be equal, where arithmetic would stretch one to the other."""

from itertools import pairwise
from typing import Any

Shape = tuple[int | None, ...]


def check_same_shape(**tensors: Any) -> None:
    """Refuse tensors of unequal shapes, which would broadcast without an error.

    Sizes that a graph does not know yet (None) fit any, and a number counts as a tensor
    without axes.

    Args:
        tensors: of any framework, by the names that the message is to give them.

    Raises:
        ValueError: two shapes differ; the message names both.
    """
    shapes = {name: _shape(tensor) for name, tensor in tensors.items()}
    for (one, shape), (other, another) in pairwise(shapes.items()):
        if not _fit(shape, another):
            raise ValueError(
                f"{one} has shape {shape} and {other} has {another}: they must be "
                "equal, or one would be stretched to the other without an error."
            )


def check_one_number(**values: Any) -> None:
    """Refuse arrays where one number serves all images and pixels.

    Args:
        values: of any framework, by the names that the message is to give them.

    Raises:
        ValueError: one of them has more numbers than one, or more axes.
    """
    for name, value in values.items():
        shape = _shape(value)
        if shape not in ((), (1,)):
            raise ValueError(f"{name} must be one number, not of shape {shape}.")


def _shape(tensor: Any) -> Shape | None:
    """A tensor's shape, or None if TensorFlow does not know how many axes it has."""
    shape = getattr(tensor, "shape", ())
    return None if getattr(shape, "rank", 0) is None else tuple(shape)


def _fit(one: Shape | None, other: Shape | None) -> bool:
    if one is None or other is None:
        return True
    return len(one) == len(other) and all(
        a is None or b is None or a == b for a, b in zip(one, other, strict=True)
    )
