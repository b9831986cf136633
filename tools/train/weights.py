"""Train the weights that ship with the course, and write their cards.

    COURSE_DATA_DIR=folder python tools/train/weights.py [conv_vae ...]

Trains on all of MNIST's 60,000 training digits and measures on its 10,000 test digits:
about half an hour the VAE on one CPU core, a minute the classifier, two hours the two
trainings of the DCGAN on two cores, which tools/train/dcgan.py can do beforehand, and
more than an hour the diffusion on one core, which tools/train/diffusion.py can. The two
models of spins (tools/train/ising.py) draw their own data. Each
model is made by the function below that bears its name, which imports the framework
that it needs; the whole course of a long training becomes one of the recorded results.
The classifier's training can be shared by several processes, see `pytorch.team`.
"""

import argparse
import math
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from course_utils.data.mnist import Images, load_mnist
from course_utils.metrics.bounds import Estimate
from course_utils.metrics.classifier import DigitClassifier
from course_utils.records import RESULTS
from course_utils.records.arrays import with_prefix, without_prefix
from course_utils.weights import save_weights

if TYPE_CHECKING:
    import torch
    from torch import nn

    from course_utils.pytorch.networks import Generator
    from course_utils.pytorch.team import Team
    from course_utils.tfkeras.vae import ConvVAE

EPOCHS = 30
SEED = 0
SAMPLES = 50
SAMPLE_SEED = 0
CARD_SAMPLES = 10_000
CARD_EPOCHS = (1, 5, 15, 30)
DRAW_SEED = 1
CLASSIFIER_EPOCHS = 25
CLASSIFIER_BATCH = 250


def conv_vae() -> None:
    """The lecture's convolutional VAE, by its recipe, with a test set held out."""
    from course_utils.tfkeras.device import pick_device, seed_everything, versions
    from course_utils.tfkeras.training import train_vae
    from course_utils.tfkeras.vae import ConvVAE
    from course_utils.tfkeras.weights import export_weights

    train, test = load_mnist("train", "full"), load_mnist("test", "full")
    seed_everything(SEED)
    model = ConvVAE()
    history = train_vae(model, train.x, EPOCHS, SEED, test_images=test.x)
    history.require_complete()
    history.save(RESULTS / "conv_vae.json")
    print(f"\n{history}", flush=True)
    about = {
        "model": "ConvVAE(latent_dim=2, channels=1)",
        "data": f"{train.source}: {len(train):,} digits, grey levels",
        "epochs": EPOCHS,
        "seed": SEED,
        "recipe": "Adam 1e-3, batches of 128, Glorot-uniform weights",
        "command": "COURSE_DATA_DIR=folder python tools/train/weights.py conv_vae",
        "trained_in": f"tfkeras, on {pick_device()[:3]}",
        "versions": versions(),
        "unit": "nats an image; reconstruction is a cross-entropy of grey levels",
        "test": held_out(model, test.x, test.source),
        "sample": with_fixed_noise(model),
    }
    save_weights("conv_vae", export_weights(model), about)


def held_out(model: "ConvVAE", images: np.ndarray, source: str) -> dict[str, Any]:
    """Means over held-out images, with their standard errors."""
    from course_utils.tfkeras.training import evaluate_vae

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


def with_fixed_noise(model: "ConvVAE") -> dict[str, Any]:
    """Means over the shipped test digits, with noise that any framework can make."""
    from course_utils.tfkeras.device import to_numpy, to_tensor
    from course_utils.tfkeras.vae import elbo

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


