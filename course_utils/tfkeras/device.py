"""TensorFlow's start, devices, seeds, settings, and images as tensors.

Importing this module starts TensorFlow quietly: its C++ libraries print notices before
any of their own settings is read, so file descriptor 2 is redirected while they are
imported, and only then. If the import fails, what they printed is printed after all.
"""

import inspect
import logging
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ContextDecorator, ExitStack, contextmanager, suppress
from typing import IO, Any, TypeVar

import numpy as np
import numpy.typing as npt

from course_utils.data.images import check_images
from course_utils.records.recipes import check_precision
from course_utils.records.runs import whole_number


@contextmanager
def quiet_start() -> Iterator[None]:
    """Hold back what C libraries write to standard error; print it after an error.

    Where there is no standard error (a service, pythonw), or no room to hold anything,
    nothing is held back.
    """
    with suppress(AttributeError, OSError, ValueError):  # none, closed, or no file
        sys.stderr.flush()
    held: IO[bytes] | None
    with ExitStack() as stack:
        try:
            terminal = os.dup(2)
            stack.callback(os.close, terminal)
            held = stack.enter_context(tempfile.TemporaryFile())
        except OSError:
            held = None
        else:
            os.dup2(held.fileno(), 2)
            stack.callback(os.dup2, terminal, 2)
        try:
            yield
        except BaseException:
            # Without a standard error of Python's, the descriptor is another file's.
            if held is not None and sys.__stderr__ is not None:
                held.seek(0)
                os.write(terminal, held.read())
            raise


if not os.path.isabs(os.path.expanduser("~")):
    # No home folder: Keras would make one called "~" where it runs.
    with suppress(OSError):
        os.environ.setdefault(
            "KERAS_HOME", os.path.join(tempfile.gettempdir(), "keras")
        )


# Each only if the user has not chosen: the backend; GPU memory taken as it is needed,
# so that two notebooks can share a GPU; notices off, warnings and errors on.
os.environ.setdefault("KERAS_BACKEND", "tensorflow")


os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")


os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "1")


with quiet_start():
    import keras
    import tensorflow as tf


if keras.backend.backend() != "tensorflow":
    raise ImportError(
        f"Keras runs on {keras.backend.backend()} here, and these lessons need "
        "TensorFlow: set KERAS_BACKEND=tensorflow, and restart the kernel."
    )


def pick_device() -> str:
    """Where TensorFlow computes by itself: a GPU if it sees one, else the CPU."""
    return "GPU:0" if tf.config.list_physical_devices("GPU") else "CPU:0"


def versions() -> dict[str, str]:
    """Of the libraries that compute, for the record."""
    return {
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
        "numpy": np.__version__,
    }


Function = TypeVar("Function", bound=Callable[..., Any])


FLOAT = "float32"  # of everything that is made here; tests choose another


class own_settings(ContextDecorator):
    """Layers made inside are in float32 and channels-last, whatever the user has set.

    Keras takes such settings also from keras.json in the user's home. Written above an
    `__init__` it holds for all that is made there.
    """

    def __enter__(self) -> None:
        config = keras.config
        self.before = (
            config.floatx(),
            config.dtype_policy(),
            config.image_data_format(),
        )
        _set_all(FLOAT, FLOAT, "channels_last")

    def __exit__(self, *error: object) -> None:
        _set_all(*self.before)

    def __call__(self, function: Function) -> Function:
        """The function, with these settings whenever it is called."""
        wrapped = super().__call__(function)
        # Keras asks an `__init__` for its arguments, and not what it wraps
        vars(wrapped)["__signature__"] = inspect.signature(function)
        return wrapped

    def _recreate_cm(self) -> "own_settings":
        return own_settings()  # calls may be nested


def _set_all(floatx: str, policy: str | keras.DTypePolicy, layout: str) -> None:
    keras.config.set_floatx(floatx)
    keras.config.set_dtype_policy(policy)
    keras.config.set_image_data_format(layout)


def seed_everything(seed: int) -> None:
    """Seed Keras's and TensorFlow's generators, NumPy's and Python's."""
    keras.utils.set_random_seed(whole_number("seed", seed))


def to_numpy(t: tf.Tensor | keras.Variable) -> npt.NDArray:
    """A tensor's or variable's values; bfloat16 becomes float32."""
    array = t.numpy()
    known_to_numpy = array.dtype.kind in "biufc"
    return array if known_to_numpy else array.astype(np.float32)


def to_tensor(images: npt.NDArray, shape: tuple[int, ...] | None = None) -> tf.Tensor:
    """NHWC images in [0, 1] as a float32 tensor in the same layout.

    Args:
        images: (n, height, width, channels).
        shape: height, width and channels that the images must have; None takes any.

    Raises:
        TypeError, ValueError: as `images.check_images`.
    """
    check_images(images, shape)
    return tf.constant(np.asarray(images, dtype=np.float32))


