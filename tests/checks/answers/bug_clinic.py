"""Answers to the bug clinic: the solutions' programs, with lines changed as one might.

So a wrong answer reads as what a student would edit. All that is replaced has to stand
in notebooks/scripts/solutions/.
"""

import re
from functools import partial
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_utils.checks import bug_clinic as clinic
from course_utils.metrics.digits import frechet_distance

NOTEBOOKS = Path(__file__).parents[3] / "notebooks"
(SCRIPT,) = NOTEBOOKS.glob("scripts/solutions/*bug_clinic.py")
BARE = re.sub(r"^ *# (BEGIN|STUB|END).*\n", "", SCRIPT.read_text(), flags=re.M)
CELLS = re.split(r"^# %%.*\n", BARE, flags=re.M)
PROGRAMS = {c[4 : c.index("(")]: c for c in CELLS if c.startswith("def ")}
IMPORTS = "from itertools import pairwise\n"
GIVEN = {"F": F, "Tensor": Tensor, "nn": nn, "np": np, "torch": torch}
GIVEN["frechet_distance"] = frechet_distance
exec(IMPORTS + PROGRAMS["mlp"], GIVEN)  # and adam and descend, in the same cell
GIVEN["adam"](0.1, nn.Linear(1, 1))  # imports more, for a second, here untimed


def edited(name, edits):
    """A program of the solutions with other text in place of some."""
    source = PROGRAMS[name]
    for old, new in edits.items():
        assert old in source, f"{name} has no {old!r} any more"
        source = source.replace(old, new)
    namespace = dict(GIVEN)
    exec(source, namespace)
    return namespace[name]


vae = partial(edited, "train_vae")
cloud_gan = partial(edited, "train_cloud_gan")
coins = partial(edited, "train_coins")
autoencoder = partial(edited, "train_autoencoder")
ring_gan = partial(edited, "train_ring_gan")
judge = partial(edited, "train_judge")
error_bars = partial(edited, "train_error_bars")
density = partial(edited, "train_density")
models = partial(edited, "compare_models")

SEEDED = "torch.manual_seed(seed)\n"

# Of each patient: how its symptoms' sentences end and their hints begin; then what is
# edited. First two numbers that say nothing,
SILENT = "about its digit.\nHint: Print both terms"
DEAR = "nats of picture.\nHint: Without a code"
VAE_LOSS = "(pixels.sum(1) + kl).mean()"
WARM_UP = "pixels.mean() + min(1, step / 150) * kl.mean()"
SLOW_START = "(pixels.sum(1) + min(1, step / 100) * kl).mean()"
WEIGHT = "as much as the picture.\nHint: The bound counts both"
EITHER = "picture.\nHint: "  # where the bound is fair, it is the weight that shows


def principal_codes(sigma, noise=1.0):
    """Codes and pictures of two principal axes, with q of one width."""

    def program(x, seed):
        torch.manual_seed(seed)
        mean = x.mean(0)
        _, lengths, axes = torch.linalg.svd(x - mean, full_matrices=False)
        axes = axes[:2] * (lengths[:2, None] / len(x) ** 0.5)
        mu = (x - mean) @ torch.linalg.pinv(axes) * (1 - sigma**2) ** 0.5
        z = mu + noise * sigma * torch.randn_like(mu)
        logvar = torch.full_like(mu, 2 * np.log(sigma))
        return mu, logvar, (mean + z @ axes).clamp(0, 1)

    return program


# the generator that will not move,
STAYED = "lies where it lay before.\nHint: Which parameters"
FLED = "before.\nHint: What does this generator want"
FAKE_LINE = "fake = generator(torch.randn(64, 2))"
FROZEN = {FAKE_LINE: f"{FAKE_LINE}.detach()"}
WISH = "F.softplus(-discriminator(fake)).mean()"
OF_NEW_FAKES = "-F.logsigmoid(discriminator(generator(torch.randn(64, 2)))).mean()"
CALLED_REAL = "F.binary_cross_entropy_with_logits(discriminator(fake)"
JOINT = {
    "fake.detach()": "fake",
    f"descend(g_optimizer, {WISH})": "g_optimizer.step(); g_optimizer.zero_grad()",
}
TOO_WIDE = "times as wide as the data.\nHint: Draw samples"
COPIED = "none of the generator's.\nHint: The samples after"
MOVED = "keep their shape.\nHint: They were moved"
SHIFT_ALONE = {
    "    before =": "    shift = nn.Parameter(torch.zeros(2))\n"
    "    g_optimizer = torch.optim.Adam([shift], 3e-2, betas=(0.0, 0.9))\n    before =",
    FAKE_LINE: f"{FAKE_LINE}.detach() + shift",
    "generator(z).detach()\n": "generator(z).detach() + shift.detach()\n",
}


