"""Arrays as users have them, in both wings: refused in a sentence, or used rightly."""

import importlib
from types import SimpleNamespace

import numpy as np
import pytest
from playing import play

from course_utils.metrics import modes
from course_utils.metrics.digits import frechet_distance

WINGS = ("pytorch", "tfkeras")


@pytest.fixture(params=WINGS)
def wing(request):
    """The VAE and the GAN of one framework, and a model's numbers as one array."""
    name = request.param
    modules = {
        part: importlib.import_module(f"course_utils.{name}.{part}")
        for part in ("vae", "gan", "likelihoods", "training", "networks", "weights")
    }
    device = importlib.import_module(f"course_utils.{name}.device")

    def numbers(model):
        weights = modules["weights"].export_weights(model).values()
        return np.concatenate([array.ravel() for array in weights])

    return SimpleNamespace(name=name, numbers=numbers, device=device, **modules)


TURNED = "28 x 28 x 1.*these are 1 x 28 x 28.*transpose"
WRONG_SHAPES = {
    "channels first": (lambda x: x.transpose(0, 3, 1, 2), TURNED),
    "height after width and channels": (lambda x: x.transpose(0, 1, 3, 2), "28 x 1 x"),
    "rows of pixels": (lambda x: x.reshape(-1, 1, 1, 784), "1 x 1 x 784"),
    "no channel axis": (lambda x: x[..., 0], r"images\[\.\.\., None\]"),
    "colour": (lambda x: x.repeat(3, axis=-1), "28 x 28 x 1.*28 x 28 x 3"),
    "another size": (lambda x: x[:, :14, :14], "28 x 28 x 1.*14 x 14 x 1"),
}


@pytest.mark.parametrize("wrong, words", WRONG_SHAPES.values(), ids=WRONG_SHAPES)
def test_images_of_another_shape_are_refused_before_the_first_step(
    wing, digits, wrong, words
):
    model, images = wing.vae.ConvVAE(), wrong(digits[:20])
    before = wing.numbers(model)
    with pytest.raises(ValueError, match=words):
        wing.training.train_vae(model, images, 1, 0)
    with pytest.raises(ValueError, match=words):
        wing.training.train_vae(model, digits[:20], 1, 0, test_images=images)
    with pytest.raises(ValueError, match=words):
        wing.training.evaluate_vae(model, images, samples=5)
    np.testing.assert_array_equal(wing.numbers(model), before)


@pytest.mark.parametrize("wrong, words", WRONG_SHAPES.values(), ids=WRONG_SHAPES)
def test_a_model_that_would_flatten_them_refuses_other_shapes_too(digits, wrong, words):
    from course_utils.pytorch.likelihoods import BernoulliPixels
    from course_utils.pytorch.training import train_vae
    from course_utils.pytorch.vae import MLPVAE

    with pytest.raises(ValueError, match=words):
        train_vae(MLPVAE(BernoulliPixels()), wrong(digits[:20]), 1, 0)


def test_a_grey_image_is_refused_by_a_decoder_of_colours(wing, digits):
    with pytest.raises(ValueError, match="28 x 28 x 3.*these are 28 x 28 x 1"):
        wing.training.train_vae(wing.vae.ConvVAE(channels=3), digits[:20], 1, 0)


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 6, 10)])
def test_the_mlp_vae_can_be_made_for_other_sizes(rng, shape):
    from course_utils.pytorch.training import evaluate_vae, train_vae
    from course_utils.pytorch.vae import MLPVAE

    channels, height, width = shape
    x = rng.random((30, height, width, channels), dtype=np.float32)
    model = MLPVAE(latent_dim=2, shape=shape)
    history = train_vae(model, x, 2, 0, test_images=x[:5])
    assert np.isfinite(history["test_elbo"]).all()
    assert np.isfinite(evaluate_vae(model, x, samples=5).elbo.mean)
    with pytest.raises(ValueError, match=f"takes images of {height} x {width}"):
        train_vae(model, x[:, 1:], 1, 0)


