"""Evaluations where log p(x) is known."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from course_utils.tfkeras import training
from course_utils.tfkeras.training import evaluate_vae
from course_utils.tfkeras.vae import (
    kl_to_standard_normal,
    log_weights,
)


@pytest.mark.parametrize("decoded_at_once", [3, 15, 1000])
def test_an_evaluation_in_chunks_does_not_mix_images(
    linear_gaussian, small_images, monkeypatch, decoded_at_once
):
    monkeypatch.setattr(training, "DECODED_AT_ONCE", decoded_at_once)
    model = linear_gaussian()
    evidence = model.log_evidence(small_images)
    found = evaluate_vae(model, small_images, samples=5)
    for k in (1, 5):
        np.testing.assert_allclose(found.bounds[k], evidence, atol=1e-10)
    assert found.iwae[1].standard_error == pytest.approx(
        evidence.std(ddof=1) / math.sqrt(20), rel=1e-9
    )


def test_an_evaluations_terms_are_expectations(linear_gaussian, small_images):
    model = linear_gaussian(shift=0.7, widening=1.4)
    samples = 20_000
    found = evaluate_vae(model, small_images[:4], samples)
    x = tf.constant(small_images[:4], tf.float64)
    kl = kl_to_standard_normal(*model.encoder(x)).numpy()
    assert found.kl.mean == pytest.approx(kl.mean(), rel=1e-12)
    assert found.elbo.mean == pytest.approx(found.reconstruction.mean - found.kl.mean)
    log_w, _ = log_weights(model, x, samples, seed=1)
    error = log_w.numpy().std(0).max() / math.sqrt(samples)
    gap = model.log_evidence(small_images[:4]).mean() - found.elbo.mean
    assert gap == pytest.approx(model.gap_of_the_elbo, abs=5 * error)


def test_an_evaluation_follows_its_seed_alone_and_changes_nothing(conv_vae, digits):
    model, found = conv_vae(), []
    before = [w.numpy() for w in model.weights]
    for global_seed, seed in ((1, 0), (2, 0), (2, 1)):
        keras.utils.set_random_seed(global_seed)
        found.append(evaluate_vae(model, digits[:9], 5, seed))
        untouched = np.random.random()
        np.random.seed(global_seed)
        assert untouched == np.random.random()
    first, again, other = found
    assert first == again
    assert first.iwae != other.iwae
    for old, weight in zip(before, model.weights, strict=True):
        np.testing.assert_array_equal(old, weight.numpy())


@pytest.mark.parametrize("bad", [np.zeros((0, 28, 28, 1)), np.ones((2, 28, 28, 1)) * 2])
def test_unusable_images_are_refused(conv_vae, bad):
    with pytest.raises(ValueError, match=r"images|Pixels"):
        evaluate_vae(conv_vae(), bad)
