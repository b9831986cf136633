"""What a training run is, in plain values that can be laid down and compared."""

import dis
import hashlib
import inspect
import math
import operator
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from functools import partial
from types import CodeType, FunctionType, MethodType
from typing import Any

import numpy as np
import numpy.typing as npt

# What a function may collect as it goes on: told by type, not by content.
COLLECTIONS = (list, dict, set)


MISSING = object()


def describe(value: Any) -> Any:
    """A setting as JSON can hold it; equal settings have equal descriptions.

    Numbers and words are told by value, arrays and tensors of any framework by a
    digest. So are a function's settings: what it encloses, the arguments that a
    `partial` has filled in, its defaults, and the global numbers that it reads. A
    dataclass is told by its fields, a Keras schedule by its configuration. Of anything
    else only the type counts.
    """
    return _described(value, ())


def as_one_number(values: Any) -> Any:
    """A sequence of equal numbers as that number; anything else as it is."""
    if not isinstance(values, (list, tuple, np.ndarray)) or not len(values):
        return values
    array = np.asarray(values)
    return array.flat[0].item() if (array == array.flat[0]).all() else array


def differences(before: Any, now: Any, name: str = "") -> list[str]:
    """How one description differs from another, a phrase for each setting."""
    if isinstance(before, dict) and isinstance(now, dict):
        start = f"{name}." if name else ""
        return [
            phrase
            for key in sorted(before.keys() | now.keys())
            for phrase in differences(
                before.get(key, MISSING), now.get(key, MISSING), f"{start}{key}"
            )
        ]
    if before is not MISSING and now is not MISSING and before == now:
        return []
    was = "was not recorded" if before is MISSING else f"was {before!r}"
    return [f"{name} {was} and is now {'left out' if now is MISSING else repr(now)}"]


def whole_number(name: str, value: Any, least: int | None = None) -> int:
    """An integer of Python or NumPy as one of Python.

    Args:
        name: of the argument, for the message.
        value: is checked.
        least: that it may be.

    Raises:
        TypeError: not an integer.
        ValueError: too small.
    """
    truth = isinstance(value, (bool, np.bool_))
    if truth or not hasattr(value, "__index__") or np.ndim(value):
        raise TypeError(f"{name} must be a whole number, not {value!r}.")
    try:
        number = operator.index(value)
    except TypeError as error:  # an array of one float, for instance
        raise TypeError(f"{name} must be a whole number, not {value!r}.") from error
    if least is not None and number < least:
        raise ValueError(f"{name} must be at least {least}, not {number}.")
    return number


def _described(value: Any, around: tuple[Any, ...]) -> Any:
    """The description; `around` are the functions whose setting the value is."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return repr(value)  # JSON knows no such numbers, and NaN is not equal to NaN
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, Mapping):
        return {str(key): _described(each, around) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_described(each, around) for each in value]
    array = _array_of(value)
    if array is not None:
        return _digest(array) if array.ndim else _described(array[()], around)
    if any(value is one for one in around):
        return "itself"
    return _described_object(value, around)


def _described_object(value: Any, around: tuple[Any, ...]) -> Any:
    """The description of a function, or of whatever has settings of its own."""
    inside = (*around, value)
    if isinstance(value, partial):
        given = {str(place): each for place, each in enumerate(value.args)}
        function = _described(value.func, inside)
        return {"partial": function, **_settings(given | value.keywords, inside)}
    if isinstance(value, MethodType):
        owner = _described(value.__self__, ())
        return {"function": _name(value.__func__), "self": owner}
    if not isinstance(value, FunctionType):  # a cache, or a compiled function
        value = getattr(value, "__wrapped__", value)
    if isinstance(value, FunctionType):
        return {"function": _name(value), **_settings(_enclosed(value), inside)}
    if hasattr(value, "__qualname__"):  # a class, or a function that is built in
        return _name(value)
    kind = {"type": _name(type(value))}
    if is_dataclass(value):
        own = {field.name: getattr(value, field.name) for field in fields(value)}
        return kind | _settings(own, inside)
    if all(isinstance(one, partial) for one in around):
        return kind | _configuration(value, inside)
    return kind


def _configuration(value: Any, inside: tuple[Any, ...]) -> dict[str, Any]:
    """The settings of an object that is a setting itself, such as a schedule."""
    try:
        return _described(value.get_config(), inside)
    except (AttributeError, NotImplementedError):
        return _settings(getattr(value, "__dict__", {}), inside)


def _settings(values: Mapping[str, Any], inside: tuple[Any, ...]) -> dict[str, Any]:
    return {
        name: _name(type(value))
        if isinstance(value, COLLECTIONS)
        else _described(value, inside)
        for name, value in values.items()
    }


def _enclosed(function: FunctionType) -> dict[str, Any]:
    """Closure, defaults, and the global numbers and arrays that a function reads."""
    names, cells = function.__code__.co_freevars, function.__closure__ or ()
    globals_read = {
        name: function.__globals__.get(name)
        for name in sorted(_globals_of(function.__code__))
    }
    numbers = {
        name: value
        for name, value in globals_read.items()
        if isinstance(value, (int, float)) or _array_of(value) is not None
    }
    defaults = {
        name: parameter.default
        for name, parameter in inspect.signature(function).parameters.items()
        if parameter.default is not parameter.empty
    }
    closure = {
        name: cell.cell_contents
        for name, cell in zip(names, cells, strict=True)
        if cell != type(cell)()  # not assigned yet
    }
    return numbers | defaults | closure


def _globals_of(code: CodeType) -> set[str]:
    instructions = dis.get_instructions(code)
    return {each.argval for each in instructions if each.opname == "LOAD_GLOBAL"}


def _array_of(value: Any) -> npt.NDArray | None:
    """An array, or a tensor of either framework, for NumPy; None for anything else.

    A variable is something else: its numbers change as it is trained.
    """
    if isinstance(value, type) or not hasattr(value, "__array__"):
        return None
    if hasattr(value, "assign") or getattr(value, "requires_grad", False):
        return None
    try:
        if hasattr(value, "detach"):
            value = value.detach().cpu()
            value = value.float() if "bfloat16" in str(value.dtype) else value
        array = np.asarray(value)
    except (TypeError, ValueError, NotImplementedError, AttributeError):
        return None  # a symbol, or a list of unequal lists
    return None if array.dtype.kind == "O" else array


def _digest(array: npt.NDArray) -> str:
    octets = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
    digest = hashlib.sha256(octets.data)
    size = " x ".join(map(str, array.shape))
    return f"{size} {array.dtype.name}, sha256 {digest.hexdigest()}"


def _name(of: Any) -> str:
    return f"{of.__module__}.{of.__qualname__}"
