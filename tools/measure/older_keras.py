"""Run the published VAE program under a Keras of its own time: do versions matter?

    python3.11 -m venv old; old/bin/pip install tensorflow-cpu==2.12.1
    COURSE_DATA_DIR=folder old/bin/python tools/measure/older_keras.py [seed ...]

The published figures come from TensorFlow 2.11 and its older Adam. This is the nearest
version that installs beside Python 3.11. It cannot share an environment with the
course, so NumPy, TensorFlow and the plain program are all that is used here. Each run
goes into the record conv_vae_lecture.json as soon as it is done.
"""

import json
import os
import sys
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from lecture_conv_vae import LectureVAE

RECORD = (
    Path(__file__).parents[2] / "course_utils/records/results/conv_vae_lecture.json"
)
EPOCHS = (1, 10, 30)


def train(digits: np.ndarray, seed: int) -> dict[str, float]:
    """The mean losses over some epochs of one run."""
    keras.utils.set_random_seed(seed)
    model = LectureVAE()
    model.compile(optimizer=tf.keras.optimizers.legacy.Adam())
    losses = model.fit(digits, epochs=max(EPOCHS), batch_size=128, verbose=2)
    return {str(epoch): round(losses.history["loss"][epoch - 1], 2) for epoch in EPOCHS}


def main() -> None:
    """Train and record."""
    with np.load(Path(os.environ["COURSE_DATA_DIR"]) / "mnist.npz") as file:
        digits = np.concatenate([file["x_train"], file["x_test"]])
    digits = digits[..., None].astype("float32") / 255
    for seed in map(int, sys.argv[1:] or ("0", "1", "2")):
        losses = train(digits, seed)
        record = json.loads(RECORD.read_text())  # others may have written
        old = record["lecture"].setdefault(
            "measured_by_the_lectures_program_in_its_time",
            {"versions": {"tensorflow": tf.__version__, "keras": keras.__version__}},
        )
        old.setdefault("runs", {})[str(seed)] = losses
        RECORD.write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
