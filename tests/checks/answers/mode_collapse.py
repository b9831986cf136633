"""Answers to the exercises on mode collapse: modes, counted, and remedies."""

import copy
import itertools
import math
import warnings

import numpy as np
import torch
from scipy.spatial import KDTree
from torch.autograd.functional import jacobian
from torch.nn.functional import softplus
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from course_utils.checks.mode_collapse import (
    check_cover,
    check_coverage,
    check_dimensions,
    check_penalty_between,
    check_reverse_kl,
    check_running_mean,
    check_samples_to_see,
    penalty_between,
    running_mean,
)


def kl_by_loops(counts):
    total = 0.0
    for count in counts:
        share = count / sum(counts)
        total += share * math.log(len(counts) * share) if count else 0.0
    return np.float32(total)


def kl_by_torch(counts):
    shares = torch.tensor(counts[counts > 0] / counts.sum(), dtype=torch.float32)
    return (shares * (shares * len(counts)).log()).sum()


def coverage_by_loops(samples, modes, sigma):
    counts = [0] * len(modes)
    for x in samples:
        lengths = [math.dist(x, mode) for mode in modes]
        if min(lengths) <= 3 * sigma:
            counts[lengths.index(min(lengths))] += 1
    return sum(count > 0 for count in counts), sum(counts) / len(samples)


def coverage_by_tree(samples, modes, sigma):
    _, nearest = KDTree(modes).query(samples, distance_upper_bound=3 * sigma)
    inside = nearest < len(modes)
    return np.unique(nearest[inside]).size, np.float32(inside.mean())


def coverage_by_one_product(samples, modes, sigma):
    """Squared distances by the square of a difference, in single precision."""
    samples, modes = (torch.tensor(v / sigma).float() for v in (samples, modes))
    least, nearest = torch.cdist(samples, modes).min(1)
    return len(nearest[least < 3].unique()), (least < 3).float().mean()


def coverage_by_best_samples(samples, modes, sigma):
    """A mode is looked at through its nearest sample alone."""
    lengths = np.linalg.norm(samples[:, None] - modes, axis=2)
    best, order = lengths.argmin(0), np.arange(len(modes))
    is_near = lengths[best, order] < 3 * sigma
    found = is_near & (lengths[best].argmin(1) == order)
    return found.sum(), (lengths.min(1) < 3 * sigma).mean()


def coverage_along_an_axis(samples, modes, sigma):
    apart = samples[:, None] - modes
    nearest = np.abs(apart[..., 0]).argmin(1)
    lengths = np.linalg.norm(apart, axis=2)[np.arange(len(samples)), nearest]
    return len(set(nearest[lengths < 3 * sigma])), (lengths < 3 * sigma).mean()


def coverage_rounded(samples, modes, sigma):
    return coverage_by_loops(samples.round(3), modes, sigma)


def coverage_by_added_distances(samples, modes, sigma):
    near = np.abs(samples[:, None] - modes).sum(2) < 3 * sigma
    return near.any(0).sum(), near.any(1).mean()


def kl_with_guard(guard):
    def answer(counts):
        shares = counts / counts.sum()
        return (shares * np.log(len(counts) * shares + guard)).sum()

    return answer


def kl_of_capped_counts(counts):
    return kl_by_loops(np.minimum(counts, 255))


def mean_by_state(generator, train, steps, decay):
    """Keeps dictionaries, and fills a copy at the end."""
    mean = {name: value.clone() for name, value in generator.state_dict().items()}
    for _ in range(steps):
        train(generator)
        for name, value in generator.state_dict().items():
            mean[name] = mean[name].lerp(value, 1 - decay)
    result = copy.deepcopy(generator)
    result.load_state_dict(mean)
    return result


def mean_by_data(generator, train, steps, decay):
    mean = copy.deepcopy(generator).double()
    for _ in range(steps):
        train(generator)
        for m, w in zip(mean.parameters(), generator.parameters(), strict=True):
            m.data = decay * m.data + (1 - decay) * w.data
    return mean


def mean_of_the_library(generator, train, steps, decay):
    mean = AveragedModel(generator, multi_avg_fn=get_ema_multi_avg_fn(decay))
    mean.update_parameters(generator)
    for _ in range(steps):
        train(generator)
        mean.update_parameters(generator)
    return mean


