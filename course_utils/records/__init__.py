"""Recorded runs, which lessons read their figures from wherever they lie themselves.

`RESULTS` is the folder, with one JSON file a run and the film of the DCGAN's training;
the programs in tools/ write them. A record that is a History is read by `History.load`
from there.
"""

import json
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"


def read_result(name: str) -> dict[str, Any]:
    """The record of that name.

    Args:
        name: of the file, without ".json".

    Raises:
        ValueError: there is none of that name, or its file is damaged.
    """
    known = sorted(path.stem for path in RESULTS.glob("*.json"))
    if name not in known:
        raise ValueError(
            f"There is no record {name!r}; there are: {', '.join(known) or 'none'}."
        )
    path = RESULTS / f"{name}.json"
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(
            f"The record {path} is damaged ({error}). Restore it from the repository, "
            "or install the course anew."
        ) from error
