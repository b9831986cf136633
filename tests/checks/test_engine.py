"""The engine of the exercises, on small tables of its own."""

import copy
import linecache
import random
import signal
import threading
import time
from dataclasses import dataclass
from fractions import Fraction
from types import SimpleNamespace

import numpy as np
import pytest

from course_utils.checks import calls
from course_utils.checks.calls import NotYet
from course_utils.checks.check import Elsewhere
from course_utils.checks.examination import asked, examination
from course_utils.checks.exercise import Exercise, moments
from course_utils.checks.progress import solved


def double(x, y=1.0):
    """Numbers x (n,) -> (n,)."""
    return 2 * y * x


def numbers(rng, *n):
    return f"{n} numbers", rng.normal(size=n or 3)


def doubling(**options):
    return Exercise(double, "a hint", numbers, **options)


def told(check, answer, seed=0):
    with pytest.raises(NotYet) as caught:
        check(answer, seed=seed)
    return str(caught.value)


def sentence_and_hint(check, answer):
    name_and_sentence, hint = told(check, answer).split("\n")
    return name_and_sentence.removeprefix("double: "), hint.removeprefix("Hint: ")


def test_a_right_answer_gets_one_line(capsys):
    doubling()(lambda x: x + x)
    assert capsys.readouterr().out == "double: right.\n"


def test_a_table_has_the_name_and_the_docstring_of_its_right_function():
    assert doubling().name == "double"
    assert doubling().__doc__ == "Numbers x (n,) -> (n,)."


def test_the_nearest_slip_is_the_hint():
    slips = {"squared": lambda x: x**2, "once": lambda x: x, "thrice": lambda x: 3 * x}
    assert sentence_and_hint(doubling(slips=slips), lambda x: x)[1] == "once"
    assert sentence_and_hint(doubling(slips=slips), lambda x: x - 9)[1] == "a hint"


def two_cases(**options):
    """The first question has a coincidence: there twice and the square are one."""
    twos = doubling(**options)
    twos.draw = lambda rng, x: ("x", np.array(x))
    twos.cases = ((2.0,), (3.0,))
    return twos


def test_a_slip_must_explain_what_came_of_every_question():
    slips = {"power": lambda x: x**2 + 1, "shift": lambda x: 2 * x + 1}
    check = two_cases(slips=slips)
    assert told(check, lambda x: 2 * x + 1).endswith("Hint: shift")
    assert told(check, lambda x: 1 + x * x).endswith("Hint: power")
    assert told(check, lambda x: 5.0).endswith("Hint: a hint")


def test_a_slip_must_explain_all_that_came():
    both = Exercise(
        lambda x: (x, 2 * x),
        "a hint",
        numbers,
        gives=("a", "b"),
        slips={"a is wrong": lambda x: (0 * x, 2 * x)},
    )
    assert told(both, lambda x: (0 * x, 2 * x)).endswith("Hint: a is wrong")
    assert told(both, lambda x: (0 * x, x)).endswith("Hint: a hint")


def test_two_slips_that_explain_alike_explain_nothing():
    slips = {"small": lambda: 5.0, "smaller": lambda: 4.9, "low": lambda: 3.0}
    check = Exercise(seven, "a hint", rtol=0.05, slips=slips)
    assert told(check, 5.0).endswith("Hint: small")
    assert told(check, 4.94).endswith("Hint: a hint")
    assert told(check, 3.02).endswith("Hint: low")


def test_an_error_explains_only_the_same_one():
    slips = {"a list": lambda x: x.tolist() / 2}
    assert told(doubling(slips=slips), lambda x: list(x) / 2).endswith("Hint: a list")
    assert told(doubling(slips=slips), lambda x: "a" / 2).endswith("Hint: a hint")


def test_what_a_table_refuses_is_explained_by_the_nearest_slip():
    refuse = {"too large.": lambda value, x: np.abs(value).max() > 100}
    slips = {"a thousand": lambda x: 1000 + x, "minus": lambda x: x - 1000}
    check = doubling(refuse=refuse, slips=slips)
    assert told(check, lambda x: x + 1000).endswith("too large.\nHint: a thousand")
    assert told(check, lambda x: x - 999).endswith("too large.\nHint: minus")
    assert told(check, lambda x: x + 100_000).endswith("too large.\nHint: a hint")


