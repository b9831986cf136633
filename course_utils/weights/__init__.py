"""Trained weights that ship with the package: one file a model, for both frameworks.

`weights/<name>.safetensors` holds the numbers and `weights/<name>.json`, its card, says
how they came about: data, epochs, seed, command, measured test figures, versions, and
the file's SHA-256. Reading a file executes nothing, and one that was altered or
truncated is refused.

Names and layouts in the file are PyTorch's: `encoder.conv1.weight`, linear layers
(outputs, inputs), convolutions (outputs, inputs, height, width), transposed ones
(inputs, outputs, height, width). A feature map that is flattened, or made from a flat
vector, counts as (height, width, channels). Keras's layouts are converted in
`tfkeras.weights`.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from course_utils.records.arrays import WeightsError, without_prefix
from course_utils.records.files import replacing

WEIGHTS = Path(__file__).parent


def available() -> list[str]:
    """Names of the weights that ship, in alphabetic order."""
    return sorted(path.stem for path in WEIGHTS.glob("*.json"))


def card(name: str) -> dict[str, Any]:
    """How the named weights came about, and what was measured.

    Raises:
        WeightsError: there are none of that name, or the card is damaged.
    """
    path = WEIGHTS / f"{name}.json"
    if name not in available():
        known = ", ".join(available()) or "none"
        raise WeightsError(f"There are no weights {name!r}; there are: {known}.")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        content["sha256"]
    except (ValueError, KeyError, TypeError) as error:
        raise WeightsError(
            f"The card {path} is damaged ({error!r}). {_remedy(name)}"
        ) from error
    return content


def read_weights(name: str, part: str | None = None) -> dict[str, npt.NDArray]:
    """The named weights as arrays, by PyTorch's names and in its layouts.

    Args:
        name: of the file.
        part: only the arrays whose names begin with it, such as "generator", without
            that beginning; None for all.

    Raises:
        WeightsError: there are none of that name, the file is not the one that the
            card describes, or it has no such part.
    """
    weights = _read_all(name)
    if part is None:
        return weights
    if chosen := without_prefix(part, weights):
        return chosen
    parts = ", ".join(sorted({key.split(".")[0] for key in weights}))
    raise WeightsError(
        f"The weights {name!r} have no part {part!r}; they have: {parts}."
    )


def _read_all(name: str) -> dict[str, npt.NDArray]:
    """All arrays of a file that is the one on its card."""
    from safetensors import SafetensorError
    from safetensors.numpy import load

    expected = card(name)["sha256"]
    path = WEIGHTS / f"{name}.safetensors"
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise WeightsError(f"{path} is missing. {_remedy(name)}") from error
    if hashlib.sha256(content).hexdigest() != expected:
        raise WeightsError(
            f"{path} is damaged or was altered: its SHA-256 is not the one on its "
            f"card. {_remedy(name)}"
        )
    try:
        return load(content)
    except SafetensorError as error:
        raise WeightsError(
            f"{path} holds no readable weights: {error}. {_remedy(name)}"
        ) from error


def save_weights(
    name: str, weights: Mapping[str, npt.NDArray], about: Mapping[str, Any]
) -> None:
    """Write a weights file and its card, to which the file's SHA-256 is added.

    Args:
        name: of both files.
        weights: arrays by PyTorch's names and in its layouts.
        about: the card: data, epochs, seed, command, measured figures, versions.
    """
    from safetensors.numpy import save

    content = save({key: np.ascontiguousarray(a) for key, a in weights.items()})
    sha256 = hashlib.sha256(content).hexdigest()
    # In this order: a card without its file would be refused, a new file that lies
    # beside an old card too.
    with replacing(WEIGHTS / f"{name}.safetensors") as temporary:
        temporary.write_bytes(content)
    with replacing(WEIGHTS / f"{name}.json") as temporary:
        text = json.dumps({**about, "sha256": sha256}, indent=1)
        temporary.write_text(text + "\n", encoding="utf-8")


def _remedy(name: str) -> str:
    return (
        f"Restore {name}.safetensors and {name}.json together from the repository, or "
        "make them anew with `make weights`."
    )
