"""The lecture's DCGAN in PyTorch, layer by layer."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from course_utils.pytorch.device import computing_in
from course_utils.pytorch.gan import generate
from course_utils.pytorch.layers import BatchNorm, Dropout, renormalize
from course_utils.pytorch.networks import Discriminator, Generator
from course_utils.pytorch.weights import export_weights


def numbers_of(model):
    return sum(array.size for array in export_weights(model).values())


def test_the_networks_have_the_lectures_sizes():
    assert numbers_of(Generator()) == 2_330_944
    assert numbers_of(Discriminator()) == 212_865
    trained = sum(p.numel() for p in Generator().parameters())
    assert numbers_of(Generator()) - trained == 2 * (7 * 7 * 256 + 128 + 64)


@pytest.mark.parametrize("channels", [1, 3])
def test_images_go_through_both_networks(channels):
    x = Generator(channels=channels)(torch.randn(5, 100))
    assert x.shape == (5, channels, 28, 28)
    assert Discriminator(channels)(x).shape == (5, 1)
    images = generate(Generator(channels=channels), np.zeros((2, 100)))
    assert images.shape == (2, 28, 28, channels)
    assert images.min() >= 0
    assert images.max() <= 1


@pytest.mark.parametrize("shape", [(6, 5), (6, 5, 3, 2)])
def test_batch_normalization_averages_as_keras_does(shape):
    layer = BatchNorm(5).double()
    nn.init.uniform_(layer.weight)
    nn.init.uniform_(layer.bias)
    axes = tuple(axis for axis in range(len(shape)) if axis != 1)
    view = (1, 5) + (1,) * (len(shape) - 2)
    mean, variance = np.zeros(5), np.ones(5)
    for seed in range(3):
        rng = torch.Generator().manual_seed(seed)
        x = 2 + 3 * torch.randn(shape, dtype=torch.float64, generator=rng)
        a = x.numpy()
        centred = a - a.mean(axes, keepdims=True)
        scaled = centred / np.sqrt(a.var(axes, keepdims=True) + 1e-3)
        gain, shift = (p.detach().view(view).numpy() for p in layer.parameters())
        np.testing.assert_allclose(layer(x).detach(), gain * scaled + shift, rtol=1e-9)
        mean = 0.99 * mean + 0.01 * a.mean(axes)
        variance = 0.99 * variance + 0.01 * a.var(axes)  # the mean square, over n
        np.testing.assert_allclose(layer.running_mean, mean, rtol=1e-9)
        np.testing.assert_allclose(layer.running_var, variance, rtol=1e-9)
    layer.eval()
    expected = (a - mean.reshape(view)) / np.sqrt(variance.reshape(view) + 1e-3)
    np.testing.assert_allclose(layer(x).detach(), gain * expected + shift, rtol=1e-9)
    np.testing.assert_allclose(layer.running_mean, mean, rtol=1e-9)


def test_gradients_of_batch_normalization_pass_two_calls():
    layer = BatchNorm(3).double()
    x = torch.randn(4, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: layer(x) + layer(2 * x), x)


@pytest.mark.parametrize("last", [False, True])
def test_dropout_keeps_its_share_and_the_mean(last):
    torch.manual_seed(0)
    x = torch.ones(50, 4, 31, 33)
    if last:
        x = x.contiguous(memory_format=torch.channels_last)
    y = Dropout(0.3)(x)
    assert y.is_contiguous(
        memory_format=torch.channels_last if last else torch.contiguous_format
    )
    dropped = (y == 0).float().mean(dtype=torch.float64).item()
    # five standard errors of a share of 204,600 tosses
    assert dropped == pytest.approx(0.3, abs=5 * np.sqrt(0.3 * 0.7 / x.numel()))
    assert y[y != 0].unique().item() == pytest.approx(1 / 0.7)


def test_dropout_treats_all_places_alike():
    torch.manual_seed(0)
    kept = (Dropout(0.3)(torch.ones(4_000, 9)) != 0).double()
    # five standard errors of a share, and of a correlation, of 4,000 tosses
    assert (kept.mean(0) - 0.7).abs().max() < 5 * np.sqrt(0.21 / 4_000)
    correlation = torch.corrcoef(kept.T) - torch.eye(9)
    assert correlation.abs().max() < 5 / np.sqrt(4_000)


def test_dropout_is_silent_outside_training():
    x = torch.randn(3, 4)
    assert Dropout(0.3).eval()(x) is x


def test_dropout_passes_gradients_where_it_passed_numbers():
    torch.manual_seed(0)
    x = torch.randn(100, requires_grad=True)
    y = Dropout(0.5)(x)
    (gradient,) = torch.autograd.grad(y.sum(), x)
    torch.testing.assert_close(gradient, 2 * (y != 0).float())


def test_the_slope_below_zero_is_kerass():
    discriminator = Discriminator().eval()
    x = torch.randn(2, 1, 28, 28)
    h = discriminator.conv1(x)
    h = torch.where(h > 0, h, 0.3 * h)
    h = discriminator.conv2(h)
    h = torch.where(h > 0, h, 0.3 * h)
    expected = discriminator.logit(h.permute(0, 2, 3, 1).flatten(1))
    torch.testing.assert_close(discriminator(x), expected)


def test_bfloat16_sees_weights_as_they_are_now():
    """A cache of casts would keep those from before an optimizer's step."""
    layer, x = nn.Linear(4, 1, bias=False), torch.ones(1, 4)
    with computing_in("bfloat16", layer):
        before = layer(x)
        with torch.no_grad():
            layer.weight += 1.0
        after = layer(x)
    # four products of eight bits
    assert (after - before).item() == pytest.approx(4.0, abs=4 * 2**-6)


def test_bfloat16_keeps_types_at_the_boundaries():
    generator, discriminator = Generator(), Discriminator()
    z = torch.randn(4, 100)
    with computing_in("bfloat16", generator, discriminator):
        x = generator(z)
        assert (x.dtype, discriminator(x).dtype) == (torch.float32,) * 2
    exact = generator(z)
    assert not torch.equal(x, exact)
    # a picture's grey levels, rounded to eight bits in each of four layers
    assert F.mse_loss(x, exact).sqrt() < 4 * 2**-8 * 4


def test_renormalized_the_same_points_look_as_in_training():
    generator = Generator().double()
    z = torch.randn(40, 100, dtype=torch.float64)
    seen = generator(z).detach()
    renormalize(generator, z)
    assert generator.training
    assert generator.norm1.momentum == 0.99
    with torch.inference_mode():
        torch.testing.assert_close(generator.eval()(z), seen)
    renormalize(generator, z)
    assert not generator.training