def test_a_slip_that_spoils_an_argument_may_spoil_it_less():
    def spoils(xs, factor=0):
        xs[0][:] = 0
        xs[1][:] *= factor
        return 1.0

    check = Exercise(
        lambda xs: 1.0,
        "a hint",
        lambda rng: ("two rows", list(rng.normal(size=(2, 3)))),
        slips={"spoilt": spoils},
    )
    assert told(check, lambda xs: spoils(xs, 2)).endswith("Hint: spoilt")
    assert told(check, lambda xs: spoils(xs, 2) + 2).endswith("Hint: a hint")


def test_a_slip_may_have_several_forms():
    check = doubling(slips={"shifted": tuple(lambda x, b=b: x + b for b in (1, 2))})
    assert sentence_and_hint(check, lambda x: x + 2)[1] == "shifted"


def test_a_slip_that_goes_wrong_earlier_explains_nothing():
    both = Exercise(
        lambda x: (x, x),
        "a hint",
        numbers,
        gives=("a", "b"),
        slips={"both": lambda x: (0 * x, 0 * x), "b": lambda x: (x, 0 * x)},
    )
    assert told(both, lambda x: (x, 0 * x)).endswith("Hint: b")
    assert told(both, lambda x: (0 * x, 0 * x)).endswith("Hint: both")


def test_a_slip_is_not_run_before_something_is_wrong():
    ran = []
    doubling(slips={"kept": ran.append})(double)
    assert not ran


def test_a_slip_may_be_an_error():
    check = doubling(slips={"a list": lambda x: x.tolist() / 2})
    assert sentence_and_hint(check, lambda x: list(x) / 2)[1] == "a list"


@pytest.mark.parametrize("stub", [None, ..., lambda x: None, lambda x: ...])
def test_an_untouched_stub_gets_no_hint_that_spoils(stub):
    text = told(doubling(slips={"a slip": lambda x: None}), stub)
    assert text.startswith("double: nothing came")
    assert text.endswith("in place of the dots, and return what is asked for.")
    assert text.count("\n") == 0


def test_an_error_shows_the_students_own_line():
    def answer(x):
        y = np.ones(3)
        return np.linalg.inv(y)

    sentence, _ = sentence_and_hint(doubling(), answer)
    number = answer.__code__.co_firstlineno + 2
    assert sentence.startswith("with () numbers it stops with LinAlgError: ")
    assert sentence.endswith(f" (line {number}: return np.linalg.inv(y))")


CELL = """
def answer(x):
    # A comment, so that lines count.
    def square(y):
        return y @ np.ones(len(y) + 1)
    return {call}
"""
LIBRARY = """
def calls(function, x):
    return [function(x)]
def fails(x):
    raise ValueError("no good")
"""


def written_in(filename, source, **names):
    """What a source defines, as if it stood in such a file."""
    linecache.cache[filename] = (len(source), None, source.splitlines(True), filename)
    exec(compile(source, filename, "exec"), names)
    return names


@pytest.mark.parametrize(
    "file", ["/tmp/ipykernel_7/123.py", "<ipython-input-3-5a7>", "/home/me/mine.py"]
)
@pytest.mark.parametrize(
    "library",
    [
        "/home/me/.local/lib/python3.12/site-packages/some.py",
        "/usr/lib/python3/dist-packages/some.py",
        "/tmp/__autograph_generated_file1.py",
        "<eval_with_key>.0",
        "<frozen some>",
    ],
)
def test_the_line_is_a_students_own_whatever_lies_around_it(file, library):
    around = written_in(library, LIBRARY)
    names = {"np": np, "calls": around["calls"], "fails": around["fails"]}
    deep = written_in(file, CELL.format(call="calls(square, x)"), **names)["answer"]
    line = " (line 5: return y @ np.ones(len(y) + 1))"
    assert sentence_and_hint(doubling(), deep)[0].endswith(line)
    inside = written_in(file, CELL.format(call="fails(x)"), **names)["answer"]
    line = "it stops with ValueError: no good (line 6: return fails(x))"
    assert sentence_and_hint(doubling(), inside)[0].endswith(line)