def test_a_model_of_ones_own_without_a_decoder_is_still_guarded(digits):
    import torch

    from course_utils.pytorch.training import train_vae
    from course_utils.pytorch.vae import MLPVAE

    class Bare(torch.nn.Module):
        """What `train_vae` asks for, and no more."""

        latent_dim = 8

        def __init__(self):
            super().__init__()
            self.inner = [MLPVAE()]
            self.encoder = self.inner[0].encoder
            self.log_likelihood = self.inner[0].log_likelihood

    assert len(train_vae(Bare(), digits[:20], 1, 0)) == 1
    with pytest.raises(ValueError, match="x_mean has shape .* x has"):
        train_vae(Bare(), digits[:20].transpose(0, 3, 1, 2), 1, 0)


def test_a_decoder_that_returns_rows_is_left_to_its_own_likelihood(digits):
    import torch

    from course_utils.pytorch.likelihoods import bernoulli_log_likelihood
    from course_utils.pytorch.training import train_vae
    from course_utils.pytorch.vae import MLPVAE

    class Rows(MLPVAE):
        """A student's model: rows of 784 logits."""

        def __init__(self):
            super().__init__()
            self.decoder = torch.nn.Linear(8, 784)

        def log_likelihood(self, x, z):
            return bernoulli_log_likelihood(self.decoder(z), x.flatten(1))

    assert len(train_vae(Rows(), digits[:20], 1, 0)) == 1


UNEQUAL = [((5, 2), (5, 1)), ((5, 2), (1, 2)), ((5, 1), (5,)), ((5, 2), (2,))]


@pytest.mark.parametrize("one, other", [*UNEQUAL, *(pair[::-1] for pair in UNEQUAL)])
def test_no_formula_stretches_one_shape_to_another(wing, one, other):
    framework = {"pytorch": "torch", "tfkeras": "tensorflow"}[wing.name]
    zeros = importlib.import_module(framework).zeros
    a, b = zeros(one), zeros(other)
    vae, pixels = wing.vae, wing.likelihoods
    calls = [
        lambda: vae.kl_to_standard_normal(a, b),
        lambda: vae.reparameterize(a, a, b),
        lambda: vae.reparameterize(a, b, a),
        lambda: pixels.bernoulli_log_likelihood(a, b),
        lambda: pixels.gaussian_log_likelihood(a, b, 1.0),
        lambda: pixels.gaussian_log_likelihood(a, a, 1.0 + b),
    ]
    for call in calls:
        with pytest.raises(ValueError, match="shape"):
            call()
    assert tuple(vae.kl_to_standard_normal(a, a).shape) == one[:-1]


def test_logits_that_would_be_compared_all_with_all_are_refused():
    import torch

    from course_utils.pytorch.gan import relativistic_loss

    with pytest.raises(ValueError, match="winner has shape"):
        relativistic_loss(torch.zeros(5, 1), torch.zeros(5))


def masked(x):
    return np.ma.masked_array(x, mask=x > 0.9)


def test_hidden_pixels_are_not_trained_on(wing, digits):
    model = wing.vae.ConvVAE()
    for call in (
        lambda: wing.training.train_vae(model, masked(digits[:20]), 1, 0),
        lambda: wing.training.evaluate_vae(model, masked(digits[:20]), samples=5),
        lambda: play(*players(wing), masked(digits[:20]), 100, 0),
    ):
        with pytest.raises(ValueError, match=r"mask hides \d+ .*filled\(0\)"):
            call()


def test_a_mask_that_hides_nothing_is_no_hindrance(wing, digits):
    whole = np.ma.masked_array(digits[:20], mask=False)
    histories = [
        wing.training.train_vae(fresh_vae(wing), x, 1, 0) for x in (digits[:20], whole)
    ]
    assert histories[0] == histories[1]


def fresh_vae(wing):
    wing.device.seed_everything(0)
    return wing.vae.ConvVAE()


def players(wing):
    wing.device.seed_everything(0)
    return wing.networks.Generator(latent_dim=4), wing.networks.Discriminator()


