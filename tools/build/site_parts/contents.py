"""The site's contents: which notebook is which page, and the pages between them."""

import re
from pathlib import Path

from addresses import TO_PRINT
from course_files import SCRIPTS, course_files, lessons, notebook_of, read

from site_parts import reference
from site_parts.links import ROOT, Map

NOTEBOOKS = ROOT / "notebooks"
FRONT = Path(__file__).parent / "front.md"
QUESTION = re.compile(
    r"^\| \[[^]]+\]\((?P<file>\w+\.ipynb)\) \| (?P<words>[^|]*) \|", re.M
)
TITLE = re.compile(r"^# (.*)$", re.M)
BEFORE_TITLE = re.compile(r"^(Deeper[^:]*|Exercises on lesson \d+|Project \w): ")
LECTURERS = "notebooks/for_lecturers.md"
FILM = "course_utils/records/results/dcgan_film.gif"
LISTS = {
    "exercises": (
        "Exercises",
        "A set for each lesson, and the bug clinic. Open one on Colab or Binder, or "
        "download it: its checks answer in a sentence.",
    ),
    "projects": (
        "Projects",
        "Questions for some days: data, a number to reach, a rubric.",
    ),
    "deeper": ("Deeper", "What the lessons leave out: proofs, controls, measurements."),
}


def notebooks() -> dict[str, list[Path]]:
    """The notebooks of the site by the list that they stand in, in their order."""
    scripts = course_files(SCRIPTS, ".py")
    found = [notebook_of(script) for script in scripts]
    numbered = [notebook_of(script) for script in lessons()]
    others = [p for p in found if p.parent == NOTEBOOKS and p not in numbered]
    solutions = NOTEBOOKS / "solutions"
    solved = [p for p in found if p.parent == solutions]
    reports = [p for p in found if p.parent == solutions / "projects"]
    return {
        "lessons": numbered,
        "sheets": [p for p in others if p.stem.endswith(TO_PRINT)],
        "yours": [p for p in others if not p.stem.endswith(TO_PRINT)],
        "exercises": [NOTEBOOKS / "exercises" / p.name for p in solved],
        "projects": [NOTEBOOKS / "projects" / p.name for p in reports],
        "deeper": [p for p in found if p.parent == NOTEBOOKS / "deeper"],
        "solutions": solved + reports,
    }


def site_map() -> Map:
    """What is where, before any page is made."""
    every = [path for paths in notebooks().values() for path in paths]
    places = {
        path.relative_to(ROOT).as_posix(): path.relative_to(NOTEBOOKS).as_posix()
        for path in every
    }
    places |= {
        "README.md": "index.md",
        "notebooks/README.md": "index.md",
        "notebooks": "index.md",
        "CHANGELOG.md": "changelog.md",
        "notebooks/solutions/README.md": "solutions/index.md",
        LECTURERS: "for_lecturers.md",
    }
    for folder in ("exercises", "projects", "deeper", "solutions"):
        places[f"notebooks/{folder}"] = f"{folder}/index.md"
    return Map(places)


def slides_map() -> Map:
    """What is where, as the slides see it: for them a lesson is its slides."""
    pages = {
        path: re.sub(r"\.\w+$", ".html", place)
        for path, place in site_map().pages.items()
    }
    for path in notebooks()["lessons"]:
        pages[path.relative_to(ROOT).as_posix()] = f"slides/{path.stem}.html"
    return Map(pages)


def titles(paths: list[Path]) -> dict[str, str]:
    """The first heading of each notebook, by its place in the site without suffix."""
    found = {}
    for path in paths:
        text = "\n".join(cell.source for cell in read(path).cells)
        title = TITLE.search(text)
        found[path.relative_to(NOTEBOOKS).with_suffix("").as_posix()] = (
            title[1] if title else path.stem
        )
    return found


def short(place: str, title: str) -> str:
    """A title for a list whose own title says the rest, after its lesson's number."""
    words = BEFORE_TITLE.sub("", title)
    number = re.match(r"\d+", place.rpartition("/")[2])
    letter = re.match(r"Project (\w):", title)
    first = str(int(number[0])) if number else letter[1] if letter else ""
    words = words[0].upper() + words[1:]
    return f"{first} · {words}" if first and not words.startswith(first) else words