def at_the_start(seed):
    """What the generator of the exercise makes before it learns."""
    torch.manual_seed(seed)
    return GIVEN["mlp"](2, 32, 2)(torch.randn(500, 2)).detach()


def start_moved(place):
    """The samples of before, moved to a place in the data."""

    def program(x, seed):
        before = at_the_start(seed)
        return before, before - place(before) + place(x)

    return program


def same_moments(x, seed):
    """The samples of before, with the mean and covariance of the data."""
    before = at_the_start(seed)
    off = before - before.mean(0)
    roots = [torch.linalg.cholesky(torch.cov(s.T)) for s in (off, x)]
    return before, torch.linalg.solve(roots[0], off.T).T @ roots[1].T + x.mean(0)


def noisy_rows(x, seed):
    """Rows of the data, but for a little noise."""
    before = at_the_start(seed)
    return before, x[torch.randint(len(x), (500,))] + 0.05 * torch.randn(500, 2)


CAUGHT = "caught = F.softplus(discriminator(fake.detach()))"
NO_DETACH = "no business in the generator"
ONE_LOOK = {
    CAUGHT: "look = discriminator(fake)\n        caught = F.softplus(look)",
    "descend(d_optimizer, (believed + caught).mean())": (
        "(believed + caught).mean().backward(retain_graph=True); d_optimizer.step(); "
        "d_optimizer.zero_grad()"
    ),
    WISH: "F.softplus(-look).mean()",
}

# the best loss anyone has seen,
BOTTOMLESS = "at the very least.\nHint: Draw the loss"
TOO_CHEAP = "at the very least.\nHint: Which probability"
OFF_TARGET = "than the mean of all digits.\nHint: Which probability"
PIXELS = "x[rows] * logits"
CENTRED = {PIXELS: "centred[rows] * logits"}
LIKELIHOOD = "(x[rows] * logits - F.softplus(logits)).sum(1)"
BCE = 'F.binary_cross_entropy_with_logits(logits, x[rows], reduction="none")'
SQUARES = "(0.5 * (x[rows] - logits) ** 2 + 0.919)"
OF_INK = SQUARES.replace("logits", "logits.sigmoid()")
NO_LOSSES = "    losses = []\n"
CENTRE = "    centred = x - 0.5\n"
OTHER_COST = "left for the KL.\nHint: Two things"
DECODED = "    net, losses = decoder, []\n    decoder = lambda z: "
CLIPPED = {
    "descend(optimizer, (kl - log_likelihood).mean())": """
        optimizer.zero_grad()
        (kl - log_likelihood).mean().backward()
        nn.utils.clip_grad_norm_(decoder.parameters(), 1.0)
        optimizer.step()"""
}

# one picture for all,
MEAN = "0% of what makes digits differ from their mean comes back.\nHint: Print the"
BROADCAST = {"(batch))[:, 0]": "(batch))"}
TOO_MANY = "through eight numbers.\nHint: Does all"
ERROR = "squared_error.sum((-2, -1)).mean()"


def principal_pictures(count):
    """Pictures from so many principal axes."""

    def program(x, seed):
        mean, flat = x.flatten(1).mean(0), x.flatten(1)
        axes = torch.linalg.svd(flat - mean, full_matrices=False)[2][:count]
        return (mean + (flat - mean) @ axes.T @ axes).reshape(x.shape)

    return program


# one mode at a time,
FEW_MODES = "of 6 modes got more than 1% of the samples.\nHint: Draw what the disc"
ANY_ROWS = "torch.randint(len(x), (64,))"
IN_ORDER = {
    "for _ in": "for step in",
    ANY_ROWS: "(64 * step + torch.arange(64)) % len(x)",
}
LARGE = {"64 * s": "256 * s", "arange(64)": "arange(256)", "(64, 2)": "(256, 2)"}
EACH_PART = "torch.randint(len(x) // 64, (64,)) + len(x) // 64 * torch.arange(64)"
SAME_ROWS = {
    ANY_ROWS: "same",
    SEEDED: f"{SEEDED}    same = torch.randint(len(x), (64,))\n",
}


