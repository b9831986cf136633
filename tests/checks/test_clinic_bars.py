"""The limits of the bug clinic stand between healthy programs and all others, as run.

tools/measure/clinic_bars.py has run them; here nothing is trained.
"""

import json

import pytest

from course_utils.checks.bug_clinic import PATIENTS
from course_utils.records import RESULTS

RUNS = json.loads((RESULTS / "clinic_bars.json").read_text())["runs"]
FEWEST = 10
ROWS = [
    pytest.param(patient, ward, rows, id=f"{patient}-{ward}-{name}")
    for patient, wards in RUNS.items()
    for ward, programs in wards.items()
    for name, rows in programs.items()
]


def is_accepted(patient, row):
    """Whether all limits are kept; a row that is a sentence was refused before."""
    limits = PATIENTS[patient].limits
    return isinstance(row, dict) and all(limit.is_kept(row) for limit in limits)


def test_all_patients_were_measured():
    assert RUNS.keys() == PATIENTS.keys()


@pytest.mark.parametrize("patient, ward, rows", ROWS)
def test_healthy_programs_and_no_others_stay_within_the_limits(patient, ward, rows):
    assert len(rows) >= FEWEST
    accepted = [is_accepted(patient, row) for row in rows.values()]
    assert accepted == [ward == "healthy"] * len(rows)


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
