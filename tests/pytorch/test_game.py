"""Steps get their numbers and schedules; states are laid down and taken up."""

import functools

import numpy as np
import pytest
import torch
from playing import game_of
from small_games import POINTS, SCHEDULE, assert_same, lasting, pair, small
from torch.optim import Adam

from course_utils.pytorch.gan import gan_step
from course_utils.pytorch.networks import (
    Discriminator,
    Generator,
)
from course_utils.pytorch.remedies import relativistic_step
from course_utils.pytorch.weights import export_weights
from course_utils.records.arrays import WeightsError
from course_utils.records.checkpoints import Checkpoints
from course_utils.records.recipes import falling


def numbered_step(seen):
    """A step that notes the numbers that it gets."""

    def step(generator, discriminator, real, z, g_optimizer, d_optimizer, number):
        assert (number.dtype, number.shape) == (torch.int64, ())
        assert number.device == real.device
        seen.append((int(number), id(number)))
        return gan_step(generator, discriminator, real, z, g_optimizer, d_optimizer)

    return step


def test_a_step_that_asks_for_it_gets_its_number(tmp_path):
    """Also after a break; and always in the same tensor, which a graph could hold."""
    seen = []
    step, checkpoints = numbered_step(seen), Checkpoints(tmp_path)
    plain = small()
    half = small(4, step=step, checkpoints=checkpoints)
    assert [number for number, _ in seen] == [0, 1, 2, 3]
    assert len({place for _, place in seen}) == 1
    whole = small(step=step, checkpoints=checkpoints, resume=True)
    assert [number for number, _ in seen] == list(range(8))
    assert len(half[0]) == 2
    assert_same(whole, plain)


def six(generator, discriminator, real, z, generator_optimizer, d_optimizer):
    return gan_step(generator, discriminator, real, z, generator_optimizer, d_optimizer)


def keyword_step(seen):
    def step(*players, number):
        seen.append((int(number), 0))
        return gan_step(*players)

    return step


def handed_on(step, *names):
    """Wrapped as decorators do it: whatever comes is handed on."""

    @functools.wraps(step)
    def by_position(*players):
        return step(*players)

    @functools.wraps(step)
    def by_name(*players, **others):
        return step(*players, **others)

    return by_position, by_name


def test_wrapped_steps_get_their_number_too():
    seen = []
    step, asked = numbered_step(seen), keyword_step(seen)

    def before(extra, *players, number):
        return step(*players, number)

    steps = [asked, *handed_on(step), handed_on(asked)[1], functools.partial(before, 1)]
    for each in (*steps, functools.partial(step), StepObject(step)):
        seen.clear()
        small(4, step=each)
        assert [number for number, _ in seen] == [0, 1, 2, 3]


class StepObject:
    def __init__(self, step):
        self.step = step

    def __call__(self, *players, number):
        return self.step(*players, number)


def test_steps_that_do_not_ask_get_no_number():
    @functools.wraps(numbered_step([]))
    def hidden(generator, discriminator, real, z, g_optimizer, d_optimizer):
        return gan_step(generator, discriminator, real, z, g_optimizer, d_optimizer)

    plain = small(4)
    for step in (six, hidden, functools.partial(gan_step), lambda *all_: six(*all_)):
        assert_same(small(4, step=step), plain)


@pytest.mark.parametrize("kind", [list, tuple, np.array, torch.tensor, np.float32])
def test_a_resumed_game_goes_on_in_the_schedule_of_its_step(tmp_path, kind):
    step = relativistic_step(kind(SCHEDULE))
    whole = small(step=step)
    assert_same(small(step=step), whole)  # it serves another game as well
    small(4, step=step, checkpoints=Checkpoints(tmp_path))
    resumed = small(step=step, checkpoints=Checkpoints(tmp_path), resume=True)
    assert_same(resumed, whole)
    constant = small(step=relativistic_step(0.5))
    assert constant[0] != whole[0]


def test_a_schedule_is_that_of_the_moment_when_the_step_was_made():
    schedule = SCHEDULE.copy()
    step = relativistic_step(schedule)
    expected = small(step=step)
    schedule[:] = 0
    assert_same(small(step=step), expected)


def test_a_schedule_of_equal_weights_is_that_weight():
    constant = small(step=relativistic_step(0.3))
    assert_same(small(step=relativistic_step([0.3] * 8)), constant)


