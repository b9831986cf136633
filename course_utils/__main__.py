"""What this machine has, in one screen: `python -m course_utils`.

Whatever is broken is said in its line, with what to do about it. The program ends with
exit code 1 if a line reports such a fault, else with 0. What is not installed is none.
With a word behind it the program does something else: see `COMMANDS`.
"""

import io
import os
import platform
import subprocess
import sys
import textwrap
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from course_utils import budget

PACKAGES = {
    "PyTorch": ("torch",),
    "TensorFlow": ("tensorflow-cpu", "tensorflow"),
    "Keras": ("keras",),
    "NumPy": ("numpy",),
    "SciPy": ("scipy",),
    "matplotlib": ("matplotlib",),
    "ipywidgets": ("ipywidgets",),
    "JupyterLab": ("jupyterlab",),
}
# Modules by the word that calls their `main`, which takes the words behind it.
COMMANDS = {
    "progress": "course_utils.checks.progress",
    "grade": "course_utils.checks.grade",
}
USAGE = f"How to call it: python -m course_utils [{' | '.join(COMMANDS)}]"
ANEW = "Install it anew, in a fresh environment: pip install -r requirements.txt -e ."
# What shows that libraries load: their names, and a program that says something then.
TRIALS = {
    "PyTorch computes on": (
        ("torch",),
        "from course_utils.pytorch.device import pick_device; print(pick_device())",
    ),
    "TensorFlow computes on": (
        ("tensorflow", "keras"),
        "from course_utils.tfkeras.device import pick_device; print(pick_device())",
    ),
    "pictures and sliders": (
        ("matplotlib", "ipywidgets", "IPython"),
        "import course_utils.widgets.frame; print('load')",
    ),
}
SECONDS = 60  # for a library to load, from a slow disk
# The first error of a chain is the cause, the last one often an essay on it.
TRIAL = """
import sys
sys.path.append({folder!r})
try:
    {program}
except BaseException as error:
    if isinstance(error, ModuleNotFoundError) and error.name in {names!r}:
        print(error.name, "is not installed")
        sys.exit()
    while cause := error.__cause__ or (
        None if error.__suppress_context__ else error.__context__
    ):
        error = cause
    words = (str(error).strip() or "no reason given").splitlines()[0]
    sys.exit(type(error).__name__ + ": " + words)
"""


class Fault(Exception):
    """Something is broken; the message says what, and what to do."""


def installed(distributions: tuple[str, ...]) -> str:
    """The version of the first of these that is installed, or words that none is."""
    for distribution in distributions:
        try:
            return version(distribution)
        except PackageNotFoundError:
            continue
    return "not installed"


def loads(names: tuple[str, ...], program: str) -> str:
    """What a program says that imports libraries.

    It runs in a process of its own, since a broken library may end its process or
    never return.

    Raises:
        Fault: one does not load.
    """
    folder = str(Path(__file__).parents[1])
    trial = TRIAL.format(folder=folder, program=program, names=names)
    try:
        run = subprocess.run(
            [sys.executable, "-c", trial],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=SECONDS,
        )
    except subprocess.TimeoutExpired:
        raise Fault(f"does not load within {SECONDS} seconds. {ANEW}") from None
    said = [text for text in run.stdout.splitlines() if text.strip()]
    if run.returncode == 0 and said:
        return said[-1]
    errors = [text for text in run.stderr.splitlines() if text.strip()]
    reason = errors[-1] if errors else f"its process ended with code {run.returncode}"
    if run.returncode < 0:
        reason = f"its process was ended by signal {-run.returncode}"
    raise Fault(f"does not load ({reason}). {ANEW}")


def sample() -> str:
    """How many digits of the shipped sample are intact and readable."""
    from course_utils.data.mnist import load_mnist

    return f"{len(load_mnist('train'))} + {len(load_mnist('test'))} digits"


def weights() -> str:
    """The trained weights that are shipped and intact."""
    from course_utils import weights

    names = weights.available()
    for name in names:
        weights.read_weights(name)
    if not names:
        raise Fault("none are there. Install the course anew.")
    return ", ".join(names)


