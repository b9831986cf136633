"""Small models that several tests share."""

import numpy as np
import pytest
import torch
from scipy.stats import multivariate_normal

from course_utils.pytorch.likelihoods import BernoulliPixels, gaussian_log_likelihood
from course_utils.pytorch.vae import MLPVAE


@pytest.fixture(autouse=True)
def quiet(monkeypatch):
    """No progress line."""
    monkeypatch.setenv("COURSE_STATIC", "1")


@pytest.fixture
def small_vae():
    """Makes equal, narrow models that train in no time."""

    def make(likelihood=None, seed=0):
        torch.manual_seed(seed)
        likelihood = BernoulliPixels() if likelihood is None else likelihood
        return MLPVAE(likelihood, 2, encoder_hidden=(16,), decoder_hidden=(16,))

    return make


class LinearGaussianVAE(torch.nn.Module):
    """x = W h + b + sigma epsilon on images of 2 by 2 pixels, so log p(x) is known.

    The columns of W are orthogonal, so the posterior of h has independent components.
    The encoder's mean is off by `shift` posterior standard deviations, and its
    variance is `widening` times the posterior's.
    """

    latent_dim = 2
    sigma = 0.4
    W = np.array([[0.5, 0.3], [0.5, -0.3], [-0.5, 0.3], [-0.5, -0.3]])
    b = np.array([0.5, 0.4, 0.6, 0.5])

    def __init__(self, shift, widening):
        super().__init__()
        precision = 1 + (self.W**2).sum(0) / self.sigma**2
        self.gain = torch.tensor(self.W / precision / self.sigma**2)
        self.offset = torch.tensor(shift / np.sqrt(precision))
        self.logvar = torch.tensor(np.log(widening / precision))
        self.weight, self.bias = torch.tensor(self.W.T), torch.tensor(self.b)
        self.unused = torch.nn.Parameter(torch.zeros((), dtype=torch.float64))
        # KL(N(shift, widening) || N(0, 1)), in each of two dimensions
        gap = 0.5 * (shift**2 + widening - 1 - np.log(widening))
        self.gap_of_the_elbo = 2 * gap

    def encoder(self, x):
        mu = (x.flatten(1).double() - self.bias) @ self.gain + self.offset
        return mu, self.logvar.expand(mu.shape)

    def log_likelihood(self, x, z):
        mean = (z @ self.weight + self.bias).unflatten(1, (1, 2, 2))
        return gaussian_log_likelihood(mean, x.double(), self.sigma)

    def log_evidence(self, images):
        """Exact log p(x) of NHWC images."""
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


class Pixels(torch.nn.Module):
    """A likelihood that a test may spy on or break; counts its calls from 1."""

    def __init__(self, at_call):
        super().__init__()
        self.at_call, self.calls, self.seen, self.modes = at_call, 0, [], []

    def log_likelihood(self, decoded, x):
        self.calls += 1
        self.seen.append(x)
        self.modes.append(self.training)
        self.at_call(self.calls)
        # the decoder is used, so that its parameters have gradients
        return -(x - 0.1).abs().flatten(1).sum(1) + 0 * decoded.flatten(1).sum(1)


@pytest.fixture
def pixels():
    def make(at_call=lambda call: None):
        return Pixels(at_call)

    return make
