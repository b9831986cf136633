"""Quick games of points in PyTorch, for tests of games and of their resuming."""

import numpy as np
import torch
from playing import played

from course_utils.pytorch.networks import (
    MLPDiscriminator,
    MLPGenerator,
)
from course_utils.pytorch.weights import export_weights


def assert_same(one, other):
    assert one[0] == other[0]
    for weights, twins in zip(one[1], other[1], strict=True):
        for name, array in weights.items():
            assert np.array_equal(array, twins[name]), name


POINTS = np.random.default_rng(0).standard_normal((40, 2)).astype("float32")


SCHEDULE = np.linspace(0.5, 0.1, 8)


def pair(seed=0, width=8):
    torch.manual_seed(seed)
    return MLPGenerator(2, (width,)), MLPDiscriminator(2, (width,))


def small(steps=8, data=POINTS, networks=None, **options):
    """A game of points: quick, and otherwise as any other."""
    networks = pair() if networks is None else networks
    options = {"seed": 3, "batch_size": 8, "every": 2} | options
    game, history = played(*networks, data, steps, **options)
    if game.average is not None:
        networks = *networks, game.average
    return history, [export_weights(network) for network in networks]


def lasting(steps):
    def step(*players):
        raise AssertionError("no step should be played")

    step.longest_game = steps
    return step
