"""The stop button of a notebook, pressed at several moments of the lessons."""

import time
from pathlib import Path

import jupytext
import pytest
from jupyter_client.manager import start_new_kernel
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat import v4

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
# Stops the training with a number, from 1, when it has finished so many epochs.
STOP = """\
from course_utils.records.progress import EpochLog

begin, append, trainings = EpochLog.__enter__, EpochLog.append, []


def counting(log):
    trainings.append(log)
    return begin(log)


def stopping(log, values):
    if len(trainings) == {training} and len(log.history) == {finished}:
        raise KeyboardInterrupt
    append(log, values)


EpochLog.__enter__, EpochLog.append = counting, stopping
"""
TOO_EARLY = "Stopped too early to go on: 0 of"
NEEDED = "This run was stopped before its end"


def run_and_stop(lesson, training, finished):
    """Run a lesson in smoke budget; the text of the error that ends it, if one does."""
    notebook = jupytext.read(NOTEBOOKS / "scripts" / f"{lesson}.py")
    stop = STOP.format(training=training, finished=finished)
    notebook.cells.insert(0, v4.new_code_cell(stop))
    resources = {"metadata": {"path": str(NOTEBOOKS)}}
    client = NotebookClient(notebook, kernel_name="python3", resources=resources)
    try:
        client.execute()
    except CellExecutionError as error:
        return error.ename, error.evalue
    return None


@pytest.mark.parametrize(
    "lesson, training, finished, sentence",
    [
        ("03_vae_pytorch", 1, 0, TOO_EARLY),
        ("04_vae_keras", 1, 0, TOO_EARLY),
        ("06_game_settles", 1, 1, NEEDED),
        ("07_mode_collapse", 2, 3, NEEDED),
        ("08_dcgan_keras", 1, 1, NEEDED),
        ("08_dcgan_keras", 2, 1, NEEDED),
        ("deeper/09_layers", 1, 1, NEEDED),
    ],
)
def test_a_stopped_lesson_ends_in_a_sentence(
    monkeypatch, lesson, training, finished, sentence
):
    monkeypatch.setenv("COURSE_BUDGET", "smoke")
    monkeypatch.setenv("COURSE_OFFLINE", "1")
    name, text = run_and_stop(lesson, training, finished)
    assert name == "IncompleteRunError"
    assert text.startswith(sentence)


def test_a_lesson_that_needs_no_more_goes_on_with_what_is_there(monkeypatch):
    monkeypatch.setenv("COURSE_BUDGET", "smoke")
    monkeypatch.setenv("COURSE_OFFLINE", "1")
    assert run_and_stop("03_vae_pytorch", 1, 1) is None


ENDLESS = """\
import time
from course_utils.records.progress import run_epochs

def one_epoch(epoch):
    time.sleep({pause})
    return {{"kl": float(epoch)}}

history = run_epochs(1_000_000, one_epoch)
print("kept:", len(history) > 0, history.complete)
"""


@pytest.fixture(scope="module")
def kernel():
    manager, client = start_new_kernel(kernel_name="python3")
    yield manager, client
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def stopped(kernel, code, mark):
    """Run a cell, press the stop button once the mark is printed; what was shown."""
    manager, client = kernel
    shown, pressed = [], []

    def see(message):
        content = message["content"]
        shown.append(content.get("text", "") + "\n".join(content.get("traceback", [])))
        if mark in "".join(shown) and not pressed:
            pressed.append(time.sleep(0.1))
            manager.interrupt_kernel()

    client.execute_interactive(code, output_hook=see, timeout=60)
    return "".join(shown)


def test_the_stop_button_keeps_what_is_finished(kernel):
    shown = stopped(kernel, ENDLESS.format(pause=0.01), "epoch 3 of")
    assert "Interrupted;" in shown
    assert "kept: True False" in shown


def test_the_stop_button_before_the_first_epoch_shows_a_sentence_alone(kernel):
    code = 'print("begun", flush=True)\n' + ENDLESS.format(pause=30)
    shown = stopped(kernel, code, "begun")
    assert TOO_EARLY in shown
    assert "Traceback" not in shown
    assert "kept:" not in shown
