"""The exercises on lesson 5: what both players want, a turn, and a game to train."""

from collections.abc import Callable
from functools import cache, partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import stats
from scipy.special import expit, log_expit
from torch import Tensor, nn
from torch.nn.functional import softplus
from torch.nn.utils import skip_init
from torch.optim import SGD, Optimizer

from course_utils.checks.examination import Ask, examination
from course_utils.checks.exercise import Exercise
from course_utils.checks.samples import refuse_crowd, room, samples_of
from course_utils.checks.seeds import refuse_alike, refuse_drift
from course_utils.checks.torch_tools import (
    Halved,
    gradients,
    leaf,
    set_weights,
    tensor,
)
from course_utils.exact import games

# In standard deviations: there a normal density is 0 in float64, and the ratio of two
# of them more than a float64 holds.
FAR = 400.0
# An error that 2,000 draws of a bootstrap give is off by 1.6 %; this is six times that.
BOOTSTRAP = 0.1
SURE = 300.0  # so many times too large are the logits of one that memorized
SHIFT, ERRORS = 0.1, 3.0  # how far off a simulation is, in widths; when that is seen
DECAYS, LATENTS = 2_000, 1_000  # in the file; drawn
SMEARING = 0.05  # of both columns
# How far the samples may be from the truth, a mean over three games. Over ten seeds R1
# with falling steps has 0.024 to 0.039, averaged weights besides 0.022 to 0.035; over
# twenty, columns alone 0.062 to 0.077, a parabola 0.058 to 0.078, a normal 0.089 to
# 0.110. When each game had a file of its own, over ten: falling steps alone 0.022 to
# 0.036 (another seed 0.068), averaged weights alone 0.020 to 0.030; a game that just
# goes on 0.049 to 0.111; R1 and steps of one size 0.045 to 0.21; 20 % too wide 0.065 to
# 0.081; 200 steps, over four, above 0.16. Floor 0.010 to 0.022. R1 passes seven times
# of ten if it has 600 steps.
FARTHEST = 0.05
# How far away the next sample is, over that among perfect ones: these twenty programs
# had 0.38 to 0.58; over three seeds two hundred rows of the file 0.02 to 0.03, and half
# an ellipse of no width 0.08 to 0.09.
LEAST_ROOM = 0.2
RATE, MOMENTUM = 0.1, 0.9  # of the discriminator's optimizer

TOTAL = "Take a mean over the samples of a kind, not their sum."
APART = "Real and fake have a mean each, whatever their numbers."
LABELS = "Real logits should be high and fake ones low, says the discriminator."
FACTOR = "Two means are added, without a factor."


def best_logit(x: NDArray, p: Any, q: Any, label: float) -> NDArray:
    """Points x (n,), frozen distributions p and q, the label of real ones -> (n,).

    The label, in (0, 1), takes the place of 1. Fakes keep 0.
    """
    ours, theirs = p.logpdf(x), q.logpdf(x)
    return np.log(label) + ours - np.logaddexp(np.log1p(-label) + ours, theirs)


def _points(rng, n):
    p = stats.norm(rng.normal(), rng.uniform(0.5, 2))
    q = stats.logistic(rng.normal(), rng.uniform(0.5, 1))
    label = rng.uniform(0.1, 0.95)
    words = f"x of shape ({n},), a normal p, a logistic q, the label {label:.3g}"
    return words, rng.normal(0, 2, n), p, q, label


def _far_points(rng, far):
    words = f"x = {far:g} and -{far:g}, two normals of width 1, the label 0.9"
    return words, np.array([-far, far]), stats.norm(0, 1), stats.norm(2, 1), 0.9


def _of_densities(x, p, q, label):
    ours, theirs = p.pdf(x), q.pdf(x)
    return np.log(label * ours) - np.log((1 - label) * ours + theirs)


def _of_ratio(x, p, q, label):
    return np.log(label) - np.log(1 - label + np.exp(q.logpdf(x) - p.logpdf(x)))


