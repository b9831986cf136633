"""What a saved notebook must be: each rule is a function that lists its faults."""

import ast
import re
import sys
from itertools import pairwise
from pathlib import Path
from statistics import median

import nbformat
import pytest
from cells import is_folded, tags
from course_files import SCRIPTS, course_files, lessons, notebook_of
from IPython.core.inputtransformer2 import TransformerManager
from nbformat import v4
from nbval.plugin import find_comment_markers, find_metadata_tags

ROOT = Path(__file__).parents[2]
FILES = [notebook_of(script) for script in course_files(SCRIPTS, ".py")]
LESSONS = [notebook_of(s) for s in lessons() if not s.name.startswith("00_")]
CHECKED = [
    path
    for path in LESSONS
    if path.name.startswith(("01_", "02_", "04_", "05_", "06_"))
]

HEADINGS = (
    "You will be able to",
    "Before you start",
    "The question",
    "What could go wrong",
    "Summary",
    "Exercises",
    "References",
)
BYTES = 1_500_000
TYPICAL_LINES, MOST_LINES = 12, 40
CHECKED_OUTPUTS = 5
ALWAYS_FOLDED = {"colab", "setup", "proof"}
REASONS_TO_FOLD = {*ALWAYS_FOLDED, "mirrors"}
PYTORCH = {"torch", "course_utils.pytorch"}
TENSORFLOW = {"tensorflow", "keras", "course_utils.tfkeras"}

# Folders of people and machines at the start of a path, not inside an address.
FOLDERS = "home|Users|root|tmp|private|var|opt|mnt|usr|srv|content|work|workspace"
MACHINE_PATH = re.compile(
    rf"(?<![\w.:/+=-])/(?:{FOLDERS})/|\b[A-Za-z]:\\+(?:Users|Windows|Temp|Program)",
)


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def is_markdown(cell):
    return cell is not None and cell.cell_type == "markdown"


def is_for_colab(cell):
    """Whether it is the first cell, folded, which tools/build/addresses.py writes."""
    return "colab" in tags(cell)


def beginning(cell):
    return cell.source.strip().splitlines()[0] if cell.source.strip() else "(empty)"


def lines_of(cell):
    return len(cell.source.splitlines())


def outputs(notebook):
    for cell in code_cells(notebook):
        for output in cell.outputs:
            yield cell, output


def texts(output):
    """What an output shows as text; pictures are left out."""
    yield output.get("text", "")
    for kind, data in output.get("data", {}).items():
        if not kind.startswith("image/") or kind == "image/svg+xml":
            yield data if isinstance(data, str) else str(data)


def run_in_order(notebook):
    counts = [cell.execution_count for cell in code_cells(notebook)]
    if counts != list(range(1, len(counts) + 1)):
        yield f"cells were run in the order {counts}, not from top to bottom"


def no_error_or_stderr(notebook):
    for cell, output in outputs(notebook):
        if output.output_type == "error":
            yield f"{beginning(cell)}: ends in {output.ename}"
        elif output.get("name") == "stderr":
            yield f"{beginning(cell)}: writes to stderr"


def no_machine_path(notebook):
    shown = [
        (cell, text) for cell, output in outputs(notebook) for text in texts(output)
    ]
    shown += [
        (cell, cell.source)
        for cell in notebook.cells
        if not is_for_colab(cell)  # at home on one machine
    ]
    own = {str(folder) for folder in (ROOT, Path.home(), Path(sys.prefix))} - {"/"}
    for cell, text in shown:
        found = MACHINE_PATH.search(text)
        if found or any(folder in text for folder in own):
            yield f"{beginning(cell)}: names a folder of one machine"


def no_widget(notebook):
    if "widgets" in notebook.metadata:
        yield "the state of widgets is saved"
    for cell, output in outputs(notebook):
        if any("widget" in kind for kind in output.get("data", {})):
            yield f"{beginning(cell)}: saves a live widget"


