"""Execute lessons and save them: notebooks/scripts/*.py to notebooks/*.ipynb.

    python tools/build/notebooks.py            all lessons
    python tools/build/notebooks.py 03         those whose names begin so
    python tools/build/notebooks.py solutions/03   the same in a folder
    python tools/build/notebooks.py --measure  and record minutes and memory

Each runs from top to bottom in a fresh kernel. What would differ from run to run (time
stamps, random cell ids, kernel versions) is left out and a file is written only when it
changed, so that a second build gives no difference. What a script folds is folded on
Colab, too.
"""

import argparse
import json
import os
import sys
import threading
import time
from pathlib import Path

import nbformat
import psutil
from cells import fold_on_colab
from course_files import SCRIPTS, course_files, notebook_of, read
from nbclient import NotebookClient
from nbformat import NotebookNode
from pictures import lighten

from course_utils.records import RESULTS
from course_utils.records.files import replacing

ROOT = Path(__file__).parents[2]
NOTEBOOKS = ROOT / "notebooks"
RECORD = RESULTS / "lessons.json"
KEPT_METADATA = ("kernelspec",)


class PeakMemory(threading.Thread):
    """Watches the resident memory of this process's children, the kernels."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.peak = 0
        self.stopped = threading.Event()

    def run(self) -> None:
        """Look ten times a second until `stopped` is set."""
        while not self.stopped.wait(0.1):
            total = 0
            for child in psutil.Process().children(recursive=True):
                try:
                    total += child.memory_info().rss
                except psutil.Error:
                    continue
            self.peak = max(self.peak, total)


def execute(script: Path) -> tuple[NotebookNode, dict[str, float]]:
    """The executed notebook of a script, and its minutes and peak memory in MiB."""
    notebook = read(script)
    client = NotebookClient(
        notebook,
        timeout=None,
        kernel_name="python3",
        resources={"metadata": {"path": str(NOTEBOOKS)}},
        record_timing=False,
        coalesce_streams=True,
    )
    memory = PeakMemory()
    memory.start()
    start = time.perf_counter()
    client.execute()
    minutes = (time.perf_counter() - start) / 60
    memory.stopped.set()
    cost = {"minutes": round(minutes, 1), "memory_mib": round(memory.peak / 2**20)}
    return notebook, cost


def settle(notebook: NotebookNode, name: str) -> None:
    """Drop what differs from run to run, fold, lighten; refuse what must not stay."""
    notebook.metadata = {k: notebook.metadata[k] for k in KEPT_METADATA}
    for position, cell in enumerate(notebook.cells):
        cell.id = f"{name}-{position:03d}"
        cell.metadata.pop("lines_to_next_cell", None)
        fold_on_colab(cell)
        lighten(cell)
        for output in cell.get("outputs", []):
            if output.get("name") == "stderr":
                raise SystemExit(f"{cell.id} wrote to stderr:\n{output.text}")
            if "application/vnd.jupyter.widget-view+json" in output.get("data", {}):
                raise SystemExit(f"{cell.id} would save a live widget.")


def save(notebook: NotebookNode, path: Path) -> bool:
    """Write the notebook if it differs from what is there; say whether it did."""
    text = nbformat.writes(notebook, version=4) + "\n"
    if path.exists() and path.read_text("utf-8", errors="replace") == text:
        return False
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return True


def build(script: Path) -> dict[str, float]:
    """Execute one script, save its notebook, and return what that cost."""
    path = notebook_of(script)
    notebook, cost = execute(script)
    settle(notebook, path.stem)
    changed = "written" if save(notebook, path) else "unchanged"
    print(f"{path.relative_to(NOTEBOOKS)}: {cost}, {changed}", flush=True)
    return cost


def chosen_scripts(names: tuple[str, ...]) -> list[Path]:
    """Scripts whose names begin so, all if no name is given; each can be read.

    Raises:
        ValueError: one cannot be read, or none has such a name.
    """
    scripts = course_files(SCRIPTS, ".py")
    chosen = [
        script
        for script in scripts
        if not names
        or script.name.startswith(names)
        or script.relative_to(SCRIPTS).as_posix().startswith(names)
    ]
    if not chosen:
        raise ValueError("No script of the course begins so; `git add` a new one.")
    for script in chosen:
        read(script)
    return chosen


def main() -> None:
    """Build what the command line names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="how names begin; all if none")
    parser.add_argument("--measure", action="store_true", help=f"write {RECORD.name}")
    chosen = parser.parse_args()
    os.environ["COURSE_STATIC"] = "1"
    record = json.loads(RECORD.read_text()) if RECORD.exists() else {}
    try:
        scripts = chosen_scripts(tuple(chosen.names))
    except ValueError as error:
        sys.exit(str(error))
    for script in scripts:
        cost = build(script)
        if script.parent.name == "scripts":  # a lesson, not a solution of that name
            record[script.stem] = cost
    if chosen.measure:
        with replacing(RECORD) as temporary:
            temporary.write_text(json.dumps(record, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