def _of_probability(x, p, q, label):
    best = label * expit(p.logpdf(x) - q.logpdf(x))
    return np.log(best) - np.log1p(-best)


def _both_smoothed(x, p, q, label):
    ours, theirs = p.logpdf(x), q.logpdf(x)
    high, low = np.log(label), np.log1p(-label)
    best = np.logaddexp(high + ours, low + theirs)
    return best - np.logaddexp(low + ours, high + theirs)


check_best_logit = Exercise(
    best_logit,
    "Write the pay at one x, with three terms, and ask for which D it is highest.",
    lambda rng, draw, size: draw(rng, size),
    cases=((_points, 1), (_points, 6), (_far_points, FAR)),
    gives="the logits",
    slips={
        "That is the answer for a label of 1.": lambda x, p, q, _: (
            p.logpdf(x) - q.logpdf(x)
        ),
        "A smoothed real point is paid for log(1 - D), too.": lambda x, p, q, label: (
            np.log(label) + p.logpdf(x) - q.logpdf(x)
        ),
        "Fakes keep their label 0.": _both_smoothed,
        "That is 1 less the label in the place of the label.": (
            lambda x, p, q, label: best_logit(x, p, q, 1 - label)
        ),
        "Far out a density is 0 in the computer. Stay with logarithms.": (
            _of_densities
        ),
        "Far out a ratio has no end, and D rounds to 0. Stay with logarithms.": (
            _of_ratio,
            _of_probability,
        ),
    },
    changes={
        "That is D, a probability. Its logit is asked for.": expit,
        "That is the other player's ratio: high has to mean real.": np.negative,
        "Those are the odds. Logits are their logarithms.": np.exp,
        "That is log D. A logit also looks at 1 - D.": log_expit,
    },
)


def _mean(values: Tensor, weights: Tensor) -> Tensor:
    return (weights * values).sum() / weights.sum()


def losses(
    real_logits: Tensor,
    fake_logits: Tensor,
    efficiency: Tensor,
    cost: Callable[[Tensor], Tensor] = softplus,
    mean: Callable[[Tensor, Tensor], Tensor] = _mean,
) -> tuple[Tensor, Tensor, Tensor]:
    """Real logits (n, 1), fake ones (m, 1), efficiencies (n, 1) -> three losses.

    A tensor with one number each: the discriminator's, and the generator's saturating
    and non-saturating one.
    """
    caught = mean(cost(fake_logits), torch.ones_like(fake_logits))
    believed = mean(cost(-fake_logits), torch.ones_like(fake_logits))
    return mean(cost(-real_logits), 1 / efficiency) + caught, -caught, believed


def _logits(rng, n, m, least):
    words = f"n = {n} real and m = {m} fake logits, efficiencies above {least:g}"
    both = leaf(rng.normal(0, 2, (n, 1))), leaf(rng.normal(0, 2, (m, 1)))
    return words, *both, tensor(least * rng.uniform(1, 10, (n, 1)))


def _sure_logits(rng, far):
    both = [[far], [-far]]
    words = f"logits of {far} and -{far}"
    return words, leaf(both), leaf(both), tensor(rng.uniform(0.1, 1, (2, 1)))


def _all_or_one(wrong):
    """All losses are as wrong as that, or only one."""

    def only(place):
        return lambda *inputs: tuple(
            (wrong if at == place else losses)(*inputs)[at] for at in range(3)
        )

    return wrong, only(0), only(1), only(2)


def _as_one_batch(real, fake, efficiency):
    costs = torch.cat([softplus(-real), softplus(fake)])
    weights = torch.cat([1 / efficiency, torch.ones_like(fake)])
    return _mean(costs, weights), *losses(real, fake, efficiency)[1:]


def _swapped(real, fake, efficiency):
    return losses(-real, -fake, efficiency)[0], *losses(real, fake, efficiency)[1:]