def ring_rows(x, seed):
    """Rows of the file, but for a little noise."""
    torch.manual_seed(seed)
    return x[torch.randint(len(x), (1_000,))] + 0.05 * torch.randn(1_000, 2)


def unseeded_rows(x, seed):
    """The same by another generator, which no seed is told."""
    rng = np.random.default_rng()
    noise = torch.tensor(0.05 * rng.standard_normal((1_000, 2)))
    return x[rng.integers(len(x), size=1_000)] + noise


# a judge in two minds,
TWO_MINDS = "of all change their class.\nHint: After training"
EVAL, BATCHES, ODDS = "network.eval()", "new.split(100)", "network(batch).softmax(1)"
COMPANY = "Hint: Send one row"
UNIT = "Hint: Which layer makes the unit"
COST = "Hint: Are these the softmax"
STEPS = "optimizer = adam(5e-3, network)"
NORM, DROPOUT = "        nn.BatchNorm1d(64),\n", "        nn.Dropout(0.5),\n"
AMONG_TRAINING = "network(torch.cat([x[:500], batch]))[500:].softmax(1)"
SAME_DROPOUT = f"(torch.manual_seed(0), {ODDS})[1]"
SHUFFLED = {
    EVAL: "order = torch.randperm(len(new))",
    BATCHES: "new[order].split(100)",
    "torch.cat(answers)": "torch.cat(answers)[order.argsort()]",
}
DRAWN = "        rows = torch.randint(len(x), (64,))\n"
EPOCHS = "torch.cat([torch.randperm(len(x)) for _ in range(7)]).split(64)"

# error bars that nobody believes,
SHORT_BARS = "1 would be honest.\nHint: Take batches of 16"
LONG_BARS = "\nHint: Is the other term"
ELBO = "(kl - log_likelihood).mean()"
TWICE_AVERAGED = {ELBO: "(kl.mean() - log_likelihood.sum()) / 64"}
SUMS = "kl.sum() - log_likelihood.sum()"
LIKELY = "-(batch - decoder(z)).square().sum(1) / (2 * sigma**2)"
NORMAL = "torch.distributions.Normal(decoder(z), sigma)"
VARIANCE, PRIOR = "/ (2 * sigma**2)", "(mu**2 + logvar.exp() - 1 - logvar)"
FAR_TOO_LONG = "\nHint: What tells the encoder"
RATIO = "of a noisy one.\nHint: Which of the two"
DOUBLE = {
    SEEDED: f"{SEEDED}    x = x.double()\n",
    "nn.Linear(4, 2), nn.Linear(1, 4)": (
        "nn.Linear(4, 2).double(), nn.Linear(1, 4).double()"
    ),
}


def scaled_bars(factor):
    """A right program, but for the length of its error bars."""

    def program(x, sigma, seed):
        mu, std = error_bars({})(x, sigma, seed)
        return mu, factor * std

    return program


# better than the truth.
LEAK = "fresh points do.\nHint: Nobody beats the truth by skill"
HALVES = "x[order[:count]], x[order[count:]]"
ONE_IN_BOTH = {HALVES: "x[order[: count + 1]], x[order[count:]]"}
LAST_IN_BOTH = {HALVES: "x[order[:count]], x[order[count - 1 :]]"}
TWO_ORDERS = {HALVES: "x[order[:count]], x[torch.randperm(len(x))[count:]]"}
SQUARED = "squared = (points[:, None] - centres).square().sum(2)"
LEFT_OUT = """
        if points is centres:
            squared = squared + 1e9 * torch.eye(len(x))"""

FRESH = "Hint: Fresh points are there to be judged"
RETURN, WIDTH, MOVE = (
    "return torch.tensor(scores)",
    "* log_width",
    "descend(optimizer, -score)",
)
ZERO = "torch.zeros((), requires_grad=True)"
FROZEN_WIDTH = {ZERO: f"({ZERO} - 2.2).detach().requires_grad_()", MOVE: "pass"}
REPORTED = {"(scores)": "([log_density(fresh, centres).mean().item()])"}

# and few samples against many.
FEW_ARE_FAR = "bad one.\nHint: Take 64 of the 2,000"
FILE_ORDER = "bad one.\nHint: Which rows of the 2,000"
SCATTER = "or nearer.\nHint: Draw once more"
TOGETHER = "that are nearer.\nHint: What in a"
FEW, DISTANCE = "rng.permutation(x)[:fewest]", "frechet_distance(few, real)"
PLAIN = {FEW: "x", "range(10)": "range(1)"}


