"""Paths, samplers and losses of a diffusion against what is known of a mixture."""

import math

import numpy as np
import pytest
import torch
from diffusion import Training, train
from scipy import stats

from course_utils.exact.diffusion import Mixture1D
from course_utils.pytorch.diffusion import (
    COSINE,
    STRAIGHT,
    ancestral_noise,
    draw,
    draw_images,
    flow_log_prob,
    guided,
    mixture_velocity,
    noised,
    parts,
    spread_times,
    velocity_errors,
)
from course_utils.pytorch.networks import MLPVelocity
from course_utils.pytorch.unet import UNet
from course_utils.records.checkpoints import CheckpointError, Checkpoints

MIXTURE = Mixture1D([0.3, 0.7], [-2, 1.5], [0.4, 0.6])
BOTH = pytest.mark.parametrize("path", [COSINE, STRAIGHT], ids=["cosine", "straight"])


def exact(path):
    """The best velocity of the mixture, float64, with a graph."""
    return mixture_velocity(MIXTURE.weights, MIXTURE.means, MIXTURE.sigmas, path)


def quantiles(n):
    """Points of the noise and of the mixture with equal probabilities below them."""
    share = (torch.arange(n, dtype=torch.float64) + 0.5) / n
    grid = np.linspace(-6, 6, 200_001)
    cdf = stats.norm(MIXTURE.means, MIXTURE.sigmas).cdf(grid[:, None])
    data = np.interp(share.numpy(), cdf @ MIXTURE.weights, grid)
    return torch.special.ndtri(share)[:, None], torch.from_numpy(data)[:, None]


def distance_of_cdfs(x):
    def cdf(y):
        return stats.norm(MIXTURE.means, MIXTURE.sigmas).cdf(y[:, None]) @ [0.3, 0.7]

    return stats.kstest(x.numpy()[:, 0], cdf)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


# ------------------------------------------------------------------ the path


@BOTH
def test_a_path_turns_data_into_noise_and_can_be_undone(path):
    x, epsilon = torch.randn(2, 50, 3, dtype=torch.float64, generator=generator())
    t = torch.linspace(0, 1, 50, dtype=torch.float64)
    ends = noised(x, epsilon, torch.zeros(50), path), noised(x, epsilon, t**0, path)
    torch.testing.assert_close(ends[0], x)
    torch.testing.assert_close(ends[1], epsilon)
    _, _, da, db = (each[:, None] for each in path.at(t))
    x_t, v = noised(x, epsilon, t, path), da * x + db * epsilon
    found = parts(x_t, v, t, path)
    torch.testing.assert_close(found, (x, epsilon))


@BOTH
def test_the_velocity_is_how_fast_a_point_moves(path):
    x, epsilon = torch.randn(2, 20, 1, dtype=torch.float64, generator=generator())
    t = torch.linspace(0.05, 0.95, 20, dtype=torch.float64)
    h = 1e-6
    moved = noised(x, epsilon, t + h, path) - noised(x, epsilon, t - h, path)
    _, _, da, db = (each[:, None] for each in path.at(t))
    v = da * x + db * epsilon
    torch.testing.assert_close(path.speed * v, moved / (2 * h), rtol=1e-6, atol=1e-8)


def test_the_exact_velocity_is_the_one_of_the_closed_forms():
    x, t = torch.linspace(-4, 4, 30, dtype=torch.float64), torch.linspace(0, 1, 30)
    found = exact(COSINE)(x[:, None], t.double())[:, 0]
    expected = MIXTURE.velocity(x.numpy(), t.double().numpy())
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-12)


def test_times_other_than_one_a_point_are_refused():
    x = torch.zeros(4, 1)
    with pytest.raises(ValueError, match="one time a point"):
        noised(x, x, torch.tensor(0.5))
    with pytest.raises(ValueError, match="one time a point"):
        velocity_errors(lambda x, t: x, x, x, torch.zeros(4, 1))


def test_times_of_a_batch_are_even_and_each_is_uniform():
    rng = generator()
    batches = torch.stack([spread_times(8, rng) for _ in range(2_000)])
    assert ((8 * batches.sort(1).values).floor() == torch.arange(8)).all()
    for column in batches.T:
        assert stats.kstest(column.numpy(), "uniform").pvalue > 1e-3


