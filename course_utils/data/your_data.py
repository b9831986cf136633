"""Somebody's images or rows: what they are, in words, and as rows of numbers.

Whatever comes becomes rows (n, d) in float64, one for each image or measurement. Arrays
of more than two axes are images, (n, height, width), channels first or last, or
signals, (n, channels, length) with at most four channels.

Whole numbers, as counts or grey levels of bytes, get uniform noise from [0, 1). Without
it a density could grow without limit on them. With it the mean log-density is a lower
bound on that of the log-probability of the whole numbers. Theis, van den Oord and
Bethge, 2016, https://arxiv.org/abs/1511.01844.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from course_utils.data.rows import as_numbers, as_rows, check_finite, check_size
from course_utils.data.tables import DataMistake, Found
from course_utils.data.your_files import read_array
from course_utils.records.runs import whole_number

Array = npt.NDArray[np.float64]

SHARES = (0.7, 0.85)  # of the rows: where training ends, and where watching ends
WIDE = 100  # times its median a column reaches: then its logarithm is worth a thought


class Split(NamedTuple):
    """Rows for three purposes, of which none serves two.

    Attributes:
        train: from which everything is fitted, 70 % of the rows.
        watched: which say when to stop, 15 %.
        held_out: which are judged once, 15 %.
    """

    train: Array
    watched: Array
    held_out: Array


@dataclass(frozen=True)
class Units:
    """Numbers in which a network likes to work: u = (x - middle) / spread.

    Attributes:
        middle: (d,), in the unit of each column.
        spread: (d,), likewise; above zero.
    """

    middle: Array
    spread: Array

    @property
    def log_jacobian(self) -> float:
        """What turns a log-density of u into one of x: -sum_j ln spread_j, in nats."""
        return 0.0 - float(np.log(self.spread).sum())

    def into(self, x: npt.ArrayLike) -> npt.NDArray[np.float32]:
        """Rows x (n, d) as u (n, d), float32."""
        return ((np.asarray(x) - self.middle) / self.spread).astype(np.float32)

    def back(self, u: npt.ArrayLike) -> Array:
        """Rows u (n, d) in the units of x (n, d)."""
        return np.asarray(u) * self.spread + self.middle


@dataclass(frozen=True, eq=False)
class YourData:
    """Rows of numbers, and what they are.

    Attributes:
        rows: (n, d), without columns that never vary.
        shape: of one image, (height, width, channels), or (numbers,) of a row, with
            all columns.
        binary: whether each number is 0 or 1.
        columns: names of all columns, or none.
        notes: what was found and done, in sentences.
        whole_row: the constant value of each column that never varies, NaN for the
            others; (numbers of one image or row,).
    """

    rows: Array
    shape: tuple[int, ...]
    binary: bool
    columns: tuple[str, ...]
    notes: tuple[str, ...]
    whole_row: Array

    @property
    def are_images(self) -> bool:
        """Whether a row can be drawn as an image."""
        return len(self.shape) == 3

    def whole(self, rows: npt.ArrayLike) -> Array:
        """Rows (n, d) with the constant columns back, (n, *shape)."""
        rows = np.asarray(rows, float)
        full = np.tile(self.whole_row, (len(rows), 1))
        full[:, np.isnan(self.whole_row)] = rows
        return full.reshape(-1, *self.shape)

    def split(self, seed: int) -> Split:
        """The rows in a random order, 70 %, 15 % and 15 % of them.

        Args:
            seed: of the order.
        """
        rng = np.random.default_rng(whole_number("seed", seed))
        order = rng.permutation(len(self.rows))
        ends = [round(share * len(order)) for share in SHARES]
        return Split(*(self.rows[part] for part in np.split(order, ends)))

    def units(self, train: Array) -> Units:
        """Units made from rows of training: the same for all pixels of an image.

        Each column of a table has its own spread, since its unit may be its own.
        Binary rows stay as they are.
        """
        width = train.shape[1]
        if self.binary:
            return Units(np.zeros(width), np.ones(width))
        spread = train.std(axis=0)
        if self.are_images:
            spread = np.full(width, np.sqrt(np.square(spread).mean()))
        # a column may vary only in the rows that are not for training
        spread = np.where(spread > 0, spread, self.rows.std(axis=0))
        return Units(train.mean(axis=0), spread)

    def __str__(self) -> str:
        return "\n".join(self.notes)


def read_data(
    path: str | Path,
    key: str | None = None,
    shape: Sequence[int] | None = None,
    leave_out: Sequence[str | int] = (),
    seed: int = 0,
) -> YourData:
    """Rows or images from a file.

    Args:
        path: of the file, as `your_files.read_array`.
        key: as there, the name of an array in a file of several.
        leave_out: as there, columns of a table.
        shape: height and width, or height, width and channels, if each row of a table
            is an image.
        seed: of the noise that whole numbers get.

    Raises:
        DataMistake: the file cannot be read, or a VAE cannot learn from it.
    """
    found = read_array(path, key, leave_out)
    return as_data(found, shape, seed, name=Path(path).name)


def as_data(
    found: Found | npt.NDArray,
    shape: Sequence[int] | None = None,
    seed: int = 0,
    name: str = "The array",
) -> YourData:
    """Rows or images from an array.

    Args:
        found: the array, or what `your_files.read_array` gave.
        shape: as `read_data`.
        seed: as `read_data`.
        name: what sentences call the array.

    Raises:
        DataMistake: a VAE cannot learn from it.
    """
    if not isinstance(found, Found):
        found = Found(np.asarray(found))
    values = as_numbers(found.values, name)
    values, own_shape, how = as_rows(values, shape, name)
    check_size(values, name)
    check_finite(values, found.columns, name)
    columns = found.columns
    if _counts_the_rows(values, own_shape):
        called = columns[0] if columns else "column 0"
        how.append(f"The first column ({called}) counts the rows: left out.")
        values, columns = values[:, 1:], columns[1:]
        own_shape = (values.shape[1],)
    notes = [_title(values, own_shape, columns, name), *found.notes, *how]
    binary, values = _as_binary(values, notes)
    varies = np.ptp(values, axis=0) > 0
    if not varies.any():
        raise DataMistake(
            f"All rows of {name} are the same, so there is nothing to learn; look at "
            "how the file was written."
        )
    whole_row = np.where(varies, np.nan, values[0])
    rows = values[:, varies]
    notes += _notes(rows, varies, own_shape, columns, binary)
    if not binary:
        rows = _dequantized(rows, seed, notes)
    return YourData(rows, own_shape, binary, columns, tuple(notes), whole_row)


def _counts_the_rows(rows: Array, shape: tuple[int, ...]) -> bool:
    """Whether the first of several columns is 0, 1, 2, ..., as some programs write."""
    table = len(shape) == 1 and rows.shape[1] > 1
    return table and rows[0, 0] in (0, 1) and bool((np.diff(rows[:, 0]) == 1).all())


def _title(
    rows: Array, shape: tuple[int, ...], columns: tuple[str, ...], name: str
) -> str:
    if len(shape) == 3:
        height, width, channels = shape
        what = f"images of {height} x {width} pixels"
        if channels > 1:
            what += f" in {channels} channels"
    else:
        what = "rows of 1 number" if shape == (1,) else f"rows of {shape[0]} numbers"
    if columns:
        last = f" ... {columns[-1]}" if len(columns) > 4 else ""
        what += f" ({', '.join(columns[: 3 if last else 4])}{last})"
    return f"{name}: {len(rows):,} {what}, from {rows.min():.4g} to {rows.max():.4g}."


def _as_binary(rows: Array, notes: list[str]) -> tuple[bool, Array]:
    """Whether there are two values only; then they are called 0 and 1."""
    low, high = rows.min(), rows.max()
    if low == high or not np.isin(rows, (low, high)).all() or rows.shape[1] == 1:
        return False, rows
    if (low, high) != (0, 1):
        notes.append(f"There are two values, {low:g} and {high:g}: called 0 and 1.")
    return True, (rows == high).astype(np.float64)


def _notes(
    rows: Array,
    varies: npt.NDArray[np.bool_],
    shape: tuple[int, ...],
    columns: tuple[str, ...],
    binary: bool,
) -> list[str]:
    notes = []
    if not varies.all():
        which = np.flatnonzero(~varies)
        shown = ", ".join(columns[i] if columns else str(i) for i in which[:4])
        more = " ..." if len(which) > 4 else ""
        what = (
            f"{len(which)} numbers of each image"
            if len(shape) == 3
            else f"Columns {shown}{more}"
        )
        notes.append(f"{what} never change: left out of all figures.")
    copies = len(rows) - len({hash(row.tobytes()) for row in rows})
    if copies:
        notes.append(
            f"Copies of other rows: {copies:,}. One may be trained on, and its copy "
            "held out."
        )
    side = round(shape[0] ** 0.5)
    if len(shape) == 1 and binary and side > 4 and side**2 == shape[0]:
        notes.append(f"If each row is an image, set SHAPE = ({side}, {side}).")
    if not binary and len(shape) == 1:
        notes += _wide_columns(rows, np.flatnonzero(varies), columns)
    return notes


def _wide_columns(
    rows: Array, numbers: npt.NDArray, columns: tuple[str, ...]
) -> list[str]:
    """A word on columns that span decades."""
    positive = rows.min(axis=0) > 0
    wide = positive & (rows.max(axis=0) > WIDE * np.median(rows, axis=0))
    which = numbers[wide]
    if not len(which):
        return []
    shown = ", ".join(columns[i] if columns else str(i) for i in which[:4])
    return [f"Columns {shown} span decades: their logarithms may be easier to learn."]


def _dequantized(rows: Array, seed: int, notes: list[str]) -> Array:
    """Columns of whole numbers with uniform noise from [0, 1)."""
    whole = (rows == np.round(rows)).all(axis=0)
    if not whole.any():
        return rows
    which = (
        "All numbers are"
        if whole.all()
        else f"{whole.sum()} of {len(whole)} columns are"
    )
    notes.append(
        f"{which} whole: noise from [0, 1) is added, so that a density makes sense."
    )
    noise = np.random.default_rng(whole_number("seed", seed)).random(rows.shape)
    return rows + noise * whole
