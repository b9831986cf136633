"""Checks of the exercises on lesson 3: the parts of a VAE in PyTorch."""

from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from course_utils.exact import divergences
from course_utils.checks.asking import Ask, asking
from course_utils.checks.gradients import hold_slopes, hold_tensor, leaf, slopes

Array = NDArray[np.floating]

PIXELS, LATENTS = 6, 2  # of the model that an ELBO is asked of


def check_reparameterize(reparameterize: Any, seed: int | None = None) -> None:
    """A sample of q and its two gradients, against the chain rule.

    Args:
        reparameterize: of tensors mu and logvar, (rows, k), and epsilon of the same
            shape, or with more axes in front, to z of epsilon's shape.
        seed: of the inputs.
    """
    hint = "Noise first; then scale it, then shift it. Which width belongs to logvar?"
    with asking(reparameterize, "reparameterize", hint, seed) as ask:
        for shape in ((1, 1), (5, 3), (4, 2, 3)):
            mu, logvar = ask.rng.normal(size=(2, *shape[-2:]))
            epsilon = ask.rng.normal(size=shape)
            inputs = {"mu": leaf(mu), "logvar": leaf(logvar)}
            noise = leaf(epsilon).detach()
            tried = f"noise of shape {shape}"
            spread = np.exp(0.5 * logvar) * epsilon
            z = hold_tensor(
                ask,
                f"z ({tried})",
                ask.call(tried, *inputs.values(), noise),
                mu + spread,
                {
                    "exp(logvar) is a variance.": mu + np.exp(logvar) * epsilon,
                    "logvar is a logarithm; undo it first.": mu + logvar * epsilon,
                    "logvar / 2 is the logarithm of sigma, not sigma.": (
                        mu + 0.5 * logvar * epsilon
                    ),
                    "Where did epsilon go?": mu + 0 * epsilon,
                    "Should a larger logvar make q narrower?": (
                        mu + np.exp(-0.5 * logvar) * epsilon
                    ),
                },
            )
            right = {
                "mu": np.ones(shape).reshape(-1, *mu.shape).sum(0),
                "logvar": (0.5 * spread).reshape(-1, *mu.shape).sum(0),
            }
            hold_slopes(ask, "z", z, inputs, right)


def check_kl(kl: Any, seed: int | None = None) -> None:
    """The KL to the prior, one value an image, against `exact`.

    Args:
        kl: of tensors mu and logvar, (rows, k), to (rows,).
        seed: of the inputs.
    """
    hint = "In one dimension it is zero for mu = 0, logvar = 0. Is yours?"
    with asking(kl, "kl", hint, seed) as ask:
        for rows, k in ((5, 3), (1, 2), (2, 8)):
            mu, logvar = ask.rng.normal(size=(2, rows, k))
            inputs = {"mu": leaf(mu), "logvar": leaf(logvar)}
            tried = f"{rows} rows, k = {k}"
            right = divergences.kl_to_standard_normal(mu, logvar)
            swapped = 0.5 * (np.exp(-logvar) * (1 + mu**2) - 1 + logvar)
            value = hold_tensor(
                ask,
                f"the KL ({tried})",
                ask.call(tried, *inputs.values()),
                right,
                {
                    "A factor is missing in front.": 2 * right,
                    "A KL is never negative.": -right,
                    "logvar is the logarithm of a variance, not of a sigma.": (
                        divergences.kl_to_standard_normal(mu, 2 * logvar)
                    ),
                    "The variance is wanted there, not its root.": (
                        right + 0.5 * (np.exp(0.5 * logvar) - np.exp(logvar)).sum(1)
                    ),
                    "KLs of independent dimensions add: no mean over k.": right / k,
                    "What is the KL of the prior to itself? Try yours.": right + k / 2,
                    "That is KL(p || q): q comes first here.": swapped.sum(1),
                    "One value a row: leave the rows apart.": right.sum(),
                    "One value a row; a batch is averaged later.": right.mean(),
                },
            )
            hold_slopes(
                ask, "the KL", value, inputs, {"mu": mu, "logvar": np.expm1(logvar) / 2}
            )


