"""Train the lecture's DCGAN on all of MNIST by two recipes; resumes where it was cut.

    COURSE_DATA_DIR=folder python tools/train/dcgan.py [best] [lecture]

Thirty epochs take about an hour a recipe on two CPU cores. Checkpoints, and for each
epoch the generator and a mosaic of fixed noise, go to .training/<recipe>/;
tools/train/weights.py makes weights, card and film of them.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import load_file, save_file

from course_utils.data.mnist import load_mnist
from course_utils.pytorch.device import pick_device, seed_everything
from course_utils.pytorch.game import Game
from course_utils.pytorch.gan import DCGAN_RECIPE, LECTURES_RECIPE
from course_utils.pytorch.layers import renormalize
from course_utils.pytorch.networks import Discriminator, Generator
from course_utils.pytorch.training import train_gan
from course_utils.pytorch.weights import export_weights, import_weights
from course_utils.records.arrays import without_prefix
from course_utils.records.checkpoints import Checkpoints
from course_utils.records.files import replacing
from course_utils.records.history import History

TRAINING = Path(__file__).parents[2] / ".training"
EPOCHS = 30
SEED = 0
NORMALIZED = 2_000  # latent points whose statistics an averaged generator gets


RECIPES = {"best": DCGAN_RECIPE, "lecture": LECTURES_RECIPE}
# In words, for the card.
TEXTS = {
    "best": "Adam (0.5, 0.999) in batches of 128, alternating steps; learning rate "
    "2e-4 for half of the steps, then falling to 1e-5 by an equal factor a step; R1 "
    "penalty of gamma 1 measured on a quarter of the real batch; the running mean "
    "of the generator (decay 0.999), normalized by batches of its own",
    "lecture": "Adam 1e-4 (0.9, 0.999) in batches of 256, simultaneous steps, the last "
    "weights; full batches only",
}


def train(name: str) -> History:
    """Train by the named recipe, or go on where it was cut."""
    recipe, folder = RECIPES[name], TRAINING / name
    digits = load_mnist("train", "full")
    seed_everything(SEED)
    device = pick_device()
    networks = Generator().to(device), Discriminator().to(device)
    game = Game(*networks, digits.x, recipe, SEED)
    every = len(digits) // recipe.batch_size

    def keep(step: int) -> None:
        """The generator after an epoch."""
        result = networks[0] if game.average is None else game.average.module
        with replacing(_generator_file(name, step // every)) as temporary:
            save_file(export_weights(result), temporary)

    checkpoints = Checkpoints(folder / "checkpoints")
    return train_gan(
        game,
        EPOCHS * every,
        every=every,
        watch=keep,
        checkpoints=checkpoints,
        resume=bool(checkpoints.steps()),
    )


def generator_after(name: str, epoch: int) -> Generator:
    """The result of a recipe after so many epochs, on the CPU.

    An averaged generator gets the statistics of its own batches.
    """
    generator = Generator()
    import_weights(generator, load_file(_generator_file(name, epoch)))
    if RECIPES[name].averaging is not None:
        rng = torch.Generator().manual_seed(SEED)
        renormalize(generator, torch.randn(NORMALIZED, 100, generator=rng))
    return generator.eval()


def discriminator_of(name: str) -> dict[str, np.ndarray]:
    """The weights of a recipe's discriminator, from its last checkpoint."""
    arrays = Checkpoints(TRAINING / name / "checkpoints").latest().arrays
    return without_prefix("discriminator", arrays)


def epochs_of(name: str) -> int:
    """How many epochs of a recipe are there."""
    epochs = range(1, EPOCHS + 1)  # by their names: a copy of a file is no epoch
    return sum(_generator_file(name, epoch).is_file() for epoch in epochs)


def _generator_file(name: str, epoch: int) -> Path:
    return TRAINING / name / f"generator-{epoch:02d}.safetensors"


def main() -> None:
    """Train what the command line names, or both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recipes", nargs="*", help=f"of {', '.join(RECIPES)}")
    for name in parser.parse_args().recipes or RECIPES:
        print(train(name), flush=True)


if __name__ == "__main__":
    main()