def over_features(few, real):
    """A Fréchet distance that sees each feature by itself."""
    shift, width = few.mean(0) - real.mean(0), few.std(0) - real.std(0)
    return np.sum(shift**2 + width**2)


def kernel_distance(x, real, rng):
    """The unbiased square of the maximum mean discrepancy, with a cubic kernel."""
    x, real = (rng.permutation(rows)[:500] for rows in (x, real))

    def kernel(a, b):
        return (a @ b.T / a.shape[1] + 1) ** 3

    def mean_of_pairs(a):
        pairs = kernel(a, a)
        return (pairs.sum() - np.trace(pairs)) / (len(a) * (len(a) - 1))

    return mean_of_pairs(x) + mean_of_pairs(real) - 2 * kernel(x, real).mean()


def endless(x, real, rng):
    """The distance of endlessly many samples, on a line through halves and all."""
    halves = [h for _ in range(6) for h in np.array_split(rng.permutation(x), 2)]
    return 2 * frechet_distance(x, real) - np.mean(
        [frechet_distance(half, real) for half in halves]
    )


def compared_by(distance):
    """A program that compares models by a distance of all rows of each."""

    def program(one, other, real, seed):
        rng = np.random.default_rng(seed)
        return [distance(x, real, rng) for x in (one, other)]

    return program


def compared_by_features(one, other, real, seed):
    """Equal numbers, but no covariances."""
    rng, fewest = np.random.default_rng(seed), min(len(one), len(other))
    return [
        np.mean([over_features(rng.permutation(x)[:fewest], real) for _ in range(10)])
        for x in (one, other)
    ]


HEALTHY = {
    "vae": {
        "as in the solution": vae({}),
        "sums over the batch": vae({VAE_LOSS: "pixels.sum() / 64 + kl.mean()"}),
        "means of both": vae({VAE_LOSS: "pixels.mean() + kl.mean() / 196"}),
        "batches of 128": vae({"(64,)": "(128,)"}),
        "slow start": vae({"for _ in": "for step in", VAE_LOSS: SLOW_START}),
        "600 steps": vae({"range(300)": "range(600)"}),
    },
    "cloud_gan": {
        "as in the solution": cloud_gan({}),
        "new fakes": cloud_gan({WISH: OF_NEW_FAKES}),
        "other fakes for each": cloud_gan(
            {"fake.detach()": "generator(torch.randn(64, 2)).detach()"}
        ),
        "cross-entropy": cloud_gan({WISH: f"{CALLED_REAL}, torch.ones(64, 1))"}),
    },
    "coins": {
        "as in the solution": coins({}),
        "nothing centred": coins({"centred = x - 0.5": "centred = x"}),
        "cross-entropy": coins({LIKELIHOOD: f"-{BCE}.sum(1)"}),
        "coins tossed": coins({PIXELS: "torch.bernoulli(x[rows]) * logits"}),
        "distribution": coins(
            {
                LIKELIHOOD: "torch.distributions.Bernoulli(logits=logits, "
                "validate_args=False).log_prob(x[rows]).sum(1)"
            }
        ),
        "centred taken back": coins({PIXELS: "(centred[rows] + 0.5) * logits"}),
        "coins tossed once": coins({CENTRE: f"    x = torch.bernoulli(x)\n{CENTRE}"}),
    },
    "autoencoder": {
        "as in the solution": autoencoder({}),
        "mse_loss": autoencoder({ERROR: "F.mse_loss(back, batch)"}),
        "batch with a channel": autoencoder(
            BROADCAST | {"(back - batch)": "(back - batch[:, None])"}
        ),
        "reshaped": autoencoder({"(batch))[:, 0]": "(batch)).reshape(batch.shape)"}),
        "summed over all": autoencoder({ERROR: "squared_error.sum()"}),
        "batches of 64": autoencoder({"(32,)": "(64,)"}),
    },
    "ring_gan": {
        "as in the solution": ring_gan({}),
        "shuffled once": ring_gan(
            IN_ORDER | {SEEDED: f"{SEEDED}    x = x[torch.randperm(len(x))]\n"}
        ),
        "without replacement": ring_gan({ANY_ROWS: "torch.randperm(len(x))[:64]"}),
        "a row of each part": ring_gan({ANY_ROWS: EACH_PART}),
        "shuffled by NumPy": ring_gan(
            IN_ORDER | {SEEDED: f"{SEEDED}    x = x[np.random.permutation(len(x))]\n"}
        ),
    },
    "judge": {
        "as in the solution": judge({}),
        "one at a time": judge({EVAL: "network.train(False)", BATCHES: "new.split(1)"}),
        "all at once": judge({BATCHES: "[new]"}),
        "layer by layer": judge({EVAL: "[layer.eval() for layer in network]"}),
        "epochs": judge({"for _ in range(200)": f"for rows in {EPOCHS}", DRAWN: ""}),
    },
    "error_bars": {
        "as in the solution": error_bars({}),
        "sums, in double precision": error_bars(DOUBLE | {ELBO: SUMS}),
        "both over the batch": error_bars({ELBO: f"({SUMS}) / 64"}),
        "batches of 256": error_bars({"(64,)": "(256,)"}),
        "by the distribution": error_bars({LIKELY: f"{NORMAL}.log_prob(batch).sum(1)"}),
    },
    "density": {
        "as in the solution": density({}),
        "every fifth, in double precision": density(
            {HALVES: "x[torch.arange(len(x)) % 5 > 0].double(), x[::5].double()"}
        ),
        "each point left out": density({HALVES: "x, x", SQUARED: SQUARED + LEFT_OUT}),
        "halves": density({"* 4 // 5": "// 2"}),
        "the last fifth": density({HALVES: "x[:count], x[count:]"}),
    },
    "models": {
        "as in the solution": models({}),
        "one draw": models({"range(10)": "range(1)"}),
        "drawn by choice": models(
            {FEW: "x[rng.choice(len(x), fewest, replace=False)]"}
        ),
        "extrapolated": compared_by(endless),
        "by a kernel without bias": compared_by(kernel_distance),
    },
}