def check_bernoulli(log_likelihood: Any, seed: int | None = None) -> None:
    """The log-probability of binary images, given logits of any size.

    Args:
        log_likelihood: of tensors x_logits and x, (rows, 1, height, width), x of zeros
            and ones, to (rows,).
        seed: of the inputs.
    """
    hint = "Both log(sigmoid(l)) and log(1 - sigmoid(l)) overflow. softplus does not."
    with asking(log_likelihood, "log_likelihood", hint, seed) as ask:
        for shape in ((4, 1, 3, 2), (1, 1, 2, 3)):
            logits = ask.rng.normal(0, 2, shape)
            x = (ask.rng.random(shape) < 0.4).astype(float)
            _hold_bernoulli(ask, f"images of shape {shape}", logits, x, False)
        logits = np.array([1000.0, 1000.0, -1000.0, -1000.0]).reshape(4, 1, 1, 1)
        x = np.array([1.0, 0.0, 1.0, 0.0]).reshape(4, 1, 1, 1)
        _hold_bernoulli(
            ask, "four images of one pixel, logits of +-1000", logits, x, True
        )


def _hold_bernoulli(
    ask: Ask, tried: str, logits: Array, x: Array, extreme: bool
) -> None:
    x_logits = leaf(logits)
    came = ask.call(tried, x_logits, leaf(x).detach())
    what = f"the log-likelihood ({tried})"
    in_rows = (len(x), -1)
    ink, pixels = x.reshape(in_rows), (x * logits - np.logaddexp(0, logits))
    pixels, doubled = pixels.reshape(in_rows), expit(logits).reshape(in_rows)
    right = pixels.sum(1)
    slips = {
        "A log-likelihood is a sum over pixels, not a mean.": pixels.mean(1),
        "One value an image: sum over its pixels alone.": right.sum(),
        "One value an image; a batch is averaged later.": right.mean(),
        "That is the loss. Mind the sign.": -right,
        "That is a loss, averaged over pixels and images.": -pixels.mean(),
        "That is a loss, summed over all images.": -right.sum(),
        "Ink and paper are swapped.": (
            right + ((1 - 2 * ink) * logits.reshape(in_rows)).sum(1)
        ),
        "x_logits are logits already: one sigmoid too many.": (
            (ink * doubled - np.logaddexp(0, doubled)).sum(1)
        ),
        "Paper has a probability too: where x = 0, something is missing.": (
            (ink * pixels).sum(1)
        ),
    }
    if extreme:
        capped = np.maximum(right, ask.array(what, came).min(initial=0))
        slips["A guard inside a logarithm caps the price of a wrong pixel."] = capped
    value = hold_tensor(ask, what, came, right, slips)
    inputs, slope = {"x_logits": x_logits}, {"x_logits": x - expit(logits)}
    hold_slopes(ask, "the log-likelihood", value, inputs, slope)


