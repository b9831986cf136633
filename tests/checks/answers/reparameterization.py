"""Answers to the exercises on lesson 2."""

import math
from functools import partial

import numpy as np
import torch
from scipy import stats
from scipy.optimize import brentq
from scipy.special import softmax

from course_utils.checks.reparameterization import (
    check_crossing_frequency,
    check_fit_lines,
    check_leave_one_out,
    check_mixture_path,
    check_path_estimates,
    check_score_estimates,
    check_surrogate,
    leave_one_out,
    path_estimates,
    score_estimates,
    surrogate,
)


def with_generator(estimates, seed):
    return lambda *a: estimates(*a[:-1], np.random.default_rng(seed))


def score_by_loops(f, rate, n, rng):
    values = []
    for _ in range(n):
        count = rng.poisson(rate)
        values.append(f(count) * (count - rate) / rate)
    return values


def score_by_arrivals(f, rate, n, rng):
    """Counts of what comes in unit time, and the slope of log q by differences."""
    most = int(rate + 8 * rate**0.5) + 20
    arrivals = rng.exponential(1 / rate, (n, most)).cumsum(1)
    counts = (arrivals < 1).sum(1)
    up, down = (stats.poisson.logpmf(counts, rate + h) for h in (1e-4, -1e-4))
    return np.float32(f(counts) * (up - down) / 2e-4)


def with_baseline_of_the_mean(f, rate, n, rng):
    counts, others = rng.poisson(rate, (2, n))
    return (f(counts) - f(others).mean()) * (counts / rate - 1)


