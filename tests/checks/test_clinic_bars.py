"""The limits of the bug clinic stand between healthy programs and all others, as run.

tools/measure/clinic_bars.py has run them; here nothing is trained.
"""

import importlib.util
import json
from pathlib import Path

import pytest

from course_utils.checks.bug_clinic import PATIENTS
from course_utils.records import RESULTS

RUNS = json.loads((RESULTS / "clinic_bars.json").read_text())["runs"]
ANSWERS = Path(__file__).parent / "answers" / "bug_clinic.py"
FEWEST = 10  # seeds of each program; the tool goes on where it was stopped
# Of its 64 rows, one or more are among the 12 that change: 6 % of all seeds.
LUCKY = {("ring_gan", "the same 64"): 2}


def answers():
    """All programs, by ward and patient."""
    spec = importlib.util.spec_from_file_location("answers_bug_clinic", ANSWERS)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return {"healthy": module.HEALTHY, "sick": module.SICK, "fake": module.FAKE}


WARDS = answers()
PROGRAMS = [
    pytest.param(patient, ward, name, id=f"{patient}-{ward}-{name}")
    for ward, patients in WARDS.items()
    for patient, programs in patients.items()
    for name in programs
]


def said(patient, row):
    """What a check says of numbers; nothing if all limits are kept."""
    if isinstance(row, str):  # refused before anything could be measured
        return row
    broken = [one for one in PATIENTS[patient].limits if not one.is_kept(row)]
    if not broken:
        return ""
    return f"{broken[0].sentence.format_map(row)}\nHint: {broken[0].hint}"


@pytest.mark.parametrize("patient, ward, name", PROGRAMS)
def test_what_was_measured_of_a_program_gets_its_words(patient, ward, name):
    rows = RUNS[patient][ward][name]
    assert len(rows) >= FEWEST
    lucky = LUCKY.get((patient, name), 0)
    passed = [row for row in rows.values() if not said(patient, row)]
    assert ward == "healthy" or len(passed) <= lucky
    for row in rows.values():
        if ward == "healthy":
            assert said(patient, row) == ""
        elif isinstance(row, str):
            assert row
        elif not lucky or said(patient, row):
            assert WARDS[ward][patient][name][1] in said(patient, row)


@pytest.mark.parametrize("patient", PATIENTS)
def test_nothing_is_recorded_that_is_gone(patient):
    for ward, patients in WARDS.items():
        assert RUNS[patient][ward].keys() == patients[patient].keys()


@pytest.mark.parametrize("patient", PATIENTS)
def test_each_limit_refuses_somebody(patient):
    others = [
        row
        for ward in ("sick", "fake")
        for rows in RUNS[patient][ward].values()
        for row in rows.values()
        if isinstance(row, dict)
    ]
    for limit in PATIENTS[patient].limits:
        assert not all(limit.is_kept(row) for row in others), limit.what
