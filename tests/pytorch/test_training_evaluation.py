"""Bounds on log p(x), against a model where it is known."""

import math

import numpy as np
import pytest
import torch

from course_utils.pytorch import training
from course_utils.pytorch.training import evaluate_vae
from course_utils.pytorch.vae import ConvVAE, iwae_bound, log_weights


def test_the_convolutional_vae_is_evaluated_unchanged(digits):
    torch.manual_seed(0)
    found = evaluate_vae(ConvVAE(), digits[:6], samples=5)
    # before any training a pixel costs about one bit
    assert found.reconstruction.mean == pytest.approx(-784 * np.log(2), rel=0.05)
    assert set(found.iwae) == {1, 5}


def to_nchw(images):
    return torch.from_numpy(images.transpose(0, 3, 1, 2).copy())


@pytest.fixture
def exact_q(linear_gaussian):
    """The encoder gives the true posterior."""
    return linear_gaussian(shift=0.0, widening=1.0)


@pytest.fixture
def wide_q(linear_gaussian):
    """An encoder that is off, with weights of finite variance."""
    return linear_gaussian(shift=0.5, widening=1.5)


@pytest.fixture
def generator():
    return torch.Generator().manual_seed(0)


def test_weights_of_the_true_posterior_all_equal_the_evidence(
    exact_q, small_images, generator
):
    log_w, _ = log_weights(exact_q, to_nchw(small_images), 7, generator)
    evidence = exact_q.log_evidence(small_images)
    np.testing.assert_allclose(log_w, np.tile(evidence, (7, 1)), rtol=0, atol=1e-10)


def test_weights_are_unbiased_for_the_evidence(wide_q, small_images, generator):
    n = 20_000
    log_w, _ = log_weights(wide_q, to_nchw(small_images), n, generator)
    ratio = np.exp(log_w.numpy() - wide_q.log_evidence(small_images))
    error = ratio.std(0, ddof=1) / math.sqrt(n)
    assert (np.abs(ratio.mean(0) - 1) < 5 * error).all()


def test_weights_come_with_the_likelihood_of_the_same_points(
    wide_q, small_images, generator
):
    x = to_nchw(small_images)
    log_w, log_likelihood = log_weights(wide_q, x, 3, generator)
    epsilon = torch.randn(
        3, 20, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64
    )
    mu, logvar = wide_q.encoder(x)
    sigma = (0.5 * logvar).exp()
    for row in range(3):
        z = mu + sigma * epsilon[row]
        likelihood = wide_q.log_likelihood(x, z)
        torch.testing.assert_close(log_likelihood[row], likelihood)
        prior = torch.distributions.Normal(0.0, 1.0).log_prob(z).sum(-1)
        q = torch.distributions.Normal(mu, sigma).log_prob(z).sum(-1)
        torch.testing.assert_close(log_w[row], likelihood + prior - q)


def test_the_importance_weighted_bound_is_one_value_an_image(wide_q, small_images):
    x = to_nchw(small_images)
    bound = iwae_bound(wide_q, x, 50, seed=3)
    log_w, _ = log_weights(wide_q, x, 50, torch.Generator().manual_seed(3))
    expected = log_w.exp().mean(0).log()
    torch.testing.assert_close(bound, expected, rtol=1e-12, atol=0)
    assert torch.equal(bound, iwae_bound(wide_q, x, 50, seed=3))
    assert not torch.equal(bound, iwae_bound(wide_q, x, 50, seed=4))


def test_bounds_rise_towards_the_evidence(wide_q, small_images):
    """With k = 5000 the gap, of order 1/k, drowns in the noise, of order 1/sqrt k."""
    evaluation = evaluate_vae(wide_q, small_images, samples=5000, seed=1)
    evidence = wide_q.log_evidence(small_images).mean()
    bounds = [bound.mean for bound in evaluation.iwae.values()]
    assert list(evaluation.iwae) == [1, 5, 50, 500, 5000]
    assert bounds == sorted(bounds)
    # the variance of a weight, relative to its mean: bounds noise and gap
    log_w, _ = log_weights(
        wide_q, to_nchw(small_images), 20_000, torch.Generator().manual_seed(2)
    )
    variance = np.exp(log_w.numpy() - wide_q.log_evidence(small_images)).var()
    noise = math.sqrt(variance / (5000 * len(small_images)))
    assert abs(evidence - bounds[-1]) < 5 * noise + variance / 5000
    assert abs(evidence - bounds[0] - wide_q.gap_of_the_elbo) < 5 * noise
    assert evaluation.elbo.mean < evidence - 5 * noise


