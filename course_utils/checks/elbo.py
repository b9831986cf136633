"""Checks of the exercises on lesson 1: evidence, bound and gap."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import logsumexp, softmax, xlogy

from course_utils.checks.asking import asking
from course_utils.exact import divergences, linear_gaussian

Array = npt.NDArray[np.float64]
LogJoint = Callable[[Array], Array]
DRAWS = 4_000
SPREADS = 6  # a right Monte Carlo answer is further off once in 500 million


def check_discrete_elbo(discrete_elbo: Any, seed: int | None = None) -> None:
    """The ELBO of a latent variable with few values, against the sum.

    Args:
        discrete_elbo: of log p(x, z), (rows, values), and q(z), (values,), to (rows,).
        seed: of the inputs.
    """
    hint = "Three logarithms stand under one mean; a z with q = 0 adds nothing to it."
    with asking(discrete_elbo, "discrete_elbo", hint, seed) as ask:
        for rows, values, zero in ((1, 3, False), (4, 3, False), (3, 5, True)):
            log_joint = ask.rng.normal(-2, 1, (rows, values))
            q = softmax(ask.rng.normal(size=values))
            if zero:
                q = np.r_[0.0, q[1:] / q[1:].sum()]
            tried = f"{rows} rows, {values} values" + ", q = 0 for one" * zero
            mean, entropy = log_joint @ q, -xlogy(q, q).sum()
            ask.close(
                f"the ELBO ({tried})",
                ask.call(tried, log_joint, q),
                mean + entropy,
                slips={
                    "log q is subtracted under the mean: which sign has the entropy?": (
                        mean - entropy
                    ),
                    "The entropy of q is missing.": mean,
                    "Weight each value of z by q: a sum, not a plain mean.": (
                        (mean + entropy) / values
                    ),
                    "That is log p(x). Where did q go?": logsumexp(log_joint, axis=1),
                    "Sum over the values of z alone: one number for each row.": (
                        (mean + entropy).sum()
                    ),
                },
            )


def check_kl_normals(kl_normals: Any, seed: int | None = None) -> None:
    """KL of two diagonal normals, against `exact.gaussian_kl`.

    Args:
        kl_normals: of mu0, logvar0, mu1, logvar1, each (rows, k), to (rows,).
        seed: of the inputs.
    """
    hint = (
        "Take the formula for one dimension first. Which mean is it, under which law?"
    )

    def kl(mu0, var0, mu1, var1):
        return np.array(
            [
                divergences.gaussian_kl(m0, np.diag(v0), m1, np.diag(v1))
                for m0, v0, m1, v1 in zip(mu0, var0, mu1, var1, strict=True)
            ]
        )

    with asking(kl_normals, "kl_normals", hint, seed) as ask:
        for rows, k in ((1, 1), (5, 3), (2, 7)):
            mu0, logvar0, mu1, logvar1 = ask.rng.normal(size=(4, rows, k))
            var0, var1 = np.exp(logvar0), np.exp(logvar1)
            tried = f"{rows} rows, {k} dimensions"
            right = kl(mu0, var0, mu1, var1)
            ask.close(
                f"the KL ({tried})",
                ask.call(tried, mu0, logvar0, mu1, logvar1),
                right,
                slips={
                    "The first argument is the one that is averaged over.": (
                        kl(mu1, var1, mu0, var0)
                    ),
                    "A factor is missing in front.": 2 * right,
                    "logvar is the logarithm of a variance, not of a sigma.": (
                        kl(mu0, var0**2, mu1, var1**2)
                    ),
                    "A mean over dimensions; the KLs of independent ones add.": right
                    / k,
                    "What is the KL of two equal normals? Try yours on them.": (
                        right + k / 2
                    ),
                    "One number for each row: leave the rows apart.": right.sum(),
                },
            )


def check_monte_carlo_elbo(monte_carlo_elbo: Any, seed: int | None = None) -> None:
    """An estimate of the ELBO and its standard error, against the exact ELBO.

    Args:
        monte_carlo_elbo: of log_joint, a callable from z (n, k) to (n,), the mean (k,)
            and standard deviation (k,) of q, n, and a NumPy generator, to two numbers.
        seed: of the inputs.
    """
    hint = (
        "Draw z from q, average log p(x, z) - log q(z), and ask how sure the mean is."
    )
    with asking(monte_carlo_elbo, "monte_carlo_elbo", hint, seed) as ask:
        for k in (1, 3):
            model = linear_gaussian.LinearGaussian(
                ask.rng.normal(size=(4, k)), ask.rng.normal(size=4), sigma=0.8
            )
            x, _ = model.sample(1, seed=int(ask.rng.integers(1 << 30)))
            mean = model.posterior(x)[0][0] + ask.rng.normal(0, 0.3, k)
            std = np.exp(ask.rng.normal(-2, 0.1, k))

            def log_joint(z, model=model, x=x):
                return model.log_joint(np.repeat(x, len(z), 0), z)

            own, log_q = _terms(log_joint, mean, std)
            error = (own - log_q).std() / np.sqrt(DRAWS)
            tried = f"{DRAWS:,} draws in {k} dimensions"
            answer = ask.call(tried, log_joint, mean, std, DRAWS, ask.rng)
            estimate, its_error = ask.parts("The estimate and its error", answer, 2)
            ask.close(
                f"the ELBO ({tried})",
                estimate,
                model.elbo(x, mean[None], np.diag(std**2))[0],
                SPREADS * error,
                slips={
                    "The entropy of q is missing.": own.mean(),
                    "log q is subtracted under the mean.": (own + log_q).mean(),
                    "std is a standard deviation already, no variance.": (
                        np.subtract(*_terms(log_joint, mean, np.sqrt(std))).mean()
                    ),
                },
            )
            ask.close(
                f"the standard error ({tried})",
                its_error,
                error,
                rtol=0.2,  # heavy tails; a forgotten root is a factor of 63
                slips={
                    "That is the spread of one draw, not of their mean.": (
                        error * np.sqrt(DRAWS)
                    ),
                    "An error has the unit of the estimate: take a root.": error**2,
                },
            )
        ask.draws_from_generator(
            f"100 draws in {k} dimensions", log_joint, mean, std, 100
        )


def _terms(log_joint: LogJoint, mean: Array, std: Array) -> tuple[Array, Array]:
    """Log p(x, z), and log q(z), for 50,000 draws of the check's own from q."""
    noise = np.random.default_rng(0).standard_normal((50_000, len(mean)))
    log_q = -0.5 * (noise**2 + np.log(2 * np.pi)).sum(1) - np.log(std).sum()
    return log_joint(mean + std * noise), log_q