def no_progress_bar(notebook):
    for cell, output in outputs(notebook):
        if any("\r" in text for text in texts(output)):
            yield f"{beginning(cell)}: leaves a line that was rewritten"


def short_cells(notebook):
    """Imports may be many, and an answer to an exercise is as long as it is."""
    own = [c for c in code_cells(notebook) if not {"colab", "setup"} & set(tags(c))]
    answers = [cell for cell in own if "# BEGIN SOLUTION" in cell.source]
    own = [cell for cell in own if cell not in answers]
    plain = [lines_of(cell) for cell in own if not is_folded(cell)]
    if plain and not answers and median(plain) > TYPICAL_LINES:
        yield f"half of the cells have more than {median(plain)} lines"
    for cell in own:
        if not 1 <= lines_of(cell) <= MOST_LINES:
            yield f"{beginning(cell)}: has {lines_of(cell)} lines"


def prose_before_code(notebook):
    plain = [cell for cell in notebook.cells if not is_folded(cell)]
    for before, cell in pairwise([None, *plain]):
        if cell.cell_type == "code" and not is_markdown(before):
            yield f"{beginning(cell)}: no prose before it"


def folded_as_tagged(notebook):
    for cell in code_cells(notebook):
        if is_folded(cell) and not REASONS_TO_FOLD & {*tags(cell)}:
            yield f"{beginning(cell)}: folded without a tag that says why"
        elif not is_folded(cell) and ALWAYS_FOLDED & {*tags(cell)}:
            yield f"{beginning(cell)}: tagged as if it were folded"


def title_if_folded(notebook):
    for cell in code_cells(notebook):
        has_title = re.match(r"# @title \w", cell.source)
        if is_folded(cell) and not is_for_colab(cell) and not has_title:
            yield f"{beginning(cell)}: folded, and does not begin with # @title"


def proof_in_one_line(notebook):
    for cell in code_cells(notebook):
        kinds = {kind for output in cell.outputs for kind in output.get("data", {})}
        shown = [text for output in cell.outputs for text in texts(output)]
        lines = [line for text in shown for line in text.splitlines()]
        if "proof" in tags(cell) and (len(lines) > 1 or kinds - {"text/plain"}):
            yield f"{beginning(cell)}: a proof that shows more than a line of text"


def figures_in_words(notebook):
    for cell, after in pairwise([*notebook.cells, None]):
        has_picture = cell.cell_type == "code" and any(
            kind.startswith("image/")
            for output in cell.outputs
            for kind in output.get("data", {})
        )
        if has_picture and not (
            is_markdown(after) and after.source.startswith("*Figure")
        ):
            yield f"{beginning(cell)}: no line that begins with *Figure after it"


def imported_modules(source):
    code = TransformerManager().transform_cell(source)
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def one_framework(notebook):
    modules = {
        module
        for cell in code_cells(notebook)
        for module in imported_modules(cell.source)
    }
    used = [
        names
        for names in (PYTORCH, TENSORFLOW)
        if any(f"{module}.".startswith(f"{n}.") for module in modules for n in names)
    ]
    if len(used) > 1:
        yield "both PyTorch and TensorFlow or Keras are imported"


def title_first(notebook):
    first = notebook.cells[0] if notebook.cells else None
    if not is_markdown(first) or not first.source.startswith("# "):
        yield "the first cell does not begin with a title"


def own_kernel(notebook):
    if notebook.metadata.get("kernelspec", {}).get("name") != "python3":
        yield "the kernel is not python3"


def known_markers(notebook):
    for cell in code_cells(notebook):
        for tag in tags(cell):
            if tag.lower().startswith("nbval") and not list(
                find_metadata_tags({"tags": [tag]})
            ):
                yield f"{beginning(cell)}: nbval does not know the tag {tag}"


