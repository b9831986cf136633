"""A stored notebook as a page of the site.

The cells that only Colab needs and the speaker's notes are left out. What JupyterLab
folds is folded here, under its title; so are solutions. A picture's alternative text is
the line `*Figure: ...*` that follows it.
"""

import re
from html import escape
from itertools import groupby

from addresses import LINKS, services
from cells import is_folded, tags
from nbformat import NotebookNode, v4
from slides import NOTES, draws

from site_parts.links import Map

TITLE = re.compile(r"^# @title (.*)$", re.M)
HEADING = re.compile(r"^(?P<marks>#{1,6})(?P<words> .*)$", re.M)
FENCES = re.compile(r"^(```.*?^```)$", re.M | re.S)
# Of one paragraph, which may go on behind it.
FIGURE = re.compile(
    r"^\*Figure: (?P<words>(?:(?!\n\n).)*?)(?:\*$|(?<=[.?!])\*(?=\s))", re.M | re.S
)
WRITTEN_BY = "*This notebook was written by"
BEGINS = "# BEGIN SOLUTION"
KINDS = {"setup": "Set-up", "mirrors": "A definition", "proof": "Check"}


def to_page(notebook: NotebookNode, home: str, site: Map, slides: str = "") -> None:
    """Change a notebook, in place, into a page.

    Args:
        notebook: with its outputs.
        home: its path from the repository's root.
        site: what is where.
        slides: the path in the site of the slides of this lesson, if it has any.
    """
    cells = [c for c in notebook.cells if "colab" not in tags(c) and not for_colab(c)]
    put_title_first(cells)
    for cell, following in zip(cells, [*cells[1:], None], strict=True):
        if cell.cell_type == "code":
            fold(cell)
            if draws(cell):
                describe(cell, following)
    markdown = [c for c in cells if c.cell_type == "markdown"]
    for cell in markdown:
        cell.source = site.on_site(NOTES.sub("", cell.source), home)
        cell.source = FIGURE.sub(r"{.figure-words}\n\g<0>", cell.source)
    set_headings(markdown)
    head = markdown[0]
    if "/solutions/" in home:
        head.source = re.sub(
            r"^(# .*)$", r"\1, solved", head.source, count=1, flags=re.M
        )
    head.source = with_doors(head.source, doors(home, site, slides))
    notebook.cells = folded_answers(cells)


def for_colab(cell: NotebookNode) -> bool:
    """Whether it is the first cell of an exercise, whose tag was cut away."""
    return cell.cell_type == "code" and cell.source.startswith("# On Colab: ")


def put_title_first(cells: list[NotebookNode]) -> None:
    """Move what stands above the title of an exercise below it."""
    if cells[0].source.startswith(WRITTEN_BY):
        cells[:2] = cells[1::-1]


def set_headings(markdown: list[NotebookNode]) -> None:
    """Let the first heading be the only title, and no level be left out below it."""
    above: list[int] = []  # the marks of the headings that the present place is under

    def deepen(heading: re.Match[str]) -> str:
        marks = len(heading["marks"])
        if not above:
            above.append(0)  # whatever follows stands below the title
            return heading[0]
        while above[-1] >= marks:
            above.pop()
        above.append(marks)
        return "#" * len(above) + heading["words"]

    for cell in markdown:
        parts = FENCES.split(cell.source)
        parts[::2] = [HEADING.sub(deepen, text) for text in parts[::2]]
        cell.source = "".join(parts)


def unfenced(source: str) -> str:
    """Markdown without its blocks of code."""
    return FENCES.sub("", source)


def with_doors(source: str, line: str) -> str:
    """A title's cell with that line in place of the links that notebooks have."""
    source = LINKS.sub("", source)
    title, _, rest = source.partition("\n")
    return f"{title}\n\n{line}\n\n{rest.lstrip()}"


def doors(home: str, site: Map, slides: str) -> str:
    """HTML: where else this page can be opened."""
    colab, binder = services(home)
    ways = {"Run on Colab": colab, "Run on Binder": binder}
    ways["Download"] = site.between(home, home)
    if slides:
        ways["Slides"] = site.between(home, slides)
    links = (f'<a href="{escape(url)}">{name}</a>' for name, url in ways.items())
    return f'<p class="doors">{" ".join(links)}</p>'


def fold(cell: NotebookNode) -> None:
    """Have a cell's code hidden where JupyterLab hides it or students should try."""
    title = TITLE.search(cell.source)
    if is_folded(cell):
        kind = next((KINDS[tag] for tag in tags(cell) if tag in KINDS), "Code")
        words = title[1] if title else kind
    elif BEGINS in cell.source:
        words = "A solution"
        cell.source = re.sub(
            r"^ *# (BEGIN|END) SOLUTION\n?", "", cell.source, flags=re.M
        )
        cell.source = re.sub(r"^ *# STUB.*\n?", "", cell.source, flags=re.M)
    else:
        return
    if title:
        cell.source = cell.source.replace(title[0], "", 1).strip("\n")
    cell.metadata.tags = [*tags(cell), "hide-input"]
    cell.metadata.mystnb = {"code_prompt_show": words, "code_prompt_hide": words}


def describe(cell: NotebookNode, following: NotebookNode | None) -> None:
    """Give a code cell's picture the words that follow it."""
    found = FIGURE.search(following.source) if following is not None else None
    if found:
        options = cell.metadata.setdefault("mystnb", {})
        options["image"] = {"alt": plain(found["words"])}


def plain(words: str) -> str:
    """Markdown with formulas as words in one line, to be read aloud."""
    words = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", words)
    words = re.sub(r"\\(mathcal|mathrm|text|bar|hat|tilde|,|;|!|\\)", "", words)
    words = re.sub(r"[\\{}$`*]", "", words)
    return " ".join(words.split())


def folded_answers(cells: list[NotebookNode]) -> list[NotebookNode]:
    """The cells, with each run of a solution's cells behind one line to click at."""
    found = []
    for is_answer, group in groupby(cells, key=can_be_folded):
        if is_answer:
            opening = '<details class="answer"><summary>What comes out</summary>'
            found += [v4.new_markdown_cell(opening), *group]
            found.append(v4.new_markdown_cell("</details>"))
        else:
            found += group
    return found


def can_be_folded(cell: NotebookNode) -> bool:
    """Whether a cell is a solution's alone; a heading would tear the page apart."""
    is_heading = cell.cell_type == "markdown" and HEADING.search(unfenced(cell.source))
    return "solution" in tags(cell) and not is_heading
