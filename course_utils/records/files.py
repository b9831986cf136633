"""Files written so that a reader never finds half of one, and files that are held."""

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO
from uuid import uuid4

# How Unix and Windows say that a file is held by somebody else.
HELD_BY_ANOTHER = {errno.EAGAIN, errno.EACCES, errno.EDEADLK, errno.EWOULDBLOCK}


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """A temporary path that becomes `path` when the block ends without an error.

    The temporary file lies in the folder of `path` (made if missing), so that the
    final rename is atomic; after an error it is removed and `path` is untouched.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{uuid4().hex}-{path.name}")
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def locked(path: str | Path) -> Iterator[bool]:
    """Inside, nobody else holds this file: no other process, and no other thread.

    The operating system holds it, so that a process that is killed lets it go. The file
    is made, and removed in the end; its folder must be there.

    Yields:
        True; or False where the file system cannot lock.

    Raises:
        TimeoutError: somebody else holds it.
    """
    path = Path(path)
    file = _held(path)
    try:
        yield file is not None
    finally:
        if file is not None:
            with suppress(OSError):  # Windows removes no file that is open
                path.unlink()
            file.close()


def _held(path: Path) -> IO | None:
    """The file, opened and held; None where the file system cannot lock."""
    while True:
        try:
            file = path.open("a")
        except OSError:
            return None
        try:
            _lock(file.fileno())
            if os.path.samestat(os.fstat(file.fileno()), path.stat()):
                return file
        except FileNotFoundError:
            pass
        except OSError as error:
            file.close()
            if error.errno in HELD_BY_ANOTHER:
                raise TimeoutError(f"Somebody else holds {path}.") from error
            return None
        file.close()  # who held it has removed it since: make a new one


def _lock(descriptor: int) -> None:
    """Let the operating system hold an open file for this process.

    Raises:
        OSError: somebody else holds it, or files cannot be held here.
    """
    if sys.platform == "win32":
        import msvcrt

        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
