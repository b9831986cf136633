"""Likelihoods, against distributions of PyTorch's."""

import math

import pytest
import torch
from torch.distributions import Bernoulli, Normal

from course_utils.pytorch.likelihoods import (
    BernoulliPixels,
    GaussianColumns,
    GaussianPixels,
    bernoulli_log_likelihood,
    gaussian_log_likelihood,
)


@pytest.fixture
def generator():
    return torch.Generator().manual_seed(0)


@pytest.fixture
def x(generator):
    return torch.rand(5, 1, 4, 3, generator=generator, dtype=torch.float64)


def noise_like(x, generator):
    return torch.randn(x.shape, generator=generator, dtype=x.dtype)


@pytest.mark.parametrize("likelihood", [GaussianPixels(), BernoulliPixels()])
def test_mean_images_lie_in_the_unit_interval(likelihood):
    decoded = torch.linspace(-50, 50, 101)
    mean = likelihood.mean(decoded)
    assert mean.tolist()[:: len(mean) - 1] == pytest.approx([0, 1], abs=1e-20)
    assert (mean.diff() >= 0).all()
    assert mean[50] == 0.5


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


def test_columns_are_normals_of_widths_of_their_own(generator):
    likelihood = GaussianColumns(3, floor=0.3)
    with torch.no_grad():
        likelihood.log_width.copy_(torch.tensor([0.4, -9.0, -1.0]))
    x, mean = torch.randn(2, 7, 3, generator=generator)
    sigma = torch.tensor([math.hypot(math.exp(s), 0.3) for s in (0.4, -9.0, -1.0)])
    wanted = Normal(mean, sigma).log_prob(x).sum(1)
    torch.testing.assert_close(likelihood.log_likelihood(mean, x), wanted)
    torch.testing.assert_close(likelihood.sigma, sigma)
    assert likelihood.mean(mean) is mean
    with pytest.raises(ValueError, match="shape"):
        likelihood.log_likelihood(mean[:1], x)
