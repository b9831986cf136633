"""Cut the exercises out of the solutions: notebooks/scripts/solutions/*.py.

    python tools/make_exercises.py

In a code cell, the lines from `# BEGIN SOLUTION` to `# END SOLUTION` become
`# Your code here.`, followed by the lines between them that begin with `# STUB`, or by
`...` if there are none. Cells tagged `solution` are left out. What comes out has no
outputs and goes to notebooks/exercises/; an exercise that somebody has worked in is not
overwritten but put aside first, with "-mine" in its name.
"""

import hashlib
import re
from pathlib import Path

import jupytext
import nbformat
from nbformat import NotebookNode, v4

from course_utils.files import replacing

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
SOLUTIONS, EXERCISES = NOTEBOOKS / "scripts" / "solutions", NOTEBOOKS / "exercises"
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
        if "solution" in cell.metadata.get("tags", []):
            continue
        new = v4.new_markdown_cell if cell.cell_type == "markdown" else v4.new_code_cell
        source = without_solution(cell.source)
        folded = {k: v for k, v in cell.metadata.items() if k == "jupyter"}
        cells.append(new(source, id=f"{name}-{position:03d}", metadata=folded))
    metadata = {"kernelspec": solution.metadata.kernelspec, "course": digest(cells)}
    return v4.new_notebook(cells=cells, metadata=metadata)


def digest(cells: list[NotebookNode]) -> str:
    """A fingerprint of what cells say, whatever their outputs."""
    return hashlib.sha256("\0".join(cell.source for cell in cells).encode()).hexdigest()


def put_aside(path: Path) -> None:
    """Rename an exercise whose cells are no longer those that were written.

    Raises:
        FileExistsError: there is one under the new name already.
    """
    notebook = nbformat.read(path, as_version=4)
    if notebook.metadata.get("course") != digest(notebook.cells):
        aside = path.with_stem(f"{path.stem}-mine")
        if aside.exists():
            raise FileExistsError(
                f"Move {aside.name} elsewhere first; it would be lost."
            )
        path.rename(aside)
        print(f"{path.name} has been worked in; it is {aside.name} now.")


def main() -> None:
    """Write every exercise that differs from what is there."""
    EXERCISES.mkdir(exist_ok=True)
    for script in sorted(SOLUTIONS.glob("*.py")):
        path = EXERCISES / script.with_suffix(".ipynb").name
        notebook = exercise_of(jupytext.read(script), script.stem)
        text = nbformat.writes(notebook, version=4) + "\n"
        if path.exists() and path.read_text(encoding="utf-8") != text:
            put_aside(path)
        with replacing(path) as temporary:
            temporary.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
