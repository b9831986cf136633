"""One array out of a file that somebody brings: NPY, NPZ, a table of text, or HDF5.

Nothing of a file is ever run: pickled objects are refused. What is wrong with a file is
a `DataMistake`, a sentence that names the remedy.
"""

import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, NamedTuple

import numpy as np

from course_utils.data.tables import (
    DataMistake,
    Found,
    check_count,
    kept_columns,
    read_table,
    some_of,
)

TABLES = (".csv", ".tsv", ".txt", ".dat")
HDF5 = (".h5", ".hdf5", ".hdf")
SUFFIXES = (".npy", ".npz", *TABLES, *HDF5)


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
        return read_table(path, leave_out)
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
        there = f"there are {some_of(near)}" if near else "there is no file of data"
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
    listed = some_of([f"{name!r} {entry}" for name, entry in entries.items()], "; ")
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
    return (f"The array is {name!r}; the file also has {some_of(others)}.",)


def _is_numeric(entry: Entry) -> bool:
    return entry.dtype.kind in "fiub" or entry.dtype.names is not None


def _check_entry(name: str, entry: Entry) -> None:
    """Refuse what is too large, or no array of numbers, before it is read."""
    if entry.dtype.hasobject:
        raise DataMistake(
            f"{name} holds Python objects, such as rows of unequal length; cut or fill "
            "them to one length, and save np.array(rows, dtype=float)."
        )
    check_count(name, entry.shape)


def _without(found: Found, leave_out: Sequence[str | int]) -> Found:
    if not leave_out:
        return found
    if found.values.ndim != 2:
        raise DataMistake(
            f"LEAVE_OUT is for the columns of a table; this array is "
            f"{found.values.shape}."
        )
    kept = kept_columns(found.values.shape[1], (), leave_out)
    return found._replace(values=found.values[:, kept])


def _damaged(path: Path, error: Exception) -> DataMistake:
    return DataMistake(
        f"{path.name} is damaged or is no {path.suffix} file ({error}); save it again."
    )
