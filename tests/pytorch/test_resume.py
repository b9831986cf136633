"""A game that was laid down and taken up is the game without the break."""

import numpy as np
import pytest
import torch

from course_utils.checkpoints import CheckpointError, Checkpoints
from course_utils.pytorch.gan import Discriminator, Generator, averaged, train_gan
from course_utils.pytorch.remedies import real_penalty_step
from course_utils.pytorch.runtime import export_weights

ROUNDS, EVERY = 4, 2


def play(digits, rounds, device="cpu", **options):
    """The DCGAN, its average, and dropout: all that draws or remembers."""
    torch.manual_seed(0)
    generator, discriminator = Generator().to(device), Discriminator().to(device)
    average = averaged(generator, decay=0.5)
    options = {
        "seed": 3,
        "step": real_penalty_step(1.0, 0.5),
        "batch_size": 8,
    } | options
    history = train_gan(
        generator,
        discriminator,
        digits[:20],  # so that a pass over the data ends within a round
        rounds * EVERY,
        average=average,
        every=EVERY,
        **options,
    )
    networks = generator, discriminator, average
    return history, [export_weights(network) for network in networks]


def assert_same(one, other):
    assert one[0] == other[0]
    for weights, twins in zip(one[1], other[1], strict=True):
        for name, array in weights.items():
            assert np.array_equal(array, twins[name]), name


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
