"""One step of a VAE's training, and whole runs."""

import inspect
import math

import numpy as np
import pytest
import torch

from course_utils.exact.linear_gaussian import LinearGaussian
from course_utils.pytorch.device import to_tensor
from course_utils.pytorch.likelihoods import (
    BernoulliPixels,
    GaussianColumns,
    GaussianPixels,
)
from course_utils.pytorch.training import evaluate_vae, train_vae
from course_utils.pytorch.vae import MLPVAE, ConvVAE, elbo, vae_step
from course_utils.records.history import IncompleteRunError


def test_the_trainer_works_on_the_convolutional_vae_unchanged(digits):
    torch.manual_seed(0)
    model = ConvVAE()
    options = {"test_images": digits[200:], "batch_size": 20}
    history = train_vae(model, digits[:200], 4, 0, **options)
    assert history["loss"][-1] < history["loss"][0] - 100
    assert history["test_loss"][-1] < history["test_loss"][0] - 50


KEYS = ["elbo", "reconstruction", "kl", "loss"]


def parameters_of(model):
    return torch.cat([p.detach().flatten() for p in model.parameters()])


@pytest.mark.parametrize("likelihood", [BernoulliPixels(), GaussianPixels(learn=True)])
@pytest.mark.parametrize("beta", [1.0, 4.0])
def test_a_step_descends_and_moves_every_parameter(small_vae, digits, likelihood, beta):
    model, x = small_vae(likelihood), to_tensor(digits[:100])
    epsilon = torch.randn(100, 2, generator=torch.Generator().manual_seed(0))
    before = [p.detach().clone() for p in model.parameters()]
    optimizer = torch.optim.SGD(model.parameters(), 1e-5)
    reconstruction, kl = vae_step(model, x, epsilon, optimizer, beta)
    _, later_reconstruction, later_kl = elbo(model, x, epsilon)
    later = (beta * later_kl - later_reconstruction).mean()
    assert later < (beta * kl - reconstruction).mean()
    for old, new in zip(before, model.parameters(), strict=True):
        assert not torch.equal(old, new)


@pytest.mark.parametrize("beta", [1.0, 0.25])
def test_a_step_follows_the_gradient_of_the_mean_loss(small_vae, digits, beta):
    model, twin, x = small_vae().double(), small_vae().double(), digits[:10]
    x, epsilon = to_tensor(x).double(), torch.ones(10, 2, dtype=torch.float64)
    _, reconstruction, kl = elbo(twin, x, epsilon)
    (beta * kl - reconstruction).mean().backward()
    optimizer = torch.optim.SGD(model.parameters(), 0.01)
    for _ in range(2):  # what an earlier step left behind must not add up
        model.load_state_dict(twin.state_dict())
        returned = vae_step(model, x, epsilon, optimizer, beta)
    for new, old in zip(model.parameters(), twin.parameters(), strict=True):
        torch.testing.assert_close(new, old - 0.01 * old.grad)
    torch.testing.assert_close(returned, (reconstruction, kl))
    assert not any(term.requires_grad for term in returned)


def test_keys_and_signs_are_the_courses(small_vae, digits):
    history = train_vae(
        small_vae(), digits, 2, seed=0, test_images=digits[:50], beta=2.0
    )
    assert list(history) == KEYS + [f"test_{key}" for key in KEYS]
    assert len(history) == 2
    for prefix in ("", "test_"):
        elbo_, reconstruction, kl, loss = (np.array(history[prefix + k]) for k in KEYS)
        assert (kl > 0).all()
        assert (reconstruction < 0).all()
        np.testing.assert_allclose(elbo_, reconstruction - kl, rtol=1e-13)
        np.testing.assert_allclose(loss, 2 * kl - reconstruction, rtol=1e-13)


def test_without_held_out_images_there_are_no_test_series(small_vae, digits):
    assert list(train_vae(small_vae(), digits[:50], 1, seed=0)) == KEYS


