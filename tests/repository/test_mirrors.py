"""What a lesson defines in a cell tagged `mirrors` is what the package defines.

Definitions are compared without docstrings, without the annotations of functions (those
in the body of a class stay, since a dataclass lives by them), and without what guards
the package's from its users' arrays and settings. Whatever one takes from around itself
must mean the same in the lesson as in the package.
"""

import ast
import builtins
from collections import Counter
from functools import cache
from pathlib import Path
from textwrap import dedent

import jupytext
import pytest
from course_files import course_files
from IPython.core.inputtransformer2 import TransformerManager
from nbformat import v4

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "course_utils"
FOLDER = ROOT / "notebooks" / "scripts"
PAGES = (FOLDER, FOLDER / "deeper")
SCRIPTS = [path for path in course_files(FOLDER, ".py") if path.parent in PAGES]

# A student reads these in full in one lesson or another.
ESSENTIAL = {
    "MLPEncoder",
    "MLPDecoder",
    "MLPVAE",
    "GaussianPixels",
    "reparameterize",
    "kl_to_standard_normal",
    "bernoulli_log_likelihood",
    "gaussian_log_likelihood",
    "elbo",
    "vae_step",
    "MLPGenerator",
    "MLPDiscriminator",
    "discriminator_loss",
    "generator_loss",
    "descend",
    "gan_step",
    "input_gradient",
    "zero_centred_penalty",
    "penalized_step",
    "packed_step",
    "relativistic_loss",
    "relativistic_step",
    "train_with_remedies",
    "BatchNorm",
    "Dropout",
    "Generator",
    "Discriminator",
    "simultaneous_step",
    "real_penalty_step",
    "renormalize",
    "great_circle",
    "slant",
    "spread_times",
    "step_back",
}
# Of the Keras wing, whose names are partly the same, by lesson. `ConvVAE` has the steps
# of training and testing.
ESSENTIAL_IN_KERAS = {
    "04_vae_keras": {
        "ConvEncoder",
        "ConvDecoder",
        "ConvVAE",
        "reparameterize",
        "kl_to_standard_normal",
        "bernoulli_log_likelihood",
        "elbo",
    },
    "08_dcgan_keras": {
        "Generator",
        "Discriminator",
        "discriminator_loss",
        "generator_loss",
        "simultaneous_step",
    },
}
FUNCTION = ast.FunctionDef | ast.AsyncFunctionDef
# They refuse what does not fit, and keep a user's settings out; none changes a result.
GUARDS = {"check_images", "check_same_shape", "check_one_number"}
GUARDING_DECORATORS = {"own_settings"}


def called(node):
    """The name of the function that an expression calls, if it is one."""
    return getattr(getattr(node, "func", None), "id", None)


class Bare(ast.NodeTransformer):
    """Drops docstrings, the annotations of functions, and guards."""

    in_class = False

    def visit_Expr(self, node):
        return None if called(node.value) in GUARDS else node

    def visit_arg(self, node):
        node.annotation = None
        return node

    def visit_AnnAssign(self, node):
        if self.in_class:
            return node
        if node.value is None:
            return None
        return ast.copy_location(ast.Assign([node.target], node.value), node)

    def visit_ClassDef(self, node):
        return self.body_of(node, in_class=True)

    def visit_FunctionDef(self, node):
        node.returns = None
        node.decorator_list = [
            decorator
            for decorator in node.decorator_list
            if called(decorator) not in GUARDING_DECORATORS
        ]
        return self.body_of(node, in_class=False)

    visit_AsyncFunctionDef = visit_FunctionDef

    def body_of(self, node, in_class):
        outside, self.in_class = self.in_class, in_class
        if ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:]
        self.generic_visit(node)
        self.in_class = outside
        node.body = node.body or [ast.Pass()]
        return node


def bare(node):
    """A copy of a definition without what does not count."""
    return Bare().visit(ast.parse(ast.unparse(node)).body[0])


def same(one, other):
    return ast.unparse(bare(one)) == ast.unparse(bare(other))


def definitions(tree):
    """Classes and functions at the top of a module or a cell."""
    return [n for n in tree.body if isinstance(n, FUNCTION | ast.ClassDef)]


def imports(tree):
    """What each imported name stands for, as a dotted path; by name, all of them."""
    found = {}
    for node in tree.body:
        prefix = f"{node.module}." if isinstance(node, ast.ImportFrom) else ""
        for alias in getattr(node, "names", []):
            name = alias.asname or alias.name.split(".")[0]
            path = alias.name if prefix or alias.asname else name
            found.setdefault(name, set()).add(prefix + path)
    return found