def _small_vae(rng: np.random.Generator) -> SimpleNamespace:
    """A linear encoder and decoder, and the weights of both by name."""
    to_mu, to_logvar = (leaf(rng.normal(0, 0.4, (PIXELS, LATENTS))) for _ in range(2))
    rows, offset = (
        leaf(rng.normal(size=(LATENTS, PIXELS))),
        leaf(rng.normal(size=PIXELS)),
    )
    return SimpleNamespace(
        encoder=lambda x: (x.flatten(1) @ to_mu, x.flatten(1) @ to_logvar),
        decoder=lambda z: (z @ rows + offset).unflatten(-1, (1, 2, PIXELS // 2)),
        weights={
            "the weights of mu": to_mu,
            "the weights of logvar": to_logvar,
            "the weights of the decoder": rows,
            "the offset of the decoder": offset,
        },
    )


def check_elbo(elbo: Any, seed: int | None = None) -> None:
    """The ELBO of one sample and its two terms, with their gradients.

    Args:
        elbo: of a model, x (rows, 1, height, width) and epsilon (rows, k) to the ELBO,
            the reconstruction and the KL, each (rows,). The model has an encoder, from
            x to mu and logvar, and a decoder, from z to logits of x's shape.
        seed: of the inputs.
    """
    hint = "Encode, sample, decode; then two terms, each one value an image."
    with asking(elbo, "elbo", hint, seed) as ask:
        for rows in (3, 1):
            model = _small_vae(ask.rng)
            x = leaf(ask.rng.random((rows, 1, 2, PIXELS // 2)) < 0.5).detach()
            epsilon = leaf(ask.rng.normal(size=(rows, LATENTS))).detach()
            tried = f"{rows} rows, {PIXELS} pixels, k = {LATENTS}"
            answer = ask.call(tried, model, x.clone(), epsilon.clone())
            parts = ask.parts("The ELBO and its two terms", answer, 3)
            terms = _terms(model, x, epsilon)
            _hold_terms(ask, tried, parts, terms, _wrong_draws(model, x, epsilon))
            _hold_elbo_slopes(ask, parts[0], model.weights, *terms)


def _terms(model: SimpleNamespace, x: Any, epsilon: Any, power: float = 0.5) -> Any:
    """Reconstruction and KL by PyTorch's own functions, with their graph."""
    import torch
    from torch.distributions import Normal, kl_divergence
    from torch.nn.functional import binary_cross_entropy_with_logits as cross_entropy

    mu, logvar = model.encoder(x)
    logits = model.decoder(mu + torch.exp(power * logvar) * epsilon)
    reconstruction = -cross_entropy(logits, x, reduction="none").flatten(1).sum(1)
    q = Normal(mu, torch.exp(0.5 * logvar))
    return reconstruction, kl_divergence(q, Normal(0.0, 1.0)).sum(1)


def _wrong_draws(model: SimpleNamespace, x: Any, epsilon: Any) -> dict[str, Array]:
    """The reconstruction of points that were drawn in a wrong way."""
    still, _ = _terms(model, x, 0 * epsilon)
    wide, _ = _terms(model, x, epsilon, power=1.0)
    return {
        "Decode a sample, not the mean: epsilon is not used.": still.detach().numpy(),
        "exp(logvar) is a variance.": wide.detach().numpy(),
    }


def _hold_terms(
    ask: Ask, tried: str, parts: tuple, terms: tuple, wrong_draws: dict[str, Array]
) -> None:
    """Hold the values of the two terms, then of the ELBO, against the right ones."""
    first, second = (term.detach().numpy() for term in terms)
    order = "The order is: ELBO, reconstruction, KL."
    one_value = "One value an image; a batch is averaged later."
    slips = wrong_draws | {
        order: first - second,
        "First the ELBO, then the reconstruction, then the KL.": second,
        f"Pixels averaged, latents summed: that is a beta of {PIXELS}.": first / PIXELS,
        one_value: first.mean(),
        "That is a loss; a log-likelihood has the other sign.": -first,
    }
    hold_tensor(ask, f"the reconstruction ({tried})", parts[1], first, slips)
    slips = {
        order: first,
        f"KLs add: a mean over latents is a beta of 1/{LATENTS}.": second / LATENTS,
        one_value: second.mean(),
        "A KL is never negative.": -second,
        "A factor is missing in front.": 2 * second,
    }
    hold_tensor(ask, f"the KL ({tried})", parts[2], second, slips)
    slips = {
        "The KL is a price: it is subtracted.": first + second,
        "That is the loss; the ELBO has the other sign.": second - first,
        one_value: (first - second).mean(),
        order: first,
    }
    hold_tensor(ask, f"the ELBO ({tried})", parts[0], first - second, slips)


def _hold_elbo_slopes(
    ask: Ask, elbo: Any, weights: dict[str, Any], reconstruction: Any, kl: Any
) -> None:
    """Hold the gradients in both networks against those of the two terms."""
    cut = "A detach, an item() or no_grad on the way cuts the graph."
    found, gains, prices = (
        slopes(ask, what, value, list(weights.values()), cut)
        for what, value in (("the ELBO", elbo), ("a term", reconstruction), ("KL", kl))
    )
    for name, gradient, gain, price in zip(weights, found, gains, prices, strict=True):
        slips = {
            "Only the KL's gradient arrives: z has lost its path.": -price,
            "The KL's gradient does not arrive.": gain,
            cut: 0 * gain,
        }
        what = f"the gradient of the ELBO in {name}"
        ask.close(what, gradient, gain - price, slips=slips)