def _guarded(guard):
    return partial(losses, cost=lambda logit: -((-logit).sigmoid() + guard).log())


check_losses = Exercise(
    losses,
    "Take one real and one fake logit, both 0: what are the three losses? Try others.",
    lambda rng, *sizes: (_logits if len(sizes) > 1 else _sure_logits)(rng, *sizes),
    cases=((1, 2, 0.1), (5, 3, 0.1), (6, 4, 1e-4), 1000),
    gives=("the discriminator's loss", "the saturating loss", "the non-saturating one"),
    watch=gradients(),
    slips={
        "Some events are seen less often than others. Where does that come in?": (
            lambda real, fake, e: losses(real, fake, torch.ones_like(e))
        ),
        "An event that is seen rarely stands for many: weigh it more, not less.": (
            lambda real, fake, e: losses(real, fake, 1 / e)
        ),
        "Efficiencies go down to 0.0001, and your weights end before.": (
            lambda real, fake, e: losses(real, fake, e + 1e-6),
            lambda real, fake, e: losses(real, fake, e.clamp(min=0.1)),
            lambda real, fake, e: losses(real, fake, e.clamp(min=1e-3)),
        ),
        "The weights of a mean add up to 1: by what do you divide?": (
            lambda real, fake, e: (
                (softplus(-real) / e).mean() + softplus(fake).mean(),
                *losses(real, fake, e)[1:],
            )
        ),
        TOTAL: _all_or_one(partial(losses, mean=lambda costs, w: (costs * w).sum())),
        APART: _as_one_batch,
        LABELS: (_swapped, lambda real, fake, e: losses(-real, -fake, e)),
        "These are logits, not probabilities, and softplus takes logits.": (
            _all_or_one(lambda real, fake, e: losses(real.sigmoid(), fake.sigmoid(), e))
        ),
        "The logarithm of a sigmoid overflows, or is capped. softplus does not.": (
            *_all_or_one(_guarded(0.0)),
            *(_guarded(10.0**-p) for p in (6, 7, 8, 10, 12)),
            partial(losses, cost=lambda logit: softplus(logit).clamp(max=100)),
            partial(losses, cost=lambda logit: (1 + logit.exp()).log()),
        ),
    },
    changes={
        FACTOR: lambda d, s, n: (d / 2, s, n),
        "Log-probabilities are below 0 and this loss is above: look at the sign.": (
            lambda d, s, n: (-d, s, n)
        ),
        "The generator wants D of its fakes high. Does this loss of it fall then?": (
            lambda d, s, n: (d, -s, n)
        ),
        "The generator wants D of its fakes high. Does the last loss fall then?": (
            lambda d, s, n: (d, s, -n)
        ),
        "That is the non-saturating one: look at the order.": lambda d, s, n: (d, n, n),
        "That is the saturating one: look at the order.": lambda d, s, n: (d, s, s),
        "Not the other loss with another sign: its logarithm is one of D.": (
            lambda d, s, n: (d, s, -s)
        ),
    },
)


def _error(ours, theirs):
    return np.sqrt(ours.var() / len(ours) + theirs.var() / len(theirs))


def jsd_from_logits(
    real_logits: NDArray, fake_logits: NDArray, error: Callable[..., float] = _error
) -> tuple[float, float]:
    """Logits of fresh real samples (n,) and of fresh fakes (m,) -> a bound, its error.

    The JSD is at least so large, but for the error; it is the JSD if the discriminator
    is the best one.
    """
    ours, theirs = log_expit(real_logits), log_expit(-fake_logits)
    return (ours.mean() + theirs.mean()) / 2 + np.log(2), error(ours, theirs) / 2


