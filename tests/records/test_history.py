import json
import math

import numpy as np
import pytest

from course_utils.records.history import History, IncompleteRunError


@pytest.fixture
def history():
    history = History()
    history.append(elbo=-120.5, kl=20.0)
    history.append(elbo=-110.25, kl=21.0)
    return history


def test_series_grow_in_the_order_they_were_named(history):
    assert history["elbo"] == [-120.5, -110.25]
    assert history["kl"] == [20.0, 21.0]
    assert list(history) == ["elbo", "kl"]
    assert dict(history.items()) == {"elbo": [-120.5, -110.25], "kl": [20.0, 21.0]}


def test_values_become_floats_of_python():
    history = History()
    history.append(kl=np.float32(1.5), elbo=2)
    assert [type(history[key][0]) for key in history] == [float, float]


def test_it_knows_its_length_and_names(history):
    assert len(history) == 2
    assert "kl" in history
    assert "test_kl" not in history
    assert len(History()) == 0


def test_the_length_is_that_of_the_longest_series(history):
    history.append(kl=3.0)
    assert len(history) == 3


def test_an_unknown_name_is_answered_with_the_known_ones(history):
    with pytest.raises(KeyError, match="test_elbo.*elbo, kl"):
        history["test_elbo"]


def test_a_file_gives_back_every_bit(history, tmp_path):
    history.append(elbo=0.1 + 0.2, kl=math.pi)
    history.append(elbo=-math.inf, kl=5e-324)
    history.save(tmp_path / "runs" / "history.json")
    assert History.load(tmp_path / "runs" / "history.json") == history


def test_the_file_is_plain_json(history, tmp_path):
    history.save(tmp_path / "history.json")
    text = (tmp_path / "history.json").read_text()
    assert json.loads(text) == {"elbo": [-120.5, -110.25], "kl": [20.0, 21.0]}
    assert text.endswith("\n")


def test_equality_is_of_all_numbers(history):
    same = History(dict(history.items()))
    assert same == history
    same["kl"][1] = math.nextafter(21.0, 22.0)
    assert same != history
    assert history != {"elbo": [-120.5, -110.25], "kl": [20.0, 21.0]}


def test_it_copies_the_series_that_it_is_given():
    series = {"kl": [1.0]}
    history = History(series)
    history.append(kl=2.0)
    assert series == {"kl": [1.0]}


def test_it_shows_its_last_values(history):
    assert repr(history) == "History(2 entries; last: elbo -110.2, kl 21)"
    assert "0 entries" in repr(History())


def test_a_part_of_a_run_says_that_it_is_one(history, tmp_path):
    history.complete = False
    history.save(tmp_path / "history.json")
    loaded = History.load(tmp_path / "history.json")
    assert loaded == history
    assert not loaded.complete
    assert "2 entries, incomplete" in repr(loaded)
    with pytest.raises(IncompleteRunError, match="stopped before its end.* 2 entries"):
        loaded.require_complete()


def test_a_whole_run_is_taken_for_one(history, tmp_path):
    history.save(tmp_path / "history.json")
    assert History.load(tmp_path / "history.json").require_complete() == history


def test_a_notebook_shows_the_sentence_alone():
    assert IncompleteRunError("Stopped.")._render_traceback_() == ["Stopped."]
