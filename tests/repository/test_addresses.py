"""Links and first cells have the one address, and the first cell does its work."""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import jupytext
import nbformat
import pytest
from cells import is_folded, tags
from course_files import course_files, lessons, notebook_of, read

ROOT = Path(__file__).parents[2]
NOTEBOOKS = ROOT / "notebooks"
OPENED = [
    *map(notebook_of, lessons()),
    NOTEBOOKS / "your_own_data.ipynb",
    *map(notebook_of, course_files(NOTEBOOKS / "scripts" / "deeper", ".py")),
    *(
        NOTEBOOKS
        / ("projects" if script.parent.name == "projects" else "exercises")
        / script.with_suffix(".ipynb").name
        for script in course_files(NOTEBOOKS / "scripts" / "solutions", ".py")
    ),
]


@pytest.fixture(scope="module")
def tool():
    path = ROOT / "tools" / "build" / "addresses.py"
    spec = importlib.util.spec_from_file_location("addresses", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def first_code(path):
    notebook = nbformat.read(path, as_version=4)
    return next(cell.source for cell in notebook.cells if cell.cell_type == "code")


def test_all_files_have_the_address_of_pyproject(tool):
    assert [path.name for path, _ in tool.different()] == []


def test_a_fork_changes_every_file_that_has_an_address(tool, monkeypatch):
    fork = "https://github.com/somebody/fork"
    monkeypatch.setattr(tool, "address_and_tag", lambda: (fork, "v9.9"))
    changed = dict(tool.different())
    names = {path.name for path in changed}
    assert names >= {"README.md"} | {path.name for path in OPENED}
    for text in changed.values():
        assert "somebody/fork" in text
        assert "v9.9" in text
    readme = changed[ROOT / "README.md"]
    assert "git clone --depth 1 https://github.com/somebody/fork`" in readme
    assert readme.count("(https://somebody.github.io/fork/)") == 2
    assert "generative-models" not in readme


@pytest.mark.parametrize(
    "path", OPENED, ids=lambda path: f"{path.parent.name}-{path.stem}"
)
def test_links_open_this_very_notebook(path, tool):
    notebook = nbformat.read(path, as_version=4)
    relative = path.relative_to(ROOT).as_posix()
    assert any(tool.links(relative) in cell.source for cell in notebook.cells[:2])


@pytest.mark.parametrize(
    "path", OPENED, ids=lambda path: f"{path.parent.name}-{path.stem}"
)
def test_elsewhere_than_on_colab_the_first_cell_does_nothing(path, monkeypatch):
    monkeypatch.setattr(subprocess, "run", None)
    monkeypatch.setattr(os, "chdir", None)
    exec(compile(first_code(path), path.name, "exec"), {})


@pytest.mark.parametrize(
    "path", OPENED, ids=lambda path: f"{path.parent.name}-{path.stem}"
)
def test_the_first_cell_goes_to_the_folder_of_its_notebook(path, tool):
    source = first_code(path)
    assert source == tool.first_cell(path.parent.relative_to(ROOT).as_posix()).source
    assert len(source.splitlines()) <= 20


# A kernel on Colab, seen from a notebook's first cell: it starts in /content, knows
# google.colab, and has packages in a folder of its own.
SESSION = """
import json, os, sys, types
content, packages, python, cells = json.load(sys.stdin)
sys.modules["google"] = types.ModuleType("google")
sys.modules["google.colab"] = types.ModuleType("google.colab")
sys.path.insert(0, packages)
sys.executable = python
os.chdir(content)
for cell in cells:
    exec(compile(cell, "first cell", "exec"), {})
    import course_utils
print(os.getcwd())
"""
# Both write down that they were called; a file `fail-...` makes them fail once.
FAKE_PIP = """#!/bin/sh
echo "pip $*" >> "{log}"
if [ -e "{fail}" ]; then rm "{fail}"; exit 1; fi
mkdir -p "{packages}/course_utils"
touch "{packages}/course_utils/__init__.py"
"""
FAKE_GIT = """#!/bin/sh
echo "git $1" >> "{log}"
if [ -e "{fail}" ]; then
    rm "{fail}"
    for folder; do :; done
    mkdir -p "$folder/.git" "$folder/course_utils"
    {leave}
    kill -9 $$
fi
exec "{git}" "$@"
"""


class Colab:
    """A machine with the course's release on a server, all of it in one folder."""

    def __init__(self, folder, tool, monkeypatch):
        self.folder, self.log = folder, folder / "log"
        self.content, self.packages = folder / "content", folder / "packages"
        for made in (self.content, self.packages, folder / "bin"):
            made.mkdir()
        self.log.touch()
        monkeypatch.setenv("PATH", f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}")
        self.address = self.release(folder / "server")
        monkeypatch.setattr(tool, "address_and_tag", lambda: (self.address, "v9"))
        self.tool = tool
        self.write("pip", FAKE_PIP)
        self.write("git", FAKE_GIT, git=shutil.which("git", path=os.defpath), leave="")

    def release(self, server):
        for name in ("pyproject.toml", "notebooks/a.ipynb", "notebooks/exercises/a"):
            (server / name).parent.mkdir(parents=True, exist_ok=True)
            (server / name).write_text("x")
        who = ["-c", "user.name=a", "-c", "user.email=a@b.org"]
        for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "x"]):
            subprocess.run(["git", "-C", server, *who, *command], check=True)
        subprocess.run(["git", "-C", server, "tag", "v9"], check=True)
        return server.as_uri()

    def write(self, name, text, **more):
        path = self.folder / "bin" / name
        fail = self.folder / f"fail-{name}"
        path.write_text(
            text.format(log=self.log, fail=fail, packages=self.packages, **more)
        )
        path.chmod(0o755)

    def fail_once(self, name):
        (self.folder / f"fail-{name}").touch()

    def session(self, folder="notebooks", times=1):
        """A new kernel that runs the first cell; what it called, and whether it can."""
        cell = self.tool.first_cell(folder).source
        cell = cell.replace('"/content/', f'"{self.content}/')
        pip = str(self.folder / "bin" / "pip")
        given = json.dumps([str(self.content), str(self.packages), pip, [cell] * times])
        before = len(self.log.read_text().splitlines())
        done = subprocess.run(
            [sys.executable, "-I", "-S", "-c", SESSION],
            input=given,
            capture_output=True,
            text=True,
        )
        self.errors = done.stderr
        if done.returncode == 0:
            assert done.stdout.strip() == str(self.content / "course" / folder)
        called = self.log.read_text().splitlines()[before:]
        return [line.split()[0] for line in called], done.returncode == 0


