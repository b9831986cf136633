"""Answers to the exercises on spins: in sums, chains and samplers."""

import itertools
import math
from functools import partial

import numpy as np
import torch
from scipy.special import logsumexp
from torch.nn.functional import logsigmoid

from course_utils.checks.ising import (
    accept_cluster,
    averages,
    check_accept_cluster,
    check_averages,
    check_error_of_mean,
    check_mean_field,
    check_reweight,
    check_ring_gap,
    check_train_sampler,
    mean_field,
    reweight,
)
from course_utils.exact.strip import Strip
from course_utils.metrics.series import correlated_mean


def averages_by_loops(bonds, field, beta):
    """All states one by one, weights over that of the lowest state."""
    n, found = len(field), []
    for state in itertools.product((1, -1), repeat=n):
        energy = -sum(h * s for h, s in zip(field, state, strict=True))
        for i in range(n):
            for j in range(i):
                energy -= bonds[i][j] * state[i] * state[j]
        found.append((energy, state))
    lowest = min(energy for energy, _ in found)
    weights = [math.exp(-beta * (energy - lowest)) for energy, _ in found]
    z = sum(weights)
    mean = sum(w * e for w, (e, _) in zip(weights, found, strict=True)) / z
    spins = sum(
        w * np.array(s, float) for w, (_, s) in zip(weights, found, strict=True)
    )
    return math.log(z) - beta * lowest, mean, spins / z


def averages_by_torch(bonds, field, beta):
    states = torch.cartesian_prod(*[torch.tensor([1.0, -1.0])] * len(field))
    states = states.reshape(-1, len(field))
    energy = -torch.einsum("ni,ij,nj->n", states, torch.tensor(bonds).float(), states)
    energy = energy / 2 - states @ torch.tensor(field).float()
    p = torch.softmax(-beta * energy, 0)
    return torch.logsumexp(-beta * energy, 0), (p * energy).sum(), p @ states


def averages_by_derivatives(bonds, field, beta):
    """Means are derivatives of ln Z."""
    h = torch.tensor(beta * field, requires_grad=True)
    strength = torch.tensor(beta, requires_grad=True)
    states = torch.tensor(list(itertools.product((1.0, -1.0), repeat=len(field))))
    states = states.double()
    pairs = ((states @ torch.tensor(bonds)) * states).sum(1) / 2
    log_z = torch.logsumexp(strength * pairs + states @ h, 0)
    slope, spins = torch.autograd.grad(log_z, (strength, h))
    return log_z, -slope - spins @ torch.tensor(field), spins


def averages_of_positive_bonds(bonds, field, beta):
    return averages(np.abs(bonds), field, beta)


def averages_of_uniform_field(bonds, field, beta):
    return averages(bonds, np.full_like(field, field.mean()), beta)


def averages_of_a_chain(bonds, field, beta):
    """Bonds of spins that are neighbours in the list, alone."""
    near = np.eye(len(field), k=1) + np.eye(len(field), k=-1)
    return averages(bonds * near, field, beta)


def averages_of_a_byte(bonds, field, beta):
    """All states of eight spins, of which the first ones are there."""
    bits = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1)
    states = np.unique(2.0 * bits[:, -len(field) :] - 1, axis=0)
    energy = -((states @ bonds) * states).sum(1) / 2 - states @ field
    log_z = logsumexp(-beta * energy)
    p = np.exp(-beta * energy - log_z)
    return log_z, p @ energy, p @ states


def averages_in_single_precision_without_shift(bonds, field, beta):
    """It overflows sooner."""
    states = np.array(list(itertools.product((1, -1), repeat=len(field))), np.float32)
    energy = -((states @ bonds) * states).sum(1) / 2 - states @ field
    w = np.exp(np.float32(-beta) * energy.astype(np.float32))
    return np.log(w.sum()), w @ energy / w.sum(), w @ states / w.sum()


def averages_of_two_thousand_states(bonds, field, beta):
    """By Metropolis, spin by spin."""
    rng, s, kept = np.random.default_rng(0), np.ones(len(field)), []
    for _ in range(2_000):
        i = rng.integers(len(s))
        rise = 2 * s[i] * (bonds[i] @ s + field[i])
        s[i] *= -1 if rng.random() < np.exp(min(0, -beta * rise)) else 1
        kept.append(s.copy())
    kept = np.array(kept)
    energy = -((kept @ bonds) * kept).sum(1) / 2 - kept @ field
    return averages(bonds, field, beta)[0], energy.mean(), kept.mean(0)