def score_by_few(f, rate, n, rng, times=4, used=np.repeat):
    """Each count serves several times."""
    counts = used(rng.poisson(rate, -(-n // times)), times)[:n]
    return f(counts) * (counts / rate - 1)


def score_by_trials(f, rate, n, rng, trials=1_000):
    """So many of them hit or miss, and no more can be counted."""
    counts = rng.binomial(trials, rate / trials, n)
    return f(counts) * (counts / rate - 1)


def score_by_table(f, rate, n, rng):
    """Asks f once for each count that came."""
    counts, places = np.unique(rng.poisson(rate, n), return_inverse=True)
    return (f(counts) * (counts / rate - 1))[places]


def path_with(noise_of):
    """Of n and rng to noise: the answer that uses it."""

    def answer(slope, mu, logvar, n, rng):
        noise, sigma = noise_of(n, rng), np.exp(logvar / 2)
        z = np.exp(mu + sigma * noise)
        return slope(z) * z, slope(z) * z * sigma * noise / 2

    return answer


def centred(n, rng):
    noise = rng.standard_normal(n)
    return noise - noise.mean()


def centred_if_several(n, rng):
    return centred(n, rng) if n > 1 else rng.standard_normal(n)


def mirrored(n, rng):
    half = rng.standard_normal(-(-n // 2))
    return np.concatenate([half, -half])[:n]


def uniform(n, rng):
    return rng.uniform(-(3**0.5), 3**0.5, n)


def path_by_lognormal(slope, mu, logvar, n, rng):
    """In one array."""
    z = rng.lognormal(mu, np.exp(logvar / 2), n)
    pull = slope(z) * z
    return np.stack([pull, pull * (np.log(z) - mu) / 2])


def path_by_tidy_noise(slope, mu, logvar, n, rng):
    noise, sigma = rng.standard_normal(n), np.exp(logvar / 2)
    noise = (noise - noise.mean()) / noise.std()
    z = np.exp(mu + sigma * noise)
    return slope(z) * z, slope(z) * z * sigma * noise / 2


def path_by_loops(slope, mu, logvar, n, rng):
    sigma, pairs = math.sqrt(math.exp(logvar)), []
    for _ in range(n):
        z = rng.lognormal(mu, sigma)
        pairs.append((slope(z) * z, slope(z) * z * (math.log(z) - mu) / 2))
    in_mu, in_logvar = zip(*pairs, strict=True)
    return [in_mu, in_logvar]


def path_by_torch(slope, mu, logvar, n, rng):
    """With the slopes of z by autograd, in single precision."""
    noise = torch.tensor(rng.standard_normal(n), dtype=torch.float32)
    leaves = [torch.full((n,), float(v), requires_grad=True) for v in (mu, logvar)]
    z = (leaves[0] + torch.exp(leaves[1] / 2) * noise).exp()
    pull = torch.tensor(slope(z.detach().numpy()))
    return torch.autograd.grad(z, leaves, pull)


def leave_one_out_by_matrices(f, scores):
    k = len(f)
    centring = (np.eye(k) - (1 - np.eye(k)) / (k - 1)) / k
    return np.einsum("ij,jr,ir->r", centring, f, scores)


def surrogate_by_hand(f, mu, logvar, epsilon):
    """The density written out; z is made where nothing is recorded."""
    with torch.no_grad():
        z = mu + (0.5 * logvar).exp() * epsilon
        values = f(z)
    log_q = -0.5 * ((z - mu) ** 2 / logvar.exp() + logvar).sum(1)
    return torch.dot(values, log_q) / len(z)


def surrogate_by_product(f, mu, logvar, epsilon):
    """Of densities, which vanish where there are many."""
    sigma = (logvar / 2).exp()
    z = (mu + sigma * epsilon).detach()
    density = torch.distributions.Normal(mu, sigma).log_prob(z).exp().prod(-1)
    return (f(z).detach() * density.log()).mean()


def in_double(argument):
    return argument.double() if isinstance(argument, torch.Tensor) else argument


def surrogate_clamped(f, mu, logvar, epsilon, most=4.0):
    return surrogate(f, mu, logvar.clamp(-most, most), epsilon)


def surrogate_by_loops(f, mu, logvar, epsilon):
    """The known scores times the parameters, in double precision."""
    mu, logvar, epsilon = mu.double(), logvar.double(), epsilon.double()
    total = torch.zeros((), dtype=torch.float64)
    for noise in epsilon:
        sigma = (0.5 * logvar).exp().detach()
        value = f((mu.detach() + sigma * noise)[None])[0]
        total = total + value * (noise / sigma * mu).sum()
        total = total + value * (0.5 * (noise**2 - 1) * logvar).sum()
    return total / len(epsilon)


def mixture_by_inversion(z, weight, mu, sigma):
    """Where the level u of each point lies for a slightly other weight."""

    def level(point, first):
        both = stats.norm.cdf(point, mu, sigma)
        return first * both[0] + (1 - first) * both[1]

    def moved(point, first):
        u = level(point, weight)
        ends = point - 1, point + 1
        return brentq(lambda there: level(there, first) - u, *ends, xtol=1e-13)

    step = 1e-5
    ends = [[moved(point, weight + s) for point in z] for s in (-step, step)]
    return np.diff(ends, axis=0)[0] / (2 * step)


def mixture_by_loops(z, weight, mu, sigma):
    """With `erf`, one point after the other, in single precision."""
    result = []
    for point in z:
        t = [(point - m) / s for m, s in zip(mu, sigma, strict=True)]
        low, high = (0.5 * (1 + math.erf(v / math.sqrt(2))) for v in t)
        bells = [math.exp(-v * v / 2) / s for v, s in zip(t, sigma, strict=True)]
        steepness = weight * bells[0] + (1 - weight) * bells[1]
        result.append((high - low) / steepness * math.sqrt(2 * math.pi))
    return np.float32(result)


def fit(
    counts,
    profiles,
    background,
    spread,
    seed,
    steps=400,
    draws=16,
    width=torch.diag,
    rest=lambda z: z,
    entropy=1.0,
    prior=1.0,
):
    """By the path, with two logarithms of widths and a slant; its parts can be broken.

    Args:
        width: of the two widths, to the matrix that they make of the noise.
        rest: of z, to what log p(x, z) is asked of.
        entropy: its share in the objective.
        prior: its share.
    """
    generator = torch.Generator().manual_seed(seed)
    counts, profiles = torch.tensor(counts), torch.tensor(profiles)
    mean, log_widths = torch.zeros(2).double(), torch.full((2,), -1.0).double()
    slant = torch.zeros(2, 2).double()
    parameters = [v.requires_grad_() for v in (mean, log_widths, slant)]
    adam = torch.optim.Adam(parameters, lr=0.05)
    falling = torch.optim.lr_scheduler.LinearLR(adam, 1.0, 0.05, steps)
    for _ in range(steps):
        matrix = width(log_widths.exp()) + slant.tril(-1)
        noise = torch.randn(draws, 2, generator=generator, dtype=torch.float64)
        z = rest(mean + noise @ matrix.T)
        rates = background + z.exp() @ profiles
        log_joint = (
            rates.log() @ counts
            - rates.sum(1)
            - prior * (z**2).sum(1) / (2 * spread**2)
        )
        adam.zero_grad()
        (-log_joint.mean() - entropy * log_widths.sum()).backward()
        adam.step()
        falling.step()
    matrix = torch.diag(log_widths.exp()) + slant.tril(-1)
    return mean, matrix @ matrix.T


def fit_in_float32(counts, profiles, background, spread, seed):
    """Another matrix, with torch's own normal; the mean starts at a first guess."""
    torch.manual_seed(seed)
    counts, profiles = (
        torch.tensor(v, dtype=torch.float32) for v in (counts, profiles)
    )
    mean, log_matrix = torch.zeros(2, requires_grad=True), torch.zeros(2, 2)
    log_matrix.requires_grad_()
    adam = torch.optim.Adam([mean, log_matrix], lr=0.03)
    falling = torch.optim.lr_scheduler.CosineAnnealingLR(adam, 600)
    for _ in range(600):
        matrix = log_matrix.tril(-1) + torch.diag((log_matrix.diagonal() - 2).exp())
        q = torch.distributions.MultivariateNormal(mean, scale_tril=matrix)
        z = q.rsample((32,))
        rates = background + z.exp() @ profiles
        log_joint = (
            rates.log() @ counts - rates.sum(1) - (z / spread).square().sum(1) / 2
        )
        adam.zero_grad()
        (-log_joint.mean() - q.entropy()).backward()
        adam.step()
        falling.step()
    return mean, q.covariance_matrix


def doctored(change):
    """A good fit, of which the mean and the covariance are changed afterwards."""
    return lambda *spectrum: change(*(part.detach() for part in fit(*spectrum)))


def peak(counts, profiles, background, spread):
    """Where the posterior is highest, by Newton's steps, and its covariance there."""
    z = np.zeros(2)
    for _ in range(30):
        lines = np.exp(z)[:, None] * profiles
        rates = background + lines.sum(0)
        slope = lines @ (counts / rates - 1) - z / spread**2
        fisher = (lines / rates) @ lines.T + np.eye(2) / spread**2
        z = z + np.clip(np.linalg.solve(fisher, slope), -0.3, 0.3)
    bent = np.diag(lines @ (counts / rates - 1))
    return z, (lines * counts / rates**2) @ lines.T - bent + np.eye(2) / spread**2


def fit_by_laplace(*given, jitter=1e-3):
    """Nothing is trained; the seed moves the mean a little."""
    *spectrum, seed = given
    mean, precision = peak(*spectrum)
    moved = jitter * np.random.default_rng(seed).standard_normal(2)
    return mean + moved, np.linalg.inv(precision)


def fit_by_weights(counts, profiles, background, spread, seed, draws=4_000):
    """Mean and covariance of weighted draws: those of the posterior, as KL(p || q)."""
    mean, precision = peak(counts, profiles, background, spread)
    root = 1.5 * np.linalg.cholesky(np.linalg.inv(precision))
    noise = np.random.default_rng(seed).standard_normal((draws, 2))
    z = mean + noise @ root.T
    rates = background + np.exp(z) @ profiles
    logs = np.log(rates) @ counts - rates.sum(1) - (z**2).sum(1) / (2 * spread**2)
    weights = softmax(logs + (noise**2).sum(1) / 2)
    return weights @ z, np.cov(z.T, aweights=weights, bias=True)


ECHO, EPSILON = "a count of its own", "an epsilon of its own"
LOSS = "nats more than the best normal"

WRONG = {
    check_score_estimates: [
        (with_baseline_of_the_mean, "for their variance"),
        (score_by_few, ECHO),
        (partial(score_by_few, used=np.tile), ECHO),
        (partial(score_by_few, times=3), ECHO),
        (score_by_trials, "n = 5,000"),
        (lambda *a: score_estimates(*a).mean(), "estimates are wanted one by one"),
        (lambda *a: score_estimates(*a)[1:], "the number of estimates"),
        (
            lambda f, r, n, g: score_estimates(f, r, 20_000, g),
            "the number of estimates",
        ),
        (with_generator(score_estimates, 0), "nothing has been drawn"),
        (with_generator(score_estimates, None), "nothing has been drawn"),
    ],
    check_path_estimates: [
        (lambda *a: path_estimates(*a)[0], "2 values are wanted"),
        (lambda *a: [part[1:] for part in path_estimates(*a)], "the number of the"),
        (lambda s, m, v, n, g: path_estimates(s, m, v, 20_000, g), "the number of the"),
        (path_by_tidy_noise, "came nan"),
        *(
            (path_with(noise), EPSILON)
            for noise in (centred, centred_if_several, mirrored)
        ),
        (path_with(uniform), "the estimates in"),
        (path_with(lambda n, rng: np.resize(rng.normal(size=n // 4 + 1), n)), EPSILON),
        (lambda *a: (path_estimates(*a)[0], 1.0), "estimates are wanted one by one"),
        (with_generator(path_estimates, 0), "nothing has been drawn"),
        (with_generator(path_estimates, None), "nothing has been drawn"),
    ],
    check_leave_one_out: [(lambda f, s: leave_one_out(f.T, s.T), "write all three")],
    check_surrogate: [
        (lambda f, m, v, e: surrogate(f, m, v, e).expand(len(e)), "a single number"),
        (
            lambda f, m, v, e: surrogate(f, m, v, torch.randn_like(e)),
            "z by its epsilon",
        ),
        (surrogate_by_product, "k = 600"),
        (surrogate_clamped, "k = 600"),
        (partial(surrogate_clamped, most=7.0), "k = 600"),
        (lambda *a: surrogate_by_product(*(map(in_double, a))), "k = 600"),
    ],
    check_fit_lines: [
        (partial(fit, steps=40), LOSS),
        (fit_by_laplace, LOSS),
        (fit_by_weights, LOSS),
        (lambda *a: fit(*a[:-1], seed=0), "two seeds gave one q"),
        (lambda *a: fit(*a[:-1], torch.seed() % 2**31), "two calls with one seed"),
        (partial(fit, entropy=0.0), LOSS),
        (partial(fit, entropy=0.5, steps=1_000, draws=64), LOSS),
        (partial(fit, rest=lambda z: z.detach()), LOSS),
        (partial(fit, width=lambda s: torch.diag(s**2)), LOSS),
        (partial(fit, width=lambda s: torch.diag(s.detach())), "came nan"),
        (partial(fit, prior=0.0), LOSS),
        (lambda x, p, b, s, seed: fit(x, p, b, 1.0, seed), LOSS),
        (lambda x, p, b, s, seed: fit(x, p, 6.0, s, seed), LOSS),
        (lambda x, p, b, s, seed: fit(x, p[::-1].copy(), b, s, seed), LOSS),
        (lambda x, p, b, s, seed: fit(x[::-1].copy(), p, b, s, seed), LOSS),
        (doctored(lambda mean, cov: (mean, cov * torch.eye(2))), LOSS),
        (
            doctored(
                lambda mean, cov: (mean, cov.inverse().diagonal().reciprocal().diag())
            ),
            LOSS,
        ),
        (doctored(lambda mean, cov: (mean, 2 * cov)), LOSS),
        (doctored(lambda mean, cov: (mean + 0.1, cov)), LOSS),
        (doctored(lambda mean, cov: (mean, cov.diagonal())), "of shape (2,)"),
        (doctored(lambda mean, cov: (mean, cov.triu())), "is symmetric"),
        (doctored(lambda mean, cov: (mean, 0 * cov)), "without any width"),
    ],
    check_crossing_frequency: [
        (0.0, "Where is the path at its best"),
        (2.5, "A little below"),
    ],
}
RIGHT = {
    check_score_estimates: [score_by_loops, score_by_arrivals, score_by_table],
    check_path_estimates: [path_by_loops, path_by_torch, path_by_lognormal],
    check_leave_one_out: [leave_one_out_by_matrices],
    check_surrogate: [surrogate_by_hand, surrogate_by_loops],
    check_mixture_path: [mixture_by_inversion, mixture_by_loops],
    check_fit_lines: [fit, fit_in_float32],
    check_crossing_frequency: [2.218, np.float32(2.22)],
}