SICK = {
    "vae": {
        "as handed in": (vae({VAE_LOSS: "pixels.mean() + kl.mean()"}), SILENT),
        "slow start": (vae({"for _ in": "for step in", VAE_LOSS: WARM_UP}), SILENT),
        "a tenth": (vae({VAE_LOSS: "pixels.mean() + 0.1 * kl.mean()"}), SILENT),
        "half": (vae({VAE_LOSS: "pixels.mean() + kl.mean() / 2"}), SILENT),
        "no KL": (vae({VAE_LOSS: "pixels.mean()"}), DEAR),
        "KL of the wrong sign": (vae({VAE_LOSS: "pixels.mean() - kl.mean()"}), DEAR),
    },
    "cloud_gan": {
        "as handed in": (cloud_gan(FROZEN), STAYED),
        "ten times the rate": (
            cloud_gan(FROZEN | {"adam(3e-3, gen": "adam(3e-2, gen"}),
            STAYED,
        ),
        "a leaf": (
            cloud_gan({FAKE_LINE: f"{FAKE_LINE}.detach().requires_grad_()"}),
            STAYED,
        ),
        "one backward for both": (cloud_gan(JOINT), FLED),
        "wants to be caught": (
            cloud_gan({WISH: "F.softplus(discriminator(fake)).mean()"}),
            FLED,
        ),
        "nothing detached": (cloud_gan({"fake.detach()": "fake"}), NO_DETACH),
        "one look for both": (cloud_gan(ONE_LOOK), "has to ask it again"),
    },
    "coins": {
        "as handed in": (coins(CENTRED), BOTTOMLESS),
        "logits clipped": (
            coins(CENTRED | {NO_LOSSES: f"{DECODED} net(z).clamp(-10, 10)\n"}),
            BOTTOMLESS,
        ),
        "logits bent": (
            coins(CENTRED | {NO_LOSSES: f"{DECODED} 10 * (net(z) / 10).tanh()\n"}),
            BOTTOMLESS,
        ),
        "smaller steps": (coins(CENTRED | {"adam(3e-3": "adam(3e-4"}), BOTTOMLESS),
        "gradients clipped": (coins(CENTRED | CLIPPED), BOTTOMLESS),
        "targets squashed": (
            coins({PIXELS: "centred[rows].sigmoid() * logits"}),
            OFF_TARGET,
        ),
        "targets without sign": (
            coins({PIXELS: "centred[rows].abs() * logits"}),
            OFF_TARGET,
        ),
        "no losses": (coins({"torch.tensor(losses)": "[]"}), "one number for each"),
    },
    "autoencoder": {
        "as handed in": (autoencoder(BROADCAST), MEAN),
        "absolute errors": (autoencoder(BROADCAST | {".square()": ".abs()"}), MEAN),
        "summed": (autoencoder(BROADCAST | {ERROR: "squared_error.sum()"}), MEAN),
        "64 numbers": (
            autoencoder(BROADCAST | {"64, 8)": "64, 64)", "mlp(8": "mlp(64"}),
            MEAN,
        ),
        "batches of two": (
            autoencoder(BROADCAST | {"(32,)": "(2,)"}),
            "comes back.\nHint: Print the shape",
        ),
        "batches of one": (
            autoencoder(BROADCAST | {"(32,)": "(1,)"}),
            "bring back half.\nHint: How many digits",
        ),
    },
    "ring_gan": {
        "as handed in": (ring_gan(IN_ORDER), f"only 1 {FEW_MODES}"),
        "larger batches": (ring_gan(IN_ORDER | LARGE), FEW_MODES),
        "smaller steps": (ring_gan(IN_ORDER | {"adam(5e-3": "adam(5e-4"}), FEW_MODES),
        "shuffled inside": (
            ring_gan(IN_ORDER | {"torch.arange": "torch.randperm"}),
            FEW_MODES,
        ),
        "the first 64": (ring_gan({ANY_ROWS: "torch.randint(64, (64,))"}), FEW_MODES),
    },
    "judge": {
        "as handed in": (judge({EVAL: ""}), TWO_MINDS),
        "dropout left on": (judge({EVAL: "network[1].eval()"}), TWO_MINDS),
        "new digits shuffled": (judge(SHUFFLED), TWO_MINDS),
        "mean of twenty": (
            judge({EVAL: "", ODDS: f"sum({ODDS} for _ in range(20)) / 20"}),
            TWO_MINDS,
        ),
        "statistics of all at once": (
            judge({EVAL: "network[3].eval()", BATCHES: "[new]"}),
            COMPANY,
        ),
        "statistics of a hundred": (judge({EVAL: "network[3].eval()"}), COMPANY),
        "logits": (
            judge({ODDS: "network(batch)"}),
            "add up to 1.\nHint: From ten numbers",
        ),
    },
    "error_bars": {
        "as handed in": (error_bars(TWICE_AVERAGED), SHORT_BARS),
        "ten times the KL": (
            error_bars(TWICE_AVERAGED | {"kl.mean()": "10 * kl.mean()"}),
            SHORT_BARS,
        ),
        "held long": (
            error_bars(TWICE_AVERAGED | {"0.5 * logvar": "0.5 * logvar.clamp(-3)"}),
            SHORT_BARS,
        ),
        "a quarter of the other": (
            error_bars({ELBO: "(kl - log_likelihood / 4).mean()"}),
            RATIO,
        ),
        "twice the KL": (
            error_bars({ELBO: "(2 * kl - log_likelihood).mean()"}),
            LONG_BARS,
        ),
    },
    "density": {
        "as handed in": (density(TWO_ORDERS), LEAK),
        "held out of all": (density({HALVES: "x, x[order[count:]]"}), LEAK),
        "nothing held out": (density({HALVES: "x, x"}), LEAK),
        "22 rounds": (density(TWO_ORDERS | {"range(100)": "range(22)"}), LEAK),
    },
    "models": {
        "as handed in": (models(PLAIN), FEW_ARE_FAR),
        "as many real ones": (
            models(
                PLAIN
                | {DISTANCE: "frechet_distance(few, rng.permutation(real)[:len(x)])"}
            ),
            FEW_ARE_FAR,
        ),
        "drawn up to 2,000": (
            models({FEW: "x[rng.integers(len(x), size=2_000)]"}),
            FEW_ARE_FAR,
        ),
        "at most 200": (models({FEW: "rng.permutation(x)[:200]"}), FEW_ARE_FAR),
        "the root": (models(PLAIN | {DISTANCE: f"{DISTANCE} ** 0.5"}), FEW_ARE_FAR),
        "the first of each": (models({FEW: "x[:fewest]"}), FILE_ORDER),
        "the last of each": (models({FEW: "x[-fewest:]"}), FILE_ORDER),
    },
}