def toctree(entries: list[str], *options: str) -> str:
    """A list of pages, `place` or `title <place>`, as Sphinx knows it."""
    return "\n".join(["```{toctree}", *options, "", *entries, "```"])


def written_pages(site: Map) -> dict[str, str]:
    """The pages that are in no notebook: Markdown by places in the site's source."""
    lists = {name: titles(paths) for name, paths in notebooks().items()}
    found = {
        f"{folder}/index.md": list_page(folder, title, words, lists[folder])
        for folder, (title, words) in LISTS.items()
    }
    found["solutions/index.md"] = solutions_page(site, lists["solutions"])
    for home in ("CHANGELOG.md", LECTURERS):
        text = (ROOT / home).read_text(encoding="utf-8")
        found[site.pages[home]] = site.on_site(text, home)
    found["slides.md"] = slides_page(lists["lessons"])
    found["index.md"] = front_page(site, lists)
    for name, text in reference.pages(ROOT / "course_utils").items():
        found[f"reference/{name}.md"] = text
    inner = sorted(n.removeprefix("reference/")[:-3] for n in found if "reference" in n)
    inner.remove("index")
    found["reference/index.md"] += "\n" + toctree(inner, ":hidden:", ":titlesonly:")
    return found


def list_page(folder: str, title: str, words: str, of: dict[str, str]) -> str:
    """A page that lists the pages of its folder."""
    entries = entries_in(folder, of)
    return f"# {title}\n\n{words}\n\n" + toctree(entries, ":titlesonly:") + "\n"


def entries_in(folder: str, of: dict[str, str]) -> list[str]:
    """Lines of a list, as its page in that folder has them."""
    return [
        f"{short(place, title)} <{place.removeprefix(folder + '/')}>"
        for place, title in of.items()
    ]


def solutions_page(site: Map, of: dict[str, str]) -> str:
    """What lecturers read about grading, with the solutions under it."""
    home = "notebooks/solutions/README.md"
    text = site.on_site((ROOT / home).read_text(encoding="utf-8"), home)
    listed = toctree(entries_in("solutions", of), ":titlesonly:")
    return f"{text}\n## The solutions\n\n{listed}\n"


def slides_page(of: dict[str, str]) -> str:
    """Links to the slides, which are no pages of Sphinx's."""
    lines = [f'<li><a href="slides/{name}.html">{t}</a></li>' for name, t in of.items()]
    words = (
        "The lessons as slides. The key S opens a window with the speaker's notes. "
        "With `?print-pdf` behind the address they print as handouts."
    )
    return f"# Slides\n\n{words}\n\n<ul>\n" + "\n".join(lines) + "\n</ul>\n"


def front_page(site: Map, lists: dict[str, dict[str, str]]) -> str:
    """The first page, with the route and all that the side bar lists."""
    readme = (NOTEBOOKS / "README.md").read_text(encoding="utf-8")
    asked = {m["file"][: -len(".ipynb")]: m["words"] for m in QUESTION.finditer(readme)}
    route = "\n".join(
        f"| [{title}]({place}.ipynb) | {asked.get(place, '')} |"
        for place, title in lists["lessons"].items()
    )
    sheets = "\n".join(
        f"- [{title}]({place}.ipynb)" for place, title in lists["sheets"].items()
    )
    text = FRONT.read_text(encoding="utf-8")
    film = site.target(FILM, "README.md")
    for name, words in {"ROUTE": route, "SHEETS": sheets, "FILM": film}.items():
        text = text.replace(f"<!-- {name} -->", words)
    hidden = (":hidden:", ":titlesonly:")
    practice = ["exercises/index", "projects/index", *lists["yours"]]
    lecturers = [
        "The course in class <for_lecturers>",
        "Solutions and grading <solutions/index>",
    ]
    more = ["deeper/index", "slides", "Reference <reference/index>", "changelog"]
    return "\n\n".join(
        [
            text,
            toctree(list(lists["lessons"]), ":caption: Lessons", *hidden),
            toctree(list(lists["sheets"]), ":caption: Sheets", *hidden),
            toctree(practice, ":caption: Practice", *hidden),
            toctree(lecturers, ":caption: For lecturers", *hidden),
            toctree(more, ":caption: More", *hidden),
        ]
    )
