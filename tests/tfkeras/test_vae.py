"""The terms of the ELBO, and bounds where log p(x) is known."""

import math

import numpy as np
import pytest
import tensorflow as tf
from scipy.stats import norm

from course_utils.tfkeras.vae import (
    elbo,
    iwae_bound,
    kl_to_standard_normal,
    log_weights,
    reparameterize,
)


def test_the_kl_is_the_integral_that_it_stands_for():
    mu, logvar = 0.7, -1.3
    z, width = np.linspace(-12, 12, 200_001, retstep=True)
    q, prior = norm(mu, math.exp(0.5 * logvar)), norm()
    # the trapezoidal rule is exact to rounding for such bells
    integral = (q.pdf(z) * (q.logpdf(z) - prior.logpdf(z))).sum() * width
    found = kl_to_standard_normal(tf.constant([[mu, mu]]), tf.constant([[logvar] * 2]))
    assert found.numpy() == pytest.approx([2 * integral], rel=1e-6)


def test_samples_of_q_have_its_mean_and_variance(rng):
    n = 200_000
    mu, logvar = np.array([[1.5, -2.0]]), np.array([[0.6, -3.0]])
    rows = [tf.constant(np.tile(a, (n, 1))) for a in (mu, logvar)]
    z = reparameterize(*rows, rng.standard_normal((n, 2))).numpy()
    variance = np.exp(logvar)[0]
    # standard errors: sigma / sqrt n of a mean, variance sqrt(2 / n) of a variance
    assert (np.abs(z.mean(0) - mu[0]) < 5 * np.sqrt(variance / n)).all()
    assert (np.abs(z.var(0) - variance) < 5 * variance * math.sqrt(2 / n)).all()


def test_the_elbos_expectation_misses_the_evidence_by_the_known_gap(
    linear_gaussian, small_images, rng
):
    model, n = linear_gaussian(shift=0.7, widening=1.4), 4000
    x = tf.constant(np.tile(small_images, (n, 1, 1, 1)), tf.float64)
    bound, reconstruction, kl = elbo(model, x, rng.standard_normal((len(x), 2)))
    np.testing.assert_array_equal(bound, reconstruction - kl)
    values = bound.numpy().reshape(n, len(small_images))
    error = values.std(0, ddof=1) / math.sqrt(n)
    gaps = model.log_evidence(small_images) - values.mean(0)
    assert (np.abs(gaps - model.gap_of_the_elbo) < 5 * error).all()
    assert (gaps > 5 * error).all()


def test_with_the_exact_posterior_every_weight_is_the_evidence(
    linear_gaussian, small_images
):
    model, x = linear_gaussian(), tf.constant(small_images, tf.float64)
    log_w, log_likelihood = log_weights(model, x, 7, seed=0)
    assert log_w.shape == log_likelihood.shape == (7, 20)
    evidence = np.tile(model.log_evidence(small_images), (7, 1))
    np.testing.assert_allclose(log_w, evidence, atol=1e-10)
    assert np.ptp(log_likelihood, axis=0).min() > 0


def test_more_samples_tighten_the_bound_towards_the_evidence(
    linear_gaussian, small_images
):
    model = linear_gaussian(shift=0.7, widening=1.4)
    x = tf.constant(np.tile(small_images, (200, 1, 1, 1)), tf.float64)
    evidence = np.tile(model.log_evidence(small_images), 200)
    gaps = [(evidence - iwae_bound(model, x, k, seed=0)).numpy() for k in (1, 5, 50)]
    errors = [gap.std(ddof=1) / math.sqrt(len(gap)) for gap in gaps]
    means = [gap.mean() for gap in gaps]
    assert means[0] == pytest.approx(model.gap_of_the_elbo, abs=5 * errors[0])
    assert means[0] > means[1] > means[2] > -5 * errors[2]
    assert means[2] < 0.1 * means[0]


def test_a_bounds_seed_decides(linear_gaussian, small_images):
    model, x = linear_gaussian(0.7, 1.4), tf.constant(small_images, tf.float64)
    first, again, other = (iwae_bound(model, x, 5, seed).numpy() for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert (first != other).all()
