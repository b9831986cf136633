"""One table of how fast the course is here, against plain programs and the machine.

    python tools/measure/benchmark.py           measure and print (about ten minutes)
    python tools/measure/benchmark.py --save    and write it down, for results/README.md

It is written to benchmark.json, or to benchmark_gpu.json if there is an NVIDIA GPU.

Each task is done by a textbook program and by the course's, in turns, and the medians
are compared. The last column is the least time that the machine allows, divided by the
time taken: the operations at the rate of large matrix products, or the bytes of weights
and Adam's moments at the rate of a large copy, whichever takes longer; both rates are
measured in the same run. On a GPU the textbook's loops run there as well, and the
course's steps in three ways: plain, captured, captured and compiled; the VAE has the
sample of digits six times then. TensorFlow's rows are left out where TensorFlow is
missing, and on a GPU.
"""

import argparse
import importlib.util
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

import benchmark_dcgan
import benchmark_vae
import numpy as np
import torch
from timing import (
    Rates,
    compared,
    machine,
    median_rate,
    median_seconds,
    save_record,
    take_turns,
)

from course_utils.data.mnist import Images, load_mnist
from course_utils.pytorch.capture import uncaptured
from course_utils.pytorch.device import (
    evaluating,
    pick_device,
    seed_everything,
    to_tensor,
)
from course_utils.pytorch.likelihoods import BernoulliPixels
from course_utils.pytorch.training import evaluate_vae, train_vae
from course_utils.pytorch.vae import MLPVAE
from course_utils.records import RESULTS
from course_utils.records.history import History

RECORD, GPU_RECORD = RESULTS / "benchmark.json", RESULTS / "benchmark_gpu.json"
ROUNDS = 3
EPOCHS_ON_GPU = 20  # of the course's programs in one turn; one of the textbook's
HEAD = f"{'task':40} {'program':36}  seconds speed-up of the limit  images/s"
ADAM_TRAFFIC = 7 * 4  # bytes a weight and step: reads of 4 numbers, writes of 3
IWAE_DIGITS, IWAE_POINTS = 100, 500


@dataclass
class Task:
    """What several programs do, and the least that it takes.

    Attributes:
        name: for the table.
        programs: by name; the first is the textbook's. Names with "bfloat16" are held
            against that rate.
        operations: multiplications and additions.
        images: that go through.
        traffic: bytes of weights and moments.
        times: how often one call of a program does the task, where it is not once.
    """

    name: str
    programs: dict[str, Callable[[], Any]]
    operations: float
    images: int
    traffic: float = 0.0
    times: dict[str, int] = field(default_factory=dict)


@dataclass
class Row:
    """One line of the table."""

    task: str
    program: str
    seconds: float
    speed_up: float
    share_of_limit: float
    images_a_second: float
    share_of_matrix_rate: float
    share_of_copy_rate: float


