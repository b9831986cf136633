"""Small players in Keras with all that a game must keep: averages and random states."""

import math

import keras
from keras import layers

from course_utils.tfkeras.device import seed_everything


class SmallGenerator(keras.Model):
    """Latent points of three numbers to points or images, with a running average."""

    def __init__(self, shape=(2,)):
        z = keras.Input((3,))
        h = layers.Dense(8, name="hidden")(z)
        h = layers.LeakyReLU(0.3)(layers.BatchNormalization(name="norm")(h))
        h = layers.Dense(math.prod(shape), name="point")(h)
        super().__init__(z, layers.Reshape(shape)(h))
        self.latent_dim = 3


class SmallDiscriminator(keras.Model):
    """With dropout, which has a random state."""

    def __init__(self, shape=(2,)):
        x = keras.Input(shape)
        h = layers.Dense(8, activation="relu", name="hidden")(layers.Flatten()(x))
        h = layers.Dropout(0.3, name="dropout")(h)
        super().__init__(x, layers.Dense(1, name="logit")(h))


def pair(seed=0, **options):
    seed_everything(seed)
    return SmallGenerator(**options), SmallDiscriminator(**options)
