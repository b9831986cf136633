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

NOTEBOOKS = Path(__file__).parents[3] / "notebooks"
(SCRIPT,) = NOTEBOOKS.glob("scripts/solutions/*bug_clinic.py")
BARE = re.sub(r"^ *# (BEGIN|STUB|END).*\n", "", SCRIPT.read_text(), flags=re.M)
CELLS = re.split(r"^# %%.*\n", BARE, flags=re.M)
PROGRAMS = {c[4 : c.index("(")]: c for c in CELLS if c.startswith("def ")}
IMPORTS = "from itertools import pairwise\n"
GIVEN = {"F": F, "Tensor": Tensor, "nn": nn, "np": np, "torch": torch}
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

SEEDED = "torch.manual_seed(seed)\n"

# Of each patient: how its symptoms' sentences end and their hints begin; then what is
# edited. First two numbers that say nothing,
SILENT = "about its digit.\nHint: Print both terms"
DEAR = "nats of picture.\nHint: Without a code"
VAE_LOSS = "(pixels.sum(1) + kl).mean()"
WARM_UP = "pixels.mean() + min(1, step / 150) * kl.mean()"

# the generator that will not move,
STAYED = "lies where it lay before.\nHint: Which parameters"
FLED = "before.\nHint: What does this generator want"
FAKE = "fake = generator(torch.randn(64, 2))"
FROZEN = {FAKE: f"{FAKE}.detach()"}
WISH = "F.softplus(-discriminator(fake)).mean()"
OF_NEW_FAKES = "-F.logsigmoid(discriminator(generator(torch.randn(64, 2)))).mean()"
JOINT = {
    "fake.detach()": "fake",
    f"descend(g_optimizer, {WISH})": "g_optimizer.step(); g_optimizer.zero_grad()",
}

# the best loss anyone has seen,
BOTTOMLESS = "at the very least.\nHint: Draw the loss"
OFF_TARGET = "than the mean of all digits.\nHint: Which probability"
PIXELS = "x[rows] * logits"
CENTRED = {PIXELS: "centred[rows] * logits"}
LIKELIHOOD = "(x[rows] * logits - F.softplus(logits)).sum(1)"
BCE = 'F.binary_cross_entropy_with_logits(logits, x[rows], reduction="none")'
NO_LOSSES = "    losses = []\n"
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
ERROR = "squared_error.sum((-2, -1)).mean()"

# one mode at a time,
FEW_MODES = "of 6 modes got more than 1% of the samples.\nHint: Draw what the disc"
ANY_ROWS = "torch.randint(len(x), (64,))"
IN_ORDER = {
    "for _ in": "for step in",
    ANY_ROWS: "(64 * step + torch.arange(64)) % len(x)",
}
LARGE = {"64 * s": "256 * s", "arange(64)": "arange(256)", "(64, 2)": "(256, 2)"}

# a judge in two minds,
TWO_MINDS = "of all change their class.\nHint: After training"
EVAL, BATCHES, ODDS = "network.eval()", "new.split(100)", "network(batch).softmax(1)"

# error bars that nobody believes,
SHORT_BARS = "1 would be honest.\nHint: Take batches of 16"
LONG_BARS = "\nHint: Is the other term"
ELBO = "(kl - log_likelihood).mean()"
KL_TWICE_AVERAGED = {ELBO: "(kl.mean() - log_likelihood.sum()) / 64"}

# better than the truth.
LEAK = "nats.\nHint: Nobody beats the truth by skill"
HALVES = "x[order[:count]], x[order[count:]]"
TWO_ORDERS = {HALVES: "x[order[:count]], x[torch.randperm(len(x))[count:]]"}
SQUARED = "squared = (points[:, None] - centres).square().sum(2)"
LEFT_OUT = """
        if points is centres:
            squared = squared + 1e9 * torch.eye(len(x))"""

