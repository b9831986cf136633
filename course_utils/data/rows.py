"""Arrays of any shape as rows of finite numbers, or a sentence why not."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from course_utils.data.tables import DataMistake, check_count

Array = npt.NDArray[np.float64]

FEWEST_ROWS = 30
MOST_COLUMNS = 3_072  # 32 x 32 x 3: a covariance of these still has a quick spectrum
CHANNELS = (1, 2, 3, 4)


def as_numbers(values: npt.NDArray, name: str) -> npt.NDArray:
    """Real numbers; the fields of a table of records become columns.

    Raises:
        DataMistake: these are complex, or no numbers, or a field is no column of them.
    """
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


def as_rows(
    values: npt.NDArray, shape: Sequence[int] | None, name: str
) -> tuple[Array, tuple[int, ...], list[str]]:
    """Rows (n, d), the shape of one of them, and what was done, in words.

    Args:
        values: numbers of two to four axes.
        shape: height and width, or height, width and channels, if each row of a table
            is an image.
        name: what sentences call the array.

    Raises:
        DataMistake: other axes, or a shape that the rows do not have.
    """
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


def check_size(rows: Array, name: str) -> None:
    """Whether rows (n, d) are enough, and not too long.

    Raises:
        DataMistake: they are not.
    """
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


def check_finite(rows: Array, columns: tuple[str, ...], name: str) -> None:
    """Whether rows (n, d) are finite.

    Raises:
        DataMistake: one is not; it names the first place, by its column's name if any.
    """
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
