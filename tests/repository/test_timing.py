"""How the programs of tools/measure/ are timed and compared."""

import json

import pytest
from timing import compared, median_seconds, save_record, take_turns, timed

RATES = [{"float32": 1.0, "bfloat16": 4.0, "copy": 2.0}] * 3


def test_programs_take_turns_and_the_machine_is_measured_after_each_round():
    calls = []

    def rates():
        calls.append("rates")
        return {"float32": len(calls)}

    programs = {
        name: lambda number, name=name: calls.append(f"{name}{number}") or name
        for name in "ab"
    }
    turns, found = take_turns(programs, 2, rates)
    assert calls == ["a0", "b0", "rates", "a1", "b1", "rates"]
    assert found == [{"float32": 3}, {"float32": 6}]
    assert [turn.result for turn in turns["b"]] == ["b", "b"]


def test_warming_up_does_not_count_and_one_slow_run_does_not_matter(monkeypatch):
    calls, ticks = [], iter([0, 1, 10, 12, 20, 120])
    monkeypatch.setattr("timing.timed.__defaults__", (lambda: next(ticks),))
    assert median_seconds(lambda: calls.append(0), times=3, warm_up=2) == 2
    assert len(calls) == 5


def test_another_clock_can_be_used():
    ticks = iter([3.0, 5.5])
    run = timed(lambda: "done", clock=lambda: next(ticks))
    assert (run.seconds, run.result) == (2.5, "done")


def test_a_program_is_held_against_the_first_and_its_own_precision():
    seconds = {"plain": [4, 4, 90], "float32": [2, 2, 2], "bfloat16": [1, 1, 1]}
    speeds = compared(seconds, RATES, operations=1e9)
    assert [speed.speed_up for speed in speeds.values()] == [1, 2, 4]
    shares = [speed.share_of_limit for speed in speeds.values()]
    assert shares == pytest.approx([0.25, 0.5, 0.25])


def test_the_limit_is_what_takes_longer_products_or_copies():
    of = {"plain": [4.0]}
    assert compared(of, RATES, 1e9, traffic=1e9)["plain"].share_of_limit == 0.25
    assert compared(of, RATES, 1e9, traffic=4e9)["plain"].share_of_limit == 0.5


def test_a_record_is_written_whole(tmp_path):
    path = tmp_path / "record.json"
    save_record(path, {"a": 1})
    assert json.loads(path.read_text()) == {"a": 1}
    with pytest.raises(TypeError):
        save_record(path, {"a": object()})
    assert json.loads(path.read_text()) == {"a": 1}
