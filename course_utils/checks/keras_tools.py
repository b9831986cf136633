"""What exercises in Keras need: tensors, and a look at gradients and networks."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from course_utils.checks.calls import Refusal, as_numbers, in_words
from course_utils.checks.exercise import Call
from course_utils.checks.seen import IN_GRADIENT, Outputs, Seen, contents, workings
from course_utils.checks.trial import CUT


def tensor(numbers: npt.ArrayLike) -> tf.Tensor:
    """Numbers in single precision; whole numbers as such."""
    array = np.asarray(numbers)
    return tf.constant(array, tf.int32 if array.dtype.kind == "i" else tf.float32)


def set_weights(network: keras.Model, rng: np.random.Generator) -> keras.Model:
    """Give a network weights of size 0.7, and averages between 0.2 and 0.6.

    One that was built once can be handed out again like this: whatever else a student
    may have changed in it is put back.
    """
    network.trainable = True
    for weight in network.trainable_variables:
        weight.assign(rng.normal(0.2, 0.7, weight.shape))
    for average in network.non_trainable_variables:
        average.assign(rng.uniform(0.2, 0.6, average.shape))
    return network


def compiled(call: Call, arguments: Mapping[str, Any]) -> tuple[Outputs, Seen]:
    """A `watch` under which a step is compiled."""
    # TensorFlow counts a partial's tracings by itself, and else warns of too many.
    return tf.function(partial(call), autograph=False)(), {}


def gradients(
    *positions: int,
) -> Callable[[Call, Mapping[str, Any]], tuple[Outputs, Seen]]:
    """A `watch` that follows gradients back to tensors and to networks' weights.

    Args:
        *positions: of the values that are to have gradients, of all if none is given.
    """

    def watch(call: Call, arguments: Mapping[str, Any]) -> tuple[Outputs, Seen]:
        leaves = dict(_leaves(arguments))
        with tf.GradientTape(persistent=True) as tape:
            for source in leaves.values():
                tape.watch(source)
            outputs = call()
        names = list(outputs)
        seen: Seen = {}
        for what in [names[place] for place in positions] or names:
            found = _gradients(tape, what, outputs[what], list(leaves.values()))
            for name, gradient in zip(leaves, found, strict=True):
                seen[f"{IN_GRADIENT} {what} in {name}"] = gradient
        return outputs, seen

    return watch


def _gradients(
    tape: tf.GradientTape, what: str, value: Any, leaves: list[Any]
) -> list[npt.NDArray]:
    """Of a value's sum in each leaf; zeros where it has none.

    Raises:
        Refusal: it is no tensor, or none of the leaves is behind it.
    """
    if not tf.is_tensor(value):
        sentence = f"for {what}, a Tensor is wanted, and {in_words(value)} came."
        raise Refusal("no tensor", sentence, CUT)
    found = tape.gradient(value, leaves)
    if all(gradient is None for gradient in found):
        raise Refusal("no graph", f"no gradient flows back from {what}.", CUT)
    return [
        np.zeros(leaf.shape) if gradient is None else as_numbers("", gradient)
        for leaf, gradient in zip(leaves, found, strict=True)
    ]


def _leaves(arguments: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """All weights that are trained, and all tensors of real numbers, by name."""
    for name, value in arguments.items():
        if isinstance(value, keras.Layer):
            for weight in value.trainable_variables:
                yield f"{name}.{weight.path}", weight.value
        elif tf.is_tensor(value) and value.dtype.is_floating:
            yield name, value


@contents.register
def _(thing: keras.Layer) -> Seen:
    """The numbers in a network, which of them it trains, and how its layers work.

    The count of a layer's random numbers is left out, and whether it is built.
    """
    weights = [w for w in thing.weights if w.dtype.startswith("float")]
    trained = np.array([float(weight.trainable) for weight in weights])
    modes = {
        f"{place} ({type(layer).__name__}).{what}": how
        for place, layer in enumerate(thing._flatten_layers())
        for what, how in workings(layer).items()
        if not what.startswith("built")
    }
    return _by_place(weights) | {"trainable": trained} | modes


@contents.register
def _(thing: keras.optimizers.Optimizer) -> Seen:
    """How many steps it has counted, and what it remembers of them."""
    return _by_place(thing.variables) | workings(thing)


@contents.register(tf.Variable)
@contents.register(keras.Variable)
def _(thing: Any) -> Seen:
    return {"": as_numbers("a variable", thing.numpy(), flags=True)}


def _by_place(variables: list[Any]) -> Seen:
    """Names of Keras's count up from one network to the next: they say too little."""
    return {
        f"{place} ({variable.name})": as_numbers("a weight", variable.numpy())
        for place, variable in enumerate(variables)
    }
