"""The site's lists have all that the course has."""

import re

import pytest
from course_files import SCRIPTS, course_files, notebook_of
from site_parts import contents

ROOT = contents.ROOT


@pytest.fixture(scope="module")
def site():
    return contents.site_map()


@pytest.fixture(scope="module")
def written(site):
    return contents.written_pages(site)


def test_every_notebook_is_on_the_site(site):
    for script in course_files(SCRIPTS, ".py"):
        notebook = notebook_of(script).relative_to(ROOT).as_posix()
        assert notebook in site.pages
        if "/solutions/" in notebook:
            assert notebook.replace("solutions/", "exercises/") in site.pages or (
                notebook.replace("solutions/projects/", "projects/") in site.pages
            )


def test_every_page_is_in_one_list(site, written):
    listed = []
    for place, text in written.items():
        folder = place.rpartition("/")[0]
        for tree in re.findall(r"```\{toctree\}\n(.*?)```", text, re.S):
            lines = [li for li in tree.splitlines() if li and not li.startswith(":")]
            entries = [re.sub(r".*<(.*)>$", r"\1", line) for line in lines]
            listed += [f"{folder}/{entry}".lstrip("/") for entry in entries]
    pages = {place.rpartition(".")[0] for place in {*site.pages.values(), *written}}
    assert sorted(listed) == sorted(pages - {"index"})


def test_the_front_page_says_what_each_lesson_answers(written):
    rows = re.findall(r"^\| \[\d+ · .*\| (.*) \|$", written["index.md"], re.M)
    assert len(rows) == len(contents.notebooks()["lessons"])
    assert all(rows)
    assert "<!--" not in written["index.md"]


@pytest.mark.parametrize(
    "place, title, words",
    [
        ("deeper/02_bounds", "Deeper: what grows", "2 · What grows"),
        ("01_elbo", "1 · The ELBO", "1 · The ELBO"),
        ("projects/a_bound", "Project A: the best", "A · The best"),
        ("exercises/bug_clinic", "The bug clinic", "The bug clinic"),
    ],
)
def test_titles_in_lists_say_what_the_list_does_not(place, title, words):
    assert contents.short(place, title) == words


def test_slides_lead_to_slides_of_lessons_and_to_pages_of_the_rest():
    words = (
        "[a](02_reparameterization.ipynb) [b](deeper/01_bounds.ipynb) [c](exercises)"
    )
    found = contents.slides_map().on_site(words, "notebooks/01_elbo.ipynb")
    assert re.findall(r"\((.*?)\)", found) == [
        "02_reparameterization.html",
        "../deeper/01_bounds.html",
        "../exercises/index.html",
    ]
