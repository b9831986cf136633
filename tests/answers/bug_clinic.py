"""Answers to the bug clinic: the sick programs, half-cures, and mended ones."""

import math
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import nn

from course_utils.checks.bug_clinic import (
    check_autoencoder,
    check_cloud_gan,
    check_coins,
    check_density,
    check_error_bars,
    check_judge,
    check_ring_gan,
    check_vae,
)


def mlp(*widths):
    layers = []
    for inputs, outputs in pairwise(widths):
        layers += [nn.Linear(inputs, outputs), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def adam(*networks, rate, **options):
    parameters = [p for network in networks for p in network.parameters()]
    return torch.optim.Adam(parameters, rate, **options)


adam(nn.Linear(1, 1), rate=0.1)  # a process's first imports for a second, here untimed


def descend(optimizer, loss):
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


def encoded(encoder, x):
    mu, logvar = encoder(x).chunk(2, dim=1)
    return mu, logvar, mu + torch.exp(0.5 * logvar) * torch.randn_like(mu)


def kl_parts(mu, logvar):
    return 0.5 * (mu**2 + logvar.exp() - 1 - logvar)


def vae(loss, steps=300):
    """A VAE with a loss of the logits, the batch, the KL's parts and progress."""

    def train_vae(x, seed):
        torch.manual_seed(seed)
        encoder, decoder = mlp(196, 64, 4), mlp(2, 64, 196)
        optimizer = adam(encoder, decoder, rate=5e-3)
        for step in range(steps):
            batch = x[torch.randint(len(x), (64,))]
            mu, logvar, z = encoded(encoder, batch)
            parts = kl_parts(mu, logvar)
            descend(optimizer, loss(decoder(z), batch, parts, step / steps))
        with torch.no_grad():
            mu, logvar, z = encoded(encoder, x)
            return mu, logvar, decoder(z).sigmoid()

    return train_vae


def bce(logits, x, reduction="mean"):
    return F.binary_cross_entropy_with_logits(logits, x, reduction=reduction)


def cloud_gan(step, rate=3e-3):
    """A GAN whose step gets the networks, their optimizers and a real batch."""

    def train_cloud_gan(x, seed):
        torch.manual_seed(seed)
        generator, discriminator = mlp(2, 32, 2), mlp(2, 32, 1)
        g_optimizer = adam(generator, rate=rate, betas=(0.0, 0.9))
        d_optimizer = adam(discriminator, rate=3e-3, betas=(0.0, 0.9))
        z = torch.randn(500, 2)
        before = generator(z)
        for _ in range(300):
            real = x[torch.randint(len(x), (64,))]
            step(generator, discriminator, g_optimizer, d_optimizer, real)
        return before, generator(z)

    return train_cloud_gan


def fooled(discriminator, real, fake):
    caught = F.softplus(discriminator(fake))
    return (F.softplus(-discriminator(real)) + caught).mean()


def healthy_step(g, d, g_optimizer, d_optimizer, real):
    fake = g(torch.randn(64, 2))
    descend(d_optimizer, fooled(d, real, fake.detach()))
    descend(g_optimizer, F.softplus(-d(fake)).mean())


def step_with_new_fakes(g, d, g_optimizer, d_optimizer, real):
    descend(d_optimizer, fooled(d, real, g(torch.randn(64, 2)).detach()))
    descend(g_optimizer, -F.logsigmoid(d(g(torch.randn(64, 2)))).mean())


def frozen_step(g, d, g_optimizer, d_optimizer, real):
    fake = g(torch.randn(64, 2)).detach()
    descend(d_optimizer, fooled(d, real, fake))
    descend(g_optimizer, F.softplus(-d(fake)).mean())


def step_with_new_leaves(g, d, g_optimizer, d_optimizer, real):
    fake = g(torch.randn(64, 2)).detach().requires_grad_()
    descend(d_optimizer, fooled(d, real, fake))
    descend(g_optimizer, F.softplus(-d(fake)).mean())


def joint_step(g, d, g_optimizer, d_optimizer, real):
    g_optimizer.zero_grad()
    descend(d_optimizer, fooled(d, real, g(torch.randn(64, 2))))
    g_optimizer.step()


def reversed_step(g, d, g_optimizer, d_optimizer, real):
    fake = g(torch.randn(64, 2))
    descend(d_optimizer, fooled(d, real, fake.detach()))
    descend(g_optimizer, F.softplus(d(fake)).mean())


def unchanged(values):
    return values


def coins(shown, wanted, loss=None, end=unchanged, rate=3e-3, decay=0.0, clip=None):
    """A VAE that sees `shown(x)` and is measured at `wanted(x)`, by logits."""
    loss = loss or (lambda logits, x: (F.softplus(logits) - x * logits).sum(1))

    def train_coins(x, seed):
        torch.manual_seed(seed)
        inputs, targets = shown(x), wanted(x)
        encoder, decoder = mlp(196, 64, 8), mlp(4, 64, 196)
        optimizer = adam(encoder, decoder, rate=rate, weight_decay=decay)
        losses = []
        for _ in range(300):
            rows = torch.randint(len(x), (64,))
            mu, logvar, z = encoded(encoder, inputs[rows])
            kl = kl_parts(mu, logvar).sum(1)
            value = (kl + loss(end(decoder(z)), targets[rows])).mean()
            losses.append(value.item())
            optimizer.zero_grad()
            value.backward()
            if clip:
                nn.utils.clip_grad_norm_(decoder.parameters(), clip)
            optimizer.step()
        with torch.no_grad():
            return losses, end(decoder(encoder(inputs).chunk(2, dim=1)[0]))

    return train_coins


def shifted(x):
    return x - 0.5


def autoencoder(loss, wide=8):
    """An autoencoder with a loss of decoded (n, 1, 14, 14) and x (n, 14, 14)."""

    def train_autoencoder(x, seed):
        torch.manual_seed(seed)
        encoder = nn.Sequential(nn.Flatten(), mlp(196, 64, wide))
        decoder = nn.Sequential(mlp(wide, 64, 196), nn.Unflatten(1, (1, 14, 14)))
        optimizer = adam(encoder, decoder, rate=5e-3)
        for _ in range(300):
            batch = x[torch.randint(len(x), (32,))]
            descend(optimizer, loss(decoder(encoder(batch)), batch))
        return decoder(encoder(x))[:, 0]

    return train_autoencoder


def ring_gan(rows_of, rate=5e-3, steps=400):
    """A GAN whose batches are rows_of(step, number of rows)."""

    def train_ring_gan(x, seed):
        torch.manual_seed(seed)
        generator, discriminator = mlp(2, 64, 64, 2), mlp(2, 64, 64, 1)
        g_optimizer = adam(generator, rate=rate, betas=(0.0, 0.9))
        d_optimizer = adam(discriminator, rate=rate, betas=(0.0, 0.9))
        for step in range(steps):
            real = x[rows_of(step, len(x))]
            z = torch.randn(len(real), 2)
            fake = z + generator(z)
            descend(d_optimizer, fooled(discriminator, real, fake.detach()))
            descend(g_optimizer, F.softplus(-discriminator(fake)).mean())
        z = torch.randn(1_000, 2)
        return z + generator(z)

    return train_ring_gan


def next_rows(step, count, batch=64):
    return torch.arange(batch * step, batch * (step + 1)) % count


def ring_by_epochs(x, seed):
    torch.manual_seed(seed)
    return ring_gan(next_rows)(x[torch.randperm(len(x))], seed)


def judge(use, dropout=0.5):
    """A judge that is used on new digits by use(network, new)."""

    def train_judge(x, y, new, seed):
        torch.manual_seed(seed)
        network = nn.Sequential(
            nn.Linear(196, 64),
            nn.BatchNorm1d(64),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(64, 10),
        )
        optimizer = adam(network, rate=5e-3)
        for _ in range(200):
            rows = torch.randint(len(x), (64,))
            descend(optimizer, F.cross_entropy(network(x[rows]), y[rows]))
        with torch.no_grad():
            return use(network, new)

    return train_judge


def in_batches(network, new):
    return torch.cat([network(batch) for batch in new.split(100)]).softmax(1)


def evaluating(network, new):
    return in_batches(network.eval(), new)


def one_by_one(network, new):
    network.train(False)
    return torch.stack([network(row[None])[0].softmax(0) for row in new])


def without_dropout(network, new):
    network[3].eval()
    return in_batches(network, new)


def without_batch_statistics(network, new):
    network[1].eval()
    return in_batches(network, new)


def all_at_once(network, new):
    network[3].eval()
    return network(new).softmax(1)


def shuffled(network, new):
    order = torch.randperm(len(new))
    return in_batches(network, new[order])[order.argsort()]


def mean_of_twenty(network, new):
    return torch.stack([in_batches(network, new) for _ in range(20)]).mean(0)


def error_bars(loss, least=-20.0, dtype=torch.float32):
    """A linear VAE with a loss of squared errors and KLs, one a row, and channels."""

    def train_error_bars(x, sigma, seed):
        torch.manual_seed(seed)
        x = x.to(dtype)
        encoder = nn.Linear(x.shape[1], 2, dtype=dtype)
        decoder = nn.Linear(1, x.shape[1], dtype=dtype)
        optimizer = adam(encoder, decoder, rate=0.1)
        decay = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.0, 400)
        for _ in range(400):
            batch = x[torch.randint(len(x), (64,))]
            mu, logvar = encoder(batch).chunk(2, dim=1)
            logvar = logvar.clamp(min=least)
            z = mu + torch.exp(0.5 * logvar) * torch.randn_like(mu)
            error = (batch - decoder(z)).square().sum(1) / (2 * sigma**2)
            descend(optimizer, loss(error, kl_parts(mu, logvar).sum(1)))
            decay.step()
        mu, logvar = encoder(x).T
        return mu, torch.exp(0.5 * logvar.clamp(min=least))

    return train_error_bars


