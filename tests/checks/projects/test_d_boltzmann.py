"""The judge of project d asks for digits either way, and adds up exactly."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.special import logit

from course_utils.checks.calls import NotYet
from course_utils.checks.projects import d_boltzmann
from course_utils.checks.projects.d_boltzmann import black_and_white, judge_machine
from course_utils.exact.boltzmann import BoltzmannMachine


def coins(x, seed):
    """Each pixel a coin of its own: a machine without weights."""
    share = np.clip(x.mean(0), 1e-4, 1 - 1e-4)
    return np.zeros((784, 16)), logit(share), np.zeros(16)


def test_digits_are_black_and_white():
    x = black_and_white()
    assert x.shape == (12_000, 784)
    assert set(np.unique(x)) == {0, 1}


def test_coins_are_far_from_the_target(capsys):
    with pytest.raises(NotYet, match="-150.0 are to be reached"):
        judge_machine(coins, seed=0)
    printed = [line.split(": ")[1] for line in capsys.readouterr().out.splitlines()]
    assert all(-215 < float(text.split()[0]) < -200 for text in printed)


def test_a_machine_of_coins_gets_what_coins_get(capsys, monkeypatch):
    monkeypatch.setattr(d_boltzmann, "TARGET", -220.0)
    judged = []

    def watched(x, seed):
        judged.append(x)
        return coins(x, seed)

    judge_machine(watched, seed=1)
    assert capsys.readouterr().out.endswith("train_machine: right.\n")
    assert [x.shape for x in judged] == [(10_000, 784)] * 2
    assert judged[0].mean() < 0.2 < 0.8 < judged[1].mean()


def test_who_only_learns_ink_on_paper_is_asked_why(monkeypatch):
    monkeypatch.setattr(d_boltzmann, "TARGET", -220.0)

    def only_as_it_is(x, seed):
        return coins(x if x.mean() < 0.5 else 1 - x, seed)

    with pytest.raises(NotYet, match="which of the two grey levels is called 1"):
        judge_machine(only_as_it_is, seed=0)


def test_a_machine_of_flipped_digits_has_the_same_likelihood():
    """What the rubric says of those who un-flip the digits."""
    rng = np.random.default_rng(3)
    W, b, c = rng.normal(size=(6, 3)), rng.normal(size=6), rng.normal(size=3)
    x = rng.integers(2, size=(20, 6)).astype(float)
    flipped = BoltzmannMachine(-W, -b, c + W.sum(0))
    assert_allclose(flipped.log_prob(1 - x), BoltzmannMachine(W, b, c).log_prob(x))


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (None, "nothing came"),
        (lambda x, seed: (np.zeros((784, 17)), np.zeros(784), np.zeros(17)), "W"),
        (lambda x, seed: (np.zeros((784, 16)), np.zeros(784)), "3 values"),
        (lambda x, seed: (np.full((784, 16), np.nan), *coins(x, 0)[1:]), "nan"),
    ],
)
def test_what_is_no_machine_is_refused(answer, words):
    with pytest.raises(NotYet, match=words):
        judge_machine(answer, seed=0)
