"""What can be seen of a call, as numbers by words, and how two of them differ."""

from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from functools import singledispatch
from types import SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt

from course_utils.checks.calls import Array, Refusal, as_numbers, in_words, nothing

# How words for numbers begin or end.
IN_GRADIENT = "the gradient of"
GRADIENT, HOOKS, AFTERWARDS = "gradient", "hooks", " afterwards"
DRAWN = " has been drawn from"
# Names of what a thing holds that is no part of its value.
SETTING, METHOD = " (a setting)", " (a method)"
FLAGS = (
    GRADIENT,
    HOOKS,
    SETTING,
    METHOD,
    "dtype",
    "training",
    "requires_grad",
    "trainable",
)

Seen = dict[str, Array]  # numbers, by what they are in words
Outputs = dict[str, Any]  # what came back, by what it is in words


@singledispatch
def contents(thing: Any) -> Seen:
    """Copies of the numbers in a thing that a call may change, by name.

    The tools of a framework register its tensors, networks and optimizers. Names that
    end in `GRADIENT` come last, and are compared only if nothing else has moved.
    """
    if is_dataclass(thing) and not isinstance(thing, type):
        return contents({f.name: getattr(thing, f.name) for f in fields(thing)})
    return {}


@contents.register
def _(thing: np.ndarray) -> Seen:
    if thing.dtype.kind == "c":
        thing = np.stack([thing.real, thing.imag])
    if thing.dtype.kind not in "biuf":
        return {}
    return {"": as_numbers("an array", thing, flags=True)}


@contents.register(list)
@contents.register(tuple)
def _(thing: Sequence[Any]) -> Seen:
    return contents({str(place): value for place, value in enumerate(thing)})


@contents.register
def _(thing: dict) -> Seen:
    return {
        f"{name}.{inner}".rstrip("."): numbers
        for name, value in thing.items()
        for inner, numbers in _held(value).items()
    }


def _held(value: Any) -> Seen:
    """The same of what lies in something else: there a number can be replaced."""
    is_number = isinstance(value, int | float)
    return {"": np.array(float(value))} if is_number else contents(value)


@contents.register
def _(thing: SimpleNamespace) -> Seen:
    return contents(vars(thing))


def workings(thing: Any) -> Seen:
    """How an object works that holds no numbers itself: what a call may leave changed.

    The numbers it was made with, the methods it has in place of its class's, and how
    many hooks are registered on it.
    """
    held = {name: v for name, v in vars(thing).items() if not name.startswith("_")}
    numbers = {
        name if name in FLAGS else name + SETTING: np.array(float(value))
        for name, value in held.items()
        if isinstance(value, int | float)
    }
    methods = {
        name + METHOD: np.array(1.0)
        for name in vars(thing)
        if callable(getattr(type(thing), name, None))
    }
    return numbers | methods | {HOOKS: np.array(float(_hooks(thing)))}


def _hooks(thing: Any) -> int:
    """How many there are, of all kinds: PyTorch keeps each kind in a dictionary."""
    kinds = [kind for name, kind in vars(thing).items() if name.endswith(HOOKS)]
    return sum(len(kind) for kind in kinds if kind)


def left(arguments: Mapping[str, Any]) -> Seen:
    """What is in the arguments, by their names."""
    held = {name: contents(value) for name, value in arguments.items()}
    return {
        f"{name}.{inner}".rstrip(".") + AFTERWARDS: numbers
        for name, holds in held.items()
        for inner, numbers in holds.items()
    }


def states(arguments: Mapping[str, Any]) -> dict[str, str]:
    """Where generators among the arguments stand."""
    return {
        name: f"{rng.bit_generator.state} {rng.bit_generator.seed_seq}"
        for name, rng in arguments.items()
        if isinstance(rng, np.random.Generator)
    }


def drawn(arguments: Mapping[str, Any], before: Mapping[str, str]) -> Seen:
    """Which generators have moved on since they stood there."""
    now = states(arguments)
    return {name + DRAWN: np.array(1.0) for name in now if now[name] != before[name]}