def digit_classifier() -> None:
    """The dense network that `metrics.DigitClassifier` runs, in half precision."""
    import torch

    from course_utils.pytorch.team import Team
    from course_utils.pytorch.weights import export_weights

    train, test = load_mnist("train", "full"), load_mnist("test", "full")
    team = Team.joined()
    model = trained_classifier(train, CLASSIFIER_EPOCHS, team)
    team.leave()
    if not team.is_first:
        return
    named = {"hidden1": model[0], "hidden2": model[3], "logits": model[6]}
    weights = {
        f"{layer}.{name}": array.astype(np.float16)
        for layer, module in named.items()
        for name, array in export_weights(module).items()
    }
    about = {
        "model": "dense layers 784-256-64-10 with ReLU, run by metrics.DigitClassifier",
        "data": f"{train.source}: {len(train):,} digits, grey levels",
        "epochs": CLASSIFIER_EPOCHS,
        "seed": SEED,
        "recipe": "AdamW, one cycle up to 3e-3, batches of 250, dropout 0.1; digits "
        "are turned, sheared, stretched and shifted a little at each visit",
        "command": "COURSE_DATA_DIR=folder python tools/train/weights.py "
        "digit_classifier",
        "trained_in": "pytorch, on CPU",
        "versions": {"torch": torch.__version__, "numpy": np.__version__},
        "unit": "share of digits whose class is found",
        "test": accuracy(weights, test),
        "sample": accuracy(weights, load_mnist("test", "sample")),
    }
    print(f"\n{about['test']}", flush=True)
    save_weights("digit_classifier", weights, about)


def trained_classifier(
    train: Images, epochs: int, team: "Team", dropout: float = 0.1
) -> "nn.Sequential":
    """Train it on distorted digits, together with a team's other processes."""
    import torch
    from torch import nn

    from course_utils.pytorch.device import batches, seed_everything

    seed_everything(SEED)
    sizes = (784, 256, 64)
    hidden = [
        layer
        for width, more in zip(sizes, sizes[1:], strict=False)
        for layer in (nn.Linear(width, more), nn.ReLU(), nn.Dropout(dropout))
    ]
    model = nn.Sequential(*hidden, nn.Linear(sizes[-1], 10))
    shared = team.sharing(model)
    x, y = torch.from_numpy(train.x[..., 0]), torch.from_numpy(train.y)
    steps = epochs * math.ceil(len(x) / CLASSIFIER_BATCH)
    optimizer = torch.optim.AdamW(model.parameters(), weight_decay=0.01)
    rate = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, total_steps=steps)
    generator = torch.Generator().manual_seed(SEED)
    for epoch in range(epochs):
        for rows in batches(torch.arange(len(x)), CLASSIFIER_BATCH, generator):
            image = team.part(distorted(x[rows], generator).flatten(1))
            label = team.part(y[rows])
            loss = nn.functional.cross_entropy(shared(image), label, reduction="sum")
            optimizer.zero_grad()
            (team.summed(loss) / len(rows)).backward()
            optimizer.step()
            rate.step()
        if team.is_first:
            print(f"\repoch {epoch + 1} of {epochs}", end="", flush=True)
    return model


def distorted(x: "torch.Tensor", generator: "torch.Generator") -> "torch.Tensor":
    """Each image (n, 28, 28) under a small affine map of its own.

    The map's matrix differs from unity by normal numbers of 0.08, and its shift has
    1.4 pixels, both as standard deviations.
    """
    import torch
    import torch.nn.functional as F

    noise = torch.randn(len(x), 2, 3, generator=generator)
    maps = torch.eye(2, 3) + noise * torch.tensor([0.08, 0.08, 0.1])
    grid = F.affine_grid(maps, [len(x), 1, 28, 28], align_corners=False)
    return F.grid_sample(x[:, None], grid, align_corners=False)[:, 0]


def accuracy(weights: dict[str, np.ndarray], images: Images) -> dict[str, Any]:
    """The share of digits whose class is found, with its standard error."""
    classes = DigitClassifier(weights).probabilities(images.x).argmax(1)
    share = float((classes == images.y).mean())
    error = math.sqrt(share * (1 - share) / len(images))
    return {
        "data": images.source,
        "digits": len(images),
        "accuracy": {"mean": share, "standard_error": round(error, 5)},
    }


