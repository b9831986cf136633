"""Single steps, whole runs, and what fit reports."""

import logging
import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from course_utils.pytorch.training import train_vae as train_vae_in_pytorch
from course_utils.pytorch.vae import ConvVAE as ConvVAEInPyTorch
from course_utils.records.history import IncompleteRunError
from course_utils.tfkeras import batches
from course_utils.tfkeras.training import evaluate_vae, train_vae
from course_utils.tfkeras.vae import ConvVAE, FirstNotFinite, elbo
from course_utils.tfkeras.weights import export_weights

KEYS = ["elbo", "reconstruction", "kl", "loss"]


def same_weights(first, second):
    return all(np.array_equal(array, second[name]) for name, array in first.items())


def test_keys_and_signs_are_the_courses(conv_vae, digits):
    history = train_vae(
        conv_vae(), digits[:96], 2, seed=0, test_images=digits[:50], beta=2.0
    )
    assert list(history) == KEYS + [f"test_{key}" for key in KEYS]
    assert len(history) == 2
    for prefix in ("", "test_"):
        elbo_, reconstruction, kl, loss = (np.array(history[prefix + k]) for k in KEYS)
        assert (kl > 0).all()
        assert (reconstruction < 0).all()
        # each image's terms are rounded to float32, u = 6e-8, before they are averaged
        np.testing.assert_allclose(elbo_, reconstruction - kl, rtol=1e-7)
        np.testing.assert_allclose(loss, 2 * kl - reconstruction, rtol=1e-7)


def test_without_held_out_images_there_are_no_test_series(conv_vae, digits):
    assert list(train_vae(conv_vae(), digits[:32], 1, seed=0)) == KEYS


def test_the_loss_falls_on_training_and_held_out_digits(conv_vae, digits):
    history = train_vae(
        conv_vae(), digits[:200], 4, 0, test_images=digits[200:], batch_size=20
    )
    for name in ("loss", "test_loss"):
        first, *_, last = history[name]
        assert last < first - 50


@pytest.mark.parametrize("options", [{}, {"binarize": True}, {"precision": "bfloat16"}])
def test_the_same_seed_gives_the_same_run_bit_for_bit(conv_vae, digits, options):
    """Whatever the global generators are at."""

    def run(seed, global_seed):
        model = conv_vae()
        keras.utils.set_random_seed(global_seed)
        data = {"test_images": digits[100:150], "batch_size": 64}
        history = train_vae(model, digits[:100], 2, seed, **data, **options)
        return history, export_weights(model)

    (first, weights), (again, repeated), (other, _) = run(1, 5), run(1, 6), run(2, 5)
    assert first == again
    assert same_weights(weights, repeated)
    assert all(first[key] != other[key] for key in first)


class Spy(ConvVAE):
    """Notes what it is fed; may break its likelihood at one call."""

    def __init__(self, channels=1):
        super().__init__(channels=channels)
        self.seen, self.noises = [], []
        self.value_at = lambda call: 1.0

    def terms(self, data):
        tf.py_function(self.look, data, [])
        value = tf.py_function(lambda: self.value_at(len(self.seen)), [], tf.float32)
        return {k: v * tf.reshape(value, ()) for k, v in super().terms(data).items()}

    def look(self, x, epsilon):
        self.seen.append(x.numpy())
        self.noises.append(epsilon.numpy())


@pytest.fixture
def spy(conv_vae):
    return conv_vae(kind=Spy)


def test_a_step_is_traced_once(conv_vae, digits, monkeypatch):
    model, traced = conv_vae(), []
    plain = model.train_step

    def train_step(data):
        traced.append(data)  # only while the step is traced
        return plain(data)

    monkeypatch.setattr(model, "train_step", train_step)
    train_vae(model, digits[:32], epochs=2, seed=0, batch_size=16)
    assert len(traced) == 1


def test_each_image_is_visited_once_an_epoch_in_a_new_order(spy):
    images = np.full((10, 28, 28, 1), 1.0, dtype=np.float32)
    images *= np.linspace(0, 0.9, 10, dtype=np.float32)[:, None, None, None]
    train_vae(spy, images, 2, seed=0, batch_size=4)
    seen = np.concatenate(spy.seen)[:, 0, 0, 0]
    orders = seen[:10].tolist(), seen[10:].tolist()
    assert [len(x) for x in spy.seen] == [4, 4, 2] * 2
    assert sorted(orders[0]) == sorted(orders[1]) == images[:, 0, 0, 0].tolist()
    assert orders[0] != orders[1]
    assert orders[0] != images[:, 0, 0, 0].tolist()


def test_each_step_has_standard_normal_noise_of_its_own(spy, digits):
    train_vae(spy, digits, 10, seed=0, batch_size=100)
    noise = np.concatenate(spy.noises)
    assert noise.shape == (3000, 2)
    assert len(np.unique(noise)) == noise.size
    # standard errors of a mean and of a variance of n draws: sqrt(1 / n), sqrt(2 / n)
    assert abs(noise.mean()) < 5 / math.sqrt(noise.size)
    assert abs(noise.var() - 1) < 5 * math.sqrt(2 / noise.size)


