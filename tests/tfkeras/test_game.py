"""A game that was laid down is resumed by itself alone, and never half."""

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from playing import game_of, play

from course_utils.records.arrays import WeightsError
from course_utils.records.checkpoints import CheckpointError, Checkpoints
from course_utils.records.recipes import falling
from course_utils.tfkeras.device import seed_everything
from course_utils.tfkeras.gan import simultaneous_step
from course_utils.tfkeras.weights import export_weights

POINTS = np.random.default_rng(0).standard_normal((40, 2)).astype("float32")
SCHEDULE = np.linspace(0.5, 0.1, 8)
Decay = keras.optimizers.schedules.ExponentialDecay


def pair(seed=0, width=4):
    seed_everything(seed)
    z, x = keras.Input((3,)), keras.Input((2,))
    hidden = layers.Dense(width, activation="relu", name="hidden")
    generator = keras.Model(z, layers.Dense(2, name="point")(hidden(z)))
    generator.latent_dim = 3
    hidden = layers.Dense(width, activation="relu", name="hidden")
    return generator, keras.Model(x, layers.Dense(1, name="logit")(hidden(x)))


def still(*players):
    """A step that moves nothing, for games that are refused or only counted."""
    return tf.zeros(()), tf.zeros(())


def small(steps=8, data=POINTS, networks=None, **options):
    networks = pair() if networks is None else networks
    options = {"seed": 3, "batch_size": 8, "every": 2, "step": still} | options
    history = play(*networks, data, steps, **options)
    return history, [export_weights(network) for network in networks]


def assert_same(one, other):
    assert one[0] == other[0]
    for weights, twins in zip(one[1], other[1], strict=True):
        for name, array in weights.items():
            assert np.array_equal(array, twins[name]), name


def weighted_step(gammas):
    """The discriminator's loss gets a weight of its own in each step."""
    weights = tf.constant(gammas, tf.float32)

    def step(generator, discriminator, real, z, g_optimizer, d_optimizer, number):
        with tf.GradientTape() as tape:
            loss = tf.gather(weights, number) * tf.reduce_mean(discriminator(real))
        variables = discriminator.trainable_variables
        d_optimizer.apply(tape.gradient(loss, variables), variables)
        return loss, loss

    step.longest_game = len(gammas)
    return step


def test_a_resumed_game_goes_on_in_the_schedule_of_its_step(tmp_path):
    step = weighted_step(SCHEDULE)
    whole = small(step=step)
    assert_same(small(step=step), whole)  # it serves another game as well
    small(4, step=step, checkpoints=Checkpoints(tmp_path))
    resumed = small(step=step, checkpoints=Checkpoints(tmp_path), resume=True)
    assert_same(resumed, whole)


def numbered_step(seen):
    def step(generator, discriminator, real, z, g_optimizer, d_optimizer, number):
        assert (number.dtype, number.shape) == (tf.int64, ())
        tf.py_function(lambda n: seen.append(int(n)), [number], [])
        return tf.zeros(()), tf.zeros(())

    return step


def keyword_step(seen):
    def step(*players, number):
        return numbered_step(seen)(*players, number)

    return step


def handed_on(step):
    @functools.wraps(step)
    def wrapper(*players):
        return step(*players)

    return wrapper


def test_a_step_that_asks_for_it_gets_its_number(tmp_path):
    """Also after a break, and whatever the step is wrapped in."""
    seen = []
    step, checkpoints = numbered_step(seen), Checkpoints(tmp_path)
    small(4, step=step, checkpoints=checkpoints)
    small(step=step, checkpoints=checkpoints, resume=True)
    assert seen == list(range(8))
    others = keyword_step(seen), handed_on(step), functools.partial(step)
    for other in (*others, tf.function(step)):
        seen.clear()
        small(4, step=other)
        assert seen == [0, 1, 2, 3]


def test_a_step_may_branch_on_tensors_whether_it_gets_its_number_or_not():
    """TensorFlow rewrites the step's Python, also behind what hands the number on."""

    def plain(generator, discriminator, real, z, g_optimizer, d_optimizer):
        loss = tf.ones(()) if tf.reduce_sum(real) > 1e6 else tf.zeros(())
        return loss, loss

    def counting(generator, discriminator, real, z, g_optimizer, d_optimizer, number):
        loss = tf.ones(()) if number > 3 else tf.zeros(())
        return loss, loss

    assert small(step=plain)[0]["generator_loss"] == [0, 0, 0, 0]
    assert small(step=counting)[0]["generator_loss"] == [0, 0, 1, 1]


