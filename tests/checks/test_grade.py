"""A small class, with some who mean no good, is graded as if each had been alone.

The course that grades them is a copy with one set, `tiny`, which loads no framework.
"""

import csv
import json
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import psutil
import pytest

import course_utils
from course_utils.checks import grade, judge, sandbox, wire
from course_utils.checks.calls import Refusal

COURSE = Path(course_utils.__file__).parent
HEAVY = ("__pycache__", "weights", "results", "pytorch", "tfkeras", "*.npz", "widgets")
SECONDS, MEMORY = 60, 1
TINY = '''
import numpy as np
from course_utils.checks.examination import examination
from course_utils.checks.exercise import Exercise

def double(x):
    """Twice x."""
    return 2 * x

def _draw(rng, n):
    return f"{n} numbers", rng.normal(size=n)

check_double = Exercise(double, "Add it to itself.", _draw, cases=(1, 3))

def two():
    """Two."""
    return 2.0

check_two = Exercise(two, "It is even.", slips={"More than one.": lambda: 1.0})

def jitter(x, rng):
    """x and a normal number."""
    return x + rng.normal(size=x.shape)

def _noisy(rng):
    return "a generator", rng.normal(size=4), np.random.default_rng(rng.integers(99))

check_jitter = Exercise(jitter, "Draw once.", _noisy)

@examination("fit", "Divide two sums.")
def check_fit(ask):
    """Points x and y, seed -> the slope, and y without it."""
    x = ask.rng.normal(size=50)
    y = ask.rng.normal() * x
    value = ask.call("50 points", x, y, 7)
    slope, rest = ask.arrays(value, {"the slope": (), "the rest": (50,)})
    if np.abs(y - slope * x).max() + np.abs(rest).max() > 1e-6:
        ask.fail("the line is not straight.")
'''
IMPORTS = """
import os, signal, subprocess, sys, time
import numpy as np
from course_utils.checks.tiny import check_double, check_fit, check_jitter, check_two
"""
ANSWERS = {
    "double": "def double(x):\n    return x + x\n\ncheck_double(double)",
    "two": "check_two(np.sqrt(4.0))",
    "jitter": "check_jitter(lambda x, rng: x + rng.standard_normal(len(x)))",
    "fit": """
def fit(x, y, seed):
    slope = (x * y).sum() / (x * x).sum()
    return slope, y - slope * x
check_fit(fit)
""",
}
ALL = [IMPORTS, *ANSWERS.values()]
STUB = "def answer(*a):\n    # Your code here.\n    ...\n"
STUBS = [f"{STUB}check_{name}(answer)" for name in ("double", "jitter", "fit")]
HARM = "for path in PLACES:\n    try:\n        {}\n    except OSError:\n        pass"
FORGED = """
print("double: right.")
np.allclose = np.array_equal = np.isfinite = lambda *a, **k: np.True_
from course_utils.checks import check, exercise, examination, tiny, wire
check.Check.what_is_wrong = lambda *a: None
exercise.near = exercise.equal = lambda *a: True
wire.packed_refusal = lambda refusal: None
check_double.solved = True
check_double(lambda x: x)
check_two(3)
check_jitter(lambda x, rng: x)
check_fit(lambda x, y, seed: (0, y))
"""
DAEMON = """
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.execv("/bin/sleep", ["sleep", "98765"])
    os._exit(0)
"""
PRY = """
found = []
for path in PLACES:
    try:
        found.append(open(path).read())
    except OSError:
        pass
check_two(len(found) + 2)
"""
CROWD = """
for i in range(150):
    subprocess.Popen(["/bin/sleep", "600"])
time.sleep(30)
"""
ILL = """
import ctypes
os.write(3, b"x" * 100)
os.closerange(3, 100)
ctypes.string_at(0)
"""
DEAF = """
while True:
    try:
        while True:
            time.sleep(0.01)
    except BaseException:
        pass
"""
HOG = """
for i in range(20):
    if os.fork() == 0:
        kept = np.ones(10**8)
        time.sleep(600)
time.sleep(30)
"""
# Words that no honest worker says, some of them many times.
LIES = """
import gc
desk = [o for o in gc.get_objects() if type(o).__name__ == "Desk"][0]
for i in range(3000):
    desk.say(error="was stopped after " + "x" * 1000)
for lie in ({"type": "\\0"}, {"list": 1}, 3):
    desk.say(handed="tiny.two", value=lie)
    desk.hear()
for lie in (-1, True, 10**9, 1.0, None, "2"):
    desk.say(cell=lie)
desk.say(handed=[], error={})
"""
# Right only if numbers come that were shown before.
AGAIN = """
shown = []
def remembered(x):
    shown.append(x.copy())
    return 0 * x
known = []
def again(x):
    known.extend(y for y in shown if np.array_equal(x, y))
    return 2 * x if known else 0 * x
check_double(remembered)
check_double(again)
"""
# What each hands in: in a folder of his own if the name has a slash.
CLASS = {
    "anna/06_tiny": ALL,
    "ben/06_tiny": [IMPORTS, *STUBS, "check_two(...)"],
    "carl_06_tiny": ALL[:3],
    "dora_tiny": [IMPORTS, "while True:\n    time.sleep(1)", *ALL[1:3], DEAF, *ALL[3:]],
    "emil": [IMPORTS, *ALL[1:3], HOG, *ALL[3:]],
    "fred/tiny": [IMPORTS, HARM.format("os.remove(path)"), *ALL[1:]],
    "gina/tiny": [
        IMPORTS,
        HARM.format("open(path, 'w').write('mine')"),
        HARM.format("os.truncate(path, 0)"),
        HARM.format("os.chmod(path, 0)"),
        *ALL[1:],
    ],
    "hugo/tiny": [IMPORTS, FORGED],
    "ida/tiny": [IMPORTS, DAEMON, *ALL[1:]],
    "jan/tiny": [
        IMPORTS,
        "sys.exit()",
        ALL[1],
        "os._exit(3)",
        ALL[2],
        "os.kill(os.getppid(), signal.SIGKILL)",
        *ALL[3:],
    ],
    "kim/tiny": [IMPORTS, "check_double(lambda x: os._exit(0))", *ALL[2:]],
    "lea/tiny": [IMPORTS, "for i in range(1000):\n    print('x' * 10**6)", *ALL[1:]],
    "max/tiny": [IMPORTS, "for i in range(9):\n    check_two(i)", "1 / 0", *ALL[3:]],
    "moe/tiny": [IMPORTS, *ALL[1:3], CROWD, *ALL[3:]],
    "nora/tiny": ["print('no check')"],
    "olaf/tiny": None,
    "olaf/tiny-mine": [*ALL[:2], "check_jitter(undefined)", "check_two(1.0)"],
    "pia/06_tiny": [],
    "rob/tiny": [IMPORTS, PRY],
    "sue/tiny": [IMPORTS, ILL, *ALL[1:]],
    "uma/tiny": [IMPORTS, LIES, *ALL[1:]],
    "vera/tiny": [IMPORTS, AGAIN],
    "tim/tiny": ["%matplotlib inline" + IMPORTS, "!true\n" + ALL[1], *ALL[2:]],
}
NAMES = ["double", "two", "jitter", "fit"]
EXPECTED = {
    "anna": [1, 1, 1, 1],
    "ben": [0, 0, 0, 0],
    "carl": [1, 1, 0, 0],
    "dora": [1, 1, 1, 1],
    "emil": [1, 1, 1, 1],
    "fred": [1, 1, 1, 1],
    "gina": [1, 1, 1, 1],
    "hugo": [0, 0, 0, 0],
    "ida": [1, 1, 1, 1],
    "jan": [1, 1, 1, 1],
    "kim": [0, 1, 1, 1],
    "lea": [1, 1, 1, 1],
    "max": [0, 0, 1, 1],
    "moe": [1, 1, 1, 1],
    "nora": [0, 0, 0, 0],
    "olaf": [1, 0, 0, 0],
    "pia": [0, 0, 0, 0],
    "rob": [0, int(sandbox.landlock() > 0), 0, 0],
    "sue": [1, 1, 1, 1],
    "tim": [1, 1, 1, 1],
    "uma": [1, 1, 1, 1],
    "vera": [0, 0, 0, 0],
}
# What the page says, student by student.
SAID = {
    "ben": ["tiny.two: `there is no value yet", "tiny.fit: `nothing came back yet"],
    "carl": ["tiny.jitter: `was not handed in.`"],
    "dora": ["code cell 2 was stopped after", "code cell 5: it could not be stopped"],
    "emil": ["it took more than 1 GiB of memory"],
    "hugo": ["tiny.double: `for the result (1 numbers)", "tiny.two: `3 does not fit."],
    "jan": ["code cell 4: it ended its process"],
    "kim": ["tiny.double: `it ended its process when it was asked.`"],
    "max": ["tiny.two: `8 does not fit.`"],
    "moe": ["code cell 4: it started more than 100 processes"],
    "nora": ["There is no check of this course in it.", "- tiny: no notebook"],
    "olaf": ["This is no notebook.", "its cell stops with NameError"],
}