def test_the_loss_falls_on_training_and_held_out_digits(small_vae, digits):
    history = train_vae(
        small_vae(), digits[:200], 8, 0, test_images=digits[200:], batch_size=20
    )
    for name in ("loss", "test_loss"):
        first, *_, last = history[name]
        assert last < first - 50


def test_the_model_is_trained_in_place(small_vae, digits):
    model = small_vae()
    before = parameters_of(model)
    train_vae(model, digits[:50], 1, seed=0)
    assert not torch.equal(parameters_of(model), before)
    assert model.training


@pytest.mark.parametrize("options", [{}, {"binarize": True}, {"precision": "bfloat16"}])
def test_the_same_seed_gives_the_same_run_bit_for_bit(small_vae, digits, options):
    def run(seed):
        model = small_vae()
        options_of_run = {"test_images": digits[200:], "batch_size": 64, **options}
        history = train_vae(model, digits[:200], 2, seed, **options_of_run)
        return history, parameters_of(model)

    (first, weights), (again, same_weights), (other, _) = run(1), run(1), run(2)
    assert first == again
    assert torch.equal(weights, same_weights)
    assert all(first[key] != other[key] for key in first)


def test_global_random_numbers_are_neither_used_nor_touched(small_vae, digits):
    histories = []
    for seed in (1, 2):
        model = small_vae()
        torch.manual_seed(seed)
        np.random.seed(seed)
        states = torch.get_rng_state(), np.random.get_state()[1].copy()
        histories.append(train_vae(model, digits[:100], 1, 0, binarize=True))
        assert torch.equal(torch.get_rng_state(), states[0])
        assert (np.random.get_state()[1] == states[1]).all()
    assert histories[0] == histories[1]


def test_means_are_over_images_also_when_the_last_batch_is_small(small_vae, pixels):
    images = np.zeros((65, 28, 28, 1), dtype=np.float32)
    images[::3] = 0.6
    history = train_vae(
        small_vae(pixels()), images, 1, 0, test_images=images[::2], batch_size=32
    )
    for name, some in (("", images), ("test_", images[::2])):
        expected = -np.abs(some.astype(np.float64) - 0.1).sum() / len(some)
        # sums of 784 float32 numbers: relative error below 784 * 2^-24
        assert history[f"{name}reconstruction"] == pytest.approx([expected], rel=5e-5)


def test_each_image_is_visited_once_an_epoch_in_a_new_order(small_vae, pixels):
    images = np.full((10, 28, 28, 1), 1.0, dtype=np.float32)
    images *= np.linspace(0, 0.9, 10, dtype=np.float32)[:, None, None, None]
    model = small_vae(pixels())
    train_vae(model, images, 2, seed=0, batch_size=4)
    seen = torch.cat(model.likelihood.seen)[:, 0, 0, 0]
    orders = seen[:10].tolist(), seen[10:].tolist()
    assert [len(x) for x in model.likelihood.seen] == [4, 4, 2] * 2
    assert sorted(orders[0]) == sorted(orders[1]) == images[:, 0, 0, 0].tolist()
    assert orders[0] != orders[1]


def test_held_out_images_are_measured_with_the_same_noise_each_time(small_vae, digits):
    history = train_vae(
        small_vae(), digits[:50], 3, 0, test_images=digits[:70], learning_rate=0.0
    )
    assert len(set(history["test_loss"])) == 1
    assert len(set(history["loss"])) == 3


def test_layers_that_behave_otherwise_in_training_are_told_apart(
    small_vae, pixels, digits
):
    model = small_vae(pixels()).eval()
    train_vae(model, digits[:20], 2, 0, test_images=digits[:9], batch_size=10)
    assert model.likelihood.modes == [True, True, False] * 2
    assert model.training


def test_pixels_are_drawn_afresh_for_training_and_once_for_the_test(small_vae, pixels):
    grey = np.full((40, 28, 28, 1), 0.3, dtype=np.float32)
    model = small_vae(pixels())
    train_vae(model, grey, 2, seed=0, test_images=grey[:30], binarize=True)
    first, test, second, same_test = model.likelihood.seen
    for drawn in (first, test, second):
        assert set(drawn.unique().tolist()) == {0.0, 1.0}
        # a mean of n Bernoulli draws has the standard error sqrt(p (1 - p) / n)
        error = math.sqrt(0.3 * 0.7 / drawn.numel())
        assert abs(drawn.mean().item() - 0.3) < 5 * error
    assert not torch.equal(first, second)
    assert torch.equal(test, same_test)