def test_the_order_of_bounds_is_exact_for_any_model(small_vae, digits):
    for seed in range(3):
        evaluation = evaluate_vae(small_vae(seed=seed), digits[:20], 50, seed)
        bounds = np.stack(list(evaluation.bounds.values()))
        assert bounds.shape == (3, 20)
        # up to the rounding of sums of numbers near 700
        assert (np.diff(bounds, axis=0) > -1e-11).all()


def test_the_terms_are_means_over_images_with_standard_errors(exact_q, small_images):
    evaluation = evaluate_vae(exact_q, small_images, samples=5)
    evidence = exact_q.log_evidence(small_images)
    first = evaluation.iwae[1]
    assert first.mean == pytest.approx(evidence.mean(), abs=1e-10)
    error = evidence.std(ddof=1) / math.sqrt(len(evidence))
    assert first.standard_error == pytest.approx(error, rel=1e-9)
    difference = evaluation.reconstruction.mean - evaluation.kl.mean
    assert evaluation.elbo.mean == pytest.approx(difference, rel=1e-12)


def test_chunks_do_not_mix_images(exact_q, small_images, monkeypatch):
    monkeypatch.setattr(training, "DECODED_AT_ONCE", 15)
    evaluation = evaluate_vae(exact_q, small_images, samples=5)
    evidence = exact_q.log_evidence(small_images)
    assert evaluation.iwae[5].mean == pytest.approx(evidence.mean(), abs=1e-10)


def test_more_samples_than_are_decoded_at_once_still_work(
    exact_q, small_images, monkeypatch
):
    monkeypatch.setattr(training, "DECODED_AT_ONCE", 3)
    evaluation = evaluate_vae(exact_q, small_images, samples=5)
    evidence = exact_q.log_evidence(small_images)
    assert evaluation.iwae[5].mean == pytest.approx(evidence.mean(), abs=1e-10)


def test_the_seed_decides(small_vae, digits):
    model = small_vae()
    first, again, other = (evaluate_vae(model, digits[:9], 5, s) for s in (0, 0, 1))
    assert first == again
    assert first.iwae == again.iwae
    assert first.iwae != other.iwae
    assert first.reconstruction != other.reconstruction
    assert first.kl == other.kl


@pytest.mark.parametrize("training", [True, False])
def test_an_evaluation_changes_nothing(small_vae, digits, training):
    model = small_vae().train(training)
    before = {name: p.clone() for name, p in model.state_dict().items()}
    states = torch.get_rng_state(), np.random.get_state()[1].copy()
    evaluate_vae(model, digits[:9], 5)
    assert model.training is training
    assert all(torch.equal(p, before[n]) for n, p in model.state_dict().items())
    assert torch.equal(torch.get_rng_state(), states[0])
    assert (np.random.get_state()[1] == states[1]).all()
    assert all(p.grad is None for p in model.parameters())


def test_double_precision_is_kept(small_vae, digits):
    evaluation = evaluate_vae(small_vae().double(), digits[:9], 5)
    exact = {estimate.mean for estimate in evaluation.iwae.values()}
    assert all(mean != float(np.float32(mean)) for mean in exact)


@pytest.mark.parametrize("bad", [np.zeros((0, 28, 28, 1)), np.ones((2, 28, 28, 1)) * 2])
def test_unusable_images_are_refused(small_vae, bad):
    with pytest.raises(ValueError, match=r"images|Pixels"):
        evaluate_vae(small_vae(), bad)
