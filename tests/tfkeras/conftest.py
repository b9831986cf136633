"""Small models that several tests share."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy.stats import multivariate_normal

from course_utils.tfkeras.likelihoods import gaussian_log_likelihood
from course_utils.tfkeras.vae import ConvVAE


@pytest.fixture(autouse=True)
def quiet(monkeypatch):
    """No progress line."""
    monkeypatch.setenv("COURSE_STATIC", "1")


@pytest.fixture
def conv_vae():
    """Makes equal models of the lecture's kind."""

    def make(seed=0, channels=1, kind=ConvVAE):
        keras.utils.set_random_seed(seed)
        return kind(channels=channels)

    return make


class LinearGaussianVAE:
    """x = W h + b + sigma epsilon on images of 2 by 2 pixels, so log p(x) is known.

    The columns of W are orthogonal, so the posterior of h has independent components.
    The encoder's mean is off by `shift` posterior standard deviations, and its
    variance is `widening` times the posterior's.
    """

    dtype = "float64"
    sigma = 0.4
    W = np.array([[0.5, 0.3], [0.5, -0.3], [-0.5, 0.3], [-0.5, -0.3]])
    b = np.array([0.5, 0.4, 0.6, 0.5])

    def __init__(self, shift=0.0, widening=1.0):
        self.precision = 1 + (self.W**2).sum(0) / self.sigma**2
        self.shift, self.widening = shift, widening
        # KL(N(shift, widening) || N(0, 1)), in each of two dimensions
        self.gap_of_the_elbo = shift**2 + widening - 1 - np.log(widening)

    def encoder(self, x):
        gain = self.W / self.precision / self.sigma**2
        mu = (tf.reshape(x, (-1, 4)) - self.b) @ gain
        mu += self.shift / np.sqrt(self.precision)
        return mu, tf.zeros_like(mu) + np.log(self.widening / self.precision)

    def log_likelihood(self, x, z):
        mean = tf.reshape(z @ self.W.T + self.b, (-1, 2, 2, 1))
        return gaussian_log_likelihood(mean, x, self.sigma)

    def log_evidence(self, images):
        """Exact log p(x) of images."""
        covariance = self.W @ self.W.T + self.sigma**2 * np.eye(4)
        x = images.reshape(len(images), 4).astype(np.float64)
        return multivariate_normal(self.b, covariance).logpdf(x)


@pytest.fixture
def linear_gaussian():
    return LinearGaussianVAE


@pytest.fixture
def small_images(rng):
    """Twenty images of 2 by 2 pixels."""
    return rng.random((20, 2, 2, 1), dtype=np.float32)
