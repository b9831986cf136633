"""Scores of images of digits, by a classifier and by their nearest neighbours."""

import math
from dataclasses import dataclass
from typing import cast

import numpy as np
import numpy.typing as npt

from course_utils.data.images import check_complete, check_images
from course_utils.metrics.classifier import DigitClassifier
from course_utils.metrics.modes import Score

SPLITS = 20  # of the real digits, for the floor of the Fréchet distance
NEAR = 0.01  # share of held-out digits that count as near to a training digit
AT_ONCE = 500  # images whose distances are held in memory at a time


@dataclass(frozen=True)
class DigitScores:
    """How samples of digits compare with real ones, as a small classifier sees them.

    Attributes:
        n: samples that were scored.
        counts: how many of them look like each class, (10,).
        entropy: of these shares, in nats; ln 10 if all classes are as frequent, 0 if
            there is only one.
        confidence: mean probability of the most probable class. Blurred or broken
            digits lower it; so do digits that are hard to read.
        frechet: Fréchet distance of the features to those of real digits; the unit is
            that of a squared feature.
    """

    n: int
    counts: npt.NDArray[np.int64]
    entropy: Score
    confidence: Score
    frechet: Score


def digit_scores(
    images: npt.NDArray, real: npt.NDArray, seed: int = 0, splits: int = SPLITS
) -> DigitScores:
    """Score samples of digits against real ones.

    The Fréchet distance depends on the number of samples: finite sets of one origin
    are a distance apart. So all sets that are compared have one size, n, the smaller of
    the number of images and half the number of real digits, and the floor is measured
    on pairs of disjoint sets of n real digits.

    The floors of the other two are those of n draws: with real shares p of K classes
    the entropy has the mean H(p) - (K - 1) / 2n and the variance
    Var(ln p) / n + (K - 1) / 2n^2, up to higher orders (Miller, 1955; for equal shares
    from 2n (ln K - H), which is chi-squared).

    Args:
        images: samples, float (m, 28, 28, 1) in [0, 1].
        real: real digits in the same form, best such as the classifier has not seen.
        seed: of which images and digits are compared, and of the splits.
        splits: pairs of real sets for the floor of the Fréchet distance.

    Raises:
        TypeError, ValueError: unusable images, as `images.check_images`; another size;
            fewer than two images or four real digits.
    """
    n = min(len(images), len(real) // 2)
    if n < 2:
        raise ValueError(
            "Pass at least two images and four real digits, not "
            f"{len(images)} and {len(real)}."
        )
    rng = np.random.default_rng(seed)
    classifier = DigitClassifier()
    features, probabilities = classifier.read(images)
    real_features, real_probabilities = classifier.read(real)
    chosen = rng.permutation(len(images))[:n]
    halves = [np.split(rng.permutation(len(real))[: 2 * n], 2) for _ in range(splits)]
    floors = [frechet_distance(*real_features[np.stack(pair)]) for pair in halves]
    value = frechet_distance(features[chosen], real_features[halves[0][0]])
    counts = _counts(probabilities[chosen])
    real_confidence = real_probabilities.max(axis=1).astype(np.float64)
    return DigitScores(
        n=n,
        counts=counts,
        entropy=_entropy_score(counts, _counts(real_probabilities)),
        confidence=Score(
            float(probabilities[chosen].max(axis=1).mean(dtype=np.float64)),
            float(real_confidence.mean()),
            float(real_confidence.std(ddof=1) / math.sqrt(n)),
        ),
        frechet=Score(value, float(np.mean(floors)), float(np.std(floors, ddof=1))),
    )


def frechet_distance(a: npt.NDArray, b: npt.NDArray) -> float:
    """The squared Fréchet distance between normal distributions fitted to two sets.

    |mu_a - mu_b|^2 + tr(S_a + S_b - 2 (S_a S_b)^(1/2)), by Dowson and Landau, 1982; as
    a score of images by Heusel et al., 2017, https://arxiv.org/abs/1706.08500, who took
    the features of another classifier. With triangular factors R^T R = S from the
    centred sets, the trace of the root is the sum of the singular values of R_a R_b^T,
    so that nothing is squared and covariances may be singular.

    Args:
        a: feature vectors, (n, d).
        b: feature vectors, (m, d).

    Returns:
        The distance in the unit of a squared feature, never negative.

    Raises:
        ValueError: no such vectors, fewer than two, or values that are not finite.
    """
    check_complete(a, "feature vectors")
    check_complete(b, "feature vectors")
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[1]:
        raise ValueError(
            "Pass two sets of feature vectors (n, d) and (m, d), not shapes "
            f"{a.shape} and {b.shape}."
        )
    if len(a) < 2 or len(b) < 2:
        raise ValueError(
            f"A covariance needs at least two vectors; there are {len(a)} and {len(b)}."
        )
    roots = [_covariance_root(x) for x in (a, b)]
    trace = sum(np.square(root).sum() for root in roots)
    overlap = np.linalg.svd(roots[0] @ roots[1].T, compute_uv=False).sum()
    shift = np.square(a.mean(axis=0) - b.mean(axis=0)).sum()
    return float(max(shift + trace - 2 * overlap, 0.0))


def nearest_digits(
    images: npt.NDArray, training: npt.NDArray
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """The training digit nearest to each image, in Euclidean distance of pixels.

    Args:
        images: float (n, height, width, channels) in [0, 1].
        training: float (m, height, width, channels) in [0, 1].

    Returns:
        Distances (n,), and the numbers of the training digits, (n,).

    Raises:
        TypeError, ValueError: unusable images, as `images.check_images`; two sizes.
    """
    for batch in (images, training):
        check_images(batch)
    if images.shape[1:] != training.shape[1:]:
        raise ValueError(
            "Images and training digits must have one size, not "
            f"{images.shape[1:]} and {training.shape[1:]}."
        )
    rows = images.reshape(len(images), -1).astype(np.float32)
    others = training.reshape(len(training), -1).astype(np.float32)
    squares = np.square(others).sum(axis=1)
    nearest = np.concatenate(
        [
            (squares - 2 * rows[i : i + AT_ONCE] @ others.T).argmin(axis=1)
            for i in range(0, len(rows), AT_ONCE)
        ]
    )
    # by the difference itself, so that a copy is at distance zero
    distances = np.linalg.norm(rows.astype(np.float64) - others[nearest], axis=1)
    return distances, nearest


def memorized_share(
    images: npt.NDArray, training: npt.NDArray, held_out: npt.NDArray
) -> Score:
    """The share of images that are nearer to a training digit than new digits are.

    Near means nearer than 99 % of the held-out digits are to their own nearest training
    digit; of new digits about 1 % are. Less is no merit: broken images are far from
    every digit.

    Args:
        images: samples, float (n, height, width, channels) in [0, 1].
        training: what they may have been copied from.
        held_out: digits of the same origin that were not trained on.

    Raises:
        TypeError, ValueError: as `nearest_digits`.
    """
    own, _ = nearest_digits(held_out, training)
    distances, _ = nearest_digits(images, training)
    value = float((distances < np.quantile(own, NEAR)).mean())
    # that of the share itself, and that of the quantile from so many held-out digits
    variance = NEAR * (1 - NEAR) * (1 / len(images) + 1 / len(held_out))
    return Score(value, NEAR, math.sqrt(variance))


def _covariance_root(x: npt.NDArray) -> npt.NDArray:
    """A matrix R with R^T R the covariance of vectors (n, d), over n - 1."""
    root = np.linalg.qr((x - x.mean(axis=0)) / math.sqrt(len(x) - 1), mode="r")
    return cast(npt.NDArray, root)  # NumPy's types know the other modes only


def _counts(probabilities: npt.NDArray) -> npt.NDArray[np.int64]:
    return np.bincount(probabilities.argmax(axis=1), minlength=10)


def _entropy_score(counts: npt.NDArray, real_counts: npt.NDArray) -> Score:
    """The entropy of counts, and that of as many draws with the real shares."""
    n = int(counts.sum())
    shares = real_counts[real_counts > 0] / real_counts.sum()
    entropy, degrees = _entropy(real_counts), len(shares) - 1
    spread = float(shares @ np.square(np.log(shares) + entropy))
    variance = spread / n + degrees / (2 * n**2)
    floor = entropy - degrees / (2 * n)
    return Score(_entropy(counts), floor, math.sqrt(variance))


def _entropy(counts: npt.NDArray) -> float:
    """-sum p ln p of counts' shares, in nats."""
    shares = counts[counts > 0] / counts.sum()
    return float(abs(-(shares * np.log(shares)).sum()))
