"""What the card of the DCGAN says is what its weights give."""

import numpy as np
import pytest
import torch

from course_utils.data.mnist import load_mnist
from course_utils.metrics.digits import digit_scores
from course_utils.pytorch.device import to_tensor
from course_utils.pytorch.gan import generate
from course_utils.pytorch.networks import Discriminator, Generator
from course_utils.pytorch.weights import load_pretrained
from course_utils.weights import card

BATCHES, SIZE = 6, 500


@pytest.fixture(scope="module")
def measured():
    return card("dcgan")["test"]


@pytest.fixture(scope="module")
def shipped(measured):
    (name,) = (name for name in measured["samplers"] if name.startswith("shipped"))
    return measured["samplers"][name]


@pytest.fixture(scope="module")
def scores():
    """Of several small batches; on each the real digits are others."""
    generator = load_pretrained(Generator(), "dcgan", part="generator")
    real = load_mnist("train").x
    z = np.random.default_rng(7).standard_normal((BATCHES, SIZE, 100))
    return [
        digit_scores(generate(generator, points), real, seed=seed, splits=3)
        for seed, points in enumerate(z)
    ]


def assert_agrees(values, expected):
    """Means of batches, within five of their own standard errors."""
    error = np.std(values, ddof=1) / np.sqrt(len(values))
    assert np.mean(values) == pytest.approx(expected, abs=5 * error)


def test_confidence_is_that_of_the_card(scores, shipped):
    assert all(found.n == SIZE for found in scores)
    assert_agrees([found.confidence.value for found in scores], shipped["confidence"])


def test_class_shares_are_those_of_the_card(scores, shipped):
    shares = sum(found.counts for found in scores) / (BATCHES * SIZE)
    # the entropy of so many draws is (K - 1) / 2n too low
    entropy = -(shares * np.log(shares)).sum() + 9 / (2 * BATCHES * SIZE)
    spread = np.sqrt((shares @ np.log(shares) ** 2 - entropy**2) / (BATCHES * SIZE))
    assert entropy == pytest.approx(shipped["entropy"], abs=5 * spread)
    for key, share in (
        ("rarest_class", shares.min()),
        ("commonest_class", shares.max()),
    ):
        error = np.sqrt(share * (1 - share) / (BATCHES * SIZE))
        assert share == pytest.approx(shipped[key], abs=5 * error)


def test_the_distance_above_the_floor_is_that_of_the_card(scores, shipped, measured):
    excess = [found.frechet.value - found.frechet.floor for found in scores]
    assert_agrees(excess, shipped["frechet"] - measured["frechet_floor"])


def test_the_card_holds_what_the_course_promises(shipped, measured):
    assert measured["samples"] >= 10_000
    assert shipped["entropy"] >= 2.25
    assert shipped["rarest_class"] > 0.05
    assert shipped["confidence"] >= 0.90
    floor = measured["frechet_floor"]
    vae = measured["samplers"]["VAE of lesson 4"]["frechet"]
    assert shipped["frechet"] - floor <= (vae - floor) / 3
    assert list(measured["frechet_by_epoch"]) == ["1", "5", "15", "30"]


def test_the_networks_give_what_the_card_noted():
    sample = card("dcgan")["sample"]
    rng = np.random.default_rng(sample["seed"])
    z = rng.standard_normal((8, 100), dtype=np.float32)
    generator = load_pretrained(Generator(), "dcgan", part="generator")
    discriminator = load_pretrained(Discriminator(), "dcgan", part="discriminator")
    images = generate(generator, z)
    # float32, sums of up to 6,400 products in an order that depends on the machine
    np.testing.assert_allclose(images.mean(axis=(1, 2, 3)), sample["grey"], atol=1e-5)
    with torch.inference_mode():
        logits = discriminator.eval()(2 * to_tensor(images) - 1)[:, 0]
    np.testing.assert_allclose(logits, sample["logits"], atol=1e-4)