RULES = [
    run_in_order,
    no_error_or_stderr,
    no_machine_path,
    no_widget,
    no_progress_bar,
    short_cells,
    prose_before_code,
    folded_as_tagged,
    title_if_folded,
    proof_in_one_line,
    figures_in_words,
    one_framework,
    title_first,
    own_kernel,
    known_markers,
]


def missing_headings(notebook):
    lines = [
        line.lstrip("#").strip()
        for cell in notebook.cells
        if is_markdown(cell)
        for line in cell.source.splitlines()
        if line.startswith("## ")
    ]
    return [heading for heading in HEADINGS if heading not in lines]


def checked_outputs(notebook):
    """How many cells nbval compares also in its lax mode."""
    return sum(
        ("check", True)
        in [*find_comment_markers(cell.source), *find_metadata_tags(cell.metadata)]
        for cell in code_cells(notebook)
    )


def read(path):
    return nbformat.read(path, as_version=4)


def test_there_are_notebooks():
    assert FILES
    assert LESSONS


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_saved_notebooks_keep_the_rules(path, rule):
    assert list(rule(read(path))) == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_saved_notebooks_are_small_enough(path):
    assert path.stat().st_size <= BYTES


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_lessons_have_their_headings(path):
    assert missing_headings(read(path)) == []


@pytest.mark.parametrize("path", CHECKED, ids=lambda path: path.stem)
def test_enough_outputs_are_compared_when_lessons_run_again(path):
    assert checked_outputs(read(path)) >= CHECKED_OUTPUTS


PICTURE = v4.new_output("display_data", {"image/png": "a/tmp/b", "text/plain": "<Fig>"})


def stream(text, name="stdout"):
    return [v4.new_output("stream", text=text, name=name)]


def result(**data):
    data = {kind.replace("__", "/"): value for kind, value in data.items()}
    return [v4.new_output("execute_result", data)]


def folded(tag, source, count, outputs=()):
    metadata = {"tags": [tag], "jupyter": {"source_hidden": True}}
    return v4.new_code_cell(
        source, metadata=metadata, execution_count=count, outputs=list(outputs)
    )


@pytest.fixture
def good():
    """A small notebook that keeps all rules."""
    return v4.new_notebook(
        cells=[
            v4.new_markdown_cell("# A lesson\n\nIts address: https://a.org/home/b"),
            v4.new_code_cell("%matplotlib inline\nimport torch", execution_count=1),
            v4.new_markdown_cell("Look:"),
            v4.new_code_cell("draw()", execution_count=2, outputs=[PICTURE]),
            v4.new_markdown_cell("*Figure: a line.*"),
            v4.new_code_cell("x", execution_count=3),
            folded("proof", "# @title x is right\nassert x", 4, stream("Right.\n")),
            folded("setup", "# @title Sizes\ny = 1", 5),
            v4.new_markdown_cell("More:"),
            folded("mirrors", "# @title The same again\ndef f(): pass", 6),
            v4.new_code_cell("f()", execution_count=7),
        ],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}},
    )


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_a_good_notebook_has_no_faults(good, rule):
    assert list(rule(good)) == []


