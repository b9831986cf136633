"""The terms of the ELBO."""

import math

import numpy as np
import pytest
import torch
from scipy.integrate import quad
from scipy.stats import norm
from torch.distributions import Normal, kl_divergence

from course_utils.pytorch.vae import (
    ConvVAE,
    elbo,
    kl_to_standard_normal,
    reparameterize,
)


@pytest.fixture
def generator():
    return torch.Generator().manual_seed(0)


def test_the_kl_is_that_of_the_distributions(generator):
    mu, logvar = torch.randn(2, 50, 8, generator=generator, dtype=torch.float64)
    q = Normal(mu, (0.5 * logvar).exp())
    expected = kl_divergence(q, Normal(torch.zeros_like(mu), 1.0)).sum(-1)
    torch.testing.assert_close(kl_to_standard_normal(mu, logvar), expected)


@pytest.mark.parametrize("mu, logvar", [(0.0, 0.0), (0.7, -1.3), (-2.0, 0.9)])
def test_the_kl_is_the_integral_that_it_stands_for(mu, logvar):
    q, prior = norm(mu, math.exp(0.5 * logvar)), norm()
    integral, error = quad(
        lambda z: q.pdf(z) * (q.logpdf(z) - prior.logpdf(z)), -30, 30
    )
    args = torch.tensor([[mu], [logvar]], dtype=torch.float64)
    assert abs(kl_to_standard_normal(*args).item() - integral) < error + 1e-12


def test_samples_of_q_have_its_mean_and_variance(generator):
    n = 200_000
    mu, logvar = torch.tensor([[1.5, -2.0]]), torch.tensor([[0.6, -3.0]])
    epsilon = torch.randn(n, 2, generator=generator)
    z = reparameterize(mu.expand(n, 2), logvar.expand(n, 2), epsilon)
    variance = logvar.exp()[0]
    # standard errors: sigma / sqrt n of a mean, variance sqrt(2 / n) of a variance
    assert ((z.mean(0) - mu[0]).abs() < 5 * (variance / n).sqrt()).all()
    assert ((z.var(0) - variance).abs() < 5 * variance * math.sqrt(2 / n)).all()


def test_gradients_pass_through_the_sample():
    mu, logvar = torch.tensor([[0.3], [0.8]], requires_grad=True).split(1)
    z = reparameterize(mu, logvar, torch.tensor([[2.0]]))
    to_mu, to_logvar = torch.autograd.grad(z, (mu, logvar))
    assert to_mu.item() == 1
    assert to_logvar.item() == pytest.approx(0.5 * math.exp(0.4) * 2.0, rel=1e-6)


def test_without_noise_the_sample_is_the_mean():
    mu = torch.tensor([[1.0, -4.0]])
    assert torch.equal(reparameterize(mu, mu, torch.zeros(1, 2)), mu)


def test_the_elbo_is_reconstruction_minus_kl(small_vae, digits, generator):
    model = small_vae()
    images = torch.from_numpy(digits[:9].transpose(0, 3, 1, 2).copy())
    epsilon = torch.randn(9, 2, generator=generator)
    total, reconstruction, kl = elbo(model, images, epsilon)
    mu, logvar = model.encoder(images)
    z = mu + (0.5 * logvar).exp() * epsilon
    assert torch.equal(total, reconstruction - kl)
    torch.testing.assert_close(reconstruction, model.log_likelihood(images, z))
    torch.testing.assert_close(kl, kl_to_standard_normal(mu, logvar))


def test_the_elbos_expectation_misses_the_evidence_by_the_known_gap(
    linear_gaussian, small_images, generator
):
    model = linear_gaussian(shift=0.7, widening=1.4)
    n = 4000
    x = torch.from_numpy(small_images.transpose(0, 3, 1, 2)).repeat(n, 1, 1, 1)
    epsilon = torch.randn(len(x), 2, generator=generator, dtype=torch.float64)
    values = elbo(model, x, epsilon)[0].view(n, len(small_images)).numpy()
    evidence = model.log_evidence(small_images)
    error = values.std(0, ddof=1) / math.sqrt(n)
    gaps = evidence - values.mean(0)
    assert (np.abs(gaps - model.gap_of_the_elbo) < 5 * error).all()
    assert (gaps > 5 * error).all()


def test_products_in_bfloat16_give_terms_in_float32(digits):
    model, x = ConvVAE(), torch.from_numpy(digits[:4].transpose(0, 3, 1, 2).copy())
    with torch.autocast("cpu", torch.bfloat16):
        terms = elbo(model, x, torch.zeros(4, 2))
    assert [term.dtype for term in terms] == [torch.float32] * 3
