"""Each check refuses each usual slip with its own sentence, and accepts right answers.

A table's slips stand in it. answers/ has what no table can say, one module for each of
course_utils.checks: `RIGHT`, right answers written in other ways, by check, and
`WRONG`, (answer, words that it must get), for junk and cheats.
"""

import importlib
import importlib.util
import itertools
import pkgutil
import time
from pathlib import Path

import numpy as np
import pytest

from course_utils import checks
from course_utils.checks import calls
from course_utils.checks.exercise import Exercise, plainly
from course_utils.checks.seen import contents, equal, left

ANSWERS = Path(__file__).parent / "answers"
FOUND = {
    module.name: [
        value
        for name, value in vars(
            importlib.import_module(f"{checks.__name__}.{module.name}")
        ).items()
        if name.startswith("check_")
    ]
    for module in pkgutil.iter_modules(checks.__path__)
}
TOPICS = [topic for topic, found in FOUND.items() if found]  # the rest is the engine
FEWEST_WRONG, FEWEST_RIGHT = 4, 2


def load(topic):
    path = ANSWERS / f"{topic}.py"
    spec = importlib.util.spec_from_file_location(f"answers_{topic}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


LOADED = {topic: load(topic) for topic in TOPICS}
WRONG = {c: a for m in LOADED.values() for c, a in getattr(m, "WRONG", {}).items()}
RIGHT = {check: a for m in LOADED.values() for check, a in m.RIGHT.items()}
CHECKS = [check for found in FOUND.values() for check in found]
TABLES = [check for check in CHECKS if isinstance(check, Exercise)]
NUMBERS = [table for table in TABLES if table.draw is None]
FUNCTIONS = [table for table in TABLES if table.draw is not None]
SLIPS = [
    pytest.param(table, *mistake, id=f"{table.name}-{place}")
    for table in TABLES
    for place, mistake in enumerate(table.mistakes())
]


CALLS = 3  # of a training at most: with another seed, and with the same one again


def rejection(check, answer, seed=0):
    """What a check says to an answer that it must not take, in time."""
    start = time.thread_time()
    with pytest.raises(calls.NotYet) as caught:
        check(answer, seed=seed)
    assert time.thread_time() - start < CALLS * check.seconds
    return str(caught.value)


def by_name(check):
    return f"check_{check.name}"


def answers_of(table, seeds):
    """Each answer with so many seeds; with one if it trains, which takes seconds."""
    return [
        pytest.param(check, answer, seed, id=f"{by_name(check)}-{position}-{seed}")
        for check, answers in table.items()
        for position, answer in enumerate(answers)
        for seed in range(1 if check.seconds > calls.SECONDS else seeds)
    ]


def test_there_are_checks():
    assert CHECKS


@pytest.mark.parametrize("check", CHECKS, ids=by_name)
def test_each_check_has_enough_answers_to_be_tried_on(check):
    is_table = isinstance(check, Exercise)
    wrong = WRONG.get(check, []) + (check.mistakes() if is_table else [])
    assert len(wrong) >= (FEWEST_WRONG if check not in NUMBERS else 1)
    assert len(RIGHT[check]) + is_table >= FEWEST_RIGHT


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("table, sentence, wrong", SLIPS)
def test_a_slip_gets_its_own_sentence(table, sentence, wrong, seed):
    answer = wrong if table.draw else wrong()
    assert rejection(table, answer, seed).endswith(f"Hint: {sentence}")


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("table", TABLES, ids=by_name)
def test_the_right_function_passes(table, seed, capsys):
    table(table.right if table.draw else table.right(), seed=seed)
    assert capsys.readouterr().out == f"{table.name}: right.\n"


@pytest.mark.parametrize("table", FUNCTIONS, ids=by_name)
def test_an_argument_may_not_be_overwritten(table):
    def answer(*arguments):
        value = table.right(*arguments)
        for argument in arguments:
            overwrite(argument)
        return value

    if any(contents(value) for value in table.draw(*first_question(table))[1:]):
        text = rejection(table, answer)
        assert "has been changed" in text or "afterwards" in text


def first_question(table):
    case = table.cases[0]
    return np.random.default_rng(0), *(case if isinstance(case, tuple) else (case,))


ROOTS = range(1, 4)


def effect(table, question):
    """What comes of a question: results, gradients, and what moved; or nothing."""
    before = left(question[1])
    try:
        seen = table.followed(table.right, question)
    except calls.Refusal:
        return {}
    return {
        w: v for w, v in seen.items() if not np.array_equal(v, before.get(w, np.nan))
    }


def matters(table, name):
    """Whether another value of this argument alone gives another result."""
    places = range(len(table.cases))
    for root, place, donor in itertools.product(ROOTS, places, places):
        question = table.question(root, place, noise=0)
        before = effect(table, question)
        words, arguments = table.question(root, place, noise=0)
        other = table.question(root + len(ROOTS), donor, noise=1)[1]
        after = effect(table, (words, arguments | {name: other[name]}))
        if after and not equal(before, after):
            return True
    return False


@pytest.mark.parametrize(
    "table, name",
    [
        pytest.param(table, name, id=f"{by_name(table)}-{name}")
        for table in FUNCTIONS
        for name in table.question(0, 0)[1]
    ],
)
def test_each_argument_matters(table, name):
    assert matters(table, name)


def overwrite(argument):
    """Change all numbers in a thing, in place, as its framework does."""
    if isinstance(argument, np.ndarray):
        argument += 1
    elif hasattr(argument, "parameters"):
        for parameter in argument.parameters():
            parameter.data += 1
    elif hasattr(argument, "data") and hasattr(argument, "detach"):
        argument.data += 1
    elif hasattr(argument, "get_weights"):
        argument.set_weights([weight + 1 for weight in argument.get_weights()])
    elif hasattr(argument, "__dict__"):
        for value in vars(argument).get("weights", {}).values():
            overwrite(value)


@pytest.mark.parametrize(
    "table", [t for t in FUNCTIONS if not isinstance(t.gives, str)], ids=by_name
)
def test_the_order_of_several_values_matters(table):
    def answer(*arguments):
        return table.right(*arguments)[::-1]

    if table.look is None:
        assert "Hint: " in rejection(table, answer)


@pytest.mark.parametrize(
    "table", [t for t in FUNCTIONS if t.watch is not plainly], ids=by_name
)
def test_what_is_watched_must_have_a_graph(table):
    def answer(*arguments):
        value = table.right(*arguments)
        parts = value if isinstance(value, tuple) else (value,)
        arrays = tuple(np.asarray(getattr(part, "data", part)) for part in parts)
        return arrays if isinstance(value, tuple) else arrays[0]

    assert "a Tensor is wanted" in rejection(table, answer)


@pytest.mark.parametrize("check, wrong, seed", answers_of(WRONG, seeds=2))
def test_a_wrong_answer_gets_a_hint_that_helps(check, wrong, seed):
    answer, words = wrong
    assert words in rejection(check, answer, seed)


@pytest.mark.parametrize("check, answer, seed", answers_of(RIGHT, seeds=3))
def test_a_right_answer_passes_in_time(check, answer, seed, capsys):
    start = time.thread_time()
    check(answer, seed=seed)
    assert time.thread_time() - start < CALLS * check.seconds
    assert ": right" in capsys.readouterr().out


def raises(error):
    def answer(*arguments):
        raise error

    return answer


def never_ends(*arguments):
    while True:
        try:
            time.sleep(0.01)
        except Exception:
            continue


class Hollow:
    """Claims to be an array and is none."""

    def detach(self):
        raise RuntimeError("hollow")


JUNK = {
    "nothing": None,
    "dots": ...,
    "text": "a text",
    "a huge number": 1e9,
    "not a number": float("nan"),
    "an array": np.arange(3.0),
    "a class": Hollow,
    "no arguments": lambda: 1.0,
    "gives nothing": lambda *a: None,
    "gives dots": lambda *a: ...,
    "gives text": lambda *a: "a text",
    "gives nan": lambda *a: np.full((2, 3), np.nan),
    "gives ragged lists": lambda *a: [[1.0], [2.0, 3.0]],
    "gives an odd object": lambda *a: Hollow(),
    "gives odd objects": lambda *a: (Hollow(), Hollow(), Hollow()),
    "gives a generator": lambda *a: (v for v in a),
    "gives its arguments": lambda *a: a,
    "gives itself": lambda *a: rejection,
    "is not written": raises(NotImplementedError()),
    "divides by zero": raises(ZeroDivisionError("division by zero")),
    "leaves": raises(SystemExit(0)),
    "asserts": raises(AssertionError()),
}


NOT_BEGUN = ("nothing", "dots", "gives nothing", "gives dots", "is not written")


@pytest.mark.parametrize("check", CHECKS, ids=by_name)
@pytest.mark.parametrize("name", JUNK)
def test_whatever_is_handed_in_gets_a_sentence(check, name):
    text = rejection(check, JUNK[name])
    is_stub = name in NOT_BEGUN and not (check in NUMBERS and callable(JUNK[name]))
    assert ("Hint: " in text) != is_stub
    assert ("in place of the dots" in text) == is_stub
    assert "Traceback" not in text
    assert len(text) < 600


@pytest.mark.parametrize("check", CHECKS, ids=by_name)
def test_an_answer_that_never_ends_is_stopped(check, monkeypatch):
    monkeypatch.setattr(calls, "PATIENCE", 0.3 / check.seconds)
    text = rejection(check, never_ends)
    assert "no answer for a long time" in text or "numbers are wanted" in text