def notebook(cells, places=()):
    """As bytes; what there is of cells before the first may use `PLACES`."""
    if cells is None:
        return b'{"cells": [{"cell_type": "code"'
    sources = [f"PLACES = {[str(place) for place in places]}", *cells]
    cells = [{"cell_type": "code", "source": s.splitlines(True)} for s in sources]
    return json.dumps({"cells": cells[1:] if not places else cells}).encode()


def course(folder):
    """A copy of the course with one set, which loads no framework."""
    package = folder / "course_utils"
    shutil.copytree(COURSE, package, ignore=shutil.ignore_patterns(*HEAVY))
    (package / "checks" / "tiny.py").write_text(TINY)
    (folder / "pyproject.toml").touch()  # by this it is known for a checkout
    return folder


def hand_in(folder, names, places=()):
    for name in names:
        path = folder / f"{name}.ipynb"
        path.parent.mkdir(exist_ok=True, parents=True)
        hurts = any("PLACES" in cell for cell in CLASS[name] or [])
        path.write_bytes(notebook(CLASS[name], places if hurts else ()))


def graded(folder, names, *more, **environment):
    """A class's table and page, and what the class is held in."""
    submissions, table = folder / "class", folder / "out" / "grades.csv"
    page = table.with_name("page.md")
    table.parent.mkdir()
    table.write_text("student,old\n")
    neighbours = [submissions / f"{name}.ipynb" for name in CLASS]
    hand_in(submissions, names, [table, page, folder / "out", *neighbours])
    before = {path: path.read_bytes() for path in submissions.rglob("*.ipynb")}
    command = [
        sys.executable,
        "-P",
        "-m",
        "course_utils.checks.grade",
        str(submissions),
    ]
    command += [f"--csv={table}", f"--page={page}", f"--seconds={SECONDS}", "--seed=3"]
    run = subprocess.run(
        [*command, f"--memory={MEMORY}", *more],
        env=os.environ | {"PYTHONPATH": str(folder), **environment},
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    after = {path: path.read_bytes() for path in submissions.rglob("*.ipynb")}
    with table.open(newline="") as file:
        head, *rows = csv.reader(file)
    marks = {row[0]: [int(mark) for mark in row[1:]] for row in rows}
    return head, marks, page.read_text(), before == after


@pytest.fixture(scope="module")
def a_class(tmp_path_factory):
    return graded(course(tmp_path_factory.mktemp("course")), CLASS)


def part(page, student):
    """What a page says of a student."""
    return page.split(f"## `{student}`\n")[1].split("\n## ")[0].strip()


def sleeping():
    """Daemons that a student has left."""
    found = psutil.process_iter(["cmdline"])
    return [p for p in found if "98765" in (p.info["cmdline"] or [])]


def test_a_table_has_a_column_for_each_exercise_in_the_order_of_the_set(a_class):
    head, marks, _, _ = a_class
    assert head == ["student", *(f"tiny.{name}" for name in NAMES)]
    assert list(marks) == sorted(EXPECTED)


@pytest.mark.parametrize("student", EXPECTED)
def test_each_gets_what_is_due(a_class, student):
    assert a_class[1][student] == EXPECTED[student]


@pytest.mark.parametrize("student", SAID)
def test_the_page_says_what_each_missed(a_class, student):
    for words in SAID[student]:
        assert words in part(a_class[2], student)


def test_a_perfect_student_is_told_nothing(a_class):
    assert part(a_class[2], "anna") == "4 of 4."


@pytest.mark.skipif(not sandbox.landlock(), reason="nothing keeps files here")
def test_nobody_touches_the_others_files(a_class):
    assert a_class[3]


def test_lies_are_many_and_the_page_is_short(a_class):
    assert len(part(a_class[2], "uma")) < 1_000


# Tries to make the disk writable again, and to reach a program by its socket.
BREAK_OUT = """
import ctypes, os, socket, sys
status = open("/proc/self/status").read()
mount = (ctypes.c_uint64 * 4)(0, 1, 0, 0)
way = -100, b"/", 0, mount, ctypes.sizeof(mount)
print(int(status.split("CapEff:")[1].split()[0], 16))
print(ctypes.CDLL(None).syscall(442, *way))
print(socket.socket(socket.AF_UNIX).connect_ex(sys.argv[1]) != 0)
"""


@pytest.mark.skipif(not sandbox.namespaces(), reason="there are no namespaces here")
@pytest.mark.skipif("/tmp" not in sandbox.covered(), reason="Python stands there")
def test_nobody_is_root_or_talks_to_other_programs(tmp_path):
    with socket.socket(socket.AF_UNIX) as other, TemporaryDirectory(dir="/tmp") as room:
        other.bind(place := f"{room}/s")
        other.listen()
        command = [sys.executable, "-P", "-c", BREAK_OUT, place]
        walled = sandbox.walled(tmp_path, 1.0, 20.0, command)
        said = subprocess.run(walled, capture_output=True, text=True)
    assert said.stdout.split() == ["0", "-1", "True"], said.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="orphans are adopted on Linux")
