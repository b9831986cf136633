"""What passes between a judge and the worker that runs a student's notebook.

Each message is its length and its bytes. Towards the worker goes a pickle. Towards the
judge go words and plain numbers only, as JSON, in which nothing that runs can hide.
"""

import base64
import json
import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from numbers import Real
from typing import IO, Any

import numpy as np

from course_utils.checks.calls import Array, Refusal, as_numbers, in_words
from course_utils.checks.check import Check
from course_utils.checks.seen import Seen

LENGTH = struct.Struct(">Q")
MOST = 1 << 26  # bytes of a message
DEPTH = 4  # of lists in lists
WORDS = 2_000  # characters of a sentence


@dataclass(frozen=True)
class Job:
    """What a worker is to run.

    Attributes:
        cells: code, in order.
        skipped: places of cells that ended a worker before.
        topics: modules of checks, by name.
        seconds: for a cell.
    """

    cells: list[str]
    topics: list[str]
    seconds: float
    skipped: set[int] = field(default_factory=set)


def checks_in(topic: str) -> dict[str, Check]:
    """A set's checks in its order, by the names that both sides have for them."""
    members = vars(import_module(f"course_utils.checks.{topic}"))
    return {
        name.removeprefix("check_"): check
        for name, check in members.items()
        if isinstance(check, Check)
    }


class Garbled(ValueError):
    """What came is no message."""


def write(pipe: IO[bytes], message: bytes) -> None:
    """Send a message."""
    pipe.write(LENGTH.pack(len(message)) + message)
    pipe.flush()


def read(pipe: IO[bytes]) -> bytes:
    """Wait for a message.

    Raises:
        EOFError: the other side has gone.
        Garbled: it is too long.
    """
    (length,) = LENGTH.unpack(_exactly(pipe, LENGTH.size))
    if length > MOST:
        raise Garbled(f"a message of {length} bytes")
    return _exactly(pipe, length)


def _exactly(pipe: IO[bytes], length: int) -> bytes:
    part = pipe.read(length)
    if len(part) < length:
        raise EOFError
    return part


def parsed(message: bytes) -> dict[str, Any]:
    """A message to the judge.

    Raises:
        Garbled: it is none.
    """
    try:
        said = json.loads(message)
    except (ValueError, RecursionError) as error:
        raise Garbled(str(error)) from None
    if not isinstance(said, dict):
        raise Garbled("no words")
    return said


def packed(value: Any, depth: int = DEPTH) -> Any:
    """What a student's code gave, as plain data: numbers, lists, nothing, or a type."""
    if value is None or value is ...:
        return None
    if isinstance(value, list | tuple) and depth:
        if not value or not all(isinstance(entry, Real) for entry in value):
            return [packed(entry, depth - 1) for entry in value]
        return {"list": _packed_array(as_numbers("", value))}
    try:
        return _packed_array(as_numbers("", value))
    except Refusal:
        return {"type": in_words(value)}


def unpacked(plain: Any) -> Any:
    """The same on the judge's side, in NumPy.

    Raises:
        Garbled: it was not packed like this.
    """
    if plain is None:
        return None
    if isinstance(plain, list):
        return [unpacked(entry) for entry in plain]
    if not isinstance(plain, dict):
        raise Garbled("no value")
    if "type" in plain:
        name = str(plain["type"])[:100].removeprefix("a value of type ")
        return type(name, (), {"__module__": "builtins"})()
    if "list" in plain:
        return _unpacked_array(plain["list"]).tolist()
    return _unpacked_array(plain)


def packed_numbers(numbers: Mapping[str, Array]) -> dict[str, Any]:
    """Numbers by their words."""
    return {words: _packed_array(array) for words, array in numbers.items()}


def unpacked_numbers(plain: Any) -> Seen:
    """The same on the judge's side.

    Raises:
        Garbled: they were not packed like this.
    """
    if not isinstance(plain, dict):
        raise Garbled("no numbers")
    return {words: _unpacked_array(array) for words, array in plain.items()}


def _packed_array(array: Array) -> dict[str, Any]:
    data = base64.b64encode(np.ascontiguousarray(array, "<f8").tobytes())
    return {"shape": list(array.shape), "data": data.decode()}


def _unpacked_array(plain: Any) -> Array:
    try:
        shape, data = plain["shape"], base64.b64decode(plain["data"])
        if math.prod(map(int, shape)) * 8 != len(data):
            raise Garbled("another shape")
        return np.frombuffer(data, "<f8").reshape(shape).astype(np.float64)
    except (KeyError, TypeError, ValueError) as error:
        raise Garbled(str(error)) from None


def packed_refusal(refusal: Refusal) -> dict[str, Any]:
    """Why nothing can be compared, to be raised on the other side."""
    return {
        "kind": refusal.kind[:WORDS],
        "sentence": refusal.sentence[:WORDS],
        "hint": refusal.hint,
        "numbers": packed_numbers(refusal.numbers),
    }


def unpacked_refusal(plain: Any) -> Refusal:
    """The same on the judge's side.

    Raises:
        Garbled: it was not packed like this.
    """
    if not isinstance(plain, dict):
        raise Garbled("no refusal")
    kind, sentence = (str(plain.get(name))[:WORDS] for name in ("kind", "sentence"))
    hint = plain.get("hint")
    refusal = Refusal(kind, sentence, None if hint is None else str(hint)[:WORDS])
    refusal.numbers = unpacked_numbers(plain.get("numbers", {}))
    return refusal
