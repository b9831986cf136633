"""Walls around a process that runs what a student wrote, where the system has them.

    python course_utils/checks/sandbox.py FOLDER GIB SECONDS inside|outside COMMAND...

Linux gives two things to everybody. Namespaces (`unshare`) hide other processes and the
network, and when the first process of one ends, so do all others. Landlock keeps who
went through it, and all that he starts, from files. Neither needs a privilege; either
may be switched off. Other systems have none of this.
"""

import ctypes
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

UNSHARE = ["unshare", "--user", "--map-root-user", "--mount", "--mount-proc"]
UNSHARE += ["--net", "--ipc", "--pid", "--fork", "--kill-child"]
SPARE = 1.0  # GiB that libraries ask for and do not use; TensorFlow, 0.3
FILE = 1 << 30  # bytes, the largest file
THREADS = 1_000  # of all processes; where root grades, he is not held to it
FOLDER = b"size=512m,mode=700"  # where files may be written, in memory
# The same numbers on all of Linux's processors.
MOUNT_SETATTR, LANDLOCK_CREATE, LANDLOCK_ADD, LANDLOCK_ENTER = 442, 444, 445, 446
READ_ONLY, RECURSIVE, HERE = 1, 0x8000, -100
NO_NEW_PRIVILEGES, PARENT_ENDS, ADOPT = 38, 1, 36
SECURE_BITS, ROOT_IS_NOBODY = 28, 0b11  # and it stays so
VERSION = 1  # a flag that asks for it
# Kinds of access, bit by bit from the right: to run, to write, to read, to list.
READING, LISTING = 0b1101, 0b1000
ON_FILES = 0b1100_0000_0000_0111  # what there is for them; the others are for folders
ACCESSES = {3: 15, 4: 15, 5: 16}  # how many kinds Landlock's versions know
BOTH = 3  # ways of TCP, or of reaching other processes
DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")
SHARED = "/dev/shm"  # memory, for Python's own processes
SOCKETS = ("/run", "/tmp")  # of others' programs, which do what they are told
SYSTEM = ("/usr", "/bin", "/lib", "/lib64", "/etc", "/proc", "/sys", "/opt", "/nix")


class Ruleset(ctypes.Structure):
    """What Landlock is to forbid."""

    _fields_ = [(name, ctypes.c_uint64) for name in ("files", "network", "scopes")]


class Beneath(ctypes.Structure):
    """What it allows beneath a folder all the same."""

    _pack_ = 1
    _fields_ = [("access", ctypes.c_uint64), ("folder", ctypes.c_int32)]


class Mount(ctypes.Structure):
    """How mounts are to change."""

    _fields_ = [(name, ctypes.c_uint64) for name in ("set", "clear", "way", "users")]


@cache
def landlock() -> int:
    """The version of Landlock; 0 where there is none that keeps files whole."""
    if sys.platform != "linux":
        return 0
    version = ctypes.CDLL(None).syscall(LANDLOCK_CREATE, None, 0, VERSION)
    return max(version, 0) if version >= min(ACCESSES) else 0


@cache
def namespaces() -> bool:
    """Whether a process can have namespaces of its own here: it is tried."""
    if sys.platform != "linux" or shutil.which("unshare") is None:
        return False
    with TemporaryDirectory() as folder:
        trial = [*UNSHARE, *gate(Path(folder), 1.0, 10.0), "inside"]
        done = subprocess.run(
            [*trial, sys.executable, "-c", ""],
            stdin=subprocess.DEVNULL,
            capture_output=True,
        )
    return done.returncode == 0


def lacking() -> list[str]:
    """What this system does not keep a student's code from, in words."""
    gaps = []
    if not landlock():
        gaps.append("changing files of whoever grades (no Landlock)")
    if not namespaces():
        gaps.append("reaching the network, and changing modes of files (no namespaces)")
    if not namespaces() and landlock() < 6:
        gaps.append("ending other processes of whoever grades")
    return gaps


def walled(folder: Path, memory: float, seconds: float, command: list[str]) -> list:
    """A command that runs another one within all walls that there are.

    Args:
        folder: the only one that may be written to.
        memory: in GiB; a process that wants far more gets none.
        seconds: of the processor's time, for one process.
        command: to run.
    """
    if sys.platform == "win32":
        return command
    way = gate(folder, memory, seconds)
    if namespaces():
        return [*UNSHARE, *way, "inside", *command]
    return [*way, "outside", *command]


