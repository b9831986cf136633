"""One array out of a file that somebody brings: NPY, NPZ, a table of text, or HDF5.

Nothing of a file is ever run: pickled objects are refused. What is wrong with a file is
a `DataMistake`, a sentence that names the remedy.
"""

import re
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, NamedTuple

import numpy as np
import numpy.typing as npt

MOST_NUMBERS = 10_000_000  # in one array: 80 MB in float64, of which there are copies
MOST_BYTES = 400_000_000  # of a table of text
TABLES = (".csv", ".tsv", ".txt", ".dat")
HDF5 = (".h5", ".hdf5", ".hdf")
SUFFIXES = (".npy", ".npz", *TABLES, *HDF5)
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


class Entry(NamedTuple):
    """The shape and the type of an array that is not read yet."""

    shape: tuple[int, ...]
    dtype: np.dtype

    def __str__(self) -> str:
        return f"{self.shape} {self.dtype}"


def read_array(
    path: str | Path, key: str | None = None, leave_out: Sequence[str | int] = ()
) -> Found:
    """The array in a file, of any shape and type of numbers.

    Args:
        path: ends in .npy, .npz, .csv, .tsv, .txt, .dat, .h5, .hdf5 or .hdf.
        key: the name of the array in an .npz or HDF5 file; groups are parted by "/".
            None takes the only one that can be meant.
        leave_out: columns of a table, by name or by number from 0.

    Raises:
        DataMistake: there is no such file, array or column, or it cannot be read.
    """
    path = Path(path).expanduser()
    _check_file(path)
    suffix = path.suffix.lower()
    if suffix in TABLES:
        _check_no_key(path, key)
        return _read_table(path, leave_out)
    if suffix == ".npy":
        _check_no_key(path, key)
        found = _read_npy(path)
    elif suffix == ".npz":
        found = _read_npz(path, key)
    else:
        found = _read_hdf5(path, key)
    return _without(found, leave_out)


def _check_file(path: Path) -> None:
    if path.is_dir():
        raise DataMistake(
            f"{path} is a folder; name one file. Pictures of one size become an array "
            "by np.stack([np.asarray(PIL.Image.open(p)) for p in paths]), and a file "
            "by np.save."
        )
    if not path.exists():
        folder = path.parent
        if not folder.is_dir():
            raise DataMistake(f"There is no folder {folder}; look at the path again.")
        near = [p.name for p in sorted(folder.iterdir()) if p.suffix in SUFFIXES]
        there = f"there are {_some(near)}" if near else "there is no file of data"
        raise DataMistake(
            f"There is no file {path.name} in {folder.resolve().name}/, where {there}; "
            "a path starts at the notebook's folder."
        )
    if path.suffix.lower() not in SUFFIXES:
        raise DataMistake(
            f"{path.name} cannot be read here, but {', '.join(SUFFIXES)} can; read it "
            "with its own library, and write numpy.save('data.npy', x)."
        )
    if path.stat().st_size == 0:
        raise DataMistake(f"{path.name} is empty; save it again.")


def _check_no_key(path: Path, key: str | None) -> None:
    if key is not None:
        raise DataMistake(
            f"{path.name} holds one array, which has no name: leave the key {key!r} "
            "away, as None."
        )


def _read_npy(path: Path) -> Found:
    try:
        with path.open("rb") as stream:
            entry = _header(stream)
    except (ValueError, OSError, EOFError, KeyError) as error:
        raise _damaged(path, error) from None
    _check_entry(path.name, entry)
    try:
        return Found(np.load(path, allow_pickle=False))
    except (ValueError, OSError, EOFError) as error:
        raise _damaged(path, error) from None


def _read_npz(path: Path, key: str | None) -> Found:
    try:
        with zipfile.ZipFile(path) as archive:
            entries = {}
            for name in archive.namelist():
                with archive.open(name) as stream:
                    entries[name.removesuffix(".npy")] = _header(stream)
    except Exception as error:  # a damaged archive may raise anything
        raise _damaged(path, error) from None
    name = _pick(path, entries, key)
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
            return Found(file[name], notes=_taken(name, entries))
    except Exception as error:
        raise _damaged(path, error) from None


def _header(stream: IO[bytes]) -> Entry:
    """The first bytes of an .npy file; the numbers are not read."""
    readers = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }
    shape, _, dtype = readers[np.lib.format.read_magic(stream)](stream)
    return Entry(shape, dtype)


