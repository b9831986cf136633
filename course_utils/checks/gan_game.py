"""Checks of the exercises on lesson 5: the game, on paper."""

from typing import Any

import numpy as np
from scipy import stats
from scipy.special import expit, log_expit

from course_utils.checks.asking import Ask, asking
from course_utils.exact import games

FAR = 60.0  # in standard deviations: the normal density is 0 there in float64
NEAR = 0.01  # relative, for a number that is read off a picture
ROUNDING = 1e-9  # of a modulus that is 1 on paper
U_IS_ONE = "u is the sigmoid of psi theta. Where did it go?"
U_IS_HALF = "u is 1/2 at the equilibrium only."
MIRRORED = "Look at the sign inside the sigmoid. Here both players play for V."
TURNED = "One player climbs V and the other descends. Which one is which?"


def check_best_logit(best_logit: Any, seed: int | None = None) -> None:
    """The best discriminator's logit, against `exact.optimal_discriminator_logit`.

    Args:
        best_logit: of points x (n,) and two frozen distributions, the data's and the
            generator's, to (n,).
        seed: of the inputs.
    """
    hint = (
        "Far out a density is 0 in the computer, and its logarithm need not be asked."
    )
    with asking(best_logit, "best_logit", hint, seed) as ask:
        for n in (1, 6):
            p = stats.norm(ask.rng.normal(), ask.rng.uniform(0.5, 2))
            q = stats.logistic(ask.rng.normal(), ask.rng.uniform(0.5, 1))
            x = ask.rng.normal(0, 2, n)
            tried = f"x of shape ({n},), a normal p, a logistic q"
            right = games.optimal_discriminator_logit(x, p, q)
            ask.close(
                f"the logits ({tried})",
                ask.call(tried, x, p, q),
                right,
                slips={
                    "That is D, a probability. Its logit has no bounds.": expit(right),
                    "That is the other player's ratio: high has to mean real.": -right,
                    "Those are the odds. Logits are their logarithms.": np.exp(right),
                    "That is log D. A logit also looks at 1 - D.": log_expit(right),
                    "Densities are compared by their ratio.": p.pdf(x) - q.pdf(x),
                },
            )
        x, p, q = np.array([-FAR, FAR]), stats.norm(0, 1), stats.norm(2, 1)
        tried = f"x = {FAR:g} and -{FAR:g}, two normals of width 1"
        right = games.optimal_discriminator_logit(x, p, q)
        ask.close(f"the logits ({tried})", ask.call(tried, x, p, q), right)


def check_jsd_from_logits(jsd_from_logits: Any, seed: int | None = None) -> None:
    """The JSD and its standard error from the best logits of samples, against SciPy.

    Args:
        jsd_from_logits: of the best logits of real samples (n,) and of fakes (m,), to
            two numbers.
        seed: of the inputs.
    """
    hint = (
        "Solve the best V for the JSD. For its error: two means that are independent."
    )
    with asking(jsd_from_logits, "jsd_from_logits", hint, seed) as ask:
        for n, m, distance in ((400, 1600, 2.0), (900, 300, 1.0), (500, 500, FAR)):
            p, q = stats.norm(0, 1), stats.norm(distance, ask.rng.uniform(0.8, 1.2))
            samples = p.rvs(n, random_state=ask.rng), q.rvs(m, random_state=ask.rng)
            logits = [games.optimal_discriminator_logit(x, p, q) for x in samples]
            tried = f"n = {n}, m = {m}, normals {distance:g} apart"
            answer = ask.call(tried, *logits)
            estimate, error = ask.parts("The JSD and its error", answer, 2)
            _hold_jsd(ask, tried, estimate, error, *logits)


def _hold_jsd(ask: Ask, tried: str, estimate: Any, error: Any, real, fake) -> None:
    ours, theirs = log_expit(real), log_expit(-fake)
    value = ours.mean() + theirs.mean()
    right = value / 2 + np.log(2)
    scatter = np.sqrt(ours.var() / len(real) + theirs.var() / len(fake))
    ask.close(
        f"the JSD ({tried})",
        estimate,
        right,
        slips={
            "A factor is missing in front.": 2 * right,
            "That is the discriminator's loss, not yet the divergence.": -value,
            "What is the JSD of two equal densities? Add what makes it 0.": value / 2,
            "The two kinds have a mean each, whatever their numbers.": (
                np.r_[ours, theirs].mean() + np.log(2)
            ),
            "Lower losses mean larger divergences: look at the sign.": -right,
            "The loss lies below log 4, not above it: look at the sign.": -2 * right,
            "Real logits are asked for log D, fake ones for log(1 - D).": (
                (log_expit(fake).mean() + log_expit(-real).mean()) / 2 + np.log(2)
            ),
        },
    )
    ask.close(
        f"the standard error ({tried})",
        error,
        scatter / 2,
        rtol=0.01,  # dividing by n or by n - 1 is the same here
        slips={
            "The factor in front of the loss is there for its error, too.": scatter,
            "That is the spread of single draws, not of their means.": (
                np.sqrt(ours.var() + theirs.var()) / 2
            ),
            "An error has the unit of the estimate: take a root.": scatter**2 / 4,
            "Variances of independent means add, not their roots.": (
                (ours.std() / len(real) ** 0.5 + theirs.std() / len(fake) ** 0.5) / 2
            ),
        },
    )