def _samples(rng, n, m, distance, width=1.0, sureness=1.0):
    p, q = stats.norm(0, 1), stats.norm(distance, width * rng.uniform(0.8, 1.2))
    samples = p.rvs(n, random_state=rng), q.rvs(m, random_state=rng)
    logits = (sureness * games.optimal_discriminator_logit(x, p, q) for x in samples)
    sure = f", logits {sureness:g} times too large" if sureness > 1 else ""
    words = f"n = {n}, m = {m}, two normals {distance:g} apart{sure}"
    return words, *logits


def _shared(ours, theirs):
    """An error with one variance for both."""
    return np.sqrt((ours.var() + theirs.var()) / 2 * (1 / len(ours) + 1 / len(theirs)))


def _jsd_of_one_batch(real, fake):
    both = log_expit(np.r_[real, -fake])
    return both.mean() + np.log(2), both.std() / np.sqrt(len(both))


def _jsd_of_probabilities(real, fake, guard=0.0):
    ours, theirs = np.log(expit(real) + guard), np.log(1 - expit(fake) + guard)
    return (ours.mean() + theirs.mean()) / 2 + np.log(2), _error(ours, theirs) / 2


check_jsd_from_logits = Exercise(
    jsd_from_logits,
    "Solve the best V for the JSD. For its error: two means that are independent.",
    _samples,
    cases=(
        (400, 1600, 2.0),
        (200, 2000, 0.0, 0.1),  # a narrow q: real terms scatter most, fakes least
        (2000, 200, 1.0, 0.1),
        (500, 500, FAR),
        (600, 400, 1.0, 1.0, SURE),
    ),
    gives=("the bound", "the standard error"),
    rtol={"the standard error": BOOTSTRAP},
    slips={
        "D rounds to 0 or to 1, and its logarithm ends there. Stay with logits.": (
            _jsd_of_probabilities,
            partial(_jsd_of_probabilities, guard=1e-12),
        ),
        "The two kinds have a mean each, whatever their numbers.": _jsd_of_one_batch,
        "Real logits are asked for log D, fake ones for log(1 - D).": (
            lambda real, fake: jsd_from_logits(fake, real)
        ),
        "That is the spread of single draws, not of their means.": (
            partial(jsd_from_logits, error=lambda a, b: np.sqrt(a.var() + b.var()))
        ),
        "Variances of independent means add, not their roots.": (
            partial(jsd_from_logits, error=lambda a, b: stats.sem(a) + stats.sem(b))
        ),
        "Each kind scatters by itself: its own variance over its own number.": (
            partial(jsd_from_logits, error=_shared)
        ),
    },
    changes={
        "A factor is missing in front.": lambda jsd, error: (2 * jsd, error),
        "That is the discriminator's loss, not yet the divergence.": (
            lambda jsd, error: (2 * np.log(2) - 2 * jsd, error)
        ),
        "What is the JSD of two equal densities? Add what makes it 0.": (
            lambda jsd, error: (jsd - np.log(2), error)
        ),
        "Lower losses mean larger divergences: look at the sign.": (
            lambda jsd, error: (-jsd, error)
        ),
        "The loss lies below log 4, not above it: look at the sign.": (
            lambda jsd, error: (-2 * jsd, error)
        ),
        "The factor in front of the loss is there for its error, too.": (
            lambda jsd, error: (jsd, 2 * error)
        ),
        "An error has the unit of the estimate: take a root.": (
            lambda jsd, error: (jsd, error**2)
        ),
    },
)


