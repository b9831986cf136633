"""The kinds of code cell: plain ones, and folded ones, whose tag says why.

A folded cell hides its source until somebody asks for it. Scripts say so in the words
of JupyterLab (`jupyter={"source_hidden": true}`), saved notebooks also in Colab's.
"""

from nbformat import NotebookNode


def tags(cell: NotebookNode) -> list[str]:
    """The tags of a cell."""
    return cell.metadata.get("tags", [])


def is_folded(cell: NotebookNode) -> bool:
    """Whether JupyterLab hides a cell's source."""
    return cell.metadata.get("jupyter", {}).get("source_hidden", False)


def fold_on_colab(cell: NotebookNode) -> None:
    """Have Colab hide the source of a folded cell behind its `# @title`, too."""
    if is_folded(cell):
        cell.metadata["cellView"] = "form"