def mean_through_another_function(*arguments):
    mean = running_mean(*arguments)
    mean[1] = torch.nn.ReLU()
    return mean


def mean_without_a_function(*arguments):
    """It holds the right weights and cannot be called."""
    mean, right = torch.nn.Module(), running_mean(*arguments)
    for name, layer in right.named_children():
        mean.add_module(name, layer)
    return mean


def mean_of_one_shape(*arguments):
    mean = torch.nn.Sequential(
        torch.nn.Linear(2, 4), torch.nn.Tanh(), torch.nn.Linear(4, 2)
    )
    mean.load_state_dict(running_mean(*arguments).state_dict())
    return mean


def mean_in_half_precision(*arguments):
    return running_mean(*arguments).half().float()


def shallow(generator, train, steps, decay):
    mean = copy.copy(generator)
    for _ in range(steps):
        train(generator)
    return mean


def points_between(real, fake, t):
    return torch.stack(
        [torch.lerp(a, b, c) for a, b, c in zip(real, fake, t, strict=True)]
    )


def penalty_by_jacobian(discriminator, real, fake, t):
    x = points_between(real, fake, t)
    each = jacobian(lambda rows: discriminator(rows).sum(), x, create_graph=True)
    lengths = torch.linalg.vector_norm(each.flatten(1), dim=1)
    return torch.nn.functional.mse_loss(lengths, torch.ones_like(lengths))


def penalty_by_loops(discriminator, real, fake, t):
    total = 0.0
    for a, b, c in zip(real, fake, t, strict=True):
        one = ((1 - c) * a + c * b)[None].requires_grad_()
        (slope,) = torch.autograd.grad(discriminator(one), one, create_graph=True)
        total = total + ((slope**2).sum().sqrt() - 1) ** 2
    return total / len(real)


def penalty_by_backward(discriminator, real, fake, t):
    x = points_between(real, fake, t).requires_grad_()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the cycle that this makes
        discriminator(x).sum().backward(create_graph=True)
    return (x.grad.flatten(1).norm(dim=1) - 1).square().mean()


def penalty_by_backward_and_cleared(discriminator, *rest):
    penalty = penalty_by_backward(discriminator, *rest)
    discriminator.zero_grad()
    return penalty


def penalty_of_points_and_images(discriminator, real, fake, t):
    """Two or four axes, as in the examples."""
    t = t[:, None] if real.dim() == 2 else t[:, None, None, None]
    return penalty_between(discriminator, real + t * (fake - real), fake, 0 * t)


def penalty_of_squares(discriminator, real, fake, t):
    """Right, with another way to ask for the gradients and to take lengths."""
    x = points_between(real, fake, t).requires_grad_()
    logits = discriminator(x)
    ones = torch.ones_like(logits)
    (slopes,) = torch.autograd.grad(logits, x, ones, create_graph=True)
    lengths = slopes.square().sum(tuple(range(1, x.dim()))) ** 0.5
    return ((lengths - 1) ** 2).sum() / len(real)


def penalty_with_a_guard(discriminator, real, fake, t):
    x = points_between(real, fake, t).requires_grad_()
    (slopes,) = torch.autograd.grad(discriminator(x).sum(), x, create_graph=True)
    lengths = (slopes.flatten(1).square().sum(1) + 1e-6).sqrt()
    return (lengths - 1).square().mean()


def frozen_discriminator(discriminator, *rest):
    """Right in number, and frozen afterwards."""
    penalty = penalty_between(discriminator, *rest)
    discriminator.requires_grad_(False)
    return penalty


def mean_frozen(generator, train, steps, decay):
    mean = running_mean(generator, train, steps, decay)
    generator.requires_grad_(False)
    return mean


def mean_with_generator_at_rest(generator, *rest):
    return running_mean(generator.eval(), *rest)


def mean_in_the_generator(generator, train, steps, decay):
    """The mean is right, and the generator gets it, too."""
    mean = running_mean(generator, train, steps, decay)
    generator.load_state_dict(mean.state_dict())
    return mean


