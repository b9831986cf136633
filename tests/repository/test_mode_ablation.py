"""Games that the ablation plays side by side are those of the package's own steps."""

import importlib

import numpy as np
import pytest
import torch
from torch.optim import SGD

from course_utils.data.mixtures import ring_of_gaussians
from course_utils.pytorch.gan import gan_step, penalized_step
from course_utils.pytorch.networks import MLPDiscriminator, MLPGenerator
from course_utils.pytorch.remedies import (
    WideGenerator,
    relativistic_step,
    whole_recipe,
)

RING = ring_of_gaussians()
STEPS = {
    "plain": (False, 0.0, gan_step),
    "penalty": (False, 0.3, penalized_step(0.3)),
    "pairs": (True, 0.0, relativistic_step(0.0)),
    "pairs, penalty": (True, 0.3, relativistic_step(0.3)),
}


@pytest.fixture(scope="module")
def tool():
    return importlib.import_module("mode_coverage")


def networks(count, wide=False):
    torch.manual_seed(0)
    kind = WideGenerator if wide else MLPGenerator
    generators = [kind(2, (16, 16), scale=2.0) for _ in range(count)]
    return generators, [MLPDiscriminator(2, (16, 16), scale=2.0) for _ in range(count)]


@pytest.mark.parametrize("wide", [False, True])
def test_stacked_networks_do_what_each_does_alone(tool, wide):
    x = torch.randn(3, 10, 2)
    for kind, ones in zip((wide, False), networks(3, wide), strict=True):
        together = tool.Stack(ones, kind)(x)
        for one, own, points in zip(ones, together, x, strict=True):
            torch.testing.assert_close(own, one(points))


@pytest.mark.parametrize("pairs, gamma, step", STEPS.values(), ids=STEPS)
def test_a_step_side_by_side_is_the_packages_step(tool, pairs, gamma, step):
    generators, discriminators = networks(3)
    players = tool.Stack(generators), tool.Stack(discriminators)
    real, z = torch.randn(2, 3, 32, 2)
    optimizers = tuple(SGD(one.parameters(), 0.1) for one in players)
    tool.stacked_step(players, optimizers, real, z, pairs, gamma)
    for place, (g, d) in enumerate(zip(generators, discriminators, strict=True)):
        own = [SGD(network.parameters(), 0.1) for network in (g, d)]
        before = g(z[place]).detach()
        step(g, d, real[place], z[place], *own)
        assert not torch.allclose(g(z[place]), before)
        torch.testing.assert_close(players[0](z)[place], g(z[place]))
        torch.testing.assert_close(players[1](real)[place], d(real[place]))


def test_the_whole_row_has_the_settings_of_the_recipe(tool):
    recipe, row = whole_recipe(1.0, 50), tool.WHOLE
    for rates, ends in (
        (recipe.learning_rate, row.rate),
        (recipe.discriminator_learning_rate, row.discriminator_rate),
    ):
        expected = tool.falling(*ends, 50, row.rates_hold)
        np.testing.assert_array_equal(rates, expected)
    assert recipe.betas == row.betas
    assert row.pairs
    assert row.wide_start


def test_each_row_is_one_change_away_from_the_plain_game_or_from_the_recipe(tool):
    for name, row in tool.ROWS.items():
        base = tool.WHOLE if name.startswith("whole") else tool.PLAIN
        changed = {
            field for field in vars(base) if getattr(row, field) != getattr(base, field)
        }
        both_players = {"rate", "discriminator_rate"}
        assert changed <= both_players or len(changed) == 1, name


def test_rows_are_recorded_when_they_are_done_and_not_played_again(
    tool, monkeypatch, tmp_path
):
    monkeypatch.setattr(tool, "RESULTS", tmp_path)
    monkeypatch.setattr(tool, "TARGETS", {"grid": (RING, 1)})
    monkeypatch.setattr(tool, "ABLATION_STEPS", 3)
    monkeypatch.setattr(tool, "ABLATION_SEEDS", range(2))
    tool.ablate(["plain", "whole recipe"])
    first = (tmp_path / "mode_ablation.json").read_bytes()
    tool.ablate(["plain", "whole recipe"])
    assert (tmp_path / "mode_ablation.json").read_bytes() == first
