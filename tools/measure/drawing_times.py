"""The time that a thousand digits of each shipped model take, on one thread.

    python tools/measure/drawing_times.py           print
    python tools/measure/drawing_times.py --save    and write it down, for lesson 12

The models take turns; quoted are medians of processor seconds, which a busy neighbour
lengthens little. A diffusion draws 250 at once, so that a quarter is timed.
"""

import argparse
import statistics
import time
from collections.abc import Callable

import numpy as np
import torch
from timing import machine, save_record, timed

from course_utils.pytorch.device import evaluating
from course_utils.pytorch.diffusion import draw_images
from course_utils.pytorch.gan import generate
from course_utils.pytorch.networks import Generator
from course_utils.pytorch.unet import UNet
from course_utils.pytorch.vae import ConvVAE
from course_utils.pytorch.weights import load_pretrained
from course_utils.records import RESULTS

RECORD = RESULTS / "drawing_times.json"
IMAGES, ROUNDS, SEED = 250, 3, 0
QUOTED = 1_000


def programs() -> dict[str, Callable[[], object]]:
    """What draws so many digits, by the names of the diffusion's card."""
    rng = np.random.default_rng(SEED)
    noise = rng.standard_normal((IMAGES, 28, 28, 1), dtype=np.float32)
    z = rng.standard_normal((IMAGES, 100), dtype=np.float32)
    plane = torch.from_numpy(rng.standard_normal((IMAGES, 2), dtype=np.float32))
    vae = load_pretrained(ConvVAE(), "conv_vae")
    generator = load_pretrained(Generator(), "dcgan", "generator")
    unet = load_pretrained(UNet(), "diffusion")

    def decoded() -> torch.Tensor:
        with evaluating(vae), torch.inference_mode():
            return vae.decode(plane).sigmoid()

    return {
        "VAE of lesson 4": decoded,
        "shipped, 30 epochs": lambda: generate(generator, z),
        "20 steps": lambda: draw_images(unet, noise, 20),
        "50 steps": lambda: draw_images(unet, noise, 50),
    }


def main() -> None:
    """Measure, print and, if asked, write down."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--save", action="store_true", help=f"write {RECORD.name}")
    save = parser.parse_args().save
    torch.set_num_threads(1)
    seconds: dict[str, list[float]] = {}
    draws = programs()
    for _ in range(ROUNDS):
        for name, draw in draws.items():
            used = timed(draw, time.process_time).seconds
            seconds.setdefault(name, []).append(used * QUOTED / IMAGES)
    medians = {name: statistics.median(times) for name, times in seconds.items()}
    for name, median in medians.items():
        print(f"{name:20}{median:9.3f} processor seconds for {QUOTED:,} digits")
    if save:
        record = {
            "images": IMAGES,
            "rounds": ROUNDS,
            "unit": f"processor seconds on one thread for {QUOTED:,}, median",
            "machine": machine(),
            "torch": torch.__version__,
            "seconds": {name: float(f"{value:.3g}") for name, value in medians.items()},
        }
        save_record(RECORD, record)


if __name__ == "__main__":
    main()