def made_shape(network: keras.Model, latent_dim: int) -> tuple[int, ...] | None:
    """The shape of one image or point that a decoder or a generator makes.

    Args:
        network: takes latent points (n, latent_dim).
        latent_dim: dimensions of z.

    Returns:
        Height, width and channels of an image; the dimensions of a point; None for
        anything else.
    """
    made = network(tf.zeros((1, latent_dim)), training=False)
    return tuple(made.shape[1:]) if tf.is_tensor(made) else None


@contextmanager
def computing_in(precision: str, *networks: keras.Model) -> Iterator[None]:
    """Let networks multiply in another precision; their parameters stay float32.

    Args:
        precision: "float32" changes nothing, "bfloat16" is Keras's "mixed_bfloat16":
            faster where the hardware has it; "auto" does so on a GPU that has it.
        networks: whose layers are changed, and afterwards changed back.

    Raises:
        ValueError: another precision.
    """
    check_precision(precision)
    is_lower = precision == "bfloat16" or precision == "auto" and _gpus_have_bfloat16()
    changed = networks if is_lower else ()
    layers = [layer for network in changed for layer in leaf_layers(network).values()]
    policies = [layer.dtype_policy for layer in layers]
    try:
        for layer in layers:
            layer.dtype_policy = "mixed_bfloat16"
        yield
    finally:
        for layer, policy in zip(layers, policies, strict=True):
            layer.dtype_policy = policy


def _gpus_have_bfloat16() -> bool:
    """Whether there are GPUs, all of a generation that multiplies in bfloat16."""
    gpus = tf.config.list_physical_devices("GPU")
    details = [tf.config.experimental.get_device_details(gpu) for gpu in gpus]
    # absent for other makers' GPUs
    ages = [known.get("compute_capability", (0, 0)) for known in details]
    return bool(ages) and min(ages) >= (8, 0)


def _sums_as_known(optimizer: type) -> bool:
    """Whether an optimizer of Keras has the private method that `Adam` overrides."""
    method = getattr(optimizer, "_all_reduce_sum_gradients", None)
    if not inspect.isfunction(method):
        return False
    return list(inspect.signature(method).parameters) == ["self", "grads_and_vars"]


class Adam(keras.optimizers.Adam):
    """Keras's Adam whose compiled steps on one device do not stay in memory for ever.

    Before each step Keras sums the gradients over devices, also over a single one. That
    sum has a gradient of its own, and TensorFlow keeps the graph around such a thing
    until Python ends, with the moments of all weights:
    https://github.com/tensorflow/tensorflow/issues/97697. The method is private: a
    Keras that has it no more, or another, goes its own way, which costs memory alone.
    """

    if _sums_as_known(keras.optimizers.Adam):

        def _all_reduce_sum_gradients(self, grads_and_vars: list) -> list:
            if tf.distribute.get_strategy().num_replicas_in_sync > 1:
                return super()._all_reduce_sum_gradients(grads_and_vars)
            return grads_and_vars


class MeanAdam(Adam):
    """The same for losses that are means over a device's part of a batch.

    Over several devices Keras sums gradients, and wants losses that are scaled; here
    they are averaged.
    """

    def apply(self, grads: list, trainable_variables: list | None = None) -> None:
        """As Keras's, with a share of each gradient."""
        devices = tf.distribute.get_strategy().num_replicas_in_sync
        super().apply([gradient / devices for gradient in grads], trainable_variables)


@contextmanager
def without_remapping() -> Iterator[None]:
    """Leave graphs as they are written inside: TensorFlow's remapper fuses nothing.

    With TensorFlow 2.21 it now and then stumbles over the gradient of a leaky ReLU
    behind a convolution, prints an error of its own, and leaves the graph as it was.
    """
    before = tf.config.optimizer.get_experimental_options().get("remapping", True)
    tf.config.optimizer.set_experimental_options({"remapping": False})
    try:
        yield
    finally:
        tf.config.optimizer.set_experimental_options({"remapping": before})


@contextmanager
def expecting_tracings() -> Iterator[None]:
    """Inside, TensorFlow does not warn of functions that are traced again and again.

    It counts those of all models together, so that a third model would look like a
    mistake.
    """

    def is_other(record: logging.LogRecord) -> bool:
        return "triggered tf.function retracing" not in record.getMessage()

    logger = tf.get_logger()
    logger.addFilter(is_other)
    try:
        yield
    finally:
        logger.removeFilter(is_other)


def dropout_states(model: keras.Model) -> list[keras.Variable]:
    """The states, two integers each, from which a model's layers draw in training."""
    generators = [
        getattr(layer, "seed_generator", None) for layer in leaf_layers(model).values()
    ]
    return [generator.state for generator in generators if generator is not None]


def leaf_layers(model: keras.Model, prefix: str = "") -> dict[str, keras.Layer]:
    """A model's layers by their paths, such as "encoder.conv1"."""
    leaves: dict[str, keras.Layer] = {}
    for layer in model.layers:
        path = f"{prefix}{layer.name}"
        if isinstance(layer, keras.Model):
            leaves |= leaf_layers(layer, f"{path}.")
        else:
            leaves[path] = layer
    return leaves
