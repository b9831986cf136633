"""Checks of what the layers of a DCGAN do: sizes, normalization, overlap."""

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from course_utils.checks.asking import Ask, asking

Array = npt.NDArray[np.float64]


def check_count_numbers(count_numbers: Any, seed: int | None = None) -> None:
    """How many numbers a layer holds, against Keras's own count.

    Args:
        count_numbers: of kernel, inputs, outputs, all whole numbers, and norm, a bool,
            to the trained and the untrained numbers.
        seed: of the sizes.
    """
    import keras

    hint = "Count by kind: kernel, bias, gamma and beta, running averages."
    with asking(count_numbers, "count_numbers", hint, seed) as ask:
        for norm in (False, True, True):
            kernel, inputs, outputs = map(int, ask.rng.integers(2, (6, 11, 16)))
            layers = [keras.layers.Conv2DTranspose(outputs, kernel, use_bias=not norm)]
            layers += [keras.layers.BatchNormalization()] * norm
            network = keras.Sequential([keras.Input((5, 5, inputs)), *layers])
            trained = sum(math.prod(w.shape) for w in network.trainable_weights)
            untrained = network.count_params() - trained
            tried = f"kernel {kernel}, {inputs} to {outputs} channels, norm {norm}"
            answer = ask.call(tried, kernel, inputs, outputs, norm)
            got = ask.parts("Trained and untrained numbers", answer, 2)
            kernels = kernel**2 * inputs * outputs
            slips = {
                "Running averages are not trained.": trained + untrained,
                "A kernel of an image has two sides.": (
                    trained - kernels + kernels / kernel
                ),
                "A bias belongs to a channel that is put out.": kernels + inputs,
                "In front of a batch normalization a bias is wasted.": (
                    trained + outputs
                ),
                "What else does such a layer learn? It is more than a kernel.": kernels,
            }
            ask.close(f"what is trained ({tried})", got[0], trained, slips=slips)
            slips = {
                "A channel has two running averages.": untrained / 2,
                "Gamma and beta are trained.": 2 * untrained,
                "Averages of what? There is no batch normalization.": 2 * outputs,
            }
            ask.close(f"what is not trained ({tried})", got[1], untrained, slips=slips)


def check_normalize(normalize: Any, seed: int | None = None) -> None:
    """Batch normalization when samples are drawn, against Keras's layer.

    Args:
        normalize: of h (rows, ..., channels), gamma, beta, moving_mean and
            moving_variance, (channels,) each, and epsilon, to the shape of h.
        seed: of the inputs.
    """
    import keras
    import tensorflow as tf

    hint = "Nothing is computed from the batch here: h, five constants, one line."
    with asking(normalize, "normalize", hint, seed) as ask:
        for shape in ((6, 3), (1, 4), (2, 3, 4, 5)):
            gamma, beta, mean, variance, h = _norm_inputs(ask, shape)
            epsilon = float(ask.rng.uniform(0.1, 0.5))
            layer = keras.layers.BatchNormalization(epsilon=epsilon)
            layer.build(shape)
            layer.set_weights([gamma, beta, mean, variance])
            right = layer(h, training=False).numpy()
            tried = f"h of shape {shape}, epsilon {epsilon:.3g}"
            constants = map(tf.constant, (h, gamma, beta, mean, variance))
            centred, axes = h - mean, tuple(range(len(shape) - 1))
            of_batch = (h - h.mean(axes)) / np.sqrt(h.var(axes) + epsilon)
            slips = {
                "Those are mean and variance of the batch, as in training.": (
                    gamma * of_batch + beta
                ),
                "Where does epsilon stand: under the root or beside it?": (
                    gamma * centred / (np.sqrt(variance) + epsilon) + beta
                ),
                "The variance lacks its epsilon.": (
                    gamma * centred / np.sqrt(variance) + beta
                ),
                "A variance is divided by; what has the unit of h?": (
                    gamma * centred / (variance + epsilon) + beta
                ),
                "Which of gamma and beta is the factor?": (
                    beta * centred / np.sqrt(variance + epsilon) + gamma
                ),
                "Gamma and beta are still to come.": (
                    centred / np.sqrt(variance + epsilon)
                ),
            }
            value = ask.call(tried, *constants, epsilon)
            ask.close(f"the normalized h ({tried})", value, right, slips=slips)


