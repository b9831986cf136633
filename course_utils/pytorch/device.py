"""Devices, seeds and settings, and the one place where NumPy images become tensors."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from course_utils.data.images import check_images
from course_utils.records.recipes import check_precision
from course_utils.records.runs import whole_number


class Network(Protocol):
    """What is asked of a network here; any `nn.Module` has it."""

    def parameters(self) -> Iterator[nn.Parameter]:
        """What it learns."""

    def modules(self) -> Iterator[nn.Module]:
        """It, and all its layers."""

    def train(self) -> object:
        """Change to training mode."""

    def eval(self) -> object:
        """Change to evaluation mode."""


def pick_device() -> torch.device:
    """An NVIDIA GPU if there is one, else an Apple GPU, else the CPU."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    if torch.backends.mps.is_available():
        return torch.device("mps")
    return torch.device("cpu")


def device_of(model: Network) -> torch.device:
    """Where a model's parameters live."""
    return next(model.parameters()).device


@contextmanager
def evaluating(model: Network) -> Iterator[None]:
    """Evaluation mode inside, and each layer's own mode after it, come what may."""
    modes = {module: module.training for module in model.modules()}
    model.eval()
    try:
        yield
    finally:
        for module, training in modes.items():
            module.training = training


@contextmanager
def own_settings() -> Iterator[None]:
    """Layers made inside have float32 parameters, whatever the user has set globally.

    Written above an `__init__` it holds for all that is made there.
    """
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float32)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


def seed_everything(seed: int) -> None:
    """Seed PyTorch's global generators, which initialize layers, and NumPy's."""
    seed = whole_number("seed", seed)
    torch.manual_seed(seed)
    np.random.seed(seed)


def to_numpy(t: Tensor) -> npt.NDArray:
    """A tensor's values on the CPU, without its graph; bfloat16 becomes float32."""
    t = t.detach().cpu()
    return (t.float() if t.dtype == torch.bfloat16 else t).numpy()


def to_tensor(
    images: npt.NDArray,
    device: torch.device | str = "cpu",
    shape: tuple[int, ...] | None = None,
) -> Tensor:
    """NHWC images in [0, 1] as a float32 tensor in PyTorch's layout, NCHW.

    Args:
        images: (n, height, width, channels).
        device: of the tensor.
        shape: height, width and channels that the images must have; None takes any.

    Raises:
        TypeError, ValueError: as `images.check_images`.
    """
    check_images(images, shape)
    # always a copy: what is done to the tensor must not reach the caller's array
    nchw = np.array(images.transpose(0, 3, 1, 2), dtype=np.float32, order="C")
    return torch.from_numpy(nchw).to(device)


def to_images(x: Tensor) -> npt.NDArray[np.float32]:
    """An NCHW tensor as NHWC images."""
    return to_numpy(x.float()).transpose(0, 2, 3, 1)


@torch.inference_mode()
def made_shape(network: nn.Module, latent_dim: int) -> tuple[int, ...] | None:
    """The shape of one image or point that a decoder or a generator makes.

    Args:
        network: takes latent points (n, latent_dim); it is left as it is.
        latent_dim: dimensions of z.

    Returns:
        Height, width and channels of an image; the dimensions of a point; None for
        anything else.
    """
    z = next(network.parameters()).new_zeros(1, latent_dim)
    with evaluating(network):
        made = network(z)
    if not isinstance(made, Tensor):
        return None
    return tuple((to_images(made) if made.ndim == 4 else made).shape[1:])


def batches(
    x: Tensor, batch_size: int, generator: torch.Generator | None = None
) -> Iterator[Tensor]:
    """Minibatches of a tensor that lies on the device already.

    Args:
        x: shape (n, ...).
        batch_size: rows a batch; the last may have fewer.
        generator: of x's device, to shuffle the rows; None keeps their order.
    """
    if generator is None:
        yield from x.split(batch_size)
        return
    order = torch.randperm(len(x), generator=generator, device=x.device)
    for rows in order.split(batch_size):
        yield x[rows]


def rates_on(device: torch.device, rates: npt.ArrayLike) -> Tensor:
    """Step sizes where a network is; on a CPU in double precision, as numbers are."""
    dtype = torch.float64 if device.type == "cpu" else torch.float32
    return torch.tensor(rates, dtype=dtype, device=device)


def adam(
    network: Network,
    rate: float,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
) -> torch.optim.Adam:
    """Adam in one fused kernel, whose rate is a tensor and can be changed in place.

    Args:
        network: whose parameters it moves.
        rate: step size.
        betas: of its running moments.
        eps: added to the root of the second.
    """
    device = device_of(network)
    return torch.optim.Adam(
        network.parameters(),
        rates_on(device, rate),
        betas,
        eps,
        fused=True,
        capturable=device.type == "cuda",
    )


def precision_on(device: torch.device, precision: str) -> str:
    """The precision that is meant on a device, "float32" or "bfloat16".

    Args:
        device: where the networks are.
        precision: one of these; "auto" is bfloat16 where the hardware multiplies in it.

    Raises:
        ValueError: another precision.
    """
    check_precision(precision)
    if precision != "auto":
        return precision
    return "bfloat16" if _multiplies_bfloat16(device) else "float32"


def _multiplies_bfloat16(device: torch.device) -> bool:
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    known = torch.cpu.get_capabilities() if device.type == "cpu" else {}
    return any(known.get(name) for name in ("avx512_bf16", "amx_bf16", "bf16"))


@contextmanager
def computing_in(precision: str, *networks: nn.Module) -> Iterator[None]:
    """Let networks multiply in another precision, whoever calls them inside.

    Their forward passes alone run under `torch.autocast`; parameters, losses and
    optimizers stay float32.

    Args:
        precision: "float32" changes nothing, "bfloat16" multiplies matrices in it
            (faster where the hardware has it), "auto" does so where it has.
        networks: whose calls are meant; afterwards they are as they were.

    Raises:
        ValueError: another precision.
    """
    wrapped = [
        network
        for network in networks
        if precision_on(device_of(network), precision) == "bfloat16"
    ]
    # a compiled network, for one, has a `forward` of its own beside its class's
    before = [vars(network).get("forward") for network in wrapped]
    try:
        for network in wrapped:
            cast = torch.autocast(device_of(network).type, dtype=torch.bfloat16)
            network.forward = cast(network.forward)
        yield
    finally:
        for network, own in zip(wrapped, before, strict=True):
            vars(network).pop("forward", None)
            if own is not None:
                network.forward = own