# ------------------------------------------------------------------- the loss


def test_errors_of_the_exact_velocity_are_the_least_loss():
    """A hundred thousand samples: five standard errors."""
    n = 100_000
    x = torch.from_numpy(MIXTURE.sample(n, 0))[:, None]
    epsilon = torch.randn(n, 1, dtype=torch.float64, generator=generator())
    t = torch.full((n,), 0.4, dtype=torch.float64)
    errors = velocity_errors(exact(COSINE), x, epsilon, t)
    least = MIXTURE.least_loss(0.4) / math.cos(0.2 * math.pi) ** 2
    allowed = 5 * errors.std().item() / n**0.5
    assert errors.mean().item() == pytest.approx(least, abs=allowed)


def excess_after(steps, seed=0):
    """Of the error of epsilon over the least one, as a share of it, after a training.

    It is the mean squared distance from the exact guess, so that it has little noise.
    """
    torch.manual_seed(seed)
    model, rng, batch = MLPVelocity(), generator(seed), 1_024
    x = torch.from_numpy(MIXTURE.sample(20_000, seed)).float()[:, None]
    optimizer = torch.optim.Adam(model.parameters(), 3e-3)
    for _ in range(steps):
        some = x[torch.randint(len(x), (batch,), generator=rng)]
        epsilon = torch.randn(some.shape, generator=rng)
        errors = velocity_errors(model, some, epsilon, spread_times(batch, rng))
        optimizer.zero_grad()
        errors.mean().backward()
        optimizer.step()
    n = 20_000
    x = torch.from_numpy(MIXTURE.sample(n, seed + 100))[:, None]
    t = (torch.arange(n, dtype=torch.float64) + 0.5) / n
    x_t = noised(x, torch.randn(n, 1, generator=rng), t)
    with torch.no_grad():
        off = model(x_t.float(), t.float()) - exact(COSINE)(x_t, t)
    a = torch.cos(math.pi / 2 * t)
    least = MIXTURE.least_loss(t[::20].numpy()).mean()
    return (a * off[:, 0]).square().mean().item() / least


def test_a_short_training_comes_near_the_least_loss_from_above():
    # seeds 0 to 4: 0.7 to 1.5 percent; 49 percent before the training
    assert excess_after(200) < 0.03
    assert excess_after(0) > 0.4


# ---------------------------------------------------------------- the samplers


@BOTH
def test_the_deterministic_sampler_draws_the_mixture_point_by_point(path):
    """In one dimension the flow keeps the order of the points, so that each quantile of
    the noise becomes that quantile of the data; the error falls with the steps.
    """
    noise, data = quantiles(200)
    errors = [
        (draw(exact(path), noise, steps, path=path) - data).abs().mean().item()
        for steps in (100, 200, 400)
    ]
    assert errors[2] < 5e-3
    for coarse, fine in zip(errors, errors[1:], strict=False):
        assert coarse / fine == pytest.approx(2, abs=0.25)


@pytest.mark.parametrize("eta", [0.5, 1.0])
def test_samplers_with_fresh_noise_draw_the_mixture(eta):
    """Kolmogorov's distance of 20,000 samples; 300 steps leave less than it sees."""
    rng = generator(1)
    noise = torch.randn(20_000, 1, dtype=torch.float64, generator=rng)
    x = draw(exact(COSINE), noise, 300, eta, rng)
    assert distance_of_cdfs(x).pvalue > 1e-3
    still = draw(exact(COSINE), noise, 300)
    assert (x - still).abs().mean() > 0.1


@BOTH
def test_the_ancestral_noise_is_that_of_a_conditioned_normal(path):
    """From the covariance of x_s and x_t given x, for Gaussian steps between."""
    t, s = torch.tensor([0.8, 0.3], dtype=torch.float64)
    (a, b, _, _), (a_s, b_s, _, _) = path.at(t), path.at(s)
    covariance = a / a_s * b_s**2
    expected = (b_s**2 - covariance**2 / b**2).sqrt()
    torch.testing.assert_close(ancestral_noise(t, s, path), expected)


