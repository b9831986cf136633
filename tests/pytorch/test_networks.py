"""The lecture's networks in PyTorch: sizes, shapes, layers."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from course_utils.pytorch.device import computing_in
from course_utils.pytorch.gan import (
    generate,
)
from course_utils.pytorch.likelihoods import (
    GaussianPixels,
)
from course_utils.pytorch.networks import (
    ConvDecoder,
    ConvEncoder,
    Discriminator,
    Generator,
    MLPDecoder,
    MLPDiscriminator,
    MLPEncoder,
    MLPGenerator,
)
from course_utils.pytorch.vae import MLPVAE, ConvVAE, elbo
from course_utils.pytorch.weights import export_weights


def test_networks_know_the_unit_of_the_data():
    generator, discriminator = MLPGenerator(scale=5.0), MLPDiscriminator(scale=5.0)
    x = generator(torch.ones(1, 2))
    generator.scale = discriminator.scale = 1.0
    torch.testing.assert_close(x, 5 * generator(torch.ones(1, 2)))
    logit = discriminator(x)
    discriminator.scale = 5.0
    torch.testing.assert_close(discriminator(5 * x), logit)


def numbers_of(model):
    return sum(array.size for array in export_weights(model).values())


def test_the_dcgan_has_the_lectures_sizes():
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


def test_the_slope_below_zero_is_kerass():
    discriminator = Discriminator().eval()
    x = torch.randn(2, 1, 28, 28)
    h = discriminator.conv1(x)
    h = torch.where(h > 0, h, 0.3 * h)
    h = discriminator.conv2(h)
    h = torch.where(h > 0, h, 0.3 * h)
    expected = discriminator.logit(h.permute(0, 2, 3, 1).flatten(1))
    torch.testing.assert_close(discriminator(x), expected)


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


def test_shapes_of_the_dense_vae():
    model = MLPVAE()
    images = torch.rand(3, 1, 28, 28)
    mu, logvar = model.encoder(images)
    assert mu.shape == logvar.shape == (3, 8)
    assert model.decode(mu).shape == images.shape
    assert model.log_likelihood(images, mu).shape == (3,)
    assert all(term.shape == (3,) for term in elbo(model, images, torch.zeros(3, 8)))
    assert MLPDecoder(2, (4,), (3, 5, 6))(torch.zeros(7, 2)).shape == (7, 3, 5, 6)


def test_the_convolutional_vae_has_the_lectures_parameters():
    assert parameters_of(ConvEncoder()) == 69_076
    assert parameters_of(ConvDecoder()) == 65_089
    assert parameters_of(ConvVAE()) == 69_076 + 65_089


@pytest.mark.parametrize("channels, latent_dim", [(1, 2), (3, 5)])
def test_shapes_of_the_convolutional_vae(channels, latent_dim):
    model = ConvVAE(latent_dim, channels)
    x = torch.rand(4, channels, 28, 28)
    mu, logvar = model.encoder(x)
    assert mu.shape == logvar.shape == (4, latent_dim)
    assert model.decode(mu).shape == x.shape
    assert all(term.shape == (4,) for term in elbo(model, x, torch.zeros_like(mu)))
