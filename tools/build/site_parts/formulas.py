"""Formulas for KaTeX: Sphinx writes their source, `formulas.js` has it set."""

from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.writers.html5 import HTML5Translator


def inline(self: HTML5Translator, node: nodes.math) -> None:
    """Write a formula in a line."""
    self.body.append(self.starttag(node, "span", "", CLASS="math"))
    self.body.append(self.encode(node.astext()) + "</span>")
    raise nodes.SkipNode


def display(self: HTML5Translator, node: nodes.math_block) -> None:
    """Write a formula that has lines of its own."""
    self.body.append(self.starttag(node, "div", "", CLASS="math"))
    self.body.append(self.encode(node.astext()) + "</div>\n")
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, Any]:
    """Tell Sphinx."""
    app.add_html_math_renderer("katex", (inline, None), (display, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
