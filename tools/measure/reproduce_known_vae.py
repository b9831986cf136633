"""Train the VAE that everyone knows, and record how close it comes to its figure.

    COURSE_DATA_DIR=folder python tools/measure/reproduce_known_vae.py

PyTorch's own example: 784-400-20-400-784, Bernoulli cross-entropy of grey levels, Adam
at 1e-3, batches of 128, ten epochs on all of MNIST. Its test loss is quoted as 105.6.
"""

import torch
from timing import save_record

from course_utils.data.mnist import load_mnist
from course_utils.pytorch.device import pick_device, seed_everything
from course_utils.pytorch.likelihoods import BernoulliPixels
from course_utils.pytorch.training import train_vae
from course_utils.pytorch.vae import MLPVAE
from course_utils.records import RESULTS

RECORD = RESULTS / "known_vae.json"
EPOCHS = 10
SEEDS = (0, 1, 2)


def run(seed: int) -> dict[str, list[float]]:
    """The history of one training, with the test set measured after each epoch."""
    train, test = load_mnist("train", "full"), load_mnist("test", "full")
    seed_everything(seed)
    model = MLPVAE(BernoulliPixels(), 20, encoder_hidden=(400,), decoder_hidden=(400,))
    history = train_vae(
        model.to(pick_device()), train.x, EPOCHS, seed, test_images=test.x
    )
    return history.require_complete().series


if __name__ == "__main__":
    record = {
        "data": "MNIST, all of it: 60,000 training and 10,000 test digits",
        "network": "784-400-20-400-784",
        "published_test_loss": 105.6,
        "torch": torch.__version__,
        "seeds": {str(seed): run(seed) for seed in SEEDS},
    }
    save_record(RECORD, record)
    print([series["test_loss"][-1] for series in record["seeds"].values()])