FAKE = {
    "vae": {
        "beta of 0.2": (vae({VAE_LOSS: "pixels.mean() + 0.001 * kl.mean()"}), EITHER),
        "beta of 2": (vae({VAE_LOSS: "pixels.mean() + 2 / 196 * kl.mean()"}), EITHER),
        "a hundredth": (vae({VAE_LOSS: "pixels.mean() + 0.01 * kl.mean()"}), EITHER),
        "beta of a half": (vae({VAE_LOSS: "pixels.mean() + kl.mean() / 392"}), WEIGHT),
        "principal axes": (principal_codes(0.3), DEAR),
        "principal axes, no noise": (principal_codes(0.3, noise=0.0), EITHER),
    },
    "cloud_gan": {
        "rows of the data": (lambda x, seed: (0 * x[:500], x[:500]), COPIED),
        "data and noise": (noisy_rows, "none any more.\nHint: The z are drawn once"),
        "moved to the mean": (start_moved(lambda x: x.mean(0)), MOVED),
        "moved to the median": (start_moved(lambda x: x.median(0).values), MOVED),
        "two moments": (same_moments, TOO_WIDE),
        "part of the way": (
            lambda x, seed: (0 * x[:500], 0.3 * x[:500]),
            "before.\nHint: They do come",
        ),
        "all in one place": (
            lambda x, seed: (0 * x[:500], (x.median(0).values + 0.01).expand(500, 2)),
            "data.\nHint: Do all",
        ),
        "far too wide": (
            lambda x, seed: (0 * x[:500], 4 * x[:500] - 3 * x.median(0).values),
            TOO_WIDE,
        ),
        "only a shift is trained": (
            cloud_gan(SHIFT_ALONE),
            "Hint: They",
        ),
    },
    "coins": {
        "upper half": (
            coins({PIXELS: "(2 * centred[rows]).clamp(0, 1) * logits"}),
            TOO_CHEAP,
        ),
        "ink or none": (
            coins({PIXELS: "(centred[rows] > 0) * logits"}),
            OTHER_COST,
        ),
        "black and white": (
            coins({CENTRE: f"    x = x.round()\n{CENTRE}"}),
            OTHER_COST,
        ),
        "no KL": (coins({"(kl - log_l": "(-log_l"}), OTHER_COST),
        "no KL in the losses": (
            coins({"losses.append((kl - log_l": "losses.append((-log_l"}),
            OTHER_COST,
        ),
        "clipped": (
            coins({PIXELS: "centred[rows].clamp(0, 1) * logits"}),
            TOO_CHEAP,
        ),
        "Gaussian": (coins({LIKELIHOOD: f"-{SQUARES}.sum(1)"}), OFF_TARGET),
        "Gaussian of probabilities": (
            coins({LIKELIHOOD: f"-{OF_INK}.sum(1)"}),
            OFF_TARGET,
        ),
        "narrow Gaussian": (
            coins({LIKELIHOOD: f"-99 * {OF_INK}.sum(1)"}),
            "for each pixel.\nHint: Logits near 0",
        ),
        "fabricated losses": (
            coins({"torch.tensor(losses)": "torch.linspace(140, 48, 300)"}),
            "have the same losses.\nHint: The losses are those",
        ),
    },
    "autoencoder": {
        "copies": (lambda x, seed: x, "no room for that.\nHint: Does all"),
        "copies and noise": (
            lambda x, seed: (
                x.mean(0) + 0.4 * (x - x.mean(0)) + 0.01 * torch.randn(x.shape)
            ),
            TOO_MANY,
        ),
        "pale copies": (lambda x, seed: x.mean(0) + 0.37 * (x - x.mean(0)), TOO_MANY),
        "eight axes": (principal_pictures(8), "half.\nHint: How many digits"),
        "twelve axes": (principal_pictures(12), TOO_MANY),
        "sixteen numbers": (
            autoencoder({"64, 8)": "64, 16)", "mlp(8": "mlp(16"}),
            "no room for that.\nHint: Does all",
        ),
    },
    "ring_gan": {
        "rows of the file": (lambda x, seed: x[::12], "generator's.\nHint: Where no"),
        "the same 64": (ring_gan(SAME_ROWS), "last digit.\nHint: A generator learns"),
        "data and noise": (ring_rows, "last digit.\nHint: A generator learns"),
        "data and noise, unseeded": (
            unseeded_rows,
            "themselves.\nHint: A generator bends",
        ),
        "a wide cloud": (
            lambda x, seed: 1.5 * torch.randn(1_000, 2),
            "near a mode.\nHint: Draw samples",
        ),
    },
    "judge": {
        "eval before training": (
            judge({EVAL: "", STEPS: f"network.eval()\n    {STEPS}"}),
            UNIT,
        ),
        "no such layers": (judge({NORM: "", DROPOUT: ""}), UNIT),
        "one-hot": (judge({ODDS: "F.one_hot(network(batch).argmax(1), 10)"}), COST),
        "training digits along": (
            judge({EVAL: "network[3].eval()", ODDS: AMONG_TRAINING}),
            COMPANY,
        ),
        "the same dropout each time": (
            judge(
                {EVAL: "network[1].eval()", BATCHES: "new.split(1)", ODDS: SAME_DROPOUT}
            ),
            "is right in",  # if it is not even that, another hint fits as well
        ),
        "20 steps": (judge({"range(200)": "range(20)"}), "Hint: Draw the loss"),
    },
    "error_bars": {
        "no sigma": (error_bars({VARIANCE: "/ 2"}), RATIO),
        "sigma without a square": (error_bars({VARIANCE: "/ (2 * sigma)"}), RATIO),
        "no prior": (error_bars({PRIOR: "-logvar"}), FAR_TOO_LONG),
        "a tenth too long": (scaled_bars(1.1), LONG_BARS),
        "a tenth too short": (scaled_bars(0.9), "\nHint: Is the other term too large"),
        "KL a quarter too large": (
            error_bars({ELBO: "(1.25 * kl - log_likelihood).mean()"}),
            LONG_BARS,
        ),
        "the prior": (
            lambda x, sigma, seed: (0 * x[:, 0], 1 + 0 * x[:, 0]),
            RATIO,
        ),
        "ten times the prior": (
            lambda x, sigma, seed: (0 * x[:, 0], 10 + 0 * x[:, 0]),
            FAR_TOO_LONG,
        ),
        "no length": (
            lambda x, sigma, seed: (x[:, 0], 0 * x[:, 0]),
            "Hint: How does a standard",
        ),
    },
    "density": {
        "fresh held out": (density({HALVES: "x[order[:count]], fresh"}), FRESH),
        "fresh among the centres": (
            density({HALVES: "torch.cat([x, fresh[:99]]), x[order[count:]]"}),
            FRESH,
        ),
        "score of fresh points": (density(TWO_ORDERS | REPORTED), FRESH),
        "last score doctored": (
            density(TWO_ORDERS | {RETURN: f"scores[-1] = -9.0\n    {RETURN}"}),
            LEAK,
        ),
        "width clamped": (density(TWO_ORDERS | {WIDTH: f"{WIDTH}.clamp(-2)"}), LEAK),
        "width clamped by the data's": (
            density(TWO_ORDERS | {WIDTH: f"{WIDTH}.clamp(float(x.std().log()) - 1.6)"}),
            LEAK,
        ),
        "width frozen": (
            density(TWO_ORDERS | FROZEN_WIDTH),
            LEAK,
        ),
        "width frozen, no leak": (density(FROZEN_WIDTH), "nats"),
        "width held up": (
            density(
                TWO_ORDERS | {MOVE: "descend(optimizer, -score - 0.2 * log_width)"}
            ),
            LEAK,
        ),
        "one centre more": (density(ONE_IN_BOTH), "nats"),
        "one point held out more": (density(LAST_IN_BOTH), "nats"),
        "claims too little": (
            density({"(scores), log": "(scores) - 1, log"}),
            "Hint: Both are points",
        ),
        "not normalized": (
            density({"(scores), log": "(scores) + 3, 3 + log"}),
            "integrate to one",
        ),
    },
    "models": {
        "times their number": (
            models(PLAIN | {DISTANCE: f"len(x) * {DISTANCE}"}),
            FILE_ORDER,
        ),
        "the other one's": (
            lambda one, other, real, seed: models(PLAIN)(other, one, real, seed),
            FILE_ORDER,
        ),
        "the same for both": (lambda one, other, real, seed: (1.0, 1.0), SCATTER),
        "a coin": (
            lambda one, other, real, seed: np.random.default_rng(seed).random(2),
            "bad",
        ),
        "ten of each": (models({"[:fewest]": "[:10]"}), "bad"),
        "means alone": (
            models({DISTANCE: "((few.mean(0) - real.mean(0)) ** 2).sum()"}),
            SCATTER,
        ),
        "feature by feature": (compared_by_features, TOGETHER),
    },
}
CHECKS = {name: getattr(clinic, f"check_{name}") for name in HEALTHY}
# All have run over many seeds, which is on record and tested there. Of those who differ
# by a word, tests run only some anew: the first, and the last ones.
RIGHT = {
    check: [*HEALTHY[name].values()][:: len(HEALTHY[name]) - 1]
    for name, check in CHECKS.items()
}
WRONG = {
    check: [*SICK[name].values()][:1]
    + [*SICK[name].values()][-2:]
    + [*FAKE[name].values()]
    for name, check in CHECKS.items()
}