def test_no_daemon_survives(a_class):
    assert not sleeping()


@pytest.mark.skipif(sys.platform != "linux", reason="orphans are adopted on Linux")
def test_it_works_without_namespaces_and_asks_the_same(tmp_path, a_class):
    some = ["anna/06_tiny", "fred/tiny", "hugo/tiny", "ida/tiny", "kim/tiny"]
    nowhere = {"PATH": str(tmp_path)}  # where there is no unshare
    _, marks, page, is_whole = graded(course(tmp_path), some, **nowhere)
    assert marks == {name.split("/")[0]: EXPECTED[name.split("/")[0]] for name in some}
    assert "keeps no student's code from reaching the network" in page
    assert part(page, "hugo") == part(a_class[2], "hugo")
    assert not sleeping()
    assert is_whole or not sandbox.landlock()


@pytest.mark.parametrize(
    "name, student",
    {
        "anna/x.ipynb": "anna",
        "anna/week 3/03_vae_pytorch.ipynb": "anna",
        "anna.ipynb": "anna",
        "anna_03_vae_pytorch.ipynb": "anna",
        "anna-vae_pytorch-mine-2.ipynb": "anna",
        "de_la_cruz_bug_clinic (1).ipynb": "de_la_cruz",
        "03_vae_pytorch.ipynb": "03_vae_pytorch",
        "elbow.ipynb": "elbow",
        "max_judge.ipynb": "max_judge",
    }.items(),
)
def test_whose_a_notebook_is(tmp_path, name, student):
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(notebook([]))
    (found,) = grade.hand_ins(tmp_path)
    assert (found.student, found.name) == (student, name)


