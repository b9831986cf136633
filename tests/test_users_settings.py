"""What users have set globally for their own work changes no number of the course."""

import numpy as np
import pytest
from playing import play


def keras_run(digits):
    """Numbers of all that is made, trained and drawn in the Keras wing."""
    from course_utils.tfkeras.device import seed_everything
    from course_utils.tfkeras.gan import generate
    from course_utils.tfkeras.networks import Discriminator, Generator
    from course_utils.tfkeras.training import evaluate_vae, train_vae
    from course_utils.tfkeras.vae import ConvVAE
    from course_utils.tfkeras.weights import load_pretrained

    seed_everything(0)
    model = ConvVAE()
    history = train_vae(model, digits[:64], 1, 0, test_images=digits[:20])
    found = evaluate_vae(model, digits[:20], samples=5)
    shipped = load_pretrained(ConvVAE(), "conv_vae")
    networks = Generator(latent_dim=4), Discriminator()
    game = play(*networks, digits[:64], 2, 0, batch_size=16, every=1)
    z = np.random.default_rng(0).standard_normal((3, 4))
    return {
        "history": history.series,
        "elbo": found.elbo,
        "shipped": evaluate_vae(shipped, digits[:20], samples=5).elbo,
        "game": game.series,
        "samples": generate(networks[0], z).tolist(),
        "types": {str(v.dtype) for v in (*model.weights, *networks[0].weights)},
    }


def torch_run(digits):
    """The same in the PyTorch wing, with points besides."""
    from course_utils.data.mixtures import ring_of_gaussians
    from course_utils.pytorch.device import seed_everything
    from course_utils.pytorch.gan import generate
    from course_utils.pytorch.likelihoods import BernoulliPixels
    from course_utils.pytorch.networks import (
        Discriminator,
        Generator,
        MLPDiscriminator,
        MLPGenerator,
    )
    from course_utils.pytorch.remedies import train_with_remedies
    from course_utils.pytorch.training import evaluate_vae, train_vae
    from course_utils.pytorch.vae import MLPVAE, ConvVAE
    from course_utils.pytorch.weights import load_pretrained

    seed_everything(0)
    models = MLPVAE(), MLPVAE(BernoulliPixels()), ConvVAE()
    histories = [
        train_vae(m, digits[:64], 1, 0, test_images=digits[:20]).series for m in models
    ]
    shipped = load_pretrained(ConvVAE(), "conv_vae")
    images, points = (
        (Generator(latent_dim=4), Discriminator()),
        (MLPGenerator(4), MLPDiscriminator()),
    )
    ring = ring_of_gaussians().sample(300, seed=0)
    games = [
        play(*images, digits[:64], 2, 0, batch_size=16, every=1).series,
        play(*points, ring, 4, 0, every=2).series,
    ]
    z = np.random.default_rng(0).standard_normal((3, 4))
    remedied = train_with_remedies(ring, 1.0, 100, seed=0)
    return {
        "histories": histories,
        "elbo": [evaluate_vae(m, digits[:20], samples=5).elbo for m in models],
        "shipped": evaluate_vae(shipped, digits[:20], samples=5).elbo,
        "games": games,
        "samples": [generate(g, z).tolist() for g, _ in (images, points)],
        "remedied": generate(remedied, z[:, :2]).tolist(),
        "types": {str(p.dtype) for m in (*models, *images) for p in m.parameters()},
    }


KERAS_SETTINGS = {
    "channels first": lambda config: config.set_image_data_format("channels_first"),
    "double precision": lambda config: config.set_floatx("float64"),
    "half precision": lambda config: config.set_floatx("float16"),
    "a policy of doubles": lambda config: config.set_dtype_policy("float64"),
    "mixed precision": lambda config: config.set_dtype_policy("mixed_float16"),
    "another epsilon": lambda config: config.set_epsilon(1e-2),
}


@pytest.fixture(scope="module")
def keras_as_it_comes(digits):
    return keras_run(digits)


@pytest.mark.parametrize("change", KERAS_SETTINGS.values(), ids=KERAS_SETTINGS)
def test_a_setting_of_keras_changes_nothing(digits, keras_as_it_comes, change):
    import keras

    config = keras.config
    before = config.floatx(), config.dtype_policy(), config.image_data_format()
    epsilon = config.epsilon()
    change(config)
    chosen = config.floatx(), config.dtype_policy(), config.image_data_format()
    try:
        found = keras_run(digits)
        kept = config.floatx(), config.dtype_policy(), config.image_data_format()
    finally:
        config.set_floatx(before[0])
        config.set_dtype_policy(before[1])
        config.set_image_data_format(before[2])
        config.set_epsilon(epsilon)
    assert found == keras_as_it_comes
    assert kept == chosen


@pytest.fixture(scope="module")
def torch_as_it_comes(digits):
    return torch_run(digits)


@pytest.mark.parametrize("dtype", ["float64", "float16", "bfloat16"])
def test_a_default_type_of_torch_changes_nothing(digits, torch_as_it_comes, dtype):
    import torch

    before = torch.get_default_dtype()
    torch.set_default_dtype(getattr(torch, dtype))
    try:
        found = torch_run(digits)
        kept = torch.get_default_dtype()
    finally:
        torch.set_default_dtype(before)
    assert found == torch_as_it_comes
    assert kept == getattr(torch, dtype)


def test_a_model_of_doubles_is_played_and_drawn_from(digits):
    from playing import play

    from course_utils.pytorch.gan import generate
    from course_utils.pytorch.networks import Discriminator, Generator

    networks = Generator(latent_dim=4).double(), Discriminator().double()
    history = play(*networks, digits[:64], 2, 0, batch_size=16, every=1)
    assert np.isfinite(history["generator_loss"]).all()
    assert generate(networks[0], np.zeros((3, 4))).dtype == np.float32


@pytest.mark.parametrize("wing", ["pytorch", "tfkeras"])
def test_numpy_may_be_set_to_raise_at_every_rounding(digits, wing):
    import importlib

    vae = importlib.import_module(f"course_utils.{wing}.vae")
    training = importlib.import_module(f"course_utils.{wing}.training")
    with np.errstate(all="raise"):
        training.train_vae(vae.ConvVAE(), digits[:64], 1, 0)
        training.evaluate_vae(vae.ConvVAE(), digits[:20], samples=50)