def test_no_line_is_better_than_a_wrong_one():
    for filename in ("<string>", "/gone/mine.py"):
        names = {"np": np}
        exec(compile(CELL.format(call="square(x)"), filename, "exec"), names)
        assert "(line" not in told(doubling(), names["answer"])
    assert "(line" not in told(doubling(), np.linalg.inv)


def test_an_error_of_a_look_at_what_came_shows_the_students_line():
    class Lazy:
        def __getitem__(self, place):
            return 1 / 0

    check = doubling(look=lambda value, x: value[0])
    assert "ZeroDivisionError: division by zero (line" in told(check, lambda x: Lazy())
    assert told(check, lambda x: Lazy()).split("\n")[0].endswith(": return 1 / 0)")


def test_an_error_of_a_watch_is_a_sentence():
    def watch(call, arguments):
        outputs = call()
        first = getattr(outputs["the result"], "first", lambda: np.zeros(1))
        return outputs, {"first": first()}

    class Odd:
        def first(self):
            raise LookupError("nothing there")

    text = told(doubling(watch=watch), lambda x: Odd())
    assert "it stops with LookupError: nothing there (line" in text


def test_an_argument_that_cannot_be_looked_at_any_more_is_a_sentence():
    @dataclass
    class Model:
        weights: object

    def answer(model):
        del model.weights
        return 1.0

    check = Exercise(
        lambda model: 1.0, "a hint", lambda rng: ("a model", Model(rng.normal(size=3)))
    )
    assert "it stops with AttributeError" in told(check, answer)


@pytest.mark.parametrize(
    "error, words",
    [
        (NotImplementedError(), "nothing came yet"),
        (NotImplementedError("your code"), "nothing came yet"),
        (GeneratorExit(), "stops with GeneratorExit: (no message)"),
        (SystemExit(3), "stops with SystemExit: 3"),
        (ValueError("one\n\n\x1b[1mtwo\x1b[0m"), "stops with ValueError: one two (li"),
        (ValueError("in user code:\n  File\n\n  why"), "with ValueError: why (line"),
    ],
)
def test_whatever_is_raised_gets_a_sentence(error, words):
    def answer(x):
        raise error

    assert words in told(doubling(), answer)


def test_a_library_that_cannot_do_a_thing_is_no_stub():
    def fails(x):
        raise NotImplementedError("not for such arrays")

    source = "def fails(x):\n    raise NotImplementedError('not for such arrays')\n"
    library = written_in("/x/site-packages/some.py", source)["fails"]
    text = told(doubling(), lambda x: library(x))
    assert "stops with NotImplementedError: not for such arrays (line" in text


@pytest.mark.parametrize(
    "stub", [lambda x: ... * x, lambda x: (...).mean(), lambda x: np.exp(...)]
)
def test_dots_that_are_left_are_told(stub):
    text = told(doubling(), stub)
    assert text.startswith("double: nothing came yet (line ")
    assert "Hint" not in text


def test_the_user_can_stop_a_check():
    def answer(x):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        doubling()(answer)


def test_an_answer_may_take_the_alarm_and_print(capsys):
    def answer(x):
        signal.signal(signal.SIGALRM, signal.SIG_IGN)
        signal.setitimer(signal.ITIMER_REAL, 0)
        print("a line\n" * 100_000)
        return 2 * x

    before = signal.getsignal(signal.SIGALRM)
    doubling()(answer)
    assert signal.getsignal(signal.SIGALRM) is before
    assert capsys.readouterr().out.endswith("\ndouble: right.\n")


ENDLESS: list = []  # it holds itself
ENDLESS.append(ENDLESS)


