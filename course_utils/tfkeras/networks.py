"""Encoders and decoders: the networks, without any probability."""

import keras
from keras import layers

from course_utils.tfkeras.runtime import own_settings


class ConvEncoder(keras.Model):
    """Images to the mean and log-variance of q(z given x), by convolutions.

    The defaults are the lecture's network, 69,076 parameters. Called on images
    (n, 28, 28, channels) it returns `mu` and `logvar`, each (n, latent_dim).

    Args:
        latent_dim: dimensions of z.
        channels: of an image.
    """

    @own_settings()
    def __init__(self, latent_dim: int = 2, channels: int = 1) -> None:
        half = {"strides": 2, "padding": "same", "activation": "relu"}
        x = keras.Input((28, 28, channels), name="x")
        h = layers.Conv2D(32, 3, **half, name="conv1")(x)  # (n, 14, 14, 32)
        h = layers.Conv2D(64, 3, **half, name="conv2")(h)  # (n, 7, 7, 64)
        h = layers.Flatten(name="flatten")(h)
        h = layers.Dense(16, activation="relu", name="hidden")(h)
        mu = layers.Dense(latent_dim, name="mu")(h)
        logvar = layers.Dense(latent_dim, name="logvar")(h)
        super().__init__(x, (mu, logvar), name="encoder")


class ConvDecoder(keras.Model):
    """Latent points to one logit a pixel, by transposed convolutions.

    The defaults are the lecture's network, 65,089 parameters. Called on points
    (n, latent_dim) it returns logits (n, 28, 28, channels).

    Args:
        latent_dim: dimensions of z.
        channels: of an image.
    """

    @own_settings()
    def __init__(self, latent_dim: int = 2, channels: int = 1) -> None:
        double = {"strides": 2, "padding": "same", "activation": "relu"}
        z = keras.Input((latent_dim,), name="z")
        h = layers.Dense(7 * 7 * 64, activation="relu", name="hidden")(z)
        h = layers.Reshape((7, 7, 64), name="reshape")(h)
        # to (n, 14, 14, 64)
        h = layers.Conv2DTranspose(64, 3, **double, name="deconv1")(h)
        # to (n, 28, 28, 32)
        h = layers.Conv2DTranspose(32, 3, **double, name="deconv2")(h)
        pixels = layers.Conv2DTranspose(channels, 3, padding="same", name="pixels")
        super().__init__(z, pixels(h), name="decoder")
