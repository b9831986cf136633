"""Programs that write weights and records write nothing from half a run."""

import importlib

import numpy as np
import pytest

from course_utils import weights
from course_utils.data.mixtures import ring_of_gaussians
from course_utils.data.mnist import Images
from course_utils.records.history import IncompleteRunError
from course_utils.records.progress import EpochLog


@pytest.fixture
def tool(monkeypatch, tmp_path, digits):
    """A program of tools/ with few digits, which would write to an empty folder."""

    def few_digits(split="train", source="sample", limit=None):
        return Images(digits[:64], np.arange(64) % 10, f"{split}, {source}")

    def named(name, **settings):
        module = importlib.import_module(name)
        defaults = {"load_mnist": few_digits, "RECORD": tmp_path / "record.json"}
        defaults |= {"RESULTS": tmp_path, "TRAINING": tmp_path / "training"}
        for setting, value in (defaults | settings).items():
            if hasattr(module, setting):
                monkeypatch.setattr(module, setting, value)
        if name == "weights":
            monkeypatch.setattr(weights, "WEIGHTS", tmp_path)
        return module

    return named


@pytest.fixture
def stop_after_one(monkeypatch):
    """Ctrl-C, or the stop button, when each run has finished one epoch."""
    append = EpochLog.append

    def stopping(log, values):
        if len(log.history) == 1:
            raise KeyboardInterrupt
        append(log, values)

    monkeypatch.setattr(EpochLog, "append", stopping)


RING = {"ring": (ring_of_gaussians(), 200)}
RUNS = {
    "the VAE's weights": lambda tool: tool("weights", EPOCHS=3).conv_vae(),
    "the DCGAN's weights": lambda tool: (
        tool("dcgan", EPOCHS=3, RECIPES=small_recipes()),
        tool("weights").dcgan(),
    ),
    "the diffusion's weights": lambda tool: (
        tool("diffusion", EVERY=1, BATCH=2, UNet=narrow),
        tool("weights").diffusion(),
    ),
    "the known VAE": lambda tool: tool("reproduce_known_vae", EPOCHS=3).run(0),
    "the lecture's figures": lambda tool: tool("reproduce_conv_vae", EPOCHS=3).course(
        few(tool), 0, {"lecture": {}}
    ),
    "two epochs' look": lambda tool: tool("reproduce_conv_vae").look(few(tool), 0, {}),
    "learning rates": lambda tool: tool(
        "learning_rates", STEPS=2, EVERY=1, BATCH=8, SAMPLES=10
    ).main(),
    "the DCGAN's changes": lambda tool: tool(
        "dcgan_ablation",
        GAMES={"small": (("batch",), 2)},
        CHANGES={"batch": {"batch_size": 8}},
        EVERY=1,
        SAMPLES=10,
    ).measure(["small"]),
    "a wave function": lambda tool: tool("wave_functions").measured("mean field", 0),
    "a small game": lambda tool: tool("game_ablation", STEPS=10, EVERY=5).measure(
        [0], [1.0]
    ),
    "a remedy": lambda tool: tool("mode_coverage", TARGETS=RING, DATA=300).measure(
        "ring", ["plain GAN"]
    ),
    "project b": lambda tool: tool("projects").measure_b(),
    "all remedies": lambda tool: tool("mode_coverage", TARGETS=RING, DATA=300).measure(
        "ring", ["all remedies"]
    ),
}


def few(tool):
    return tool("reproduce_conv_vae").load_mnist().x


def narrow():
    from course_utils.pytorch.unet import UNet

    return UNet(width=8)


def small_recipes():
    from dataclasses import replace

    recipes = importlib.import_module("dcgan").RECIPES
    return {name: replace(recipe, batch_size=32) for name, recipe in recipes.items()}


@pytest.mark.parametrize("run", RUNS.values(), ids=RUNS)
def test_ctrl_c_ends_the_program_and_nothing_is_written(
    tool, tmp_path, stop_after_one, run
):
    with pytest.raises(KeyboardInterrupt):
        run(tool)
    assert written(tmp_path) == []


@pytest.mark.parametrize("run", RUNS.values(), ids=RUNS)
def test_stopped_in_a_notebook_nothing_is_written_either(
    tool, tmp_path, stop_after_one, notebook, run
):
    with pytest.raises(IncompleteRunError, match="stopped before its end"):
        run(tool)
    assert written(tmp_path) == []


def written(folder):
    """Weights, cards and records; a training's own checkpoints may stay."""
    return sorted(path.name for path in folder.iterdir() if path.is_file())
