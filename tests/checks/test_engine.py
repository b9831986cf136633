"""The engine of the exercises, on small tables of its own."""

import signal
import threading
import time
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
    other = told(drawing, lambda c, n, _: c + rng.standard_normal(n))
    assert "two generators with one seed gave different numbers" in other
    noise = rng.standard_normal(1_000)
    assert "different seeds" in told(drawing, lambda c, n, _: c + noise)


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
    assert capsys.readouterr().out == "1 of 2 solved; still open: double.\n"
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
