"""The lecture's DCGAN as its own program has it, to be compared with ours.

Written plainly, with the lecture's layers, losses and step, and with what its program
needs to run at all. It is a yardstick: noise comes from TensorFlow's global generator,
and whoever calls `train_step` sees to full batches.
"""

from collections.abc import Callable

# The course's wing first: it starts TensorFlow without its notices.
import keras
import tensorflow as tf

layers = keras.layers
NOISE = 100


def lecture_generator() -> keras.Model:
    """Noise to images in [-1, 1]."""
    same = {"padding": "same", "use_bias": False}
    return keras.Sequential(
        [
            keras.Input(shape=(NOISE,)),
            layers.Dense(7 * 7 * 256, use_bias=False),
            layers.BatchNormalization(),
            layers.LeakyReLU(),
            layers.Reshape((7, 7, 256)),
            layers.Conv2DTranspose(128, 5, **same),
            layers.BatchNormalization(),
            layers.LeakyReLU(),
            layers.Conv2DTranspose(64, 5, strides=2, **same),
            layers.BatchNormalization(),
            layers.LeakyReLU(),
            layers.Conv2DTranspose(1, 5, strides=2, activation="tanh", **same),
        ]
    )


def lecture_discriminator() -> keras.Model:
    """Images to logits."""
    half = {"strides": 2, "padding": "same"}
    return keras.Sequential(
        [
            keras.Input(shape=(28, 28, 1)),
            layers.Conv2D(64, 5, **half),
            layers.LeakyReLU(),
            layers.Dropout(0.3),
            layers.Conv2D(128, 5, **half),
            layers.LeakyReLU(),
            layers.Dropout(0.3),
            layers.Flatten(),
            layers.Dense(1),
        ]
    )


def lecture_step(
    compiled: bool = True,
) -> Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor]]:
    """New networks and optimizers, and the step that trains them."""
    generator, discriminator = lecture_generator(), lecture_discriminator()
    optimizers = [keras.optimizers.Adam(1e-4) for _ in range(2)]
    cross_entropy = keras.losses.BinaryCrossentropy(from_logits=True)

    def train_step(images: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        noise = tf.random.normal([len(images), NOISE])
        with tf.GradientTape() as g_tape, tf.GradientTape() as d_tape:
            real = discriminator(images, training=True)
            fake = discriminator(generator(noise, training=True), training=True)
            g_loss = cross_entropy(tf.ones_like(fake), fake)
            d_loss = cross_entropy(tf.ones_like(real), real)
            d_loss += cross_entropy(tf.zeros_like(fake), fake)
        plays = ((generator, g_loss, g_tape), (discriminator, d_loss, d_tape))
        for optimizer, (network, loss, tape) in zip(optimizers, plays, strict=True):
            slopes = tape.gradient(loss, network.trainable_variables)
            pairs = zip(slopes, network.trainable_variables, strict=True)
            optimizer.apply_gradients(pairs)
        return g_loss, d_loss

    return tf.function(train_step) if compiled else train_step
