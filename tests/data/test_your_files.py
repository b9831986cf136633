"""Each format is read, and each mistake is one sentence that names the remedy."""

import builtins

import numpy as np
import pytest

from course_utils.data import tables
from course_utils.data.tables import DataMistake
from course_utils.data.your_files import read_array

ROWS = np.arange(80.0).reshape(40, 2) / 7


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def written(path, text, encoding="utf-8"):
    path.write_bytes(text.encode(encoding))
    return path


def test_npy_and_npz_give_back_what_was_saved(folder):
    np.save("x.npy", ROWS)
    np.savez("one.npz", ROWS)
    np.savez_compressed("two.npz", x=ROWS, y=np.arange(40))
    assert np.array_equal(read_array("x.npy").values, ROWS)
    assert np.array_equal(read_array("one.npz").values, ROWS)
    found = read_array("two.npz")  # the only one that has rows
    assert np.array_equal(found.values, ROWS)
    assert "also has y" in found.notes[0]
    assert np.array_equal(read_array("two.npz", key="y").values, np.arange(40))


def test_hdf5_is_read_through_its_groups(folder):
    h5py = pytest.importorskip("h5py")
    with h5py.File("x.h5", "w") as file:
        file["run/detector/pulses"] = ROWS
        file["run/time"] = np.arange(2)
    assert np.array_equal(read_array("x.h5").values, ROWS)
    assert np.array_equal(read_array("x.h5", "/run/time").values, np.arange(2))
    with pytest.raises(DataMistake, match=r"no array 'run'.*'run/detector/pulses'"):
        read_array("x.h5", "run")


TABLES = {
    "commas": "a,b\n1,2\n3.5,4\n",
    "semicolons": "a;b\n1;2\n3.5;4\n",
    "decimal commas": "sep=;\na;b\n1;2\n3,5;4\n",
    "tabs": "a\tb\n1\t2\n3.5\t4\n",
    "blanks": "a   b\n  1 2\n3.5    4\n",
    "quotes": '"a","b"\n"1","2"\n"3.5","4"\n',
    "comments and empty lines": "# made today\na,b\n\n1,2\n3.5,4\n\n",
    "Windows's lines": "a,b\r\n1,2\r\n3.5,4\r\n",
}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1"])
@pytest.mark.parametrize("text", TABLES.values(), ids=TABLES)
def test_a_table_is_read_however_it_was_written(folder, text, encoding):
    path = written(folder / "x.csv", text.replace("a", "µ"), encoding)
    if "made" in text:
        path = written(folder / "x.csv", text, encoding)
    found = read_array(path)
    assert found.values.tolist() == [[1, 2], [3.5, 4]]
    assert found.columns == (("a" if "made" in text else "µ"), "b")


def test_a_table_without_a_header_loses_no_line(folder):
    found = read_array(written(folder / "x.txt", "1 2\n3 4\n"))
    assert found.values.tolist() == [[1, 2], [3, 4]]
    assert found.columns == ()


def test_columns_are_left_out_by_name_and_by_number(folder):
    path = written(folder / "x.csv", "a,kind,c\n1,x,2\n3,y,4\n")
    found = read_array(path, leave_out=["kind"])
    assert found.values.tolist() == [[1, 2], [3, 4]]
    assert found.columns == ("a", "c")
    assert read_array(path, leave_out=[0, 1]).values.tolist() == [[2], [4]]
    np.save("x.npy", ROWS)
    assert np.array_equal(read_array("x.npy", leave_out=[0]).values, ROWS[:, 1:])


def save_objects(folder):
    rows = np.empty(2, dtype=object)
    rows[:] = [[1, 2], [1, 2, 3]]
    np.save(folder / "x.npy", rows, allow_pickle=True)


def save_two(folder):
    np.savez(folder / "x.npz", train=ROWS, test=ROWS)


def save_huge(folder):
    head = {"descr": "<f8", "fortran_order": False, "shape": (100_000, 400)}
    with (folder / "x.npy").open("wb") as stream:
        np.lib.format.write_array_header_1_0(stream, head)


def text(words):
    return lambda folder: written(folder / "x.csv", words)


