"""What a VAE in Keras needs besides being one: noise, means, and a log for `fit`."""

import keras
import tensorflow as tf
from keras import ops

from course_utils.progress import EpochLog, not_finite
from course_utils.tfkeras.runtime import own_settings

TERMS = ("elbo", "reconstruction", "kl", "loss")

# Images alone, for which noise is drawn, or images with their noise.
Batch = tf.Tensor | tuple[tf.Tensor, tf.Tensor]


class FirstNotFinite(keras.metrics.Metric):
    """The number of the first step, from 1, with a value that is not finite; else 0."""

    def __init__(self, name: str = "not_finite_step") -> None:
        super().__init__(name=name, dtype="float32")
        self.steps = self.add_variable((), "zeros", name="steps")
        self.first = self.add_variable((), "zeros", name="first")

    def update_state(self, values: tf.Tensor) -> None:
        """Look at the values of one more step."""
        self.steps.assign_add(1)
        fault = ops.logical_not(ops.all(ops.isfinite(values)))
        new = ops.logical_and(fault, ops.equal(self.first, 0))
        self.first.assign(ops.where(new, self.steps, self.first))

    def result(self) -> tf.Tensor:
        """The step's number."""
        return ops.cast(self.first, "int32")


class VAEBase(keras.Model):
    """Noise for each batch, the weight of the KL, and means over an epoch.

    A subclass has `encoder` and `decoder`, and steps that hand the named terms of each
    batch to `report`. `fit` and `evaluate` then report means over all images so far, in
    nats: `elbo`, `reconstruction`, `kl`, `loss`; and `not_finite_step`.

    Args:
        latent_dim: dimensions of z.
    """

    @own_settings()
    def __init__(self, latent_dim: int) -> None:
        super().__init__()
        self.latent_dim = latent_dim
        self.beta = 1.0
        self.noise = keras.random.SeedGenerator(0)
        self.means = {name: keras.metrics.Mean(name, "float64") for name in TERMS}
        self.not_finite_step = FirstNotFinite()
        self.built = True  # its networks are, once a subclass has made them

    def compile(
        self, optimizer: str | keras.Optimizer = "adam", beta: float = 1.0
    ) -> None:
        """Choose the optimizer and the weight of the KL."""
        super().compile(optimizer)
        self.beta = beta

    @property
    def metrics(self) -> list[keras.Metric]:
        """What an epoch starts anew."""
        return [*self.means.values(), self.not_finite_step]

    def with_noise(self, data: Batch) -> tuple[tf.Tensor, tf.Tensor]:
        """Images and standard normal noise, drawn here if it does not come along."""
        # Keras may wrap images alone in a tuple, and pads it with None
        x, epsilon, _ = keras.utils.unpack_x_y_sample_weight(data)
        if epsilon is None:
            shape = (ops.shape(x)[0], self.latent_dim)
            epsilon = keras.random.normal(shape, dtype=x.dtype, seed=self.noise)
        return x, epsilon

    def report(self, terms: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Take the terms of a batch into the means, and return these."""
        for name, mean in self.means.items():
            mean.update_state(terms[name])
        self.not_finite_step.update_state(terms["loss"])
        return {metric.name: metric.result() for metric in self.metrics}


class Recorder(keras.callbacks.Callback):
    """Hands the means of each epoch on to a log, and stops when one is not finite."""

    def __init__(self, log: EpochLog) -> None:
        super().__init__()
        self.log = log

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Called by `fit` with Keras's names: `val_` means held out."""
        places = {"not_finite_step": f"of epoch {epoch + 1}"}
        places["val_not_finite_step"] = f"on held-out images, epoch {epoch + 1}"
        for key, where in places.items():
            if step := int(logs.get(key, 0)):
                raise not_finite(step, where)
        values = {term: logs[term] for term in TERMS}
        if "val_loss" in logs:
            values |= {f"test_{term}": logs[f"val_{term}"] for term in TERMS}
        self.log.append(values)
