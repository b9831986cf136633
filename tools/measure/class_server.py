"""How long does a class wait at one server? Students at once, against one alone.

    python tools/measure/class_server.py [--students 8] [--budget smoke] [--save]

Starts the class server of `hub/` for pretended students (`hub/README.md` says what has
to be installed), lets each start a server and a kernel, and sends the lessons' cells
through the proxy, as a browser would. All begin a lesson together. One student alone
does the same before and after. With more students than cores nobody should wait longer
than the cores explain, times `PROMISE`. Let nothing else run meanwhile.
"""

import argparse
import asyncio
import json
import os
import secrets
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import nbformat
import psutil
from timing import machine, save_record
from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest
from tornado.websocket import WebSocketClientConnection, websocket_connect

from course_utils.budget import LEVELS
from course_utils.records import RESULTS

ROOT = Path(__file__).parents[2]
RECORD = RESULTS / "class_server.json"
LESSONS = ("03_vae_pytorch", "08_dcgan_keras")
PORT = 18_000
PROMISE = 1.2
AROUND = ("before", "after")  # runs of one alone
PATIENCE = 180  # seconds for a server to start
LAST_WORDS = 4_000  # letters of the hub's log, if something fails
LARGEST = 100 << 20  # bytes of a message, with its pictures
CONFIG = """
load_subconfig({config!r})
c.JupyterHub.log_level = "WARN"
c.Spawner.environment["COURSE_BUDGET"] = {budget!r}
c.JupyterHub.services.append({{"name": "class", "api_token": {token!r}}})
scopes = ["admin:users", "admin:servers", "access:servers"]
role = {{"name": "class", "scopes": scopes, "services": ["class"]}}
c.JupyterHub.load_roles.append(role)
"""


@dataclass
class Class:
    """How to reach the server, and who is there."""

    address: str
    token: str

    async def ask(self, method: str, path: str, body: Any = None) -> Any:
        """One request; what its answer holds."""
        request = HTTPRequest(
            self.address + path,
            method=method,
            headers={"Authorization": f"token {self.token}"},
            body=None if method == "GET" else json.dumps(body) if body else "",
            allow_nonstandard_methods=True,
            request_timeout=PATIENCE,
        )
        answer = await AsyncHTTPClient().fetch(request)
        return json.loads(answer.body) if answer.body else None

    async def start_server(self, student: str) -> float:
        """Seconds until a student's server answers."""
        begin = time.monotonic()
        await self.ask("POST", f"/hub/api/users/{student}")
        await self.ask("POST", f"/hub/api/users/{student}/server")
        while time.monotonic() < begin + PATIENCE:
            user = await self.ask("GET", f"/hub/api/users/{student}")
            server = user["servers"].get("", {})
            if server.get("ready"):
                return time.monotonic() - begin
            if not server.get("pending"):
                break
            await asyncio.sleep(0.5)
        raise RuntimeError(f"The server of {student} did not start.")

    async def stop_server(self, student: str) -> None:
        """Let a student go."""
        await self.ask("DELETE", f"/hub/api/users/{student}/server")

    async def run(self, student: str, cells: list[str]) -> tuple[float, float]:
        """Run cells in a kernel of their own: seconds, and its peak memory in MiB."""
        begin = time.monotonic()
        kernels = f"/user/{student}/api/kernels"
        made = await self.ask("POST", kernels, {"name": "python3", "path": "course"})
        kernel = f"{kernels}/{made['id']}"
        socket = await self.connect(f"{kernel}/channels")
        for number, cell in enumerate(cells):
            reply = await execute(socket, cell)
            if reply["status"] != "ok":
                words = f"{reply.get('ename')}: {reply.get('evalue')}"
                raise RuntimeError(f"{student}, code cell {number}: {words}")
        seconds = time.monotonic() - begin
        memory = await peak_memory(socket)
        socket.close()
        await self.ask("DELETE", kernel)
        return seconds, memory

    async def connect(self, path: str) -> WebSocketClientConnection:
        """A kernel's socket."""
        address = self.address.replace("http", "ws", 1) + path
        headers = {"Authorization": f"token {self.token}"}
        request = HTTPRequest(address, headers=headers)
        return await websocket_connect(request, max_message_size=LARGEST)


async def execute(
    socket: WebSocketClientConnection, code: str, **more: Any
) -> dict[str, Any]:
    """Run one cell; the kernel's reply, when all of its outputs have come, too."""
    name = secrets.token_hex(8)
    header = {"msg_id": name, "msg_type": "execute_request", "version": "5.3"}
    header |= {"username": "student", "session": "class", "date": ""}
    content = {"code": code, "silent": False, "allow_stdin": False} | more
    message = {"header": header, "parent_header": {}, "metadata": {}}
    message |= {"content": content, "channel": "shell", "buffers": []}
    await socket.write_message(json.dumps(message))
    reply, idle = None, False
    while reply is None or not idle:
        text = await socket.read_message()
        if text is None:
            raise ConnectionError("The kernel's socket was closed.")
        if isinstance(text, bytes):  # a widget's numbers
            continue
        came = json.loads(text)
        if came["parent_header"].get("msg_id") != name:
            continue
        if came["msg_type"] == "execute_reply":
            reply = came["content"]
        elif came["msg_type"] == "status":
            idle = came["content"]["execution_state"] == "idle"
    return reply


