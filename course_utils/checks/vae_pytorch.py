"""The exercises on lesson 3: the parts of a VAE in PyTorch, and a tighter bound."""

from collections.abc import Callable
from functools import cache, partial
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from scipy.optimize import brentq
from torch import Tensor
from torch.distributions import Bernoulli, Normal, kl_divergence
from torch.nn.functional import (
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    softplus,
)

from course_utils.checks.exercise import ROWS, Exercise
from course_utils.checks.torch_tools import gradients, leaf, tensor
from course_utils.data.mnist import load_mnist
from course_utils.exact import linear_gaussian

PIXELS, LATENTS = 6, 2  # of the model that an ELBO is asked of
SIGMA, NATS = 0.2, 10.0  # of the last exercise


def reparameterize(mu: Tensor, logvar: Tensor, epsilon: Tensor) -> Tensor:
    """mu, logvar (rows, k), epsilon (..., rows, k) -> z as epsilon."""
    return torch.addcmul(mu, torch.exp(0.5 * logvar), epsilon)


def _noise(rng, *shape):
    mu, logvar = rng.normal(size=(2, *shape[-2:]))
    noise = tensor(rng.normal(size=shape))
    return f"noise of shape {shape}", leaf(mu), leaf(logvar), noise


check_reparameterize = Exercise(
    reparameterize,
    "Noise first; then scale it, then shift it. Which width belongs to logvar?",
    _noise,
    cases=((1, 1), (5, 3), (4, 2, 3)),
    gives="z",
    watch=gradients(),
    slips={
        "exp(logvar) is a variance.": lambda m, v, e: m + v.exp() * e,
        "logvar is a logarithm; undo it first.": lambda m, v, e: m + v * e,
        "logvar / 2 is the logarithm of sigma, not sigma.": (
            lambda m, v, e: m + v / 2 * e
        ),
        "Where did epsilon go?": lambda m, v, e: m + 0 * e,
        "Should a larger logvar make q narrower?": (
            lambda m, v, e: m + (-v / 2).exp() * e
        ),
    },
)


def kl(mu: Tensor, logvar: Tensor) -> Tensor:
    """mu, logvar (rows, k) -> the KL to the prior in nats, (rows,)."""
    return _between(Normal(mu, torch.exp(0.5 * logvar)), Normal(0.0, 1.0))


def _between(one, other):
    return kl_divergence(one, other).sum(1)


def _normals(rng, rows, k):
    return f"{rows} rows, k = {k}", *map(leaf, rng.normal(size=(2, rows, k)))


check_kl = Exercise(
    kl,
    "In one dimension it is zero for mu = 0, logvar = 0. Is yours?",
    _normals,
    cases=((5, 3), (1, 2), (2, 8)),
    gives="the KL",
    watch=gradients(),
    slips={
        "logvar is the logarithm of a variance, not of a sigma.": (
            lambda m, v: kl(m, 2 * v)
        ),
        "The variance is wanted there, not its root.": (
            lambda m, v: kl(m, v) + 0.5 * ((v / 2).exp() - v.exp()).sum(1)
        ),
        "KLs of independent dimensions add: no mean over k.": (
            lambda m, v: kl(m, v) / m.shape[1]
        ),
        "What is the KL of the prior to itself? Try yours.": (
            lambda m, v: kl(m, v) + m.shape[1] / 2
        ),
        "That is KL(p || q): q comes first here.": (
            lambda m, v: _between(Normal(0.0, 1.0), Normal(m, (v / 2).exp()))
        ),
    },
    changes=ROWS
    | {
        "A factor is missing in front.": lambda kl: 2 * kl,
        "A KL is never negative.": lambda kl: -kl,
    },
)


def log_likelihood(x_logits: Tensor, x: Tensor) -> Tensor:
    """x_logits, x of zeros and ones (rows, 1, height, width) -> (rows,)."""
    return _of_images(Bernoulli(logits=x_logits, validate_args=False).log_prob(x))


