"""Samples of a program that a student's function trains: are they a network's, of z?"""

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from course_utils.checks.examination import Ask
from course_utils.checks.torch_tools import tensor

# So many z come with a neighbour, so far away on each axis; its sample may be that far
# from theirs, in widths of all samples, but for some.
NEIGHBOURS, APART, JUMP, SOME = 100, 1e-3, 0.02, 0.1


def samples_of(ask: Ask, words: str, x: NDArray, z: NDArray, seed: int) -> NDArray:
    """What `fit(x, z, seed)` makes of z (m, 2), (m, 2): no copies, no noise, no jumps.

    Args:
        ask: whom.
        words: for the data.
        x: the data, (n, 2).
        z: latent points.
        seed: of the training.
    """
    near = z[:NEIGHBOURS] + APART * ask.rng.standard_normal((NEIGHBOURS, 2))
    answer = ask.call(words, tensor(x), tensor(np.concatenate([z, near])), seed)
    shape = (len(z) + NEIGHBOURS, 2)
    (samples,) = ask.arrays(answer, {"the samples": shape})
    samples, theirs = samples[: len(z)], samples[len(z) :]
    if np.isin(samples.astype(np.float32), x.astype(np.float32)).mean() > 0.5:
        ask.fail(
            "these are points of the file.",
            "The generator makes its samples from z; it never sees the file.",
        )
    moved = np.linalg.norm(theirs - samples[:NEIGHBOURS], axis=1)
    if (moved > JUMP * np.linalg.norm(samples.std(0))).mean() > SOME:
        ask.fail(
            "z that lie side by side got samples that lie far apart.",
            "A sample is G(z): no other randomness, and a network has no jumps.",
        )
    return samples


def refuse_crowd(ask: Ask, share: float, least: float) -> None:
    """Refuse samples that crowd on a few points or on a line."""
    if share < least:
        ask.fail(
            f"the next sample is {share:.0%} as far away as among perfect samples; "
            f"{least:.0%} are asked for.",
            "Points that were picked have no width of their own.",
        )


def room(samples: NDArray) -> float:
    """The median distance from a sample (n, 2) to the one that is nearest to it."""
    return float(np.median(KDTree(samples).query(samples, k=2)[0][:, 1]))