@pytest.fixture
def colab(tmp_path, tool, monkeypatch):
    if os.name == "nt" or not shutil.which("git", path=os.defpath):
        pytest.skip("Colab is a Linux machine with git.")
    return Colab(tmp_path.resolve(), tool, monkeypatch)


@pytest.mark.parametrize("folder", ["notebooks", "notebooks/exercises"])
def test_on_colab_a_first_session_fetches_and_installs(colab, folder):
    assert colab.session(folder) == (["git", "pip"], True)
    install = colab.log.read_text().splitlines()[1].split()
    assert install[1:4] == ["-m", "pip", "install"]
    assert "--no-deps" in install
    assert install[-1] == str(colab.content / "course")


def test_on_colab_a_cell_that_is_run_again_does_nothing_more(colab):
    assert colab.session(times=3) == (["git", "pip"], True)


def test_on_colab_a_restarted_session_finds_its_folder(colab):
    colab.session()
    assert colab.session() == ([], True)
    assert colab.session("notebooks/exercises") == ([], True)


def test_on_colab_an_install_that_failed_is_done_by_the_next_run(colab):
    colab.fail_once("pip")
    assert colab.session() == (["git", "pip"], False)
    assert colab.session() == (["pip"], True)
    assert colab.session() == ([], True)


@pytest.mark.parametrize("leave", ["", 'touch "$folder/pyproject.toml"'])
def test_on_colab_a_download_that_was_cut_off_is_done_by_the_next_run(colab, leave):
    git = shutil.which("git", path=os.defpath)
    colab.write("git", FAKE_GIT, git=git, leave=leave)
    colab.fail_once("git")
    assert colab.session() == (["git"], False)
    assert colab.session() == (["git", "pip"], True)
    assert os.listdir(colab.content) == ["course"]


def test_on_colab_a_virtual_machine_that_is_new_has_everything_again(colab):
    colab.session()
    shutil.rmtree(colab.packages / "course_utils")
    assert colab.session() == (["pip"], True)
    shutil.rmtree(colab.content / "course")
    assert colab.session() == (["git"], True)


SPELLINGS = [
    "https://github.com/owner/Some.name",
    "https://github.com/owner/Some.name.git",
    "https://github.com/owner/Some.name/",
    "https://github.com/owner/Some.name.git/",
    "http://github.com/owner/Some.name",
    "https://www.github.com/owner/Some.name",
    "HTTPS://GitHub.com/owner/Some.name",
    "https://somebody:secret@github.com/owner/Some.name",
    "https://github.com/owner/Some.name?tab=readme-ov-file#readme",
    "github.com/owner/Some.name",
    "git@github.com:owner/Some.name.git",
    "git@github.com:/owner/Some.name",
    "ssh://git@github.com/owner/Some.name",
    "ssh://git@github.com:22/owner/Some.name.git",
    "ssh://git@ssh.github.com:443/owner/Some.name.git",
    "git+https://github.com/owner/Some.name.git",
    "git://github.com/owner/Some.name.git",
    "  https://github.com/owner/Some.name \n",
]


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_an_address_may_be_spelt_as_git_takes_it(tool, spelling):
    assert tool.github_address(spelling) == "https://github.com/owner/Some.name"


