"""The program that trains the published table of bounds, on small models and digits."""

import json
import math

import iwae_table
import numpy as np
import pytest
import torch
from fake_graph import FakeGraph
from iwae_table import LogWeights, Plan, Row, active_units, bound_of, published_model

from course_utils.data.mnist import binarize
from course_utils.exact.linear_gaussian import LinearGaussian
from course_utils.pytorch import capture
from course_utils.pytorch.likelihoods import gaussian_log_likelihood
from course_utils.pytorch.team import Team
from course_utils.pytorch.vae import log_weights
from course_utils.records.progress import EpochLog

# The columns of W are orthogonal, so that a diagonal q can be the posterior.
W = np.array([[0.5, 0.3], [0.5, -0.3], [-0.5, 0.3], [-0.5, -0.3]])
EXACT = LinearGaussian(W, np.full(4, 0.5), 0.4)


class LinearVAE(torch.nn.Module):
    """The exact model on images of 2 by 2 pixels; q off the posterior by `shift`."""

    def __init__(self, shift=0.0):
        super().__init__()
        self.shift = shift
        self.weight = torch.nn.Parameter(torch.tensor(EXACT.W.T))

    def q(self, x):
        """Mean and covariance of q, for rows x (n, 4)."""
        mean, covariance = EXACT.posterior(x)
        return mean + self.shift, covariance

    def encoder(self, x):
        mean, covariance = self.q(x.flatten(1).numpy())
        logvar = torch.tensor(np.log(np.diag(covariance)))
        return torch.tensor(mean), logvar.expand(mean.shape)

    def log_likelihood(self, x, z):
        mean = (z @ self.weight + 0.5).unflatten(1, (1, 2, 2))
        return gaussian_log_likelihood(mean, x, EXACT.sigma)


@pytest.fixture
def x():
    rows, _ = EXACT.sample(3, seed=0)
    return torch.tensor(rows).unflatten(1, (1, 2, 2))


def bounds(name, model, x, k, repeats=1):
    """Independent values of a bound, (repeats, n)."""
    generator = torch.Generator().manual_seed(0)
    values = [
        bound_of(name, log_weights(model, x, k, generator)[0]).detach()
        for _ in range(repeats)
    ]
    return torch.stack(values).numpy()


def test_log_weights_of_given_noise_are_the_packages(x):
    model = LinearVAE(shift=0.5)
    expected, _ = log_weights(model, x, 7, torch.Generator().manual_seed(3))
    generator = torch.Generator().manual_seed(3)
    epsilon = torch.randn(7, 3, 2, generator=generator, dtype=torch.float64)
    assert torch.equal(LogWeights(model)(x, epsilon), expected)


@pytest.mark.parametrize("name", ["vae", "iwae"])
@pytest.mark.parametrize("k", [1, 5, 50])
def test_at_the_posterior_every_bound_is_the_evidence(x, name, k):
    evidence = EXACT.log_evidence(x.flatten(1).numpy())
    np.testing.assert_allclose(bounds(name, LinearVAE(), x, k)[0], evidence, rtol=1e-12)


def test_the_mean_of_log_weights_is_the_elbo_for_any_k(x):
    model, rows = LinearVAE(shift=0.5), x.flatten(1).numpy()
    values = bounds("vae", model, x, k=5, repeats=2_000)
    error = values.std(0, ddof=1) / math.sqrt(len(values))
    assert (np.abs(values.mean(0) - EXACT.elbo(rows, *model.q(rows))) < 5 * error).all()


def test_the_mean_weight_is_the_evidence_so_that_the_other_bound_lies_between(x):
    model, rows = LinearVAE(shift=0.5), x.flatten(1).numpy()
    values = bounds("iwae", model, x, k=5, repeats=2_000)
    ratio = np.exp(values - EXACT.log_evidence(rows))
    error = ratio.std(0, ddof=1) / math.sqrt(len(ratio))
    assert (np.abs(ratio.mean(0) - 1) < 5 * error).all()
    spread = 5 * values.std(0, ddof=1) / math.sqrt(len(values))
    assert (values.mean(0) > EXACT.elbo(rows, *model.q(rows)) + spread).all()
    assert (values.mean(0) < EXACT.log_evidence(rows) - spread).all()


