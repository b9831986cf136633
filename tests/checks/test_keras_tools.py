"""What the exercises see of Keras's gradients, networks and optimizers."""

from functools import cache

import keras
import pytest
import tensorflow as tf
from keras import ops
from told import then, told

from course_utils.checks.exercise import Exercise
from course_utils.checks.keras_tools import compiled, set_weights


def step(encoder, network, optimizer):
    """Two networks and the second one's optimizer -> the loss."""
    with tf.GradientTape() as tape:
        loss = ops.mean(ops.square(network(encoder(ops.ones((2, 2))))))
    slopes = tape.gradient(loss, network.trainable_variables)
    optimizer.apply(slopes, network.trainable_variables)
    return loss


@cache
def networks():
    return [
        keras.Sequential(
            [keras.Input((2,)), keras.layers.Dense(2), keras.layers.LeakyReLU()]
        )
        for _ in "ab"
    ]


def two_networks(rng):
    encoder, network = (set_weights(each, rng) for each in networks())
    optimizer = keras.optimizers.SGD(0.1, momentum=0.5)
    optimizer.build(network.trainable_variables)
    return "two networks", encoder, network, optimizer


def uphill(encoder, network, optimizer):
    optimizer.learning_rate = -optimizer.learning_rate
    loss = step(encoder, network, optimizer)
    optimizer.learning_rate = -optimizer.learning_rate
    return loss


@pytest.mark.parametrize(
    "change, words",
    [
        (lambda e, n, o: setattr(e, "trainable", False), "encoder.trainable has been"),
        (lambda e, n, o: setattr(o, "learning_rate", 0.01), "(learning_rate) has been"),
        (lambda e, n, o: tf.random.set_seed(0), "a global seed is set inside"),
        (lambda e, n, o: keras.utils.set_random_seed(0), "a global seed is set"),
        (lambda e, n, o: setattr(o, "momentum", 0.9), "optimizer.momentum (a setting)"),
        (lambda e, n, o: setattr(o, "apply", print), "optimizer.apply (a method) has"),
        (
            lambda e, n, o: setattr(n.layers[1], "negative_slope", 0.5),
            "network.3 (LeakyReLU).negative_slope (a setting) has been changed",
        ),
        (lambda e, n, o: setattr(e, "call", print), "(Sequential).call (a method) has"),
        (lambda e, n, o: keras.config.set_floatx("float64"), "Keras's floatx has been"),
        (
            lambda e, n, o: keras.config.set_dtype_policy("float16"),
            "Keras's dtype policy has been changed",
        ),
        (
            lambda e, n, o: keras.config.set_image_data_format("channels_first"),
            "Keras's layout of images has been changed",
        ),
        (
            lambda e, n, o: tf.config.run_functions_eagerly(True),
            "TensorFlow's switch of compiling has been changed",
        ),
    ],
)
def test_how_things_work_may_not_change(change, words):
    networks.cache_clear()  # a method that is replaced stays so
    assert words in told(Exercise(step, "hint", two_networks), then(step, change))
    networks.cache_clear()
    assert keras.config.floatx() == "float32"
    assert keras.config.dtype_policy().name == "float32"
    assert keras.config.image_data_format() == "channels_last"
    assert not tf.config.functions_run_eagerly()


def with_another_optimizer(encoder, network, optimizer):
    return step(encoder, network, keras.optimizers.SGD(0.1))


@pytest.mark.parametrize("watch", [None, compiled])
def test_a_step_moves_what_the_right_one_moves_and_nothing_else(watch):
    options = {} if watch is None else {"watch": watch}
    check = Exercise(step, "hint", two_networks, slips={"uphill": uphill}, **options)
    check(step)
    assert told(check, lambda e, n, o: ops.mean(n(e(ops.ones((2, 2)))) ** 2))
    if watch is None:
        assert told(check, uphill).endswith("Hint: uphill")
        assert "optimizer.0 (iteration)" in told(check, with_another_optimizer)
        check(step)


def test_a_variable_may_not_be_assigned_to():
    def right(x):
        return x + 1.0

    def answer(x):
        x.assign_add([1.0])
        return tf.convert_to_tensor(x)

    for kind in (tf.Variable, keras.Variable):
        check = Exercise(right, "a hint", lambda r, k=kind: ("x", k(r.normal(size=1))))
        check(right)
        assert "x has been changed (x)" in told(check, answer)


def test_what_tensorflow_says_last_is_said():
    def answer(encoder, network, optimizer):
        @tf.function
        def inner(x):
            return tf.matmul(x, tf.ones((5, 5)))

        return inner(tf.ones((2, 2)))

    text = told(Exercise(step, "hint", two_networks), answer).split("\n")[0]
    assert "with two networks it stops with ValueError: Dimensions must" in text
    assert text.endswith("return inner(tf.ones((2, 2))))")
