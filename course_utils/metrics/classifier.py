"""A small classifier of digits, from shipped weights, in NumPy alone."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
from scipy.special import softmax

from course_utils.data.images import check_images
from course_utils.records.arrays import check_fit
from course_utils.weights import read_weights

SHAPES = {
    "hidden1.weight": (256, 784),
    "hidden1.bias": (256,),
    "hidden2.weight": (64, 256),
    "hidden2.bias": (64,),
    "logits.weight": (10, 64),
    "logits.bias": (10,),
}
AT_ONCE = 2_000  # images a pass: bounds the memory


class DigitClassifier:
    """Dense layers 784-256-64-10 with ReLU, which tell digits apart.

    It was trained on all of MNIST's training digits; the card `digit_classifier` has
    its share of right answers on held-out ones.

    Args:
        weights: by name, PyTorch's layout; those that ship if none.

    Raises:
        WeightsError: weights that are damaged or belong to another model.
    """

    def __init__(self, weights: Mapping[str, npt.NDArray] | None = None) -> None:
        weights = read_weights("digit_classifier") if weights is None else weights
        check_fit(weights, SHAPES)
        self.weights = {name: a.astype(np.float32) for name, a in weights.items()}

    def probabilities(self, images: npt.NDArray) -> npt.NDArray[np.float32]:
        """The probability of each class, (n, 10), for images (n, 28, 28, 1) in [0, 1].

        Raises:
            TypeError, ValueError: unusable images, as `images.check_images`; another
                size.
        """
        return self.read(images)[1]

    def features(self, images: npt.NDArray) -> npt.NDArray[np.float32]:
        """The last hidden layer, (n, 64); arguments as in `probabilities`."""
        return self.read(images)[0]

    def read(
        self, images: npt.NDArray
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """Features and probabilities in one pass; arguments as in `probabilities`."""
        check_images(images)
        if images.shape[1:] != (28, 28, 1):
            raise ValueError(
                f"The classifier takes digits (n, 28, 28, 1), not {images.shape}."
            )
        rows = images.reshape(len(images), -1).astype(np.float32)
        starts = range(0, len(rows), AT_ONCE)
        features = np.concatenate([self._hidden(rows[i : i + AT_ONCE]) for i in starts])
        return features, softmax(self._dense("logits", features), axis=1)

    def _hidden(self, rows: npt.NDArray) -> npt.NDArray:
        hidden = np.maximum(self._dense("hidden1", rows), 0)
        return np.maximum(self._dense("hidden2", hidden), 0)

    def _dense(self, layer: str, x: npt.NDArray) -> npt.NDArray:
        return x @ self.weights[f"{layer}.weight"].T + self.weights[f"{layer}.bias"]
