"""Cut the exercises out of the solutions: notebooks/scripts/solutions/*.py.

    python tools/build/exercises.py

In a code cell, the lines from `# BEGIN SOLUTION` to `# END SOLUTION` become
`# Your code here.`, followed by the lines between them that begin with `# STUB`, or by
`...` if there are none. Cells tagged `solution` are left out. What comes out has no
outputs and goes to notebooks/exercises/; an exercise that somebody has worked in is not
overwritten but put aside first, as "-mine", then "-mine-2" and so on. A set that cannot
be made is named at the end; the others are made all the same.

A project is a solution too, in notebooks/scripts/solutions/projects/, and is cut to
notebooks/projects/. What judges it stands under the same name in
course_utils/checks/projects/, what it reached in course_utils/records/results/, by
tools/measure/projects.py. To add one: these three, `git add`, and the name in
tests/repository/test_projects.py.
"""

import hashlib
import re
import sys
from itertools import count
from pathlib import Path

import nbformat
from cells import fold_on_colab, tags
from course_files import course_files, read
from nbformat import NotebookNode, v4

from course_utils.records.files import replacing

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
SOLUTIONS, EXERCISES = NOTEBOOKS / "scripts" / "solutions", NOTEBOOKS / "exercises"
PROJECTS = "projects"  # a folder of solutions, and one beside the exercises
NOTE = """\
*This notebook was written by `make exercises`, from worked solutions. Save your copy
under another name (File → Save Notebook As…); then no update of the course gets in its
way. Run cell by cell: a run of all cells stops at the first stub. The solutions lie in
`notebooks/solutions/`; look at the hints first.*"""
CUT = re.compile(
    r"^(?P<indent> *)# BEGIN SOLUTION\n"
    r"(?P<body>(?:(?! *# BEGIN SOLUTION).*\n)*?)"
    r" *# END SOLUTION$",
    re.M,
)


def without_solution(source: str) -> str:
    """A cell's source with stubs in place of its solutions.

    Raises:
        ValueError: a marker lacks its partner.
    """

    def stub(cut: re.Match[str]) -> str:
        lines = re.findall(r"^ *# STUB ?(.*)$", cut["body"], re.M) or ["..."]
        lines = ["# Your code here.", *lines]
        return "\n".join((cut["indent"] + line).rstrip() for line in lines)

    result = CUT.sub(stub, source)
    if re.search("# (BEGIN|END) SOLUTION|# STUB", result):
        raise ValueError(f"A marker of a solution stands alone in:\n{source}")
    return result


def exercise_of(solution: NotebookNode, name: str) -> NotebookNode:
    """The notebook for students, with the digest of its cells in its metadata."""
    cells = [v4.new_markdown_cell(NOTE, id=f"{name}-note")]
    for position, cell in enumerate(solution.cells):
        if "solution" in tags(cell):
            continue
        new = v4.new_markdown_cell if cell.cell_type == "markdown" else v4.new_code_cell
        source = without_solution(cell.source)
        folded = {k: v for k, v in cell.metadata.items() if k == "jupyter"}
        made = new(source, id=f"{name}-{position:03d}", metadata=folded)
        fold_on_colab(made)
        cells.append(made)
    metadata = {"kernelspec": solution.metadata.kernelspec, "course": digest(cells)}
    return v4.new_notebook(cells=cells, metadata=metadata)


def digest(cells: list[NotebookNode]) -> str:
    """A fingerprint of what cells say, whatever their outputs."""
    return hashlib.sha256("\0".join(cell.source for cell in cells).encode()).hexdigest()


def worked_in(path: Path) -> bool:
    """Whether an exercise's cells are not those that were written.

    What is no notebook any more (conflict marks, say) is somebody's work, too.
    """
    try:
        notebook = read(path)
    except ValueError:
        return True
    return notebook.metadata.get("course") != digest(notebook.cells)


def put_aside(path: Path) -> None:
    """Rename an exercise to the first name that is free."""
    names = (f"{path.stem}-mine{f'-{i}' if i > 1 else ''}" for i in count(1))
    aside = next(p for p in map(path.with_stem, names) if not p.exists())
    path.rename(aside)
    print(f"{path.name} has been worked in; it is {aside.name} now.")


def exercise_path(script: Path) -> Path:
    """Where the exercise that a solution is cut to lies."""
    is_project = script.parent.name == PROJECTS
    folder = EXERCISES.with_name(PROJECTS) if is_project else EXERCISES
    return folder / script.with_suffix(".ipynb").name


def make(script: Path) -> None:
    """Write the exercise of a solution if it differs from what is there.

    Raises:
        ValueError: the script is none, or a marker in it lacks its partner.
        OSError: a file cannot be read, renamed or written.
    """
    solution = read(script)
    if "kernelspec" not in solution.metadata:
        raise ValueError(f"{script} has no kernelspec in its head.")
    text = nbformat.writes(exercise_of(solution, script.stem), version=4) + "\n"
    path = exercise_path(script)
    path.parent.mkdir(exist_ok=True)
    if path.exists() and worked_in(path):
        put_aside(path)
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def main() -> None:
    """Make every set, whatever happens to one of them."""
    failures = []
    for script in course_files(SOLUTIONS, ".py"):
        try:
            make(script)
        except (OSError, ValueError) as error:
            failures.append(f"{script.stem} was not made. {error}")
    if failures:
        sys.exit("\n".join(failures))


if __name__ == "__main__":
    main()
