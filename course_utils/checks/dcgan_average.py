"""Checks of the exercises on lesson 8: the averaged generator."""

from typing import Any

import numpy as np
import numpy.typing as npt

from course_utils.checks.asking import RTOL, Ask, asking

State = dict[str, npt.NDArray]  # arrays by name
KEEP = 0.999  # of the average in the last exercise
NEAR = 0.02  # a good simulation may be off by so much


def check_finished_average(finished_average: Any, seed: int | None = None) -> None:
    """Averaged weights, and what passes under them, against NumPy.

    Args:
        finished_average: of generators, a list of networks (Linear, BatchNorm1d, Tanh,
            Linear, BatchNorm1d), decay, and z (rows, 3), to a network.
        seed: of the weights and latent points.
    """
    import torch

    hint = "Weights are averaged. What batch normalization keeps is measured: with z."
    with asking(finished_average, "finished_average", hint, seed) as ask:
        for count, decay in ((4, 0.7), (9, 0.8), (1, 0.9)):
            generators = [_generator(ask) for _ in range(count)]
            before = [_state(generator) for generator in generators]
            z = _normal(ask, 300, 3)
            tried = f"generators: {count}, decay = {decay}, {len(z)} rows of z"
            answer = ask.call(tried, list(generators), decay, z.clone())
            average = ask.kind("the average", answer, torch.nn.Module)
            if isinstance(average, torch.optim.swa_utils.AveragedModel):
                average = average.module
            for generator, state in zip(generators, before, strict=True):
                after = _state(generator)
                if any((after[name] != state[name]).any() for name in state):
                    ask.fail(
                        f"a generator of the list has changed ({tried}).",
                        "Begin with a copy: copy.deepcopy makes one of a network.",
                    )
            if average.training:
                ask.fail(
                    f"the average came in training mode ({tried}).",
                    "A sample should not depend on the others of its batch.",
                )
            _hold_against_average(ask, tried, _state(average), before, decay, z.numpy())


def check_worth(worth: Any, seed: int | None = None) -> None:
    """How many plain values a running mean is worth, against the sum of its weights.

    Args:
        worth: a number, the variance of one value over that of the running mean.
        seed: not used; nothing is drawn.
    """
    hint = "Of independent terms the variances add, each times its weight squared."
    with asking(worth, "worth", hint, seed) as ask:
        weights = (1 - KEEP) * KEEP ** np.arange(50 / (1 - KEEP))
        right, value = 1 / (weights**2).sum(), ask.value()
        slips = {
            "That is the mean's memory. But its values do not count alike.": (
                1 / (1 - KEEP)
            ),
            "Compare variances, not standard deviations.": np.sqrt(right),
            "How many values is it worth? Yours is a variance.": 1 / right,
            "That is when half is forgotten.": np.log(0.5) / np.log(KEEP),
        }
        if abs(value / right - 1) > NEAR:
            near = (h for h, wrong in slips.items() if abs(value / wrong - 1) < NEAR)
            ask.fail(f"{value:g} does not fit.", next(near, None))


def _generator(ask: Ask) -> Any:
    """A small network with batch normalization, as if it had been trained."""
    from torch import nn

    layers = nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Tanh(), nn.Linear(4, 2)
    network = nn.Sequential(*layers, nn.BatchNorm1d(2))
    for p in network.parameters():
        p.data = _normal(ask, *p.shape)
    for layer in (network[1], network[4]):
        layer.running_mean = _normal(ask, layer.num_features)
        layer.running_var = _normal(ask, layer.num_features).exp()
    return network


def _state(network: Any) -> State:
    """Weights and running statistics by name, without the count of batches."""
    return {
        name: value.detach().double().numpy().copy()
        for name, value in network.state_dict().items()
        if value.is_floating_point()
    }


def _expected_average(states: list[State], decay: float, z: npt.NDArray) -> State:
    """Running means of the weights, and what batch normalization sees under them."""
    mean = _running_mean(states, decay)
    h = z
    for linear, norm in (("0", "1"), ("3", "4")):
        h = h @ mean[f"{linear}.weight"].T + mean[f"{linear}.bias"]
        mean[f"{norm}.running_mean"] = h.mean(0)
        mean[f"{norm}.running_var"] = h.var(0, ddof=1)
        h = (h - h.mean(0)) / np.sqrt(h.var(0) + 1e-5)
        h = np.tanh(h * mean[f"{norm}.weight"] + mean[f"{norm}.bias"])
    return mean


def _running_mean(states: list[State], decay: float) -> State:
    mean = dict(states[0])
    for state in states[1:]:
        mean = {n: decay * v + (1 - decay) * state[n] for n, v in mean.items()}
    return mean


def _hold_against_average(
    ask: Ask,
    tried: str,
    came: State,
    states: list[State],
    decay: float,
    z: npt.NDArray,
) -> None:
    """Hold all that a network keeps against the average of these states."""
    right, blended = _expected_average(states, decay, z), _running_mean(states, decay)
    for name in right:
        if name not in came:
            ask.fail(f"there is no {name} in the network that came ({tried}).")
        if running := "running" in name:
            slips = _not_measured(name, right[name], states, blended)
        else:
            slips = {
                "decay is the share of the old mean that a step keeps.": (
                    _running_mean(states, 1 - decay)[name]
                ),
                "Later generators count more than earlier ones.": (
                    np.mean([state[name] for state in states], 0)
                ),
                "That is the last generator.": states[-1][name],
                "That is the first generator.": states[0][name],
                "The mean begins with the first generator, not with zeros.": (
                    blended[name] - decay ** (len(states)) * states[0][name]
                ),
            }
        # a running variance may be over n or over n - 1
        rtol = 2 / len(z) if running else RTOL
        ask.close(f"{name} ({tried})", came[name], right[name], rtol=rtol, slips=slips)


def _not_measured(
    name: str, right: npt.NDArray, states: list[State], blended: State
) -> State:
    """Running statistics of other moments, or with a share of them, by hint."""
    kept = {
        "the last generator": states[-1][name],
        "the first generator": states[0][name],
        "generators of other moments": blended[name],
        "a fresh layer": np.full_like(right, "var" in name),
    }
    slips = {}
    for whose, old in kept.items():
        hint = f"That was kept by {whose}, under other weights: measure anew."
        slips[hint] = old
        hint = f"Nine tenths are still those of {whose}: PyTorch's momentum is 0.1."
        slips[hint] = 0.9 * old + 0.1 * right
    return slips


def _normal(ask: Ask, *shape: int) -> Any:
    import torch

    return torch.tensor(ask.rng.normal(size=shape), dtype=torch.float32)
