"""Files written so that a reader never finds half of one, and files that are held."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4


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
    from filelock import FileLock

    # open to all who share the folder; no substitute that would outlive its process
    lock = FileLock(path, mode=0o666, fallback_to_soft=False)
    try:
        lock.acquire(timeout=0)
        held = True
    except TimeoutError:
        raise
    except (OSError, NotImplementedError):
        held = False
    try:
        yield held
    finally:
        if held:
            with suppress(
                OSError
            ):  # Windows keeps what is open; there filelock does it
                Path(path).unlink()
            lock.release()