def vae_epoch(device: torch.device) -> Task:
    """An epoch of the lecture's VAE on the shipped digits."""
    on_gpu = device.type == "cuda"
    sample = load_mnist("train")
    copies = 6 if on_gpu else 1
    images = Images(
        np.tile(sample.x, (copies, 1, 1, 1)), np.tile(sample.y, copies), sample.source
    )
    epochs = EPOCHS_ON_GPU if on_gpu else 1

    def course(precision: str, compiled: bool = False) -> Callable[[], History]:
        seed_everything(0)
        model = MLPVAE().to(device)
        options = {"precision": precision, "compiled": compiled}
        return lambda: train_vae(model, images.x, epochs, 0, **options)

    def plain(precision: str) -> Callable[[], History]:
        return uncaptured()(course(precision))

    programs = {"textbook loop": lambda: benchmark_vae.textbook(images, 0, 1, device)}
    for precision in ("float32", "bfloat16"):
        name = f"train_vae, {precision}"
        if on_gpu:
            programs[f"{name}, plain"] = plain(precision)
            programs[f"{name}, captured"] = course(precision)
            programs[f"{name}, captured and compiled"] = course(precision, True)
        else:
            programs[name] = course(precision)
    steps = -(-len(images) // benchmark_vae.BATCH)
    weights = sum(p.numel() for p in MLPVAE().parameters())
    return Task(
        f"VAE in PyTorch, {len(images):,} digits once",
        programs,
        benchmark_vae.step_flops(MLPVAE()) * len(images),
        len(images),
        ADAM_TRAFFIC * weights * steps,
        {name: epochs for name in programs if name != "textbook loop"},
    )


def dcgan_steps(device: torch.device) -> Task:
    """A few steps of the DCGAN."""
    digits = load_mnist("train", limit=benchmark_dcgan.BATCH).x
    programs = benchmark_dcgan.programs_for(digits, device)
    steps, batch = benchmark_dcgan.steps_on(device), benchmark_dcgan.BATCH
    return Task(
        f"DCGAN, {steps} steps of {batch} images",
        programs,
        benchmark_dcgan.step_flops() * batch * steps,
        batch * steps,
    )


def iwae(device: torch.device) -> Task:
    """The importance-weighted bound of held-out digits."""
    x = load_mnist("test", limit=IWAE_DIGITS).x
    seed_everything(0)
    model = MLPVAE(BernoulliPixels()).to(device)
    rows = to_tensor(x, device)

    def textbook() -> float:
        total = 0.0
        with evaluating(model):
            for image in rows:
                mu, logvar = model.encoder(image[None])
                q = torch.distributions.Normal(mu, (0.5 * logvar).exp())
                weights = []
                for _ in range(IWAE_POINTS):
                    z = q.sample()
                    log_w = model.log_likelihood(image[None], z) - q.log_prob(z).sum(1)
                    log_w += torch.distributions.Normal(0, 1).log_prob(z).sum(1)
                    weights.append(log_w)
                total += torch.logsumexp(torch.cat(weights), 0).item()
        return total

    decoder = sum(p.numel() for p in model.decoder.parameters() if p.ndim == 2)
    return Task(
        f"IWAE bound, {IWAE_POINTS} points, {IWAE_DIGITS} digits",
        {
            "textbook loop": textbook,
            "evaluate_vae": lambda: evaluate_vae(model, x, IWAE_POINTS),
        },
        2.0 * decoder * IWAE_POINTS * IWAE_DIGITS,
        IWAE_DIGITS,
    )


def keras_tasks() -> list[Task]:
    """An epoch of the convolutional VAE, and a picture of its latent space."""
    import benchmark_conv_vae as bench

    images = load_mnist("train").x
    model, grid = bench.ConvVAE(), bench.manifold_grid()
    decoder = bench.decoder_flops(model)
    return [
        Task(
            f"conv. VAE in Keras, {len(images):,} digits once",
            {
                bench.LECTURE: lambda: bench.lecture(images, 0, 1),
                "train_vae, float32": lambda: bench.course(images, 0, "float32", 1),
                "train_vae, bfloat16": lambda: bench.course(images, 0, "bfloat16", 1),
            },
            bench.step_flops(model) * len(images),
            len(images),
        ),
        Task(
            f"manifold of {len(grid)} points, Keras",
            {
                "a predict call a point": lambda: bench.decoded_singly(model, grid),
                "one decode": lambda: bench.to_numpy(model.decode(grid)),
            },
            decoder * len(grid),
            len(grid),
        ),
    ]


def copy_rate(device: torch.device) -> float:
    """GB/s of a large copy, read and written."""
    a = torch.randn(32_000_000, device=device)
    b = torch.empty_like(a)
    # a number of the copy waits for a GPU
    return 2 * a.nbytes / median_seconds(lambda: float(b.copy_(a)[0]), 6) / 1e9


def rates(device: torch.device) -> Rates:
    """What the machine reaches now: GFLOP/s by precision, GB/s of copies."""
    return benchmark_dcgan.best_rates(device) | {"copy": copy_rate(device)}


def rows_of(task: Task, device: torch.device) -> tuple[list[Row], list[Rates]]:
    """A task's programs in turns, and the machine's rates meanwhile."""
    for program in list(task.programs.values())[1:]:
        program()  # traces, compiles, warms caches
    in_rounds = {n: lambda _, run=run: run() for n, run in task.programs.items()}
    turns, found = take_turns(in_rounds, ROUNDS, lambda: rates(device))
    seconds = {
        name: [turn.seconds / task.times.get(name, 1) for turn in row]
        for name, row in turns.items()
    }
    speeds = compared(seconds, found, task.operations, task.traffic)
    copies = median_rate(found, "copy")
    rows = [
        Row(
            task.name,
            name,
            speed.seconds,
            speed.speed_up,
            speed.share_of_limit,
            images_a_second=task.images / speed.seconds,
            share_of_matrix_rate=task.operations / speed.rate / 1e9 / speed.seconds,
            share_of_copy_rate=task.traffic / copies / 1e9 / speed.seconds,
        )
        for name, speed in speeds.items()
    ]
    return rows, found


def line(row: Row) -> str:
    """A row in words, below `HEAD`."""
    figures = f"{row.seconds:8.3g} {row.speed_up:8.3g} {row.share_of_limit:12.0%}"
    return f"{row.task:40} {row.program:36} {figures} {row.images_a_second:9,.0f}"


def measure(device: torch.device) -> dict[str, Any]:
    """All tasks."""
    tasks = [vae_epoch(device), iwae(device), dcgan_steps(device)]
    on_gpu = device.type == "cuda"
    if not on_gpu and importlib.util.find_spec("tensorflow"):
        tasks[1:1] = keras_tasks()
    rows, found = [], []
    for task in tasks:
        more_rows, more_found = rows_of(task, device)
        rows += more_rows
        found += more_found
        print(*map(line, more_rows), sep="\n", flush=True)
    return {
        "machine": torch.cuda.get_device_name() if on_gpu else machine(),
        "versions": {"torch": torch.__version__},
        "rates": {name: round(median_rate(found, name), 1) for name in found[0]},
        "rows": [asdict(row) for row in rows],
    }


def main() -> None:
    """Measure, print, and with --save record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--save", action="store_true", help="write the record")
    chosen = parser.parse_args()
    device = pick_device()
    os.environ["COURSE_STATIC"] = "1"  # no progress lines between the figures
    print(HEAD)
    record = measure(device)
    rate = record["rates"]
    print(f"\non {record['machine']}: matrix products {rate['float32']:.0f} GFLOP/s in")
    print(
        f"float32, {rate['bfloat16']:.0f} in bfloat16; copies {rate['copy']:.0f} GB/s"
    )
    if chosen.save:
        save_record(GPU_RECORD if device.type == "cuda" else RECORD, record)


if __name__ == "__main__":
    main()
