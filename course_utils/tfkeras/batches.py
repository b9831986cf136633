"""Images in batches, each with its noise: all of it follows from one seed.

Keras's own shuffling and TensorFlow's data sets mix a global seed into the one that
they are given; what is drawn here depends on nothing but its arguments.
"""

import tensorflow as tf
from keras import ops

# What a seed is used for: each use has random numbers of its own.
ORDER, NOISE, PIXELS, TEST_NOISE, TEST_PIXELS, DROPOUT = range(6)


def training_batches(
    x: tf.Tensor, batch_size: int, latent_dim: int, seed: int, binarize: bool
) -> tf.data.Dataset:
    """Pairs (images, epsilon) without end, each epoch all images in a new order.

    Args:
        x: images, (n, height, width, channels).
        batch_size: images a batch; the last of an epoch may have fewer.
        latent_dim: dimensions of epsilon, which is standard normal.
        seed: of the order, the noise and the pixels.
        binarize: draw each pixel anew, 1 with its grey level as the probability.
    """

    def epoch_of(epoch: tf.Tensor) -> tf.data.Dataset:
        order = tf.random.experimental.stateless_shuffle(
            tf.range(len(x)), fold(seed, ORDER, epoch)
        )
        return tf.data.Dataset.from_tensor_slices(order).batch(batch_size)

    def batch_of(step: tf.Tensor, rows: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        images = tf.gather(x, rows)
        if binarize:
            images = _tossed(images, fold(seed, PIXELS, step))
        shape = (tf.size(rows), latent_dim)
        noise_seed = fold(seed, NOISE, step)
        return images, tf.random.stateless_normal(shape, noise_seed, dtype=x.dtype)

    rows = tf.data.Dataset.counter().flat_map(epoch_of)
    return rows.enumerate().map(batch_of).prefetch(tf.data.AUTOTUNE)


def held_out_batches(
    x: tf.Tensor, batch_size: int, latent_dim: int, seed: int, binarize: bool
) -> tf.data.Dataset:
    """Pairs (images, epsilon), at each pass the same; arguments as above."""
    if binarize:
        x = _tossed(x, fold(seed, TEST_PIXELS, 0))
    noise_seed = fold(seed, TEST_NOISE, 0)
    epsilon = tf.random.stateless_normal(
        (len(x), latent_dim), noise_seed, dtype=x.dtype
    )
    return tf.data.Dataset.from_tensor_slices((x, epsilon)).batch(batch_size)


def fold(seed: int, purpose: int, number: int | tf.Tensor) -> tf.Tensor:
    """The seed, two int32, of one use of random numbers.

    Args:
        seed: of the run.
        purpose: one of the constants above.
        number: of the step, or whatever else is drawn anew.
    """
    return tf.random.fold_in(tf.constant([seed, purpose]), number)


def _tossed(images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    uniform = tf.random.stateless_uniform(tf.shape(images), seed, dtype=images.dtype)
    return ops.cast(uniform < images, images.dtype)