def constants(tree):
    """Plain assignments at the top: name, and the expression as text."""
    return {
        target.id: ast.unparse(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None
        for target in getattr(node, "targets", [getattr(node, "target", None)])
        if isinstance(target, ast.Name)
    }


def names_taken_from_around(definition):
    """Names that a definition reads and does not bind itself."""
    nodes = list(ast.walk(bare(definition)))
    read = {n.id for n in nodes if isinstance(n, ast.Name)}
    bound = {
        n.id
        for n in nodes
        if isinstance(n, ast.Name) and not isinstance(n.ctx, ast.Load)
    }
    bound |= {n.arg for n in nodes if isinstance(n, ast.arg)}
    bound |= {n.name for n in nodes if isinstance(n, FUNCTION)}  # inside of it too
    return read - bound - {definition.name} - set(dir(builtins))


class Package:
    """The definitions of a package's modules."""

    def __init__(self, folder):
        self.trees = {
            ".".join((folder.name, *path.relative_to(folder).with_suffix("").parts)): (
                ast.parse(path.read_text(encoding="utf-8"))
            )
            for path in sorted(folder.rglob("*.py"))
        }

    def homes(self, name, wing):
        """Modules that define a name: those of a wing, else those of neither."""
        modules = [
            module
            for module, tree in self.trees.items()
            if name in {d.name for d in definitions(tree)}
        ]
        inside = [m for m in modules if m.startswith(f"course_utils.{wing}.")]
        wings = ("course_utils.pytorch.", "course_utils.tfkeras.")
        return inside or [m for m in modules if not m.startswith(wings)]

    def definition(self, module, name):
        tree = self.trees[module]
        return next(d for d in definitions(tree) if d.name == name)

    def resolve(self, path):
        """The module that defines an imported name, through re-exports."""
        module, _, name = path.rpartition(".")
        onward = imports(self.trees[module]).get(name) if module in self.trees else None
        return self.resolve(*onward) if onward else path

    def meaning(self, module, name):
        """What a name stands for in a module: a dotted path, or a constant's text."""
        tree = self.trees[module]
        if name in {d.name for d in definitions(tree)}:
            return f"{module}.{name}"
        if name in imports(tree):
            (path,) = imports(tree)[name]
            return self.resolve(path)
        return constants(tree).get(name)


class Lesson:
    """The cells of a lesson, as syntax trees."""

    def __init__(self, notebook):
        code = [cell for cell in notebook.cells if cell.cell_type == "code"]
        plain = TransformerManager().transform_cell
        trees = [ast.parse(plain(cell.source)) for cell in code]
        self.whole = ast.Module([n for tree in trees for n in tree.body], [])
        self.mirrors = [
            tree
            for tree, cell in zip(trees, code, strict=True)
            if "mirrors" in cell.metadata.get("tags", [])
        ]
        self.mirrored = {d.name: d for tree in self.mirrors for d in definitions(tree)}
        modules = {path for paths in imports(self.whole).values() for path in paths}
        keras = any(path.split(".")[0] in ("keras", "tensorflow") for path in modules)
        self.wing = "tfkeras" if keras else "pytorch"


def faults(lesson, package):
    """Sentences on what a lesson's mirrored cells get wrong."""
    for tree in lesson.mirrors:
        if not definitions(tree):
            yield f"a cell tagged mirrors defines nothing: {ast.unparse(tree)[:60]}"
    for name, definition in lesson.mirrored.items():
        homes = package.homes(name, lesson.wing)
        equal = [m for m in homes if same(definition, package.definition(m, name))]
        if not homes:
            yield f"{name} is not defined in the package"
        elif not equal:
            yield f"{name} differs from {homes[0]}.{name}"
        else:
            yield from faults_around(lesson, package, equal[0], name)


def faults_around(lesson, package, module, name):
    """Names that mean one thing in the lesson and another in the package."""
    for used in sorted(names_taken_from_around(lesson.mirrored[name])):
        expected = package.meaning(module, used)
        found = {package.resolve(p) for p in imports(lesson.whole).get(used, ())}
        if used in lesson.mirrored:
            found |= {f"{m}.{used}" for m in package.homes(used, lesson.wing)}
        elif used in {d.name for d in definitions(lesson.whole)}:
            found.add("a definition that is not compared")
        if used in constants(lesson.whole):
            found.add(constants(lesson.whole)[used])
        if found != {expected}:
            yield f"{name} uses {used}: {expected} in {module}, but here {found}"


def names_with_two_homes(lessons):
    homes = Counter((lesson.wing, n) for lesson in lessons for n in lesson.mirrored)
    return [name for (_, name), count in homes.items() if count > 1]


@cache
def course_utils():
    return Package(PACKAGE)


@cache
def lesson_of(script):
    return Lesson(jupytext.read(script))


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_mirrored_definitions_are_those_of_the_package(script):
    assert list(faults(lesson_of(script), course_utils())) == []


def test_each_mirrored_definition_has_one_home():
    assert names_with_two_homes(map(lesson_of, SCRIPTS)) == []


def test_every_essential_definition_has_a_home():
    mirrored = {name for script in SCRIPTS for name in lesson_of(script).mirrored}
    assert mirrored >= ESSENTIAL


@pytest.mark.parametrize("stem", ESSENTIAL_IN_KERAS)
def test_a_keras_lesson_shows_its_essential_definitions_itself(stem):
    (script,) = [script for script in SCRIPTS if script.stem == stem]
    assert lesson_of(script).wing == "tfkeras"
    assert lesson_of(script).mirrored.keys() >= ESSENTIAL_IN_KERAS[stem]


def test_the_pytorch_lesson_shows_the_vae_itself():
    (script,) = [script for script in SCRIPTS if script.stem == "03_vae_pytorch"]
    assert {"MLPVAE", "elbo", "vae_step"} <= lesson_of(script).mirrored.keys()


SMALL_PACKAGE = {
    "metrics.py": """
        def spread(x):
            return max(x) - min(x)
    """,
    "pytorch/runtime.py": '''
        def autocast(device):
            """The context."""
    ''',
    "pytorch/vae.py": '''
        import math
        from dataclasses import dataclass

        import torch.nn.functional as F
        from torch import Tensor, nn

        from course_utils.pytorch.runtime import autocast

        SCALE = 0.5

        def half(x: Tensor) -> Tensor:
            """Half of x."""
            result: Tensor = F.relu(x)
            return SCALE * result * math.pi

        @dataclass
        class Terms:
            """Two terms."""

            kl: float
            count: int = 0

            def total(self, beta: float = 1.0) -> float:
                """Their sum."""
                with autocast("cpu"):
                    return half(self.kl) + beta
    ''',
}
SETUP = """
    import math
    from dataclasses import dataclass
    import torch.nn.functional as F
    from course_utils.pytorch.runtime import autocast
    SCALE = 0.5
"""
HALF = """
    def half(x):
        result = F.relu(x)
        return SCALE * result * math.pi
"""
TERMS = """
    @dataclass
    class Terms:
        kl: float
        count: int = 0

        def total(self, beta=1.0):
            with autocast("cpu"):
                return half(self.kl) + beta
"""


@pytest.fixture
def package(tmp_path):
    for name, source in SMALL_PACKAGE.items():
        path = tmp_path / "course_utils" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(source))
    return Package(tmp_path / "course_utils")


