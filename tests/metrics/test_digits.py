"""Scores of digits are held against real digits, copies of them, and closed forms."""

import math

import numpy as np
import pytest
import torch
from scipy.linalg import sqrtm
from scipy.stats import chi2

from course_utils.data.mnist import load_mnist
from course_utils.metrics.classifier import DigitClassifier
from course_utils.metrics.digits import (
    digit_scores,
    frechet_distance,
    memorized_share,
    nearest_digits,
)
from course_utils.records.arrays import WeightsError
from course_utils.weights import WEIGHTS, card, read_weights


@pytest.fixture(scope="module")
def train():
    return load_mnist("train")


@pytest.fixture(scope="module")
def test():
    return load_mnist("test")


@pytest.fixture(scope="module")
def classifier():
    return DigitClassifier()


def test_the_classifier_reads_held_out_digits_as_its_card_says(classifier, test):
    about = card("digit_classifier")
    assert about["test"]["digits"] == 10_000
    assert about["test"]["accuracy"]["mean"] > 0.988
    right = (classifier.probabilities(test.x).argmax(1) == test.y).mean()
    # sums in another order may turn the verdict on a doubtful digit
    assert right == pytest.approx(about["sample"]["accuracy"]["mean"], abs=1.5 / 2_000)


def test_the_accuracy_on_the_card_has_its_standard_error():
    about = card("digit_classifier")
    for part in (about["test"], about["sample"]):
        share, error = part["accuracy"]["mean"], part["accuracy"]["standard_error"]
        expected = math.sqrt(share * (1 - share) / part["digits"])
        assert error == pytest.approx(expected, abs=1e-5)


def test_the_classifier_is_small_on_disk():
    path = WEIGHTS / "digit_classifier.safetensors"
    assert path.stat().st_size < 600_000


def test_the_classifier_is_the_network_that_pytorch_makes_of_its_weights(
    classifier, test
):
    layers = [torch.nn.Linear(*sizes) for sizes in ((784, 256), (256, 64), (64, 10))]
    stored = read_weights("digit_classifier")
    for name, layer in zip(("hidden1", "hidden2", "logits"), layers, strict=True):
        parts = ("weight", "bias")
        layer.load_state_dict(
            {part: torch.tensor(stored[f"{name}.{part}"]).float() for part in parts}
        )
    with torch.inference_mode():
        x = torch.tensor(test.x[:100]).flatten(1)
        hidden = torch.relu(layers[1](torch.relu(layers[0](x))))
        expected = layers[2](hidden).softmax(1).numpy()
    features, found = classifier.read(test.x[:100])
    # float32 sums of 784 terms in another order
    np.testing.assert_allclose(features, hidden.numpy(), rtol=1e-4, atol=1e-3)
    np.testing.assert_allclose(found, expected, atol=1e-3)
    np.testing.assert_array_equal(classifier.features(test.x[:100]), features)