@pytest.mark.parametrize(
    "value, words",
    [
        ("1.5", "text came"),
        (["1.5"], "text came"),
        (b"1.5", "text came"),
        (1j, "complex numbers came"),
        (np.zeros(3, complex), "complex numbers came"),
        (True, "truth values came"),
        ([True, False], "truth values came"),
        ([[1.0], [2.0, 3.0]], "a list of rows of unequal lengths came"),
        ([[[1.0], [2.0, 3.0]], [1.0]], "a list of rows of unequal lengths came"),
        (ENDLESS, "a value of type list came"),
        ({"a": 1.0}, "a value of type dict came"),
        ([object()], "a value of type list came"),
    ],
)
def test_what_is_no_number_is_told(value, words):
    wanted = "numbers are wanted for the result, and "
    assert f"{wanted}{words}." in told(doubling(), lambda x: value)
    number = told(Exercise(seven, "a hint"), value)
    assert f"numbers are wanted for the value, and {words}." in number


@pytest.mark.parametrize("seven", [7, np.int64(7), np.float32(7), Fraction(7), [7.0]])
def test_numbers_come_in_many_types(seven):
    check = Exercise(lambda x: [7.0] if isinstance(seven, list) else 7.0, "", numbers)
    check(lambda x: seven)


@pytest.mark.parametrize("nothing", [(..., None), [..., ...]])
def test_nothing_in_a_tuple_is_nothing(nothing):
    both = Exercise(lambda x: (x, x), "a hint", numbers, gives=("a", "b"))
    assert "nothing came back yet. Put your code" in told(both, lambda x: nothing)
    half = told(both, lambda x: (x, None))
    assert half.startswith("<lambda>: there is nothing for b yet. Put your code")


@pytest.mark.parametrize(
    "right, wrong",
    [
        (np.nan, 1.0),
        (1.0, np.nan),
        (-np.inf, 1.0),
        (-np.inf, np.inf),
        (np.inf, np.nan),
        (1.0, np.inf),
    ],
)
def test_what_is_not_finite_is_only_what_it_is(right, wrong):
    check = Exercise(lambda x: np.array([right, 2.0]), "a hint", numbers)
    check(lambda x: [right, 2.0])
    assert f"came {wrong:.6g} at (0,)" in told(check, lambda x: [wrong, 2.0])


def held(rng):
    x = rng.normal(size=2)
    return "things", SimpleNamespace(inner=[x, {"deep": (x + 1, 3.0)}], scale=2.0)


def shrinks(things):
    things.inner[1]["deep"][0][0] = 0


def appends(things):
    things.inner.append(np.ones(2))


def removes(things):
    del things.inner[1]["deep"]


def rescales(things):
    things.scale = 3.0


def replaces(things):
    things.inner[1]["deep"] = (things.inner[1]["deep"][0], 4.0)


@pytest.mark.parametrize(
    "change, words",
    [
        (shrinks, "things.inner.1.deep.0 has been changed"),
        (appends, "things.inner.2 has been changed"),
        (removes, "there is no things.inner.1.deep.0 afterwards"),
        (rescales, "things.scale has been changed"),
        (replaces, "things.inner.1.deep.1 has been changed"),
    ],
)
def test_nothing_that_an_argument_holds_may_change(change, words):
    def right(things):
        return things.inner[0]

    def answer(things):
        change(things)
        return things.inner[0]

    check = Exercise(right, "a hint", held, atol=100)
    check(right)
    assert words in told(check, answer)


def test_an_argument_that_is_overwritten_is_named():
    def answer(x):
        y = 2 * x
        x *= 0
        return y

    sentence, hint = sentence_and_hint(doubling(), answer)
    assert sentence == "x has been changed (() numbers)."
    assert hint.startswith("What is handed in belongs to the caller")


def test_a_change_of_an_argument_may_be_what_is_wanted():
    def fill(x):
        x += 1
        return 0.0

    check = Exercise(fill, "a hint", numbers)
    check(fill)
    assert "for x afterwards (() numbers) came" in told(check, lambda x: 0.0)


