"""Two networks at play: all that changes while they do, to be laid down on disk."""

from collections.abc import Sequence
from functools import partial

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from course_utils.data.images import check_points
from course_utils.records.arrays import check_fit, with_prefix, without_prefix
from course_utils.records.checkpoints import Arrays
from course_utils.records.recipes import Recipe
from course_utils.records.rounds import with_number
from course_utils.records.runs import whole_number
from course_utils.tfkeras.batches import DROPOUT, NOISE, ORDER, fold
from course_utils.tfkeras.device import (
    Adam,
    dropout_states,
    made_shape,
    own_settings,
    pick_device,
    to_numpy,
    to_tensor,
    without_remapping,
)
from course_utils.tfkeras.weights import export_weights, import_weights


class Game:
    """Two networks at play: all that changes while they do.

    What is drawn in a step (order, latent points, dropout) follows from the seed and
    the step's number alone. The step is compiled by `tf.function`.

    Args:
        generator: with `latent_dim`; changed in place.
        discriminator: changed in place.
        data: points, float (n, dimensions), as they are; or images, float32
            (n, height, width, channels) in [0, 1], which are shown to the
            discriminator in [-1, 1].
        recipe: how it is played; in float32 and without an average, which only the
            PyTorch wing has.
        seed: of the order of the data, of all latent points, and of dropout.

    Raises:
        TypeError, ValueError: unusable data, as `images.check_images` and
            `images.check_points`, or others than the generator makes; fewer than a
            batch; a recipe that only the PyTorch wing can play.
    """

    @own_settings()
    def __init__(
        self,
        generator: keras.Model,
        discriminator: keras.Model,
        data: npt.NDArray,
        recipe: Recipe,
        seed: int,
    ) -> None:
        _check_recipe(recipe)
        self.recipe, self.seed = recipe, whole_number("seed", seed)
        self.x = _tensor_of(data, generator)
        if len(self.x) < recipe.batch_size:
            raise ValueError(
                f"{len(self.x)} samples cannot fill a batch of {recipe.batch_size}."
            )
        device = pick_device().split(":")[0].lower()
        self.place = {"framework": "Keras", "device": device}
        self.networks = {"generator": generator, "discriminator": discriminator}
        self.optimizers = {}
        for name, network in self.networks.items():
            optimizer = Adam(beta_1=recipe.betas[0], beta_2=recipe.betas[1])
            # now, because a compiled step cannot make variables
            optimizer.build(network.trainable_variables)
            self.optimizers[name] = optimizer
        self.number = 0
        self.order: tuple[int, tf.Tensor] | None = None
        self._step = with_number(recipe.step)
        # The methods of all games would share one count of tracings, and TensorFlow
        # warns of too many; a partial is counted by itself.
        self._compiled = tf.function(partial(self._one_step))

    def play(self, rates: Sequence[tuple[float, float]]) -> npt.NDArray:
        """A step for each pair of learning rates, generator's and discriminator's.

        Returns:
            The discriminator's and the generator's loss of each step, (n, 2).
        """
        losses = []
        with without_remapping():
            for pair in rates:
                for optimizer, rate in zip(self.optimizers.values(), pair, strict=True):
                    optimizer.learning_rate = rate
                number = tf.constant(self.number)
                losses.append(to_numpy(self._compiled(self._deal(self.number), number)))
                self.number += 1
        return np.stack(losses, dtype=np.float64)

    def state(self) -> Arrays:
        """Weights and optimizers, to be laid down.

        Copies: they stay as they are when the game goes on.
        """
        arrays = {"number": np.array(self.number)}
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
        self.number, self.order = int(arrays["number"]), None
        for name, network in self.networks.items():
            import_weights(network, without_prefix(name, arrays))
        for name, variables in self._optimizer_variables().items():
            for key, variable in variables.items():
                variable.assign(arrays[f"{name}.{key}"])

    def _one_step(self, rows: tf.Tensor, number: tf.Tensor) -> tf.Tensor:
        """One step with everything that it draws."""
        generator, discriminator = self.networks.values()
        states = dropout_states(generator) + dropout_states(discriminator)
        for place, state in enumerate(states):
            seed = fold(self.seed, DROPOUT + place, number)
            state.assign(tf.cast(seed, state.dtype))
        shape = (self.recipe.batch_size, generator.latent_dim)
        noise_seed = fold(self.seed, NOISE, number)
        z = tf.random.stateless_normal(shape, noise_seed, dtype=self.x.dtype)
        real = tf.gather(self.x, rows)
        # int32 tensors stay in the main memory, also of a machine with a GPU
        players = generator, discriminator, real, z, *self.optimizers.values()
        losses = self._step(*players, tf.cast(number, tf.int64))
        return tf.stack(losses)

    def _deal(self, number: int) -> tf.Tensor:
        """Rows of a full batch; each pass over the data has a new order."""
        epoch, place = divmod(number, len(self.x) // self.recipe.batch_size)
        if self.order is None or self.order[0] != epoch:
            rows, seed = tf.range(len(self.x)), fold(self.seed, ORDER, epoch)
            self.order = epoch, tf.random.experimental.stateless_shuffle(rows, seed)
        start = self.recipe.batch_size * place
        return self.order[1][start : start + self.recipe.batch_size]

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


def _check_recipe(recipe: Recipe) -> None:
    """Refuse what this wing cannot play, in a sentence.

    Raises:
        ValueError: another precision, or an average.
    """
    if recipe.precision != "float32" or recipe.averaging is not None:
        raise ValueError(
            "In Keras a game is played in float32 and without an average of the "
            f"generator, not with precision={recipe.precision!r} and "
            f"averaging={recipe.averaging}: play this recipe in PyTorch, or another "
            "here."
        )


def _tensor_of(data: npt.NDArray, generator: keras.Model) -> tf.Tensor:
    """The data: points as they are, images in [-1, 1].

    Raises:
        TypeError, ValueError: unusable data, or others than the generator makes.
    """
    shape = made_shape(generator, generator.latent_dim)
    if np.ndim(data) == 2:
        check_points(data, shape)
        return tf.constant(np.asarray(data, dtype=np.float32))
    return 2 * to_tensor(data, shape) - 1
