"""Start the server of a student: copy the course, limit memory, become the server.

    python hub/student.py GIB [what jupyterhub-singleuser is told]

JupyterHub runs it as the student, in the student's home. It copies what is not there,
and never replaces a file: a student who wants a notebook anew renames the old one and
starts the server again. Solutions are left out.
"""

import os
import resource
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp

NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks"
FOLDERS = (".", "exercises", "projects", "deeper")
COURSE = "course"  # in the student's home
SPARE = 1.0  # GiB that libraries ask for and do not use, as in the grader's sandbox


def notebooks(source: Path) -> Iterator[Path]:
    """What students get, by its path from `source`; nobody's own answers."""
    for folder in FOLDERS:
        for path in sorted((source / folder).glob("*.ipynb")):
            if "-mine" not in path.stem:
                yield path.relative_to(source)


def copy_course(source: Path, target: Path) -> list[Path]:
    """Copy the notebooks that `target` lacks; their paths from there.

    A copy is whole or is not there, and takes no name that is taken.
    """
    copied = []
    target.mkdir(exist_ok=True)
    for name in notebooks(source):
        (target / name).parent.mkdir(exist_ok=True)
        if not os.path.lexists(target / name):
            place(source / name, target / name)
            copied.append(name)
    return copied


def place(source: Path, target: Path) -> None:
    """Copy a file to where none is."""
    with TemporaryDirectory(dir=target.parent, prefix=".copy-") as folder:
        whole = shutil.copyfile(source, Path(folder) / target.name)
        os.link(whole, target)  # which, unlike a renaming, replaces nothing


def limit_memory(gib: float) -> None:
    """Each process from here on has at most so much memory of its own (Linux).

    What is counted are private pages that can be written (RLIMIT_DATA). Each process
    has this limit for itself; all of a student together may take more.
    """
    most = int((gib + SPARE) * 2**30)
    resource.setrlimit(resource.RLIMIT_DATA, (most, most))


def main() -> None:
    """Prepare, then become the server."""
    memory, arguments = float(sys.argv[1]), sys.argv[2:]
    copy_course(NOTEBOOKS, Path.cwd() / COURSE)
    # where kernels listen: a home's path may be too long for a socket, this one is not
    os.environ["JUPYTER_RUNTIME_DIR"] = mkdtemp(prefix="class-")
    limit_memory(memory)
    server = Path(sys.executable).with_name("jupyterhub-singleuser")
    os.execv(server, [str(server), *arguments])


if __name__ == "__main__":
    main()
