"""Time `train_vae` against the lecture's own loop, and both against the machine.

    python tools/measure/benchmark_vae.py [--save]
    COURSE_DATA_DIR=folder python tools/measure/benchmark_vae.py --source full

The programs take turns, epoch for epoch in each of three rounds, so that a busy moment
of the machine hits all of them; quoted is the ratio of the medians.
"""

import argparse
import os
import statistics
import time
from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from timing import (
    Rates,
    compared,
    machine,
    median_seconds,
    save_record,
    take_turns,
    timed,
)
from torch import nn
from torch.utils.data import DataLoader, Dataset

from course_utils.data.mnist import Images, load_mnist
from course_utils.pytorch.device import seed_everything
from course_utils.pytorch.training import train_vae
from course_utils.pytorch.vae import MLPVAE
from course_utils.records import RESULTS
from course_utils.records.history import History

RECORD = RESULTS / "benchmark_vae.json"
BATCH = 128
EPOCHS = 3
ROUNDS = 3


class Normalize(nn.Module):
    """Subtract a mean and divide by a standard deviation, one of each a channel.

    A module that converts and checks its numbers for each picture anew, as the
    transform of this name in torchvision does.
    """

    def forward(self, picture: torch.Tensor) -> torch.Tensor:
        """From [0, 1] to [-0.5, 0.5]."""
        mean = torch.as_tensor([0.5], dtype=picture.dtype, device=picture.device)
        std = torch.as_tensor([1.0], dtype=picture.dtype, device=picture.device)
        if (std == 0).any():
            raise ValueError("The standard deviation of a channel is 0.")
        return picture.clone().sub_(mean.view(-1, 1, 1)).div_(std.view(-1, 1, 1))


class Digits(Dataset):
    """Digits one by one, each as a picture that goes through the transforms."""

    def __init__(self, images: np.ndarray, labels: np.ndarray) -> None:
        self.images = torch.from_numpy(np.rint(images[..., 0] * 255).astype(np.uint8))
        self.labels = torch.from_numpy(labels)
        self.normalize = Normalize()

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        image, label = self.images[index], int(self.labels[index])
        picture = Image.fromarray(image.numpy())
        # to a tensor: channels first, bytes to [0, 1]
        pixels = torch.from_numpy(np.array(picture, np.uint8, copy=True))
        pixels = pixels.view(picture.size[1], picture.size[0], 1).permute(2, 0, 1)
        x = pixels.contiguous().to(torch.get_default_dtype()).div(255)
        return self.normalize(x), label


class PlainVAE(nn.Module):
    """The lecture's network, with distributions as the outputs of its parts."""

    def __init__(self) -> None:
        super().__init__()
        self.linear1, self.linear2 = nn.Linear(784, 512), nn.Linear(512, 512)
        self.mu, self.log_sigma = nn.Linear(512, 8), nn.Linear(512, 8)
        self.linear3, self.linear4 = nn.Linear(8, 512), nn.Linear(512, 784)

    def forward(
        self, x: torch.Tensor
    ) -> tuple[torch.distributions.Normal, torch.distributions.Normal]:
        """Images (n, 784) to p(x given z) and q(z given x)."""
        h = F.relu(self.linear2(F.relu(self.linear1(x))))
        q = torch.distributions.Normal(self.mu(h), torch.exp(self.log_sigma(h)))
        mean = torch.tanh(self.linear4(F.relu(self.linear3(q.rsample()))))
        return torch.distributions.Normal(mean, torch.ones_like(mean)), q