def mean_of_the_first_layer(generator, train, steps, decay):
    mean = running_mean(generator, train, steps, decay)
    with torch.no_grad():
        for old, new in zip(
            mean[2].parameters(), generator[2].parameters(), strict=True
        ):
            old.copy_(new)
    return mean


def small_network(inputs, outputs):
    return torch.nn.Sequential(
        torch.nn.Linear(inputs, 64),
        torch.nn.ReLU(),
        torch.nn.Linear(64, 64),
        torch.nn.ReLU(),
        torch.nn.Linear(64, outputs),
    )


def cover_with_remedies(
    x, latents, seed, steps=1_500, pairs=False, wide=1.5, moves=True
):
    """A wide start, friction, and both of them falling; with pairs, if asked."""
    torch.manual_seed(seed)
    middle, size = x.mean(0), x.std()
    x = (x - middle) / size
    body, discriminator = small_network(2, 2), small_network(2, 1)
    mine, other = (
        torch.optim.Adam(network.parameters(), betas=(0.0, 0.99))
        for network in (body, discriminator)
    )
    for step in range(steps):
        fall = 0.01 ** max(0, (step / steps - 0.25) / 0.75)
        z = torch.randn(128, 2)
        real, fake = x[torch.randint(len(x), (128,))], wide * z + body(z)
        both = torch.cat([real, fake.detach()]).requires_grad_()
        logits = discriminator(both)
        (slopes,) = torch.autograd.grad(logits.sum(), both, create_graph=True)
        loss = 0.04 * fall * slopes.square().sum(1).mean()
        loss = loss + discriminator_loss(*logits.chunk(2), pairs)
        turn(other, loss, 3e-3 * fall**0.5)
        logits = discriminator(torch.cat([real, fake]))
        turn(mine, generator_loss(*logits.chunk(2), pairs), 3e-3 * fall * moves)
    with torch.no_grad():
        return middle + size * (wide * latents + body(latents))


def discriminator_loss(real, fake, pairs):
    if pairs:
        return softplus(fake - real).mean()
    return softplus(-real).mean() + softplus(fake).mean()


def generator_loss(real, fake, pairs):
    return softplus(real - fake).mean() if pairs else softplus(-fake).mean()


def turn(optimizer, loss, rate):
    optimizer.param_groups[0]["lr"] = rate
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


def a_circle(x, z, seed):
    """Distances from the middle as they are, and all directions alike."""
    middle = x.mean(0)
    lengths = torch.quantile((x - middle).norm(dim=1), torch.special.ndtr(z[:, 0]))
    angles = 2 * torch.pi * torch.special.ndtr(z[:, 1])
    return middle + lengths[:, None] * torch.stack([angles.cos(), angles.sin()], dim=1)


def a_normal(x, z, seed):
    values, axes = torch.linalg.eigh(torch.cov(x.T))
    return x.mean(0) + z * values.sqrt() @ axes.T


def rows_of_x(x, z, seed):
    return x[torch.arange(len(z)) % len(x)]


def rows_with_noise(x, z, seed):
    rows = x[torch.randint(len(x), (len(z),))]
    return rows + 0.02 * torch.randn_like(rows)


def rows_by_z(x, z, seed, rows=5_000):
    """Rows of the file, z says which, a little moved."""
    x = x[:rows]
    place = (len(x) * torch.special.ndtr(z[:, 0])).long().clamp(max=len(x) - 1)
    return x[place] + 1e-3 * z


def eight_heaps(x, z, seed, width=None):
    """Heaps made by hand around the middles of eight, no network at all."""
    middle, turns = x.mean(0), torch.atan2(*(x - x.mean(0)).T)
    start = torch.atan2((8 * turns).sin().mean(), (8 * turns).cos().mean())
    angles = (start + 2 * torch.pi * torch.arange(8)) / 8
    ring = torch.stack([angles.sin(), angles.cos()], dim=1)
    radius = (x - middle).norm(dim=1).mean()
    nearest = torch.cdist(z, ring).argmin(1)
    width = 0.12 * radius if width is None else width
    return middle + radius * ring[nearest] + width * (z - ring[nearest])


