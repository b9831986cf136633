"""What the course's own solutions of the projects reach.

    python tools/measure/projects.py b    five games of 10,000 steps (five minutes)
    python tools/measure/projects.py c    an audit of 140 analyses (seconds)

They are read from notebooks/scripts/solutions/projects/, so that what is measured is
what ships. The seeds were not looked at before, and none is left out.
"""

import argparse
import ast
import json
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import jupytext
import numpy as np
import torch
from timing import save_record, timed

from course_utils.checks.projects import b_25_modes, c_anomaly
from course_utils.records import RESULTS

ROOT = Path(__file__).parents[2]
SOLUTIONS = ROOT / "notebooks" / "scripts" / "solutions" / "projects"
KEPT = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef)
GAMES, AUDITS = range(300, 305), range(1_000, 1_020)


def solution_of(name: str) -> dict[str, Any]:
    """What the solution of a project imports and defines, by name."""
    cells = jupytext.read(SOLUTIONS / f"{name}.py").cells
    code = "\n".join(cell.source for cell in cells if cell.cell_type == "code")
    tree = ast.parse(code)
    tree.body = [node for node in tree.body if isinstance(node, KEPT)]
    names: dict[str, Any] = {}
    exec(compile(tree, name, "exec"), names)
    return names


def play(seed: int, steps: int = b_25_modes.STEPS) -> dict[str, float]:
    """One game of project b's solution, on a grid of its own."""
    x, z, _, back = b_25_modes.task(np.random.default_rng(seed))
    train = partial(solution_of("b_25_modes")["train"], x, z, steps, seed)
    done = timed(train, time.process_time)
    samples = back(np.asarray(done.result, float))[: b_25_modes.SAMPLES]
    scores = b_25_modes.scores(samples)._asdict()
    rounded = {name: round(value, 5) for name, value in scores.items()}
    return rounded | {"cpu_seconds": round(done.seconds, 1)}


def measure_b() -> None:
    """The games that are not recorded yet."""
    path = RESULTS / "project_b.json"
    record: dict[str, Any] = {
        "steps": b_25_modes.STEPS,
        "samples": b_25_modes.SAMPLES,
        "seeds": f"{GAMES[0]} to {GAMES[-1]}; not looked at before, none left out",
        "machine": "one CPU core, shared",
        "torch": torch.__version__,
        "games": {},
    }
    if path.exists():
        record = json.loads(path.read_text())
    for seed in GAMES:
        if str(seed) in record["games"]:
            continue
        record["games"][str(seed)] = game = play(seed)
        print(seed, game, flush=True)
        save_record(path, record)


def audited(fault: str, audit: Any) -> dict[str, float]:
    """How many analyses with a fault are named, and how far off efficiencies are."""
    named, pulls, quoted = 0, [], []
    for seed in AUDITS:
        analysis, truth = c_anomaly.planted(fault, seed)
        name, efficiency, error = audit(analysis)
        named += name == fault
        pulls.append((efficiency - truth) / error)
        quoted.append(analysis.efficiency - truth)
    return {
        "analyses": len(pulls),
        "named": named,
        "pulls_rms": round(float(np.sqrt(np.mean(np.square(pulls)))), 2),
        "quoted_mean_shift": round(float(np.mean(quoted)), 3),
        "quoted_sd": round(float(np.std(quoted, ddof=1)), 3),
    }


def measure_c(faults: Sequence[str] = tuple(c_anomaly.FAULTS)) -> None:
    """The audit of the solution, on analyses with each of these faults."""
    path = RESULTS / "project_c.json"
    record: dict[str, Any] = {
        "seeds": f"{AUDITS[0]} to {AUDITS[-1]}, the same for each fault; not looked at "
        "before, none left out",
        "faults": {},
    }
    if path.exists():
        record = json.loads(path.read_text())
    audit = solution_of("c_anomaly")["audit"]
    for fault in faults:
        record["faults"][fault] = found = audited(fault, audit)
        print(fault, found, flush=True)
        save_record(path, record)


def main() -> None:
    """Measure one project."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("project", choices=["b", "c"])
    torch.set_num_threads(1)
    {"b": measure_b, "c": measure_c}[parser.parse_args().project]()


if __name__ == "__main__":
    main()