class OnDisk:
    """A data set of a file: it has a type and a shape, and is no array."""

    dtype, shape, ndim = np.dtype("float32"), (20, 28, 28, 1), 4

    def __len__(self):
        return 20


def test_a_data_set_of_a_file_is_told_to_be_read(wing):
    for call in (
        lambda: wing.training.train_vae(wing.vae.ConvVAE(), OnDisk(), 1, 0),
        lambda: play(*players(wing), OnDisk(), 100, 0),
    ):
        with pytest.raises(TypeError, match=r"not OnDisk; numpy\.asarray\(images\)"):
            call()


HINTS = {
    "levels 0 to 3": (lambda x: np.round(3 * x), "from 0 to 3; divide by the largest"),
    "levels 0 to 255": (lambda x: 255 * np.ceil(x), "from 0 to 255; divide bytes"),
    "truths": (lambda x: x > 0.5, r"not bool; zeros and ones .*'float32'\)\."),
    "zeros and ones": (lambda x: (x > 0.5).astype("u1"), r"'float32'\)\."),
    "bytes": (lambda x: (255 * x).astype("u1"), r"'float32'\) / 255"),
    "words": (lambda x: (65535 * x).astype("u2"), "divide by the largest"),
    "rounding": (lambda x: x * (1 + 1e-7), r"from 0 to 1\.0000001.*clip"),
    "around zero": (lambda x: x - 0.5, r"from -0\.5 to 0\.5; images \+ 0\.5"),
    "tanh": (lambda x: 2 * x - 1, r"\(images \+ 1\) / 2"),
    "standardized": (lambda x: (x - 0.1) / 0.3, "undo what was subtracted"),
    "infinite": (lambda x: np.where(x > 0.99, np.inf, x), "NaN or infinity"),
    "holes": (lambda x: np.where(x > 0.99, np.nan, x), "NaN"),
    "unequal sizes": (lambda x: np.array([x[0], None], object), "numpy.stack"),
}


@pytest.mark.parametrize("change, hint", HINTS.values(), ids=HINTS)
def test_the_hint_fits_the_array_at_hand(wing, digits, change, hint):
    images = change(digits[:20].astype(np.float64))
    with pytest.raises((TypeError, ValueError), match=hint):
        wing.training.train_vae(wing.vae.ConvVAE(), images, 1, 0)


BAD_POINTS = {
    "holes": (lambda x: np.where(x > 1, np.nan, x), "contain NaN"),
    "infinite": (lambda x: np.where(x > 1, np.inf, x), "NaN or infinity"),
    "hidden": (lambda x: np.ma.masked_array(x, x > 1), "mask hides"),
    "on the line": (lambda x: x[:, 0], r"\[:, None\]|height, width"),
    "three dimensions": (lambda x: np.c_[x, x[:, 0]], "points of 2 numbers.*have 3"),
    "none": (lambda x: x[:0], "no points"),
}


@pytest.mark.parametrize("change, hint", BAD_POINTS.values(), ids=BAD_POINTS)
def test_points_that_cannot_be_learnt_say_why(rng, change, hint):
    from course_utils.pytorch.networks import MLPDiscriminator, MLPGenerator

    points = change(rng.standard_normal((300, 2)))
    with pytest.raises(ValueError, match=hint):
        play(MLPGenerator(), MLPDiscriminator(), points, 100, 0)


def test_images_of_another_size_do_not_enter_the_game(wing, digits):
    for x in (digits[:20].transpose(0, 3, 1, 2), digits[:20].repeat(3, axis=-1)):
        networks = players(wing)
        before = [wing.numbers(network) for network in networks]
        with pytest.raises(ValueError, match="This model takes images of 28 x 28 x 1"):
            play(*networks, x, 2, 0, batch_size=10, every=1)
        for network, numbers in zip(networks, before, strict=True):
            np.testing.assert_array_equal(wing.numbers(network), numbers)


