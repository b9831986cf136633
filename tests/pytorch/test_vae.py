"""Networks, likelihoods and the terms of the ELBO."""

import math

import numpy as np
import pytest
import torch
from scipy.integrate import quad
from scipy.stats import norm
from torch.distributions import Bernoulli, Normal, kl_divergence

from course_utils.pytorch.likelihoods import (
    BernoulliPixels,
    GaussianPixels,
    bernoulli_log_likelihood,
    gaussian_log_likelihood,
)
from course_utils.pytorch.networks import MLPDecoder, MLPEncoder
from course_utils.pytorch.vae import MLPVAE, elbo, kl_to_standard_normal, reparameterize


@pytest.fixture
def generator():
    return torch.Generator().manual_seed(0)


@pytest.fixture
def x(generator):
    return torch.rand(5, 1, 4, 3, generator=generator, dtype=torch.float64)


def noise_like(x, generator):
    return torch.randn(x.shape, generator=generator, dtype=x.dtype)


def parameters_of(model):
    return sum(p.numel() for p in model.parameters())


def test_the_lectures_model_has_1079584_parameters():
    model = MLPVAE()
    assert parameters_of(model) == 1_079_584
    assert parameters_of(MLPEncoder()) == 784 * 512 + 512 + 513 * 512 + 2 * 513 * 8
    assert parameters_of(MLPDecoder()) == 9 * 512 + 513 * 784
    assert parameters_of(MLPVAE(GaussianPixels(learn=True))) == 1_079_585


def test_its_layers_are_the_lectures():
    widths = [p.shape for name, p in MLPVAE().named_parameters() if "weight" in name]
    encoder = [(512, 784), (512, 512), (8, 512), (8, 512)]
    assert widths == [*encoder, (512, 8), (784, 512)]


def test_shapes_at_the_boundaries(x):
    model = MLPVAE()
    images = torch.rand(3, 1, 28, 28)
    mu, logvar = model.encoder(images)
    assert mu.shape == logvar.shape == (3, 8)
    assert model.decode(mu).shape == images.shape
    assert model.log_likelihood(images, mu).shape == (3,)
    assert all(term.shape == (3,) for term in elbo(model, images, torch.zeros(3, 8)))
    assert MLPDecoder(2, (4,), (3, 5, 6))(torch.zeros(7, 2)).shape == (7, 3, 5, 6)


@pytest.mark.parametrize("likelihood", [GaussianPixels(), BernoulliPixels()])
def test_mean_images_lie_in_the_unit_interval(likelihood):
    decoded = torch.linspace(-50, 50, 101)
    mean = likelihood.mean(decoded)
    assert mean.tolist()[:: len(mean) - 1] == pytest.approx([0, 1], abs=1e-20)
    assert (mean.diff() >= 0).all()
    assert mean[50] == 0.5


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


def test_the_gaussian_is_that_of_the_distributions(x, generator):
    mean = noise_like(x, generator)
    for sigma in (1.0, 0.1, 7.0, torch.tensor(0.3, dtype=torch.float64)):
        expected = Normal(mean, sigma).log_prob(x).flatten(1).sum(1)
        result = gaussian_log_likelihood(mean, x, sigma)
        torch.testing.assert_close(result, expected, rtol=1e-12, atol=0)


def test_the_bernoulli_is_that_of_the_distributions(x, generator):
    logits, binary = 3 * noise_like(x, generator), x.round()
    expected = Bernoulli(logits=logits).log_prob(binary).flatten(1).sum(1)
    result = bernoulli_log_likelihood(logits, binary)
    # PyTorch's softplus leaves out e^-l beyond l = 20
    torch.testing.assert_close(result, expected, rtol=1e-12, atol=12 * math.exp(-20))


def test_the_bernoulli_of_grey_levels_is_the_cross_entropy(x, generator):
    logits = noise_like(x, generator)
    expected = torch.nn.functional.binary_cross_entropy_with_logits(
        logits, x, reduction="none"
    )
    result = bernoulli_log_likelihood(logits, x)
    torch.testing.assert_close(result, -expected.flatten(1).sum(1))


@pytest.mark.parametrize("size", [100.0, 1000.0])
@pytest.mark.parametrize("pixel", [0.0, 1.0])
def test_large_logits_cost_what_they_should_and_keep_finite_gradients(size, pixel):
    logits = torch.tensor([[size], [-size]], requires_grad=True)
    values = bernoulli_log_likelihood(logits, torch.full((2, 1), pixel))
    expected = [0.0, -size] if pixel == 1 else [-size, 0.0]
    assert values.tolist() == pytest.approx(expected, abs=2 * math.exp(-size))
    values.sum().backward()
    slopes = [pixel - 1, pixel]
    assert logits.grad.flatten().tolist() == pytest.approx(slopes, abs=1e-30)


def test_the_floor_of_unit_gaussians_is_720_nats():
    perfect = torch.rand(1, 1, 28, 28, dtype=torch.float64)
    floor = -gaussian_log_likelihood(perfect, perfect, 1.0).item()
    assert floor == pytest.approx(392 * math.log(2 * math.pi), rel=1e-13)
    assert floor == pytest.approx(720.4478, abs=5e-5)


def test_the_lectures_pixels_are_shifted_and_its_mean_is_a_tanh(x):
    decoded = torch.atanh((x - 0.5).clamp(-0.49, 0.49))
    shifted_back = (x - 0.5).clamp(-0.49, 0.49) + 0.5
    pixels = GaussianPixels().double()
    torch.testing.assert_close(pixels.mean(decoded), shifted_back)
    at_best = pixels.log_likelihood(decoded, shifted_back)
    torch.testing.assert_close(
        at_best, torch.full((5,), -6 * math.log(2 * math.pi)).double()
    )


def test_a_learnt_sigma_gets_its_gradient(x):
    pixels = GaussianPixels(0.5, learn=True).double()
    pixels.log_likelihood(torch.zeros_like(x), x).sum().backward()
    # d/d log sigma of -squares / (2 sigma^2) - n log sigma
    expected = ((x - 0.5).square() / 0.25 - 1).sum()
    torch.testing.assert_close(pixels.log_sigma.grad, expected, rtol=1e-6, atol=0)
    assert not list(GaussianPixels(0.5).parameters())


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
