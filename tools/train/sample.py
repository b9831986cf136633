"""Draw the sample of MNIST that ships with the package.

    COURSE_DATA_DIR=folder python tools/train/sample.py

Equally many digits of each class, drawn with a fixed seed from the full set; the
hashes that it prints belong into course_utils/data/mnist.py.
"""

import numpy as np

from course_utils.data import mnist
from course_utils.records.files import replacing

SEED = 2024
PER_CLASS = {"train": 1000, "test": 200}


def draw(labels: np.ndarray, per_class: int, seed: int) -> np.ndarray:
    """Row numbers of a class-balanced sample, in random order."""
    rng = np.random.default_rng(seed)
    rows = [
        rng.choice(np.flatnonzero(labels == digit), per_class, replace=False)
        for digit in range(10)
    ]
    return rng.permutation(np.concatenate(rows))


def make_sample() -> dict[str, np.ndarray]:
    """The sample's arrays, as uint8, under the names that MNIST's file uses."""
    arrays = {}
    for split, per_class in PER_CLASS.items():
        full = mnist.load_mnist(split, source="full")
        rows = draw(full.y, per_class, SEED)
        arrays[f"x_{split}"] = np.rint(full.x[rows, ..., 0] * 255).astype(np.uint8)
        arrays[f"y_{split}"] = full.y[rows].astype(np.uint8)
    return arrays


if __name__ == "__main__":
    sample = make_sample()
    with replacing(mnist.SAMPLE) as temporary:
        np.savez_compressed(temporary, **sample)
    for name, array in sample.items():
        print(f'    "{name}": "{mnist.sha256_of(array)}",')
