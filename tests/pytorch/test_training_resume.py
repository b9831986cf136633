"""A game that was laid down and taken up is the game without the break."""

import functools

import numpy as np
import pytest
import torch
from playing import played
from small_games import POINTS, SCHEDULE, assert_same, lasting, pair, small

from course_utils.pytorch.gan import gan_step, penalized_step, real_penalty_step
from course_utils.pytorch.networks import (
    Discriminator,
    Generator,
)
from course_utils.pytorch.remedies import relativistic_step
from course_utils.pytorch.weights import export_weights
from course_utils.records.checkpoints import CheckpointError, Checkpoints
from course_utils.records.history import History

ROUNDS, EVERY = 4, 2


def play(digits, rounds, device="cpu", **options):
    """The DCGAN, its average, and dropout: all that draws or remembers."""
    torch.manual_seed(0)
    networks = Generator().to(device), Discriminator().to(device)
    options = {
        "seed": 3,
        "step": real_penalty_step(1.0, 0.5),
        "batch_size": 8,
        "averaging": 0.5,
    } | options
    # so that a pass over the data ends within a round
    few = digits[:20]
    game, history = played(*networks, few, rounds * EVERY, every=EVERY, **options)
    every_network = *networks, game.average
    return history, [export_weights(network) for network in every_network]


def test_two_rounds_and_two_more_are_four(digits, tmp_path):
    whole = play(digits, ROUNDS)
    checkpoints = Checkpoints(tmp_path)
    play(digits, 2, checkpoints=checkpoints)
    assert checkpoints.steps() == [EVERY, 2 * EVERY]
    # whoever takes it up has drawn other random numbers in between
    torch.rand(1)
    assert_same(play(digits, ROUNDS, checkpoints=checkpoints, resume=True), whole)
    assert len(whole[0]) == ROUNDS


def test_a_damaged_checkpoint_costs_one_round_only(digits, tmp_path):
    whole = play(digits, ROUNDS)
    checkpoints = Checkpoints(tmp_path)
    play(digits, 2, checkpoints=checkpoints)
    last = max(tmp_path.iterdir())
    last.write_bytes(last.read_bytes()[:-100])
    assert_same(play(digits, ROUNDS, checkpoints=checkpoints, resume=True), whole)


def test_a_finished_game_is_only_loaded(digits, tmp_path):
    checkpoints = Checkpoints(tmp_path)
    whole = play(digits, 1, checkpoints=checkpoints)
    again = play(digits, 1, checkpoints=checkpoints, resume=True)
    assert_same(again, whole)


def test_the_users_random_numbers_are_left_alone(digits):
    torch.manual_seed(0)
    expected = [Generator(), Discriminator(), torch.rand(3)][-1]
    play(digits, 1)
    assert torch.equal(torch.rand(3), expected)


def test_what_cannot_be_resumed_is_told(digits, tmp_path):
    checkpoints = Checkpoints(tmp_path)
    with pytest.raises(CheckpointError, match="no complete checkpoint"):
        play(digits, 1, checkpoints=checkpoints, resume=True)
    with pytest.raises(ValueError, match=r"needs checkpoints=Checkpoints\(folder\)"):
        play(digits, 1, resume=True)
    play(digits, 1, checkpoints=checkpoints)
    with pytest.raises(CheckpointError, match="Pass resume=True"):
        play(digits, 1, checkpoints=checkpoints)
    with pytest.raises(CheckpointError, match="seed was 3 and is now 4"):
        play(digits, 2, checkpoints=checkpoints, resume=True, seed=4)


@pytest.mark.skipif(
    not torch.cuda.is_available(), reason="this machine has no NVIDIA GPU"
)
def test_a_gpu_resumes_too(digits, tmp_path):
    whole = play(digits, ROUNDS, "cuda")
    checkpoints = Checkpoints(tmp_path)
    play(digits, 2, "cuda", checkpoints=checkpoints)
    resumed = play(digits, ROUNDS, "cuda", checkpoints=checkpoints, resume=True)
    # atomic sums on a GPU come in any order: float32 rounding, grown over eight steps
    for key, values in whole[0].items():
        assert resumed[0][key] == pytest.approx(values, rel=1e-3)


def by_default(gamma):
    def step(*players, weight=gamma):
        return gan_step(*players)

    return step


def ignoring(gamma, *players):
    return gan_step(*players)


