"""Diffusion: from data to noise along a path, and back with a network.

A point on the path from data x to noise epsilon is x_t = a x + b epsilon, for t from
0 (data) to 1 (noise). The network predicts the velocity v = a' x + b' epsilon with
which x_t moves along the path. A path has a b' - b a' = 1 at every t, so that data and
noise follow from x_t and v: x = b' x_t - b v and epsilon = a v - a' x_t.

Salimans and Ho, 2022, https://arxiv.org/abs/2202.00512, for v on the cosine path;
Lipman and others, 2023, https://arxiv.org/abs/2210.02747, for the straight one.
"""

import math
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from course_utils.pytorch.device import computing_in, device_of, evaluating, to_images
from course_utils.records.runs import whole_number

DRAWN_AT_ONCE = 250  # images: bounds the memory

Velocity = Callable[[Tensor, Tensor], Tensor]  # of x_t (n, ...) at times (n,)


class Path(NamedTuple):
    """A way from data to noise.

    Attributes:
        at: times t to a, b, a' and b', each of the shape of t.
        speed: d x_t / d t = speed v: how far the derivatives' variable goes while t
            goes from 0 to 1.
    """

    at: Callable[[Tensor], tuple[Tensor, Tensor, Tensor, Tensor]]
    speed: float


def _circle(t: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    angle = math.pi / 2 * t
    return angle.cos(), angle.sin(), -angle.sin(), angle.cos()


def _line(t: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    return 1 - t, t, -torch.ones_like(t), torch.ones_like(t)


COSINE = Path(_circle, math.pi / 2)  # a = cos(pi t / 2), b = sin(pi t / 2)
STRAIGHT = Path(_line, 1.0)  # a = 1 - t, b = t: flow matching


def noised(x: Tensor, epsilon: Tensor, t: Tensor, path: Path = COSINE) -> Tensor:
    """Points x_t between x and epsilon, both (n, ...), at times (n,)."""
    a, b, _, _ = _coefficients(path, t, x)
    return a * x + b * epsilon


def parts(
    x_t: Tensor, v: Tensor, t: Tensor, path: Path = COSINE
) -> tuple[Tensor, Tensor]:
    """The data and the noise that points x_t with velocities v are made of."""
    a, b, da, db = _coefficients(path, t, x_t)
    return db * x_t - b * v, a * v - da * x_t


def velocity_errors(
    model: Velocity, x: Tensor, epsilon: Tensor, t: Tensor, path: Path = COSINE
) -> Tensor:
    """The squared error of each predicted velocity, mean over its dimensions: (n,).

    On the cosine path a^2 times it is the error of epsilon, and b^2 times it that of x.

    Args:
        model: predicts velocities from noisy points and times.
        x: data, (n, ...).
        epsilon: standard normal noise, shape as x.
        t: times in [0, 1], (n,).
        path: from x to epsilon.
    """
    _, _, da, db = _coefficients(path, t, x)
    v = da * x + db * epsilon
    error = model(noised(x, epsilon, t, path), t) - v
    return error.square().flatten(1).mean(1)


def spread_times(n: int, generator: torch.Generator) -> Tensor:
    """Times of a batch, (n,): each is uniform in [0, 1), together they are even.

    Kingma and others, 2021, https://arxiv.org/abs/2107.00630.

    Args:
        n: how many.
        generator: of the device where they are wanted.
    """
    device = generator.device
    start = torch.rand((), generator=generator, device=device)
    return (start + torch.arange(n, device=device) / n) % 1


@torch.no_grad()
def draw(
    model: Velocity,
    noise: Tensor,
    steps: int,
    eta: float = 0.0,
    generator: torch.Generator | None = None,
    path: Path = COSINE,
) -> Tensor:
    """Samples, shape as the noise: from t = 1 down to t = 0 in equal steps.

    Each step mixes the predicted x and epsilon anew for the next, less noisy time. A
    share of the noise is fresh: none for eta = 0, and for eta = 1 as much as ancestral
    sampling has. Song, Meng and Ermon, 2021, https://arxiv.org/abs/2010.02502.

    Args:
        model: predicts velocities; its mode is left as it is.
        noise: standard normal, (n, ...).
        steps: calls of the model.
        eta: 0 for the deterministic sampler, 1 for the ancestral one, or between.
        generator: of fresh noise, of the noise's device; None is PyTorch's own.
        path: the one that the model has learnt.

    Raises:
        TypeError, ValueError: a number of steps that is none, or an eta out of [0, 1].
    """
    steps = whole_number("steps", steps, least=1)
    if not 0 <= eta <= 1:
        raise ValueError(f"eta is {eta}; it goes from 0 (no fresh noise) to 1.")
    times = torch.linspace(1, 0, steps + 1, dtype=noise.dtype, device=noise.device)
    x_t = noise
    for t, s in pairwise(times):
        x_t = step_back(model, x_t, t, s, path, eta, generator)
    return x_t


def step_back(
    model: Velocity,
    x_t: Tensor,
    t: Tensor,
    s: Tensor,
    path: Path,
    eta: float = 0.0,
    generator: torch.Generator | None = None,
) -> Tensor:
    """One step of `draw`, from time t to s: points x_s, shape as x_t."""
    now = t.expand(len(x_t))
    x, epsilon = parts(x_t, model(x_t, now), now, path)
    a, b, _, _ = path.at(s)
    fresh = eta * ancestral_noise(t, s, path)
    x_s = a * x + (b**2 - fresh**2).clamp(min=0).sqrt() * epsilon
    if eta > 0:
        x_s += fresh * torch.empty_like(x_s).normal_(generator=generator)
    return x_s


def ancestral_noise(t: Tensor, s: Tensor, path: Path = COSINE) -> Tensor:
    """The standard deviation of x_s given x_t and x, for a time s before t.

    Ho, Jain and Abbeel, 2020, equation 7, https://arxiv.org/abs/2006.11239.
    """
    (a_t, b_t, _, _), (a_s, b_s, _, _) = path.at(t), path.at(s)
    ratio = a_t * b_s / (a_s * b_t)  # of the signals to noise, at most 1
    return b_s * (1 - ratio**2).clamp(min=0).sqrt()


def flow_log_prob(
    model: Velocity, x: Tensor, steps: int, path: Path = COSINE
) -> Tensor:
    """Log-density of the samples that the deterministic sampler of many steps draws.

    The points flow to noise, and where the flow spreads them the density falls:
    log p(x) = log N(x_1; 0, 1) + int_0^1 divergence of (d x / d t) d t. Chen and others
    2018, https://arxiv.org/abs/1806.07366. By the Runge-Kutta method of fourth order,
    with one backward pass a dimension.

    Args:
        model: predicts velocities.
        x: points, (n, dimensions).
        steps: of t, with four calls of the model each.
        path: the one that the model has learnt.

    Returns:
        Nats, (n,).
    """
    steps = whole_number("steps", steps, least=1)
    h = 1 / steps
    state = torch.cat([x, torch.zeros_like(x[:, :1])], 1)  # points, and what is gained
    for step in range(steps):
        t = step * h
        first = _flow(model, state, t, path)
        second = _flow(model, state + h / 2 * first, t + h / 2, path)
        third = _flow(model, state + h / 2 * second, t + h / 2, path)
        fourth = _flow(model, state + h * third, t + h, path)
        state = state + h / 6 * (first + 2 * second + 2 * third + fourth)
    noise, gained = state[:, :-1], state[:, -1]
    return gained - 0.5 * (noise**2 + math.log(2 * math.pi)).sum(1)


def _flow(model: Velocity, state: Tensor, t: float, path: Path) -> Tensor:
    """How fast points move, and their log-density rises: both, (n, dimensions + 1)."""
    with torch.enable_grad():
        x = state[:, :-1].detach().requires_grad_()
        v = model(x, x.new_full((len(x),), t))
        columns = v.sum(0).unbind()
        rows = [torch.autograd.grad(v_i, x, retain_graph=True)[0] for v_i in columns]
    divergence = torch.stack([row[:, i] for i, row in enumerate(rows)], 1).sum(1)
    return path.speed * torch.cat([v.detach(), divergence[:, None]], 1)


def mixture_velocity(
    weights: npt.NDArray[np.float64],
    means: npt.NDArray[np.float64],
    sigmas: npt.NDArray[np.float64],
    path: Path = COSINE,
) -> Velocity:
    """The best velocity for normal bells on the line, which PyTorch can differentiate.

    `exact.diffusion.Mixture1D` has it in NumPy, on the cosine path.

    Args:
        weights: of the bells, adding up to 1, (k,).
        means: (k,).
        sigmas: standard deviations, (k,).
        path: from data to noise.

    Returns:
        Of points (n, 1) and times (n,), of double precision like the arrays.
    """
    w, mu, sigma = (torch.from_numpy(each) for each in (weights, means, sigmas))

    def velocity(x_t: Tensor, t: Tensor) -> Tensor:
        a, b, da, db = _coefficients(path, t, x_t)
        variance = (a * sigma) ** 2 + b**2
        rest = x_t - a * mu
        share = (w.log() - 0.5 * (variance.log() + rest**2 / variance)).softmax(1)
        data = (share * (mu + a * sigma**2 * rest / variance)).sum(1, True)
        noise = (share * b * rest / variance).sum(1, True)
        return da * data + db * noise

    return velocity


def guided(model: nn.Module, label: Tensor, guidance: float) -> Velocity:
    """Velocities that lead to a class: v_none + guidance (v_class - v_none).

    Ho and Salimans, 2022, https://arxiv.org/abs/2207.12598; their w is guidance - 1.

    Args:
        model: takes noisy images, times and labels, as `unet.UNet` does.
        label: the class of each image, (n,).
        guidance: 0 takes no notice of the class, 1 draws from it, more exaggerates.
    """
    if guidance in (0, 1):
        return partial(model, label=label if guidance else None)

    def velocity(x_t: Tensor, t: Tensor) -> Tensor:
        none, wanted = model(x_t, t), model(x_t, t, label)
        return none + guidance * (wanted - none)

    return velocity


def draw_images(
    model: nn.Module,
    noise: npt.NDArray,
    steps: int,
    eta: float = 0.0,
    label: npt.ArrayLike | None = None,
    guidance: float = 1.0,
    seed: int = 0,
) -> npt.NDArray[np.float32]:
    """Images of a network that has learnt them in [-1, 1], such as the shipped one.

    Args:
        model: takes noisy images, times and labels, as `unet.UNet` does.
        noise: standard normal, (n, height, width, channels).
        steps: calls of the network, as `draw`; twice as many for another guidance.
        eta: as `draw`.
        label: the class of each image, (n,); None draws from all of them.
        guidance: as `guided`.
        seed: of fresh noise.

    Returns:
        NHWC in [0, 1].
    """
    device = device_of(model)
    generator = torch.Generator(device).manual_seed(whole_number("seed", seed))
    start = torch.from_numpy(np.array(noise, np.float32)).to(device)
    labels = torch.zeros(len(start)) if label is None else torch.tensor(label)
    guidance = 0.0 if label is None else guidance
    drawn = []
    with evaluating(model), computing_in("auto", model):
        for some, own in zip(
            start.permute(0, 3, 1, 2).split(DRAWN_AT_ONCE),
            labels.to(device, torch.int64).split(DRAWN_AT_ONCE),
            strict=True,
        ):
            velocity = guided(model, own, guidance)
            drawn.append(draw(velocity, some, steps, eta, generator))
    return to_images(0.5 * (torch.cat(drawn).clamp(-1, 1) + 1))


def _coefficients(path: Path, t: Tensor, like: Tensor) -> tuple[Tensor, ...]:
    """The four numbers of a path at times (n,), each shaped to multiply (n, ...).

    Raises:
        ValueError: not one time a point.
    """
    if t.shape != like.shape[:1]:
        raise ValueError(
            f"There are times of shape {tuple(t.shape)} for points of shape "
            f"{tuple(like.shape)}; pass one time a point."
        )
    return tuple(each.reshape(-1, *[1] * (like.ndim - 1)) for each in path.at(t))