def mean_field_by_loops(bonds, field, beta, m):
    bound, best = 0.0, []
    for i, mean in enumerate(m):
        pull = field[i] + sum(j * other for j, other in zip(bonds[i], m, strict=True))
        bound -= beta * mean * (pull + field[i]) / 2
        for p in ((1 + mean) / 2, (1 - mean) / 2):
            bound += p * math.log(p) if p > 0 else 0.0
        best.append(math.tanh(beta * pull))
    return bound, best


def mean_field_in_single_precision(bonds, field, beta, m):
    bonds, field, m = (torch.tensor(v).float() for v in (bonds, field, m))
    p = (1 + m) / 2
    entropy = -(torch.xlogy(p, p) + torch.xlogy(1 - p, 1 - p)).sum()
    energy = -torch.triu(bonds).mul(torch.outer(m, m)).sum() - m @ field
    up = torch.sigmoid(2 * beta * (bonds @ m + field))
    return beta * energy - entropy, 2 * up - 1


def mean_field_by_a_sum_over_states(bonds, field, beta, m):
    """Right where there are few spins."""
    states = 2.0 * (np.arange(2 ** len(m))[:, None] >> np.arange(len(m)) & 1) - 1
    with np.errstate(divide="ignore"):
        log_q = np.log((1 + states * m) / 2).sum(1)
    q = np.exp(log_q)
    energy = -((states @ bonds) * states).sum(1) / 2 - states @ field
    bound = (q * (beta * energy + np.where(q > 0, log_q, 0))).sum()
    return bound, np.tanh(beta * (bonds @ m + field))


def mean_field_clipped(width):
    def answer(bonds, field, beta, m):
        inside = np.clip(m, -1 + width, 1 - width)
        bound = mean_field(bonds, field, beta, inside)[0]
        return bound, mean_field(bonds, field, beta, m)[1]

    return answer


def accept_by_energies(spins, cluster, pairs, field, beta, p):
    """Both energies, both numbers of closed bonds, by whole sums."""

    def energy(s):
        return -sum(int(s[i] * s[j]) for i, j in pairs) - field * s.sum()

    def closed(s):
        edge = [(i, j) for i, j in pairs if cluster[i] != cluster[j]]
        return sum(bool(s[i] == s[j]) for i, j in edge)

    turned = np.where(cluster, -spins, spins)
    log_ratio = -beta * (energy(turned) - energy(spins))
    log_ratio += (closed(turned) - closed(spins)) * math.log(1 - p)
    return math.exp(log_ratio) if log_ratio < 0 else 1.0


def accept_by_one_factor(spins, cluster, pairs, field, beta, p):
    """The factor that bonds are worth, in one power."""
    inside = cluster[pairs]
    edge = pairs[inside[:, 0] ^ inside[:, 1]]
    excess = spins[edge].prod(1).sum()
    power = -excess * (2 * beta + np.log1p(-p))
    power -= 2 * beta * field * spins[cluster].sum()
    return np.minimum(1, np.exp(power))


def accept_always(*arguments):
    return 1.0


def accept_by_wolff(spins, cluster, pairs, field, beta, p):
    """Right for Wolff's p."""
    return min(1, np.exp(-2 * beta * field * spins[cluster].sum()))


def accept_on_a_square_lattice(spins, cluster, pairs, field, beta, p):
    """The bonds are taken to be known."""
    sites = np.arange(len(spins)).reshape(math.isqrt(len(spins)), -1)
    there = [np.roll(sites, -1, axis).ravel() for axis in (0, 1)]
    pairs = np.concatenate([np.stack([sites.ravel(), to], 1) for to in there])
    return accept_cluster(spins, cluster, pairs, field, beta, p)


def accept_up_clusters(spins, cluster, pairs, field, beta, p):
    """As if each cluster pointed up."""
    return accept_cluster(np.abs(spins), cluster, pairs, field, beta, p)


def reweight_with_bootstrap(energies, values, beta, new):
    log_w = (beta - new) * energies
    w = np.exp(log_w - log_w.max())
    rng = np.random.default_rng(0)
    rows = rng.integers(len(w), size=(400, len(w)))
    means = (w[rows] * values[rows]).sum(1) / w[rows].sum(1)
    change = np.log(w.mean()) + log_w.max()
    return (w * values).sum() / w.sum(), means.std(), change