def test_values_in_another_order_are_told_so():
    check = Exercise(lambda x: (x, 2 * x), "a hint", numbers, gives=("a", "b"))
    assert told(check, lambda x: (2 * x, x)).endswith("Hint: The order is: a, b.")
    assert "2 values are wanted (a, b), and 3 came" in told(check, lambda x: (x, x, x))


def test_right_values_in_another_order_are_no_slip():
    slips = {"the first is doubled": lambda x: (2 * x, 2 * x)}
    check = Exercise(
        lambda x: (x, 2 * x), "a hint", numbers, gives=("a", "b"), slips=slips
    )
    assert told(check, lambda x: (2 * x, x)).endswith("Hint: The order is: a, b.")
    assert told(check, lambda x: (2 * x, 2 * x)).endswith("Hint: the first is doubled")


@pytest.mark.parametrize("both", [np.array, lambda pair: np.array(pair).tolist()])
def test_several_values_may_come_in_one_array(both):
    check = Exercise(lambda x: (x, 2 * x), "a hint", numbers, gives=("a", "b"))
    check(lambda x: both([x, 2 * x]))
    assert told(check, lambda x: both([2 * x, x])).endswith("The order is: a, b.")
    assert ", and 3 came" in told(check, lambda x: both([x, x, x]))
    assert "a value of type" in told(check, lambda x: x[0])
    pair = examination("pair", "a hint")(
        lambda ask: ask.arrays(ask.call("nothing"), {"a": (3,), "b": (3,)})
    )
    pair(lambda: both([np.ones(3), np.ones(3)]))
    assert "(3,) was expected" in told(pair, lambda: both([np.ones(2), np.ones(2)]))


@pytest.mark.parametrize("off, atol, passes", [(2e-4, 0, 0), (2e-4, 2e-4, 1)])
def test_the_tolerance_is_kept_and_stated(off, atol, passes):
    check = Exercise(lambda x: 1.0, "a hint", numbers, atol=atol)
    if passes:
        check(lambda x: 1 + off)
        assert "1 within 0.0003 was expected" in told(check, lambda x: 2.0)
    else:
        assert "1 was expected" in told(check, lambda x: 1 + off)


def test_shapes_never_broadcast():
    assert "an array of shape (3, 1)" in told(doubling(), lambda x: 2 * x[:, None])


def test_what_is_not_finite_is_wrong_and_may_be_a_slip():
    check = doubling(slips={"endless": lambda x: x / 0})
    sentence, hint = sentence_and_hint(check, lambda x: x * np.nan)
    assert "came nan" in sentence
    assert hint == "endless"


def test_a_property_may_refuse_an_answer():
    check = doubling(refuse={"not a list.": lambda value, x: isinstance(value, list)})
    check(double)
    assert sentence_and_hint(check, lambda x: list(2 * x))[0] == "not a list."


def test_a_look_takes_what_is_compared():
    check = doubling(look=lambda value, x: value[0] / x[0])
    check(lambda x: 2 * x[:1])
    assert "came 3, and 2 was expected" in told(check, lambda x: 3 * x)


def seven():
    """A number."""
    return 7.0


def test_no_message_tells_where_a_number_lies():
    check = Exercise(seven, "a hint", rtol=0.01, slips={"half": lambda: seven() / 2})
    check(7.05)
    assert told(check, 6.9) == "seven: 6.9 does not fit.\nHint: a hint"
    assert told(check, 3.5).endswith("Hint: half")
    assert "there is no value yet" in told(check, ...)
    assert "numbers are wanted" in told(check, lambda: 7)


def estimates(center, n, rng):
    """As its name says."""
    return center + rng.standard_normal(n)


def a_thousand(rng):
    return "1,000 draws", rng.uniform(2, 3), 1_000, rng


drawing = Exercise(
    estimates,
    "a hint",
    a_thousand,
    gives=("their number", "their mean", "their variance"),
    look=moments,
    slips={"twice": lambda c, n, rng: 2 * c + rng.standard_normal(n)},
)