@pytest.mark.parametrize(
    "step",
    [
        relativistic_step(SCHEDULE[:7]),
        functools.partial(relativistic_step(SCHEDULE[:7])),
        functools.wraps(relativistic_step(SCHEDULE[:7]))(lambda *players: None),
        lasting(7),
        lasting(np.int64(7)),
    ],
)
def test_a_schedule_that_is_too_short_is_refused_before_the_first_step(step):
    with pytest.raises(ValueError, match="values for 7 steps, and the game has 8"):
        small(step=step)


def small_game(*networks, **recipe):
    return game_of(*networks, POINTS, 3, batch_size=8, **recipe)


RATES = (1e-3, 1e-3)


def frozen(state):
    return {name: array.copy() for name, array in state.items()}


@pytest.mark.parametrize(
    "change",
    [
        lambda s: s | {"generator_optimizer.0.exp_avg": np.zeros((1, 2), np.float32)},
        lambda s: s | {"generator_optimizer.99.step": np.zeros((), np.float32)},
        lambda s: s | {"discriminator_optimizer.0": np.zeros(3, np.float32)},
        lambda s: s | {"order": np.arange(9)},
        lambda s: s | {"rng": np.zeros(2, np.uint8)},
        lambda s: {name: s[name] for name in s if name != "number"},
        lambda s: {name: s[name] for name in s if name != "dealt"},
        lambda s: {name: s[name] for name in s if not name.startswith("disc")},
        lambda s: {"generator.point.weight": s["generator.point.weight"]},
    ],
)
def test_a_state_that_does_not_fit_changes_nothing(change):
    """Such as another framework's, whose networks fit and whose optimizers do not."""
    networks = pair()
    game = small_game(*networks, averaging=0.999)
    game.play([RATES] * 3)
    untouched = small_game(*pair(seed=1), averaging=0.999)
    untouched.play([RATES])
    before = untouched.state()
    with pytest.raises(WeightsError):
        untouched.load_state(change(game.state()))
    after = untouched.state()
    assert before.keys() == after.keys()
    assert all(np.array_equal(before[name], after[name]) for name in before)


def test_a_state_does_not_change_when_the_game_goes_on():
    torch.manual_seed(0)
    images = np.random.default_rng(0).random((20, 28, 28, 1), dtype=np.float32)
    networks = Generator(), Discriminator()
    game = game_of(*networks, images, 3, batch_size=8, averaging=0.5)
    game.play([RATES])
    state = game.state()
    before = frozen(state)
    game.play([RATES] * 3)
    changed = [name for name in state if not np.array_equal(state[name], before[name])]
    assert changed == []
    assert state["number"] == 1
    assert game.state()["number"] == 4
    number = game.number
    game.load_state(state)
    assert game.number is number
    assert all(np.array_equal(game.state()[name], before[name]) for name in before)


def test_a_state_that_was_loaded_does_not_change_either():
    networks = pair()
    game = small_game(*networks)
    game.play([RATES])
    state = game.state()
    before = frozen(state)
    other = small_game(*pair(seed=1))
    other.load_state(state)
    other.play([RATES])
    assert all(np.array_equal(state[name], before[name]) for name in before)


@pytest.mark.skipif(
    not torch.cuda.is_available(), reason="this machine has no NVIDIA GPU"
)
def test_a_step_with_a_schedule_can_be_captured_with_its_number():
    """Three steps to warm up, then twenty; by a graph that is replayed, or plainly."""
    ends = []
    for replayed in (False, True):
        networks = [network.to("cuda") for network in pair()]
        optimizers = [Adam(n.parameters(), 1e-3, capturable=True) for n in networks]
        step = relativistic_step(falling(1e-1, 1e-3, 50))
        real = torch.as_tensor(POINTS, dtype=torch.float32, device="cuda")
        z = torch.ones(len(real), networks[0].latent_dim, device="cuda")
        number = torch.zeros((), dtype=torch.int64, device="cuda")

        players = *networks, real, z, *optimizers

        def one_step(step=step, number=number, players=players):
            step(*players, number=number)
            number.add_(1)

        with torch.cuda.stream(torch.cuda.Stream()):
            for _ in range(3):
                one_step()
        torch.cuda.synchronize()
        go_on = one_step
        if replayed:
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph):
                one_step()
            go_on = graph.replay
        for _ in range(20):
            go_on()
        assert number.item() == 23
        ends.append([export_weights(network) for network in networks])
    for one, other in zip(*ends, strict=True):
        for name, array in one.items():
            np.testing.assert_array_equal(array, other[name])