@pytest.mark.parametrize("eta", [0.0, 0.7, 1.0])
def test_one_step_has_the_mean_and_the_noise_that_eta_says(eta):
    """Data that are one point, whose x is known at every time; from t = 1 to 1/2."""
    point, n = 0.8, 100_000

    def velocity(x_t, t):
        a, b = (each[:, None] for each in COSINE.at(t)[:2])
        return (a * x_t - point) / b

    seen = []

    def spy(x_t, t):
        seen.append(x_t.clone())
        return velocity(x_t, t)

    rng = generator(2)
    noise = torch.randn(n, 1, dtype=torch.float64, generator=rng)
    end = draw(spy, noise, 2, eta, rng)
    torch.testing.assert_close(end, torch.full_like(end, point))
    half = seen[1][:, 0]
    a = b = math.sqrt(0.5)
    assert half.mean().item() == pytest.approx(a * point, abs=5 * b / n**0.5)
    assert half.std().item() == pytest.approx(b, abs=5 * b / (2 * n) ** 0.5)
    kept = torch.corrcoef(torch.stack([half, noise[:, 0]]))[0, 1].item()
    assert kept == pytest.approx((1 - eta**2) ** 0.5, abs=5 / n**0.5)


def test_a_sampler_repeats_itself_and_refuses_what_it_cannot_do():
    noise = torch.randn(5, 1, dtype=torch.float64, generator=generator())
    model = exact(COSINE)
    first, same = (draw(model, noise, 3, 1.0, generator(4)) for _ in range(2))
    other = draw(model, noise, 3, 1.0, generator(5))
    assert torch.equal(first, same)
    assert not torch.equal(first, other)
    before = noise.clone()
    draw(model, noise, 3, 1.0)
    assert torch.equal(noise, before)
    with pytest.raises(ValueError, match="eta"):
        draw(model, noise, 3, 1.5)
    with pytest.raises(ValueError, match="steps"):
        draw(model, noise, 0)


# ------------------------------------------------------------ the flow's density


@BOTH
def test_the_flows_density_is_the_mixtures(path):
    x = torch.linspace(-3.5, 4, 40, dtype=torch.float64)
    expected = MIXTURE.log_prob(x.numpy())
    errors = [
        np.abs(flow_log_prob(exact(path), x[:, None], steps, path).numpy() - expected)
        for steps in (50, 100)
    ]
    assert errors[0].max() < 1e-4
    assert errors[0].max() > 12 * errors[1].max()  # of fourth order, so 16


def test_the_flows_density_in_two_dimensions():
    """Two independent mixtures, turned by an angle: densities multiply."""
    angle = torch.tensor(0.6, dtype=torch.float64)
    turn = torch.stack(
        [
            torch.stack([angle.cos(), -angle.sin()]),
            torch.stack([angle.sin(), angle.cos()]),
        ]
    )

    def velocity(x_t, t):
        straight = x_t @ turn
        each = [exact(COSINE)(straight[:, i : i + 1], t) for i in range(2)]
        return torch.cat(each, 1) @ turn.T

    points = torch.tensor([[-2.0, 1.0], [1.5, -2.5]], dtype=torch.float64)
    expected = MIXTURE.log_prob(points.numpy()).sum(1)
    found = flow_log_prob(velocity, points @ turn.T, 100)
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-5)


# --------------------------------------------------------- the network of digits


@pytest.fixture
def unet():
    """A narrow one whose last layers are not zero any more."""
    torch.manual_seed(0)
    model = UNet(width=8)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += 0.1 * torch.randn_like(parameter)
    return model


@pytest.fixture
def batch():
    x = torch.randn(4, 1, 28, 28, generator=generator())
    return x, torch.linspace(0.1, 0.9, 4), torch.tensor([3, 1, 4, 1])


def test_a_unet_has_as_many_parameters_as_it_says():
    found = sum(parameter.numel() for parameter in UNet().parameters())
    assert f"{found:,}" in UNet.__doc__


def test_a_fresh_unet_predicts_nothing():
    x = torch.randn(2, 1, 28, 28)
    assert UNet(width=8)(x, torch.rand(2)).abs().max() < 0.1


