"""Train a VAE and a DCGAN on configurations of the Ising model, and judge them.

    python tools/train/ising.py vae       a few minutes on two cores
    python tools/train/ising.py dcgan     half an hour or more; can be cut off
    python tools/train/ising.py weights   write weights and card from both

The networks are those of the digits, so the lattice is 28 x 28; a spin of 1 is a white
pixel. Configurations are drawn by Wolff's algorithm near the critical point. What both
draw is made spins by the sign of each pixel's mean, or by a coin a pixel.
"""

import argparse
import os
from pathlib import Path
from typing import Any

import numpy as np
import torch

from course_utils.data.ising import wolff
from course_utils.exact import ising
from course_utils.metrics.bounds import Estimate
from course_utils.metrics.series import correlated_mean
from course_utils.metrics.spins import correlation, magnetization
from course_utils.pytorch.device import (
    pick_device,
    seed_everything,
    to_images,
    to_tensor,
)
from course_utils.pytorch.game import Game
from course_utils.pytorch.gan import DCGAN_RECIPE, generate
from course_utils.pytorch.layers import renormalize
from course_utils.pytorch.likelihoods import BernoulliPixels
from course_utils.pytorch.networks import Discriminator, Generator
from course_utils.pytorch.training import evaluate_vae, train_gan, train_vae
from course_utils.pytorch.vae import MLPVAE
from course_utils.pytorch.weights import export_weights, import_weights
from course_utils.records.arrays import with_prefix
from course_utils.records.checkpoints import Checkpoints
from course_utils.records.files import replacing
from course_utils.weights import save_weights

SIDE, BETA = 28, 0.440687
CONFIGURATIONS, HELD_OUT, SEED = 20_000, 5_000, 0
LATENT, EPOCHS = 16, 60  # of the VAE
STEPS, EVERY = 2_000, 100  # of the game
SAMPLES, DRAW_SEED = 5_000, 1
DISTANCES = (1, 2, 4, 8)
TRAINING = Path(__file__).parents[2] / ".training" / "ising"


def images_of(spins: np.ndarray) -> np.ndarray:
    """Spins (n, side, side) as images (n, side, side, 1) of zeros and ones."""
    return ((spins[..., None] + 1) / 2).astype(np.float32)


def training_spins() -> np.ndarray:
    """What both learn from."""
    return wolff(SIDE, BETA, CONFIGURATIONS, SEED)


def train_the_vae() -> None:
    """One coin a pixel, which is no approximation for spins."""
    images = images_of(training_spins())
    held_out = images_of(wolff(SIDE, BETA, HELD_OUT, SEED + 1))
    seed_everything(SEED)
    model = MLPVAE(BernoulliPixels(), LATENT).to(pick_device())
    history = train_vae(model, images, EPOCHS, SEED, test_images=held_out[:1_000])
    history.require_complete()
    print(history, flush=True)
    keep("vae", model)


def train_the_dcgan() -> None:
    """The shipped recipe of the digits."""
    images = images_of(training_spins())
    seed_everything(SEED)
    device = pick_device()
    pair = Generator().to(device), Discriminator().to(device)
    game = Game(*pair, images, DCGAN_RECIPE, SEED)
    checkpoints = Checkpoints(TRAINING / "dcgan", keep=2)
    resume = bool(checkpoints.folder.exists() and checkpoints.steps())
    history = train_gan(
        game, STEPS, every=EVERY, checkpoints=checkpoints, resume=resume
    )
    history.require_complete()
    print(history, flush=True)
    average = game.average.module  # type: ignore[union-attr]  # the recipe has one
    keep("generator", with_own_statistics(game.networks["generator"]))
    keep("average", with_own_statistics(average))


def with_own_statistics(generator: torch.nn.Module) -> torch.nn.Module:
    """Its normalizations get the statistics of one batch of its own."""
    z = np.random.default_rng(SEED).standard_normal((2_000, 100), dtype=np.float32)
    with torch.no_grad():
        renormalize(generator, torch.from_numpy(z).to(pick_device()))
    return generator


def keep(name: str, model: torch.nn.Module) -> None:
    """Lay a trained model's weights down."""
    TRAINING.mkdir(parents=True, exist_ok=True)
    with replacing(TRAINING / f"{name}.npz") as temporary, temporary.open("wb") as file:
        np.savez(file, **export_weights(model))


def kept(name: str) -> dict[str, np.ndarray]:
    """Its weights in half precision, as they ship."""
    weights = np.load(TRAINING / f"{name}.npz")
    return {key: weights[key].astype(np.float16) for key in weights.files}


def drawn_by_the_vae(model: MLPVAE) -> tuple[np.ndarray, np.ndarray]:
    """Spins by a coin a pixel, and by the likelier side of each coin."""
    rng = np.random.default_rng(DRAW_SEED)
    z = rng.standard_normal((SAMPLES, LATENT), dtype=np.float32)
    white = whiteness(model, z)
    return flipped(white, rng), 2 * (white > 0.5) - 1


def drawn_again_by_the_vae(model: MLPVAE, spins: np.ndarray) -> np.ndarray:
    """Spins by a coin a pixel, of hidden numbers that the encoder draws for others."""
    rng = np.random.default_rng(DRAW_SEED)
    with torch.inference_mode():
        mu, logvar = model.encoder(to_tensor(images_of(spins)))
    scatter = (logvar / 2).exp().numpy()
    noise = rng.standard_normal(mu.shape, dtype=np.float32)
    return flipped(whiteness(model, mu.numpy() + scatter * noise), rng)


