"""Write the minutes and the tables of notebooks/for_lecturers.md.

    python tools/build/lecturer_tables.py           write them
    python tools/build/lecturer_tables.py --check   fail if they are not up to date

In a lesson's table the second column names a section; the first gets the minute at
which it begins, as `lesson_size` counts. A lesson that is not there yet gets a dash.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
from course_files import SCRIPTS, lessons, notebook_of

from course_utils.records import RESULTS, read_result
from course_utils.records.files import replacing

# A program finds modules of its own folder alone; the count of minutes has another.
sys.path.append(str(Path(__file__).parents[1] / "measure"))
from lesson_size import section_starts, sizes  # noqa: E402

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "notebooks" / "for_lecturers.md"
LESSON = re.compile(r"^### Lesson (?P<number>\d+): .*\n(?:(?!##).*\n)*", re.M)
ROW = re.compile(r"^\| (?:\d+|–) \| (?P<section>.*?) \|", re.M)
TITLE = re.compile(r"^# # (?P<words>.*)$", re.M)
EXERCISE = re.compile(
    r"^# ## \d+\. .*\((?P<kind>easy|medium|hard), (\d+) minutes\)$", re.M
)


def with_minutes(text: str) -> str:
    """The page with the first column of each lesson's table renewed."""
    return LESSON.sub(renewed_lesson, text)


def renewed_lesson(lesson: re.Match[str]) -> str:
    """A lesson's part of the page, its rows at their minutes."""
    starts = starts_of(int(lesson["number"]))
    return ROW.sub(lambda row: at_its_minute(row, starts), lesson[0])


def starts_of(number: int) -> dict[str, float] | None:
    """When the sections of a lesson begin; None if there is no such lesson yet."""
    for script in lessons():
        if int(script.name[:2]) == number:
            return section_starts(nbformat.read(notebook_of(script), as_version=4))
    return None


def at_its_minute(row: re.Match[str], starts: dict[str, float] | None) -> str:
    """The beginning of a row.

    Raises:
        ValueError: the lesson has no such section.
    """
    section = row["section"]
    if starts is None:
        return f"| – | {section} |"
    if section not in starts:
        raise ValueError(f"No section of this lesson is called {section!r}.")
    return f"| {starts[section]:.0f} | {section} |"


def exercises(name: str) -> list[tuple[str, int]]:
    """Kind and minutes of each exercise of a set, in order; none if there is no set."""
    script = SCRIPTS / "solutions" / f"{name}.py"
    if not script.exists():
        return []
    found = EXERCISE.findall(script.read_text(encoding="utf-8"))
    return [(kind, int(minutes)) for kind, minutes in found]


def core(name: str) -> int:
    """Minutes of a set without the hard exercises."""
    return sum(minutes for kind, minutes in exercises(name) if kind != "hard")


def everything(name: str) -> int:
    """Minutes of a set."""
    return sum(minutes for _, minutes in exercises(name))


def route() -> Iterator[str]:
    """What each lesson takes."""
    yield "| lesson | in class | run | MiB | homework |"
    yield "|---|---|---|---|---|"
    costs, counted = read_result("lessons"), sizes(())
    for script in lessons():
        name, words = script.stem, TITLE.search(script.read_text(encoding="utf-8"))
        cost = costs.get(name, {})  # a new lesson's may not be measured yet
        run, memory = cost.get("minutes", ""), cost.get("memory_mib", "")
        home = f"[{everything(name)} min](exercises/{name}.ipynb)" * bool(
            exercises(name)
        )
        minutes = f"{counted[name].minutes:.0f} min"
        title = f"[{words['words']}]({name}.ipynb)"
        yield f"| {title} | {minutes} | {run} min | {memory} | {home} |"


def term() -> Iterator[str]:
    """A week a lesson, with its set."""
    yield "| week | in class | homework | all of it | without the hard ones |"
    yield "|---|---|---|---|---|"
    week, shown = 0, "lessons 0 and 1"
    for script in lessons()[1:]:
        week, name = week + 1, script.stem
        given = f"set {week}" if exercises(name) else "the exercises in the lesson"
        yield f"| {week} | {shown} | {given} | {in_minutes(name)} |"
        shown = f"lesson {week + 1}"
    times = in_minutes("bug_clinic")
    yield f"| {week + 1} | the bug clinic, together | the rest of it | {times} |"
    yield f"| {week + 2}, {week + 3} | questions | a project | some hours | |"


def in_minutes(name: str) -> str:
    """All of a set, and its core, as two columns."""
    return " | ".join(f"{t} min" if t else "" for t in (everything(name), core(name)))


def grading() -> Iterator[str]:
    """What marking a class took."""
    record = read_result("grading")
    harm, answers = record["mean_no_good"], sum(record["answers"].values())
    yield (
        f"Measured: {record['notebooks']} made-up hand-ins of one set each, "
        f"{answers} answers in all, took {record['minutes']:.0f} minutes with "
        f"`--jobs {record['jobs']}` ({record['machine']}). {len(record['misjudged'])} "
        f"answers got another mark than they should. {len(harm)} of the hand-ins meant "
        f"harm: {', '.join(f'one {words}' for words in harm)}."
    )


def class_server() -> Iterator[str]:
    """How long a class waits, if that was measured."""
    if not (RESULTS / "class_server.json").exists():
        yield "How long a class waits was not measured yet."
        return
    yield from waiting(read_result("class_server"))


def waiting(record: dict[str, Any]) -> Iterator[str]:
    """A table of seconds and memory."""
    students = record["students"]
    yield (
        f"{students} students at once, budget `{record['budget']}`, one thread each, "
        f"on {record['machine']}:"
    )
    yield ""
    yield "| lesson | alone, s | at once, s | longest over alone | MiB a kernel |"
    yield "|---|---|---|---|---|"
    runs = record["runs"]
    for name, took in runs["together"]["lessons"].items():
        alone = [runs[w]["lessons"][name]["seconds"][0] for w in ("before", "after")]
        first, last = took["seconds"][0], took["seconds"][-1]
        times, memory = record["longest_over_alone"][name], took["memory_mib"]
        yield (
            f"| {int(name[:2])} | {min(alone):.0f} to {max(alone):.0f} | "
            f"{first:.0f} to {last:.0f} | {times} | {memory} |"
        )
    yield ""
    limit = record["explained_by_cores"] * record["promise"]
    who = "Nobody" if record["kept"] else "Somebody"
    yield (
        f"The cores explain a factor of {record['explained_by_cores']:g}. {who} waited "
        f"longer than {limit:g} times what one waits alone. All together took "
        f"{runs['together']['machine_gib']} GiB of the machine."
    )


def with_tables(text: str) -> str:
    """The page with all that is counted or measured renewed."""
    tables = {"route": route, "term": term, "grading": grading, "class": class_server}
    for name, table in tables.items():
        start = f"<!-- {name}: written by tools/build/lecturer_tables.py -->"
        end = f"<!-- end of {name} -->"
        before, rest = text.split(start)
        lines = "\n".join(table())
        text = f"{before}{start}\n{lines}\n{end}{rest.split(end)[1]}"
    return with_minutes(text)


def main() -> None:
    """Write or check."""
    text = PAGE.read_text(encoding="utf-8")
    renewed = with_tables(text)
    if "--check" in sys.argv[1:]:
        if renewed != text:
            raise SystemExit(
                f"{PAGE.name} is stale: run python tools/build/lecturer_tables.py"
            )
        return
    with replacing(PAGE) as temporary:
        temporary.write_text(renewed, encoding="utf-8")


if __name__ == "__main__":
    main()