def test_a_file_in_the_other_byte_order_trains_alike(wing, digits):
    histories = [
        wing.training.train_vae(fresh_vae(wing), digits[:20].astype(kind), 1, 0)
        for kind in ("<f4", ">f4", ">f8")
    ]
    assert histories[0] == histories[1] == histories[2]


def test_whole_numbers_may_be_numpys(wing, digits):
    plain, numpys = (
        wing.training.train_vae(
            fresh_vae(wing), digits[:40], kind(2), kind(3), batch_size=kind(16)
        )
        for kind in (int, np.int64)
    )
    assert plain == numpys
    found = wing.training.evaluate_vae(
        fresh_vae(wing), digits[:4], np.int32(5), np.uint8(1)
    )
    assert found == wing.training.evaluate_vae(fresh_vae(wing), digits[:4], 5, 1)
    x, model = wing.device.to_tensor(digits[:4]), fresh_vae(wing)
    bounds = [wing.vae.iwae_bound(model, x, 5, kind(1)) for kind in (int, np.int64)]
    np.testing.assert_array_equal(*map(wing.device.to_numpy, bounds))


def test_what_is_no_number_of_epochs_or_images_is_refused(wing, digits):
    model = wing.vae.ConvVAE()
    for options, error, words in (
        ({"epochs": 2.0}, TypeError, "epochs must be a whole number, not 2.0"),
        ({"epochs": -1}, ValueError, "epochs must be at least 0"),
        ({"seed": "0"}, TypeError, "seed must be a whole number"),
        ({"batch_size": 0}, ValueError, "batch_size must be at least 1"),
    ):
        with pytest.raises(error, match=words):
            wing.training.train_vae(
                model, digits[:20], **{"epochs": 1, "seed": 0} | options
            )
    with pytest.raises(ValueError, match="samples must be at least 1"):
        wing.training.evaluate_vae(model, digits[:20], samples=0)


def test_real_numbers_may_be_numpys(wing, digits):
    plain, numpys = (
        wing.training.train_vae(
            fresh_vae(wing), digits[:40], 1, 0, learning_rate=kind(1e-3), beta=kind(2)
        )
        for kind in (float, np.float64)
    )
    assert plain == numpys


SCORES = {
    "modes": lambda x: modes.mode_coverage(x, np.zeros((1, 2)), 1.0),
    "one axis": lambda x: modes.wasserstein_1d(x[:, 0], np.arange(20.0)),
    "the other set": lambda x: modes.wasserstein_1d(np.arange(20.0), x[:, 0]),
    "features": lambda x: frechet_distance(x, np.ones((20, 2))),
}


@pytest.mark.parametrize("score", SCORES.values(), ids=SCORES)
def test_no_score_counts_what_a_mask_hides_or_a_hole(rng, score):
    points = rng.standard_normal((30, 2))
    score(points)
    with pytest.raises(ValueError, match="mask hides"):
        score(np.ma.masked_array(points, points > 0))
    with pytest.raises(ValueError, match="NaN or infinity"):
        score(np.where(points > 1, np.nan, points))


def test_no_closed_form_counts_what_a_mask_hides(rng):
    from course_utils.exact.linear_gaussian import LinearGaussian

    x = rng.standard_normal((30, 3))
    model = LinearGaussian.fit(x, 1)
    for call in (
        lambda x: LinearGaussian.fit(x, 1),
        model.log_evidence,
        model.posterior,
    ):
        with pytest.raises(ValueError, match="mask hides"):
            call(np.ma.masked_array(x, x > 0))


def test_only_grey_levels_are_tossed(digits):
    from course_utils.data.mnist import binarize

    assert set(np.unique(binarize(digits[:5], 0))) == {0.0, 1.0}
    for wrong, words in (
        ((255 * digits).astype("u1"), r"astype\('float32'\) / 255"),
        (255 * np.ceil(digits), "divide bytes by 255"),
        (masked(digits), "mask hides"),
        (np.where(digits > 0.9, np.nan, digits), "NaN"),
    ):
        with pytest.raises((TypeError, ValueError), match=words):
            binarize(wrong, 0)
