"""Variational autoencoders: likelihoods, the ELBO and its tighter kin, training.

All terms are in nats, summed over pixels and latent dimensions, one value an image.
"""

import math
from functools import partial

import numpy.typing as npt
import torch
from torch import Tensor, nn

from course_utils.evaluation import Evaluation
from course_utils.history import History
from course_utils.progress import not_finite, run_epochs
from course_utils.pytorch.formulas import (
    bernoulli_log_likelihood,
    gaussian_log_likelihood,
    kl_to_standard_normal,
    reparameterize,
)
from course_utils.pytorch.models import MLPVAE, BernoulliPixels, ConvVAE, GaussianPixels
from course_utils.pytorch.networks import (
    ConvDecoder,
    ConvEncoder,
    MLPDecoder,
    MLPEncoder,
)
from course_utils.pytorch.runtime import (
    autocast,
    batches,
    device_of,
    evaluating,
    made_shape,
    to_numpy,
    to_tensor,
)
from course_utils.runs import whole_number

__all__ = [
    "MLPVAE",
    "BernoulliPixels",
    "ConvDecoder",
    "ConvEncoder",
    "ConvVAE",
    "GaussianPixels",
    "MLPDecoder",
    "MLPEncoder",
    "bernoulli_log_likelihood",
    "elbo",
    "evaluate_vae",
    "gaussian_log_likelihood",
    "iwae_bound",
    "kl_to_standard_normal",
    "log_weights",
    "reparameterize",
    "train_vae",
    "vae_step",
]

# Latent points that one pass through the decoder takes: bounds the memory.
DECODED_AT_ONCE = 1_000