def _plain(real_logits: Tensor, fake_logits: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The three losses where all events are seen."""
    return losses(real_logits, fake_logits, torch.ones_like(real_logits))


def discriminator_turn(
    generator: nn.Module,
    discriminator: nn.Module,
    real: Tensor,
    z: Tensor,
    optimizer: Optimizer,
    loss_of: Callable[..., Any] = _plain,
    along: float = 1.0,
    is_cleared: bool = True,
    is_detached: bool = True,
) -> Tensor:
    """Real points (n, 2), z (m, 3), an optimizer -> the loss before its step.

    It holds the discriminator's weights, and nothing else is changed.
    """
    fake = generator(z)
    fake = fake.detach() if is_detached else fake
    loss = loss_of(discriminator(real), discriminator(fake))[0]
    if is_cleared:
        optimizer.zero_grad()
    (along * loss).backward()
    optimizer.step()
    return loss.detach()


def _players(rng, n, m, far=1.0):
    """Two networks, old gradients in both; the discriminator has moved before.

    Real samples that lie far out make long gradients.
    """
    generator, discriminator = _network(rng, 3, 2), _network(rng, 2, 1)
    optimizer = SGD(discriminator.parameters(), RATE, MOMENTUM)
    for parameter in [*discriminator.parameters(), *generator.parameters()]:
        parameter.grad = tensor(rng.normal(size=parameter.shape))
    optimizer.step()
    real = far * tensor(rng.normal(size=(n, 2)))
    discriminator[0].weight.data /= far  # so that its units are not all full
    z = tensor(rng.normal(size=(m, 3)))
    words = f"n = {n} real samples, m = {m} latent points"
    return words, generator, discriminator, real, z, optimizer


def _network(rng, inputs, outputs):
    linear = partial(skip_init, nn.Linear)  # PyTorch's own random numbers stay
    layers = linear(inputs, 4), nn.Tanh(), Halved(), linear(4, outputs)
    return set_weights(nn.Sequential(*layers), rng)


def _rest(generator, discriminator, real, z, optimizer):
    return _plain(discriminator(real), discriminator(generator(z).detach()))[0]


def _with_loss(loss_of):
    return partial(
        discriminator_turn,
        loss_of=lambda real, fake: [loss_of(real, fake, torch.ones_like(real))[0]],
    )


check_discriminator_turn = Exercise(
    discriminator_turn,
    "One loss from both kinds of samples, and three calls that make it a step. Both "
    "networks stay in training mode.",
    _players,
    cases=((1, 2), (6, 4), (5, 3, 300.0)),
    gives="the loss",
    slips={
        FACTOR: _with_loss(lambda *inputs: [losses(*inputs)[0] / 2]),
        LABELS: _with_loss(_swapped),
        APART: _with_loss(_as_one_batch),
        TOTAL: _with_loss(partial(losses, mean=lambda c, w: (c * w).sum())),
        "Nothing moved: compute slopes, then let the optimizer step.": _rest,
        "Old slopes were there, and yours were added: which call clears them?": (
            partial(discriminator_turn, is_cleared=False)
        ),
        "It stepped along old slopes: which call computes new ones?": (
            partial(discriminator_turn, is_cleared=False, along=0.0)
        ),
        "It went uphill: this player's loss is to fall.": (
            partial(discriminator_turn, along=-1.0)
        ),
        "The optimizer that is passed remembers its last step: let it do this one.": (
            lambda generator, discriminator, real, z, _: discriminator_turn(
                generator,
                discriminator,
                real,
                z,
                SGD(discriminator.parameters(), RATE),
            )
        ),
        "The fakes still know who made them. What cuts that thread?": (
            partial(discriminator_turn, is_detached=False)
        ),
    },
)


def events_to_see(
    shift: float = SHIFT, errors: float = ERRORS, part: float = 1.0
) -> float:
    """A number n: with n real events and n fakes the JSD's bound shows the shift."""
    return (errors * _error_of_one(shift)) ** 2 * part


@cache
def _error_of_one(shift: float) -> float:
    """The bound's standard error for one event of each kind, over the JSD."""
    p, q = stats.norm(0, 1), stats.norm(shift, 1)
    x = np.linspace(-12, 12, 20_001)  # a smooth sum over the line: exact to rounding
    dx = x[1] - x[0]
    logit = games.optimal_discriminator_logit(x, p, q)
    scatter = 0.0
    for density, terms in ((p, log_expit(logit)), (q, log_expit(-logit))):
        weights = density.pdf(x) * dx
        scatter += weights @ terms**2 - (weights @ terms) ** 2
    return float(np.sqrt(scatter) / 2 / games.jensen_shannon(p, q))


check_events_to_see = Exercise(
    events_to_see,
    "The JSD stays as it is, and the error falls like one over the root of n.",
    rtol=0.05,  # it may come from a simulation
    refuse={"Events are counted: there are more than none.": lambda n: n <= 0},
    slips={
        "That is where the bound is one error above 0.": (
            partial(events_to_see, errors=1.0)
        ),
        "That is what comparing the two means would need. The bound needs more.": (
            lambda: 2 * (ERRORS / SHIFT) ** 2
        ),
        "n of each kind are asked for, not both kinds together.": (
            partial(events_to_see, part=2.0)
        ),
        "Estimate and error have one factor: both are those of V, or of the JSD.": (
            partial(events_to_see, part=4.0),
            partial(events_to_see, part=0.25),
        ),
        "Errors fall like one over the root of n: square the ratio.": (
            lambda: np.sqrt(events_to_see())
        ),
        "Two means scatter, one of each kind.": partial(events_to_see, part=0.5),
    },
)


@examination(
    "fit_decays",
    "Draw your samples over the data every 200 steps. What is still missing? "
    "Does it settle, or does it wander?",
    seconds=20.0,
)
def check_fit_decays(ask: Ask) -> None:
    """Decays x (n, 2), latents z (m, 2), a seed -> the samples of these z, (m, 2)."""
    file, other = _File(ask.rng), _File(ask.rng)
    seed, second = map(int, ask.rng.integers(2**31, size=2))

    def fit(source: _File, seed: int) -> NDArray:
        return samples_of(ask, f"{DECAYS:,} decays", source.x, source.z, seed)

    first, again = fit(file, seed), fit(file, second)
    played = (file, first), (file, again), (other, fit(other, seed))
    scores = [source.scores(samples) for source, samples in played]
    distance, floor, share = np.mean(scores, axis=0)
    if distance > FARTHEST:
        ask.fail(
            f"over three games the samples lie {distance:.3f} from the truth; "
            f"{FARTHEST} is allowed, and perfect ones have {floor:.3f}."
        )
    refuse_crowd(ask, share, LEAST_ROOM)
    refuse_alike(ask, again, first)
    refuse_drift(ask, fit(file, seed), first, again)


class _File:
    """Decays to train on, many to judge by, perfect samples, and latent points."""

    def __init__(self, rng: np.random.Generator) -> None:
        reach = rng.uniform(0.8, 1.2, 2)
        sizes = DECAYS, 100_000, LATENTS
        self.x, self.truth, self.perfect = (_decays(rng, n, reach) for n in sizes)
        self.z = rng.standard_normal((LATENTS, 2))

    def scores(self, samples: NDArray) -> tuple[float, float, float]:
        """Their distance from the truth, that of perfect ones, and their room."""
        distance, floor = (_sliced(s, self.truth) for s in (samples, self.perfect))
        return distance, floor, room(samples) / room(self.perfect)


def _decays(rng: np.random.Generator, n: int, reach: NDArray) -> NDArray:
    """Asymmetry and transverse momentum of n decays in two, smeared, (n, 2)."""
    cosine = rng.uniform(-1, 1, n)
    points = reach * np.stack([cosine, np.sqrt(1 - cosine**2)], axis=1)
    return points + SMEARING * rng.standard_normal((n, 2))


def _sliced(samples: NDArray, truth: NDArray) -> float:
    """The mean Wasserstein-1 distance of two heaps, seen from sixteen directions."""
    angles = np.pi * np.arange(16) / 16
    directions = np.stack([np.cos(angles), np.sin(angles)])
    levels = (np.arange(len(samples)) + 0.5) / len(samples)
    ours, theirs = np.sort(samples @ directions, 0), truth @ directions
    return float(np.abs(ours - np.quantile(theirs, levels, axis=0)).mean())