@pytest.mark.parametrize("seed", range(30))
def test_an_estimate_may_scatter_as_far_as_the_right_one_does(seed):
    drawing(lambda c, n, rng: c + rng.normal(size=(2, n))[1], seed=seed)
    off = told(drawing, lambda c, n, rng: c + 0.3 + rng.standard_normal(n), seed)
    assert "for their mean (1,000 draws)" in off
    assert " within 0.2" in off or " within 0.1" in off
    assert told(drawing, lambda c, n, rng: 2 * estimates(c, n, rng) - 0 * c, seed)


def test_all_noise_must_come_from_the_generator():
    rng = np.random.default_rng(1)
    other = told(drawing, lambda c, n, r: c + rng.normal(size=r.normal(size=n).size))
    assert "two generators with one seed gave different numbers" in other
    noise = rng.standard_normal(1_000)
    same = told(drawing, lambda c, n, r: c + noise + 0 * r.normal())
    assert "generators with different seeds gave the same numbers" in same


def spawned(c, n, rng):
    return estimates(c, n, rng.spawn(1)[0])


def seeded_by_it(c, n, rng):
    return estimates(c, n, np.random.default_rng(rng.integers(2**32)))


@pytest.mark.parametrize("answer", [spawned, seeded_by_it])
def test_a_generator_may_be_used_in_other_ways(answer):
    drawing(answer, seed=1)


@pytest.mark.parametrize(
    "answer",
    [
        lambda c, n, rng: estimates(c, n, copy.deepcopy(rng)),
        lambda c, n, rng: c + np.random.standard_normal(n),
        lambda c, n, rng: c + np.linspace(-1.73, 1.73, n),
    ],
)
def test_the_generator_itself_has_to_move_on(answer):
    text = told(drawing, answer)
    assert "nothing has been drawn from rng (1,000 draws)" in text
    assert "Draw from the generator that is passed" in text


def test_what_the_right_function_does_not_draw_from_may_be_drawn_from():
    check = Exercise(
        lambda rng: 3.0, "a hint", lambda rng: ("a generator", rng), gives="three"
    )
    check(lambda rng: 3 + 0 * rng.normal())


@pytest.mark.parametrize("package", [random, np.random])
def test_a_global_seed_is_refused_and_put_back(package):
    def answer(x):
        package.seed(0)
        return 2 * x

    state = random.getstate(), np.random.get_state()[2]
    sentence, hint = sentence_and_hint(doubling(), answer)
    assert sentence == "a global seed is set inside."
    assert "Seeds are the caller's" in hint
    assert (random.getstate(), np.random.get_state()[2]) == state
    check = doubling(slips={"seeded": answer})
    assert sentence_and_hint(check, answer)[1] == "seeded"


def test_fresh_inputs_differ_and_those_of_a_seed_do_not():
    seen = []

    def keeps(x):
        seen.append(x[0])
        return 2 * x

    for seed in (None, None, 1, 1):
        doubling()(keeps, seed=seed)
    assert len(set(seen)) == 3


def endless():
    while True:
        try:
            time.sleep(0)
        except Exception:
            continue


@pytest.mark.parametrize("seconds, patience", [(0.3, 1000), (1000, 3e-4)])
def test_an_endless_loop_is_stopped(seconds, patience, monkeypatch):
    monkeypatch.setattr(calls, "PATIENCE", patience)
    check = doubling(seconds=seconds)
    sentence, hint = sentence_and_hint(check, lambda x: endless())
    assert sentence == "no answer for a long time (tried with () numbers)."
    assert hint == "Does a loop never end?"


