"""Encoders, decoders, generators, discriminators: networks without probability.

The defaults of Keras count here: a leaky ReLU of slope 0.3, batch normalization with
epsilon 1e-3 and momentum 0.99, "same" padding.
"""

import keras
from keras import layers

from course_utils.tfkeras.device import own_settings


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


class Generator(keras.Model):
    """Latent points to images in [-1, 1], by transposed convolutions.

    The defaults are the lecture's network: 2,330,944 numbers, of which 25,472 are
    running averages. Without biases, since batch normalization brings its own. Called
    on points (n, latent_dim) it returns images (n, 28, 28, channels).

    Args:
        latent_dim: dimensions of z.
        channels: of an image; its size is 28 by 28.
    """

    @own_settings()
    def __init__(self, latent_dim: int = 100, channels: int = 1) -> None:
        plain = {"kernel_size": 5, "padding": "same", "use_bias": False}
        z = keras.Input((latent_dim,), name="z")
        h = layers.Dense(7 * 7 * 256, use_bias=False, name="hidden")(z)
        h = layers.LeakyReLU(0.3)(layers.BatchNormalization(name="norm1")(h))
        h = layers.Reshape((7, 7, 256), name="reshape")(h)
        # stays (n, 7, 7, ...)
        h = layers.Conv2DTranspose(128, **plain, name="deconv1")(h)
        h = layers.LeakyReLU(0.3)(layers.BatchNormalization(name="norm2")(h))
        # to (n, 14, 14, 64)
        h = layers.Conv2DTranspose(64, strides=2, **plain, name="deconv2")(h)
        h = layers.LeakyReLU(0.3)(layers.BatchNormalization(name="norm3")(h))
        # to (n, 28, 28, channels)
        last = {"strides": 2, "activation": "tanh", "name": "pixels"}
        x = layers.Conv2DTranspose(channels, **plain, **last)(h)
        super().__init__(z, x, name="generator")
        self.latent_dim = latent_dim


class Discriminator(keras.Model):
    """Images in [-1, 1] to one logit each, by convolutions.

    The defaults are the lecture's network, 212,865 parameters. Called on images
    (n, 28, 28, channels) it returns logits (n, 1).

    Args:
        channels: of an image; its size is 28 by 28.
    """

    @own_settings()
    def __init__(self, channels: int = 1) -> None:
        half = {"kernel_size": 5, "strides": 2, "padding": "same"}
        x = keras.Input((28, 28, channels), name="x")
        h = layers.Conv2D(64, **half, name="conv1")(x)  # (n, 14, 14, 64)
        h = layers.Dropout(0.3, name="dropout1")(layers.LeakyReLU(0.3)(h))
        h = layers.Conv2D(128, **half, name="conv2")(h)  # (n, 7, 7, 128)
        h = layers.Dropout(0.3, name="dropout2")(layers.LeakyReLU(0.3)(h))
        h = layers.Flatten(name="flatten")(h)
        super().__init__(x, layers.Dense(1, name="logit")(h), name="discriminator")
