"""Measure the patients of the bug clinic: healthy programs, sick ones and fakes.

    python tools/measure/clinic_bars.py [patient ...] [--seeds N]
    python tools/measure/clinic_bars.py --table

The programs stand in tests/checks/answers/bug_clinic.py, the limits in
course_utils/checks/bug_clinic.py. A seed draws the data and the seeds of all trainings;
seeds are 0, 1, 2 and so on, taken as they come. A run is recorded as soon as it is
done, and those that are in the record are not repeated; programs are known by name, so
take a row out of the record when you change one. The table stands beside the limits.
"""

import argparse
import importlib.util
import json
from collections.abc import Callable, Iterable
from itertools import product
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch
from timing import save_record

from course_utils.checks.bug_clinic import PATIENTS
from course_utils.checks.calls import Refusal
from course_utils.checks.examination import Ask
from course_utils.records import RESULTS

RECORD = RESULTS / "clinic_bars.json"
ANSWERS = Path(__file__).parents[2] / "tests" / "checks" / "answers" / "bug_clinic.py"
SECONDS = 60.0
WARDS = ("healthy", "sick", "fake")


def loaded_answers() -> ModuleType:
    """The module with all programs."""
    spec = importlib.util.spec_from_file_location("answers_bug_clinic", ANSWERS)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def programs(patient: str) -> dict[tuple[str, str], Callable]:
    """All programs of a patient, by ward and name."""
    module = loaded_answers()
    healthy = module.HEALTHY[patient]
    found = {("healthy", name): program for name, program in healthy.items()}
    for ward, answers in (("sick", module.SICK), ("fake", module.FAKE)):
        found |= {(ward, name): one for name, (one, _) in answers[patient].items()}
    return found


def run(patient: str, program: Callable, seed: int) -> dict[str, float] | str:
    """What is measured of a program, or why nothing can be."""
    try:
        numbers = PATIENTS[patient].measured(Ask(program, seed, SECONDS))
    except Refusal as refusal:
        return refusal.sentence
    return {what: float(f"{number:.4g}") for what, number in numbers.items()}


def read_record() -> dict[str, Any]:
    """The record so far, or an empty one."""
    if RECORD.exists():
        return json.loads(RECORD.read_text())
    return {
        "seeds": "0, 1, 2 and so on, taken as they come",
        "versions": {"torch": torch.__version__, "numpy": np.__version__},
        "runs": {},
    }


def measure(patients: Iterable[str], seeds: int) -> None:
    """Run what is not recorded yet, seed after seed, healthy programs first."""
    todo = [(p, *key, one) for p in patients for key, one in programs(p).items()]
    todo.sort(key=lambda row: WARDS.index(row[1]))
    for seed, (patient, ward, name, program) in product(range(seeds), todo):
        rows = rows_of(read_record(), patient, ward, name)
        if str(seed) in rows:
            continue
        row = run(patient, program, seed)
        record = read_record()  # anew: another process may have written meanwhile
        rows_of(record, patient, ward, name)[str(seed)] = row
        save_record(RECORD, record)
        print(seed, patient, ward, name, flush=True)


def rows_of(record: dict[str, Any], *path: str) -> dict[str, Any]:
    """What is recorded of a program, by seed."""
    rows = record["runs"]
    for step in path:
        rows = rows.setdefault(step, {})
    return rows


def print_table(patient: str) -> None:
    """The range of each number that has a limit, and which limits a program breaks."""
    limits = PATIENTS[patient].limits
    whats = list(dict.fromkeys(limit.what for limit in limits))
    print(f"\n{patient}:", *(f"{x.least} <= {x.what} <= {x.most}," for x in limits))
    for ward in WARDS:
        for name, rows in read_record()["runs"][patient][ward].items():
            print(f"{ward:8}{name:34} n {len(rows):3}  {summary(patient, whats, rows)}")


def summary(patient: str, whats: Iterable[str], rows: dict[str, Any]) -> str:
    """A line on one program."""
    seen = [row for row in rows.values() if isinstance(row, dict)]
    broken = len(rows) - sum(
        all(limit.is_kept(row) for limit in PATIENTS[patient].limits) for row in seen
    )
    ranges = [
        f"{what} {min(values):.3g}..{max(values):.3g}"
        for what in whats
        if (values := [row[what] for row in seen])
    ]
    return f"refused {broken:3}  " + "  ".join(ranges)


def main() -> None:
    """Measure what the command line names, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("patients", nargs="*", help=f"all of {list(PATIENTS)} if none")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--table", action="store_true", help="only print the record")
    arguments = parser.parse_args()
    patients = arguments.patients or list(PATIENTS)
    torch.set_num_threads(1)
    if not arguments.table:
        measure(patients, arguments.seeds)
    for patient in patients:
        print_table(patient)


if __name__ == "__main__":
    main()