def test_the_clock_does_not_count_other_threads():
    until = time.monotonic() + 0.7

    def works():
        while time.monotonic() < until:
            pass

    def answer(x):
        threads = [threading.Thread(target=works) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return 2 * x

    doubling(seconds=0.3)(answer)


def test_the_clock_counts_the_students_calls_alone(monkeypatch):
    monkeypatch.setattr(calls, "PATIENCE", 0.2 / calls.SECONDS)

    def slow(rng):
        time.sleep(0.15)
        return "a number", rng.normal(size=1)

    Exercise(double, "a hint", slow)(double)


def test_the_users_own_alarm_is_given_back():
    def mine(signum, frame):
        raise RuntimeError

    before = signal.signal(signal.SIGALRM, mine)
    signal.setitimer(signal.ITIMER_REAL, 50)
    try:
        doubling()(double)
        assert signal.getsignal(signal.SIGALRM) is mine
        assert 0 < signal.getitimer(signal.ITIMER_REAL)[0] <= 50
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_there_is_no_limit_outside_of_the_main_thread():
    came = []

    def check():
        came.append(doubling()(double))

    thread = threading.Thread(target=check)
    thread.start()
    thread.join()
    assert came == [None]


@examination("twins", "a hint")
def check_twins(ask):
    """A function that gives the same twice."""
    one, other = (ask.arrays(ask.call("one", 1.0), {"it": ()})[0] for _ in range(2))
    if one != other:
        ask.fail("it changes its mind.")


def test_an_examination_asks_what_it_likes(capsys):
    check_twins(lambda x: x)
    assert capsys.readouterr().out == "twins: right.\n"
    mind = iter([1.0, 2.0])
    assert told(check_twins, lambda x: next(mind)) == (
        "twins: it changes its mind.\nHint: a hint"
    )
    assert "nothing came back yet" in told(check_twins, lambda x: None)
    assert "a single number was expected" in told(check_twins, lambda x: [x])


def test_an_examination_lends_its_arrays_only():
    @examination("lent", "a hint")
    def check(ask):
        ask.call("a row and a list", np.ones(3), [np.ones(3)])

    def overwrites(x, xs):
        x[0] = np.nan
        return 1.0

    check(lambda x, xs: xs.append(x) or 1.0)
    text = told(check, overwrites)
    assert "argument 1 has been changed (a row and a list)." in text
    assert told(check, FarAway(check, overwrites)) == text


def test_an_examination_has_the_name_and_the_docstring_of_its_own():
    assert check_twins.name == "twins"
    assert check_twins.__doc__ == "A function that gives the same twice."


@pytest.mark.parametrize("seconds, passes", [(0.2, False), (2.0, True)])
def test_an_examination_says_how_long_a_call_may_take(seconds, passes):
    def answer(x):
        until = time.thread_time() + 0.4
        while time.thread_time() < until:
            pass
        return x

    @examination("slow", "a hint", seconds=seconds)
    def check(ask):
        ask.call("one", 1.0)

    if passes:
        check(answer)
    else:
        assert "no answer for a long time (tried with one)" in told(check, answer)


def test_a_check_knows_whether_it_is_solved():
    check = doubling()
    for check, right in ((doubling(), double), (check_twins, lambda x: x)):
        check(right)
        assert check.solved
        told(check, None)
        assert not check.solved


def test_what_is_solved_is_counted(capsys):
    checks = SimpleNamespace(check_a=doubling(), check_twins=check_twins, other=3)
    check_twins(lambda x: x)
    capsys.readouterr()
    solved(checks)
    assert capsys.readouterr().out == (
        "1 of 2 solved; still open: double. The last answer to each counts.\n"
    )
    checks.check_a(double)
    capsys.readouterr()
    solved(checks)
    assert capsys.readouterr().out == "2 of 2 solved.\n"


class FarAway(Elsewhere):
    """Keeps an answer as another process would."""

    def __init__(self, check, answer):
        self.check, self.answer = check, answer

    def seen(self, name, root, place, noise):
        assert name == self.check.name
        return self.check.seen(self.answer, root, place, noise)

    def asked(self, words, arguments, seconds):
        return asked(self.answer, words, arguments, seconds)


@pytest.mark.parametrize(
    "check, right, wrong",
    [
        (doubling(), double, lambda x: x),
        (check_twins, lambda x: x, lambda x: None),
        (drawing, estimates, lambda c, n, rng: estimates(c, n, rng) + 1),
        (Exercise(seven, "a hint"), 7, 8),
        (doubling(), double, lambda x: 1 / 0),
    ],
)
def test_an_answer_may_be_in_another_process(check, right, wrong):
    check(FarAway(check, right), seed=1)
    assert told(check, FarAway(check, wrong), 1) == told(check, wrong, 1)
