"""The built site, where it is to be walked: COURSE_SITE=build/site/html."""

import os
import re
from functools import partial
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

ROOT = Path(__file__).parents[2]
ELSEWHERE = re.compile(r"(https?|wss?)://(?!127\.0\.0\.1:)")


class Silent(SimpleHTTPRequestHandler):
    """Serves files and says nothing."""

    def log_message(self, *_):
        """Keep silent."""


class Page(HTMLParser):
    """What a page links to and shows, and the names that links to it may have."""

    def __init__(self, path):
        super().__init__()
        self.links, self.names, self.pictures = [], {"", "top"}, []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        if "id" in found:
            self.names.add(found["id"])
        for name in ("href", "src"):
            if found.get(name) and tag != "base":
                self.links.append(found[name])
        if tag == "img":
            self.pictures.append(found)


@pytest.fixture(scope="session")
def html():
    """The folder of the built site."""
    folder = os.environ.get("COURSE_SITE")
    if not folder:
        pytest.skip("the built site is not to be walked: make site-test")
    folder = (ROOT / folder).resolve()
    assert (folder / "index.html").is_file(), "`make site` has not made it"
    return folder


@pytest.fixture(scope="session")
def pages(html):
    """The pages of the built site, read, by their paths in it."""
    paths = [p for p in sorted(html.rglob("*.html")) if "_static" not in p.parts]
    return {path.relative_to(html).as_posix(): Page(path) for path in paths}


@pytest.fixture(scope="session")
def address(html):
    """Where a server of this machine has the built site."""
    handler = partial(Silent, directory=str(html))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.fixture
def walker(chromium, address):
    """Opens pages of the site in a window that reaches nothing else."""
    contexts = []

    def open_page(place, **options):
        context = chromium.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.refused, page.errors = [], []
        page.on("pageerror", lambda error: page.errors.append(str(error)))

        def refuse(route):
            page.refused.append(route.request.url)
            route.abort()

        page.route(ELSEWHERE, refuse)
        page.goto(address + place)
        return page

    yield open_page
    for context in contexts:
        context.close()
