"""What the card of the diffusion says: scores of its samples, and what it predicts."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from course_utils.data.mnist import load_mnist
from course_utils.metrics.digits import digit_scores
from course_utils.pytorch.device import to_numpy
from course_utils.pytorch.diffusion import draw_images
from course_utils.pytorch.unet import UNet
from course_utils.weights import card


class Sampler(NamedTuple):
    """How digits are drawn.

    Attributes:
        steps: as `draw_images`, as is eta.
        guidance: towards classes that are drawn first, each as often; None knows none.
    """

    steps: int
    eta: float = 0.0
    guidance: float | None = None


SAMPLERS = {
    "20 steps": Sampler(20),
    "50 steps": Sampler(50),
    "20 steps, ancestral": Sampler(20, eta=1.0),
    "20 steps, class first": Sampler(20, guidance=1.0),
    "50 steps, class first": Sampler(50, guidance=1.0),
    "20 steps, class, w = 2": Sampler(20, guidance=2.0),
}
# On the DCGAN's card, measured in the same way.
OTHERS = ("VAE of lesson 4", "shipped, 30 epochs", "real digits, held out")


def measured_samples(
    network: UNet, scores_of: Callable[..., dict[str, float]], samples: int, seed: int
) -> dict[str, Any]:
    """Scores of several samplers, beside those of other models.

    Args:
        network: as it ships.
        scores_of: samples, real digits, training and held-out digits to what a card
            says of a sampler.
        samples: how many of each.
        seed: of all noise.
    """
    train, test = load_mnist("train", "full"), load_mnist("test", "full")
    real = train.x[: 2 * samples]
    rng = np.random.default_rng(seed)
    noise = rng.standard_normal((samples, 28, 28, 1), dtype=np.float32)
    floor = digit_scores(test.x, real).frechet
    others = card("dcgan")["test"]["samplers"]
    scores = {
        name: scores_of(drawn(network, noise, sampler, seed), real, train.x, test.x)
        for name, sampler in SAMPLERS.items()
    }
    return {
        "samples": samples,
        "noise": f"numpy.random.default_rng({seed}).standard_normal, all of it",
        "real": f"{len(real):,} training digits, in two halves",
        "frechet_floor": round(floor.floor, 3),
        "frechet_floor_sd": round(floor.floor_sd, 3),
        "samplers": scores,
        "others": {name: others[name] for name in OTHERS},
    }


def drawn(
    network: UNet, noise: npt.NDArray, sampler: Sampler, seed: int
) -> npt.NDArray[np.float32]:
    """Digits of a sampler, one for each noise."""
    if sampler.guidance is None:
        return draw_images(network, noise, sampler.steps, sampler.eta, seed=seed)
    label = np.arange(len(noise)) % network.classes
    return draw_images(
        network, noise, sampler.steps, sampler.eta, label, sampler.guidance, seed
    )


def of_fixed_noise(network: UNet, seed: int) -> dict[str, Any]:
    """What the network predicts of eight noises, with a class and without."""
    rng = np.random.default_rng(seed)
    x_t = torch.from_numpy(rng.standard_normal((8, 1, 28, 28), dtype=np.float32))
    t, label = (torch.arange(8) + 0.5) / 8, torch.arange(8)
    with torch.inference_mode():
        means = [network(x_t, t, each).mean((1, 2, 3)) for each in (label, None)]
    return {
        "seed": seed,
        "x_t": f"numpy.random.default_rng({seed}).standard_normal((8, 1, 28, 28), "
        "dtype=numpy.float32)",
        "t": to_numpy(t).tolist(),
        "label": to_numpy(label).tolist(),
        "velocity": to_numpy(means[0]).tolist(),
        "velocity_without_class": to_numpy(means[1]).tolist(),
    }