def reweight_with_jackknife(energies, values, beta, new):
    log_w = (beta - new) * energies
    w = np.exp(log_w - log_w.max())
    left = (w @ values - w * values) / (w.sum() - w)
    error = np.sqrt((len(w) - 1) / len(w) * ((left - left.mean()) ** 2).sum())
    return np.average(values, weights=w), error, np.log(w.mean()) + log_w.max()


def reweight_by_torch(energies, values, beta, new):
    log_w = (beta - new) * torch.tensor(energies)
    shares, values = torch.softmax(log_w, 0), torch.tensor(values)
    mean = (shares * values).sum()
    error = (shares * (values - mean)).square().sum().sqrt()
    return mean, error, torch.logsumexp(log_w, 0) - math.log(len(log_w))


def reweight_clipped(energies, values, beta, new):
    log_w = np.clip((beta - new) * energies, -700, 700)
    w = np.exp(log_w - log_w.max())
    mean = w @ values / w.sum()
    error = np.sqrt((w**2 * (values - mean) ** 2).sum()) / w.sum()
    return mean, error, np.log(w.mean()) + log_w.max()


def reweight_around_the_mean(energies, values, beta, new):
    """ln Z of what is left over."""
    return reweight(energies - energies.mean(), values, beta, new)


def reweight_to_second_order(energies, values, beta, new):
    """Two cumulants: right for small steps."""
    step = beta - new
    change = step * energies.mean() + step**2 * energies.var() / 2
    mean = values.mean() + step * np.cov(energies, values)[0, 1]
    return mean, reweight(energies, values, beta, new)[1], change