def _of_images(pixels):
    return pixels.flatten(1).sum(1)


def _with_guard(x_logits, x, guard):
    p = x_logits.sigmoid()
    return _of_images(x * (p + guard).log() + (1 - x) * (1 - p + guard).log())


def _by_probabilities(x_logits, x):
    p = x_logits.sigmoid()
    return -_of_images(binary_cross_entropy(p, x, reduction="none"))


def _images(rng, *shape):
    x = rng.random(shape) < 0.4
    return f"images of shape {shape}", leaf(rng.normal(0, 2, shape)), tensor(x)


def _sure_images(rng, far):
    """A pixel of ink and one of paper, rightly and wrongly believed."""
    logits, x = far * np.array([1, 1, -1, -1]), np.array([1, 0, 1, 0])
    places = (4, 1, 1, 1)
    words = f"four images of one pixel, logits of +-{far}"
    return words, leaf(logits.reshape(places)), tensor(x.reshape(places))


check_bernoulli = Exercise(
    log_likelihood,
    "What is it for one pixel of ink, and for one of paper? Try a few logits by hand.",
    lambda rng, *case: (_images if len(case) > 1 else _sure_images)(rng, *case),
    cases=((4, 1, 3, 2), (1, 1, 2, 3), 1000),
    gives="the log-likelihood",
    watch=gradients(),
    slips={
        "Both log(sigmoid(l)) and log(1 - sigmoid(l)) overflow. softplus does not.": (
            partial(_with_guard, guard=0.0)
        ),
        "A guard inside a logarithm caps the price of a wrong pixel.": (
            *(partial(_with_guard, guard=10.0**-p) for p in (6, 7, 8, 10, 12, 20)),
            _by_probabilities,
        ),
        "That is a loss, averaged over pixels and images.": (
            binary_cross_entropy_with_logits
        ),
        "Ink and paper are swapped.": lambda y, x: log_likelihood(y, 1 - x),
        "x_logits are logits already: one sigmoid too many.": (
            lambda y, x: log_likelihood(y.sigmoid(), x)
        ),
        "Paper has a probability too: where x = 0, something is missing.": (
            lambda y, x: -_of_images(x * softplus(-y))
        ),
    },
    changes=ROWS
    | {
        "A log-likelihood is a sum over pixels, not a mean.": lambda value: (
            value / PIXELS
        ),
        "That is the loss. Mind the sign.": lambda value: -value,
        "That is a loss, summed over all images.": lambda value: -value.sum(),
    },
)


def elbo(
    model: Any,
    x: Tensor,
    epsilon: Tensor,
    draw: Callable[..., Tensor] = reparameterize,
    likelihood: Callable[..., Tensor] = log_likelihood,
    price: Callable[..., Tensor] = kl,
) -> tuple[Tensor, Tensor, Tensor]:
    """model, x (rows, 1, height, width), epsilon (rows, k) -> three tensors (rows,).

    The ELBO, its reconstruction and its KL. The model has an encoder, from x to mu and
    logvar, and a decoder, from z to logits of x's shape.
    """
    mu, logvar = model.encoder(x)
    reconstruction = likelihood(model.decoder(draw(mu, logvar, epsilon)), x)
    return reconstruction - price(mu, logvar), reconstruction, price(mu, logvar)


