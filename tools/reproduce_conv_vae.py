"""Meet the lecture's figures of its Keras VAE, by its own protocol.

    COURSE_DATA_DIR=folder python tools/reproduce_conv_vae.py

The lecture trains for 30 epochs on all 70,000 digits, training and test set together,
and quotes the mean loss over the batches of an epoch while the model learns. Beside it
stand the figures of the same model trained on the 60,000 alone and measured on the
rest, from results/conv_vae.json, which tools/train_weights.py writes.
"""

import json
from pathlib import Path

import numpy as np

from course_utils.datasets import load_mnist
from course_utils.files import replacing
from course_utils.history import History
from course_utils.tfkeras.runtime import seed_everything, versions
from course_utils.tfkeras.vae import ConvVAE, train_vae

RESULTS = Path(__file__).parents[1] / "results"
RECORD = RESULTS / "conv_vae_lecture.json"
EPOCHS = 30
SEED = 0
PUBLISHED = {1: 209.12, 10: 152.32, 30: 146.94}


def at_epochs(series: list[float]) -> dict[str, float]:
    """The values of those epochs for which the lecture's program is quoted."""
    return {str(epoch): round(series[epoch - 1], 2) for epoch in PUBLISHED}


def main() -> None:
    """Train, compare, record."""
    digits = [load_mnist(split, "full").x for split in ("train", "test")]
    seed_everything(SEED)
    history = train_vae(ConvVAE(), np.concatenate(digits), EPOCHS, SEED)
    held_out = History.load(RESULTS / "conv_vae.json")
    record = {
        "unit": "nats an image, reconstruction + KL: a cross-entropy of grey levels",
        "trained_in": "tfkeras, float32, Adam 1e-3, batches of 128",
        "versions": versions(),
        "seed": SEED,
        "lecture": {
            "protocol": "trained on training and test set, 70,000 digits; mean over "
            "each epoch while the model learns",
            "published": {str(epoch): loss for epoch, loss in PUBLISHED.items()},
            "measured": at_epochs(history["loss"]),
            "measured_kl": at_epochs(history["kl"]),
        },
        "held_out": {
            "protocol": "trained on 60,000 digits, measured on the other 10,000 after "
            "each epoch",
            "training": at_epochs(held_out["loss"]),
            "test": at_epochs(held_out["test_loss"]),
            "test_kl": at_epochs(held_out["test_kl"]),
        },
        "history": history.series,
    }
    with replacing(RECORD) as temporary:
        temporary.write_text(json.dumps(record, indent=1) + "\n")
    print("\n", record["lecture"], record["held_out"])


if __name__ == "__main__":
    main()
