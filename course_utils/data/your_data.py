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

from course_utils.data.tables import DataMistake, Found, check_count
from course_utils.data.your_files import read_array
from course_utils.records.runs import whole_number

Array = npt.NDArray[np.float64]

FEWEST_ROWS = 30
MOST_COLUMNS = 3_072  # 32 x 32 x 3: a covariance of these still has a quick spectrum
CHANNELS = (1, 2, 3, 4)
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
    values = _as_numbers(found.values, name)
    values, own_shape, how = _as_rows(values, shape, name)
    _check_size(values, name)
    _check_finite(values, found.columns, name)
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


def _as_numbers(values: npt.NDArray, name: str) -> npt.NDArray:
    """Real numbers; the fields of a table of records become columns."""
    if values.dtype.names:
        fields = [values[field] for field in values.dtype.names]
        bad = [
            n
            for n, f in zip(values.dtype.names, fields, strict=True)
            if f.dtype.kind not in "fiub" or f.ndim != 1
        ]
        if bad:
            raise DataMistake(
                f"{name} is a table of records, whose field {bad[0]!r} is no column of "
                "numbers; save the others by np.stack([x[name] for name in names], 1)."
            )
        return np.stack([field.astype(float) for field in fields], axis=1)
    if values.dtype.kind == "c":
        raise DataMistake(
            f"{name} holds complex numbers; save np.abs(x), or real and imaginary "
            "parts side by side, np.concatenate([x.real, x.imag], 1)."
        )
    if values.dtype.kind not in "fiub":
        raise DataMistake(
            f"{name} holds {values.dtype}, which are no numbers; save x.astype(float), "
            "or leave out the columns of words."
        )
    return values


def _as_rows(
    values: npt.NDArray, shape: Sequence[int] | None, name: str
) -> tuple[Array, tuple[int, ...], list[str]]:
    """Rows (n, d), the shape of one of them, and what was done."""
    if values.ndim < 2:
        raise DataMistake(
            f"{name} is {values.shape}, one row or one column; a VAE needs many rows: "
            "save x[:, None] if each number is a measurement, or x.reshape(-1, d) if d "
            "of them are one."
        )
    if values.ndim > 4:
        raise DataMistake(
            f"{name} is {values.shape}, and nobody can tell what a row is; save "
            "x.reshape(n, -1)."
        )
    if values.ndim == 2:
        own = _shape_of_a_row(values, shape, name)
        return np.asarray(values, dtype=np.float64), own, []
    if values.ndim == 3:
        rows, own, how = _three_axes(values)
    else:
        rows, own, how = _four_axes(values, name)
    return np.asarray(rows.reshape(len(rows), -1), dtype=np.float64), own, how


def _shape_of_a_row(
    values: npt.NDArray, shape: Sequence[int] | None, name: str
) -> tuple[int, ...]:
    if shape is None:
        return values.shape[1:]
    own = (*map(int, shape), 1) if len(shape) == 2 else tuple(map(int, shape))
    if len(own) != 3 or np.prod(own) != values.shape[1]:
        raise DataMistake(
            f"A row of {name} has {values.shape[1]} numbers, which make no image of "
            f"SHAPE = {tuple(shape)}; height times width must be {values.shape[1]}."
        )
    return own


def _three_axes(values: npt.NDArray) -> tuple[npt.NDArray, tuple[int, ...], list[str]]:
    _, first, last = values.shape
    if first in CHANNELS or last in CHANNELS:
        words = f"Each is a signal of {max(first, last)} times {min(first, last)}."
        return values, (first * last,), [words] if min(first, last) > 1 else []
    return values, (first, last, 1), []


def _four_axes(
    values: npt.NDArray, name: str
) -> tuple[npt.NDArray, tuple[int, ...], list[str]]:
    if values.shape[3] in CHANNELS:
        return values, values.shape[1:], []
    if values.shape[1] in CHANNELS:
        turned = values.transpose(0, 2, 3, 1)
        return turned, turned.shape[1:], ["Channels came first; now they are last."]
    raise DataMistake(
        f"{name} is {values.shape}; images need their 1, 3 or 4 channels as the second "
        "or the last axis: save x[..., None], or x.reshape(n, height, width, channels)."
    )


def _check_size(rows: Array, name: str) -> None:
    n, width = rows.shape
    if n < FEWEST_ROWS:
        transposed = (
            " If its columns are the measurements, save x.T."
            if width >= FEWEST_ROWS
            else ""
        )
        raise DataMistake(
            f"{name} has {n} {'row' if n == 1 else 'rows'}; at least {FEWEST_ROWS} are "
            f"needed, and hundreds are better: measure more.{transposed}"
        )
    if width == 0:
        raise DataMistake(f"The rows of {name} are empty; save it again.")
    if width > MOST_COLUMNS:
        raise DataMistake(
            f"Each row of {name} has {width:,} numbers, and this page takes at most "
            f"{MOST_COLUMNS:,}; save smaller images, x[:, ::2, ::2], or bins that are "
            "wider."
        )
    check_count(name, rows.shape)


def _check_finite(rows: Array, columns: tuple[str, ...], name: str) -> None:
    bad = ~np.isfinite(rows)
    if not bad.any():
        return
    row, column = np.argwhere(bad)[0]
    called = f"{columns[column]!r}" if columns else column
    raise DataMistake(
        f"{name} has NaN or infinity in {bad.any(axis=1).sum()} of {len(rows)} rows, "
        f"first in row {row} (counted from 0), column {called}; keep the other rows, "
        "x[np.isfinite(x).all(axis=1)], or leave the column out."
    )


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
