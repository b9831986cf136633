"""Each yardstick is the density, of SciPy or of the linear model, that it says."""

import numpy as np
import pytest
from scipy.stats import bernoulli, multivariate_normal, norm

from course_utils.exact.linear_gaussian import LinearGaussian
from course_utils.metrics.yardsticks import (
    independent_bits,
    independent_normals,
    one_normal,
    probabilistic_pca,
    yardsticks,
)

FLOOR = 1e-6


@pytest.fixture
def train(rng):
    return rng.normal(size=(80, 4)) @ rng.normal(size=(4, 4)) + 3


@pytest.fixture
def x(rng):
    return rng.normal(size=(7, 4)) + 3


def test_independent_normals_are_products_of_normals(train, x):
    wanted = norm.logpdf(x, train.mean(0), train.std(0)).sum(1)
    np.testing.assert_allclose(independent_normals(train, x, FLOOR), wanted, rtol=1e-12)


def test_one_normal_has_the_covariance_of_the_rows(train, x):
    cov = np.cov(train.T, bias=True)
    wanted = multivariate_normal.logpdf(x, train.mean(0), cov)
    np.testing.assert_allclose(one_normal(train, x, FLOOR), wanted, rtol=1e-9)


@pytest.mark.parametrize("latent_dim", [1, 2, 3])
def test_principal_axes_are_the_linear_model_at_its_best(train, x, latent_dim):
    model = LinearGaussian.fit(train, latent_dim)
    cov = model.W @ model.W.T + model.sigma**2 * np.eye(4)
    wanted = multivariate_normal.logpdf(x, model.b, cov)
    found = probabilistic_pca(train, x, latent_dim, FLOOR)
    np.testing.assert_allclose(found, wanted, rtol=1e-9)


def test_all_axes_but_one_are_the_full_normal(train, x):
    np.testing.assert_allclose(
        probabilistic_pca(train, x, 3, FLOOR), one_normal(train, x, FLOOR), rtol=1e-9
    )


@pytest.mark.parametrize("latent_dim", [0, 4])
def test_as_many_axes_as_columns_are_refused(train, x, latent_dim):
    with pytest.raises(ValueError, match="one from 1 to 3"):
        probabilistic_pca(train, x, latent_dim, FLOOR)


def test_bits_are_coins_and_none_is_impossible(rng):
    train, x = rng.integers(2, size=(9, 5)), rng.integers(2, size=(6, 5))
    train[:, 0] = 1
    wanted = bernoulli.logpmf(x, (train.sum(0) + 0.5) / 10).sum(1)
    found = independent_bits(train, x)
    np.testing.assert_allclose(found, wanted, rtol=1e-12)
    assert np.isfinite(found).all()


def test_probabilities_of_all_bits_add_up(rng):
    every = (np.arange(16)[:, None] >> np.arange(4)) & 1
    train = rng.integers(2, size=(9, 4))
    assert np.exp(independent_bits(train, every)).sum() == pytest.approx(1, rel=1e-12)


@pytest.mark.parametrize("yardstick", [independent_normals, one_normal])
def test_a_floor_holds_where_a_column_follows_from_others(rng, yardstick):
    half = rng.normal(size=(50, 1))
    train = np.concatenate([half, half, np.ones((50, 1))], axis=1)
    found = yardstick(train, train, 0.1)
    variances, axes = np.linalg.eigh(np.cov(train.T, bias=True))
    if yardstick is independent_normals:
        variances, axes = train.var(axis=0), np.eye(3)
    cov = axes @ np.diag(np.maximum(variances, 0.01)) @ axes.T
    wanted = multivariate_normal.logpdf(train, train.mean(0), cov)
    np.testing.assert_allclose(found, wanted, rtol=1e-6)


def names(train, **words):
    settings = {"binary": False, "latent_dim": 2, "floor": FLOOR} | words
    found = yardsticks(train, train, **settings)
    assert all(values.shape == (len(train),) for values in found.values())
    return list(found)


def test_those_that_have_a_meaning_are_given(rng):
    every = ["independent normals", "one normal", "principal axes"]
    assert names(rng.normal(size=(50, 4))) == every
    assert names(rng.normal(size=(50, 2)), latent_dim=9) == every
    assert names(rng.normal(size=(50, 1))) == every[:1]
    assert names(rng.normal(size=(20, 20))) == [every[0], every[2]]
    assert names(rng.integers(2, size=(50, 4)), binary=True) == ["independent bits"]