def test_images_are_read_one_by_one_whatever_batch_they_come_in(classifier, train):
    whole = classifier.features(train.x[:4_100])
    for part in (slice(0, 3), slice(1_999, 2_001), slice(4_090, 4_100)):
        some = classifier.features(train.x[part])
        np.testing.assert_allclose(whole[part], some, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize(
    "images, words",
    [
        (np.zeros((2, 32, 32, 1), np.float32), r"takes digits \(n, 28, 28, 1\)"),
        (np.zeros((2, 28, 28, 3), np.float32), r"takes digits \(n, 28, 28, 1\)"),
        (np.full((2, 28, 28, 1), 2.0, np.float32), r"in \[0, 1\]"),
        (np.zeros((28, 28), np.float32), "channel axis"),
    ],
)
def test_unusable_images_are_refused_in_words(classifier, images, words):
    with pytest.raises(ValueError, match=words):
        classifier.probabilities(images)


def test_weights_of_another_network_are_refused():
    weights = read_weights("digit_classifier") | {"logits.bias": np.zeros(9)}
    with pytest.raises(WeightsError, match=r"logits.bias has shape \(9,\)"):
        DigitClassifier(weights)


def white(n, d, seed):
    """Vectors whose mean is zero and whose covariance is unity, both exactly."""
    x = np.random.default_rng(seed).standard_normal((n, d))
    x -= x.mean(0)
    return x @ np.linalg.inv(np.linalg.cholesky(np.cov(x.T).reshape(d, d))).T


def test_the_frechet_distance_on_the_line_is_the_known_one():
    a, b = 3 * white(50, 1, 0) + 1, 0.5 * white(70, 1, 1) - 2
    assert frechet_distance(a, b) == pytest.approx(3**2 + 2.5**2, rel=1e-12)


def test_with_commuting_covariances_it_is_that_of_the_axes(rng):
    rotation, _ = np.linalg.qr(rng.standard_normal((5, 5)))
    sigma_a, sigma_b = rng.uniform(0.1, 3, (2, 5))
    shift = rng.standard_normal(5)
    a = (white(40, 5, 0) * sigma_a) @ rotation
    b = (white(60, 5, 1) * sigma_b) @ rotation + shift
    expected = shift @ shift + np.square(sigma_a - sigma_b).sum()
    assert frechet_distance(a, b) == pytest.approx(expected, rel=1e-12)


def test_it_is_the_published_formula_for_any_covariances(rng):
    a = rng.standard_normal((90, 6)) @ rng.standard_normal((6, 6))
    b = rng.standard_normal((80, 6)) @ rng.standard_normal((6, 6)) + 1
    root = sqrtm(np.cov(a.T) @ np.cov(b.T)).real
    trace = np.trace(np.cov(a.T) + np.cov(b.T) - 2 * root)
    expected = np.square(a.mean(0) - b.mean(0)).sum() + trace
    # sqrtm squares the condition of its matrix, the package does not
    assert frechet_distance(a, b) == pytest.approx(expected, rel=1e-8)
    assert frechet_distance(a, b) == pytest.approx(frechet_distance(b, a), rel=1e-12)


@pytest.mark.parametrize("n, d", [(30, 4), (5, 64), (2, 3)])
def test_a_set_is_at_distance_zero_from_itself_in_any_order(rng, n, d):
    a = 10 * rng.standard_normal((n, d))
    total = np.trace(np.atleast_2d(np.cov(a.T)))
    assert frechet_distance(a, a) < 1e-12 * total
    assert frechet_distance(a, rng.permutation(a)) < 1e-12 * total


def test_singular_covariances_are_no_obstacle(rng):
    a = rng.standard_normal((40, 3))
    flat = np.concatenate([a, a[:, :1], np.zeros((40, 60))], axis=1)
    shifted = flat + np.eye(64)[63]
    assert frechet_distance(flat, shifted) == pytest.approx(1, abs=1e-12)
    point = np.zeros((2, 64))
    expected = np.trace(np.cov(flat.T)) + np.square(flat.mean(0)).sum()
    assert frechet_distance(flat, point) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    "a, b, words",
    [
        (np.zeros((4, 3)), np.zeros((4, 2)), r"not shapes \(4, 3\) and \(4, 2\)"),
        (np.zeros(4), np.zeros(4), "two sets of feature vectors"),
        (np.zeros((1, 3)), np.zeros((4, 3)), "at least two vectors"),
        (np.zeros((4, 3)), np.full((4, 3), np.nan), "NaN or infinity"),
    ],
)
def test_unusable_feature_vectors_are_refused_in_words(a, b, words):
    with pytest.raises(ValueError, match=words):
        frechet_distance(a, b)


def scores_of(found):
    return {"entropy": found.entropy, "confidence": found.confidence} | {
        "frechet": found.frechet
    }


def test_real_digits_score_as_their_floors_say(train, test):
    """Eight disjoint sets of digits that were not trained on; each has its own splits.

    A set of 250 against 250 of 10,000: were the sizes unequal, or the floor another
    size's, the mean of the Fréchet distances would be several errors off.
    """
    sets = np.split(test.x, 8)
    found = [scores_of(digit_scores(x, train.x, seed)) for seed, x in enumerate(sets)]
    for name in found[0]:
        values, floors, sds = np.transpose([scores[name] for scores in found])
        z = (values - floors) / sds.mean()
        assert abs(z.mean()) < 4 / math.sqrt(8), name
        # a floor's standard deviation is known to a sixth, from twenty splits
        assert np.square(z).sum() < (7 / 6) ** 2 * chi2.ppf(1 - 1e-4, 8), name


