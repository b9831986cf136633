import io
import sys
from types import SimpleNamespace

import pytest

from course_utils.records.history import IncompleteRunError
from course_utils.records.progress import in_notebook, not_finite, run_epochs


def test_epochs_count_from_one_and_their_values_are_kept(capsys):
    history = run_epochs(3, lambda epoch: {"kl": 10.0 * epoch, "elbo": -epoch})
    assert dict(history.items()) == {"kl": [10, 20, 30], "elbo": [-1, -2, -3]}


def test_one_line_is_rewritten_while_the_run_lasts(capsys):
    run_epochs(2, lambda epoch: {"kl": 1.5})
    output = capsys.readouterr()
    lines = output.out.split("\r")
    assert [line.startswith(f"epoch {i} of 2") for i, line in enumerate(lines)] == [
        False,
        True,
        True,
    ]
    assert "kl 1.50" in lines[1]
    assert output.out.endswith("\n")
    assert output.err == ""


def test_nothing_is_printed_while_a_lesson_is_saved(capsys, monkeypatch):
    monkeypatch.setenv("COURSE_STATIC", "1")
    run_epochs(2, lambda epoch: {"kl": 1.5})
    output = capsys.readouterr()
    assert output.out + output.err == ""


@pytest.mark.parametrize("word", ["true", " Yes ", "'on'"])
def test_a_yes_in_other_words_silences_it_too(capsys, monkeypatch, word):
    monkeypatch.setenv("COURSE_STATIC", word)
    run_epochs(1, lambda epoch: {"kl": 1.5})
    assert capsys.readouterr().out == ""


def test_a_word_that_means_nothing_is_refused_before_the_first_epoch(monkeypatch):
    monkeypatch.setenv("COURSE_STATIC", "perhaps")
    with pytest.raises(ValueError, match="COURSE_STATIC is 'perhaps'"):
        run_epochs(1, lambda epoch: pytest.fail("an epoch began"))


class Gone(io.StringIO):
    """A terminal that was closed."""

    def write(self, text):
        raise OSError("Input/output error")


@pytest.mark.parametrize("terminal", [None, Gone()])
def test_without_a_terminal_a_run_goes_on(monkeypatch, terminal):
    monkeypatch.setattr(sys, "stdout", terminal)
    assert len(run_epochs(3, lambda epoch: {"kl": 1.5})) == 3


def interrupted_in_epoch(last):
    def one_epoch(epoch):
        if epoch == last:
            raise KeyboardInterrupt
        return {"kl": float(epoch)}

    return one_epoch


def test_an_interrupt_keeps_what_is_finished_and_says_so(capsys, notebook):
    history = run_epochs(5, interrupted_in_epoch(3))
    assert list(history.items()) == [("kl", [1, 2])]
    assert not history.complete
    assert "Interrupted; 2 of 5 epochs" in capsys.readouterr().out


def test_stopped_before_the_first_epoch_a_run_ends_in_a_sentence(notebook):
    with pytest.raises(IncompleteRunError, match="0 of 5 rounds.*Run this cell again"):
        run_epochs(5, interrupted_in_epoch(1), "round")


@pytest.mark.parametrize("last", [1, 3])
def test_in_a_program_an_interrupt_ends_the_program(last):
    with pytest.raises(KeyboardInterrupt):
        run_epochs(5, interrupted_in_epoch(last))


def test_a_kernel_is_told_from_a_program_and_a_terminal(monkeypatch):
    for shell, expected in (
        (None, False),
        (SimpleNamespace(), False),
        (SimpleNamespace(kernel=object()), True),
    ):
        monkeypatch.setattr("IPython.get_ipython", lambda shell=shell: shell)
        assert in_notebook() is expected


def test_while_it_runs_a_history_is_not_complete_and_then_it_is():
    seen = []
    history = run_epochs(
        2, lambda epoch: {"kl": 1.0}, after=lambda _, log: seen.append(log.complete)
    )
    assert seen == [False, False]
    assert history.complete
    assert history.require_complete() is history


def test_other_errors_pass():
    with pytest.raises(ZeroDivisionError):
        run_epochs(2, lambda epoch: {"kl": 1 / 0})


def test_no_epochs_give_an_empty_history(capsys):
    assert len(run_epochs(0, interrupted_in_epoch(1))) == 0


def test_after_another_error_no_line_is_ended(capsys):
    epochs = iter([{"kl": 1.0}])
    with pytest.raises(StopIteration):
        run_epochs(2, lambda epoch: next(epochs))
    assert not capsys.readouterr().out.endswith("\n")


def test_an_infinite_loss_is_named_with_its_step_and_a_remedy():
    error = not_finite(7, "of epoch 2")
    assert isinstance(error, FloatingPointError)
    assert "in step 7 of epoch 2." in str(error)
    assert "smaller learning rate" in str(error)