def test_a_unet_sees_image_time_and_class(unet, batch):
    x, t, label = batch
    with torch.no_grad():
        v = unet(x, t, label)
        assert v.shape == x.shape
        for other in (unet(x + 0.1, t, label), unet(x, t / 2, label), unet(x, t)):
            assert (other - v).abs().mean() > 1e-3
        none = torch.full_like(label, unet.classes)
        assert torch.equal(unet(x, t), unet(x, t, none))
        alone = unet(x[1:2], t[1:2], label[1:2])
    torch.testing.assert_close(alone, v[1:2], rtol=1e-4, atol=1e-5)


def test_guidance_goes_from_no_class_through_the_class_and_beyond(unet, batch):
    x, t, label = batch
    with torch.no_grad():
        none, wanted = unet(x, t), unet(x, t, label)
        assert torch.equal(guided(unet, label, 0)(x, t), none)
        assert torch.equal(guided(unet, label, 1)(x, t), wanted)
        for guidance in (0.3, 2.5):
            expected = (1 - guidance) * none + guidance * wanted
            found = guided(unet, label, guidance)(x, t)
            torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


def test_images_are_drawn_in_parts_with_their_own_noise_and_labels(
    unet, rng, monkeypatch
):
    noise = rng.standard_normal((5, 28, 28, 1), dtype=np.float32)
    label = [0, 1, 2, 3, 4]
    whole = draw_images(unet, noise, 2, label=label)
    assert whole.shape == noise.shape
    assert whole.dtype == np.float32
    assert 0 <= whole.min() < whole.max() <= 1
    unlabelled = draw_images(unet, noise, 2)
    assert np.abs(whole - unlabelled).mean() > 1e-3
    unguided = draw_images(unet, noise, 2, label=label, guidance=0)
    np.testing.assert_array_equal(unguided, unlabelled)
    monkeypatch.setattr("course_utils.pytorch.diffusion.DRAWN_AT_ONCE", 2)
    in_parts = draw_images(unet, noise, 2, label=label)
    # where the hardware has it, in bfloat16: a part in 256 a step, and noise on it
    np.testing.assert_allclose(in_parts, whole, atol=0.05)


# ----------------------------------------------------------------- its training


def training(digits, seed=0, steps=6):
    torch.manual_seed(0)
    x = 2 * torch.from_numpy(digits.transpose(0, 3, 1, 2).copy()) - 1
    y = torch.arange(len(x)) % 10
    return Training(UNet(width=8), x, y, steps, seed, "float32")


def result(one):
    return torch.cat([p.flatten() for p in one.average.module.parameters()])


def test_a_training_that_was_cut_ends_where_the_whole_one_does(
    digits, tmp_path, monkeypatch
):
    whole = training(digits)
    history = train(whole, Checkpoints(tmp_path / "whole"), every=2)
    half = training(digits)
    rounds = iter([half.run, half.run])
    monkeypatch.setattr(half, "run", lambda steps: next(rounds)(steps))
    with pytest.raises((StopIteration, RuntimeError)):
        train(half, Checkpoints(tmp_path / "half"), every=2)
    again = training(digits, seed=5)  # its random numbers are taken up, too
    resumed = train(again, Checkpoints(tmp_path / "half"), every=2)
    assert len(history) == 3
    assert resumed.series == history.series
    assert torch.equal(result(again), result(whole))
    assert not torch.equal(result(half), result(whole))


def test_a_training_takes_up_no_others_checkpoint(digits, tmp_path):
    train(training(digits, steps=2), Checkpoints(tmp_path), every=2)
    with pytest.raises(CheckpointError, match="steps was 2 and is now 4"):
        train(training(digits, steps=4), Checkpoints(tmp_path), every=2)


def test_the_rate_rises_and_falls_to_nothing(digits):
    one = training(digits, steps=400)
    rates = []
    for one.done in range(400):
        rates.append(one._rate())
    assert rates[0] < 0.02 * max(rates)
    assert rates.index(max(rates)) == pytest.approx(100, abs=15)
    assert rates[-1] < 1e-4 * max(rates)


def test_a_loss_that_is_not_finite_names_its_step(digits):
    one = training(digits)
    one.run(1)
    one.x.fill_(math.nan)
    with pytest.raises(FloatingPointError, match="step 2"):
        one.run(2)
