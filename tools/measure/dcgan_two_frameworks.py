"""Hold the shipped DCGAN in Keras against the same one in PyTorch.

    python tools/measure/dcgan_two_frameworks.py

Both take up the same file of weights and the same 500 latent points, in float32 and in
evaluation mode. Recorded is by how much an image's pixels differ, on a scale from 0
(black) to 1 (white), and by how much the discriminator's logits of these images do.
"""

import numpy as np
import tensorflow as tf
import torch
from timing import save_record

from course_utils.pytorch import device as torch_device
from course_utils.pytorch import gan as torch_gan
from course_utils.pytorch import networks as torch_networks
from course_utils.pytorch import weights as torch_weights
from course_utils.records import RESULTS
from course_utils.tfkeras import device as keras_device
from course_utils.tfkeras import gan as keras_gan
from course_utils.tfkeras import networks as keras_networks
from course_utils.tfkeras import weights as keras_weights
from course_utils.weights import card

RECORD = RESULTS / "dcgan_parity.json"
SAMPLES, SEED = 500, 1


def in_keras(z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Images and their logits."""
    generator, judge = (
        keras_weights.load_pretrained(network, "dcgan", part=part)
        for network, part in (
            (keras_networks.Generator(), "generator"),
            (keras_networks.Discriminator(), "discriminator"),
        )
    )
    images = keras_gan.generate(generator, z)
    logits = judge(tf.constant(2 * images - 1), training=False)
    return images, keras_device.to_numpy(logits)


def in_pytorch(z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Images and their logits."""
    generator, judge = (
        torch_weights.load_pretrained(network, "dcgan", part=part).eval()
        for network, part in (
            (torch_networks.Generator(), "generator"),
            (torch_networks.Discriminator(), "discriminator"),
        )
    )
    images = torch_gan.generate(generator, z)
    with torch.inference_mode():
        logits = judge(2 * torch_device.to_tensor(images) - 1)
    return images, torch_device.to_numpy(logits)


def main() -> None:
    """Compute both, compare, record."""
    rng = np.random.default_rng(SEED)
    z = rng.standard_normal((SAMPLES, 100), dtype=np.float32)
    gaps = [a - b for a, b in zip(in_keras(z), in_pytorch(z), strict=True)]
    found = {
        "of_a_pixel_root_mean_square": np.sqrt(np.mean(gaps[0] ** 2)),
        "of_a_pixel_largest": np.abs(gaps[0]).max(),
        "of_a_logit_largest": np.abs(gaps[1]).max(),
    }
    record = {
        "weights": "dcgan",
        "sha256": card("dcgan")["sha256"],
        "samples": SAMPLES,
        "z": f"numpy.random.default_rng({SEED}).standard_normal",
        "precision": "float32",
        "versions": keras_device.versions() | {"torch": torch.__version__},
        "difference": {name: float(f"{gap:.2g}") for name, gap in found.items()},
    }
    save_record(RECORD, record)
    print(record["difference"])


if __name__ == "__main__":
    main()
