"""Two networks at play: all that changes while they do, to be laid down on disk."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import ModuleType
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from course_utils.data.images import check_points
from course_utils.pytorch.capture import captured
from course_utils.pytorch.device import (
    adam,
    computing_in,
    made_shape,
    rates_on,
    to_numpy,
    to_tensor,
)
from course_utils.pytorch.weights import export_weights, import_weights
from course_utils.records.arrays import check_fit, with_prefix, without_prefix
from course_utils.records.checkpoints import Arrays
from course_utils.records.recipes import Recipe
from course_utils.records.rounds import with_number
from course_utils.records.runs import whole_number


def averaged(generator: nn.Module, decay: float = 0.999) -> AveragedModel:
    """A twin of the generator that holds a running mean of its weights.

    Args:
        generator: the one that is trained.
        decay: share of the old mean that a step keeps; it remembers about
            1 / (1 - decay) steps. Yazici et al., 2019, https://arxiv.org/abs/1806.04498.
    """
    average = get_ema_multi_avg_fn(decay)
    return AveragedModel(generator, multi_avg_fn=average, use_buffers=True)


@torch.no_grad()
def update_average(average: AveragedModel, network: nn.Module, decay: float) -> None:
    """What `average.update_parameters(network)` does, as a step that can be captured.

    That method asks on the host whether it is called for the first time; here the
    device decides.

    Args:
        average: as `averaged` makes it.
        network: the one that it averages.
        decay: share of the old mean that is kept.
    """
    is_first = average.n_averaged == 0
    for mean, now in zip(_held(average.module), _held(network), strict=True):
        if mean.is_floating_point():
            share = mean.new_full((), 1 - decay).masked_fill_(is_first, 1.0)
            mean.lerp_(now, share)
        else:
            mean.copy_(now)
    average.n_averaged += 1


def _held(network: nn.Module) -> list[Tensor]:
    return [*network.parameters(), *network.buffers()]


class _Compiled:
    """A network whose calls are compiled, but for those that a penalty asks of it.

    What `torch.compile` makes has no second derivatives. A penalty calls with a leaf
    that asks for gradients, and nobody else does. All else is the network's own.
    """

    def __init__(self, network: nn.Module) -> None:
        self._network = network
        self._compiled = torch.compile(network, dynamic=False)

    def __call__(self, x: Tensor) -> Tensor:
        is_penalty = x.requires_grad and x.is_leaf
        return (self._network if is_penalty else self._compiled)(x)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._network, name)


class Game:
    """Two networks at play: all that changes while they do.

    Args:
        generator: with `latent_dim`; changed in place.
        discriminator: changed in place.
        data: points, float (n, dimensions), as they are; or images, float32
            (n, height, width, channels) in [0, 1], which are shown to the
            discriminator in [-1, 1].
        recipe: how it is played.
        seed: of the order of the data, of all latent points, and of dropout.

    Attributes:
        average: a running mean of the generator, if the recipe has one.

    Raises:
        TypeError, ValueError: unusable data, as `images.check_images` and
            `images.check_points`, or others than the generator makes; fewer than a
            batch.
    """

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module,
        data: npt.NDArray,
        recipe: Recipe,
        seed: int,
    ) -> None:
        self.recipe, self.seed = recipe, whole_number("seed", seed)
        # a module's attributes have no types of their own
        self._latent_dim = cast(int, generator.latent_dim)
        self.x = _tensor_of(data, generator, self._latent_dim)
        if len(self.x) < recipe.batch_size:
            raise ValueError(
                f"{len(self.x)} samples cannot fill a batch of {recipe.batch_size}."
            )
        device = self.x.device
        self.place = {"framework": "PyTorch", "device": device.type}
        self.networks = {"generator": generator, "discriminator": discriminator}
        self._players: list[Callable] = [generator, discriminator]
        self.optimizers = {
            name: adam(network, 0.0, recipe.betas)
            for name, network in self.networks.items()
        }
        decay = recipe.averaging
        self.average = None if decay is None else averaged(generator, decay)
        self.rng = torch.Generator(device).manual_seed(self.seed)
        self.order = torch.empty(0, dtype=torch.int64, device=device)
        self.dealt = 0
        # on the device, and counted up in place: to read it costs no waiting
        self.number = torch.zeros((), dtype=torch.int64, device=device)
        self._step = with_number(recipe.step)
        self._turn = captured(self._one_step, self.rng)

    def play(self, rates: Sequence[tuple[float, float]]) -> npt.NDArray:
        """A step for each pair of learning rates, generator's and discriminator's.

        Returns:
            The discriminator's and the generator's loss of each step, (n, 2).
        """
        for network in self.networks.values():
            network.train()
        pairs = rates_on(self.x.device, rates)
        with computing_in(self.recipe.precision, *self.networks.values()):
            losses = [self._turn(self._deal(), pair) for pair in pairs]
        return to_numpy(torch.stack(losses))

    def _one_step(self, real: Tensor, rates: Tensor) -> Tensor:
        for optimizer, rate in zip(self.optimizers.values(), rates, strict=True):
            optimizer.param_groups[0]["lr"].copy_(rate)
        z = torch.randn(
            (len(real), self._latent_dim),
            generator=self.rng,
            device=self.x.device,
            dtype=self.x.dtype,
        )
        players = *self._players, real, z, *self.optimizers.values()
        losses = self._step(*players, self.number)
        decay = self.recipe.averaging
        if self.average is not None and decay is not None:
            update_average(self.average, self.networks["generator"], decay)
        self.number += 1
        return torch.stack(losses)

    def compile(self) -> None:
        """Let `torch.compile` join the small operations of both networks' passes."""
        self._players = [_Compiled(network) for network in self.networks.values()]
        self._turn = captured(self._one_step, self.rng)  # what was recorded is plain

    def state(self) -> Arrays:
        """Weights, optimizers, average and random states, to be laid down.

        Copies: they stay as they are when the game goes on.
        """
        arrays = {
            "rng": _copy(self.rng.get_state()),
            "global_rng": _copy(_device_module(self.x.device).get_rng_state()),
            "order": _copy(self.order),
            "dealt": np.array(self.dealt),
            "number": _copy(self.number),
        }
        for name, network in self._modules().items():
            arrays |= with_prefix(name, export_weights(network))
        for name, optimizer in self.optimizers.items():
            arrays |= with_prefix(f"{name}_optimizer", _moments(optimizer))
        return arrays

    def load_state(self, arrays: Arrays) -> None:
        """Take up what `state` gave.

        Raises:
            WeightsError: the arrays belong to other networks, or to another framework;
                nothing is changed then.
        """
        check_fit(arrays, self._shapes(arrays))
        for name, network in self._modules().items():
            import_weights(network, without_prefix(name, arrays))
        for name, optimizer in self.optimizers.items():
            _load_moments(optimizer, without_prefix(f"{name}_optimizer", arrays))
        self._turn = captured(self._one_step, self.rng)  # the moments lie elsewhere now
        self.order = _tensor(arrays["order"]).to(self.x.device)
        self.dealt = int(arrays["dealt"])
        self.number.fill_(int(arrays["number"]))
        self.rng.set_state(_tensor(arrays["rng"]))
        _device_module(self.x.device).set_rng_state(_tensor(arrays["global_rng"]))

    def _deal(self) -> Tensor:
        """The next full batch; each pass over the data has a new order."""
        if self.dealt + self.recipe.batch_size > len(self.order):
            count, device = len(self.x), self.x.device
            self.order = torch.randperm(count, generator=self.rng, device=device)
            self.dealt = 0
        rows = self.order[self.dealt : self.dealt + self.recipe.batch_size]
        self.dealt += self.recipe.batch_size
        return self.x[rows]

    def _shapes(self, arrays: Arrays) -> dict[str, tuple[int, ...]]:
        """What the arrays of this game look like, whatever it has played so far."""
        now = self.state()
        moments = {
            f"{name}_optimizer.{key}": shape
            for name, network in self.networks.items()
            for key, shape in _moment_shapes(network).items()
        }
        shapes = {
            name: array.shape for name, array in now.items() if name not in moments
        }
        # An order there is after the first step, moments for what had a gradient.
        dealt = "order" in arrays and arrays["order"].size > 0
        shapes["order"] = (len(self.x),) if dealt else (0,)
        return shapes | {name: moments[name] for name in moments.keys() & arrays.keys()}

    def _modules(self) -> dict[str, nn.Module]:
        average = {} if self.average is None else {"average": self.average}
        return self.networks | average


