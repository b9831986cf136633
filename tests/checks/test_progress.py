"""How many exercises are solved, in saved notebooks."""

import json

import pytest

from course_utils.checks import progress

CHECKS = "check_kl(kl)\ncheck_elbo(elbo)\n"


def cell(source, *printed, kind="code"):
    made = {"cell_type": kind, "source": source.splitlines(True), "metadata": {}}
    streams = [{"output_type": "stream", "name": n, "text": t} for n, t in printed]
    return made | ({"outputs": streams} if kind == "code" else {})


@pytest.fixture
def folder(tmp_path):
    def write(**notebooks):
        for name, cells in notebooks.items():
            path = tmp_path / f"{name.replace('_mine', '-mine')}.ipynb"
            path.write_text(json.dumps({"cells": cells}))
        return tmp_path

    return write


def rows(folder):
    """What a report says of each set, and what it says below them."""
    lines = progress.report(folder).splitlines()
    end = next(i for i, line in enumerate(lines) if line.startswith("all "))
    table = [line.split() for line in lines[1 : end + 1]]
    return {name: (int(a), int(b)) for name, a, b in table}, lines[end + 1 :]


def test_what_was_printed_is_counted(folder):
    found, below = rows(
        folder(
            one=[
                cell("check_kl(kl)", ("stdout", "kl: right.\n")),
                cell("check_elbo(elbo)", ("stderr", "elbo: right.\n")),
                cell("# check_iwae(x)\nfrom course_utils import check_x"),
                cell("kl: right.\ncheck_none(x)", kind="markdown"),
            ],
            two=[cell(CHECKS, ("stdout", ["kl: right.\n", "elbo: right.\n"]))],
            three=[cell("if True:\n    check_vae(x)", ("stdout", "vae: right. Ha\n"))],
            no_checks=[cell("print(3)", ("stdout", "kl: right.\n"))],
        )
    )
    assert found == {"one": (1, 2), "two": (2, 2), "three": (0, 1), "all": (3, 5)}
    assert len(below) == 1
    assert "before you save" in below[0]


def test_copies_count_with_what_they_are_copies_of(folder):
    found, _ = rows(
        folder(
            vae=[cell(CHECKS)],
            vae_mine=[cell(CHECKS, ("stdout", "kl: right.\n"))],
            **{"vae_mine-2": [cell(CHECKS, ("stdout", "kl: right.\nelbo: right."))]},
        )
    )
    assert found == {"vae": (2, 2), "all": (2, 2)}


BROKEN = ["", "{", "[]", "3", "{}", '{"cells": 3}', '{"cells": [3]}', "[" * 99_999]
BROKEN += ['{"cells": [{"cell_type": "code"}]}', "\udcff"]
BROKEN += ['{"cells": [{"cell_type": "code", "source": "", "outputs": 3}]}']


@pytest.mark.parametrize("text", BROKEN)
def test_what_is_no_notebook_is_named_and_the_others_count(folder, text):
    path = folder(good=[cell("check_kl(kl)")])
    (path / "bad.ipynb").write_bytes(text.encode("utf-8", "surrogateescape"))
    (path / "a folder.ipynb").mkdir()
    found, below = rows(path)
    assert found == {"good": (0, 1), "all": (0, 1)}
    assert below[:2] == [
        f"{name}.ipynb is no notebook that can be read." for name in ("a folder", "bad")
    ]


def test_a_folder_without_exercises_gets_a_sentence(folder, capsys):
    path = folder(notes=[cell("1 + 1")])
    assert progress.main([str(path)]) == 0
    assert capsys.readouterr().out == f"No notebook in {path} has an exercise in it.\n"
    assert progress.main([str(path / "none")]) == 1
    assert capsys.readouterr().out == f"There is no folder {path / 'none'}.\n"
    assert progress.main(["a", "b"]) == 2
    assert "How to call it" in capsys.readouterr().out


def test_a_single_notebook_may_be_named(folder):
    path = folder(one=[cell("check_kl(kl)")], two=[cell("check_kl(kl)")])
    assert rows(path / "one.ipynb")[0] == {"one": (0, 1), "all": (0, 1)}


def test_the_courses_own_exercises_are_read_if_no_folder_is_named(capsys):
    assert progress.main([]) == 0
    sets = {path.stem for path in progress.EXERCISES.glob("*.ipynb")}
    printed = {line.split()[0] for line in capsys.readouterr().out.splitlines()}
    assert sets - {path for path in sets if "-mine" in path} <= printed


def test_elsewhere_the_working_folder_is_read(folder, monkeypatch, capsys):
    monkeypatch.chdir(folder(mine=[cell("check_kl(kl)")]))
    monkeypatch.setattr(progress, "EXERCISES", progress.EXERCISES / "not there")
    assert progress.main([]) == 0
    assert capsys.readouterr().out.splitlines()[1].split() == ["mine", "0", "1"]


def test_nothing_is_changed(folder):
    path = folder(one=[cell(CHECKS, ("stdout", "kl: right.\n"))])
    before = {p: (p.read_bytes(), p.stat().st_mtime_ns) for p in path.iterdir()}
    progress.main([str(path)])
    assert before == {p: (p.read_bytes(), p.stat().st_mtime_ns) for p in path.iterdir()}
