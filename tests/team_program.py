"""Trains with whatever team there is, and lays down what came: python FILE OUT."""

import sys
from pathlib import Path

import numpy as np
import torch
import weights
from iwae_table import Plan, Row

from course_utils.data.mnist import Images, load_mnist
from course_utils.pytorch.team import Team
from course_utils.pytorch.weights import export_weights


def classifier(team):
    sample = load_mnist("train", limit=260)
    few = Images(sample.x, sample.y, sample.source)
    weights.CLASSIFIER_BATCH = 51  # 260 leaves a last batch of five: parts of two sizes
    return export_weights(weights.trained_classifier(few, 3, team, dropout=0.0))


def table(team):
    """Two epochs of a row of the IWAE table, with noise for five points an image."""
    row = Row(Plan("iwae", 5, batch=51), load_mnist("train", limit=260).x, team)
    bounds = [row.train_epoch(number) for number in (1, 2)]
    return {"bounds": bounds} | export_weights(row.model.decoder)


def gradient(team):
    """Of a mean over five rows; Adam would not see that it is too long."""
    torch.manual_seed(0)
    layer, x = torch.nn.Linear(3, 1), torch.arange(15.0).view(5, 3)
    shared = team.sharing(layer)
    squares = shared(team.part(x)).square().sum()
    (team.summed(squares) / len(x)).backward()
    return layer.weight.grad.numpy()


def group_threads():
    """How many threads of this process serve a group; 0 where it cannot be asked."""
    names = [file.read_text() for file in Path("/proc/self/task").glob("*/comm")]
    return sum("gloo" in name for name in names)


if __name__ == "__main__":
    team = Team.joined()
    came = classifier(team) | table(team) | {"gradient": gradient(team)}
    during = group_threads()
    team.leave()
    threads = [during, group_threads()]
    if team.is_first:
        np.savez(sys.argv[1], **came, size=team.size, threads=threads)
