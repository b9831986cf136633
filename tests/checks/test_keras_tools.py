"""What the exercises see of Keras's gradients, networks and optimizers."""

from functools import cache

import keras
import pytest
import tensorflow as tf
from keras import ops

from course_utils.checks.calls import NotYet
from course_utils.checks.exercise import Exercise
from course_utils.checks.keras_tools import compiled, gradients, set_weights, tensor


def told(check, answer, seed=0):
    with pytest.raises(NotYet) as caught:
        check(answer, seed=seed)
    return str(caught.value)


def square(x, y):
    """Tensors x, y (n,) -> (n,)."""
    return ops.square(x) * y


squaring = Exercise(
    square,
    "a hint",
    lambda rng: ("rows", *map(tensor, rng.normal(size=(2, 3)))),
    gives="the square",
    watch=gradients(),
)


def test_gradients_are_those_of_the_right_function():
    squaring(lambda x, y: x * x * y)
    half = told(squaring, lambda x, y: x * tf.stop_gradient(x) * y)
    assert "for the gradient of the square in x (rows)" in half


@pytest.mark.parametrize(
    "answer, words",
    [
        (lambda x, y: square(tf.stop_gradient(x), y), "cuts the graph"),
        (lambda x, y: tf.stop_gradient(square(x, y)), "no gradient flows back"),
        (lambda x, y: square(x, y).numpy(), "a Tensor is wanted"),
    ],
)
def test_a_graph_that_is_cut_is_told_so(answer, words):
    assert words in told(squaring, answer)


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


def frozen(encoder, network, optimizer):
    loss = step(encoder, network, optimizer)
    encoder.trainable = False
    return loss


def seeded_by_tensorflow(encoder, network, optimizer):
    tf.random.set_seed(0)
    return step(encoder, network, optimizer)


def seeded_by_keras(encoder, network, optimizer):
    keras.utils.set_random_seed(0)
    return step(encoder, network, optimizer)


def with_a_smaller_rate(encoder, network, optimizer):
    loss = step(encoder, network, optimizer)
    optimizer.learning_rate = 0.01
    return loss


def then(change):
    def answer(*game):
        loss = step(*game)
        change(*game)
        return loss

    return answer


@pytest.mark.parametrize(
    "change, words",
    [
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
    assert words in told(Exercise(step, "hint", two_networks), then(change))
    networks.cache_clear()
    assert keras.config.floatx() == "float32"
    assert keras.config.dtype_policy().name == "float32"
    assert keras.config.image_data_format() == "channels_last"
    assert not tf.config.functions_run_eagerly()


def test_several_values_may_come_in_one_tensor_with_a_graph():
    pair = Exercise(
        lambda x, y: (x * y, x + y),
        "",
        squaring.draw,
        gives=("a", "b"),
        watch=gradients(),
    )
    pair(lambda x, y: tf.stack([x * y, x + y]))
    cut = told(pair, lambda x, y: tf.stack([x * y, tf.stop_gradient(x + y)]))
    assert "gradient" in cut


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
        assert "encoder.trainable has been changed" in told(check, frozen)
        assert "optimizer.0 (iteration)" in told(check, with_another_optimizer)
        assert "a global seed is set inside" in told(check, seeded_by_tensorflow)
        assert "a global seed is set inside" in told(check, seeded_by_keras)
        slower = told(check, with_a_smaller_rate)
        assert "(learning_rate) has been changed" in slower
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