@contextmanager
def seeded(device: torch.device, seed: int) -> Iterator[None]:
    """Inside, PyTorch's global generators, which dropout draws from, follow a seed."""
    devices = [] if device.type == "cpu" else [device]
    kind = "cuda" if device.type == "cpu" else device.type
    with torch.random.fork_rng(devices, device_type=kind):
        torch.manual_seed(seed)
        yield


def _device_module(device: torch.device) -> ModuleType:
    """Where a device's global generator is: torch, torch.cuda or torch.mps."""
    return torch if device.type == "cpu" else torch.get_device_module(device)


def _tensor(array: npt.NDArray) -> Tensor:
    """On the CPU, whatever device the user has chosen for new tensors."""
    return torch.from_numpy(array.copy())


def _copy(t: Tensor) -> npt.NDArray:
    return to_numpy(t).copy()


def _moments(optimizer: Optimizer) -> Arrays:
    """Adam's running moments and step counts, by parameter."""
    return {
        f"{number}.{name}": _copy(value)
        for number, values in optimizer.state_dict()["state"].items()
        for name, value in values.items()
    }


def _moment_shapes(network: nn.Module) -> dict[str, tuple[int, ...]]:
    """What `_moments` of a network's optimizer looks like when all have moved."""
    return {
        f"{number}.{name}": () if name == "step" else tuple(parameter.shape)
        for number, parameter in enumerate(network.parameters())
        for name in ("step", "exp_avg", "exp_avg_sq")
    }


def _load_moments(optimizer: Optimizer, arrays: Arrays) -> None:
    (group,) = optimizer.param_groups
    state: dict[int, dict[str, Tensor]] = {}
    for key, array in arrays.items():
        number, name = key.split(".")
        parameter, value = group["params"][int(number)], _tensor(array)
        if value.shape == parameter.shape:
            # in the parameter's order of axes, which the fused step takes for granted
            value = torch.empty_like(parameter).copy_(value)
        state.setdefault(int(number), {})[name] = value
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": state, "param_groups": groups})


def _tensor_of(data: npt.NDArray, generator: nn.Module, latent_dim: int) -> Tensor:
    """The data where the generator is: points as they are, images in [-1, 1].

    Raises:
        TypeError, ValueError: unusable data, or others than the generator makes.
    """
    like = next(generator.parameters())
    shape = made_shape(generator, latent_dim)
    if np.ndim(data) == 2:
        check_points(data, shape)
        return torch.from_numpy(np.array(data, dtype=np.float32)).to(like)
    return 2 * to_tensor(data, shape=shape).to(like) - 1
