"""What held-out figures say of a VAE, in words.

A difference counts if zero lies outside its 95 % interval by Student's t, which is two
standard errors wide on each side, and wider for few rows. The errors come from the
held-out rows alone: another training of the same model would give other figures, by an
amount that one training cannot tell.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import t as student

from course_utils.metrics.bounds import Estimate

UNUSED = 0.01  # nats that a latent number carries at most, if it carries nothing
TAIL = 0.1  # of the epochs: over so many the noise of single ones is averaged
SMALL = 0.1  # nats a row: a density larger by a tenth
HOPELESS = 20  # times as many rows: nobody measures so many for an answer
FEW = 30  # held-out rows, below which their error is itself badly known


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

    @property
    def median_lead(self) -> float:
        """The same for the median row: outliers do not move it."""
        lead = self.bound - self.yardsticks[self.best_yardstick]
        return float(np.median(lead))

    @property
    def reach(self) -> float:
        """How far the 95 % interval of the lead reaches to each side, in nats."""
        quantile = float(student.ppf(0.975, len(self.bound) - 1))
        return quantile * self.lead.standard_error

    @property
    def counts(self) -> bool:
        """Whether the lead, of either sign, is more than chance."""
        return abs(self.lead.mean) > self.reach


def verdicts(found: Findings) -> list[str]:
    """One sentence or more on each of four questions, in this order.

    Is it better than the yardsticks, does it use its latent numbers, does it know its
    own rows better than new ones, and are there rows enough to tell?
    """
    return [_better(found), _collapsed(found), _overfits(found), _enough(found)]


def _better(found: Findings) -> str:
    lead, name = found.lead, found.best_yardstick
    by = f"{abs(lead.mean):.2f} +- {lead.standard_error:.2f} nats a row"
    if not found.counts:
        if found.reach < SMALL:
            return (
                f"EQUAL: the VAE and the best yardstick ({name}) differ by {by}. Take "
                "the simpler one."
            )
        return (
            f"UNDECIDED: the VAE's bound and the best yardstick ({name}) differ by "
            f"{by}, which may be chance; in the median row the VAE leads by "
            f"{found.median_lead:.2f}."
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
    if found.median_lead * found.lead.mean >= 0:
        return ""
    return (
        f" But in the median row it leads by {found.median_lead:.2f}: a few rows "
        "decide, so look at the outliers."
    )


def _collapsed(found: Findings) -> str:
    used = int((found.kls > UNUSED).sum())
    number = len(found.kls)
    if used == 0:
        return (
            "COLLAPSED: no latent number carries anything, so all rows are drawn from "
            "one distribution. The columns may have nothing in common, or training was "
            "too short or stuck: try more steps and another seed."
        )
    total = f"{found.kls.sum():.1f} nats a row pass through z"
    if used == number:
        return (
            f"NOT COLLAPSED: all {number} latent numbers are used, so more of them may "
            f"help; {total}."
        )
    return (
        f"NOT COLLAPSED: {used} of {number} latent numbers are used, the others are at "
        f"rest; {total}."
    )


def _overfits(found: Findings) -> str:
    gap = found.train_elbo.mean - found.elbo.mean
    error = float(np.hypot(found.train_elbo.standard_error, found.elbo.standard_error))
    by = f"its own rows are {gap:.2f} +- {error:.2f} nats a row above held-out rows"
    best, epochs = found.best_epoch, len(found.watched)
    lost = _lost(np.asarray(found.watched, float))
    if gap > 2 * error and lost > SMALL:
        return (
            f"OVERFITTING: the watched rows were best after epoch {best} of {epochs} "
            f"and then lost {lost:.2f} nats. It was stopped there, and still {by}. Try "
            "fewer units, or more rows."
        )
    if gap > 2 * error:
        return (
            f"SOME OVERFITTING: {by}. But the watched rows did not lose by it (best "
            f"after epoch {best} of {epochs}), so it does no harm yet; more rows would "
            "help."
        )
    if best > (1 - TAIL) * epochs:
        return (
            f"NO OVERFITTING to be seen: {by}. Watched rows were gaining up to epoch "
            f"{best} of {epochs}: more steps may help."
        )
    return (
        f"NO OVERFITTING to be seen: {by}. It was stopped after epoch {best} of "
        f"{epochs}, where the watched rows were best."
    )


def _lost(watched: npt.NDArray) -> float:
    """How far the last tenth of a series lies below the best tenth, in its mean."""
    window = max(1, round(TAIL * len(watched)))
    means = np.convolve(watched, np.full(window, 1 / window), "valid")
    return float(means.max() - means[-1])


def _enough(found: Findings) -> str:
    rows = len(found.bound)
    if rows < FEW:
        return (
            f"TOO FEW ROWS: {rows} are held out, and errors from so few are badly "
            "known. Do not quote these figures before there are more."
        )
    if found.counts:
        return f"ENOUGH ROWS: {rows} held-out rows tell the two apart."
    if found.reach < SMALL:
        return f"ENOUGH ROWS: {rows} held-out rows rule out more than {SMALL} nats."
    needed = rows * (found.reach / max(abs(found.lead.mean), 1e-9)) ** 2
    if needed > HOPELESS * rows:
        return f"TOO FEW ROWS to tell: {rows} held-out rows see no difference."
    return (
        f"TOO FEW ROWS to tell: {rows} are held out; a difference like this one would "
        f"count with about {needed:,.0f}."
    )
