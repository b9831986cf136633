"""Train the weights that ship with the course, and write their cards.

    COURSE_DATA_DIR=folder python tools/train_weights.py [conv_vae ...]

Trains on all of MNIST's 60,000 training digits and measures on its 10,000 test digits:
about half an hour a model on one CPU core. Each model is made by the function below
that bears its name; the whole course of the training goes to results/.
"""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from course_utils.datasets import load_mnist
from course_utils.evaluation import Estimate
from course_utils.pretrained import save_weights
from course_utils.tfkeras.runtime import (
    export_weights,
    pick_device,
    seed_everything,
    to_numpy,
    to_tensor,
    versions,
)
from course_utils.tfkeras.vae import ConvVAE, elbo, evaluate_vae, train_vae

RESULTS = Path(__file__).parents[1] / "results"
EPOCHS = 30
SEED = 0
SAMPLES = 50
SAMPLE_SEED = 0


def conv_vae() -> None:
    """The lecture's convolutional VAE, by its recipe, with a test set held out."""
    train, test = load_mnist("train", "full"), load_mnist("test", "full")
    seed_everything(SEED)
    model = ConvVAE()
    history = train_vae(model, train.x, EPOCHS, SEED, test_images=test.x)
    history.save(RESULTS / "conv_vae.json")
    print(f"\n{history}", flush=True)
    about = {
        "model": "ConvVAE(latent_dim=2, channels=1)",
        "data": f"{train.source}: {len(train):,} digits, grey levels",
        "epochs": EPOCHS,
        "seed": SEED,
        "recipe": "Adam 1e-3, batches of 128, Glorot-uniform weights",
        "command": "COURSE_DATA_DIR=folder python tools/train_weights.py conv_vae",
        "trained_in": f"tfkeras, on {pick_device()[:3]}",
        "versions": versions(),
        "unit": "nats an image; reconstruction is a cross-entropy of grey levels",
        "test": held_out(model, test.x, test.source),
        "sample": with_fixed_noise(model),
    }
    save_weights("conv_vae", export_weights(model), about)


def held_out(model: ConvVAE, images: np.ndarray, source: str) -> dict[str, Any]:
    """Means over held-out images, with their standard errors."""
    found = evaluate_vae(model, images, SAMPLES, SEED)
    figures: dict[str, Any] = {
        "data": source,
        "digits": len(images),
        "latent_points_a_digit": SAMPLES,
    }
    for name in ("elbo", "reconstruction", "kl"):
        figures[name] = rounded(getattr(found, name))
    figures["iwae"] = {str(k): rounded(value) for k, value in found.iwae.items()}
    return figures


def with_fixed_noise(model: ConvVAE) -> dict[str, Any]:
    """Means over the shipped test digits, with noise that any framework can make."""
    images = load_mnist("test", "sample")
    rng = np.random.default_rng(SAMPLE_SEED)
    epsilon = rng.standard_normal((len(images), model.latent_dim), dtype=np.float32)
    parts = [
        [to_numpy(term) for term in elbo(model, to_tensor(x), noise)]
        for x, noise in zip(*(np.split(a, 4) for a in (images.x, epsilon)), strict=True)
    ]
    terms = np.concatenate(parts, axis=1).astype(np.float64).mean(1)
    return {
        "data": images.source,
        "digits": len(images),
        "epsilon": f"numpy.random.default_rng({SAMPLE_SEED}).standard_normal("
        f"({len(images)}, {model.latent_dim}), dtype=numpy.float32)",
    } | dict(zip(("elbo", "reconstruction", "kl"), terms.tolist(), strict=True))


def rounded(estimate: Estimate) -> dict[str, float]:
    """An estimate for a card."""
    return {
        "mean": round(estimate.mean, 4),
        "standard_error": round(estimate.standard_error, 4),
    }


MODELS: dict[str, Callable[[], None]] = {"conv_vae": conv_vae}


def main() -> None:
    """Train what the command line names, or everything."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help=f"of {', '.join(MODELS)}; all if none")
    names = parser.parse_args().names or list(MODELS)
    if unknown := set(names) - set(MODELS):
        sys.exit(f"No such model: {', '.join(sorted(unknown))}.")
    for name in names:
        MODELS[name]()


if __name__ == "__main__":
    main()