def log_kernels(points, centres, log_width):
    squared = (points[:, None] - centres).square().sum(2)
    return -squared / (2 * torch.exp(2 * log_width)) - 2 * log_width


def density(halves, least=None, claim=None, itself=True, steps=100):
    """A kernel density whose centres and held-out points are halves(x)."""

    def train_density(x, fresh, seed):
        torch.manual_seed(seed)
        centres, held_out = halves(x)
        raw = torch.zeros((), requires_grad=True)
        optimizer = torch.optim.Adam([raw], 0.1)

        def log_density(points, hidden=0.0):
            width = raw if least is None else raw.clamp(min=math.log(least))
            kernels = log_kernels(points, centres, width) - hidden
            constant = math.log(2 * math.pi * (len(centres) - (not itself)))
            return torch.logsumexp(kernels, 1) - constant

        hidden = 0.0 if itself else 1e9 * torch.eye(len(x))
        scores = []
        for _ in range(steps):
            score = log_density(held_out, hidden).mean()
            descend(optimizer, -score)
            scores.append(score.item())
        result = log_density(fresh)
        return (scores if claim is None else claim(result)), result

    return train_density


def unnormalized(*arguments):
    scores, result = density(alternating)(*arguments)
    return [score + 3 for score in scores], result + 3


def shuffled_twice(x):
    count = len(x) * 4 // 5
    return x[torch.randperm(len(x))[:count]], x[torch.randperm(len(x))[count:]]


