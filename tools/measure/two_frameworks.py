"""Hold the shipped convolutional VAE in Keras against the same one in PyTorch.

    python tools/measure/two_frameworks.py

Both take up the same file of weights and see the same digits and the same noise, in
float32. Recorded are the means of the ELBO and of its terms in each, and by how much
one digit differs at most.
"""

import numpy as np
import numpy.typing as npt
import tensorflow as tf
import torch
from timing import save_record

from course_utils.data.mnist import load_mnist
from course_utils.pytorch import device as torch_device
from course_utils.pytorch import vae as torch_vae
from course_utils.pytorch import weights as torch_weights
from course_utils.records import RESULTS
from course_utils.tfkeras import device as keras_device
from course_utils.tfkeras import vae as keras_vae
from course_utils.tfkeras import weights as keras_weights
from course_utils.weights import card

RECORD = RESULTS / "conv_vae_parity.json"
TERMS = ("elbo", "reconstruction", "kl")
AT_ONCE = 100

Terms = dict[str, npt.NDArray[np.float64]]


def in_keras(x: npt.NDArray, epsilon: npt.NDArray) -> Terms:
    """The terms of each image; x is (n, height, width, channels)."""
    model = keras_weights.load_pretrained(keras_vae.ConvVAE(), "conv_vae")
    parts = [
        [
            keras_device.to_numpy(term)
            for term in keras_vae.elbo(
                model, tf.constant(x[rows]), tf.constant(epsilon[rows])
            )
        ]
        for rows in batches(len(x))
    ]
    return joined(parts)


def in_pytorch(x: npt.NDArray, epsilon: npt.NDArray) -> Terms:
    """The terms of each image; x is (n, height, width, channels)."""
    model = torch_weights.load_pretrained(torch_vae.ConvVAE(), "conv_vae")
    images, noise = torch.from_numpy(x.transpose(0, 3, 1, 2).copy()), torch.from_numpy
    with torch.no_grad():
        parts = [
            [
                torch_device.to_numpy(term)
                for term in torch_vae.elbo(model, images[rows], noise(epsilon[rows]))
            ]
            for rows in batches(len(x))
        ]
    return joined(parts)


def batches(n: int) -> list[slice]:
    """Rows that are computed together."""
    return [slice(start, start + AT_ONCE) for start in range(0, n, AT_ONCE)]


def joined(parts: list[list[npt.NDArray]]) -> Terms:
    """Terms of batches as those of all images."""
    columns = zip(*parts, strict=True)
    return {
        name: np.concatenate(column).astype(np.float64)
        for name, column in zip(TERMS, columns, strict=True)
    }


def main() -> None:
    """Compute both, compare, record."""
    x = load_mnist("test").x
    noise = np.random.default_rng(0).standard_normal((len(x), 2), dtype=np.float32)
    both = {"tfkeras": in_keras(x, noise), "pytorch": in_pytorch(x, noise)}
    gaps = {n: np.abs(both["tfkeras"][n] - both["pytorch"][n]) for n in TERMS}
    record = {
        "weights": "conv_vae",
        "sha256": card("conv_vae")["sha256"],
        "data": load_mnist("test").source,
        "digits": len(x),
        "epsilon": card("conv_vae")["sample"]["epsilon"],
        "precision": "float32",
        "versions": keras_device.versions() | {"torch": torch.__version__},
        "unit": "nats an image; reconstruction is a cross-entropy of grey levels",
        "mean": {
            name: {wing: round(float(t[name].mean()), 6) for wing, t in both.items()}
            for name in TERMS
        },
        "largest_difference_of_a_digit": {
            name: float(f"{gap.max():.2g}") for name, gap in gaps.items()
        },
    }
    save_record(RECORD, record)
    print(record["mean"], record["largest_difference_of_a_digit"])


if __name__ == "__main__":
    main()
