"""A VAE without hidden layers, in Keras, and worked out in double precision."""

import math
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import expit, log_expit

Array = npt.NDArray[np.float64]


class LinearVAE:
    """A VAE without hidden layers, in Keras, and worked out in double precision.

    Args:
        rng: of the weights.
        image: height, width, channels.
        k: latent dimensions.
        classes: of a label that both networks get, if any.
    """

    def __init__(
        self,
        rng: np.random.Generator,
        image: tuple[int, int, int],
        k: int,
        classes: int = 0,
    ) -> None:
        self.image, self.k, self.classes = image, k, classes
        pixels = math.prod(image)
        self.layers: list[Any] = []  # of mu, of logvar and of the logits, in Keras
        self.kernels, self.biases = [], []
        for inputs, outputs in ((pixels, k), (pixels, k), (k, pixels)):
            size = (inputs + classes, outputs)
            self.kernels.append(single(rng.normal(0, inputs**-0.5, size)))
            self.biases.append(single(rng.normal(0, 0.5, outputs)))

    def networks(self) -> tuple[Any, Any]:
        """The encoder and the decoder."""
        import keras

        x, label = keras.Input(self.image), keras.Input((self.classes,))
        z = keras.Input((self.k + self.classes,))
        flat = keras.layers.Flatten()(x)
        seen = keras.layers.Concatenate()([flat, label]) if self.classes else flat
        self.layers = [keras.layers.Dense(bias.size) for bias in self.biases]
        to_mu, to_logvar, to_logits = self.layers
        inputs = [x, label] if self.classes else x
        encoder = keras.Model(inputs, (to_mu(seen), to_logvar(seen)))
        logits = keras.layers.Reshape(self.image)(to_logits(z))
        for layer, *values in zip(self.layers, self.kernels, self.biases, strict=True):
            layer.set_weights(values)
        return encoder, keras.Model(z, logits)

    def encode(
        self, x: Array, epsilon: Array, y: Array | None = None
    ) -> tuple[Array, Array, Array]:
        """`mu`, `logvar` and z."""
        seen = self._labelled(x.reshape(len(x), -1), y)
        mu, logvar = (seen @ self.kernels[i] + self.biases[i] for i in (0, 1))
        return mu, logvar, mu + np.exp(0.5 * logvar) * epsilon

    def reconstruction(self, x: Array, z: Array, y: Array | None = None) -> Array:
        """Log p(x given z), or given z and y."""
        logits = self._labelled(z, y) @ self.kernels[2] + self.biases[2]
        return bernoulli(logits, x.reshape(logits.shape))

    def slope(self, x: Array, epsilon: Array, y: Array | None = None) -> Array:
        """Of the sum of the ELBOs, along all weights in the order of `layers`."""
        flat = x.reshape(len(x), -1)
        mu, logvar, z = self.encode(x, epsilon, y)
        seen, drawn = self._labelled(flat, y), self._labelled(z, y)
        to_logits = flat - expit(drawn @ self.kernels[2] + self.biases[2])
        to_z = to_logits @ self.kernels[2][: self.k].T
        to_logvar = to_z * (z - mu) / 2 - np.expm1(logvar) / 2
        parts = (seen, to_z - mu), (seen, to_logvar), (drawn, to_logits)
        slopes = [slope for h, d in parts for slope in (h.T @ d, d.sum(0))]
        return np.concatenate([slope.ravel() for slope in slopes])

    def change(self) -> Array:
        """What was added to the weights of the Keras networks."""
        new = [w.ravel() for layer in self.layers for w in layer.get_weights()]
        pairs = zip(self.kernels, self.biases, strict=True)
        return np.concatenate(new) - np.concatenate(
            [w.ravel() for p in pairs for w in p]
        )

    def _labelled(self, values: Array, y: Array | None) -> Array:
        return values if y is None else np.c_[values, np.eye(self.classes)[y]]


def bernoulli(logits: Array, x: Array) -> Array:
    """The log-probability of each image with pixels of these logits, (n,)."""
    logits = np.asarray(logits, np.float64)
    values = x * log_expit(logits) + (1 - x) * log_expit(-logits)
    return values.reshape(len(x), -1).sum(1)


def single(values: Array) -> npt.NDArray[np.float32]:
    """Numbers as Keras has them, so that both compute with the same ones."""
    return values.astype(np.float32)


def tensors(*arrays: npt.NDArray) -> list[Any]:
    """Numbers and labels in the types that Keras computes with."""
    import tensorflow as tf

    kinds = {"f": tf.float32, "i": tf.int32}
    return [tf.constant(array, kinds[array.dtype.kind]) for array in arrays]