OTHERS = {
    "the data": ({}, {"data": POINTS + 1}, "data was"),
    "one number of the data": ({}, {"data": POINTS * (POINTS.max() != POINTS)}, "data"),
    "the order of the data": ({}, {"data": POINTS[::-1].copy()}, "data was"),
    "more data": ({}, {"data": np.tile(POINTS, (2, 1))}, "data was '40 x 2 float32"),
    "the step": ({}, {"step": penalized_step(0.1)}, "step.function was '.*gan_step'"),
    "a step's gamma": (
        {"step": penalized_step(0.1)},
        {"step": penalized_step(0.2)},
        "step.gamma was 0.1 and is now 0.2",
    ),
    "a step's share": (
        {"step": real_penalty_step(0.1, 0.5)},
        {"step": real_penalty_step(0.1, 0.25)},
        "step.share was 0.5 and is now 0.25",
    ),
    "a relativistic step's gamma": (
        {"step": relativistic_step(0.1)},
        {"step": relativistic_step(0.2)},
        "step.weight.gammas was 0.1 and is now 0.2",
    ),
    "a step's schedule": (
        {"step": relativistic_step(SCHEDULE)},
        {"step": relativistic_step(SCHEDULE[::-1])},
        "step.weight.gammas was '8 float64, sha256",
    ),
    "a step's argument": (
        {"step": functools.partial(ignoring, 0.1)},
        {"step": functools.partial(ignoring, 0.2)},
        "step.0 was 0.1 and is now 0.2",
    ),
    "a step's default": (
        {"step": by_default(0.1)},
        {"step": by_default(0.2)},
        "step.weight was 0.1 and is now 0.2",
    ),
    "the learning rate": (
        {},
        {"learning_rate": 2e-3, "discriminator_learning_rate": 1e-3},
        "run: learning_rate was 0.001 and is now 0.002[.]",
    ),
    "the discriminator's": (
        {},
        {"discriminator_learning_rate": 2e-3},
        "discriminator_learning_rate was 0.001 and is now 0.002",
    ),
    "a schedule of rates": (
        {"learning_rate": SCHEDULE[:4]},
        {"learning_rate": SCHEDULE[3::-1], "steps": 4},
        "learning_rate was '4 float64, sha256",
    ),
    "betas": ({}, {"betas": (0.5, 0.999)}, r"betas was \[0.5, 0.99\] and is now"),
    "the batch": ({}, {"batch_size": 4}, "batch_size was 8 and is now 4"),
    "every": ({}, {"every": 4}, "every was 2 and is now 4"),
    "the seed": ({}, {"seed": 4}, "seed was 3 and is now 4"),
    "an average": ({}, {"averaging": 0.9}, "averaging was None and is now 0.9"),
    "no average": ({"averaging": 0.9}, {}, "averaging was 0.9 and is now None"),
    "the average's decay": (
        {"averaging": 0.9},
        {"averaging": 0.99},
        "averaging was 0.9 and is now 0.99",
    ),
    "the precision": ({}, {"precision": "bfloat16"}, "precision was 'float32' and is"),
}


@pytest.mark.parametrize("first, then, words", OTHERS.values(), ids=OTHERS.keys())
def test_a_game_with_another_setting_is_not_resumed(tmp_path, first, then, words):
    small(**{"steps": 4} | first, checkpoints=Checkpoints(tmp_path))
    networks = pair(seed=1)
    before = [export_weights(network) for network in networks]
    with pytest.raises(CheckpointError, match=words):
        small(
            **then,
            networks=networks,
            checkpoints=Checkpoints(tmp_path),
            resume=True,
        )
    assert_same((0, [export_weights(network) for network in networks]), (0, before))


def test_settings_that_mean_the_same_are_resumed(tmp_path):
    whole = small(learning_rate=1e-3, betas=(0.5, 0.99))
    small(4, learning_rate=[1e-3] * 4, checkpoints=Checkpoints(tmp_path))
    resumed = small(
        data=np.asfortranarray(POINTS, dtype="float64"),
        step=gan_step,
        learning_rate=np.full(8, 1e-3),
        discriminator_learning_rate=np.float64(1e-3),
        betas=[np.float64(0.5), np.float64(0.99)],
        seed=np.int64(3),
        batch_size=np.int32(8),
        every=np.uint8(2),
        checkpoints=Checkpoints(tmp_path),
        resume=True,
    )
    assert_same(resumed, whole)


def test_a_checkpoint_from_before_settings_were_recorded_says_so(tmp_path):
    checkpoints = Checkpoints(tmp_path)
    small(4, checkpoints=checkpoints)
    old = {"seed": 3, "batch_size": 8, "every": 2, "data": 40}
    last = checkpoints.latest()
    checkpoints.save(last._replace(run=old))
    with pytest.raises(CheckpointError, match="betas was not recorded and is now"):
        small(checkpoints=checkpoints, resume=True)


def test_fewer_steps_than_are_done_are_refused_in_a_sentence(tmp_path):
    small(8, checkpoints=Checkpoints(tmp_path))
    networks = pair(seed=1)
    before = [export_weights(network) for network in networks]
    with pytest.raises(ValueError, match="4 steps are fewer than the 8 that are done"):
        small(4, networks=networks, checkpoints=Checkpoints(tmp_path), resume=True)
    assert_same((0, [export_weights(network) for network in networks]), (0, before))


