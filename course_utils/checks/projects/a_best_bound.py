"""Project a, the best bound that few weights and few minutes can buy: the judge."""

import copy
import math
import time
from typing import Any, Protocol, cast

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_utils.checks.calls import Array
from course_utils.checks.examination import Ask, examination
from course_utils.checks.projects.seeds import seed_of_a_judge
from course_utils.data.mnist import load_mnist
from course_utils.metrics.bounds import Estimate

HELD_OUT, SAMPLES = 2_000, 500
WEIGHTS, SECONDS = 300_000, 300
TARGET = -102.0
AT_ONCE = 10  # digits whose 500 latent points are decoded together


class Coder(Protocol):
    """Both halves of a model of rows of 784 pixels with k latent dimensions."""

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Give mu and logvar (n, k) of rows (n, 784)."""

    def decode(self, z: Tensor) -> Tensor:
        """Give logits (n, 784) of latent points (n, k)."""


def grey_digits() -> Array:
    """All shipped digits (n, 784), grey levels in [0, 1]."""
    x = np.concatenate([load_mnist(split).x for split in ("train", "test")])
    return x.reshape(len(x), -1)


@torch.no_grad()
def bounds(
    encoding: Coder, decoding: Coder, x: Tensor, generator: torch.Generator
) -> Array:
    """L_500 of rows of zeros and ones (n, 784), in nats: (n,).

    Burda, Grosse and Salakhutdinov, 2016, https://arxiv.org/abs/1509.00519. It is a
    bound whatever the encoder does, since the latent points are drawn here.

    Args:
        encoding: its `encode` gives mu and logvar (n, k) of rows.
        decoding: its `decode` gives logits (n, 784) of latent points (n, k).
        x: the rows.
        generator: of the latent points.
    """
    values = np.empty(len(x))  # small tensors kept between large ones fragment the heap
    for start in range(0, len(x), AT_ONCE):
        some = slice(start, start + AT_ONCE)
        values[some] = _bounds(encoding, decoding, x[some], generator).numpy()
    return values


def _bounds(
    encoding: Coder, decoding: Coder, x: Tensor, generator: torch.Generator
) -> Tensor:
    mu, logvar = encoding.encode(x)
    epsilon = torch.randn((SAMPLES, *mu.shape), generator=generator)
    z = mu + torch.exp(0.5 * logvar) * epsilon
    logits = decoding.decode(z.flatten(0, 1)).view(SAMPLES, *x.shape)
    log_p = (x * logits - F.softplus(logits)).sum(-1)
    log_ratio = 0.5 * (epsilon.square() + logvar - z.square()).sum(-1)
    return (log_p + log_ratio).logsumexp(0) - math.log(SAMPLES)


def judge_best_bound(train: Any, seed: int | None = None) -> None:
    """Judge a training by the bound of its model on digits that it has not seen.

    Args:
        train: grey levels (n, 784), seed -> an nn.Module with `encode`, `decode`.
        seed: of all that is drawn; fresh if None.

    Raises:
        NotYet: with the first thing that is not right.
    """
    _best_bound(train, seed_of_a_judge(seed))


@examination(
    "train_model",
    "Watch the bound on digits that are held out: is it the model, or the time?",
    seconds=SECONDS,
)
def _best_bound(ask: Ask) -> None:
    """Grey digits x (n, 784), seed -> an nn.Module with `encode` and `decode`."""
    x = ask.rng.permutation(grey_digits())
    seed = int(ask.rng.integers(1 << 30))
    start = time.process_time()
    model = ask.call("10,000 digits", x[HELD_OUT:].copy(), seed)
    seconds = time.process_time() - start
    if not isinstance(model, nn.Module) or not hasattr(model, "encode"):
        ask.fail("a model is an nn.Module with the methods encode and decode.")
    count = sum(p.numel() for p in (*model.parameters(), *model.buffers()))
    if count > WEIGHTS:
        ask.fail(f"it has {count:,} weights; {WEIGHTS:,} are allowed.")
    if seconds > SECONDS:
        ask.fail(f"it took {seconds:.0f} seconds of processor time, not {SECONDS}.")
    new = (ask.rng.random((HELD_OUT, x.shape[1])) < x[:HELD_OUT]).astype(np.float32)
    reached = _reached(ask, cast(Coder, model.eval()), torch.from_numpy(new))
    print(f"L_500 of {HELD_OUT:,} new digits: {reached} nats")
    if reached.mean < TARGET:
        ask.fail(f"{reached} nats; {TARGET:g} are to be reached.")


def _reached(ask: Ask, model: Coder, x: Tensor) -> Estimate:
    """The bound on new digits; the decoder never meets what the encoder has seen."""
    decoding = copy.deepcopy(model)
    with torch.no_grad():
        together, alone = model.encode(x[:50]), model.encode(x[:1])
    for all_rows, one in zip(together, alone, strict=True):
        if not torch.allclose(all_rows[:1], one, atol=1e-4):
            ask.fail("the code of a digit depends on the others in its batch.")
    generator = torch.Generator().manual_seed(int(ask.rng.integers(1 << 30)))
    values = bounds(model, decoding, x, generator)
    if not np.isfinite(values).all():
        ask.fail("some digits have no finite bound.")
    return Estimate.of(values)
