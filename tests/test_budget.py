"""The budget, and how the course's environment variables are understood."""

import pytest

from course_utils.budget import budget, flag, level, path


@pytest.mark.parametrize("chosen", ["smoke", "lecture", "full"])
def test_the_variable_picks_the_value(monkeypatch, chosen):
    monkeypatch.setenv("COURSE_BUDGET", chosen)
    assert level() == chosen
    assert budget(smoke="smoke", lecture="lecture", full="full") == chosen


@pytest.mark.parametrize("unset", [None, "", " ", "''"])
def test_the_default_is_a_lecture(monkeypatch, unset):
    if unset is not None:
        monkeypatch.setenv("COURSE_BUDGET", unset)
    assert level() == "lecture"
    assert budget(smoke=1, lecture=2, full=3) == 2


@pytest.mark.parametrize("word", ["Smoke", " smoke\t", "'smoke'", '"SMOKE "'])
def test_blanks_quotes_and_capitals_do_not_matter(monkeypatch, word):
    monkeypatch.setenv("COURSE_BUDGET", word)
    assert level() == "smoke"


@pytest.mark.parametrize("word", ["Smokey", "lecture,", "fast", "'"])
def test_an_unknown_word_is_refused_with_the_known_ones(monkeypatch, word):
    monkeypatch.setenv("COURSE_BUDGET", word)
    with pytest.raises(ValueError, match="smoke, lecture, full") as caught:
        budget(smoke=1, lecture=2, full=3)
    assert f"COURSE_BUDGET is {word!r}" in str(caught.value)


def test_values_are_named_and_none_may_be_left_out():
    with pytest.raises(TypeError):
        budget(1, 2, 3)
    with pytest.raises(TypeError):
        budget(smoke=1, lecture=2)


def test_the_choice_is_read_at_each_call(monkeypatch):
    monkeypatch.setenv("COURSE_BUDGET", "smoke")
    assert budget(smoke=1, lecture=2, full=3) == 1
    monkeypatch.setenv("COURSE_BUDGET", "full")
    assert budget(smoke=1, lecture=2, full=3) == 3


FLAG = "COURSE_STATIC"


@pytest.mark.parametrize("word", ["1", "true", "True", "YES", " on ", "'1'", '" yes"'])
def test_a_flag_says_yes_in_many_ways(monkeypatch, word):
    monkeypatch.setenv(FLAG, word)
    assert flag(FLAG)


@pytest.mark.parametrize("word", [None, "", " ", '""', "0", "False", "no", "'OFF'"])
def test_a_flag_says_no_in_as_many_and_when_it_is_empty(monkeypatch, word):
    if word is not None:
        monkeypatch.setenv(FLAG, word)
    assert not flag(FLAG)


@pytest.mark.parametrize("word", ["2", "maybe", "'", "-1"])
def test_another_word_is_refused_with_the_choices(monkeypatch, word):
    monkeypatch.setenv(FLAG, word)
    with pytest.raises(ValueError, match="must be one of 1, true, yes, on, 0, fal"):
        flag(FLAG)


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
    found = path("COURSE_DATA_DIR")
    assert str(found) == (str(tmp_path / expected) if expected else text)


@pytest.mark.parametrize("text", [None, "", "  ", "''"])
def test_an_empty_path_is_unset(monkeypatch, text):
    if text is not None:
        monkeypatch.setenv("COURSE_DATA_DIR", text)
    assert path("COURSE_DATA_DIR") is None