def _small_vae(rng, rows):
    """A linear encoder and decoder, and what goes through them."""
    to_mu, to_logvar = map(leaf, rng.normal(0, 0.4, (2, PIXELS, LATENTS)))
    kernel, offset = leaf(rng.normal(size=(LATENTS, PIXELS))), leaf(rng.normal(size=6))
    model = SimpleNamespace(
        encoder=lambda x: (x.flatten(1) @ to_mu, x.flatten(1) @ to_logvar),
        decoder=lambda z: (z @ kernel + offset).unflatten(-1, (1, 2, PIXELS // 2)),
        weights={"mu": to_mu, "logvar": to_logvar, "decoder": kernel, "offset": offset},
    )
    x, epsilon = rng.random((rows, 1, 2, 3)) < 0.5, rng.normal(size=(rows, LATENTS))
    words = f"{rows} rows, {PIXELS} pixels, k = {LATENTS}"
    return words, model, tensor(x), tensor(epsilon)


check_elbo = Exercise(
    elbo,
    "Encode, sample, decode; then two terms, each one value an image.",
    _small_vae,
    cases=(3, 1),
    gives=("the ELBO", "the reconstruction", "the KL"),
    watch=gradients(0),
    slips={
        f"Pixels averaged, latents summed: that is a beta of {PIXELS}.": (
            partial(elbo, likelihood=lambda y, x: log_likelihood(y, x) / PIXELS)
        ),
        f"KLs add: a mean over latents is a beta of 1/{LATENTS}.": (
            partial(elbo, price=lambda m, v: kl(m, v) / LATENTS)
        ),
        "A factor is missing in front.": partial(elbo, price=lambda *q: 2 * kl(*q)),
        "A KL is never negative.": partial(elbo, price=lambda *q: -kl(*q)),
        "That is a loss; a log-likelihood has the other sign.": (
            partial(elbo, likelihood=lambda *p: -log_likelihood(*p))
        ),
        "Decode a sample, not the mean: epsilon is not used.": (
            partial(elbo, draw=lambda m, v, e: m)
        ),
        "exp(logvar) is a variance.": partial(
            elbo, draw=lambda m, v, e: m + v.exp() * e
        ),
        "Only the KL's gradient arrives: z has lost its path.": (
            partial(elbo, draw=lambda m, v, e: reparameterize(m, v, e).detach()),
            partial(elbo, draw=lambda m, v, e: reparameterize(m, v.detach(), e)),
        ),
        "The KL's gradient does not arrive.": (
            partial(elbo, price=lambda m, v: kl(m, v).detach())
        ),
    },
    changes={
        "The KL is a price: it is subtracted.": lambda e, r, k: (r + k, r, k),
        "That is the loss; the ELBO has the other sign.": lambda e, r, k: (-e, r, k),
        "One value an image; a batch is averaged later.": (
            lambda *terms: tuple(term.mean() for term in terms)
        ),
    },
)


def iwae_bound(log_weights: Tensor) -> Tensor:
    """log_weights (samples, rows) -> log of the mean weight, (rows,)."""
    return torch.logsumexp(log_weights, 0) - np.log(len(log_weights))


def _weights(rng, samples, levels):
    words = f"{samples} samples, {len(levels)} rows, log weights near {levels}"
    return words, leaf(rng.normal(levels, 1, (samples, len(levels))))


check_iwae_bound = Exercise(
    iwae_bound,
    "Add a constant to all log weights of an image: how does its bound change?",
    _weights,
    cases=((5, [-2] * 4), (3, [-1]), (50, [-1000, 0, 1000])),
    gives="the bound",
    watch=gradients(),
    slips={
        "A mean of logarithms is the ELBO. Average the weights.": lambda w: w.mean(0),
        "That is the log of a sum; a mean is wanted.": lambda w: w.logsumexp(0),
        "The mean's 1/k has been taken twice.": (
            lambda w: iwae_bound(w) - np.log(len(w))
        ),
        "Average over the samples, which are the first axis.": (
            lambda w: iwae_bound(w.T)
        ),
        "1/k stands inside the logarithm; outside it becomes a difference.": (
            lambda w: w.logsumexp(0) / len(w)
        ),
        "The largest weight alone is not the mean.": lambda w: w.max(0).values,
        "exp(-1000) is 0, and exp(1000) too large: take the largest out first.": (
            lambda w: w.exp().mean(0).log()
        ),
        "Images lie far apart: take out each row's largest, not that of all.": (
            lambda w: (w - w.max()).exp().mean(0).log() + w.max()
        ),
    },
    changes=ROWS
    | {
        "That is the mean weight. Its logarithm is wanted.": lambda bound: bound.exp(),
    },
)


def rate_distortion(
    eigenvalues: Tensor, sigma: float, beta: float
) -> tuple[float, float]:
    """Eigenvalues (d,), sigma, beta -> rate in nats, distortion; two numbers."""
    right = linear_gaussian.rate_distortion(eigenvalues.numpy(), sigma, beta)
    return right.rate, right.distortion


def _eigenvalues(rng, *log_ratios):
    """Some axes above the level beta sigma^2 and some below."""
    sigma, beta = rng.uniform(0.4, 0.7), rng.uniform(2.5, 4)
    logs = np.array(log_ratios) + rng.uniform(-0.1, 0.1, len(log_ratios))
    words = f"{len(logs)} eigenvalues, sigma = {sigma:.2f}, beta = {beta:.2f}"
    return words, torch.tensor(beta * sigma**2 * np.exp(logs)), sigma, beta


def _errors(eigenvalues, sigma, beta):
    return eigenvalues.clamp(max=beta * sigma**2)


check_rate_distortion = Exercise(
    rate_distortion,
    "Set the slope of one axis's objective in D to zero. May D be larger than lambda?",
    _eigenvalues,
    cases=((1.5, 0.9, 0.4, -0.3, -1.2), (-0.7,), (2.0, 1.0), (-0.5, -1.0, -1.5)),
    gives=("the rate", "the distortion"),
    slips={
        "No code has a negative rate: what does a weak axis do?": (
            lambda v, s, b: (0.5 * (v / (b * s**2)).log().sum(), _errors(v, s, b).sum())
        ),
        "No axis need be worse than its own variance.": (
            lambda v, s, b: (rate_distortion(v, s, b)[0], b * s**2 * len(v))
        ),
        "Axes that are kept have an error, too.": (
            lambda v, s, b: (rate_distortion(v, s, b)[0], v[v <= b * s**2].sum())
        ),
        "Axes that are dropped have an error, too.": (
            lambda v, s, b: (
                rate_distortion(v, s, b)[0],
                b * s**2 * (v > b * s**2).sum(),
            )
        ),
        "A sum over axes is wanted, not a mean.": (
            lambda v, s, b: (rate_distortion(v, s, b)[0], _errors(v, s, b).mean())
        ),
        "Where is beta?": lambda v, s, b: rate_distortion(v, s, 1.0),
        "The variance of the noise is sigma squared.": (
            lambda v, s, b: rate_distortion(v, s**0.5, b)
        ),
    },
    changes={
        "A factor is missing in front of the logarithm.": lambda r, d: (2 * r, d),
        "Nats, please: natural logarithms.": lambda r, d: (r / np.log(2), d),
    },
)


@cache
def _variances_of_digits():
    digits = load_mnist("train").x
    return linear_gaussian.principal_axes(digits.reshape(len(digits), -1))[0]


def beta_for_ten_nats(nats: float = NATS) -> float:
    """A number: at which beta a linear beta-VAE of the digits stores ten nats."""

    def excess(log_beta):
        beta = np.exp(log_beta)
        return (
            linear_gaussian.rate_distortion(_variances_of_digits(), SIGMA, beta).rate
            - nats
        )

    return np.exp(brentq(excess, -5, 10))


check_beta_for_ten_nats = Exercise(
    beta_for_ten_nats,
    "The rate falls as beta rises: halve an interval of beta again and again.",
    rtol=0.01,
    refuse={"With such a beta the KL would be rewarded.": lambda beta: beta <= 0},
    slips={"That is for ten bits.": lambda: beta_for_ten_nats(NATS * np.log(2))},
    changes={
        "The variance of the noise is sigma squared.": lambda beta: beta * SIGMA,
    },
)
