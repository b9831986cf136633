"""Layers as Keras has them: padding, batch normalization, dropout."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from course_utils.pytorch.layers import (
    BatchNorm,
    Dropout,
    SameConv2d,
    SameConvTranspose2d,
    renormalize,
)
from course_utils.pytorch.networks import (
    Generator,
)


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


@pytest.mark.parametrize("pixels", [7, 8])
@pytest.mark.parametrize("kernel, stride", [(1, 1), (3, 1), (4, 1), (3, 2), (5, 2)])
def test_same_means_as_many_pixels_as_strides_fit(pixels, kernel, stride):
    x = torch.rand(2, 3, pixels, pixels + 1)
    conv = SameConv2d(3, 4, kernel, stride)
    assert conv(x).shape[2:] == (-(-pixels // stride), -(-(pixels + 1) // stride))
    back = SameConvTranspose2d(3, 4, kernel, stride)
    assert back(x).shape[2:] == (pixels * stride, (pixels + 1) * stride)


def test_the_odd_pixel_of_padding_is_at_the_bottom_and_at_the_right():
    x = torch.rand(1, 1, 4, 4)
    conv = SameConv2d(1, 1, 3, stride=2, bias=False)
    expected = F.conv2d(F.pad(x, (0, 1, 0, 1)), conv.weight, stride=2)
    torch.testing.assert_close(conv(x), expected)
    assert not torch.allclose(conv(x), F.conv2d(x, conv.weight, stride=2, padding=1))


@pytest.mark.parametrize("kernel, stride", [(3, 1), (3, 2), (5, 2), (4, 2)])
def test_the_transposed_layer_is_the_gradient_of_the_other(kernel, stride):
    conv = SameConv2d(3, 5, kernel, stride, bias=False).double()
    transposed = SameConvTranspose2d(5, 3, kernel, stride, bias=False).double()
    transposed.weight = conv.weight
    x = torch.rand(2, 3, 8, 6, dtype=torch.float64, requires_grad=True)
    h = torch.rand(2, 5, 8 // stride, 6 // stride, dtype=torch.float64)
    (gradient,) = torch.autograd.grad(conv(x), x, h)
    torch.testing.assert_close(transposed(h), gradient)