def test_gradients_share_alike_or_by_weight():
    log_w = torch.tensor([[0.0], [1.0], [800.0]], dtype=torch.float64)
    for name, weights in {"vae": [1 / 3] * 3, "iwae": [0.0, 0.0, 1.0]}.items():
        leaf = log_w.clone().requires_grad_()
        bound_of(name, leaf).sum().backward()
        np.testing.assert_allclose(leaf.grad[:, 0], weights, atol=1e-12)


def test_the_decoders_gradient_is_that_of_the_evidence(x):
    """At the posterior both bounds have it on average (Fisher's identity)."""
    rows, step = x.flatten(1).numpy(), 1e-5

    def evidence(moved):
        other = EXACT.W.copy()
        other[0, 0] += moved
        return LinearGaussian(other, EXACT.b, EXACT.sigma).log_evidence(rows).sum()

    slope = (evidence(step) - evidence(-step)) / (2 * step)
    for name in ("vae", "iwae"):
        generator, model, found = torch.Generator().manual_seed(1), LinearVAE(), []
        for _ in range(400):
            log_w, _ = log_weights(model, x, 5, generator)
            total = bound_of(name, log_w).sum()
            (gradient,) = torch.autograd.grad(total, model.weight)
            found.append(gradient[0, 0].item())
        error = np.std(found, ddof=1) / math.sqrt(len(found))
        assert abs(np.mean(found) - slope) < 5 * error


def trained(images, plan, epochs=1):
    row = Row(plan, images, Team())
    means = [row.train_epoch(number + 1) for number in range(epochs)]
    return means, torch.nn.utils.parameters_to_vector(row.model.parameters())


def test_a_captured_row_is_the_plain_one(digits, monkeypatch):
    plan = Plan("iwae", 3, batch=70)  # 300 digits: four whole batches an epoch
    expected, weights = trained(digits, plan, epochs=2)
    monkeypatch.setattr(FakeGraph, "made", [])
    monkeypatch.setitem(capture.GRAPHS, "cpu", FakeGraph)
    came, captured_weights = trained(digits, plan, epochs=2)
    assert FakeGraph.made[0].replays == 8 - capture.WARM_UP
    assert came == expected
    assert torch.equal(captured_weights, weights)


def test_with_one_point_both_rows_are_the_same_training(digits):
    (one, a), (other, b) = (trained(digits, Plan(name, 1)) for name in ("vae", "iwae"))
    assert one == other
    assert torch.equal(a, b)
    (_, a), (_, b) = (trained(digits, Plan(name, 5)) for name in ("vae", "iwae"))
    assert not torch.allclose(a, b)


def test_the_bound_rises(digits):
    means, _ = trained(digits, Plan("iwae", 2, batch=30), epochs=5)
    assert means[-1] > means[0] + 20  # nats; seeds 0 and 1 gain 39 and 40
    again, _ = trained(digits, Plan("iwae", 2, batch=30, seed=1))
    assert again[0] != means[0]


def test_pixels_are_drawn_anew_at_each_visit(monkeypatch):
    seen = []

    def spying(network, x, epsilon):
        seen.append(x)
        return forward(network, x, epsilon)

    forward = LogWeights.forward
    monkeypatch.setattr(LogWeights, "forward", spying)
    grey = np.full((200, 28, 28, 1), 0.25, np.float32)
    trained(grey, Plan("vae", 1, batch=200), epochs=2)
    for x in seen:
        assert x.unique().tolist() == [0, 1]
        assert abs(x.mean() - 0.25) < 5 * math.sqrt(0.25 * 0.75 / x.numel())
    assert (seen[0] == seen[1]).float().mean() < 0.7  # by chance 0.625


def test_a_bound_that_is_not_finite_names_its_step(digits):
    row = Row(Plan("vae", 1), digits, Team())
    row.model.decoder.pixels.bias.data.fill_(math.nan)
    with pytest.raises(FloatingPointError, match="step 1 of epoch 3"):
        row.train_epoch(3)


def test_the_network_is_the_published_one(digits):
    model = published_model(digits, 0)
    layers = [784 * 200 + 200, 200 * 200 + 200, 2 * (200 * 50 + 50)]
    layers += [50 * 200 + 200, 200 * 200 + 200, 200 * 784 + 784]
    assert sum(p.numel() for p in model.parameters()) == sum(layers)
    kinds = [type(layer).__name__ for layer in model.decoder.body]
    assert kinds == ["Linear", "Tanh"] * 2
    # zero latent points leave tanh at zero, so that the biases alone speak
    mean = model.decode(torch.zeros(1, 50)).detach().numpy()[0, 0]
    expected = digits.mean(0)[..., 0].clip(0.001, 0.999)
    np.testing.assert_allclose(mean, expected, atol=1e-6)


