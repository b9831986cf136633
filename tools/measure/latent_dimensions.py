"""Measure what more latent dimensions do for the convolutional VAE.

    python tools/measure/latent_dimensions.py [seed ...]

Models with two and with eight latent dimensions, the same otherwise, train on the
shipped sample for a few epochs, and are measured on its held-out digits after each.
Runs of one seed are a pair: digits come in the same order. The seeds are 0 to 4, taken
as they come, and each pair is recorded as soon as it is done.
"""

import argparse
import json

from timing import save_record

from course_utils.data.mnist import load_mnist
from course_utils.records import RESULTS
from course_utils.tfkeras.device import seed_everything, versions
from course_utils.tfkeras.training import train_vae
from course_utils.tfkeras.vae import ConvVAE

RECORD = RESULTS / "latent_dimensions.json"
SEEDS = range(5)
DIMENSIONS = (2, 8)
EPOCHS = 15
TERMS = ("loss", "reconstruction", "kl")


def pair(seed: int) -> dict[str, dict[str, list[float]]]:
    """Held-out means after each epoch, by the number of dimensions and by term."""
    train, test = load_mnist("train"), load_mnist("test")
    found = {}
    for latent_dim in DIMENSIONS:
        seed_everything(seed)
        model = ConvVAE(latent_dim=latent_dim)
        history = train_vae(model, train.x, EPOCHS, seed, test_images=test.x)
        series = history.require_complete()
        found[str(latent_dim)] = {
            term: [round(value, 3) for value in series[f"test_{term}"]]
            for term in TERMS
        }
    return found


def empty_record() -> dict:
    """All but the pairs."""
    return {
        "model": "ConvVAE, grey levels",
        "data": load_mnist("train").source,
        "recipe": "Adam 1e-3, batches of 128, float32",
        "epochs": EPOCHS,
        "unit": "nats a held-out image, after each epoch",
        "seeds": "0 to 4, taken as they come; runs of one seed are a pair",
        "versions": versions(),
        "pairs": {},
    }


def main() -> None:
    """Train, record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("seeds", nargs="*", type=int, help=f"all of {SEEDS} if none")
    for seed in parser.parse_args().seeds or SEEDS:
        found = pair(seed)
        # earlier pairs stay
        record = json.loads(RECORD.read_text()) if RECORD.exists() else empty_record()
        record["pairs"][str(seed)] = found
        save_record(RECORD, record)
        losses = [found[str(latent_dim)]["loss"][-1] for latent_dim in DIMENSIONS]
        print(f"seed {seed}:", *losses, flush=True)


if __name__ == "__main__":
    main()
