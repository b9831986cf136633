"""Answers to the exercises on diffusion: guesses, bounds, samplers, scores."""

import itertools
import math
from functools import partial

import numpy as np
import torch
from scipy.integrate import simpson
from torch import nn

from course_utils.checks.diffusion import (
    best_guesses,
    chain_costs,
    check_best_guesses,
    check_chain_costs,
    check_endless_frechet,
    check_heun,
    check_nats,
    check_train_denoiser,
    check_translate,
    heun,
    nats,
    translate,
)
from course_utils.metrics.digits import frechet_distance


def guesses_by_precision(x_t, a, b, mean, sigma):
    """Data and reading as two measurements of x; each point by itself."""
    if b == 0:
        return [x / a for x in x_t], [0.0] * len(x_t), 0.0, 1.0
    precision = 1 / sigma**2 + (a / b) ** 2
    x = [(mean / sigma**2 + a * point / b**2) / precision for point in x_t]
    epsilon = [(point - a * own) / b for point, own in zip(x_t, x, strict=True)]
    return x, epsilon, 1 / precision, (a / b) ** 2 / precision


def guesses_in_single_precision(x_t, a, b, mean, sigma):
    x_t = torch.tensor(x_t).float()
    total = a * a * sigma * sigma + b * b
    slope = a * sigma * sigma / total
    x = slope * x_t + (1 - slope * a) * mean
    share = (a * sigma) ** 2 / total
    return x, b / total * (x_t - a * mean), sigma**2 * (1 - share), share


def guesses_of_these_points(x_t, a, b, mean, sigma):
    """The mean and the width of six points, for those of the data."""
    return best_guesses(x_t, a, b, x_t.mean() / (a or 1), x_t.std() / (a or 1))


def guesses_that_add_tiny(x_t, a, b, mean, sigma):
    """No division by 0, and another result."""
    x, _, *errors = best_guesses(x_t, a, b, mean, sigma)
    return x, (x_t - a * x) / (b + 1e-3), *errors


def translate_by_ratio(velocity, y, a, b):
    """The time from the noise over the signal; the data from y and the noise."""
    t = 1.0 if a == 0 else (b / a) / (1 + b / a)
    x_t = y * t / b
    v = velocity(x_t, t)
    epsilon = x_t + v - t * v
    return epsilon - v, epsilon, -epsilon / b


def translate_in_single_precision(velocity, y, a, b):
    t, c = np.float32(b / (a + b)), np.float32(1 / (a + b))
    x_t = np.float32(y) * c
    v = np.float32(velocity(x_t, t))
    return x_t - t * v, x_t + (1 - t) * v, -(x_t + (1 - t) * v) / np.float32(b)


def translate_with_the_lessons_circle(velocity, y, a, b):
    """As if y lay on the circle, and v were the circle's."""
    t = 2 / np.pi * np.arctan2(b, a)
    v = velocity(y, t)
    return a * y - b * v, b * y + a * v, -(b * y + a * v) / b


def translate_from_the_circle_alone(velocity, y, a, b):
    """Right where a^2 + b^2 = 1."""
    length = math.cos(np.arctan2(b, a)) + math.sin(np.arctan2(b, a))
    t, x_t = b / (a + b), y / length
    v = velocity(x_t, t)
    epsilon = x_t + (1 - t) * v
    return x_t - t * v, epsilon, -epsilon / b


def translate_at_a_half(velocity, y, a, b):
    return translate(velocity, y, a, b, time=lambda a, b: 0.5)


def translate_without_the_network(velocity, y, a, b):
    return 0 * y, y / b, -y / b**2


def translate_by_division(velocity, y, a, b):
    """0 / 0 where there is noise alone."""
    _, epsilon, score = translate(velocity, y, a, b)
    return (y - b * epsilon) / a, epsilon, score


def translate_with_another_factor(velocity, y, a, b):
    x, epsilon, _ = translate(velocity, y, a, b)
    return x, epsilon, -epsilon * (a + b)


