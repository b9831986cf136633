"""`python -m course_utils`, the tool that should say what is wrong with a machine."""

import os
import platform
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from course_utils import __main__, records, weights
from course_utils.data import mnist

ROOT = Path(__file__).parents[1]


def report(*paths, words=(), **settings):
    """The run of the program with folders that come first, and with settings."""
    path = os.pathsep.join(map(str, (*paths, ROOT)))
    environment = {"PYTHONPATH": path, "COURSE_OFFLINE": "1", **settings}
    return subprocess.run(
        [sys.executable, "-m", "course_utils", *words],
        capture_output=True,
        text=True,
        env=os.environ | environment,
        timeout=120,
    )


def value_of(text, name):
    """What the line of that name says, with what goes on below it."""
    lines = iter(text.splitlines())
    said = [next(line for line in lines if line.startswith(name + " "))[24:]]
    for line in lines:
        if not line.startswith(24 * " "):
            break
        said.append(line.strip())
    return " ".join(said)


@pytest.fixture
def look(monkeypatch):
    """What the program says in one line of its own process, and whether it is a fault.

    Libraries are not loaded.
    """
    monkeypatch.setattr(__main__, "TRIALS", {})
    return lambda name: (__main__.survey() | __main__.own_places())[name]


@pytest.fixture
def fake(tmp_path):
    """Makes a folder with a library that runs a line when it is imported."""

    def make(name, line):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text(line + "\n")
        return tmp_path

    return make


def test_the_module_runs_as_a_program_and_fits_one_screen():
    run = report()
    assert (run.returncode, run.stderr) == (0, "")
    lines = run.stdout.splitlines()
    assert len(lines) <= 24
    assert max(len(line) for line in lines if str(ROOT) not in line) <= 80
    assert value_of(run.stdout, "digits shipped") == "10000 + 2000 digits"
    assert value_of(run.stdout, "Python") == platform.python_version()
    assert value_of(run.stdout, "this package") == str(ROOT / "course_utils")
    assert value_of(run.stdout, "PyTorch computes on") in ("cpu", "cuda", "mps")
    assert value_of(run.stdout, "TensorFlow computes on") in ("CPU:0", "GPU:0")
    assert value_of(run.stdout, "pictures and sliders") == "load"
    assert "COURSE_OFFLINE is on" in value_of(run.stdout, "network")


BROKEN = [
    ("torch", "PyTorch computes on", "raise OSError('libcudart.so.12: not found')"),
    (
        "torch",
        "PyTorch computes on",
        "raise ImportError('libcudart.so.12: no\\nessay')",
    ),
    ("torch", "PyTorch computes on", "raise RuntimeError('libcudart.so.12: old')"),
    ("torch", "PyTorch computes on", "raise SystemExit('libcudart.so.12')"),
    ("tensorflow", "TensorFlow computes on", "import libcudart.so.12 !"),
    ("keras", "TensorFlow computes on", "raise KeyError('libcudart.so.12')"),
    ("matplotlib", "pictures and sliders", "raise ValueError('libcudart.so.12')"),
]


@pytest.mark.parametrize("library, name, line", BROKEN)
def test_a_library_that_is_installed_and_broken_is_said(
    fake, monkeypatch, library, name, line
):
    path = os.pathsep.join([str(fake(library, line)), str(ROOT)])
    monkeypatch.setenv("PYTHONPATH", path)
    with pytest.raises(__main__.Fault, match=r"^does not load \(.*pip install") as said:
        __main__.loads(*__main__.TRIALS[name])
    assert ("libcudart.so.12" in str(said.value)) or ("SyntaxError" in str(said.value))


def test_the_cause_is_said_and_not_the_essay_on_it(fake, monkeypatch):
    line = "try: raise OSError('no libcudart')\nexcept OSError as e: raise ImportError"
    folder = fake("torch", f"{line}('Failed to load.\\nSee an address') from e")
    monkeypatch.setenv("PYTHONPATH", str(folder))
    with pytest.raises(__main__.Fault, match=r"\(OSError: no libcudart\)"):
        __main__.loads(("torch",), "import torch")


def test_a_library_that_takes_its_process_down_is_said(fake):
    run = report(fake("torch", "import os; os.abort()"))
    assert (run.returncode, run.stderr) == (1, "")
    assert "does not load (its process" in value_of(run.stdout, "PyTorch computes on")
    assert value_of(run.stdout, "TensorFlow computes on") in ("CPU:0", "GPU:0")


def test_a_torch_that_cannot_find_its_libraries_is_no_traceback(fake):
    run = report(fake("torch", "raise OSError('libcudart.so.12: not found')"))
    assert (run.returncode, run.stderr) == (1, "")
    said = value_of(run.stdout, "PyTorch computes on")
    assert said.startswith("does not load (OSError: libcudart.so.12: not found). In")


def test_a_library_that_never_returns_is_given_up(fake, monkeypatch):
    monkeypatch.setattr(__main__, "SECONDS", 0.5)
    with pytest.raises(__main__.Fault, match="not load within 0.5 seconds"):
        __main__.loads(("torch",), "import time; time.sleep(60)")


def test_a_broken_numpy_is_said_too(fake):
    run = report(fake("numpy", "raise ImportError('no BLAS')"))
    assert (run.returncode, run.stderr) == (1, "")
    assert "no BLAS" in value_of(run.stdout, "digits shipped")
    assert "pip install" in value_of(run.stdout, "digits shipped")


def test_what_is_not_installed_is_no_fault(fake):
    line = "raise ModuleNotFoundError('No module named torch', name='torch')"
    run = report(fake("torch", line))
    assert value_of(run.stdout, "PyTorch computes on") == "torch is not installed"
    assert (run.returncode, run.stderr) == (0, "")