def check_update_averages(update_averages: Any, seed: int | None = None) -> None:
    """One update of running averages, against what Keras's layer does in training.

    Args:
        update_averages: of h (rows, ..., channels), moving_mean and moving_variance,
            (channels,) each, and momentum, to the new two.
        seed: of the inputs.
    """
    import keras
    import tensorflow as tf

    hint = "What should a momentum of 1 do, and one of 0? Which axes are averaged?"
    with asking(update_averages, "update_averages", hint, seed) as ask:
        for shape in ((5, 3), (1, 2, 2, 4), (3, 2, 3, 2)):
            gamma, beta, mean, variance, h = _norm_inputs(ask, shape)
            momentum = float(ask.rng.uniform(0.6, 0.9))
            layer = keras.layers.BatchNormalization(momentum=momentum)
            layer.build(shape)
            layer.set_weights([gamma, beta, mean, variance])
            layer(h, training=True)
            right = [w.numpy() for w in layer.non_trainable_weights]
            tried = f"h of shape {shape}, momentum {momentum:.3g}"
            inputs = map(tf.constant, (h, mean, variance))
            answer = ask.call(tried, *inputs, momentum)
            got = ask.parts("The new averages", answer, 2)
            axes = tuple(range(len(shape) - 1))
            places = h.size / shape[-1]
            batch_mean, batch_variance = h.mean(axes), h.var(axes)
            slips = _average_slips(mean, batch_mean, momentum) | {
                "One mean a channel, over images and places.": (
                    momentum * mean + (1 - momentum) * h.mean(0)
                ),
            }
            ask.close(f"the mean ({tried})", got[0], right[0], slips=slips)
            slips = _average_slips(variance, batch_variance, momentum) | {
                "Keras divides by the number of values, not by one less.": (
                    momentum * variance
                    + (1 - momentum) * batch_variance * places / (places - 1)
                ),
                "A variance is kept, no standard deviation.": (
                    momentum * variance + (1 - momentum) * np.sqrt(batch_variance)
                ),
            }
            ask.close(f"the variance ({tried})", got[1], right[1], slips=slips)


def check_count_stamps(count_stamps: Any, seed: int | None = None) -> None:
    """How many stamps of a transposed convolution meet in each pixel of a line.

    Args:
        count_stamps: of n, kernel and stride, to ((n - 1) * stride + kernel,).
        seed: of the last sizes.
    """
    hint = "Stamp i begins at pixel i * stride. Draw two stamps on squared paper."
    with asking(count_stamps, "count_stamps", hint, seed) as ask:
        stamps, wider, step = map(int, ask.rng.integers((2, 0, 2), (9, 4, 5)))
        for n, kernel, stride in ((4, 5, 2), (1, 3, 2), (stamps, step + wider, step)):
            right = _stamps(np.ones(n), kernel, stride)
            edge = kernel - stride
            slips = {
                "Kernel and stride have changed places.": _stamps(
                    np.ones(n), stride, kernel
                ),
                "Nothing is cropped here: the last stamp ends inside the line.": (
                    right[edge // 2 :][: n * stride]
                ),
                "Where stamps overlap they are added.": np.minimum(right, 1),
                "Is the next stamp one pixel further, or a stride?": _stamps(
                    np.ones(n), kernel, 1
                ),
            }
            tried = f"n = {n}, kernel {kernel}, stride {stride}"
            value = ask.call(tried, n, kernel, stride)
            ask.close(f"the stamps ({tried})", value, right, slips=slips)


def check_contrast(contrast: Any, seed: int | None = None) -> None:
    """How uneven two layers of kernel 5 and stride 2 are, by counting.

    Args:
        contrast: a number, the stamps that meet in the pixel that has most of them over
            those in the one that has fewest, away from the edges of an image.
        seed: not used; nothing is drawn here.
    """
    hint = "A pixel of the second layer adds pixels of the first. Let Keras count."
    with asking(contrast, "contrast", hint, seed) as ask:
        line = np.ones(40)
        ratios = []
        for _ in range(2):
            line = _stamps(line, 5, 2)
            inside = line[len(line) // 4 : -len(line) // 4]
            ratios.append(inside.max() / inside.min())
        one, two = ratios
        right, value = two**2, ask.value()
        slips = {
            "That is one layer.": one**2,
            "That is a line. An image has two sides.": two,
            "That is one layer, and a line.": one,
            "The second layer adds up the unevenness of the first.": one**4,
            "Most over fewest, so it is above 1.": 1 / right,
        }
        if not math.isclose(value, right, rel_tol=1e-3):
            near = (text for text, v in slips.items() if abs(value - v) < 0.01 * v)
            ask.fail(f"{value:g} is not right.", next(near, None))


def _stamps(values: Array, kernel: int, stride: int) -> Array:
    """What a kernel of ones makes of a line of values."""
    spread = np.zeros((len(values) - 1) * stride + 1)
    spread[::stride] = values
    return np.convolve(spread, np.ones(kernel))


def _norm_inputs(ask: Ask, shape: tuple[int, ...]) -> list[npt.NDArray[np.float32]]:
    """Gamma, beta, mean, variance, and an h that is far from both averages."""
    gamma, beta, mean = ask.rng.normal((1, 0, 1), 0.5, (shape[-1], 3)).T
    variance = ask.rng.uniform(0.3, 0.8, shape[-1])
    h = ask.rng.normal(-1, 2, shape)
    return [v.astype(np.float32) for v in (gamma, beta, mean, variance, h)]


def _average_slips(
    old: Array, batch: Array, momentum: float
) -> dict[str, npt.ArrayLike]:
    return {
        "A momentum of 0.99 keeps 99 % of the old.": (
            (1 - momentum) * old + momentum * batch
        ),
        "The old average is remembered as well.": batch,
        "The old one fades by as much as the new one comes in.": (
            old + (1 - momentum) * batch
        ),
    }
