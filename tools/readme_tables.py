"""Write the README's tables from the recorded measurements.

python tools/readme_tables.py           write them
python tools/readme_tables.py --check   fail if they are not up to date
"""

import json
import sys
from pathlib import Path

from course_utils.files import replacing

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
LESSONS = {
    "00_start_here": "Where to start: the machine, the route, the symbols",
    "01_elbo": "What is maximized, and how far is it from log p(x)?",
    "02_reparameterization": "How does a gradient pass through a random number?",
    "03_vae_pytorch": "How good is a model of digits, in nats?",
    "04_vae_keras": "What does a latent space of two dimensions show, and hide?",
    "05_gan_game": "Can a model learn from being told apart, and does it end?",
    "06_mode_collapse": "Does a GAN draw everything that there is to draw?",
    "07_dcgan_keras": "What is each layer of a DCGAN for?",
    "08_dcgan_pytorch": "Is it the same network in another framework?",
    "09_latent_space": "What do the hundred numbers behind a digit mean?",
    "elbo_on_a_page": "The formulas of lessons 1 and 2, to print",
}


def route() -> str:
    """The lessons with their minutes and memory."""
    record = json.loads((ROOT / "results" / "lessons.json").read_text())
    lines = ["| lesson | | minutes | memory |", "|---|---|---|---|"]
    for name, words in LESSONS.items():
        minutes, memory = record[name]["minutes"], record[name]["memory_mib"]
        link = f"[{name}](notebooks/{name}.ipynb)"
        lines.append(f"| {link} | {words} | {minutes} | {memory} MiB |")
    return "\n".join(lines)


def measured() -> str:
    """The trainer against a textbook loop and the machine, and the known example."""
    record = json.loads((ROOT / "results" / "benchmark_vae.json").read_text())
    lines = [
        f"One epoch of the lecture's VAE ({record['digits']:,} digits, batch 128) on "
        f"{record['machine']}, PyTorch {record['torch']}; the programs took turns.",
        "",
        "| program | seconds an epoch | speed-up | loss after 3 epochs | share of the "
        "matrix rate |",
        "|---|---|---|---|---|",
    ]
    for name, row in record["programs"].items():
        lines.append(
            f"| {name} | {row['seconds_per_epoch']} | {row['speed_up']} | "
            f"{row['loss_after_3_epochs']} nats | {row['share_of_matrix_rate']:.0%} of "
            f"{row['matrix_rate_gflops']} GFLOP/s |"
        )
    known = json.loads((ROOT / "results" / "known_vae.json").read_text())
    finals = [series["test_loss"][-1] for series in known["seeds"].values()]
    lines += [
        "",
        "PyTorch's own VAE example is quoted with a test loss of "
        f"{known['published_test_loss']} after ten epochs on all of MNIST; here three "
        f"seeds give {', '.join(f'{final:.2f}' for final in finals)}.",
    ]
    return "\n".join(lines)


def measured_in_keras() -> str:
    """The Keras trainer against the lecture's program, and the lecture's figures."""
    record = json.loads((ROOT / "results" / "benchmark_conv_vae.json").read_text())
    lines = [
        f"One epoch of the lecture's convolutional VAE ({record['digits']:,} digits, "
        f"batch 128) on {record['machine']}, TensorFlow "
        f"{record['versions']['tensorflow']}; the programs took turns.",
        "",
        "| program | seconds an epoch | speed-up | share of the matrix rate |",
        "|---|---|---|---|",
    ]
    for name, row in record["training"].items():
        lines.append(
            f"| {name} | {row['seconds_per_epoch']} | {row['speed_up']} | "
            f"{row['share_of_matrix_rate']:.0%} of "
            f"{row['matrix_rate_gflops']} GFLOP/s |"
        )
    runs = json.loads((ROOT / "results" / "conv_vae_lecture.json").read_text())
    lecture, decoding = runs["lecture"], record["manifold"]
    ends = [losses["30"] for losses in lecture["measured"].values()]
    lines += [
        "",
        f"That program is quoted with a loss of {lecture['published']['30']} nats "
        f"after 30 epochs on all of MNIST; here {len(ends)} seeds end between "
        f"{min(ends):.2f} and {max(ends):.2f}; lesson 4 looks into why they differ. "
        f"Decoding {decoding['points']} points in one batch is {decoding['speed_up']} "
        "times as fast as in as many calls of `predict`.",
    ]
    return "\n".join(lines)


def measured_of_the_gan() -> str:
    """The DCGAN's step against the lecture's, and the samples' scores."""
    record = json.loads((ROOT / "results" / "benchmark_dcgan.json").read_text())
    lines = [
        f"One simultaneous step of the lecture's DCGAN (batch {record['batch']}) on "
        f"{record['machine']}; the programs took turns.",
        "",
        "| program | milliseconds a step | speed-up | share of the matrix rate |",
        "|---|---|---|---|",
    ]
    for name, row in record["step"].items():
        lines.append(
            f"| {name} | {row['milliseconds_a_step']:.0f} | {row['speed_up']} | "
            f"{row['share_of_matrix_rate']:.0%} of {row['matrix_rate_gflops']} "
            "GFLOP/s |"
        )
    card = json.loads((ROOT / "course_utils" / "weights" / "dcgan.json").read_text())
    scores = card["test"]
    lines += [
        "",
        f"Scores of {scores['samples']:,} samples, as a small classifier sees them "
        f"(entropy of the classes at most 2.3026 nats; Fréchet distance with floor "
        f"{scores['frechet_floor']}):",
        "",
        "| samples | entropy | rarest class | confidence | Fréchet distance |",
        "|---|---|---|---|---|",
    ]
    for name, row in scores["samplers"].items():
        lines.append(
            f"| {name} | {row['entropy']:.3f} | {row['rarest_class']:.1%} | "
            f"{row['confidence']:.3f} | {row['frechet']} |"
        )
    return "\n".join(lines)


def with_tables(text: str) -> str:
    """The README with what stands between its markers renewed."""
    tables = {
        "route": route(),
        "measured": measured(),
        "measured in Keras": measured_in_keras(),
        "measured of the GAN": measured_of_the_gan(),
    }
    for name, table in tables.items():
        start = f"<!-- {name}: written by tools/readme_tables.py -->"
        end = f"<!-- end of {name} -->"
        before, rest = text.split(start)
        text = f"{before}{start}\n{table}\n{end}{rest.split(end)[1]}"
    return text


def main() -> None:
    """Write or check."""
    text = README.read_text()
    renewed = with_tables(text)
    if "--check" in sys.argv[1:]:
        if renewed != text:
            raise SystemExit("README.md is stale: run python tools/readme_tables.py")
    else:
        with replacing(README) as temporary:
            temporary.write_text(renewed)


if __name__ == "__main__":
    main()
