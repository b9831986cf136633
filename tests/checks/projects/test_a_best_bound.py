"""The judge of project a measures a bound, and cannot be told of the digits."""

import numpy as np
import pytest
import torch
from torch import nn

from course_utils.checks.calls import NotYet
from course_utils.checks.projects import a_best_bound
from course_utils.checks.projects.a_best_bound import bounds, judge_best_bound


class Coins(nn.Module):
    """A decoder that ignores its z, and an encoder that may do anything."""

    def __init__(self, x, shift=0.0, extra=0):
        super().__init__()
        share = (
            torch.from_numpy(np.asarray(x, np.float32)).mean(0).clamp(1e-4, 1 - 1e-4)
        )
        self.logits = nn.Parameter(torch.logit(share))
        self.more = nn.Parameter(torch.zeros(extra))
        self.shift = shift

    def encode(self, x):
        mu = torch.full((len(x), 2), self.shift)
        return mu, torch.zeros_like(mu)

    def decode(self, z):
        return self.logits.expand(len(z), -1)


class Smuggler(Coins):
    """Its encoder keeps the digits, and its decoder hands them back."""

    kept = None

    def encode(self, x):
        self.kept = x
        return super().encode(x)

    def decode(self, z):
        if self.kept is None:
            return super().decode(z)
        return (200 * self.kept - 100).repeat(len(z) // len(self.kept), 1)


class InCompany(Coins):
    """A code that depends on the other digits of the batch."""

    def encode(self, x):
        mu = x[:, 400:402] - x[:, 400:402].mean(0)
        return mu, torch.zeros_like(mu)


@pytest.fixture
def few(monkeypatch):
    """A judge of a hundred digits."""
    monkeypatch.setattr(a_best_bound, "HELD_OUT", 100)
    return lambda made, **more: judge_best_bound(lambda x, s: made(x, **more), seed=0)


def test_the_bound_of_coins_is_their_evidence():
    rng = np.random.default_rng(0)
    x = (rng.random((7, 784)) < 0.2).astype(np.float32)
    model = Coins(x)
    p = torch.sigmoid(model.logits).detach().double().numpy()
    evidence = x @ np.log(p) + (1 - x) @ np.log(1 - p)
    generator = torch.Generator().manual_seed(0)
    got = bounds(model, model, torch.from_numpy(x), generator)
    np.testing.assert_allclose(got, evidence, rtol=1e-5)


def test_a_code_that_says_nothing_costs_nats_and_never_brings_any():
    x = np.random.default_rng(0).integers(0, 2, (100, 784)).astype(np.float32)
    rows, generator = torch.from_numpy(x), torch.Generator().manual_seed(0)
    free, dear = (
        bounds(model, model, rows, generator) for model in (Coins(x), Coins(x, 3.0))
    )
    assert dear.mean() < free.mean() - 0.1


def test_coins_are_far_from_the_target(few, capsys):
    with pytest.raises(NotYet, match="are to be reached"):
        few(Coins)
    assert capsys.readouterr().out.startswith("L_500 of 100 new digits: -2")


def test_what_the_encoder_has_seen_does_not_reach_the_decoder(few):
    with pytest.raises(NotYet, match="are to be reached"):
        few(Smuggler)


def test_a_code_is_one_digits_own(few):
    with pytest.raises(NotYet, match="depends on the others"):
        few(InCompany)


def test_weights_are_counted(few):
    with pytest.raises(NotYet, match="300,001 weights"):
        few(Coins, extra=300_001 - 784)


def test_a_function_is_no_model(few):
    with pytest.raises(NotYet, match="an nn.Module"):
        few(lambda x: np.mean)


def test_a_target_that_is_met_is_right(few, monkeypatch, capsys):
    monkeypatch.setattr(a_best_bound, "TARGET", -250.0)
    few(Coins)
    assert capsys.readouterr().out.endswith("train_model: right.\n")
