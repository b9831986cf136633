"""What the course's own solutions of the projects reach.

    python tools/measure/projects.py a    three trainings, and three without each trick
    python tools/measure/projects.py b    five games of 10,000 steps (five minutes)
    python tools/measure/projects.py c    an audit of 140 analyses (seconds)
    COURSE_DATA_DIR=... python tools/measure/projects.py d    (ten minutes)

They are read from notebooks/scripts/solutions/projects/, so that what is measured is
what ships. The seeds were not looked at before, and none is left out.
"""

import argparse
import ast
import itertools
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

from course_utils.checks.projects import a_best_bound, b_25_modes, c_anomaly
from course_utils.data.mnist import load_mnist
from course_utils.exact.boltzmann import BoltzmannMachine
from course_utils.metrics.bounds import Estimate
from course_utils.records import RESULTS

ROOT = Path(__file__).parents[2]
SOLUTIONS = ROOT / "notebooks" / "scripts" / "solutions" / "projects"
KEPT = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef)
GAMES, AUDITS = range(300, 305), range(1_000, 1_020)
TRAININGS, MACHINES = range(400, 403), range(500, 503)
UNSEEN = "not looked at before, none left out"
STEPS, EPOCHS = 4_000, 50
TRICKS = {  # what `trained` of project a's solution is told, by what is taken away
    "the whole recipe": {"steps": STEPS},
    "one latent point, twice the steps": {"points": 1, "steps": 2 * STEPS},
    "digits drawn once": {"draws_anew": False, "steps": STEPS},
    "constant steps": {"falls": False, "steps": STEPS},
    "plain": {"points": 1, "draws_anew": False, "falls": False, "steps": 1_560},
}


def solution_of(name: str) -> dict[str, Any]:
    """What the solution of a project imports and defines, by name."""
    cells = jupytext.read(SOLUTIONS / f"{name}.py").cells
    code = "\n".join(cell.source for cell in cells if cell.cell_type == "code")
    tree = ast.parse(code)
    tree.body = [node for node in tree.body if isinstance(node, KEPT)]
    names: dict[str, Any] = {}
    exec(compile(tree, name, "exec"), names)
    return names


def held_out_bound(solution: dict[str, Any], seed: int, settings: Any) -> Any:
    """L_500 of new digits after one training of project a's solution."""
    x = np.random.default_rng(seed).permutation(a_best_bound.grey_digits())
    new, old = np.split(x, [a_best_bound.HELD_OUT])
    done = timed(partial(solution["trained"], old, seed, **settings), time.process_time)
    generator = torch.Generator().manual_seed(seed)
    pixels = torch.bernoulli(torch.from_numpy(new), generator=generator)
    reached = a_best_bound.bounds(done.result, done.result, pixels, generator)
    return {**estimated(reached), "cpu_seconds": round(done.seconds, 1)}


def estimated(values: Any) -> dict[str, float]:
    """A mean over digits and its error."""
    estimate = Estimate.of(values)
    return {
        "nats": round(estimate.mean, 3),
        "error_of_digits": round(estimate.standard_error, 3),
    }


def measure_a() -> None:
    """The trainings that are not recorded yet, the whole recipe and without a trick."""
    path, solution = RESULTS / "project_a.json", solution_of("a_best_bound")
    record = {
        "seeds": f"{TRAININGS[0]} to {TRAININGS[-1]}, of the split, too; {UNSEEN}",
        "machine": "one CPU core, shared",
        "torch": torch.__version__,
        "trainings": {name: {} for name in TRICKS},
    }
    if path.exists():
        record = json.loads(path.read_text())
    for seed, name in itertools.product(map(str, TRAININGS), TRICKS):
        if seed in record["trainings"][name]:
            continue
        one = held_out_bound(solution, int(seed), TRICKS[name])
        record["trainings"][name][seed] = one
        print(name, seed, one, flush=True)
        save_record(path, record)


def black_and_white(split: str) -> Any:
    """All of MNIST as the judge of project d sees the shipped digits: (n, 784)."""
    x = load_mnist(split, source="full").x
    return (x.reshape(len(x), -1) >= 0.5).astype(float)


def machine_of(trained: Any, seed: int, is_centred: bool, is_flipped: bool) -> Any:
    """What one training of project d's solution comes to on all digits."""
    x, new = (abs(black_and_white(split) - is_flipped) for split in ("train", "test"))
    done = timed(partial(trained, x, seed, is_centred, EPOCHS), time.process_time)
    reached = BoltzmannMachine(*done.result).log_prob(new)
    return {**estimated(reached), "cpu_seconds": round(done.seconds, 1)}


def measure_d() -> None:
    """The machines on all digits that are not recorded yet."""
    path, trained = RESULTS / "project_d.json", solution_of("d_boltzmann")["trained"]
    record = {
        "data": "60,000 and 10,000 digits, pixels of at least 0.5 are 1",
        "epochs": EPOCHS,
        "seeds": f"{MACHINES[0]} to {MACHINES[-1]}; {UNSEEN}",
        "machine": "one CPU core, shared",
        "machines": {},
    }
    if path.exists():
        record = json.loads(path.read_text())
    for seed in MACHINES:
        for is_centred, is_flipped in itertools.product((False, True), repeat=2):
            name = "centred" if is_centred else "plain"
            name += ", flipped" if is_flipped else ""
            machines = record["machines"].setdefault(name, {})
            if str(seed) in machines:
                continue
            machines[str(seed)] = machine_of(trained, seed, is_centred, is_flipped)
            print(name, seed, machines[str(seed)], flush=True)
            save_record(path, record)


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
        "seeds": f"{GAMES[0]} to {GAMES[-1]}; {UNSEEN}",
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
        "seeds": f"{AUDITS[0]} to {AUDITS[-1]}, the same for each fault; {UNSEEN}",
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
    parser.add_argument("project", choices=["a", "b", "c", "d"])
    torch.set_num_threads(1)
    {"a": measure_a, "b": measure_b, "c": measure_c, "d": measure_d}[
        parser.parse_args().project
    ]()


if __name__ == "__main__":
    main()