def dcgan() -> None:
    """The lecture's DCGAN, by the better of two recipes; both are on the card."""
    from dcgan import RECIPES, train

    for name in RECIPES:
        history = train(name).require_complete()
        history.save(RESULTS / f"dcgan_{name}.json")
        print(f"\n{name}: {history}", flush=True)
    write_dcgan()


def write_dcgan() -> None:
    """Weights, card and film of what is trained."""
    import torch
    from dcgan import TEXTS, discriminator_of, epochs_of
    from dcgan_film import save_film

    from course_utils.pytorch.weights import export_weights

    weights = with_prefix("generator", export_weights(result_of("best")))
    weights |= with_prefix("discriminator", discriminator_of("best"))
    weights = {name: array.astype(np.float16) for name, array in weights.items()}
    about = {
        "model": "Generator() and Discriminator(), in half precision",
        "data": "MNIST, all of it, train split: 60,000 digits in [-1, 1]",
        "epochs": epochs_of("best"),
        "seed": SEED,
        "recipe": TEXTS["best"],
        "command": "COURSE_DATA_DIR=folder python tools/train/weights.py dcgan",
        "trained_in": "pytorch, multiplications in bfloat16",
        "versions": {"torch": torch.__version__, "numpy": np.__version__},
        "test": measured_samples(),
        "sample": of_fixed_points(weights),
    }
    if epochs_of("lecture"):
        about["lectures_recipe"] = TEXTS["lecture"]
    save_weights("dcgan", weights, about)
    save_film()


def result_of(recipe: str, epoch: int | None = None) -> "Generator":
    """A recipe's generator as it ships, rounded to half precision."""
    from dcgan import epochs_of, generator_after

    return generator_after(recipe, epoch or epochs_of(recipe)).half().float()


def measured_samples() -> dict[str, Any]:
    """Scores of both recipes, of the VAE's samples and of held-out digits."""
    from dcgan import epochs_of

    from course_utils.metrics.digits import digit_scores

    train, test = load_mnist("train", "full"), load_mnist("test", "full")
    real = train.x[: 2 * CARD_SAMPLES]
    samples = {
        f"{words}, {epochs_of(recipe)} epochs": drawn(result_of(recipe))
        for recipe, words in (("best", "shipped"), ("lecture", "lecture's recipe"))
        if epochs_of(recipe)
    }
    samples["VAE of lesson 4"] = drawn_from_the_vae()
    samples["real digits, held out"] = test.x
    floor = digit_scores(test.x, real).frechet
    by_epoch = {
        str(epoch): digit_scores(drawn(result_of("best", epoch)), real).frechet.value
        for epoch in CARD_EPOCHS
        if epoch <= epochs_of("best")
    }
    return {
        "samples": CARD_SAMPLES,
        "z": f"numpy.random.default_rng({DRAW_SEED}).standard_normal, all of them",
        "real": f"{len(real):,} training digits, in two halves",
        "frechet_floor": round(floor.floor, 3),
        "frechet_floor_sd": round(floor.floor_sd, 3),
        "samplers": {
            name: scores_of(x, real, train.x, test.x) for name, x in samples.items()
        },
        "frechet_by_epoch": {key: round(value, 2) for key, value in by_epoch.items()},
    }


def scores_of(
    x: np.ndarray, real: np.ndarray, training: np.ndarray, held_out: np.ndarray
) -> dict[str, float]:
    """What a card says of one sampler; shares are of one."""
    from course_utils.metrics.digits import digit_scores, memorized_share

    found = digit_scores(x, real)
    return {
        "entropy": round(found.entropy.value, 4),
        "rarest_class": round(float(found.counts.min() / found.n), 4),
        "commonest_class": round(float(found.counts.max() / found.n), 4),
        "confidence": round(found.confidence.value, 4),
        "frechet": round(found.frechet.value, 2),
        "near_a_training_digit": round(memorized_share(x, training, held_out).value, 4),
    }


