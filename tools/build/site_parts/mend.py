"""What the theme writes and a screen reader cannot read out, set right after the build.

Each is a fault that axe-core calls serious: a switch without a name, or one whose name
is not what stands on it.
"""

import re
from pathlib import Path

FAULTS = (
    # the switches of the side bar, which have a picture alone
    (r'<summary>(?=<span class="toctree-toggle")', '<summary aria-label="Its pages">'),
    # those of folded cells: their titles are better names
    (r'<summary aria-label="Toggle hidden content">', "<summary>"),
    # the search button, which also shows its keys
    (r'(<button class="btn search-button-field[^>]*?) aria-label="Search"', r"\1"),
)


def mend(page: Path) -> None:
    """Rewrite a page of the site."""
    text = page.read_text(encoding="utf-8")
    for fault, right in FAULTS:
        text = re.sub(fault, right, text)
    page.write_text(text, encoding="utf-8")
