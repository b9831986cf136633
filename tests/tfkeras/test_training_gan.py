"""What `train_gan` shows to the step, records, and refuses; games resumed."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from playing import play
from small_keras_games import pair

from course_utils.records.checkpoints import CheckpointError, Checkpoints
from course_utils.tfkeras.device import seed_everything, to_numpy
from course_utils.tfkeras.gan import (
    generate,
)
from course_utils.tfkeras.networks import Discriminator, Generator
from course_utils.tfkeras.weights import export_weights


@pytest.fixture
def points(rng):
    return rng.standard_normal((70, 2)).astype("float32")


def played(data, steps=20, seed=0, **options):
    networks = pair()
    options = {"batch_size": 32, "every": 5} | options
    history = play(*networks, data, steps, seed, **options)
    return history, [export_weights(network) for network in networks]


def same_weights(first, second):
    return all(
        np.array_equal(array, other[name])
        for one, other in zip(first, second, strict=True)
        for name, array in one.items()
    )


def test_the_same_seed_gives_the_same_game_whatever_happened_before(points):
    first, weights = played(points)
    keras.utils.set_random_seed(77)
    keras.random.normal((3,))
    again, repeated = played(points)
    assert first == again
    assert list(first) == ["discriminator_loss", "generator_loss"]
    assert len(first) == 4
    assert same_weights(weights, repeated)
    other, _ = played(points, seed=1)
    assert other != first


@pytest.mark.parametrize("images", [False, True])
def test_a_game_that_was_resumed_is_the_game_without_the_break(
    tmp_path, points, digits, images
):
    """Dropout, batch statistics, both optimizers and the order of the data go on."""
    data = digits[:20] if images else points

    def game(rounds, **options):
        seed_everything(5)
        players = (Generator(), Discriminator()) if images else pair()
        options |= {"batch_size": 8, "every": 2}
        history = play(*players, data, 2 * rounds, 0, **options)
        return history, [export_weights(player) for player in players]

    whole, weights = game(4)
    checkpoints = Checkpoints(tmp_path / "game")
    half, _ = game(2, checkpoints=checkpoints)
    assert len(half) == 2
    resumed, others = game(4, checkpoints=checkpoints, resume=True)
    assert resumed == whole
    assert same_weights(weights, others)


def test_networks_of_another_start_are_overwritten_by_the_resumed(tmp_path, points):
    checkpoints = Checkpoints(tmp_path)
    _, weights = played(points, checkpoints=checkpoints)
    others = pair(seed=9)
    history = play(
        *others,
        points,
        20,
        0,
        batch_size=32,
        every=5,
        checkpoints=checkpoints,
        resume=True,
    )
    assert len(history) == 4
    assert same_weights(weights, [export_weights(network) for network in others])


def test_nothing_to_resume_is_said_in_words(tmp_path, points):
    empty = Checkpoints(tmp_path / "empty")
    with pytest.raises(CheckpointError, match="no complete checkpoint in"):
        played(points, checkpoints=empty, resume=True)
    with pytest.raises(ValueError, match="needs checkpoints"):
        played(points, resume=True)
    played(points, checkpoints=empty)
    with pytest.raises(CheckpointError, match="holds checkpoints up to step 20"):
        played(points, checkpoints=empty)
    with pytest.raises(CheckpointError, match="seed was 0 and is now 3"):
        played(points, seed=3, checkpoints=empty, resume=True)


class Spy:
    """A step that notes what it is given and moves nothing."""

    def __init__(self, losses=lambda call: (0.0, 0.0)):
        self.real, self.z, self.dropout = [], [], []
        self.losses = losses

    def __call__(self, generator, discriminator, real, z, *optimizers):
        kept = layers.Dropout.call(
            discriminator.get_layer("dropout"), tf.ones((400,)), training=True
        )
        tf.py_function(self.look, (real, z, kept), [])
        losses = tf.py_function(
            lambda: self.losses(len(self.real)), [], (tf.float64, tf.float64)
        )
        return tuple(tf.reshape(loss, ()) for loss in losses)

    def look(self, real, z, kept):
        self.real.append(to_numpy(real))
        self.z.append(to_numpy(z))
        self.dropout.append(to_numpy(kept) > 0)


def test_batches_are_full_and_every_point_is_shown_once_a_pass():
    spy = Spy()
    data = np.arange(22.0)[:, None] * [1, 1]
    played(data, 6, step=spy, batch_size=10, every=3)
    shown = [real[:, 0] for real in spy.real]
    for first, second in zip(shown[::2], shown[1::2], strict=True):
        assert len(set(first) | set(second)) == 20
    assert not np.array_equal(shown[0], shown[2])
    assert {z.shape for z in spy.z} == {(10, 3)}


def test_each_step_draws_its_own_noise_and_dropout(points):
    spy = Spy()
    played(points, 100, step=spy, batch_size=32)
    z, kept = np.concatenate(spy.z), np.array(spy.dropout)
    assert len(np.unique(z, axis=0)) == len(z) == 3_200
    # standard errors of a mean and of a variance of n draws: sqrt(1 / n), sqrt(2 / n)
    assert abs(z.mean()) < 5 / math.sqrt(z.size)
    assert abs(z.var() - 1) < 5 * math.sqrt(2 / z.size)
    assert len(np.unique(kept, axis=0)) == 100
    # of a share p of n: sqrt(p (1 - p) / n)
    assert abs(kept.mean() - 0.7) < 5 * math.sqrt(0.21 / kept.size)


def test_images_are_shown_between_minus_one_and_one(digits):
    spy, shape = Spy(), (28, 28, 1)
    networks = pair(shape=shape)
    play(*networks, digits, 1, 0, step=spy, batch_size=300, every=1)
    (real,) = spy.real
    assert real.shape == (300, *shape)
    assert (real.min(), real.max()) == (-1, 1)
    expected = np.sort(2 * digits.mean(axis=(1, 2, 3)) - 1)
    np.testing.assert_allclose(np.sort(real.mean((1, 2, 3))), expected, atol=1e-6)


def test_step_sizes_are_those_that_were_asked_for(points):
    found = []

    def step(generator, discriminator, real, z, *optimizers):
        rates = [optimizer.learning_rate for optimizer in optimizers]
        tf.py_function(lambda *r: found.append([float(rate) for rate in r]), rates, [])
        return tf.zeros(()), tf.zeros(())

    played(points, 5, step=step, learning_rate=0.25)
    played(points, 5, step=step, learning_rate=0.25, discriminator_learning_rate=0.5)
    halved = [1.0, 0.5, 0.25, 0.125, 0.0625]
    played(points, 5, step=step, learning_rate=halved)
    assert found[:10] == [[0.25, 0.25]] * 5 + [[0.25, 0.5]] * 5
    assert found[10:] == [[rate, rate] for rate in halved]


def test_losses_are_means_over_the_steps_of_a_round(points):
    spy = Spy(lambda call: (float(call - 1), float(1 - call)))
    history, _ = played(points, step=spy)
    assert history["discriminator_loss"] == [2, 7, 12, 17]
    assert history["generator_loss"] == [-2, -7, -12, -17]


def test_a_loss_that_is_not_finite_is_named_with_its_step(points):
    spy = Spy(lambda call: (0.0, math.nan if call == 8 else 0.0))
    with pytest.raises(FloatingPointError, match="step 8 of the game"):
        played(points, step=spy)


@pytest.mark.parametrize(
    "options, words",
    [({"batch_size": 71}, "cannot fill a batch of 71"), ({"every": 3}, "every=3")],
)
def test_impossible_sizes_are_refused_in_words(points, options, words):
    with pytest.raises(ValueError, match=words):
        played(points, **options)


def test_somebody_may_watch(points):
    steps = []
    played(points, watch=steps.append)
    assert steps == [5, 10, 15, 20]


def test_a_short_game_learns_where_the_data_are(points):
    seed_everything(0)
    networks = pair()
    z = np.random.default_rng(1).standard_normal((500, 3))
    before = np.abs(generate(networks[0], z).mean(0) - 3).max()
    data = 3 + 0.1 * points
    play(*networks, data, 300, 0, batch_size=64, learning_rate=1e-2)
    after = np.abs(generate(networks[0], z).mean(0) - 3).max()
    assert before > 2
    assert after < 1
