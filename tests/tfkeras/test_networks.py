"""The lecture's networks in Keras: sizes, shapes, layers."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from course_utils.tfkeras.networks import (
    ConvDecoder,
    ConvEncoder,
    Discriminator,
    Generator,
)
from course_utils.tfkeras.vae import ConvVAE


def test_the_networks_have_the_lectures_sizes():
    generator, discriminator = Generator(), Discriminator()
    assert generator.count_params() == 2_330_944
    assert discriminator.count_params() == 212_865
    averages = sum(np.prod(v.shape) for v in generator.non_trainable_variables)
    assert averages == 25_472
    x = generator(tf.random.stateless_normal((2, 100), (0, 0)))
    assert x.shape == (2, 28, 28, 1)
    assert np.abs(x).max() <= 1
    assert discriminator(x).shape == (2, 1)


def test_the_networks_have_the_lectures_parameters():
    assert ConvEncoder().count_params() == 69_076
    assert ConvDecoder().count_params() == 65_089
    trainable = sum(np.prod(w.shape) for w in ConvVAE().trainable_weights)
    assert trainable == 69_076 + 65_089


def test_their_layers_are_the_lectures():
    x, z = keras.Input((28, 28, 1)), keras.Input((2,))
    same = {"strides": 2, "padding": "same", "activation": "relu"}
    lecture_encoder = [
        keras.layers.Conv2D(32, 3, **same),
        keras.layers.Conv2D(64, 3, **same),
        keras.layers.Flatten(),
        keras.layers.Dense(16, activation="relu"),
        keras.layers.Dense(2),
    ]
    lecture_decoder = [
        keras.layers.Dense(7 * 7 * 64, activation="relu"),
        keras.layers.Reshape((7, 7, 64)),
        keras.layers.Conv2DTranspose(64, 3, **same),
        keras.layers.Conv2DTranspose(32, 3, **same),
        keras.layers.Conv2DTranspose(1, 3, activation="sigmoid", padding="same"),
    ]
    encoder, decoder = ConvEncoder(), ConvDecoder()
    for layers, start, ours in (
        (lecture_encoder, x, encoder.layers[1:-1]),
        (lecture_decoder, z, decoder.layers[1:]),
    ):
        h = start
        for layer, our_layer in zip(layers, ours, strict=True):
            h = layer(h)
            assert type(layer) is type(our_layer)
            assert h.shape == our_layer.output.shape
            theirs, own = layer.get_config(), our_layer.get_config()
            for key in ("strides", "padding", "kernel_size", "kernel_initializer"):
                assert theirs.get(key) == own.get(key)
            if layer is not lecture_decoder[-1]:  # ours hands on logits
                assert theirs.get("activation") == own.get("activation")
    assert decoder.layers[-1].activation is keras.activations.linear
    assert encoder.layers[-1].units == 2


@pytest.mark.parametrize("channels, latent_dim", [(1, 2), (3, 5)])
def test_shapes_at_the_boundaries(channels, latent_dim, rng):
    model = ConvVAE(latent_dim, channels)
    x = tf.constant(rng.random((4, 28, 28, channels), dtype=np.float32))
    mu, logvar = model.encoder(x)
    assert mu.shape == logvar.shape == (4, latent_dim)
    assert model.decoder(mu).shape == x.shape
    assert model.log_likelihood(x, mu).shape == (4,)
    assert model.latent_dim == latent_dim


def test_the_two_heads_are_two():
    mu, logvar = ConvEncoder()(np.ones((1, 28, 28, 1), dtype=np.float32))
    assert not np.allclose(mu, logvar)


def test_mean_images_are_probabilities(rng):
    model = ConvVAE()
    z = 100 * rng.standard_normal((3, 2), dtype=np.float32)
    images = model.decode(z).numpy()
    assert images.min() >= 0
    assert images.max() <= 1
    np.testing.assert_allclose(images, tf.sigmoid(model.decoder(z)), rtol=1e-6)
