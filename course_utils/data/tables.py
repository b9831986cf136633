"""Tables of text, as spreadsheets and programs write them, as one array.

What is wrong with a table is a `DataMistake`, a sentence that names the remedy.
"""

import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

MOST_NUMBERS = 10_000_000  # in one array: 80 MB in float64, of which there are copies
MOST_BYTES = 400_000_000  # of a table of text
LISTED = 10  # names in a sentence


class DataMistake(ValueError):
    """What is wrong with somebody's data, and what to do, in a sentence."""

    def _render_traceback_(self) -> list[str]:
        """What a notebook shows: the sentence, without the lines that raised it."""
        return [f"{type(self).__name__}: {self}"]


class Found(NamedTuple):
    """What a file holds.

    Attributes:
        values: the array as it lies in the file.
        columns: names of a table's columns, if it has a header.
        notes: what was noticed, in sentences.
    """

    values: npt.NDArray
    columns: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def read_table(path: Path, leave_out: Sequence[str | int] = ()) -> Found:
    """The numbers of a table, whatever parts its columns, with or without a header.

    Args:
        path: of the file; lines that begin with # are passed over.
        leave_out: columns, by name or by number from 0.

    Raises:
        DataMistake: a line cannot be read, or the file is too large.
    """
    if path.stat().st_size > MOST_BYTES:
        raise DataMistake(
            f"{path.name} has {path.stat().st_size / 1e6:,.0f} MB, too much for this "
            "page; keep fewer lines, or save the numbers by numpy.save('data.npy', x)."
        )
    numbered = _lines(path)
    if not numbered:
        raise DataMistake(f"{path.name} has no lines of numbers; save it again.")
    separator = _separator([line for _, line in numbered])
    fields = _fields(numbered[0][1], separator)
    names: tuple[str, ...] = ()
    if not any(_is_number(field) for field in fields):
        names = tuple(field or f"column {i}" for i, field in enumerate(fields))
        numbered = numbered[1:]
    if not numbered:
        raise DataMistake(f"{path.name} has a header and no rows; save it again.")
    values = _numbers(path, numbered, separator, names, leave_out)
    kept = kept_columns(len(fields), names, leave_out)
    return Found(
        values,
        tuple(names[i] for i in kept) if names else (),
        (_how_it_was_read(separator, names),),
    )


def _lines(path: Path) -> list[tuple[int, str]]:
    """Lines with something on them and their numbers, without comments."""
    data = path.read_bytes()
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = data.decode("utf-16", errors="replace")
    else:
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = data.decode("latin-1")
    lines = enumerate(text.splitlines(), start=1)
    return [
        (number, line.strip(" \r"))
        for number, line in lines
        if line.strip() and not re.match(r"\s*(#|sep=.\s*$)", line)
    ]


def _separator(lines: list[str]) -> str:
    """What parts the fields; the last line is no header."""
    return next((s for s in (";", "\t", ",") if s in lines[-1]), " ")


def _fields(line: str, separator: str) -> list[str]:
    """The fields of a line, without quotes around them."""
    parts = line.split() if separator == " " else line.split(separator)
    return [part.strip().strip("\"'").strip() for part in parts]


def _is_number(field: str) -> bool:
    try:
        float(field.replace(",", "."))
    except ValueError:
        return False
    return True


def _numbers(
    path: Path,
    numbered: list[tuple[int, str]],
    separator: str,
    names: tuple[str, ...],
    leave_out: Sequence[str | int],
) -> npt.NDArray[np.float64]:
    width = len(names) or len(_fields(numbered[0][1], separator))
    kept = kept_columns(width, names, leave_out)
    lines = [line.replace('"', "") for _, line in numbered]
    if separator != ",":
        lines = [line.replace(",", ".") for line in lines]
    ragged = any(len(_fields(line, separator)) != width for line in lines)
    try:
        values = np.loadtxt(
            lines,
            delimiter=None if separator == " " else separator,
            comments=None,
            usecols=kept,
            ndmin=2,
        )
    except ValueError:
        ragged = True
    if ragged:
        raise _bad_line(path, numbered, separator, names, kept)
    check_count(path.name, values.shape)
    return values


def _bad_line(
    path: Path,
    numbered: list[tuple[int, str]],
    separator: str,
    names: tuple[str, ...],
    kept: list[int],
) -> DataMistake:
    """What is wrong with the first line that cannot be read."""
    width = len(names) or len(_fields(numbered[0][1], separator))
    for number, line in numbered:
        fields = _fields(line, separator)
        where = f"Line {number} of {path.name}"
        if len(fields) != width:
            return DataMistake(
                f"{where} has {len(fields)} fields, and the first line has {width}; "
                "each row needs as many: fill the line or delete it."
            )
        for column in kept:
            field = fields[column]
            if _is_number(field):
                continue
            name = names[column] if names else column
            if not field:
                return DataMistake(
                    f"{where} has nothing in column {name!r}; fill it or delete the "
                    f"line, or leave the column out: LEAVE_OUT = [{name!r}]."
                )
            return DataMistake(
                f"{where} has {field[:30]!r} in column {name!r}, which is no number; "
                f"mend it, or leave the column out: LEAVE_OUT = [{name!r}]."
            )
    return DataMistake(f"{path.name} is no table of numbers; save it by numpy.savetxt.")


def _how_it_was_read(separator: str, names: tuple[str, ...]) -> str:
    words = {";": "semicolons", "\t": "tabs", ",": "commas", " ": "blanks"}[separator]
    header = "the first line names them" if names else "there is no line of names"
    return f"Columns are parted by {words}; {header}."


def kept_columns(
    width: int, names: Sequence[str], leave_out: Sequence[str | int]
) -> list[int]:
    """The numbers of the columns that stay.

    Args:
        width: how many columns there are.
        names: of them, or none.
        leave_out: by name or by number from 0.

    Raises:
        DataMistake: there is no such column, or none stays.
    """
    out = set()
    for column in leave_out:
        if column in names:
            out.add(list(names).index(str(column)))
        elif isinstance(column, int) and 0 <= column < width:
            out.add(column)
        else:
            known = f"{some_of(names)} or " if names else ""
            raise DataMistake(
                f"There is no column {column!r} to leave out; say {known}a number from "
                f"0 to {width - 1}."
            )
    if len(out) == width:
        raise DataMistake("All columns are left out; keep at least one.")
    return [column for column in range(width) if column not in out]


def some_of(names: Sequence[str], mark: str = ", ") -> str:
    """The first of many names, and how many more there are."""
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    return mark.join(names[:LISTED]) + more


def check_count(name: str, shape: tuple[int, ...]) -> None:
    """Refuse more numbers than the memory of a small machine takes.

    Raises:
        DataMistake: there are more.
    """
    numbers = math.prod(shape)
    if numbers > MOST_NUMBERS:
        rows = max(1, MOST_NUMBERS * shape[0] // numbers)
        raise DataMistake(
            f"{name} has {numbers:,} numbers, too many for this page; save fewer rows, "
            f"x[:{rows:_}], or smaller images, x[:, ::2, ::2]."
        )
