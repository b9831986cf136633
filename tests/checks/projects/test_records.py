"""What is recorded of the course's own solutions reaches what students are asked."""

import numpy as np
import pytest
from projects import AUDITS, GAMES, play

from course_utils.checks.projects import b_25_modes as b
from course_utils.checks.projects import c_anomaly as c
from course_utils.records import read_result


def test_the_games_reach_the_goal_and_none_is_left_out():
    record = read_result("project_b")
    games = list(record["games"].values())
    assert list(record["games"]) == [str(seed) for seed in GAMES]
    assert record["steps"] == b.STEPS
    assert {game["modes"] for game in games} == {25}
    quality, kl, spread = (
        np.mean([game[key] for game in games]) for key in ("quality", "kl", "spread")
    )
    assert quality > b.LEAST_QUALITY
    assert kl < b.MOST_KL
    assert b.LEAST_SPREAD < spread < b.MOST_SPREAD


def test_the_audits_name_every_fault_and_have_honest_errors():
    faults = read_result("project_c")["faults"]
    assert list(faults) == list(c.FAULTS)
    for found in faults.values():
        assert found["named"] == found["analyses"] == len(AUDITS)
        # the root mean square of 20 standard normal numbers, five deviations wide
        assert found["pulls_rms"] == pytest.approx(1, abs=5 / np.sqrt(40))


def test_a_short_game_of_the_solution_gives_scores():
    game = play(0, steps=100)
    assert np.isfinite(list(game.values())[1:]).all()