async def peak_memory(socket: WebSocketClientConnection) -> float:
    """The most that a kernel's process ever held, in MiB, as Linux counted it."""
    ask = {"kib": "open('/proc/self/status').read().split('VmHWM:')[1].split()[0]"}
    reply = await execute(socket, "", silent=True, user_expressions=ask)
    text = reply["user_expressions"]["kib"]["data"]["text/plain"]
    return int(text.strip("'")) / 1024


@dataclass
class Use:
    """The least memory that the machine had left, looked at now and then."""

    first: int = field(default_factory=lambda: psutil.virtual_memory().available)
    least: int = sys.maxsize

    async def watch(self) -> None:
        """Look until cancelled."""
        while True:
            self.least = min(self.least, psutil.virtual_memory().available)
            await asyncio.sleep(0.5)

    @property
    def gib(self) -> float:
        """What was taken at the most."""
        return round((self.first - self.least) / 2**30, 2)


async def attend(
    server: Class, students: list[str], lessons: dict[str, list[str]]
) -> dict[str, Any]:
    """Students come at once, and begin each lesson at once; what it took."""
    use = Use()
    watching = asyncio.create_task(use.watch())
    starts = await asyncio.gather(*map(server.start_server, students))
    took = {}
    for name, cells in lessons.items():
        print(f"{name}: {len(students)} at once", flush=True)
        runs = await asyncio.gather(*(server.run(who, cells) for who in students))
        took[name] = {
            "seconds": sorted(round(seconds, 1) for seconds, _ in runs),
            "memory_mib": round(max(memory for _, memory in runs)),
        }
    await asyncio.gather(*map(server.stop_server, students))
    watching.cancel()
    longest = round(max(starts), 1)
    return {"server_seconds": longest, "lessons": took, "machine_gib": use.gib}


@asynccontextmanager
async def class_server(budget: str, folder: Path) -> AsyncIterator[Class]:
    """The server, while it is needed; `folder` gets homes, its log, what it keeps."""
    token = secrets.token_hex(16)
    config = folder / "config.py"
    original = str(ROOT / "hub" / "jupyterhub_config.py")
    config.write_text(CONFIG.format(config=original, budget=budget, token=token))
    config.chmod(0o600)
    env = os.environ | {"CLASS_USERS": "pretend", "CLASS_PORT": str(PORT)}
    env["CLASS_STATE"] = str(folder / "state")
    command = [str(Path(sys.executable).with_name("jupyterhub")), "-f", str(config)]
    with (folder / "log").open("w") as log:
        hub = subprocess.Popen(
            command, env=env, cwd=folder, stdout=log, stderr=subprocess.STDOUT
        )
        try:
            server = Class(f"http://127.0.0.1:{PORT}", token)
            await answers(server, hub)
            yield server
        except Exception as error:
            error.add_note((folder / "log").read_text()[-LAST_WORDS:])
            raise
        finally:
            hub.terminate()
            hub.wait()


async def answers(server: Class, hub: subprocess.Popen) -> None:
    """Wait until the hub answers through its proxy."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and hub.poll() is None:
        try:
            await server.ask("GET", "/hub/api/users")
        except (OSError, HTTPClientError):
            await asyncio.sleep(0.5)
        else:
            return
    raise RuntimeError("The hub did not start. Its last words:")


async def measured(
    students: int, budget: str, lessons: dict[str, list[str]]
) -> dict[str, Any]:
    """One alone, all together, one alone once more."""
    names = [f"student{number:02d}" for number in range(1, students + 1)]
    with TemporaryDirectory(prefix="class-") as folder:
        async with class_server(budget, Path(folder)) as server:
            return {
                "before": await attend(server, ["before"], lessons),
                "together": await attend(server, names, lessons),
                "after": await attend(server, ["after"], lessons),
            }


def judged(runs: dict[str, Any], students: int, cores: int) -> dict[str, Any]:
    """How much longer than alone the last one waited, and what the cores explain.

    Of the two times alone the shorter one counts.
    """
    fair = max(1.0, students / cores)
    times_alone = {}
    for name, took in runs["together"]["lessons"].items():
        alone = [runs[when]["lessons"][name]["seconds"][0] for when in AROUND]
        times_alone[name] = round(max(took["seconds"]) / min(alone), 2)
    return {
        "longest_over_alone": times_alone,
        "explained_by_cores": fair,
        "promise": PROMISE,
        "kept": all(times <= PROMISE * fair for times in times_alone.values()),
    }


def code_cells(path: Path) -> list[str]:
    """What is to be run of a notebook."""
    cells = nbformat.read(path, as_version=4).cells
    return [cell.source for cell in cells if cell.cell_type == "code"]


def main() -> None:
    """Measure, print, and save if asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--students", type=int, default=8)
    parser.add_argument("--budget", choices=LEVELS, default="lecture")
    standing = [ROOT / "notebooks" / f"{name}.ipynb" for name in LESSONS]
    parser.add_argument("--notebooks", type=Path, nargs="+", default=standing)
    parser.add_argument("--save", action="store_true", help=f"to {RECORD.name}")
    wanted = parser.parse_args()
    lessons = {path.stem: code_cells(path) for path in wanted.notebooks}
    runs = asyncio.run(measured(wanted.students, wanted.budget, lessons))
    record = {
        "what": "lessons run by students at once on one server, and by one alone; each "
        "kernel has one thread",
        "students": wanted.students,
        "budget": wanted.budget,
        "machine": machine(),
        "runs": runs,
        **judged(runs, wanted.students, os.cpu_count() or 1),
    }
    print(json.dumps(record, indent=1))
    if wanted.save:
        save_record(RECORD, record)


if __name__ == "__main__":
    main()