def outputs_of(gives: str | tuple[str, ...], value: Any) -> Outputs:
    """What came back, by its words; several values may lie in one array.

    Raises:
        Refusal: these are not so many values.
    """
    if isinstance(gives, str):
        return {gives: value}
    wanted = f"{len(gives)} values are wanted ({', '.join(gives)}), and"
    if getattr(value, "shape", ()):  # several in one array, along its first axis
        value = [value[place] for place in range(value.shape[0])]
    if not isinstance(value, tuple | list):
        raise Refusal("no tuple", f"{wanted} {in_words(value)} came.")
    if len(value) != len(gives):
        raise Refusal("another count", f"{wanted} {len(value)} came.")
    return dict(zip(gives, value, strict=True))


def numbers_of(outputs: Outputs) -> Seen:
    """What came back in numbers; a network in many, and not whether it trains."""
    seen = {}
    for what, value in outputs.items():
        held = {} if isinstance(value, list | tuple | dict) else contents(value)
        if "" in held or not held:
            held = {"": as_numbers(what, value)}
        for name, numbers in held.items():
            if not name.endswith(FLAGS):
                seen[f"{what}, {name}".rstrip(", ")] = numbers
    return seen


def number_of(answer: Any) -> Array:
    """The answer itself, where a number is asked for.

    Raises:
        Refusal: it is none.
    """
    if answer is None or answer is ...:
        raise nothing("there is no value yet.")
    numbers = as_numbers("the value", answer)
    if numbers.shape != ():
        came = f"one number is wanted, and {shape_in_words(numbers.shape)} came."
        raise Refusal("no number", came)
    return numbers


def without_used_gradients(right: Seen, before: Seen) -> Seen:
    """A step is free to leave gradients in what it moves, and only there."""

    def is_used(what: str) -> bool:
        return what.endswith(GRADIENT + AFTERWARDS)

    def owner(what: str) -> str:
        """The argument of "network.weight afterwards"."""
        return what.removesuffix(AFTERWARDS).split(".")[0]

    moved = {
        owner(what)
        for what, numbers in before.items()
        if not (is_used(what) or np.array_equal(numbers, right[what]))
    }
    return {
        what: numbers
        for what, numbers in right.items()
        if not (is_used(what) and owner(what) in moved)
    }


def equal(one: Seen, other: Seen) -> bool:
    """Whether the numbers of one are in the other, to the last bit."""
    return all(
        w in other and np.array_equal(one[w], other[w], equal_nan=True) for w in one
    )


def near(
    came: Array | None, right: Array | None, margin: Array, odd: bool = False
) -> bool:
    """Whether numbers agree; any that are not finite, too, if `odd` ones count."""
    if came is None or right is None or came.shape != right.shape:
        return False
    with np.errstate(invalid="ignore"):
        close = np.isfinite(right) & (np.abs(came - right) <= margin)
    close |= _same(came, right)
    both_odd = ~np.isfinite(came) & ~np.isfinite(right)
    return bool((close | both_odd if odd else close).all())


def _same(one: Array, other: Array) -> npt.NDArray[np.bool_]:
    return (one == other) | (np.isnan(one) & np.isnan(other))


def compared(what: str, came: Array, right: Array, margin: Array, is_wide: bool) -> str:
    """What came and what was expected, where they differ most."""
    if came.shape != right.shape:
        got, wanted = shape_in_words(came.shape), shape_in_words(right.shape)
        return f"for {what} came {got}, and {wanted} was expected."
    with np.errstate(invalid="ignore"):
        excess = np.abs(came - right) - margin
    excess = np.nan_to_num(excess, nan=np.inf, posinf=np.inf)
    excess = np.where(_same(came, right), -np.inf, excess)
    worst = np.unravel_index(np.argmax(excess), right.shape)
    margin = np.broadcast_to(margin, right.shape)
    within = f" within {margin[worst]:.2g}" if is_wide else ""
    place = f" at {tuple(map(int, worst))}" if worst else ""
    return (
        f"for {what} came {number(came[worst])}{place}, and "
        f"{number(right[worst])}{within} was expected."
    )


def shape_in_words(shape: tuple[int, ...]) -> str:
    """What has such a shape."""
    return f"an array of shape {shape}" if shape else "a single number"


def number(value: Array) -> str:
    """The first number of some, to six digits."""
    return f"{float(np.ravel(value)[0]):.6g}"
