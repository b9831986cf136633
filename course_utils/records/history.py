"""The named series of a training run."""

import json
from collections.abc import Iterator
from pathlib import Path

from course_utils.records.files import replacing


class IncompleteRunError(RuntimeError):
    """A run was stopped before its end, and what follows needs all of it."""

    def _render_traceback_(self) -> list[str]:
        """What IPython shows: the sentence alone."""
        return str(self).splitlines()


class History:
    """Named series that grow by one value each epoch (or each step).

    >>> history = History()
    >>> history.append(elbo=-120.0, kl=20.0)
    >>> history["elbo"]
    [-120.0]

    Values are floats with their mathematical sign; keys are the course's fixed
    names (`elbo`, `reconstruction`, `kl`, `loss`, ...) and their `test_` twins.
    Two histories are equal when all their numbers are, bit for bit.

    Attributes:
        series: the values by name.
        complete: False for a run that was stopped, or has not come to its end yet; a
            file keeps that.
    """

    def __init__(
        self, series: dict[str, list[float]] | None = None, complete: bool = True
    ) -> None:
        self.series = {key: list(values) for key, values in (series or {}).items()}
        self.complete = complete

    def require_complete(self) -> "History":
        """The history itself, if its run came to its end.

        Raises:
            IncompleteRunError: it was stopped, so that it stands for no whole run.
        """
        if not self.complete:
            raise IncompleteRunError(
                f"This run was stopped before its end (its history has {len(self)} "
                "entries), and what follows needs the whole of it. Run it again."
            )
        return self

    def append(self, **values: float) -> None:
        """Add one value to each named series."""
        for key, value in values.items():
            self.series.setdefault(key, []).append(float(value))

    def __getitem__(self, key: str) -> list[float]:
        if key not in self.series:
            raise KeyError(f"no series {key!r}; there are: {', '.join(self.series)}")
        return self.series[key]

    def __contains__(self, key: str) -> bool:
        return key in self.series

    def __iter__(self) -> Iterator[str]:
        return iter(self.series)

    def __len__(self) -> int:
        """The number of entries of the longest series."""
        return max(map(len, self.series.values()), default=0)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, History) and self.series == other.series

    def __repr__(self) -> str:
        last = ", ".join(f"{key} {values[-1]:.4g}" for key, values in self.items())
        stopped = "" if self.complete else ", incomplete"
        return f"History({len(self)} entries{stopped}; last: {last})"

    def items(self) -> Iterator[tuple[str, list[float]]]:
        """Pairs of name and series."""
        return iter(self.series.items())

    def save(self, path: str | Path) -> None:
        """Write the series to a JSON file."""
        with replacing(path) as temporary:
            incomplete = {} if self.complete else {"complete": False}
            text = json.dumps(self.series | incomplete, indent=1)
            temporary.write_text(text + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: str | Path) -> "History":
        """Read what `save` wrote."""
        content = json.loads(Path(path).read_text(encoding="utf-8"))
        complete = content.pop("complete", True)
        return cls(content, complete)
