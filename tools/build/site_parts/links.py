"""Where a link of a page leads on the site: to a page, a copied picture, or GitHub."""

import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote

from addresses import address_and_tag

ROOT = Path(__file__).parents[3]
LINK = re.compile(r"\]\((?P<target>[^()\s#]+)(?P<anchor>#[^()\s]*)?\)")
ELSEWHERE = re.compile(r"[a-z][a-z+.-]*:", re.I)
PICTURES = {".png", ".gif", ".svg", ".jpg", ".webp"}
FILES = "_files"  # pictures that pages show and that lie beside no page


@dataclass
class Map:
    """Which file or folder of the repository is which page of the site.

    Attributes:
        pages: paths from the repository's root to paths in the site's source.
        pictures: paths from the root of pictures that pages show; filled by `on_site`.
    """

    pages: Mapping[str, str]
    pictures: set[str] = field(default_factory=set)

    def on_site(self, text: str, home: str) -> str:
        """Markdown with links that are right on the site.

        Args:
            text: as it stands in the repository, where its links are right on GitHub.
            home: the path from the root of the file that it stands in.
        """

        def lead(link: re.Match[str]) -> str:
            target = self.target(link["target"], home)
            return f"]({target or link['target']}{link['anchor'] or ''})"

        return LINK.sub(lead, text)

    def target(self, link: str, home: str) -> str | None:
        """Where a link leads from the page of `home`; None if it can stay as it is."""
        if ELSEWHERE.match(link):
            return None
        path = posixpath.normpath(posixpath.join(posixpath.dirname(home), link))
        path = unquote(path)
        if path in self.pages:
            return self.between(home, self.pages[path])
        if path.startswith("..") or not (ROOT / path).exists():
            return None
        if posixpath.splitext(path)[1] in PICTURES:
            self.pictures.add(path)
            return self.between(home, f"{FILES}/{path}")
        return on_github(path)

    def between(self, home: str, place: str) -> str:
        """The way from the page of `home` to a place in the site's source."""
        return posixpath.relpath(place, posixpath.dirname(self.pages[home]) or ".")


def on_github(path: str) -> str:
    """The address of a file or folder, as it was at the release."""
    address, tag = address_and_tag()
    kind = "tree" if (ROOT / path).is_dir() else "blob"
    return f"{address}/{kind}/{tag}/{path}"
