"""What the exercises see of gradients, alike in PyTorch and in Keras."""

from types import SimpleNamespace

import pytest
import tensorflow as tf
import torch
from told import told

from course_utils.checks import keras_tools, torch_tools
from course_utils.checks.exercise import Exercise

BOTH = {
    "torch": SimpleNamespace(
        given=torch_tools.leaf,
        watch=torch_tools.gradients(),
        cut=torch.Tensor.detach,
        numbers=lambda x: x.detach().numpy(),
        stack=torch.stack,
    ),
    "keras": SimpleNamespace(
        given=keras_tools.tensor,
        watch=keras_tools.gradients(),
        cut=tf.stop_gradient,
        numbers=lambda x: x.numpy(),
        stack=tf.stack,
    ),
}


@pytest.fixture(params=BOTH.values(), ids=BOTH)
def tools(request):
    return request.param


def watched(tools, right, gives):
    """A table with two rows of numbers, whose gradients are looked at."""

    def rows(rng):
        return "rows", *map(tools.given, rng.normal(size=(2, 3)))

    return Exercise(right, "a hint", rows, gives=gives, watch=tools.watch)


def square(x, y):
    """x, y (n,) -> (n,)."""
    return x * x * y


def test_gradients_are_those_of_the_right_function(tools):
    squaring = watched(tools, square, "the square")
    squaring(lambda x, y: y * x * x)
    half = told(squaring, lambda x, y: x * tools.cut(x) * y)
    assert "for the gradient of the square in x (rows)" in half


@pytest.mark.parametrize(
    "answer, words",
    [
        (lambda tools, x, y: square(tools.cut(x), y), "cuts the graph"),
        (lambda tools, x, y: tools.cut(square(x, y)), "no gradient flows back"),
        (lambda tools, x, y: tools.numbers(square(x, y)), "a Tensor is wanted"),
    ],
)
def test_a_graph_that_is_cut_is_told_so(tools, answer, words):
    squaring = watched(tools, square, "the square")
    assert words in told(squaring, lambda x, y: answer(tools, x, y))


def test_several_values_may_come_in_one_tensor_with_a_graph(tools):
    pair = watched(tools, lambda x, y: (x * y, x + y), ("a", "b"))
    pair(lambda x, y: tools.stack([x * y, x + y]))
    cut = told(pair, lambda x, y: tools.stack([x * y, tools.cut(x + y)]))
    assert "the gradient of b in x" in cut
