"""Time the Keras trainer against the lecture's own program, and pictures of a manifold.

    python tools/measure/benchmark_conv_vae.py [--save]
    COURSE_DATA_DIR=folder python tools/measure/benchmark_conv_vae.py --source full

The programs take turns in each of the rounds, so that a busy moment of the machine hits
all of them; quoted is the ratio of the medians. A run is timed from the making of the
model to the end of the last epoch, tracing included. How many threads compute is up to
OMP_NUM_THREADS and TensorFlow's own variables.
"""

import argparse
import json
import os
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from lecture_conv_vae import LectureVAE
from timing import (
    Rates,
    compared,
    machine,
    median_seconds,
    save_record,
    take_turns,
    timed,
)

# The course's wing first: it starts TensorFlow without its notices.
from course_utils.data.mnist import load_mnist
from course_utils.records import RESULTS
from course_utils.tfkeras.device import seed_everything, to_numpy, versions
from course_utils.tfkeras.training import train_vae
from course_utils.tfkeras.vae import ConvVAE

RECORD = RESULTS / "benchmark_conv_vae.json"
BATCH = 128
EPOCHS = 3
ROUNDS = 3
MANIFOLD = 30
LECTURE = "lecture's program"


def lecture(images: np.ndarray, seed: int, epochs: int = EPOCHS) -> float:
    """Mean loss of the last epoch in the lecture's program; no progress bar."""
    seed_everything(seed)
    model = LectureVAE()
    model.compile(optimizer=keras.optimizers.Adam())
    fitted = model.fit(images, epochs=epochs, batch_size=BATCH, verbose=0)
    return float(fitted.history["loss"][-1])


def course(
    images: np.ndarray, seed: int, precision: str, epochs: int = EPOCHS
) -> float:
    """Mean loss of the last epoch in `train_vae`."""
    seed_everything(seed)
    history = train_vae(ConvVAE(), images, epochs, seed, precision=precision)
    history.require_complete()
    return history["loss"][-1]


def matrix_rate(dtype: str, size: int = 2048) -> float:
    """Median GFLOP/s of square matrix products."""
    a, b = (tf.cast(tf.random.normal((size, size)), dtype) for _ in range(2))
    return 2 * size**3 / median_seconds(lambda: (a @ b)[0, 0].numpy()) / 1e9


def rates() -> Rates:
    """GFLOP/s of matrix products, by precision."""
    return {name: matrix_rate(name) for name in ("float32", "bfloat16")}


def step_flops(model: ConvVAE) -> float:
    """Multiplications and additions of one image's forward and backward pass.

    Each kernel is applied once a place of the smaller of its two maps: two operations a
    weight forward, four backward; the first layer passes no gradient on.
    """
    skipped = 2 * _products(model.encoder.get_layer("conv1"))
    return 3 * (network_flops(model.encoder) + decoder_flops(model)) - skipped


def decoder_flops(model: ConvVAE) -> float:
    """Multiplications and additions of decoding one latent point."""
    return network_flops(model.decoder)


def network_flops(network: keras.Model) -> float:
    """Multiplications and additions of one image's forward pass."""
    return 2 * sum(_products(layer) for layer in network.layers if layer.weights)


def _products(layer: keras.Layer) -> float:
    places = {"conv1": 14**2, "conv2": 7**2, "deconv1": 7**2, "deconv2": 14**2}
    places["pixels"] = 28**2
    return float(np.prod(layer.kernel.shape)) * places.get(layer.name, 1)


def measure_training(images: np.ndarray) -> dict[str, dict[str, Any]]:
    """Seconds an epoch, final loss, speed-up and share of the matrix rate."""
    programs: dict[str, Callable[[int], float]] = {
        LECTURE: lambda seed: lecture(images, seed),
        "train_vae, float32": lambda seed: course(images, seed, "float32"),
        "train_vae, bfloat16": lambda seed: course(images, seed, "bfloat16"),
    }
    turns, found = take_turns(programs, ROUNDS, rates)
    seconds = {n: [turn.seconds / EPOCHS for turn in row] for n, row in turns.items()}
    speeds = compared(seconds, found, step_flops(ConvVAE()) * len(images))
    table = {}
    for name, speed in speeds.items():
        losses = [round(turn.result, 2) for turn in turns[name]]
        table[name] = {
            "seconds_per_epoch": round(speed.seconds, 2),
            "seconds_of_each_round": [round(value, 2) for value in seconds[name]],
            "speed_up": round(speed.speed_up, 2),
            f"losses_after_{EPOCHS}_epochs": losses,
            "matrix_rate_gflops": round(speed.rate),
            "share_of_matrix_rate": round(speed.share_of_limit, 3),
        }
    return table


def manifold_grid() -> np.ndarray:
    """The latent points of a picture of the latent space, (900, 2)."""
    axis = np.linspace(-1, 1, MANIFOLD, dtype=np.float32)
    return np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)


def decoded_singly(model: ConvVAE, grid: np.ndarray) -> list[np.ndarray]:
    """The logits of a picture each, by a call of `predict` a point."""
    return [model.decoder.predict(z[None], verbose=0)[0] for z in grid]


def measure_manifold() -> dict[str, float]:
    """A 30 by 30 manifold: 900 calls of `predict`, and one batched decode."""
    model, grid = ConvVAE(), manifold_grid()
    model.decoder.predict(grid[:1], verbose=0)
    to_numpy(model.decode(grid))
    single = timed(lambda: decoded_singly(model, grid))
    batched = median_seconds(lambda: to_numpy(model.decode(grid)), 5, warm_up=0)
    expected = to_numpy(tf.sigmoid(np.stack(single.result)))
    np.testing.assert_allclose(to_numpy(model.decode(grid)), expected, atol=1e-6)
    return {
        "points": len(grid),
        "seconds_for_single_predict_calls": round(single.seconds, 2),
        "seconds_for_one_batched_decode": round(batched, 4),
        "speed_up": round(single.seconds / batched),
    }


def threads() -> str:
    """What was asked for in the environment."""
    names = ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
    asked = [f"{name}={os.environ[name]}" for name in names if name in os.environ]
    return ", ".join(asked) or "as the libraries choose"


def main() -> None:
    """Measure, print, and with --save record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--source", default="sample", choices=("sample", "full"))
    parser.add_argument("--limit", type=int, help="only so many digits")
    parser.add_argument("--save", action="store_true", help=f"write {RECORD.name}")
    chosen = parser.parse_args()
    os.environ["COURSE_STATIC"] = "1"  # no progress lines between the figures
    images = load_mnist("train", chosen.source, chosen.limit)
    record = {
        "data": images.source,
        "digits": len(images),
        "machine": machine(),
        "threads": threads(),
        "versions": versions(),
        "manifold": measure_manifold(),
        "training": measure_training(images.x),
    }
    print(json.dumps(record, indent=1))
    if chosen.save:
        save_record(RECORD, record)


if __name__ == "__main__":
    main()