def test_a_schedule_that_is_too_short_is_refused_before_the_first_step():
    for step in (weighted_step(SCHEDULE[:7]), functools.partial(weighted_step([1.0]))):
        with pytest.raises(ValueError, match="step has values for [71] steps, and"):
            small(step=step)


def quiet_step(gamma):
    def step(*players):
        return tf.zeros(()), gamma * tf.zeros(())

    return step


def ignoring(gamma, *players):
    return still(*players)


OTHERS = {
    "the data": ({}, {"data": POINTS + 1}, "data was '40 x 2 float32, sha256"),
    "the order of the data": ({}, {"data": POINTS[::-1]}, "data was"),
    "the step": ({}, {"step": simultaneous_step}, "step.function was '.*still' and"),
    "a step's gamma": (
        {"step": quiet_step(0.1)},
        {"step": quiet_step(0.2)},
        "step.gamma was 0.1 and is now 0.2",
    ),
    "a step's schedule": (
        {"step": weighted_step(SCHEDULE)},
        {"step": weighted_step(SCHEDULE[::-1])},
        "step.weights was '8 float32, sha256",
    ),
    "a step's argument": (
        {"step": functools.partial(ignoring, 0.1)},
        {"step": functools.partial(ignoring, 0.2)},
        "step.0 was 0.1 and is now 0.2",
    ),
    "the learning rate": (
        {},
        {"learning_rate": 2e-4, "discriminator_learning_rate": 1e-4},
        "; learning_rate was 0.001 and is now 0.0002[.]",
    ),
    "the discriminator's": (
        {},
        {"discriminator_learning_rate": 2e-4},
        "discriminator_learning_rate was 0.001 and is now 0.0002",
    ),
    "a schedule instead of a rate": (
        {},
        {"learning_rate": falling(1e-4, 1e-5, 8)},
        "learning_rate was 0.001 and is now '8 float64, sha256",
    ),
    "a schedule's rate": (
        {"learning_rate": falling(1e-4, 1e-5, 4)},
        {"learning_rate": falling(1e-4, 2e-5, 4), "steps": 4},
        "learning_rate was '4 float64, sha256",
    ),
    "betas": ({}, {"betas": (0.9, 0.99)}, r"betas was \[0.5, 0.99\] and is now"),
    "the batch": ({}, {"batch_size": 4}, "batch_size was 8 and is now 4"),
    "every": ({}, {"every": 4}, "every was 2 and is now 4"),
    "the seed": ({}, {"seed": 4}, "seed was 3 and is now 4"),
}


@pytest.mark.parametrize("first, then, words", OTHERS.values(), ids=OTHERS.keys())
def test_a_game_with_another_setting_is_not_resumed(tmp_path, first, then, words):
    small(4, **first, checkpoints=Checkpoints(tmp_path))
    networks = pair(seed=1)
    before = [export_weights(network) for network in networks]
    with pytest.raises(CheckpointError, match=words):
        small(networks=networks, checkpoints=Checkpoints(tmp_path), resume=True, **then)
    assert_same((0, [export_weights(network) for network in networks]), (0, before))


def test_settings_that_mean_the_same_are_resumed(tmp_path):
    rate = {"learning_rate": 2e-4, "step": simultaneous_step}
    whole = small(**rate)
    small(4, **rate, checkpoints=Checkpoints(tmp_path))
    resumed = small(
        data=POINTS.copy(),
        step=simultaneous_step,
        learning_rate=[2e-4] * 8,
        betas=[np.float64(0.5), 0.99],
        seed=np.int64(3),
        batch_size=np.int32(8),
        every=np.uint8(2),
        checkpoints=Checkpoints(tmp_path),
        resume=True,
    )
    assert_same(resumed, whole)


def test_the_other_frameworks_folder_is_refused_before_anything_is_overwritten(
    tmp_path,
):
    checkpoints = Checkpoints(tmp_path)
    small(4, checkpoints=checkpoints)
    last = checkpoints.latest()
    other = last.run | {"framework": "PyTorch", "precision": "float32"}
    checkpoints.save(last._replace(run=other))
    networks = pair(seed=1)
    before = [export_weights(network) for network in networks]
    words = "framework was 'PyTorch' and is now 'Keras'"
    with pytest.raises(CheckpointError, match=words):
        small(networks=networks, checkpoints=checkpoints, resume=True)
    assert_same((0, [export_weights(network) for network in networks]), (0, before))