def lesson(*mirrored, setup=SETUP):
    tags = {"tags": ["mirrors"]}
    cells = [v4.new_code_cell(dedent(cell), metadata=tags) for cell in mirrored]
    return Lesson(v4.new_notebook(cells=[v4.new_code_cell(dedent(setup)), *cells]))


def test_equal_definitions_pass(package):
    assert list(faults(lesson(HALF, TERMS), package)) == []


def test_docstrings_and_annotations_of_functions_do_not_count(package):
    annotated = HALF.replace("half(x)", "half(x: int) -> int")
    annotated = annotated.replace("result =", "result: int =")
    documented = TERMS.replace("kl: float", '"""Words."""\n        kl: float')
    assert list(faults(lesson(annotated, documented), package)) == []


def test_names_may_come_through_a_module_that_passes_them_on(package):
    setup = SETUP.replace("pytorch.runtime", "pytorch.vae")
    assert list(faults(lesson(HALF, TERMS, setup=setup), package)) == []


def test_an_earlier_lessons_definition_may_be_imported(package):
    setup = SETUP + "    from course_utils.pytorch.vae import half\n"
    assert list(faults(lesson(TERMS, setup=setup), package)) == []


def test_what_belongs_to_no_wing_is_found_too(package):
    assert not list(faults(lesson("def spread(x): return max(x) - min(x)"), package))


@pytest.mark.parametrize(
    "old, new, complaint",
    [
        ("SCALE * result", "result * SCALE", "half differs"),
        ("half(x)", "half(x, y=1)", "half differs"),
        ("count: int", "count: float", "Terms differs"),
        ("count: int = 0", "count = 0", "Terms differs"),
        ("beta=1.0", "beta=2.0", "Terms differs"),
        ("    @dataclass\n", "", "Terms differs"),
        ("half", "third", "third is not defined"),
        ("    import math\n", "", "half uses math"),
        ("import math", "import numpy as math", "half uses math"),
        ("functional as F", "quantized as F", "half uses F"),
        ("import autocast", "import half as autocast", "Terms uses autocast"),
        ("SCALE = 0.5", "SCALE = 0.4", "half uses SCALE"),
        ("    SCALE = 0.5\n", "    SCALE = 0.5\n    import y as F\n", "half uses F"),
    ],
)
def test_a_planted_difference_is_found(package, old, new, complaint):
    setup, half, terms = (text.replace(old, new) for text in (SETUP, HALF, TERMS))
    assert (setup, half, terms) != (SETUP, HALF, TERMS)
    found = list(faults(lesson(half, terms, setup=setup), package))
    assert any(sentence.startswith(complaint) for sentence in found), found


def test_a_helper_that_is_not_compared_is_found(package):
    (fault,) = faults(lesson(TERMS, setup=SETUP + HALF), package)
    assert fault.startswith("Terms uses half")


def test_a_tag_without_a_definition_is_found(package):
    (fault,) = faults(lesson("x = 1"), package)
    assert "defines nothing" in fault


def test_two_homes_are_found_but_the_other_framework_has_its_own():
    one, two = lesson(HALF), lesson(HALF)
    keras = lesson(HALF, setup=SETUP + "    import keras\n")
    assert names_with_two_homes([one, keras]) == []
    assert names_with_two_homes([one, two, keras]) == ["half"]
