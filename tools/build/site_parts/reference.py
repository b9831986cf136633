"""The package's docstrings as pages: read from the source, nothing is imported.

So the site can be built where neither PyTorch nor TensorFlow is installed.
"""

import ast
import re
from collections.abc import Iterator
from inspect import cleandoc
from pathlib import Path

Definition = ast.FunctionDef | ast.ClassDef
SECTION = re.compile(r"^(Args|Attributes|Returns|Raises|Yields|Examples?):$")
ROW = re.compile(r"^(?P<name>\w[\w./]*) {2,}(?P<words>\S.*)$")  # of a list of modules
ENTRY = re.compile(r"^(?P<name>\*{0,2}\w[\w., *]*): (?P<words>.*)$")


def pages(package: Path) -> dict[str, str]:
    """Markdown for each folder of a package, by the folder's name.

    The package's own modules and docstring are under the name "index".
    """
    found = {"index": page_of(package, package.name)}
    for folder in sorted(package.iterdir()):
        if (folder / "__init__.py").is_file():
            found[folder.name] = page_of(folder, f"{package.name}.{folder.name}")
    return found


def page_of(folder: Path, name: str) -> str:
    """Markdown for a folder's modules; a folder in a folder has no page of its own."""
    parts = [f"# {name}", content(parse(folder / "__init__.py"), name)]
    parts += modules(folder, name)
    for inner in sorted(folder.glob("*/__init__.py")):
        if "." in name:
            parts += modules(inner.parent, f"{name}.{inner.parent.name}")
    return "\n\n".join(filter(None, parts)) + "\n"


def modules(folder: Path, name: str) -> Iterator[str]:
    """Markdown for each module of a folder that has words or names to show."""
    for path in sorted(folder.glob("*.py")):
        full = f"{name}.{path.stem}"
        words = content(parse(path), full)
        if words and path.stem != "__init__":
            yield f"## {full.partition('.')[2]}\n\n{words}"


def parse(path: Path) -> ast.Module:
    """The syntax tree of a file."""
    return ast.parse(path.read_text(encoding="utf-8"))


def content(tree: ast.Module, name: str) -> str:
    """A module's docstring and what it defines; nothing if it has neither."""
    parts = [docstring_of(tree), *(definition(node, 5) for node in public(tree))]
    words = "\n\n".join(filter(None, parts))
    return f"```{{py:module}} {name}\n```\n\n{words}" if words else ""


def public(tree: ast.Module | ast.ClassDef) -> Iterator[Definition]:
    """What somebody may use, in the file's order."""
    for node in tree.body:
        if isinstance(node, Definition) and not node.name.startswith("_"):
            yield node


def definition(node: Definition, ticks: int) -> str:
    """A directive of Sphinx for a function, or a class with its methods."""
    fence = "`" * ticks
    parts = [docstring_of(node)]
    if isinstance(node, ast.FunctionDef):
        kind = "py:method" if ticks < 5 else "py:function"
        head = signature(node)
    else:
        kind = "py:class"
        bases = ", ".join(ast.unparse(base) for base in node.bases)
        head = f"{node.name}({bases})" if bases else node.name
        parts += [
            fields(node),
            *(definition(inner, ticks - 1) for inner in public(node)),
        ]
    content = "\n\n".join(filter(None, parts))
    return f"{fence}{{{kind}}} {head}\n{content}\n{fence}"


def signature(node: ast.FunctionDef) -> str:
    """A function's name, arguments and what it returns, in one line."""
    node.args.args = [a for a in node.args.args if a.arg not in {"self", "cls"}]
    returns = f" -> {ast.unparse(node.returns)}" if node.returns else ""
    return f"{node.name}({ast.unparse(node.args)}){returns}"


def fields(node: ast.ClassDef) -> str:
    """The fields of a dataclass or a named tuple, as code."""
    lines = [ast.unparse(n) for n in node.body if isinstance(n, ast.AnnAssign)]
    return "```python\n{}\n```".format("\n".join(lines)) if lines else ""


def docstring_of(node: ast.Module | Definition) -> str:
    """A docstring in Google's style as Markdown; nothing if there is none."""
    text = ast.get_docstring(node, clean=True) or ""
    return "\n".join(markdown_lines(text.splitlines())).strip()


def markdown_lines(lines: list[str]) -> Iterator[str]:
    """The lines of a docstring, with its sections as lists under bold words."""
    while lines:
        line, *lines = lines
        if SECTION.match(line):
            size = length(lines)
            body, lines = cleandoc("\n" + "\n".join(lines[:size])), lines[size:]
            yield from ("", f"**{line[:-1]}**", "", *entries(body), "")
        else:
            yield ROW.sub(r"- `\g<name>`: \g<words>", line)


def length(lines: list[str]) -> int:
    """How many lines, from the first, are indented or empty."""
    ends = (i for i, line in enumerate(lines) if line and not line.startswith(" "))
    return next(ends, len(lines))


def entries(body: str) -> Iterator[str]:
    """A section's lines `name: words` as a list; other lines stay as they are."""
    for line in body.splitlines():
        yield ENTRY.sub(r"- `\g<name>`: \g<words>", line)