def costs_by_loops(errors, a, b, variances, second):
    """Each normal distribution by itself, with the factors of x_t and x."""

    def kl(beta, w, square):
        return 0.5 * (math.log(w / beta) + (beta + square) / w - 1)

    steps = 0.0
    for k in range(1, len(a)):
        ratio = a[k] / a[k - 1]
        there = b[k] ** 2 - ratio**2 * b[k - 1] ** 2
        beta = there * b[k - 1] ** 2 / b[k] ** 2
        factor = a[k - 1] * there / b[k] ** 2
        steps += kl(beta, variances[k], factor**2 * errors[k])
    prior = kl(b[-1] ** 2, 1.0, a[-1] ** 2 * second)
    w = variances[0]
    return prior, steps, 0.5 * math.log(2 * math.pi * w) + errors[0] / (2 * w)


def costs_by_torch(errors, a, b, variances, second):
    a, b, w, m = (torch.tensor(each) for each in (a, b, variances, errors))
    later, sooner = slice(1, None), slice(None, -1)
    snr = a**2 / b**2
    beta = b[sooner] ** 2 * (1 - snr[later] / snr[sooner])
    square = beta * (snr[sooner] - snr[later]) * m[later]
    ratio = (beta + square) / w[later]
    steps = (ratio - 1 - torch.log(beta / w[later])).sum() / 2
    last = -torch.distributions.Normal(0, w[0].sqrt()).log_prob(m[0].sqrt())
    return (a[-1] ** 2 * second + b[-1] ** 2 - 1).div(2) - b[-1].log(), steps, last


def costs_of_the_lesson(errors, a, b, variances, second):
    """The best variances, and pure noise at the end."""
    snr = (a / b) ** 2
    r = 1 + (snr[:-1] - snr[1:]) * errors[1:]
    return 0.0, 0.5 * np.log(r).sum(), 0.5 * np.log(2 * np.pi * np.e * errors[0])


def costs_backwards(errors, a, b, variances, second):
    """Time runs the other way."""
    return chain_costs(errors[::-1], a[::-1], b[::-1], variances[::-1], second)


def costs_that_begin_at_the_data(errors, a, b, variances, second):
    """The variances of the places where steps end."""
    prior, _, last = chain_costs(errors, a, b, variances, second)
    return prior, chain_costs(errors, a, b, np.roll(variances, 1), second)[1], last


def costs_or_none(errors, a, b, variances, second):
    prior, steps, last = chain_costs(errors, a, b, variances, second)
    return prior, steps if len(errors) > 1 else None, last


def costs_with_another_prior(errors, a, b, variances, second):
    """A mistake in the prior that no slip is."""
    prior, *others = chain_costs(errors, a, b, variances, second)
    return 0.9 * prior, *others


def costs_with_one_variance(errors, a, b, variances, second):
    return chain_costs(errors, a, b, 0 * variances + variances[0], second)


def costs_of_unit_data(errors, a, b, variances, second):
    return chain_costs(errors, a, b, variances, 1.0)


def nats_by_simpson(losses, log_snr, size, unit):
    order = np.argsort(log_snr)
    excess = losses - 1 / (1 + np.exp(-log_snr))
    whole = simpson(excess[order], x=log_snr[order])
    each = (math.log(2 * math.pi) + 1 + whole) / 2 + math.log(unit)
    return size * each


def nats_by_sums(losses, log_snr, size, unit):
    """From the noisy end, each point with the width to the next."""
    pairs = sorted(zip(log_snr, losses, strict=True), reverse=True)
    total = 0.0
    for (left, loss), (right, _) in itertools.pairwise(pairs):
        total += (left - right) * (loss - 0.5 * (1 + math.tanh(left / 2)))
    start = math.log(unit * math.sqrt(2 * math.pi * math.e))
    return torch.tensor(size * (start + total / 2))


def nats_of_images(losses, log_snr, size, unit):
    return nats(losses, log_snr, 784, unit)


def nats_of_pixels(losses, log_snr, size, unit):
    return nats(losses, log_snr, size, 127.5)