def drawn(generator: "Generator") -> np.ndarray:
    """Samples of a generator, as many as a card's scores are of."""
    from course_utils.pytorch.gan import generate

    rng = np.random.default_rng(DRAW_SEED)
    z = rng.standard_normal((CARD_SAMPLES, 100), dtype=np.float32)
    return generate(generator, z)


def drawn_from_the_vae() -> np.ndarray:
    """Grey levels that the convolutional VAE decodes latent points to."""
    import torch

    from course_utils.pytorch.device import to_images
    from course_utils.pytorch.vae import ConvVAE
    from course_utils.pytorch.weights import load_pretrained

    model = load_pretrained(ConvVAE(), "conv_vae")
    rng = np.random.default_rng(DRAW_SEED)
    z = torch.from_numpy(rng.standard_normal((CARD_SAMPLES, 2), dtype=np.float32))
    with torch.inference_mode():
        return to_images(model.decode(z))


def of_fixed_points(weights: dict[str, np.ndarray]) -> dict[str, Any]:
    """What the networks give for latent points that any framework can make."""
    import torch

    from course_utils.pytorch.device import to_numpy, to_tensor
    from course_utils.pytorch.gan import generate
    from course_utils.pytorch.networks import Discriminator, Generator
    from course_utils.pytorch.weights import import_weights

    networks = {"generator": Generator(), "discriminator": Discriminator().eval()}
    for part, network in networks.items():
        import_weights(network, without_prefix(part, weights))
    rng = np.random.default_rng(SAMPLE_SEED)
    z = rng.standard_normal((8, 100), dtype=np.float32)
    images = generate(networks["generator"], z)
    with torch.inference_mode():
        logits = to_numpy(networks["discriminator"](2 * to_tensor(images) - 1))[:, 0]
    return {
        "seed": SAMPLE_SEED,
        "z": f"numpy.random.default_rng({SAMPLE_SEED}).standard_normal((8, 100), "
        "dtype=numpy.float32)",
        "grey": images.mean(axis=(1, 2, 3)).tolist(),
        "logits": logits.tolist(),
    }


def ising() -> None:
    """A VAE and a DCGAN of spins, whose distribution is known."""
    from ising import train_the_dcgan, train_the_vae, write_weights

    train_the_vae()
    train_the_dcgan()
    write_weights()


def diffusion() -> None:
    """The small diffusion of digits, an hour on a CPU core with bfloat16."""
    import torch
    from diffusion import RECIPE, STEPS, train_on_mnist
    from diffusion_card import measured_samples, of_fixed_noise

    from course_utils.pytorch.weights import export_weights

    network, history = train_on_mnist()
    history.save(RESULTS / "diffusion.json")
    network = network.half().float().eval()  # as it ships
    about = {
        "model": "UNet(), in half precision",
        "data": "MNIST, all of it, train split: 60,000 digits in [-1, 1]",
        "steps": STEPS,
        "seed": SEED,
        "recipe": RECIPE,
        "command": "COURSE_DATA_DIR=folder python tools/train/weights.py diffusion",
        "trained_in": "pytorch, on CPU, multiplications in bfloat16",
        "versions": {"torch": torch.__version__, "numpy": np.__version__},
        "test": measured_samples(network, scores_of, CARD_SAMPLES, DRAW_SEED),
        "sample": of_fixed_noise(network, SAMPLE_SEED),
    }
    weights = export_weights(network)
    weights = {name: array.astype(np.float16) for name, array in weights.items()}
    save_weights("diffusion", weights, about)


MODELS: dict[str, Callable[[], None]] = {
    "conv_vae": conv_vae,
    "digit_classifier": digit_classifier,
    "dcgan": dcgan,
    "ising": ising,
    "diffusion": diffusion,
}


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