def textbook(
    images: Images,
    seed: int,
    epochs: int = EPOCHS,
    device: torch.device | str = "cpu",
) -> tuple[list[float], float]:
    """Seconds of each epoch and mean loss of the last, in the lecture's loop."""
    seed_everything(seed)
    loader = DataLoader(Digits(images.x, images.y), batch_size=BATCH, shuffle=True)
    model = PlainVAE().to(device)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    prior = torch.distributions.Normal(0.0, 1.0)
    seconds, total = [], 0.0
    for _ in range(epochs):
        start, total = time.perf_counter(), 0.0
        for batch, _ in loader:
            x = batch.view(-1, 784).to(device)
            optimizer.zero_grad()
            p, q = model(x)
            log_likelihood = p.log_prob(x).sum(-1).mean()
            kl = torch.distributions.kl_divergence(q, prior).sum(-1).mean()
            loss = kl - log_likelihood
            loss.backward()
            optimizer.step()
            total += loss.item() * len(x)
        seconds.append(time.perf_counter() - start)
    return seconds, total / len(images)


def course(images: Images, seed: int, precision: str) -> tuple[list[float], float]:
    """Seconds an epoch and mean loss of the last, in `train_vae`."""
    seed_everything(seed)
    model = MLPVAE()

    def trained() -> History:
        history = train_vae(model, images.x, EPOCHS, seed, precision=precision)
        return history.require_complete()

    run = timed(trained)
    return [run.seconds / EPOCHS] * EPOCHS, run.result["loss"][-1]


def matrix_rate(
    dtype: torch.dtype, device: torch.device | str = "cpu", size: int = 2048
) -> float:
    """Median GFLOP/s of square matrix products."""
    a, b = (torch.randn(size, size, device=device).to(dtype) for _ in range(2))
    # a number of the product waits for a GPU
    return 2 * size**3 / median_seconds(lambda: float((a @ b)[0, 0])) / 1e9


def step_flops(model: MLPVAE) -> float:
    """Multiplications and additions of one image's forward and backward pass.

    Two for each weight forward, four backward; the first layer passes no gradient on.
    """
    weights = [
        layer.weight for layer in model.modules() if isinstance(layer, nn.Linear)
    ]
    return 6 * sum(w.numel() for w in weights) - 2 * weights[0].numel()


def measure(images: Images) -> dict[str, dict[str, float]]:
    """Seconds an epoch, final loss, speed-up and share of the matrix rate."""
    programs: dict[str, Callable[[int], tuple[list[float], float]]] = {
        "textbook loop": lambda seed: textbook(images, seed),
        "train_vae, float32": lambda seed: course(images, seed, "float32"),
        "train_vae, bfloat16": lambda seed: course(images, seed, "bfloat16"),
    }
    turns, found = take_turns(programs, ROUNDS, rates)
    runs = {name: [turn.result for turn in row] for name, row in turns.items()}
    # of the epochs alone: the making of model and loader does not count
    seconds = {name: [s for own, _ in row for s in own] for name, row in runs.items()}
    speeds = compared(seconds, found, step_flops(MLPVAE()) * len(images))
    table = {}
    for name, speed in speeds.items():
        loss = statistics.mean(loss for _, loss in runs[name])
        table[name] = {
            "seconds_per_epoch": round(speed.seconds, 2),
            "speed_up": round(speed.speed_up, 2),
            f"loss_after_{EPOCHS}_epochs": round(loss, 2),
            "matrix_rate_gflops": round(speed.rate),
            "share_of_matrix_rate": round(speed.share_of_limit, 3),
        }
    return table


def rates() -> Rates:
    """GFLOP/s of matrix products on the processor, by precision."""
    names = ("float32", "bfloat16")
    return {name: matrix_rate(getattr(torch, name)) for name in names}


def main() -> None:
    """Measure, print, and with --save record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--source", default="sample", choices=("sample", "full"))
    parser.add_argument("--save", action="store_true", help=f"write {RECORD.name}")
    chosen = parser.parse_args()
    os.environ["COURSE_STATIC"] = "1"  # no progress lines between the figures
    images = load_mnist("train", chosen.source)
    table = measure(images)
    for name, row in table.items():
        print(name, row)
    if chosen.save:
        record = {
            "data": images.source,
            "digits": len(images),
            "machine": machine(),
            "torch": torch.__version__,
            "programs": table,
        }
        save_record(RECORD, record)


if __name__ == "__main__":
    main()