def test_a_checkpoint_whose_history_does_not_fit_its_step_is_refused(tmp_path):
    checkpoints = Checkpoints(tmp_path)
    small(4, checkpoints=checkpoints)
    checkpoints.save(checkpoints.latest()._replace(history=History({"loss": [1.0]})))
    with pytest.raises(CheckpointError, match="of step 4, and its history has 1 round"):
        small(checkpoints=checkpoints, resume=True)


@pytest.mark.parametrize("part", [0, 1])
def test_other_networks_are_refused_before_anything_is_overwritten(tmp_path, part):
    small(4, averaging=0.9, checkpoints=Checkpoints(tmp_path))
    networks = list(pair(seed=1))
    networks[part] = pair(seed=1, width=9)[part]
    before = [export_weights(network) for network in networks]
    words = "of other networks, and nothing was taken from it.*has shape"
    with pytest.raises(CheckpointError, match=words):
        small(
            networks=networks,
            averaging=0.9,
            checkpoints=Checkpoints(tmp_path),
            resume=True,
        )
    assert_same((0, [export_weights(network) for network in networks]), (0, before))


def test_two_trainings_in_one_folder_are_refused(tmp_path):
    checkpoints = Checkpoints(tmp_path / "run")

    def meanwhile(step):
        for same in (checkpoints, Checkpoints(tmp_path / "run")):
            for resume in (False, True):
                with pytest.raises(CheckpointError, match="run is in use"):
                    small(checkpoints=same, resume=resume)

    history, _ = small(checkpoints=checkpoints, watch=meanwhile)
    assert len(history) == 4
    assert {path.suffix for path in checkpoints.folder.iterdir()} == {".safetensors"}
    small(10, checkpoints=checkpoints, resume=True)


def test_a_training_that_fails_lets_its_folder_go(tmp_path):
    def failing(step):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        small(checkpoints=Checkpoints(tmp_path / "run"), watch=failing)
    small(checkpoints=Checkpoints(tmp_path / "run"))


def test_a_wrong_folder_is_not_made_by_a_resumed_training(tmp_path):
    with pytest.raises(CheckpointError, match="no complete checkpoint"):
        small(checkpoints=Checkpoints(tmp_path / "wrong"), resume=True)
    assert not (tmp_path / "wrong").exists()


def test_a_folder_that_cannot_be_written_is_refused_before_the_first_step(tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(CheckpointError, match="cannot be written to .*file"):
        small(step=lasting(8), checkpoints=Checkpoints(tmp_path / "file"))


@pytest.mark.parametrize("kind", [np.int64, np.int32, np.uint8, np.array])
def test_integers_of_numpy_are_integers(tmp_path, kind):
    expected = small(8, averaging=0.9)
    rates = {"learning_rate": np.float64(1e-3), "betas": np.array([0.5, 0.99])}
    sizes = {"seed": kind(3), "batch_size": kind(8), "every": kind(2)}
    options = rates | sizes | {"checkpoints": Checkpoints(tmp_path, keep=kind(2))}
    assert_same(small(kind(8), averaging=0.9, **options), expected)
    assert Checkpoints(tmp_path).steps() == [6, 8]


NONSENSE = [
    ({"steps": 8.0}, TypeError, "steps must be a whole number, not 8.0"),
    ({"steps": True, "every": 1}, TypeError, "steps must be a whole number, not True"),
    ({"steps": 0}, ValueError, "steps must be at least 1, not 0"),
    ({"steps": -2}, ValueError, "steps must be at least 1, not -2"),
    ({"every": 0}, ValueError, "every must be at least 1, not 0"),
    ({"every": -1}, ValueError, "every must be at least 1, not -1"),
    ({"every": 2.0}, TypeError, "every must be a whole number"),
    ({"every": None}, TypeError, "every must be a whole number, not None"),
    ({"batch_size": 8.0}, TypeError, "batch_size must be a whole number"),
    ({"batch_size": 0}, ValueError, "batch_size must be at least 2, not 0"),
    ({"batch_size": -8}, ValueError, "batch_size must be at least 2, not -8"),
    ({"seed": 0.5}, TypeError, "seed must be a whole number, not 0.5"),
    ({"seed": "3"}, TypeError, "seed must be a whole number, not '3'"),
    ({"seed": np.array([3])}, TypeError, "seed must be a whole number"),
]


@pytest.mark.parametrize("options, kind, words", NONSENSE)
def test_what_is_no_number_of_steps_or_samples_is_refused(options, kind, words):
    with pytest.raises(kind, match=words):
        small(**options)


def test_a_batch_of_one_is_refused_in_a_sentence():
    with pytest.raises(ValueError, match="batch_size must be at least 2, not 1: one"):
        small(batch_size=1)
