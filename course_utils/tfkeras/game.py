"""Two networks at play: all that changes while they do, to be laid down on disk."""

from functools import partial

import keras
import numpy as np
import tensorflow as tf

from course_utils.records.arrays import check_fit, with_prefix, without_prefix
from course_utils.records.checkpoints import Arrays
from course_utils.records.rounds import with_number
from course_utils.tfkeras.batches import DROPOUT, NOISE, ORDER, fold
from course_utils.tfkeras.device import Adam, dropout_states, own_settings, to_numpy
from course_utils.tfkeras.gan import Step
from course_utils.tfkeras.weights import export_weights, import_weights

Rate = float | keras.optimizers.schedules.LearningRateSchedule


class Game:
    """Two networks at play: all that changes while they do.

    What is drawn in a step (order, latent points, dropout) follows from the seed and
    the step's number alone.

    Args:
        generator: with `latent_dim`; changed in place.
        discriminator: changed in place.
        x: the data as the discriminator is to see it.
        step: how one batch is played; compiled by `tf.function`.
        batch_size: samples a step.
        seed: of all that is drawn.
        rates: learning rates, the generator's and the discriminator's.
        betas: Adam's, for both.
    """

    @own_settings()
    def __init__(
        self,
        generator: keras.Model,
        discriminator: keras.Model,
        x: tf.Tensor,
        step: Step,
        batch_size: int,
        seed: int,
        rates: tuple[Rate, Rate],
        betas: tuple[float, float],
    ) -> None:
        self.networks = {"generator": generator, "discriminator": discriminator}
        self.optimizers = {}
        for (name, network), rate in zip(self.networks.items(), rates, strict=True):
            optimizer = Adam(_rate(rate), *map(float, betas))
            # now, because a compiled step cannot make variables
            optimizer.build(network.trainable_variables)
            self.optimizers[name] = optimizer
        self.x = x
        self.step = with_number(step)
        self.batch_size = batch_size
        self.seed = seed
        self.order: tuple[int, tf.Tensor] | None = None
        # The methods of all games would share one count of tracings, and TensorFlow
        # warns of too many; a partial is counted by itself.
        self._compiled = tf.function(partial(self._play))

    def play(self, number: int) -> tf.Tensor:
        """The step with this number, from 0; the two losses as one tensor."""
        return self._compiled(self._deal(number), tf.constant(number))

    def state(self) -> Arrays:
        """Weights and optimizers, to be laid down.

        Copies: they stay as they are when the game goes on.
        """
        arrays = {}
        for name, network in self.networks.items():
            arrays |= with_prefix(name, export_weights(network))
        for name, variables in self._optimizer_variables().items():
            moments = {key: to_numpy(v) for key, v in variables.items()}
            arrays |= with_prefix(name, moments)
        return {name: array.copy() for name, array in arrays.items()}

    def load_state(self, arrays: Arrays) -> None:
        """Take up what `state` gave.

        Raises:
            WeightsError: the arrays belong to other networks, or to another framework;
                nothing is changed then.
        """
        own = self.state()
        check_fit(arrays, {name: array.shape for name, array in own.items()})
        for name, network in self.networks.items():
            import_weights(network, without_prefix(name, arrays))
        for name, variables in self._optimizer_variables().items():
            for key, variable in variables.items():
                variable.assign(arrays[f"{name}.{key}"])

    def _play(self, rows: tf.Tensor, number: tf.Tensor) -> tf.Tensor:
        """One step with everything that it draws."""
        generator, discriminator = self.networks.values()
        states = dropout_states(generator) + dropout_states(discriminator)
        for place, state in enumerate(states):
            seed = fold(self.seed, DROPOUT + place, number)
            state.assign(tf.cast(seed, state.dtype))
        shape = (self.batch_size, generator.latent_dim)
        noise_seed = fold(self.seed, NOISE, number)
        z = tf.random.stateless_normal(shape, noise_seed, dtype=self.x.dtype)
        real = tf.gather(self.x, rows)
        # int32 tensors stay in the main memory, also of a machine with a GPU
        players = generator, discriminator, real, z, *self.optimizers.values()
        losses = self.step(*players, tf.cast(number, tf.int64))
        return tf.stack(losses)

    def _deal(self, number: int) -> tf.Tensor:
        """Rows of a full batch; each pass over the data has a new order."""
        epoch, place = divmod(number, len(self.x) // self.batch_size)
        if self.order is None or self.order[0] != epoch:
            rows, seed = tf.range(len(self.x)), fold(self.seed, ORDER, epoch)
            self.order = epoch, tf.random.experimental.stateless_shuffle(rows, seed)
        start = self.batch_size * place
        return self.order[1][start : start + self.batch_size]

    def _optimizer_variables(self) -> dict[str, dict[str, keras.Variable]]:
        """Step counts and moments, in the order in which Keras makes them.

        Without the learning rate: it is a setting, not something that grew.
        """
        return {
            f"{name}_optimizer": {
                str(place): variable
                for place, variable in enumerate(optimizer.variables)
                if variable is not optimizer.learning_rate
            }
            for name, optimizer in self.optimizers.items()
        }


def _rate(rate: Rate) -> Rate:
    """A learning rate as Keras takes it: a number of Python, or a schedule.

    Raises:
        TypeError: neither.
    """
    if callable(rate):
        return rate
    if np.ndim(rate):
        raise TypeError(
            "A learning rate is a number here, or one of "
            f"keras.optimizers.schedules, not {type(rate).__name__}."
        )
    return float(rate)