def check_dirac_step(dirac_step: Any, seed: int | None = None) -> None:
    """One step of the Dirac-GAN with R1, against `exact.dirac_gan_step`.

    Args:
        dirac_step: of theta and psi, each (n,), the step h, the weight gamma, and
            whether the steps alternate, to the new theta and the new psi.
        seed: of the inputs.
    """
    hint = "Each player goes h times its slope: the generator down V, the other up."
    with asking(dirac_step, "dirac_step", hint, seed) as ask:
        for n, gamma, method in (
            (1, 0.0, "simultaneous"),
            (5, 0.0, "alternating"),
            (5, 0.7, "simultaneous"),
            (5, 0.7, "alternating"),
        ):
            alternating = method == "alternating"
            theta, psi = ask.rng.normal(0, 1.5, (2, n))
            h = ask.rng.uniform(0.2, 0.8)
            tried = f"n = {n}, h = {h:.3g}, gamma = {gamma:g}, {method}"
            answer = ask.call(tried, theta, psi, h, gamma, alternating)
            new_theta, new_psi = ask.parts("The new theta and psi", answer, 2)
            right = games.dirac_gan_step(method, theta, psi, h, gamma)
            slips = _psi_slips(theta, psi, h, gamma)
            ask.close(f"the new psi ({tried})", new_psi, right[1], slips=slips)
            slips = _theta_slips(method, theta, psi, h, gamma)
            ask.close(f"the new theta ({tried})", new_theta, right[0], slips=slips)


def _psi_slips(theta, psi, h, gamma):
    """What usual mistakes give for the new psi."""
    u, friction = expit(psi * theta), gamma * psi
    moved = games.dirac_gan_step("simultaneous", theta, psi, h)[0]
    return {
        U_IS_ONE: psi - h * (theta + friction),
        U_IS_HALF: psi - h * (theta / 2 + friction),
        MIRRORED: psi - h * (expit(-psi * theta) * theta + friction),
        TURNED: psi + h * (u * theta - friction),
        "gamma is not used, or to no effect.": psi - h * u * theta,
        "The slope of a square has a 2, which meets the penalty's 1/2.": (
            psi - h * (u * theta + friction / 2)
        ),
        "Friction slows psi down. Yours speeds it up.": psi
        - h * (u * theta - friction),
        "The discriminator goes first, against the old theta.": (
            psi - h * (expit(psi * moved) * moved + friction)
        ),
    }


def _theta_slips(method, theta, psi, h, gamma):
    """What usual mistakes give for the new theta, with the right new psi."""
    other = "simultaneous" if method == "alternating" else "alternating"
    right = games.dirac_gan_step(method, theta, psi, h, gamma)
    seen = right[1] if method == "alternating" else psi
    return {
        f"That is the generator of {other} steps. Which psi does it see?": (
            games.dirac_gan_step(other, theta, psi, h, gamma)[0]
        ),
        "It answers the new psi, but u was computed with the old one.": (
            theta + h * expit(psi * theta) * seen
        ),
        U_IS_ONE: theta + h * seen,
        U_IS_HALF: theta + h * seen / 2,
        MIRRORED: theta + h * expit(-seen * theta) * seen,
        TURNED: 2 * theta - right[0],
    }


def check_longest_step(step: Any, seed: int | None = None) -> None:
    """Where alternating steps with gamma = 1 stop arriving, against the eigenvalues.

    Args:
        step: a number, the largest step size with which they still do.
        seed: taken as all checks take it; nothing is drawn.
    """
    hint = "Draw the larger modulus against h, and look where it crosses 1."

    def modulus(h, method="alternating", gamma=1.0):
        return np.abs(games.dirac_gan_eigenvalues(method, h, gamma)).max()

    def is_limit(h, *game):
        below, above = (modulus(h * (1 + by), *game) for by in (-NEAR, NEAR))
        return below <= 1 + ROUNDING < above

    with asking(step, "longest_step", hint, seed) as ask:
        h = ask.value()
        if h <= 0:
            ask.fail(f"{h:g} is no size of a step.")
        slips = {
            ("simultaneous", 1.0): "That is where simultaneous steps end.",
            ("alternating", 0.0): "That is where the steps end without friction.",
            ("wasserstein_alternating", 1.0): "The Wasserstein game has u = 1.",
        }
        mistaken = [words for game, words in slips.items() if is_limit(h, *game)]
        if not is_limit(h):
            found = (
                "leaves already" if modulus(h) > 1 else "arrives, and so it does beyond"
            )
            ask.fail(f"with h = {h:g} the path {found}.", *mistaken[:1])
