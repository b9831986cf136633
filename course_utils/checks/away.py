"""The process in which a student's notebook runs, seen from outside.

It stands behind what walls there are (`sandbox`), talks through a pipe (`wire`), and is
looked at four times a second: how long it has been silent, and what all that it started
takes of memory and of the processor.
"""

import os
import pickle
import queue
import site
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

import psutil  # type: ignore[import-untyped]

from course_utils.checks import sandbox, wire
from course_utils.checks.check import Elsewhere
from course_utils.checks.seen import Seen

GRACE = 5.0  # seconds in which who is interrupted may come to an end
QUESTION = 150.0  # seconds for one; a check stops its answer after 120 at the latest
POLL = 0.25  # seconds from one look at it to the next
MOST = 100  # processes
LEAVE = 10.0  # seconds for killed processes to be gone
GIB = 2**30
ALONE = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "MKL", "OPENBLAS")}
ALONE |= {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}
QUIET = {"MPLBACKEND": "Agg", "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
COURSE = {"COURSE_STATIC": "1", "COURSE_OFFLINE": "1"}
PACKAGE = {"PYTHONPATH": str(Path(__file__).parents[2])}
KEPT = ("PATH", "LANG", "LC_ALL", "SYSTEMROOT", "LD_LIBRARY_PATH")


class Lost(BaseException):
    """A worker that is no use any more; the text says why.

    It passes whatever a check may catch.
    """


class TimeOver(Lost):
    """The time of the whole notebook is over."""


class Away(Elsewhere):
    """The process in which a notebook runs, seen from outside.

    Args:
        folder: the only one that it may write to.
        memory: in GiB, of all its processes.
        deadline: by the clock, for the whole notebook.
        seconds: of the processor's time.
    """

    def __init__(
        self, folder: Path, memory: float, deadline: float, seconds: float
    ) -> None:
        self._deadline, self._seconds, self._memory = deadline, seconds, memory
        self._looked = time.monotonic()
        program = [sys.executable, "-P", "-m", "course_utils.checks.worker"]
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(
            sandbox.walled(folder, memory, seconds, program),
            stdin=pipe,
            stdout=pipe,
            stderr=subprocess.DEVNULL,
            env=_surroundings(folder),
            cwd=folder,
            start_new_session=True,
            preexec_fn=sandbox.end_with_parent if sys.platform == "linux" else None,
        )
        assert self._process.stdin
        assert self._process.stdout
        self._pipe = self._process.stdin
        self._said: queue.Queue[bytes | None] = queue.Queue(maxsize=4)
        listener = threading.Thread(
            target=_listen, args=(self._process.stdout, self._said), daemon=True
        )
        listener.start()

    def tell(self, message: Any) -> None:
        """Send something.

        Raises:
            Lost: it has gone.
        """
        try:
            wire.write(self._pipe, pickle.dumps(message))
        except OSError:
            raise Lost("it ended its process") from None

    def hear(self, patience: float) -> dict[str, Any]:
        """What it says next.

        Args:
            patience: how many seconds it may be silent.

        Raises:
            Lost: it has gone, or went beyond a limit.
        """
        begin = time.monotonic()
        while True:
            if time.monotonic() - self._looked > POLL:
                self._look()
            with suppress(queue.Empty):
                message = self._said.get(timeout=POLL)
                if message is None:
                    raise Lost("it ended its process")
                return wire.parsed(message)
            if time.monotonic() - begin > patience:
                raise Lost(f"it could not be stopped within {patience:.0f} s")

    def _look(self) -> None:
        """Hold all processes to their limits.

        Raises:
            Lost: one of them is broken.
        """
        self._looked = time.monotonic()
        memory, work, family = 0, 0.0, _family()
        for process in family:
            with suppress(psutil.Error):
                memory += process.memory_info().rss
                work += sum(process.cpu_times()[:2])
        if memory > self._memory * GIB:
            raise Lost(f"it took more than {self._memory:g} GiB of memory")
        if len(family) > MOST:
            raise Lost(f"it started more than {MOST} processes")
        if self._looked > self._deadline or work > self._seconds:
            raise TimeOver(f"the notebook took longer than {self._seconds:.0f} s")

    def seen(self, name: str, root: int, place: int, noise: int | None) -> Seen:
        """As a check asks it."""
        return wire.unpacked_numbers(
            self._answer("numbers", "seen", root, place, noise)
        )

    def asked(self, words: str, arguments: tuple[Any, ...], seconds: float) -> Any:
        """As a check asks it."""
        return wire.unpacked(self._answer("value", "asked", words, arguments, seconds))

    def _answer(self, kind: str, *question: Any) -> Any:
        self.tell(question)
        said = self.hear(QUESTION)
        if "refusal" in said:
            raise wire.unpacked_refusal(said["refusal"])
        if kind not in said:
            raise Lost("it spoke out of turn")
        return said[kind]

    def stop(self) -> None:
        """End it and all that it started."""
        end = time.monotonic() + LEAVE
        while (family := _family()) and time.monotonic() < end:
            for process in family:
                with suppress(psutil.Error):
                    process.kill()
            psutil.wait_procs(family, timeout=POLL)
        with suppress(OSError):
            self._pipe.close()


def _listen(pipe: IO[bytes], said: "queue.Queue[bytes | None]") -> None:
    """Pass on what a worker says, and None in the end."""
    with suppress(EOFError, wire.Garbled, OSError):
        while True:
            said.put(wire.read(pipe))
    said.put(None)


def _family() -> list[psutil.Process]:
    """All descendants of this process, who adopts its orphans."""
    return psutil.Process().children(recursive=True)


def _surroundings(folder: Path) -> dict[str, str]:
    """Environment variables: none of whoever grades, but for a few."""
    # Packages that a user installed for himself are looked for at home.
    packages = PACKAGE | {"PYTHONUSERBASE": site.getuserbase()}
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    home = {name: str(folder) for name in ("HOME", "TMPDIR", "TEMP", "IPYTHONDIR")}
    return kept | home | packages | ALONE | QUIET | COURSE
