"""Checks of the exercises on lesson 8: padding, and the defaults of two frameworks."""

from typing import Any

import numpy as np
import numpy.typing as npt

from course_utils.checks.asking import Ask, asking


def check_same_padding(same_padding: Any, seed: int | None = None) -> None:
    """Zeros at the ends of a row, against the fewest with which all windows fit.

    Args:
        same_padding: of pixels, kernel, stride (integers), to zeros before and after.
        seed: of the sizes.
    """
    hint = "How many pixels do so many windows cover, a stride apart? What is missing?"
    with asking(same_padding, "same_padding", hint, seed) as ask:
        cases = [(28, 4, 2), (28, 5, 2), (7, 5, 1), (9, 1, 2), (8, 1, 2)]
        cases += ask.rng.integers((5, 2, 1), (40, 7, 4), (5, 3)).tolist()
        for pixels, kernel, stride in cases:
            windows = -(-pixels // stride)
            total = 0
            while (pixels + total - kernel) // stride + 1 < windows:
                total += 1
            before, after = total // 2, total - total // 2
            missing = (windows - 1) * stride + kernel - pixels
            tried = f"pixels = {pixels}, kernel = {kernel}, stride = {stride}"
            answer = ask.call(tried, pixels, kernel, stride)
            parts = ask.parts("The zeros before and after", answer, 2)
            ask.close(
                f"the pair before, after ({tried})",
                [ask.array("a number of zeros", part, ()) for part in parts],
                (before, after),
                slips={
                    "An odd zero is left over: at which end does lesson 8 put it?": (
                        after,
                        before,
                    ),
                    "Half of an odd number is rounded down at both ends.": (
                        before,
                        before,
                    ),
                    "Half of an odd number is rounded up at both ends.": (after, after),
                    "kernel - 1 zeros are right at stride 1. Where does the last of "
                    "the windows end here?": ((kernel - 1) // 2, kernel // 2),
                    "Can a number of zeros be negative?": (
                        missing // 2,
                        missing - missing // 2,
                    ),
                    "That is the sum of both ends, twice.": (total, total),
                },
            )


def check_keras_block(keras_block: Any, seed: int | None = None) -> None:
    """A normalization and a leaky ReLU with Keras's settings, against NumPy.

    Args:
        keras_block: of features, and Keras's momentum, epsilon and negative_slope, to
            a network for (rows, features).
        seed: of the settings and the rows.
    """
    from torch import nn

    hint = "Two layers, in that order. Which settings have you left to PyTorch?"
    with asking(keras_block, "keras_block", hint, seed) as ask:
        for features in (1, 3):
            x, fresh = ask.rng.normal(0.05, 0.1, (2, 40, features))
            keep, epsilon, slope = ask.rng.uniform((0.8, 2e-3, 0.1), (0.9, 5e-3, 0.4))
            tried = (
                f"features = {features}, momentum = {keep:.3g}, "
                f"epsilon = {epsilon:.3g}, slope = {slope:.3g}"
            )
            answer = ask.call(tried, features, keep, epsilon, slope)
            block = ask.kind("the network", answer, nn.Module)
            seen, settings = (x.mean(0), x.var(0)), (epsilon, slope)
            ask.close(
                f"the output in training mode ({tried})",
                _output(ask, block.train(), x),
                _block(x, *seen, *settings),
                slips=_other_settings(x, *seen, *settings),
            )
            kept = [
                _block(
                    fresh, (1 - k) * seen[0], k + (1 - k) * x.var(0, ddof=1), *settings
                )
                for k in (keep, 1 - keep, 1 - nn.BatchNorm1d(1).momentum, 1)
            ]
            ask.close(
                "the output for other rows in evaluation mode, after one batch in "
                f"training mode ({tried})",
                _output(ask, block.eval(), fresh),
                kept[0],
                slips={
                    "Whose share is momentum, in Keras and in PyTorch?": kept[1],
                    "Which momentum has a normalization by default?": kept[2],
                    "Is something kept of the batch?": kept[3],
                },
            )


def check_keras_variance(keras_variance: Any, seed: int | None = None) -> None:
    """What Keras would have kept as running variance, against a simulation of both.

    Args:
        keras_variance: of PyTorch's running variance (features,), a tensor, Keras's
            momentum, the number of batches and their size, to (features,).
        seed: of the batches.
    """
    import torch

    hint = "Both started from 1. How much of that 1 is left, and what was added to it?"
    with asking(keras_variance, "keras_variance", hint, seed) as ask:
        for batches, n, features in ((1, 4, 1), (30, 8, 3), (100, 64, 5)):
            keep = ask.rng.uniform(0.9, 0.99)
            scales = ask.rng.uniform(0.5, 2, features)
            theirs, keras = np.ones((2, features))
            for x in scales * ask.rng.normal(size=(batches, n, features)):
                theirs = keep * theirs + (1 - keep) * x.var(0, ddof=1)
                keras = keep * keras + (1 - keep) * x.var(0)
            tried = f"batches = {batches}, n = {n}, momentum = {keep:.3g}"
            handed = torch.tensor(theirs, dtype=torch.float32)
            factor = (n - 1) / n
            ask.close(
                f"the running variance ({tried})",
                ask.call(tried, handed, keep, batches, n),
                keras,
                slips={
                    "The 1 at the start came from no batch: leave it as it is.": (
                        theirs * factor
                    ),
                    "Nothing is corrected.": theirs,
                    "Whose variance is larger? Yours went the wrong way.": (
                        keep**batches + (theirs - keep**batches) / factor
                    ),
                    "Not all of the 1 is left after so many batches.": (
                        1 + (theirs - 1) * factor
                    ),
                    "After one batch Keras keeps momentum of the old value.": (
                        (1 - keep) ** batches
                        + (theirs - (1 - keep) ** batches) * factor
                    ),
                    "How much of the 1 is left after all batches, not after one?": (
                        keep + (theirs - keep) * factor
                    ),
                },
            )


def _block(
    x: npt.NDArray, mean: npt.NDArray, var: npt.NDArray, epsilon: float, slope: float
) -> npt.NDArray:
    y = (x - mean) / np.sqrt(var + epsilon)
    return np.where(y < 0, slope * y, y)


def _other_settings(
    x: npt.NDArray, mean: npt.NDArray, var: npt.NDArray, epsilon: float, slope: float
) -> dict[str, npt.NDArray]:
    """The output with PyTorch's defaults in place of these settings, by hint."""
    from torch import nn

    eps, its_slope = nn.BatchNorm1d(1).eps, nn.LeakyReLU().negative_slope
    settings = {
        "What is added to the variance by default?": (eps, slope),
        "Which slope has a leaky ReLU by default?": (epsilon, its_slope),
        "Neither default of PyTorch's is Keras's.": (eps, its_slope),
        "There is no slope below zero.": (epsilon, 0),
    }
    return {hint: _block(x, mean, var, *values) for hint, values in settings.items()}


def _output(ask: Ask, network: Any, x: npt.NDArray) -> Any:
    """What a network that came gives, whatever it does."""
    import torch

    try:
        with torch.no_grad():
            return network(torch.tensor(x, dtype=torch.float32))
    except (Exception, SystemExit) as error:
        text = f"{type(error).__name__}: {error}".splitlines()[0][:200]
        ask.fail(f"the network that came stops with {text}")
