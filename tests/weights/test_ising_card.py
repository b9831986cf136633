"""What the card of the models of spins says is what their weights give."""

import numpy as np
import pytest
import torch

from course_utils.exact import ising
from course_utils.metrics.bounds import Estimate
from course_utils.metrics.spins import magnetization
from course_utils.pytorch.device import to_images
from course_utils.pytorch.gan import generate
from course_utils.pytorch.likelihoods import BernoulliPixels
from course_utils.pytorch.networks import Generator
from course_utils.pytorch.vae import MLPVAE
from course_utils.pytorch.weights import load_pretrained
from course_utils.weights import card

SIDE, LATENT, DRAWN = 28, 16, 1_000


@pytest.fixture(scope="module")
def about():
    return card("ising")


@pytest.fixture(scope="module")
def models():
    vae = load_pretrained(MLPVAE(BernoulliPixels(), LATENT), "ising", "vae").eval()
    return vae, load_pretrained(Generator(), "ising", "generator").eval()


def white(vae, z):
    with torch.inference_mode():
        return to_images(vae.decode(torch.from_numpy(z)))[..., 0]


def test_the_networks_give_what_the_card_noted(about, models):
    vae, generator = models
    sample = about["sample"]
    rng = np.random.default_rng(sample["seed"])
    z = rng.standard_normal((8, 100), dtype=np.float32)
    # float32, sums in an order that depends on the machine
    found = white(vae, z[:, :LATENT].copy()).mean((1, 2))
    np.testing.assert_allclose(found, sample["vae"], atol=1e-5)
    found = generate(generator, z).mean((1, 2, 3))
    np.testing.assert_allclose(found, sample["generator"], atol=1e-5)


def drawn(models):
    """Spins of other latent points than the card's."""
    vae, generator = models
    rng = np.random.default_rng(7)
    coins = white(vae, rng.standard_normal((DRAWN, LATENT), dtype=np.float32))
    grey = generate(generator, rng.standard_normal((DRAWN, 100)))[..., 0]
    return {
        "VAE, coins": 2 * (rng.random(coins.shape) < coins) - 1,
        "VAE, likelier sides": 2 * (coins > 0.5) - 1,
        "DCGAN": 2 * (grey > 0.5) - 1,
    }


def test_the_observables_are_those_of_the_card(about, models):
    for name, spins in drawn(models).items():
        values = {
            "energy": ising.energies(spins) / SIDE**2,
            "magnetization": magnetization(spins),
        }
        for key, value in values.items():
            mean, error = about["test"][name][key]
            found = Estimate.of(value)
            both = np.hypot(found.standard_error, error)
            assert found.mean == pytest.approx(mean, abs=5 * both), (name, key)


def test_the_exact_values_are_those_of_the_formulas(about):
    exact, beta = about["test"]["exact"], about["beta"]
    assert exact["energy"] == pytest.approx(ising.energy_per_spin(SIDE, beta))
    assert exact["log_z"] == pytest.approx(ising.log_partition(SIDE, beta))
    capacity = ising.heat_capacity_per_spin(SIDE, beta)
    assert exact["heat_capacity"] == pytest.approx(capacity)


def test_configurations_that_were_held_out_have_the_exact_energy(about):
    mean, error = about["test"]["wolff, held out"]["energy"]
    assert mean == pytest.approx(about["test"]["exact"]["energy"], abs=4 * error)


def test_no_bound_lies_above_the_entropy(about):
    """The mean of log p is minus the entropy, and no model can have more."""
    test, beta = about["test"], about["beta"]
    entropy = test["exact"]["log_z"] + beta * SIDE**2 * test["exact"]["energy"]
    (elbo, _), (iwae, error) = test["bounds"]["elbo"], test["bounds"]["iwae_500"]
    assert elbo < iwae < -entropy - 5 * error
