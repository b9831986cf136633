"""Likelihoods, against SciPy."""

import math

import numpy as np
import pytest
import tensorflow as tf
from scipy.special import expit
from scipy.stats import norm

from course_utils.tfkeras.likelihoods import (
    bernoulli_log_likelihood,
    gaussian_log_likelihood,
)


def test_the_gaussian_is_scipys(rng):
    x, mean = rng.random((2, 5, 4, 3, 2))
    for sigma in (1.0, 0.1, tf.constant(0.3, tf.float64)):
        expected = norm(mean, float(sigma)).logpdf(x).sum((1, 2, 3))
        found = gaussian_log_likelihood(tf.constant(mean), tf.constant(x), sigma)
        np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_the_bernoulli_is_the_log_probability_of_the_pixels(rng):
    logits, x = 3 * rng.normal(size=(5, 4, 3, 2)), rng.random((5, 4, 3, 2))
    p = expit(logits)
    expected = (x * np.log(p) + (1 - x) * np.log1p(-p)).sum((1, 2, 3))
    found = bernoulli_log_likelihood(tf.constant(logits), tf.constant(x))
    np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize("size", [100.0, 1000.0])
@pytest.mark.parametrize("pixel", [0.0, 1.0])
def test_large_logits_cost_what_they_should_and_keep_finite_gradients(size, pixel):
    logits = tf.Variable([[size], [-size]])
    with tf.GradientTape() as tape:
        values = bernoulli_log_likelihood(logits, tf.fill((2, 1), pixel))
    expected = [0.0, -size] if pixel == 1 else [-size, 0.0]
    assert values.numpy() == pytest.approx(expected, abs=2 * math.exp(-size))
    slopes = tape.gradient(values, logits).numpy().flatten()
    assert slopes == pytest.approx([pixel - 1, pixel], abs=1e-30)
