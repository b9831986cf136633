"""What the card of the diffusion says is what its weights give."""

import numpy as np
import pytest
import torch

from course_utils.data.mnist import load_mnist
from course_utils.metrics.digits import digit_scores
from course_utils.pytorch.diffusion import draw_images
from course_utils.pytorch.unet import UNet
from course_utils.pytorch.weights import load_pretrained
from course_utils.records import read_result
from course_utils.weights import card

BATCHES, SIZE = 4, 100
SAMPLER = "20 steps"


@pytest.fixture(scope="module")
def unet():
    return load_pretrained(UNet(), "diffusion")


@pytest.fixture(scope="module")
def measured():
    return card("diffusion")["test"]


@pytest.fixture(scope="module")
def scores(unet):
    """Of several small batches; on each the real digits are others."""
    real = load_mnist("train").x
    shape = (BATCHES, SIZE, 28, 28, 1)
    noise = np.random.default_rng(7).standard_normal(shape, dtype=np.float32)
    return [
        digit_scores(draw_images(unet, some, 20), real, seed=seed, splits=3)
        for seed, some in enumerate(noise)
    ]


def test_confidence_is_that_of_the_card(scores, measured):
    values = [found.confidence.value for found in scores]
    error = np.std(values, ddof=1) / np.sqrt(BATCHES)
    expected = measured["samplers"][SAMPLER]["confidence"]
    # five errors, themselves known from four batches
    assert np.mean(values) == pytest.approx(expected, abs=max(5 * error, 0.02))


def test_class_shares_are_those_of_the_card(scores, measured):
    n = BATCHES * SIZE
    shares = sum(found.counts for found in scores) / n
    stated = measured["samplers"][SAMPLER]
    for key, share in (
        ("rarest_class", shares.min()),
        ("commonest_class", shares.max()),
    ):
        error = np.sqrt(share * (1 - share) / n)
        assert share == pytest.approx(stated[key], abs=5 * error)


def test_the_distance_above_the_floor_is_that_of_the_card(scores, measured):
    excess = [found.frechet.value - found.frechet.floor for found in scores]
    error = np.std(excess, ddof=1) / np.sqrt(BATCHES)
    stated = measured["samplers"][SAMPLER]["frechet"] - measured["frechet_floor"]
    assert np.mean(excess) == pytest.approx(stated, abs=max(5 * error, 0.2 * stated))


def test_the_card_holds_what_the_lesson_says(measured):
    others = measured["others"]
    assert others == {name: card("dcgan")["test"]["samplers"][name] for name in others}
    dcgan = others["shipped, 30 epochs"]
    best = measured["samplers"]["50 steps, class first"]
    assert measured["samples"] >= 10_000
    assert best["frechet"] < dcgan["frechet"]
    assert best["confidence"] > dcgan["confidence"]
    assert best["entropy"] > 2.25
    times = read_result("drawing_times")["seconds"]
    assert set(times) <= set(measured["samplers"]) | set(others)
    assert times["50 steps"] > times["20 steps"] > times["shipped, 30 epochs"]


def test_the_network_predicts_what_the_card_noted(unet):
    sample = card("diffusion")["sample"]
    rng = np.random.default_rng(sample["seed"])
    x_t = torch.from_numpy(rng.standard_normal((8, 1, 28, 28), dtype=np.float32))
    t, label = torch.tensor(sample["t"]), torch.tensor(sample["label"])
    for key, each in (("velocity", label), ("velocity_without_class", None)):
        with torch.inference_mode():
            means = unet.eval()(x_t, t, each).mean((1, 2, 3))
        np.testing.assert_allclose(means, sample[key], atol=1e-4)


def test_the_history_is_that_of_the_card():
    history = read_result("diffusion")
    steps = card("diffusion")["steps"]
    assert len(history["loss"]) * 25 == steps