WRONG = {
    clinic.check_vae: [
        (vae({VAE_LOSS: "pixels.mean() + kl.mean()"}), f"0.00 nats {SILENT}"),
        (vae({"for _ in": "for step in", VAE_LOSS: WARM_UP}), SILENT),
        (vae({VAE_LOSS: "pixels.mean() + 0.1 * kl.mean()"}), SILENT),
        (vae({VAE_LOSS: "pixels.mean() + kl.mean() / 2"}), SILENT),
        (vae({VAE_LOSS: "pixels.mean()"}), DEAR),
        (vae({VAE_LOSS: "pixels.mean() - kl.mean()"}), DEAR),
    ],
    clinic.check_cloud_gan: [
        (cloud_gan(FROZEN), STAYED),
        (cloud_gan(FROZEN | {"adam(3e-3, gen": "adam(3e-2, gen"}), STAYED),
        (cloud_gan({FAKE: f"{FAKE}.detach().requires_grad_()"}), STAYED),
        (cloud_gan(JOINT), FLED),
        (cloud_gan({WISH: "F.softplus(discriminator(fake)).mean()"}), FLED),
        (lambda x, seed: (0 * x[:500], 0.3 * x[:500]), "before.\nHint: They do come"),
        (
            lambda x, seed: (0 * x[:500], x.mean(0).expand(500, 2)),
            "data.\nHint: Do all",
        ),
        (
            lambda x, seed: (0 * x[:500], 9 * x[:500] - 8 * x.mean(0)),
            "times as wide as the data.\nHint: Draw samples and data",
        ),
    ],
    clinic.check_coins: [
        (coins(CENTRED), BOTTOMLESS),
        (
            coins(CENTRED | {NO_LOSSES: f"{DECODED} net(z).clamp(-10, 10)\n"}),
            BOTTOMLESS,
        ),
        (
            coins(CENTRED | {NO_LOSSES: f"{DECODED} 10 * (net(z) / 10).tanh()\n"}),
            BOTTOMLESS,
        ),
        (coins(CENTRED | {"adam(3e-3": "adam(3e-4"}), BOTTOMLESS),
        (coins(CENTRED | CLIPPED), BOTTOMLESS),
        (coins({PIXELS: "centred[rows].sigmoid() * logits"}), OFF_TARGET),
        (coins({PIXELS: "centred[rows].abs() * logits"}), OFF_TARGET),
        (coins({PIXELS: "centred[rows].clamp(0, 1) * logits"}), OFF_TARGET),
        (coins({"torch.tensor(losses)": "[]"}), "one number for each step"),
    ],
    clinic.check_autoencoder: [
        (autoencoder(BROADCAST), MEAN),
        (autoencoder(BROADCAST | {".square()": ".abs()"}), MEAN),
        (autoencoder(BROADCAST | {ERROR: "squared_error.sum()"}), MEAN),
        (autoencoder(BROADCAST | {"64, 8)": "64, 64)", "mlp(8": "mlp(64"}), MEAN),
        (lambda x, seed: x, "no room for that.\nHint: Does all"),
    ],
    clinic.check_ring_gan: [
        (ring_gan(IN_ORDER), f"only 1 {FEW_MODES}"),
        (ring_gan(IN_ORDER | LARGE), FEW_MODES),
        (ring_gan(IN_ORDER | {"adam(5e-3": "adam(5e-4"}), FEW_MODES),
        (ring_gan(IN_ORDER | {"torch.arange": "torch.randperm"}), FEW_MODES),
        (ring_gan({ANY_ROWS: "torch.randint(64, (64,))"}), FEW_MODES),
        (lambda x, seed: x[::12], "none of the generator's.\nHint: Where no"),
        (
            lambda x, seed: 1.5 * torch.randn(1_000, 2),
            "near a mode.\nHint: Draw samples",
        ),
    ],
    clinic.check_judge: [
        (judge({EVAL: ""}), TWO_MINDS),
        (judge({EVAL: "network[1].eval()"}), TWO_MINDS),
        (
            judge(
                {
                    EVAL: "order = torch.randperm(len(new))",
                    BATCHES: "new[order].split(100)",
                    "torch.cat(answers)": "torch.cat(answers)[order.argsort()]",
                }
            ),
            TWO_MINDS,
        ),
        (judge({EVAL: "", ODDS: f"sum({ODDS} for _ in range(20)) / 20"}), TWO_MINDS),
        (judge({EVAL: "network[3].eval()", BATCHES: "[new]"}), "Hint: Send one row"),
        (judge({EVAL: "network[3].eval()"}), "only.\nHint: These come class by class"),
        (judge({ODDS: "network(batch)"}), "add up to 1.\nHint: From ten numbers"),
    ],
    clinic.check_error_bars: [
        (error_bars(KL_TWICE_AVERAGED), SHORT_BARS),
        (error_bars(KL_TWICE_AVERAGED | {"kl.mean()": "10 * kl.mean()"}), SHORT_BARS),
        (
            error_bars(KL_TWICE_AVERAGED | {"0.5 * logvar": "0.5 * logvar.clamp(-3)"}),
            SHORT_BARS,
        ),
        (error_bars({ELBO: "(kl - log_likelihood / 4).mean()"}), LONG_BARS),
        (error_bars({ELBO: "(2 * kl - log_likelihood).mean()"}), LONG_BARS),
        (lambda x, sigma, seed: (0 * x[:, 0], 1 + 0 * x[:, 0]), LONG_BARS),
        (
            lambda x, sigma, seed: (0 * x[:, 0], 3 + 0 * x[:, 0]),
            f"1 would be honest.{LONG_BARS}",
        ),
        (lambda x, sigma, seed: (x[:, 0], 0 * x[:, 0]), "Hint: How does a standard"),
    ],
    clinic.check_density: [
        (density(TWO_ORDERS), LEAK),
        (density({HALVES: "x, x[order[count:]]"}), LEAK),
        (density({HALVES: "x, x", "range(100)": "range(60)"}), LEAK),
        (density(TWO_ORDERS | {"* log_width": "* log_width.clamp(-3.5)"}), LEAK),
        (
            density(
                TWO_ORDERS
                | {"(scores)": "([log_density(fresh, centres).mean().item()])"}
            ),
            "Hint: The claim agrees",
        ),
        (density({"(scores), log": "(scores) + 3, 3 + log"}), "integrate to one"),
    ],
}
RIGHT = {
    clinic.check_vae: [
        vae({VAE_LOSS: "pixels.sum() / 64 + kl.mean()"}),
        vae({VAE_LOSS: "pixels.mean() + kl.mean() / 196"}),
    ],
    clinic.check_cloud_gan: [cloud_gan({}), cloud_gan({WISH: OF_NEW_FAKES})],
    clinic.check_coins: [
        coins({"centred = x - 0.5": "centred = x"}),
        coins({LIKELIHOOD: f"-{BCE}.sum(1)"}),
    ],
    clinic.check_autoencoder: [
        autoencoder({}),
        autoencoder({ERROR: "F.mse_loss(back, batch)"}),
    ],
    clinic.check_ring_gan: [
        ring_gan({}),
        ring_gan(IN_ORDER | {SEEDED: f"{SEEDED}    x = x[torch.randperm(len(x))]\n"}),
    ],
    clinic.check_judge: [
        judge({}),
        judge({EVAL: "network.train(False)", BATCHES: "new.split(1)"}),
    ],
    clinic.check_error_bars: [
        error_bars({}),
        error_bars(
            {
                SEEDED: f"{SEEDED}    x = x.double()\n",
                "nn.Linear(4, 2), nn.Linear(1, 4)": (
                    "nn.Linear(4, 2).double(), nn.Linear(1, 4).double()"
                ),
                ELBO: "kl.sum() - log_likelihood.sum()",
            }
        ),
    ],
    clinic.check_density: [
        density({}),
        density({HALVES: "x[torch.arange(len(x)) % 5 > 0].double(), x[::5].double()"}),
        density(
            {
                HALVES: "x, x",
                "range(100)": "range(60)",
                SQUARED: SQUARED + LEFT_OUT,
            }
        ),
    ],
}
