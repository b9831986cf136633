"""Answers to the exercises on lesson 5: the game, on paper."""

import math

import numpy as np
import torch
from scipy.special import expit, log_expit

from course_utils.checks.gan_game import (
    check_best_logit,
    check_dirac_step,
    check_jsd_from_logits,
    check_longest_step,
)

LOG_2 = math.log(2)


def logit(x, p, q):
    return p.logpdf(x) - q.logpdf(x)


def logit_by_loops(x, p, q):
    return [np.float32(p.logpdf(point)) - np.float32(q.logpdf(point)) for point in x]


def logit_by_torch(x, p, q):
    logs = torch.tensor(np.stack([p.logpdf(x), q.logpdf(x)]), dtype=torch.float32)
    return logs[0] - logs[1]


def jsd_error(ours, theirs):
    return math.sqrt(ours.var() / len(ours) + theirs.var() / len(theirs)) / 2


def jsd(real, fake, factor=0.5, constant=LOG_2):
    ours, theirs = log_expit(real), log_expit(-fake)
    value = factor * (ours.mean() + theirs.mean()) + constant
    return value, jsd_error(ours, theirs)


def with_error(error):
    """The right JSD with an error made of both terms."""
    return lambda r, f: (jsd(r, f)[0], error(log_expit(r), log_expit(-f)))


def jsd_by_loops(real, fake):
    ours = [-math.log1p(math.exp(-t)) if t > -700 else t for t in real]
    theirs = [-math.log1p(math.exp(t)) if t < 700 else -t for t in fake]
    value = sum(ours) / len(ours) + sum(theirs) / len(theirs)
    squares = [np.var(t, ddof=1) / len(t) for t in (ours, theirs)]
    return (math.log(4) + value) / 2, math.sqrt(sum(squares)) / 2


def jsd_by_torch(real, fake):
    pieces = torch.tensor(-real).float(), torch.tensor(fake).float()
    losses = [torch.nn.functional.softplus(piece) for piece in pieces]
    least = sum(loss.mean() for loss in losses)
    error = sum(loss.var() / len(loss) for loss in losses).sqrt() / 2
    return math.log(2) - least / 2, error


def pooled_jsd(real, fake):
    both = np.r_[log_expit(real), log_expit(-fake)]
    return both.mean() + math.log(2), both.std() / len(both) ** 0.5


def dirac(theta, psi, h, gamma, alternating, force=expit, climb=1, friction=1):
    pull = climb * force(psi * theta) * theta + friction * gamma * psi
    new = psi - h * pull
    seen = new if alternating else psi
    return theta + climb * h * force(seen * theta) * seen, new


def dirac_with_old_u(theta, psi, h, gamma, alternating):
    u = expit(psi * theta)
    new = psi - h * (u * theta + gamma * psi)
    return theta + h * u * (new if alternating else psi), new


def dirac_generator_first(theta, psi, h, gamma, alternating):
    new = theta + h * expit(psi * theta) * psi
    seen = new if alternating else theta
    return new, psi - h * (expit(psi * seen) * seen + gamma * psi)


def dirac_by_loops(theta, psi, h, gamma, alternating):
    rows = []
    for t, s in zip(theta, psi, strict=True):
        new = s - h * (t / (1 + math.exp(-s * t)) + gamma * s)
        seen = new if alternating else s
        rows.append((t + h * seen / (1 + math.exp(-seen * t)), new))
    return [[row[0] for row in rows], [row[1] for row in rows]]


def dirac_by_autograd(theta, psi, h, gamma, alternating):
    theta, psi = (torch.tensor(v, requires_grad=True).float() for v in (theta, psi))

    def slope(of, in_psi):
        value = -torch.log1p(torch.exp(of * theta)).sum()
        value = value - gamma / 2 * of.square().sum() if in_psi else value
        return torch.autograd.grad(value, of if in_psi else theta)[0]

    new = psi + h * slope(psi, True)
    return theta - h * slope(new if alternating else psi, False), new


WRONG = {
    check_best_logit: [
        (lambda x, p, q: expit(logit(x, p, q)), "D, a probability"),
        (lambda x, p, q: logit(x, q, p), "high has to mean real"),
        (lambda x, p, q: p.pdf(x) / q.pdf(x), "Those are the odds"),
        (lambda x, p, q: log_expit(logit(x, p, q)), "also looks at 1 - D"),
        (lambda x, p, q: p.pdf(x) - q.pdf(x), "by their ratio"),
        (lambda x, p, q: np.log(p.pdf(x) / q.pdf(x)), "came nan"),
        (lambda x, p, q: logit(x, p, q).sum(), "a single number, and an array"),
    ],
    check_jsd_from_logits: [
        (lambda r, f: jsd(r, f, 1, math.log(4)), "factor is missing"),
        (lambda r, f: jsd(r, f, -1, 0), "discriminator's loss"),
        (lambda r, f: jsd(r, f, 0.5, 0), "two equal densities"),
        (lambda r, f: jsd(r, f, -0.5, -math.log(2)), "look at the sign"),
        (lambda r, f: jsd(f, r), "asked for log D"),
        (pooled_jsd, "a mean each"),
        (with_error(lambda a, b: 2 * jsd_error(a, b)), "for its error, too"),
        (with_error(lambda a, b: math.sqrt(a.var() + b.var()) / 2), "single draws"),
        (with_error(lambda a, b: jsd_error(a, b) ** 2), "take a root"),
        (
            with_error(
                lambda a, b: a.std() / 2 / len(a) ** 0.5 + b.std() / 2 / len(b) ** 0.5
            ),
            "independent means add",
        ),
        (lambda r, f: jsd(r, f)[0], "2 values"),
    ],
    check_dirac_step: [
        (lambda *a: dirac(*a, climb=-1), "climbs V and the other descends"),
        (lambda *a: dirac(*a, force=np.ones_like), "Where did it go"),
        (lambda *a: dirac(*a, force=lambda s: 0.5), "at the equilibrium only"),
        (lambda *a: dirac(*a, force=lambda s: expit(-s)), "the sign inside"),
        (lambda *a: dirac(*a, friction=0), "gamma is not used"),
        (lambda *a: dirac(*a, friction=0.5), "slope of a square"),
        (lambda *a: dirac(*a, friction=-1), "slows psi down"),
        (lambda *a: dirac(*a[:4], False), "generator of simultaneous steps"),
        (lambda *a: dirac(*a[:4], True), "generator of alternating steps"),
        (dirac_with_old_u, "computed with the old one"),
        (dirac_generator_first, "discriminator goes first"),
        (lambda *a: dirac(*a)[::-1], "the generator down V"),
    ],
    check_longest_step: [
        (4.0, "simultaneous steps end"),
        (-1.0, "no size of a step"),
        (0.0, "no size of a step"),
        (0.3, "so it does beyond"),
        (math.sqrt(5) - 1, "u = 1"),
        (2.0, "leaves already"),
    ],
}
RIGHT = {
    check_best_logit: [logit_by_loops, logit_by_torch, logit],
    check_jsd_from_logits: [jsd, jsd_by_loops, jsd_by_torch],
    check_dirac_step: [dirac, dirac_by_loops, dirac_by_autograd],
    check_longest_step: [4 * (math.sqrt(2) - 1), 1.66, np.float32(1.65)],
}