def test_without_binarizing_grey_levels_arrive_as_they_are(small_vae, pixels):
    grey = np.full((4, 28, 28, 1), 0.3, dtype=np.float32)
    model = small_vae(pixels())
    train_vae(model, grey, 1, seed=0)
    assert (model.likelihood.seen[0] == np.float32(0.3)).all()


def test_the_callers_images_stay_as_they_are(small_vae, digits):
    images = digits[:30].copy()
    train_vae(small_vae(), images, 1, 0, test_images=images, binarize=True)
    np.testing.assert_array_equal(images, digits[:30])


def raise_at(call_to_break, error):
    def at_call(call):
        if call == call_to_break:
            raise error

    return at_call


@pytest.mark.parametrize("call, finished", [(4, 1), (9, 2), (10, 3)])
def test_an_interrupt_keeps_the_model_and_the_finished_epochs(
    small_vae, pixels, digits, notebook, call, finished
):
    """An epoch takes two calls for training and one for the held-out images."""
    model = small_vae(pixels(raise_at(call, KeyboardInterrupt)))
    before = parameters_of(model)
    history = train_vae(model, digits[:60], 5, 0, test_images=digits[:9], batch_size=30)
    assert [len(series) for _, series in history.items()] == [finished] * len(
        list(history)
    )
    assert len(history) == finished
    assert not history.complete
    assert not torch.equal(parameters_of(model), before)
    assert model.training


@pytest.mark.parametrize("call", [1, 3])
def test_stopped_before_the_first_epoch_it_ends_in_a_sentence(
    small_vae, pixels, digits, notebook, call
):
    model = small_vae(pixels(raise_at(call, KeyboardInterrupt)))
    with pytest.raises(IncompleteRunError, match="0 of 5 epochs.*Run this cell again"):
        train_vae(model, digits[:60], 5, 0, test_images=digits[:9], batch_size=30)


def test_in_a_program_an_interrupt_goes_on(small_vae, pixels, digits):
    model = small_vae(pixels(raise_at(4, KeyboardInterrupt)))
    with pytest.raises(KeyboardInterrupt):
        train_vae(model, digits[:60], 5, 0, batch_size=30)


def test_an_interrupted_run_starts_like_a_whole_one(
    small_vae, pixels, digits, notebook
):
    arguments = (digits[:60], 4, 0)
    whole = train_vae(small_vae(pixels()), *arguments)
    cut = train_vae(small_vae(pixels(raise_at(3, KeyboardInterrupt))), *arguments)
    assert len(cut) == 2
    assert all(cut[key] == whole[key][:2] for key in cut)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_loss_that_is_not_finite_is_named_with_its_step(
    small_vae, pixels, digits, value
):
    model = small_vae(pixels())
    finite = model.likelihood.log_likelihood

    def breaks_at_the_fifth_call(decoded, x):
        result = finite(decoded, x)
        return result * value if model.likelihood.calls == 5 else result

    model.likelihood.log_likelihood = breaks_at_the_fifth_call
    with pytest.raises(FloatingPointError, match="step 2 of epoch 2.*learning rate"):
        train_vae(model, digits[:90], 3, seed=0, batch_size=30)


def test_a_loss_that_is_not_finite_on_held_out_images_is_told_apart(
    small_vae, pixels, digits
):
    model = small_vae(pixels())
    finite = model.likelihood.log_likelihood

    def breaks_on_few(decoded, x):
        return finite(decoded, x) * (math.nan if len(x) == 9 else 1)

    model.likelihood.log_likelihood = breaks_on_few
    with pytest.raises(FloatingPointError, match="step 1 on held-out images, epoch 1"):
        train_vae(model, digits[:60], 3, 0, test_images=digits[:9], batch_size=30)