def test_the_rate_falls_as_published():
    plan = Plan("vae", 1, share=1.0, rate=1e-3)
    assert plan.epochs == 3280
    rates = [plan.rate_in(epoch) for epoch in range(1, plan.epochs + 1)]
    values, counts = np.unique(rates, return_counts=True)
    assert counts[::-1].tolist() == [3**stage for stage in range(8)]
    np.testing.assert_allclose(values[::-1], 10 ** (-3 - np.arange(8) / 7))


def test_of_a_share_each_stage_has_its_share():
    plan = Plan("vae", 1, share=0.1, rate=1.0)
    rates = [plan.rate_in(epoch) for epoch in range(1, plan.epochs + 1)]
    assert plan.epochs == 328
    assert rates.count(rates[-1]) in (218, 219)  # of 218.7
    assert rates[-1] == pytest.approx(0.1)


class Constructed(torch.nn.Module):
    """Means whose variances over digits are known: of equally many zeros and ones."""

    def __init__(self, variances):
        super().__init__()
        self.scale = torch.nn.Parameter(2 * torch.tensor(variances).sqrt())

    def encoder(self, x):
        mu = x[:, 0, 0, :1] * self.scale + 7.0
        return mu, torch.full_like(mu, 3.0)  # the spread of q does not count


def test_units_are_active_whose_mean_varies():
    digits = np.zeros((400, 2, 2, 1), np.float32)
    digits[::2] = 1
    assert active_units(Constructed([0.0, 0.0098, 0.0102, 4.0]), digits) == 2


@pytest.fixture
def small(monkeypatch, tmp_path):
    """The program with a narrow network, few latent points, and a folder of its own."""
    settings = {"LATENT": 3, "HIDDEN": (8,), "EVERY": 2, "SAMPLES": 50}
    settings |= {"LOOK_SAMPLES": 5, "RECORD": tmp_path / "record.json"}
    settings |= {"TRAINING": tmp_path / "training"}
    for name, value in settings.items():
        monkeypatch.setattr(iwae_table, name, value)
    monkeypatch.setenv("COURSE_STATIC", "1")
    return tmp_path


PLAN = Plan("iwae", 2, share=4 / 3280, batch=50)


def row_of(folder):
    row = json.loads((folder / "record.json").read_text())["rows"]["iwae-2"]
    return {key: value for key, value in row.items() if "seconds" not in key}


def test_a_row_that_was_stopped_goes_on_to_the_same_numbers(small, monkeypatch, digits):
    held_out = binarize(digits[:100], 0)
    iwae_table.train_row(PLAN, digits, held_out)
    whole = row_of(small)
    assert whole["epochs"] == whole["of_epochs"] == len(whole["training_bound"]) == 4
    assert whole["looks"]["epoch"] == [1, 2, 4]
    assert whole["measured"]["samples"] == 50

    monkeypatch.setattr(iwae_table, "TRAINING", small / "again")
    append = EpochLog.append

    def stopping(log, values):
        if len(log.history) == 2:
            raise KeyboardInterrupt
        append(log, values)

    monkeypatch.setattr(EpochLog, "append", stopping)
    with pytest.raises(KeyboardInterrupt):
        iwae_table.train_row(PLAN, digits, held_out)
    monkeypatch.setattr(EpochLog, "append", append)
    half = row_of(small)
    assert half["epochs"] == 2
    assert half["measured"] is None

    torch.manual_seed(5)  # another process has other random states
    iwae_table.train_row(PLAN, digits, held_out)
    assert row_of(small) == whole


def test_other_rows_stay_in_the_record(small, digits):
    held_out = binarize(digits[:100], 0)
    for name in ("vae", "iwae"):
        iwae_table.train_row(Plan(name, 1, share=1 / 3280, batch=150), digits, held_out)
    rows = json.loads((small / "record.json").read_text())["rows"]
    assert rows["vae-1"]["measured"] == rows["iwae-1"]["measured"]