@pytest.mark.parametrize("part", [0, 1])
def test_other_networks_are_refused_before_anything_is_overwritten(tmp_path, part):
    small(4, checkpoints=Checkpoints(tmp_path))
    networks = list(pair(seed=1))
    networks[part] = pair(seed=1, width=5)[part]
    before = [export_weights(network) for network in networks]
    words = "of other networks, and nothing was taken from it.*has shape"
    with pytest.raises(CheckpointError, match=words):
        small(networks=networks, checkpoints=Checkpoints(tmp_path), resume=True)
    assert_same((0, [export_weights(network) for network in networks]), (0, before))


RATES = (1e-2, 1e-2)


def small_game(*networks, betas=(0.5, 0.99)):
    return game_of(*networks, POINTS, 3, batch_size=8, betas=betas)


@pytest.mark.parametrize(
    "change",
    [
        lambda s: s | {"discriminator_optimizer.1": np.zeros((9, 9), np.float32)},
        lambda s: s | {"discriminator_optimizer.99": np.zeros((), np.float32)},
        lambda s: {key: s[key] for key in s if "discriminator_optimizer" not in key},
        lambda s: {key: s[key] for key in s if "optimizer" not in key},
    ],
)
def test_a_state_that_does_not_fit_changes_nothing(change):
    """Such as another framework's, whose networks fit and whose optimizers do not."""
    state = small_game(*pair()).state()
    untouched = small_game(*pair(seed=1))
    before = untouched.state()
    with pytest.raises(WeightsError):
        untouched.load_state(change(state))
    after = untouched.state()
    assert all(np.array_equal(before[name], after[name]) for name in before)


def test_a_state_does_not_change_when_the_game_goes_on():
    game = small_game(*pair())
    game.play([RATES])
    state = game.state()
    before = {name: array.copy() for name, array in state.items()}
    game.play([RATES] * 3)
    assert all(np.array_equal(state[name], before[name]) for name in before)
    assert not all(np.array_equal(game.state()[name], before[name]) for name in before)
    game.load_state(state)
    game.play([RATES])
    assert all(np.array_equal(state[name], before[name]) for name in before)


def test_fewer_steps_than_are_done_are_refused_in_a_sentence(tmp_path):
    small(8, checkpoints=Checkpoints(tmp_path))
    with pytest.raises(ValueError, match="4 steps are fewer than the 8 that are done"):
        small(4, checkpoints=Checkpoints(tmp_path), resume=True)


def test_two_trainings_in_one_folder_are_refused(tmp_path):
    checkpoints = Checkpoints(tmp_path / "run")

    def meanwhile(step):
        for same in (checkpoints, Checkpoints(tmp_path / "run")):
            for resume in (False, True):
                with pytest.raises(CheckpointError, match="run is in use"):
                    small(checkpoints=same, resume=resume)

    history, _ = small(checkpoints=checkpoints, watch=meanwhile)
    assert len(history) == 4
    small(10, checkpoints=checkpoints, resume=True)


@pytest.mark.parametrize("kind", [np.int64, np.int32, np.uint8, np.array])
def test_integers_of_numpy_are_integers(kind):
    step = {"step": simultaneous_step}
    expected = small(4, learning_rate=0.25, betas=(0.5, 0.75), **step)
    rates = {"learning_rate": np.float32(0.25), "betas": np.array([0.5, 0.75])}
    sizes = {"seed": kind(3), "batch_size": kind(8), "every": kind(2)}
    assert_same(small(kind(4), **rates, **sizes, **step), expected)
    assert_same(
        small(4, **rates | {"betas": np.float32([0.5, 0.75])}, **step), expected
    )


@pytest.mark.parametrize(
    "options, kind, words",
    [
        ({"steps": 8.0}, TypeError, "steps must be a whole number, not 8.0"),
        ({"steps": True, "every": 1}, TypeError, "steps must be a whole number"),
        ({"steps": 0}, ValueError, "steps must be at least 1, not 0"),
        ({"every": 0}, ValueError, "every must be at least 1, not 0"),
        ({"every": 2.0}, TypeError, "every must be a whole number"),
        ({"batch_size": 8.0}, TypeError, "batch_size must be a whole number"),
        ({"batch_size": 0}, ValueError, "batch_size must be at least 2, not 0"),
        ({"seed": 0.5}, TypeError, "seed must be a whole number, not 0.5"),
        ({"learning_rate": [1e-3] * 7}, ValueError, "7 learning rates for 8 steps"),
        ({"learning_rate": Decay(1e-4, 10, 0.5)}, ValueError, "schedule of Keras is"),
    ],
)
def test_what_is_no_number_of_steps_or_samples_is_refused(options, kind, words):
    with pytest.raises(kind, match=words):
        small(**options)


def test_a_batch_of_one_is_refused_in_a_sentence():
    with pytest.raises(ValueError, match="batch_size must be at least 2, not 1: one"):
        small(batch_size=1)
