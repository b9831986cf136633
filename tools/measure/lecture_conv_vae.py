"""The lecture's convolutional VAE as its own program has it, to be compared with ours.

Written plainly, with the lecture's layers, loss and step. It is a yardstick, so it
keeps what the course does otherwise: noise from TensorFlow's global generator,
a sigmoid in the decoder, and a cross-entropy that averages over channels.
"""

import keras
import tensorflow as tf


class Sampling(keras.layers.Layer):
    """The lecture's: draws z from its mean and log-variance."""

    def call(self, inputs: list[tf.Tensor]) -> tf.Tensor:
        """One latent point an image."""
        z_mean, z_log_var = inputs
        epsilon = tf.random.normal(shape=tf.shape(z_mean))
        return z_mean + tf.exp(0.5 * z_log_var) * epsilon


def lecture_networks() -> tuple[keras.Model, keras.Model]:
    """The lecture's encoder, with its sampling layer, and decoder, with its sigmoid."""
    half = {"activation": "relu", "strides": 2, "padding": "same"}
    images = keras.Input(shape=(28, 28, 1))
    h = keras.layers.Conv2D(32, 3, **half)(images)
    h = keras.layers.Conv2D(64, 3, **half)(h)
    h = keras.layers.Flatten()(h)
    h = keras.layers.Dense(16, activation="relu")(h)
    z_mean, z_log_var = keras.layers.Dense(2)(h), keras.layers.Dense(2)(h)
    z = Sampling()([z_mean, z_log_var])
    points = keras.Input(shape=(2,))
    h = keras.layers.Dense(7 * 7 * 64, activation="relu")(points)
    h = keras.layers.Reshape((7, 7, 64))(h)
    h = keras.layers.Conv2DTranspose(64, 3, **half)(h)
    h = keras.layers.Conv2DTranspose(32, 3, **half)(h)
    h = keras.layers.Conv2DTranspose(1, 3, activation="sigmoid", padding="same")(h)
    return keras.Model(images, [z_mean, z_log_var, z]), keras.Model(points, h)


class LectureVAE(keras.Model):
    """The lecture's model and step."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder, self.decoder = lecture_networks()
        names = ("total_loss", "reconstruction_loss", "kl_loss")
        self.trackers = [keras.metrics.Mean(name=name) for name in names]

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        """Reset at each epoch."""
        return self.trackers

    def train_step(self, data: tf.Tensor) -> dict[str, tf.Tensor]:
        """One step of Adam."""
        with tf.GradientTape() as tape:
            z_mean, z_log_var, z = self.encoder(data)
            reconstruction = self.decoder(z)
            entropy = keras.losses.binary_crossentropy(data, reconstruction)
            reconstruction_loss = tf.reduce_mean(tf.reduce_sum(entropy, axis=(1, 2)))
            kl = -0.5 * (1 + z_log_var - tf.square(z_mean) - tf.exp(z_log_var))
            kl_loss = tf.reduce_mean(tf.reduce_sum(kl, axis=1))
            total_loss = reconstruction_loss + kl_loss
        grads = tape.gradient(total_loss, self.trainable_weights)
        self.optimizer.apply_gradients(zip(grads, self.trainable_weights, strict=True))
        losses = (total_loss, reconstruction_loss, kl_loss)
        for tracker, loss in zip(self.trackers, losses, strict=True):
            tracker.update_state(loss)
        return {
            "loss": self.trackers[0].result(),
            "reconstruction_loss": self.trackers[1].result(),
            "kl_loss": self.trackers[2].result(),
        }