def of_bins(count):
    """The scatter of the means of so many bins."""

    def answer(values):
        rows = values[: len(values) // count * count].reshape(count, -1)
        return rows.mean(1).std(ddof=1) / count**0.5

    return answer


def of_bins_of(size):
    return lambda values: of_bins(len(values) // size)(values)


def of_jackknife(values):
    rows = values[: len(values) // 40 * 40].reshape(40, -1)
    left = (rows.sum() - rows.sum(1)) / (rows.size - rows.shape[1])
    return ((left - left.mean()) ** 2).mean() ** 0.5 * 39**0.5


def of_pairs_of_bins(values):
    """Bins twice as long, again and again: the largest error."""
    errors = []
    while len(values) >= 32:
        errors.append(values.std(ddof=1) / len(values) ** 0.5)
        values = values[: len(values) // 2 * 2].reshape(-1, 2).mean(1)
    return max(errors)


def of_a_window(times):
    """Correlations are summed one by one, up to so many autocorrelation times."""

    def answer(values):
        centred, total, lag = values - values.mean(), 1.0, 1
        variance = centred @ centred / len(values)
        if variance == 0:
            return 0.0
        while lag <= times * total and lag < len(values) / 10:
            product = centred[lag:] @ centred[:-lag] / len(values)
            total, lag = total + 2 * product / variance, lag + 1
        return np.sqrt(max(total, 0) * variance / len(values))

    return answer


def as_if_independent(values):
    return values.std(ddof=1) / len(values) ** 0.5


def by_one_correlation(values):
    """Right where a chain forgets by one and the same factor in each step."""
    d = values - values.mean()
    memory = (d[1:] @ d[:-1]) / max(d @ d, 1e-30)
    return values.std() * np.sqrt((1 + memory) / (1 - memory) / len(values))


def thinned(values):
    return as_if_independent(values[::50])


def of_all_lags(values):
    """The sum of all sample correlations is 0."""
    d = values - values.mean()
    return abs(d.sum()) / len(values)


def right_with_doubt(values):
    """0 / 0 for a chain that does not move."""
    d = values - values.mean()
    shape = d / np.sqrt((d @ d) / len(d))
    return of_bins(50)(shape) * np.sqrt((d @ d) / len(d))


class Coins(torch.nn.Module):
    """Spins drawn in their order, by logits that are linear in those before."""

    def __init__(self, sites, biases=True):
        super().__init__()
        self.weights = torch.nn.Parameter(0.01 * torch.randn(sites, sites))
        self.bias = torch.nn.Parameter(torch.zeros(sites), biases)

    def log_prob(self, spins):
        return logsigmoid(spins * (spins @ self.weights.tril(-1).T + self.bias)).sum(1)

    @torch.no_grad()
    def draw(self, n):
        spins = torch.zeros(n, len(self.bias))
        for i, weights in enumerate(self.weights.tril(-1)):
            up = torch.rand(n) < (spins @ weights + self.bias[i]).sigmoid()
            spins[:, i] = torch.where(up, 1.0, -1.0)
        return spins


def train_coins(
    bonds,
    field,
    beta,
    states,
    n,
    seed,
    *,
    steps=400,
    baseline=True,
    rate=1e-2,
    biases=True,
    start=None,
):
    """The score function, from hot to cold, with a rate that falls."""
    torch.manual_seed(seed)
    model = Coins(len(field), biases)
    optimizer = torch.optim.Adam(model.parameters(), rate)
    for step in range(steps):
        optimizer.param_groups[0]["lr"] = rate * min(1, 2.02 - 2 * step / steps)
        s = model.draw(300)
        log_q = model.log_prob(s)
        now = beta * min(1, 2 * step / steps) if start is None else beta
        cost = log_q.detach() + now * torch_energies(s, bonds, field)
        loss = ((cost - cost.mean() * baseline) * log_q).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        samples = model.draw(n)
        return samples, model.log_prob(samples), model.log_prob(states)


def torch_energies(s, bonds, field):
    return -((s @ bonds) * s).sum(1) / 2 - s @ field


def train_hidden(bonds, field, beta, states, n, seed):
    """A hidden layer for each site; a baseline of the other samples; from the end."""
    chance, sites = torch.Generator().manual_seed(seed), len(field)
    first = 0.3 * torch.randn(sites, sites, 4, generator=chance)
    second = 0.1 * torch.randn(sites, 4, generator=chance)
    parts = [first, second, torch.zeros(sites, sites), torch.zeros(sites)]
    parts = [part.requires_grad_() for part in parts]
    optimizer = torch.optim.Adam(parts, 1e-2)
    decline = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.02, 300)
    mask = torch.ones(sites, sites).triu(1)  # spins are drawn from the last one on

    def log_prob(s):
        first, second, direct, bias = parts
        inner = torch.tanh(s @ (first * mask[..., None]).permute(1, 0, 2).flatten(1))
        logits = (inner.view(-1, sites, 4) * second).sum(2)
        return logsigmoid(2 * s * (logits + s @ (direct * mask).T + bias)).sum(1)

    @torch.no_grad()
    def draw(n):
        first, second, direct, bias = parts
        s, uniform = torch.zeros(n, sites), torch.rand(n, sites, generator=chance)
        for i in reversed(range(sites)):
            later = s[:, i + 1 :]
            logit = torch.tanh(later @ first[i, i + 1 :]) @ second[i] + bias[i]
            logit = logit + later @ direct[i, i + 1 :]
            s[:, i] = 2.0 * (uniform[:, i] < torch.sigmoid(2 * logit)) - 1
        return s

    for step in range(300):
        s = draw(200)
        log_q = log_prob(s)
        now = beta * min(1, step / 150)
        cost = log_q.detach() + now * torch_energies(s, bonds, field)
        others = (cost.sum() - cost) / (len(cost) - 1)
        optimizer.zero_grad()
        ((cost - others) * log_q).mean().backward()
        optimizer.step()
        decline.step()
    samples = draw(n)
    with torch.no_grad():
        return samples, log_prob(samples).double(), log_prob(states)


def changed_train(change, train=train_coins):
    """A training that gets other arguments."""
    names = ("bonds", "field", "beta", "states", "n", "seed")

    def answer(*arguments):
        given = dict(zip(names, arguments, strict=True))
        return train(**(given | change(given)))

    return answer


def told_otherwise(change, train=train_coins):
    """What a training gives is told otherwise."""
    return lambda *arguments: change(*train(*arguments))


def train_independent(bonds, field, beta, states, n, seed):
    """The best means, from a random start."""
    torch.manual_seed(seed)
    m = 0.1 * torch.randn(len(field))
    for _ in range(500):
        m = 0.9 * m + 0.1 * torch.tanh(beta * (bonds @ m + field))
    samples = torch.where(torch.rand(n, len(m)) < (1 + m) / 2, 1.0, -1.0)

    def log_q(s):
        return torch.log((1 + s * m) / 2).sum(1)

    return samples, log_q(samples), log_q(states)


def sum_over_rows(bonds, field, beta, states, n, seed):
    """The transfer matrix draws perfect samples, and nothing is trained."""
    bonds, field = bonds.double().numpy(), field.double().numpy()
    sites = np.arange(len(field))
    width = max((sites - np.argmax(bonds != 0, axis=1)).max(), 1)
    strip = Strip(bonds, field, int(width))
    samples = strip.sample(beta, n, np.random.default_rng(seed))

    def log_q(s):
        energy = -((s @ bonds) * s).sum(1) / 2 - s @ field
        return -beta * energy - strip.log_partition(beta)

    return samples, log_q(samples), log_q(states.double().numpy())


def by_metropolis(bonds, field, beta, states, n, seed):
    """A chain from hot to cold for each sample; ln Z from the weights of the way."""
    rng = np.random.default_rng(seed)
    bonds, field = bonds.double().numpy(), field.double().numpy()

    def energy(s):
        return -((s @ bonds) * s).sum(1) / 2 - s @ field

    s = rng.choice([-1.0, 1.0], (n, len(field)))
    log_w, steps = np.full(n, len(field) * math.log(2)), 150
    for step in range(steps):
        log_w -= beta / steps * energy(s)
        for i in range(len(field)):
            up = 1 / (
                1 + np.exp(-2 * beta * (step + 1) / steps * (s @ bonds[i] + field[i]))
            )
            s[:, i] = np.where(rng.random(n) < up, 1, -1)
    log_z = logsumexp(log_w) - math.log(n)
    return s, -beta * energy(s) - log_z, -beta * energy(states.numpy()) - log_z


def train_on_states(bonds, field, beta, states, n, seed, steps=300):
    """Maximum likelihood of what is handed in."""
    torch.manual_seed(seed)
    model = Coins(len(field))
    optimizer = torch.optim.Adam(model.parameters(), 2e-2)
    for _ in range(steps):
        optimizer.zero_grad()
        (-model.log_prob(states).mean()).backward()
        optimizer.step()
    with torch.no_grad():
        samples = model.draw(n)
        return samples, model.log_prob(samples), model.log_prob(states)


def states_as_samples(*arguments):
    """The last of the states, again and again, as samples."""
    _, _, log_states = train_coins(*arguments)
    rows = 200 + torch.arange(arguments[4]) % 1_000
    return arguments[3][rows], log_states[rows], log_states


def cheapest_samples(bonds, field, beta, states, n, seed):
    """The better half of them, of a training that was too short."""
    s, log_q, log_states = train_coins(
        bonds, field, beta, states, 2 * n, seed, steps=150
    )
    best = (log_q + beta * torch_energies(s, bonds, field)).argsort()[:n]
    return s[best], log_q[best], log_states


def one_valley(bonds, field, beta, states, n, seed):
    """Only states with the first spin up, of a sampler that has both."""
    s, log_q, log_states = train_coins(bonds, field, beta, states, 8 * n, seed)
    up = s[:, 0] > 0
    share = up.double().mean().log()
    log_states = torch.where(states[:, 0] > 0, log_states - share, -1e3)
    return s[up][:n], log_q[up][:n] - share, log_states


CALLS = itertools.count()

HEALTHY_SAMPLERS = [train_coins, train_hidden]
SICK_SAMPLERS = [
    (train_independent, "beta (F_q - F) is"),
    (changed_train(lambda a: {"bonds": 0 * a["bonds"]}), "beta (F_q - F) is"),
    (changed_train(lambda a: {"bonds": a["bonds"].abs()}), "beta (F_q - F) is"),
    (changed_train(lambda a: {"field": 0 * a["field"]}), "beta (F_q - F) is"),
    (changed_train(lambda a: {"beta": 1.0}), "beta (F_q - F) is"),
    (changed_train(lambda a: {"bonds": 2 * a["bonds"]}), "beta (F_q - F) is"),
    (partial(train_coins, biases=False), "beta (F_q - F) is"),
    (partial(train_coins, baseline=False, steps=300), "beta (F_q - F) is"),
    (partial(train_coins, steps=60), "beta (F_q - F) is"),
    (partial(train_coins, rate=1e-3), "beta (F_q - F) is"),
    (train_on_states, "beta (F_q - F) is"),
    (one_valley, "beta (F_q - F) is"),
    (sum_over_rows, "all samples have one cost"),
    (by_metropolis, "all samples have one cost"),
    (cheapest_samples, "their weights miss"),
    (states_as_samples, "samples"),
    (told_otherwise(lambda s, q, t: ((s + 1) / 2, q, t)), "each -1 or 1"),
    (told_otherwise(lambda s, q, t: (s, q - 0.2, t)), "their weights miss"),
    (told_otherwise(lambda s, q, t: (s, q, t - 0.2)), "too little"),
    (told_otherwise(lambda s, q, t: (s, q, t + 0.2)), "seems to have the sum"),
    (told_otherwise(lambda s, q, t: (s, q, t.mean() + 0 * t)), "too little"),
    (
        told_otherwise(lambda s, q, t: (s[:500].tile(4, 1), q[:500].tile(4), t)),
        "differ",
    ),
    (
        told_otherwise(lambda s, q, t: (s[:1].expand_as(s), 0 * q, t)),
        "one and the same",
    ),
    (changed_train(lambda a: {"seed": 0}), "two seeds gave the same"),
    (changed_train(lambda a: {"seed": next(CALLS)}), "the same seed gave another"),
]

WRONG = {
    check_averages: [
        (averages_of_positive_bonds, "for ln Z"),
        (averages_of_uniform_field, "for ln Z"),
        (averages_of_a_chain, "for ln Z"),
        (averages_of_a_byte, "9 spins"),
        (lambda j, h, beta: averages(j, h, min(beta, 50.0)), "for ln Z"),
        (lambda j, h, beta: averages(j, h, beta or 1.0), "beta = 0"),
        (averages_in_single_precision_without_shift, "for ln Z"),
        (averages_of_two_thousand_states, "for the mean energy"),
        (lambda *a: averages(*a)[:2], "3 values are wanted"),
    ],
    check_mean_field: [
        (mean_field_by_a_sum_over_states, "500 spins"),
        (mean_field_clipped(1e-2), "for beta F_q"),
        (
            lambda *a: (mean_field(*a)[0], mean_field(*a)[1].clip(-0.99, 0.99)),
            "best means",
        ),
        (
            lambda j, *a: (mean_field(j, *a)[0], mean_field(np.triu(j), *a)[1]),
            "best means",
        ),
        (lambda *a: (mean_field(*a)[0], mean_field(*a)[1].mean()), "best means"),
        (lambda *a: (mean_field(*a)[0], a[3]), "best means"),
    ],
    check_ring_gap: [(-0.047, "lies above F"), (0.05, "does not fit")],
    check_accept_cluster: [
        (accept_always, "for the probability"),
        (accept_by_wolff, "for the probability"),
        (accept_up_clusters, "for the probability"),
        (accept_on_a_square_lattice, "for the probability"),
        (lambda *a: accept_cluster(*a) > 0.5, "numbers are wanted"),
    ],
    check_reweight: [
        (reweight_clipped, "energies around -4e+06"),
        (reweight_around_the_mean, "for the change of ln Z"),
        (reweight_to_second_order, "for the "),
        (lambda *a: reweight(*a)[::2], "3 values are wanted"),
    ],
    check_error_of_mean: [
        (as_if_independent, "times the exact"),
        (by_one_correlation, "a slow part under a fast one"),
        (of_bins_of(10), "times the exact"),
        (of_bins_of(50), "times the exact"),
        (of_bins(3), "times the exact"),
        (of_a_window(1), "a slow part under a fast one"),
        (thinned, "times the exact"),
        (of_all_lags, "times the exact"),
        (right_with_doubt, "came nan"),
        (lambda v: of_bins(50)(v) ** 2, "times the exact"),
        (lambda v: of_bins(50)(v) / abs(v.mean()), "times the exact"),
        (lambda v: of_bins(50)(v) * 50**0.5, "times the exact"),
    ],
    check_train_sampler: SICK_SAMPLERS,
}
RIGHT = {
    check_averages: [averages_by_loops, averages_by_torch, averages_by_derivatives],
    check_mean_field: [mean_field_by_loops, mean_field_in_single_precision],
    check_ring_gap: [0.0473, np.float32(0.0474)],
    check_accept_cluster: [accept_by_energies, accept_by_one_factor],
    check_reweight: [
        reweight_with_bootstrap,
        reweight_with_jackknife,
        reweight_by_torch,
    ],
    check_error_of_mean: [
        lambda values: correlated_mean(values).standard_error,
        of_bins(40),
        of_bins(100),
        of_jackknife,
        of_pairs_of_bins,
        of_a_window(5),
    ],
    check_train_sampler: HEALTHY_SAMPLERS,
}
