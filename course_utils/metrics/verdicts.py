"""What held-out figures say of a VAE, in words.

A difference counts if it is larger than two of its standard errors. These come from the
held-out rows alone: another training of the same model would give other figures, by an
amount that one training cannot tell.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from course_utils.metrics.bounds import Estimate

COUNTS = 2  # standard errors
UNUSED = 0.01  # nats that a latent number carries at most, if it carries nothing
TAIL = 0.1  # of a series: what is looked at to see whether it still rises


@dataclass(frozen=True, eq=False)
class Findings:
    """What was measured of one VAE.

    Attributes:
        bound: the importance-weighted bound of each held-out row, (m,), in nats.
        yardsticks: the log-density of the same rows by the name of each yardstick,
            (m,), in the same unit.
        kls: the mean KL of each latent number over the held-out rows, in nats.
        elbo: the ELBO of the held-out rows, its mean, in the same unit.
        train_elbo: that of the rows of training.
        watched: the ELBO of the watched rows after each epoch.
        best_epoch: after which the model was taken, from 1.
    """

    bound: npt.NDArray
    yardsticks: Mapping[str, npt.NDArray]
    kls: npt.NDArray
    elbo: Estimate
    train_elbo: Estimate
    watched: Sequence[float]
    best_epoch: int

    @property
    def best_yardstick(self) -> str:
        """The yardstick with the largest mean on the held-out rows."""
        return max(self.yardsticks, key=lambda name: self.yardsticks[name].mean())

    @property
    def lead(self) -> Estimate:
        """By how much the VAE's bound is above the best yardstick, a row."""
        return Estimate.of(self.bound - self.yardsticks[self.best_yardstick])


def verdicts(found: Findings) -> list[str]:
    """One sentence or more on each of four questions, in this order.

    Is it better than the yardsticks, does it use its latent numbers, does it know its
    own rows better than new ones, and are there rows enough to tell?
    """
    return [_better(found), _collapsed(found), _overfits(found), _enough(found)]


def _counts(difference: Estimate) -> bool:
    return abs(difference.mean) > COUNTS * difference.standard_error


def _better(found: Findings) -> str:
    lead, name = found.lead, found.best_yardstick
    by = f"{abs(lead.mean):.2f} +- {lead.standard_error:.2f} nats a row"
    if not _counts(lead):
        return (
            f"UNDECIDED: the VAE's bound and the best yardstick ({name}) differ by "
            f"{by}, less than two standard errors."
        )
    if lead.mean > 0:
        words = f"BETTER: the VAE's bound is {by} above the best yardstick ({name})."
    else:
        words = (
            f"NOT BETTER: the VAE's bound is {by} below the best yardstick ({name}). "
            "Use that one, or see below what ails the VAE."
        )
    return words + _few_rows_decide(found)


def _few_rows_decide(found: Findings) -> str:
    """A warning if the mean difference and the median one have different signs."""
    lead = found.bound - found.yardsticks[found.best_yardstick]
    median = float(np.median(lead))
    if median * lead.mean() >= 0:
        return ""
    return (
        f" But the median row says the opposite ({median:+.2f}): a few rows decide, so "
        "look at the outliers."
    )


def _collapsed(found: Findings) -> str:
    used = int((found.kls > UNUSED).sum())
    number = len(found.kls)
    if used == 0:
        return (
            "COLLAPSED: no latent number carries anything, so all rows are drawn from "
            "one distribution. Nothing is left to find, or training stuck: try a beta "
            "below 1 for the first epochs, or a smaller rate."
        )
    total = f"{found.kls.sum():.1f} nats a row pass through z"
    if used == number:
        return f"NOT COLLAPSED: all {number} latent numbers are used; {total}."
    return (
        f"NOT COLLAPSED: {used} of {number} latent numbers are used, the others are at "
        f"rest; {total}."
    )


def _overfits(found: Findings) -> str:
    gap = found.train_elbo.mean - found.elbo.mean
    error = float(np.hypot(found.train_elbo.standard_error, found.elbo.standard_error))
    by = f"{gap:.2f} +- {error:.2f} nats a row"
    epochs = len(found.watched)
    stop = f"stopped after epoch {found.best_epoch} of {epochs}"
    if gap > COUNTS * error:
        words = f"OVERFITTING: its own rows get {by} more than held-out rows"
        if found.best_epoch < epochs:
            words += f", although it was {stop}, where the watched rows were best"
        return f"{words}. Try fewer units, fewer latent numbers, or more rows."
    words = f"NO OVERFITTING to be seen: its own rows get {by} more than held-out rows"
    if found.best_epoch > (1 - TAIL) * epochs:
        return f"{words}. The watched rows were still gaining: more steps may help."
    return f"{words}. It was {stop}, where the watched rows were best."


def _enough(found: Findings) -> str:
    rows, lead = len(found.bound), found.lead
    if _counts(lead):
        return (
            f"ENOUGH ROWS to tell: {rows} held-out rows give the difference to "
            f"{lead.standard_error / abs(lead.mean):.0%}."
        )
    needed = rows * (COUNTS * lead.standard_error / max(abs(lead.mean), 1e-12)) ** 2
    if needed > 1e6:
        return f"TOO FEW ROWS to tell: the {rows} held-out rows see no difference."
    return (
        f"TOO FEW ROWS to tell: {rows} are held out; a difference of this size would "
        f"show with about {needed:,.0f}, that is {needed / 0.15:,.0f} in all."
    )