def test_what_is_no_notebook_of_a_students_is_passed_over(tmp_path):
    kept = tmp_path / "anna" / ".ipynb_checkpoints"
    kept.mkdir(parents=True)
    (kept / "x-checkpoint.ipynb").write_bytes(notebook([]))
    os.mkfifo(tmp_path / "pipe.ipynb")
    (tmp_path / "folder.ipynb").mkdir()
    assert grade.hand_ins(tmp_path) == []


def test_a_link_to_a_solution_is_no_hand_in(tmp_path):
    (tmp_path / "solution.ipynb").write_bytes(notebook(ALL))
    (folder := tmp_path / "class").mkdir()
    (folder / "anna.ipynb").symlink_to(tmp_path / "solution.ipynb")
    (one,) = grade.hand_ins(folder)
    assert one.content is None
    assert "a link" in grade.judged(one, 9.0, 1.0, 0).notes[0]


def test_a_grader_that_fails_says_so(tmp_path):
    folder = course(tmp_path)
    (folder / "course_utils" / "checks" / "worker.py").write_text("broken")
    with pytest.raises(AssertionError, match="assert 1 == 0"):
        graded(folder, ["carl_06_tiny"])
    page = (folder / "out" / "page.md").read_text()
    assert "the worker does not begin: it ended its process" in page