def records() -> str:
    """How many recorded runs are shipped and readable."""
    from course_utils.records import RESULTS, read_result

    names = [path.stem for path in RESULTS.glob("*.json")]
    for name in names:
        read_result(name)
    if not names:
        raise Fault("none are there. Install the course anew.")
    return f"{len(names)} runs"


def own_data() -> str:
    """Whether the user's own copy of MNIST is there and intact."""
    from course_utils.data.mnist import (
        SHA256,
        DataUnavailableError,
        own_file,
        read_arrays,
    )

    path = own_file()
    if path is None:
        return "not set"
    try:
        read_arrays(path, SHA256)
    except FileNotFoundError:
        problem = f"There is no {path}. Put it there"
    except DataUnavailableError as error:
        problem = f"{error} Replace it"
    else:
        return f"{path}, intact"
    raise Fault(f"{problem}, or unset COURSE_DATA_DIR.")


def offline() -> str:
    """Whether the course may use the network."""
    if budget.flag("COURSE_OFFLINE"):
        return "never used: COURSE_OFFLINE is on"
    return "used if all of MNIST is asked for"


def static() -> str:
    """Whether sliders are replaced by their first picture."""
    return "off: COURSE_STATIC is on" if budget.flag("COURSE_STATIC") else "on"


def look(check: Callable[[], str]) -> tuple[str, bool]:
    """What a check says, and whether it found a fault: whatever it raises is one."""
    try:
        return check(), False
    except (Fault, ValueError, RuntimeError) as error:
        return str(error), True
    except ImportError as error:
        return f"{error}. {ANEW}", True
    except Exception as error:
        return f"{type(error).__name__}: {error}", True


def survey() -> dict[str, tuple[str, bool]]:
    """What each line of the screen says, and whether that is a fault."""
    with ThreadPoolExecutor() as pool:  # the slow ones begin first, all at once
        trials = {name: pool.submit(loads, *trial) for name, trial in TRIALS.items()}
        checks: dict[str, Callable[[], str]] = {
            "Python": platform.python_version,
            "system": lambda: f"{platform.system()}, {os.cpu_count()} CPU cores",
            **{name: partial(installed, names) for name, names in PACKAGES.items()},
            "digits shipped": sample,
            "weights shipped": weights,
            "records shipped": records,
            "budget": budget.level,
            "folder of all of MNIST": own_data,
            "network": offline,
            **{name: trial.result for name, trial in trials.items()},
        }
        return {name: look(check) for name, check in checks.items()}


def own_places() -> dict[str, tuple[str, bool]]:
    """What is no business of a lesson that is being saved."""
    here = str(Path(__file__).parent)
    return {"live pictures": look(static), "this package": (here, False)}


def line(name: str, said: str) -> str:
    """A line of the screen; what is too long for it goes on below."""
    return textwrap.fill(
        f"{name:<24}{said}",
        width=80,
        subsequent_indent=" " * 24,
        break_long_words=False,
        break_on_hyphens=False,
    )


def screen(found: dict[str, tuple[str, bool]]) -> str:
    """What a survey found, as text."""
    return "\n".join(line(name, said) for name, (said, _) in found.items())


def report() -> str:
    """The whole screen, as lesson 0 shows it."""
    return screen(survey())


def main() -> int:
    """Do what the words behind the program's name say; the exit code."""
    # A folder's name may hold what a terminal cannot show.
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    if len(sys.argv) > 1:
        return command(*sys.argv[1:])
    found = survey() | own_places()
    print(screen(found))
    return int(any(fault for _, fault in found.values()))


def command(word: str, *more: str) -> int:
    """Call what goes by this word; the exit code."""
    if word not in COMMANDS:
        print(USAGE)
        return 2
    try:
        run = import_module(COMMANDS[word]).main
    except Exception as error:  # whatever a broken library raises
        print(f"{word} does not load ({type(error).__name__}: {error}). {ANEW}")
        return 1
    return run(list(more))


if __name__ == "__main__":
    sys.exit(main())