def whiteness(model: MLPVAE, z: np.ndarray) -> np.ndarray:
    """The probability that each spin is 1, (n, side, side)."""
    with torch.inference_mode():
        return to_images(model.decode(torch.from_numpy(z)))[..., 0]


def flipped(white: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A coin a spin."""
    return 2 * (rng.random(white.shape) < white) - 1


def drawn_by_the_dcgan(generator: Generator) -> np.ndarray:
    """Spins by the sign of each pixel."""
    rng = np.random.default_rng(DRAW_SEED)
    z = rng.standard_normal((SAMPLES, 100), dtype=np.float32)
    return 2 * (generate(generator, z)[..., 0] > 0.5) - 1


def heat_capacity(spins: np.ndarray) -> np.ndarray:
    """One value a lattice, whose mean is the heat capacity of a spin."""
    energy = ising.energies(spins)
    return BETA**2 * (energy - energy.mean()) ** 2 / SIDE**2


def judged(spins: np.ndarray, mean: Any = Estimate.of) -> dict[str, Any]:
    """Observables of configurations, each a mean with its error."""
    values = {
        "energy": ising.energies(spins) / SIDE**2,
        "heat_capacity": heat_capacity(spins),
        "magnetization": magnetization(spins),
    }
    values |= {f"correlation_{r}": correlation(spins, r) for r in DISTANCES}
    return {name: rounded(mean(value)) for name, value in values.items()}


def of_fixed_points(vae: MLPVAE, generator: Generator) -> dict[str, Any]:
    """What the networks give for latent points that anybody can draw."""
    z = np.random.default_rng(SEED).standard_normal((8, 100), dtype=np.float32)
    return {
        "seed": SEED,
        "z": f"numpy.random.default_rng({SEED}).standard_normal((8, 100), "
        f"dtype=numpy.float32); the VAE takes the first {LATENT} columns",
        "vae": whiteness(vae, z[:, :LATENT].copy()).mean((1, 2)).tolist(),
        "generator": generate(generator, z).mean((1, 2, 3)).tolist(),
    }


def rounded(estimate: Estimate) -> list[float]:
    """Mean and error, for a card."""
    return [round(estimate.mean, 5), round(estimate.standard_error, 5)]


def write_weights() -> None:
    """Weights and card."""
    vae, generator = MLPVAE(BernoulliPixels(), LATENT), Generator()
    weights = {}
    for name, model in (("vae", vae), ("generator", generator)):
        own = kept(name)
        import_weights(model, own)
        weights |= with_prefix(name, own)
    average = Generator()
    import_weights(average, kept("average"))
    held_out = wolff(SIDE, BETA, HELD_OUT, SEED + 1)
    bounds = evaluate_vae(vae, images_of(held_out)[:1_000], samples=500)
    coins, signs = drawn_by_the_vae(vae)
    about = {
        "model": f"MLPVAE(BernoulliPixels(), {LATENT}) and Generator(), half precision",
        "data": f"{CONFIGURATIONS:,} configurations of {SIDE} x {SIDE} spins, "
        f"wolff({SIDE}, {BETA}, {CONFIGURATIONS}, {SEED})",
        "beta": BETA,
        "epochs": {"vae": EPOCHS},
        "steps": {"generator": STEPS},
        "seed": SEED,
        "recipe": "VAE: Adam 1e-3, batches of 128; generator: gan.DCGAN_RECIPE, its "
        "last weights, since the running mean still holds early ones after so few "
        "steps",
        "command": "python tools/train/ising.py",
        "trained_in": "pytorch, on CPU; the game in bfloat16",
        "versions": {"torch": torch.__version__, "numpy": np.__version__},
        "test": {
            "samples": SAMPLES,
            "bounds": {
                "elbo": rounded(bounds.elbo),
                "iwae_500": rounded(bounds.iwae[500]),
            },
            "exact": {
                "energy": ising.energy_per_spin(SIDE, BETA),
                "heat_capacity": ising.heat_capacity_per_spin(SIDE, BETA),
                "log_z": ising.log_partition(SIDE, BETA),
            },
            "wolff, held out": judged(held_out, correlated_mean),
            "VAE, coins": judged(coins),
            "VAE, likelier sides": judged(signs),
            "VAE, coins, hidden numbers of true lattices": judged(
                drawn_again_by_the_vae(vae, held_out)
            ),
            "DCGAN": judged(drawn_by_the_dcgan(generator)),
            "DCGAN, running mean of its weights": judged(drawn_by_the_dcgan(average)),
        },
        "sample": of_fixed_points(vae, generator),
    }
    for name, row in about["test"].items():
        print(name, row, flush=True)
    save_weights("ising", weights, about)


def main() -> None:
    """Do what the command line names."""
    todo = {
        "vae": train_the_vae,
        "dcgan": train_the_dcgan,
        "weights": write_weights,
    }
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="+", choices=todo)
    os.environ["COURSE_STATIC"] = "1"
    for name in parser.parse_args().names:
        todo[name]()


if __name__ == "__main__":
    main()
