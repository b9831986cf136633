"""Both wings have the same files, and what both have is called in the same way.

The exceptions stand in three tables, each with its reason. They are compared with the
code in both directions: what is missing in a table fails, and what is no longer true.
"""

import ast
import importlib
import inspect
from pathlib import Path

import pytest

import course_utils

WINGS = {
    wing: Path(course_utils.__file__).with_name(wing) for wing in ("pytorch", "tfkeras")
}
FILES = {
    wing: {path.stem for path in folder.glob("*.py")} for wing, folder in WINGS.items()
}
BOTH = sorted((FILES["pytorch"] & FILES["tfkeras"]) - {"__init__"})
# Files, by wing.
ONLY_FILES = {
    "pytorch": {
        "capture": "TensorFlow's steps are graphs already",
        "diffusion": "taught in PyTorch alone",
        "layers": "Keras has these layers: padding, batch normalization, dropout",
        "remedies": "mode collapse is taught, and measured, in PyTorch",
        "spins": "a sampler that is trained in PyTorch alone",
        "wave_functions": "of spins, trained in PyTorch alone",
        "team": "in Keras a strategy of tf.distribute",
        "unet": "the network of a diffusion",
    },
    "tfkeras": {"batches": "fit is handed its batches; PyTorch's loop deals its own"},
}
# Names, by wing and module.
ONLY_NAMES = {
    "pytorch": {
        "device": {
            "batches": "the loop's minibatches; tfkeras has a file of them",
            "device_of evaluating": "Keras places models, and is told training=...",
            "to_images": "from NCHW, which Keras does not have",
            "Network": "a protocol for the type checker; Keras has no types",
            "adam rates_on": "rates that a captured step can read",
            "precision_on": "Keras's policies know no processor",
        },
        "game": {
            "averaged update_average": "averages, which a Keras game refuses",
            "seeded": "global generators; Keras has none",
        },
        "gan": {
            "gan_step penalized_step real_penalty_step descend": "taught in PyTorch",
            "input_gradient gradient_penalty zero_centred_penalty": "taught there",
            "relativistic_loss": "taught there",
            "DCGAN_RECIPE LECTURES_RECIPE": "what ships was trained in PyTorch",
        },
        "likelihoods": {
            "BernoulliPixels GaussianPixels GaussianColumns": "for the dense VAE",
            "Likelihood": "a protocol for the type checker",
        },
        "networks": {
            "MLPEncoder MLPDecoder": "for the dense VAE",
            "MLPGenerator MLPDiscriminator": "for the games on points",
            "MLPVelocity": "for the diffusion of points",
            "SLOPE": "Keras's own default",
        },
        "vae": {
            "MLPVAE": "the dense VAE",
            "vae_step": "in Keras a model's train_step",
            "VAE TrainableVAE": "protocols for the type checker",
        },
    },
    "tfkeras": {
        "device": {
            "quiet_start without_remapping expecting_tracings": "TensorFlow's notices",
            "Adam": "TensorFlow's memory",
            "MeanAdam": "devices that share a batch",
            "FLOAT": "what the user's keras.json may change",
            "dropout_states leaf_layers": "of Keras's layers",
            "versions": "of two libraries; PyTorch has one",
            "Function": "a decorated function's type",
        },
        "training": {"Recorder": "fit's callback"},
        "vae": {
            "VAEBase FirstNotFinite": "what fit needs of a model",
            "Batch TERMS": "what fit needs of a model",
        },
        "weights": {"TORCH_AXES TORCH_NAMES": "translate into PyTorch's layouts"},
    },
}
# Names that both have, and whose arguments differ.
OTHER_ARGUMENTS = {
    "training.train_gan": "`compiled`; what Keras does is compiled",
    "training.train_vae": "`compiled`; what Keras does is compiled",
    "device.to_tensor": "PyTorch's tensors are put on a device; TensorFlow picks",
    "vae.log_weights": "a generator in PyTorch, a seed in Keras, which has none",
}


def module_of(wing, name):
    return importlib.import_module(f"course_utils.{wing}.{name}")


def public_names(wing, module):
    """What a module defines itself, whatever it imports."""
    names = set()
    for node in ast.parse((WINGS[wing] / f"{module}.py").read_text()).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Assign):
            names |= {target.id for target in node.targets}
        elif isinstance(node, ast.AnnAssign):
            names.add(node.target.id)
    return {name for name in names if not name.startswith("_")}


def arguments(function):
    """Names, kinds and defaults; annotations apart, which name tensors."""
    parameters = inspect.signature(function).parameters.values()
    return [(p.name, p.kind, p.default) for p in parameters]


def common_callables():
    """Functions and classes that both wings have, and such classes' own methods."""
    found = {}
    for module in BOTH:
        wings = [module_of(wing, module) for wing in WINGS]
        for name in public_names("pytorch", module) & public_names("tfkeras", module):
            pair = [getattr(wing, name) for wing in wings]
            if not (inspect.isfunction(pair[0]) or inspect.isclass(pair[0])):
                continue  # constants, and other names of types
            found[f"{module}.{name}"] = pair
            if inspect.isclass(pair[0]):
                methods = vars(pair[0]).keys() & vars(pair[1]).keys()
                for method in (m for m in methods if not m.startswith("_")):
                    twins = [getattr(one, method) for one in pair]
                    found[f"{module}.{name}.{method}"] = twins
    return found


CALLABLES = common_callables()


@pytest.mark.parametrize(
    "wing, other", [("pytorch", "tfkeras"), ("tfkeras", "pytorch")]
)
def test_both_wings_have_the_same_files_but_for_those_with_a_reason(wing, other):
    assert FILES[wing] - FILES[other] == set(ONLY_FILES[wing])


@pytest.mark.parametrize("module", BOTH)
@pytest.mark.parametrize(
    "wing, other", [("pytorch", "tfkeras"), ("tfkeras", "pytorch")]
)
def test_what_one_wing_alone_has_stands_in_the_table(wing, other, module):
    reasons = ONLY_NAMES[wing].get(module, {})
    listed = {name for names in reasons for name in names.split()}
    assert public_names(wing, module) - public_names(other, module) == listed


@pytest.mark.parametrize("name", sorted(CALLABLES))
def test_twins_have_the_same_arguments_but_for_those_with_a_reason(name):
    ours, theirs = map(arguments, CALLABLES[name])
    if name in OTHER_ARGUMENTS:
        assert ours != theirs, f"{name} has the same arguments by now."
    else:
        assert ours == theirs


def test_each_exception_is_of_something_that_is_there():
    assert set(OTHER_ARGUMENTS) <= CALLABLES.keys()
    assert all(set(modules) <= set(BOTH) for modules in ONLY_NAMES.values())
    assert len(CALLABLES) > 30  # the comparison compares