def test_a_learning_rate_that_explodes_ends_in_that_sentence(small_vae, digits):
    with pytest.raises(FloatingPointError, match=r"step \d+ of epoch \d+"):
        train_vae(small_vae(), digits[:60], 5, 0, batch_size=20, learning_rate=1e6)


GOOD = np.full((2, 28, 28, 1), 0.5, dtype=np.float32)


BAD = [
    (GOOD * 510, ValueError, "divide bytes by 255"),
    (GOOD - 1, ValueError, r"\[0, 1\]"),
    (GOOD * np.nan, ValueError, "NaN"),
    (GOOD[..., 0], ValueError, "channel axis"),
    (GOOD[:0], ValueError, "no images"),
    ((GOOD * 255).astype(np.uint8), TypeError, "255"),
    (GOOD.tolist(), TypeError, "not list"),
]


@pytest.mark.parametrize("bad, error, hint", BAD)
def test_unusable_images_are_refused_before_the_first_step(small_vae, bad, error, hint):
    model = small_vae()
    before = parameters_of(model)
    with pytest.raises(error, match=hint):
        train_vae(model, bad, 1, seed=0)
    with pytest.raises(error, match=hint):
        train_vae(model, GOOD, 1, seed=0, test_images=bad)
    assert torch.equal(parameters_of(model), before)


def test_an_unknown_precision_is_refused(small_vae):
    with pytest.raises(ValueError, match="precision is 'float16'"):
        train_vae(small_vae(), GOOD, 1, seed=0, precision="float16")


def test_a_seed_must_be_given_and_options_are_named():
    parameters = inspect.signature(train_vae).parameters
    assert parameters["seed"].default is inspect.Parameter.empty
    names = list(parameters)
    assert names[:4] == ["model", "images", "epochs", "seed"]
    assert all(parameters[n].kind is inspect.Parameter.KEYWORD_ONLY for n in names[4:])


def vae_of_points(columns=3, floor=0.01):
    torch.manual_seed(0)
    return MLPVAE(GaussianColumns(columns, floor), 1, (16,), (16,), (columns,))


def test_points_are_learnt_up_to_what_their_law_allows():
    law = LinearGaussian([[1.0], [0.5], [-0.8]], np.zeros(3), 0.5)
    x, test = law.sample(2_000, 0)[0], law.sample(500, 1)[0]
    model = vae_of_points()
    before = evaluate_vae(model, test, samples=50).elbo
    history = train_vae(model, x, 40, 0, test_images=test)
    after = evaluate_vae(model, test, samples=50)
    most = law.log_evidence(test)
    lead = after.bounds[50] - most  # row by row: it cannot be above on average
    error = lead.std() / math.sqrt(len(lead))
    assert history["test_elbo"][-1] > before.mean + 0.5
    assert -0.1 < lead.mean() < 3 * error


@pytest.mark.parametrize(
    "x, message",
    [
        (np.zeros((5, 4), np.float32), "points of 3 numbers; these have 4"),
        (np.zeros(5, np.float32), "must have shape"),
        (np.full((5, 3), np.nan, np.float32), "NaN"),
    ],
)
def test_other_points_are_refused_before_the_first_step(x, message):
    model = vae_of_points()
    for work in (lambda: train_vae(model, x, 1, 0), lambda: evaluate_vae(model, x, 5)):
        with pytest.raises(ValueError, match=message):
            work()


def test_a_training_that_stops_earlier_is_the_beginning_of_a_longer_one(rng):
    """Test rows change nothing, so whoever trains anew gets a past epoch back."""
    x = rng.normal(size=(300, 3))
    longer, shorter = vae_of_points(), vae_of_points()
    seen = train_vae(longer, x, 5, 0, test_images=x[:50])
    again = train_vae(shorter, x, 3, 0)
    assert seen["elbo"][:3] == again["elbo"]
    at_three = evaluate_vae(shorter, x[:50], samples=1, seed=0).kl.mean
    assert seen["test_kl"][2] == pytest.approx(at_three, rel=1e-5)
