"""Training and evaluation: `train_vae`, `evaluate_vae`, `train_gan`."""

from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from course_utils.data.images import check_points
from course_utils.metrics.bounds import Evaluation
from course_utils.pytorch.capture import captured
from course_utils.pytorch.device import (
    adam,
    batches,
    computing_in,
    device_of,
    evaluating,
    made_shape,
    to_numpy,
    to_tensor,
)
from course_utils.pytorch.game import Game, seeded
from course_utils.pytorch.vae import (
    VAE,
    TrainableVAE,
    elbo,
    kl_to_standard_normal,
    log_weights,
    vae_step,
)
from course_utils.records.checkpoints import Checkpoints
from course_utils.records.history import History
from course_utils.records.progress import not_finite, run_epochs
from course_utils.records.rounds import play_rounds
from course_utils.records.runs import whole_number

# Latent points that one pass through the decoder takes: bounds the memory.
DECODED_AT_ONCE = 1_000


@torch.inference_mode()
def evaluate_vae(
    model: TrainableVAE, images: npt.NDArray, samples: int = 500, seed: int = 0
) -> Evaluation:
    """The bounds on log p(x), averaged over images, with their standard errors.

    Args:
        model: with `encoder` and `log_likelihood`.
        images: float32 (n, height, width, channels) in [0, 1]; points (n, d) where
            the decoder makes points.
        samples: latent points an image; the bounds for fewer points are means over
            blocks of the same points, so that their order is exact.
        seed: of the latent points.

    Raises:
        TypeError, ValueError: as `images.check_images` or `images.check_points`, or
            others than the model takes.
    """
    samples = whole_number("samples", samples, least=1)
    seed = whole_number("seed", seed)
    x = _tensor_for(model, images)
    generator = torch.Generator(x.device).manual_seed(seed)
    # filled in place: small tensors kept between large ones would fragment the heap
    found = x.new_empty(samples + 2, len(x))
    size = max(1, DECODED_AT_ONCE // samples)

    def bounds(some: Tensor) -> Tensor:
        log_w, log_likelihood = log_weights(model, some, samples, generator)
        kl = kl_to_standard_normal(*model.encoder(some))
        return torch.cat([log_w, log_likelihood.mean(0, keepdim=True), kl[None]])

    some_bounds = captured(bounds, generator)
    with evaluating(model):
        for start in range(0, len(x), size):
            rows = slice(start, start + size)
            found[:, rows] = some_bounds(x[rows])
    log_w, reconstruction, kl = found[:-2], *found[-2:]
    return Evaluation.of(to_numpy(log_w), to_numpy(reconstruction), to_numpy(kl))


def train_vae(
    model: TrainableVAE,
    images: npt.NDArray,
    epochs: int,
    seed: int,
    *,
    test_images: npt.NDArray | None = None,
    batch_size: int = 128,
    learning_rate: float = 1e-3,
    beta: float = 1.0,
    binarize: bool = False,
    precision: str = "float32",
    compiled: bool = False,
) -> History:
    """Maximize the ELBO by Adam, on the device where the model is.

    On CUDA a step is captured and replayed, see `capture.captured`: Python code in the
    model runs in the first steps alone, unless it is called in `uncaptured`.

    Interrupted in a notebook, it keeps the model as it is and returns the epochs
    that were finished.

    Args:
        model: with `encoder`, `log_likelihood`, `latent_dim`; changed in place.
        images: float32 (n, height, width, channels) in [0, 1]; points (n, d) where
            the decoder makes points.
        epochs: passes over the images.
        seed: of the order of the images and of all noise.
        test_images: held-out images, measured after each epoch with the same noise.
        batch_size: images a step; the last step of an epoch may have fewer.
        learning_rate: Adam's step size.
        beta: weight of the KL term; 1 for the ELBO.
        binarize: draw each pixel anew at each visit, 1 with its grey level as the
            probability, else 0; test images are drawn once.
        precision: as `computing_in`.
        compiled: let `torch.compile` join the model's many small operations, which
            takes some seconds at first; meant for GPUs.

    Returns:
        Means over each epoch: `elbo`, `reconstruction`, `kl`, `loss`, and their
        `test_` twins.

    Raises:
        TypeError, ValueError: unusable images, as `images.check_images`, or points, as
            `images.check_points`, or others than the model takes.
        FloatingPointError: the loss was not finite; the message names the step.
    """
    epochs, seed = whole_number("epochs", epochs, least=0), whole_number("seed", seed)
    batch_size = whole_number("batch_size", batch_size, least=1)
    beta = float(beta)
    x = _tensor_for(model, images)
    x_test = None if test_images is None else _tensor_for(model, test_images)
    generator = torch.Generator(x.device).manual_seed(seed)
    draw = partial(torch.bernoulli, generator=generator) if binarize else _unchanged
    x_test = None if x_test is None else draw(x_test)
    optimizer = adam(model, float(learning_rate))
    joined = _compiled(model) if compiled else model
    model.train()

    def step(minibatch: Tensor) -> Tensor:
        minibatch = draw(minibatch)
        epsilon = _noise(model, minibatch, generator)
        # compiled for one size of a batch
        own = joined if len(minibatch) == batch_size else model
        return _sums(*vae_step(own, minibatch, epsilon, optimizer, beta))

    test_generator = torch.Generator(x.device)

    @torch.inference_mode()
    def test(minibatch: Tensor) -> Tensor:
        epsilon = _noise(model, minibatch, test_generator)
        return _sums(*elbo(model, minibatch, epsilon)[1:])

    step, test = captured(step, generator), captured(test, test_generator)

    def one_epoch(epoch: int) -> dict[str, float]:
        with computing_in(precision, *_networks_of(model)):
            sums = [step(minibatch) for minibatch in batches(x, batch_size, generator)]
        means = _means(sums, len(x), beta, f"of epoch {epoch}")
        if x_test is not None:
            test_generator.manual_seed(seed)
            with evaluating(model):
                sums = [test(minibatch) for minibatch in batches(x_test, batch_size)]
            where = f"on held-out images, epoch {epoch}"
            test_means = _means(sums, len(x_test), beta, where)
            means |= {f"test_{key}": value for key, value in test_means.items()}
        return means

    return run_epochs(epochs, one_epoch)


def _tensor_for(model: TrainableVAE, images: npt.NDArray) -> Tensor:
    """The images, or points, where the model's parameters are, in their precision.

    Raises:
        TypeError, ValueError: unusable images, or others than the decoder makes.
    """
    decoder = getattr(model, "decoder", None)
    made = made_shape(decoder, model.latent_dim) if decoder is not None else None
    shape = made if made is not None and len(made) == 3 else None
    # a decoder that makes rows of pixels may take images still
    if made is not None and len(made) == 1 and np.ndim(images) == 2:
        check_points(images, made)
        x = torch.tensor(images, device=device_of(model))
    else:
        x = to_tensor(images, device_of(model), shape)
    return x.to(next(model.parameters()).dtype)


def _networks_of(model: TrainableVAE) -> list[nn.Module]:
    """What of a VAE multiplies matrices: its encoder and its decoder."""
    parts = (getattr(model, name, None) for name in ("encoder", "decoder"))
    return [part for part in parts if isinstance(part, nn.Module)]


def _compiled(model: TrainableVAE) -> VAE:
    """The two parts of a VAE that its ELBO calls, each compiled."""
    parts = model.encoder, model.log_likelihood
    encoder, log_likelihood = (torch.compile(part, dynamic=False) for part in parts)
    return cast(VAE, SimpleNamespace(encoder=encoder, log_likelihood=log_likelihood))


def _unchanged(x: Tensor) -> Tensor:
    return x


def _noise(model: TrainableVAE, x: Tensor, generator: torch.Generator) -> Tensor:
    """Standard normal noise for one latent point an image."""
    shape = (len(x), model.latent_dim)
    return torch.randn(shape, generator=generator, device=x.device, dtype=x.dtype)


def _sums(reconstruction: Tensor, kl: Tensor) -> Tensor:
    """Of the two terms over the images of a batch."""
    return torch.stack([reconstruction.sum(), kl.sum()])


def _means(
    steps: list[Tensor], images: int, beta: float, where: str
) -> dict[str, float]:
    """Means over all images, from the sums of each step.

    Raises:
        FloatingPointError: a sum is not finite; the message names the step and where.
    """
    sums = torch.stack(steps).cpu().double()  # an Apple GPU has no float64
    finite = sums.isfinite().all(1)
    if not finite.all():
        step = int(finite.logical_not().nonzero()[0]) + 1
        raise not_finite(step, where)
    reconstruction, kl = (sums.sum(0) / images).tolist()
    return {
        "elbo": reconstruction - kl,
        "reconstruction": reconstruction,
        "kl": kl,
        "loss": beta * kl - reconstruction,
    }


def train_gan(
    game: Game,
    steps: int,
    *,
    every: int = 100,
    watch: Callable[[int], None] | None = None,
    checkpoints: Checkpoints | None = None,
    resume: bool = False,
    compiled: bool = False,
) -> History:
    """Let both networks of a game play, by Adam, on the device where they are.

    On CUDA a step is captured as in `train_vae`.

    Interrupted in a notebook, it keeps the networks as they are and returns what was
    finished.

    Args:
        game: networks, data, recipe and seed; changed in place.
        steps: how many in all; a multiple of `every`.
        every: steps for which one mean is recorded.
        watch: called with the number of steps so far, after every `every` of them, to
            draw or measure.
        checkpoints: where the game is laid down after every `every` steps.
        resume: take up the last complete one of `checkpoints`, and play on until there
            are `steps` in all; the result is the same as without the break. Data,
            networks and recipe must be as they were.
        compiled: as `train_vae`, for both networks; not for a penalty's gradients,
            which have gradients of their own.

    Returns:
        Means over each `every` steps: `discriminator_loss` and `generator_loss`.

    Raises:
        TypeError, ValueError, CheckpointError, FloatingPointError: as
            `rounds.play_rounds`.
    """
    if compiled:
        game.compile()
    with seeded(game.x.device, game.seed):
        return play_rounds(game, steps, every, watch, checkpoints, resume)
