"""What people keep beside the lessons concerns no tool and no test."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from course_files import SCRIPTS, course_files, lessons, notebook_of, read
from nbformat import v4

ROOT = Path(__file__).parents[2]
LESSON = ROOT / "notebooks" / "01_elbo.ipynb"
CONFLICT = "<<<<<<< HEAD\n=======\n>>>>>>> theirs\n"
FOREIGN_NOTEBOOKS = [
    "01_elbo-Copy1.ipynb",
    "01_elbo-mine.ipynb",
    "01_elbo (1).ipynb",
    "my notes.ipynb",
    "my_notes.ipynb",
    "11_my_lesson.ipynb",
    "mine/01_elbo.ipynb",
    "exercises/01_elbo-Copy1.ipynb",
    "exercises/01_elbo-mine-2.ipynb",
    "exercises/my_answers.ipynb",
    "projects/b_25_modes-Copy1.ipynb",
    "projects/b_25_modes-mine.ipynb",
    "projects/my_project.ipynb",
    "solutions/01_elbo-Copy1.ipynb",
    ".ipynb_checkpoints/01_elbo-checkpoint.ipynb",
]
# What pairing left behind in earlier versions, and what an editor exports.
FOREIGN_SCRIPTS = [
    "scripts/01_elbo-Copy1.py",
    "scripts/my notes.py",
    "scripts/my_notes.py",
    "scripts/11_my_lesson.py",
    "scripts/exercises/01_elbo.py",
    "scripts/solutions/01_elbo-Copy1.py",
    "scripts/mine/01_elbo.py",
    "my_notes.py",
]
# Only git can tell these from the course's own.
PLAIN = ("my_", "11_", "mine/")


def git(folder, *words):
    identity = ["-c", "user.name=a", "-c", "user.email=a@b.org"]
    subprocess.run(["git", "-C", folder, *identity, *words], check=True)


def copy_of_the_course(folder, *names):
    """The course's own files; what git knows where git is known."""
    listed = subprocess.run(
        ["git", "-C", ROOT, "ls-files", "-z", *names], capture_output=True, text=True
    ).stdout.split("\0")
    if not any(listed):
        pytest.skip("no git repository: an unpacked archive")
    for name in filter(None, listed):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).exists():
            shutil.copy(ROOT / name, folder / name)


def add_foreign_files(notebooks, names):
    for name in names:
        path = notebooks / name
        path.parent.mkdir(parents=True, exist_ok=True)
        note = v4.new_notebook(cells=[v4.new_code_cell("1/0")])
        path.write_text(
            nbformat.writes(note) if path.suffix == ".ipynb" else "x=1;y =2"
        )
    (notebooks / "empty.ipynb").touch()


@pytest.fixture(scope="module")
def crowded(tmp_path_factory):
    """The repository, as git has it, with much beside the course."""
    folder = tmp_path_factory.mktemp("crowded")
    copy_of_the_course(folder)
    git(folder, "init", "--quiet")
    git(folder, "add", ".")
    add_foreign_files(folder / "notebooks", FOREIGN_NOTEBOOKS + FOREIGN_SCRIPTS)
    (folder / "notebooks" / "my notes.ipynb").write_text(CONFLICT)
    (folder / "notebooks" / "exercises" / "my_answers.ipynb").write_text("")
    return folder