def test_pixels_are_drawn_afresh_for_training_and_once_for_the_test(spy):
    grey = np.full((40, 28, 28, 1), 0.3, dtype=np.float32)
    train_vae(spy, grey, 2, seed=0, test_images=grey[:30], binarize=True)
    first, test, second, same_test = spy.seen
    for drawn in (first, test, second):
        assert set(np.unique(drawn).tolist()) == {0.0, 1.0}
        # a mean of n Bernoulli draws has the standard error sqrt(p (1 - p) / n)
        error = math.sqrt(0.3 * 0.7 / drawn.size)
        assert abs(drawn.mean() - 0.3) < 5 * error
    assert not np.array_equal(first, second)
    assert not np.array_equal(first[:30], test)
    np.testing.assert_array_equal(test, same_test)


def test_grey_levels_arrive_as_they_are_unless_binarized(spy):
    train_vae(spy, np.full((4, 28, 28, 1), 0.3, dtype=np.float32), 1, seed=0)
    assert (spy.seen[0] == np.float32(0.3)).all()


def test_held_out_images_are_measured_with_the_same_noise_each_time(conv_vae, digits):
    history = train_vae(
        conv_vae(), digits[:50], 3, 0, test_images=digits[:70], learning_rate=0.0
    )
    assert len(set(history["test_loss"])) == 1
    assert len(set(history["loss"])) == 3


def test_means_are_over_images_also_when_the_last_batch_is_small(conv_vae, digits):
    """With a step size of zero an epoch measures one fixed model."""
    model = conv_vae()
    history = train_vae(
        model, digits[:65], 1, 0, test_images=digits[:33], learning_rate=0.0
    )
    draws = {"batch_size": 65, "latent_dim": 2, "seed": 0, "binarize": False}
    x = tf.constant(digits[:33])
    ((_, epsilon),) = batches.held_out_batches(x, **draws)
    expected = [np.mean(term) for term in elbo(model, x, epsilon)]
    small = train_vae(model, digits[:65], 1, 0, test_images=digits[:33], batch_size=32)
    for key, value in zip(KEYS, expected, strict=False):
        # sums of 784 float32 numbers: relative error below 784 * 2^-24
        assert history[f"test_{key}"][0] == pytest.approx(value, rel=5e-5)
    assert small["kl"] != history["kl"]


@pytest.fixture
def interrupted(conv_vae, monkeypatch):
    """A model whose training is interrupted at a call.

    An epoch takes two calls for training and one for the held-out images.
    """
    calls = []

    class Interrupting(keras.callbacks.Callback):
        def count(self, batch, logs=None):
            calls.append(batch)
            if len(calls) == Interrupting.at:
                raise KeyboardInterrupt

        on_train_batch_begin = on_test_batch_begin = count

    def interrupted_at(call):
        Interrupting.at, model = call, conv_vae()
        fit = model.fit
        monkeypatch.setattr(
            model,
            "fit",
            lambda *args, callbacks, **options: fit(
                *args, callbacks=[*callbacks, Interrupting()], **options
            ),
        )
        return model

    return interrupted_at


@pytest.mark.parametrize("call, finished", [(4, 1), (10, 3)])
def test_an_interrupt_keeps_the_model_and_the_finished_epochs(
    interrupted, digits, notebook, call, finished
):
    model = interrupted(call)
    before = export_weights(model)
    history = train_vae(model, digits[:60], 5, 0, test_images=digits[:9], batch_size=30)
    assert len(history) == finished
    assert not history.complete
    assert all(len(series) == finished for _, series in history.items())
    assert not same_weights(export_weights(model), before)


@pytest.mark.parametrize("call", [1, 3])
def test_stopped_before_the_first_epoch_it_ends_in_a_sentence(
    interrupted, digits, notebook, call
):
    with pytest.raises(IncompleteRunError, match="0 of 5 epochs.*Run this cell again"):
        train_vae(
            interrupted(call), digits[:60], 5, 0, test_images=digits[:9], batch_size=30
        )


def test_in_a_program_an_interrupt_goes_on(interrupted, digits):
    with pytest.raises(KeyboardInterrupt):
        train_vae(interrupted(4), digits[:60], 5, 0, batch_size=30)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_loss_that_is_not_finite_is_named_with_its_step(spy, digits, value):
    spy.value_at = lambda call: value if call == 5 else 1.0
    with pytest.raises(FloatingPointError, match="step 2 of epoch 2.*learning rate"):
        train_vae(spy, digits[:90], 3, seed=0, batch_size=30)


def test_a_loss_that_is_not_finite_on_held_out_images_is_told_apart(spy, digits):
    spy.value_at = lambda call: math.nan if call == 3 else 1.0
    with pytest.raises(FloatingPointError, match="step 1 on held-out images, epoch 1"):
        train_vae(spy, digits[:60], 3, 0, test_images=digits[:9], batch_size=30)


