import pytest

from course_utils.budget import budget, level


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
