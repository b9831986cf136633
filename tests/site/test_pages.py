"""A stored notebook becomes a page: what is folded, left out, said in words, linked."""

import re

import pytest
from addresses import address_and_tag
from course_files import read
from nbformat import v4
from site_parts import contents
from site_parts.links import Map
from site_parts.pages import plain, to_page

PAGES = [path for paths in contents.notebooks().values() for path in paths]
PICTURE = [v4.new_output("display_data", {"image/png": "iVBORw0KGgo="})]
HOME = "notebooks/03_small.ipynb"
PLACES = {
    HOME: "03_small.ipynb",
    "notebooks/deeper/03_proof.ipynb": "deeper/03_proof.ipynb",
    "notebooks/solutions/03_small.ipynb": "solutions/03_small.ipynb",
    "notebooks/exercises": "exercises/index.md",
}
FILM = "course_utils/records/results/dcgan_film.gif"


def markdown(source, *tags):
    return v4.new_markdown_cell(source, metadata={"tags": list(tags)} if tags else {})


def code(source, *tags, folded=False, outputs=()):
    metadata = {"tags": list(tags)} if tags else {}
    if folded:
        metadata["jupyter"] = {"source_hidden": True}
    return v4.new_code_cell(source, metadata=metadata, outputs=list(outputs))


@pytest.fixture
def site():
    return Map(dict(PLACES))


@pytest.fixture
def page_of(site):
    """Makes a page of cells."""

    def make(*cells, home=HOME, slides=""):
        notebook = v4.new_notebook(cells=[markdown("# A small lesson"), *cells])
        to_page(notebook, home, site, slides)
        return notebook.cells

    return make


def test_the_speakers_notes_and_the_cell_for_colab_are_left_out(page_of):
    words = markdown("Seen.\n\n<!-- notes: Ask the class. -->")
    cells = page_of(code("fetch()", "colab", folded=True), words)
    assert [cell.cell_type for cell in cells] == ["markdown", "markdown"]
    assert "Ask" not in cells[1].source


def test_a_folded_cell_is_folded_under_its_title(page_of):
    cell = code("# @title It holds\nassert True", "proof", folded=True)
    page = page_of(cell, code("x = 1"))
    assert "hide-input" in page[1].metadata.tags
    assert page[1].metadata.mystnb["code_prompt_show"] == "It holds"
    assert page[1].source == "assert True"
    assert "hide-input" not in page[2].metadata.get("tags", [])


def test_a_solution_is_folded_and_loses_its_marks(page_of):
    source = (
        "def f(x):\n    # BEGIN SOLUTION\n    return x\n    # END SOLUTION\n\n\nf(1)"
    )
    page = page_of(code(source), home="notebooks/solutions/03_small.ipynb")
    assert page[1].source == "def f(x):\n    return x\n\n\nf(1)"
    assert "hide-input" in page[1].metadata.tags
    assert page[0].source.startswith("# A small lesson, solved\n")


def test_what_a_solution_adds_is_behind_one_line_unless_it_has_a_heading(page_of):
    inside = markdown("So it is.", "solution"), code("f(2)", "solution")
    sources = [
        cell.source
        for cell in page_of(*inside, markdown("## Report\n\nTen.", "solution"))
    ]
    assert sources[1].startswith("<details")
    assert sources[2:4] == ["So it is.", "f(2)"]
    assert sources[4:] == ["</details>", "## Report\n\nTen."]


def test_a_picture_has_the_words_of_its_line(page_of):
    line = markdown(r"*Figure: a bell at $\log p(x)$, see" "\n[there](x.ipynb).*")
    cell = page_of(code("draw()", outputs=PICTURE), line)[1]
    assert cell.metadata.mystnb["image"]["alt"] == "a bell at log p(x), see there."


def test_the_words_end_where_the_paragraph_goes_on(page_of):
    line = markdown("*Figure: two * two\nis four.* So *it is.*\n\nAnd *more.*")
    cell = page_of(code("draw()", outputs=PICTURE), line)[1]
    assert cell.metadata.mystnb["image"]["alt"] == "two two is four."


@pytest.mark.parametrize(
    "words, read_aloud",
    [
        (r"$\mathcal N(0, 1)$", "N(0, 1)"),
        (r"$\hat x_{i}$ and `mu`", "x_i and mu"),
        ("two\nlines", "two lines"),
    ],
)
def test_formulas_are_read_as_words(words, read_aloud):
    assert plain(words) == read_aloud


def test_a_page_has_one_title_and_leaves_out_no_level(page_of):
    page = page_of(
        markdown("### Deep at once"),
        markdown("# Another title\n\n```\n# a comment\n```"),
        markdown("## Under it"),
        markdown("# A third"),
    )
    heads = [cell.source.partition("\n")[0] for cell in page]
    assert heads == [
        "# A small lesson",
        "## Deep at once",
        "## Another title",
        "### Under it",
        "## A third",
    ]
    assert "\n# a comment" in page[2].source


def test_the_title_of_an_exercise_comes_first(site):
    cells = (
        markdown("*This notebook was written by `make`.*"),
        markdown("# Task\n\nDo."),
    )
    notebook = v4.new_notebook(cells=cells)
    to_page(notebook, HOME, site)
    assert [cell.source[:6] for cell in notebook.cells] == ["# Task", "*This "]


def test_links_lead_to_pages_pictures_and_github(page_of, site):
    address, tag = address_and_tag()
    links = {
        "deeper/03_proof.ipynb#a-part": "deeper/03_proof.ipynb#a-part",
        "exercises/": "exercises/index.md",
        "../README.md": f"{address}/blob/{tag}/README.md",
        "../course_utils/metrics": f"{address}/tree/{tag}/course_utils/metrics",
        f"../{FILM}": f"_files/{FILM}",
        "https://arxiv.org/abs/1": "https://arxiv.org/abs/1",
        "#a-part": "#a-part",
        "batch": "batch",
    }
    text = " ".join(f"[words]({link})" for link in links)
    page = page_of(markdown(text))
    found = re.findall(r"\]\(([^)]*)\)", page[1].source)
    assert found == list(links.values())
    assert site.pictures == {FILM}


def test_links_of_a_page_in_a_folder_begin_there(site):
    text = site.on_site("[up](../03_small.ipynb)", "notebooks/deeper/03_proof.ipynb")
    assert text == "[up](../03_small.ipynb)"
    text = site.on_site("[x](../exercises)", "notebooks/deeper/03_proof.ipynb")
    assert text == "[x](../exercises/index.md)"


def test_a_page_has_its_doors(page_of):
    line = "Open in [Colab](https://old) or on [Binder](https://old)."
    head = page_of(markdown(line), slides="slides/03_small.html")[0].source
    hrefs = re.findall(r'href="([^"]*)"', head)
    assert hrefs[0].startswith("https://colab.research.google.com/github/")
    assert hrefs[1].startswith("https://mybinder.org/")
    assert hrefs[2:] == ["notebooks/03_small.ipynb", "slides/03_small.html"]


@pytest.mark.parametrize(
    "path", PAGES, ids=lambda path: f"{path.parent.name}/{path.stem}"
)
def test_every_picture_of_the_course_has_words(path):
    notebook = read(path)
    to_page(notebook, path.relative_to(contents.ROOT).as_posix(), contents.site_map())
    silent = [
        cell.id
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if "image/png" in output.get("data", {})
        and not cell.metadata.get("mystnb", {}).get("image", {}).get("alt")
    ]
    assert silent == []