@pytest.mark.parametrize("option", ["--csv", "--page"])
def test_a_foreign_file_is_not_written_over(tmp_path, option, capsys):
    (tmp_path / "a.ipynb").write_bytes(notebook([]))
    mine = tmp_path / "mine"
    mine.write_text("name,age\n")
    files = {"--csv": tmp_path / "new", "--page": tmp_path / "new too"} | {option: mine}
    words = [word for pair in files.items() for word in map(str, pair)]
    assert grade.main([str(tmp_path), *words]) == 2
    assert "stays as it is" in capsys.readouterr().out
    assert mine.read_text() == "name,age\n"


def test_a_folder_without_notebooks_gets_a_sentence(tmp_path, capsys):
    assert grade.main([str(tmp_path), "--csv", str(tmp_path / "grades.csv")]) == 2
    assert "no notebook" in capsys.readouterr().out


def test_of_several_notebooks_the_best_counts():
    one, two = (grade.HandIn("anna", name, b"") for name in "ab")
    one.sets = two.sets = {"t": ["t.a", "t.b", "t.c"]}
    one.wrong, two.wrong = {"t.a": None, "t.b": "no"}, {"t.a": "no", "t.b": None}
    assert grade.Class([one, two]).missed("anna") == {"t.c": "was not handed in."}


def test_nothing_of_a_students_becomes_part_of_the_page():
    assert grade._code("a `b`\n# <img>\x00\nHint: c") == "`a 'b' # <img>`"
    assert grade._code("") == "` `"


@pytest.mark.parametrize(
    "value",
    [
        None,
        1.5,
        [1.0, 2.5],
        np.arange(6.0).reshape(2, 3),
        (np.ones(2), [np.zeros(()), None]),
    ],
)
def test_values_pass_the_wire(value):
    came = wire.unpacked(json.loads(json.dumps(wire.packed(value))))
    assert str(came) == str(list(value) if isinstance(value, tuple) else value)


def test_what_is_no_number_passes_as_its_type():
    came = wire.unpacked(wire.packed([np.ones(1), "text"]))[1]
    with pytest.raises(Refusal, match="a value of type str came"):
        wire.as_numbers("x", came)


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"[]",
        b"[" * 100_000,
        b"\xff",
        b"1",
    ],
)
def test_what_is_no_message_is_refused(message):
    with pytest.raises(wire.Garbled):
        wire.parsed(message)


@pytest.mark.parametrize(
    "plain",
    [
        1,
        {},
        {"shape": [2], "data": ""},
        {"shape": [-1, -1], "data": "AAAAAAAAAAA="},
        {"shape": 1, "data": ""},
        {"shape": [], "data": 3},
        {"list": None},
        [{"list": 1}],
    ],
)
def test_what_is_no_value_is_refused(plain):
    with pytest.raises(wire.Garbled):
        wire.unpacked(plain)


def test_answers_that_were_looked_up_are_named():
    cells = [
        "from course_utils.checks import exercise",
        "check.right(x)",
        "inspect.getsource",
    ]
    assert set(judge.LOOKED_UP.findall("\n".join(cells))) >= {".right", "getsource"}
