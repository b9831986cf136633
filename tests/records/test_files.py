import threading

import pytest

from course_utils.records.files import locked, replacing


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_the_file_appears_only_at_the_end(tmp_path):
    target = tmp_path / "new" / "folder" / "file.txt"
    with replacing(target) as temporary:
        temporary.write_text("whole")
        assert temporary.parent == target.parent
        assert not target.exists()
    assert target.read_text() == "whole"
    assert names(target.parent) == ["file.txt"]


def test_an_older_file_stays_whole_until_then(tmp_path):
    target = tmp_path / "file.txt"
    target.write_text("old")
    with replacing(str(target)) as temporary:
        temporary.write_text("new")
        assert target.read_text() == "old"
    assert target.read_text() == "new"


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_error_leaves_the_older_file_and_no_rubbish(tmp_path, error):
    target = tmp_path / "file.txt"
    target.write_text("old")

    def write_half():
        with replacing(target) as temporary:
            temporary.write_text("half")
            raise error

    with pytest.raises(error):
        write_half()
    assert target.read_text() == "old"
    assert names(tmp_path) == ["file.txt"]


def test_a_block_that_wrote_nothing_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError), replacing(tmp_path / "file.txt"):
        pass
    assert names(tmp_path) == []


def test_two_writers_do_not_meet(tmp_path):
    target = tmp_path / "file.txt"
    both = threading.Barrier(2, timeout=10)

    def write(text):
        with replacing(target) as temporary:
            temporary.write_text(text[:5])
            both.wait()
            temporary.write_text(text)
            both.wait()

    texts = ["a" * 10, "b" * 10]
    writers = [threading.Thread(target=write, args=[text]) for text in texts]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert target.read_text() in texts
    assert names(tmp_path) == ["file.txt"]


def test_a_file_is_held_by_one_alone_and_goes_in_the_end(tmp_path):
    path = tmp_path / "a.lock"
    with locked(path) as held:
        assert held
        refused = pytest.raises(TimeoutError)
        with refused, locked(path):
            pass
    assert names(tmp_path) == []
    with pytest.raises(ZeroDivisionError), locked(path):
        raise ZeroDivisionError
    with locked(path) as held:
        assert held


def test_a_file_that_cannot_be_made_is_not_held_and_stops_nothing(tmp_path):
    (tmp_path / "file").touch()
    with locked(tmp_path / "file" / "a.lock") as held:
        assert not held
    with pytest.raises(ZeroDivisionError), locked(tmp_path / "file" / "a.lock"):
        raise ZeroDivisionError