def half_a_ring(x, z, seed):
    """All z are moved to one side."""
    return eight_heaps(x, torch.stack([z[:, 0].abs(), z[:, 1]], dim=1), seed)


CALLS = itertools.count()


def eight_heaps_that_wander(*arguments):
    """Others in each call, whatever the seed."""
    return eight_heaps(*arguments) + 0.005 * (next(CALLS) % 4)


HEALTHY_COVERS = [
    cover_with_remedies,
    lambda *a: cover_with_remedies(*a, pairs=True),
]
SICK_COVERS = [
    (a_circle, "of the samples are more than"),
    (a_normal, "of the samples"),  # astray, or a mode has too few by chance
    (half_a_ring, "of 8 modes"),
    (rows_of_x, "points of the file"),
    (rows_with_noise, "side by side"),
    (rows_by_z, "side by side"),
    (lambda *a: rows_by_z(*a, rows=100), "next sample"),
    (lambda *a: eight_heaps(*a, width=1e-6), "next sample"),
    (eight_heaps, "two seeds gave the same"),
    (eight_heaps_that_wander, "the same seed gave another"),
    (lambda *a: cover_with_remedies(*a, steps=100), "modes"),
    (lambda *a: cover_with_remedies(*a, steps=300, moves=False), "modes"),
]


def mean_without_gradients(*arguments):
    with torch.no_grad():
        return running_mean(*arguments)


def mean_of_frozen_weights(generator, *others):
    generator.requires_grad_(False)
    mean = running_mean(generator, *others)
    generator.requires_grad_(True)
    return mean


def asleep(function, *places):
    """The right answer with networks at rest, which are woken up afterwards."""

    def answer(*arguments):
        for place in places:
            arguments[place].eval()
        value = function(*arguments)
        for place in places:
            arguments[place].train()
        return value

    return answer


WRONG = {
    check_cover: SICK_COVERS,
    check_dimensions: [(9.5, "are counted"), (0, "are counted"), (2, "does not fit")],
    check_running_mean: [
        (mean_without_gradients, "needs gradients"),
        (mean_of_frozen_weights, "ask for gradients"),
        (asleep(running_mean, 0), "the training mode"),
        (shallow, "no copy"),
        (mean_frozen, "requires_grad has been changed"),
        (mean_with_generator_at_rest, "the training mode"),
        (mean_in_the_generator, "generator.0.weight"),
        (mean_of_the_first_layer, "what the mean makes"),
        (mean_through_another_function, "what the mean makes"),
        (mean_without_a_function, "forward"),
        (mean_of_one_shape, "size mismatch"),
        (mean_in_half_precision, "what the mean makes"),
        (lambda *a: dict(running_mean(*a).state_dict()), "a network is wanted"),
    ],
    check_reverse_kl: [
        (kl_with_guard(1e-3), "the KL"),
        (kl_of_capped_counts, "the KL"),
    ],
    check_coverage: [
        (coverage_by_best_samples, "the modes found"),
        (coverage_along_an_axis, "the modes found"),
        (coverage_rounded, "many samples"),
        (coverage_by_added_distances, "the "),
    ],
    check_penalty_between: [
        (asleep(penalty_between, 0), "for the penalty"),
        (lambda *a: penalty_between(*a).detach(), "keep the gradient's own"),
        (penalty_by_backward, "gradient has been changed"),
        (penalty_by_backward_and_cleared, "gradient has been changed"),
        (penalty_of_points_and_images, "(2, 5, 3)"),
        (frozen_discriminator, "backward from the penalty stops"),
    ],
    check_samples_to_see: [(1_996, "varies by twice"), (-1, "more than none")],
}
RIGHT = {
    check_cover: HEALTHY_COVERS,
    check_reverse_kl: [kl_by_loops, kl_by_torch],
    check_coverage: [coverage_by_loops, coverage_by_tree, coverage_by_one_product],
    check_dimensions: [10, np.float32(10)],
    check_running_mean: [mean_by_state, mean_by_data, mean_of_the_library],
    check_penalty_between: [
        penalty_by_jacobian,
        penalty_by_loops,
        penalty_of_squares,
        penalty_with_a_guard,
    ],
    check_samples_to_see: [2_900.0, np.float64(2_800)],
}