OTHER_HOSTS = [
    "https://gitlab.com/owner/name",
    "https://bitbucket.org/owner/name.git",
    "git@codeberg.org:owner/name.git",
    "https://github.com.example.org/owner/name",
    "https://example.org/github.com/owner/name",
    "https://github.com@example.org/owner/name",
    "https://notgithub.com/owner/name",
    "https://owner.github.io/name",
    "https://gist.github.com/owner/0123456789",
    "../somewhere/else",
    "owner/name",
]
NO_REPOSITORY = [
    "https://github.com",
    "https://github.com/",
    "https://github.com/owner",
    "https://github.com/owner/",
    "https://github.com/owner/.git",
    "https://github.com/owner/..",
    "https://github.com//name",
    "https://github.com/owner/name/tree/main",
    "https://github.com/owner/na me",
    "git@github.com:name.git",
]
ENTRIES = {
    **{f"Repository = '{address}'": "Colab opens" for address in OTHER_HOSTS},
    **{f"Repository = '{address}'": "an owner and" for address in NO_REPOSITORY},
    "": "it has none",
    "Repository = ''": "it has none",
    "Repository = ' '": "it has none",
    "Source = 'https://github.com/owner/name'": "its entries: Source",
    "Homepage = 'https://owner.org'": "its entries: Homepage",
}


@pytest.fixture
def fork(tool, tmp_path, monkeypatch):
    """A repository of a README and two lessons, whose entry of an address one gives."""
    for name in ("01_elbo", "solutions/01_elbo"):
        for path in (f"scripts/{name}.py", f"{name}.ipynb"):
            (tmp_path / "notebooks" / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(NOTEBOOKS / path, tmp_path / "notebooks" / path)
    shutil.copy(ROOT / "README.md", tmp_path)
    shutil.copy(ROOT / "jupytext.toml", tmp_path)
    monkeypatch.setattr(tool, "ROOT", tmp_path)

    def write_and_run(entry, *words):
        project = f"[project]\nversion = '9.9'\n[project.urls]\n{entry}\n"
        (tmp_path / "pyproject.toml").write_text(project)
        monkeypatch.setattr(sys, "argv", ["addresses.py", *words])
        tool.main()

    write_and_run.folder = tmp_path
    return write_and_run


def contents(folder):
    paths = [path for path in folder.rglob("*.*") if path.is_file()]
    return {p: p.read_text(encoding="utf-8") for p in paths if p.suffix != ".toml"}


@pytest.mark.parametrize("entry, reason", ENTRIES.items(), ids=ENTRIES)
def test_an_address_that_colab_cannot_open_is_refused(fork, entry, reason):
    before = contents(fork.folder)
    for words in ([], ["--check"]):
        with pytest.raises(SystemExit, match=reason) as caught:
            fork(entry, *words)
        assert "`Repository = " in caught.value.code
        assert "[project.urls]" in caught.value.code
    assert contents(fork.folder) == before


def test_a_pyproject_that_cannot_be_read_is_named(fork):
    with pytest.raises(SystemExit, match="pyproject.toml cannot be read"):
        fork("Repository = ")


@pytest.mark.parametrize("label", ["Repository", "repository", "REPOSITORY"])
def test_however_it_is_spelt_the_links_have_the_plain_address(fork, label):
    fork(f"{label} = 'git@github.com:owner/name.git'")
    after = contents(fork.folder)
    assert len(after) == 5
    for path, text in after.items():
        assert "github/owner/name/blob/v9.9/notebooks/" in text, path
        assert "gh/owner/name/v9.9?urlpath" in text, path
        assert "git@" not in text
        if path.suffix == ".py":
            assert '"https://github.com/owner/name", "v9.9"' in text
    with pytest.raises(SystemExit) as caught:
        fork("Repository = 'https://github.com/owner/name'", "--check")
    assert not caught.value.code


@pytest.mark.parametrize(
    "name, form", [("01_elbo.ipynb", "ipynb"), ("scripts/01_elbo.py", "py:percent")]
)
def test_a_first_cell_that_was_missing_is_folded(fork, name, form):
    path = fork.folder / "notebooks" / name
    notebook = read(path)
    notebook.cells = [cell for cell in notebook.cells if "colab" not in tags(cell)]
    jupytext.write(notebook, path, fmt=form)
    fork("Repository = 'https://github.com/owner/name'")
    (cell,) = [cell for cell in read(path).cells if "colab" in tags(cell)]
    assert is_folded(cell)
    assert cell.metadata.get("cellView") == ("form" if form == "ipynb" else None)