def _read_hdf5(path: Path, key: str | None) -> Found:
    try:
        import h5py
    except ImportError:
        raise DataMistake(
            f"{path.name} needs a library that is not installed: pip install h5py, or "
            "save the array by numpy.save('data.npy', x)."
        ) from None
    try:
        with h5py.File(path, "r") as file:
            entries = {}

            def look(name: str, item: object) -> None:
                if isinstance(item, h5py.Dataset):
                    entries[name] = Entry(item.shape or (), item.dtype)

            file.visititems(look)
            name = _pick(path, entries, key)
            return Found(np.asarray(file[name]), notes=_taken(name, entries))
    except (OSError, RuntimeError, KeyError) as error:
        raise _damaged(path, error) from None


def _pick(path: Path, entries: Mapping[str, Entry], key: str | None) -> str:
    """The name of the array that is meant."""
    listed = _some([f"{name!r} {entry}" for name, entry in entries.items()], "; ")
    if not entries:
        raise DataMistake(f"{path.name} holds no array; save it again.")
    if key is not None:
        name = key.strip("/")
        if name not in entries:
            raise DataMistake(
                f"{path.name} has no array {key!r}; set KEY to one of these: {listed}."
            )
    else:
        many = [n for n, e in entries.items() if len(e.shape) > 1 and _is_numeric(e)]
        only = many if len(many) == 1 else list(entries)
        if len(only) > 1:
            raise DataMistake(
                f"{path.name} has {len(entries)} arrays; set KEY to one of these: "
                f"{listed}."
            )
        name = only[0]
    _check_entry(f"{name!r} in {path.name}", entries[name])
    return name


def _taken(name: str, entries: Mapping[str, Entry]) -> tuple[str, ...]:
    others = [other for other in entries if other != name]
    if not others:
        return ()
    return (f"The array is {name!r}; the file also has {_some(others)}.",)


def _is_numeric(entry: Entry) -> bool:
    return entry.dtype.kind in "fiub" or entry.dtype.names is not None


def _check_entry(name: str, entry: Entry) -> None:
    """Refuse what is too large, or no array of numbers, before it is read."""
    if entry.dtype.hasobject:
        raise DataMistake(
            f"{name} holds Python objects, such as rows of unequal length; cut or fill "
            "them to one length, and save np.array(rows, dtype=float)."
        )
    numbers = int(np.prod(entry.shape, dtype=object))
    if numbers > MOST_NUMBERS:
        rows = max(1, MOST_NUMBERS * entry.shape[0] // numbers)
        raise DataMistake(
            f"{name} has {numbers:,} numbers, too many for this page; save fewer rows, "
            f"x[:{rows:_}], or smaller images, x[:, ::2, ::2]."
        )


def _without(found: Found, leave_out: Sequence[str | int]) -> Found:
    if not leave_out:
        return found
    if found.values.ndim != 2:
        raise DataMistake(
            f"LEAVE_OUT is for the columns of a table; this array is "
            f"{found.values.shape}."
        )
    kept = _kept(found.values.shape[1], (), leave_out)
    return found._replace(values=found.values[:, kept])


def _kept(
    width: int, names: Sequence[str], leave_out: Sequence[str | int]
) -> list[int]:
    """The numbers of the columns that stay."""
    out = set()
    for column in leave_out:
        if column in names:
            out.add(list(names).index(str(column)))
        elif isinstance(column, int) and 0 <= column < width:
            out.add(column)
        else:
            known = f"{_some(names)} or " if names else ""
            raise DataMistake(
                f"There is no column {column!r} to leave out; say {known}a number from "
                f"0 to {width - 1}."
            )
    if len(out) == width:
        raise DataMistake("All columns are left out; keep at least one.")
    return [column for column in range(width) if column not in out]


def _read_table(path: Path, leave_out: Sequence[str | int]) -> Found:
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
    kept = _kept(len(fields), names, leave_out)
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
    kept = _kept(width, names, leave_out)
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
    if values.size > MOST_NUMBERS:
        _check_entry(path.name, Entry(values.shape, values.dtype))
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


def _damaged(path: Path, error: Exception) -> DataMistake:
    return DataMistake(
        f"{path.name} is damaged or is no {path.suffix} file ({error}); save it again."
    )


def _some(names: Sequence[str], mark: str = ", ") -> str:
    """The first of many names, and how many more there are."""
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    return mark.join(names[:LISTED]) + more