def gate(folder: Path, memory: float, seconds: float) -> list[str]:
    """This program, with all arguments but where it is and what it becomes."""
    program = [sys.executable, "-P", __file__]
    return [*program, str(folder), str(memory), str(seconds)]


def readable() -> dict[str, int]:
    """How Python, its libraries and the course are to be read, by their places.

    Of a checkout that is the package: solutions and tests are nothing for students.
    """
    package = Path(__file__).parents[1]
    places = [*SYSTEM, *DEVICES, sys.prefix, sys.base_prefix, *sys.path, str(package)]
    allowed = {place: READING for place in places if place and Path(place).exists()}
    checkout = package.parent
    if (checkout / "pyproject.toml").exists():
        allowed[str(checkout)] = LISTING
    return allowed


def shut_in(folders: Iterable[str]) -> None:
    """Let Landlock keep this process to some folders, and to reading.

    Raises:
        OSError: it does not.
    """
    libc, version = ctypes.CDLL(None, use_errno=True), landlock()
    known = (1 << ACCESSES.get(version, max(ACCESSES.values()))) - 1
    rules = Ruleset(known, BOTH * (version >= 4), BOTH * (version >= 6))
    size = 8 * (1 + (version >= 4) + (version >= 6))
    handle = _done(libc.syscall(LANDLOCK_CREATE, ctypes.byref(rules), size, 0))
    allowed = readable() | dict.fromkeys(["/dev/null", *folders], known)
    for place, access in allowed.items():
        access &= known if Path(place).is_dir() else known & ON_FILES
        opened = os.open(place, os.O_PATH)
        rule = Beneath(access, opened)
        _done(libc.syscall(LANDLOCK_ADD, handle, 1, ctypes.byref(rule), 0))
        os.close(opened)
    _done(libc.prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0))
    _done(libc.syscall(LANDLOCK_ENTER, handle, 0))


def freeze_mounts(folders: Iterable[str]) -> None:
    """Nothing on the disk can be changed any more; some folders lie in memory.

    Raises:
        OSError: this process has no mounts of its own.
    """
    libc, change = ctypes.CDLL(None, use_errno=True), Mount(set=READ_ONLY)
    size = ctypes.sizeof(change)
    way = HERE, b"/", RECURSIVE, ctypes.byref(change), size
    _done(libc.syscall(MOUNT_SETATTR, *way))
    for folder in [*covered(), *folders]:
        os.makedirs(folder, exist_ok=True)
        _done(libc.mount(b"tmpfs", folder.encode(), b"tmpfs", 0, FOLDER))


def covered() -> list[str]:
    """Folders that become empty: no wall keeps who can name a socket from using it."""
    needed = [
        Path(place) for place in (sys.prefix, sys.base_prefix, *sys.path, __file__)
    ]
    places = [place for place in SOCKETS if Path(place).is_dir()]
    return [p for p in places if not any(one.is_relative_to(p) for one in needed)]


def give_up_powers() -> None:
    """Whoever is root among namespaces can undo much of them: from the next program on.

    Raises:
        OSError: it cannot be.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    _done(libc.prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0))
    _done(libc.prctl(SECURE_BITS, ROOT_IS_NOBODY, 0, 0, 0))


def _done(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def limit(memory: float, seconds: float, is_inside: bool) -> None:
    """Limits that the system itself holds each process to.

    Namespaces count their own threads; outside, all of the user's would count.
    """
    import resource

    limits = {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_CPU: int(seconds) + 1,
        resource.RLIMIT_DATA: int((memory + SPARE) * 2**30),
        resource.RLIMIT_FSIZE: FILE,
    }
    if is_inside:
        limits[resource.RLIMIT_NPROC] = THREADS
    for which, most in limits.items():
        resource.setrlimit(which, (most, most))


def end_with_parent() -> None:
    """Have this process killed when its parent ends."""
    ctypes.CDLL(None).prctl(PARENT_ENDS, signal.SIGKILL, 0, 0, 0)


def adopt_orphans() -> None:
    """Become the parent of all whose parents have ended, among one's descendants."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(ADOPT, 1, 0, 0, 0)


def main(folder: str, memory: str, seconds: str, where: str, *command: str) -> None:
    """Put up the walls, and become the command."""
    folders = [folder]
    if where == "inside":
        folders.append(SHARED)
        freeze_mounts(folders)
        give_up_powers()
    os.chdir(folder)
    limit(float(memory), float(seconds), where == "inside")
    if landlock():
        shut_in(folders)
    os.execv(command[0], command)


if __name__ == "__main__":
    main(*sys.argv[1:])