def test_the_first_step_that_is_not_finite_is_the_one_reported():
    metric = FirstNotFinite()
    for values, first in (([1.0, 2.0], 0), ([1.0, math.nan], 2), ([math.inf], 2)):
        metric.update_state(tf.constant(values))
        assert int(metric.result()) == first
    metric.reset_state()
    assert int(metric.result()) == 0


@pytest.mark.parametrize("static", ["0", "1"])
def test_progress_is_one_line_and_silent_while_a_lesson_is_saved(
    conv_vae, digits, monkeypatch, capfd, static
):
    monkeypatch.setenv("COURSE_STATIC", static)
    train_vae(conv_vae(), digits[:20], 2, 0)
    output = capfd.readouterr()
    assert output.err == ""
    if static == "1":
        assert output.out == ""
    else:
        _, *lines = output.out.split("\r")
        assert [line.split(" (")[0] for line in lines] == [
            "epoch 1 of 2",
            "epoch 2 of 2",
        ]
        assert lines[0].count("\n") == 0


GOOD = np.full((2, 28, 28, 1), 0.5, dtype=np.float32)
BAD = [
    GOOD * 3,
    GOOD - 1,
    GOOD * np.nan,
    GOOD[..., 0],
    GOOD[:0],
    (GOOD * 255).astype(np.uint8),
    GOOD.tolist(),
]


@pytest.mark.parametrize("bad", BAD)
def test_unusable_images_are_refused_with_the_sentences_of_the_other_wing(
    conv_vae, bad
):
    model = conv_vae()
    before = export_weights(model)
    with pytest.raises((TypeError, ValueError)) as theirs:
        train_vae_in_pytorch(ConvVAEInPyTorch(), bad, 1, seed=0)
    for images, options in ((bad, {}), (GOOD, {"test_images": bad})):
        with pytest.raises(theirs.type) as ours:
            train_vae(model, images, 1, seed=0, **options)
        assert str(ours.value) == str(theirs.value)
    assert same_weights(export_weights(model), before)


def test_an_unknown_precision_is_refused(conv_vae):
    with pytest.raises(ValueError, match="precision is 'float16'"):
        train_vae(conv_vae(), GOOD, 1, seed=0, precision="float16")


def test_after_training_in_bfloat16_everything_is_float32_again(conv_vae, digits):
    model, x = conv_vae(), tf.constant(digits[:20])
    train_vae(model, digits[:40], 1, 0, test_images=digits[:20], precision="bfloat16")
    draw = {"batch_size": 20, "latent_dim": 2, "seed": 0, "binarize": False}
    data = batches.held_out_batches(x, **draw)
    ((_, epsilon),) = data
    expected = np.mean(elbo(model, x, epsilon)[0])
    found = model.evaluate(data, verbose=0, return_dict=True)["elbo"]
    assert found == pytest.approx(expected, rel=1e-6)


def test_bfloat16_changes_the_sums_but_hardly_the_loss(conv_vae, digits):
    losses = [
        train_vae(conv_vae(), digits, 3, 0, precision=precision)["loss"][-1]
        for precision in ("float32", "bfloat16")
    ]
    assert losses[0] != losses[1]
    # its numbers have 8 bits
    assert losses[1] == pytest.approx(losses[0], rel=2**-7)


def test_fit_and_evaluate_take_plain_images_and_draw_the_noise(conv_vae, digits):
    model = conv_vae()
    model.compile("adam")
    fitted = model.fit(digits[:60], epochs=2, batch_size=30, verbose=0).history
    assert set(fitted) == {*KEYS, "not_finite_step"}
    first, second = (
        model.evaluate(digits[:60], verbose=0, return_dict=True) for _ in range(2)
    )
    assert first["kl"] == second["kl"]
    assert first["reconstruction"] != second["reconstruction"]


def test_single_batches_may_be_trained_on_with_and_without_noise(conv_vae, digits):
    model = conv_vae()
    model.compile("adam")
    epsilon = np.zeros((30, 2), dtype=np.float32)
    for data in (digits[:30],), (digits[:30], epsilon):
        assert set(model.train_on_batch(*data, return_dict=True)) >= set(KEYS)
    model.reset_metrics()
    data = tf.constant(digits[:30]), tf.constant(epsilon)
    # the noise that came along is the noise that was used; 784 sums in float32
    expected = np.mean(elbo(model, *data)[1])
    measured = model.test_step(data)["reconstruction"].numpy()
    assert measured == pytest.approx(expected, rel=5e-5)


def test_a_third_model_in_a_session_is_no_reason_for_a_warning(conv_vae, digits):
    seen = []

    class Kept(logging.Handler):
        def emit(self, record):
            seen.append(record.getMessage())

    handler = Kept(level=logging.WARNING)
    tf.get_logger().addHandler(handler)
    try:
        for _ in range(8):
            model = conv_vae()
            train_vae(model, digits[:4], 1, 0)
            evaluate_vae(model, digits[:4], samples=5)
    finally:
        tf.get_logger().removeHandler(handler)
    assert seen == []