@pytest.mark.parametrize(
    "variable, name, choice",
    [
        ("COURSE_BUDGET", "budget", "smoke, lecture, full"),
        ("COURSE_OFFLINE", "network", "1, true, yes, on"),
        ("COURSE_STATIC", "live pictures", "1, true, yes, on"),
    ],
)
def test_a_mistyped_setting_is_said(look, monkeypatch, variable, name, choice):
    monkeypatch.setenv(variable, "fasst")
    said, fault = look(name)
    assert fault
    assert f"{variable} is 'fasst'" in said
    assert choice in said


def test_a_mistyped_setting_ends_in_a_sentence_and_exit_code_1():
    run = report(COURSE_BUDGET="fasst", COURSE_DATA_DIR=b"/no/\xff".decode("latin1"))
    assert (run.returncode, run.stderr) == (1, "")
    assert "COURSE_BUDGET is 'fasst'" in value_of(run.stdout, "budget")
    assert "Put it there" in value_of(run.stdout, "folder of all of MNIST")


@pytest.mark.skipif(os.name != "posix", reason="names of other bytes are POSIX's")
@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_a_folder_with_a_name_that_cannot_be_shown_is_shown_as_far_as_possible(
    encoding,
):
    name = os.fsdecode(b"/no/\xff\xc3\xa4")
    run = report(COURSE_DATA_DIR=name, PYTHONIOENCODING=encoding)
    assert (run.returncode, run.stderr) == (1, "")
    assert "\\udcff" in value_of(run.stdout, "folder of all of MNIST")


def test_the_report_names_versions_and_settings(look, monkeypatch):
    monkeypatch.setenv("COURSE_BUDGET", "smoke")
    assert look("NumPy") == (version("numpy"), False)
    assert look("PyTorch") == (version("torch"), False)
    assert look("budget") == ("smoke", False)


def test_a_package_may_go_by_one_name_of_several():
    assert __main__.installed(("no-such-package", "numpy")) == version("numpy")
    assert __main__.installed(("no-such-package",)) == "not installed"


def test_an_unset_folder_is_said(look):
    assert look("folder of all of MNIST") == ("not set", False)


def test_a_folder_without_the_file_is_said(look, monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_DATA_DIR", str(tmp_path))
    said, fault = look("folder of all of MNIST")
    assert fault
    assert str(tmp_path / "mnist.npz") in said


def test_a_folder_with_a_damaged_file_is_said(look, monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_DATA_DIR", str(tmp_path))
    (tmp_path / "mnist.npz").write_text("rubbish")
    said, fault = look("folder of all of MNIST")
    assert fault
    assert "Replace it, or unset COURSE_DATA_DIR" in said


@pytest.mark.usefixtures("cache")
def test_an_intact_copy_of_ones_own_is_said(look, monkeypatch, tmp_path, intact):
    monkeypatch.setenv("COURSE_DATA_DIR", str(tmp_path))
    (tmp_path / "mnist.npz").write_bytes(intact)
    assert look("folder of all of MNIST") == (
        f"{tmp_path / 'mnist.npz'}, intact",
        False,
    )


@pytest.mark.parametrize("content", [None, b"", b"rubbish"])
def test_a_missing_or_damaged_sample_is_said(look, monkeypatch, tmp_path, content):
    sample = tmp_path / "mnist_sample.npz"
    monkeypatch.setattr(mnist, "SAMPLE", sample)
    if content is not None:
        sample.write_bytes(content)
    said, fault = look("digits shipped")
    assert fault
    assert "Restore it" in said


def test_shipped_weights_are_named(look):
    assert look("weights shipped") == (
        "conv_vae, dcgan, diffusion, digit_classifier, ising",
        False,
    )


@pytest.mark.parametrize("card", [None, "{}", "rubbish", "[]"])
def test_missing_or_damaged_weights_are_said(look, monkeypatch, tmp_path, card):
    monkeypatch.setattr(weights, "WEIGHTS", tmp_path)
    if card is not None:
        (tmp_path / "broken.json").write_text(card)
    said, fault = look("weights shipped")
    assert fault
    assert ("Install the course anew" in said) or ("Restore broken" in said)


def test_damaged_records_are_said(look, monkeypatch, tmp_path):
    assert not look("records shipped")[1]
    monkeypatch.setattr(records, "RESULTS", tmp_path)
    assert look("records shipped") == ("none are there. Install the course anew.", True)
    (tmp_path / "broken.json").write_text("{")
    said, fault = look("records shipped")
    assert fault
    assert "broken.json is damaged" in said


def test_without_any_output_it_ends_quietly_too():
    shell = shutil.which("sh")
    if shell is None:
        pytest.skip("needs a POSIX shell")
    command = f'"{sys.executable}" -m course_utils >&- 2>&-'
    run = subprocess.run(
        [shell, "-c", command], env=os.environ | {"PYTHONPATH": str(ROOT)}, timeout=120
    )
    assert run.returncode == 0


def test_a_word_calls_another_program(tmp_path):
    run = report(words=["progress", str(tmp_path / "none")])
    assert (run.returncode, run.stderr) == (1, "")
    assert run.stdout == f"There is no folder {tmp_path / 'none'}.\n"


def test_a_word_that_calls_nothing_is_told():
    run = report(words=["grades"])
    assert (run.returncode, run.stderr) == (2, "")
    assert run.stdout == "How to call it: python -m course_utils [progress | grade]\n"


def test_a_program_that_does_not_load_is_no_traceback(monkeypatch, capsys):
    monkeypatch.setitem(__main__.COMMANDS, "progress", "course_utils.no_such_module")
    assert __main__.command("progress") == 1
    assert "progress does not load (ModuleNotFound" in capsys.readouterr().out