def nats_in_the_middle(losses, log_snr, size, unit):
    near = np.abs(log_snr) < 1
    return nats(losses[near], log_snr[near], size, unit)


def nats_with_even_widths(losses, log_snr, size, unit):
    grid = np.linspace(log_snr.min(), log_snr.max(), len(log_snr))
    return nats(np.sort(losses), grid, size, unit)


def nats_torn_apart(losses, log_snr, size, unit):
    """Both sorted, each by itself."""
    return nats(np.sort(losses), np.sort(log_snr), size, unit)


def nats_of(area):
    """Something else of the integral than itself."""
    return partial(nats, integral=lambda *points: area(np.trapezoid(*points)))


def nats_by_distances(losses, log_snr, size, unit):
    """Widths without a sign, of points in no order."""
    excess = losses - 1 / (1 + np.exp(-log_snr))
    whole = (excess[1:] * np.abs(np.diff(log_snr))).sum()
    return nats_of(lambda area: whole)(losses, log_snr, size, unit)


def nats_by_the_other_sums(losses, log_snr, size, unit):
    """Each point with the width to the next, from the data's end."""

    def left(excess, log_snr):
        return (excess[:-1] * np.diff(log_snr)).sum()

    return nats(losses, log_snr, size, unit, integral=left)


def heun_by_torch(velocity, noise, times):
    x, times = torch.tensor(noise), [float(t) for t in times]
    for i in range(len(times) - 1):
        h = times[i + 1] - times[i]
        first = torch.as_tensor(velocity(x.numpy(), times[i]))
        second = torch.as_tensor(velocity((x + h * first).numpy(), times[i + 1]))
        x = x + h * (first + second) / 2
    return x


def heun_from_the_end(velocity, noise, times):
    """The mean of the simple step and of a step back from its end."""
    x = noise
    for t, s in zip(times[:-1], times[1:], strict=True):
        end = x - (t - s) * velocity(x, t)
        x = 0.5 * (x + end) + 0.5 * (s - t) * velocity(end, s)
    return x


def heun_on_a_fine_grid(velocity, noise, times):
    """Nearer to the flow, and not what is asked for."""
    fine = [np.linspace(t, s, 50, endpoint=False) for t, s in itertools.pairwise(times)]
    return heun(velocity, noise, np.concatenate([*fine, [0.0]]))


def heun_in_place(velocity, noise, times):
    for t, s in itertools.pairwise(times):
        here = velocity(noise, t)
        there = velocity(noise + (s - t) * here, s)
        noise += (s - t) / 2 * (here + there)
    return noise


def heun_that_adds_up_times(velocity, noise, times):
    """The last time is 0 but for rounding, and may lie below it."""
    x, t = noise, times[0]
    for step in np.diff(times):
        here = velocity(x, t)
        t = t + step
        x = x + step / 2 * (here + velocity(x + step * here, t))
    return x


def heun_with_a_simple_end(velocity, noise, times):
    """The last step is a simple one, as where a network must not be asked at 0."""
    x = heun(velocity, noise, times[:-1])
    return x + (times[-1] - times[-2]) * velocity(x, times[-2])


def heun_in_even_steps(velocity, noise, times):
    x, step = noise, -1 / (len(times) - 1)
    for t, s in itertools.pairwise(times):
        here = velocity(x, t)
        x = x + step / 2 * (here + velocity(x + step * here, s))
    return x


def heun_beside_simple_steps(velocity, noise, times):
    simple = x = noise
    for t, s in itertools.pairwise(times):
        here = velocity(simple, t)
        simple = simple + (s - t) * here
        x = x + (s - t) / 2 * (here + velocity(simple, s))
    return x


def by_halves(fake, real, seed, parts=8):
    rng, found = np.random.default_rng(seed), []
    for _ in range(parts):
        order = rng.permutation(len(fake))
        middle = len(fake) // 2
        found += [frechet_distance(fake[order[:middle]], real)]
        found += [frechet_distance(fake[order[middle:]], real)]
    return 2 * frechet_distance(fake, real) - sum(found) / len(found)


