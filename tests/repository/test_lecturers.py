"""The page for lecturers names what there is, and counts what is counted."""

import ast
import re
import subprocess
import sys

import class_server
import lecturer_tables
import pytest
from course_files import ROOT, SCRIPTS, lessons

PAGE = lecturer_tables.PAGE.read_text(encoding="utf-8")
PARTS = {int(m["number"]): m[0] for m in lecturer_tables.LESSON.finditer(PAGE)}
SLIP = re.compile(r"Ex\. (\d): \*(.+?)\*")


def table(number):
    """The rows of a lesson: minute, section, question, wrong answer."""
    rows = [line.strip("| ").split(" | ") for line in PARTS[number].splitlines()]
    return [row for row in rows if re.fullmatch(r"\d+|–", row[0])]


def test_the_page_is_up_to_date():
    assert lecturer_tables.with_tables(PAGE) == PAGE


def test_a_minute_typed_in_by_hand_is_found():
    forged = re.sub(r"^\| 12 \|", "| 13 |", PAGE, count=1, flags=re.M)
    assert forged != PAGE
    assert lecturer_tables.with_tables(forged) == PAGE


def test_a_section_that_no_lesson_has_is_refused():
    forged = PAGE.replace("| Who sent it? |", "| Who called? |")
    with pytest.raises(ValueError, match="Who called"):
        lecturer_tables.with_tables(forged)


def test_a_lesson_that_is_still_to_come_has_no_minutes():
    row = "### Lesson 99: later\n\n| 7 | A section | Why? | |\n"
    assert "| – | A section |" in lecturer_tables.with_minutes(row)


def test_each_lesson_has_its_table_and_its_minutes_rise():
    assert set(PARTS) >= {int(script.name[:2]) for script in lessons()}
    for number in PARTS:
        minutes = [row[0] for row in table(number)]
        assert len(minutes) > 4
        if "–" not in minutes:
            assert sorted(minutes, key=int) == minutes
            assert int(minutes[-1]) <= 45


def names_of_checks(topic):
    """The checks of a set by the numbers of its exercises."""
    (script,) = (SCRIPTS / "solutions").glob(f"??_{topic}.py")
    parts = re.split(r"^# ## (\d)\. ", script.read_text(encoding="utf-8"), flags=re.M)
    calls = [re.search(r"^check_\w+", part, re.M)[0] for part in parts[2::2]]
    return dict(zip(map(int, parts[1::2]), calls, strict=True))


def sentences(topic, check):
    """All strings in the table of a check."""
    path = ROOT / "course_utils" / "checks" / f"{topic}.py"
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == check:
            return {n.value for n in ast.walk(node) if isinstance(n, ast.Constant)}
    raise LookupError(check)


SLIPS = [
    (script.stem[3:], int(exercise), sentence)
    for script in lessons()
    for exercise, sentence in SLIP.findall(PARTS[int(script.name[:2])])
]


@pytest.mark.parametrize("topic, exercise, sentence", SLIPS)
def test_a_slip_is_one_that_this_exercise_names(topic, exercise, sentence):
    assert sentence in sentences(topic, names_of_checks(topic)[exercise])


def test_no_other_words_of_the_tables_look_like_slips():
    assert len(SLIPS) > 20
    for part in PARTS.values():
        assert len(re.findall(r"\*[^*]+\*", part)) == len(SLIP.findall(part))


def test_each_link_leads_somewhere():
    links = re.findall(r"\]\(([^)#\s]*)(#[^)\s]*)?\)", PAGE)
    folder = lecturer_tables.PAGE.parent
    assert [link for link, _ in links if not (folder / link).exists()] == []
    words = re.findall(r"^##+ (.*)$", PAGE, re.M)
    known = {"#" + re.sub(r"[^\w -]", "", w.lower()).replace(" ", "-") for w in words}
    assert {anchor for link, anchor in links if not link} <= known


def test_each_lesson_of_the_choice_of_six_is_a_lesson():
    there = {int(script.name[:2]) for script in lessons()}
    said = re.search(r"With six hours take ([\d, ]+) and (\d+)", PAGE)
    six = {int(number) for number in [*said[1].split(","), said[2]]}
    assert len(six) == 6
    assert six <= there
    start = (SCRIPTS / "00_start_here.py").read_text(encoding="utf-8")
    assert f"for six, {said[1]} and {said[2]}" in " ".join(start.split())


@pytest.mark.parametrize("longest, who", [(47.0, "Nobody"), (49.0, "Somebody")])
def test_what_a_class_waited_is_said_as_it_was_recorded(longest, who):
    def run(*seconds):
        lessons = {"03_vae_pytorch": {"seconds": list(seconds), "memory_mib": 967}}
        return {"lessons": lessons, "machine_gib": 7.5}

    runs = {"before": run(10.0), "together": run(41.0, longest), "after": run(12.0)}
    record = {"students": 8, "budget": "lecture", "machine": "2 cores", "runs": runs}
    record |= class_server.judged(runs, students=8, cores=2)
    text = "\n".join(lecturer_tables.waiting(record))
    row = f"| 3 | 10 to 12 | 41 to {longest:.0f} | {longest / 10} | 967 |"
    assert row in text
    assert f"{who} waited longer than 4.8 times" in text


def test_the_command_checks():
    tool = ROOT / "tools" / "build" / "lecturer_tables.py"
    run = subprocess.run([sys.executable, tool, "--check"], capture_output=True)
    assert run.returncode == 0, run.stderr


def test_the_count_of_a_lessons_minutes_is_a_command():
    tool = ROOT / "tools" / "measure" / "lesson_size.py"
    run = subprocess.run([sys.executable, tool, "03"], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert "03_vae_pytorch" in run.stdout
