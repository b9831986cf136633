"""The lecture's convolutional VAE in PyTorch."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from course_utils.pytorch.layers import SameConv2d, SameConvTranspose2d
from course_utils.pytorch.networks import ConvDecoder, ConvEncoder
from course_utils.pytorch.training import evaluate_vae, train_vae
from course_utils.pytorch.vae import ConvVAE, elbo


def parameters_of(model):
    return sum(p.numel() for p in model.parameters())


def test_the_networks_have_the_lectures_parameters():
    assert parameters_of(ConvEncoder()) == 69_076
    assert parameters_of(ConvDecoder()) == 65_089
    assert parameters_of(ConvVAE()) == 69_076 + 65_089


@pytest.mark.parametrize("channels, latent_dim", [(1, 2), (3, 5)])
def test_shapes_at_the_boundaries(channels, latent_dim):
    model = ConvVAE(latent_dim, channels)
    x = torch.rand(4, channels, 28, 28)
    mu, logvar = model.encoder(x)
    assert mu.shape == logvar.shape == (4, latent_dim)
    assert model.decode(mu).shape == x.shape
    assert all(term.shape == (4,) for term in elbo(model, x, torch.zeros_like(mu)))


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


def test_the_trainer_works_on_it_unchanged(digits):
    torch.manual_seed(0)
    model = ConvVAE()
    options = {"test_images": digits[200:], "batch_size": 20}
    history = train_vae(model, digits[:200], 4, 0, **options)
    assert history["loss"][-1] < history["loss"][0] - 100
    assert history["test_loss"][-1] < history["test_loss"][0] - 50


def test_it_evaluates_unchanged(digits):
    torch.manual_seed(0)
    found = evaluate_vae(ConvVAE(), digits[:6], samples=5)
    # before any training a pixel costs about one bit
    assert found.reconstruction.mean == pytest.approx(-784 * np.log(2), rel=0.05)
    assert set(found.iwae) == {1, 5}


def test_products_in_bfloat16_give_terms_in_float32(digits):
    model, x = ConvVAE(), torch.from_numpy(digits[:4].transpose(0, 3, 1, 2).copy())
    with torch.autocast("cpu", torch.bfloat16):
        terms = elbo(model, x, torch.zeros(4, 2))
    assert [term.dtype for term in terms] == [torch.float32] * 3
