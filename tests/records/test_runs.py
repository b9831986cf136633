"""Two runs have equal descriptions when their settings are equal, and only then."""

import functools
import json
from dataclasses import dataclass

import numpy as np
import pytest

from course_utils.records.runs import as_one_number, describe, differences, whole_number

FRICTION = 0.1


def with_closure(gamma, keep=None):
    def step(x):
        return gamma * x, keep

    return step


def with_default(x, gamma=0.1):
    return gamma * x


def with_keyword_default(x, *, gamma=0.1):
    return gamma * x


def with_global(x):
    return FRICTION * x


def weighted(gamma, x):
    return gamma * x


def twice(step):
    def both(x):
        return step(step(x))

    return both


def decorated(gamma, scale=1.0):
    step = with_closure(gamma)

    @functools.wraps(step)
    def scaled(*args):
        return scale * step(*args)

    return scaled


class Step:
    def __init__(self, gamma):
        self.gamma = gamma

    def __call__(self, x):
        return self.gamma * x


@dataclass(frozen=True)
class Recipe:
    step: object
    betas: tuple[float, float] = (0.5, 0.99)


class Schedule:
    def __init__(self, start):
        self.start = start

    def get_config(self):
        return {"start": self.start, "name": None}


def changed_global(value):
    namespace = {"FRICTION": value, "__name__": __name__}
    exec("def with_global(x):\n    return FRICTION * x", namespace)
    return namespace["with_global"]


def changed_default(value):
    def step(x, gamma=value):
        return gamma * x

    return step


PAIRS = {
    "a number": (0.1, 0.2),
    "a number or none": (None, 0.999),
    "a number of NumPy": (np.float64(0.1), np.float64(0.2)),
    "an array": (np.zeros(3), np.ones(3)),
    "the shape of an array": (np.zeros((3, 1)), np.zeros((1, 3))),
    "the type of an array": (np.zeros(3), np.zeros(3, np.float32)),
    "a tuple": ((0.5, 0.99), (0.5, 0.999)),
    "a closure": (with_closure(0.1), with_closure(0.2)),
    "an array in a closure": (with_closure(np.zeros(9)), with_closure(np.ones(9))),
    "a default": (changed_default(0.1), changed_default(0.2)),
    "a global number": (changed_global(0.1), changed_global(0.2)),
    "a partial": (functools.partial(weighted, 0.1), functools.partial(weighted, 0.2)),
    "a partial's name": (
        functools.partial(with_default, gamma=0.1),
        functools.partial(with_default, gamma=0.2),
    ),
    "a partial's function": (
        functools.partial(with_default, gamma=0.1),
        functools.partial(with_keyword_default, gamma=0.1),
    ),
    "a partial of a partial": (
        functools.partial(functools.partial(with_closure(0.1)), 1),
        functools.partial(functools.partial(with_closure(0.2)), 1),
    ),
    "a function in a closure": (twice(with_closure(0.1)), twice(with_closure(0.2))),
    "what is wrapped": (decorated(0.1), decorated(0.2)),
    "what wraps": (decorated(0.1), decorated(0.1, 2.0)),
    "a cache": (functools.cache(with_closure(0.1)), functools.cache(with_closure(0.2))),
    "an object that is called": (Step(0.1), Step(0.2)),
    "a method": (Step(0.1).__call__, Step(0.2).__call__),
    "a dataclass": (Recipe(with_closure(0.1)), Recipe(with_closure(0.2))),
    "a schedule": (Schedule(0.1), Schedule(0.2)),
    "a function that is built in": (with_closure(sum), with_closure(max)),
    "a function": (with_default, with_keyword_default),
    "what is not a number": (with_closure(float("nan")), with_closure(0.0)),
}


@pytest.mark.parametrize("one, other", PAIRS.values(), ids=PAIRS.keys())
def test_another_setting_is_another_run(one, other):
    assert describe(one) != describe(other)
    assert differences(describe(one), describe(one)) == []
    assert differences(describe(one), describe(other))


@pytest.mark.parametrize("one, other", PAIRS.values(), ids=PAIRS.keys())
def test_a_description_is_the_same_when_it_comes_back_from_a_file(one, other):
    for value in (one, other):
        assert json.loads(json.dumps(describe(value), allow_nan=False)) == describe(
            value
        )


def test_the_same_settings_made_anew_are_the_same_run():
    for make in (with_closure, Step, decorated, Schedule):
        assert describe(make(0.1)) == describe(make(np.float64(0.1)))
    schedule = np.linspace(1, 2, 9)
    assert describe(with_closure(schedule)) == describe(with_closure(schedule.copy()))
    turned = np.arange(6.0).reshape(2, 3).T
    assert describe(turned) == describe(turned.copy(order="C"))


def test_what_a_step_collects_is_no_setting():
    seen, other = [], [1, 2, 3]
    assert describe(with_closure(0.1, seen)) == describe(with_closure(0.1, other))
    generators = (iter(range(3)), iter(range(4)))
    one, two = (with_closure(0.1, generator) for generator in generators)
    assert describe(one) == describe(two)


def test_a_function_may_enclose_itself_or_what_is_not_there_yet():
    def step(x):
        return step(x), later

    assert describe(step)["step"] == "itself"
    assert "later" not in describe(step)
    later = 1
    assert describe(step)["later"] == later


def test_empty_arrays_and_arrays_of_no_dimension_are_described():
    assert describe(np.zeros((0, 3))).startswith("0 x 3 float64, sha256 ")
    assert describe(np.array(0.5)) == 0.5


def test_equal_numbers_are_one_number():
    assert as_one_number([1e-4] * 5) == as_one_number(np.full(9, 1e-4)) == 1e-4
    assert as_one_number(1e-4) == 1e-4
    assert len(as_one_number([1e-4, 1e-5])) == 2


def test_differences_name_each_setting():
    before = {"seed": 0, "step": {"function": "f", "gamma": 0.1}, "gone": 1}
    now = {"seed": 1, "step": {"function": "f", "gamma": 0.2}, "betas": [0.5, 0.9]}
    assert differences(before, now) == [
        "betas was not recorded and is now [0.5, 0.9]",
        "gone was 1 and is now left out",
        "seed was 0 and is now 1",
        "step.gamma was 0.1 and is now 0.2",
    ]


@pytest.mark.parametrize("value", [3, np.int64(3), np.uint8(3), np.array(3)])
def test_integers_of_numpy_are_integers(value):
    number = whole_number("steps", value, least=1)
    assert (number, type(number)) == (3, int)


@pytest.mark.parametrize(
    "value",
    [3.0, True, np.True_, "3", None, np.float64(3), np.array(3.0), [3], np.array([3])],
)
def test_what_is_no_integer_is_refused_by_its_name(value):
    with pytest.raises(TypeError, match=r"steps must be a whole number, not "):
        whole_number("steps", value)


def test_a_number_that_is_too_small_is_refused_by_its_name():
    with pytest.raises(ValueError, match="keep must be at least 1, not 0"):
        whole_number("keep", 0, least=1)
