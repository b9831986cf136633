"""Time one step of the DCGAN in PyTorch against the lecture's compiled step.

    python tools/measure/benchmark_dcgan.py [--save]

Both play simultaneous steps at batch 256 on the same digits. The programs take turns,
so that a busy moment of the machine hits all of them; quoted is the ratio of the
medians. The machine's matrix rate is the better of what PyTorch and TensorFlow reach.
Operations on the zeros of the padding are counted, though libraries may leave them out.
On a GPU, where TensorFlow may be missing, PyTorch's steps are timed alone: plain,
captured, captured and compiled.
"""

import argparse
import json
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from benchmark_vae import matrix_rate
from timing import Rates, compared, machine, save_record, take_turns

from course_utils.data.mnist import load_mnist
from course_utils.pytorch.capture import uncaptured
from course_utils.pytorch.device import pick_device
from course_utils.pytorch.game import Game
from course_utils.pytorch.gan import simultaneous_step
from course_utils.pytorch.networks import Discriminator, Generator
from course_utils.records import RESULTS
from course_utils.records.recipes import Recipe

RECORD = RESULTS / "benchmark_dcgan.json"
BATCH = 256
ROUNDS = 7
STEPS, STEPS_ON_GPU = 4, 200
LECTURE = "lecture's step, TensorFlow"
PLAIN = "the same without tf.function"
# Multiplications and additions of one image's passes: two operations a weight and place
# forward; the gradients in the weights and in the input cost as much each.
CONVS = {"conv1": 25 * 64 * 14**2, "conv2": 25 * 64 * 128 * 7**2, "logit": 6272}
DECONVS = {
    "hidden": 100 * 12544,
    "deconv1": 25 * 256 * 128 * 7**2,
    "deconv2": 25 * 128 * 64 * 7**2,
    "pixels": 25 * 64 * 14**2,
}
Program = Callable[[], object]


def step_flops() -> float:
    """Operations of a simultaneous step for one real and one generated image.

    Generator: forward and backward, without a gradient in z. Discriminator: forward for
    both; gradients in its weights for both and in the second layer's input; once more
    back to the generated image for the generator's loss.
    """
    generator = 6 * sum(DECONVS.values()) - 2 * DECONVS["hidden"]
    judged = 2 * (6 * sum(CONVS.values()) - 2 * CONVS["conv1"])
    return generator + judged + 2 * sum(CONVS.values())


def steps_on(device: torch.device) -> int:
    """Steps of one turn: enough to be timed."""
    return STEPS if device.type == "cpu" else STEPS_ON_GPU


def pytorch_program(
    digits: np.ndarray, precision: str, device: torch.device, compiled: bool = False
) -> Program:
    """Plays on with a pair of networks, as `train_gan` does."""
    networks = Generator().to(device), Discriminator().to(device)
    recipe = Recipe(simultaneous_step, BATCH, precision=precision)
    game = Game(*networks, digits[:BATCH], recipe, seed=0)
    if compiled:
        game.compile()
    return partial(game.play, [(1e-4, 1e-4)] * steps_on(device))


def pytorch_programs(digits: np.ndarray, device: torch.device) -> dict[str, Program]:
    """In both precisions, and on a GPU in all ways."""
    made = partial(pytorch_program, digits, device=device)
    programs = {}
    for precision in ("float32", "bfloat16"):
        name = f"PyTorch, {precision}"
        if device.type == "cpu":
            programs[name] = made(precision)
            continue
        with uncaptured():
            programs[f"{name}, plain"] = made(precision)
        programs[f"{name}, captured"] = made(precision)
        programs[f"{name}, captured and compiled"] = made(precision, compiled=True)
    return programs


def lecture_program(digits: np.ndarray, compiled: bool = True) -> Program:
    """Plays `STEPS` of the lecture's steps on new networks."""
    from lecture_dcgan import lecture_step, tf

    step, real = lecture_step(compiled), tf.constant(2 * digits[:BATCH] - 1)

    def program() -> None:
        for _ in range(STEPS):
            losses = step(real)
        float(losses[0])

    return program


def programs_for(digits: np.ndarray, device: torch.device) -> dict[str, Program]:
    """All that are compared on a device, by name."""
    programs: dict[str, Program] = {}
    if device.type == "cpu":
        programs[LECTURE] = lecture_program(digits)
        programs[PLAIN] = lecture_program(digits, compiled=False)
    return programs | pytorch_programs(digits, device)


def best_matrix_rate(precision: str, device: torch.device) -> float:
    """GFLOP/s of square matrix products, in the faster of both libraries."""
    rate = matrix_rate(getattr(torch, precision), device)
    if device.type != "cpu":
        return rate
    from benchmark_conv_vae import matrix_rate as rate_of_tensorflow

    return max(rate, rate_of_tensorflow(precision))


def best_rates(device: torch.device) -> Rates:
    """The same by precision."""
    return {name: best_matrix_rate(name, device) for name in ("float32", "bfloat16")}


def measure(programs: dict[str, Program], device: torch.device) -> dict[str, Any]:
    """Milliseconds a step, images a second, speed-up, share of the matrix rate."""
    for program in programs.values():
        program()  # traces, compiles, warms caches
    in_rounds = {n: lambda _, play=play: play() for n, play in programs.items()}
    turns, found = take_turns(in_rounds, ROUNDS, lambda: best_rates(device))
    steps = steps_on(device)
    seconds = {n: [turn.seconds / steps for turn in row] for n, row in turns.items()}
    speeds = compared(seconds, found, step_flops() * BATCH)
    return {
        name: {
            "milliseconds_a_step": round(1e3 * speed.seconds, 1),
            "of_each_round": [round(1e3 * value, 1) for value in seconds[name]],
            "images_a_second": round(BATCH / speed.seconds),
            "speed_up": round(speed.speed_up, 2),
            "matrix_rate_gflops": round(speed.rate),
            "share_of_matrix_rate": round(speed.share_of_limit, 3),
        }
        for name, speed in speeds.items()
    }


def main() -> None:
    """Measure, print, and with --save record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--save", action="store_true", help=f"write {RECORD.name}")
    chosen = parser.parse_args()
    digits, device = load_mnist("train", limit=BATCH).x, pick_device()
    programs = programs_for(digits, device)
    record = {
        "batch": BATCH,
        "machine": torch.cuda.get_device_name() if device.type == "cuda" else machine(),
        "versions": {"torch": torch.__version__},
        "gigaflop_a_step": round(step_flops() * BATCH / 1e9, 1),
        "step": measure(programs, device),
    }
    if LECTURE in programs:
        from course_utils.tfkeras.device import versions

        record["versions"] |= versions()
    print(json.dumps(record, indent=1))
    if chosen.save:
        save_record(RECORD, record)


if __name__ == "__main__":
    main()