MISTAKES = {
    "no file": (text("1,2"), "y.csv", {}, r"no file y\.csv in .*there are x\.csv"),
    "no folder": (text("1,2"), "no/y.csv", {}, "no folder no"),
    "a folder": (text("1,2"), ".", {}, r"is a folder; name one file.*np\.stack"),
    "another format": (
        lambda folder: written(folder / "x.mat", "1"),
        "x.mat",
        {},
        r"x\.mat cannot be read here.*numpy\.save",
    ),
    "an empty file": (text(""), "x.csv", {}, "x.csv is empty; save it again"),
    "only comments": (text("# a\n"), "x.csv", {}, "no lines of numbers"),
    "only a header": (text("a,b\n"), "x.csv", {}, "a header and no rows"),
    "words": (
        text("a,b\n1,2\n3,red\n"),
        "x.csv",
        {},
        r"Line 3 .*'red' in column 'b'.*LEAVE_OUT = \['b'\]",
    ),
    "words without a header": (text("1,2\n3,red\n"), "x.csv", {}, r"'red' in column 1"),
    "an empty cell": (
        text("a,b\n1,\n3,4\n"),
        "x.csv",
        {},
        r"Line 2 .*nothing in .*'b'",
    ),
    "ragged": (
        text("a,b\n1,2\n3,4,5\n"),
        "x.csv",
        {},
        "Line 3 .*has 3 fields, and the first line has 2; .*fill the line or delete it",
    ),
    "shorter": (text("1,2\n3\n4,5\n"), "x.csv", {}, "Line 2 .*has 1 fields"),
    "no such column": (
        text("a,b\n1,2\n"),
        "x.csv",
        {"leave_out": ["c"]},
        "no column 'c' .*say a, b or a number from 0 to 1",
    ),
    "no column left": (
        text("a,b\n1,2\n"),
        "x.csv",
        {"leave_out": ["a", 1]},
        "keep at least one",
    ),
    "a key for a table": (text("1,2"), "x.csv", {"key": "a"}, "as None"),
    "two arrays": (
        save_two,
        "x.npz",
        {},
        r"2 arrays; set KEY to one of these: 'train' \(40, 2\) float64; 'test'",
    ),
    "a wrong key": (
        save_two,
        "x.npz",
        {"key": "x"},
        "no array 'x'; set KEY to one of these: 'train'",
    ),
    "no key known": (
        lambda folder: np.savez(folder / "x.npz"),
        "x.npz",
        {},
        "holds no array",
    ),
    "objects": (save_objects, "x.npy", {}, "rows of unequal length; cut or fill"),
    "huge": (save_huge, "x.npy", {}, r"40,000,000 numbers.*x\[:25_000\]"),
    "no zip": (
        lambda folder: written(folder / "x.npz", "hello"),
        "x.npz",
        {},
        r"damaged or is no \.npz file .*save it again",
    ),
    "no array": (
        lambda folder: written(folder / "x.npy", "hello"),
        "x.npy",
        {},
        r"damaged or is no \.npy file",
    ),
}


@pytest.mark.parametrize("make, path, words, message", MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_a_sentence_with_its_remedy(folder, make, path, words, message):
    make(folder)
    with pytest.raises(DataMistake, match=message) as caught:
        read_array(path, **words)
    sentence = str(caught.value)
    assert sentence.endswith(".")
    assert "\n" not in sentence


def test_a_cut_file_is_called_damaged(folder):
    np.save("x.npy", ROWS)
    path = folder / "x.npy"
    path.write_bytes(path.read_bytes()[:-8])
    with pytest.raises(DataMistake, match="damaged"):
        read_array(path)


def test_no_hdf5_is_damaged_or_needs_its_library(folder, monkeypatch):
    written(folder / "x.h5", "hello")
    pytest.importorskip("h5py")
    with pytest.raises(DataMistake, match=r"damaged or is no \.h5 file"):
        read_array("x.h5")
    real = builtins.__import__

    def without_h5py(name, *rest, **more):
        if name == "h5py":
            raise ImportError(name)
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without_h5py)
    with pytest.raises(DataMistake, match="pip install h5py, or save"):
        read_array("x.h5")


def test_a_table_that_is_too_large_is_refused_before_it_is_read(folder, monkeypatch):
    path = written(folder / "x.csv", "1,2\n")
    monkeypatch.setattr(tables, "MOST_BYTES", 3)
    with pytest.raises(DataMistake, match="too much for this page; keep fewer lines"):
        read_array(path)


def test_a_notebook_shows_the_sentence_alone():
    assert DataMistake("Mend it.")._render_traceback_() == ["DataMistake: Mend it."]