def elbo(model: nn.Module, x: Tensor, epsilon: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The evidence lower bound of each image, by one sample of z, and its two terms.

    Args:
        model: with `encoder` and `log_likelihood`.
        x: images, (n, channels, height, width), in [0, 1].
        epsilon: noise, (n, latent_dim).

    Returns:
        elbo, reconstruction, kl, each (n,), with elbo = reconstruction - kl.
    """
    mu, logvar = model.encoder(x)
    z = reparameterize(mu, logvar, epsilon)
    reconstruction = model.log_likelihood(x, z)
    kl = kl_to_standard_normal(mu, logvar)
    return reconstruction - kl, reconstruction, kl


def log_weights(
    model: nn.Module, x: Tensor, samples: int, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Importance weights of latent points drawn from q(z given x).

    Args:
        model: with `encoder` and `log_likelihood`.
        x: images, (n, channels, height, width), in [0, 1].
        samples: latent points an image.
        generator: of x's device.

    Returns:
        log w = log p(x, z) - log q(z given x), and log p(x given z) alone, each
        (samples, n).
    """
    mu, logvar = model.encoder(x)
    shape = (samples, *mu.shape)
    epsilon = torch.randn(shape, generator=generator, device=mu.device, dtype=mu.dtype)
    z = reparameterize(mu.expand(shape), logvar.expand(shape), epsilon)
    # log p(z) - log q(z given x); their ln 2 pi cancel
    log_ratio = 0.5 * (epsilon.square() + logvar - z.square()).sum(-1)
    repeated = x.expand(samples, *x.shape).flatten(0, 1)
    log_likelihood = model.log_likelihood(repeated, z.flatten(0, 1))
    log_likelihood = log_likelihood.view(samples, len(x))
    return log_likelihood + log_ratio, log_likelihood


def iwae_bound(model: nn.Module, x: Tensor, samples: int, seed: int) -> Tensor:
    """The importance-weighted bound log mean_k w_k of each image, shape (n,).

    Never above log p(x) on average, and rising towards it with `samples`.
    Burda, Grosse and Salakhutdinov, 2016, https://arxiv.org/abs/1509.00519.
    """
    generator = torch.Generator(x.device).manual_seed(whole_number("seed", seed))
    log_w, _ = log_weights(model, x, samples, generator)
    return log_w.logsumexp(0) - math.log(samples)


@torch.inference_mode()
def evaluate_vae(
    model: nn.Module, images: npt.NDArray, samples: int = 500, seed: int = 0
) -> Evaluation:
    """The bounds on log p(x), averaged over images, with their standard errors.

    Args:
        model: with `encoder` and `log_likelihood`.
        images: float32 (n, height, width, channels) in [0, 1].
        samples: latent points an image; the bounds for fewer points are means over
            blocks of the same points, so that their order is exact.
        seed: of the latent points.

    Raises:
        TypeError, ValueError: as `images.check_images`, or others than the model takes.
    """
    samples = whole_number("samples", samples, least=1)
    seed = whole_number("seed", seed)
    x = _tensor_for(model, images)
    generator = torch.Generator(x.device).manual_seed(seed)
    # filled in place: small tensors kept between large ones would fragment the heap
    log_w = x.new_empty(samples, len(x))
    reconstruction, kl = x.new_empty(2, len(x))
    size = max(1, DECODED_AT_ONCE // samples)
    with evaluating(model):
        for start in range(0, len(x), size):
            rows = slice(start, start + size)
            some = x[rows]
            log_w[:, rows], log_likelihood = log_weights(
                model, some, samples, generator
            )
            reconstruction[rows] = log_likelihood.mean(0)
            kl[rows] = kl_to_standard_normal(*model.encoder(some))
    return Evaluation.of(to_numpy(log_w), to_numpy(reconstruction), to_numpy(kl))


def vae_step(
    model: nn.Module,
    x: Tensor,
    epsilon: Tensor,
    optimizer: torch.optim.Optimizer,
    beta: float = 1.0,
) -> tuple[Tensor, Tensor]:
    """One step down the gradient of the loss, beta KL - reconstruction.

    Arguments as in `elbo` and `train_vae`. Returns reconstruction and kl of each
    image, before the step.
    """
    _, reconstruction, kl = elbo(model, x, epsilon)
    loss = (beta * kl - reconstruction).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return reconstruction.detach(), kl.detach()


def train_vae(
    model: nn.Module,
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
) -> History:
    """Maximize the ELBO by Adam, on the device where the model is.

    Interrupted in a notebook, it keeps the model as it is and returns the epochs
    that were finished.

    Args:
        model: with `encoder`, `log_likelihood`, `latent_dim`; changed in place.
        images: float32 (n, height, width, channels) in [0, 1].
        epochs: passes over the images.
        seed: of the order of the images and of all noise.
        test_images: held-out images, measured after each epoch with the same noise.
        batch_size: images a step; the last step of an epoch may have fewer.
        learning_rate: Adam's step size.
        beta: weight of the KL term; 1 for the ELBO.
        binarize: draw each pixel anew at each visit, 1 with its grey level as the
            probability, else 0; test images are drawn once.
        precision: "float32", or "bfloat16" for the matrix products.

    Returns:
        Means over each epoch: `elbo`, `reconstruction`, `kl`, `loss`, and their
        `test_` twins.

    Raises:
        TypeError, ValueError: unusable images, as `images.check_images`, or others than
            the model takes.
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
    optimizer = torch.optim.Adam(model.parameters(), float(learning_rate), fused=True)
    model.train()

    def one_epoch(epoch: int) -> dict[str, float]:
        terms = []
        for minibatch in map(draw, batches(x, batch_size, generator)):
            epsilon = _noise(model, minibatch, generator)
            with autocast(x.device, precision):
                terms.append(vae_step(model, minibatch, epsilon, optimizer, beta))
        means = _means(terms, beta, f"of epoch {epoch}")
        if x_test is not None:
            test_terms = _test_terms(model, x_test, batch_size, seed)
            test_means = _means(test_terms, beta, f"on held-out images, epoch {epoch}")
            means |= {f"test_{key}": value for key, value in test_means.items()}
        return means

    return run_epochs(epochs, one_epoch)


def _tensor_for(model: nn.Module, images: npt.NDArray) -> Tensor:
    """The images where the model's parameters are, and in their precision.

    Raises:
        TypeError, ValueError: unusable images, or others than the decoder makes.
    """
    decoder = getattr(model, "decoder", None)
    made = made_shape(decoder, model.latent_dim) if decoder is not None else None
    shape = made if made is not None and len(made) == 3 else None
    x = to_tensor(images, device_of(model), shape)
    return x.to(next(model.parameters()).dtype)


def _unchanged(x: Tensor) -> Tensor:
    return x


def _noise(model: nn.Module, x: Tensor, generator: torch.Generator) -> Tensor:
    """Standard normal noise for one latent point an image."""
    shape = (len(x), model.latent_dim)
    return torch.randn(shape, generator=generator, device=x.device, dtype=x.dtype)


@torch.inference_mode()
def _test_terms(
    model: nn.Module, x: Tensor, batch_size: int, seed: int
) -> list[tuple[Tensor, Tensor]]:
    """Reconstruction and kl of held-out images, with the same noise at each call."""
    generator = torch.Generator(x.device).manual_seed(seed)
    with evaluating(model):
        return [
            elbo(model, b, _noise(model, b, generator))[1:] for b in x.split(batch_size)
        ]


def _means(
    terms: list[tuple[Tensor, Tensor]], beta: float, where: str
) -> dict[str, float]:
    """Means over all images, from the terms of each step.

    Raises:
        FloatingPointError: a term is not finite; the message names the step and where.
    """
    sums = torch.stack([torch.stack([r.sum(), k.sum()]) for r, k in terms])
    sums = sums.cpu().double()  # an Apple GPU has no float64
    finite = sums.isfinite().all(1)
    if not finite.all():
        step = int(finite.logical_not().nonzero()[0]) + 1
        raise not_finite(step, where)
    images = sum(len(kl) for _, kl in terms)
    reconstruction, kl = (sums.sum(0) / images).tolist()
    return {
        "elbo": reconstruction - kl,
        "reconstruction": reconstruction,
        "kl": kl,
        "loss": beta * kl - reconstruction,
    }
