"""How the course's environment variables are understood."""

import pytest

from course_utils import budget

NAME = "COURSE_STATIC"


@pytest.mark.parametrize("word", ["1", "true", "True", "YES", " on ", "'1'", '" yes"'])
def test_a_flag_says_yes_in_many_ways(monkeypatch, word):
    monkeypatch.setenv(NAME, word)
    assert budget.flag(NAME)


@pytest.mark.parametrize("word", [None, "", " ", '""', "0", "False", "no", "'OFF'"])
def test_a_flag_says_no_in_as_many_and_when_it_is_empty(monkeypatch, word):
    if word is not None:
        monkeypatch.setenv(NAME, word)
    assert not budget.flag(NAME)


@pytest.mark.parametrize("word", ["2", "maybe", "'", "-1"])
def test_another_word_is_refused_with_the_choices(monkeypatch, word):
    monkeypatch.setenv(NAME, word)
    with pytest.raises(ValueError, match="must be one of 1, true, yes, on, 0, fal"):
        budget.flag(NAME)


@pytest.mark.parametrize(
    "text, expected",
    [
        ("~/digits", "home/digits"),
        ("$HOME/digits", "home/digits"),
        ("${HOME}/digits", "home/digits"),
        ('" ~/my digits "', "home/my digits"),
        ("elsewhere", None),
        ("of '94", None),
    ],
)
def test_a_path_may_begin_at_home(monkeypatch, tmp_path, text, expected):
    for variable in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(variable, str(tmp_path / "home"))
    monkeypatch.setenv("COURSE_DATA_DIR", text)
    found = budget.path("COURSE_DATA_DIR")
    assert str(found) == (str(tmp_path / expected) if expected else text)


@pytest.mark.parametrize("text", [None, "", "  ", "''"])
def test_an_empty_path_is_unset(monkeypatch, text):
    if text is not None:
        monkeypatch.setenv("COURSE_DATA_DIR", text)
    assert budget.path("COURSE_DATA_DIR") is None