def check_tight_q(tight_q: Any, seed: int | None = None) -> None:
    """The q without a gap for a linear model, against the exact posterior.

    Args:
        tight_q: of x (rows, d), W (d, k), b (d,), sigma, to a mean (rows, k) and a
            covariance (k, k).
        seed: of the inputs.
    """
    hint = "The gap is a KL. Which q makes it zero? Lesson 1 has it in a box."
    with asking(tight_q, "tight_q", hint, seed) as ask:
        for rows, d, k in ((1, 3, 2), (4, 6, 3)):
            W, b = ask.rng.normal(size=(d, k)), ask.rng.normal(size=d)
            sigma = ask.rng.uniform(0.4, 0.8)
            model = linear_gaussian.LinearGaussian(W, b, sigma)
            x, _ = model.sample(rows, seed=int(ask.rng.integers(1 << 30)))
            tried = f"{rows} rows, d = {d}, k = {k}, sigma = {sigma:.3g}"
            answer = ask.call(tried, x, W, b, sigma)
            mean, cov = ask.parts("Mean and covariance", answer, 2)
            exact_mean, exact_cov = model.posterior(x)
            wider = linear_gaussian.LinearGaussian(W, b, np.sqrt(sigma))
            ask.close(
                f"the covariance ({tried})",
                cov,
                exact_cov,
                slips={
                    "That is a precision. What is its relation to a covariance?": (
                        model.posterior_precision
                    ),
                    "The variance of the noise is sigma squared.": wider.posterior(x)[
                        1
                    ],
                    "The prior has its share: narrow likelihoods are not all.": (
                        np.linalg.inv(W.T @ W / sigma**2)
                    ),
                    "A q with independent latents cannot close the gap.": (
                        model.best_diagonal_posterior(x)[1]
                    ),
                },
            )
            ask.close(
                f"the mean ({tried})",
                mean,
                exact_mean,
                slips={
                    "What is the posterior's mean if x = b? Yours is not zero there.": (
                        replace(model, b=0 * b).posterior(x)[0]
                    ),
                    "A factor depending on sigma is missing.": exact_mean * sigma**2,
                },
            )