def test_the_floor_of_the_entropy_is_that_of_draws_with_the_real_shares(test):
    """Also where classes are not equally frequent, and the spread is of first order."""
    rng = np.random.default_rng(0)
    keep = (test.y < 3) & (rng.random(len(test)) < np.exp(-test.y))
    real, runs = test.x[keep], 100
    found = [
        digit_scores(rng.choice(real, 80), real, seed, splits=2).entropy
        for seed in range(runs)
    ]
    values = np.array([score.value for score in found])
    floor, sd = found[0].floor, found[0].floor_sd
    assert abs(values.mean() - floor) < 4 * sd / math.sqrt(runs)
    assert abs(values.std(ddof=1) / sd - 1) < 4 / math.sqrt(2 * runs)


def test_one_class_has_no_entropy_and_is_far_from_all_digits(classifier, test):
    threes = test.x[classifier.probabilities(test.x).argmax(1) == 3]
    found = digit_scores(threes, test.x)
    np.testing.assert_array_equal(found.counts, len(threes) * np.eye(10)[3])
    assert found.n == len(threes)
    assert found.entropy.value == 0
    assert found.frechet.value > found.frechet.floor + 100 * found.frechet.floor_sd


def test_classes_of_equal_number_have_the_largest_entropy(classifier, test):
    classes = classifier.probabilities(test.x).argmax(1)
    rows = np.concatenate([np.flatnonzero(classes == k)[:50] for k in range(10)])
    found = digit_scores(test.x[rows], test.x)
    assert found.entropy.value == pytest.approx(math.log(10))
    assert found.entropy.floor == pytest.approx(math.log(10) - 9 / 1_000, abs=1e-3)


def test_noise_is_recognized_by_every_score(test, rng):
    noise = rng.random((500, 28, 28, 1), dtype=np.float32)
    for name, score in scores_of(digit_scores(noise, test.x)).items():
        assert abs(score.value - score.floor) > 20 * score.floor_sd, name


def test_sizes_are_made_equal_and_seeds_decide(train, test):
    few, many = train.x[:300], train.x[:3_000]
    assert digit_scores(few, test.x).n == 300
    assert digit_scores(many, test.x).n == 1_000
    first, again, other = (digit_scores(many, test.x, seed) for seed in (0, 0, 1))
    assert first.frechet == again.frechet != other.frechet
    assert first.counts.sum() == 1_000
    by_class = train.x[np.argsort(train.y, kind="stable")]
    assert digit_scores(by_class, test.x).counts.min() > 50
    with pytest.raises(ValueError, match="at least two images and four real digits"):
        digit_scores(few[:1], test.x)


def test_nearest_digits_are_those_of_a_plain_search(train, test):
    images, training = test.x[:510], train.x[:400]
    distances, found = nearest_digits(images, training)
    for i in (0, 7, 499, 500, 509):
        plain = np.sqrt(np.square(training - images[i]).sum((1, 2, 3), np.float64))
        assert found[i] == plain.argmin()
        assert distances[i] == pytest.approx(plain.min(), rel=1e-6)


def test_a_copy_is_at_distance_zero_from_its_original(train, rng):
    rows = rng.permutation(len(train))[:600]
    distances, found = nearest_digits(train.x[rows], train.x)
    np.testing.assert_array_equal(distances, 0)
    np.testing.assert_array_equal(found, rows)


def test_of_new_digits_about_one_per_cent_are_near(train, test):
    share = memorized_share(test.x[:1_000], train.x, test.x[1_000:])
    assert share.floor == 0.01
    assert abs(share.value - 0.01) < 4 * share.floor_sd
    # of the digits that set the mark, exactly as many as the quantile says
    own = memorized_share(test.x, train.x, test.x)
    assert own.value == pytest.approx(0.01, abs=1 / 2_000)


def test_copies_of_training_digits_are_recognized_also_when_changed_a_little(
    train, test, rng
):
    copies = train.x[:300]
    assert memorized_share(copies, train.x, test.x).value == 1
    faint = np.clip(copies + 0.02 * rng.standard_normal(copies.shape), 0, 1)
    assert memorized_share(faint, train.x, test.x).value > 0.95
    half = np.concatenate([copies, 1 - test.x[:300]])
    assert memorized_share(half, train.x, test.x).value == 0.5


def test_noise_is_near_to_no_digit(train, test, rng):
    noise = rng.random((50, 28, 28, 1), dtype=np.float32)
    assert memorized_share(noise, train.x, test.x).value == 0


def test_images_of_another_size_have_no_nearest_digit(train):
    with pytest.raises(ValueError, match=r"one size, not \(14, 14, 1\)"):
        nearest_digits(train.x[:2, ::2, ::2], train.x[:2])
