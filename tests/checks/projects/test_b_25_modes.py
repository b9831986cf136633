"""The judge of project b reads samples right, and refuses what is no generator.

No game is played here: an exact sampler stands in for a healthy one. (A judge of
samples cannot tell it from a GAN; whoever marks reads the program.)
"""

import numpy as np
import pytest
from scipy.special import ndtr, ndtri
from torch import nn
from torch.optim import SGD

from course_utils.checks.calls import NotYet
from course_utils.checks.projects import b_25_modes
from course_utils.checks.projects.b_25_modes import GRID, SAMPLES, judge_modes, task

FLOOR = 24 / (2 * SAMPLES)
CLAIM = FLOOR, 0.001


@pytest.fixture
def games(monkeypatch):
    """The games that the judge has set, so that a fake knows how they are turned."""
    given = []

    def remembered(rng):
        given.append(task(rng))
        return given[-1]

    monkeypatch.setenv("COURSE_BUDGET", "lecture")
    monkeypatch.setattr(b_25_modes, "task", remembered)
    return given


def exact(z, cells=25, width=1.0, shares=None):
    """Points of the grid, a steady function of z but for steps from mode to mode."""
    edges = np.cumsum(np.full(cells, 1 / cells) if shares is None else shares)[:-1]
    u = ndtr(z[:, 0])
    mode = np.searchsorted(edges, u)
    low, high = np.r_[0, edges][mode], np.r_[edges, 1][mode]
    inside = ndtri(np.clip((u - low) / (high - low), 1e-9, 1 - 1e-9))
    noise = np.stack([inside, z[:, 1]], axis=1)
    return GRID.modes[mode] + width * GRID.sigma * noise


def turned(points, back):
    return points @ np.linalg.inv(back(np.eye(2)))


def sampler(games, **settings):
    return lambda x, z, steps, seed: turned(exact(z, **settings), games[-1].back)


def test_a_perfect_sampler_is_at_the_floor(games, capsys):
    judge_modes(sampler(games), CLAIM, seed=0)
    printed = capsys.readouterr().out
    assert printed.count("25 modes, 98.") + printed.count("25 modes, 99.") == 5
    assert printed.endswith("train: right.\n")


def test_each_game_has_a_grid_of_its_own():
    first, second = (task(np.random.default_rng(seed)) for seed in (0, 1))
    assert abs(first.x.std() / second.x.std() - 1) > 0.1
    for one in (first, second):
        assert b_25_modes.scores(one.back(one.x[:SAMPLES])).modes == 25
    assert b_25_modes.scores(first.back(second.x[:SAMPLES])).quality < 0.5
    assert np.abs(first.z[SAMPLES:] - first.z[first.twins]).max() < 2e-6


UNEVEN = np.where(np.arange(25) < 5, 0.4, 1.15) / 25


def strays(games):
    def train(x, z, steps, seed):
        points = exact(z)
        points[z[:, 2] > 1] += 1.0  # far from all modes
        return turned(points, games[-1].back)

    return train


def rows(x, z, steps, seed):
    return np.random.default_rng(seed).choice(x, len(z))


def rows_by_latent(x, z, steps, seed):
    return x[(np.abs(z[:, 0]) * 1e7).astype(int) % len(x)]


def rows_by_order(x, z, steps, seed):
    """A steady function of z, to points of the data."""
    order = np.argsort(x @ [1.0, 0.01])
    return x[order[(ndtr(z[:, 0]) * len(x)).astype(int)]]


def rows_with_noise(x, z, steps, seed):
    rng = np.random.default_rng(seed)
    return rng.choice(x, len(z)) + 0.001 * rng.standard_normal((len(z), 2))


def too_many_steps(games):
    def train(x, z, steps, seed):
        network = nn.Linear(1, 1)
        optimizer = SGD(network.parameters(), lr=0.0)
        for _ in range(steps + 1):
            optimizer.step()
        return sampler(games)(x, z, steps, seed)

    return train


WRONG = {
    "24 modes": (lambda g: sampler(g, cells=24), "found 24 of 25 modes"),
    "uneven": (lambda g: sampler(g, shares=UNEVEN), "reverse KL is 0.0"),
    "narrow": (lambda g: sampler(g, width=0.5), "times as wide as they should be"),
    "wide": (lambda g: sampler(g, width=1.6), "of the samples are near a mode"),
    "strays": (strays, "of the samples are near a mode"),
    "another grid": (lambda g: lambda x, z, *a: exact(z), "modes only"),
    "rows": (lambda g: rows, "latent points that nearly agree"),
    "rows with noise": (lambda g: rows_with_noise, "latent points that nearly agree"),
    "rows by latent": (lambda g: rows_by_latent, "latent points that nearly agree"),
    "rows by order": (lambda g: rows_by_order, "samples are points of the data"),
    "one point": (lambda g: lambda x, z, *a: 0 * z[:, :2], "modes only"),
    "too few": (lambda g: lambda x, z, *a: z[:-1, :2], "was expected"),
    "not a number": (lambda g: lambda x, z, *a: np.nan * z[:, :2], "came nan"),
    "too many steps": (too_many_steps, "more than 10,000 steps"),
    "nothing": (lambda g: lambda *a: None, "nothing came back yet"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_no_such_generator_is_told_why(name, games):
    made, words = WRONG[name]
    with pytest.raises(NotYet) as caught:
        judge_modes(made(games), CLAIM, seed=0)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    "claim, words",
    [
        ((0.0, 0.0001), "errors apart"),
        ((0.019, 0.001), "errors apart"),
        ((FLOOR, 0.1), "says nothing"),
        ((FLOOR, 0.0), "is none"),
        ((FLOOR, np.nan), "two numbers"),
        (FLOOR, "two numbers"),
        (..., "there is nothing for the claim yet"),
        (("small", 0.1), "the claim"),
    ],
)
def test_a_claim_has_to_hold(claim, words, games):
    with pytest.raises(NotYet) as caught:
        judge_modes(sampler(games), claim, seed=0)
    assert words in str(caught.value)


def test_the_smoke_budget_judges_nothing(monkeypatch, capsys):
    monkeypatch.setenv("COURSE_BUDGET", "smoke")
    asked = []

    def train(x, z, steps, seed):
        asked.append(steps)
        return z[:, :2]

    judge_modes(train, CLAIM, seed=0)
    assert asked == [100]
    assert "right" not in capsys.readouterr().out
    with pytest.raises(NotYet, match="nothing came"):
        judge_modes(lambda *a: ..., CLAIM)