def check_best_diagonals(best_diagonals: Any, seed: int | None = None) -> None:
    """The best diagonal variances of both KLs, and the ELBO's gap, against `exact`.

    Args:
        best_diagonals: of M (k, k), the posterior's precision, to the variances (k,)
            that minimize KL(q || p), those that minimize KL(p || q), and the first KL.
        seed: of the inputs.
    """
    hint = "Write both KLs for k = 2 with q's variances as unknowns, and differentiate."
    with asking(best_diagonals, "best_diagonals", hint, seed) as ask:
        for k in (2, 4):
            W = ask.rng.normal(size=(k + 1, k))
            model = linear_gaussian.LinearGaussian(W, np.zeros(k + 1), sigma=0.7)
            M, zeros = model.posterior_precision, np.zeros((1, k + 1))
            q_first = np.diag(model.best_diagonal_posterior(zeros)[1])
            p_first, gap = np.diag(np.linalg.inv(M)), model.diagonal_gap()
            tried = f"k = {k}"
            swapped = "Look at the order of the arguments: which KL does the ELBO have?"
            answer = ask.call(tried, M)
            one, two, its_gap = ask.parts("Two sets of variances and a gap", answer, 3)
            slips = {
                swapped: p_first,
                "Those are precisions.": np.diag(M),
                "Those are standard deviations.": np.sqrt(q_first),
            }
            ask.close(f"the best for KL(q || p) ({tried})", one, q_first, slips=slips)
            slips = {swapped: q_first, "Those are precisions.": 1 / p_first}
            ask.close(f"the best for KL(p || q) ({tried})", two, p_first, slips=slips)
            other = 0.5 * (np.log(p_first).sum() + np.linalg.slogdet(M)[1])
            ask.close(
                f"the gap ({tried})",
                its_gap,
                gap,
                slips={
                    "A factor is missing in front.": 2 * gap,
                    "A KL is never negative.": -gap,
                    "That is the KL of the other order.": other,
                },
            )


def check_power_of_sigma(power: Any, seed: int | None = None) -> None:
    """The power of sigma that the gap follows when q is the prior.

    Args:
        power: a number, the slope of log gap against log sigma for small sigma.
        seed: of the model that is asked.
    """
    hint = "The gap is KL(prior || posterior). How does the posterior's width scale?"
    with asking(power, "power_of_sigma", hint, seed) as ask:
        W, x = ask.rng.normal(size=(3, 2)), ask.rng.normal(size=(1, 3))
        sigmas = np.array([1e-4, 1e-5])
        gaps = []
        for sigma in sigmas:
            mean, cov = linear_gaussian.LinearGaussian(W, np.zeros(3), sigma).posterior(
                x
            )
            gaps.append(divergences.gaussian_kl(np.zeros(2), np.eye(2), mean[0], cov))
        slope = np.diff(np.log(gaps))[0] / np.diff(np.log(sigmas))[0]
        value = ask.value()
        if np.sign(value) != np.sign(slope):
            ask.fail(f"with {value:g}, a better detector would have a smaller gap.")
        if abs(value - slope) > 0.1:
            ask.fail(
                f"{value:g} does not fit.", "Go to smaller sigma: is it straight there?"
            )