def shuffled_once(x):
    return torch.split(x[torch.randperm(len(x))], len(x) * 4 // 5)


def alternating(x):
    there = torch.arange(len(x)) % 5 > 0
    return x[there].double(), x[~there].double()


def with_its_own(x):
    return x, x[torch.randperm(len(x))[: len(x) // 5]]


def twice_the_same(x):
    return x, x


WRONG = {
    check_vae: [
        (vae(lambda o, x, kl, _: bce(o, x) + kl.sum(1).mean()), "0.00 nats"),
        (vae(lambda o, x, kl, t: bce(o, x) + min(1, 2 * t) * kl.sum(1).mean()), "0.0"),
        (vae(lambda o, x, kl, _: bce(o, x) + 0.1 * kl.sum(1).mean()), "0.0"),
        (vae(lambda o, x, kl, _: bce(o, x) + kl.mean()), "0.0"),
        (vae(lambda o, x, kl, _: bce(o, x)), "nats of picture"),
        (vae(lambda o, x, kl, _: bce(o, x) - kl.sum(1).mean()), "nats of picture"),
    ],
    check_cloud_gan: [
        (cloud_gan(frozen_step), "lies where it lay before"),
        (cloud_gan(frozen_step, rate=3e-2), "lies where it lay before"),
        (cloud_gan(step_with_new_leaves), "lies where it lay before"),
        (cloud_gan(joint_step), "moved away"),
        (cloud_gan(reversed_step), "moved away"),
        (lambda x, seed: (0 * x[:500], x.mean(0).expand(500, 2)), "as wide as"),
    ],
    check_coins: [
        (coins(shifted, shifted), "at the very least"),
        (coins(shifted, shifted, end=lambda o: o.clamp(-10, 10)), "at the very least"),
        (coins(shifted, shifted, end=lambda o: 10 * torch.tanh(o / 10)), "very least"),
        (coins(shifted, shifted, rate=3e-4), "at the very least"),
        (coins(shifted, shifted, clip=1.0), "at the very least"),
        (coins(shifted, lambda x: (x - 0.5).sigmoid()), "than the mean of all"),
        (coins(shifted, lambda x: (x - 0.5).abs()), "than the mean of all"),
        (coins(shifted, lambda x: (x - 0.5).clamp(0, 1)), "than the mean of all"),
    ],
    check_autoencoder: [
        (autoencoder(lambda o, x: (o - x).square().sum((-2, -1)).mean()), "0% of what"),
        (autoencoder(lambda o, x: (o - x).abs().mean()), "0% of what"),
        (autoencoder(lambda o, x: (o - x).square().sum()), "0% of what"),
        (
            autoencoder(lambda o, x: (o - x).square().sum((-2, -1)).mean(), wide=64),
            "0% of what",
        ),
        (lambda x, seed: x, "no room for that"),
    ],
    check_ring_gan: [
        (ring_gan(next_rows), "only 1 of 6 modes"),
        (ring_gan(lambda s, n: next_rows(s, n, 256)), "of 6 modes"),
        (ring_gan(next_rows, rate=5e-4), "of 6 modes"),
        (ring_gan(lambda s, n: next_rows(s, n)[torch.randperm(64)]), "of 6 modes"),
        (ring_gan(lambda s, n: torch.randint(64, (64,))), "of 6 modes"),
        (lambda x, seed: x[torch.randint(len(x), (1_000,))], "points of the file"),
    ],
    check_judge: [
        (judge(in_batches), "asked twice"),
        (judge(without_batch_statistics), "asked twice"),
        (judge(shuffled), "asked twice"),
        (judge(mean_of_twenty), "asked twice"),
        (judge(all_at_once), "depends on the others"),
        (judge(without_dropout), "is right in"),
    ],
    check_error_bars: [
        (error_bars(lambda e, kl: (e.sum() + kl.mean()) / 64), "root mean square"),
        (error_bars(lambda e, kl: (e.sum() + 10 * kl.mean()) / 64), "root mean square"),
        (error_bars(lambda e, kl: (e.sum() + kl.mean()) / 64, -3.0), "root mean"),
        (error_bars(lambda e, kl: (e / 4 + kl).mean()), "Hint"),
        (error_bars(lambda e, kl: (e + 2 * kl).mean()), "Hint"),
        (lambda x, sigma, seed: (0 * x[:, 0], 1 + 0 * x[:, 0]), "as long as"),
    ],
    check_density: [
        (density(shuffled_twice), "The true density gives"),
        (unnormalized, "integrate to one"),
        (density(with_its_own), "The true density gives"),
        (density(twice_the_same, steps=60), "The true density gives"),
        (density(shuffled_twice, least=0.03), "The true density gives"),
        (
            density(shuffled_twice, claim=lambda d: d.mean()[None]),
            "from the true density",
        ),
    ],
}
RIGHT = {
    check_vae: [
        vae(lambda o, x, kl, _: bce(o, x, "sum") / len(x) + kl.sum(1).mean()),
        vae(lambda o, x, kl, _: bce(o, x) + kl.sum(1).mean() / 196),
    ],
    check_cloud_gan: [cloud_gan(healthy_step), cloud_gan(step_with_new_fakes)],
    check_coins: [
        coins(unchanged, unchanged),
        coins(shifted, unchanged, lambda o, x: bce(o, x, "none").sum(1)),
    ],
    check_autoencoder: [
        autoencoder(lambda o, x: (o[:, 0] - x).square().sum((-2, -1)).mean()),
        autoencoder(lambda o, x: F.mse_loss(o, x[:, None])),
    ],
    check_ring_gan: [
        ring_gan(lambda step, count: torch.randint(count, (64,))),
        ring_by_epochs,
    ],
    check_judge: [judge(evaluating), judge(one_by_one)],
    check_error_bars: [
        error_bars(lambda e, kl: (e + kl).mean()),
        error_bars(lambda e, kl: e.sum() + kl.sum(), dtype=torch.float64),
    ],
    check_density: [
        density(shuffled_once),
        density(alternating),
        density(twice_the_same, itself=False, steps=60),
    ],
}