def by_a_line(fake, real, seed):
    """A straight line in 1 / n, as Chong and Forsyth have it."""
    rng, n = np.random.default_rng(seed), len(fake)
    sizes = np.array([n // 3, n // 2, 2 * n // 3, n])
    means = []
    for size in sizes:
        parts = [rng.permutation(n)[:size] for _ in range(16)]
        means.append(np.mean([frechet_distance(fake[rows], real) for rows in parts]))
    return np.polyfit(1 / sizes, means, 1)[1]


def by_thirds(fake, real, seed):
    """Without any chance but the order, which is none."""
    thirds = [frechet_distance(fake[i::3], real) for i in range(3)]
    halves = [frechet_distance(fake[i::2], real) for i in range(2)]
    whole = frechet_distance(fake, real)
    return (2 * whole - np.mean(halves) + 1.5 * whole - np.mean(thirds) / 2) / 2


def minus_the_floor(fake, real, seed):
    """The bias of real samples, and not of these."""
    rng, n = np.random.default_rng(seed), len(fake)
    floors = [
        frechet_distance(real[rng.permutation(len(real))[:n]], real) for _ in range(8)
    ]
    return frechet_distance(fake, real) - np.mean(floors)


def of_many_copies(fake, real, seed):
    return frechet_distance(np.tile(fake, (100, 1)), real)


def of_a_bootstrap(fake, real, seed):
    rows = np.random.default_rng(seed).integers(len(fake), size=20_000)
    return frechet_distance(fake[rows], real)


def of_equal_numbers(fake, real, seed):
    rng = np.random.default_rng(seed)
    return frechet_distance(fake, real[rng.permutation(len(real))[: len(fake)]])


def of_a_small_part(fake, real, seed):
    """Right on average, from a quarter of the samples."""
    parts = [frechet_distance(fake[: len(fake) // k], real) for k in (4, 8)]
    return 2 * parts[0] - parts[1]


def extrapolated_in_n(fake, real, seed):
    """A line in n in place of 1 / n."""
    halves = [frechet_distance(fake[i::2], real) for i in range(2)]
    return 3 * frechet_distance(fake, real) - 2 * np.mean(halves)


def halves_of(samples, seed, splits=6):
    rng = np.random.default_rng(seed)
    orders = [rng.permutation(len(samples)) for _ in range(splits)]
    return [samples[h] for order in orders for h in np.array_split(order, 2)]


def by_one_split(fake, real, seed):
    return by_halves(fake, real, seed, parts=1)


def by_jackknife(fake, real, seed, blocks=25):
    """Each block of samples left out once, as Quenouille had it."""
    rows = np.arange(len(fake))
    parts = [np.delete(fake, rows[i::blocks], axis=0) for i in range(blocks)]
    others = np.mean([frechet_distance(part, real) for part in parts])
    return blocks * frechet_distance(fake, real) - (blocks - 1) * others


def minus_their_own_floor(fake, real, seed):
    """The distance of a bootstrap of the samples to the samples."""
    rng = np.random.default_rng(seed)
    floors = [frechet_distance(rng.choice(fake, len(fake)), fake) for _ in range(20)]
    return frechet_distance(fake, real) - np.mean(floors)


def minus_the_scaled_floor(fake, real, seed):
    """The bias of real samples, in the unit of these."""
    scale = np.cov(fake.T).trace() / np.cov(real.T).trace()
    whole = frechet_distance(fake, real)
    return whole - scale * (whole - minus_the_floor(fake, real, seed))


def minus_traces(fake, real, seed, times=2):
    """A number that fits six features."""
    return frechet_distance(fake, real) - times * np.cov(fake.T).trace() / len(fake)


def by_another_law(fake, real, seed, factor=1.6):
    means = np.mean([frechet_distance(half, real) for half in halves_of(fake, seed)])
    return factor * frechet_distance(fake, real) - (factor - 1) * means


def with_halves_of_real_ones(fake, real, seed):
    pairs = zip(halves_of(fake, seed), halves_of(real, seed), strict=True)
    distances = [frechet_distance(*pair) for pair in pairs]
    return 2 * frechet_distance(fake, real) - np.mean(distances)


def of_the_first_real_ones(fake, real, seed):
    return by_halves(fake, real[:1_000], seed)


def of_even_numbers(fake, real, seed):
    halves = [frechet_distance(half, real) for half in np.split(fake, 2)]
    return 2 * frechet_distance(fake, real) - np.mean(halves)


def network_of(inputs, width, activation, beside=None):
    """Two hidden layers, and perhaps a third kind of layer in each."""
    more = [] if beside is None else [beside]
    return nn.Sequential(
        *(nn.Linear(inputs, width), *(make() for make in more), activation()),
        *(nn.Linear(width, width), *(make() for make in more), activation()),
        nn.Linear(width, 1),
    )


def train_residual(
    energies,
    cosines,
    readings,
    noises,
    angles,
    seed,
    *,
    steps=2_000,
    rate=3e-3,
    beside=None,
    like=lambda energies, readings: energies,
    drawn=lambda noises: 8 * 150 ** torch.rand(300),
):
    """What is left when a straight line has done its part, in proper weights."""
    torch.manual_seed(seed)
    measured = like(energies, readings)
    mean, std = measured.mean(), measured.std()
    network = network_of(3, 64, nn.SiLU, beside)
    optimizer = torch.optim.Adam(network.parameters(), rate)
    decline = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)

    def guess(y, noise, cosine):
        y, noise = (y - mean) / std, noise / std
        length = (1 + noise**2).sqrt()
        inputs = torch.stack([y / length, noise.log() / 2, 2 * cosine - 1], 1)
        return mean + std * (y / length**2 + noise / length * network(inputs)[:, 0])

    for _ in range(steps):
        rows = torch.randint(len(energies), (300,))
        noise = drawn(noises)
        y = energies[rows] + noise * torch.randn(300)
        off = guess(y, noise, cosines[rows]) - energies[rows]
        optimizer.zero_grad()
        (off**2 * (1 / noise**2 + 1 / std**2)).mean().backward()
        optimizer.step()
        decline.step()
    with torch.no_grad():
        return guess(readings, noises, angles)


def train_straight(
    energies, cosines, readings, noises, angles, seed, steps=2_000, learns=True
):
    """The velocity of the straight path, by another network and a generator."""
    chance = torch.Generator().manual_seed(seed)
    mean, std = energies.mean(), energies.std()
    network = network_of(4, 96, nn.Tanh)
    for parameter in network.parameters():
        size = parameter.shape[-1] if parameter.ndim > 1 else 100
        parameter.data = torch.randn(parameter.shape, generator=chance) / size**0.5
    optimizer = torch.optim.AdamW(network.parameters(), 2e-3)
    decline = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.01, steps)

    def velocity(y, noise, cosine):
        t = noise / (1 + noise)
        inputs = [2 * y * (1 - t), 2 * t - 1, noise.log() / 2, 2 * cosine - 1]
        return network(torch.stack(inputs, 1))[:, 0], t

    for _ in range(steps * learns):
        rows = torch.randint(len(energies), (400,), generator=chance)
        noise = 8 * 150 ** torch.rand(400, generator=chance) / std
        x, epsilon = (energies[rows] - mean) / std, torch.randn(400, generator=chance)
        v, _ = velocity(x + noise * epsilon, noise, cosines[rows])
        optimizer.zero_grad()
        (v - epsilon + x).square().mean().backward()
        optimizer.step()
        decline.step()
    with torch.no_grad():
        y = (readings - mean) / std
        v, t = velocity(y, noises / std, angles)
        return (mean + std * (y * (1 - t) - t * v)).double()


def train_raw(energies, cosines, readings, noises, angles, seed):
    """Numbers in keV, as they are."""
    torch.manual_seed(seed)
    network = network_of(3, 64, nn.SiLU)
    optimizer = torch.optim.Adam(network.parameters(), 3e-3)
    for _ in range(1_000):
        rows = torch.randint(len(energies), (256,))
        noise = 8 * 150 ** torch.rand(256)
        y = energies[rows] + noise * torch.randn(256)
        guess = network(torch.stack([y, noise, cosines[rows]], 1))[:, 0]
        optimizer.zero_grad()
        (guess - energies[rows]).square().mean().backward()
        optimizer.step()
    with torch.no_grad():
        return network(torch.stack([readings, noises, angles], 1))[:, 0]


def straight_line(energies, cosines, readings, noises, angles, seed):
    """The best line in the reading, around a parabola in the cosine."""
    x, c = energies.double().numpy(), cosines.double().numpy()
    parabola = np.polynomial.Polynomial.fit(c, x, 2)
    variance, centre = np.var(x - parabola(c)), parabola(angles.double().numpy())
    share = variance / (variance + noises.double().numpy() ** 2)
    return centre + share * (readings.double().numpy() - centre)


def weighted_rows(energies, cosines, readings, noises, angles, seed):
    """Each row of the file by how likely the reading is: good, and no network."""
    guesses = []
    for y, noise, cosine in zip(readings, noises, angles, strict=True):
        far = ((y - energies) / noise) ** 2 + ((cosine - cosines) / 0.03) ** 2
        guesses.append(torch.softmax(-far / 2, 0) @ energies)
    return torch.stack(guesses)


def changed_train(change, train=train_residual):
    """A training that gets other arguments."""
    names = ("energies", "cosines", "readings", "noises", "angles", "seed")

    def answer(*arguments):
        given = dict(zip(names, arguments, strict=True))
        return train(**(given | change(given)))

    return answer


CALLS = itertools.count()
ABOVE, COMPANY = "above the least one", "when they came in another order"
SICK_DENOISERS = [
    (straight_line, ABOVE),
    (train_raw, ABOVE),
    (partial(train_residual, steps=200), ABOVE),
    (partial(train_residual, rate=1e-5), ABOVE),
    (partial(train_straight, learns=False), ABOVE),
    (lambda *a: a[2], ABOVE),
    (lambda *a: 1e3 * a[2], "times the least one"),
    (lambda *a: a[0].mean() + 0 * a[2], ABOVE),
    (changed_train(lambda a: {"angles": 0 * a["angles"] + 0.5}), ABOVE),
    (changed_train(lambda a: {"noises": 0 * a["noises"] + 100}), ABOVE),
    (
        changed_train(
            lambda a: {"cosines": 0 * a["cosines"], "angles": 0 * a["angles"]}
        ),
        ABOVE,
    ),
    (changed_train(lambda a: {"energies": a["energies"].flip(0)}), ABOVE),
    (lambda *a: a[0].mean() + 0.8 * (train_residual(*a) - a[0].mean()), ABOVE),
    (weighted_rows, "two seeds gave the same"),
    (changed_train(lambda a: {"seed": 0}), "two seeds gave the same"),
    (changed_train(lambda a: {"seed": next(CALLS)}), "all chance from the seed"),
    (partial(train_residual, beside=lambda: nn.BatchNorm1d(64)), COMPANY),
    (partial(train_residual, beside=lambda: nn.Dropout(0.1)), COMPANY),
    (partial(train_residual, like=lambda energies, readings: readings), COMPANY),
    (
        partial(
            train_residual,
            drawn=lambda noises: noises[torch.randint(len(noises), (300,))],
        ),
        COMPANY,
    ),
    (lambda *a: a[2][:100], "for the guesses came"),
    (lambda *a: a[2][:, None], "Three things to look at"),
]

WRONG = {
    check_best_guesses: [
        (guesses_of_these_points, "for the guess of x"),
        (guesses_that_add_tiny, "for the guess of epsilon"),
        (lambda *a: best_guesses(*a)[:2], "4 values are wanted"),
        (
            lambda *a: (*best_guesses(*a)[:2], *(0.5, 0.5)),
            "for the error of x",
        ),
    ],
    check_translate: [
        (translate_with_the_lessons_circle, "for the guess of x"),
        (translate_from_the_circle_alone, "noise that explodes"),
        (translate_at_a_half, "for the guess of x"),
        (translate_without_the_network, "for the guess of x"),
        (translate_by_division, "0 / 0 is no guess"),
        (translate_with_another_factor, "The score has one more factor"),
        (lambda *a: translate(*a)[:2], "3 values are wanted"),
    ],
    check_chain_costs: [
        (costs_of_the_lesson, "for the prior's cost"),
        (costs_backwards, "for the prior's cost"),
        (costs_with_one_variance, "for the steps' cost"),
        (costs_of_unit_data, "for the prior's cost"),
        (costs_that_begin_at_the_data, "variances[k] belongs to the step"),
        (costs_or_none, "None came for what the steps cost"),
        (costs_with_another_prior, "by itself"),
        (lambda *a: sum(chain_costs(*a)), "3 values are wanted"),
    ],
    check_nats: [
        (nats_of_images, "for the nats"),
        (nats_of_pixels, "for the nats"),
        (nats_in_the_middle, "for the nats"),
        (nats_with_even_widths, "for the nats"),
        (nats_torn_apart, "sort them together"),
        (nats_of(lambda area: -abs(area)), "An area has a sign"),
        (nats_of(lambda area: min(area, 0)), "An area has a sign"),
        (nats_by_distances, "are they in order?"),
    ],
    check_heun: [
        (heun_on_a_fine_grid, "for the samples"),
        (heun_in_place, "has been changed"),
        (heun_with_a_simple_end, "The last step is one like all others"),
        (heun_in_even_steps, "each has its own length"),
        (heun_beside_simple_steps, "A step begins where the last one ended"),
        (lambda velocity, noise, times: noise, "for the samples"),
        (
            lambda velocity, noise, times: heun(velocity, np.zeros(5), times),
            "for the samples",
        ),
    ],
    check_endless_frechet: [
        (lambda fake, real, seed: frechet_distance(fake, real), "on average"),
        (lambda fake, real, seed: 0.0, "distances is negative"),
        (minus_the_floor, "on average"),
        (of_many_copies, "on average"),
        (of_a_bootstrap, "on average"),
        (of_equal_numbers, "on average"),
        (of_a_small_part, "your distances scatter"),
        (extrapolated_in_n, "your distances"),
        (lambda *a: -by_halves(*a), "on average"),
        (lambda f, r, seed: by_halves(f, r, next(CALLS)), "gave another"),
        (lambda *a: abs(by_halves(*a)) ** 0.5, "on average"),
        (lambda *a: max(by_halves(*a), 0), "distances is negative"),
        (lambda *a: abs(by_halves(*a)), "distances is negative"),
        (minus_the_scaled_floor, "on average"),
        (minus_traces, "on average"),
        (partial(minus_traces, times=3), "on average"),
        (by_another_law, "on average"),
        (partial(by_another_law, factor=1.5), "on average"),
        (partial(by_another_law, factor=2.4), "on average"),
        (with_halves_of_real_ones, "on average"),
        (of_the_first_real_ones, "your distances"),
        (of_even_numbers, "equal division"),
    ],
    check_train_denoiser: SICK_DENOISERS,
}
RIGHT = {
    check_best_guesses: [guesses_by_precision, guesses_in_single_precision],
    check_translate: [translate_by_ratio, translate_in_single_precision],
    check_chain_costs: [costs_by_loops, costs_by_torch],
    check_nats: [nats_by_simpson, nats_by_sums, nats_by_the_other_sums],
    check_heun: [heun_by_torch, heun_from_the_end, heun_that_adds_up_times],
    check_endless_frechet: [
        by_halves,
        by_a_line,
        by_thirds,
        by_one_split,
        by_jackknife,
        minus_their_own_floor,
    ],
    check_train_denoiser: [train_residual, train_straight],
}