WIDGET = v4.new_output("display_data", {"application/vnd.jupyter.widget-view+json": {}})
FAULTS = [
    (run_in_order, 5, {"execution_count": None}),
    (run_in_order, 5, {"execution_count": 4}),
    (run_in_order, 1, {"execution_count": 2}),
    (no_error_or_stderr, 5, {"outputs": [v4.new_output("error", ename="E")]}),
    (no_error_or_stderr, 5, {"outputs": stream("Warning", "stderr")}),
    *(
        (no_machine_path, 5, {"outputs": outputs_})
        for outputs_ in (
            stream("saved in /home/ada/x.npz"),
            stream("'/Users/ada/x.npz'"),
            stream('File "/root/x.py", line 1'),
            stream("(/tmp/x)"),
            stream(r"C:\Users\ada\x.npz"),
            stream(repr(r"C:\Users\ada\x.npz")),
            stream(f"in {ROOT}"),
            result(text__plain="PosixPath('/var/x/y')"),
            result(text__html="<b>/home/ada/x</b>"),
        )
    ),
    (no_machine_path, 0, {"source": "# Title\n\nOpen /home/ada/x."}),
    (no_widget, 5, {"outputs": [WIDGET]}),
    (no_progress_bar, 5, {"outputs": stream("\repoch 1 of 2\repoch 2 of 2")}),
    (short_cells, 5, {"source": "x\n" * 41}),
    (short_cells, 5, {"source": ""}),
    (prose_before_code, 2, {"cell_type": "raw"}),
    (prose_before_code, 8, {"cell_type": "raw"}),
    (folded_as_tagged, 5, {"metadata": {"tags": ["colab"]}}),
    (folded_as_tagged, 5, {"metadata": {"tags": ["setup"]}}),
    (folded_as_tagged, 5, {"metadata": {"tags": ["proof"]}}),
    (folded_as_tagged, 9, {"metadata": {"jupyter": {"source_hidden": True}}}),
    (title_if_folded, 6, {"source": "assert x"}),
    (title_if_folded, 6, {"source": "# Right\nassert x"}),
    (title_if_folded, 6, {"source": "# @title\nassert x"}),
    (title_if_folded, 6, {"source": "assert x\n# @title Right"}),
    (proof_in_one_line, 6, {"outputs": stream("One\ntwo\n")}),
    (proof_in_one_line, 6, {"outputs": stream("One\n") + result(text__plain="2")}),
    (proof_in_one_line, 6, {"outputs": result(text__html="<b>1</b>")}),
    (proof_in_one_line, 6, {"outputs": [PICTURE]}),
    (figures_in_words, 4, {"source": "A figure."}),
    (figures_in_words, 4, {"cell_type": "raw"}),
    (figures_in_words, 5, {"outputs": [PICTURE]}),
    *(
        (one_framework, 5, {"source": source})
        for source in (
            "import tensorflow as tf",
            "from keras import ops",
            "def f():\n    import keras.layers",
            "from course_utils.tfkeras.vae import elbo",
            "from course_utils import tfkeras",
        )
    ),
    (title_first, 0, {"source": "A lesson"}),
    (title_first, 0, {"source": "## A lesson"}),
    (known_markers, 5, {"metadata": {"tags": ["NBVAL_CHECK_OUTPUT"]}}),
]


@pytest.mark.parametrize("rule, position, fault", FAULTS)
def test_a_planted_fault_is_found_once(good, rule, position, fault):
    good.cells[position].update(nbformat.from_dict(fault))
    assert len(list(rule(good))) == 1


def test_a_planted_fault_of_the_whole_is_found(good):
    good.metadata = nbformat.from_dict({"widgets": {}})
    assert len(list(no_widget(good))) == len(list(own_kernel(good))) == 1
    for position in (1, 3, 5):
        good.cells[position].source = "x\n" * 13
    assert len(list(short_cells(good))) == 1
    del good.cells[0]
    assert len(list(title_first(good))) == len(list(prose_before_code(good))) == 1


def test_headings_are_missed_wherever_one_lacks(good):
    words = "\n\n".join(f"## {heading}\n\nWords." for heading in HEADINGS)
    good.cells.append(v4.new_markdown_cell(words))
    assert missing_headings(good) == []
    good.cells[-1].source = words.replace("## Summary", "Summary")
    assert missing_headings(good) == ["Summary"]


def test_compared_outputs_are_counted_as_nbval_does(good):
    good.cells[1].metadata["tags"] = ["nbval-check-output"]
    good.cells[3].source = "# NBVAL_CHECK_OUTPUT\ndraw()"
    good.cells[5].metadata["tags"] = ["nbval-ignore-output"]
    assert checked_outputs(good) == 2
