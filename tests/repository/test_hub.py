"""The class server: what students get, what is kept from them, what is set."""

import json
import os
import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import class_server
import pytest
from nbformat import v4
from traitlets.config import Config

pytest.importorskip("resource", reason="the server is for Linux")

ROOT = Path(__file__).parents[2]
HUB = ROOT / "hub"
PAGE = (HUB / "README.md").read_text(encoding="utf-8")
STUDENT = runpy.run_path(str(HUB / "student.py"))
COPY = STUDENT["copy_course"]
PIN = re.compile(r"^([a-z][\w-]*)==([\d.]+)$", re.M)
PROXY = re.compile(r"configurable-http-proxy@([\d.]+)")


@pytest.fixture
def source(tmp_path):
    """A small course."""
    folder = tmp_path / "notebooks"
    for name in (
        "00_start.ipynb",
        "00_start-mine.ipynb",
        "README.md",
        "exercises/01_elbo.ipynb",
        "exercises/01_elbo-mine-2.ipynb",
        "projects/a_bound.ipynb",
        "deeper/01_bounds.ipynb",
        "solutions/01_elbo.ipynb",
        "solutions/projects/a_bound.ipynb",
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("the course's")
    return folder


def files(folder):
    return sorted(
        p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()
    )


def test_a_student_gets_the_notebooks_and_no_answers(source, tmp_path):
    COPY(source, tmp_path / "course")
    assert files(tmp_path / "course") == [
        "00_start.ipynb",
        "deeper/01_bounds.ipynb",
        "exercises/01_elbo.ipynb",
        "projects/a_bound.ipynb",
    ]


def test_no_work_is_replaced_and_what_is_gone_comes_back(source, tmp_path):
    course = tmp_path / "course"
    COPY(source, course)
    (course / "00_start.ipynb").write_text("a student's")
    (course / "exercises" / "notes.txt").write_text("a student's")
    (course / "projects" / "a_bound.ipynb").unlink()
    (source / "00_start.ipynb").write_text("a newer one")
    assert [path.as_posix() for path in COPY(source, course)] == [
        "projects/a_bound.ipynb"
    ]
    assert (course / "00_start.ipynb").read_text() == "a student's"
    assert (course / "exercises" / "notes.txt").read_text() == "a student's"


def test_a_link_of_a_student_is_left_alone(source, tmp_path):
    course = tmp_path / "course"
    course.mkdir()
    (course / "00_start.ipynb").symlink_to(tmp_path / "nowhere")
    COPY(source, course)
    assert not (tmp_path / "nowhere").exists()


def test_a_name_that_is_taken_meanwhile_stays_taken(source, tmp_path):
    target = tmp_path / "00_start.ipynb"
    target.write_text("saved a moment ago")
    with pytest.raises(FileExistsError):
        STUDENT["place"](source / "00_start.ipynb", target)
    assert target.read_text() == "saved a moment ago"
    assert [path.name for path in tmp_path.glob(".copy-*")] == []


def test_all_of_the_course_but_solutions_is_copied(tmp_path):
    names = set(STUDENT["notebooks"](STUDENT["NOTEBOOKS"]))
    assert {Path("00_start_here.ipynb"), Path("exercises/bug_clinic.ipynb")} <= names
    assert not any("solutions" in name.parts for name in names)


ASKS = """
import runpy, sys, numpy
student = runpy.run_path(sys.argv[1])
if sys.argv[2] != "none":
    student["limit_memory"](float(sys.argv[2]))
numpy.zeros(3 << 30, numpy.uint8)  # which touches no page
"""


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not count so")
@pytest.mark.parametrize("gib, fits", [("none", True), ("2.5", True), ("1.5", False)])
def test_memory_is_limited(gib, fits):
    command = [sys.executable, "-c", ASKS, str(HUB / "student.py"), gib]
    run = subprocess.run(command, capture_output=True, text=True)
    assert (run.returncode == 0) == fits, run.stderr
    assert ("MemoryError" in run.stderr) != fits


@pytest.fixture
def configured(monkeypatch, tmp_path):
    """What the configuration sets, run as JupyterHub runs it."""

    def load(**settings):
        monkeypatch.setenv("CLASS_STATE", str(tmp_path / "state"))
        for name, value in settings.items():
            monkeypatch.setenv(name, value)
        config = Config()
        path = str(HUB / "jupyterhub_config.py")
        runpy.run_path(path, {"get_config": lambda: config})
        return config

    return load


@pytest.mark.parametrize("users", ["pretend", "system"])
def test_nothing_is_open_to_the_network_by_itself(configured, users):
    config = configured(CLASS_USERS=users, CLASS_PORT="9000")
    assert config.JupyterHub.bind_url == "http://127.0.0.1:9000"
    assert config.ConfigurableHTTPProxy.api_url == "http://127.0.0.1:9001"
    assert config.JupyterHub.hub_port == 9002


def test_any_password_opens_the_pretended_class_alone(configured):
    assert configured(CLASS_USERS="pretend").JupyterHub.authenticator_class == "dummy"
    system = configured(CLASS_USERS="system")
    assert system.JupyterHub.authenticator_class == "pam"
    assert "allow_all" not in system.Authenticator
    assert system.LocalAuthenticator.allowed_groups == {"students"}
    assert "--allow-root" not in system.Spawner.args


def test_students_have_a_thread_and_what_they_start_with_is_there(configured):
    config = configured(CLASS_MEMORY="3")
    python, program, memory = config.Spawner.cmd
    assert Path(program).samefile(HUB / "student.py")
    assert memory == "3.0"
    threads = {k: v for k, v in config.Spawner.environment.items() if "THREADS" in k}
    assert len(threads) == 3
    assert set(threads.values()) == {"1"}


def test_what_the_hub_remembers_is_for_its_owner(configured, tmp_path):
    configured()
    assert (tmp_path / "state").stat().st_mode & 0o077 == 0


def test_a_word_for_users_that_means_nothing_is_refused(configured):
    with pytest.raises(ValueError, match="CLASS_USERS"):
        configured(CLASS_USERS="pretended")


def test_the_page_names_what_can_be_set():
    text = (HUB / "jupyterhub_config.py").read_text(encoding="utf-8")
    known = set(re.findall(r'"(CLASS_\w+)"', text))
    assert set(re.findall(r"\bCLASS_\w+", PAGE)) == known


def test_pins_stand_once():
    pins = dict(PIN.findall((HUB / "requirements.txt").read_text()))
    assert set(pins) == {"jupyterhub", "jupyterhub-idle-culler"}
    ours = dict(PIN.findall((ROOT / "requirements.txt").read_text()))
    assert not set(pins) & set(ours)
    said = PROXY.findall(PAGE + (HUB / "requirements.txt").read_text())
    assert len(said) == 2
    assert len(set(said)) == 1


def test_each_link_of_the_page_leads_somewhere():
    links = re.findall(r"\]\(([^)#\s]+)", PAGE)
    assert links
    assert [link for link in links if not (HUB / link).exists()] == []


def runs(alone, together):
    def one(seconds):
        return {"lessons": {"03": {"seconds": seconds}}}

    before, after = alone
    return {"before": one([before]), "together": one(together), "after": one([after])}


@pytest.mark.parametrize(
    "longest, students, kept",
    [(47.9, 8, True), (48.1, 8, False), (11.9, 1, True), (12.1, 1, False)],
)
def test_the_promise_is_judged_by_the_one_who_waits_longest(longest, students, kept):
    found = class_server.judged(runs((11, 10), [9, longest]), students, cores=2)
    assert found["kept"] == kept
    assert found["longest_over_alone"] == {"03": round(longest / 10, 2)}


def test_a_class_runs_a_notebook_through_the_hub(configured, tmp_path):
    pytest.importorskip("jupyterhub")
    command = configured(CLASS_USERS="pretend").ConfigurableHTTPProxy.command
    if shutil.which(command[0]) is None:
        pytest.skip("The proxy is missing: hub/README.md says how to install it.")
    path = tmp_path / "small.ipynb"
    cell = (
        "import os, resource\n"
        "assert os.environ['OMP_NUM_THREADS'] == '1'\n"
        "assert os.path.exists('00_start_here.ipynb')\n"
        "assert resource.getrlimit(resource.RLIMIT_DATA)[0] == 3 << 30"
    )
    path.write_text(json.dumps(v4.new_notebook(cells=[v4.new_code_cell(cell)])))
    tool = ROOT / "tools" / "measure" / "class_server.py"
    command = [sys.executable, tool, "--students", "2", "--notebooks", path]
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    run = subprocess.run(command, capture_output=True, text=True, env=env)
    assert run.returncode == 0, run.stderr
    record = json.loads(run.stdout[run.stdout.index("{") :])
    assert len(record["runs"]["together"]["lessons"]["small"]["seconds"]) == 2