def run(folder, *command):
    done = subprocess.run(
        [sys.executable, *command],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


def test_the_tests_of_the_notebooks_pass_beside_ones_own(crowded):
    tests = ["pairs", "notebooks", "mirrors", "exercises", "addresses"]
    paths = [f"tests/repository/test_{name}.py" for name in tests]
    fast = "not untouched and not session"
    run(crowded, "-m", "pytest", "-q", "-x", "-k", fast, *paths)


def test_the_tools_pass_over_ones_own(crowded):
    listed = run(crowded, "tools/build/course_files.py").split("\n")
    own = [path.relative_to(ROOT).as_posix() for path in course_files(SCRIPTS, ".py")]
    assert [name for name in listed if name.startswith("notebooks/scripts/")] == own
    before = {p: p.read_bytes() for p in (crowded / "notebooks").rglob("*.ipynb")}
    run(crowded, "tools/build/addresses.py", "--check")
    run(crowded, "tools/build/exercises.py")
    after = {p: p.read_bytes() for p in (crowded / "notebooks").rglob("*.ipynb")}
    assert before == after


def test_one_s_own_notebooks_are_not_run_by_the_tests(crowded):
    words = ["--collect-only", "-q", "--nbval-lax", "notebooks"]
    output = run(crowded, "-m", "pytest", *words)
    collected = {line.split("::")[0] for line in output.splitlines() if "::" in line}
    own = {notebook_of(script) for script in course_files(SCRIPTS, ".py")}
    assert collected == {path.relative_to(ROOT).as_posix() for path in own}


@pytest.mark.skipif(not shutil.which("make"), reason="make is missing")
@pytest.mark.skipif(os.name == "nt", reason="needs a shell's scripts")
@pytest.mark.parametrize("has_git", [True, False])
def test_make_check_passes_over_ones_own(crowded, tmp_path, has_git):
    folder = crowded
    foreign = FOREIGN_NOTEBOOKS + FOREIGN_SCRIPTS
    if not has_git:
        folder = tmp_path
        copy_of_the_course(folder)
        spelt = [n for n in foreign if not n.removeprefix("scripts/").startswith(PLAIN)]
        add_foreign_files(folder / "notebooks", spelt)
    commands = folder / ".venv" / "bin"
    commands.mkdir(parents=True)
    (commands / "python").write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    for slow in ("lint-imports", "mypy"):
        (commands / slow).write_text("#!/bin/sh\n")
    for command in commands.iterdir():
        command.chmod(0o755)
    (folder / ".venv" / ".installed").touch()
    done = subprocess.run(["make", "check"], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr

    script = folder / "notebooks" / "scripts" / "01_elbo.py"
    right = script.read_text(encoding="utf-8")
    script.write_text(right + "\n# %%\nx =  1\n", encoding="utf-8")
    done = subprocess.run(["make", "check"], cwd=folder, capture_output=True, text=True)
    script.write_text(right, encoding="utf-8")
    assert done.returncode != 0


def test_without_git_names_tell_copies_from_lessons(tmp_path):
    names = ["01_a.py", "solutions/01_a.py", "elbo_on_a_page.py"]
    copies = ["01_a-Copy1.py", "01_a (1).py", "exercises/01_a.py", ".x/01_a.py"]
    for name in names + copies:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    found = [path.relative_to(tmp_path) for path in course_files(tmp_path, ".py")]
    assert sorted(path.as_posix() for path in found) == sorted(names)


def test_git_keeps_out_of_what_was_put_aside_and_of_what_pairing_left(crowded):
    names = ["exercises/01_elbo-mine.ipynb", "exercises/01_elbo-mine-12.ipynb"]
    names += ["projects/b_25_modes-mine.ipynb"]
    for name in [*names, "scripts/exercises/01_elbo.py"]:
        git(crowded, "check-ignore", "--quiet", f"notebooks/{name}")


def test_lessons_are_numbered_and_in_their_order():
    numbers = [int(script.stem[:2]) for script in lessons()]
    assert numbers == list(range(13))


def test_a_notebook_and_a_script_are_read():
    assert read(LESSON).cells
    assert read(SCRIPTS / "01_elbo.py").cells


@pytest.mark.parametrize(
    "content, reason",
    [
        (None, "is missing"),
        (b"", "is empty"),
        (b" \n", "is empty"),
        (CONFLICT.encode(), "marks of a git conflict"),
        (b"\xff\xfe", "not in UTF-8"),
        (b"my notes", "not a notebook"),
        (b"[]", "not a notebook"),
        (b"{}", "not a notebook"),
        (b'{"cells": [1], "nbformat": 4, "nbformat_minor": 5}', "not a notebook"),
    ],
)
def test_a_file_that_is_no_notebook_is_named(tmp_path, content, reason):
    path = tmp_path / "01_elbo.ipynb"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ValueError, match=rf"01_elbo\.ipynb .*{reason}"):
        read(path)


@pytest.mark.parametrize(
    "tool, name",
    [
        ("addresses.py", "notebooks/03_vae_pytorch.ipynb"),
        ("addresses.py", "notebooks/scripts/03_vae_pytorch.py"),
        ("notebooks.py", "notebooks/scripts/03_vae_pytorch.py"),
        ("slides.py", "notebooks/00_start_here.ipynb"),
    ],
)
def test_a_tool_names_the_file_that_it_cannot_read(crowded, tool, name):
    path = crowded / name
    before = path.read_bytes()
    path.write_text(CONFLICT)
    try:
        done = subprocess.run(
            [sys.executable, crowded / "tools" / "build" / tool],
            env=os.environ | {"PYTHONPATH": str(crowded)},
            capture_output=True,
            text=True,
        )
    finally:
        path.write_bytes(before)
    assert done.returncode == 1
    assert name in done.stderr
    assert "Traceback" not in done.stderr


def test_a_note_in_a_lesson_is_no_wrong_address(crowded):
    path = crowded / "notebooks" / "01_elbo.ipynb"
    before = path.read_bytes()
    notebook = read(path)
    notebook.cells.insert(0, v4.new_markdown_cell("My note"))
    notebook.cells.insert(1, v4.new_code_cell("my_code = 1"))
    notebook.metadata["language_info"] = {"name": "python"}
    path.write_text(nbformat.writes(notebook, indent=2), encoding="utf-8")
    try:
        run(crowded, "tools/build/addresses.py", "--check")
    finally:
        path.write_bytes(before)
