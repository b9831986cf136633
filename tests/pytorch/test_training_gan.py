"""What `train_gan` shows to the step, records, and refuses."""

import copy
import math

import numpy as np
import pytest
import torch
from playing import play
from playing import played as played_game

from course_utils.data.mixtures import ring_of_gaussians
from course_utils.pytorch.gan import (
    gan_step,
    generate,
    penalized_step,
)
from course_utils.pytorch.networks import (
    Discriminator,
    Generator,
    MLPDiscriminator,
    MLPGenerator,
)


def pair(seed=0, latent_dim=2, dim=2, inputs=None):
    torch.manual_seed(seed)
    generator = MLPGenerator(latent_dim, (16,), dim)
    return generator, MLPDiscriminator(inputs or dim, (16,))


def played(step, inputs=None, **options):
    generator, discriminator = pair(inputs=inputs)
    points = ring_of_gaussians().sample(500, 0)
    options = {"batch_size": 32, "every": 5} | options
    history = play(generator, discriminator, points, 20, 0, step=step, **options)
    return history, generator


def test_the_same_seed_gives_the_same_game():
    first, generator = played(gan_step)
    again, other = played(gan_step)
    assert first == again
    assert list(first) == ["discriminator_loss", "generator_loss"]
    assert len(first) == 4
    z = np.ones((3, 2))
    assert np.array_equal(generate(generator, z), generate(other, z))


def test_batches_are_full_and_every_point_is_shown_once_a_pass():
    seen = []

    def step(generator, discriminator, real, z, *optimizers):
        seen.append((real[:, 0].numpy().copy(), tuple(z.shape)))
        return torch.zeros(()), torch.zeros(())

    points = np.arange(22.0)[:, None] * [1, 1]
    generator, discriminator = pair(latent_dim=3)
    play(generator, discriminator, points, 6, 0, step=step, batch_size=10, every=3)
    shown = [real for real, _ in seen]
    for first, second in zip(shown[::2], shown[1::2], strict=True):
        assert len(set(first) | set(second)) == 20
    assert not np.array_equal(shown[0], shown[2])
    assert {shape for _, shape in seen} == {(10, 3)}


def test_images_are_shown_between_minus_one_and_one(digits):
    seen = []

    def step(generator, discriminator, real, z, *optimizers):
        seen.append(real)
        return torch.zeros(()), torch.zeros(())

    play(
        Generator(2), Discriminator(), digits, 1, 0, step=step, batch_size=300, every=1
    )
    (real,) = seen
    assert real.shape == (300, 1, 28, 28)
    assert (real.min().item(), real.max().item()) == (-1, 1)
    expected = np.sort(2 * digits.mean(axis=(1, 2, 3)) - 1)
    found = np.sort(real.mean((1, 2, 3)).numpy())
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_the_average_is_a_running_mean_of_the_weights():
    weights = []

    def step(generator, discriminator, real, z, *optimizers):
        with torch.no_grad():
            generator.point.bias += 1.0
        weights.append(generator.point.bias.detach().clone())
        return torch.zeros(()), torch.zeros(())

    options = {"step": step, "averaging": 0.9, "batch_size": 8, "every": 5}
    game, _ = played_game(*pair(), np.zeros((8, 2)), 5, 0, **options)
    average = game.average
    mean = weights[0]
    for weight in weights[1:]:
        mean = 0.9 * mean + 0.1 * weight
    torch.testing.assert_close(average.module.point.bias, mean)
    assert generate(average, np.zeros((2, 2))).shape == (2, 2)


def test_step_sizes_are_those_that_were_asked_for():
    def rates(**options):
        found = []

        def step(generator, discriminator, real, z, g_optimizer, d_optimizer):
            for optimizer in (g_optimizer, d_optimizer):
                found.append(float(optimizer.param_groups[0]["lr"]))
            return torch.zeros(()), torch.zeros(())

        data = np.zeros((8, 2))
        options = {"step": step, "batch_size": 8, "every": 2} | options
        play(*pair(), data, 4, 0, **options)
        return found[::2], found[1::2]

    assert rates(learning_rate=0.1) == ([0.1] * 4, [0.1] * 4)
    each = [0.4, 0.3, 0.2, 0.1]
    assert rates(learning_rate=each) == (each, each)
    other = rates(learning_rate=each, discriminator_learning_rate=0.5)
    assert other == (each, [0.5] * 4)
    for wrong in ([0.1, 0.2], [0.1], each + [0.1]):
        with pytest.raises(
            ValueError, match=f"{len(wrong)} learning rates for 4 steps"
        ):
            rates(learning_rate=wrong)


def test_somebody_may_watch():
    steps = []
    played(gan_step, watch=steps.append)
    assert steps == [5, 10, 15, 20]


def test_losses_are_means_over_the_steps_of_a_round():
    count = iter(range(100))

    def step(*players):
        number = float(next(count))
        return torch.tensor(number), torch.tensor(-number)

    history, _ = played(step)
    assert history["discriminator_loss"] == [2, 7, 12, 17]
    assert history["generator_loss"] == [-2, -7, -12, -17]


def test_a_loss_that_is_not_finite_is_named_with_its_step():
    count = iter(range(100))

    def step(*players):
        value = math.nan if next(count) == 7 else 0.0
        return torch.zeros(()), torch.tensor(value)

    with pytest.raises(FloatingPointError, match="step 8 of the game"):
        played(step)


@pytest.mark.parametrize(
    "options, words",
    [({"batch_size": 501}, "cannot fill a batch of 501"), ({"every": 3}, "every=3")],
)
def test_impossible_sizes_are_refused_in_words(options, words):
    with pytest.raises(ValueError, match=words):
        played(gan_step, **options)


def test_a_short_game_learns_where_the_data_are():
    data = 3 + 0.1 * np.random.default_rng(0).standard_normal((1_000, 2))
    generator, discriminator = pair()
    before = copy.deepcopy(generator)
    play(generator, discriminator, data, 300, 0, step=penalized_step(0.1))
    z = np.random.default_rng(1).standard_normal((500, 2))
    start, end = (
        np.abs(generate(network, z).mean(0) - 3).max()
        for network in (before, generator)
    )
    assert start > 2
    assert end < 0.5


@pytest.mark.skipif(
    not torch.cuda.is_available(), reason="this machine has no NVIDIA GPU"
)
def test_the_game_is_played_where_the_generator_is():
    generator, discriminator = (network.to("cuda") for network in pair())
    points = ring_of_gaussians().sample(500, 0)
    options = {"step": penalized_step(0.1), "every": 10, "averaging": 0.999}
    game, history = played_game(generator, discriminator, points, 20, 0, **options)
    assert len(history) == 2
    assert generate(game.average, np.zeros((3, 2))).shape == (3, 2)
